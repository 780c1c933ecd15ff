//! What there is to say about the ways out.

use super::CheckExplanation;
use crate::doctor::{Health, Topic};

pub(super) const IPV4: CheckExplanation = CheckExplanation {
    word: "network.ipv4",
    topic: Topic::Network,
    worst: Health::Wrong,
    about: "there is a way to IPv4",
    meaning: "Hosts that have IPv4 addresses alone cannot be reached, nor can their policies.",
    fix: "Look at the default route (`ip -4 route`).",
};

pub(super) const IPV6: CheckExplanation = CheckExplanation {
    word: "network.ipv6",
    topic: Topic::Network,
    worst: Health::Warning,
    about: "the way to IPv6, if there is one, leads out",
    meaning: "A way to IPv6 that ends nowhere makes each delivery to such a host wait.",
    fix: "Mend the default route (`ip -6 route`) or take it away.",
};
