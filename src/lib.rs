//! Does the receiving domain demand authenticated TLS, and may its mail go to this host?
//!
//! The journey of a question, told in the order of the modules that it passes:
//!
//! 1. [`cli`] reads what Exim or an operator typed, [`config`] what the administrator chose. [`name`] turns the question into
//!    a policy domain and MX hosts, or refuses it before a packet is sent.
//! 2. [`verify`] is the pipeline. It looks into the [`cache`] first: a policy in force needs nobody's confirmation,
//!    and what DNS proved a moment ago need not be asked again.
//! 3. [`dns`] asks for the rest, everything at once, and walks the chain of trust from the anchor down: an answer is
//!    secure, insecure, bogus or unreachable.
//! 4. [`policy`] reads what was found into types, in both dialects: MTA-STS (RFC 8461) and the draft that came before it.
//!    [`https`] fetches the policy of the one, and of the other the copy that authenticates it, where the record says
//!    so. [`dane`] says where the TLSA records of an MX host stand and which of them can be used.
//! 5. [`verdict`] judges each host, by the mechanism that stands highest: the only place that can refuse, and only under
//!    a policy in force, TLSA records, or an override of the administrator's ([`overrides`]). Each judgement has one word
//!    of [`reason`].
//! 6. [`cache`] keeps what the next delivery must know.
//! 7. [`render`] writes the answer, one file an audience; [`cli`] ends with the exit code.
//!
//! [`serve`] is the daemon: Exim and Postfix ask it on sockets, it gives at once what it knows, and makes the very same journey
//! for the rest, once for all who ask. What mail servers tell it of their sessions, [`reports`] counts for TLS reports (RFC 8460).
//!
//! [`explain`] tells the whole journey of one question, for those who ask why.
//!
//! [`lint`] is for those who publish: it tells what the same parsers found, and what only a look at the whole domain can
//! see, for which [`probe`] looks at MX hosts, and [`certificate`] reads what they show. [`monitoring`] is for those who watch
//! machines: what a probe comes down to, in numbers and words of closed lists.
//!
//! A [`recording`] holds all that a verdict came from, and stands in for the world when the journey is made once more.
//!
//! [`doctor`] is for those who look after a machine: it tells whether its verdicts can be trusted.
//!
//! Beside the road stand the words that all of them use: [`limits`] (every bound, with its origin), [`time`] (the only
//! clock), [`text`] (the one way in which a stranger's text is shown); and two that only tell what an answer waited for:
//! [`journal`] takes it down, [`timeline`] finds the critical path in it.
//!
//! Modules import one way: whoever follows the imports never comes back to where they were.
//!
//! What is absent is as much a part of the design: no decision takes a string, no module but `config`, `cli` and `doctor`
//! reads a file of the administrator's, nothing but `cli::terminal` reads the environment (for colour), `certificate`, `name`,
//! `policy`, `dane`, `verdict`, `reason`, `render`, `reports` and the walk in `dns` know neither I/O nor clock.

mod base64;
pub mod cache;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod dane;
pub mod dns;
pub mod doctor;
pub mod explain;
pub mod https;
pub mod journal;
pub mod limits;
pub mod lint;
pub mod monitoring;
pub mod name;
pub mod overrides;
pub mod policy;
pub mod probe;
pub mod reason;
pub mod recording;
pub mod render;
pub mod reports;
pub mod serve;
pub mod text;
pub mod time;
pub mod timeline;
pub mod verdict;
pub mod verify;
