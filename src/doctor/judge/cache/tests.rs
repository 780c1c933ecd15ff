use super::*;
use crate::doctor::observations::CachePlace;

fn open() -> CacheFileState {
    CacheFileState::Open(CacheFile { state: file(), writable: true })
}

fn file() -> FileState {
    FileState {
        version: 2,
        journal: "delete".into(),
        octets: 40_960,
        most: 307_200_000,
        rows: 12,
        most_domains: 50_000,
        enforced: 9,
        has_most: None,
        share: 48,
        damaged: 0,
        check: Some("ok".into()),
    }
}

fn view() -> CacheView {
    CacheView {
        user: "Debian-exim".into(),
        directory: Ok(()),
        policies: Ok(open()),
        answers: Ok(CacheFileState::Absent),
        set_aside: Vec::new(),
        free: Some(1 << 34),
    }
}

/// A cache with which all is well, as root finds it.
pub(crate) fn good() -> Caches {
    Caches {
        place: CachePlace {
            file: "/var/lib/smtp-sts-verify/cache.db".into(),
            directory: Ok("/var/lib/smtp-sts-verify belongs to Debian-exim:Debian-exim, mode 0750".into()),
        },
        own: Ok(view()),
        started_by: Starter::Root,
        exim: Ok(Ok(view())),
    }
}

fn worst(caches: &Caches, check: Check) -> Health {
    judge(caches).iter().filter(|finding| finding.check == check).map(|f| f.health).max().unwrap()
}

#[test]
fn a_good_cache_is_fine() {
    assert!(judge(&good()).iter().all(|finding| finding.health == Health::Fine), "{:?}", judge(&good()));
}

#[test]
fn a_bad_place_is_told_once() {
    let place = CachePlace { directory: Err("does not exist".into()), ..good().place };
    let findings = judge(&Caches { place, ..good() });
    let wrong = |finding: &&Finding| finding.health == Health::Wrong;
    assert_eq!(findings.iter().filter(wrong).map(|f| f.check).collect::<Vec<_>>(), [Check::CachePlace]);
}

#[test]
fn what_exims_user_cannot_write_is_wrong() {
    let sealed = CacheFileState::Open(CacheFile { state: file(), writable: false });
    for view in [
        CacheView { policies: Ok(sealed), ..view() },
        CacheView { answers: Err("Permission denied".into()), ..view() },
        CacheView { directory: Err("Read-only file system".into()), ..view() },
    ] {
        let caches = Caches { exim: Ok(Ok(view)), ..good() };
        assert_eq!(worst(&caches, Check::CacheAsExim), Health::Wrong);
        assert_eq!(worst(&caches, Check::CacheAsRoot), Health::Fine);
    }
}

#[test]
fn whoever_is_not_root_cannot_look_as_others_do() {
    let caches = Caches { exim: Err("needs root".into()), started_by: Starter::Other, ..good() };
    assert_eq!(worst(&caches, Check::CacheAsExim), Health::NotChecked);
    assert_eq!(worst(&caches, Check::CacheAsRoot), Health::NotChecked);
    let blind = CacheView { policies: Err("Permission denied".into()), ..view() };
    assert_eq!(worst(&Caches { own: Ok(blind), ..caches }, Check::CacheIntegrity), Health::NotChecked);
}

#[test]
fn what_waits_for_the_next_delivery_is_not_wrong_but_where_that_may_not_write() {
    for (writable, expected) in [(true, Health::Fine), (false, Health::Wrong)] {
        let waiting = || Ok(CacheFileState::Waiting { why: "nothing is lost".into(), writable });
        let seen = CacheView { policies: waiting(), ..view() };
        let caches = Caches { own: Ok(seen.clone()), exim: Ok(Ok(seen)), ..good() };
        assert_eq!(worst(&caches, Check::CacheIntegrity), Health::NotChecked.max(Health::Fine));
        assert_eq!(worst(&caches, Check::CacheAsExim), expected);
    }
}

#[test]
fn what_was_put_aside_is_a_warning_as_long_as_it_lies_there() {
    let set_aside = vec!["cache.db.corrupt-1800000000".to_owned(), "cache.outbox.db.corrupt-1".to_owned()];
    let caches = Caches { own: Ok(CacheView { set_aside, ..view() }), ..good() };
    let told = judge(&caches).into_iter().find(|finding| finding.health == Health::Warning).unwrap();
    assert_eq!(told.check, Check::CacheIntegrity);
    assert!(told.seen.starts_with("cache.db.corrupt-1800000000 and 1 more was put aside"), "{}", told.seen);
}

#[test]
fn damage_is_wrong_and_another_journal_mode_a_warning() {
    let with = |journal: &str, check: Option<&str>, damaged| {
        let file = FileState { journal: journal.into(), damaged, check: check.map(str::to_owned), ..file() };
        let policies = Ok(CacheFileState::Open(CacheFile { state: file, writable: true }));
        Caches { own: Ok(CacheView { policies, ..view() }), ..good() }
    };
    assert_eq!(worst(&with("delete", Some("row 3 missing"), 0), Check::CacheIntegrity), Health::Wrong);
    assert_eq!(worst(&with("delete", Some("ok"), 1), Check::CacheIntegrity), Health::Wrong);
    assert_eq!(worst(&with("wal", Some("ok"), 0), Check::CacheJournal), Health::Warning);
}

#[test]
fn little_room_is_a_warning() {
    for (octets, expected) in [(67_108_864, Health::Fine), (67_108_863, Health::Warning)] {
        let full = Caches { own: Ok(CacheView { free: Some(octets), ..view() }), ..good() };
        assert_eq!(worst(&full, Check::CacheRoom), expected, "{octets} are free");
    }
    let of_octets = |octets| room_in(&FileState { octets, most: 100, ..file() }).health;
    assert_eq!((of_octets(90), of_octets(91)), (Health::Fine, Health::Warning));
    let of_domains = |enforced| room_in(&FileState { enforced, ..file() });
    assert_eq!((of_domains(45_000).health, of_domains(45_001).health), (Health::Fine, Health::Warning));
    let whose = FileState { enforced: 50_000, has_most: Some(("wild.test".into(), 31_000)), ..file() };
    let words = "12 rows in 40 KiB of 292 MiB, 50000 of at most 50000 domains are enforced; wild.test and what is below it have the room of 31000: \
        whoever has more than 96 gives way to others, down to 48";
    assert_eq!(room_in(&whose).seen, words);
    // 64 MiB are 6,144 octets for each of 10,922 domains: of fewer, one more changes nothing.
    let told = |most_domains| room_in(&FileState { octets: 95, most: 100, most_domains, ..file() }).seen;
    assert!(told(10_921).ends_with("only a `max_domains` above 10922 raises that"), "{}", told(10_921));
    assert!(!told(10_922).contains("max_domains"), "{}", told(10_922));
}
