//! A probe for people: first what follows for the mail, then each host, and each of its addresses with what it shows.

use crate::dane::matching::Fate;
use crate::probe::certificate::{Certificate, Says};
use crate::probe::consequence::{Action, Cause, Conformity};
use crate::probe::failure::Failure;
use crate::probe::report::{AddressProbe, Chain, DomainProbe, HostProbe, NoAddress, Reach, TlsaRecord};
use crate::render::page::{Page, Paint, Tone};
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::verdict::{DaneHost, PolicyType, Tls, Trouble, Verdict};

/// Characters of a stranger's sentence that are shown.
const SHOWN: usize = 200;

/// Characters of a TLSA record that are shown: the numbers, and enough of a digest to tell it from another one.
const RECORD_SHOWN: usize = 22;

/// Seconds of a day.
const DAY: u64 = 86_400;

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
    let judgement = &probe.verification.judgement;
    page.heading(&format!("{}: {}", probe.domain, summary(probe)));
    let tone = match judgement.verdict {
        Verdict::Deliver => Tone::Plain,
        Verdict::Defer => Tone::Warning,
        Verdict::Refuse => Tone::Bad,
    };
    let reason = judgement.reason.explain();
    page.item(
        "decision",
        tone,
        &format!("{} ({}): {}", judgement.verdict.word(), reason.word, reason.meaning),
    );
    if let Some(policy) = &probe.policy {
        let left = left(policy.expires_at, probe.at);
        let mode = policy.policy.mode().word();
        page.item("policy", Tone::Plain, &format!("mode {mode}, until {} ({left})", policy.expires_at));
    }
    for note in &probe.verification.notes {
        page.item("note", Tone::Faint, &excerpt(note, SHOWN));
    }
    for host in &probe.hosts {
        of_host(page, probe, host);
    }
    if probe.hosts_left_out > 0 {
        let words = format!("{} more MX hosts were left out; --mx HOST asks one.", probe.hosts_left_out);
        page.heading("and others");
        page.paragraph(Tone::Warning, &words);
    }
}

/// What follows for the mail, in one sentence.
fn summary(probe: &DomainProbe) -> String {
    let all = probe.addresses().count();
    let good = probe.addresses().filter(|(_, one)| one.consequence.action.delivers()).count();
    match probe.reach() {
        Reach::NoHost => "no host takes its mail".to_owned(),
        Reach::Every if all == 1 => "its only address would get the mail".to_owned(),
        Reach::Every if good == all => format!("all {all} addresses would get the mail"),
        Reach::Every => format!("all {good} addresses that this machine has a way to would get the mail"),
        Reach::Some => format!("{good} of {all} addresses would get the mail"),
        Reach::Unknown => "nobody can tell whether mail would arrive".to_owned(),
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
        DaneHost::Unknown(Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why)) => {
            let why = excerpt(why, SHOWN);
            page.item("TLSA", Tone::Warning, &format!("nobody can tell whether it has records: {why}"));
        }
        DaneHost::Absent | DaneHost::Unusable | DaneHost::Usable => {}
    }
    if let Some(base) = host.tlsa_base.as_ref().filter(|base| **base != host.name) {
        page.item("TLSA", Tone::Plain, &format!("at {base}, which its name is an alias for"));
    }
    match &host.addresses {
        Ok(addresses) => addresses.iter().for_each(|address| of_address(page, probe, host, address)),
        Err(NoAddress::Absent) => page.item("address", Tone::Bad, "none: no mail can go there"),
        Err(NoAddress::Unknown(Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why))) => {
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
        PolicyType::Dane => " by DANE",
        PolicyType::MtaSts => " by MTA-STS",
        PolicyType::SmtpSts => " by the draft's policy",
        PolicyType::Override => " by this machine's configuration",
        PolicyType::None => "",
    };
    let what = match ruling.tls {
        Tls::Opportunistic => return format!("nothing: TLS if it can be had ({word})"),
        Tls::Encrypt => "TLS with any certificate",
        Tls::WebPki => "a certificate of a public authority for its name",
        Tls::Dane => "a certificate that fits one of its TLSA records",
    };
    format!("{what},{who} ({word})")
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
    if let Some(tls) = seen.tls {
        page.more(Tone::Faint, &format!("{} {}", tls.version, tls.cipher));
    }
    if let Some(chain) = &seen.chain {
        certificates(page, chain, probe.at);
    }
    for (record, fate) in host.tlsa.iter().zip(&seen.tlsa) {
        let (tone, words) = of_record(record, fate);
        page.more(tone, &words);
    }
    if host.dane == DaneHost::Usable
        && !seen.tlsa.iter().any(|fate| matches!(fate, Fate::Matched { .. }))
        && let Some(key) = seen.certificate().and_then(|certificate| certificate.key_sha256.as_ref())
    {
        page.more(Tone::Plain, "a TLSA record that would fit its key:");
        page.more(Tone::Plain, &format!("3 1 1 {key}"));
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
            (Tone::Good, format!("gets the mail, {how} ({word})"))
        }
        Action::DeliverInClear => {
            (Tone::Warning, format!("gets the mail in clear text ({word}): {}", failed.unwrap_or_default()))
        }
        Action::NotToThisHost => {
            let why = failed.unwrap_or_else(|| of_cause(cause, address));
            (Tone::Bad, format!("gets no mail ({word}): {why}"))
        }
        Action::Wait => {
            let why = failed.unwrap_or_else(|| of_cause(cause, address));
            (Tone::Warning, format!("gets no mail now ({word}): {why}"))
        }
    }
}

fn of_failure(failure: &Failure) -> String {
    format!("at {}, {}", failure.at.word(), excerpt(&failure.why, SHOWN))
}

/// What is missing, where the session itself was completed.
fn of_cause(cause: Cause, address: &AddressProbe) -> String {
    match cause {
        Cause::TlsaNoMatch => "no TLSA record fits what it shows".to_owned(),
        Cause::Certificate(_) => match address.sighting.chain.as_ref().map(|chain| &chain.webpki) {
            Some(Err(distrusted)) => {
                format!("its certificate does not do: {}", excerpt(&distrusted.why, SHOWN))
            }
            Some(Ok(())) | None => "it shows no certificate".to_owned(),
        },
        Cause::Ruling(reason) => reason.explain().meaning.to_owned(),
        Cause::Failure(_) => String::new(),
    }
}

/// The server's own certificate in full, the others by name and end, and what public authorities make of them.
fn certificates(page: &mut Page, chain: &Chain, now: UnixTime) {
    let Some((own, others)) = chain.certificates.split_first() else { return };
    match &own.says {
        None => page.more(Tone::Warning, "its certificate cannot be read"),
        Some(says) => {
            let (names, issuer) = (says.for_whom(), excerpt(&says.issuer, SHOWN));
            page.more(Tone::Plain, &format!("certificate: {names}; issued by {issuer}; {}", says.key));
            let (tone, until) = until(says, now);
            page.more(tone, &format!("  {until}"));
        }
    }
    for says in others.iter().filter_map(|other: &Certificate| other.says.as_ref()) {
        let (tone, until) = until(says, now);
        page.more(tone, &format!("sent along: {}; {until}", excerpt(&says.subject, SHOWN)));
    }
    match &chain.webpki {
        Ok(()) => page.more(Tone::Plain, "public authorities vouch for it"),
        Err(distrusted) => {
            let (word, why) = (distrusted.kind.word(), excerpt(&distrusted.why, SHOWN));
            page.more(Tone::Plain, &format!("no public authority vouches for it ({word}): {why}"));
        }
    }
}

/// Until when, with a tone for how soon.
fn until(says: &Says, now: UnixTime) -> (Tone, String) {
    let left_for = says.not_after.since(now);
    let (tone, words) = match says.counts_at(now) {
        Ok(()) if left_for < SOON * DAY => (Tone::Warning, left(says.not_after, now)),
        Ok(()) => (Tone::Plain, left(says.not_after, now)),
        Err(_) if now < says.not_before => {
            return (Tone::Bad, format!("from {}, which is not yet", says.not_before));
        }
        Err(_) => (Tone::Bad, left(says.not_after, now)),
    };
    (tone, format!("until {} ({words})", says.not_after))
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
        Fate::Matched { at: None } => (Tone::Good, "brings the authority above its certificate".to_owned()),
        Fate::NotMatched => (Tone::Warning, "does not fit".to_owned()),
        Fate::Unverified(why) => (Tone::Bad, format!("would fit, but: {}", excerpt(why, SHOWN))),
        Fate::Unusable(why) => (Tone::Warning, format!("cannot be used: {why}")),
        Fate::Outdone => (Tone::Faint, "does not count beside a stronger digest".to_owned()),
        Fate::NotReached => (Tone::Faint, "not compared".to_owned()),
    };
    (tone, format!("TLSA {text}: {words}"))
}
