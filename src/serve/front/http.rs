//! HTTP/1.1 on one connection: heads are bounded in octets and in time, bodies are not read, replies are whole.

use super::connection_limiter::ConnectionPermit;
use crate::limits::{MAX_PAGE_REQUEST_OCTETS, PAGE_CONNECTION_LIFE, PAGE_REQUEST_DEADLINE};
use crate::serve::protocol::http::{ALLOWED, ALWAYS, Head, Page, Refusal, Reply, wanted};
use crate::serve::telemetry::counters::{Counters, Cutting, Protocol, Thread};
use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Whoever makes the pages: [`crate::serve::front::status_query::Watch`], or a test.
pub trait Pages {
    /// Returns when it is the turn of a request. Each has its own, refused ones too: hundreds may have come at once.
    fn turn(&self) -> impl Future<Output = ()>;

    /// The page, as it is now.
    fn page(&self, page: Page) -> impl Future<Output = Reply>;
}

/// Serves a connection until it ends, [`PAGE_CONNECTION_LIFE`] at most: so whoever reads slowly ends, too.
pub async fn serve<P: Pages>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    permit: ConnectionPermit,
    pages: P,
    counters: Arc<Counters>,
) {
    permit.mark_evictable();
    let answered = service_fn(async |request| {
        permit.mark_protected();
        let reply = answer(&request, &pages, &counters).await;
        permit.mark_evictable();
        Ok::<_, Infallible>(response(reply))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Whoever has asked and says no more still reads.
        .half_close(true)
        .header_read_timeout(PAGE_REQUEST_DEADLINE)
        .max_buf_size(MAX_PAGE_REQUEST_OCTETS)
        .serve_connection(TokioIo::new(stream), answered);
    let why = match timeout(PAGE_CONNECTION_LIFE, connection).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) if error.is_timeout() => Cutting::SlowRequest,
        Ok(Err(error)) if error.is_parse() => Cutting::Broken,
        // The peer has left.
        Ok(Err(_)) => return,
        Err(_) => Cutting::SlowReader,
    };
    counters.connections_ended.of(Protocol::Http).of(why).one();
}

async fn answer<B>(request: &Request<B>, pages: &impl Pages, counters: &Counters) -> Reply {
    let hosts: Vec<Option<&str>> =
        request.headers().get_all(HOST).iter().map(|value| value.to_str().ok()).collect();
    let head = Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        authority: request.uri().authority().map(Authority::as_str),
        hosts: &hosts,
    };
    pages.turn().await;
    match wanted(&head) {
        Ok(page) => {
            counters.pages.of(page).one();
            made(page, pages, counters).await
        }
        Err(refusal) => {
            counters.page_refusals.of(refusal).one();
            refusal.into()
        }
    }
}

/// The page; a mistake of ours while it is made is told, and ends nothing else.
async fn made(page: Page, pages: &impl Pages, counters: &Counters) -> Reply {
    // What a page reads it does not change: nothing is left half done.
    AssertUnwindSafe(pages.page(page)).catch_unwind().await.unwrap_or_else(|_| {
        counters.panics.of(Thread::Front).one();
        Reply::words(500, "A mistake of ours: please report it.\n")
    })
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.media_type));
    if let Ok(policy) = HeaderValue::from_str(&reply.content_security_policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if reply.status == Refusal::NotAllowed.status() {
        headers.insert(ALLOW, HeaderValue::from_static(ALLOWED));
    }
    response
}

#[cfg(test)]
mod tests;
