//! What a verdict may cost, whatever the replies hold: every signature tried and every block hashed is counted before
//! it is computed, over all walks of the verdict (CVE-2023-50387, CVE-2023-50868).

use super::replies::{Found, bogus, exhausted, shown};
use crate::limits::{MAX_HASH_BLOCKS, MAX_NSEC3_HASHES, MAX_VERIFICATIONS, MAX_VERIFICATIONS_PER_MX_HOST};
use aws_lc_rs::digest::{self, SHA256};
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::{Algorithm, Nsec3HashAlgorithm, PublicKey, PublicKeyBuf, Verifier};
use hickory_proto::rr::Name;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Octets that SHA-1 and SHA-256 take in at once; the longer blocks of SHA-384 and SHA-512 cost less per octet.
const BLOCK: usize = 64;

/// What has been spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Signatures tried, in units of one with ECDSA P-256.
    pub verifications: usize,
    /// Names hashed for NSEC3.
    pub nsec3_hashes: usize,
    /// Blocks of 64 octets hashed, for whatever purpose.
    pub hash_blocks: usize,
}

/// A SHA-1 hash, the only kind that NSEC3 has (RFC 5155 section 11).
pub(super) type Hash = [u8; 20];

/// What may be spent on one verdict, less what has been.
#[derive(Debug, Default)]
pub(super) struct Budget {
    account: Arc<Mutex<Account>>,
    /// By salt and iterations: no name is hashed twice in one way.
    hashes: HashMap<(Vec<u8>, u16), HashMap<Name, Hash>>,
    /// Digests of keys, signatures, and what they are over: a denial that comes with several replies is verified once.
    verified: HashSet<[u8; 32]>,
}

/// What all walks of the verdict spend from.
#[derive(Debug, Default)]
struct Account {
    spent: Spent,
    /// MX hosts that are looked at one by one.
    mx_hosts: usize,
}

impl Budget {
    /// Raises the allowance for MX hosts that have to be looked at one by one.
    pub(super) fn allow_mx_hosts(&self, hosts: usize) {
        self.account().mx_hosts += hosts;
    }

    /// What has been spent.
    pub(super) fn spent(&self) -> Spent {
        self.account().spent
    }

    /// The same budget for other walks of the verdict: what one spends, the other cannot.
    pub(super) fn shared(&self) -> Self {
        Self { account: Arc::clone(&self.account), ..Self::default() }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what is about to be spent; what has been spent with it.
    fn spend(&self, on: impl FnOnce(&mut Spent)) -> Spent {
        let mut account = self.account();
        on(&mut account.spent);
        account.spent
    }

    /// Is `signature` made over these octets with `key`?
    pub(super) fn verify(&mut self, key: &DNSKEY, signed: &[u8], signature: &[u8]) -> Found<bool> {
        // Whether it was verified before is found by a digest over all of it.
        self.hashed(key.public_key().public_bytes().len() + signature.len() + signed.len())?;
        let digest = digest_of(key.public_key(), signed, signature);
        if digest.is_some_and(|digest| self.verified.contains(&digest)) {
            return Ok(true);
        }
        self.verification(key.public_key(), signed.len())?;
        let is_right = key.verify(signed, signature).is_ok();
        if is_right {
            self.verified.extend(digest);
        }
        Ok(is_right)
    }

    /// Before one signature over `octets` is tried with `key`.
    fn verification(&mut self, key: &PublicKeyBuf, octets: usize) -> Found<()> {
        let allowed = MAX_VERIFICATIONS + self.account().mx_hosts * MAX_VERIFICATIONS_PER_MX_HOST;
        if self.spend(|spent| spent.verifications += cost(key)).verifications > allowed {
            return exhausted("more signatures to try than one verdict may cost");
        }
        self.hashed(octets)
    }

    /// Before `octets` are hashed.
    pub(super) fn hashed(&mut self, octets: usize) -> Found<()> {
        if self.spend(|spent| spent.hash_blocks += octets.div_ceil(BLOCK)).hash_blocks > MAX_HASH_BLOCKS {
            return exhausted("more octets to hash than one verdict may cost");
        }
        Ok(())
    }

    /// The hash of `name` for NSEC3 (RFC 5155 section 5).
    pub(super) fn nsec3_hash(&mut self, name: &Name, salt: &[u8], iterations: u16) -> Found<Hash> {
        let terms = (salt.to_vec(), iterations);
        if let Some(hash) = self.hashes.get(&terms).and_then(|hashes| hashes.get(name)) {
            return Ok(*hash);
        }
        if self.spend(|spent| spent.nsec3_hashes += 1).nsec3_hashes > MAX_NSEC3_HASHES {
            return exhausted("more NSEC3 hashes to compute than one verdict may cost");
        }
        self.hashed(name.len() + salt.len())?;
        self.hashed(usize::from(iterations) * (salt.len() + size_of::<Hash>()).next_multiple_of(BLOCK))?;
        let computed = Nsec3HashAlgorithm::SHA1.hash(salt, name, iterations).ok();
        let Some(hash) = computed.and_then(|digest| digest.as_ref().try_into().ok()) else {
            return bogus("malformed", &format!("{} cannot be hashed for NSEC3", shown(name)));
        };
        self.hashes.entry(terms).or_default().insert(name.clone(), hash);
        Ok(hash)
    }
}

/// Of a signature with all that it is to be verified with: the length of each part before it.
fn digest_of(key: &PublicKeyBuf, signed: &[u8], signature: &[u8]) -> Option<[u8; 32]> {
    let mut context = digest::Context::new(&SHA256);
    context.update(&[u8::from(key.algorithm())]);
    for part in [key.public_bytes(), signature, signed] {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().ok()
}

/// What one signature costs, in units of one with ECDSA P-256, which takes 65 microseconds with aws-lc-rs 1.19.
///
/// ECDSA P-384 takes 195, RSA of 4,096 bits 90, of 8,192 bits from 240 to 750, depending on the exponent. So nothing costs more
/// than it counts, and a zone that signs with P-384, which may be slower elsewhere, stays well within the budget.
fn cost(key: &PublicKeyBuf) -> usize {
    let octets = key.public_bytes().len();
    match key.algorithm() {
        Algorithm::ECDSAP384SHA384 => 9,
        Algorithm::ECDSAP256SHA256 | Algorithm::ED25519 => 1,
        _ if octets > 520 => 16,
        _ if octets > 264 => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hashed_is_counted_before_also_where_a_signature_was_verified_already() {
        let public = PublicKeyBuf::new(vec![7; 64], Algorithm::ECDSAP256SHA256);
        let key = DNSKEY::with_flags(257, public);
        let mut budget = Budget::default();
        assert!(matches!(budget.verify(&key, &[1; 64], &[2; 64]), Ok(false)));
        // A digest over key, signature and what is signed; then that once more, with the key.
        assert_eq!(budget.spent().hash_blocks, 3 + 1);
        budget.verified.extend(digest_of(key.public_key(), &[1; 64], &[2; 64]));
        assert!(matches!(budget.verify(&key, &[1; 64], &[2; 64]), Ok(true)));
        assert_eq!((budget.spent().hash_blocks, budget.spent().verifications), (3 + 1 + 3, 1));
        let much = vec![0; MAX_HASH_BLOCKS * BLOCK];
        assert!(budget.verify(&key, &much, &[2; 64]).is_err());
        assert_eq!(budget.spent().verifications, 1, "nothing was tried");
    }

    #[test]
    fn the_last_octet_is_hashed_and_the_last_signature_tried_and_none_beyond() {
        let mut budget = Budget::default();
        assert!(budget.hashed(MAX_HASH_BLOCKS * BLOCK).is_ok());
        assert!(budget.hashed(1).is_err());
        let key = PublicKeyBuf::new(vec![7; 64], Algorithm::ECDSAP256SHA256);
        for hosts in [0, 1, 3] {
            let mut budget = Budget::default();
            budget.allow_mx_hosts(hosts);
            let tried = std::iter::from_fn(|| budget.verification(&key, 0).ok()).count();
            assert_eq!(tried, MAX_VERIFICATIONS + hosts * MAX_VERIFICATIONS_PER_MX_HOST);
        }
    }

    #[test]
    fn what_one_walk_spends_another_of_the_verdict_cannot() {
        let budget = Budget::default();
        let mut other = budget.shared();
        assert!(other.hashed(3 * BLOCK).is_ok());
        assert_eq!(budget.spent().hash_blocks, 3);
    }

    /// RFC 5155 section 5: the name and the salt are hashed first, then each hash and the salt, so many times.
    #[test]
    fn an_nsec3_hash_costs_the_blocks_of_the_name_and_those_of_each_iteration() {
        let name = Name::from_ascii(format!("{}.", "a".repeat(59))).unwrap();
        for (salt, iterations, blocks) in
            [(0, 0, 1), (10, 0, 2), (10, 7, 2 + 7), (50, 10, 2 + 20), (200, 3, 5 + 12)]
        {
            let mut budget = Budget::default();
            assert!(budget.nsec3_hash(&name, &vec![1; salt], iterations).is_ok());
            let spent = Spent { verifications: 0, nsec3_hashes: 1, hash_blocks: blocks };
            assert_eq!(budget.spent(), spent, "{salt} octets of salt, {iterations} iterations");
        }
    }

    /// RFC 3110 section 2: an octet for the length of the exponent, the exponent, the modulus.
    #[test]
    fn a_signature_counts_what_it_costs_by_algorithm_and_modulus() {
        let rsa = |bits: usize, exponent: usize| {
            cost(&PublicKeyBuf::new(vec![1; 1 + exponent + bits / 8], Algorithm::RSASHA256))
        };
        assert_eq!([rsa(1_024, 3), rsa(2_048, 3), rsa(2_048, 7), rsa(2_056, 7)], [1, 1, 1, 4]);
        assert_eq!([rsa(4_096, 3), rsa(4_096, 7), rsa(4_104, 7), rsa(8_192, 3)], [4, 4, 16, 16]);
        let other = |algorithm, octets| cost(&PublicKeyBuf::new(vec![1; octets], algorithm));
        assert_eq!(other(Algorithm::ECDSAP384SHA384, 96), 9);
        // What is no key of these costs no more, however long it is: it is not tried.
        assert_eq!([other(Algorithm::ECDSAP256SHA256, 64), other(Algorithm::ED25519, 32)], [1, 1]);
        assert_eq!([other(Algorithm::ECDSAP256SHA256, 600), other(Algorithm::ED25519, 600)], [1, 1]);
    }
}
