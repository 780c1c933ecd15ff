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
mod tests;
