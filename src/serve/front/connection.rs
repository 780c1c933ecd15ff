//! One connection: octets come, requests are found in them, answers go back in the order of the requests.
//!
//! A connection at rest has no buffer of its own. Octets are read into room that all connections share, and what is
//! answered at once is written from such room, too: one read and one write for a request. Only half a request, a look-up
//! under way, or an answer that the peer does not take makes a connection remember something, and each has its bound.
//!
//! A connection whose peer has sent more than one turn answers waits for its next turn in one line with all others of that kind
//! (`Front::turn`): whoever asks one question is not behind them.

use super::Front;
use super::codec::{ClientRequest, Codec, Requests};
use super::connection_limiter::ConnectionPermit;
use crate::limits::{FRAME_DEADLINE, MAX_QUEUED_REQUESTS, TURN_OCTETS, WORK_WITHOUT_PAUSE, WRITE_DEADLINE};
use crate::serve::answer::MtaAnswer;
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
    Answer(Form, Arc<MtaAnswer>),
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
        is_crowding: false,
        is_parked: false,
        has_paused: true,
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
    /// Its peer has sent more than the last turn answered, or sends faster than it is answered.
    is_crowding: bool,
    /// It was marked as one whose peer keeps us waiting.
    is_parked: bool,
    /// There was nothing to read since something was.
    has_paused: bool,
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
            if self.is_crowding {
                // A peer that sends many requests at once has no more of our time than others.
                self.front.turn().boxed_local().await;
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
            self.has_paused |= read.is_pending();
            ready!(read)?;
            self.is_crowding = !std::mem::take(&mut self.has_paused);
            self.take_in(octets.filled(), &mut said);
        }
        self.is_crowding |= self.is_behind || is_enough(&said);
        self.poll_say(cx, &said)
    }

    /// Appends the answers that have come, as far as those before them have and a turn goes; tells whether these were the last.
    fn collect(&mut self, cx: &mut Context<'_>, said: &mut Vec<u8>) -> bool {
        while let Some(waiting) = self.waiting.as_mut().filter(|_| !is_enough(said)) {
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
            if !self.has_room() || is_enough(said) {
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
    fn begin(&mut self, request: ClientRequest<C::Form>, said: &mut Vec<u8>) {
        let began = std::time::Instant::now();
        let (form, question) = match request {
            ClientRequest::Question(form, question) => (form, question),
            ClientRequest::AtService(form, named) => match self.front.answers.at_service(named) {
                Ok(question) => (form, question),
                Err(words) => return self.reply(Reply::Words(words.into()), said),
            },
            ClientRequest::Event(event) => return self.front.answers.noticed(self.permit.asker(), event),
            ClientRequest::Unheard => return self.front.counters.events.of(EventFate::Unreadable).one(),
            ClientRequest::Known(words, verdict) => {
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
            if !self.unsent.is_empty() {
                self.permit.mark_unsent(self.unsent.len());
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        while !self.unsent.is_empty() {
            let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))?;
            self.unsent.drain(..taken.min(self.unsent.len()));
        }
        self.unsent = Vec::new();
        self.permit.mark_unsent(0);
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

/// Whether a turn has said enough.
const fn is_enough(said: &[u8]) -> bool {
    said.len() >= TURN_OCTETS
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
mod tests;
