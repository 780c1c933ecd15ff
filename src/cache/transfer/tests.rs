use super::*;
use crate::cache::{Anchors, Authorities, Circumstances};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);
const MTA_STS: &str = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 604800\n";
const DRAFT: &str = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800";

fn here() -> Fingerprint {
    circumstances(443)
}

fn circumstances(https_port: u16) -> Fingerprint {
    let (anchors, authorities) = (Anchors::BuiltIn, Authorities::System);
    Circumstances {
        anchors,
        authorities,
        https_port,
        allow_private_addresses: false,
        name_servers: vec![],
        insecure_zones: Vec::new(),
        mechanisms: crate::policy::Mechanisms::default(),
    }
    .of_policies()
}

fn provenance() -> Provenance {
    Provenance { host: "old.mail.test".into(), exported_at: UnixTime(NOW.0 - 60), circumstances: here() }
}

fn policy(dialect: Dialect, text: &str, authentication: Authentication) -> StoredPolicy {
    let (domain, at) = (PolicyDomain::parse("example.org").unwrap(), UnixTime(NOW.0 - 1_000));
    let policy = Policy::from_text(dialect, text).unwrap();
    let policy = StoredPolicy::fetched(&domain, policy, authentication, at, at.plus(300));
    StoredPolicy { applied_at: Some(at), ..policy }
}

#[test]
fn what_travels_arrives_as_it_left() {
    for stored in [
        policy(Dialect::MtaSts, MTA_STS, Authentication::WebPki),
        policy(Dialect::SmtpSts, DRAFT, Authentication::Dnssec),
        StoredPolicy { applied_at: None, ..policy(Dialect::SmtpSts, DRAFT, Authentication::FirstUse) },
    ] {
        let line = stored.to_line();
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(StoredPolicy::from_line(&line), Ok(stored.clone()));
        assert_eq!(provenance().admit(&stored, here(), NOW), Ok(()));
    }
    assert_eq!(Provenance::from_line(&provenance().to_line()), Ok(provenance()));
}

#[test]
fn what_this_program_could_not_have_stored_is_refused_with_the_reason() {
    let good = || policy(Dialect::MtaSts, MTA_STS, Authentication::WebPki);
    let later = NOW.plus(1_000_000);
    for (stored, expected) in [
        (good(), None),
        (StoredPolicy { expires_at: good().expires_at.plus(1), ..good() }, Some(Refusal::Impossible)),
        (StoredPolicy { expires_at: UnixTime(u64::MAX), ..good() }, Some(Refusal::Impossible)),
        (StoredPolicy { fetched_at: later, ..good() }, Some(Refusal::FromTheFuture("fetched_at", later))),
        (
            StoredPolicy { applied_at: Some(later), ..good() },
            Some(Refusal::FromTheFuture("applied_at", later)),
        ),
        (StoredPolicy { expires_at: NOW, ..good() }, Some(Refusal::Ended(NOW))),
        (StoredPolicy { expires_at: UnixTime(0), ..good() }, Some(Refusal::Impossible)),
        (StoredPolicy { authentication: Authentication::FirstUse, ..good() }, Some(Refusal::Impossible)),
        (StoredPolicy { authentication: Authentication::Dnssec, ..good() }, Some(Refusal::Impossible)),
    ] {
        assert_eq!(provenance().admit(&stored, here(), NOW).err(), expected, "{stored:?}");
    }
    let laboratory = circumstances(8_443);
    assert_eq!(provenance().admit(&good(), laboratory, NOW), Err(Refusal::OtherCircumstances));
    let tomorrow = Provenance { exported_at: later, ..provenance() };
    assert_eq!(tomorrow.admit(&good(), here(), NOW), Err(Refusal::FromTheFuture("exported_at", later)));
}

#[test]
fn each_field_that_is_not_ours_is_named() {
    let line = policy(Dialect::MtaSts, MTA_STS, Authentication::WebPki).to_line();
    for (from, to, field) in [
        ("example.org", "a..b", "domain"),
        ("mta-sts", "dane", "mechanism"),
        ("mode: enforce", "mode: perhaps", "policy"),
        ("webpki", "trusted", "authentication"),
    ] {
        let refusal = StoredPolicy::from_line(&line.replace(from, to)).unwrap_err();
        assert!(matches!(&refusal, Refusal::Field(name, _) if *name == field), "{refusal:?}");
        assert!(refusal.to_string().contains(field));
    }
    let head = provenance().to_line();
    let newer = head.replace("_export\":1", "_export\":2");
    assert_eq!(Provenance::from_line(&newer), Err(Refusal::Version(2)));
    assert!(matches!(Provenance::from_line(&line), Err(Refusal::Malformed(_))));
    assert!(matches!(StoredPolicy::from_line(&head), Err(Refusal::Malformed(_))));
}

proptest! {
    #[test]
    fn no_line_panics_or_shows_what_could_hurt(line in "(\\{\"domain\":\")?\\PC{0,80}") {
        for refusal in [StoredPolicy::from_line(&line).err(), Provenance::from_line(&line).err()].into_iter().flatten() {
            prop_assert!(refusal.to_string().bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }
}
