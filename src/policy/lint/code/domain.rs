//! What only a look at the whole domain can see.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family =
    Family { prefix: "domain", about: "what only a look at the whole domain can see" };

macro_rules! domain {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* domain {
        DomainDaneInsecureMx: Warning "domain.dane-insecure-mx", "RFC 7672 section 2.2.1",
            "The host has TLSA records, but the domain's MX records are not signed: whoever forges them names another host.",
            "Sign the domain's own zone (DNSSEC), too.";
        DomainDnsBogus: Error "domain.dns-bogus", "RFC 4035 section 5.5",
            "The answer fails validation: whoever validates does not get the record, and lets mail wait.",
            "Look at signatures, keys and DS records of the zone; smtp-sts-verify lookup names the proof that failed.";
        DomainDnsUnreachable: Warning "domain.dns-unreachable", "RFC 7672 section 2.1.1",
            "No name server answered this question: in a signed zone senders let mail wait.",
            "Look at the name servers of the zone, or try again.";
        DomainMxCertificate: Error "domain.mx-certificate", "RFC 8461 section 4.2",
            "No public authority vouches for this certificate and this name: in mode enforce no mail is delivered to the host.",
            "Install a certificate for the name of the MX host from a public authority, with its whole chain.";
        DomainMxNoStarttls: Error "domain.mx-no-starttls", "RFC 8461 section 4.2, RFC 7672 section 2.2",
            "The MX host does not get as far as TLS, and what the domain publishes demands it.",
            "Offer STARTTLS with TLS 1.2 or later on port 25.";
        DomainMxNotCovered: Error "domain.mx-not-covered", "RFC 8461 section 4.1",
            "No pattern of the policy permits this MX host: in mode enforce no mail is delivered to it.",
            "Add a line mx: for the host, then change the id of the TXT record.";
        DomainMxNotSeen: Note "domain.mx-not-seen", "this program's manual",
            "The MX host could not be reached, so its certificate was not looked at.",
            "Try from a network that lets port 25 out.";
        DomainPatternWithoutMx: Note "domain.pattern-without-mx", "RFC 8461 section 4.1",
            "No MX host of the domain fits this pattern of the policy.",
            "Remove the line if it is left over; keep it if the host is a spare one.";
        DomainPolicyRemoved: Warning "domain.policy-removed", "RFC 8461 section 8.3",
            "The record is gone, and this machine still has a policy: senders keep to it until its end.",
            "To take a policy back, publish mode: none with a new id first, and leave it there until the old one has ended.";
        DomainTestingWithoutTlsrpt: Warning "domain.testing-without-tlsrpt", "RFC 8460 section 3",
            "The policy is in testing and nobody asked for reports: nothing is protected, and nothing is learnt.",
            "Publish v=TLSRPTv1; rua=mailto:ADDRESS at _smtp._tls of the domain.";
        DomainWildcardAnswers: Warning "domain.wildcard-answers", "RFC 4592 section 2.2",
            "A name that nobody can have published answers as well: the record comes from a wildcard.",
            "Publish the record at its own name, or take TXT out of the wildcard.";
        DomainWildcardShort: Error "domain.wildcard-short", "RFC 8461 section 4.1",
            "The wildcard stands for one label, and the MX host has more of them before the rest of the pattern.",
            "Write the missing label after the asterisk, such as *.xy-v1.mx.example, or the whole host name.";
        DomainWrongName: Error "domain.wrong-name", "RFC 8461 section 3.1, RFC 8460 section 3",
            "The record stands at a name where nobody looks for it.",
            "Move it: _mta-sts. for MTA-STS, _smtp._tls. for reports, _smtp_sts. for the draft of 2016.";
    } } };
}
