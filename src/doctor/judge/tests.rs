use super::*;
use crate::doctor::judge::network::tests::outside;
use crate::doctor::observations::{Chain, Claim, Place, ResolvConf, Server, Validation, Way};

pub(crate) const NOW: UnixTime = UnixTime(1_790_000_000);

/// A machine with which all is well.
pub(crate) fn fine_machine() -> Everything {
    Everything {
        outside: Ok(outside()),
        cache: cache::tests::good(),
        exim: Ok(reports::tests::with_route(exim::tests::good())),
        postfix: Ok(reports::tests::with_agent(postfix::tests::good())),
        reports: Some(reports::tests::good()),
    }
}

/// A resolver elsewhere that removes signatures and does not listen on TCP.
pub(crate) fn stripped_resolver() -> Everything {
    let address = "192.0.2.53:53".parse().unwrap();
    let server = Server {
        address,
        place: Place::Elsewhere,
        udp: Way::Answered(12),
        tcp: Way::Failed("Connection refused (os error 111)".into()),
        edns: None,
        quickest: Some(4),
        positive: Chain::Stripped,
        negative: Chain::Stripped,
        validation: Validation { signed: Claim::Plain, bogus: Claim::Plain },
    };
    let none = || "no name server told the root's keys, or no trust anchor is the root's".to_owned();
    let seen = Outside {
        servers: Ok(vec![server]),
        resolv_conf: Ok(ResolvConf { servers: vec![address], ..ResolvConf::default() }),
        root: Err(none()),
        https_date: Err("no date: nothing can be resolved".into()),
        ..outside()
    };
    let postfix = postfix::tests::good();
    let postfix = Postfix { resolver_in_chroot: Some(Ok(vec![address])), ..postfix };
    Everything { outside: Ok(seen), postfix: Ok(reports::tests::with_agent(postfix)), ..fine_machine() }
}

/// This program alone, without a cache and without Exim, looked at by an ordinary user.
pub(crate) fn nothing_installed() -> Everything {
    let mut cache = cache::tests::good();
    cache.place.directory = Err("/var/lib/smtp-sts-verify does not exist; create it".into());
    Everything {
        cache,
        exim: Err("no Exim at /usr/sbin/exim4, or where else it may be".into()),
        postfix: Err("no Postfix here (postconf)".into()),
        reports: None,
        ..fine_machine()
    }
}

#[test]
fn each_machine_has_the_health_that_its_operator_has_to_know() {
    for (machine, expected) in [
        (fine_machine(), Health::Fine),
        (stripped_resolver(), Health::Wrong),
        (nothing_installed(), Health::Wrong),
    ] {
        assert_eq!(judge(&machine, NOW).health(), expected);
    }
}

#[test]
fn of_several_faults_each_is_told_once_in_the_order_of_the_page_and_none_that_follows_from_another() {
    let refused = || Way::Failed("Connection refused (os error 111)".into());
    let silent = || Chain::Silent("Connection refused (os error 111)".into());
    let dead = Server {
        udp: refused(),
        tcp: refused(),
        positive: silent(),
        negative: silent(),
        ..resolvers::tests::good()
    };
    let fine = fine_machine();
    let mut postfix = postfix::tests::good();
    postfix.resolver_in_chroot = Some(Ok(vec!["192.0.2.9:53".parse().unwrap()]));
    let temporary = |reason: &str| format!("postmap: warning: socketmap server temporary error: {reason}");
    postfix.asked[0].1 = Err(temporary("dns-unreachable: smtp-sts-verify doctor"));
    let mut exim = exim::tests::good();
    exim.as_root = Ok("verdict=defer reason=dns-unreachable asked=daemon".into());
    let mut cache = cache::tests::good();
    cache.place.directory = Err("the cache is not trusted: chmod go-w it".into());
    let none = || "no name server told the root's keys, or no trust anchor is the root's".to_owned();
    let seen = Outside {
        servers: Ok(vec![dead]),
        root: Err(none()),
        https_date: Err("no date".into()),
        authorities: Err("no CA certificates on this system".into()),
        ..outside()
    };
    let machine = Everything {
        outside: Ok(seen),
        postfix: Ok(reports::tests::with_agent(postfix)),
        exim: Ok(reports::tests::with_route(exim)),
        cache,
        ..fine
    };
    let diagnosis = judge(&machine, NOW);
    let bad: Vec<Check> = diagnosis.only_bad().findings.iter().map(|finding| finding.check).collect();
    assert_eq!(bad, [Check::ResolverUdp, Check::CaStore, Check::CachePlace, Check::PostfixResolver]);
    let page = crate::doctor::human::page(&diagnosis.only_bad(), crate::render::page::Paint::Plain);
    for cause in ["Connection refused", "no CA certificates", "chmod go-w it", "192.0.2.9:53"] {
        assert_eq!(page.matches(cause).count(), 1, "{cause}: {page}");
    }
    assert!(page.lines().all(|line| line.len() <= 80), "{page}");
}

#[test]
fn a_machine_with_one_of_the_two_mail_servers_is_fine() {
    let nobody = || "none here".to_owned();
    assert_eq!(judge(&Everything { exim: Err(nobody()), ..fine_machine() }, NOW).health(), Health::Fine);
    assert_eq!(judge(&Everything { postfix: Err(nobody()), ..fine_machine() }, NOW).health(), Health::Fine);
    let neither = Everything { exim: Err(nobody()), postfix: Err(nobody()), ..fine_machine() };
    assert_eq!(judge(&neither, NOW).health(), Health::Warning);
}

#[test]
fn trust_ad_is_for_exim_and_an_old_postfix() {
    let health = |exim: Seen<Exim>, version: &str| {
        let resolv_conf = ResolvConf { options: vec!["edns0".into()], ..outside().resolv_conf.unwrap() };
        let mut postfix = postfix::tests::good();
        postfix.settings.as_mut().unwrap().retain(|(name, _)| name != "mail_version");
        postfix.settings.as_mut().unwrap().push(("mail_version".into(), version.into()));
        let outside = Ok(Outside { resolv_conf: Ok(resolv_conf), ..outside() });
        let machine = Everything { outside, exim, postfix: Ok(postfix), reports: None, ..fine_machine() };
        let findings = judge(&machine, NOW).findings;
        findings.iter().find(|finding| finding.check == Check::ResolvConfTrustAd).unwrap().health
    };
    assert_eq!(health(Err("no Exim".into()), "3.7.11"), Health::Fine);
    assert_eq!(health(Err("no Exim".into()), "3.4.5"), Health::Warning);
    assert_eq!(health(Ok(exim::tests::good()), "3.7.11"), Health::Warning);
}

#[test]
fn a_fine_machine_has_every_check_looked_at() {
    let findings = judge(&fine_machine(), NOW).findings;
    for check in Check::ALL {
        assert!(findings.iter().any(|finding| finding.check == check), "{}", check.word());
    }
}

#[test]
fn a_doctor_who_could_not_look_at_anything_outside_does_not_call_it_fine() {
    let blind =
        Everything { outside: Err("as user 65534: the program cannot be started".into()), ..fine_machine() };
    let found = judge(&blind, NOW);
    assert_eq!(found.health(), Health::Warning);
    let list = found.findings.iter().find(|finding| finding.check == Check::ResolverList).unwrap();
    assert!(list.fix().contains("If it cannot be started, see why that user may not run"), "{}", list.fix());
}

#[test]
fn what_a_child_saw_survives_the_way_home() {
    let there = outside();
    let back: Outside = serde_json::from_str(&serde_json::to_string(&there).unwrap()).unwrap();
    assert_eq!(format!("{there:?}"), format!("{back:?}"));
}

#[test]
fn times_and_sizes_are_told_in_units_that_people_read() {
    assert_eq!(
        [1, 119, 120, 7_300, 200_000].map(ago),
        ["1 second", "119 seconds", "2 minutes", "2 hours", "2 days"]
    );
    assert_eq!([512, 40_960, 1 << 30].map(octets), ["512 octets", "40 KiB", "1024 MiB"]);
}
