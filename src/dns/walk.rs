//! One question, from the trust anchor down to the verdict: a pure function over replies (RFC 4035 section 5).
//!
//! A [`Walk`] never asks. It is stepped: with the replies that are there it either ends, or says what it also needs.
//!
//! ```text
//! let mut walk = Walk::new(question);
//! loop {
//!     match walk.step(&mut trust, &replies) {
//!         Step::Ask(questions) => /* send those not sent yet, wait until `replies` has the first of them */,
//!         Step::Done(finding) => break finding,
//!     }
//! }
//! ```
//!
//! On empty [`Replies`] the first step lists everything that is known to be useful: the question itself, and DNSKEY and
//! DS from the anchor down to the name, so that a usual name costs one round trip. After an alias the list speaks
//! about the new name. What stands behind the first question is not waited for unless a later step puts it first.
//!
//! Reasons begin with a word for the rule: `unsigned-delegation`, `opt-out`, `nsec3-iterations`, `unsupported-algorithm`,
//! `insecure-zone` for insecure; `no-keys`, `key-mismatch`, `unusable-key`, `no-records`, `no-signature`, `wrong-signature`,
//! `signature-expired`, `signature-not-yet-valid`, `expanded-wildcard`, `wildcard-unproven`, `no-proof`, `withheld`, `wrong-side`,
//! `foreign-owner`, `malformed` for bogus; `no-answer`, `no-trust-anchor`, `alias-chain`, `alias-broken`, `meta-type`,
//! `special-use-name`, `budget` for unreachable.

use super::answer::{self, Judged, Says};
use super::basis::{Basis, Insecurity};
use super::chain::{Depth, Further, Place};
use super::denial::Strength;
use super::labels;
use super::proof::Proof;
use super::replies::{Found, Stop, shown};
use super::{Content, Outage, Outcome, Question, ZoneStatus};
use crate::limits::{MAX_ALIASES, MAX_NEGATIVE_TTL, MAX_POSITIVE_TTL};
use crate::time::UnixTime;
use hickory_proto::rr::{Name, RecordType};

pub use super::chain::TrustContext;
pub use super::replies::{Replies, Reply};

/// The way from the trust anchor to the answer of one question, aliases included.
#[derive(Debug)]
pub struct Walk {
    question: Question,
    /// Under zones that other look-ups have proven it failed: everything is proven anew.
    is_anew: bool,
    /// It has wanted something.
    has_asked: bool,
    /// The name asked for, then the target of the last alias.
    name: Name,
    rtype: RecordType,
    aliases: Vec<Name>,
    /// Why the chain of trust does not reach an alias that was followed.
    insecure: Option<String>,
    /// What the aliases that were followed rest on, and in the end the answer.
    basis: Basis,
    /// The zone that could not prove the reply, and why; set while one further down is looked for.
    unexplained: Option<(Name, Stop)>,
    /// The present name is proven to lie in no signed zone, and nothing but the reply about it is missing.
    waits_for_what_is_unsigned: bool,
}

/// What a [`Walk`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It cannot go on without the first of these; the others are wanted in the same round trip. Never empty; may
    /// name questions that are on their way already.
    Ask(Vec<Question>),
    /// It has ended.
    Done(Finding),
}

/// The verdict on one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is proven.
    pub outcome: Outcome,
    /// The names that aliases led to, in order.
    pub aliases: Vec<Name>,
    /// Until when the content may be believed; `None` for bogus and unreachable.
    pub valid_until: Option<UnixTime>,
    /// What it was proven by, for people.
    pub proof: Proof,
}

impl Walk {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(question: Question) -> Self {
        Self {
            // A type given by its number is the same type; the library tells them apart.
            rtype: RecordType::from(u16::from(question.rtype())),
            name: question.name().clone(),
            question,
            is_anew: false,
            has_asked: false,
            aliases: Vec::new(),
            insecure: None,
            basis: Basis::ANCHOR,
            unexplained: None,
            waits_for_what_is_unsigned: false,
        }
    }

    /// Whether it waits for nothing but a reply that no signature could prove.
    #[must_use]
    pub const fn waits_for_what_is_unsigned(&self) -> bool {
        self.waits_for_what_is_unsigned
    }

    /// Ends it without the reply for which it waits so; `why` begins with the word for the rule.
    #[must_use]
    pub fn give_up(&mut self, trust: &TrustContext, why: String) -> Finding {
        let trust = if self.is_anew { trust.seen_anew() } else { trust };
        self.basis.proof.extend(trust.reached(&self.top()));
        Finding {
            outcome: Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::ProvenInsecure, why),
            aliases: self.aliases.clone(),
            valid_until: None,
            proof: self.basis.proof.clone(),
        }
    }

    /// Goes as far as the replies allow. What fails under zones that other look-ups have proven begins again without them: keys
    /// may have been exchanged in haste.
    pub fn step(&mut self, trust: &mut TrustContext, replies: &Replies) -> Step {
        if self.is_anew {
            return self.go(trust.anew(), replies);
        }
        match self.go(trust, replies) {
            Step::Done(finding) if trust.has_borrowed() && may_be_stale(&finding.outcome) => {
                *self = Self::new(self.question.clone());
                self.is_anew = true;
                self.go(trust.anew(), replies)
            }
            step => step,
        }
    }

    fn go(&mut self, trust: &mut TrustContext, replies: &Replies) -> Step {
        let outcome = loop {
            match self.hop(trust, replies) {
                Ok(Some(outcome)) => break outcome,
                Ok(None) => {}
                Err(Stop::Missing(question)) => {
                    self.has_asked = true;
                    return Step::Ask(self.wanted(question, trust, replies));
                }
                Err(Stop::Bogus(why)) => break Outcome::Bogus(trust.blame(&self.top(), replies), why),
                Err(Stop::Failed(outage, status, why)) => break Outcome::Unreachable(outage, status, why),
            }
        };
        if matches!(outcome, Outcome::Bogus(..) | Outcome::Unreachable(..)) {
            self.basis.proof.extend(trust.reached(&self.top()));
        }
        let longest = match outcome.content() {
            Some(Content::Data(_)) => Some(MAX_POSITIVE_TTL),
            Some(Content::Nodata | Content::Nxdomain) => Some(MAX_NEGATIVE_TTL),
            None => None,
        };
        Step::Done(Finding {
            valid_until: longest.map(|seconds| self.basis.until.min(trust.now().plus(seconds))),
            aliases: self.aliases.clone(),
            proof: self.basis.proof.clone(),
            outcome,
        })
    }

    /// One name: its end, or `None` after an alias was followed. The class is that of the worst hop.
    fn hop(&mut self, trust: &mut TrustContext, replies: &Replies) -> Found<Option<Outcome>> {
        if is_meta(self.rtype) {
            let why =
                format!("meta-type: {} {} is no RRset that could be proven", shown(&self.name), self.rtype);
            return Err(Stop::Failed(Outage::NoAnswer, ZoneStatus::Unknown, why));
        }
        if let Some(stop) = trust.set_apart(&self.name) {
            // Whoever leads there by an alias publishes nothing: there is no such name in the public DNS.
            return match (&stop, self.aliases.is_empty()) {
                (Stop::Failed(.., why), false) => Ok(Some(Outcome::Insecure(Content::Nxdomain, why.clone()))),
                _ => Err(stop),
            };
        }
        let Judged { says, strength, basis } = self.judged(trust, replies)?;
        self.basis.add(basis);
        let status = match strength {
            Strength::Proven => ZoneStatus::Signed,
            Strength::Insecure(why) => {
                self.insecure.get_or_insert(why);
                ZoneStatus::ProvenInsecure
            }
        };
        match (says, &self.insecure) {
            (Says::End(content), None) => Ok(Some(Outcome::Secure(content))),
            (Says::End(content), Some(why)) => Ok(Some(Outcome::Insecure(content, why.clone()))),
            (Says::Alias(target), _) => self.follow(target, status).map(|()| None),
        }
    }

    /// On to the target of an alias, unless the walk has been there, or has come too far.
    fn follow(&mut self, target: Name, status: ZoneStatus) -> Found<()> {
        if target == self.name || self.aliases.contains(&target) || self.aliases.len() >= MAX_ALIASES {
            let why =
                format!("alias-chain: a loop, or more than {MAX_ALIASES} aliases, at {}", shown(&self.name));
            return Err(Stop::Failed(Outage::NoAnswer, status, why));
        }
        self.aliases.push(target.clone());
        self.name = target;
        self.unexplained = None;
        Ok(())
    }

    /// The reply about the present name, judged in the deepest zone to which the chain of trust leads.
    fn judged(&mut self, trust: &mut TrustContext, replies: &Replies) -> Found<Judged> {
        self.waits_for_what_is_unsigned = false;
        // What is on its way is waited for: the verdict must not depend on which reply comes first.
        if !self.has_asked {
            let known = trust.absent_above(&self.name).cloned();
            if let Some(basis) = known.or_else(|| trust.absent_to_others(&self.name)) {
                return Ok(Judged { says: Says::End(Content::Nxdomain), strength: Strength::Proven, basis });
            }
        }
        trust.forget_absent_to_others();
        let place = match trust.descend(&self.top(), self.depth(), replies) {
            Err(stop @ Stop::Missing(_)) => return self.judged_above(stop, trust, replies),
            place => place?,
        };
        self.waits_for_what_is_unsigned = matches!(place, Place::Insecure(..));
        let message = replies.message(&self.name, self.rtype).map_err(|stop| at(&place, stop))?;
        let now = trust.now();
        let as_it_is =
            |insecurity: &Insecurity| answer::unproven(&self.name, self.rtype, message, insecurity, now);
        let (zone, further) = match place {
            Place::Insecure(insecurity, above) => {
                let signed = match above {
                    Some(zone) => answer::signed_above_cut(trust, &zone, &self.name, self.rtype, message)?,
                    None => None,
                };
                return signed.map_or_else(|| as_it_is(&insecurity), Ok);
            }
            Place::Within(zone, further) => (zone, further),
        };
        let stop = match &self.unexplained {
            Some((judge, stop)) if *judge == zone.name => stop.clone(), // it has not proven it, and would not now
            _ => match answer::judge(trust, &zone, &self.name, self.rtype, message) {
                Err(stop @ Stop::Bogus(_)) => stop,
                Err(stop) => return Err(stop),
                Ok(judged) => {
                    if is_held(&judged, &zone.name, &self.name) {
                        trust.note_holder(&zone.name);
                    }
                    return Ok(judged);
                }
            },
        };
        match (further, &self.unexplained) {
            (Further::Doubtful(why @ Stop::Failed(..)), _) | (Further::Doubtful(why), None) => Err(why),
            (Further::Unproven(insecurity), Some(_)) => as_it_is(&insecurity),
            (_, Some((_, first))) => Err(first.clone()),
            // Perhaps a cut that was not looked for explains what this zone could not prove.
            (Further::NoCut | Further::Unproven(_), None) => {
                self.unexplained = Some((zone.name.clone(), stop));
                self.judged(trust, replies)
            }
        }
    }

    /// The way down waits for a DS. Next to what the zone above has signed of this verdict hardly another zone begins, and what it
    /// has signed or denied itself needs no DS (RFC 4035 section 5.3.1): the reply comes first there, and a DS is asked for
    /// where that is not enough.
    fn judged_above(&self, stop: Stop, trust: &mut TrustContext, replies: &Replies) -> Found<Judged> {
        let is_about_ds = matches!(&stop, Stop::Missing(question) if question.rtype() == RecordType::DS);
        let Some(zone) =
            trust.holder_above(&self.top()).filter(|_| is_about_ds && self.unexplained.is_none())
        else {
            return Err(stop);
        };
        let message = match replies.message(&self.name, self.rtype) {
            Ok(message) => message,
            Err(missing @ Stop::Missing(_)) => return Err(missing),
            Err(_) => return Err(stop),
        };
        match answer::judge(trust, &zone, &self.name, self.rtype, message) {
            Ok(judged) if judged.strength == Strength::Proven => Ok(judged),
            _ => Err(stop),
        }
    }

    /// The deepest name that could be the apex of the zone which answers; a DS is the parent's (RFC 4035 section 5.2).
    fn top(&self) -> Name {
        match self.rtype {
            RecordType::DS => self.name.base_name(),
            _ => self.name.clone(),
        }
    }

    const fn depth(&self) -> Depth {
        match self.unexplained {
            Some(_) => Depth::Whole,
            None => Depth::Usual,
        }
    }

    /// What is missing, what it stands in the way of, and what will probably be missing next.
    fn wanted(&self, missing: Question, trust: &TrustContext, replies: &Replies) -> Vec<Question> {
        let question = Question::new(&self.name, self.rtype);
        if missing == question {
            return vec![missing]; // all that stands above it is known, or not needed yet
        }
        let mut wanted = vec![missing];
        // The target of an alias seldom is an apex, and a chain of aliases must not spend the budget on keys.
        let is_idle = |ahead: &Question| {
            !self.aliases.is_empty() && ahead.rtype() == RecordType::DNSKEY && *ahead.name() == self.name
        };
        let ahead = trust.ahead(&self.top(), self.depth(), replies);
        for question in std::iter::once(question).chain(ahead.into_iter().filter(|ahead| !is_idle(ahead))) {
            if replies.get(&question).is_none() && !wanted.contains(&question) {
                wanted.push(question);
            }
        }
        wanted
    }
}

/// Does it show that the zone holds what is asked about: its own name with its services, or data?
fn is_held(judged: &Judged, apex: &Name, name: &Name) -> bool {
    let is_data = !matches!(judged.says, Says::End(Content::Nodata | Content::Nxdomain));
    judged.strength == Strength::Proven && (is_data || labels::without_services(name) == *apex)
}

/// A question that failed, with what is known of the zone in which it did.
fn at(place: &Place, stop: Stop) -> Stop {
    let status = match place {
        Place::Insecure(..) => ZoneStatus::ProvenInsecure,
        Place::Within(_, Further::NoCut | Further::Unproven(_)) => ZoneStatus::Signed,
        Place::Within(_, Further::Doubtful(_)) => ZoneStatus::Unknown,
    };
    match stop {
        // Of the silence of servers something may follow where nothing is signed; nothing does of a want of ours.
        Stop::Failed(Outage::OutOfResources, _, why) => {
            Stop::Failed(Outage::OutOfResources, ZoneStatus::Unknown, why)
        }
        Stop::Failed(outage, _, why) => Stop::Failed(outage, status, why),
        stop => stop,
    }
}

/// Might it be otherwise under the keys and delegations of this moment?
const fn may_be_stale(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Bogus(..) => true,
        Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Signed | ZoneStatus::Unknown, _) => true,
        Outcome::Secure(_) | Outcome::Insecure(..) | Outcome::Unreachable(..) => false,
    }
}

/// Types that ask for more than one RRset, or for what is no data (RFC 6895 section 3.1), and signatures, which are
/// not signed themselves.
fn is_meta(rtype: RecordType) -> bool {
    matches!(rtype, RecordType::RRSIG | RecordType::SIG | RecordType::OPT)
        || matches!(u16::from(rtype), 0 | 128..=255)
}
