//! What an operator orders for all hosts: words that the operator's key has signed. Decrees alone weaken by word, so neither a host nor whoever rules
//! the database can make one, play one again, or have one obeyed by another fleet. Pure.

use crate::limits::{DECREE_OLDEST, MAX_DECREE_OCTETS};
use crate::name::PolicyDomain;
use crate::text::excerpt;
use crate::time::UnixTime;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use std::fmt;

/// The first line of each.
const HEAD: &str = "smtp-sts-verify fleet decree 1";

/// Octets of a reason.
const REASON_OCTETS: usize = 400;

/// Seconds by which the clocks of operator and host may differ.
const MAX_SKEW: u64 = 300;

/// One decree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decree {
    /// The id of the fleet's store.
    pub fleet: String,
    /// Its number there.
    pub number: u64,
    /// What is to be done.
    pub order: Order,
    /// About which domain.
    pub domain: PolicyDomain,
    /// When it was issued.
    pub issued: UnixTime,
    /// Until when it is to be obeyed by whoever hears of it.
    pub ends: UnixTime,
    /// Why, in the operator's words; one line.
    pub reason: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Everything that is known about the domain is forgotten.
    Purge,
}

impl Order {
    const fn word(self) -> &'static str {
        match self {
            Self::Purge => "purge",
        }
    }
}

/// Why a decree is not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No key of an operator has signed it.
    NotSigned,
    /// It is none that this program knows.
    Unknown,
    /// It is another fleet's, or has another number than its row.
    OfOthers,
    /// It was issued after now, or more than seven days ago.
    NotOfThisWeek,
    /// It has ended.
    Ended,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSigned => "no key in operator_key has signed it",
            Self::Unknown => "it is none that this program knows",
            Self::OfOthers => "it was made for another fleet or another number",
            Self::NotOfThisWeek => "it was issued more than seven days ago, or in the future",
            Self::Ended => "it has ended",
        })
    }
}

/// A reason as one line of printable ASCII; what is one already stays as it is.
#[must_use]
pub fn told(reason: &str) -> String {
    let is_plain = reason.len() <= REASON_OCTETS && reason.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_plain {
        return reason.to_owned();
    }
    let mut shown = excerpt(reason, REASON_OCTETS / 2);
    shown.truncate(REASON_OCTETS);
    shown
}

/// The words of a decree.
impl fmt::Display for Decree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fleet, number, order, domain, issued, ends, reason } = self;
        let (order, reason) = (order.word(), told(reason));
        write!(
            f,
            "{HEAD}\nfleet: {fleet}\nnumber: {number}\norder: {order}\ndomain: {domain}\nissued: {}\nends: {}\nreason: {reason}\n",
            issued.0, ends.0
        )
    }
}

impl Decree {
    /// Its words, and the signature of that key.
    #[must_use]
    pub fn signed(&self, key: &Ed25519KeyPair) -> (String, Vec<u8>) {
        let statement = self.to_string();
        let signature = key.sign(statement.as_bytes()).as_ref().to_vec();
        (statement, signature)
    }

    /// The decree in a row of the database, if it is to be obeyed now. Whether it was obeyed before, whoever asks remembers.
    ///
    /// # Errors
    /// [`Refused`]: why it is not.
    pub fn admitted(
        (number, statement, signature): (u64, &str, &[u8]),
        fleet: &str,
        operators: &[[u8; 32]],
        now: UnixTime,
    ) -> Result<Self, Refused> {
        let is_signed = |key: &[u8; 32]| {
            UnparsedPublicKey::new(&ED25519, key).verify(statement.as_bytes(), signature).is_ok()
        };
        if !operators.iter().any(is_signed) {
            return Err(Refused::NotSigned);
        }
        let decree = Self::parse(statement).ok_or(Refused::Unknown)?;
        if decree.fleet != fleet || decree.number != number {
            return Err(Refused::OfOthers);
        }
        if decree.issued.since(now) > MAX_SKEW || now.since(decree.issued) > DECREE_OLDEST {
            return Err(Refused::NotOfThisWeek);
        }
        if decree.ends <= now { Err(Refused::Ended) } else { Ok(decree) }
    }

    /// Reads the words again.
    #[must_use]
    pub fn parse(statement: &str) -> Option<Self> {
        let mut lines = statement.lines().filter(|_| statement.len() <= MAX_DECREE_OCTETS);
        if lines.next()? != HEAD {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let decree = Self {
            fleet: value("fleet")?.to_owned(),
            number: value("number")?.parse().ok()?,
            order: [Order::Purge].into_iter().find(|order| Some(order.word()) == value("order"))?,
            domain: PolicyDomain::parse(value("domain")?).ok()?,
            issued: UnixTime(value("issued")?.parse().ok()?),
            ends: UnixTime(value("ends")?.parse().ok()?),
            reason: value("reason")?.to_owned(),
        };
        // What stands there is to the letter what was signed by this program.
        (decree.to_string() == statement).then_some(decree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::KeyPair as _;
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn decree() -> Decree {
        Decree {
            fleet: "c0ffee".to_owned(),
            number: 7,
            order: Order::Purge,
            domain: PolicyDomain::parse("example.org").unwrap(),
            issued: UnixTime(NOW.0 - 60),
            ends: NOW.plus(60),
            reason: "ticket 4711".to_owned(),
        }
    }

    #[test]
    fn a_decree_is_obeyed_by_this_fleet_in_its_time_under_its_number_and_its_signature() {
        let (key, other) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
        let public = |key: &Ed25519KeyPair| -> [u8; 32] { key.public_key().as_ref().try_into().unwrap() };
        let both = [public(&other), public(&key)];
        let week = NOW.0 - DECREE_OLDEST;
        for (decree, expected) in [
            (decree(), None),
            (Decree { fleet: "another".to_owned(), ..decree() }, Some(Refused::OfOthers)),
            (Decree { number: 8, ..decree() }, Some(Refused::OfOthers)),
            (Decree { issued: UnixTime(week), ..decree() }, None),
            (Decree { issued: UnixTime(week - 1), ..decree() }, Some(Refused::NotOfThisWeek)),
            (Decree { issued: NOW.plus(MAX_SKEW + 1), ..decree() }, Some(Refused::NotOfThisWeek)),
            (Decree { ends: NOW, ..decree() }, Some(Refused::Ended)),
        ] {
            let (statement, signature) = decree.signed(&key);
            let admitted = Decree::admitted((7, &statement, &signature), "c0ffee", &both, NOW);
            assert_eq!(admitted.as_ref().err(), expected.as_ref(), "{decree:?}");
            assert!(admitted.is_err() || admitted == Ok(decree));
        }
        let (statement, signature) = decree().signed(&key);
        let admitted = |statement: &str, signature: &[u8], keys: &[[u8; 32]]| {
            Decree::admitted((7, statement, signature), "c0ffee", keys, NOW).err()
        };
        assert_eq!(admitted(&statement, &signature, &[]), Some(Refused::NotSigned), "no key, no decree");
        assert_eq!(admitted(&statement, &signature, &both[..1]), Some(Refused::NotSigned));
        assert_eq!(admitted(&statement.replace("org", "net"), &signature, &both), Some(Refused::NotSigned));
        assert_eq!(admitted(&statement, &[], &both), Some(Refused::NotSigned));
        let strange = format!("{statement}more: 1\n");
        assert_eq!(admitted(&strange, key.sign(strange.as_bytes()).as_ref(), &both), Some(Refused::Unknown));
    }

    #[test]
    fn no_decree_is_longer_than_a_row_holds() {
        let longest =
            PolicyDomain::parse(&format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(50))).unwrap();
        let decree = Decree { domain: longest, reason: told(&"long ".repeat(1_000)), ..decree() };
        assert!(
            decree.to_string().len() <= MAX_DECREE_OCTETS && Decree::parse(&decree.to_string()).is_some()
        );
        let padded = format!("{decree}{}", "x".repeat(MAX_DECREE_OCTETS));
        assert_eq!(Decree::parse(&padded), None);
    }

    proptest! {
        #[test]
        fn what_an_operator_writes_stays_one_line(reason in "\\PC{0,80}[\n\r]?\\PC{0,20}") {
            let decree = Decree { reason: told(&reason), ..decree() };
            prop_assert_eq!(Decree::parse(&decree.to_string()), Some(decree));
        }

        #[test]
        fn no_text_panics(text in "(smtp-sts-verify fleet decree 1\nfleet: x\n)?\\PC{0,60}\n\\PC{0,60}") {
            let _ = Decree::parse(&text);
        }
    }
}
