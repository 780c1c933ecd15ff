//! What an answer was proven by, in the words of people and in those of programs.

use super::page::{Page, Tone};
use crate::dns::presentation::{name, type_word};
use crate::dns::proof::{Denial, Denied, Ground, Place, Proof, Role, Signature, Statement, Word};
use serde_json::{Value, json};

/// The proof as an item of a page: each RRset, and its signature below; nothing for a proof of nothing.
pub fn write(page: &mut Page, proof: &Proof) {
    for (place, ground) in proof.0.iter().enumerate() {
        match place {
            0 => page.item("proof", Tone::Plain, &sentence(ground)),
            _ => page.more(Tone::Plain, &sentence(ground)),
        }
        page.more(Tone::Faint, &signature(&ground.signature));
    }
}

/// One RRset of a proof: what it is, who signed it, and what it denies.
#[must_use]
pub fn sentence(ground: &Ground) -> String {
    let wildcard = ground.wildcard().map(|wildcard| format!(", made from {}", name(&wildcard)));
    let denied = match &ground.role {
        Role::Denial(denial) => denied(denial),
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => String::new(),
    };
    format!(
        "{} of {}{}, signed by {}{denied}",
        type_word(ground.rtype),
        name(&ground.owner),
        wildcard.unwrap_or_default(),
        name(&ground.signature.signer),
    )
}

/// The key and the end of a signature; it fits on a line.
#[must_use]
pub fn signature(signature: &Signature) -> String {
    format!("tag {}, {}, until {}", signature.key_tag, signature.algorithm, signature.expires)
}

/// What an NSEC or NSEC3 RRset denies, and by which words.
fn denied(denial: &Denial) -> String {
    let (asked, rtype) = (name(&denial.name), type_word(denial.rtype));
    let what = match denial.denied {
        Denied::Delegation => format!("a DS at {asked}"),
        Denied::Name => format!("the name {asked}"),
        Denied::Type => format!("{rtype} at {asked}"),
        Denied::NameOrType => format!("{rtype} at {asked}, or the name"),
        Denied::CloserMatch => format!("a closer match for {asked} than the wildcard"),
    };
    let says: Vec<String> = denial.says.iter().map(statement).collect();
    format!(", denies {what}: it {}", says.join(" and "))
}

fn statement(statement: &Statement) -> String {
    let place = match statement.place {
        Place::Itself => "",
        Place::ClosestEncloser => "the closest encloser ",
        Place::NextCloser => "the next closer name ",
        Place::Wildcard => "the wildcard ",
    };
    let about = format!("{place}{}", name(&statement.about));
    match statement.word {
        Word::Matches if statement.place == Place::ClosestEncloser => format!("matches {about}"),
        Word::Matches => format!("lists the types at {about}"),
        Word::Covers => format!("covers {about}"),
        Word::CoversWithOptOut => format!("covers {about} with Opt-Out (an unsigned zone may be there)"),
        Word::LeadsBelow => format!("leads to a name below {about}, which is there for that alone"),
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

#[cfg(test)]
mod tests;
