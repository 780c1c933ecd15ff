//! The engine: answers what is warm at once, and has everything else looked up, once, however many ask.
//!
//! What is warm is what memory would say: it is forgotten when its time is over, when anything is written about its domain,
//! when others change the files, and when the world is exchanged.

use super::answer::Answer;
use super::clerk::Clerk;
use super::counters::Source;
use super::desk::{Desk, Landed, News, Order};
use super::look_up::late;
use super::question::Question;
use super::store::{Gone, Revision};
use super::warm::Warm;
use super::world::World;
use crate::cache::Outlook;
use crate::limits::MAX_FLIGHTS;
use crate::reason::Reason;
use crate::reports::event::{Event, Session};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Handshake;
use crate::verify::NoInquiry;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};

/// Whoever answers questions: the engine, or a test with a map.
pub trait Answers {
    /// The answer, if it is at hand.
    fn at_once(&self, question: &Question) -> Option<Arc<Answer>>;

    /// The answer, within the time that an asker has; and where it came from.
    fn answer(&self, question: Question) -> impl Future<Output = (Arc<Answer>, Source)>;

    /// Takes notice of what Exim saw; nobody waits for it.
    fn noticed(&self, event: Box<Event>) {
        drop(event);
    }
}

/// The engine. It lives on the front's thread.
#[derive(Debug)]
pub struct Engine {
    desk: Desk,
    clerk: Clerk,
    warm: RefCell<Warm>,
    /// The look-ups that are under way, by their numbers.
    flights: RefCell<HashMap<u64, Flight>>,
    /// Those that whoever asks now shares.
    shared: RefCell<HashMap<Question, u64>>,
    numbers: Cell<u64>,
    /// Where the store is, as far as the engine has heard.
    revision: Cell<Revision>,
}

/// A look-up that is under way.
#[derive(Debug)]
struct Flight {
    question: Question,
    handshake: Handshake,
    world: Arc<World>,
    /// Dropped before the end, it says that the look-up failed.
    told: watch::Sender<Told>,
}

/// What the askers of a look-up have been told.
#[derive(Clone, Debug, Default)]
struct Told {
    /// What there is to say now.
    answer: Option<Arc<Answer>>,
    /// Whether nothing else will come.
    is_last: bool,
}

impl Engine {
    /// An engine that knows nothing yet, at that desk, whose news it hears. It has to be made where local tasks can be begun.
    #[must_use]
    pub fn new(desk: Desk, news: mpsc::UnboundedReceiver<News>, clerk: Clerk) -> Rc<Self> {
        let engine = Rc::new(Self {
            desk,
            clerk,
            warm: RefCell::default(),
            flights: RefCell::default(),
            shared: RefCell::default(),
            numbers: Cell::default(),
            revision: Cell::default(),
        });
        spawn_local(hear(Rc::downgrade(&engine), news));
        engine
    }

    /// Exchanges the world: what was answered under the old one is forgotten, and nobody shares its look-ups any more.
    pub fn renew(&self, world: Arc<World>) {
        self.clerk.renew(Arc::clone(&world));
        self.desk.renew(world);
        self.shared.borrow_mut().clear();
        self.warm.borrow_mut().clear();
    }

    /// Who is asked, for the pages.
    #[must_use]
    pub fn name_servers(&self) -> Vec<SocketAddr> {
        self.desk.world().dns.servers.clone()
    }

    /// How many answers are at hand, for the pages.
    #[must_use]
    pub fn warm_answers(&self) -> usize {
        self.warm.borrow().len()
    }

    /// The policies in force, at most so many of them by name, for the pages.
    ///
    /// # Errors
    /// Why the store does not tell, in words.
    pub async fn outlook(&self, most: u32) -> Result<Outlook, String> {
        match self.desk.store().ask(&self.desk.world(), move |cache| cache.outlook(most)).await {
            Ok(told) => told.map_err(|trouble| trouble.to_string()),
            Err(Gone) => Err("the store has gone".to_owned()),
        }
    }

    /// Exim verified the certificate of a host: a policy that was taken on first use is applied now, and binds (draft
    /// section 3.3).
    pub fn verified(&self, question: Question) {
        let known = self.at_once(&question);
        if question.host.is_some() && known.is_none_or(|answer| answer.reason == Reason::FirstUse) {
            self.begin(question, Handshake::Verified);
        }
    }

    /// Waits until what was counted is written down.
    pub async fn write_down(&self) {
        self.clerk.write_down().await;
    }

    /// Comes back when desk and store have had their turn; if one of them hangs, never.
    pub async fn pulse(&self) {
        self.desk.pulse().await;
    }

    /// Comes back when the store has done all that it was told before.
    pub async fn settled(&self) {
        self.desk.settled().await;
    }

    /// Waits until a thread is gone, which takes a mistake of ours; tells which.
    pub async fn lost(&self) -> &'static str {
        self.desk.lost().await
    }

    /// The look-up of that question that is under way, begun now if there is none, and whether it is shared; `None` if the desk
    /// does not hear.
    fn flight(&self, question: &Question) -> Option<(watch::Receiver<Told>, Source)> {
        let number = self.shared.borrow().get(question).copied();
        if let Some(flight) =
            number.and_then(|number| self.flights.borrow().get(&number).map(Flight::subscribe))
        {
            return Some((flight, Source::Shared));
        }
        let (number, told) = self.begin(question.clone(), Handshake::NotSeen)?;
        self.shared.borrow_mut().insert(question.clone(), number);
        Some((told, Source::LookUp))
    }

    fn begin(&self, question: Question, handshake: Handshake) -> Option<(u64, watch::Receiver<Told>)> {
        if self.flights.borrow().len() >= MAX_FLIGHTS {
            return None;
        }
        let number = self.numbers.get();
        self.numbers.set(number.wrapping_add(1));
        let world = self.desk.world();
        let order = Order { number, world: Arc::clone(&world), question: question.clone(), handshake };
        self.desk.order(order).ok()?;
        let (told, hears) = watch::channel(Told::default());
        self.flights.borrow_mut().insert(number, Flight { question, handshake, world, told });
        Some((number, hears))
    }

    fn heard(&self, news: News) {
        match news {
            News::Changed(domain) => self.warm.borrow_mut().forget(&domain),
            News::Landed(landed) => self.landed(landed),
            News::Lost(number) => drop(self.end(number)),
            News::Meanwhile(number, answer) => {
                if let Some(flight) = self.flights.borrow().get(&number) {
                    flight.told.send_modify(|told| told.answer = Some(answer));
                }
            }
            News::Pulse(revision) => self.is_at(revision),
            News::TurnedAway(number) => {
                if let Some(flight) = self.end(number) {
                    flight.told.send_modify(|told| told.is_last = true);
                }
            }
        }
    }

    /// The look-up is no longer under way.
    fn end(&self, number: u64) -> Option<Flight> {
        let flight = self.flights.borrow_mut().remove(&number)?;
        let mut shared = self.shared.borrow_mut();
        if shared.get(&flight.question) == Some(&number) {
            shared.remove(&flight.question);
        }
        Some(flight)
    }

    fn landed(&self, landed: Landed) {
        let Some(flight) = self.end(landed.number) else { return };
        flight.told.send_replace(Told { answer: Some(landed.answer), is_last: true });
        if landed.revision > self.revision.get() {
            self.is_at(landed.revision);
        }
        let mut warm = self.warm.borrow_mut();
        if landed.wrote {
            warm.forget(&flight.question.domain);
        }
        let is_todays =
            Arc::ptr_eq(&flight.world, &self.desk.world()) && landed.revision == self.revision.get();
        if let Some(standing) =
            landed.standing.filter(|_| is_todays && flight.handshake == Handshake::NotSeen)
        {
            warm.remember(&flight.question, standing);
        }
    }

    /// What was read of the files before others changed them counts no more.
    fn is_at(&self, revision: Revision) {
        if self.revision.replace(revision) != revision {
            self.warm.borrow_mut().clear();
        }
    }
}

impl Flight {
    fn subscribe(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }
}

/// Hears the news for as long as there is an engine. Without a desk nobody will ever be told anything.
async fn hear(engine: Weak<Engine>, mut news: mpsc::UnboundedReceiver<News>) {
    while let Some(news) = news.recv().await {
        match engine.upgrade() {
            Some(engine) => engine.heard(news),
            None => return,
        }
    }
    if let Some(engine) = engine.upgrade() {
        engine.flights.borrow_mut().clear();
    }
}

impl Answers for Rc<Engine> {
    fn at_once(&self, question: &Question) -> Option<Arc<Answer>> {
        Engine::at_once(self, question)
    }

    fn noticed(&self, event: Box<Event>) {
        if event.meets_the_draft() {
            let Session { domain, host, .. } = &event.session;
            self.verified(Question { domain: domain.clone(), host: Some(host.clone()) });
        }
        self.clerk.hear(event);
    }

    async fn answer(&self, question: Question) -> (Arc<Answer>, Source) {
        if let Some(answer) = self.at_once(&question) {
            return (answer, Source::Warm);
        }
        let deadline = Instant::now() + self.desk.world().answer_within;
        let defer =
            |reason, why: &str| Arc::new(Answer::of(&NoInquiry::defer(reason, why).into(), &question));
        let Some((mut told, from)) = self.flight(&question) else {
            return (defer(Reason::Deadline, "too many questions wait already"), Source::Deadline);
        };
        let ended = timeout_at(deadline, told.wait_for(|told| told.is_last)).await.map(|told| told.is_ok());
        let said = told.borrow().answer.clone();
        match (ended, said) {
            (Ok(false), _) => (defer(Reason::Internal, "the look-up ended without an answer"), from),
            (Ok(true), Some(answer)) => (answer, from),
            (Ok(true), None) => (defer(Reason::Deadline, "too many look-ups wait already"), Source::Deadline),
            (Err(_), Some(answer)) => (answer, Source::Deadline),
            (Err(_), None) => (Arc::new(Answer::of(&late(), &question)), Source::Deadline),
        }
    }
}

impl Engine {
    fn at_once(&self, question: &Question) -> Option<Arc<Answer>> {
        self.warm.borrow_mut().recall(question, SystemClock.now())
    }
}
