//! Why a delivery is judged as it is: one document, made of the answer and of everything that it rests on. Pure.
//!
//! [`crate::verify::explain`] asks; here nothing is decided and nobody asked. What the document says depends on what was
//! heard alone: neither on who answered first, nor on how long that took.

mod asked;
mod candidates;
mod exchangers;
pub mod exim;
pub mod human;
pub mod json;
mod order;
mod policy;
mod question;
pub mod rule;
mod said;

pub use asked::{Denies, DnsExchange, Fault, Proven, Statement};
pub use candidates::{Candidate, for_a_router};
pub use exchangers::{Dane, DaneOfHost, Exchanger, Exchangers, TlsaRecord};
pub use order::Part;
pub use policy::{Event, FailedFetches, Fetch, Learnt, Note, OthersSay, Published, Terms, Text};
pub use question::Question;
pub use said::Said;

use crate::cache::Dossier;
use crate::overrides::Decree;
use crate::policy::Dialect;
use crate::render;
use crate::render::exim::{Asker, line};
use crate::render::socketmap;
use crate::time::UnixTime;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::grounds::{Explained, Remembered};
use crate::verify::{Report, Request};
use exim::Exim;
use serde::Serialize;

/// Why a delivery is judged as it is. Moments are seconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The domain.
    pub domain: String,
    /// The hosts that were asked about; none: the domain as a whole, as a router asks.
    pub hosts: Vec<String>,
    /// The moment.
    pub at: UnixTime,
    /// What was chosen that can change a verdict.
    pub conditions: Conditions,
    /// The answer that the delivery gets.
    pub answer: AnswerWords,
    /// The administrator's word about the domain.
    #[serde(rename = "override")]
    pub decree: Option<OverrideSeen>,
    /// What the answer rests on; nothing where nobody is asked because of an override.
    pub grounds: Option<GroundsSeen>,
    /// The mechanisms in their order, and the part of each in the decision.
    pub decision: Vec<Part>,
    /// The hosts that were asked about, or the domain's own by preference, and what follows for each.
    pub candidates: Vec<Candidate>,
    /// What Exim's enforcing router does, which asks for the domain as a whole.
    pub exim: Exim,
    /// What Postfix gets, which asks for the domain as a whole: the reply of the map `policy`.
    #[serde(skip)]
    pub postfix: String,
    /// The cache.
    pub cache: CacheSeen,
    /// The answer of memory alone, if that answers a delivery now.
    pub remembered: Option<RememberedAnswer>,
    /// The answer itself, which decides the exit status.
    #[serde(skip)]
    pub report: Report,
}

/// What the command line or the configuration chose that can change a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// `yes` or `no`, as Exim tells after a handshake; nothing before it.
    pub tls_verified: Option<&'static str>,
    /// Whether only authenticated policies count.
    pub require_authentication: bool,
    /// `defer` or `deliver`: what is done where a policy cannot be asked for in an unsigned zone.
    pub on_unreachable: &'static str,
}

/// The words of the answer, as every output of `verify` has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerWords {
    /// `deliver`, `defer` or `refuse`.
    pub verdict: &'static str,
    /// The least TLS.
    pub tls: &'static str,
    /// Which mechanism decided.
    pub policy: &'static str,
    /// The mode of its policy.
    pub mode: &'static str,
    /// How that was authenticated.
    pub auth: &'static str,
    /// How the hosts stand to it.
    pub mx: &'static str,
    /// What became, or would become, of the policy in the cache.
    pub cache: &'static str,
    /// Why: a reason word.
    pub reason: &'static str,
    /// Which mechanism had an authenticated policy, too, and was passed over.
    pub passed: Option<&'static str>,
    /// What the TLSA records of the hosts to which the mail may go are good for, if there are any.
    pub tlsa: Option<&'static str>,
    /// What the reason means; where the mail comes back since it has nowhere to go, that.
    pub meaning: String,
    /// What can be done; empty where nothing is to be done.
    pub hint: &'static str,
    /// Where the rule stands.
    pub rule: &'static str,
    /// The line that Exim gets.
    pub line: String,
}

/// What the configuration, or a decree of the fleet's operator, says about a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverrideSeen {
    /// Which domains it is about.
    pub scope: String,
    /// The number of the decree of the fleet's operator that says so; nothing: the configuration does.
    pub decree: Option<u64>,
    /// `dane`, `ignore`, `none` or `webpki`.
    pub effect: &'static str,
    /// `in-force` or `ended`.
    pub state: &'static str,
    /// When it ends.
    pub ends_at: UnixTime,
    /// Why, in the administrator's own words.
    pub reason: Said,
}

/// Everything that the answer rests on.
#[derive(Clone, Debug, Serialize)]
pub struct GroundsSeen {
    /// Where the mail goes.
    pub mx: Exchangers,
    /// What DANE asks of it there.
    pub dane: Dane,
    /// The policy of RFC 8461.
    pub mta_sts: Published,
    /// The policy of draft-margolis-smtp-sts-00.
    pub smtp_sts: Published,
}

/// The cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheSeen {
    /// Policies of the domain that were learnt under other circumstances and do not count here.
    pub elsewhere: u64,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<Said>,
}

/// The answer of memory alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RememberedAnswer {
    /// `same`, if a delivery gets the answer above, too; else `different`.
    pub compared: &'static str,
    /// `deliver`; what holds mail back never rests on memory alone.
    pub verdict: &'static str,
    /// The least TLS.
    pub tls: &'static str,
    /// Which mechanism decided.
    pub policy: &'static str,
    /// Why: a reason word.
    pub reason: &'static str,
    /// From when on somebody is asked again.
    pub until: UnixTime,
}

impl Explanation {
    /// The document about a delivery at that moment, of whose domain the cache knew what the dossier says.
    #[must_use]
    pub fn of(question: &Question, dossier: &Dossier, explained: &Explained, now: UnixTime) -> Self {
        let Explained { report, grounds, remembered, .. } = explained;
        let published = |dialect| Published::of(dialect, dossier, explained, now);
        let seen = GroundsSeen {
            mx: Exchangers::of(&question.request.domain, grounds),
            dane: Dane::of(grounds),
            mta_sts: published(Dialect::MtaSts),
            smtp_sts: published(Dialect::SmtpSts),
        };
        let for_a_router = match question.request.hosts.is_empty() {
            true => report.judgement.clone(),
            false => for_a_router(question, grounds),
        };
        let mut all = Self {
            decision: Part::all(question, &report.judgement, grounds, now),
            exim: Exim::of(&question.request.domain, &for_a_router, report, Some(&seen.mx)),
            postfix: socketmap::policy(&Report { judgement: for_a_router, ..report.clone() }).into_owned(),
            remembered: remembered.as_ref().map(|remembered| RememberedAnswer::of(remembered, report)),
            ..Self::bare(question, dossier, report, now)
        };
        if all.exim.action == exim::Action::Returns && seen.mx.returned.is_some() {
            // Nothing is delivered where Exim has nowhere to go: every part says so.
            all.answer.meaning.clone_from(&seen.mx.meaning);
            all.answer.hint = seen.mx.hint();
            if question.request.hosts.is_empty() {
                all.candidates.clear();
            }
        } else if let Some(hint) = seen.dane.hint() {
            all.answer.hint = hint;
        }
        all.grounds = Some(seen);
        all
    }

    /// The document about a delivery of which nothing is asked, because the administrator says so.
    #[must_use]
    pub fn ignored(question: &Question, dossier: &Dossier, now: UnixTime) -> Self {
        Self::bare(question, dossier, &Report::ignored(&question.request, Vec::new()), now)
    }

    fn bare(question: &Question, dossier: &Dossier, report: &Report, now: UnixTime) -> Self {
        let request = &question.request;
        let asker = if request.hosts.is_empty() { Asker::Router } else { Asker::Host };
        Self {
            domain: request.domain.to_string(),
            hosts: request.hosts.iter().map(ToString::to_string).collect(),
            at: now,
            conditions: Conditions::of(request),
            answer: AnswerWords::of(report, asker),
            decree: question.decree.as_ref().map(|decree| OverrideSeen::of(decree, now)),
            grounds: None,
            decision: vec![Part::of_decree(question.decree.as_ref(), now)],
            candidates: Candidate::all(&report.judgement),
            exim: Exim::of(&request.domain, &report.judgement, report, None),
            postfix: socketmap::policy(report).into_owned(),
            cache: CacheSeen {
                elsewhere: dossier.elsewhere,
                trouble: dossier.known.trouble.as_ref().map(Said::from),
            },
            remembered: None,
            report: report.clone(),
        }
    }
}

impl Conditions {
    const fn of(request: &Request) -> Self {
        Self {
            tls_verified: match request.handshake {
                Handshake::NotSeen => None,
                Handshake::Verified => Some("yes"),
                Handshake::Unverified => Some("no"),
            },
            require_authentication: request.require_authentication,
            on_unreachable: match request.on_unreachable {
                OnUnreachable::Defer => "defer",
                OnUnreachable::Deliver => "deliver",
            },
        }
    }
}

impl AnswerWords {
    fn of(report: &Report, asker: Asker) -> Self {
        let word = |wanted: &str| render::flat(report).find(|(key, _)| *key == wanted).map(|(_, word)| word);
        let always = |key: &str| word(key).unwrap_or_default();
        let explanation = report.judgement.reason.explain();
        Self {
            verdict: always("verdict"),
            tls: always("tls"),
            policy: always("policy"),
            mode: always("mode"),
            auth: always("auth"),
            mx: always("mx"),
            cache: always("cache"),
            reason: always("reason"),
            passed: word("passed"),
            tlsa: word("tlsa"),
            meaning: explanation.meaning.to_owned(),
            hint: explanation.fix,
            rule: explanation.rule,
            line: line(report, asker),
        }
    }
}

impl OverrideSeen {
    fn of(decree: &Decree, now: UnixTime) -> Self {
        Self {
            scope: decree.scope.clone(),
            decree: decree.number,
            effect: decree.effect.word(),
            state: if decree.is_in_force(now) { "in-force" } else { "ended" },
            ends_at: decree.ends,
            reason: Said(decree.reason.clone()),
        }
    }
}

impl RememberedAnswer {
    fn of(remembered: &Remembered, afresh: &Report) -> Self {
        let (old, new) = (&remembered.report.judgement, &afresh.judgement);
        let words = |judgement: &crate::verdict::Judgement| {
            (
                judgement.verdict,
                judgement.tls,
                judgement.policy,
                judgement.reason,
                judgement.permitted.clone(),
            )
        };
        Self {
            compared: if words(old) == words(new) { "same" } else { "different" },
            verdict: old.verdict.word(),
            tls: old.tls.word(),
            policy: old.policy.word(),
            reason: old.reason.word(),
            until: remembered.until,
        }
    }
}
