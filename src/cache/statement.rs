//! Statements that stay prepared for as long as their file is open.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params};

/// Runs a statement that yields no rows; returns how many rows it changed.
pub(super) fn run(
    connection: &Connection,
    statement: &'static str,
    key: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(statement)?.execute(key)
}

/// Runs a statement; returns the first column of its first row.
pub(super) fn one<T: FromSql>(
    connection: &Connection,
    statement: &'static str,
    key: impl Params,
) -> rusqlite::Result<T> {
    connection.prepare_cached(statement)?.query_row(key, |row| row.get(0))
}

/// A number as SQLite keeps it.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
