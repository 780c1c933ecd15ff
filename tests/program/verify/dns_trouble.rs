//! What a name server may do to one question of a delivery, for each question, in a signed and in an unsigned zone: what is not
//! an answer is never taken for an absence (RFC 7672 section 2.1, RFC 4035 section 5).

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::program::Program;
use std::ops::RangeInclusive;
use std::thread;

/// Everything but an answer; the last three are answers whose proof is missing or false.
fn troubles() -> [Manner; 6] {
    [Manner::Servfail, Manner::Refused, Manner::Silent, Manner::Nothing, Manner::Stripped, Manner::Altered]
}

/// The questions of a delivery to `mx.DOMAIN`; those in one line have the same say.
fn questions(domain: &str) -> Vec<Vec<(String, &'static str)>> {
    let one = |name: String, rtype| vec![(name, rtype)];
    let host = format!("mx.{domain}");
    vec![
        one(format!("_mta-sts.{domain}"), "TXT"),
        one(format!("_smtp_sts.{domain}"), "TXT"),
        one(format!("_smtp-sts.{domain}"), "TXT"),
        one(domain.to_owned(), "MX"),
        // One family that is secure locates the TLSA records, whatever becomes of the other (RFC 7672 section 2.2.2).
        vec![(host.clone(), "A"), (host.clone(), "AAAA")],
        one(format!("_25._tcp.{host}"), "TLSA"),
    ]
}

/// How often each of these is asked, so that the trouble is met; there is one name server.
fn times(manner: &Manner, questions: &[(String, &str)], is_signed: bool) -> RangeInclusive<usize> {
    let is_for_dane = questions.iter().any(|(_, rtype)| ["A", "AAAA", "TLSA"].contains(rtype));
    match manner {
        // RFC 7672 section 2.2.1: DANE has nothing to say of the hosts that an insecure MX RRset names.
        _ if !is_signed && is_for_dane => 0..=0,
        // At the beginning, and each 1.5 seconds of five: the last time only where the machine is quick.
        Manner::Silent => 3..=4,
        // Who cannot answer, or will not, is believed that.
        Manner::Servfail | Manner::Refused => 1..=1,
        // What is proven to be unsigned needs no proof; else the name server is asked to check for itself (RFC 4035 section 3.2.2).
        _ if !is_signed => 1..=1,
        _ => 2..=2,
    }
}

/// The answers, one for each trouble and question.
fn each_trouble(domain: &str, is_signed: bool) -> Vec<(String, String, String)> {
    let tried = |manner: Manner| {
        let mut told = Vec::new();
        for questions in questions(domain) {
            let lab = Laboratory::start();
            for (name, rtype) in &questions {
                lab.behave(Scope::question(name, rtype), manner.clone());
            }
            let program = Program::new(&lab).with(["--deadline", "5"]);
            let answer = program.delivery(domain, &format!("mx.{domain}"));
            let asked: usize = questions.iter().map(|(name, rtype)| lab.questions_for(name, rtype)).sum();
            let what = format!("{manner:?} for {questions:?} ({asked} asked): {}", answer.line);
            let expected = times(&manner, &questions, is_signed);
            assert!(expected.contains(&(asked / questions.len())), "{expected:?} times: {what}");
            told.push((what, answer.get("verdict").to_owned(), answer.get("tls").to_owned()));
        }
        told
    };
    thread::scope(|scope| {
        let running: Vec<_> = troubles().map(|manner| scope.spawn(|| tried(manner))).into_iter().collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// C11: a policy, an MX host or a TLSA record may be behind any of them, and nothing proves that there is none.
#[test]
fn whatever_happens_to_a_question_in_a_signed_zone_the_mail_waits() {
    for (what, verdict, _) in each_trouble("none.test", true) {
        assert_eq!(verdict, "defer", "{what}");
    }
}

/// What is not signed could be hidden by anybody at any time: the mail goes as it would without us, and with no word of a policy.
#[test]
fn whatever_happens_to_a_question_in_an_unsigned_zone_the_mail_goes() {
    for (what, verdict, tls) in each_trouble("plain.test", false) {
        assert_eq!((verdict.as_str(), tls.as_str()), ("deliver", "opportunistic"), "{what}");
    }
}
