//! The whole program and its cache: whatever becomes of the file, the verdict stays.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program, told};
use crate::support::skipped::skipped;
use crate::support::strace;
use crate::support::users::{copy_program, is_root};
use rusqlite::Connection;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const DOMAIN: &str = "enforced.test";
const HOST: &str = "mx1.enforced.test";

fn quick_check(path: &Path) -> String {
    Connection::open(path).unwrap().query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap()
}

/// What is written down about a domain.
fn record_of(path: &Path, domain: &str) -> String {
    let sql = "SELECT record FROM policy WHERE domain = ?1";
    Connection::open(path).unwrap().query_row(sql, [domain], |row| row.get(0)).unwrap()
}

#[test]
fn whatever_is_wrong_with_the_file_the_verdict_stays_and_the_trouble_is_told() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 9] = [
        ("a link", |path| symlink("/dev/null", path).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("not a database", |path| fs::write(path, "x".repeat(9_000)).unwrap()),
        ("a fragment", |path| fs::write(path, "SQLite").unwrap()),
        ("another program's", |path| {
            Connection::open(path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap()
        }),
        ("writable for all", |path| {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
        }),
        ("in an open directory", |path| {
            fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o1777)).unwrap();
        }),
        ("in no directory", |path| fs::remove_dir(path.parent().unwrap()).unwrap()),
        ("with a planted journal", |path| symlink("/etc/passwd", path.with_extension("db-journal")).unwrap()),
    ];
    let lab = Laboratory::start();
    let healthy = Program::new(&lab).delivery(DOMAIN, HOST);
    for (harm, act) in harms {
        let program = Program::new(&lab);
        act(program.cache());
        let harmed = program.delivery(DOMAIN, HOST);
        assert_eq!(
            (harmed.verdict(), harmed.exit),
            (healthy.verdict(), healthy.exit),
            "{harm}: {}",
            harmed.line
        );
        assert_eq!(harmed.get("cache"), "unavailable", "{harm}: {}", harmed.line);
    }
}

#[test]
fn on_a_full_disk_the_verdict_stays() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let full = told(program.run_under("ulimit -f 4", ["-d", DOMAIN, "-m", HOST]), false);
    assert_eq!(full.verdict(), ["deliver", "policy-met"], "{}", full.line);
    assert_eq!(full.get("cache"), "unavailable", "{}", full.line);
    let healthy = program.delivery(DOMAIN, HOST);
    assert_eq!(healthy.get("cache"), "stored", "{}", healthy.line);
    assert_eq!(program.delivery(DOMAIN, HOST).get("cache"), "hit");
}

#[test]
fn f8_whichever_write_to_the_disk_fails_the_verdict_stays_and_the_file_is_whole() {
    if !strace::is_here("disks that fail") {
        return;
    }
    // A policy that comes, and one that replaces an earlier one, which forbids that host as well.
    const DELIVERIES: [(&str, &str); 2] = [(DOMAIN, HOST), ("sts.test", "mx.hosting.test")];
    let lab = Laboratory::start();
    let (mut failures, mut replaced, mut remained) = (0, 0, 0);
    let prepared = Program::new(&lab);
    assert_eq!(prepared.delivery("sts.test", "mx1.sts.test").get("cache"), "stored");
    let earlier = record_of(prepared.cache(), "sts.test");
    lab.change_policy(
        "sts.test",
        "replaced",
        "version: STSv1|mode: enforce|mx: mx1.sts.test|mx: mx2.sts.test|max_age: 604800",
    );
    // Another policy is in force.
    assert_eq!(prepared.delivery("wild.test", "in.mail.wild.test").get("cache"), "stored");
    let bystander = record_of(prepared.cache(), "wild.test");
    let verdicts = DELIVERIES.map(|(domain, host)| {
        let healthy = Program::new(&lab);
        fs::copy(prepared.cache(), healthy.cache()).unwrap();
        let told = healthy.delivery(domain, host);
        assert_eq!(told.get("cache"), "stored", "{}", told.line);
        (told.verdict().map(str::to_owned), record_of(healthy.cache(), domain))
    });
    assert_eq!(verdicts.each_ref().map(|(verdict, _)| verdict[0].as_str()), ["deliver", "refuse"]);
    for (call, error) in [
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
        ("pwrite64", "EIO"),
        ("pwrite64", "ENOSPC"),
        ("unlink", "EIO"),
    ] {
        for (when, ((domain, host), (verdict, record))) in
            (1..=4).flat_map(|when| DELIVERIES.into_iter().zip(&verdicts).map(move |one| (when, one)))
        {
            let program = Program::new(&lab);
            fs::copy(prepared.cache(), program.cache()).unwrap();
            let model = program.command(["-d", domain, "-m", host]);
            let inject = format!("inject={call}:error={error}:when={when}");
            let trace = format!("trace={call}");
            let mut strace = Command::new("strace");
            strace
                .args(["-f", "-o", "/dev/null", "-e", &trace, "-e", &inject, PROGRAM])
                .args(model.get_args());
            let output = strace.stdin(Stdio::null()).output().unwrap();
            if output.stdout.is_empty() {
                skipped("disks that fail", "strace may not trace here");
                return;
            }
            let harmed = told(output, false);
            assert_eq!(harmed.verdict(), *verdict, "{inject}: {}", harmed.line);
            let is_unavailable = harmed.get("cache") == "unavailable";
            failures += u32::from(is_unavailable);
            assert_eq!(quick_check(program.cache()), "ok", "{inject}");
            assert_eq!(record_of(program.cache(), "wild.test"), bystander, "{inject}");
            if domain == "sts.test" {
                // The earlier one, or the new one.
                let found = record_of(program.cache(), domain);
                let is_new = found == *record;
                assert!(is_new || found == earlier, "{inject}: {found}");
                assert!(is_new || is_unavailable, "{inject}: {}", harmed.line);
                replaced += u32::from(is_new);
                remained += u32::from(!is_new);
            }
            let next = program.delivery(domain, host);
            // Before a refusal a newer policy is looked for.
            let expected = ["stored", if verdict[0] == "refuse" { "unchanged" } else { "hit" }];
            assert!(expected.contains(&next.get("cache")), "{inject}: {}", next.line);
            assert_eq!(next.verdict(), *verdict, "{inject}: {}", next.line);
            assert_eq!(record_of(program.cache(), domain), *record, "{inject}");
            let beside = fs::read_dir(program.cache().parent().unwrap())
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let aside: Vec<_> = beside.filter(|name| name.to_string_lossy().contains("corrupt")).collect();
            assert!(aside.is_empty(), "{inject}: {aside:?}");
        }
    }
    assert!(failures > 0 && replaced > 0 && remained > 0, "{failures}, {replaced}, {remained}");
    println!("{failures} of 40 failures were met and told; {remained} kept the earlier policy");
}

#[test]
fn f7_two_hundred_kills_of_the_program_lose_and_tear_nothing() {
    const DELIVERIES: [(&str, &str); 4] = [
        (DOMAIN, HOST),
        ("report.test", "mx.report.test"),
        ("partly.test", "mx.partly.test"),
        ("wild.test", "in.mail.wild.test"),
    ];
    let lab = Laboratory::start();
    let mut program = Program::new(&lab);
    let (mut finished, mut half_way) = (0, 0);
    for round in 0..200_u64 {
        let (domain, host) = DELIVERIES[usize::try_from(round % 4).unwrap()];
        if round % 20 == 0 {
            program = Program::new(&lab);
        }
        let mut child = program.command(["-d", domain, "-m", host]).stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 7_919 % 120_000));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(!line.contains("cache=unavailable"), "round {round}: {line}");
        finished += u32::from(!line.is_empty());
        half_way += u32::from(program.cache().with_extension("db-journal").exists());
        if line.contains("cache=stored") || line.contains("cache=hit") {
            let next = program.delivery(domain, host);
            assert_eq!(next.get("cache"), "hit", "round {round}: {} after {line}", next.line);
        }
        let sound = !program.cache().exists() || quick_check(program.cache()) == "ok";
        assert!(sound, "round {round}");
    }
    println!("200 kills: {finished} after the answer, {half_way} within a transaction");
    let aside = fs::read_dir(program.cache().parent().unwrap()).unwrap();
    assert!(
        aside.map(|entry| entry.unwrap().file_name()).all(|name| !name.to_string_lossy().contains("corrupt"))
    );
    assert_eq!(program.delivery(DOMAIN, HOST).verdict(), ["deliver", "policy-met"]);
}

#[test]
fn started_as_root_it_works_as_the_owner_of_the_directory_and_its_group_reads() {
    const OWNER: u32 = 12_001;
    const GROUP: u32 = 12_002;
    const READER: u32 = 12_003;
    if !is_root() {
        skipped("the change of the user", "not started as root");
        return;
    }
    let lab = Laboratory::start();
    fs::set_permissions(lab.directory(), Permissions::from_mode(0o755)).unwrap();
    let program = Program::new(&lab);
    let directory = program.cache().parent().unwrap();
    chown(directory, Some(OWNER), Some(GROUP)).unwrap();
    let cold = program.delivery(DOMAIN, HOST);
    assert_eq!(cold.get("cache"), "stored", "{}", cold.line);
    for file in [program.cache().clone(), program.cache().with_extension("dns.db")] {
        let meta = fs::metadata(&file).unwrap();
        assert_eq!(
            (meta.uid(), meta.gid(), meta.mode() & 0o7777),
            (OWNER, GROUP, 0o640),
            "{}",
            file.display()
        );
    }
    let copy = lab.directory().join("program");
    copy_program(Path::new(PROGRAM), &copy);
    let ask_as = |uid, domain: &str, host: &str| {
        let model = program.command(["-d", domain, "-m", host]);
        let mut command = Command::new(&copy);
        told(command.args(model.get_args()).stdin(Stdio::null()).uid(uid).gid(GROUP).output().unwrap(), false)
    };
    assert_eq!(ask_as(OWNER, DOMAIN, HOST).get("cache"), "hit");
    assert_eq!(ask_as(READER, DOMAIN, HOST).get("cache"), "hit");
    let unwritable = ask_as(READER, "partly.test", "mx.partly.test");
    assert_eq!(unwritable.verdict(), ["deliver", "policy-met"], "{}", unwritable.line);
    assert_eq!(unwritable.get("cache"), "unavailable", "{}", unwritable.line);
    assert_eq!(fs::metadata(program.cache()).unwrap().uid(), OWNER);
}
