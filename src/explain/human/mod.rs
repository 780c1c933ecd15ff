//! The document for people: a page of 80 columns, in the order of the decision.

mod dns;
mod grounds;
mod policy;

use super::exim::Action;
use super::{Candidate, Conditions, Explanation, Part};
use crate::render::human::least;
use crate::render::page::{Page, Paint, Tone};

/// How much detail is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Of each proof the signature that counts.
    #[default]
    Brief,
    /// Each signed RRset of every proof, from the trust anchor down, too.
    Full,
}

/// Whose doings the page ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailServer {
    /// Exim's.
    #[default]
    Exim,
    /// Postfix's.
    Postfix,
}

/// The page.
#[must_use]
pub fn page(explanation: &Explanation, paint: Paint, detail: Detail, server: MailServer) -> String {
    let mut page = Page::new(paint);
    summary(&mut page, explanation);
    let mut steps = Steps { page: &mut page, number: 0 };
    steps.begin("The administrator's word");
    decree(steps.page, explanation);
    match &explanation.grounds {
        None => {}
        Some(seen) => {
            let mut dns = dns::DnsWriter::new(detail);
            steps.begin("Where the mail goes");
            grounds::exchangers(steps.page, &seen.mx, &mut dns);
            steps.begin("DANE: do the MX hosts have TLSA records?");
            grounds::dane(steps.page, &seen.dane, &mut dns);
            steps.begin("MTA-STS: does the domain have a policy?");
            policy::published(steps.page, &seen.mta_sts, explanation.at, &mut dns);
            steps.begin("SMTP STS: does it have one of the draft's dialect?");
            policy::published(steps.page, &seen.smtp_sts, explanation.at, &mut dns);
            cache(steps.page, explanation);
            steps.begin("Which mechanism decides");
            explanation.decision.iter().for_each(|part| part_of(steps.page, part));
        }
    }
    steps.begin(if explanation.hosts.is_empty() {
        "The MX hosts, the best first"
    } else {
        "The hosts that were asked about"
    });
    candidates(steps.page, explanation);
    match server {
        MailServer::Exim => {
            steps.begin("What Exim does, with the files of exim/enforce");
            exim(steps.page, explanation);
        }
        MailServer::Postfix => {
            steps.begin("What Postfix does, with smtp_tls_policy_maps");
            postfix(steps.page, &explanation.postfix);
        }
    }
    steps.begin("The answer");
    answer(steps.page, explanation);
    page.finish()
}

/// The numbered parts of the page.
struct Steps<'a> {
    page: &'a mut Page,
    number: u8,
}

impl Steps<'_> {
    fn begin(&mut self, words: &str) {
        self.number = self.number.saturating_add(1);
        self.page.heading(&format!("{}. {words}", self.number));
    }
}

fn tone_of(verdict: &str) -> Tone {
    match verdict {
        "deliver" => Tone::Good,
        "defer" => Tone::Warning,
        _ => Tone::Bad,
    }
}

/// What it comes to, why, and what to do, before anybody has to read on.
fn summary(page: &mut Page, explanation: &Explanation) {
    let answer = &explanation.answer;
    let whom = match explanation.hosts.as_slice() {
        [] => explanation.domain.clone(),
        hosts => format!("{} by {}", explanation.domain, hosts.join(", ")),
    };
    page.heading(&format!("Mail for {whom}, {}", explanation.at));
    if let Some(words) = conditions(&explanation.conditions) {
        page.item("as if", Tone::Plain, &words);
    }
    page.item("verdict", tone_of(answer.verdict), &format!("{} ({})", answer.verdict, answer.reason));
    page.item("why", Tone::Plain, &answer.meaning);
    if answer.verdict == "deliver" {
        page.item("TLS", Tone::Plain, least(explanation.report.judgement.tls));
    }
    let hint = if answer.hint.is_empty() { "Nothing has to be done." } else { answer.hint };
    page.item("hint", Tone::Plain, hint);
}

/// What was chosen that can change a verdict; nothing where all is as usual.
fn conditions(conditions: &Conditions) -> Option<String> {
    let words = [
        conditions.tls_verified.map(|word| match word {
            "yes" => "Exim had seen a verified handshake",
            _ => "Exim had seen no verified handshake",
        }),
        conditions.require_authentication.then_some("only authenticated policies counted"),
        (conditions.on_unreachable == "defer").then_some("mail waited where a policy cannot be asked for"),
    ];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", and "))
}

fn decree(page: &mut Page, explanation: &Explanation) {
    // The first mechanism of all.
    if let Some(part) = explanation.decision.first() {
        page.item("override", if part.part == "decides" { Tone::Strong } else { Tone::Plain }, &part.why.0);
        if explanation.grounds.is_none() {
            page.more(Tone::Plain, "Nobody is asked, and nothing else counts.");
        }
        rule(page, part.rule);
    }
}

fn cache(page: &mut Page, explanation: &Explanation) {
    let cache = &explanation.cache;
    if let Some(trouble) = &cache.trouble {
        page.item("cache", Tone::Warning, &trouble.0);
    }
    if cache.elsewhere > 0 {
        let words = format!(
            "{} in the cache, learnt under other trust anchors, authorities or laboratory settings: not used here",
            cache.elsewhere
        );
        page.item("others", Tone::Faint, &words);
    }
}

fn part_of(page: &mut Page, part: &Part) {
    let tone = match part.part {
        "decides" => Tone::Strong,
        "unknown" => Tone::Warning,
        _ => Tone::Plain,
    };
    page.item(part.mechanism, tone, &format!("{}: {}", part.part.replace('-', " "), part.why));
    page.more(Tone::Faint, &format!("({})", part.rule));
}

fn candidates(page: &mut Page, explanation: &Explanation) {
    if explanation.candidates.is_empty() {
        let mx = explanation.grounds.as_ref().map(|seen| seen.mx.meaning.as_str());
        page.item("none", Tone::Plain, mx.unwrap_or("Nobody asked where the mail goes."));
        return;
    }
    let preference = |candidate: &Candidate| {
        let exchangers = &explanation.grounds.as_ref()?.mx.hosts;
        exchangers.iter().find(|exchanger| exchanger.host == candidate.host)?.preference
    };
    let mut told: Vec<&str> = Vec::new();
    for candidate in &explanation.candidates {
        let label = preference(candidate).map_or_else(|| "-".to_owned(), |number| number.to_string());
        let Candidate { host, verdict, tls, policy, reason, .. } = candidate;
        page.item(&label, tone_of(verdict), &format!("{host}: {verdict} ({reason})"));
        page.more(Tone::Plain, &format!("tls={tls}, decided by {policy}; {}", candidate.stands()));
        if !told.contains(reason) {
            page.more(Tone::Plain, candidate.meaning);
            page.more(Tone::Faint, &format!("({})", candidate.rule));
            told.push(reason);
        }
    }
}

fn exim(page: &mut Page, explanation: &Explanation) {
    let exim = &explanation.exim;
    let tone = match exim.action {
        Action::Defers => Tone::Warning,
        Action::Returns => Tone::Bad,
        Action::Enforces | Action::Ordinary => Tone::Plain,
    };
    page.item("does", tone, exim.meaning);
    for entry in &exim.log {
        page.item("log", Tone::Faint, &format!("{}:", entry.when));
        page.more(Tone::Plain, &entry.line.0);
    }
    page.item("sender", Tone::Plain, exim.sender);
    rule(page, exim.rule);
}

/// What a reply of the map `policy` has Postfix do (exim/postfix.md).
fn postfix(page: &mut Page, reply: &str) {
    let waits = (
        Tone::Warning,
        "The mail waits: it is tried again, and returned to its sender after five days. The log names the reason.",
    );
    let starts = [
        (
            "OK dane-only",
            (
                Tone::Plain,
                "DANE: the mail goes to hosts whose certificate fits their TLSA records, and to nobody else.",
            ),
        ),
        ("OK dane", (Tone::Plain, "DANE for the hosts that have TLSA records, its best TLS for the others.")),
        (
            "OK secure",
            (
                Tone::Plain,
                "The mail goes to hosts with a certificate of a known CA for one of the names behind match=, and to nobody else.",
            ),
        ),
        (
            "OK encrypt",
            (Tone::Plain, "The mail goes over TLS with any certificate, and never in clear text."),
        ),
        ("OK may", (Tone::Plain, "Its best TLS: nothing is demanded.")),
        (
            "NOTFOUND",
            (Tone::Plain, "What smtp_tls_security_level says, as without this program: nothing is demanded."),
        ),
    ];
    let told = starts.into_iter().find(|(start, _)| reply.starts_with(start));
    let (tone, does) = told.map_or(waits, |(_, told)| told);
    page.item("does", tone, does);
    page.item("gets", Tone::Strong, reply.trim_end());
    rule(page, "socketmap_table(5), smtp_tls_policy_maps in postconf(5)");
}

/// The end: the line that Exim gets.
fn answer(page: &mut Page, explanation: &Explanation) {
    let answer = &explanation.answer;
    if let Some(remembered) = &explanation.remembered {
        let words = match remembered.compared {
            "same" => {
                format!("a delivery now gets this answer without asking anybody, until {}", remembered.until)
            }
            _ => format!(
                "until {} a delivery gets another answer, without asking anybody: verdict={} tls={} policy={} reason={}",
                remembered.until, remembered.verdict, remembered.tls, remembered.policy, remembered.reason
            ),
        };
        page.item("memory", if remembered.compared == "same" { Tone::Plain } else { Tone::Warning }, &words);
    }
    rule(page, answer.rule);
    page.item("line", Tone::Strong, &answer.line);
}

fn rule(page: &mut Page, rule: &str) {
    page.item("rule", Tone::Faint, rule);
}
