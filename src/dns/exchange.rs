//! One question and one reply: what leaves, what comes back, and whether that is the reply to what left.
//!
//! A reply is ours if it carries our ID, our question in the case that we rolled for it, and comes to our random port
//! from the address that we asked (RFC 5452 section 9). It refuses to guess: a reply over UDP that is cut off, garbled,
//! or has lost the question's case is asked for again over TCP, where nobody off the path can answer.

use super::quota::{Quota, Unaffordable};
use super::sockets::Sent;
use super::{Outage, Question, tolerance};
use crate::limits::EDNS_PAYLOAD;
use crate::resources;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use futures_util::stream::StreamExt;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode, SerialMessage};
use hickory_proto::serialize::binary::BinEncodable;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::{DnsStreamHandle, NetError};
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

/// What a server did instead of answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Whether it failed us, or we had to stop.
    pub(super) outage: Outage,
    /// What it did, without its address.
    pub(super) text: String,
    /// It will do the same to every question.
    pub(super) lasting: bool,
    /// The RCODE, where that is what it did.
    rcode: Option<ResponseCode>,
}

impl Complaint {
    fn once(text: impl Display) -> Self {
        Self { outage: Outage::NoAnswer, text: text.to_string(), lasting: false, rcode: None }
    }

    fn lasting(text: impl Display) -> Self {
        Self { lasting: true, ..Self::once(text) }
    }

    /// What the system says to a question that does not leave, or whose reply does not come.
    fn of_socket(error: &io::Error) -> Self {
        if resources::is_want_of_resources(error) {
            Self { outage: Outage::OutOfResources, ..Self::once(error) }
        } else {
            Self::lasting(error)
        }
    }

    /// The same over TCP; `otherwise` says what any other error is.
    fn of_stream(error: NetError, otherwise: impl FnOnce(NetError) -> Self) -> Self {
        match &error {
            NetError::Io(cause) if resources::is_want_of_resources(cause) => Self::of_socket(cause),
            _ => otherwise(error),
        }
    }

    /// There is no memory for its reply beside those of others.
    fn of_memory() -> Self {
        let text = "its reply would take more memory than the replies to others leave";
        Self { outage: Outage::OutOfResources, ..Self::once(text) }
    }

    fn quota(what: &str) -> Self {
        Self { outage: Outage::Budget, ..Self::once(format_args!("the quota of {what} is spent")) }
    }
}

/// A reply to the question, useful and readable.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) message: Message,
    /// What it was read from: as it came, but for the letters of the question, which are in lower case.
    pub(super) octets: Vec<u8>,
}

/// Asks one server: over UDP, and over TCP if UDP does not carry the reply. The first packet is paid for already.
pub(super) async fn exchange(
    to: SocketAddr,
    question: &Question,
    checking: Checking,
    quota: &Quota,
) -> Result<Received, Complaint> {
    let asked = OutgoingQuery::new(question, checking)?;
    if let Some(received) = asked.over_udp(to, quota).await? {
        return Ok(received);
    }
    if !quota.take_query() {
        return Err(Complaint::quota("questions"));
    }
    let unreached = |error| Complaint::once(format_args!("over TCP: {error}"));
    let received = asked.over_tcp(to, quota, unreached).await?;
    received.ok_or_else(|| Complaint::once("its reply does not even fit TCP"))
}

/// What one server did with one question over one transport.
#[derive(Clone, Debug)]
pub enum Directly {
    /// It answered: NOERROR or NXDOMAIN.
    Reply(Box<Message>),
    /// It answered, and UDP does not carry the answer.
    CutShort,
    /// It refuses, with this RCODE.
    Refused(ResponseCode),
    /// It was not asked, or not heard: this machine has no descriptor, memory, buffer or port left for that; in the system's words.
    OutOfResources(String),
    /// Something else, in words without its address.
    Failed(String),
}

/// Asks one server over this transport and no other: what does this way carry? For those who look at name servers;
/// nothing in the reply is believed here. Ends when the server answers or the connection does: the caller's patience
/// bounds it.
pub async fn directly(
    to: SocketAddr,
    question: &Question,
    transport: Transport,
    checking: Checking,
    quota: &Quota,
) -> Directly {
    let asking = async {
        let asked = OutgoingQuery::new(question, checking)?;
        match transport {
            Transport::Udp => asked.over_udp(to, quota).await,
            Transport::Tcp => asked.over_tcp(to, quota, Complaint::once).await,
        }
    };
    match asking.await {
        Ok(Some(received)) => Directly::Reply(Box::new(received.message)),
        Ok(None) => Directly::CutShort,
        Err(Complaint { rcode: Some(rcode), .. }) => Directly::Refused(rcode),
        Err(Complaint { outage: Outage::OutOfResources, text, .. }) => Directly::OutOfResources(text),
        Err(complaint) => Directly::Failed(complaint.text),
    }
}

/// Reads a reply to `question` that came at another time, by the rules for one over TCP.
pub(super) fn reread(question: &Question, octets: Vec<u8>, quota: &Quota) -> Result<Received, Complaint> {
    let query = Query::query(question.name().clone(), question.rtype()).to_bytes();
    let plain =
        query.map_err(|error| Complaint::once(format_args!("the question cannot be written: {error}")))?;
    // The ID is whatever it was then.
    let asked =
        OutgoingQuery { octets: octets.get(..2).unwrap_or_default().to_vec(), rolled: plain.clone(), plain };
    match asked.judge(octets, Transport::Tcp, quota) {
        Judged::Reply(received) => Ok(received),
        Judged::Complaint(complaint) => Err(complaint),
        Judged::AskOverTcp | Judged::Foreign => Err(Complaint::once("it is no reply to this question")),
    }
}

/// How a question and its reply travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 1035 section 4.2.1.
    Udp,
    /// RFC 1035 section 4.2.2.
    Tcp,
}

/// Who is to check the signatures (RFC 4035 section 3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checking {
    /// We do, and the server hands everything on: CD is set. What every verdict begins with.
    Ours,
    /// The server, too, as when Exim asks: CD is clear.
    Theirs,
}

/// A question as it leaves.
struct OutgoingQuery {
    octets: Vec<u8>,
    /// The question section as it leaves, the name's letters in random case.
    rolled: Vec<u8>,
    /// The question section with the name in lower case.
    plain: Vec<u8>,
}

/// What some octets are to a question.
#[derive(Debug)]
enum Judged {
    Reply(Received),
    /// Ours, but not to be read from this transport.
    AskOverTcp,
    Complaint(Complaint),
    /// Not a reply to this question: somebody guesses, or an old reply.
    Foreign,
}

/// Octets of the header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;
/// Octets of QTYPE and QCLASS, which have no case.
const TYPE_AND_CLASS: usize = 4;

impl OutgoingQuery {
    /// A question with random ID and case; recursion desired, and DNSSEC records wanted: the chain of trust is ours,
    /// whoever else checks.
    fn new(question: &Question, checking: Checking) -> Result<Self, Complaint> {
        let unsendable = |error| Complaint::once(format_args!("the question cannot be written: {error}"));
        let mut random = [0_u8; 2 + 32];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| Complaint::once("this system has no randomness"))?;
        let [id_high, id_low, coins @ ..] = random;
        let query = Query::query(question.name().clone(), question.rtype());
        let mut message =
            Message::new(u16::from_be_bytes([id_high, id_low]), MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.checking_disabled = checking == Checking::Ours;
        let mut edns = Edns::new();
        edns.set_version(0).set_max_payload(EDNS_PAYLOAD).set_dnssec_ok(true);
        message.set_edns(edns);
        let plain = query.to_bytes().map_err(unsendable)?;
        let rolled = roll(&plain, &coins);
        message.add_query(query);
        let mut octets = message.to_vec().map_err(unsendable)?;
        if let Some(section) = octets.get_mut(HEADER..HEADER + rolled.len()) {
            section.copy_from_slice(&rolled);
        }
        Ok(Self { octets, rolled, plain })
    }

    /// Sends the question and reads until a reply is ours; `None` if UDP does not carry it.
    async fn over_udp(&self, to: SocketAddr, quota: &Quota) -> Result<Option<Received>, Complaint> {
        let sent = resources::awaited(async || Sent::new(&self.octets, to)).await;
        let sent = sent.map_err(|error| Complaint::of_socket(&error))?;
        loop {
            let octets = sent.next().await.map_err(|error| Complaint::of_socket(&error))?;
            room_for(&octets, quota).await;
            match self.judge(octets, Transport::Udp, quota) {
                Judged::Reply(received) => return Ok(Some(received)),
                Judged::AskOverTcp => return Ok(None),
                Judged::Complaint(complaint) => return Err(complaint),
                Judged::Foreign => {}
            }
        }
    }

    /// The same over TCP, where it may be that nobody is reached.
    async fn over_tcp(
        &self,
        to: SocketAddr,
        quota: &Quota,
        unreached: impl FnOnce(NetError) -> Complaint,
    ) -> Result<Option<Received>, Complaint> {
        let (stream, mut handle) = TcpClientStream::new(to, None, None, TokioRuntimeProvider::default());
        let mut stream = stream.await.map_err(|error| Complaint::of_stream(error, unreached))?;
        handle.send(SerialMessage::new(self.octets.clone(), to)).map_err(Complaint::once)?;
        while let Some(received) = stream.next().await {
            let received = received.map_err(|error| Complaint::of_stream(error, Complaint::lasting))?;
            let (octets, _) = received.into_parts();
            room_for(&octets, quota).await;
            match self.judge(octets, Transport::Tcp, quota) {
                Judged::Reply(received) => return Ok(Some(received)),
                Judged::AskOverTcp => return Ok(None),
                Judged::Complaint(complaint) => return Err(complaint),
                Judged::Foreign => {}
            }
        }
        Err(Complaint::once("closed the connection without a reply"))
    }

    /// What the octets are to this question. Nothing is parsed before ID and question match.
    fn judge(&self, mut octets: Vec<u8>, transport: Transport, quota: &Quota) -> Judged {
        let (Some(&[id_high, id_low, flags, low_flags, 0, questions, ..]), Some(&[our_high, our_low])) =
            (octets.first_chunk::<HEADER>(), self.octets.first_chunk::<2>())
        else {
            return Judged::Foreign;
        };
        let (is_response, opcode, is_truncated, rcode) =
            (flags & 0x80 != 0, flags & 0x78, flags & 2 != 0, low_flags & 15);
        if [id_high, id_low] != [our_high, our_low] || !is_response || opcode != 0 {
            return Judged::Foreign;
        }
        let garbled = |text: &dyn Display| match transport {
            Transport::Udp => Judged::AskOverTcp,
            Transport::Tcp => Judged::Complaint(Complaint::once(text)),
        };
        if questions == 0 && rcode != 0 {
            return Judged::Complaint(refusal(ResponseCode::from(0, rcode)));
        }
        match octets.get_mut(HEADER..HEADER + self.plain.len()) {
            // From here on names that point at the question have its plain case.
            Some(echo) if questions == 1 && *echo == *self.rolled => echo.copy_from_slice(&self.plain),
            Some(echo) if questions == 1 && self.is_asked_in_other_case(echo) => {
                if transport == Transport::Udp {
                    return Judged::AskOverTcp;
                }
                echo.copy_from_slice(&self.plain);
            }
            Some(_) | None => return Judged::Foreign,
        }
        if is_truncated {
            return garbled(&"its reply is cut off over TCP too");
        }
        match quota.take_reply(octets.len(), tolerance::claimed_records(&octets)) {
            Ok(()) => {}
            Err(Unaffordable::Quota) => return Judged::Complaint(Complaint::quota("octets and records")),
            Err(Unaffordable::Memory) => return Judged::Complaint(Complaint::of_memory()),
        }
        match tolerance::read(&octets) {
            Err(error) => garbled(&format_args!("its reply cannot be read: {error}")),
            Ok(message) => match message.metadata.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => Judged::Reply(Received { message, octets }),
                other => Judged::Complaint(refusal(other)),
            },
        }
    }

    fn is_asked_in_other_case(&self, echo: &[u8]) -> bool {
        let name = self.plain.len().saturating_sub(TYPE_AND_CLASS);
        echo.eq_ignore_ascii_case(&self.plain) && echo.get(name..) == self.plain.get(name..)
    }
}

/// Waits a moment where there is no memory for a reply: look-ups that end give theirs back.
async fn room_for(octets: &[u8], quota: &Quota) {
    let records = tolerance::claimed_records(octets);
    resources::until(|| quota.has_memory_for(octets.len(), records)).await;
}

/// What an RCODE that is neither NOERROR nor NXDOMAIN says about the server.
fn refusal(rcode: ResponseCode) -> Complaint {
    let complaint = match rcode {
        ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS | ResponseCode::BADSIG => {
            Complaint::lasting(format_args!("does not understand EDNS ({rcode})"))
        }
        other => Complaint::once(format_args!("answered {} ({other})", code_name(other))),
    };
    Complaint { rcode: Some(rcode), ..complaint }
}

/// The RCODE as every tool spells it.
fn code_name(rcode: ResponseCode) -> String {
    match rcode {
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => format!("RCODE {}", u16::from(other)),
    }
}

/// The question section with each letter of the name in the case that a coin decides (draft-vixie-dnsext-dns0x20).
fn roll(plain: &[u8], coins: &[u8]) -> Vec<u8> {
    let letters = plain.len().saturating_sub(TYPE_AND_CLASS);
    let coin = |place: usize| coins.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
    let roll = |(place, octet): (usize, &u8)| {
        if place < letters && coin(place) { octet.to_ascii_uppercase() } else { *octet }
    };
    plain.iter().enumerate().map(roll).collect()
}

#[cfg(test)]
mod tests;
