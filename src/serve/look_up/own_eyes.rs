//! What others of a fleet say, in a look-up of this host: it binds the answer until this host has looked for itself, which it does first. What that look
//! is worth is decided elsewhere ([`crate::cache::decide`]); here it is made.

use super::LookUp;
use crate::cache::{DomainSnapshot, Hearsay, Ledger, Memory as _, OwnLook, Standing, Topic, Write, decide};
use crate::dns::Resolve;
use crate::dns::scope::Scope;
use crate::https::Fetch;
use crate::policy::{Authentication, Dialect, PolicyType, StoredPolicy};
use crate::time::UnixTime;
use crate::verify::refresh::{Backoff, refresh};
use crate::verify::{self, NextHop, Report, Request};

/// A policy that binds until this host has looked for itself.
#[derive(Clone, Debug)]
pub(crate) struct Provisional {
    hearsay: Hearsay,
    /// Until when, if that look told nothing.
    pub(crate) until: Option<UnixTime>,
}

/// What others say that binds this question.
pub(crate) fn provisional(request: &Request, snapshot: &DomainSnapshot, now: UnixTime) -> Vec<Provisional> {
    let is_asked = request.requirement.is_none()
        && matches!(request.next_hop, NextHop::Exchangers(_))
        && !matches!(request.scope, Scope::SpecialUse(_));
    let counts = |policy: &StoredPolicy| {
        !snapshot.policies.unreadable.contains(&policy.policy.dialect())
            && request.mechanisms.include(policy.policy.dialect())
            && !(request.require_authentication && policy.authentication == Authentication::FirstUse)
    };
    let all = snapshot.hearsay.iter().filter(|one| is_asked && counts(&one.policy));
    all.filter_map(|one| weighed(one, one.look.since_the_first(&snapshot.hearsay), snapshot, now)).collect()
}

/// The same of what several have signed: it binds for its life, and needs no look of this host's.
pub(crate) fn signed_by_several(
    request: &Request,
    snapshot: &DomainSnapshot,
    now: UnixTime,
) -> Vec<Provisional> {
    let is_signed = |one: &Provisional| {
        one.hearsay.witnesses.len() > 1 && one.until == Some(one.hearsay.policy.expires_at)
    };
    provisional(request, snapshot, now).into_iter().filter(is_signed).collect()
}

/// Whether that is to be written: what others fetched becomes no fetch of this host's by being applied.
pub(crate) fn is_own(write: &Write, bound: &[Provisional]) -> bool {
    match write {
        Write::Keep(policy) => !bound.iter().any(|one| {
            policy.fetched_at == one.hearsay.policy.fetched_at && policy.policy == one.hearsay.policy.policy
        }),
        _ => true,
    }
}

fn weighed(
    hearsay: &Hearsay,
    look: OwnLook,
    snapshot: &DomainSnapshot,
    now: UnixTime,
) -> Option<Provisional> {
    let own = snapshot.policies.of(hearsay.policy.policy.dialect());
    match decide(own, &hearsay.policy, hearsay.witnesses.len(), look, now) {
        Standing::BindsUntilSeen(until) => Some(Provisional { hearsay: hearsay.clone(), until }),
        // The file of policies was full: it binds from here.
        Standing::Binds => {
            Some(Provisional { hearsay: hearsay.clone(), until: Some(hearsay.policy.expires_at) })
        }
        Standing::Ignored(_) => None,
    }
}

impl Provisional {
    const fn dialect(&self) -> Dialect {
        self.hearsay.policy.policy.dialect()
    }

    /// Whether this host has to look before it says anything.
    pub(crate) const fn is_unseen(&self) -> bool {
        self.until.is_none()
    }

    /// For whoever asks why.
    fn note(&self) -> String {
        let (word, who) = (self.dialect().word(), self.hearsay.witnesses.join(" and "));
        let end = self.until.map_or_else(String::new, |until| format!(", and that until {until}"));
        format!(
            "the policy of {word} is known from {who} of the fleet alone: this host could neither fetch it nor prove that there is none; it \
             binds until this host has seen for itself{end}"
        )
    }
}

/// The snapshot as if this host had fetched it.
pub(crate) fn beside(snapshot: &DomainSnapshot, all: &[Provisional]) -> DomainSnapshot {
    let mut snapshot = snapshot.clone();
    for one in all {
        *snapshot.policies.of_mut(one.dialect()) = Some(one.hearsay.policy.clone());
    }
    snapshot
}

/// The notes of those that bind.
pub(crate) fn notes(all: &[Provisional]) -> impl Iterator<Item = String> {
    all.iter().map(Provisional::note)
}

/// What a look-up came to.
pub(crate) struct OwnLookResult {
    pub(crate) report: Report,
    /// What is known after it.
    pub(crate) ledger: Ledger,
    /// What is to be written beside what the ledger says.
    pub(crate) writes: Vec<Write>,
    /// What still binds on others' word.
    pub(crate) bound: Vec<Provisional>,
}

/// This host looks for itself, as if nobody had said anything; if that tells nothing, what they said binds.
pub(crate) async fn look(
    look_up: &LookUp,
    all: &[Provisional],
    dns: &impl Resolve,
    https: &impl Fetch,
) -> OwnLookResult {
    let (request, now) = (look_up.request(), look_up.now());
    let mut own = look_up.own().clone();
    // What was remembered of the record is older than what they fetched.
    let is_new = |dialect: Dialect| all.iter().any(|one| one.is_unseen() && one.dialect() == dialect);
    own.remembered.retain(|(topic, _)| !matches!(topic, Topic::Published(dialect) if is_new(*dialect)));
    let ledger = Ledger::of(&request.domain, &own, now);
    for one in all {
        let stored = own.policies.of(one.dialect()).filter(|stored| stored.is_unexpired(now));
        if let Some(stored) = stored {
            // What comes of it, the ledger says.
            let _outcome = refresh(stored, Backoff::Heeded, &ledger, dns, https, now).await;
        }
    }
    let report = verify::verify(request, Some(&ledger), dns, https, now).await;
    let mut writes = Vec::new();
    let (mut bound, mut is_applied) = (Vec::new(), false);
    let decides_alone = matches!(report.judgement.policy, PolicyType::Dane | PolicyType::Override);
    for one in all.iter().filter(|_| !decides_alone) {
        is_applied |= apply(one, &ledger);
        let look = look_of(one, &ledger, now).since_the_first(&own.hearsay);
        writes.push(Write::Looked(one.dialect(), look));
        let after = DomainSnapshot { policies: ledger.memory().all_of(&request.domain), ..own.clone() };
        bound.extend(weighed(&one.hearsay, look, &after, now));
    }
    if bound.is_empty() && !is_applied {
        return OwnLookResult { report, ledger, writes, bound };
    }
    let heard = beside(&ledger.snapshot(&request.domain, &own), &bound);
    let second = Ledger::of(&request.domain, &heard, now);
    let report = verify::verify(request, Some(&second), dns, https, now).await;
    let mut all_writes = ledger.close();
    all_writes.append(&mut writes);
    all_writes.extend(second.writes().into_iter().filter(|write| is_own(write, &bound)));
    let known = second.snapshot(&request.domain, &heard);
    OwnLookResult { report, ledger: Ledger::of(&request.domain, &known, now), writes: all_writes, bound }
}

/// The policy of that dialect that the look-up has fetched.
fn kept(dialect: Dialect, ledger: &Ledger) -> Option<StoredPolicy> {
    ledger.writes().into_iter().rev().find_map(|write| match write {
        Write::Keep(policy) if policy.policy.dialect() == dialect => Some(policy),
        _ => None,
    })
}

/// Where this host has seen the very policy that another host has met, first use there is first use here; whether it is.
fn apply(one: &Provisional, ledger: &Ledger) -> bool {
    let heard = &one.hearsay.policy;
    let seen = kept(one.dialect(), ledger);
    let seen = seen.filter(|kept| kept.policy == heard.policy && kept.applied_at.is_none());
    let applied = seen.filter(|_| heard.applied_at.is_some());
    let applied = applied.map(|kept| StoredPolicy { applied_at: heard.applied_at, ..kept });
    applied.is_some_and(|applied| ledger.keep(&applied).is_ok())
}

/// What came of this host's own look.
fn look_of(one: &Provisional, ledger: &Ledger, now: UnixTime) -> OwnLook {
    let (dialect, heard) = (one.dialect(), &one.hearsay.policy);
    // A clock that is ahead of ours is no reason to look once more.
    let at = now.max(heard.fetched_at);
    // What nothing authenticated stands against nothing, but for the very same.
    let counts =
        |kept: &StoredPolicy| kept.authentication != Authentication::FirstUse || kept.policy == heard.policy;
    if kept(dialect, ledger).is_some_and(|kept| counts(&kept)) {
        return OwnLook::Fetched(at);
    }
    let said =
        ledger.recall(&heard.domain, Topic::Published(dialect)).map(|one| one.text).unwrap_or_default();
    match said.split(' ').collect::<Vec<_>>()[..] {
        ["nothing", _, "secure"] => OwnLook::Absent(at),
        _ => match one.hearsay.look {
            waits @ OwnLook::Unconfirmed(_) => waits,
            OwnLook::Absent(_) | OwnLook::Fetched(_) | OwnLook::NotYet => OwnLook::Unconfirmed(now),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PolicyDomain;
    use crate::policy::Policy;

    #[test]
    fn one_role_that_says_something_of_each_dialect_holds_mail_up_once() {
        let (now, domain) = (UnixTime(1_800_000_000), PolicyDomain::parse("example.org").unwrap());
        let hearsay = |dialect, text: &str, authentication, look| {
            let policy = Policy::from_text(dialect, text).unwrap();
            let fetched_at = UnixTime(now.0 - 10);
            let policy = StoredPolicy::fetched(&domain, policy, authentication, fetched_at, now);
            let policy = StoredPolicy { applied_at: Some(fetched_at), ..policy };
            Hearsay { policy, witnesses: vec!["mx1".to_owned()], look, heard_at: now }
        };
        let mta_sts = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 604800\n";
        let draft = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800";
        let request = Request::about(domain.clone());
        for (hours, expected) in [(3, 2), (4, 0)] {
            let since = UnixTime(now.0 - hours * 3_600);
            let all = vec![
                hearsay(Dialect::MtaSts, mta_sts, Authentication::WebPki, OwnLook::Unconfirmed(since)),
                hearsay(Dialect::SmtpSts, draft, Authentication::Dnssec, OwnLook::Unconfirmed(now)),
            ];
            assert_eq!(OwnLook::Unconfirmed(now).since_the_first(&all), OwnLook::Unconfirmed(since));
            let snapshot = DomainSnapshot { hearsay: all, ..DomainSnapshot::default() };
            let bound = provisional(&request, &snapshot, now);
            assert_eq!(bound.len(), expected, "{hours}");
            assert!(bound.iter().all(|one| one.until == Some(since.plus(14_400))));
        }
    }
}
