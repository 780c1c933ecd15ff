//! The cache as two files.

use super::answers::{Answers, Updates};
use super::checkup;
use super::database::{Database, Sign};
use super::file::CachePath;
use super::file_state::FileState;
use super::history::Origin;
use super::inbox::Inbox;
use super::outlook::Outlook;
use super::owners::GaveWay;
use super::policies::{AllAbout, Events, PolicyEvent, PolicyFile};
pub use super::row::Mark;
use super::schema::{ANSWERS, POLICIES};
use super::taking_over::Heartbeat;
use super::{
    CacheError, Circumstances, DomainSnapshot, Dossier, HistoryEntry, Kept, Memory, Notice, Policies,
    Provenance, Recollection, Refusal, Topic, Write,
};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The two files under one path, for one run. Neither is touched before it is needed.
#[derive(Debug)]
pub struct Cache {
    pub(super) policies: PolicyFile,
    pub(super) answers: Answers,
    /// What others of a fleet say, where there is one.
    pub(super) inbox: Option<Inbox>,
    pub(super) trouble: OnceCell<CacheError>,
}

/// How many policies there are, the ended ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Learnt under the circumstances of this run: those that [`Cache::all`] yields, and any that are damaged.
    pub here: u64,
    /// Learnt under others, such as another trust anchor: they do not exist for this run.
    pub elsewhere: u64,
}

/// How much was removed about a domain, whatever the circumstances under which it was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// Policies, of any dialect.
    pub policies: usize,
    /// DNS results and failures.
    pub answers: usize,
}

/// The state of both files, as far as other processes change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signs([Option<Sign>; 2]);

impl Signs {
    /// Whether a file was not there.
    #[must_use]
    pub fn lack_a_file(&self) -> bool {
        self.0.contains(&None)
    }
}

/// What became of a policy that came from another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It met the same rules as a fetched one.
    Kept(Kept),
    /// It cannot be believed here.
    Refused(Refusal),
}

/// Why not all that a look-up left behind is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unkept {
    /// The file is full of policies in force.
    Full,
    /// It cannot be used.
    Trouble(CacheError),
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str(Kept::NOT_KEPT),
            Self::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

impl Cache {
    /// The cache at that path, under these circumstances, with at most `max_domains` in each file, at that moment.
    #[must_use]
    pub fn new(path: CachePath, circumstances: &Circumstances, max_domains: u64, now: UnixTime) -> Self {
        let answers = path.of_answers();
        Self {
            policies: PolicyFile::new(Database::new(
                path,
                &POLICIES,
                circumstances.of_policies(),
                max_domains,
                now,
            )),
            answers: Answers::new(Database::new(
                answers,
                &ANSWERS,
                circumstances.of_answers(),
                max_domains,
                now,
            )),
            inbox: None,
            trouble: OnceCell::new(),
        }
    }

    /// The same cache for whoever only looks: nothing is ever written, an older file is not taken over, a damaged one not
    /// put aside; being allowed to read the files is enough. Only a write that was interrupted is undone, by whoever may.
    #[must_use]
    pub fn read_only(self) -> Self {
        let Self { policies, answers, inbox, trouble } = self;
        let inbox = inbox.map(Inbox::read_only);
        Self { policies: policies.read_only(), answers: answers.read_only(), inbox, trouble }
    }

    /// The same cache; that is called now and then while an older file is being taken over, which takes seconds or, on a slow
    /// disk, minutes.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.policies.database_mut().beat(heartbeat.clone());
        self.answers.database_mut().beat(heartbeat);
        self
    }

    /// Begins a new run at that moment on the same files: those that are open stay open, unless they are no longer what lies
    /// under the path.
    pub fn revisit(&mut self, now: UnixTime) {
        self.policies.database_mut().revisit(now);
        self.answers.database_mut().revisit(now);
        if let Some(inbox) = &mut self.inbox {
            inbox.database_mut().revisit(now);
        }
        self.trouble = OnceCell::new();
    }

    /// What is no longer the same once somebody else has written into a file or exchanged it. What is written by this cache
    /// changes nothing, but that a file comes into being.
    #[must_use]
    pub fn signs(&self) -> Signs {
        let sign = |database: &Database| self.noting(database.sign()).ok().flatten();
        Signs([sign(self.policies.database()), sign(self.answers.database())])
    }

    /// How the last attempt to write into each of the two files ended, if there was one.
    pub fn last_writes(&self) -> Vec<(PathBuf, Result<(), CacheError>)> {
        let last = |database: &Database| Some((database.path().as_path().to_owned(), database.last_write()?));
        [self.policies.database(), self.answers.database()].into_iter().filter_map(last).collect()
    }

    /// Which policies made room in the full file since this was asked last.
    pub fn what_gave_way(&self) -> GaveWay {
        self.policies.database().owners.what_gave_way()
    }

    /// About when a delivery last asked where a domain's mail goes: no earlier than that, and at most the TTL of its MX
    /// records later. `None` if nobody remembers.
    pub fn last_asked(&self, domain: &PolicyDomain) -> Option<UnixTime> {
        self.noting(self.answers.last_asked(domain)).ok().flatten()
    }

    /// The next few of [`Cache::all`] behind a mark, and the mark behind them; no mark when there are no more.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn some(&self, after: &Mark) -> Result<(Vec<StoredPolicy>, Option<Mark>), CacheError> {
        self.noting(self.policies.page(after))
    }

    /// Writes down what a look-up left behind about a domain, by the same rules as if it had been written at once: the
    /// policies in their order, then the DNS results, of each topic the last word. What can be written is.
    ///
    /// # Errors
    /// Why not all of it is kept.
    pub fn apply(&self, domain: &PolicyDomain, writes: &[Write]) -> Result<(), Unkept> {
        self.apply_all(&[(domain, writes)]).pop().unwrap_or(Ok(()))
    }

    /// The same for many look-ups, each of which is told for itself: what they left behind shares one commit in each file,
    /// the policies' first. What one of them cannot write keeps no other from being written.
    pub fn apply_all(&self, all: &[(&PolicyDomain, &[Write])]) -> Vec<Result<(), Unkept>> {
        let mut told: Vec<Result<(), Unkept>> = vec![Ok(()); all.len()];
        let (mut events, mut updates) = (Vec::new(), Vec::new());
        for (at, (domain, writes)) in all.iter().enumerate() {
            let one = PolicyEvent::all_of(writes);
            if !one.is_empty() {
                events.push((at, Events { domain, events: one }));
            }
            let one = self.last_words(writes);
            if !one.is_empty() {
                updates.push((at, Updates { domain, updates: one }));
            }
        }
        let (of_whom, events): (Vec<usize>, Vec<Events<'_>>) = events.into_iter().unzip();
        for (at, kept) in of_whom.into_iter().zip(self.policies.apply(&events)) {
            note(&mut told, at, kept.map_err(Unkept::Trouble).and_then(Kept::or_full));
        }
        let (of_whom, updates): (Vec<usize>, Vec<Updates<'_>>) = updates.into_iter().unzip();
        for (at, updated) in of_whom.into_iter().zip(self.answers.update(&updates)) {
            note(&mut told, at, updated.map_err(Unkept::Trouble));
        }
        let looked = all.iter().flat_map(|(domain, writes)| {
            writes.iter().filter_map(|write| match write {
                Write::Looked(dialect, look) => Some((*domain, *dialect, *look)),
                _ => None,
            })
        });
        // What is not written down binds nobody: see there.
        let _noted = self.looked(&looked.collect::<Vec<_>>());
        told
    }

    /// What is to be remembered of each topic, and what forgotten, in the end.
    fn last_words<'a>(&self, writes: &'a [Write]) -> Vec<(Topic, Option<&'a Recollection>)> {
        let mut last = BTreeMap::new();
        for write in writes {
            match write {
                Write::Forget(topic) => drop(last.insert(*topic, None)),
                Write::Remember(topic, one) => drop(last.insert(*topic, Some(one))),
                Write::Keep(_) | Write::Looked(..) | Write::Note(..) => {}
            }
        }
        let is_worth_it =
            |one: Option<&Recollection>| one.is_none_or(|one| self.answers.is_worth_remembering(one));
        last.into_iter().filter(|(_, one)| is_worth_it(*one)).collect()
    }

    /// What a delivery may know about each of these domains; whatever cannot be read is not there, and
    /// [`DomainSnapshot::trouble`] tells why. Each file is read in one transaction.
    #[must_use]
    pub fn snapshots(&self, domains: &[PolicyDomain]) -> Vec<DomainSnapshot> {
        let stored = self.noting(self.policies.stored_for(domains));
        self.snapshots_with(domains, stored.map(Option::unwrap_or_default))
    }

    /// All that is known about a domain; whatever cannot be read is not there, and [`DomainSnapshot::trouble`] tells why.
    #[must_use]
    pub fn dossier(&self, domain: &PolicyDomain) -> Dossier {
        let read = self.noting(self.policies.all_about(domain)).map(Option::unwrap_or_default);
        let (policies, history, elsewhere) = match read {
            Ok(AllAbout { policies, history, elsewhere }) => (Ok(vec![policies]), history, elsewhere),
            Err(trouble) => (Err(trouble), Vec::new(), 0),
        };
        let known = self.snapshots_with(std::slice::from_ref(domain), policies).pop().unwrap_or_default();
        Dossier { known, history, elsewhere }
    }

    fn snapshots_with(
        &self,
        domains: &[PolicyDomain],
        stored: Result<Vec<Policies>, CacheError>,
    ) -> Vec<DomainSnapshot> {
        let lost = stored.as_ref().err().cloned();
        let stored = stored.unwrap_or_default();
        let remembered = self.noting(self.answers.recall_all(domains)).ok().flatten().unwrap_or_default();
        let (mut stored, mut remembered) = (stored.into_iter(), remembered.into_iter());
        let mut hearsay = self.hearsay(domains).into_iter();
        let of_next = |_| {
            let policies = stored.next().unwrap_or_default();
            let remembered = remembered.next().unwrap_or_default();
            let trouble = self.trouble();
            let hearsay = hearsay.next().unwrap_or_default();
            DomainSnapshot { policies, remembered, hearsay, trouble, lost: lost.clone() }
        };
        domains.iter().map(of_next).collect()
    }

    /// Every policy that was learnt under the circumstances of this run, the ended ones included, in the order of the
    /// domains (their octets); of one domain, MTA-STS first. A few are read at a time, so nobody who writes has to wait;
    /// what changes meanwhile is seen if it lies ahead. Ends after the first [`CacheError`].
    pub fn all(&self) -> impl Iterator<Item = Result<StoredPolicy, CacheError>> {
        let mut next = Some(Mark::default());
        std::iter::from_fn(move || {
            let page = self.noting(self.policies.page(&next.take()?));
            Some(match page {
                Ok((policies, mark)) => {
                    next = mark;
                    policies.into_iter().map(Ok).collect()
                }
                Err(trouble) => vec![Err(trouble)],
            })
        })
        .flatten()
    }

    /// How many policies there are, without reading them.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn census(&self) -> Result<Census, CacheError> {
        self.noting(self.policies.census())
    }

    /// The policies in force at this moment: how many, and at most so many of them by name, those that end first.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn outlook(&self, most: u32) -> Result<Outlook, CacheError> {
        self.noting(self.policies.outlook(most))
    }

    /// What the file of policies and that of DNS results are like; `None` for one that is not there yet.
    pub fn check_up(&self) -> [Result<Option<FileState>, CacheError>; 2] {
        [checkup::of_policies(&self.policies), checkup::of_answers(&self.answers)]
    }

    /// What is stored for a domain, the ended policies included; [`Memory::policies`] is what counts.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn stored(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        self.noting(self.policies.stored(domain))
    }

    /// What happened to a domain's policies, the oldest first. Old events are forgotten: of one domain at most
    /// [`crate::limits::MAX_EVENTS_PER_DOMAIN`] are kept.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn history(&self, domain: &PolicyDomain) -> Result<Vec<HistoryEntry>, CacheError> {
        self.noting(self.policies.history(domain))
    }

    /// Removes what is known about a domain: its policies, DNS results and failures. Its history stays and tells it.
    ///
    /// # Errors
    /// [`CacheError`] if not everything was removed.
    pub fn purge(&self, domain: &PolicyDomain) -> Result<Purged, CacheError> {
        // Policies last: as long as DNS results could bring one back, it is better to be told that nothing was removed.
        let answers = self.noting(self.answers.purge(domain))?;
        if let Some(inbox) = &self.inbox {
            self.noting(inbox.forget(domain))?;
        }
        let policies = self.noting(self.policies.purge(domain))?;
        Ok(Purged { policies, answers })
    }

    /// What stands at the head of an export of this cache, which [`Cache::all`] yields: the ended ones need not travel.
    #[must_use]
    pub fn provenance(&self, host: &str) -> Provenance {
        let database = self.policies.database();
        Provenance { host: host.to_owned(), exported_at: database.now, circumstances: database.fingerprint }
    }

    /// Whether a policy from another host may be taken over here and now.
    ///
    /// # Errors
    /// [`Refusal`]: why not.
    pub fn admits(&self, policy: &StoredPolicy, from: &Provenance) -> Result<(), Refusal> {
        let database = self.policies.database();
        from.admit(policy, database.fingerprint, database.now)
    }

    /// Takes over a policy from another host, unless what is known here was fetched later or in the same second, or is
    /// authenticated better. What is in force here gives way to no earlier fetch, however that was authenticated; if a clock that was
    /// wrong has it fetched in the future, to none but this host's own. It ends when it would have ended there.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was stored.
    pub fn import(&self, policy: &StoredPolicy, from: &Provenance) -> Result<Imported, CacheError> {
        if let Err(refusal) = self.admits(policy, from) {
            return Ok(Imported::Refused(refusal));
        }
        let kept = self.import_all(std::slice::from_ref(policy), from)?;
        Ok(Imported::Kept(kept.ok().and_then(|mut kept| kept.pop()).unwrap_or(Kept::Full)))
    }

    /// Takes over policies from another host that [`Cache::admits`], in one transaction, by the rules of [`Cache::import`]. All
    /// are taken over, or none: the inner error is the place of the first one that found no room.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was stored.
    pub fn import_all(
        &self,
        policies: &[StoredPolicy],
        from: &Provenance,
    ) -> Result<Result<Vec<Kept>, usize>, CacheError> {
        self.noting(self.policies.keep_all(policies, Origin::Import(from)))
    }

    pub(super) fn noting<T>(&self, done: Result<T, CacheError>) -> Result<T, CacheError> {
        done.inspect_err(|trouble| {
            self.trouble.get_or_init(|| trouble.clone());
        })
    }
}

impl Memory for Cache {
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        self.stored(domain).map(|policies| policies.unexpired(self.policies.database().now))
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError> {
        self.noting(self.policies.keep(policy))
    }

    fn note(&self, domain: &PolicyDomain, dialect: Dialect, notice: &Notice) {
        let _noted = self.noting(self.policies.note(domain, dialect, notice));
    }

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        self.noting(self.answers.recall(domain, topic)).ok().flatten()
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        let _noted = self.noting(self.answers.remember(domain, topic, text, valid_until));
    }

    fn forget(&self, domain: &PolicyDomain, topic: Topic) {
        let _noted = self.noting(self.answers.forget(domain, topic));
    }

    fn trouble(&self) -> Option<CacheError> {
        self.trouble.get().cloned()
    }
}

impl DomainSnapshot {
    /// Reads it; whatever cannot be read is not there, and [`DomainSnapshot::trouble`] tells why.
    #[must_use]
    pub fn of(cache: &Cache, domain: &PolicyDomain) -> Self {
        cache.snapshots(std::slice::from_ref(domain)).pop().unwrap_or_default()
    }
}

/// Of several things that went wrong the first one is told.
fn note(told: &mut [Result<(), Unkept>], at: usize, done: Result<(), Unkept>) {
    if let Some(told) = told.get_mut(at).filter(|told| told.is_ok()) {
        *told = done;
    }
}

impl Kept {
    fn or_full(self) -> Result<(), Unkept> {
        match self {
            Self::Full => Err(Unkept::Full),
            Self::Stored | Self::Unchanged => Ok(()),
        }
    }
}
