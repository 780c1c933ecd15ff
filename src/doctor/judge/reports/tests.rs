use super::*;
use crate::doctor::Health;
use crate::doctor::judge::{exim, postfix as judge_postfix};
use crate::doctor::observations::TestMessage;

const MODULUS: &str = "MIIBCgKCAQEA";

/// A message that Exim signed (fixtures/dkim), and the key by which it did, as a record has it: behind 32 characters it is the bare
/// key.
pub(crate) const SIGNED_MESSAGE: &str = include_str!("../../../../fixtures/dkim/relaxed.eml");
pub(crate) const KEY: &str = include_str!("../../../../fixtures/dkim/rsa.key");

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
        let expected = if finding.check == Check::ReportsPostfix { Health::NotChecked } else { Health::Fine };
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
    assert_eq!(with(|reports| reports.key = Ok(vec!["a=b".into(); 2]), Check::ReportsKey), Health::Warning);
    assert_eq!(with(|reports| reports.key = Err("no answer".into()), Check::ReportsKey), Health::NotChecked);
    assert_eq!(
        with(|reports| reports.selector = Err("no Exim".into()), Check::ReportsKey),
        Health::NotChecked
    );
    assert_eq!(with(|reports| reports.public = Err("not allowed".into()), Check::ReportsKey), Health::Fine);
    for (readable, expected) in [(Ok(false), Health::Warning), (Err("nobody is root".into()), Health::Fine)] {
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
    assert_eq!(of(&|exim| exim.transports.as_mut().unwrap().retain(|one| one.name != OURS)), Health::Warning);
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
