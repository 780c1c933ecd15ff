//! The closed list of reasons: one word for each way that a verdict can come about.
//!
//! The word is what Exim, monitoring and people search for, so it never changes its meaning. What each means for the
//! mail, and where the rule stands, is told here and nowhere else: help, manual and every output draw on it.

use crate::policy::WordEntry;
use crate::policy::result::ResultType;
use crate::words::{entries, words};

entries! {
    /// Why the verdict is what it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[expect(missing_docs, reason = "`explain` is the documentation, and every output shows it")]
    pub enum Reason {
        AddressLiteral: "address-literal",
            "The recipient's domain is an address, which has no policy: the mail is delivered as ever.",
            "",
            "RFC 5321 section 4.1.3", None;
        BadDomain: "bad-domain",
            "What was given as the domain is no name at all: nothing was asked, the mail waits.",
            "Look at how the domain reaches the command line.",
            "RFC 5321 section 2.3.5", None;
        BadHost: "bad-host",
            "What was given as a host is no host name: nothing was asked, the mail waits.",
            "Look at where the host comes from; an MX record may point to a strange alias.",
            "RFC 1123 section 2.1", None;
        ClockSuspect: "clock-suspect",
            "Even the root's signatures are outside of their time, so the clock of this machine is wrong: the mail waits.",
            "Set the clock (timedatectl, chrony), then retry.",
            "RFC 4035 section 5.3.1", None;
        Configuration: "configuration",
            "The configuration cannot be used: nothing was asked, the mail waits.",
            "Mend what the message names; --format human shows it in full.",
            "this program's manual", None;
        DaneUnusable: "dane-unusable",
            "The MX host has TLSA records, and none of them can be used: TLS is demanded, with any certificate.",
            "Tell the domain's owner: usages 2 and 3 with matching types 0, 1 and 2 are usable.",
            "RFC 7672 section 2.2", Some(ResultType::TlsaInvalid);
        DaneUsable: "dane-usable",
            "The MX host has secure and usable TLSA records: its certificate must match one of them.",
            "",
            "RFC 7672 section 2.2", None;
        Deadline: "deadline",
            "The time for one run was over before everything was known, and no earlier answer may stand in: the mail waits.",
            "Look at the name servers' speed; --deadline sets the time, answer_within the daemon's.",
            "this program's manual", None;
        DnsUnreachable: "dns-unreachable",
            "The name servers did not answer where a policy may be hidden: the mail waits.",
            "If other domains are in the same trouble: `smtp-sts-verify doctor`. If it is this one alone: `smtp-sts-verify lookup` with the same question, then tell its owner.",
            "RFC 7672 section 2.1.1", None;
        DnssecBogus: "dnssec-bogus",
            "An answer should have been signed and was not, or wrongly: somebody's mistake or an attack, the mail waits.",
            "Compare with `delv` or another network; tell the domain's owner. If the zone is private to your network, name it in insecure_zones.",
            "RFC 4035 section 5.5", Some(ResultType::DnssecInvalid);
        DnssecStripped: "dnssec-stripped",
            "Not even the root comes with signatures: the name servers of this machine remove them, the mail waits.",
            "Use a validating resolver on this machine (unbound), or --dns.",
            "RFC 4035 section 3.2.1", None;
        FirstUse: "first-use",
            "A policy that nothing authenticates was seen for the first time: it is remembered and refuses nothing \
                 until a verified handshake under it is reported.",
            "",
            "draft-margolis-smtp-sts-00 section 3.3", None;
        Internal: "internal",
            "The program failed: the mail waits.",
            "Please report it, with the command line and --format human.",
            "this program's manual", None;
        ModeNone: "mode-none",
            "The domain says by a policy of mode none that it has no policy: the mail is delivered as ever.",
            "",
            "RFC 8461 section 5", None;
        MxNotInDns: "mx-not-in-dns",
            "The host is none of the domain's MX hosts, as far as DNS is proven: under a policy in force, or where all MX hosts have TLSA records, the mail is refused there.",
            "If the host is a smarthost, do not ask for its recipients' domains.",
            "RFC 5321 section 5.1", Some(ResultType::ValidationFailure);
        MxNotInPolicy: "mx-not-in-policy",
            "The policy in force does not permit this MX host: the mail is refused there.",
            "If the host is right, the domain's owner must mend the policy.",
            "RFC 8461 section 4.1; draft-margolis-smtp-sts-00 section 3.5, appendix 1", Some(ResultType::ValidationFailure);
        NeverApplied: "never-applied",
            "The policy is new here and this delivery does not meet it; a policy that was never met refuses nothing.",
            "",
            "draft-margolis-smtp-sts-00 section 3.3", Some(ResultType::ValidationFailure);
        NoDnsName: "no-dns-name",
            "The DNS cannot carry this name, so nobody can have published a policy for it: the mail server's own judgement of the name stands.",
            "",
            "RFC 1035 section 2.3.4", None;
        NoPolicy: "no-policy",
            "The domain publishes no policy, and its MX hosts no TLSA records: the mail is delivered as ever.",
            "",
            "RFC 8461 section 3.1", None;
        NoTrustAnchor: "no-trust-anchor",
            "No trust anchor fits, so nothing can be proven: the mail waits.",
            "Look at --trust-anchor; without it the built-in root keys are used.",
            "RFC 4035 section 5.1", None;
        NullMx: "null-mx",
            "The domain takes no mail: Exim itself returns it.",
            "",
            "RFC 7505 section 3", None;
        OutOfResources: "out-of-resources",
            "This machine had no descriptors, memory or ports left to ask with, so nothing can be said of the domain: the mail waits.",
            "Raise LimitNOFILE= of the service (of Exim's, if it starts the command), and look at the machine's memory.",
            "this program's manual", None;
        Override: "override",
            "The configuration of this machine says what this domain's mail needs, whatever the domain publishes.",
            "Overrides end at the date that stands beside them.",
            "this program's manual", None;
        PolicyLost: "policy-lost",
            "The policy in the cache is damaged, and none could be had in its place, or what the fleet's operator has decreed cannot be read: the mail waits.",
            "Look at the disk; `smtp-sts-verify cache purge DOMAIN` gives the policy up. Of decrees the log says which file it is (exim/fleet.md).",
            "this program's manual", None;
        PolicyMalformed: "policy-malformed",
            "What the domain publishes is not a policy: the mail is delivered as ever.",
            "Tell the domain's owner which field is wrong.",
            "RFC 8461 sections 3.1 and 3.2; draft-margolis-smtp-sts-00 section 3.1", Some(ResultType::StsPolicyInvalid);
        PolicyMet: "policy-met",
            "The delivery conforms to the domain's policy.",
            "",
            "RFC 8461 section 4; draft-margolis-smtp-sts-00 section 3.5", None;
        PolicyNotFetched: "policy-not-fetched",
            "A record announces a policy that could not be fetched, and none is remembered: the mail is delivered as ever.",
            "Look at the notes: they say what was wrong with the policy host.",
            "RFC 8461 section 3.3", Some(ResultType::StsPolicyFetchError);
        PolicyUnauthenticated: "policy-unauthenticated",
            "The policy could not be authenticated, and require_authentication is set: it is neither kept nor used, \
                 the mail is delivered as ever.",
            "",
            "draft-margolis-smtp-sts-00 section 3.3", Some(ResultType::StsWebpkiInvalid);
        PolicyUnreachable: "policy-unreachable",
            "The domain's policy cannot be asked for, in a zone that is proven to be unsigned: the mail is delivered \
                 as ever, or waits if on_unreachable is defer.",
            "Look at the domain's name servers.",
            "RFC 8461 section 10.2", Some(ResultType::StsPolicyFetchError);
        ReportOnly: "report-only",
            "The delivery does not conform to a policy that only asks for reports: the mail is delivered.",
            "",
            "RFC 8461 section 5; draft-margolis-smtp-sts-00 section 3.5", Some(ResultType::ValidationFailure);
        SpecialUseName: "special-use-name",
            "The name is set apart from the public DNS, which is not asked about it, and no policy is remembered: the mail is delivered as ever.",
            "If a private zone of your network has the name, insecure_zones has it asked for there.",
            "RFC 6761, RFC 7686, RFC 8375, RFC 9476", None;
        TlsUnverified: "tls-unverified",
            "The policy in force demands a verified handshake, and Exim reported that this one was not.",
            "Look at tls_verify_hosts and hosts_require_tls of the transport.",
            "RFC 8461 section 4.2; RFC 7672 section 2.2; draft-margolis-smtp-sts-00 section 3.4", Some(ResultType::ValidationFailure);
        TlsaBogus: "tlsa-bogus",
            "The address or TLSA answer for the MX host should have been signed and was not, or wrongly: the mail for this host waits, and goes to another one if there is one.",
            "Compare with `delv _25._tcp.HOST TLSA`; tell the domain's owner. If the host is in a private zone of your network, name that in insecure_zones.",
            "RFC 7672 section 2.1.1", Some(ResultType::DnssecInvalid);
        TlsaRequired: "tlsa-required",
            "A certificate that matches a TLSA record is demanded, by the policy (c=tlsa) or by the configuration, and the host has no usable one: the mail is refused there.",
            "Tell the domain's owner; an override with an end lets the mail go until then.",
            "draft-margolis-smtp-sts-00 section 3.4", Some(ResultType::DaneRequired);
        TlsaUnreachable: "tlsa-unreachable",
            "The name servers did not say whether the MX host has TLSA records: the mail for this host waits, and goes to another one if there is one.",
            "Try `smtp-sts-verify lookup _25._tcp.HOST TLSA`; some name servers drop such questions.",
            "RFC 7672 section 2.1.1", None;
        TooManyMx: "too-many-mx",
            "The domain has more MX records than can be judged, and a policy in force or a signed zone: the mail waits.",
            "Tell the domain's owner.",
            "this program's limits", None;
        Usage: "usage",
            "The command line is wrong: nothing was asked, the mail waits.",
            "See smtp-sts-verify --help.",
            "this program's manual", None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_once_under_a_word_of_its_own_in_order() {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
    }

    #[test]
    fn every_reason_says_what_it_means_for_the_mail_and_where_the_rule_stands() {
        for reason in Reason::ALL {
            let explanation = reason.explain();
            assert!(explanation.word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{reason:?}");
            assert!(explanation.meaning.ends_with('.') && explanation.meaning.len() > 30, "{reason:?}");
            assert!(
                explanation.rule.starts_with("RFC ")
                    || explanation.rule.starts_with("draft-")
                    || explanation.rule.starts_with("this ")
            );
        }
    }
}
