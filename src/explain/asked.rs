//! One DNS question: what was answered, and what proved it.

use super::said::Said;
use crate::dns::presentation::{name, rdata, type_word};
use crate::dns::proof::{Denial, Ground, Role};
use crate::dns::{Answer, Blame, Content, Outage, Outcome, ZoneStatus};
use crate::time::UnixTime;
use serde::Serialize;

/// One DNS question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DnsExchange {
    /// The name.
    pub name: Said,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// `secure`, `insecure`, `bogus` or `unreachable` (RFC 4035 section 4.3).
    pub class: &'static str,
    /// `data`, `no-type` or `no-name`; nothing for an answer that nobody can believe.
    pub content: Option<&'static str>,
    /// The records, as a zone file writes them.
    pub records: Vec<Said>,
    /// The names that proven aliases led to.
    pub aliases: Vec<Said>,
    /// Until when the answer may be believed, by its TTLs and signatures.
    pub valid_until: Option<UnixTime>,
    /// What is wrong, for an answer that is bogus or that is not there.
    pub fault: Option<Fault>,
    /// Where the chain of trust is proven to end, for an answer that is insecure.
    pub chain_ends: Option<Said>,
    /// The signed RRsets that it rests on, from the trust anchor down.
    pub proof: Vec<Proven>,
}

/// Why an answer cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where the cause lies: the word of a closed list.
    pub cause: &'static str,
    /// What that means, in a sentence.
    pub meaning: &'static str,
    /// What was seen.
    pub why: Said,
}

/// One signed RRset of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// What it was used for: `keys`, `delegation`, `alias`, `data` or `denial`.
    pub role: &'static str,
    /// The name at which it was given.
    pub owner: Said,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// The wildcard that it was made from, if it was.
    pub wildcard: Option<Said>,
    /// The zone that signed it.
    pub signer: Said,
    /// The tag of the key.
    pub key_tag: u16,
    /// How it is signed.
    pub algorithm: String,
    /// From when the signature counts.
    pub inception: UnixTime,
    /// Until when the signature counts.
    pub expires: UnixTime,
    /// What it says for the proof that something is not there.
    pub denies: Option<Denies>,
}

/// What an NSEC or NSEC3 RRset says for the proof that something is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denies {
    /// What is not there: `delegation`, `name`, `type`, `name-or-type` or `closer-match`.
    pub what: &'static str,
    /// The name at which it is not.
    pub name: Said,
    /// The type that was asked for there.
    #[serde(rename = "type")]
    pub rtype: String,
    /// What the RRset says about which name.
    pub says: Vec<Statement>,
}

/// What an NSEC or NSEC3 RRset says about one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// That name.
    pub about: Said,
    /// What it is to the name in question (RFC 5155 section 1.3).
    pub place: &'static str,
    /// What is said.
    pub word: &'static str,
}

impl DnsExchange {
    /// What there is to tell about an answer.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let (content, records) = match answer.outcome.content() {
            Some(Content::Data(records)) => {
                (Some("data"), records.iter().map(|one| rdata(one).into()).collect())
            }
            Some(Content::Nodata) => (Some("no-type"), Vec::new()),
            Some(Content::Nxdomain) => (Some("no-name"), Vec::new()),
            None => (None, Vec::new()),
        };
        let mut records: Vec<Said> = records;
        // A name server may turn them round with every answer.
        records.sort_by(|one, other| one.0.cmp(&other.0));
        let chain_ends = match &answer.outcome {
            Outcome::Insecure(_, why) => Some(why.into()),
            Outcome::Secure(_) | Outcome::Bogus(..) | Outcome::Unreachable(..) => None,
        };
        Self {
            name: name(answer.question.name()).into(),
            rtype: type_word(answer.question.rtype()),
            class: answer.outcome.class().word(),
            content,
            records,
            aliases: answer.aliases.iter().map(|alias| name(alias).into()).collect(),
            valid_until: answer.valid_until,
            fault: Fault::of(&answer.outcome),
            chain_ends,
            proof: answer.proof.0.iter().map(Proven::of).collect(),
        }
    }

    /// The signed RRset that is the answer, or that denies it: the last of the proof.
    #[must_use]
    pub fn last_word(&self) -> Option<&Proven> {
        self.proof.last()
    }

    /// The signed RRsets that deny something.
    pub fn denials(&self) -> impl Iterator<Item = (&Proven, &Denies)> {
        self.proof.iter().filter_map(|proven| Some((proven, proven.denies.as_ref()?)))
    }
}

impl Fault {
    /// The words for every cause; `cause` in the document is one of them.
    pub const CAUSES: [&'static str; 10] = [
        "budget",
        "clock",
        "deadline",
        "domain",
        "no-answer",
        "no-trust-anchor",
        "not-asked",
        "out-of-resources",
        "stripping-resolver",
        "trust-anchor",
    ];

    fn of(outcome: &Outcome) -> Option<Self> {
        let (cause, meaning, why) = match outcome {
            Outcome::Secure(_) | Outcome::Insecure(..) => return None,
            Outcome::Bogus(blame, why) => {
                let (cause, meaning) = of_blame(*blame);
                (cause, meaning, why)
            }
            Outcome::Unreachable(outage, zone, why) => {
                let (cause, meaning) = of_outage(*outage, *zone);
                (cause, meaning, why)
            }
        };
        Some(Self { cause, meaning, why: why.into() })
    }
}

const fn of_blame(blame: Blame) -> (&'static str, &'static str) {
    match blame {
        Blame::Domain => (
            "domain",
            "It should have been signed and is not, or wrongly: the domain's mistake, or somebody on the way.",
        ),
        Blame::StrippingResolver => (
            "stripping-resolver",
            "Not even the root comes with signatures: the name servers of this machine remove them.",
        ),
        Blame::Clock => (
            "clock",
            "Even the root's signatures are outside of their time: look at the clock of this machine.",
        ),
        Blame::TrustAnchor => ("trust-anchor", "The root's keys are not those of the trust anchor."),
    }
}

const fn of_outage(outage: Outage, zone: ZoneStatus) -> (&'static str, &'static str) {
    match (outage, zone) {
        (Outage::NoAnswer, ZoneStatus::Signed) => {
            ("no-answer", "No usable answer, and the zone is signed: its silence may be an attack.")
        }
        (Outage::NoAnswer, ZoneStatus::ProvenInsecure) => (
            "no-answer",
            "No usable answer; the zone is proven to be unsigned, so an attacker could as well have sent an absence.",
        ),
        (Outage::NoAnswer, ZoneStatus::Unknown) => (
            "no-answer",
            "No usable answer, and nothing is known about the zone: its silence may be an attack.",
        ),
        (Outage::Budget, _) => {
            ("budget", "It would have taken more than this program gives to one delivery.")
        }
        (Outage::Deadline, _) => ("deadline", "The time for the whole run was over before."),
        (Outage::NotAsked, _) => (
            "not-asked",
            "Nobody was asked: the name is set apart from the public DNS. insecure_zones has private zones asked about.",
        ),
        (Outage::OutOfResources, _) => (
            "out-of-resources",
            "This machine had no descriptor, memory or port left to ask with, which says nothing about the name.",
        ),
        (Outage::NoTrustAnchor, _) => ("no-trust-anchor", "No trust anchor stands at or above the name."),
    }
}

impl Proven {
    fn of(ground: &Ground) -> Self {
        let signature = &ground.signature;
        let denies = match &ground.role {
            Role::Denial(denial) => Some(Denies::of(denial)),
            Role::Keys | Role::Delegation | Role::Alias | Role::Data => None,
        };
        Self {
            role: ground.role.word(),
            owner: name(&ground.owner).into(),
            rtype: type_word(ground.rtype),
            wildcard: ground.wildcard().map(|wildcard| name(&wildcard).into()),
            signer: name(&signature.signer).into(),
            key_tag: signature.key_tag,
            algorithm: signature.algorithm.to_string(),
            inception: signature.inception,
            expires: signature.expires,
            denies,
        }
    }
}

impl Denies {
    fn of(denial: &Denial) -> Self {
        let says = denial.says.iter().map(|statement| Statement {
            about: name(&statement.about).into(),
            place: statement.place.word(),
            word: statement.word.word(),
        });
        Self {
            what: denial.denied.word(),
            name: name(&denial.name).into(),
            rtype: type_word(denial.rtype),
            says: says.collect(),
        }
    }
}
