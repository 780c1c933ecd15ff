//! What the daemon can say about itself at one moment, as values: what its pages are made of. Pure.

use super::counters::Counters;
use super::recent::Withheld;
use crate::cache::Outlook;
use crate::reporting::outbox::Glance;
use crate::time::UnixTime;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// The daemon at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// The moment.
    pub now: UnixTime,
    /// When the process began.
    pub started_at: UnixTime,
    /// When the configuration in use was read.
    pub loaded_at: UnixTime,
    /// Why an older configuration than that of the file is in force, if it is.
    pub older: Option<String>,
    /// Where questions are taken.
    pub places: Vec<String>,
    /// Who is asked.
    pub name_servers: Vec<SocketAddr>,
    /// The policies in force; or why the store does not answer.
    pub outlook: Result<Arc<Outlook>, NoOutlook>,
    /// The TLS reports that leave; `None` while the store does not tell.
    pub reports: Option<Arc<Reports>>,
    /// Whether the lookup worker answers; or what is wrong, in words.
    pub lookup_worker: Result<(), String>,
    /// Answers at hand.
    pub cached_answers: usize,
    /// Refusals and defers of late, the newest first.
    pub recent: Vec<Withheld>,
    /// What was counted.
    pub counters: Arc<Counters>,
}

/// The TLS reports that leave from this machine, at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// Whether the configuration has them sent.
    pub is_sending: bool,
    /// The outbox; or why it cannot be read, in words.
    pub glance: Result<Glance, String>,
}

/// Why the policies in force are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoOutlook {
    /// The store still counts: there are very many of them, or the disk is slow.
    Counting,
    /// The store cannot read them; why, in words.
    Trouble(String),
}

impl fmt::Display for NoOutlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counting => "the store has not counted them yet",
            Self::Trouble(why) => why,
        })
    }
}

impl Status {
    /// Whether the daemon can do its work: it listens, it has somebody to ask, and all of its threads answer.
    ///
    /// # Errors
    /// The first thing that is wrong, in a line for people.
    pub fn readiness(&self) -> Result<(), String> {
        if self.places.is_empty() {
            return Err("nobody can ask: there is no place to listen at".to_owned());
        }
        if self.name_servers.is_empty() {
            return Err(
                "there is no name server to ask: /etc/resolv.conf names none, and --dns is not given"
                    .to_owned(),
            );
        }
        // The lookup worker's pulse goes through the store: a silent store fails there; one that still counts is well.
        if let Err(NoOutlook::Trouble(why)) = &self.outlook {
            return Err(why.clone());
        }
        self.lookup_worker.clone()
    }
}
