//! A few zones that sign whatever a test wants, true or not, and a walk over what they say.
//!
//! `.` and `test.` are signed; so is `mail.test.`, in which most questions lie. Replies are put down one by one; what a
//! test does not put down is answered truly where a zone can (keys, and that a name is no cut), and fails otherwise.

use super::auditor::audit;
use hickory_proto::dnssec::crypto::EcdsaSigningKey;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, NSEC3, RRSIG};
use hickory_proto::dnssec::{Algorithm, DigestType, Nsec3HashAlgorithm, SigningKey, TBS};
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NULL, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::{Finding, Replies, Reply, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Content, Outage, Outcome, Question};
use smtp_sts_verify::time::UnixTime;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The moment of every test.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The TTL of everything that no test changes, seconds.
pub(crate) const TTL: u32 = 600;

/// An absolute name.
pub(crate) fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// A record of the usual TTL.
pub(crate) fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), TTL, data)
}

pub(crate) fn txt(owner: &str, text: &str) -> Record {
    record(owner, RData::TXT(TXT::new(vec![text.to_owned()])))
}

pub(crate) fn address(owner: &str) -> Record {
    record(owner, RData::A(A(Ipv4Addr::LOCALHOST)))
}

pub(crate) fn cname(owner: &str, target: &str) -> Record {
    record(owner, RData::CNAME(CNAME(name(target))))
}

/// A DNAME, which the library knows as octets only.
pub(crate) fn dname(owner: &str, target: &str) -> Record {
    let mut octets = Vec::new();
    for label in name(target).iter() {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend_from_slice(label);
    }
    octets.push(0);
    dname_of(owner, octets)
}

pub(crate) fn dname_of(owner: &str, octets: Vec<u8>) -> Record {
    record(owner, RData::Unknown { code: RecordType::DNAME, rdata: NULL::with(octets) })
}

pub(crate) fn soa(zone: &str, minimum: u32) -> Record {
    record(zone, RData::SOA(SOA::new(name("ns.test."), name("ns.test."), 1, 3600, 600, 86_400, minimum)))
}

/// Types of a bitmap, by their words.
pub(crate) fn types(words: &str) -> Vec<RecordType> {
    words
        .split_whitespace()
        .map(|word| if word == "DNAME" { RecordType::DNAME } else { word.parse().unwrap() })
        .collect()
}

/// A zone and its key.
pub(crate) struct Zone {
    pub(crate) origin: Name,
    secret: EcdsaSigningKey,
    pub(crate) dnskey: DNSKEY,
}

impl Zone {
    pub(crate) fn new(origin: &str) -> Self {
        Self::with_flags(origin, 257)
    }

    pub(crate) fn with_flags(origin: &str, flags: u16) -> Self {
        let algorithm = Algorithm::ECDSAP256SHA256;
        let pkcs8 = EcdsaSigningKey::generate_pkcs8(algorithm).unwrap();
        let secret = EcdsaSigningKey::from_pkcs8(&pkcs8, algorithm).unwrap();
        let dnskey = DNSKEY::with_flags(flags, secret.to_public_key().unwrap());
        Self { origin: name(origin), secret, dnskey }
    }

    pub(crate) fn tag(&self) -> u16 {
        self.dnskey.calculate_key_tag().unwrap()
    }

    /// The zone's DNSKEY record.
    pub(crate) fn key(&self) -> Record {
        Record::from_rdata(self.origin.clone(), TTL, RData::DNSSEC(DNSSECRData::DNSKEY(self.dnskey.clone())))
    }

    /// A DS record for this zone.
    pub(crate) fn ds(&self, digest: DigestType) -> Record {
        let octets = self.dnskey.to_digest(&self.origin, digest).unwrap();
        self.ds_of(self.tag(), Algorithm::ECDSAP256SHA256, digest, octets.as_ref())
    }

    pub(crate) fn ds_of(&self, tag: u16, algorithm: Algorithm, digest: DigestType, octets: &[u8]) -> Record {
        let ds = DS::new(tag, algorithm, digest, octets.to_vec());
        Record::from_rdata(self.origin.clone(), TTL, RData::DNSSEC(DNSSECRData::DS(ds)))
    }

    /// The records with their signature.
    pub(crate) fn signed(&self, records: Vec<Record>) -> Vec<Record> {
        self.signed_but(records, |_| {})
    }

    /// The records with a signature whose fields a test may change before it is made. The records are those of one
    /// owner and type; if the Labels field says so, they are signed as a wildcard.
    pub(crate) fn signed_but(&self, records: Vec<Record>, change: impl FnOnce(&mut SigInput)) -> Vec<Record> {
        let first = &records[0];
        let now = u32::try_from(NOW).unwrap();
        let mut input = SigInput {
            type_covered: first.record_type(),
            algorithm: Algorithm::ECDSAP256SHA256,
            num_labels: first.name.num_labels(),
            original_ttl: first.ttl,
            sig_expiration: SerialNumber::new(now + 86_400 * 7),
            sig_inception: SerialNumber::new(now - 3_600),
            key_tag: self.tag(),
            signer_name: self.origin.clone(),
        };
        change(&mut input);
        // The library finds what it signs by the covered type, and signs octets that it does not know as they are.
        let octets = TBS::from_input(&first.name, DNSClass::IN, &input, records.iter()).unwrap();
        let signature = RRSIG::from_sig(input, self.secret.sign(&octets).unwrap());
        let ttl = first.ttl;
        let owner = first.name.clone();
        let mut all = records;
        all.push(Record::from_rdata(owner, ttl, RData::DNSSEC(DNSSECRData::RRSIG(signature))));
        all
    }

    /// The records as an expanded wildcard with `labels` labels shows them.
    pub(crate) fn expanded(&self, records: Vec<Record>, labels: u8) -> Vec<Record> {
        self.signed_but(records, |input| input.num_labels = labels)
    }

    /// A signed NSEC.
    pub(crate) fn nsec(&self, owner: &str, next: &str, bitmap: &str) -> Vec<Record> {
        let nsec = NSEC::new(name(next), types(bitmap));
        self.signed(vec![record(owner, RData::DNSSEC(DNSSECRData::NSEC(nsec)))])
    }

    /// A signed NSEC3 that matches a name.
    pub(crate) fn nsec3_at(&self, at: &str, bitmap: &str, terms: Nsec3) -> Vec<Record> {
        let hash = terms.hash(&name(at));
        self.nsec3(&hash, &neighbour(&hash, 1), bitmap, terms)
    }

    /// A signed NSEC3 that covers a name and no more.
    pub(crate) fn nsec3_over(&self, over: &str, terms: Nsec3) -> Vec<Record> {
        let hash = terms.hash(&name(over));
        self.nsec3(&neighbour(&hash, -1), &neighbour(&hash, 1), "A RRSIG", terms)
    }

    pub(crate) fn nsec3(&self, owner: &[u8], next: &[u8], bitmap: &str, terms: Nsec3) -> Vec<Record> {
        let label = base32hex(owner);
        self.signed(vec![self.nsec3_record(&label, next, bitmap, terms)])
    }

    pub(crate) fn nsec3_record(&self, label: &str, next: &[u8], bitmap: &str, terms: Nsec3) -> Record {
        let nsec3 = NSEC3::new(
            Nsec3HashAlgorithm::SHA1,
            terms.opt_out,
            terms.iterations,
            terms.salt.to_vec(),
            next.to_vec(),
            types(bitmap),
        );
        let owner = self.origin.prepend_label(label).unwrap();
        Record::from_rdata(owner, TTL, RData::DNSSEC(DNSSECRData::NSEC3(nsec3)))
    }
}

/// The parameters of an NSEC3 record.
#[derive(Clone, Copy)]
pub(crate) struct Nsec3 {
    pub(crate) iterations: u16,
    pub(crate) salt: &'static [u8],
    pub(crate) opt_out: bool,
}

/// As RFC 9276 wants them.
pub(crate) const PLAIN: Nsec3 = Nsec3 { iterations: 0, salt: &[], opt_out: false };
pub(crate) const OPT_OUT: Nsec3 = Nsec3 { opt_out: true, ..PLAIN };

impl Nsec3 {
    pub(crate) fn hash(self, name: &Name) -> Vec<u8> {
        Nsec3HashAlgorithm::SHA1.hash(self.salt, name, self.iterations).unwrap().as_ref().to_vec()
    }
}

/// The hash one step after, or before, another.
fn neighbour(hash: &[u8], step: i8) -> Vec<u8> {
    let mut hash = hash.to_vec();
    for octet in hash.iter_mut().rev() {
        let (stepped, carried) = octet.overflowing_add_signed(step);
        *octet = stepped;
        if !carried {
            break;
        }
    }
    hash
}

pub(crate) fn base32hex(octets: &[u8]) -> String {
    let (mut text, mut pending, mut bits) = (String::new(), 0_u32, 0);
    for octet in octets {
        pending = pending << 8 | u32::from(*octet);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(b"0123456789abcdefghijklmnopqrstuv"[(pending >> bits & 31) as usize]));
        }
    }
    text
}

/// The message that came back, if one did.
pub(crate) fn message_of(reply: &Reply) -> Option<Message> {
    match reply {
        Reply::Message(message) => Some(message.as_ref().clone()),
        Reply::Failed(..) => None,
    }
}

/// A reply.
pub(crate) fn reply(code: ResponseCode, answers: Vec<Vec<Record>>, authorities: Vec<Vec<Record>>) -> Message {
    let mut message = Message::new(1, MessageType::Response, OpCode::Query);
    message.metadata.response_code = code;
    message.answers = answers.concat();
    message.authorities = authorities.concat();
    message
}

pub(crate) fn data(answers: Vec<Vec<Record>>) -> Message {
    reply(ResponseCode::NoError, answers, vec![])
}

pub(crate) fn denial(authorities: Vec<Vec<Record>>) -> Message {
    reply(ResponseCode::NoError, vec![], authorities)
}

/// The zones of a test, what was put down for it, and the moment.
pub(crate) struct Scene {
    pub(crate) root: Zone,
    pub(crate) test: Zone,
    pub(crate) mail: Zone,
    pub(crate) now: UnixTime,
    replies: BTreeMap<(Name, u16), Reply>,
    anchors: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (root, test, mail) = (Zone::new("."), Zone::new("test."), Zone::new("mail.test."));
        let anchors = format!(". DNSKEY {}", root.dnskey);
        let mut scene = Self { root, test, mail, now: UnixTime(NOW), replies: BTreeMap::new(), anchors };
        let keys = [&scene.root, &scene.test, &scene.mail]
            .map(|zone| (zone.origin.clone(), zone.signed(vec![zone.key()])));
        for (origin, keys) in keys {
            scene.put(&origin.to_ascii(), "DNSKEY", data(vec![keys]));
        }
        let ds = [(&scene.root, &scene.test), (&scene.test, &scene.mail)]
            .map(|(parent, child)| (child.origin.clone(), parent.signed(vec![child.ds(DigestType::SHA256)])));
        for (origin, ds) in ds {
            scene.put(&origin.to_ascii(), "DS", data(vec![ds]));
        }
        scene
    }

    /// Puts down the reply to a question.
    pub(crate) fn put(&mut self, owner: &str, rtype: &str, message: Message) {
        self.set(owner, rtype, Reply::Message(Box::new(message)));
    }

    /// Lets a question fail.
    pub(crate) fn fail(&mut self, owner: &str, rtype: &str) {
        self.set(owner, rtype, Reply::Failed(Outage::NoAnswer, "timed out".into()));
    }

    pub(crate) fn set(&mut self, owner: &str, rtype: &str, reply: Reply) {
        let rtype = types(rtype)[0];
        self.replies.insert((name(owner).to_lowercase(), rtype.into()), reply);
    }

    /// Changes what was put down.
    pub(crate) fn change(&mut self, owner: &str, rtype: &str, change: impl FnOnce(&mut Message)) {
        match self.replies.get_mut(&(name(owner).to_lowercase(), types(rtype)[0].into())) {
            Some(Reply::Message(message)) => change(message),
            _ => panic!("nothing to change at {owner} {rtype}"),
        }
    }

    /// Trusts these keys instead of the root's.
    pub(crate) fn trust(&mut self, anchors: String) {
        self.anchors = anchors;
    }

    /// The verdict on a question.
    pub(crate) fn ask(&self, owner: &str, rtype: &str) -> Finding {
        self.walk(owner, rtype).0
    }

    /// The verdict, whose proof is looked through, and the questions that it took.
    pub(crate) fn walk(&self, owner: &str, rtype: &str) -> (Finding, Vec<String>) {
        let anchors = Arc::new(TrustAnchors::parse(&self.anchors).unwrap());
        let mut trust = TrustContext::new(Arc::clone(&anchors), self.now);
        let (finding, asked) = self.walk_under(&mut trust, owner, rtype);
        if let Err(flaw) = self.audit(&finding) {
            panic!("{flaw}\n  {finding:#?}");
        }
        (finding, asked)
    }

    /// What is wrong with the proof of a finding, made from what was put down.
    pub(crate) fn audit(&self, finding: &Finding) -> Result<(), String> {
        let anchors = TrustAnchors::parse(&self.anchors).unwrap().fingerprint_input();
        let heard: Vec<Message> = self.replies.values().filter_map(message_of).collect();
        audit(finding, &anchors, self.now, &heard)
    }

    pub(crate) fn walk_under(
        &self,
        trust: &mut TrustContext,
        owner: &str,
        rtype: &str,
    ) -> (Finding, Vec<String>) {
        let mut walk = Walk::new(Question::new(&name(owner), types(rtype)[0]));
        let (mut replies, mut asked) = (Replies::default(), Vec::new());
        for _ in 0..200 {
            match walk.step(trust, &replies) {
                Step::Done(finding) => return (finding, asked),
                Step::Ask(questions) => {
                    let first = &questions[0];
                    assert!(replies.get(first).is_none(), "{first} was answered already");
                    asked.push(first.to_string());
                    replies.insert(first.clone(), self.reply_to(first));
                }
            }
        }
        panic!("a walk without end at {owner} {rtype}");
    }

    /// What comes back for a question.
    pub(crate) fn reply_to(&self, question: &Question) -> Reply {
        if let Some(reply) = self.replies.get(&(question.name().clone(), question.rtype().into())) {
            return reply.clone();
        }
        let owner = question.name().to_ascii();
        if question.rtype() == RecordType::DS && self.mail.origin.zone_of(question.name()) {
            let no_cut = self.mail.nsec(&owner, &format!("0.{owner}"), "A TXT RRSIG NSEC");
            return Reply::Message(Box::new(denial(vec![no_cut])));
        }
        Reply::Failed(Outage::NoAnswer, "timed out".into())
    }
}

/// The outcome in short: its class and content, or the first word of its reason.
pub(crate) fn short(finding: &Finding) -> String {
    let content = |content: &Content| match content {
        Content::Data(data) => format!("{} data", data.len()),
        Content::Nodata => "nodata".to_owned(),
        Content::Nxdomain => "nxdomain".to_owned(),
    };
    let word = |why: &str| why.split(':').next().unwrap().to_owned();
    match &finding.outcome {
        Outcome::Secure(what) => format!("secure {}", content(what)),
        Outcome::Insecure(what, why) => format!("insecure {} ({})", content(what), word(why)),
        Outcome::Bogus(_, why) => format!("bogus ({})", word(why)),
        Outcome::Unreachable(_, status, why) => format!("unreachable {status:?} ({})", word(why)),
    }
}

/// Asserts the outcome in short, and shows the whole one otherwise.
#[track_caller]
pub(crate) fn expect(finding: &Finding, expected: &str) {
    assert_eq!(short(finding), expected, "{finding:?}");
}
