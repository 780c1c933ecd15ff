//! `match PATTERN HOST`: does an `mx` pattern of a policy permit this host?
//!
//! Both are read as a person types them: U-labels become A-labels first, in the pattern, too, where a policy may not
//! have them (RFC 8461 section 3.2).

use super::args::MatchArguments;
use super::exit::ExitStatus;
use super::{output, terminal};
use crate::limits::MAX_ARGUMENT_OCTETS;
use crate::name::MxHost;
use crate::policy::lint::Code;
use crate::policy::pattern::MxPattern;
use crate::policy::{mta_sts, smtp_sts};
use crate::render::page::{Page, Tone};
use crate::text::excerpt;
use std::ffi::OsStr;

/// Whose rules count. Both dialects have the same wildcard; they differ in how it may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rules {
    /// RFC 8461 section 4.1
    MtaSts,
    /// draft-margolis-smtp-sts-00, whose own example writes `_.` for `*.`
    SmtpSts,
}

/// Runs the command: one sentence, and exit 0 for a match, 1 for anything else.
pub(super) fn run(arguments: &MatchArguments) -> ExitStatus {
    let mut page = Page::new(terminal::paint());
    let status = match answer(arguments.kind, &arguments.pattern, &arguments.host) {
        Ok(sentence) => {
            page.paragraph(Tone::Good, &sentence);
            ExitStatus::Deliver
        }
        Err(sentence) => {
            page.paragraph(Tone::Bad, &sentence);
            ExitStatus::Refuse
        }
    };
    output::write(&page.finish(), status)
}

/// The sentence for a match.
///
/// # Errors
/// The sentence for no match, for what is no pattern, and for what is no host.
fn answer(rules: Rules, pattern: &OsStr, host: &OsStr) -> Result<String, String> {
    let pattern = read_pattern(rules, pattern)?;
    let host = MxHost::parse(host).map_err(|bad| format!("not a host: {bad}"))?;
    if pattern.permits(&host) {
        return Ok(format!("match: {pattern} permits {host}"));
    }
    let why = match pattern.labels_for_wildcard(&host) {
        None => "it is another name".to_owned(),
        Some(labels) => format!("the wildcard stands for exactly one label, not for {labels}"),
    };
    Err(format!("no match: {pattern} does not permit {host}, {why}"))
}

/// Reads the pattern as a policy's parser does, or says what it is instead.
fn read_pattern(rules: Rules, argument: &OsStr) -> Result<MxPattern, String> {
    let lossy = argument.to_string_lossy();
    let refused = |why: &str| format!("not a pattern: '{}': {why}", excerpt(&lossy, 64));
    let text = argument.to_str().filter(|text| text.len() <= MAX_ARGUMENT_OCTETS);
    let text = text.ok_or_else(|| refused("it is no text, or longer than any name"))?;
    let said = |code: Code| refused(&format!("{} {}", code.explain().meaning, code.explain().fix));
    match rules {
        Rules::MtaSts => mta_sts::pattern(text).value.map_err(|malformed| said(malformed.0.code)),
        Rules::SmtpSts => {
            MxPattern::with_u_labels(&smtp_sts::with_asterisk(text)).ok_or_else(|| said(Code::SmtpStsTxtMx))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(rules: Rules, pattern: &str, host: &str) -> Result<String, String> {
        answer(rules, pattern.as_ref(), host.as_ref())
    }

    #[test]
    fn a_sentence_tells_why_not() {
        for (pattern, host, why) in [
            ("*.mx.microsoft", "contoso-com.a-v1.mx.microsoft", "exactly one label, not for 2"),
            ("*.example.org", "example.org", "exactly one label, not for 0"),
            ("mx.example.org", "mx.example.net", "another name"),
            ("*", "mx.example.org", "permit every host in the world"),
            (".example.org", "mx.example.org", "an asterisk before the dot"),
            ("a.example,b.example", "a.example", "Several patterns"),
            ("mx*.example.org", "mx1.example.org", "alone in the first label"),
            ("*.*.org", "a.b.org", "alone in the first label"),
            ("a_b.example", "a_b.example", "an underscore"),
            ("*.", "mx.example.org", "permit every host in the world"),
            ("", "mx.example.org", "neither a host name"),
            ("*.example.org", ".example.org", "not a host"),
            ("*.example.org", "192.0.2.1", "not a host"),
        ] {
            let sentence = said(Rules::MtaSts, pattern, host).unwrap_err();
            assert!(sentence.contains(why), "{pattern:?} {host:?}: {sentence}");
        }
    }

    #[test]
    fn u_labels_and_final_dots_are_what_they_stand_for() {
        assert!(said(Rules::MtaSts, "*.b\u{fc}cher.example", "MX.xn--bcher-kva.example.").is_ok());
        assert!(said(Rules::MtaSts, "*.xn--bcher-kva.example", "mx.B\u{dc}CHER.example").is_ok());
        assert!(said(Rules::MtaSts, "mx.example.org.", "mx.example.org").is_ok());
    }

    #[test]
    fn each_dialect_has_its_own_way_to_write_a_wildcard() {
        assert!(said(Rules::SmtpSts, "_.example.org", "mx.example.org").is_ok());
        assert!(said(Rules::MtaSts, "_.example.org", "mx.example.org").is_err());
        assert!(said(Rules::SmtpSts, "mx.example.org.", "mx.example.org").is_err());
    }

    proptest! {
        #[test]
        fn no_argument_panics_or_escapes(pattern in "\\PC{0,40}|[*_.a-z]{0,20}", host in "\\PC{0,40}|[.a-z]{0,20}") {
            for rules in [Rules::MtaSts, Rules::SmtpSts] {
                let sentence = said(rules, &pattern, &host).unwrap_or_else(|sentence| sentence);
                prop_assert!(sentence.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", sentence);
            }
        }
    }
}
