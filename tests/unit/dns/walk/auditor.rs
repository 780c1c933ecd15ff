//! An auditor of proofs, who believes no ground but what he has verified in the replies himself: with the library's idea
//! of what is signed, by a key that the grounds above have proven, from the trust anchor down.

use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, NSEC3, RRSIG};
use hickory_proto::dnssec::{DigestType, Nsec3HashAlgorithm, PublicKey, TBS, Verifier};
use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use smtp_sts_verify::dns::proof::{Denied, Ground, Place, Role, Statement, Word};
use smtp_sts_verify::dns::walk::Finding;
use smtp_sts_verify::dns::{Content, Outcome};
use smtp_sts_verify::limits::MAX_NSEC3_ITERATIONS_COMPUTED;
use smtp_sts_verify::time::UnixTime;
use std::collections::BTreeMap;

/// Looks through the proof of a finding, made from these replies under these anchors (as
/// `TrustAnchors::fingerprint_input` writes them).
///
/// # Errors
/// The first flaw.
pub(crate) fn audit(
    finding: &Finding,
    anchors: &str,
    now: UnixTime,
    heard: &[Message],
) -> Result<(), String> {
    let grounds = &finding.proof.0;
    // Zones with their keys, and delegations with the digests of their DS records, as far as they are proven.
    let mut keys: BTreeMap<Name, Vec<DNSKEY>> = BTreeMap::new();
    let mut digests: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    for (place, ground) in grounds.iter().enumerate() {
        let complain = |what: &str| Err(format!("{what}: {:?} of {}", ground.role, ground.owner));
        if grounds[..place].contains(ground) {
            return complain("named twice");
        }
        let signature = &ground.signature;
        if signature.inception > now || signature.expires < now || !signature.signer.zone_of(&ground.owner) {
            return complain("a signature that cannot count");
        }
        let sets = sets(heard, ground);
        let proven = if ground.role == Role::Keys {
            let named =
                digests.get(&ground.owner).cloned().unwrap_or_else(|| anchored(anchors, &ground.owner));
            sets.iter().find(|set| verified(set, ground, &trusted(set, &ground.owner, &named)))
        } else {
            let Some(keys) = keys.get(&signature.signer) else {
                return complain("no keys of the signer above");
            };
            sets.iter().find(|set| verified(set, ground, keys))
        };
        let Some(set) = proven else { return complain("no such signed RRset in the replies") };
        match &ground.role {
            Role::Keys if signature.signer == ground.owner => {
                keys.insert(
                    ground.owner.clone(),
                    set.records.iter().filter_map(|r| dnskey(&r.data)).collect(),
                );
            }
            Role::Delegation if ground.rtype == RecordType::DS => {
                let all = set.records.iter().map(|record| record.data.to_string().to_ascii_uppercase());
                digests.insert(ground.owner.clone(), all.collect());
            }
            Role::Alias if matches!(ground.rtype, RecordType::CNAME | RecordType::DNAME) => {}
            Role::Data => {}
            Role::Denial(denial) if !denial.says.is_empty() => {
                if let Some(says) = denial.says.iter().find(|says| !is_said(says, set, &denial.name)) {
                    return complain(&format!("it does not say {says:?}"));
                }
            }
            _ => return complain("a role that it cannot have"),
        }
    }
    is_enough(finding).then_some(()).ok_or_else(|| "it does not prove the answer".to_owned())
}

/// Do the last grounds say what the answer says?
fn is_enough(finding: &Finding) -> bool {
    let denies = |denied: &[Denied]| {
        let is_one =
            |ground: &Ground| matches!(&ground.role, Role::Denial(denial) if denied.contains(&denial.denied));
        finding.proof.0.iter().any(is_one)
    };
    let has = |role: Role| finding.proof.0.iter().any(|ground| ground.role == role);
    match &finding.outcome {
        Outcome::Secure(Content::Data(_)) => has(Role::Data) || has(Role::Alias),
        Outcome::Secure(Content::Nodata) => denies(&[Denied::Type]),
        Outcome::Secure(Content::Nxdomain) => denies(&[Denied::Name]),
        Outcome::Insecure(_, why) if why.starts_with("unsupported-algorithm") => has(Role::Delegation),
        Outcome::Insecure(..) => {
            denies(&[Denied::Delegation, Denied::NameOrType, Denied::Name, Denied::Type, Denied::CloserMatch])
        }
        Outcome::Bogus(..) | Outcome::Unreachable(..) => true,
    }
}

/// An RRset of one section of one reply, and the signature that a ground speaks of.
struct Set<'m> {
    records: Vec<Record>,
    signature: &'m RRSIG,
}

/// Where the RRset of a ground stands.
fn sets<'m>(heard: &'m [Message], ground: &Ground) -> Vec<Set<'m>> {
    let mut sets = Vec::new();
    for section in heard.iter().flat_map(|message| [&message.answers, &message.authorities]) {
        let at_owner = section.iter().filter(|r| r.name == ground.owner && r.dns_class == DNSClass::IN);
        for record in at_owner.clone() {
            let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &record.data else { continue };
            let (input, wanted) = (signature.input(), &ground.signature);
            if input.type_covered == ground.rtype
                && (&input.signer_name, input.key_tag) == (&wanted.signer, wanted.key_tag)
                && (input.algorithm, input.num_labels) == (wanted.algorithm, wanted.labels)
                && input.sig_inception.get() == wanted.inception.serial()
                && input.sig_expiration.get() == wanted.expires.serial()
            {
                let records = at_owner.clone().filter(|record| record.record_type() == ground.rtype);
                sets.push(Set { records: canonical(records, input.original_ttl), signature });
            }
        }
    }
    sets
}

/// The records in the only form in which the library verifies them rightly: of one TTL, in lower case, none twice.
fn canonical<'m>(records: impl Iterator<Item = &'m Record>, ttl: u32) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    for record in records {
        let mut record = record.clone();
        record.ttl = ttl;
        match &mut record.data {
            RData::MX(mx) => mx.exchange = mx.exchange.to_lowercase(),
            RData::CNAME(target) => target.0 = target.0.to_lowercase(),
            RData::Unknown { code: RecordType::DNAME, rdata } => rdata.anything.make_ascii_lowercase(),
            _ => {}
        }
        if !all.iter().any(|other| other.data == record.data) {
            all.push(record);
        }
    }
    all
}

fn verified(set: &Set<'_>, ground: &Ground, keys: &[DNSKEY]) -> bool {
    let input = set.signature.input();
    let Ok(signed) = TBS::from_input(&ground.owner, DNSClass::IN, input, set.records.iter()) else {
        return false;
    };
    keys.iter().any(|key| {
        key.calculate_key_tag().ok() == Some(input.key_tag)
            && key.public_key().algorithm() == input.algorithm
            && key.verify(signed.as_ref(), set.signature.sig()).is_ok()
    })
}

fn dnskey(data: &RData) -> Option<DNSKEY> {
    match data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) if key.zone_key() && !key.revoke() => Some(key.clone()),
        _ => None,
    }
}

/// The keys among them that these lines name, as keys or by their digests.
fn trusted(set: &Set<'_>, zone: &Name, named: &[String]) -> Vec<DNSKEY> {
    let is_named = |key: &DNSKEY| {
        let digest = |kind: DigestType| {
            let digest = key.to_digest(zone, kind).ok()?;
            let octets: String = digest.as_ref().iter().map(|octet| format!("{octet:02X}")).collect();
            let algorithm = u8::from(key.public_key().algorithm());
            Some(format!("{} {algorithm} {} {octets}", key.calculate_key_tag().ok()?, u8::from(kind)))
        };
        let whole = key.to_string().to_ascii_uppercase();
        let forms = [DigestType::SHA1, DigestType::SHA256, DigestType::SHA384].map(digest);
        named.iter().any(|line| *line == whole || forms.iter().flatten().any(|form| form == line))
    };
    set.records.iter().filter_map(|record| dnskey(&record.data)).filter(is_named).collect()
}

/// The anchors of a zone, without its name and their type.
fn anchored(anchors: &str, zone: &Name) -> Vec<String> {
    let of_zone = anchors.lines().filter_map(|line| line.strip_prefix(&zone.to_lowercase().to_ascii()));
    of_zone
        .filter_map(|line| line.trim_start().split_once(' '))
        .map(|(_, key)| key.to_ascii_uppercase())
        .collect()
}

/// Does a record of this RRset say that, for a proof about `name`?
fn is_said(says: &Statement, set: &Set<'_>, name: &Name) -> bool {
    let Statement { about, place, word } = says;
    let is_in_place = match place {
        Place::Itself => about == name,
        Place::ClosestEncloser => about.zone_of(name) && about != name,
        Place::NextCloser => about.zone_of(name),
        Place::Wildcard => about.is_wildcard() && about.base_name().zone_of(name),
    };
    is_in_place
        && set.records.iter().any(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC(nsec)) => match word {
                Word::Matches => record.name == *about,
                Word::Covers => is_between(&record.name, about, nsec.next_domain_name()),
                Word::LeadsBelow => about.zone_of(nsec.next_domain_name()) && record.name < *about,
                Word::CoversWithOptOut | Word::Uncounted => false,
            },
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => is_said_by_hash(*word, about, &record.name, nsec3),
            _ => false,
        })
}

fn is_said_by_hash(word: Word, about: &Name, owner: &Name, nsec3: &NSEC3) -> bool {
    if word == Word::Uncounted {
        return nsec3.iterations() > MAX_NSEC3_ITERATIONS_COMPUTED;
    }
    let hash = Nsec3HashAlgorithm::SHA1.hash(nsec3.salt(), about, nsec3.iterations()).unwrap();
    // The digits of base32hex are in the order of what they stand for.
    let digits = |octets: &[u8]| super::scene::base32hex(octets).into_bytes();
    let from = owner.iter().next().unwrap().to_ascii_lowercase();
    let (at, to) = (digits(hash.as_ref()), digits(nsec3.next_hashed_owner_name()));
    match word {
        Word::Matches => from == at,
        Word::Covers => is_between(&from, &at, &to) && !nsec3.opt_out(),
        Word::CoversWithOptOut => is_between(&from, &at, &to) && nsec3.opt_out(),
        Word::LeadsBelow | Word::Uncounted => false,
    }
}

fn is_between<T: Ord>(from: &T, at: &T, to: &T) -> bool {
    if from < to { from < at && at < to } else { from < at || at < to }
}
