//! One world, every order in which its answers arrive, cold and from memory: the verdict is the same.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

use futures_util::FutureExt;
use hickory_proto::rr::rdata::{A, MX, NULL, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use proptest::prelude::*;
use smtp_sts_verify::cache::InMemory;
use smtp_sts_verify::dns::{Answer, Blame, Content, Outcome, Question, Resolve};
use smtp_sts_verify::https::{Fetch, FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{Handshake, OnUnreachable, Permitted, PolicyType, Tls, Verdict};
use smtp_sts_verify::verify::{Request, from_memory, verify};
use std::cell::Cell;
use std::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);
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
    delays: Vec<u8>,
    answered: Cell<usize>,
}

impl World {
    async fn delay(&self) {
        let at = self.answered.replace(self.answered.get() + 1) % self.delays.len();
        for _ in 0..self.delays[at] {
            let mut was_here = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut was_here, true) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        }
    }

    fn outcome(&self, question: &Question) -> Outcome {
        let name = question.name().to_string();
        let data = match question.rtype() {
            RecordType::MX => HOSTS
                .map(|host| RData::MX(MX::new(10, Name::from_ascii(format!("{host}.")).unwrap())))
                .to_vec(),
            RecordType::A => vec![RData::A(A::new(192, 0, 2, 1))],
            RecordType::TXT if name.starts_with("_mta-sts.") => {
                vec![RData::TXT(TXT::new(vec!["v=STSv1; id=1;".to_owned()]))]
            }
            RecordType::TLSA => {
                match HOSTS.iter().position(|host| name.contains(host)).map(|at| self.tlsa[at]) {
                    Some(kind @ (1 | 2)) => {
                        let usage = if kind == 1 { 0 } else { 3 };
                        let mut octets = vec![usage, 1, 1];
                        octets.extend([7; 32]);
                        vec![RData::Unknown { code: RecordType::TLSA, rdata: NULL::with(octets) }]
                    }
                    Some(3) => return Outcome::Bogus(Blame::Domain, "forged".into()),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        let content = if data.is_empty() { Content::Nodata } else { Content::Data(data) };
        if self.signed { Outcome::Secure(content) } else { Outcome::Insecure(content, "unsigned".into()) }
    }
}

impl Resolve for World {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        self.delay().await;
        let answer = |question: &Question| {
            let outcome = self.outcome(question);
            let valid_until = outcome.content().map(|_| NOW.plus(60));
            let (aliases, elapsed) = (Vec::new(), Duration::ZERO);
            Answer {
                question: question.clone(),
                outcome,
                aliases,
                valid_until,
                proof: smtp_sts_verify::dns::proof::Proof::default(),
                queries: 1,
                elapsed,
            }
        };
        questions.iter().map(answer).collect()
    }
}

impl Fetch for World {
    async fn fetch(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        self.delay().await;
        let none = || FetchError::NoAddress { host: url.host().clone() };
        self.body.map(|body| body.as_bytes().to_vec()).ok_or_else(none)
    }
}

type Told = (Verdict, Tls, PolicyType, Permitted);

fn ask(world: &World, memory: &InMemory, host: Option<&str>) -> Told {
    let request = Request {
        domain: PolicyDomain::parse("d.test").unwrap(),
        hosts: host.map(|host| MxHost::from_text(host).unwrap()).into_iter().collect(),
        handshake: Handshake::NotSeen,
        require_authentication: false,
        on_unreachable: OnUnreachable::Deliver,
        requirement: None,
    };
    let report = from_memory(&request, Some(memory), NOW).unwrap_or_else(|| {
        let mut verdict = Box::pin(verify(&request, Some(memory), world, world, NOW));
        let report = (0..10_000).find_map(|_| verdict.as_mut().now_or_never());
        report.expect("a verdict comes to its end")
    });
    let judgement = report.judgement;
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
        let world = |delays| World { signed, tlsa, body: BODIES[body], delays, answered: Cell::new(0) };
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
