//! What the outbox forgets: what is older than it is kept, and all about one domain.

use super::bounces;
use super::cause::Cause;
use super::error::{CacheError, Use};
use super::outbox::Outbox;
use super::outbox_of_fleet;
use super::statement::{integer, one};
use crate::limits::{MAX_SUPPRESSIONS, SUPPRESSED_MOST};
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use rusqlite::Transaction;

/// Destinations that ended long ago what they were left alone for, and the oldest of too many.
const FORGET_FAILING: &str = "DELETE FROM suppression WHERE max(since, until) < ?1 OR place IN
    (SELECT place FROM suppression WHERE hand = 0 ORDER BY max(since, until) DESC LIMIT -1 OFFSET ?2)";

const FORGET_REPORTS: &str = "DELETE FROM report WHERE day < ?1";

const FORGET_DESTINATIONS: &str = "DELETE FROM destination WHERE day < ?1";

const FORGET_PACKAGES: &str = "DELETE FROM package WHERE day < ?1";

const HAS_OLD: &str = "SELECT EXISTS (SELECT 1 FROM report WHERE day < ?1)
    OR EXISTS (SELECT 1 FROM suppression WHERE max(since, until) < ?2)";

const OF_DOMAIN: &str =
    "SELECT (SELECT count(*) FROM report WHERE domain = ?1) + (SELECT count(*) FROM suppression
    WHERE substr(place, -length(?1) - 7) = ' about ' || ?1)";

impl Outbox {
    /// Forgets what is older than so many days before today, if there is anything: nobody may send any more.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was forgotten.
    pub fn forget(&self, days: u64) -> Result<(), CacheError> {
        let oldest = Day::of(self.database.now).before(days);
        let key = (integer(oldest.0), integer(self.suppressed_until()));
        let has_old = self.database.read(|connection| one::<bool>(connection, HAS_OLD, key))?;
        if has_old != Some(true) {
            return Ok(());
        }
        self.database.write("forgetting old reports", |transaction| self.forget_in(transaction, oldest))
    }

    pub(super) fn forget_in(&self, transaction: &Transaction<'_>, oldest: Day) -> rusqlite::Result<()> {
        let over = integer(self.suppressed_until());
        transaction.execute(FORGET_FAILING, (over, integer(MAX_SUPPRESSIONS)))?;
        let oldest = [integer(oldest.0)];
        transaction.execute(FORGET_REPORTS, oldest)?;
        transaction.execute(FORGET_DESTINATIONS, oldest)?;
        transaction.execute(FORGET_PACKAGES, oldest)?;
        outbox_of_fleet::forget(transaction, oldest)
    }

    /// What a destination was left alone for before that moment is forgotten.
    const fn suppressed_until(&self) -> u64 {
        self.database.now.0.saturating_sub(SUPPRESSED_MOST)
    }

    /// Forgets the reports about a domain; how many. `None` while another process has the turn, which holds some of them in its memory:
    /// nothing is forgotten then.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was forgotten.
    pub fn purge(&self, domain: &PolicyDomain) -> Result<Option<usize>, CacheError> {
        let key = [domain.as_str()];
        let known = || self.database.read(|connection| one::<i64>(connection, OF_DOMAIN, key));
        // Where there is nothing to be forgotten no file is made for it.
        if known()?.is_none() {
            return Ok(Some(0));
        }
        let Some(_turn) = self.turn()? else { return Ok(None) };
        if known()?.unwrap_or(0) == 0 {
            return Ok(Some(0));
        }
        self.database
            .write("forgetting a domain", |transaction| {
                transaction.execute("DELETE FROM destination WHERE domain = ?1", key)?;
                transaction.execute("DELETE FROM package WHERE domain = ?1", key)?;
                outbox_of_fleet::purge(transaction, domain)?;
                bounces::purge(transaction, domain)?;
                transaction.execute("DELETE FROM report WHERE domain = ?1", key)
            })
            .map(Some)
    }

    /// What there is to say where another process has the turn.
    #[must_use]
    pub fn is_taken(&self) -> CacheError {
        let why = "reports are being sent; `cache purge` forgets them when that is over";
        self.database.unusable("forgetting a domain", Use::Write, Cause::from(why))
    }
}
