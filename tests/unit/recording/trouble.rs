//! Recordings of what goes wrong: what was bogus, stripped or silent then is so again, and for the same reasons.

use super::stage::{Live, Order, live, question, replay, sent};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use smtp_sts_verify::dns::{Outage, Question};
use smtp_sts_verify::recording::{Asked, Brought, Fetched, Recording, Turn};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::net::SocketAddr;
use std::time::Duration;

/// Explains `domain` live and three times from the recording.
fn explained(lab: &Laboratory, servers: &[SocketAddr], domain: &str, milliseconds: u64) -> Live {
    let now = SystemClock.now();
    let question = question(lab, domain, None, now);
    let live = live(lab, servers, &lab.cache_file(), &question, now, Duration::from_millis(milliseconds));
    let recording = sent(&live.recording);
    for order in [Order::AsAsked, Order::Reversed, Order::Shuffled(7)] {
        let replayed = replay(&recording, order);
        assert!(replayed == live.told, "{domain} {order:?}\nlive:\n{}\nreplayed:\n{replayed}", live.told);
    }
    live
}

fn verdict(live: &Live) -> [&str; 2] {
    [&live.recording.conclusion.verdict, &live.recording.conclusion.reason]
}

#[test]
fn a_resolver_that_strips_is_recorded_as_such() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Stripped);
    let live = explained(&lab, &[lab.dns()], "enforced.test", 5_000);
    assert_eq!(verdict(&live), ["defer", "dnssec-stripped"]);
}

#[test]
fn what_was_altered_stays_bogus() {
    let lab = Laboratory::start();
    lab.behave(Scope::name("_smtp_sts.enforced.test."), Manner::Altered);
    assert_eq!(verdict(&explained(&lab, &[lab.dns()], "enforced.test", 5_000)), ["defer", "dnssec-bogus"]);
}

#[test]
fn servers_that_fail_and_servers_that_stay_silent_are_unreachable_again() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Servfail);
    let failing = explained(&lab, &[lab.dns()], "enforced.test", 5_000);
    lab.behave(Scope::Everything, Manner::Silent);
    let silent = explained(&lab, &[lab.dns()], "enforced.test", 300);
    for live in [&failing, &silent] {
        assert_eq!(live.recording.conclusion.verdict, "defer");
    }
    let outages = |live: &Live| -> Vec<Outage> {
        let failures = live.recording.dns.iter().filter_map(|asked| match &asked.brought {
            Brought::Failure(failure) => Some(failure.outage),
            Brought::Reply { .. } | Brought::Nothing => None,
        });
        failures.collect()
    };
    assert!(outages(&failing).iter().all(|outage| *outage == Outage::NoAnswer));
    assert!(outages(&silent).contains(&Outage::Deadline));
}

#[test]
fn one_question_without_a_reply_is_one_question_without_a_reply() {
    let lab = Laboratory::start();
    lab.behave(Scope::question("enforced.test.", "MX"), Manner::Servfail);
    explained(&lab, &[lab.dns()], "enforced.test", 5_000);
}

#[test]
fn a_second_opinion_is_recorded_with_the_first() {
    let (stripping, good) = (Laboratory::start(), Laboratory::start());
    stripping.behave(Scope::Everything, Manner::Stripped);
    let live = explained(&good, &[stripping.dns(), good.dns()], "enforced.test", 5_000);
    assert_eq!(verdict(&live)[0], "deliver");
    let turns = |turn| live.recording.dns.iter().filter(|asked| asked.turn == turn).count();
    assert!(turns(Turn::First) > 3 && turns(Turn::Second) > 3);
    let bogus_twice = {
        good.behave(Scope::Everything, Manner::Altered);
        explained(&good, &[stripping.dns(), good.dns()], "enforced.test", 5_000)
    };
    assert_eq!(verdict(&bogus_twice)[0], "defer");
}

#[test]
fn what_was_proven_with_cd_clear_is_recorded_and_without_it_the_replay_is_bogus() {
    let lab = Laboratory::start();
    let spoilt = Manner::ByCd(Box::new(Manner::Altered), None);
    lab.behave(Scope::name("_smtp_sts.enforced.test"), spoilt);
    let live = explained(&lab, &[lab.dns()], "enforced.test", 5_000);
    assert_eq!(verdict(&live)[0], "deliver");
    // As a recording of before, which has none of these.
    let is_first = |asked: &&Asked| asked.turn == Turn::First;
    let dns: Vec<Asked> = live.recording.dns.iter().filter(is_first).cloned().collect();
    assert!(dns.len() < live.recording.dns.len());
    let before = replay(&Recording { dns: dns.clone(), ..live.recording.clone() }, Order::AsAsked);
    assert!(before.contains("wrong-signature") && before.contains("reason: DnssecBogus"), "{before}");
    // As one that was cut short: what is missing is not made up from the replies with CD set.
    let half: Vec<Asked> = live
        .recording
        .dns
        .iter()
        .filter(|asked| {
            asked.turn == Turn::First || asked.question.name().to_ascii() != "_smtp_sts.enforced.test."
        })
        .cloned()
        .collect();
    let half = replay(&Recording { dns: half, ..live.recording.clone() }, Order::AsAsked);
    assert!(half.contains("reason: DnssecBogus"), "{half}");
}

#[test]
fn a_fetch_that_failed_fails_again_in_the_same_words() {
    let lab = Laboratory::start();
    let live = explained(&lab, &[lab.dns()], "badcert.test", 5_000);
    let [fetching] = live.recording.https.as_slice() else { panic!("{:?}", live.recording.https) };
    let Fetched::Failure(retold) = &fetching.fetched else { panic!("{fetching:?}") };
    assert!(live.told.contains(retold.words()), "{}", retold.words());
}

/// Silence in the recording is never an absence.
#[test]
fn a_question_that_was_not_recorded_is_unreachable_and_the_explanation_says_so() {
    let lab = Laboratory::start();
    let live = explained(&lab, &[lab.dns()], "enforced.test", 5_000);
    let without = |name: &str| {
        let gone = |asked: &&Asked| asked.question.name().to_ascii() != name;
        let dns: Vec<Asked> = live.recording.dns.iter().filter(gone).cloned().collect();
        assert!(dns.len() < live.recording.dns.len(), "{name}");
        Recording { dns, ..live.recording.clone() }
    };
    for name in ["_smtp_sts.enforced.test.", "enforced.test.", "test.", "."] {
        let told = replay(&without(name), Order::AsAsked);
        assert!(told.contains("the recording has no reply to this question"), "{name}: {told}");
        assert!(told.contains("Unreachable"), "{name}: {told}");
    }
    let mut unanswered = live.recording.clone();
    let of_the_mx = |asked: &&mut Asked| {
        asked.question == Question::new(&"enforced.test.".parse().unwrap(), hickory_proto::rr::RecordType::MX)
    };
    unanswered.dns.iter_mut().find(of_the_mx).unwrap().brought = Brought::Nothing;
    assert!(
        replay(&sent(&unanswered), Order::AsAsked).contains("the recording has no reply to this question")
    );
    let forgotten =
        Recording { https: Vec::new(), ..explained(&lab, &[lab.dns()], "webpki.test", 5_000).recording };
    assert!(replay(&forgotten, Order::AsAsked).contains("the recording has no outcome of this fetch"));
}
