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
mod tests {
    use crate::name::PolicyDomain;
    use crate::policy::smtp_sts::{Mechanism, Record};

    fn url(a: &str) -> Option<String> {
        let record = Record::parse(&format!("v=STS1; to=true; a={a}")).unwrap();
        let Some(Mechanism::WebPki(location)) = record.terms().mechanism.clone() else { panic!("{a}") };
        location.url(&PolicyDomain::parse("example.com").unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn without_a_location_it_is_the_well_known_place() {
        let default = Some("https://example.com/.well-known/smtp-sts/current".to_owned());
        assert_eq!(url("webpki"), default);
        assert_eq!(url("webpki:.well-known/smtp-sts/current"), default);
        // RFC 3986 section 5.2: an absolute path stays as it is.
        assert_eq!(url("webpki:/.well-known/smtp-sts/current"), default);
    }

    #[test]
    fn the_copy_may_only_be_on_the_policy_domain_and_over_https() {
        assert_eq!(url("webpki:https://example.com/p"), Some("https://example.com/p".into()));
        for elsewhere in [
            "https://evil.test/x",
            "http://example.com/x",
            "https://www.example.com/x",
            "https://example.com:444/x",
            "ftp:x",
        ] {
            assert_eq!(url(&format!("webpki:{elsewhere}")), None, "{elsewhere}");
        }
    }
}
