//! One HTTP/1.1 request and its one reply, on a connection that serves nothing else.
//!
//! hyper reads the messages, strictly: no HTTP/0.9, no folded lines, no blank before a colon. What a policy may look
//! like on top of that is decided here.

use super::metered::Traffic;
use super::opening::Opening;
use super::progress::Peer;
use super::witness::Witness;
use super::{FetchError, MediaType, PolicyUrl, Step};
use crate::causes;
use crate::limits::{MAX_BODY_OCTETS, MAX_HEAD_OCTETS, MAX_HEADER_FIELDS};
use crate::tapped::Tapped;
use crate::time::UnixTime;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Builder;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};

/// What this program calls itself: the same everywhere, so that a policy host learns nothing about the machine.
const USER_AGENT: &str = "smtp-sts-verify";

/// What is asked for, and how long the head of the reply may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'u> {
    pub(super) url: &'u PolicyUrl,
    pub(super) port: u16,
    pub(super) media: MediaType,
    pub(super) patience: Duration,
    pub(super) witness: Option<&'u Witness>,
}

/// What is handed over, and how long the head of the reply may take.
#[derive(Debug)]
pub(super) struct Handed<'u> {
    pub(super) url: &'u PolicyUrl,
    pub(super) port: u16,
    pub(super) media: &'static str,
    pub(super) octets: Vec<u8>,
    pub(super) patience: Duration,
}

/// Asks for the policy and reads its body.
pub(super) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    traffic: Arc<Traffic>,
    peer: &Peer<'_>,
    wanted: Wanted<'_>,
) -> Result<Vec<u8>, FetchError> {
    let bounds = Arc::clone(&traffic);
    converse(stream, traffic, peer, (get(wanted), wanted.patience), async move |reply: Response<Incoming>| {
        if let Some(witness) = wanted.witness {
            witness.replied(peer.fetch.host.as_str(), &reply);
        }
        check_head(peer, &reply, wanted.media)?;
        peer.until_the_end(Step::Body, read(peer, reply.into_body(), &bounds)).await?
    })
    .await
}

/// Asks, and reads only what time it is there, whatever else the reply says (RFC 9110 section 6.6.1).
pub(super) async fn date<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    traffic: Arc<Traffic>,
    peer: &Peer<'_>,
    wanted: Wanted<'_>,
) -> Result<UnixTime, FetchError> {
    converse(stream, traffic, peer, (get(wanted), wanted.patience), async move |reply: Response<Incoming>| {
        let found: Vec<_> = values(reply.headers(), &header::DATE).collect();
        let moment = match found.as_slice() {
            [one] => httpdate::parse_http_date(one).ok(), // RFC 9110 section 5.6.7
            _ => None,
        };
        let since = moment.and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
        since
            .map(|since| UnixTime(since.as_secs()))
            .ok_or_else(|| peer.malformed(format!("its Date is '{}'", found.join(", "))))
    })
    .await
}

/// Hands something over, and reads no more of the reply than its status.
pub(super) async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    traffic: Arc<Traffic>,
    peer: &Peer<'_>,
    Handed { url, port, media, octets, patience }: Handed<'_>,
) -> Result<u16, FetchError> {
    let request = request(Method::POST, url, port).and_then(|request| {
        request
            .header(header::CONTENT_TYPE, HeaderValue::from_static(media))
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(octets)))
    });
    let status = async |reply: Response<Incoming>| Ok(reply.status().as_u16());
    converse(stream, traffic, peer, (request, patience), status).await
}

/// Sends a request, waits so long for the head of the reply, and has that read by `read` as soon as it is there.
async fn converse<S: AsyncRead + AsyncWrite + Unpin, T>(
    stream: S,
    traffic: Arc<Traffic>,
    peer: &Peer<'_>,
    (request, patience): (hyper::http::Result<Request<Full<Bytes>>>, Duration),
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, FetchError>,
) -> Result<T, FetchError> {
    let opening = Opening::default();
    let shaken = http1::Builder::new()
        .max_headers(MAX_HEADER_FIELDS)
        .max_header_size(MAX_HEAD_OCTETS)
        .max_buf_size(MAX_HEAD_OCTETS)
        .handshake(TokioIo::new(Tapped::new(stream, opening.clone())))
        .await;
    let (mut sender, connection) =
        shaken.map_err(|e| peer.broke(Step::Head, io_cause(&e), causes::of_http(&e)))?;
    let mut request = request.map_err(|_| peer.interrupted(Step::Head, "its path fits into no request"))?;
    let interim = Arc::clone(&traffic);
    hyper::ext::on_informational(&mut request, move |_| interim.interim_reply());

    let conversation = pin!(async {
        let asked = peer.within(patience, Step::Head, sender.send_request(request)).await?;
        let reply = asked.map_err(|e| match opening.is_http2() {
            true => peer.malformed("it speaks HTTP/2 alone"),
            false => failed(peer, Step::Head, &traffic, &e),
        })?;
        if let Some(excess) = traffic.excess() {
            return Err(peer.too_large(excess));
        }
        read(reply).await
    });
    // The connection moves octets while the conversation waits for them; it may end first, with the last of them handed
    // over already.
    match select(conversation, pin!(connection)).await {
        Either::Left((done, _)) => done,
        Either::Right((_, conversation)) => conversation.await,
    }
}

/// A question for a policy.
fn get(wanted: Wanted<'_>) -> hyper::http::Result<Request<Full<Bytes>>> {
    request(Method::GET, wanted.url, wanted.port)?
        .header(header::ACCEPT, "text/plain")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Full::default())
}

/// What every request begins with.
fn request(method: Method, url: &PolicyUrl, port: u16) -> hyper::http::Result<Builder> {
    let host = url.host();
    let authority = if port == 443 { host.to_string() } else { format!("{host}:{port}") };
    let request = Request::builder().method(method).uri(Uri::try_from(url.path())?);
    Ok(request.header(header::HOST, authority).header(header::USER_AGENT, USER_AGENT))
}

/// Refuses every reply that is not plainly one policy, before its body is read.
fn check_head(peer: &Peer<'_>, reply: &Response<Incoming>, media: MediaType) -> Result<(), FetchError> {
    let host = || peer.fetch.host.clone();
    let fields = reply.headers();
    if reply.status() != StatusCode::OK {
        return Err(FetchError::Status { host: host(), code: reply.status().as_u16() });
    }
    let plain = |coding: &String| coding.eq_ignore_ascii_case("identity");
    if let Some(found) = values(fields, &header::CONTENT_ENCODING).find(|coding| !plain(coding)) {
        return Err(FetchError::ContentEncoding { host: host(), found });
    }
    let found: Vec<_> = values(fields, &header::CONTENT_TYPE).collect();
    if media == MediaType::TextPlain && !matches!(found.as_slice(), [one] if is_text_plain(one)) {
        let found = (!found.is_empty()).then(|| found.join(", "));
        return Err(FetchError::ContentType { host: host(), found });
    }
    check_framing(peer, fields)
}

/// There is one way to tell where the body ends: two make two bodies of it, for two readers (RFC 9112 section 6.3).
fn check_framing(peer: &Peer<'_>, fields: &HeaderMap) -> Result<(), FetchError> {
    let lengths: Vec<_> = values(fields, &header::CONTENT_LENGTH).collect();
    let codings: Vec<_> = values(fields, &header::TRANSFER_ENCODING).collect();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(()),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(()),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            // A number of so many digits that it does not fit is too large as well.
            if length.parse().is_ok_and(|octets: usize| octets <= MAX_BODY_OCTETS) {
                Ok(())
            } else {
                Err(body_too_large(peer))
            }
        }
        _ => Err(peer.malformed(format!(
            "the end of its body is given by length '{}' and coding '{}'",
            lengths.join(", "),
            codings.join(", ")
        ))),
    }
}

fn is_text_plain(content_type: &str) -> bool {
    let essence = content_type.split_once(';').map_or(content_type, |(essence, _parameters)| essence);
    essence.trim().eq_ignore_ascii_case("text/plain")
}

/// The values of a field, one for each line that has it, without the blanks around.
fn values(fields: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    fields.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}

/// Reads up to one octet more than a policy may have; trailers are read past.
async fn read(peer: &Peer<'_>, mut body: Incoming, traffic: &Traffic) -> Result<Vec<u8>, FetchError> {
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| failed(peer, Step::Body, traffic, &e))?;
        if let Some(data) = frame.data_ref() {
            if octets.len().saturating_add(data.len()) > MAX_BODY_OCTETS {
                return Err(body_too_large(peer));
            }
            octets.extend_from_slice(data);
        }
    }
    Ok(octets)
}

fn body_too_large(peer: &Peer<'_>) -> FetchError {
    peer.too_large(format!("a body of more than {MAX_BODY_OCTETS} octets"))
}

/// What hyper's error means: too much, not HTTP (a head that is too large included), or a connection that broke.
fn failed(peer: &Peer<'_>, step: Step, traffic: &Traffic, error: &hyper::Error) -> FetchError {
    if let Some(excess) = traffic.excess() {
        return peer.too_large(excess);
    }
    // hyper reports a body that is badly framed as an error of reading.
    let cause = io_cause(error);
    let kind = cause.map(io::Error::kind);
    if error.is_parse() || matches!(kind, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) {
        return peer.malformed(causes::of_http(error));
    }
    peer.broke(step, cause, causes::of_http(error))
}

/// What the system said, where that is the cause.
fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    error.source().and_then(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests;
