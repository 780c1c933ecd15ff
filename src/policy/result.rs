//! The closed list of what TLS reports call a failure, and what each means to the domain's owner (RFC 8460 section 4.3).

use super::WordEntry;
use super::reason_code::ReasonCode;
use crate::words::{entries, words};
use std::fmt;

entries! {
    /// What a session, or the way to it, failed for (RFC 8460 section 4.3).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[expect(missing_docs, reason = "`explain` is the documentation, and `why` shows it")]
    pub enum ResultType {
        CertificateExpired: "certificate-expired",
            "The certificate of an MX host had ended.",
            "Renew it, and look why that did not happen by itself; `smtp-sts-verify probe` shows which one.",
            "RFC 8460 section 4.3", None;
        CertificateHostMismatch: "certificate-host-mismatch",
            "The certificate of an MX host was not for the name that the sender asked for.",
            "Get a certificate with the MX host's name, or mend the MX record or the policy.",
            "RFC 8460 section 4.3", None;
        CertificateNotTrusted: "certificate-not-trusted",
            "No authority that the sender trusts vouched for the certificate of an MX host.",
            "Get a certificate of a public authority, and deliver its whole chain.",
            "RFC 8460 section 4.3", None;
        DaneRequired: "dane-required",
            "The sender insists on DANE, and an MX host had no usable TLSA records.",
            "Publish TLSA records, in a signed zone; the sender may have an agreement with the domain.",
            "RFC 8460 section 4.3", None;
        DnssecInvalid: "dnssec-invalid",
            "An answer of DNS could not be validated: signatures were missing, wrong or out of date.",
            "Look with `smtp-sts-verify lookup` and mend the zone's signatures or its DS record.",
            "RFC 8460 section 4.3", None;
        StarttlsNotSupported: "starttls-not-supported",
            "An MX host did not offer STARTTLS.",
            "Turn it on; if it is on, something between the sender and the host removes it.",
            "RFC 8460 section 4.3", None;
        StsPolicyFetchError: "sts-policy-fetch-error",
            "The MTA-STS policy could not be fetched.",
            "Look with `smtp-sts-verify lint DOMAIN` at the policy host.",
            "RFC 8460 section 4.3", None;
        StsPolicyInvalid: "sts-policy-invalid",
            "The MTA-STS policy or its record is malformed.",
            "Look with `smtp-sts-verify lint DOMAIN`: it names line and column.",
            "RFC 8460 section 4.3", None;
        StsWebpkiInvalid: "sts-webpki-invalid",
            "The certificate of the MTA-STS policy host does not verify.",
            "Get a certificate for mta-sts.DOMAIN, and deliver its whole chain.",
            "RFC 8460 section 4.3", None;
        TlsaInvalid: "tlsa-invalid",
            "None of the TLSA records of an MX host could be used, whatever its certificate.",
            "Publish usable records: usages 2 and 3 with matching types 0, 1 and 2; `smtp-sts-verify probe` says which they are.",
            "RFC 8460 section 4.3", None;
        ValidationFailure: "validation-failure",
            "Something else did not conform: no TLSA record fits the certificate, the policy does not permit the MX host, or the handshake broke; the report's failure-reason-code may say which.",
            "Compare the MX hosts with the policy, and their certificates with the TLSA records: `smtp-sts-verify lint DOMAIN`, `smtp-sts-verify probe`.",
            "RFC 8460 section 4.3", None;
    }
}

/// A failure as a TLS report tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportedFailure {
    /// What a report says in `result-type` (RFC 8460 section 4.3).
    pub result: ResultType,
    /// What exactly failed, where the result type leaves that open.
    pub code: Option<ReasonCode>,
}

/// As a report names it: the type, and behind it the code.
impl fmt::Display for ReportedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { result, code } = self;
        write!(f, "{result}")?;
        code.map_or(Ok(()), |code| write!(f, " {code}"))
    }
}

impl From<ResultType> for ReportedFailure {
    fn from(result: ResultType) -> Self {
        Self { result, code: None }
    }
}

impl ReportedFailure {
    /// A failure of that type, and what exactly it was.
    #[must_use]
    pub const fn with(result: ResultType, code: ReasonCode) -> Self {
        Self { result, code: Some(code) }
    }
}

/// Prints as its word.
impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl ResultType {
    /// Whether it is about a policy of MTA-STS, and not about a session (RFC 8460 section 4.3.2.2).
    #[must_use]
    pub const fn is_about_mta_sts(self) -> bool {
        matches!(self, Self::StsPolicyFetchError | Self::StsPolicyInvalid | Self::StsWebpkiInvalid)
    }

    /// Whether it is about DANE alone (RFC 8460 section 4.3.2.1).
    #[must_use]
    pub const fn is_about_dane(self) -> bool {
        matches!(self, Self::DaneRequired | Self::DnssecInvalid | Self::TlsaInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_they_are_in_order() {
        for result in ResultType::ALL {
            assert_eq!(ResultType::from_word(result.word()), Some(result));
        }
        assert!(ResultType::ALL.is_sorted_by_key(|result| result.word()));
        assert_eq!(ResultType::from_word("certificate"), None);
        assert_eq!(ResultType::TlsaInvalid.to_string(), "tlsa-invalid");
    }

    /// RFC 8460 sections 4.3.2.1 and 4.3.2.2.
    #[test]
    fn what_is_about_a_policy_of_either_kind_is_told_from_what_is_about_sessions() {
        let words = |is_about: fn(ResultType) -> bool| -> Vec<_> {
            ResultType::ALL.into_iter().filter(|result| is_about(*result)).map(ResultType::word).collect()
        };
        let dane = ["dane-required", "dnssec-invalid", "tlsa-invalid"];
        assert_eq!(words(ResultType::is_about_dane), dane);
        let mta_sts = ["sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"];
        assert_eq!(words(ResultType::is_about_mta_sts), mta_sts);
    }
}
