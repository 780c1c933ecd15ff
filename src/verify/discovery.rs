//! What the two names of a policy record say together, and whether it is authentic. Pure.

use crate::dns::{Answer, Class, Content, joined_texts};
use crate::policy::Authentication;
use crate::policy::smtp_sts::{Mechanism, Published, Record, published};
use crate::time::UnixTime;
use crate::verdict::{Absence, LookupError};

/// A record as DNS gave it, before it is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The record of the draft, read; whether it counts depends on the mechanism that it names.
    pub record: Record,
    /// Whether the TXT answer is secure.
    pub class: Class,
    /// Until when the answer may be believed.
    pub valid_until: UnixTime,
}

/// What stands at both names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// No policy, and until when that may be believed.
    Absent(Absence, Class, UnixTime),
    /// A record.
    Found(Candidate),
    /// Nobody can tell.
    Unknown(LookupError),
}

/// What one name says.
enum Name {
    Nothing(Class, UnixTime),
    NoPolicy(String, Class, UnixTime),
    Record(Candidate),
    LookupError(LookupError),
}

/// Reads the answers in the order of [`crate::policy::smtp_sts::LABELS`]: the first name with a well-formed record
/// wins. Without one, trouble at either name outweighs what the other says: an attacker silences the one that counts.
#[must_use]
pub fn discover(answers: &[Answer]) -> Discovery {
    let names: Vec<Name> = answers.iter().map(read).collect();
    let mut trouble: Option<LookupError> = None;
    let mut absence = (Absence::Nothing, Class::Secure, UnixTime(u64::MAX));
    for name in names {
        match name {
            Name::Record(candidate) => return Discovery::Found(candidate),
            Name::LookupError(new) => {
                trouble = Some(match trouble {
                    Some(old) => graver(old, new),
                    None => new,
                });
            }
            Name::NoPolicy(why, class, until) => {
                absence = (Absence::Malformed(why), weaker(absence.1, class), absence.2.min(until));
            }
            Name::Nothing(class, until) => {
                absence = (absence.0, weaker(absence.1, class), absence.2.min(until));
            }
        }
    }
    let (absence, class, until) = absence;
    trouble.map_or(Discovery::Absent(absence, class, until), Discovery::Unknown)
}

fn read(answer: &Answer) -> Name {
    let class = answer.outcome.class();
    let until = answer.valid_until.unwrap_or(UnixTime(0));
    let records = match LookupError::or_content(&answer.outcome) {
        Err(trouble) => return Name::LookupError(trouble),
        Ok(Content::Nodata | Content::Nxdomain) => return Name::Nothing(class, until),
        Ok(Content::Data(records)) => records,
    };
    match published(&joined_texts(records)) {
        Published::Nothing => Name::Nothing(class, until),
        Published::Malformed(malformed) => Name::NoPolicy(malformed.to_string(), class, until),
        Published::Several(number) => {
            Name::NoPolicy(format!("{number} records stand at one name"), class, until)
        }
        Published::Record(record) => Name::Record(Candidate { record, class, valid_until: until }),
    }
}

/// Of two troubles the one that says more about an attack.
fn graver(old: LookupError, new: LookupError) -> LookupError {
    use crate::dns::ZoneStatus::ProvenInsecure;
    match (&old, &new) {
        (LookupError::Unreachable(..), LookupError::Bogus(..)) => new,
        (LookupError::Unreachable(_, ProvenInsecure, _), LookupError::Unreachable(..)) => new,
        _ => old,
    }
}

fn weaker(one: Class, other: Class) -> Class {
    if one == Class::Secure { other } else { one }
}

/// What is still to be done to authenticate a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is authentic.
    Given(Authentication),
    /// Its HTTPS copy must be fetched and compared.
    Copy(crate::policy::url::PolicyUrl),
    /// It cannot be authenticated; the text says why.
    Impossible(String),
}

/// How a candidate is authenticated (draft section 3.3): by its own mechanism, or by that of the policy that it would
/// replace.
#[must_use]
pub fn proof(
    candidate: &Candidate,
    domain: &crate::name::PolicyDomain,
    replaced: Option<Authentication>,
) -> Proof {
    let secure = candidate.class == Class::Secure;
    match (replaced, &candidate.record.terms().mechanism) {
        (Some(Authentication::Dnssec), _)
        | (None | Some(Authentication::FirstUse), Some(Mechanism::Dnssec)) => {
            if secure {
                Proof::Given(Authentication::Dnssec)
            } else {
                Proof::Impossible("a=dnssec, but the zone is not signed".into())
            }
        }
        (_, Some(Mechanism::WebPki(location))) => location.url(domain).map_or_else(
            || Proof::Impossible("a=webpki names no HTTPS resource of the policy domain itself".into()),
            Proof::Copy,
        ),
        (Some(Authentication::WebPki), _) => Proof::Impossible(
            "the policy that it would replace was authenticated by HTTPS, and it names no copy".into(),
        ),
        (_, Some(Mechanism::Unknown(word))) => Proof::Impossible(format!("a={word} is not known")),
        (_, None) => Proof::Impossible("it names no mechanism (a=)".into()),
    }
}

/// Whether the HTTPS copy is the record: octet for octet, with one line end more if need be.
#[must_use]
pub fn is_copy(body: &[u8], record: &Record) -> bool {
    let body = body.strip_suffix(b"\n").map_or(body, |rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    body == record.as_str().as_bytes()
}
