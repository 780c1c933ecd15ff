//! What a database of ours looks like, to the letter, and how another one is recognised.
//!
//! A database can carry code: views and triggers run when it is read. So nothing is read from one whose definitions
//! are not exactly those that this program writes (SQLite, "Defense Against The Dark Arts").

use super::database::Database;
use super::taking_over::Work;
use super::{answers_1, outbox_1, reports_1, seed, tally, version_1, version_2, version_3};
use crate::limits::{CACHE_BUSY_WAIT, CACHE_EXPENDABLE_WAIT};
use rusqlite::{Connection, Transaction};
use std::time::Duration;

/// The definitions of one kind of database.
#[derive(Debug)]
pub(super) struct Schema {
    /// `PRAGMA application_id`: tells our files from everybody else's.
    pub(super) application_id: i32,
    /// `PRAGMA user_version`. A later one is a newer program's, also where only the meaning of its rows differs.
    pub(super) version: i32,
    /// The statements that create it, as SQLite keeps them, sorted.
    pub(super) definitions: &'static [&'static str],
    /// Counts its domains into its table [`tally`], if it has one.
    pub(super) count: Option<&'static str>,
    /// `PRAGMA synchronous`: whether a commit waits for the disk.
    pub(super) synchronous: &'static str,
    /// Older databases that are taken over.
    pub(super) ancestors: &'static [Ancestor],
    /// Waiting for other processes.
    pub(super) patience: Duration,
    /// Whether a damaged file is worth keeping.
    pub(super) is_expendable: bool,
}

/// An older database, of an earlier version or of the predecessor, recognised by its marks and its definitions.
#[derive(Debug)]
pub(super) struct Ancestor {
    /// Its `PRAGMA application_id`.
    pub(super) application_id: i32,
    /// Its `PRAGMA user_version`.
    pub(super) version: i32,
    /// Its definitions, sorted.
    pub(super) definitions: &'static [&'static str],
    /// Whether what is read of ours is read of it, too, with the same statements.
    pub(super) is_read_alike: bool,
    /// How much there is to do; `None` if it is over in a moment, however many rows there are.
    pub(super) work: Option<Work>,
    /// Makes its definitions ours and brings its rows over, inside one transaction: whenever it is interrupted, the
    /// file is the old one or the new one.
    pub(super) take_over: fn(&Transaction<'_>, &Database) -> rusqlite::Result<()>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// An older database that is to be taken over.
    Ancestor(&'static Ancestor),
    /// This program's database.
    Current,
    /// No definitions at all.
    Empty,
    /// Another program's; the text says what is known about it.
    Foreign(String),
    /// Marked as ours with definitions that are not, or the other way round.
    Poisoned,
}

/// `PRAGMA application_id` of the file of policies, in every version.
pub(super) const POLICIES_ID: i32 = 0x5354_5350;

/// Policies, and what happened to them. The rows are found by their key, and the first one to go when room is needed by
/// an index for each reason to go. A `record` is the published TXT, and a `body` what stands in the policy file, where the
/// dialect has one; it stands where version 1's table gets it by `ALTER TABLE`, which rewrites no row.
///
/// The view is for Exim's `lookup sqlite` and for whoever has the seed's macro: its columns must remain plain
/// references to columns, since `expires > strftime('%s','now')` compares with a text and needs the column's INTEGER
/// affinity (SQLite, "Datatypes", section 4.2). It shows one row a domain: of those that have not ended the MTA-STS
/// policy, or else the draft's; of several, learnt under different circumstances, the one fetched last.
/// `STRICT` needs SQLite 3.37 in whoever reads the file; Debian's Exim 4.96 has 3.40.
pub(super) const POLICIES: Schema = Schema {
    application_id: POLICIES_ID,
    version: 4,
    definitions: &[
        HISTORY_BY_DOMAIN,
        POLICY_BY_END,
        POLICY_BY_PROOF,
        POLICY_REPORTING,
        POLICY_UNMET,
        HISTORY,
        FLEET_OUTBOX,
        POLICY,
        tally::TALLY,
        POLICY_COMES,
        POLICY_GOES,
        STS_CACHE,
    ],
    count: Some(
        "INSERT INTO tally SELECT number, -number FROM (
            SELECT count(*) AS number FROM (SELECT DISTINCT domain FROM policy))",
    ),
    // A commit counts once the journal is gone: EXTRA waits for that, too.
    synchronous: "EXTRA",
    ancestors: &[seed::ANCESTOR, version_1::ANCESTOR, version_2::ANCESTOR, version_3::ANCESTOR],
    patience: CACHE_BUSY_WAIT,
    is_expendable: false,
};

/// What happened, since version 2.
pub(super) const HISTORY: &str = "CREATE TABLE history (
            number INTEGER PRIMARY KEY,
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            mechanism TEXT NOT NULL,
            at INTEGER NOT NULL,
            event TEXT NOT NULL,
            authentication TEXT NOT NULL,
            mode_before TEXT,
            mode_after TEXT,
            detail TEXT NOT NULL,
            checksum BLOB NOT NULL
        ) STRICT";

/// Its index.
pub(super) const HISTORY_BY_DOMAIN: &str = "CREATE INDEX history_by_domain ON history (domain, fingerprint)";

/// The table of the policies, as version 1's is found after it got a column.
pub(super) const POLICY: &str = "CREATE TABLE policy (
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            mechanism TEXT NOT NULL,
            record TEXT NOT NULL,
            authentication TEXT NOT NULL,
            fetched_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            applied_at INTEGER,
            tls_only TEXT NOT NULL,
            checksum BLOB NOT NULL, body TEXT,
            PRIMARY KEY (domain, fingerprint, mechanism)
        ) STRICT, WITHOUT ROWID";

/// Its indexes, each for a reason to go, since version 3.
pub(super) const POLICY_BY_END: &str =
    "CREATE INDEX policy_by_end ON policy (expires_at, applied_at, tls_only)";
pub(super) const POLICY_BY_PROOF: &str = "CREATE INDEX policy_by_proof
            ON policy (CASE authentication WHEN 'first-use' THEN applied_at ELSE fetched_at END)";
pub(super) const POLICY_REPORTING: &str =
    "CREATE INDEX policy_reporting ON policy (fetched_at) WHERE tls_only <> 'True'";
pub(super) const POLICY_UNMET: &str =
    "CREATE INDEX policy_unmet ON policy (fetched_at) WHERE applied_at IS NULL AND mechanism = 'smtp-sts'";

/// What counts its domains, since version 3.
pub(super) const POLICY_COMES: &str = "CREATE TRIGGER policy_comes AFTER INSERT ON policy WHEN NOT EXISTS (
                SELECT 1 FROM policy AS other WHERE other.domain = new.domain
                AND (other.fingerprint, other.mechanism) <> (new.fingerprint, new.mechanism)
            ) BEGIN UPDATE tally SET domains = domains + 1, mirror = mirror - 1; END";
pub(super) const POLICY_GOES: &str = "CREATE TRIGGER policy_goes AFTER DELETE ON policy WHEN NOT EXISTS (
                SELECT 1 FROM policy AS other WHERE other.domain = old.domain
            ) BEGIN UPDATE tally SET domains = domains - 1, mirror = mirror + 1; END";

/// What a fleet has not heard yet, since version 4.
pub(super) const FLEET_OUTBOX: &str = "CREATE TABLE outbox (
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            mechanism TEXT NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (domain, fingerprint, mechanism)
        ) STRICT, WITHOUT ROWID";

/// Its index in versions 1 and 2.
pub(super) const POLICY_BY_FETCH: &str =
    "CREATE INDEX policy_by_fetch ON policy (fetched_at, authentication, expires_at, applied_at, tls_only)";

/// What Exim reads, since version 2.
pub(super) const STS_CACHE: &str = "CREATE VIEW sts_cache (domain, tls_only, sts_record, expires) AS
            SELECT domain, tls_only, record, expires_at FROM policy AS shown
            WHERE NOT EXISTS (
                SELECT 1 FROM policy AS other
                WHERE other.domain = shown.domain AND (
                    other.expires_at > CAST(strftime('%s', 'now') AS INTEGER),
                    other.mechanism = 'mta-sts', other.fetched_at, other.fingerprint
                ) > (
                    shown.expires_at > CAST(strftime('%s', 'now') AS INTEGER),
                    shown.mechanism = 'mta-sts', shown.fetched_at, shown.fingerprint
                )
            )";

/// DNS results.
pub(super) const ANSWERS: Schema = Schema {
    application_id: ANSWERS_ID,
    version: 2,
    definitions: &[
        ANSWER_BY_END,
        ANSWER,
        tally::TALLY,
        "CREATE TRIGGER answer_comes AFTER INSERT ON answer WHEN NOT EXISTS (
                SELECT 1 FROM answer AS other WHERE other.domain = new.domain
                AND (other.fingerprint, other.topic) <> (new.fingerprint, new.topic)
            ) BEGIN UPDATE tally SET domains = domains + 1, mirror = mirror - 1; END",
        "CREATE TRIGGER answer_goes AFTER DELETE ON answer WHEN NOT EXISTS (
                SELECT 1 FROM answer AS other WHERE other.domain = old.domain
            ) BEGIN UPDATE tally SET domains = domains - 1, mirror = mirror + 1; END",
    ],
    count: Some(
        "INSERT INTO tally SELECT number, -number FROM (
            SELECT count(*) AS number FROM (SELECT DISTINCT domain FROM answer))",
    ),
    synchronous: "OFF",
    ancestors: &[answers_1::ANCESTOR],
    patience: CACHE_EXPENDABLE_WAIT,
    is_expendable: true,
};

/// `PRAGMA application_id` of the file of DNS results, in every version.
pub(super) const ANSWERS_ID: i32 = 0x5354_5341;

/// Their table, the same since version 1.
pub(super) const ANSWER: &str = "CREATE TABLE answer (
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            topic TEXT NOT NULL,
            text TEXT NOT NULL,
            valid_until INTEGER NOT NULL,
            checksum BLOB NOT NULL,
            PRIMARY KEY (domain, fingerprint, topic)
        ) STRICT, WITHOUT ROWID";

/// Its index, the same since version 1.
pub(super) const ANSWER_BY_END: &str = "CREATE INDEX answer_by_end ON answer (valid_until)";

/// `PRAGMA application_id` of the counts for TLS reports, in every version.
pub(super) const REPORTS_ID: i32 = 0x5354_5352;

/// Counts for TLS reports. What is not told apart is an empty text. The text of a policy stands by itself, once for each digest;
/// in its place there is 0 where there is none, and -1 where there was no room for it.
pub(super) const REPORTS: Schema = Schema {
    application_id: REPORTS_ID,
    version: 2,
    definitions: &[
        "CREATE INDEX policy_by_terms ON policy (text, kind, mode, base)",
        "CREATE INDEX text_by_digest ON text (digest, octets)",
        "CREATE TABLE policy (
            number INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            mode TEXT NOT NULL,
            base TEXT NOT NULL,
            text INTEGER NOT NULL
        ) STRICT",
        "CREATE TABLE session (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            policy INTEGER NOT NULL,
            host TEXT NOT NULL,
            address TEXT NOT NULL,
            sender TEXT NOT NULL,
            helo TEXT NOT NULL,
            result TEXT NOT NULL,
            code TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (day, domain, policy, host, address, sender, helo, result, code)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE text (
            number INTEGER PRIMARY KEY,
            digest BLOB NOT NULL,
            octets INTEGER NOT NULL,
            text TEXT NOT NULL
        ) STRICT",
    ],
    count: None,
    synchronous: "FULL",
    ancestors: &[reports_1::ANCESTOR],
    patience: CACHE_EXPENDABLE_WAIT,
    is_expendable: false,
};

/// `PRAGMA application_id` of the reports on their way, in every version.
pub(super) const OUTBOX_ID: i32 = 0x5354_534f;

/// What was handed in to a fleet, since version 2: of each day its domains, and once it is all an empty name.
pub(super) const HANDED: &str = "CREATE TABLE handed (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            store TEXT NOT NULL,
            PRIMARY KEY (day, domain)
        ) STRICT, WITHOUT ROWID";

/// Which reports are a fleet's, since version 2.
pub(super) const ORIGIN: &str = "CREATE TABLE origin (
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            store TEXT NOT NULL,
            part INTEGER NOT NULL,
            PRIMARY KEY (day, domain)
        ) STRICT, WITHOUT ROWID";

/// Reports on their way. A day and a domain have one; its octets stay until it is over.
pub(super) const OUTBOX: Schema = Schema {
    application_id: OUTBOX_ID,
    version: 2,
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
        HANDED,
        ORIGIN,
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
    count: None,
    synchronous: "FULL",
    ancestors: &[outbox_1::ANCESTOR],
    patience: CACHE_BUSY_WAIT,
    is_expendable: false,
};

/// What others of a fleet have said ([`super::inbox`]), how far it was read, and the decrees that were obeyed.
pub(super) const INBOX: Schema = Schema {
    application_id: 0x5354_5346,
    version: 1,
    definitions: &[
        "CREATE INDEX hearsay_by_time ON hearsay (heard_at)",
        "CREATE TABLE decree (
            store TEXT NOT NULL,
            number INTEGER NOT NULL,
            statement TEXT NOT NULL,
            PRIMARY KEY (store, number)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE hearsay (
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            mechanism TEXT NOT NULL,
            line TEXT NOT NULL,
            witnesses TEXT NOT NULL,
            heard_at INTEGER NOT NULL,
            look TEXT NOT NULL,
            looked_at INTEGER NOT NULL,
            checksum BLOB NOT NULL,
            PRIMARY KEY (domain, fingerprint, mechanism)
        ) STRICT, WITHOUT ROWID",
        "CREATE TABLE store (
            id TEXT PRIMARY KEY NOT NULL,
            change INTEGER NOT NULL,
            offered INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID",
    ],
    count: None,
    synchronous: "FULL",
    ancestors: &[],
    patience: CACHE_BUSY_WAIT,
    is_expendable: false,
};

/// Answers that withheld mail. What was asked about no host has an empty one.
pub(super) const WITHHELD: Schema = Schema {
    application_id: 0x5354_5357,
    version: 1,
    definitions: &[
        "CREATE INDEX withheld_by_domain ON withheld (domain, last)",
        "CREATE INDEX withheld_by_knowledge ON withheld (known, last)",
        "CREATE TABLE withheld (
            number INTEGER PRIMARY KEY,
            domain TEXT NOT NULL,
            host TEXT NOT NULL,
            asker TEXT NOT NULL,
            verdict TEXT NOT NULL,
            reason TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            times INTEGER NOT NULL,
            known INTEGER NOT NULL
        ) STRICT",
    ],
    count: None,
    synchronous: "NORMAL",
    ancestors: &[],
    patience: CACHE_EXPENDABLE_WAIT,
    is_expendable: true,
};

impl Schema {
    /// Looks at the marks and the definitions; runs nothing that the file brings along.
    pub(super) fn inspect(&self, connection: &Connection) -> rusqlite::Result<Found> {
        let mark = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i32>(0));
        let (application_id, version) = (mark("PRAGMA application_id")?, mark("PRAGMA user_version")?);
        let most = self.ancestors.iter().map(|one| one.definitions.len()).max().unwrap_or(0);
        let definitions = definitions(connection, most.max(self.definitions.len()))?;
        let defines = |expected: &[&str]| definitions.iter().map(String::as_str).eq(expected.iter().copied());
        let ancestor = self.ancestors.iter().find(|one| {
            (one.application_id, one.version) == (application_id, version) && defines(one.definitions)
        });
        if let Some(ancestor) = ancestor {
            return Ok(Found::Ancestor(ancestor));
        }
        Ok(match (application_id == self.application_id, defines(self.definitions)) {
            (true, true) if version == self.version => Found::Current,
            (true, _) if version > self.version => Found::Foreign(format!(
                "a newer version's (schema {version}, this program knows {})",
                self.version
            )),
            (true, _) | (_, true) => Found::Poisoned,
            (false, false) if application_id == 0 && version == 0 && definitions.is_empty() => Found::Empty,
            (false, false) => {
                Found::Foreign(format!("another program's database (application {application_id})"))
            }
        })
    }

    /// Writes marks and definitions into a database without any, inside the caller's transaction.
    pub(super) fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.create_beside(&[], connection)
    }

    /// The same, beside definitions that are there already.
    pub(super) fn create_beside(&self, there: &[&str], connection: &Connection) -> rusqlite::Result<()> {
        let is_table = |definition: &str| definition.starts_with("CREATE TABLE");
        let missing = || self.definitions.iter().filter(|one| !there.contains(one));
        let tables = missing().filter(|one| is_table(one));
        for definition in tables.chain(missing().filter(|one| !is_table(one))) {
            connection.execute_batch(definition)?;
        }
        if let Some(statement) = self.count {
            connection.execute_batch(statement)?;
        }
        connection.pragma_update(None, "application_id", self.application_id)?;
        connection.pragma_update(None, "user_version", self.version)
    }
}

/// The definitions in the file, sorted by their text: of all that are expected, and one more.
fn definitions(connection: &Connection, expected: usize) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT coalesce(sql, type || ' ' || name) FROM sqlite_schema")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut definitions: Vec<String> = rows.take(expected + 1).collect::<rusqlite::Result<_>>()?;
    definitions.sort_unstable();
    Ok(definitions)
}

#[cfg(test)]
mod tests;
