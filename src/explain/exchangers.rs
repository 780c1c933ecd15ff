//! Where the mail goes, and what DANE asks of it there.

use super::asked::DnsExchange;
use super::exim::NO_SERVICE;
use super::rule;
use super::said::Said;
use crate::dane::base;
use crate::dane::tlsa::Tlsa;
use crate::dns::presentation::rdata;
use crate::dns::{Answer, Content, Outcome};
use crate::name::{MxHost, PolicyDomain};
use crate::verdict::{DaneFindings, DaneHost, LookupError, MxFindings};
use crate::verify::grounds::Grounds;
use crate::verify::mx;
use hickory_proto::rr::{RData, RecordType};
use serde::Serialize;

/// Where the domain's mail goes (RFC 5321 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchangers {
    /// One of [`Self::STATES`].
    pub state: &'static str,
    /// The same in a sentence.
    pub meaning: String,
    /// The MX hosts, by preference.
    pub hosts: Vec<Exchanger>,
    /// What was asked for that.
    pub questions: Vec<DnsExchange>,
    /// Where the rule stands.
    pub rule: &'static str,
    /// Exim's own words (4.96 and later) where it returns the mail at once, since it has nowhere to go.
    #[serde(skip)]
    pub returned: Option<&'static str>,
}

/// One MX host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchanger {
    /// Its name.
    pub host: String,
    /// Its preference, the lower the better; nothing where the domain itself stands in.
    pub preference: Option<u16>,
}

/// What DANE asks of the mail (RFC 7672).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dane {
    /// `inapplicable`, or `looked-at`.
    pub state: &'static str,
    /// Why it does not apply.
    pub why: Option<Said>,
    /// What it asks of each MX host, by preference.
    pub hosts: Vec<DaneOfHost>,
    /// Where the rule stands.
    pub rule: &'static str,
}

/// What DANE asks of the mail for one MX host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DaneOfHost {
    /// The host.
    pub host: String,
    /// `absent`, `unusable`, `usable` or `unknown`.
    pub state: &'static str,
    /// The same in a sentence.
    pub meaning: &'static str,
    /// What is wrong, where nobody can tell.
    pub why: Option<Said>,
    /// The TLSA records that count.
    pub records: Vec<TlsaRecord>,
    /// What was asked for that.
    pub questions: Vec<DnsExchange>,
}

/// One TLSA record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsaRecord {
    /// As it is published.
    pub record: Said,
    /// Why a mail server cannot use it; nothing for one that it can.
    pub unusable: Option<String>,
}

impl Exchangers {
    /// The words for every state.
    pub const STATES: [&'static str; 7] =
        ["hosts", "implicit", "no-host", "no-name", "null-mx", "too-many", "unknown"];

    /// What to do where mail comes back, since it has nowhere to go.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.state {
            "no-name" => "Look whether the name is misspelt, or its registration has ended.",
            _ => "The domain's owner has to let the MX records name hosts.",
        }
    }

    /// What was learnt.
    #[must_use]
    pub fn of(domain: &PolicyDomain, grounds: &Grounds) -> Self {
        let answer = grounds.of_exchangers.answers.first();
        let preferences = preferences(answer);
        let oddities = answer.map(mx::oddities).unwrap_or_default();
        let (state, meaning) = match &grounds.mx {
            MxFindings::Hosts { .. } if is_no_name(answer) => (
                "no-name",
                format!(
                    "There is no name {domain}: it has neither MX records nor an address, so Exim returns the mail."
                ),
            ),
            MxFindings::Hosts { names, .. } if names.is_empty() => ("no-host", faults(&oddities, domain)),
            MxFindings::Hosts { .. } if preferences.is_empty() => (
                "implicit",
                format!(
                    "{domain} has no MX record, so its mail goes to the host of that name (RFC 5321 section 5.1)."
                ),
            ),
            MxFindings::Hosts { names, .. } => {
                let noun = if names.len() == 1 { "host" } else { "hosts" };
                let mut meaning = format!("{} MX {noun}, by preference.", names.len());
                for oddity in &oddities {
                    meaning.push(' ');
                    meaning.push_str(&oddity.meaning());
                }
                ("hosts", meaning)
            }
            MxFindings::Null if !oddities.is_empty() => ("null-mx", faults(&oddities, domain)),
            MxFindings::Null => (
                "null-mx",
                format!("{domain} takes no mail: its only MX record names the root (RFC 7505 section 3)."),
            ),
            MxFindings::TooMany(number, _) => {
                ("too-many", format!("{number} MX records are more than this program judges."))
            }
            MxFindings::Unknown(_) => ("unknown", "Nobody can tell where the mail goes.".to_owned()),
        };
        let names = match &grounds.mx {
            // What does not exist takes no mail, whatever stands in for MX records.
            MxFindings::Hosts { .. } if state == "no-name" => &[],
            MxFindings::Hosts { names, .. } => names.as_slice(),
            MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_) => &[],
        };
        let preference =
            |host: &MxHost| preferences.iter().find(|(of, _)| of == host).map(|(_, preference)| *preference);
        let hosts =
            names.iter().map(|host| Exchanger { host: host.to_string(), preference: preference(host) });
        // Aliases that were followed afterwards belong here, too.
        let is_address = |answer: &&Answer| answer.question.rtype() == RecordType::A;
        let followed = grounds.of_second_look.answers.iter().filter(is_address);
        Self {
            state,
            meaning,
            hosts: hosts.collect(),
            questions: answer.into_iter().chain(followed).map(DnsExchange::of).collect(),
            returned: returned(state, &oddities),
            rule: match &grounds.mx {
                MxFindings::Null => rule::NULL_MX,
                MxFindings::TooMany(..) => rule::LIMITS,
                MxFindings::Hosts { .. } | MxFindings::Unknown(_) => rule::MX_HOSTS,
            },
        }
    }
}

/// DNS says that the domain does not exist.
fn is_no_name(answer: Option<&Answer>) -> bool {
    matches!(answer.and_then(|answer| answer.outcome.content()), Some(Content::Nxdomain))
}

/// Exim's words where it returns the mail of a domain in such a state.
fn returned(state: &str, oddities: &[mx::MxOddity]) -> Option<&'static str> {
    let is_address = |oddity: &mx::MxOddity| matches!(oddity, mx::MxOddity::Address { .. });
    match state {
        "no-name" => Some("Unrouteable address"),
        "no-host" if oddities.contains(&mx::MxOddity::NullOtherwise) => Some(NO_SERVICE),
        "no-host" if oddities.iter().any(is_address) => {
            Some("all relevant MX records point to non-existent hosts or (invalidly) to IP addresses")
        }
        "no-host" => Some("all relevant MX records point to non-existent hosts"),
        _ => None,
    }
}

/// What is wrong with MX records of which none names a host.
fn faults(oddities: &[mx::MxOddity], domain: &PolicyDomain) -> String {
    let told: Vec<String> = oddities.iter().map(mx::MxOddity::meaning).collect();
    if told.is_empty() { format!("{domain} has no MX record that names a host.") } else { told.join(" ") }
}

/// What the MX records say, the best first.
fn preferences(answer: Option<&Answer>) -> Vec<(MxHost, u16)> {
    let Some(Content::Data(records)) = answer.and_then(|answer| answer.outcome.content()) else {
        return Vec::new();
    };
    let host = |(preference, exchange)| Some((preference, MxHost::from_dns(exchange)?));
    let mut found: Vec<(u16, MxHost)> = mx::exchanges(records).into_iter().filter_map(host).collect();
    found.sort();
    found.into_iter().map(|(preference, host)| (host, preference)).collect()
}

impl Dane {
    /// What to do where Exim does not find the records that DANE rests on.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let is_of_alias = |host: &DaneOfHost| host.meaning == AT_ALIAS;
        self.hosts.iter().any(is_of_alias).then_some(
            "An MX record of the domain names an alias (CNAME) that has TLSA records and leads where none are: its owner has \
             to name the host itself, or publish them there, too. Until then mail from Exim waits.",
        )
    }

    /// What was learnt.
    #[must_use]
    pub fn of(grounds: &Grounds) -> Self {
        match &grounds.dane {
            DaneFindings::Inapplicable(why) => Self {
                state: "inapplicable",
                why: Some(why.into()),
                hosts: Vec::new(),
                rule: rule::DANE_ROUTING,
            },
            DaneFindings::Hosts(hosts) => {
                let told = |(host, found): &(MxHost, DaneHost)| {
                    DaneOfHost::of(host, found, &grounds.of_exchangers.answers)
                };
                Self {
                    state: "looked-at",
                    why: None,
                    hosts: hosts.iter().map(told).collect(),
                    rule: rule::DANE,
                }
            }
        }
    }
}

impl DaneOfHost {
    /// The words for every state.
    pub const STATES: [&'static str; 4] = ["absent", "unusable", "usable", "unknown"];

    fn of(host: &MxHost, found: &DaneHost, answers: &[Answer]) -> Self {
        let (state, meaning, why) = match found {
            DaneHost::Absent => ("absent", "It has no TLSA records that count, so DANE asks nothing.", None),
            DaneHost::Unusable => (
                "unusable",
                "It has TLSA records, and none can be used: TLS is demanded, with any certificate.",
                None,
            ),
            DaneHost::Usable => (
                "usable",
                "It has TLSA records that can be used: its certificate must match one of them.",
                None,
            ),
            DaneHost::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)) => (
                "unknown",
                "Nobody can tell what its TLSA records are, so it is left alone for now.",
                Some(why.into()),
            ),
        };
        let heard = about(host, answers);
        let meaning = if is_of_alias(host, &heard) { AT_ALIAS } else { meaning };
        // The last one asked for is the one that counted.
        let counted = heard.iter().rfind(|answer| answer.question.rtype() == RecordType::TLSA);
        let records = match counted.and_then(|answer| answer.outcome.content()) {
            Some(Content::Data(records)) => records.iter().map(TlsaRecord::of).collect(),
            Some(Content::Nodata | Content::Nxdomain) | None => Vec::new(),
        };
        let mut records: Vec<TlsaRecord> = records;
        records.sort_by(|one, other| one.record.0.cmp(&other.record.0));
        Self {
            host: host.to_string(),
            state,
            meaning,
            why,
            records,
            questions: heard.into_iter().map(DnsExchange::of).collect(),
        }
    }
}

/// What a host's records mean where its name is an alias and they stand there alone.
const AT_ALIAS: &str = "Its name is an alias (CNAME), and its TLSA records stand there alone: Postfix looks there; Exim \
                        looks only where the alias leads, finds none, and the mail waits for ever.";

/// Whether the TLSA records that count stand at a name that is an alias, and not where it leads.
fn is_of_alias(host: &MxHost, heard: &[&Answer]) -> bool {
    let own = host.to_dns();
    let is_alias = heard.iter().any(|answer| *answer.question.name() == own && !answer.aliases.is_empty());
    let counted = heard.iter().rfind(|answer| answer.question.rtype() == RecordType::TLSA);
    is_alias
        && counted.is_some_and(|answer| {
            base::question(&own).as_ref() == Some(&answer.question)
                && matches!(answer.outcome, Outcome::Secure(Content::Data(_)))
        })
}

/// What was heard about a host: its addresses, its alias, and the TLSA records at its name or where its aliases lead.
fn about<'a>(host: &MxHost, answers: &'a [Answer]) -> Vec<&'a Answer> {
    let own = host.to_dns();
    let mut bases = vec![own.clone()];
    bases.extend(
        answers
            .iter()
            .filter(|answer| *answer.question.name() == own)
            .flat_map(|answer| answer.aliases.clone()),
    );
    let tlsa: Vec<_> = bases.iter().filter_map(base::question).collect();
    let is_about = |answer: &&Answer| match answer.question.rtype() {
        RecordType::A | RecordType::AAAA | RecordType::CNAME => *answer.question.name() == own,
        _ => tlsa.contains(&answer.question),
    };
    let mut heard: Vec<&Answer> = Vec::new();
    for answer in answers.iter().filter(is_about) {
        if !heard.iter().any(|one| one.question == answer.question) {
            heard.push(answer);
        }
    }
    heard
}

impl TlsaRecord {
    fn of(data: &RData) -> Self {
        Self { record: rdata(data).into(), unusable: Tlsa::parse(data).err().map(|why| why.to_string()) }
    }
}
