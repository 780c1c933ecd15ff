//! Where the HTTPS copy of a record is (draft section 3.3).

use crate::name::PolicyDomain;
use crate::policy::url::PolicyUrl;

/// Where `a=webpki` without a location means (the program that this one grew from asked there).
const DEFAULT_PATH: &str = "/.well-known/smtp-sts/current";

/// Where the HTTPS copy is, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nothing was said: the well-known place.
    Default,
    /// A path on the policy domain.
    Path(String),
    /// A whole URI.
    Uri(String),
}

impl Location {
    /// The one URL at which the policy domain itself serves the copy; `None` if the record points elsewhere, or not
    /// to HTTPS: such a policy cannot be authenticated (draft section 3.3).
    #[must_use]
    pub fn url(&self, domain: &PolicyDomain) -> Option<PolicyUrl> {
        match self {
            Self::Default => PolicyUrl::new(domain.clone(), DEFAULT_PATH).ok(),
            Self::Path(path) if path.starts_with('/') => PolicyUrl::new(domain.clone(), path).ok(),
            Self::Path(path) => PolicyUrl::new(domain.clone(), &format!("/{path}")).ok(),
            Self::Uri(uri) => PolicyUrl::parse(uri).ok().filter(|url| url.host() == domain),
        }
    }
}

#[cfg(test)]
mod tests;
