use super::*;
use crate::policy::result::ResultType;
use crate::reports::session::Ended;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn beside(directory: &TempDir, now: UnixTime) -> Counts {
    Counts::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, now)
}

fn row(number: u64) -> Row {
    Row {
        day: Day::of(NOW),
        domain: PolicyDomain::parse("example.org").unwrap(),
        policy: Applied::new(PolicyType::MtaSts, Mode::Testing, "v=STSv1; id=1\nversion: STSv1\r\n"),
        host: MxHost::from_text(&format!("mx{number}.example.org")).ok(),
        address: Some("2001:db8::25".parse().unwrap()),
        from: Some("192.0.2.1".parse().unwrap()),
        helo: Helo::parse("Mx.example.org"),
        ended: Ended::Failed(ResultType::CertificateExpired),
        code: Some(ReasonCode::SelfSigned),
    }
}

fn success() -> Row {
    let policy = Applied::new(PolicyType::None, Mode::None, "");
    Row { policy, ended: Ended::Encrypted, from: None, helo: None, code: None, ..row(9) }
}

#[test]
fn what_is_added_is_there_again_and_adds_up() {
    let directory = TempDir::new().unwrap();
    let all = [(row(1), 2), (row(2), 1), (success(), 40)];
    assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
    assert_eq!(beside(&directory, NOW).add(&[(row(1), 5)]), Ok(0));
    let mut read = beside(&directory, NOW).read_only().of(None).unwrap();
    read.sort();
    let mut expected = vec![(row(1), 7), (row(2), 1), (success(), 40)];
    expected.sort();
    assert_eq!(read, expected);
    let meta = std::fs::metadata(directory.path().join("cache.reports.db")).unwrap();
    assert_eq!((meta.permissions().mode() & 0o777, meta.nlink()), (0o640, 1));
}

#[test]
fn nothing_was_counted_where_there_is_no_file_and_a_look_makes_none() {
    let directory = TempDir::new().unwrap();
    assert_eq!(beside(&directory, NOW).read_only().of(None), Ok(vec![]));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_day_is_shown_by_itself_and_forgotten_when_it_is_long_over() {
    let directory = TempDir::new().unwrap();
    let later = NOW.plus(REPORTS_KEPT_DAYS * 86_400);
    assert_eq!(beside(&directory, NOW).add(&[(row(1), 1)]), Ok(0));
    let today = Row { day: Day::of(later), ..success() };
    assert_eq!(beside(&directory, later).add(&[(today.clone(), 1)]), Ok(0));
    let of = |day| beside(&directory, later).of(day).unwrap().len();
    assert_eq!((of(None), of(Some(Day::of(NOW))), of(Some(Day::of(later))), of(Some(Day(0)))), (2, 1, 1, 0));
    assert_eq!(beside(&directory, later.plus(86_400)).add(&[(today, 1)]), Ok(0));
    assert_eq!((of(None), of(Some(Day::of(NOW)))), (1, 0));
}

#[test]
fn a_day_has_a_hundred_thousand_rows_and_the_rest_is_counted_together() {
    let directory = TempDir::new().unwrap();
    beside(&directory, NOW).add(&[(row(1), 1)]).unwrap();
    // As other domains would have them, all but one.
    let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
    let others = "WITH RECURSIVE n(i) AS (VALUES (3) UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO session SELECT day, 'd' || i || '.test', policy, host, address, sender, helo, result, code, 1
        FROM session, n";
    file.execute(others, [integer(MAX_REPORT_ROWS_PER_DAY)]).unwrap();
    for number in [2, 3, 4] {
        assert_eq!(beside(&directory, NOW).add(&[(row(number), 1)]), Ok(0));
    }
    let mut read = beside(&directory, NOW).of_domain(Day::of(NOW), &row(1).domain).unwrap();
    let mut expected = vec![(row(1), 1), (row(2), 1), (row(3).among_others(), 2)];
    read.sort();
    expected.sort();
    assert_eq!(read, expected);
}

#[test]
fn a_domain_has_so_many_rows_and_the_rest_is_counted_together() {
    let directory = TempDir::new().unwrap();
    let all: Vec<_> = (0..MAX_REPORT_ROWS_PER_DOMAIN + 50).map(|number| (row(number), 1)).collect();
    let (first, second) = all.split_at(600);
    assert_eq!(beside(&directory, NOW).add(first), Ok(0));
    assert_eq!(beside(&directory, NOW).add(second), Ok(0));
    let read = beside(&directory, NOW).of(None).unwrap();
    assert_eq!(u64::try_from(read.len()), Ok(MAX_REPORT_ROWS_PER_DOMAIN + 1));
    assert!(read.contains(&(row(0).among_others(), 50)));
    // A row that is there goes on.
    assert_eq!(beside(&directory, NOW).add(&[(row(3), 1)]), Ok(0));
    assert!(beside(&directory, NOW).of(None).unwrap().contains(&(row(3), 2)));
}

#[test]
fn a_row_that_this_program_would_not_write_is_not_there() {
    let directory = TempDir::new().unwrap();
    beside(&directory, NOW).add(&[(row(1), 1), (row(2), 1)]).unwrap();
    let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
    for (column, value) in
        [("result", "x"), ("host", "a b"), ("address", "x"), ("domain", "-x"), ("helo", "a b"), ("code", "x")]
    {
        let before: String = file
            .query_row(&format!("SELECT {column} FROM session WHERE host LIKE 'mx1%'"), [], |row| row.get(0))
            .unwrap();
        let set = |from: &str, to: &str| {
            let change = format!("UPDATE session SET {column} = ?1 WHERE {column} = ?2 AND address <> ''");
            file.execute(&change, [to, from]).unwrap();
        };
        set(&before, value);
        let rest = beside(&directory, NOW).of(None).unwrap();
        assert!(rest.iter().all(|(one, _)| *one == row(2)), "{column}: {rest:?}");
        set(value, &before);
    }
    assert_eq!(beside(&directory, NOW).of(None).unwrap().len(), 2);
}

fn long(number: u64) -> Row {
    let text = format!("v=STSv1; id={number:09}\n{}", "mx: mx.example.org\n".repeat(3_000));
    Row { policy: Applied::new(PolicyType::MtaSts, Mode::Enforce, &text), ..row(1) }
}

#[test]
fn a_policy_is_kept_whole_and_once_and_is_forgotten_with_the_last_session_under_it() {
    let directory = TempDir::new().unwrap();
    let mut dane = row(2);
    dane.policy = Applied::new(PolicyType::Dane, Mode::None, "3 1 1 AA\n");
    dane.policy.base = MxHost::from_text("end.example.net").ok();
    let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(1) };
    let all = [(long(1), 1), (other, 2), (dane, 3)];
    assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
    let mut read = beside(&directory, NOW).of(None).unwrap();
    read.sort();
    let mut expected = all.to_vec();
    expected.sort();
    assert_eq!(read, expected);
    let texts = || {
        let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
        file.query_row("SELECT count(*) FROM text", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(texts(), 2);
    let later = NOW.plus((REPORTS_KEPT_DAYS + 1) * 86_400);
    assert_eq!(beside(&directory, later).add(&[]), Ok(0));
    assert_eq!(texts(), 0);
}

#[test]
fn what_has_no_room_for_its_text_is_counted_without_and_that_is_said() {
    let directory = TempDir::new().unwrap();
    let most = MAX_REPORTED_TEXTS_STORED.min(crate::limits::CACHE_OCTETS_LEAST / 2);
    let octets = u64::try_from(long(1).policy.text.as_str().unwrap().len()).unwrap();
    let one = |number: u64| Row {
        domain: PolicyDomain::parse(&format!("d{number}.test")).unwrap(),
        ..long(number)
    };
    let all: Vec<_> = (0..most / octets + 5).map(|number| (one(number), 1)).collect();
    assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
    let read = beside(&directory, NOW).of(None).unwrap();
    let left_out = read.iter().filter(|(row, _)| row.policy.text == PolicyText::LeftOut);
    assert_eq!(left_out.map(|(_, number)| number).sum::<u64>(), 5);
    assert_eq!(read.iter().map(|(_, number)| number).sum::<u64>(), most / octets + 5);
    // What is there already has its room.
    assert_eq!(beside(&directory, NOW).add(&[(one(0), 1)]), Ok(0));
    assert!(beside(&directory, NOW).of(None).unwrap().contains(&(one(0), 2)));
}

#[test]
fn a_domain_has_so_many_policies_a_day_and_of_more_the_text_is_left_out() {
    let directory = TempDir::new().unwrap();
    let most = u64::try_from(MAX_REPORTED_TEXTS_OF_DOMAIN).unwrap();
    for numbers in [0..most, most..most + 3, 0..1] {
        let some: Vec<_> = numbers.map(|number| (long(number), 1)).collect();
        assert_eq!(beside(&directory, NOW).add(&some), Ok(0));
    }
    let told = |text: &dyn Fn(&PolicyText) -> bool| {
        let read = beside(&directory, NOW).of(None).unwrap();
        let rows: Vec<u64> =
            read.iter().filter(|(row, _)| text(&row.policy.text)).map(|(_, number)| *number).collect();
        (rows.len(), rows.iter().sum::<u64>())
    };
    assert_eq!(told(&|text| matches!(text, PolicyText::Whole(_))), (MAX_REPORTED_TEXTS_OF_DOMAIN, most + 1));
    assert_eq!(told(&|text| *text == PolicyText::LeftOut), (1, 3));
    // Another day, another domain have room of their own.
    let tomorrow = Row { day: Day(Day::of(NOW).0 + 1), ..long(most) };
    let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(most + 1) };
    assert_eq!(beside(&directory, NOW).add(&[(tomorrow, 1), (other, 1)]), Ok(0));
    assert_eq!(told(&|text| matches!(text, PolicyText::Whole(_))).0, MAX_REPORTED_TEXTS_OF_DOMAIN + 2);
}

#[test]
fn a_domain_that_is_purged_leaves_no_policy_behind() {
    let directory = TempDir::new().unwrap();
    let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(2) };
    assert_eq!(beside(&directory, NOW).add(&[(long(1), 1), (other.clone(), 2)]), Ok(0));
    assert_eq!(beside(&directory, NOW).purge(&long(1).domain), Ok(1));
    assert_eq!(beside(&directory, NOW).of(None).unwrap(), [(other, 2)]);
    let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
    let texts: i64 = file.query_row("SELECT count(*) FROM text", [], |row| row.get(0)).unwrap();
    assert_eq!(texts, 1);
}

/// A file as the version before wrote it.
fn version_1(directory: &TempDir) -> std::path::PathBuf {
    let path = directory.path().join("cache.reports.db");
    let file = Connection::open(&path).unwrap();
    for definition in super::super::reports_1::ANCESTOR.definitions.iter().rev() {
        file.execute_batch(definition).unwrap();
    }
    file.pragma_update(None, "application_id", super::super::schema::REPORTS_ID).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    let (whole, cut) =
        ("v=STSv1; id=1\nversion: STSv1\n", format!("version: STSv1\n{}", "mx: a.b\n".repeat(200)));
    for (number, text) in [(1, whole), (2, &cut[..1_024]), (3, "")] {
        let policy = (number, if number == 3 { "dane" } else { "mta-sts" }, "testing", text);
        file.execute("INSERT INTO policy VALUES (?1, ?2, ?3, ?4)", policy).unwrap();
        let row = (Day::of(NOW).0, number, format!("mx{number}.example.org"), 10 * number);
        file.execute(
                "INSERT INTO session VALUES (?1, 'example.org', ?2, ?3, '192.0.2.25', '', 'certificate-expired', ?4)",
                (i64::try_from(row.0).unwrap(), row.1, row.2, row.3),
            )
            .unwrap();
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    path
}

#[test]
fn what_the_version_before_counted_stays_counted() {
    let directory = TempDir::new().unwrap();
    let path = version_1(&directory);
    let read = beside(&directory, NOW).of(None).unwrap();
    let told: Vec<_> = read
        .iter()
        .map(|(row, number)| {
            (row.host.as_ref().unwrap().as_str(), row.policy.kind.word(), &row.policy.text, *number)
        })
        .collect();
    let whole = PolicyText::of("v=STSv1; id=1\nversion: STSv1\n");
    assert_eq!(
        told,
        [
            ("mx1.example.org", "mta-sts", &whole, 10),
            ("mx2.example.org", "mta-sts", &PolicyText::LeftOut, 20),
            ("mx3.example.org", "dane", &PolicyText::Nothing, 30),
        ]
    );
    let file = Connection::open(path).unwrap();
    let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    // The same session again goes into the same row.
    let again = (read[0].0.clone(), 1);
    assert_eq!(beside(&directory, NOW).add(&[again]), Ok(0));
    assert_eq!(beside(&directory, NOW).of(None).unwrap()[0].1, 11);
}

#[test]
fn another_programs_file_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("cache.reports.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(beside(&directory, NOW).add(&[(row(1), 1)]), Err(CacheError::NotOurs { .. })));
    assert!(matches!(beside(&directory, NOW).of(None), Err(CacheError::NotOurs { .. })));
}
