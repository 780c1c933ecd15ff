//! A network that is made up: what name servers and policy hosts say are values, and nobody opens a socket.
//!
//! A test writes down the [`World`] that it is about; [`MadeUp`] asks that world for whoever verifies.

use futures_util::FutureExt as _;
use hickory_proto::rr::rdata::{MX, TXT};
use hickory_proto::rr::{Name, RData};
use smtp_sts_verify::cache::InMemory;
use smtp_sts_verify::dns::{Answer, Blame, Content, Outage, Outcome, Question, Resolve, ZoneStatus};
use smtp_sts_verify::https::{Fetch, FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::OnUnreachable;
use smtp_sts_verify::verify::{Report, Request, from_memory, verify};
use std::future::{self, Future};
use std::pin::pin;
use std::task::Poll;

/// Whoever publishes something, and whoever stands between him and us.
pub(crate) trait World {
    /// For so many seconds an answer with content may be believed.
    const TTL: u64;
    /// How often whoever waits for all that a request takes may look for its end; once, where no reply is ever late.
    const LOOKS: usize = 1;

    /// The time of day.
    fn now(&self) -> UnixTime;

    /// What reaches us of the answer to a question.
    fn outcome(&self, question: &Question) -> Outcome;

    /// What reaches us of the file at a place.
    fn file(&self, url: &PolicyUrl, media: MediaType) -> Result<Vec<u8>, FetchError>;

    /// How often whoever waits for the next reply looks for it in vain.
    fn delay(&self) -> u8 {
        0
    }
}

/// The network of a world.
pub(crate) struct MadeUp<'a, W>(pub(crate) &'a W);

impl<W: World> MadeUp<'_, W> {
    /// What is known about the request at the world's time: from memory, or else from the network.
    pub(crate) fn verified(&self, request: &Request, memory: &InMemory) -> Report {
        let now = self.0.now();
        from_memory(request, Some(memory), now)
            .unwrap_or_else(|| self.to_its_end(verify(request, Some(memory), self, self, now)))
    }

    /// Waits for what waits for this network alone.
    pub(crate) fn to_its_end<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        (0..W::LOOKS).find_map(|_| work.as_mut().now_or_never()).expect("it comes to its end")
    }

    async fn delay(&self) {
        for _ in 0..self.0.delay() {
            let mut was_here = false;
            future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut was_here, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}

impl<W: World> Resolve for MadeUp<'_, W> {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        self.delay().await;
        let answered = |question: &Question| {
            let outcome = self.0.outcome(question);
            let valid_until = outcome.content().map(|_| self.0.now().plus(W::TTL));
            answer(question, outcome, valid_until)
        };
        questions.iter().map(answered).collect()
    }
}

impl<W: World> Fetch for MadeUp<'_, W> {
    async fn fetch(&self, url: &PolicyUrl, media: MediaType) -> Result<Vec<u8>, FetchError> {
        self.delay().await;
        self.0.file(url, media)
    }
}

/// May mail for the domain go to these hosts? Nobody has seen a handshake, and the administrator has said nothing.
pub(crate) fn request(domain: &str, hosts: &[&str]) -> Request {
    Request {
        hosts: hosts.iter().map(|host| MxHost::from_text(host).unwrap()).collect(),
        on_unreachable: OnUnreachable::Deliver,
        ..Request::about(PolicyDomain::parse(domain).unwrap())
    }
}

/// An answer that took one packet and no time.
pub(crate) fn answer(question: &Question, outcome: Outcome, valid_until: Option<UnixTime>) -> Answer {
    Answer { outcome, valid_until, queries: 1, ..Answer::none(question.clone()) }
}

/// What a zone says that is signed, or is proven not to be: these records, or that there are none.
pub(crate) fn said(is_signed: bool, records: Vec<RData>) -> Outcome {
    let content = if records.is_empty() { Content::Nodata } else { Content::Data(records) };
    match is_signed {
        true => Outcome::Secure(content),
        false => Outcome::Insecure(content, "the zone is proven insecure".into()),
    }
}

/// What is left of a zone's answer when somebody has meddled with it or kept it back.
pub(crate) fn spoiled(is_signed: bool) -> Outcome {
    if is_signed { forged() } else { silence(ZoneStatus::ProvenInsecure) }
}

/// An answer that is a proven lie.
pub(crate) fn forged() -> Outcome {
    Outcome::Bogus(Blame::Domain, "forged".into())
}

/// Nobody answers, in a zone of which that much is known.
pub(crate) fn silence(zone: ZoneStatus) -> Outcome {
    Outcome::Unreachable(Outage::NoAnswer, zone, "silence".into())
}

/// An MX record.
pub(crate) fn mx(host: &str) -> RData {
    RData::MX(MX::new(10, Name::from_ascii(format!("{host}.")).unwrap()))
}

/// A TXT record.
pub(crate) fn txt(text: impl Into<String>) -> RData {
    RData::TXT(TXT::new(vec![text.into()]))
}
