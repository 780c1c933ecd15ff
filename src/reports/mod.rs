//! What is kept for TLS reports (RFC 8460): what became of the sessions with a domain's mail hosts, counted by day.
//!
//! [`event`] is what Exim tells of one moment of a session, [`session`] puts the moments together to a result, in the words of
//! [`crate::policy::result`]. [`attempt`] is what Postfix tells of one. [`tally`] counts; the counts are kept in a file beside the cache ([`crate::cache::Counts`]).
//!
//! [`applied`] is what an answer applied, which the sessions under it are counted under; its policies are [`text`]s, kept whole.
//!
//! [`document`] makes the JSON of a report of it.
//!
//! Nothing here knows a mail, its sender or its recipients: only domains, hosts, addresses and counts (RFC 8460 section 8).

pub mod applied;
pub mod attempt;
pub mod avoided;
pub mod document;
pub mod event;
pub mod helo;
pub mod session;
pub mod sheet;
pub mod tally;
pub mod text;
