//! Policies are looked after before they end, and daily, so that no delivery waits for a fetch and no attacker for an end
//! (RFC 8461 sections 3.3 and 10.2).
//!
//! A walk through the file of policies, again and again, a page at a time. A policy's turn comes in the last quarter of the
//! time after which a delivery would fetch it itself, at a moment that its domain's name decides: those that were fetched
//! together come apart, and a restart changes nothing. If it fails, another turn comes every hour until the end; its host's
//! own pauses are heeded. Only policies in force that some delivery still asks for are renewed; others are left to their end.
//!
//! A renewal holds its domain's lock, so that nobody is asked twice, but no look-up permit: questions that wait for an answer
//! go first.

use super::event::WorkerEvent;
use super::outside::Outside;
use super::resolution_failures::FailureCachingResolver;
use super::worker::WorkerState;
use crate::cache::{Cache, CacheError, Ledger, Mark};
use crate::limits::{
    MAX_RENEWALS_AT_ONCE, RENEWAL_PAGE_PAUSE, RENEWAL_RETRY, RENEWAL_ROUND, RENEWALS_APART, RENEWED_UNUSED,
    RESOLUTION_FAILURE_MOST, WATCHDOG_GRACE,
};
use crate::policy::{Mechanisms, StoredPolicy};
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

/// Walks for as long as the lookup worker runs.
pub(crate) async fn walk<O: Outside>(state: Rc<WorkerState<O>>) {
    let slots = Arc::new(Semaphore::new(MAX_RENEWALS_AT_ONCE));
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
    slots: &Arc<Semaphore>,
    before: UnixTime,
    now: UnixTime,
) -> bool {
    let mut mark = Mark::default();
    loop {
        let world = Arc::clone(&state.worlds.borrow());
        let mechanisms = world.rules.mechanisms;
        let Ok(Ok((due, next))) =
            state.store.ask(&world, move |cache| due_policies(cache, &mark, mechanisms, before, now)).await
        else {
            return false;
        };
        for policy in due {
            let Ok(permit) = Arc::clone(slots).acquire_owned().await else { return false };
            let renewal = renew(Rc::clone(state), Arc::clone(&world), policy, permit);
            state.begin(renewal, |counters| counters.renewals.of(RenewalEnd::Failed).one());
            sleep(RENEWALS_APART).await;
        }
        match next {
            Some(next) => mark = next,
            None => return true,
        }
        sleep(RENEWAL_PAGE_PAUSE).await;
    }
}

/// Whose turn came between the two moments, among the next few policies behind the mark; and the mark behind them.
fn due_policies(
    cache: &Cache,
    mark: &Mark,
    mechanisms: Mechanisms,
    before: UnixTime,
    now: UnixTime,
) -> Result<(Vec<StoredPolicy>, Option<Mark>), CacheError> {
    let (mut policies, next) = cache.some(mark)?;
    let is_in_use = |policy: &StoredPolicy| {
        cache.last_asked(&policy.domain).is_some_and(|at| now.since(at) < RENEWED_UNUSED)
    };
    policies.retain(|policy| {
        mechanisms.include(policy.policy.dialect())
            && policy.is_in_force()
            && policy.is_unexpired(now)
            && comes_round(policy, before, now)
            && is_in_use(policy)
    });
    Ok((policies, next))
}

/// When a policy is renewed first.
fn turn(policy: &StoredPolicy) -> UnixTime {
    let due = policy.due_at();
    let span = due.since(policy.fetched_at) / 4;
    UnixTime(due.0.saturating_sub(span)).plus(scattered(policy.domain.as_str()) % span.max(1))
}

/// Whether one of the policy's turns came after `before`, and until `now`. A clock that went back lets nothing pass twice
/// and holds nothing up.
fn comes_round(policy: &StoredPolicy, before: UnixTime, now: UnixTime) -> bool {
    let turns = |until: UnixTime| match turn(policy) {
        first if first <= until => until.since(first) / RENEWAL_RETRY + 1,
        _ => 0,
    };
    turns(now) > turns(before.min(now))
}

/// A number of a name, anywhere between zero and the greatest, and always the same (FNV-1a).
fn scattered(name: &str) -> u64 {
    let mixed = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mixed)
}

/// Renews one policy, unless somebody was faster.
async fn renew<O: Outside>(
    state: Rc<WorkerState<O>>,
    world: Arc<World>,
    policy: StoredPolicy,
    _permit: OwnedSemaphorePermit,
) {
    let domain = policy.domain.clone();
    let _lock = state.domain_locks.lock(&domain).await;
    let Ok((snapshot, _)) = state.store.snapshot(&world, &domain).await else { return };
    let now = SystemClock.now();
    let stored = snapshot.policies.of(policy.policy.dialect());
    let Some(stored) = stored.filter(|stored| **stored == policy && stored.is_unexpired(now)) else { return };
    let deadline = Instant::now() + world.look_up_within;
    let ledger = Ledger::of(&domain, &snapshot, now);
    let outcome = {
        let dns = state.outside.dns(&world, now, deadline);
        let https = state.outside.https(&world, &dns, deadline);
        let resolution_failures = state.resolution_failures(&world);
        let resolver = FailureCachingResolver::new(&dns, &resolution_failures, RESOLUTION_FAILURE_MOST);
        let renewal = refresh(stored, Backoff::Heeded, &ledger, &resolver, &https, now);
        timeout(world.look_up_within + WATCHDOG_GRACE, renewal).await
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
    use crate::name::PolicyDomain;
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

    #[test]
    fn policies_that_were_fetched_together_are_renewed_apart_before_a_delivery_would_have_to() {
        let turns: Vec<u64> =
            (0..1_000).map(|n| turn(&policy(&format!("d{n}.test"), 604_800)).since(FETCHED)).collect();
        assert!(turns.iter().all(|turn| (64_800..86_400).contains(turn)), "within the last quarter of a day");
        for hour in 0..6 {
            let begin = 64_800_u64 + hour * 3_600;
            let number = turns.iter().filter(|turn| (begin..begin + 3_600).contains(turn)).count();
            assert!((100..250).contains(&number), "{number} of 1,000 in hour {hour} of six");
        }
        assert_eq!(
            turn(&policy("d1.test", 604_800)),
            turn(&policy("d1.test", 604_800)),
            "a restart changes nothing"
        );
    }

    #[test]
    fn after_its_first_turn_a_policy_comes_round_once_an_hour() {
        let policy = policy("a.test", 604_800);
        let first = turn(&policy);
        let walks: Vec<UnixTime> = (0..600).map(|n| FETCHED.plus(n * 300)).collect();
        let came: Vec<UnixTime> = walks
            .windows(2)
            .filter(|pair| comes_round(&policy, pair[0], pair[1]))
            .map(|pair| pair[1])
            .collect();
        assert!(came[0].since(first) < 300);
        assert!(came.windows(2).all(|pair| pair[1].since(pair[0]) == 3_600), "{came:?}");
        assert!(
            comes_round(&policy, UnixTime(0), first),
            "what is overdue after a restart has its turn at once"
        );
    }

    proptest! {
        #[test]
        fn whatever_its_life_a_policy_is_renewed_before_it_is_due(max_age in 60..31_557_600_u64, domain in "[a-z]{1,20}") {
            let policy = policy(&format!("{domain}.test"), max_age);
            prop_assert!(turn(&policy) <= policy.due_at() && policy.due_at() < policy.expires_at);
        }

        #[test]
        fn whatever_the_clock_does_nothing_panics(before in any::<u64>(), now in any::<u64>(), max_age in 0..31_557_600_u64) {
            let policy = policy("a.test", max_age);
            let _ = comes_round(&policy, UnixTime(before), UnixTime(now));
        }
    }
}
