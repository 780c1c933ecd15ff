//! The name server: answers as a recursive resolver does, over UDP and TCP, and misbehaves when told to.

use super::world::{Reply, World, name, rtype};
use super::zone::Said;
use hickory_proto::dnssec::rdata::{DNSSECRData, RRSIG};
use hickory_proto::op::{Edns, Message, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;

/// The greatest UDP payload sent, octets (DNS flag day 2020).
const MOST_UDP: usize = 1_232;

/// A way to misbehave.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Says nothing.
    Silent,
    /// Says SERVFAIL, as a resolver does whose own questions fail.
    Servfail,
    /// Says REFUSED, as a resolver does that does not know whoever asks.
    Refused,
    /// Answers after this time.
    Late(Duration),
    /// Answers once the test says so.
    Held(watch::Receiver<bool>),
    /// Leaves out every signature and denial.
    Stripped,
    /// Gives the right records with signatures that fit other ones.
    Altered,
    /// Says that there is nothing, without proof.
    Nothing,
    /// Gives this record instead, without signature.
    Forged(RData),
    /// Behaves in this manner where the asker has set CD, and in that one, or well, where it has not: a resolver that
    /// hands on what a bad server gave it to those who check for themselves.
    ByCd(Box<Self>, Option<Box<Self>>),
}

impl Manner {
    /// What is meant for a question with the CD bit as it is.
    fn of(self, checking_disabled: bool) -> Option<Self> {
        match self {
            Self::ByCd(set, _) if checking_disabled => Some(*set),
            Self::ByCd(_, clear) => clear.map(|manner| *manner),
            manner => Some(manner),
        }
    }
}

/// Which questions a manner is for.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Every question.
    Everything,
    /// One name and all below it, all types.
    Below(Name),
    /// One name, all types.
    Name(Name),
    /// Every name with a label that begins so, all types: names that have nothing else in common.
    WithLabel(&'static str),
    /// One name and type.
    Question(Name, RecordType),
}

impl Scope {
    /// All questions about a name and what is below it.
    pub(crate) fn below(text: &str) -> Self {
        Self::Below(name(text))
    }

    /// All questions about one name.
    pub(crate) fn name(text: &str) -> Self {
        Self::Name(name(text))
    }

    /// One question.
    pub(crate) fn question(text: &str, kind: &str) -> Self {
        Self::Question(name(text), rtype(kind))
    }

    fn holds(&self, asked: &Query) -> bool {
        match self {
            Self::Everything => true,
            Self::Below(name) => name.zone_of(asked.name()),
            Self::Name(name) => name == asked.name(),
            Self::WithLabel(begins) => {
                asked.name().iter().any(|label| label.to_ascii_lowercase().starts_with(begins.as_bytes()))
            }
            Self::Question(name, rtype) => name == asked.name() && *rtype == asked.query_type(),
        }
    }
}

/// The queries that the name server got, and how it is to behave.
#[derive(Default)]
pub(crate) struct QueryLog {
    manners: Vec<(Scope, Manner)>,
    asked: BTreeMap<(String, String), usize>,
}

impl QueryLog {
    /// From now on, questions of this scope are met in this manner; what was said last comes first.
    pub(crate) fn behave(&mut self, scope: Scope, manner: Manner) {
        self.manners.insert(0, (scope, manner));
    }

    /// No manners any more.
    pub(crate) fn behave_well(&mut self) {
        self.manners.clear();
    }

    /// Questions that arrived since the last [`QueryLog::forget`].
    pub(crate) fn questions(&self) -> usize {
        self.asked.values().sum()
    }

    /// Questions for one name and type.
    pub(crate) fn questions_for(&self, name: &str, kind: &str) -> usize {
        self.asked.get(&(format!("{}.", name.trim_end_matches('.')), kind.to_owned())).copied().unwrap_or(0)
    }

    /// Counts from zero again.
    pub(crate) fn forget(&mut self) {
        self.asked.clear();
    }

    fn note(&mut self, asked: &Query) -> Option<Manner> {
        let key = (asked.name().to_lowercase().to_ascii(), asked.query_type().to_string());
        *self.asked.entry(key).or_default() += 1;
        self.manners.iter().find(|(scope, _)| scope.holds(asked)).map(|(_, manner)| manner.clone())
    }
}

/// The two sockets of one port.
pub(crate) struct Sockets {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Sockets {
    /// A free port of the loopback interface, for both protocols.
    pub(crate) async fn bind() -> Self {
        loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                return Self { udp, tcp };
            }
        }
    }

    /// This port, if it is free and one may have it.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(crate) fn bind_at(address: SocketAddr) -> std::io::Result<Self> {
        let udp = std::net::UdpSocket::bind(address)?;
        let tcp = std::net::TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Self { udp: UdpSocket::from_std(udp)?, tcp: TcpListener::from_std(tcp)? })
    }

    /// Where they listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.tcp.local_addr().unwrap()
    }
}

/// Answers on both sockets until the runtime ends.
pub(crate) async fn serve(sockets: Sockets, world: Arc<Mutex<World>>, query_log: Arc<Mutex<QueryLog>>) {
    let Sockets { udp, tcp } = sockets;
    let (w, d) = (Arc::clone(&world), Arc::clone(&query_log));
    tokio::spawn(serve_tcp(tcp, w, d));
    let udp = Arc::new(udp);
    let mut buffer = [0; 4_096];
    loop {
        let Ok((length, from)) = udp.recv_from(&mut buffer).await else { continue };
        let Ok(request) = Message::from_vec(&buffer[..length]) else { continue };
        let (udp, world, query_log) = (Arc::clone(&udp), Arc::clone(&world), Arc::clone(&query_log));
        tokio::spawn(async move {
            if let Some(reply) = answer(&request, &world, &query_log).await {
                let fits = usize::from(request.max_payload()).clamp(512, MOST_UDP);
                let octets = reply.to_vec().unwrap();
                let octets = if octets.len() > fits { reply.truncate().to_vec().unwrap() } else { octets };
                let _ = udp.send_to(&octets, from).await;
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, world: Arc<Mutex<World>>, query_log: Arc<Mutex<QueryLog>>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let (world, query_log) = (Arc::clone(&world), Arc::clone(&query_log));
        tokio::spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut octets = vec![0; usize::from(length)];
                if stream.read_exact(&mut octets).await.is_err() {
                    return;
                }
                let Ok(request) = Message::from_vec(&octets) else { return };
                let Some(reply) = answer(&request, &world, &query_log).await else { continue };
                let octets = reply.to_vec().unwrap();
                let framed = [&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat();
                if stream.write_all(&framed).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn answer(request: &Message, world: &Mutex<World>, query_log: &Mutex<QueryLog>) -> Option<Message> {
    let asked = request.queries.first()?;
    let manner = query_log.lock().unwrap().note(asked);
    if matches!(manner, Some(Manner::Silent)) {
        // At once, so that thousands of these cost the others nothing.
        return None;
    }
    let mut reply = Message::response(request.metadata.id, OpCode::Query);
    reply.metadata = Metadata::response_from_request(&request.metadata);
    reply.metadata.recursion_available = true;
    reply.add_query(asked.clone());
    let signed = request.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
    if request.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(1_232).set_dnssec_ok(signed);
        reply.set_edns(edns);
    }
    let found = world.lock().unwrap().answer(&asked.name().to_lowercase(), asked.query_type());
    let manner = manner.or_else(|| found.manner.clone());
    let manner = manner.and_then(|manner| manner.of(request.metadata.checking_disabled));
    fill(&mut reply, found);
    match manner {
        None | Some(Manner::ByCd(..)) => {}
        Some(Manner::Silent) => return None,
        Some(Manner::Servfail) => {
            clear(&mut reply);
            reply.metadata.response_code = ResponseCode::ServFail;
        }
        Some(Manner::Refused) => {
            clear(&mut reply);
            reply.metadata.response_code = ResponseCode::Refused;
        }
        Some(Manner::Late(time)) => tokio::time::sleep(time).await,
        // A test that is over says nothing more, and nobody waits for the answer.
        Some(Manner::Held(mut is_let_go)) => drop(is_let_go.wait_for(|is_let_go| *is_let_go).await.ok()?),
        Some(Manner::Stripped) => reply = reply.maybe_strip_dnssec_records(false),
        Some(Manner::Altered) => {
            reply.answers.iter_mut().chain(&mut reply.authorities).for_each(spoil);
        }
        Some(Manner::Nothing) => clear(&mut reply),
        Some(Manner::Forged(rdata)) => {
            clear(&mut reply);
            reply.metadata.response_code = ResponseCode::NoError;
            reply.add_answer(Record::from_rdata(asked.name().clone(), super::zone::TTL, rdata));
        }
    }
    Some(reply.maybe_strip_dnssec_records(signed))
}

fn fill(reply: &mut Message, found: Reply) {
    for said in found.steps {
        let (answer, proof) = match said {
            Said::Data { answer, proof } | Said::Alias { answer, proof, .. } => (answer, proof),
            Said::Nodata { proof } => (Vec::new(), proof),
            Said::Nxdomain { proof } => {
                reply.metadata.response_code = ResponseCode::NXDomain;
                (Vec::new(), proof)
            }
        };
        reply.add_answers(answer);
        for record in proof {
            if !reply.authorities.contains(&record) {
                reply.add_authority(record);
            }
        }
    }
}

fn clear(reply: &mut Message) {
    reply.answers.clear();
    reply.authorities.clear();
}

/// Turns a signature into one that fits other records.
fn spoil(record: &mut Record) {
    if let RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) = &record.data {
        let mut octets = rrsig.sig().to_vec();
        octets[0] ^= 1;
        record.data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(rrsig.input().clone(), octets)));
    }
}
