//! The TXT record of draft-margolis-smtp-sts-00.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family =
    Family { prefix: "smtp-sts.txt", about: "the TXT record of draft-margolis-smtp-sts-00" };

macro_rules! smtp_sts_txt {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* smtp_sts_txt {
        SmtpStsTxtBlankInList: Note "smtp-sts.txt.blank-in-list", "draft-margolis-smtp-sts-00 section 3.1",
            "A blank stands in a list, where the draft's grammar has none.",
            "Remove the blank.";
        SmtpStsTxtConstraint: Error "smtp-sts.txt.constraint", "draft-margolis-smtp-sts-00 section 3.1",
            "c is neither webpki nor tlsa.",
            "Write c=webpki or c=tlsa.";
        SmtpStsTxtKeyName: Error "smtp-sts.txt.key-name", "draft-margolis-smtp-sts-00 section 3.1",
            "The name of a field is not a word.",
            "Correct the name of the field, or remove it; one semicolon may stand at the end.";
        SmtpStsTxtLaterDraft: Error "smtp-sts.txt.later-draft", "draft-margolis-smtp-sts-00 section 3.1",
            "The field m belongs to a later draft, which is not enforced.",
            "Write to=true or to=false, or better publish MTA-STS (RFC 8461).";
        SmtpStsTxtLife: Error "smtp-sts.txt.life", "draft-margolis-smtp-sts-00 section 3.1",
            "e is no number of seconds in 1 to 10 digits.",
            "Write digits only, such as e=604800.";
        SmtpStsTxtLifeCapped: Warning "smtp-sts.txt.life-capped", "RFC 8461 section 3.2",
            "e is above 31557600, a year: it counts as a year.",
            "Write at most e=31557600.";
        SmtpStsTxtLifeLong: Note "smtp-sts.txt.life-long", "draft-margolis-smtp-sts-00 section 3.1",
            "e has more than the six digits of the draft's grammar, which its own advice does not fit into.",
            "Nothing needs to be done.";
        SmtpStsTxtLocationMissing: Warning "smtp-sts.txt.location-missing", "draft-margolis-smtp-sts-00 section 3.3",
            "a=webpki names no URI: the well-known place is assumed.",
            "Write a=webpki:https://DOMAIN/.well-known/smtp-sts/current.";
        SmtpStsTxtLocationRelative: Warning "smtp-sts.txt.location-relative", "draft-margolis-smtp-sts-00 section 3.3",
            "a=webpki names a path, not a URI: it is taken on the domain itself.",
            "Write a=webpki:https://DOMAIN/ and the path.";
        SmtpStsTxtMechanism: Error "smtp-sts.txt.mechanism", "draft-margolis-smtp-sts-00 section 3.3",
            "a is empty: it names no mechanism.",
            "Write a=dnssec, or a=webpki: and the URI of the copy.";
        SmtpStsTxtMode: Error "smtp-sts.txt.mode", "draft-margolis-smtp-sts-00 section 3.1",
            "to is neither true nor false.",
            "Write to=true to have mail refused, to=false to have it delivered and reported.";
        SmtpStsTxtMx: Error "smtp-sts.txt.mx", "draft-margolis-smtp-sts-00 section 3.1",
            "mx holds what is neither a host name nor '*.' and a host name.",
            "Write the names of the MX hosts, with commas between them.";
        SmtpStsTxtMxMany: Error "smtp-sts.txt.mx-many", "this program's limits",
            "mx holds more patterns than are read.",
            "Use a wildcard for the MX hosts.";
        SmtpStsTxtNoConstraint: Note "smtp-sts.txt.no-constraint", "draft-margolis-smtp-sts-00 section 3.1",
            "There is no c: webpki is assumed.",
            "Write c=webpki or c=tlsa.";
        SmtpStsTxtNoEquals: Error "smtp-sts.txt.no-equals", "draft-margolis-smtp-sts-00 section 3.1",
            "A field is no key and value with '=' between them.",
            "Write key=value, or remove the field; one semicolon may stand at the end.";
        SmtpStsTxtNoLife: Warning "smtp-sts.txt.no-life", "draft-margolis-smtp-sts-00 section 3.1",
            "There is no e: the policy is forgotten with the TTL of the record.",
            "Add e= and the seconds for which the policy is to be kept.";
        SmtpStsTxtNoMechanism: Warning "smtp-sts.txt.no-mechanism", "draft-margolis-smtp-sts-00 section 3.3",
            "There is no a: nothing authenticates the policy.",
            "Add a=dnssec in a signed zone, or a=webpki: and the URI of a copy.";
        SmtpStsTxtNoMode: Error "smtp-sts.txt.no-mode", "draft-margolis-smtp-sts-00 section 3.1",
            "The field to is missing.",
            "Write to=true or to=false right behind the version.";
        SmtpStsTxtNoMx: Warning "smtp-sts.txt.no-mx", "draft-margolis-smtp-sts-00 section 3.1",
            "There is no mx: every host is permitted.",
            "Add mx= and the names of the MX hosts.";
        SmtpStsTxtNotUtf8: Error "smtp-sts.txt.not-utf8", "draft-margolis-smtp-sts-00 section 3.1",
            "The record is not UTF-8.",
            "Write the record in ASCII.";
        SmtpStsTxtOrder: Error "smtp-sts.txt.order", "draft-margolis-smtp-sts-00 section 3.1",
            "Another field than to comes second.",
            "Write to=true or to=false right behind the version.";
        SmtpStsTxtRepeatedKey: Warning "smtp-sts.txt.repeated-key", "draft-margolis-smtp-sts-00 section 3.1",
            "The key came before; only the first one counts.",
            "Remove one of the fields.";
        SmtpStsTxtReportAddress: Warning "smtp-sts.txt.report-address", "draft-margolis-smtp-sts-00 section 3.1",
            "An address for reports is no URI: no report goes there.",
            "Write mailto: before a mail address.";
        SmtpStsTxtSeveral: Error "smtp-sts.txt.several", "draft-margolis-smtp-sts-00 section 3.1",
            "More than one record begins with the version: none of them counts.",
            "Leave exactly one record v=STS1 at the name.";
        SmtpStsTxtTooLong: Error "smtp-sts.txt.too-long", "this program's limits",
            "The record is longer than any that somebody would publish, and is not read.",
            "Use a wildcard for the MX hosts.";
        SmtpStsTxtUnderscoreWildcard: Warning "smtp-sts.txt.underscore-wildcard", "draft-margolis-smtp-sts-00 section 3.1",
            "An underscore stands where the wildcard is meant, as in the draft's own example: it is read as '*'.",
            "Write '*.' and the rest of the name.";
        SmtpStsTxtUnknownKey: Note "smtp-sts.txt.unknown-key", "draft-margolis-smtp-sts-00 section 3.1",
            "The draft does not know the key: it is ignored.",
            "Look whether the key is misspelt.";
        SmtpStsTxtUnknownMechanism: Warning "smtp-sts.txt.unknown-mechanism", "draft-margolis-smtp-sts-00 section 3.3",
            "a names a mechanism that nobody here can validate: the policy is not authenticated.",
            "Write a=dnssec, or a=webpki: and the URI of the copy.";
        SmtpStsTxtVersion: Error "smtp-sts.txt.version", "draft-margolis-smtp-sts-00 section 3.1",
            "The record does not begin with v=STS1.",
            "Begin the record with v=STS1; and nothing before it.";
    } } };
}
