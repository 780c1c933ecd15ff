//! A probe for programs: one JSON object for each domain on one line, printable ASCII;
//! `fixtures/probe.schema.json` describes it.
//!
//! Untrusted texts have the escapes of JSON, and are cut where they are long. Moments
//! are seconds since 1970; a key whose value is not known is there with null.

use crate::certificate::Certificate;
use crate::dane::matching::Fate;
use crate::probe::consequence::{Cause, Conformity};
use crate::probe::report::{AddressProbe, Chain, DomainProbe, HostProbe, NoAddress, Sighting, TlsaRecord};
use crate::text::{Json, shortened};
use crate::verdict::{DaneHost, LookupError, Standing};
use serde_json::{Value, json};
use std::time::Duration;

/// Characters of untrusted text that are shown.
const TOLD: usize = 400;

/// Names of one certificate that are shown.
const NAMES_TOLD: usize = 100;

/// One line.
#[must_use]
pub fn line(probe: &DomainProbe) -> String {
    format!("{}\n", Json(&object(probe)))
}

/// The object.
#[must_use]
pub fn object(probe: &DomainProbe) -> Value {
    let judgement = &probe.verification.judgement;
    json!({
        "domain": probe.domain.as_str(),
        "at": probe.at.0,
        "reach": probe.reach().word(),
        "verdict": judgement.verdict.word(),
        "tls": judgement.tls.word(),
        "policy": judgement.policy.word(),
        "mode": judgement.mode.word(),
        "reason": judgement.reason.word(),
        "policy_expires_at": probe.policy_expires_at().map(|end| end.0),
        "hosts": probe.hosts.iter().map(host).collect::<Value>(),
        "mx_faults": probe.mx_oddities.iter().map(|oddity| json!({
            "word": oddity.word(), "meaning": told(&oddity.meaning()),
        })).collect::<Value>(),
        "hosts_left_out": probe.hosts_left_out,
        "notes": probe.verification.notes.iter().map(|note| told(note)).collect::<Value>(),
        "elapsed_ms": milliseconds(probe.elapsed),
    })
}

fn host(host: &HostProbe) -> Value {
    let ruling = &host.judgement.ruling;
    let none = vec![];
    let addresses = host.addresses.as_ref().unwrap_or(&none);
    json!({
        "host": host.name.as_str(),
        "preference": host.preference,
        "verdict": ruling.verdict.word(),
        "tls": ruling.tls.word(),
        "policy": ruling.policy.word(),
        "reason": ruling.reason.word(),
        "standing": standing(host.judgement.standing),
        "dane": dane(&host.dane),
        "tlsa_at_alias_alone": host.is_dane_of_alias,
        "tlsa_base": host.tlsa_base.as_ref().map(ToString::to_string),
        "tlsa": host.tlsa.iter().map(record).collect::<Value>(),
        "no_address": host.addresses.as_ref().err().map(no_address),
        "addresses": addresses.iter().map(|one| address(host, one)).collect::<Value>(),
        "addresses_left_out": host.addresses_left_out,
    })
}

fn record(record: &TlsaRecord) -> Value {
    json!({"record": told(&record.text), "unusable": record.read.as_ref().err().map(ToString::to_string)})
}

fn address(host: &HostProbe, probe: &AddressProbe) -> Value {
    let seen = &probe.sighting;
    json!({
        "address": seen.address.ip().to_string(),
        "port": seen.address.port(),
        "failure": seen.failure.as_ref().map(|failure| json!({
            "at": failure.at.word(),
            "kind": failure.kind.word(),
            "why": told(&failure.why),
        })),
        "tls": seen.tls.map(|tls| json!({"version": tls.version, "cipher": tls.cipher})),
        "chain": seen.chain.as_ref().map(|chain| chain.certificates.iter().map(certificate).collect::<Value>()),
        "webpki": seen.chain.as_ref().map(webpki),
        "tlsa": host.tlsa.iter().zip(&seen.tlsa).map(|(record, fate)| tlsa(seen, record, fate)).collect::<Value>(),
        "conformity": probe.conformity.word(),
        "conformity_cause": match probe.conformity {
            Conformity::NotMet(cause) => Some(cause.word()),
            Conformity::NothingAsked | Conformity::Met | Conformity::Unknown => None,
        },
        "action": probe.consequence.action.word(),
        "cause": Cause::word(probe.consequence.cause),
        "elapsed_ms": milliseconds(seen.elapsed),
    })
}

fn certificate(certificate: &Certificate) -> Value {
    let says = certificate.says.as_ref();
    json!({
        "sha256": certificate.sha256,
        "key_sha256": certificate.key_sha256,
        "is_authority": says.map(|says| says.is_authority),
        "subject": says.map(|says| told(&says.subject)),
        "issuer": says.map(|says| told(&says.issuer)),
        "names": says.map(|says| says.names.iter().take(NAMES_TOLD).map(|name| told(name)).collect::<Value>()),
        "not_before": says.map(|says| says.not_before.0),
        "not_after": says.map(|says| says.not_after.0),
        "key": says.map(|says| says.key.to_string()),
        "version": says.map(|says| says.version),
    })
}

fn webpki(chain: &Chain) -> Value {
    match &chain.webpki {
        Ok(()) => json!({"result": "trusted", "why": null}),
        Err(distrusted) => json!({"result": distrusted.kind.word(), "why": told(&distrusted.why)}),
    }
}

fn tlsa(seen: &Sighting, record: &TlsaRecord, fate: &Fate) -> Value {
    let (at, why) = match fate {
        Fate::Matched { at } => (*at, None),
        Fate::Unverified(why) => (None, Some(told(why))),
        Fate::Unusable(why) => (None, Some(told(&why.to_string()))),
        Fate::NotMatched => {
            let missing = seen.not_sent(record, fate);
            (
                None,
                missing.map(|issuer| {
                    told(&format!("the host does not send the authority at the end of its chain, '{issuer}'"))
                }),
            )
        }
        Fate::Superseded | Fate::NotReached => (None, None),
    };
    json!({"record": told(&record.text), "fate": fate.word(), "at": at, "why": why})
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Conforms => "conforms",
        Standing::NotInDns => "not-in-dns",
        Standing::NotInPolicy => "not-in-policy",
        Standing::Open => "open",
    }
}

const fn dane(host: &DaneHost) -> &'static str {
    match host {
        DaneHost::Absent => "absent",
        DaneHost::Unusable => "unusable",
        DaneHost::Usable => "usable",
        DaneHost::Unknown(_) => "unknown",
    }
}

fn no_address(why: &NoAddress) -> Value {
    let (kind, why) = match why {
        NoAddress::Absent => ("absent", None),
        NoAddress::Unknown(LookupError::Bogus(_, why)) => ("bogus", Some(told(why))),
        NoAddress::Unknown(LookupError::Unreachable(_, _, why)) => ("unreachable", Some(told(why))),
    };
    json!({"kind": kind, "why": why})
}

fn told(text: &str) -> Value {
    Value::String(shortened(text, TOLD))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
