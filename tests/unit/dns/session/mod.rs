//! The resolver of one verdict in the laboratory: what it asks, what it remembers, whom it asks again, when it ends.

mod checked;
mod dane;
mod opinions;
mod overlap;
mod shared;

use super::fake::{Act, Fake, bare};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::proof::Role;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::dns::{Answer, Class, Outage, Outcome, Question, Resolve, ZoneStatus};
use smtp_sts_verify::limits::{MAX_QUERIES, UPSTREAM_PATIENCE};
use smtp_sts_verify::time::Clock;
use smtp_sts_verify::time::clock::SystemClock;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn question(name: &str, rtype: RecordType) -> Question {
    Question::new(&Name::from_ascii(name).unwrap(), rtype)
}

fn policy() -> Question {
    question("_smtp_sts.enforced.test.", RecordType::TXT)
}

fn mx() -> Question {
    question("enforced.test.", RecordType::MX)
}

/// A cold resolver with the laboratory's anchor and so many milliseconds.
fn resolver(laboratory: &Laboratory, servers: &[SocketAddr], milliseconds: u64) -> Resolver {
    let anchors = TrustAnchors::parse(&std::fs::read_to_string(laboratory.trust_anchor()).unwrap()).unwrap();
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    Resolver::new(servers, Arc::new(anchors), SystemClock.now(), deadline)
}

/// What the laboratory's name server says to this question.
fn genuine(server: SocketAddr, question: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut buffer = vec![0; 4_096];
    socket.send_to(question, server).unwrap();
    let (length, _) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

/// A server between us and the laboratory that answers what `instead` answers by itself, and hands on the rest.
async fn between(
    laboratory: &Laboratory,
    instead: impl Fn(&[u8]) -> Option<Act> + Clone + Send + Sync + 'static,
) -> Fake {
    let server = laboratory.dns();
    Fake::same(move |question| {
        instead(question).unwrap_or_else(|| Act::Send(vec![genuine(server, question)]))
    })
    .await
}

fn classes(answers: &[Answer]) -> Vec<Class> {
    answers.iter().map(|answer| answer.outcome.class()).collect()
}

/// The type in a question without records before it.
fn rtype_of(question: &[u8]) -> u16 {
    let end = 12 + question[12..].iter().position(|octet| *octet == 0).unwrap();
    u16::from_be_bytes([question[end + 1], question[end + 2]])
}

/// Questions that have reached the laboratories, once all that were sent have: nobody waits for those that no walk needs.
async fn arrived(resolver: &Resolver, laboratories: &[&Laboratory]) -> usize {
    let questions = || laboratories.iter().map(|laboratory| laboratory.questions()).sum::<usize>();
    for _ in 0..200 {
        if questions() == resolver.packets() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(questions(), resolver.packets());
    questions()
}

#[tokio::test]
async fn each_question_leaves_once_and_what_was_learnt_is_kept_for_the_next() {
    let laboratory = Laboratory::start();
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let questions = [policy(), question("_smtp-sts.enforced.test.", RecordType::TXT), mx()];
    let answers = resolver.resolve(&questions).await;
    assert_eq!(classes(&answers), [Class::Secure; 3]);
    let first = arrived(&resolver, &[&laboratory]).await;
    assert_eq!(answers.iter().map(|answer| answer.queries).sum::<usize>(), first);
    assert!(first <= 9, "{first} questions");
    for (name, rtype) in [(".", "DNSKEY"), ("test", "DS"), ("test", "DNSKEY"), ("enforced.test", "DNSKEY")] {
        assert_eq!(laboratory.questions_for(name, rtype), 1, "{name} {rtype}");
    }
    assert_eq!(classes(&resolver.resolve(&questions).await), [Class::Secure; 3]);
    assert_eq!(laboratory.questions(), first, "the same questions again cost nothing");
    resolver.ask(question("mx1.enforced.test.", RecordType::A)).await;
    let all = arrived(&resolver, &[&laboratory]).await;
    assert!(all <= first + 3, "a host of the same zone costs itself and its DS");
}

#[tokio::test]
async fn nobody_waits_for_what_no_walk_needs() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::question("webpki.test.", "DNSKEY"), Manner::Silent);
    laboratory.behave(Scope::name("_smtp_sts.enforced.test."), Manner::Late(Duration::from_millis(1)));
    laboratory.behave(Scope::question("_smtp_sts.enforced.test.", "DNSKEY"), Manner::Silent);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let began = Instant::now();
    let below_an_insecure_cut = question("_smtp_sts.webpki.test.", RecordType::TXT);
    let answers = resolver.resolve(&[below_an_insecure_cut, policy()]).await;
    assert_eq!(classes(&answers), [Class::Insecure, Class::Secure]);
    assert!(began.elapsed() < UPSTREAM_PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn silence_is_waited_for_as_long_as_a_signature_could_break_it() {
    let laboratory = Laboratory::start();
    let unsigned = question("_smtp_sts.webpki.test.", RecordType::TXT);
    for name in ["_smtp_sts.webpki.test.", "_smtp_sts.enforced.test."] {
        laboratory.behave(Scope::question(name, "TXT"), Manner::Silent);
    }
    let patience = Duration::from_millis(400);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 3_000).with_unsigned_patience(patience);
    let began = Instant::now();
    let answer = resolver.ask(unsigned.clone()).await;
    let took = began.elapsed();
    let is_known_to_be_unsigned =
        matches!(&answer.outcome, Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::ProvenInsecure, _));
    assert!(is_known_to_be_unsigned, "{:?}", answer.outcome);
    assert!((patience..patience * 4).contains(&took), "{took:?}");
    let answer = resolver.ask(policy()).await;
    assert!(
        matches!(&answer.outcome, Outcome::Unreachable(_, ZoneStatus::Signed, _)),
        "{:?}",
        answer.outcome
    );
    assert!(began.elapsed() >= Duration::from_millis(2_900), "to the deadline: {:?}", began.elapsed());
}

/// Is the last ground of the proof what was asked for?
fn rests_on_data(answer: &Answer) -> bool {
    answer.proof.0.last().is_some_and(|ground| ground.role == Role::Data)
}

#[tokio::test]
async fn a_bogus_answer_is_asked_for_again_at_another_server() {
    let (stripping, good) = (Laboratory::start(), Laboratory::start());
    stripping.behave(Scope::Everything, Manner::Stripped);
    // Both serve the same names, and only the second one has keys that the anchor knows.
    let resolver = resolver(&good, &[stripping.dns(), good.dns()], 5_000);
    let answers = resolver.resolve(&[policy(), mx()]).await;
    assert_eq!(classes(&answers), [Class::Secure; 2]);
    assert!(answers.iter().all(rests_on_data), "the proof is of the answer that is given");
    arrived(&resolver, &[&stripping, &good]).await;
    let asked_before = stripping.questions();
    assert_eq!(
        classes(&resolver.resolve(&[question("mx2.enforced.test.", RecordType::A)]).await),
        [Class::Secure]
    );
    assert_eq!(stripping.questions(), asked_before, "later questions stay with the better server");
}

#[tokio::test]
async fn what_is_bogus_everywhere_stays_bogus_and_silence_elsewhere_excuses_nothing() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::name("_smtp_sts.enforced.test."), Manner::Altered);
    let silent = Fake::same(|_| Act::Stall).await;
    for second in [laboratory.dns(), silent.address] {
        let resolver = resolver(&laboratory, &[laboratory.dns(), second], 700);
        let answer = resolver.ask(policy()).await;
        assert_eq!(answer.outcome.class(), Class::Bogus, "{:?}", answer.outcome);
        assert!(answer.proof.0.len() == 5 && !rests_on_data(&answer), "{:?}", answer.proof);
        assert!(resolver.packets() <= MAX_QUERIES);
    }
}

#[tokio::test]
async fn silence_ends_with_the_run_and_is_never_an_absence() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::Everything, Manner::Silent);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 1_000);
    let began = Instant::now();
    for answer in resolver.resolve(&[policy(), mx()]).await {
        assert!(matches!(answer.outcome, Outcome::Unreachable(Outage::Deadline, ..)), "{:?}", answer.outcome);
        assert_eq!(answer.valid_until, None);
    }
    // A deadline that is counted twice would be none.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn endless_aliases_end_within_the_quota() {
    let laboratory = Laboratory::start();
    // Every TXT question below the unsigned zone is answered with an alias one label deeper.
    let endless = between(&laboratory, |question| {
        (rtype_of(question) == 16).then(|| {
            let mut reply = bare(question, 0x81, 0);
            reply[7] = 1;
            reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xc0, 12]);
            Act::Send(vec![reply])
        })
    })
    .await;
    let resolver = resolver(&laboratory, &[endless.address], 5_000);
    let answer = resolver.ask(question("_smtp_sts.webpki.test.", RecordType::TXT)).await;
    assert!(matches!(answer.outcome, Outcome::Unreachable(..)), "{:?}", answer.outcome);
    assert!(answer.aliases.len() > 5, "{:?}", answer.aliases);
    assert!(resolver.packets() <= MAX_QUERIES && endless.udp() <= MAX_QUERIES);
    assert!(answer.elapsed < Duration::from_secs(1));
}

#[tokio::test]
async fn whatever_is_truncated_or_garbled_the_quota_holds() {
    let laboratory = Laboratory::start();
    let behaviours: [fn(&[u8]) -> Act; 4] = [
        |question| Act::Send(vec![bare(question, 0x83, 0)]),
        |question| Act::Send(vec![[bare(question, 0x81, 0), vec![0; 3]].concat()]),
        |question| Act::Send(vec![bare(question, 0x81, 2)]),
        |question| Act::Raw([&[0xff, 0xff], question].concat()),
    ];
    for behaviour in behaviours {
        let server = Fake::same(behaviour).await;
        let resolver = resolver(&laboratory, &[server.address], 400);
        for answer in resolver.resolve(&[policy(), mx()]).await {
            assert!(answer.outcome.content().is_none(), "{:?}", answer.outcome);
        }
        assert!(server.udp() + server.tcp() <= MAX_QUERIES);
    }
}
