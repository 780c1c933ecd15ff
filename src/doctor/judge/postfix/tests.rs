use super::*;
use crate::doctor::Health;

/// A Postfix that is set up as its page says.
pub(crate) fn good() -> Postfix {
    with("socketmap:inet:127.0.0.1:8461:policy", "3.7.11")
}

fn with(maps: &str, version: &str) -> Postfix {
    let settings = [
        ("mail_version", version),
        ("smtp_tls_policy_maps", maps),
        ("smtp_tls_security_level", "may"),
        ("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"),
        ("smtp_dns_support_level", "dnssec"),
    ];
    Postfix {
        binary: "/usr/sbin/postconf".into(),
        settings: Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()),
        chroot: Ok(true),
        resolver_in_chroot: Some(Ok(system().unwrap().servers)),
        sockets_in_chroot: Vec::new(),
        authorities: Some(Ok(140)),
        asked: postfix::socketmaps(maps).into_iter().map(|map| (map, Ok(String::new()))).collect(),
    }
}

fn system() -> Seen<ResolvConf> {
    Ok(ResolvConf { servers: vec!["127.0.0.1:53".parse().unwrap()], ..ResolvConf::default() })
}

fn of(postfix: Postfix, check: Check) -> Health {
    judge(&Ok(postfix), false, &system()).iter().find(|finding| finding.check == check).unwrap().health
}

fn set(name: &str, value: &str) -> Postfix {
    let mut postfix = good();
    let settings = postfix.settings.as_mut().unwrap();
    settings.retain(|(key, _)| key != name);
    settings.push((name.to_owned(), value.to_owned()));
    postfix
}

#[test]
fn a_postfix_that_is_set_up_as_its_page_says_is_fine() {
    let findings = judge(&Ok(good()), false, &system());
    assert!(findings.iter().all(|finding| finding.health == Health::Fine), "{findings:?}");
    assert_eq!(findings.len(), 10);
    assert_eq!(judge(&Err("no Postfix here".into()), true, &system())[0].health, Health::NotChecked);
}

#[test]
fn what_keeps_mail_waiting_is_wrong() {
    assert_eq!(
        of(with("socketmap:inet:127.0.0.1:8461:policy", "3.3.1"), Check::PostfixVersion),
        Health::Wrong
    );
    assert_eq!(of(set("smtp_dns_support_level", "enabled"), Check::PostfixDnssec), Health::Wrong);
    let without = Postfix { authorities: None, ..set("smtp_tls_CAfile", "") };
    assert_eq!(of(without, Check::PostfixCa), Health::Wrong);
    let unreadable = Postfix { authorities: Some(Err("no such file".into())), ..good() };
    assert_eq!(of(unreadable, Check::PostfixCa), Health::Wrong);
    let socket = "socketmap:unix:/run/smtp-sts-verify/postfix.sock:policy";
    assert_eq!(of(with(socket, "3.7"), Check::PostfixChroot), Health::Wrong);
    assert_eq!(of(Postfix { chroot: Ok(false), ..with(socket, "3.7") }, Check::PostfixChroot), Health::Fine);
    let inside = Postfix {
        sockets_in_chroot: vec!["/run/smtp-sts-verify/postfix.sock".into()],
        ..with(socket, "3.7")
    };
    assert_eq!(of(inside, Check::PostfixChroot), Health::Fine);
    assert_eq!(of(with(&format!("proxy:{socket}"), "3.7"), Check::PostfixChroot), Health::Fine);
    let reporting = "socketmap:inet:127.0.0.1:8461:policy-tlsrpt";
    assert_eq!(of(with(reporting, "3.7.11"), Check::PostfixReports), Health::Wrong);
    assert_eq!(of(with(reporting, "3.10.2"), Check::PostfixReports), Health::Fine);
    let mut silent = good();
    silent.asked[0].1 = Err("Connection refused".into());
    assert_eq!(of(silent, Check::PostfixAnswer), Health::Wrong);
}

#[test]
fn a_chroot_whose_resolv_conf_is_an_earlier_one_is_told_with_both() {
    let seen = |resolver_in_chroot| {
        let postfix = Postfix { resolver_in_chroot, ..good() };
        let findings = judge(&Ok(postfix), false, &system());
        let finding = findings.into_iter().find(|finding| finding.check == Check::PostfixResolver).unwrap();
        (finding.health, finding.seen)
    };
    let (health, words) = seen(Some(Ok(vec!["192.0.2.9:53".parse().unwrap()])));
    assert_eq!(health, Health::Warning);
    assert_eq!(
        words,
        "the resolv.conf in the chroot of smtp(8) names 192.0.2.9:53, and /etc/resolv.conf 127.0.0.1:53"
    );
    assert_eq!(seen(None).0, Health::NotChecked);
    assert_eq!(
        of(Postfix { chroot: Ok(false), resolver_in_chroot: None, ..good() }, Check::PostfixResolver),
        Health::Fine
    );
}

#[test]
fn what_postmap_complains_of_is_told_once() {
    let mut away = good();
    away.asked[0].1 = Err("/usr/sbin/postmap: exit status: 1: postmap: warning: connect to 127.0.0.1:8461: Connection refused\n\
                           postmap: fatal: table socketmap:inet:127.0.0.1:8461:policy: query error: Connection refused"
        .into());
    let findings = judge(&Ok(away), false, &system());
    let answer = findings.iter().find(|finding| finding.check == Check::PostfixAnswer).unwrap();
    assert_eq!(
        answer.seen,
        "socketmap:inet:127.0.0.1:8461:policy: connect to 127.0.0.1:8461: Connection refused"
    );
    assert_eq!(cause("/usr/sbin/postmap did not end in time"), "/usr/sbin/postmap did not end in time");
}

#[test]
fn a_postfix_that_asks_nobody_is_a_warning_and_beside_exim_a_choice() {
    assert_eq!(of(with("", "3.7.11"), Check::PostfixMap), Health::Warning);
    assert_eq!(of(with("hash:/etc/postfix/tls_policy", "3.7.11"), Check::PostfixMap), Health::Warning);
    let beside = judge(&Ok(with("", "3.7.11")), true, &system());
    assert_eq!(beside.last().unwrap().health, Health::NotChecked);
    assert_eq!(of(set("smtp_tls_security_level", ""), Check::PostfixLevel), Health::Warning);
}
