//! DANE for SMTP (RFC 7672): what TLSA records of an MX host ask of a delivery, and which certificates they accept.
//!
//! Pure. [`crate::verify::dane`] asks the DNS in the order in which [`base`] says where to look; [`of_tlsa`] reads
//! what was found. Everything rests on the four classes of [`crate::dns`]: an insecure answer is no failure, and a
//! bogus or missing one is never an absence (section 2.1.1).

pub mod base;
pub(crate) mod der;
pub mod matching;
pub mod set;
pub mod tlsa;

use crate::dns::{Answer, Content, Outcome, ZoneStatus};
use crate::verdict::{DaneHost, LookupError};
use tlsa::Tlsa;

/// What the answer to a TLSA question asks of mail for the host at whose base domain it was asked (RFC 7672 section
/// 2.2).
///
/// A name server of an unsigned zone that does not answer TLSA questions is an old acquaintance (section 2.2.2):
/// where the zone is proven to be insecure, its silence says what its answer would have said.
#[must_use]
pub fn of_tlsa(answer: &Answer) -> DaneHost {
    match &answer.outcome {
        Outcome::Secure(Content::Data(records))
            if records.iter().any(|record| Tlsa::parse(record).is_ok()) =>
        {
            DaneHost::Usable
        }
        Outcome::Secure(Content::Data(_)) => DaneHost::Unusable,
        Outcome::Secure(Content::Nodata | Content::Nxdomain)
        | Outcome::Insecure(..)
        | Outcome::Unreachable(_, ZoneStatus::ProvenInsecure, _) => DaneHost::Absent,
        Outcome::Bogus(blame, why) => DaneHost::Unknown(LookupError::Bogus(*blame, why.clone())),
        Outcome::Unreachable(outage, zone, why) => {
            DaneHost::Unknown(LookupError::Unreachable(*outage, *zone, why.clone()))
        }
    }
}
