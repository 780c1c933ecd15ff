//! One world, every order in which its answers arrive, cold and from memory: the verdict is the same; and whoever asks why
//! gets the same verdict, and the same document.

use crate::support::made_up::{self, MadeUp, forged, mx, said, txt};
use hickory_proto::rr::rdata::{A, NULL};
use hickory_proto::rr::{RData, RecordType};
use proptest::prelude::*;
use smtp_sts_verify::cache::{Dossier, InMemory};
use smtp_sts_verify::dns::{Outcome, Question};
use smtp_sts_verify::explain::{Explanation, Question as Asked, json};
use smtp_sts_verify::https::{FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::policy::PolicyType;
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{Handshake, Permitted, Requirement, Tls, Verdict};
use smtp_sts_verify::verify::explain::explain;
use smtp_sts_verify::verify::{Request, verify};
use std::cell::Cell;

const NOW: UnixTime = UnixTime(1_800_000_000);
/// Until so many seconds after [`NOW`] an answer may be believed.
const TTL: u64 = 60;
const HOSTS: [&str; 3] = ["a.d.test", "b.d.test", "c.other.test"];
const BODIES: [Option<&str>; 4] = [
    None,
    Some("version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 604800\n"),
    Some("version: STSv1\nmode: testing\nmx: a.d.test\nmax_age: 604800\n"),
    Some("version: STSv1\nmode: none\nmax_age: 604800\n"),
];

/// What the domain publishes, and how long each next answer takes.
struct World {
    signed: bool,
    /// For each host: no TLSA records, unusable, usable, bogus.
    tlsa: [u8; 3],
    body: Option<&'static str>,
    /// Counts up with the policy.
    id: u8,
    /// The record of the draft's dialect.
    draft: Option<&'static str>,
    delays: Vec<u8>,
    answered: Cell<usize>,
}

impl made_up::World for World {
    const TTL: u64 = TTL;
    const LOOKS: usize = 10_000;

    fn now(&self) -> UnixTime {
        NOW
    }

    fn delay(&self) -> u8 {
        self.delays[self.answered.replace(self.answered.get() + 1) % self.delays.len()]
    }

    fn outcome(&self, question: &Question) -> Outcome {
        let name = question.name().to_string();
        let records = match question.rtype() {
            RecordType::MX => HOSTS.map(mx).to_vec(),
            RecordType::A => vec![RData::A(A::new(192, 0, 2, 1))],
            RecordType::TXT if name.starts_with("_mta-sts.") => {
                vec![txt(format!("v=STSv1; id={};", self.id))]
            }
            RecordType::TXT if name.starts_with("_smtp_sts.") => self.draft.into_iter().map(txt).collect(),
            RecordType::TLSA => {
                match HOSTS.iter().position(|host| name.contains(host)).map(|at| self.tlsa[at]) {
                    Some(kind @ (1 | 2)) => {
                        let usage = if kind == 1 { 0 } else { 3 };
                        let mut octets = vec![usage, 1, 1];
                        octets.extend([7; 32]);
                        vec![RData::Unknown { code: RecordType::TLSA, rdata: NULL::with(octets) }]
                    }
                    Some(3) => return forged(),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        said(self.signed, records)
    }

    fn file(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        let none = || FetchError::NoAddress { host: url.host().clone() };
        self.body.map(|body| body.as_bytes().to_vec()).ok_or_else(none)
    }
}

type Told = (Verdict, Tls, PolicyType, Permitted);

fn request(host: Option<&str>) -> Request {
    made_up::request("d.test", host.as_slice())
}

fn ask(world: &World, memory: &InMemory, host: Option<&str>) -> Told {
    let judgement = MadeUp(world).verified(&request(host), memory).judgement;
    (judgement.verdict, judgement.tls, judgement.policy, judgement.permitted)
}

proptest! {
    #[test]
    fn neither_the_order_of_the_answers_nor_memory_changes_a_verdict(
        signed in any::<bool>(),
        tlsa in any::<[u8; 3]>().prop_map(|kinds| kinds.map(|kind| kind % 4)),
        body in 0..BODIES.len(),
        delays in proptest::collection::vec(0_u8..6, 1..12),
        host in proptest::option::of(prop_oneof![Just("evil.test"), Just("evil.d.test"), Just(HOSTS[0]), Just(HOSTS[2])]),
    ) {
        let world =
            |delays| World { signed, tlsa, body: BODIES[body], id: 1, draft: None, delays, answered: Cell::new(0) };
        let (prompt, slow) = (world(vec![0]), world(delays));
        let expected = ask(&prompt, &InMemory::new(NOW), host);
        let memory = InMemory::new(NOW);
        for _ in 0..3 {
            prop_assert_eq!(&ask(&slow, &memory, host), &expected);
        }
        // Reckoned from the RFCs: what one host may be given.
        let at = HOSTS.iter().position(|one| Some(*one) == host);
        if let (true, Some(at), (verdict, tls, ..)) = (signed, at, &expected) {
            match tlsa[at] {
                3 => prop_assert_eq!(*verdict, Verdict::Defer),
                2 => prop_assert_eq!((*verdict, *tls), (Verdict::Deliver, Tls::Dane)),
                1 => prop_assert!(*verdict != Verdict::Deliver || *tls >= Tls::Encrypt),
                _ => {}
            }
        }
        if signed && at.is_none() && host.is_some() && tlsa.iter().all(|kind| *kind != 0) {
            prop_assert_ne!(expected.0, Verdict::Deliver);
        }
        if body == 1 && host.is_some_and(|host| !HOSTS.contains(&host)) {
            prop_assert_eq!(expected.0, Verdict::Refuse);
        }
    }
}

const DRAFTS: [Option<&str>; 4] = [
    None,
    Some("v=STS1; to=true; mx=*.d.test; a=dnssec; c=webpki; e=604800"),
    Some("v=STS1; to=true; mx=c.other.test; a=dnssec; c=tlsa; e=604800"),
    Some("v=STS1; to=perhaps"),
];

/// When the DNS results of the first contact are forgotten, and what was fetched is due again, or not yet.
const LATER: UnixTime = UnixTime(NOW.0 + 90_000);

/// A memory that met the domain as it was before.
fn acquainted(before: &World, now: UnixTime) -> InMemory {
    let memory = InMemory::new(NOW);
    let network = MadeUp(before);
    network.to_its_end(verify(&request(None), Some(&memory), &network, &network, NOW));
    memory.set_clock(now);
    memory
}

proptest! {
    #[test]
    fn whoever_asks_why_gets_the_verdict_of_a_delivery_and_the_same_document_whoever_answers_first(
        signed in any::<bool>(),
        tlsa in any::<[u8; 3]>().prop_map(|kinds| kinds.map(|kind| kind % 4)),
        bodies in (0..BODIES.len(), 0..BODIES.len()),
        drafts in (0..DRAFTS.len(), 0..DRAFTS.len()),
        delays in proptest::collection::vec(0_u8..6, 1..12),
        host in proptest::option::of(prop_oneof![Just("evil.test"), Just("evil.d.test"), Just(HOSTS[0]), Just(HOSTS[2])]),
        handshake in prop_oneof![Just(Handshake::NotSeen), Just(Handshake::Unverified), Just(Handshake::Verified)],
        requirement in proptest::option::of(
            prop_oneof![Just(Requirement::Dane), Just(Requirement::None), Just(Requirement::WebPki)]),
        later in prop_oneof![Just(UnixTime(NOW.0 + TTL)), Just(LATER)],
    ) {
        let world = |body: usize, id, draft: usize, delays: &[u8]| World {
            signed, tlsa, body: BODIES[body], id, draft: DRAFTS[draft], delays: delays.to_vec(), answered: Cell::new(0),
        };
        let before = world(bodies.0, 1, drafts.0, &[0]);
        let after = |delays: &[u8]| world(bodies.1, 2, drafts.1, delays);
        let request = Request { handshake, requirement, ..request(host) };
        let words = |judgement: &smtp_sts_verify::verdict::Judgement| {
            let hosts = judgement.hosts.clone();
            (judgement.verdict, judgement.tls, judgement.policy, judgement.reason, judgement.permitted.clone(), hosts)
        };
        let (prompt, slow) = (after(&[0]), after(&delays));
        let network = MadeUp(&slow);
        let memory = acquainted(&before, later);
        let delivery = network.to_its_end(verify(&request, Some(&memory), &network, &network, later));

        let question = Asked { request: request.clone(), decree: None };
        let document = |world: &World| {
            let (network, memory) = (MadeUp(world), acquainted(&before, later));
            let explained = network.to_its_end(explain(&request, &memory, &network, &network, later));
            let document = Explanation::of(&question, &Dossier::default(), &explained, later);
            (explained, json::object(&document))
        };
        let (explained, told) = document(&prompt);
        prop_assert_eq!(words(&explained.report.judgement), words(&delivery.judgement));
        prop_assert_eq!(document(&slow).1, told);
        // A router asks before any handshake.
        if host.is_none() && handshake == Handshake::NotSeen {
            let routed = smtp_sts_verify::explain::for_a_router(&question, &explained.grounds);
            prop_assert_eq!(words(&routed), words(&explained.report.judgement));
        }
        prop_assert_ne!(explained.report.judgement.reason, Reason::Internal);
    }
}
