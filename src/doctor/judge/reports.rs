//! Reports that leave: whether they do, and whether anybody takes them.

use super::avoided::avoids;
use super::postfix::for_reports;
use super::{fine, signature, unchecked, warning};
use crate::doctor::observations::{Exim, Postfix, Reports, Seen};
use crate::doctor::read::exim::Driver;
use crate::doctor::{Check, Finding};
use crate::policy::tls_rpt;
use crate::policy::txt::Published;
use crate::text::excerpt;
use data_encoding::BASE64;

/// The router and the transport of exim/reports.
const OURS: &str = "smtp_sts_reports";

/// The kind of service that a key for reports names (RFC 8460 section 3).
const SERVICE: &str = "tlsrpt";

/// Judges what reports need.
#[must_use]
pub fn judge(reports: &Reports, exim: &Seen<Exim>, postfix: &Seen<Postfix>) -> Vec<Finding> {
    vec![
        match &reports.sendmail {
            Ok(path) => fine(Check::ReportsSendmail, path.display().to_string()),
            Err(why) => warning(Check::ReportsSendmail, why),
        },
        match exim {
            Ok(exim) => route(reports, exim),
            Err(why) => unchecked(Check::ReportsRoute, why),
        },
        key(reports),
        signature::judge(reports),
        match postfix {
            Ok(postfix) => for_reports(reports, postfix),
            Err(why) => unchecked(Check::ReportsPostfix, why),
        },
        timer(&reports.timer),
        own(&reports.own),
    ]
}

/// Whether a router lets nothing pass but what Exim's own user hands over: the one of exim/reports, as it comes.
pub(super) fn is_for_reports_alone(router: &Driver) -> bool {
    let condition = router.option("condition").unwrap_or_default();
    router.name == OURS && condition.contains("{eq{$originator_uid}{$exim_uid}}")
}

fn route(reports: &Reports, exim: &Exim) -> Finding {
    const CHECK: Check = Check::ReportsRoute;
    let (routers, transports) = match (&exim.routers, &exim.transports) {
        (Ok(routers), Ok(transports)) => (routers, transports),
        (Err(why), _) | (_, Err(why)) => return unchecked(CHECK, why),
    };
    let place = |name: &str| routers.iter().position(|router| router.name == name);
    let Some(ours) = place(OURS) else {
        return warning(CHECK, "the router smtp_sts_reports is not loaded");
    };
    let sender = exim.macros.as_ref().ok().and_then(|macros| {
        macros.iter().find(|(name, _)| name == "SMTP_STS_REPORTS_SENDER").map(|(_, value)| value.trim())
    });
    match sender {
        Some(sender) if !sender.eq_ignore_ascii_case(&reports.contact) => {
            return warning(
                CHECK,
                format!(
                    "SMTP_STS_REPORTS_SENDER is {}, and contact is {}",
                    excerpt(sender, 120),
                    excerpt(&reports.contact, 120)
                ),
            );
        }
        None => return unchecked(CHECK, "Exim does not tell SMTP_STS_REPORTS_SENDER"),
        Some(_) => {}
    }
    if place("smtp_sts_ask").is_some_and(|asks| asks < ours) {
        return warning(
            CHECK,
            "the router smtp_sts_reports stands behind smtp_sts_ask, which takes reports first",
        );
    }
    if !routers.get(ours).is_some_and(is_for_reports_alone) {
        return warning(CHECK, "the router smtp_sts_reports lets others pass than Exim's own user");
    }
    let Some(transport) = transports.iter().find(|transport| transport.name == OURS) else {
        return warning(CHECK, "the transport smtp_sts_reports is not loaded");
    };
    if let Some(option) = demand(transport) {
        return warning(CHECK, format!("the transport smtp_sts_reports has {option}"));
    }
    match transports.iter().find_map(avoids) {
        Some(transport) => warning(CHECK, transport),
        None => fine(
            CHECK,
            format!("R=smtp_sts_reports T=smtp_sts_reports for {}", excerpt(&reports.contact, 120)),
        ),
    }
}

/// An option of the transport with which a report would wait, be counted, or be left unsigned.
fn demand(transport: &Driver) -> Option<String> {
    let value = |name: &str| transport.option(name).unwrap_or_default();
    let unwanted =
        ["event_action", "hosts_try_dane", "hosts_require_dane", "hosts_require_tls", "tls_verify_hosts"];
    let set = unwanted.into_iter().find(|name| !value(name).is_empty());
    set.map(|name| format!("{name} = {}", excerpt(value(name), 80)))
        .or_else(|| value("dkim_private_key").is_empty().then(|| "no dkim_private_key".to_owned()))
}

fn key(reports: &Reports) -> Finding {
    const CHECK: Check = Check::ReportsKey;
    let selector = match &reports.selector {
        Ok(selector) => excerpt(selector, 64),
        Err(why) => return unchecked(CHECK, format!("it is not known which selector signs: {why}")),
    };
    let record = match &reports.key {
        Ok(records) => match records.as_slice() {
            [] => return warning(CHECK, format!("no TXT record of the selector {selector}")),
            [record] => record,
            several => {
                return warning(CHECK, format!("{} TXT records of the selector {selector}", several.len()));
            }
        },
        Err(why) => return unchecked(CHECK, format!("the record of the selector {selector}: {why}")),
    };
    let tags: Vec<(&str, &str)> = record
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    let tag = |name: &str| tags.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let published = published(record);
    if published.is_empty() {
        return warning(CHECK, format!("the record of the selector {selector} has no key"));
    }
    match tag("s") {
        Some(SERVICE) => {}
        None => {
            return warning(
                CHECK,
                format!(
                    "the record of the selector {selector} does not say s=tlsrpt: its key is for all mail"
                ),
            );
        }
        Some(other) => {
            return warning(
                CHECK,
                format!("the record of the selector {selector} says s={}, not s=tlsrpt", excerpt(other, 40)),
            );
        }
    }
    if reports.readable == Ok(false) {
        return warning(CHECK, "Exim's user cannot read the key's file: each report waits for its signature");
    }
    match &reports.public {
        Err(why) => fine(CHECK, format!("{selector}, s=tlsrpt; not compared with the key that signs: {why}")),
        Ok(signs) if is_of(&published, signs) => {
            fine(CHECK, format!("{selector}, s=tlsrpt, the key that signs"))
        }
        Ok(_) => warning(
            CHECK,
            format!("the record of the selector {selector} has another key than the one that signs"),
        ),
    }
}

/// The key of a record, base64.
pub(super) fn published(record: &str) -> String {
    let tags = record.split(';').filter_map(|tag| tag.split_once('='));
    let value = tags.into_iter().find_map(|(name, value)| (name.trim() == "p").then_some(value));
    value.unwrap_or_default().split_whitespace().collect()
}

/// Whether the key of a record (a SubjectPublicKeyInfo, as is usual, or the bare key of RFC 6376 section 3.6.1) is that one.
fn is_of(published: &str, signs: &str) -> bool {
    match (BASE64.decode(published.as_bytes()), BASE64.decode(signs.as_bytes())) {
        (Ok(published), Ok(signs)) => !signs.is_empty() && published.ends_with(&signs),
        _ => false,
    }
}

fn timer(timer: &Seen<String>) -> Finding {
    const CHECK: Check = Check::ReportsTimer;
    match timer.as_deref() {
        Ok("enabled" | "enabled-runtime") => fine(CHECK, "smtp-sts-verify-reports.timer is enabled"),
        Ok("") => warning(CHECK, "systemd knows no smtp-sts-verify-reports.timer"),
        Ok(word) => warning(CHECK, format!("smtp-sts-verify-reports.timer: {}", excerpt(word, 80))),
        Err(why) => unchecked(CHECK, why),
    }
}

fn own(own: &Seen<Vec<String>>) -> Finding {
    const CHECK: Check = Check::ReportsRecord;
    let records = match own {
        Ok(records) => records,
        Err(why) => return unchecked(CHECK, why),
    };
    let octets: Vec<Vec<u8>> = records.iter().map(|record| record.as_bytes().to_vec()).collect();
    match tls_rpt::published(&octets) {
        Published::Record(_) => {
            fine(CHECK, records.iter().map(|record| excerpt(record, 120)).collect::<Vec<_>>().join(" "))
        }
        Published::Nothing => warning(CHECK, "no TLSRPT record"),
        Published::Several(number) => warning(CHECK, format!("{number} TLSRPT records, so none counts")),
        Published::Malformed(_) => {
            warning(CHECK, "the TLSRPT record is malformed; `smtp-sts-verify lint` says how")
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::judge::{exim, postfix as judge_postfix};
    use crate::doctor::observations::TestMessage;

    const MODULUS: &str = "MIIBCgKCAQEA";

    /// A message that Exim signed (fixtures/dkim), and the key by which it did, as a record has it: behind 32 characters it is the bare
    /// key.
    pub(crate) const SIGNED_MESSAGE: &str = include_str!("../../../fixtures/dkim/relaxed.eml");
    pub(crate) const KEY: &str = include_str!("../../../fixtures/dkim/rsa.key");

    /// All that reports need, with Exim.
    pub(crate) fn good() -> Reports {
        Reports {
            contact: "tls-reports@example.org".into(),
            sendmail: Ok("/usr/sbin/sendmail".into()),
            selector: Ok("tlsrpt1".into()),
            key: Ok(vec![format!("v=DKIM1; k=rsa; s=tlsrpt; p={KEY}")]),
            public: Ok(KEY[32..].into()),
            readable: Ok(true),
            signed: Ok(TestMessage::HandedOver(SIGNED_MESSAGE.into())),
            own: Ok(vec!["v=TLSRPTv1; rua=mailto:tls-reports@example.org".into()]),
            timer: Ok("enabled".into()),
        }
    }

    /// The same Exim with the files of exim/reports, as it prints them.
    pub(crate) fn with_route(mut exim: Exim) -> Exim {
        let driver = |options: &[(&str, &str)]| Driver {
            name: OURS.into(),
            options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let options = [
            ("event_action", ""),
            ("hosts_try_dane", ""),
            ("tls_verify_hosts", ""),
            ("tls_try_verify_hosts", "*"),
            ("dkim_private_key", "/etc/exim4/tlsrpt.key"),
        ];
        let condition = "${if and{{eq{$sender_host_address}{}}{eq{$originator_uid}{$exim_uid}}}}";
        let router = driver(&[("driver", "dnslookup"), ("condition", condition)]);
        exim.routers.as_mut().unwrap().insert(1, router);
        exim.transports.as_mut().unwrap().push(driver(&options));
        let sender = ("SMTP_STS_REPORTS_SENDER".to_owned(), "tls-reports@example.org".to_owned());
        exim.macros.as_mut().unwrap().push(sender);
        exim
    }

    /// The same Postfix with a delivery agent for reports, which an older one needs.
    pub(crate) fn with_agent(mut postfix: Postfix) -> Postfix {
        let map = "inline:{{tls-reports@example.org=tls-reports:}}";
        let agent = ("sender_dependent_default_transport_maps".to_owned(), map.to_owned());
        postfix.settings.as_mut().unwrap().push(agent);
        postfix
    }

    fn good_exim() -> Exim {
        with_route(exim::tests::good())
    }

    fn of(reports: &Reports, exim: &Seen<Exim>, check: Check) -> (Health, String) {
        let findings = judge(reports, exim, &Ok(judge_postfix::tests::good()));
        let finding = findings.into_iter().find(|finding| finding.check == check).unwrap();
        (finding.health, finding.seen)
    }

    fn with(change: impl FnOnce(&mut Reports), check: Check) -> Health {
        let mut reports = good();
        change(&mut reports);
        of(&reports, &Ok(good_exim()), check).0
    }

    #[test]
    fn where_all_is_there_all_is_fine() {
        for finding in judge(&good(), &Ok(good_exim()), &Err("no Postfix here".into())) {
            let expected =
                if finding.check == Check::ReportsPostfix { Health::NotChecked } else { Health::Fine };
            assert_eq!(finding.health, expected, "{finding:?}");
        }
    }

    #[test]
    fn a_key_that_receivers_would_not_take_is_told() {
        for (record, expected) in [
            ("v=DKIM1; s=tlsrpt; p=MIIBCgKCAQEA", Health::Fine),
            ("v=DKIM1;s=tlsrpt;p=MIIBCg KCAQEA ;", Health::Fine),
            ("v=DKIM1; p=MIIBCgKCAQEA", Health::Warning),
            ("v=DKIM1; s=*; p=MIIBCgKCAQEA", Health::Warning),
            ("v=DKIM1; s=email; p=MIIBCgKCAQEA", Health::Warning),
            // A reader of others knows no lists: dkimpy 1.1.8 refuses it.
            ("v=DKIM1; s=email:tlsrpt; p=MIIBCgKCAQEA", Health::Warning),
            ("v=DKIM1; s=tlsrpt; p=", Health::Warning),
            ("v=DKIM1; s=tlsrpt; p=AAAA", Health::Warning),
            ("v=DKIM1; s=tlsrpt; p=%%%%", Health::Warning),
            ("", Health::Warning),
        ] {
            let change = |reports: &mut Reports| {
                (reports.key, reports.public) = (Ok(vec![record.into()]), Ok(MODULUS.into()));
            };
            assert_eq!(with(change, Check::ReportsKey), expected, "{record}");
        }
        assert_eq!(with(|reports| reports.key = Ok(Vec::new()), Check::ReportsKey), Health::Warning);
        assert_eq!(
            with(|reports| reports.key = Ok(vec!["a=b".into(); 2]), Check::ReportsKey),
            Health::Warning
        );
        assert_eq!(
            with(|reports| reports.key = Err("no answer".into()), Check::ReportsKey),
            Health::NotChecked
        );
        assert_eq!(
            with(|reports| reports.selector = Err("no Exim".into()), Check::ReportsKey),
            Health::NotChecked
        );
        assert_eq!(
            with(|reports| reports.public = Err("not allowed".into()), Check::ReportsKey),
            Health::Fine
        );
        for (readable, expected) in
            [(Ok(false), Health::Warning), (Err("nobody is root".into()), Health::Fine)]
        {
            assert_eq!(with(|reports| reports.readable = readable, Check::ReportsKey), expected);
        }
    }

    #[test]
    fn what_strangers_publish_is_told_within_bounds() {
        let mut reports = good();
        reports.key = Ok(vec![format!("s={}; p=MIIBCgKCAQEA", "x".repeat(60_000))]);
        assert!(of(&reports, &Ok(good_exim()), Check::ReportsKey).1.len() < 300);
    }

    #[test]
    fn a_way_that_reports_do_not_take_is_told() {
        let of = |change: &dyn Fn(&mut Exim)| {
            let mut exim = good_exim();
            change(&mut exim);
            of(&good(), &Ok(exim), Check::ReportsRoute).0
        };
        assert_eq!(of(&|_| {}), Health::Fine);
        assert_eq!(
            of(&|exim| exim.routers.as_mut().unwrap().retain(|router| router.name != OURS)),
            Health::Warning
        );
        assert_eq!(
            of(&|exim| exim.transports.as_mut().unwrap().retain(|one| one.name != OURS)),
            Health::Warning
        );
        assert_eq!(of(&|exim| exim.routers.as_mut().unwrap().reverse()), Health::Warning);
        let open = |exim: &mut Exim| {
            let ours = exim.routers.as_mut().unwrap().iter_mut().find(|router| router.name == OURS).unwrap();
            ours.options.retain(|(name, _)| name != "condition");
        };
        assert_eq!(of(&open), Health::Warning);
        let mut exim = good_exim();
        open(&mut exim);
        assert_eq!(exim::tests::of(exim, Check::EximRouters), Health::Wrong);
        assert_eq!(exim::tests::of(good_exim(), Check::EximRouters), Health::Fine);
        // A host that this machine gives no chance is reported as one that refuses, if its sessions are told.
        for (told, option, expected) in [
            ("${run}", "hosts_avoid_tls", Health::Warning),
            // That is for callouts.
            ("${run}", "hosts_verify_avoid_tls", Health::Fine),
            ("x avoid=${quote:}}", "hosts_verify_avoid_tls", Health::Fine),
            ("x avoid=${quote:*}}", "hosts_avoid_tls", Health::Warning),
            ("x avoid=${quote:*}}", "hosts_avoid_esmtp", Health::Warning),
            ("x avoid=${quote:${if def:verify_mode{*:}}192.0.2.9}}", "hosts_avoid_tls", Health::Fine),
            ("${run}", "hosts_avoid_esmtp", Health::Fine),
            ("", "hosts_avoid_tls", Health::Fine),
            ("x avoid=${quote:192.0.2.9}}", "hosts_avoid_tls", Health::Fine),
            ("x avoid=${quote:192.0.2.8}}", "hosts_avoid_tls", Health::Warning),
        ] {
            let add = |exim: &mut Exim| {
                let options = [("event_action", told), (option, "192.0.2.9")];
                let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let driver = Driver { name: "remote_smtp".into(), options: options.into_iter().collect() };
                exim.transports.as_mut().unwrap().push(driver);
            };
            assert_eq!(of(&add), expected);
        }
        for option in ["event_action", "hosts_try_dane"] {
            let set = |exim: &mut Exim| {
                let transports = exim.transports.as_mut().unwrap();
                let ours = transports.iter_mut().find(|transport| transport.name == OURS).unwrap();
                ours.options.retain(|(name, _)| name != option);
                ours.options.push((option.into(), "*".into()));
            };
            assert_eq!(of(&set), Health::Warning, "{option}");
        }
        assert_eq!(
            with(|reports| reports.contact = "another@example.org".into(), Check::ReportsRoute),
            Health::Warning
        );
        assert_eq!(
            with(|reports| reports.contact = "TLS-Reports@Example.org".into(), Check::ReportsRoute),
            Health::Fine
        );
    }

    #[test]
    fn a_postfix_that_would_keep_or_count_reports_is_told() {
        let of = |version: &str, more: &[(&str, &str)]| {
            let mut postfix = judge_postfix::tests::good();
            let settings = postfix.settings.as_mut().unwrap();
            settings.retain(|(name, _)| name != "mail_version");
            settings.push(("mail_version".into(), version.into()));
            settings.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
            for_reports(&good(), &postfix).health
        };
        let agent =
            ("sender_dependent_default_transport_maps", "inline:{{tls-reports@example.org=tls-reports:}}");
        for version in ["3.7.11", "3.10.0", "3.10.3", "3.10"] {
            assert_eq!(of(version, &[]), Health::Warning, "{version}");
            assert_eq!(of(version, &[agent]), Health::Fine, "{version}");
        }
        for version in ["3.10.4", "3.10.13", "3.11.7", "4.0.0", "3.12-20260821"] {
            assert_eq!(of(version, &[]), Health::Fine, "{version}");
        }
        let told = ("smtp_tlsrpt_enable", "yes");
        for (level, expected) in [
            ("1", Health::Warning),
            ("summary", Health::Warning),
            ("summary, untrusted", Health::Fine),
            ("2", Health::Fine),
        ] {
            assert_eq!(of("3.10.13", &[told, ("smtp_tls_loglevel", level)]), expected, "{level}");
        }
    }

    #[test]
    fn a_timer_that_is_not_enabled_and_a_domain_without_a_record_are_told() {
        for (word, expected) in [
            ("enabled", Health::Fine),
            ("disabled", Health::Warning),
            ("masked", Health::Warning),
            ("", Health::Warning),
        ] {
            assert_eq!(with(|reports| reports.timer = Ok(word.into()), Check::ReportsTimer), expected);
        }
        assert_eq!(
            with(|reports| reports.timer = Err("no systemd".into()), Check::ReportsTimer),
            Health::NotChecked
        );
        for (records, expected) in [
            (vec!["v=TLSRPTv1; rua=mailto:x@example.org"], Health::Fine),
            (vec![], Health::Warning),
            (vec!["v=TLSRPTv1; rua=mailto:x@example.org"; 2], Health::Warning),
            (vec!["v=tlsrptv1; rua=mailto:x@example.org"], Health::Warning),
        ] {
            let own = records.iter().map(ToString::to_string).collect();
            assert_eq!(with(|reports| reports.own = Ok(own), Check::ReportsRecord), expected, "{records:?}");
        }
        assert_eq!(
            with(|reports| reports.sendmail = Err("not there".into()), Check::ReportsSendmail),
            Health::Warning
        );
    }
}
