//! What only a look at the whole domain can see.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family =
    Family { prefix: "domain", about: "what only a look at the whole domain can see" };

macro_rules! domain {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* domain {
        DomainDaneAlias: Error "domain.dane-alias", "RFC 7672 section 2.2.2, RFC 5321 section 5.1",
            "The MX record names an alias (CNAME), and the TLSA records stand at the alias alone: Postfix looks there; Exim looks only where the alias leads, finds none, and its mail waits for ever.",
            "Let the MX record name the host itself, or publish the TLSA records where the alias leads, too.";
        DomainDaneInsecureMx: Warning "domain.dane-insecure-mx", "RFC 7672 section 2.2.1",
            "The host has TLSA records, but the domain's MX records are not signed: whoever forges them names another host.",
            "Sign the domain's own zone (DNSSEC), too.";
        DomainDnsBogus: Error "domain.dns-bogus", "RFC 4035 section 5.5",
            "The answer fails validation: whoever validates does not get the record, and lets mail wait.",
            "Look at signatures, keys and DS records of the zone; smtp-sts-verify lookup names the proof that failed.";
        DomainDnsUnreachable: Warning "domain.dns-unreachable", "RFC 7672 section 2.1.1",
            "No name server answered this question: in a signed zone senders let mail wait.",
            "Look at the name servers of the zone, or try again.";
        DomainMxAddress: Error "domain.mx-address", "RFC 5321 section 5.1",
            "An MX record names an IP address, where the name of a host has to stand: Exim passes it over, and returns the mail if there is no other; Postfix delivers to the address.",
            "Give the host a name with that address, and let the MX record name it.";
        DomainMxCertificate: Error "domain.mx-certificate", "RFC 8461 section 4.2",
            "No public authority vouches for this certificate and this name: in mode enforce no mail is delivered to the host.",
            "Install a certificate for the name of the MX host from a public authority, with its whole chain.";
        DomainMxNoHost: Error "domain.mx-no-host", "RFC 5321 section 5.1, RFC 7505 section 3",
            "An MX record names what no host is called: Exim and Postfix pass it over, and deliver nothing if there is no other.",
            "Name a host; a domain without mail publishes MX 0 . (a dot alone).";
        DomainMxNoStarttls: Error "domain.mx-no-starttls", "RFC 8461 section 4.2, RFC 7672 section 2.2",
            "The MX host does not get as far as TLS, and what the domain publishes demands it.",
            "Offer STARTTLS with TLS 1.2 or later on port 25.";
        DomainMxNotCovered: Error "domain.mx-not-covered", "RFC 8461 section 4.1",
            "No pattern of the policy permits this MX host: in mode enforce no mail is delivered to it.",
            "Add a line mx: for the host, then change the id of the TXT record.";
        DomainMxNotLookedAt: Warning "domain.mx-not-looked-at", "RFC 9325 sections 3 and 4",
            "The MX host wants TLS that our TLS library does not have, so it cannot be looked at from here. Mail servers linked with OpenSSL or GnuTLS may have it: DHE, RSA key exchange, CBC suites, key exchange on P-521, RSA keys of 1024 bits, TLS 1.0 and 1.1.",
            "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM, and a certificate with RSA of 2048 bits or P-256.";
        DomainMxNotSeen: Note "domain.mx-not-seen", "this program's manual",
            "The MX host could not be reached, so its certificate was not looked at.",
            "Try from a network that lets port 25 out.";
        DomainNullMxBeside: Error "domain.null-mx-beside", "RFC 7505 section 3",
            "A null MX stands beside the MX record of a host: Exim delivers to the host, Postfix returns the mail.",
            "Remove the null MX, or every other MX record.";
        DomainNullMxOtherwise: Warning "domain.null-mx-otherwise", "RFC 7505 section 3",
            "A null MX has to be the only MX record, of preference 0: Exim and Postfix take this for one all the same, others may not.",
            "Publish one MX record alone: MX 0 . (a dot).";
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
