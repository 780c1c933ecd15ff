//! What is to be explained.

use crate::overrides::Decree;
use crate::time::UnixTime;
use crate::verify::Request;

/// A delivery, and what the administrator's configuration says about its domain.
#[derive(Clone, Debug)]
pub struct Question {
    /// The delivery. Its requirement is that of the decree, if there is one in force.
    pub request: Request,
    /// The administrator's word about this domain; ended ones, too.
    pub decree: Option<Decree>,
}

impl Question {
    /// Whether nobody is asked at all, because the administrator says so.
    #[must_use]
    pub fn is_ignored(&self, now: UnixTime) -> bool {
        self.decree.as_ref().is_some_and(|decree| decree.ignores(now))
    }
}
