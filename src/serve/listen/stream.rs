//! A connection of either kind.

use crate::serve::seats::asker::Peer;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// Over the loopback interface.
    Tcp(TcpStream),
    /// Over a UNIX socket.
    Unix(UnixStream),
}

impl Stream {
    /// Who is at the other end of a connection that came to that place.
    #[must_use]
    pub fn peer(&self, place: usize) -> Peer {
        let user = match self {
            Self::Tcp(_) => None,
            Self::Unix(stream) => stream.peer_cred().ok().map(|peer| peer.uid()),
        };
        Peer { place, user }
    }
}

/// Who is at the other end, as far as the kernel tells.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(stream) => match stream.peer_addr() {
                Ok(address) => write!(f, "{address}"),
                Err(_) => f.write_str("somebody who has left"),
            },
            Self::Unix(stream) => match stream.peer_cred() {
                Ok(peer) => match peer.pid() {
                    Some(process) => write!(f, "user {}, process {process}", peer.uid()),
                    None => write!(f, "user {}", peer.uid()),
                },
                Err(_) => f.write_str("somebody whom the system does not know"),
            },
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_is_told_by_what_the_kernel_knows_of_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Stream::Tcp(listener.accept().await.unwrap().0);
        assert_eq!(stream.to_string(), peer.local_addr().unwrap().to_string());
        assert_eq!(stream.peer(1), Peer { place: 1, user: None });
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (stream, user) = (Stream::Unix(ours), nix::unistd::geteuid().as_raw());
        assert_eq!(stream.to_string(), format!("user {user}, process {}", std::process::id()));
        assert_eq!(stream.peer(2), Peer { place: 2, user: Some(user) });
    }
}
