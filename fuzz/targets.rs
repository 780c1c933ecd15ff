//! What each fuzz target does with its octets, and what has to hold afterwards. `tests/corpora.rs` runs the same
//! functions over `fixtures/corpora`, without a fuzzer.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each target uses one of them, and fails by panicking"
)]

use hickory_proto::rr::RData;
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::{Replies, Reply, Step, Trust, Walk};
use smtp_sts_verify::dns::{Outage, Question, presentation, resolv_conf, tolerance};
use smtp_sts_verify::limits::{MAX_NSEC3_HASHES, MAX_VERIFICATIONS};
use smtp_sts_verify::name::{Destination, MxHost, PolicyDomain};
use smtp_sts_verify::policy::pattern::MxPattern;
use smtp_sts_verify::policy::smtp_sts::{Published, Record, published};
use smtp_sts_verify::policy::url::PolicyUrl;
use smtp_sts_verify::time::UnixTime;
use std::ffi::OsStr;
use std::sync::{Arc, OnceLock};

/// Genuine replies; the walk target takes their moment and trust anchors.
const WORLD: &str = include_str!("../fixtures/replies/world.txt");

fn world() -> (Arc<TrustAnchors>, UnixTime) {
    static WORLD_ANCHORS: OnceLock<(Arc<TrustAnchors>, UnixTime)> = OnceLock::new();
    let value = |word: &str| WORLD.lines().find_map(|line| line.strip_prefix(word)).unwrap();
    let read = || {
        (Arc::new(TrustAnchors::parse(value("anchor ")).unwrap()), UnixTime(value("now ").parse().unwrap()))
    };
    let (anchors, now) = WORLD_ANCHORS.get_or_init(read);
    (Arc::clone(anchors), *now)
}

/// `NAME TYPE`, a line end, then replies as over TCP, in the order in which the walk asks for them.
pub(crate) fn walk(octets: &[u8]) {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else { return };
    let (line, mut rest) = octets.split_at(end);
    rest = rest.get(1..).unwrap_or_default();
    let Some((name, rtype)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else {
        return;
    };
    let (Ok(name), Some(rtype)) = (presentation::parse_name(name), presentation::parse_type(rtype)) else {
        return;
    };
    let (anchors, now) = world();
    let (mut trust, mut replies) = (Trust::new(anchors, now), Replies::default());
    let mut walk = Walk::new(Question::new(&name, rtype));
    for _ in 0..1_000 {
        match walk.step(&mut trust, &replies) {
            Step::Ask(questions) => {
                let first = questions.into_iter().next().unwrap();
                assert!(replies.get(&first).is_none(), "{first} was answered already");
                replies.insert(first, next_reply(&mut rest));
            }
            Step::Done(finding) => {
                assert_eq!(finding.valid_until.is_some(), finding.outcome.content().is_some());
                let spent = trust.spent();
                assert!(
                    spent.verifications <= MAX_VERIFICATIONS + 5
                        && spent.nsec3_hashes <= MAX_NSEC3_HASHES + 1
                );
                return;
            }
        }
    }
    panic!("a walk without end");
}

fn next_reply(rest: &mut &[u8]) -> Reply {
    let failed = || Reply::Failed(Outage::NoAnswer, "no reply".into());
    let Some((length, after)) = rest.split_first_chunk::<2>() else { return failed() };
    let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
    let (octets, after) = after.split_at(length);
    *rest = after;
    tolerance::read(octets).map_or_else(|_| failed(), |message| Reply::Message(Box::new(message)))
}

/// One reply of a name server, and how its records are shown.
pub(crate) fn reply(octets: &[u8]) {
    let _ = tolerance::claimed_records(octets);
    let Ok(message) = tolerance::read(octets) else { return };
    for record in message.answers.iter().chain(&message.authorities) {
        let shown = presentation::rdata(&record.data);
        assert!(shown.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{shown:?}");
        assert!(!matches!(record.data, RData::OPT(_)));
        let name = presentation::name(&record.name);
        assert_eq!(presentation::parse_name(&name).as_ref(), Ok(&record.name), "{name}");
    }
}

/// A file of trust anchors: what is read is read the same way again.
pub(crate) fn trust_anchors(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match TrustAnchors::parse(&text) {
        Ok(anchors) => assert_eq!(TrustAnchors::parse(&anchors.fingerprint_input()).as_ref(), Ok(&anchors)),
        Err(error) => assert!(error.to_string().is_ascii()),
    }
}

/// Names and types as an operator writes them.
pub(crate) fn presentation(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(name) = presentation::parse_name(&text) {
        assert_eq!(presentation::parse_name(&presentation::name(&name)).as_ref(), Ok(&name));
    }
    if let Some(rtype) = presentation::parse_type(&text) {
        assert_eq!(presentation::parse_type(&presentation::type_word(rtype)), Some(rtype));
    }
}

/// The list of this machine's name servers.
pub(crate) fn resolv_conf(octets: &[u8]) {
    if let Ok(servers) = resolv_conf::parse(&String::from_utf8_lossy(octets), |_| Some(1)) {
        assert!(!servers.is_empty());
    }
}

/// Domains, hosts and patterns of hosts.
pub(crate) fn names(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(Destination::Domain(domain)) = Destination::parse(OsStr::new(text.as_ref())) {
        assert_eq!(PolicyDomain::parse(domain.as_str()).as_ref(), Ok(&domain));
    }
    if let Ok(host) = MxHost::from_text(&text) {
        assert_eq!(MxHost::from_dns(&host.to_dns()).as_ref(), Some(&host));
        assert!(MxPattern::from(&host).permits(&host));
    }
    if let Some(pattern) = MxPattern::parse(&text) {
        assert_eq!(MxPattern::parse(&pattern.to_string()).as_ref(), Some(&pattern));
        assert!(!pattern.to_regex().contains(['\\', '{', '}', '$', '"']));
    }
}

/// The TXT records of one name, one a line.
pub(crate) fn record(octets: &[u8]) {
    let records: Vec<Vec<u8>> = octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    match published(&records) {
        Published::Record(record) => assert_eq!(Record::parse(record.as_str()).as_ref(), Ok(&record)),
        Published::Malformed(why) => assert!(why.to_string().is_ascii()),
        Published::Nothing | Published::Several(_) => {}
    }
}

/// Where a policy may be fetched.
pub(crate) fn policy_url(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(url) = PolicyUrl::parse(&text) {
        assert_eq!(PolicyUrl::parse(&url.to_string()).as_ref(), Ok(&url));
    }
}
