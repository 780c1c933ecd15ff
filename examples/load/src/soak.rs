//! Questions at a steady rate over all domains, while their policy hosts fail at random and some change their policies;
//! and what every answer must be.
//!
//! What must hold is known without asking anybody: a domain whose policy was seen once is bound by it, whatever its policy
//! host does afterwards, so that each kind of domain has its right answers. Only a domain that changes its policy may be
//! answered after the policy before, which is in force until the new one has been fetched.

use super::framing::{Client, PATIENCE, Place, Protocol};
use super::laboratory::Laboratory;
use super::laboratory::policy_host::{Body, Certificate, Conduct};
use super::world::{Kind, policy};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that ask.
const ASKERS: u32 = 32;

/// Between two changes of the world.
const CHANGE_EVERY: Duration = Duration::from_millis(20);

/// Wrong answers that are told in full.
const TOLD: usize = 5;

/// How long, how fast, and whom to ask.
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) rate: u32,
    pub(crate) exim: Place,
    pub(crate) postfix: Place,
}

/// One question and what may be answered: one of these beginnings, with all of these words.
struct Ask {
    protocol: Protocol,
    text: String,
    begins: &'static [&'static str],
    holds: String,
}

fn ask(kind: Kind, domain: &str, chance: u64) -> Ask {
    let exim = |host: String, begins, holds: &str| Ask {
        protocol: Protocol::Exim,
        text: format!("P {domain} {host}"),
        begins,
        holds: holds.to_owned(),
    };
    let postfix = |begins, holds: String| Ask {
        protocol: Protocol::Socketmap,
        text: format!("policy {domain}"),
        begins,
        holds,
    };
    let (own, other) = (format!("mx.{domain}"), "mx.elsewhere.test".to_owned());
    match (kind, chance % 4) {
        (Kind::Enforced, 0) => exim(other, &["verdict=refuse "], " policy=mta-sts "),
        (Kind::Enforced, 1 | 2) => exim(own, &["verdict=deliver "], " reason=policy-met"),
        (Kind::Enforced, _) => postfix(&["OK secure "], format!(" match={own}")),
        (Kind::Changing, _) => exim(own, &["verdict=deliver ", "verdict=refuse "], " policy=mta-sts "),
        (Kind::Testing, 0) => postfix(&["OK may", "NOTFOUND"], String::new()),
        (Kind::Testing, _) => exim(own, &["verdict=deliver "], " policy=mta-sts "),
        (Kind::Plain, 0) => postfix(&["OK may", "NOTFOUND"], String::new()),
        (Kind::Plain, _) => exim(own, &["verdict=deliver "], " policy=none "),
        (Kind::Dane, 0) => postfix(&["OK dane-only"], String::new()),
        (Kind::Dane, _) => exim(own, &["verdict=deliver "], " policy=dane "),
    }
}

/// What was counted.
#[derive(Default)]
struct Counts {
    answers: AtomicU64,
    wrong: AtomicU64,
    lost: AtomicU64,
    waits: AtomicU64,
    late: AtomicU64,
    told: Mutex<Vec<String>>,
}

/// Numbers without much pattern (xorshift): the same ones in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// Asks all domains once while the world is well, then at random while it is not; a line of figures.
pub(crate) fn soak(lab: &Laboratory, domains: &[(Kind, String)], plan: &Plan) -> String {
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let counts = &counts;
        let first: Vec<_> = (0..usize::try_from(ASKERS).unwrap())
            .map(|start| {
                let turn = domains.iter().skip(start).step_by(usize::try_from(ASKERS).unwrap());
                scope.spawn(move || {
                    turn.for_each(|(kind, domain)| one(&mut clients(plan), ask(*kind, domain, 1), counts))
                })
            })
            .collect();
        first.into_iter().for_each(|thread| thread.join().unwrap());
        let changes = scope.spawn(|| change(lab, domains, &over));
        let askers: Vec<_> = (1..=ASKERS)
            .map(|seed| scope.spawn(move || steadily(domains, plan, u64::from(seed), counts)))
            .collect();
        askers.into_iter().for_each(|thread| thread.join().unwrap());
        over.store(true, Ordering::Relaxed);
        changes.join().unwrap();
    });
    let said = |count: &AtomicU64| count.load(Ordering::Relaxed);
    for told in &*counts.told.lock().unwrap() {
        eprintln!("{told}");
    }
    format!(
        "answers={} wrong={} lost={} mail_waits={} over_200_ms={}",
        said(&counts.answers),
        said(&counts.wrong),
        said(&counts.lost),
        said(&counts.waits),
        said(&counts.late),
    )
}

fn clients(plan: &Plan) -> [Client<'_>; 2] {
    [
        Client::new(&plan.exim, Protocol::Exim, PATIENCE),
        Client::new(&plan.postfix, Protocol::Socketmap, PATIENCE),
    ]
}

/// One thread's share of the questions, each at its time.
fn steadily(domains: &[(Kind, String)], plan: &Plan, seed: u64, counts: &Counts) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut clients = clients(plan);
    let every = Duration::from_secs(1) * ASKERS / plan.rate;
    let start = Instant::now();
    let mut due = start + every.mul_f64(seed as f64 / f64::from(ASKERS));
    while start.elapsed() < plan.time {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += every;
        let (kind, domain) = &domains[dice.below(domains.len())];
        one(&mut clients, ask(*kind, domain, dice.roll() >> 32), counts);
    }
}

fn one(clients: &mut [Client<'_>; 2], ask: Ask, counts: &Counts) {
    let client = &mut clients[usize::from(ask.protocol == Protocol::Socketmap)];
    let question = ask.protocol.framed(&ask.text);
    let since = Instant::now();
    let _noticed_below = client.put(&question);
    // A connection that lay idle may have been closed: Postfix asks once more, and so does this.
    let answer = match client.take().map(<[u8]>::to_vec) {
        Ok(answer) => Ok(answer),
        Err(_) => client.put(&question).and_then(|()| client.take().map(<[u8]>::to_vec)),
    };
    let Ok(answer) = answer else {
        counts.lost.fetch_add(1, Ordering::Relaxed);
        return;
    };
    counts.answers.fetch_add(1, Ordering::Relaxed);
    counts.late.fetch_add(u64::from(since.elapsed() > Duration::from_millis(200)), Ordering::Relaxed);
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("verdict=defer") || answer.starts_with("TEMP") || answer.starts_with("TIMEOUT") {
        counts.waits.fetch_add(1, Ordering::Relaxed);
    } else if !ask.begins.iter().any(|word| answer.starts_with(word)) || !answer.contains(&ask.holds) {
        counts.wrong.fetch_add(1, Ordering::Relaxed);
        let mut told = counts.told.lock().unwrap();
        if told.len() < TOLD {
            told.push(format!("{}: {answer}", ask.text));
        }
    }
}

/// Policy hosts fail and recover, `id`s change with and without another policy, until it is over; then all is well again.
fn change(lab: &Laboratory, domains: &[(Kind, String)], over: &AtomicBool) {
    let failures: [Conduct; 8] = [
        Body::Missing.into(),
        Body::Html.into(),
        Body::Oversized.into(),
        Body::Redirect.into(),
        Body::Stall.into(),
        Conduct::serving("version: STSv2"),
        Certificate::Expired.into(),
        Certificate::WrongName.into(),
    ];
    let with_policy: Vec<_> =
        domains.iter().filter(|(kind, _)| matches!(kind, Kind::Enforced | Kind::Changing)).collect();
    let mut dice = Dice(7);
    let mut id = 1;
    while !over.load(Ordering::Relaxed) {
        let (kind, domain) = with_policy[dice.below(with_policy.len())];
        match dice.below(4) {
            0 => lab.conduct_policy_host(&format!("mta-sts.{domain}"), Conduct::default()),
            1 => {
                id += 1;
                let there = *kind == Kind::Enforced || dice.below(2) == 0;
                let host = if there { format!("mx.{domain}") } else { format!("mx9.{domain}") };
                lab.change_policy(domain, &id.to_string(), &policy("enforce", &host));
            }
            _ => lab.conduct_policy_host(
                &format!("mta-sts.{domain}"),
                failures[dice.below(failures.len())].clone(),
            ),
        }
        thread::sleep(CHANGE_EVERY);
    }
    for (_, domain) in with_policy {
        lab.conduct_policy_host(&format!("mta-sts.{domain}"), Conduct::default());
    }
}
