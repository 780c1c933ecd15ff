//! What one of the files is like, as plain data. Pure.

use serde::{Deserialize, Serialize};

/// One file that keeps the rules and has our definitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// `PRAGMA user_version`
    pub version: i64,
    /// `PRAGMA journal_mode`
    pub journal: String,
    /// What its pages take on the disk, in octets (`PRAGMA page_count` times `page_size`).
    pub octets: u64,
    /// The most it may have, octets.
    pub most: u64,
    /// Rows, whatever the circumstances under which they were learnt.
    pub rows: u64,
    /// The most domains that it may have.
    pub most_domains: u64,
    /// Of a file of policies the domains whose policies are enforced and have not ended: they give way only where one owner has too many.
    pub enforced: u64,
    /// Whoever has most of the domains of a file of policies that is half full at least, and the room of how many they have, if that is
    /// more than a share.
    pub has_most: Option<(String, u64)>,
    /// How many domains of one owner never give way; from more than twice as many on they do, down to these.
    pub share: u64,
    /// Rows of policies that are not what was written, of those learnt under the circumstances of this run; 0 above
    /// [`crate::limits::MAX_CHECKED_OCTETS`].
    pub damaged: u64,
    /// The first thing that `PRAGMA quick_check` says; `None` above [`crate::limits::MAX_CHECKED_OCTETS`].
    pub check: Option<String>,
}
