//! What is asked of the daemon. Pure.

use crate::name::{MxHost, PolicyDomain};

/// One question: about a domain as a whole, or about one of its hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// Where it is to go; `None` for a router, and for Postfix.
    pub host: Option<MxHost>,
}
