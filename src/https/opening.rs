//! The first octets of what a server says inside TLS, kept for the case that nobody can read them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is kept: the length, type and flags of a frame of HTTP/2, and the begin of its stream identifier (RFC 9113 section 4.1).
const KEPT: usize = 8;

/// The octets, the first one highest.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening(Arc<AtomicU64>);

impl Opening {
    /// Whether it begins as a server of HTTP/2 has to (RFC 9113 section 3.4): with a SETTINGS frame, which is short.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.0.load(Ordering::Relaxed).to_be_bytes(), [0, 0, _, 4, 0, 0, 0, 0])
    }
}

/// A connection whose first octets are kept.
#[derive(Debug)]
pub(super) struct Opened<S> {
    stream: S,
    opening: Opening,
    seen: usize,
}

impl<S> Opened<S> {
    pub(super) fn new(stream: S, opening: &Opening) -> Self {
        Self { stream, opening: opening.clone(), seen: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = buf.filled().get(before..).unwrap_or_default();
        let missing = KEPT.saturating_sub(self.seen);
        for octet in new.iter().take(missing) {
            let kept = self.opening.0.load(Ordering::Relaxed);
            self.opening.0.store(kept << 8 | u64::from(*octet), Ordering::Relaxed);
        }
        self.seen = self.seen.saturating_add(new.len());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
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
