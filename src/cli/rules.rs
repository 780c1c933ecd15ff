//! The rules under which a command answers a question: those of the configuration, and what the operator of this host's fleet has decreed.

use crate::cache::Cache;
use crate::config::{BadConfiguration, Rules, Setup};
use crate::time::UnixTime;

/// The rules. Without a fleet nothing is read for it.
#[cfg(feature = "fleet")]
pub(super) fn of(setup: &Setup, now: UnixTime) -> Result<Rules, BadConfiguration> {
    if setup.choices().fleet.is_none() {
        return Ok(setup.choices().rules());
    }
    Ok(beside(setup, &setup.storage()?.cache(now).read_only(), now))
}

/// The same with a cache that is open.
#[cfg(feature = "fleet")]
pub(super) fn beside(setup: &Setup, cache: &Cache, now: UnixTime) -> Rules {
    let rules = setup.choices().rules();
    let Some(fleet) = &setup.choices().fleet else { return rules };
    Rules { decreed: crate::fleet::decreed(fleet, cache, now), ..rules }
}

/// The rules of the configuration.
#[cfg(not(feature = "fleet"))]
#[expect(clippy::unnecessary_wraps, reason = "with a fleet it may fail")]
pub(super) fn of(setup: &Setup, _now: UnixTime) -> Result<Rules, BadConfiguration> {
    Ok(setup.choices().rules())
}

/// The same.
#[cfg(not(feature = "fleet"))]
pub(super) fn beside(setup: &Setup, _cache: &Cache, _now: UnixTime) -> Rules {
    setup.choices().rules()
}
