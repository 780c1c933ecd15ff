//! Where the TLSA records of an MX host stand: its TLSA base domain (RFC 7672 sections 2.2.2 and 2.2.3).

use crate::dns::{Answer, Class, Content, Outage, Outcome, Question, ZoneStatus};
use crate::verdict::LookupError;
use hickory_proto::rr::{Name, RecordType};

/// The candidates for the TLSA base domain of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// None: the host's own zone is insecure, so that DANE does not apply, and its name servers may well not know
    /// what a TLSA question is.
    Nowhere,
    /// The host's own name.
    Host,
    /// The host's own name if the alias that stands there is secure, which has to be asked for: where its chain of
    /// aliases ends is insecure (section 2.1.3).
    HostIfItsAliasIsSecure,
    /// The end of its chain of aliases, which is secure at every stage; failing that, the host's own name.
    Expanded(Name),
}

/// Whether one of the two address answers says it all, so that nobody has to wait for the other one.
///
/// An insecure absence does not: a zone that denies too expensively to be believed may still have signed what it has.
#[must_use]
pub const fn settles(address: &Answer) -> bool {
    matches!(&address.outcome, Outcome::Secure(_) | Outcome::Insecure(Content::Data(_), _))
}

/// The candidates, as the answers for the host's addresses show them: the one that proves most counts, for the same
/// aliases lead to both families.
///
/// Only the way to the addresses is looked at. A host without any cannot be reached, whatever its TLSA records say; they
/// are looked for all the same, so that nobody who forges an address for the mail server finds it undefended.
///
/// # Errors
/// The trouble, if neither answer tells; that host is to be left alone (section 2.1.2).
pub fn of_addresses(answers: &[Answer]) -> Result<Base, LookupError> {
    let proves = |found: &Result<Base, LookupError>| match found {
        Err(_) => 0,
        Ok(Base::Nowhere) => 1,
        Ok(Base::HostIfItsAliasIsSecure) => 2,
        Ok(Base::Host | Base::Expanded(_)) => 3,
    };
    let unasked =
        || LookupError::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, "nobody asked".to_owned());
    answers.iter().map(of_address).max_by_key(proves).unwrap_or_else(|| Err(unasked()))
}

fn of_address(answer: &Answer) -> Result<Base, LookupError> {
    Ok(match (is_insecure(answer)?, answer.aliases.last()) {
        (true, None) => Base::Nowhere,
        (true, Some(_)) => Base::HostIfItsAliasIsSecure,
        (false, None) => Base::Host,
        (false, Some(end)) => Base::Expanded(end.clone()),
    })
}

/// The candidates of a host that [`Base::HostIfItsAliasIsSecure`], by the answer to its CNAME question.
///
/// # Errors
/// The trouble, if that answer does not tell.
pub fn of_alias(answer: &Answer) -> Result<Base, LookupError> {
    Ok(if is_insecure(answer)? { Base::Nowhere } else { Base::Host })
}

/// Whether the name leads out of the signed tree; silence behind a proven end of it does not make that less certain, and no
/// name that is set apart from the public DNS is in it.
fn is_insecure(answer: &Answer) -> Result<bool, LookupError> {
    match &answer.outcome {
        Outcome::Unreachable(Outage::NotAsked, ..) => Ok(true),
        Outcome::Unreachable(_, ZoneStatus::ProvenInsecure, _) => Ok(true),
        outcome => LookupError::or_content(outcome).map(|_| outcome.class() == Class::Insecure),
    }
}

/// The question for the TLSA records at a base domain: port 25, over TCP (section 2.2.3). `None` if the name would be
/// too long for the DNS; then no such record can exist.
#[must_use]
pub fn question(base: &Name) -> Option<Question> {
    question_at(base, 25)
}

/// The same for another port (RFC 6698 section 3).
#[must_use]
pub fn question_at(base: &Name, port: u16) -> Option<Question> {
    let name = base.prepend_label("_tcp").and_then(|name| name.prepend_label(format!("_{port}"))).ok()?;
    Some(Question::new(&name, RecordType::TLSA))
}

#[cfg(test)]
mod tests {
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
}
