//! Genuine replies of a signed world, recorded once from a real resolver, and what must follow from them.
//!
//! `fixtures/replies/world.txt` holds them, with the moment of the recording: `now SECONDS`, `anchor LINE`,
//! `attacker ZONE SECRET PUBLIC` (a key of one zone of that world), `session NAME TYPE CLASS`, `reply NAME TYPE OCTETS`
//! in base64, `failed NAME TYPE`. Record anew with `tests/dnssec-world` up:
//! `cargo test --test unit record_the_world_anew -- --ignored`.

use super::auditor::audit;
use super::scene::message_of;
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::{Finding, Replies, Reply, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Content, Outage, Question, tolerance};
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock, UnixTime};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One question of the recording and its class there, as `tests/dnssec-world/expected.tsv` writes it.
pub(crate) struct Session {
    pub(crate) question: Question,
    pub(crate) class: String,
}

/// Everything that was recorded.
pub(crate) struct Recording {
    pub(crate) now: UnixTime,
    pub(crate) anchors: Arc<TrustAnchors>,
    /// Zone, secret and public half of a key whose owner means ill.
    pub(crate) attacker: (Name, Vec<u8>, Vec<u8>),
    pub(crate) sessions: Vec<Session>,
    pub(crate) replies: BTreeMap<(Name, u16), Option<Message>>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/replies")
}

fn absolute(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap().to_lowercase();
    name.set_fqdn(true);
    name
}

pub(crate) fn key(question: &Question) -> (Name, u16) {
    (question.name().clone(), question.rtype().into())
}

impl Recording {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(directory().join("world.txt")).unwrap();
        let (mut now, mut anchors) = (UnixTime(0), String::new());
        let mut attacker = (Name::root(), vec![], vec![]);
        let (mut sessions, mut replies) = (Vec::new(), BTreeMap::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap();
            let words: Vec<&str> = rest.split(' ').collect();
            let question = |words: &[&str]| Question::new(&absolute(words[0]), words[1].parse().unwrap());
            match word {
                "now" => now = UnixTime(rest.parse().unwrap()),
                "anchor" => anchors += &format!("{rest}\n"),
                "attacker" => attacker = (absolute(words[0]), from_base64(words[1]), from_base64(words[2])),
                "session" => {
                    sessions.push(Session { question: question(&words), class: words[2].to_owned() })
                }
                "reply" => {
                    let message = tolerance::read(&from_base64(words[2])).unwrap();
                    replies.insert(key(&question(&words)), Some(message));
                }
                "failed" => {
                    replies.insert(key(&question(&words)), None);
                }
                other => panic!("{other}"),
            }
        }
        let anchors = Arc::new(TrustAnchors::parse(&anchors).unwrap());
        Self { now, anchors, attacker, sessions, replies }
    }

    /// The recorded reply to a question.
    pub(crate) fn reply(&self, question: &Question) -> Reply {
        match self.replies.get(&key(question)) {
            Some(Some(message)) => Reply::Message(Box::new(message.clone())),
            Some(None) => Reply::Failed(Outage::NoAnswer, "no reply was recorded".into()),
            None => panic!("{question} was not recorded"),
        }
    }

    pub(crate) fn trust(&self) -> TrustContext {
        TrustContext::new(Arc::clone(&self.anchors), self.now)
    }

    /// Looks through the proof of what was found with these replies alone.
    #[track_caller]
    pub(crate) fn audit(&self, finding: &Finding, heard: &[Reply]) {
        let heard: Vec<Message> = heard.iter().filter_map(message_of).collect();
        if let Err(flaw) = audit(finding, &self.anchors.fingerprint_input(), self.now, &heard) {
            panic!("{flaw}\n  {finding:#?}");
        }
    }
}

/// Walks with whatever `answer` says: only what the walk cannot go on without is asked.
pub(crate) fn walk(
    trust: &mut TrustContext,
    question: &Question,
    answer: impl FnMut(&Question) -> Reply,
) -> Finding {
    walk_by(1, trust, question, answer)
}

/// The same, where of what is wanted so much is asked at once.
pub(crate) fn walk_by(
    at_once: usize,
    trust: &mut TrustContext,
    question: &Question,
    mut answer: impl FnMut(&Question) -> Reply,
) -> Finding {
    let (mut walk, mut replies) = (Walk::new(question.clone()), Replies::default());
    for _ in 0..500 {
        match walk.step(trust, &replies) {
            Step::Done(finding) => return finding,
            Step::Ask(questions) => {
                assert!(replies.get(&questions[0]).is_none(), "{} was answered already", questions[0]);
                for question in questions.into_iter().take(at_once) {
                    if replies.get(&question).is_none() {
                        let reply = answer(&question);
                        replies.insert(question, reply);
                    }
                }
            }
        }
    }
    panic!("a walk without end: {question}");
}

/// The class in the words of `expected.tsv`.
pub(crate) fn class(finding: &Finding) -> String {
    let content = match finding.outcome.content() {
        Some(Content::Data(_)) => "+",
        Some(Content::Nodata) => "-nodata",
        Some(Content::Nxdomain) => "-nx",
        None => "",
    };
    format!("{}{content}", finding.outcome.class().word())
}

#[test]
fn the_recorded_world_is_judged_as_unbound_and_delv_judge_it() {
    let recording = Recording::read();
    assert!(recording.sessions.len() > 200);
    for Session { question, class: expected } in &recording.sessions {
        let mut heard = Vec::new();
        let finding = walk(&mut recording.trust(), question, |question| {
            heard.push(recording.reply(question));
            recording.reply(question)
        });
        recording.audit(&finding, &heard);
        let class = class(&finding);
        let is_failure = |class: &str| class == "bogus" || class == "unreachable";
        assert!(class == *expected || is_failure(&class) && is_failure(expected), "{question}: {finding:?}");
    }
}

#[test]
fn a_verdict_costs_little_even_in_hostile_zones() {
    let recording = Recording::read();
    let mut most = (0, 0, 0);
    for session in &recording.sessions {
        let mut trust = recording.trust();
        walk(&mut trust, &session.question, |question| recording.reply(question));
        let spent = trust.spent();
        let (a, b, c) = most;
        most = (a.max(spent.verifications), b.max(spent.nsec3_hashes), c.max(spent.hash_blocks));
    }
    // A twelve-link chain of aliases verifies most; a denial with 2,500 iterations hashes most.
    assert!(most.0 <= 60 && most.1 <= 30 && most.2 <= 8_000, "{most:?}");
}

#[test]
fn all_walks_of_one_verdict_may_share_what_they_prove() {
    let recording = Recording::read();
    let of = |zone: &str| {
        let zone = absolute(zone);
        recording.sessions.iter().filter(move |session| zone.zone_of(session.question.name()))
    };
    for zone in ["p256.nsec.", "p256.nsec3.", "deep.nsec.", "wild.nsec3.", "it151.nsec3."] {
        let mut trust = recording.trust();
        for session in of(zone).chain(of(zone)) {
            let finding = walk(&mut trust, &session.question, |question| recording.reply(question));
            assert_eq!(class(&finding), session.class, "{}", session.question);
        }
    }
}

#[test]
#[ignore = "shows how long the walks of the recording take: --release --nocapture"]
fn how_long_walks_take() {
    let recording = Recording::read();
    let mut times: Vec<(Duration, String)> = Vec::new();
    for session in &recording.sessions {
        let mut replies = Replies::default();
        let finding = walk(&mut recording.trust(), &session.question, |question| {
            replies.insert(question.clone(), recording.reply(question));
            recording.reply(question)
        });
        let best = (0..20).map(|_| {
            let began = Instant::now();
            let step = Walk::new(session.question.clone()).step(&mut recording.trust(), &replies);
            assert_eq!(step, Step::Done(finding.clone()));
            began.elapsed()
        });
        times.push((best.min().unwrap(), session.question.to_string()));
    }
    times.sort();
    println!("median {:?}", times[times.len() / 2]);
    times.iter().rev().take(8).for_each(|slow| println!("{slow:?}"));
}

// ---- recording -----------------------------------------------------------------------------------------------

#[test]
#[ignore = "records tests/dnssec-world, which has to be up, anew"]
fn record_the_world_anew() {
    #[expect(clippy::disallowed_methods, reason = "where the world runs, if not in its own directory")]
    let world = std::env::var("DNSSEC_WORLD")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dnssec-world").to_owned());
    let world = Path::new(&world);
    let now = SystemClock.now();
    let anchor = fs::read_to_string(world.join("run/root.key")).unwrap();
    let anchors = Arc::new(TrustAnchors::parse(&anchor).unwrap());
    let (secret, public) = attackers_key(&world.join("run/keys/evil.nsec/ECDSAP256SHA256-zsk0"));
    let mut text = format!("# See tests/unit/dns/walk/recorded.rs.\nnow {}\n", now.0);
    anchors.fingerprint_input().lines().for_each(|line| writeln!(text, "anchor {line}").unwrap());
    writeln!(text, "attacker evil.nsec. {secret} {public}").unwrap();

    let expected = fs::read_to_string(world.join("expected.tsv")).unwrap();
    let mut sessions: Vec<(Question, String)> = expected
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|row| (Question::new(&absolute(row[0]), row[1].parse().unwrap()), row[2].to_owned()))
        .collect();
    sessions.push((Question::new(&absolute("_smtp-sts.evil.nsec."), RecordType::TXT), "secure+".into()));
    let mut replies: BTreeMap<(String, String), Option<Vec<u8>>> = BTreeMap::new();
    let mut ask = |question: &Question| {
        let key = (question.name().to_ascii(), question.rtype().to_string());
        let octets = replies.entry(key).or_insert_with(|| exchange(question).ok());
        match octets {
            Some(octets) => Reply::Message(Box::new(tolerance::read(octets).unwrap())),
            None => Reply::Failed(Outage::NoAnswer, "no reply".into()),
        }
    };
    for (question, class) in &sessions {
        writeln!(text, "session {} {} {class}", question.name().to_ascii(), question.rtype()).unwrap();
        let mut trust = TrustContext::new(Arc::clone(&anchors), now);
        let finding = walk(&mut trust, question, &mut ask);
        // An attacker makes a walk look at every name on the way.
        for name in finding.aliases.iter().chain([question.name()]) {
            for depth in 1..=name.iter().count() {
                for rtype in [RecordType::DS, RecordType::DNSKEY] {
                    ask(&Question::new(&name.trim_to(depth), rtype));
                }
            }
        }
    }
    for ((name, rtype), octets) in replies {
        match octets {
            Some(octets) => writeln!(text, "reply {name} {rtype} {}", to_base64(&octets)).unwrap(),
            None => writeln!(text, "failed {name} {rtype}").unwrap(),
        }
    }
    fs::create_dir_all(directory()).unwrap();
    fs::write(directory().join("world.txt"), text).unwrap();
}

/// Seeds for the fuzz targets `walk` and `reply` (`fuzz/targets.rs` says in which form).
#[test]
#[ignore = "writes fixtures/corpora/walk and fixtures/corpora/reply from the recording"]
fn write_the_corpora_of_the_recording() {
    let recording = Recording::read();
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpora");
    for target in ["walk", "reply"] {
        fs::create_dir_all(corpora.join(target)).unwrap();
    }
    for (place, session) in recording.sessions.iter().enumerate().filter(|(place, _)| place % 8 == 0) {
        let mut seed =
            format!("{} {}\n", session.question.name().to_ascii(), session.question.rtype()).into_bytes();
        let mut last = Vec::new();
        walk(&mut recording.trust(), &session.question, |question| {
            let reply = recording.reply(question);
            last = match &reply {
                Reply::Message(message) => message.to_vec().unwrap(),
                Reply::Failed(..) => Vec::new(),
            };
            seed.extend(u16::try_from(last.len()).unwrap().to_be_bytes());
            seed.extend(&last);
            reply
        });
        let file = format!("{place:03}");
        fs::write(corpora.join("walk").join(&file), seed).unwrap();
        if place % 16 == 0 && !last.is_empty() {
            fs::write(corpora.join("reply").join(&file), last).unwrap();
        }
    }
}

/// Asks the world's resolver that does not validate, by TCP.
fn exchange(question: &Question) -> std::io::Result<Vec<u8>> {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = true;
    message.add_query(Query::query(question.name().clone(), question.rtype()));
    let mut edns = Edns::new();
    edns.set_max_payload(1_232).set_dnssec_ok(true);
    message.set_edns(edns);
    let octets = message.to_vec().unwrap();
    let mut stream = TcpStream::connect("127.53.8.2:53")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&[&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

/// The halves of a key as `dnssec-keygen` writes them.
fn attackers_key(directory: &Path) -> (String, String) {
    let (mut secret, mut public) = (String::new(), String::new());
    for entry in fs::read_dir(directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            if let Some(key) = line.strip_prefix("PrivateKey: ") {
                secret = key.to_owned();
            } else if let Some((_, key)) = line.split_once(" IN DNSKEY 256 3 13 ") {
                public = key.replace(' ', "");
            }
        }
    }
    (secret, public)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn to_base64(octets: &[u8]) -> String {
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let value = chunk.iter().fold(0_u32, |value, octet| value << 8 | u32::from(*octet))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(value >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

pub(crate) fn from_base64(text: &str) -> Vec<u8> {
    let (mut octets, mut pending, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        pending = pending << 6 | ALPHABET.iter().position(|letter| *letter == digit).unwrap() as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push((pending >> bits & 255) as u8);
        }
    }
    octets
}
