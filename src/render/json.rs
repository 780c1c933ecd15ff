//! The answer for programs: one JSON object on one line, printable ASCII.

use super::exim::{Asker, permitted};
use crate::text::Json;
use crate::timeline::{Step, Timeline};
use crate::verify::{Evidence, Report};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The flat keys of every output, for a router `mxre` too, `domain`, `hosts`, `record`, `evidence`, `timeline`, `notes`.
/// Untrusted texts have the escapes of JSON and no others.
#[must_use]
pub fn object(report: &Report, asker: Asker) -> String {
    let mut object = Map::new();
    object
        .insert("domain".into(), report.domain.as_ref().map_or(Value::Null, |domain| json!(domain.as_str())));
    object.extend(super::flat(report).map(|(key, word)| (key.to_owned(), json!(word))));
    if asker == Asker::Router {
        object.insert("mxre".into(), json!(permitted(&report.judgement.permitted, usize::MAX)));
    }
    let hosts: Vec<Value> = report
        .judgement
        .hosts
        .iter()
        .map(|host| json!({"host": host.host.as_str(), "verdict": host.ruling.verdict.word(), "tls": host.ruling.tls.word(), "policy": host.ruling.policy.word(), "reason": host.ruling.reason.word()}))
        .collect();
    object.insert("hosts".into(), hosts.into());
    object.insert("record".into(), report.record.as_ref().map_or(Value::Null, |text| json!(text)));
    object.insert("evidence".into(), report.evidence.iter().map(evidence).collect());
    object.insert("timeline".into(), timeline(&report.timeline));
    object.insert("notes".into(), report.notes.iter().map(|note| json!(note)).collect());
    Json(&Value::Object(object)).to_string()
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "question": evidence.question,
        "class": evidence.class,
        "said": evidence.said,
        "valid_until": evidence.valid_until.map(|moment| moment.0),
        "queries": evidence.queries,
        "elapsed_ms": evidence.elapsed.map(milliseconds),
        "remembered": evidence.elapsed.is_none() && evidence.valid_until.is_some(),
    })
}

/// Each step with its beginning and its end, which is null for one that was given up, and whether the answer waited.
fn timeline(timeline: &Timeline) -> Value {
    let path = timeline.critical_path();
    let step = |step: &Step| {
        json!({
            "what": step.what,
            "from_ms": milliseconds(step.from),
            "to_ms": step.to.map(milliseconds),
            "critical": path.contains(&step),
        })
    };
    json!({"end_ms": milliseconds(timeline.end), "steps": timeline.steps.iter().map(step).collect::<Value>()})
}

/// Milliseconds with three decimals.
fn milliseconds(time: Duration) -> Value {
    let microseconds = time.as_micros();
    let text = format!("{}.{:03}", microseconds / 1_000, microseconds % 1_000);
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}
