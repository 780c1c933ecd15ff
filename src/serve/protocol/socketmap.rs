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

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// For the TLS policy of a next hop.
    Policy(Map, Question),
    /// For that at the port of a service, which this machine has to know.
    AtService(Map, AtService),
    /// For something of which the answer is known without asking anybody.
    Reply(&'static str),
}

/// The maps that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// `policy`: a TLS policy, for every Postfix that knows socketmaps (2.10 and later).
    Policy,
    /// `policy-tlsrpt`: the same with what TLS reports need, for Postfix 3.10 and later; an older one takes such a
    /// policy for an error.
    PolicyTlsrpt,
}

impl Map {
    /// Every map.
    pub const ALL: [Self; 2] = [Self::Policy, Self::PolicyTlsrpt];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::PolicyTlsrpt => "policy-tlsrpt",
        }
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
pub fn read(octets: &[u8]) -> Frame<Request> {
    match netstring::read(octets) {
        Frame::More => Frame::More,
        Frame::Whole(content, taken) => Frame::Whole(request(content).unwrap_or_else(Request::Reply), taken),
        Frame::Broken(words) => Frame::Broken(words),
    }
}

/// Appends a reply.
pub fn write(reply: &str, out: &mut Vec<u8>) {
    netstring::write(reply, out);
}

fn request(content: &[u8]) -> Result<Request, &'static str> {
    let text = std::str::from_utf8(content).map_err(|_| NO_REQUEST)?;
    let blank = content.iter().position(|octet| *octet == b' ').ok_or(NO_REQUEST)?;
    let (name, key) = text.split_at_checked(blank).ok_or(NO_REQUEST)?;
    let key = key.get(1..).unwrap_or_default();
    let map = Map::ALL.into_iter().find(|map| map.word() == name).ok_or(NO_MAP)?;
    let domain = next_hop(key).ok_or(NO_DOMAIN)?;
    Ok(match domain {
        Hop::To(domain, next_hop) => Request::Policy(map, Question { domain, host: None, next_hop }),
        Hop::AtService(named) => Request::AtService(map, named),
        Hop::WithoutPolicy => Request::Reply(NOT_FOUND),
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a request comes to: the map and the domain that is asked for, or the reply.
    fn heard(content: &str) -> String {
        heard_where(content, None)
    }

    /// The same on a machine with one service of its own, where an override is about each name.
    fn heard_where(content: &str, override_: Option<Effect>) -> String {
        let services = Services::parse("our-port 2525/tcp our_port\n");
        let mut octets = Vec::new();
        write(content, &mut octets);
        let Frame::Whole(request, taken) = read(&octets) else { panic!("{content}: {:?}", read(&octets)) };
        assert_eq!(taken, octets.len(), "{content}");
        let (map, asked) = match request {
            Request::Policy(map, question) => (map, Ok(question)),
            Request::AtService(map, named) => (map, named.question(&services, override_)),
            Request::Reply(reply) => return reply.to_owned(),
        };
        match asked {
            Err(reply) => reply.to_owned(),
            Ok(Question { domain, next_hop, host }) => {
                assert_eq!(host, None);
                match next_hop {
                    NextHop::Exchangers(SMTP_PORT) => format!("{} {domain}", map.word()),
                    NextHop::Exchangers(port) => format!("{} {domain} by MX at {port}", map.word()),
                    NextHop::Host(port) => format!("{} {domain} itself at {port}", map.word()),
                }
            }
        }
    }

    #[test]
    fn a_next_hop_is_asked_for_by_the_name_of_its_policy_domain() {
        for key in [
            "example.org",
            "Example.ORG",
            "example.org.",
            "example.org:25",
            "example.org:smtp",
            "example.org:",
        ] {
            assert_eq!(heard(&format!("policy {key}")), "policy example.org", "{key}");
        }
        for (key, expected) in [
            ("example.org.:submission", "policy example.org by MX at 587"),
            ("example.org:2525", "policy example.org by MX at 2525"),
            ("example.org:our-port", "policy example.org by MX at 2525"),
            ("example.org:lmtp", NOT_FOUND),
            ("[example.org]", "policy example.org itself at 25"),
            ("[example.org]:", "policy example.org itself at 25"),
            ("[example.org.]:25", "policy example.org itself at 25"),
            ("[Example.ORG]:587", "policy example.org itself at 587"),
            ("[example.org]:submission", "policy example.org itself at 587"),
            ("[example.org]:smtps", "policy example.org itself at 465"),
            ("[foo_bar.example]", "policy foo_bar.example itself at 25"),
            ("[localhost]:10025", "policy localhost itself at 10025"),
            ("[example.org]:our-port", "policy example.org itself at 2525"),
            ("[example.org]:our_port", "policy example.org itself at 2525"),
            ("[example.org]:Our-Port", NOT_FOUND),
            ("[192.0.2.1]:our-port", NOT_FOUND),
            ("a..b:our-port", NOT_FOUND),
        ] {
            assert_eq!(heard(&format!("policy {key}")), expected, "{key}");
        }
        assert_eq!(heard("policy-tlsrpt [example.org]:25"), "policy-tlsrpt example.org itself at 25");
        assert_eq!(heard("policy bücher.test"), "policy xn--bcher-kva.test");
        for name in ["foo_bar.example", "_x.test", "xn--a.example", "xn----5da7e.example", "bad-.example"] {
            assert_eq!(heard(&format!("policy {name}")), format!("policy {name}"));
        }
        assert_eq!(heard("policy [bücher.test]:25"), "policy xn--bcher-kva.test itself at 25");
    }

    #[test]
    fn at_a_service_that_is_nowhere_only_an_override_has_a_say() {
        let require = |what| Some(Effect::Require(what));
        for (key, override_, expected) in [
            ("[example.org]:nowhere", None, NOT_FOUND),
            ("example.org:nowhere", None, NOT_FOUND),
            ("[example.org]:nowhere", require(Requirement::Dane), "OK dane-only"),
            ("example.org:nowhere", require(Requirement::Dane), "OK dane-only"),
            ("[example.org]:nowhere", require(Requirement::WebPki), "policy example.org itself at 25"),
            ("example.org:nowhere", require(Requirement::WebPki), "policy example.org"),
            ("example.org:nowhere", require(Requirement::None), "policy example.org"),
            ("[example.org]:nowhere", Some(Effect::Ignore), "policy example.org itself at 25"),
            // Where it is somewhere, the answer to the question at its port is what the override makes of it.
            ("[example.org]:our-port", require(Requirement::Dane), "policy example.org itself at 2525"),
            ("[192.0.2.1]:nowhere", require(Requirement::Dane), NOT_FOUND),
        ] {
            assert_eq!(heard_where(&format!("policy {key}"), override_), expected, "{key} {override_:?}");
        }
    }

    #[test]
    fn parents_and_addresses_have_no_policy() {
        for key in [
            ".example.org",
            ".org",
            ".bücher.test",
            "[192.0.2.1]",
            "[192.0.2.1]:25",
            "192.0.2.1",
            "192.0.2.1:25",
            "[2001:db8::1]",
            "[2001:db8::1]:123",
            "[IPv6:2001:db8::1]:25",
            "2001:db8::1",
            "[a:bb:ccc::dddd]:123",
            // What the DNS cannot carry.
            "a..b",
            "[a..b]:25",
            "a..b:25",
            "..org",
        ] {
            assert_eq!(heard(&format!("policy {key}")), "NOTFOUND ", "{key}");
        }
    }

    #[test]
    fn what_is_neither_is_no_reason_to_send_without_tls() {
        for key in [
            "",
            ".",
            "..",
            " example.org",
            "example.org ",
            "example.org example.net",
            "[example.org",
            "example.org]",
            "[example.org]25",
            "[example.org]:0",
            "[example.org]:65536",
            "example.org:99999",
            "[[example.org]]",
            "[]",
            "[]:25",
            "example.org:25:25",
            ":25",
            "x;y.test",
            "user@example.org",
            "/var/run/lmtp",
            "unix:/var/run/lmtp",
            "example.org\0",
            "example.org\n",
            "a}b.test",
            "-d",
        ] {
            assert_eq!(heard(&format!("policy {key}")), NO_DOMAIN, "{key:?}");
        }
        assert_eq!(heard(&format!("policy {}", "a.".repeat(2_000))), NO_DOMAIN);
    }

    #[test]
    fn only_two_maps_are_there_and_none_of_them_is_a_command() {
        for content in
            ["test example.org", "Policy example.org", "PURGE all", "policy-tls example.org", " example.org"]
        {
            assert_eq!(heard(content), NO_MAP, "{content}");
        }
        for content in ["", "policy", "PURGE", "policy\texample.org"] {
            assert_eq!(heard(content), NO_REQUEST, "{content}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_no_request_and_the_next_one_is_read() {
        let octets = b"9:policy \xff\xfe,18:policy example.org,";
        assert_eq!(read(octets), Frame::Whole(Request::Reply(NO_REQUEST), 12));
        assert!(matches!(read(&octets[12..]), Frame::Whole(Request::Policy(Map::Policy, _), 22)));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_reply_is_one_of_a_closed_list_or_a_question(content in "(policy(-tlsrpt)? )?\\PC{0,60}") {
            let heard = heard(&content);
            let is_known = [NOT_FOUND, NO_REQUEST, NO_MAP, NO_DOMAIN].contains(&heard.as_str());
            prop_assert!(is_known || heard.starts_with("policy"), "{}", heard);
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Frame::Whole(_, taken) = read(&octets) {
                prop_assert!(taken <= octets.len());
            }
        }
    }
}
