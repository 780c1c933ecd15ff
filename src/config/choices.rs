//! What an administrator may choose, on the command line or in one TOML file under the same names with `_` for `-`.
//!
//! The command line wins. There is one definition for both; an unknown key or a bad value in the file is an error
//! that names file, line, and what was expected.

use super::{Places, Rules};
use crate::cache::DEFAULT_PATH;
use crate::limits::{DEADLINE_DEFAULT, DEADLINE_MAX, MAX_DOMAINS_DEFAULT};
use crate::overrides::Overrides;
use crate::reason::Reason;
use crate::text::{Escaped, excerpt};
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::NoInquiry;
use clap::{Args, ValueEnum};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Where the configuration is looked for; it may be absent there.
pub const DEFAULT_FILE: &str = "/etc/smtp-sts-verify/config.toml";

/// The choices; every one may be left out.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choices {
    /// The cache, an absolute path [default: /var/lib/smtp-sts-verify/cache.db]
    #[arg(short = 'c', long, value_name = "FILE")]
    pub cachedb: Option<PathBuf>,
    /// A name server; repeatable [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "ADDR[:PORT]")]
    #[serde(deserialize_with = "one_or_more")]
    pub dns: Vec<NameServer>,
    /// DNSKEY or DS lines to trust [default: the root's, built in]
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Option<PathBuf>,
    /// PEM certificates of the authorities that policy hosts are judged by [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// For laboratories: the port of policy hosts [default: 443]
    #[arg(long, value_name = "N")]
    pub https_port: Option<std::num::NonZeroU16>,
    /// For laboratories: policy hosts may have private and loopback addresses
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private_addresses: Option<bool>,
    /// Time for the whole run, 1 to 50 [default: 10; Exim ends it at 60]
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<Deadline>,
    /// The shape of the answer [default: human on a terminal, else exim]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Keeps a log of this shape, unless the answer is for Exim
    #[arg(long, value_name = "SHAPE")]
    pub log_format: Option<LogFormat>,
    /// Only authenticated policies are stored and used: no trust on first use
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_authentication: Option<bool>,
    /// Where a policy cannot be asked for in an unsigned zone [default: deliver]
    #[arg(long, value_name = "WHAT")]
    pub on_unreachable: Option<WhenUnreachable>,
    /// What Exim saw after the handshake, for the header macro
    #[arg(long, value_name = "WHAT")]
    pub tls_verified: Option<TlsVerified>,
    /// Domains kept in each file of the cache [default: 50000]
    #[arg(long, value_name = "N")]
    pub max_domains: Option<u64>,
    /// Only in the file: what is required of single domains, whatever they publish.
    #[arg(skip)]
    #[serde(rename = "override")]
    pub overrides: Overrides,
    /// Only in the file: where the daemon listens; its own options win.
    #[arg(skip)]
    pub serve: Places,
}

/// The address of a name server; port 53 unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServer(pub SocketAddr);

/// Seconds for the whole run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u64")]
pub struct Deadline(pub Duration);

/// The shape of the answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One line for Exim
    Exim,
    /// A few lines for people
    Human,
    /// One JSON object
    Json,
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

impl Format {
    /// What an error is to look like before the command line is understood: what `--format` says, or where the
    /// output goes.
    #[must_use]
    pub fn at_first_sight(arguments: &[OsString]) -> Self {
        let mut words = arguments.iter().filter_map(|word| word.to_str());
        while let Some(word) = words.next() {
            let value = if word == "--format" { words.next() } else { word.strip_prefix("--format=") };
            if let Some(format) = value.and_then(|value| Self::from_str(value, false).ok()) {
                return format;
            }
        }
        Self::of_stdout()
    }

    fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() { Self::Human } else { Self::Exim }
    }
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

/// Why the configuration cannot be used: file, line, what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConfiguration(pub String);

impl fmt::Display for BadConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConfiguration {}

impl BadConfiguration {
    /// What is wrong, in the words of whoever found it.
    pub(super) fn of(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

impl From<BadConfiguration> for NoInquiry {
    fn from(error: BadConfiguration) -> Self {
        Self::defer(Reason::Configuration, error)
    }
}

impl Choices {
    /// These choices, and where they say nothing those of the file. Only the file at the default place may be absent.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn with_file(self, path: &Path) -> Result<Self, BadConfiguration> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new(DEFAULT_FILE) => {
                return Ok(self);
            }
            Err(error) => {
                return Err(BadConfiguration(format!(
                    "the configuration {} cannot be read: {error}",
                    path.display()
                )));
            }
        };
        Ok(self.or(Self::parse(&text, path)?))
    }

    /// Reads the text of a configuration; `path` is for the error.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, BadConfiguration> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            BadConfiguration(format!("{} line {line}: {}", path.display(), Escaped(error.message())))
        })
    }

    fn or(self, file: Self) -> Self {
        Self {
            cachedb: self.cachedb.or(file.cachedb),
            dns: if self.dns.is_empty() { file.dns } else { self.dns },
            trust_anchor: self.trust_anchor.or(file.trust_anchor),
            ca_file: self.ca_file.or(file.ca_file),
            https_port: self.https_port.or(file.https_port),
            allow_private_addresses: self.allow_private_addresses.or(file.allow_private_addresses),
            deadline: self.deadline.or(file.deadline),
            format: self.format.or(file.format),
            log_format: self.log_format.or(file.log_format),
            require_authentication: self.require_authentication.or(file.require_authentication),
            on_unreachable: self.on_unreachable.or(file.on_unreachable),
            tls_verified: self.tls_verified.or(file.tls_verified),
            max_domains: self.max_domains.or(file.max_domains),
            overrides: file.overrides,
            serve: file.serve,
        }
    }

    /// The cache file.
    #[must_use]
    pub fn cache_file(&self) -> &Path {
        self.cachedb.as_deref().unwrap_or_else(|| Path::new(DEFAULT_PATH))
    }

    /// Domains in each file of the cache.
    #[must_use]
    pub fn max_domains(&self) -> u64 {
        self.max_domains.unwrap_or(MAX_DOMAINS_DEFAULT)
    }

    /// Time for the whole run.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline.map_or(DEADLINE_DEFAULT, |deadline| deadline.0)
    }

    /// What Exim saw of the handshake.
    #[must_use]
    pub fn handshake(&self) -> Handshake {
        self.tls_verified.map_or(Handshake::NotSeen, Handshake::from)
    }

    /// The rules for questions.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            overrides: self.overrides.clone(),
            require_authentication: self.require_authentication.unwrap_or(false),
            on_unreachable: self.on_unreachable.map_or_else(OnUnreachable::default, OnUnreachable::from),
        }
    }

    /// The shape of the answer.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format.unwrap_or_else(Format::of_stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Choices, String> {
        Choices::parse(text, Path::new("/etc/x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_the_same_as_the_command_line() {
        let text = "cachedb = '/x/y.db'\ndns = ['192.0.2.1', '[2001:db8::1]:5353']\ntrust_anchor = '/x/key'\nca_file = '/x/ca'\n\
                    https_port = 8443\nallow_private_addresses = true\ndeadline = 7\nformat = 'json'\nlog_format = 'journald'\nrequire_authentication = true\n\
                    on_unreachable = 'defer'\ntls_verified = 'yes'\nmax_domains = 5\n";
        let choices = parse(text).unwrap();
        assert_eq!(
            choices.dns,
            [NameServer("192.0.2.1:53".parse().unwrap()), NameServer("[2001:db8::1]:5353".parse().unwrap())]
        );
        assert_eq!(choices.deadline(), Duration::from_secs(7));
        assert_eq!((choices.format(), choices.max_domains()), (Format::Json, 5));
        assert_eq!(parse("dns = '192.0.2.1:54'").unwrap().dns.len(), 1);
    }

    #[test]
    fn an_error_names_file_line_and_what_was_expected() {
        for (text, line, expected) in [
            ("\n\nnonsense = 1\n", 3, "expected one of"),
            ("deadline = 7\ndeadline = 'soon'", 2, "duplicate"),
            ("deadline = 'soon'", 1, "expected"),
            ("deadline = 51", 1, "between 1 and 50"),
            ("# x\nformat = 'xml'", 2, "exim"),
            ("dns = 'ns.example'", 1, "'ns.example' is not ADDR or ADDR:PORT"),
            ("dns = 53", 1, "a text in quotation marks, or a list of them"),
            ("on_unreachable = true", 1, "wanted string"),
            ("https_port = 0", 1, "nonzero"),
            ("deadline = ", 1, ""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("/etc/x.toml line {line}: ")), "{text:?}: {error}");
            assert!(error.contains(expected) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_command_line_wins() {
        let line = Choices { deadline: Some(Deadline(Duration::from_secs(3))), ..Choices::default() };
        let both = line.or(parse("deadline = 9\nrequire_authentication = true").unwrap());
        assert_eq!((both.deadline(), both.require_authentication), (Duration::from_secs(3), Some(true)));
    }

    #[test]
    fn the_shape_of_an_error_is_known_before_the_command_line_is() {
        let seen =
            |words: &[&str]| Format::at_first_sight(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(seen(&["x", "--format", "json", "--nonsense"]), Format::Json);
        assert_eq!(seen(&["x", "--format=human"]), Format::Human);
    }
}
