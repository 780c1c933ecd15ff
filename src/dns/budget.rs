//! What a verdict may cost, whatever the replies hold: every signature tried and every block hashed is counted before
//! it is computed, over all walks of the verdict (CVE-2023-50387, CVE-2023-50868).

use super::replies::{Found, exhausted};
use crate::limits::{MAX_HASH_BLOCKS, MAX_NSEC3_HASHES, MAX_VERIFICATIONS};
use hickory_proto::dnssec::{Algorithm, PublicKey, PublicKeyBuf};

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

impl Spent {
    /// Before one signature over `octets` is tried with `key`.
    pub(super) fn verification(&mut self, key: &PublicKeyBuf, octets: usize) -> Found<()> {
        self.verifications += cost(key);
        if self.verifications > MAX_VERIFICATIONS {
            return exhausted("more signatures to try than one verdict may cost");
        }
        self.hashed(octets)
    }

    /// Before one name is hashed for NSEC3, with `iterations` more rounds over its hash and `salt` octets of salt.
    pub(super) fn nsec3_hash(&mut self, name: usize, salt: usize, iterations: u16) -> Found<()> {
        self.nsec3_hashes += 1;
        if self.nsec3_hashes > MAX_NSEC3_HASHES {
            return exhausted("more NSEC3 hashes to compute than one verdict may cost");
        }
        self.hashed(name + salt)?;
        self.hashed(usize::from(iterations) * (salt + 20).next_multiple_of(BLOCK))
    }

    /// Before `octets` are hashed.
    pub(super) fn hashed(&mut self, octets: usize) -> Found<()> {
        self.hash_blocks += octets.div_ceil(BLOCK);
        if self.hash_blocks > MAX_HASH_BLOCKS {
            return exhausted("more octets to hash than one verdict may cost");
        }
        Ok(())
    }
}

/// What one signature costs, in units of one with ECDSA P-256 (measured with ring 0.17).
fn cost(key: &PublicKeyBuf) -> usize {
    /// Octets of an RSA key of 4,096 bits with its exponent.
    const LONG_RSA: usize = 520;
    match key.algorithm() {
        Algorithm::ECDSAP384SHA384 => 5,
        _ if key.public_bytes().len() > LONG_RSA => 5,
        _ => 1,
    }
}
