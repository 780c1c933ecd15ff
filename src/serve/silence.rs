//! A world in which nobody answers: what the pipeline says there is what the cache alone can answer for.

use crate::dns::{Answer, Question, Resolve};
use crate::https::{Fetch, FetchError, MediaType, PolicyUrl, Step};
use std::time::Duration;

/// Nobody answers, at once.
#[derive(Clone, Copy, Debug)]
pub struct Silence;

impl Resolve for Silence {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        questions.iter().cloned().map(Answer::none).collect()
    }
}

impl Fetch for Silence {
    async fn fetch(&self, url: &PolicyUrl, _media: MediaType) -> Result<Vec<u8>, FetchError> {
        let (host, after) = (url.host().clone(), Duration::ZERO);
        Err(FetchError::TimedOut { host, address: None, step: Step::Resolve, after })
    }
}
