//! Peers that do harm, and an honest one beside them, who must not feel it (G1 to G4, G16).

use super::daemon::{Daemon, PATIENCE, Socketmap, exim, p99};
use crate::support::alone::is_alone;
use crate::support::laboratory::Laboratory;
use crate::support::turn::turn_of_this_thread;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// What an honest client may feel of an attack.
const FELT: Duration = Duration::from_millis(200);

/// A daemon that knows the answer that everybody asks for.
fn warm(lab: &Laboratory) -> Daemon {
    let daemon = Daemon::in_world(lab);
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
    daemon
}

/// The p99 of 200 honest questions, half of them Exim's, half of them on one connection of Postfix's, which comes again
/// when it was closed, as Postfix does.
fn honest(daemon: &Daemon) -> Duration {
    let mut postfix = daemon.postfix();
    let mut took = Vec::new();
    for number in 0..200 {
        let began = Instant::now();
        if number % 2 == 0 {
            assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
        } else {
            let reply = postfix.ask("policy", "enforced.test").or_else(|_| {
                postfix = daemon.postfix();
                postfix.ask("policy", "enforced.test")
            });
            assert!(reply.unwrap().starts_with("OK secure match="));
        }
        took.push(began.elapsed());
    }
    p99(took)
}

/// Whether the daemon has closed it.
fn is_closed(stream: &mut UnixStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0; 512]);
    stream.set_nonblocking(false).unwrap();
    match read {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_keep_nobody_out() {
    let _turn = turn_of_this_thread();
    // In a process of its own: the neighbours need descriptors, too.
    if !is_alone(module_path!(), "ten_thousand_idle_connections_cost_little_and_keep_nobody_out") {
        return;
    }
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let before = daemon.resident();
    let crowd = 10_000;
    let mut idle: Vec<UnixStream> = Vec::new();
    for _ in 0..crowd {
        idle.push(UnixStream::connect(daemon.plan().postfix()).unwrap());
    }
    let p99 = honest(&daemon);
    assert!(p99 <= FELT, "{p99:?}");
    assert!(daemon.descriptors() < 512 + 64, "{}", daemon.descriptors());
    let open = idle.iter_mut().filter_map(|stream| (!is_closed(stream)).then_some(())).count();
    assert!((300..=512).contains(&open), "{open} are parked, the rest has made room");
    let grown = daemon.resident() - before;
    assert!(grown < 8_192, "{open} connections and {crowd} that were closed cost {grown} KiB");
    assert!(daemon.resident_at_most() < 64 * 1024);
    // There is no limit of idleness as long as there is room: Postfix comes back to its connection.
    let last = idle.pop().unwrap();
    assert!(Socketmap(last).ask("policy", "plain.test").is_ok());
}

#[test]
fn half_a_request_of_five_hundred_each_is_waited_for_ten_seconds_and_holds_nobody_up() {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let began = Instant::now();
    let mut half: Vec<UnixStream> = (0..500)
        .map(|number| {
            let place = if number % 2 == 0 { daemon.plan().exim() } else { daemon.plan().postfix() };
            let mut stream = UnixStream::connect(place).unwrap();
            stream.write_all(if number % 2 == 0 { b"P" } else { b"2" }).unwrap();
            stream
        })
        .collect();
    let sent = Instant::now();
    let p99 = honest(&daemon);
    assert!(p99 <= FELT, "{p99:?}");
    // One octet more does not help.
    for stream in half.iter_mut().step_by(3) {
        stream.write_all(b"0").unwrap();
    }
    for stream in &mut half {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0);
        assert!(began.elapsed() >= Duration::from_secs(9), "not before its time");
    }
    assert!(sent.elapsed() <= Duration::from_secs(11), "{:?}", sent.elapsed());
}

#[test]
fn what_is_no_frame_ends_the_connection_before_there_is_room_for_it() {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let before = daemon.resident_at_most();
    for _ in 0..20 {
        for wrong in [
            "999999999:",
            "10001:",
            "007:a b,",
            "-1:,",
            "x",
            "3:a bc",
            "99999999999999999999999999:a",
            ",",
            ":",
        ] {
            let mut stream = UnixStream::connect(daemon.plan().postfix()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(wrong.as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            assert!(said.contains("PERM "), "{wrong}: {said}");
        }
        // The rest is not read, so that it may be lost on its way, and the answer behind it.
        let mut endless = UnixStream::connect(daemon.plan().exim()).unwrap();
        endless.set_read_timeout(Some(PATIENCE)).unwrap();
        let sent = endless.write_all(&[b'x'; 100_000]);
        let mut said = String::new();
        let ended = endless.read_to_string(&mut said);
        let is_refused = said.contains(" reason=usage ");
        let has_gone = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
        };
        let errors = [sent.as_ref().err(), ended.as_ref().err()];
        let is_cut_off = said.is_empty() && errors.into_iter().flatten().any(has_gone);
        assert!(is_refused || is_cut_off, "{said} {sent:?} {ended:?}");
    }
    let grown = daemon.resident_at_most() - before;
    assert!(grown < 2_048, "{grown} KiB");
    // Who it was is told once, not for everybody to whom it happens.
    assert_eq!(daemon.log().matches("for its peer's fault").count(), 1);
    assert!(daemon.log().contains(&format!("process {}", std::process::id())), "{}", daemon.log());
    assert!(honest(&daemon) <= FELT);
}

#[test]
fn whoever_does_not_read_is_not_read_any_more_and_then_closed() {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let before = daemon.resident_at_most();
    let content = "policy enforced.test";
    let requests = format!("{}:{content},", content.len()).repeat(100_000);
    let began = Instant::now();
    let mut deaf: Vec<UnixStream> = (0..20)
        .map(|_| {
            let mut stream = UnixStream::connect(daemon.plan().postfix()).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            stream.write_all(requests.as_bytes()).expect_err("it reads no more than it can answer");
            stream
        })
        .collect();
    let p99 = honest(&daemon);
    assert!(p99 <= FELT, "{p99:?}");
    let grown = daemon.resident_at_most() - before;
    assert!(grown < 4_096, "{grown} KiB");
    // The peer sees it when it writes again.
    for stream in &mut deaf {
        while stream.write(b"1").is_ok_and(|octets| octets == 1)
            || stream.write(b"1").is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        {
            assert!(began.elapsed() < PATIENCE, "it is never closed");
            thread::sleep(Duration::from_millis(20));
        }
    }
    assert!(began.elapsed() >= Duration::from_secs(9));
}

#[test]
fn thirty_thousand_requests_in_one_go_are_answered_in_their_order_and_hold_up_nobody() {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let (count, keys) = (30_000, ["enforced.test", "plain.test", "[192.0.2.1]"]);
    let expected = keys.map(|key| daemon.postfix().ask("policy", key).unwrap());
    let mut postfix = daemon.postfix();
    let mut sender = Socketmap(postfix.0.try_clone().unwrap());
    let sending = thread::spawn(move || {
        for number in 0..count {
            sender.send("policy", keys[number % 3]).unwrap();
        }
    });
    let reading = thread::spawn(move || {
        for number in 0..count {
            assert_eq!(postfix.reply().unwrap(), expected[number % 3], "{number}");
        }
    });
    let p99 = honest(&daemon);
    assert!(p99 <= FELT, "{p99:?}");
    sending.join().unwrap();
    reading.join().unwrap();
}

#[test]
fn requests_behind_a_slow_one_are_answered_in_their_order() {
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    let mut postfix = daemon.postfix();
    // More than are under way at once, the first of which nobody knows yet.
    postfix.send("policy", "webpki.test").unwrap();
    for _ in 0..100 {
        postfix.send("policy", "enforced.test").unwrap();
    }
    postfix.send("policy", "[192.0.2.1]").unwrap();
    postfix.0.shutdown(Shutdown::Write).unwrap();
    assert!(postfix.reply().unwrap().contains("mx.webpki.test"));
    for _ in 0..100 {
        assert!(postfix.reply().unwrap().contains("mx1.enforced.test"));
    }
    assert_eq!(postfix.reply().unwrap(), "NOTFOUND ");
    assert_eq!(postfix.reply().unwrap_err().kind(), ErrorKind::UnexpectedEof, "the peer had ended its input");
}

#[test]
fn exim_is_answered_whether_or_not_the_end_of_its_input_is_seen() {
    let lab = Laboratory::start();
    let daemon = warm(&lab);
    for number in 0..100 {
        let mut stream = UnixStream::connect(daemon.plan().exim()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let line = if number % 2 == 0 { "P enforced.test\n" } else { "P enforced.test" };
        // An octet now and then, or all of it.
        for octets in line.as_bytes().chunks(1 + number % 16) {
            stream.write_all(octets).unwrap();
        }
        if number % 4 != 0 {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("verdict=deliver ") && !answer.ends_with('\n'), "{number}: {answer}");
    }
    assert_eq!(exim(&daemon.plan().exim(), "").unwrap().split(' ').next(), Some("verdict=defer"));
}
