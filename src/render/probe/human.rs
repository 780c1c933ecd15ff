//! A probe for people: first what follows for the mail, then each host, and each of its addresses with what it shows.

use crate::certificate::{Certificate, Says};
use crate::dane::matching::Fate;
use crate::policy::PolicyType;
use crate::probe::consequence::{Action, Cause, Conformity};
use crate::probe::failure::SessionFailure;
use crate::probe::report::{AddressProbe, Chain, DomainProbe, HostProbe, NoAddress, Reach, TlsaRecord};
use crate::render::page::{Page, Paint, Tone};
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::verdict::{DaneHost, LookupError, Tls, Verdict};

/// Characters of an untrusted sentence that are shown.
const SHOWN: usize = 200;

/// Characters of a TLSA record that are shown: the numbers, and enough of a digest to tell it from another one.
const RECORD_SHOWN: usize = 22;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Days so far ahead that nobody counts them.
const FAR: u64 = 1_000;

/// Days before its end at which a certificate is worth a look: most are renewed a month ahead.
const SOON: u64 = 14;

/// One page about all of the domains.
#[must_use]
pub fn page(probes: &[DomainProbe], paint: Paint) -> String {
    let mut page = Page::new(paint);
    for probe in probes {
        domain(&mut page, probe);
    }
    page.finish()
}

fn domain(page: &mut Page, probe: &DomainProbe) {
    let (tone, words) = summary(probe);
    let but = if probe.hosts.iter().any(|host| host.is_dane_of_alias) { ", but not from Exim" } else { "" };
    page.heading(&format!("{}: {words}{but}", probe.domain));
    let judgement = &probe.verification.judgement;
    let reason = judgement.reason.explain();
    match judgement.verdict {
        Verdict::Deliver => {}
        Verdict::Defer | Verdict::Refuse => {
            let words = format!("{} ({}): {}", judgement.verdict.word(), reason.word, reason.meaning);
            page.item("verdict", tone, &words);
        }
    }
    if let Some(policy) = &probe.policy {
        let (dialect, mode) = (judgement.policy.word(), policy.policy.mode().word());
        let (end, left) = (day(policy.expires_at), left(policy.expires_at, probe.at));
        page.item("policy", Tone::Plain, &format!("{dialect}, mode {mode}, until {end} ({left})"));
    }
    for note in &probe.verification.notes {
        page.item("note", Tone::Faint, &excerpt(note, SHOWN));
    }
    for oddity in &probe.mx_oddities {
        page.item("MX", Tone::Bad, &oddity.meaning());
    }
    for host in &probe.hosts {
        of_host(page, probe, host);
    }
    if probe.hosts_left_out > 0 {
        page.heading(&format!("{} more MX hosts were left out", probe.hosts_left_out));
        page.paragraph(Tone::Warning, "--mx HOST asks one of them.");
    }
}

/// What follows for the mail, in one sentence.
fn summary(probe: &DomainProbe) -> (Tone, String) {
    let all = probe.addresses().count();
    let good = probe.addresses().filter(|(_, one)| one.consequence.action.delivers()).count();
    match (probe.reach(), good) {
        (Reach::NoUsableMx, _) => (Tone::Bad, "none of its MX records names a host".to_owned()),
        (Reach::NoHost, _) => (Tone::Good, "it takes no mail, and says so".to_owned()),
        (Reach::Every, _) if all == 1 => (Tone::Good, "its only address would get the mail".to_owned()),
        (Reach::Every, 2) if all == 2 => (Tone::Good, "both addresses would get the mail".to_owned()),
        (Reach::Every, _) if good == all => (Tone::Good, format!("all {all} addresses would get the mail")),
        (Reach::Every, _) => {
            (Tone::Good, format!("all {good} addresses that this machine has a way to would get the mail"))
        }
        (Reach::Some, 0) if all == 1 => (Tone::Bad, "its only address would get no mail".to_owned()),
        (Reach::Some, 0) => (Tone::Bad, format!("none of its {all} addresses would get the mail")),
        (Reach::Some, _) if good == all => {
            (Tone::Bad, format!("all {all} addresses would get the mail, but some host has none"))
        }
        (Reach::Some, _) => (Tone::Bad, format!("{good} of {all} addresses would get the mail")),
        (Reach::CannotBeLookedAt, _) if all == 1 => {
            (Tone::Warning, "its only address cannot be looked at from here".to_owned())
        }
        (Reach::CannotBeLookedAt, _) => (
            Tone::Warning,
            format!(
                "{good} of {all} addresses would get the mail, the others cannot all be looked at from here"
            ),
        ),
        (Reach::Unknown, _) if probe.verification.judgement.verdict == Verdict::Deliver => {
            (Tone::Warning, "its MX hosts could not be asked".to_owned())
        }
        (Reach::Unknown, _) if probe.verification.judgement.verdict == Verdict::Refuse => {
            (Tone::Bad, "none of the hosts that were asked may have its mail".to_owned())
        }
        (Reach::Unknown, _) => (Tone::Warning, "nobody can tell what it demands, its mail waits".to_owned()),
    }
}

fn of_host(page: &mut Page, probe: &DomainProbe, host: &HostProbe) {
    match host.preference {
        Some(preference) => page.heading(&format!("{}, preference {preference}", host.name)),
        None => page.heading(host.name.as_str()),
    }
    let ruling = &host.judgement.ruling;
    let tone = match ruling.verdict {
        Verdict::Deliver => Tone::Plain,
        Verdict::Defer => Tone::Warning,
        Verdict::Refuse => Tone::Bad,
    };
    page.item("demands", tone, &demand(host));
    match &host.dane {
        DaneHost::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)) => {
            let why = excerpt(why, SHOWN);
            page.item("TLSA", Tone::Warning, &format!("nobody can tell whether it has records: {why}"));
        }
        DaneHost::Absent | DaneHost::Unusable | DaneHost::Usable => {}
    }
    if let Some(base) = host.tlsa_base.as_ref().filter(|base| **base != host.name) {
        page.item("TLSA", Tone::Plain, &format!("at {base}, which its name is an alias for"));
    }
    if host.is_dane_of_alias {
        let words = "its name is an alias (CNAME), and its TLSA records stand there alone: Postfix looks there; Exim looks only \
                     where the alias leads, finds none, and its mail waits for ever";
        page.item("TLSA", Tone::Bad, words);
    }
    match &host.addresses {
        Ok(addresses) => addresses.iter().for_each(|address| of_address(page, probe, host, address)),
        Err(NoAddress::Absent) => page.item("address", Tone::Bad, "none: no mail can go there"),
        Err(NoAddress::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why))) => {
            page.item("address", Tone::Warning, &format!("not learnt: {}", excerpt(why, SHOWN)));
        }
    }
    if host.addresses_left_out > 0 {
        let words = format!("{} more were left out", host.addresses_left_out);
        page.item("addresses", Tone::Warning, &words);
    }
}

/// What is demanded of the host before anybody connects.
fn demand(host: &HostProbe) -> String {
    let ruling = &host.judgement.ruling;
    let word = ruling.reason.word();
    match ruling.verdict {
        Verdict::Refuse => {
            return format!("no mail goes there ({word}): {}", ruling.reason.explain().meaning);
        }
        Verdict::Defer => return format!("the mail waits ({word}): {}", ruling.reason.explain().meaning),
        Verdict::Deliver => {}
    }
    let who = match ruling.policy {
        PolicyType::Dane => "DANE: ",
        PolicyType::MtaSts => "MTA-STS: ",
        PolicyType::SmtpSts => "SMTP STS: ",
        PolicyType::Override => "this machine's configuration: ",
        PolicyType::None => "",
    };
    let what = match ruling.tls {
        Tls::Opportunistic => return format!("nothing: TLS if it can be had ({word})"),
        Tls::Encrypt => "TLS with any certificate",
        Tls::WebPki => "a certificate of a public authority for its name",
        Tls::Dane => "a certificate that fits one of its TLSA records",
    };
    format!("{who}{what} ({word})")
}

fn of_address(page: &mut Page, probe: &DomainProbe, host: &HostProbe, address: &AddressProbe) {
    let seen = &address.sighting;
    let (tone, words) = consequence(host, address);
    page.item(&seen.address.to_string(), tone, &words);
    if let Conformity::NotMet(cause) = address.conformity
        && address.consequence.action.delivers()
    {
        let words = format!("what its policy asks for is not met ({}), which is only reported", cause.word());
        page.more(Tone::Warning, &words);
    }
    if let Some(meaning) = cannot(address) {
        page.more(Tone::Plain, meaning);
    }
    if let Some(tls) = seen.tls {
        page.more(Tone::Faint, &format!("{} {}", tls.version, tls.cipher));
    }
    if let Some(chain) = &seen.chain {
        let is_told = matches!(address.consequence.cause, Cause::Certificate(_));
        certificates(page, chain, probe.at, is_told);
    }
    for (record, fate) in host.tlsa.iter().zip(&seen.tlsa) {
        let (tone, mut words) = of_record(record, fate);
        if let Some(issuer) = seen.not_sent(record, fate) {
            let issuer = excerpt(issuer, SHOWN);
            words.push_str(&format!(
                "; it names an authority, and the host does not send the one at the end of its chain, '{issuer}': let it \
                 send that along"
            ));
        }
        page.more(tone, &words);
    }
    if host.dane == DaneHost::Usable
        && !seen.tlsa.iter().any(|fate| matches!(fate, Fate::Matched { .. }))
        && let Some(key) = seen.certificate().and_then(|certificate| certificate.key_sha256.as_ref())
    {
        page.item(&format!("3 1 1 {key}"), Tone::Plain, "is the TLSA record that would fit its key");
    }
}

/// What an enforcing sender would do, and why.
fn consequence(host: &HostProbe, address: &AddressProbe) -> (Tone, String) {
    let (action, cause) = (address.consequence.action, address.consequence.cause);
    let word = cause.word();
    let failed = address.sighting.failure.as_ref().map(of_failure);
    match action {
        Action::Deliver => {
            let how = match host.judgement.ruling.tls {
                Tls::Dane => "in TLS that its TLSA records vouch for",
                Tls::WebPki => "in TLS that a public authority vouches for",
                Tls::Encrypt | Tls::Opportunistic => "in TLS, with any certificate",
            };
            (Tone::Good, format!("gets the mail, {how}"))
        }
        Action::DeliverInClear => {
            (Tone::Warning, format!("gets the mail in clear text ({word}): {}", failed.unwrap_or_default()))
        }
        Action::CannotBeLookedAt => {
            let why = failed.or_else(|| of_cause(cause, address)).unwrap_or_default();
            (Tone::Warning, format!("cannot be looked at from here ({word}): {why}"))
        }
        Action::NotToThisHost | Action::Wait => {
            let (tone, now) = if action == Action::Wait { (Tone::Warning, " now") } else { (Tone::Bad, "") };
            match failed.or_else(|| of_cause(cause, address)) {
                Some(why) => (tone, format!("gets no mail{now} ({word}): {why}")),
                None => (tone, format!("gets no mail{now} ({word})")),
            }
        }
    }
}

/// What mail servers with other libraries do, where ours stops.
fn cannot(address: &AddressProbe) -> Option<&'static str> {
    if address.consequence.action != Action::CannotBeLookedAt {
        return None;
    }
    match address.consequence.cause {
        Cause::Failure(kind) => Some(kind.explain().meaning),
        Cause::Certificate(kind) => Some(kind.explain().meaning),
        Cause::Ruling(_) | Cause::TlsaNoMatch => None,
    }
}

fn of_failure(failure: &SessionFailure) -> String {
    format!("{}: {}", failure.at.place(), excerpt(&failure.why, SHOWN))
}

/// What is missing, where the session itself was completed; what its host is refused for was said above.
fn of_cause(cause: Cause, address: &AddressProbe) -> Option<String> {
    match cause {
        Cause::TlsaNoMatch => Some("no TLSA record fits what it shows".to_owned()),
        Cause::Certificate(_) => match address.sighting.chain.as_ref().map(|chain| &chain.webpki) {
            Some(Err(distrusted)) => Some(excerpt(&distrusted.why, SHOWN)),
            Some(Ok(())) | None => Some("it shows no certificate".to_owned()),
        },
        Cause::Ruling(_) | Cause::Failure(_) => None,
    }
}

/// The server's own certificate in full, the others by name and end, and what public authorities make of them, unless
/// that `is_told`.
fn certificates(page: &mut Page, chain: &Chain, now: UnixTime, is_told: bool) {
    let Some((own, others)) = chain.certificates.split_first() else { return };
    match &own.says {
        None => page.more(Tone::Warning, "its certificate cannot be read"),
        Some(says) => {
            let (tone, until) = until(says, now);
            let names = excerpt(&says.names.join(", "), SHOWN);
            match says.names.is_empty() {
                true => page.more(tone, &format!("certificate that names nobody, {until}")),
                false => page.more(tone, &format!("certificate for {names}, {until}")),
            }
            let issuer = excerpt(&says.issuer, SHOWN);
            page.more(Tone::Faint, &format!("its key: {}; issued by {issuer}", says.key));
        }
    }
    for says in others.iter().filter_map(|other: &Certificate| other.says.as_ref()) {
        let (tone, until) = until(says, now);
        let tone = if tone == Tone::Plain { Tone::Faint } else { tone };
        page.more(tone, &format!("sent along: {}, {until}", excerpt(&says.subject, SHOWN)));
    }
    if own.says.as_ref().is_some_and(|says| says.is_authority) {
        let words =
            "it is an authority's own (CA:TRUE): OpenSSL and GnuTLS take it for a server's, rustls does not";
        page.more(Tone::Warning, words);
    }
    match &chain.webpki {
        Ok(()) => page.more(Tone::Plain, "public authorities vouch for it"),
        Err(_) if is_told => {}
        Err(distrusted) => {
            let (word, why) = (distrusted.kind.word(), excerpt(&distrusted.why, SHOWN));
            page.more(Tone::Faint, &format!("no public authority vouches for it ({word}): {why}"));
        }
    }
}

/// Until when, with a tone for how soon.
fn until(says: &Says, now: UnixTime) -> (Tone, String) {
    let left_for = says.not_after.since(now);
    let (tone, words) = match says.counts_at(now) {
        Ok(()) if left_for > FAR * DAY => return (Tone::Plain, format!("until {}", day(says.not_after))),
        Ok(()) if left_for < SOON * DAY => (Tone::Warning, left(says.not_after, now)),
        Ok(()) => (Tone::Plain, left(says.not_after, now)),
        Err(_) if now < says.not_before => {
            return (Tone::Bad, format!("from {} on, which is not yet", day(says.not_before)));
        }
        Err(_) => (Tone::Bad, left(says.not_after, now)),
    };
    (tone, format!("until {} ({words})", day(says.not_after)))
}

/// The day of a moment, in UTC.
fn day(moment: UnixTime) -> String {
    let text = moment.to_string();
    text.split('T').next().unwrap_or(&text).to_owned()
}

/// How far off an end is.
fn left(end: UnixTime, now: UnixTime) -> String {
    let days = |seconds: u64| match seconds / DAY {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    if now > end {
        format!("ended {} ago", days(now.since(end)))
    } else {
        format!("{} left", days(end.since(now)))
    }
}

fn of_record(record: &TlsaRecord, fate: &Fate) -> (Tone, String) {
    let text = excerpt(&record.text, RECORD_SHOWN);
    let text = text.split(" (").next().unwrap_or(&text);
    let (tone, words) = match fate {
        Fate::Matched { at: Some(0) } => (Tone::Good, "fits its own certificate".to_owned()),
        Fate::Matched { at: Some(_) } => (Tone::Good, "fits an authority above its certificate".to_owned()),
        Fate::Matched { at: None } => (
            Tone::Warning,
            "brings the authority above its certificate, which the host does not send: senders with OpenSSL take that, \
             senders with GnuTLS refuse it"
                .to_owned(),
        ),
        Fate::NotMatched => (Tone::Warning, "does not fit".to_owned()),
        Fate::Unverified(why) => (Tone::Bad, format!("would fit, but: {}", excerpt(why, SHOWN))),
        Fate::Unusable(why) => (Tone::Warning, format!("cannot be used: {why}")),
        Fate::Superseded => (Tone::Faint, "superseded by a stronger digest".to_owned()),
        Fate::NotReached => (Tone::Faint, "not compared".to_owned()),
    };
    (tone, format!("TLSA {text}: {words}"))
}
