//! What an enforcing sender makes of an address: the host's ruling, applied to what the address showed.

use super::failure::{FailureKind, SessionFailure, Stage};
use super::report::Sighting;
use crate::certificate::Distrust;
use crate::dane::matching::Fate;
use crate::policy::{Constraint, Mode, PolicyType, StoredPolicy};
use crate::reason::Reason;
use crate::verdict::{HostJudgement, Ruling, Standing, Tls, Verdict};
use crate::words::words;

words! {
    /// What an enforcing sender would do with mail that is to go to the address.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Action {
        /// Deliver it in TLS, with as much authentication as the ruling demands.
        Deliver = "deliver",
        /// Deliver it in clear text: nobody demands TLS, and the server has none.
        DeliverInClear = "deliver-in-clear",
        /// Nobody can tell from here: the server is there and wants TLS that our library does not have, and that mail servers
        /// linked with OpenSSL or GnuTLS may have.
        CannotBeLookedAt = "cannot-be-looked-at",
        /// Not deliver it there: what is demanded is not given. It goes to another host, or waits and comes back in the end.
        NotToThisHost = "not-to-this-host",
        /// Let it wait: the server took nobody's mail now, or nobody can tell what the domain demands.
        Wait = "wait",
    }
}

impl Action {
    /// Whether mail arrives, be it in clear.
    #[must_use]
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Deliver | Self::DeliverInClear)
    }
}

/// Why a sender does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The ruling on the host says it all.
    Ruling(Reason),
    /// The session did not come far enough.
    Failure(FailureKind),
    /// A certificate by a public authority is demanded, and this is none for the host.
    Certificate(Distrust),
    /// A certificate that fits a TLSA record is demanded, and none does.
    TlsaNoMatch,
}

impl Cause {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ruling(reason) => reason.word(),
            Self::Failure(kind) => kind.word(),
            Self::Certificate(kind) => kind.word(),
            Self::TlsaNoMatch => "tlsa-no-match",
        }
    }

    /// Whether it is our TLS library that stops there, and not the host that lacks something.
    const fn is_ours(self) -> bool {
        match self {
            Self::Ruling(_) | Self::TlsaNoMatch => false,
            Self::Failure(kind) => kind.is_ours(),
            Self::Certificate(kind) => kind.is_ours(),
        }
    }
}

/// An action and its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Consequence {
    /// What is done.
    pub action: Action,
    /// Why.
    pub cause: Cause,
}

/// Whether an address meets what the mechanism that decides asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conformity {
    /// Nothing is asked.
    NothingAsked,
    /// It does.
    Met,
    /// It does not.
    NotMet(Cause),
    /// It could not be learnt: nobody was met there, our TLS library could not look at it, or nobody can tell what is asked.
    Unknown,
}

impl Conformity {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NothingAsked => "nothing-asked",
            Self::Met => "met",
            Self::NotMet(_) => "not-met",
            Self::Unknown => "unknown",
        }
    }
}

impl Consequence {
    /// What follows for an address of a host with that ruling.
    #[must_use]
    pub fn of(ruling: &Ruling, sighting: &Sighting) -> Self {
        let says = |action| Self { action, cause: Cause::Ruling(ruling.reason) };
        match ruling.verdict {
            Verdict::Refuse => return says(Action::NotToThisHost),
            Verdict::Defer => return says(Action::Wait),
            Verdict::Deliver => {}
        }
        match (&sighting.failure, missing(ruling.tls, sighting)) {
            (Some(failure), _) => {
                let action = match ruling.tls {
                    _ if failure.kind.is_ours() => Action::CannotBeLookedAt,
                    _ if !failure.leaves_clear_text() => Action::Wait,
                    Tls::Opportunistic => Action::DeliverInClear,
                    Tls::Encrypt | Tls::WebPki | Tls::Dane => Action::NotToThisHost,
                };
                Self { action, cause: Cause::Failure(failure.kind) }
            }
            (None, Some(cause)) if cause.is_ours() => Self { action: Action::CannotBeLookedAt, cause },
            (None, Some(cause)) => Self { action: Action::NotToThisHost, cause },
            (None, None) => says(Action::Deliver),
        }
    }
}

impl Conformity {
    /// How an address stands to what decides about its host: DANE, the administrator's word, or `policy`.
    #[must_use]
    pub fn of(judged: &HostJudgement, policy: Option<&StoredPolicy>, sighting: &Sighting) -> Self {
        let HostJudgement { standing, ruling, .. } = judged;
        let asked = match (ruling.policy, policy) {
            (PolicyType::None, _) => return Self::NothingAsked,
            (PolicyType::MtaSts | PolicyType::SmtpSts, Some(policy)) => {
                match (policy.policy.mode(), policy.policy.constraint()) {
                    (Mode::None, _) => return Self::NothingAsked,
                    (_, Constraint::WebPki) => Tls::WebPki,
                    (_, Constraint::Tlsa) => Tls::Dane,
                }
            }
            _ if ruling.tls == Tls::Opportunistic => return Self::NothingAsked,
            _ => ruling.tls,
        };
        match (standing, ruling.verdict, &sighting.failure) {
            (Standing::NotInPolicy, ..) => Self::NotMet(Cause::Ruling(Reason::MxNotInPolicy)),
            (Standing::NotInDns, ..) => Self::NotMet(Cause::Ruling(Reason::MxNotInDns)),
            (_, Verdict::Defer, _) => Self::Unknown,
            (_, _, Some(failure)) if !failure.leaves_clear_text() || failure.kind.is_ours() => Self::Unknown,
            (_, _, Some(failure)) => Self::NotMet(Cause::Failure(failure.kind)),
            (_, _, None) => match missing(asked, sighting) {
                Some(cause) if cause.is_ours() => Self::Unknown,
                missing => missing.map_or(Self::Met, Self::NotMet),
            },
        }
    }
}

impl SessionFailure {
    /// Whether the server would have taken mail in clear text: it was met, and only TLS failed.
    #[must_use]
    pub fn leaves_clear_text(&self) -> bool {
        self.at >= Stage::Starttls
    }
}

/// What a completed handshake lacks of what is demanded.
fn missing(demanded: Tls, sighting: &Sighting) -> Option<Cause> {
    match demanded {
        Tls::Opportunistic | Tls::Encrypt => None,
        Tls::WebPki => match sighting.chain.as_ref().map(|chain| &chain.webpki) {
            Some(Ok(())) => None,
            Some(Err(distrusted)) => Some(Cause::Certificate(distrusted.kind)),
            None => Some(Cause::Certificate(Distrust::Other)),
        },
        Tls::Dane => {
            let is_matched = sighting.tlsa.iter().any(|fate| matches!(fate, Fate::Matched { .. }));
            (!is_matched).then_some(Cause::TlsaNoMatch)
        }
    }
}
