//! An attacker on the path who knows the protocol, has a signed zone of their own, and changes genuine replies at random.
//!
//! Whatever is changed, the verdict is the genuine one, or bogus, or unreachable; where the genuine verdict is insecure,
//! the content may be the attacker's, but never becomes secure. A few hundred sessions run with every `cargo test`;
//! `ATTACKS=20000 cargo test --release --test unit whatever_an_attacker -- --nocapture` runs as many as one likes, and
//! `SEED=...` others.

use super::recorded::{Recording, class, key, walk, walk_by};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use hickory_proto::dnssec::crypto::EcdsaSigningKey;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, NSEC3, RRSIG};
use hickory_proto::dnssec::{Algorithm, DigestType, Nsec3HashAlgorithm, PublicKeyBuf, SigningKey, TBS};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{CNAME, MX, NS, NULL, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};
use smtp_sts_verify::dns::proven_zones::ProvenZones;
use smtp_sts_verify::dns::walk::{Finding, Reply, TrustContext};
use smtp_sts_verify::dns::{Class, Content, Outage, Outcome, Question, tolerance};
use smtp_sts_verify::limits::{MAX_HASH_BLOCKS, MAX_NSEC3_HASHES, MAX_VERIFICATIONS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 16) as usize % sides.max(1)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.roll(chances) == 0
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.roll(things.len())]
    }
}

/// The attacker's key, and everything that can be overheard.
struct Attacker<'r> {
    zone: Name,
    secret: EcdsaSigningKey,
    dnskey: DNSKEY,
    now: u32,
    heard: Vec<(Name, RecordType, &'r Message)>,
    names: Vec<Name>,
}

const TYPES: [RecordType; 13] = [
    RecordType::TXT,
    RecordType::A,
    RecordType::MX,
    RecordType::CNAME,
    RecordType::DNAME,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::NS,
    RecordType::SOA,
    RecordType::NSEC,
    RecordType::NSEC3,
    RecordType::TLSA,
    RecordType::RRSIG,
];

impl<'r> Attacker<'r> {
    fn new(recording: &'r Recording) -> Self {
        let (zone, secret, public) = recording.attacker.clone();
        let uncompressed = [&[4][..], &public].concat();
        let algorithm = Algorithm::ECDSAP256SHA256;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &secret,
            &uncompressed,
        );
        let heard: Vec<_> = recording
            .replies
            .iter()
            .filter_map(|((name, rtype), message)| {
                Some((name.clone(), RecordType::from(*rtype), message.as_ref()?))
            })
            .collect();
        let mut names: BTreeSet<Name> = heard.iter().map(|(name, ..)| name.clone()).collect();
        for (_, _, message) in &heard {
            names.extend(message.all_sections().map(|record| record.name.to_lowercase()));
        }
        Self {
            zone,
            secret: EcdsaSigningKey::from_ecdsa(pair.unwrap(), algorithm),
            dnskey: DNSKEY::with_flags(256, PublicKeyBuf::new(public, algorithm)),
            now: recording.now.serial(),
            heard,
            names: names.into_iter().collect(),
        }
    }

    /// A name that has something to do with `near`, or any.
    fn name(&self, dice: &mut Dice, near: &Name) -> Name {
        match dice.roll(8) {
            0 => near.clone(),
            1 => near.base_name(),
            2 => near.base_name().base_name(),
            3 => near.prepend_label("x").unwrap_or_else(|_| near.clone()),
            4 => near.base_name().prepend_label("*").unwrap_or_else(|_| near.clone()),
            5 => self.zone.clone(),
            6 => near.base_name().prepend_label("0").unwrap_or_else(|_| near.clone()),
            _ => dice.of(&self.names).clone(),
        }
    }

    /// A reply that was overheard, more often than not one from the neighbourhood.
    fn overheard(&self, dice: &mut Dice, near: &Name) -> (&Name, RecordType, &'r Message) {
        let shared = dice.roll(4);
        let zone = near.trim_to(shared.min(near.iter().count()));
        for _ in 0..20 {
            let (name, rtype, message) = dice.of(&self.heard);
            if zone.zone_of(name) {
                return (name, *rtype, message);
            }
        }
        let (name, rtype, message) = dice.of(&self.heard);
        (name, *rtype, message)
    }

    /// Data of any type that somebody made up.
    fn made_up(&self, dice: &mut Dice, rtype: RecordType, near: &Name) -> RData {
        let types = |dice: &mut Dice| (0..dice.roll(4)).map(|_| *dice.of(&TYPES)).collect::<Vec<_>>();
        match rtype {
            RecordType::MX => RData::MX(MX::new(1, self.name(dice, near))),
            RecordType::CNAME => RData::CNAME(CNAME(self.name(dice, near))),
            RecordType::NS => RData::NS(NS(self.name(dice, near))),
            RecordType::SOA => RData::SOA(SOA::new(self.zone.clone(), self.zone.clone(), 1, 2, 3, 4, 600)),
            RecordType::DNAME => {
                let mut octets = Vec::new();
                for label in self.name(dice, near).iter() {
                    octets.push(label.len() as u8);
                    octets.extend_from_slice(label);
                }
                octets.push(0);
                RData::Unknown { code: RecordType::DNAME, rdata: NULL::with(octets) }
            }
            RecordType::DS => {
                let known = dice.roll(3) > 0;
                let algorithm = if known { Algorithm::ECDSAP256SHA256 } else { Algorithm::Unknown(200) };
                let digest = self.dnskey.to_digest(near, DigestType::SHA256).unwrap();
                let tag = self.dnskey.calculate_key_tag().unwrap();
                RData::DNSSEC(DNSSECRData::DS(DS::new(
                    tag,
                    algorithm,
                    DigestType::SHA256,
                    digest.as_ref().to_vec(),
                )))
            }
            RecordType::DNSKEY => RData::DNSSEC(DNSSECRData::DNSKEY(self.dnskey.clone())),
            RecordType::NSEC => {
                RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(self.name(dice, near), types(dice))))
            }
            RecordType::NSEC3 => {
                let next: Vec<u8> = (0..20).map(|_| dice.roll(256) as u8).collect();
                let iterations = *dice.of(&[0_u16, 1, 10, 150, 151, 2_500]);
                let (opt_out, types) = (dice.one_in(2), types(dice));
                let nsec3 = NSEC3::new(Nsec3HashAlgorithm::SHA1, opt_out, iterations, vec![], next, types);
                RData::DNSSEC(DNSSECRData::NSEC3(nsec3))
            }
            _ => RData::TXT(TXT::new(vec!["FORGED".into()])),
        }
    }

    /// Made-up records with a signature: the attacker's own, or one that claims to be another zone's.
    fn signed(
        &self,
        dice: &mut Dice,
        owner: &Name,
        rtype: RecordType,
        near: &Name,
        tags: &[u16],
    ) -> Vec<Record> {
        let record = Record::from_rdata(owner.clone(), 600, self.made_up(dice, rtype, near));
        let own_tag = self.dnskey.calculate_key_tag().unwrap();
        let input = SigInput {
            type_covered: record.record_type(),
            algorithm: Algorithm::ECDSAP256SHA256,
            num_labels: owner.num_labels().saturating_sub(u8::from(dice.one_in(6))),
            original_ttl: 600,
            sig_expiration: SerialNumber::new(self.now + 100_000),
            sig_inception: SerialNumber::new(self.now - 100_000),
            key_tag: if dice.one_in(3) && !tags.is_empty() { *dice.of(tags) } else { own_tag },
            signer_name: if dice.one_in(2) { self.zone.clone() } else { self.name(dice, near) },
        };
        let octets = TBS::from_input(owner, DNSClass::IN, &input, std::iter::once(&record)).unwrap();
        let signature = RRSIG::from_sig(input, self.secret.sign(&octets).unwrap());
        vec![record, Record::from_rdata(owner.clone(), 600, RData::DNSSEC(DNSSECRData::RRSIG(signature)))]
    }

    /// What the attacker says to a question that is never asked in earnest.
    fn invented(&self, dice: &mut Dice, question: &Question) -> Message {
        let (heard_of, _, message) = self.overheard(dice, question.name());
        let mut message = message.clone();
        if dice.one_in(2) {
            rename(&mut message, heard_of, question.name());
        }
        message
    }

    /// One change to a reply.
    fn change(&self, dice: &mut Dice, question: &Question, message: &mut Message) {
        let (asked, rtype) = (question.name(), question.rtype());
        let tags: Vec<u16> = message.all_sections().filter_map(rrsig).map(|s| s.input().key_tag).collect();
        match dice.roll(24) {
            0 => *message = self.overheard(dice, asked).2.clone(),
            1 => *message = self.invented(dice, question),
            2 => with_one(dice, message, |section, place, _| drop(section.remove(place))),
            3 => with_one(dice, message, |section, place, _| section.push(section[place].clone())),
            4 => with_one(dice, message, |section, place, dice| {
                let other = dice.roll(section.len());
                section.swap(place, other);
            }),
            5 => {
                let moved = std::mem::take(&mut message.authorities);
                if dice.one_in(2) {
                    message.answers.extend(moved);
                } else {
                    message.authorities = std::mem::take(&mut message.answers);
                }
            }
            6 => {
                message.answers.retain(|record| rrsig(record).is_none());
                message.authorities.retain(|record| rrsig(record).is_none());
            }
            7 => with_one(dice, message, |section, place, _| {
                let owner = section[place].name.clone();
                section.retain(|record| rrsig(record).is_none() || record.name != owner);
            }),
            8 => {
                let owner = self.name(dice, asked);
                with_one(dice, message, |section, place, _| {
                    let old = section[place].name.clone();
                    section
                        .iter_mut()
                        .filter(|record| record.name == old)
                        .for_each(|r| r.name = owner.clone());
                });
            }
            9 => with_one(dice, message, |section, place, dice| {
                section[place].ttl = *dice.of(&[0, 1, 1 << 20, u32::MAX])
            }),
            10 => {
                let codes = [ResponseCode::NoError, ResponseCode::NXDomain, ResponseCode::ServFail];
                message.metadata.response_code = *dice.of(&codes);
            }
            11 => {
                let (_, _, other) = self.overheard(dice, asked);
                message.answers.extend(other.answers.iter().cloned());
                message.authorities.extend(other.authorities.iter().cloned());
            }
            12 => {
                let (_, _, other) = self.overheard(dice, asked);
                message.answers.clear();
                message.authorities.clone_from(&other.authorities);
            }
            13 => message.answers.clear(),
            14 => message.authorities.clear(),
            15 => {
                let kind = if dice.one_in(2) { rtype } else { *dice.of(&TYPES) };
                let owner = if dice.one_in(2) { asked.clone() } else { self.name(dice, asked) };
                let forged = Record::from_rdata(owner, 600, self.made_up(dice, kind, asked));
                if dice.one_in(2) {
                    message.answers.retain(|record| record.record_type() != kind);
                }
                if dice.one_in(3) { message.authorities.push(forged) } else { message.answers.push(forged) }
            }
            16 | 17 => {
                let kind = if dice.one_in(2) { rtype } else { *dice.of(&TYPES) };
                let owner = if dice.one_in(2) { asked.clone() } else { self.name(dice, asked) };
                let forged = self.signed(dice, &owner, kind, asked, &tags);
                if dice.one_in(2) {
                    message.answers.clear();
                }
                if matches!(kind, RecordType::NSEC | RecordType::NSEC3) {
                    message.authorities.extend(forged);
                } else {
                    message.answers.extend(forged);
                }
            }
            18 => {
                let near = self.name(dice, asked);
                with_one(dice, message, |section, place, dice| disturb(dice, &mut section[place], &near));
            }
            19 => {
                let data = self.made_up(dice, rtype, asked);
                with_one(dice, message, |section, place, _| {
                    if section[place].record_type() == data.record_type() {
                        section[place].data = data;
                    }
                });
            }
            20 => with_one(dice, message, |section, place, _| section[place].dns_class = DNSClass::CH),
            21 => {
                // The denials of two replies, as if they were of one.
                let (_, _, other) = self.overheard(dice, asked);
                let denial = |record: &&Record| {
                    matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3 | RecordType::RRSIG)
                };
                message.authorities.extend(other.authorities.iter().filter(denial).cloned());
                message.answers.retain(|_| dice.one_in(2));
            }
            22 => message.metadata.truncation = true,
            _ => noise(dice, message),
        }
    }
}

fn rrsig(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

fn rename(message: &mut Message, from: &Name, to: &Name) {
    for record in message.answers.iter_mut().chain(&mut message.authorities) {
        if record.name == *from {
            record.name = to.clone();
        }
    }
}

fn with_one(dice: &mut Dice, message: &mut Message, change: impl FnOnce(&mut Vec<Record>, usize, &mut Dice)) {
    let section = if dice.one_in(2) { &mut message.answers } else { &mut message.authorities };
    if !section.is_empty() {
        let place = dice.roll(section.len());
        change(section, place, dice);
    }
}

/// Changes a field of a signature, or what a denial or an alias says.
fn disturb(dice: &mut Dice, record: &mut Record, near: &Name) {
    record.data = match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => {
            let mut input = signature.input().clone();
            match dice.roll(6) {
                0 => input.num_labels = dice.roll(6) as u8,
                1 => input.signer_name = near.clone(),
                2 => input.type_covered = *dice.of(&TYPES),
                3 => input.sig_expiration = SerialNumber::new(u32::MAX),
                4 => input.original_ttl = u32::MAX,
                _ => input.key_tag = input.key_tag.wrapping_add(1),
            }
            RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature.sig().to_vec())))
        }
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            let types: Vec<RecordType> = nsec.type_bit_maps().filter(|_| !dice.one_in(3)).collect();
            let next = if dice.one_in(2) { near.clone() } else { nsec.next_domain_name().clone() };
            RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(next, types)))
        }
        RData::DNSSEC(DNSSECRData::NSEC3(n)) => {
            let types: Vec<RecordType> = n.type_bit_maps().filter(|_| !dice.one_in(3)).collect();
            let iterations = if dice.one_in(3) { 151 } else { n.iterations() };
            let next = n.next_hashed_owner_name().to_vec();
            let nsec3 =
                NSEC3::new(n.hash_algorithm(), dice.one_in(2), iterations, n.salt().to_vec(), next, types);
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3))
        }
        RData::CNAME(_) => RData::CNAME(CNAME(near.clone())),
        RData::MX(mx) => RData::MX(MX::new(mx.preference, near.clone())),
        other => other.clone(),
    };
}

/// Flips bits of the message as it is on the wire.
fn noise(dice: &mut Dice, message: &mut Message) {
    let Ok(mut octets) = message.to_vec() else { return };
    for _ in 0..=dice.roll(4) {
        let place = dice.roll(octets.len());
        octets[place] ^= 1 << dice.roll(8);
    }
    if let Ok(changed) = tolerance::read(&octets) {
        *message = changed;
    }
}

/// What a verdict says, without regard to case, order and life.
fn said(finding: &Finding) -> (String, BTreeSet<String>) {
    let content = match finding.outcome.content() {
        Some(Content::Data(data)) => data.iter().map(|data| data.to_string().to_lowercase()).collect(),
        _ => BTreeSet::new(),
    };
    (class(finding), content)
}

/// Why it is insecure. Of an opt-out that is the zone: whether the gap was proven for a name or for the one below it is the same fact.
fn reason(finding: &Finding) -> Option<&str> {
    match &finding.outcome {
        Outcome::Insecure(_, why) => {
            Some(why.split_once(" is under NSEC3 opt-out of ").map_or(&**why, |(_, zone)| zone))
        }
        _ => None,
    }
}

/// Why the verdict under attack is none that the genuine one allows.
fn deceived(
    attacker: &Attacker<'_>,
    question: &Question,
    genuine: &Finding,
    attacked: &Finding,
) -> Option<&'static str> {
    let are_secure = [genuine, attacked].map(|finding| finding.outcome.class()) == [Class::Secure; 2];
    if are_secure && attacker.zone.zone_of(question.name()) {
        // There the attacker signs what they like.
        return None;
    }
    if attacked.outcome.class() == Class::Secure
        && said(attacked).1.iter().any(|data| data.trim_matches('"') == "forged")
    {
        return Some("what the attacker wrote is secure");
    }
    // Where a zone denies with too many iterations, what it has not signed is insecure by RFC 9276 section 3.2.
    let cannot_deny =
        matches!(&attacked.outcome, Outcome::Insecure(_, why) if why.starts_with("nsec3-iterations"));
    match (genuine.outcome.class(), attacked.outcome.class()) {
        (_, Class::Bogus | Class::Unreachable) => None,
        (Class::Secure, Class::Secure) => {
            (said(genuine) != said(attacked)).then_some("other content is secure")
        }
        (Class::Secure, Class::Insecure) => Some("a signed zone is insecure"),
        (Class::Insecure, Class::Secure) => Some("an insecure zone is secure"),
        // The content may be anybody's, but the cut that makes it so is a fact, and what was signed above it stands.
        (Class::Insecure, Class::Insecure) => {
            (reason(genuine) != reason(attacked)).then_some("insecure for another reason")
        }
        // Broken zones: what breaks them may be left out, but that makes no zone insecure.
        (Class::Bogus | Class::Unreachable, Class::Insecure) => {
            (!cannot_deny).then_some("a broken zone is insecure")
        }
        (Class::Bogus | Class::Unreachable, Class::Secure) => None,
    }
}

fn figure(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long this test runs is up to whoever runs it")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What follows from the genuine replies to a session's question, and which questions they are to.
type Truths = BTreeMap<usize, (Finding, Vec<Question>)>;

fn truth<'t>(recording: &Recording, truths: &'t mut Truths, place: usize) -> &'t (Finding, Vec<Question>) {
    truths.entry(place).or_insert_with(|| {
        let mut questions = Vec::new();
        let finding = walk(&mut recording.trust(), &recording.sessions[place].question, |question| {
            questions.push(question.clone());
            recording.reply(question)
        });
        (finding, questions)
    })
}

/// One look-up during which replies are changed: what came of it, what was heard, and the time that it computed.
fn attacked(
    (recording, attacker, dice): (&Recording, &Attacker<'_>, &mut Dice),
    trust: &mut TrustContext,
    (question, questions): (&Question, &[Question]),
    walk: impl FnOnce(&mut TrustContext, &Question, &mut dyn FnMut(&Question) -> Reply) -> Finding,
) -> (Finding, Vec<Reply>, Duration) {
    // One reply in particular, or any.
    let target = dice.one_in(2).then(|| dice.of(questions).clone());
    let began = Instant::now();
    let mut spent_elsewhere = Duration::ZERO;
    let mut heard = Vec::new();
    let finding = walk(trust, question, &mut |question| {
        let paused = Instant::now();
        let is_attacked = match &target {
            Some(target) => target == question || !questions.contains(question) && dice.one_in(2),
            None => dice.one_in(3),
        };
        let mut message = match recording.replies.get(&key(question)) {
            Some(Some(message)) => message.clone(),
            _ => attacker.invented(dice, question),
        };
        let mut reply = None;
        if is_attacked {
            for _ in 0..=dice.roll(3) {
                attacker.change(dice, question, &mut message);
            }
            if dice.one_in(20) {
                reply = Some(Reply::Failed(Outage::NoAnswer, "no answer".into()));
            }
        }
        let reply = reply.unwrap_or_else(|| Reply::Message(Box::new(message)));
        heard.push(reply.clone());
        spent_elsewhere += paused.elapsed();
        reply
    });
    (finding, heard, began.elapsed().saturating_sub(spent_elsewhere))
}

#[test]
fn whatever_an_attacker_changes_nobody_is_deceived() {
    let recording = Recording::read();
    let attacker = Attacker::new(&recording);
    let (attacks, seed) = (figure("ATTACKS", 400), figure("SEED", 1));
    let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut most, mut slowest) = ((0, 0, 0), Duration::ZERO);
    let mut truths = Truths::new();
    for attack in 0..attacks {
        let mut dice = Dice(seed << 32 | attack);
        let place = dice.roll(recording.sessions.len());
        let session = &recording.sessions[place];
        let (truth, questions) = truth(&recording, &mut truths, place);
        let mut trust = recording.trust();
        let asked = (&session.question, questions.as_slice());
        let (finding, heard, took) =
            attacked((&recording, &attacker, &mut dice), &mut trust, asked, |trust, question, answer| {
                walk(trust, question, answer)
            });
        slowest = slowest.max(took);
        let spent = trust.spent();
        most =
            (most.0.max(spent.verifications), most.1.max(spent.nsec3_hashes), most.2.max(spent.hash_blocks));
        if let Some(how) = deceived(&attacker, &session.question, truth, &finding) {
            panic!(
                "attack {attack} of SEED={seed} on {}: {how}\n  genuine: {:?}\n  attacked: {:?} {:?}",
                session.question, truth, finding.outcome, finding.aliases
            );
        }
        recording.audit(&finding, &heard);
        let kept = if said(truth) == said(&finding) { "as it was" } else { "changed" };
        let (from, to) = (truth.outcome.class().word(), finding.outcome.class().word());
        *verdicts.entry(format!("{from} -> {to}, {kept}")).or_default() += 1;
    }
    println!("{attacks} attacks, seed {seed}: {verdicts:#?}");
    println!("most verifications, NSEC3 hashes, blocks: {most:?}; slowest walk {slowest:?}");
    assert!(
        most.0 <= MAX_VERIFICATIONS + 5
            && most.1 <= MAX_NSEC3_HASHES + 1
            && most.2 <= MAX_HASH_BLOCKS + 2_000
    );
}

/// Look-ups of one process that share what they prove of zones: during most of them replies are changed. Nobody is deceived more
/// than cold, and what is genuine is judged as cold, whoever came before; also where one look-up asks several questions.
#[test]
fn whatever_an_attacker_changes_other_look_ups_of_the_process_are_none_the_worse() {
    let recording = Recording::read();
    let attacker = Attacker::new(&recording);
    let (attacks, seed) = (figure("ATTACKS", 600), figure("SEED", 1));
    let mut truths = Truths::new();
    let mut zones = ProvenZones::under(Arc::clone(&recording.anchors));
    let (mut heard, mut genuine, mut cheaper) = (Vec::new(), 0, 0);
    for attack in 0..attacks {
        let mut dice = Dice(seed << 32 | 1 << 31 | attack);
        if attack % 40 == 0 {
            // A process that begins.
            (zones, heard) = (ProvenZones::under(Arc::clone(&recording.anchors)), Vec::new());
        }
        let mut trust = TrustContext::sharing(&zones, recording.now);
        trust.count_others_denials(true);
        let (is_genuine, is_at_once) = (dice.one_in(3), dice.one_in(2));
        let mut place = dice.roll(recording.sessions.len());
        for _ in 0..=dice.roll(3) {
            let session = &recording.sessions[place];
            let (truth, questions) = truth(&recording, &mut truths, place);
            let walk_so = |trust: &mut TrustContext,
                           question: &Question,
                           answer: &mut dyn FnMut(&Question) -> Reply| {
                // The session asks all that is wanted at once.
                walk_by(if is_at_once { usize::MAX } else { 1 }, trust, question, answer)
            };
            let finding = if is_genuine {
                let mut asked = 0;
                let finding = walk_so(&mut trust, &session.question, &mut |question: &Question| {
                    asked += 1;
                    let reply = match recording.replies.get(&key(question)) {
                        Some(_) => recording.reply(question),
                        None => Reply::Failed(Outage::NoAnswer, "it was not recorded".into()),
                    };
                    heard.push(reply.clone());
                    reply
                });
                genuine += 1;
                cheaper += usize::from(asked < questions.len());
                finding
            } else {
                let asked = (&session.question, questions.as_slice());
                let (finding, more, _) =
                    attacked((&recording, &attacker, &mut dice), &mut trust, asked, walk_so);
                heard.extend(more);
                finding
            };
            let is_as_cold = truth.outcome.content().is_none() || said(truth) == said(&finding);
            let how = deceived(&attacker, &session.question, truth, &finding)
                .or_else(|| (is_genuine && !is_as_cold).then_some("what is genuine is judged otherwise"));
            if let Some(how) = how {
                panic!(
                    "look-up {attack} of SEED={seed}, genuine: {is_genuine}, on {}: {how}\n  cold: {:?}\n  now: {:?} {:?}",
                    session.question, truth, finding.outcome, finding.aliases
                );
            }
            recording.audit(&finding, &heard);
            // The next question is about the neighbourhood.
            let zone = session.question.name().trim_to(2);
            let near = |place: &usize| zone.zone_of(recording.sessions[*place].question.name());
            place = *dice.of(&(0..recording.sessions.len()).filter(near).collect::<Vec<_>>());
        }
    }
    println!(
        "{attacks} look-ups, seed {seed}: {genuine} genuine questions, {cheaper} of them asked for less"
    );
    assert!(cheaper * 3 > genuine, "{cheaper} of {genuine}: nothing is shared");
}
