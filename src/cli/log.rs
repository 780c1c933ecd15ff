//! The log: what happened, event by event, for whoever keeps such things. As text or JSON on standard error, or in the
//! system's journal; never in Exim's format, for what a child says on standard error ends up in a mail header.
//!
//! Libraries log untrusted names as they come, so nothing is written as it comes: each value is cut and escaped in one
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

/// Which events the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogScope {
    /// All of them: the log is about one question.
    All,
    /// The daemon's own: what each of a thousand look-ups heard is for `explain`.
    Daemon,
}

/// Where the daemon's modules are.
const DAEMON: &str = "smtp_sts_verify::serve";
/// Where those of look-ups are. What goes wrong there goes wrong for each question anew: the daemon says by itself, once, that
/// the cache cannot be used, and whoever asks would fill the log otherwise.
const LOOK_UPS: &str = "smtp_sts_verify::verify";

/// Where an older file is taken over: the daemon has all that it knows in there, and whoever waits for it wants to know how far it is.
const TAKE_OVER: &str = "smtp_sts_verify::cache::taking_over";

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
    if let Some(format) = choices.log.log_format {
        start(format);
    }
}

/// Starts logging.
pub(super) fn start(format: LogFormat) {
    start_of(format, LogScope::All);
}

/// Starts the daemon's log: where nobody chose a shape, the journal's own where the journal takes our standard error anyway, so that it
/// has fields, and text elsewhere.
pub(super) fn start_for_the_daemon(choices: &Choices, level: LogLevel) {
    set_level(level);
    let usual = || if is_taken_by_the_journal() { LogFormat::Journald } else { LogFormat::Text };
    start_of(choices.log.log_format.unwrap_or_else(usual), LogScope::Daemon);
}

/// Whether what is written to standard error ends up in the journal.
fn is_taken_by_the_journal() -> bool {
    let stream = io::stderr().as_fd().try_clone_to_owned().map(UnixStream::from);
    let peer = stream.and_then(|stream| stream.peer_addr());
    peer.is_ok_and(|peer| peer.as_pathname() == Some(Path::new(JOURNAL_STREAM)))
}

fn start_of(format: LogFormat, scope: LogScope) {
    let shape = match format {
        LogFormat::Text => Ok(Shape::Text),
        LogFormat::Json => Ok(Shape::Json),
        LogFormat::Journald => Shape::journal(Path::new(JOURNAL)),
    };
    let (shape, trouble) = match shape {
        Ok(shape) => (shape, None),
        Err(error) => (Shape::Text, Some(error.to_string())),
    };
    let log = Log { shape, scope };
    // A second subscriber in one process is not worth an error.
    let _ = tracing::subscriber::set_global_default(log);
    if let Some(why) = trouble {
        tracing::warn!(why, "the journal cannot be reached, so the log goes to standard error");
    }
}

/// What takes events.
struct Log {
    shape: Shape,
    scope: LogScope,
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
    fn take(&self, entry: &LogEvent) {
        // Whoever keeps no log is not told of it: the answer counts.
        let _ = match &self.shape {
            // Where in the code something happened tells an administrator nothing.
            Shape::Text if self.scope == LogScope::Daemon => {
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
        let most = match (self.scope, metadata.target()) {
            (LogScope::All, _) => Level::INFO,
            (LogScope::Daemon, target) if target.starts_with(DAEMON) || target == TAKE_OVER => Level::INFO,
            (LogScope::Daemon, target) if target.starts_with(LOOK_UPS) => Level::ERROR,
            (LogScope::Daemon, _) => Level::WARN,
        };
        *metadata.level() <= most && metadata.is_event()
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        if self.scope == LogScope::Daemon && metadata.target() != DEBUGGED && !tells(*metadata.level()) {
            return;
        }
        self.take(&LogEvent::of(event, SystemClock.now()));
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
struct LogEvent {
    at: UnixTime,
    level: Level,
    target: String,
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl LogEvent {
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

impl fmt::Display for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {}: {}", self.level.as_str(), self.target, self.sentence())
    }
}

impl Visit for LogEvent {
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
mod tests;
