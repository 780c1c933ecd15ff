//! Where the daemon listens, how long its askers wait, and what its log tells.

use super::address::{Address, Loopback};
use super::shared::{falls_back, one_or_more};
use crate::limits::{ANSWER_WITHIN_DEFAULT, ANSWER_WITHIN_MAX, MAX_SOCKET_PATH};
use crate::name::PolicyDomain;
use crate::reports::attempt::Untrusted;
use crate::text::excerpt;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where the daemon listens, how long its askers wait, and what its log tells: the section `[serve]` of the configuration.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    /// Answers Exim's ${readsocket} there: a path that begins with /, or a loopback address; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub exim: Vec<Address>,
    /// Answers Postfix's socketmap there; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub postfix: Vec<Address>,
    /// Metrics, health and a status page, over HTTP; repeatable
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub http: Vec<Loopback>,
    /// Takes there what Postfix 3.10 or later tells of its TLS sessions, for TLS reports: a path that begins with /; as
    /// smtp_tlsrpt_socket_name of Postfix, which counts it from the queue directory
    #[arg(long, value_name = "PATH")]
    pub tlsrpt: Option<DatagramPath>,
    /// Whether Postfix tells of certificates that it does not trust (smtp_tls_loglevel = summary, untrusted): only then is a session
    /// under a policy in testing counted as a success of it [default: false]
    #[arg(long, value_name = "true|false")]
    pub postfix_untrusted: Option<bool>,
    /// An answer comes within this time, 0.1 to 4.5 [default: 4; Exim waits for 5]
    #[arg(long, value_name = "SECONDS")]
    pub answer_within: Option<AnswerWithin>,
    /// What the daemon's log tells [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// The log tells every answer about these domains and what it came from, whatever the level; repeatable
    #[arg(long, value_name = "DOMAIN")]
    #[serde(deserialize_with = "one_or_more")]
    pub debug_domains: Vec<DebugDomain>,
}

/// What the daemon's log tells; each level with all before it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// What the daemon cannot go on with
    Error,
    /// What somebody should look at; among it mail that waits or is refused
    Warn,
    /// What the daemon does
    #[default]
    Info,
    /// Every answer about every domain, and what it came from
    Debug,
}

/// The path of a socket of datagrams.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct DatagramPath(pub PathBuf);

impl FromStr for DatagramPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.ends_with('/') {
            return Err(format!("'{}' is no path of a socket: it has to begin with /", excerpt(text, 64)));
        }
        // What the system has room for, with an octet behind it (unix(7)).
        if text.len() > MAX_SOCKET_PATH || text.contains('\0') {
            return Err(format!(
                "'{}' is longer than the {MAX_SOCKET_PATH} octets of a socket's path",
                excerpt(text, 64)
            ));
        }
        Ok(Self(PathBuf::from(text)))
    }
}

impl TryFrom<String> for DatagramPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for DatagramPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A domain whose answers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugDomain(pub PolicyDomain);

impl FromStr for DebugDomain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        PolicyDomain::parse(text).map(Self).map_err(|why| format!("the domain {why}"))
    }
}

impl fmt::Display for DebugDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long an asker waits at most, in seconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "f64")]
pub struct AnswerWithin(pub Duration);

impl TryFrom<f64> for AnswerWithin {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        let most = ANSWER_WITHIN_MAX.as_secs_f64();
        if (0.1..=most).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("{seconds} is not between 0.1 and {most} seconds (Exim waits for 5)"))
        }
    }
}

impl FromStr for AnswerWithin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<f64>()
            .map_err(|_| format!("'{}' is not a number of seconds", excerpt(text, 32)))?
            .try_into()
    }
}

falls_back! { Places: exim postfix http tlsrpt postfix_untrusted answer_within log_level debug_domains }

impl Places {
    /// How long an asker waits at most.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        self.answer_within.map_or(ANSWER_WITHIN_DEFAULT, |within| within.0)
    }

    /// What a success of Postfix's under a policy in testing says.
    #[must_use]
    pub fn untrusted(&self) -> Untrusted {
        if self.postfix_untrusted == Some(true) { Untrusted::IsTold } else { Untrusted::IsHidden }
    }

    /// Whether the others are the same sockets.
    #[must_use]
    pub fn are_where(&self, others: &Self) -> bool {
        self.exim == others.exim
            && self.postfix == others.postfix
            && self.http == others.http
            && self.tlsrpt == others.tlsrpt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_socket_has_107_octets_and_no_more() {
        let path = |octets: usize| format!("/{}", "x".repeat(octets - 1));
        assert!(path(MAX_SOCKET_PATH).parse::<DatagramPath>().is_ok());
        for text in [path(MAX_SOCKET_PATH + 1).as_str(), "", "tlsrpt.sock", "127.0.0.1:1", "/run/", "/a\0b"] {
            assert!(text.parse::<DatagramPath>().is_err(), "{text:?}");
        }
    }
}
