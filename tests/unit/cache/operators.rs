//! What operators do with the cache: look at all of it, remove a domain, carry policies to another host.

use super::place::*;
use crate::support::dice::Dice;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::limits::CLOCK_JUMP;
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::policy::{Authentication, Constraint, Policy, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn whoever_looks_reads_on_after_a_write_was_interrupted() {
    let (place, killed) = (Place::new(), Place::new());
    place.cache().keep(&enforced("example.org", now())).unwrap();
    let writer = rusqlite::Connection::open(place.path()).unwrap();
    writer.execute_batch("PRAGMA cache_size = 1; BEGIN; DELETE FROM policy").unwrap();
    let row = "INSERT INTO history SELECT NULL, 'x', x'00', 'x', 1, 'x', 'x', NULL, NULL, printf('%.*c', 4000, 'x'), x''";
    for _ in 0..100 {
        writer.execute(row, []).unwrap();
    }
    // What a kill leaves: both files as they are in the middle of a write.
    for name in ["cache.db", "cache.db-journal"] {
        fs::copy(place.directory.path().join(name), killed.directory.path().join(name)).unwrap();
    }
    let cache = killed.cache().read_only();
    assert_eq!(cache.census().unwrap(), Census { here: 1, elsewhere: 0 });
    assert_eq!(killed.names(), ["cache.db"]);
}

#[test]
fn all_policies_come_in_the_order_of_their_domains_page_after_page() {
    let place = Place::new();
    let mut expected = Vec::new();
    for i in 0..150 {
        let name = format!("d{:03}.test", i * 7 % 150);
        place.cache().keep(&enforced(&name, now())).unwrap();
        expected.push((name.clone(), Dialect::SmtpSts));
        if i % 3 == 0 {
            place.cache().keep(&mta_sts(&name, "1", "enforce", 604_800, now())).unwrap();
            expected.push((name, Dialect::MtaSts));
        }
    }
    expected.sort();
    let cache = place.cache();
    let all: Vec<_> = cache
        .all()
        .map(Result::unwrap)
        .map(|policy| (policy.domain.as_str().to_owned(), policy.policy.dialect()))
        .collect();
    assert_eq!(all, expected);
    assert_eq!(cache.census().unwrap(), Census { here: 200, elsewhere: 0 });
}

/// A policy of the draft's dialect that was never met binds nobody, and one that has ended binds nobody any more.
#[test]
fn the_outlook_counts_what_is_in_force_and_names_what_ends_first() {
    let place = Place::new();
    assert_eq!(place.cache().outlook(5).unwrap(), Outlook::default(), "an empty place");
    for i in 0..9_u64 {
        let life = 600_000 - i * 1_000;
        place.cache().keep(&mta_sts(&format!("e{i}.test"), "1", "enforce", life, now())).unwrap();
        place.cache().keep(&mta_sts(&format!("t{i}.test"), "1", "testing", life + 500, now())).unwrap();
        place.cache().keep(&enforced(&format!("s{i}.test"), now())).unwrap();
    }
    place.cache().keep(&StoredPolicy { applied_at: None, ..enforced("never.test", now()) }).unwrap();
    place.cache().keep(&mta_sts("short.test", "1", "enforce", 10, now())).unwrap();
    let at = |moment| open(&place.path(), moment).outlook(5).unwrap();
    let names = |outlook: &Outlook| -> Vec<String> {
        outlook.soonest.iter().map(|policy| policy.domain.as_str().to_owned()).collect()
    };
    let first = at(now());
    assert_eq!((first.number(), first.census.here), (28, 29));
    assert_eq!(first.next_end(), Some(now().plus(10)));
    assert_eq!(names(&first), ["short.test", "e8.test", "t8.test", "e7.test", "t7.test"]);
    let later = at(now().plus(10));
    assert_eq!((later.number(), later.census.here), (27, 29));
    assert_eq!(names(&later).first().unwrap(), "e8.test");
    let kinds: Vec<_> =
        later.in_force.iter().map(|kind| (kind.dialect, kind.is_enforced, kind.number)).collect();
    assert_eq!(kinds, [(Dialect::MtaSts, false, 9), (Dialect::MtaSts, true, 9), (Dialect::SmtpSts, true, 9)]);
}

#[test]
fn whoever_looks_at_them_keeps_nobody_from_writing_and_writes_nothing() {
    let place = Place::new();
    for i in 0..200 {
        place.cache().keep(&enforced(&format!("d{i}.test"), now())).unwrap();
    }
    let before = fs::metadata(place.path()).unwrap();
    let cache = place.cache();
    assert_eq!(cache.all().count(), 200);
    cache.census().unwrap();
    cache.history(&domain("d1.test")).unwrap();
    let after = fs::metadata(place.path()).unwrap();
    assert_eq!((before.mtime_nsec(), before.ino()), (after.mtime_nsec(), after.ino()));
    let mut all = cache.all();
    assert!(all.next().unwrap().is_ok());
    assert_eq!(place.cache().keep(&enforced("zz.test", now())).unwrap(), Kept::Stored);
    assert_eq!(all.last().unwrap().unwrap().domain, domain("zz.test"));
}

#[test]
fn in_an_empty_place_there_is_nothing_and_nothing_is_made() {
    let place = Place::new();
    let (cache, name) = (place.cache(), domain("example.org"));
    assert_eq!(cache.all().count(), 0);
    assert_eq!(cache.census().unwrap(), Census { here: 0, elsewhere: 0 });
    assert_eq!(cache.history(&name).unwrap(), []);
    assert_eq!(cache.purge(&name).unwrap(), Purged { policies: 0, answers: 0 });
    assert_eq!(place.names(), Vec::<String>::new());
}

#[test]
fn one_trouble_ends_the_list() {
    let place = Place::new();
    fs::write(place.path(), "x".repeat(5_000)).unwrap();
    let cache = place.cache();
    let all: Vec<_> = cache.all().collect();
    assert!(
        matches!(
            all.as_slice(),
            [Err(CacheError::NotOurs { .. } | CacheError::Corrupt { .. } | CacheError::Unsafe { .. })]
        ),
        "{all:?}"
    );
}

#[test]
fn a_purge_removes_everything_about_a_domain_and_is_told() {
    let (place, name) = (Place::new(), domain("example.org"));
    let laboratory = Circumstances { https_port: 8_443, ..usual() };
    let elsewhere = Cache::new(CachePath::parse(&place.path()).unwrap(), &laboratory, 100, now());
    elsewhere.keep(&enforced("example.org", now())).unwrap();
    let cache = place.cache();
    cache.keep(&enforced("example.org", now())).unwrap();
    cache.keep(&mta_sts("example.org", "1", "enforce", 604_800, now())).unwrap();
    cache.keep(&enforced("example.com", now())).unwrap();
    cache.remember(&name, Topic::MxHosts, "mx.test", now().plus(60));
    cache.fetch_failed(&name, Dialect::MtaSts, "1", (None, "refused"), now());
    cache.remember(&domain("example.com"), Topic::MxHosts, "mx.test", now().plus(60));

    assert_eq!(place.cache().purge(&name).unwrap(), Purged { policies: 3, answers: 2 });
    let cache = place.cache();
    assert_eq!(cache.policies(&name).unwrap(), Policies::default());
    assert_eq!(cache.recall(&name, Topic::MxHosts), None);
    assert_eq!(cache.failures(&name, Dialect::MtaSts), None);
    let last: Vec<_> = cache
        .history(&name)
        .unwrap()
        .iter()
        .rev()
        .take(2)
        .map(|entry| (entry.event, entry.dialect))
        .collect();
    assert_eq!(last, [(Event::Purged, Dialect::SmtpSts), (Event::Purged, Dialect::MtaSts)]);
    assert!(cache.policies(&domain("example.com")).unwrap().smtp_sts.is_some());
    assert!(cache.recall(&domain("example.com"), Topic::MxHosts).is_some());
    assert_eq!(place.cache().purge(&name).unwrap(), Purged { policies: 0, answers: 0 });
}

/// Carries everything from one place to another, as lines.
fn carry(from: &Place, to: &Place, at: UnixTime) -> Vec<Imported> {
    let exporter = open(&from.path(), at);
    let head = exporter.provenance("old.mail.test").to_line();
    let lines: Vec<String> = exporter.all().map(|policy| policy.unwrap().to_line()).collect();
    let provenance = Provenance::from_line(&head).unwrap();
    let importer = open(&to.path(), at);
    lines
        .iter()
        .map(|line| importer.import(&StoredPolicy::from_line(line).unwrap(), &provenance).unwrap())
        .collect()
}

#[test]
fn policies_arrive_at_another_host_as_they_were_and_where_from_is_told() {
    let (old, new) = (Place::new(), Place::new());
    let at = UnixTime(now().0 - 1_000);
    for policy in [
        enforced("a.test", at),
        fetched("b.test", RECORD, Authentication::FirstUse, at),
        mta_sts("c.test", "7", "enforce", 604_800, at),
    ] {
        open(&old.path(), at).keep(&policy).unwrap();
    }
    assert_eq!(carry(&old, &new, now()), vec![Imported::Kept(Kept::Stored); 3]);
    let rows = |place: &Place| place.cache().all().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(rows(&new), rows(&old));
    let history = new.cache().history(&domain("c.test")).unwrap();
    let [only] = history.as_slice() else { panic!("{history:?}") };
    assert_eq!(
        (only.event, only.before, only.authentication),
        (Event::Imported, None, Authentication::WebPki)
    );
    assert!(only.detail.starts_with("from old.mail.test at 20") && only.detail.contains("id 7"), "{only:?}");
    assert_eq!(carry(&old, &new, now()), vec![Imported::Kept(Kept::Unchanged); 3]);
    assert_eq!(new.cache().history(&domain("c.test")).unwrap().len(), 1);
}

#[test]
fn an_import_displaces_nothing_that_is_newer_or_stronger() {
    let (old, new) = (Place::new(), Place::new());
    let at = UnixTime(now().0 - 1_000);
    open(&old.path(), at).keep(&mta_sts("a.test", "1", "testing", 604_800, at)).unwrap();
    open(&old.path(), at).keep(&fetched("b.test", REPORTING, Authentication::FirstUse, at)).unwrap();
    new.cache().keep(&mta_sts("a.test", "2", "enforce", 604_800, now())).unwrap();
    new.cache().keep(&enforced("b.test", UnixTime(at.0 - 1_000))).unwrap();
    assert_eq!(carry(&old, &new, now()), vec![Imported::Kept(Kept::Unchanged); 2]);
}

/// A clock that was wrong once: nobody knows any more which of the two was fetched first.
#[test]
fn a_row_from_the_future_gives_way_to_a_fetch_of_this_host_and_to_no_import() {
    let (old, new) = (Place::new(), Place::new());
    let ahead = now().plus(CLOCK_JUMP + 1);
    let kept = mta_sts("a.test", "1", "enforce", 604_800, ahead);
    open(&new.path(), ahead).keep(&kept).unwrap();
    old.cache().keep(&mta_sts("a.test", "2", "testing", 604_800, now())).unwrap();
    assert_eq!(carry(&old, &new, now()), [Imported::Kept(Kept::Unchanged)]);
    assert_eq!(new.cache().stored(&kept.domain).unwrap().mta_sts, Some(kept.clone()));
    let fetched = mta_sts("a.test", "3", "testing", 604_800, now());
    assert_eq!(new.cache().keep(&fetched).unwrap(), Kept::Stored);
    assert_eq!(new.cache().stored(&kept.domain).unwrap().mta_sts, Some(fetched));
}

#[test]
fn no_import_lets_a_policy_live_longer() {
    let (old, new) = (Place::new(), Place::new());
    let policy = mta_sts("a.test", "1", "enforce", 1_000, now());
    old.cache().keep(&policy).unwrap();
    assert_eq!(carry(&old, &new, now().plus(900)), [Imported::Kept(Kept::Stored)]);
    assert_eq!(new.cache().stored(&policy.domain).unwrap().mta_sts, Some(policy.clone()));
    assert_eq!(
        carry(&old, &Place::new(), policy.expires_at),
        [Imported::Refused(Refusal::Ended(policy.expires_at))]
    );
    let longer = StoredPolicy { expires_at: policy.expires_at.plus(1), ..policy };
    let from = new.cache().provenance("old.mail.test");
    assert_eq!(new.cache().import(&longer, &from).unwrap(), Imported::Refused(Refusal::Impossible));
}

#[test]
fn what_a_laboratory_proved_is_not_imported() {
    let (old, new) = (Place::new(), Place::new());
    let laboratory = Circumstances { allow_private_addresses: true, ..usual() };
    let there = Cache::new(CachePath::parse(&old.path()).unwrap(), &laboratory, 100, now());
    let policy = enforced("a.test", now());
    there.keep(&policy).unwrap();
    let imported = new.cache().import(&policy, &there.provenance("lab")).unwrap();
    assert_eq!(imported, Imported::Refused(Refusal::OtherCircumstances));
    assert_eq!(new.names(), Vec::<String>::new());
}

/// Lines of a real export, each changed in a few places, are read into a cache that knows the domains itself. Whoever changes the
/// file of another host may bring in policies, as that host might; but nothing that is in force here becomes less or lasts longer
/// unless the line claims a later fetch, and what comes in could have been fetched.
#[test]
fn changed_lines_of_a_real_export_weaken_and_prolong_nothing() {
    let (old, here) = (Place::new(), Place::new());
    let at = UnixTime(now().0 - 1_000);
    let known = [
        mta_sts("a.test", "1", "enforce", 604_800, at),
        enforced("b.test", at),
        mta_sts("c.test", "7", "testing", 86_400, at),
    ];
    for policy in &known {
        open(&old.path(), at).keep(policy).unwrap();
        here.cache().keep(policy).unwrap();
    }
    let exporter = open(&old.path(), now());
    let provenance = Provenance::from_line(&exporter.provenance("old.mail.test").to_line()).unwrap();
    let lines: Vec<String> = exporter.all().map(|policy| policy.unwrap().to_line()).collect();
    let mut dice = Dice(15);
    let (mut read, mut kept) = (0, 0);
    for round in 0..6_000 {
        let mut line = lines[round % lines.len()].clone().into_bytes();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(line.len());
            match dice.roll(5) {
                0 => line[at] = b"0123456789"[dice.roll(10)],
                1 => line[at] ^= 1 << dice.roll(7),
                2 => drop(line.remove(at)),
                3 => line.insert(at, b"0123456789:,\\n\"abct"[dice.roll(19)]),
                // A word in the place of another one of its kind, as somebody would choose it.
                _ => {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    let (from, to) = [
                        ("enforce", "none"),
                        ("enforce", "testing"),
                        ("*.mx.test", "*.evil.test"),
                        ("\"webpki\"", "\"dnssec\""),
                        ("\"dnssec\"", "\"first-use\""),
                        ("604800", "31557600"),
                        ("to=true", "to=false"),
                    ][dice.roll(7)];
                    line = text.replace(from, to).into_bytes();
                }
            }
        }
        let Ok(line) = String::from_utf8(line) else { continue };
        let Ok(policy) = StoredPolicy::from_line(&line) else { continue };
        read += 1;
        let imported = here.cache().import(&policy, &provenance).unwrap();
        if imported == Imported::Kept(Kept::Stored) {
            kept += 1;
            let (ends, fetched) = (policy.expires_at, policy.fetched_at);
            assert!(policy.is_unexpired(now()) && fetched.since(now()) <= 300, "{line}");
            assert!(ends <= fetched.plus(31_557_600), "{line}");
        }
        for known in &known {
            let stored = here.cache().stored(&known.domain).unwrap();
            let its = stored.of(known.policy.dialect()).unwrap();
            // What was fetched later may say anything, as it may for whoever fetches it; then all is put back.
            if its != known {
                let is_met_earlier = StoredPolicy { applied_at: known.applied_at, ..its.clone() } == *known;
                assert!(its.fetched_at > known.fetched_at || is_met_earlier, "{line}: {its:?}");
                assert!(its.authentication >= known.authentication, "{line}: {its:?}");
                here.cache().purge(&known.domain).unwrap();
                here.cache().keep(known).unwrap();
            }
        }
    }
    assert!(read > 500 && kept > 20, "{read} were read, and {kept} kept");
}

/// Whether `after` asks for less than what was in force: it does not bind, or in a lower mode, permits a host that was not permitted,
/// ends earlier, or is content with another proof (RFC 8461 sections 3.2, 4.1 and 5; the draft sections 3.1, 3.3 and 3.4).
fn asks_for_less(before: &StoredPolicy, after: &StoredPolicy) -> bool {
    let binds = |it: &StoredPolicy| it.policy.dialect() == Dialect::MtaSts || it.applied_at.is_some();
    let rank = |it: &StoredPolicy| {
        ["none", "testing", "enforce"].iter().position(|word| *word == it.policy.mode().word())
    };
    let permits = |it: &StoredPolicy, host: &str| it.policy.permits(&MxHost::from_text(host).unwrap());
    let is_let_in = |host: &&str| permits(after, host) && !permits(before, host);
    let is_tlsa = |it: &StoredPolicy| it.policy.constraint() == Constraint::Tlsa;
    binds(before)
        && (!binds(after)
            || rank(after) < rank(before)
            || ["a.mx.test", "b.mx.test", "c.a.mx.test", "a.evil.test"].iter().any(is_let_in)
            || after.expires_at < before.expires_at
            || (is_tlsa(before) && !is_tlsa(after)))
}

/// Any policy that this program could have stored, fetched about a quarter of an hour ago.
fn any_policy(dice: &mut Dice, name: &str, dialect: Dialect) -> StoredPolicy {
    let mx =
        [&["*.mx.test"][..], &["a.mx.test"], &["a.mx.test", "b.mx.test"], &["*.evil.test"]][dice.roll(4)];
    let life = [3_000, 86_400, 604_800][dice.roll(3)];
    let (text, authentication) = match dialect {
        Dialect::MtaSts => {
            let mode = ["enforce", "enforce", "testing", "none"][dice.roll(4)];
            let mx: String =
                mx.iter().filter(|_| mode != "none").map(|host| format!("mx: {host}\n")).collect();
            let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: {life}\n");
            (text, Authentication::WebPki)
        }
        Dialect::SmtpSts => {
            let (to, mx) = (["true", "true", "false"][dice.roll(3)], mx.join(","));
            let proof = ["webpki", "tlsa"][dice.roll(2)];
            let text = format!("v=STS1; to={to}; mx={mx}; a=dnssec; c={proof}; e={life}");
            (text, *dice.of(&Authentication::ALL))
        }
    };
    let policy = Policy::from_text(dialect, &text).unwrap_or_else(|| panic!("{text}"));
    let at = UnixTime(now().0 - 999 - u64::try_from(dice.roll(3)).unwrap());
    let mut stored = StoredPolicy::fetched(&domain(name), policy, authentication, at, at.plus(3_000));
    stored.applied_at = (!dice.one_in(3)).then_some(at);
    stored.expires_at =
        if dice.one_in(4) { UnixTime(stored.expires_at.0 - 1_500) } else { stored.expires_at };
    stored
}

/// Any policy meets any other one of the same domain in an import. What is in force asks for less afterwards only if the imported one was
/// fetched later and is authenticated no worse; and then it is taken over, whatever it says.
#[test]
fn whatever_is_imported_only_a_later_fetch_makes_what_is_in_force_ask_for_less() {
    let place = Place::new();
    let cache = place.cache();
    let from = cache.provenance("old.mail.test");
    let mut dice = Dice(31);
    let (mut weakened, mut left, mut strengthened) = (0, 0, 0);
    for round in 0..2_000 {
        let (name, dialect) = (format!("p{round}.test"), *dice.of(&[Dialect::MtaSts, Dialect::SmtpSts]));
        let [known, imported] = [(), ()].map(|()| any_policy(&mut dice, &name, dialect));
        assert_eq!(cache.keep(&known).unwrap(), Kept::Stored);
        cache.import(&imported, &from).unwrap();
        let after = cache.stored(&known.domain).unwrap().of(dialect).unwrap().clone();
        let is_newer =
            imported.fetched_at > known.fetched_at && imported.authentication >= known.authentication;
        let told = format!("{known:?}, {imported:?}: {after:?}");
        if asks_for_less(&known, &after) {
            assert!(is_newer, "{told}");
            weakened += 1;
        } else if asks_for_less(&known, &imported) {
            left += 1;
        }
        if is_newer && imported.authentication != Authentication::FirstUse {
            strengthened += usize::from(asks_for_less(&imported, &known));
            assert_eq!((after.policy, after.expires_at), (imported.policy, imported.expires_at), "{told}");
        }
    }
    assert!(weakened > 100 && left > 100 && strengthened > 100, "{weakened}, {left}, {strengthened}");
}
