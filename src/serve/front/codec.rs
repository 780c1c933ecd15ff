//! What a connection needs to know of the protocol that is spoken on it. Pure.

use crate::policy::Mechanisms;
use crate::reason::Reason;
use crate::render;
use crate::render::exim::Asker;
use crate::reports::event::Event;
use crate::serve::answer::MtaAnswer;
use crate::serve::protocol::question::Question;
use crate::serve::protocol::socketmap::{self, AtService, Map};
use crate::serve::protocol::{Frame, exim};
use crate::serve::telemetry::counters::Mta;
use crate::verdict::Verdict;
use crate::verify::{NoEvaluation, Report};
use std::borrow::Cow;

/// A protocol of questions and answers.
pub trait Codec: 'static {
    /// In which words of the protocol the answer to a question is wanted.
    type Form: Copy + 'static;
    /// Who speaks it.
    const MTA: Mta;
    /// How many requests a connection may bring.
    const REQUESTS: Requests;

    /// The first request in what came so far, the last of which came if the input `is_ended`. What is no question is answered
    /// under the `mechanisms` of the configuration.
    fn read(octets: &[u8], is_ended: bool, mechanisms: Mechanisms) -> Frame<ClientRequest<Self::Form>>;

    /// Appends an answer.
    fn answer(answer: &MtaAnswer, form: Self::Form, out: &mut Vec<u8>);

    /// Appends other words, as the protocol frames them.
    fn say(words: &str, out: &mut Vec<u8>);

    /// What a client is told when our own code has failed: its mail waits.
    fn failed() -> Cow<'static, str>;
}

/// How many requests a connection may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// One; the answer ends the connection.
    One,
    /// As many as the peer likes, whose answers have their order.
    Any,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRequest<Form> {
    /// An answer.
    Question(Form, Question),
    /// An answer, once the port of a service has been found.
    AtService(Form, AtService),
    /// Nothing: something is told. The answer is empty.
    Event(Box<Event>),
    /// Nothing: what is told cannot be read, or nobody needs it. The answer is empty, too.
    Unheard,
    /// These words, for which nobody has to be asked; and what they come down to, if that is a verdict.
    Known(Cow<'static, str>, Option<(Verdict, Reason)>),
}

/// Exim, by `${readsocket}`.
#[derive(Clone, Copy, Debug)]
pub enum Exim {}

impl Codec for Exim {
    type Form = ();
    const MTA: Mta = Mta::Exim;
    const REQUESTS: Requests = Requests::One;

    fn read(octets: &[u8], is_ended: bool, mechanisms: Mechanisms) -> Frame<ClientRequest<()>> {
        exim::read(octets, is_ended).map(|request| match request {
            exim::EximRequest::Policy(question) => ClientRequest::Question((), question),
            exim::EximRequest::Event(event) => ClientRequest::Event(event),
            exim::EximRequest::Unheard => ClientRequest::Unheard,
            exim::EximRequest::Unreadable(none, asker) => {
                let report = Report::unasked(none, mechanisms);
                let judgement = &report.judgement;
                let comes_to = (judgement.verdict, judgement.reason);
                ClientRequest::Known(render::exim::line(&report, asker).into(), Some(comes_to))
            }
        })
    }

    fn answer(answer: &MtaAnswer, (): (), out: &mut Vec<u8>) {
        Self::say(&answer.exim, out);
    }

    // No line end: Exim would keep it.
    fn say(words: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(words.as_bytes());
    }

    fn failed() -> Cow<'static, str> {
        let report = NoEvaluation::defer(Reason::Internal, "").into();
        render::exim::line(&report, Asker::Router).into()
    }
}

/// Postfix, by its socketmap.
#[derive(Clone, Copy, Debug)]
pub enum Postfix {}

impl Codec for Postfix {
    type Form = Map;
    const MTA: Mta = Mta::Postfix;
    const REQUESTS: Requests = Requests::Any;

    fn read(octets: &[u8], _is_ended: bool, _mechanisms: Mechanisms) -> Frame<ClientRequest<Map>> {
        socketmap::read(octets).map(|request| match request {
            socketmap::SocketmapRequest::Policy(map, question) => ClientRequest::Question(map, question),
            socketmap::SocketmapRequest::AtService(map, named) => ClientRequest::AtService(map, named),
            socketmap::SocketmapRequest::Reply(reply) => ClientRequest::Known(reply.into(), None),
        })
    }

    fn answer(answer: &MtaAnswer, map: Map, out: &mut Vec<u8>) {
        Self::say(answer.socketmap.of(map), out);
    }

    fn say(words: &str, out: &mut Vec<u8>) {
        socketmap::write(words, out);
    }

    fn failed() -> Cow<'static, str> {
        render::socketmap::policy(&NoEvaluation::defer(Reason::Internal, "").into())
    }
}
