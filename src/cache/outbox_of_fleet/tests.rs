use super::*;
use crate::cache::CachePath;
use crate::reporting::outbox::{Made, OutboxEntry, State};
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn beside(directory: &TempDir) -> Outbox {
    Outbox::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, NOW)
}

fn domain(name: &str) -> PolicyDomain {
    PolicyDomain::parse(name).unwrap()
}

fn origin(part: u8) -> Origin {
    Origin { store: "c0ffee".to_owned(), part }
}

#[test]
fn a_part_takes_the_place_of_one_that_is_over_and_of_no_other() {
    let directory = TempDir::new().unwrap();
    let (outbox, day) = (beside(&directory), Day::of(NOW));
    let claim = |part| [(day, domain("a.test"), origin(part))];
    assert_eq!(outbox.take_on(&claim(0), NOW), Ok(vec![true]));
    let due = || outbox.due(NOW, (day, day), None).unwrap();
    let [entry] = <[OutboxEntry; 1]>::try_from(due()).unwrap();
    let made = Made { id: "1".to_owned(), contact: "a@b.test".to_owned(), at: NOW, package: vec![1] };
    outbox.claim(&entry, &made).unwrap();
    assert_eq!(outbox.take_on(&claim(1), NOW), Ok(vec![false]), "its octets stay");
    assert_eq!(outbox.package(day, &entry.domain), Ok(Some(made)));
    outbox.conclude(&[OutboxEntry { state: State::Sent, ..entry.clone() }]).unwrap();
    assert!(due().is_empty());
    assert_eq!(outbox.take_on(&claim(1), NOW), Ok(vec![true]));
    assert_eq!((due().len(), outbox.package(day, &entry.domain)), (1, Ok(None)));
    assert_eq!(outbox.origins().unwrap().get(&(day, domain("a.test"))), Some(&origin(1)));
    outbox.purge(&domain("a.test")).unwrap();
    assert!(outbox.origins().unwrap().is_empty() && due().is_empty());
}

#[test]
fn what_is_handed_in_is_not_told_alone_and_what_was_begun_alone_is_known() {
    let directory = TempDir::new().unwrap();
    let (outbox, day) = (beside(&directory), Day::of(NOW));
    let all = ["begun.test", "planned.test", "other.test"].map(|name| (domain(name), NOW));
    outbox.plan(day, day.before(8), &all).unwrap();
    let begun = outbox.due(NOW, (day, day), None).unwrap().remove(0);
    outbox.conclude(&[OutboxEntry { tries: 1, ..begun }]).unwrap();
    assert_eq!(outbox.begun_alone(day).unwrap(), BTreeSet::from(["begun.test".to_owned()]));
    assert_eq!(outbox.joined(), Ok(None));
    outbox.hand_in("c0ffee", day, ["planned.test", ""].into_iter()).unwrap();
    assert_eq!(outbox.joined(), Ok(Some(day)));
    let due: Vec<_> = outbox.due(NOW, (day, day), None).unwrap().into_iter().map(|one| one.domain).collect();
    assert_eq!(due, [domain("begun.test"), domain("other.test")]);
    assert!(outbox.handed_in(day).unwrap().contains("planned.test"));
    // What is on its way is neither handed in nor to be told alone, and what has arrived stays so.
    outbox.hand_in_perhaps("c0ffee", day, ["planned.test", "lost.test", "early.test"].into_iter()).unwrap();
    assert_eq!(outbox.handed_in_perhaps(day).unwrap(), ["early.test", "lost.test"].map(str::to_owned).into());
    outbox.not_handed_in(day, ["early.test", "planned.test"].into_iter()).unwrap();
    outbox.hand_in("c0ffee", day, std::iter::once("lost.test")).unwrap();
    assert!(outbox.handed_in_perhaps(day).unwrap().is_empty());
    assert_eq!(outbox.handed_in(day).unwrap(), ["", "lost.test", "planned.test"].map(str::to_owned).into());
    // What was told alone is told: a report of the fleet in its place does not make it something to hand in.
    let told = outbox.due(NOW, (day, day), None).unwrap().remove(0);
    outbox.conclude(&[OutboxEntry { state: State::Sent, tries: 1, ..told }]).unwrap();
    assert_eq!(outbox.take_on(&[(day, domain("begun.test"), origin(0))], NOW), Ok(vec![true]));
    assert!(outbox.handed_in(day).unwrap().contains("begun.test"));
    outbox.plan(Day(day.0 + 9), Day(day.0 + 1), &[]).unwrap();
    assert!(outbox.handed_in(day).unwrap().is_empty(), "it is forgotten with the day");
}

#[test]
fn the_outbox_of_the_version_before_keeps_its_reports() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("cache.outbox.db");
    let file = Connection::open(&path).unwrap();
    for definition in crate::cache::outbox_1::ANCESTOR.definitions.iter().rev() {
        file.execute_batch(definition).unwrap();
    }
    file.pragma_update(None, "application_id", crate::cache::schema::OUTBOX_ID).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    let day = Day::of(NOW);
    file.execute("INSERT INTO report VALUES (?1, 'a.test', 'due', 1, 0, 0, '')", [integer(day.0)]).unwrap();
    drop(file);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let outbox = beside(&directory);
    assert!(outbox.origins().unwrap().is_empty());
    outbox.hand_in("c0ffee", day, std::iter::once("b.test")).unwrap();
    assert_eq!(outbox.due(NOW, (day, day), None).unwrap().len(), 1);
}
