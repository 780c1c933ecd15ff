//! The rules under which a command answers a question: those of the configuration, and what the operator of this host's fleet has decreed.

use crate::config::{BadConfiguration, Rules, Setup};
use crate::time::UnixTime;

/// The rules. Without a fleet nothing is read for it.
#[cfg(feature = "fleet")]
pub(super) fn of(setup: &Setup, now: UnixTime) -> Result<Rules, BadConfiguration> {
    let rules = setup.choices().rules();
    let Some(fleet) = &setup.choices().fleet else { return Ok(rules) };
    let cache = setup.storage()?.cache(now).read_only();
    Ok(Rules { decreed: crate::fleet::decreed(fleet, &cache, now), ..rules })
}

/// The rules of the configuration.
#[cfg(not(feature = "fleet"))]
#[expect(clippy::unnecessary_wraps, reason = "with a fleet it may fail")]
pub(super) fn of(setup: &Setup, _now: UnixTime) -> Result<Rules, BadConfiguration> {
    Ok(setup.choices().rules())
}
