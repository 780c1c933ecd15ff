//! Does a certificate chain match the TLSA records of its host? (RFC 6698 section 2.1, RFC 7671 sections 5 and 9.)
//!
//! Names and dates have no part in DANE-EE(3) (RFC 7672 section 3.1.1). For DANE-TA(2) a match is the first half: who
//! belongs to the chain is what the certificates say of each other. Whether they are well signed, in time, and bear the
//! name of the host (RFC 7672 section 3.2.2) is left to the caller, for one trust anchor at a time.

use super::der::Certificate;
use super::tlsa::{Association, Selector, Tlsa, Unusable, Usage};
use aws_lc_rs::digest;

/// What became of one TLSA record before a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The chain is authenticated by it.
    Matched {
        /// The place of the certificate in the chain, the server's own first; `None` for a trust anchor that the record
        /// brings itself (RFC 7671 section 5.2.2).
        at: Option<usize>,
    },
    /// It fits nothing that the server showed.
    NotMatched,
    /// It fits an authority of the chain, but the chain up to there does not verify, or is not for the host (RFC 7672
    /// section 3.2.2); the text says why.
    Unverified(String),
    /// An SMTP client cannot act on it.
    Unusable(Unusable),
    /// It has a digest that a stronger one for the same usage and selector supersedes (RFC 7671 section 9).
    Superseded,
    /// The server showed no certificate.
    NotReached,
}

impl Fate {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Matched { .. } => "matched",
            Self::NotMatched => "not-matched",
            Self::Unverified(_) => "unverified",
            Self::Unusable(_) => "unusable",
            Self::Superseded => "superseded",
            Self::NotReached => "not-reached",
        }
    }
}

/// Where a chain is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor<'a> {
    /// At this certificate, in DER.
    Certificate(&'a [u8]),
    /// At this key, which a record brings without a certificate around it (RFC 7671 section 5.2.3).
    Key {
        /// Whose key it is to be: the issuer's name in the last certificate that was sent, in DER.
        name: &'a [u8],
        /// The SubjectPublicKeyInfo, in DER.
        key: &'a [u8],
    },
}

/// What becomes of each record, in the order of the records. The chain is in DER, the server's own certificate first, as
/// TLS brings it; `verifies` says whether it leads to a trust anchor and is for the host, or why not.
///
/// Where usable records of one usage and selector bear digests of two kinds, only the stronger kind counts (RFC 7671
/// section 9). The server's own certificate is no trust anchor of itself, not even if it is self-signed: what mail
/// servers use to verify chains looks for DANE-TA(2) above it.
#[must_use]
pub fn fates<'r>(
    chain: &[impl AsRef<[u8]>],
    records: impl IntoIterator<Item = &'r Result<Tlsa, Unusable>>,
    verifies: impl Fn(Anchor<'_>) -> Result<(), String>,
) -> Vec<Fate> {
    let records: Vec<_> = records.into_iter().collect();
    let usable: Vec<&Tlsa> = records.iter().filter_map(|record| record.as_ref().ok()).collect();
    let issuers =
        chain.split_first().map(|(own, authorities)| (own.as_ref(), Issuers::of(own.as_ref(), authorities)));
    let fate = |record: &Tlsa| match &issuers {
        _ if is_superseded(record, &usable) => Fate::Superseded,
        None => Fate::NotReached,
        Some((own, issuers)) => match record.usage {
            Usage::EndEntity if is_matched(own, record) => Fate::Matched { at: Some(0) },
            Usage::EndEntity => Fate::NotMatched,
            Usage::TrustAnchor => issuers.fate(record, &verifies),
        },
    };
    records.iter().map(|record| record.as_ref().map_or_else(|why| Fate::Unusable(*why), fate)).collect()
}

/// Who issued the server's certificate, directly or at a distance, in what the certificates say of each other.
struct Issuers<'a> {
    /// Those that the server sent, each with its place in the chain.
    sent: Vec<(usize, &'a [u8])>,
    /// The names of all.
    names: Vec<&'a [u8]>,
    /// Of these, the names of those that the server did not send.
    missing: Vec<&'a [u8]>,
}

impl<'a> Issuers<'a> {
    fn of(own: &'a [u8], authorities: &'a [impl AsRef<[u8]>]) -> Self {
        let issuer = |octets| Certificate::read(octets).map(|certificate| certificate.issuer);
        let names = issuer(own).into_iter().collect();
        let mut issuers = Self { sent: Vec::new(), names, missing: Vec::new() };
        let mut others: Vec<_> = (1..)
            .zip(authorities)
            .filter_map(|(at, octets)| Some((at, octets.as_ref(), Certificate::read(octets.as_ref())?)))
            .collect();
        let mut next = 0;
        while let Some(name) = issuers.names.get(next).copied() {
            next += 1;
            let mut is_missing =
                !issuers.names.iter().take(next.saturating_sub(1)).any(|known| *known == name);
            for (at, octets, certificate) in others.extract_if(.., |(_, _, other)| other.subject == name) {
                is_missing = false;
                issuers.sent.push((at, octets));
                issuers.names.push(certificate.issuer);
            }
            if is_missing {
                issuers.missing.push(name);
            }
        }
        issuers
    }

    /// The fate of a record about a trust anchor.
    fn fate(&self, record: &Tlsa, verifies: impl Fn(Anchor<'_>) -> Result<(), String>) -> Fate {
        let sent = self.sent.iter().filter(|(_, octets)| is_matched(octets, record));
        let sent = sent.map(|(at, octets)| (Some(*at), Anchor::Certificate(octets)));
        let mut why = None;
        for (at, anchor) in sent.chain(self.missed(record).into_iter().map(|anchor| (None, anchor))) {
            match verifies(anchor) {
                Ok(()) => return Fate::Matched { at },
                Err(error) => why = why.or(Some(error)),
            }
        }
        why.map_or(Fate::NotMatched, Fate::Unverified)
    }

    /// The issuers that the record brings and the server did not send: only one in full can. With a certificate the
    /// server need not send it (RFC 7671 section 5.2.2); with a key it must, and is forgiven (section 5.2.3).
    fn missed<'r>(&self, record: &'r Tlsa) -> Vec<Anchor<'r>>
    where
        'a: 'r,
    {
        match (&record.association, record.selector) {
            (Association::Full(octets), Selector::Certificate) => Certificate::read(octets)
                .filter(|anchor| self.names.contains(&anchor.subject))
                .map(|_| Anchor::Certificate(octets))
                .into_iter()
                .collect(),
            (Association::Full(key), Selector::PublicKey) => {
                self.missing.iter().copied().map(|name| Anchor::Key { name, key }).collect()
            }
            (Association::Sha256(_) | Association::Sha512(_), _) => Vec::new(),
        }
    }
}

fn is_superseded(record: &Tlsa, usable: &[&Tlsa]) -> bool {
    let stronger = |other: &&Tlsa| {
        (other.usage, other.selector) == (record.usage, record.selector)
            && matches!(other.association, Association::Sha512(_))
    };
    matches!(record.association, Association::Sha256(_)) && usable.iter().any(stronger)
}

fn is_matched(octets: &[u8], record: &Tlsa) -> bool {
    let selected = match record.selector {
        Selector::Certificate => Some(octets),
        Selector::PublicKey => public_key(octets),
    };
    let digest = |algorithm, octets| digest::digest(algorithm, octets);
    selected.is_some_and(|octets| match &record.association {
        Association::Full(data) => data == octets,
        Association::Sha256(hash) => digest(&digest::SHA256, octets).as_ref() == hash,
        Association::Sha512(hash) => digest(&digest::SHA512, octets).as_ref() == hash,
    })
}

/// The SubjectPublicKeyInfo of a certificate in DER, with its tag and length: what selector SPKI(1) selects (RFC 6698
/// section 2.1.2). `None` if the octets are not framed as one certificate.
#[must_use]
pub fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    Certificate::read(certificate).map(|certificate| certificate.public_key)
}

#[cfg(test)]
mod tests;
