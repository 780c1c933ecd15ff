//! Name servers that behave as badly as we like, on loopback, at a port of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What a server does with a question.
pub(crate) enum Act {
    /// Sends these messages, one after the other.
    Send(Vec<Vec<u8>>),
    /// Sends these octets as they are, without a length in front (TCP), and closes.
    Raw(Vec<u8>),
    /// Says nothing and keeps the connection open.
    Stall,
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Fake {
    /// Where it listens, UDP and TCP.
    pub(crate) address: SocketAddr,
    udp: Arc<AtomicUsize>,
    tcp: Arc<AtomicUsize>,
}

impl Fake {
    /// Starts a server that does what the functions say over UDP and over TCP.
    pub(crate) async fn start(
        over_udp: impl Fn(&[u8]) -> Act + Send + 'static,
        over_tcp: impl Fn(&[u8]) -> Act + Send + Sync + 'static,
    ) -> Self {
        let (listener, socket) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
                break (listener, socket);
            }
        };
        let address = listener.local_addr().unwrap();
        let (udp, tcp) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(serve_udp(socket, Arc::clone(&udp), over_udp));
        tokio::spawn(serve_tcp(listener, Arc::clone(&tcp), Arc::new(over_tcp)));
        Self { address, udp, tcp }
    }

    /// A server that does the same over both.
    pub(crate) async fn same(act: impl Fn(&[u8]) -> Act + Clone + Send + Sync + 'static) -> Self {
        Self::start(act.clone(), act).await
    }

    /// Questions that came over UDP.
    pub(crate) fn udp(&self) -> usize {
        self.udp.load(Relaxed)
    }

    /// Questions that came over TCP.
    pub(crate) fn tcp(&self) -> usize {
        self.tcp.load(Relaxed)
    }
}

async fn serve_udp(socket: UdpSocket, count: Arc<AtomicUsize>, act: impl Fn(&[u8]) -> Act + Send) {
    let mut buffer = vec![0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        count.fetch_add(1, Relaxed);
        let messages = match act(&buffer[..length]) {
            Act::Send(messages) => messages,
            Act::Raw(octets) => vec![octets],
            Act::Stall => vec![],
        };
        for message in messages {
            let _ = socket.send_to(&message, from).await;
            tokio::task::yield_now().await;
        }
    }
}

async fn serve_tcp(
    listener: TcpListener,
    count: Arc<AtomicUsize>,
    act: Arc<impl Fn(&[u8]) -> Act + Send + Sync + 'static>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_connection(stream, Arc::clone(&count), Arc::clone(&act)));
    }
}

async fn serve_connection(mut stream: TcpStream, count: Arc<AtomicUsize>, act: Arc<impl Fn(&[u8]) -> Act>) {
    let Ok(length) = stream.read_u16().await else { return };
    let mut question = vec![0; usize::from(length)];
    if stream.read_exact(&mut question).await.is_err() {
        return;
    }
    count.fetch_add(1, Relaxed);
    match act(&question) {
        Act::Send(messages) => {
            for message in messages {
                let framed = [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat();
                let _ = stream.write_all(&framed).await;
            }
        }
        Act::Raw(octets) => {
            let _ = stream.write_all(&octets).await;
        }
        Act::Stall => tokio::time::sleep(Duration::from_secs(60)).await,
    }
}

/// The question of a message without EDNS and records, answered with this RCODE and these flags (octet 2).
pub(crate) fn bare(question: &[u8], flags: u8, rcode: u8) -> Vec<u8> {
    let name = question[12..].iter().position(|octet| *octet == 0).unwrap();
    let mut reply = question[..12 + name + 5].to_vec();
    reply[2] = flags;
    reply[3] = 0x80 | rcode;
    reply[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    reply
}

/// An honest reply: one TXT record with this text, owned by the question's name.
pub(crate) fn honest(question: &[u8], text: &str) -> Vec<u8> {
    answered(question, 1, text)
}

/// So many TXT records of that text.
pub(crate) fn answered(question: &[u8], records: u16, text: &str) -> Vec<u8> {
    let mut reply = bare(question, 0x81, 0);
    reply[6..8].copy_from_slice(&records.to_be_bytes());
    for _ in 0..records {
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, u8::try_from(text.len() + 1).unwrap()]);
        reply.push(u8::try_from(text.len()).unwrap());
        reply.extend(text.as_bytes());
    }
    reply
}
