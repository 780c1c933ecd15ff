//! Does the receiving domain demand authenticated TLS, and may its mail go to this host?
//!
//! The journey of a question, in the order of the modules that it passes:
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
//! for the rest, once for all who ask. What mail servers tell it of their sessions, [`reports`] counts for TLS reports (RFC 8460), and
//! [`reporting`] decides where those go, when, and what becomes of them.
//!
//! [`fleet`] is the memory that many hosts share behind that of each: it may make one stricter, and nobody waits for it.
//!
//! [`explain`] tells the whole journey of one question, for those who ask why.
//!
//! [`lint`] is for those who publish: it tells what the same parsers found, and what only a look at the whole domain can
//! see, for which [`probe`] looks at MX hosts, and [`certificate`] reads what they show. [`monitoring`] is for those who watch
//! machines: what a probe comes down to, in numbers and words of closed lists. [`tls_report`] reads what others report about a domain.
//!
//! A [`recording`] holds all that a verdict came from, and stands in for the world when the journey is made once more.
//!
//! [`doctor`] is for those who look after a machine: it tells whether its verdicts can be trusted.
//!
//! Beside the road stand the words that all of them use: [`limits`] (every bound, with its origin), [`time`] (the only
//! clock), [`text`] (the one way in which untrusted text is shown), `causes` (what libraries' errors mean, in words of ours),
//! `words` (how each closed list is written: one table), `exposition` (how Prometheus is told), `tapped` (a connection on which somebody counts, or keeps, what is read); and two that only tell what an answer waited for:
//! [`journal`] takes it down, [`timeline`] finds the critical path in it.
//!
//! Modules import one way: whoever follows the imports never comes back to where they were.
//!
//! A mail server that is written in Rust asks the library itself: `examples/judge.rs` has the twenty lines that it takes.
//!
//! What is absent is as much a part of the design: no decision takes a string, no module but `config`, `cli`, `doctor`,
//! `https` (certification authorities) and `fleet` (its keys) reads a file of the administrator's (`dns` and `serve` read
//! the system's lists of name servers and of services), nothing but `cli::terminal` reads the environment (for colour),
//! `certificate`, `name`, `policy`, `dane`, `verdict`, `reason`, `render`, `reporting`, `reports`, `tls_report` and the
//! walk in `dns` know neither I/O nor clock.
//!
//! # Glossary
//!
//! | word in the code | meaning | source |
//! |---|---|---|
//! | policy domain, [`name::PolicyDomain`] | the domain of the recipient, whose policy counts | RFC 8461 section 1.1 |
//! | MX host, [`name::MxHost`] | a name that may stand in an MX record | RFC 5321 section 5.1 |
//! | policy host | `mta-sts.` and the policy domain, whose HTTPS server has the policy | RFC 8461 section 3.3 |
//! | record, announcement | the TXT record `_mta-sts` that names the version and id of a policy | RFC 8461 section 3.1 |
//! | policy, mode, `max_age`, pattern | what the policy host serves; `enforce`, `testing` or `none`; its life; the `mx` lines | RFC 8461 section 3.2 |
//! | draft, SMTP-STS, dialect | the protocol before MTA-STS; which of the two a policy is written in | draft-margolis-smtp-sts-00 |
//! | first use | a policy that nothing authenticated, in force after the first verified handshake | the draft, section 3.3 |
//! | in force | a policy that can refuse, because it was authenticated or applied before | |
//! | refresh, renewal | a policy is fetched again before its life ends | RFC 8461 sections 3.3, 10.2 |
//! | DANE, TLSA, usage, selector | a host's keys in secure DNS records, and how to compare them | RFC 6698 section 2.1, RFC 7672 |
//! | unusable | a TLSA record that an SMTP client cannot act on | RFC 7672 section 3.1 |
//! | superseded | a TLSA record whose digest does not count beside a stronger one | RFC 7671 section 9 |
//! | secure, insecure, bogus, unreachable | what validation says of an answer; the last one: no answer | RFC 4035 section 4.3 |
//! | trust anchor, chain of trust | the root's keys, and DS and DNSKEY records from there down | RFC 4035 section 5 |
//! | walk, [`dns::walk::Walk`] | the validation of one question, from the anchor to the answer | RFC 4035 section 5 |
//! | trust context, [`dns::walk::TrustContext`] | what all walks of one verdict share: anchors, time, zones proven, budget | |
//! | proven zones, [`dns::proven_zones::ProvenZones`] | what look-ups of one process have proven of zones, for one another | RFC 4035 section 4.3 |
//! | query pass | all queries to one order of name servers; a second one asks for a second opinion | |
//! | denial, `NsecSet`, `Nsec3Set`, opt-out | proofs that a name or type does not exist, from records of one kind | RFC 4035 section 5.4, RFC 5155 |
//! | resolution failure | a DNS question that failed; it is not asked again at once | RFC 9520 section 3 |
//! | alias | a CNAME or DNAME record on the way to an answer | RFC 1034 section 3.6.2, RFC 6672 |
//! | verdict | `deliver`, `defer` (a temporary failure) or `refuse` (a permanent one) | RFC 5321 section 4.2.1 |
//! | tls, webpki | how the TLS of a delivery has to be verified; by a certification authority | RFC 8461 section 4.1 |
//! | reason | why a verdict is what it is: one word of a closed list, [`reason::Reason`] | |
//! | override, decree | the administrator's rule for a domain; what it says now | |
//! | evaluation | one question in the pipeline, from the cache to the verdict | RFC 8461 section 5 |
//! | evidence log | what one evaluation asked and heard, for the answer and for people | |
//! | domain snapshot, [`cache::DomainSnapshot`] | what a delivery may know of a domain from the cache, as it was at one moment | |
//! | dossier, [`cache::Dossier`] | that, and what only people ask for: what happened to its policies | |
//! | ledger, [`cache::Ledger`] | the memory of one look-up, and what is to be written after it | |
//! | policy update, [`verdict::PolicyUpdate`] | what a verdict changes about the policy in the cache | |
//! | backoff | a policy host that failed is not asked again at once | RFC 8461 section 3.3 |
//! | world, [`serve::world::World`] | the configuration of the daemon as read at one moment | |
//! | look-up | one evaluation that the daemon runs for all that ask the same | |
//! | result type | the closed words for failures in TLS reports | RFC 8460 section 4.3 |
//! | report, received, finding | a TLS report that somebody else sent; what is wrong with it | RFC 8460 section 4.4 |
//! | TLSRPT, session, tally | reports to domains; one TLS session of Exim; the counts | RFC 8460 section 4 |
//! | outbox of reports, destination, submitter | the reports on their way; an address or URL of a `rua`; the domain of our contact | RFC 8460 sections 3, 5 |
//! | suppressed | a destination that is left alone for a time, since it refused or failed | |
//! | fleet, store | many hosts with one memory; the database that it lies in | |
//! | outbox, inbox of a fleet | what this host has fetched and not offered yet; what others have said | |
//! | hearsay | what another host says of a policy, which this one has not fetched itself | |
//! | witness | a host that has signed what it fetched; the word of two binds for a policy's life | |
//! | decree of a fleet | an operator's order to all hosts, signed with the operator's key | |
//! | probe, handshake | a look at an MX host over STARTTLS; its TLS part | RFC 3207 |

// What another mail server that is written in Rust uses; `examples/judge.rs` does.
pub mod cache;
pub mod dane;
pub mod dns;
pub mod https;
pub mod name;
pub mod policy;
pub mod reason;
pub mod time;
pub mod verdict;
pub mod verify;

// The rest is the program's own. It is public for its tests alone, and promises nothing.
#[doc(hidden)]
pub mod certificate;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod doctor;
#[doc(hidden)]
pub mod explain;
#[cfg(feature = "fleet")]
#[doc(hidden)]
pub mod fleet;
#[doc(hidden)]
pub mod journal;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod lint;
#[doc(hidden)]
pub mod monitoring;
#[doc(hidden)]
pub mod overrides;
#[doc(hidden)]
pub mod probe;
#[doc(hidden)]
pub mod recording;
#[doc(hidden)]
pub mod render;
#[doc(hidden)]
pub mod reporting;
#[doc(hidden)]
pub mod reports;
#[doc(hidden)]
pub mod serve;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod timeline;
#[doc(hidden)]
pub mod tls_report;

mod causes;
mod exposition;
mod files;
mod resources;
mod tapped;
mod words;
