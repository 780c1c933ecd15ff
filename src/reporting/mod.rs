//! TLS reports on their way to the domains that asked for them (RFC 8460 sections 3 and 5): what is decided about them. Pure.
//!
//! [`destination`] reads where a record wants them, [`schedule`] says when, and for how long a destination that fails is left alone,
//! [`patience`] says how long a run waits for others, [`package`] makes the octets of a report and its name, [`message`] the mail around it, [`fate`] reads what became of one, and [`bounce`]
//! the mail by which one comes back.
//! The command `reports send` does what is decided here; what it did stands in the outbox ([`crate::cache::Outbox`]).

pub mod bounce;
pub mod destination;
pub mod fate;
pub mod message;
pub mod outbox;
pub mod package;
pub mod patience;
pub mod schedule;
