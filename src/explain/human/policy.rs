//! What is published in one dialect, and what the cache holds of it.

use super::dns::DnsWriter;
use super::rule;
use crate::explain::{Event, Fetch, Note, OthersSay, Published, Said, Terms, Text};
use crate::render::page::{Page, Tone};
use crate::text::excerpt;
use crate::time::{UnixTime, span};

/// Lines of a text that are shown; JSON has all.
const LINES: usize = 16;
/// Characters of one of them.
const COLUMNS: usize = 400;

pub(super) fn published(page: &mut Page, published: &Published, now: UnixTime, dns: &mut DnsWriter) {
    let tone = match published.state {
        "in-force" => Tone::Good,
        "nothing" | "never-applied" => Tone::Plain,
        _ => Tone::Warning,
    };
    page.item("state", tone, published.meaning);
    // What is wrong with an answer stands beside its question.
    let is_told = |why: &Said| {
        published.questions.iter().any(|asked| asked.fault.as_ref().is_some_and(|fault| fault.why == *why))
    };
    if let Some(why) = published.why.as_ref().filter(|why| !is_told(why)) {
        page.more(tone, &why.0);
    }
    published.questions.iter().for_each(|asked| dns.tell(page, asked));
    for record in &published.records {
        text(page, "record", record);
    }
    for fetch in &published.fetches {
        fetched(page, fetch);
    }
    if let Some(failures) = &published.failures {
        let words = format!(
            "{} in a row, the last at {}; the policy host is left alone until {}",
            failures.count, failures.last_at, failures.next_try_at
        );
        page.item("failures", Tone::Warning, &words);
    }
    if let Some(policy) = &published.policy {
        page.item("policy", Tone::Strong, &format!("mode {}", policy.mode));
        page.more(Tone::Plain, &format!("authenticated {}", policy.authenticated));
        lines(page, &policy.lines);
        life(page, "life", policy, now);
    }
    cached(page, published, now);
    if let Some(learnt) = &published.learnt {
        page.more(Tone::Plain, &format!("learnt {}", learnt.meaning.0));
    }
    if let Some(said) = &published.heard {
        heard(page, said);
    }
    for event in &published.history {
        page.item("history", Tone::Faint, &happened(event));
        if !event.detail.is_empty() {
            page.more(Tone::Faint, &event.detail);
        }
    }
    if let Some(kept) = &published.kept {
        let words = format!("a delivery keeps the policy of mode {} until {}", kept.mode, kept.expires_at);
        page.item("keeps", Tone::Plain, &words);
    }
    rule(page, published.rule);
}

/// A text as it is published, and what is wrong with it.
fn text(page: &mut Page, label: &str, text: &Text) {
    page.item(label, Tone::Faint, &text.at.0);
    lines(page, &text.lines);
    // Improvements are the business of `lint`.
    for note in text.notes.iter().filter(|note| note.severity != "note") {
        noted(page, note);
    }
}

fn noted(page: &mut Page, note: &Note) {
    let tone = if note.severity == "error" { Tone::Bad } else { Tone::Warning };
    let shown = if note.shown.is_empty() { String::new() } else { format!(" '{}'", note.shown) };
    page.item(note.severity, tone, &format!("{}{shown}", note.code));
    page.more(Tone::Plain, &format!("{} {}", note.meaning, note.fix));
    page.more(Tone::Faint, &format!("({})", note.rule));
}

fn lines(page: &mut Page, lines: &[Said]) {
    for line in lines.iter().take(LINES) {
        page.more(Tone::Plain, &excerpted(line));
    }
    if lines.len() > LINES {
        page.more(Tone::Faint, &format!("... {} lines more", lines.len().saturating_sub(LINES)));
    }
}

/// A line as it is if it is short, which the page escapes; of a longer one the beginning.
fn excerpted(line: &Said) -> String {
    match line.0.char_indices().nth(COLUMNS) {
        None => line.0.clone(),
        Some(_) => excerpt(&line.0, COLUMNS),
    }
}

fn fetched(page: &mut Page, fetch: &Fetch) {
    let tone = if fetch.ending == "authenticated" { Tone::Good } else { Tone::Bad };
    page.item("fetched", tone, &format!("{}: {}", fetch.url, fetch.ending));
    if let Some(error) = &fetch.error {
        page.more(tone, &error.0);
    }
    // What is a policy stands below, in order.
    if let Some(body) = fetch.body.as_ref().filter(|_| fetch.ending != "authenticated") {
        text(page, "body", body);
    }
}

/// The policy in the cache, as far as it is not the one above.
fn cached(page: &mut Page, published: &Published, now: UnixTime) {
    match (&published.cached, &published.policy) {
        (None, _) => page.item("cached", Tone::Plain, "nothing"),
        (Some(cached), Some(policy)) if cached == policy => {
            page.item("cached", Tone::Plain, "the policy above comes out of the cache");
        }
        (Some(cached), policy) => {
            page.item(
                "cached",
                Tone::Plain,
                &format!("mode {}, authenticated {}", cached.mode, cached.authenticated),
            );
            if policy.as_ref().is_none_or(|policy| policy.lines != cached.lines) {
                lines(page, &cached.lines);
            }
            life(page, "its life", cached, now);
        }
    }
}

/// What others of a fleet say, which this answer does not rest on.
fn heard(page: &mut Page, heard: &OthersSay) {
    let (mode, roles) = (heard.policy.mode, heard.roles.join(" and "));
    page.item("heard", Tone::Warning, &format!("mode {mode}, as {roles} of the fleet says"));
    lines(page, &heard.policy.lines);
    page.more(
        Tone::Plain,
        &format!("fetched there at {}, ends at {}", heard.policy.fetched_at, heard.policy.expires_at),
    );
    page.more(Tone::Warning, &heard.meaning);
}

/// Since when, until when, and what comes next.
fn life(page: &mut Page, label: &str, policy: &Terms, now: UnixTime) {
    page.item(label, Tone::Plain, &format!("fetched at {}", policy.fetched_at));
    let mut say = |words: String| page.more(Tone::Plain, &words);
    if policy.life == "ended" {
        return say(format!("ended at {}, and counts no more", policy.expires_at));
    }
    say(format!("ends at {}, in {}", policy.expires_at, span(policy.seconds_left)));
    match (policy.applied_at, policy.renewal_at) {
        (_, Some(at)) if at <= now => say(format!("to be fetched again since {at}")),
        (_, Some(at)) => say(format!("to be fetched again from {at} on")),
        (Some(at), None) => say(format!("in force since {at}, when it was first met")),
        (None, None) => say("never met yet, so it refuses nothing".to_owned()),
    }
}

fn happened(event: &Event) -> String {
    let word = |mode: Option<&'static str>| mode.unwrap_or("-");
    let modes = match (event.mode_before, event.mode_after) {
        (before, after) if before == after => word(after).to_owned(),
        (before, after) => format!("{} -> {}", word(before), word(after)),
    };
    format!("{} {} ({}), mode {modes}", event.at, event.event, event.authentication)
}
