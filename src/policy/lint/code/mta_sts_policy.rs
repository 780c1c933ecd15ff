//! The policy file of MTA-STS.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "mta-sts.policy", about: "the policy file of MTA-STS" };

macro_rules! mta_sts_policy {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* mta_sts_policy {
        MtaStsPolicyBlankLine: Warning "mta-sts.policy.blank-line", "RFC 8461 section 3.2",
            "A blank line is not in the grammar, nor is it at the end: some senders refuse the whole policy for it.",
            "Remove the line.";
        MtaStsPolicyBom: Error "mta-sts.policy.bom", "RFC 8461 section 3.2",
            "The file begins with a byte order mark, so its first key is not one that anybody knows.",
            "Save the file as UTF-8 without a byte order mark.";
        MtaStsPolicyControl: Error "mta-sts.policy.control", "RFC 8461 section 3.2",
            "A line holds a control character, a tab within a value or a CR without its LF.",
            "Remove the character; end lines with LF or CRLF.";
        MtaStsPolicyEmptyValue: Error "mta-sts.policy.empty-value", "RFC 8461 section 3.2",
            "The key has no value.",
            "Give the key its value, or remove the line.";
        MtaStsPolicyHtml: Error "mta-sts.policy.html", "RFC 8461 section 3.2",
            "This is a page for people, not a policy.",
            "Let the web server deliver the file itself, as text/plain.";
        MtaStsPolicyJson: Error "mta-sts.policy.json", "RFC 8461 section 3.2",
            "Policies were JSON in drafts before the RFC only.",
            "Write one line for each key: version: STSv1, mode: enforce, mx: HOST, max_age: 604800.";
        MtaStsPolicyKeyCase: Warning "mta-sts.policy.key-case", "RFC 8461 section 3.2",
            "Keys are written in lower case; in another one it is an unknown key, which is ignored.",
            "Write the key in lower case.";
        MtaStsPolicyKeyName: Error "mta-sts.policy.key-name", "RFC 8461 section 3.2",
            "A key is a letter or digit and up to 31 more of these, '_', '-' or '.', with the colon right behind it.",
            "Correct the name of the key, or remove the line.";
        MtaStsPolicyLeadingBlank: Error "mta-sts.policy.leading-blank", "RFC 8461 section 3.2",
            "A line begins with a blank.",
            "Remove the blanks before the key.";
        MtaStsPolicyMaxAge: Error "mta-sts.policy.max-age", "RFC 8461 section 3.2",
            "max_age is no number of seconds in 1 to 10 digits.",
            "Write digits only, such as max_age: 2419200 for four weeks.";
        MtaStsPolicyMaxAgeCapped: Warning "mta-sts.policy.max-age-capped", "RFC 8461 section 3.2, erratum 7282",
            "max_age is above 31557600, a year: it counts as a year here, and some senders refuse the policy.",
            "Write at most max_age: 31557600.";
        MtaStsPolicyMaxAgeShort: Warning "mta-sts.policy.max-age-short", "RFC 8461 section 3.2",
            "max_age is under two weeks: whoever can block the domain's policy host for so long is rid of the policy.",
            "Write weeks or more in mode enforce, such as max_age: 2419200.";
        MtaStsPolicyMaxAgeTooShort: Warning "mta-sts.policy.max-age-too-short", "RFC 8461 section 3.2",
            "max_age is under a day: large senders ignore such a policy, and it protects next to nothing.",
            "Write at least max_age: 86400 while testing, and weeks afterwards.";
        MtaStsPolicyModeUnknown: Error "mta-sts.policy.mode", "RFC 8461 section 3.2",
            "mode is none of enforce, testing and none, in lower case.",
            "Write mode: enforce, mode: testing or mode: none.";
        MtaStsPolicyMx: Error "mta-sts.policy.mx", "RFC 8461 section 3.2",
            "mx is neither a host name nor '*.' and a host name.",
            "Write the name as the MX record has it, such as mx: mail.example.com.";
        MtaStsPolicyMxAddress: Error "mta-sts.policy.mx-address", "RFC 8461 section 3.2",
            "mx is an address; MX records and certificates hold names.",
            "Write the name of the MX host.";
        MtaStsPolicyMxAny: Error "mta-sts.policy.mx-any", "RFC 8461 section 3.2",
            "A lone asterisk would permit every host in the world, and is no pattern.",
            "Write a line mx: for each MX host, or '*.' and the domain that all of them are in.";
        MtaStsPolicyMxDot: Error "mta-sts.policy.mx-dot", "RFC 8461 section 3.2",
            "The pattern begins with a dot, as drafts before the RFC had it.",
            "Write an asterisk before the dot, such as mx: *.example.com.";
        MtaStsPolicyMxIgnored: Note "mta-sts.policy.mx-ignored", "RFC 8461 section 5",
            "In mode none there is no policy, so nobody reads its patterns.",
            "Nothing needs to be done.";
        MtaStsPolicyMxList: Error "mta-sts.policy.mx-list", "RFC 8461 section 3.2",
            "Several patterns stand in one line.",
            "Write a line of its own, with its own mx:, for each of them.";
        MtaStsPolicyMxPort: Error "mta-sts.policy.mx-port", "RFC 8461 section 3.2",
            "A port stands behind the name: mx is a host name alone, and mail goes to port 25.",
            "Remove the colon and the port.";
        MtaStsPolicyMxRepeated: Note "mta-sts.policy.mx-repeated", "RFC 8461 section 3.2",
            "The same pattern stands in another line already.",
            "Remove one of the lines.";
        MtaStsPolicyMxTopLevel: Warning "mta-sts.policy.mx-top-level", "RFC 8461 section 4.1",
            "The pattern permits every host right below a top-level domain.",
            "Write the names of the MX hosts.";
        MtaStsPolicyMxTrailingDot: Warning "mta-sts.policy.mx-trailing-dot", "RFC 8461 section 3.2",
            "The name ends with a dot: it is read without it here; elsewhere it never matches, or the policy is refused.",
            "Remove the dot at the end.";
        MtaStsPolicyMxULabel: Warning "mta-sts.policy.mx-u-label", "RFC 8461 section 3.2",
            "The name is not written in A-labels: it is converted here; elsewhere it never matches, or the policy is refused.",
            "Write the A-labels, such as xn--bcher-kva.example.";
        MtaStsPolicyMxUnderscore: Error "mta-sts.policy.mx-underscore", "RFC 8461 section 3.2",
            "The name holds an underscore, which no host name does and no certificate authority certifies.",
            "Give the MX host a name of letters, digits and hyphens.";
        MtaStsPolicyMxWildcard: Error "mta-sts.policy.mx-wildcard", "RFC 8461 section 3.2",
            "An asterisk is only allowed alone in the first label, followed by a dot and a name.",
            "Write the names of the MX hosts, or a pattern such as mx: *.example.com.";
        MtaStsPolicyNoColon: Error "mta-sts.policy.no-colon", "RFC 8461 section 3.2",
            "A line is no key and value with a colon between them.",
            "Write key: value, or remove the line.";
        MtaStsPolicyNoMaxAge: Error "mta-sts.policy.no-max-age", "RFC 8461 section 3.2",
            "The policy does not say how long it is to be kept (max_age).",
            "Add a line such as max_age: 604800.";
        MtaStsPolicyNoMode: Error "mta-sts.policy.no-mode", "RFC 8461 section 3.2",
            "The policy does not say what is to be done (mode).",
            "Add a line mode: testing, and mode: enforce when the reports are good.";
        MtaStsPolicyNoMx: Error "mta-sts.policy.no-mx", "RFC 8461 section 3.2",
            "The policy permits no MX host, which only mode none allows.",
            "Add a line mx: for each MX host.";
        MtaStsPolicyNoVersion: Error "mta-sts.policy.no-version", "RFC 8461 section 3.2",
            "The policy does not say which version it is (version).",
            "Add a line version: STSv1, best as the first one.";
        MtaStsPolicyNotUtf8: Error "mta-sts.policy.not-utf8", "RFC 8461 section 3.2",
            "The file is not UTF-8.",
            "Save the file as UTF-8, best with ASCII characters only.";
        MtaStsPolicyRepeatedKey: Warning "mta-sts.policy.repeated-key", "RFC 8461 section 3.2",
            "The key came before; only the first one counts, and some senders take the last.",
            "Remove one of the lines.";
        MtaStsPolicyTooLarge: Error "mta-sts.policy.too-large", "RFC 8461 section 3.3",
            "The file is larger than 64 KiB: senders stop reading.",
            "Use wildcards for the MX hosts, and drop what is not needed.";
        MtaStsPolicyUnknownKey: Note "mta-sts.policy.unknown-key", "RFC 8461 section 3.2",
            "The key is not of this version of the policy: it is ignored, as the RFC says.",
            "Look whether the key is misspelt.";
        MtaStsPolicyVersion: Error "mta-sts.policy.version", "RFC 8461 section 3.2",
            "version is not STSv1, written exactly so.",
            "Write version: STSv1.";
    } } };
}
