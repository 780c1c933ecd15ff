//! The daemon: one long-lived process that answers Exim's `${readsocket}`, Postfix's socketmap and HTTP.
//!
//! The way of a question, in the order of the modules that it passes:
//!
//! 1. [`lifecycle`] brings the daemon up, has it read its files again and ends it: sockets from birth or from systemd
//!    ([`listen`]), and what the administrator chose ([`world`]).
//! 2. [`front`] accepts a [`connection`] ([`stream`]), and [`connection_limiter`] bounds how many are open. A [`codec`] of
//!    [`protocol`] decodes its octets into a [`question`].
//! 3. [`engine`] returns the [`answer`] that the [`answer_cache`] has, or orders one look-up for all who ask the same.
//! 4. [`lookup_worker`] runs it under its domain's lock ([`domain_locks`]) and on one of a bounded number of seats, which [`gate`]
//!    gives to whose turn it is: [`seats`] says whose, by [`asker`] and by the name. A [`look_up`] is the pipeline of the command
//!    ([`crate::verify`]): it asks the network ([`outside`]), but not again at once what has just failed ([`resolution_failures`],
//!    RFC 9520). A client that cannot wait gets what the cache alone answers ([`silence`]).
//! 5. [`store`] has the files, and keeps what the answer rests on before it leaves.
//!
//! Besides: [`renewal`] fetches policies again before they end, [`tlsrpt_recorder`] counts sessions for TLS reports (RFC 8460), of
//! which Exim tells on its socket and Postfix in [`datagrams`],
//! [`counters`] and [`recent`] hold what happened, and the log tells of it what [`told`] lets it. [`http`] serves it: [`watch`] asks all threads for the [`status`], which
//! [`status_page`] shows to people and [`metrics`] to Prometheus.
//!
//! Three threads, so that no work waits for work of another kind: nothing on the front computes for long or touches a disk. Where
//! Postfix tells of its sessions, two more receive and read; where hosts share a memory (`[fleet]`), one more keeps it up, and `own_eyes` is
//! this host's own look at what others say.
//!
//! | thread | work | channel into it | message | owner of the sending end |
//! |---|---|---|---|---|
//! | front | sockets, codecs, cached answers | unbounded mpsc | [`worker_event::WorkerEvent`] | the lookup worker |
//! | lookup worker | DNS, HTTPS, validation, renewal | mpsc, twice [`crate::limits::MAX_PENDING_LOOK_UPS`] | look-up order, who joins or leaves, pulse | [`engine::Engine`], by [`lookup_worker::LookupWorker`] |
//! | lookup worker | the configuration of its own work | watch | [`world::World`] | [`engine::Engine`] |
//! | front | TLSRPT queue, read by a task | mpsc, [`crate::limits::MAX_TLSRPT_QUEUE`] | event, failures, write | [`tlsrpt_recorder::TlsrptRecorder`]: engine and lookup worker |
//! | tlsrpt-reader | datagrams of Postfix, from tlsrpt-receiver | sync_channel, [`crate::limits::MAX_DATAGRAMS_WAITING`] | a datagram | [`datagrams`] |
//! | store | SQLite | mpsc, [`crate::limits::MAX_STORE_ERRANDS`] | errand, with a oneshot for its result | [`store::Store`]: all others |
//!
//! Invariants:
//! - The decision code is the command's. The daemon decides when to ask and how long an answer stays, never what it is.
//! - An answer comes before Exim stops waiting: at the daemon's own deadline the policy in the cache decides, or the mail waits.
//! - The store knows what an answer rests on before the answer leaves; what was in force is in force after `kill -9`.
//! - No client holds up another one: sockets, frames, look-ups and memory are bounded ([`crate::limits`]), and where they are
//!   scarce, shared by who asks and by what is asked about.
//! - Nothing on a socket changes what is remembered, but the report of a verified handshake (the draft's appendix 1).

pub mod answer;
pub mod answer_cache;
pub mod asker;
mod branch;
pub mod codec;
pub mod connection;
pub mod connection_limiter;
pub mod counters;
pub mod datagrams;
pub mod domain_locks;
pub mod engine;
#[cfg(feature = "fleet")]
mod fleet;
pub mod fleet_outcome;
#[cfg(feature = "fleet")]
mod fleet_overview;
#[cfg(feature = "fleet")]
mod fleet_pace;
mod fleet_page;
pub mod fleet_view;
pub mod front;
pub mod gate;
pub mod http;
pub mod interests;
pub mod lifecycle;
pub mod listen;
pub mod look_up;
pub mod lookup_worker;
mod markup;
pub mod messages;
pub mod metrics;
mod noticed;
pub mod outside;
mod own_eyes;
pub mod protocol;
pub mod question;
pub mod recent;
pub mod renewal;
mod reports_page;
pub mod resolution_failures;
pub mod seats;
pub mod silence;
pub mod status;
pub mod status_page;
pub mod store;
pub mod stream;
pub mod tlsrpt_recorder;
pub mod told;
pub mod watch;
pub mod worker_event;
pub mod world;
