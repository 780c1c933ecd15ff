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
struct Kept(Arc<Mutex<Vec<LogEvent>>>);

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Log { shape: Shape::Text, scope: LogScope::All }.enabled(metadata)
    }
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(LogEvent::of(event, UnixTime(1_795_000_000)));
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn entries() -> Vec<LogEvent> {
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
    let log = Log { shape: Shape::journal(&place).unwrap(), scope: LogScope::All };
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
    let log = Log { shape: Shape::journal(&place).unwrap(), scope: LogScope::All };
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tracing::subscriber::with_default(log, || (0..5_000).for_each(|number| info!(number, "again")));
        done.send(()).unwrap();
    });
    ended.recv_timeout(std::time::Duration::from_secs(20)).expect("it waits for the journal");
}

#[test]
fn the_daemon_tells_its_own_affairs_and_the_troubles_of_others() {
    let told = |scope| {
        let directory = tempfile::TempDir::new().unwrap();
        let place = directory.path().join("socket");
        let journal = UnixDatagram::bind(&place).unwrap();
        let log = Log { shape: Shape::journal(&place).unwrap(), scope };
        tracing::subscriber::with_default(log, || {
            info!(target: "smtp_sts_verify::serve::lifecycle", "ready");
            info!(target: "smtp_sts_verify::verify::evidence_log", "DNS answered");
            warn!(target: "smtp_sts_verify::verify::evidence_log", "the cache cannot be used");
            warn!(target: "smtp_sts_verify::overrides", "an override has ended");
        });
        journal.set_nonblocking(true).unwrap();
        std::iter::from_fn(|| journal.recv(&mut [0; 512]).ok()).count()
    };
    assert_eq!((told(LogScope::All), told(LogScope::Daemon)), (4, 2));
}

#[test]
fn a_journal_that_is_not_there_is_an_error() {
    assert!(Shape::journal(Path::new("/nonexistent/socket")).is_err());
}
