//! Taking over the outbox that knew nothing of a fleet.

use super::database::Database;
use super::schema::{Ancestor, HANDED, ORIGIN, OUTBOX_ID};
use rusqlite::Transaction;

/// Its database: that of today without two tables.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: OUTBOX_ID,
    version: 1,
    definitions: &[
        "CREATE INDEX report_by_moment ON report (state, next)",
        "CREATE TABLE bounce (
            number INTEGER PRIMARY KEY,
            octets BLOB NOT NULL
        ) STRICT",
        "CREATE TABLE destination (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            place TEXT NOT NULL,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL,
            next INTEGER NOT NULL,
            words TEXT NOT NULL,
            PRIMARY KEY (day, domain, place)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE package (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            id TEXT NOT NULL,
            contact TEXT NOT NULL,
            made INTEGER NOT NULL,
            octets BLOB NOT NULL,
            PRIMARY KEY (day, domain)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE report (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            state TEXT NOT NULL,
            next INTEGER NOT NULL,
            first INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            words TEXT NOT NULL,
            PRIMARY KEY (day, domain)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE run (
            number INTEGER PRIMARY KEY,
            at INTEGER NOT NULL
        ) STRICT",
        "CREATE TABLE suppression (
            place TEXT PRIMARY KEY,
            since INTEGER NOT NULL,
            until INTEGER NOT NULL,
            times INTEGER NOT NULL,
            reason TEXT NOT NULL,
            hand INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID",
    ],
    is_read_alike: false,
    work: None,
    take_over,
};

/// No row is touched: two tables come.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    transaction.execute_batch(HANDED)?;
    transaction.execute_batch(ORIGIN)?;
    transaction.pragma_update(None, "user_version", database.schema().version)
}
