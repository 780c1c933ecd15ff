use super::*;
use crate::doctor::observations::Edns;

/// A resolver on this machine with which all is well.
pub(crate) fn good() -> Server {
    Server {
        address: "127.0.0.1:53".parse().unwrap(),
        place: Place::Here,
        udp: Way::Answered(3),
        tcp: Way::Answered(4),
        edns: Some(Edns { size: 1232, dnssec_ok: true }),
        quickest: Some(1),
        positive: Chain::Proven,
        negative: Chain::Proven,
        validation: Validation { signed: Claim::Authentic, bogus: Claim::Withheld },
    }
}

fn dead() -> Server {
    let why = || "connection refused".to_owned();
    Server {
        address: "192.0.2.53:53".parse().unwrap(),
        place: Place::Elsewhere,
        udp: Way::Failed(why()),
        tcp: Way::Failed(why()),
        edns: None,
        quickest: None,
        positive: Chain::Silent(why()),
        negative: Chain::Silent(why()),
        validation: Validation { signed: Claim::Nothing, bogus: Claim::Nothing },
    }
}

fn health(findings: &[Finding], check: Check) -> Vec<Health> {
    findings.iter().filter(|finding| finding.check == check).map(|finding| finding.health).collect()
}

fn judged(servers: Vec<Server>) -> Vec<Finding> {
    judge(&Ok(servers))
}

fn of(server: Server, check: Check) -> Health {
    health(&judged(vec![server]), check)[0]
}

#[test]
fn a_good_resolver_is_fine_in_every_respect() {
    assert!(judged(vec![good()]).iter().all(|finding| finding.health == Health::Fine));
}

#[test]
fn without_a_server_nothing_can_be_asked() {
    assert_eq!(health(&judge(&Ok(vec![])), Check::ResolverList), [Health::Wrong]);
    assert_eq!(health(&judge(&Err("unreadable".into())), Check::ResolverList), [Health::Wrong]);
}

#[test]
fn a_dead_server_is_wrong_alone_and_a_warning_beside_a_good_one() {
    assert_eq!(of(dead(), Check::ResolverUdp), Health::Wrong);
    assert_eq!(of(dead(), Check::ResolverDnssec), Health::NotChecked);
    let two = judged(vec![dead(), good()]);
    assert_eq!(health(&two, Check::ResolverUdp), [Health::Warning, Health::Fine]);
}

#[test]
fn a_server_that_one_party_asks_is_judged_by_what_that_party_needs() {
    let plain = Validation { signed: Claim::Plain, bogus: Claim::Plain };
    let other = Server { address: "192.0.2.7:53".parse().unwrap(), validation: plain, ..good() };
    let conf = |server: &Server| Ok(ResolvConf { servers: vec![server.address], ..ResolvConf::default() });
    // `dns` names one that does not validate, which this program need not mind; Exim asks another one.
    let ours = judge_apart(&Ok(vec![other.clone()]), &[good()], &conf(&good()));
    assert!(ours.iter().all(|finding| finding.health == Health::Fine), "{ours:?}");
    // The other way round, Exim's DANE is in trouble.
    let theirs = judge_apart(&Ok(vec![good()]), std::slice::from_ref(&other), &conf(&other));
    assert_eq!(health(&theirs, Check::ResolverValidates), [Health::Fine, Health::Warning]);
    let silent = Server { address: other.address, ..dead() };
    let theirs = judge_apart(&Ok(vec![good()]), std::slice::from_ref(&silent), &conf(&silent));
    assert_eq!(health(&theirs, Check::ResolverUdp), [Health::Fine, Health::Wrong]);
}

#[test]
fn a_server_that_is_dead_is_told_once_and_nothing_about_it_is_fine() {
    let findings = judged(vec![dead()]);
    let about: Vec<_> = findings.iter().filter(|finding| finding.check != Check::ResolverList).collect();
    assert_eq!(about.iter().filter(|finding| finding.health == Health::Wrong).count(), 1, "{about:?}");
    assert!(about.iter().all(|finding| finding.health != Health::Fine), "{about:?}");
}

#[test]
fn what_could_not_be_asked_is_told_once_as_that_and_no_server_is_at_fault() {
    let why = || "Too many open files (os error 24)".to_owned();
    let not_asked = Validation { signed: Claim::NotAsked, bogus: Claim::NotAsked };
    let with = |udp, tcp| Server { udp, tcp, quickest: None, validation: not_asked, ..good() };
    let nothing = Server {
        edns: None,
        positive: Chain::NotAsked(why()),
        negative: Chain::NotAsked(why()),
        ..with(Way::NotAsked(why()), Way::NotAsked(why()))
    };
    let findings = judged(vec![nothing]);
    let (told, others): (Vec<_>, Vec<_>) =
        findings.iter().skip(1).partition(|finding| finding.check == Check::ResolverUdp);
    assert_eq!(told[0].seen, "it could not be asked: Too many open files (os error 24)");
    assert_eq!((told[0].health, told[0].is_blind), (Health::Warning, true));
    assert!(others.iter().all(|finding| finding.health == Health::NotChecked), "{others:?}");
    // Of what was left over the one way there was enough, over the other there was not.
    let of_tcp = with(Way::NotAsked(why()), Way::Answered(4));
    let of_udp = with(Way::Answered(4), Way::NotAsked(why()));
    for (server, check) in [(of_tcp, Check::ResolverUdp), (of_udp, Check::ResolverTcp)] {
        let findings = judged(vec![server]);
        assert_eq!(health(&findings, check), [Health::Warning]);
        assert!(findings.iter().all(|finding| finding.health < Health::Wrong), "{findings:?}");
        assert_eq!(health(&findings, Check::ResolverValidates), [Health::NotChecked]);
    }
    // It says nothing over the one, and was not asked over the other.
    let refused = with(Way::Failed("connection refused".into()), Way::NotAsked(why()));
    let findings = judged(vec![Server { edns: None, positive: Chain::Silent(why()), ..refused }]);
    let wrong: Vec<_> = findings.iter().filter(|finding| finding.health == Health::Wrong).collect();
    assert_eq!(wrong.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::ResolverUdp]);
}

#[test]
fn closed_tcp_is_a_warning_and_wrong_where_udp_is_too_small() {
    let closed = Server { tcp: Way::Failed("connection refused".into()), ..good() };
    assert_eq!(of(closed.clone(), Check::ResolverTcp), Health::Warning);
    assert_eq!(of(Server { udp: Way::CutShort, ..closed }, Check::ResolverTcp), Health::Wrong);
}

#[test]
fn whoever_strips_signatures_or_edns_is_wrong() {
    let stripping = Server { positive: Chain::Stripped, negative: Chain::Stripped, ..good() };
    assert_eq!(of(stripping.clone(), Check::ResolverDnssec), Health::Wrong);
    assert_eq!(of(stripping.clone(), Check::ResolverDenial), Health::Wrong);
    assert_eq!(of(Server { edns: None, ..good() }, Check::ResolverEdns), Health::Wrong);
    let two = judged(vec![good(), stripping]);
    assert_eq!(health(&two, Check::ResolverDnssec), [Health::Fine, Health::Warning]);
}

#[test]
fn whoever_invents_names_is_wrong() {
    let liar = Server { negative: Chain::Contrary("an address for it".into()), ..good() };
    assert_eq!(of(liar, Check::ResolverDenial), Health::Wrong);
}

#[test]
fn our_own_faults_are_not_the_servers() {
    let server = Server { positive: Chain::OwnFault, negative: Chain::OwnFault, ..good() };
    assert_eq!(of(server, Check::ResolverDnssec), Health::NotChecked);
}

#[test]
fn an_ad_bit_that_comes_too_easily_or_from_afar_is_a_warning() {
    let claims = |signed, bogus| Server { validation: Validation { signed, bogus }, ..good() };
    for (signed, bogus, expected) in [
        (Claim::Authentic, Claim::Nothing, Health::Fine),
        (Claim::Authentic, Claim::Authentic, Health::Warning),
        (Claim::Authentic, Claim::Plain, Health::Warning),
        (Claim::Plain, Claim::Plain, Health::Warning),
        (Claim::Withheld, Claim::Withheld, Health::Warning),
    ] {
        assert_eq!(of(claims(signed, bogus), Check::ResolverValidates), expected, "{signed:?} {bogus:?}");
    }
    assert_eq!(of(Server { place: Place::Elsewhere, ..good() }, Check::ResolverPlace), Health::Warning);
    let plain = claims(Claim::Plain, Claim::Plain);
    assert_eq!(of(Server { place: Place::Elsewhere, ..plain }, Check::ResolverPlace), Health::Fine);
}

#[test]
fn slow_is_a_warning() {
    assert_eq!(of(Server { quickest: Some(251), ..good() }, Check::ResolverSpeed), Health::Warning);
    assert_eq!(of(Server { quickest: Some(250), ..good() }, Check::ResolverSpeed), Health::Fine);
}
