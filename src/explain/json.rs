//! The document for programs: one JSON object on one line, printable ASCII; `fixtures/explain.schema.json` describes it.

use super::Explanation;
use crate::render::exim::{Asker, line};
use serde_json::json;

/// One line.
#[must_use]
pub fn object(explanation: &Explanation) -> String {
    json!({"exim": line(&explanation.report, Asker::Host)}).to_string() + "\n"
}
