//! One attempt of Postfix's to reach a host, as libtlsrpt tells of it, and what it means for a report. Pure.
//!
//! Postfix tells success and failure in its own way: a certificate that it does not look at is a success, whatever policy there is,
//! and what our map told it of a policy comes back as a failure of the session. So not every word of it is taken as it stands.

use super::applied::permits;
use super::helo::Helo;
use super::session::Ended;
use super::tally::{Applied, Day, Row};
use super::text::PolicyText;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::policy::{Mode, PolicyType};
use std::net::IpAddr;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The domain of the next hop.
    pub domain: PolicyDomain,
    /// The policies that were tried; at least one.
    pub policies: Vec<Tried>,
}

/// A policy that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Of DANE, of MTA-STS, or none.
    pub kind: PolicyType,
    /// The policy domain, of DANE the TLSA base domain, if it was told.
    pub domain: Option<MxHost>,
    /// Its lines.
    pub lines: Vec<String>,
    /// Whether the attempt failed under it.
    pub has_failed: bool,
    /// What failed, in the order in which it was told.
    pub failures: Vec<FailureDetail>,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureDetail {
    /// What it was called.
    pub result: ResultType,
    /// The words for it, where there are some: Postfix's, perhaps the host's.
    pub words: String,
    /// The mail host.
    pub host: Option<MxHost>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Our own.
    pub from: Option<IpAddr>,
    /// What the host called itself.
    pub helo: Option<Helo>,
}

/// What a success under a policy in testing says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Untrusted {
    /// Postfix tells certificates that it does not trust (`smtp_tls_loglevel = summary, untrusted`): that there was nothing to tell.
    IsTold,
    /// Nothing: it looked at no certificate.
    #[default]
    IsHidden,
}

impl Attempt {
    /// What is counted of it: an attempt counts once, under the policy that stands highest. `None` for what is about no session, as far
    /// as its words go together.
    #[must_use]
    pub fn row(&self, untrusted: Untrusted, day: Day) -> Option<Row> {
        let tried = self.policies.iter().max_by_key(|tried| weight(tried.kind))?;
        let told = tried.failures.first().filter(|_| tried.has_failed);
        let policy = tried.applied(told);
        let host = told.and_then(|told| told.host.as_ref());
        let without_a_policy = || Applied::without_text(PolicyType::None, Mode::None);
        let (policy, failure) = match (tried.failure(), policy.kind) {
            (None, PolicyType::MtaSts) if !tried.is_a_success(&policy, untrusted) => {
                (without_a_policy(), None)
            }
            (None, _) => (policy, None),
            // That a policy cannot be had is what our own look-ups tell, once; this session went without one.
            (Some(failure), PolicyType::MtaSts) if failure.result.is_about_mta_sts() => {
                (without_a_policy(), None)
            }
            (Some(failure), _) if failure.result.is_about_mta_sts() => return None,
            // Nobody asked for a certificate.
            (Some(failure), PolicyType::None) if is_about_a_certificate(failure) => (policy, None),
            (Some(failure), PolicyType::None | PolicyType::MtaSts) if failure.result.is_about_dane() => {
                let base = host.cloned();
                (Applied { base, ..Applied::without_text(PolicyType::Dane, Mode::None) }, Some(failure))
            }
            (Some(failure), PolicyType::MtaSts) => {
                let is_strange = failure.result == ResultType::ValidationFailure
                    && failure.code.is_none()
                    && host.is_some_and(|host| permits(&policy, host) == Some(false));
                let code = if is_strange { Some(ReasonCode::MxNotPermitted) } else { failure.code };
                (policy, Some(ReportedFailure { code, ..failure }))
            }
            (Some(failure), _) => (policy, Some(failure)),
        };
        let told = told.filter(|_| failure.is_some());
        Some(Row {
            day,
            domain: self.domain.clone(),
            policy,
            host: told.and_then(|told| told.host.clone()),
            address: told.and_then(|told| told.address),
            from: told.and_then(|told| told.from),
            helo: told.and_then(|told| told.helo.clone()),
            ended: failure.map_or(Ended::Encrypted, |failure| Ended::Failed(failure.result)),
            code: failure.and_then(|failure| failure.code),
        })
    }
}

/// Which of several policies stands highest.
const fn weight(kind: PolicyType) -> u8 {
    match kind {
        PolicyType::Dane => 2,
        PolicyType::MtaSts => 1,
        PolicyType::SmtpSts | PolicyType::None | PolicyType::Override => 0,
    }
}

/// Whether a failure is about the certificate of a host, and not about TLS itself.
const fn is_about_a_certificate(failure: ReportedFailure) -> bool {
    matches!(
        failure.result,
        ResultType::CertificateExpired
            | ResultType::CertificateHostMismatch
            | ResultType::CertificateNotTrusted
    )
}

impl Tried {
    /// The policy, as it was told.
    fn applied(&self, told: Option<&FailureDetail>) -> Applied {
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let mode = |line: &String| Mode::from_word(line.strip_prefix("mode:")?.trim());
        let mode = match self.kind {
            PolicyType::MtaSts => self.lines.iter().find_map(mode).unwrap_or(Mode::None),
            _ => Mode::None,
        };
        let base = match self.kind {
            PolicyType::Dane => self.domain.clone().or_else(|| told.and_then(|told| told.host.clone())),
            _ => None,
        };
        let text = if self.kind == PolicyType::None { PolicyText::Nothing } else { PolicyText::of(&text) };
        Applied { kind: self.kind, mode, base, text }
    }

    /// Whether a success is one under this policy of MTA-STS.
    fn is_a_success(&self, policy: &Applied, untrusted: Untrusted) -> bool {
        let has_lines = !self.lines.is_empty();
        has_lines && (policy.mode != Mode::Testing || untrusted == Untrusted::IsTold)
    }

    /// What failed, one word for one thing: Postfix calls a certificate that vouches for itself a failure of validation, and one
    /// that fits no TLSA record not trusted.
    fn failure(&self) -> Option<ReportedFailure> {
        if !self.has_failed {
            return None;
        }
        let Some(told) = self.failures.first() else { return Some(ResultType::ValidationFailure.into()) };
        let words = told.words.to_ascii_lowercase().replace(' ', "_");
        let says = |word: &str| words.contains(word);
        Some(match (told.result, self.kind) {
            (ResultType::CertificateNotTrusted, PolicyType::Dane) => {
                ReportedFailure::with(ResultType::ValidationFailure, ReasonCode::DaneNoMatch)
            }
            // OpenSSL's words for a chain that leads to nobody.
            (ResultType::ValidationFailure, _)
                if says("certificate_chain") || says("issuer") || says("first_certificate") =>
            {
                ReportedFailure::with(ResultType::CertificateNotTrusted, ReasonCode::Chain)
            }
            (ResultType::ValidationFailure | ResultType::CertificateNotTrusted, _)
                if says("self-signed") || says("self_signed") =>
            {
                ReportedFailure::with(ResultType::CertificateNotTrusted, ReasonCode::SelfSigned)
            }
            (ResultType::ValidationFailure, _) if says("handshake") => {
                ReportedFailure::with(ResultType::ValidationFailure, ReasonCode::TlsHandshake)
            }
            (ResultType::CertificateNotTrusted, _) => {
                ReportedFailure::with(ResultType::CertificateNotTrusted, ReasonCode::Chain)
            }
            (result, _) => result.into(),
        })
    }
}
