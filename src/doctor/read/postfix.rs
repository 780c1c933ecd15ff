//! What Postfix says about itself: `postconf -x NAME...` and `postconf -M SERVICE/TYPE` (postconf(1)).

/// A table of `smtp_tls_policy_maps` that a socketmap server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socketmap {
    /// As Postfix writes it, `socketmap:...`.
    pub text: String,
    /// Where the server is asked: `inet:HOST:PORT` or `unix:PATH`.
    pub place: String,
    /// The name of the map.
    pub map: String,
    /// Whether proxymap(8) asks for smtp(8), outside of its chroot.
    pub is_proxied: bool,
}

impl Socketmap {
    /// The UNIX socket at which smtp(8) itself asks, if it is one.
    #[must_use]
    pub fn own_socket(&self) -> Option<&str> {
        self.place.strip_prefix("unix:").filter(|_| !self.is_proxied)
    }
}

/// Reads `NAME = VALUE` lines.
#[must_use]
pub fn settings(text: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim();
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_name.then(|| (name.to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(of_line).collect()
}

/// The socketmaps of a list of tables, which commas and blanks divide.
#[must_use]
pub fn socketmaps(list: &str) -> Vec<Socketmap> {
    let tables = list.split([',', ' ', '\t']).filter(|table| !table.is_empty());
    let of_table = |table: &str| {
        let direct = table.strip_prefix("proxy:");
        let is_proxied = direct.is_some();
        let (place, map) = direct.unwrap_or(table).strip_prefix("socketmap:")?.rsplit_once(':')?;
        Some(Socketmap { text: table.to_owned(), place: place.to_owned(), map: map.to_owned(), is_proxied })
    };
    tables.filter_map(of_table).collect()
}

/// Whether a service runs in a chroot: the fifth column of `master.cf`, where `-` is the default, `n` since Postfix 3.0.
#[must_use]
pub fn is_chrooted(entry: &str) -> Option<bool> {
    entry.split_whitespace().nth(4).map(|word| word == "y")
}

/// The first two numbers of a version such as `3.7.11` or `3.11-20260101`.
#[must_use]
pub fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postfix_prints_is_read() {
        let text =
            "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\nsmtp_tls_policy_maps = \n: nonsense\n";
        let expected =
            [("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"), ("smtp_tls_policy_maps", "")];
        assert_eq!(settings(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let maps = socketmaps("hash:/etc/postfix/tls_policy, socketmap:inet:127.0.0.1:8461:policy");
        assert_eq!(maps.len(), 1);
        assert_eq!((maps[0].place.as_str(), maps[0].map.as_str()), ("inet:127.0.0.1:8461", "policy"));
        assert_eq!(socketmaps(""), []);
        let socket = "socketmap:unix:/run/smtp-sts-verify/postfix.sock:policy";
        let proxied = format!("{socket} proxy:{socket}");
        let sockets: Vec<_> =
            socketmaps(&proxied).into_iter().map(|map| map.own_socket().map(str::to_owned)).collect();
        assert_eq!(sockets, [Some("/run/smtp-sts-verify/postfix.sock".to_owned()), None]);
        assert_eq!(is_chrooted("smtp       unix  -       -       y       -       -       smtp"), Some(true));
        assert_eq!(is_chrooted("smtp unix - - n - - smtp"), Some(false));
        assert_eq!(is_chrooted("x"), None);
        assert_eq!(
            [version("3.7.11\n"), version("3.11-20260101"), version("x")],
            [Some((3, 7)), Some((3, 11)), None]
        );
    }
}
