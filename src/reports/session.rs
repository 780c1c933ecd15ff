//! What became of a session, put together from the moments that Exim reported. Pure.
//!
//! Exim says that a certificate did not verify in one event and shows the certificate in an earlier one; it says in
//! several events that there was no STARTTLS; and where TLS fails and nothing demands it, it says nothing, and begins
//! again in clear. Where STARTTLS is refused and nothing demands it, it says only that the connection was closed, and goes on to
//! say so where it gives the host up for another reason. So the sessions under way are remembered for a while. Each has one result
//! at most.

use super::event::{Answered, DaneFailure, Event, Happening, Proof, Session};
use super::helo::Helo;
use crate::certificate::{Certificate, Says};
use crate::limits::{MAX_SESSIONS_FOLLOWED, SESSION_FOLLOWED};
use crate::name::MxHost;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::policy::{Mode, PolicyType};
use crate::time::UnixTime;
use crate::verdict::Tls;
use std::collections::HashMap;

/// Exim's number for a TLS session that failed (macros.h, `ERRNO_TLSFAILURE`).
const TLS_FAILURE: i32 = -37;
/// Exim's number for TLS that was demanded and not had (macros.h, `ERRNO_TLSREQUIRED`).
const TLS_REQUIRED: i32 = -38;
/// What Exim says first about a certificate that it does not believe, linked with GnuTLS; what follows says why, for some
/// reasons.
const NOT_VERIFIED: &str = "certificate verification failed";
/// What follows if it is not even looked whom the certificate is for.
const INVALID: &str = "certificate invalid";
/// The same linked with OpenSSL, whatever the reason; OpenSSL's own words, of all its versions.
const NOT_VERIFIED_BY_OPENSSL: &str = "certificate verify failed";
/// What Exim says where TLS was demanded, and STARTTLS offered and refused.
const REFUSED: &str = "an attempt to start TLS failed";
/// What a cipher that does not exist leads to, linked with GnuTLS and with OpenSSL: our transport asks for one where the answer
/// is DANE and Exim sees no TLSA record. The host never heard of it.
const NO_CIPHER: [&str; 2] = ["(gnutls_priority_init(no-usable-TLSA-record)", "(SSL_CTX_set_cipher_list)"];

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// Under TLS, as far as the policy demands it.
    Encrypted,
    /// Without what the policy demands.
    Failed(ResultType),
}

impl Ended {
    /// The word, as every output and the file spell it: the RFC's for a failure.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "success",
            Self::Failed(result) => result.word(),
        }
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == Self::Encrypted.word() {
            return Some(Self::Encrypted);
        }
        ResultType::from_word(word).map(Self::Failed)
    }
}

/// A session at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What had been answered.
    pub answered: Answered,
    /// Which mechanism it is to be reported under.
    pub policy: PolicyType,
    /// How it ended.
    pub ended: Ended,
    /// What exactly failed, where the result leaves that open.
    pub code: Option<ReasonCode>,
    /// What the host called itself, of a session that failed.
    pub helo: Option<Helo>,
}

/// The sessions under way.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<Session, State>);

/// How far one has come.
#[derive(Clone, Debug)]
struct State {
    since: UnixTime,
    answered: Answered,
    step: Step,
    /// What the host called itself.
    helo: Option<Helo>,
    /// What the host's certificate looks like, if it showed one.
    certificate: Option<Looks>,
    /// Whether an authority's certificate above it is known to have verified.
    authority_verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It has its result.
    Counted {
        /// Whether Exim may begin again in clear, which is the same session.
        may_begin_again: bool,
        /// Whether the connection was closed.
        is_closed: bool,
    },
    /// Greeted in clear, and STARTTLS was offered, or may have been.
    Greeted {
        /// Whether it is certain that STARTTLS was offered.
        has_offered: bool,
    },
    /// The connection was closed before there was TLS. If Exim does not give the host up now, STARTTLS was refused.
    Refused {
        /// Whether it is certain that STARTTLS was offered.
        has_offered: bool,
    },
}

impl Step {
    const COUNTED: Self = Self::Counted { may_begin_again: false, is_closed: false };

    const fn is_counted(self) -> bool {
        matches!(self, Self::Counted { .. })
    }
}

/// A certificate at first sight, without a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    is_over: bool,
    is_self_signed: bool,
    is_for_host: bool,
}

impl State {
    fn begun(answered: Answered, now: UnixTime) -> Self {
        Self {
            since: now,
            answered,
            step: Step::Greeted { has_offered: false },
            helo: None,
            certificate: None,
            authority_verified: false,
        }
    }

    /// The session failed, under the policy that was answered.
    fn failed(&self, failure: ReportedFailure) -> Outcome {
        let ReportedFailure { result, code } = failure;
        let Self { answered, helo, .. } = self;
        let ended = Ended::Failed(result);
        Outcome { answered: *answered, policy: answered.policy, ended, code, helo: helo.clone() }
    }

    /// STARTTLS was offered, as far as anybody knows, and there was no TLS.
    fn was_refused(&self, has_offered: bool) -> Outcome {
        let code = has_offered.then_some(ReasonCode::StarttlsRefused);
        self.failed(ReportedFailure { result: ResultType::StarttlsNotSupported, code })
    }
}

impl Sessions {
    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hears what happened; the result, if a session has one now.
    pub fn hear(&mut self, event: &Event, now: UnixTime) -> Option<Outcome> {
        let Event { session, answered, happening } = event;
        let before = self.0.remove(session).filter(|state| now.since(state.since) <= SESSION_FOLLOWED);
        let is_known = before.is_some();
        let state = before.unwrap_or_else(|| State::begun(*answered, now));
        let is_counted = state.step.is_counted();
        let state = State { since: now, ..state };
        match happening {
            Happening::Greeted { offers_starttls, helo } => {
                let earlier = is_known.then_some(&state);
                let (step, outcome) = greeted(earlier, *answered, *offers_starttls, helo.as_ref(), now);
                let begun = State { step, helo: helo.clone(), ..State::begun(*answered, now) };
                self.follow(session, begun, now);
                outcome
            }
            Happening::Showed(der) => {
                let certificate = Looks::at(der, &session.host, now);
                self.follow(session, State { answered: *answered, certificate, ..state }, now);
                None
            }
            Happening::AuthorityVerified => {
                self.follow(session, State { answered: *answered, authority_verified: true, ..state }, now);
                None
            }
            Happening::Encrypted(proof) => encrypted(*proof, &State { answered: *answered, ..state }),
            // This machine's own choice is nobody's failure. If a policy keeps the mail from that host all the same, Exim says so next.
            Happening::Closed { had_tls: false, may_be_avoided: true }
                if matches!(state.step, Step::Greeted { .. }) && state.certificate.is_none() =>
            {
                None
            }
            Happening::Closed { had_tls, .. } => {
                let step = match state.step {
                    Step::Counted { may_begin_again, .. } => {
                        Step::Counted { may_begin_again, is_closed: true }
                    }
                    Step::Greeted { has_offered } if !had_tls && state.certificate.is_none() => {
                        Step::Refused { has_offered }
                    }
                    step => step,
                };
                // One that nobody has heard of had TLS, or goes on where another process left it.
                if is_known {
                    self.follow(session, State { step, ..state }, now);
                }
                None
            }
            Happening::DaneFailed(failure) => {
                let state = State { answered: *answered, step: Step::COUNTED, ..state };
                let outcome = dane_failed(*failure, &state).filter(|_| !is_counted);
                self.follow(session, state, now);
                outcome
            }
            Happening::GaveUp { words, .. } if NO_CIPHER.iter().any(|no| words.contains(no)) => None,
            Happening::GaveUp { number, words, certificate: last } => {
                let last = last.as_deref().and_then(|der| Looks::at(der, &session.host, now));
                let state = State { answered: *answered, ..state };
                let failure = gave_up(*number, words, last, &state)?;
                let outcome = (!is_counted && !is_ours(&state, failure)).then(|| state.failed(failure));
                let may_begin_again = *number == TLS_FAILURE;
                let step = Step::Counted { may_begin_again, is_closed: false };
                self.follow(session, State { step, ..state }, now);
                outcome
            }
        }
    }

    /// The sessions whose connections were closed without TLS `wait` seconds ago or earlier: what would make something else
    /// of that has had its time. Each comes with the moment at which it was closed.
    pub fn settled(&mut self, wait: u64, now: UnixTime) -> Vec<(Session, Outcome, UnixTime)> {
        let is_settled = |state: &State| {
            matches!(state.step, Step::Refused { .. })
                && (state.since > now || now.since(state.since) >= wait)
        };
        let over: Vec<Session> = self
            .0
            .iter()
            .filter(|(_, state)| is_settled(state))
            .map(|(session, _)| session.clone())
            .collect();
        let outcome = |session: Session| {
            let state = self.0.remove(&session)?;
            let Step::Refused { has_offered } = state.step else { return None };
            let outcome = state.was_refused(has_offered);
            Some((session, outcome, state.since))
        };
        over.into_iter().filter_map(outcome).collect()
    }

    /// Whether [`Self::settled`] has something to tell, now or later.
    #[must_use]
    pub fn are_to_settle(&self) -> bool {
        self.0.values().any(|state| matches!(state.step, Step::Refused { .. }))
    }

    /// Remembers a session; for a new one that has no room, the oldest is forgotten.
    fn follow(&mut self, session: &Session, state: State, now: UnixTime) {
        if self.0.len() >= MAX_SESSIONS_FOLLOWED {
            self.0.retain(|_, state| now.since(state.since) <= SESSION_FOLLOWED);
        }
        if self.0.len() >= MAX_SESSIONS_FOLLOWED {
            let oldest =
                self.0.iter().min_by_key(|(_, state)| state.since).map(|(session, _)| session.clone());
            if let Some(oldest) = oldest {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(session.clone(), state);
    }
}

/// What it means that a host greets in clear, after what was known of the session.
fn greeted(
    earlier: Option<&State>,
    answered: Answered,
    offers_starttls: Option<bool>,
    helo: Option<&Helo>,
    now: UnixTime,
) -> (Step, Option<Outcome>) {
    let anew = || match offers_starttls {
        Some(false) => {
            let begun = State { helo: helo.cloned(), ..State::begun(answered, now) };
            (Step::COUNTED, Some(begun.failed(ResultType::StarttlsNotSupported.into())))
        }
        offers => (Step::Greeted { has_offered: offers == Some(true) }, None),
    };
    let Some(state) = earlier else { return anew() };
    match state.step {
        Step::Counted { may_begin_again: true, .. } | Step::Counted { is_closed: false, .. } => {
            (Step::COUNTED, None)
        }
        Step::Counted { .. } => anew(),
        // Greeted a second time: TLS had failed, and Exim goes on in clear.
        Step::Greeted { .. } => {
            let handshake = ReportedFailure::with(ResultType::ValidationFailure, ReasonCode::TlsHandshake);
            (Step::COUNTED, Some(state.failed(state.certificate.map_or(handshake, Looks::fault))))
        }
        // Another connection of the same process; if its host is without STARTTLS now, the one before stands for both.
        Step::Refused { has_offered } => (anew().0, Some(state.was_refused(has_offered))),
    }
}

/// A session under TLS. A certificate that proves nothing is a failure where a policy asks for one, also if it only asks
/// for reports. Where DANE was asked for, and Exim did none, the fault is ours: nothing is told.
fn encrypted(proof: Proof, state: &State) -> Option<Outcome> {
    let answered = state.answered;
    let asks =
        matches!(answered.policy, PolicyType::MtaSts | PolicyType::SmtpSts) && answered.mode != Mode::None;
    let success = |policy| Outcome { answered, policy, ended: Ended::Encrypted, code: None, helo: None };
    match proof {
        Proof::Dane => Some(success(PolicyType::Dane)),
        Proof::Authority | Proof::Nothing if answered.tls == Tls::Dane => None,
        Proof::Nothing if asks => {
            let unknown = ResultType::CertificateNotTrusted.into();
            Some(state.failed(state.certificate.map_or(unknown, Looks::fault)))
        }
        Proof::Authority | Proof::Nothing => Some(success(answered.policy)),
    }
}

/// What Exim's own DANE failed for. That it finds no records where we proved some, or cannot prove them, is our own fault.
fn dane_failed(failure: DaneFailure, state: &State) -> Option<Outcome> {
    let failure = match failure {
        DaneFailure::Required | DaneFailure::DnssecInvalid if state.answered.tls == Tls::Dane => return None,
        DaneFailure::Required => ResultType::DaneRequired.into(),
        DaneFailure::DnssecInvalid => ResultType::DnssecInvalid.into(),
        DaneFailure::NoStartTls => ResultType::StarttlsNotSupported.into(),
        DaneFailure::Validation => {
            ReportedFailure::with(ResultType::ValidationFailure, ReasonCode::DaneNoMatch)
        }
    };
    Some(Outcome { policy: PolicyType::Dane, ..state.failed(failure) })
}

/// Why Exim gave a host up, if that is about TLS.
fn gave_up(number: i32, words: &str, last: Option<Looks>, state: &State) -> Option<ReportedFailure> {
    let certificate = state.certificate;
    Some(match number {
        TLS_FAILURE if words.contains(NOT_VERIFIED_BY_OPENSSL) => {
            refused_by_openssl(last.or(certificate), state.authority_verified)
        }
        TLS_FAILURE => refused(words, certificate.or(last)),
        TLS_REQUIRED => {
            let code = words.contains(REFUSED).then_some(ReasonCode::StarttlsRefused);
            ReportedFailure { result: ResultType::StarttlsNotSupported, code }
        }
        _ => return None,
    })
}

/// Whether a failure is our own Exim's: where DANE was asked for, it looked at the certificate as if there were no TLSA record.
fn is_ours(state: &State, failure: ReportedFailure) -> bool {
    use ResultType::{CertificateExpired, CertificateHostMismatch, CertificateNotTrusted};
    let is_webpki =
        matches!(failure.result, CertificateExpired | CertificateHostMismatch | CertificateNotTrusted);
    state.answered.tls == Tls::Dane && is_webpki
}

/// Why OpenSSL refused a certificate: it looks at the chain from the top, at dates on the way, and at the name last.
fn refused_by_openssl(certificate: Option<Looks>, authority_verified: bool) -> ReportedFailure {
    match certificate {
        Some(looks) if looks.is_over || authority_verified => looks.fault(),
        Some(looks) => looks.not_trusted(),
        None => ResultType::CertificateNotTrusted.into(),
    }
}

/// Why Exim refused TLS, linked with GnuTLS. Its words tell a name that is wrong from everything else; the certificate tells its end.
fn refused(words: &str, certificate: Option<Looks>) -> ReportedFailure {
    match (words.contains(NOT_VERIFIED), words.contains(INVALID), certificate) {
        (true, true, Some(looks)) if !looks.is_over => looks.not_trusted(),
        (true, true, None) => ResultType::CertificateNotTrusted.into(),
        (true, _, Some(looks)) => looks.fault(),
        (true, false, None) => ResultType::CertificateHostMismatch.into(),
        (false, ..) => ReportedFailure::with(ResultType::ValidationFailure, ReasonCode::TlsHandshake),
    }
}

impl Looks {
    fn at(der: &[u8], host: &MxHost, now: UnixTime) -> Option<Self> {
        let says: Says = Certificate::read(der).says?;
        Some(Self {
            is_over: says.counts_at(now).is_err(),
            is_self_signed: says.subject == says.issuer,
            is_for_host: says.is_for(std::slice::from_ref(host)),
        })
    }

    /// What is most likely wrong with a certificate that did not verify.
    fn fault(self) -> ReportedFailure {
        match self {
            Self { is_over: true, .. } => ResultType::CertificateExpired.into(),
            Self { is_self_signed: false, is_for_host: false, .. } => {
                ResultType::CertificateHostMismatch.into()
            }
            Self { .. } => self.not_trusted(),
        }
    }

    /// Nobody vouches for it but itself, or nobody who is trusted.
    const fn not_trusted(self) -> ReportedFailure {
        let code = if self.is_self_signed { ReasonCode::SelfSigned } else { ReasonCode::Chain };
        ReportedFailure::with(ResultType::CertificateNotTrusted, code)
    }
}

#[cfg(test)]
mod tests;
