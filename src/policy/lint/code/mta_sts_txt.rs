//! The TXT record of MTA-STS.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "mta-sts.txt", about: "the TXT record of MTA-STS" };

macro_rules! mta_sts_txt {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* mta_sts_txt {
        MtaStsTxtBlank: Error "mta-sts.txt.blank", "RFC 8461 section 3.1",
            "A blank stands where none may: only around a semicolon are they allowed.",
            "Remove the blank.";
        MtaStsTxtBlankBeforeSemicolon: Warning "mta-sts.txt.blank-before-semicolon", "RFC 8461 section 3.1, erratum 6285",
            "A blank stands between the version and its semicolon: the grammar allows it, some senders do not.",
            "Begin the record with v=STSv1; without a blank.";
        MtaStsTxtEmptyField: Error "mta-sts.txt.empty-field", "RFC 8461 section 3.1",
            "There is nothing between two semicolons; only one may stand at the end.",
            "Remove the semicolon that is too much.";
        MtaStsTxtIdCharset: Error "mta-sts.txt.id-charset", "RFC 8461 section 3.1",
            "The id holds other characters than letters and digits: the record counts for nothing.",
            "Use letters and digits alone; a time such as 20261122T190000 is usual.";
        MtaStsTxtIdEmpty: Error "mta-sts.txt.id-empty", "RFC 8461 section 3.1",
            "The id is empty: the record counts for nothing.",
            "Use 1 to 32 letters and digits; a time such as 20261122T190000 is usual.";
        MtaStsTxtIdLength: Error "mta-sts.txt.id-length", "RFC 8461 section 3.1",
            "The id is longer than 32 characters: the record counts for nothing.",
            "Use at most 32 letters and digits; a time such as 20261122T190000 is usual.";
        MtaStsTxtKeyCase: Warning "mta-sts.txt.key-case", "RFC 8461 section 3.1",
            "Keys are written in lower case; in another one it is an unknown key, which is ignored.",
            "Write the key in lower case.";
        MtaStsTxtKeyName: Error "mta-sts.txt.key-name", "RFC 8461 section 3.1",
            "A key is a letter or digit and up to 31 more of these, '_', '-' or '.'.",
            "Correct the name of the key, or remove the field.";
        MtaStsTxtNoEquals: Error "mta-sts.txt.no-equals", "RFC 8461 section 3.1",
            "A field is no key and value with '=' between them.",
            "Write key=value, or remove the field.";
        MtaStsTxtNoId: Error "mta-sts.txt.no-id", "RFC 8461 section 3.1",
            "The record has no id, so it counts for nothing.",
            "Add id= and 1 to 32 letters and digits, and change it whenever the policy changes.";
        MtaStsTxtNotAscii: Error "mta-sts.txt.not-ascii", "RFC 8461 section 3.1",
            "The record holds what is not printable ASCII.",
            "Remove the character; it often comes from copying out of a web page.";
        MtaStsTxtQuoted: Error "mta-sts.txt.quoted", "RFC 8461 section 3.1",
            "The record itself begins with a quotation mark: it was quoted twice.",
            "Take the inner quotation marks away; the form of the DNS provider often adds its own.";
        MtaStsTxtRepeatedKey: Warning "mta-sts.txt.repeated-key", "RFC 8461 section 3.2",
            "The key came before; only the first one counts, and some senders take the last or refuse the record.",
            "Remove one of the fields.";
        MtaStsTxtSeveral: Error "mta-sts.txt.several", "RFC 8461 section 3.1",
            "More than one record begins with the version: none of them counts.",
            "Leave exactly one record v=STSv1 at _mta-sts.";
        MtaStsTxtTooLong: Error "mta-sts.txt.too-long", "this program's limits",
            "The record is longer than any that somebody would publish, and is not read.",
            "Publish the version and the id alone.";
        MtaStsTxtUnknownKey: Note "mta-sts.txt.unknown-key", "RFC 8461 section 3.1",
            "The key is not of this version of the record: it is ignored, as the RFC says.",
            "Look whether the key is misspelt.";
        MtaStsTxtValue: Error "mta-sts.txt.value", "RFC 8461 section 3.1",
            "The value of a field is empty, or holds a blank, '=' or what is not printable ASCII.",
            "Correct the value, or remove the field.";
        MtaStsTxtVersion: Error "mta-sts.txt.version", "RFC 8461 section 3.1",
            "The record does not begin with v=STSv1, written exactly so and followed by a semicolon.",
            "Begin the record with v=STSv1; and nothing before it.";
    } } };
}
