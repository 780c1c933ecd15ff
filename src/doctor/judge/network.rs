//! The ways out of this machine.

use super::{fine, warning, wrong};
use crate::doctor::observations::Outside;
use crate::doctor::{Check, Finding};
use std::net::IpAddr;

/// Judges the ways to IPv4 and IPv6. A machine without IPv6 is fine; one that believes to have it and has not is not.
#[must_use]
pub fn judge(outside: &Outside) -> Vec<Finding> {
    let (four, six) = (Check::NetworkIpv4, Check::NetworkIpv6);
    let v4 = match (&outside.ipv4, &outside.ipv6) {
        (Ok(from), _) => fine(four, format!("there is one, from {from}")),
        (Err(why), Ok(_)) => warning(four, format!("none: {why}")),
        (Err(why), Err(_)) => wrong(four, format!("none, nor to IPv6: {why}")),
    };
    let v6 = match &outside.ipv6 {
        Ok(from) if is_global(*from) => fine(six, format!("there is one, from {from}")),
        Ok(from) => warning(six, format!("there is one, from {from}, to which nobody out there can reply")),
        Err(_) => fine(six, "none: hosts are reached over IPv4 alone"),
    };
    vec![v4, v6]
}

/// In 2000::/3, where all public addresses are so far (RFC 4291 section 2.4, IANA's registry).
fn is_global(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.segments().first().is_some_and(|first| first >> 13 == 1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::resolvers::tests::good;
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::observations::{AnchorSource, Authorities, ResolvConf, Root};

    /// A machine with which all is well.
    pub(crate) fn outside() -> Outside {
        Outside {
            now: 1_790_000_000,
            servers: Ok(vec![good()]),
            theirs: Some(vec![]),
            resolv_conf: Ok(ResolvConf {
                servers: vec!["127.0.0.1:53".parse().unwrap()],
                options: vec!["trust-ad".into(), "edns0".into()],
                private_search: vec![],
            }),
            root: Ok(Root {
                ours: vec![20326, 38696],
                revoked: vec![],
                unknown: vec![],
                signed: vec![(1_789_000_000, 1_791_000_000)],
            }),
            anchors: AnchorSource::BuiltIn,
            https_date: Ok((1_790_000_000, 1_790_000_000)),
            authorities: Ok(Authorities {
                file: "/etc/ssl/certs/ca-certificates.crt".into(),
                count: 140,
                age: Some(8_640_000),
                reader: "Debian-exim".into(),
            }),
            ipv4: Ok("192.0.2.25".parse().unwrap()),
            ipv6: Ok("2001:db8::25".parse().unwrap()),
            fleet: Some(super::super::fleet::tests::good()),
        }
    }

    fn healths(v4: Result<&str, &str>, v6: Result<&str, &str>) -> Vec<Health> {
        let parsed = |way: Result<&str, &str>| way.map(|ip| ip.parse().unwrap()).map_err(str::to_owned);
        let outside = Outside { ipv4: parsed(v4), ipv6: parsed(v6), ..outside() };
        judge(&outside).iter().map(|finding| finding.health).collect()
    }

    #[test]
    fn no_ipv6_is_fine_and_a_dead_end_is_not() {
        let (none, v4) = (Err("Network is unreachable"), Ok("192.0.2.25"));
        assert_eq!(healths(v4, Ok("2001:db8::25")), [Health::Fine, Health::Fine]);
        assert_eq!(healths(v4, none), [Health::Fine, Health::Fine]);
        assert_eq!(healths(v4, Ok("fd00::25")), [Health::Fine, Health::Warning]);
        assert_eq!(healths(none, Ok("2001:db8::25")), [Health::Warning, Health::Fine]);
        assert_eq!(healths(none, none), [Health::Wrong, Health::Fine]);
    }
}
