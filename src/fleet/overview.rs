//! What the store tells of itself and of the fleet, for pages and doctors: by keys, indexes and the database's own estimates, never by walking through a table.

use super::connection::{Connection, get, unsigned};
use super::trouble::Trouble;
use crate::limits::MAX_FLEET_WEAKENED;
use crate::policy::Authentication;
use crate::time::UnixTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

const SERVER: &str = "SELECT coalesce(host(inet_server_addr()), '-'), coalesce(inet_server_port(), 0)";

/// By the index of such events.
const WEAKENED: &str =
    "SELECT domain, host::text, coalesce(before, '-'), coalesce(after, '-'), floor(extract(epoch FROM at))::bigint,
    (SELECT coalesce(max(cardinality(p.witness)), 0)::bigint FROM fleet.policy AS p
        WHERE (p.domain, p.fingerprint, p.mechanism) = (h.domain, h.fingerprint, h.mechanism))
    FROM fleet.history AS h WHERE event = 'weakened' AND at > now() - interval '24 hours' ORDER BY at DESC LIMIT $1";

/// As far as the database has looked at samples of the table.
const BY_AUTHENTICATION: &str = "SELECT m.word, (m.share * greatest(c.reltuples, 0))::bigint
    FROM pg_stats AS s, pg_class AS c, unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS m(word, share)
    WHERE (s.schemaname, s.tablename, s.attname) = ('fleet', 'policy', 'authentication') AND c.oid = 'fleet.policy'::regclass LIMIT 10";

const RIGHTS: &str = "SELECT
    EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fleet_host' AND pg_has_role(session_user, oid, 'MEMBER')),
    EXISTS (SELECT 1 FROM pg_roles WHERE rolname IN ('fleet_operator', 'fleet_owner') AND pg_has_role(session_user, oid, 'MEMBER')),
    (SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = session_user),
    has_database_privilege(current_database(), 'TEMP'),
    EXISTS (SELECT 1 FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE') AND nspname !~ '^pg_'),
    EXISTS (SELECT 1 FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = 'lo_create' AND has_function_privilege(oid, 'EXECUTE'))";

const HOSTS: &str =
    "SELECT name::text, version, fingerprint, floor(extract(epoch FROM clock_timestamp() - seen_at))::bigint,
    clock_offset, outbox, applied_change FROM fleet.host ORDER BY name LIMIT 1000";

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
            let fingerprint: Vec<u8> = get(row, 2)?;
            Ok(Host {
                name: get(row, 0)?,
                version: get(row, 1)?,
                fingerprint: data_encoding::HEXLOWER.encode(&fingerprint),
                unseen_for: unsigned(get(row, 3)?),
                clock_offset: get(row, 4)?,
                outbox: unsigned(get(row, 5)?),
                applied_change: unsigned(get(row, 6)?),
            })
        };
        self.ask(HOSTS, &[]).await?.iter().map(host).collect()
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
        let (address, port): (String, i32) = (get(row, 0)?, get(row, 1)?);
        Ok(format!("{address} port {port}"))
    }

    /// The policies of the last 24 hours that protect less than those before them, the newest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn weakened(&self) -> Result<Vec<Weakened>, Trouble> {
        let one = |row: &Row| {
            Ok(Weakened {
                domain: get(row, 0)?,
                host: get(row, 1)?,
                before: get(row, 2)?,
                after: get(row, 3)?,
                at: UnixTime(unsigned(get(row, 4)?)),
                roles: unsigned(get(row, 5)?),
            })
        };
        self.ask(WEAKENED, &[(&MAX_FLEET_WEAKENED, Type::INT8)]).await?.iter().map(one).collect()
    }

    /// About how many policies there are of each authentication, as far as the database knows.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn by_authentication(&self) -> Result<Vec<(Authentication, u64)>, Trouble> {
        let rows = self.ask(BY_AUTHENTICATION, &[]).await?;
        let mut all = Vec::new();
        for row in &rows {
            let word: &str = get(row, 0)?;
            all.extend(Authentication::from_word(word).zip(Some(unsigned(get(row, 1)?))));
        }
        Ok(all)
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
