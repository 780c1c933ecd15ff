//! What is remembered between two deliveries, and how a pipeline sees it.
//!
//! Two SQLite files stand beside each other. `cache.db` holds policies: losing one of them loses protection, so each
//! commit reaches the disk. `cache.dns.db` holds DNS results that spare packets and is expendable: nothing waits for
//! the disk. Exim reads the view `sts_cache` of the first one itself.
//!
//! Invariants:
//! - The cache never changes a verdict by failing. What cannot be read does not exist, and the answer says
//!   `cache=unavailable`.
//! - A row is untrusted input: it counts only with its checksum, its circumstances ([`Fingerprint`]), a record that
//!   parses and a life that this program would have given.
//! - A warm answer writes nothing and opens only the files that it needs.
//! - A policy in force under enforce leaves the cache by expiring or by being replaced, never to make room.

mod answers;
mod database;
pub mod file;
mod files;
mod fingerprint;
mod memory;
mod policies;
mod policy;
mod schema;
mod seed;
mod trouble;

pub use file::{CachePath, DEFAULT_PATH};
pub use files::Cache;
pub use fingerprint::{Anchors, Authorities, Circumstances, Fingerprint};
pub use memory::InMemory;
pub use policy::{Authentication, Kept, StoredPolicy, life};
pub use trouble::{Fate, Trouble};

use crate::name::PolicyDomain;
use crate::policy::Dialect;
use crate::time::UnixTime;

/// What a DNS result was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What TLSA records say about the domain's MX hosts.
    Dane,
    /// How often the policy of that dialect could not be fetched, and when last.
    FetchFailures(Dialect),
    /// The domain's validated MX hosts.
    MxHosts,
    /// What stands at the names of that dialect's record.
    Published(Dialect),
}

impl Topic {
    /// The word in the file.
    const fn word(self) -> &'static str {
        match self {
            Self::Dane => "dane",
            Self::FetchFailures(Dialect::MtaSts) => "mta-sts-failures",
            Self::FetchFailures(Dialect::SmtpSts) => "smtp-sts-failures",
            Self::MxHosts => "mx-hosts",
            Self::Published(Dialect::MtaSts) => "mta-sts",
            Self::Published(Dialect::SmtpSts) => "smtp-sts",
        }
    }
}

/// A DNS result that may still be believed, in the words of whoever remembered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recollection {
    /// What was remembered.
    pub text: String,
    /// Until when it may be believed; later than now.
    pub valid_until: UnixTime,
}

/// What the pipeline may do with the cache: two SQLite files, or maps in a test.
pub trait Memory {
    /// The policy of that dialect that was stored for a domain and has not expired, whether it was ever applied or not.
    ///
    /// # Errors
    /// [`Trouble`] if nothing can be said: the verdict is then the one of a first contact, and the answer says
    /// `cache=unavailable`.
    fn policy(&self, domain: &PolicyDomain, dialect: Dialect) -> Result<Option<StoredPolicy>, Trouble>;

    /// Stores a policy, or what became of a stored one (applied, authenticated, refreshed). What may replace what is
    /// decided by the row's own rules (see [`StoredPolicy`]): a weaker authentication never displaces a stronger one.
    ///
    /// # Errors
    /// [`Trouble`] if nothing was stored; what was there before is still there.
    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, Trouble>;

    /// A DNS result that may still be believed. Any trouble is an absence here; [`Memory::trouble`] tells it.
    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection>;

    /// Remembers a DNS result, if that is possible without further ado.
    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime);

    /// What went wrong so far with either file, the first of it.
    fn trouble(&self) -> Option<Trouble> {
        None
    }
}
