//! Replies that are put together to hurt whoever reads them, and guesses of somebody who does not see the question.

use super::fake::{Act, Fake, bare, honest};
use crate::support::turn::turn;
use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::Question;
use smtp_sts_verify::dns::delivery::Opinion;
use smtp_sts_verify::dns::quota::Quota;
use smtp_sts_verify::dns::upstream::{Carrier as _, Upstreams};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// What one server is understood to have said to a question for a TXT record: the texts at that very name, or nothing at all.
async fn texts(server: SocketAddr) -> Option<Vec<String>> {
    let name = Name::from_ascii("_smtp-sts.example.test.").unwrap();
    let (question, quota) = (Question::new(&name, RecordType::TXT), Quota::default());
    let deadline = Instant::now() + Duration::from_secs(5);
    let upstreams = Upstreams::new(&[server]);
    let message = upstreams.ask(&question, Opinion::First, &quota, deadline).await.ok()?.message;
    assert!(quota.spent() <= 3, "{} packets", quota.spent());
    let its = message.answers.iter().filter(|record| record.name == name);
    Some(its.map(|record| record.data.to_string()).collect())
}

/// A reply with one TXT record whose owner is written as these octets. They stand at [`owner_at`].
fn owned_by(question: &[u8], owner: &[u8]) -> Vec<u8> {
    let mut reply = bare(question, 0x81, 0);
    reply[7] = 1;
    reply.extend(owner);
    reply.extend([0, 16, 0, 1, 0, 0, 0, 60, 0, 7, 6]);
    reply.extend(b"FORGED");
    reply
}

/// Where the first octet behind the question is.
fn owner_at(question: &[u8]) -> u16 {
    u16::try_from(bare(question, 0x81, 0).len()).unwrap()
}

fn pointer(to: u16) -> [u8; 2] {
    (0xc000 | to).to_be_bytes()
}

type Craft = (&'static str, fn(&[u8]) -> Vec<u8>);

/// Replies that have no meaning (RFC 1035 section 4.1.4: a pointer leads to a prior occurrence; section 2.3.4: 255 octets).
const CRAFTED: [Craft; 13] = [
    ("a pointer to itself", |q| owned_by(q, &pointer(owner_at(q)))),
    ("a pointer ahead", |q| owned_by(q, &pointer(owner_at(q) + 2))),
    ("a pointer behind the end", |q| owned_by(q, &pointer(0x3fff))),
    ("a label that leads back to its own beginning", |q| {
        owned_by(q, &[&[1, b'a'][..], &pointer(owner_at(q))].concat())
    }),
    ("two pointers that lead to each other", |q| {
        let at = owner_at(q);
        owned_by(q, &[pointer(at + 2), pointer(at)].concat())
    }),
    ("a name that grows to more than 255 octets", |q| {
        let label = [&[63][..], &[b'a'; 63]].concat();
        owned_by(q, &[label.repeat(4), vec![0]].concat())
    }),
    ("a label of a type that does not exist", |q| owned_by(q, &[0x80, 1, 0])),
    ("a label behind the end", |q| owned_by(q, &[63, b'a'])),
    ("more records than there are", |q| {
        let mut reply = honest(q, "FORGED");
        reply[7] = 200;
        reply
    }),
    ("data behind the end", |q| {
        let mut reply = honest(q, "FORGED");
        let length = reply.len() - 9;
        reply[length..length + 2].copy_from_slice(&[0xff, 0xff]);
        reply
    }),
    ("half a record", |q| {
        let mut reply = honest(q, "FORGED");
        reply.truncate(reply.len() - 12);
        reply
    }),
    ("another question", |q| {
        let mut reply = honest(q, "FORGED");
        reply[13] ^= 1;
        reply
    }),
    ("a question, and no reply", |q| {
        let mut reply = honest(q, "FORGED");
        reply[2] &= 0x7f;
        reply
    }),
];

/// C5: whatever the name is made of, it is read to an end, and nothing of such a reply is believed: not that there is nothing, either.
#[tokio::test]
async fn what_has_no_meaning_ends_at_once_and_is_no_answer() {
    let _turn = turn().await;
    for (what, craft) in CRAFTED {
        let began = Instant::now();
        let server = Fake::same(move |question| Act::Send(vec![craft(question)])).await;
        // What is no reply to this question is passed over, and the reply is waited for; all others are failures at once.
        let is_passed_over = what.contains("question");
        let patience = Duration::from_millis(if is_passed_over { 400 } else { 3_000 });
        let heard = tokio::time::timeout(patience, texts(server.address)).await;
        match heard {
            Err(_) => assert!(is_passed_over, "{what} is waited for"),
            Ok(heard) => assert_eq!((heard, is_passed_over), (None, false), "{what} is believed"),
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{what}");
    }
}

/// The same octets as far as they have a meaning: a name may be written with pointers to pointers, an owner may be the root, and
/// what stands behind the last record is not read.
#[tokio::test]
async fn what_has_a_meaning_is_read_and_counts_for_its_own_owner_alone() {
    let _turn = turn().await;
    let rootward: Craft = ("the root's record", |q| owned_by(q, &[0]));
    let chained: Craft = ("a pointer to a pointer", |q| {
        let at = owner_at(q);
        let mut reply = bare(q, 0x81, 0);
        reply[7] = 2;
        reply.extend(pointer(12));
        reply.extend([0, 16, 0, 1, 0, 0, 0, 60, 0, 4, 3]);
        reply.extend(b"ONE");
        reply.extend(pointer(at));
        reply.extend([0, 16, 0, 1, 0, 0, 0, 60, 0, 4, 3]);
        reply.extend(b"TWO");
        reply
    });
    let followed: Craft = ("octets behind the last record", |q| {
        let mut reply = honest(q, "ONE");
        reply.extend(pointer(owner_at(q)));
        reply.extend([0, 16, 0, 1, 0, 0, 0, 60, 0, 4, 3]);
        reply.extend(b"TWO");
        reply
    });
    for ((what, craft), expected) in [(rootward, &[][..]), (chained, &["ONE", "TWO"]), (followed, &["ONE"])] {
        let server = Fake::same(move |question| Act::Send(vec![craft(question)])).await;
        let heard: Vec<_> = texts(server.address).await.expect(what);
        let heard: Vec<_> = heard.iter().map(|text| text.trim_matches('"')).collect();
        assert_eq!(heard, expected, "{what}");
    }
}

/// Five hundred pointers, each to the one before: whether or not such a name is read, that takes a moment.
#[tokio::test]
async fn a_chain_of_pointers_has_an_end() {
    let _turn = turn().await;
    let server = Fake::same(|question| {
        // The record's owner is the last pointer: the others stand in the data of a record before it.
        let mut reply = bare(question, 0x81, 0);
        reply[7] = 2;
        reply.extend([0, 0, 10, 0, 1, 0, 0, 0, 60]);
        reply.extend(1_002_u16.to_be_bytes());
        let begin = u16::try_from(reply.len()).unwrap();
        let mut chain = pointer(12).to_vec();
        (0..499).for_each(|n| chain.extend(pointer(begin + 2 * n)));
        reply.extend(&chain);
        reply.extend([0, 0]);
        reply.extend(pointer(begin + 2 * 499));
        reply.extend([0, 16, 0, 1, 0, 0, 0, 60, 0, 4, 3]);
        reply.extend(b"ONE");
        Act::Send(vec![reply])
    })
    .await;
    let began = Instant::now();
    let heard = texts(server.address).await;
    assert!(heard.is_none_or(|texts| texts.len() <= 1), "one record at most");
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// C9: guesses of every kind, and the honest reply behind them, a hundred times.
#[tokio::test]
async fn no_guess_is_taken_for_the_reply() {
    let _turn = turn().await;
    // From another port, with everything else right: whoever knows the question could not do more from outside.
    let elsewhere = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let mut room = [0; 4_096];
        while let Ok((length, from)) = server.recv_from(&mut room).await {
            let question = &room[..length];
            let forged = honest(question, "forged");
            let _ = elsewhere.send_to(&forged, from).await;
            for salt in 1..=100_u16 {
                let mut guess = forged.clone();
                let id = u16::from_be_bytes([guess[0], guess[1]]) ^ salt;
                guess[..2].copy_from_slice(&id.to_be_bytes());
                let _ = server.send_to(&guess, from).await;
            }
            let mut other_question = forged.clone();
            other_question[13] ^= 0x01;
            let mut other_type = forged.clone();
            let behind_name = bare(question, 0x81, 0).len() - 4;
            other_type[behind_name + 1] = 1;
            let mut no_question = forged.clone();
            no_question[5] = 0;
            let mut a_question = forged.clone();
            a_question[2] &= 0x7f;
            for guess in [other_question, other_type, no_question, a_question] {
                let _ = server.send_to(&guess, from).await;
            }
            let _ = server.send_to(&honest(question, "honest"), from).await;
            tokio::task::yield_now().await;
        }
    });
    for round in 0..100 {
        assert_eq!(texts(address).await, Some(vec!["honest".to_owned()]), "round {round}");
    }
}

/// What a guess has to guess: nobody can tell it from the questions before.
#[tokio::test]
async fn ids_ports_and_cases_of_questions_differ() {
    let _turn = turn().await;
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = server.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut room = [0; 4_096];
        while let Ok((length, from)) = server.recv_from(&mut room).await {
            let question = &room[..length];
            noted.lock().unwrap().push((question[..2].to_vec(), from.port(), question[12..36].to_vec()));
            let _ = server.send_to(&honest(question, "honest"), from).await;
        }
    });
    for _ in 0..100 {
        texts(address).await.unwrap();
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 100);
    let ids: BTreeSet<_> = seen.iter().map(|(id, ..)| id).collect();
    let ports: BTreeSet<_> = seen.iter().map(|(_, port, _)| port).collect();
    let cases: BTreeSet<_> = seen.iter().map(|(.., name)| name).collect();
    // Of a hundred random numbers of sixteen bits two are the same once in thirteen times, six hardly ever.
    assert!(
        ids.len() > 94 && ports.len() > 94 && cases.len() > 94,
        "{} {} {}",
        ids.len(),
        ports.len(),
        cases.len()
    );
    let steps: BTreeSet<_> = seen.windows(2).map(|pair| pair[1].1.wrapping_sub(pair[0].1)).collect();
    assert!(steps.len() > 90, "ports follow one another: {} steps", steps.len());
}
