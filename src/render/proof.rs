//! What an answer was proven by, in the words of people and in those of programs.

use super::page::{Page, Tone};
use crate::dns::presentation::{name, type_word};
use crate::dns::proof::{Denial, Denied, Ground, Place, Proof, Role, Statement, Word};
use serde_json::{Value, json};

/// The proof as an item of a page, a paragraph for each RRset; nothing for a proof of nothing.
pub fn write(page: &mut Page, proof: &Proof) {
    for (place, ground) in proof.0.iter().enumerate() {
        match place {
            0 => page.item("proof", Tone::Plain, &sentence(ground)),
            _ => page.more(Tone::Plain, &sentence(ground)),
        }
    }
}

/// One RRset in a sentence: what it is, who signed it until when, and what it denies.
#[must_use]
pub fn sentence(ground: &Ground) -> String {
    let signature = &ground.signature;
    let wildcard = ground.wildcard().map(|wildcard| format!(" (made from {})", name(&wildcard)));
    let denial = match &ground.role {
        Role::Denial(denial) => denied(denial),
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => String::new(),
    };
    format!(
        "{} of {}{}, signed by {} (key {}, {}) until {}{denial}",
        type_word(ground.rtype),
        name(&ground.owner),
        wildcard.unwrap_or_default(),
        name(&signature.signer),
        signature.key_tag,
        signature.algorithm,
        signature.expires,
    )
}

fn denied(denial: &Denial) -> String {
    let (asked, rtype) = (name(&denial.name), type_word(denial.rtype));
    let what = match denial.denied {
        Denied::Delegation => format!("no DS at {asked}"),
        Denied::Name => format!("no name {asked}"),
        Denied::Type => format!("no {rtype} at {asked}"),
        Denied::NameOrType => format!("no {rtype} at {asked}, or no such name"),
        Denied::CloserMatch => format!("no closer match for {asked} than the wildcard"),
    };
    let says: Vec<String> = denial.says.iter().map(statement).collect();
    format!("; to prove {what}, it {}", says.join(" and "))
}

fn statement(statement: &Statement) -> String {
    let about = name(&statement.about);
    let place = match statement.place {
        Place::Itself => "",
        Place::ClosestEncloser => ", the closest encloser",
        Place::NextCloser => ", the next closer name",
        Place::Wildcard => ", the wildcard",
    };
    match statement.word {
        Word::Matches => format!("matches {about}{place}"),
        Word::Covers => format!("covers {about}{place}"),
        Word::CoversWithOptOut => format!("covers {about}{place}, with the Opt-Out flag"),
        Word::LeadsBelow => format!("leads to a name below {about}{place}"),
        Word::Uncounted => "has more iterations than are computed".to_owned(),
    }
}

/// The proof for programs: an array with an object for each RRset.
#[must_use]
pub fn json(proof: &Proof) -> Value {
    proof.0.iter().map(object).collect()
}

fn object(ground: &Ground) -> Value {
    let signature = &ground.signature;
    let denies = match &ground.role {
        Role::Denial(denial) => json!({
            "what": denial.denied.word(),
            "name": name(&denial.name),
            "type": type_word(denial.rtype),
            "says": denial.says.iter().map(|statement| json!({
                "word": statement.word.word(),
                "name": name(&statement.about),
                "place": statement.place.word(),
            })).collect::<Value>(),
        }),
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => Value::Null,
    };
    json!({
        "role": ground.role.word(),
        "name": name(&ground.owner),
        "type": type_word(ground.rtype),
        "wildcard": ground.wildcard().map(|wildcard| name(&wildcard)),
        "signer": name(&signature.signer),
        "key_tag": signature.key_tag,
        "algorithm": signature.algorithm.as_str(),
        "inception": signature.inception.0,
        "expires": signature.expires.0,
        "denies": denies,
    })
}
