//! Taking over the first schema of the counts for TLS reports, which cut long policies and knew neither reasons nor greetings.

use super::counts;
use super::database::Database;
use super::schema::{Ancestor, REPORTS_ID};
use super::taking_over::Work;
use crate::reports::text::PolicyText;
use rusqlite::Transaction;

/// Its database.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: REPORTS_ID,
    version: 1,
    definitions: &[
        "CREATE INDEX policy_by_text ON policy (text, kind, mode)",
        "CREATE TABLE policy (
            number INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            mode TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT",
        "CREATE TABLE session (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            policy INTEGER NOT NULL,
            host TEXT NOT NULL,
            address TEXT NOT NULL,
            sender TEXT NOT NULL,
            result TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (day, domain, policy, host, address, sender, result)
        ) STRICT, WITHOUT ROWID",
    ],
    is_read_alike: false,
    work: Some(Work { rows: "SELECT count(*) FROM session", steps_a_row: 39 }),
    take_over,
};

const ASIDE: &str = "DROP INDEX policy_by_text; ALTER TABLE policy RENAME TO policy_1;
    ALTER TABLE session RENAME TO session_1";

const POLICY: &str = "INSERT INTO policy (number, kind, mode, base, text) VALUES (?1, ?2, ?3, '', ?4)";

const OVER: &str = "INSERT INTO session
    SELECT day, domain, policy, host, address, sender, '', result, '', number FROM session_1;
    DROP TABLE session_1; DROP TABLE policy_1";

/// Octets at which it cut a policy, less those of a character: what is shorter is whole.
const CUT: usize = 1_020;

/// Every count stays. A policy that may have been cut is none: its text is left out.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    transaction.execute_batch(ASIDE)?;
    database.schema().create(transaction)?;
    let mut room = counts::Room::of(database);
    let mut policies = transaction.prepare("SELECT number, kind, mode, text FROM policy_1")?;
    let mut rows = policies.query([])?;
    while let Some(row) = rows.next()? {
        // What is no text is nothing that this program wrote.
        let text_of =
            |column| row.get_ref(column).ok().and_then(|value| value.as_str().ok()).unwrap_or_default();
        let (number, kind, mode, text): (i64, _, _, _) = (row.get(0)?, text_of(1), text_of(2), text_of(3));
        let is_cut = text.len() >= CUT && !text.ends_with('\n');
        let text = if is_cut { PolicyText::LeftOut } else { PolicyText::of(text) };
        let text = counts::text(transaction, &text, &mut room)?;
        transaction.execute(POLICY, (number, kind, mode, text))?;
    }
    drop(rows);
    drop(policies);
    transaction.execute_batch(OVER)
}
