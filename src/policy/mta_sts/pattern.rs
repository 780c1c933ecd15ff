//! The value of one `mx` (RFC 8461 section 3.2), the field's usual mistakes by name.

use crate::policy::lint::{Code, Finding, Inspected};
use crate::policy::pattern::MxPattern;
use std::net::Ipv4Addr;
use std::ops::Range;

/// Reads a pattern as a policy file has it: `["*."] Domain`, in which a final dot is dropped and U-labels become
/// A-labels (each with a warning).
#[must_use]
pub fn pattern(text: &str) -> Inspected<MxPattern> {
    read(text, text.as_bytes(), 0..text.len())
}

/// Reads the value that stands at `at` of `input`.
pub(super) fn read(value: &str, input: &[u8], at: Range<usize>) -> Inspected<MxPattern> {
    let found = |code| Finding::new(code, input, at.clone());
    let bare = value.strip_suffix('.').filter(|bare| !bare.ends_with('*')).unwrap_or(value);
    let Some(pattern) = MxPattern::with_u_labels(bare) else {
        return Inspected::malformed(found(fault(value)));
    };
    let noticed = [
        (bare.len() < value.len(), Code::MtaStsPolicyMxTrailingDot),
        (!bare.is_ascii(), Code::MtaStsPolicyMxULabel),
        (pattern.is_top_level(), Code::MtaStsPolicyMxTopLevel),
    ];
    let findings = noticed.into_iter().filter(|(is_so, _)| *is_so).map(|(_, code)| found(code)).collect();
    Inspected::new(pattern, findings)
}

/// Which mistake it is, so that the finding can name the way to mend it.
fn fault(value: &str) -> Code {
    let name = value.strip_prefix("*.").unwrap_or(value);
    if value.contains([',', ';', ' ']) {
        Code::MtaStsPolicyMxList
    } else if matches!(value, "*" | "*.") {
        Code::MtaStsPolicyMxAny
    } else if value.starts_with('.') {
        Code::MtaStsPolicyMxDot
    } else if name.contains('*') {
        Code::MtaStsPolicyMxWildcard
    } else if is_with_port(name) {
        Code::MtaStsPolicyMxPort
    } else if name.contains([':', '['])
        || !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        Code::MtaStsPolicyMxAddress
    } else if name.contains('_') {
        Code::MtaStsPolicyMxUnderscore
    } else {
        Code::MtaStsPolicyMx
    }
}

/// Whether a port stands behind a name, or behind an address: `HOST:PORT`.
fn is_with_port(name: &str) -> bool {
    let port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    name.rsplit_once(':').is_some_and(|(host, behind)| {
        let host = host.strip_suffix('.').unwrap_or(host);
        port(behind)
            && (MxPattern::with_u_labels(host).is_some()
                || host.parse::<Ipv4Addr>().is_ok()
                || host.ends_with(']'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&'static str> {
        let findings = pattern(text).findings;
        findings.iter().map(|f| f.code.word().strip_prefix("mta-sts.policy.").unwrap()).collect()
    }

    #[test]
    fn what_works_by_tolerance_only_is_read_with_a_warning() {
        for (given, read, noticed) in [
            ("mx.example.com", "mx.example.com", &[][..]),
            ("*.Example.COM", "*.example.com", &[]),
            ("mx1", "mx1", &[]),
            ("mx.example.com.", "mx.example.com", &["mx-trailing-dot"]),
            ("*.bücher.example.", "*.xn--bcher-kva.example", &["mx-trailing-dot", "mx-u-label"]),
            ("*.com", "*.com", &["mx-top-level"]),
        ] {
            assert_eq!(pattern(given).value.unwrap().to_string(), read);
            assert_eq!(words(given), noticed, "{given}");
        }
    }

    #[test]
    fn every_usual_mistake_has_a_word_of_its_own() {
        for (given, word) in [
            ("*", "mx-any"),
            ("*.", "mx-any"),
            (".example.com", "mx-dot"),
            (".", "mx-dot"),
            ("a.example, b.example", "mx-list"),
            ("a.example b.example", "mx-list"),
            ("a.example,b.example", "mx-list"),
            ("*.*.example.com", "mx-wildcard"),
            ("mx*.example.com", "mx-wildcard"),
            ("mx.*.com", "mx-wildcard"),
            ("**.example.com", "mx-wildcard"),
            ("192.0.2.1", "mx-address"),
            ("*.192.0.2.1", "mx-address"),
            ("[192.0.2.1]", "mx-address"),
            ("2001:db8::1", "mx-address"),
            ("::25", "mx-address"),
            ("mail.example:25", "mx-port"),
            ("mail.example.:25", "mx-port"),
            ("*.mail.example:587", "mx-port"),
            ("192.0.2.1:25", "mx-port"),
            ("[2001:db8::1]:25", "mx-port"),
            ("mail.example:smtp", "mx-address"),
            ("_.example.com", "mx-underscore"),
            ("m_x.example.com", "mx-underscore"),
            ("-mx.example.com", "mx"),
            ("mx..example.com", "mx"),
            ("mx.example.com..", "mx"),
            ("", "mx"),
        ] {
            assert_eq!(words(given), [word], "{given}");
            assert!(pattern(given).value.is_err(), "{given}");
        }
    }
}
