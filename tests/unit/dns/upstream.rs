//! Questions to name servers that fail, lie and stall: every question ends in time, within its quota, and rightly.

use super::fake::{Act, Fake, answered, bare, honest};
use crate::support::ports;
use crate::support::turn::turn;
use futures_util::future::join;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::delivery::{Opinion, QueryFailure};
use smtp_sts_verify::dns::quota::Quota;
use smtp_sts_verify::dns::reply_memory::ReplyMemory;
use smtp_sts_verify::dns::upstream::{Carrier, Upstreams};
use smtp_sts_verify::dns::{Outage, Question};
use smtp_sts_verify::limits::{
    MAX_QUERIES, MAX_REPLY_MEMORY_OF_OWNER, REPLY_MEMORY_OF_LOOK_UP, RESOURCES_AWAITED, UPSTREAM_PATIENCE,
};
use std::iter;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

fn question() -> Question {
    Question::new(&Name::from_ascii("_smtp-sts.example.test.").unwrap(), RecordType::TXT)
}

/// Asks once, with so many milliseconds for the run.
async fn ask(upstreams: &Upstreams, quota: &Quota, milliseconds: u64) -> Result<Message, QueryFailure> {
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    upstreams.ask(&question(), Opinion::First, quota, deadline).await.map(|delivery| delivery.message)
}

async fn ask_one(server: SocketAddr, milliseconds: u64) -> (Result<Message, QueryFailure>, usize) {
    let quota = Quota::default();
    (ask(&Upstreams::new(&[server]), &quota, milliseconds).await, quota.spent())
}

fn text_of(message: &Message) -> String {
    message.answers.iter().map(|record| record.data.to_string()).collect()
}

fn send(message: Vec<u8>) -> Act {
    Act::Send(vec![message])
}

/// An address at which nobody listens.
fn closed_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, ports::unused()).into()
}

// Packets are counted here, and a neighbour that takes the processor for longer than a server's patience would add one:
// each test waits for its turn.

#[tokio::test]
async fn one_honest_server_is_asked_once_over_udp() {
    let _turn = turn().await;
    let server = Fake::same(|question| send(honest(question, "yes"))).await;
    let (reply, packets) = ask_one(server.address, 2_000).await;
    assert_eq!((text_of(&reply.unwrap()).as_str(), packets, server.udp(), server.tcp()), ("yes", 1, 1, 0));
}

#[tokio::test]
async fn a_silent_server_is_unreachable_when_the_run_is_over() {
    let _turn = turn().await;
    let server = Fake::same(|_| Act::Stall).await;
    let began = Instant::now();
    let (reply, packets) = ask_one(server.address, 1_000).await;
    assert_eq!((reply.unwrap_err().outage, packets), (Outage::Deadline, 1));
    // A deadline that is counted twice would be none.
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// Time passes here as soon as nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_silent_server_is_asked_again_each_second_and_a_half_and_given_up_after_six_seconds() {
    let server = Fake::same(|_| Act::Stall).await;
    for (milliseconds, asked) in [(1_490, 1), (1_510, 2), (2_990, 2), (3_010, 3), (4_490, 3), (4_510, 4)] {
        let (reply, packets) = ask_one(server.address, milliseconds).await;
        assert_eq!((reply.unwrap_err().outage, packets), (Outage::Deadline, asked), "{milliseconds}");
    }
    let began = Instant::now();
    let (reply, packets) = ask_one(server.address, 60_000).await;
    let (took, six) = (began.elapsed(), Duration::from_secs(6));
    assert_eq!((reply.unwrap_err().outage, packets), (Outage::NoAnswer, 4));
    assert!((six..six + Duration::from_millis(5)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn ten_thousand_guesses_do_not_hide_the_honest_reply() {
    let _turn = turn().await;
    let server = Fake::start(
        |question| {
            let wrong = |salt: u16| {
                let mut guess = honest(question, "forged");
                let id = u16::from_be_bytes([guess[0], guess[1]]) ^ (salt % 65_535 + 1);
                guess[..2].copy_from_slice(&id.to_be_bytes());
                guess
            };
            Act::Send((0..10_000).map(wrong).chain([honest(question, "honest")]).collect())
        },
        |_| Act::Stall,
    )
    .await;
    let (reply, packets) = ask_one(server.address, 5_000).await;
    assert_eq!(text_of(&reply.unwrap()), "honest");
    assert!(packets <= 3, "{packets} packets");
}

#[tokio::test]
async fn a_reply_that_lost_the_case_is_asked_for_over_tcp() {
    let _turn = turn().await;
    let server = Fake::same(|question| {
        let mut lower = question.to_ascii_lowercase();
        lower[..12].copy_from_slice(&question[..12]); // the header has no case, and the ID may look like letters
        send(honest(&lower, "lower"))
    })
    .await;
    let (reply, packets) = ask_one(server.address, 2_000).await;
    assert_eq!((text_of(&reply.unwrap()).as_str(), packets, server.udp(), server.tcp()), ("lower", 2, 1, 1));
}

#[tokio::test]
async fn truncation_leads_to_tcp_and_64_kib_arrive_there() {
    let _turn = turn().await;
    let text = "x".repeat(253);
    let server = Fake::start(
        |question| send(bare(question, 0x83, 0)),
        move |question| send(answered(question, 245, &text)),
    )
    .await;
    let (reply, packets) = ask_one(server.address, 2_000).await;
    assert_eq!((reply.unwrap().answers.len(), packets), (245, 2));
}

#[tokio::test]
async fn what_goes_wrong_over_tcp_ends_at_once_or_with_the_run() {
    let _turn = turn().await;
    type Behaviour = fn(&[u8]) -> Act;
    let cases: [(&str, Behaviour, Outage); 6] = [
        ("closes", |_| Act::Raw(vec![]), Outage::NoAnswer),
        ("half a length", |_| Act::Raw(vec![0]), Outage::NoAnswer),
        ("half a reply", |question| Act::Raw([&[0, 200], question].concat()), Outage::NoAnswer),
        ("truncated again", |question| send(bare(question, 0x83, 0)), Outage::NoAnswer),
        ("garbage", |question| send([&bare(question, 0x81, 0)[..7], &[9; 60]].concat()), Outage::NoAnswer),
        ("stalls", |_| Act::Stall, Outage::Deadline),
    ];
    for (what, over_tcp, outage) in cases {
        let server = Fake::start(|question| send(bare(question, 0x83, 0)), over_tcp).await;
        let began = Instant::now();
        let (reply, packets) = ask_one(server.address, 1_000).await;
        let failure = reply.unwrap_err();
        // Which of the two it was says whether the run was over by then.
        assert_eq!((failure.outage, packets), (outage, 2), "{what}: {}", failure.text);
        assert!(began.elapsed() < Duration::from_secs(2), "{what}");
    }
}

#[tokio::test]
async fn garbage_over_udp_is_asked_for_again_over_tcp() {
    let _turn = turn().await;
    let server = Fake::start(
        |question| {
            let mut reply = honest(question, "cut");
            reply.truncate(reply.len() - 2);
            send(reply)
        },
        |question| send(honest(question, "whole")),
    )
    .await;
    let (reply, packets) = ask_one(server.address, 2_000).await;
    assert_eq!((text_of(&reply.unwrap()).as_str(), packets), ("whole", 2));
}

#[tokio::test]
async fn failing_servers_hand_over_at_once() {
    let _turn = turn().await;
    for rcode in [1, 2, 4, 5] {
        let failing = Fake::same(move |question| send(bare(question, 0x81, rcode))).await;
        let good = Fake::same(|question| send(honest(question, "second"))).await;
        let quota = Quota::default();
        let began = Instant::now();
        let reply = ask(&Upstreams::new(&[failing.address, good.address]), &quota, 5_000).await;
        assert_eq!((text_of(&reply.unwrap()).as_str(), quota.spent()), ("second", 2), "RCODE {rcode}");
        assert!(began.elapsed() < UPSTREAM_PATIENCE, "RCODE {rcode}");
    }
}

#[tokio::test]
async fn a_closed_port_hands_over_at_once_and_is_asked_last_from_then_on() {
    let _turn = turn().await;
    let good = Fake::same(|question| send(honest(question, "second"))).await;
    let upstreams = Upstreams::new(&[closed_port(), good.address]);
    let (quota, began) = (Quota::default(), Instant::now());
    for packets in [2, 3] {
        assert_eq!(text_of(&ask(&upstreams, &quota, 5_000).await.unwrap()), "second");
        assert_eq!(quota.spent(), packets);
    }
    assert!(began.elapsed() < UPSTREAM_PATIENCE, "at once, and not when patience is over");
}

#[tokio::test]
async fn beside_a_silent_server_the_next_is_asked_after_patience_and_first_from_then_on() {
    let _turn = turn().await;
    let silent = Fake::same(|_| Act::Stall).await;
    let good = Fake::same(|question| send(honest(question, "second"))).await;
    let upstreams = Upstreams::new(&[silent.address, good.address]);
    let quota = Quota::default();
    assert_eq!(text_of(&ask(&upstreams, &quota, 5_000).await.unwrap()), "second");
    let began = Instant::now();
    assert_eq!(text_of(&ask(&upstreams, &quota, 5_000).await.unwrap()), "second");
    assert!(began.elapsed() < UPSTREAM_PATIENCE, "at once, and not when patience is over");
    assert_eq!((silent.udp(), good.udp(), quota.spent()), (1, 2, 3));
}

#[tokio::test]
async fn when_all_fail_the_failure_names_each() {
    let _turn = turn().await;
    let servfail = Fake::same(|question| send(bare(question, 0x81, 2))).await;
    let closed = closed_port();
    let quota = Quota::default();
    let failure = ask(&Upstreams::new(&[servfail.address, closed]), &quota, 5_000).await.unwrap_err();
    assert_eq!(failure.outage, Outage::NoAnswer);
    for part in ["SERVFAIL", &servfail.address.to_string(), &closed.to_string()] {
        assert!(failure.text.contains(part), "{part} is not in: {}", failure.text);
    }
}

#[tokio::test]
async fn a_spent_quota_sends_nothing() {
    let _turn = turn().await;
    let server = Fake::same(|question| send(honest(question, "yes"))).await;
    let quota = Quota::default();
    while quota.take_query() {}
    let failure = ask(&Upstreams::new(&[server.address]), &quota, 2_000).await.unwrap_err();
    assert_eq!((failure.outage, server.udp()), (Outage::Budget, 0));
}

#[tokio::test]
async fn where_others_replies_take_the_memory_nothing_follows_for_the_name_and_what_is_given_back_in_time_is_used()
 {
    let _turn = turn().await;
    let server = Fake::same(|question| send(honest(question, "yes"))).await;
    let memory = ReplyMemory::default();
    // One owner has all that one may have, and this look-up all that it has to itself.
    let fill = |each| {
        let quota = || Quota::sharing(&memory, "example.test");
        let takes = move |one: &Quota| one.take_reply(REPLY_MEMORY_OF_LOOK_UP + each, 0).is_ok();
        iter::repeat_with(quota).take_while(takes).collect()
    };
    let others: [Vec<Quota>; 3] = [MAX_REPLY_MEMORY_OF_OWNER / 8, 1_024, 1].map(fill);
    let quota = Quota::sharing(&memory, "example.test");
    assert_eq!(quota.take_reply(REPLY_MEMORY_OF_LOOK_UP, 0), Ok(()));
    let upstreams = Upstreams::new(&[server.address]);
    let failure = ask(&upstreams, &quota, 2_000).await.unwrap_err();
    assert_eq!(failure.outage, Outage::OutOfResources, "{}", failure.text);
    let given_back = async {
        tokio::time::sleep(RESOURCES_AWAITED / 3).await;
        drop(others);
    };
    let (reply, ()) = join(ask(&upstreams, &quota, 2_000), given_back).await;
    assert_eq!(text_of(&reply.unwrap()), "yes");
}

/// A server that says nothing until it is asked a second time, and then SERVFAIL to the first question alone.
async fn refusing_late() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut first = vec![0; 4_096];
        let (length, from) = socket.recv_from(&mut first).await.unwrap();
        socket.recv_from(&mut vec![0; 4_096]).await.unwrap();
        socket.send_to(&bare(&first[..length], 0x81, 2), from).await.unwrap();
        std::future::pending::<()>().await;
    });
    address
}

#[tokio::test]
async fn what_is_on_its_way_is_waited_for_though_nothing_more_can_be_asked() {
    let _turn = turn().await;
    let (silent, refusing) = (Fake::same(|_| Act::Stall).await, refusing_late().await);
    let one_packet = Quota::default();
    for _ in 1..MAX_QUERIES {
        assert!(one_packet.take_query());
    }
    let long = 2_500;
    assert!(Duration::from_millis(long) > UPSTREAM_PATIENCE);
    let (silent_one, refusing_one) = (Upstreams::new(&[silent.address]), Upstreams::new(&[refusing]));
    let plenty = Quota::default();
    let (spent, refused) = join(ask(&silent_one, &one_packet, long), ask(&refusing_one, &plenty, long)).await;
    let (spent, refused) = (spent.unwrap_err(), refused.unwrap_err());
    // The quota ended while the one packet was under way, which could still have been answered.
    assert_eq!((spent.outage, silent.udp()), (Outage::Deadline, 1), "{}", spent.text);
    // The one server has refused the first packet, and could still have answered the second.
    assert_eq!((refused.outage, plenty.spent()), (Outage::Deadline, 2), "{}", refused.text);
}

#[tokio::test]
async fn without_any_server_there_is_no_answer() {
    let _turn = turn().await;
    assert_eq!(ask(&Upstreams::new(&[]), &Quota::default(), 500).await.unwrap_err().outage, Outage::NoAnswer);
}
