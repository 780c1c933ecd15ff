//! The closed list of `failure-reason-code` (RFC 8460 section 4.4): short words of ours, never a host's.

use std::fmt;

/// What exactly a session, or the way to a policy, failed for, where the result type leaves that open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// The policy host has no address at which a public server can be.
    AddressNotPublic,
    /// No authority that is trusted stands above the certificate.
    Chain,
    /// The connection to the policy host could not be made, or broke.
    ConnectionFailed,
    /// The policy is compressed, or encoded in another way.
    ContentEncoding,
    /// The policy is not plain text.
    ContentType,
    /// No TLSA record fits the certificate.
    DaneNoMatch,
    /// The addresses of the policy host are bogus.
    DnsBogus,
    /// The addresses of the policy host could not be learnt.
    DnsUnreachable,
    /// The policy host answered with this status, of three digits.
    Http(u16),
    /// What the policy host sent is no usable reply of HTTP.
    HttpReply,
    /// The policy does not permit the host.
    MxNotPermitted,
    /// The policy host has no address.
    NoAddress,
    /// The policy is malformed.
    PolicySyntax,
    /// The record that announces the policy is malformed.
    RecordSyntax,
    /// The certificate vouches for itself.
    SelfSigned,
    /// The policy is one of the draft, which RFC 8460 has no type for.
    SmtpStsDraft,
    /// The host offered STARTTLS, and refused it.
    StarttlsRefused,
    /// It took too long.
    Timeout,
    /// The TLS handshake broke.
    TlsHandshake,
    /// What the policy host sent is too large.
    TooLarge,
}

impl ReasonCode {
    /// Each of them, in the order of the words, but for the statuses of HTTP.
    pub const ALL: [Self; 19] = [
        Self::AddressNotPublic,
        Self::Chain,
        Self::ConnectionFailed,
        Self::ContentEncoding,
        Self::ContentType,
        Self::DaneNoMatch,
        Self::DnsBogus,
        Self::DnsUnreachable,
        Self::HttpReply,
        Self::MxNotPermitted,
        Self::NoAddress,
        Self::PolicySyntax,
        Self::RecordSyntax,
        Self::SelfSigned,
        Self::SmtpStsDraft,
        Self::StarttlsRefused,
        Self::Timeout,
        Self::TlsHandshake,
        Self::TooLarge,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::AddressNotPublic => "address-not-public",
            Self::Chain => "chain",
            Self::ConnectionFailed => "connection-failed",
            Self::ContentEncoding => "content-encoding",
            Self::ContentType => "content-type",
            Self::DaneNoMatch => "dane-no-match",
            Self::DnsBogus => "dns-bogus",
            Self::DnsUnreachable => "dns-unreachable",
            Self::Http(_) => HTTP,
            Self::HttpReply => "http-reply",
            Self::MxNotPermitted => "mx-not-permitted",
            Self::NoAddress => "no-address",
            Self::PolicySyntax => "policy-syntax",
            Self::RecordSyntax => "record-syntax",
            Self::SelfSigned => "self-signed",
            Self::SmtpStsDraft => "smtp-sts-draft",
            Self::StarttlsRefused => "starttls-refused",
            Self::Timeout => "timeout",
            Self::TlsHandshake => "tls-handshake",
            Self::TooLarge => "too-large",
        }
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if let Some(status) = word.strip_prefix(HTTP).filter(|status| status.len() == 3)
            && status.bytes().all(|octet| octet.is_ascii_digit())
        {
            return status.parse().ok().map(Self::Http);
        }
        Self::ALL.into_iter().find(|code| code.word() == word)
    }
}

/// Before the status.
const HTTP: &str = "http-";

/// Prints as its word.
impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Http(status) => write!(f, "{:03}", status % 1_000),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_is_short_and_stands_in_order() {
        for code in ReasonCode::ALL.into_iter().chain([ReasonCode::Http(404), ReasonCode::Http(301)]) {
            let word = code.to_string();
            assert_eq!(ReasonCode::from_word(&word), Some(code));
            assert!(
                word.len() <= 20
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
            );
        }
        assert!(ReasonCode::ALL.is_sorted_by_key(|code| code.word()));
        for word in ["", "x", "http-", "http-4", "http-4040", "http-+04", "http--04", "HTTP-404"] {
            assert_eq!(ReasonCode::from_word(word), None, "{word}");
        }
    }
}
