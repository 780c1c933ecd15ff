//! One question from what memory knows to its answer, by the pipeline of the command, and how long that answer stands. The [`worker`]
//! runs look-ups side by side.

pub mod domain_locks;
pub mod outside;
pub(crate) mod own_eyes;
pub mod renewal;
pub mod resolution_failures;
pub mod worker;

use self::own_eyes::{OwnLookResult, Provisional};
use crate::cache::{DomainSnapshot, Ledger, Memory as _, Write, is_renewed_by_others};
use crate::config::Asked;
use crate::dns::Resolve;
use crate::https::Fetch;
use crate::limits::{
    PAUSE_AFTER_DEFER, RENEWAL, RESOLUTION_FAILURE_FIRST, RESOLUTION_FAILURE_MOST, STAND_IN_KEPT,
};
use crate::policy::{Authentication, Dialect, PolicyType};
use crate::reason::Reason;
use crate::serve::answer::MtaAnswer;
use crate::serve::answer::cache::Standing;
use crate::serve::answer::silence::Silence;
use crate::serve::protocol::question::Question;
use crate::serve::world::World;
use crate::time::{Clock, UnixTime};
use crate::verdict::{Handshake, Verdict};
use crate::verify::{self, NextHop, NoEvaluation, Report, Request, StandIn};
use futures_util::FutureExt as _;
use std::sync::Arc;
use std::time::Duration;

/// How far memory alone leads.
#[derive(Debug)]
pub enum Begun {
    /// To the answer.
    Answered(Box<Found>),
    /// Others have to be asked.
    Open(Box<LookUp>),
}

/// An answer, and for whom it is good.
#[derive(Debug)]
pub struct Found {
    /// The report for those who have waited for it.
    pub report: Report,
    /// The answer for those who ask later; `None` if it has to be looked up again.
    pub standing: Option<Standing>,
}

impl Found {
    /// The answer, as it is given, for those who come later and cannot have one in time; `None` if it may not stand in.
    #[must_use]
    pub fn stand_in(&self, answer: &Arc<MtaAnswer>, now: UnixTime) -> Option<Standing> {
        let is_possible = self.report.stand_in == StandIn::Possible;
        is_possible.then(|| Standing {
            answer: Arc::clone(answer),
            from: now,
            until: now.plus(STAND_IN_KEPT),
        })
    }
}

/// A question that memory does not answer.
#[derive(Debug)]
pub struct LookUp {
    question: Question,
    request: Request,
    /// What the administrator's words are, and until when.
    notes: Vec<String>,
    ends: UnixTime,
    snapshot: DomainSnapshot,
    /// What others of a fleet say that binds until this host has looked for itself.
    heard: Vec<Provisional>,
    /// The snapshot with that in the place of what this host has.
    bound: Option<DomainSnapshot>,
    now: UnixTime,
}

impl LookUp {
    /// Asks memory.
    #[must_use]
    pub fn begin(
        world: &World,
        question: &Question,
        handshake: Handshake,
        snapshot: DomainSnapshot,
        now: UnixTime,
    ) -> Begun {
        let hosts = question.host.iter().cloned().collect();
        let (request, decree) = match world.rules.request(question.domain.clone(), hosts, handshake, now) {
            Asked::Ask(request, decree) => (Request { next_hop: question.next_hop, ..request }, decree),
            Asked::Ignored(request, decree) => {
                let report = Report::ignored(&request, vec![decree.note(now)]);
                let answer = Arc::new(MtaAnswer::of(&report, question));
                let standing = Some(Standing { answer, from: now, until: decree.ends });
                return Begun::Answered(Box::new(Found { report, standing }));
            }
        };
        if let Some(why) = world.rules.withheld(&request.domain, now) {
            let report = Report::withheld(&request, why);
            return Begun::Answered(Box::new(Found { report, standing: None }));
        }
        let notes = decree.iter().map(|decree| decree.note(now)).collect();
        let in_force = decree.filter(|decree| decree.is_in_force(now));
        let ends = in_force.map_or(UnixTime(u64::MAX), |decree| decree.ends);
        let heard = own_eyes::provisional(&request, &snapshot, now);
        let bound = (!heard.is_empty()).then(|| own_eyes::beside(&snapshot, &heard));
        // What binds for a time does so no longer in what is said later.
        let ends = heard.iter().filter_map(|one| one.until).chain([ends]).min().unwrap_or(ends);
        // Nor does a look that counts only because it was made just now.
        let again =
            snapshot.hearsay.iter().filter_map(|one| one.look.looks_again(one.policy.fetched_at, now));
        // Nor is a renewal left to others for longer than theirs is new, or half of a life lasts.
        let renewed =
            snapshot.policies.iter().filter(|own| is_renewed_by_others(own, &snapshot.hearsay, now));
        let halves = renewed.map(|own| UnixTime(own.fetched_at.0.midpoint(own.expires_at.0)));
        let theirs = snapshot.hearsay.iter().map(|one| one.policy.fetched_at.plus(RENEWAL));
        let ends =
            again.chain(halves).chain(theirs).filter(|at| *at > now).chain([ends]).min().unwrap_or(ends);
        let look_up = Self { question: question.clone(), request, notes, ends, snapshot, heard, bound, now };
        if look_up.heard.iter().any(Provisional::is_unseen) {
            return Begun::Open(Box::new(look_up));
        }
        let ledger = Ledger::of(&look_up.question.domain, look_up.binding(), now);
        match look_up.recalled(&ledger) {
            Some((report, standing)) => {
                let report = look_up.noted(report, &look_up.heard);
                Begun::Answered(Box::new(Found { report, standing: Some(standing) }))
            }
            None => Begun::Open(Box::new(look_up)),
        }
    }

    /// What memory says, and how long it goes on saying so.
    fn recalled(&self, ledger: &Ledger) -> Option<(Report, Standing)> {
        let report = verify::from_memory(&self.request, Some(ledger), self.now)?;
        let until = ledger.memory().next_change(self.now).unwrap_or(self.now);
        let until = report.rests_until().map_or(until, |rests| rests.min(until));
        let standing = match ledger.trouble() {
            Some(_) => self.briefly(&report, self.now, Some(until)),
            None => self.standing(&report, until),
        };
        Some((report, standing))
    }

    /// The answer for a client that cannot wait: what the policy in the cache says without any other evidence. That nothing is
    /// known of a policy lets no mail go: the look-up may still find one.
    pub async fn meanwhile(&self) -> MtaAnswer {
        let memory = self.binding().rehearsal(&self.request.domain, self.now);
        let report = verify::verify(&self.request, Some(&memory), &Silence, &Silence, self.now).await;
        let is_let_go_by_nobody =
            (report.judgement.verdict, report.judgement.policy) == (Verdict::Deliver, PolicyType::None);
        let report = if is_let_go_by_nobody { self.late() } else { report };
        MtaAnswer::of(&report, &self.question)
    }

    /// Asks others, by the pipeline of the command: the answer, and what the store has to keep before it leaves. The clock
    /// says when the answer has come.
    pub async fn ask(
        &self,
        dns: &impl Resolve,
        https: &impl Fetch,
        clock: &impl Clock,
    ) -> (Found, Vec<Write>) {
        if !self.heard.is_empty() {
            let OwnLookResult { report, ledger, writes, bound } =
                own_eyes::look(self, &self.heard, dns, https).boxed_local().await;
            let found = self.concluded(report, &ledger, &bound, clock);
            return (found, writes.into_iter().chain(ledger.close()).collect());
        }
        let ledger = Ledger::of(&self.question.domain, &self.snapshot, self.now);
        let is_heard_of = !self.snapshot.hearsay.is_empty();
        dns.count_others_denials(self.is_free() && !is_heard_of && ledger.trouble().is_none());
        let report = verify::verify(&self.request, Some(&ledger), dns, https, self.now).await;
        (self.concluded(report, &ledger, &[], clock), ledger.close())
    }

    /// The answer, and how long it stands.
    fn concluded(&self, report: Report, ledger: &Ledger, bound: &[Provisional], clock: &impl Clock) -> Found {
        let settled = match report.judgement.verdict {
            // Nothing of it is in the cache of domains: it stands as long as the answers that it rests on.
            Verdict::Deliver if matches!(self.request.next_hop, NextHop::Host(_)) => {
                let ends = report.evidence.iter().filter_map(|evidence| evidence.valid_until).min();
                ends.map(|until| self.standing(&report, until))
            }
            Verdict::Deliver => self.recalled(ledger).map(|(_, standing)| standing),
            Verdict::Defer | Verdict::Refuse => None,
        };
        let brief = || self.briefly(&report, clock.now(), ledger.memory().next_change(self.now));
        let standing = settled.unwrap_or_else(brief);
        let ends = bound.iter().filter_map(|one| one.until).fold(standing.until, UnixTime::min);
        let standing = Standing { until: ends, ..standing };
        Found { report: self.noted(report, bound), standing: Some(standing) }
    }

    /// Whether a verified handshake would put a policy into force that was taken on first use. Nothing else is changed by
    /// one: an authenticated policy needs none.
    #[must_use]
    pub fn awaits_a_handshake(&self) -> bool {
        let stored = self.binding().policies.of(Dialect::SmtpSts);
        stored
            .is_some_and(|policy| policy.authentication == Authentication::FirstUse && !policy.is_in_force())
    }

    /// Whether a policy of the domain is stored that cannot be read.
    #[must_use]
    pub const fn has_lost_a_policy(&self) -> bool {
        !self.snapshot.policies.unreadable.is_empty()
    }

    /// Whether an earlier answer may stand in for one that does not come in time.
    #[must_use]
    pub fn stand_in(&self) -> StandIn {
        if self.is_free() { StandIn::Possible } else { StandIn::Impossible }
    }

    /// Whether nothing that is known holds the domain's mail to anything, nor will after a handshake.
    fn is_free(&self) -> bool {
        let stored = self.binding().policies.clone().unexpired(self.now);
        stored.is_empty() && self.request.requirement.is_none()
    }

    /// The longest time for which a failed question about the domain is left alone. Where a policy is in force, a failure that
    /// somebody on the path made holds mail back no longer than he is there.
    #[must_use]
    pub fn longest_pause(&self) -> Duration {
        if self.request.is_bound_by(&self.binding().policies) {
            RESOLUTION_FAILURE_FIRST
        } else {
            RESOLUTION_FAILURE_MOST
        }
    }

    /// The same answer where the store could not keep what it rests on: it is given, and says so.
    #[must_use]
    pub fn unkept(&self, found: Found, why: String, now: UnixTime) -> Found {
        let report = found.report.unkept(why);
        let standing = Some(self.briefly(&report, now, found.standing.map(|standing| standing.until)));
        Found { report, standing }
    }

    /// The answer where nothing came of asking.
    #[must_use]
    pub fn overdue(&self, now: UnixTime) -> Found {
        let report = self.noted(self.late(), &self.heard);
        let standing = Some(self.briefly(&report, now, None));
        Found { report, standing }
    }

    /// What memory cannot say again stands for a moment from when it came, whatever its TTL says.
    fn briefly(&self, report: &Report, now: UnixTime, until: Option<UnixTime>) -> Standing {
        let pause = now.plus(PAUSE_AFTER_DEFER);
        self.standing(report, until.map_or(pause, |until| until.min(pause)))
    }

    fn standing(&self, report: &Report, until: UnixTime) -> Standing {
        let answer = Arc::new(MtaAnswer::of(report, &self.question));
        Standing { answer, from: self.now, until: until.min(self.ends) }
    }

    /// Nothing is known yet, but whether DANE is left out.
    fn late(&self) -> Report {
        let asks_for_dane = self.request.asks_for_dane(&self.binding().policies.clone().unexpired(self.now));
        if asks_for_dane { late() } else { late().without_dane() }
    }

    /// The moment that it is for the whole look-up.
    #[must_use]
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    /// What is asked.
    pub(crate) const fn request(&self) -> &Request {
        &self.request
    }

    /// What this host knows for itself.
    pub(crate) const fn own(&self) -> &DomainSnapshot {
        &self.snapshot
    }

    /// What binds: that, and what others of a fleet say.
    fn binding(&self) -> &DomainSnapshot {
        self.bound.as_ref().unwrap_or(&self.snapshot)
    }

    fn noted(&self, report: Report, bound: &[Provisional]) -> Report {
        let before = self.notes.iter().cloned().chain(own_eyes::notes(bound));
        Report { notes: before.chain(report.notes).collect(), ..report }
    }
}

/// The client cannot wait, and nothing is known: not even whether a policy in force demands TLSA records, so Exim is not kept from
/// its own DANE.
#[must_use]
pub fn late() -> Report {
    NoEvaluation::defer(Reason::Deadline, "the look-up takes longer than the asker waits").into()
}
