use super::*;
use crate::limits::REPORTS_RUN;

#[test]
fn thirty_web_servers_that_never_answer_leave_a_run_more_than_half_of_its_time() {
    assert_eq!(of_web_server(Duration::ZERO), REPORT_POST_DEADLINE);
    let waited = (0..30).fold(Duration::ZERO, |waited, _| waited + of_web_server(waited));
    assert!(waited < REPORTS_RUN / 2, "{waited:?}");
    assert_eq!(of_web_server(waited), REPORT_POST_LEAST);
    // However many there are: a run tries at least so many.
    let at_least = (REPORTS_RUN - REPORTS_WAITED).as_secs() / REPORT_POST_LEAST.as_secs();
    assert!(at_least > 80);
}

const MOST: Duration = Duration::from_secs(10);

/// How long a run waits for domains, and how many of them it asks: sixteen at a time, as it does. Each has an owner, and keeps silent or not.
fn run(domains: impl Iterator<Item = (String, bool)>) -> (Duration, usize) {
    const QUICK: Duration = Duration::from_millis(100);
    let (mut look_ups, mut whole, mut asked) = (LookUps::default(), Duration::ZERO, 0);
    let domains: Vec<_> = domains.collect();
    for together in domains.chunks(4 * MAX_REPORT_LOOK_UPS) {
        let mut so_long = Duration::ZERO;
        for together in together.chunks(MAX_REPORT_LOOK_UPS) {
            let allowed: Vec<_> =
                together.iter().map(|(owner, _)| look_ups.allowed(owner, MOST).ok()).collect();
            let took = together.iter().zip(allowed).filter_map(|((owner, is_silent), allowed)| {
                allowed.map(|allowed| (owner, if *is_silent { allowed } else { QUICK }))
            });
            let took: Vec<_> = took.collect();
            so_long += took.iter().map(|(_, took)| *took).max().unwrap_or_default();
            asked += took.len();
            for (owner, took) in took {
                look_ups.took(owner, took);
            }
        }
        look_ups.took_together(so_long);
        // Answers that come quickly are no wait.
        whole += if so_long > 4 * QUICK { so_long } else { Duration::ZERO };
    }
    (whole, asked)
}

fn silent(owners: usize) -> impl Iterator<Item = (String, bool)> {
    (0..owners).map(|number| (format!("owner{number}.example"), true))
}

#[test]
fn an_owner_of_very_many_slow_domains_holds_a_run_up_once() {
    let (whole, asked) = run((0..100_000).map(|_| ("owner.example".to_owned(), true)));
    assert_eq!((whole, asked), (MOST, MAX_REPORT_LOOK_UPS));
}

#[test]
fn a_thousand_owners_of_slow_domains_leave_a_run_more_than_half_of_its_time_and_all_are_asked() {
    let (whole, asked) = run(silent(1_000));
    assert!(whole < REPORTS_RUN / 2, "{whole:?}");
    assert_eq!(asked, 1_000);
}

#[test]
fn a_hundred_thousand_owners_leave_a_run_more_than_half_of_its_time() {
    let (whole, asked) = run(silent(100_000));
    assert!(whole < REPORTS_RUN / 2, "{whole:?}");
    assert!((1_000..2_000).contains(&asked), "{asked}");
    // One of sixteen that are asked together is enough to keep them all waiting.
    for among in [2, 16, 64] {
        let owners = silent(100_000).enumerate().map(|(number, (owner, _))| (owner, number % among == 0));
        let (whole, asked) = run(owners);
        assert!(whole < REPORTS_RUN / 2 && asked > 1_000, "{among}: {whole:?} {asked}");
    }
}

#[test]
fn owners_that_answer_once_and_then_never_leave_a_run_more_than_half_of_its_time() {
    let answering = silent(100_000).map(|(owner, _)| (owner, false));
    let (whole, asked) = run(answering.chain(silent(100_000)));
    assert!(whole < REPORTS_RUN / 2, "{whole:?}");
    assert!(asked > 100_000, "{asked}");
}

#[test]
fn where_silent_owners_have_taken_their_time_whoever_has_answered_is_asked_all_the_same() {
    let mut look_ups = LookUps::default();
    look_ups.took("quick.example", Duration::ZERO);
    look_ups.took("slow.example", REPORT_LOOK_UP_QUICK);
    look_ups.took_together(REPORT_LOOK_UPS_WAITED_MOST);
    let asked = |look_ups: &LookUps, owner: &str| look_ups.allowed(owner, MOST);
    assert_eq!(asked(&look_ups, "quick.example"), Ok(REPORT_LOOK_UP_LEAST));
    for other in ["slow.example", "new.example"] {
        assert_eq!(asked(&look_ups, other), Err(PutOff::Others));
    }
    // Together they were quick: that is no wait.
    look_ups.took_together(REPORTS_RUN);
    assert_eq!(asked(&look_ups, "quick.example"), Ok(REPORT_LOOK_UP_LEAST));
    look_ups.took("slow.example", REPORT_LOOK_UP_QUICK);
    look_ups.took_together(REPORT_LOOK_UPS_WAITED_AT_ALL - REPORT_LOOK_UPS_WAITED_MOST);
    assert_eq!(asked(&look_ups, "quick.example"), Err(PutOff::Others));
}

/// In whole milliseconds, one before each bound and at it.
#[test]
fn at_which_moment_a_look_up_is_put_off_and_what_it_may_take_until_then() {
    let (moment, seconds) = (Duration::from_millis(1), Duration::from_secs);
    let after_own = |so_long| {
        let mut look_ups = LookUps::default();
        look_ups.took("slow.example", so_long);
        look_ups.allowed("slow.example", MOST)
    };
    assert_eq!(after_own(seconds(20) - moment), Ok(MOST), "a quarter of what is left of a minute is more");
    assert_eq!(after_own(seconds(20)), Err(PutOff::Owner));
    let after = |so_long, is_known| {
        let mut look_ups = LookUps::default();
        look_ups.took("slow.example", seconds(1));
        look_ups.took_together(so_long);
        if is_known {
            look_ups.took("quick.example", Duration::ZERO);
        }
        look_ups.allowed("quick.example", MOST)
    };
    for (waited, new, known) in [
        (seconds(20), Ok(MOST), Ok(MOST)),
        (seconds(24), Ok(seconds(9)), Ok(seconds(9))),
        (seconds(51), Ok(seconds(9) / 4), Ok(seconds(9) / 4)),
        (seconds(52), Ok(seconds(2)), Ok(seconds(2))),
        (seconds(60), Ok(seconds(2)), Ok(seconds(2))),
        (seconds(200) - moment, Ok(seconds(2)), Ok(seconds(2))),
        (seconds(200), Err(PutOff::Others), Ok(seconds(2))),
        (seconds(240) - moment, Err(PutOff::Others), Ok(seconds(2))),
        (seconds(240), Err(PutOff::Others), Err(PutOff::Others)),
    ] {
        assert_eq!((after(waited, false), after(waited, true)), (new, known), "{waited:?}");
    }
}

/// A quarter of what is left of two minutes, half a minute at most and five seconds at least.
#[test]
fn a_web_server_may_take_a_quarter_of_what_is_left_and_never_less_than_five_seconds() {
    for (waited, milliseconds) in
        [(0, 30_000), (4, 29_000), (96, 6_000), (100, 5_000), (104, 5_000), (999, 5_000)]
    {
        assert_eq!(of_web_server(Duration::from_secs(waited)).as_millis(), milliseconds, "{waited}");
    }
}

#[test]
fn whoever_answers_is_never_put_off() {
    let mut look_ups = LookUps::default();
    for _ in 0..100_000 {
        look_ups.took("owner.example", Duration::from_millis(999));
    }
    assert_eq!(look_ups.allowed("owner.example", MOST), Ok(MOST));
    for times in 0..20 {
        assert_eq!(look_ups.allowed("slow.example", MOST), Ok(MOST), "after {times} of a second each");
        look_ups.took("slow.example", Duration::from_secs(1));
    }
    assert_eq!(look_ups.allowed("slow.example", MOST), Err(PutOff::Owner));
    // What an administrator allows at most stays so.
    assert_eq!(look_ups.allowed("owner.example", Duration::from_secs(1)), Ok(Duration::from_secs(1)));
}
