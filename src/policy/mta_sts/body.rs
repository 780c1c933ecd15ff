//! The policy file (RFC 8461 section 3.2).

use super::pattern;
use crate::limits::{MAX_BODY_OCTETS, MAX_POLICY_LIFE};
use crate::policy::Mode;
use crate::policy::lint::{Code, Finding, Inspected, Malformed};
use crate::policy::pattern::MxPattern;
use crate::policy::txt::{blank, is_key, trimmed};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

/// What a policy says. Prints as a policy file, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// `mode`: what is to be done with a delivery that does not conform.
    pub mode: Mode,
    /// `mx`: the permitted hosts, each pattern once, in the order of the file. Empty only in [`Mode::None`].
    pub mx: Vec<MxPattern>,
    /// `max_age`: seconds from the fetch for which the policy may be kept, at most [`MAX_POLICY_LIFE`].
    pub max_age: u64,
}

/// Under a day, large senders ignore a policy.
const DAY: u64 = 86_400;
/// What RFC 8461 section 3.2 calls "weeks or greater".
const TWO_WEEKS: u64 = 1_209_600;

const KEYS: [&str; 4] = ["version", "mode", "max_age", "mx"];

impl Body {
    /// Reads a policy file and says what it noticed.
    ///
    /// The grammar of section 3.2, with these decisions: blank lines are passed over, a `max_age` above a year counts
    /// as a year, a final dot of a name is dropped and U-labels become A-labels (each of them with a warning); of a
    /// repeated key the first one counts, except for `mx`.
    #[must_use]
    pub fn inspect(octets: &[u8]) -> Inspected<Self> {
        if octets.len() > MAX_BODY_OCTETS {
            let at = MAX_BODY_OCTETS..octets.len();
            return Inspected::malformed(Finding::new(Code::MtaStsPolicyTooLarge, octets, at));
        }
        match std::str::from_utf8(octets) {
            Ok(text) => Self::read(text),
            Err(error) => {
                let at = error.valid_up_to();
                let at = at..at.saturating_add(error.error_len().unwrap_or(1));
                Inspected::malformed(Finding::new(Code::MtaStsPolicyNotUtf8, octets, at))
            }
        }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`Malformed`]: the first thing that makes it no policy.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        Self::inspect(octets).value
    }

    /// Reads what was printed. It may be longer than what a policy host may send: A-labels are longer than U-labels.
    pub(super) fn stored(text: &str) -> Result<Self, Malformed> {
        Self::read(text).value
    }

    fn read(text: &str) -> Inspected<Self> {
        let page = match text.trim_start().as_bytes().first() {
            Some(b'<') => Some(Code::MtaStsPolicyHtml),
            Some(b'{') => Some(Code::MtaStsPolicyJson),
            _ => None,
        };
        if let Some(code) = page {
            return Inspected::malformed(Finding::new(code, text.as_bytes(), 0..text.len()));
        }
        let mut reading = Reading::new(text);
        let mut at = 0_usize;
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let terminated = lines.peek().is_some();
            if terminated || !line.is_empty() {
                let bare = if terminated { line.strip_suffix('\r').unwrap_or(line) } else { line };
                reading.line(bare, at);
            }
            at = at.saturating_add(line.len()).saturating_add(1);
        }
        reading.finish()
    }
}

/// A policy file while it is read.
struct Reading<'a> {
    text: &'a str,
    findings: Vec<Finding>,
    seen: HashSet<&'a str>,
    mode: Option<Mode>,
    max_age: Option<(u64, Range<usize>)>,
    mx: Vec<MxPattern>,
    known: HashSet<MxPattern>,
    first_mx: Option<Range<usize>>,
}

impl<'a> Reading<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            findings: Vec::new(),
            seen: HashSet::new(),
            mode: None,
            max_age: None,
            mx: Vec::new(),
            known: HashSet::new(),
            first_mx: None,
        }
    }

    fn found(&mut self, code: Code, at: Range<usize>) {
        self.findings.push(Finding::new(code, self.text.as_bytes(), at));
    }

    /// One line without its end, which begins at `at`.
    fn line(&mut self, line: &'a str, mut at: usize) {
        let mut line = line;
        if let Some(rest) = line.strip_prefix('\u{feff}').filter(|_| at == 0) {
            at = '\u{feff}'.len_utf8();
            self.found(Code::MtaStsPolicyBom, 0..at);
            line = rest;
        }
        let (field, field_at) = trimmed(line, at);
        let end = field_at.saturating_add(field.len());
        if field.is_empty() {
            return self.found(Code::MtaStsPolicyBlankLine, at..end);
        }
        if field_at > at {
            self.found(Code::MtaStsPolicyLeadingBlank, at..field_at);
        }
        let Some((key, value)) = field.split_once(':') else {
            return self.found(Code::MtaStsPolicyNoColon, field_at..end);
        };
        let key_at = field_at..field_at.saturating_add(key.len());
        if !is_key(key) {
            return self.found(Code::MtaStsPolicyKeyName, key_at);
        }
        let value = value.trim_start_matches(blank);
        let value_at = end.saturating_sub(value.len())..end;
        // A repeated key is ignored, but has to be in the grammar all the same, as every other key.
        if value.is_empty() {
            self.found(Code::MtaStsPolicyEmptyValue, key_at.clone());
        } else if let Some((fault, c)) = value.char_indices().find(|(_, c)| c.is_ascii_control()) {
            let fault = value_at.start.saturating_add(fault);
            self.found(Code::MtaStsPolicyControl, fault..fault.saturating_add(c.len_utf8()));
        } else if key == "mx" {
            self.pattern(value, value_at);
        } else if self.seen.contains(key) {
            self.found(Code::MtaStsPolicyRepeatedKey, key_at);
        } else {
            self.value(key, value, key_at, value_at);
        }
        self.seen.insert(key);
    }

    /// The first value of a key other than `mx`.
    fn value(&mut self, key: &str, value: &str, key_at: Range<usize>, value_at: Range<usize>) {
        match (key, value) {
            ("version", "STSv1") => {}
            ("version", _) => self.found(Code::MtaStsPolicyVersion, value_at),
            ("mode", word) => {
                let modes = [Mode::Enforce, Mode::Testing, Mode::None];
                self.mode = modes.into_iter().find(|mode| mode.word() == word);
                if self.mode.is_none() {
                    self.found(Code::MtaStsPolicyModeUnknown, value_at);
                }
            }
            ("max_age", digits) => {
                // `1*10DIGIT`: ten digits fit, so nothing can overflow before the cap.
                let number = (digits.len() <= 10 && digits.bytes().all(|b| b.is_ascii_digit()))
                    .then(|| digits.parse::<u64>().ok())
                    .flatten();
                match number {
                    None => self.found(Code::MtaStsPolicyMaxAge, value_at),
                    Some(seconds) => self.max_age = Some((seconds, value_at)),
                }
            }
            (other, _) if KEYS.iter().any(|known| known.eq_ignore_ascii_case(other)) => {
                self.found(Code::MtaStsPolicyKeyCase, key_at);
            }
            _ => self.found(Code::MtaStsPolicyUnknownKey, key_at),
        }
    }

    /// The value of an `mx`.
    fn pattern(&mut self, value: &str, at: Range<usize>) {
        self.first_mx.get_or_insert_with(|| at.clone());
        let Inspected { value, findings } = pattern::read(value, self.text.as_bytes(), at.clone());
        self.findings.extend(findings);
        let Ok(pattern) = value else { return };
        if self.known.insert(pattern.clone()) {
            self.mx.push(pattern);
        } else {
            self.found(Code::MtaStsPolicyMxRepeated, at);
        }
    }

    fn finish(mut self) -> Inspected<Body> {
        let end = self.text.len()..self.text.len();
        let missing = [
            ("version", Code::MtaStsPolicyNoVersion),
            ("mode", Code::MtaStsPolicyNoMode),
            ("max_age", Code::MtaStsPolicyNoMaxAge),
        ];
        for (_, code) in missing.into_iter().filter(|(key, _)| !self.seen.contains(key)).collect::<Vec<_>>() {
            self.found(code, end.clone());
        }
        match (self.mode, self.first_mx.take()) {
            (Some(Mode::Enforce | Mode::Testing), None) => self.found(Code::MtaStsPolicyNoMx, end),
            (Some(Mode::None), Some(at)) => self.found(Code::MtaStsPolicyMxIgnored, at),
            _ => {}
        }
        let mut max_age = 0;
        if let Some((seconds, at)) = self.max_age.take() {
            max_age = seconds.min(MAX_POLICY_LIFE);
            let code = match (self.mode, seconds) {
                _ if seconds > max_age => Some(Code::MtaStsPolicyMaxAgeCapped),
                (Some(Mode::Enforce | Mode::Testing), ..DAY) => Some(Code::MtaStsPolicyMaxAgeTooShort),
                (Some(Mode::Enforce), ..TWO_WEEKS) => Some(Code::MtaStsPolicyMaxAgeShort),
                _ => None,
            };
            if let Some(code) = code {
                self.found(code, at);
            }
        }
        let body = Body { mode: self.mode.unwrap_or(Mode::None), mx: self.mx, max_age };
        Inspected::new(body, self.findings)
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version: STSv1\nmode: {}", self.mode.word())?;
        for pattern in &self.mx {
            writeln!(f, "mx: {pattern}")?;
        }
        writeln!(f, "max_age: {}", self.max_age)
    }
}

#[cfg(test)]
mod tests;
