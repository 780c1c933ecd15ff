//! The daemon's part in a fleet: one thread, one connection. It offers what this host has fetched, reads what others have, and obeys decrees. Nothing waits
//! for it: whatever becomes of the database, look-ups and answers go on as without one.

use super::decrees::{end_purges, read_into_force};
use super::overview::override_seen;
use super::pace::{Course, HeldUp, Marks, Pace, Patience, Recent, scattered};
use crate::cache::{Cache, CacheError, Fingerprint, Mark, OutboxMark, Reading, Standing as Worth, Weighed};
use crate::config::Fleet;
use crate::fleet::{Connection, Keys, Trouble};
use crate::limits::{
    FLEET_BATCHES, FLEET_CONNECT_DEADLINE, FLEET_HEARTBEAT, FLEET_OUTBOX_PAUSE, FLEET_POLL, FLEET_READ_AGAIN,
    FLEET_RETRY_MOST, FLEET_SLOW_AT_MOST, FLEET_WEIGHED_APART, FLEET_WEIGHED_AT_ONCE, WATCHDOG_GRACE,
};
use crate::name::PolicyDomain;
use crate::policy::StoredPolicy;
use crate::resources;
use crate::serve::event::WorkerEvent;
use crate::serve::store::{Gone, Store};
use crate::serve::telemetry::counters::Counters;
use crate::serve::telemetry::fleet::FleetOutcome;
use crate::serve::telemetry::fleet_view::FleetView;
use crate::serve::world::World;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::WeakUnboundedSender;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

/// What the thread needs of the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) store: Store,
    pub(crate) events: WeakUnboundedSender<WorkerEvent>,
    pub(crate) worlds: watch::Receiver<Arc<World>>,
    pub(crate) counters: Arc<Counters>,
}

/// Starts the thread; it ends with the daemon.
///
/// # Errors
/// If the system has no thread or descriptor left.
pub(crate) fn start(feed: Feed) -> io::Result<()> {
    feed.counters.fleet_joined.set(SystemClock.now());
    resources::begin("fleet", move |runtime| {
        runtime.block_on(async move {
            loop {
                // Nothing of it is needed by anybody: after a mistake of ours it begins anew.
                match AssertUnwindSafe(keep_up(feed.clone())).catch_unwind().await {
                    Ok(()) => return,
                    Err(_) => sleep(FLEET_RETRY_MOST).await,
                }
            }
        });
    })?;
    Ok(())
}

/// Why a session ended.
pub(super) enum End {
    /// The configuration was read again.
    Renewed,
    /// The daemon has gone.
    Gone,
    Trouble(Trouble),
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

async fn keep_up(mut feed: Feed) {
    let mut patience = Patience::default();
    let (mut recent, mut pace, mut later) = (Recent::default(), Pace::default(), VecDeque::new());
    let mut marks = Marks::default();
    loop {
        let world = Arc::clone(&feed.worlds.borrow_and_update());
        let end = match &world.fleet {
            None => {
                feed.counters.fleet_joined.set(UnixTime(0));
                feed.counters.fleet_board.clear();
                match feed.worlds.changed().await {
                    Ok(()) => End::Renewed,
                    Err(_) => End::Gone,
                }
            }
            Some(fleet) => {
                // What somebody was killed in the middle of needs no database.
                if matches!(end_purges(&feed, &world).await, Err(End::Gone)) {
                    return;
                }
                let overrides = world.rules.decreed.in_force(SystemClock.now()).map(override_seen).collect();
                feed.counters.fleet_board.pin_overrides(overrides);
                if feed.counters.fleet_joined.get() == UnixTime(0) {
                    feed.counters.fleet_joined.set(SystemClock.now());
                }
                let kept = (&mut recent, &mut pace, &mut later, &mut marks);
                match session(&mut feed, &world, fleet, &mut patience, kept).await {
                    Err(end) => end,
                    Ok(never) => match never {},
                }
            }
        };
        feed.counters.fleet_connected.set(UnixTime(0));
        let pause = match end {
            End::Gone => return,
            End::Renewed => continue,
            End::Trouble(trouble) => {
                feed.counters.fleet.of(FleetOutcome::of_trouble(trouble.word())).one();
                feed.counters.fleet_board.warn(SystemClock.now(), trouble.to_string());
                patience.after(trouble)
            }
        };
        let ends = Instant::now() + pause;
        if world.fleet.is_some() && matches!(end_purges(&feed, &world).await, Err(End::Gone)) {
            return;
        }
        if world.rules.decreed.is_unread() && matches!(read_into_force(&feed, &world).await, Err(End::Gone)) {
            return;
        }
        loop {
            forget_later(&feed, &mut later);
            let now = Instant::now();
            let next = later.front().map_or(ends, |(at, _)| *at).min(ends);
            let pause = next.saturating_duration_since(now);
            match select(pin!(sleep(pause)), pin!(feed.worlds.changed())).await {
                Either::Right((Err(_), _)) => return,
                Either::Right((Ok(()), _)) => break,
                Either::Left(_) if next >= ends => break,
                Either::Left(_) => {}
            }
        }
    }
}

/// One connection, for as long as it lasts.
pub(super) struct Session<'a> {
    pub(super) feed: &'a Feed,
    pub(super) world: &'a Arc<World>,
    pub(super) role: &'a str,
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    pub(super) store: String,
    pub(super) here: Fingerprint,
    pub(super) reading: Reading,
    pace: &'a mut Pace,
    marks: &'a mut Marks,
    /// How the changes are read on this connection.
    course: Course,
    /// Where the walk through all that this host has stands, while there is one.
    walk: Option<Mark>,
    pub(super) last_decree: u64,
    /// The last decree of which was told that it was issued in the future.
    pub(super) not_yet: u64,
    /// Overrides by decree could not be read: those that count go on counting until they can.
    pub(super) owes_overrides: bool,
    /// The version of the store's schema.
    pub(super) schema: i32,
    /// When the fleet as a whole was looked at last, and what was seen.
    pub(super) looked_at: Option<Instant>,
    pub(super) overview: FleetView,
    later: &'a mut Later,
    held_up: HeldUp,
}

/// Domains whose answers are forgotten once more, when whoever looked them up before the change has ended; whatever becomes of the connection meanwhile.
type Later = VecDeque<(Instant, PolicyDomain)>;

/// Answers about a domain may be others now.
pub(super) fn changed(feed: &Feed, domain: &PolicyDomain) {
    if let Some(events) = feed.events.upgrade() {
        let _ = events.send(WorkerEvent::DomainChanged(domain.clone()));
    }
}

fn forget_later(feed: &Feed, later: &mut Later) {
    while later.front().is_some_and(|(at, _)| *at <= Instant::now()) {
        if let Some((_, domain)) = later.pop_front() {
            changed(feed, &domain);
        }
    }
}

async fn session(
    feed: &mut Feed,
    world: &Arc<World>,
    fleet: &Fleet,
    patience: &mut Patience,
    (recent, pace, later, marks): (&mut Recent, &mut Pace, &mut Later, &mut Marks),
) -> Result<std::convert::Infallible, End> {
    let keys = Keys::of(fleet)?;
    let dns = world.dns.resolver(SystemClock.now(), Instant::now() + FLEET_CONNECT_DEADLINE);
    let connection = Connection::open(fleet, &dns).await?;
    let standing = connection.standing().await?;
    connection.bound().await;
    connection.listen().await;
    let store = standing.id.clone();
    let id = store.clone();
    let reading = asked(feed, world, move |cache| cache.reading(&id)).await?.unwrap_or_default();
    // One that has gone back in time has lost what this host read there, and perhaps what it offered.
    let reading = if standing.change < reading.change { Reading::default() } else { reading };
    marks.begin(&store, reading.change);
    feed.counters.fleet_connected.set(SystemClock.now());
    // A configuration that was read while this host connected is news.
    let worlds = feed.worlds.clone();
    let mut session = Session {
        here: world.storage.circumstances.of_policies(),
        feed,
        world,
        role: &fleet.role,
        connection,
        keys,
        store,
        reading,
        pace,
        marks,
        course: Course::new(),
        walk: (!reading.has_offered_all).then(Mark::default),
        last_decree: 0,
        not_yet: 0,
        owes_overrides: world.rules.decreed.is_unread(),
        schema: standing.version,
        looked_at: None,
        overview: FleetView::default(),
        later,
        held_up: HeldUp::default(),
    };
    // What was purged is not offered again.
    session.obey(recent).await?;
    let again = recent.take();
    if recent.owes_all() {
        session.walk = Some(Mark::default());
    }
    session.offer_for_good(&again, recent).await.inspect_err(|_| recent.was_lost())?;
    // Where the configuration was read while a decree was obeyed.
    session.put_overrides_into_force().await?;
    let (mut polled_at, mut seen_at, mut again_at) = (None::<Instant>, None::<Instant>, None::<Instant>);
    let (mut poll_after, mut slow, mut is_woken) = (Duration::ZERO, 0, true);
    loop {
        let done = async {
            if is_woken || polled_at.is_none_or(|at| at.elapsed() >= poll_after) {
                (polled_at, poll_after) = (Some(Instant::now()), scattered(FLEET_POLL));
                // Into a damaged file no decree is taken.
                if session.owes_overrides || session.are_decrees_damaged().await? {
                    session.put_overrides_into_force().await?;
                }
                session.obey(recent).await?;
                end_purges(session.feed, session.world).await?;
                if session.read().await? {
                    // What this host has learnt goes out in between.
                    poll_after = Duration::ZERO;
                }
            }
            // On a new connection at once, behind what is new: it may be to another server.
            if again_at.is_none_or(|at| at.elapsed() >= FLEET_READ_AGAIN)
                && session.course.begins_again(session.marks, session.reading.change)
            {
                again_at = Some(Instant::now());
            }
            session.empty_the_outbox(recent).await?;
            session.walk_on(recent).await?;
            if seen_at.is_none_or(|at| at.elapsed() >= FLEET_HEARTBEAT) {
                seen_at = Some(Instant::now());
                session.show_itself().await?;
            }
            forget_later(session.feed, session.later);
            Ok::<(), End>(())
        };
        match done.await {
            Ok(()) => {
                slow = 0;
                patience.is_rewarded(&session.store);
            }
            Err(End::Trouble(Trouble::Slow)) if slow + 1 < FLEET_SLOW_AT_MOST => slow += 1,
            Err(end) => return Err(end),
        }
        // Junk wake-ups cost no more than this.
        sleep(FLEET_OUTBOX_PAUSE).await;
        is_woken = session.connection.woken.notified().now_or_never().is_some();
        if worlds.has_changed().map_err(|_| End::Gone)? {
            return Err(End::Renewed);
        }
    }
}

/// Has something done with the cache.
pub(super) async fn asked<T: Send + 'static>(
    feed: &Feed,
    world: &Arc<World>,
    errand: impl FnOnce(&Cache) -> Result<T, CacheError> + Send + 'static,
) -> Result<Option<T>, End> {
    let done = feed.store.ask(world, errand).await?;
    if done.is_err() {
        // The store tells what is wrong with the files.
        feed.counters.store_troubles.one();
    }
    Ok(done.ok())
}

impl Session<'_> {
    /// Reads some of what others have learnt since, and weighs it; whether there is more.
    async fn read(&mut self) -> Result<bool, End> {
        let Some((_, is_more)) = self.read_page(self.reading.change).await? else { return Ok(false) };
        self.course.has_read(self.marks, self.reading.change, is_more);
        if let Some(again) = self.course.again() {
            let Some((last, is_more)) = self.read_page(again).await? else { return Ok(false) };
            self.course.has_read_again(last, is_more, self.reading.change);
        }
        Ok(self.course.is_more())
    }

    /// Reads the changes behind that one, a page of them, and weighs them: the last of them, and whether there are more. `None` if they could not be
    /// written down.
    async fn read_page(&mut self, after: u64) -> Result<Option<(Option<u64>, bool)>, End> {
        let witnesses = (&self.keys.witnesses, self.role);
        let page = self.connection.changes(after, self.pace.page, &self.store, self.here, witnesses).await;
        let page = page.inspect_err(|_| self.pace.could_not_read())?;
        self.feed.counters.fleet.of(FleetOutcome::Refused).add(page.refused);
        let is_more = page.rows >= self.pace.page;
        self.pace.has_read();
        if let Some(last) = page.last {
            let mut chunks: Vec<Vec<_>> =
                page.heard.chunks(FLEET_WEIGHED_AT_ONCE).map(<[_]>::to_vec).collect();
            let final_chunk = chunks.pop().unwrap_or_default();
            for chunk in chunks {
                let reading = self.reading;
                self.weigh(chunk, reading).await?;
                sleep(FLEET_WEIGHED_APART).await;
            }
            let reading = Reading { change: last.max(self.reading.change), ..self.reading };
            if !self.weigh(final_chunk, reading).await? {
                return Ok(None);
            }
            self.reading = reading;
        }
        Ok(Some((page.last, is_more)))
    }

    /// Whether it was written down.
    async fn weigh(&mut self, heard: Vec<crate::cache::Heard>, reading: Reading) -> Result<bool, End> {
        let store = self.store.clone();
        let weighed = asked(self.feed, self.world, move |cache| cache.hear(&heard, &store, reading)).await?;
        let Some(Weighed { changed, bound, provisional, ignored }) = weighed else { return Ok(false) };
        let counters = &self.feed.counters.fleet;
        counters.of(FleetOutcome::Bound).add(bound);
        counters.of(FleetOutcome::Provisional).add(provisional);
        for why in ignored {
            counters.of(FleetOutcome::of_standing(Worth::Ignored(why))).one();
        }
        for domain in changed {
            self.forget(domain);
        }
        Ok(true)
    }

    /// Has the answers about a domain forgotten, now and when whoever looks it up now has ended.
    pub(super) fn forget(&mut self, domain: PolicyDomain) {
        changed(self.feed, &domain);
        self.later.push_back((Instant::now() + self.world.look_up_within + WATCHDOG_GRACE, domain));
    }

    /// Offers some of what this host has learnt: so much that the rest of a session is not kept waiting.
    async fn empty_the_outbox(&mut self, recent: &mut Recent) -> Result<(), End> {
        if self.held_up.rests() {
            return Ok(());
        }
        for _ in 0..FLEET_BATCHES {
            let (most, mark) = (self.pace.batch, self.held_up.mark.clone());
            let offers = asked(self.feed, self.world, move |cache| cache.to_offer_behind(&mark, most));
            let Some(offers) = offers.await? else { return Ok(()) };
            let Some(next) = offers.next() else {
                self.held_up.mark = OutboxMark::default();
                return Ok(());
            };
            let held_up = self.held_up.of(&offers.policies);
            let offers = offers.without(&held_up);
            let mut busy = Vec::new();
            if !offers.policies.is_empty() {
                busy = self.offer(&offers.policies, recent).await?;
            }
            self.held_up.add(&busy);
            let offers = offers.without(&busy);
            if !offers.is_empty()
                && asked(self.feed, self.world, move |cache| cache.offered(&offers)).await?.is_none()
            {
                return Ok(());
            }
            self.held_up.mark = next;
            self.pace.has_offered();
        }
        Ok(())
    }

    /// Offers these, so many at once as the database takes in time. Those whose rows somebody has locked.
    async fn offer(
        &mut self,
        policies: &[StoredPolicy],
        recent: &mut Recent,
    ) -> Result<Vec<StoredPolicy>, End> {
        let mut busy = Vec::new();
        for batch in policies.chunks(self.pace.batch) {
            busy.append(&mut self.offer_at_once(batch, recent).await?);
        }
        Ok(busy)
    }

    /// The same of what is not in the outbox: what is held up goes there.
    async fn offer_for_good(&mut self, policies: &[StoredPolicy], recent: &mut Recent) -> Result<(), End> {
        let busy = self.offer(policies, recent).await?;
        if !busy.is_empty() {
            self.held_up.add(&busy);
            asked(self.feed, self.world, move |cache| cache.offer_again(&busy)).await?;
        }
        Ok(())
    }

    async fn offer_at_once(
        &mut self,
        policies: &[StoredPolicy],
        recent: &mut Recent,
    ) -> Result<Vec<StoredPolicy>, End> {
        let outcomes = self.connection.offer(policies, self.here, &self.keys, &self.store).await;
        if outcomes == Err(Trouble::Slow) {
            self.pace.could_not_offer();
        }
        let outcomes = outcomes?;
        for outcome in &outcomes {
            self.feed.counters.fleet.of(FleetOutcome::of_offer(outcome)).one();
        }
        if outcomes.iter().any(|outcome| outcome == "future") {
            warn!(
                "the clock of this host is ahead of the fleet's database: what it fetches is refused there; look at both clocks"
            );
        }
        let is_busy = |at: usize| outcomes.get(at).is_some_and(|outcome| outcome == "busy");
        let (busy, taken): (Vec<_>, Vec<_>) =
            policies.iter().cloned().enumerate().partition(|(at, _)| is_busy(*at));
        recent.add(taken.into_iter().map(|(_, policy)| policy).collect());
        Ok(busy.into_iter().map(|(_, policy)| policy).collect())
    }

    /// Offers some more of all that this host has, to a store that has not heard it.
    async fn walk_on(&mut self, recent: &mut Recent) -> Result<(), End> {
        let Some(mark) = self.walk.take() else { return Ok(()) };
        let (from, store) = (mark.clone(), self.store.clone());
        let page = asked(self.feed, self.world, move |cache| {
            let (policies, next) = cache.some(&from)?;
            Ok((cache.own(policies), next))
        });
        self.walk = Some(mark);
        let Some((policies, next)) = page.await? else { return Ok(()) };
        if !policies.is_empty() {
            self.offer_for_good(&policies, recent).await?;
        }
        self.walk = next;
        if self.walk.is_none() {
            recent.has_offered_all();
            self.reading.has_offered_all = true;
            let reading = self.reading;
            asked(self.feed, self.world, move |cache| cache.hear(&[], &store, reading)).await?;
        }
        Ok(())
    }
}
