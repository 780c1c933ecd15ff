//! `serve --ready`: asks the daemon that runs whether it is ready, for supervisors and health checks that have no shell.

use super::exit::ExitStatus;
use super::failure::Failure;
use crate::config::address::Loopback;
use crate::limits::READY_DEADLINE;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

/// Octets that a status line may take.
const STATUS_LINE: usize = 64;

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
        match status(page) {
            Ok(Some(200)) => {}
            Ok(Some(status)) => return Err(not_ready(&format!("/readyz says {status}"))),
            Ok(None) => return Err(not_ready("what answers there speaks no HTTP")),
            Err(error) => return Err(not_ready(&error.to_string())),
        }
    }
    Ok(())
}

/// The status with which it answers; `None` for what is no answer.
fn status(page: SocketAddr) -> io::Result<Option<u16>> {
    let until = Instant::now() + READY_DEADLINE;
    let left = || Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let mut stream = TcpStream::connect_timeout(&page, left().ok_or_else(late)?)?;
    stream.set_write_timeout(Some(left().ok_or_else(late)?))?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut line = Vec::with_capacity(STATUS_LINE);
    let mut octet = [0];
    while line.len() < STATUS_LINE && octet != *b"\n" {
        stream.set_read_timeout(Some(left().ok_or_else(late)?))?;
        if stream.read(&mut octet)? == 0 {
            break;
        }
        line.extend(octet);
    }
    Ok(of_status_line(&String::from_utf8_lossy(&line)))
}

/// RFC 9112 section 4: `HTTP/1.1 200 OK`.
fn of_status_line(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_and_nothing_else() {
        for (line, expected) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 503\r\n", Some(503)),
            ("HTTP/2 200", None),
            ("220 mail.example ESMTP\r\n", None),
            ("", None),
        ] {
            assert_eq!(of_status_line(line), expected, "{line}");
        }
    }

    #[test]
    fn a_daemon_without_pages_cannot_be_asked() {
        assert_eq!(ask(&[]).unwrap_err().0, ExitStatus::Configuration);
    }
}
