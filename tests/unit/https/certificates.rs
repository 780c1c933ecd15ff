//! Who may call itself the policy host.

use super::site::{
    Act, Authority, HOST, Identity, Names, PATIENT, Site, authority_params, fetch_with, host_params,
    policy_with, settings,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, NameConstraints, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PKCS_RSA_SHA256, SanType, date_time_ymd,
};
use smtp_sts_verify::https::{FetchError, FetchFailure, HttpsSettings, MediaType, Roots};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};

async fn fetch_from(identity: Identity, roots: Roots) -> (Site, Result<Vec<u8>, FetchError>) {
    let site = Site::serve(identity, policy_with("")).await;
    let fetched = fetch_with(&Names::at(site.address.ip()), settings(&site, roots), MediaType::Any).await;
    (site, fetched)
}

/// Issued by an intermediate that `change` has made what it should not be.
fn through_an_intermediate(
    authority: &Authority,
    change: impl FnOnce(&mut CertificateParams),
    leaf: &CertificateParams,
) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = authority_params("An intermediate");
    change(&mut params);
    let intermediate = params.signed_by(&key, &authority.issuer).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    Identity {
        chain: vec![leaf.der().clone(), intermediate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = host_params();
    change(&mut params);
    params
}

fn named(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap()
}

#[tokio::test]
async fn the_right_name_under_the_right_authority_is_accepted() {
    let authority = Authority::new();
    for identity in [
        authority.issue(&host_params()),
        authority.issue(&named(&["*.policy.example"])),
        authority.issue(&named(&["other.example", "STS.Policy.example"])),
        through_an_intermediate(&authority, |_| {}, &host_params()),
    ] {
        let (_, fetched) = fetch_from(identity, authority.roots()).await;
        assert!(fetched.is_ok(), "{fetched:?}");
    }
}

/// Keys and signatures that certificates of policy hosts have been seen with; a policy that cannot be fetched is not enforced.
#[tokio::test]
async fn every_kind_of_key_that_a_policy_host_may_have_is_verified() {
    let p521 = || KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
    for (what, algorithm) in [
        ("P-256", &PKCS_ECDSA_P256_SHA256),
        ("P-384", &PKCS_ECDSA_P384_SHA384),
        ("P-521", &PKCS_ECDSA_P521_SHA512),
        ("Ed25519", &PKCS_ED25519),
        ("RSA", &PKCS_RSA_SHA256),
    ] {
        let authority = Authority::new();
        let identity = authority.issue_for(&host_params(), KeyPair::generate_for(algorithm).unwrap());
        let (_, fetched) = fetch_from(identity, authority.roots()).await;
        assert!(fetched.is_ok(), "{what}: {fetched:?}");
    }
    let authority = Authority::with_key(p521());
    let (_, fetched) = fetch_from(authority.issue_for(&host_params(), p521()), authority.roots()).await;
    assert!(fetched.is_ok(), "an authority with P-521: {fetched:?}");
    // OpenSSL made it: x509 -req -sha512, with keys on P-256.
    let pem = include_bytes!("ecdsa-with-sha512.pem");
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, pem).unwrap();
    let identity = Identity { chain: vec![certificates[0].clone()], key };
    let (_, fetched) = fetch_from(identity, Roots::File(file.path().to_owned())).await;
    assert!(fetched.is_ok(), "ecdsa-with-SHA512 on P-256: {fetched:?}");
}

/// Whichever library it is: nothing weaker comes in with another version.
#[test]
fn the_cipher_suites_are_these_and_all_of_them_have_forward_secrecy() {
    let provider = default_provider();
    let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
    assert_eq!(
        suites,
        [
            "TLS13_AES_256_GCM_SHA384",
            "TLS13_AES_128_GCM_SHA256",
            "TLS13_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ]
    );
    let groups: Vec<_> = provider.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
    assert_eq!(groups, ["X25519", "secp256r1", "secp384r1", "X25519MLKEM768"]);
}

#[tokio::test]
async fn no_wrong_certificate_is_accepted() {
    let authority = Authority::new();
    let issue = |params: &CertificateParams| authority.issue(params);
    let self_signed = |params: &CertificateParams| {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    };
    let name_in_subject =
        |params: &mut CertificateParams| params.distinguished_name.push(DnType::CommonName, HOST);
    let elsewhere = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.test".into())],
        excluded_subtrees: Vec::new(),
    };
    let wrong: Vec<(&str, Identity)> = vec![
        ("another name", issue(&named(&["other.example"]))),
        ("a parent's name", issue(&named(&["policy.example"]))),
        ("a name below", issue(&named(&["www.sts.policy.example"]))),
        ("a wildcard for names below", issue(&named(&["*.sts.policy.example"]))),
        ("a wildcard for two labels", issue(&named(&["*.example"]))),
        ("a wildcard within a label", issue(&named(&["s*.policy.example"]))),
        ("a wildcard for everything", issue(&named(&["*"]))),
        (
            "the name in the subject alone",
            issue(&{
                let mut params = CertificateParams::default();
                name_in_subject(&mut params);
                params
            }),
        ),
        (
            "the address instead of the name",
            issue(&{
                let mut params = CertificateParams::default();
                params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
                params
            }),
        ),
        ("expired", issue(&changed(|p| p.not_after = date_time_ymd(2020, 1, 1)))),
        ("not yet valid", issue(&changed(|p| p.not_before = date_time_ymd(2090, 1, 1)))),
        ("self-signed", self_signed(&host_params())),
        (
            "self-signed and an authority",
            self_signed(&changed(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
        ),
        ("another authority of the same name", Authority::new().issue(&host_params())),
        (
            "for clients",
            issue(&changed(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])),
        ),
        ("an authority's", issue(&changed(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)))),
        (
            "issued by a host",
            through_an_intermediate(&authority, |p| p.is_ca = IsCa::ExplicitNoCa, &host_params()),
        ),
        (
            "issued by an authority for elsewhere",
            through_an_intermediate(&authority, |p| p.name_constraints = Some(elsewhere), &host_params()),
        ),
        (
            "issued by an expired authority",
            through_an_intermediate(&authority, |p| p.not_after = date_time_ymd(2020, 1, 1), &host_params()),
        ),
    ];
    for (what, identity) in wrong {
        let (site, fetched) = fetch_from(identity, authority.roots()).await;
        let error = fetched.expect_err(what);
        assert!(matches!(error, FetchError::Certificate { .. }), "{what}: {error}");
        assert_eq!(error.failure(), FetchFailure::Refused);
        assert_eq!(site.requests(), Vec::<String>::new(), "{what}: a request was sent");
    }
}

/// Shows what it was given, whether or not the key is that of the certificate.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A certificate is public: whoever has it has to show its key, too, in the handshake's signature (RFC 8446 section 4.4.3, RFC 5246
/// section 7.4.3).
#[tokio::test]
async fn whoever_has_the_certificate_and_not_its_key_is_refused() {
    let authority = Authority::new();
    let [genuine, other] = [(); 2].map(|()| authority.issue(&host_params()));
    for version in [&TLS12, &TLS13] {
        for (key, is_its_own) in [(&genuine.key, true), (&other.key, false)] {
            let key = any_supported_type(key).unwrap();
            let shown = Shown(Arc::new(CertifiedKey::new(genuine.chain.clone(), key)));
            let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(shown));
            let site = Site::serve_configured(config, policy_with("")).await;
            let names = Names::at(site.address.ip());
            let fetched = fetch_with(&names, settings(&site, authority.roots()), MediaType::Any).await;
            assert_eq!(fetched.is_ok(), is_its_own, "{version:?}: {fetched:?}");
            assert_eq!(site.requests().len(), usize::from(is_its_own), "{version:?}");
        }
    }
}

/// What is said of a policy host whose certificate is refused: which one, why, what is missing; never a library's words.
#[tokio::test]
async fn why_a_certificate_is_refused_is_said_in_words() {
    let authority = Authority::new();
    let incomplete = {
        let mut identity = through_an_intermediate(&authority, |_| {}, &host_params());
        identity.chain.truncate(1);
        identity
    };
    let in_subject = {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, HOST);
        authority.issue(&params)
    };
    let over = |p: &mut CertificateParams| p.not_after = date_time_ymd(2020, 1, 1);
    for (identity, words) in [
        (incomplete, "'CN=An intermediate', who is neither sent along nor known here; often an intermediate"),
        (in_subject, "subjectAltName has no DNS name, and its subject (sts.policy.example) does not count"),
        (
            authority.issue(&named(&["other.example", "*.other.example"])),
            "it is for other.example, *.other.example",
        ),
        (authority.issue(&changed(over)), "it ended at 2020-01-01"),
        (
            through_an_intermediate(&authority, over, &host_params()),
            "the certificate of 'CN=An intermediate' that it sends along ended at 2020-01-01",
        ),
        (authority.issue(&changed(|p| p.not_before = date_time_ymd(2090, 1, 1))), "it begins at 2090-01-01"),
        (
            authority.issue(&changed(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
            "it is an authority's (CA:TRUE), not a server's",
        ),
        (
            authority.issue(&changed(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])),
            "is not for TLS servers",
        ),
    ] {
        let (_, fetched) = fetch_from(identity, authority.roots()).await;
        let told = fetched.expect_err(words).to_string();
        assert!(told.contains(words), "{told}");
        for debug in ["Other(", "Error(", " { ", "InvalidCertificate(", "UnknownIssuer", "BadSignature"] {
            assert!(!told.contains(debug), "{told}");
        }
    }
}

#[tokio::test]
async fn the_system_knows_no_private_authority() {
    let authority = Authority::new();
    let (_, fetched) = fetch_from(authority.issue(&host_params()), Roots::System).await;
    // A machine without any CA certificates says so instead.
    assert!(matches!(fetched, Err(FetchError::Certificate { .. } | FetchError::NoRoots(_))), "{fetched:?}");
}

/// For how long a processor has worked for this thread, which is the peer's, too; whoever else wants it does not count.
fn worked() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let of = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap());
    of(usage.user_time()) + of(usage.system_time())
}

/// Two hundred authorities of one name and one key: every one could have issued every other.
#[tokio::test]
async fn two_hundred_certificates_cost_no_more_than_a_quarter_of_a_second() {
    let authority = Authority::new();
    for count in [60, 200] {
        let key = KeyPair::generate().unwrap();
        let params = authority_params("A");
        let issuer = Issuer::new(params.clone(), KeyPair::try_from(key.serialize_der()).unwrap());
        let leaf_key = KeyPair::generate().unwrap();
        let mut chain = vec![host_params().signed_by(&leaf_key, &issuer).unwrap().der().clone()];
        chain.extend((1..count).map(|_| params.signed_by(&key, &issuer).unwrap().der().clone()));
        let identity = Identity { chain, key: PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap() };
        let site = Site::serve(identity, policy_with("")).await;
        let mut least = Duration::MAX;
        for _ in 0..3 {
            let begun = worked();
            let fetched =
                fetch_with(&Names::at(site.address.ip()), settings(&site, authority.roots()), MediaType::Any)
                    .await;
            least = least.min(worked() - begun);
            let error = fetched.expect_err("no path to the authority");
            assert_eq!(error.failure(), FetchFailure::Refused, "{error}");
        }
        assert!(least <= Duration::from_millis(250), "{count} certificates took {least:?}");
    }
}

/// A ServerHello of TLS 1.0 and 1.1 (RFC 4346 section 7.4.1.3), which a server without anything newer sends.
#[tokio::test]
async fn tls_before_1_2_is_refused() {
    for minor in [1, 2] {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]); // random
        hello.extend([0, 0xc0, 0x13, 0]); // no session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression
        let length = u8::try_from(hello.len()).unwrap();
        let record = [&[22, 3, minor, 0, length + 4, 2, 0, 0, length], hello.as_slice()].concat();
        let site = Site::serve_bare(vec![Act::Send(record), Act::Hang]).await;
        let authority = Authority::new();
        let fetched =
            fetch_with(&Names::at(site.address.ip()), settings(&site, authority.roots()), MediaType::Any)
                .await;
        let told = fetched.expect_err("TLS 1.0 or 1.1");
        assert!(matches!(told, FetchError::Tls { .. }), "{told}");
        assert!(told.to_string().ends_with("it chose a version before TLS 1.2"), "{told}");
    }
}

/// The alerts of RFC 8446 section 6 with which servers end a handshake that comes to nothing.
#[tokio::test]
async fn an_alert_says_what_the_server_lacks() {
    for (alert, words) in [
        (70, "it knows neither TLS 1.2 nor 1.3"),
        (40, "it ended the handshake with the alert handshake_failure"),
        (120, "it does not speak HTTP/1.1, but perhaps HTTP/2 alone"),
        (112, "it ended the handshake with the alert unrecognized_name"),
    ] {
        let site = Site::serve_bare(vec![Act::Send(vec![21, 3, 3, 0, 2, 2, alert]), Act::Hang]).await;
        let authority = Authority::new();
        let settings = settings(&site, authority.roots());
        let fetched = fetch_with(&Names::at(site.address.ip()), settings, MediaType::Any).await;
        let told = fetched.expect_err(words);
        assert!(matches!(told, FetchError::Tls { .. }) && told.to_string().ends_with(words), "{told}");
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_refused() {
    for first_words in
        ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mx.policy.example ESMTP\r\n", "\x15\x03\x01\0\x02\x02\x46"]
    {
        let site = Site::serve_bare(vec![Act::Send(first_words.into()), Act::Hang]).await;
        let authority = Authority::new();
        let names = Names::at(site.address.ip());
        let settings = HttpsSettings { patience: PATIENT, ..settings(&site, authority.roots()) };
        let fetched = fetch_with(&names, settings, MediaType::Any).await;
        assert!(matches!(fetched, Err(FetchError::Tls { .. })), "{fetched:?}");
    }
}
