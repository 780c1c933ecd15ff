//! Certificates of every kind, shown by a server that speaks TLS as it should.

use super::server::{HOST, Server, look, target};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData, date_time_ymd,
};
use smtp_sts_verify::certificate::{Distrust, Key};
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use smtp_sts_verify::probe::report::Sighting;
use std::io::Write as _;
use std::sync::Arc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::{default_provider, sign};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A root, an authority below it, and a key for servers.
struct World {
    root: Issuer,
    middle: Issuer,
    key: KeyPair,
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn server(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl World {
    fn new() -> Self {
        Self::with(authority("a root"))
    }

    fn with(root: CertificateParams) -> Self {
        let root = Issuer::self_signed(root, key()).unwrap();
        let middle = Issuer::signed_by(authority("an authority"), key(), &root).unwrap();
        Self { root, middle, key: key() }
    }

    /// The chain of a server's certificate, with the authority and, if it is sent, the root.
    fn chain(&self, params: CertificateParams, sends_root: bool) -> Vec<Vec<u8>> {
        let own = params.signed_by(&self.key, &self.middle).unwrap();
        let mut chain = vec![own.der().to_vec(), self.middle.der().to_vec()];
        chain.extend(sends_root.then(|| self.root.der().to_vec()));
        chain
    }

    /// What the probe sees of a server that shows the chain, against these records.
    fn show(&self, chain: &[Vec<u8>], tlsa: Vec<Tlsa>, next_hop: &[&str]) -> Sighting {
        show(chain, &self.key, &self.root.pem(), tlsa, next_hop)
    }
}

/// Shows what it is given, without a look at it.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub(crate) fn show(
    chain: &[Vec<u8>],
    key: &KeyPair,
    roots: &str,
    tlsa: Vec<Tlsa>,
    next_hop: &[&str],
) -> Sighting {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(roots.as_bytes()).unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = sign::any_supported_type(&secret).unwrap();
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(Arc::new(CertifiedKey::new(chain, signer)))));
    let server = Server::that(move |line| {
        line.up_to_tls();
        let heard = line.shake(Arc::new(config));
        assert!(heard.is_empty() || heard == "QUIT\r\n", "{heard:?}");
    });
    let sighting = look(server.address(), &target(tlsa, next_hop), file.path());
    server.sent();
    sighting
}

/// A record about these octets, by their SHA-256.
fn record(usage: u8, selector: u8, octets: &[u8]) -> Tlsa {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
    Tlsa::new(usage, selector, 1, digest.as_ref().to_vec()).unwrap()
}

fn webpki(sighting: &Sighting) -> Result<(), Distrust> {
    sighting.chain.as_ref().unwrap().webpki.as_ref().copied().map_err(|distrusted| distrusted.kind)
}

#[test]
fn a_chain_that_is_in_order_is_told_with_all_it_says() {
    let world = World::new();
    let sighting = world.show(&world.chain(server(HOST), false), Vec::new(), &[]);
    assert_eq!(sighting.failure, None);
    let tls = sighting.tls.unwrap();
    assert_eq!(tls.version, "TLSv1.3");
    assert!(tls.cipher.starts_with("TLS_AES_"), "{}", tls.cipher);
    assert_eq!(webpki(&sighting), Ok(()));
    let own = sighting.certificate().unwrap();
    let says = own.says.as_ref().unwrap();
    assert_eq!((says.names.as_slice(), says.version, says.key), (&[HOST.to_owned()][..], 3, Key::Ec(256)));
    assert_eq!((says.subject.as_str(), says.issuer.as_str()), ("CN=mx.test", "CN=an authority"));
    assert_eq!(says.not_before.to_string(), "1975-01-01T00:00:00Z");
    let digest = record(3, 1, &world.key.subject_public_key_info()).to_string();
    assert_eq!(format!("3 1 1 {}", own.key_sha256.as_ref().unwrap()), digest);
}

#[test]
fn why_public_authorities_do_not_vouch_has_a_word() {
    let world = World::new();
    let mut expired = server(HOST);
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut early = server(HOST);
    (early.not_before, early.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    let own = server(HOST).self_signed(&world.key).unwrap().der().to_vec();
    let incomplete = world.chain(server(HOST), false)[..1].to_vec();
    let mut client = server(HOST);
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    for (chain, expected) in [
        (world.chain(expired, false), Distrust::Expired),
        (world.chain(early, false), Distrust::NotYetValid),
        (world.chain(server("elsewhere.test"), false), Distrust::OtherName),
        (vec![own], Distrust::SelfSigned),
        (incomplete, Distrust::UnknownIssuer),
        (world.chain(client, false), Distrust::WrongPurpose),
    ] {
        let sighting = world.show(&chain, Vec::new(), &[]);
        assert_eq!(webpki(&sighting), Err(expected));
        assert!(sighting.failure.is_none() && sighting.tls.is_some(), "the handshake itself goes on");
    }
}

/// RFC 7672 section 3.1.1.
#[test]
fn dane_ee_asks_neither_for_names_nor_for_dates_nor_for_issuers() {
    let world = World::new();
    let mut params = server("elsewhere.test");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let own = params.self_signed(&world.key).unwrap().der().to_vec();
    let records = vec![
        record(3, 1, &world.key.subject_public_key_info()),
        record(3, 0, &own),
        record(3, 1, &key().subject_public_key_info()),
    ];
    let sighting = world.show(&[own], records, &[]);
    let own = Fate::Matched { at: Some(0) };
    assert_eq!(sighting.tlsa, [own.clone(), own, Fate::NotMatched]);
}

/// RFC 7672 section 3.2.2: signatures, dates and names count up to the anchor, and nothing above it.
#[test]
fn a_chain_below_a_dane_ta_anchor_is_verified() {
    let world = World::new();
    let anchor = || vec![record(2, 0, world.middle.der())];
    let fate = |chain: Vec<Vec<u8>>, next_hop: &[&str]| {
        let sighting = world.show(&chain, anchor(), next_hop);
        sighting.tlsa.into_iter().next().unwrap()
    };
    let unverified = |fate: Fate, words: &str| match fate {
        Fate::Unverified(why) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(fate(world.chain(server(HOST), false), &[]), Fate::Matched { at: Some(1) });
    assert_eq!(fate(world.chain(server("*.test"), true), &[]), Fate::Matched { at: Some(1) });
    // The mail domain is as good as the MX name where a secure MX RRset led there, and only there.
    assert_eq!(fate(world.chain(server("d.test"), false), &["d.test"]), Fate::Matched { at: Some(1) });
    unverified(fate(world.chain(server("d.test"), false), &[]), "it is for d.test");
    let mut expired = server(HOST);
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    unverified(fate(world.chain(expired, false), &[]), "it ended at 2021-01-01");
    // Somebody else's certificate that only says that the authority issued it.
    let impostor = Issuer::self_signed(authority("an authority"), key()).unwrap();
    let forged = server(HOST).signed_by(&world.key, &impostor).unwrap().der().to_vec();
    unverified(fate(vec![forged, world.middle.der().to_vec()], &[]), "signature");
    // The anchor is not sent, and its digest alone proves nothing (RFC 7671 section 5.2.2).
    let sighting = world.show(&world.chain(server(HOST), false)[..1], anchor(), &[]);
    assert_eq!(sighting.tlsa, [Fate::NotMatched]);
    assert_eq!(sighting.chain.as_ref().unwrap().missing_issuer(), Some("CN=an authority"));
    let complete = world.show(&world.chain(server(HOST), true), anchor(), &[]);
    assert_eq!(complete.chain.unwrap().missing_issuer(), None);
}

/// RFC 7672 section 3.2.3: the common name counts where no DNS name is present.
#[test]
fn a_common_name_counts_only_without_dns_names() {
    let world = World::new();
    let mut named = CertificateParams::new(Vec::<String>::new()).unwrap();
    named.distinguished_name.push(DnType::CommonName, HOST);
    let mut both = CertificateParams::new(vec!["elsewhere.test".to_owned()]).unwrap();
    both.distinguished_name.push(DnType::CommonName, HOST);
    let fates = [named, both].map(|params| {
        let sighting = world.show(&world.chain(params, false), vec![record(2, 0, world.middle.der())], &[]);
        sighting.tlsa[0].clone()
    });
    assert_eq!(fates[0], Fate::Matched { at: Some(1) });
    assert!(matches!(fates[1], Fate::Unverified(_)), "{:?}", fates[1]);
}

/// RFC 7671 sections 5.2.2 and 5.2.3.
#[test]
fn an_anchor_in_full_need_not_be_sent() {
    let world = World::new();
    let certificate = Tlsa::new(2, 0, 0, world.root.der().to_vec()).unwrap();
    let bare_key = Tlsa::new(2, 1, 0, world.root.key().subject_public_key_info()).unwrap();
    let other_key = Tlsa::new(2, 1, 0, key().subject_public_key_info()).unwrap();
    let chain = world.chain(server(HOST), false);
    let sighting = world.show(&chain, vec![certificate, bare_key, other_key], &[]);
    let matched = Fate::Matched { at: None };
    assert_eq!(sighting.tlsa[..2], [matched.clone(), matched]);
    assert!(matches!(sighting.tlsa[2], Fate::Unverified(_)), "{:?}", sighting.tlsa[2]);
}

/// RFC 7671 section 5.2.1: what the anchor says of itself counts as well.
#[test]
fn an_anchor_that_is_over_or_is_none_anchors_nothing() {
    let mut over = authority("a root");
    (over.not_before, over.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut short = authority("a root");
    short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    for (params, words) in [(over, "ended at 2021-01-01"), (short, "no more than 0 authorities")] {
        let world = World::with(params);
        let root = world.root.der().to_vec();
        let sighting = world.show(&world.chain(server(HOST), true), vec![record(2, 0, &root)], &[]);
        match &sighting.tlsa[0] {
            Fate::Unverified(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let mut params = server("not an authority");
    params.is_ca = IsCa::NoCa;
    let (world, other) = (World::new(), key());
    let none = params.self_signed(&other).unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &other);
    let own = server(HOST).signed_by(&world.key, &issuer).unwrap();
    let chain = [own.der().to_vec(), none.der().to_vec()];
    let sighting = world.show(&chain, vec![record(2, 0, none.der())], &[]);
    assert!(
        matches!(&sighting.tlsa[0], Fate::Unverified(why) if why.contains("no authority")),
        "{:?}",
        sighting.tlsa
    );
}

#[test]
fn a_certificate_of_somebody_else_proves_nothing() {
    let world = World::new();
    let chain = world.chain(server(HOST), false);
    let tlsa = vec![record(3, 1, &world.key.subject_public_key_info())];
    // The chain is the host's, and the key in the handshake is another one.
    let sighting = show(&chain, &key(), &world.root.pem(), tlsa, &[]);
    let failure = sighting.failure.unwrap();
    assert_eq!((failure.at, failure.kind), (Stage::Handshake, FailureKind::KeyNotProven));
    assert!(sighting.tls.is_none() && sighting.chain.is_none(), "what was shown may be anybody's");
    assert_eq!(sighting.tlsa, [Fate::NotReached]);
}

/// Nor one that the TLS library does not read, whose key is looked at by ourselves.
#[test]
fn a_certificate_of_somebody_else_proves_nothing_though_it_cannot_be_read() {
    let world = World::new();
    let mut params = server(HOST);
    let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
    unknown.set_criticality(true);
    params.custom_extensions.push(unknown);
    let chain = vec![params.self_signed(&world.key).unwrap().der().to_vec()];
    let tlsa = || vec![record(3, 1, &world.key.subject_public_key_info())];
    let sighting = show(&chain, &world.key, &world.root.pem(), tlsa(), &[]);
    assert_eq!((sighting.failure, sighting.tlsa), (None, vec![Fate::Matched { at: Some(0) }]));
    let failure = show(&chain, &key(), &world.root.pem(), tlsa(), &[]).failure.unwrap();
    assert_eq!((failure.at, failure.kind), (Stage::Handshake, FailureKind::BadCertificate));
}

/// Whoever runs a mail host has a zone, too, and can publish as many records as it shows authorities.
#[test]
fn a_crowd_of_anchors_takes_no_more_time_than_a_few() {
    let anchors_key = key();
    let anchor = |_| authority("an authority").self_signed(&anchors_key).unwrap().der().to_vec();
    let anchors: Vec<Vec<u8>> = (0..130).map(anchor).collect();
    let stranger = Issuer::self_signed(authority("an authority"), key()).unwrap();
    let own_key = key();
    let own = server(HOST).signed_by(&own_key, &stranger).unwrap().der().to_vec();
    let records: Vec<Tlsa> = anchors.iter().map(|der| record(2, 0, der)).collect();
    let chain: Vec<Vec<u8>> = std::iter::once(own).chain(anchors).collect();
    let sighting = show(&chain, &own_key, &World::new().root.pem(), records, &[]);
    let unfollowed = |fate: &&Fate| matches!(fate, Fate::Unverified(why) if why.starts_with("more than 8 "));
    assert_eq!(sighting.tlsa.iter().filter(unfollowed).count(), 122);
    assert!(sighting.tlsa.iter().all(|fate| matches!(fate, Fate::Unverified(_))), "{:?}", sighting.tlsa);
}
