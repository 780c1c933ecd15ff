//! Every input of the collected vectors for what domains publish, with what this program makes of it.
//!
//! `fixtures/*.tsv` has a line for each: the input, the outcome, and where the outcome is not what the source of the
//! vector says, why. An outcome is `nothing`, `several N`, `malformed WORD`, or the value, with the words of what else
//! was noticed in brackets. `elsewhere` stands at what is not about a text but about an answer of DNS or HTTPS; the
//! last column tells which test has it.

use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::policy::lint::{Finding, Inspected, Malformed, Severity};
use smtp_sts_verify::policy::mta_sts::Body;
use smtp_sts_verify::policy::txt::Published;
use smtp_sts_verify::policy::{mta_sts, smtp_sts, tls_rpt};

/// The octets of an input: `\n`, `\r`, `\t`, `\\`, `\xNN` and `\u{N}` are decoded, `<C x N>` is C N times over.
fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let repeated = (c == '<').then(|| rest.split_once('>')).flatten().and_then(|(inside, after)| {
            let (what, times) = inside.split_once(" x ")?;
            Some((self::octets(what).repeat(times.parse().ok()?), after))
        });
        if let Some((many, after)) = repeated {
            octets.extend(many);
            rest = after;
        } else if c == '\\' {
            let kind = rest.chars().next().unwrap();
            rest = &rest[1..];
            match kind {
                'n' => octets.push(b'\n'),
                'r' => octets.push(b'\r'),
                't' => octets.push(b'\t'),
                '\\' => octets.push(b'\\'),
                'x' => {
                    octets.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                    rest = &rest[2..];
                }
                'u' => {
                    let (digits, after) = rest.trim_start_matches('{').split_once('}').unwrap();
                    let c = char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap();
                    octets.extend(c.to_string().as_bytes());
                    rest = after;
                }
                other => panic!("{text:?}: \\{other}"),
            }
        } else {
            octets.extend(c.to_string().as_bytes());
        }
    }
    octets
}

/// Compares every line with its outcome, and shows all that differ at once.
fn check(vectors: &str, inputs: usize, lines: usize, outcome: impl Fn(&[&str]) -> String) {
    let rows: Vec<Vec<&str>> = vectors
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows.len(), lines);
    let mut differing = Vec::new();
    for row in rows {
        assert!(row.len() > inputs, "{row:?} has no outcome");
        let expected = row[inputs];
        if expected == "elsewhere" {
            assert!(row.len() > inputs + 1, "{row:?} does not say where");
            continue;
        }
        let actual = outcome(&row[..inputs]);
        if actual != expected {
            differing.push(format!("{}\t{actual}\tnot {expected}", row[..inputs].join("\t")));
        }
    }
    assert!(differing.is_empty(), "\n{}\n", differing.join("\n"));
}

fn records(input: &str) -> Vec<Vec<u8>> {
    if input.is_empty() { vec![] } else { input.split(" || ").map(octets).collect() }
}

fn malformed(Malformed(finding): &Malformed) -> String {
    format!("malformed {}", finding.code.word())
}

/// The value with what else was noticed.
fn noticed(value: &str, findings: &[Finding]) -> String {
    let words: Vec<&str> = findings.iter().map(|finding| finding.code.word()).collect();
    assert!(findings.iter().all(|finding| finding.severity() != Severity::Error));
    if words.is_empty() { value.to_owned() } else { format!("{value} [{}]", words.join(" ")) }
}

/// What stands at a name, the one record that counts inspected once more.
fn published<R>(
    published: Published<R>,
    text: impl Fn(&R) -> &str,
    inspect: impl Fn(&[u8]) -> Inspected<R>,
    show: impl Fn(&R) -> String,
) -> String {
    match published {
        Published::Nothing => "nothing".into(),
        Published::Several(number) => format!("several {number}"),
        Published::Malformed(why) => malformed(&why),
        Published::Record(record) => noticed(&show(&record), &inspect(text(&record).as_bytes()).findings),
    }
}

#[test]
fn every_record_of_the_draft_comes_out_as_written_down() {
    check(include_str!("../../../fixtures/smtp-sts-txt.tsv"), 1, 37, |row| {
        published(
            smtp_sts::published(&records(row[0])),
            smtp_sts::Record::as_str,
            smtp_sts::Record::inspect,
            |record| record.terms().to_string(),
        )
    });
}

#[test]
fn every_record_of_mta_sts_comes_out_as_written_down() {
    check(include_str!("../../../fixtures/mta-sts-txt.tsv"), 1, 101, |row| {
        published(
            mta_sts::published(&records(row[0])),
            mta_sts::Record::as_str,
            mta_sts::Record::inspect,
            |record| format!("id={}", record.id()),
        )
    });
}

#[test]
fn every_policy_of_mta_sts_comes_out_as_written_down() {
    check(include_str!("../../../fixtures/mta-sts-policy.tsv"), 1, 172, |row| {
        let Inspected { value, findings } = Body::inspect(&octets(row[0]));
        match value {
            Err(why) => malformed(&why),
            Ok(Body { mode, mx, max_age }) => {
                let mx: Vec<String> = mx.iter().map(ToString::to_string).collect();
                let value = format!("{} mx={} max_age={max_age}", mode.word(), mx.join(","));
                noticed(&value, &findings)
            }
        }
    });
}

/// The host, then the patterns of a policy. What is no host and what is no pattern matches nothing.
#[test]
fn every_pattern_matches_as_written_down() {
    check(include_str!("../../../fixtures/mx-match.tsv"), 2, 69, |row| {
        let text = |input| String::from_utf8(octets(input)).unwrap();
        let Ok(host) = MxHost::from_text(&text(row[0])) else { return "no host".into() };
        let patterns: Vec<_> = row[1].split(',').map(|input| mta_sts::pattern(&text(input)).value).collect();
        if patterns.iter().flatten().any(|pattern| pattern.permits(&host)) {
            return "match".into();
        }
        patterns
            .iter()
            .find_map(|pattern| pattern.as_ref().err())
            .map_or_else(|| "no match".into(), malformed)
    });
}

#[test]
fn every_record_of_tlsrpt_comes_out_as_written_down() {
    check(include_str!("../../../fixtures/tlsrpt-txt.tsv"), 1, 44, |row| {
        published(
            tls_rpt::published(&records(row[0])),
            tls_rpt::Record::as_str,
            tls_rpt::Record::inspect,
            |record| {
                let rua: Vec<String> = record.rua().iter().map(ToString::to_string).collect();
                format!("rua={}", rua.join(","))
            },
        )
    });
}
