//! How long a run of `reports send` waits for others: for web servers, and for the name servers of TLSRPT records. Pure.
//!
//! Whoever publishes a record chooses who is asked for it, and who gets the report; so each of them may keep silent, and many may. None
//! of them, and no number of them, is to hold up the reports of the rest.

use crate::limits::{
    MAX_REPORT_LOOK_UPS, REPORT_LOOK_UP_LEAST, REPORT_LOOK_UP_QUICK, REPORT_LOOK_UPS_WAITED,
    REPORT_LOOK_UPS_WAITED_OF_OWNER, REPORT_POST_DEADLINE, REPORT_POST_LEAST, REPORTS_WAITED,
};
use std::collections::HashMap;
use std::time::Duration;

/// How long the next web server may take, in a run that has waited so long for others in vain. They are asked one after the other, so
/// that one report is on its way at a time, and many slow ones must not take the whole run.
#[must_use]
pub fn of_web_server(waited: Duration) -> Duration {
    (REPORTS_WAITED.saturating_sub(waited) / 4).clamp(REPORT_POST_LEAST, REPORT_POST_DEADLINE)
}

/// What the look-ups of a run have waited for in vain: all of them, and those of each owner of domains.
#[derive(Debug, Default)]
pub struct LookUps {
    waited: Duration,
    by_owner: HashMap<String, Duration>,
}

impl LookUps {
    /// How long a look-up below an owner's name may take, `most` where nobody has kept the run waiting; `None` if he has for long
    /// enough: his other domains are asked in another run.
    #[must_use]
    pub fn allowed(&self, owner: &str, most: Duration) -> Option<Duration> {
        let of_owner = self.by_owner.get(owner).copied().unwrap_or_default();
        if of_owner >= REPORT_LOOK_UPS_WAITED_OF_OWNER {
            return None;
        }
        // So many wait side by side.
        let waited = self.waited / u32::try_from(MAX_REPORT_LOOK_UPS).unwrap_or(u32::MAX);
        let left = REPORT_LOOK_UPS_WAITED.saturating_sub(waited) / 4;
        Some(left.max(REPORT_LOOK_UP_LEAST).min(most))
    }

    /// A look-up below that name took so long, whatever came of it.
    pub fn took(&mut self, owner: &str, so_long: Duration) {
        if so_long < REPORT_LOOK_UP_QUICK {
            return;
        }
        self.waited = self.waited.saturating_add(so_long);
        let known = self.by_owner.entry(owner.to_owned()).or_default();
        *known = known.saturating_add(so_long);
    }
}

#[cfg(test)]
mod tests {
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
}
