//! Hosts with which Exim tries no TLS because its own configuration says so (`hosts_avoid_tls`). Pure.
//!
//! Exim's events do not tell such a session from one in which the host refused STARTTLS. So with the end of a session Exim's files hand over
//! the list itself (Exim specification, chapter 10.12), and what it says of the host is decided here.

use crate::name::MxHost;
use std::net::IpAddr;

/// Whether the list may be what kept Exim from STARTTLS with this host. What only Exim can know (a named list, a lookup, a regular
/// expression, an expansion's result that is none of these) may be.
#[must_use]
pub fn may_be_avoided(list: &str, host: &MxHost, address: IpAddr) -> bool {
    let list = list.trim_start();
    let (separator, list) =
        match list.strip_prefix('<').and_then(|rest| rest.chars().next().map(|one| (one, rest))) {
            Some((one, rest)) if one.is_ascii_punctuation() => {
                (one, rest.get(one.len_utf8()..).unwrap_or_default())
            }
            _ => (':', list),
        };
    // A separator that is written twice stands for itself.
    let twice = [separator, separator].iter().collect::<String>();
    let list = list.replace(&twice, "\0");
    let items = list.split(separator).map(|item| item.trim().replace('\0', &separator.to_string()));
    let mut is_last_negated = false;
    for item in items.filter(|item| !item.is_empty()) {
        let (is_negated, item) = match item.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, item.as_str()),
        };
        is_last_negated = is_negated;
        match matches(item, host, address) {
            Some(true) => return !is_negated,
            Some(false) => {}
            None => return true,
        }
    }
    // A list that ends by what it leaves out has all the rest.
    is_last_negated
}

/// Whether an item is about this host; `None` if only Exim can tell.
fn matches(item: &str, host: &MxHost, address: IpAddr) -> Option<bool> {
    if item == "*" {
        return Some(true);
    }
    if let Ok(one) = item.parse::<IpAddr>() {
        return Some(one == address);
    }
    if let Some((network, length)) = item.split_once('/')
        && let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>())
    {
        return Some(is_within(address, network, length));
    }
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let (end, is_whole) = match item.strip_prefix('*') {
        Some(end) => (end, false),
        None => (item, true),
    };
    if !end.chars().all(is_of_name) {
        return None;
    }
    let (end, name) = (end.to_ascii_lowercase(), host.as_str().to_ascii_lowercase());
    Some(if is_whole { name == end } else { name.ends_with(&end) })
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let (one, other, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u128::from(one.to_bits()), u128::from(other.to_bits()), 32_u32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let rest = width.saturating_sub(length);
    one.checked_shr(rest).unwrap_or_default() == other.checked_shr(rest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(list: &str) -> bool {
        let host = MxHost::from_text("mx.example.org").unwrap();
        may_be_avoided(list, &host, "192.0.2.25".parse().unwrap())
    }

    /// The items of host lists, as chapter 10 of Exim's specification has them.
    #[test]
    fn a_list_says_which_hosts_are_avoided() {
        for (list, expected) in [
            ("", false),
            ("*", true),
            ("192.0.2.25", true),
            ("192.0.2.26", false),
            ("192.0.2.0/24", true),
            ("192.0.3.0/24", false),
            ("0.0.0.0/0", true),
            ("mx.example.org", true),
            ("MX.Example.ORG", true),
            ("*.example.org", true),
            ("*example.org : x", true),
            ("example.org", false),
            ("mx.example.net : 192.0.2.25", true),
            ("<; 2001:db8::/32 ; 192.0.2.25", true),
            ("<; 2001:db8::/32", false),
            ("<|mx.example.net|mx.example.org", true),
            ("2001::db8::::1 : mx.example.org", true),
            ("! mx.example.org : *", false),
            ("!192.0.2.26", true),
            ("!192.0.2.25", false),
            ("!mx.example.org : *.example.org", false),
        ] {
            assert_eq!(of(list), expected, "{list}");
        }
        // What only Exim knows may be so.
        for list in [
            "+relay_hosts",
            "lsearch;/etc/hosts.avoid",
            "net-lsearch;/etc/x",
            "^mx",
            "/etc/hosts.avoid",
            "@",
            "@[]",
            "mx.example.net : +x",
        ] {
            assert!(of(list), "{list}");
        }
        // But for what an earlier item has decided.
        assert!(!of("!mx.example.org : +relay_hosts"));
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(list in "(\\PC|<|;|:|!|/|[*]){0,40}") {
            let _ = of(&list);
        }
    }
}
