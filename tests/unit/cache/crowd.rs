//! Many processes, killed ones, other users, full disks: this test program starts itself as those processes.

use super::migration;
use super::place::*;
use super::predecessor::seeded;
use crate::support::skipped::skipped;
use crate::support::strace;
use crate::support::turn::turn_of_this_thread;
use crate::support::users::{copy_program, is_root};
use rusqlite::{Connection, OpenFlags};
use smtp_sts_verify::cache::*;
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::Authentication;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "CACHE_TEST_ROLE";

/// Not a test: what the other tests start this program for.
#[test]
#[ignore = "a part of the other tests"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut words = role.split_whitespace();
    let (what, path, count) =
        (words.next().unwrap(), Path::new(words.next().unwrap()), words.next().unwrap());
    match what {
        "write" => write(path, count),
        "flip" => flip(path),
        "together" => together(path),
        "read" => read(path, count.parse().unwrap()),
        "upgrade" => match open(path, migration::THEN).policies(&domain(count)) {
            Ok(_) => println!("it is taken over"),
            Err(CacheError::Unusable { .. }) => println!("it is unusable"),
            Err(other) => println!("{other}"),
        },
        "upgrade-2" => drop(open(path, migration::THEN_2).policies(&domain(count))),
        other => panic!("{other}?"),
    }
}

/// How many policies one writer stores: fewer where each of them waits for a disk.
fn each(path: &Path) -> usize {
    if path.starts_with(MEMORY) { 100 } else { 10 }
}

/// Writes some policies, each with a cache of its own as one run would, and looks at each; tells what went wrong.
fn write(path: &Path, name: &str) {
    for i in 0..each(path) {
        let policy = enforced(&format!("d{i}.{name}.test"), now());
        match open(path, now()).keep(&policy) {
            Ok(kept) => println!("{kept:?}"),
            Err(trouble) => println!("error {trouble}"),
        }
        let began = Instant::now();
        match open(path, now()).policy(&policy.domain, Dialect::SmtpSts) {
            Ok(_) => println!("read {}", began.elapsed().as_micros()),
            Err(trouble) => println!("error {trouble}"),
        }
    }
}

/// Stores ten policies in each commit, and tells them one by one.
fn together(path: &Path) {
    for round in 0..12 {
        let names: Vec<PolicyDomain> = (0..10).map(|i| domain(&format!("d{i}.r{round}.test"))).collect();
        let writes: Vec<[Write; 1]> =
            names.iter().map(|name| [Write::Keep(enforced(name.as_str(), now()))]).collect();
        let all: Vec<(&PolicyDomain, &[Write])> =
            names.iter().zip(writes.iter().map(<[Write; 1]>::as_slice)).collect();
        for (name, kept) in names.iter().zip(open(path, now()).apply_all(&all)) {
            kept.unwrap();
            println!("stored {name}");
        }
    }
}

/// Changes one domain's policy back and forth for ever, and stores a new one each time.
fn flip(path: &Path) {
    for i in 0_u64.. {
        let record = RECORD.replace("mx.test", if i % 2 == 0 { "even.test" } else { "odd.test" });
        let at = now();
        open(path, at).keep(&fetched("flip.test", &record, Authentication::Dnssec, at)).unwrap();
        let name = format!("d{i}.p{}.test", std::process::id());
        open(path, at).keep(&enforced(&name, at)).unwrap();
        println!("stored {name}");
    }
}

fn read(path: &Path, count: usize) {
    for _ in 0..count {
        match open(path, now()).policy(&domain("d0.first.test"), Dialect::SmtpSts) {
            Ok(Some(_)) => println!("there"),
            Ok(None) => println!("absent"),
            Err(trouble) => println!("error {trouble}"),
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        let sql = "select tls_only from sts_cache where domain = 'd0.first.test' and expires > strftime('%s','now')";
        println!("exim {}", connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap());
    }
}

pub(crate) fn command(what: &str, path: &Path, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "cache::crowd::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{what} {} {argument}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

fn quick_check(path: &Path) -> String {
    Connection::open(path).unwrap().query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap()
}

#[test]
fn f7_no_kill_loses_or_tears_a_committed_policy() {
    let place = Place::new();
    let mut committed: Vec<PolicyDomain> = Vec::new();
    for round in 0..200_u64 {
        let mut child = command("flip", &place.path(), "-").spawn().unwrap();
        let mut lines = lines(&mut child);
        let first = lines.by_ref().find(|line| line.contains("stored "));
        std::thread::sleep(Duration::from_micros(round * 7_919 % 9_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let stored: Vec<String> = first.into_iter().chain(lines).collect();
        committed.extend(stored.iter().filter_map(|line| Some(domain(line.split_once("stored ")?.1))));
        let flipped = place.cache().policy(&domain("flip.test"), Dialect::SmtpSts).unwrap();
        let mx = flipped.unwrap_or_else(|| panic!("round {round}: torn or lost")).policy.mx()[0].to_string();
        let last = place.cache().history(&domain("flip.test")).unwrap().pop().unwrap();
        let told = [format!("mx added {mx};"), format!("mx {mx};")];
        assert!(told.iter().any(|told| last.detail.contains(told)), "round {round}: {mx}, but {last:?}");
    }
    let cache = place.cache();
    for name in &committed {
        assert!(
            cache.policy(name, Dialect::SmtpSts).unwrap().is_some_and(|policy| policy.is_enforced()),
            "{name} was lost"
        );
    }
    assert!(committed.len() >= 200, "{} commits", committed.len());
    assert_eq!(quick_check(&place.path()), "ok");
    assert_eq!(place.moved_aside(), 0);
    println!("200 kills, {} commits, none lost", committed.len());
}

#[test]
fn f10_fifty_writers_at_once_lose_nothing() {
    let _turn = turn_of_this_thread();
    let place = Place::new();
    let children: Vec<Child> =
        (0..50).map(|i| command("write", &place.path(), &format!("w{i}")).spawn().unwrap()).collect();
    let outputs: Vec<String> = children
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    let lines = || outputs.iter().flat_map(|output| output.lines());
    let errors: Vec<&str> = lines().filter(|line| line.contains("error")).collect();
    // Beside much else that a machine does, one of them may wait for its two seconds in vain, and is told so.
    let all = 50 * each(&place.path());
    assert!(errors.len() <= all / 100, "{} errors, such as {}", errors.len(), errors[0]);
    assert!(errors.iter().all(|error| error.contains("it is locked")), "{errors:?}");
    let stored = lines().filter(|line| line.contains("Stored")).count();
    assert_eq!(stored + errors.len(), all);
    let mut reads: Vec<u64> = lines().filter_map(|line| line.strip_prefix("read ")?.parse().ok()).collect();
    reads.sort_unstable();
    let p99 = reads[reads.len() * 99 / 100];
    println!("{} reads, p99 {} ms, longest {} ms", reads.len(), p99 / 1_000, reads[reads.len() - 1] / 1_000);
    // A reader waits for one commit at most, not for its turn: fifty of them in a row would be seconds.
    let most = if place.path().starts_with(MEMORY) { 100_000 } else { 1_000_000 };
    assert!(p99 <= most, "p99 {p99} microseconds");
    assert_eq!(quick_check(&place.path()), "ok");
    let rows: i64 = Connection::open(place.path())
        .unwrap()
        .query_row("SELECT count(*) FROM policy", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(rows).unwrap(), stored);
}

#[test]
fn f9_a_full_disk_stores_nothing_damages_nothing_and_is_told() {
    let place = Place::new();
    place.cache().keep(&enforced("example.org", now())).unwrap();
    // The shell's limit on the length of a file stands in for a full disk; the signal that comes with it is ignored.
    let inner = command("write", &place.path(), "full");
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    limited.envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = String::from_utf8(limited.output().unwrap().stdout).unwrap();
    assert!(output.contains("Stored") && output.contains("error the cache"), "{output}");
    let connection = Connection::open(place.path()).unwrap();
    let twice_told = "SELECT (SELECT count(*) FROM history) = 2 * (SELECT count(*) FROM policy)";
    assert!(
        connection.query_row(twice_told, [], |row| row.get::<_, bool>(0)).unwrap(),
        "learnt, and applied"
    );
    drop(connection);
    assert!(place.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some());
    assert_eq!(quick_check(&place.path()), "ok");
    assert_eq!(place.moved_aside(), 0);
}

#[test]
fn f9_on_a_small_file_system_too() {
    let place = Place::new();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k,mode=0750", "tmpfs"])
        .arg(place.directory.path())
        .stderr(Stdio::null())
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        skipped("a cache on a small file system", "it may not be mounted here");
        return;
    }
    let (mut stored, mut refused) = (0, 0);
    for i in 0..300 {
        match place.cache().keep(&enforced(&format!("d{i}.test"), now())) {
            Ok(_) => stored += 1,
            Err(trouble) => {
                assert!(matches!(trouble, CacheError::Unusable { .. }), "{trouble}");
                refused += 1;
            }
        }
    }
    let first = place.cache().policy(&domain("d0.test"), Dialect::SmtpSts);
    let sound = quick_check(&place.path());
    let read_only = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(place.directory.path())
        .status()
        .unwrap()
        .success();
    let frozen = place.cache().policy(&domain("d0.test"), Dialect::SmtpSts);
    let unwritable = place.cache().keep(&enforced("new.test", now()));
    Command::new("umount").arg(place.directory.path()).status().unwrap();
    assert!(stored > 0 && refused > 0, "{stored} stored, {refused} refused");
    assert!(first.unwrap().is_some());
    assert_eq!(sound, "ok");
    if read_only {
        assert!(frozen.unwrap().is_some());
        assert!(matches!(unwritable, Err(CacheError::Unusable { .. })), "{unwritable:?}");
    }
}

/// This program where every user may start it.
pub(crate) struct Copied(PathBuf);

impl Copied {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        copy_program(&std::env::current_exe().unwrap(), &path);
        Self(path)
    }

    pub(crate) fn start(&self, what: &str, place: &Place, argument: &str, uid: u32, gid: u32) -> Child {
        let model = command(what, &place.path(), argument);
        let mut command = Command::new(&self.0);
        command.args(model.get_args()).envs(model.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command.stdout(Stdio::piped()).stderr(Stdio::null()).uid(uid).gid(gid).spawn().unwrap()
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

pub(crate) fn printed(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn f11_the_group_reads_while_the_owner_writes() {
    const OWNER: u32 = 12_001;
    const READER: u32 = 12_003;
    const GROUP: u32 = 12_002;
    if !is_root() {
        skipped("a reader of the cache's group", "only root can become one");
        return;
    }
    let above = directory();
    let place = Place::within(&above);
    chown(place.directory.path(), Some(OWNER), Some(GROUP)).unwrap();
    let program = Copied::new("cache-test");
    let first = printed(program.start("write", &place, "first", OWNER, GROUP));
    assert_eq!(first.lines().filter(|line| line.contains("Stored")).count(), each(&place.path()), "{first}");
    let writer = program.start("write", &place, "second", OWNER, GROUP);
    let meanwhile = printed(program.start("read", &place, "100", READER, GROUP));
    let written = printed(writer);
    assert!(!written.contains("error"), "{written}");
    let afterwards = printed(program.start("read", &place, "100", READER, GROUP));
    for output in [meanwhile, afterwards] {
        assert_eq!(output.lines().filter(|line| line.contains("there")).count(), 100, "{output}");
        assert_eq!(output.lines().filter(|line| line.contains("exim True")).count(), 100, "{output}");
    }
    let refused = printed(program.start("write", &place, "third", READER, GROUP));
    assert_eq!(
        refused.lines().filter(|line| line.contains("error the cache")).count(),
        each(&place.path()),
        "{refused}"
    );
}

#[test]
fn f12_an_interrupted_takeover_leaves_the_old_database_or_the_new_one() {
    let names: Vec<String> = (0..3_000).map(|i| format!("d{i}.test")).collect();
    let end = i64::try_from(now().0).unwrap() + 10_000;
    let rows: Vec<(&str, &str, i64)> = names.iter().map(|name| (name.as_str(), RECORD, end)).collect();
    let place = seeded(&rows);
    let original = fs::read(place.path()).unwrap();
    let (mut old, mut new) = (0, 0);
    let began = Instant::now();
    command("read", &place.path(), "1").status().unwrap();
    let whole = began.elapsed();
    for round in 0..40 {
        fs::write(place.path(), &original).unwrap();
        let mut child = command("read", &place.path(), "1").spawn().unwrap();
        std::thread::sleep(whole * round / 30);
        child.kill().unwrap();
        child.wait().unwrap();
        let connection = Connection::open(place.path()).unwrap();
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        if version == 0 {
            old += 1;
        } else {
            new += 1;
        }
        let shown: i64 =
            connection.query_row("SELECT count(*) FROM sts_cache", [], |row| row.get(0)).unwrap();
        assert_eq!(shown, 3_000, "round {round}");
        drop(connection);
        assert!(
            place.cache().policy(&domain("d2999.test"), Dialect::SmtpSts).unwrap().is_some(),
            "round {round}"
        );
        assert_eq!(place.names(), ["cache.db"]);
    }
    println!("{old} times the old database, {new} times the new one");
}

/// After a kill: the file is of version 1 or of version 4, shows the same to Exim, and can be used. Which one it was.
fn survived(place: &Place, what: &str) -> i64 {
    let version = migration::version(place);
    assert!([1, 4].contains(&version), "{what}: version {version}");
    let connection = Connection::open(place.path()).unwrap();
    let shown: i64 = connection.query_row("SELECT count(*) FROM sts_cache", [], |row| row.get(0)).unwrap();
    assert_eq!(shown, 5, "{what}");
    drop(connection);
    migration::the_four_are_there(place);
    assert_eq!(place.names(), ["cache.db"], "{what}");
    version
}

#[test]
fn f12_an_upgrade_that_is_killed_at_any_step_leaves_version_1_or_version_4() {
    if !strace::is_here("kills at each step of an upgrade of the cache") {
        return;
    }
    let place = Place::new();
    let mut versions = [0, 0];
    for call in ["pwrite64", "fdatasync", "fsync", "unlink", "unlinkat", "ftruncate"] {
        for when in 1.. {
            migration::restore(&place);
            let model = command("upgrade", &place.path(), "enforced.test");
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let mut strace = Command::new("strace");
            strace
                .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject])
                .arg(model.get_program())
                .args(model.get_args())
                .envs(model.get_envs().filter_map(|(key, value)| Some((key, value?))));
            let ended = strace.stdin(Stdio::null()).output().unwrap().status;
            let version = survived(&place, &inject);
            if ended.success() {
                assert_eq!(version, 4, "{inject}: not killed, and not upgraded");
                break;
            }
            versions[usize::from(version > 1)] += 1;
            assert!(when < 100, "{inject}");
        }
    }
    assert!(versions[0] > 0, "nothing was killed before its end");
    println!("killed: {} times before the new version was there, {} times after", versions[0], versions[1]);
}

#[test]
fn f12_an_upgrade_that_is_killed_at_any_moment_does_so_too() {
    let place = Place::new();
    migration::restore(&place);
    let began = Instant::now();
    command("upgrade", &place.path(), "enforced.test").status().unwrap();
    let whole = began.elapsed();
    for round in 0..40 {
        migration::restore(&place);
        let mut child = command("upgrade", &place.path(), "enforced.test").spawn().unwrap();
        std::thread::sleep(whole * round / 30);
        child.kill().unwrap();
        child.wait().unwrap();
        survived(&place, &format!("round {round}"));
    }
}

#[test]
fn f12_an_upgrade_of_a_later_version_that_is_killed_at_any_moment_leaves_it_or_version_4() {
    for older in [2, 3] {
        let restore = |place: &Place| match older {
            2 => migration::restore_2(place),
            _ => migration::restore_3(place),
        };
        let place = Place::new();
        restore(&place);
        let began = Instant::now();
        command("upgrade-2", &place.path(), "enforced.test").status().unwrap();
        let whole = began.elapsed();
        let mut old = 0;
        for round in 0..40 {
            restore(&place);
            let mut child = command("upgrade-2", &place.path(), "enforced.test").spawn().unwrap();
            std::thread::sleep(whole * round / 30);
            child.kill().unwrap();
            child.wait().unwrap();
            let version = migration::version(&place);
            assert!([older, 4].contains(&version), "round {round}: version {version}");
            old += u32::from(version == older);
            migration::the_five_are_there(&place);
            assert_eq!(place.names(), ["cache.db"], "round {round}");
        }
        println!("{old} times of 40 it was still version {older}");
    }
}
