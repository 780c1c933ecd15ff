//! The front: a task for each [`connection`], of which the [`connection_limiter`] bounds the
//! number. A [`codec`] reads and writes its protocol; [`http`] serves the pages, for which [`status_query`] asks all threads.

pub mod codec;
pub mod connection;
pub mod connection_limiter;
pub mod http;
pub mod status_query;

use self::connection_limiter::{ConnectionLimiter, ConnectionPermit};
use self::http::Pages;
use crate::cache::WithheldAnswer;
use crate::limits::{
    ACCEPT_PAUSE, DRAIN_GRACE, MAX_PENDING_LOOK_UPS, MAX_QUEUED_REQUESTS, MAX_WITHHELD_UNWRITTEN,
    PEER_TOLD_AFTER, READ_OCTETS,
};
use crate::name::MxHost;
use crate::reason::Reason;
use crate::resources::is_want_of_resources;
use crate::serve::answer::MtaAnswer;
use crate::serve::engine::Answers;
use crate::serve::listen::Listening;
use crate::serve::listen::stream::Stream;
use crate::serve::protocol::question::Question;
use crate::serve::telemetry::counters::{Counters, Cutting, Mta, Protocol, Source};
use crate::serve::telemetry::log_limiter::{Lines, LogLimiter};
use crate::serve::telemetry::messages::{DEBUGGED, MAIL_IS_REFUSED, MAIL_WAITS};
use crate::serve::telemetry::recent::Recent;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verdict::Verdict;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

/// What all connections share.
#[derive(Debug)]
pub struct Front<A> {
    /// Who answers.
    pub answers: A,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// Refusals and defers of late.
    pub recent: RefCell<Recent>,
    /// Why an older configuration than that of the file is in force; `None`: the file's is.
    pub older: RefCell<Option<Rc<str>>>,
    /// Answers that withheld mail, on their way into their file.
    pub unwritten: RefCell<Vec<WithheldAnswer>>,
    answer_log: RefCell<LogLimiter>,
    is_closing: Cell<bool>,
    told: Cell<Option<Instant>>,
    told_of_want: Cell<Option<Instant>>,
    /// How many requests of all connections are under way.
    under_way: Cell<usize>,
    /// Those who have more to do than a turn wait here.
    turns: Semaphore,
    /// Where octets are read into, and where answers are written from; neither is kept from one poll to the next.
    pub(crate) heard: RefCell<Box<[u8]>>,
    pub(crate) said: RefCell<Vec<u8>>,
}

impl<A> Front<A> {
    /// A front before its first connection.
    #[must_use]
    pub fn new(answers: A, counters: Arc<Counters>) -> Rc<Self> {
        let heard = RefCell::new(vec![0; READ_OCTETS].into_boxed_slice());
        Rc::new(Self {
            answers,
            counters,
            recent: RefCell::default(),
            older: RefCell::default(),
            unwritten: RefCell::default(),
            answer_log: RefCell::default(),
            is_closing: Cell::new(false),
            told: Cell::new(None),
            told_of_want: Cell::new(None),
            under_way: Cell::new(0),
            turns: Semaphore::new(1),
            heard,
            said: RefCell::default(),
        })
    }

    /// How many requests a connection may have under way: fewer, where all of them together have many.
    pub(crate) const fn most_under_way(&self) -> usize {
        if self.under_way.get() < MAX_PENDING_LOOK_UPS / 2 { MAX_QUEUED_REQUESTS } else { 1 }
    }

    /// Returns when it is the turn of one who has more to do than others, in their order: between two of them everybody else has
    /// one, so whoever asks for little waits for one of them, not for all.
    pub(crate) async fn turn(&self) {
        let _one_at_a_time = self.turns.acquire().await;
        yield_now().await;
    }

    /// One request more is under way, until this is dropped.
    pub(crate) fn one_under_way(self: &Rc<Self>) -> UnderWay<A> {
        self.under_way.set(self.under_way.get().saturating_add(1));
        UnderWay(Rc::clone(self))
    }

    /// From now on a connection ends with the answers that it waits for.
    pub fn close(&self) {
        self.is_closing.set(true);
    }

    /// Whether it does.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// Ends a connection for its peer's fault: that is counted, and told now and then.
    pub(crate) fn cut(&self, stream: &Stream, protocol: Protocol, why: Cutting) {
        self.counters.connections_ended.of(protocol).of(why).one();
        if is_due(&self.told) {
            let (peer, protocol, why) = (stream.to_string(), protocol.word(), why.word());
            warn!(
                peer,
                protocol, why, "a connection was ended for its peer's fault; others may not be logged"
            );
        }
    }
}

/// Whether something may be told that was told last at that time; then it is told now.
fn is_due(told: &Cell<Option<Instant>>) -> bool {
    let is_due = told.get().is_none_or(|told| told.elapsed() >= PEER_TOLD_AFTER);
    if is_due {
        told.set(Some(Instant::now()));
    }
    is_due
}

/// A request that is under way.
pub(crate) struct UnderWay<A>(Rc<Front<A>>);

impl<A> Drop for UnderWay<A> {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get().saturating_sub(1));
    }
}

impl<A: Answers> Front<A> {
    /// Takes down an answer that leaves.
    pub fn answered(&self, to: Mta, question: &Question, answer: &MtaAnswer, from: Source, after: Duration) {
        self.counters.answered(to, answer.verdict, answer.reason, from, after);
        let is_debugged = self.answers.is_debugged(&question.domain);
        if answer.reason == Reason::OutOfResources {
            self.tell_of_want();
        }
        if answer.verdict != Verdict::Deliver {
            let now = SystemClock.now();
            self.recent.borrow_mut().answered(question, answer, now);
            self.keep(to, question, answer, now);
            let telling = self.answer_log.borrow_mut().of(question, answer, now);
            if let Some(told) = telling.lines(is_debugged) {
                self.tell(to, question, answer, (from, after), told, is_debugged);
            }
        } else if is_debugged {
            self.tell(to, question, answer, (from, after), Lines::default(), true);
        }
    }

    /// Says now and then what helps where look-ups end for want of descriptors.
    fn tell_of_want(&self) {
        if is_due(&self.told_of_want) {
            warn!(
                "mail waits because this machine has no descriptors, memory or ports left to ask with: raise LimitNOFILE= of the service; \
                 others may not be logged"
            );
        }
    }

    /// Keeps an answer for its file; what was answered a moment ago is counted there.
    fn keep(&self, to: Mta, question: &Question, answer: &MtaAnswer, now: UnixTime) {
        let mut unwritten = self.unwritten.borrow_mut();
        let one = WithheldAnswer {
            domain: question.domain.clone(),
            host: question.host.clone(),
            asker: to.protocol().word().to_owned(),
            verdict: answer.verdict,
            reason: answer.reason,
            first: now,
            last: now,
            times: 1,
        };
        let is_same = |other: &&mut WithheldAnswer| {
            (&other.domain, &other.host, &other.asker) == (&one.domain, &one.host, &one.asker)
                && (other.verdict, other.reason) == (one.verdict, one.reason)
        };
        if let Some(same) = unwritten.iter_mut().find(is_same) {
            (same.last, same.times) = (now, same.times.saturating_add(1));
        } else if unwritten.len() < MAX_WITHHELD_UNWRITTEN {
            unwritten.push(one);
        }
    }

    /// One line of the log about an answer.
    fn tell(
        &self,
        to: Mta,
        question: &Question,
        answer: &MtaAnswer,
        how: (Source, Duration),
        lines: Lines,
        is_debugged: bool,
    ) {
        let domain = question.domain.as_str();
        let host = question.host.as_ref().map_or("-", MxHost::as_str);
        let asked = question.asked();
        let (reason, by) = (answer.reason.word(), to.protocol().word());
        let (from, took) = (how.0.word(), format!("{} ms", how.1.as_millis()));
        let configuration = if self.older.borrow().is_some() { "older" } else { "current" };
        let Lines { again, others } = lines;
        macro_rules! tell {
            ($target:expr, $id:expr, $words:literal) => {
                warn!(
                    target: $target, message_id = $id, domain, host, reason, asked, by, took, from, configuration,
                    again, others, $words
                )
            };
        }
        match (answer.verdict, is_debugged) {
            (Verdict::Defer, false) => tell!(module_path!(), MAIL_WAITS, "mail waits"),
            (Verdict::Defer, true) => tell!(DEBUGGED, MAIL_WAITS, "mail waits"),
            (Verdict::Refuse, false) => {
                tell!(module_path!(), MAIL_IS_REFUSED, "mail is refused at this host")
            }
            (Verdict::Refuse, true) => tell!(DEBUGGED, MAIL_IS_REFUSED, "mail is refused at this host"),
            (Verdict::Deliver, _) => {
                info!(target: DEBUGGED, domain, host, reason, asked, by, took, from, configuration, "mail may go");
            }
        }
    }
}

/// Serves Exim or Postfix there, as the place wants it, until `stop` is set.
pub async fn attend<A: Answers + Clone + 'static>(
    listening: Listening,
    place: usize,
    limiter: Rc<ConnectionLimiter>,
    front: Rc<Front<A>>,
    pages: impl Pages + Clone + 'static,
    stop: watch::Receiver<bool>,
) {
    let counters = Arc::clone(&front.counters);
    match listening.protocol {
        Protocol::Exim => {
            let serve =
                |stream, permit| connection::serve::<codec::Exim, A>(stream, permit, Rc::clone(&front));
            welcome(listening, place, limiter, counters, stop, serve).await;
        }
        Protocol::Postfix => {
            let serve =
                |stream, permit| connection::serve::<codec::Postfix, A>(stream, permit, Rc::clone(&front));
            welcome(listening, place, limiter, counters, stop, serve).await;
        }
        Protocol::Http => {
            let serve =
                |stream, permit| http::serve(stream, permit, pages.clone(), Arc::clone(&front.counters));
            welcome(listening, place, limiter, counters, stop, serve).await;
        }
    }
}

/// Accepts connections and has them served, until `stop` is set: then a place of ours is withdrawn, and connections
/// made by then are still served. A place that was handed over stays, and new connections wait for the next process.
///
/// Nobody waits for long to be accepted, and the other places have a turn after each: the system keeps those who wait in the order in
/// which they came, so whoever is behind a thousand others is known only when these have been let in.
pub async fn welcome<F: Future<Output = ()> + 'static>(
    mut listening: Listening,
    place: usize,
    limiter: Rc<ConnectionLimiter>,
    counters: Arc<Counters>,
    mut stop: watch::Receiver<bool>,
    serve: impl Fn(Stream, ConnectionPermit) -> F,
) {
    let mut end = None;
    let mut is_in_trouble = false;
    loop {
        let accepted = match end {
            Some(end) => match timeout_at(end, listening.accept()).await {
                Ok(accepted) => accepted,
                Err(_) => return,
            },
            None => match select(pin!(listening.accept()), pin!(stop.wait_for(|stop| *stop))).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(_) if listening.is_handed_over => return,
                Either::Right(_) => {
                    end = Some(Instant::now() + DRAIN_GRACE);
                    Err(ErrorKind::Interrupted.into())
                }
            },
        };
        if end.is_some() {
            listening.withdraw();
        }
        match accepted {
            Ok(stream) => {
                if std::mem::take(&mut is_in_trouble) {
                    info!(place = listening.place, "connections are accepted again");
                }
                counters.connections.of(listening.protocol).one();
                let peer = stream.peer(place);
                limiter.acquire(listening.protocol, peer).await.occupy(|permit| serve(stream, permit));
                yield_now().await;
            }
            // Its peer has left already.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            // Whoever is idle, or has waited for long, gives up his descriptor.
            Err(error) if is_want_of_resources(&error) && limiter.make_room() => {
                counters.accept_errors.one();
                yield_now().await;
            }
            Err(error) => {
                counters.accept_errors.one();
                if !std::mem::replace(&mut is_in_trouble, true) {
                    let why = error.to_string();
                    warn!(place = listening.place, why, "connections cannot be accepted; they wait");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
