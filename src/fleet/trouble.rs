//! Why the database is not what it should be, in words of ours; the server's own are shown escaped and cut.

use super::VERSION;
use crate::causes;
use crate::text::excerpt;
use std::error::Error as _;
use std::fmt;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};
use tokio_rustls::rustls;

/// Characters of the server's own words that are shown.
const SHOWN: usize = 160;

/// What keeps this host from the fleet's memory. The mail is as without a fleet in each case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Down, unreachable, full, or it knows nothing of us: it is tried again.
    Away(String),
    /// What the administrator chose cannot be used: a file, a password, a certificate, a name.
    Configuration(String),
    /// It is there and refuses to be written to: a standby, or a primary that was told so.
    ReadOnly,
    /// A statement took longer than it may.
    Slow,
    /// A later version of its schema, which this program cannot read.
    Newer(i32),
}

/// Why something was not done there, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The server has refused it, and nothing of it is there.
    Refused(Trouble),
    /// Whether it is there nobody knows: the answer was lost.
    Unknown(Trouble),
}

impl Failed {
    /// What an error of the client means. An error that ends a statement ends its transaction as well; one that ends the session, or comes from what stands in
    /// between, says nothing of a commit before it.
    pub(super) fn of(error: &Error) -> Self {
        let is_refused = error.as_db_error().is_some_and(|said| {
            let code = said.code().code();
            let says_nothing = code.starts_with("08") || code.starts_with("57P") || code == "40003";
            said.parsed_severity() == Some(Severity::Error) && !says_nothing
        });
        let trouble = Trouble::of(error);
        if is_refused { Self::Refused(trouble) } else { Self::Unknown(trouble) }
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(trouble) | Failed::Unknown(trouble) => trouble,
        }
    }
}

impl Trouble {
    /// The database has a schema of an earlier version.
    pub(super) fn older(version: i32) -> Self {
        Self::Configuration(format!(
            "the database has a schema of version {version}, and this program needs version {VERSION}: run `smtp-sts-verify fleet schema` of this version in an empty \
             database for all hosts (exim/fleet.md)"
        ))
    }

    /// The database has a schema of this version as an earlier build wrote it.
    pub(super) fn of_an_earlier_build(version: i32) -> Self {
        Self::Configuration(format!(
            "the database has a schema of version {version} as an earlier build of this program wrote it: run `smtp-sts-verify fleet schema` of this version in \
             an empty database for all hosts (exim/fleet.md)"
        ))
    }

    /// One word, for counters and pages.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Away(_) => "away",
            Self::Configuration(_) => "configuration",
            Self::ReadOnly => "read-only",
            Self::Slow => "slow",
            Self::Newer(_) => "newer-schema",
        }
    }

    /// What an error of the client means.
    pub(super) fn of(error: &Error) -> Self {
        if let Some(said) = error.as_db_error() {
            let (code, words) = (said.code(), excerpt(said.message(), SHOWN));
            let told = format!("the database says '{words}' ({})", code.code());
            return match code.code().get(..2) {
                _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
                _ if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) => Self::Slow,
                Some("28") => Self::Configuration(format!(
                    "{told}: look at role, password or certificate, and pg_hba.conf"
                )),
                Some("3D") => Self::Configuration(format!("{told}: look at the name of the database")),
                Some("42" | "3F") => Self::Away(format!(
                    "{told}: has `smtp-sts-verify fleet schema` been run there, and is the role one of fleet_host?"
                )),
                _ => Self::Away(told),
            };
        }
        let cause = error.source();
        if let Some(error) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            // That is how the library says that no server of those named is a primary.
            if error.to_string().contains("does not allow writes") {
                return Self::ReadOnly;
            }
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            return match inner {
                Some(rustls::Error::InvalidCertificate(_)) => Self::Configuration(
                    "the server's certificate is not one of ca_file for the name in hosts, or not in its time".to_owned(),
                ),
                Some(error) => Self::Away(format!("TLS: {}", causes::of_handshake(error, None).1)),
                None => Self::Away(causes::of_io(error)),
            };
        }
        // The rest is told by the library in fixed words, which are for programmers.
        let words = error.to_string();
        if words.contains("database does not allow writes")
            || cause.is_some_and(|cause| cause.to_string().contains("does not allow writes"))
        {
            Self::ReadOnly
        } else if words.contains("authentication") {
            Self::Configuration("the server wants a proof that is bound to nothing: it has to offer SCRAM over TLS (scram-sha-256 in pg_hba.conf), or take the certificate".to_owned())
        } else if words.contains("TLS") {
            Self::Configuration("the server offers no TLS: set ssl = on there".to_owned())
        } else if error.is_closed() {
            Self::Away("the connection was closed".to_owned())
        } else {
            Self::Away("the connection failed".to_owned())
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) | Self::Configuration(why) => f.write_str(why),
            Self::ReadOnly => {
                f.write_str("the database cannot be written to: a standby, or a primary that was told so")
            }
            Self::Slow => f.write_str("the database takes longer than half a second for a statement"),
            Self::Newer(version) => write!(
                f,
                "the database has a schema (readable from version {version} on) that this program does not know: upgrade it here"
            ),
        }
    }
}

impl std::error::Error for Trouble {}
