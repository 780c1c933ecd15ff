//! Whatever happens, in whatever order: no mail is refused under a policy that was never applied, and none is
//! delivered against one that is in force.
//!
//! One domain lives through random events: its owner publishes, alters and withdraws the record and moves the MX; an
//! attacker silences and forges what DNS and HTTPS say; time passes; Exim asks, and tells what it saw. The pipeline
//! runs over maps, without a socket or a file. What must hold is computed from the events, not from the pipeline.

use crate::support::made_up::{self, MadeUp, mx, request, said, spoiled, txt};
use hickory_proto::rr::RecordType;
use proptest::prelude::*;
use smtp_sts_verify::cache::{InMemory, Memory};
use smtp_sts_verify::dns::{Blame, Outcome, Question};
use smtp_sts_verify::https::{FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::smtp_sts::{Mechanism, Record};
use smtp_sts_verify::policy::{Authentication, Mode, StoredPolicy};
use smtp_sts_verify::policy::{Constraint, Dialect, Policy};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{Handshake, Tls, Verdict};
use smtp_sts_verify::verify::{Report, Request};
use std::sync::LazyLock;

const DOMAIN: &str = "d.test";
const HOSTS: [&str; 3] = ["a.d.test", "b.d.test", "evil.test"];
/// Of every DNS answer, seconds.
const TTL: u64 = 30;

/// What may be published or forged: policies of every kind, and one text that is none.
const RECORDS: [&str; 10] = [
    "v=STS1; to=true; mx=a.d.test; a=dnssec; c=webpki; e=1000",
    "v=STS1; to=true; mx=*.d.test; a=dnssec; c=webpki; e=1000",
    "v=STS1; to=false; mx=a.d.test; a=dnssec; c=webpki; e=1000",
    "v=STS1; to=true; mx=a.d.test; a=webpki:https://d.test/p; c=webpki; e=60",
    "v=STS1; to=true; mx=b.d.test; a=webpki:https://d.test/p; c=webpki; e=1000",
    "v=STS1; to=true; mx=evil.test; a=dnssec; c=webpki; e=1000",
    "v=STS1; to=false; mx=evil.test; a=webpki:https://d.test/p; c=webpki; e=1000",
    "v=STS1; to=true; mx=*.d.test; c=webpki",
    "v=STS1; to=true; mx=a.d.test; a=dnssec; c=tlsa; e=1000",
    "v=STS1; to=perhaps",
];

/// What an attacker does to one kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack<T> {
    None,
    Silence,
    Forge(T),
}

#[derive(Clone, Debug)]
enum Event {
    Publish(Option<usize>),
    MoveMx(Vec<usize>),
    AttackTxt(Attack<Option<usize>>),
    AttackMx(Attack<usize>),
    BlockHttps(bool),
    Pass(u64),
    Ask(Vec<usize>, Handshake),
}

/// The domain, and whoever stands between it and us.
#[derive(Clone, Debug)]
struct World {
    signed: bool,
    now: UnixTime,
    published: Option<usize>,
    mx: Vec<usize>,
    txt_attack: Attack<Option<usize>>,
    mx_attack: Attack<usize>,
    https_blocked: bool,
}

/// What reaches us of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reaching<T> {
    Trouble,
    Genuine(T),
    Forged(T),
}

impl World {
    /// In a signed zone a forgery is recognised.
    fn reaching<T>(&self, genuine: T, attack: Attack<T>) -> Reaching<T> {
        match attack {
            Attack::None => Reaching::Genuine(genuine),
            Attack::Forge(forged) if !self.signed => Reaching::Forged(forged),
            Attack::Forge(_) | Attack::Silence => Reaching::Trouble,
        }
    }

    fn txt(&self) -> Reaching<Option<usize>> {
        self.reaching(self.published, self.txt_attack)
    }

    fn mx(&self) -> Reaching<Vec<usize>> {
        let attack = match self.mx_attack {
            Attack::None => Attack::None,
            Attack::Silence => Attack::Silence,
            Attack::Forge(host) => Attack::Forge(vec![host]),
        };
        self.reaching(self.mx.clone(), attack)
    }
}

impl made_up::World for World {
    const TTL: u64 = TTL;

    fn now(&self) -> UnixTime {
        self.now
    }

    fn outcome(&self, question: &Question) -> Outcome {
        let records = match question.rtype() {
            RecordType::TXT if question.name().to_ascii().starts_with("_smtp_sts.") => match self.txt() {
                Reaching::Trouble => None,
                Reaching::Genuine(it) | Reaching::Forged(it) => {
                    Some(it.into_iter().map(|index| txt(RECORDS[index])).collect())
                }
            },
            RecordType::MX => match self.mx() {
                Reaching::Trouble => None,
                Reaching::Genuine(it) | Reaching::Forged(it) => {
                    Some(it.into_iter().map(|index| mx(HOSTS[index])).collect())
                }
            },
            _ => Some(Vec::new()),
        };
        records.map_or_else(|| spoiled(self.signed), |records| said(self.signed, records))
    }

    fn file(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        assert!(url.to_string().starts_with("https://d.test"), "{url}");
        match self.published {
            Some(index) if !self.https_blocked => Ok(RECORDS[index].as_bytes().to_vec()),
            _ => Err(FetchError::Bogus { host: domain(), blame: Blame::Domain, why: "blocked".into() }),
        }
    }
}

fn domain() -> PolicyDomain {
    PolicyDomain::parse(DOMAIN).unwrap()
}

fn host(index: usize) -> MxHost {
    MxHost::from_text(HOSTS[index]).unwrap()
}

fn record(index: usize) -> Option<&'static Record> {
    static PARSED: LazyLock<Vec<Option<Record>>> =
        LazyLock::new(|| RECORDS.iter().map(|text| Record::parse(text).ok()).collect());
    PARSED[index].as_ref()
}

/// The life that a record may have, seconds.
fn life(record: &Record) -> u64 {
    record.terms().life.unwrap_or(TTL)
}

/// Whether a record can refuse anything.
fn binds(policy: &Policy) -> bool {
    policy.mode() == Mode::Enforce && policy.constraint() == Constraint::WebPki
}

/// What the events allow, whatever the pipeline made of them.
#[derive(Default)]
struct AppliedHistory {
    /// (when, which record reached us, whether its zone vouched for it, whether HTTPS would have).
    offers: Vec<(UnixTime, usize, bool, bool)>,
    /// (when, which hosts the MX RRset named).
    exchanges: Vec<(UnixTime, Vec<usize>)>,
    /// Records that some question may have put in force, and until when at the latest.
    applied: Vec<(usize, UnixTime)>,
}

impl AppliedHistory {
    /// Notes what a question can learn now.
    fn note(&mut self, world: &World) {
        if let Reaching::Genuine(Some(index)) | Reaching::Forged(Some(index)) = world.txt() {
            let https = world.published == Some(index) && !world.https_blocked;
            self.offers.push((world.now, index, world.signed, https));
            let renewed = record(index).map(|record| world.now.plus(life(record)));
            for (_, until) in self.applied.iter_mut().filter(|(applied, _)| *applied == index) {
                *until = renewed.map_or(*until, |renewed| renewed.max(*until));
            }
        }
        if let Reaching::Genuine(hosts) | Reaching::Forged(hosts) = world.mx() {
            self.exchanges.push((world.now, hosts));
        }
    }

    /// Whether DNS said, not longer ago than its TTL, that the host takes the domain's mail.
    fn may_be_mx(&self, index: usize, now: UnixTime) -> bool {
        self.exchanges.iter().any(|(at, hosts)| now.since(*at) <= TTL && hosts.contains(&index))
    }

    /// Notes which records this question may put in force.
    fn apply(&mut self, asked: &[usize], handshake: Handshake, now: UnixTime) {
        let somebody = !self.applied.is_empty();
        for (index, record) in (0..RECORDS.len()).filter_map(|index| Some((index, record(index)?))) {
            let offers: Vec<_> = self
                .offers
                .iter()
                .filter(|(at, i, ..)| *i == index && now.since(*at) <= life(record))
                .collect();
            let mechanism = &record.terms().mechanism;
            let authentic = offers.iter().any(|(_, _, secure, https)| match mechanism {
                Some(Mechanism::Dnssec) => *secure,
                Some(Mechanism::WebPki(_)) => *https || (*secure && somebody),
                Some(Mechanism::Unknown(_)) | None => *secure && somebody,
            });
            let candidates: Vec<usize> =
                if asked.is_empty() { (0..HOSTS.len()).collect() } else { asked.to_vec() };
            let met = candidates
                .iter()
                .any(|i| Policy::from(record.clone()).permits(&host(*i)) && self.may_be_mx(*i, now));
            let proven = match handshake {
                Handshake::Verified => authentic || !asked.is_empty(),
                Handshake::NotSeen => authentic,
                Handshake::Unverified => false,
            };
            if !offers.is_empty() && met && proven {
                self.applied.push((index, now.plus(life(record))));
            }
        }
    }
}

fn ask(world: &World, memory: &InMemory, strict: bool, asked: &[usize], handshake: Handshake) -> Report {
    let hosts: Vec<&str> = asked.iter().map(|index| HOSTS[*index]).collect();
    let request = Request { handshake, require_authentication: strict, ..request(DOMAIN, &hosts) };
    MadeUp(world).verified(&request, memory)
}

/// The policy in force, if it can refuse anything.
fn in_force(memory: &InMemory) -> Option<StoredPolicy> {
    memory
        .policy(&domain(), Dialect::SmtpSts)
        .unwrap()
        .filter(|row| row.applied_at.is_some() && binds(&row.policy))
}

/// Whether the owner vouches for a record now, by the mechanism of the policy that it replaces.
fn vouched_now(world: &World, replaced: Authentication, text: &str) -> bool {
    let published = world.published.is_some_and(|index| RECORDS[index] == text);
    let dnssec = world.signed && world.txt_attack == Attack::None;
    let https = !world.https_blocked;
    published
        && match replaced {
            Authentication::Dnssec => dnssec,
            Authentication::WebPki => https,
            Authentication::FirstUse => dnssec || https,
        }
}

fn refused_only_under_an_applied_policy(
    report: &Report,
    history: &AppliedHistory,
    asked: &[usize],
    handshake: Handshake,
    now: UnixTime,
) -> Result<(), TestCaseError> {
    let refusals: Vec<usize> = report
        .judgement
        .hosts
        .iter()
        .filter(|judged| judged.ruling.verdict == Verdict::Refuse)
        .filter_map(|judged| HOSTS.iter().position(|host| *host == judged.host.as_str()))
        .collect();
    prop_assert!(report.judgement.verdict != Verdict::Refuse || !refusals.is_empty());
    prop_assert!(report.judgement.verdict != Verdict::Refuse || !asked.is_empty(), "a router is not refused");
    for index in refusals {
        let applied = history.applied.iter().filter(|(_, until)| now < *until);
        let forbidden = applied
            .filter_map(|(record_index, _)| record(*record_index))
            .map(|record| Policy::from(record.clone()))
            .any(|policy| {
                binds(&policy)
                    && (!policy.permits(&host(index))
                        || handshake == Handshake::Unverified
                        || history
                            .exchanges
                            .iter()
                            .any(|(at, mx)| now.since(*at) <= TTL && !mx.contains(&index)))
            });
        prop_assert!(forbidden, "{} was refused under a policy that nobody ever met", HOSTS[index]);
    }
    Ok(())
}

fn delivered_only_under_the_policy_in_force(
    report: &Report,
    policy: &StoredPolicy,
    history: &AppliedHistory,
    handshake: Handshake,
    now: UnixTime,
) -> Result<(), TestCaseError> {
    if report.judgement.verdict == Verdict::Deliver {
        prop_assert_eq!(report.judgement.tls, Tls::WebPki, "{:?} is in force", policy.policy.to_text());
    }
    for judged in report.judgement.hosts.iter().filter(|judged| judged.ruling.verdict == Verdict::Deliver) {
        let index = HOSTS.iter().position(|host| *host == judged.host.as_str());
        let known =
            index.is_some_and(|index| history.may_be_mx(index, now)) || judged.host.as_str() == DOMAIN;
        prop_assert!(policy.policy.permits(&judged.host), "{} is forbidden", judged.host);
        prop_assert!(known, "{} is no MX host", judged.host);
        prop_assert!(handshake != Handshake::Unverified, "{} was not verified", judged.host);
    }
    Ok(())
}

/// With `require_authentication`.
fn neither_keeps_nor_uses_what_nothing_authenticates(
    report: &Report,
    memory: &InMemory,
) -> Result<(), TestCaseError> {
    prop_assert_ne!(report.judgement.authentication, Some(Authentication::FirstUse));
    prop_assert!(memory.rows().iter().all(|row| row.authentication != Authentication::FirstUse));
    Ok(())
}

/// A policy in force goes only by its time, or by a newer one that its own mechanism vouches for.
fn not_displaced(
    world: &World,
    before: &StoredPolicy,
    after: Option<&StoredPolicy>,
) -> Result<(), TestCaseError> {
    let after = after.ok_or_else(|| TestCaseError::fail("a policy in force was lost"))?;
    if after.policy != before.policy {
        let vouched = vouched_now(world, before.authentication, &after.policy.to_text());
        prop_assert!(vouched, "{:?} displaced {:?}", after.policy.to_text(), before.policy.to_text());
    } else {
        prop_assert!(after.applied_at.is_some() && after.expires_at >= before.expires_at);
    }
    Ok(())
}

fn live(signed: bool, strict: bool, events: &[Event]) -> Result<(), TestCaseError> {
    let mut world = World {
        signed,
        now: UnixTime(1_800_000_000),
        published: Some(0),
        mx: vec![0],
        txt_attack: Attack::None,
        mx_attack: Attack::None,
        https_blocked: false,
    };
    let memory = InMemory::new(world.now);
    let mut history = AppliedHistory::default();
    let mut last_answer: Option<UnixTime> = None;
    for event in events {
        match event {
            Event::Publish(index) => world.published = *index,
            Event::MoveMx(hosts) => world.mx.clone_from(hosts),
            Event::AttackTxt(attack) => world.txt_attack = *attack,
            Event::AttackMx(attack) => world.mx_attack = *attack,
            Event::BlockHttps(blocked) => world.https_blocked = *blocked,
            Event::Pass(seconds) => {
                world.now = world.now.plus(*seconds);
                memory.set_clock(world.now);
            }
            Event::Ask(asked, handshake) => {
                let stored = memory.policy(&domain(), Dialect::SmtpSts).unwrap();
                let before = in_force(&memory);
                history.note(&world);
                history.apply(asked, *handshake, world.now);
                let report = ask(&world, &memory, strict, asked, *handshake);
                if strict {
                    neither_keeps_nor_uses_what_nothing_authenticates(&report, &memory)?;
                }
                refused_only_under_an_applied_policy(&report, &history, asked, *handshake, world.now)?;
                if let Some(before) = before {
                    let after = memory.policy(&domain(), Dialect::SmtpSts).unwrap();
                    not_displaced(&world, &before, after.as_ref())?;
                    if after.is_some_and(|after| after.policy == before.policy) {
                        delivered_only_under_the_policy_in_force(
                            &report, &before, &history, *handshake, world.now,
                        )?;
                    }
                }
                let silent = matches!(world.txt(), Reaching::Trouble);
                let recent = last_answer.is_some_and(|at| world.now.since(at) <= TTL);
                if silent && world.signed && stored.is_none() && !recent {
                    prop_assert_eq!(report.judgement.verdict, Verdict::Defer, "a signed zone did not answer");
                }
                if !silent {
                    last_answer = Some(world.now);
                }
            }
        }
    }
    Ok(())
}

fn any_event() -> impl Strategy<Value = Event> {
    let index = 0..RECORDS.len();
    let handshake = prop_oneof![
        3 => Just(Handshake::NotSeen),
        1 => Just(Handshake::Verified),
        1 => Just(Handshake::Unverified)
    ];
    prop_oneof![
        2 => prop::option::weighted(0.9, index.clone()).prop_map(Event::Publish),
        1 => prop::sample::subsequence(vec![0, 1, 2], 0..=3).prop_map(Event::MoveMx),
        2 => prop_oneof![
            Just(Attack::None),
            Just(Attack::Silence),
            prop::option::of(index).prop_map(Attack::Forge)
        ].prop_map(Event::AttackTxt),
        1 => prop_oneof![Just(Attack::None), Just(Attack::Silence), (0..3_usize).prop_map(Attack::Forge)]
            .prop_map(Event::AttackMx),
        1 => any::<bool>().prop_map(Event::BlockHttps),
        2 => prop::sample::select(vec![1, 10, 31, 100, 700, 2_000]).prop_map(Event::Pass),
        6 => (prop::sample::subsequence(vec![0, 1, 2], 0..=2), handshake).prop_map(|(a, h)| Event::Ask(a, h)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_refuses_without_an_applied_policy_or_delivers_against_one(
        signed in any::<bool>(),
        strict in prop::bool::weighted(0.2),
        events in prop::collection::vec(any_event(), 1..60),
    ) {
        live(signed, strict, &events)?;
    }
}
