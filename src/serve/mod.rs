//! The daemon: one long-lived process that answers Exim's `${readsocket}`, Postfix's socketmap and HTTP.
//!
//! A question's way: the [`front`] has the sockets and reads frames from each peer, a codec of [`protocol`] makes questions
//! of them, [`engine`] answers. What was answered a moment ago is [`warm`]; for the rest there is one look-up a
//! domain, however many ask, on the thread of [`desk`], which runs the very pipeline of the command
//! ([`crate::verify`]); the file of policies has a thread of its own ([`store`]).
//!
//! Three threads, so that nobody waits for somebody else's work: the front (sockets, codecs, warm answers: nothing there
//! computes for long or touches a disk), the desk (DNS, HTTPS, validation), the store (SQLite).
//!
//! Invariants:
//! - The decision code is the command's. The daemon decides when to ask and how long an answer stays, never what it is.
//! - An answer comes before Exim stops waiting: at the daemon's own deadline the policy in the cache decides, or the mail waits.
//! - The store knows what an answer rests on before the answer leaves; what was in force is in force after `kill -9`.
//! - Whoever asks holds up nobody else: sockets, frames, look-ups and memory are bounded ([`crate::limits`]).
//! - Nothing on a socket changes what is remembered, but the report of a verified handshake (the draft's appendix 1).

pub mod address;
pub mod answer;
pub mod clerk;
pub mod codec;
pub mod connection;
pub mod counters;
pub mod desk;
pub mod engine;
pub mod front;
pub mod gate;
pub mod http;
pub mod lanes;
pub mod lifecycle;
pub mod listen;
pub mod look_up;
pub mod outside;
pub mod protocol;
pub mod question;
pub mod recent;
pub mod renewal;
pub mod setbacks;
pub mod silence;
pub mod status;
pub mod store;
pub mod stream;
pub mod warm;
pub mod watch;
pub mod world;
