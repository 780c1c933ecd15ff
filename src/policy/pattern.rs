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
mod tests;
