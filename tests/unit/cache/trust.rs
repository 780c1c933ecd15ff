//! Which files are believed.

use super::place::*;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use smtp_sts_verify::cache::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

fn refused(path: &Path, because: &str) {
    let cache = open(path, now());
    match cache.policy(&domain("example.org"), Dialect::SmtpSts) {
        Err(trouble @ CacheError::Unsafe { .. }) => {
            assert!(trouble.to_string().contains(because), "'{because}' is missing in: {trouble}");
        }
        other => panic!("{} was not refused: {other:?}", path.display()),
    }
    assert!(cache.keep(&enforced("example.org", now())).is_err());
    assert!(cache.trouble().is_some());
}

#[test]
fn f1_symbolic_links_are_refused_and_their_targets_untouched() {
    let place = Place::new();
    let victim = place.directory.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, place.path()).unwrap();
    refused(&place.path(), "symbolic links are not followed");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    let dangling = place.directory.path().join("dangling.db");
    symlink(place.directory.path().join("new"), &dangling).unwrap();
    refused(&dangling, "symbolic links are not followed");
    assert!(!place.directory.path().join("new").exists());

    let real = place.directory.path().join("real");
    fs::create_dir(&real).unwrap();
    fs::create_dir(real.join("below")).unwrap();
    symlink(&real, place.directory.path().join("link")).unwrap();
    refused(&place.directory.path().join("link/cache.db"), "symbolic links are not followed");
    refused(&place.directory.path().join("link/below/cache.db"), "symbolic links are not followed");
    assert_eq!(fs::read_dir(&real).unwrap().count(), 1);
}

#[test]
fn f2_hard_links_odd_files_and_writable_ones_are_refused() {
    let place = Place::new();
    fs::hard_link(
        {
            let other = place.directory.path().join("other");
            fs::write(&other, "").unwrap();
            other
        },
        place.path(),
    )
    .unwrap();
    refused(&place.path(), "second name");

    for (mode, name) in [(0o620, "group.db"), (0o602, "all.db"), (0o666, "both.db")] {
        let path = place.directory.path().join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        refused(&path, "can be written");
    }

    let fifo = place.directory.path().join("fifo.db");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    refused(&fifo, "not a regular file");

    let directory = place.directory.path().join("directory.db");
    fs::create_dir(&directory).unwrap();
    refused(&directory, "not a regular file");

    if is_root() {
        let others = place.directory.path().join("others.db");
        fs::write(&others, "").unwrap();
        std::os::unix::fs::chown(&others, Some(12_345), None).unwrap();
        refused(&others, "does not belong to the owner");
    } else {
        skipped("a cache of another owner", "only root can make one");
    }
}

#[test]
fn f3_directories_in_which_others_may_plant_files_are_refused() {
    for mode in [0o777, 0o1777, 0o770, 0o2770, 0o702] {
        let place = Place::new();
        fs::set_permissions(place.directory.path(), Permissions::from_mode(mode)).unwrap();
        refused(&place.path(), "could plant files");
        assert_eq!(place.names(), Vec::<String>::new());
    }
    let place = Place::new();
    refused(&place.directory.path().join("missing/cache.db"), "there is no place for the cache: ");
    fs::create_dir(place.directory.path().join("cache")).unwrap();
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o777)).unwrap();
    refused(&place.directory.path().join("cache/cache.db"), "exchange the cache's directory");
}

#[test]
fn f3_a_planted_companion_is_refused() {
    for suffix in ["-journal", "-wal", "-shm"] {
        let place = Place::new();
        place.cache().keep(&enforced("example.org", now())).unwrap();
        let planted = place.directory.path().join(format!("cache.db{suffix}"));
        fs::write(&planted, "x").unwrap();
        fs::set_permissions(&planted, Permissions::from_mode(0o666)).unwrap();
        refused(&place.path(), "can be written");
    }
}

#[test]
fn f4_only_absolute_paths_name_a_cache() {
    for path in ["file:/x?mode=memory", "cache.db", "", ":memory:", "/a/../b.db", "/", "/a/", "./x"] {
        assert!(CachePath::parse(Path::new(path)).is_err(), "{path}");
    }
    let place = Place::new();
    let odd = place.directory.path().join("x.db?vfs=none&mode=memory");
    assert_eq!(open(&odd, now()).keep(&enforced("example.org", now())).unwrap(), Kept::Stored);
    assert_eq!(place.names(), ["x.db?vfs=none&mode=memory"]);
}

#[test]
fn files_are_readable_for_the_group_and_writable_for_nobody_else() {
    let place = Place::new();
    place.cache().keep(&enforced("example.org", now())).unwrap();
    place.cache().remember(&domain("example.org"), Topic::MxHosts, "x", now().plus(9));
    for path in [place.path(), place.answers()] {
        let meta = fs::metadata(path).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o640);
        assert_eq!(meta.gid(), fs::metadata(place.directory.path()).unwrap().gid());
    }
}
