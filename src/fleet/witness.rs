//! Whose word a policy is. The database names the roles that have fetched it; whoever rules the database could write any name. So each host may sign what
//! it fetched with a key of its own, and whoever holds the public halves believes signatures, not names.

use crate::cache::Fingerprint;
use crate::limits::MAX_WITNESSES;
use crate::policy::{Authentication, StoredPolicy};
use crate::time::UnixTime;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use data_encoding::BASE64;
use std::collections::BTreeMap;
use std::fmt;

/// Signs what this host has fetched.
pub struct Signer {
    pub(super) role: String,
    pub(super) key: Option<Ed25519KeyPair>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer of {}", self.role)
    }
}

impl Signer {
    /// The signature for the database: `-` without a key.
    #[must_use]
    pub fn sign(&self, store: &str, fingerprint: Fingerprint, policy: &StoredPolicy) -> String {
        let said = FetchClaim::of(policy);
        let text = said.text(store, fingerprint, &self.role, policy);
        self.key
            .as_ref()
            .map_or_else(|| "-".to_owned(), |key| BASE64.encode(key.sign(text.as_bytes()).as_ref()))
    }
}

/// The public keys of the other hosts, by role; `None`: nobody's word can be told from the database's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses(pub(super) Option<BTreeMap<String, [u8; 32]>>);

/// When a host fetched a policy, and until when it has it.
struct FetchClaim {
    fetched_at: UnixTime,
    expires_at: UnixTime,
}

impl FetchClaim {
    const fn of(policy: &StoredPolicy) -> Self {
        Self { fetched_at: policy.fetched_at, expires_at: policy.expires_at }
    }

    /// What is signed. Whether it was applied, which the draft's policies begin with, is no part of it: that is no fetch.
    fn text(&self, store: &str, fingerprint: Fingerprint, role: &str, policy: &StoredPolicy) -> String {
        format!(
            "smtp-sts-verify fleet policy 1\n{store}\n{role}\n{fingerprint}\n{}\n{}\n{}\n{}\n{}\n{}",
            policy.domain,
            policy.policy.dialect().word(),
            policy.authentication.word(),
            self.fetched_at.0,
            self.expires_at.0,
            policy.policy.to_text()
        )
    }
}

impl Witnesses {
    /// The policy of a row of the database with those of its words that can be believed here; `None` if there is none. It ends no later than the second last of
    /// those whose signatures are good: what one of them says alone is the word of one.
    #[must_use]
    pub fn believed(
        &self,
        store: &str,
        fingerprint: Fingerprint,
        policy: StoredPolicy,
        words: &[String],
        me: &str,
    ) -> Option<(StoredPolicy, Vec<String>)> {
        let mut said: Vec<(String, UnixTime, UnixTime, bool)> = Vec::new();
        for word in words.iter().take(MAX_WITNESSES) {
            let [role, fetched, expires, signature] = word.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            let is_a_name =
                role.len() <= 63 && role.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            let (Ok(fetched), Ok(expires)) = (fetched.parse(), expires.parse()) else { continue };
            if role == me || !is_a_name || said.iter().any(|(known, ..)| known == role) {
                continue;
            }
            let when = FetchClaim { fetched_at: UnixTime(fetched), expires_at: UnixTime(expires) };
            let is_signed = self.has_signed(role, &when.text(store, fingerprint, role, &policy), signature);
            said.push((role.to_owned(), when.fetched_at, when.expires_at, is_signed));
        }
        let mut signed: Vec<_> = said.iter().filter(|(.., is_signed)| *is_signed).cloned().collect();
        if signed.len() < 2 {
            // The word of one: of whom, the database says.
            let (role, ..) = said.into_iter().next()?;
            return Some((policy, vec![role]));
        }
        signed.sort_by_key(|(_, _, expires, _)| std::cmp::Reverse(*expires));
        let (_, fetched_at, expires_at, _) = signed.get(1)?.clone();
        let policy = StoredPolicy {
            fetched_at: policy.fetched_at.min(fetched_at),
            expires_at: policy.expires_at.min(expires_at),
            ..policy
        };
        // That it was met is one host's word, whatever was signed.
        let is_first_use = policy.authentication == Authentication::FirstUse;
        let most = if is_first_use && policy.applied_at.is_some() { 1 } else { MAX_WITNESSES };
        Some((policy, signed.into_iter().map(|(role, ..)| role).take(most).collect()))
    }

    fn has_signed(&self, role: &str, text: &str, signature: &str) -> bool {
        let Some(key) = self.0.as_ref().and_then(|keys| keys.get(role)) else { return false };
        let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PolicyDomain;
    use crate::policy::{Dialect, Policy};
    use aws_lc_rs::signature::KeyPair as _;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const STORE: &str = "c0ffee";

    fn signer(role: &str) -> (Signer, [u8; 32]) {
        let key = Ed25519KeyPair::generate().unwrap();
        let public = key.public_key().as_ref().try_into().unwrap();
        (Signer { role: role.to_owned(), key: Some(key) }, public)
    }

    fn policy(age: u64) -> StoredPolicy {
        let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 604800\n";
        let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
        let (domain, at) = (PolicyDomain::parse("example.org").unwrap(), UnixTime(NOW.0 - age));
        StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at)
    }

    fn here() -> Fingerprint {
        Fingerprint::from_text("00112233445566778899aabbccddeeff").unwrap()
    }

    fn word(signer: &Signer, store: &str, policy: &StoredPolicy) -> String {
        let signature = signer.sign(store, here(), policy);
        format!("{} {} {} {signature}", signer.role, policy.fetched_at.0, policy.expires_at.0)
    }

    #[test]
    fn two_good_signatures_are_two_and_the_end_is_what_both_have_signed() {
        let ((one, key_one), (two, key_two)) = (signer("mx1"), signer("mx2"));
        let witnesses = Witnesses(Some([("mx1".to_owned(), key_one), ("mx2".to_owned(), key_two)].into()));
        let (early, late) = (policy(1_000), policy(10));
        let words = [word(&one, STORE, &early), word(&two, STORE, &late)];
        let (believed, names) = witnesses.believed(STORE, here(), late.clone(), &words, "mx9").unwrap();
        assert_eq!((believed.expires_at, names.len()), (early.expires_at, 2));
        assert!(believed.is_possible());
        let count = |store, words: &[String], me| {
            witnesses.believed(store, here(), late.clone(), words, me).map(|(_, names)| names.len())
        };
        assert_eq!(count("another", &words, "mx9"), Some(1), "signed for another store");
        assert_eq!(count(STORE, &words, "mx2"), Some(1), "one's own word counts for nothing");
        assert_eq!(count(STORE, &words[..1], "mx1"), None);
        let twice = [words[1].clone(), words[1].clone()];
        assert_eq!(count(STORE, &twice, "mx9"), Some(1));
        let renamed = [words[1].clone(), words[1].replacen("mx2", "mx1", 1)];
        assert_eq!(count(STORE, &renamed, "mx9"), Some(1), "the ruler of the database writes another name");
        let longer = [words[0].clone(), words[1].replace(&late.expires_at.0.to_string(), "1999999999")];
        assert_eq!(count(STORE, &longer, "mx9"), Some(1), "or another end");
    }

    #[test]
    fn without_keys_any_number_of_names_is_one() {
        let words = ["mx1 1 2 -".to_owned(), "mx2 1 2 -".to_owned(), "strange name 1 2 -".to_owned()];
        let believed = Witnesses::default().believed(STORE, here(), policy(1), &words, "mx9");
        assert_eq!(believed.map(|(_, names)| names), Some(vec!["mx1".to_owned()]));
        assert_eq!(Witnesses::default().believed(STORE, here(), policy(1), &words[2..], "mx9"), None);
    }
}
