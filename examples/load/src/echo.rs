//! A bare server: the runtime of the daemon's front and its framing, and nothing behind them.

use super::framing::{Protocol, netstring, netstring_length};
use std::io::Result;
use std::path::Path;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{LocalSet, spawn_local};

/// Gives `answer` to everything, until it is ended.
pub(crate) fn serve(at: &Path, protocol: Protocol, answer: &str) {
    let answer: Rc<[u8]> = match protocol {
        Protocol::Socketmap => netstring(answer).into(),
        Protocol::Exim => format!("{answer}\n").into_bytes().into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = UnixListener::bind(at).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Rc::clone(&answer);
            spawn_local(async move {
                let _it_went_away = match protocol {
                    Protocol::Socketmap => netstrings(stream, &answer).await,
                    Protocol::Exim => lines(stream, &answer).await,
                };
            });
        }
    });
}

async fn netstrings(mut stream: UnixStream, answer: &[u8]) -> Result<()> {
    let (mut octets, mut buffer) = (Vec::new(), [0; 1_024]);
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        octets.extend_from_slice(&buffer[..count]);
        while let Some(length) = netstring_length(&octets) {
            octets.drain(..length);
            stream.write_all(answer).await?;
        }
    }
}

async fn lines(mut stream: UnixStream, answer: &[u8]) -> Result<()> {
    let mut buffer = [0; 1_024];
    while stream.read(&mut buffer).await? != 0 {}
    stream.write_all(answer).await
}
