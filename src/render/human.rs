//! The answer for people: what, why, on which grounds, and what to do. At most 80 columns.

use crate::policy::Mode;
use crate::reason::Reason;
use crate::render::page::{Page, Paint, Tone};
use crate::timeline::{Step, Timeline};
use crate::verdict::{HostJudgement, Standing, Tls, Verdict};
use crate::verify::{CacheUse, Evidence, Report};
use std::fmt::Write as _;

/// How much detail is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The answer and its reason.
    Brief,
    /// Every question that was asked, and what the answer waited for, too.
    Full,
}

/// A page: the answer, then what it rests on.
#[must_use]
pub fn page(report: &Report, detail: Detail, paint: Paint) -> String {
    let judgement = &report.judgement;
    let explanation = judgement.reason.explain();
    let domain = report.domain.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut page = Page::new(paint);
    let answer = format!("{domain}: {} ({})", judgement.verdict.word(), explanation.word);
    page.paragraph(tone(judgement.verdict), &answer);
    page.item("why", Tone::Plain, explanation.meaning);
    if let Some(how) = judgement.authentication {
        let mode = match judgement.mode {
            Mode::Enforce => "enforced",
            Mode::None => "mode none",
            Mode::Testing => "report only",
        };
        let policy = format!("{}, {mode}, authenticated by {}", judgement.policy.word(), how.word());
        page.item("policy", Tone::Plain, &policy);
    }
    if let Some(passed) = judgement.passed {
        let passed = format!("over {}, whose policy is authenticated, too", passed.word());
        page.item("passed", Tone::Plain, &passed);
    }
    for line in report.record.iter().flat_map(|record| record.lines()) {
        page.item("record", Tone::Plain, line);
    }
    // What waits or is refused needs no TLS.
    if judgement.verdict == Verdict::Deliver {
        page.item("TLS", Tone::Plain, least(judgement.tls));
    }
    for host in &judgement.hosts {
        page.item("host", tone(host.ruling.verdict), &host_line(host));
    }
    page.item("cache", Tone::Plain, report.cache.word());
    for note in &report.notes {
        page.item("note", Tone::Plain, note);
    }
    if detail == Detail::Full {
        for evidence in &report.evidence {
            page.item("asked", Tone::Plain, &evidence_line(evidence));
        }
        waited(&report.timeline, &mut page);
    }
    page.item("rule", Tone::Plain, explanation.rule);
    let hint = match explanation.fix {
        "" if report.cache == CacheUse::Unavailable => {
            "for this mail nothing; what the cache needs is in the note"
        }
        "" => "nothing has to be done",
        fix => fix,
    };
    page.item("hint", Tone::Plain, hint);
    page.finish()
}

/// What the least TLS means.
pub(crate) const fn least(tls: Tls) -> &'static str {
    match tls {
        Tls::Dane => "dane: the certificate must match a TLSA record",
        Tls::Encrypt => "encrypt: TLS, whatever the certificate",
        Tls::Opportunistic => "opportunistic: as Exim does without a policy",
        Tls::WebPki => "webpki: TLS with a verified certificate of the host, or no delivery",
    }
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Deliver => Tone::Good,
        Verdict::Refuse => Tone::Bad,
        Verdict::Defer => Tone::Warning,
    }
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

/// Every question that was asked, with what was heard, a line each.
pub fn evidence(report: &Report) -> impl Iterator<Item = String> {
    report.evidence.iter().map(evidence_line)
}

fn evidence_line(evidence: &Evidence) -> String {
    let mut line = format!("{}: {}", evidence.question, evidence.class);
    if !evidence.said.is_empty() {
        let _ = write!(line, ", {}", evidence.said);
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
fn waited(timeline: &Timeline, page: &mut Page) {
    let mut block = |label: &str, words: &str, steps: Vec<&Step>| {
        if !steps.is_empty() {
            page.item(label, Tone::Plain, words);
        }
        for Step { what, from, to } in steps {
            let to = to.map_or_else(String::new, |to| to.as_millis().to_string());
            page.item(&format!("{}-{to}", from.as_millis()), Tone::Plain, what);
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
    use crate::verify::NoEvaluation;
    use std::time::Duration;

    #[test]
    fn the_critical_path_and_what_was_given_up_are_told_in_full_only() {
        let step = |what: &str, from, to: Option<u64>| Step {
            what: what.to_owned(),
            from: Duration::from_millis(from),
            to: to.map(Duration::from_millis),
        };
        let mut report = Report::from(NoEvaluation::defer(Reason::Internal, "nothing"));
        report.timeline.steps = vec![
            step("example.org. MX", 1, Some(22)),
            step("_mta-sts.example.org. TXT", 1, Some(21)),
            step("mx.example.org. A", 22, Some(43)),
            step("GET \u{1b}", 21, None),
        ];
        report.timeline.end = Duration::from_millis(44);
        let told = page(&report, Detail::Full, Paint::Plain);
        let block = "  path      the critical path, in milliseconds; the answer stood after 44, 2 of
            them this program's own (its cache)
  1-22      example.org. MX
  22-43     mx.example.org. A
  beside    over sooner; what has no end was given up: it could not decide any
            more
  1-21      _mta-sts.example.org. TXT
  21-       GET \\u{1b}
";
        assert!(told.contains(block), "{told}");
        assert!(!page(&report, Detail::Brief, Paint::Plain).contains("  path"));
    }
}
