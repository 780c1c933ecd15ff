//! The text exposition format of Prometheus (version 0.0.4): the one place that writes it. Pure.
//!
//! Labels are words of closed lists, parsed names and numbers, so there is nothing to be escaped in them.

use std::fmt::{Display, Write as _};

/// What kind of series a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeriesKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Observations in classes.
    Histogram,
}

impl SeriesKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The text so far.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

/// The series of one name.
pub(crate) struct Series<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// Begins the series of a name, with what they tell in a line.
    pub(crate) fn family(&mut self, name: &'static str, kind: SeriesKind, help: &'static str) -> Series<'_> {
        // Writing into a String does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
        Series { text: &mut self.0, name }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

impl Series<'_> {
    /// One sample.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed("", labels, value);
    }

    /// One sample of a name that has something behind it, as those of a histogram do.
    pub(crate) fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, word)| format!("{name}=\"{word}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.name);
    }
}
