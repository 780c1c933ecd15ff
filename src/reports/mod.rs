//! What is kept for TLS reports (RFC 8460): what became of the sessions with a domain's mail hosts, counted by day.
//!
//! [`event`] is what Exim tells of one moment of a session, [`session`] puts the moments together to a result, [`noticed`]
//! is what a look-up says itself about the domain's policies. [`result`] has the words of the RFC for all of it. [`tally`]
//! counts; the counts are kept in a file beside the cache ([`crate::cache::Counts`]).
//!
//! Nothing here knows a mail, its sender or its recipients: only domains, hosts, addresses and counts (RFC 8460 section 8).

pub mod event;
pub mod noticed;
pub mod result;
pub mod session;
pub mod tally;
