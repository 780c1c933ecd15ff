//! The certification authority of the laboratory, and what servers show of it.

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData, date_time_ymd,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

const DAY: Duration = Duration::from_secs(86_400);

/// What a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certificate {
    /// One of the laboratory's CA for the right name.
    Good,
    /// One that ended years ago.
    Expired,
    /// One for another name.
    WrongName,
    /// One that no CA vouches for.
    SelfSigned,
    /// One of the intermediate CA, which is sent along.
    Chained,
    /// The same, and the intermediate CA is not sent.
    Incomplete,
    /// One that ended three days ago, as nobody looked after its renewal.
    Lapsed,
}

/// A root that is in the laboratory's CA file, and an intermediate CA below it that is not.
pub(crate) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    middle: CertifiedIssuer<'static, KeyPair>,
    /// The key of every mail host, so that a TLSA record can be written before its host is there.
    mail_key: KeyPair,
}

impl Authority {
    /// A new one.
    pub(crate) fn found() -> Self {
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority("laboratory CA"), key()).unwrap();
        let middle =
            CertifiedIssuer::signed_by(authority("laboratory intermediate CA"), key(), &root).unwrap();
        Self { root, middle, mail_key: key() }
    }

    /// Its own certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.root.pem()
    }

    /// The key that all mail hosts of the world share.
    pub(crate) fn mail_key(&self) -> KeyPair {
        KeyPair::try_from(self.mail_key.serialize_der()).unwrap()
    }

    /// The words for digests that the TLSA records of `fixtures/laboratory/world` have.
    pub(crate) fn digests(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("KEY", sha256(&self.mail_key.subject_public_key_info())),
            ("INTERMEDIATE", sha256(self.middle.der())),
        ])
    }

    /// A chain for `name` with this key, as `kind` says.
    pub(crate) fn issue(&self, name: &str, key: &KeyPair, kind: Certificate) -> Arc<CertifiedKey> {
        let shown = if kind == Certificate::WrongName { "somebody-else.test" } else { name };
        let mut params = CertificateParams::new(vec![shown.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, shown);
        let today = SystemTime::now();
        (params.not_before, params.not_after) = match kind {
            Certificate::Expired => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
            Certificate::Lapsed => ((today - 93 * DAY).into(), (today - 3 * DAY).into()),
            _ => ((today - 30 * DAY).into(), (today + 60 * DAY).into()),
        };
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(key),
            Certificate::Chained | Certificate::Incomplete => params.signed_by(key, &self.middle),
            _ => params.signed_by(key, &self.root),
        };
        let mut chain = vec![certificate.unwrap().der().clone()];
        if kind == Certificate::Chained {
            chain.push(self.middle.der().clone());
        }
        certified(chain, key)
    }
}

/// What a TLS server is given: a chain, and the key of its first certificate.
pub(crate) fn certified(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<CertifiedKey> {
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Arc::new(CertifiedKey::from_der(chain, secret, &default_provider()).unwrap())
}

/// What an authority says of itself.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let today = SystemTime::now();
    (params.not_before, params.not_after) = ((today - 365 * DAY).into(), (today + 3_650 * DAY).into());
    params
}

/// SHA-256 in hexadecimal, as TLSA records have it.
pub(crate) fn sha256(octets: &[u8]) -> String {
    digest(&SHA256, octets).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}
