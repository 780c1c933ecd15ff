//! The daemon: one long-lived process that answers Exim's `${readsocket}`, Postfix's socketmap and HTTP.
//!
//! A question's way, told in the order of the modules that it passes:
//!
//! 1. [`lifecycle`] brings the daemon up, has it read its files again and ends it: sockets from birth or from systemd
//!    ([`listen`]), and what the administrator chose ([`world`]).
//! 2. [`front`] accepts, and [`gate`] has a seat for each [`connection`] ([`stream`]). A [`codec`] of [`protocol`] makes a
//!    [`question`] of its octets.
//! 3. [`engine`] gives the [`answer`] that is still [`warm`], or has one look-up made, however many ask.
//! 4. [`desk`] makes it, when its domain's lane ([`lanes`]) and a seat are free. A [`look_up`] is the very pipeline of the
//!    command ([`crate::verify`]): it asks what is [`outside`], but not at once what failed a moment ago ([`setbacks`]). Whoever
//!    cannot wait is told what it comes to where all is [`silence`].
//! 5. [`store`] has the files, and keeps what the answer rests on before it leaves.
//!
//! Beside the road: [`renewal`] fetches policies again before they end, [`clerk`] has the counts for TLS reports, also of what
//! look-ups notice themselves, [`counters`] and [`recent`] remember what happened. [`http`] shows it: [`watch`] asks all threads
//! for the [`status`], which [`status_page`] tells people and [`metrics`] machines.
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
mod markup;
pub mod metrics;
mod noticed;
pub mod outside;
pub mod protocol;
pub mod question;
pub mod recent;
pub mod renewal;
pub mod setbacks;
pub mod silence;
pub mod status;
pub mod status_page;
pub mod store;
pub mod stream;
pub mod warm;
pub mod watch;
pub mod world;
