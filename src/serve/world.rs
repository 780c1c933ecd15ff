//! Whom to ask and what to trust, as the administrator chose: what a reload exchanges as a whole.

use crate::cache::Cache;
use crate::config::{BadConfiguration, Dns, Rules, Setup, Storage};
use crate::https::{HttpsSettings, SharedTls};
use crate::time::UnixTime;
use std::time::Duration;

/// Everything that an answer depends on beside the question, the time and the network.
#[derive(Clone, Debug)]
pub struct World {
    /// Where policies are remembered.
    pub storage: Storage,
    /// Who is asked.
    pub dns: Dns,
    /// How policies are fetched.
    pub https: HttpsSettings,
    /// The CA certificates behind that, once they were needed.
    pub tls: SharedTls,
    /// What the administrator says about questions.
    pub rules: Rules,
    /// An asker waits at most so long.
    pub answer_within: Duration,
    /// A look-up goes on at most so long.
    pub look_up_within: Duration,
}

impl World {
    /// All that the set-up names is read now, so that nothing of it is missing later.
    ///
    /// # Errors
    /// [`BadConfiguration`] if something of it cannot be used.
    pub fn of(setup: &Setup, answer_within: Duration) -> Result<Self, BadConfiguration> {
        Ok(Self {
            storage: setup.storage()?,
            dns: setup.dns()?,
            https: setup.https(),
            tls: SharedTls::default(),
            rules: setup.choices().rules(),
            answer_within,
            look_up_within: setup.choices().deadline(),
        })
    }

    /// The cache, for as long as one look at it takes.
    #[must_use]
    pub fn cache(&self, now: UnixTime) -> Cache {
        self.storage.cache(now)
    }
}
