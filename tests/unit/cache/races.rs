//! Races for the place of the cache: who makes the directory first, and what lies there between two looks.

use super::place::*;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use smtp_sts_verify::cache::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
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
                symlink(victims.path(), &new).unwrap();
                fs::rename(&new, place.path()).unwrap();
                let _ = symlink(victims.path(), &journal);
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
            if round >= 1_500 && seen > 0 && refused > 0 {
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
