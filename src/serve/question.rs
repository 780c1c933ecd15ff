//! What is asked of the daemon. Pure.

use crate::name::{MxHost, PolicyDomain};
use crate::verify::NextHop;

/// One question: about a domain as a whole, or about one of its hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// Where it is to go; `None` for a router, and for Postfix.
    pub host: Option<MxHost>,
    /// How it gets there from the domain's name.
    pub next_hop: NextHop,
}

impl Question {
    /// A question about mail that goes by the domain's MX records, to their usual port.
    #[must_use]
    pub fn about(domain: PolicyDomain, host: Option<MxHost>) -> Self {
        Self { domain, host, next_hop: NextHop::default() }
    }
}
