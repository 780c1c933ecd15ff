use super::*;

#[test]
fn what_is_too_much_at_once_becomes_less_until_one_row_is_left() {
    let mut pace = Pace::default();
    (0..9).for_each(|_| pace.could_not_read());
    (0..9).for_each(|_| pace.could_not_offer());
    assert_eq!((pace.page, pace.batch), (1, 1));
    (0..20).for_each(|_| pace.has_read());
    assert_eq!(pace.page, FLEET_PAGE);
}

#[test]
fn a_store_of_a_million_changes_is_read_to_its_end_however_long_that_takes() {
    let (page, all) = (1_000, 1_000_000);
    let (mut marks, mut course, mut change, mut pages) = (Marks::default(), Course::new(), 0, 0);
    marks.begin("a", 0);
    while course.is_more() && change < all {
        // Each time ten minutes have passed.
        assert!(!course.begins_again(&marks, change), "at {change}");
        assert_eq!(course.again(), None, "at {change}");
        (change, pages) = (change + page, pages + 1);
        course.has_read(&mut marks, change, change < all);
    }
    assert_eq!((change, pages), (all, all / page));

    // Of what is read once more a page comes behind each of what is new, and nothing begins it anew.
    assert!(course.begins_again(&marks, change));
    let mut again = 0;
    while let Some(from) = course.again() {
        (change, again) = (change + 1, again + 1);
        course.has_read(&mut marks, change, false);
        assert!(!course.begins_again(&marks, change));
        course.has_read_again(Some(from + page), from + page < all, change);
    }
    assert_eq!((change, again), (all + 1_000, 1_000));
    assert!(!course.is_more());
}

#[test]
fn behind_a_failover_the_last_minutes_are_read_once_more_and_of_an_unknown_store_a_page() {
    let page = u64::try_from(FLEET_PAGE).unwrap();
    let mut marks = Marks::default();
    marks.begin("a", 5 * page);
    assert_eq!(marks.ago(), Some(4 * page), "nobody knows where it stood");
    marks.has_read(6 * page);
    marks.begin("a", 6 * page);
    assert_eq!(marks.ago(), Some(4 * page), "another connection to the same store");
    marks.has_read(7 * page);
    let Some(long_ago) = Instant::now().checked_sub(FLEET_READ_AGAIN) else { return };
    marks.stood.iter_mut().take(2).for_each(|(at, _)| *at = long_ago);
    marks.has_read(7 * page);
    assert_eq!(marks.ago(), Some(6 * page), "ten minutes ago");
    marks.begin("a", 0);
    assert_eq!(marks.ago(), Some(0), "it has gone back in time, and is read from the beginning");
    marks.begin("b", 9 * page);
    assert_eq!(marks.ago(), Some(8 * page), "another store");
    marks.begin("c", 3);
    assert_eq!(marks.ago(), Some(0));
}

fn policy(domain: &str) -> StoredPolicy {
    let record = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800";
    let record = crate::policy::smtp_sts::Record::parse(record).unwrap();
    let (domain, at) = (PolicyDomain::parse(domain).unwrap(), crate::time::UnixTime(1_800_000_000));
    StoredPolicy::fetched(&domain, record, crate::policy::Authentication::Dnssec, at, at)
}

#[test]
fn what_is_held_up_is_left_out_for_a_while_and_too_much_of_it_is_a_pause() {
    let mut held_up = HeldUp::default();
    let (one, other) = (policy("one.test"), policy("other.test"));
    held_up.add(std::slice::from_ref(&one));
    assert_eq!(held_up.of(&[one.clone(), other]), std::slice::from_ref(&one));
    held_up.until.values_mut().for_each(|until| *until = Instant::now());
    assert_eq!(held_up.of(&[one]), [], "it is tried again");
    assert!(!held_up.rests());
    let many: Vec<_> = (0..1_001).map(|number| policy(&format!("m{number}.test"))).collect();
    let mut held_up = HeldUp::default();
    held_up.add(&many[1..]);
    assert_eq!((held_up.rests(), held_up.until.len()), (false, 1_000));
    held_up.add(&many[..1]);
    assert!(held_up.rests() && held_up.until.is_empty());
}

#[test]
fn what_was_not_offered_again_is_owed_until_all_was() {
    let policies = |number: usize| -> Vec<StoredPolicy> {
        let domain = PolicyDomain::parse("example.org").unwrap();
        let record =
            crate::policy::smtp_sts::Record::parse("v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800");
        let (record, at) = (record.unwrap(), crate::time::UnixTime(1_800_000_000));
        vec![StoredPolicy::fetched(&domain, record, crate::policy::Authentication::Dnssec, at, at); number]
    };
    let mut recent = Recent::default();
    recent.add(policies(3));
    assert_eq!((recent.take().len(), recent.owes_all()), (3, false));
    recent.add(policies(2));
    recent.forget(&PolicyDomain::parse("example.net").unwrap());
    recent.forget(&PolicyDomain::parse("example.org").unwrap());
    assert_eq!(recent.take().len(), 0, "what was purged is not said again");
    recent.was_lost();
    assert_eq!((recent.take().len(), recent.owes_all()), (0, true), "the next connection knows it");
    assert!(recent.owes_all(), "and so does the one after it, if that comes to no end");
    for (offered, is_more) in [(1_000, false), (1_001, true)] {
        recent.add(policies(offered));
        recent.has_offered_all();
        assert!(!recent.owes_all());
        assert_eq!((recent.take().len(), recent.owes_all()), (1_000, is_more), "of {offered}");
    }
}

#[test]
fn whoever_fails_again_and_again_waits_longer_until_all_was_done_once() {
    let mut patience = Patience::default();
    let away = || Trouble::Away("it hangs up".to_owned());
    let pauses: Vec<Duration> = (0..9).map(|_| patience.after(away())).collect();
    assert!(pauses[0] <= FLEET_RETRY_FIRST * 3 / 2, "{pauses:?}");
    assert!(pauses[8] >= FLEET_RETRY_MOST / 2, "{pauses:?}");
    patience.is_rewarded("c0ffee");
    assert!(patience.after(away()) <= FLEET_RETRY_FIRST * 3 / 2);
}
