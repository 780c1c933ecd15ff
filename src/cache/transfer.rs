//! Policies on their way from one host's cache to another's, so that a new host does not begin with trust on first use.
//! Pure.
//!
//! They travel as lines of JSON: the first says where they come from, each further one holds a policy with everything
//! that its row holds. Nothing in the file proves anything: whoever imports it trusts the host, the person and the way
//! that it took. So an import believes no more than the exporter could have believed, and never longer.

use super::fingerprint::Fingerprint;
use crate::name::PolicyDomain;
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
use crate::text::excerpt;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The version of the format; another one is refused.
const VERSION: u64 = 1;

/// Characters of the exporter's name, of a domain or of an error's text that are shown.
const SHOWN: usize = 80;

/// Where and when policies left another cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The exporting host, in its own words; not yet escaped.
    pub host: String,
    /// When that host wrote the file, by its own clock, in seconds since 1970.
    pub exported_at: UnixTime,
    /// What they were learnt under: what a laboratory proved is not proven elsewhere.
    pub circumstances: Fingerprint,
}

/// Why something is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The line is not JSON of the expected shape; the text says what is wrong with it.
    Malformed(String),
    /// Another version of the format.
    Version(u64),
    /// The policies were learnt under other trust anchors, certificate authorities or laboratory settings.
    OtherCircumstances,
    /// The field holds what this program never writes there.
    Field(&'static str, String),
    /// The policy has ended, at that moment.
    Ended(UnixTime),
    /// The policy was fetched, applied or exported after now; the field says which.
    FromTheFuture(&'static str, UnixTime),
    /// The policy would live longer than it says itself, or was believed in a way that does not exist for it.
    Impossible,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => {
                write!(f, "it is no line of an export of this program: {}", excerpt(why, SHOWN))
            }
            Self::Version(version) => write!(
                f,
                "it was exported in format {version}, and this program reads {VERSION}; use the same version on both hosts"
            ),
            Self::OtherCircumstances => f.write_str(
                "it was learnt with other trust anchors, certificate authorities, HTTPS port or private addresses, and \
                 proves nothing here; configure both hosts alike",
            ),
            Self::Field(name, value) => {
                write!(f, "field '{name}' holds what this program never writes: '{}'", excerpt(value, SHOWN))
            }
            Self::Ended(at) => write!(f, "the policy ended at {at} ('expires_at')"),
            Self::FromTheFuture(name, at) => {
                write!(f, "field '{name}' is from the future ({at}); look at the clocks of both hosts")
            }
            Self::Impossible => f.write_str(
                "'fetched_at', 'expires_at' and 'authentication' do not fit the policy: it would live longer than it says itself, or was authenticated as no policy of its kind can be",
            ),
        }
    }
}

impl Refusal {
    /// The field that is at fault, if it is one.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Field(name, _) | Self::FromTheFuture(name, _) => Some(name),
            Self::Version(_) => Some("smtp_sts_verify_export"),
            Self::OtherCircumstances => Some("circumstances"),
            Self::Ended(_) | Self::Impossible => Some("expires_at"),
            Self::Malformed(_) => None,
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", excerpt(&self.host, SHOWN), self.exported_at)
    }
}

#[derive(Deserialize, Serialize)]
struct Head {
    smtp_sts_verify_export: u64,
    host: String,
    exported_at: u64,
    circumstances: String,
}

impl Provenance {
    /// The first line of an export, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        json(&Head {
            smtp_sts_verify_export: VERSION,
            host: self.host.clone(),
            exported_at: self.exported_at.0,
            circumstances: self.circumstances.to_string(),
        })
    }

    /// Reads the first line of an export.
    ///
    /// # Errors
    /// [`Refusal`]: then nothing in the file can be imported.
    pub fn from_line(line: &str) -> Result<Self, Refusal> {
        let head: Head = parse(line, OF_HEAD)?;
        if head.smtp_sts_verify_export != VERSION {
            return Err(Refusal::Version(head.smtp_sts_verify_export));
        }
        let Some(circumstances) = Fingerprint::from_text(&head.circumstances) else {
            return Err(Refusal::Field("circumstances", head.circumstances));
        };
        Ok(Self { host: head.host, exported_at: UnixTime(head.exported_at), circumstances })
    }

    /// Whether the policy may be taken over here and now.
    pub(super) fn admit(
        &self,
        policy: &StoredPolicy,
        here: Fingerprint,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        if self.circumstances != here {
            return Err(Refusal::OtherCircumstances);
        }
        let moments = [
            ("fetched_at", Some(policy.fetched_at)),
            ("applied_at", policy.applied_at),
            ("exported_at", Some(self.exported_at)),
        ];
        for (name, at) in moments {
            if let Some(at) = at.filter(|at| at.since(now) > MAX_SKEW) {
                return Err(Refusal::FromTheFuture(name, at));
            }
        }
        if !policy.is_possible() {
            return Err(Refusal::Impossible);
        }
        if !policy.is_unexpired(now) {
            return Err(Refusal::Ended(policy.expires_at));
        }
        Ok(())
    }
}

/// Seconds by which the clocks of two hosts may differ; more would let a policy live longer than it says.
const MAX_SKEW: u64 = 300;

#[derive(Deserialize, Serialize)]
struct Row {
    domain: String,
    mechanism: String,
    policy: String,
    authentication: String,
    fetched_at: u64,
    expires_at: u64,
    applied_at: Option<u64>,
}

impl StoredPolicy {
    /// A further line of an export, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        json(&Row {
            domain: self.domain.as_str().to_owned(),
            mechanism: self.policy.dialect().word().to_owned(),
            policy: self.policy.to_text(),
            authentication: self.authentication.word().to_owned(),
            fetched_at: self.fetched_at.0,
            expires_at: self.expires_at.0,
            applied_at: self.applied_at.map(|at| at.0),
        })
    }

    /// Reads a further line of an export. Whether it may be believed is decided when it is imported.
    ///
    /// # Errors
    /// [`Refusal`]: this policy cannot be imported; others in the file may be.
    pub fn from_line(line: &str) -> Result<Self, Refusal> {
        let row: Row = parse(line, OF_ROW)?;
        let Ok(domain) = PolicyDomain::parse(&row.domain) else {
            return Err(Refusal::Field("domain", row.domain));
        };
        let Some(dialect) = Dialect::from_word(&row.mechanism) else {
            return Err(Refusal::Field("mechanism", row.mechanism));
        };
        let Some(policy) = Policy::from_text(dialect, &row.policy) else {
            return Err(Refusal::Field("policy", row.policy));
        };
        let Some(authentication) = Authentication::from_word(&row.authentication) else {
            return Err(Refusal::Field("authentication", row.authentication));
        };
        Ok(Self {
            domain,
            policy,
            authentication,
            fetched_at: UnixTime(row.fetched_at),
            expires_at: UnixTime(row.expires_at),
            applied_at: row.applied_at.map(UnixTime),
        })
    }
}

/// A structure of texts and numbers has no JSON that could fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What stands in a field.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Number,
    NumberOrNull,
    Text,
}

/// The fields of a kind of line.
type Fields = &'static [(&'static str, Kind)];

const OF_HEAD: Fields = &[
    ("smtp_sts_verify_export", Kind::Number),
    ("host", Kind::Text),
    ("exported_at", Kind::Number),
    ("circumstances", Kind::Text),
];

const OF_ROW: Fields = &[
    ("domain", Kind::Text),
    ("mechanism", Kind::Text),
    ("policy", Kind::Text),
    ("authentication", Kind::Text),
    ("fetched_at", Kind::Number),
    ("expires_at", Kind::Number),
    ("applied_at", Kind::NumberOrNull),
];

fn parse<'a, T: Deserialize<'a>>(line: &'a str, fields: Fields) -> Result<T, Refusal> {
    serde_json::from_str(line).map_err(|error| Refusal::Malformed(what_is_wrong(line, fields, &error)))
}

/// In words for whoever carried the file over, not in those of a parser.
fn what_is_wrong(line: &str, fields: Fields, error: &serde_json::Error) -> String {
    if line.is_empty() {
        return "there is nothing in it".to_owned();
    }
    if line.starts_with('\u{feff}') {
        return "a byte order mark stands before it, which an editor put there".to_owned();
    }
    let object = match serde_json::from_str(line) {
        Ok(Value::Object(object)) => object,
        Err(error) if error.is_eof() => return "it ends too early, as a file that was cut off".to_owned(),
        Ok(_) | Err(_) => return format!("it is no JSON object (octet {})", error.column()),
    };
    let fault = fields.iter().find_map(|(name, kind)| match (kind, object.get(*name)) {
        (Kind::NumberOrNull, None | Some(Value::Null)) => None,
        (_, None) => Some(format!("it has no '{name}'")),
        (Kind::Number | Kind::NumberOrNull, Some(value)) if value.as_u64().is_none() => {
            Some(format!("'{name}' is no whole number from 0 to {}", u64::MAX))
        }
        (Kind::Text, Some(value)) if !value.is_string() => Some(format!("'{name}' is no text")),
        _ => None,
    });
    fault.unwrap_or_else(|| "a field stands in it twice".to_owned())
}

#[cfg(test)]
mod tests;
