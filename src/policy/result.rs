//! The closed list of what TLS reports call a failure, and what each means to the domain's owner (RFC 8460 section 4.3).

use std::fmt;

/// What a session, or the way to it, failed for (RFC 8460 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`explain` is the documentation, and `why` shows it")]
pub enum ResultType {
    CertificateExpired,
    CertificateHostMismatch,
    CertificateNotTrusted,
    DaneRequired,
    DnssecInvalid,
    StarttlsNotSupported,
    StsPolicyFetchError,
    StsPolicyInvalid,
    StsWebpkiInvalid,
    TlsaInvalid,
    ValidationFailure,
}

/// What there is to say about a result type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The word of the RFC.
    pub word: &'static str,
    /// What the sender saw.
    pub meaning: &'static str,
    /// What the domain's owner does about it.
    pub fix: &'static str,
}

/// Prints as its word.
impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl ResultType {
    /// Every one, in the order of the words.
    pub const ALL: [Self; 11] = [
        Self::CertificateExpired,
        Self::CertificateHostMismatch,
        Self::CertificateNotTrusted,
        Self::DaneRequired,
        Self::DnssecInvalid,
        Self::StarttlsNotSupported,
        Self::StsPolicyFetchError,
        Self::StsPolicyInvalid,
        Self::StsWebpkiInvalid,
        Self::TlsaInvalid,
        Self::ValidationFailure,
    ];

    /// The word of the RFC.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.word() == word)
    }

    /// Everything there is to say about it.
    #[must_use]
    pub const fn explain(self) -> Explanation {
        const fn say(word: &'static str, meaning: &'static str, fix: &'static str) -> Explanation {
            Explanation { word, meaning, fix }
        }
        match self {
            Self::CertificateExpired => say(
                "certificate-expired",
                "The certificate of an MX host had ended.",
                "Renew it, and look why that did not happen by itself; `smtp-sts-verify probe` shows which one.",
            ),
            Self::CertificateHostMismatch => say(
                "certificate-host-mismatch",
                "The certificate of an MX host was not for the name that the sender asked for.",
                "Get a certificate with the MX host's name, or mend the MX record or the policy.",
            ),
            Self::CertificateNotTrusted => say(
                "certificate-not-trusted",
                "No authority that the sender trusts vouched for the certificate of an MX host.",
                "Get a certificate of a public authority, and deliver its whole chain.",
            ),
            Self::DaneRequired => say(
                "dane-required",
                "The sender insists on DANE, and an MX host had no usable TLSA records.",
                "Publish TLSA records, in a signed zone; the sender may have an agreement with the domain.",
            ),
            Self::DnssecInvalid => say(
                "dnssec-invalid",
                "An answer of DNS could not be validated: signatures were missing, wrong or out of date.",
                "Look with `smtp-sts-verify lookup` and mend the zone's signatures or its DS record.",
            ),
            Self::StarttlsNotSupported => say(
                "starttls-not-supported",
                "An MX host did not offer STARTTLS.",
                "Turn it on; if it is on, something between the sender and the host removes it.",
            ),
            Self::StsPolicyFetchError => say(
                "sts-policy-fetch-error",
                "The MTA-STS policy could not be fetched.",
                "Look with `smtp-sts-verify lint DOMAIN` at the policy host.",
            ),
            Self::StsPolicyInvalid => say(
                "sts-policy-invalid",
                "The MTA-STS policy or its record is malformed.",
                "Look with `smtp-sts-verify lint DOMAIN`: it names line and column.",
            ),
            Self::StsWebpkiInvalid => say(
                "sts-webpki-invalid",
                "The certificate of the MTA-STS policy host does not verify.",
                "Get a certificate for mta-sts.DOMAIN, and deliver its whole chain.",
            ),
            Self::TlsaInvalid => say(
                "tlsa-invalid",
                "The TLSA records of an MX host could not be used, or none matched its certificate.",
                "Look with `smtp-sts-verify probe`: it says which record matches, and which do not.",
            ),
            Self::ValidationFailure => say(
                "validation-failure",
                "Something else did not conform; the report's failure-reason-code may say what.",
                "Compare the MX hosts with the policy: `smtp-sts-verify lint DOMAIN`.",
            ),
        }
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
    }
}
