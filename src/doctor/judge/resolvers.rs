//! The name servers. What is wrong with one of several is a warning where another one makes up for it.

use super::{fine, unchecked, warning, wrong};
use crate::doctor::observations::{Chain, Claim, Place, ResolvConf, Seen, Server, Validation, Way};
use crate::doctor::{Check, Finding, Health};
use crate::limits::{EDNS_PAYLOAD, SLOW_NAME_SERVER};

/// What is said of a server that this program does not ask.
const THEIRS: &str = "for the mail server alone";

/// What is said where one cause is told already: the server answers nobody.
const NO_ANSWER: &str = "it does not answer";
/// The same: this machine has nothing left to ask with.
pub(super) const NOT_ASKED: &str = "it could not be asked";

/// One check of one server.
type Of = fn(&Server) -> Finding;

/// Every check, in their order.
const EVERY_ONE: [Of; 8] = [udp, tcp, edns, dnssec, denial, validates, speed, place];

/// Those that matter to the mail server, which believes what a server says of DNSSEC.
const FOR_THE_MAIL_SERVER: [Of; 5] = [udp, tcp, validates, speed, place];

/// Judges each server, where this program and the mail server ask the same.
#[must_use]
pub fn judge(servers: &Seen<Vec<Server>>) -> Vec<Finding> {
    of_ours(servers, |_| true)
}

/// Judges each server by what is asked of it: by this program those that the configuration names, by the mail server those of
/// `/etc/resolv.conf`, of which `theirs` are not among the others.
#[must_use]
pub fn judge_apart(servers: &Seen<Vec<Server>>, theirs: &[Server], conf: &Seen<ResolvConf>) -> Vec<Finding> {
    // Where the list of the mail server cannot be read, it may ask any of them.
    let asks = |server: &Server| conf.as_ref().map_or(true, |conf| conf.servers.contains(&server.address));
    let mut findings = of_ours(servers, asks);
    for of_one in FOR_THE_MAIL_SERVER {
        let about = |server: &Server| of_one(server).about(format!("{} {THEIRS}", server.address));
        findings.extend(made_up_for(theirs.iter().map(about).collect()));
    }
    findings
}

/// Those that this program asks; of each, whether the mail server asks it, too.
fn of_ours(servers: &Seen<Vec<Server>>, asks: impl Fn(&Server) -> bool) -> Vec<Finding> {
    let servers = match servers {
        Ok(servers) if servers.is_empty() => {
            return vec![wrong(Check::ResolverList, "no name server is known")];
        }
        Ok(servers) => servers,
        Err(why) => return vec![wrong(Check::ResolverList, why)],
    };
    let list: Vec<_> = servers.iter().map(|server| server.address.to_string()).collect();
    let mut findings = vec![fine(Check::ResolverList, list.join(", "))];
    for of_one in EVERY_ONE {
        let about = |server: &Server| {
            let mut finding = of_one(server).about(server.address.to_string());
            let is_for_the_mail_server =
                matches!(finding.check, Check::ResolverValidates | Check::ResolverPlace);
            if is_for_the_mail_server && finding.health == Health::Warning && !asks(server) {
                finding.health = Health::Fine;
                finding.seen.push_str("; the mail server does not ask it");
            }
            finding
        };
        findings.extend(made_up_for(servers.iter().map(about).collect()));
    }
    findings
}

/// Whether this program can ask nobody: not one of its servers answers in any way. What needs DNS follows from that.
#[must_use]
pub fn are_dead(servers: &Seen<Vec<Server>>) -> bool {
    servers.as_ref().map_or(true, |servers| servers.iter().all(is_dead))
}

/// Another server makes up for what is wrong with one.
fn made_up_for(mut findings: Vec<Finding>) -> Vec<Finding> {
    if findings.iter().any(|finding| finding.health == Health::Fine) {
        for finding in findings.iter_mut().filter(|finding| finding.health == Health::Wrong) {
            finding.health = Health::Warning;
            finding.seen.push_str("; another server makes up for it");
        }
    }
    findings
}

fn udp(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverUdp;
    match &server.udp {
        Way::Answered(ms) => fine(CHECK, format!("answers in {ms} ms")),
        Way::CutShort => fine(CHECK, "answers"),
        Way::NotAsked(why) => not_asked(CHECK, why),
        Way::Failed(why) => wrong(CHECK, why),
    }
}

/// This machine had nothing left to ask it with.
fn not_asked(check: Check, why: &str) -> Finding {
    warning(check, format!("{NOT_ASKED}: {why}")).blind()
}

fn tcp(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverTcp;
    match (&server.tcp, &server.udp) {
        // One cause is told once.
        (Way::Failed(_), Way::Failed(_)) => unchecked(CHECK, "it does not answer over UDP either"),
        (Way::Answered(ms), _) => fine(CHECK, format!("answers in {ms} ms")),
        (Way::CutShort, _) => warning(CHECK, "its reply does not even fit TCP"),
        (Way::NotAsked(_), Way::NotAsked(_)) => unchecked(CHECK, format!("{NOT_ASKED} over UDP either")),
        (Way::NotAsked(why), _) => not_asked(CHECK, why),
        (Way::Failed(why), Way::Answered(_) | Way::NotAsked(_)) => warning(CHECK, why),
        (Way::Failed(why), Way::CutShort) => wrong(CHECK, why),
    }
}

fn edns(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverEdns;
    if let Some(why) = why_nothing_came(server) {
        return unchecked(CHECK, why);
    }
    match (server.edns, &server.udp) {
        (None, _) => wrong(CHECK, "no EDNS in its replies"),
        (Some(edns), _) if !edns.dnssec_ok => {
            warning(CHECK, format!("EDNS of {} octets, and DO did not come back", edns.size))
        }
        (Some(edns), Way::CutShort) => warning(
            CHECK,
            format!(
                "EDNS of {} octets, but a reply that fits {EDNS_PAYLOAD} is cut short over UDP",
                edns.size
            ),
        ),
        (Some(edns), _) => fine(CHECK, format!("EDNS of {} octets, DO comes back", edns.size)),
    }
}

fn dnssec(server: &Server) -> Finding {
    chain(Check::ResolverDnssec, server, &server.positive, "the root's SOA record is proven")
}

fn denial(server: &Server) -> Finding {
    chain(Check::ResolverDenial, server, &server.negative, "the absence of a name is proven")
}

fn chain(check: Check, server: &Server, chain: &Chain, proven: &str) -> Finding {
    match chain {
        Chain::Proven => fine(check, proven),
        Chain::Contrary(what) => wrong(check, what),
        Chain::Stripped => wrong(check, "it removes the signatures, even the root's"),
        Chain::False(why) => wrong(check, why),
        Chain::OwnFault => unchecked(check, "cannot be told before clock and trust anchors are right"),
        Chain::NotAsked(_) => unchecked(check, NOT_ASKED),
        Chain::Silent(why) => match why_nothing_came(server) {
            Some(told) => unchecked(check, told),
            None => wrong(check, why),
        },
    }
}

fn validates(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverValidates;
    let Validation { signed, bogus } = server.validation;
    if let Some(why) = why_nothing_came(server) {
        return unchecked(CHECK, why);
    }
    match (signed, bogus) {
        (Claim::NotAsked, _) => unchecked(CHECK, NOT_ASKED),
        (Claim::Authentic, Claim::Authentic) => {
            warning(CHECK, "it sets AD for whatever comes, even for what is signed wrongly")
        }
        (Claim::Authentic, Claim::Plain) => {
            warning(CHECK, "it sets AD, yet hands out what is signed wrongly")
        }
        (Claim::Authentic, Claim::Withheld) => {
            fine(CHECK, "it sets AD for what is signed, and withholds what is signed wrongly")
        }
        (Claim::Authentic, Claim::Nothing | Claim::NotAsked) => fine(CHECK, "it sets AD for what is signed"),
        (Claim::Plain, _) => warning(CHECK, "it does not set AD for what is signed: it does not validate"),
        (Claim::Withheld | Claim::Nothing, _) => warning(
            CHECK,
            "asked to validate, it gives no answer about the root: are its clock and anchor right?",
        ),
    }
}

fn speed(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverSpeed;
    match server.quickest {
        None if matches!(server.udp, Way::NotAsked(_)) => unchecked(CHECK, NOT_ASKED),
        None => unchecked(CHECK, NO_ANSWER),
        Some(ms) if u128::from(ms) > SLOW_NAME_SERVER.as_millis() => {
            let bound = SLOW_NAME_SERVER.as_millis();
            warning(CHECK, format!("its quickest reply took {ms} ms, more than {bound}"))
        }
        Some(ms) => fine(CHECK, format!("its quickest reply took {ms} ms")),
    }
}

fn place(server: &Server) -> Finding {
    const CHECK: Check = Check::ResolverPlace;
    let over = if server.address.is_ipv6() { "IPv6" } else { "IPv4" };
    if let Some(why) = why_nothing_came(server) {
        return unchecked(CHECK, why);
    }
    match (server.place, server.validation.signed) {
        (Place::Here, _) => fine(CHECK, format!("on this machine, over {over}")),
        (Place::Elsewhere, Claim::Authentic) => {
            warning(CHECK, format!("on another machine, over {over}; its AD bit comes over the network"))
        }
        (Place::Elsewhere, _) => fine(CHECK, format!("on another machine, over {over}; it sets no AD bit")),
    }
}

/// Why there is nothing to judge it by, if there is nothing.
const fn why_nothing_came(server: &Server) -> Option<&'static str> {
    match (&server.udp, &server.tcp) {
        _ if is_dead(server) => Some(NO_ANSWER),
        (Way::NotAsked(_) | Way::Failed(_), Way::NotAsked(_) | Way::Failed(_)) => Some(NOT_ASKED),
        _ => None,
    }
}

/// It answers neither over UDP nor over TCP.
const fn is_dead(server: &Server) -> bool {
    matches!((&server.udp, &server.tcp), (Way::Failed(_), Way::Failed(_)))
}

#[cfg(test)]
pub(super) mod tests;
