//! `cache history DOMAIN`: what happened to a domain's policies, and which answers withheld its mail.

use super::sink::Sink;
use super::{CommandError, open, read_domain};
use crate::cache::{Dossier, Hearsay, HistoryEntry, Learnt, Standing, WithheldAnswer, WithheldAnswers};
use crate::cli::args::DomainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::cli::terminal;
use crate::name::MxHost;
use crate::policy::Mode;
use crate::render::page::{Page, Tone};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Verdict;
use serde_json::{Value, json};

/// One thing that happened.
enum Happened<'a> {
    /// Others of a fleet said something that is not in force here by itself.
    Heard(&'a Hearsay, Standing),
    /// To a policy.
    Policy(&'a HistoryEntry),
    /// An answer was given.
    Answer(&'a WithheldAnswer),
}

/// Runs the command.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, CommandError> {
    let domain = read_domain(&arguments.domain)?;
    let (_, storage) = open(&arguments.outside)?;
    let now = SystemClock.now();
    let cache = storage.cache(now).read_only();
    let Dossier { known, history: entries, .. } = cache.dossier(&domain).whole()?;
    let (stored, hearsay) = (known.policies, known.hearsay);
    let answers = WithheldAnswers::beside(&storage.path, storage.max_domains, now).read_only().of(&domain)?;
    let mut all: Vec<Happened<'_>> =
        entries.iter().map(Happened::Policy).chain(answers.iter().map(Happened::Answer)).collect();
    for one in &hearsay {
        let own = stored.of(one.policy.policy.dialect());
        if one.differs_from(own, now) {
            all.push(Happened::Heard(one, one.standing(own, &hearsay, now)));
        }
    }
    // Each list is in its order already, and what happened at the same second stays so.
    all.sort_by_key(|one| match one {
        Happened::Policy(entry) => entry.at,
        Happened::Answer(answer) => answer.first,
        Happened::Heard(hearsay, _) => hearsay.heard_at,
    });
    let mut sink = Sink::stdout();
    for one in &all {
        match (one, arguments.format) {
            (Happened::Policy(entry), Format::Json) => sink.object(&object(domain.as_str(), entry))?,
            (Happened::Heard(hearsay, standing), Format::Json) => {
                sink.object(&heard(domain.as_str(), hearsay, *standing))?;
            }
            (Happened::Heard(hearsay, standing), Format::Human) => {
                sink.line(&said_by_others(hearsay))?;
                let roles = hearsay.witnesses.join(" and ");
                detail(&mut sink, &format!("from {roles} of the fleet; {}", standing.meaning()))?;
            }
            (Happened::Answer(answer), Format::Json) => sink.object(&answered(answer))?,
            (Happened::Policy(entry), Format::Human) => {
                sink.line(&line(entry))?;
                detail(&mut sink, &entry.detail)?;
            }
            (Happened::Answer(answer), Format::Human) => {
                sink.line(&said(answer))?;
                detail(&mut sink, &again(answer))?;
            }
        }
    }
    if all.is_empty() && arguments.format == Format::Human {
        sink.line(&format!("nothing is known to have happened to policies of {domain}"))?;
    }
    sink.flush()?;
    Ok(if all.is_empty() { ExitStatus::Refuse } else { ExitStatus::Deliver })
}

fn detail(sink: &mut Sink, words: &str) -> Result<(), CommandError> {
    if !words.is_empty() {
        let mut page = Page::new(terminal::paint());
        page.indented(Tone::Plain, words);
        sink.page(&page.finish())?;
    }
    Ok(())
}

/// An answer, in the columns of the events.
fn said(answer: &WithheldAnswer) -> String {
    let word = match answer.verdict {
        Verdict::Refuse => "refused",
        Verdict::Defer | Verdict::Deliver => "mail-waits",
    };
    format!("{} {:<8} {word:<13} {}", answer.first, "answer", answer.reason.word())
}

/// To whom, about what, and how often.
fn again(answer: &WithheldAnswer) -> String {
    let about = answer.host.as_ref().map_or("all MX hosts", MxHost::as_str);
    let asker = match answer.asker.as_str() {
        "postfix" => "Postfix",
        _ => "Exim",
    };
    match answer.times {
        0 | 1 => format!("told to {asker}, about {about}"),
        times => format!("told to {asker}, about {about}, {times} times until {}", answer.last),
    }
}

fn line(entry: &HistoryEntry) -> String {
    let word = |mode: Option<Mode>| mode.map_or("-", Mode::word);
    let modes = match (entry.before, entry.after) {
        (before, after) if before == after => word(after).to_owned(),
        (before, after) => format!("{} -> {}", word(before), word(after)),
    };
    format!(
        "{} {:<8} {:<13} {modes:<18} {}",
        entry.at,
        entry.dialect.word(),
        entry.event.word(),
        entry.authentication.word()
    )
}

/// What others of a fleet said, in the columns of the events.
fn said_by_others(hearsay: &Hearsay) -> String {
    let policy = &hearsay.policy;
    let (dialect, mode) = (policy.policy.dialect().word(), policy.policy.mode().word());
    format!("{} {dialect:<8} {:<13} {mode:<18} {}", hearsay.heard_at, "heard", policy.authentication.word())
}

/// What others of a fleet said, in JSON: `domain`, `mechanism`, `at`, `event` (`heard`), `authentication`, `mode`, `roles`, `own_look`, `standing`,
/// `until`, as `cache show` has them.
fn heard(domain: &str, hearsay: &Hearsay, standing: Standing) -> Value {
    let policy = &hearsay.policy;
    json!({
        "domain": domain,
        "mechanism": policy.policy.dialect().word(),
        "at": hearsay.heard_at.0,
        "event": "heard",
        "authentication": policy.authentication.word(),
        "mode": policy.policy.mode().word(),
        "roles": hearsay.witnesses,
        "own_look": hearsay.look.word(),
        "standing": standing.word(),
        "until": standing.until().map(|at| at.0),
    })
}

/// One event in JSON: `domain`, `mechanism`, `at`, `event`, `authentication`, `mode_before` and `mode_after` (null: no
/// policy in force), `detail`, `learnt` (null: no policy came; else `from` and `roles`).
fn object(domain: &str, entry: &HistoryEntry) -> Value {
    let learnt = Learnt::of_event(entry);
    json!({
        "domain": domain,
        "mechanism": entry.dialect.word(),
        "at": entry.at.0,
        "event": entry.event.word(),
        "authentication": entry.authentication.word(),
        "mode_before": entry.before.map(Mode::word),
        "mode_after": entry.after.map(Mode::word),
        "detail": entry.detail,
        "learnt": learnt.map(|learnt| json!({ "from": learnt.from.word(), "roles": learnt.roles })),
    })
}

/// Answers that withheld mail in JSON: `domain`, `host` (null: all MX hosts), `event` (`answered`), `asker`, `verdict`, `reason`, `at` (the
/// first of them), `last`, `times`.
fn answered(answer: &WithheldAnswer) -> Value {
    json!({
        "domain": answer.domain.as_str(),
        "host": answer.host.as_ref().map(MxHost::as_str),
        "event": "answered",
        "asker": answer.asker,
        "verdict": answer.verdict.word(),
        "reason": answer.reason.word(),
        "at": answer.first.0,
        "last": answer.last.0,
        "times": answer.times,
    })
}
