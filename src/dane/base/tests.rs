use super::*;
use crate::dns::Blame;
use std::time::Duration;

const HOST: &str = "mx.d.test.";

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn answer(outcome: Outcome, aliases: &[&str]) -> Answer {
    Answer {
        question: Question::new(&name(HOST), RecordType::A),
        outcome,
        aliases: aliases.iter().map(|alias| name(alias)).collect(),
        valid_until: None,
        proof: crate::dns::proof::Proof::default(),
        queries: 1,
        elapsed: Duration::ZERO,
    }
}

fn secure(aliases: &[&str]) -> Answer {
    answer(Outcome::Secure(Content::Nodata), aliases)
}

fn insecure(aliases: &[&str]) -> Answer {
    answer(Outcome::Insecure(Content::Nodata, String::new()), aliases)
}

fn silence(zone: ZoneStatus, aliases: &[&str]) -> Answer {
    answer(Outcome::Unreachable(Outage::NoAnswer, zone, String::new()), aliases)
}

/// A name that is set apart from the public DNS (RFC 6761).
fn not_asked() -> Answer {
    answer(Outcome::Unreachable(Outage::NotAsked, ZoneStatus::Unknown, String::new()), &[])
}

fn bogus() -> Answer {
    answer(Outcome::Bogus(Blame::Domain, String::new()), &[])
}

/// The cases of RFC 7672 section 2.2.2, "insecure" and failures as in sections 2.1.1 and 2.1.2.
#[test]
fn the_way_to_the_addresses_says_where_the_tlsa_records_stand() {
    use ZoneStatus::*;
    let end = "end.other.test.";
    let chain = ["middle.test.", end];
    for (addresses, expected) in [
        ([secure(&[]), secure(&[])], Some(Base::Host)),
        ([secure(&chain), secure(&chain)], Some(Base::Expanded(name(end)))),
        ([insecure(&[]), insecure(&[])], Some(Base::Nowhere)),
        ([insecure(&chain), insecure(&chain)], Some(Base::HostIfItsAliasIsSecure)),
        ([silence(ProvenInsecure, &[]), silence(ProvenInsecure, &[])], Some(Base::Nowhere)),
        (
            [silence(ProvenInsecure, &chain), silence(ProvenInsecure, &chain)],
            Some(Base::HostIfItsAliasIsSecure),
        ),
        ([silence(Signed, &[]), silence(Signed, &[])], None),
        ([silence(Unknown, &[]), silence(Signed, &chain)], None),
        ([not_asked(), not_asked()], Some(Base::Nowhere)),
        ([bogus(), bogus()], None),
        ([bogus(), silence(Unknown, &[])], None),
        ([bogus(), secure(&[])], Some(Base::Host)),
        ([secure(&[]), bogus()], Some(Base::Host)),
        ([insecure(&[]), secure(&[])], Some(Base::Host)),
        ([insecure(&[]), silence(Unknown, &[])], Some(Base::Nowhere)),
    ] {
        assert_eq!(of_addresses(&addresses).ok(), expected, "{addresses:?}");
    }
    assert!(of_addresses(&[]).is_err());
}

#[test]
fn an_alias_into_an_insecure_zone_counts_if_it_is_secure_itself() {
    assert_eq!(of_alias(&secure(&[])), Ok(Base::Host));
    assert_eq!(of_alias(&insecure(&[])), Ok(Base::Nowhere));
    assert_eq!(of_alias(&silence(ZoneStatus::ProvenInsecure, &[])), Ok(Base::Nowhere));
    assert!(of_alias(&silence(ZoneStatus::Signed, &[])).is_err());
    assert!(of_alias(&bogus()).is_err());
}

#[test]
fn nobody_waits_for_the_other_family_where_one_says_it_all() {
    let address =
        Content::Data(vec![hickory_proto::rr::RData::A(hickory_proto::rr::rdata::A::new(192, 0, 2, 1))]);
    assert!(settles(&secure(&[])) && settles(&answer(Outcome::Insecure(address, String::new()), &[])));
    for open in [insecure(&[]), bogus(), silence(ZoneStatus::ProvenInsecure, &[])] {
        assert!(!settles(&open), "{open:?}");
    }
}

#[test]
fn the_question_is_about_port_25_over_tcp() {
    let question = question(&name(HOST)).unwrap();
    assert_eq!(question.to_string(), "_25._tcp.mx.d.test. TLSA");
    let long = name(&format!("{}test.", "a.".repeat(123)));
    assert_eq!(super::question(&long), None);
}
