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

/// How long a run waits for domains whose name servers never answer, and how many of them it asks: sixteen at a time, as it does.
fn run(owners: impl Iterator<Item = String>) -> (Duration, usize) {
    let (mut look_ups, mut whole, mut asked) = (LookUps::default(), Duration::ZERO, 0);
    let owners: Vec<String> = owners.collect();
    for together in owners.chunks(MAX_REPORT_LOOK_UPS) {
        let allowed: Vec<_> = together.iter().map(|owner| look_ups.allowed(owner, MOST)).collect();
        whole += allowed.iter().flatten().max().copied().unwrap_or_default();
        for (owner, so_long) in together.iter().zip(allowed) {
            asked += usize::from(so_long.is_some());
            look_ups.took(owner, so_long.unwrap_or_default());
        }
    }
    (whole, asked)
}

#[test]
fn an_owner_of_very_many_slow_domains_holds_a_run_up_once() {
    let (whole, asked) = run((0..100_000).map(|_| "owner.example".to_owned()));
    assert_eq!((whole, asked), (MOST, MAX_REPORT_LOOK_UPS));
}

#[test]
fn a_thousand_owners_of_slow_domains_leave_a_run_more_than_half_of_its_time_and_all_are_asked() {
    let (whole, asked) = run((0..1_000).map(|number| format!("owner{number}.example")));
    assert!(whole < REPORTS_RUN / 2, "{whole:?}");
    assert_eq!(asked, 1_000);
}

#[test]
fn whoever_answers_is_never_put_off() {
    let mut look_ups = LookUps::default();
    for _ in 0..100_000 {
        look_ups.took("owner.example", REPORT_LOOK_UP_QUICK - Duration::from_millis(1));
    }
    assert_eq!(look_ups.allowed("owner.example", MOST), Some(MOST));
    // What an administrator allows at most stays so.
    assert_eq!(look_ups.allowed("owner.example", Duration::from_secs(1)), Some(Duration::from_secs(1)));
}
