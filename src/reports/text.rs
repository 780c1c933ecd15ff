//! The policies themselves, as they were applied: whole, once each, within bounds. Pure.
//!
//! A line that is cut is another policy. So a text is kept whole or left out, and then that is said.

use crate::limits::{MAX_REPORTED_POLICY_OCTETS, MAX_REPORTED_TEXTS_OCTETS};
use aws_lc_rs::digest::{SHA256, digest};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// What tells one text from all others: its SHA-256.
pub type Digest = [u8; 32];

/// A text, with what tells it from others. Untrusted, not yet escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    digest: Digest,
    text: Box<str>,
}

impl Text {
    /// A text; `None` if it is too long to be kept.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_kept = text.len() <= MAX_REPORTED_POLICY_OCTETS;
        is_kept.then(|| Self { digest: digest_of(text.as_bytes()), text: text.into() })
    }

    /// What tells it from others.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn digest_of(octets: &[u8]) -> Digest {
    let mut all = Digest::default();
    for (to, from) in all.iter_mut().zip(digest(&SHA256, octets).as_ref()) {
        *to = *from;
    }
    all
}

/// The text of a policy, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum PolicyText {
    /// There is none, or it was not at hand.
    #[default]
    Nothing,
    /// There was no room for it.
    LeftOut,
    /// All of it.
    Whole(Arc<Text>),
}

impl PolicyText {
    /// All of a text, or that it is left out because it is too long; nothing, if it is empty.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self::Nothing;
        }
        Text::new(text).map_or(Self::LeftOut, |text| Self::Whole(Arc::new(text)))
    }

    /// The text, if it is kept.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Whole(text) => Some(text.as_str()),
            Self::Nothing | Self::LeftOut => None,
        }
    }

    /// What orders it among others: those that are kept by their digests.
    fn key(&self) -> (u8, Option<&Digest>) {
        match self {
            Self::Nothing => (0, None),
            Self::LeftOut => (1, None),
            Self::Whole(text) => (2, Some(text.digest())),
        }
    }
}

impl PartialOrd for PolicyText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PolicyText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The texts in memory, each of them once, and no more than [`MAX_REPORTED_TEXTS_OCTETS`] of them.
#[derive(Debug, Default)]
pub struct Texts {
    known: HashMap<Digest, Arc<Text>>,
    octets: usize,
}

impl Texts {
    /// The same text as it is kept here, where there is room for it; else it is left out.
    pub fn keep(&mut self, text: PolicyText) -> PolicyText {
        let PolicyText::Whole(text) = text else { return text };
        if let Some(known) = self.known.get(text.digest()) {
            return PolicyText::Whole(Arc::clone(known));
        }
        let has_room =
            |octets: usize| octets.saturating_add(text.as_str().len()) <= MAX_REPORTED_TEXTS_OCTETS;
        if !has_room(self.octets) {
            self.forget_unused();
        }
        if !has_room(self.octets) {
            return PolicyText::LeftOut;
        }
        self.octets = self.octets.saturating_add(text.as_str().len());
        self.known.insert(*text.digest(), Arc::clone(&text));
        PolicyText::Whole(text)
    }

    /// Forgets what nobody holds any more.
    fn forget_unused(&mut self) {
        self.known.retain(|_, text| Arc::strong_count(text) > 1);
        self.octets = self.known.values().map(|text| text.as_str().len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(number: usize) -> PolicyText {
        let text = format!("{number:05}{}", "x".repeat(MAX_REPORTED_POLICY_OCTETS - 5));
        PolicyText::of(&text)
    }

    #[test]
    fn a_text_is_kept_whole_or_left_out() {
        let whole = "x".repeat(MAX_REPORTED_POLICY_OCTETS);
        assert_eq!(PolicyText::of(&whole).as_str(), Some(whole.as_str()));
        assert_eq!(PolicyText::of(&format!("{whole}x")), PolicyText::LeftOut);
        assert_eq!(PolicyText::of(""), PolicyText::Nothing);
    }

    #[test]
    fn a_digest_is_the_sha_256_that_everybody_computes() {
        let abc = Text::new("abc").unwrap();
        let hex: String = abc.digest().iter().map(|octet| format!("{octet:02x}")).collect();
        // FIPS 180-2 appendix B.1.
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_has_no_room_is_left_out_until_others_are_not_used_any_more() {
        let mut texts = Texts::default();
        let most = MAX_REPORTED_TEXTS_OCTETS / MAX_REPORTED_POLICY_OCTETS;
        let mut held: Vec<PolicyText> = (0..most).map(|number| texts.keep(long(number))).collect();
        assert!(held.iter().all(|text| text.as_str().is_some()));
        assert!(texts.keep(long(most)) == PolicyText::LeftOut);
        // The same again takes no room.
        assert!(texts.keep(long(3)) == held[3]);
        held.pop();
        held.push(texts.keep(long(most)));
        assert!(held.iter().all(|text| text.as_str().is_some()));
        assert!(texts.keep(long(most + 1)) == PolicyText::LeftOut);
        // An octet less in one of them, and one text of an octet more.
        held.pop();
        held.push(texts.keep(PolicyText::of(&"y".repeat(65_535))));
        held.push(texts.keep(PolicyText::of("a")));
        assert!(held.iter().all(|text| text.as_str().is_some()));
        assert!(texts.keep(PolicyText::of("b")) == PolicyText::LeftOut);
    }
}
