//! Counts sessions for TLS reports (RFC 8460): the events that Exim sends and the failures that look-ups find, written to the
//! file now and then.
//!
//! Nothing waits for the recorder. What does not fit into its queue is lost, and that is counted. The counts are only touched
//! in errands to the store, one after the other.

use super::counters::{Counters, EventFate};
use super::noticed;
use super::store::Store;
use super::world::World;
use crate::cache::{Cache, Counts};
use crate::limits::{MAX_TLSRPT_QUEUE, TALLY_WRITTEN_AFTER};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType, StoredPolicy};
use crate::reports::event::Event;
use crate::reports::session::{Ended, Sessions};
use crate::reports::tally::{Applied, Day, Row, Tally};
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
    Faults(PolicyDomain, PolicyType, Mode, Vec<(Option<MxHost>, ResultType)>),
}

/// The receiving end of the queue: [`TlsrptQueue::run`] lasts until the last sender is dropped.
#[derive(Debug)]
pub struct TlsrptQueue {
    commands: mpsc::Receiver<RecorderCommand>,
    counters: Arc<Counters>,
}

impl TlsrptRecorder {
    /// A recorder with an empty queue.
    #[must_use]
    pub fn new(world: Arc<World>, counters: Arc<Counters>) -> (Self, TlsrptQueue) {
        let (queue, commands) = mpsc::channel(MAX_TLSRPT_QUEUE);
        let recorder = Self { queue, world: watch::Sender::new(world), counters: Arc::clone(&counters) };
        (recorder, TlsrptQueue { commands, counters })
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
            let judgement = &report.judgement;
            // What is known of the policy is what it was to be: one of MTA-STS, unless another one decided.
            let kind = match judgement.policy {
                PolicyType::None | PolicyType::Override => PolicyType::MtaSts,
                decided => decided,
            };
            let _ = self.put(Observation::Faults(domain, kind, judgement.mode, faults));
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
        let counts = Arc::new(Mutex::new(SessionCounts::default()));
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
                    let shared = Arc::clone(&counts);
                    let errand =
                        move |cache: &Cache| locked(&shared).count(observation, cache, SystemClock.now());
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
            if let Some(world) = &last_world {
                self.write(&store, world, &counts).await;
            }
            due = None;
            // The caller may have gone.
            if let Some(done) = reply {
                let _ = done.send(());
            }
            if is_end {
                return;
            }
        }
    }

    async fn write(&self, store: &Store, world: &Arc<World>, counts: &Arc<Mutex<SessionCounts>>) {
        let (counts, its_world) = (Arc::clone(counts), Arc::clone(world));
        let written = store.ask(world, move |_| locked(&counts).write(&its_world, SystemClock.now())).await;
        if let Ok(Err(why)) = written {
            self.counters.store_troubles.one();
            warn!(why, "sessions for TLS reports are not written down");
        }
    }
}

fn locked(counts: &Mutex<SessionCounts>) -> MutexGuard<'_, SessionCounts> {
    // A panic in the middle of an entry leaves counts that are right, or one too few.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sessions under way, and counts that are not in the file yet.
#[derive(Debug, Default)]
struct SessionCounts {
    sessions: Sessions,
    tally: Tally,
}

impl SessionCounts {
    /// Counts an observation; returns whether the counts should be written now.
    fn count(&mut self, observation: Observation, cache: &Cache, now: UnixTime) -> bool {
        match observation {
            Observation::Event(event) => self.hear(*event, cache, now),
            Observation::Faults(domain, kind, mode, faults) => {
                let policy = applied(kind, mode, published(cache, &domain, kind).as_ref());
                for (host, result) in faults {
                    let policy = policy.clone();
                    let (day, ended) = (Day::of(now), Ended::Failed(result));
                    let row =
                        Row { day, domain: domain.clone(), policy, host, address: None, from: None, ended };
                    let _ = self.tally.count(row, 1);
                }
            }
        }
        self.tally.is_full()
    }

    fn hear(&mut self, event: Event, cache: &Cache, now: UnixTime) {
        let Some(outcome) = self.sessions.hear(&event, now) else { return };
        let Event { session, answered, .. } = event;
        let published = published(cache, &session.domain, outcome.policy);
        // Where a policy only asks for reports, mail may go to a host that it does not permit.
        let is_strange = published.as_ref().is_some_and(|stored| {
            stored.policy.mode() == Mode::Testing && !stored.policy.permits(&session.host)
        });
        let ended = match outcome.ended {
            Ended::Encrypted if is_strange => Ended::Failed(ResultType::ValidationFailure),
            ended => ended,
        };
        let policy = applied(outcome.policy, answered.mode, published.as_ref());
        let row = Row {
            day: Day::of(now),
            domain: session.domain,
            policy,
            host: Some(session.host),
            address: Some(session.address),
            from: session.from,
            ended,
        };
        let _ = self.tally.count(row, 1);
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
fn published(cache: &Cache, domain: &PolicyDomain, kind: PolicyType) -> Option<StoredPolicy> {
    let policies = cache.stored(domain).ok()?;
    match kind {
        PolicyType::MtaSts => policies.mta_sts,
        PolicyType::SmtpSts => policies.smtp_sts,
        PolicyType::Dane | PolicyType::None | PolicyType::Override => None,
    }
}

/// What sessions are counted under: the policy itself if it is at hand.
fn applied(kind: PolicyType, mode: Mode, published: Option<&StoredPolicy>) -> Applied {
    match published {
        Some(stored) => Applied::new(kind, stored.policy.mode(), &stored.policy.to_text()),
        None => Applied::new(kind, mode, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Anchors, Authorities, CachePath, Circumstances, Memory as _};
    use crate::policy::{Authentication, Dialect, Policy};
    use crate::reports::event::{Answered, Happening, Proof, Session};
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

    fn encrypted(host: &str) -> Event {
        Event {
            session: Session {
                process: 1,
                domain: PolicyDomain::parse("example.org").unwrap(),
                host: MxHost::from_text(host).unwrap(),
                address: "192.0.2.25".parse().unwrap(),
                from: None,
            },
            answered: Answered { policy: PolicyType::MtaSts, mode: Mode::Enforce, tls: Tls::WebPki },
            happening: Happening::Encrypted(Proof::Authority),
        }
    }

    fn counted(counts: &mut SessionCounts) -> Vec<(String, String, &'static str, u64)> {
        let shown = |(row, number): (Row, u64)| {
            let host = row.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
            (host, row.policy.text, row.ended.word(), number)
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
            counts.count(Observation::Event(Box::new(encrypted(host))), &cache, NOW);
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
        let faults = vec![
            (None, ResultType::StsWebpkiInvalid),
            (Some(MxHost::from_text("mx.example.org").unwrap()), ResultType::DnssecInvalid),
        ];
        counts.count(Observation::Faults(domain, PolicyType::MtaSts, Mode::None, faults), &cache, NOW);
        let words: Vec<_> = counted(&mut counts).into_iter().map(|(host, _, word, _)| (host, word)).collect();
        let expected = [("-", "sts-webpki-invalid"), ("mx.example.org", "dnssec-invalid")];
        assert_eq!(words, expected.map(|(host, word)| (host.to_owned(), word)));
    }
}
