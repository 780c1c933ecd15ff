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
mod tests;
