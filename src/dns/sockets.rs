//! The UDP socket of one question: at a port that nobody can guess, and connected to the one server that is asked.
//!
//! So the kernel drops what comes from elsewhere (RFC 5452 section 9.1), and a closed port is known at once instead of
//! after a time-out.

use crate::limits::{LEAST_SOURCE_PORT, SOURCE_PORTS_TRIED};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::task::coop::consume_budget;

/// Octets of a datagram that are read; more than [`crate::limits::EDNS_PAYLOAD`] allows a server to send.
const DATAGRAM: usize = 4_096;

/// A question that has left, and the socket at which its reply is awaited.
pub(super) struct Sent(UdpSocket);

impl Sent {
    /// Sends a question to that server.
    pub(super) fn new(question: &[u8], server: SocketAddr) -> io::Result<Self> {
        let socket = bound(server)?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        socket.send(question)?;
        UdpSocket::from_std(socket).map(Self)
    }

    /// The next datagram of the server's, or what ICMP says (port closed, host unreachable): tokio does not wake a reader for
    /// that alone.
    pub(super) async fn next(&self) -> io::Result<Vec<u8>> {
        let Self(socket) = self;
        loop {
            // Whoever sends without a pause must not stop the clock, nor other look-ups: what follows never yields by itself.
            consume_budget().await;
            let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
            match self.taken() {
                Ok(datagram) => return Ok(datagram),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !ready.is_error() => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(socket.take_error()?.unwrap_or(error));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A datagram that is there; its place is not kept by the thousands of questions that wait for one.
    fn taken(&self) -> io::Result<Vec<u8>> {
        let mut datagram = [0; DATAGRAM];
        let length = self.0.try_recv(&mut datagram)?;
        Ok(datagram.get(..length).unwrap_or_default().to_vec())
    }
}

/// A socket at a random port, of all that are not reserved for services (RFC 6056 section 3.2); the system's choice, which is
/// random too, but among fewer, where one after the other is taken.
fn bound(server: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    for _ in 0..SOURCE_PORTS_TRIED {
        let mut random = [0; 2];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| io::Error::other("this system has no randomness"))?;
        let port = u16::from_ne_bytes(random);
        if port < LEAST_SOURCE_PORT {
            continue;
        }
        match std::net::UdpSocket::bind((any, port)) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {}
            bound => return bound,
        }
    }
    std::net::UdpSocket::bind((any, 0))
}
