//! The answer for people: what, why, on which grounds, and what to do. Strangers' texts appear only escaped.

use crate::policy::Mode;
use crate::reason::Reason;
use crate::text::Escaped;
use crate::timeline::{Step, Timeline};
use crate::verdict::{HostJudgement, Standing, Tls, Verdict};
use crate::verify::{Evidence, Report};
use std::fmt::Write as _;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The answer and its reason.
    Brief,
    /// Every question that was asked, and what the answer waited for, too.
    Full,
}

/// A few lines, each of at most about 100 columns where the names allow it.
#[must_use]
pub fn text(report: &Report, detail: Detail) -> String {
    let judgement = &report.judgement;
    let explanation = judgement.reason.explain();
    let domain = report.domain.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut text = String::new();
    // Writing into a String does not fail.
    let mut say = |label: &str, words: &str| {
        let _ = writeln!(text, "  {label:<9} {words}");
    };
    say("why", explanation.meaning);
    if let Some(how) = judgement.authentication {
        let mode = match judgement.mode {
            Mode::Enforce => "enforced",
            Mode::None => "mode none",
            Mode::Testing => "report only",
        };
        say("policy", &format!("{}, {mode}, authenticated by {}", judgement.policy.word(), how.word()));
    }
    if let Some(passed) = judgement.passed {
        say("passed", &format!("over {}, whose policy is authenticated, too", passed.word()));
    }
    for line in report.record.iter().flat_map(|record| record.lines()) {
        say("record", &Escaped(line).to_string());
    }
    // What waits or is refused needs no TLS.
    if judgement.verdict == Verdict::Deliver {
        say(
            "TLS",
            match judgement.tls {
                Tls::Dane => "dane: the certificate must match a TLSA record",
                Tls::Encrypt => "encrypt: TLS, whatever the certificate",
                Tls::Opportunistic => "opportunistic: as Exim does without a policy",
                Tls::WebPki => "webpki: TLS with a verified certificate of the host, or no delivery",
            },
        );
    }
    for host in &judgement.hosts {
        say("host", &host_line(host));
    }
    say("cache", report.cache.word());
    for note in &report.notes {
        say("note", &Escaped(note).to_string());
    }
    if detail == Detail::Full {
        for evidence in &report.evidence {
            say("asked", &evidence_line(evidence));
        }
        waited(&report.timeline, &mut say);
    }
    say("rule", explanation.rule);
    say("hint", if explanation.hint.is_empty() { "nothing has to be done" } else { explanation.hint });
    format!("{domain}: {} ({})\n{text}", judgement.verdict.word(), explanation.word)
}

fn host_line(host: &HostJudgement) -> String {
    let standing = match host.standing {
        Standing::Conforms if host.ruling.reason == Reason::DaneUsable => {
            "an MX host of the domain, for which its TLSA records decide"
        }
        Standing::Conforms => "permitted, and an MX host of the domain",
        Standing::NotInDns => "no MX host of the domain",
        Standing::NotInPolicy => "not permitted by the policy",
        Standing::Open => "nothing to compare with",
    };
    format!("{}: {} ({}); {standing}", host.host, host.ruling.verdict.word(), host.ruling.reason.word())
}

fn evidence_line(evidence: &Evidence) -> String {
    let mut line = format!("{}: {}", Escaped(&evidence.question), evidence.class);
    if !evidence.said.is_empty() {
        let _ = write!(line, ", {}", Escaped(&evidence.said));
    }
    if let Some(until) = evidence.valid_until {
        let _ = write!(line, ", until {until}");
    }
    if let Some(elapsed) = evidence.elapsed {
        let noun = if evidence.queries == 1 { "query" } else { "queries" };
        let _ = write!(line, ", {} {noun}, {} ms", evidence.queries, elapsed.as_millis());
    }
    line
}

/// The critical path, then what was begun beside it; each step behind its milliseconds since the run began.
fn waited(timeline: &Timeline, mut say: impl FnMut(&str, &str)) {
    let mut block = |label: &str, words: &str, steps: Vec<&Step>| {
        if !steps.is_empty() {
            say(label, words);
        }
        for Step { what, from, to } in steps {
            let to = to.map_or_else(String::new, |to| to.as_millis().to_string());
            say(&format!("{}-{to}", from.as_millis()), &Escaped(what).to_string());
        }
    };
    let (end, own) = (timeline.end.as_millis(), timeline.own_time().as_millis());
    let path = format!(
        "the critical path, in milliseconds; the answer stood after {end}, {own} of them this program's own (its cache)"
    );
    block("path", &path, timeline.critical_path());
    let beside = "over sooner; what has no end was given up: it could not decide any more";
    block("beside", beside, timeline.beside());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::verify::NoInquiry;
    use std::time::Duration;

    #[test]
    fn the_critical_path_and_what_was_given_up_are_told_in_full_only() {
        let step = |what: &str, from, to: Option<u64>| Step {
            what: what.to_owned(),
            from: Duration::from_millis(from),
            to: to.map(Duration::from_millis),
        };
        let mut report = Report::from(NoInquiry::defer(Reason::Internal, "nothing"));
        report.timeline.steps = vec![
            step("example.org. MX", 1, Some(22)),
            step("_mta-sts.example.org. TXT", 1, Some(21)),
            step("mx.example.org. A", 22, Some(43)),
            step("GET \u{1b}", 21, None),
        ];
        report.timeline.end = Duration::from_millis(44);
        let told = text(&report, Detail::Full);
        let block = "  path      the critical path, in milliseconds; the answer stood after 44, \
            2 of them this program's own (its cache)\n  \
            1-22      example.org. MX\n  22-43     mx.example.org. A\n  \
            beside    over sooner; what has no end was given up: it could not decide any more\n  \
            1-21      _mta-sts.example.org. TXT\n  21-       GET \\u{1b}\n";
        assert!(told.contains(block), "{told}");
        assert!(!text(&report, Detail::Brief).contains("  path"));
    }
}
