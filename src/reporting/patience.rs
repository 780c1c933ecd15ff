//! How long a run of `reports send` waits for others: for web servers, and for the name servers of TLSRPT records. Pure.
//!
//! Whoever publishes a record chooses who is asked for it, and who gets the report; so each of them may keep silent, and many may. None
//! of them, and no number of them, is to hold up the reports of the rest.

use crate::limits::{
    MAX_REPORT_LOOK_UPS, REPORT_LOOK_UP_LEAST, REPORT_LOOK_UP_QUICK, REPORT_LOOK_UPS_WAITED,
    REPORT_LOOK_UPS_WAITED_AT_ALL, REPORT_LOOK_UPS_WAITED_MOST, REPORT_LOOK_UPS_WAITED_OF_OWNER,
    REPORT_POST_DEADLINE, REPORT_POST_LEAST, REPORTS_WAITED,
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
    /// All of them, added up.
    added: Duration,
    /// The run itself, as far as it is known.
    run: Duration,
    /// Whether one of those under way together has kept the run waiting.
    is_slow: bool,
    /// Nothing, of an owner whose name servers answered.
    by_owner: HashMap<String, Duration>,
}

/// Why a look-up is left to another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOff {
    /// The owner's name servers kept this run waiting.
    Owner,
    /// Those of others did, for so long that only owners that have answered are asked, or nobody is.
    Others,
}

impl LookUps {
    /// How long a look-up below an owner's name may take, `most` where nobody has kept the run waiting.
    ///
    /// # Errors
    /// Why it is not to be made in this run.
    pub fn allowed(&self, owner: &str, most: Duration) -> Result<Duration, PutOff> {
        let of_owner = self.by_owner.get(owner).copied();
        if of_owner.is_some_and(|waited| waited >= REPORT_LOOK_UPS_WAITED_OF_OWNER) {
            return Err(PutOff::Owner);
        }
        // So many wait side by side, if all of them do; if one does, the others wait for him.
        let at_least = self.added / u32::try_from(MAX_REPORT_LOOK_UPS).unwrap_or(u32::MAX);
        let waited = self.run.max(at_least);
        let has_answered = of_owner == Some(Duration::ZERO);
        let until = if has_answered { REPORT_LOOK_UPS_WAITED_AT_ALL } else { REPORT_LOOK_UPS_WAITED_MOST };
        if waited >= until {
            return Err(PutOff::Others);
        }
        let left = REPORT_LOOK_UPS_WAITED.saturating_sub(waited) / 4;
        Ok(left.max(REPORT_LOOK_UP_LEAST).min(most))
    }

    /// A look-up below that name took so long, whatever came of it.
    pub fn took(&mut self, owner: &str, so_long: Duration) {
        let is_slow = so_long >= REPORT_LOOK_UP_QUICK;
        let waited = if is_slow { so_long } else { Duration::ZERO };
        self.is_slow |= is_slow;
        self.added = self.added.saturating_add(waited);
        let known = self.by_owner.entry(owner.to_owned()).or_default();
        *known = known.saturating_add(waited);
    }

    /// The look-ups since the last word of this took so long together.
    pub fn took_together(&mut self, so_long: Duration) {
        if std::mem::take(&mut self.is_slow) {
            self.run = self.run.saturating_add(so_long);
        }
    }
}

#[cfg(test)]
mod tests;
