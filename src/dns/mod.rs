//! DNS answers that can be trusted: what was asked, what is proven about it, and who may ask.
//!
//! Every answer is `secure`, `insecure`, `bogus` or `unreachable` (RFC 4035 section 4.3, with "indeterminate" told
//! apart by its cause). A resolver's word (the AD bit, an RCODE) is never evidence.

mod alias;
pub mod anchor;
mod answer;
mod basis;
pub mod budget;
mod chain;
mod cut;
pub mod delivery;
mod denial;
mod exchange;
mod keys;
mod labels;
mod nsec;
mod nsec3;
pub mod presentation;
pub mod proof;
pub mod proven_zones;
pub mod quota;
mod replies;
pub mod reply_memory;
pub mod resolv_conf;
pub mod root_keys;
pub mod scope;
pub mod session;
mod shared_denials;
mod signature;
mod sockets;
pub mod tolerance;
pub mod upstream;
pub mod walk;
mod witness;

pub use exchange::{Checking, Directly, Transport, directly};

use crate::time::UnixTime;
use crate::words::words;
use hickory_proto::rr::{Name, RData, RecordType};
use proof::Proof;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A name and a type, class IN; the name is absolute and in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    name: Name,
    rtype: RecordType,
}

impl Question {
    /// A question about the records of type `rtype` at `name`.
    #[must_use]
    pub fn new(name: &Name, rtype: RecordType) -> Self {
        let mut name = name.to_lowercase();
        name.set_fqdn(true);
        Self { name, rtype }
    }

    /// The owner of the records that are asked for, absolute and in lower case.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The same name, for whoever has no more use for the question.
    #[must_use]
    pub fn into_name(self) -> Name {
        self.name
    }

    /// The type asked for.
    #[must_use]
    pub const fn rtype(&self) -> RecordType {
        self.rtype
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name.to_ascii(), self.rtype)
    }
}

/// What the end of the alias chain holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Records of the type asked for; never empty.
    Data(Vec<RData>),
    /// The name exists, or may exist, without that type.
    Nodata,
    /// The name does not exist.
    Nxdomain,
}

/// The TXT records among them: the strings of one record belong together, those of different records never.
#[must_use]
pub fn joined_texts(records: &[RData]) -> Vec<Vec<u8>> {
    let strings = |record: &RData| match record {
        RData::TXT(txt) => Some(txt.txt_data.concat()),
        _ => None,
    };
    records.iter().filter_map(strings).collect()
}

/// What is known about the zone in which a question could not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneStatus {
    /// A chain of trust leads to the zone: its silence may be an attack.
    Signed,
    /// It is proven that no chain of trust leads there.
    ProvenInsecure,
    /// Neither could be learnt.
    Unknown,
}

/// Where the cause of a bogus answer lies, as far as the root's own keys tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The root is fine: this name, or somebody on the way to it.
    Domain,
    /// Not even the root comes with signatures: the name servers of this machine strip DNSSEC.
    StrippingResolver,
    /// The root's signatures are outside of their time: the clock of this machine.
    Clock,
    /// The root's keys are not the trust anchor's.
    TrustAnchor,
}

words! {
    /// Why nothing can be said.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Outage {
        /// A budget of [`crate::limits`] ran out.
        Budget = "budget",
        /// The deadline of the run came first.
        Deadline = "deadline",
        /// The name servers did not answer, or not usefully.
        NoAnswer = "no-answer",
        /// No trust anchor at or above the name.
        NoTrustAnchor = "no-trust-anchor",
        /// The name is set apart from the public DNS, and nobody was asked ([`scope`]).
        NotAsked = "not-asked",
        /// This machine had no descriptor, memory or port left to ask with: that says nothing about the name.
        OutOfResources = "out-of-resources",
    }
}

/// The verdict of the chain of trust on one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Proven, data or absence, down from the trust anchor.
    Secure(Content),
    /// Proven to lie where no chain of trust leads; the text names the insecure cut.
    Insecure(Content, String),
    /// A chain of trust demands a proof that was not there, or was false; the text says which.
    Bogus(Blame, String),
    /// No answer to judge; the text says what happened.
    Unreachable(Outage, ZoneStatus, String),
}

words! {
    /// The four words for an [`Outcome`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Class {
        /// RFC 4035 section 4.3.
        Secure = "secure",
        /// RFC 4035 section 4.3.
        Insecure = "insecure",
        /// RFC 4035 section 4.3.
        Bogus = "bogus",
        /// Nothing to judge.
        Unreachable = "unreachable",
    }
}

impl Outcome {
    /// How far it is proven, without what is proven: in the first three words of RFC 4035 section 4.3, or that there is no answer.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Secure(_) => Class::Secure,
            Self::Insecure(..) => Class::Insecure,
            Self::Bogus(..) => Class::Bogus,
            Self::Unreachable(..) => Class::Unreachable,
        }
    }

    /// The content, where one is proven or proven to be unprovable.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Secure(content) | Self::Insecure(content, _) => Some(content),
            Self::Bogus(..) | Self::Unreachable(..) => None,
        }
    }
}

/// One question and everything that was learnt about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// What the chain of trust says of the records at the end of the aliases: data, an absence, or why it says nothing.
    pub outcome: Outcome,
    /// The names that validated aliases (CNAME, DNAME) led to, in order; empty without aliases.
    pub aliases: Vec<Name>,
    /// Until when the content may be believed: the earliest end of a TTL or signature that it rests on, and the caps
    /// of [`crate::limits`]. `None` for bogus and unreachable.
    pub valid_until: Option<UnixTime>,
    /// What it was proven by.
    pub proof: Proof,
    /// Questions that went out for it (those shared with its neighbours are counted once).
    pub queries: usize,
    /// From the call to the answer.
    pub elapsed: Duration,
}

impl Answer {
    /// What is known where nobody answered at all: nothing, which is never an absence.
    #[must_use]
    pub fn none(question: Question) -> Self {
        let why = "no answer was given".to_owned();
        let outcome = Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, why);
        let (aliases, proof, elapsed) = (Vec::new(), Proof::default(), Duration::ZERO);
        Self { question, outcome, aliases, valid_until: None, proof, queries: 0, elapsed }
    }
}

/// Whoever answers questions: the validating resolver, or a test with a map.
pub trait Resolve {
    /// Answers all questions, which share one round trip where possible; the answers stand in the same order.
    fn resolve(&self, questions: &[Question]) -> impl Future<Output = Vec<Answer>>;

    /// Answers one question.
    fn ask(&self, question: Question) -> impl Future<Output = Answer> {
        async move {
            let answers = self.resolve(std::slice::from_ref(&question)).await;
            answers.into_iter().next().unwrap_or_else(|| Answer::none(question))
        }
    }

    /// Widens the budgets by what looking at so many MX hosts costs ([`crate::limits::MAX_QUERIES_PER_MX_HOST`] and
    /// what is bounded likewise).
    fn allow_mx_hosts(&self, hosts: usize) {
        let _ = hosts;
    }

    /// From now on, a name is absent also by what the root or a top-level domain has denied to other look-ups (RFC 8198), or is not. It
    /// is not at first: this is for callers for whom a false absence holds no mail back, and ends nothing that is in force. Whether a name
    /// was absent by that so far.
    fn count_others_denials(&self, counts: bool) -> bool {
        let _ = counts;
        false
    }
}
