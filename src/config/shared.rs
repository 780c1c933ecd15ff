//! What several commands share, each flag in one place: on the command line, and as a key of the file.

use crate::dns::scope::InsecureZone;
use crate::limits::DEADLINE_MAX;
use crate::policy::Mechanisms;
use crate::text::excerpt;
use crate::verdict::{Handshake, OnUnreachable};
use clap::{Args, ValueEnum};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Whom to ask in the DNS, and what to believe of the answers.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DnsArgs {
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
}

/// For how long.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeadlineArgs {
    /// Time for the whole run, 1 to 50 [default: 10; lint: 30; probe: 45 for each domain]
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<Deadline>,
}

/// Whom to ask and to trust, and for how long. What is skipped here is read from the file by its own type.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SharedArgs {
    /// The cache, an absolute path [default: /var/lib/smtp-sts-verify/cache.db]
    #[arg(short = 'c', long, value_name = "FILE")]
    pub cachedb: Option<PathBuf>,
    /// Whom to ask in the DNS.
    #[command(flatten)]
    #[serde(skip)]
    pub resolver: DnsArgs,
    /// PEM certificates of the authorities that policy hosts are judged by [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// For laboratories: the port of policy hosts [default: 443]
    #[arg(long, value_name = "N")]
    pub https_port: Option<std::num::NonZeroU16>,
    /// For laboratories: hosts may have private and loopback addresses
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private_addresses: Option<bool>,
    /// For how long.
    #[command(flatten)]
    #[serde(skip)]
    pub time: DeadlineArgs,
}

/// How much is remembered.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StorageArgs {
    /// Domains kept in each file of the cache [default: 50000]
    #[arg(long, value_name = "N")]
    pub max_domains: Option<MaxDomains>,
}

/// Which log is kept.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogArgs {
    /// Keeps a log of this shape
    #[arg(long, value_name = "SHAPE")]
    pub log_format: Option<LogFormat>,
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

/// Choices that may be left out: where the command line says nothing, the file counts.
pub(super) trait FallsBack {
    /// What was said first, or else the other.
    fn or(self, file: Self) -> Self;
}

impl<T> FallsBack for Option<T> {
    fn or(self, file: Self) -> Self {
        self.or(file)
    }
}

impl<T> FallsBack for Vec<T> {
    fn or(self, file: Self) -> Self {
        if self.is_empty() { file } else { self }
    }
}

/// Has each field of a type fall back by itself; one that is not named here does not compile.
macro_rules! falls_back {
    ($type:ident: $($field:ident)+) => {
        impl $crate::config::shared::FallsBack for $type {
            fn or(self, file: Self) -> Self {
                Self { $($field: $crate::config::shared::FallsBack::or(self.$field, file.$field)),+ }
            }
        }
    };
}

pub(super) use falls_back;

falls_back! { DnsArgs: dns insecure_zones trust_anchor }
falls_back! { DeadlineArgs: deadline }
falls_back! { SharedArgs: cachedb resolver ca_file https_port allow_private_addresses time }
falls_back! { StorageArgs: max_domains }
falls_back! { LogArgs: log_format }
falls_back! { ConditionArgs: require_authentication on_unreachable mechanisms tls_verified }

impl SharedArgs {
    /// The options with which another process of this program is told the same.
    #[must_use]
    pub fn to_options(&self) -> Vec<OsString> {
        let Self { cachedb, resolver, ca_file, https_port, allow_private_addresses, time } = self;
        let DnsArgs { dns, insecure_zones, trust_anchor } = resolver;
        let files = [("--cachedb=", cachedb), ("--trust-anchor=", trust_anchor), ("--ca-file=", ca_file)];
        let mut options = Vec::new();
        for (flag, file) in files {
            options.extend(file.as_ref().map(|file| {
                let mut option = OsString::from(flag);
                option.push(file);
                option
            }));
        }
        options.extend(dns.iter().map(|server| format!("--dns={}", server.0).into()));
        options.extend(insecure_zones.iter().map(|zone| format!("--insecure-zones={zone}").into()));
        options.extend(https_port.map(|port| format!("--https-port={port}").into()));
        let private =
            allow_private_addresses.map(|choice| format!("--allow-private-addresses={choice}").into());
        options.extend(private);
        options.extend(time.deadline.map(|deadline| format!("--deadline={}", deadline.0.as_secs()).into()));
        options
    }
}

impl ConditionArgs {
    /// What Exim saw of the handshake.
    #[must_use]
    pub fn handshake(self) -> Handshake {
        self.tls_verified.map_or(Handshake::NotSeen, Handshake::from)
    }
}

/// The shape of the log.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people, on standard error
    Text,
    /// One JSON object a line, on standard error
    Json,
    /// Entries of the system's journal
    Journald,
}

/// The address of a name server; port 53 unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServer(pub SocketAddr);

/// Seconds for the whole run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u64")]
pub struct Deadline(pub Duration);

/// Domains in each file of the cache; one at least.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u64")]
pub struct MaxDomains(pub u64);

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

impl FromStr for MaxDomains {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>()
            .map_err(|_| format!("'{}' is not a number of domains", excerpt(text, 32)))?
            .try_into()
    }
}

impl TryFrom<u64> for MaxDomains {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        if number == 0 {
            Err("with 0 no policy would ever be kept; it has to be 1 at least".to_owned())
        } else {
            Ok(Self(number))
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
