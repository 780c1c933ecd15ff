//! The log of `-v`: tracing's events on standard error, made harmless line by line.

use std::io::{self, Write};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

/// Starts logging. Never in Exim's format: what a child says on standard error ends up in a mail header.
pub(super) fn start() {
    let log = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(Level::INFO)
        .with_target(true)
        .without_time()
        .with_writer(Harmless)
        .finish();
    // A second subscriber in one process is not worth an error.
    let _ = tracing::subscriber::set_global_default(log);
}

/// Escapes everything but printable ASCII: libraries log strangers' names as they come.
#[derive(Clone, Copy, Debug)]
struct Harmless;

impl<'a> MakeWriter<'a> for Harmless {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Harmless {
    /// One call is one event, with its line end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
        writeln!(io::stderr().lock(), "{}", crate::text::Escaped(&text))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
