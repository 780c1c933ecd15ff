//! What a host counted of one domain on one day, as it tells the others of its fleet; and what several told, added up. Pure.
//!
//! A sheet is JSON: `policies`, each as `[kind, mode, TLSA base domain, text]` (`null`: there was no room for the text), and `rows`, each as `[number of
//! its policy, host, address, our address, greeting, result, code, sessions]`, where what is not told apart is an empty text. Whoever writes one may be a
//! stranger: what this program would not write is no sheet.

use super::helo::Helo;
use super::session::Ended;
use super::tally::{Applied, Day, Row};
use super::text::PolicyText;
use crate::limits::{
    MAX_FLEET_SHEET_OCTETS, MAX_FLEET_SHEET_SESSIONS, MAX_FLEET_SHEET_TEXTS, MAX_REPORT_ROWS_PER_DOMAIN,
    MAX_REPORTED_TEXTS_OF_DOMAIN,
};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::reason_code::ReasonCode;
use crate::policy::{Mode, PolicyType};
use crate::text::Json;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most that a number of I-JSON may be (RFC 7493 section 2.2).
const MOST: u64 = 9_007_199_254_740_991;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    policies: Vec<(String, String, String, Option<String>)>,
    rows: Vec<Counted>,
}

type Counted = (usize, String, String, String, String, String, String, u64);

/// What was counted of one domain on one day, in at most [`MAX_FLEET_SHEET_OCTETS`]: where that is too much, texts are left out first, and then nothing
/// is told of single hosts. No session is lost.
#[must_use]
pub fn write(rows: &[(Row, u64)]) -> String {
    let mut bounded = Sum { texts_left: MAX_FLEET_SHEET_TEXTS / 2, ..Sum::default() };
    rows.iter().for_each(|(row, sessions)| bounded.add(row.clone(), *sessions));
    let mut rows = bounded.rows;
    for has_bases in [true, false] {
        let whole = told(&rows);
        if whole.len() <= MAX_FLEET_SHEET_OCTETS {
            return whole;
        }
        let mut alike: BTreeMap<Row, u64> = BTreeMap::new();
        for (row, sessions) in rows {
            let row = row.among_others();
            let base = row.policy.base.filter(|_| has_bases);
            let policy = Applied { text: shortened(&row.policy.text), base, ..row.policy };
            let all = alike.entry(Row { policy, ..row }).or_default();
            *all = all.saturating_add(sessions);
        }
        rows = alike;
    }
    told(&rows)
}

fn shortened(text: &PolicyText) -> PolicyText {
    match text {
        PolicyText::Whole(_) => PolicyText::LeftOut,
        PolicyText::Nothing | PolicyText::LeftOut => text.clone(),
    }
}

fn told(rows: &BTreeMap<Row, u64>) -> String {
    let mut policies: Vec<&Applied> = rows.keys().map(|row| &row.policy).collect();
    policies.sort();
    policies.dedup();
    let counted = |(row, sessions): (&Row, &u64)| {
        let place = policies.binary_search(&&row.policy).unwrap_or(0);
        let (host, helo) = (row.host.as_ref().map(MxHost::as_str), row.helo.as_ref().map(Helo::as_str));
        let address =
            |address: Option<std::net::IpAddr>| address.map(|one| one.to_string()).unwrap_or_default();
        let code = row.code.map(|code| code.to_string()).unwrap_or_default();
        (
            place,
            host.unwrap_or_default().to_owned(),
            address(row.address),
            address(row.from),
            helo.unwrap_or_default().to_owned(),
            row.ended.word().to_owned(),
            code,
            *sessions,
        )
    };
    let policy = |policy: &&Applied| {
        let base = policy.base.as_ref().map_or("", MxHost::as_str).to_owned();
        let text = match &policy.text {
            PolicyText::Nothing => Some(String::new()),
            PolicyText::LeftOut => None,
            PolicyText::Whole(text) => Some(text.as_str().to_owned()),
        };
        (policy.kind.word().to_owned(), policy.mode.word().to_owned(), base, text)
    };
    let sheet =
        Sheet { policies: policies.iter().map(policy).collect(), rows: rows.iter().map(counted).collect() };
    // All of it is text and numbers, so that it can be written.
    serde_json::to_value(&sheet).map(|value| Json(&value).to_string()).unwrap_or_default()
}

/// What stands in a sheet about that domain and day; `None` for one that this program would not have written.
#[must_use]
pub fn read(text: &str, day: Day, domain: &PolicyDomain) -> Option<Vec<(Row, u64)>> {
    if text.len() > MAX_FLEET_SHEET_OCTETS {
        return None;
    }
    let sheet: Sheet = serde_json::from_str(text).ok()?;
    let policies = sheet.policies.into_iter().map(|(kind, mode, base, text)| {
        Some(Applied {
            kind: PolicyType::from_word(&kind)?,
            mode: Mode::from_word(&mode)?,
            base: optional(&base, |base| MxHost::from_text(base).ok())?,
            text: text.map_or(PolicyText::LeftOut, |text| PolicyText::of(&text)),
        })
    });
    let policies: Vec<Applied> = policies.collect::<Option<_>>()?;
    let row = |(place, host, address, from, helo, ended, code, sessions): Counted| {
        let row = Row {
            day,
            domain: domain.clone(),
            policy: policies.get(place)?.clone(),
            host: optional(&host, |host| MxHost::from_text(host).ok())?,
            address: optional(&address, |address| address.parse().ok())?,
            from: optional(&from, |from| from.parse().ok())?,
            helo: optional(&helo, Helo::parse)?,
            ended: Ended::from_word(&ended)?,
            code: optional(&code, ReasonCode::from_word)?,
        };
        (sessions <= MAX_FLEET_SHEET_SESSIONS).then_some((row, sessions))
    };
    sheet.rows.into_iter().map(row).collect()
}

/// What an empty text stands for, or what it says; `None` if that is nothing.
fn optional<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

/// What several hosts counted, added up. Its bounds are those of one host's own counts: beyond them hosts are not told apart, and texts left out.
#[derive(Debug)]
pub struct Sum {
    rows: BTreeMap<Row, u64>,
    texts: BTreeSet<PolicyText>,
    texts_left: usize,
}

impl Default for Sum {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), texts: BTreeSet::new(), texts_left: MAX_FLEET_SHEET_TEXTS }
    }
}

impl Sum {
    /// Adds so many sessions.
    pub fn add(&mut self, row: Row, sessions: u64) {
        let row = if self.has_room_for(&row.policy.text) {
            row
        } else {
            Row { policy: Applied { text: PolicyText::LeftOut, ..row.policy }, ..row }
        };
        let most = usize::try_from(MAX_REPORT_ROWS_PER_DOMAIN).unwrap_or(usize::MAX);
        let is_told_apart = self.rows.contains_key(&row) || self.rows.len() < most;
        let row = if is_told_apart { row } else { row.among_others() };
        let all = self.rows.entry(row).or_default();
        *all = all.saturating_add(sessions).min(MOST);
    }

    fn has_room_for(&mut self, text: &PolicyText) -> bool {
        let PolicyText::Whole(whole) = text else { return true };
        if self.texts.contains(text) {
            return true;
        }
        let octets = whole.as_str().len();
        let has_room = self.texts.len() < MAX_REPORTED_TEXTS_OF_DOMAIN && octets <= self.texts_left;
        if has_room {
            self.texts_left = self.texts_left.saturating_sub(octets);
            self.texts.insert(text.clone());
        }
        has_room
    }

    /// The rows, in their order.
    #[must_use]
    pub fn into_rows(self) -> Vec<(Row, u64)> {
        self.rows.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
