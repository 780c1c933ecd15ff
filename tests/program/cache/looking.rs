//! `cache list`, `show`, `history` and `purge`: what operators see of the cache, and what they remove from it.

use super::fixture::*;
use crate::doctor::patient::Patient;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::policy_host::Body;
use crate::support::program::{PROGRAM, Program};
use rusqlite::Connection;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_list_is_a_sorted_table_that_fits_a_terminal() {
    let lab = Laboratory::start();
    let output = cache(&lab, &filled(&lab), &["list"]);
    let text = said(&output);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["domain", "dialect", "mode", "auth", "fetched", "ends", "applied"]);
    let begun: Vec<String> = rows[1..].iter().map(|row| row[..4].join(" ")).collect();
    assert_eq!(
        begun,
        [
            "enforced.test smtp-sts enforce dnssec",
            "first.test smtp-sts enforce first-use",
            "sts-testing.test mta-sts testing webpki",
            "sts.test mta-sts enforce webpki",
        ]
    );
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert_eq!((exit(&output), output.stderr.len()), (0, 0));
}

#[test]
fn in_json_each_policy_is_one_object() {
    let lab = Laboratory::start();
    let objects = objects(&cache(&lab, &filled(&lab), &["list", "--format", "json"]));
    assert_eq!(objects.len(), 4);
    let last = &objects[3];
    let keys: Vec<&String> = last.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "applied_at",
            "authentication",
            "domain",
            "expired",
            "expires_at",
            "fetched_at",
            "in_force",
            "mechanism",
            "mode"
        ]
    );
    assert_eq!((&last["domain"], &last["in_force"]), (&"sts.test".into(), &true.into()));
    let life = last["expires_at"].as_u64().unwrap() - last["fetched_at"].as_u64().unwrap();
    assert_eq!(life, 604_800);
}

#[test]
fn a_person_is_shown_all_that_is_known_about_a_domain() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let output = cache(&lab, &program, &["show", "STS.test."]);
    let text = said(&output);
    for words in [
        "sts.test\n\nmta-sts: mode enforce, authenticated by webpki\n  record    v=STSv1; id=20261122T000000;\n",
        "  record    mx: *.sts.test\n  record    max_age: 604800\n",
        "  fetched   20",
        "  in force  since it was fetched\n  renewal   due at 20",
        "remembered of DNS\n  mta-sts   until 20",
    ] {
        assert!(text.contains(words), "{words:?} in:\n{text}");
    }
    let unfolded = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    for words in [" insecure v=STSv1; id=20261122T000000; ", " insecure mx1.sts.test mx2.sts.test"] {
        assert!(unfolded.contains(words), "{words:?} in:\n{text}");
    }
    assert_eq!(exit(&output), 0);
    assert!(text.contains(", in 7 days\n") || text.contains(", in 6 days 23 hours\n"), "{text}");
    let text = said(&cache(&lab, &program, &["show", "first.test"]));
    assert!(text.contains("  in force  not yet: "), "{text}");
    let text = said(&cache(&lab, &program, &["show", "enforced.test"]));
    assert!(text.contains(", when it was first applied\n"), "{text}");
}

#[test]
fn in_json_all_that_is_known_is_one_object() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    lab.conduct_policy_host("mta-sts.sts.test", Body::Missing);
    lab.change_policy("sts.test", "2", "version: STSv1 | mode: none | max_age: 1");
    program.forget_dns();
    program.delivery("sts.test", "mx1.sts.test");
    let object = objects(&cache(&lab, &program, &["show", "sts.test", "--format", "json"])).remove(0);
    let policy = &object["policies"][0];
    assert!(policy["text"].as_str().unwrap().starts_with("v=STSv1; id=20261122T000000;\nversion: STSv1\n"));
    assert_eq!(policy["renewal_at"].as_u64().unwrap() - policy["fetched_at"].as_u64().unwrap(), 86_400);
    let failures = &object["failures"][0];
    assert_eq!((&failures["mechanism"], &failures["count"]), (&"mta-sts".into(), &1.into()));
    let pause = failures["next_try_at"].as_u64().unwrap() - failures["last_at"].as_u64().unwrap();
    assert_eq!(pause, 300);
    let text = object["remembered"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("record ") && text.ends_with(" insecure v=STSv1; id=2;"), "{text}");
    assert_eq!(object["elsewhere"], 0);
}

#[test]
fn the_history_tells_a_weakening() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("sts.test", "mx1.sts.test");
    lab.change_policy("sts.test", "2", "version: STSv1 | mode: testing | mx: *.sts.test | max_age: 604800");
    program.forget_dns();
    program.delivery("sts.test", "mx1.sts.test");
    let output = cache(&lab, &program, &["history", "sts.test"]);
    let text = said(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" mta-sts  learnt        - -> enforce       webpki"), "{text}");
    assert_eq!(lines[1], "    id 20261122T000000; mx *.sts.test; life 604800");
    assert!(lines[2].contains(" mta-sts  weakened      enforce -> testing webpki"), "{text}");
    assert_eq!(lines[3], "    id 20261122T000000 -> 2");
    assert_eq!(exit(&output), 0);
    let objects = objects(&cache(&lab, &program, &["history", "sts.test", "--format", "json"]));
    let [learnt, weakened] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!((&learnt["event"], &learnt["mode_before"]), (&"learnt".into(), &Value::Null));
    assert_eq!(
        (&weakened["event"], &weakened["mode_before"], &weakened["mode_after"], &weakened["authentication"]),
        (&"weakened".into(), &"enforce".into(), &"testing".into(), &"webpki".into())
    );
}

#[test]
fn the_history_tells_why_mail_waited_that_exim_asked_the_program_about() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for _ in 0..2 {
        assert_eq!(program.delivery("dane-bogus.test", "mx.dane-bogus.test").get("verdict"), "defer");
    }
    assert_eq!(program.delivery("sts.test", "mx.hosting.test").get("verdict"), "refuse");
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").get("verdict"), "deliver");
    let text = said(&cache(&lab, &program, &["history", "dane-bogus.test"]));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" answer   mail-waits    tlsa-bogus"), "{text}");
    assert!(lines[1].contains("told to Exim, about mx.dane-bogus.test, 2 times until 20"), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
    let refused = objects(&cache(&lab, &program, &["history", "sts.test", "--format", "json"]));
    let refused: Vec<&Value> = refused.iter().filter(|object| object["event"] == "answered").collect();
    let [refused] = refused.as_slice() else { panic!("{refused:?}") };
    let told = ["asker", "verdict", "reason", "host"].map(|key| refused[key].as_str().unwrap());
    assert_eq!(told, ["exim", "refuse", "mx-not-in-policy", "mx.hosting.test"]);
    // What a person tries is no answer that a mail waited for.
    assert_eq!(program.run(["--format", "human", "-d", "bogus-dane.test"]).status.code(), Some(75));
    let text = said(&cache(&lab, &program, &["history", "bogus-dane.test"]));
    assert!(text.starts_with("nothing is known"), "{text}");
}

#[test]
fn what_cannot_be_written_is_told_as_that_and_not_as_lost_memory() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let hold = |path: &Path| {
        let holder = Connection::open(path).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        holder
    };
    let fails = |arguments: &[&str], begins: &str| {
        let output = cache(&lab, &program, arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(exit(&output), 75, "{error}");
        let begins = format!("smtp-sts-verify cache {}: {begins}: the cache ", arguments[0]);
        assert!(error.starts_with(&begins), "{error}");
        assert!(
            error.contains(" could not be written to while ") && error.contains("it is locked"),
            "{error}"
        );
        assert!(!error.contains("first contact"), "{error}");
    };
    let export = said(&cache(&lab, &program, &["export"]));
    let file = lab.directory().join("export");
    fs::write(&file, export.replace("sts.test", "new.test")).unwrap();
    let dns_results = hold(&program.cache().with_extension("dns.db"));
    fails(&["purge", "sts.test"], "sts.test: nothing was removed; what is in force stays in force");
    drop(dns_results);
    let policies = hold(program.cache());
    let begins = "sts.test: its DNS results were removed, and no policy; what is in force stays in force";
    fails(&["purge", "sts.test"], begins);
    fails(&["import", file.to_str().unwrap()], "nothing was imported");
    // A policy that cannot be kept decides all the same, and the page does not say that all is well.
    let page = said(&program.run(["--format", "human", "-d", "wild.test"]));
    assert!(
        page.contains("could not be written to") && page.contains("policies remembered so far"),
        "{page}"
    );
    assert!(page.contains("for this mail nothing; what the cache needs is in the note"), "{page}");
    assert!(!page.contains("nothing has to be done"), "{page}");
    drop(policies);
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").get("cache"), "hit");
    // What is wrong with the directory is wrong with both files, and is said once.
    fs::set_permissions(program.cache().parent().unwrap(), Permissions::from_mode(0o1777)).unwrap();
    let page = said(&program.run(["--format", "human", "-d", "wild.test"]));
    assert_eq!(page.matches("the cache is not trusted").count(), 1, "{page}");
}

#[test]
fn after_a_purge_the_domain_is_met_for_the_first_time() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let output = cache(&lab, &program, &["purge", "sts.test"]);
    let text = said(&output);
    assert!(text.starts_with("removed about sts.test: 1 policy, ") && exit(&output) == 0, "{text}");
    lab.forget();
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").get("cache"), "stored");
    assert_eq!(lab.fetches_of("sts.test"), 1);
    let events: Vec<Value> = objects(&cache(&lab, &program, &["history", "sts.test", "--format", "json"]))
        .into_iter()
        .map(|object| object["event"].clone())
        .collect();
    assert_eq!(events, ["learnt", "purged", "learnt"]);
    let output = cache(&lab, &program, &["purge", "sts.test", "--format", "json"]);
    assert_eq!(objects(&output)[0]["policies"], 1);
    let output = cache(&lab, &program, &["purge", "sts.test"]);
    assert_eq!(
        (said(&output).as_str(), exit(&output)),
        ("nothing was removed: nothing is stored about sts.test\n", 1)
    );
}

#[test]
fn whoever_looks_writes_nothing() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let before = state(&program);
    for arguments in [&["list"][..], &["show", "sts.test"], &["history", "sts.test"]] {
        for format in ["human", "json"] {
            let output = cache(&lab, &program, &[arguments, &["--format", format]].concat());
            assert_eq!((exit(&output), output.stderr.len()), (0, 0), "{arguments:?}");
        }
    }
    assert_eq!(state(&program), before);
}

#[test]
fn a_cache_that_is_not_there_is_empty_and_stays_away() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for (arguments, words, status) in [
        (&["list"][..], "no policy is stored\n", 0),
        (&["list", "--format", "json"], "", 0),
        (&["show", "sts.test"], "nothing is known about sts.test\n", 1),
        (&["history", "sts.test"], "nothing is known to have happened to policies of sts.test\n", 1),
        (&["purge", "sts.test"], "nothing was removed: nothing is stored about sts.test\n", 1),
    ] {
        let output = cache(&lab, &program, arguments);
        assert_eq!((said(&output).as_str(), exit(&output)), (words, status), "{arguments:?}");
    }
    assert_eq!(state(&program), []);
}

#[test]
fn a_cache_that_cannot_be_used_is_an_error_that_names_it() {
    let lab = Laboratory::start();
    let damaged = Program::new(&lab);
    fs::write(damaged.cache(), vec![b'x'; 8_192]).unwrap();
    let foreign = Program::new(&lab);
    fs::create_dir(foreign.cache()).unwrap();
    for (program, status) in [
        (&damaged, 75),
        (&foreign, 78),
        (&Program::new(&lab).with_cache_at("/nonexistent/cache.db"), 78),
        (&Program::new(&lab).with_cache_at("cache.db"), 78),
    ] {
        for arguments in [&["list"][..], &["show", "sts.test"], &["history", "sts.test"]] {
            let output = cache(&lab, program, arguments);
            assert_eq!((exit(&output), said(&output).as_str()), (status, ""), "{arguments:?}");
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            let directory = program.cache().parent().map_or("", |path| path.to_str().unwrap());
            assert!(why.starts_with("smtp-sts-verify cache ") && why.contains(directory), "{why}");
            assert_eq!(why.lines().count(), 1);
        }
    }
    assert_eq!(fs::read(damaged.cache()).unwrap().len(), 8_192, "left where it lay");
}

#[test]
fn what_a_laboratory_learnt_is_counted_and_not_shown_elsewhere() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let elsewhere = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg("cache").args(arguments).arg("--config").arg(lab.empty_configuration());
        command.arg("-c").arg(program.cache()).output().unwrap()
    };
    let text = said(&elsewhere(&["list"]));
    assert!(text.starts_with("no policy is stored\n") && text.ends_with("settings: 4\n"), "{text}");
    let text = said(&elsewhere(&["show", "sts.test"]));
    assert!(text.contains("1 more, learnt under other"), "{text}");
}

#[test]
fn what_is_no_domain_is_64() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for arguments in [
        &["show", "a..b"][..],
        &["show"],
        &["history", "[192.0.2.1]"],
        &["purge", "\u{1b}[2J"],
        &["list", "x"],
        &["list", "--format", "xml"],
        &["undo"],
        &[],
    ] {
        let output = cache(&lab, &program, arguments);
        assert_eq!((exit(&output), said(&output).as_str()), (64, ""), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_list() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&lab, &program, &["list"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((exit(&output), output.stderr.len()), (0, 0), "it has what it wanted");
    assert!(Path::new(program.cache()).exists());
}

#[test]
fn a_policy_whose_row_is_damaged_is_told_of_and_fetched_anew_before_mail_goes() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let damage = || {
        let row = Connection::open(program.cache()).unwrap();
        row.execute("UPDATE policy SET body = replace(body, 'sts', 'xxx')", []).unwrap();
    };
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").get("reason"), "policy-met");
    damage();
    let list = said(&cache(&lab, &program, &["list"]));
    assert!(list.contains("not shown, as damaged: 1") && !list.contains("no policy is stored"), "{list}");
    let cachedb = program.cache().display().to_string();
    let doctor = Patient::of(&lab).but("--cachedb", &cachedb).examined();
    let (result, seen) = doctor.of("cache.integrity");
    assert!(result == "wrong" && seen.starts_with("1 row is not what was written"), "{result}: {seen}");
    let show = said(&cache(&lab, &program, &["show", "sts.test"]));
    assert!(show.contains("the mta-sts policy of sts.test in the cache is damaged"), "{show}");
    lab.conduct_policy_host("mta-sts.sts.test", Body::Missing);
    let waits = program.delivery("sts.test", "mx1.sts.test");
    assert_eq!(
        ["verdict", "reason", "cache"].map(|key| waits.get(key).to_owned()),
        ["defer", "policy-lost", "unavailable"]
    );
    // Its host failed, and is left alone for its time; an operator may ask it all the same.
    lab.conduct_policy_host("mta-sts.sts.test", Body::Policy);
    program.forget_dns();
    let anew = program.delivery("sts.test", "mx1.sts.test");
    assert_eq!(
        ["verdict", "reason", "cache"].map(|key| anew.get(key).to_owned()),
        ["deliver", "policy-met", "unavailable"]
    );
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").get("cache"), "hit");
}
