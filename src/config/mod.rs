//! What an administrator chooses, and what it comes down to before anything is asked.
//!
//! [`Choices`] are the words of the command line and of the file; what several commands share is in [`SharedArgs`] and
//! [`ConditionArgs`]. [`Setup`] opens what they name, as whoever may ([`Access`]):
//! the files of the cache, whom to ask, what to trust. Whatever is read, is read when it is needed: a warm answer needs nothing
//! but the cache, and the files that were named. [`Rules`] are the one place that applies overrides to a question.
//!
//! Every command opens its set-up here, and so does the daemon when it begins and each time that it reads its files again.

pub mod address;
mod choices;
mod file;
mod fleet;
mod nearest;
mod places;
pub mod privileges;
mod reporting;
mod rules;
mod section;
mod settings;
mod setup;
mod shared;

pub use choices::{BadConfiguration, Choices, DEFAULT_FILE, Format, LAST_GOOD_FILE, Written};
pub use file::text_of;
pub use fleet::{DatabaseHost, Fleet, KEYS as FLEET_KEYS, Proof};
pub use nearest::nearest;
pub use places::{AnswerWithin, DebugDomain, LogLevel, Places};
pub use reporting::{KeptDays, Organization, Reporting, ReportingArgs, Spared};
pub use rules::{Asked, Rules};
pub use setup::{Access, Dns, Setup, Storage};
pub use shared::{
    ConditionArgs, Deadline, DeadlineArgs, DnsArgs, LogArgs, LogFormat, NameServer, SharedArgs, StorageArgs,
    TlsVerified, WhenUnreachable,
};

/// A key of the configuration, its value in force, and where that comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The section that it stands in, without brackets; empty: above all of them.
    pub section: String,
    /// The key.
    pub key: String,
    /// The value as it could stand in the file; null where nothing was chosen.
    pub value: serde_json::Value,
    /// What holds where nothing was chosen, in words.
    pub instead: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody chose it.
    Default,
    /// The configuration.
    File {
        /// The line; of an override, that of its section.
        line: usize,
    },
    /// The command line, which wins.
    Flag,
}
