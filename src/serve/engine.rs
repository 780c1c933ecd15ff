//! The engine: answers what is warm at once, and has everything else looked up, once, however many ask.

use super::answer::Answer;
use super::clerk::Clerk;
use super::desk::{Desk, Order, Stage};
use super::question::Question;
use super::store::Gone;
use super::warm::Warm;
use super::world::World;
use crate::cache::Outlook;
use crate::reason::Reason;
use crate::reports::event::{Event, Session};
use crate::time::{Clock as _, SystemClock};
use crate::verdict::Handshake;
use crate::verify::{NoInquiry, Report};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};

/// Whoever answers questions: the engine, or a test with a map.
pub trait Answers {
    /// The answer, if it is at hand.
    fn at_once(&self, question: &Question) -> Option<Arc<Answer>>;

    /// The answer, within the time that an asker has.
    fn answer(&self, question: Question) -> impl Future<Output = Arc<Answer>>;

    /// Takes notice of what Exim saw; nobody waits for it.
    fn noticed(&self, event: Box<Event>) {
        drop(event);
    }
}

/// The engine. It lives on the front's thread.
#[derive(Debug)]
pub struct Engine {
    world: RefCell<Arc<World>>,
    warm: RefCell<Warm>,
    flights: RefCell<HashMap<Question, watch::Receiver<Stage>>>,
    desk: Desk,
    /// Who counts what Exim tells, if anybody does.
    clerk: OnceCell<Clerk>,
}

impl Engine {
    /// An engine that knows nothing yet.
    #[must_use]
    pub fn new(world: Arc<World>, desk: Desk) -> Rc<Self> {
        Rc::new(Self {
            world: RefCell::new(world),
            warm: RefCell::default(),
            flights: RefCell::default(),
            desk,
            clerk: OnceCell::new(),
        })
    }

    /// Has what Exim tells counted from now on; the first clerk stays.
    pub fn counted_by(&self, clerk: Clerk) {
        let _ = self.clerk.set(clerk);
    }

    /// Waits until what was counted is written down.
    pub async fn write_down(&self) {
        if let Some(clerk) = self.clerk.get() {
            clerk.write_down().await;
        }
    }

    /// Exim verified the certificate of a host: a policy that was taken on first use is applied now, and binds (draft
    /// section 3.3).
    pub fn verified(self: &Rc<Self>, question: Question) {
        let known = self.at_once(&question);
        if question.host.is_none() || known.is_some_and(|answer| answer.reason != Reason::FirstUse) {
            return;
        }
        let (tell, mut told) = watch::channel(Stage::UnderWay);
        let world = Arc::clone(&self.world.borrow());
        let order = Order { world, question, handshake: Handshake::Verified, tell };
        if self.desk.order(order).is_ok() {
            let engine = Rc::clone(self);
            spawn_local(async move {
                landed(&mut told).await;
                engine.warm.borrow_mut().clear();
            });
        }
    }

    /// Exchanges the world: what was answered under the old one is forgotten.
    pub fn renew(&self, world: Arc<World>) {
        if let Some(clerk) = self.clerk.get() {
            clerk.renew(Arc::clone(&world));
        }
        *self.world.borrow_mut() = world;
        self.warm.borrow_mut().clear();
    }

    /// Who is asked, for the pages.
    #[must_use]
    pub fn name_servers(&self) -> Vec<SocketAddr> {
        self.world.borrow().name_servers.clone()
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
        let world = Arc::clone(&self.world.borrow());
        match self.desk.store().ask(&world, move |cache| cache.outlook(most)).await {
            Ok(told) => told.map_err(|trouble| trouble.to_string()),
            Err(Gone) => Err("the store has gone".to_owned()),
        }
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

    /// The look-up of that question that is under way, begun now if there is none; `None` if too many wait already.
    fn flight(self: &Rc<Self>, question: &Question) -> Option<watch::Receiver<Stage>> {
        if let Some(flight) = self.flights.borrow().get(question) {
            return Some(flight.clone());
        }
        let (tell, told) = watch::channel(Stage::UnderWay);
        let world = Arc::clone(&self.world.borrow());
        let order = Order { world, question: question.clone(), handshake: Handshake::NotSeen, tell };
        self.desk.order(order).ok()?;
        self.flights.borrow_mut().insert(question.clone(), told.clone());
        // The look-up goes on for the next asker, even if all of this one's have left.
        spawn_local(Rc::clone(self).follow(question.clone(), told.clone()));
        Some(told)
    }

    /// Waits for the end of a look-up and keeps its answer.
    async fn follow(self: Rc<Self>, question: Question, mut told: watch::Receiver<Stage>) {
        let began_under = Arc::clone(&self.world.borrow());
        let landed = landed(&mut told).await;
        self.flights.borrow_mut().remove(&question);
        if let Some(Stage::Landed { answer, from, until }) = landed
            && Arc::ptr_eq(&began_under, &self.world.borrow())
        {
            self.warm.borrow_mut().remember(question, answer, from, until);
        }
    }
}

/// The end of a look-up; `None` if it failed.
async fn landed(told: &mut watch::Receiver<Stage>) -> Option<Stage> {
    told.wait_for(|stage| matches!(stage, Stage::Landed { .. })).await.ok().map(|stage| stage.clone())
}

impl Answers for Rc<Engine> {
    fn noticed(&self, event: Box<Event>) {
        if event.meets_the_draft() {
            let Session { domain, host, .. } = &event.session;
            self.verified(Question { domain: domain.clone(), host: Some(host.clone()) });
        }
        if let Some(clerk) = self.clerk.get() {
            clerk.hear(event);
        }
    }

    fn at_once(&self, question: &Question) -> Option<Arc<Answer>> {
        self.warm.borrow_mut().recall(question, SystemClock.now())
    }

    async fn answer(&self, question: Question) -> Arc<Answer> {
        if let Some(answer) = self.at_once(&question) {
            return answer;
        }
        let deadline = Instant::now() + self.world.borrow().answer_within;
        let defer =
            |reason, why: &str| Arc::new(Answer::of(&Report::from(NoInquiry::defer(reason, why)), &question));
        let Some(mut told) = self.flight(&question) else {
            return defer(Reason::Deadline, "too many look-ups wait already");
        };
        match timeout_at(deadline, landed(&mut told)).await {
            Ok(Some(Stage::Landed { answer, .. })) => answer,
            Ok(_) => defer(Reason::Internal, "the look-up ended without an answer"),
            Err(_) => match &*told.borrow() {
                Stage::Meanwhile(answer) | Stage::Landed { answer, .. } => Arc::clone(answer),
                Stage::UnderWay => defer(Reason::Deadline, "the look-up takes longer than the asker waits"),
            },
        }
    }
}
