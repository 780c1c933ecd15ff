//! The daemon: one long-lived process that answers Exim's `${readsocket}`, Postfix's socketmap and HTTP.
//!
//! The way of a question, in the order of the modules that it passes:
//!
//! 1. [`lifecycle`] brings the daemon up, has it read its files again and ends it: sockets from birth or from systemd
//!    ([`listen`]), and what the administrator chose ([`world`]).
//! 2. [`front`] accepts a connection and bounds how many are open ([`concurrency`]); a codec of [`protocol`] decodes its octets into a question.
//! 3. [`engine`] returns the [`answer`] that its cache has, or orders one look-up for all who ask the same. A client that cannot
//!    wait gets what the cache alone answers ([`answer::silence`]).
//! 4. [`look_up`] is the pipeline of the command ([`crate::verify`]), run by its [`look_up::worker`] under its domain's lock and on one
//!    of a bounded number of [`seats`], given to whose turn it is by who asks and by the name. It asks the network
//!    ([`look_up::outside`]), but not again at once what has just failed ([`look_up::resolution_failures`], RFC 9520).
//!    [`look_up::renewal`] fetches policies again before they end.
//! 5. [`store`] has the files, and keeps what the answer rests on before it leaves.
//!
//! Besides: [`tlsrpt`] counts sessions for TLS reports (RFC 8460), [`telemetry`] holds what happened and lets the log tell it, [`pages`]
//! show it to people and to Prometheus, and `fleet` shares what was learnt with other hosts.
//!
//! Three threads, so that no work waits for work of another kind: nothing on the front computes for long or touches a disk. Where
//! Postfix tells of its sessions, two more receive and read; where hosts share a memory (`[fleet]`), one more keeps it up.
//!
//! | thread | work | channel into it | message | owner of the sending end |
//! |---|---|---|---|---|
//! | front | sockets, codecs, cached answers | unbounded mpsc | [`event::WorkerEvent`] | the lookup worker |
//! | lookup worker | DNS, HTTPS, validation, renewal | mpsc, twice [`crate::limits::MAX_PENDING_LOOK_UPS`] | look-up order, who joins or leaves, pulse | [`engine::Engine`], by [`look_up::worker::LookupWorker`] |
//! | lookup worker | the configuration of its own work | watch | [`world::World`] | [`engine::Engine`] |
//! | front | TLSRPT queue, read by a task | mpsc, [`crate::limits::MAX_TLSRPT_QUEUE`] | event, failures, write | [`tlsrpt::recorder::TlsrptRecorder`]: engine and lookup worker |
//! | tlsrpt-reader | datagrams of Postfix, from tlsrpt-receiver | sync_channel, [`crate::limits::MAX_DATAGRAMS_WAITING`] | a datagram | [`tlsrpt::datagrams`] |
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
pub mod concurrency;
pub mod engine;
pub mod event;
mod file_troubles;
mod fleet;
pub mod front;
pub mod lifecycle;
pub mod listen;
pub mod look_up;
pub mod pages;
pub mod protocol;
pub mod seats;
pub mod store;
pub mod telemetry;
pub mod tlsrpt;
pub mod world;
