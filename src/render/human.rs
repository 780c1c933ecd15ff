//! The answer for people: what, why, on which grounds, and what to do. Strangers' texts appear only escaped.

use crate::policy::Mode;
use crate::text::Escaped;
use crate::verdict::{HostJudgement, Standing, Tls};
use crate::verify::{Evidence, Report};
use std::fmt::Write as _;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The answer and its reason.
    Brief,
    /// Every question that was asked, too.
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
        let mode = if judgement.mode == Mode::Enforce { "enforced" } else { "report only" };
        say("policy", &format!("{}, {mode}, authenticated by {}", judgement.policy.word(), how.word()));
    }
    if let Some(record) = &report.record {
        say("record", &Escaped(record).to_string());
    }
    say(
        "TLS",
        match judgement.tls {
            Tls::Dane => "dane: the certificate must match a TLSA record",
            Tls::Encrypt => "encrypt: TLS, whatever the certificate",
            Tls::Opportunistic => "opportunistic: as Exim does without a policy",
            Tls::WebPki => "webpki: TLS with a verified certificate of the host, or no delivery",
        },
    );
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
    }
    say("rule", explanation.rule);
    say("hint", if explanation.hint.is_empty() { "nothing has to be done" } else { explanation.hint });
    format!("{domain}: {} ({})\n{text}", judgement.verdict.word(), explanation.word)
}

fn host_line(host: &HostJudgement) -> String {
    let standing = match host.standing {
        Standing::Conforms => "permitted, and an MX host of the domain",
        Standing::NotInDns => "no MX host of the domain",
        Standing::NotInPolicy => "not permitted by the policy",
        Standing::Open => "nothing to compare with",
    };
    format!("{}: {} ({}); {standing}", host.host, host.verdict.word(), host.reason.word())
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
        let _ = write!(line, ", {} queries, {} ms", evidence.queries, elapsed.as_millis());
    }
    line
}
