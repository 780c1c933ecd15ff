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
use crate::limits::{MAX_PROCESS_OCTETS, MAX_TEST_MESSAGE_CLIENTS, MAX_TEST_MESSAGE_OCTETS};
use crate::reporting::destination::MailAddress;
use crate::reporting::message::{Content, Purpose, mail};
use crate::reporting::package;
use crate::reports::tally::Day;
use crate::text::excerpt;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::collections::VecDeque;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One pause of waiting for Exim.
const PAUSE: Duration = Duration::from_millis(5);

/// So often it is tried to remove what the test has left.
const REMOVAL_TRIES: usize = 40;

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
    // Nobody else is to read it: a key may stand in it.
    Scratch::give(&file, 0o640, user).map_err(seen)?;
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
        DirBuilder::new().mode(0o700).create(&place.place)?;
        DirBuilder::new().mode(0o700).create(place.spool())?;
        Self::give(&place.place, 0o750, user)?;
        if let Some(Owner { uid, .. }) = user {
            chown(place.spool(), Some(uid), None)?;
        }
        Ok(place)
    }

    /// Lets Exim's group have it so, whatever the umask is.
    fn give(path: &Path, mode: u32, user: Option<Owner>) -> io::Result<()> {
        chown(path, None, user.map(|user| user.gid))?;
        fs::set_permissions(path, Permissions::from_mode(mode))
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
        // Who was ended may still write for a moment. What cannot be removed lies where the system clears up.
        for _ in 0..REMOVAL_TRIES {
            if fs::remove_dir_all(&self.place).is_ok() || !self.place.exists() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}

/// The message with that token, if it comes in before it is over: whoever is on this machine may hand over others, or keep silent. All are
/// heard side by side, none is waited for, and the oldest makes room.
fn received(sink: &TcpListener, token: &str, is_over: &AtomicBool, until: Instant) -> Option<String> {
    let mut clients: VecDeque<Conversation> = VecDeque::new();
    loop {
        // Read before the last look: what came until then is there.
        let is_last = is_over.load(Ordering::Acquire) || Instant::now() >= until;
        for _ in 0..MAX_TEST_MESSAGE_CLIENTS {
            let Ok((stream, _)) = sink.accept() else { break };
            clients.extend(Conversation::begun(stream));
            if clients.len() > MAX_TEST_MESSAGE_CLIENTS {
                clients.pop_front();
            }
        }
        let mut got = None;
        clients.retain_mut(|client| match client.go_on() {
            Heard::Nothing => true,
            Heard::Message(message) if message.contains(token) => {
                got = Some(message);
                false
            }
            Heard::Message(_) | Heard::End => false,
        });
        if got.is_some() || is_last {
            return got;
        }
        thread::sleep(PAUSE);
    }
}

/// The mail host's part of a conversation (RFC 5321), which takes whatever comes and waits for nothing.
struct Conversation {
    stream: TcpStream,
    /// What came and is no whole line yet.
    begun: Vec<u8>,
    /// Octets that came.
    octets: u64,
    /// The message, once it is being said.
    message: Option<Vec<u8>>,
}

/// How far a conversation is.
enum Heard {
    /// Nothing more for now.
    Nothing,
    /// A message, to its end.
    Message(String),
    /// It is over: the client left, said too much or does not listen.
    End,
}

impl Conversation {
    /// The host's greeting is said.
    fn begun(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        let mut begun = Self { stream, begun: Vec::new(), octets: 0, message: None };
        begun.say("220 localhost ESMTP\r\n").ok().map(|()| begun)
    }

    /// Hears what has come, and answers.
    fn go_on(&mut self) -> Heard {
        let mut piece = [0; 4_096];
        loop {
            let number = match self.stream.read(&mut piece) {
                Ok(0) => return Heard::End,
                Ok(number) => number,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Heard::End,
            };
            self.octets = self.octets.saturating_add(u64::try_from(number).unwrap_or(u64::MAX));
            if self.octets > MAX_TEST_MESSAGE_OCTETS {
                return Heard::End;
            }
            for octet in piece.into_iter().take(number) {
                self.begun.push(octet);
                if octet == b'\n' {
                    let line = std::mem::take(&mut self.begun);
                    match self.line(&line) {
                        Ok(Some(message)) => return Heard::Message(message),
                        Ok(None) => {}
                        Err(_) => return Heard::End,
                    }
                }
            }
        }
    }

    /// Hears a line; the message, if it ends with it.
    fn line(&mut self, line: &[u8]) -> io::Result<Option<String>> {
        let Some(message) = &mut self.message else {
            let is_data = line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"DATA"));
            if is_data {
                self.message = Some(Vec::new());
            }
            self.say(if is_data { "354 go on\r\n" } else { "250 localhost\r\n" })?;
            return Ok(None);
        };
        match line {
            b".\r\n" => {
                let message = String::from_utf8_lossy(message).into_owned();
                self.say("250 taken\r\n")?;
                return Ok(Some(message));
            }
            [b'.', rest @ ..] => message.extend_from_slice(rest),
            whole => message.extend_from_slice(whole),
        }
        Ok(None)
    }

    /// Whoever does not listen, so that a few octets are not taken, is left.
    fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(reply.as_bytes())
    }
}

#[cfg(test)]
mod tests;
