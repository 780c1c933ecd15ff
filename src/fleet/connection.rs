//! One connection to the database, and what is said on it. Each statement has its deadline, and each reply its bound.

use super::keys::{Keys, password};
use super::tls::{Allowance, Tls};
use super::trouble::{Failed, Trouble};
use super::{VERSION, witness::Witnesses};
use crate::cache::{Fingerprint, Heard};
use crate::config::{DatabaseHost, Fleet, Proof};
use crate::dns::{Content, Question, Resolve};
use crate::limits::{
    FLEET_CONNECT_DEADLINE, FLEET_LOCK_MOST, FLEET_STATEMENT_DEADLINE, FLEET_STATEMENT_MOST,
    MAX_DECREES_KEPT, MAX_POLICY_HOST_ADDRESSES,
};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
use crate::time::UnixTime;
use futures_util::future::poll_fn;
use hickory_proto::rr::{RData, RecordType};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Row};

const STANDING: &str = "SELECT version, oldest_reader, id::text, (SELECT last_value FROM fleet.change),
    floor(extract(epoch FROM clock_timestamp()))::bigint,
    to_regprocedure('fleet.seen(text, bytea, bigint, bigint, bigint, bigint, bigint, text, bigint)') IS NOT NULL FROM fleet.fleet_schema";

const CHANGES: &str =
    "SELECT change, fingerprint, domain, mechanism, record, body, authentication, fetched_at, expires_at,
    applied_at, witness FROM fleet.policy WHERE change > $1 ORDER BY change LIMIT $2";

const OFFER: &str = "SELECT outcome FROM fleet.offer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ORDER BY place";

const SEEN: &str = "SELECT fleet.seen($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const DECREES: &str =
    "SELECT number, statement, signature FROM fleet.decree WHERE number > $1 ORDER BY number LIMIT $2";

const LAST_DECREE: &str = "SELECT coalesce(max(number), 0) FROM fleet.decree";

const LAY_DOWN: &str = "SELECT fleet.lay_down($1, $2, $3, $4, $5)";

const FORGET: &str = "SELECT fleet.forget($1)";

/// One connection.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    driver: JoinHandle<()>,
    allowance: Allowance,
    /// Told when another host says that something changed.
    pub woken: Arc<Notify>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Which store it is, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Its id.
    pub id: String,
    /// The version of its schema.
    pub version: i32,
    /// The number of its last change.
    pub change: u64,
    /// Its clock.
    pub now: UnixTime,
}

/// How a host is, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignOfLife {
    /// What it has not offered yet.
    pub outbox: u64,
    /// Since when the oldest of that waits.
    pub outbox_since: Option<UnixTime>,
    /// The change up to which it has read.
    pub change: u64,
    /// Policies that it should have fetched again by now.
    pub overdue: u64,
    /// What was the matter with the database last, and when.
    pub trouble: Option<(UnixTime, String)>,
}

/// Some changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Those that were learnt under this host's circumstances and can be read, in order.
    pub heard: Vec<Heard>,
    /// The number of the last one; `None` if there are no more.
    pub last: Option<u64>,
    /// How many there were.
    pub rows: usize,
    /// How many say what no host of this program writes.
    pub refused: u64,
}

impl Connection {
    /// Connects to the first of the servers that can be written to. Names are asked of `dns`; the files are read as they are now.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(fleet: &Fleet, dns: &impl Resolve) -> Result<Self, Trouble> {
        let allowance = Allowance::default();
        let tls = Tls::of(fleet, allowance.clone())?;
        let mut config = Config::new();
        config
            .user(&fleet.role)
            .dbname(&fleet.database)
            .application_name("smtp-sts-verify")
            .ssl_mode(SslMode::Require)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(FLEET_CONNECT_DEADLINE)
            .tcp_user_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(2))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(2);
        match &fleet.proof {
            // Without the binding a password would be shown to whoever asks for it in the clear.
            Proof::Password(path) => {
                config.password(password(path)?).channel_binding(ChannelBinding::Require)
            }
            Proof::Certificate(..) => config.channel_binding(ChannelBinding::Disable),
        };
        let mut number = 0_u32;
        for host in &fleet.hosts {
            for address in addresses(host, dns).await {
                config.host(&host.name).hostaddr(address).port(host.port);
                number += 1;
            }
        }
        if number == 0 {
            return Err(Trouble::Away("DNS has no address for any of the hosts".to_owned()));
        }
        allowance.renew();
        let connecting = timeout(FLEET_CONNECT_DEADLINE * 2 * number, config.connect(tls));
        let connected =
            connecting.await.map_err(|_| Trouble::Away("it does not answer in time".to_owned()))?;
        let (client, mut connection) = connected.map_err(|error| Trouble::of(&error))?;
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    wake.notify_one();
                }
            }
        });
        Ok(Self { client, driver, allowance, woken })
    }

    /// Which store it is; whether it can be used.
    ///
    /// # Errors
    /// [`Trouble`], [`Trouble::Newer`] among it.
    pub async fn standing(&self) -> Result<StoreState, Trouble> {
        let rows = self.ask(STANDING, &[]).await?;
        let row = rows.first().ok_or_else(|| Trouble::Away("its table fleet_schema is empty".to_owned()))?;
        let oldest: i32 = get(row, 1)?;
        if oldest > VERSION {
            return Err(Trouble::Newer(oldest));
        }
        let version: i32 = get(row, 0)?;
        if version < VERSION {
            return Err(Trouble::older(version));
        }
        // This version had less in it before it was released; of a later one that this program may use, its own word is enough.
        if version == VERSION && !get::<bool>(row, 5)? {
            return Err(Trouble::of_an_earlier_build(version));
        }
        let id: String = get(row, 2)?;
        if !is_uuid(&id) {
            return Err(Trouble::Away("the id of its store is none that `fleet schema` gives".to_owned()));
        }
        Ok(StoreState { version, id, change: unsigned(get(row, 3)?), now: UnixTime(unsigned(get(row, 4)?)) })
    }

    /// Has the server give up what this host no longer waits for: a statement that hangs, or one that waits for another's lock. A pooler in between, or
    /// another engine, may refuse: then it goes on there.
    pub async fn bound(&self) {
        let most = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}",
            FLEET_STATEMENT_MOST.as_millis(),
            FLEET_LOCK_MOST.as_millis()
        );
        let _refused = self.within(self.client.batch_execute(&most)).await;
    }

    /// Wakes the other hosts: something changed. It is a hint only, in a statement of its own: where the server's queue is full, or a pooler refuses, they
    /// find it within seconds by looking, and what was written stays.
    pub async fn wake_others(&self) {
        let _refused = self.within(self.client.batch_execute("NOTIFY smtp_sts_fleet")).await;
    }

    /// Has the server wake this host when something changed. A pooler in between, or another engine, may refuse: then it is found by looking.
    pub async fn listen(&self) {
        let _refused = self.within(self.client.batch_execute("LISTEN smtp_sts_fleet")).await;
    }

    /// The changes after that one, at most so many.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn changes(
        &self,
        after: u64,
        most: usize,
        store: &str,
        here: Fingerprint,
        (witnesses, me): (&Witnesses, &str),
    ) -> Result<Page, Trouble> {
        let (after, most) = (signed(after), i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.ask(CHANGES, &[(&after, Type::INT8), (&most, Type::INT8)]).await?;
        let mut page = Page { rows: rows.len(), ..Page::default() };
        for row in &rows {
            page.last = Some(unsigned(get(row, 0)?));
            let fingerprint: &[u8] = get(row, 1)?;
            if fingerprint != here.as_bytes() {
                continue;
            }
            match understand(row) {
                Some((policy, words)) => {
                    let believed = witnesses.believed(store, here, policy, &words, me);
                    page.heard.extend(believed.map(|(policy, witnesses)| Heard { policy, witnesses }));
                }
                None => page.refused += 1,
            }
        }
        Ok(page)
    }

    /// Offers policies, each with this host's signature; what became of each, in order.
    ///
    /// # Errors
    /// [`Trouble`]: whether they are there nobody knows, and offering them again does no harm.
    pub async fn offer(
        &self,
        policies: &[StoredPolicy],
        here: Fingerprint,
        keys: &Keys,
        store: &str,
    ) -> Result<Vec<String>, Trouble> {
        let texts: Vec<String> = policies.iter().map(|one| one.policy.to_text()).collect();
        let parts = texts.iter().map(|text| match text.split_once('\n') {
            Some((record, body)) => (record, Some(body)),
            None => (text.as_str(), None),
        });
        let (records, bodies): (Vec<&str>, Vec<Option<&str>>) = parts.unzip();
        let domains: Vec<&str> = policies.iter().map(|one| one.domain.as_str()).collect();
        let fingerprints: Vec<&[u8]> = policies.iter().map(|_| here.as_bytes()).collect();
        let mechanisms: Vec<&str> = policies.iter().map(|one| one.policy.dialect().word()).collect();
        let authentications: Vec<&str> = policies.iter().map(|one| one.authentication.word()).collect();
        let fetched: Vec<i64> = policies.iter().map(|one| signed(one.fetched_at.0)).collect();
        let expires: Vec<i64> = policies.iter().map(|one| signed(one.expires_at.0)).collect();
        let applied: Vec<Option<i64>> =
            policies.iter().map(|one| one.applied_at.map(|at| signed(at.0))).collect();
        let signatures: Vec<String> = policies.iter().map(|one| keys.signer.sign(store, here, one)).collect();
        let rows = self
            .ask(
                OFFER,
                &[
                    (&domains, Type::TEXT_ARRAY),
                    (&fingerprints, Type::BYTEA_ARRAY),
                    (&mechanisms, Type::TEXT_ARRAY),
                    (&records, Type::TEXT_ARRAY),
                    (&bodies, Type::TEXT_ARRAY),
                    (&authentications, Type::TEXT_ARRAY),
                    (&fetched, Type::INT8_ARRAY),
                    (&expires, Type::INT8_ARRAY),
                    (&applied, Type::INT8_ARRAY),
                    (&signatures, Type::TEXT_ARRAY),
                ],
            )
            .await?;
        let outcomes: Vec<String> = rows.iter().map(|row| get(row, 0)).collect::<Result<_, _>>()?;
        // One more who says the same is news, too.
        if outcomes.iter().any(|outcome| outcome == "stored" || outcome == "same") {
            self.wake_others().await;
        }
        Ok(outcomes)
    }

    /// Shows that this host is there, and how it is; the time there.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn seen(
        &self,
        here: Fingerprint,
        now: UnixTime,
        sign: &SignOfLife,
    ) -> Result<UnixTime, Trouble> {
        let (version, here) = (env!("SMTP_STS_VERIFY_VERSION"), here.as_bytes());
        let (now, outbox, change) = (signed(now.0), signed(sign.outbox), signed(sign.change));
        let (since, overdue) = (sign.outbox_since.map(|at| signed(at.0)), signed(sign.overdue));
        let trouble_at = sign.trouble.as_ref().map(|(at, _)| signed(at.0));
        let trouble = sign.trouble.as_ref().map(|(_, why)| why.chars().take(300).collect::<String>());
        let parameters: [(&(dyn ToSql + Sync), Type); 9] = [
            (&version, Type::TEXT),
            (&here, Type::BYTEA),
            (&now, Type::INT8),
            (&outbox, Type::INT8),
            (&change, Type::INT8),
            (&since, Type::INT8),
            (&overdue, Type::INT8),
            (&trouble, Type::TEXT),
            (&trouble_at, Type::INT8),
        ];
        let rows = self.ask(SEEN, &parameters).await?;
        let there = rows.first().ok_or_else(|| Trouble::Away("it does not tell its time".to_owned()))?;
        Ok(UnixTime(unsigned(get(there, 0)?)))
    }

    /// The decrees after that number: number, words, signature. Whether they count is told by their signatures alone.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn decrees(&self, after: u64) -> Result<Vec<(u64, String, Vec<u8>)>, Trouble> {
        let (after, most) = (signed(after), i64::try_from(MAX_DECREES_KEPT).unwrap_or(i64::MAX));
        let rows = self.ask(DECREES, &[(&after, Type::INT8), (&most, Type::INT8)]).await?;
        rows.iter().map(|row| Ok((unsigned(get(row, 0)?), get(row, 1)?, get(row, 2)?))).collect()
    }

    /// The number of the last decree.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn last_decree(&self) -> Result<u64, Trouble> {
        let rows = self.ask(LAST_DECREE, &[]).await?;
        rows.first().map_or(Ok(0), |row| get(row, 0).map(unsigned))
    }

    /// Lays down a decree, and takes out of the store what was learnt about the domain that it purges until then.
    ///
    /// # Errors
    /// [`Trouble`], also if there is one of that number.
    pub async fn lay_down(
        &self,
        number: u64,
        statement: &str,
        signature: &[u8],
        purged: Option<&PolicyDomain>,
        until: UnixTime,
    ) -> Result<(), Trouble> {
        let (number, until, domain) = (signed(number), signed(until.0), purged.map(PolicyDomain::as_str));
        let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
            (&number, Type::INT8),
            (&statement, Type::TEXT),
            (&signature, Type::BYTEA),
            (&domain, Type::TEXT),
            (&until, Type::INT8),
        ];
        self.ask(LAY_DOWN, &parameters).await?;
        self.wake_others().await;
        Ok(())
    }

    /// Takes a host off the list of those that are there; whether it was on it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn forget(&self, host: &str) -> Result<bool, Trouble> {
        let rows = self.ask(FORGET, &[(&host, Type::NAME)]).await?;
        rows.first().map_or(Ok(false), |row| get(row, 0))
    }

    pub(super) async fn ask(
        &self,
        statement: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Trouble> {
        self.ask_to_write(statement, parameters).await.map_err(Trouble::from)
    }

    /// The same of what writes, for whoever has to know whether it can have been done.
    pub(super) async fn ask_to_write(
        &self,
        statement: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failed> {
        self.within(self.client.query_typed(statement, parameters)).await
    }

    /// Whether it has ended, so that nothing leaves on it any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.client.is_closed()
    }

    async fn within<T>(
        &self,
        asking: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failed> {
        self.allowance.renew();
        match timeout(FLEET_STATEMENT_DEADLINE, asking).await {
            Ok(done) => done.map_err(|error| Failed::of(&error)),
            Err(_) => Err(Failed::Unknown(Trouble::Slow)),
        }
    }
}

/// Where a server is.
async fn addresses(host: &DatabaseHost, dns: &impl Resolve) -> Vec<IpAddr> {
    if let Some(address) = host.address {
        return vec![address];
    }
    let Ok(name) = MxHost::from_text(&host.name) else { return Vec::new() };
    let questions = [RecordType::AAAA, RecordType::A].map(|rtype| Question::new(&name.to_dns(), rtype));
    let mut found = Vec::new();
    for answer in dns.resolve(&questions).await {
        // Its certificate says who it is: an unsigned answer will do.
        if let Some(Content::Data(records)) = answer.outcome.content() {
            found.extend(records.iter().filter_map(|record| match record {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            }));
        }
    }
    found.truncate(MAX_POLICY_HOST_ADDRESSES);
    found
}

/// The policy in a row, and the words of those who fetched it; `None` if this program would not have written it.
fn understand(row: &Row) -> Option<(StoredPolicy, Vec<String>)> {
    let dialect = Dialect::from_word(row.try_get(3).ok()?)?;
    let (record, body): (&str, Option<&str>) = (row.try_get(4).ok()?, row.try_get(5).ok()?);
    let text = body.map_or_else(|| record.to_owned(), |body| format!("{record}\n{body}"));
    let moment = |column: usize| {
        row.try_get::<_, i64>(column).ok().and_then(|at| u64::try_from(at).ok()).map(UnixTime)
    };
    let applied_at: Option<i64> = row.try_get(9).ok()?;
    let policy = StoredPolicy {
        domain: PolicyDomain::parse(row.try_get(2).ok()?).ok()?,
        policy: Policy::from_text(dialect, &text)?,
        authentication: Authentication::from_word(row.try_get(6).ok()?)?,
        fetched_at: moment(7)?,
        expires_at: moment(8)?,
        applied_at: applied_at.map(|at| UnixTime(unsigned(at))),
    };
    Some((policy, row.try_get(10).ok()?)).filter(|(policy, _)| policy.is_possible())
}

pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, Trouble> {
    row.try_get(column).map_err(|_| Trouble::Away("what it answers is not what its schema says".to_owned()))
}

/// Whether it is a UUID as the server writes one. It stands in what is signed, in one line among others.
fn is_uuid(id: &str) -> bool {
    let is_in_place = |(at, octet): (usize, u8)| match at {
        8 | 13 | 18 | 23 => octet == b'-',
        _ => octet.is_ascii_hexdigit(),
    };
    id.len() == 36 && id.bytes().enumerate().all(is_in_place)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::is_uuid;

    #[test]
    fn the_id_of_a_store_is_a_uuid_and_nothing_else() {
        assert!(is_uuid("01234567-89ab-cdef-0123-456789abcdef"));
        for id in [
            "",
            "01234567-89ab-cdef-0123-456789abcde",
            "01234567-89ab-cdef-0123-456789abcdef0",
            "0123456789abcdef0123456789abcdef0123",
            "01234567-89ab-cdef-0123-456789abcde\n",
            "01234567-89ab-cdef-0123-456789abcdeg",
            "01234567-89ab-cdef-0123--56789abcdef",
        ] {
            assert!(!is_uuid(id), "{id:?}");
        }
    }
}
