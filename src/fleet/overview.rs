//! What the store tells of itself and of the fleet, for pages and doctors: by keys, indexes and the database's own estimates, never by walking through a table.

use super::connection::{Connection, get, unsigned};
use super::trouble::Trouble;
use crate::limits::{
    MAX_FLEET_HOSTS_SEEN, MAX_FLEET_REPORTS_COUNTED, MAX_FLEET_ROLE_SEEN, MAX_FLEET_TEXT_SEEN,
    MAX_FLEET_WEAKENED,
};
use crate::policy::Authentication;
use crate::reports::tally::Day;
use crate::time::UnixTime;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

const SERVER: &str = "SELECT coalesce(host(inet_server_addr()), '-'), coalesce(inet_server_port(), 0)";

/// By the index of such events.
const WEAKENED: &str =
    "SELECT domain, host::text, left(coalesce(before, '-'), 80), left(coalesce(after, '-'), 80), floor(extract(epoch FROM at))::bigint,
    (SELECT coalesce(max(cardinality(p.witness)), 0)::bigint FROM fleet.policy AS p
        WHERE (p.domain, p.fingerprint, p.mechanism) = (h.domain, h.fingerprint, h.mechanism))
    FROM fleet.history AS h WHERE event = 'weakened' AND at > now() - interval '24 hours' ORDER BY at DESC LIMIT $1";

/// As far as the database has looked at samples of the table.
const BY_KIND: &str = "SELECT s.attname::text, m.word, (m.share * greatest(c.reltuples, 0))::bigint
    FROM pg_stats AS s, pg_class AS c, unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS m(word, share)
    WHERE (s.schemaname, s.tablename) = ('fleet', 'policy') AND s.attname IN ('authentication', 'demand')
    AND c.oid = 'fleet.policy'::regclass ORDER BY 1, 3 DESC, 2 LIMIT 10";

const RIGHTS: &str = "SELECT
    EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fleet_host' AND pg_has_role(session_user, oid, 'MEMBER')),
    EXISTS (SELECT 1 FROM pg_roles WHERE rolname IN ('fleet_operator', 'fleet_owner') AND pg_has_role(session_user, oid, 'MEMBER')),
    (SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = session_user),
    has_database_privilege(current_database(), 'TEMP'),
    EXISTS (SELECT 1 FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE') AND nspname !~ '^pg_'),
    EXISTS (SELECT 1 FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = 'lo_create' AND has_function_privilege(oid, 'EXECUTE'))";

const HOSTS: &str =
    "SELECT name::text, version, fingerprint, floor(extract(epoch FROM clock_timestamp() - seen_at))::bigint,
    clock_offset, outbox, applied_change, outbox_since, overdue, trouble, trouble_at FROM fleet.host ORDER BY name LIMIT 1000";

const FETCHED_TWICE: &str = "SELECT coalesce(sum(twice), 0)::bigint FROM fleet.quota";

/// The day before the server's, and which hosts that were there within a day have not handed it in.
const MISSING: &str = "SELECT y.day::bigint, coalesce(array_agg(r.host::text ORDER BY r.host) FILTER (WHERE r.host IS NOT NULL), '{}'),
    (SELECT count(*) FROM fleet.reporter)
    FROM (SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int - 1 AS day) AS y LEFT JOIN (
        SELECT one.host FROM fleet.reporter AS one WHERE one.seen_at > clock_timestamp() - interval '24 hours'
            AND NOT EXISTS (SELECT 1 FROM fleet.handed AS h
                WHERE (h.day, h.host) = (floor(extract(epoch FROM clock_timestamp()) / 86400)::int - 1, one.host) AND h.all_at IS NOT NULL)
            ORDER BY one.host LIMIT 1000) AS r ON true
    GROUP BY y.day";

/// By the key, so many rows and no more.
const REPORTS: &str = "SELECT owner::text, state, count(*) FROM (
    SELECT owner, state FROM fleet.report WHERE day = $1 ORDER BY day, domain, part LIMIT $2) AS r GROUP BY owner, state ORDER BY 1, 2";

/// By the index of such: how many domains, and how many sheets, one a host and domain, of which so many are looked at.
const UNCLAIMED: &str = "SELECT count(*), coalesce(sum(sheets), 0)::bigint FROM (SELECT count(*) AS sheets FROM (
    SELECT bucket, domain FROM fleet.sheet WHERE day = $1 AND part IS NULL AND sheet <> '' ORDER BY day, bucket, domain LIMIT $2) AS s
    GROUP BY bucket, domain) AS one";

const ESTIMATES: &str = "SELECT relname::text, greatest(reltuples, 0)::bigint FROM pg_class
    WHERE oid IN ('fleet.policy'::regclass, 'fleet.history'::regclass) ORDER BY 1";

/// A host, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its role.
    pub name: String,
    /// Its version, in its own words; not yet escaped.
    pub version: String,
    /// What it learns under.
    pub fingerprint: String,
    /// Seconds since it was seen.
    pub unseen_for: u64,
    /// Seconds by which its clock is ahead of the store's.
    pub clock_offset: i64,
    /// What it has not offered yet.
    pub outbox: u64,
    /// The change up to which it has read.
    pub applied_change: u64,
    /// Since when the oldest waits that it has not offered.
    pub outbox_since: Option<UnixTime>,
    /// Policies that it should have fetched again by now.
    pub overdue: u64,
    /// What was the matter with the database last, and when; in its own words, not yet escaped.
    pub trouble: Option<(UnixTime, String)>,
}

/// About how many policies there are of each kind, as far as the database knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// By how they are authenticated.
    pub by_authentication: Vec<(Authentication, u64)>,
    /// By what they demand: `enforce`, `testing`, `none`.
    pub by_demand: Vec<(&'static str, u64)>,
}

/// The words for what a policy demands.
const DEMANDS: [&str; 3] = ["enforce", "testing", "none"];

/// What became of a day's TLS reports, in words of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayOfReports {
    /// The day: the one before the server's.
    pub day: Day,
    /// Whether any host takes part.
    pub is_any: bool,
    /// The hosts that were there within a day and have not handed in what they counted.
    pub missing: Vec<String>,
    /// Reports that nobody has claimed yet.
    pub unclaimed: u64,
    /// Of each host that has claimed some: what became of them, and how many.
    pub claimed: Vec<(String, String, u64)>,
    /// Whether there were more than are counted.
    pub is_more: bool,
}

/// A policy that protects less than the one before it; in words of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakened {
    /// Whose.
    pub domain: String,
    /// The role that said so first.
    pub host: String,
    /// What there was.
    pub before: String,
    /// What there is.
    pub after: String,
    /// When the store heard of it.
    pub at: UnixTime,
    /// How many roles have fetched what there is.
    pub roles: u64,
}

/// What the role of a connection may do there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whether it is one of `fleet_host`.
    pub is_host: bool,
    /// What it may do that no host has to; sentences without their subject.
    pub excess: Vec<&'static str>,
}

impl Connection {
    /// The hosts that have shown themselves.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn hosts(&self) -> Result<Vec<Host>, Trouble> {
        let host = |row: &Row| {
            let fingerprint: &[u8] = get(row, 2)?;
            Ok(Host {
                name: role(get(row, 0)?),
                version: words(get(row, 1)?),
                fingerprint: data_encoding::HEXLOWER.encode(fingerprint.get(..16).unwrap_or(fingerprint)),
                unseen_for: unsigned(get(row, 3)?),
                clock_offset: get(row, 4)?,
                outbox: unsigned(get(row, 5)?),
                applied_change: unsigned(get(row, 6)?),
                outbox_since: get::<Option<i64>>(row, 7)?.map(|at| UnixTime(unsigned(at))),
                overdue: unsigned(get(row, 8)?),
                trouble: get::<Option<i64>>(row, 10)?
                    .map(|at| UnixTime(unsigned(at)))
                    .zip(get::<Option<&str>>(row, 9)?.map(words)),
            })
        };
        self.ask(HOSTS, &[]).await?.iter().take(MAX_FLEET_HOSTS_SEEN).map(host).collect()
    }

    /// About how many rows of history and of policies there are, as the database estimates it: nothing is counted.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn estimates(&self) -> Result<(u64, u64), Trouble> {
        let rows = self.ask(ESTIMATES, &[]).await?;
        let number = |at: usize| rows.get(at).map_or(Ok(0), |row| get(row, 1).map(unsigned));
        Ok((number(0)?, number(1)?))
    }

    /// To which server this is a connection, as that says itself; behind a pooler it is another one than was named.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn server(&self) -> Result<String, Trouble> {
        let rows = self.ask(SERVER, &[]).await?;
        let row = rows.first().ok_or_else(|| Trouble::Away("it does not tell where it is".to_owned()))?;
        let (address, port): (&str, i32) = (get(row, 0)?, get(row, 1)?);
        Ok(format!("{} port {port}", words(address)))
    }

    /// The policies of the last 24 hours that protect less than those before them, the newest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn weakened(&self) -> Result<Vec<Weakened>, Trouble> {
        let one = |row: &Row| {
            Ok(Weakened {
                domain: words(get(row, 0)?),
                host: role(get(row, 1)?),
                before: words(get(row, 2)?),
                after: words(get(row, 3)?),
                at: UnixTime(unsigned(get(row, 4)?)),
                roles: unsigned(get(row, 5)?),
            })
        };
        let rows = self.ask(WEAKENED, &[(&MAX_FLEET_WEAKENED, Type::INT8)]).await?;
        rows.iter().take(most(MAX_FLEET_WEAKENED)).map(one).collect()
    }

    /// About how many policies there are of each kind.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn kinds(&self) -> Result<Kinds, Trouble> {
        let rows = self.ask(BY_KIND, &[]).await?;
        let mut kinds = Kinds::default();
        for row in &rows {
            let (column, word, number): (&str, &str, i64) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
            let number = Some(unsigned(number));
            if column == "authentication" {
                kinds.by_authentication.extend(Authentication::from_word(word).zip(number));
            } else {
                kinds.by_demand.extend(DEMANDS.into_iter().find(|demand| *demand == word).zip(number));
            }
        }
        Ok(kinds)
    }

    /// How often hosts have fetched what another one had fetched within the same minute.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn fetched_twice(&self) -> Result<u64, Trouble> {
        let rows = self.ask(FETCHED_TWICE, &[]).await?;
        rows.first().map_or(Ok(0), |row| get(row, 0).map(unsigned))
    }

    /// What became of the TLS reports about the day that ended last.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn day_of_reports(&self) -> Result<DayOfReports, Trouble> {
        let rows = self.ask(MISSING, &[]).await?;
        let row = rows.first().ok_or_else(|| Trouble::Away("it does not tell its day".to_owned()))?;
        let (day, missing, reporters): (i64, Vec<&str>, i64) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let missing = missing.into_iter().take(MAX_FLEET_HOSTS_SEEN).map(role).collect();
        let number = i32::try_from(day).unwrap_or(i32::MAX);
        let key: [(&(dyn ToSql + Sync), Type); 2] =
            [(&number, Type::INT4), (&MAX_FLEET_REPORTS_COUNTED, Type::INT8)];
        let claimed = self.ask(REPORTS, &key).await?;
        let claimed: Vec<(String, String, u64)> = claimed
            .iter()
            .take(most(MAX_FLEET_REPORTS_COUNTED))
            .map(|row| Ok((role(get(row, 0)?), role(get(row, 1)?), unsigned(get(row, 2)?))))
            .collect::<Result<_, Trouble>>()?;
        let rows = self.ask(UNCLAIMED, &key).await?;
        let number = |column| rows.first().map_or(Ok(0), |row| get(row, column).map(unsigned));
        let (unclaimed, sheets) = (number(0)?, number(1)?);
        let all = claimed.iter().map(|(_, _, number)| *number).fold(0, u64::saturating_add);
        let is_more = all.max(sheets) >= unsigned(MAX_FLEET_REPORTS_COUNTED);
        Ok(DayOfReports {
            day: Day(unsigned(day)),
            is_any: reporters > 0,
            missing,
            unclaimed,
            claimed,
            is_more,
        })
    }

    /// What the role may do.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn rights(&self) -> Result<Rights, Trouble> {
        let rows = self.ask(RIGHTS, &[]).await?;
        let row =
            rows.first().ok_or_else(|| Trouble::Away("it does not tell what the role may do".to_owned()))?;
        let mut excess = Vec::new();
        for (column, words) in [
            (1, "is a member of fleet_operator or fleet_owner"),
            (2, "is a superuser, or may create roles or databases, replicate, or pass row security"),
            (3, "may create temporary tables, which fill the disk"),
            (4, "may create tables"),
            (5, "may create large objects, which fill the disk"),
        ] {
            if get::<Option<bool>>(row, column)?.unwrap_or(false) {
                excess.push(words);
            }
        }
        Ok(Rights { is_host: get(row, 0)?, excess })
    }
}

/// A role, or a word as short, as a server tells it: a server that lies tells no more than one that does not.
fn role(text: &str) -> String {
    text.chars().take(MAX_FLEET_ROLE_SEEN).collect()
}

/// Any other text, likewise.
fn words(text: &str) -> String {
    text.chars().take(MAX_FLEET_TEXT_SEEN).collect()
}

fn most(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_server_is_kept_longer_than_a_host_of_this_program_writes_it() {
        // NAMEDATALEN of PostgreSQL is 64 with the octet behind the name; left(p_trouble, 400) of src/fleet/schema.sql.
        let long = "\u{e9}".repeat(1_000_000);
        assert_eq!((role(&long).chars().count(), words(&long).chars().count()), (63, 400));
        assert_eq!((role("mx1").as_str(), words("1.2.3").as_str()), ("mx1", "1.2.3"));
    }
}
