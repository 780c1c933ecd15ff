//! How Exim is built, by its own word, and whether our files in its configuration are of this version.

use super::exim::{Sets, adds_header, value};
use super::{fine, unchecked, warning, wrong};
use crate::doctor::observations::{Exim, Seen};
use crate::doctor::read::exim::{Build, Driver};
use crate::doctor::{Check, Finding};

/// The name of no cipher: where the answer is DANE and Exim does none, the transport asks for it.
pub(super) const NO_CIPHER: &str = "no-usable-TLSA-record";
/// The oldest version for which the macros were written.
const OLDEST: [u32; 2] = [4, 96];

/// Judges how it is built.
pub(super) fn judge(build: &Build, exim: &Exim, sets: &Sets) -> Vec<Finding> {
    let version = format!(
        "{}, configured by {}{}",
        build.version,
        build.configuration.as_deref().unwrap_or("a file that it does not name"),
        machine(exim)
    );
    let is_old = build.numbers.as_slice() < OLDEST.as_slice();
    let tls = ["GnuTLS", "OpenSSL"].into_iter().find(|library| build.supports(library));
    let has = |check, word: &str, there: bool| {
        if there {
            fine(check, format!("built with {word}"))
        } else {
            warning(check, format!("built without {word}"))
        }
    };
    let sqlite = build.lookups.iter().any(|lookup| lookup == "sqlite");
    vec![
        if is_old { wrong(Check::EximVersion, version) } else { fine(Check::EximVersion, version) },
        match tls {
            Some(library) => fine(Check::EximTls, format!("built with {library}")),
            None => wrong(Check::EximTls, "built without TLS"),
        },
        match (build.supports("DANE"), value(exim, "SMTP_STS_WITHOUT_DANE")) {
            (true, _) => fine(Check::EximDane, "built with DANE"),
            (false, Some("webpki")) => warning(
                Check::EximDane,
                "built without DANE; for mail to hosts with TLSA records a known CA is enough, by SMTP_STS_WITHOUT_DANE",
            ),
            (false, _) => {
                warning(Check::EximDane, "built without DANE; mail to hosts with TLSA records waits")
            }
        },
        has(Check::EximEvents, "events", build.supports("Event")),
        has(Check::EximDnsdb, "lookups in the DNS (dnsdb)", has_dnsdb(build)),
        if sqlite || sets.header != (false, false) {
            has(Check::EximSqlite, "SQLite", sqlite)
        } else {
            fine(Check::EximSqlite, "built without SQLite, which only the header set needs")
        },
    ]
}

/// Where our files go on a machine that is not configured as Debian does it, and as whom Exim runs there.
fn machine(exim: &Exim) -> String {
    let user = exim.user.as_deref().unwrap_or("a user of no name");
    exim.platform.map_or_else(String::new, |platform| {
        format!("; {}: our lines go into {}, Exim's user is {user}", platform.name, platform.edited)
    })
}

fn has_dnsdb(build: &Build) -> bool {
    build.lookups.iter().any(|lookup| lookup == "dnsdb")
}

/// The routers that the enforcing set has in such an Exim, in their order.
pub(super) fn routers_of(build: &Seen<Build>) -> impl Iterator<Item = &'static str> {
    let has_dane = build.as_ref().map_or(true, |build| build.supports("DANE"));
    let has_resolver = has_dane && build.as_ref().map_or(true, has_dnsdb);
    super::exim::ROUTERS.into_iter().filter(move |name| match *name {
        "smtp_sts_resolver" => has_resolver,
        "smtp_sts_without_dane" => !has_dane,
        _ => true,
    })
}

/// Whether what is loaded is of this version, by what it does and not by its name.
pub(super) fn files(exim: &Exim, sets: &Sets) -> Finding {
    const CHECK: Check = Check::EximFiles;
    let transports = match &exim.transports {
        Ok(transports) if !sets.none() => transports,
        Ok(_) => return unchecked(CHECK, "nothing of ours is loaded"),
        Err(why) => return unchecked(CHECK, why),
    };
    let asks_for_no_cipher = |transport: &Driver| {
        transport.option("tls_require_ciphers").is_some_and(|ciphers| ciphers.contains(NO_CIPHER))
    };
    let is_older = |transport: &&Driver| {
        (transport.name == "smtp_sts_dane" || adds_header(transport)) && !asks_for_no_cipher(transport)
    };
    let leaves_dane_alone = |router: &Driver| {
        router.option("dnssec_request_domains").is_none_or(|domains| domains.contains("tlsa=unusable"))
    };
    let routers = exim.routers.as_deref().unwrap_or_default();
    let permitted = routers.iter().find(|router| router.name == "smtp_sts_permitted");
    let has_dane = exim.build.as_ref().map_or(true, |build| build.supports("DANE"));
    let older: Vec<&str> = transports
        .iter()
        .filter(is_older)
        .chain(permitted.filter(|router| has_dane && !leaves_dane_alone(router)))
        .map(|driver| driver.name.as_str())
        .collect();
    let is_openssl = exim.build.as_ref().is_ok_and(|build| build.supports("OpenSSL"));
    match (older.is_empty(), is_openssl) {
        (true, _) => fine(CHECK, "they are"),
        (false, true) => wrong(
            CHECK,
            format!("older: {}; this Exim, linked with OpenSSL, delivers wrongly by them", older.join(", ")),
        ),
        (false, false) => warning(CHECK, format!("older: {}", older.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exim::tests::{driver, good, of, primary};
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::judge::exim::TRANSPORTS;
    use crate::doctor::observations::Platform;

    #[test]
    fn a_machine_that_is_not_debians_is_named_with_its_file_and_user() {
        let panel = Platform { name: "cPanel", edited: "/etc/exim.conf.local" };
        let exim = Exim { platform: Some(panel), user: Some("mailnull".into()), ..good() };
        let told = |exim: Exim| {
            let findings = super::super::exim::judge(&Ok(exim), std::path::Path::new("/var/lib"), false);
            findings.into_iter().find(|finding| finding.check == Check::EximVersion).unwrap().seen
        };
        assert!(
            told(exim).ends_with("; cPanel: our lines go into /etc/exim.conf.local, Exim's user is mailnull")
        );
        assert!(told(good()).ends_with("config.autogenerated"));
    }

    #[test]
    fn an_old_or_poor_exim_is_told() {
        let old = |numbers: &[u32]| {
            let build = Build { numbers: numbers.to_vec(), support: vec![], ..good().build.unwrap() };
            Exim { build: Ok(build), ..good() }
        };
        let broken = Exim { build: Err("exit status: 1: error in the configuration".into()), ..good() };
        assert_eq!(of(broken, Check::EximVersion), Health::Warning);
        assert_eq!(of(old(&[4, 95]), Check::EximVersion), Health::Wrong);
        assert_eq!(of(old(&[4, 98, 2]), Check::EximVersion), Health::Fine);
        assert_eq!(of(old(&[4, 96]), Check::EximTls), Health::Wrong);
        for check in [Check::EximDane, Check::EximEvents] {
            assert_eq!(of(old(&[4, 96]), check), Health::Warning);
        }
        let without_dnsdb = Build { lookups: vec!["sqlite".into()], ..good().build.unwrap() };
        assert_eq!(of(Exim { build: Ok(without_dnsdb), ..good() }, Check::EximDnsdb), Health::Warning);
    }

    /// The same Exim with another build, as far as that goes.
    fn built(support: &[&str], lookups: &[&str], exim: Exim) -> Exim {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let build = Build { support: words(support), lookups: words(lookups), ..good().build.unwrap() };
        Exim { build: Ok(build), ..exim }
    }

    #[test]
    fn the_routers_that_are_expected_are_those_that_such_an_exim_has() {
        let named = |names: &[&str]| -> Seen<Vec<Driver>> {
            Ok(names.iter().map(|name| driver(name, &[])).chain([primary()]).collect())
        };
        let without_dane =
            ["smtp_sts_ask", "smtp_sts_without_dane", "smtp_sts_permitted", "smtp_sts_none_permitted"];
        let exim = Exim { routers: named(&without_dane), ..good() };
        assert_eq!(of(exim.clone(), Check::EximRouters), Health::Wrong);
        let exim = built(&["OpenSSL"], &["dnsdb"], exim);
        assert_eq!(of(exim.clone(), Check::EximRouters), Health::Fine);
        assert_eq!(of(exim.clone(), Check::EximFiles), Health::Fine);
        assert_eq!(of(exim, Check::EximDane), Health::Warning);
        let without_dnsdb = ["smtp_sts_ask", "smtp_sts_permitted", "smtp_sts_none_permitted"];
        let exim = Exim { routers: named(&without_dnsdb), ..good() };
        assert_eq!(of(built(&["OpenSSL", "DANE"], &[], exim), Check::EximRouters), Health::Fine);
    }

    #[test]
    fn older_files_are_told_to_deliver_wrongly_where_exim_is_linked_with_openssl() {
        let older_transport = || {
            let transports = TRANSPORTS.iter().map(|name| driver(name, &[])).collect();
            Exim { transports: Ok(transports), ..good() }
        };
        let older_router = || {
            let mut routers = good().routers.unwrap();
            for router in &mut routers {
                router.options.retain(|(name, _)| name != "dnssec_request_domains");
                router.options.push(("dnssec_request_domains".into(), "${if x{*}}".into()));
            }
            Exim { routers: Ok(routers), ..good() }
        };
        let older_header = || {
            let header = driver("remote_smtp", &[("headers_add", "X-smtp-sts-verify: ${if x}")]);
            Exim { transports: Ok(vec![header]), routers: Ok(vec![]), ..good() }
        };
        for older in [older_transport(), older_router(), older_header()] {
            assert_eq!(of(older.clone(), Check::EximFiles), Health::Warning);
            let openssl = built(&["OpenSSL", "DANE"], &["dnsdb"], older);
            assert_eq!(of(openssl, Check::EximFiles), Health::Wrong);
        }
        let nothing = Exim { routers: Ok(vec![]), transports: Ok(vec![]), ..good() };
        assert_eq!(of(nothing, Check::EximFiles), Health::NotChecked);
    }
}
