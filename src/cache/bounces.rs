//! What the outbox keeps for bounces: the key that the tokens of mails come from, and destinations that are left alone in reports about one
//! domain ([`bounce::place`]).

use super::cause::Cause;
use super::error::{CacheError, Use};
use super::outbox::Outbox;
use crate::name::PolicyDomain;
use crate::reporting::bounce::{self, KEY_OCTETS, Key};
use crate::reporting::outbox::Suppression;
use crate::time::UnixTime;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

const KEY: &str = "SELECT octets FROM bounce WHERE number = 1";

const NEW_KEY: &str = "INSERT INTO bounce (number, octets) VALUES (1, ?1)";

const PURGE: &str = "DELETE FROM suppression WHERE substr(place, -length(?1) - 7) = ' about ' || ?1";

impl Outbox {
    /// The key that the tokens of mails come from; it is made when it is first wanted.
    ///
    /// # Errors
    /// [`CacheError`] if there is none.
    pub fn key(&self) -> Result<Key, CacheError> {
        if let Some(key) = self.known_key()? {
            return Ok(key);
        }
        let mut octets = [0; KEY_OCTETS];
        SystemRandom::new().fill(&mut octets).map_err(|_| {
            self.database.unusable(
                "making the key of bounces",
                Use::Write,
                Cause::from("the system gives no random octets"),
            )
        })?;
        self.database.write("making the key of bounces", |transaction| {
            if let Some(key) = key(transaction)? {
                return Ok(key);
            }
            transaction.execute(NEW_KEY, [octets])?;
            Ok(Key::new(&octets))
        })
    }

    /// The same, if it was made before.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn known_key(&self) -> Result<Option<Key>, CacheError> {
        Ok(self.database.read(key)?.flatten())
    }

    /// What has a destination left alone in reports about a domain, if it is.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn why_left_alone(
        &self,
        key: &str,
        domain: &PolicyDomain,
        now: UnixTime,
    ) -> Result<Option<Suppression>, CacheError> {
        let known = [self.suppression(key)?, self.suppression(&bounce::place(key, domain))?];
        Ok(known.into_iter().flatten().find(|one| one.failing.is_suppressed(now)))
    }
}

/// Forgets what is known of destinations in reports about a domain.
pub(super) fn purge(transaction: &Transaction<'_>, domain: &PolicyDomain) -> rusqlite::Result<()> {
    transaction.execute(PURGE, [domain.as_str()]).map(|_| ())
}

fn key(connection: &Connection) -> rusqlite::Result<Option<Key>> {
    let octets =
        connection.prepare_cached(KEY)?.query_row([], |row| row.get::<_, [u8; KEY_OCTETS]>(0)).optional()?;
    Ok(octets.map(|octets| Key::new(&octets)))
}
