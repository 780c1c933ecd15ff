//! An attacker between the program and everybody that it asks: whatever is dropped, delayed, changed or made up there, no answer asks
//! for less than the genuine policy, and once it is over each domain has its genuine answer again, in the time that SECURITY.md
//! tells. The daemon is killed and reloaded meanwhile, and the command is killed with its files open.
//!
//! `SECONDS=120 ROUNDS=5 SEED=7 cargo test --release --test program on_the_path -- --ignored --nocapture` makes it last.

use super::daemon::{Plan, exim};
use crate::support::dice::Dice;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::deliveries::{self, Delivery};
use crate::support::laboratory::impostor::Impostor;
use crate::support::program::{PROGRAM, Program};
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC, NSEC3, RRSIG};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, MX, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;

/// Under a policy in force nothing that is not signed counts, and no question is left alone, for longer than five seconds; the
/// look-up itself may take ten, and the machine has much to do.
const IN_FORCE_AGAIN: Duration = Duration::from_secs(5 + 10 + 15);
/// A question that failed again and again is left alone for five minutes at most (RFC 9520 section 3.2).
const GENUINE_AGAIN: Duration = Duration::from_secs(300 + 10 + 20);

/// Deliveries that are asked about at once when all is over.
const ASKED_TOGETHER: usize = 16;

/// Relays of DNS and HTTPS, in a process of nobody's; they end with the value.
struct Attacker {
    is_on: Arc<AtomicBool>,
    /// He lets DNS pass for a while, without which nobody would come to a policy host.
    spares_dns: Arc<AtomicBool>,
    changed: Arc<AtomicUsize>,
    dns: SocketAddr,
    https: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Attacker {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// What all connections of the attacker share.
struct Path {
    is_on: Arc<AtomicBool>,
    spares_dns: Arc<AtomicBool>,
    changed: Arc<AtomicUsize>,
    dice: Mutex<Dice>,
    /// Replies that were overheard.
    heard: Mutex<Vec<Message>>,
    dns: SocketAddr,
    https: SocketAddr,
    /// Where he leads those who ask for a policy.
    elsewhere: SocketAddr,
}

/// What becomes of a reply.
enum Fate {
    Dropped,
    Late(Duration, Vec<u8>),
    /// These octets, one datagram or frame each.
    Sent(Vec<Vec<u8>>),
}

impl Attacker {
    fn between(lab: &Laboratory, elsewhere: &Impostor, seed: u64) -> Self {
        let (is_on, changed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let spares_dns = Arc::new(AtomicBool::new(false));
        let path = Arc::new(Path {
            is_on: Arc::clone(&is_on),
            spares_dns: Arc::clone(&spares_dns),
            changed: Arc::clone(&changed),
            dice: Mutex::new(Dice(seed)),
            heard: Mutex::default(),
            dns: lab.dns(),
            https: (Ipv4Addr::LOCALHOST, lab.https_port()).into(),
            elsewhere: elsewhere.address,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let (tcp, udp) = loop {
                    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                    if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                        break (tcp, udp);
                    }
                };
                let https = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                ready.send((tcp.local_addr().unwrap(), https.local_addr().unwrap())).unwrap();
                tokio::spawn(over_udp(udp, Arc::clone(&path)));
                tokio::spawn(over_tcp(tcp, Arc::clone(&path)));
                tokio::spawn(over_https(https, path));
                let _ = stopped.await;
            });
        });
        let (dns, https) = started.recv().unwrap();
        Self { is_on, spares_dns, changed, dns, https, stop: Some(stop), thread: Some(thread) }
    }

    /// The options that lead to the attacker instead of the laboratory.
    fn options(&self) -> [(&'static str, String); 2] {
        [("--dns", self.dns.to_string()), ("--https-port", self.https.port().to_string())]
    }
}

async fn over_udp(socket: UdpSocket, path: Arc<Path>) {
    let socket = Arc::new(socket);
    let mut room = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut room).await {
        let (question, path, socket) = (room[..length].to_vec(), Arc::clone(&path), Arc::clone(&socket));
        tokio::spawn(async move {
            let Some(reply) = genuine(&question, path.dns).await else { return };
            let fits = |octets: Vec<u8>| match Message::from_vec(&octets) {
                Ok(message) if octets.len() > 1_232 => message.truncate().to_vec().unwrap_or_default(),
                _ => octets,
            };
            match path.fate(&reply) {
                Fate::Dropped => {}
                Fate::Late(pause, octets) => {
                    tokio::time::sleep(pause).await;
                    let _ = socket.send_to(&fits(octets), from).await;
                }
                Fate::Sent(all) => {
                    for octets in all {
                        let _ = socket.send_to(&fits(octets), from).await;
                    }
                }
            }
        });
    }
}

async fn over_tcp(listener: TcpListener, path: Arc<Path>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let path = Arc::clone(&path);
        tokio::spawn(async move {
            while let Ok(question) = framed(&mut stream).await {
                let Some(reply) = genuine(&question, path.dns).await else { return };
                let all = match path.fate(&reply) {
                    Fate::Dropped => return,
                    Fate::Late(pause, octets) => {
                        tokio::time::sleep(pause).await;
                        vec![octets]
                    }
                    Fate::Sent(all) => all,
                };
                for octets in all {
                    if frame(&mut stream, &octets).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

async fn framed(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut octets = vec![0; usize::from(length)];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

async fn frame(stream: &mut TcpStream, octets: &[u8]) -> std::io::Result<()> {
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes()[..], octets].concat()).await
}

/// What the laboratory says, whole.
async fn genuine(question: &[u8], server: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    frame(&mut stream, question).await.ok()?;
    framed(&mut stream).await.ok()
}

/// A connection to a policy host: TLS keeps its secrets, so it can be refused, kept waiting, cut, spoilt, or led to another host.
async fn over_https(listener: TcpListener, path: Arc<Path>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let path = Arc::clone(&path);
        tokio::spawn(async move {
            let manner = if path.is_on.load(Relaxed) { path.dice.lock().unwrap().roll(8) } else { 4 };
            if manner != 4 {
                path.changed.fetch_add(1, Relaxed);
            }
            let host = if manner > 4 { path.elsewhere } else { path.https };
            let Ok(mut server) = TcpStream::connect(host).await else { return };
            match manner {
                0 => {}
                1 => tokio::time::sleep(Duration::from_secs(4)).await,
                2 | 3 => {
                    let (mut from_client, mut to_client) = client.split();
                    let (mut from_server, mut to_server) = server.split();
                    let there = tokio::io::copy(&mut from_client, &mut to_server);
                    let back = async {
                        let at = path.dice.lock().unwrap().roll(3_000);
                        let mut room = vec![0; at + 1];
                        let mut length = 0;
                        while length < room.len() {
                            match from_server.read(&mut room[length..]).await {
                                Ok(more) if more > 0 => length += more,
                                _ => break,
                            }
                        }
                        if manner == 3 && length > 0 {
                            room[length - 1] ^= 0x10;
                        }
                        let _ = to_client.write_all(&room[..length]).await;
                        if manner == 3 {
                            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                        }
                    };
                    tokio::select! { _ = there => {}, () = back => {} }
                }
                _ => drop(tokio::io::copy_bidirectional(&mut client, &mut server).await),
            }
        });
    }
}

const FORGED_TEXTS: [&str; 6] = [
    "v=STSv1; id=forged;",
    "v=STSv1; id=1;",
    "v=STS1; to=false; mx=*.attacker.test; a=dnssec; c=webpki; e=31536000",
    "v=STS1; to=true; mx=mx.attacker.test; a=webpki:https://attacker.test/; c=webpki; e=31536000",
    "v=STS1; to=false; mx=mx.hosting.test; a=dnssec; e=1",
    "nothing of the kind",
];

impl Path {
    fn fate(&self, reply: &[u8]) -> Fate {
        let as_it_is = || Fate::Sent(vec![reply.to_vec()]);
        let Ok(genuine) = Message::from_vec(reply) else { return as_it_is() };
        let (dice, heard) = (&mut *self.dice.lock().unwrap(), &mut *self.heard.lock().unwrap());
        if heard.len() < 4_000 {
            heard.push(genuine.clone());
        }
        if !self.is_on.load(Relaxed) {
            return as_it_is();
        }
        // So that it is asked for again and again.
        let mut message = genuine.clone();
        let life = u32::try_from(dice.roll(3)).unwrap();
        message.answers.iter_mut().chain(&mut message.authorities).for_each(|record| record.ttl = life);
        let octets = |message: &Message| message.to_vec().unwrap_or_else(|_| reply.to_vec());
        if self.spares_dns.load(Relaxed) || dice.one_in(3) {
            return Fate::Sent(vec![octets(&message)]);
        }
        self.changed.fetch_add(1, Relaxed);
        match dice.roll(8) {
            0 => return Fate::Dropped,
            1 => {
                let pause = Duration::from_millis(u64::try_from(dice.roll(2_500)).unwrap());
                return Fate::Late(pause, octets(&message));
            }
            2 => {
                let mut noise = octets(&message);
                for _ in 0..=dice.roll(4) {
                    let at = dice.roll(noise.len());
                    noise[at] ^= 1 << dice.roll(8);
                }
                return Fate::Sent(vec![noise]);
            }
            3 => {
                // Somebody else's reply, and then the genuine one.
                let mut foreign = dice.of(heard).clone();
                if dice.one_in(2) {
                    foreign.metadata.id = genuine.metadata.id;
                }
                return Fate::Sent(vec![octets(&foreign), octets(&message)]);
            }
            _ => {}
        }
        for _ in 0..=dice.roll(2) {
            change(dice, heard, &mut message);
        }
        Fate::Sent(vec![octets(&message)])
    }
}

/// One change to a reply, by somebody who has no key of anybody's.
fn change(dice: &mut Dice, heard: &[Message], message: &mut Message) {
    let Some(asked) = message.queries.first().cloned() else { return };
    let is_proof = |record: &Record| {
        matches!(record.record_type(), RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3)
    };
    match dice.roll(11) {
        0 => {
            let codes = [
                ResponseCode::ServFail,
                ResponseCode::Refused,
                ResponseCode::FormErr,
                ResponseCode::NXDomain,
            ];
            message.metadata.response_code = *dice.of(&codes);
            message.answers.clear();
            message.authorities.clear();
        }
        1 => {
            message.metadata.response_code = *dice.of(&[ResponseCode::NoError, ResponseCode::NXDomain]);
            message.answers.clear();
        }
        2 => {
            message.answers.retain(|record| !is_proof(record));
            message.authorities.retain(|record| !is_proof(record));
        }
        3 => message.metadata.truncation = true,
        4 => message.metadata.authentic_data = true,
        5 => {
            let forged = forged(dice, asked.query_type());
            let life = *dice.of(&[1, 300, 86_400]);
            if dice.one_in(2) {
                message.answers.clear();
                message.authorities.clear();
                message.metadata.response_code = ResponseCode::NoError;
            }
            message.add_answer(Record::from_rdata(asked.name().clone(), life, forged));
        }
        6 => {
            // Another question's records, as if they were this one's.
            let other = dice.of(heard);
            let from = other.queries.first().map(|query| query.name().clone());
            message.answers.clone_from(&other.answers);
            message.authorities.clone_from(&other.authorities);
            message.metadata.response_code = other.metadata.response_code;
            for record in message.answers.iter_mut().chain(&mut message.authorities) {
                record.ttl = 1;
                if Some(&record.name) == from.as_ref() {
                    record.name = asked.name().clone();
                }
            }
        }
        7 => {
            let section = if dice.one_in(2) { &mut message.answers } else { &mut message.authorities };
            if !section.is_empty() {
                section.remove(dice.roll(section.len()));
            }
        }
        8 => {
            for record in message.answers.iter_mut().chain(&mut message.authorities) {
                if let RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) = &record.data {
                    let mut octets = rrsig.sig().to_vec();
                    // Another bit than the one that the laboratory's altered zones have wrong: he would mend these.
                    octets[0] ^= 2;
                    record.data =
                        RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(rrsig.input().clone(), octets)));
                }
            }
        }
        9 => {
            // The denial of another name, or one that says less than it did.
            let denials =
                heard.iter().flat_map(|message| &message.authorities).filter(|record| is_proof(record));
            let denials: Vec<_> = denials.cloned().collect();
            message.answers.clear();
            for _ in 0..4.min(denials.len()) {
                message.add_authority(dice.of(&denials).clone());
            }
        }
        _ => {
            for record in &mut message.authorities {
                let data = match &record.data {
                    RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
                        let types: Vec<_> = nsec.type_bit_maps().filter(|_| !dice.one_in(2)).collect();
                        DNSSECRData::NSEC(NSEC::new(nsec.next_domain_name().clone(), types))
                    }
                    RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => {
                        let types: Vec<_> = nsec3.type_bit_maps().filter(|_| !dice.one_in(2)).collect();
                        let next = nsec3.next_hashed_owner_name().to_vec();
                        let opt_out = nsec3.opt_out() != dice.one_in(2);
                        DNSSECRData::NSEC3(NSEC3::new(
                            nsec3.hash_algorithm(),
                            opt_out,
                            0,
                            vec![],
                            next,
                            types,
                        ))
                    }
                    _ => continue,
                };
                record.data = RData::DNSSEC(data);
            }
        }
    }
}

fn forged(dice: &mut Dice, rtype: RecordType) -> RData {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let hosts = ["mx.attacker.test.", "mx.hosting.test.", "mx1.dane.test.", "."];
    match rtype {
        RecordType::TXT => RData::TXT(TXT::new(vec![(*dice.of(&FORGED_TEXTS)).to_owned()])),
        RecordType::MX => RData::MX(MX::new(1, name(hosts[dice.roll(4)]))),
        RecordType::A if dice.one_in(2) => RData::A(A(Ipv4Addr::new(127, 6, 6, 6))),
        RecordType::TLSA => {
            RData::try_from_str(RecordType::TLSA, &format!("3 1 1 {}", "ab".repeat(32))).unwrap()
        }
        _ => RData::CNAME(CNAME(name(hosts[dice.roll(3)]))),
    }
}

/// The deliveries whose genuine answers are told by `fixtures/laboratory/deliveries`, without those that rest on the
/// administrator's word or on servers that are silent anyway.
fn genuine_deliveries() -> Vec<Delivery> {
    let reasons = [
        "policy-met",
        "mx-not-in-policy",
        "mx-not-in-dns",
        "no-policy",
        "first-use",
        "report-only",
        "mode-none",
        "null-mx",
        "never-applied",
        "dane-usable",
        "dane-unusable",
        "tlsa-bogus",
        "tlsa-required",
    ];
    let of_others = ["override"];
    let all = deliveries::all().into_iter();
    all.filter(|one| reasons.contains(&one.answer[3]) && !of_others.contains(&one.answer[1])).collect()
}

fn question(one: &Delivery) -> String {
    one.host.map_or_else(|| one.domain.to_owned(), |host| format!("{} {host}", one.domain))
}

fn word<'a>(line: &'a str, key: &str) -> &'a str {
    line.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
}

fn is_genuine(one: &Delivery, line: &str) -> bool {
    [word(line, "verdict"), word(line, "tls")] == [one.answer[0], one.answer[2]]
}

/// Why an answer is less than the genuine one, if it is; mail may wait, since nobody can be asked. Whoever meets a domain for the
/// first time knows no policy that anybody could withhold, but what is signed.
fn asks_for_less(one: &Delivery, line: &str, is_first_contact: bool) -> Option<&'static str> {
    let [verdict, policy, tls, reason] = one.answer;
    if is_first_contact && policy != "dane" {
        return None;
    }
    let (told, its_tls) = (word(line, "verdict"), word(line, "tls"));
    let demands_nothing = verdict == "deliver" && tls == "opportunistic";
    match told {
        "refuse" if demands_nothing => Some("a stranger's word refuses mail"),
        // A name that the policy permits, in a zone whose MX records anybody can forge: it has to show a certificate all the same.
        "deliver" if verdict == "refuse" && reason == "mx-not-in-dns" && its_tls == tls => None,
        "deliver" if verdict != "deliver" => Some("mail goes where it must not"),
        "deliver" if !demands_nothing && its_tls != tls => Some("mail goes with less"),
        _ => None,
    }
}

#[allow(clippy::disallowed_methods, reason = "how long it lasts is for whoever starts it to say")]
fn wanted(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
#[ignore = "lasts for minutes; tests/run --long"]
fn whatever_is_done_on_the_path_no_answer_asks_for_less_and_all_come_back() {
    let (seed, rounds, seconds) = (wanted("SEED", 1), wanted("ROUNDS", 3), wanted("SECONDS", 20));
    let lab = Laboratory::start();
    let impostor = lab.open_impostor("version: STSv1\nmode: none\nmax_age: 31557600\n");
    let attacker = Attacker::between(&lab, &impostor, seed);
    let mut plan = Plan::in_world(&lab).option("--answer-within", "2");
    let new_program = || {
        let program = Program::new(&lab).with(["--deadline", "3"]);
        attacker
            .options()
            .iter()
            .fold(program, |program, (option, value)| program.without(option).with([*option, value.as_str()]))
    };
    for (option, value) in attacker.options() {
        plan = plan.without(option).option(option, &value);
    }
    let (program, renewing) = (new_program(), new_program());
    let mut running = Some(plan.start());
    let daemon = running.as_ref().unwrap();
    let of_the_command = |program: &Program, one: &Delivery| match one.host {
        Some(host) => program.delivery(one.domain, host).line,
        None => program.route(one.domain).line,
    };
    // What is genuine, as long as nobody meddles with it; both memories know all policies from then on.
    let all: Vec<Delivery> = genuine_deliveries()
        .into_iter()
        .filter(|one| {
            let is_genuine = is_genuine(one, &daemon.ask(&question(one)));
            is_genuine && self::is_genuine(one, &of_the_command(&program, one))
        })
        .collect();
    let demanding = all.iter().filter(|one| one.answer[2] != "opportunistic").count();
    assert!(
        all.len() > 50 && demanding > 30,
        "{} of the laboratory's deliveries, {demanding} with demands",
        all.len()
    );
    println!("seed {seed}: {} deliveries, {demanding} of them with demands", all.len());
    // A cache of which the policies are fetched again and again.
    let fetched: Vec<&Delivery> = all.iter().filter(|one| one.answer[1] == "mta-sts").collect();
    for one in &fetched {
        assert!(is_genuine(one, &of_the_command(&renewing, one)), "{one:?}");
    }
    let (sessions, cold, killed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..rounds {
        attacker.is_on.store(true, Relaxed);
        let is_over = AtomicBool::new(false);
        let path = running.as_ref().unwrap().plan().exim();
        thread::scope(|scope| {
            for asker in 0..6 {
                let (all, sessions, is_over, path) = (&all, &sessions, &is_over, &path);
                let mut dice = Dice(seed * 1_000 + round * 10 + asker);
                scope.spawn(move || {
                    while !is_over.load(Relaxed) {
                        let one = dice.of(all);
                        // Between a kill and the next start nobody is there.
                        let Ok(line) = exim(path, &question(one)) else {
                            thread::sleep(Duration::from_millis(20));
                            continue;
                        };
                        sessions.fetch_add(1, Relaxed);
                        let less = asks_for_less(one, &line, false).filter(|_| line.starts_with("verdict="));
                        assert_eq!(less, None, "the daemon: {one:?}: {line}");
                    }
                });
            }
            for asker in 0..2 {
                let (all, cold, killed, is_over, sessions) = (&all, &cold, &killed, &is_over, &sessions);
                let (program, new_program) = (&program, &new_program);
                let mut dice = Dice(seed * 1_000 + round * 10 + 7 + asker);
                scope.spawn(move || {
                    while !is_over.load(Relaxed) {
                        let one = dice.of(all);
                        if dice.one_in(4) {
                            let line = of_the_command(&new_program(), one);
                            cold.fetch_add(1, Relaxed);
                            assert_eq!(
                                asks_for_less(one, &line, true),
                                None,
                                "the command, cold: {one:?}: {line}"
                            );
                            continue;
                        }
                        if dice.one_in(6) {
                            program.forget_dns();
                        }
                        let mut arguments = vec!["-d", one.domain];
                        arguments.extend(one.host.iter().flat_map(|host| ["-m", host]));
                        let mut command = program.command(arguments);
                        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
                        if dice.one_in(3) {
                            thread::sleep(Duration::from_micros(u64::try_from(dice.roll(150_000)).unwrap()));
                            child.kill().unwrap();
                            killed.fetch_add(1, Relaxed);
                        }
                        let line = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
                        sessions.fetch_add(1, Relaxed);
                        let less = asks_for_less(one, &line, false).filter(|_| !line.is_empty());
                        assert_eq!(less, None, "the command: {one:?}: {line}");
                    }
                });
            }
            let mut dice = Dice(seed * 1_000 + round * 10 + 9);
            let (fetched, is_over, renewing) = (&fetched, &is_over, &renewing);
            let (lab, attacker) = (&lab, &attacker);
            scope.spawn(move || {
                while !is_over.load(Relaxed) {
                    let one = *dice.of(fetched);
                    fetch_again(lab, attacker, renewing, one.domain);
                    let line = of_the_command(renewing, one);
                    assert_eq!(asks_for_less(one, &line, false), None, "fetched again: {one:?}: {line}");
                }
            });
            let end = Instant::now() + Duration::from_secs(seconds);
            let mut dice = Dice(seed + round);
            while Instant::now() < end && !thread::panicking() {
                attacker.spares_dns.store(dice.one_in(3), Relaxed);
                thread::sleep(Duration::from_millis(500 + u64::try_from(dice.roll(2_000)).unwrap()));
                if dice.one_in(2) {
                    // In the very middle of whatever it does.
                    running = running.take().map(|daemon| daemon.kill().start());
                    killed.fetch_add(1, Relaxed);
                } else if let Some(daemon) = &mut running {
                    daemon.signal("HUP");
                    daemon.wait_until_told("READY=1");
                }
            }
            is_over.store(true, Relaxed);
        });
        attacker.is_on.store(false, Relaxed);
        let is_in_force = |one: &&Delivery| ["mta-sts", "smtp-sts"].contains(&one.answer[1]);
        let (in_force, others): (Vec<_>, Vec<_>) = all.iter().partition(is_in_force);
        let (began, daemon) = (Instant::now(), running.as_ref().unwrap());
        let by_the_daemon = |one: &Delivery| daemon.ask(&question(one));
        let by_the_command = |one: &Delivery| of_the_command(&program, one);
        for (domains, bound, what) in
            [(in_force, IN_FORCE_AGAIN, "under a policy"), (others, GENUINE_AGAIN, "all others")]
        {
            let daemons = until_all(&domains, began, bound, by_the_daemon);
            // Each look of the command is a process, and it remembers no failure for longer than the daemon does.
            let commands = until_all(&domains, Instant::now(), bound, by_the_command);
            println!(
                "round {round}: {what} are genuine again for the daemon after {daemons}, for the command after {commands}"
            );
        }
        // Whoever was kept waiting for the results of DNS did without them. Nobody is in the way now: what was killed left files that
        // can be used.
        for one in &all {
            let line = of_the_command(&program, one);
            assert!(!line.contains("cache=unavailable"), "{one:?}: {line}");
        }
        assert!(daemon.resident_at_most() < 96 * 1_024, "{} KiB", daemon.resident_at_most());
        daemon.made_no_mistake();
    }
    println!(
        "{} sessions and {} with an empty cache, {} replies and connections changed, {} kills",
        sessions.load(Relaxed),
        cold.load(Relaxed),
        attacker.changed.load(Relaxed),
        killed.load(Relaxed)
    );
    for (what, times) in [("session", &sessions), ("session with an empty cache", &cold), ("kill", &killed)] {
        assert!(times.load(Relaxed) > 0, "there was no {what}");
    }
    assert!(attacker.changed.load(Relaxed) > 0, "nothing was changed on the path");
    impostor.was_seen_and_not_believed();
}

/// As an operator has it done: whatever becomes of it, the policy host is asked, or the attacker in its place.
fn fetch_again(lab: &Laboratory, attacker: &Attacker, program: &Program, domain: &str) {
    let mut options = lab.options();
    for (option, value) in attacker.options() {
        let at = options.iter().position(|one| one == option).unwrap();
        options[at + 1] = value;
    }
    let mut command = Command::new(PROGRAM);
    command.args(["cache", "refresh", domain, "--force", "--quiet"]).args(options);
    command.arg("--config").arg(lab.empty_configuration()).arg("-c").arg(program.cache());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1 | 75)), "{:?}: {said}", output.status);
}

/// Waits until each of these has its genuine answer, and no longer than that time from then on. Several are asked at once, in turns, so
/// that none waits for a slow answer about another. What the slowest of them took, and what was said of it before.
fn until_all(
    deliveries: &[&Delivery],
    began: Instant,
    bound: Duration,
    asked: impl Fn(&Delivery) -> String + Sync,
) -> String {
    let waiting: Mutex<VecDeque<(&Delivery, String)>> =
        Mutex::new(deliveries.iter().map(|one| (*one, "genuine at the first look".to_owned())).collect());
    let slowest = Mutex::new((Duration::ZERO, String::new()));
    thread::scope(|scope| {
        for _ in 0..ASKED_TOGETHER {
            scope.spawn(|| {
                while let Some((one, before)) = { waiting.lock().unwrap().pop_front() } {
                    let is_late = began.elapsed() >= bound;
                    let line = asked(one);
                    if is_genuine(one, &line) {
                        let mut slowest = slowest.lock().unwrap();
                        if began.elapsed() > slowest.0 {
                            *slowest = (began.elapsed(), format!("{}: {}", question(one), before.trim_end()));
                        }
                    } else {
                        assert!(!is_late, "not genuine again after {:?}: {one:?}: {line}", began.elapsed());
                        waiting.lock().unwrap().push_back((one, line));
                        thread::sleep(Duration::from_millis(200));
                    }
                }
            });
        }
    });
    let (took, whose) = slowest.into_inner().unwrap();
    format!("{:.1} s ({whose})", took.as_secs_f64())
}
