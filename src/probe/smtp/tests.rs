use super::*;
use futures_util::FutureExt as _;
use proptest::prelude::*;

/// The outcome with a host that says these things, the first at once and each other one after a command, and then
/// hangs up; and what was sent.
async fn conversation(replies: &[&str]) -> (Result<(), SessionFailure>, String) {
    let (ours, theirs) = tokio::io::duplex(64 * 1_024);
    let host = async {
        let mut theirs = tokio::io::BufStream::new(theirs);
        let mut heard = String::new();
        for (place, reply) in replies.iter().enumerate() {
            if place > 0 {
                let _ = theirs.read_line(&mut heard).await;
            }
            let _ = theirs.write_all(reply.as_bytes()).await;
            let _ = theirs.flush().await;
        }
        heard
    };
    let stage = Cell::new(Stage::Connect);
    let ours = async {
        let done = Conversation::new(ours, &stage).starttls("probe.test").await;
        done.map(drop)
    };
    futures_util::future::join(ours, host).await
}

#[tokio::test]
async fn a_host_that_offers_it_is_asked_for_it() {
    let replies =
        ["220-mx.test\r\n220 ready\r\n", "250-mx.test\r\n250-SIZE 1\r\n250 starttls\r\n", "220 go\r\n"];
    let (outcome, heard) = conversation(&replies).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(heard, "EHLO probe.test\r\nSTARTTLS\r\n");
}

#[tokio::test]
async fn every_other_host_is_told_apart() {
    use FailureKind::*;
    use Stage::*;
    let offer = "250-mx\r\n250 STARTTLS\r\n";
    for (replies, at, kind, words) in [
        (vec!["554 no\r\n"], Greeting, Declined, "it says '554 no'"),
        (vec!["421 busy\r\n"], Greeting, Declined, "it says '421 busy'"),
        (vec!["SSH-2.0\r\n"], Greeting, NotSmtp, "it says 'SSH-2.0'"),
        (vec!["2200 ready\r\n"], Greeting, NotSmtp, "it says '2200 ready'"),
        (vec!["220 mx\r\n", "550 who\r\n"], Ehlo, Declined, "it says '550 who'"),
        (vec!["220 mx\r\n", "502 what\r\n"], Starttls, NotOffered, "does not know EHLO"),
        (vec!["220 mx\r\n", "250 STARTTLS\r\n"], Starttls, NotOffered, "does not have STARTTLS"),
        (vec!["220 mx\r\n", "250-mx\r\n250 XSTARTTLS\r\n"], Starttls, NotOffered, "does not have STARTTLS"),
        (vec!["220 mx\r\n", offer, "454 later\r\n"], Starttls, Declined, "it says '454 later'"),
        (vec!["220 mx\r\n", offer, "220 go\r\n250 FAKE\r\n"], Starttls, Injected, "'250 FAKE"),
        (vec![], Greeting, Closed, "it closed the connection"),
        (vec!["220 mx\r\n", "250-a\r\n"], Ehlo, Closed, "it closed the connection"),
        (vec!["220 mx\r\n", offer, ""], Starttls, Closed, "it closed the connection"),
    ] {
        let (outcome, _) = conversation(&replies).await;
        let failure = outcome.expect_err(words);
        assert_eq!((failure.at, failure.kind), (at, kind), "{replies:?}");
        assert!(failure.why.contains(words), "{}", failure.why);
    }
}

#[tokio::test]
async fn a_hundred_lines_of_2048_octets_are_a_reply_and_no_more() {
    // Without their line feeds; the last line of a reply has a blank behind its code.
    let lines = |count: usize| "220-x\r\n".repeat(count - 1) + "220 x\r\n";
    let line = |octets: usize| format!("220 {}\r\n", "x".repeat(octets - "220 \r".len()));
    for (greeting, is_read) in [
        (lines(MAX_SMTP_REPLY_LINES), true),
        (lines(MAX_SMTP_REPLY_LINES + 1), false),
        (line(MAX_SMTP_REPLY_OCTETS), true),
        (line(MAX_SMTP_REPLY_OCTETS + 1), false),
    ] {
        let (outcome, _) = conversation(&[greeting.as_str()]).await;
        let kind = outcome.expect_err("nothing follows the greeting").kind;
        assert_eq!(kind != FailureKind::TooMuch, is_read, "{} octets: {kind:?}", greeting.len());
    }
}

#[tokio::test]
async fn endless_replies_have_an_end() {
    let line = "x".repeat(2 * MAX_SMTP_REPLY_OCTETS);
    let lines = "220-x\r\n".repeat(2 * MAX_SMTP_REPLY_LINES);
    for reply in [line.as_str(), lines.as_str()] {
        let (outcome, _) = conversation(&[reply]).await;
        assert_eq!(outcome.map_err(|failure| failure.kind), Err(FailureKind::TooMuch));
    }
}

proptest! {
    #[test]
    fn no_octets_of_a_host_panic_or_escape(octets in proptest::collection::vec(any::<u8>(), 0..200), is_polite: bool) {
        let begin: &[u8] = if is_polite { b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n" } else { b"" };
        let said = [begin, &octets].concat();
        let stream = tokio::io::join(said.as_slice(), tokio::io::sink());
        let stage = Cell::new(Stage::Connect);
        let conversation = Conversation::new(stream, &stage).starttls("probe.test");
        if let Err(failure) = conversation.now_or_never().expect("an end without waiting") {
            prop_assert!(failure.why.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", failure.why);
        }
    }
}
