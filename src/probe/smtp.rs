//! As much of SMTP as leads to a TLS handshake (RFC 5321, RFC 3207).

use super::NotShown;
use crate::limits::{MAX_SMTP_REPLY_LINES, MAX_SMTP_REPLY_OCTETS};
use crate::text::excerpt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How the probe introduces itself: a name that nobody can have (RFC 2606 section 2), so that it claims to be nobody.
const EHLO: &[u8] = b"EHLO smtp-sts-verify.invalid\r\n";
const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// Greeting, EHLO, STARTTLS; the next octet belongs to TLS.
///
/// # Errors
/// [`NotShown`]: why there is no handshake.
pub(super) async fn starttls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<(), NotShown> {
    Reply::read(stream).await?.must_be(220, NotShown::NoSmtp)?;
    let reply = ask(stream, EHLO).await?;
    reply.must_be(250, NotShown::NoSmtp)?;
    if !reply.offers("STARTTLS") {
        return Err(NotShown::NoStarttls("its reply to EHLO does not have it".to_owned()));
    }
    ask(stream, STARTTLS).await?.must_be(220, NotShown::NoStarttls)
}

/// Takes leave without waiting for the answer.
pub(super) async fn quit(stream: &mut (impl AsyncWrite + Unpin)) {
    let _taken_or_not = stream.write_all(b"QUIT\r\n").await;
    let _closed_or_not = stream.shutdown().await;
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), command: &[u8]) -> Result<Reply, NotShown> {
    let sent = async {
        stream.write_all(command).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| broken(&error))?;
    Reply::read(stream).await
}

fn broken(error: &io::Error) -> NotShown {
    NotShown::NoConnection(error.to_string())
}

/// One reply, its lines without their ends (RFC 5321 section 4.2).
#[derive(Debug)]
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// Reads octet by octet: behind the last line of a reply to STARTTLS begins what is not ours.
    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, NotShown> {
        let mut lines = Vec::new();
        while lines.len() < MAX_SMTP_REPLY_LINES {
            let line = read_line(stream).await?;
            let code = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
            let Some(code) = code.and_then(|code| code.parse().ok()) else {
                return Err(NotShown::NoSmtp(format!("it says '{}'", excerpt(&line, 80))));
            };
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if is_last {
                return Ok(Self { code, lines });
            }
        }
        Err(NotShown::NoSmtp(format!("a reply has more than {MAX_SMTP_REPLY_LINES} lines")))
    }

    fn must_be(&self, code: u16, otherwise: fn(String) -> NotShown) -> Result<(), NotShown> {
        if self.code == code {
            return Ok(());
        }
        let said = self.lines.first().map_or("", String::as_str);
        Err(otherwise(format!("it says '{} {}'", self.code, excerpt(said, 80))))
    }

    /// The first line names the host; each other one begins with a keyword, in any case (RFC 5321 section 4.1.1.1).
    fn offers(&self, keyword: &str) -> bool {
        let keyword_of = |line: &String| line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        self.lines.iter().skip(1).any(|line| keyword_of(line) == keyword)
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, NotShown> {
    let mut line = Vec::new();
    while line.len() < MAX_SMTP_REPLY_OCTETS {
        match stream.read_u8().await.map_err(|error| broken(&error))? {
            b'\n' => {
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                return Ok(String::from_utf8_lossy(line).into_owned());
            }
            octet => line.push(octet),
        }
    }
    Err(NotShown::NoSmtp(format!("a line of its reply has more than {MAX_SMTP_REPLY_OCTETS} octets")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;
    use tokio::io::AsyncBufReadExt as _;

    /// The outcome with a host that says these things, the first at once and each other one after a command, and then
    /// hangs up; and what it was told.
    async fn conversation(replies: &[&str]) -> (Result<(), NotShown>, String) {
        let (mut ours, theirs) = tokio::io::duplex(64 * 1_024);
        let host = async {
            let mut theirs = tokio::io::BufStream::new(theirs);
            let mut heard = String::new();
            for (place, reply) in replies.iter().enumerate() {
                if place > 0 {
                    let _ = theirs.read_line(&mut heard).await;
                }
                let _ = theirs.write_all(reply.as_bytes()).await;
                let _ = theirs.flush().await;
            }
            heard
        };
        futures_util::future::join(starttls(&mut ours), host).await
    }

    #[tokio::test]
    async fn a_host_that_offers_it_is_asked_for_it() {
        let replies =
            ["220-mx.test\r\n220 ready\r\n", "250-mx.test\r\n250-SIZE 1\r\n250 starttls\r\n", "220 go\r\n"];
        let (outcome, heard) = conversation(&replies).await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(heard.lines().count(), 2, "{heard}");
        assert!(heard.starts_with("EHLO ") && heard.contains("STARTTLS\r\n"));
    }

    #[tokio::test]
    async fn every_other_host_is_told_apart() {
        for (replies, expected) in [
            (vec!["554 no\r\n"], "does not take up SMTP: it says '554 no'"),
            (vec!["SSH-2.0\r\n"], "does not take up SMTP: it says 'SSH-2.0'"),
            (vec!["220 mx\r\n", "502 what\r\n"], "does not take up SMTP: it says '502 what'"),
            (vec!["220 mx\r\n", "250 STARTTLS\r\n"], "offers no STARTTLS: its reply"),
            (vec!["220 mx\r\n", "250-mx\r\n250 XSTARTTLS\r\n"], "offers no STARTTLS: its reply"),
            (
                vec!["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "454 later\r\n"],
                "offers no STARTTLS: it says '454 later'",
            ),
            (vec!["220 mx\r\n", "250-a\r\n"], "cannot be reached"),
        ] {
            let (outcome, _) = conversation(&replies).await;
            let why = outcome.expect_err(expected).to_string();
            assert!(why.contains(expected), "{why}");
        }
    }

    #[tokio::test]
    async fn endless_replies_have_an_end() {
        let line = "x".repeat(2 * MAX_SMTP_REPLY_OCTETS);
        let lines = "220-x\r\n".repeat(2 * MAX_SMTP_REPLY_LINES);
        for reply in [line.as_str(), lines.as_str()] {
            let (outcome, _) = conversation(&[reply]).await;
            assert!(matches!(outcome, Err(NotShown::NoSmtp(_))), "{outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_of_a_host_panic_or_escape(octets in proptest::collection::vec(any::<u8>(), 0..200), is_polite: bool) {
            let begin: &[u8] = if is_polite { b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n" } else { b"" };
            let said = [begin, &octets].concat();
            let mut stream = tokio::io::join(said.as_slice(), tokio::io::sink());
            let outcome = starttls(&mut stream).now_or_never().expect("an end without waiting");
            if let Err(why) = outcome {
                prop_assert!(why.to_string().bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", why);
            }
        }
    }
}
