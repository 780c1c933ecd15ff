//! As much of SMTP as leads to a TLS handshake (RFC 5321, RFC 3207).

use super::failure::{FailureKind, SessionFailure, Stage};
use crate::limits::{MAX_SMTP_REPLY_LINES, MAX_SMTP_REPLY_OCTETS};
use crate::text::excerpt;
use std::cell::Cell;
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

/// Characters of a reply that are repeated.
const SAID: usize = 80;

/// A conversation that has not become TLS yet.
#[derive(Debug)]
pub(super) struct Conversation<'a, S> {
    stream: BufReader<S>,
    /// The step that is being taken: the owner of the deadline reads from it where the session stopped.
    stage: &'a Cell<Stage>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    pub(super) fn new(stream: S, stage: &'a Cell<Stage>) -> Self {
        Self { stream: BufReader::with_capacity(MAX_SMTP_REPLY_OCTETS, stream), stage }
    }

    /// Greeting, EHLO under `name`, STARTTLS; the next octet of the connection belongs to TLS.
    ///
    /// # Errors
    /// [`SessionFailure`]: why there is no handshake. `QUIT` was sent, if the server was still there.
    pub(super) async fn starttls(mut self, name: &str) -> Result<S, SessionFailure> {
        match self.converse(name).await {
            Ok(()) => Ok(self.stream.into_inner()),
            Err(failure) => {
                quit(&mut self.stream).await;
                Err(failure)
            }
        }
    }

    async fn converse(&mut self, name: &str) -> Result<(), SessionFailure> {
        self.stage.set(Stage::Greeting);
        let greeting = self.reply().await?;
        if greeting.code != 220 {
            return Err(self.failure(FailureKind::Declined, greeting.said()));
        }
        self.stage.set(Stage::Ehlo);
        let reply = self.ask(&format!("EHLO {name}\r\n")).await?;
        match reply.code {
            250 => {}
            // A server from before 1995: it would need HELO, and has no STARTTLS (RFC 5321 section 3.2).
            500 | 502 => {
                self.stage.set(Stage::Starttls);
                let why = format!("it does not know EHLO: {}", reply.said());
                return Err(self.failure(FailureKind::NotOffered, why));
            }
            _ => return Err(self.failure(FailureKind::Declined, reply.said())),
        }
        self.stage.set(Stage::Starttls);
        if !reply.offers("STARTTLS") {
            return Err(self.failure(FailureKind::NotOffered, "its reply to EHLO does not have STARTTLS"));
        }
        let reply = self.ask("STARTTLS\r\n").await?;
        if reply.code != 220 {
            return Err(self.failure(FailureKind::Declined, reply.said()));
        }
        // Behind this reply nothing may come before our part of the handshake. What comes all the same in one piece with
        // it would pass for words of the server's inside TLS, if it were not thrown away (RFC 3207 section 4.2).
        match self.stream.buffer() {
            [] => Ok(()),
            behind => {
                let words = excerpt(&String::from_utf8_lossy(behind), SAID);
                let why = format!("clear text came behind the reply to STARTTLS: '{words}'");
                Err(self.failure(FailureKind::Injected, why))
            }
        }
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, SessionFailure> {
        let sent = async {
            self.stream.write_all(command.as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| self.broken(&error))?;
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Reply, SessionFailure> {
        let mut lines = Vec::new();
        while lines.len() < MAX_SMTP_REPLY_LINES {
            let line = self.line().await?;
            let code = line.get(..3).filter(|code| code.bytes().all(|octet| octet.is_ascii_digit()));
            let separator = line.as_bytes().get(3);
            let (Some(code), None | Some(b' ' | b'-')) = (code.and_then(|code| code.parse().ok()), separator)
            else {
                let why = format!("it says '{}', which is no reply", excerpt(&line, SAID));
                return Err(self.failure(FailureKind::NotSmtp, why));
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if separator != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
        let why = format!("a reply has more than {MAX_SMTP_REPLY_LINES} lines");
        Err(self.failure(FailureKind::TooMuch, why))
    }

    /// One line without its end.
    async fn line(&mut self) -> Result<String, SessionFailure> {
        let mut line = Vec::new();
        loop {
            let arrived = self.stream.fill_buf().await;
            let arrived = match arrived {
                Ok(arrived) => arrived,
                Err(error) => return Err(self.broken(&error)),
            };
            if arrived.is_empty() {
                return Err(self.failure(FailureKind::Closed, "it closed the connection"));
            }
            let end = arrived.iter().position(|octet| *octet == b'\n');
            let part = end.map_or(arrived, |end| arrived.get(..end).unwrap_or_default());
            line.extend_from_slice(part);
            let taken = part.len().saturating_add(usize::from(end.is_some()));
            self.stream.consume(taken);
            if line.len() > MAX_SMTP_REPLY_OCTETS {
                let why = format!("a line of its reply has more than {MAX_SMTP_REPLY_OCTETS} octets");
                return Err(self.failure(FailureKind::TooMuch, why));
            }
            if end.is_some() {
                return Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned());
            }
        }
    }

    fn failure(&self, kind: FailureKind, why: impl Into<String>) -> SessionFailure {
        SessionFailure::new(self.stage.get(), kind, why)
    }

    fn broken(&self, error: &io::Error) -> SessionFailure {
        SessionFailure::of_io(self.stage.get(), error)
    }
}

/// Takes leave without waiting for the answer.
pub(super) async fn quit(stream: &mut (impl AsyncWrite + Unpin)) {
    let _taken_or_not = stream.write_all(b"QUIT\r\n").await;
    let _closed_or_not = stream.shutdown().await;
}

/// One reply, its lines without code and end (RFC 5321 section 4.2).
#[derive(Debug)]
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    fn said(&self) -> String {
        let first = self.lines.first().map_or("", String::as_str);
        format!("it says '{} {}'", self.code, excerpt(first, SAID))
    }

    /// The first line names the host; each other one begins with a keyword, in any case (RFC 5321 section 4.1.1.1).
    fn offers(&self, keyword: &str) -> bool {
        let keyword_of = |line: &String| line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        self.lines.iter().skip(1).any(|line| keyword_of(line) == keyword)
    }
}

#[cfg(test)]
mod tests;
