//! Where the domain's mail goes, as far as DNS is proven. Pure.

use crate::dns::{Answer, Content};
use crate::limits::{MAX_MX_HOSTS_LOOKED_AT, MAX_MX_RECORDS};
use crate::name::{MxHost, PolicyDomain};
use crate::verdict::{Aliases, LookupError, MxFindings};
use hickory_proto::rr::RData;

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
    let mut exchanges: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            RData::MX(mx) => Some((mx.preference, &mx.exchange)),
            _ => None,
        })
        .collect();
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
