//! Races for the place of the cache: who makes the directory first, and what lies there between two looks.

use super::place::*;
use crate::support::dice::Dice;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use smtp_sts_verify::cache::*;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

const STRANGER: u32 = 12_345;

/// Ends the race when it goes, also where a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Why the cache at that path is not used.
fn why_not(path: &Path) -> String {
    match open(path, now()).policy(&domain("example.org"), Dialect::SmtpSts) {
        Err(trouble @ CacheError::Unsafe { .. }) => trouble.to_string(),
        other => panic!("{} was not refused: {other:?}", path.display()),
    }
}

/// A directory as in `/var/tmp` that a stranger has made before the cache was there, and a file of his in it: neither is believed,
/// and whoever is root does not become him.
#[test]
fn a_directory_that_a_stranger_made_first_where_all_may_is_not_believed() {
    if !is_root() {
        return skipped("a directory that a stranger made first", "only root can make one for him");
    }
    let open_to_all = directory();
    fs::set_permissions(open_to_all.path(), Permissions::from_mode(0o1777)).unwrap();
    let his = Place::within(&open_to_all);
    his.cache().keep(&enforced("example.org", now())).unwrap();
    assert!(
        his.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some(),
        "it is root's so far"
    );
    for path in [his.directory.path(), &his.path()] {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    assert!(why_not(&his.path()).contains("whoever came first made it"), "{}", why_not(&his.path()));
    let path = CachePath::parse(&his.path()).unwrap();
    assert_eq!(path.owner_of_directory(), None, "nobody becomes him");
    // It is his as well if the cache lies deeper, in a directory of whomever.
    let deeper = his.directory.path().join("deeper");
    fs::create_dir(&deeper).unwrap();
    assert!(why_not(&deeper.join("cache.db")).contains("belongs neither to root"));
    // The same directory where only root makes directories: root has given it to its owner.
    fs::set_permissions(open_to_all.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(his.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some());
    assert_eq!(path.owner_of_directory().map(|owner| owner.uid), Some(STRANGER));
}

/// Somebody exchanges what lies at the path as fast as he can: a file of ours, a symbolic link to somebody's database in which a
/// policy was planted, the same as a journal, and nothing at all.
#[test]
fn whatever_is_exchanged_between_two_looks_no_link_is_followed() {
    exchange_between_two_looks(1_500, |victim, new, journal| {
        symlink(victim, new).unwrap();
        let _ = symlink(victim, journal);
    });
}

/// The same with a second name of that database, which is a file like any other for whoever opens it: without a second look one in some
/// thousands was opened.
#[test]
fn whatever_is_exchanged_between_two_looks_no_second_name_is_opened() {
    exchange_between_two_looks(8_000, |victim, new, _| fs::hard_link(victim, new).unwrap());
}

/// `link` makes what is put into the place of our file, and beside it; we look at least so often.
fn exchange_between_two_looks(looks: usize, link: impl Fn(&Path, &Path, &Path) + Sync) {
    let (place, victims) = (Place::new(), Place::new());
    place.cache().keep(&enforced("ours.test", now())).unwrap();
    victims.cache().keep(&enforced("planted.test", now())).unwrap();
    let ours = fs::read(place.path()).unwrap();
    let before = (fs::read(victims.path()).unwrap(), fs::metadata(victims.path()).unwrap().mtime_nsec());
    let is_over = AtomicBool::new(false);
    let (mut seen, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (new, journal) =
                (place.directory.path().join("new"), place.directory.path().join("cache.db-journal"));
            while !is_over.load(Relaxed) {
                link(&victims.path(), &new, &journal);
                fs::rename(&new, place.path()).unwrap();
                let _ = fs::remove_file(place.path());
                let _ = fs::remove_file(&journal);
                fs::write(&new, &ours).unwrap();
                fs::set_permissions(&new, Permissions::from_mode(0o640)).unwrap();
                fs::rename(&new, place.path()).unwrap();
                thread::yield_now();
            }
        });
        let _over = Over(&is_over);
        for round in 0..100_000 {
            // On a busy machine one of the two may have little time: until both of what he makes were met.
            if round >= looks && seen > 0 && refused > 0 {
                break;
            }
            let cache = place.cache();
            match cache.policy(&domain("planted.test"), Dialect::SmtpSts) {
                Ok(planted) => assert_eq!(planted, None, "round {round}"),
                Err(_) => refused += 1,
            }
            seen += usize::from(
                cache.policy(&domain("ours.test"), Dialect::SmtpSts).is_ok_and(|one| one.is_some()),
            );
            let _ = cache.keep(&enforced(&format!("d{round}.test"), now()));
        }
    });
    assert!(seen > 0 && refused > 0, "both were met: {seen} and {refused}");
    assert_eq!(
        (fs::read(victims.path()).unwrap(), fs::metadata(victims.path()).unwrap().mtime_nsec()),
        before
    );
    assert_eq!(victims.names(), ["cache.db"], "nothing was made beside it");
}

/// The directory itself, where everybody may rename it.
#[test]
fn a_directory_that_others_may_exchange_is_refused_at_each_look() {
    let (above, other) = (directory(), Place::new());
    other.cache().keep(&enforced("example.org", now())).unwrap();
    let place = Place::within(&above);
    place.cache().keep(&enforced("example.org", now())).unwrap();
    fs::set_permissions(above.path(), Permissions::from_mode(0o777)).unwrap();
    let (there, away) = (place.directory.path().to_owned(), above.path().join("away"));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                fs::rename(&there, &away).unwrap();
                symlink(other.directory.path(), &there).unwrap();
                fs::remove_file(&there).unwrap();
                fs::rename(&away, &there).unwrap();
            }
        });
        let _over = Over(&is_over);
        for _ in 0..1_000 {
            let found = open(&place.path(), now()).policy(&domain("example.org"), Dialect::SmtpSts);
            assert!(matches!(found, Err(CacheError::Unsafe { .. })), "{found:?}");
        }
    });
}

/// Somebody who may read the directory, as the mail server's group may, gives our file a second name elsewhere and takes it away again:
/// each look finds the file as it is, or refuses it. It is never taken for damaged, nor put aside.
#[test]
fn a_second_name_that_comes_and_goes_harms_no_file() {
    let (place, his) = (Place::new(), directory());
    place.cache().keep(&enforced("ours.test", now())).unwrap();
    let name = his.path().join("his");
    let is_over = AtomicBool::new(false);
    let (mut seen, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                fs::hard_link(place.path(), &name).unwrap();
                thread::yield_now();
                fs::remove_file(&name).unwrap();
                thread::yield_now();
            }
        });
        let _over = Over(&is_over);
        for round in 0..100_000 {
            if round >= 1_000 && seen > 100 && refused > 100 {
                break;
            }
            match place.cache().policy(&domain("ours.test"), Dialect::SmtpSts) {
                Ok(found) => {
                    assert!(found.is_some(), "round {round}");
                    seen += 1;
                }
                Err(trouble) => {
                    assert!(matches!(trouble, CacheError::Unsafe { .. }), "{trouble}");
                    refused += 1;
                }
            }
        }
    });
    assert!(seen > 0 && refused > 0, "both were met: {seen} and {refused}");
    assert_eq!(place.names(), ["cache.db"]);
    assert!(place.cache().policy(&domain("ours.test"), Dialect::SmtpSts).unwrap().is_some());
}

/// Where everybody may make directories, the administrator and a stranger make that of the cache at the same moment, the stranger with a
/// database of his in it or as a link to his own one. Whoever comes first has it. Where it is his, nothing in it is believed, and nothing is
/// written there; where it is ours, it is a cache like any other.
#[test]
fn whoever_makes_the_directory_first_a_strangers_is_never_used() {
    if !is_root() {
        return skipped("a race for the directory with a stranger", "only root can start one");
    }
    let open_to_all = directory();
    fs::set_permissions(open_to_all.path(), Permissions::from_mode(0o1777)).unwrap();
    let his = Place::within(&open_to_all);
    his.cache().keep(&enforced("planted.test", now())).unwrap();
    fs::remove_file(his.directory.path().join("cache.db.turn")).unwrap();
    for path in [his.directory.path(), &his.path()] {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    let planted = fs::read(his.path()).unwrap();
    let line = "cd \"$1\" && while read -r name kind; do \
                if [ \"$kind\" = link ]; then ln -sT \"$2\" \"$name\"; else mkdir -m 750 \"$name\" && cp \"$2/cache.db\" \"$name/\"; fi; \
                echo; done 2>/dev/null";
    let id = STRANGER.to_string();
    let mut stranger = Command::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups", "sh", "-c", line, "sh"])
        .args([open_to_all.path(), his.directory.path()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut tell = stranger.stdin.take().unwrap();
    let mut done = BufReader::new(stranger.stdout.take().unwrap()).lines();
    let mut dice = Dice(7);
    let (mut ours, mut strangers) = (0, [0, 0]);
    for round in 0..5_000 {
        if round >= 200 && ours >= 20 && strangers.iter().all(|times| *times >= 20) {
            break;
        }
        let is_link = round % 2 == 1;
        let directory = open_to_all.path().join(format!("cache{round}"));
        let path = directory.join("cache.db");
        writeln!(tell, "cache{round} {}", if is_link { "link" } else { "directory" }).unwrap();
        // Looks until our administrator comes: what is not there yet is no cache, and whatever comes is not believed.
        for _ in 0..dice.roll(120) {
            let found = open(&path, now()).policy(&domain("planted.test"), Dialect::SmtpSts);
            assert!(matches!(found, Err(CacheError::Unsafe { .. })), "{found:?}");
        }
        let is_ours = fs::DirBuilder::new().mode(0o750).create(&directory).is_ok();
        let kept = open(&path, now()).keep(&enforced("ours.test", now()));
        // He has done what he could.
        done.next().unwrap().unwrap();
        let cache = open(&path, now());
        let found = cache.policy(&domain("planted.test"), Dialect::SmtpSts);
        if is_ours {
            assert_eq!((kept.unwrap(), found.unwrap()), (Kept::Stored, None));
            assert!(cache.policy(&domain("ours.test"), Dialect::SmtpSts).unwrap().is_some());
            ours += 1;
        } else {
            for trouble in [kept.map(|_| None), found] {
                assert!(matches!(trouble, Err(CacheError::Unsafe { .. })), "{trouble:?}");
            }
            // Linux follows no stranger's link there, not even for root.
            let there = if is_link { his.directory.path() } else { &directory };
            let names: Vec<_> = fs::read_dir(there).unwrap().map(|one| one.unwrap().file_name()).collect();
            assert_eq!(
                (names, fs::read(there.join("cache.db")).unwrap()),
                (vec!["cache.db".into()], planted.clone())
            );
            strangers[usize::from(is_link)] += 1;
        }
    }
    drop(tell);
    stranger.wait().unwrap();
    assert!(ours > 0 && strangers.iter().all(|times| *times > 0), "ours {ours}, his {strangers:?}");
}
