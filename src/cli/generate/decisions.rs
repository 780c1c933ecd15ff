//! What every combination of policies and TLSA records leads to, for the manual: asked of [`verdict::judge`], one after the other.

use super::page::Table;
use crate::dns::{Outage, ZoneStatus};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::smtp_sts::Record;
use crate::policy::{Authentication, Policy, PolicyType, StoredPolicy, mta_sts};
use crate::time::UnixTime;
use crate::verdict::{
    self, Absence, Case, DaneFindings, DaneHost, Handshake, LookupError, MxFindings, OnUnreachable,
    PolicyFindings, Verdict,
};

const DOMAIN: &str = "example.com";
const HOST: &str = "mx.example.com";

/// For a domain with one MX host, wherever DANE does not decide.
///
/// # Errors
/// None but in a wrong build: the names and policies here are well-formed.
pub(super) fn table() -> Result<Table, String> {
    let host = MxHost::from_text(HOST).map_err(|error| error.to_string())?;
    let mx = MxFindings::Hosts { names: vec![host.clone()], aliases: None };
    let drafts = drafts()?;
    let mut rows = Vec::new();
    for (published, mta_sts) in mta_sts_policies()? {
        let cells: Vec<[String; 2]> = drafts
            .iter()
            .map(|(_, draft)| {
                [DaneHost::Absent, DaneHost::Unusable].map(|found| cell(&host, &mx, found, &mta_sts, draft))
            })
            .collect();
        let is_one = cells.windows(2).all(|pair| matches!(pair, [one, next] if one == next));
        let drafts = drafts.iter().map(|(name, _)| if is_one { "any, or none" } else { *name });
        for (draft, [no_tlsa, unusable]) in drafts.zip(cells).take(if is_one { 1 } else { usize::MAX }) {
            rows.push(vec![published.to_owned(), draft.to_owned(), no_tlsa, unusable]);
        }
    }
    Ok(Table {
        columns: &[
            ("MTA-STS", "MTA-STS "),
            ("the draft's record", "the draft's record "),
            ("no TLSA", "No TLSA: "),
            ("TLSA unusable", "TLSA unusable: "),
        ],
        terms: 2,
        rows,
    })
}

fn cell(
    host: &MxHost,
    mx: &MxFindings,
    found: DaneHost,
    mta_sts: &PolicyFindings,
    draft: &PolicyFindings,
) -> String {
    let judgement = verdict::judge(Case {
        hosts: &[],
        handshake: Handshake::NotSeen,
        on_unreachable: OnUnreachable::Deliver,
        requirement: None,
        dane: &DaneFindings::Hosts(vec![(host.clone(), found)]),
        mta_sts,
        smtp_sts: draft,
        mx,
    });
    let tls = if judgement.verdict == Verdict::Deliver { judgement.tls.word() } else { "" };
    let policy = if judgement.policy == PolicyType::None { "" } else { judgement.policy.word() };
    let reason = format!("`{}`", judgement.reason.word());
    let words = [judgement.verdict.word(), tls, &reason, policy];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn silence(zone: ZoneStatus) -> PolicyFindings {
    PolicyFindings::Unknown(LookupError::Unreachable(Outage::NoAnswer, zone, String::new()))
}

type Named = (&'static str, PolicyFindings);

fn mta_sts_policies() -> Result<Vec<Named>, String> {
    let fetched = |mode: &str, host: &str| {
        let text = format!("v=STSv1; id=1\nversion: STSv1\nmode: {mode}\nmx: {host}\nmax_age: 86400\n");
        let policy = mta_sts::Policy::parse(&text).map_err(|error| error.to_string())?;
        stored(policy, Authentication::WebPki).map(PolicyFindings::InForce)
    };
    Ok(vec![
        ("enforce", fetched("enforce", HOST)?),
        ("enforce, another MX", fetched("enforce", "other.example.com")?),
        ("testing", fetched("testing", "other.example.com")?),
        ("none", fetched("none", HOST)?),
        ("absent", PolicyFindings::Absent(Absence::Nothing)),
        ("malformed", PolicyFindings::Absent(Absence::Malformed(String::new()))),
        ("not fetched", PolicyFindings::Absent(Absence::NotFetched(String::new()))),
        ("unreachable, unsigned zone", silence(ZoneStatus::ProvenInsecure)),
        ("unreachable or bogus", silence(ZoneStatus::Signed)),
    ])
}

fn drafts() -> Result<Vec<Named>, String> {
    let record = |to: &str, host: &str, authentication| {
        let text = format!("v=STS1; to={to}; mx={host}; a=dnssec; e=86400");
        stored(Record::parse(&text).map_err(|error| error.to_string())?, authentication)
    };
    let in_force = |policy: StoredPolicy| {
        PolicyFindings::InForce(StoredPolicy { applied_at: Some(UnixTime(1)), ..policy })
    };
    Ok(vec![
        ("in force", in_force(record("true", HOST, Authentication::Dnssec)?)),
        ("in force, another MX", in_force(record("true", "other.example.com", Authentication::Dnssec)?)),
        ("report only", in_force(record("false", HOST, Authentication::Dnssec)?)),
        ("first use", PolicyFindings::NeverApplied(record("true", HOST, Authentication::FirstUse)?)),
        ("absent", PolicyFindings::Absent(Absence::Nothing)),
        ("unreachable or bogus", silence(ZoneStatus::Signed)),
    ])
}

fn stored(policy: impl Into<Policy>, authentication: Authentication) -> Result<StoredPolicy, String> {
    let domain = PolicyDomain::parse(DOMAIN).map_err(|error| error.to_string())?;
    Ok(StoredPolicy::fetched(&domain, policy, authentication, UnixTime(1), UnixTime(2)))
}
