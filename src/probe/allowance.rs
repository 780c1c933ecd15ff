//! A connection that ends when more has come over it than a mail server has reason to send.

use crate::limits::MAX_PROBE_OCTETS;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts what is read, in clear text and in TLS records together, and fails every read behind
/// [`MAX_PROBE_OCTETS`] with [`io::ErrorKind::QuotaExceeded`], which nothing else on a socket brings.
#[derive(Debug)]
pub(super) struct Allowance<S> {
    stream: S,
    read: usize,
}

impl<S> Allowance<S> {
    /// Nothing has been read yet.
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, read: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Allowance<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read > MAX_PROBE_OCTETS {
            let why = format!("it sent more than {MAX_PROBE_OCTETS} octets");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::QuotaExceeded, why)));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let more = buf.filled().len().saturating_sub(before);
        self.read = self.read.saturating_add(more);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Allowance<S> {
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
