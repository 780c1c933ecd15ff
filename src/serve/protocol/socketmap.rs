//! Postfix's socketmap (`socketmap_table(5)`): a netstring `MAP KEY` is asked, a netstring `STATUS DATA` answered. Pure.
//!
//! What Postfix asks `smtp_tls_policy_maps` for is the next hop of the mail, and what becomes of it here is:
//!
//! | key                       | meaning                                                                                  |
//! |---------------------------|------------------------------------------------------------------------------------------|
//! | `example.org`             | the policy domain (RFC 8461 section 1.1); U-labels and a final dot are taken, too        |
//! | `[mx.example.org]`, `[…]:587` | a host without MX look-up: its own TLSA records at that port count (RFC 7672 section 2.2.2), no policy |
//! | `example.org:587`         | the policy domain, too; the TLSA records of its MX hosts at that port                    |
//! | `[…]:service`, `example.org:service` | the same at the service's port on this machine, as services(5) has it; at one that is not found, to which Postfix cannot deliver either: `NOTFOUND`, or what an override demands |
//! | `.org`                    | Postfix's search for a parent: `NOTFOUND`, policies do not hold for subdomains (section 3.4) |
//! | `[192.0.2.1]`, `[IPv6:…]` | an address: `NOTFOUND`, it has no policy domain (section 3.4)                            |
//! | `a..b`, labels of 64      | `NOTFOUND`: the DNS cannot carry it, so it has no policy; Postfix judges the name itself |
//! | anything else             | `PERM`: nobody can say that mail for it needs no TLS                                     |

use super::question::Question;
use super::services::Services;
use super::{Frame, netstring};
use crate::name::{Destination, PolicyDomain};
use crate::overrides::Effect;
use crate::verdict::Requirement;
use crate::verify::asked::{Port, port};
use crate::verify::{NextHop, SMTP_PORT};
use crate::words::words;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketmapRequest {
    /// For the TLS policy of a next hop.
    Policy(Map, Question),
    /// For that at the port of a service, which this machine has to know.
    AtService(Map, AtService),
    /// For something of which the answer is known without asking anybody.
    Reply(&'static str),
}

words! {
    /// The maps that there are.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Map {
        /// `policy`: a TLS policy, for every Postfix that knows socketmaps (2.10 and later).
        Policy = "policy",
        /// `policy-tlsrpt`: the same with what TLS reports need, for Postfix 3.10 and later; an older one takes such a
        /// policy for an error.
        PolicyTlsrpt = "policy-tlsrpt",
    }
}

/// There is nothing under this key; the blank is part of the protocol.
pub const NOT_FOUND: &str = "NOTFOUND ";

const NO_REQUEST: &str = "PERM a request is MAP KEY, in UTF-8";
const NO_MAP: &str = "PERM there are two maps: policy and policy-tlsrpt";
/// What an override that requires DANE demands, at whatever port.
const DANE_ONLY: &str = "OK dane-only";

const NO_DOMAIN: &str = "PERM the key is neither a mail domain nor an address";

/// The first request in a buffer.
#[must_use]
pub fn read(octets: &[u8]) -> Frame<SocketmapRequest> {
    match netstring::read(octets) {
        Frame::More => Frame::More,
        Frame::Whole(content, taken) => {
            Frame::Whole(request(content).unwrap_or_else(SocketmapRequest::Reply), taken)
        }
        Frame::Broken(words) => Frame::Broken(words),
    }
}

/// Appends a reply.
pub fn write(reply: &str, out: &mut Vec<u8>) {
    netstring::write(reply, out);
}

fn request(content: &[u8]) -> Result<SocketmapRequest, &'static str> {
    let text = std::str::from_utf8(content).map_err(|_| NO_REQUEST)?;
    let blank = content.iter().position(|octet| *octet == b' ').ok_or(NO_REQUEST)?;
    let (name, key) = text.split_at_checked(blank).ok_or(NO_REQUEST)?;
    let key = key.get(1..).unwrap_or_default();
    let map = Map::ALL.into_iter().find(|map| map.word() == name).ok_or(NO_MAP)?;
    let domain = next_hop(key).ok_or(NO_DOMAIN)?;
    Ok(match domain {
        Hop::To(domain, next_hop) => SocketmapRequest::Policy(map, Question { domain, host: None, next_hop }),
        Hop::AtService(named) => SocketmapRequest::AtService(map, named),
        Hop::WithoutPolicy => SocketmapRequest::Reply(NOT_FOUND),
    })
}

/// A next hop at the port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtService {
    /// The domain or host.
    domain: PolicyDomain,
    /// Whether it is the host itself.
    is_host: bool,
    /// The service's name.
    service: String,
}

impl AtService {
    /// The domain or host.
    #[must_use]
    pub const fn domain(&self) -> &PolicyDomain {
        &self.domain
    }

    /// The question at the service's port; `override_` is what the administrator says about the name now.
    ///
    /// # Errors
    /// The reply where no service has this name, so that Postfix cannot deliver: nothing is asked, for nobody knows at which port
    /// TLSA records would count. Only an override has a say: one that requires DANE demands it at any port; for the others the
    /// port does not matter.
    pub fn question(self, services: &Services, override_: Option<Effect>) -> Result<Question, &'static str> {
        let Self { domain, is_host, service } = self;
        let port = match (services.port(&service), override_) {
            (Some(port), _) => port,
            (None, None) => return Err(NOT_FOUND),
            (None, Some(Effect::Require(Requirement::Dane))) => return Err(DANE_ONLY),
            (None, Some(Effect::Ignore | Effect::Require(Requirement::None | Requirement::WebPki))) => {
                SMTP_PORT
            }
        };
        let next_hop = if is_host { NextHop::Host(port) } else { NextHop::Exchangers(port) };
        Ok(Question { domain, host: None, next_hop })
    }
}

/// Where mail is to go, as Postfix names it.
enum Hop {
    /// To a domain, which may have a policy, or to a host.
    To(PolicyDomain, NextHop),
    /// The same, at the port of a service.
    AtService(AtService),
    /// To an address or to what the DNS cannot carry; or it is no next hop, but the parent domain of one.
    WithoutPolicy,
}

fn next_hop(key: &str) -> Option<Hop> {
    if let Some(parent) = key.strip_prefix('.') {
        return name(parent).map(|_| Hop::WithoutPolicy);
    }
    if let Some((host, behind)) = key.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = if behind.is_empty() { Port::Known(SMTP_PORT) } else { port(behind.strip_prefix(':')?)? };
        let host = name(&format!("[{host}]")).or_else(|| name(host))?;
        return Some(host.map_or(Hop::WithoutPolicy, |host| Hop::to(host, true, port)));
    }
    let (domain, port) = match name(key) {
        Some(domain) => (domain, Port::Known(SMTP_PORT)),
        None => {
            let (domain, behind) = key.rsplit_once(':')?;
            (name(domain)?, port(behind)?)
        }
    };
    // The domain's policies count at whatever port; the TLSA records of MX hosts are looked for at theirs.
    Some(domain.map_or(Hop::WithoutPolicy, |domain| Hop::to(domain, false, port)))
}

impl Hop {
    fn to(domain: PolicyDomain, is_host: bool, port: Port) -> Self {
        match port {
            Port::Known(port) if is_host => Self::To(domain, NextHop::Host(port)),
            Port::Known(port) => Self::To(domain, NextHop::Exchangers(port)),
            Port::OfService(service) => Self::AtService(AtService { domain, is_host, service }),
        }
    }
}

/// A name; `Some(None)` for an address and for what the DNS cannot carry, `None` for what is neither.
fn name(text: &str) -> Option<Option<PolicyDomain>> {
    match Destination::from_text(text) {
        Ok(Destination::Domain(domain)) => Some(Some(domain)),
        Ok(Destination::AddressLiteral | Destination::Unpublishable(_)) => Some(None),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
