//! Is this machine able to give good verdicts?
//!
//! [`look`] makes plain [`observations`], with [`read`] for the texts of other programs;
//! [`judge`] turns them into [`Finding`]s, one for each thing that was looked at. What a finding of each [`Check`] means
//! for the mail, and what mends it, stands in one place, [`explanation`]. The pages are [`human`] and [`json`].
//!
//! Nothing is repaired here, and nothing is stored but what any question of Exim's would store.

pub mod check;
pub mod explanation;
pub mod human;
pub mod json;
pub mod judge;
pub mod look;
pub mod observations;
pub mod read;
mod topic;

pub use check::Check;
pub use topic::Topic;

use crate::time::UnixTime;
use crate::words::words;

words! {
    /// What a check came to; in the order in which one outweighs the other.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Health {
        /// It could not be looked at, or there is nothing to look at; the words say why. Never a failure.
        NotChecked = "unchecked",
        /// As it should be.
        Fine = "fine",
        /// Mail is judged rightly, but something is missing, or will be.
        Warning = "warning",
        /// Verdicts cannot be trusted, or are not acted on, or mail waits that should not.
        Wrong = "wrong",
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// Which of several things of that kind, such as a name server.
    pub subject: Option<String>,
    /// What it came to.
    pub health: Health,
    /// What was seen, in words; they may be untrusted.
    pub seen: String,
    /// Whether it was the doctor's own look that failed: nothing is known of what is looked at.
    pub is_blind: bool,
}

impl Finding {
    /// A finding about the only thing of its kind. None is worse than its check can be.
    #[must_use]
    pub fn new(check: Check, health: Health, seen: impl Into<String>) -> Self {
        let health = health.min(check.explain().worst);
        Self { check, subject: None, health, seen: seen.into(), is_blind: false }
    }

    /// The same where the look itself failed; why is what was seen.
    #[must_use]
    pub fn blind(self) -> Self {
        Self { is_blind: true, ..self }
    }

    /// What it means for the mail, if it is bad.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        if self.is_blind { explanation::look::MEANING } else { self.check.explain().meaning }
    }

    /// What mends it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        if self.is_blind { explanation::look::FIX } else { self.check.explain().fix }
    }

    /// The same about one of several.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }
}

/// All findings of one run, in the order of the checks' topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// When.
    pub at: UnixTime,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// The worst that was found.
    #[must_use]
    pub fn health(&self) -> Health {
        self.findings.iter().map(|finding| finding.health).max().unwrap_or(Health::NotChecked)
    }

    /// What is not as it should be, alone.
    #[must_use]
    pub fn only_bad(&self) -> Self {
        let bad = self.findings.iter().filter(|finding| finding.health >= Health::Warning);
        Self { at: self.at, findings: bad.cloned().collect() }
    }

    /// How many findings came to that.
    #[must_use]
    pub fn count(&self, health: Health) -> usize {
        self.findings.iter().filter(|finding| finding.health == health).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_health_and_what_was_not_checked_is_no_failure() {
        let of = |healths: &[Health]| {
            let finding = |health: &Health| Finding::new(Check::ResolverUdp, *health, "");
            Diagnosis { at: UnixTime(0), findings: healths.iter().map(finding).collect() }.health()
        };
        assert_eq!(of(&[Health::Fine, Health::NotChecked]), Health::Fine);
        assert_eq!(of(&[Health::Wrong, Health::Fine, Health::Warning]), Health::Wrong);
        assert_eq!(of(&[]), Health::NotChecked);
    }

    #[test]
    fn no_finding_is_worse_than_its_check_can_be() {
        assert_eq!(Finding::new(Check::ResolverSpeed, Health::Wrong, "").health, Health::Warning);
        assert_eq!(Finding::new(Check::ResolverUdp, Health::Wrong, "").health, Health::Wrong);
    }
}
