//! `cache.withheld.db`: the answers to mail servers that let mail wait or refused it, for whoever asks later why. It is no cache,
//! but it keeps the rules of one ([`super::file`]). No sender, no recipient and no message is in it.
//!
//! Losing it costs a story, never a verdict. Who can have mail sent to domains of their choice can add rows, so each domain has a
//! bound, and so have all domains without a policy together: they push out one another, and no row of a domain that had one.

use super::database::Database;
use super::error::CacheError;
use super::file::CachePath;
use super::fingerprint::Fingerprint;
use super::schema::WITHHELD;
use super::statement::integer;
use crate::limits::{
    MAX_WITHHELD, MAX_WITHHELD_OF_DOMAIN, MAX_WITHHELD_UNKNOWN, WITHHELD_KEPT, WITHHELD_TOGETHER,
};
use crate::name::{MxHost, PolicyDomain};
use crate::reason::Reason;
use crate::time::UnixTime;
use crate::verdict::Verdict;
use rusqlite::{Row, Transaction, named_params};

const AGAIN: &str =
    "UPDATE withheld SET last = max(last, :last), times = times + :times, known = max(known, :known)
    WHERE number = (SELECT number FROM withheld WHERE domain = :domain AND host = :host AND asker = :asker
        AND verdict = :verdict AND reason = :reason AND last >= :since ORDER BY number DESC LIMIT 1)";

const INSERT: &str = "INSERT INTO withheld (domain, host, asker, verdict, reason, first, last, times, known)
    VALUES (:domain, :host, :asker, :verdict, :reason, :first, :last, :times, :known)";

const TRIM_DOMAIN: &str = "DELETE FROM withheld WHERE number IN
    (SELECT number FROM withheld WHERE domain = ?1 ORDER BY last DESC, number DESC LIMIT -1 OFFSET ?2)";

const TRIM_UNKNOWN: &str = "DELETE FROM withheld WHERE number IN
    (SELECT number FROM withheld WHERE known = 0 ORDER BY last DESC, number DESC LIMIT -1 OFFSET ?1)";

const TRIM_ALL: &str = "DELETE FROM withheld WHERE number IN
    (SELECT number FROM withheld ORDER BY known DESC, last DESC, number DESC LIMIT -1 OFFSET ?1)";

const FORGET: &str = "DELETE FROM withheld WHERE last < ?1";

const OF_DOMAIN: &str = "SELECT domain, host, asker, verdict, reason, first, last, times FROM withheld
    WHERE domain = ?1 ORDER BY first, number";

/// The same answer to the same question, given so many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithheldAnswer {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// The host that was asked about; `None`: the domain as a whole.
    pub host: Option<MxHost>,
    /// Which mail server asked: `exim` or `postfix`.
    pub asker: String,
    /// What was answered.
    pub verdict: Verdict,
    /// Why the mail was not to go: the word of the answer.
    pub reason: Reason,
    /// When it was given for the first time, in seconds since 1970.
    pub first: UnixTime,
    /// When it was given for the last time, in seconds since 1970.
    pub last: UnixTime,
    /// How many questions had it between the two, both counted.
    pub times: u64,
}

/// The file of withheld answers, at one moment.
#[derive(Debug)]
pub struct WithheldAnswers {
    database: Database,
}

impl WithheldAnswers {
    /// The file beside the cache at that path; its bound in octets is the cache's own.
    #[must_use]
    pub fn beside(cache: &CachePath, max_domains: u64, now: UnixTime) -> Self {
        let path = cache.of_withheld();
        Self { database: Database::new(path, &WITHHELD, Fingerprint::OF_NOTHING, max_domains, now) }
    }

    /// The same file, opened for reading only.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { database: self.database.read_only() }
    }

    /// Adds answers, each with whether a policy of its domain is stored; all or nothing. What is over [`WITHHELD_KEPT`] is forgotten.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was added.
    pub fn add(&self, answers: &[(WithheldAnswer, bool)]) -> Result<(), CacheError> {
        let now = self.database.now;
        self.database.write("writing down answers", |transaction| {
            transaction.execute(FORGET, [integer(now.0.saturating_sub(WITHHELD_KEPT))])?;
            for (answer, is_known) in answers {
                add(transaction, answer, *is_known)?;
                let key = (answer.domain.as_str(), integer(MAX_WITHHELD_OF_DOMAIN));
                transaction.prepare(TRIM_DOMAIN)?.execute(key)?;
            }
            transaction.execute(TRIM_UNKNOWN, [integer(MAX_WITHHELD_UNKNOWN)])?;
            transaction.execute(TRIM_ALL, [integer(MAX_WITHHELD)])?;
            Ok(())
        })
    }

    /// The answers about a domain, the oldest first. What cannot be read is not there.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn of(&self, domain: &PolicyDomain) -> Result<Vec<WithheldAnswer>, CacheError> {
        let rows = self.database.read(|connection| {
            let mut statement = connection.prepare(OF_DOMAIN)?;
            let rows = statement.query_map([domain.as_str()], |row| Ok(understand(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(rows.unwrap_or_default().into_iter().flatten().collect())
    }
}

fn add(transaction: &Transaction<'_>, answer: &WithheldAnswer, is_known: bool) -> rusqlite::Result<()> {
    let (domain, host) = (answer.domain.as_str(), answer.host.as_ref().map_or("", MxHost::as_str));
    let (verdict, reason) = (answer.verdict.word(), answer.reason.word());
    let again = transaction.prepare(AGAIN)?.execute(named_params! {
        ":domain": domain, ":host": host, ":asker": answer.asker, ":verdict": verdict, ":reason": reason,
        ":last": integer(answer.last.0), ":times": integer(answer.times), ":known": i64::from(is_known),
        ":since": integer(answer.first.0.saturating_sub(WITHHELD_TOGETHER)),
    })?;
    if again == 0 {
        transaction.prepare(INSERT)?.execute(named_params! {
            ":domain": domain, ":host": host, ":asker": answer.asker, ":verdict": verdict, ":reason": reason,
            ":first": integer(answer.first.0), ":last": integer(answer.last.0), ":times": integer(answer.times),
            ":known": i64::from(is_known),
        })?;
    }
    Ok(())
}

fn understand(row: &Row<'_>) -> Option<WithheldAnswer> {
    let number = |column| row.get::<_, i64>(column).ok().and_then(|number| u64::try_from(number).ok());
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let host = match text(1)? {
        "" => None,
        host => Some(MxHost::from_text(host).ok()?),
    };
    Some(WithheldAnswer {
        domain: PolicyDomain::parse(text(0)?).ok()?,
        host,
        asker: ["exim", "postfix"].into_iter().find(|asker| text(2) == Some(asker))?.to_owned(),
        verdict: [Verdict::Defer, Verdict::Refuse]
            .into_iter()
            .find(|verdict| text(3) == Some(verdict.word()))?,
        reason: Reason::ALL.into_iter().find(|reason| text(4) == Some(reason.word()))?,
        first: UnixTime(number(5)?),
        last: UnixTime(number(6)?),
        times: number(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn beside(directory: &TempDir, now: UnixTime) -> WithheldAnswers {
        WithheldAnswers::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, now)
    }

    fn answer(domain: &str, reason: Reason, at: u64) -> WithheldAnswer {
        WithheldAnswer {
            domain: PolicyDomain::parse(domain).unwrap(),
            host: MxHost::from_text("mx.example.org").ok(),
            asker: "exim".to_owned(),
            verdict: Verdict::Defer,
            reason,
            first: UnixTime(at),
            last: UnixTime(at),
            times: 1,
        }
    }

    fn of(directory: &TempDir, domain: &str) -> Vec<(Reason, u64, u64, u64)> {
        let all = beside(directory, NOW).read_only().of(&PolicyDomain::parse(domain).unwrap()).unwrap();
        all.into_iter().map(|one| (one.reason, one.first.0, one.last.0, one.times)).collect()
    }

    #[test]
    fn what_is_said_again_soon_is_counted_and_what_is_said_later_is_a_line_of_its_own() {
        let directory = TempDir::new().unwrap();
        // Six hours after the last time it is still the same, and a second more is another one.
        let soon = NOW.0 + 100 + 21_600;
        let later = soon + 21_601;
        for at in [NOW.0, NOW.0 + 100, soon, later] {
            beside(&directory, UnixTime(at)).add(&[(answer("a.test", Reason::Deadline, at), false)]).unwrap();
        }
        beside(&directory, NOW).add(&[(answer("a.test", Reason::DnssecBogus, NOW.0 + 7), false)]).unwrap();
        let expected = [
            (Reason::Deadline, NOW.0, soon, 3),
            (Reason::DnssecBogus, NOW.0 + 7, NOW.0 + 7, 1),
            (Reason::Deadline, later, later, 1),
        ];
        assert_eq!(of(&directory, "a.test"), expected);
        assert_eq!(of(&directory, "b.test"), []);
        let whole = beside(&directory, NOW).of(&PolicyDomain::parse("a.test").unwrap()).unwrap();
        assert_eq!(whole[1], answer("a.test", Reason::DnssecBogus, NOW.0 + 7));
    }

    #[test]
    fn whoever_makes_up_domains_pushes_out_nobody_elses_rows() {
        let directory = TempDir::new().unwrap();
        beside(&directory, NOW).add(&[(answer("known.test", Reason::Deadline, NOW.0), true)]).unwrap();
        let many: Vec<_> = (0..MAX_WITHHELD_UNKNOWN + 500)
            .map(|number| (answer(&format!("d{number}.test"), Reason::Deadline, NOW.0 + 1), false))
            .collect();
        beside(&directory, NOW).add(&many).unwrap();
        assert_eq!(of(&directory, "known.test").len(), 1);
        let file = rusqlite::Connection::open(directory.path().join("cache.withheld.db")).unwrap();
        let rows: i64 = file.query_row("SELECT count(*) FROM withheld", [], |row| row.get(0)).unwrap();
        assert_eq!(u64::try_from(rows), Ok(MAX_WITHHELD_UNKNOWN + 1));
        let one = (0..MAX_WITHHELD_OF_DOMAIN + 20).map(|number| {
            let at = NOW.0 + number * (WITHHELD_TOGETHER + 1);
            (answer("e.test", Reason::Deadline, at), true)
        });
        beside(&directory, NOW).add(&one.collect::<Vec<_>>()).unwrap();
        assert_eq!(u64::try_from(of(&directory, "e.test").len()), Ok(MAX_WITHHELD_OF_DOMAIN));
    }

    #[test]
    fn what_is_long_over_is_forgotten_and_a_row_that_this_program_would_not_write_is_not_there() {
        let directory = TempDir::new().unwrap();
        beside(&directory, NOW).add(&[(answer("a.test", Reason::Deadline, NOW.0), true)]).unwrap();
        let later = NOW.plus(WITHHELD_KEPT + 1);
        beside(&directory, later).add(&[(answer("b.test", Reason::Deadline, later.0), true)]).unwrap();
        assert_eq!((of(&directory, "a.test").len(), of(&directory, "b.test").len()), (0, 1));
        let file = rusqlite::Connection::open(directory.path().join("cache.withheld.db")).unwrap();
        for (change, back) in [
            ("UPDATE withheld SET reason = 'x'", "UPDATE withheld SET reason = 'deadline'"),
            ("UPDATE withheld SET host = 'a b'", "UPDATE withheld SET host = ''"),
            ("UPDATE withheld SET verdict = 'deliver'", "UPDATE withheld SET verdict = 'defer'"),
            ("UPDATE withheld SET asker = 'nobody'", "UPDATE withheld SET asker = 'exim'"),
        ] {
            file.execute(change, []).unwrap();
            assert_eq!(of(&directory, "b.test"), [], "{change}");
            file.execute(back, []).unwrap();
            assert_eq!(of(&directory, "b.test").len(), 1, "{back}");
        }
    }
}
