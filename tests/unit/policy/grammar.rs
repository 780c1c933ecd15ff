//! The parsers against the grammars of the RFCs, written down once more as the RFCs have them.
//!
//! A small matcher tries every way in which a text can be a word of a grammar. What it says is compared with the
//! parsers for texts that are put together from what such texts are made of, so that half of them are nearly right.

use crate::targets;
use proptest::prelude::*;
use smtp_sts_verify::policy::mta_sts::{self, Body};
use smtp_sts_verify::policy::tls_rpt;
use std::collections::BTreeSet;

/// A rule of a grammar (RFC 5234, RFC 7405).
enum Rule {
    /// These octets, in this case.
    Text(&'static str),
    /// One character that the function takes.
    One(fn(char) -> bool),
    /// One after the other.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    /// So many times at least, and at most.
    Times(usize, usize, Box<Self>),
    /// The rule, where what it matched is also as the function wants it: what the RFCs say in words.
    And(Box<Self>, fn(&str) -> bool),
}

use Rule::{All, And, Any, One, Text};

fn times(least: usize, most: usize, rule: Rule) -> Rule {
    Rule::Times(least, most, Box::new(rule))
}

fn many(rule: Rule) -> Rule {
    times(0, usize::MAX, rule)
}

fn maybe(rule: Rule) -> Rule {
    times(0, 1, rule)
}

impl Rule {
    /// Where a match that begins at `from` can end.
    fn ends(&self, text: &str, from: usize) -> BTreeSet<usize> {
        let on = |ends: &BTreeSet<usize>, rule: &Self| -> BTreeSet<usize> {
            ends.iter().flat_map(|end| rule.ends(text, *end)).collect()
        };
        match self {
            Text(octets) => {
                text[from..].starts_with(octets).then(|| from + octets.len()).into_iter().collect()
            }
            One(takes) => text[from..]
                .chars()
                .next()
                .filter(|c| takes(*c))
                .map(|c| from + c.len_utf8())
                .into_iter()
                .collect(),
            All(rules) => rules.iter().fold(BTreeSet::from([from]), |ends, rule| on(&ends, rule)),
            Any(rules) => rules.iter().flat_map(|rule| rule.ends(text, from)).collect(),
            Self::Times(least, most, rule) => {
                let (mut all, mut last, mut count) = (BTreeSet::new(), BTreeSet::from([from]), 0);
                while !last.is_empty() && count <= *most {
                    if count >= *least {
                        all.extend(&last);
                    }
                    last = on(&last, rule)
                        .into_iter()
                        .filter(|end| count < *least || !all.contains(end))
                        .collect();
                    count += 1;
                }
                all
            }
            And(rule, holds) => {
                rule.ends(text, from).into_iter().filter(|end| holds(&text[from..*end])).collect()
            }
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.ends(text, 0).contains(&text.len())
    }
}

fn blanks() -> Rule {
    many(One(|c| c == ' ' || c == '\t'))
}

/// `sts-field-delim` of RFC 8461 section 3.1, `field-delim` of RFC 8460 section 3.
fn delimiter() -> Rule {
    All(vec![blanks(), Text(";"), blanks()])
}

/// `sts-ext-name`, `tlsrpt-ext-name`, `sts-policy-ext-name`.
fn name() -> Rule {
    let more = One(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    All(vec![One(|c| c.is_ascii_alphanumeric()), times(0, 31, more)])
}

/// `sts-extension`, `tlsrpt-extension`, of another name than `id` and `rua` where these are still to come.
fn extension() -> Rule {
    All(vec![name(), Text("="), times(1, usize::MAX, One(|c| c.is_ascii_graphic() && c != ';' && c != '='))])
}

/// `sts-text-record` of RFC 8461 section 3.1: `sts-id` is required, and the first field of that name is it.
fn sts_text_record() -> Rule {
    let id = All(vec![Text("id="), times(1, 32, One(|c| c.is_ascii_alphanumeric()))]);
    let other = And(Box::new(extension()), |field| !field.starts_with("id="));
    All(vec![
        Text("v=STSv1"),
        many(All(vec![delimiter(), other])),
        delimiter(),
        id,
        many(All(vec![delimiter(), extension()])),
        maybe(delimiter()),
    ])
}

/// `URI` of RFC 3986 section 3, without the characters that have to be encoded here (`!`, `,` and `;`); a `mailto` has
/// an address and an `https` a host.
fn uri() -> Rule {
    let unreserved = || One(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'));
    let encoded = || {
        let digit = || One(|c| c.is_ascii_hexdigit());
        All(vec![Text("%"), digit(), digit()])
    };
    let below = || One(|c| matches!(c, '$' | '&' | '\'' | '(' | ')' | '*' | '+' | '='));
    let pchar = || Any(vec![unreserved(), encoded(), below(), Text(":"), Text("@")]);
    let path = || many(Any(vec![pchar(), Text("/")]));
    let tail = || many(Any(vec![pchar(), Text("/"), Text("?")]));
    let user = All(vec![many(Any(vec![unreserved(), encoded(), below(), Text(":")])), Text("@")]);
    let name = many(Any(vec![unreserved(), encoded(), below()]));
    let port = All(vec![Text(":"), many(One(|c| c.is_ascii_digit()))]);
    let authority = All(vec![Text("//"), maybe(user), name, maybe(port)]);
    let absolute = maybe(All(vec![Text("/"), path()]));
    let other = And(Box::new(path()), |path| !path.starts_with("//"));
    let scheme = One(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let uri = All(vec![
        One(|c| c.is_ascii_alphabetic()),
        many(scheme),
        Text(":"),
        Any(vec![All(vec![authority, absolute]), other]),
        maybe(All(vec![Text("?"), tail()])),
        maybe(All(vec![Text("#"), tail()])),
    ]);
    And(Box::new(uri), |uri| {
        let (scheme, rest) = uri.split_once(':').unwrap();
        match scheme {
            "mailto" => {
                let address = rest.split(['?', '#']).next().unwrap();
                // `addr-spec` of RFC 6068 section 2, once: a report goes to one address at one host.
                let parts: Vec<&str> = address.split('@').collect();
                let [local, host] = parts[..] else { return false };
                let host = host.to_ascii_uppercase();
                let is_literal = host.starts_with("%5B") && host.ends_with("%5D");
                let is_name = host.split('.').all(|label| !label.is_empty())
                    && ![":", "/", "%40", "%2C"].iter().any(|other| host.contains(other));
                !local.is_empty() && !local.contains('/') && (is_literal || is_name)
            }
            "https" => {
                let authority =
                    rest.strip_prefix("//").unwrap_or_default().split(['/', '?', '#']).next().unwrap();
                !authority.rsplit('@').next().unwrap().split(':').next().unwrap().is_empty()
            }
            _ => true,
        }
    })
}

/// `tlsrpt-record` of RFC 8460 section 3: `tlsrpt-rua` is required.
fn tlsrpt_record() -> Rule {
    let rua = || All(vec![Text("rua="), uri(), many(All(vec![blanks(), Text(","), blanks(), uri()]))]);
    let other = || And(Box::new(extension()), |field| !field.starts_with("rua="));
    let fields = || many(All(vec![delimiter(), Any(vec![rua(), other()])]));
    let whole = All(vec![Text("v=TLSRPTv1"), fields(), delimiter(), rua(), fields(), maybe(delimiter())]);
    // "The scheme is either mailto or https": with none of them, nobody can report.
    And(Box::new(whole), |record| {
        let blank = |c| c == ' ' || c == '\t';
        let items = record.split(';').filter_map(|field| field.trim_matches(blank).strip_prefix("rua="));
        let mut uris = items.flat_map(|value| value.split(',')).map(|uri| uri.trim_matches(blank));
        uris.any(|uri| uri.starts_with("mailto:") || uri.starts_with("https:"))
    })
}

/// One line of `sts-policy-record` of RFC 8461 section 3.2, as any key and value.
fn policy_line() -> Rule {
    let vchar = || One(|c| c.is_ascii_graphic() || !c.is_ascii());
    let value = All(vec![
        vchar(),
        maybe(All(vec![many(One(|c| c == ' ' || c.is_ascii_graphic() || !c.is_ascii())), vchar()])),
    ]);
    All(vec![name(), Text(":"), blanks(), value, blanks()])
}

/// `["*."] Domain`, with `Domain` of RFC 5321 section 4.1.2.
fn mx() -> Rule {
    let letdig = || One(|c| c.is_ascii_alphanumeric());
    let label = || {
        let more = All(vec![many(One(|c| c.is_ascii_alphanumeric() || c == '-')), letdig()]);
        All(vec![letdig(), maybe(more)])
    };
    All(vec![maybe(Text("*.")), label(), many(All(vec![Text("."), label()]))])
}

/// What section 3.2 says of the whole: every line is one of the grammar or blank (our decision), the first of each
/// required key counts, and every `mx` is one.
fn is_policy(text: &str) -> bool {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let last = lines.pop().unwrap();
    let mut lines: Vec<&str> =
        lines.into_iter().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    lines.push(last);
    if !lines.iter().all(|line| policy_line().matches(line) || blanks().matches(line)) {
        return false;
    }
    let fields: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key, value.trim_matches([' ', '\t'])))
        .collect();
    let first = |wanted| fields.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
    // A final dot is dropped (our decision), and what ends in a number is an address or nothing at all.
    let names: Vec<&str> = fields
        .iter()
        .filter(|(key, _)| *key == "mx")
        .map(|(_, value)| value.strip_suffix('.').unwrap_or(value))
        .collect();
    let is_name = |name: &&str| {
        mx().matches(name) && !name.rsplit('.').next().unwrap().bytes().all(|b| b.is_ascii_digit())
    };
    first("version") == Some("STSv1")
        && first("mode").is_some_and(|mode| ["enforce", "testing", "none"].contains(&mode))
        && first("max_age")
            .is_some_and(|age| (1..=10).contains(&age.len()) && age.bytes().all(|b| b.is_ascii_digit()))
        && names.iter().all(is_name)
        && (!names.is_empty() || first("mode") == Some("none"))
}

/// Texts put together from `pieces`.
fn patchwork(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(pieces), 0..most).prop_map(|pieces| pieces.concat())
}

#[rustfmt::skip]
const TXT: &[&str] = &[
    ";", ";", "; ", " ;", "; ", "\t", " ", "=", "v=STSv1", "id=", "id=", "id=a1", "id=a1",
    "id=20261122T190000", "ID=1", "id=a-1", "x=y", "a.b-c_d=1", "_x=1", "x=", "v=STSv1", "a", "1", "-", "é",
    "\"", "!", "\u{7f}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "note=a=b",
];

#[rustfmt::skip]
const RPT: &[&str] = &[
    ";", ";", "; ", " ;", "\t", " ", ",", " , ", "=", "rua=", "rua=", "rua=mailto:a@b.example",
    "rua=mailto:a@b.example", "mailto:a@b.example", "https://r.example/x", "https://", "https:/x",
    "mailto:", "mailto:@", "https://u@h.example:1/", "ftp://h.example", "%2C", "%", "?", "#", "@", ":", "/",
    "!", "x=y", "_x=1", "x=", "v=TLSRPTv1", "RUA=x", "a", "é",
];

#[rustfmt::skip]
const POLICY: &[&str] = &[
    "\n", "\n", "\n", "\r\n", "\r", " ", "\t", ":", "version: STSv1\n", "version: STSv1", "mode: enforce\n",
    "mode:testing\r\n", "mode: none", "mode: x\n", "mode : none", "max_age: 86400\n", "max_age:1",
    "max_age: 12345678901\n", "max_age: 31557601", "mx: mx.example.com\n", "mx: *.example.com", "mx: *\n",
    "mx: .example.com", "mx: a.b.", "mx: a, b\n", "mx: 1.2.3.4\n", "mx: a_b.c", "mx: -a", "mx:\tmx1 \n",
    "mx: *.*.a\n", "x-y_z.1: a b\n", "_x: y", "x: é\n", "x:\n", "x: a\tb", "Mode: none\n", "\u{feff}", "\0",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_of_mta_sts_is_one_of_the_grammar_and_the_other_way_round(rest in patchwork(TXT, 9), whole: bool) {
        let text = if whole { format!("v=STSv1; {rest}") } else { rest };
        prop_assert_eq!(mta_sts::Record::parse(&text).is_ok(), sts_text_record().matches(&text), "{:?}", text);
        targets::mta_sts_record(text.as_bytes());
    }

    #[test]
    fn a_record_of_tlsrpt_is_one_of_the_grammar_and_the_other_way_round(rest in patchwork(RPT, 9), whole: bool) {
        let text = if whole { format!("v=TLSRPTv1;{rest}") } else { rest };
        prop_assert_eq!(tls_rpt::Record::parse(&text).is_ok(), tlsrpt_record().matches(&text), "{:?}", text);
        targets::tls_rpt(text.as_bytes());
    }

    #[test]
    fn a_policy_is_one_of_the_grammar_and_the_other_way_round(rest in patchwork(POLICY, 9), begun: bool) {
        let begin = if begun { "version: STSv1\nmode: enforce\nmx: mx1.example.com\n" } else { "" };
        let text = format!("{begin}{rest}");
        prop_assert_eq!(Body::parse(text.as_bytes()).is_ok(), is_policy(&text), "{:?}", text);
        targets::mta_sts_body(text.as_bytes());
    }

    #[test]
    fn no_octets_panic_and_every_finding_is_in_its_place(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        targets::record(&octets);
        targets::mta_sts_record(&octets);
        targets::mta_sts_body(&octets);
        targets::mta_sts_policy(&octets);
        targets::tls_rpt(&octets);
        targets::tlsa(&octets);
    }

    #[test]
    fn every_finding_about_a_text_is_between_its_characters(text in "\\PC{0,40}", known in patchwork(POLICY, 4)) {
        let text = format!("{known}{text}");
        targets::record(format!("v=STS1; to=true; mx={text}").as_bytes());
        targets::mta_sts_record(format!("v=STSv1; id=1; {text}").as_bytes());
        targets::mta_sts_body(text.as_bytes());
        targets::tls_rpt(format!("v=TLSRPTv1; rua={text}").as_bytes());
    }
}

/// The matcher itself, so that the comparison above is one.
#[test]
fn the_matcher_knows_the_examples_of_the_rfcs() {
    assert!(sts_text_record().matches("v=STSv1; id=20160831085700Z;"));
    assert!(!sts_text_record().matches("v=STSv1; id=20160831085700Z;;"));
    assert!(!sts_text_record().matches("v=STSv1;"));
    assert!(tlsrpt_record().matches("v=TLSRPTv1;rua=mailto:reports@example.com"));
    assert!(tlsrpt_record().matches("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"));
    assert!(is_policy(
        "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800"
    ));
    assert!(!is_policy("version: STSv1\nmode: enforce\nmax_age: 604800"));
}
