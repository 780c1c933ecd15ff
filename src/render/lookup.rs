//! What is proven about one question, for people and for programs.

use super::page::{Page, Paint, Tone};
use super::proof;
use crate::dns::presentation::{name as name_text, rdata, type_word};
use crate::dns::{Answer, Blame, Class, Content, Outage, Outcome};
use crate::reason::Reason;
use crate::text::{Escaped, excerpt};
use serde::Serialize;
use serde_json::Value;

/// One look-up as JSON shows it.
#[derive(Debug, Serialize)]
pub struct Line {
    /// As it was given.
    name: Option<String>,
    #[serde(rename = "type")]
    rtype: Option<String>,
    class: Option<&'static str>,
    answer: Option<&'static str>,
    records: Vec<String>,
    reason: String,
    queries: usize,
    valid_until: Option<u64>,
    /// The signed RRsets that the answer rests on.
    proof: Value,
}

impl Line {
    /// A line of a batch that is no question, as far as it could be read, and why.
    #[must_use]
    pub fn malformed(name: Option<&str>, rtype: Option<&str>, why: &str) -> Self {
        let shown = |word: Option<&str>| word.map(|word| excerpt(word, 80));
        Self {
            name: shown(name),
            rtype: shown(rtype),
            class: None,
            answer: None,
            records: vec![],
            reason: format!("not looked up: {why}"),
            queries: 0,
            valid_until: None,
            proof: Value::Array(vec![]),
        }
    }

    /// An answer about a name as it was given; `queries` left for it.
    #[must_use]
    pub fn of(name: &str, answer: &Answer, queries: usize) -> Self {
        let (word, records) = match answer.outcome.content() {
            Some(Content::Data(records)) => (Some("data"), records.iter().map(rdata).collect()),
            Some(Content::Nodata) => (Some("nodata"), vec![]),
            Some(Content::Nxdomain) => (Some("nxdomain"), vec![]),
            None => (None, vec![]),
        };
        Self {
            name: Some(name.to_owned()),
            rtype: Some(type_word(answer.question.rtype())),
            class: Some(answer.outcome.class().word()),
            answer: word,
            records,
            reason: reason(answer),
            queries,
            valid_until: answer.valid_until.map(|moment| moment.0),
            proof: proof::json(&answer.proof),
        }
    }
}

/// The answer as a page: what is there, why that is believed or not, what proves it, and what to do.
#[must_use]
pub fn page(answer: &Answer, queries: usize, paint: Paint) -> String {
    let mut page = Page::new(paint);
    let question = &answer.question;
    let class = answer.outcome.class();
    let what = match answer.outcome.content() {
        Some(Content::Data(_)) => "",
        Some(Content::Nodata) => ", there is no such record at this name",
        Some(Content::Nxdomain) => ", there is no such name",
        None => ", nothing can be said about the content",
    };
    let (name, rtype) = (name_text(question.name()), type_word(question.rtype()));
    page.heading(&format!("{name} {rtype}: {}{what}", class.word()));
    if let Some(Content::Data(records)) = answer.outcome.content() {
        for record in records {
            page.item("record", Tone::Plain, &rdata(record));
        }
    }
    let tone = match class {
        Class::Secure => Tone::Good,
        Class::Insecure => Tone::Plain,
        Class::Bogus => Tone::Bad,
        Class::Unreachable => Tone::Warning,
    };
    page.item("why", tone, &reason(answer));
    if let Some(moment) = answer.valid_until {
        page.item("until", Tone::Plain, &moment.to_string());
    }
    proof::write(&mut page, &answer.proof);
    let noun = if queries == 1 { "query" } else { "queries" };
    page.item("cost", Tone::Plain, &format!("{queries} {noun}, {} ms", answer.elapsed.as_millis()));
    if let Some(hint) = hint(&answer.outcome) {
        page.item("hint", Tone::Plain, hint);
    }
    page.finish()
}

/// What to do about it, where something is wrong.
fn hint(outcome: &Outcome) -> Option<&'static str> {
    if matches!(outcome, Outcome::Unreachable(Outage::NotAsked, ..)) {
        return Some(Reason::SpecialUseName.explain().fix);
    }
    match (own_fault(outcome), outcome.class()) {
        (Some(fault), _) => Some(fault.explain().fix),
        (None, Class::Bogus) => Some(Reason::DnssecBogus.explain().fix),
        (None, Class::Unreachable) => {
            Some("Look at the name servers that were asked, and at those of the name.")
        }
        (None, Class::Secure | Class::Insecure) => None,
    }
}

/// The word for what is wrong with this machine or its name servers, rather than with the name.
fn own_fault(outcome: &Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Bogus(Blame::StrippingResolver, _) => Some(Reason::DnssecStripped),
        Outcome::Bogus(Blame::Clock, _) => Some(Reason::ClockSuspect),
        Outcome::Bogus(Blame::TrustAnchor, _) | Outcome::Unreachable(Outage::NoTrustAnchor, ..) => {
            Some(Reason::NoTrustAnchor)
        }
        Outcome::Unreachable(Outage::Deadline, ..) => Some(Reason::Deadline),
        Outcome::Unreachable(Outage::OutOfResources, ..) => Some(Reason::OutOfResources),
        Outcome::Bogus(Blame::Domain, _)
        | Outcome::Unreachable(..)
        | Outcome::Secure(_)
        | Outcome::Insecure(..) => None,
    }
}

/// Why the class is what it is, in a sentence of printable ASCII.
fn reason(answer: &Answer) -> String {
    let why = match &answer.outcome {
        Outcome::Secure(_) => "proven down from the trust anchor",
        Outcome::Insecure(_, why) | Outcome::Unreachable(_, _, why) | Outcome::Bogus(_, why) => why,
    };
    let mut text = match own_fault(&answer.outcome).map(Reason::word) {
        Some(fault) if !why.starts_with(fault) => format!("{fault}: {why}"),
        Some(_) | None => why.to_owned(),
    };
    for (place, alias) in answer.aliases.iter().enumerate() {
        text.push_str(if place == 0 { "; by way of " } else { ", " });
        text.push_str(&name_text(alias));
    }
    Escaped(&text).to_string()
}
