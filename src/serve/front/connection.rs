//! One connection: octets come, requests are found in them, answers go back in the order of the requests.
//!
//! A connection at rest has no buffer of its own. Octets are read into room that all connections share, and what is
//! answered at once is written from such room, too: one read and one write for a request. Only half a request, a look-up
//! under way, or an answer that the peer does not take makes a connection remember something, and each has its bound.

use super::Front;
use super::codec::{Codec, Request, Requests};
use super::connection_limiter::ConnectionPermit;
use crate::limits::{FRAME_DEADLINE, MAX_QUEUED_REQUESTS, WORK_WITHOUT_PAUSE, WRITE_DEADLINE};
use crate::serve::answer::Answer;
use crate::serve::engine::Answers;
use crate::serve::listen::stream::Stream;
use crate::serve::protocol::Frame;
use crate::serve::telemetry::counters::{Cutting, EventFate, Source, Thread};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

/// Why a connection ends before its peer ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// We cut it.
    Cut(Cutting),
    /// It broke.
    Lost,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// What goes back for a request.
enum Reply<Form> {
    Answer(Form, Arc<Answer>),
    Words(Cow<'static, str>),
}

type Waiting<Form> = FuturesOrdered<LocalBoxFuture<'static, Reply<Form>>>;

/// Serves a connection until it ends.
pub async fn serve<C: Codec, A: Answers + Clone + 'static>(
    stream: Stream,
    permit: ConnectionPermit,
    front: Rc<Front<A>>,
) {
    let counters = Arc::clone(&front.counters);
    let mut connection = Connection::<C, A> {
        stream,
        permit,
        front,
        heard: Vec::new(),
        due: None,
        unsent: Vec::new(),
        waiting: None,
        works_since: None,
        is_ended: false,
        is_over: false,
        is_behind: false,
        is_parked: false,
    };
    // The permit and the counters are all that outlives a panic, and neither is left half done.
    match AssertUnwindSafe(connection.run()).catch_unwind().await {
        Ok(Ok(())) | Ok(Err(End::Lost)) => {}
        Ok(Err(End::Cut(why))) => connection.cut(why),
        Err(_) => {
            counters.panics.of(Thread::Front).one();
            connection.apologise();
        }
    }
}

struct Connection<C: Codec, A> {
    stream: Stream,
    permit: ConnectionPermit,
    front: Rc<Front<A>>,
    /// The beginning of a request, and whole ones that wait until there is room in the queue.
    heard: Vec<u8>,
    /// When the request that has begun has to be whole.
    due: Option<Instant>,
    /// What the peer has not taken yet.
    unsent: Vec<u8>,
    /// Requests under way.
    waiting: Option<Box<Waiting<C::Form>>>,
    /// Since when there were some without a pause.
    works_since: Option<Instant>,
    /// The peer says no more.
    is_ended: bool,
    /// No request is read any more.
    is_over: bool,
    /// There may be whole requests in `heard`.
    is_behind: bool,
    /// It was marked as one whose peer keeps us waiting.
    is_parked: bool,
}

impl<C: Codec, A: Answers + Clone + 'static> Connection<C, A> {
    async fn run(&mut self) -> Result<(), End> {
        loop {
            if !self.unsent.is_empty() {
                self.permit.mark_evictable();
                let late = |_| End::Cut(Cutting::SlowReader);
                timeout(WRITE_DEADLINE, poll_fn(|cx| self.poll_unsent(cx)))
                    .boxed_local()
                    .await
                    .map_err(late)??;
            }
            if self.waiting.is_none() {
                if self.is_over {
                    return Ok(());
                }
                self.is_parked = false;
                if self.works_since.take().is_some() && self.permit.has_waiters() {
                    // A connection that waits for a slot has its turn before more is read here.
                    self.permit.mark_evictable();
                    tokio::task::yield_now().await;
                }
            } else {
                self.permit.mark_protected();
            }
            if self.is_behind {
                // A peer that sends many requests at once has no more of our time than others.
                tokio::task::yield_now().await;
            }
            let due = self.due;
            let turn = poll_fn(|cx| self.poll_turn(cx));
            match due {
                None => turn.await?,
                Some(due) => {
                    let late = |_| End::Cut(Cutting::SlowRequest);
                    timeout_at(due, turn).boxed_local().await.map_err(late)??;
                }
            }
            let is_at_rest = self.waiting.is_none() && self.unsent.is_empty() && self.heard.is_empty();
            if is_at_rest && self.front.is_closing() {
                return Ok(());
            }
        }
    }

    /// Does what can be done now; ready when something was.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let front = Rc::clone(&self.front);
        let mut said = front.said.borrow_mut();
        said.clear();
        if self.collect(cx, &mut said) {
            // First the pause.
        } else if self.is_behind && self.has_room() {
            let heard = std::mem::take(&mut self.heard);
            let understood = self.understand(&heard, &mut said);
            self.keep(heard.get(understood..).unwrap_or_default());
        } else if said.is_empty() {
            if self.is_over || !self.has_room() {
                return Poll::Pending;
            }
            let mut room = front.heard.borrow_mut();
            let mut octets = ReadBuf::new(&mut room);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut octets);
            if read.is_pending() && self.waiting.is_none() && !self.is_parked {
                // What was sent has been read, and answered.
                self.is_parked = true;
                self.permit.mark_evictable();
            }
            ready!(read)?;
            self.take_in(octets.filled(), &mut said);
        }
        self.poll_say(cx, &said)
    }

    /// Appends the answers that have come, as far as those before them have; tells whether these were the last.
    fn collect(&mut self, cx: &mut Context<'_>, said: &mut Vec<u8>) -> bool {
        while let Some(waiting) = &mut self.waiting {
            match waiting.poll_next_unpin(cx) {
                Poll::Ready(Some(reply)) => reply.append::<C>(said),
                Poll::Ready(None) => {
                    self.waiting = None;
                    return true;
                }
                Poll::Pending => break,
            }
        }
        false
    }

    /// Takes in what was read; nothing means that the peer says no more.
    fn take_in(&mut self, octets: &[u8], said: &mut Vec<u8>) {
        self.is_ended = octets.is_empty();
        if self.is_ended && self.heard.is_empty() {
            self.is_over = true;
            return;
        }
        if self.heard.is_empty() {
            let understood = self.understand(octets, said);
            self.keep(octets.get(understood..).unwrap_or_default());
        } else {
            let mut heard = std::mem::take(&mut self.heard);
            heard.extend_from_slice(octets);
            let understood = self.understand(&heard, said);
            heard.drain(..understood.min(heard.len()));
            self.heard = heard;
        }
    }

    /// Keeps what is no whole request yet.
    fn keep(&mut self, octets: &[u8]) {
        self.heard = octets.to_vec();
    }

    /// Finds requests, answers what can be answered at once, and has the rest looked up; tells how many octets it understood.
    fn understand(&mut self, octets: &[u8], said: &mut Vec<u8>) -> usize {
        let mut understood: usize = 0;
        let mechanisms = self.front.answers.mechanisms();
        for _ in 0..MAX_QUEUED_REQUESTS {
            if !self.has_room() {
                break;
            }
            let rest = octets.get(understood..).unwrap_or_default();
            match C::read(rest, self.is_ended, mechanisms) {
                Frame::Whole(request, length) => {
                    understood = understood.saturating_add(length);
                    self.due = None;
                    self.begin(request, said);
                    if C::REQUESTS == Requests::One {
                        return self.over(octets);
                    }
                }
                Frame::More if self.is_ended => return self.over(octets),
                Frame::More => {
                    let has_begun = understood < octets.len();
                    self.due = has_begun.then(|| self.due.unwrap_or_else(|| Instant::now() + FRAME_DEADLINE));
                    self.is_behind = false;
                    return understood;
                }
                Frame::Broken(words) => {
                    self.cut(Cutting::Broken);
                    self.reply(Reply::Words(words.into()), said);
                    return self.over(octets);
                }
            }
        }
        self.is_behind = true;
        understood
    }

    /// No request is read any more, and nothing that came behind the last one matters.
    fn over(&mut self, octets: &[u8]) -> usize {
        (self.is_over, self.is_behind, self.due) = (true, false, None);
        octets.len()
    }

    /// Answers a request at once, or has it looked up.
    fn begin(&mut self, request: Request<C::Form>, said: &mut Vec<u8>) {
        let began = std::time::Instant::now();
        let (form, question) = match request {
            Request::Question(form, question) => (form, question),
            Request::AtService(form, named) => match self.front.answers.at_service(named) {
                Ok(question) => (form, question),
                Err(words) => return self.reply(Reply::Words(words.into()), said),
            },
            Request::Event(event) => return self.front.answers.noticed(self.permit.asker(), event),
            Request::Unheard => return self.front.counters.events.of(EventFate::Unreadable).one(),
            Request::Known(words, verdict) => {
                if let Some((verdict, reason)) = verdict {
                    let took = began.elapsed();
                    self.front.counters.answered(C::MTA, verdict, reason, Source::Question, took);
                }
                return self.reply(Reply::Words(words), said);
            }
        };
        let front = Rc::clone(&self.front);
        if let Some(answer) = front.answers.at_once(&question) {
            front.answered(C::MTA, &question, &answer, Source::Warm, began.elapsed());
            return self.reply(Reply::Answer(form, answer), said);
        }
        let (asker, under_way) = (self.permit.asker(), front.one_under_way());
        self.wait_for(async move {
            let _under_way = under_way;
            let (answer, from) = front.answers.answer(asker, question.clone()).await;
            front.answered(C::MTA, &question, &answer, from, began.elapsed());
            Reply::Answer(form, answer)
        });
    }

    /// Appends a reply, unless others have to go before it.
    fn reply(&mut self, reply: Reply<C::Form>, said: &mut Vec<u8>) {
        if self.waiting.is_none() {
            reply.append::<C>(said);
        } else {
            self.wait_for(std::future::ready(reply));
        }
    }

    fn wait_for(&mut self, reply: impl Future<Output = Reply<C::Form>> + 'static) {
        self.works_since.get_or_insert_with(Instant::now);
        self.waiting.get_or_insert_default().push_back(reply.boxed_local());
    }

    fn has_room(&self) -> bool {
        let is_paused = || self.works_since.is_some_and(|since| since.elapsed() >= WORK_WITHOUT_PAUSE);
        let most = self.front.most_under_way();
        self.waiting.as_ref().is_none_or(|waiting| waiting.len() < most && !is_paused())
    }

    /// Says it; what the peer does not take at once is kept.
    fn poll_say(&mut self, cx: &mut Context<'_>, said: &[u8]) -> Poll<Result<(), End>> {
        if !said.is_empty() {
            let taken = match Pin::new(&mut self.stream).poll_write(cx, said) {
                Poll::Ready(taken) => taken?,
                Poll::Pending => 0,
            };
            self.unsent = said.get(taken..).unwrap_or_default().to_vec();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        while !self.unsent.is_empty() {
            let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))?;
            self.unsent.drain(..taken.min(self.unsent.len()));
        }
        self.unsent = Vec::new();
        Poll::Ready(Ok(()))
    }

    fn cut(&self, why: Cutting) {
        self.front.cut(&self.stream, C::MTA.protocol(), why);
    }

    /// Tells a peer that our own code failed; it is not waited for.
    fn apologise(&mut self) {
        let mut said = Vec::new();
        C::say(&C::failed(), &mut said);
        let _ = poll_fn(|cx| self.poll_say(cx, &said)).now_or_never();
    }
}

impl<Form: Copy> Reply<Form> {
    fn append<C: Codec<Form = Form>>(&self, said: &mut Vec<u8>) {
        match self {
            Self::Answer(form, answer) => C::answer(answer, *form, said),
            Self::Words(words) => C::say(words, said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_CONNECTIONS;
    use crate::reason::Reason;
    use crate::serve::front::codec::{Exim, Postfix};
    use crate::serve::front::connection_limiter::ConnectionLimiter;
    use crate::serve::protocol::question::Question;
    use crate::serve::seats::asker::{Asker, Peer};
    use crate::serve::telemetry::counters::Counters;
    use crate::verify::{NoEvaluation, Report};
    use std::cell::RefCell;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;
    use tokio::sync::Notify;
    use tokio::task::{JoinHandle, LocalSet, spawn_local};

    /// An engine that knows `warm.test`, stumbles over `panic.test`, and looks up the rest once it may.
    #[derive(Clone, Default)]
    struct MadeUp {
        may: Rc<Notify>,
        looked_up: Rc<RefCell<Vec<String>>>,
    }

    impl Answers for MadeUp {
        fn at_once(&self, question: &Question) -> Option<Arc<Answer>> {
            let domain = question.domain.to_string();
            assert_ne!(domain, "panic.test", "as a mistake of ours might");
            (domain == "warm.test").then(|| answer(question))
        }

        async fn answer(&self, _: Asker, question: Question) -> (Arc<Answer>, Source) {
            self.looked_up.borrow_mut().push(question.domain.to_string());
            self.may.notified().await;
            (answer(&question), Source::LookUp)
        }
    }

    /// An answer that names its domain.
    fn answer(question: &Question) -> Arc<Answer> {
        let mut answer = Answer::of(&Report::from(NoEvaluation::defer(Reason::NoPolicy, "")), question);
        answer.exim = question.domain.to_string().into();
        answer.socketmap.policy = question.domain.to_string().into();
        Arc::new(answer)
    }

    struct Bench {
        front: Rc<Front<MadeUp>>,
        limiter: Rc<ConnectionLimiter>,
        engine: MadeUp,
    }

    impl Bench {
        async fn connect<C: Codec>(&self) -> (UnixStream, JoinHandle<()>) {
            let (peer, ours) = UnixStream::pair().unwrap();
            let permit = self.limiter.acquire(C::MTA.protocol(), Peer::default()).await;
            let task = spawn_local(serve::<C, MadeUp>(Stream::Unix(ours), permit, Rc::clone(&self.front)));
            (peer, task)
        }
    }

    fn inside<F: Future>(test: impl FnOnce(Bench) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let counters = Arc::<Counters>::default();
        let engine = MadeUp::default();
        let bench = Bench {
            front: Front::new(engine.clone(), Arc::clone(&counters)),
            limiter: ConnectionLimiter::new(MAX_CONNECTIONS, MAX_CONNECTIONS, counters),
            engine,
        };
        LocalSet::new().block_on(&runtime, test(bench))
    }

    fn frames(domains: &[&str]) -> Vec<u8> {
        let mut octets = Vec::new();
        domains.iter().for_each(|domain| Postfix::say(&format!("policy {domain}"), &mut octets));
        octets
    }

    async fn all(mut peer: UnixStream) -> String {
        let mut said = String::new();
        peer.read_to_string(&mut said).await.unwrap();
        said
    }

    #[test]
    fn a_panic_is_an_answer_that_defers_and_others_do_not_feel_it() {
        inside(|bench| async move {
            let (mut other, _) = bench.connect::<Postfix>().await;
            let (mut exim, task) = bench.connect::<Exim>().await;
            exim.write_all(b"P panic.test\n").await.unwrap();
            assert!(all(exim).await.starts_with("verdict=defer"));
            task.await.expect("the panic was caught");
            let (mut postfix, _) = bench.connect::<Postfix>().await;
            postfix.write_all(&frames(&["warm.test", "panic.test"])).await.unwrap();
            assert!(all(postfix).await.contains("TEMP internal"));
            assert_eq!(bench.front.counters.panics.of(Thread::Front).get(), 2);
            other.write_all(&frames(&["warm.test"])).await.unwrap();
            other.shutdown().await.unwrap();
            assert_eq!(all(other).await, "9:warm.test,");
            assert_eq!(bench.limiter.open_connections(), 0);
        });
    }

    #[test]
    fn so_many_requests_are_under_way_and_no_more() {
        inside(|bench| async move {
            let (mut peer, _) = bench.connect::<Postfix>().await;
            let names: Vec<String> = (0..100).map(|number| format!("d{number}.test")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            peer.write_all(&frames(&names)).await.unwrap();
            peer.shutdown().await.unwrap();
            // Everybody has his turn many times over.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            assert_eq!(bench.engine.looked_up.borrow().len(), MAX_QUEUED_REQUESTS);
            let engine = bench.engine.clone();
            spawn_local(async move {
                loop {
                    engine.may.notify_waiters();
                    tokio::task::yield_now().await;
                }
            });
            let expected: String = names.iter().map(|name| format!("{}:{name},", name.len())).collect();
            assert_eq!(all(peer).await, expected);
            assert_eq!(bench.engine.looked_up.borrow().len(), 100);
        });
    }

    #[test]
    fn whoever_keeps_us_at_work_without_a_pause_makes_room_like_others() {
        inside(|bench| async move {
            let limiter = ConnectionLimiter::new(1, 1, Arc::clone(&bench.front.counters));
            let (mut peer, ours) = UnixStream::pair().unwrap();
            let front = Rc::clone(&bench.front);
            let serve = |permit| serve::<Postfix, MadeUp>(Stream::Unix(ours), permit, front);
            limiter.acquire(Postfix::MTA.protocol(), Peer::default()).await.occupy(serve);
            let asked = |number| {
                let looked_up = Rc::clone(&bench.engine.looked_up);
                async move {
                    while looked_up.borrow().len() < number {
                        tokio::task::yield_now().await;
                    }
                }
            };
            peer.write_all(&frames(&["a.test"])).await.unwrap();
            asked(1).await;
            peer.write_all(&frames(&["b.test"])).await.unwrap();
            asked(2).await;
            tokio::time::sleep(WORK_WITHOUT_PAUSE).await;
            peer.write_all(&frames(&["c.test"])).await.unwrap();
            let somebody = spawn_local({
                let limiter = Rc::clone(&limiter);
                async move { limiter.acquire(Exim::MTA.protocol(), Peer::default()).await }
            });
            tokio::task::yield_now().await;
            bench.engine.may.notify_waiters();
            drop(somebody.await.unwrap());
            let mut said = [0; 18];
            peer.read_exact(&mut said).await.unwrap();
            assert_eq!(&said, b"6:a.test,6:b.test,", "it has the answers that it waited for");
            assert_eq!(bench.engine.looked_up.borrow().len(), 2, "nothing more was read");
        });
    }

    #[test]
    fn when_the_daemon_ends_a_connection_ends_with_its_answer() {
        inside(|bench| async move {
            let (mut peer, task) = bench.connect::<Postfix>().await;
            peer.write_all(&frames(&["cold.test"])).await.unwrap();
            while bench.engine.looked_up.borrow().is_empty() {
                tokio::task::yield_now().await;
            }
            bench.front.close();
            bench.limiter.close_evictable();
            bench.engine.may.notify_one();
            assert_eq!(all(peer).await, "9:cold.test,");
            task.await.unwrap();
        });
    }

    #[test]
    fn whoever_comes_and_goes_is_no_breach_of_the_protocol() {
        inside(|bench| async move {
            for _ in 0..2 {
                let (peer, task) = bench.connect::<Exim>().await;
                drop(peer);
                task.await.unwrap();
            }
            let (mut peer, task) = bench.connect::<Postfix>().await;
            peer.write_all(b"x").await.unwrap();
            task.await.unwrap();
            let broken = |mta: crate::serve::telemetry::counters::Mta| {
                bench.front.counters.connections_ended.of(mta.protocol()).of(Cutting::Broken).get()
            };
            assert_eq!((broken(Exim::MTA), broken(Postfix::MTA)), (0, 1));
        });
    }

    #[test]
    fn a_connection_at_rest_is_small() {
        inside(|bench| async move {
            let (_peer, ours) = UnixStream::pair().unwrap();
            let permit = bench.limiter.acquire(Postfix::MTA.protocol(), Peer::default()).await;
            let task = serve::<Postfix, MadeUp>(Stream::Unix(ours), permit, Rc::clone(&bench.front));
            let octets = size_of_val(&task);
            assert!(octets <= 768, "{octets}");
        });
    }
}
