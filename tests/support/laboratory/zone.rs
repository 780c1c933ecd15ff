//! One zone: its records, their signatures and denials, and what it says to a question (RFC 4034, RFC 4035 section 3).

use hickory_proto::dnssec::crypto::EcdsaSigningKey;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, NSEC3, NSEC3PARAM, RRSIG};
use hickory_proto::dnssec::{Algorithm, DigestType, Nsec3HashAlgorithm, SigningKey, TBS};
use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The TTL of everything in the laboratory, seconds.
pub(crate) const TTL: u32 = 300;

/// What is right or wrong with a zone's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Signed, and its DS is in the parent.
    Signed,
    /// Not signed, and the parent proves that there is no DS.
    Unsigned,
    /// Signed, but the signatures have ended.
    Expired,
    /// Signed, but the signatures fit other records; the keys themselves are in order.
    Altered,
    /// A DS is in the parent, but no signature arrives.
    Stripped,
}

/// How a signed zone denies what it does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// By names (RFC 4035 section 2.3).
    Nsec,
    /// By hashes of names, without salt and further iterations (RFC 9276 section 3.1).
    Nsec3 {
        /// Unsigned delegations have no record (RFC 5155 section 6).
        opt_out: bool,
    },
}

/// The hash of a name in the laboratory (RFC 5155 section 5).
fn hash_of(name: &Name) -> Vec<u8> {
    Nsec3HashAlgorithm::SHA1.hash(&[], name, 0).unwrap().as_ref().to_vec()
}

/// The first label of an NSEC3 record's owner (RFC 4648 section 7).
fn base32hex(hash: &[u8]) -> String {
    let digit = |at: usize| {
        let bit = |at: usize| hash[at / 8] >> (7 - at % 8) & 1;
        let value = (0..5).fold(0, |value, step| value << 1 | bit(at + step));
        char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(value)])
    };
    (0..hash.len() * 8).step_by(5).map(digit).collect()
}

/// One key that signs everything of one zone.
pub(crate) struct ZoneKey {
    secret: EcdsaSigningKey,
    dnskey: DNSKEY,
}

impl ZoneKey {
    /// A new ECDSA P-256 key (RFC 6605).
    pub(crate) fn generate() -> Self {
        let algorithm = Algorithm::ECDSAP256SHA256;
        let pkcs8 = EcdsaSigningKey::generate_pkcs8(algorithm).unwrap();
        let secret = EcdsaSigningKey::from_pkcs8(&pkcs8, algorithm).unwrap();
        let dnskey = DNSKEY::with_flags(257, secret.to_public_key().unwrap());
        Self { secret, dnskey }
    }

    /// The public half.
    pub(crate) fn dnskey(&self) -> &DNSKEY {
        &self.dnskey
    }

    /// What the parent of `zone` publishes for this key.
    pub(crate) fn ds(&self, zone: &Name) -> RData {
        let digest = self.dnskey.to_digest(zone, DigestType::SHA256).unwrap();
        let tag = self.dnskey.calculate_key_tag().unwrap();
        RData::DNSSEC(DNSSECRData::DS(DS::new(
            tag,
            self.secret.algorithm(),
            DigestType::SHA256,
            digest.as_ref().to_vec(),
        )))
    }

    fn sign(&self, zone: &Name, records: &[Record], (from, to): (u32, u32)) -> RRSIG {
        let first = &records[0];
        let input = SigInput {
            type_covered: first.record_type(),
            algorithm: self.secret.algorithm(),
            num_labels: first.name.num_labels(),
            original_ttl: first.ttl,
            sig_expiration: SerialNumber::new(to),
            sig_inception: SerialNumber::new(from),
            key_tag: self.dnskey.calculate_key_tag().unwrap(),
            signer_name: zone.clone(),
        };
        let octets = TBS::from_input(&first.name, DNSClass::IN, &input, records.iter()).unwrap();
        let signature = self.secret.sign(&octets).unwrap();
        RRSIG::from_sig(input, signature)
    }
}

/// The records of one owner and type with their signatures.
#[derive(Clone, Debug, Default)]
pub(crate) struct RrSet {
    pub(crate) records: Vec<Record>,
    pub(crate) signatures: Vec<Record>,
}

impl RrSet {
    fn all(&self) -> impl Iterator<Item = Record> + '_ {
        self.records.iter().chain(&self.signatures).cloned()
    }

    /// The same set as an expanded wildcard shows it: another owner, the signatures untouched (RFC 4035 section 3.1.3.3).
    fn expanded_to(&self, owner: &Name) -> Self {
        let mut set = self.clone();
        set.records.iter_mut().chain(&mut set.signatures).for_each(|record| record.name = owner.clone());
        set
    }
}

/// What a zone says to one question: records for the answer section and proofs for the authority section.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Records of the type asked for.
    Data { answer: Vec<Record>, proof: Vec<Record> },
    /// An alias instead, which leads to another question.
    Alias { answer: Vec<Record>, proof: Vec<Record>, target: Name },
    /// The name is there, the type is not.
    Nodata { proof: Vec<Record> },
    /// The name is not there.
    Nxdomain { proof: Vec<Record> },
}

/// A zone as it is served.
pub(crate) struct Zone {
    origin: Name,
    nodes: BTreeMap<Name, BTreeMap<RecordType, RrSet>>,
    /// Its NSEC3 records, if it denies by these, by the hashes of the names that they stand for.
    hashed: BTreeMap<Vec<u8>, RrSet>,
}

impl Zone {
    /// Makes a zone of `records` and of the delegations to `children`, and signs it as `health` says.
    pub(crate) fn build(
        origin: &Name,
        (health, denial): (Health, Denial),
        key: &ZoneKey,
        records: &[(Name, RData)],
        children: &[(Name, Option<RData>)],
    ) -> Self {
        let server = Name::from_ascii("ns.test.").unwrap();
        let soa = SOA::new(server.clone(), server.clone(), 1, 3600, 600, 86_400, TTL);
        let mut zone = Self { origin: origin.clone(), nodes: BTreeMap::new(), hashed: BTreeMap::new() };
        zone.add(origin, RData::SOA(soa));
        zone.add(origin, RData::NS(NS(server.clone())));
        for (owner, rdata) in records {
            zone.add(owner, rdata.clone());
        }
        for (child, ds) in children {
            zone.add(child, RData::NS(NS(server.clone())));
            if let Some(ds) = ds {
                zone.add(child, ds.clone());
            }
        }
        if health != Health::Unsigned {
            zone.add(origin, RData::DNSSEC(DNSSECRData::DNSKEY(key.dnskey.clone())));
        }
        if !matches!(health, Health::Unsigned | Health::Stripped) {
            match denial {
                Denial::Nsec => zone.deny_the_gaps(),
                Denial::Nsec3 { opt_out } => zone.deny_the_hashes(opt_out),
            }
            zone.sign(health, key);
        }
        zone
    }

    fn add(&mut self, owner: &Name, rdata: RData) {
        let record = Record::from_rdata(owner.clone(), TTL, rdata);
        let types = self.nodes.entry(owner.clone()).or_default();
        types.entry(record.record_type()).or_default().records.push(record);
    }

    /// The NSEC chain (RFC 4035 section 2.3).
    fn deny_the_gaps(&mut self) {
        let owners: Vec<Name> = self.nodes.keys().cloned().collect();
        for (place, owner) in owners.iter().enumerate() {
            let next = owners.get(place + 1).unwrap_or(&self.origin).clone();
            let types: Vec<RecordType> = self.nodes[owner].keys().copied().collect();
            self.add(owner, RData::DNSSEC(DNSSECRData::NSEC(NSEC::new_cover_self(next, types))));
        }
    }

    /// The NSEC3 chain (RFC 5155 section 7.1).
    fn deny_the_hashes(&mut self, opt_out: bool) {
        let algorithm = Nsec3HashAlgorithm::SHA1;
        let parameters = NSEC3PARAM::new(algorithm, false, 0, Vec::new());
        self.add(&self.origin.clone(), RData::DNSSEC(DNSSECRData::NSEC3PARAM(parameters)));
        let mut types_of: BTreeMap<Name, Vec<RecordType>> = BTreeMap::new();
        for (owner, types) in &self.nodes {
            let mut types: Vec<RecordType> = types.keys().copied().collect();
            if types == [RecordType::NS] {
                if opt_out {
                    continue;
                }
            } else {
                types.push(RecordType::RRSIG);
            }
            types_of.insert(owner.clone(), types);
            // Names without records of their own have one as well.
            let mut above = owner.base_name();
            while self.origin.zone_of(&above) {
                types_of.entry(above.clone()).or_default();
                above = above.base_name();
            }
        }
        let chain: BTreeMap<Vec<u8>, Vec<RecordType>> =
            types_of.into_iter().map(|(name, types)| (hash_of(&name), types)).collect();
        for (hash, types) in &chain {
            let next =
                chain.range(hash.clone()..).nth(1).or_else(|| chain.first_key_value()).unwrap().0.clone();
            let nsec3 = NSEC3::new(algorithm, opt_out, 0, Vec::new(), next, types.iter().copied());
            let owner = self.origin.prepend_label(base32hex(hash)).unwrap();
            let record = Record::from_rdata(owner, TTL, RData::DNSSEC(DNSSECRData::NSEC3(nsec3)));
            self.hashed.insert(hash.clone(), RrSet { records: vec![record], signatures: Vec::new() });
        }
    }

    fn sign(&mut self, health: Health, key: &ZoneKey) {
        let window = match health {
            Health::Expired => (seconds_ago(20 * 86_400), seconds_ago(6 * 86_400)),
            _ => (seconds_ago(3_600), seconds_ago(-30 * 86_400)),
        };
        let sets = self.nodes.values_mut().flat_map(BTreeMap::values_mut).chain(self.hashed.values_mut());
        for set in sets {
            let (owner, rtype) = (set.records[0].name.clone(), set.records[0].record_type());
            if rtype == RecordType::NS && owner != self.origin {
                continue; // a delegation belongs to the child (RFC 4035 section 2.2)
            }
            let mut rrsig = key.sign(&self.origin, &set.records, window);
            if health == Health::Altered && rtype != RecordType::DNSKEY {
                let mut octets = rrsig.sig().to_vec();
                octets[0] ^= 1;
                rrsig = RRSIG::from_sig(rrsig.input().clone(), octets);
            }
            let rdata = RData::DNSSEC(DNSSECRData::RRSIG(rrsig));
            set.signatures = vec![Record::from_rdata(owner, TTL, rdata)];
        }
    }

    /// The answer to a question about a name of this zone, as an authoritative server gives it (RFC 1034 section 4.3.2,
    /// RFC 4035 section 3.1.3).
    pub(crate) fn look(&self, name: &Name, rtype: RecordType) -> Said {
        if let Some(types) = self.nodes.get(name) {
            return match types.get(&rtype).or_else(|| alias_among(types, rtype)) {
                Some(set) => said(set, Vec::new()),
                None => Said::Nodata { proof: self.proof([name.clone()]) },
            };
        }
        let encloser = self.closest_encloser(name);
        if encloser == *name {
            return Said::Nodata { proof: self.proof([name.clone()]) };
        }
        let wildcard = encloser.prepend_label("*").unwrap();
        match self.nodes.get(&wildcard) {
            None => Said::Nxdomain { proof: self.proof([name.clone(), wildcard]) },
            Some(types) => match types.get(&rtype).or_else(|| alias_among(types, rtype)) {
                Some(set) => said(&set.expanded_to(name), self.denials([name.clone()])),
                None => Said::Nodata { proof: self.proof([name.clone(), wildcard]) },
            },
        }
    }

    /// The deepest name at or above `name` that exists, be it without records of its own (RFC 4592 section 3.3.1).
    fn closest_encloser(&self, name: &Name) -> Name {
        // In the canonical order (RFC 4034 section 6.1) what is below a name follows it at once.
        let exists = |candidate: &Name| {
            self.nodes.range(candidate..).next().is_some_and(|(owner, _)| candidate.zone_of(owner))
        };
        let mut candidate = name.clone();
        while !exists(&candidate) {
            candidate = candidate.base_name();
        }
        candidate
    }

    /// SOA and denials for a negative answer.
    fn proof(&self, names: impl IntoIterator<Item = Name>) -> Vec<Record> {
        let mut records: Vec<Record> = self.nodes[&self.origin][&RecordType::SOA].all().collect();
        records.extend(self.denials(names));
        records
    }

    /// The NSEC or NSEC3 records that match or cover `names`, each once.
    fn denials(&self, names: impl IntoIterator<Item = Name>) -> Vec<Record> {
        if !self.hashed.is_empty() {
            return self.hashed_denials(names);
        }
        let at_or_before = |name: Name| self.nodes.range(..=name).next_back();
        let owners: BTreeSet<Name> =
            names.into_iter().filter_map(at_or_before).map(|(owner, _)| owner.clone()).collect();
        let nsec = |owner: &Name| self.nodes[owner].get(&RecordType::NSEC).cloned().unwrap_or_default();
        owners.iter().flat_map(|owner| nsec(owner).all().collect::<Vec<_>>()).collect()
    }
}

impl Zone {
    /// Of a name that has an NSEC3 record, that one; of another one, that of the closest name above it that has one, and the one
    /// in whose gap the name right below that one lies (RFC 5155 section 7.2).
    fn hashed_denials(&self, names: impl IntoIterator<Item = Name>) -> Vec<Record> {
        let mut hashes = BTreeSet::new();
        for mut name in names {
            let (mut hash, mut below) = (hash_of(&name), None);
            while !self.hashed.contains_key(&hash) {
                name = name.base_name();
                below = Some(std::mem::replace(&mut hash, hash_of(&name)));
            }
            let before =
                |below| self.hashed.range(..below).next_back().or_else(|| self.hashed.last_key_value());
            hashes.extend(below.and_then(before).map(|(hash, _)| hash.clone()));
            hashes.insert(hash);
        }
        hashes.iter().flat_map(|hash| self.hashed[hash].all()).collect()
    }
}

fn alias_among(types: &BTreeMap<RecordType, RrSet>, asked: RecordType) -> Option<&RrSet> {
    // What an alias may stand beside is never reached through it (RFC 4035 section 2.5).
    if asked == RecordType::DS { None } else { types.get(&RecordType::CNAME) }
}

fn said(set: &RrSet, proof: Vec<Record>) -> Said {
    let answer: Vec<Record> = set.all().collect();
    match &set.records[0].data {
        RData::CNAME(cname) => Said::Alias { answer, proof, target: cname.0.clone() },
        _ => Said::Data { answer, proof },
    }
}

/// The 32-bit time of signatures, `ago` seconds before now.
fn seconds_ago(ago: i64) -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    u32::try_from((now.cast_signed() - ago) & i64::from(u32::MAX)).unwrap()
}
