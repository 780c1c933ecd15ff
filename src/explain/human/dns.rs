//! DNS questions, their answers, and what proved them.

use super::Detail;
use crate::explain::{Denies, DnsExchange, Proven, Statement};
use crate::render::page::{Page, Tone};

/// Writes questions one after the other; a proof that several of them share is written once.
#[derive(Debug, Default)]
pub(super) struct DnsWriter {
    detail: Detail,
    /// What was written, and of which question first.
    told: Vec<(Vec<String>, String)>,
}

impl DnsWriter {
    pub(super) const fn new(detail: Detail) -> Self {
        Self { detail, told: Vec::new() }
    }

    /// One question: the answer, who signed it until when, what denied what, or what is wrong.
    pub(super) fn tell(&mut self, page: &mut Page, asked: &DnsExchange) {
        let tone = match asked.class {
            "secure" => Tone::Good,
            "insecure" => Tone::Plain,
            "unreachable" => Tone::Warning,
            _ => Tone::Bad,
        };
        page.item("asked", tone, &headline(asked));
        for alias in &asked.aliases {
            page.more(Tone::Plain, &format!("an alias of {alias}"));
        }
        if let Some(fault) = &asked.fault {
            page.more(tone, fault.meaning);
            page.more(tone, &fault.why.0);
        }
        let grounds = self.grounds(asked);
        match self.told.iter().find(|(told, _)| *told == grounds) {
            _ if grounds.is_empty() => {}
            Some((_, first)) => page.more(Tone::Faint, &format!("proven as for {first}")),
            None => {
                grounds.iter().for_each(|ground| page.more(Tone::Faint, ground));
                self.told.push((grounds, format!("{} {}", asked.name, asked.rtype)));
            }
        }
    }

    /// What proved the answer.
    fn grounds(&self, asked: &DnsExchange) -> Vec<String> {
        let mut grounds: Vec<String> = asked.chain_ends.iter().map(ToString::to_string).collect();
        match self.detail {
            Detail::Full => grounds.extend(asked.proof.iter().map(|proven| ground(proven, Detail::Full))),
            Detail::Brief => grounds.extend(last_words(asked)),
        }
        grounds
    }
}

fn headline(asked: &DnsExchange) -> String {
    let mut words = format!("{} {}: {}", asked.name, asked.rtype, asked.class);
    match asked.content {
        Some("data") if matches!(asked.rtype.as_str(), "A" | "AAAA") => {
            let addresses: Vec<&str> = asked.records.iter().map(|record| record.0.as_str()).collect();
            words.push_str(&format!(", {}", addresses.join(" ")));
        }
        Some("data") if asked.records.len() == 1 => words.push_str(", 1 record"),
        Some("data") => words.push_str(&format!(", {} records", asked.records.len())),
        Some("no-name") => words.push_str(", no such name"),
        Some(_) => words.push_str(", no such record"),
        None => {}
    }
    if let Some(until) = asked.valid_until {
        words.push_str(&format!(", until {until}"));
    }
    words
}

/// The signature that counts for the answer, or every denial that it needs: of the answer itself where it is secure, of
/// the chain of trust where it is insecure.
fn last_words(asked: &DnsExchange) -> Vec<String> {
    let denies = |what: &[&str]| {
        let is_one =
            |proven: &&Proven| proven.denies.as_ref().is_some_and(|denies| what.contains(&denies.what));
        asked.proof.iter().filter(is_one).map(|proven| ground(proven, Detail::Brief)).collect::<Vec<_>>()
    };
    match (asked.class, asked.proof.last()) {
        ("secure", Some(last)) => {
            let own = (last.denies.is_none()).then(|| signed(last, Detail::Brief));
            own.into_iter().chain(denies(&["name", "type", "name-or-type", "closer-match"])).collect()
        }
        ("insecure", Some(_)) => denies(&["delegation", "name-or-type"]),
        _ => Vec::new(),
    }
}

/// Who signed an RRset, and until when that counts.
fn signed(proven: &Proven, detail: Detail) -> String {
    let Proven { signer, key_tag, algorithm, expires, .. } = proven;
    let from = proven.wildcard.as_ref().map_or_else(String::new, |wildcard| format!("from {wildcard}, "));
    let key = match detail {
        Detail::Brief => String::new(),
        Detail::Full => format!(" with key {key_tag} ({algorithm})"),
    };
    format!("{from}signed by {signer}{key} until {expires}")
}

/// One RRset of a proof.
fn ground(proven: &Proven, detail: Detail) -> String {
    let Proven { role, owner, rtype, .. } = proven;
    let signed = signed(proven, detail);
    match &proven.denies {
        None => format!("{role}: {owner} {rtype}, {signed}"),
        Some(denies) => format!("{}: {rtype} {owner} {}, {signed}", denied(denies), says(&denies.says)),
    }
}

/// What is not there.
fn denied(denies: &Denies) -> String {
    let Denies { name, rtype, .. } = denies;
    match denies.what {
        "delegation" => format!("no DS at {name}"),
        "name" => format!("no name {name}"),
        "type" => format!("no {rtype} at {name}"),
        "closer-match" => format!("nothing closer to {name} than the wildcard"),
        _ => format!("no name {name}, or no {rtype} there"),
    }
}

/// What an NSEC or NSEC3 RRset says about which name.
fn says(statements: &[Statement]) -> String {
    let one = |statement: &Statement| {
        let about = &statement.about;
        let place = match statement.place {
            "itself" => String::new(),
            place => format!(" (the {})", place.replace('-', " ")),
        };
        match statement.word {
            "matches" => format!("matches {about}{place}"),
            "covers" => format!("covers {about}{place}"),
            "covers-with-opt-out" => format!("covers {about}{place} with Opt-Out"),
            "leads-below" => format!("leads below {about}{place}"),
            _ => format!("has more iterations than are computed for {about}{place}"),
        }
    };
    statements.iter().map(one).collect::<Vec<_>>().join(" and ")
}
