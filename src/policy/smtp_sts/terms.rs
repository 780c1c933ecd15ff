//! What a record says, field by field (draft section 3.1).

use super::Location;
use crate::limits::{MAX_MX_PATTERNS, MAX_POLICY_LIFE};
use crate::policy::lint::{Code, Finding};
use crate::policy::pattern::MxPattern;
use crate::policy::txt::{split, trimmed};
use crate::policy::uri::has_scheme;
use crate::policy::{Constraint, Mode};
use std::borrow::Cow;
use std::fmt;

/// What a record says. Prints as a record again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `to`: refuse what does not conform (`true`), or only report it (`false`).
    pub mode: Mode,
    /// `mx`: the permitted hosts; empty places no constraint.
    pub mx: Vec<MxPattern>,
    /// `a`: how the policy itself is authenticated; without it, it cannot be.
    pub mechanism: Option<Mechanism>,
    /// `c`: how the certificate of the MX host is validated.
    pub constraint: Constraint,
    /// `e`: seconds for which the policy may be kept, at most [`MAX_POLICY_LIFE`]; without it, the TTL.
    pub life: Option<u64>,
    /// `rua`: where reports go, as published.
    pub reports: Vec<String>,
}

/// How a policy is authenticated (draft section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The TXT record is DNSSEC secure.
    Dnssec,
    /// A mechanism that nobody here can validate, as published.
    Unknown(String),
    /// An HTTPS resource of the policy domain serves the same text.
    WebPki(Location),
}

/// An item of `mx` with the asterisk that the draft's own example lost (section 3.1): `_.` for `*.`.
#[must_use]
pub fn with_asterisk(item: &str) -> Cow<'_, str> {
    item.strip_prefix("_.").map_or(Cow::Borrowed(item), |rest| Cow::Owned(format!("*.{rest}")))
}

/// A value, where it begins in the record, and what is noticed about it.
pub(super) struct Value<'a> {
    pub(super) input: &'a [u8],
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl<'a> Value<'a> {
    fn found(&mut self, code: Code) {
        self.found_at(code, self.text, self.at);
    }

    fn found_at(&mut self, code: Code, part: &str, at: usize) {
        self.findings.push(Finding::new(code, self.input, at..at.saturating_add(part.len())));
    }

    /// `to`.
    pub(super) fn mode(mut self) -> Mode {
        if self.text.eq_ignore_ascii_case("true") {
            return Mode::Enforce;
        }
        if !self.text.eq_ignore_ascii_case("false") {
            self.found(Code::SmtpStsTxtMode);
        }
        Mode::Testing
    }

    /// `mx`.
    pub(super) fn patterns(mut self) -> Vec<MxPattern> {
        let items = self.list();
        if items.len() > MAX_MX_PATTERNS {
            self.found(Code::SmtpStsTxtMxMany);
            return Vec::new();
        }
        let mut patterns = Vec::new();
        for (item, at) in items {
            let written = with_asterisk(item);
            match MxPattern::parse(&written) {
                Some(pattern) => patterns.push(pattern),
                None => self.found_at(Code::SmtpStsTxtMx, item, at),
            }
            if written != item {
                self.found_at(Code::SmtpStsTxtUnderscoreWildcard, item, at);
            }
        }
        patterns
    }

    /// `a`.
    pub(super) fn mechanism(mut self) -> Mechanism {
        let (word, location) =
            self.text.split_once(':').map_or((self.text, None), |(w, rest)| (w, Some(rest)));
        if word.eq_ignore_ascii_case("webpki") {
            return Mechanism::WebPki(match location {
                None | Some("") => {
                    self.found(Code::SmtpStsTxtLocationMissing);
                    Location::Default
                }
                Some(uri) if has_scheme(uri) => Location::Uri(uri.to_owned()),
                Some(path) => {
                    self.found(Code::SmtpStsTxtLocationRelative);
                    Location::Path(path.to_owned())
                }
            });
        }
        if self.text.eq_ignore_ascii_case("dnssec") {
            return Mechanism::Dnssec;
        }
        self.found(if self.text.is_empty() {
            Code::SmtpStsTxtMechanism
        } else {
            Code::SmtpStsTxtUnknownMechanism
        });
        Mechanism::Unknown(self.text.to_owned())
    }

    /// `c`.
    pub(super) fn constraint(mut self) -> Constraint {
        if self.text.eq_ignore_ascii_case("tlsa") {
            return Constraint::Tlsa;
        }
        if !self.text.eq_ignore_ascii_case("webpki") {
            self.found(Code::SmtpStsTxtConstraint);
        }
        Constraint::WebPki
    }

    /// `e`. The draft's grammar has six digits although its prose advises two weeks and more; a later revision has
    /// ten.
    pub(super) fn life(mut self) -> u64 {
        let digits = (1..=10).contains(&self.text.len()) && self.text.bytes().all(|b| b.is_ascii_digit());
        let Some(seconds) = digits.then(|| self.text.parse::<u64>().ok()).flatten() else {
            self.found(Code::SmtpStsTxtLife);
            return 0;
        };
        if seconds > MAX_POLICY_LIFE {
            self.found(Code::SmtpStsTxtLifeCapped);
        }
        if self.text.len() > 6 {
            self.found(Code::SmtpStsTxtLifeLong);
        }
        seconds.min(MAX_POLICY_LIFE)
    }

    /// `rua`. What is not a URI is left out: an address for reports never decides about a delivery.
    pub(super) fn reports(mut self) -> Vec<String> {
        let mut uris = Vec::new();
        for (item, at) in self.list() {
            if has_scheme(item) && item.bytes().all(|b| b.is_ascii_graphic()) {
                uris.push(item.to_owned());
            } else {
                self.found_at(Code::SmtpStsTxtReportAddress, item, at);
            }
        }
        uris
    }

    fn list(&mut self) -> Vec<(&'a str, usize)> {
        let mut items = Vec::new();
        for (piece, at) in split(self.text, self.at, ',') {
            let item = trimmed(piece, at);
            if item.0.len() < piece.len() {
                self.found_at(Code::SmtpStsTxtBlankInList, piece, at);
            }
            items.push(item);
        }
        items
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=STS1; to={}", matches!(self.mode, Mode::Enforce))?;
        if !self.mx.is_empty() {
            let patterns: Vec<String> = self.mx.iter().map(ToString::to_string).collect();
            write!(f, "; mx={}", patterns.join(","))?;
        }
        if let Some(mechanism) = &self.mechanism {
            write!(f, "; a={mechanism}")?;
        }
        write!(f, "; c={}", self.constraint.word())?;
        if let Some(seconds) = self.life {
            write!(f, "; e={seconds}")?;
        }
        if !self.reports.is_empty() {
            write!(f, "; rua={}", self.reports.join(","))?;
        }
        Ok(())
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dnssec => f.write_str("dnssec"),
            Self::Unknown(other) => f.write_str(other),
            Self::WebPki(Location::Default) => f.write_str("webpki"),
            Self::WebPki(Location::Path(place) | Location::Uri(place)) => write!(f, "webpki:{place}"),
        }
    }
}
