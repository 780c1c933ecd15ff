//! How many domains a file has, kept beside the rows so that nobody has to count them.
//!
//! Triggers keep it, so it is right whoever writes: another process of ours, or an administrator with SQLite's own shell. It
//! stands there twice, the second time negated: a number that was damaged is counted anew.

use super::schema::Schema;
use super::statement::{one, run};
use rusqlite::{OptionalExtension, Transaction};

/// Its table, of one row.
pub(super) const TALLY: &str =
    "CREATE TABLE tally (domains INTEGER NOT NULL, mirror INTEGER NOT NULL) STRICT";

const SELECT: &str = "SELECT domains FROM tally WHERE domains >= 0 AND domains + mirror = 0 LIMIT 1";

const CLEAR: &str = "DELETE FROM tally";

/// Domains that go at most when one comes: a file that is far over its bound shrinks as it is used, and nobody waits for it.
pub(super) const EVICTED_AT_ONCE: i64 = 2;

/// How many domains there are.
pub(super) fn domains(transaction: &Transaction<'_>, schema: &Schema) -> rusqlite::Result<i64> {
    let kept = one(transaction, SELECT, []).optional()?;
    kept.map_or_else(|| count(transaction, schema), Ok)
}

/// Counts them all, and keeps the number from now on.
pub(super) fn count(transaction: &Transaction<'_>, schema: &Schema) -> rusqlite::Result<i64> {
    let Some(statement) = schema.count else { return Ok(0) };
    run(transaction, CLEAR, [])?;
    run(transaction, statement, [])?;
    one(transaction, SELECT, [])
}
