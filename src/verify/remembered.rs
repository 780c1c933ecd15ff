//! DNS results as one line of text each, for the expendable part of the cache. Pure.
//!
//! A line that does not read back into the same types does not exist.

use super::discovery::{Candidate, Discovery};
use crate::dane::set::{TlsaSet, is_record};
use crate::dns::Class;
use crate::name::MxHost;
use crate::policy::Authentication;
use crate::policy::smtp_sts::Record;
use crate::time::UnixTime;
use crate::verdict::{Absence, Aliases, DaneFindings, DaneHost, MxFindings};

/// A discovery and what came of authenticating it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedDiscovery {
    /// What stands at the names.
    pub discovery: Discovery,
    /// How its record was authenticated, if it was.
    pub authentication: Option<Authentication>,
    /// When it was fetched.
    pub fetched_at: UnixTime,
}

const CLASSES: [Class; 2] = [Class::Secure, Class::Insecure];
const AUTHENTICATIONS: [Authentication; 2] = [Authentication::Dnssec, Authentication::WebPki];

pub(super) fn class_of(word: &str) -> Option<Class> {
    CLASSES.into_iter().find(|class| class.word() == word)
}

impl RememberedDiscovery {
    /// The line, and until when it may be believed; `None` for what is not to be remembered.
    #[must_use]
    pub fn to_line(&self) -> Option<(String, UnixTime)> {
        let at = self.fetched_at.0;
        match &self.discovery {
            Discovery::Absent(Absence::Nothing, class, until) => {
                Some((format!("nothing {at} {}", class.word()), *until))
            }
            Discovery::Absent(Absence::Malformed(why), class, until) => {
                Some((format!("malformed {at} {} {why}", class.word()), *until))
            }
            Discovery::Found(candidate) => {
                let how = self.authentication.map_or("unproven", Authentication::word);
                let class = candidate.class.word();
                Some((
                    format!("record {at} {class} {how} {}", candidate.record.as_str()),
                    candidate.valid_until,
                ))
            }
            Discovery::Absent(Absence::NotFetched(_) | Absence::Unauthenticated(_), ..)
            | Discovery::Unknown(_) => None,
        }
    }

    /// Reads the line again.
    #[must_use]
    pub fn from_line(line: &str, until: UnixTime) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (kind, at) = (words.next()?, words.next()?.parse().ok()?);
        let class = class_of(words.next()?)?;
        let rest = words.next();
        let (discovery, authentication) = match (kind, rest) {
            ("nothing", None) => (Discovery::Absent(Absence::Nothing, class, until), None),
            ("malformed", Some(why)) => {
                (Discovery::Absent(Absence::Malformed(why.to_owned()), class, until), None)
            }
            ("record", Some(rest)) => {
                let (how, text) = rest.split_once(' ')?;
                let authentication = AUTHENTICATIONS.into_iter().find(|one| one.word() == how);
                if authentication.is_none() && how != "unproven" {
                    return None;
                }
                let record = Record::parse(text).ok()?;
                (Discovery::Found(Candidate { record, class, valid_until: until }), authentication)
            }
            _ => return None,
        };
        Some(Self { discovery, authentication, fetched_at: UnixTime(at) })
    }
}

/// Where a domain's mail goes, as DNS said at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxAnswer {
    /// The hosts by preference, or that the domain takes no mail (RFC 7505).
    pub findings: MxFindings,
    /// The class of the MX answer itself.
    pub class: Class,
    /// The weakest class of what the findings rest on, their aliases included.
    pub weakest: Class,
    /// When it was asked for.
    pub asked_at: UnixTime,
}

impl MxAnswer {
    /// The line; `None` for what is not to be remembered.
    #[must_use]
    pub fn to_line(&self) -> Option<String> {
        let how = format!("{} {}", self.asked_at.0, self.class.word());
        match &self.findings {
            MxFindings::Null => Some(format!("null {how}")),
            MxFindings::Hosts { aliases: Some(Aliases { unseen: Some(_), .. }), .. } => None,
            MxFindings::Hosts { names, aliases } => {
                let mut line = format!("hosts {how}");
                for name in names {
                    line.push(' ');
                    line.push_str(name.as_str());
                }
                if let Some(aliases) = aliases {
                    line.push_str(if self.weakest == self.class { ALIASES } else { UNPROVEN_ALIASES });
                    line.extend(aliases.targets.iter().map(|(target, name)| format!(" {target}={name}")));
                }
                Some(line)
            }
            MxFindings::TooMany(..) | MxFindings::Unknown(_) => None,
        }
    }

    /// Reads the line again.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let host = |text: &str| MxHost::from_text(text).ok();
        let pair =
            |text: &str| text.split_once('=').and_then(|(target, name)| Some((host(target)?, host(name)?)));
        let split = |mark| line.split_once(mark).map(|(line, aliases)| (line, Some(aliases), mark));
        let (line, aliases, mark) =
            split(ALIASES).or_else(|| split(UNPROVEN_ALIASES)).unwrap_or((line, None, ALIASES));
        let targets =
            aliases.map(|aliases| aliases.split_ascii_whitespace().map(pair).collect::<Option<Vec<_>>>());
        let mut words = line.split(' ');
        let (kind, asked_at) = (words.next()?, UnixTime(words.next()?.parse().ok()?));
        let class = class_of(words.next()?)?;
        let findings = match (kind, targets) {
            ("null", None) => words.next().is_none().then_some(MxFindings::Null)?,
            ("hosts", targets) => {
                let names = words.map(host).collect::<Option<Vec<_>>>()?;
                let aliases = match targets {
                    None => None,
                    Some(targets) => Some(Aliases { targets: targets?, unseen: None }),
                };
                MxFindings::Hosts { names, aliases }
            }
            _ => return None,
        };
        let weakest = if mark == ALIASES { class } else { Class::Insecure };
        Some(Self { findings, class, weakest, asked_at })
    }
}

/// Before the aliases in the line of [`MxAnswer::to_line`]: of the class of the MX answer, and of a weaker one.
const ALIASES: &str = " aliases:";
const UNPROVEN_ALIASES: &str = " unproven-aliases:";

/// What a host is called in the line of [`dane_to_line`].
const DANE_HOSTS: [(DaneHost, &str); 3] =
    [(DaneHost::Absent, "absent"), (DaneHost::Unusable, "unusable"), (DaneHost::Usable, "usable")];

/// The line of what DANE says about the MX hosts; `None` for what is not to be remembered: while one host is unknown,
/// all of them are looked at again.
#[must_use]
pub fn dane_to_line(dane: &DaneFindings) -> Option<String> {
    let hosts = match dane {
        DaneFindings::Inapplicable(why) if why.contains(char::is_control) => return None,
        DaneFindings::Inapplicable(why) => return Some(format!("inapplicable {why}")),
        DaneFindings::Hosts(hosts) => hosts,
    };
    let mut line = String::from("hosts");
    for (name, dane) in hosts {
        let (_, word) = DANE_HOSTS.iter().find(|(one, _)| one == dane)?;
        line.push_str(&format!(" {name}={word}"));
    }
    Some(line)
}

/// Reads the line again.
#[must_use]
pub fn dane_from_line(line: &str) -> Option<DaneFindings> {
    let pair = |text: &str| {
        let (name, word) = text.split_once('=')?;
        let (dane, _) = DANE_HOSTS.iter().find(|(_, one)| *one == word)?;
        Some((MxHost::from_text(name).ok()?, dane.clone()))
    };
    let dane = match line.split_once(' ') {
        Some(("inapplicable", why)) => DaneFindings::Inapplicable(why.to_owned()),
        Some(("hosts", hosts)) => DaneFindings::Hosts(hosts.split(' ').map(pair).collect::<Option<_>>()?),
        None if line == "hosts" => DaneFindings::Hosts(Vec::new()),
        _ => return None,
    };
    // Only what would be written is read: no name in another spelling, no character that cannot have been there.
    (dane_to_line(&dane).as_deref() == Some(line)).then_some(dane)
}

/// What stands for records that are too long to be kept.
const LEFT_OUT: &str = "-";

/// The line of the TLSA records of hosts: `HOST BASE RECORD,RECORD`, one host behind the other, with `_` for a blank in a record.
#[must_use]
pub fn tlsa_sets_to_line(sets: &[(MxHost, TlsaSet)]) -> String {
    let words: Vec<String> = sets
        .iter()
        .map(|(host, set)| {
            let records = set.records.as_ref().map(|records| records.join(",").replace(' ', "_"));
            format!("{host} {} {}", set.base, records.as_deref().unwrap_or(LEFT_OUT))
        })
        .collect();
    words.join(" ")
}

/// Reads the line again.
#[must_use]
pub fn tlsa_sets_from_line(line: &str) -> Option<Vec<(MxHost, TlsaSet)>> {
    let words: Vec<&str> = line.split(' ').collect();
    let set = |words: &[&str]| {
        let [host, base, records] = words else { return None };
        let records = match *records {
            LEFT_OUT => None,
            records => Some(records.split(',').map(|record| record.replace('_', " ")).collect::<Vec<_>>()),
        };
        let is_whole = records.iter().flatten().all(|record| is_record(record));
        let base = MxHost::from_text(base).ok()?;
        is_whole.then_some(())?;
        Some((MxHost::from_text(host).ok()?, TlsaSet { base, records }))
    };
    let sets = words.chunks(3).map(set).collect::<Option<Vec<_>>>()?;
    (tlsa_sets_to_line(&sets) == line).then_some(sets)
}

#[cfg(test)]
mod tests;
