//! What is remembered between two deliveries, and how a pipeline sees it.
//!
//! Two SQLite files stand beside each other. `cache.db` holds policies, and what happened to them: losing a policy loses
//! protection, so each commit reaches the disk. `cache.dns.db` holds DNS results that spare packets, and the failures of
//! policy hosts; it is expendable: nothing waits for the disk. Exim reads the view `sts_cache` of the first one itself.
//!
//! Invariants:
//! - The cache never changes a verdict by failing. What cannot be read does not exist, and the answer says
//!   `cache=unavailable`.
//! - A row is untrusted input: it counts only with its checksum, its circumstances ([`Fingerprint`]), a record that
//!   parses and a life that this program would have given.
//! - A warm answer writes nothing and opens only the files that it needs.
//! - A policy in force under enforce leaves the cache by expiring, by being replaced or by an operator's hand, never to
//!   make room; but for those of an owner who fills the file with very many domains (`owners`).
//! - Whatever changes a row is written into its history in the same transaction; a mere renewal is no change.

mod answers;
mod answers_1;
mod backoff;
mod bounces;
mod cause;
mod checkup;
mod connection;
mod counts;
mod database;
mod decrees;
mod error;
pub mod file;
mod file_state;
mod files;
mod fingerprint;
mod forgotten_reports;
mod hearsay;
mod history;
mod history_table;
mod in_force;
mod inbox;
mod learnt;
mod ledger;
mod memory;
mod offers;
mod outbox;
mod outbox_1;
mod outbox_of_fleet;
mod outlook;
mod owners;
mod policies;
mod postponed;
mod registrant;
mod reports_1;
mod room;
mod row;
mod schema;
mod seed;
mod shared;
mod snapshot;
mod statement;
mod taking_over;
mod tally;
mod together;
mod transfer;
mod turn;
mod version_1;
mod version_2;
mod version_3;
mod withheld;

pub use backoff::Failures;
pub use cause::Cause;
pub use connection::sqlite_version;
pub use counts::Counts;
pub use error::{CacheError, Fate, Use};
pub use file::{CachePath, DEFAULT_PATH};
pub use file_state::FileState;
pub use files::{Cache, Census, Imported, Mark, Purged, Signs, Unkept};
pub use fingerprint::{Anchors, Authorities, Circumstances, Fingerprint};
pub use hearsay::{Hearsay, Ignored, OwnLook, Standing, decide, is_renewed_by_others, waits_since};
pub use history::{Event, HistoryEntry, Notice, Weakening, weakenings};
pub use inbox::{OwedPurge, Reading};
pub use learnt::{Learnt, Source};
pub use ledger::{Ledger, Write};
pub use memory::InMemory;
pub use outbox::{Lesson, Outbox, SendingTurn};
pub use outbox_of_fleet::Origin;
pub use outlook::{InForce, Outlook};
pub use owners::GaveWay;
pub use registrant::registrant;
pub use shared::{Heard, Offers, OutboxMark, Weighed};
pub use snapshot::{DomainSnapshot, Dossier, Rehearsal};
pub use taking_over::Heartbeat;
pub use transfer::{Provenance, Refusal};
pub use withheld::{WithheldAnswer, WithheldAnswers};

use crate::limits::{FETCH_FAILURES_KEPT, MAX_POSITIVE_TTL};
use crate::name::PolicyDomain;
use crate::policy::result::ReportedFailure;
use crate::policy::{Dialect, StoredPolicy};
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
    /// The TLSA records of the domain's MX hosts, as TLS reports tell them.
    TlsaSets,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 7] = [
        Self::Published(Dialect::MtaSts),
        Self::FetchFailures(Dialect::MtaSts),
        Self::Published(Dialect::SmtpSts),
        Self::FetchFailures(Dialect::SmtpSts),
        Self::MxHosts,
        Self::Dane,
        Self::TlsaSets,
    ];

    /// The word in the file and in every output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dane => "dane",
            Self::FetchFailures(Dialect::MtaSts) => "mta-sts-failures",
            Self::FetchFailures(Dialect::SmtpSts) => "smtp-sts-failures",
            Self::MxHosts => "mx-hosts",
            Self::Published(Dialect::MtaSts) => "mta-sts",
            Self::Published(Dialect::SmtpSts) => "smtp-sts",
            Self::TlsaSets => "tlsa-sets",
        }
    }

    /// For how many seconds it may be remembered at most.
    const fn longest(self) -> u64 {
        match self {
            Self::FetchFailures(_) => FETCH_FAILURES_KEPT,
            Self::Dane | Self::MxHosts | Self::Published(_) | Self::TlsaSets => MAX_POSITIVE_TTL,
        }
    }
}

/// A domain's policies, at most one of each dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// The one of RFC 8461.
    pub mta_sts: Option<StoredPolicy>,
    /// The one of the draft.
    pub smtp_sts: Option<StoredPolicy>,
    /// Of these dialects there may be one in force, and it cannot be read: its row is not what was written.
    pub unreadable: Vec<Dialect>,
}

impl Policies {
    /// The one of that dialect.
    #[must_use]
    pub const fn of(&self, dialect: Dialect) -> Option<&StoredPolicy> {
        match dialect {
            Dialect::MtaSts => self.mta_sts.as_ref(),
            Dialect::SmtpSts => self.smtp_sts.as_ref(),
        }
    }

    /// The one of that dialect, to be exchanged.
    pub(crate) const fn of_mut(&mut self, dialect: Dialect) -> &mut Option<StoredPolicy> {
        match dialect {
            Dialect::MtaSts => &mut self.mta_sts,
            Dialect::SmtpSts => &mut self.smtp_sts,
        }
    }

    /// All there are, the one that counts more first.
    pub fn iter(&self) -> impl Iterator<Item = &StoredPolicy> {
        self.mta_sts.iter().chain(&self.smtp_sts)
    }

    /// What the operator should know of a policy that cannot be read; `None` if there is none.
    #[must_use]
    pub fn damage(&self, domain: &PolicyDomain) -> Option<String> {
        if self.unreadable.is_empty() {
            return None;
        }
        let mechanisms =
            self.unreadable.iter().map(|dialect| dialect.word()).collect::<Vec<_>>().join(" and ");
        Some(format!(
            "the {mechanisms} policy of {domain} in the cache is damaged, so it is not believed: the mail waits until one has \
             been fetched in its place; look at the disk; `smtp-sts-verify cache purge {domain}` gives it up"
        ))
    }

    /// Whether there is none, not even one that cannot be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none() && self.unreadable.is_empty()
    }

    /// Those that have not ended.
    #[must_use]
    pub fn unexpired(self, now: UnixTime) -> Self {
        let unexpired = |policy: Option<StoredPolicy>| policy.filter(|policy| policy.is_unexpired(now));
        Self { mta_sts: unexpired(self.mta_sts), smtp_sts: unexpired(self.smtp_sts), ..self }
    }
}

/// What became of a policy that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The file is full of policies in force; nothing was stored.
    Full,
    /// The row says what is to be remembered now.
    Stored,
    /// The row said so already, or must not be displaced by this one.
    Unchanged,
}

impl Kept {
    /// What it means that the file is full, for the operator.
    pub const FULL: &str = "the cache is full of policies in force";
    /// And what becomes of one more.
    pub const NOT_KEPT: &str = "the cache is full of policies in force: this one is not kept, and counts only for as long as it can be fetched; raise max_domains";
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
    /// The policies that were stored for a domain and have not expired, whether they were ever applied or not.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said: the verdict is then the one of a first contact, and the answer says
    /// `cache=unavailable`.
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError>;

    /// Whether others of a fleet have renewed a stored policy, so that this host may leave that out.
    fn is_renewed_by_others(&self, _policy: &StoredPolicy, _now: UnixTime) -> bool {
        false
    }

    /// One of [`Memory::policies`].
    ///
    /// # Errors
    /// As there.
    fn policy(&self, domain: &PolicyDomain, dialect: Dialect) -> Result<Option<StoredPolicy>, CacheError> {
        self.policies(domain).map(|policies| policies.of(dialect).cloned())
    }

    /// Stores a policy, or what became of a stored one (applied, authenticated, refreshed). What may replace what is
    /// decided by the row's own rules (see [`StoredPolicy`]): a weaker authentication never displaces a stronger one.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was stored; what was there before is still there.
    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError>;

    /// Writes into the history of a policy in force what was noticed about it, unless that was written down since the
    /// policy was last fetched: what goes on is no news. Any trouble is told by [`Memory::trouble`] only.
    fn note(&self, domain: &PolicyDomain, dialect: Dialect, notice: &Notice);

    /// A DNS result that may still be believed. Any trouble is an absence here; [`Memory::trouble`] tells it.
    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection>;

    /// Remembers a DNS result, if that is possible without further ado.
    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime);

    /// Forgets a DNS result, if there is one and it is possible without further ado.
    fn forget(&self, domain: &PolicyDomain, topic: Topic);

    /// How the last fetches of that policy failed, if the last one did.
    fn failures(&self, domain: &PolicyDomain, dialect: Dialect) -> Option<Failures> {
        Failures::from_line(&self.recall(domain, Topic::FetchFailures(dialect))?.text)
    }

    /// A policy could not be fetched just now: remembers when to try again, and tells the history of the one in force.
    fn fetch_failed(
        &self,
        domain: &PolicyDomain,
        dialect: Dialect,
        version: &str,
        (cause, why): (Option<ReportedFailure>, &str),
        now: UnixTime,
    ) {
        let failures = Failures::after(self.failures(domain, dialect).as_ref(), version, cause, now);
        self.remember(domain, Topic::FetchFailures(dialect), &failures.to_string(), failures.kept_until());
        self.note(domain, dialect, &Notice::FetchFailed(why.to_owned()));
    }

    /// A policy was fetched: its host has failed no more.
    fn fetch_succeeded(&self, domain: &PolicyDomain, dialect: Dialect) {
        self.forget(domain, Topic::FetchFailures(dialect));
    }

    /// What went wrong so far with either file, the first of it.
    fn trouble(&self) -> Option<CacheError> {
        None
    }
}
