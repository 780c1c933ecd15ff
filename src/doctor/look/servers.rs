//! One name server, asked in every way that matters.

use crate::dns::anchor::TrustAnchors;
use crate::dns::quota::Quota;
use crate::dns::session::Resolver;
use crate::dns::{
    Answer, Blame, Checking, Content, Directly, Outage, Outcome, Question, Resolve as _, Transport, directly,
    root_keys,
};
use crate::doctor::observations::{Chain, Claim, Edns, Place, Server, Validation, Way};
use crate::limits::QUESTION_DEADLINE;
use crate::time::UnixTime;
use futures_util::future::join;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A name that does not exist, in a top-level domain that does not: the root's own keys prove its absence. Two labels,
/// since some resolvers keep single ones to themselves.
const ABSENT: &str = "doctor.smtp-sts-verify.";
/// A name that is signed wrongly on purpose, for tests like this one.
const BOGUS: &str = "dnssec-failed.org.";

/// What was seen of a server, and its reply about the root's keys.
pub(super) async fn look(
    address: SocketAddr,
    anchors: &Arc<TrustAnchors>,
    now: UnixTime,
    until: Instant,
) -> (Server, Option<Box<Message>>) {
    let until = until.min(Instant::now() + QUESTION_DEADLINE);
    let quota = Quota::default();
    let ask = |question, transport, checking| ask(address, question, transport, checking, &quota, until);
    let plain = async {
        let (first, took) = ask(root_keys::question(), Transport::Udp, Checking::Ours).await;
        // The second time it is remembered there: this is how quick the server itself is.
        let (again, took_again) = match first {
            Directly::Failed(_) | Directly::OutOfResources(_) | Directly::Refused(_) => (None, took),
            _ => {
                let (again, took) = ask(root_keys::question(), Transport::Udp, Checking::Ours).await;
                (Some(again), took)
            }
        };
        let quickest = matches!(again, Some(Directly::Reply(_) | Directly::CutShort))
            .then(|| took.min(took_again))
            .map(milliseconds);
        (first, took, quickest)
    };
    let tcp = ask(root_keys::question(), Transport::Tcp, Checking::Ours);
    let signed = ask(Question::new(&Name::root(), RecordType::SOA), Transport::Udp, Checking::Theirs);
    let bogus = async {
        match Name::from_ascii(BOGUS) {
            Ok(name) => ask(Question::new(&name, RecordType::A), Transport::Udp, Checking::Theirs).await.0,
            Err(error) => Directly::Failed(error.to_string()),
        }
    };
    let ((udp, tcp), ((signed, bogus), chains)) =
        join(join(plain, tcp), join(join(signed, bogus), chains(address, Arc::clone(anchors), now, until)))
            .await;
    let ((udp, took, quickest), (tcp, tcp_took)) = (udp, tcp);
    let reply = [&udp, &tcp].into_iter().find_map(|directly| match directly {
        Directly::Reply(message) => Some(message.clone()),
        _ => None,
    });
    let (positive, negative) = chains;
    let server = Server {
        address,
        place: place(address),
        edns: reply
            .as_ref()
            .and_then(|message| message.edns.as_ref())
            .map(|edns| Edns { size: edns.max_payload(), dnssec_ok: edns.flags().dnssec_ok }),
        udp: way(udp, took),
        tcp: way(tcp, tcp_took),
        quickest,
        positive,
        negative,
        validation: Validation { signed: claim(&signed.0), bogus: claim(&bogus) },
    };
    (server, reply)
}

async fn ask(
    address: SocketAddr,
    question: Question,
    transport: Transport,
    checking: Checking,
    quota: &Quota,
    until: Instant,
) -> (Directly, Duration) {
    let began = Instant::now();
    let asking = directly(address, &question, transport, checking, quota);
    let answer = timeout_at(until, asking).await;
    let silent = || Directly::Failed(format!("no answer within {} s", began.elapsed().as_secs()));
    (answer.unwrap_or_else(|_| silent()), began.elapsed())
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn way(directly: Directly, took: Duration) -> Way {
    match directly {
        Directly::Reply(_) => Way::Answered(milliseconds(took)),
        Directly::CutShort => Way::CutShort,
        Directly::Refused(rcode) => Way::Failed(format!("it answers {rcode}")),
        Directly::OutOfResources(why) => Way::NotAsked(why),
        Directly::Failed(why) => Way::Failed(why),
    }
}

fn claim(directly: &Directly) -> Claim {
    match directly {
        Directly::Reply(message) if message.answers.is_empty() => Claim::Nothing,
        Directly::Reply(message) if message.metadata.authentic_data => Claim::Authentic,
        Directly::Reply(_) => Claim::Plain,
        Directly::Refused(ResponseCode::ServFail) => Claim::Withheld,
        Directly::CutShort | Directly::Refused(_) | Directly::Failed(_) => Claim::Nothing,
        Directly::OutOfResources(_) => Claim::NotAsked,
    }
}

/// What our own chain of trust makes of a name that is there and one that is not, through this server alone.
async fn chains(
    address: SocketAddr,
    anchors: Arc<TrustAnchors>,
    now: UnixTime,
    until: Instant,
) -> (Chain, Chain) {
    let resolver = Resolver::new(&[address], anchors, now, until);
    let Ok(absent) = Name::from_ascii(ABSENT) else {
        return (Chain::OwnFault, Chain::OwnFault);
    };
    let questions = [Question::new(&Name::root(), RecordType::SOA), Question::new(&absent, RecordType::TXT)];
    let answers = resolver.resolve(&questions).await;
    let silent = || Chain::Silent("no answer was given".to_owned());
    let of =
        |place: usize, is_there: bool| answers.get(place).map_or_else(silent, |one| chain(one, is_there));
    (of(0, true), of(1, false))
}

fn chain(answer: &Answer, is_there: bool) -> Chain {
    let contrary = |what: &str| Chain::Contrary(format!("{}: {what}", answer.question));
    match &answer.outcome {
        Outcome::Secure(Content::Data(_)) if is_there => Chain::Proven,
        Outcome::Secure(Content::Nodata | Content::Nxdomain) if !is_there => Chain::Proven,
        Outcome::Secure(_) if is_there => contrary("its absence is proven, which cannot be"),
        Outcome::Secure(_) => contrary("there are records, where none can be"),
        Outcome::Insecure(_, why) => contrary(why),
        Outcome::Bogus(Blame::StrippingResolver, _) => Chain::Stripped,
        Outcome::Bogus(Blame::Clock | Blame::TrustAnchor, _)
        | Outcome::Unreachable(Outage::NoTrustAnchor, ..) => Chain::OwnFault,
        Outcome::Bogus(Blame::Domain, why) => Chain::False(why.clone()),
        Outcome::Unreachable(Outage::OutOfResources, _, why) => Chain::NotAsked(why.clone()),
        Outcome::Unreachable(_, _, why) => Chain::Silent(why.clone()),
    }
}

/// An address is this machine's if a socket may have it.
fn place(address: SocketAddr) -> Place {
    match UdpSocket::bind((address.ip(), 0)) {
        Ok(_) => Place::Here,
        Err(_) => Place::Elsewhere,
    }
}
