//! The life of the daemon: how it starts, reads its files again, shows that it is alive, ends, and comes back (G6, G7, G14, G18).

use super::daemon::{Daemon, Plan, exim, until};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::program::PROGRAM;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn root_is_refused_unless_it_is_allowed() {
    if !is_root() {
        return skipped("a daemon that is started as root", "not started as root");
    }
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab).without_flag("--allow-root");
    let (status, said) = plan.fail();
    assert_eq!(status, Some(78));
    assert!(said.contains("started as root") && said.contains("--allow-root"), "{said}");
    assert!(!plan.exim().exists());
}

#[test]
fn systemd_is_told_what_the_daemon_does_and_that_it_is_alive() {
    let lab = Laboratory::start();
    let line = "WATCHDOG_PID=$$; export WATCHDOG_PID; exec \"$@\"";
    let mut daemon = Plan::in_world(&lab).variable("WATCHDOG_USEC", 300_000).started_by(line).start();
    for _ in 0..5 {
        daemon.wait_until_told("WATCHDOG=1");
    }
    daemon.signal("HUP");
    let told = daemon.wait_until_told("RELOADING=1");
    assert!(told.contains("MONOTONIC_USEC="), "Type=notify-reload wants it: {told}");
    let told = daemon.wait_until_told("READY=1");
    assert!(told.contains("STATUS=Answering exim at /"), "{told}");
    // A process that does not run says nothing, and systemd starts another one.
    daemon.signal("STOP");
    while daemon.tells("WATCHDOG=1", Duration::from_millis(50)) {}
    assert!(!daemon.tells("WATCHDOG=1", Duration::from_millis(600)));
    daemon.signal("CONT");
    daemon.wait_until_told("WATCHDOG=1");
    daemon.signal("TERM");
    daemon.wait_until_told("STOPPING=1");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn told_to_end_under_load_it_loses_no_reply() {
    let lab = Laboratory::start();
    let mut daemon = Daemon::in_world(&lab);
    daemon.ask("enforced.test");
    let (lost, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let askers: Vec<_> = (0..4)
        .map(|_| {
            let (lost, answered, path) = (Arc::clone(&lost), Arc::clone(&answered), daemon.plan().exim());
            thread::spawn(move || {
                // A hundred times a second, all together, until nobody lets them in any more.
                loop {
                    match exim(&path, "enforced.test") {
                        Ok(answer) if answer.starts_with("verdict=deliver") => answered.fetch_add(1, Relaxed),
                        Ok(_) => lost.fetch_add(1, Relaxed),
                        Err(error) => {
                            let is_at_the_door =
                                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
                            lost.fetch_add(usize::from(!is_at_the_door), Relaxed);
                            return;
                        }
                    };
                    thread::sleep(Duration::from_millis(40));
                }
            })
        })
        .collect();
    // Postfix keeps its connection, and closes it itself when it sees that the other side did.
    let postfix = thread::spawn({
        let (lost, mut connection) = (Arc::clone(&lost), daemon.postfix());
        move || {
            loop {
                if !connection.is_open() {
                    break;
                }
                if connection.ask("policy", "enforced.test").is_err() {
                    lost.fetch_add(1, Relaxed);
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    });
    until("they have begun", || answered.load(Relaxed) > 50);
    assert_eq!(daemon.terminate().code(), Some(0));
    askers.into_iter().for_each(|asker| asker.join().unwrap());
    postfix.join().unwrap();
    assert_eq!(lost.load(Relaxed), 0, "of {}", answered.load(Relaxed));
}

#[test]
fn told_to_end_it_answers_who_waits_for_a_look_up() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Late(Duration::from_millis(150)));
    let mut daemon = Daemon::in_world(&lab);
    let asking = ask_in_the_background(&daemon, "enforced.test");
    until("the look-up has begun", || lab.questions() > 0);
    assert_eq!(daemon.terminate().code(), Some(0));
    let answer = asking.join().unwrap();
    assert!(answer.contains("reason=") && !answer.contains("reason=internal"), "{answer}");
}

#[test]
fn told_twice_it_ends_at_once() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Silent);
    let mut daemon = Plan::in_world(&lab).option("--answer-within", "4.5").start();
    let asking = ask_in_the_background(&daemon, "enforced.test");
    until("the look-up has begun", || lab.questions() > 0);
    let began = Instant::now();
    daemon.signal("TERM");
    daemon.wait_until_told("STOPPING=1");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(75), "somebody was not answered");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(asking.join().unwrap(), "");
}

#[test]
fn killed_and_started_again_it_says_what_it_said() {
    let lab = Laboratory::start();
    let daemon = Daemon::in_world(&lab);
    let questions = ["enforced.test mx1.enforced.test", "enforced.test mx.hosting.test", "webpki.test"];
    for question in questions {
        daemon.ask(question);
    }
    let plan = daemon.kill();
    // What was in force is in force again, even if nobody can be asked.
    lab.behave(Scope::Everything, Manner::Servfail);
    let daemon = plan.start();
    let words = |answer: String, word: &str| answer.split(' ').any(|one| one == word);
    assert!(words(daemon.ask(questions[0]), "verdict=deliver"));
    assert!(words(daemon.ask(questions[1]), "verdict=refuse"));
    assert!(words(daemon.ask(questions[2]), "tls=webpki"));
}

#[test]
fn a_new_configuration_counts_from_the_signal_on_and_a_bad_one_never() {
    let lab = Laboratory::start();
    let mut daemon = Plan::in_world(&lab).start();
    let refused = "enforced.test mx.hosting.test";
    daemon.ask("enforced.test");
    let policy_counts = |daemon: &Daemon| {
        let answer = daemon.ask(refused);
        assert!(answer.contains("reason=mx-not-in-policy"), "{answer}\n{}", daemon.log());
    };
    policy_counts(&daemon);
    let reload = |daemon: &mut Daemon, configuration: &str| {
        fs::write(daemon.plan().configuration(), configuration).unwrap();
        daemon.signal("HUP");
        daemon.wait_until_told("READY=1");
    };
    let ignoring = "[override.\"enforced.test\"]\nignore = true\nuntil = 2999-12-31\nreason = \"a test\"\n";
    reload(&mut daemon, ignoring);
    assert!(daemon.ask(refused).contains("reason=override"), "{}", daemon.log());
    for (bad, why) in [
        ("nonsense = true\n", "nonsense"),
        (
            "trust_anchor = \"/nonexistent\"\nca_file = \"/nonexistent\"\n[serve]\nexim = [\"nowhere\"]\n",
            "nowhere",
        ),
    ] {
        reload(&mut daemon, bad);
        daemon.wait_for_log(why);
        assert!(daemon.log().contains("the old one still counts"));
        assert!(daemon.ask(refused).contains("reason=override"), "{bad}");
    }
    reload(&mut daemon, "");
    policy_counts(&daemon);
    assert_eq!(daemon.terminate().code(), Some(0));
}

#[test]
fn nothing_that_was_proven_of_zones_outlives_a_reload() {
    let lab = Laboratory::start();
    let mut daemon = Plan::in_world(&lab).start();
    let keys_of_the_root = || lab.questions_for(".", "DNSKEY");
    daemon.ask("enforced.test");
    let once = keys_of_the_root();
    daemon.ask("sts.test");
    assert!(once > 0 && keys_of_the_root() == once, "look-ups share zones: {once}, {}", keys_of_the_root());
    daemon.signal("HUP");
    daemon.wait_until_told("READY=1");
    daemon.ask("tlsa.test");
    assert!(keys_of_the_root() > once, "{once}");
}

#[test]
fn a_reload_that_is_refused_is_in_the_status_until_the_file_is_mended_which_needs_no_signal() {
    let lab = Laboratory::start();
    let mut daemon = Plan::in_world(&lab).start();
    let write = |daemon: &Daemon, text: &str| fs::write(daemon.plan().configuration(), text).unwrap();
    write(&daemon, "[serve]\ndns = '192.0.2.1'\n");
    daemon.signal("HUP");
    let told = daemon.wait_until_told("READY=1");
    assert!(
        told.contains("STATUS=An older configuration is in force: ") && told.contains("line 2"),
        "{told}"
    );
    write(&daemon, "");
    let told = daemon.wait_until_told("READY=1");
    assert!(told.contains("STATUS=Answering exim at /"), "{told}");
}

#[test]
fn started_with_a_wrong_configuration_it_takes_the_last_good_one_if_that_is_roots_alone() {
    if !is_root() {
        return skipped("the last good configuration of a daemon", "only root can keep one");
    }
    let lab = Laboratory::start();
    let copy = lab.directory().join("kept/last-good.toml");
    let plan = Plan::in_world(&lab).option("--last-good", copy.display());
    let ignoring = "[override.\"enforced.test\"]\nignore = true\nuntil = 2999-12-31\nreason = \"a test\"\n";
    fs::write(plan.configuration(), ignoring).unwrap();
    let kept = Command::new(PROGRAM)
        .args(["config", "keep", "--config"])
        .arg(plan.configuration())
        .arg("--to")
        .arg(&copy)
        .output()
        .unwrap();
    assert!(kept.status.success(), "{kept:?}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), ignoring);
    fs::write(plan.configuration(), "deadline = \n").unwrap();
    // What cannot be used is not kept.
    let mut again = Command::new(PROGRAM);
    again.args(["config", "keep", "--config"]).arg(plan.configuration()).arg("--to").arg(&copy);
    let kept = again.output().unwrap();
    assert_eq!(kept.status.code(), Some(78));
    assert!(String::from_utf8(kept.stderr).unwrap().contains("config.toml line 1: "));
    for mode in [0o666, 0o664] {
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
        let (status, said) = plan.fail();
        assert_eq!(status, Some(78), "{said}");
        assert!(said.contains("others than root may write it"), "{said}");
    }
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
    let daemon = plan.start();
    assert!(daemon.ask("enforced.test mx.hosting.test").contains("reason=override"), "{}", daemon.log());
    assert!(daemon.log().contains("an older one is in force"), "{}", daemon.log());
}

#[test]
fn mail_that_waits_is_one_line_in_the_log_and_one_of_the_history() {
    let lab = Laboratory::start();
    let mut daemon = Plan::in_world(&lab).start();
    for _ in 0..3 {
        assert!(daemon.ask("bogus.test").contains("reason=dnssec-bogus"), "{}", daemon.log());
    }
    daemon.ask("enforced.test mx1.enforced.test");
    daemon.ask("enforced.test mx.hosting.test");
    daemon.wait_for_log("mail is refused at this host");
    let lines = |words: &str| daemon.log().lines().filter(|line| line.contains(words)).count();
    assert_eq!(
        (lines("mail waits domain=\"bogus.test\""), lines("enforced.test")),
        (1, 1),
        "{}",
        daemon.log()
    );
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("mail waits")).unwrap();
    for words in
        ["WARN mail waits", "reason=\"dnssec-bogus\"", "by=\"exim\"", "asked=\"all MX hosts\"", " ms\""]
    {
        assert!(line.contains(words), "{words}: {line}");
    }
    assert!(!log.contains("smtp_sts_verify::"), "{log}");
    assert_eq!(daemon.terminate().code(), Some(0));
    let history = |format: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["cache", "history", "bogus.test", "--format", format]).args(lab.options());
        command.arg("--config").arg(lab.empty_configuration()).arg("--cachedb").arg(daemon.plan().cache());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let told = history("human");
    assert!(told.contains("answer   mail-waits    dnssec-bogus"), "{told}");
    assert!(told.contains("told to Exim, about all MX hosts, 3 times until "), "{told}");
    let object: serde_json::Value = serde_json::from_str(&history("json")).unwrap();
    assert_eq!(
        (&object["event"], &object["times"], &object["asker"]),
        (&"answered".into(), &3.into(), &"exim".into())
    );
}

#[test]
fn private_zones_and_mechanisms_count_from_the_signal_on() {
    let lab = Laboratory::start();
    let mut daemon = Plan::in_world(&lab).start();
    let says = |daemon: &Daemon, question: &str, words: &str| {
        let answer = daemon.ask(question);
        assert!(answer.contains(words), "{question}: {answer}\n{}", daemon.log());
    };
    let reload = |daemon: &mut Daemon, configuration: &str| {
        fs::write(daemon.plan().configuration(), configuration).unwrap();
        daemon.signal("HUP");
        daemon.wait_until_told("READY=1");
    };
    for _ in 0..2 {
        says(&daemon, "bogus.test", "reason=dnssec-bogus");
        says(&daemon, "dane.test", " tls=dane ");
        says(&daemon, "mail.corp.internal", "reason=special-use-name");
        reload(&mut daemon, "insecure_zones = ['bogus.test']\nmechanisms = ['mta-sts', 'smtp-sts']\n");
        says(&daemon, "bogus.test", "verdict=deliver tls=opportunistic ");
        says(&daemon, "dane.test", "verdict=deliver tls=opportunistic policy=none ");
        says(&daemon, "dane.test", " tlsa=unusable ");
        reload(&mut daemon, "");
    }
}

#[test]
fn anchors_that_cannot_be_read_again_are_those_of_before() {
    let lab = Laboratory::start();
    let anchors = fs::read(lab.trust_anchor()).unwrap();
    let mut daemon = Daemon::in_world(&lab);
    fs::write(lab.trust_anchor(), "no anchor").unwrap();
    daemon.signal("HUP");
    daemon.wait_until_told("READY=1");
    daemon.wait_for_log("the old one still counts");
    assert!(daemon.ask("enforced.test").contains("reason=policy-met"));
    fs::write(lab.trust_anchor(), anchors).unwrap();
}

#[test]
fn other_places_to_listen_at_count_after_a_restart_and_the_log_says_so() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab).without("--postfix");
    let other = plan.directory.path().join("other.sock");
    let mut daemon = plan.start();
    fs::write(daemon.plan().configuration(), format!("[serve]\npostfix = [\"{}\"]\n", other.display()))
        .unwrap();
    daemon.signal("HUP");
    daemon.wait_until_told("READY=1");
    daemon.wait_for_log("they count after a restart");
    assert!(!other.exists());
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
}

/// Asks as Exim does, and does not wait for it; an answer that never comes is empty.
fn ask_in_the_background(daemon: &Daemon, question: &str) -> thread::JoinHandle<String> {
    let (path, question) = (daemon.plan().exim(), question.to_owned());
    thread::spawn(move || exim(&path, &question).unwrap_or_default())
}

#[test]
fn the_log_tells_the_daemons_own_affairs_whatever_its_shape() {
    let lab = Laboratory::start();
    for (shape, ready) in [("text", " INFO "), ("json", "{\"at\":")] {
        let mut daemon = Plan::in_world(&lab).option("--log-format", shape).start();
        daemon.ask("enforced.test");
        daemon.terminate();
        daemon.wait_for_log("ending: connected clients");
        let log = daemon.log();
        assert!(log.contains(ready) && !log.contains("DNS answered"), "{log}");
    }
}
