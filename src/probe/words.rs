//! What the words of a probe mean, for those who ask `why`.

use super::failure::FailureKind;
use crate::certificate::Distrust;
use crate::policy::WordEntry;
use crate::policy::result::ResultType;

/// Every word that is not a reason of a verdict.
pub fn all() -> impl Iterator<Item = WordEntry> {
    let failures = FailureKind::ALL.into_iter().map(FailureKind::explain);
    failures.chain(Distrust::ALL.into_iter().map(Distrust::explain)).chain([TLSA_NO_MATCH]).chain(MX_RECORDS)
}

/// The word of [`super::consequence::Cause::TlsaNoMatch`].
const TLSA_NO_MATCH: WordEntry = WordEntry {
    word: "tlsa-no-match",
    meaning: "The host has secure TLSA records, and none fits the certificate at this address: senders that know DANE deliver nothing there.",
    fix: "Publish the record that the probe names, or install the certificate that the records are about.",
    rule: "RFC 7672 section 3.2",
    result_type: Some(ResultType::ValidationFailure),
};

/// Where an alias has TLSA records, and where it leads has none.
pub const TLSA_AT_ALIAS: &str = "tlsa-at-alias-alone";

/// What can be wrong with MX records, the names that they lead to included.
const MX_RECORDS: [WordEntry; 6] = [
    WordEntry {
        word: TLSA_AT_ALIAS,
        meaning: "The MX record names an alias (CNAME), and the TLSA records stand at the alias alone: Postfix looks there; Exim looks only where the alias leads, finds none, and its mail waits for ever.",
        fix: "Let the MX record name the host itself, or publish the TLSA records where the alias leads, too.",
        rule: "RFC 7672 section 2.2.2, RFC 5321 section 5.1",
        result_type: None,
    },
    WordEntry {
        word: "mx-address",
        meaning: "An MX record names an IP address: Exim passes it over, and returns the mail if there is no other; Postfix delivers to the address, with a warning.",
        fix: "Give the host a name with that address, and let the MX record name it.",
        rule: "RFC 5321 section 5.1",
        result_type: None,
    },
    WordEntry {
        word: "mx-no-host",
        meaning: "An MX record names what no host is called: Exim and Postfix pass it over, and deliver nothing if there is no other.",
        fix: "Name a host; a domain without mail publishes MX 0 . alone (a dot).",
        rule: "RFC 5321 section 5.1",
        result_type: None,
    },
    WordEntry {
        word: "null-mx-beside",
        meaning: "A null MX stands beside the MX record of a host: Exim delivers to the host, Postfix returns the mail.",
        fix: "Remove the null MX, or every other MX record.",
        rule: "RFC 7505 section 3",
        result_type: None,
    },
    WordEntry {
        word: "null-mx-otherwise",
        meaning: "A null MX is not the only MX record, or not of preference 0: Exim and Postfix take it for one all the same, others may not.",
        fix: "Publish one MX record alone: MX 0 . (a dot).",
        rule: "RFC 7505 section 3",
        result_type: None,
    },
    WordEntry {
        // The word of Reach::NoUsableMx.
        word: "no-usable-mx",
        meaning: "The domain has MX records, and none of them names a host: Exim returns its mail at once. Postfix does, too, but delivers to an IP address that stands there.",
        fix: "Let the MX records name hosts; MX 0 . alone says that a domain takes no mail.",
        rule: "RFC 5321 section 5.1, RFC 7505 section 3",
        result_type: None,
    },
];

impl FailureKind {
    /// Everything there is to say about it.
    #[must_use]
    pub const fn explain(self) -> WordEntry {
        let (meaning, fix, rule, result_type) = match self {
            Self::SetAside => (
                "The address is private, or set aside for something else: no public server can be there, and nobody connected.",
                "Remove the address from the public DNS; for a laboratory there is --allow-private-addresses.",
                "RFC 6890 section 2.2",
                None,
            ),
            Self::NoRoute => (
                "This machine has no way to the address, most often no IPv6: that says nothing about the host.",
                "Ask from a machine that has IPv6.",
                "this program's manual",
                None,
            ),
            Self::Refused => (
                "Nobody listens at the port, or a firewall says so: mail goes to another host, or waits.",
                "Start the mail server, or remove the address from the DNS.",
                "RFC 5321 section 4.5.4.1",
                None,
            ),
            Self::TimedOut => (
                "Nothing came in time: mail goes to another host, or waits.",
                "Look whether this network lets port 25 out; then at the host's load, and at what makes it greet so late.",
                "RFC 5321 section 4.5.3.2",
                None,
            ),
            Self::Closed => (
                "The connection was closed or broken in the middle: mail goes to another host, or waits.",
                "Look into the server's log: it may not like who asks.",
                "RFC 5321 section 3.8",
                None,
            ),
            Self::TooMuch => (
                "More came than a mail server has reason to send, and the probe hung up.",
                "Look what answers at this port.",
                "this program's manual",
                None,
            ),
            Self::NotSmtp => (
                "What answers does not speak SMTP: no mail can go there.",
                "Look what answers at this port.",
                "RFC 5321 section 4.2",
                None,
            ),
            Self::Declined => (
                "The server said no, to the greeting, to EHLO or to STARTTLS; what it said is shown.",
                "Look into the server's log; --ehlo sets the name under which the probe introduces itself.",
                "RFC 5321 section 4.2.1",
                None,
            ),
            Self::NotOffered => (
                "The server offers no STARTTLS, or somebody on the way removes it: where TLS is demanded, it gets no mail.",
                "Turn STARTTLS on; if it is on, look for a firewall that inspects SMTP.",
                "RFC 3207 section 4",
                Some(ResultType::StarttlsNotSupported),
            ),
            Self::Injected => (
                "Clear text came behind the reply to STARTTLS, where TLS has to begin: somebody may have put it there.",
                "Look for what stands between, and update the server: it should send nothing before the handshake.",
                "RFC 3207 section 4.2",
                Some(ResultType::ValidationFailure),
            ),
            Self::NotTls => (
                "What came behind STARTTLS is not TLS.",
                "Look into the server's log, and for what stands between.",
                "RFC 3207 section 4",
                Some(ResultType::ValidationFailure),
            ),
            Self::OldTls => (
                "The server speaks nothing newer than TLS 1.1, so it cannot be looked at from here. Mail servers linked with GnuTLS still speak that, and Postfix does; others with OpenSSL do not at the level that distributions set.",
                "Turn TLS 1.2 and 1.3 on.",
                "RFC 8996 section 4",
                Some(ResultType::ValidationFailure),
            ),
            Self::NoCommonTls => (
                "The server and this program have no cipher suite, group or signature in common, so it cannot be looked at from here. Mail servers linked with OpenSSL or GnuTLS know more: DHE, RSA key exchange and CBC suites, key exchange on P-521.",
                "Let the server take the usual suites of TLS 1.2 and 1.3.",
                "RFC 9325 section 4.2",
                Some(ResultType::ValidationFailure),
            ),
            Self::BadCertificate => (
                "The TLS library of this program cannot use the server's certificate, so it cannot be looked at from here: its key is too short, or it is malformed. RSA of 1024 bits is taken by GnuTLS and by Postfix, not by OpenSSL at the level that distributions set.",
                "Make a certificate with an RSA key of 2048 bits at least, or with one of P-256.",
                "RFC 9325 section 4.5",
                Some(ResultType::ValidationFailure),
            ),
            Self::KeyNotProven => (
                "The server does not prove that it holds the key of the certificate that it shows.",
                "Look whether certificate and key belong together, and for what stands between.",
                "RFC 8446 section 4.4.3",
                Some(ResultType::ValidationFailure),
            ),
            Self::Tls => (
                "The TLS handshake failed in another way, which is shown.",
                "Look into the server's log.",
                "RFC 8446 section 6",
                Some(ResultType::ValidationFailure),
            ),
        };
        WordEntry { word: self.word(), meaning, fix, rule, result_type }
    }
}

impl Distrust {
    /// Everything there is to say about it.
    #[must_use]
    pub const fn explain(self) -> WordEntry {
        let (meaning, fix, result_type) = match self {
            Self::Expired => (
                "A certificate of the chain has ended.",
                "Renew it, and look why that did not happen by itself.",
                ResultType::CertificateExpired,
            ),
            Self::NotYetValid => (
                "A certificate of the chain does not count yet.",
                "Wait, or look at the clock of whoever issued it.",
                ResultType::ValidationFailure,
            ),
            Self::OtherName => (
                "The certificate is for other names than the MX host's.",
                "Get a certificate with the MX host's name, or mend the MX record.",
                ResultType::CertificateHostMismatch,
            ),
            Self::SelfSigned => (
                "The certificate is signed by itself, so no public authority vouches for it.",
                "Get a certificate of a public authority, or publish TLSA records in a signed zone.",
                ResultType::CertificateNotTrusted,
            ),
            Self::UnknownIssuer => (
                "Nobody whom this machine trusts has issued the certificate; often an intermediate certificate is not sent.",
                "Let the server send its whole chain, without the root.",
                ResultType::CertificateNotTrusted,
            ),
            Self::BadSignature => (
                "A signature in the chain is wrong.",
                "Look whether the intermediate certificates that are sent are those of the issuer.",
                ResultType::CertificateNotTrusted,
            ),
            Self::WeakSignature => (
                "A certificate of the chain is signed with SHA-1 or MD5: GnuTLS does not believe it, and OpenSSL only at a level that distributions do not set.",
                "Get a new certificate.",
                ResultType::CertificateNotTrusted,
            ),
            Self::Unsupported => (
                "The chain uses what the TLS library of this program cannot check: an algorithm, a short key, a certificate of version 1. Nobody can tell from here; mail servers linked with OpenSSL or GnuTLS know more.",
                "Compare with `openssl s_client -starttls smtp`; a new certificate with RSA of 2048 bits or P-256 is known to all.",
                ResultType::CertificateNotTrusted,
            ),
            Self::WrongPurpose => (
                "A certificate of the chain is used for what it is not made for.",
                "Get a certificate for a server (id-kp-serverAuth).",
                ResultType::CertificateNotTrusted,
            ),
            Self::Malformed => (
                "A certificate of the chain cannot be read.",
                "Get a new certificate.",
                ResultType::ValidationFailure,
            ),
            Self::Other => (
                "The TLS library does not believe the chain for another reason, which is shown.",
                "Compare with `openssl s_client -starttls smtp`.",
                ResultType::ValidationFailure,
            ),
        };
        let rule = "RFC 8461 section 4.2";
        WordEntry { word: self.word(), meaning, fix, rule, result_type: Some(result_type) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::consequence::Cause;
    use crate::reason::Reason;

    #[test]
    fn each_word_is_said_once_and_no_reason_has_it() {
        let mut words: Vec<&str> = all().map(|explanation| explanation.word).collect();
        assert!(words.contains(&Cause::TlsaNoMatch.word()));
        words.extend(Reason::ALL.map(Reason::word));
        let number = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), number);
    }

    #[test]
    fn every_sentence_ends_as_one() {
        for WordEntry { word, meaning, fix, .. } in all() {
            assert!(meaning.ends_with('.') && (fix.is_empty() || fix.ends_with('.')), "{word}");
        }
    }
}
