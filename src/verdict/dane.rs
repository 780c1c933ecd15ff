//! What DANE makes of one host (RFC 7672 sections 2.1 and 2.2).

use super::sts::{must_wait, reason_of};
use super::{
    Aliases, Case, DaneFindings, DaneHost, Handshake, LookupError, MxFindings, Ruling, Tls, Verdict,
};
use crate::dns::{Blame, Outage};
use crate::name::MxHost;
use crate::policy::PolicyType;
use crate::reason::Reason;

/// What is known about the host: its own TLSA records, or those of the MX names that are aliases for it. Of several
/// the one that asks for more counts.
pub(super) fn of(case: &Case<'_>, host: &MxHost) -> DaneHost {
    let DaneFindings::Hosts(known) = case.dane else { return DaneHost::Absent };
    let MxFindings::Hosts { names, aliases } = case.mx else { return DaneHost::Absent };
    let targets = aliases.iter().flat_map(|aliases| &aliases.targets);
    let stands_for: Vec<&MxHost> = names
        .iter()
        .filter(|name| *name == host)
        .chain(targets.filter(|(target, _)| target == host).map(|(_, name)| name))
        .collect();
    let found = known.iter().filter(|(name, _)| stands_for.contains(&name)).map(|(_, found)| found);
    match (found.max_by_key(|found| weight(found)), aliases) {
        (Some(found), _) => found.clone(),
        // The host may be what a name that could not be looked at is an alias for.
        (None, Some(Aliases { unseen: Some(trouble), .. })) if must_wait(trouble) => {
            DaneHost::Unknown(trouble.clone())
        }
        (None, _) => DaneHost::Absent,
    }
}

const fn weight(found: &DaneHost) -> u8 {
    match found {
        DaneHost::Absent => 0,
        DaneHost::Unusable => 1,
        DaneHost::Usable => 2,
        DaneHost::Unknown(_) => 3,
    }
}

/// What DANE alone decides about a host of which that was `found`; `None` if it leaves the decision to the policies.
pub(super) fn ruling(case: &Case<'_>, host: &MxHost, found: &DaneHost) -> Option<Ruling> {
    let (verdict, reason) = match found {
        DaneHost::Usable if case.handshake == Handshake::Unverified => {
            (Verdict::Refuse, Reason::TlsUnverified)
        }
        DaneHost::Usable => (Verdict::Deliver, Reason::DaneUsable),
        DaneHost::Unknown(trouble) => (Verdict::Defer, reason_to_wait(trouble)),
        DaneHost::Absent if goes_around(case, host) => (Verdict::Refuse, Reason::MxNotInDns),
        DaneHost::Absent | DaneHost::Unusable => return None,
    };
    Some(Ruling { verdict, tls: Tls::Dane, policy: PolicyType::Dane, reason })
}

/// Whether mail for this host would go around DANE: the signed MX records lead to other hosts, and not one of these may
/// be met without TLS. Else an attacker who forges unsigned answers to the mail server could lead it to a host of his own (RFC
/// 7672 section 2.2.1).
fn goes_around(case: &Case<'_>, host: &MxHost) -> bool {
    let (DaneFindings::Hosts(known), MxFindings::Hosts { names, aliases }) = (case.dane, case.mx) else {
        return false;
    };
    let is_target = aliases.iter().flat_map(|aliases| &aliases.targets).any(|(target, _)| target == host);
    let is_mx_host = is_target || names.contains(host);
    !is_mx_host && !known.is_empty() && known.iter().all(|(_, found)| *found != DaneHost::Absent)
}

/// TLS is mandatory where there are TLSA records, even if none can be used; a policy may ask for more.
pub(super) fn at_least_encrypted(ruling: Ruling) -> Ruling {
    if ruling.verdict == Verdict::Deliver && ruling.tls == Tls::Opportunistic {
        Ruling { tls: Tls::Encrypt, policy: PolicyType::Dane, reason: Reason::DaneUnusable, ..ruling }
    } else {
        ruling
    }
}

/// A fault of this machine's is called by its own name.
const fn reason_to_wait(trouble: &LookupError) -> Reason {
    match trouble {
        LookupError::Bogus(Blame::Domain, _) => Reason::TlsaBogus,
        LookupError::Unreachable(Outage::NoAnswer | Outage::Budget | Outage::NotAsked, ..) => {
            Reason::TlsaUnreachable
        }
        LookupError::Bogus(..) | LookupError::Unreachable(..) => reason_of(trouble),
    }
}
