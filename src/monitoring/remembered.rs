//! What the last exposition knew, read as untrusted input: anybody who can write into the directory could have put it there.
//!
//! Only the two series that outlive a failed handshake are taken from it, only for the domains that are asked about, and
//! only numbers that can be true.

use super::prometheus::Family;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use std::collections::BTreeMap;

/// No certificate ends later: RFC 5280 section 4.1.2.5 writes 99991231235959Z for "never".
const LATEST_EXPIRY: UnixTime = UnixTime(253_402_300_799);

/// What is known about a certificate that may not be seen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownExpiry {
    /// When it ends.
    pub at: UnixTime,
    /// When it was seen the last time.
    pub seen: UnixTime,
}

/// What an earlier run wrote down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered(BTreeMap<String, KnownExpiry>);

impl Remembered {
    /// Reads an exposition that this program wrote before `now`, about these domains; whatever else stands in it is
    /// passed over.
    #[must_use]
    pub fn read(text: &str, domains: &[PolicyDomain], now: UnixTime) -> Self {
        let (expiries, sights) =
            (series(text, Family::CertificateExpiry), series(text, Family::CertificateSeen));
        let known = domains.iter().filter_map(|domain| {
            let number = |series: &BTreeMap<&str, u64>| series.get(domain.as_str()).copied().map(UnixTime);
            let (at, seen) = (number(&expiries)?, number(&sights)?);
            (at <= LATEST_EXPIRY && seen <= now)
                .then(|| (domain.as_str().to_owned(), KnownExpiry { at, seen }))
        });
        Self(known.collect())
    }

    /// What is known of this domain.
    #[must_use]
    pub fn expiry(&self, domain: &PolicyDomain) -> Option<KnownExpiry> {
        self.0.get(domain.as_str()).copied()
    }
}

/// The values of a series by domain, of lines in the one form in which this program writes them.
fn series<'a>(text: &'a str, family: Family) -> BTreeMap<&'a str, u64> {
    let value = |line: &'a str| {
        let (domain, value) =
            line.strip_prefix(family.name())?.strip_prefix("{domain=\"")?.split_once("\"} ")?;
        Some((domain, value.parse().ok()?))
    };
    // A line without its end was cut: half a number is another number.
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).filter_map(value).collect()
}
