//! How much at the same time, by the descriptors that the process may have. Pure.

use crate::limits::{
    DESCRIPTORS_FOR_FILES, DESCRIPTORS_LEAST, DESCRIPTORS_PER_LOOK_UP, LOOK_UPS_ENOUGH, MAX_CONNECTIONS,
    MAX_CONNECTIONS_THAT_WAIT, MAX_HTTP_CONNECTIONS, MAX_LOOK_UPS, RESERVED_DESCRIPTORS,
};

/// How many may be connected, and how much looked up, at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimits {
    /// Connections of Exim and Postfix together, as long as one of them is idle.
    pub mta_connections: usize,
    /// The same where all of them wait for an answer.
    pub mta_connections_that_wait: usize,
    /// Connections of those who read pages.
    pub http_connections: usize,
    /// Look-ups.
    pub look_ups: usize,
}

impl ConcurrencyLimits {
    /// What so many descriptors are enough for. A look-up that finds none left cannot fetch a policy, and says so of the domain.
    #[must_use]
    pub fn within(descriptors: u64) -> Self {
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let files = DESCRIPTORS_FOR_FILES.min((descriptors / 8).max(DESCRIPTORS_LEAST));
        let left = descriptors.saturating_sub(files);
        // Connections have what all of them take, or half if there is less.
        let spare = Self::of_connections().min(left / 2);
        let http_connections = MAX_HTTP_CONNECTIONS.min(spare / 8).max(1);
        let look_ups = left.saturating_sub(spare) / DESCRIPTORS_PER_LOOK_UP;
        let mta_connections_that_wait =
            MAX_CONNECTIONS_THAT_WAIT.min(spare.saturating_sub(http_connections)).max(1);
        Self {
            mta_connections: MAX_CONNECTIONS.min(mta_connections_that_wait),
            mta_connections_that_wait,
            http_connections,
            look_ups: MAX_LOOK_UPS.min(look_ups).max(1),
        }
    }

    /// Whether these are so few that mail waits for its turn, on a machine that is as busy as it may be. Connections are many more.
    #[must_use]
    pub const fn hold_mail_up(self) -> bool {
        self.look_ups < LOOK_UPS_ENOUGH
    }

    /// The descriptors without which nobody can ask: those that the program is born with, one connection of each kind, and one
    /// question. A look-up that wants more than there are says so, and its mail waits.
    #[must_use]
    pub fn descriptors_least() -> u64 {
        u64::try_from(DESCRIPTORS_LEAST.saturating_add(3)).unwrap_or(u64::MAX)
    }

    /// The descriptors that are enough for all that the limits allow.
    #[must_use]
    pub fn descriptors_wanted() -> u64 {
        u64::try_from(Self::of_connections().saturating_add(RESERVED_DESCRIPTORS)).unwrap_or(u64::MAX)
    }

    /// The descriptors of all connections; sockets that listen, and one accepted connection of each that waits for a slot, come on top.
    const fn of_connections() -> usize {
        MAX_CONNECTIONS_THAT_WAIT.saturating_add(MAX_HTTP_CONNECTIONS).saturating_add(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_and_files_have_their_descriptors_whatever_there_are() {
        for (descriptors, [mta_connections, mta_connections_that_wait, http_connections, look_ups]) in [
            (u64::MAX, [512, 4_096, 64, 1_024]),
            (ConcurrencyLimits::descriptors_wanted(), [512, 4_096, 64, 1_024]),
            (1_024, [420, 420, 60, 12]),
            (512, [196, 196, 28, 5]),
            (64, [19, 19, 2, 1]),
            (24, [1, 1, 1, 1]),
            (0, [1, 1, 1, 1]),
        ] {
            let expected =
                ConcurrencyLimits { mta_connections, mta_connections_that_wait, http_connections, look_ups };
            assert_eq!(ConcurrencyLimits::within(descriptors), expected, "{descriptors}");
        }
        assert_eq!(ConcurrencyLimits::descriptors_least(), 24);
    }

    #[test]
    fn mail_waits_for_its_turn_where_fewer_than_a_hundred_look_ups_have_descriptors() {
        // 64 are for files, half of the others for connections, and 40 for each look-up: 100 of these are 4,000.
        for (descriptors, expected) in [(24, true), (8_062, true), (8_063, false), (20_000, false)] {
            assert_eq!(ConcurrencyLimits::within(descriptors).hold_mail_up(), expected, "{descriptors}");
        }
    }
}
