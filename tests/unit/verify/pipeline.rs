//! Single questions to the pipeline over maps, without a socket or a file: what random event orders hardly ever meet.

use crate::support::made_up::{self, MadeUp, forged, mx, request, said, silence, txt};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::cache::{InMemory, Kept, Memory, Topic};
use smtp_sts_verify::dns::{Content, Outcome, Question, ZoneStatus};
use smtp_sts_verify::https::{FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::smtp_sts::Record;
use smtp_sts_verify::policy::{Authentication, Dialect, StoredPolicy};
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::Verdict;
use smtp_sts_verify::verify::{CacheUse, Report, from_memory};

const NOW: UnixTime = UnixTime(1_800_000_000);
const TTL: u64 = 3_600;
const POLICY: &str = "v=STS1; to=true; mx=*.d.test; a=dnssec; c=webpki; e=86400";

/// What the DNS says to each kind of question; the time of day.
struct World {
    txt: Outcome,
    mx: Outcome,
    address: Outcome,
    now: UnixTime,
}

impl World {
    /// A signed domain with that record and those MX hosts.
    fn signed(record: &str, hosts: &[&str]) -> Self {
        Self {
            txt: said(true, vec![txt(record)]),
            mx: exchanges(hosts),
            address: Outcome::Secure(Content::Nodata),
            now: NOW,
        }
    }
}

fn exchanges(hosts: &[&str]) -> Outcome {
    said(true, hosts.iter().map(|host| mx(host)).collect())
}

impl made_up::World for World {
    const TTL: u64 = TTL;

    fn now(&self) -> UnixTime {
        self.now
    }

    fn outcome(&self, question: &Question) -> Outcome {
        match question.rtype() {
            RecordType::TXT => self.txt.clone(),
            RecordType::MX => self.mx.clone(),
            _ => self.address.clone(),
        }
    }

    fn file(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NoAddress { host: url.host().clone() })
    }
}

fn ask_about(domain: &str, world: &World, memory: &InMemory, host: &str) -> Report {
    memory.set_clock(world.now);
    MadeUp(world).verified(&request(domain, &[host]), memory)
}

fn ask(world: &World, memory: &InMemory, host: &str) -> (Verdict, Reason, CacheUse) {
    let report = ask_about("d.test", world, memory, host);
    (report.judgement.verdict, report.judgement.reason, report.cache)
}

#[test]
fn a_remembered_record_does_not_outlive_its_policy() {
    let memory = InMemory::new(NOW);
    let mut world = World::signed(&POLICY.replace("86400", "60"), &["mx.d.test", "backup.test"]);
    assert_eq!(ask(&world, &memory, "mx.d.test").1, Reason::PolicyMet);
    // The policy ended, the TTL of its record did not: what is met now has to be in force again.
    world.now = NOW.plus(100);
    assert_eq!(ask(&world, &memory, "mx.d.test"), (Verdict::Deliver, Reason::PolicyMet, CacheUse::Stored));
    assert_eq!(ask(&world, &memory, "backup.test").0, Verdict::Refuse);
}

#[test]
fn a_domain_whose_record_would_have_too_long_a_name_has_none() {
    let label = "a".repeat(60);
    let domain = format!("{label}.{label}.{label}.{label}.test");
    let world = World::signed(POLICY, &["mx.d.test"]);
    let report = ask_about(&domain, &world, &InMemory::new(NOW), "mx.d.test");
    assert_eq!((report.judgement.verdict, report.judgement.reason), (Verdict::Deliver, Reason::NoPolicy));
}

#[test]
fn while_an_alias_cannot_be_looked_at_nobody_permitted_is_a_stranger() {
    let memory = InMemory::new(NOW);
    let mut world = World::signed(POLICY, &["mx.d.test"]);
    assert_eq!(ask(&world, &memory, "mx.d.test").0, Verdict::Deliver);
    world.address = silence(ZoneStatus::Signed);
    assert_eq!(
        ask(&world, &memory, "target.d.test"),
        (Verdict::Defer, Reason::TlsaUnreachable, CacheUse::Hit)
    );
    // Even a host that the policy forbids may be one about which DANE decides.
    assert_eq!(ask(&world, &memory, "evil.test").1, Reason::TlsaUnreachable);
    world.address = Outcome::Secure(Content::Nodata);
    assert_eq!(ask(&world, &memory, "target.d.test").1, Reason::MxNotInDns);
}

#[test]
fn a_refusal_does_not_rest_on_remembered_mx_hosts() {
    let memory = InMemory::new(NOW);
    let mut world = World::signed(POLICY, &["mx.d.test"]);
    assert_eq!(ask(&world, &memory, "mx.d.test").0, Verdict::Deliver);
    world.mx = exchanges(&["mx.d.test", "new.d.test"]);
    assert_eq!(ask(&world, &memory, "new.d.test").1, Reason::PolicyMet);
}

#[test]
fn an_mx_rrset_that_is_a_proven_lie_lets_mail_wait_also_where_the_policy_is_unreachable() {
    let mut world = World::signed(POLICY, &["mx.d.test"]);
    world.txt = silence(ZoneStatus::ProvenInsecure);
    assert_eq!(ask(&world, &InMemory::new(NOW), "mx.d.test").1, Reason::PolicyUnreachable);
    world.mx = forged();
    let (verdict, reason, _) = ask(&world, &InMemory::new(NOW), "mx.d.test");
    assert_eq!((verdict, reason), (Verdict::Defer, Reason::DnssecBogus));
}

#[test]
fn a_weaker_mechanism_does_not_displace_a_policy_in_force() {
    let memory = InMemory::new(NOW);
    let policy = |record: &str, authentication| {
        let (domain, record) = (PolicyDomain::parse("d.test").unwrap(), Record::parse(record).unwrap());
        StoredPolicy::fetched(&domain, record.clone(), authentication, NOW, NOW.plus(TTL))
    };
    let in_force = StoredPolicy { applied_at: Some(NOW), ..policy(POLICY, Authentication::Dnssec) };
    assert_eq!(memory.keep(&in_force).unwrap(), Kept::Stored);
    let other = POLICY.replace("dnssec", "webpki");
    assert_eq!(memory.keep(&policy(&other, Authentication::WebPki)).unwrap(), Kept::Unchanged);
    assert_eq!(memory.policy(&in_force.domain, Dialect::SmtpSts).unwrap(), Some(in_force));
    let newer = POLICY.replace("86400", "99");
    assert_eq!(memory.keep(&policy(&newer, Authentication::Dnssec)).unwrap(), Kept::Stored);
}

#[test]
fn remembered_tlsa_records_count_only_beside_the_mx_hosts_of_the_same_look() {
    let domain = PolicyDomain::parse("d.test").unwrap();
    let request = request("d.test", &["mx.d.test"]);
    for (mx_hosts, expected) in [
        ("hosts 1800000000 secure mx.d.test aliases: target.d.test=mx.d.test", Some(Reason::DaneUsable)),
        // A look that did not get as far as the aliases left this behind: nobody knows where else they lead.
        ("hosts 1800000000 secure mx.d.test", None),
        ("hosts 1800000000 secure mx.d.test new.d.test aliases:", None),
        ("hosts 1800000000 insecure mx.d.test", None),
    ] {
        let memory = InMemory::new(NOW);
        memory.remember(&domain, Topic::MxHosts, mx_hosts, NOW.plus(TTL));
        memory.remember(&domain, Topic::Dane, "hosts mx.d.test=usable", NOW.plus(TTL));
        let told = from_memory(&request, Some(&memory), NOW).map(|report| report.judgement.reason);
        assert_eq!(told, expected, "{mx_hosts}");
    }
}
