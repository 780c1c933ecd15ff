use super::*;
use crate::limits::SUPPRESSED_MOST;
use crate::reporting::schedule::{days, end};
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn beside(directory: &TempDir) -> Outbox {
    Outbox::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, NOW)
}

fn today() -> Day {
    Day::of(NOW)
}

fn domain(name: &str) -> PolicyDomain {
    PolicyDomain::parse(name).unwrap()
}

fn planned(directory: &TempDir, names: &[&str]) -> Outbox {
    let outbox = beside(directory);
    let all: Vec<_> = names.iter().map(|name| (domain(name), NOW)).collect();
    outbox.plan(today(), today().before(8), &all).unwrap();
    outbox
}

fn due(outbox: &Outbox) -> Vec<OutboxEntry> {
    outbox.due(NOW, (Day(0), today()), None).unwrap()
}

fn made() -> Made {
    let (id, contact) = ("1.a.test.x".to_owned(), "tls@sender.test".to_owned());
    Made { id, contact, at: NOW, package: vec![0x1f, 0x8b, 0, 255] }
}

fn leg(key: &str) -> Leg {
    Leg { key: key.to_owned(), state: State::Due, tries: 0, next: NOW, words: String::new() }
}

#[test]
fn what_was_noted_stays_as_it_is_and_is_due_at_its_moment() {
    let directory = TempDir::new().unwrap();
    let outbox = planned(&directory, &["a.test", "b.test"]);
    outbox
        .plan(
            today(),
            today().before(8),
            &[(domain("a.test"), NOW.plus(60)), (domain("c.test"), NOW.plus(1))],
        )
        .unwrap();
    let names: Vec<String> = due(&outbox).iter().map(|entry| entry.domain.to_string()).collect();
    assert_eq!(names, ["a.test", "b.test"]);
    assert_eq!(outbox.due(NOW.plus(1), (Day(0), today()), None).unwrap().len(), 3);
    assert_eq!(outbox.due(NOW.plus(1), (Day(0), today().before(1)), None).unwrap(), []);
    let meta = std::fs::metadata(directory.path().join("cache.outbox.db")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o640);
}

#[test]
fn whatever_the_clock_does_nothing_is_due_twice_and_nothing_early() {
    let directory = TempDir::new().unwrap();
    let outbox = planned(&directory, &["a.test", "b.test"]);
    let mut sent = due(&outbox).remove(0);
    sent.state = State::Sent;
    outbox.conclude(&[sent]).unwrap();
    let names = |now: UnixTime| -> Vec<String> {
        let Some((first, last)) = days(now).next().zip(days(now).last()) else { return Vec::new() };
        let place = CachePath::parse(&directory.path().join("cache.db")).unwrap();
        let outbox = Outbox::beside(&place, 1_000, now);
        // Each run plans the days of its own time, whatever was planned before.
        let planned = [(domain("a.test"), NOW), (domain("b.test"), NOW)];
        for day in days(now).filter(|day| *day == today()) {
            outbox.plan(day, day.before(8), &planned).unwrap();
        }
        let due = outbox.due(now, (first, last), None).unwrap();
        due.iter().map(|entry| entry.domain.to_string()).collect()
    };
    // NOW is a moment of the day itself: the clock went back, and neither is due before the day is over.
    assert_eq!(names(NOW), [""; 0]);
    assert_eq!(names(UnixTime(NOW.0 - 86_400)), [""; 0]);
    let next_day = end(today());
    assert_eq!(names(next_day.plus(299)), [""; 0]);
    for later in [300, 86_400] {
        assert_eq!(names(next_day.plus(later)), ["b.test"], "{later}");
    }
    assert_eq!(names(next_day.plus(2 * 86_400)), [""; 0]);
    // Back again: what was sent stays sent.
    assert_eq!(names(next_day.plus(300)), ["b.test"]);
}

#[test]
fn whoever_comes_after_a_killed_sender_finds_the_report_and_its_octets() {
    let directory = TempDir::new().unwrap();
    let outbox = planned(&directory, &["a.test"]);
    let mut entry = due(&outbox).remove(0);
    entry.destinations = vec![leg("rua@a.test")];
    outbox.claim(&entry, &made()).unwrap();
    let claimed = due(&beside(&directory)).remove(0);
    assert_eq!((claimed.state, claimed.destinations[0].state), (State::Claimed, State::Due));
    outbox.hand(&entry, &Leg { tries: 1, ..leg("rua@a.test") }).unwrap();
    let handed = due(&beside(&directory)).remove(0);
    assert_eq!(
        (handed.state, handed.destinations[0].state, handed.destinations[0].tries),
        (State::Handed, State::Handed, 1)
    );
    // Another report would have other octets: those that were made first stay.
    outbox.claim(&handed, &Made { package: vec![1], ..made() }).unwrap();
    assert_eq!(outbox.package(today(), &domain("a.test")), Ok(Some(made())));
    entry.state = State::Sent;
    entry.destinations[0].state = State::Sent;
    outbox.settle(&entry, &Lesson::Accepted("rua@a.test".to_owned())).unwrap();
    assert_eq!(due(&outbox), []);
    assert_eq!(outbox.package(today(), &domain("a.test")), Ok(None));
    assert_eq!(outbox.entry(today(), &domain("a.test")).unwrap().unwrap(), entry);
}

#[test]
fn a_list_goes_on_behind_the_last_one_that_was_shown() {
    let directory = TempDir::new().unwrap();
    let names: Vec<String> = (0..MAX_OUTBOX_ROWS + 5).map(|number| format!("d{number:05}.test")).collect();
    let outbox = planned(&directory, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let first = outbox.behind(None).unwrap();
    let last = first.last().unwrap();
    let second = outbox.behind(Some((last.day, &last.domain))).unwrap();
    assert_eq!((first.len(), second.len()), (usize::try_from(MAX_OUTBOX_ROWS).unwrap(), 5));
    let all: Vec<String> = first.iter().chain(&second).map(|entry| entry.domain.to_string()).collect();
    assert_eq!(all, names);
}

#[test]
fn what_failed_is_forgiven_by_a_success_and_what_an_operator_says_is_not() {
    let directory = TempDir::new().unwrap();
    let outbox = planned(&directory, &["a.test"]);
    let entry = due(&outbox).remove(0);
    let failing = Failing { since: 0, until: NOW.0 + 10, times: 1 };
    let known =
        |is_by_hand| Suppression { key: "a@a.test".to_owned(), failing, reason: "x".to_owned(), is_by_hand };
    for is_by_hand in [false, true] {
        outbox.settle(&entry, &Lesson::Failed(known(is_by_hand))).unwrap();
        assert_eq!(outbox.suppression("a@a.test"), Ok(Some(known(is_by_hand))));
        outbox.settle(&entry, &Lesson::Accepted("a@a.test".to_owned())).unwrap();
        assert_eq!(outbox.suppression("a@a.test").unwrap().is_some(), is_by_hand);
    }
    assert_eq!((outbox.lift("a@a.test"), outbox.lift("a@a.test")), (Ok(true), Ok(false)));
    let over = Failing { until: NOW.0 - SUPPRESSED_MOST - 1, ..failing };
    for (key, failing) in [("a@a.test", failing), ("b@a.test", over)] {
        outbox.suppress(&Suppression { key: key.to_owned(), failing, ..known(false) }).unwrap();
    }
    outbox.plan(today(), today().before(8), &[]).unwrap();
    let left: Vec<String> = outbox.suppressions().unwrap().into_iter().map(|one| one.key).collect();
    assert_eq!(left, ["a@a.test"]);
}

#[test]
fn one_has_the_turn_and_the_next_one_when_he_is_gone() {
    let directory = TempDir::new().unwrap();
    let first = beside(&directory).turn().unwrap();
    assert!(first.is_some() && beside(&directory).turn().unwrap().is_none());
    drop(first);
    assert!(beside(&directory).turn().unwrap().is_some());
    std::fs::remove_file(directory.path().join("cache.outbox.db.lock")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("cache.outbox.db.lock")).unwrap();
    assert!(matches!(beside(&directory).turn(), Err(CacheError::Unsafe { .. })));
}

#[test]
fn the_outbox_at_a_glance_and_what_is_older_is_forgotten() {
    let directory = TempDir::new().unwrap();
    assert_eq!(beside(&directory).read_only().glance(today(), 5).unwrap().last_run, None);
    let outbox = planned(&directory, &["a.test", "b.test", "c.test"]);
    let mut all = due(&outbox);
    (all[0].state, all[0].tries) = (State::GaveUp, 1);
    (all[1].tries, all[1].words) = (1, "not now".to_owned());
    outbox.conclude(&all).unwrap();
    let glance = outbox.glance(today(), 5).unwrap();
    assert_eq!((glance.of(State::GaveUp), glance.of(State::Due), glance.last_run), (1, 2, Some(NOW)));
    let failed: Vec<&str> = glance.failed.iter().map(|entry| entry.domain.as_str()).collect();
    assert_eq!(failed, ["a.test", "b.test"]);
    outbox.plan(Day(today().0 + 9), Day(today().0 + 1), &[]).unwrap();
    assert_eq!(outbox.behind(None), Ok(vec![]));
}

#[test]
fn a_row_that_this_program_would_not_write_is_not_there() {
    let directory = TempDir::new().unwrap();
    let outbox = planned(&directory, &["a.test"]);
    let file = Connection::open(directory.path().join("cache.outbox.db")).unwrap();
    for (column, value, back) in [("state", "x", "due"), ("domain", "-", "a.test"), ("words", "\u{1b}", "")] {
        let set = |value: &str| file.execute(&format!("UPDATE report SET {column} = ?1"), [value]).unwrap();
        set(value);
        assert_eq!(due(&beside(&directory)), [], "{column}");
        set(back);
        assert_eq!(due(&beside(&directory)).len(), 1, "{column}");
    }
    drop(outbox);
}
