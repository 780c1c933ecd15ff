//! Which MX hosts a policy permits (RFC 8461 section 4.1; draft section 3.1, `mx`).

use crate::name::MxHost;
use std::fmt;

/// A host name, or `*.` and a host name: the wildcard stands for exactly one label, the leftmost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MxPattern {
    wildcard: bool,
    /// Labels of `[a-z0-9-]`, in lower case.
    name: String,
}

impl MxPattern {
    /// Reads `mail.example.org` or `*.example.org`; `None` for everything else, a bare `*` and a wildcard further
    /// inside included.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::with_u_labels(text).filter(|pattern| pattern.to_string().eq_ignore_ascii_case(text))
    }

    /// The same, and U-labels become A-labels (RFC 8461 section 3.2 wants A-labels; people write what they read).
    #[must_use]
    pub fn with_u_labels(text: &str) -> Option<Self> {
        let (wildcard, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let host = MxHost::from_text(rest).ok().filter(|host| !rest.ends_with('.') && host.is_textbook())?;
        Some(Self { wildcard, name: host.as_str().to_owned() })
    }

    /// Whether it permits every host right below a top-level domain, as `*.com` does.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        self.wildcard && !self.name.contains('.')
    }

    /// Whether the pattern permits the host. A wildcard never stands for nothing, nor for two labels.
    #[must_use]
    pub fn permits(&self, host: &MxHost) -> bool {
        if !self.wildcard {
            return host.as_str() == self.name;
        }
        host.as_str().split_once('.').is_some_and(|(_, above)| above == self.name)
    }

    /// How many labels the host has where the wildcard stands for exactly one: zero for the name above it itself, `None`
    /// where there is no wildcard or the host is not below that name.
    #[must_use]
    pub fn labels_for_wildcard(&self, host: &MxHost) -> Option<usize> {
        let below = host.as_str().strip_suffix(&self.name).filter(|_| self.wildcard)?;
        match below.strip_suffix('.') {
            Some(labels) => Some(labels.split('.').count()),
            None => below.is_empty().then_some(0),
        }
    }

    /// The pattern as a part of a regular expression that holds neither a backslash nor a brace, so that it passes
    /// unharmed through Exim's string expansion.
    #[must_use]
    pub fn to_regex(&self) -> String {
        let name = self.name.replace('.', "[.]");
        if self.wildcard { format!("[^.]+[.]{name}") } else { name }
    }
}

impl fmt::Display for MxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wildcard {
            f.write_str("*.")?;
        }
        f.write_str(&self.name)
    }
}

impl From<&MxHost> for MxPattern {
    /// The pattern that permits this host and no other.
    fn from(host: &MxHost) -> Self {
        Self { wildcard: false, name: host.as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(pattern: &str, host: &str) -> bool {
        MxPattern::parse(pattern).unwrap().permits(&MxHost::from_text(host).unwrap())
    }

    #[test]
    fn a_name_permits_itself_in_any_case_and_nothing_else() {
        assert!(permits("mx.Example.com", "MX.example.COM."));
        for host in
            ["mx.example.comx", "mx.example.com.evil", "xmx.example.com", "example.com", "a.mx.example.com"]
        {
            assert!(!permits("mx.example.com", host), "{host}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_exactly_one_label() {
        for host in ["mx1.example.com", "mx2.example.com", "MX9.EXAMPLE.COM", "x_1.example.com"] {
            assert!(permits("*.example.com", host), "{host}");
        }
        for host in
            ["example.com", "a.b.example.com", "mx1.example.net", "mx.example.com.evil", "mxexample.com"]
        {
            assert!(!permits("*.example.com", host), "{host}");
        }
    }

    #[test]
    fn the_labels_where_the_wildcard_stands_are_counted() {
        let labels = |pattern: &str, host: &str| {
            MxPattern::parse(pattern).unwrap().labels_for_wildcard(&MxHost::from_text(host).unwrap())
        };
        for (host, expected) in [
            ("mx.microsoft", Some(0)),
            ("a.mx.microsoft", Some(1)),
            ("contoso-com.a-v1.mx.microsoft", Some(2)),
            ("amx.microsoft", None),
            ("mx.example.com", None),
        ] {
            assert_eq!(labels("*.mx.microsoft", host), expected, "{host}");
        }
        assert_eq!(labels("mx.microsoft", "a.mx.microsoft"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            ".",
            ".example.com",
            "*.*.example.com",
            "mx.*.example.com",
            "as*.example.com",
            "a b.com",
            "mx.example.com.",
            "_.example.com",
            "a_b.example.com",
            "bücher.example",
            "192.0.2.1",
            "-a.com",
            "a..b",
            "$a.com",
            "a{b}.com",
            "a\\.com",
            "a.com\"",
        ] {
            assert!(MxPattern::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn patterns_become_regular_expressions_that_exim_can_carry() {
        assert_eq!(MxPattern::parse("*.a-b.example.com").unwrap().to_regex(), "[^.]+[.]a-b[.]example[.]com");
        assert_eq!(MxPattern::parse("mx.example.com").unwrap().to_regex(), "mx[.]example[.]com");
    }
}
