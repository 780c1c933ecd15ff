//! Probes as they are after the network, made by hand.

use smtp_sts_verify::certificate::{Certificate, Distrust, Key, Says, Signature};
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::monitoring::Summary;
use smtp_sts_verify::monitoring::nagios::{self, State, Thresholds};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::mta_sts;
use smtp_sts_verify::policy::{Authentication, PolicyType, StoredPolicy};
use smtp_sts_verify::probe::consequence::{Action, Cause, Conformity, Consequence};
use smtp_sts_verify::probe::failure::{FailureKind, SessionFailure, Stage};
use smtp_sts_verify::probe::report::*;
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::*;
use smtp_sts_verify::verify::{NoEvaluation, Report};
use std::time::Duration;

/// When everything happens: 2026-11-22, midnight.
pub(crate) const NOW: UnixTime = UnixTime(1_795_305_600);
pub(crate) const DAY: u64 = 86_400;

pub(crate) fn domain(text: &str) -> PolicyDomain {
    PolicyDomain::parse(text).unwrap()
}

fn mx(text: &str) -> MxHost {
    MxHost::from_text(text).unwrap()
}

/// A domain whose pipeline said this word.
pub(crate) fn probe(name: &str, reason: Reason, hosts: Vec<HostProbe>) -> DomainProbe {
    let mut verification: Report = NoEvaluation::defer(reason, "a note of a stranger's").into();
    verification.domain = Some(domain(name));
    DomainProbe {
        domain: domain(name),
        at: NOW,
        verification,
        policy: None,
        hosts,
        mx_oddities: Vec::new(),
        hosts_left_out: 0,
        elapsed: Duration::from_millis(1_234),
    }
}

/// A host under no policy, with these addresses.
pub(crate) fn host(name: &str, addresses: Vec<AddressProbe>) -> HostProbe {
    let ruling = Ruling {
        verdict: Verdict::Deliver,
        tls: Tls::Opportunistic,
        policy: PolicyType::None,
        reason: Reason::NoPolicy,
    };
    HostProbe {
        name: mx(name),
        preference: Some(10),
        judgement: HostJudgement { host: mx(name), standing: Standing::Open, ruling },
        dane: DaneHost::Absent,
        is_dane_of_alias: false,
        tlsa_base: None,
        tlsa: Vec::new(),
        addresses: Ok(addresses),
        addresses_left_out: 0,
    }
}

/// An address that takes the mail over TLS, whose certificate ends after so many days.
pub(crate) fn well(address: &str, days: i64) -> AddressProbe {
    AddressProbe {
        sighting: Sighting {
            address: address.parse().unwrap(),
            failure: None,
            tls: Some(TlsSession { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" }),
            chain: Some(chain(days, Ok(()))),
            tlsa: Vec::new(),
            elapsed: Duration::from_millis(100),
        },
        conformity: Conformity::Met,
        consequence: Consequence { action: Action::Deliver, cause: Cause::Ruling(Reason::NoPolicy) },
    }
}

pub(crate) fn chain(days: i64, webpki: Result<(), Distrusted>) -> Chain {
    let end = UnixTime(NOW.0.checked_add_signed(days * DAY.cast_signed()).unwrap());
    let says = Says {
        subject: "CN=mx".into(),
        issuer: "CN=issuer".into(),
        names: vec!["mx.example.org".into()],
        is_named_in_subject: false,
        signature: Signature::Other,
        not_before: UnixTime(0),
        not_after: end,
        key: Key::Ec(256),
        version: 3,
        is_authority: false,
        path_length: None,
    };
    Chain {
        certificates: vec![Certificate { sha256: String::new(), key_sha256: None, says: Some(says) }],
        webpki,
    }
}

/// An address at which the session ended there.
pub(crate) fn failing(address: &str, at: Stage, kind: FailureKind, action: Action) -> AddressProbe {
    let mut probe = well(address, 0);
    probe.sighting.failure = Some(SessionFailure::new(at, kind, "what a stranger said"));
    probe.sighting.tls = None;
    probe.sighting.chain = None;
    probe.consequence = Consequence { action, cause: Cause::Failure(kind) };
    probe
}

/// The same host with one TLSA record, usage 3 or 2, and what became of it at each address.
pub(crate) fn with_tlsa(mut host: HostProbe, usage: u8, fates: &[Fate]) -> HostProbe {
    host.dane = DaneHost::Usable;
    let read = Tlsa::new(usage, 1, 1, vec![7; 32]);
    host.tlsa = vec![TlsaRecord { text: format!("{usage} 1 1 07..."), read }];
    for (address, fate) in host.addresses.iter_mut().flatten().zip(fates) {
        address.sighting.tlsa = vec![fate.clone()];
        if !matches!(fate, Fate::Matched { .. }) {
            address.consequence = Consequence { action: Action::NotToThisHost, cause: Cause::TlsaNoMatch };
        }
    }
    host
}

/// The same address with a certificate that only itself vouches for. Of one that is over, no more is said than that.
pub(crate) fn self_signed(mut address: AddressProbe) -> AddressProbe {
    if let Some(chain) = &mut address.sighting.chain
        && let Some(says) = chain.certificates.first_mut().and_then(|own| own.says.as_mut())
    {
        says.issuer.clone_from(&says.subject);
        let kind = if says.not_after < NOW { Distrust::Expired } else { Distrust::SelfSigned };
        chain.webpki = Err(Distrusted { kind, why: "as the TLS library says it".into() });
    }
    address
}

/// The same domain under an MTA-STS policy of mode enforce that lives that many days and was fetched that many days ago.
pub(crate) fn under_policy(mut probe: DomainProbe, life: u64, fetched: u64) -> DomainProbe {
    let text =
        format!("v=STSv1; id=1\nversion: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: {}\n", life * DAY);
    let policy = mta_sts::Policy::parse(&text).unwrap();
    let at = UnixTime(NOW.0 - fetched * DAY);
    probe.policy = Some(StoredPolicy::fetched(&probe.domain, policy, Authentication::WebPki, at, at));
    probe
}

/// All is well: two hosts, a certificate for sixty days, a policy for twenty-eight.
pub(crate) fn healthy(name: &str) -> DomainProbe {
    let hosts = vec![
        host("mx1.example.org", vec![well("192.0.2.1:25", 60), well("[2001:db8::1]:25", 60)]),
        host("mx2.example.org", vec![well("192.0.2.2:25", 80)]),
    ];
    under_policy(probe(name, Reason::PolicyMet, hosts), 28, 0)
}

/// A stale TLSA record at the first host, silence at the second one.
pub(crate) fn refused(name: &str) -> DomainProbe {
    let first = with_tlsa(host("mx1.example.org", vec![well("192.0.2.1:25", 60)]), 3, &[Fate::NotMatched]);
    let silence = failing("192.0.2.2:25", Stage::Connect, FailureKind::TimedOut, Action::Wait);
    probe(name, Reason::DaneUsable, vec![first, host("mx2.example.org", vec![silence])])
}

pub(crate) fn summaries(probes: &[DomainProbe]) -> Vec<Summary> {
    probes.iter().map(Summary::of).collect()
}

/// The line with the default thresholds, its end taken off.
pub(crate) fn line(probes: &[DomainProbe]) -> (State, String) {
    let (state, line) = nagios::line(&summaries(probes), Thresholds::days(21, 7).unwrap());
    (state, line.strip_suffix('\n').unwrap().to_owned())
}

/// The text is what the snapshot of that name in `tests/unit/monitoring/snapshots` says (`INSTA_UPDATE=always` takes it over).
pub(crate) fn shows(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}
