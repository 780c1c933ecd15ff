//! The front: the sockets, and a task for each connection.

use super::address::Address;
use super::engine::{Answers, Engine};
use super::question::Question;
use crate::name::{Destination, MxHost};
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::spawn_local;

/// Listens at that place for Exim, until the process ends.
///
/// # Errors
/// If nobody can listen there.
pub async fn exim(place: &Address, engine: Rc<Engine>) -> io::Result<()> {
    match place {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address.get()).await?;
            spawn_local(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    spawn_local(converse(stream, Rc::clone(&engine)));
                }
            });
        }
        Address::Unix(path) => {
            let listener = UnixListener::bind(path)?;
            spawn_local(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    spawn_local(converse(stream, Rc::clone(&engine)));
                }
            });
        }
    }
    Ok(())
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, engine: Rc<Engine>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.is_err() {
        return;
    }
    let mut words = line.split_ascii_whitespace().skip(1);
    let domain = words.next().map(|word| Destination::parse(word.as_ref()));
    let host = words.next().and_then(|word| MxHost::parse(word.as_ref()).ok());
    if let Some(Ok(Destination::Domain(domain))) = domain {
        let answer = engine.answer(Question { domain, host }).await;
        let _ = stream.write_all(answer.exim.as_bytes()).await;
    }
}
