//! Every bound on what a stranger can make us do, in one place, each with its origin.
//!
//! A limit that is reached is never a silent cut: it ends as a refusal of the input, or as an answer that is
//! `bogus` or `unreachable`. Changing a default breaks a test.

use std::time::Duration;

// ---- what the command line may bring -------------------------------------------------------------------------

/// Octets of one argument that are looked at before it is refused unread (a mail domain has at most 253).
pub const MAX_ARGUMENT_OCTETS: usize = 1_024;
/// `-m` hosts of one question; Exim's own `hosts_max_try` is 5, the largest MX sets seen have about 20.
pub const MAX_HOSTS: usize = 64;
/// Whole run, default. Exim kills what `${run}` started after 60 seconds (expand.c, `ALARM(60)`).
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(10);
/// Whole run, greatest: ten seconds before Exim's kill.
pub const DEADLINE_MAX: Duration = Duration::from_secs(50);
/// After the deadline, before the watchdog ends what hangs.
pub const WATCHDOG_GRACE: Duration = Duration::from_millis(500);
/// Octets of the configuration; an override for each of a hundred thousand domains has 4 MB.
pub const MAX_CONFIGURATION_OCTETS: u64 = 8_388_608;
/// Octets of a file of trust anchors; the root's has about 700.
pub const MAX_ANCHOR_FILE_OCTETS: u64 = 65_536;
/// Octets of one line for Exim with a host: the longest line that RFC 5322 section 2.1.1 lets into a header.
pub const MAX_EXIM_LINE: usize = 998;
/// Octets of one line for Exim without a host, where `mxre` may be long (Exim's own string limit is 16 KiB).
pub const MAX_EXIM_ROUTER_LINE: usize = 8_000;

// ---- DNS -----------------------------------------------------------------------------------------------------

/// Questions sent for one verdict. A signed four-label name needs about twelve; unbound's quota for one query is 200.
pub const MAX_QUERIES: usize = 60;
/// Questions more for each MX host that has to be looked at. One in a signed zone of its own with four labels needs 11
/// (addresses, TLSA, keys on the way); 21 if it is an alias into another such zone.
pub const MAX_QUERIES_PER_MX_HOST: usize = 24;
/// MX hosts that are looked at one by one.
pub const MAX_MX_HOSTS_LOOKED_AT: usize = 10;
/// Of the time that an asker of the daemon has, the part (in percent) for which an answer is waited for that no signature
/// could prove: in an unsigned zone silence is no worse than an absence, which anybody on the path may send.
pub const UNSIGNED_PATIENCE_PERCENT: u32 = 80;
/// And the least of it: a second name server is asked after [`UPSTREAM_PATIENCE`], and has as long. A domain that answers slowly keeps
/// its policy, however short the time of the asker is.
pub const UNSIGNED_PATIENCE_LEAST: Duration = Duration::from_secs(3);
/// UDP payload that is advertised, octets (DNS flag day 2020; RFC 9715).
pub const EDNS_PAYLOAD: u16 = 1_232;
/// The least port from which a question leaves; those below are reserved (RFC 6335 section 6).
pub const LEAST_SOURCE_PORT: u16 = 1_024;
/// Random ports that are tried for it: each is free unless a machine has tens of thousands of sockets.
pub const SOURCE_PORTS_TRIED: usize = 10;
/// One try of one name server before the next one is asked as well.
pub const UPSTREAM_PATIENCE: Duration = Duration::from_millis(1_500);
/// One question to all name servers together.
pub const QUESTION_DEADLINE: Duration = Duration::from_secs(6);
/// The same, where a bogus answer is asked for once more with CD clear: half as long, so that silence leaves time for the rest
/// of the verdict. Unbound gives the other servers of a zone about a second.
pub const CHECKED_QUESTION_DEADLINE: Duration = Duration::from_secs(3);
/// Name servers that are used; resolv.conf(5) has three.
pub const MAX_UPSTREAMS: usize = 3;
/// Octets of resolv.conf(5) that are read.
pub const MAX_RESOLV_CONF_OCTETS: usize = 65_536;
/// Octets of services(5) that are read; the longest that a distribution ships has 700,000.
pub const MAX_SERVICES_OCTETS: usize = 1_048_576;
/// Octets of a service's name behind a next hop; the longest in IANA's registry has 15 (RFC 6335 section 5.1), aliases are longer.
pub const MAX_SERVICE_OCTETS: usize = 32;
/// Octets of one line for `lookup --batch`: a name written with an escape for each octet has 1,012.
pub const MAX_BATCH_LINE: usize = 2_048;
/// Lines of `lookup --batch` that are looked up at the same time.
pub const MAX_BATCH_AT_ONCE: usize = 8;
/// Octets of all replies of one verdict (sixty replies of 64 KiB would be 4 MiB).
pub const MAX_REPLY_OCTETS: usize = 1_048_576;
/// Octets of memory that one record of a reply takes beside those of the reply: 360 with a short name, 680 with a long one (measured).
pub const REPLY_RECORD_OCTETS: usize = 680;
/// Octets of memory for replies that each look-up has to itself, [`MAX_LOOK_UPS`] of them 96 MiB: half of the laboratory's domains take
/// 33,000, nine of ten 54,000, and the last 105,000 (measured with nothing known).
pub const REPLY_MEMORY_OF_LOOK_UP: usize = 98_304;
/// Octets of memory that the replies of all look-ups under way may take beyond that.
pub const MAX_REPLY_MEMORY_TOGETHER: usize = 33_554_432;
/// And those about the names of one owner: the eighth part, and all that one look-up may hold.
pub const MAX_REPLY_MEMORY_OF_OWNER: usize = 4_194_304;
/// Records of all replies of one verdict; a normal one sees about a hundred. Each may cost two names of 127 labels, which
/// take about 3 microseconds to read.
pub const MAX_VERDICT_RECORDS: usize = 2_048;
/// Records more for each MX host that is looked at.
pub const MAX_VERDICT_RECORDS_PER_MX_HOST: usize = 128;
/// Aliases followed for one question (unbound: 11; BIND: 16).
pub const MAX_ALIASES: usize = 12;
/// Labels below the root that are asked for DS and DNSKEY ahead of need.
pub const MAX_LABELS_AHEAD: usize = 6;
/// Wrong signatures that are passed over in one RRset (unbound: 8; CVE-2023-50387).
pub const MAX_WRONG_SIGNATURES_PER_RRSET: usize = 8;
/// Keys of the same tag and algorithm tried for one signature (unbound: 4; CVE-2023-50387).
pub const MAX_KEY_COLLISIONS: usize = 4;
/// Signatures tried for one verdict; a four-label signed name with its denials needs about 35. Those that take longer
/// than one of ECDSA P-256 count several times.
pub const MAX_VERIFICATIONS: usize = 200;
/// Signatures more for each MX host that is looked at. One needs some 7 (keys of its zone, an address, two or three
/// absences, TLSA), each of which counts 9 times with ECDSA P-384. With ten hosts all takes some 60 ms at worst.
pub const MAX_VERIFICATIONS_PER_MX_HOST: usize = 64;
/// Digests of keys compared with DS records for one zone (CVE-2023-50387).
pub const MAX_DS_DIGESTS: usize = 64;
/// NSEC3 hashes for one verdict (CVE-2023-50868).
pub const MAX_NSEC3_HASHES: usize = 400;
/// Blocks of 64 octets hashed for one verdict, for whatever purpose: some 5 ms. A proof with 150 NSEC3 iterations hashes
/// about 1,000 of them.
pub const MAX_HASH_BLOCKS: usize = 40_000;
/// NSEC3 iterations above which a denial is insecure (RFC 9276 section 3.2; unbound and BIND: 150).
pub const MAX_NSEC3_ITERATIONS: u16 = 150;
/// NSEC3 iterations above which not even the hashes are computed: the most that RFC 5155 section 10.3 lets a zone have.
pub const MAX_NSEC3_ITERATIONS_COMPUTED: u16 = 2_500;
/// NSEC and NSEC3 RRsets of one reply that are looked at; a full proof needs three.
pub const MAX_DENIALS: usize = 12;
/// Records in the answer and authority sections of one reply; more is a reply that is not judged.
pub const MAX_REPLY_RECORDS: usize = 2_048;
/// Records of one RRset; more is an answer that we do not judge.
pub const MAX_RRSET_RECORDS: usize = 256;
/// Octets of one TXT record, its strings joined.
pub const MAX_TXT_OCTETS: usize = 4_096;
/// MX records of one domain; more is an error in the publication, and the mail waits.
pub const MAX_MX_RECORDS: usize = 64;
/// Longest life of a positive answer in memory, seconds (hickory, unbound: one day).
pub const MAX_POSITIVE_TTL: u64 = 86_400;
/// Longest life of an absence, seconds (RFC 2308 section 5 advises one to three hours).
pub const MAX_NEGATIVE_TTL: u64 = 3_600;

/// Octets of what look-ups of a daemon have proven of zones for one another, half of them for the root and top-level domains (1,440,
/// some 2,900 octets each with all that is kept beside them), half for all others.
pub const MAX_SHARED_ZONES_OCTETS: usize = 16_777_216;
/// Octets of what the root and top-level domains have denied to look-ups of a daemon, for one another (RFC 8198): some 4,500 records of
/// 900 octets with their places.
pub const MAX_SHARED_DENIALS_OCTETS: usize = 4_194_304;
/// Seconds for which such a denial counts at most, whatever its TTL: an old one that is replayed once, still signed, makes a domain
/// absent for no longer. Resolvers have hours (RFC 8198 section 5.4).
pub const SHARED_DENIALS_LIFE: u64 = 900;
/// Zones below the root or a top-level domain that are counted as signed or unsigned; then both numbers are halved, so that what is
/// new counts more than what is old.
pub const DELEGATIONS_COUNTED: u32 = 1_024;
/// Unsigned ones among them before anything is concluded from their number.
pub const DELEGATIONS_BEFORE_KEYS_WAIT: u32 = 16;
/// Unsigned ones to a signed one up to which keys are asked for before a DS is there: eight questions in vain are taken to cost as much
/// as one round trip more.
pub const DELEGATIONS_TO_ONE_SIGNED: u32 = 8;
/// Octets of one zone among them; a usual one has some 2,900, and one with larger keys is proven anew each time.
pub const MAX_SHARED_ZONE_OCTETS: usize = 16_384;
/// The owner of a name of two labels has this part of what is kept of all zones with more labels.
pub const SHARED_ZONES_OWNERS: usize = 16;
/// What ends sooner than this, seconds, is proven anew, so that no answer has a short life for it.
pub const SHARED_ZONE_LEAST_LIFE: u64 = 10;

/// Where a policy is in force, an answer that is not signed counts for so long, seconds, before it is asked for again: one that
/// was forged holds mail back no longer, and a queue run does not ask for every mail (RFC 9520 section 3.2 has five, too).
pub const UNPROVEN_ASKED_AGAIN: u64 = 5;
/// And it stands in for an answer that does not come for so long, seconds: five minutes.
pub const UNPROVEN_REMEMBERED: u64 = 300;

// ---- the policy fetch ----------------------------------------------------------------------------------------

/// One TCP connection to a policy host: its SYN, and the second one that Linux sends after a second, have a second each. With it
/// a host that does not answer is known as such before an asker of the daemon leaves ([`ANSWER_WITHIN_DEFAULT`]).
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// One TLS handshake with a policy host.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(3);
/// The head of the reply, after the request.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(3);
/// The whole fetch (RFC 8461 section 3.3 suggests a minute).
pub const FETCH_DEADLINE: Duration = Duration::from_secs(8);
/// Octets of the policy body (RFC 8461 section 3.2: "such as 64 kilobytes").
pub const MAX_BODY_OCTETS: usize = 65_536;
/// Octets of the reply's head.
pub const MAX_HEAD_OCTETS: usize = 16_384;
/// Header fields of the reply.
pub const MAX_HEADER_FIELDS: usize = 64;
/// Octets read from the policy host in clear text and TLS records together.
pub const MAX_FETCH_OCTETS: usize = 262_144;
/// A policy host that failed is left alone, seconds (RFC 8461 section 3.3: "no more than once every five minutes").
pub const FETCH_BACKOFF: u64 = 300;
/// The longest that a policy host is left alone, seconds, after a pause that doubles: while a policy is in use it is
/// fetched daily (RFC 8461 section 3.3 suggests it).
pub const FETCH_BACKOFF_MAX: u64 = 86_400;
/// Failures of a policy host are remembered, seconds: beyond the longest pause after them.
pub const FETCH_FAILURES_KEPT: u64 = 172_800;
/// Addresses of a policy host that are tried.
pub const MAX_POLICY_HOST_ADDRESSES: usize = 4;
/// From one connection attempt to the next address's turn (RFC 8305 section 5 recommends 250 ms).
pub const CONNECT_STAGGER: Duration = Duration::from_millis(250);
/// Interim replies (1xx, RFC 9110 section 15.2) before the real one; none was asked for.
pub const MAX_INTERIM_REPLIES: usize = 4;
/// Octets of the path and query of a policy's address; the record that holds it has at most [`MAX_TXT_OCTETS`].
pub const MAX_URL_PATH_OCTETS: usize = 1_024;
/// Octets of a file of CA certificates; Debian's store of 140 has 220,000.
pub const MAX_CA_FILE_OCTETS: usize = 8_388_608;

// ---- the look at MX hosts (probe, lint DOMAIN) -------------------------------------------------------------------

/// One address of an MX host, from the connection attempt to the end of the handshake. Some greet after six seconds and
/// more, to be rid of those who cannot wait (postscreen's `postscreen_greet_wait`).
pub const PROBE_DEADLINE: Duration = Duration::from_secs(15);
/// The whole of one domain of `probe`, default: three rounds of addresses that do not answer to the end.
pub const PROBE_DOMAIN_DEADLINE_DEFAULT: Duration = Duration::from_secs(45);
/// Connections of `probe` and `lint DOMAIN` at the same time.
pub const MAX_PROBES_AT_ONCE: usize = 32;
/// Domains that `probe` looks at at the same time.
pub const MAX_PROBED_DOMAINS_AT_ONCE: usize = 4;
/// The whole of `lint DOMAIN`, default: a person waits for it, not Exim.
pub const LINT_DEADLINE_DEFAULT: Duration = Duration::from_secs(30);
/// `max_age` that `lint --publish` gives, seconds: two weeks, the least of what RFC 8461 section 3.2 calls "weeks".
pub const LINT_MAX_AGE_DEFAULT: u64 = 1_209_600;
/// Findings about one text that a person is shown.
pub const MAX_FINDINGS_SHOWN: usize = 50;
/// Findings about one text that a program is told; a policy of blank lines has 65,000.
pub const MAX_FINDINGS_TOLD: usize = 1_000;
/// Addresses of an MX host that are looked at; the largest hosts have eight.
pub const MAX_PROBE_ADDRESSES: usize = 16;
/// Octets read at one address; a long chain of certificates has 10,000, and the TLS library takes none above 65,535.
pub const MAX_PROBE_OCTETS: usize = 131_072;
/// Trust anchors to which the chain of one address is followed. A server may show as many authorities as it likes, and
/// publish a TLSA record for each; a chain has three or four, and following it to one may cost 100 signatures.
pub const MAX_ANCHORS_TRIED: usize = 8;
/// Certificates of one chain that stand above one another, where the probe follows it itself; OpenSSL's own limit is 100, and
/// a chain has three or four.
pub const MAX_CHAIN_LENGTH: usize = 8;
/// Signatures that are tried for it: as many as our TLS library tries for a chain.
pub const MAX_CHAIN_SIGNATURES: usize = 100;
/// Lines of one SMTP reply; the longest replies to EHLO have about 20.
pub const MAX_SMTP_REPLY_LINES: usize = 100;
/// Octets of one line of an SMTP reply; RFC 5321 section 4.5.3.1.5 allows 512.
pub const MAX_SMTP_REPLY_OCTETS: usize = 2_048;

// ---- monitoring (probe) ----------------------------------------------------------------------------------------

/// Octets of the line for Nagios, its end included; Nagios itself reads 8 KiB, NRPE before version 3 passed on 1 KiB.
pub const MAX_NAGIOS_OCTETS: usize = 4_096;
/// Octets of its words, so that figures find room behind them.
pub const MAX_NAGIOS_TEXT_OCTETS: usize = 2_048;
/// Addresses of one domain that are named in it.
pub const MAX_NAGIOS_COMPLAINTS: usize = 4;
/// Octets of an earlier exposition that are read: about 4,000 for a domain.
pub const MAX_EXPOSITION_OCTETS: u64 = 8_388_608;
/// Domains of one run that are told of together, for Nagios or Prometheus; more are a batch.
pub const MAX_PROBED_TOGETHER: usize = 500;
/// Octets of one line of a list of domains: a name of 253 letters beyond ASCII, and room for a comment.
pub const MAX_LIST_LINE: usize = 2_048;
/// Octets of one line of an earlier result; see `probe --resume`.
pub const MAX_RESULT_LINE: usize = 4_194_304;
/// Domains of a batch that are probed at the same time, default and greatest.
pub const PARALLEL_DEFAULT: u32 = 16;
/// The most that may be asked for; whatever they are, their connections share [`MAX_PROBES_AT_ONCE`].
pub const PARALLEL_MAX: u32 = 256;
/// Domains of a batch that are begun in a second, default: strangers' servers are asked without having been asked first.
pub const RATE_DEFAULT: u32 = 10;
/// For how long a domain of a batch waits for its turn at addresses beyond its own time: rounds of
/// [`PARALLEL_MAX`] domains that all have one MX host, [`MAX_CONNECTIONS_PER_ADDRESS`] at a time, some two seconds each.
pub const PROBE_QUEUE: Duration = Duration::from_secs(300);
/// Connections to one address at the same time, whatever the number of domains behind it (Postfix lets a client have 50,
/// `smtpd_client_connection_count_limit`; big providers are less patient).
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 2;

// ---- policies and their memory -------------------------------------------------------------------------------

/// Longest life of a policy, seconds: a year of RFC 8461 section 3.2 (`max_age`), also for the draft's `e`.
pub const MAX_POLICY_LIFE: u64 = 31_557_600;
/// A policy in use is fetched again after this time, seconds (RFC 8461 section 3.3 lets a sender refresh daily); one
/// that lives shorter, after three quarters of its life.
pub const RENEWAL: u64 = 86_400;
/// Longest life of a policy taken on first use, seconds: the six digits of the draft's own grammar.
pub const MAX_FIRST_USE_LIFE: u64 = 999_999;
/// `mx` patterns of one policy.
pub const MAX_MX_PATTERNS: usize = 64;
/// Domains in each file of the cache, default (postfix-tlspol: 50,000).
pub const MAX_DOMAINS_DEFAULT: u64 = 50_000;
/// Waiting for another process that writes the cache, in all: half of what an asker of the daemon waits by default
/// ([`ANSWER_WITHIN_DEFAULT`]). Half of this at most is for the turn, the rest for SQLite's lock.
pub const CACHE_BUSY_WAIT: Duration = Duration::from_secs(2);
/// After a wait in vain nobody waits for that again for so long: not for the turn at all, and for SQLite's lock no longer than for what is
/// expendable ([`CACHE_EXPENDABLE_WAIT`]).
pub const CACHE_WAITED_IN_VAIN: Duration = Duration::from_secs(10);
/// The same for DNS results: whoever cannot write one down soon goes without.
pub const CACHE_EXPENDABLE_WAIT: Duration = Duration::from_millis(200);
/// The longest pause of that waiting; a commit takes some milliseconds.
pub const CACHE_TURN_PAUSE: Duration = Duration::from_millis(20);
/// One pause of a reader, or of a writer whose turn it is, while another one commits.
pub const CACHE_LOCK_PAUSE: Duration = Duration::from_millis(1);
/// From one line of the log to the next about a file of an earlier version that is still being taken over, and before the first: one
/// of a million policies is done in three seconds (measured), and needs none.
pub const TAKE_OVER_TOLD_EVERY: Duration = Duration::from_secs(5);
/// From one attempt to take an older file over that failed to the next, seconds: one that finds no room may take seconds itself.
pub const TAKE_OVER_TRIED_AGAIN: u64 = 300;
/// Steps of SQLite's virtual machine from one look at the clock to the next while a file is taken over; some ten million are done in a second.
pub const TAKE_OVER_STEPS: i32 = 100_000;
/// Octets that a domain may take in a file of the cache on average, its history included; bounds the file. A few hundred
/// are usual; a policy file may be ten times as long, and then fewer of them find room.
pub const CACHE_OCTETS_PER_DOMAIN: u64 = 6_144;
/// The bound of a file for few domains, octets.
pub const CACHE_OCTETS_LEAST: u64 = 67_108_864;
/// Octets of one remembered DNS result: the names of [`MAX_MX_RECORDS`] hosts.
pub const MAX_REMEMBERED_OCTETS: usize = 17_408;
/// Octets of a policy in the cache: a policy file of [`MAX_BODY_OCTETS`] whose names became A-labels (RFC 5891 section
/// 4.4), and its record.
pub const MAX_STORED_POLICY_OCTETS: usize = 262_144;
/// Events that are remembered of one domain, the newest.
pub const MAX_EVENTS_PER_DOMAIN: u64 = 32;
/// Events that are remembered of all domains, for each of the domains that have room: the newest.
pub const MAX_EVENTS_ON_AVERAGE: u64 = 4;
/// Octets of the words of one event.
pub const MAX_EVENT_DETAIL_OCTETS: usize = 400;
/// Octets of one line of `cache import`: a policy of [`MAX_STORED_POLICY_OCTETS`], in which JSON writes each line end with
/// two octets, and a few short fields.
pub const MAX_IMPORT_LINE: usize = 524_288;
/// Octets of all lines of `cache import`, which are checked before the first is stored: a million usual ones, of some 350.
pub const MAX_IMPORT_OCTETS: usize = 402_653_184;
/// Domains that `cache refresh` asks about at the same time: as many as one look at a batch of names.
pub const MAX_REFRESH_AT_ONCE: usize = 8;
/// A clock that went back further than this makes a stored policy suspicious, seconds.
pub const CLOCK_JUMP: u64 = 86_400;

// ---- recordings ----------------------------------------------------------------------------------------------

/// Octets of a recording: the replies of one verdict ([`MAX_REPLY_OCTETS`]) in base64 and once more as a zone file has
/// them, which may be several times as long; policies and certificates. A usual one has some 60,000.
pub const MAX_RECORDING_OCTETS: usize = 16_777_216;
/// Fields of a recording that are told because they are not as they should be.
pub const MAX_RECORDED_DIFFERENCES: usize = 8;

// ---- the look at this machine (doctor) -------------------------------------------------------------------------

/// A name server whose quickest reply, from its own memory, takes longer is slow: round the world and back takes 250 ms.
pub const SLOW_NAME_SERVER: Duration = Duration::from_millis(250);
/// A clock that is off by more is worth a look, seconds; NTP keeps it within one.
pub const CLOCK_OFF_WARNING: u64 = 60;
/// A clock that is off by more judges signatures wrongly, seconds: signers let them begin an hour before they are made.
pub const CLOCK_OFF_WRONG: u64 = 3_600;
/// A file of trust anchors that was not changed for longer may have missed something, seconds: a year.
pub const OLD_ANCHOR_FILE: u64 = 31_557_600;
/// Certification authorities that are older are no longer those of today, seconds: two years.
pub const OLD_AUTHORITIES: u64 = 63_115_200;
/// Octets that are read of what a program says; all routers and transports of Debian's Exim have 90,000.
pub const MAX_PROCESS_OCTETS: u64 = 1_048_576;
/// Octets of a test message that `doctor` takes from the mail server, with all that is said around it; it has 3,000.
pub const MAX_TEST_MESSAGE_OCTETS: u64 = 65_536;
/// Connections that are heard while it is waited for, the mail server's and those of whoever else is on the machine; the oldest makes room.
pub const MAX_TEST_MESSAGE_CLIENTS: usize = 64;
/// Until the mail server has signed a test message for `doctor` and handed it over; it takes a fifth of a second.
pub const TEST_MESSAGE_DEADLINE: Duration = Duration::from_secs(5);
/// Until this system has said what a user or a group is called; one that asks a directory service over the network may take as long.
pub const ACCOUNT_DEADLINE: Duration = Duration::from_secs(2);
/// Until the daemon has said whether it is ready, to `serve --ready`: less than the three seconds and more that supervisors give a check.
pub const READY_DEADLINE: Duration = Duration::from_secs(2);
/// Octets of a cache file that is read through in search of damage; takes less than a second.
pub const MAX_CHECKED_OCTETS: u64 = 134_217_728;
/// Octets that have to be free on the cache's disk: the bound of a file for few domains.
pub const LEAST_FREE_OCTETS: u64 = 67_108_864;

/// Characters of one value in the log: more than any name has, and few enough for a line that somebody reads.
pub const MAX_LOG_VALUE: usize = 1_024;

// ---- the daemon (serve) ----------------------------------------------------------------------------------------

/// An answer comes within this time, default: a second less than Exim's `${readsocket}` waits for (Exim spec, "readsocket"), and
/// time enough for one step of a fetch that nobody answers ([`HANDSHAKE_DEADLINE`], [`HEAD_DEADLINE`]) after the record is known.
pub const ANSWER_WITHIN_DEFAULT: Duration = Duration::from_secs(4);
/// The most that may be asked for.
pub const ANSWER_WITHIN_MAX: Duration = Duration::from_millis(4_500);
/// Connections of Exim and Postfix at the same time, as long as one of them is idle (postfix-tlspol: 512): that one is closed for the next.
pub const MAX_CONNECTIONS: usize = 512;
/// The same where all of them wait for an answer: each is a descriptor and the memory of a question ([`MAX_PENDING_LOOK_UPS`]). Beyond it the peer that has most of
/// them gives up the one that has waited longest.
pub const MAX_CONNECTIONS_THAT_WAIT: usize = 4_096;
/// One that has just come is not taken for an idle one for so long, if it can be had.
pub const IDLE_GRACE: Duration = Duration::from_millis(20);
/// A connection that has waited for its answer for so long is one of those that make room where all room is taken: longer than
/// [`WORK_WITHOUT_PAUSE`], and longer than a domain takes that answers.
pub const KEPT_WAITING: Duration = Duration::from_millis(1_500);
/// Connections to the pages at the same time.
pub const MAX_HTTP_CONNECTIONS: usize = 64;
/// Connections that the system keeps for us until they are accepted (postfix-tlspol: 4,096 at most, `somaxconn`).
pub const BACKLOG: u32 = 1_024;
/// How long a question or a connection waits for a descriptor where there is none left, and how often it looks for one meanwhile. It is
/// over before anybody takes it for silence ([`SILENT_AFTER`], [`UPSTREAM_PATIENCE`]).
pub const RESOURCES_AWAITED: Duration = Duration::from_millis(300);
pub const RESOURCES_TRIED_AGAIN: Duration = Duration::from_millis(10);
/// Descriptors for the files, and for what the threads need to live.
pub const DESCRIPTORS_FOR_FILES: usize = 64;
/// The least of these: three to be born with, three event loops, signals, two places, two files and a journal (counted on Linux).
pub const DESCRIPTORS_LEAST: usize = 21;
/// Descriptors of a look-up: a socket for each try of each question in the air, and a fetch. One that is answered has ten at a time; one
/// below a silent zone has four tries of as many ([`QUESTION_DEADLINE`], [`UPSTREAM_PATIENCE`]). If they were not there, others' look-ups
/// would fail for want of them.
pub const DESCRIPTORS_PER_LOOK_UP: usize = 40;
/// Look-ups at the same time with which no mail waits for its turn: as many as Postfix has SMTP clients, as it comes
/// (postconf(5), `default_process_limit`).
pub const LOOK_UPS_ENOUGH: usize = 100;
/// Descriptors that connections never get: those for files, and for all look-ups.
pub const RESERVED_DESCRIPTORS: usize = 41_024;
/// Descriptors, where the system does not tell how many there may be: what Linux gives every process at first. If there are
/// fewer, whoever comes too many waits until one can be accepted.
pub const DESCRIPTORS_UNTOLD: u64 = 1_024;
/// After a connection could not be accepted, before the next one is.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// From the first octet of a request to its last.
pub const FRAME_DEADLINE: Duration = Duration::from_secs(10);
/// Until a peer has taken its answers.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Requests of one connection that are under way; then it is not read (postfix-mta-sts-resolver: 128).
pub const MAX_QUEUED_REQUESTS: usize = 32;
/// Octets of answers after which a turn of a connection ends; no more of its requests are read before the next one. They are
/// some 20 usual answers, or one long one.
pub const TURN_OCTETS: usize = 8_192;
/// Octets of answers that are kept for all peers that do not read them: a turn and a reply of [`MAX_SOCKETMAP_REPLY_OCTETS`]
/// for each of 150. For whoever reads, none are kept here, for what is under way to him is in the system's buffers.
pub const MAX_UNSENT_OCTETS: usize = 16_777_216;
/// A connection that has look-ups under way without a pause for so long gets their answers before more of its requests are
/// read; then it keeps us waiting like others, and its connection may be evicted.
pub const WORK_WITHOUT_PAUSE: Duration = Duration::from_secs(1);
/// Octets that are read from a connection at once.
pub const READ_OCTETS: usize = 4_096;
/// Peers who break the protocol are told of in the log, one in this time, and so is a want of descriptors: it cannot be filled.
pub const PEER_TOLD_AFTER: Duration = Duration::from_secs(60);
/// From SIGTERM to the end, whoever still waits for an answer.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// From SIGTERM until a connection that says nothing is closed: what was sent before is read by then.
pub const DRAIN_GRACE: Duration = Duration::from_millis(100);
/// Lines of the log about answers that withhold mail, at once; with the next one, some 25 screens. Then one each [`TOLD_PAUSE`]: strangers
/// choose which domains are asked about, and a log of three megabytes a day fills no disk.
pub const MAX_TOLD_AT_ONCE: u64 = 100;
/// Seconds until there is room for another such line.
pub const TOLD_PAUSE: u64 = 6;
/// Seconds for which a reason that was told of a domain is only counted: Exim and Postfix try again after minutes.
pub const TOLD_WINDOW: u64 = 600;
/// Such lines about one domain within that time: one for each reason and host.
pub const MAX_TOLD_OF_DOMAIN: u64 = 5;
/// Rows of a domain in the file of withheld answers: a fortnight of a queue that is run every half hour comes down to fewer.
pub const MAX_WITHHELD_OF_DOMAIN: u64 = 100;
/// Rows of all domains without a policy together; they push out one another.
pub const MAX_WITHHELD_UNKNOWN: u64 = 5_000;
/// Rows of all domains: some megabytes.
pub const MAX_WITHHELD: u64 = 20_000;
/// Seconds for which they are kept: whoever asks why a mail waited does so within the month.
pub const WITHHELD_KEPT: u64 = 30 * 86_400;
/// Seconds within which the same answer is the same row: the longest pause of Exim's retry rule in Debian is six hours.
pub const WITHHELD_TOGETHER: u64 = 6 * 3_600;
/// Withheld answers that wait to be written down; what comes on top is only counted.
pub const MAX_WITHHELD_UNWRITTEN: usize = 256;
/// Until they are written: one commit stands for all.
pub const WITHHELD_WRITTEN_AFTER: Duration = Duration::from_secs(10);
/// While an older configuration is in force: until the file is read again, for it may have been mended. Who has mended it waits no
/// longer for that than for a mail, and a parse takes a millisecond.
pub const CONFIGURATION_TRIED_AGAIN: Duration = Duration::from_secs(5);
/// What the threads have to answer within, before systemd is no longer told that all is well.
pub const PULSE_DEADLINE: Duration = Duration::from_secs(10);
/// Look-ups at the same time, some 100,000 octets each and [`DESCRIPTORS_PER_LOOK_UP`]: what they need is bounded by this, not what they
/// compute, for one that waits for others' servers computes nothing. One that hangs does so for [`DEADLINE_DEFAULT`].
pub const MAX_LOOK_UPS: usize = 1_024;
/// A look-up that has heard nothing for so long waits for somebody who is silent, and gives up its seat also to one that weighs as much: a
/// packet goes round the world and back in 300 ms.
pub const SILENT_AFTER: Duration = Duration::from_millis(500);
/// A look-up begins when those that have begun leave the processor idle, or after so long: whoever keeps it busy keeps nobody out.
pub const LOOK_UP_BEGINS_WITHIN: Duration = Duration::from_millis(10);
/// From one look at who has fallen silent to the next, while look-ups wait for a seat.
pub const SEATS_LOOKED_AT: Duration = Duration::from_millis(25);
/// Of those who hold seats so many are weighed, by who asks and as many by name, to find who gives up his: the heaviest, silent ones first. More
/// than a few that are heavy in one way alone would have to stand before one that is so in both ways, and then these hold many.
pub const SEATS_WEIGHED: usize = 16;
/// Askers of one peer that a look-up keeps for its turn: the first of them has it.
pub const MAX_ASKERS_OF_PEER: usize = 16;
/// Labels of a name, from the right, that are told apart when seats are shared: public suffixes have up to four.
pub const MAX_SUFFIX_LABELS: usize = 5;
/// Questions to memory that are under way in the store at the same time: they gather behind a commit that waits for the disk, and each
/// look-up needs two, so with few of them few look-ups share the next commit. What is beyond waits where it is looked whose turn it is.
pub const MAX_READING_AT_ONCE: usize = 32;
/// A look-up that takes longer lets the next one about its domain begin, whose host may be another one: who asks about silent hosts in
/// the name of somebody else's domain holds its mail up for no longer. A cold domain takes some four ways to its servers.
pub const DOMAIN_LOCK_HELD: Duration = Duration::from_secs(1);
/// Look-ups that keep what memory said while they wait for their turn, 100,000 octets each at most: behind more of them it is too old by then.
pub const MAX_KEPT_FOR_THEIR_TURN: usize = 64;
/// What memory said before a look-up had its turn counts as said now for so long.
pub const RECALLED_ANEW_AFTER: Duration = Duration::from_millis(100);
/// Questions on their way to an answer, whatever they wait for: 6,000 octets each below one name, 11,000 where they have nothing
/// in common (measured). Half of them may be many of one connection; from then on each connection has one under way, so
/// [`MAX_CONNECTIONS`] and [`MAX_CONNECTIONS_THAT_WAIT`] find room.
pub const MAX_PENDING_LOOK_UPS: usize = 10_240;
/// Errands that wait for the files: two for each look-up under way.
pub const MAX_STORE_ERRANDS: usize = 128;
/// That the file of policies is full is told again after so long, seconds: an hour. Each policy that is not kept is counted.
pub const CACHE_FULL_TOLD_AGAIN: u64 = 3_600;
/// That a file cannot be written to is told again as soon, seconds, where it could be meanwhile: a disk that is nearly full takes one thing and
/// not the next.
pub const CACHE_TROUBLE_APART: u64 = 60;
/// Answers that are kept at hand, some 1,000 octets each, and [`USUAL_ANSWER_OCTETS`] at most.
pub const MAX_CACHED_ANSWERS: usize = 20_000;
/// Octets of an answer in the words of all protocols: that of a domain with five MX hosts and as many lines `mx` has 1,300. Longer ones have room of
/// their own, so that whoever publishes long policies drives out nobody else's answers.
pub const USUAL_ANSWER_OCTETS: usize = 1_600;
/// Octets of such longer answers that are kept at hand, and once more of those that stand in for others: 16 MiB, half of what
/// [`MAX_CACHED_ANSWERS`] may have. Of the longest policy seen in an attack, 64 patterns of 250 octets, they are some 400.
pub const MAX_LONG_ANSWERS_OCTETS: usize = 16_777_216;
/// An answer that memory cannot give again stands for so long, seconds: a queue full of mail to one broken domain asks
/// once, and a refusal is looked at again soon (RFC 8461 section 5.1).
pub const PAUSE_AFTER_DEFER: u64 = 5;
/// The last answer to a question about a domain without a policy, in an unsigned zone, stands in for one that does not come in
/// time for so long, seconds: four hours. Silence there could keep no policy from us that an absence could not, and the mail
/// would wait for as long as the silence lasts.
pub const STAND_IN_KEPT: u64 = 14_400;
/// From one look at what others wrote into the files to the next.
pub const STORE_PULSE: Duration = Duration::from_secs(1);
/// A DNS question that failed is not asked again for so long (RFC 9520 section 3.2: at least one second, five at first).
pub const RESOLUTION_FAILURE_FIRST: Duration = Duration::from_secs(5);
/// The longest such pause, after it doubled (RFC 9520 section 3.2: no more than five minutes).
pub const RESOLUTION_FAILURE_MOST: Duration = Duration::from_secs(300);
/// The same where the answer was bogus: who mends his zone is heard soon.
pub const RESOLUTION_FAILURE_BOGUS_MOST: Duration = Duration::from_secs(60);
/// DNS questions whose failure is remembered, some 1,000 octets each.
pub const MAX_RESOLUTION_FAILURES: usize = 4_096;
/// Policies that are renewed at the same time, beside the look-ups of those who wait.
pub const MAX_RENEWALS_AT_ONCE: usize = 4;
/// Renewals that have begun, those included that wait for a look-up about their domain to end.
pub const MAX_RENEWALS_WAITING: usize = 64;
/// How often one of them waits for that, before it is left to its next turn.
pub const RENEWAL_TRIES: usize = 3;
/// From the beginning of one renewal to the next: a daemon that was away for days does not ask everybody at once.
pub const RENEWALS_APART: Duration = Duration::from_millis(100);
/// From one walk through the file of policies to the next.
pub const RENEWAL_ROUND: Duration = Duration::from_secs(300);
/// From one page of that walk to the next: deliveries come between.
pub const RENEWAL_PAGE_PAUSE: Duration = Duration::from_millis(20);
/// A policy that could not be renewed is tried again after so long, seconds; its host's own pauses are heeded beyond that.
pub const RENEWAL_RETRY: u64 = 3_600;
/// A policy that no delivery asked for is renewed for so long, seconds, and then left to its end: half a year.
pub const RENEWED_UNUSED: u64 = 15_552_000;
/// Octets of one request of Postfix's socketmap: a map's name and a next hop, which a domain of 253 octets fits into
/// many times over.
pub const MAX_NETSTRING_OCTETS: usize = 10_000;

/// Octets of Exim's question on the daemon's socket: a domain and a host of [`MAX_ARGUMENT_OCTETS`] each, every octet of
/// the host escaped.
pub const MAX_EXIM_QUESTION_OCTETS: usize = 4_096;
/// Octets of one event that Exim tells: most of them are a certificate in base64. Those with a hundred names have 6,000
/// before that.
pub const MAX_EXIM_EVENT_OCTETS: usize = 16_384;
/// Octets of what a host said that Exim tells with an event; the longest replies to EHLO have 600.
pub const MAX_EXIM_EVENT_DATA_OCTETS: usize = 2_000;
/// Octets of one reply of the socketmap; Postfix takes no longer one (`socketmap_max_reply_size`).
pub const MAX_SOCKETMAP_REPLY_OCTETS: usize = 100_000;
/// Octets of the head of a request for a page: a browser's has 1,000.
pub const MAX_PAGE_REQUEST_OCTETS: usize = 8_192;
/// The head of a request for a page, from the first octet or from the reply before it.
pub const PAGE_REQUEST_DEADLINE: Duration = Duration::from_secs(5);
/// A connection that pages are read from, from its first octet to its end: Prometheus opens another one.
pub const PAGE_CONNECTION_LIFE: Duration = Duration::from_secs(30);
/// Whoever makes a page waits so long for the other threads, and then tells that they do not answer.
pub const PAGE_PATIENCE: Duration = Duration::from_secs(1);
/// What the store told for a page serves all pages for so long. Ten thousand policies take it some milliseconds to count; a
/// million, most of a second.
pub const OUTLOOK_KEPT: Duration = Duration::from_secs(5);
/// And for so many times what that took: whoever reads pages has a twentieth of the store's time at most.
pub const OUTLOOK_PAUSES: u32 = 20;
/// Policies that the status page names, those that end first.
pub const MAX_POLICIES_NAMED: u32 = 100;
/// Refusals and defers that the status page tells of, the newest.
pub const MAX_RECENT: usize = 50;
/// Sessions of Exim that are followed at the same time, some 300 octets each: Exim's `remote_max_parallel` in a thousand
/// delivery processes.
pub const MAX_SESSIONS_FOLLOWED: usize = 4_096;
/// A session is followed for so long, seconds: Exim waits five minutes for a reply (`command_timeout`), and does so twice
/// before there is TLS.
pub const SESSION_FOLLOWED: u64 = 600;
/// A connection that was closed without TLS was a STARTTLS refused, if Exim does not give the host up so soon after, seconds: it does
/// so at once, and may wait for a second at each of two events.
pub const DEFER_FOLLOWS_CLOSE: u64 = 3;
/// Rows of counts for TLS reports in memory before they are written, some 300 octets each; as many again for those that are
/// counted together.
pub const MAX_TALLIED: usize = 4_096;
/// Counts are written this long after the first of them: the most that `kill -9` takes away.
pub const TALLY_WRITTEN_AFTER: Duration = Duration::from_secs(10);
/// From one look for counts and reports that are older than they are kept to the next; they are kept by whole days.
pub const REPORTS_FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);
/// Rows of one domain and day that are told apart; a report is to stay readable.
pub const MAX_REPORT_ROWS_PER_DOMAIN: u64 = 1_000;
/// Rows of one day: the domains of [`MAX_DOMAINS_DEFAULT`], with a host or two.
pub const MAX_REPORT_ROWS_PER_DAY: u64 = 100_000;
/// Days before today of which counts are kept: a report may be tried for a day after its own (RFC 8460 section 5.3), and an
/// operator looks at a week.
pub const REPORTS_KEPT_DAYS: u64 = 8;
/// Octets of a policy, or of a host's TLSA records, that are kept with the counts, whole: those of a policy that may be fetched
/// ([`MAX_BODY_OCTETS`]). Those of the largest providers have 300.
pub const MAX_REPORTED_POLICY_OCTETS: usize = 65_536;
/// Octets of all policies in memory that sessions may still be counted under: fifty thousand ordinary ones.
pub const MAX_REPORTED_TEXTS_OCTETS: usize = 16_777_216;
/// Octets of all policies in the file of the counts; no more than half of the file.
pub const MAX_REPORTED_TEXTS_STORED: u64 = 268_435_456;
/// Different texts of policies under which the sessions of a domain are counted on a day: one, two where it changes, and a set of TLSA
/// records for each MX host. Beyond it the text is left out, so that a report stays small, whatever a domain publishes.
pub const MAX_REPORTED_TEXTS_OF_DOMAIN: usize = 64;
/// Domains of which it is remembered what was answered last, for the sessions that follow, some 200 octets each without the policies.
pub const MAX_ANSWERS_FOLLOWED: usize = 16_384;
/// Answers about one of them that differ in what they ask for.
pub const MAX_ANSWERS_OF_DOMAIN_FOLLOWED: usize = 4;
/// Octets of what a mail host calls itself (RFC 5321 section 4.5.3.1.2).
pub const MAX_HELO_OCTETS: usize = 255;
/// Octets of the path of a UNIX socket (Linux, unix(7): 108 with the last one).
pub const MAX_SOCKET_PATH: usize = 107;
/// Octets of one datagram of libtlsrpt: the largest that Linux hands over has 212,000.
pub const MAX_DATAGRAM_OCTETS: usize = 262_144;
/// Datagrams that wait to be read: ten seconds of a very busy Postfix.
pub const MAX_DATAGRAMS_WAITING: usize = 32_768;
/// Octets of them together.
pub const MAX_DATAGRAM_OCTETS_WAITING: usize = 33_554_432;
/// Datagrams that are handed to the recorder together.
pub const MAX_DATAGRAMS_TOGETHER: usize = 512;
/// Octets after which no further datagram joins them: 512 of some 8,000 octets, more than Postfix's longest.
pub const MAX_DATAGRAM_OCTETS_TOGETHER: usize = 4_194_304;
/// Threads that receive them at one place: when one of them waits for a processor, another may have one.
pub const DATAGRAM_RECEIVERS: usize = 4;
/// Datagrams are gathered for so long before they are read together.
pub const DATAGRAMS_GATHERED: Duration = Duration::from_millis(20);
/// Whoever receives datagrams looks so often whether the daemon ends.
pub const DATAGRAM_PAUSE: Duration = Duration::from_millis(500);
/// Events and faults that wait to be counted.
pub const MAX_TLSRPT_QUEUE: usize = 1_024;

// ---- TLS reports that others send (reports read) -----------------------------------------------------------------

/// Octets of a mail with a report; receivers of mail often stop at 10 MB (RFC 8460 section 5.2).
pub const MAX_REPORT_MAIL_OCTETS: usize = 15_000_000;
/// Octets of a report, and all that is unpacked on the way to it: a thousand rows of a domain have 259,000 (mox stops at 20 MB, too).
pub const MAX_REPORT_OCTETS: usize = 20_000_000;
/// Mails within mails, parts within parts and packings around a report: one that was forwarded twice has seven.
pub const MAX_REPORT_LAYERS: usize = 12;
/// Parts of one mail, those of mails within it among them; a report has two.
pub const MAX_MAIL_PARTS: usize = 100;
/// Octets of a mail that are looked through for the ends of its parts, those of parts within parts once more for each: the
/// longest mail, forwarded as an attachment.
pub const MAX_MAIL_OCTETS_SPLIT: usize = 60_000_000;
/// Octets of one header of a mail or a part; the longest, of mailing lists that sign for each other, have 60,000.
pub const MAX_MAIL_HEADER_OCTETS: usize = 262_144;
/// Members of a gzip: one is the rule, and some senders write two.
pub const MAX_GZIP_MEMBERS: usize = 16;
/// Files of a zip.
pub const MAX_ZIP_FILES: usize = 16;
/// Values in the JSON of a report, some 100 octets of memory each at worst: a failure has nine.
pub const MAX_REPORT_VALUES: usize = 500_000;
/// Reports, policies and failures that one run keeps, some 300 octets each: those of twenty senders in five years.
pub const MAX_RECEIVED_ROWS: usize = 200_000;
/// Files of a directory that one run reads.
pub const MAX_RECEIVED_FILES: usize = 100_000;
/// Directories within directories that are looked into: a folder of a Maildir has two.
pub const MAX_RECEIVED_DEPTH: usize = 4;
/// Characters of a report's text that a program is told.
pub const MAX_REPORT_TEXT_TOLD: usize = 1_024;
/// Failures of one sender, day and policy that a person is shown, and files that could not be read.
pub const MAX_RECEIVED_SHOWN: usize = 50;

// ---- TLS reports that are sent (reports send) --------------------------------------------------------------------

/// Destinations of a record that a report goes to, the first ones: whoever publishes has one or two, and each may aim at somebody else.
pub const MAX_REPORT_DESTINATIONS: usize = 8;
/// Octets of a mail address (RFC 5321 section 4.5.3.1.3, without the brackets).
pub const MAX_MAIL_ADDRESS_OCTETS: usize = 254;
/// Octets of its local part (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL_PART_OCTETS: usize = 64;
/// From midnight until the first report of the day that is over leaves, seconds: the daemon writes its counts up to
/// [`TALLY_WRITTEN_AFTER`] late, and clocks differ.
pub const REPORTS_SENT_FROM: u64 = 300;
/// From midnight until the last domain has had its moment, seconds (RFC 8460 section 4.1: four hours).
pub const REPORTS_SENT_UNTIL: u64 = 14_400;
/// From the first try of a report to the second, seconds; then the pauses double.
pub const REPORT_RETRY_FIRST: u64 = 300;
/// The longest such pause, seconds.
pub const REPORT_RETRY_MOST: u64 = 14_400;
/// From the first try to the last one, seconds (RFC 8460 section 5.5: 24 hours).
pub const REPORT_TRIED_FOR: u64 = 86_400;
/// Days before today of which reports are sent; who comes later is told nothing old.
pub const REPORTS_SENT_DAYS: u64 = 2;
/// A destination that failed for so long, seconds, is left alone: three days.
pub const SUPPRESSED_AFTER: u64 = 259_200;
/// For so long at first, seconds: a week; at once if it refused for good. Then twice as long each time.
pub const SUPPRESSED_FIRST: u64 = 604_800;
/// And never longer than this: 90 days.
pub const SUPPRESSED_MOST: u64 = 7_776_000;
/// Octets of a report as it is sent; receivers often stop at 10 MB (RFC 8460 section 5.2), and base64 takes a third more.
pub const MAX_SENT_REPORT_OCTETS: usize = 7_000_000;
/// One POST of a report, from the question for the address to the head of the reply: receivers may look at it first.
pub const REPORT_POST_DEADLINE: Duration = Duration::from_secs(30);
/// Where many web servers keep a run of `reports send` waiting, each gets less of that time: a quarter of what is left of so much...
pub const REPORTS_WAITED: Duration = Duration::from_secs(120);
/// ...but never less than this: a handshake and a reply from the other side of the world.
pub const REPORT_POST_LEAST: Duration = Duration::from_secs(5);
/// One run of the sendmail command: it queues, or looks at once for the next host.
pub const SENDMAIL_DEADLINE: Duration = Duration::from_secs(60);
/// Octets of what that command says; more cannot be written.
pub const MAX_SENDMAIL_OUTPUT: usize = 4_096;
/// Characters of a destination's last words that are kept.
pub const MAX_REPORT_WORDS: usize = 240;
/// Message-IDs that a bounce gives back and are looked at; it has one, and names it once or twice.
pub const MAX_BOUNCE_IDS: usize = 8;
/// Recipients that a bounce tells of and are looked at: a report's mail has one, whom an alias of the receiver's may have made several.
pub const MAX_BOUNCE_RECIPIENTS: usize = 16;
/// TXT look-ups for reports under way at the same time; the hand-over is one at a time.
pub const MAX_REPORT_LOOK_UPS: usize = 16;
/// Such a look-up that is over so soon has kept nobody waiting: a cold one takes some round trips.
pub const REPORT_LOOK_UP_QUICK: Duration = Duration::from_secs(1);
/// So long the look-ups below one owner's name may keep a run waiting, added up: two that end at the usual deadline. Then his other domains
/// wait for the next run.
pub const REPORT_LOOK_UPS_WAITED_OF_OWNER: Duration = Duration::from_secs(20);
/// Where those of many owners do, each gets less time: a quarter of what is left of so much...
pub const REPORT_LOOK_UPS_WAITED: Duration = Duration::from_secs(60);
/// ...but never less than this: a name server on the other side of the world, asked twice.
pub const REPORT_LOOK_UP_LEAST: Duration = Duration::from_secs(2);
/// Once look-ups have kept a run waiting for so long, it asks for no domain of an owner that has not answered in it yet...
pub const REPORT_LOOK_UPS_WAITED_MOST: Duration = Duration::from_secs(200);
/// ...and after so long, less than half of the run, for none: whoever has answered once may keep silent all the same.
pub const REPORT_LOOK_UPS_WAITED_AT_ALL: Duration = Duration::from_secs(240);
/// A run of `reports send` begins no further report after so long; the timer starts the next one.
pub const REPORTS_RUN: Duration = Duration::from_secs(540);
/// Rows of the outbox that are in memory at once, some 1,000 octets each.
pub const MAX_OUTBOX_ROWS: u32 = 1_000;
/// Destinations that fail or are left alone of which something is remembered; the oldest go. Each record may name eight.
pub const MAX_SUPPRESSIONS: u64 = 50_000;
/// Reports that failed which the status page names, the newest.
pub const MAX_REPORTS_NAMED: u32 = 20;
/// Octets of an organization's name.
pub const MAX_ORGANIZATION_OCTETS: usize = 200;
/// Days before today of which counts and reports may be kept.
pub const REPORTS_KEPT_DAYS_MAX: u64 = 90;

// ---- a fleet: one memory for many hosts (serve with [fleet]) -------------------------------------------------------

/// Servers of a fleet's database: a primary and its standbys, twice.
pub const MAX_FLEET_HOSTS: usize = 16;
/// TCP, TLS and log-in to one server: 15 ms within a site, and two seconds are a network that loses every second packet.
pub const FLEET_CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// One statement: a batch of a hundred takes 20 ms, the slowest hundredth of single ones 18 ms. What is slower counts as away.
pub const FLEET_STATEMENT_DEADLINE: Duration = Duration::from_millis(500);
/// After so long the server itself ends one for which nobody waits any more: four times the deadline.
pub const FLEET_STATEMENT_MOST: Duration = Duration::from_secs(2);
/// And one that waits for another's lock, so that it is told within the deadline.
pub const FLEET_LOCK_MOST: Duration = Duration::from_millis(300);
/// Statements in a row that came too late, before the database counts as away.
pub const FLEET_SLOW_AT_MOST: u32 = 3;
/// Octets that a database may send for one statement: a page of policies, each as long as a fetch may be ([`MAX_BODY_OCTETS`]). Where it sends more, fewer
/// are read at once.
pub const FLEET_REPLY_OCTETS: u64 = 80_000_000;
/// Changes that are read at once, at most.
pub const FLEET_PAGE: usize = 1_000;
/// And at first: of the longest that the store takes ([`MAX_STORED_POLICY_OCTETS`]) so many are a third of [`FLEET_REPLY_OCTETS`].
pub const FLEET_PAGE_FIRST: usize = 100;
/// Of these, so many are weighed in one errand of the store, so that look-ups come in between: as many as a renewal reads.
pub const FLEET_WEIGHED_AT_ONCE: usize = 64;
/// And so long the next chunk waits: 640 a second at most, however much somebody writes into the database.
pub const FLEET_WEIGHED_APART: Duration = Duration::from_millis(100);
/// Policies that are offered at once: a batch shares one wait for the database's disk.
pub const FLEET_BATCH: usize = 100;
/// Batches that are offered one after the other, before decrees and changes are looked at again: two seconds of them.
pub const FLEET_BATCHES: usize = 10;
/// From one look into the outbox to the next.
pub const FLEET_OUTBOX_PAUSE: Duration = Duration::from_millis(200);
/// From one look for changes to the next, give or take a half; whoever is woken looks sooner.
pub const FLEET_POLL: Duration = Duration::from_secs(5);
/// So often the changes of the same time before are read once more: numbers become visible out of order, and a failover may take some back.
pub const FLEET_READ_AGAIN: Duration = Duration::from_secs(600);
/// Policies that were offered lately and are remembered, to be offered again after a failover; of more, all of them are.
pub const MAX_FLEET_RECENT: usize = 1_000;
/// From one sign of life to the next.
pub const FLEET_HEARTBEAT: Duration = Duration::from_secs(20);
/// The first pause after a failure, which doubles,
pub const FLEET_RETRY_FIRST: Duration = Duration::from_secs(1);
/// up to this one: give or take a half, all hosts are there again within 24 s after the trouble. 500 hosts that try are 31 in a second, each of which costs the
/// database 15 ms.
pub const FLEET_RETRY_MOST: Duration = Duration::from_secs(16);
/// After so long without the database a warning is written.
pub const FLEET_AWAY_WARNED: Duration = Duration::from_secs(300);
/// How long what one other host says binds mail, seconds, if this host can neither see it nor prove that it is not there: an attacker has to keep
/// policy host and DNS from it for so long; a host that lies holds mail up for no longer.
pub const UNCONFIRMED_BINDS: u64 = 14_400;
/// What this host has seen for itself of a domain counts for so long, seconds, whatever is said about it meanwhile: so often at most it looks once more.
pub const LOOKS_APART: u64 = 60;
/// What others say is remembered for so long at least, seconds, together with how long mail waited for it.
pub const HEARSAY_KEPT: u64 = 2_592_000;
/// Hosts of which each policy names that they fetched it.
pub const MAX_WITNESSES: usize = 3;
/// Octets of a key file; a public key in PEM has 113.
pub const MAX_FLEET_KEY_OCTETS: u64 = 65_536;
/// Keys of witnesses that are read: twice the hosts of the largest fleet that was thought of.
pub const MAX_FLEET_KEYS: usize = 1_000;
/// Decrees of operators that are read at once, and shown.
pub const MAX_DECREES_KEPT: usize = 1_000;
/// Octets of a decree.
pub const MAX_DECREE_OCTETS: usize = 4_096;
/// A decree that was issued longer ago, seconds, is not obeyed any more: a host that was away for a week learns of it by other ways.
pub const DECREE_OLDEST: u64 = 604_800;
/// A host that has not shown itself for so long, seconds, is told as unseen: fifteen signs of life.
pub const FLEET_UNSEEN: u64 = 300;
/// Clocks may differ by so much, seconds, before somebody should look: what is fetched ahead of the database by 300 s is refused there.
pub const FLEET_CLOCK_APART: u64 = 60;
/// From one look at the fleet as a whole to the next, for the pages: a host that is gone is told within six minutes.
pub const FLEET_OVERVIEW: Duration = Duration::from_secs(60);
/// Hosts of a fleet that are told apart on its pages: twice the largest fleet that was thought of.
pub const MAX_FLEET_HOSTS_SEEN: usize = 1_000;
/// Characters of a role that are kept for the pages: PostgreSQL's own names have 63 octets (NAMEDATALEN).
pub const MAX_FLEET_ROLE_SEEN: usize = 63;
/// Characters of any other text of the database's that are kept for the pages: the longest that src/fleet/schema.sql takes of a host has 400.
pub const MAX_FLEET_TEXT_SEEN: usize = 400;
/// Policies that protect less than those before them which are looked at, of the last 24 hours: more are a disaster that a few tell of.
pub const MAX_FLEET_WEAKENED: i64 = 1_000;
/// Reports of a day that a host counts for its page, in the order of their domains: by the key that takes some milliseconds, and each host does it once a minute.
pub const MAX_FLEET_REPORTS_COUNTED: i64 = 10_000;
/// Octets of what a host tells its fleet of one domain and day: a thousand rows have 150,000, and the server takes no more (src/fleet/reports.sql).
pub const MAX_FLEET_SHEET_OCTETS: usize = 262_144;
/// Octets of the policies' texts in a report of a fleet, half of that in one sheet before it is written in JSON: what a domain publishes in a day has a few
/// thousand; the rest is left out.
pub const MAX_FLEET_SHEET_TEXTS: usize = 200_000;
/// Sessions in one row of a sheet: a million a second for a day are 10^11, and a host that says more is not believed.
pub const MAX_FLEET_SHEET_SESSIONS: u64 = 1_000_000_000_000;
/// Sheets that are handed in at once, and octets of them: some 20 ms of the database's.
pub const FLEET_SHEETS_AT_ONCE: usize = 100;
/// See [`FLEET_SHEETS_AT_ONCE`].
pub const FLEET_SHEET_OCTETS_AT_ONCE: usize = 1_048_576;
/// Sheets of one report that are read at once: of the longest four megabytes.
pub const FLEET_SHEETS_READ: usize = 16;
/// Reports that a host claims at once, at most as many as its outbox has in memory.
pub const FLEET_CLAIMS: usize = 1_000;
/// From the end of a day until a host that could not hand in its counts tells them alone, seconds: noon. An outage of the database at night is over by then,
/// and half a day is left for the domain's own server to be reached.
pub const FLEET_ALONE_AFTER: u64 = 43_200;
