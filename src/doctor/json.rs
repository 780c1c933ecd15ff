//! The same for programs: one object, described by `fixtures/doctor.schema.json`.

use super::{Diagnosis, Finding, Health};
use crate::text::Json;
use serde_json::{Value, json};

/// Writes the object, in printable ASCII: untrusted texts have the escapes of JSON.
#[must_use]
pub fn object(diagnosis: &Diagnosis) -> String {
    let object = json!({
        "at": diagnosis.at.to_string(),
        "result": diagnosis.health().word(),
        "count": counts(diagnosis),
        "checks": diagnosis.findings.iter().map(check).collect::<Vec<_>>(),
    });
    format!("{}\n", Json(&object))
}

fn counts(diagnosis: &Diagnosis) -> Value {
    Health::ALL.iter().map(|health| (health.word().to_owned(), json!(diagnosis.count(*health)))).collect()
}

fn check(finding: &Finding) -> Value {
    let explanation = finding.check.explain();
    let is_bad = finding.health >= Health::Warning;
    json!({
        "check": explanation.word,
        "subject": finding.subject,
        "result": finding.health.word(),
        "about": explanation.about,
        "seen": finding.seen,
        "meaning": is_bad.then(|| finding.meaning()),
        "fix": is_bad.then(|| finding.fix()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::judge::{judge, tests};
    use super::super::{Check, Finding};
    use super::*;

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../fixtures/doctor.schema.json")).unwrap()
    }

    #[test]
    fn every_object_is_what_its_schema_says() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for machine in [tests::fine_machine(), tests::stripped_resolver(), tests::nothing_installed()] {
            let text = object(&judge(&machine, tests::NOW));
            let value = serde_json::from_str(&text).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty() && text.lines().count() == 1, "{errors:?}");
        }
        let strange = Finding::new(Check::ResolverUdp, Health::Fine, "x");
        let mut value: Value =
            serde_json::from_str(&object(&Diagnosis { at: tests::NOW, findings: vec![strange] })).unwrap();
        value["checks"][0]["check"] = json!("resolver.magic");
        assert!(!validator.is_valid(&value), "the schema would take any word");
    }

    #[test]
    fn the_schema_names_every_check() {
        let words: Vec<_> = Check::ALL.iter().map(|check| json!(check.word())).collect();
        assert_eq!(schema()["properties"]["checks"]["items"]["properties"]["check"]["enum"], json!(words));
    }
}
