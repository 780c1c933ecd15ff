//! The document for programs: one JSON object on one line, printable ASCII. `fixtures/explain.schema.json` describes it.

use super::Explanation;
use crate::text::JsonText;

/// One line. Untrusted texts have the escapes of JSON.
#[must_use]
pub fn object(explanation: &Explanation) -> String {
    // Maps with keys that are texts, and no map else: that does not fail.
    let text = serde_json::to_string(explanation).unwrap_or_default();
    format!("{}\n", JsonText(&text))
}
