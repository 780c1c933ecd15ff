use super::super::basis::Basis;
use super::super::proof::{Denial, Denied, Place, Signature, Word};
use super::*;
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::dnssec::{Algorithm, PublicKeyBuf};
use hickory_proto::rr::{RData, RecordType};

/// Octets that the C library of GNU takes for an allocation: eight more for its own, sixteens of them, and two of those at least.
fn taken(octets: usize) -> usize {
    (octets + 8).next_multiple_of(16).max(32)
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// A name of so many octets, as the library counts them: in wire format without the root's.
fn name_of(octets: usize) -> Name {
    let whole = (octets - 1) / 64;
    let mut labels = vec!["a".repeat(63); whole];
    labels.push("a".repeat(octets - 1 - 64 * whole));
    let name = name(&format!("{}.", labels.join(".")));
    assert_eq!(name.len(), octets);
    name
}

/// What is reckoned is no less than what these allocations take, and not much more.
fn expect(reckoned: usize, allocations: &[usize], names: &[&Name]) {
    let least = allocations.iter().map(|octets| taken(*octets)).sum::<usize>()
        + names.iter().copied().map(beside).sum::<usize>();
    assert!(
        (least..=least + 8 * allocations.len()).contains(&reckoned),
        "{reckoned} octets are reckoned, and {least} taken by {allocations:?} and {} names",
        names.len()
    );
}

fn ground(role: Role, owner: &Name, signer: &Name) -> Ground {
    let signature = Signature {
        signer: signer.clone(),
        key_tag: 1,
        algorithm: Algorithm::ECDSAP256SHA256,
        labels: 1,
        inception: UnixTime(0),
        expires: UnixTime(1),
    };
    Ground { role, owner: owner.clone(), rtype: RecordType::DS, signature }
}

/// A proof of three grounds, the last of which is a denial that says two things; with its allocations, and its names.
fn proof() -> (Proof, Vec<usize>, Vec<Name>) {
    let names: Vec<Name> = (100..108).map(name_of).collect();
    let statement =
        |about: &Name| Statement { about: about.clone(), place: Place::Itself, word: Word::Covers };
    let mut says = Vec::with_capacity(2);
    says.extend([statement(&names[6]), statement(&names[7])]);
    let denial = Role::Denial(Denial {
        denied: Denied::Delegation,
        name: names[5].clone(),
        rtype: RecordType::DS,
        says,
    });
    let mut grounds = Vec::with_capacity(4);
    grounds.push(ground(Role::Keys, &names[0], &names[1]));
    grounds.push(ground(Role::Delegation, &names[2], &names[3]));
    grounds.push(ground(denial, &name("short."), &names[4]));
    (Proof(grounds), vec![4 * size_of::<Ground>(), 2 * size_of::<Statement>()], names)
}

/// The library keeps names of up to 32 octets in their place; a longer one is read octet by octet into what is doubled when it is full.
#[test]
fn a_name_takes_what_it_has_no_room_for_in_its_own_place() {
    assert_eq!([3, 31, 32].map(|octets| beside(&name_of(octets))), [0; 3]);
    for octets in [40_usize, 64, 70, 120, 128, 140, 254] {
        let grown = taken(octets.next_power_of_two());
        let reckoned = beside(&name_of(octets));
        assert!((grown..=2 * grown).contains(&reckoned), "{octets}: {reckoned}, {grown}");
    }
}

#[test]
fn what_is_kept_of_a_signed_zone_takes_what_is_reckoned_for_it() {
    let key = |octets: usize| {
        let key = DNSKEY::with_flags(256, PublicKeyBuf::new(vec![1; octets], Algorithm::RSASHA256));
        ZoneKey::usable(&RData::DNSSEC(DNSSECRData::DNSKEY(key))).unwrap()
    };
    let mut keys = Vec::with_capacity(4);
    keys.extend([key(256), key(512), key(128)]);
    let (proof, mut allocations, mut names) = proof();
    names.push(name_of(90));
    allocations.extend([16 + size_of::<Zone>(), 4 * size_of::<ZoneKey>(), 256, 512, 128]);
    let basis = Basis { until: UnixTime(1), proof };
    let zone = Arc::new(Zone { name: name_of(90), keys, basis });
    expect(Cut::Signed(zone).octets(), &allocations, &names.iter().collect::<Vec<_>>());
}

#[test]
fn what_is_kept_of_an_unsigned_zone_takes_what_is_reckoned_for_it() {
    let (proof, mut allocations, names) = proof();
    let mut why = String::with_capacity(200);
    why.push_str("no-ds: the zone is not signed");
    allocations.extend([16 + size_of::<Insecurity>(), 200]);
    let names: Vec<&Name> = names.iter().collect();
    let insecurity = Arc::new(Insecurity { why, basis: Basis { until: UnixTime(1), proof } });
    for cut in [Cut::Insecure(Arc::clone(&insecurity)), Cut::Unproven(insecurity)] {
        expect(cut.octets(), &allocations, &names);
    }
}

#[test]
fn what_has_no_allocation_takes_nothing_beyond_its_own_place() {
    let stop = || Stop::Bogus(String::new());
    let (proof, allocations, names) = proof();
    expect(Cut::Broken(stop(), proof).octets(), &allocations, &names.iter().collect::<Vec<_>>());
    assert_eq!([Cut::None, Cut::NothingBelow, Cut::Doubtful(stop())].map(|cut| cut.octets()), [0; 3]);
}
