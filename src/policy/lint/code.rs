//! The closed list of findings.

use super::{Explanation, Severity};

/// Makes the enum, its list and its explanations from one table, so that none of them can forget a code.
macro_rules! codes {
    ($($code:ident: $severity:ident $word:literal, $rule:literal, $meaning:literal, $fix:literal;)*) => {
        /// What was noticed. The word never changes its meaning: people and programs search for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "`explain` is the documentation, and every output shows it")]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code, in the order of the words.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// Everything there is to say about it.
            #[must_use]
            pub const fn explain(self) -> Explanation {
                match self {
                    $(Self::$code => Explanation {
                        word: $word, severity: Severity::$severity, meaning: $meaning, fix: $fix, rule: $rule,
                    },)*
                }
            }
        }
    };
}

impl Code {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }
}

codes! {
// ---- what only a look at the whole domain can see -------------------------------------------------------------------
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
// ---- the policy file of MTA-STS -------------------------------------------------------------------------------------
    MtaStsPolicyBlankLine: Warning "mta-sts.policy.blank-line", "RFC 8461 section 3.2",
        "A blank line is not in the grammar: some senders refuse the whole policy for it.",
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
// ---- the policy host of MTA-STS -------------------------------------------------------------------------------------
    MtaStsServerCertificate: Error "mta-sts.server.certificate", "RFC 8461 section 3.3",
        "The certificate of the policy host does not verify for its name: nobody gets the policy.",
        "Install a certificate for mta-sts.DOMAIN from a public authority, with its whole chain.";
    MtaStsServerContentType: Error "mta-sts.server.content-type", "RFC 8461 section 3.2",
        "The policy host does not deliver the policy as text/plain.",
        "Let the web server deliver the file as text/plain.";
    MtaStsServerHtml: Error "mta-sts.server.html", "RFC 8461 section 3.2",
        "The policy host answers with a page for people: often the web server's default site, or a login page.",
        "Let the web server deliver the file itself, as text/plain.";
    MtaStsServerIdUnchanged: Warning "mta-sts.server.id-unchanged", "RFC 8461 section 3.1",
        "The policy is another one than before and the id of the TXT record is not: senders keep the old one.",
        "Change the id whenever the policy changes; the time of the change is usual.";
    MtaStsServerNoRecord: Error "mta-sts.server.no-record", "RFC 8461 section 3.1",
        "There is a policy, and no TXT record at _mta-sts that tells of it: nobody looks for it.",
        "Publish v=STSv1; id=ID at _mta-sts of the domain.";
    MtaStsServerPrivate: Error "mta-sts.server.private", "RFC 6890 section 2.2",
        "The policy host has an address that only its own network can reach.",
        "Give the name mta-sts.DOMAIN public addresses.";
    MtaStsServerRedirect: Error "mta-sts.server.redirect", "RFC 8461 section 3.3",
        "The policy host redirects, and senders do not follow.",
        "Deliver the file at /.well-known/mta-sts.txt of mta-sts.DOMAIN itself; a CNAME of that host is allowed.";
    MtaStsServerSlow: Error "mta-sts.server.slow", "RFC 8461 section 3.3",
        "The policy host did not deliver the policy in time.",
        "Look at the web server; the file is small and needs no program behind it.";
    MtaStsServerStatus: Error "mta-sts.server.status", "RFC 8461 section 3.3",
        "The policy host answers with another status than 200.",
        "Put the file at /.well-known/mta-sts.txt, and let programs other than browsers have it.";
    MtaStsServerUnreachable: Error "mta-sts.server.unreachable", "RFC 8461 section 3.3",
        "The policy host cannot be found or reached: nobody gets the policy.",
        "Give mta-sts.DOMAIN an address where a web server answers on port 443.";
// ---- the TXT record of MTA-STS --------------------------------------------------------------------------------------
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
// ---- the TXT record of draft-margolis-smtp-sts-00 -------------------------------------------------------------------
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
// ---- TLSA records ---------------------------------------------------------------------------------------------------
    TlsaAnchorKey: Note "tlsa.anchor-key", "RFC 7672 section 3.1.2",
        "Usage 2 with selector 1 names the key of an authority: limits in its certificate do not count, and authorities \
         change their intermediate keys.",
        "Write 2 0 1, or better 3 1 1 with the key of the host itself.";
    TlsaData: Error "tlsa.data", "RFC 6698 section 2.2",
        "The certificate association data is not hexadecimal, or has an odd number of digits.",
        "Write the data in pairs of hexadecimal digits.";
    TlsaDigestLength: Error "tlsa.digest-length", "RFC 6698 section 2.1.3",
        "The digest has not the length of its matching type: 32 octets for 1 (SHA-256), 64 for 2 (SHA-512).",
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
// ---- the TXT record of TLSRPT ---------------------------------------------------------------------------------------
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
}
