//! Policies are looked after before they end, and daily, so that no delivery waits for a fetch and no attacker for an end
//! (RFC 8461 sections 3.3 and 10.2).
//!
//! A walk through the file of policies, again and again, a page at a time. A policy's turn comes in the last quarter of the
//! time after which a delivery would fetch it itself, at a moment that its domain's name decides: those that were fetched
//! together come apart, and a restart changes nothing. If it fails, another turn comes every hour until the end; its host's
//! own pauses are heeded. Only policies in force that some delivery still asks for are renewed; others are left to their end. In a fleet the turn is decided
//! by the host's name, too, and left out while two others have made theirs ([`is_renewed_by_others`]).
//!
//! A renewal holds its domain's lock, so that nobody is asked twice, but no look-up permit: questions that wait for an answer
//! go first. While it waits for that lock it keeps no other renewal from its turn.

use super::domain_locks::{DomainLock, DomainLocks};
use super::outside::Outside;
use super::resolution_failures::FailureCachingResolver;
use super::worker::WorkerState;
use crate::cache::{Cache, CacheError, Ledger, Mark, is_renewed_by_others};
use crate::limits::{
    MAX_RENEWALS_AT_ONCE, MAX_RENEWALS_WAITING, RENEWAL_PAGE_PAUSE, RENEWAL_RETRY, RENEWAL_ROUND,
    RENEWAL_TRIES, RENEWALS_APART, RENEWED_UNUSED, RESOLUTION_FAILURE_MOST, WATCHDOG_GRACE,
};
use crate::name::PolicyDomain;
use crate::policy::{Mechanisms, StoredPolicy};
use crate::serve::event::WorkerEvent;
use crate::serve::telemetry::counters::RenewalEnd;
use crate::serve::world::World;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verify::refresh::{Backoff, Outcome, refresh};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// What bounds renewals.
#[derive(Clone)]
struct Slots {
    /// That have had their turn, and not come to their end.
    waiting: Arc<Semaphore>,
    /// That ask.
    at_once: Arc<Semaphore>,
}

impl Slots {
    /// A permit to ask, and the lock of the domain; while one of them is waited for, the other one is not held. `None` if the domain
    /// is asked about again and again.
    async fn both(
        &self,
        locks: &Rc<DomainLocks>,
        domain: &PolicyDomain,
    ) -> Option<(OwnedSemaphorePermit, DomainLock)> {
        for _ in 0..RENEWAL_TRIES {
            let permit = Arc::clone(&self.at_once).acquire_owned().await.ok()?;
            if let Some(lock) = locks.try_lock(domain) {
                return Some((permit, lock));
            }
            drop(permit);
            locks.moment(domain).await;
        }
        None
    }
}

/// Walks for as long as the lookup worker runs.
pub(crate) async fn walk<O: Outside>(state: Rc<WorkerState<O>>) {
    let slots = Slots {
        waiting: Arc::new(Semaphore::new(MAX_RENEWALS_WAITING)),
        at_once: Arc::new(Semaphore::new(MAX_RENEWALS_AT_ONCE)),
    };
    let mut before = UnixTime(0);
    loop {
        let now = SystemClock.now();
        if round(&state, &slots, before, now).await {
            before = now;
        }
        sleep(RENEWAL_ROUND).await;
    }
}

/// One walk from the first page to the last; whether it came to the end.
async fn round<O: Outside>(
    state: &Rc<WorkerState<O>>,
    slots: &Slots,
    before: UnixTime,
    now: UnixTime,
) -> bool {
    let (mut mark, mut overdue) = (Mark::default(), 0);
    loop {
        let world = Arc::clone(&state.worlds.borrow());
        let mechanisms = world.rules.mechanisms;
        let role = world.fleet.as_ref().map(|fleet| fleet.role.clone()).unwrap_or_default();
        let due = move |cache: &Cache| due_policies(cache, &mark, mechanisms, &role, before, now);
        let Ok(Ok(Turns { due, overdue: more, next })) = state.store.ask(&world, due).await else {
            return false;
        };
        overdue += more;
        for policy in due {
            let Ok(place) = Arc::clone(&slots.waiting).acquire_owned().await else { return false };
            let renewal = renew(Rc::clone(state), Arc::clone(&world), policy, slots.clone(), place);
            state.begin(renewal, |counters| counters.renewals.of(RenewalEnd::Failed).one());
            sleep(RENEWALS_APART).await;
        }
        match next {
            Some(next) => mark = next,
            None => {
                state.counters.renewals_overdue.set(overdue);
                return true;
            }
        }
        sleep(RENEWAL_PAGE_PAUSE).await;
    }
}

/// What there is to be done about some policies.
struct Turns {
    /// Those whose turn it is.
    due: Vec<StoredPolicy>,
    /// How many should have been renewed by now.
    overdue: u64,
    /// The mark behind them, if there are more.
    next: Option<Mark>,
}

/// Whose turn came between the two moments, among the next few policies behind the mark.
fn due_policies(
    cache: &Cache,
    mark: &Mark,
    mechanisms: Mechanisms,
    role: &str,
    before: UnixTime,
    now: UnixTime,
) -> Result<Turns, CacheError> {
    let (policies, next) = cache.some(mark)?;
    let is_in_use = |policy: &StoredPolicy| {
        cache.last_asked(&policy.domain).is_some_and(|at| now.since(at) < RENEWED_UNUSED)
    };
    let (mut due, mut overdue) = (Vec::new(), 0);
    for policy in policies {
        let (comes_round, is_overdue) = (comes_round(&policy, role, before, now), is_overdue(&policy, now));
        if (comes_round || is_overdue)
            && mechanisms.include(policy.policy.dialect())
            && policy.is_in_force()
            && policy.is_unexpired(now)
            && is_in_use(&policy)
            && !cache.is_renewed_by_others(&policy)
        {
            overdue += u64::from(is_overdue);
            due.extend(comes_round.then_some(policy));
        }
    }
    Ok(Turns { due, overdue, next })
}

/// Whether a policy should have been renewed by now: a delivery would fetch it itself, and a turn more has failed.
const fn is_overdue(policy: &StoredPolicy, now: UnixTime) -> bool {
    policy.due_at().plus(RENEWAL_RETRY).0 <= now.0
}

/// When a policy is renewed first, by the host of that name in a fleet.
fn turn(policy: &StoredPolicy, role: &str) -> UnixTime {
    let due = policy.due_at();
    let span = due.since(policy.fetched_at) / 4;
    UnixTime(due.0.saturating_sub(span)).plus(scattered(policy.domain.as_str(), role) % span.max(1))
}

/// Whether one of the policy's turns came after `before`, and until `now`. A clock that went back lets nothing pass twice
/// and holds nothing up.
fn comes_round(policy: &StoredPolicy, role: &str, before: UnixTime, now: UnixTime) -> bool {
    let turns = |until: UnixTime| match turn(policy, role) {
        first if first <= until => until.since(first) / RENEWAL_RETRY + 1,
        _ => 0,
    };
    turns(now) > turns(before.min(now))
}

/// A number of two names, anywhere between zero and the greatest, and always the same (FNV-1a).
fn scattered(name: &str, role: &str) -> u64 {
    let mixed = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().chain(role.bytes()).fold(0xcbf2_9ce4_8422_2325, mixed)
}

/// Renews one policy, unless somebody was faster.
async fn renew<O: Outside>(
    state: Rc<WorkerState<O>>,
    world: Arc<World>,
    policy: StoredPolicy,
    slots: Slots,
    _place: OwnedSemaphorePermit,
) {
    let domain = policy.domain.clone();
    let Some((_permit, lock)) = slots.both(&state.domain_locks, &domain).await else {
        return state.counters.renewals.of(RenewalEnd::Failed).one();
    };
    let mut lock = Some(lock);
    let Ok((snapshot, _)) = state.store.snapshot(&world, &domain).await else { return };
    let now = SystemClock.now();
    let stored = snapshot.policies.of(policy.policy.dialect());
    let Some(stored) = stored.filter(|stored| **stored == policy && stored.is_unexpired(now)) else { return };
    if is_renewed_by_others(stored, &snapshot.hearsay, now) {
        return;
    }
    let deadline = Instant::now() + world.look_up_within;
    let ledger = Ledger::of(&domain, &snapshot, now);
    let outcome = {
        let dns = state.outside.dns(&world, &domain, now, deadline);
        let https = state.outside.https(&world, &dns, deadline);
        let resolution_failures = state.resolution_failures(&world);
        let resolver = FailureCachingResolver::new(&dns, &resolution_failures, RESOLUTION_FAILURE_MOST);
        let renewal = refresh(stored, Backoff::Heeded, &ledger, &resolver, &https, now);
        DomainLock::during(&mut lock, timeout(world.look_up_within + WATCHDOG_GRACE, renewal)).await
    };
    let writes = ledger.close();
    if !writes.is_empty() {
        let kept = state.store.write(&world, &domain, writes).await;
        let _ = state.events.send(WorkerEvent::DomainChanged(domain.clone()));
        if !matches!(kept, Ok(Ok(()))) {
            state.counters.store_troubles.one();
            return state.counters.renewals.of(RenewalEnd::Failed).one();
        }
    }
    let domain = domain.as_str();
    let end = match outcome {
        Ok(Outcome::Renewed(_)) => RenewalEnd::Renewed,
        Ok(Outcome::Changed(_)) => {
            info!(domain, "a newer policy is in force");
            RenewalEnd::Renewed
        }
        Ok(Outcome::Failed(why) | Outcome::Stays(why)) => {
            warn!(domain, why, "a policy was not renewed: it stays until its end");
            RenewalEnd::Failed
        }
        Err(_) => RenewalEnd::Failed,
    };
    state.counters.renewals.of(end).one();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Authentication, Dialect, Policy};
    use proptest::prelude::*;

    const FETCHED: UnixTime = UnixTime(1_800_000_000);

    fn policy(domain: &str, max_age: u64) -> StoredPolicy {
        let text =
            format!("v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: mx.test\nmax_age: {max_age}\n");
        let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
        let domain = PolicyDomain::parse(domain).unwrap();
        StoredPolicy::fetched(&domain, policy, Authentication::WebPki, FETCHED, FETCHED)
    }

    #[tokio::test]
    async fn a_renewal_that_waits_for_a_look_up_keeps_no_other_one_from_its_turn() {
        let slots = Slots { waiting: Arc::new(Semaphore::new(9)), at_once: Arc::new(Semaphore::new(1)) };
        let locks = Rc::new(DomainLocks::default());
        let [a, b] = ["a.test", "b.test"].map(|name| PolicyDomain::parse(name).unwrap());
        let look_up = locks.lock(&a, 0, &[]).await;
        let mut waits = Box::pin(slots.both(&locks, &a));
        assert!(futures_util::poll!(&mut waits).is_pending());
        let other = slots.both(&locks, &b).await.expect("nobody keeps it from its turn");
        drop(look_up);
        assert!(futures_util::poll!(&mut waits).is_pending(), "one asks at a time");
        assert!(!locks.is_held(&a), "and meanwhile look-ups are not held up");
        drop(other);
        assert!(futures_util::poll!(&mut waits).is_ready());
    }

    #[test]
    fn policies_that_were_fetched_together_are_renewed_apart_before_a_delivery_would_have_to() {
        let turns: Vec<u64> =
            (0..1_000).map(|n| turn(&policy(&format!("d{n}.test"), 604_800), "").since(FETCHED)).collect();
        assert!(turns.iter().all(|turn| (64_800..86_400).contains(turn)), "within the last quarter of a day");
        for hour in 0..6 {
            let begin = 64_800_u64 + hour * 3_600;
            let number = turns.iter().filter(|turn| (begin..begin + 3_600).contains(turn)).count();
            assert!((100..250).contains(&number), "{number} of 1,000 in hour {hour} of six");
        }
        assert_eq!(
            turn(&policy("d1.test", 604_800), "mx1"),
            turn(&policy("d1.test", 604_800), "mx1"),
            "a restart changes nothing"
        );
        let hosts: std::collections::BTreeSet<UnixTime> =
            (0..50).map(|n| turn(&policy("d1.test", 604_800), &format!("mx{n}"))).collect();
        assert!(hosts.len() > 45, "the hosts of a fleet come apart");
    }

    #[test]
    fn after_its_first_turn_a_policy_comes_round_once_an_hour() {
        let policy = policy("a.test", 604_800);
        let first = turn(&policy, "mx1");
        let walks: Vec<UnixTime> = (0..600).map(|n| FETCHED.plus(n * 300)).collect();
        let came: Vec<UnixTime> = walks
            .windows(2)
            .filter(|pair| comes_round(&policy, "mx1", pair[0], pair[1]))
            .map(|pair| pair[1])
            .collect();
        assert!(came[0].since(first) < 300);
        assert!(came.windows(2).all(|pair| pair[1].since(pair[0]) == 3_600), "{came:?}");
        assert!(
            comes_round(&policy, "mx1", UnixTime(0), first),
            "what is overdue after a restart has its turn at once"
        );
    }

    #[test]
    fn a_policy_is_overdue_when_a_delivery_would_fetch_it_and_a_turn_more_has_failed() {
        let policy = policy("a.test", 604_800);
        assert_eq!(policy.due_at(), FETCHED.plus(86_400), "daily (RFC 8461 section 3.3)");
        assert!(!is_overdue(&policy, FETCHED.plus(86_400 + 3_599)));
        assert!(is_overdue(&policy, FETCHED.plus(86_400 + 3_600)));
        assert!(!is_overdue(&policy, UnixTime(0)), "a clock that went back makes nothing late");
    }

    proptest! {
        #[test]
        fn whatever_its_life_a_policy_is_renewed_before_it_is_due(max_age in 60..31_557_600_u64, domain in "[a-z]{1,20}") {
            let policy = policy(&format!("{domain}.test"), max_age);
            prop_assert!(turn(&policy, "mx1") <= policy.due_at() && policy.due_at() < policy.expires_at);
        }

        #[test]
        fn whatever_the_clock_does_nothing_panics(before in any::<u64>(), now in any::<u64>(), max_age in 0..31_557_600_u64) {
            let policy = policy("a.test", max_age);
            let _ = comes_round(&policy, "mx1", UnixTime(before), UnixTime(now));
        }
    }
}
