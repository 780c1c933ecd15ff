//! The life of an MTA-STS policy, whatever happens in whatever order: what was fetched with success rules until its
//! end, nothing but a fetch moves that end, and no policy host is asked without need.
//!
//! One domain lives through random events: its owner alters the policy with or without a new id and withdraws the
//! record; an attacker silences and forges DNS and blocks HTTPS; time passes; Exim asks. The pipeline runs over maps,
//! without a socket or a file. What must hold is computed from the fetches that the map saw, not from the pipeline.

use crate::support::made_up::{self, MadeUp, mx, request, said, spoiled, txt};
use hickory_proto::rr::RecordType;
use proptest::prelude::*;
use smtp_sts_verify::cache::InMemory;
use smtp_sts_verify::dns::{Outcome, Question};
use smtp_sts_verify::https::{FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::policy::mta_sts::Body;
use smtp_sts_verify::policy::{Dialect, Mode, Policy};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{Tls, Verdict};
use smtp_sts_verify::verify::Report;
use std::cell::RefCell;

const DOMAIN: &str = "d.test";
const HOSTS: [&str; 3] = ["a.d.test", "b.d.test", "evil.test"];
/// Of every DNS answer, seconds.
const TTL: u64 = 30;
const DAY: u64 = 86_400;

/// What a policy host may serve; the last one is no policy.
const BODIES: [&str; 7] = [
    "version: STSv1\nmode: enforce\nmx: a.d.test\nmax_age: 1000\n",
    "version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 604800\n",
    "version: STSv1\nmode: testing\nmx: a.d.test\nmax_age: 604800\n",
    "version: STSv1\nmode: enforce\nmx: b.d.test\nmax_age: 40\n",
    "version: STSv1\nmode: none\nmax_age: 100000\n",
    "version: STSv1\nmode: enforce\nmx: a.d.test\nmax_age: 0\n",
    "version: STSv1\nmode: perhaps\n",
];

/// What an attacker does to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    None,
    Silence,
    /// Another id, or none.
    Forge(Option<u8>),
}

#[derive(Clone, Debug)]
enum Event {
    Announce(Option<u8>),
    Serve(usize),
    Attack(Attack),
    BlockHttps(bool),
    Pass(u64),
    Ask(Option<usize>),
}

/// A fetch, as the policy host saw it: when, and the body that it gave.
type Fetched = (UnixTime, Option<Body>);

struct World {
    signed: bool,
    now: UnixTime,
    announced: Option<u8>,
    served: usize,
    attack: Attack,
    https_blocked: bool,
    /// Whether more than one id is ever announced or forged.
    ids_change: bool,
    fetches: RefCell<Vec<Fetched>>,
    /// The ids that reached us, with their times.
    seen: RefCell<Vec<(UnixTime, Option<u8>)>>,
}

impl World {
    /// The id that reaches us; `Err` for trouble. In a signed zone a forgery is recognised.
    fn id(&self) -> Result<Option<u8>, ()> {
        match self.attack {
            Attack::None => Ok(self.announced),
            Attack::Forge(id) if !self.signed => Ok(id),
            Attack::Forge(_) | Attack::Silence => Err(()),
        }
    }
}

impl made_up::World for World {
    const TTL: u64 = TTL;

    fn now(&self) -> UnixTime {
        self.now
    }

    fn outcome(&self, question: &Question) -> Outcome {
        let records = match question.rtype() {
            RecordType::TXT if question.name().to_ascii().starts_with("_mta-sts.") => {
                let id = self.id();
                self.seen.borrow_mut().extend(id.map(|id| (self.now, id)).ok());
                id.map(|id| id.into_iter().map(|id| txt(format!("v=STSv1; id={id}"))).collect())
            }
            RecordType::MX => Ok(HOSTS[..2].iter().map(|host| mx(host)).collect()),
            _ => Ok(Vec::new()),
        };
        records.map_or_else(|()| spoiled(self.signed), |records| said(self.signed, records))
    }

    fn file(&self, url: &PolicyUrl, media: MediaType) -> Result<Vec<u8>, FetchError> {
        assert_eq!(url.to_string(), "https://mta-sts.d.test/.well-known/mta-sts.txt");
        assert_eq!(media, MediaType::TextPlain);
        let given = (!self.https_blocked).then(|| BODIES[self.served].as_bytes());
        let body = given.and_then(|given| Body::parse(given).ok());
        self.fetches.borrow_mut().push((self.now, body));
        given.map(<[u8]>::to_vec).ok_or_else(|| FetchError::NoAddress { host: url.host().clone() })
    }
}

/// What rules at that moment: the body that was fetched last, if it has not ended.
fn ruling(fetches: &[Fetched], now: UnixTime) -> Option<(UnixTime, &Body)> {
    let (at, body) = fetches.iter().rev().find_map(|(at, body)| Some((*at, body.as_ref()?)))?;
    (now < at.plus(body.max_age)).then_some((at, body))
}

fn ask(world: &World, memory: &InMemory, asked: Option<usize>) -> Report {
    let host = asked.map(|index| HOSTS[index]);
    MadeUp(world).verified(&request(DOMAIN, host.as_slice()), memory)
}

fn what_was_fetched_rules_until_its_end(
    world: &World,
    report: &Report,
    before: usize,
) -> Result<(), TestCaseError> {
    let fetches = world.fetches.borrow();
    let fetched_now = fetches.get(before..).unwrap().iter().rev().find_map(|(_, body)| body.as_ref());
    let rules = fetched_now.or_else(|| ruling(&fetches, world.now).map(|(_, body)| body));
    let enforced = rules.filter(|body| body.mode == Mode::Enforce);
    for judged in &report.judgement.hosts {
        let permitted = enforced.is_none_or(|body| body.mx.iter().any(|mx| mx.permits(&judged.host)));
        let is_mx = HOSTS[..2].contains(&judged.host.as_str());
        match judged.ruling.verdict {
            Verdict::Deliver => {
                prop_assert!(permitted, "{} is forbidden", judged.host);
                prop_assert_eq!(judged.ruling.tls == Tls::WebPki, enforced.is_some());
            }
            Verdict::Refuse => prop_assert!(enforced.is_some() && (!permitted || !is_mx)),
            // Nobody can tell, and nothing rules.
            Verdict::Defer => prop_assert!(rules.is_none() && world.signed),
        }
    }
    Ok(())
}

fn only_a_fetch_moves_the_end(world: &World, memory: &InMemory) -> Result<(), TestCaseError> {
    let fetches = world.fetches.borrow();
    let rows = memory.rows().into_iter().filter(|row| row.is_unexpired(world.now));
    let kept: Vec<_> = rows.filter(|row| row.policy.dialect() == Dialect::MtaSts).collect();
    let expected = ruling(&fetches, world.now);
    prop_assert_eq!(kept.len(), usize::from(expected.is_some()));
    for (row, (at, body)) in kept.iter().zip(expected) {
        let Policy::MtaSts(policy) = &row.policy else { panic!("filtered above") };
        prop_assert_eq!(&policy.body, body);
        prop_assert_eq!((row.fetched_at, row.expires_at), (at, at.plus(body.max_age)));
    }
    Ok(())
}

/// A fetch needs something new, or the time for it; and after failures ever longer pauses.
fn nobody_is_asked_without_need(world: &World, before: usize, ids: usize) -> Result<(), TestCaseError> {
    let fetches = world.fetches.borrow();
    let (old, new) = fetches.split_at(before);
    prop_assert!(new.len() <= 1, "one question fetched {} times", new.len());
    if new.is_empty() {
        return Ok(());
    }
    // However often the id changes, five minutes lie between a failure and the next try.
    if let Some((last, None)) = old.last() {
        prop_assert!(world.now.since(*last) >= 300, "asked again at once");
    }
    if !world.ids_change {
        // What failed is forgotten two days after the last failure.
        let mut failures = 0_usize;
        let mut later = world.now;
        for (at, _) in old.iter().rev().take_while(|(_, body)| body.is_none()) {
            if later.since(*at) >= 2 * DAY {
                break;
            }
            (failures, later) = (failures + 1, *at);
        }
        if let (Some((last, None)), 1..) = (old.last(), failures) {
            let pause = 300_u64.saturating_mul(1 << (failures - 1).min(20)).min(DAY);
            prop_assert!(world.now.since(*last) >= pause, "asked again after {failures} failures");
        }
    }
    if let Some((at, body)) = ruling(old, world.now) {
        let due = world.now.since(at) >= (body.max_age / 4 * 3).min(DAY);
        let seen = world.seen.borrow();
        let of = |wanted: &dyn Fn(UnixTime) -> bool| {
            seen.iter().rev().find(|(when, id)| wanted(*when) && id.is_some()).map(|(_, id)| *id)
        };
        let changed = seen.len() > ids || of(&|_| true) != of(&|when| when <= at);
        prop_assert!(due || changed, "fetched again after {} s for nothing", world.now.since(at));
    }
    Ok(())
}

fn event() -> impl Strategy<Value = Event> {
    let id = || proptest::option::weighted(0.85, 0_u8..3);
    prop_oneof![
        2 => id().prop_map(Event::Announce),
        2 => (0..BODIES.len()).prop_map(Event::Serve),
        2 => prop_oneof![
            3 => Just(Attack::None),
            1 => Just(Attack::Silence),
            1 => id().prop_map(Attack::Forge),
        ].prop_map(Event::Attack),
        1 => any::<bool>().prop_map(Event::BlockHttps),
        3 => prop_oneof![1_u64..100, 100_u64..2_000, Just(DAY), Just(7 * DAY)].prop_map(Event::Pass),
        6 => proptest::option::weighted(0.7, 0..HOSTS.len()).prop_map(Event::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_policy_rules_from_its_fetch_to_its_end_and_nobody_is_asked_without_need(
        signed: bool,
        ids_change: bool,
        events in proptest::collection::vec(event(), 1..60),
    ) {
        let mut world = World {
            signed,
            now: UnixTime(1_800_000_000),
            announced: Some(0),
            served: 0,
            attack: Attack::None,
            https_blocked: false,
            ids_change,
            fetches: RefCell::default(),
            seen: RefCell::default(),
        };
        let memory = InMemory::new(world.now);
        for event in events {
            match event {
                Event::Announce(id) => world.announced = if ids_change { id } else { id.map(|_| 0) },
                Event::Serve(body) => world.served = body,
                Event::Attack(attack) => {
                    world.attack = match attack {
                        Attack::Forge(Some(_)) if !ids_change => Attack::Forge(Some(0)),
                        attack => attack,
                    };
                }
                Event::BlockHttps(blocked) => world.https_blocked = blocked,
                Event::Pass(seconds) => {
                    world.now = world.now.plus(seconds);
                    memory.set_clock(world.now);
                }
                Event::Ask(asked) => {
                    let (before, ids) = (world.fetches.borrow().len(), world.seen.borrow().len());
                    let report = ask(&world, &memory, asked);
                    what_was_fetched_rules_until_its_end(&world, &report, before)?;
                    only_a_fetch_moves_the_end(&world, &memory)?;
                    nobody_is_asked_without_need(&world, before, ids)?;
                }
            }
        }
    }
}
