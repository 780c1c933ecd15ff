//! TLSA records.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "tlsa", about: "TLSA records" };

macro_rules! tlsa {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* tlsa {
        TlsaAnchorInRecord: Warning "tlsa.anchor-in-record", "RFC 7671 sections 5.2.2 and 5.2.3",
            "The record brings an authority in full, and the host does not send it: senders with OpenSSL build the chain all the same, senders with GnuTLS refuse it.",
            "Let the host send that authority's certificate along, and publish its digest: 2 0 1.";
        TlsaAnchorKey: Note "tlsa.anchor-key", "RFC 7672 section 3.1.2",
            "Usage 2 with selector 1 names the key of an authority: limits in its certificate do not count, and authorities \
             change their intermediate keys.",
            "Write 2 0 1, or better 3 1 1 with the key of the host itself.";
        TlsaAnchorNotSent: Error "tlsa.anchor-not-sent", "RFC 7671 section 5.2.1",
            "The record names an authority by its digest, and the host does not send the authority at the end of its chain: nobody can compare what is not there.",
            "Let the host send its whole chain, the authority that the record names included.";
        TlsaData: Error "tlsa.data", "RFC 6698 section 2.2",
            "The certificate association data is not hexadecimal, or has an odd number of digits.",
            "Write the data in pairs of hexadecimal digits.";
        TlsaDigestLength: Error "tlsa.digest-length", "RFC 6698 section 2.1.3",
            "The digest has not the length of its matching type: 32 octets for 1 (SHA-256), 64 for 2 (SHA-512).",
            "Make the record anew from the certificate or its key.";
        TlsaEmptyDigest: Error "tlsa.empty-digest", "RFC 6698 section 2.1.3",
            "This is the digest of nothing: what was to be digested was empty, as where a command before it failed. No certificate ever fits.",
            "Make the record anew from the certificate or its key.";
        TlsaEndEntityCertificate: Note "tlsa.end-entity-certificate", "RFC 7672 section 3.1.1",
            "Usage 3 with selector 0 names the certificate: the record is wrong after each renewal.",
            "Write 3 1 1 with the digest of the key, and keep the key when renewing.";
        TlsaFields: Error "tlsa.fields", "RFC 6698 section 2.2",
            "A TLSA record has four fields: usage, selector, matching type and data.",
            "Write them in this order, such as 3 1 1 and the SHA-256 digest of the key.";
        TlsaFullData: Warning "tlsa.full-data", "RFC 7672 section 3.1",
            "Matching type 0 puts a whole certificate or key into the DNS.",
            "Use matching type 1.";
        TlsaMatching: Error "tlsa.matching-type", "RFC 6698 section 2.1.3",
            "The matching type is none of 0, 1 and 2: the record is unusable.",
            "Write 1, for SHA-256.";
        TlsaNoMatch: Error "tlsa.no-match", "RFC 7672 section 3.1",
            "No TLSA record fits the certificate that the MX host shows: senders that know DANE deliver nothing to it.",
            "Publish a record for the new key before the host uses it, and remove the old one afterwards.";
        TlsaNotDer: Error "tlsa.not-der", "RFC 6698 section 2.1.2",
            "Matching type 0 has to hold one whole certificate (selector 0) or public key (selector 1) in DER.",
            "Use matching type 1, with the digest.";
        TlsaNotSecure: Warning "tlsa.not-secure", "RFC 7672 section 2.2",
            "The answer is not signed, so nobody may use these records.",
            "Sign the zones of the domain and of its MX hosts (DNSSEC).";
        TlsaSelector: Error "tlsa.selector", "RFC 6698 section 2.1.2",
            "The selector is neither 0 nor 1: the record is unusable.",
            "Write 1, for the public key.";
        TlsaUnusable: Error "tlsa.unusable", "RFC 7672 section 2.2",
            "No TLSA record of the host is usable: TLS is required, and nothing is authenticated.",
            "Publish a record with usage 3 or 2, such as 3 1 1.";
        TlsaUsagePkix: Error "tlsa.usage-pkix", "RFC 7672 section 3.1.3",
            "Usages 0 and 1 are not for SMTP: the record is unusable.",
            "Write 3 for the host's own certificate, or 2 for an authority of your own.";
        TlsaUsageUnknown: Error "tlsa.usage-unknown", "RFC 6698 section 2.1.1",
            "The usage is none of 0 to 3: the record is unusable.",
            "Write 3 for the host's own certificate, or 2 for an authority of your own.";
    } } };
}
