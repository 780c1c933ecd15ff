//! Very many domains: what is written costs the same, however many there are, and no owner of many keeps others out.

use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::{Authentication, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::path::Path;

/// What the file says about the number of its domains, and what is true.
fn told_and_true(path: &Path, table: &str) -> (i64, i64) {
    let connection = Connection::open(path).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let counted = match table {
        "policy" => number("SELECT count(DISTINCT domain) FROM policy"),
        _ => number("SELECT count(DISTINCT domain) FROM answer"),
    };
    (number("SELECT domains FROM tally"), counted)
}

/// Copies the rows of `like.test` under so many other names, as an administrator's own program might.
fn fill(path: &Path, table: &str, count: u32) {
    let columns = match table {
        "policy" => {
            "fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum"
        }
        _ => "fingerprint, topic, text, valid_until, checksum",
    };
    let sql = format!(
        "INSERT INTO {table} (domain, {columns})
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        SELECT printf('%08x.filler%d.test', i * 2654435761 % 4294967296, i), {columns}
        FROM n, (SELECT * FROM {table} WHERE domain = 'like.test')"
    );
    Connection::open(path).unwrap().execute_batch(&sql).unwrap();
}

fn reporting(name: &str, at: UnixTime) -> StoredPolicy {
    StoredPolicy { applied_at: Some(at), ..fetched(name, REPORTING, Authentication::Dnssec, at) }
}

#[test]
fn the_number_of_domains_is_right_whoever_writes() {
    let place = Place::new();
    let cache = place.cache();
    cache.keep(&enforced("like.test", now())).unwrap();
    cache.keep(&mta_sts("like.test", "1", "enforce", 604_800, now())).unwrap();
    cache.keep(&mta_sts("other.test", "1", "enforce", 604_800, now())).unwrap();
    cache.keep(&mta_sts("other.test", "2", "enforce", 604_800, now().plus(1))).unwrap();
    assert_eq!(told_and_true(&place.path(), "policy"), (2, 2));
    fill(&place.path(), "policy", 100);
    assert_eq!(told_and_true(&place.path(), "policy"), (102, 102));
    cache.purge(&domain("like.test")).unwrap();
    assert_eq!(told_and_true(&place.path(), "policy"), (101, 101));
    Connection::open(place.path()).unwrap().execute_batch("DELETE FROM policy").unwrap();
    assert_eq!(told_and_true(&place.path(), "policy"), (0, 0));
    for topic in Topic::ALL {
        cache.remember(&domain("like.test"), topic, "nothing", now().plus(60));
        cache.remember(&domain("like.test"), topic, "something", now().plus(60));
    }
    assert_eq!(told_and_true(&place.answers(), "answer"), (1, 1));
    fill(&place.answers(), "answer", 50);
    assert_eq!(told_and_true(&place.answers(), "answer"), (51, 51));
}

#[test]
fn a_number_that_was_damaged_is_counted_anew() {
    for damage in [
        "UPDATE tally SET domains = 1000000",
        "UPDATE tally SET domains = -1, mirror = 1",
        "DELETE FROM tally",
        // Right to look at, and wrong: whoever is refused for it is counted for first.
        "UPDATE tally SET domains = 40, mirror = -40",
    ] {
        let place = Place::new();
        for i in 0..5 {
            place.cache().keep(&enforced(&format!("d{i}.test"), now())).unwrap();
        }
        Connection::open(place.path()).unwrap().execute_batch(damage).unwrap();
        let kept = bounded(&place.path(), 6, now()).keep(&enforced("new.test", now())).unwrap();
        assert_eq!(kept, Kept::Stored, "{damage}");
        assert_eq!(told_and_true(&place.path(), "policy"), (6, 6), "{damage}");
        let kept = bounded(&place.path(), 6, now()).keep(&enforced("newer.test", now())).unwrap();
        assert_eq!(kept, Kept::Full, "{damage}");
    }
}

#[test]
fn the_bound_is_one_of_domains_however_much_is_known_about_each() {
    let place = Place::new();
    let cache = bounded(&place.path(), 40, now());
    for i in 0..100 {
        let name = domain(&format!("d{i}.test"));
        for topic in Topic::ALL {
            cache.remember(&name, topic, "nothing", now().plus(60 + i));
        }
        cache.keep(&reporting(name.as_str(), UnixTime(now().0 - 1_000 + i))).unwrap();
        cache.keep(&mta_sts(name.as_str(), "1", "testing", 604_800, UnixTime(now().0 - 1_000 + i))).unwrap();
    }
    assert_eq!(cache.trouble(), None);
    assert_eq!(told_and_true(&place.answers(), "answer"), (40, 40));
    assert_eq!(told_and_true(&place.path(), "policy"), (40, 40));
    for topic in Topic::ALL {
        assert!(cache.recall(&domain("d99.test"), topic).is_some());
    }
    assert_eq!(cache.stored(&domain("d99.test")).unwrap().iter().count(), 2);
}

#[test]
fn a_file_far_over_its_bound_shrinks_as_it_is_used() {
    let place = Place::new();
    place.cache().keep(&reporting("like.test", UnixTime(now().0 - 1_000))).unwrap();
    place.cache().remember(&domain("like.test"), Topic::MxHosts, "nothing", now().plus(60));
    fill(&place.path(), "policy", 1_200);
    fill(&place.answers(), "answer", 1_200);
    let cache = bounded(&place.path(), 100, now());
    let mut before = (1_201, 1_201);
    for i in 0..100 {
        let name = format!("new{i}.test");
        assert_eq!(cache.keep(&enforced(&name, now())).unwrap(), Kept::Stored);
        cache.remember(&domain(&name), Topic::MxHosts, "nothing", now().plus(600));
        let after = (told_and_true(&place.path(), "policy").1, told_and_true(&place.answers(), "answer").1);
        assert_eq!((before.0 - after.0, before.1 - after.1), (1, 1), "one came, and two went");
        before = after;
    }
    for i in 100..1_200 {
        cache.remember(&domain(&format!("new{i}.test")), Topic::MxHosts, "nothing", now().plus(600));
        cache.keep(&reporting(&format!("new{i}.test"), now())).unwrap();
    }
    assert_eq!(cache.trouble(), None);
    assert_eq!(told_and_true(&place.answers(), "answer"), (100, 100));
    // One too many is left: what does not suffice for a new one stays.
    assert_eq!(told_and_true(&place.path(), "policy"), (101, 101));
    for i in 0..100 {
        let name = domain(&format!("new{i}.test"));
        assert!(cache.policy(&name, Dialect::SmtpSts).unwrap().is_some_and(|one| one.is_enforced()), "{i}");
    }
}

#[test]
fn what_waits_together_is_one_commit_and_each_is_told_for_itself() {
    /// The file's own number of its commits (SQLite, "Database File Format", section 1.3.7).
    fn commits(path: &Path) -> u32 {
        let octets = std::fs::read(path).unwrap();
        u32::from_be_bytes(octets[24..28].try_into().unwrap())
    }
    let place = Place::new();
    let cache = bounded(&place.path(), 60, now());
    cache.keep(&enforced("first.test", now())).unwrap();
    cache.remember(&domain("first.test"), Topic::MxHosts, "nothing", now().plus(60));
    let before = (commits(&place.path()), commits(&place.answers()));
    let names: Vec<PolicyDomain> = (0..80).map(|i| domain(&format!("d{i}.test"))).collect();
    let writes: Vec<Vec<Write>> = names
        .iter()
        .map(|name| {
            let remembered = Recollection { text: "nothing".to_owned(), valid_until: now().plus(60) };
            vec![Write::Keep(enforced(name.as_str(), now())), Write::Remember(Topic::MxHosts, remembered)]
        })
        .collect();
    let all: Vec<(&PolicyDomain, &[Write])> = names.iter().zip(writes.iter().map(Vec::as_slice)).collect();
    let told = cache.apply_all(&all);
    assert_eq!((commits(&place.path()), commits(&place.answers())), (before.0 + 1, before.1 + 1));
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 59);
    for (name, told) in names.iter().zip(told) {
        let stored = place.cache().policy(name, Dialect::SmtpSts).unwrap();
        assert_eq!(told, if stored.is_some() { Ok(()) } else { Err(Unkept::Full) }, "{name}");
        let snapshot = DomainSnapshot::of(&cache, name);
        assert_eq!(snapshot.policies.smtp_sts, stored);
    }
    let snapshots = cache.snapshots(&names);
    for (name, snapshot) in names.iter().zip(&snapshots) {
        assert_eq!(snapshot, &DomainSnapshot::of(&cache, name));
    }
    assert_eq!(
        snapshots.iter().filter(|one| one.remembered.len() == 1).count(),
        59,
        "and the one from before"
    );
}

/// Domains that an owner has without doing anything for them: of a wildcard at one depth, or below names of its own.
fn strangers(owner: &'static str, depth: u32, number: u32) -> impl Iterator<Item = String> {
    (0..number)
        .map(move |i| if depth == 1 { format!("w{i}.{owner}") } else { format!("w{i}.v{}.{owner}", i % 50) })
}

#[test]
fn one_owner_of_very_many_domains_keeps_nobody_else_out() {
    let owners: [(&[(&str, u32)], &str); 4] = [
        (&[("wild.test", 1)], "one wildcard"),
        (&[("wild.test", 2)], "a wildcard below many names"),
        (&[("wild.test", 1), ("wide.example", 2)], "two owners"),
        (&[("evil.k12.example", 1), ("wild.co.uk", 1)], "below words of registries"),
    ];
    for (owners, what) in owners {
        let place = Place::new();
        let cache = bounded(&place.path(), 400, now());
        let before = UnixTime(now().0 - 5_000);
        let genuine: Vec<String> = (0..60)
            .map(|i| match i % 4 {
                0 => format!("genuine{i}.co.uk"),
                1 => format!("mail.genuine{i}.com.br"),
                2 => format!("genuine{i}.k12.example"),
                _ => format!("genuine{i}.test"),
            })
            .collect();
        for name in &genuine {
            assert_eq!(cache.keep(&enforced(name, before)).unwrap(), Kept::Stored);
        }
        let mut stored = 0;
        for (owner, depth) in owners {
            for name in strangers(owner, *depth, 600) {
                stored += u32::from(cache.keep(&enforced(&name, now())).unwrap() == Kept::Stored);
            }
        }
        assert!(stored >= 340, "{what}: there was room for {stored}");
        assert_eq!(told_and_true(&place.path(), "policy"), (400, 400), "{what}");
        let later: Vec<String> = (0..200).map(|i| format!("later{i}.example")).collect();
        for name in &later {
            assert_eq!(cache.keep(&enforced(name, now())).unwrap(), Kept::Stored, "{what}: {name}");
        }
        for name in genuine.iter().chain(&later) {
            let kept = cache.policy(&domain(name), Dialect::SmtpSts).unwrap();
            assert!(kept.is_some_and(|one| one.is_enforced()), "{what}: {name} was driven out");
        }
        assert_eq!(told_and_true(&place.path(), "policy"), (400, 400), "{what}");
    }
}

#[test]
fn an_owner_of_very_many_drives_out_nobodys_policy_that_only_reports_either() {
    let place = Place::new();
    let keep = |cache: &Cache, one| assert_eq!(cache.keep(&one).unwrap(), Kept::Stored);
    let cache = bounded(&place.path(), 2_000, now());
    let before = UnixTime(now().0 - 5_000);
    (0..40).for_each(|i| keep(&cache, reporting(&format!("genuine{i}.test"), before)));
    strangers("wild.test", 1, 1_960).for_each(|name| keep(&cache, enforced(&name, now())));
    // Each command opens the files for itself.
    for i in 0..20 {
        keep(&bounded(&place.path(), 2_000, now()), enforced(&format!("later{i}.test"), now()));
    }
    let cache = bounded(&place.path(), 2_000, now());
    (20..1_500).for_each(|i| keep(&cache, enforced(&format!("later{i}.test"), now())));
    for i in 0..40 {
        let name = domain(&format!("genuine{i}.test"));
        assert!(cache.policy(&name, Dialect::SmtpSts).unwrap().is_some(), "{name} was driven out");
    }
    assert_eq!(told_and_true(&place.path(), "policy"), (2_000, 2_000));
}

#[test]
fn an_owner_of_many_keeps_them_while_there_is_room_and_his_share_when_there_is_none() {
    let place = Place::new();
    let cache = bounded(&place.path(), 320, now());
    for name in strangers("university.example", 2, 300) {
        assert_eq!(cache.keep(&enforced(&name, now())).unwrap(), Kept::Stored, "{name}");
    }
    let of_owner = || {
        cache
            .all()
            .map(Result::unwrap)
            .filter(|one| one.domain.as_str().ends_with(".university.example"))
            .count()
    };
    assert_eq!(of_owner(), 300);
    let stored = (0..400)
        .filter(|i| cache.keep(&enforced(&format!("other{i}.test"), now())).unwrap() == Kept::Stored)
        .count();
    assert_eq!(of_owner() + stored, 320);
    assert!((32..=64).contains(&of_owner()), "one share, and less than two: {}", of_owner());
}

#[test]
fn forty_owners_of_many_domains_each_keep_nobody_out_either() {
    let place = Place::new();
    let cache = bounded(&place.path(), 4_000, now());
    let owners: Vec<String> = (0..40).map(|i| format!("wild{i}.test")).collect();
    let writes: Vec<(PolicyDomain, [Write; 1])> = (0..100)
        .flat_map(|i| owners.iter().map(move |owner| format!("w{i}.{owner}")))
        .map(|name| (domain(&name), [Write::Keep(enforced(&name, now()))]))
        .collect();
    let all: Vec<(&PolicyDomain, &[Write])> =
        writes.iter().map(|(name, writes)| (name, writes.as_slice())).collect();
    assert!(cache.apply_all(&all).iter().all(Result::is_ok), "there is room");
    assert_eq!(cache.what_gave_way(), GaveWay::default());
    for i in 0..300 {
        assert_eq!(cache.keep(&enforced(&format!("other{i}.test"), now())).unwrap(), Kept::Stored, "{i}");
        let owner = cache.what_gave_way().owner.expect("the file is full");
        assert!(owners.contains(&owner.to_string()), "{owner}");
    }
    for owner in owners {
        let is_below = |name: &String| name.ends_with(&format!(".{owner}"));
        let left = cache.all().map(Result::unwrap).filter(|one| is_below(&one.domain.to_string())).count();
        assert!((86..=94).contains(&left), "all give about as much, {owner} has {left} left");
    }
}

#[test]
fn one_owner_of_very_many_domains_drives_out_nobody_elses_dns_results() {
    let place = Place::new();
    let cache = bounded(&place.path(), 400, now());
    let remember = |name: &str, seconds| {
        cache.remember(&domain(name), Topic::MxHosts, "nothing", now().plus(seconds));
    };
    let genuine: Vec<String> = (0..300).map(|i| format!("genuine{i}.test")).collect();
    genuine.iter().for_each(|name| remember(name, 300));
    strangers("wild.test", 1, 1_000).for_each(|name| remember(&name, 86_400));
    (0..5).for_each(|i| remember(&format!("over{i}.test"), 60));
    let recalled = |name: &String| cache.recall(&domain(name), Topic::MxHosts).is_some();
    assert!(genuine.iter().all(recalled), "what ends soon is somebody's who is asked for");
    assert_eq!(told_and_true(&place.answers(), "answer"), (400, 400));
    let rows = |names| -> i64 {
        let connection = Connection::open(place.answers()).unwrap();
        let sql = "SELECT count(*) FROM answer WHERE domain LIKE ?1";
        connection.query_row(sql, [names], |row| row.get(0)).unwrap()
    };
    let (over, wild) = (rows("over%"), rows("%.wild.test"));
    assert_eq!(over, 5);
    let cache = bounded(&place.path(), 400, now().plus(100));
    cache.remember(&domain("later.test"), Topic::MxHosts, "nothing", now().plus(400));
    assert_eq!((rows("over%"), rows("%.wild.test")), (over - 1, wild), "what is over goes before anybody's");
}
