//! What the administrator says about single domains, against what they publish: for a time, and with a reason.

use crate::name::PolicyDomain;
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::verdict::Requirement;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use toml::value::{Datetime, Offset};

/// The overrides of a configuration, `[override."example.org"]` and `[override."*.example.org"]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Overrides(BTreeMap<Scope, Override>);

/// The overrides that the operator of a fleet has decreed, each with the number of its decree. In an answer they are what those of the configuration are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decreed {
    by_scope: BTreeMap<Scope, (u64, Override)>,
    unread: Option<Unread>,
}

/// What may have been decreed, and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unread {
    /// About which domains; `None`: about any.
    scopes: Option<Vec<Scope>>,
    why: String,
}

/// Which domains an override is about: `example.org`, or `*.example.org`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub enum Scope {
    /// All domains below this one, at any depth; not the domain itself.
    Below(PolicyDomain),
    /// This domain.
    Domain(PolicyDomain),
}

/// What an override means for the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The domain is not asked about at all: its mail is delivered as if this program were not there.
    Ignore,
    /// Its hosts are held to this, whatever the domain publishes; its MX records are validated as ever.
    Require(Requirement),
}

/// What the configuration, or a decree of the fleet's operator, says about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decree {
    /// Which domains it is about, as it stands in the file.
    pub scope: String,
    /// What it means for the mail.
    pub effect: Effect,
    /// The first moment at which it counts no more.
    pub ends: UnixTime,
    /// Why; the administrator's own words.
    pub reason: String,
    /// The number of the decree of the fleet's operator that says so; `None`: the configuration does.
    pub number: Option<u64>,
}

/// How near an override stands to a domain: the greater, the nearer.
type Nearness = (bool, usize);

/// The keys of an override, in their order: what may stand behind each, and what it means. The manual page has them.
pub const KEYS: [(&str, &str, &str); 4] = [
    (
        "require",
        "\"dane\" | \"none\" | \"webpki\"",
        "What its hosts are held to: a usable TLSA record, no policy, or a certificate of the host. Its MX records are validated as ever.",
    ),
    (
        "ignore",
        "true",
        "Instead of require: nothing is asked, and the mail is delivered as if this program were not there.",
    ),
    (
        "until",
        "DATE",
        "A date like 2026-12-31, to the end of that day in UTC, or a time with its zone like 2026-12-31T12:00:00Z. Afterwards the \
         override is ignored, and every answer about its domain warns of it.",
    ),
    ("reason", "\"TEXT\"", "Why; for whoever finds it later."),
];

/// What is said about the domains of one scope.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Written")]
struct Override {
    effect: Effect,
    ends: UnixTime,
    reason: String,
}

/// An override as it stands in the file; [`KEYS`] tells people of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    require: Option<WrittenRequirement>,
    #[serde(default)]
    ignore: bool,
    until: Date,
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenRequirement {
    Dane,
    None,
    Webpki,
}

/// `2026-12-31`, which lasts until the end of that day in UTC, or `2026-12-31T12:00:00Z`; quoted or not.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a date like 2026-12-31, or a time with its zone like 2026-12-31T12:00:00Z")]
enum Date {
    Bare(Datetime),
    Quoted(String),
}

impl Overrides {
    /// What is said about a domain, whether it still counts or has ended; what stands nearest to it.
    fn nearest(&self, domain: &PolicyDomain) -> Option<(Nearness, Decree)> {
        let covering = self.0.iter().filter(|(scope, _)| scope.covers(domain));
        let (scope, one) = covering.max_by_key(|(scope, _)| scope.weight())?;
        Some((scope.weight(), decree(scope, one, None)))
    }

    /// The same beside what the fleet's operator has decreed. What counts comes before what has ended, then what stands nearest; of the same scope, this
    /// host's own configuration has the last word. A decree that has ended is nobody's to take away, so it is not told of.
    #[must_use]
    pub fn about_beside(&self, decreed: &Decreed, domain: &PolicyDomain, now: UnixTime) -> Option<Decree> {
        match (self.nearest(domain), decreed.nearest(domain, now)) {
            (Some((near, own)), Some((nearer, ordered))) => {
                Some(if own.is_in_force(now) && near >= nearer { own } else { ordered })
            }
            (own, ordered) => ordered.or(own).map(|(_, decree)| decree),
        }
    }

    /// Whether there is one in force for the very domain, so that nothing that was decreed counts for it.
    #[must_use]
    pub fn has_the_last_word(&self, domain: &PolicyDomain, now: UnixTime) -> bool {
        self.0.iter().any(|(scope, one)| scope.domain() == Some(domain) && now < one.ends)
    }

    /// All of them, as they stand in the file.
    pub fn all(&self) -> impl Iterator<Item = Decree> {
        self.0.iter().map(|(scope, one)| decree(scope, one, None))
    }
}

impl Decreed {
    /// Nobody can tell what was decreed, and why; about these domains, or about any.
    #[must_use]
    pub const fn unread(scopes: Option<Vec<Scope>>, why: String) -> Self {
        Self { by_scope: BTreeMap::new(), unread: Some(Unread { scopes, why }) }
    }

    /// What is known, where nothing can be read of what was decreed and what counted before is known: that goes on counting.
    #[must_use]
    pub fn or_known(self, before: &Self) -> Self {
        let is_nothing_known = self.unread.as_ref().is_some_and(|unread| unread.scopes.is_none());
        if is_nothing_known && !before.is_unread() { before.clone() } else { self }
    }

    /// Whether there may be more than can be read.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// Why nobody can tell what was decreed about that domain; `None` if that is known.
    #[must_use]
    pub fn why_unread(&self, domain: &PolicyDomain) -> Option<&str> {
        let unread = self.unread.as_ref()?;
        let may_be_about = |scopes: &Vec<Scope>| scopes.iter().any(|scope| scope.covers(domain));
        unread.scopes.as_ref().is_none_or(may_be_about).then_some(unread.why.as_str())
    }

    /// Takes one in; what was decreed for that scope before counts no more.
    pub fn insert(&mut self, scope: Scope, number: u64, effect: Effect, ends: UnixTime, reason: String) {
        self.by_scope.insert(scope, (number, Override { effect, ends, reason }));
    }

    /// Those that count at that moment.
    pub fn in_force(&self, now: UnixTime) -> impl Iterator<Item = Decree> {
        let all = self.by_scope.iter().map(|(scope, (number, one))| decree(scope, one, Some(*number)));
        all.filter(move |decree| decree.is_in_force(now))
    }

    fn nearest(&self, domain: &PolicyDomain, now: UnixTime) -> Option<(Nearness, Decree)> {
        let covering =
            self.by_scope.iter().filter(|(scope, (_, one))| scope.covers(domain) && now < one.ends);
        let (scope, (number, one)) = covering.max_by_key(|(scope, _)| scope.weight())?;
        Some((scope.weight(), decree(scope, one, Some(*number))))
    }
}

fn decree(scope: &Scope, one: &Override, number: Option<u64>) -> Decree {
    let Override { effect, ends, reason } = one;
    Decree { scope: scope.to_string(), effect: *effect, ends: *ends, reason: reason.clone(), number }
}

impl Effect {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Ignore,
        Self::Require(Requirement::Dane),
        Self::Require(Requirement::None),
        Self::Require(Requirement::WebPki),
    ];

    /// The word: `ignore`, or what is required.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Require(Requirement::Dane) => "dane",
            Self::Require(Requirement::None) => "none",
            Self::Require(Requirement::WebPki) => "webpki",
        }
    }
}

impl Decree {
    /// Whether it counts at that moment.
    #[must_use]
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        now < self.ends
    }

    /// Whether nobody is asked at that moment.
    #[must_use]
    pub fn ignores(&self, now: UnixTime) -> bool {
        self.effect == Effect::Ignore && self.is_in_force(now)
    }

    /// What hosts are held to at that moment, whatever the domain publishes.
    #[must_use]
    pub fn requirement(&self, now: UnixTime) -> Option<Requirement> {
        match self.effect {
            Effect::Require(requirement) if self.is_in_force(now) => Some(requirement),
            Effect::Require(_) | Effect::Ignore => None,
        }
    }

    /// What an answer about the domain says of it.
    #[must_use]
    pub fn note(&self, now: UnixTime) -> String {
        let Self { ends, reason, .. } = self;
        let of = self.of();
        if self.is_in_force(now) {
            format!("the override for {of} counts until {ends}: {reason}")
        } else {
            format!("the override for {of} ended at {ends} and is ignored: {reason}")
        }
    }

    /// Which domains it is about; and the number of the decree, if it is one.
    #[must_use]
    pub fn of(&self) -> String {
        let scope = &self.scope;
        match self.number {
            Some(number) => format!("{scope} by decree {number} of the fleet's operator"),
            None => scope.clone(),
        }
    }

    /// Its reason, at a length that people read.
    #[must_use]
    pub fn why(&self) -> String {
        excerpt(&self.reason, 200)
    }
}

impl Scope {
    /// The domain, if it is about one alone.
    #[must_use]
    pub const fn domain(&self) -> Option<&PolicyDomain> {
        match self {
            Self::Domain(domain) => Some(domain),
            Self::Below(_) => None,
        }
    }

    fn covers(&self, domain: &PolicyDomain) -> bool {
        match self {
            Self::Domain(one) => one == domain,
            Self::Below(above) => {
                domain.as_str().strip_suffix(above.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }

    /// The domain itself before all that are above it, the longest of these first.
    fn weight(&self) -> Nearness {
        match self {
            Self::Domain(one) => (true, one.as_str().len()),
            Self::Below(above) => (false, above.as_str().len()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(one) => write!(f, "{one}"),
            Self::Below(above) => write!(f, "*.{above}"),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bad = |error| format!("an override needs a domain, or '*.' and one: {error}");
        match text.strip_prefix("*.") {
            Some(above) => PolicyDomain::parse(above).map(Self::Below).map_err(bad),
            None => PolicyDomain::parse(&text).map(Self::Domain).map_err(bad),
        }
    }
}

impl TryFrom<Written> for Override {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let effect = match (written.require, written.ignore) {
            (Some(require), false) => Effect::Require(match require {
                WrittenRequirement::Dane => Requirement::Dane,
                WrittenRequirement::None => Requirement::None,
                WrittenRequirement::Webpki => Requirement::WebPki,
            }),
            (None, true) => Effect::Ignore,
            (Some(_), true) | (None, false) => {
                return Err("an override says either `require = ...` or `ignore = true`".to_owned());
            }
        };
        let reason = written.reason.trim().to_owned();
        if reason.is_empty() {
            return Err("an override needs a reason, for whoever finds it later".to_owned());
        }
        Ok(Self { effect, ends: written.until.end()?, reason })
    }
}

impl Date {
    /// The first moment after it.
    fn end(self) -> Result<UnixTime, String> {
        let datetime = match self {
            Self::Bare(datetime) => datetime,
            Self::Quoted(text) => {
                text.parse().map_err(|_| format!("'{}' is no date like 2026-12-31", excerpt(&text, 40)))?
            }
        };
        let unusable = || format!("'{datetime}' is no date like 2026-12-31, and no time with its zone");
        let date = datetime.date.ok_or_else(unusable)?;
        let midnight =
            UnixTime::midnight(date.year.into(), date.month.into(), date.day.into()).ok_or_else(unusable)?;
        match (datetime.time, datetime.offset) {
            (None, None) => Ok(midnight.plus(86_400)),
            (Some(time), Some(offset)) => {
                let minutes = match offset {
                    Offset::Z => 0,
                    Offset::Custom { minutes } => i64::from(minutes),
                };
                let of_day = u64::from(time.hour) * 3_600
                    + u64::from(time.minute) * 60
                    + u64::from(time.second.unwrap_or(0));
                let local = midnight.plus(of_day).0;
                local.checked_add_signed(-minutes * 60).map(UnixTime).ok_or_else(unusable)
            }
            (None, Some(_)) | (Some(_), None) => Err(unusable()),
        }
    }
}

#[cfg(test)]
mod tests;
