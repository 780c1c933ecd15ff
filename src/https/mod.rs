//! The policy fetch: one HTTPS exchange with a stranger's server, which may be anything.
//!
//! The host is resolved through the validating DNS, every address is looked at before a connection is made to exactly
//! that address, the certificate must be the host's, and one request has one reply: 200, unencoded, small, soon. No
//! redirect is followed, no cookie kept, no proxy asked, no environment read. Whatever is wrong, the policy that is in
//! force stays in force: a failed fetch only ever says that there is no new one.

pub mod address;
mod error;
mod exchange;
mod fetcher;
mod judge;
mod metered;
mod opening;
mod post;
mod progress;
mod roots;
mod sighting;
mod witness;

pub use crate::policy::url::{BadUrl, PolicyUrl};
pub use error::{FetchError, FetchFailure, Retold, Step};
pub use fetcher::{HttpsFetcher, HttpsSettings, Patience, SharedTls};
pub use post::{NotPosted, Posted, Poster};
pub use roots::{BadRoots, Roots};
pub use sighting::Sighting;
pub use witness::Witness;

use std::future::Future;

/// Which media type a dialect demands of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Whatever the server says. The draft names no type and demands that the body equals the TXT record octet for
    /// octet, so a type adds nothing; servers call its `/.well-known/smtp-sts/current` what they call any file
    /// without a suffix.
    Any,
    /// `text/plain`, with any parameters (RFC 8461 section 3.2).
    TextPlain,
}

/// A fetcher of policies: [`HttpsFetcher`], or a map in a test.
pub trait Fetch {
    /// The body of the policy at `url`, at most [`crate::limits::MAX_BODY_OCTETS`] long.
    ///
    /// # Errors
    /// [`FetchError`]; its [`FetchError::failure`] is what a decision needs of it.
    fn fetch(&self, url: &PolicyUrl, media: MediaType) -> impl Future<Output = Result<Vec<u8>, FetchError>>;
}
