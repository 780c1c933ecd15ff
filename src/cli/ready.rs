//! `serve --ready`: asks the daemon that runs whether it is ready, for supervisors and health checks that have no shell.

use super::exit::ExitStatus;
use super::failure::Failure;
use crate::config::address::Loopback;
use crate::limits::READY_DEADLINE;
use crate::text::excerpt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

/// Octets of an answer that are read: head and reason.
const MOST: u64 = 2_048;
/// Characters of the reason that are told.
const REASON: usize = 400;

/// Asks each of the daemon's pages for `/readyz`; the first that cannot be had, or says no, decides.
///
/// # Errors
/// The daemon is not ready, or serves no pages that could be asked.
pub(super) fn ask(pages: &[Loopback]) -> Result<(), Failure> {
    if pages.is_empty() {
        return Err(Failure::misconfigured(
            "whether the daemon is ready is asked of its pages, and it has none; set `http = [\"127.0.0.1:8462\"]` \
             in [serve], or give --http",
        ));
    }
    for page in pages.iter().map(|page| page.get()) {
        let not_ready =
            |why: &str| Failure(ExitStatus::Defer, format!("the daemon at {page} is not ready: {why}"));
        match answer(page).as_deref().map(read) {
            Ok(Some((200, _))) => {}
            Ok(Some((status, reason))) => return Err(not_ready(&format!("/readyz says {status}, {reason}"))),
            Ok(None) => return Err(not_ready("what answers there speaks no HTTP")),
            Err(error) => return Err(not_ready(&error.to_string())),
        }
    }
    Ok(())
}

/// What is answered there, as far as it comes in time.
fn answer(page: SocketAddr) -> io::Result<String> {
    let until = Instant::now() + READY_DEADLINE;
    let left = || Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let mut stream = TcpStream::connect_timeout(&page, left().ok_or_else(late)?)?;
    stream.set_write_timeout(Some(left().ok_or_else(late)?))?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let (mut said, mut piece) = (Vec::new(), [0; 512]);
    let mut stream = stream.take(MOST);
    loop {
        stream.get_ref().set_read_timeout(Some(left().ok_or_else(late)?))?;
        let octets = stream.read(&mut piece)?;
        match piece.get(..octets) {
            Some(more) if octets > 0 => said.extend_from_slice(more),
            _ => return Ok(String::from_utf8_lossy(&said).into_owned()),
        }
    }
}

/// The status (RFC 9112 section 4: `HTTP/1.1 200 OK`) and the first line of what follows the head, made inert.
fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, excerpt(body.lines().next().unwrap_or("without a reason"), REASON)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_reason_are_read_and_nothing_else() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nready\n", Some((200, "ready"))),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\nnot ready: a\u{1b}b\nmore",
                Some((503, "not ready: a\\u{1b}b")),
            ),
            ("HTTP/1.0 503\r\n\r\n", Some((503, "without a reason"))),
            ("HTTP/2 200\r\n\r\n", None),
            ("220 mail.example ESMTP\r\n", None),
            ("", None),
        ] {
            let expected = expected.map(|(status, reason)| (status, reason.to_owned()));
            assert_eq!(read(answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_daemon_without_pages_cannot_be_asked() {
        assert_eq!(ask(&[]).unwrap_err().0, ExitStatus::Configuration);
    }
}
