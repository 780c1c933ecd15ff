//! Authorities and certificates, in order and in every kind of disorder.

use crate::support::laboratory::certificates::authority;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ALL_VERSIONS, SupportedProtocolVersion};
use x509_parser::prelude::{FromDer as _, X509Certificate};

static TLS12_ALONE: &[&SupportedProtocolVersion] = &[&TLS12];
static TLS13_ALONE: &[&SupportedProtocolVersion] = &[&TLS13];

const DAY: Duration = Duration::from_secs(86_400);

/// What is said of the intermediate CA in most of the certificates.
const MIDDLE: &str = "differential intermediate CA";

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// The authorities. Everybody is told to believe `root`, and nobody anything else.
pub(crate) struct Pki {
    pub(crate) root: Issuer,
    /// Signed by `root`.
    pub(crate) middle: Issuer,
    /// The same name, signed by the same root, another key.
    pub(crate) rotated: Issuer,
    /// Signed by `root`, and over.
    pub(crate) lapsed: Issuer,
    /// Signed by `root`, which did not make it an authority.
    pub(crate) usurper: Issuer,
    /// A root that nobody believes.
    pub(crate) stranger: Issuer,
    /// A root that nobody believes, and that is over.
    pub(crate) lapsed_root: Issuer,
    /// Signed by that one.
    pub(crate) heir: Issuer,
}

/// What a server shows, its own certificate first.
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
}

impl Pki {
    pub(crate) fn found() -> Self {
        let key = || KeyPair::generate().unwrap();
        let lapsed = |name| {
            let mut params = authority(name);
            (params.not_before, params.not_after) = period(-90, -3);
            params
        };
        let root = CertifiedIssuer::self_signed(authority("differential root"), key()).unwrap();
        let stranger = CertifiedIssuer::self_signed(authority("stranger"), key()).unwrap();
        let lapsed_root = CertifiedIssuer::self_signed(lapsed("root of the past"), key()).unwrap();
        let below = |params: CertificateParams, issuer: &Issuer| {
            CertifiedIssuer::signed_by(params, key(), issuer).unwrap()
        };
        let mut usurper = authority("usurper");
        usurper.is_ca = IsCa::ExplicitNoCa;
        Self {
            middle: below(authority(MIDDLE), &root),
            rotated: below(authority(MIDDLE), &root),
            lapsed: below(lapsed("lapsed intermediate CA"), &root),
            usurper: below(usurper, &root),
            heir: below(authority("heir"), &lapsed_root),
            root,
            stranger,
            lapsed_root,
        }
    }

    /// A certificate of the intermediate CA for `host`, which is sent along.
    pub(crate) fn ordinary(&self, host: &str) -> Shown {
        self.chained(leaf(host))
    }

    /// These words, signed by the intermediate CA, which is sent along.
    pub(crate) fn chained(&self, params: CertificateParams) -> Shown {
        issued(params, &self.middle, &[&self.middle])
    }
}

/// These words, signed by `issuer`; what is sent along.
pub(crate) fn issued(params: CertificateParams, issuer: &Issuer, sent: &[&Issuer]) -> Shown {
    issued_for(KeyPair::generate().unwrap(), params, issuer, sent)
}

/// The same for other kinds of keys.
pub(crate) fn issued_for(
    key: KeyPair,
    params: CertificateParams,
    issuer: &Issuer,
    sent: &[&Issuer],
) -> Shown {
    let own = params.signed_by(&key, issuer).unwrap().der().clone();
    let chain = std::iter::once(own).chain(sent.iter().map(|issuer| issuer.der().clone())).collect();
    Shown { chain, key, versions: ALL_VERSIONS }
}

/// These words, signed by their own key.
pub(crate) fn self_signed(params: &CertificateParams) -> Shown {
    let key = KeyPair::generate().unwrap();
    Shown { chain: vec![params.self_signed(&key).unwrap().der().clone()], key, versions: ALL_VERSIONS }
}

/// What a certificate for this name says.
pub(crate) fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = period(-30, 60);
    params
}

/// It says that it is an authority's (CA:TRUE), as `openssl req -x509` makes it.
pub(crate) fn as_authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// It was over three days ago.
pub(crate) fn over(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = period(-90, -3);
    params
}

/// It begins in three days.
pub(crate) fn early(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = period(3, 90);
    params
}

/// It has the name in its subject alone, as before RFC 2818.
pub(crate) fn common_name_only(name: &str) -> CertificateParams {
    let mut params = leaf(name);
    params.subject_alt_names.clear();
    params
}

/// It is for TLS clients.
pub(crate) fn for_clients(name: &str) -> CertificateParams {
    let mut params = leaf(name);
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    params
}

pub(crate) fn ed25519() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).unwrap()
}

pub(crate) fn p384() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

impl Shown {
    pub(crate) fn over_tls12(self) -> Self {
        Self { versions: TLS12_ALONE, ..self }
    }

    pub(crate) fn over_tls13(self) -> Self {
        Self { versions: TLS13_ALONE, ..self }
    }

    /// A TLSA record about the server's own certificate.
    pub(crate) fn tlsa(&self, usage: u8, selector: u8, matching: u8) -> String {
        tlsa(usage, selector, matching, &self.chain[0])
    }
}

/// A TLSA record about a certificate (RFC 6698 section 2.1).
pub(crate) fn tlsa(usage: u8, selector: u8, matching: u8, certificate: &[u8]) -> String {
    let (_, parsed) = X509Certificate::from_der(certificate).unwrap();
    let selected = if selector == 0 { certificate } else { parsed.tbs_certificate.subject_pki.raw };
    let data = match matching {
        0 => selected.to_vec(),
        2 => digest(&SHA512, selected).as_ref().to_vec(),
        _ => digest(&SHA256, selected).as_ref().to_vec(),
    };
    let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{usage} {selector} {matching} {hex}")
}

/// A TLSA record about a certificate that nobody shows.
pub(crate) fn elsewhere(usage: u8, selector: u8, matching: u8) -> String {
    tlsa(usage, selector, matching, &self_signed(&leaf("elsewhere.test")).chain[0])
}

/// Validity in days from now.
fn period<T: From<SystemTime>>(from: i64, until: i64) -> (T, T) {
    let day = |days: i64| {
        let distance = DAY * u32::try_from(days.abs()).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(SystemClock.now().0);
        if days < 0 { now - distance } else { now + distance }.into()
    };
    (day(from), day(until))
}
