//! What `lint DOMAIN` finds in all that a domain publishes, over maps, without a socket: the field's real mistakes.

use crate::support::made_up::answer;
use futures_util::FutureExt;
use hickory_proto::rr::{Name, RData, RecordType};
use proptest::prelude::*;
use smtp_sts_verify::certificate::{Certificate, Distrust};
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dns::{Answer, Blame, Content, Outage, Outcome, Question, Resolve, ZoneStatus};
use smtp_sts_verify::https::{Fetch, FetchError, MediaType, PolicyUrl, Step};
use smtp_sts_verify::lint::survey::Survey;
use smtp_sts_verify::lint::{Part, domain, human, json};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::mta_sts::{Body, Policy, Record};
use smtp_sts_verify::policy::{Authentication, StoredPolicy};
use smtp_sts_verify::probe::failure::{FailureKind, SessionFailure, Stage};
use smtp_sts_verify::probe::report::{Chain, Distrusted, Sighting, TlsSession};
use smtp_sts_verify::text::Json;
use smtp_sts_verify::time::UnixTime;
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);
const POLICY: &str = "version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 2419200\n";
const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// One domain, `d.test`, and all that it publishes.
struct World {
    answers: BTreeMap<(String, RecordType), Outcome>,
    aliases: BTreeMap<String, String>,
    policy: Result<Vec<u8>, FetchError>,
    stored: Option<StoredPolicy>,
    shown: Option<Vec<Sighting>>,
}

impl World {
    /// A domain with nothing wrong about it.
    fn well() -> Self {
        let (answers, policy) = (BTreeMap::new(), Ok(POLICY.into()));
        let world = Self { answers, aliases: BTreeMap::new(), policy, stored: None, shown: None };
        world
            .publish("d.test", "MX", &["10 mx.d.test."])
            .publish("mx.d.test", "A", &["192.0.2.1"])
            .publish("_mta-sts.d.test", "TXT", &["\"v=STSv1; id=1;\""])
            .publish("_smtp._tls.d.test", "TXT", &["\"v=TLSRPTv1; rua=mailto:tls@d.test\""])
    }

    fn say(mut self, name: &str, rtype: &str, outcome: Outcome) -> Self {
        self.answers.insert((name.to_owned(), rtype.parse().unwrap()), outcome);
        self
    }

    fn publish(self, name: &str, rtype: &str, records: &[&str]) -> Self {
        let records = records.iter().map(|text| RData::try_from_str(rtype.parse().unwrap(), text).unwrap());
        let content = Content::Data(records.collect());
        self.say(name, rtype, Outcome::Secure(content))
    }

    /// A name with no records but an alias, on the way to which everything is secure.
    fn alias(mut self, from: &str, to: &str) -> Self {
        self.aliases.insert(from.to_owned(), to.to_owned());
        self
    }

    fn withdraw(self, name: &str, rtype: &str) -> Self {
        self.say(name, rtype, Outcome::Secure(Content::Nxdomain))
    }

    fn serve(mut self, policy: &str) -> Self {
        self.policy = Ok(policy.into());
        self
    }

    fn fail(mut self, error: impl Fn(PolicyDomain) -> FetchError) -> Self {
        self.policy = Err(error(PolicyDomain::parse("mta-sts.d.test").unwrap()));
        self
    }

    /// The machine has stored this policy, with this id.
    fn stored(mut self, id: &str, body: &str) -> Self {
        let record = Record::parse(&format!("v=STSv1; id={id};")).unwrap();
        let policy = Policy { record, body: Body::parse(body.as_bytes()).unwrap() };
        let domain = PolicyDomain::parse("d.test").unwrap();
        self.stored = Some(StoredPolicy::fetched(&domain, policy, Authentication::WebPki, NOW, NOW.plus(99)));
        self
    }

    fn shows(mut self, shown: Sighting) -> Self {
        self.shown.get_or_insert_default().push(shown);
        self
    }

    fn parts(&self) -> Vec<Part> {
        let domain = PolicyDomain::parse("d.test").unwrap();
        let taking = Survey::take(&domain, self.stored.clone(), self, self, None);
        let mut survey = taking.now_or_never().expect("maps need no time").expect("a short name");
        for host in &mut survey.hosts {
            host.shown.clone_from(&self.shown);
        }
        domain::parts(&survey)
    }

    /// The words of all findings, in their order.
    fn found(&self) -> Vec<&'static str> {
        let parts = self.parts();
        let text = human::text(&parts) + &Json(&json::domain("d.test", &parts)).to_string();
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text}");
        assert!(human::text(&parts).lines().all(|line| line.len() <= 80), "{text}");
        parts.iter().flat_map(Part::all_findings).map(|finding| finding.code.word()).collect()
    }
}

impl Resolve for World {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let answered = |question: &Question| {
            let name = question.name().to_ascii().trim_end_matches('.').to_owned();
            let absent = Outcome::Secure(Content::Nxdomain);
            let end = self.aliases.get(&name);
            let at = (end.cloned().unwrap_or(name), question.rtype());
            let outcome = self.answers.get(&at).cloned().unwrap_or(absent);
            let aliases = end.map(|end| Name::from_ascii(format!("{end}.")).unwrap()).into_iter().collect();
            Answer { aliases, ..answer(question, outcome, Some(NOW)) }
        };
        questions.iter().map(answered).collect()
    }
}

impl Fetch for World {
    async fn fetch(&self, _: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        self.policy.clone()
    }
}

fn bogus() -> Outcome {
    Outcome::Bogus(Blame::Domain, "a signature is wrong".into())
}

fn silence() -> Outcome {
    Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Signed, "silence".into())
}

fn insecure(rtype: &str, record: &str) -> Outcome {
    let record = RData::try_from_str(rtype.parse().unwrap(), record).unwrap();
    Outcome::Insecure(Content::Data(vec![record]), "no DS".into())
}

/// An address with a certificate that fits no TLSA record.
fn shown(webpki: Result<(), Distrust>) -> Sighting {
    Sighting {
        address: ([192, 0, 2, 1], 25).into(),
        failure: None,
        tls: Some(TlsSession { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" }),
        chain: Some(Chain {
            certificates: vec![Certificate::read(b"no certificate")],
            webpki: webpki.map_err(|kind| Distrusted { kind, why: "it is\nanother's".into() }),
        }),
        tlsa: vec![Fate::NotMatched],
        elapsed: Duration::ZERO,
    }
}

fn failed(at: Stage, kind: FailureKind) -> Sighting {
    Sighting::nothing(([192, 0, 2, 1], 25).into(), SessionFailure::new(at, kind, "it\nfailed"), [])
}

/// A world that is well, changed.
fn well() -> World {
    World::well()
}

#[test]
fn a_domain_that_publishes_all_of_it_rightly_has_no_findings() {
    assert_eq!(well().found(), Vec::<&str>::new());
    assert_eq!(well().shows(shown(Ok(()))).found(), Vec::<&str>::new());
}

#[test]
fn a_domain_that_publishes_nothing_has_no_findings() {
    let world = well().withdraw("_mta-sts.d.test", "TXT").withdraw("_smtp._tls.d.test", "TXT");
    let world = world.fail(|host| FetchError::NoAddress { host });
    assert_eq!(world.found(), Vec::<&str>::new());
}

#[test]
fn an_mx_host_that_the_policy_does_not_cover_is_named() {
    let world = well().publish("d.test", "MX", &["10 mx.d.test.", "20 mx.other.test."]);
    assert_eq!(world.found(), ["domain.mx-not-covered"]);
    assert!(human::text(&world.parts()).contains("\n    mx.other.test\n"));
    let world = well().publish("d.test", "MX", &["10 contoso.a-v1.d.test."]);
    assert_eq!(world.found(), ["domain.wildcard-short", "domain.pattern-without-mx"]);
    assert!(human::text(&world.parts()).contains("*.d.test does not cover contoso.a-v1.d.test"));
    let world = well().publish("d.test", "MX", &["0 ."]);
    assert_eq!(world.found(), Vec::<&str>::new());
}

#[test]
fn a_policy_host_that_fails_is_told_apart_by_how_it_fails() {
    use FetchError::*;
    let address = "192.0.2.1:443".parse().unwrap();
    let after = Duration::from_secs(3);
    for (world, code) in [
        (well().fail(|host| Status { host, code: 301 }), "mta-sts.server.redirect"),
        (well().fail(|host| Status { host, code: 404 }), "mta-sts.server.status"),
        (well().fail(|host| ContentType { host, found: Some("Text/HTML; x".into()) }), "mta-sts.server.html"),
        (well().fail(|host| ContentType { host, found: None }), "mta-sts.server.content-type"),
        (
            well().fail(|host| Certificate { host, address, why: "expired".into() }),
            "mta-sts.server.certificate",
        ),
        (
            well().fail(|host| AddressRefused { host, address: [10, 0, 0, 1].into(), range: "private" }),
            "mta-sts.server.private",
        ),
        (well().fail(|host| TooLarge { host, what: "too much".into() }), "mta-sts.policy.too-large"),
        (
            well().fail(|host| TimedOut { host, address: Some(address), step: Step::Body, after }),
            "mta-sts.server.slow",
        ),
        (
            well().fail(|host| TimedOut { host, address: None, step: Step::Connect, after }),
            "mta-sts.server.unreachable",
        ),
        (well().fail(|host| NoAddress { host }), "mta-sts.server.unreachable"),
        (
            well().fail(|host| ContentEncoding { host, found: "gzip".into() }),
            "mta-sts.server.content-encoding",
        ),
        (well().fail(|host| Tls { host, address, why: "too old".into() }), "mta-sts.server.tls"),
        (well().fail(|host| Malformed { host, why: "HTTP/2".into() }), "mta-sts.server.http"),
        (well().fail(|host| Bogus { host, blame: Blame::Domain, why: "bad".into() }), "domain.dns-bogus"),
    ] {
        assert_eq!(world.found(), [code]);
    }
}

#[test]
fn html_as_a_policy_is_html() {
    assert_eq!(well().serve("<!DOCTYPE html>\n<html></html>").found(), ["mta-sts.policy.html"]);
}

#[test]
fn a_policy_that_changed_under_the_same_id_is_noticed_where_the_old_one_is_stored() {
    let old = "version: STSv1\nmode: testing\nmx: *.d.test\nmax_age: 2419200\n";
    assert_eq!(well().stored("1", old).found(), ["mta-sts.server.id-unchanged"]);
    assert_eq!(well().stored("2", old).found(), Vec::<&str>::new());
    assert_eq!(well().stored("1", &POLICY.replace('\n', "\r\n")).found(), Vec::<&str>::new());
}

#[test]
fn a_record_that_went_before_its_policy_did_is_a_trap() {
    let world = well().withdraw("_mta-sts.d.test", "TXT").stored("1", POLICY);
    assert_eq!(world.found(), ["domain.policy-removed", "mta-sts.server.no-record"]);
}

#[test]
fn a_record_at_a_wrong_name_is_found() {
    for name in ["d.test", "mta-sts.d.test", "_mta-sts.mta-sts.d.test", "_mta-sts.d.test.d.test"] {
        let world = well().withdraw("_mta-sts.d.test", "TXT").fail(|host| FetchError::NoAddress { host });
        let world = world.publish(name, "TXT", &["\"v=spf1 -all\"", "\"v=STSv1; id=1\""]);
        assert_eq!(world.found(), ["domain.wrong-name"], "{name}");
        assert!(human::text(&world.parts()).contains(&format!("v=STSv1 stands at {name}.")));
    }
    for name in ["d.test", "_smtp._tls.d.test.d.test", "_smtp-tls.d.test", "_mta-sts.d.test"] {
        let records = ["\"v=TLSRPTv1; rua=mailto:a@d.test\"", "\"v=STSv1; id=1\""];
        let world = well().withdraw("_smtp._tls.d.test", "TXT").publish(name, "TXT", &records);
        assert_eq!(world.found(), ["domain.wrong-name"], "{name}");
    }
}

#[test]
fn what_a_wildcard_says_is_told_and_not_taken_for_a_bad_record() {
    let nobodys = "_smtp-sts-verify-looks-for-a-wildcard.d.test";
    let spf = ["\"v=spf1 -all\""];
    let world = well().publish(nobodys, "TXT", &spf).publish("_mta-sts.d.test", "TXT", &spf);
    let world = world.fail(|host| FetchError::NoAddress { host });
    assert_eq!(world.found(), ["domain.wildcard-answers"]);
    let record = ["\"v=STSv1; id=1;\""];
    let world = well().publish(nobodys, "TXT", &record).publish("_mta-sts.d.test", "TXT", &record);
    assert_eq!(world.found(), ["domain.wildcard-answers"]);
    let world = well().publish(nobodys, "TXT", &spf);
    assert_eq!(world.found(), Vec::<&str>::new());
}

#[test]
fn testing_without_reports_is_pointless() {
    let testing = POLICY.replace("enforce", "testing");
    assert_eq!(well().serve(&testing).found(), Vec::<&str>::new());
    let world = well().withdraw("_smtp._tls.d.test", "TXT").serve(&testing);
    assert_eq!(world.found(), ["domain.testing-without-tlsrpt"]);
}

#[test]
fn records_are_read_by_their_own_parsers_and_several_are_none() {
    let world = well().publish("_mta-sts.d.test", "TXT", &["\"v=STSv1; id=a-b;\""]);
    assert_eq!(world.found(), ["mta-sts.txt.id-charset"]);
    let world = well().publish("_mta-sts.d.test", "TXT", &["\"v=STSv1; id=1\"", "\"v=STSv1; id=2\""]);
    assert_eq!(world.found(), ["mta-sts.txt.several"]);
    let world = well().publish("_mta-sts.d.test", "TXT", &["\"x\"", "\"v=STSv1; id=\""]);
    assert_eq!(world.found(), ["mta-sts.txt.id-empty"]);
    let world = well().publish("_mta-sts.d.test", "TXT", &["\"v=stsv1; id=1\""]);
    assert_eq!(world.found(), ["mta-sts.txt.version"]);
    let world = well().publish("_mta-sts.d.test", "TXT", &["\"v=STSv10; id=1\""]);
    assert_eq!(world.found(), ["mta-sts.txt.version"]);
    let world = well().publish("_smtp_sts.d.test", "TXT", &["\"v=spf1 -all\"", "\"V = STS1; to=maybe\""]);
    assert!(world.found().contains(&"smtp-sts.txt.mode"), "{:?}", world.found());
}

#[test]
fn what_dns_itself_has_to_say_is_told_of_each_name() {
    assert_eq!(well().say("_smtp._tls.d.test", "TXT", bogus()).found(), ["domain.dns-bogus"]);
    assert_eq!(well().say("_smtp._tls.d.test", "TXT", silence()).found(), ["domain.dns-unreachable"]);
    assert_eq!(well().say("_25._tcp.mx.d.test", "TLSA", bogus()).found(), ["domain.dns-bogus"]);
    let parts = well().say("_25._tcp.mx.d.test", "TLSA", silence()).parts();
    assert!(parts.iter().any(|part| part.is_unanswered));
    // What nobody could ask for has not gone.
    for (outcome, word) in [(bogus(), "domain.dns-bogus"), (silence(), "domain.dns-unreachable")] {
        assert_eq!(well().stored("1", POLICY).say("_mta-sts.d.test", "TXT", outcome).found(), [word]);
    }
    // Trouble of this machine is no mistake of the domain's.
    let stripped = Outcome::Bogus(Blame::StrippingResolver, "stripped".into());
    let world = well().say("_smtp._tls.d.test", "TXT", stripped);
    assert_eq!(world.found(), Vec::<&str>::new());
    assert!(world.parts().iter().any(|part| part.is_unanswered));
}

#[test]
fn tlsa_records_are_looked_at_one_by_one_and_against_the_certificate() {
    let tlsa = |records: &[String]| {
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        well().publish("_25._tcp.mx.d.test", "TLSA", &records)
    };
    let (good, pkix) = (format!("3 1 1 {DIGEST}"), format!("1 1 1 {DIGEST}"));
    assert_eq!(tlsa(std::slice::from_ref(&good)).found(), Vec::<&str>::new());
    assert_eq!(tlsa(&[good.clone(), pkix.clone()]).found(), ["tlsa.usage-pkix"]);
    assert_eq!(tlsa(&[pkix]).found(), ["tlsa.usage-pkix", "tlsa.unusable"]);
    assert_eq!(tlsa(std::slice::from_ref(&good)).shows(shown(Ok(()))).found(), ["tlsa.no-match"]);
    let world = well().say("_25._tcp.mx.d.test", "TLSA", insecure("TLSA", &good));
    let world = world.say("mx.d.test", "A", insecure("A", "192.0.2.1"));
    assert_eq!(world.found(), ["tlsa.not-secure"]);
    let world = tlsa(&[good]).say("d.test", "MX", insecure("MX", "10 mx.d.test."));
    assert_eq!(world.found(), ["domain.dane-insecure-mx"]);
}

#[test]
fn a_certificate_matters_by_what_is_published() {
    let unvouched = || shown(Err(Distrust::UnknownIssuer));
    let bare = || well().withdraw("_mta-sts.d.test", "TXT").fail(|host| FetchError::NoAddress { host });
    let plain = || failed(Stage::Starttls, FailureKind::NotOffered);
    let closed = || failed(Stage::Connect, FailureKind::Refused);
    assert_eq!(well().shows(unvouched()).found(), ["domain.mx-certificate"]);
    assert_eq!(bare().shows(unvouched()).found(), Vec::<&str>::new());
    assert_eq!(well().shows(plain()).found(), ["domain.mx-no-starttls"]);
    assert_eq!(bare().shows(plain()).found(), Vec::<&str>::new());
    assert_eq!(well().shows(closed()).found(), ["domain.mx-not-seen"]);
}

/// What our library alone cannot do is no mistake of the host's, and nothing that senders fail of.
#[test]
fn what_only_our_library_cannot_do_is_told_as_that() {
    let bare = || well().withdraw("_mta-sts.d.test", "TXT").fail(|host| FetchError::NoAddress { host });
    for kind in [FailureKind::OldTls, FailureKind::NoCommonTls, FailureKind::BadCertificate] {
        let world = well().shows(failed(Stage::Handshake, kind));
        assert_eq!(world.found(), ["domain.mx-not-looked-at"], "{kind:?}");
        let text = human::text(&world.parts());
        assert!(text.contains("cannot be looked at from here") && !text.contains("Offer STARTTLS"), "{text}");
        assert_eq!(bare().shows(failed(Stage::Handshake, kind)).found(), Vec::<&str>::new());
    }
    assert_eq!(well().shows(shown(Err(Distrust::Unsupported))).found(), ["domain.mx-not-looked-at"]);
    assert_eq!(well().shows(shown(Err(Distrust::WeakSignature))).found(), ["domain.mx-certificate"]);
    assert_eq!(
        well().shows(failed(Stage::Handshake, FailureKind::NotTls)).found(),
        ["domain.mx-no-starttls"]
    );
}

/// RFC 5321 section 5.1 and RFC 7505 section 3; what Exim 4.96 (`exim -bt`) and Postfix 3.7 (`posttls-finger`) do with each.
#[test]
fn mx_records_that_mail_servers_do_not_agree_on_are_found() {
    for (records, expected, words) in [
        (&["10 192.0.2.1."][..], &["domain.mx-address"][..], "Exim returns the mail at once, Postfix"),
        (&["10 192.0.2.1.", "20 mx.d.test."], &["domain.mx-address"], "Exim passes it over"),
        (&["0 0."], &["domain.mx-no-host"], "neither Exim nor Postfix"),
        (&["0 0.", "10 mx.d.test."], &["domain.mx-no-host"], "Exim and Postfix pass it over"),
        (&["0 .", "10 mx.d.test."], &["domain.null-mx-beside"], "Postfix delivers nothing"),
        (&["20 .", "10 mx.d.test."], &["domain.null-mx-beside"], "Postfix delivers nothing"),
        (&["10 ."], &["domain.null-mx-otherwise"], "return the mail"),
        (&["0 .", "10 ."], &["domain.null-mx-otherwise"], "return the mail"),
        (&["0 ."], &[], "null MX: the domain takes no mail"),
        (&["10 mx.d.test."], &[], "mx.d.test"),
    ] {
        let world = well().publish("d.test", "MX", records);
        let found: Vec<&str> =
            world.found().into_iter().filter(|word| *word != "domain.pattern-without-mx").collect();
        assert_eq!(found, expected, "{records:?}");
        let text = human::text(&world.parts()).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{records:?}: {text}");
    }
}

/// A colon is no character of a host name, but of a label it may be.
#[test]
fn an_ipv6_address_in_an_mx_record_is_found() {
    let name = Name::from_labels([b"2001:db8::1".as_slice()]).unwrap();
    let mx = RData::MX(hickory_proto::rr::rdata::MX::new(10, name));
    let world = well().say("d.test", "MX", Outcome::Secure(Content::Data(vec![mx])));
    assert!(world.found().contains(&"domain.mx-address"), "{:?}", world.found());
    assert!(human::text(&world.parts()).contains("2001:db8::1"));
}

/// RFC 7672 section 2.2.2: Postfix looks at both names; Exim at the end alone.
#[test]
fn tlsa_records_at_an_alias_alone_are_found() {
    let tlsa = format!("3 1 1 {DIGEST}");
    let alias = || well().alias("mx.d.test", "host.d.test").publish("host.d.test", "A", &["192.0.2.1"]);
    let world = alias().publish("_25._tcp.mx.d.test", "TLSA", &[&tlsa]);
    assert_eq!(world.found(), ["domain.dane-alias"]);
    assert!(human::text(&world.parts()).contains("alias of host.d.test"));
    let world = alias().publish("_25._tcp.host.d.test", "TLSA", &[&tlsa]);
    assert_eq!(world.found(), Vec::<&str>::new());
    assert_eq!(alias().found(), Vec::<&str>::new(), "without DANE an alias does no harm");
}

#[test]
fn an_authority_that_is_named_and_not_sent_is_told() {
    let issuer = rcgen::Issuer::new(
        {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, "R3");
            params
        },
        rcgen::KeyPair::generate().unwrap(),
    );
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["mx.d.test".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let world = |record: &str| well().publish("_25._tcp.mx.d.test", "TLSA", &[record]);
    let with = |fate| {
        let mut sighting = Sighting { tlsa: vec![fate], ..shown(Ok(())) };
        sighting.chain.as_mut().unwrap().certificates = vec![Certificate::read(own.der())];
        sighting
    };
    let digest = format!("2 0 1 {DIGEST}");
    let unsent = world(&digest).shows(with(Fate::NotMatched));
    assert_eq!(unsent.found(), ["tlsa.anchor-not-sent"]);
    assert!(human::text(&unsent.parts()).contains("it does not send 'CN=R3'"));
    assert_eq!(world(&digest).shows(with(Fate::Matched { at: Some(1) })).found(), Vec::<&str>::new());
    assert_eq!(world(&digest).shows(with(Fate::Matched { at: None })).found(), ["tlsa.anchor-in-record"]);
    // A record about the host's own certificate needs nobody above it.
    let own_digest = format!("3 1 1 {DIGEST}");
    assert_eq!(world(&own_digest).shows(with(Fate::NotMatched)).found(), ["tlsa.no-match"]);
}

#[test]
fn every_address_counts_and_what_is_wrong_with_several_is_found_once() {
    let bad = || shown(Err(Distrust::Expired));
    assert_eq!(well().shows(shown(Ok(()))).shows(bad()).found(), ["domain.mx-certificate"]);
    assert_eq!(well().shows(bad()).shows(bad()).found(), ["domain.mx-certificate"]);
    let world = well().shows(failed(Stage::Connect, FailureKind::NoRoute)).shows(bad());
    assert_eq!(world.found(), ["domain.mx-not-seen", "domain.mx-certificate"]);
}

proptest! {
    #[test]
    fn no_octets_of_a_stranger_panic_or_escape(
        text in proptest::collection::vec(any::<u8>(), 0..200),
        policy in proptest::collection::vec(any::<u8>(), 0..300),
        begin in prop_oneof![Just(""), Just("v=STSv1; id="), Just("v=TLSRPTv1; rua="), Just("v=STS1; to=true; mx=")],
    ) {
        let octets = [begin.as_bytes(), &text].concat();
        let txt = RData::TXT(hickory_proto::rr::rdata::TXT::from_bytes(octets.chunks(255).collect()));
        let said = || Outcome::Secure(Content::Data(vec![txt.clone()]));
        let mut world = well();
        for name in ["_mta-sts.d.test", "_smtp._tls.d.test", "_smtp_sts.d.test", "_smtp-sts.d.test", "d.test"] {
            world = world.say(name, "TXT", said());
        }
        world.policy = Ok(policy);
        let label: Vec<u8> = text.iter().copied().take(60).chain([b'x']).collect();
        let host = Name::from_labels([label.as_slice(), b"d", b"test"]).unwrap();
        let mx = RData::MX(hickory_proto::rr::rdata::MX::new(10, host));
        let world = world.say("d.test", "MX", Outcome::Secure(Content::Data(vec![mx])));
        world.found();
    }
}
