//! What is remembered, and how Exim reads it.

use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::policy::{Authentication, Policy, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_policy_comes_back_as_it_was_stored() {
    let place = Place::new();
    let policy = enforced("example.org", now());
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), None);
    assert_eq!(place.cache().keep(&policy).unwrap(), Kept::Stored);
    assert_eq!(place.cache().keep(&policy).unwrap(), Kept::Unchanged);
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), Some(policy));
    assert_eq!(place.cache().policy(&domain("example.com"), Dialect::SmtpSts).unwrap(), None);
}

#[test]
fn an_expired_policy_is_not_in_force_and_not_deleted() {
    let place = Place::new();
    let policy = enforced("example.org", now());
    place.cache().keep(&policy).unwrap();
    assert_eq!(
        open(&place.path(), policy.expires_at).policy(&policy.domain, Dialect::SmtpSts).unwrap(),
        None
    );
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), Some(policy));
}

#[test]
fn what_was_learnt_under_other_circumstances_does_not_exist() {
    let place = Place::new();
    place.cache().keep(&enforced("example.org", now())).unwrap();
    place.cache().remember(&domain("example.org"), Topic::MxHosts, "mx.test", now().plus(60));
    let laboratory = Circumstances { allow_private_addresses: true, ..usual() };
    let elsewhere = Circumstances { name_servers: vec!["192.0.2.1:53".parse().unwrap()], ..usual() };
    for (circumstances, policies) in [(laboratory, 0), (elsewhere, 1)] {
        let cache = Cache::new(CachePath::parse(&place.path()).unwrap(), &circumstances, 100, now());
        assert_eq!(cache.policy(&domain("example.org"), Dialect::SmtpSts).unwrap().iter().count(), policies);
        assert_eq!(cache.recall(&domain("example.org"), Topic::MxHosts), None);
    }
}

#[test]
fn people_are_told_of_more_than_a_delivery_knows() {
    let place = Place::new();
    let name = domain("example.org");
    place.cache().keep(&enforced("example.org", now())).unwrap();
    let dossier = place.cache().dossier(&name);
    assert_eq!(dossier.known, DomainSnapshot::of(&place.cache(), &name));
    assert_eq!((dossier.history, dossier.elsewhere), (place.cache().history(&name).unwrap(), 0));
    let laboratory = Circumstances { allow_private_addresses: true, ..usual() };
    let cache = Cache::new(CachePath::parse(&place.path()).unwrap(), &laboratory, 100, now());
    assert_eq!(cache.dossier(&name), Dossier { elsewhere: 1, ..Dossier::default() });
}

#[test]
fn dns_results_come_back_until_their_end() {
    let place = Place::new();
    let (name, end) = (domain("example.org"), now().plus(60));
    place.cache().remember(&name, Topic::Published(Dialect::SmtpSts), "nothing", end);
    place.cache().remember(&name, Topic::MxHosts, "a.test b.test", end);
    let cache = place.cache();
    assert_eq!(cache.recall(&name, Topic::Published(Dialect::SmtpSts)).unwrap().text, "nothing");
    assert_eq!(cache.recall(&name, Topic::MxHosts).unwrap().valid_until, end);
    assert_eq!(open(&place.path(), end).recall(&name, Topic::MxHosts), None);
    assert_eq!(
        open(&place.path(), UnixTime(end.0 - 200_000)).recall(&name, Topic::MxHosts),
        None,
        "clock went back"
    );
    assert_eq!(cache.trouble(), None);
}

#[test]
fn a_warm_answer_writes_nothing_and_a_cold_read_makes_no_file() {
    let place = Place::new();
    assert_eq!(place.cache().recall(&domain("example.org"), Topic::Published(Dialect::SmtpSts)), None);
    assert_eq!(place.names(), Vec::<String>::new());
    let policy = enforced("example.org", now());
    place.cache().keep(&policy).unwrap();
    let before = fs::metadata(place.path()).unwrap();
    let cache = place.cache();
    cache.policy(&policy.domain, Dialect::SmtpSts).unwrap();
    cache.keep(&policy).unwrap();
    let after = fs::metadata(place.path()).unwrap();
    assert_eq!(
        (before.mtime(), before.mtime_nsec(), before.ino()),
        (after.mtime(), after.mtime_nsec(), after.ino())
    );
    assert_eq!(place.names(), ["cache.db"]);
}

const MACRO: &str =
    "select tls_only from sts_cache where domain = 'example.org' and expires > strftime('%s','now')";

#[test]
fn the_macro_of_the_predecessor_reads_true_only_for_what_is_enforced() {
    let tlsa = RECORD.replace("c=webpki", "c=tlsa");
    let applied = |record: &str| StoredPolicy {
        applied_at: Some(now()),
        ..fetched("example.org", record, Authentication::Dnssec, now())
    };
    for (policy, expected) in [
        (applied(RECORD), "True"),
        (fetched("example.org", RECORD, Authentication::Dnssec, now()), "False"),
        (applied(REPORTING), "False"),
        (applied(&tlsa), "True"),
        (
            StoredPolicy {
                applied_at: Some(UnixTime(1)),
                ..fetched("example.org", RECORD, Authentication::Dnssec, UnixTime(1))
            },
            "",
        ),
    ] {
        let place = Place::new();
        open(&place.path(), policy.fetched_at).keep(&policy).unwrap();
        let through_us: String = Connection::open(place.path())
            .unwrap()
            .query_row(MACRO, [], |row| row.get(0))
            .unwrap_or_default();
        assert_eq!(through_us, expected, "{policy:?}");
        if let Some(printed) = sqlite3(&place.path(), MACRO) {
            assert_eq!(printed, expected, "{policy:?}");
        }
    }
}

#[test]
fn the_view_shows_one_row_a_domain() {
    let place = Place::new();
    let circumstances = [usual(), Circumstances { https_port: 8443, ..usual() }];
    for (age, circumstances) in circumstances.iter().enumerate() {
        let cache = Cache::new(CachePath::parse(&place.path()).unwrap(), circumstances, 100, now());
        let at = UnixTime(now().0 - u64::try_from(age).unwrap());
        cache
            .keep(&fetched(
                "example.org",
                if age == 0 { RECORD } else { REPORTING },
                Authentication::Dnssec,
                at,
            ))
            .unwrap();
        cache.keep(&enforced("example.com", now())).unwrap();
    }
    let connection = Connection::open(place.path()).unwrap();
    let mut statement = connection.prepare("SELECT sts_record FROM sts_cache ORDER BY domain").unwrap();
    let shown: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(shown, [RECORD, RECORD]);
}

#[test]
fn both_dialects_stand_beside_each_other() {
    let place = Place::new();
    let (draft, rfc) =
        (enforced("example.org", now()), mta_sts("example.org", "1", "testing", 604_800, now()));
    place.cache().keep(&draft).unwrap();
    place.cache().keep(&rfc).unwrap();
    let (cache, name) = (place.cache(), domain("example.org"));
    let both = Policies { mta_sts: Some(rfc.clone()), smtp_sts: Some(draft.clone()), ..Policies::default() };
    assert_eq!(cache.policies(&name).unwrap(), both);
    assert_eq!(cache.policy(&name, Dialect::MtaSts).unwrap().as_ref(), Some(&rfc));
    let ended = mta_sts("example.org", "2", "testing", 0, now());
    assert_eq!(place.cache().keep(&ended).unwrap(), Kept::Stored);
    assert_eq!(
        place.cache().policies(&name).unwrap(),
        Policies { smtp_sts: Some(draft), ..Policies::default() }
    );
    assert_eq!(
        place.cache().stored(&name).unwrap().mta_sts,
        Some(ended),
        "kept, so that no older one comes back"
    );
}

#[test]
fn a_policy_file_comes_back_to_the_letter_however_long_it_is() {
    let place = Place::new();
    let mx: String = (0..1_000).map(|i| format!("mx: {}.m{i}.test\n", "x".repeat(60))).collect();
    let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: enforce\n{mx}max_age: 604800\n");
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    assert_eq!(policy.to_text(), text);
    let stored = StoredPolicy::fetched(&domain("example.org"), policy, Authentication::WebPki, now(), now());
    assert_eq!(place.cache().keep(&stored).unwrap(), Kept::Stored);
    assert_eq!(place.cache().policy(&stored.domain, Dialect::MtaSts).unwrap(), Some(stored));
}

#[test]
fn the_view_shows_the_mta_sts_policy_or_else_the_drafts() {
    let line = |record: &str, only: &str| format!("{record}|{only}");
    let id = |id: &str| format!("v=STSv1; id={id};");
    let rfc = |id: &str, mode: &str, age: u64| {
        let max_age = 1_000;
        mta_sts("example.org", id, mode, max_age, UnixTime(now().0 - age))
    };
    let draft = enforced("example.org", now());
    for (policies, expected) in [
        (vec![draft.clone()], line(RECORD, "True")),
        (vec![rfc("1", "enforce", 9)], line(&id("1"), "True")),
        (vec![draft.clone(), rfc("1", "enforce", 9)], line(&id("1"), "True")),
        (vec![rfc("1", "testing", 9), draft.clone()], line(&id("1"), "False")),
        (vec![rfc("1", "none", 9), draft.clone()], line(&id("1"), "False")),
        (vec![rfc("1", "testing", 2_000), draft.clone()], line(RECORD, "True")),
    ] {
        let place = Place::new();
        for policy in &policies {
            assert_eq!(open(&place.path(), policy.fetched_at).keep(policy).unwrap(), Kept::Stored);
        }
        let connection = Connection::open(place.path()).unwrap();
        let mut statement =
            connection.prepare("SELECT sts_record || '|' || tls_only FROM sts_cache").unwrap();
        let shown: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(shown, std::slice::from_ref(&expected), "{policies:?}");
        if let Some(printed) = sqlite3(&place.path(), "select sts_record, tls_only from sts_cache") {
            assert_eq!(printed, expected);
        }
    }
}

#[test]
fn a_policy_host_that_fails_is_remembered_for_two_days_and_until_it_succeeds() {
    let (place, name, mut at) = (Place::new(), domain("example.org"), now());
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let cache = open(&place.path(), at);
        assert!(
            cache.failures(&name, Dialect::MtaSts).is_none_or(|failures| failures.forbid("1", at).is_none())
        );
        cache.fetch_failed(&name, Dialect::MtaSts, "1", (None, "it did not answer"), at);
        let failures = open(&place.path(), at).failures(&name, Dialect::MtaSts).unwrap();
        assert!(failures.forbid("1", at.plus(1)).is_some());
        pauses.push(failures.next_try().since(at));
        at = failures.next_try();
    }
    assert_eq!(pauses, [300, 600, 1_200]);
    let last = open(&place.path(), at).failures(&name, Dialect::MtaSts).unwrap().last();
    let recall =
        |at| open(&place.path(), at).failures(&name, Dialect::MtaSts).map(|failures| failures.count());
    assert_eq!(
        recall(last.plus(172_799)),
        Some(3),
        "beyond the day for which a DNS result may be remembered"
    );
    assert_eq!(recall(last.plus(172_800)), None);
    let cache = open(&place.path(), at);
    assert_eq!(cache.failures(&name, Dialect::SmtpSts), None);
    assert_eq!(place.names(), ["cache.dns.db"], "no history of a policy that there is not");
    cache.fetch_succeeded(&name, Dialect::MtaSts);
    assert_eq!(cache.failures(&name, Dialect::MtaSts), None);
}
