//! Much that is written in one transaction.

use super::cause::Cause;
use super::connection::part;
use super::database::Database;
use super::error::{CacheError, Use};
use rusqlite::{Error, Transaction};

impl Database {
    /// Writes very much in one transaction. What it changes waits in memory for the commit, so that readers are kept out for
    /// that moment only.
    pub(super) fn write_much<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        self.write(doing, |transaction| {
            transaction.pragma_update(None, "cache_spill", false)?;
            act(transaction)
        })
    }

    /// Does each of these, all in one transaction and thus with one wait for the disk. One that fails loses nothing but its
    /// own: it is undone, and the others stay. Where the transaction as a whole fails, each has another one of its own.
    pub(super) fn write_each<A, T>(
        &self,
        doing: &'static str,
        all: &[A],
        act: impl Fn(&Transaction<'_>, &A) -> rusqlite::Result<T>,
    ) -> Vec<Result<T, CacheError>> {
        let alone = |one: &A| self.write(doing, |transaction| act(transaction, one));
        match all {
            [] => Vec::new(),
            [one] => vec![alone(one)],
            all => {
                let in_part = |transaction: &Transaction<'_>, one| part(transaction, |inner| act(inner, one));
                let together = self.write(doing, |transaction| {
                    all.iter().map(|one| in_part(transaction, one)).collect::<rusqlite::Result<Vec<_>>>()
                });
                match together {
                    Ok(done) => {
                        let told = |error: Error| self.unusable(doing, Use::Write, Cause::from(&error));
                        done.into_iter().map(|one| one.map_err(told)).collect()
                    }
                    // Nobody's turn comes sooner by asking for it once for each.
                    Err(trouble) if trouble.is_locked() => all.iter().map(|_| Err(trouble.clone())).collect(),
                    Err(_) => all.iter().map(alone).collect(),
                }
            }
        }
    }
}
