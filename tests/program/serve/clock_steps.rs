//! G17, E10: the clock is set while the daemon is asked. Deadlines run on a clock that nobody sets, and what is remembered is
//! neither lost nor lives on for it.

use super::daemon::{Daemon, Plan, exim};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::skipped::skipped;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// Every asker has his answer within this time: that of the daemon, and what a busy machine needs.
const FELT: Duration = Duration::from_secs(20);

/// The library that sets the clock of the processes that it is loaded into; `None` without a C compiler.
fn library(directory: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/clock.c");
    let library = directory.join("clock.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    compiler.status().is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn steps_of_the_clock_under_load_hang_nothing_and_cost_no_policy() {
    let lab = Laboratory::start();
    let Some(library) = library(lab.directory()) else {
        return skipped("a clock that is set under the daemon", "there is no C compiler");
    };
    let steps = lab.directory().join("steps");
    std::fs::write(&steps, [0; 8]).unwrap();
    let file = OpenOptions::new().write(true).open(&steps).unwrap();
    let step = |seconds: i64| file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    let plan = Plan::in_world(&lab)
        .variable("LD_PRELOAD", library.display())
        .variable("STEPPED_CLOCK", steps.display())
        .option("--answer-within", "2");
    let mut daemon = plan.start();
    let in_force = ["sts.test mx.hosting.test", "enforced.test mx.hosting.test"];
    // The draft's policy refuses once it was met.
    assert!(daemon.ask("enforced.test mx1.enforced.test").starts_with("verdict=deliver "));
    for question in in_force {
        assert!(daemon.ask(question).starts_with("verdict=refuse "), "{}", daemon.log());
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..4_usize)
        .map(|asker| {
            let (is_over, answered, path) =
                (Arc::clone(&is_over), Arc::clone(&answered), daemon.plan().exim());
            thread::spawn(move || {
                let domains =
                    ["wild.test", "webpki.test", "none.test", "plain.test", "dane.test", "sts.test"];
                for turn in asker.. {
                    if is_over.load(Relaxed) {
                        return;
                    }
                    let began = Instant::now();
                    let answer = exim(&path, domains[turn % domains.len()]).unwrap();
                    assert!(
                        answer.starts_with("verdict=") && !answer.contains("reason=internal"),
                        "{answer}"
                    );
                    assert!(began.elapsed() < FELT, "{:?}", began.elapsed());
                    answered.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    let under_load = || {
        let before = answered.load(Relaxed);
        super::daemon::until("they are answered", || answered.load(Relaxed) >= before + 40);
    };
    let stays_in_force = |daemon: &Daemon, after: &str| {
        for question in in_force {
            let answer = daemon.ask(question);
            assert!(answer.starts_with("verdict=refuse "), "{after}: {question}: {answer}");
        }
    };
    for (seconds, after) in [(DAY, "a day on"), (0, "back"), (-DAY, "a day back"), (-YEAR, "a year back")] {
        step(seconds);
        under_load();
        stays_in_force(&daemon, after);
    }
    // The policies have ended by then, and no signature is good: whatever it answers, it answers.
    step(YEAR);
    under_load();
    daemon.signal("HUP");
    daemon.wait_until_told("READY=1");
    step(0);
    // What was known is known again, although nobody can be asked.
    lab.behave(Scope::Everything, Manner::Servfail);
    under_load();
    stays_in_force(&daemon, "back from a year on");
    is_over.store(true, Relaxed);
    askers.into_iter().for_each(|asker| asker.join().unwrap());
    lab.behave_well();
    assert!(daemon.ask("partly.test mx.partly.test").starts_with("verdict=deliver tls=webpki "));
    assert_eq!(daemon.terminate().code(), Some(0));
    daemon.made_no_mistake();
}
