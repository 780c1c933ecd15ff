//! `/etc/resolv.conf`, which Exim's own lookups go by, whatever this program is told to ask.

use super::resolvers::NOT_ASKED;
use super::{fine, unchecked, warning};
use crate::doctor::observations::{Claim, ResolvConf, Seen, Server, Way};
use crate::doctor::{Check, Finding};
use std::net::SocketAddr;

/// Judges the file, with what was seen of the servers that it names.
#[must_use]
pub fn judge(conf: &Seen<ResolvConf>, servers: &Seen<Vec<Server>>) -> Vec<Finding> {
    let conf = match conf {
        Ok(conf) => conf,
        Err(why) => return vec![warning(Check::ResolvConfRead, why)],
    };
    let known: &[Server] = servers.as_deref().unwrap_or_default();
    let names: Vec<_> = conf.servers.iter().map(ToString::to_string).collect();
    vec![
        fine(Check::ResolvConfRead, format!("names {}", names.join(", "))),
        alike(&conf.servers, known),
        trust_ad(conf),
        edns0(conf, known),
        search(conf),
    ]
}

fn alike(named: &[SocketAddr], known: &[Server]) -> Finding {
    const CHECK: Check = Check::ResolvConfServers;
    if named.len() < 2 {
        return fine(CHECK, "one server");
    }
    let of = |address: &SocketAddr| known.iter().find(|server| server.address == *address);
    let seen: Vec<&Server> = named.iter().filter_map(of).collect();
    if seen.len() < named.len() {
        return unchecked(CHECK, "other servers were asked (--dns, or `dns` in the configuration)");
    }
    if seen.iter().any(|server| server.validation.signed == Claim::NotAsked) {
        return unchecked(CHECK, NOT_ASKED);
    }
    let validates = |server: &&&Server| server.validation.signed == Claim::Authentic;
    let odd: Vec<_> =
        seen.iter().filter(|server| !validates(server)).map(|s| s.address.to_string()).collect();
    match odd.len() {
        0 => fine(CHECK, format!("all {} validate", seen.len())),
        count if count == seen.len() => fine(CHECK, "none of them validates"),
        _ => warning(CHECK, format!("not every server validates: {} does not", odd.join(", "))),
    }
}

fn trust_ad(conf: &ResolvConf) -> Finding {
    const CHECK: Check = Check::ResolvConfTrustAd;
    if conf.options.iter().any(|option| option == "trust-ad") {
        fine(CHECK, "set")
    } else {
        warning(CHECK, "not set")
    }
}

fn edns0(conf: &ResolvConf, known: &[Server]) -> Finding {
    const CHECK: Check = Check::ResolvConfEdns0;
    if conf.options.iter().any(|option| option == "edns0") {
        return fine(CHECK, "set");
    }
    let without_tcp = |server: &&Server| {
        conf.servers.contains(&server.address) && matches!(server.tcp, Way::CutShort | Way::Failed(_))
    };
    match known.iter().find(without_tcp) {
        Some(server) => warning(CHECK, format!("not set, and {} does not answer over TCP", server.address)),
        None => fine(CHECK, "not set; answers of more than 512 octets come over TCP"),
    }
}

fn search(conf: &ResolvConf) -> Finding {
    const CHECK: Check = Check::ResolvConfSearch;
    let those = |named: bool| {
        let of = conf.private_search.iter().filter(move |(_, is_named)| *is_named == named);
        of.map(|(domain, _)| domain.as_str()).collect::<Vec<_>>().join(", ")
    };
    match (those(true), those(false)) {
        (_, unnamed) if !unnamed.is_empty() => {
            warning(CHECK, format!("{unnamed} looks private, and is not named there"))
        }
        (named, _) if named.is_empty() => fine(CHECK, "none looks private"),
        (named, _) => fine(CHECK, format!("{named}: nothing there is proven by DNSSEC")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolvers::tests::good;
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::observations::Validation;

    fn conf(options: &[&str], servers: &[&str]) -> ResolvConf {
        ResolvConf {
            servers: servers.iter().map(|address| address.parse().unwrap()).collect(),
            options: options.iter().map(ToString::to_string).collect(),
            private_search: vec![],
        }
    }

    fn of(conf: ResolvConf, servers: Vec<Server>, check: Check) -> Health {
        judge(&Ok(conf), &Ok(servers)).iter().find(|finding| finding.check == check).unwrap().health
    }

    const LOCAL: [&str; 1] = ["127.0.0.1:53"];

    #[test]
    fn trust_ad_is_what_lets_exim_do_dane() {
        let with = conf(&["edns0", "trust-ad"], &LOCAL);
        assert_eq!(of(with, vec![good()], Check::ResolvConfTrustAd), Health::Fine);
        assert_eq!(of(conf(&[], &LOCAL), vec![good()], Check::ResolvConfTrustAd), Health::Warning);
    }

    #[test]
    fn edns0_matters_only_where_tcp_is_closed() {
        let closed = Server { tcp: Way::Failed("closed".into()), ..good() };
        assert_eq!(of(conf(&[], &LOCAL), vec![good()], Check::ResolvConfEdns0), Health::Fine);
        assert_eq!(of(conf(&[], &LOCAL), vec![closed.clone()], Check::ResolvConfEdns0), Health::Warning);
        assert_eq!(of(conf(&["edns0"], &LOCAL), vec![closed], Check::ResolvConfEdns0), Health::Fine);
        let not_asked = Server { tcp: Way::NotAsked("too many open files".into()), ..good() };
        assert_eq!(of(conf(&[], &LOCAL), vec![not_asked], Check::ResolvConfEdns0), Health::Fine);
    }

    #[test]
    fn a_private_domain_that_is_searched_should_be_named() {
        let with = |private_search: &[(&str, bool)]| ResolvConf {
            private_search: private_search.iter().map(|(name, named)| ((*name).to_owned(), *named)).collect(),
            ..conf(&[], &LOCAL)
        };
        let judged = |conf| of(conf, vec![good()], Check::ResolvConfSearch);
        assert_eq!(judged(with(&[])), Health::Fine);
        assert_eq!(judged(with(&[("corp.internal", true)])), Health::Fine);
        assert_eq!(judged(with(&[("corp.internal", true), ("lan", false)])), Health::Warning);
    }

    #[test]
    fn one_server_among_several_that_does_not_validate_is_told() {
        let other = |signed| Server {
            address: "192.0.2.1:53".parse().unwrap(),
            validation: Validation { signed, bogus: Claim::Nothing },
            ..good()
        };
        let both = || conf(&[], &["127.0.0.1:53", "192.0.2.1:53"]);
        let judged = |servers| of(both(), servers, Check::ResolvConfServers);
        assert_eq!(judged(vec![good(), other(Claim::Plain)]), Health::Warning);
        assert_eq!(judged(vec![good(), other(Claim::Authentic)]), Health::Fine);
        assert_eq!(judged(vec![good(), other(Claim::NotAsked)]), Health::NotChecked);
        assert_eq!(judged(vec![good()]), Health::NotChecked);
    }
}
