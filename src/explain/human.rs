//! The document for people.

use super::Explanation;
use crate::render::exim::{Asker, line};
use crate::render::page::{Page, Paint, Tone};

/// A page of 80 columns.
#[must_use]
pub fn page(explanation: &Explanation, paint: Paint) -> String {
    let mut page = Page::new(paint);
    page.item("Exim gets", Tone::Plain, &line(&explanation.report, Asker::Host));
    page.finish()
}
