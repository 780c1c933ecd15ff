//! Which records a zone has signed: RFC 4035 section 5.3, with the canonical form of RFC 4034 section 6.
//!
//! The signed octets are built here and not by the library, which orders records before their names are in lower
//! case and leaves repetitions in.

use super::basis::Basis;
use super::budget::Budget;
use super::proof::{Ground, Proof, Role, Signature};
use super::replies::{Found, bogus, exhausted, records, seconds, shown};
use crate::limits::{MAX_KEY_COLLISIONS, MAX_RRSET_RECORDS, MAX_WRONG_SIGNATURES_PER_RRSET};
use crate::time::UnixTime;
use hickory_proto::ProtoError;
use hickory_proto::dnssec::rdata::sig::SigInput;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, RRSIG};
use hickory_proto::dnssec::{Algorithm, PublicKey, PublicKeyBuf};
use hickory_proto::rr::{Name, RData, Record, RecordType, SerialNumber};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};
use std::cmp::Ordering;

/// A zone to which the chain of trust leads.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// Its apex.
    pub(super) name: Name,
    /// The keys that may sign it.
    pub(super) keys: Vec<ZoneKey>,
    /// What the chain to it and its keys rest on.
    pub(super) basis: Basis,
}

/// A key that may sign a zone, with its tag.
#[derive(Clone, Debug)]
pub(super) struct ZoneKey {
    pub(super) tag: u16,
    pub(super) key: DNSKEY,
    /// Why no signature by it can be verified, if so: that is no fault of the signature.
    unusable: Option<Unusable>,
}

/// What keeps a key of a supported algorithm from being used; no key of another size takes its place, so a zone that has only
/// such keys is bogus, not unsigned: its algorithm is supported (RFC 4035 section 5.2, RFC 6840 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unusable {
    /// RSA with a modulus of fewer than 1,024 bits.
    Short,
    /// RSA with a modulus of more than 8,192 bits.
    Long,
    /// RSA with an exponent of more than 33 bits.
    Exponent,
    /// Octets that are no key of the algorithm.
    Malformed,
}

impl Unusable {
    /// Of this key, if anything.
    fn of(key: &PublicKeyBuf) -> Option<Self> {
        let octets = key.public_bytes();
        let length = match key.algorithm() {
            Algorithm::ECDSAP256SHA256 => 64, // RFC 6605 section 4
            Algorithm::ECDSAP384SHA384 => 96,
            Algorithm::ED25519 => 32, // RFC 8080 section 3
            _ => return Self::of_rsa(octets),
        };
        (octets.len() != length).then_some(Self::Malformed)
    }

    /// Of an RSA key as RFC 3110 section 2 writes it.
    fn of_rsa(octets: &[u8]) -> Option<Self> {
        let parts = match octets {
            [0, high, low, rest @ ..] => rest.split_at_checked(u16::from_be_bytes([*high, *low]).into()),
            [length, rest @ ..] => rest.split_at_checked(usize::from(*length)),
            [] => None,
        };
        let Some((exponent, modulus)) = parts else { return Some(Self::Malformed) };
        match (bits(exponent), bits(modulus)) {
            (0, _) | (_, 0) => Some(Self::Malformed),
            (34.., _) => Some(Self::Exponent),
            (_, ..1_024) => Some(Self::Short),
            (_, 8_193..) => Some(Self::Long),
            _ => None,
        }
    }

    /// As a reason says it.
    const fn fault(self) -> (&'static str, &'static str) {
        let sentence = match self {
            Self::Short => {
                "the key of the signature is RSA of fewer than 1,024 bits, which is not used; it is by"
            }
            Self::Long => {
                "the key of the signature is RSA of more than 8,192 bits, which is not used; it is by"
            }
            Self::Exponent => {
                "the key of the signature is RSA with an exponent of more than 33 bits, which is not used; it is by"
            }
            Self::Malformed => "the key of the signature is no key of its algorithm; it is by",
        };
        ("unusable-key", sentence)
    }
}

/// Bits of a number in network order.
fn bits(octets: &[u8]) -> usize {
    let mut significant = octets.iter().skip_while(|octet| **octet == 0);
    significant.next().map_or(0, |first| {
        let of_first: usize = first.checked_ilog2().map_or(0, |log| usize::try_from(log).unwrap_or(0) + 1);
        of_first + 8 * significant.count()
    })
}

/// An RRset that a zone has signed.
#[derive(Debug)]
pub(super) struct Proven<'m> {
    /// Where it stands.
    pub(super) owner: Name,
    /// Its type.
    pub(super) rtype: RecordType,
    /// Its records, in canonical order, none twice; never empty.
    pub(super) records: Vec<&'m RData>,
    /// What proved it.
    pub(super) signature: Signature,
    /// The end of its TTL, or of its signature.
    pub(super) until: UnixTime,
}

impl ZoneKey {
    /// The key, if it may sign a zone at all: ZONE flag (RFC 4034 section 2.1.1), not revoked (RFC 5011 section 2.1),
    /// of a supported algorithm. The SEP flag means nothing here.
    pub(super) fn usable(data: &RData) -> Option<Self> {
        match data {
            RData::DNSSEC(DNSSECRData::DNSKEY(key))
                if key.zone_key() && !key.revoke() && key.public_key().algorithm().is_supported() =>
            {
                let unusable = Unusable::of(key.public_key());
                Some(Self { tag: key.calculate_key_tag().ok()?, key: key.clone(), unusable })
            }
            _ => None,
        }
    }
}

impl Proven<'_> {
    /// The Labels field of its signature: fewer than the owner's mean that a wildcard was expanded.
    pub(super) const fn labels(&self) -> u8 {
        self.signature.labels
    }

    /// As one of the grounds of a proof.
    pub(super) fn ground(&self, role: Role) -> Ground {
        let (owner, signature) = (self.owner.to_lowercase(), self.signature.clone());
        Ground { role, owner, rtype: self.rtype, signature }
    }

    /// What a conclusion from it rests on, besides the zone that has signed it.
    pub(super) fn basis(&self, role: Role) -> Basis {
        Basis { until: self.until, proof: Proof(vec![self.ground(role)]) }
    }
}

impl Zone {
    /// Proves the RRset at `owner` by one signature of exactly this zone (RFC 4035 section 5.3.1).
    ///
    /// One good signature of any algorithm is enough (RFC 6840 section 5.11).
    pub(super) fn proven<'m>(
        &self,
        owner: &Name,
        rtype: RecordType,
        section: &'m [Record],
        now: UnixTime,
        budget: &mut Budget,
    ) -> Found<Proven<'m>> {
        let what = format!("{} {rtype}", shown(owner));
        if !self.name.zone_of(owner) {
            return bogus("foreign-owner", &format!("{what} does not lie in the zone {}", shown(&self.name)));
        }
        let mut ttl = u64::MAX;
        let mut set: Vec<(Vec<u8>, &RData)> = Vec::new();
        for record in records(section, owner, rtype) {
            if set.len() >= MAX_RRSET_RECORDS {
                return exhausted(&format!("{what}: more than {MAX_RRSET_RECORDS} records"));
            }
            let Ok(octets) = canonical(&record.data) else {
                return bogus("malformed", &format!("{what}: a record that cannot be written"));
            };
            ttl = ttl.min(seconds(record.ttl));
            set.push((octets, &record.data));
        }
        if set.is_empty() {
            return bogus("no-records", &format!("no {what}"));
        }
        set.sort_by(|(a, _), (b, _)| a.cmp(b)); // RFC 4034 section 6.3, both sentences
        set.dedup_by(|(a, _), (b, _)| a == b);

        let mut wrong = 0;
        let mut fault = ("no-signature", "there is no signature by");
        for (record, signature) in signatures(section, owner, rtype) {
            let input = signature.input();
            // An owner above the zone, or more labels than the owner has, cannot be (RFC 4035 section 5.3.1).
            if input.signer_name != self.name
                || input.num_labels > owner.num_labels()
                || input.num_labels < self.name.num_labels()
            {
                continue;
            }
            let left = match seconds_left(input, now) {
                Ok(left) => left,
                Err(why) => {
                    fault = why;
                    continue;
                }
            };
            let fits =
                |k: &&ZoneKey| k.tag == input.key_tag && k.key.public_key().algorithm() == input.algorithm;
            for ZoneKey { key, unusable, .. } in self.keys.iter().filter(fits).take(MAX_KEY_COLLISIONS) {
                if let Some(unusable) = unusable {
                    fault = unusable.fault();
                    continue;
                }
                if wrong > MAX_WRONG_SIGNATURES_PER_RRSET {
                    let why = format!("{what}: more than {MAX_WRONG_SIGNATURES_PER_RRSET} wrong signatures");
                    return exhausted(&why);
                }
                let rdata = set.iter().map(|(octets, _)| octets.as_slice());
                let Ok(signed) = signed_octets(owner, input, rdata) else { break };
                if budget.verify(key, &signed, signature.sig())? {
                    // RFC 4035 section 5.3.3.
                    let life = ttl.min(seconds(record.ttl)).min(u64::from(input.original_ttl)).min(left);
                    let records = set.into_iter().map(|(_, data)| data).collect();
                    let (owner, signature) = (owner.clone(), as_proof(input, now));
                    return Ok(Proven { owner, rtype, records, signature, until: now.plus(life) });
                }
                wrong += 1;
                fault = ("wrong-signature", "the signature is wrong by");
            }
        }
        let (word, sentence) = fault;
        bogus(word, &format!("{what}: {sentence} the zone {}", shown(&self.name)))
    }

    /// The same for a type that is never taken from a wildcard: the signature must be over this very owner.
    pub(super) fn proven_here<'m>(
        &self,
        owner: &Name,
        rtype: RecordType,
        section: &'m [Record],
        now: UnixTime,
        budget: &mut Budget,
    ) -> Found<Proven<'m>> {
        let proven = self.proven(owner, rtype, section, now, budget)?;
        if proven.labels() == owner.num_labels() {
            return Ok(proven);
        }
        bogus("expanded-wildcard", &format!("{} {rtype} comes from a wildcard", shown(owner)))
    }
}

/// The signatures over one RRset, with the records that carry them.
pub(super) fn signatures<'m, 'n>(
    section: &'m [Record],
    owner: &'n Name,
    rtype: RecordType,
) -> impl Iterator<Item = (&'m Record, &'m RRSIG)> + use<'m, 'n> {
    records(section, owner, RecordType::RRSIG).filter_map(move |record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) if signature.input().type_covered == rtype => {
            Some((record, signature))
        }
        _ => None,
    })
}

/// Seconds until the signature ends, if its time has come; in serial number arithmetic (RFC 4034 section 3.1.5).
pub(super) fn seconds_left(input: &SigInput, now: UnixTime) -> Result<u64, (&'static str, &'static str)> {
    let moment = SerialNumber::new(now.serial());
    let is_before = |a: SerialNumber, b: SerialNumber| a.partial_cmp(&b).is_some_and(Ordering::is_le);
    if !is_before(input.sig_inception, moment) {
        return Err(("signature-not-yet-valid", "the time of the signature has not come; it is by"));
    }
    if !is_before(moment, input.sig_expiration) {
        return Err(("signature-expired", "the signature has expired; it is by"));
    }
    Ok(u64::from(input.sig_expiration.get().wrapping_sub(moment.get())))
}

/// A signature in its time, as a proof shows it; its serial numbers become the moments next to `now`.
fn as_proof(input: &SigInput, now: UnixTime) -> Signature {
    let age = now.serial().wrapping_sub(input.sig_inception.get());
    let left = input.sig_expiration.get().wrapping_sub(now.serial());
    Signature {
        signer: input.signer_name.to_lowercase(),
        key_tag: input.key_tag,
        algorithm: input.algorithm,
        labels: input.num_labels,
        inception: UnixTime(now.0.saturating_sub(age.into())),
        expires: now.plus(left.into()),
    }
}

/// RDATA in canonical form (RFC 4034 section 6.2 as amended by RFC 6840 section 5.1).
fn canonical(data: &RData) -> Result<Vec<u8>, ProtoError> {
    // The library has no DNAME of its own; its RDATA is one name, whose length octets are no letters.
    if let RData::Unknown { code: RecordType::DNAME, rdata } = data {
        return Ok(rdata.anything.to_ascii_lowercase());
    }
    let mut octets = Vec::new();
    data.emit(&mut canonical_encoder(&mut octets))?;
    Ok(octets)
}

/// What a signature is made over: its own fields, then each record in canonical form (RFC 4034 section 3.1.8.1).
pub(super) fn signed_octets<'d>(
    owner: &Name,
    input: &SigInput,
    rdata: impl Iterator<Item = &'d [u8]>,
) -> Result<Vec<u8>, ProtoError> {
    let wildcard;
    let owner = if input.num_labels < owner.num_labels() {
        wildcard = owner.trim_to(input.num_labels.into()).prepend_label("*")?;
        &wildcard
    } else {
        owner
    };
    let mut head = Vec::new();
    let mut encoder = canonical_encoder(&mut head);
    encoder.set_name_encoding(NameEncoding::UncompressedLowercase);
    owner.emit(&mut encoder)?;
    for field in [u16::from(input.type_covered), 1] {
        encoder.emit_u16(field)?;
    }
    encoder.emit_u32(input.original_ttl)?;

    let mut octets = Vec::new();
    input.emit(&mut canonical_encoder(&mut octets))?;
    for data in rdata {
        octets.extend_from_slice(&head);
        octets.extend_from_slice(&u16::try_from(data.len()).map_err(|_| "RDATA too long")?.to_be_bytes());
        octets.extend_from_slice(data);
    }
    Ok(octets)
}

/// Writes names whole, and in lower case where the canonical form wants it.
fn canonical_encoder(octets: &mut Vec<u8>) -> BinEncoder<'_> {
    let mut encoder = BinEncoder::new(octets);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    encoder
}
