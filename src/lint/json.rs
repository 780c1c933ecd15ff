//! Findings for programs: one object. Pure.
//!
//! A single text: `kind`, `well_formed`, `value` (what it says; null if it is malformed) and `findings`. A domain:
//! `domain`, `well_formed`, `parts` and `findings`; each part has `title`, `state`, `text`, `value` and `notes`. A
//! finding: `code`, `severity`, `line` and `column` (null where it is about no place in a text), `shown`, `meaning`, `fix` and `rule`;
//! for a domain `part`, too, the title of one.

use super::place::Place;
use super::{Part, Tally};
use crate::policy::lint::{Explanation, Finding};
use crate::text::Escaped;
use serde_json::{Value, json};

/// The answer about one text.
#[must_use]
pub fn one(kind: &str, part: &Part) -> Value {
    json!({
        "kind": kind,
        "well_formed": Tally::of(std::slice::from_ref(part)).errors == 0,
        "value": part.value,
        "findings": findings(part),
    })
}

/// The answer about a domain.
#[must_use]
pub fn domain(domain: &str, parts: &[Part]) -> Value {
    let shown = |part: &Part| {
        json!({
            "title": part.title,
            "state": part.state,
            "text": part.text.as_deref().map(|text| Escaped(&String::from_utf8_lossy(text)).to_string()),
            "value": part.value,
            "notes": part.notes,
        })
    };
    let findings = parts.iter().flat_map(|part| {
        findings(part).into_iter().map(|mut finding| {
            if let Some(finding) = finding.as_object_mut() {
                finding.insert("part".to_owned(), json!(part.title));
            }
            finding
        })
    });
    json!({
        "domain": domain,
        "well_formed": Tally::of(parts).errors == 0,
        "parts": parts.iter().map(shown).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// All findings of one part.
#[must_use]
pub fn findings(part: &Part) -> Vec<Value> {
    let inside = part.findings.iter().map(|found| finding(found, part.text.as_deref()));
    inside.chain(part.about.iter().map(|found| finding(found, None))).collect()
}

fn finding(found: &Finding, input: Option<&[u8]>) -> Value {
    let Explanation { word, severity, meaning, fix, rule, .. } = found.code.explain();
    let place = input.map(|input| Place::of(&found.at, input, 0));
    json!({
        "code": word,
        "severity": severity.word(),
        "line": place.as_ref().map(|place| place.line),
        "column": place.as_ref().map(|place| place.column),
        "shown": found.shown,
        "meaning": meaning,
        "fix": fix,
        "rule": rule,
    })
}
