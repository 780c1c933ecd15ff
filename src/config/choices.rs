//! What an administrator may choose, on the command line or in one TOML file under the same names with `_` for `-`.
//!
//! The command line wins. There is one definition for both; an unknown key or a bad value in the file is an error
//! that names file, line, and what was expected.

use super::file::text_of;
use super::reporting::{Reporting, ReportingArgs};
use super::section::{line_of, mistake, no_toml};
use super::shared::{ConditionArgs, DeadlineArgs, DnsArgs, FallsBack as _, LogArgs, SharedArgs, StorageArgs};
use super::{Fleet, Places, Rules, Setting, settings};
use crate::cache::DEFAULT_PATH;
use crate::dns::scope::InsecureZones;
use crate::limits::{DEADLINE_DEFAULT, DEADLINE_MAX, MAX_DOMAINS_DEFAULT};
use crate::overrides::{Decreed, Overrides};
use crate::policy::Mechanisms;
use crate::reason::Reason;
use crate::verdict::OnUnreachable;
use crate::verify::NoEvaluation;
use clap::{Arg, Args, ValueEnum};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

/// Where the configuration is looked for; it may be absent there.
pub const DEFAULT_FILE: &str = "/etc/smtp-sts-verify/config.toml";

/// Where root keeps a copy of the configuration that was checked last, for a daemon that is started with one that cannot be
/// used: in a directory of its own, for nobody but root may change it.
pub const LAST_GOOD_FILE: &str = "/var/lib/smtp-sts-verify-config/last-good.toml";

/// The choices; every one may be left out. What is skipped here is read from the same text by its own type ([`Choices::parse`]).
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[command(mut_args(of_the_default_command))]
pub struct Choices {
    /// Whom to ask and to trust, and for how long.
    #[command(flatten)]
    #[serde(skip)]
    pub shared: SharedArgs,
    /// The shape of the answer [default: human on a terminal, else exim]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Which log is kept.
    #[command(flatten)]
    #[serde(skip)]
    pub log: LogArgs,
    /// Under which conditions a question is judged.
    #[command(flatten)]
    #[serde(skip)]
    pub conditions: ConditionArgs,
    /// How much is remembered.
    #[command(flatten)]
    #[serde(skip)]
    pub storage: StorageArgs,
    /// Only in the file: what is required of single domains, whatever they publish.
    #[arg(skip)]
    #[serde(rename = "override")]
    pub overrides: Overrides,
    /// Where the daemon listens: options of the daemon alone.
    #[arg(skip)]
    pub serve: Places,
    /// Only in the file: who sends TLS reports, and how.
    #[arg(skip)]
    pub reports: ReportingArgs,
    /// Only in the file: the memory that this host shares with others; none: it has its own alone.
    #[arg(skip)]
    pub fleet: Option<Fleet>,
}

/// What some of the shared flags mean to the default command.
fn of_the_default_command(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "allow_private_addresses" => {
            arg.help("For laboratories: policy hosts may have private and loopback addresses")
        }
        "log_format" => arg.help("Keeps a log of this shape, unless the answer is for Exim"),
        "deadline" => arg.help("Time for the whole run, 1 to 50 [default: 10; Exim ends it at 60]"),
        _ => arg,
    }
}

/// Every key of the file, in the order in which an error names them: a key that none of the types knows is a mistake.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Cachedb,
    Dns,
    InsecureZones,
    TrustAnchor,
    CaFile,
    HttpsPort,
    AllowPrivateAddresses,
    Deadline,
    Format,
    LogFormat,
    RequireAuthentication,
    OnUnreachable,
    Mechanisms,
    TlsVerified,
    MaxDomains,
    Override,
    Serve,
    Reports,
    Fleet,
}

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

impl From<BadConfiguration> for NoEvaluation {
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
        Ok(self.with(&Written::read(path)?))
    }

    /// The same of a file that has been read.
    #[must_use]
    pub fn with(self, file: &Written) -> Self {
        self.or(file.choices.clone())
    }

    /// Reads the text of a configuration; `path` is for the error.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, BadConfiguration> {
        Written::parse(text, path).map(|written| written.choices)
    }

    fn or(self, file: Self) -> Self {
        Self {
            shared: self.shared.or(file.shared),
            format: self.format.or(file.format),
            log: self.log.or(file.log),
            conditions: self.conditions.or(file.conditions),
            storage: self.storage.or(file.storage),
            overrides: file.overrides,
            serve: self.serve.or(file.serve),
            reports: file.reports,
            fleet: file.fleet,
        }
    }

    /// Every key with its value in force, if these are the options of the command line and that is the file.
    #[must_use]
    pub fn settings(&self, file: &Written) -> Vec<Setting> {
        settings::of(self, file, &self.clone().with(file))
    }

    /// The cache file.
    #[must_use]
    pub fn cache_file(&self) -> &Path {
        self.shared.cachedb.as_deref().unwrap_or_else(|| Path::new(DEFAULT_PATH))
    }

    /// Domains in each file of the cache.
    #[must_use]
    pub fn max_domains(&self) -> u64 {
        self.storage.max_domains.map_or(MAX_DOMAINS_DEFAULT, |most| most.0)
    }

    /// Time for the whole run.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.shared.time.deadline.map_or(DEADLINE_DEFAULT, |deadline| deadline.0)
    }

    /// The same before the file is read, which may give as much as there is if the command line gives nothing.
    pub(crate) fn latest_deadline(&self) -> Duration {
        self.shared.time.deadline.map_or(DEADLINE_MAX, |deadline| deadline.0)
    }

    /// The mechanisms that are asked for and applied.
    #[must_use]
    pub fn mechanisms(&self) -> Mechanisms {
        self.conditions.mechanisms.unwrap_or_default()
    }

    /// The private zones.
    #[must_use]
    pub fn insecure_zones(&self) -> InsecureZones {
        self.shared.resolver.insecure_zones.clone().into()
    }

    /// The rules for questions.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            overrides: self.overrides.clone(),
            decreed: Decreed::default(),
            insecure_zones: self.insecure_zones(),
            mechanisms: self.mechanisms(),
            require_authentication: self.conditions.require_authentication.unwrap_or(false),
            on_unreachable: self
                .conditions
                .on_unreachable
                .map_or_else(OnUnreachable::default, OnUnreachable::from),
            untrusted: self.serve.untrusted(),
        }
    }

    /// Who sends TLS reports, and how. What was read from a file is whole ([`Written::parse`]).
    #[must_use]
    pub fn reporting(&self) -> Reporting {
        let off = || ReportingArgs { send: None, ..self.reports.clone() };
        self.reports.read().or_else(|_| off().read()).unwrap_or_default()
    }

    /// The shape of the answer.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format.unwrap_or_else(Format::of_stdout)
    }
}

/// What stands in a file, and where.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The choices.
    pub choices: Choices,
    /// Whether there is a file.
    pub is_there: bool,
    /// The lines of the keys, by section (empty: above all of them) and key.
    lines: BTreeMap<(String, String), usize>,
}

impl Written {
    /// Reads a configuration. Only the file at the default place may be absent.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn read(path: &Path) -> Result<Self, BadConfiguration> {
        text_of(path)?.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text, path))
    }

    /// Reads the text of a configuration; `path` is for the error.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, BadConfiguration> {
        let wrong = |error: toml::de::Error| {
            BadConfiguration(mistake::<Choices, Places, ReportingArgs>(text, path, &error))
        };
        let file = DeTable::parse(text).map_err(|error| BadConfiguration(no_toml(text, path, &error)))?;
        let lines = lines(text, file.get_ref());
        // The sections are one type's alone, and may be long; the flags are a few words.
        let is_flag = |key: &str| !matches!(key, "override" | "serve" | "reports" | "fleet");
        let flags = file.get_ref().iter().filter(|(key, _)| is_flag(key.get_ref()));
        let flags: DeTable<'_> = flags.map(|(key, value)| (key.clone(), value.clone())).collect();
        let flags = Spanned::new(file.span(), flags);
        BTreeMap::<Key, IgnoredAny>::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let resolver = DnsArgs::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let time = DeadlineArgs::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let shared = SharedArgs::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let shared = SharedArgs { resolver, time, ..shared };
        let storage = StorageArgs::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let log = LogArgs::deserialize(Deserializer::from(flags.clone())).map_err(wrong)?;
        let conditions = ConditionArgs::deserialize(Deserializer::from(flags)).map_err(wrong)?;
        let begins = file.get_ref().iter().find(|(key, _)| key.get_ref() == "reports");
        let begins = line_of(text, begins.map_or(0, |(key, _)| key.span().start));
        let rest = Choices::deserialize(Deserializer::from(file)).map_err(wrong)?;
        rest.reports.read().map_err(|why| {
            BadConfiguration(format!("{} line {begins}: {why} (in the section [reports])", path.display()))
        })?;
        Ok(Self { choices: Choices { shared, log, conditions, storage, ..rest }, is_there: true, lines })
    }

    /// The line of a key; of an override, that of its section.
    #[must_use]
    pub fn line_of(&self, section: &str, key: &str) -> Option<usize> {
        self.lines.get(&(section.to_owned(), key.to_owned())).copied()
    }

    /// How many keys are set, an override counted as one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no key is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// The line of each key, those of the sections beside their sections.
fn lines(text: &str, file: &DeTable<'_>) -> BTreeMap<(String, String), usize> {
    let place = |section: &str, key: &Spanned<DeString<'_>>| {
        ((section.to_owned(), key.get_ref().to_string()), line_of(text, key.span().start))
    };
    let mut lines = BTreeMap::new();
    for (key, value) in file {
        match value.get_ref() {
            DeValue::Table(section) => lines.extend(section.keys().map(|below| place(key.get_ref(), below))),
            _ => lines.extend([place("", key)]),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::shared::{Deadline, NameServer};
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
            choices.shared.resolver.dns,
            [NameServer("192.0.2.1:53".parse().unwrap()), NameServer("[2001:db8::1]:5353".parse().unwrap())]
        );
        assert_eq!(choices.deadline(), Duration::from_secs(7));
        assert_eq!((choices.format(), choices.max_domains()), (Format::Json, 5));
        assert_eq!(parse("dns = '192.0.2.1:54'").unwrap().shared.resolver.dns.len(), 1);
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
            ("\nmechanisms = []", 2, "mechanisms: an empty list"),
            ("mechanisms = ['dane', 'tlsa']", 1, "mechanisms: 'tlsa' is none of"),
            ("mechanisms = 'dane'", 1, "mechanisms: a list of words"),
            ("mechanisms = [1]", 1, "mechanisms: a list of words"),
            ("# x\ninsecure_zones = ['corp.example', '.']", 2, "is the root"),
            ("insecure_zones = 'com'", 1, "is a top-level domain"),
            ("insecure_zones = 1", 1, "a text in quotation marks, or a list of them"),
            ("deadline = ", 1, ""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("/etc/x.toml line {line}: ")), "{text:?}: {error}");
            assert!(error.contains(expected) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_command_line_wins() {
        let deadline = Some(Deadline(Duration::from_secs(3)));
        let line = Choices {
            shared: SharedArgs { time: DeadlineArgs { deadline }, ..SharedArgs::default() },
            ..Choices::default()
        };
        let both = line.or(parse("deadline = 9\nrequire_authentication = true").unwrap());
        assert_eq!(
            (both.deadline(), both.conditions.require_authentication),
            (Duration::from_secs(3), Some(true))
        );
    }

    #[test]
    fn the_shape_of_an_error_is_known_before_the_command_line_is() {
        let seen =
            |words: &[&str]| Format::at_first_sight(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(seen(&["x", "--format", "json", "--nonsense"]), Format::Json);
        assert_eq!(seen(&["x", "--format=human"]), Format::Human);
    }
}
