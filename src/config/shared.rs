//! What several commands share, each flag in one place: on the command line, and as a key of the file.

use crate::dns::scope::InsecureZone;
use crate::limits::DEADLINE_MAX;
use crate::policy::Mechanisms;
use crate::text::excerpt;
use crate::verdict::{Handshake, OnUnreachable};
use clap::{Args, ValueEnum};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Whom to ask and to trust, and for how long.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SharedArgs {
    /// The cache, an absolute path [default: /var/lib/smtp-sts-verify/cache.db]
    #[arg(short = 'c', long, value_name = "FILE")]
    pub cachedb: Option<PathBuf>,
    /// A name server; repeatable [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "ADDR[:PORT]")]
    #[serde(deserialize_with = "one_or_more")]
    pub dns: Vec<NameServer>,
    /// A private zone below which nothing is validated, as unbound's domain-insecure; repeatable
    #[arg(long, value_name = "ZONE")]
    #[serde(deserialize_with = "one_or_more")]
    pub insecure_zones: Vec<InsecureZone>,
    /// DNSKEY or DS lines to trust [default: the root's, built in]
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Option<PathBuf>,
    /// PEM certificates of the authorities that policy hosts are judged by [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// For laboratories: the port of policy hosts [default: 443]
    #[arg(long, value_name = "N")]
    pub https_port: Option<std::num::NonZeroU16>,
    /// For laboratories: hosts may have private and loopback addresses
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private_addresses: Option<bool>,
    /// Time for the whole run, 1 to 50 [default: 10; lint: 30; probe: 45 for each domain]
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<Deadline>,
}

/// Under which conditions a question is judged.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConditionArgs {
    /// Only authenticated policies are stored and used: no trust on first use
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_authentication: Option<bool>,
    /// Where a policy cannot be asked for in an unsigned zone [default: deliver]
    #[arg(long, value_name = "WHAT")]
    pub on_unreachable: Option<WhenUnreachable>,
    /// The mechanisms that are asked for and applied, of dane, mta-sts and smtp-sts [default: all]
    #[arg(long, value_name = "WORD,...")]
    #[serde(deserialize_with = "mechanisms")]
    pub mechanisms: Option<Mechanisms>,
    /// What Exim saw after the handshake, for the header macro
    #[arg(long, value_name = "WHAT")]
    pub tls_verified: Option<TlsVerified>,
}

impl SharedArgs {
    /// These, and where they say nothing those of the file.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        Self {
            cachedb: self.cachedb.or(file.cachedb),
            dns: if self.dns.is_empty() { file.dns } else { self.dns },
            insecure_zones: if self.insecure_zones.is_empty() {
                file.insecure_zones
            } else {
                self.insecure_zones
            },
            trust_anchor: self.trust_anchor.or(file.trust_anchor),
            ca_file: self.ca_file.or(file.ca_file),
            https_port: self.https_port.or(file.https_port),
            allow_private_addresses: self.allow_private_addresses.or(file.allow_private_addresses),
            deadline: self.deadline.or(file.deadline),
        }
    }
}

impl ConditionArgs {
    /// These, and where they say nothing those of the file.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        Self {
            require_authentication: self.require_authentication.or(file.require_authentication),
            on_unreachable: self.on_unreachable.or(file.on_unreachable),
            mechanisms: self.mechanisms.or(file.mechanisms),
            tls_verified: self.tls_verified.or(file.tls_verified),
        }
    }

    /// What Exim saw of the handshake.
    #[must_use]
    pub fn handshake(self) -> Handshake {
        self.tls_verified.map_or(Handshake::NotSeen, Handshake::from)
    }
}

/// The address of a name server; port 53 unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServer(pub SocketAddr);

/// Seconds for the whole run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u64")]
pub struct Deadline(pub Duration);

/// `--on-unreachable`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum WhenUnreachable {
    Deliver,
    Defer,
}

/// `--tls-verified`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum TlsVerified {
    Yes,
    No,
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)).or_else(|_| text.parse());
        address
            .ok()
            .filter(|address| address.port() != 0)
            .map(Self)
            .ok_or_else(|| format!("'{}' is not ADDR or ADDR:PORT ([ADDR]:PORT for IPv6)", excerpt(text, 64)))
    }
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>()
            .map_err(|_| format!("'{}' is not a number of seconds", excerpt(text, 32)))?
            .try_into()
    }
}

impl TryFrom<u64> for Deadline {
    type Error = String;

    fn try_from(seconds: u64) -> Result<Self, String> {
        let most = DEADLINE_MAX.as_secs();
        if (1..=most).contains(&seconds) {
            Ok(Self(Duration::from_secs(seconds)))
        } else {
            Err(format!("{seconds} is not between 1 and {most} seconds (Exim ends the run at 60)"))
        }
    }
}

impl From<WhenUnreachable> for OnUnreachable {
    fn from(choice: WhenUnreachable) -> Self {
        match choice {
            WhenUnreachable::Deliver => Self::Deliver,
            WhenUnreachable::Defer => Self::Defer,
        }
    }
}

impl From<TlsVerified> for Handshake {
    fn from(choice: TlsVerified) -> Self {
        match choice {
            TlsVerified::Yes => Self::Verified,
            TlsVerified::No => Self::Unverified,
        }
    }
}

/// `mechanisms = ["dane", "mta-sts"]`.
fn mechanisms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mechanisms>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "mechanisms: a list of words, of \"dane\", \"mta-sts\" and \"smtp-sts\"")]
    enum Words {
        List(Vec<String>),
    }
    let Words::List(words) = Words::deserialize(deserializer)?;
    Mechanisms::of(words.iter().map(String::as_str)).map(Some).map_err(D::Error::custom)
}

/// `dns = "192.0.2.1"` or `dns = ["192.0.2.1", "[2001:db8::1]:5353"]`.
pub(super) fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text in quotation marks, or a list of them")]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    let texts = match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => vec![text],
        OneOrMore::More(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}
