//! What is asked of the daemon. Pure.

use crate::name::{MxHost, PolicyDomain};
use crate::verify::{NextHop, SMTP_PORT};

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
    /// What is asked, in words for the log: about all MX hosts, one of them, or a next hop that is none.
    #[must_use]
    pub fn asked(&self) -> String {
        match (self.next_hop, &self.host) {
            (NextHop::Host(port), _) => format!("[{}]:{port}, without MX records", self.domain),
            (NextHop::Exchangers(SMTP_PORT), None) => "all MX hosts".to_owned(),
            (NextHop::Exchangers(SMTP_PORT), Some(_)) => "this host".to_owned(),
            (NextHop::Exchangers(port), _) => format!("all MX hosts at port {port}"),
        }
    }

    /// A question about mail that goes by the domain's MX records, to their usual port.
    #[must_use]
    pub fn about(domain: PolicyDomain, host: Option<MxHost>) -> Self {
        Self { domain, host, next_hop: NextHop::default() }
    }
}
