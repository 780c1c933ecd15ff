//! The engine: answers from the answer cache at once, and has everything else looked up, once for all clients that ask.
//!
//! A cached answer is what the files would say: it is dropped when its time is over, when anything is written about its
//! domain, when others change the files, and when the world is exchanged. Beside it, the last answer about each domain that
//! may stand in ([`crate::verify::StandIn`]) is kept for when a later look-up does not end in time: never over what the cache
//! says of a policy, never after a reload or after others changed the files.

use crate::cache::{Cache, Outlook, WithheldAnswer, WithheldAnswers};
use crate::config::Rules;
use crate::limits::MAX_PENDING_LOOK_UPS;
use crate::name::PolicyDomain;
use crate::overrides::Decreed;
use crate::policy::Mechanisms;
use crate::reason::Reason;
use crate::reports::event::{Event, Session};
use crate::resources;
use crate::resources::aside;
use crate::serve::answer::MtaAnswer;
use crate::serve::answer::cache::AnswerCache;
use crate::serve::event::{CompletedLookup, WorkerEvent};
use crate::serve::look_up::late;
use crate::serve::look_up::worker::{LookupOrder, LookupWorker};
use crate::serve::protocol::question::Question;
use crate::serve::protocol::services::Services;
use crate::serve::protocol::socketmap::AtService;
use crate::serve::seats::asker::Asker;
use crate::serve::store::{Gone, Revision};
use crate::serve::telemetry::counters::{Overload, Source};
use crate::serve::telemetry::status::Reports;
use crate::serve::tlsrpt::recorder::TlsrptRecorder;
use crate::serve::world::World;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Handshake;
use crate::verify::{NoEvaluation, StandIn};
use futures_util::future::join;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// What answers questions: the engine, or a map in a test.
pub trait Answers {
    /// The answer, if it is at hand.
    fn at_once(&self, question: &Question) -> Option<Arc<MtaAnswer>>;

    /// The answer, within the time that an asker has; and where it came from.
    fn answer(&self, asker: Asker, question: Question) -> impl Future<Output = (Arc<MtaAnswer>, Source)>;

    /// The mechanisms that are asked for and applied.
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::default()
    }

    /// Whether the log tells all about that domain.
    fn is_debugged(&self, domain: &PolicyDomain) -> bool {
        let _ = domain;
        false
    }

    /// The question at the port of a service.
    ///
    /// # Errors
    /// The reply, where no service has that name.
    fn at_service(&self, named: AtService) -> Result<Question, &'static str> {
        named.question(&Services::default(), None)
    }

    /// Takes notice of what Exim saw; nobody waits for it.
    fn noticed(&self, asker: Asker, event: Box<Event>) {
        drop((asker, event));
    }
}

/// The engine. It lives on the front's thread.
#[derive(Debug)]
pub struct Engine {
    worker: LookupWorker,
    tlsrpt_recorder: TlsrptRecorder,
    answer_cache: RefCell<AnswerCache>,
    /// What is said where an answer does not come in time.
    stand_ins: RefCell<AnswerCache>,
    /// The look-ups that are under way, by their numbers.
    pending: RefCell<HashMap<u64, PendingLookup>>,
    /// The same by what they are about.
    by_domain: RefCell<HashMap<PolicyDomain, HashSet<u64>>>,
    /// Those that a new client shares.
    shared: RefCell<HashMap<Question, u64>>,
    numbers: Cell<u64>,
    /// Where the store is, as far as the engine has heard.
    revision: Cell<Revision>,
}

/// A look-up that is under way.
#[derive(Debug)]
struct PendingLookup {
    question: Question,
    handshake: Handshake,
    world: Arc<World>,
    /// Something was written about its domain since it was ordered, so it may have read what was there before: its answer stands for nobody else.
    is_outrun: bool,
    /// Dropped before the end, it says that the look-up failed.
    progress: watch::Sender<LookupProgress>,
}

/// What the clients of a look-up know so far.
#[derive(Clone, Debug, Default)]
struct LookupProgress {
    /// What there is to say now.
    answer: Option<Arc<MtaAnswer>>,
    /// Whether an earlier answer may stand in for that.
    stand_in: StandIn,
    /// Whether nothing else will come.
    is_last: bool,
    /// Whether nothing was asked.
    is_unbegun: bool,
}

/// One who asks for a look-up. When the last one leaves, the worker is told.
struct Asking<'a> {
    engine: &'a Engine,
    number: u64,
    progress: Option<watch::Receiver<LookupProgress>>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.progress = None;
        let pending = self.engine.pending.borrow();
        if pending.get(&self.number).is_some_and(|lookup| lookup.progress.receiver_count() == 0) {
            self.engine.worker.abandon(self.number);
        }
    }
}

impl Engine {
    /// An engine with an empty answer cache, over that worker and its events. It has to be made where local tasks can
    /// be spawned.
    #[must_use]
    pub fn new(
        worker: LookupWorker,
        events: mpsc::UnboundedReceiver<WorkerEvent>,
        tlsrpt_recorder: TlsrptRecorder,
    ) -> Rc<Self> {
        let engine = Rc::new(Self {
            worker,
            tlsrpt_recorder,
            answer_cache: RefCell::default(),
            stand_ins: RefCell::default(),
            pending: RefCell::default(),
            by_domain: RefCell::default(),
            shared: RefCell::default(),
            numbers: Cell::default(),
            revision: Cell::default(),
        });
        spawn_local(hear(Rc::downgrade(&engine), events));
        engine
    }

    /// The same after the configuration was read again.
    pub fn reload(&self, world: World) {
        self.renew(Arc::new(world.after(&self.worker.world())));
    }

    /// Exchanges the world: what was answered under the old one is forgotten, and nobody shares its look-ups any more.
    pub fn renew(&self, world: Arc<World>) {
        self.tlsrpt_recorder.renew(Arc::clone(&world));
        self.worker.renew(world);
        self.shared.borrow_mut().clear();
        self.forget_all();
    }

    /// What the fleet's operator has decreed counts from now on, as after a reload.
    fn obey(&self, decreed: Decreed) {
        let world = self.worker.world();
        if world.fleet.is_none() {
            // It was left while this was on its way.
            return;
        }
        let rules = Rules { decreed, ..world.rules.clone() };
        self.renew(Arc::new(World { rules, ..World::clone(&world) }));
    }

    fn forget_all(&self) {
        self.answer_cache.borrow_mut().clear();
        self.stand_ins.borrow_mut().clear();
    }

    fn forget(&self, domain: &PolicyDomain) {
        self.answer_cache.borrow_mut().forget(domain);
        self.stand_ins.borrow_mut().forget(domain);
    }

    /// Something was written about a domain: a domain's lock is given back by look-ups that take long, so others may be under way.
    fn outrun(&self, domain: &PolicyDomain) {
        let mut pending = self.pending.borrow_mut();
        for number in self.by_domain.borrow().get(domain).into_iter().flatten() {
            if let Some(lookup) = pending.get_mut(number) {
                lookup.is_outrun = true;
            }
        }
    }

    /// Who is asked, for the pages.
    #[must_use]
    pub fn name_servers(&self) -> Vec<SocketAddr> {
        self.worker.world().dns.servers.clone()
    }

    /// How many answers are at hand, for the pages.
    #[must_use]
    pub fn cached_answers(&self) -> usize {
        self.answer_cache.borrow().len()
    }

    /// The policies in force, at most so many of them by name, and the reports that leave, for the pages.
    ///
    /// # Errors
    /// Why the store does not answer, in words.
    pub async fn outlook(&self, most: u32) -> Result<(Outlook, Reports), String> {
        let world = self.worker.world();
        let its = Arc::clone(&world);
        // The outbox is no file of the store's: whoever writes there keeps no answer waiting.
        let reports = aside(move || its.reports(SystemClock.now()));
        let outlook = self.worker.store().ask(&world, move |cache: &Cache| cache.outlook(most));
        match join(outlook, reports).await {
            (Ok(outlook), Ok(reports)) => {
                outlook.map(|outlook| (outlook, reports)).map_err(|trouble| trouble.to_string())
            }
            (Err(Gone), _) => Err("the store has gone".to_owned()),
            (_, Err(error)) => {
                Err(format!("the outbox of reports was not read: {}", resources::of_a_start(&error)))
            }
        }
    }

    /// Exim verified the certificate of a host: a policy that was taken on first use is applied now, and binds (draft
    /// section 3.3).
    pub fn verified(&self, asker: Asker, question: Question) {
        let known = self.at_once(&question);
        // Those who report keep no room from those who wait.
        let is_room = self.pending.borrow().len() < MAX_PENDING_LOOK_UPS / 2;
        if question.host.is_some() && known.is_none_or(|answer| answer.reason == Reason::FirstUse) && is_room
        {
            self.begin(asker, question, Handshake::Verified);
        }
    }

    /// Writes down answers that withheld mail, and waits until that is done.
    pub async fn keep_withheld(&self, answers: Vec<WithheldAnswer>) {
        let world = self.worker.world();
        let storage = world.storage.clone();
        let kept = self.worker.store().ask(&world, move |cache| {
            let is_known =
                |domain: &PolicyDomain| cache.stored(domain).is_ok_and(|stored| !stored.is_empty());
            let answers: Vec<_> = answers
                .into_iter()
                .map(|answer| (is_known(&answer.domain), answer))
                .map(|(is, one)| (one, is))
                .collect();
            WithheldAnswers::beside(&storage.path, storage.max_domains, SystemClock.now()).add(&answers)
        });
        // A store that is gone ends the daemon.
        if let Ok(Err(trouble)) = kept.await {
            let why = trouble.to_string();
            warn!(why, "answers that withheld mail are not written down; cache history will lack them");
        }
    }

    /// Waits until what was counted is written down.
    pub async fn write_down(&self) {
        self.tlsrpt_recorder.write_down().await;
    }

    /// Returns when the lookup worker and the store have run; never, if one of them hangs.
    pub async fn pulse(&self) {
        self.worker.pulse().await;
    }

    /// Returns when the store has done all earlier errands.
    pub async fn settled(&self) {
        self.worker.settled().await;
    }

    /// Waits until a thread is gone, which takes a bug; returns its name.
    pub async fn lost(&self) -> &'static str {
        self.worker.lost().await
    }

    /// The look-up of that question that is under way, begun now if there is none, and whether it is shared; `None` if the worker
    /// takes no more orders.
    fn lookup(&self, asker: Asker, question: &Question) -> Option<(Asking<'_>, Source)> {
        let number = self.shared.borrow().get(question).copied();
        if let Some((number, progress)) = number.and_then(|number| {
            self.pending.borrow().get(&number).map(|lookup| (number, lookup.progress.subscribe()))
        }) {
            self.worker.join(number, asker);
            return Some((Asking { engine: self, number, progress: Some(progress) }, Source::Shared));
        }
        let (number, progress) = self.begin(asker, question.clone(), Handshake::NotSeen)?;
        self.shared.borrow_mut().insert(question.clone(), number);
        Some((Asking { engine: self, number, progress: Some(progress) }, Source::LookUp))
    }

    fn begin(
        &self,
        asker: Asker,
        question: Question,
        handshake: Handshake,
    ) -> Option<(u64, watch::Receiver<LookupProgress>)> {
        if self.pending.borrow().len() >= MAX_PENDING_LOOK_UPS {
            return None;
        }
        let number = self.numbers.get();
        self.numbers.set(number.wrapping_add(1));
        let world = self.worker.world();
        let order =
            LookupOrder { number, world: Arc::clone(&world), asker, question: question.clone(), handshake };
        self.worker.order(order).ok()?;
        let (progress, receiver) = watch::channel(LookupProgress::default());
        self.by_domain.borrow_mut().entry(question.domain.clone()).or_default().insert(number);
        let lookup = PendingLookup { question, handshake, world, is_outrun: false, progress };
        self.pending.borrow_mut().insert(number, lookup);
        Some((number, receiver))
    }

    fn handle(&self, event: WorkerEvent) {
        match event {
            WorkerEvent::Decreed(decreed) => self.obey(decreed),
            WorkerEvent::DomainChanged(domain) => {
                self.forget(&domain);
                self.outrun(&domain);
            }
            WorkerEvent::Completed(completed) => self.completed(completed),
            WorkerEvent::Failed(number) => drop(self.end(number)),
            WorkerEvent::Interim(number, answer, stand_in) => {
                if let Some(lookup) = self.pending.borrow().get(&number) {
                    lookup.progress.send_modify(|progress| {
                        (progress.answer, progress.stand_in) = (Some(answer), stand_in);
                    });
                }
            }
            WorkerEvent::Pulse(revision) => self.is_at(revision),
            WorkerEvent::Rejected(number) => {
                if let Some(lookup) = self.end(number) {
                    lookup.progress.send_modify(|progress| {
                        (progress.is_last, progress.is_unbegun) = (true, true);
                    });
                }
            }
        }
    }

    /// The look-up is no longer under way.
    fn end(&self, number: u64) -> Option<PendingLookup> {
        let lookup = self.pending.borrow_mut().remove(&number)?;
        if let Entry::Occupied(mut numbers) =
            self.by_domain.borrow_mut().entry(lookup.question.domain.clone())
        {
            numbers.get_mut().remove(&number);
            if numbers.get().is_empty() {
                numbers.remove();
            }
        }
        let mut shared = self.shared.borrow_mut();
        if shared.get(&lookup.question) == Some(&number) {
            shared.remove(&lookup.question);
        }
        Some(lookup)
    }

    fn completed(&self, completed: CompletedLookup) {
        let Some(lookup) = self.end(completed.number) else { return };
        lookup.progress.send_replace(LookupProgress {
            answer: Some(completed.answer),
            stand_in: StandIn::Impossible,
            is_last: true,
            is_unbegun: false,
        });
        if completed.revision > self.revision.get() {
            self.is_at(completed.revision);
        }
        if completed.wrote {
            self.answer_cache.borrow_mut().forget(&lookup.question.domain);
            self.outrun(&lookup.question.domain);
        }
        if completed.stand_in.is_none() {
            self.stand_ins.borrow_mut().forget(&lookup.question.domain);
        }
        let is_todays =
            Arc::ptr_eq(&lookup.world, &self.worker.world()) && completed.revision == self.revision.get();
        if !is_todays || lookup.is_outrun || lookup.handshake != Handshake::NotSeen {
            return;
        }
        for (cache, one) in [(&self.answer_cache, completed.standing), (&self.stand_ins, completed.stand_in)]
        {
            if let Some(one) = one {
                cache.borrow_mut().remember(&lookup.question, one);
            }
        }
    }

    /// What was read of the files before others changed them counts no more.
    fn is_at(&self, revision: Revision) {
        if self.revision.replace(revision) != revision {
            self.forget_all();
        }
    }
}

/// Handles the worker's events for as long as there is an engine. When the worker is gone, all pending look-ups end.
async fn hear(engine: Weak<Engine>, mut events: mpsc::UnboundedReceiver<WorkerEvent>) {
    while let Some(event) = events.recv().await {
        match engine.upgrade() {
            Some(engine) => engine.handle(event),
            None => return,
        }
    }
    if let Some(engine) = engine.upgrade() {
        engine.pending.borrow_mut().clear();
    }
}

impl Answers for Rc<Engine> {
    fn at_once(&self, question: &Question) -> Option<Arc<MtaAnswer>> {
        Engine::at_once(self, question)
    }

    fn mechanisms(&self) -> Mechanisms {
        self.worker.world().rules.mechanisms
    }

    fn is_debugged(&self, domain: &PolicyDomain) -> bool {
        self.worker.world().debugged.has(domain)
    }

    fn at_service(&self, named: AtService) -> Result<Question, &'static str> {
        let world = self.worker.world();
        let override_ = world.rules.override_of(named.domain(), SystemClock.now());
        named.question(&world.services, override_)
    }

    fn noticed(&self, asker: Asker, event: Box<Event>) {
        if event.meets_the_draft() {
            let Session { domain, host, .. } = &event.session;
            self.verified(asker, Question::about(domain.clone(), Some(host.clone())));
        }
        self.tlsrpt_recorder.hear(event);
    }

    async fn answer(&self, asker: Asker, question: Question) -> (Arc<MtaAnswer>, Source) {
        let deadline = Instant::now() + self.worker.world().answer_within;
        let defer =
            |reason, why: &str| Arc::new(MtaAnswer::of(&NoEvaluation::defer(reason, why).into(), &question));
        loop {
            if let Some(answer) = self.at_once(&question) {
                return (answer, Source::Warm);
            }
            let Some((mut asking, from)) = self.lookup(asker, &question) else {
                self.worker.counters().overloads.of(Overload::Refused).one();
                return (defer(Reason::Deadline, "too many questions wait already"), Source::Deadline);
            };
            let Some(progress) = &mut asking.progress else { continue };
            let ended = timeout_at(deadline, progress.wait_for(|progress| progress.is_last))
                .await
                .map(|progress| progress.is_ok());
            let LookupProgress { answer: said, stand_in, is_unbegun, .. } = progress.borrow().clone();
            return match (ended, said) {
                (Ok(false), _) => (defer(Reason::Internal, "the look-up ended without an answer"), from),
                // Those who asked before had left, and it was not begun for them.
                (Ok(true), _) if is_unbegun => continue,
                (Ok(true), Some(answer)) => (answer, from),
                (Ok(true), None) => (defer(Reason::Internal, "the look-up ended without an answer"), from),
                (Err(_), Some(answer)) => {
                    let is_late = answer.reason == Reason::Deadline && stand_in == StandIn::Possible;
                    let recall = || self.stand_ins.borrow_mut().recall(&question, SystemClock.now());
                    (is_late.then(recall).flatten().unwrap_or(answer), Source::Deadline)
                }
                // Not even the cache has been read: there may be a policy in it.
                (Err(_), None) => (Arc::new(MtaAnswer::of(&late(), &question)), Source::Deadline),
            };
        }
    }
}

impl Engine {
    fn at_once(&self, question: &Question) -> Option<Arc<MtaAnswer>> {
        self.answer_cache.borrow_mut().recall(question, SystemClock.now())
    }
}
