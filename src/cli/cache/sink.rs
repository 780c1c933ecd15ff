//! Standard output, as it fills: a list may be long, and its first line should not wait for its last.

use crate::text::{Escaped, Json};
use serde_json::Value;
use std::io::{self, BufWriter, Stdout, Write};

/// Where answers go, line by line. It is not kept locked: a mistake of ours on another thread has its answer, too.
pub(super) struct Sink(BufWriter<Stdout>);

impl Sink {
    /// Standard output.
    pub(super) fn stdout() -> Self {
        Self(BufWriter::new(io::stdout()))
    }

    /// One line; everything but printable ASCII in it is escaped.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.0, "{}", Escaped(line))
    }

    /// One line whose untrusted texts are escaped already.
    pub(super) fn escaped(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }

    /// A page, or a part of one, as it was written.
    pub(super) fn page(&mut self, text: &str) -> io::Result<()> {
        write!(self.0, "{text}")
    }

    /// One object on a line of its own; untrusted texts have the escapes of JSON.
    pub(super) fn object(&mut self, object: &Value) -> io::Result<()> {
        writeln!(self.0, "{}", Json(object))
    }

    /// What was written so far reaches whoever reads it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
