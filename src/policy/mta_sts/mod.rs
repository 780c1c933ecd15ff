//! MTA-STS (RFC 8461): a TXT record that tells of a policy, and the policy, a file on a web server of the domain.

mod body;
mod pattern;
mod record;

pub use body::Body;
pub use pattern::pattern;
pub use record::{LABEL, Published, Record, published};

use crate::name::PolicyDomain;
use crate::policy::lint::{Code, Finding, Malformed};
use crate::policy::url::PolicyUrl;
use std::fmt;

/// The label of the policy host (RFC 8461 section 3.3).
const POLICY_HOST: &str = "mta-sts";

/// The path of the policy (RFC 8461 section 3.2).
const POLICY_PATH: &str = "/.well-known/mta-sts.txt";

/// A policy as it was fetched, and the record that announced it.
///
/// It prints as it is stored: the text of the record, a line feed, the body in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The TXT record; its id tells whether there is something new.
    pub record: Record,
    /// What the policy says.
    pub body: Body,
}

impl Policy {
    /// Reads a stored policy.
    ///
    /// # Errors
    /// [`Malformed`] with the first thing that is wrong in the record or in the body.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let Some((record, body)) = text.split_once('\n') else {
            let end = text.len();
            return Err(Malformed(Finding::new(Code::MtaStsPolicyNoVersion, text.as_bytes(), end..end)));
        };
        Ok(Self { record: Record::parse(record)?, body: Body::stored(body)? })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.record, self.body)
    }
}

/// Where the policy of a domain is; `None` if the domain's name is too long to have a policy host.
#[must_use]
pub fn policy_url(domain: &PolicyDomain) -> Option<PolicyUrl> {
    let host = PolicyDomain::parse(&format!("{POLICY_HOST}.{domain}")).ok()?;
    PolicyUrl::new(host, POLICY_PATH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_policy_is_read_as_it_was_written() {
        let text = "v=STSv1; id=1;\nversion: STSv1\nmode: testing\nmx: *.example.com\nmax_age: 86400\n";
        let policy = Policy::parse(text).unwrap();
        assert_eq!(policy.record.id(), "1");
        assert_eq!(policy.body.mx.len(), 1);
        assert_eq!(policy.to_string(), text);
    }

    #[test]
    fn half_a_policy_is_none() {
        for text in ["", "v=STSv1; id=1", "v=STSv1; id=1\n", "\nversion: STSv1\nmode: none\nmax_age: 1\n"] {
            assert!(Policy::parse(text).is_err(), "{text:?}");
        }
    }

    /// A-labels are longer than U-labels, so what is stored may be longer than what may be fetched.
    #[test]
    fn whatever_could_be_fetched_can_be_stored() {
        let mut body = "version: STSv1\nmode: enforce\nmax_age: 86400\n".to_owned();
        for number in 0..5_000 {
            body.push_str(&format!("mx:ü{number}.a\n"));
        }
        let body = Body::parse(body.as_bytes()).unwrap();
        let policy = Policy { record: Record::parse("v=STSv1; id=1").unwrap(), body };
        assert!(policy.to_string().len() > crate::limits::MAX_BODY_OCTETS);
        assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
    }

    #[test]
    fn the_policy_is_at_the_one_place_of_the_rfc() {
        let url = |domain: &str| policy_url(&PolicyDomain::parse(domain).unwrap()).map(|url| url.to_string());
        assert_eq!(url("example.com").unwrap(), "https://mta-sts.example.com/.well-known/mta-sts.txt");
        let long = format!("{}example", "a.".repeat(123));
        assert_eq!(url(&long), None);
    }
}
