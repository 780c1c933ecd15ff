//! hickory's sockets, with UDP connected to the one server that is asked.
//!
//! So the kernel drops what comes from elsewhere (RFC 5452 section 9.1), and a closed port is known at once instead of
//! after a time-out.

use futures_util::future::{BoxFuture, Fuse, FutureExt};
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider, TokioTime};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;

/// Opens sockets for hickory's streams.
#[derive(Clone, Default)]
pub(super) struct Sockets(TokioRuntimeProvider);

/// A UDP socket that is connected to one server.
pub(super) struct ConnectedUdp {
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    /// Ends with what ICMP says (port closed, host unreachable): tokio does not wake a reader for that alone.
    report: Mutex<Fuse<BoxFuture<'static, io::Error>>>,
}

impl ConnectedUdp {
    async fn open(from: SocketAddr, server: SocketAddr) -> io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind(from).await?);
        socket.connect(server).await?;
        let report = Mutex::new(report(Arc::clone(&socket)).boxed().fuse());
        Ok(Self { socket, server, report })
    }
}

/// Waits for an error of the socket itself.
async fn report(socket: Arc<UdpSocket>) -> io::Error {
    let outcome = socket.ready(Interest::ERROR).await;
    match outcome.and_then(|_| socket.take_error()) {
        Ok(Some(error)) | Err(error) => error,
        Ok(None) => std::future::pending().await,
    }
}

impl DnsUdpSocket for ConnectedUdp {
    type Time = TokioTime;

    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        match self.socket.poll_recv(cx, &mut buf) {
            Poll::Ready(received) => Poll::Ready(received.map(|()| (buf.filled().len(), self.server))),
            Poll::Pending => {
                let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                report.poll_unpin(cx).map(Err)
            }
        }
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], _server: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, buf)
    }
}

/// hickory's type for a future that opens a socket.
type Opening<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

impl RuntimeProvider for Sockets {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = TokioTime;
    type Udp = ConnectedUdp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        to: SocketAddr,
        from: Option<SocketAddr>,
        wait: Option<Duration>,
    ) -> Opening<Self::Tcp> {
        self.0.connect_tcp(to, from, wait)
    }

    fn bind_udp(&self, from: SocketAddr, to: SocketAddr) -> Opening<Self::Udp> {
        Box::pin(ConnectedUdp::open(from, to))
    }
}
