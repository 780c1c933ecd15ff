//! The decision: what is known about a domain, its policies and its MX hosts, and what follows for the mail.
//!
//! Pure, and the only place that can refuse. Each MX host is judged by itself, and the mechanisms in their order: what
//! the administrator requires, DANE, MTA-STS, the draft's record. It refuses only under a policy in force (one of
//! MTA-STS that was authenticated; one of the draft that was met before, too) or against secure TLSA records, and
//! never takes an unproved absence for an absence.
//!
//! The rule for everything else: no mail waits, or is refused, that the mail server alone would have delivered, unless a policy in
//! force, a usable TLSA record or a null MX stands against it, or the answer is bogus, or withheld in a zone that is not proven to be
//! unsigned. (The administrator may want more: `on_unreachable`, overrides.) And nothing that is done for the sake of this rule delivers
//! more than a proven demand allows. `tests/wild` holds whole deliveries to it. This room asks nobody and stores nothing: the pipeline in
//! [`crate::verify`] gathers what is judged here.

mod dane;
mod judge;
mod sts;
mod together;

pub use judge::judge;
pub use together::dane_settles;

use crate::dns::{Blame, Class, Content, Outage, Outcome, ZoneStatus};
use crate::name::MxHost;
use crate::policy::pattern::MxPattern;
use crate::policy::{Authentication, Dialect, Mode, PolicyType, StoredPolicy};
use crate::reason::Reason;
use crate::words::words;

words! {
    /// What is to be done with the mail.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Verdict {
        /// It may go, with the TLS that the judgement demands.
        Deliver = "deliver",
        /// It waits: nobody can tell yet.
        Defer = "defer",
        /// It must not go to this host.
        Refuse = "refuse",
    }
}

words! {
    /// The least TLS with which the mail may go, weakest first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Tls {
        /// As if there were no policy.
        Opportunistic = "opportunistic",
        /// TLS without a look at the certificate.
        Encrypt = "encrypt",
        /// A certificate of the host by an authority of the web.
        WebPki = "webpki",
        /// DANE decides (RFC 7672).
        Dane = "dane",
    }
}

/// What the TLSA records of the hosts to which the mail may go are good for, as far as there are any; the weaker first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tlsa {
    /// No host can be held to any of them (RFC 7672 section 2.2), or the administrator leaves DANE out: there is nothing that
    /// DANE could verify.
    Unusable,
    /// At least one host is held to its own.
    Usable,
}

impl Tlsa {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Usable, Self::Unusable];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unusable => "unusable",
            Self::Usable => "usable",
        }
    }
}

words! {
    /// How the hosts stand to the policy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum MxCheck {
        /// At least one conforms.
        Match = "match",
        /// None conforms.
        Mismatch = "mismatch",
        /// There was nothing to compare.
        Unchecked = "unchecked",
    }
}

/// What Exim saw of the handshake, when it asks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Not yet, or unknown.
    NotSeen,
    /// There was none, or its certificate was not verified.
    Unverified,
    /// The certificate was verified.
    Verified,
}

/// What the administrator wants where a policy cannot be asked for in an unsigned zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnreachable {
    /// Let the mail wait.
    Defer,
    /// Deliver as if there were no policy.
    #[default]
    Deliver,
}

/// Why something could not be learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// The answer is bogus.
    Bogus(Blame, String),
    /// There is no answer.
    Unreachable(Outage, ZoneStatus, String),
}

impl LookupError {
    /// What an answer holds, proven or proven to be unprovable.
    ///
    /// # Errors
    /// Why that could not be learnt.
    pub fn or_content(outcome: &Outcome) -> Result<&Content, Self> {
        match outcome {
            Outcome::Secure(content) | Outcome::Insecure(content, _) => Ok(content),
            Outcome::Bogus(blame, why) => Err(Self::Bogus(*blame, why.clone())),
            Outcome::Unreachable(outage, zone, why) => Err(Self::Unreachable(*outage, *zone, why.clone())),
        }
    }
}

/// Why a domain that was asked has no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// What is published is no policy; the text names the field.
    Malformed(String),
    /// A record announces a policy, which could not be fetched (RFC 8461 section 3.3); the text says why.
    NotFetched(String),
    /// There is no record, proven or in a proven-insecure zone.
    Nothing,
    /// A policy that could not be authenticated, where only authenticated ones count.
    Unauthenticated(String),
}

/// How a policy of one dialect stands to this delivery before it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFindings {
    /// No policy.
    Absent(Absence),
    /// A policy that binds ([`StoredPolicy::is_in_force`]) and has not expired.
    InForce(StoredPolicy),
    /// A policy of the draft's dialect that was never met.
    NeverApplied(StoredPolicy),
    /// One is stored that may be in force and cannot be read, and none was found that could take its place.
    Lost,
    /// Nobody asked: a mechanism that outranks it decides.
    NotAsked,
    /// Nobody can tell whether there is one.
    Unknown(LookupError),
}

/// What DNS says about where the domain's mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxFindings {
    /// The hosts by preference.
    Hosts {
        /// MX names, or the domain itself where there is no MX record.
        names: Vec<MxHost>,
        /// What the names are aliases for; `None` if nobody looked.
        aliases: Option<Aliases>,
    },
    /// The domain takes no mail (RFC 7505).
    Null,
    /// More records than are judged: so many, and the class of the answer.
    TooMany(usize, Class),
    /// Nobody can tell.
    Unknown(LookupError),
}

/// What MX names are aliases for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases {
    /// Targets of validated aliases, each with the MX name that it stands for.
    pub targets: Vec<(MxHost, MxHost)>,
    /// Why it could not be learnt of some names: any host may be the target of one of them.
    pub unseen: Option<LookupError>,
}

/// What DANE says about where the domain's mail goes (RFC 7672).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaneFindings {
    /// Nothing about the routing: the MX RRset is not secure, or there is none (section 2.2.1); the text names why.
    Inapplicable(String),
    /// The MX hosts were looked at one by one, by preference; the MX RRset, or the proof that there is none, is
    /// secure.
    Hosts(Vec<(MxHost, DaneHost)>),
}

/// What DANE asks of the mail for one MX host (RFC 7672 section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaneHost {
    /// Nothing: it has no secure TLSA records, or no secure addresses ("Insecure", and "Secure" without an RRset).
    Absent,
    /// TLS, unauthenticated: it has secure TLSA records, none of them usable (section 2.2: mandatory TLS).
    Unusable,
    /// TLS, authenticated by one of its secure and usable TLSA records (section 2.2.3).
    Usable,
    /// It is to be left alone: it is unknown, and the cause of the silence could be the attacker (section
    /// 2.1.1, "Bogus" or "Indeterminate").
    Unknown(LookupError),
}

/// What the administrator requires of a domain's hosts, whatever the domain publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A certificate that matches a usable TLSA record.
    Dane,
    /// Nothing.
    None,
    /// A certificate of the host by an authority of the web.
    WebPki,
}

/// All that a decision is made from: what was asked, what was found of each mechanism, and what the administrator says.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The hosts asked about; none means "the domain".
    pub hosts: &'a [MxHost],
    /// What Exim saw.
    pub handshake: Handshake,
    /// The administrator's choice.
    pub on_unreachable: OnUnreachable,
    /// The administrator's word about this domain, which overrides the domain's own.
    pub requirement: Option<Requirement>,
    /// The TLSA records of the MX hosts.
    pub dane: &'a DaneFindings,
    /// The policy of RFC 8461.
    pub mta_sts: &'a PolicyFindings,
    /// The policy of the draft.
    pub smtp_sts: &'a PolicyFindings,
    /// What DNS says of the domain's MX records, and how far that is proven.
    pub mx: &'a MxFindings,
}

/// How one host stands to the policy and to the MX RRset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The policy permits it, and it is an MX host.
    Conforms,
    /// The policy permits it, but it is no MX host.
    NotInDns,
    /// The policy does not permit it.
    NotInPolicy,
    /// Nothing forbids it; whether it is an MX host cannot be learnt, or there is no policy to compare with.
    Open,
}

/// One host's part of the judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostJudgement {
    /// The host that was judged: one that was asked about, or one of the domain's.
    pub host: MxHost,
    /// How it stands to the policy that decided.
    pub standing: Standing,
    /// What follows for mail that would go to this host alone.
    pub ruling: Ruling,
}

/// What follows for one host, or for a domain without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What is to be done with the mail.
    pub verdict: Verdict,
    /// How TLS has to be verified for the mail to go: no delivery may do with less.
    pub tls: Tls,
    /// Which mechanism decided.
    pub policy: PolicyType,
    /// Why it is so: the one word of the answer that tells the cause.
    pub reason: Reason,
}

/// Which hosts a router may hand the mail to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// Every host of the domain.
    Every,
    /// Those that one of the patterns permits; none, if there is no pattern.
    Only(Vec<MxPattern>),
}

/// What is to be remembered about the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUpdate {
    /// This delivery was the first to meet it: from now on it is in force.
    Applied,
    /// A host would meet it, but the policy is not in force yet: nothing authenticates it, or the handshake failed.
    Seen,
    /// Nothing new.
    Nothing,
}

/// What was decided about a question: the verdict, what it asks of TLS, why, and what is to be remembered. The answer is rendered from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What is to be done with the mail.
    pub verdict: Verdict,
    /// How TLS has to be verified for the mail to go: no delivery may do with less.
    pub tls: Tls,
    /// Which mechanism decided.
    pub policy: PolicyType,
    /// Which mechanism had an authenticated policy too, and was passed over.
    pub passed: Option<PolicyType>,
    /// The mode of the policy.
    pub mode: Mode,
    /// How the policy was authenticated.
    pub authentication: Option<Authentication>,
    /// How the hosts stand to it.
    pub mx: MxCheck,
    /// Why it is so: the one word of the answer that tells the cause.
    pub reason: Reason,
    /// What the TLSA records of the hosts to which the mail may go are good for; `None` if these have none, if nobody
    /// looked, and if the administrator has decided in their place.
    pub tlsa: Option<Tlsa>,
    /// The hosts asked about, or the domain's MX hosts, each with its own verdict.
    pub hosts: Vec<HostJudgement>,
    /// Which hosts a router may choose from (`mxre` of the answer, and Postfix's `match`).
    pub permitted: Permitted,
    /// What the cache has to note about the policy before the answer leaves.
    pub policy_update: PolicyUpdate,
}

impl Judgement {
    /// A judgement without a policy behind it.
    #[must_use]
    pub fn plain(verdict: Verdict, reason: Reason, hosts: &[MxHost]) -> Self {
        let ruling = Ruling { verdict, tls: Tls::Opportunistic, policy: PolicyType::None, reason };
        let judged = |host: &MxHost| HostJudgement { host: host.clone(), standing: Standing::Open, ruling };
        Self {
            verdict,
            tls: ruling.tls,
            policy: ruling.policy,
            passed: None,
            mode: Mode::None,
            authentication: None,
            mx: MxCheck::Unchecked,
            reason,
            tlsa: None,
            hosts: hosts.iter().map(judged).collect(),
            permitted: if verdict == Verdict::Deliver {
                Permitted::Every
            } else {
                Permitted::Only(Vec::new())
            },
            policy_update: PolicyUpdate::Nothing,
        }
    }

    /// The dialect of the policy that forbids the hosts asked about, or leaves the domain none: then a newer policy is
    /// to be looked for before the judgement is given (RFC 8461 section 5.1; draft appendix 1).
    #[must_use]
    pub fn forbidden_by(&self) -> Option<Dialect> {
        let dialect = match self.policy {
            PolicyType::MtaSts => Dialect::MtaSts,
            PolicyType::SmtpSts => Dialect::SmtpSts,
            PolicyType::Dane | PolicyType::None | PolicyType::Override => return None,
        };
        let forbids = self.verdict != Verdict::Deliver
            && (self.mx == MxCheck::Mismatch
                || matches!(self.reason, Reason::TlsUnverified | Reason::TlsaRequired));
        forbids.then_some(dialect)
    }

    /// Whether the policy lets the mail go because it is met or asks for nothing, not because it was disregarded: only
    /// then may a newer policy take the place of one in force.
    #[must_use]
    pub fn is_met_or_binds_nobody(&self) -> bool {
        self.verdict == Verdict::Deliver && !matches!(self.reason, Reason::FirstUse | Reason::NeverApplied)
    }
}
