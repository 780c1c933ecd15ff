//! Servers that misbehave. Each is told apart by a closed word, within the time of an address, and none of them gets rid
//! of more octets than the limit and what sockets hold.

use super::server::{Line, PATIENCE, Server, look, target};
use crate::support::laboratory::certificates::Authority;
use crate::support::ports;
use smtp_sts_verify::limits::{MAX_PROBE_OCTETS, MAX_SMTP_REPLY_OCTETS};
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use std::io::Write as _;
use std::thread::sleep;
use std::time::Duration;

/// What the two sockets of a connection on loopback hold beside what was read.
const SOCKETS_HOLD: usize = 8 * 1_024 * 1_024;

/// What the probe makes of a server that does so: where it stopped, why, and how many octets were sent.
fn stopped(does: impl FnOnce(&mut Line) + Send + 'static) -> (Stage, FailureKind, usize) {
    let roots = tempfile::NamedTempFile::new().unwrap();
    roots.as_file().write_all(Authority::found().pem().as_bytes()).unwrap();
    let server = Server::that(does);
    let sighting = look(server.address(), &target(Vec::new(), &[]), roots.path());
    let failure = sighting.failure.expect("nobody can shake hands with this server");
    assert_eq!(sighting.tls, None);
    let words = &failure.why;
    assert!(!words.is_empty() && words.len() < 500, "{words}");
    let sent = server.sent();
    assert!(sent < MAX_PROBE_OCTETS + SOCKETS_HOLD, "{sent} octets were sent");
    (failure.at, failure.kind, sent)
}

/// Sends this for as long as somebody takes it.
fn flood(line: &mut Line, octets: &[u8]) {
    while line.say(octets) {}
}

#[test]
fn a_flood_ends_at_its_first_line_too_many() {
    let many = [b'x'; 4_096];
    let (at, kind, _) = stopped(move |line| flood(line, &many));
    assert_eq!((at, kind), (Stage::Greeting, FailureKind::TooMuch), "a line without an end");
    let (at, kind, _) = stopped(|line| flood(line, "220-mx.test\r\n".repeat(100).as_bytes()));
    assert_eq!((at, kind), (Stage::Greeting, FailureKind::TooMuch), "a greeting without an end");
    let (at, kind, _) = stopped(|line| {
        line.say("220 mx.test\r\n");
        line.hear();
        flood(line, "250-SIZE 1\r\n".repeat(100).as_bytes());
    });
    assert_eq!((at, kind), (Stage::Ehlo, FailureKind::TooMuch), "a reply to EHLO without an end");
}

/// Every line is as long as it may be, and there are fewer than may be: only the octets of all together are too many.
#[test]
fn what_is_within_each_limit_of_smtp_is_bounded_all_the_same() {
    let text = format!("250-{}\r\n", "x".repeat(MAX_SMTP_REPLY_OCTETS - 10));
    let (at, kind, _) = stopped(move |line| {
        line.say("220 mx.test\r\n");
        line.hear();
        for _ in 0..99 {
            line.say(&text);
        }
        line.hear_out();
    });
    assert_eq!((at, kind), (Stage::Ehlo, FailureKind::TooMuch));
}

#[test]
fn one_octet_at_a_time_ends_with_the_time_of_the_address() {
    let slowly = |line: &mut Line, text: &str| {
        for octet in text.bytes().cycle() {
            if !line.say([octet]) {
                break;
            }
            // A pace that reaches no bound of octets within the time, and nothing that is waited for. The clocks of the two sides are
            // real: one that is moved would be moved while a socket is waited for.
            sleep(Duration::from_millis(100));
        }
    };
    let (at, kind, sent) = stopped(move |line| slowly(line, "220-mx.test\r\n"));
    assert_eq!((at, kind), (Stage::Greeting, FailureKind::TimedOut));
    assert!(sent < 100, "{sent}");
    let (at, kind, _) = stopped(move |line| {
        line.up_to_tls();
        slowly(line, "\u{16}\u{3}\u{3}");
    });
    assert!(matches!(kind, FailureKind::TimedOut | FailureKind::NotTls), "{at:?} {kind:?}");
    assert_eq!(at, Stage::Handshake);
}

#[test]
fn silence_is_told_where_it_begins() {
    let silently = |line: &mut Line| drop(line.hear_out());
    let (at, kind, _) = stopped(silently);
    assert_eq!((at, kind), (Stage::Greeting, FailureKind::TimedOut));
    let (at, kind, _) = stopped(move |line| {
        line.say("220 mx.test\r\n");
        silently(line);
    });
    assert_eq!((at, kind), (Stage::Ehlo, FailureKind::TimedOut));
    let (at, kind, _) = stopped(move |line| {
        line.up_to_starttls();
        silently(line);
    });
    assert_eq!((at, kind), (Stage::Starttls, FailureKind::TimedOut));
    let (at, kind, _) = stopped(move |line| {
        line.up_to_tls();
        silently(line);
    });
    assert_eq!((at, kind), (Stage::Handshake, FailureKind::TimedOut));
}

#[test]
fn a_connection_that_closes_is_told_where_it_does() {
    let (at, kind, _) = stopped(|_| {});
    assert_eq!((at, kind), (Stage::Greeting, FailureKind::Closed));
    let (at, kind, _) = stopped(|line| {
        line.say("220 mx.test\r\n");
        line.hear();
    });
    assert_eq!((at, kind), (Stage::Ehlo, FailureKind::Closed));
    let (at, kind, _) = stopped(Line::up_to_starttls);
    assert_eq!((at, kind), (Stage::Starttls, FailureKind::Closed));
    let (at, kind, _) = stopped(Line::up_to_tls);
    assert_eq!((at, kind), (Stage::Handshake, FailureKind::Closed));
}

#[test]
fn starttls_that_is_stripped_or_refused_is_no_starttls() {
    let (at, kind, _) = stopped(|line| {
        line.say("220 mx.test\r\n");
        line.hear();
        line.say("250-mx.test\r\n250 XXXXXXXA\r\n");
        assert_eq!(line.hear(), "QUIT\r\n");
    });
    assert_eq!((at, kind), (Stage::Starttls, FailureKind::NotOffered));
    let (at, kind, _) = stopped(|line| {
        line.up_to_starttls();
        line.say("454 TLS is not available\r\n");
        assert_eq!(line.hear(), "QUIT\r\n");
    });
    assert_eq!((at, kind), (Stage::Starttls, FailureKind::Declined));
}

/// RFC 3207 section 4.2: what stands behind the reply in clear text is not the server's.
#[test]
fn clear_text_behind_the_reply_to_starttls_is_never_taken_for_the_servers_words() {
    let (at, kind, _) = stopped(|line| {
        line.up_to_starttls();
        line.say("220 go ahead\r\n250-mx.test\r\n250 AUTH PLAIN\r\n");
        line.hear_out();
    });
    assert_eq!((at, kind), (Stage::Starttls, FailureKind::Injected));
}

#[test]
fn what_is_not_tls_is_called_so() {
    for garbage in ["250 not at all\r\n".repeat(20), "\u{0}".repeat(400), "\u{7f}".repeat(100_000)] {
        let (at, kind, _) = stopped(move |line| {
            line.up_to_tls();
            // The client speaks first.
            let _ = std::io::Read::read(line, &mut [0; 16]);
            line.say(garbage.as_bytes());
            line.hear_out();
        });
        assert_eq!((at, kind), (Stage::Handshake, FailureKind::NotTls));
    }
}

/// TLS 1.3 cannot be used for this without its keys; in TLS 1.2 the certificates come in clear text.
#[test]
fn two_hundred_certificates_of_sixteen_kibibytes_are_too_much() {
    let (at, kind, sent) = stopped(|line| {
        line.up_to_tls();
        let _ = std::io::Read::read(line, &mut [0; 4_096]);
        let hello = [&[2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0xc0, 0x2b, 0]].concat();
        line.say(record(&hello));
        let certificate = [&[0, 0x40, 0][..], &[0x30; 16_384]].concat();
        let all = certificate.repeat(200);
        let length = |octets: usize| u32::try_from(octets).unwrap().to_be_bytes()[1..].to_vec();
        let message = [vec![11], length(all.len() + 3), length(all.len()), all].concat();
        for part in message.chunks(16_000) {
            if !line.say(record(part)) {
                break;
            }
        }
        line.hear_out();
    });
    assert_eq!((at, kind), (Stage::Handshake, FailureKind::TooMuch));
    assert!(sent > 0);
}

/// One TLS record of the handshake (RFC 5246 section 6.2.1).
pub(crate) fn record(fragment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
    [&[22, 3, 3][..], &length, fragment].concat()
}

#[test]
fn nobody_at_the_port_is_refused_and_a_private_address_is_not_asked() {
    use smtp_sts_verify::probe::{Probe, Settings, Times};
    use smtp_sts_verify::time::Clock as _;
    use smtp_sts_verify::time::clock::SystemClock;
    let closed = ([127, 0, 0, 1], ports::unused()).into();
    let roots = tempfile::NamedTempFile::new().unwrap();
    roots.as_file().write_all(Authority::found().pem().as_bytes()).unwrap();
    let sighting = look(closed, &target(Vec::new(), &[]), roots.path());
    let failure = sighting.failure.unwrap();
    assert_eq!((failure.at, failure.kind), (Stage::Connect, FailureKind::Refused));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let settings = Settings {
        roots: smtp_sts_verify::https::Roots::File(roots.path().to_owned()),
        port: listener.local_addr().unwrap().port(),
        patience: PATIENCE,
        ..Settings::default()
    };
    let probe = Probe::new(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sightings = runtime.block_on(async {
        let times = Times { now: SystemClock.now(), ends: tokio::time::Instant::now() + PATIENCE };
        probe.look(&target(Vec::new(), &[]), times).await
    });
    assert_eq!(sightings[0].failure.as_ref().map(|failure| failure.kind), Some(FailureKind::SetAside));
    assert!(listener.accept().is_err(), "nobody connected");
}
