//! What an answer waited for: each step with its beginning and its end, and the chain of steps that led to the end.
//!
//! It is told to operators; no decision reads it. Pure.

use std::time::Duration;

/// One thing that took time. Moments are counted from the beginning of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// A DNS question, or a part of a policy fetch; untrusted text in it, not yet escaped.
    pub what: String,
    /// When it began.
    pub from: Duration,
    /// When it ended; `None` if the answer did not wait for that.
    pub to: Option<Duration>,
}

/// The steps of a run in the order in which they began, and when the answer stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What was begun.
    pub steps: Vec<Step>,
    /// When the answer stood.
    pub end: Duration,
}

impl Timeline {
    /// The steps that the answer waited for, one after the other: back from the end, each time the step that was over
    /// last before the next one could begin.
    ///
    /// One thread runs all steps, and whoever waited for a step goes on at once when it is over. So the latest end
    /// before a beginning is its cause.
    #[must_use]
    pub fn critical_path(&self) -> Vec<&Step> {
        let mut path = Vec::new();
        let mut next = self.end;
        let took_time = |step: &&Step| step.to.is_some_and(|to| to > step.from);
        while let Some(step) = self
            .steps
            .iter()
            .filter(took_time)
            .filter(|step| step.to <= Some(next))
            .max_by_key(|step| (step.to, step.from))
        {
            next = step.from;
            path.push(step);
        }
        path.reverse();
        path
    }

    /// The time in which nothing was waited for: reading, judging, writing the cache.
    #[must_use]
    pub fn own_time(&self) -> Duration {
        let waited = |step: &&Step| step.to.map_or(Duration::ZERO, |to| to.saturating_sub(step.from));
        self.end.saturating_sub(self.critical_path().iter().map(waited).sum())
    }

    /// The steps beside the critical path: over sooner, or given up because they could not decide any more.
    #[must_use]
    pub fn beside(&self) -> Vec<&Step> {
        let path = self.critical_path();
        self.steps.iter().filter(|step| !path.contains(step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(steps: &[(&str, u64, Option<u64>)], end: u64) -> Timeline {
        let milliseconds = Duration::from_millis;
        let step = |(what, from, to): &(&str, u64, Option<u64>)| Step {
            what: (*what).to_owned(),
            from: milliseconds(*from),
            to: to.map(milliseconds),
        };
        Timeline { steps: steps.iter().map(step).collect(), end: milliseconds(end) }
    }

    fn names<'a>(steps: &[&'a Step]) -> Vec<&'a str> {
        steps.iter().map(|step| step.what.as_str()).collect()
    }

    #[test]
    fn the_path_leads_back_from_the_end_through_what_was_over_last() {
        let fetched = timeline(
            &[
                ("MX", 0, Some(21)),
                ("TXT", 0, Some(22)),
                ("TLSA", 21, Some(42)),
                ("address", 22, Some(43)),
                ("connect", 43, Some(63)),
                ("TLS", 63, Some(105)),
                ("GET", 105, Some(126)),
            ],
            127,
        );
        assert_eq!(names(&fetched.critical_path()), ["TXT", "address", "connect", "TLS", "GET"]);
        assert_eq!(names(&fetched.beside()), ["MX", "TLSA"]);
        assert_eq!(fetched.own_time(), Duration::from_millis(1));
    }

    #[test]
    fn what_was_given_up_is_not_on_the_path() {
        let decided_early =
            timeline(&[("MX", 0, Some(20)), ("TLSA", 20, Some(40)), ("connect", 22, None)], 40);
        assert_eq!(names(&decided_early.critical_path()), ["MX", "TLSA"]);
        assert_eq!(names(&decided_early.beside()), ["connect"]);
    }

    #[test]
    fn steps_that_take_no_time_make_no_endless_path() {
        let instant = timeline(&[("nothing", 5, Some(5)), ("MX", 0, Some(5)), ("late", 9, Some(12))], 10);
        assert_eq!(names(&instant.critical_path()), ["MX"]);
        assert!(Timeline::default().critical_path().is_empty());
    }
}
