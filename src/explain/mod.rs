//! Why a delivery is judged as it is: one document, made of the answer and of everything that it rests on. Pure.
//!
//! [`crate::verify::explain`] asks; here nothing is decided and nobody asked. What the document says depends on what was
//! heard alone: neither on who answered first, nor on how long that took.

pub mod human;
pub mod json;
mod question;

pub use question::{Decree, Effect, Question};

use crate::cache::Dossier;
use crate::time::UnixTime;
use crate::verify::Report;
use crate::verify::explain::Explained;

/// Why a delivery is judged as it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The answer that the delivery gets.
    pub report: Report,
}

impl Explanation {
    /// The document about a delivery at that moment, of whose domain the cache knew what the dossier says.
    #[must_use]
    pub fn of(question: &Question, dossier: &Dossier, explained: Explained, now: UnixTime) -> Self {
        let _ = (question, dossier, now);
        Self { report: explained.report }
    }

    /// The document about a delivery of which nothing is asked, because the administrator says so.
    #[must_use]
    pub fn ignored(question: &Question, dossier: &Dossier, now: UnixTime) -> Self {
        let _ = (dossier, now);
        Self { report: Report::ignored(&question.request, Vec::new()) }
    }
}
