//! What the daemon can say about itself at one moment, as values: what its pages are made of. Pure.

use super::counters::Counters;
use super::recent::Withheld;
use crate::cache::Outlook;
use crate::time::UnixTime;
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
    /// Where questions are taken.
    pub places: Vec<String>,
    /// Who is asked.
    pub name_servers: Vec<SocketAddr>,
    /// The policies in force; or why the store does not tell, in words.
    pub outlook: Result<Arc<Outlook>, String>,
    /// Whether the desk answers; or what is wrong, in words.
    pub desk: Result<(), String>,
    /// Answers at hand.
    pub warm: usize,
    /// Refusals and defers of late, the newest first.
    pub recent: Vec<Withheld>,
    /// What was counted.
    pub counters: Arc<Counters>,
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
        // The desk's word goes through the store: if both are silent, it is the store.
        self.outlook.as_ref().map_err(Clone::clone)?;
        self.desk.clone()
    }
}
