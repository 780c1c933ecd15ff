//! A chain whose first certificate is an authority's (CA:TRUE, as `openssl req -x509` makes it): our TLS library takes no
//! such one for a server's, and OpenSSL and GnuTLS do. So it is verified here as they do (RFC 5280 section 6.1).
//!
//! It serves the probe alone, which decides nothing: no delivery and no fetch rests on it.

use crate::certificate::{Certificate, Distrust, Distrusted};
use crate::dane::der::{PublicKey, SignedParts};
use crate::limits::{MAX_CHAIN_LENGTH, MAX_CHAIN_SIGNATURES};
use crate::time::UnixTime;
use std::cell::Cell;
use tokio_rustls::rustls::pki_types::{SignatureVerificationAlgorithm, TrustAnchor};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

/// What verifies signatures.
type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];

/// Whether the chain, the server's own certificate first, leads to one of the anchors.
///
/// # Errors
/// Why it does not.
pub(super) fn leads_to(
    anchors: &[TrustAnchor<'_>],
    chain: &[&[u8]],
    now: UnixTime,
    algorithms: Algorithms<'_>,
) -> Result<(), Distrusted> {
    let tried = Cell::new(0_usize);
    let signs = |issuer: PublicKey<'_>, parts: &SignedParts<'_>| {
        tried.set(tried.get().saturating_add(1));
        let fits = |one: &&&dyn SignatureVerificationAlgorithm| {
            one.public_key_alg_id().as_ref() == issuer.algorithm
                && one.signature_alg_id().as_ref() == parts.algorithm
        };
        let mut fitting = algorithms.iter().filter(fits);
        fitting.any(|one| one.verify_signature(issuer.key, parts.signed, parts.signature).is_ok())
    };
    let (own, others) = chain.split_first().ok_or_else(|| malformed("there is no certificate"))?;
    let (mut current, mut others) = (*own, others.to_vec());
    for above in 0..MAX_CHAIN_LENGTH {
        stands(current, above, now)?;
        let parts =
            SignedParts::of(current).ok_or_else(|| malformed("a certificate of its chain is malformed"))?;
        let by_anchor =
            anchors.iter().filter(|anchor| anchor.subject.as_ref() == parts.issuer).any(|anchor| {
                let key = PublicKey::in_info(&anchor.subject_public_key_info);
                anchor.name_constraints.is_none() && key.is_some_and(|key| signs(key, &parts))
            });
        if by_anchor {
            return Ok(());
        }
        let issued = |der: &&[u8]| {
            let is_named = SignedParts::of(der).is_some_and(|other| other.subject == parts.issuer);
            let key = PublicKey::of(der).filter(|_| is_named && tried.get() < MAX_CHAIN_SIGNATURES);
            key.is_some_and(|key| signs(key, &parts))
        };
        let Some(at) = others.iter().position(issued) else {
            return Err(unknown_issuer(current, above));
        };
        current = others.swap_remove(at);
    }
    let why = format!("more than {MAX_CHAIN_LENGTH} certificates stand above one another");
    Err(Distrusted { kind: Distrust::Other, why })
}

/// Whether a certificate may stand where it does, with so many certificates below it.
fn stands(der: &[u8], below: usize, now: UnixTime) -> Result<(), Distrusted> {
    let says =
        Certificate::read(der).says.ok_or_else(|| malformed("a certificate of its chain is malformed"))?;
    let who = if below == 0 { "it" } else { "an authority of its chain" };
    if let Err(kind) = says.counts_at(now) {
        let why = match kind {
            Distrust::NotYetValid => format!("{who} begins at {}", says.not_before),
            _ => format!("{who} ended at {}", says.not_after),
        };
        return Err(Distrusted { kind, why });
    }
    let wrong = |words: &str| Err(Distrusted { kind: Distrust::WrongPurpose, why: format!("{who} {words}") });
    let authorities_below = below.saturating_sub(1);
    if below > 0 && !says.is_authority {
        return wrong("is no authority's");
    }
    if below > 0
        && says.path_length.is_some_and(|most| u32::try_from(authorities_below).is_ok_and(|here| here > most))
    {
        return wrong("lets fewer authorities stand below it");
    }
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| malformed("a certificate of its chain is malformed"))?;
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ExtendedKeyUsage(usage) if !(usage.server_auth || usage.any) => {
                return wrong("is not for TLS servers (its extended key usage has no id-kp-serverAuth)");
            }
            ParsedExtension::KeyUsage(usage) if below > 0 && !usage.key_cert_sign() => {
                return wrong("may not sign certificates (its key usage has no keyCertSign)");
            }
            ParsedExtension::NameConstraints(_) => {
                let why = format!(
                    "{who} says for which names it counts, which is not followed here; OpenSSL and GnuTLS do"
                );
                return Err(Distrusted { kind: Distrust::Unsupported, why });
            }
            ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. }
                if extension.critical =>
            {
                let why = format!(
                    "{who} has a critical extension that is not known here; OpenSSL and GnuTLS may know it"
                );
                return Err(Distrusted { kind: Distrust::Unsupported, why });
            }
            _ => {}
        }
    }
    Ok(())
}

fn unknown_issuer(last: &[u8], above: usize) -> Distrusted {
    let is_its_own = Certificate::read(last).says.is_some_and(|says| says.is_its_own_issuer());
    match is_its_own && above == 0 {
        true => Distrusted { kind: Distrust::SelfSigned, why: "it is signed by itself".to_owned() },
        false => Distrusted {
            kind: Distrust::UnknownIssuer,
            why: "nobody whom this machine trusts has issued it, directly or at a distance".to_owned(),
        },
    }
}

fn malformed(why: &str) -> Distrusted {
    Distrusted { kind: Distrust::Malformed, why: why.to_owned() }
}
