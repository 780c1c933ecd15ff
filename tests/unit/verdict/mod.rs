//! The decision alone: cases in, judgements out, without a packet or a file.

mod dane;
mod draft;
mod table;

pub(crate) use smtp_sts_verify::dns::{Blame, Outage, ZoneStatus};
pub(crate) use smtp_sts_verify::name::{MxHost, PolicyDomain};
pub(crate) use smtp_sts_verify::policy::mta_sts;
pub(crate) use smtp_sts_verify::policy::pattern::MxPattern;
pub(crate) use smtp_sts_verify::policy::smtp_sts::Record;
pub(crate) use smtp_sts_verify::policy::{Authentication, Dialect, Mode, PolicyType, StoredPolicy};
pub(crate) use smtp_sts_verify::reason::Reason;
pub(crate) use smtp_sts_verify::time::UnixTime;
pub(crate) use smtp_sts_verify::verdict::*;

pub(crate) fn host(text: &str) -> MxHost {
    MxHost::from_text(text).unwrap()
}

pub(crate) fn policy(record: &str, authentication: Authentication) -> StoredPolicy {
    let domain = PolicyDomain::parse("example.com").unwrap();
    let record = Record::parse(record).unwrap();
    StoredPolicy::fetched(&domain, record, authentication, UnixTime(1_000), UnixTime(2_000))
}

pub(crate) fn mx(names: &[&str]) -> MxFindings {
    MxFindings::Hosts { names: names.iter().map(|name| host(name)).collect(), aliases: None }
}

pub(crate) fn silence(zone: ZoneStatus) -> LookupError {
    LookupError::Unreachable(Outage::NoAnswer, zone, "silence".into())
}

/// An MTA-STS policy of example.com, fetched.
pub(crate) fn fetched(mode: &str, mx: &[&str]) -> PolicyFindings {
    let mx: String = mx.iter().map(|pattern| format!("mx: {pattern}\n")).collect();
    let text = format!("v=STSv1; id=1\nversion: STSv1\nmode: {mode}\n{mx}max_age: 86400\n");
    let policy = mta_sts::Policy::parse(&text).unwrap();
    let domain = PolicyDomain::parse("example.com").unwrap();
    let (at, until) = (UnixTime(1_000), UnixTime(2_000));
    PolicyFindings::InForce(StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, until))
}

/// A case about those hosts, without a policy and without TLSA records.
pub(crate) fn without_policies<'a>(hosts: &'a [MxHost], mx: &'a MxFindings) -> Case<'a> {
    static NOTHING: PolicyFindings = PolicyFindings::Absent(Absence::Nothing);
    static NO_DANE: DaneFindings = DaneFindings::Inapplicable(String::new());
    Case {
        hosts,
        handshake: Handshake::NotSeen,
        on_unreachable: OnUnreachable::Deliver,
        requirement: None,
        dane: &NO_DANE,
        mta_sts: &NOTHING,
        smtp_sts: &NOTHING,
        mx,
    }
}
