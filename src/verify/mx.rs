//! Where the domain's mail goes, as far as DNS is proven. Pure.

use crate::dns::{Answer, Content, presentation};
use crate::limits::{MAX_MX_HOSTS_LOOKED_AT, MAX_MX_RECORDS};
use crate::name::{MxHost, PolicyDomain};
use crate::verdict::{Aliases, LookupError, MxFindings};
use hickory_proto::rr::{Name, RData};
use std::net::IpAddr;

/// Reads the answer to the MX question.
///
/// That there is no MX record is an answer, too; only where it is proven, or where nothing could be proven, does the
/// domain itself stand in.
#[must_use]
pub fn mx_findings(domain: &PolicyDomain, answer: &Answer) -> MxFindings {
    let records = match LookupError::or_content(&answer.outcome) {
        Err(trouble) => return MxFindings::Unknown(trouble),
        // The implicit MX of RFC 5321 section 5.1, on a proven or insecure absence only.
        Ok(Content::Nodata | Content::Nxdomain) => {
            return MxFindings::Hosts { names: vec![MxHost::from(domain)], aliases: None };
        }
        Ok(Content::Data(records)) => records,
    };
    let mut exchanges = exchanges(records);
    if exchanges.len() > MAX_MX_RECORDS {
        return MxFindings::TooMany(exchanges.len(), answer.outcome.class());
    }
    if let [(_, exchange)] = exchanges.as_slice()
        && exchange.is_root()
    {
        return MxFindings::Null;
    }
    exchanges.sort();
    let mut names: Vec<MxHost> = Vec::new();
    for host in exchanges.into_iter().filter_map(|(_, exchange)| MxHost::from_dns(exchange)) {
        if !names.contains(&host) {
            names.push(host);
        }
    }
    MxFindings::Hosts { names, aliases: None }
}

/// Preference and name of each MX record.
pub(crate) fn exchanges(records: &[RData]) -> Vec<(u16, &Name)> {
    let exchanges = records.iter().filter_map(|record| match record {
        RData::MX(mx) => Some((mx.preference, &mx.exchange)),
        _ => None,
    });
    exchanges.collect()
}

/// What is wrong with an MX record, so that mail servers do not agree on it, or deliver nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxOddity {
    /// It names an IP address, where the name of a host has to stand (RFC 5321 section 5.1).
    Address {
        /// The address.
        name: String,
        /// Whether no other record names a host.
        is_alone: bool,
    },
    /// It names what no host is called, such as `0.`.
    NoHost {
        /// The name, safe to show.
        name: String,
        /// Whether no other record names a host.
        is_alone: bool,
    },
    /// It is a null MX, and another record names a host (RFC 7505 section 3).
    NullBesideOthers,
    /// It is the only null MX among several, or has another preference than 0 (RFC 7505 section 3).
    NullOtherwise,
}

impl MxOddity {
    /// The words of all oddities, in alphabetical order.
    pub const WORDS: [&str; 4] = ["mx-address", "mx-no-host", "null-mx-beside", "null-mx-otherwise"];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Address { .. } => "mx-address",
            Self::NoHost { .. } => "mx-no-host",
            Self::NullBesideOthers => "null-mx-beside",
            Self::NullOtherwise => "null-mx-otherwise",
        }
    }

    /// What it is, and what Exim and Postfix do with it, in a sentence; safe to show.
    #[must_use]
    pub fn meaning(&self) -> String {
        match self {
            Self::Address { name, is_alone: true } => format!(
                "An MX record names the IP address {name}, and none names a host: Exim returns the mail at once, Postfix \
                 delivers to that address, with a warning."
            ),
            Self::Address { name, is_alone: false } => format!(
                "An MX record names the IP address {name}, where the name of a host has to stand: Exim passes it over, \
                 Postfix delivers to that address, too, with a warning."
            ),
            Self::NoHost { name, is_alone: true } => format!(
                "An MX record names '{name}', which no host can be called, and none names a host: neither Exim nor Postfix \
                 delivers, and Exim returns the mail at once."
            ),
            Self::NoHost { name, is_alone: false } => {
                format!("An MX record names '{name}', which no host can be called: Exim and Postfix pass it over.")
            }
            Self::NullBesideOthers => "A null MX stands beside the MX record of a host, which contradict each other: Exim \
                 passes the null MX over and delivers to the hosts, Postfix delivers nothing and returns the mail."
                .to_owned(),
            Self::NullOtherwise => "A null MX has to be alone and of preference 0, and this one is not: Exim and Postfix take \
                 it for one all the same, and return the mail."
                .to_owned(),
        }
    }
}

/// What is wrong with the MX records of an answer, each kind of it once.
#[must_use]
pub fn oddities(answer: &Answer) -> Vec<MxOddity> {
    let Some(Content::Data(records)) = answer.outcome.content() else { return Vec::new() };
    let exchanges = exchanges(records);
    let is_alone = !exchanges.iter().any(|(_, exchange)| MxHost::from_dns(exchange).is_some());
    let mut found = Vec::new();
    for (preference, exchange) in &exchanges {
        let name = presentation::name(exchange);
        let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
        let oddity = if exchange.is_root() {
            match (is_alone, exchanges.len(), preference) {
                (true, 1, 0) => continue,
                (true, ..) => MxOddity::NullOtherwise,
                (false, ..) => MxOddity::NullBesideOthers,
            }
        } else if name.parse::<IpAddr>().is_ok() {
            MxOddity::Address { name, is_alone }
        } else if MxHost::from_dns(exchange).is_none() {
            MxOddity::NoHost { name, is_alone }
        } else {
            continue;
        };
        if !found.contains(&oddity) {
            found.push(oddity);
        }
    }
    found
}

/// The MX names whose aliases are worth a look: if one of the hosts asked about is none of them itself, and nobody
/// has looked yet.
#[must_use]
pub fn names_to_look_at<'a>(mx: &'a MxFindings, hosts: &[MxHost]) -> &'a [MxHost] {
    match mx {
        MxFindings::Hosts { names, aliases: None } if !hosts.iter().all(|host| names.contains(host)) => {
            names.get(..MAX_MX_HOSTS_LOOKED_AT).unwrap_or(names)
        }
        MxFindings::Hosts { .. } | MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_) => &[],
    }
}

/// The same findings with what validated aliases led to; `answers` are those for the addresses of `names`, in order.
#[must_use]
pub fn with_aliases(names: Vec<MxHost>, answers: &[Answer]) -> MxFindings {
    let mut aliases = Aliases { targets: Vec::new(), unseen: None };
    for (name, answer) in names.iter().zip(answers) {
        match LookupError::or_content(&answer.outcome) {
            Ok(_) => {
                let targets = answer.aliases.iter().filter_map(MxHost::from_dns);
                aliases.targets.extend(targets.map(|target| (target, name.clone())));
            }
            Err(trouble) => aliases.unseen = Some(trouble),
        }
    }
    MxFindings::Hosts { names, aliases: Some(aliases) }
}
