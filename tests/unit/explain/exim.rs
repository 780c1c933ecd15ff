//! What Exim does and logs, held against the files that make it do so.

use smtp_sts_verify::explain::exim::{
    ASK, NONE_PERMITTED, NULL_MX, ORDINARY, PERMITTED, RESOLVER, WITHOUT_DANE, transport,
};
use smtp_sts_verify::verdict::Tls;
use std::fs;

fn file(name: &str) -> String {
    fs::read_to_string(format!("{}/exim/enforce/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// One router or transport: from its name to the next one, continued lines put together, with `$reason` for what Exim
/// takes out of the answer.
fn section(text: &str, name: &str) -> String {
    let start = text.find(&format!("\n{name}:\n")).unwrap_or_else(|| panic!("no {name}")) + 1;
    let rest = &text[start..];
    let body = rest.lines().skip(1).take_while(|line| line.starts_with(' ') || line.starts_with('.'));
    let joined = body.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let words = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .replace("${extract{reason}{$address_data}{$value}{no reason given}}", "$reason")
        .replace("${extract{reason}{$address_data}}", "$reason")
}

#[test]
fn the_words_of_the_log_are_those_of_the_routers() {
    let routers = file("router/190_smtp-sts-verify");
    for ((router, words), keyword) in [
        (ASK, ":defer:"),
        (RESOLVER, ":defer:"),
        (WITHOUT_DANE, ":defer:"),
        (NONE_PERMITTED, ":defer:"),
        (NULL_MX, ":fail:"),
    ] {
        let section = section(&routers, router);
        assert!(section.contains(&format!("{keyword} {words}")), "{router}: {words}\n{section}");
    }
}

#[test]
fn a_demand_for_tls_leads_to_the_transport_that_is_named() {
    let permitted = section(&file("router/190_smtp-sts-verify"), PERMITTED);
    let transports = file("transport/31_smtp-sts-verify");
    let main = file("main/000_smtp-sts-verify");
    for tls in [Tls::Opportunistic, Tls::Encrypt, Tls::WebPki, Tls::Dane] {
        let name = match tls {
            Tls::Opportunistic => "SMTP_STS_ORDINARY_TRANSPORT",
            _ => transport(tls),
        };
        assert!(permitted.contains(&format!("{}={name}", tls.word())), "{tls:?}: {permitted}");
        let stands = match tls {
            Tls::Opportunistic => main.contains(&format!("{name} = {}\n", ORDINARY.1)),
            _ => transports.contains(&format!("\n{name}:\n")),
        };
        assert!(stands, "{name}");
    }
}

/// What [`exim::Action`](smtp_sts_verify::explain::exim::Action) is reckoned from. Whoever changes these macros has to
/// look at `src/explain/exim.rs`, too.
#[test]
fn the_macros_that_tell_ordinary_mail_apart_are_the_known_ones() {
    let main = file("main/000_smtp-sts-verify");
    let nothing =
        r"{\N^verdict=deliver tls=opportunistic (?!policy=override .* mx=match ).* mxre=\^\(\.\+\)\$\z\N}";
    assert!(main.contains(&format!("SMTP_STS_ASKS_NOTHING = match{{$address_data}}\\\n    {nothing}\n")));
    for dane in [
        r"SMTP_STS_ASKS_FOR_DANE = match{$address_data}{\N^verdict=deliver tls=(dane|encrypt(?!.* tlsa=unusable )) \N}",
        r"SMTP_STS_WANTS_DANE = match{$address_data}{\N^verdict=deliver tls=(dane |encrypt (?!.* tlsa=unusable )|webpki .* tlsa=usable )\N}",
    ] {
        assert!(main.contains(&format!("\n{dane}\n")), "{dane}");
    }
    let router = file("router/190_smtp-sts-verify");
    assert!(section(&router, RESOLVER.0).contains("condition = ${if and{{SMTP_STS_WANTS_DANE}"));
    assert!(section(&router, WITHOUT_DANE.0).contains("condition = ${if and{{SMTP_STS_WANTS_DANE}"));
    assert!(section(&router, ASK.0).contains("!eq{${extract{verdict}{$address_data}}}{deliver}"));
    for router_behind in [PERMITTED, NONE_PERMITTED.0] {
        assert!(section(&router, router_behind).contains("condition = ${if !SMTP_STS_ASKS_NOTHING}"));
    }
}
