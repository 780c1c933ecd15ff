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
mod tests {
    use super::*;
    use crate::dns::presentation::parse_name;
    use crate::time::UnixTime;
    use hickory_proto::dnssec::Algorithm;
    use hickory_proto::rr::RecordType;

    fn ground(owner: &str, rtype: RecordType, labels: u8, role: Role) -> Ground {
        let signature = Signature {
            signer: parse_name("example.org").unwrap(),
            key_tag: 4711,
            algorithm: Algorithm::ECDSAP256SHA256,
            labels,
            inception: UnixTime(1_700_000_000),
            expires: UnixTime(1_800_000_000),
        };
        Ground { role, owner: parse_name(owner).unwrap(), rtype, signature }
    }

    fn denial(denied: Denied, says: &[(&str, Place, Word)]) -> Ground {
        let statement = |(about, place, word): &(&str, Place, Word)| Statement {
            about: parse_name(about).unwrap(),
            place: *place,
            word: *word,
        };
        let says = says.iter().map(statement).collect();
        let (name, rtype) = (parse_name("a.b.example.org").unwrap(), RecordType::TXT);
        ground("h.example.org", RecordType::NSEC3, 3, Role::Denial(Denial { denied, name, rtype, says }))
    }

    #[test]
    fn a_denial_says_which_name_each_record_speaks_of() {
        let sentence = |ground| {
            let sentence = sentence(&ground);
            sentence
                .strip_prefix("NSEC3 of h.example.org., signed by example.org., denies ")
                .unwrap()
                .to_owned()
        };
        let encloser = ("example.org", Place::ClosestEncloser, Word::Matches);
        let next = ("b.example.org", Place::NextCloser, Word::Covers);
        assert_eq!(
            sentence(denial(
                Denied::Name,
                &[encloser, next, ("*.example.org", Place::Wildcard, Word::Covers)]
            )),
            "the name a.b.example.org.: it matches the closest encloser example.org. and covers the next closer name \
             b.example.org. and covers the wildcard *.example.org."
        );
        assert_eq!(
            sentence(denial(
                Denied::Delegation,
                &[("b.example.org", Place::NextCloser, Word::CoversWithOptOut)]
            )),
            "a DS at a.b.example.org.: it covers the next closer name b.example.org. with Opt-Out (an unsigned zone may \
             be there)"
        );
        assert_eq!(
            sentence(denial(Denied::Type, &[("*.example.org", Place::Wildcard, Word::Matches)])),
            "TXT at a.b.example.org.: it lists the types at the wildcard *.example.org."
        );
        assert_eq!(
            sentence(denial(Denied::CloserMatch, &[next])),
            "a closer match for a.b.example.org. than the wildcard: it covers the next closer name b.example.org."
        );
        assert_eq!(
            sentence(denial(Denied::NameOrType, &[("a.b.example.org", Place::Itself, Word::Uncounted)])),
            "TXT at a.b.example.org., or the name: it has more iterations than are computed"
        );
    }

    #[test]
    fn what_a_wildcard_answered_says_so() {
        let data = ground("x.y.example.org", RecordType::TXT, 2, Role::Data);
        assert_eq!(
            sentence(&data),
            "TXT of x.y.example.org., made from *.example.org., signed by example.org."
        );
        assert_eq!(signature(&data.signature), "tag 4711, ECDSAP256SHA256, until 2027-01-15T08:00:00Z");
    }

    #[test]
    fn programs_get_the_same_in_words_of_closed_lists() {
        let proof = Proof(vec![
            ground("example.org", RecordType::DNSKEY, 2, Role::Keys),
            denial(Denied::Name, &[("b.example.org", Place::NextCloser, Word::CoversWithOptOut)]),
        ]);
        let signed = json!({
            "signer": "example.org.", "key_tag": 4711, "algorithm": "ECDSAP256SHA256", "wildcard": null,
            "inception": 1_700_000_000, "expires": 1_800_000_000,
        });
        let with = |more: Value| {
            let mut object = signed.as_object().unwrap().clone();
            object.extend(more.as_object().unwrap().clone());
            Value::Object(object)
        };
        let keys = json!({"role": "keys", "name": "example.org.", "type": "DNSKEY", "denies": null});
        let denial = json!({"role": "denial", "name": "h.example.org.", "type": "NSEC3", "denies": {
            "what": "name", "name": "a.b.example.org.", "type": "TXT",
            "says": [{"word": "covers-with-opt-out", "name": "b.example.org.", "place": "next-closer"}],
        }});
        assert_eq!(json(&proof), json!([with(keys), with(denial)]));
    }
}
