//! The document for programs: one JSON object on one line, printable ASCII. `fixtures/explain.schema.json` describes it.

use super::Explanation;

/// One line. Strangers' texts are escaped as in every output before JSON escapes them again.
#[must_use]
pub fn object(explanation: &Explanation) -> String {
    // Maps with keys that are texts, and no map else: that does not fail.
    serde_json::to_string(explanation).unwrap_or_default() + "\n"
}
