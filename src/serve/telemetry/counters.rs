//! What the daemon counts, in one place: relaxed atomics that every thread adds to and pages read. Pure. Whatever is told apart is told apart by a closed list ([`Closed`]): no stranger's name becomes a counter, so memory and
//! the number of series are known before anybody asks. What the cache holds is asked of the cache, not counted here. To count one thing more: a field here with its sentence, a family in [`crate::serve::pages::metrics`], a row in `exim/monitoring/README.md`.

use super::fleet::FleetOutcome;
use super::fleet_view::Board;
use crate::dns::Class;
use crate::reason::Reason;
use crate::serve::protocol::http::{Page, Refusal};
use crate::time::UnixTime;
use crate::verdict::Verdict;
use crate::verify::{Ending, Report};
use crate::words::words;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// All of it, shared by all threads.
#[derive(Debug, Default)]
pub struct Counters {
    // ---- the front: sockets -----------------------------------------------------------------------------------
    /// Accepted, whatever became of them.
    pub connections: By<Protocol, Counter>,
    /// Open now.
    pub connections_open: By<Protocol, Gauge>,
    /// Ended by us before the peer did.
    pub connections_ended: By<Protocol, By<Cutting, Counter>>,
    /// `accept(2)` failed, with whatever error.
    pub accept_errors: Counter,

    // ---- the front: questions and answers -----------------------------------------------------------------------
    /// Answers to questions that could be read, and to those that could not (`reason` tells).
    pub answers: By<Mta, By<Verdict, Counter>>,
    /// The same by their reason.
    pub reasons: By<Reason, Counter>,
    /// From the question's last octet to the answer, by where the answer came from.
    pub latency: By<Source, Histogram>,
    /// Events, by what became of them.
    pub events: By<EventFate, Counter>,
    /// Datagrams of Postfix's, by what became of them.
    pub datagrams: By<DatagramFate, Counter>,
    /// Sessions and faults that were to be counted for TLS reports, and had no room in the queue, in memory or in the file.
    pub sessions_lost: Counter,
    /// Pages that were read.
    pub pages: By<Page, Counter>,
    /// Requests for pages that were refused.
    pub page_refusals: By<Refusal, Counter>,

    // ---- the lookup worker ------------------------------------------------------------------------------------------
    /// Look-ups at their end, renewals included.
    pub look_ups: By<LookUpEnd, Counter>,
    /// At work now.
    pub look_ups_under_way: Gauge,
    /// In the queue for a seat.
    pub look_ups_waiting: Gauge,
    /// What became of look-ups for which there was no room.
    pub overloads: By<Overload, Counter>,
    /// Questions that went out to name servers.
    pub dns_questions: Counter,
    /// What the chain of trust said about the answers that came for them.
    pub dns_answers: By<Class, Counter>,
    /// Policies that were asked for over HTTPS.
    pub fetches: By<Ending, Counter>,
    /// Policies that were looked after before they ended, by whether there is a later end now.
    pub renewals: By<RenewalEnd, Counter>,
    /// Policies that should have been fetched again by now, as of the last walk through all of them.
    pub renewals_overdue: Gauge,

    // ---- the fleet --------------------------------------------------------------------------------------------------
    /// What was said between this host and its fleet, by what became of it.
    pub fleet: By<FleetOutcome, Counter>,
    /// When this host joined a fleet; the beginning of time if it has none.
    pub fleet_joined: Moment,
    /// Since when the fleet's database is connected; the beginning of time while it is not.
    pub fleet_connected: Moment,
    /// Policies that the fleet has not heard of, as of the last sign of life.
    pub fleet_outbox: Moment,
    /// What else was seen of the fleet.
    pub fleet_board: Board,

    // ---- the store and the house ----------------------------------------------------------------------------------
    /// The store could not do what it was asked.
    pub store_troubles: Counter,
    /// Panics that were caught, by thread.
    pub panics: By<Thread, Counter>,
    /// SIGHUP, by what came of it.
    pub reloads: By<ReloadEnd, Counter>,
    /// When the configuration in use was read.
    pub loaded: Moment,
}

impl Counters {
    /// Takes down an answer that leaves.
    pub fn answered(&self, to: Mta, verdict: Verdict, reason: Reason, from: Source, after: Duration) {
        self.answers.of(to).of(verdict).one();
        self.reasons.of(reason).one();
        self.latency.of(from).observe(after);
    }

    /// Takes down what a look-up asked, and what it heard. A DNS result that took no time was remembered, not asked for; a
    /// fetch never is.
    pub fn looked_up(&self, report: &Report) {
        for heard in &report.evidence {
            self.dns_questions.add(u64::try_from(heard.queries).unwrap_or(u64::MAX));
            let answer = self.dns_answers.named(heard.class).filter(|_| heard.elapsed.is_some());
            if let Some(counter) = answer.or_else(|| self.fetches.named(heard.class)) {
                counter.one();
            }
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number of things that are there now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One is there until the guard is dropped, also by a panic or by a task that is given up.
    #[must_use]
    pub fn held(&self) -> Held<'_> {
        self.up();
        Held(self)
    }

    /// One more is there; for those who cannot keep the guard of [`Gauge::held`].
    pub fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One has gone.
    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// So many are there, as somebody has counted.
    pub fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One of the things that a [`Gauge`] counts.
#[derive(Debug)]
pub struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}

/// When something happened last.
#[derive(Debug, Default)]
pub struct Moment(AtomicU64);

impl Moment {
    /// It happened then.
    pub fn set(&self, moment: UnixTime) {
        self.0.store(moment.0, Relaxed);
    }

    /// When that was; the beginning of time if never.
    #[must_use]
    pub fn get(&self) -> UnixTime {
        UnixTime(self.0.load(Relaxed))
    }
}

/// Durations in classes, as Prometheus wants them.
#[derive(Debug, Default)]
pub struct Histogram {
    classes: [Counter; LATENCIES.len()],
    longer: Counter,
    microseconds: Counter,
}

/// The upper ends of the classes: from a warm answer within the process to the longest deadline that can be configured.
pub const LATENCIES: [Duration; 15] = [
    Duration::from_micros(10),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(2_500),
    Duration::from_millis(5_000),
];

impl Histogram {
    /// Takes down one.
    pub fn observe(&self, duration: Duration) {
        let class = self.classes.iter().zip(&LATENCIES).find(|(_, end)| duration <= **end);
        class.map_or(&self.longer, |(counter, _)| counter).one();
        self.microseconds.add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many were no longer than the end of each class, those of the classes below it included; and how many there were.
    #[must_use]
    pub fn cumulated(&self) -> ([(Duration, u64); LATENCIES.len()], u64) {
        let (mut sum, mut classes) = (0, LATENCIES.map(|end| (end, 0)));
        for ((_, number), counter) in classes.iter_mut().zip(&self.classes) {
            sum += counter.get();
            *number = sum;
        }
        (classes, sum + self.longer.get())
    }

    /// The sum of all.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.microseconds.get())
    }

    /// The end of the class within which at least `hundredths` of a hundred were; `None` if there were none, or if it has
    /// no end.
    #[must_use]
    pub fn within(&self, hundredths: u64) -> Option<Duration> {
        let (classes, all) = self.cumulated();
        let is_enough = |number: u64| all > 0 && number.saturating_mul(100) >= all.saturating_mul(hundredths);
        classes.into_iter().find(|(_, number)| is_enough(*number)).map(|(end, _)| end)
    }
}

/// A closed list of words by which something is told apart.
pub trait Closed: Copy + PartialEq + 'static {
    /// The label that carries the word in a series.
    const LABEL: &'static str;
    /// All of them.
    const ALL: &'static [Self];

    /// The word.
    fn word(self) -> &'static str;
}

/// One of `T` for each word of a closed list.
#[derive(Debug)]
pub struct By<K, T> {
    each: Box<[(K, T)]>,
    /// Where a word is counted that its list forgot: no page shows it, and nobody panics.
    other: T,
}

impl<K: Closed, T: Default> Default for By<K, T> {
    fn default() -> Self {
        Self { each: K::ALL.iter().map(|key| (*key, T::default())).collect(), other: T::default() }
    }
}

impl<K: Closed, T> By<K, T> {
    /// The one of that word.
    pub fn of(&self, key: K) -> &T {
        self.each.iter().find(|(one, _)| *one == key).map_or(&self.other, |(_, value)| value)
    }

    /// The one of the word as it is spelt, if there is one.
    fn named(&self, word: &str) -> Option<&T> {
        self.each.iter().find(|(one, _)| one.word() == word).map(|(_, value)| value)
    }

    /// All of them, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.each.iter().map(|(key, value)| (*key, value))
    }
}

/// Has words of a list carried by a label: `Name "label"`.
macro_rules! labelled {
    ($($name:ident $label:literal),+ $(,)?) => {$(
        impl Closed for $name {
            const LABEL: &'static str = $label;
            const ALL: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                Self::word(self)
            }
        }
    )+};
}

/// Declares lists that nobody but the counters needs: `Name "label" { /// what it is Variant "word" }`.
macro_rules! closed {
    ($($(#[$about:meta])* $name:ident $label:literal { $($(#[$what:meta])* $variant:ident $word:literal,)+ })+) => {$(
        words! {
            $(#[$about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $name { $($(#[$what])* $variant = $word,)+ }
        }

        labelled! { $name $label }
    )+};
}

closed! {
    /// What is spoken on a socket.
    Protocol "protocol" {
        /// `${readsocket}`.
        Exim "exim",
        /// socketmap.
        Postfix "postfix",
        /// The pages.
        Http "http",
    }

    /// Who asks for verdicts.
    Mta "protocol" {
        /// `${readsocket}`.
        Exim "exim",
        /// socketmap.
        Postfix "postfix",
    }

    /// Where an answer came from.
    Source "source" {
        /// It was there already, in this process's memory.
        Warm "warm",
        /// A look-up was made for it.
        LookUp "look-up",
        /// Somebody else's look-up was under way, and its result was shared.
        Shared "shared",
        /// The daemon's own deadline came first.
        Deadline "deadline",
        /// The question said it all: it was none, or about an address.
        Question "question",
    }

    /// Why a connection was ended by us.
    Cutting "why" {
        /// There was no room for one more.
        Refused "refused",
        /// It was idle, and its place was needed.
        Evicted "evicted",
        /// It waited for an answer longest of all of a peer that has more connections than others, and its place was needed.
        Displaced "displaced",
        /// A request did not become whole in time.
        SlowRequest "slow-request",
        /// The peer does not take its answers.
        SlowReader "slow-reader",
        /// What came is not the protocol.
        Broken "broken",
    }

    /// How a look-up ended.
    LookUpEnd "end" {
        /// With a verdict.
        Completed "completed",
        /// At its own deadline.
        Deadline "deadline",
        /// The code failed; the mail of those who asked waits.
        Panicked "panicked",
    }

    /// What became of a look-up for which there was no room.
    Overload "why" {
        /// It gave up its seat for another owner or asker, and waits again.
        Displaced "displaced",
        /// It had not begun when nobody asked for it any more.
        Unbegun "unbegun",
        /// So many were on their way that it was not taken in.
        Refused "refused",
    }

    /// How the renewal of a policy ended.
    RenewalEnd "end" {
        /// There is a policy with a later end.
        Renewed "renewed",
        /// The one that there was stays until its end.
        Failed "failed",
    }

    /// What became of an event.
    EventFate "fate" {
        /// It is kept for the reports.
        Kept "kept",
        /// It could be read, and could not be kept.
        Lost "lost",
        /// It could not be read.
        Unreadable "unreadable",
    }

    /// What became of a datagram of libtlsrpt.
    DatagramFate "fate" {
        /// It is kept for the reports.
        Kept "kept",
        /// It tells of a session that is not reported: an override decided, or the fault was ours.
        Unreported "unreported",
        /// It was received, and there was no room for it.
        Lost "lost",
        /// It could not be read.
        Unreadable "unreadable",
    }

    /// What came of a reload.
    ReloadEnd "end" {
        /// The new configuration is in use.
        Loaded "loaded",
        /// It cannot be used, and the old one stays.
        Kept "kept-old",
    }

    /// A thread of the daemon.
    Thread "thread" {
        /// Sockets and codecs.
        Front "front",
        /// DNS, HTTPS, validation.
        LookupWorker "lookup-worker",
        /// SQLite.
        Store "store",
    }
}

impl Mta {
    /// What it speaks.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Exim => Protocol::Exim,
            Self::Postfix => Protocol::Postfix,
        }
    }
}

labelled! {
    Verdict "verdict",
    Reason "reason",
    Class "class",
    Page "page",
    Refusal "why",
    Ending "end",
}

#[cfg(test)]
mod tests;
