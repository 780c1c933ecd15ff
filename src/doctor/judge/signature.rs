//! The signature of reports: what Exim makes of a test message, held against the key that is published.

use super::reports::published;
use super::{fine, unchecked, warning};
use crate::doctor::observations::{Reports, TestMessage};
use crate::doctor::read::dkim::{self, Fault, RSA_BITS};
use crate::doctor::{Check, Finding};
use crate::text::excerpt;
use data_encoding::BASE64;

/// Fields that have to be signed (RFC 6376 section 5.4, RFC 8460 section 5.3).
const SIGNED: [&str; 3] = ["from", "tls-report-domain", "tls-report-submitter"];

/// Bits that an RSA key should have at least (RFC 8301 section 3.2).
const RECOMMENDED_BITS: usize = 2_048;

/// Judges the signature of a test message that did not leave the machine.
pub(super) fn judge(reports: &Reports) -> Finding {
    const CHECK: Check = Check::ReportsSignature;
    let message = match &reports.signed {
        Ok(TestMessage::HandedOver(message)) => message,
        Ok(TestMessage::Kept(why)) => {
            return warning(CHECK, format!("Exim did not hand over a test message: {why}"));
        }
        Err(why) => return unchecked(CHECK, format!("no test message was signed: {why}")),
    };
    let key = reports.key.as_ref().map_err(Clone::clone).and_then(|records| match records.as_slice() {
        [record] => BASE64.decode(published(record).as_bytes()).map_err(|_| "its record has none".to_owned()),
        _ => Err("no single record has one".to_owned()),
    });
    let key = match key {
        Ok(key) if !key.is_empty() => key,
        Ok(_) => return unchecked(CHECK, "a test message is held against no key: its record has none"),
        Err(why) => return unchecked(CHECK, format!("a test message is held against no key: {why}")),
    };
    let signature = match dkim::verified(message, &key) {
        Ok(signature) => signature,
        Err(fault) => {
            return warning(
                CHECK,
                match fault {
                    Fault::Bits(bits) if bits < *RSA_BITS.start() => {
                        return warning(
                            CHECK,
                            format!(
                                "a test message was signed by an RSA key of {bits} bits: too short to count anywhere"
                            ),
                        );
                    }
                    Fault::Bits(bits) => {
                        return unchecked(
                            CHECK,
                            format!(
                                "a test message was signed by an RSA key of {bits} bits, more than is verified here"
                            ),
                        );
                    }
                    Fault::Missing => "a test message was not signed",
                    Fault::Several => "a test message was signed several times",
                    Fault::Malformed => "the signature of a test message cannot be read",
                    Fault::Body => "the signature of a test message is not of its body",
                    Fault::Key => "the signature of a test message is by another key than the published one",
                },
            );
        }
    };
    let domain = reports.contact.rsplit_once('@').map_or("", |(_, domain)| domain);
    let selector = reports.selector.as_deref().unwrap_or_default();
    let shown = (excerpt(&signature.selector, 64), excerpt(&signature.domain, 120));
    if !signature.domain.eq_ignore_ascii_case(domain) {
        return warning(
            CHECK,
            format!("a test message was signed for {}, and contact is of {domain}", shown.1),
        );
    }
    if !signature.selector.eq_ignore_ascii_case(selector) {
        return warning(CHECK, format!("a test message was signed by the selector {}", shown.0));
    }
    if let Some(field) = SIGNED.into_iter().find(|field| !signature.fields.iter().any(|one| one == field)) {
        return warning(CHECK, format!("the signature of a test message leaves {field} out"));
    }
    if signature.is_of_a_part {
        return warning(CHECK, "the signature of a test message is of a part of its body (l=)");
    }
    if let Some(bits) = signature.rsa_bits.filter(|bits| *bits < RECOMMENDED_BITS || bits > RSA_BITS.end()) {
        let why = if bits < RECOMMENDED_BITS {
            "some receivers refuse fewer than 2048"
        } else {
            "receivers need not take more than 4096"
        };
        return warning(CHECK, format!("a test message verifies, by an RSA key of {bits} bits: {why}"));
    }
    fine(CHECK, format!("a test message verifies: s={}, d={}; it stayed here", shown.0, shown.1))
}

#[cfg(test)]
mod tests {
    use super::super::reports::tests::{KEY, SIGNED_MESSAGE, good};
    use super::*;
    use crate::doctor::Health;

    #[test]
    fn a_test_message_that_receivers_would_not_take_is_told() {
        let message = |text: &str| Ok(TestMessage::HandedOver(text.to_owned()));
        let unsigned = SIGNED_MESSAGE.replace("DKIM-Signature", "X-Signature");
        let changed = SIGNED_MESSAGE.replace("a test.", "a text.");
        for (signed, expected, words) in [
            (message(SIGNED_MESSAGE), Health::Fine, "a test message verifies: s=tlsrpt1, d=example.org"),
            (message(&unsigned), Health::Warning, "was not signed"),
            (message(&changed), Health::Warning, "not of its body"),
            (message(""), Health::Warning, "cannot be read"),
            (
                Ok(TestMessage::Kept("DKIM: unable".into())),
                Health::Warning,
                "did not hand over a test message: DKIM",
            ),
            (Err("Exim hangs".into()), Health::NotChecked, "Exim hangs"),
        ] {
            let reports = Reports { signed, ..good() };
            let Finding { health, seen, .. } = judge(&reports);
            assert_eq!(health, expected, "{seen}");
            assert!(seen.contains(words), "{seen}");
        }
        for (text, key, words) in [
            (
                include_str!("../../../fixtures/dkim/rsa1024.eml"),
                include_str!("../../../fixtures/dkim/rsa1024.key"),
                "verifies, by an RSA key of 1024 bits: some receivers refuse",
            ),
            (
                include_str!("../../../fixtures/dkim/rsa512.eml"),
                include_str!("../../../fixtures/dkim/rsa512.key"),
                "by an RSA key of 512 bits: too short to count anywhere",
            ),
        ] {
            let key = Ok(vec![format!("v=DKIM1; s=tlsrpt; p={key}")]);
            let Finding { health, seen, .. } = judge(&Reports { signed: message(text), key, ..good() });
            assert!(health == Health::Warning && seen.contains(words), "{seen}");
        }
        let record = |record: &str| Reports { key: Ok(vec![record.to_owned()]), ..good() };
        let another = format!("v=DKIM1; s=tlsrpt; p={}", KEY.replacen("AQ8A", "AQ8B", 1));
        for (reports, expected) in [
            (record(&another), Health::Warning),
            (record("v=DKIM1; s=tlsrpt; p="), Health::NotChecked),
            (record("v=DKIM1; s=tlsrpt; p=%"), Health::NotChecked),
            (Reports { key: Ok(Vec::new()), ..good() }, Health::NotChecked),
            (Reports { key: Err("no answer".into()), ..good() }, Health::NotChecked),
            (Reports { contact: "tls-reports@example.net".into(), ..good() }, Health::Warning),
            (Reports { selector: Ok("tlsrpt2".into()), ..good() }, Health::Warning),
        ] {
            assert_eq!(judge(&reports).health, expected, "{reports:?}");
        }
    }
}
