//! What happened to a policy is written down with the change itself, once, and not for ever.

use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::limits::MAX_EVENTS_PER_DOMAIN;
use smtp_sts_verify::policy::Mode;
use smtp_sts_verify::time::UnixTime;

fn events(place: &Place, name: &str) -> Vec<Event> {
    place.cache().history(&domain(name)).unwrap().into_iter().map(|entry| entry.event).collect()
}

fn before(seconds: u64) -> UnixTime {
    UnixTime(now().0 - seconds)
}

#[test]
fn the_life_of_an_mta_sts_policy_is_told_from_its_first_fetch_to_its_end() {
    let place = Place::new();
    for (age, id, mode, max_age) in [
        (900, "1", "testing", 604_800),
        (800, "1", "testing", 604_800), // a renewal
        (700, "2", "enforce", 604_800),
        (600, "3", "enforce", 604_800),
        (500, "4", "none", 86_400),
        (400, "5", "enforce", 604_800),
        (300, "6", "enforce", 0),
    ] {
        let policy = mta_sts("example.org", id, mode, max_age, before(age));
        assert_eq!(open(&place.path(), before(age)).keep(&policy).unwrap(), Kept::Stored, "{age}");
    }
    use Mode::{Enforce, None as Off, Testing};
    let told: Vec<_> = place
        .cache()
        .history(&domain("example.org"))
        .unwrap()
        .into_iter()
        .map(|entry| (now().since(entry.at) / 100, entry.event, entry.before, entry.after))
        .collect();
    assert_eq!(
        told,
        [
            (9, Event::Learnt, None, Some(Testing)),
            (7, Event::Changed, Some(Testing), Some(Enforce)),
            (6, Event::Changed, Some(Enforce), Some(Enforce)),
            (5, Event::Weakened, Some(Enforce), Some(Off)),
            (4, Event::Changed, Some(Off), Some(Enforce)),
            (3, Event::Ended, Some(Enforce), None),
        ]
    );
    assert_eq!(place.cache().policies(&domain("example.org")).unwrap(), Policies::default());
}

#[test]
fn what_goes_on_is_noticed_once_and_again_after_a_fetch() {
    let place = Place::new();
    let name = domain("example.org");
    let notice = |at, notice| open(&place.path(), at).note(&name, Dialect::MtaSts, &notice);
    notice(before(950), Notice::Withdrawn);
    assert_eq!(place.names(), Vec::<String>::new(), "nothing is in force that could be withdrawn");
    open(&place.path(), before(900))
        .keep(&mta_sts("example.org", "1", "enforce", 604_800, before(900)))
        .unwrap();
    for age in [800, 700, 600] {
        notice(before(age), Notice::Withdrawn);
        notice(before(age), Notice::FetchFailed("the policy host did not answer".into()));
    }
    open(&place.path(), before(500))
        .keep(&mta_sts("example.org", "1", "enforce", 604_800, before(500)))
        .unwrap();
    for age in [400, 300] {
        notice(before(age), Notice::Withdrawn);
    }
    assert_eq!(
        events(&place, "example.org"),
        [Event::Learnt, Event::Withdrawn, Event::FetchFailed, Event::Withdrawn]
    );
    let history = place.cache().history(&name).unwrap();
    assert_eq!(history[2].detail, "the policy host did not answer");
    assert_eq!(place.cache().policies(&name).unwrap().mta_sts.unwrap().fetched_at, before(500));
}

#[test]
fn no_domain_fills_the_history() {
    let place = Place::new();
    for i in 0..100_u64 {
        let at = before(1_000 - i);
        let mode = if i % 2 == 0 { "enforce" } else { "testing" };
        open(&place.path(), at).keep(&mta_sts("example.org", &i.to_string(), mode, 604_800, at)).unwrap();
    }
    let history = place.cache().history(&domain("example.org")).unwrap();
    assert_eq!(history.len(), usize::try_from(MAX_EVENTS_PER_DOMAIN).unwrap());
    assert!(history.last().unwrap().detail.contains("id 98 -> 99"), "{history:?}");
}

#[test]
fn nor_do_all_of_them_together() {
    let place = Place::new();
    for round in 0..4_u64 {
        for i in 0..20 {
            let at = before(100 - round);
            let policy = mta_sts(&format!("d{i}.test"), &round.to_string(), "testing", 604_800, at);
            bounded(&place.path(), 10, at).keep(&policy).unwrap();
        }
    }
    let count = |place: &Place, what: &str| {
        let query = format!("SELECT count(*) FROM history {what}");
        Connection::open(place.path()).unwrap().query_row(&query, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(count(&place, "") <= 40, "{}", count(&place, ""));
    assert_eq!(count(&place, "WHERE domain NOT IN (SELECT domain FROM policy)"), 0);
    // Where all domains have room, four times as many events as these have it, and the oldest go.
    let place = Place::new();
    for (round, expected) in (0..6_u64).zip([10, 20, 30, 40, 40, 40]) {
        for i in 0..10 {
            let at = before(100 - round);
            let policy = mta_sts(&format!("d{i}.test"), &round.to_string(), "testing", 604_800, at);
            bounded(&place.path(), 10, at).keep(&policy).unwrap();
        }
        assert_eq!(count(&place, ""), expected, "{round}");
    }
    assert_eq!(count(&place, &format!("WHERE at <= {}", before(99).0)), 0);
}

#[test]
fn an_event_of_another_hand_does_not_exist() {
    for poison in [
        "UPDATE history SET event = 'learned'",
        "UPDATE history SET at = at + 1",
        "UPDATE history SET mode_after = 'none'",
        "UPDATE history SET detail = detail || '!'",
        "UPDATE history SET detail = printf('%.*c', 3000000, 'x')",
        "UPDATE history SET mechanism = 'smtp-sts'",
        "UPDATE history SET domain = 'example.com'",
    ] {
        let place = Place::new();
        place.cache().keep(&mta_sts("example.org", "1", "enforce", 604_800, now())).unwrap();
        Connection::open(place.path()).unwrap().execute_batch(poison).unwrap();
        for name in ["example.org", "example.com"] {
            assert_eq!(events(&place, name), [], "{poison}");
        }
    }
}
