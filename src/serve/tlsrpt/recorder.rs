//! Counts sessions for TLS reports (RFC 8460): the events that Exim sends and the failures that look-ups find, written to the
//! file now and then.
//!
//! Nothing waits for the recorder. What does not fit into its queue is lost, and that is counted. The counts are only touched
//! in errands to the store, one after the other.

use super::noticed::{self, Fault};
use crate::cache::{Cache, Counts};
use crate::limits::{DEFER_FOLLOWS_CLOSE, MAX_TLSRPT_QUEUE, TALLY_WRITTEN_AFTER};
use crate::name::PolicyDomain;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType};
use crate::reports::applied::{AppliedPolicies, GivenAnswers, Mark, permits};
use crate::reports::attempt::Attempt;
use crate::reports::event::{Answered, Event, Session};
use crate::reports::session::{Ended, Outcome, Sessions};
use crate::reports::tally::{Applied, Day, Row, Tally};
use crate::serve::answer::Answer;
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
    /// What Postfix told; the sender is dropped when they are counted.
    Attempts(Vec<Attempt>, oneshot::Sender<()>),
}

/// The receiving end of the queue: [`TlsrptQueue::run`] lasts until the last sender is dropped.
#[derive(Debug)]
pub struct TlsrptQueue {
    commands: mpsc::Receiver<RecorderCommand>,
    given: Arc<Mutex<GivenAnswers>>,
    counters: Arc<Counters>,
}

impl TlsrptRecorder {
    /// A recorder with an empty queue.
    #[must_use]
    pub fn new(world: Arc<World>, counters: Arc<Counters>) -> (Self, TlsrptQueue) {
        let (queue, commands) = mpsc::channel(MAX_TLSRPT_QUEUE);
        let given = Arc::<Mutex<GivenAnswers>>::default();
        let recorder = Self {
            queue,
            world: watch::Sender::new(world),
            given: Arc::clone(&given),
            counters: Arc::clone(&counters),
        };
        (recorder, TlsrptQueue { commands, given, counters })
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
            let _ = self.put(Observation::Faults(domain, faults, policies));
        }
    }

    /// Records attempts that Postfix told of, and waits until they are counted: for a thread that may wait.
    pub fn tried(&self, attempts: Vec<Attempt>) {
        let number = u64::try_from(attempts.len()).unwrap_or(u64::MAX);
        if number == 0 {
            return;
        }
        let world = Arc::clone(&self.world.borrow());
        let (doing, done) = oneshot::channel();
        let record = RecorderCommand::Record(world, Observation::Attempts(attempts, doing));
        match self.queue.blocking_send(record) {
            // Nothing is ever sent: they are counted, or the recorder is gone.
            Ok(()) => drop(done.blocking_recv()),
            Err(_) => self.counters.datagrams.of(DatagramFate::Lost).add(number),
        }
    }

    /// Remembers what an answer applied that is about to leave, for the sessions that go by it. Nobody who gets the same answer
    /// again waits for this.
    pub fn given(&self, report: &Report, answer: &Answer) {
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
    /// Counts what comes through the queue until the last sender is dropped; then everything is written to the file.
    pub async fn run(mut self, store: Store) {
        let counts = Arc::new(Mutex::new(SessionCounts::new(Arc::clone(&self.given))));
        let mut last_world = None;
        let mut due = None;
        loop {
            let next = match due {
                None => Some(self.commands.recv().await),
                Some(due) => timeout_at(due, self.commands.recv()).await.ok(),
            };
            let (mut reply, mut is_end) = (None, false);
            match next {
                Some(Some(RecorderCommand::Record(world, observation))) => {
                    let (shared, its_world) = (Arc::clone(&counts), Arc::clone(&world));
                    let counters = Arc::clone(&self.counters);
                    let errand = move |cache: &Cache| {
                        let now = SystemClock.now();
                        match observation {
                            Observation::Attempts(attempts, _doing) => {
                                locked(&shared).tried(&attempts, &its_world, &counters, now)
                            }
                            observation => locked(&shared).count(observation, cache, now),
                        }
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

    /// Returns whether something is left that will have to be written.
    async fn write(
        &self,
        store: &Store,
        world: &Arc<World>,
        counts: &Arc<Mutex<SessionCounts>>,
        wait: u64,
    ) -> bool {
        let (counts, its_world) = (Arc::clone(counts), Arc::clone(world));
        let errand = move |cache: &Cache| {
            let (mut counts, now) = (locked(&counts), SystemClock.now());
            counts.settle(wait, cache, now);
            (counts.write(&its_world, now), counts.sessions.are_to_settle())
        };
        let Ok((written, is_open)) = store.ask(world, errand).await else { return false };
        if let Err(why) = written {
            self.counters.store_troubles.one();
            warn!(why, "sessions for TLS reports are not written down");
        }
        is_open
    }
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
    fn count(&mut self, observation: Observation, cache: &Cache, now: UnixTime) -> bool {
        match observation {
            Observation::Event(event) => {
                if let Some(outcome) = self.sessions.hear(&event, now) {
                    self.ended(event.session, outcome, cache, now);
                }
            }
            Observation::Faults(domain, faults, policies) => {
                for fault in faults {
                    self.noticed(&domain, fault, &policies, now);
                }
            }
            // They need to know the world.
            Observation::Attempts(..) => {}
        }
        self.tally.is_full()
    }

    /// Counts attempts of Postfix's; returns whether the counts should be written now.
    fn tried(&mut self, attempts: &[Attempt], world: &World, counters: &Counters, now: UnixTime) -> bool {
        for attempt in attempts {
            let is_ours = world.rules.override_of(&attempt.domain, now).is_some();
            let row = attempt
                .row(world.rules.untrusted, Day::of(now))
                .filter(|row| !is_ours && !self.is_blind(row));
            let fate = match row {
                None => DatagramFate::Unreported,
                Some(mut row) => {
                    row.policy.text = locked(&self.given).keep(row.policy.text);
                    let is_kept = self.tally.count(row, 1);
                    if is_kept { DatagramFate::Kept } else { DatagramFate::Lost }
                }
            };
            counters.datagrams.of(fate).one();
        }
        self.tally.is_full()
    }

    /// Whether Postfix found no TLSA records where we have proven some: that is no fault of the host's.
    fn is_blind(&self, row: &Row) -> bool {
        let Some(host) = &row.host else { return false };
        row.ended == Ended::Failed(ResultType::DaneRequired)
            && locked(&self.given).knows_tlsa_of(&row.domain, host)
    }

    /// Counts the sessions that say nothing more.
    fn settle(&mut self, wait: u64, cache: &Cache, now: UnixTime) {
        for (session, outcome, at) in self.sessions.settled(wait, now) {
            self.ended(session, outcome, cache, at);
        }
    }

    /// Counts what a look-up noticed, under the mechanism that it is about.
    fn noticed(&mut self, domain: &PolicyDomain, fault: Fault, policies: &AppliedPolicies, now: UnixTime) {
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
        let row = Row {
            day: Day::of(now),
            domain: domain.clone(),
            policy,
            host,
            address: None,
            from: None,
            helo: None,
            ended: Ended::Failed(failure.result),
            code: failure.code,
        };
        let _ = self.tally.count(row, 1);
    }

    /// Counts a session that ended at that moment.
    fn ended(&mut self, session: Session, outcome: Outcome, cache: &Cache, at: UnixTime) {
        let Outcome { answered, policy, mut ended, mut code, helo } = outcome;
        let policy = self.applied(&session, answered, policy, cache);
        // Where a policy only asks for reports, mail may go to a host that it does not permit.
        let is_tested = policy.mode == Mode::Testing && ended == Ended::Encrypted;
        if is_tested && permits(&policy, &session.host) == Some(false) {
            ended = Ended::Failed(ResultType::ValidationFailure);
            code = Some(ReasonCode::MxNotPermitted);
        }
        let row = Row {
            day: Day::of(at),
            domain: session.domain,
            policy,
            host: Some(session.host),
            address: Some(session.address),
            from: session.from,
            helo,
            ended,
            code,
        };
        let _ = self.tally.count(row, 1);
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

    /// Writes the counts into the file; they are kept if that fails.
    fn write(&mut self, world: &World, now: UnixTime) -> Result<(), String> {
        if self.tally.is_empty() {
            return Ok(());
        }
        let counted = self.tally.take();
        let counts = Counts::beside(&world.storage.path, world.storage.max_domains, now);
        match counts.keeping(world.reporting.days).add(&counted) {
            Ok(0) => Ok(()),
            Ok(lost) => Err(format!("there is no room for {lost} sessions")),
            Err(trouble) => {
                for (row, number) in counted {
                    let _ = self.tally.count(row, number);
                }
                Err(trouble.to_string())
            }
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
mod tests {
    use super::*;
    use crate::cache::{Anchors, Authorities, CachePath, Circumstances, Memory as _};
    use crate::dane::set::TlsaSet;
    use crate::name::MxHost;
    use crate::policy::result::Failure;
    use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
    use crate::reports::event::{Happening, Proof};
    use crate::verdict::Tls;
    use tempfile::TempDir;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn cache(directory: &TempDir) -> Cache {
        let circumstances = Circumstances {
            anchors: Anchors::BuiltIn,
            authorities: Authorities::System,
            https_port: 443,
            allow_private_addresses: false,
            name_servers: Vec::new(),
            insecure_zones: Vec::new(),
            mechanisms: crate::policy::Mechanisms::default(),
        };
        let path = CachePath::parse(&directory.path().join("cache.db")).unwrap();
        Cache::new(path, &circumstances, 1_000, NOW)
    }

    fn keep(cache: &Cache, mode: &str) {
        let text = format!(
            "v=STSv1; id=1\nversion: STSv1\r\nmode: {mode}\r\nmx: *.example.org\r\nmax_age: 86400\r\n"
        );
        let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
        let domain = PolicyDomain::parse("example.org").unwrap();
        let stored = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, NOW, NOW.plus(86_400));
        cache.keep(&stored).unwrap();
    }

    fn answered(mode: Mode) -> Answered {
        Answered { policy: PolicyType::MtaSts, mode, tls: Tls::WebPki, mark: Mark::of(mode.word()) }
    }

    fn encrypted(host: &str) -> Event {
        Event {
            session: Session {
                process: 1,
                domain: PolicyDomain::parse("example.org").unwrap(),
                host: MxHost::from_text(host).unwrap(),
                address: "192.0.2.25".parse().unwrap(),
                from: None,
            },
            answered: answered(Mode::Enforce),
            happening: Happening::Encrypted(Proof::Authority),
        }
    }

    fn counted(counts: &mut SessionCounts) -> Vec<(String, String, &'static str, u64)> {
        let shown = |(row, number): (Row, u64)| {
            let host = row.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
            let text = row.policy.text.as_str().unwrap_or_default().to_owned();
            (host, text, row.ended.word(), number)
        };
        counts.tally.take().into_iter().map(shown).collect()
    }

    #[test]
    fn sessions_are_counted_under_the_policy_that_is_remembered() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory);
        let mut counts = SessionCounts::default();
        counts.count(Observation::Event(Box::new(encrypted("mx.example.org"))), &cache, NOW);
        assert_eq!(counted(&mut counts), [("mx.example.org".into(), String::new(), "success", 1)]);
        keep(&cache, "enforce");
        counts.count(Observation::Event(Box::new(encrypted("mx.example.org"))), &cache, NOW);
        let counted = counted(&mut counts);
        assert!(counted[0].1.contains("mx: *.example.org") && counted.len() == 1, "{counted:?}");
    }

    #[test]
    fn a_host_that_a_policy_in_testing_does_not_permit_is_a_failure_although_it_was_verified() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory);
        keep(&cache, "testing");
        let mut counts = SessionCounts::default();
        for host in ["mx.example.org", "mx.example.net"] {
            let event = Event { answered: answered(Mode::Testing), ..encrypted(host) };
            counts.count(Observation::Event(Box::new(event)), &cache, NOW);
        }
        let words: Vec<_> = counted(&mut counts).into_iter().map(|(host, _, word, _)| (host, word)).collect();
        let expected = [("mx.example.net", "validation-failure"), ("mx.example.org", "success")];
        assert_eq!(words, expected.map(|(host, word)| (host.to_owned(), word)));
    }

    #[test]
    fn faults_of_a_look_up_are_counted_with_their_host_if_they_have_one() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory);
        let mut counts = SessionCounts::default();
        let domain = PolicyDomain::parse("example.org").unwrap();
        let fault = |about, host: Option<&str>, result: ResultType| Fault {
            about,
            mode: Mode::None,
            host: host.map(|host| MxHost::from_text(host).unwrap()),
            failure: Failure::from(result),
        };
        let faults = vec![
            fault(PolicyType::MtaSts, None, ResultType::StsWebpkiInvalid),
            fault(PolicyType::Dane, Some("mx.example.org"), ResultType::DnssecInvalid),
        ];
        counts.count(Observation::Faults(domain, faults, AppliedPolicies::default()), &cache, NOW);
        let words: Vec<_> = counts
            .tally
            .take()
            .into_iter()
            .map(|(row, _)| {
                let host = row.host.as_ref().map_or("-", MxHost::as_str).to_owned();
                let base = row.policy.base.map_or_else(String::new, |base| base.to_string());
                (row.policy.kind.word(), host, base, row.ended.word())
            })
            .collect();
        let host = || "mx.example.org".to_owned();
        let expected = [
            ("mta-sts", "-".to_owned(), String::new(), "sts-webpki-invalid"),
            ("dane", host(), host(), "dnssec-invalid"),
        ];
        assert_eq!(words.len(), 2);
        assert!(expected.iter().all(|one| words.contains(one)), "{words:?}");
    }

    #[test]
    fn a_session_is_counted_under_what_was_applied_and_not_under_what_the_cache_has_later() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory);
        let mut counts = SessionCounts::default();
        let domain = PolicyDomain::parse("example.org").unwrap();
        let host = MxHost::from_text("mx.example.org").unwrap();
        let text =
            "v=STSv1; id=old\nversion: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 86400\r\n";
        let set = TlsaSet {
            base: MxHost::from_text("end.example.net").unwrap(),
            records: Some(vec!["3 1 1 AA".into(), "3 1 1 BB".into()]),
        };
        let policies =
            AppliedPolicies::new(Some((PolicyType::MtaSts, Mode::Enforce, text)), &[(host.clone(), set)]);
        let Answered { mark, .. } = answered(Mode::Enforce);
        locked(&counts.given).given(&domain, mark, policies);
        keep(&cache, "enforce");
        let dane = Event { happening: Happening::Encrypted(Proof::Dane), ..encrypted("mx.example.org") };
        for event in [encrypted("mx.example.org"), dane] {
            counts.count(Observation::Event(Box::new(event)), &cache, NOW);
        }
        let rows: Vec<_> = counts.tally.take().into_iter().map(|(row, _)| row.policy).collect();
        let of = |kind| rows.iter().find(|policy| policy.kind == kind).unwrap();
        assert_eq!(of(PolicyType::MtaSts).text.as_str(), Some(text));
        let dane = of(PolicyType::Dane);
        assert_eq!(dane.text.as_str(), Some("3 1 1 AA\n3 1 1 BB\n"));
        assert_eq!(dane.base.as_ref().map(MxHost::as_str), Some("end.example.net"));
    }

    #[test]
    fn a_session_counts_for_the_day_on_which_it_ended() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory);
        let mut counts = SessionCounts::default();
        let midnight = UnixTime((NOW.0 / 86_400 + 1) * 86_400);
        let (before, after) = (UnixTime(midnight.0 - 2), midnight.plus(1));
        let event = |process, happening| {
            let mut event = Event { happening, ..encrypted("mx.example.org") };
            event.session.process = process;
            Observation::Event(Box::new(event))
        };
        let greeted = || Happening::Greeted { offers_starttls: Some(true), helo: None };
        // Under TLS after midnight; refused before it, which is certain only later.
        counts.count(event(1, greeted()), &cache, before);
        counts.count(event(1, Happening::Encrypted(Proof::Authority)), &cache, after);
        counts.count(event(2, greeted()), &cache, before);
        counts.count(event(2, Happening::Closed { had_tls: false }), &cache, before);
        counts.settle(0, &cache, after);
        let days: Vec<_> =
            counts.tally.take().into_iter().map(|(row, _)| (row.day, row.ended.word())).collect();
        let expected = [(Day::of(before), "starttls-not-supported"), (Day::of(after), "success")];
        assert_eq!(days, expected);
        assert_ne!(Day::of(before), Day::of(after));
    }
}
