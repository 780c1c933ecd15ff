//! Counts sessions for TLS reports (RFC 8460): the events that Exim sends and the failures that look-ups find, written to the
//! file now and then.
//!
//! Nothing waits for the recorder. What does not fit into its queue is lost, and that is counted. The counts are only touched
//! in errands to the store, one after the other; a thread of its own writes them, so that no answer waits for that file.

use super::noticed::{self, Fault};
use crate::cache::{Cache, Counts, Outbox};
use crate::limits::{
    CACHE_FULL_TOLD_AGAIN, DEFER_FOLLOWS_CLOSE, MAX_TLSRPT_QUEUE, REPORTS_FORGOTTEN_EVERY,
    TALLY_WRITTEN_AFTER,
};
use crate::name::PolicyDomain;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType};
use crate::reports::applied::{AppliedPolicies, GivenAnswers, Mark, permits};
use crate::reports::attempt::Attempt;
use crate::reports::event::{Answered, Event, Session};
use crate::reports::session::{Ended, Outcome, Sessions};
use crate::reports::tally::{Applied, Day, Row, Tally};
use crate::resources;
use crate::resources::aside;
use crate::serve::answer::MtaAnswer;
use crate::serve::store::Store;
use crate::serve::telemetry::counters::{Counters, DatagramFate, EventFate};
use crate::serve::world::World;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verify::Report;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// The sending end of the recorder's queue.
#[derive(Clone, Debug)]
pub struct TlsrptRecorder {
    queue: mpsc::Sender<RecorderCommand>,
    world: watch::Sender<Arc<World>>,
    given: Arc<Mutex<GivenAnswers>>,
    counters: Arc<Counters>,
}

/// What is put into the queue.
#[derive(Debug)]
enum RecorderCommand {
    /// Something is to be counted.
    Record(Arc<World>, Observation),
    /// The counts are wanted in the file.
    WriteDown(oneshot::Sender<()>),
}

#[derive(Debug)]
enum Observation {
    Event(Box<Event>),
    Faults(PolicyDomain, Vec<Fault>, AppliedPolicies),
    /// What attempts of Postfix's come to; the sender is dropped when they are counted.
    Rows(Vec<Row>, oneshot::Sender<()>),
}

/// The receiving end of the queue: [`TlsrptQueue::run`] lasts until the last sender is dropped.
#[derive(Debug)]
pub struct TlsrptQueue {
    commands: mpsc::Receiver<RecorderCommand>,
    world: watch::Receiver<Arc<World>>,
    given: Arc<Mutex<GivenAnswers>>,
    counters: Arc<Counters>,
    /// When it was told last that something was not written down.
    told: UnixTime,
}

impl TlsrptRecorder {
    /// A recorder with an empty queue.
    #[must_use]
    pub fn new(world: Arc<World>, counters: Arc<Counters>) -> (Self, TlsrptQueue) {
        let (queue, commands) = mpsc::channel(MAX_TLSRPT_QUEUE);
        let given = Arc::<Mutex<GivenAnswers>>::default();
        let (world, its_world) = watch::channel(world);
        let recorder = Self { queue, world, given: Arc::clone(&given), counters: Arc::clone(&counters) };
        (recorder, TlsrptQueue { commands, world: its_world, given, counters, told: UnixTime(0) })
    }

    /// Exchanges the world: what is recorded from now on is counted beside its cache.
    pub fn renew(&self, world: Arc<World>) {
        self.world.send_replace(world);
    }

    /// Records an event that Exim sent.
    pub fn hear(&self, event: Box<Event>) {
        let fate = if self.put(Observation::Event(event)) { EventFate::Kept } else { EventFate::Lost };
        self.counters.events.of(fate).one();
    }

    /// Records the failures that a look-up found, if any.
    pub fn notice(&self, report: &Report) {
        let faults = noticed::faults(report);
        if let Some(domain) = report.domain.clone().filter(|_| !faults.is_empty()) {
            let policies = locked(&self.given).kept(noticed::applied(report));
            let number = u64::try_from(faults.len()).unwrap_or(u64::MAX);
            if !self.put(Observation::Faults(domain, faults, policies)) {
                self.counters.sessions_lost.add(number);
            }
        }
    }

    /// Records attempts that Postfix told of, and waits until they are counted: for a thread that may wait. What they come to is
    /// found here; nobody else is held up by that.
    pub fn tried(&self, attempts: &[Attempt]) {
        let world = Arc::clone(&self.world.borrow());
        let rows = self.rows(attempts, &world, SystemClock.now());
        let number = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if number == 0 {
            return;
        }
        let (doing, done) = oneshot::channel();
        match self.queue.blocking_send(RecorderCommand::Record(world, Observation::Rows(rows, doing))) {
            // Nothing is ever sent: they are counted, or the recorder is gone.
            Ok(()) => drop(done.blocking_recv()),
            Err(_) => self.counters.datagrams.of(DatagramFate::Lost).add(number),
        }
    }

    /// The rows under which attempts are counted that are reported.
    fn rows(&self, attempts: &[Attempt], world: &World, now: UnixTime) -> Vec<Row> {
        let is_reported = |attempt: &&Attempt| world.rules.override_of(&attempt.domain, now).is_none();
        let rows = attempts.iter().filter(is_reported);
        let rows: Vec<Row> = rows
            .filter_map(|attempt| attempt.row(world.rules.untrusted, Day::of(now)))
            .filter_map(|mut row| {
                let mut given = locked(&self.given);
                // Where Postfix found no TLSA records, and we have proven some, the fault is not the host's.
                let is_blind = row.ended == Ended::Failed(ResultType::DaneRequired)
                    && row.host.as_ref().is_some_and(|host| given.knows_tlsa_of(&row.domain, host));
                row.policy.text = given.keep(row.policy.text);
                (!is_blind).then_some(row)
            })
            .collect();
        let unreported = attempts.len().saturating_sub(rows.len());
        self.counters
            .datagrams
            .of(DatagramFate::Unreported)
            .add(u64::try_from(unreported).unwrap_or(u64::MAX));
        rows
    }

    /// Remembers what an answer applied that is about to leave, for the sessions that go by it. Nobody who gets the same answer
    /// again waits for this.
    pub fn given(&self, report: &Report, answer: &MtaAnswer) {
        let policies = noticed::applied(report);
        if let Some(domain) = report.domain.as_ref().filter(|_| !policies.is_empty()) {
            locked(&self.given).given(domain, Mark::of(&answer.exim), policies);
        }
    }

    /// Waits until everything recorded before is in the file, or writing it has failed.
    pub async fn write_down(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(RecorderCommand::WriteDown(done)).await.is_ok() {
            // If the recorder is gone there is nothing to wait for.
            let _ = finished.await;
        }
    }

    fn put(&self, observation: Observation) -> bool {
        let world = Arc::clone(&self.world.borrow());
        self.queue.try_send(RecorderCommand::Record(world, observation)).is_ok()
    }
}

impl TlsrptQueue {
    /// Counts what comes through the queue until the last sender is dropped; then everything is written to the file. What is older
    /// than reports are kept is forgotten meanwhile, whether or not anything comes.
    pub async fn run(mut self, store: Store) {
        let counts = Arc::new(Mutex::new(SessionCounts::new(Arc::clone(&self.given))));
        let mut last_world = None;
        let mut due = None;
        let mut forgetting = Instant::now() + TALLY_WRITTEN_AFTER;
        loop {
            let until = due.map_or(forgetting, |due: Instant| due.min(forgetting));
            let next = timeout_at(until, self.commands.recv()).await.ok();
            let (mut reply, mut is_end) = (None, false);
            match next {
                Some(Some(RecorderCommand::Record(world, observation))) => {
                    let (shared, counters) = (Arc::clone(&counts), Arc::clone(&self.counters));
                    let errand = move |cache: &Cache| {
                        locked(&shared).count(observation, cache, &counters, SystemClock.now())
                    };
                    let is_full = store.ask(&world, errand).await.unwrap_or(false);
                    due = due.or_else(|| Some(Instant::now() + TALLY_WRITTEN_AFTER));
                    last_world = Some(world);
                    if !is_full {
                        continue;
                    }
                }
                Some(Some(RecorderCommand::WriteDown(done))) => reply = Some(done),
                Some(None) => is_end = true,
                None if forgetting <= Instant::now() => {
                    self.forget().await;
                    forgetting = Instant::now() + REPORTS_FORGOTTEN_EVERY;
                    continue;
                }
                None => {}
            }
            // Whoever waits for all of it waits for nothing that may still come.
            let wait = if reply.is_some() || is_end { 0 } else { DEFER_FOLLOWS_CLOSE };
            let mut is_open = false;
            if let Some(world) = &last_world {
                is_open = self.write(&store, world, &counts, wait).await;
            }
            due = is_open.then(|| Instant::now() + TALLY_WRITTEN_AFTER);
            // The caller may have gone.
            if let Some(done) = reply {
                let _ = done.send(());
            }
            if is_end {
                return;
            }
        }
    }

    /// Returns whether something is left that will have to be written: sessions that are not over, or all of it, if that failed.
    async fn write(
        &mut self,
        store: &Store,
        world: &Arc<World>,
        counts: &Arc<Mutex<SessionCounts>>,
        wait: u64,
    ) -> bool {
        let (shared, counters) = (Arc::clone(counts), Arc::clone(&self.counters));
        let errand = move |cache: &Cache| {
            let mut counts = locked(&shared);
            counts.settle(wait, cache, &counters, SystemClock.now());
            (counts.tally.take(), counts.sessions.are_to_settle())
        };
        let Ok((counted, is_open)) = store.ask(world, errand).await else { return true };
        if counted.is_empty() {
            return is_open;
        }
        let its_world = Arc::clone(world);
        let all = counted.iter().map(|(_, number)| *number).fold(0, u64::saturating_add);
        let written = aside(move || {
            let added = counts_of(&its_world, SystemClock.now()).add(&counted);
            (added, counted)
        });
        let trouble = match written.await {
            Ok((Ok(0), _)) => return is_open,
            Ok((Ok(lost), _)) => {
                self.counters.sessions_lost.add(lost);
                format!("there is no room for {lost} sessions")
            }
            Ok((Err(trouble), counted)) => {
                for (row, number) in counted {
                    locked(counts).add(row, number, &self.counters);
                }
                trouble.to_string()
            }
            Err(error) => {
                self.counters.sessions_lost.add(all);
                resources::of_a_start(&error)
            }
        };
        self.counters.store_troubles.one();
        let now = SystemClock.now();
        if now.since(self.told) >= CACHE_FULL_TOLD_AGAIN {
            self.told = now;
            warn!(why = trouble, "sessions for TLS reports are not written down; this is told once an hour");
        }
        is_open || !locked(counts).tally.is_empty()
    }

    /// Forgets counts and reports that are older than they are kept.
    async fn forget(&self) {
        let world = Arc::clone(&self.world.borrow());
        let forgotten = aside(move || {
            let (now, days) = (SystemClock.now(), world.reporting.days);
            counts_of(&world, now).forget()?;
            Outbox::beside(&world.storage.path, world.storage.max_domains, now).forget(days)
        });
        let trouble = match forgotten.await {
            Ok(forgotten) => forgotten.err().map(|trouble| trouble.to_string()),
            Err(error) => Some(resources::of_a_start(&error)),
        };
        if let Some(why) = trouble {
            self.counters.store_troubles.one();
            warn!(why, "old counts for TLS reports are not forgotten");
        }
    }
}

/// The file of the counts beside that world's cache.
fn counts_of(world: &World, now: UnixTime) -> Counts {
    Counts::beside(&world.storage.path, world.storage.max_domains, now).keeping(world.reporting.days)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in the middle of an entry leaves counts that are right, or one too few.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sessions under way, and counts that are not in the file yet.
#[derive(Debug, Default)]
struct SessionCounts {
    sessions: Sessions,
    tally: Tally,
    given: Arc<Mutex<GivenAnswers>>,
}

impl SessionCounts {
    fn new(given: Arc<Mutex<GivenAnswers>>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Counts an observation; returns whether the counts should be written now.
    fn count(&mut self, observation: Observation, cache: &Cache, counters: &Counters, now: UnixTime) -> bool {
        match observation {
            Observation::Event(event) => {
                if let Some(outcome) = self.sessions.hear(&event, now) {
                    let row = self.row(event.session, outcome, cache, now);
                    self.add(row, 1, counters);
                }
            }
            Observation::Faults(domain, faults, policies) => {
                for fault in faults {
                    let row = self.noticed(&domain, fault, &policies, now);
                    self.add(row, 1, counters);
                }
            }
            Observation::Rows(rows, _doing) => {
                for row in rows {
                    let is_kept = self.tally.count(row, 1);
                    let fate = if is_kept { DatagramFate::Kept } else { DatagramFate::Lost };
                    counters.datagrams.of(fate).one();
                }
            }
        }
        self.tally.is_full()
    }

    /// Adds to the counts; what has no room is lost, and counted.
    fn add(&mut self, row: Row, sessions: u64, counters: &Counters) {
        if !self.tally.count(row, sessions) {
            counters.sessions_lost.add(sessions);
        }
    }

    /// Counts the sessions that say nothing more.
    fn settle(&mut self, wait: u64, cache: &Cache, counters: &Counters, now: UnixTime) {
        for (session, outcome, at) in self.sessions.settled(wait, now) {
            let row = self.row(session, outcome, cache, at);
            self.add(row, 1, counters);
        }
    }

    /// What a look-up noticed, under the mechanism that it is about.
    fn noticed(&self, domain: &PolicyDomain, fault: Fault, policies: &AppliedPolicies, now: UnixTime) -> Row {
        let Fault { about, mode, host, failure } = fault;
        let known = match (about, &host) {
            (PolicyType::Dane, Some(host)) => policies.tlsa_set(host),
            _ => policies.policy(about),
        };
        let unknown = Applied {
            base: host.clone().filter(|_| about == PolicyType::Dane),
            ..Applied::without_text(about, mode)
        };
        let mut policy = known.cloned().unwrap_or(unknown);
        policy.text = locked(&self.given).keep(policy.text);
        Row {
            day: Day::of(now),
            domain: domain.clone(),
            policy,
            host,
            address: None,
            from: None,
            helo: None,
            ended: Ended::Failed(failure.result),
            code: failure.code,
        }
    }

    /// A session that ended at that moment.
    fn row(&self, session: Session, outcome: Outcome, cache: &Cache, at: UnixTime) -> Row {
        let Outcome { answered, policy, mut ended, mut code, helo } = outcome;
        let policy = self.applied(&session, answered, policy, cache);
        // Where a policy only asks for reports, mail may go to a host that it does not permit.
        let is_tested = policy.mode == Mode::Testing && ended == Ended::Encrypted;
        if is_tested && permits(&policy, &session.host) == Some(false) {
            ended = Ended::Failed(ResultType::ValidationFailure);
            code = Some(ReasonCode::MxNotPermitted);
        }
        Row {
            day: Day::of(at),
            domain: session.domain,
            policy,
            host: Some(session.host),
            address: Some(session.address),
            from: session.from,
            helo,
            ended,
            code,
        }
    }

    /// What a session is counted under: what its answer applied. If that is not known any more, what is stored stands in, if it is of
    /// the same mode.
    fn applied(&self, session: &Session, answered: Answered, kind: PolicyType, cache: &Cache) -> Applied {
        let Session { domain, host, .. } = session;
        let policies = locked(&self.given).of(domain, &answered);
        match kind {
            PolicyType::Dane => {
                let base = || Some(host.clone());
                let known = policies.as_ref().and_then(|policies| policies.tlsa_set(host));
                known
                    .cloned()
                    .unwrap_or_else(|| Applied { base: base(), ..Applied::without_text(kind, Mode::None) })
            }
            PolicyType::MtaSts | PolicyType::SmtpSts => {
                let known = policies.as_ref().and_then(|policies| policies.policy(kind)).cloned();
                let mut applied = known
                    .or_else(|| stored(cache, domain, kind).filter(|stored| stored.mode == answered.mode))
                    .unwrap_or_else(|| Applied::without_text(kind, answered.mode));
                applied.text = locked(&self.given).keep(applied.text);
                applied
            }
            PolicyType::None | PolicyType::Override => Applied::without_text(kind, answered.mode),
        }
    }
}

/// The domain's policy of that kind, as the cache has it.
fn stored(cache: &Cache, domain: &PolicyDomain, kind: PolicyType) -> Option<Applied> {
    let policies = cache.stored(domain).ok()?;
    let stored = match kind {
        PolicyType::MtaSts => policies.mta_sts?,
        PolicyType::SmtpSts => policies.smtp_sts?,
        PolicyType::Dane | PolicyType::None | PolicyType::Override => return None,
    };
    Some(Applied::new(kind, stored.policy.mode(), &stored.policy.to_text()))
}

#[cfg(test)]
mod tests;
