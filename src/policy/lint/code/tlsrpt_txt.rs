//! The TXT record of TLSRPT.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "tlsrpt.txt", about: "the TXT record of TLSRPT" };

macro_rules! tlsrpt_txt {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* tlsrpt_txt {
        TlsrptTxtBlank: Error "tlsrpt.txt.blank", "RFC 8460 section 3",
            "A blank stands where none may: only around a semicolon or a comma are they allowed.",
            "Remove the blank.";
        TlsrptTxtBlankBeforeSemicolon: Warning "tlsrpt.txt.blank-before-semicolon", "RFC 8460 section 3",
            "A blank stands between the version and its semicolon: the grammar allows it, some senders do not.",
            "Begin the record with v=TLSRPTv1; without a blank.";
        TlsrptTxtEmptyField: Error "tlsrpt.txt.empty-field", "RFC 8460 section 3",
            "There is nothing between two semicolons; only one may stand at the end.",
            "Remove the semicolon that is too much.";
        TlsrptTxtKeyCase: Warning "tlsrpt.txt.key-case", "RFC 8460 section 3",
            "Keys are written in lower case; in another one it is an unknown key, which is ignored.",
            "Write the key in lower case.";
        TlsrptTxtKeyName: Error "tlsrpt.txt.key-name", "RFC 8460 section 3",
            "A key is a letter or digit and up to 31 more of these, '_', '-' or '.'.",
            "Correct the name of the key, or remove the field.";
        TlsrptTxtMailAddress: Error "tlsrpt.txt.mail-address", "RFC 8460 section 3, RFC 6068 section 2",
            "A mailto: has not exactly one address, with one host behind one '@'.",
            "Write mailto: and one address; several URIs have commas between them.";
        TlsrptTxtNoDestination: Error "tlsrpt.txt.no-destination", "RFC 8460 section 3",
            "Reports go to mailto: and https: alone, and the record has neither: nobody can report.",
            "Write rua=mailto: and an address, or an https: URI.";
        TlsrptTxtNoEquals: Error "tlsrpt.txt.no-equals", "RFC 8460 section 3",
            "A field is no key and value with '=' between them.",
            "Write key=value, or remove the field.";
        TlsrptTxtNoRua: Error "tlsrpt.txt.no-rua", "RFC 8460 section 3",
            "The record does not say where reports are to go (rua): it counts for nothing.",
            "Add rua=mailto: and an address.";
        TlsrptTxtNotAscii: Error "tlsrpt.txt.not-ascii", "RFC 8460 section 3",
            "The record holds what is not printable ASCII.",
            "Remove the character; it often comes from copying out of a web page.";
        TlsrptTxtQuoted: Error "tlsrpt.txt.quoted", "RFC 8460 section 3",
            "The record itself begins with a quotation mark: it was quoted twice.",
            "Take the inner quotation marks away; the form of the DNS provider often adds its own.";
        TlsrptTxtRepeatedKey: Warning "tlsrpt.txt.repeated-key", "RFC 8460 section 3",
            "The key came before. The addresses of every rua are taken here; some senders refuse the record.",
            "Write one rua with commas between the addresses.";
        TlsrptTxtScheme: Warning "tlsrpt.txt.scheme", "RFC 8460 section 3",
            "Reports go to mailto: and https: alone, so none goes here.",
            "Write mailto: and an address, or an https: URI.";
        TlsrptTxtSeveral: Error "tlsrpt.txt.several", "RFC 8460 section 3",
            "More than one record begins with the version: none of them counts.",
            "Leave exactly one record v=TLSRPTv1 at _smtp._tls.";
        TlsrptTxtTooLong: Error "tlsrpt.txt.too-long", "this program's limits",
            "The record is longer than any that somebody would publish, and is not read.",
            "Leave out what is not needed.";
        TlsrptTxtUnknownKey: Note "tlsrpt.txt.unknown-key", "RFC 8460 section 3",
            "The key is not of this version of the record: it is ignored, as the RFC says.",
            "Look whether the key is misspelt.";
        TlsrptTxtUri: Error "tlsrpt.txt.uri", "RFC 8460 section 3, RFC 3986",
            "An item of rua is no URI.",
            "Write mailto: and an address, or an https: URI.";
        TlsrptTxtUriReserved: Error "tlsrpt.txt.uri-reserved", "RFC 8460 section 3",
            "A URI of rua holds '!', which has to be encoded.",
            "Write %21 for '!', %2C for a comma, %3B for a semicolon; a size limit as in DMARC is not allowed.";
        TlsrptTxtValue: Error "tlsrpt.txt.value", "RFC 8460 section 3",
            "The value of a field is empty, or holds a blank, '=' or what is not printable ASCII.",
            "Correct the value, or remove the field.";
        TlsrptTxtVersion: Error "tlsrpt.txt.version", "RFC 8460 section 3",
            "The record does not begin with v=TLSRPTv1, written exactly so and followed by a semicolon.",
            "Begin the record with v=TLSRPTv1; and nothing before it.";
    } } };
}
