//! Which addresses a stranger may send us to: those of the public Internet.
//!
//! The publisher of a policy chooses the addresses of the policy host, and could choose a service inside our own
//! network. The ranges are those of the IANA special-purpose address registries (RFC 6890) and of the multicast and
//! reserved space. In IPv6 the rule is turned round: only 2000::/3 is global unicast (RFC 4291 section 2.4 and
//! the IANA registry), so all mapped, translated, local and unknown space is out without being listed for it.
//!
//! Documentation ranges are refused like the private ones: no server of the public Internet can be there, so an answer
//! that names one is a mistake or bait for a network that uses them inside.

use crate::limits::MAX_POLICY_HOST_ADDRESSES;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4: first address, length of the prefix, what it is set aside for.
const V4: [(Ipv4Addr, u32, &str); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network, RFC 791"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private, RFC 1918"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by carriers, RFC 6598"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback, RFC 1122"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local, RFC 3927"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private, RFC 1918"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments, RFC 6890"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "former 6to4 relays, RFC 7526"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private, RFC 1918"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking, RFC 2544"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast, RFC 1112"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved, RFC 1112"),
];

/// IPv6: what lies outside of global unicast and has a name, then what is set aside inside of it.
const V6: [(Ipv6Addr, u32, &str); 16] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified, RFC 4291"),
    (Ipv6Addr::LOCALHOST, 128, "loopback, RFC 4291"),
    (Ipv6Addr::UNSPECIFIED, 96, "IPv4-compatible, RFC 4291"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped, RFC 4291"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "IPv4 behind a translator, RFC 6052"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "IPv4 behind a local translator, RFC 8215"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard, RFC 6666"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local, RFC 4193"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local, RFC 4291"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local, RFC 3879"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast, RFC 4291"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "IPv4 in Teredo, RFC 4380"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments, RFC 2928"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation, RFC 3849"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "IPv4 in 6to4, RFC 7526"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation, RFC 9637"),
];

/// All of IPv6 that is for servers of the public Internet.
const V6_GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What an address is set aside for, if no public server can be there; `None` for a public one.
#[must_use]
pub fn set_aside_for(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => V4
            .iter()
            .find(|&&(first, prefix, _)| shares_prefix_v4(v4, first, prefix))
            .map(|&(_, _, purpose)| purpose),
        IpAddr::V6(v6) => V6
            .iter()
            .find(|&&(first, prefix, _)| shares_prefix_v6(v6, first, prefix))
            .map(|&(_, _, purpose)| purpose)
            .or_else(|| {
                let (first, prefix) = V6_GLOBAL_UNICAST;
                (!shares_prefix_v6(v6, first, prefix)).then_some("not global unicast, RFC 4291")
            }),
    }
}

/// The addresses of a policy host that may be connected to: each of them is looked at, and so many are tried as
/// [`MAX_POLICY_HOST_ADDRESSES`] says.
pub fn to_be_tried(found: &[IpAddr], allow_private: bool) -> impl Iterator<Item = IpAddr> {
    let may_be = move |ip: &IpAddr| allow_private || set_aside_for(*ip).is_none();
    found.iter().copied().filter(may_be).take(MAX_POLICY_HOST_ADDRESSES)
}

fn shares_prefix_v4(a: Ipv4Addr, b: Ipv4Addr, prefix: u32) -> bool {
    (a.to_bits() ^ b.to_bits()).leading_zeros() >= prefix
}

fn shares_prefix_v6(a: Ipv6Addr, b: Ipv6Addr, prefix: u32) -> bool {
    (a.to_bits() ^ b.to_bits()).leading_zeros() >= prefix
}

#[cfg(test)]
mod tests;
