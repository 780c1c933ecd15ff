//! What Exim does with the answer, by the files of `exim/enforce`, and what the sender finds in its log.
//!
//! The words are those of the routers' files; a test holds them against these. Those behind a failed connection are
//! Exim's own (4.96 and later).

use super::exchangers::Exchangers;
use super::rule;
use super::said::Said;
use crate::name::PolicyDomain;
use crate::policy::PolicyType;
use crate::reason::Reason;
use crate::render::exim::{Asker, line};
use crate::verdict::{Judgement, MxCheck, Permitted, Tls, Tlsa, Verdict};
use crate::verify::Report;
use serde::Serialize;

/// What Exim does with the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exim {
    /// The line that the enforcing router gets.
    pub line: String,
    /// `defers`, `enforces`, `ordinary` or `returns`.
    pub action: Action,
    /// The same in a sentence.
    pub meaning: &'static str,
    /// What stands in Exim's log, case by case.
    pub log: Vec<LogLine>,
    /// What the sender sees.
    pub sender: &'static str,
    /// Where the rule stands.
    pub rule: &'static str,
}

/// What Exim does with the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It keeps it for a later try.
    Defers,
    /// It sends it to permitted hosts, with the TLS that is demanded.
    Enforces,
    /// It does what it would do without this program.
    Ordinary,
    /// It sends it back.
    Returns,
}

/// A line of Exim's log, and when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When.
    pub when: &'static str,
    /// The line; what stands in capitals is known at delivery only.
    pub line: Said,
}

/// The router that asks, and its words where the answer is not `deliver`. `$domain` and `$reason` stand for what Exim
/// puts there.
pub const ASK: (&str, &str) = ("smtp_sts_ask", "TLS policy of $domain cannot be told now ($reason)");
/// The router that finds out that Exim's own resolver does not validate.
pub const RESOLVER: (&str, &str) = (
    "smtp_sts_resolver",
    "$domain has TLSA records, but Exim cannot do DANE: its resolver does not say that it validates. \
     /etc/resolv.conf needs a validating resolver and \"options trust-ad\"",
);
/// The router that takes its place where Exim is built without DANE.
pub const WITHOUT_DANE: (&str, &str) = (
    "smtp_sts_without_dane",
    "$domain has TLSA records, but this Exim is built without DANE: its mail waits, unless the configuration \
     says that CAs are enough",
);
/// The router that leads to the hosts that may be used.
pub const PERMITTED: &str = "smtp_sts_permitted";
/// The router behind it, for a domain that takes no mail.
pub const NULL_MX: (&str, &str) = ("smtp_sts_none_permitted", "$domain takes no mail (null MX)");
/// The same router, where no host is left.
pub const NONE_PERMITTED: (&str, &str) =
    ("smtp_sts_none_permitted", "no usable MX host of $domain is permitted by its TLS policy ($reason)");
/// Debian's own router and transport, for everything else.
pub const ORDINARY: (&str, &str) = ("dnslookup", "remote_smtp");

/// Exim's own words for a null MX.
pub(super) const NO_SERVICE: &str = "an MX or SRV record indicated no SMTP service";
/// Exim's words where a host offers no TLS.
const NO_TLS: &str =
    "defer (-38) H=HOST [ADDRESS]: a TLS session is required, but the server did not offer TLS support";
/// Exim's words linked with GnuTLS, as Debian builds it, where a host's certificate matches no TLSA record, where no authority
/// vouches for it, and where Exim sees no TLSA record.
const DANE_FAILED: &str = "defer (-37) H=HOST [ADDRESS]: TLS session: (certificate verification failed): Verification failed. The certificate differs.";
const NOT_VERIFIED: &str =
    "defer (-37) H=HOST [ADDRESS]: TLS session: (certificate verification failed): certificate invalid";
const NO_TLSA: &str = "defer (-37) H=HOST [ADDRESS]: TLS session: (gnutls_priority_init(no-usable-TLSA-record) failed at offset 0, \"no-usa..\"): The request is invalid.";
/// Its words linked with OpenSSL where a certificate does not verify, by authorities or by TLSA records, and where it sees no
/// TLSA record.
const NOT_VERIFIED_BY_OPENSSL: &str = "defer (-37) H=HOST [ADDRESS]: TLS session: (SSL_connect): error:0A000086:SSL routines::certificate verify failed";
const NO_TLSA_BY_OPENSSL: &str = "defer (-37) H=HOST [ADDRESS]: TLS session: (SSL_CTX_set_cipher_list): error:0A0000B9:SSL routines::no cipher match";

/// The transport for the least TLS that is demanded, as the router chooses it.
#[must_use]
pub const fn transport(tls: Tls) -> &'static str {
    match tls {
        Tls::Opportunistic => ORDINARY.1,
        Tls::Encrypt => "smtp_sts_encrypt",
        Tls::WebPki => "smtp_sts_webpki",
        Tls::Dane => "smtp_sts_dane",
    }
}

impl Exim {
    /// What Exim does when its router asks about the domain and the judgement is this.
    #[must_use]
    pub fn of(
        domain: &PolicyDomain,
        judgement: &Judgement,
        report: &Report,
        mx: Option<&Exchangers>,
    ) -> Self {
        let returned = mx.and_then(|mx| mx.returned).filter(|_| asks_nothing(judgement));
        let action = if returned.is_some() { Action::Returns } else { Action::of(judgement) };
        let log = match (action, judgement.reason) {
            (Action::Returns, _) if returned.is_some() => {
                vec![LogLine::always(format!("** user@{domain}: {}", returned.unwrap_or_default()))]
            }
            (Action::Defers, _) => vec![LogLine::always(waits(domain, judgement, ASK, "-1"))],
            (Action::Enforces, _) => enforced(domain, judgement),
            (Action::Ordinary, _) => vec![LogLine {
                when: "a host takes it",
                line: arrives(domain, ORDINARY.0, ORDINARY.1, "").into(),
            }],
            // The ordinary router returns it in words of its own.
            (Action::Returns, _) if asks_nothing(judgement) => {
                vec![LogLine::always(format!("** user@{domain}: {NO_SERVICE}"))]
            }
            (Action::Returns, _) => {
                let (router, words) = NULL_MX;
                vec![LogLine::always(format!(
                    "** user@{domain} R={router}: {}",
                    filled(words, domain, judgement)
                ))]
            }
        };
        let report = Report { judgement: judgement.clone(), ..report.clone() };
        let (meaning, sender) = action.told();
        let sender = if returned.is_some() { "A bounce that says so." } else { sender };
        Self { line: line(&report, Asker::Router), action, meaning, log, sender, rule: rule::EXIM }
    }
}

impl Action {
    /// Every one, in the order of the words.
    pub const ALL: [Self; 4] = [Self::Defers, Self::Enforces, Self::Ordinary, Self::Returns];

    fn of(judgement: &Judgement) -> Self {
        if judgement.verdict != Verdict::Deliver {
            Self::Defers
        } else if judgement.reason == Reason::NullMx {
            Self::Returns
        } else if asks_nothing(judgement) {
            Self::Ordinary
        } else {
            Self::Enforces
        }
    }

    /// What it means, and what the sender sees.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Defers => (
                "The mail waits in the queue and is tried again, by Exim's retry rules.",
                "Nothing at first; by Debian's settings a warning after a day, and the mail back after four.",
            ),
            Self::Enforces => (
                "The mail goes to permitted hosts only, and with the TLS that is demanded or not at all.",
                "Nothing where a host takes it. Else it waits; by Debian's settings it comes back after four days.",
            ),
            Self::Ordinary => (
                "The mail goes on to the routers that were there before, as if this program were not there.",
                "What ordinary mail shows.",
            ),
            Self::Returns => (
                "The mail goes back to its sender at once.",
                "A bounce that says that the domain takes no mail.",
            ),
        }
    }
}

impl LogLine {
    fn always(line: String) -> Self {
        Self { when: "always", line: line.into() }
    }
}

/// A router's words with what Exim puts into them.
fn filled(words: &str, domain: &PolicyDomain, judgement: &Judgement) -> String {
    words.replace("$domain", domain.as_str()).replace("$reason", judgement.reason.word())
}

/// The line of an address that a router lets wait; the code is Exim's.
fn waits(domain: &PolicyDomain, judgement: &Judgement, (router, words): (&str, &str), code: &str) -> String {
    format!("== user@{domain} R={router} defer ({code}): {}", filled(words, domain, judgement))
}

/// Whether the routers leave the mail to those that were there before (SMTP_STS_ASKS_NOTHING).
fn asks_nothing(judgement: &Judgement) -> bool {
    let frees_of_dane = judgement.policy == PolicyType::Override && judgement.mx == MxCheck::Match;
    judgement.tls == Tls::Opportunistic && judgement.permitted == Permitted::Every && !frees_of_dane
}

fn arrives(domain: &PolicyDomain, router: &str, transport: &str, tls: &str) -> String {
    format!("=> user@{domain} R={router} T={transport} H=HOST [ADDRESS]{tls}")
}

/// What may stand in the log where conditions hold.
fn enforced(domain: &PolicyDomain, judgement: &Judgement) -> Vec<LogLine> {
    let tls = judgement.tls;
    let transport = transport(tls);
    let shown = match tls {
        Tls::Opportunistic => "",
        Tls::Encrypt => " X=TLS...",
        Tls::WebPki => " X=TLS... CV=yes",
        Tls::Dane => " X=TLS... CV=dane",
    };
    let fails = |words: &str| format!("== user@{domain} R={PERMITTED} T={transport} {words}");
    let resolver_does_not_validate = || waits(domain, judgement, RESOLVER, "-1");
    let mut log = vec![("a permitted host takes it", arrives(domain, PERMITTED, transport, shown))];
    if tls != Tls::Opportunistic {
        log.push(("no permitted host offers TLS", fails(NO_TLS)));
    }
    if tls == Tls::WebPki {
        log.push(("no permitted host has a certificate that verifies", fails(NOT_VERIFIED)));
        log.push(("the same, if Exim is linked with OpenSSL", fails(NOT_VERIFIED_BY_OPENSSL)));
    }
    if tls == Tls::Dane {
        log.push(("no permitted host has a certificate that matches", fails(DANE_FAILED)));
        log.push(("the same, if Exim is linked with OpenSSL", fails(NOT_VERIFIED_BY_OPENSSL)));
        log.push(("Exim sees no TLSA record of a permitted host", fails(NO_TLSA)));
        log.push(("the same, if Exim is linked with OpenSSL", fails(NO_TLSA_BY_OPENSSL)));
    }
    let is_held_to_tlsa = judgement.tlsa == Some(Tlsa::Usable);
    if tls == Tls::Dane || (tls != Tls::Opportunistic && is_held_to_tlsa) {
        log.push(("Exim's own resolver does not validate", resolver_does_not_validate()));
        log.push(("Exim is built without DANE", waits(domain, judgement, WITHOUT_DANE, "-1")));
    }
    log.push(("Exim finds none of the permitted hosts", waits(domain, judgement, NONE_PERMITTED, "-32")));
    log.into_iter().map(|(when, line)| LogLine { when, line: line.into() }).collect()
}
