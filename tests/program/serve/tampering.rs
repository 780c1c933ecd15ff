//! What somebody on the path changes harms the look-ups whose replies he changes, and nobody else's: a daemon between whom and its
//! name server somebody sits who flips bits, strips signatures, and answers from a world of his own that has the same names.
//!
//! `TAMPERED=5000` tampers with so many look-ups; without it some hundred are.

use super::daemon::{Daemon, Plan};
use crate::support::laboratory::Laboratory;
use crate::support::turn::turn_of_this_thread;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Owners of zones, signed and unsigned ones; and domains of each that are asked about once in the life of a daemon.
const OWNERS: usize = 3;
const DOMAINS: usize = 24;
/// After so many tampered look-ups the daemon reads its configuration anew and knows of no zone.
const ROUND: usize = 24;

/// How the signed zones of each owner are signed: what they do not hold they deny by names, by hashes, and by hashes that pass over
/// unsigned zones.
const SIGNED: [&str; OWNERS] = ["signed", "signed nsec3", "signed opt-out"];

/// A world with domains whose zones are signed, with policies that DNSSEC vouches for, and others whose zones are not. In that of the
/// attacker it is the other way round, signed with other keys, and each leads to his host.
fn world(is_attackers: bool) -> Laboratory {
    let mut text = String::from("zone . signed\nzone test signed\n    ns A 127.0.0.1\n");
    for (owner, signed) in SIGNED.into_iter().enumerate() {
        for (kind, is_signed) in [("signed", true), ("plain", false)] {
            let zone = format!("{kind}{owner}.test");
            // Of what is signed the attacker signs a part himself, and denies the keys of the rest.
            let word = if is_signed != (is_attackers && owner > 0) { signed } else { "unsigned" };
            writeln!(text, "zone {zone} {word}").unwrap();
            for number in 0..DOMAINS {
                let domain = format!("d{number}.{zone}");
                let host = if is_attackers { "mx.attacker.test".to_owned() } else { format!("mx.{domain}") };
                writeln!(text, "    d{number} MX 10 {host}.\n    mx.d{number} A 127.0.0.1").unwrap();
                if is_signed || is_attackers {
                    writeln!(
                        text,
                        "    _smtp_sts.d{number} TXT \"v=STS1; to=true; mx={host}; a=dnssec; c=webpki; e=86400\""
                    )
                    .unwrap();
                }
            }
        }
    }
    if is_attackers {
        text.push_str("zone attacker.test signed\n    mx A 127.0.0.1\n");
    }
    Laboratory::with(&text)
}

/// Random numbers that are the same each time (xorshift64*).
#[derive(Default)]
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: usize) -> usize {
        let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed) | 1;
        for (left, by) in [(false, 12), (true, 25), (false, 27)] {
            number ^= if left { number << by } else { number >> by };
        }
        let number = number.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % sides
    }
}

/// Whom the daemon takes for its name server.
struct OnThePath {
    address: SocketAddr,
    path: Arc<Path>,
    threads: Vec<JoinHandle<()>>,
}

struct Path {
    genuine: SocketAddr,
    stripped: SocketAddr,
    attackers: SocketAddr,
    is_attacked: AtomicBool,
    is_over: AtomicBool,
    changed: AtomicU64,
    dice: Dice,
}

impl OnThePath {
    fn between(lab: &Laboratory, attackers: &Laboratory) -> Self {
        let any = (Ipv4Addr::LOCALHOST, 0);
        let (datagrams, listener) = loop {
            let datagrams = UdpSocket::bind(any).unwrap();
            if let Ok(listener) = TcpListener::bind(datagrams.local_addr().unwrap()) {
                break (datagrams, listener);
            }
        };
        let address = datagrams.local_addr().unwrap();
        let path = Arc::new(Path {
            genuine: lab.dns(),
            stripped: lab.stripped_dns(),
            attackers: attackers.dns(),
            is_attacked: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            changed: AtomicU64::new(0),
            dice: Dice::default(),
        });
        datagrams.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut threads: Vec<_> = (0..8)
            .map(|_| {
                let (path, datagrams) = (Arc::clone(&path), datagrams.try_clone().unwrap());
                thread::spawn(move || path.carry_datagrams(&datagrams))
            })
            .collect();
        let over_tcp = Arc::clone(&path);
        threads.push(thread::spawn(move || {
            while !over_tcp.is_over.load(Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let path = Arc::clone(&over_tcp);
                        // It ends with the connection.
                        thread::spawn(move || path.carry_stream(stream));
                    }
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        }));
        Self { address, path, threads }
    }

    fn attack(&self, is_attacked: bool) {
        self.path.is_attacked.store(is_attacked, Relaxed);
    }
}

impl Drop for OnThePath {
    fn drop(&mut self) {
        self.path.is_over.store(true, Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Path {
    fn carry_datagrams(&self, datagrams: &UdpSocket) {
        let mut room = [0; 4_096];
        while !self.is_over.load(Relaxed) {
            let Ok((length, from)) = datagrams.recv_from(&mut room) else { continue };
            let Some(question) = room.get(..length) else { continue };
            let ask = |server: SocketAddr| -> std::io::Result<Vec<u8>> {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                socket.set_read_timeout(Some(Duration::from_secs(2)))?;
                socket.send_to(question, server)?;
                let mut reply = vec![0; 65_535];
                let length = socket.recv(&mut reply)?;
                reply.truncate(length);
                Ok(reply)
            };
            if let Ok(reply) = self.answered(ask) {
                let _ = datagrams.send_to(&reply, from);
            }
        }
    }

    fn carry_stream(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        loop {
            let question = read_message(&mut stream)?;
            let reply = self.answered(|server| {
                let mut server = TcpStream::connect(server)?;
                write_message(&mut server, &question)?;
                read_message(&mut server)
            })?;
            write_message(&mut stream, &reply)?;
        }
    }

    /// What the one who asked hears.
    fn answered(&self, ask: impl Fn(SocketAddr) -> std::io::Result<Vec<u8>>) -> std::io::Result<Vec<u8>> {
        if !self.is_attacked.load(Relaxed) {
            return ask(self.genuine);
        }
        let how = self.dice.roll(10);
        self.changed.fetch_add(u64::from(how > 4), Relaxed);
        match how {
            5 | 6 => ask(self.attackers),
            7 => ask(self.stripped),
            8 | 9 => ask(self.genuine).map(|reply| self.spoiled(reply)),
            _ => ask(self.genuine),
        }
    }

    /// A few bits behind the question are others.
    fn spoiled(&self, mut reply: Vec<u8>) -> Vec<u8> {
        let mut at = 12;
        while let Some(length) = reply.get(at).copied().filter(|length| *length > 0) {
            at += usize::from(length) + 1;
        }
        let records = at + 5;
        for _ in 0..=self.dice.roll(3) {
            let place = records + self.dice.roll(reply.len().saturating_sub(records).max(1));
            if let Some(octet) = reply.get_mut(place) {
                *octet ^= 1 << self.dice.roll(8);
            }
        }
        reply
    }
}

fn read_message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn write_message(stream: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, message].concat())
}

/// Whether an answer is what it is where nobody tampers.
fn is_genuine(domain: &str, answer: &str) -> bool {
    let words: &[&str] = if domain.contains("signed") {
        &["verdict=deliver", "tls=webpki", "policy=smtp-sts", "reason=policy-met"]
    } else {
        &["verdict=deliver", "tls=opportunistic", "policy=none"]
    };
    words.iter().all(|word| answer.split_ascii_whitespace().any(|one| one == *word))
}

fn ask(daemon: &Daemon, domain: &str) -> String {
    daemon.ask(&format!("{domain} mx.{domain}"))
}

#[allow(clippy::disallowed_methods, reason = "whoever measures by hand says so")]
fn to_tamper_with() -> usize {
    std::env::var("TAMPERED").map_or(72, |number| number.parse().unwrap())
}

#[test]
fn whoever_tampers_with_look_ups_of_a_daemon_harms_no_others() {
    let _turn = turn_of_this_thread();
    let (lab, attackers) = (world(false), world(true));
    let (mut tampered, mut harmed) = (0, 0);
    while tampered < to_tamper_with() {
        let path = OnThePath::between(&lab, &attackers);
        path.path.dice.0.store(u64::try_from(tampered).unwrap() + 1, Relaxed);
        let mut daemon = Plan::in_world(&lab).without("--dns").option("--dns", path.address).start();
        // Names of all zones, in turns: of every two the first is asked about under attack.
        let domains: Vec<String> = (0..DOMAINS)
            .flat_map(|number| (0..OWNERS).map(move |owner| (number, owner)))
            .flat_map(|(number, owner)| {
                ["signed", "plain"].map(|kind| format!("d{number}.{kind}{owner}.test"))
            })
            .collect();
        for round in domains.chunks(2 * ROUND) {
            daemon.signal("HUP");
            daemon.wait_until_told("READY=1");
            let (attacked, genuine) = round.split_at(ROUND);
            path.attack(true);
            let answers: Vec<(&String, String)> = thread::scope(|scope| {
                let daemon = &daemon;
                let all: Vec<_> = attacked
                    .chunks(ROUND / 8)
                    .map(|some| {
                        scope
                            .spawn(move || some.iter().map(|one| (one, ask(daemon, one))).collect::<Vec<_>>())
                    })
                    .collect();
                all.into_iter().flat_map(|one| one.join().unwrap()).collect()
            });
            path.attack(false);
            for (domain, answer) in answers {
                tampered += 1;
                let is_as_it_was = is_genuine(domain, &answer);
                harmed += usize::from(!is_as_it_was);
                assert!(
                    domain.contains("plain") || is_as_it_was || answer.starts_with("verdict=defer"),
                    "{domain} deceives: {answer}"
                );
            }
            for domain in genuine {
                let answer = ask(&daemon, domain);
                assert!(
                    is_genuine(domain, &answer),
                    "{domain}, with which nobody tampered: {answer}\n{}",
                    daemon.log()
                );
            }
        }
        let changed = path.path.changed.load(Relaxed);
        assert!(changed > 100, "{changed} replies were changed");
    }
    println!("{tampered} look-ups were tampered with, {harmed} were harmed, and no other one");
    assert!(harmed > tampered / 10, "{harmed} of {tampered}");
}
