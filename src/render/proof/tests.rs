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
        sentence.strip_prefix("NSEC3 of h.example.org., signed by example.org., denies ").unwrap().to_owned()
    };
    let encloser = ("example.org", Place::ClosestEncloser, Word::Matches);
    let next = ("b.example.org", Place::NextCloser, Word::Covers);
    assert_eq!(
        sentence(denial(Denied::Name, &[encloser, next, ("*.example.org", Place::Wildcard, Word::Covers)])),
        "the name a.b.example.org.: it matches the closest encloser example.org. and covers the next closer name \
             b.example.org. and covers the wildcard *.example.org."
    );
    assert_eq!(
        sentence(denial(Denied::Delegation, &[("b.example.org", Place::NextCloser, Word::CoversWithOptOut)])),
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
    assert_eq!(sentence(&data), "TXT of x.y.example.org., made from *.example.org., signed by example.org.");
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
