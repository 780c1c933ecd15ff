//! Postfix: whether it asks the daemon, gets an answer, and can do what the answer demands.

use super::{fine, unchecked, warning, wrong};
use crate::doctor::observations::{Postfix, Reports, ResolvConf, Seen};
use crate::doctor::read::postfix::{self, Socketmap};
use crate::doctor::{Check, Finding};
use crate::text::excerpt;
use std::net::SocketAddr;

/// The first version whose socketmap client and DANE are what the answers rest on.
const FIRST_VERSION: (u32, u32) = (3, 4);

/// The first version that takes the attributes of `policy-tlsrpt`; an earlier one lets mail wait for them.
const FIRST_WITH_REPORTS: (u32, u32) = (3, 10);

/// The first version of which every release has the C library hand on the AD bit, whatever resolv.conf(5) says.
const FIRST_THAT_ASKS_FOR_AD: (u32, u32) = (3, 6);

/// Whether Postfix needs no `options trust-ad`.
#[must_use]
pub fn asks_for_ad(postfix: &Postfix) -> bool {
    let settings = postfix.settings.as_ref().map_or(&[][..], Vec::as_slice);
    let version = postfix::version(Settings(settings).value("mail_version"));
    version.is_some_and(|version| version >= FIRST_THAT_ASKS_FOR_AD)
}

/// Judges Postfix; `other` says whether there is another mail server.
#[must_use]
pub fn judge(postfix: &Seen<Postfix>, there_is_exim: bool, system: &Seen<ResolvConf>) -> Vec<Finding> {
    let postfix = match postfix {
        Ok(postfix) => postfix,
        Err(why) => return vec![unchecked(Check::PostfixFound, why)],
    };
    let found = fine(Check::PostfixFound, postfix.binary.display().to_string());
    let settings = match &postfix.settings {
        Ok(settings) => Settings(settings),
        Err(why) => return vec![found, warning(Check::PostfixVersion, why)],
    };
    let maps = postfix::socketmaps(settings.value("smtp_tls_policy_maps"));
    if maps.is_empty() && there_is_exim {
        return vec![found, unchecked(Check::PostfixMap, "it asks no socketmap; Exim is here, too")];
    }
    let version = postfix::version(settings.value("mail_version"));
    vec![
        found,
        is_new_enough(&settings, version),
        map(&maps, &settings),
        level(&settings),
        reports(&maps, version),
        chroot(&maps, postfix),
        resolver(postfix, system),
        authorities(postfix, &settings),
        dnssec(&settings),
        answer(postfix),
    ]
}

struct Settings<'a>(&'a [(String, String)]);

impl Settings<'_> {
    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

fn is_new_enough(settings: &Settings<'_>, version: Option<(u32, u32)>) -> Finding {
    const CHECK: Check = Check::PostfixVersion;
    let shown = excerpt(settings.value("mail_version"), 40);
    match version {
        None => unchecked(CHECK, format!("'{shown}' is no version")),
        Some(version) if version < FIRST_VERSION => wrong(CHECK, format!("{shown}, before 3.4")),
        Some(_) => fine(CHECK, shown),
    }
}

fn map(maps: &[Socketmap], settings: &Settings<'_>) -> Finding {
    const CHECK: Check = Check::PostfixMap;
    let shown = || excerpt(settings.value("smtp_tls_policy_maps"), 200);
    match maps {
        [] if settings.value("smtp_tls_policy_maps").is_empty() => {
            warning(CHECK, "smtp_tls_policy_maps is empty: mail is sent as if this program were not there")
        }
        [] => warning(CHECK, format!("no socketmap in {}", shown())),
        _ => fine(CHECK, shown()),
    }
}

fn level(settings: &Settings<'_>) -> Finding {
    const CHECK: Check = Check::PostfixLevel;
    match settings.value("smtp_tls_security_level") {
        "" | "none" => warning(
            CHECK,
            "smtp_tls_security_level is none: mail goes in clear text where nothing is demanded",
        ),
        level => fine(CHECK, excerpt(level, 40)),
    }
}

fn reports(maps: &[Socketmap], version: Option<(u32, u32)>) -> Finding {
    const CHECK: Check = Check::PostfixReports;
    let is_told = maps.iter().any(|map| map.map == "policy-tlsrpt");
    match version {
        _ if !is_told => fine(CHECK, "it is not told of policies for TLS reports"),
        Some(version) if version < FIRST_WITH_REPORTS => {
            wrong(CHECK, "the map policy-tlsrpt is asked, whose attributes Postfix takes from 3.10 on")
        }
        Some(_) => fine(CHECK, "the map policy-tlsrpt is asked"),
        None => unchecked(CHECK, "its version is not known"),
    }
}

fn chroot(maps: &[Socketmap], postfix: &Postfix) -> Finding {
    const CHECK: Check = Check::PostfixChroot;
    let sockets: Vec<&str> = maps.iter().filter_map(Socketmap::own_socket).collect();
    let missing =
        sockets.iter().find(|socket| !postfix.sockets_in_chroot.iter().any(|there| there == **socket));
    match (&postfix.chroot, missing) {
        (Err(why), _) => unchecked(CHECK, why),
        (Ok(true), Some(socket)) => {
            wrong(CHECK, format!("smtp(8) runs in a chroot, in which {} is not there", excerpt(socket, 120)))
        }
        (Ok(true), None) if sockets.is_empty() => {
            fine(CHECK, "smtp(8) runs in a chroot, and asks at no socket outside of it")
        }
        (Ok(true), None) => fine(CHECK, "smtp(8) runs in a chroot, in which its socket is there"),
        (Ok(false), _) => fine(CHECK, "smtp(8) runs without a chroot"),
    }
}

/// smtp(8) has a resolv.conf of its own in its chroot: a copy of an earlier one, perhaps.
fn resolver(postfix: &Postfix, system: &Seen<ResolvConf>) -> Finding {
    const CHECK: Check = Check::PostfixResolver;
    let listed = |servers: &[SocketAddr]| {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        servers.join(", ")
    };
    match (&postfix.chroot, &postfix.resolver_in_chroot, system) {
        (Err(why), ..) | (_, _, Err(why)) | (_, Some(Err(why)), _) => unchecked(CHECK, why),
        (Ok(false), ..) => fine(CHECK, "smtp(8) runs without a chroot"),
        (Ok(true), None, _) => {
            unchecked(CHECK, "there is no resolv.conf in the chroot; it comes when Postfix is started")
        }
        (Ok(true), Some(Ok(inside)), Ok(system)) if *inside == system.servers => {
            fine(CHECK, "the resolv.conf in the chroot of smtp(8) names the same")
        }
        (Ok(true), Some(Ok(inside)), Ok(system)) => warning(
            CHECK,
            format!(
                "the resolv.conf in the chroot of smtp(8) names {}, and /etc/resolv.conf {}",
                listed(inside),
                listed(&system.servers)
            ),
        ),
    }
}

fn authorities(postfix: &Postfix, settings: &Settings<'_>) -> Finding {
    const CHECK: Check = Check::PostfixCa;
    let file = excerpt(settings.value("smtp_tls_CAfile"), 120);
    match &postfix.authorities {
        Some(Ok(0)) => wrong(CHECK, format!("{file} has no certificate")),
        Some(Ok(number)) => fine(CHECK, format!("{file} has {number} certificates")),
        Some(Err(why)) => wrong(CHECK, why),
        None if settings.value("tls_append_default_CA") == "yes" => fine(CHECK, "those of the TLS library"),
        None if !settings.value("smtp_tls_CApath").is_empty() => {
            warning(CHECK, "a directory (smtp_tls_CApath), which has to lie in the chroot, too")
        }
        None => wrong(CHECK, "smtp_tls_CAfile is not set"),
    }
}

fn dnssec(settings: &Settings<'_>) -> Finding {
    const CHECK: Check = Check::PostfixDnssec;
    match settings.value("smtp_dns_support_level") {
        "dnssec" => fine(CHECK, "smtp_dns_support_level = dnssec"),
        level => wrong(CHECK, format!("smtp_dns_support_level = {}", excerpt(level, 40))),
    }
}

fn answer(postfix: &Postfix) -> Finding {
    const CHECK: Check = Check::PostfixAnswer;
    let mut said = Vec::new();
    for (map, reply) in &postfix.asked {
        match reply {
            Err(why) => {
                return wrong(CHECK, format!("{}: {}", excerpt(&map.text, 120), excerpt(cause(why), 200)));
            }
            Ok(reply) => said.push(if reply.is_empty() {
                "nothing is demanded".to_owned()
            } else {
                excerpt(reply, 80)
            }),
        }
    }
    match said.as_slice() {
        [] => unchecked(CHECK, "it asks no socketmap"),
        said => fine(CHECK, format!("about example.com: {}", said.join("; "))),
    }
}

/// From this version on Postfix does not count a mail with `TLS-Required: No`, the fourth of 3.10.
const UNCOUNTED: (u32, u32) = (3, 10);

/// Whether reports get through it, are not counted by it, and tell what it saw.
pub(super) fn for_reports(reports: &Reports, postfix: &Postfix) -> Finding {
    const CHECK: Check = Check::ReportsPostfix;
    let settings = match &postfix.settings {
        Ok(settings) => settings,
        Err(why) => return unchecked(CHECK, why),
    };
    let value =
        |name: &str| settings.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    if postfix::socketmaps(value("smtp_tls_policy_maps")).is_empty() {
        return unchecked(CHECK, "it asks no socketmap");
    }
    let shown = excerpt(value("mail_version"), 40);
    let Some(version) = postfix::version(value("mail_version")) else {
        return unchecked(CHECK, format!("'{shown}' is no version"));
    };
    let mut parts = value("mail_version").trim().split('.').skip(2);
    let third = parts.next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let lets_go = version > UNCOUNTED || version == UNCOUNTED && third >= 4;
    let has_agent = value("sender_dependent_default_transport_maps")
        .to_ascii_lowercase()
        .contains(&reports.contact.to_ascii_lowercase());
    if !lets_go && !has_agent {
        return warning(
            CHECK,
            format!(
                "{shown}, before 3.10.4, without a delivery agent for {}",
                excerpt(&reports.contact, 120)
            ),
        );
    }
    let level = value("smtp_tls_loglevel");
    let tells = level.split([',', ' ', '\t']).any(|word| word.eq_ignore_ascii_case("untrusted"))
        || level.trim().parse::<u32>().is_ok_and(|number| number >= 2);
    if value("smtp_tlsrpt_enable") == "yes" && !tells {
        return warning(
            CHECK,
            format!(
                "smtp_tls_loglevel = {}: certificates that fail in testing mode are not told",
                excerpt(level, 40)
            ),
        );
    }
    fine(CHECK, shown)
}

/// The first thing that postmap(1) complains of; the rest of its lines follows from that.
fn cause(why: &str) -> &str {
    let first = why.lines().next().unwrap_or_default();
    first
        .split_once("postmap: warning: ")
        .or_else(|| first.split_once("postmap: fatal: "))
        .map_or(first, |(_, words)| words)
}

#[cfg(test)]
pub(super) mod tests;
