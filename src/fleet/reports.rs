//! What is said on the connection about TLS reports: counts that are handed in, reports that are claimed, and what became of them. The rules are the
//! server's: `reports.sql`.

use super::connection::{Connection, get};
use super::trouble::{Failed, Trouble};
use crate::limits::{FLEET_CLAIMS, FLEET_SHEETS_READ};
use crate::name::PolicyDomain;
use crate::reports::sheet::{self, Sum};
use crate::reports::tally::{Day, Row};
use tokio_postgres::types::Type;

const SEEN: &str = "SELECT fleet.report_seen($1)";

const HAND_IN: &str = "SELECT outcome FROM fleet.hand_in($1, $2, $3) ORDER BY place";

const HANDED_ALL: &str = "SELECT fleet.handed_all($1)";

const CLAIM: &str = "SELECT report_day, report_domain, report_part FROM fleet.claim_reports($1)";

/// The shortest first: whoever fills his own does not take the place of what others tell apart.
const SHEETS: &str = "SELECT sheet FROM fleet.sheet WHERE (day, domain, part) = ($1, $2, $3) AND sheet <> ''
    ORDER BY octet_length(sheet), host LIMIT $4 OFFSET $5";

const SETTLE: &str = "SELECT fleet.settle_reports($1, $2, $3, $4, $5)";

const PURGE: &str = "SELECT fleet.purge_counts($1, $2)";

/// A report that is over, in the words of the server.
struct Settled {
    day: i32,
    domain: String,
    part: i32,
    state: &'static str,
    words: String,
}

/// A report that this host has to send for its fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The day that it is about.
    pub day: Day,
    /// The domain.
    pub domain: PolicyDomain,
    /// 0, or the number of a supplement: what was handed in after the one before was claimed.
    pub part: u8,
}

/// What this host has to send for its fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The reports.
    pub reports: Vec<Claim>,
    /// Those about what is no domain, by day, name and part: nobody sends them, and they are to be settled.
    pub about_nothing: Vec<(i32, String, i32)>,
}

impl Claims {
    /// Whether there may be more.
    #[must_use]
    pub fn may_have_more(&self) -> bool {
        self.reports.len().saturating_add(self.about_nothing.len()) >= FLEET_CLAIMS
    }
}

impl Connection {
    /// Tells that this host takes part in the reports of its fleet, and whether it sends any.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn reports_here(&self, sends: bool) -> Result<(), Trouble> {
        self.ask(SEEN, &[(&sends, Type::BOOL)]).await.map(drop)
    }

    /// Hands in what was counted of domains on a day, each as a [`sheet`]; what became of each, in order.
    ///
    /// # Errors
    /// [`Failed`]: whether none of them is there, or nobody knows; handing them in again does no harm.
    pub async fn hand_in(&self, day: Day, sheets: &[(PolicyDomain, String)]) -> Result<Vec<String>, Failed> {
        let domains: Vec<&str> = sheets.iter().map(|(domain, _)| domain.as_str()).collect();
        let sheets: Vec<&str> = sheets.iter().map(|(_, sheet)| sheet.as_str()).collect();
        let rows = self
            .ask_to_write(
                HAND_IN,
                &[(&number(day), Type::INT4), (&domains, Type::TEXT_ARRAY), (&sheets, Type::TEXT_ARRAY)],
            )
            .await?;
        rows.iter().map(|row| get(row, 0).map_err(Failed::Unknown)).collect()
    }

    /// Tells that all of a day is handed in.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn handed_all(&self, day: Day) -> Result<(), Trouble> {
        self.ask(HANDED_ALL, &[(&number(day), Type::INT4)]).await.map(drop)
    }

    /// The reports that this host has to send: those that it claimed before, whose lease goes on for an hour, and [`FLEET_CLAIMS`] more at most.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn claims(&self) -> Result<Claims, Trouble> {
        let most = i32::try_from(FLEET_CLAIMS).unwrap_or(i32::MAX);
        let rows = self.ask(CLAIM, &[(&most, Type::INT4)]).await?;
        let mut claims = Claims::default();
        for row in &rows {
            let (day, name, part): (i32, &str, i32) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
            // What this program would not have handed in is not told.
            let domain = PolicyDomain::parse(name).ok().filter(|domain| domain.as_str() == name);
            match (domain, u64::try_from(day), u8::try_from(part)) {
                (Some(domain), Ok(day), Ok(part)) => {
                    claims.reports.push(Claim { day: Day(day), domain, part })
                }
                _ => claims.about_nothing.push((day, name.to_owned(), part)),
            }
        }
        Ok(claims)
    }

    /// What all hosts counted that is told in a report, added up; and how many of them said what cannot be read. `None` if the store has nothing
    /// of anybody: whoever claims a report has fixed what it tells, so that is no answer.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn counted(&self, claim: &Claim) -> Result<Option<(Vec<(Row, u64)>, u64)>, Trouble> {
        let (day, part, domain) = (number(claim.day), i16::from(claim.part), claim.domain.as_str());
        let most = i64::try_from(FLEET_SHEETS_READ).unwrap_or(i64::MAX);
        let (mut sum, mut unreadable, mut behind, mut is_any) = (Sum::default(), 0, 0_i64, false);
        loop {
            let key: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 5] = [
                (&day, Type::INT4),
                (&domain, Type::TEXT),
                (&part, Type::INT2),
                (&most, Type::INT8),
                (&behind, Type::INT8),
            ];
            let rows = self.ask(SHEETS, &key).await?;
            is_any |= !rows.is_empty();
            for row in &rows {
                match sheet::read(get(row, 0)?, claim.day, &claim.domain) {
                    Some(rows) => rows.into_iter().for_each(|(row, sessions)| sum.add(row, sessions)),
                    None => unreadable += 1,
                }
            }
            if rows.len() < FLEET_SHEETS_READ {
                return Ok(is_any.then(|| (sum.into_rows(), unreadable)));
            }
            behind = behind.saturating_add(most);
        }
    }

    /// Tells what became of reports that this host had claimed: the word of a state that is over, and the last words.
    ///
    /// # Errors
    /// [`Failed`]: telling it again does no harm.
    pub async fn settle(&self, over: &[(Claim, &'static str, String)]) -> Result<(), Failed> {
        for some in over.chunks(FLEET_CLAIMS) {
            let settled = |(claim, state, words): &(Claim, &'static str, String)| Settled {
                day: number(claim.day),
                domain: claim.domain.as_str().to_owned(),
                part: i32::from(claim.part),
                state,
                words: words.clone(),
            };
            self.settle_at_once(&some.iter().map(settled).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Tells that nobody sends these.
    ///
    /// # Errors
    /// [`Failed`]: telling it again does no harm.
    pub async fn settle_what_is_about_nothing(&self, all: &[(i32, String, i32)]) -> Result<(), Failed> {
        for some in all.chunks(FLEET_CLAIMS) {
            let settled = |(day, name, part): &(i32, String, i32)| Settled {
                day: *day,
                domain: name.clone(),
                part: *part,
                state: "unwanted",
                words: "it is about no domain".to_owned(),
            };
            self.settle_at_once(&some.iter().map(settled).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// The same of no more than the server takes at once.
    async fn settle_at_once(&self, over: &[Settled]) -> Result<(), Failed> {
        let days: Vec<i32> = over.iter().map(|one| one.day).collect();
        let domains: Vec<&str> = over.iter().map(|one| one.domain.as_str()).collect();
        let parts: Vec<i32> = over.iter().map(|one| one.part).collect();
        let states: Vec<&str> = over.iter().map(|one| one.state).collect();
        let words: Vec<&str> = over.iter().map(|one| one.words.as_str()).collect();
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 5] = [
            (&days, Type::INT4_ARRAY),
            (&domains, Type::TEXT_ARRAY),
            (&parts, Type::INT4_ARRAY),
            (&states, Type::TEXT_ARRAY),
            (&words, Type::TEXT_ARRAY),
        ];
        self.ask_to_write(SETTLE, &parameters).await.map(drop)
    }

    /// Forgets what all hosts counted of a domain up to a day; for a member of `fleet_operator`. How many rows stay, because somebody has them locked.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn purge_counts(&self, domain: &PolicyDomain, last: Day) -> Result<u64, Trouble> {
        let rows = self.ask(PURGE, &[(&domain.as_str(), Type::TEXT), (&number(last), Type::INT4)]).await?;
        let stay: i32 = rows.first().map_or(Ok(0), |row| get(row, 0))?;
        Ok(u64::try_from(stay).unwrap_or(0))
    }
}

fn number(day: Day) -> i32 {
    i32::try_from(day.0).unwrap_or(i32::MAX)
}
