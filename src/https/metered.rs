//! A connection that ends when more has come over it than a policy can need.

use crate::limits::{MAX_FETCH_OCTETS, MAX_INTERIM_REPLIES};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a policy host has sent so far, seen from both ends: the wire, and the HTTP replies.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    octets: AtomicUsize,
    interim: AtomicUsize,
}

impl Traffic {
    /// One more interim reply has come.
    pub(super) fn interim_reply(&self) {
        self.interim.fetch_add(1, Ordering::Relaxed);
    }

    /// Which limit has been passed, in words.
    pub(super) fn excess(&self) -> Option<String> {
        if self.octets.load(Ordering::Relaxed) > MAX_FETCH_OCTETS {
            return Some(format!("more than {MAX_FETCH_OCTETS} octets"));
        }
        (self.interim.load(Ordering::Relaxed) > MAX_INTERIM_REPLIES)
            .then(|| format!("more than {MAX_INTERIM_REPLIES} interim replies"))
    }
}

/// Counts what is read from `stream`, below TLS, and fails every read once a limit has been passed.
#[derive(Debug)]
pub(super) struct Metered<S> {
    pub(super) stream: S,
    pub(super) traffic: Arc<Traffic>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(excess) = self.traffic.excess() {
            return Poll::Ready(Err(io::Error::other(excess)));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = buf.filled().len().saturating_sub(before);
        self.traffic.octets.fetch_add(read, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
