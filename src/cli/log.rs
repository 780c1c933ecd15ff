//! The log: what happened, event by event, for whoever keeps such things. As text or JSON on standard error, or in the
//! system's journal; never in Exim's format, for what a child says on standard error ends up in a mail header.
//!
//! Libraries log strangers' names as they come, so nothing is written as it comes: each value is cut and escaped in one
//! place, before any of the three shapes knows it. One event is one line, whatever it is about.

use crate::config::{Choices, LogFormat, LogLevel};
use crate::limits::MAX_LOG_VALUE;
use crate::serve::telemetry::messages::DEBUGGED;
use crate::text::excerpt;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Where the journal takes entries (systemd.journal-fields(7), its native protocol).
const JOURNAL: &str = "/run/systemd/journal/socket";

/// Where it takes what the programs of units write to standard error (systemd-journald.service(8)).
const JOURNAL_STREAM: &str = "/run/systemd/journal/stdout";

/// The field of an event that is the id of its message in systemd's catalogue.
const MESSAGE_ID: &str = "message_id";

/// Whose events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    /// Everybody's: the log is about one question.
    Everybody,
    /// The daemon's own: what each of a thousand look-ups heard is for `explain`.
    Daemon,
}

/// Where the daemon's modules are.
const DAEMON: &str = "smtp_sts_verify::serve";
/// Where those of look-ups are. What goes wrong there goes wrong for each question anew: the daemon says by itself, once, that
/// the cache cannot be used, and whoever asks would fill the log otherwise.
const LOOK_UPS: &str = "smtp_sts_verify::verify";

/// What the daemon's log tells now: the number of a [`LogLevel`]. A reload changes it, and the log is one for the process.
static LEVEL: AtomicU8 = AtomicU8::new(2);

/// Changes what the daemon's log tells.
pub(super) fn set_level(level: LogLevel) {
    let number = match level {
        LogLevel::Error => 0,
        LogLevel::Warn => 1,
        LogLevel::Info | LogLevel::Debug => 2,
    };
    LEVEL.store(number, Ordering::Relaxed);
}

/// Whether the daemon's log tells an event of that level now.
fn tells(level: Level) -> bool {
    let number = match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        _ => 2,
    };
    number <= LEVEL.load(Ordering::Relaxed)
}

/// Starts the log that these choices want, if they want one.
pub(super) fn begin(choices: &Choices) {
    if let Some(format) = choices.log_format {
        start(format);
    }
}

/// Starts logging.
pub(super) fn start(format: LogFormat) {
    start_of(format, Talk::Everybody);
}

/// Starts the daemon's log: where nobody chose a shape, the journal's own where the journal takes our standard error anyway, so that it
/// has fields, and text elsewhere.
pub(super) fn start_for_the_daemon(choices: &Choices, level: LogLevel) {
    set_level(level);
    let usual = || if is_taken_by_the_journal() { LogFormat::Journald } else { LogFormat::Text };
    start_of(choices.log_format.unwrap_or_else(usual), Talk::Daemon);
}

/// Whether what is written to standard error ends up in the journal.
fn is_taken_by_the_journal() -> bool {
    let stream = io::stderr().as_fd().try_clone_to_owned().map(UnixStream::from);
    let peer = stream.and_then(|stream| stream.peer_addr());
    peer.is_ok_and(|peer| peer.as_pathname() == Some(Path::new(JOURNAL_STREAM)))
}

fn start_of(format: LogFormat, talk: Talk) {
    let shape = match format {
        LogFormat::Text => Ok(Shape::Text),
        LogFormat::Json => Ok(Shape::Json),
        LogFormat::Journald => Shape::journal(Path::new(JOURNAL)),
    };
    let (shape, trouble) = match shape {
        Ok(shape) => (shape, None),
        Err(error) => (Shape::Text, Some(error.to_string())),
    };
    let log = Log { shape, talk };
    // A second subscriber in one process is not worth an error.
    let _ = tracing::subscriber::set_global_default(log);
    if let Some(why) = trouble {
        tracing::warn!(why, "the journal cannot be reached, so the log goes to standard error");
    }
}

/// What takes events.
struct Log {
    shape: Shape,
    talk: Talk,
}

enum Shape {
    Text,
    Json,
    Journal(UnixDatagram),
}

impl Shape {
    fn journal(place: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(place)?;
        // A journal that does not read keeps nobody waiting: what it does not take at once is lost.
        socket.set_nonblocking(true)?;
        Ok(Self::Journal(socket))
    }
}

impl Log {
    fn take(&self, entry: &Entry) {
        // Whoever keeps no log is not told of it: the answer counts.
        let _ = match &self.shape {
            // Where in the code something happened tells an administrator nothing.
            Shape::Text if self.talk == Talk::Daemon => {
                writeln!(io::stderr().lock(), "{:>5} {}", entry.level.as_str(), entry.sentence())
            }
            Shape::Text => writeln!(io::stderr().lock(), "{entry}"),
            Shape::Json => writeln!(io::stderr().lock(), "{}", entry.object()),
            Shape::Journal(socket) => socket.send(entry.datagram().as_bytes()).map(drop),
        };
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = match (self.talk, metadata.target()) {
            (Talk::Everybody, _) => Level::INFO,
            (Talk::Daemon, target) if target.starts_with(DAEMON) => Level::INFO,
            (Talk::Daemon, target) if target.starts_with(LOOK_UPS) => Level::ERROR,
            (Talk::Daemon, _) => Level::WARN,
        };
        *metadata.level() <= most && metadata.is_event()
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        if self.talk == Talk::Daemon && metadata.target() != DEBUGGED && !tells(*metadata.level()) {
            return;
        }
        self.take(&Entry::of(event, SystemClock.now()));
    }

    // Spans are not told: this program has none, and those of libraries are not enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One event; every text in it is printable ASCII and has its bound.
struct Entry {
    at: UnixTime,
    level: Level,
    target: String,
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Entry {
    fn of(event: &Event<'_>, at: UnixTime) -> Self {
        let metadata = event.metadata();
        let target = excerpt(metadata.target(), MAX_LOG_VALUE);
        let mut entry =
            Self { at, level: *metadata.level(), target, message: String::new(), fields: Vec::new() };
        event.record(&mut entry);
        entry
    }

    /// The message with its fields, as people read it.
    fn sentence(&self) -> String {
        let mut text = self.message.clone();
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != MESSAGE_ID) {
            // Writing into a String does not fail.
            let _ = write!(text, " {name}=\"{}\"", value.replace('"', "\\\""));
        }
        text
    }

    /// In JSON: `at` (seconds since 1970), `level`, `target`, `message`, `fields`.
    fn object(&self) -> Value {
        let fields: serde_json::Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        json!({
            "at": self.at.0,
            "level": self.level.as_str().to_lowercase(),
            "target": self.target,
            "message": self.message,
            "fields": fields,
        })
    }

    /// For the journal: fields of one line each, for no value holds a line end.
    fn datagram(&self) -> String {
        // The priorities of syslog(3).
        let priority = match self.level {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        let mut text = format!(
            "PRIORITY={priority}\nSYSLOG_IDENTIFIER=smtp-sts-verify\nMESSAGE={}\nSTS_TARGET={}\n",
            self.sentence(),
            self.target
        );
        for (name, value) in &self.fields {
            if *name == MESSAGE_ID {
                // Writing into a String does not fail.
                let _ = writeln!(text, "MESSAGE_ID={value}");
                continue;
            }
            let name: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect();
            // Writing into a String does not fail.
            let _ = writeln!(text, "STS_{name}={value}");
        }
        text
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {}: {}", self.level.as_str(), self.target, self.sentence())
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        let value = excerpt(value, MAX_LOG_VALUE);
        match field.name() {
            "message" => self.message = value,
            name => self.fields.push((name, value)),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::{debug, error, info, warn};

    /// What would do harm in a terminal, a log, JSON or the journal.
    const HOSTILE: &str = "a\nMESSAGE=forged\r\n\u{1b}[2J\u{202e}\"} level=error\u{0}\u{85}x=\"";

    /// Every way in which this program and libraries log.
    fn say_it_all() {
        info!(question = HOSTILE, "as a field");
        warn!(why = %HOSTILE, "displayed");
        error!(why = ?HOSTILE, number = 7, "for debugging");
        info!("in the message: {HOSTILE}");
        info!(target: "library.with-dots", { a.b = HOSTILE, long = "x".repeat(100_000) }, "x");
        debug!("nobody wants to know: {HOSTILE}");
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Entry>>>);

    impl Subscriber for Kept {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            Log { shape: Shape::Text, talk: Talk::Everybody }.enabled(metadata)
        }
        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(Entry::of(event, UnixTime(1_795_000_000)));
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn entries() -> Vec<Entry> {
        let kept = Kept::default();
        tracing::subscriber::with_default(kept.clone(), say_it_all);
        std::mem::take(&mut kept.0.lock().unwrap())
    }

    fn is_printable(text: &str) -> bool {
        text.bytes().all(|b| (b' '..=b'~').contains(&b))
    }

    #[test]
    fn an_event_is_one_line_of_printable_ascii() {
        let entries = entries();
        assert_eq!(entries.len(), 5);
        for entry in &entries {
            let line = entry.to_string();
            assert!(is_printable(&line) && line.len() < 10_000, "{line}");
        }
        assert!(entries[0].to_string().ends_with("as a field question=\"a\\u{a}MESSAGE=forged\\u{d}\\u{a}\\u{1b}[2J\\u{202e}\\\"} level=error\\u{0}\\u{85}x=\\\"\""));
    }

    #[test]
    fn in_json_it_is_an_object_whose_keys_no_stranger_chooses() {
        for entry in entries() {
            let line = entry.object().to_string();
            assert!(is_printable(&line), "{line}");
            let object: Value = serde_json::from_str(&line).unwrap();
            let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["at", "fields", "level", "message", "target"]);
            assert!(["info", "warn", "error"].contains(&object["level"].as_str().unwrap()), "{line}");
        }
    }

    #[test]
    fn the_journal_gets_one_datagram_an_event_whose_fields_no_stranger_chooses() {
        let directory = tempfile::TempDir::new().unwrap();
        let place = directory.path().join("socket");
        let journal = UnixDatagram::bind(&place).unwrap();
        let log = Log { shape: Shape::journal(&place).unwrap(), talk: Talk::Everybody };
        tracing::subscriber::with_default(log, say_it_all);
        journal.set_nonblocking(true).unwrap();
        let mut priorities = Vec::new();
        let mut octets = vec![0; 1 << 17];
        while let Ok(length) = journal.recv(&mut octets) {
            let text = std::str::from_utf8(&octets[..length]).unwrap().to_owned();
            for line in text.lines() {
                let (name, _) = line.split_once('=').unwrap();
                let known =
                    ["PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE"].contains(&name) || name.starts_with("STS_");
                assert!(known && is_printable(line), "{line}");
            }
            assert_eq!(text.matches("\nMESSAGE=").count(), 1, "{text}");
            priorities.push(text.lines().next().unwrap().to_owned());
        }
        assert_eq!(priorities, ["PRIORITY=6", "PRIORITY=4", "PRIORITY=3", "PRIORITY=6", "PRIORITY=6"]);
    }

    #[test]
    fn a_journal_that_does_not_read_keeps_nobody_waiting() {
        let directory = tempfile::TempDir::new().unwrap();
        let place = directory.path().join("socket");
        let _reads_nothing = UnixDatagram::bind(&place).unwrap();
        let log = Log { shape: Shape::journal(&place).unwrap(), talk: Talk::Everybody };
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            tracing::subscriber::with_default(log, || (0..5_000).for_each(|number| info!(number, "again")));
            done.send(()).unwrap();
        });
        ended.recv_timeout(std::time::Duration::from_secs(20)).expect("it waits for the journal");
    }

    #[test]
    fn the_daemon_tells_its_own_affairs_and_the_troubles_of_others() {
        let told = |talk| {
            let directory = tempfile::TempDir::new().unwrap();
            let place = directory.path().join("socket");
            let journal = UnixDatagram::bind(&place).unwrap();
            let log = Log { shape: Shape::journal(&place).unwrap(), talk };
            tracing::subscriber::with_default(log, || {
                info!(target: "smtp_sts_verify::serve::lifecycle", "ready");
                info!(target: "smtp_sts_verify::verify::evidence_log", "DNS answered");
                warn!(target: "smtp_sts_verify::verify::evidence_log", "the cache cannot be used");
                warn!(target: "smtp_sts_verify::overrides", "an override has ended");
            });
            journal.set_nonblocking(true).unwrap();
            std::iter::from_fn(|| journal.recv(&mut [0; 512]).ok()).count()
        };
        assert_eq!((told(Talk::Everybody), told(Talk::Daemon)), (4, 2));
    }

    #[test]
    fn a_journal_that_is_not_there_is_an_error() {
        assert!(Shape::journal(Path::new("/nonexistent/socket")).is_err());
    }
}
