//! Does a chain lead to the trust anchor of a DANE-TA(2) record, and is it for the host? (RFC 7672 section 3.2.2.)
//!
//! The anchor is the only one that counts, even if an authority vouches for the chain. Its own dates and limits count, too:
//! it is a certificate that somebody chose, and not an entry in a store (RFC 7671 section 5.2.1).

use super::path;
use crate::causes;
use crate::certificate::{Certificate, Distrust, Says};
use crate::dane::matching::Anchor;
use crate::name::MxHost;
use crate::time::UnixTime;
use std::time::Duration;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, Der, TrustAnchor, UnixTime as Moment};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{Error, RootCertStore};

/// A chain, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presented<'a> {
    /// In DER, the server's own certificate first.
    pub(super) chain: &'a [Vec<u8>],
    /// The names of which the certificate must bear one.
    pub(super) references: &'a [MxHost],
    /// When.
    pub(super) now: UnixTime,
}

impl Presented<'_> {
    /// Whether the chain leads to the anchor, and is for the host.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn leads_to(self, anchor: Anchor<'_>, provider: &CryptoProvider) -> Result<(), String> {
        let Self { chain, references, now } = self;
        let (own, authorities) = chain.split_first().ok_or("there is no certificate")?;
        let own = CertificateDer::from(own.as_slice());
        let authorities: Vec<_> =
            authorities.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let mut store = RootCertStore::empty();
        match anchor {
            Anchor::Certificate(der) => {
                let says = Certificate::read(der).says.ok_or("the trust anchor cannot be read")?;
                may_issue(&says, chain, now)?;
                store.add(CertificateDer::from(der.to_vec())).map_err(|error| {
                    format!("the trust anchor cannot be used: {}", causes::of_certificates(&error, &[der]))
                })?;
            }
            Anchor::Key { name, key } => store.roots.push(TrustAnchor {
                subject: Der::from(content(name).to_vec()),
                subject_public_key_info: Der::from(content(key).to_vec()),
                name_constraints: None,
            }),
        }
        let unread = |error: &Error| causes::of_certificates(error, &[&own]).why;
        let parsed = ParsedCertificate::try_from(&own).map_err(|error| unread(&error))?;
        let moment = Moment::since_unix_epoch(Duration::from_secs(now.0));
        let algorithms = provider.signature_verification_algorithms.all;
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let told = |error: &Error| causes::of_certificates(error, &chain).why;
        match verify_server_cert_signed_by_trust_anchor(&parsed, &store, &authorities, moment, algorithms) {
            Err(error) if causes::is_about_an_authority(&error) => {
                path::leads_to(&store.roots, &chain, now, algorithms).map_err(|distrusted| distrusted.why)?;
            }
            verified => verified.map_err(|error| told(&error))?,
        }
        match Certificate::read(&own).says {
            Some(says) if says.is_for(references) => Ok(()),
            Some(says) => Err(says.for_whom()),
            None => Err("the server's certificate cannot be read".to_owned()),
        }
    }
}

/// Whether the anchor may stand at the end of this chain. One of version 1 cannot say that it is an authority.
fn may_issue(says: &Says, chain: &[Vec<u8>], now: UnixTime) -> Result<(), String> {
    match says.counts_at(now) {
        Err(Distrust::NotYetValid) => return Err(format!("the trust anchor begins at {}", says.not_before)),
        Err(_) => return Err(format!("the trust anchor ended at {}", says.not_after)),
        Ok(()) => {}
    }
    if says.version >= 3 && !says.is_authority {
        return Err("the trust anchor is no authority".to_owned());
    }
    match says.path_length.and_then(|length| usize::try_from(length).ok()) {
        Some(most) if between(says, chain) > most => {
            Err(format!("the trust anchor lets no more than {most} authorities stand below it"))
        }
        _ => Ok(()),
    }
}

/// How many authorities stand between the server's certificate and the anchor.
fn between(anchor: &Says, chain: &[Vec<u8>]) -> usize {
    let mut all = chain.iter().filter_map(|der| Certificate::read(der).says);
    let Some(mut last) = all.next() else { return 0 };
    let mut others: Vec<_> = all.collect();
    let mut count = 0;
    while last.issuer != anchor.subject {
        let Some(at) = others.iter().position(|other| other.subject == last.issuer) else { break };
        last = others.swap_remove(at);
        count += 1;
    }
    count
}

/// What is inside of an element of DER, as a trust anchor is given.
fn content(element: &[u8]) -> &[u8] {
    let header = match element.get(1) {
        Some(long @ 0x81..=0x84) => 2_usize.saturating_add(usize::from(long & 0x7f)),
        _ => 2,
    };
    element.get(header..).unwrap_or_default()
}
