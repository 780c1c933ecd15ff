//! One run: which reports are due, what becomes of each of them, and what is written down before and after.
//!
//! One report is handed over at a time, so that a run that is killed has one in the air. A web server may take its time over that, and
//! many may: mail goes first, for all domains; then those web servers that have kept nobody waiting yet; and the more of them do,
//! the less time the next one gets ([`patience`]). Name servers that keep silent have the same said of them, and their owner's other
//! domains wait for another run.

use super::fleet::{Part, Whose};
use super::progress::{
    Report, Way, conclude, failing, later, new, open, over, put_off, tries_by_web, way_of,
};
use super::sendmail;
use super::summary::RunSummary;
use super::wanted::destinations;
use crate::cache::{Counts, Lesson, Origin, Outbox};
use crate::cli::failure::Failure;
use crate::cli::reports::outside::{Asker, Outside, Wish};
use crate::config::{Organization, Reporting};
use crate::https::{NotPosted, Poster};
use crate::limits::{
    MAX_OUTBOX_ROWS, MAX_REPORT_LOOK_UPS, MAX_SENT_REPORT_OCTETS, REPORT_RETRY_FIRST, REPORTS_RUN,
};
use crate::name::PolicyDomain;
use crate::reporting::destination::{Destination, MailAddress};
use crate::reporting::fate::{Fate, of_status};
use crate::reporting::message::{Content, MEDIA, Purpose, mail};
use crate::reporting::outbox::{Leg, Made, OutboxEntry, State, short};
use crate::reporting::schedule::{is_over, moment};
use crate::reporting::{bounce, package, patience};
use crate::reports::document::{Sender, document, told_apart};
use crate::reports::tally::{Day, Row};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// Reports whose records are asked for together, before any of them is handed over.
const TOGETHER: usize = 4 * MAX_REPORT_LOOK_UPS;

/// A web server that took so long before it failed is not asked again in this run.
const SLOW: Duration = Duration::from_secs(5);

/// One run.
pub(super) struct Round<'a> {
    reporting: &'a Reporting,
    organization: &'a Organization,
    contact: &'a MailAddress,
    counts: Counts,
    asker: &'a Asker,
    poster: Poster,
    told: RunSummary,
    began: Instant,
    /// Web servers that kept us waiting.
    slow: HashSet<String>,
    /// For so long, all of them that never answered.
    waited: Duration,
    /// The fleet, if this host has one.
    part: Option<Part<'a>>,
    /// Which reports of the outbox are a fleet's.
    origins: BTreeMap<(Day, PolicyDomain), Origin>,
}

impl<'a> Round<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(
        outside: &'a Outside,
        (organization, contact): &'a (Organization, MailAddress),
        asker: &'a Asker,
        part: Option<Part<'a>>,
    ) -> Self {
        Self {
            reporting: &outside.reporting,
            organization,
            contact,
            counts: outside.counts(),
            asker,
            poster: Poster::new(outside.setup.https()),
            told: RunSummary::default(),
            began: Instant::now(),
            slow: HashSet::new(),
            waited: Duration::ZERO,
            part,
            origins: BTreeMap::new(),
        }
    }

    /// What was told.
    pub(super) const fn told(&self) -> &RunSummary {
        &self.told
    }

    /// Whether there is a fleet whose database could not be used.
    pub(super) fn waits_for_the_fleet(&self) -> bool {
        self.part.as_ref().is_some_and(|part| !part.is_connected())
    }

    /// Says what would be sent of those days; nothing is changed.
    pub(super) async fn rehearse(&mut self, outbox: &Outbox, days: &[Day]) -> Result<(), Failure> {
        for day in days {
            for (domain, next) in self.moments(*day)? {
                let mut entry = match outbox.entry(*day, &domain)? {
                    Some(known) if !known.state.is_open() => continue,
                    Some(known) => known,
                    None => new(*day, domain, next),
                };
                let wish = self.asker.wish_of(&entry.domain).await;
                let is_wanted = match self.spared(&entry.domain) {
                    Some(why) => Err(why),
                    None => destinations(self.reporting.https, outbox, &mut entry, wish)?,
                };
                let report = match is_wanted {
                    Ok(_) => self.report(entry.day, &entry.domain)?,
                    Err(_) => Report::None(String::new()),
                };
                let (would, words) = match (is_wanted, report) {
                    (Ok(_), Report::Made(made)) => {
                        let keys: Vec<&str> = open(&entry).map(|leg| leg.key.as_str()).collect();
                        (true, format!("to {}, {} octets", keys.join(" and "), made.package.len()))
                    }
                    (Ok(_), Report::None(why)) => (false, why),
                    (Ok(_), Report::Unknown(_)) => (false, String::new()),
                    (Ok(_), Report::TooLarge(octets)) => (false, format!("it has {octets} octets")),
                    (Err(why), _) => (false, why),
                };
                entry.words = short(&words);
                self.told.rehearse(&entry, would);
            }
        }
        Ok(())
    }

    /// Sends what is due of those days.
    pub(super) async fn send(&mut self, outbox: &Outbox, days: &[Day]) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return Ok(()) };
        let today = Day::of(SystemClock.now());
        let alone = match &mut self.part {
            Some(part) => part.hand_in(outbox, &self.counts, days).await?,
            None => days
                .iter()
                .map(|day| Ok((*day, self.counts.domains(*day)?)))
                .collect::<Result<_, Failure>>()?,
        };
        for day in days {
            let domains = alone.iter().filter(|(one, _)| one == day).flat_map(|(_, domains)| domains);
            let moments: Vec<_> = domains.map(|domain| self.moment(*day, domain)).collect();
            outbox.plan(*day, today.before(self.reporting.days), &moments)?;
        }
        if let Some(part) = &mut self.part {
            part.claim(outbox).await?;
        }
        self.origins = outbox.origins()?;
        let (mut behind, mut by_web) = (None, Vec::new());
        loop {
            let after = behind.as_ref().map(|(next, day, domain)| (*next, *day, domain));
            let due = outbox.due(SystemClock.now(), (first, last), after)?;
            behind = due.last().map(|entry| (entry.next, entry.day, entry.domain.clone()));
            let due = self.mine(outbox, due)?;
            let mut due = due.into_iter();
            loop {
                let together: Vec<OutboxEntry> = due.by_ref().take(TOGETHER).collect();
                if together.is_empty() {
                    break;
                }
                let began = Instant::now();
                let wishes: Vec<Option<Wish>> = stream::iter(&together)
                    .map(|entry| self.wish(entry))
                    .buffered(MAX_REPORT_LOOK_UPS)
                    .collect()
                    .await;
                self.asker.took_together(began.elapsed());
                for (entry, wish) in together.into_iter().zip(wishes) {
                    if self.has_no_time().await {
                        return Ok(());
                    }
                    if let Some(Wish::Postponed(why)) = &wish
                        && !is_over(entry.day, SystemClock.now())
                    {
                        self.tell(&put_off(outbox, entry, why)?);
                        continue;
                    }
                    let entry = self.one(outbox, entry, wish).await?;
                    match tries_by_web(&entry) {
                        Some(tries) => by_web.push((tries, entry.day, entry.domain)),
                        None => self.tell(&entry),
                    }
                }
                if let Some(part) = &mut self.part {
                    part.settle().await;
                }
            }
            if behind.is_none() || by_web.len() >= usize::try_from(MAX_OUTBOX_ROWS).unwrap_or(usize::MAX) {
                by_web.sort_unstable();
                for (_, day, domain) in std::mem::take(&mut by_web) {
                    if self.has_no_time().await {
                        return Ok(());
                    }
                    self.by_web(outbox, day, &domain).await?;
                }
            }
            if behind.is_none() {
                let Some(part) = &mut self.part else { return Ok(()) };
                part.settle().await;
                if !part.may_have_more() || !part.claim(outbox).await? {
                    return Ok(());
                }
                self.origins = outbox.origins()?;
            }
        }
    }

    /// Whether there is no time to begin anything more.
    async fn has_no_time(&mut self) -> bool {
        let is_over = self.began.elapsed() > REPORTS_RUN;
        if is_over {
            self.told.leave_some();
            if let Some(part) = &mut self.part {
                part.settle().await;
            }
        }
        is_over
    }

    /// Tells how far a report is, and has the fleet hear of it where it is over.
    fn tell(&mut self, entry: &OutboxEntry) {
        self.told.tell(entry);
        let origin = self.origins.get(&(entry.day, entry.domain.clone()));
        if let (Some(part), Some(origin), false) = (&mut self.part, origin, entry.state.is_open()) {
            part.is_over(entry, origin.part);
        }
    }

    /// Hands a report that was claimed to the web servers that are to have it.
    async fn by_web(&mut self, outbox: &Outbox, day: Day, domain: &PolicyDomain) -> Result<(), Failure> {
        let entry = outbox.entry(day, domain)?.filter(|entry| entry.state.is_open());
        if let Some((entry, made)) = entry.zip(outbox.package(day, domain)?) {
            let entry = self.hand_over(outbox, entry, &made, Way::Web).await?;
            self.tell(&entry);
        }
        Ok(())
    }

    /// Those of these reports that this host sends now. What waits for the fleet's database waits; what is nobody's any more is over.
    fn mine(&mut self, outbox: &Outbox, due: Vec<OutboxEntry>) -> Result<Vec<OutboxEntry>, Failure> {
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        for mut entry in due {
            let origin = self.origins.get(&(entry.day, entry.domain.clone()));
            let whose = match (&self.part, origin) {
                (None, Some(_)) => Whose::Nobodys("it is the report of a fleet, and this host is in none"),
                (None, None) => Whose::Own,
                (Some(part), origin) => part.whose(&entry, origin),
            };
            match whose {
                Whose::Own | Whose::Fleets(_) => {
                    mine.push(entry);
                    continue;
                }
                Whose::Waits(why) => {
                    (entry.next, entry.words) = (SystemClock.now().plus(REPORT_RETRY_FIRST), short(&why));
                }
                Whose::Nobodys(why) => {
                    (entry.state, entry.words) = (State::Unwanted, why.to_owned());
                    for leg in entry.destinations.iter_mut().filter(|leg| leg.state.is_open()) {
                        leg.state = State::Unwanted;
                    }
                }
            }
            self.told.tell(&entry);
            others.push(entry);
        }
        outbox.conclude(&others)?;
        Ok(mine)
    }

    /// The domains of a day, each with its moment.
    fn moments(&self, day: Day) -> Result<Vec<(PolicyDomain, UnixTime)>, Failure> {
        Ok(self.counts.domains(day)?.iter().map(|domain| self.moment(day, domain)).collect())
    }

    fn moment(&self, day: Day, domain: &PolicyDomain) -> (PolicyDomain, UnixTime) {
        (domain.clone(), moment(self.contact.domain(), domain, day))
    }

    /// Why a domain gets no report, whatever it wishes.
    fn spared(&self, domain: &PolicyDomain) -> Option<String> {
        self.reporting.spares(self.contact.domain(), domain).map(ToOwned::to_owned)
    }

    /// What a domain wishes; nobody is asked where that would change nothing.
    async fn wish(&self, entry: &OutboxEntry) -> Option<Wish> {
        match self.spared(&entry.domain) {
            Some(_) => None,
            None => Some(self.asker.wish_of(&entry.domain).await),
        }
    }

    /// Does for one report what is to be done now; how far it is then stands in the outbox.
    async fn one(
        &mut self,
        outbox: &Outbox,
        mut entry: OutboxEntry,
        wish: Option<Wish>,
    ) -> Result<OutboxEntry, Failure> {
        let now = SystemClock.now();
        entry.tries = entry.tries.saturating_add(1);
        if entry.first.0 == 0 || entry.first > now {
            entry.first = now;
        }
        let spared = self.spared(&entry.domain).unwrap_or_default();
        let wanted = match wish {
            _ if is_over(entry.day, now) => return over(outbox, entry, State::GaveUp, "it is too old"),
            None => return over(outbox, entry, State::Unwanted, &spared),
            Some(Wish::Unknown(why) | Wish::Postponed(why)) => {
                let state = later(&mut entry, now);
                return over(outbox, entry, state, &why);
            }
            Some(wish) => destinations(self.reporting.https, outbox, &mut entry, wish)?,
        };
        if let Err(why) = wanted {
            return over(outbox, entry, State::Unwanted, &why);
        }
        let made = match outbox.package(entry.day, &entry.domain)? {
            Some(made) => made,
            None => match self.report_of(&entry).await? {
                Report::Unknown(why) => {
                    let state = later(&mut entry, now);
                    return over(outbox, entry, state, why);
                }
                Report::Made(made) => made,
                Report::None(why) => return over(outbox, entry, State::Unwanted, &why),
                Report::TooLarge(octets) => {
                    let why = format!("the report has {octets} octets, more than receivers take");
                    return over(outbox, entry, State::GaveUp, &why);
                }
            },
        };
        outbox.claim(&entry, &made)?;
        entry.state = State::Claimed;
        self.hand_over(outbox, entry, &made, Way::Mail).await
    }

    /// The report that an entry stands for: this host's own, or its fleet's.
    async fn report_of(&mut self, entry: &OutboxEntry) -> Result<Report, Failure> {
        let origin = self.origins.get(&(entry.day, entry.domain.clone()));
        let Some(part) = &mut self.part else { return self.report(entry.day, &entry.domain) };
        match part.whose(entry, origin) {
            Whose::Fleets(claim) => {
                let rows = match part.counted(&claim).await {
                    Ok(rows) => rows,
                    Err(why) => return Ok(Report::Unknown(why)),
                };
                let suffix = if claim.part == 0 { String::new() } else { format!("s{}", claim.part) };
                Ok(self.made(entry.day, &entry.domain, &rows, &suffix))
            }
            Whose::Own => {
                let (rows, suffix) = (self.counts.of_domain(entry.day, &entry.domain)?, part.suffix());
                Ok(self.made(entry.day, &entry.domain, &rows, &suffix))
            }
            Whose::Waits(_) | Whose::Nobodys(_) => Ok(Report::Unknown("the fleet's database cannot be used")),
        }
    }

    /// The report about a domain's day, from what this host counted.
    fn report(&self, day: Day, domain: &PolicyDomain) -> Result<Report, Failure> {
        Ok(self.made(day, domain, &self.counts.of_domain(day, domain)?, ""))
    }

    fn made(&self, day: Day, domain: &PolicyDomain, rows: &[(Row, u64)], suffix: &str) -> Report {
        let sender = Sender { organization: self.organization.as_str(), contact: self.contact.as_str() };
        let Some(document) = document(sender, domain, day, rows) else {
            return Report::None("nothing was counted that a report would tell".to_owned());
        };
        let document = told_apart(document, suffix);
        if !self.reporting.successes && !package::tells_of_a_failure(&document) {
            return Report::None("nothing failed, and the configuration says successes = false".to_owned());
        }
        let package = package::gzip(package::json(&document).as_bytes());
        if package.len() > MAX_SENT_REPORT_OCTETS {
            return Report::TooLarge(package.len());
        }
        let id = package::id(&document).to_owned();
        Report::Made(Made { id, contact: self.contact.to_string(), at: SystemClock.now(), package })
    }

    /// Hands a report to each destination that is open and gets it in that way; what was begun before, by whoever was killed at it, is
    /// done again.
    async fn hand_over(
        &mut self,
        outbox: &Outbox,
        mut entry: OutboxEntry,
        made: &Made,
        way: Way,
    ) -> Result<OutboxEntry, Failure> {
        entry.destinations.sort_by_key(way_of);
        let number = entry.destinations.len();
        let tokens = outbox.key()?;
        // One that keeps us waiting is enough of a domain.
        let (slow, mut is_kept_waiting) = (self.slow.len(), false);
        for place in 0..number {
            let is_next = |leg: &&mut Leg| leg.state.is_open() && way_of(leg) == way;
            let Some(leg) = entry.destinations.get_mut(place).filter(is_next) else { continue };
            let Ok(destination) = Destination::from_key(&leg.key) else { continue };
            leg.tries = leg.tries.saturating_add(1);
            leg.state = State::Handed;
            let handed = leg.clone();
            let token = tokens.token(entry.day, &entry.domain, &handed.key);
            outbox.hand(&entry, &handed)?;
            let fate = match &destination {
                Destination::Web(_) if is_kept_waiting => {
                    Fate::Postponed("another server of this domain kept us waiting".to_owned())
                }
                _ => self.deliver(&entry, &destination, made, &token).await,
            };
            let now = SystemClock.now();
            is_kept_waiting |= self.slow.len() > slow;
            // Whoever names somebody else's destination has it refuse reports about his own domain, and no others stay away for that.
            let about = bounce::place(&handed.key, &entry.domain);
            let lesson = match &fate {
                // That the sendmail command takes a mail says nothing of its way from there.
                Fate::Accepted(_) => match destination {
                    Destination::Web(_) => Lesson::Accepted(about),
                    Destination::Mail(_) => Lesson::Nothing,
                },
                Fate::Refused { is_dead: false, .. } | Fate::Postponed(_) => Lesson::Nothing,
                Fate::Refused { why, .. } => failing(outbox, &about, true, why, now)?,
                Fate::Later(why) => failing(outbox, &about, false, why, now)?,
            };
            let (state, words) = match fate {
                Fate::Accepted(words) => (State::Sent, words),
                Fate::Refused { why, .. } => (State::GaveUp, why),
                Fate::Later(why) | Fate::Postponed(why) => (State::Due, why),
            };
            if let Some(leg) = entry.destinations.get_mut(place) {
                (leg.state, leg.words) = (state, short(&words));
            }
            let has_more =
                entry.destinations.iter().skip(place.saturating_add(1)).any(|leg| leg.state.is_open());
            conclude(&mut entry, now, has_more);
            outbox.settle(&entry, &lesson)?;
        }
        let now = SystemClock.now();
        if way == Way::Mail && tries_by_web(&entry).is_some() {
            return Ok(entry);
        }
        if entry.state.is_open() && entry.next <= now {
            // Nothing was handed over, which takes a row that this program would not write.
            let state = later(&mut entry, now);
            return over(outbox, entry, state, "its destinations cannot be read");
        }
        Ok(entry)
    }

    async fn deliver(
        &mut self,
        entry: &OutboxEntry,
        destination: &Destination,
        made: &Made,
        token: &str,
    ) -> Fate {
        match destination {
            Destination::Mail(to) => {
                // The contact may have changed since; the report has not.
                let Ok(from) = made.contact.parse::<MailAddress>() else {
                    return Fate::Postponed("the outbox has no contact of it".to_owned());
                };
                let file = package::file_name(from.domain(), &entry.domain, entry.day, &made.id);
                let (from, domain, id, at) = (&from, &entry.domain, &made.id, made.at);
                let (package, purpose) = (&made.package, Purpose::Report);
                let content =
                    Content { purpose, from, to, domain, id, file: &file, made: at, token, package };
                sendmail::hand_over(&self.reporting.sendmail, from, to, &mail(content)).await
            }
            Destination::Web(url) => {
                let host = url.host().to_string();
                if self.slow.contains(&host) {
                    return Fate::Postponed("its server kept us waiting for another report".to_owned());
                }
                let began = Instant::now();
                let resolver = self.asker.resolver(SystemClock.now());
                let octets = made.package.clone();
                match self
                    .poster
                    .post(&resolver, url, MEDIA, octets, patience::of_web_server(self.waited))
                    .await
                {
                    Ok(posted) => of_status(posted.status, posted.certificate.as_deref()),
                    Err(NotPosted::NoRoots(roots)) => Fate::Postponed(roots.to_string()),
                    Err(NotPosted::NoPublicAddress(why)) => Fate::Refused { why, is_dead: true },
                    Err(other) => {
                        self.waited = self.waited.saturating_add(began.elapsed());
                        if began.elapsed() >= SLOW {
                            self.slow.insert(host);
                        }
                        Fate::Later(other.to_string())
                    }
                }
            }
        }
    }
}
