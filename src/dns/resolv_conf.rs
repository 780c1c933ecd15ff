//! The name servers of this machine, from `/etc/resolv.conf`.
//!
//! Only `nameserver` lines count (resolv.conf(5)): a search list would turn one name into another, and what `options`
//! says we decide ourselves. It refuses a file that names servers of which none can be read, instead of asking one
//! that the administrator did not choose.

use crate::files;
use crate::limits::{MAX_RESOLV_CONF_OCTETS, MAX_UPSTREAMS};
use crate::text::excerpt;
use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;

/// Where it lies.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The port of DNS (RFC 1035 section 4.2).
pub const DNS_PORT: u16 = 53;

/// Why the file names no server.
#[derive(Debug)]
pub enum NoNameServer {
    /// The file is there and cannot be read.
    Unreadable(io::Error),
    /// Every `nameserver` line is wrong; the first of them.
    Malformed(String),
}

impl fmt::Display for NoNameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "{RESOLV_CONF} cannot be read: {error}"),
            Self::Malformed(line) => write!(f, "{RESOLV_CONF}: no address of a name server in '{line}'"),
        }
    }
}

impl std::error::Error for NoNameServer {}

/// The name servers of `path`; without file or `nameserver` line the one on this machine (resolv.conf(5)).
///
/// # Errors
/// [`NoNameServer`] if the file cannot be read, or names servers and none of them by an address.
pub fn read(path: &Path) -> Result<Vec<SocketAddr>, NoNameServer> {
    parse(&text(path)?, interface_index)
}

/// The text of `path`, for those who want to know more of it than the name servers; empty without a file, as the C
/// library takes it.
///
/// # Errors
/// [`NoNameServer::Unreadable`].
pub fn text(path: &Path) -> Result<String, NoNameServer> {
    match files::read(path, u64::try_from(MAX_RESOLV_CONF_OCTETS).unwrap_or(u64::MAX)) {
        Ok(Some(octets)) => Ok(String::from_utf8_lossy(&octets).into_owned()),
        Ok(None) => {
            let why = format!("it has more than {MAX_RESOLV_CONF_OCTETS} octets");
            Err(NoNameServer::Unreadable(io::Error::other(why)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(NoNameServer::Unreadable(error)),
    }
}

/// The domains that are searched: those of the last `search` or `domain` line (resolv.conf(5)).
#[must_use]
pub fn search(text: &str) -> Vec<&str> {
    let comment = |word: &&str| word.starts_with(['#', ';']);
    text.lines()
        .map(str::split_whitespace)
        .filter_map(|mut words| matches!(words.next(), Some("search" | "domain")).then_some(words))
        .map(|words| words.take_while(move |word| !comment(word)).collect())
        .next_back()
        .unwrap_or_default()
}

/// The words of all `options` lines, in their order (resolv.conf(5)).
#[must_use]
pub fn options(text: &str) -> Vec<&str> {
    let comment = |word: &&str| word.starts_with(['#', ';']);
    text.lines()
        .map(str::split_whitespace)
        .filter_map(|mut words| (words.next() == Some("options")).then_some(words))
        .flat_map(|words| words.take_while(move |word| !comment(word)))
        .collect()
}

/// The servers that the text names, at most [`MAX_UPSTREAMS`]; `index_of` knows the network interfaces.
///
/// # Errors
/// [`NoNameServer`] if it names servers and none of them by an address.
pub fn parse(text: &str, index_of: impl Fn(&str) -> Option<u32>) -> Result<Vec<SocketAddr>, NoNameServer> {
    let mut servers = Vec::new();
    let mut malformed = None;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        match words.next().and_then(|word| address(word, &index_of)) {
            Some(server) if !servers.contains(&server) => servers.push(server),
            Some(_) => {}
            None => malformed = malformed.or_else(|| Some(excerpt(line, 60))),
        }
    }
    servers.truncate(MAX_UPSTREAMS);
    match malformed {
        Some(line) if servers.is_empty() => Err(NoNameServer::Malformed(line)),
        _ if servers.is_empty() => Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DNS_PORT))]),
        _ => Ok(servers),
    }
}

/// An address, with the interface of a link-local one behind a `%` (RFC 4007 section 11).
fn address(word: &str, index_of: impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
    match word.split_once('%') {
        None => word.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DNS_PORT)),
        Some((ip, zone)) => {
            let scope = zone.parse().ok().or_else(|| index_of(zone))?;
            Some(SocketAddr::V6(SocketAddrV6::new(ip.parse::<Ipv6Addr>().ok()?, DNS_PORT, 0, scope)))
        }
    }
}

/// The number of a network interface, from where Linux shows it.
fn interface_index(name: &str) -> Option<u32> {
    let path = Path::new("/sys/class/net").join(name).join("ifindex");
    let is_there = !name.contains('/');
    is_there.then(|| fs::read_to_string(path).ok()?.trim().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Vec<String> {
        let eth0_is_two = |name: &str| (name == "eth0").then_some(2);
        parse(text, eth0_is_two).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nameserver_lines_count_and_nothing_else() {
        let text = "# nameserver 192.0.2.9\n; x\nsearch evil.test\ndomain evil.test\noptions ndots:9\n\
                    nameserver 192.0.2.1\n  nameserver\t2001:db8::1  # first\nnameserver 192.0.2.1\n\
                    nameserver fe80::1%eth0\nnameserver 192.0.2.3\n";
        assert_eq!(servers(text), ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(servers("nameserver fe80::1%7"), ["[fe80::1%7]:53"]);
    }

    #[test]
    fn options_are_words_on_lines_of_their_own() {
        let text =
            "nameserver 192.0.2.1\n  options edns0\ttrust-ad # timeout:1\n#options rotate\noptions ndots:2\n";
        assert_eq!(options(text), ["edns0", "trust-ad", "ndots:2"]);
        assert_eq!(options("optionstrust-ad\nsearch options"), Vec::<&str>::new());
    }

    #[test]
    fn the_last_line_of_domains_that_are_searched_counts() {
        let text = "search a.test b.test # c.test\ndomain d.test\nsearch\te.test  f.test ; g.test\nnameserver h.test\n";
        assert_eq!(search(text), ["e.test", "f.test"]);
        assert_eq!(search("search a.test\ndomain d.test\n#search b.test"), ["d.test"]);
        assert_eq!(search("options a\nsearching b.test"), Vec::<&str>::new());
    }

    #[test]
    fn an_interface_is_known_by_its_name_alone() {
        // Some places in which packages are built have no /sys.
        let index = fs::read_to_string("/sys/class/net/lo/ifindex").ok();
        assert_eq!(interface_index("lo"), index.map(|index| index.trim().parse().unwrap()));
        for name in ["", ".", "..", "../net/lo", "lo/../lo", "/sys/class/net/lo", "lo\0", "no-such-interface"]
        {
            assert_eq!(interface_index(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_none() {
        let directory = tempfile::tempdir().unwrap();
        let error = read(directory.path()).unwrap_err();
        assert!(matches!(error, NoNameServer::Unreadable(_)), "{error:?}");
        assert!(error.to_string().starts_with("/etc/resolv.conf cannot be read: "), "{error}");
        let error = parse("nameserver localhost", |_| None).unwrap_err().to_string();
        assert_eq!(error, "/etc/resolv.conf: no address of a name server in 'nameserver localhost'");
    }

    #[test]
    fn without_a_line_the_server_of_this_machine_is_asked() {
        assert_eq!(servers(""), ["127.0.0.1:53"]);
        assert_eq!(servers("search example.org\n"), ["127.0.0.1:53"]);
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(read(&nowhere.path().join("absent")).unwrap().len(), 1);
    }

    #[test]
    fn lines_that_cannot_be_read_never_lead_to_a_server_that_nobody_chose() {
        for text in
            ["nameserver", "nameserver localhost", "nameserver fe80::1%eth9", "nameserver 192.0.2.1%eth0"]
        {
            assert!(matches!(parse(text, |_| None), Err(NoNameServer::Malformed(_))), "{text}");
        }
        assert_eq!(servers("nameserver x\nnameserver 192.0.2.1"), ["192.0.2.1:53"]);
    }
}
