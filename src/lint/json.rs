//! Findings for programs: one object. Pure.
//!
//! A single text: `kind`, `well_formed`, `value` (what it says; null if it is malformed), `findings` and `left_out` (how many more there were than are told). A domain:
//! `domain`, `well_formed`, `parts`, `findings` and `left_out`; each part has `title`, `state`, `text`, `value` and `notes`. A
//! finding: `code`, `severity`, `line` and `column` (null where it is about no place in a text), `shown`, `meaning`, `fix` and `rule`;
//! for a domain `part`, too, the title of one.

use super::place::Place;
use super::{FindingCounts, Part};
use crate::limits::MAX_FINDINGS_TOLD;
use crate::policy::WordEntry;
use crate::policy::lint::Finding;
use serde_json::{Value, json};

/// The answer about one text.
#[must_use]
pub fn one(kind: &str, part: &Part) -> Value {
    json!({
        "kind": kind,
        "well_formed": FindingCounts::of(std::slice::from_ref(part)).errors == 0,
        "value": part.value,
        "findings": findings(part),
        "left_out": left_out(std::slice::from_ref(part)),
    })
}

/// The answer about a domain.
#[must_use]
pub fn domain(domain: &str, parts: &[Part]) -> Value {
    let shown = |part: &Part| {
        json!({
            "title": part.title,
            "state": part.state,
            "text": part.text.as_deref().map(|text| String::from_utf8_lossy(text).into_owned()),
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
        "well_formed": FindingCounts::of(parts).errors == 0,
        "parts": parts.iter().map(shown).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "left_out": left_out(parts),
    })
}

/// The findings of one part, those that matter most if there are too many.
#[must_use]
pub fn findings(part: &Part) -> Vec<Value> {
    part.foremost(MAX_FINDINGS_TOLD).into_iter().map(|(found, input)| finding(found, input)).collect()
}

/// How many findings are left out.
fn left_out(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.all_findings().count().saturating_sub(MAX_FINDINGS_TOLD)).sum()
}

fn finding(found: &Finding, input: Option<&[u8]>) -> Value {
    let WordEntry { word, meaning, fix, rule, .. } = found.code.explain();
    let place = input.map(|input| Place::of(&found.at, input, 0));
    json!({
        "code": word,
        "severity": found.severity().word(),
        "line": place.as_ref().map(|place| place.line),
        "column": place.as_ref().map(|place| place.column),
        "shown": found.shown,
        "meaning": meaning,
        "fix": fix,
        "rule": rule,
    })
}
