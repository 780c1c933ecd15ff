//! What an operator orders for all hosts: words that the operator's key has signed. Decrees alone weaken by word, so neither a host nor whoever rules
//! the database can make one, play one again, or have one obeyed by another fleet. Pure.

use crate::limits::{DECREE_OLDEST, MAX_DECREE_OCTETS};
use crate::overrides::{Decreed, Effect, Scope};
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::verdict::Requirement;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use data_encoding::BASE64;
use std::collections::BTreeMap;
use std::fmt;

/// The first line of each.
const HEAD: &str = "smtp-sts-verify fleet decree 1";

/// Octets of a reason.
const REASON_OCTETS: usize = 400;

/// Seconds by which the clocks of operator and host may differ.
pub const MAX_SKEW: u64 = 300;

/// One decree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decree {
    /// The id of the fleet's store.
    pub fleet: String,
    /// Its number there.
    pub number: u64,
    /// What is to be done.
    pub order: Order,
    /// About which domains; a purge is about one.
    pub scope: Scope,
    /// When it was issued.
    pub issued: UnixTime,
    /// Until when it is to be obeyed by whoever hears of it; and until when an override counts.
    pub ends: UnixTime,
    /// Why, in the operator's words; one line.
    pub reason: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// What was decreed for the very same domains before counts no more.
    Lift,
    /// Whatever the domains publish, this counts instead, as an override of the configuration does.
    Override(Effect),
    /// Everything that is known about the domain is forgotten.
    Purge,
}

impl Order {
    /// The words in a statement.
    const fn words(self) -> &'static str {
        match self {
            Self::Lift => "lift",
            Self::Override(Effect::Ignore) => "override ignore",
            Self::Override(Effect::Require(Requirement::Dane)) => "override dane",
            Self::Override(Effect::Require(Requirement::None)) => "override none",
            Self::Override(Effect::Require(Requirement::WebPki)) => "override webpki",
            Self::Purge => "purge",
        }
    }

    fn from_words(words: &str) -> Option<Self> {
        let overrides = Effect::ALL.into_iter().map(Self::Override);
        [Self::Lift, Self::Purge].into_iter().chain(overrides).find(|order| order.words() == words)
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
    /// It was issued more than seven days ago.
    NotOfThisWeek,
    /// It was issued after now.
    NotYet,
    /// It has ended.
    Ended,
    /// It would count for more than seven days: a host that was away for so long would not hear that it was lifted.
    TooLong,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSigned => "no key in operator_key has signed it",
            Self::Unknown => "it is none that this program knows",
            Self::OfOthers => "it was made for another fleet or another number",
            Self::NotOfThisWeek => "it was issued more than seven days ago",
            Self::NotYet => {
                "it was issued in the future, by this host's clock: it is obeyed when that time has come"
            }
            Self::Ended => "it has ended",
            Self::TooLong => "it would count for more than seven days",
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
        let Self { fleet, number, order, scope, issued, ends, reason } = self;
        let (order, reason) = (order.words(), told(reason));
        write!(
            f,
            "{HEAD}\nfleet: {fleet}\nnumber: {number}\norder: {order}\ndomain: {scope}\nissued: {}\nends: {}\nreason: {reason}\n",
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
        if !is_signed(statement, signature, operators) {
            return Err(Refused::NotSigned);
        }
        let decree = Self::parse(statement).ok_or(Refused::Unknown)?;
        if decree.fleet != fleet || decree.number != number {
            return Err(Refused::OfOthers);
        }
        if decree.issued.since(now) > MAX_SKEW {
            return Err(Refused::NotYet);
        }
        if now.since(decree.issued) > DECREE_OLDEST {
            return Err(Refused::NotOfThisWeek);
        }
        if decree.ends <= now {
            return Err(Refused::Ended);
        }
        let is_too_long = decree.ends.since(decree.issued) > DECREE_OLDEST;
        if is_too_long { Err(Refused::TooLong) } else { Ok(decree) }
    }

    /// Whether an override counts at that moment, which it does for a week at most.
    fn overrides_at(&self, now: UnixTime) -> bool {
        now < self.ends && self.ends.since(self.issued) <= DECREE_OLDEST
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
            order: Order::from_words(value("order")?)?,
            scope: Scope::try_from(value("domain")?.to_owned()).ok()?,
            issued: UnixTime(value("issued")?.parse().ok()?),
            ends: UnixTime(value("ends")?.parse().ok()?),
            reason: value("reason")?.to_owned(),
        };
        // What stands there is to the letter what was signed by this program.
        let is_whole = decree.order != Order::Purge || decree.scope.domain().is_some();
        (is_whole && decree.to_string() == statement).then_some(decree)
    }
}

fn is_signed(statement: &str, signature: &[u8], operators: &[[u8; 32]]) -> bool {
    let verifies = |key: &[u8; 32]| {
        UnparsedPublicKey::new(&ED25519, key).verify(statement.as_bytes(), signature).is_ok()
    };
    operators.iter().any(verifies)
}

/// What stands before the signature of a decree that a host keeps.
const SIGNATURE: &str = "signature: ";

/// A statement with its signature, as a host keeps it: what is written in a file is believed no more than what is written in a database.
#[must_use]
pub fn kept(statement: &str, signature: &[u8]) -> String {
    format!("{statement}{SIGNATURE}{}\n", BASE64.encode(signature))
}

/// Whether any of these texts of [`kept`] could be an override.
#[must_use]
pub fn may_override(all: &[String]) -> bool {
    all.iter().any(|text| text.contains("\norder: override "))
}

/// The domains that these texts of [`kept`] hold to more than they may publish, where no signature can be looked at: each was looked at when the decree
/// was obeyed, and whether its key still counts nobody knows. What was replaced or lifted since then holds nothing any more.
#[must_use]
pub fn stricter(all: &[String], now: UnixTime) -> Vec<Scope> {
    let holds_to_more = |(scope, decree): (Scope, Decree)| {
        let is_stricter =
            matches!(decree.order, Order::Override(Effect::Require(Requirement::Dane | Requirement::WebPki)));
        (is_stricter && decree.overrides_at(now)).then_some(scope)
    };
    last_words(all, now, |_, _| true).into_iter().filter_map(holds_to_more).collect()
}

/// The overrides that count by these texts of [`kept`], whose signatures are looked at once more: a key that was taken away takes its overrides with
/// it. Of the same domains the one counts that was issued last; one that is lifted counts no more.
#[must_use]
pub fn overrides(all: &[String], operators: &[[u8; 32]], now: UnixTime) -> Decreed {
    let is_signed = |statement: &str, signature: &[u8]| is_signed(statement, signature, operators);
    let mut decreed = Decreed::default();
    for (scope, decree) in last_words(all, now, is_signed) {
        if let Order::Override(effect) = decree.order
            && decree.overrides_at(now)
        {
            decreed.insert(scope, decree.number, effect, decree.ends, decree.reason);
        }
    }
    decreed
}

/// Of the same domains the decree that was issued last, of those whose statement and signature are admitted; overrides, and what lifts them.
fn last_words(
    all: &[String],
    now: UnixTime,
    is_admitted: impl Fn(&str, &[u8]) -> bool,
) -> BTreeMap<Scope, Decree> {
    let mut last: BTreeMap<Scope, Decree> = BTreeMap::new();
    for text in all {
        let Some((statement, signature)) = text.rsplit_once(SIGNATURE) else { continue };
        let Ok(signature) = BASE64.decode(signature.trim_end().as_bytes()) else { continue };
        // Neither an override nor what lifts one counts for longer.
        let may_count =
            |decree: &Decree| decree.order != Order::Purge && now.since(decree.issued) <= DECREE_OLDEST;
        let Some(decree) = Decree::parse(statement).filter(may_count) else { continue };
        let is_later = |known: &Decree| (known.issued, known.number) < (decree.issued, decree.number);
        if is_admitted(statement, &signature) && last.get(&decree.scope).is_none_or(is_later) {
            last.insert(decree.scope.clone(), decree);
        }
    }
    last
}

#[cfg(test)]
mod tests;
