//! A test message, signed by Exim as it signs reports, that does not leave this machine.
//!
//! Exim is started once more, as its own user, with a configuration that has one transport: with what the transport of reports says of
//! DKIM, and with this program as the only host there is. So the key is read, and the signature made, by who makes them of
//! reports; the spool and the log lie in a directory that is gone afterwards.

use super::files;
use super::process::run;
use crate::cache::file::Owner;
use crate::doctor::observations::{Seen, TestMessage};
use crate::doctor::read::exim::Driver;
use crate::limits::{MAX_PROCESS_OCTETS, MAX_TEST_MESSAGE_OCTETS};
use crate::reporting::destination::MailAddress;
use crate::reporting::message::{Content, Purpose, mail};
use crate::reporting::package;
use crate::reports::tally::Day;
use crate::text::excerpt;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::fs::{self, DirBuilder};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One pause of waiting for Exim.
const PAUSE: Duration = Duration::from_millis(5);

/// Characters of Exim's sentence that are shown.
const SHOWN: usize = 200;

/// What Exim makes of the message.
///
/// # Errors
/// What keeps Exim from running, in words: the test says nothing then.
pub(super) fn look(
    binary: &Path,
    transport: &Driver,
    contact: &MailAddress,
    user: Option<Owner>,
    until: Instant,
) -> Seen<TestMessage> {
    let seen = |error: io::Error| format!("the test message cannot be made: {error}");
    let place = Scratch::new(user).map_err(seen)?;
    let sink = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(seen)?;
    let port = sink.local_addr().map_err(seen)?.port();
    sink.set_nonblocking(true).map_err(seen)?;
    let file = place.place.join("configuration");
    fs::write(&file, configuration(&place.spool(), port, transport)).map_err(seen)?;
    let is_over = AtomicBool::new(false);
    let (ran, got) = thread::scope(|scope| {
        let host = scope.spawn(|| received(&sink, &place.token, &is_over, until));
        let (file, words) = (file.display().to_string(), ["-oi", "-odi", "-f", contact.as_str(), "--"]);
        // It is nobody's: the only host of that Exim is this program.
        let recipient = format!("postmaster@{}", contact.domain());
        let arguments = ["-C", &file].into_iter().chain(words).chain([recipient.as_str()]);
        let ran = run(binary, arguments, &message(contact, &place.token), user, until);
        is_over.store(true, Ordering::Release);
        (ran, host.join().unwrap_or(None))
    });
    match (got, ran) {
        (Some(message), _) => Ok(TestMessage::HandedOver(message)),
        (None, Err(why)) => Err(excerpt(&why, SHOWN)),
        (None, Ok(said)) => Ok(TestMessage::Kept(excerpt(&place.last_words().unwrap_or(said), SHOWN))),
    }
}

/// A mail of a report's shape, about nothing.
fn message(contact: &MailAddress, token: &str) -> String {
    let (domain, made) = (contact.domain(), SystemClock.now());
    let day = Day::of(made).before(1);
    let id = format!("{day}.{domain}.doctor");
    let file = package::file_name(domain, domain, day, &id);
    let package = package::gzip(b"{}");
    let content = Content {
        purpose: Purpose::Trial,
        from: contact,
        to: contact,
        domain,
        id: &id,
        file: &file,
        made,
        token,
        package: &package,
    };
    String::from_utf8_lossy(&mail(content)).into_owned()
}

/// A configuration of Exim in which all mail goes to a port of this machine, signed as that transport signs.
fn configuration(spool: &Path, port: u16, transport: &Driver) -> String {
    let spool = spool.display();
    let mut text = format!(
        "primary_hostname = localhost\nspool_directory = {spool}\nlog_file_path = {spool}/%slog\nkeep_environment =\n\
         begin routers\nall:\n  driver = manualroute\n  route_list = * 127.0.0.1\n  self = send\n  transport = reports\n\
         begin transports\nreports:\n  driver = smtp\n  port = {port}\n  allow_localhost\n"
    );
    for (name, value) in &transport.options {
        if name.starts_with("dkim_") && !value.is_empty() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            text.push_str(&format!("  {name} = \"{value}\"\n"));
        }
    }
    text
}

/// A directory of ours, with one of Exim's user in it.
struct Scratch {
    place: PathBuf,
    /// What nobody else knows who is on this machine.
    token: String,
}

impl Scratch {
    fn new(user: Option<Owner>) -> io::Result<Self> {
        let mut octets = [0; 16];
        aws_lc_rs::rand::fill(&mut octets)
            .map_err(|_| io::Error::other("the system gives no random octets"))?;
        let token = data_encoding::HEXLOWER.encode(&octets);
        let (name, token) = token.split_at(16);
        // Whoever has made something of that name before: this fails.
        let place = Path::new("/tmp").join(format!("smtp-sts-verify-{name}"));
        let place = Self { place, token: token.to_owned() };
        DirBuilder::new().mode(0o755).create(&place.place)?;
        DirBuilder::new().mode(0o700).create(place.spool())?;
        if let Some(Owner { uid, gid }) = user {
            chown(place.spool(), Some(uid), Some(gid))?;
        }
        Ok(place)
    }

    fn spool(&self) -> PathBuf {
        self.place.join("spool")
    }

    /// What that Exim said last about the message.
    fn last_words(&self) -> Option<String> {
        let log = files::octets_of_no_link(&self.spool().join("mainlog"), MAX_PROCESS_OCTETS).ok()?;
        let log = String::from_utf8_lossy(&log).into_owned();
        let line = log.lines().rfind(|line| line.contains("DKIM")).or_else(|| log.lines().last())?;
        // The time and the message's number say nothing.
        Some(line.splitn(4, ' ').last().unwrap_or(line).to_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies where the system clears up.
        let _ = fs::remove_dir_all(&self.place);
    }
}

/// The message with that token, if it comes in before it is over: whoever is on this machine may hand over others.
fn received(sink: &TcpListener, token: &str, is_over: &AtomicBool, until: Instant) -> Option<String> {
    loop {
        // Read before the last look: what came until then is there.
        let is_last = is_over.load(Ordering::Acquire) || Instant::now() >= until;
        match sink.accept() {
            Ok((stream, _)) => {
                if let Some(message) =
                    conversation(stream, until).ok().flatten().filter(|it| it.contains(token))
                {
                    return Some(message);
                }
            }
            Err(_) if is_last => return None,
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The mail host's part of a conversation (RFC 5321), which takes whatever comes.
fn conversation(stream: TcpStream, until: Instant) -> io::Result<Option<String>> {
    stream.set_nonblocking(false)?;
    let left = until.saturating_duration_since(Instant::now()).max(PAUSE);
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    let mut replies = stream.try_clone()?;
    let mut lines = BufReader::new(stream.take(MAX_TEST_MESSAGE_OCTETS));
    let mut say = |reply: &str| replies.write_all(reply.as_bytes());
    say("220 localhost ESMTP\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        match line.get(..4).map(<[u8]>::to_ascii_uppercase).as_deref() {
            None => return Ok(None),
            Some(b"DATA") => break,
            Some(_) => say("250 localhost\r\n")?,
        }
    }
    say("354 go on\r\n")?;
    let mut message = Vec::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        match line.as_slice() {
            b".\r\n" => break,
            [] => return Ok(None),
            [b'.', rest @ ..] => message.extend_from_slice(rest),
            whole => message.extend_from_slice(whole),
        }
    }
    say("250 taken\r\n")?;
    Ok(Some(String::from_utf8_lossy(&message).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Shutdown;

    #[test]
    fn what_the_transport_says_of_dkim_is_taken_over_letter_by_letter() {
        let options = [
            ("dkim_domain", "${domain:tls-reports@example.org}"),
            ("dkim_private_key", "${if exists{/k}{/k}{\\N\"\\N}}\nx"),
            ("dkim_identity", ""),
            ("hosts_avoid_tls", "*"),
            ("event_action", "${run{/bin/false}}"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let text =
            configuration(Path::new("/x"), 2_525, &Driver { name: "smtp_sts_reports".into(), options });
        assert!(text.contains("\n  dkim_domain = \"${domain:tls-reports@example.org}\"\n"), "{text}");
        assert!(text.contains(r#"dkim_private_key = "${if exists{/k}{/k}{\\N\"\\N}}\nx""#), "{text}");
        assert!(!text.contains("dkim_identity") && !text.contains("event_action") && !text.contains("avoid"));
        assert!(text.contains("  port = 2525\n") && text.contains("\nspool_directory = /x\n"));
    }

    #[test]
    fn a_message_comes_in_whole_and_whoever_says_nothing_or_too_much_is_left() {
        let sink = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sink.set_nonblocking(true).unwrap();
        let address = sink.local_addr().unwrap();
        let heard = |octets: Vec<u8>| {
            let mut stream = TcpStream::connect(address).unwrap();
            // It does not listen to what is said.
            let mut client = stream.try_clone().unwrap();
            let client = thread::spawn(move || {
                // Who is left alone may find the connection gone.
                let _ = client.write_all(&octets).and_then(|()| client.shutdown(Shutdown::Write));
            });
            let got =
                received(&sink, "A: b", &AtomicBool::new(true), Instant::now() + Duration::from_secs(5));
            client.join().unwrap();
            let _ = stream.read(&mut [0; 8]);
            got
        };
        let whole = b"EHLO x\r\nMAIL FROM:<>\r\nDATA\r\nA: b\r\n\r\n..c\r\n.\r\nQUIT\r\n".to_vec();
        assert_eq!(heard(whole).as_deref(), Some("A: b\r\n\r\n.c\r\n"));
        assert_eq!(heard(b"DATA\r\nA: x\r\n\r\nsomebody else's\r\n.\r\n".to_vec()), None);
        assert_eq!(heard(Vec::new()), None);
        assert_eq!(heard(b"DATA\r\nA: b\r\n".to_vec()), None);
        let too_much =
            [b"DATA\r\n".to_vec(), vec![b'x'; usize::try_from(MAX_TEST_MESSAGE_OCTETS).unwrap()]].concat();
        assert_eq!(heard([too_much, b"\r\n.\r\n".to_vec()].concat()), None);
    }
}
