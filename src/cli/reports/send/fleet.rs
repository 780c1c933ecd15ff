//! A host's part in the reports of its fleet: it hands in what it counted, claims reports, and says what became of them (`src/fleet/reports.sql`).
//!
//! What the database has acknowledged is the fleet's, and this host never tells it alone; what it could not hand in until noon of the next day it tells
//! alone, and never hands in. So no session is told twice, whoever is killed.

use super::summary::say;
use crate::cache::{Counts, Origin, Outbox};
use crate::cli::failure::Failure;
use crate::cli::reports::outside::Outside;
use crate::config::Fleet;
use crate::fleet::{Claim, Claims, Connection, Failed, Trouble};
use crate::limits::{
    FLEET_ALONE_AFTER, FLEET_CONNECT_DEADLINE, FLEET_SHEET_OCTETS_AT_ONCE, FLEET_SHEETS_AT_ONCE,
    REPORTS_KEPT_DAYS, REPORTS_SENT_DAYS,
};
use crate::name::PolicyDomain;
use crate::reporting::outbox::OutboxEntry;
use crate::reporting::schedule::end;
use crate::reports::document::mark;
use crate::reports::sheet;
use crate::reports::tally::{Day, Row};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::collections::BTreeSet;
use std::time::Instant;

/// What is said of a report that this host sends no longer, as long as it does not come back.
const TAKEN_OVER: &str = "another host of the fleet has taken it over";

/// The fleet of this host, for one run.
pub(super) struct Part<'a> {
    outside: &'a Outside,
    fleet: Fleet,
    /// The connection, and the id of what is there; or why there is none.
    connected: Result<(Connection, String), Trouble>,
    /// What this host owns there.
    claims: BTreeSet<(Day, PolicyDomain, u8)>,
    is_more: bool,
    /// What became of reports, and was not told yet.
    over: Vec<(Claim, &'static str, String)>,
}

/// Whose report an entry of the outbox is.
pub(super) enum Whose {
    /// This host's own.
    Own,
    /// The fleet's, and this host sends it.
    Fleets(Claim),
    /// The fleet's, and nobody can tell now who sends it.
    Waits(String),
    /// Nobody's whom this host still sends for, and why.
    Nobodys(&'static str),
}

impl<'a> Part<'a> {
    /// Connects, if this host has a fleet.
    pub(super) async fn of(outside: &'a Outside) -> Result<Option<Self>, Failure> {
        let Some(fleet) = outside.setup.choices().fleet.clone() else { return Ok(None) };
        let dns = outside.setup.dns()?.resolver(SystemClock.now(), Instant::now() + FLEET_CONNECT_DEADLINE);
        let connected = async {
            let connection = Connection::open(&fleet, &dns).await?;
            let store = connection.standing().await?.id;
            connection.bound().await;
            Ok((connection, store))
        };
        let connected = connected.await;
        if let Err(trouble) = &connected {
            say(&format!("the fleet's database cannot be used: {trouble}"));
        }
        let (claims, over) = (BTreeSet::new(), Vec::new());
        Ok(Some(Self { outside, fleet, connected, claims, is_more: false, over }))
    }

    /// Hands in what was counted on days that are over; those domains of each that this host tells of alone.
    pub(super) async fn hand_in(
        &mut self,
        outbox: &Outbox,
        counts: &Counts,
        days: &[Day],
    ) -> Result<Vec<(Day, Vec<PolicyDomain>)>, Failure> {
        let sends = self.outside.reporting.send;
        self.attempt(async |connection, _| connection.reports_here(sends).await).await;
        let mut alone = Vec::new();
        for day in days {
            let waiting = self.of_day(outbox, counts, *day).await?;
            if waiting.is_empty() {
                continue;
            }
            let (number, from) = (waiting.len(), end(*day).plus(FLEET_ALONE_AFTER));
            if sends && SystemClock.now() >= from {
                say(&format!(
                    "{day}: the counts of {number} domains could not be handed in to the fleet until {from}, and are told by this host alone"
                ));
                alone.push((*day, waiting));
            } else {
                say(&format!(
                    "{day}: the counts of {number} domains wait for the fleet's database until {from}"
                ));
            }
        }
        self.tell_what_is_too_late(outbox, counts, days)?;
        Ok(alone)
    }

    /// Hands in one day; what of it could not be.
    async fn of_day(
        &mut self,
        outbox: &Outbox,
        counts: &Counts,
        day: Day,
    ) -> Result<Vec<PolicyDomain>, Failure> {
        let mut handed = outbox.handed_in(day)?;
        let unknown = outbox.handed_in_perhaps(day)?;
        let begun = outbox.begun_alone(day)?;
        let mut left: Vec<PolicyDomain> = counts.domains(day)?;
        left.retain(|domain| !handed.contains(domain.as_str()) && !begun.contains(domain.as_str()));
        let (mut batch, mut octets) = (Vec::new(), 0_usize);
        let mut lost = 0_u64;
        for domain in &left {
            if self.connected.is_err() {
                break;
            }
            let sheet = sheet::write(&counts.of_domain(day, domain)?);
            octets = octets.saturating_add(sheet.len());
            batch.push((domain.clone(), sheet));
            if batch.len() >= FLEET_SHEETS_AT_ONCE || octets >= FLEET_SHEET_OCTETS_AT_ONCE {
                let sheets = std::mem::take(&mut batch);
                lost += self.hand_in_at_once(outbox, day, sheets, (&mut handed, &unknown)).await?;
                octets = 0;
            }
        }
        if !batch.is_empty() {
            lost += self.hand_in_at_once(outbox, day, batch, (&mut handed, &unknown)).await?;
        }
        if lost > 0 {
            say(&format!(
                "{day}: the fleet's database does not take what was counted of {lost} domains: it has had too much of this host, or too late"
            ));
        }
        left.retain(|domain| !handed.contains(domain.as_str()));
        if self.connected.is_err() {
            // Some of them the database may have, in this run or one before.
            let unknown: BTreeSet<String> =
                unknown.into_iter().chain(outbox.handed_in_perhaps(day)?).collect();
            let before = left.len();
            left.retain(|domain| !unknown.contains(domain.as_str()));
            let perhaps = before.saturating_sub(left.len());
            if perhaps > 0 {
                say(&format!(
                    "{day}: the counts of {perhaps} domains were handed in, and the fleet's database has not said whether it has them: they wait for it, and \
                     are not told by this host alone"
                ));
            }
            return Ok(left);
        }
        if left.is_empty()
            && let Some(store) = self
                .attempt(async |connection, store| {
                    connection.handed_all(day).await?;
                    Ok(store.to_owned())
                })
                .await
            && !handed.contains("")
        {
            outbox.hand_in(&store, day, std::iter::once(""))?;
        }
        Ok(left)
    }

    /// Hands in some sheets, and notes which are there; how many were not taken. Where the database refuses them all, it has only what it may have had before.
    async fn hand_in_at_once(
        &mut self,
        outbox: &Outbox,
        day: Day,
        sheets: Vec<(PolicyDomain, String)>,
        (handed, unknown): (&mut BTreeSet<String>, &BTreeSet<String>),
    ) -> Result<u64, Failure> {
        let Ok((connection, store)) = &self.connected else { return Ok(0) };
        if connection.has_ended() {
            self.cannot_be_used(Trouble::Away("the connection was closed".to_owned()));
            return Ok(0);
        }
        // From here on nobody knows, until the database says so.
        outbox.hand_in_perhaps(store, day, sheets.iter().map(|(domain, _)| domain.as_str()))?;
        let (outcomes, store) = match connection.hand_in(day, &sheets).await {
            Ok(outcomes) => (outcomes, store.clone()),
            Err(failed) => {
                if matches!(failed, Failed::Refused(_)) {
                    let new = sheets.iter().map(|(domain, _)| domain.as_str());
                    outbox.not_handed_in(day, new.filter(|domain| !unknown.contains(*domain)))?;
                }
                self.cannot_be_used(failed.into());
                return Ok(0);
            }
        };
        let of = |is_there: bool| {
            let told = sheets.iter().zip(&outcomes);
            let is_so =
                move |outcome: &str| matches!(outcome, "stored" | "same") == is_there && outcome != "early";
            told.filter(move |(_, outcome)| is_so(outcome)).map(|((domain, _), _)| domain.as_str())
        };
        // What is not taken is as good as handed in: it is not told by this host alone, either.
        let all: Vec<&str> = of(true).chain(of(false)).collect();
        outbox.hand_in(&store, day, all.iter().copied())?;
        let is_early = |(_, outcome): &(&(PolicyDomain, String), &String)| outcome.as_str() == "early";
        let early = sheets.iter().zip(&outcomes).filter(is_early).map(|((domain, _), _)| domain.as_str());
        outbox.not_handed_in(day, early)?;
        handed.extend(all.iter().map(|name| (*name).to_owned()));
        Ok(u64::try_from(of(false).count()).unwrap_or(u64::MAX))
    }

    /// Tells once which counts nobody is told, because they are too old.
    fn tell_what_is_too_late(&self, outbox: &Outbox, counts: &Counts, days: &[Day]) -> Result<(), Failure> {
        let today = Day::of(SystemClock.now());
        let (Ok((_, store)), Some(joined), false) = (&self.connected, outbox.joined()?, days.is_empty())
        else {
            return Ok(());
        };
        for before in REPORTS_SENT_DAYS.saturating_add(1)..=REPORTS_KEPT_DAYS {
            let day = today.before(before);
            let handed = outbox.handed_in(day)?;
            if day < joined || handed.contains("") {
                continue;
            }
            let begun = outbox.begun_alone(day)?;
            let mut late = counts.domains(day)?;
            late.retain(|domain| !handed.contains(domain.as_str()) && !begun.contains(domain.as_str()));
            if !late.is_empty() {
                let number = late.len();
                say(&format!(
                    "{day}: what was counted of {number} domains comes too late for the fleet, and is told to nobody"
                ));
            }
            outbox.hand_in(store, day, std::iter::once(""))?;
        }
        Ok(())
    }

    /// Claims reports, and takes them on; whether there is something new.
    pub(super) async fn claim(&mut self, outbox: &Outbox) -> Result<bool, Failure> {
        self.settle().await;
        let asking =
            async |connection: &Connection, store: &str| Ok((connection.claims().await?, store.to_owned()));
        let Some((claims, store)) = self.attempt(asking).await else { return Ok(false) };
        let known = outbox.origins()?;
        let mut new = Vec::new();
        self.is_more = claims.may_have_more();
        let Claims { reports: mut claims, about_nothing } = claims;
        if !about_nothing.is_empty() {
            say(&format!(
                "{} reports that other hosts caused are about no domain, and are nobody's",
                about_nothing.len()
            ));
            if let Ok((connection, _)) = &self.connected {
                let told = connection.settle_what_is_about_nothing(&about_nothing).await;
                self.is_settled(told);
            }
        }
        self.claims.clear();
        // A supplement has to wait for the report that it adds to.
        claims.sort_by_key(|claim| claim.part);
        for Claim { day, domain, part } in claims {
            let key = (day, domain);
            let origin = Origin { store: store.clone(), part };
            let entry = match known.get(&key) {
                Some(known) if *known == origin => outbox.entry(key.0, &key.1)?,
                _ => None,
            };
            // One that another host had taken over and that has come back is taken on anew.
            let entry = entry.filter(|entry| entry.words != TAKEN_OVER);
            match entry {
                // Whoever was killed before the fleet heard of it.
                Some(entry) if !entry.state.is_open() => {
                    self.is_over(&entry, part);
                    continue;
                }
                Some(_) => {}
                None => new.push((key.0, key.1.clone(), origin)),
            }
            self.claims.insert((key.0, key.1, part));
        }
        // What became of a report is known here until the fleet has heard it.
        self.settle().await;
        if self.connected.is_err() {
            return Ok(false);
        }
        Ok(outbox.take_on(&new, SystemClock.now())?.contains(&true))
    }

    /// Whether the database is there.
    pub(super) const fn is_connected(&self) -> bool {
        self.connected.is_ok()
    }

    /// Whether there may be more to be claimed.
    pub(super) const fn may_have_more(&self) -> bool {
        self.is_more
    }

    /// Whose report an entry is, of which the outbox knows that origin.
    pub(super) fn whose(&self, entry: &OutboxEntry, origin: Option<&Origin>) -> Whose {
        let Some(origin) = origin else { return Whose::Own };
        match &self.connected {
            Err(trouble) => Whose::Waits(format!("the fleet's database cannot be used: {trouble}")),
            Ok((_, store)) if *store != origin.store => {
                Whose::Nobodys("it is the report of another fleet than this host's")
            }
            Ok(_) if self.claims.contains(&(entry.day, entry.domain.clone(), origin.part)) => {
                let (day, domain, part) = (entry.day, entry.domain.clone(), origin.part);
                Whose::Fleets(Claim { day, domain, part })
            }
            Ok(_) => Whose::Nobodys(TAKEN_OVER),
        }
    }

    /// What all hosts counted that is told in a report; in the inner error why nobody can tell now.
    pub(super) async fn counted(&mut self, claim: &Claim) -> Result<Vec<(Row, u64)>, &'static str> {
        let asked = self.attempt(async |connection, _| connection.counted(claim).await).await;
        let counted = asked.ok_or("the fleet's database cannot be used")?;
        let (rows, unreadable) =
            counted.ok_or("the fleet's database has no counts of what this host has claimed")?;
        if unreadable > 0 {
            let Claim { day, domain, .. } = claim;
            say(&format!(
                "{day} {domain}: what {unreadable} hosts of the fleet say cannot be read, and is left out"
            ));
        }
        Ok(rows)
    }

    /// Notes that a report is over, for the others to know.
    pub(super) fn is_over(&mut self, entry: &OutboxEntry, part: u8) {
        let claim = Claim { day: entry.day, domain: entry.domain.clone(), part };
        self.over.push((claim, entry.state.word(), entry.words.clone()));
    }

    /// Tells the others what became of reports; if it cannot be told now, the next run does.
    pub(super) async fn settle(&mut self) {
        let over = std::mem::take(&mut self.over);
        if let Ok((connection, _)) = &self.connected
            && !over.is_empty()
        {
            let told = connection.settle(&over).await;
            self.is_settled(told);
        }
    }

    /// What came of telling what became of reports: where the database refuses it, this host claims and sends all the same.
    fn is_settled(&mut self, told: Result<(), Failed>) {
        match told {
            Ok(()) => {}
            Err(Failed::Refused(trouble)) => {
                say(&format!(
                    "the fleet's database does not take what became of reports, and is told in the next run: {trouble}"
                ));
            }
            Err(Failed::Unknown(trouble)) => self.cannot_be_used(trouble),
        }
    }

    /// Nothing more is done there in this run.
    fn cannot_be_used(&mut self, trouble: Trouble) {
        say(&format!("the fleet's database cannot be used: {trouble}"));
        self.connected = Err(trouble);
    }

    /// What tells a report of this host alone from those of the others, who have the same contact.
    pub(super) fn suffix(&self) -> String {
        format!("h{:08x}", mark(self.fleet.role.bytes()))
    }

    /// Does something there; after a failure nothing more is done there in this run.
    async fn attempt<T>(
        &mut self,
        asking: impl AsyncFnOnce(&Connection, &str) -> Result<T, Trouble>,
    ) -> Option<T> {
        let (connection, store) = self.connected.as_ref().ok()?;
        match asking(connection, store).await {
            Ok(done) => Some(done),
            Err(trouble) => {
                self.cannot_be_used(trouble);
                None
            }
        }
    }
}
