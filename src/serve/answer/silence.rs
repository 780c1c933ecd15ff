//! A world in which nobody answered before the asker's deadline: what the pipeline says there is what the cache alone can
//! answer for.

use crate::dns::{Answer, Outage, Outcome, Question, Resolve, ZoneStatus};
use crate::https::{Fetch, FetchError, MediaType, PolicyUrl, Step};
use std::time::Duration;

/// The client's deadline came first, at once. No zone is known to be unsigned then, so whatever was not known
/// before lets the mail wait.
#[derive(Clone, Copy, Debug)]
pub struct Silence;

impl Resolve for Silence {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let why = "the look-up takes longer than the asker waits";
        let outcome = || Outcome::Unreachable(Outage::Deadline, ZoneStatus::Unknown, why.to_owned());
        questions.iter().map(|one| Answer { outcome: outcome(), ..Answer::none(one.clone()) }).collect()
    }
}

impl Fetch for Silence {
    async fn fetch(&self, url: &PolicyUrl, _media: MediaType) -> Result<Vec<u8>, FetchError> {
        let (host, after) = (url.host().clone(), Duration::ZERO);
        Err(FetchError::TimedOut { host, address: None, step: Step::Resolve, after })
    }
}
