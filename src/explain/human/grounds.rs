//! Where the mail goes, and what DANE asks of it there.

use super::dns::DnsWriter;
use super::rule;
use crate::explain::{Dane, Exchangers, Said};
use crate::render::page::{Page, Tone};

pub(super) fn exchangers(page: &mut Page, exchangers: &Exchangers, dns: &mut DnsWriter) {
    let tone = match exchangers.state {
        "unknown" | "too-many" => Tone::Warning,
        _ => Tone::Plain,
    };
    page.item("MX", tone, &exchangers.meaning);
    for exchanger in &exchangers.hosts {
        let preference = exchanger.preference.map_or_else(|| "-".to_owned(), |number| number.to_string());
        page.more(Tone::Plain, &format!("{preference} {}", exchanger.host));
    }
    exchangers.questions.iter().for_each(|asked| dns.tell(page, asked));
    rule(page, exchangers.rule);
}

pub(super) fn dane(page: &mut Page, dane: &Dane, dns: &mut DnsWriter) {
    if let Some(why) = &dane.why {
        page.item("DANE", Tone::Plain, &format!("does not apply: {why}"));
    }
    for host in &dane.hosts {
        let tone = match host.state {
            "usable" => Tone::Good,
            "unknown" => Tone::Bad,
            "unusable" => Tone::Warning,
            _ => Tone::Plain,
        };
        page.item("host", Tone::Strong, &host.host);
        page.more(tone, host.meaning);
        let is_told = |why: &Said| {
            host.questions.iter().any(|asked| asked.fault.as_ref().is_some_and(|fault| fault.why == *why))
        };
        if let Some(why) = host.why.as_ref().filter(|why| !is_told(why)) {
            page.more(tone, &why.0);
        }
        for record in &host.records {
            page.item("TLSA", Tone::Plain, &record.record.0);
            match &record.unusable {
                Some(why) => page.more(Tone::Warning, &format!("unusable: {why}")),
                None => page.more(Tone::Plain, "usable"),
            }
        }
        host.questions.iter().for_each(|asked| dns.tell(page, asked));
    }
    rule(page, dane.rule);
}
