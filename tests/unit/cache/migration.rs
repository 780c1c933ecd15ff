//! A file of version 1, 2 or 3 becomes one of version 4, whole or not at all.

use super::crowd::{Copied, printed};
use super::place::*;
use crate::support::users::is_root;
use rusqlite::{Connection, OpenFlags};
use smtp_sts_verify::cache::*;
use smtp_sts_verify::policy::{Authentication, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

/// As the first release wrote it, at that moment: four policies of the usual circumstances, two of a laboratory's.
const VERSION_1: &[u8] = include_bytes!("../../../fixtures/cache/version-1.db");
pub(crate) const THEN: UnixTime = UnixTime(1_800_000_000);

/// As the release with version 2 wrote it, at that moment: five policies of four domains, imported from another host.
const VERSION_2: &[u8] = include_bytes!("../../../fixtures/cache/version-2.db");
pub(crate) const THEN_2: UnixTime = UnixTime(1_795_972_947);

/// The same file, as the release with version 3 took it over.
const VERSION_3: &[u8] = include_bytes!("../../../fixtures/cache/version-3.db");

pub(crate) fn restore_2(place: &Place) {
    restore_from(place, VERSION_2);
}

pub(crate) fn restore_3(place: &Place) {
    restore_from(place, VERSION_3);
}

fn restore_from(place: &Place, octets: &[u8]) {
    fs::write(place.path(), octets).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o640)).unwrap();
}

/// What a file of version 2 has to say about its policies, once it is taken over.
pub(crate) fn the_five_are_there(place: &Place) {
    let cache = open(&place.path(), THEN_2);
    let all: Vec<StoredPolicy> = cache.all().map(Result::unwrap).collect();
    let told: Vec<_> =
        all.iter().map(|one| (one.domain.as_str(), one.policy.dialect(), one.is_enforced())).collect();
    assert_eq!(
        told,
        [
            ("both.test", Dialect::MtaSts, true),
            ("both.test", Dialect::SmtpSts, true),
            ("enforced.test", Dialect::SmtpSts, true),
            ("first-use.test", Dialect::SmtpSts, false),
            ("report.test", Dialect::MtaSts, false),
        ]
    );
    let history = cache.history(&domain("both.test")).unwrap();
    assert_eq!(history.iter().map(|entry| entry.event).collect::<Vec<_>>(), [Event::Imported; 2]);
    assert_eq!(version(place), 4);
    let connection = Connection::open(place.path()).unwrap();
    let domains: i64 = connection.query_row("SELECT domains FROM tally", [], |row| row.get(0)).unwrap();
    assert_eq!(domains, 4);
}

pub(crate) fn old_file() -> Place {
    let place = Place::new();
    restore(&place);
    place
}

pub(crate) fn restore(place: &Place) {
    fs::write(place.path(), VERSION_1).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o600)).unwrap();
}

/// What a bystander sees of the file: its version, and how many policies of how many there are readable.
pub(crate) fn version(place: &Place) -> i64 {
    let connection = Connection::open_with_flags(place.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What the file has to say about its four policies, once it is taken over.
pub(crate) fn the_four_are_there(place: &Place) {
    let cache = open(&place.path(), THEN);
    let all: Vec<StoredPolicy> = cache.all().map(Result::unwrap).collect();
    let told: Vec<_> = all
        .iter()
        .map(|policy| {
            let age = THEN.since(policy.fetched_at);
            (policy.domain.as_str(), policy.authentication, age, policy.applied_at.is_some())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("enforced.test", Authentication::Dnssec, 1_000, true),
            ("expired.test", Authentication::Dnssec, 700_000, true),
            ("first-use.test", Authentication::FirstUse, 3_000, false),
            ("report.test", Authentication::WebPki, 2_000, true),
        ]
    );
    assert_eq!(all[0].policy.to_text(), RECORD);
    assert_eq!(cache.census().unwrap(), Census { here: 4, elsewhere: 2 });
    assert_eq!(version(place), 4);
}

#[test]
fn its_policies_stay_what_they_were() {
    let place = old_file();
    the_four_are_there(&place);
    let laboratory = Circumstances { https_port: 8_443, ..usual() };
    let there = Cache::new(CachePath::parse(&place.path()).unwrap(), &laboratory, 100, THEN);
    assert_eq!(there.all().count(), 2);
    assert_eq!(place.names(), ["cache.db"]);
}

#[test]
fn what_version_2_knew_stays_known() {
    let place = Place::new();
    restore_2(&place);
    the_five_are_there(&place);
    assert_eq!(place.names(), ["cache.db"]);
}

#[test]
fn what_version_3_knew_stays_known_also_while_it_cannot_be_taken_over() {
    let place = Place::new();
    restore_3(&place);
    let other = Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let cache = open(&place.path(), THEN_2);
    assert!(cache.policies(&domain("both.test")).unwrap().mta_sts.is_some_and(|policy| policy.is_enforced()));
    assert_eq!((cache.trouble(), version(&place)), (None, 3));
    other.execute_batch("COMMIT").unwrap();
    the_five_are_there(&place);
    assert_eq!(place.names(), ["cache.db"]);
}

/// A full disk, or whoever holds the lock, keeps an upgrade from being written, and nobody from what was known before.
#[test]
fn what_version_2_knew_is_known_while_it_cannot_be_taken_over() {
    let place = Place::new();
    restore_2(&place);
    let other = Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let cache = open(&place.path(), THEN_2);
    let policies = cache.policies(&domain("both.test")).unwrap();
    assert!(policies.mta_sts.is_some_and(|policy| policy.is_enforced()), "it is in force, and counts");
    assert_eq!((cache.trouble(), version(&place)), (None, 2));
    other.execute_batch("COMMIT").unwrap();
    the_five_are_there(&place);
}

#[test]
fn whoever_only_looks_is_shown_what_an_earlier_version_knew_or_told_that_it_waits() {
    for restore in [restore_2, restore_3] {
        let place = Place::new();
        restore(&place);
        let before = fs::read(place.path()).unwrap();
        let cache = open(&place.path(), THEN_2).read_only();
        assert_eq!(cache.all().map(Result::unwrap).count(), 5);
        assert_eq!(cache.history(&domain("both.test")).unwrap().len(), 2);
        assert_eq!(cache.census().unwrap(), Census { here: 5, elsewhere: 0 });
        let [policies, _] = cache.check_up();
        assert_eq!(policies.unwrap().map(|state| (state.rows, state.damaged)), Some((5, 0)));
        assert_eq!(fs::read(place.path()).unwrap(), before);
    }
    let place = old_file();
    let told = open(&place.path(), THEN).read_only().census();
    assert!(matches!(told, Err(CacheError::Waiting { .. })), "{told:?}");
    assert_eq!(
        told.unwrap_err().to_string(),
        format!(
            "the cache {} cannot be shown yet: an earlier version wrote it, and the next delivery takes it over; nothing is lost",
            place.path().display()
        )
    );
    the_four_are_there(&place);
}

#[test]
fn dns_results_of_the_first_version_stay_known() {
    let place = Place::new();
    place.cache().remember(&domain("example.org"), Topic::MxHosts, "nothing", now().plus(60));
    place.cache().remember(&domain("example.org"), Topic::Dane, "nothing", now().plus(60));
    place.cache().remember(&domain("example.net"), Topic::Dane, "nothing", now().plus(60));
    Connection::open(place.answers())
        .unwrap()
        .execute_batch(
            "DROP TABLE tally; DROP TRIGGER answer_comes; DROP TRIGGER answer_goes; PRAGMA user_version = 1",
        )
        .unwrap();
    let cache = place.cache();
    assert!(cache.recall(&domain("example.org"), Topic::MxHosts).is_some());
    assert_eq!(cache.trouble(), None);
    let connection = Connection::open(place.answers()).unwrap();
    let domains: i64 = connection.query_row("SELECT domains FROM tally", [], |row| row.get(0)).unwrap();
    assert_eq!(domains, 2);
}

#[test]
fn it_becomes_to_the_letter_what_a_new_file_is() {
    let second = Place::new();
    restore_2(&second);
    the_five_are_there(&second);
    let (old, new) = (old_file(), Place::new());
    the_four_are_there(&old);
    new.cache().keep(&enforced("example.org", now())).unwrap();
    let definitions = |place: &Place| -> Vec<String> {
        let connection = Connection::open(place.path()).unwrap();
        let mut statement =
            connection.prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY 1").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(definitions(&old), definitions(&new));
    assert_eq!(definitions(&second), definitions(&new));
    let third = Place::new();
    restore_3(&third);
    the_five_are_there(&third);
    assert_eq!(definitions(&third), definitions(&new));
}

#[test]
fn the_view_goes_on_showing_its_rows() {
    let place = old_file();
    let shown = || {
        let connection = Connection::open(place.path()).unwrap();
        let mut statement = connection.prepare("SELECT * FROM sts_cache ORDER BY domain").unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
            ))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let before = shown();
    the_four_are_there(&place);
    assert_eq!((shown(), before.len()), (before, 5));
}

#[test]
fn the_first_change_after_it_is_the_first_event_of_the_history() {
    let place = old_file();
    let cache = open(&place.path(), THEN);
    let other = RECORD.replace("mx.test", "new.test");
    let kept = cache.keep(&fetched("enforced.test", &other, Authentication::Dnssec, THEN)).unwrap();
    assert_eq!(kept, Kept::Stored);
    let history = cache.history(&domain("enforced.test")).unwrap();
    let told: Vec<_> = history.iter().map(|entry| (entry.event, entry.detail.as_str())).collect();
    assert_eq!(told, [(Event::Weakened, "mx added *.new.test; mx gone *.mx.test")]);
}

#[test]
fn a_file_at_its_bound_is_taken_over_too() {
    let place = old_file();
    let connection = Connection::open(place.path()).unwrap();
    // Long rows of nobody's, until the file of at most 64 MiB has a tenth left.
    connection
        .execute_batch(
            "INSERT INTO policy WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 14000)
             SELECT printf('d%d.test', i), x'00', 'smtp-sts', printf('%.*c', 4000, 'x'), 'dnssec', 1, 2, NULL, 'False', x''
             FROM n",
        )
        .unwrap();
    drop(connection);
    assert!(fs::metadata(place.path()).unwrap().len() > 55_000_000);
    assert!(
        bounded(&place.path(), 5, THEN).policy(&domain("enforced.test"), Dialect::SmtpSts).unwrap().is_some()
    );
    assert_eq!(version(&place), 4);
}

#[test]
fn what_only_looks_like_version_1_is_put_aside() {
    for poison in ["DROP VIEW sts_cache", "CREATE TABLE other (x)", "PRAGMA user_version = 2"] {
        let place = old_file();
        Connection::open(place.path()).unwrap().execute_batch(poison).unwrap();
        let found = place.cache().policies(&domain("enforced.test"));
        assert!(
            matches!(found, Err(CacheError::Corrupt { fate: Fate::MovedTo(_), .. })),
            "{poison}: {found:?}"
        );
    }
}

#[test]
fn without_the_right_to_write_an_old_file_is_told_and_left_alone() {
    const OWNER: u32 = 12_001;
    let place = old_file();
    fs::set_permissions(place.path(), Permissions::from_mode(0o400)).unwrap();
    if is_root() {
        // Who may write everything: so somebody else takes it over.
        for path in [place.directory.path(), &place.path()] {
            chown(path, Some(OWNER), Some(OWNER)).unwrap();
        }
        let program = Copied::new("migration-test");
        let said = printed(program.start("upgrade", &place, "enforced.test", OWNER, OWNER));
        assert!(said.contains("it is unusable"), "{said}");
    } else {
        let found = place.cache().policies(&domain("enforced.test"));
        assert!(matches!(found, Err(CacheError::Unusable { .. })), "{found:?}");
    }
    assert_eq!(fs::read(place.path()).unwrap(), VERSION_1);
}
