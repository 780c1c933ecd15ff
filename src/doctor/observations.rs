//! What was seen, as plain data: what [`super::look`] writes and [`super::judge`] reads.
//!
//! A part may be looked at by a process of another user, which hands it over as JSON; so everything here can be written
//! and read. Where something could not be looked at, an `Err` says why.

use crate::cache::FileState;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Something that was seen, or why it was not.
pub type Seen<T> = Result<T, String>;

/// What lies outside of this program and is asked without root's rights: name servers, web server, files, routes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outside {
    /// The clock when it was looked at, seconds since 1970.
    pub now: u64,
    /// The name servers that this program asks.
    pub servers: Seen<Vec<Server>>,
    /// Those of `/etc/resolv.conf` that are not among them: the mail server alone asks them. `None` where a server was named to be looked
    /// at, as if both asked it.
    #[serde(default)]
    pub theirs: Option<Vec<Server>>,
    /// What the C library, and so the mail server, reads.
    pub resolv_conf: Seen<ResolvConf>,
    /// The root's keys, as the first server told them that did.
    pub root: Seen<Root>,
    /// Where the trust anchors come from.
    pub anchors: AnchorSource,
    /// Seconds since 1970 by the web server, and by this clock when its reply came.
    pub https_date: Seen<(u64, u64)>,
    /// The certification authorities.
    pub authorities: Seen<Authorities>,
    /// The address from which a host out there would be reached over IPv4.
    pub ipv4: Seen<std::net::IpAddr>,
    /// The same over IPv6.
    pub ipv6: Seen<std::net::IpAddr>,
    /// The memory that this host shares with others; `None` where it shares none.
    #[serde(default)]
    pub fleet: Option<Fleet>,
}

/// The memory that a fleet shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// The role of this host.
    pub role: String,
    /// Whether it has a schema that this program does not know.
    pub is_another_schema: bool,
    /// What was seen there; or why nothing was.
    pub store: Seen<FleetStore>,
}

/// The database, as the role of this host sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetStore {
    /// To which server this host is connected, as that says itself.
    pub server: String,
    /// The id of the store.
    pub id: String,
    /// The version of its schema.
    pub schema: i32,
    /// Seconds by which the clock here is ahead of that there.
    pub clock_offset: i64,
    /// Whether the role is a host's, and what it may do that no host has to, in sentences without their subject.
    pub rights: Seen<(bool, Vec<String>)>,
    /// The hosts that have shown themselves.
    pub hosts: Seen<Vec<FleetMember>>,
    /// What this host learns under.
    pub circumstances: String,
}

/// A host of the fleet, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetMember {
    /// Its role.
    pub name: String,
    /// What it learns under: hosts of other circumstances share nothing.
    pub circumstances: String,
    /// Seconds since it was seen.
    pub unseen_for: u64,
}

/// One name server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Where it is asked.
    pub address: SocketAddr,
    /// On this machine or not.
    pub place: Place,
    /// What came of asking over UDP.
    pub udp: Way,
    /// What came of asking over TCP.
    pub tcp: Way,
    /// What its reply says about EDNS; `None` if it has no OPT record.
    pub edns: Option<Edns>,
    /// Milliseconds of the quickest reply.
    pub quickest: Option<u64>,
    /// What our own chain of trust makes of its answer about the root's SOA record.
    pub positive: Chain,
    /// The same about a name that does not exist.
    pub negative: Chain,
    /// What it says of signed data, and of data that it must not hand out.
    pub validation: Validation,
}

/// Where a name server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The address is one of this machine.
    Here,
    /// It is not.
    Elsewhere,
}

/// What came of one question over one transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// A reply, after so many milliseconds.
    Answered(u64),
    /// A reply that UDP does not carry.
    CutShort,
    /// This machine had nothing left to ask with, which says nothing of the server; the words say what was wanting.
    NotAsked(String),
    /// Something else; the words say what.
    Failed(String),
}

/// The fixed part of an OPT record (RFC 6891 section 6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edns {
    /// UDP payload that the server takes, octets.
    pub size: u16,
    /// DO came back set.
    pub dnssec_ok: bool,
}

/// What the chain of trust makes of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chain {
    /// It is proven.
    Proven,
    /// It claims something else than what is known; the words say what.
    Contrary(String),
    /// Signatures are missing, even the root's.
    Stripped,
    /// False, for a reason in the answer.
    False(String),
    /// It cannot be told because of the clock or the trust anchors, which have checks of their own.
    OwnFault,
    /// This machine had nothing left to ask with; the words say what was wanting.
    NotAsked(String),
    /// No answer to judge.
    Silent(String),
}

/// What a server's own validation shows, asked as Exim asks (CD clear).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// AD for the root's SOA record, which is signed.
    pub signed: Claim,
    /// What it does with a name that is known to be signed wrongly.
    pub bogus: Claim,
}

/// What a server says with AD and RCODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// Data with AD set.
    Authentic,
    /// Data without.
    Plain,
    /// SERVFAIL: it refuses to hand the data out.
    Withheld,
    /// The name is not known there, or nothing came.
    Nothing,
    /// This machine had nothing left to ask with.
    NotAsked,
}

/// What `/etc/resolv.conf` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvConf {
    /// The servers, in their order.
    pub servers: Vec<SocketAddr>,
    /// The options, in their order.
    pub options: Vec<String>,
    /// The domains that are searched and look private, each with whether `insecure_zones` has it.
    #[serde(default)]
    pub private_search: Vec<(String, bool)>,
}

/// The root's keys; see [`crate::dns::root_keys::RootKeys`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Tags of the keys that a trust anchor names.
    pub ours: Vec<u16>,
    /// Tags of ours that are revoked.
    pub revoked: Vec<u16>,
    /// Tags of keys that are announced and not known.
    pub unknown: Vec<u16>,
    /// When the signatures by ours count, seconds since 1970.
    pub signed: Vec<(u64, u64)>,
}

/// Where the trust anchors come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnchorSource {
    /// The root's keys in the program.
    BuiltIn,
    /// A file, and the seconds since it was changed, if that is known.
    File(PathBuf, Option<u64>),
}

/// The certification authorities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorities {
    /// The file.
    pub file: PathBuf,
    /// Certificates that can be used.
    pub count: usize,
    /// Seconds since the file was changed.
    pub age: Option<u64>,
    /// The name of the user who read it, or the number.
    pub reader: String,
}

/// The cache, as one user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheView {
    /// Who looked, after root's rights were given up.
    pub user: String,
    /// Whether files can be made in its directory.
    pub directory: Seen<()>,
    /// The file of policies.
    pub policies: Seen<CacheFileState>,
    /// The file of DNS results.
    pub answers: Seen<CacheFileState>,
    /// Damaged files that were put aside and still lie there, by their names.
    pub set_aside: Vec<String>,
    /// Octets free on its disk for that user.
    pub free: Option<u64>,
}

/// One file of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheFileState {
    /// There is none yet; the first write makes it.
    Absent,
    /// It is there.
    Open(CacheFile),
    /// It is there, and can be looked at only after the next delivery; nothing is wrong with it.
    Waiting {
        /// What is the matter.
        why: String,
        /// Whether it can be written.
        writable: bool,
    },
}

/// A file of the cache, as one user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFile {
    /// What it is like.
    pub state: FileState,
    /// Whether it can be written.
    pub writable: bool,
}

/// Where the cache lies, as anybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    /// The file of policies.
    pub file: PathBuf,
    /// Owner, group and mode of the directory in words.
    pub directory: Seen<String>,
}

/// Everything about the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Where it lies.
    pub place: CachePlace,
    /// As this program uses it when whoever started doctor starts it: root becomes the directory's owner.
    pub own: Seen<CacheView>,
    /// Who that was.
    pub started_by: Starter,
    /// As Exim's user sees it; the outer error says why nobody can look as him.
    pub exim: Seen<Seen<CacheView>>,
}

/// Who started doctor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// Root, as Exim's routers are.
    Root,
    /// Exim's own user.
    EximUser,
    /// Somebody else.
    Other,
}

/// One Exim, asked by its own options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exim {
    /// The binary.
    pub binary: PathBuf,
    /// Whose machine it is, where it is not configured as Debian does it.
    pub platform: Option<Platform>,
    /// The name of the user that it becomes.
    pub user: Option<String>,
    /// `-bV`
    pub build: Seen<super::read::exim::Build>,
    /// `-bP macros`
    pub macros: Seen<Vec<(String, String)>>,
    /// `-bP routers`
    pub routers: Seen<Vec<super::read::exim::Driver>>,
    /// `-bP transports`
    pub transports: Seen<Vec<super::read::exim::Driver>>,
    /// What it starts, if that can be looked at.
    pub program: Seen<Program>,
    /// What root gets for the router's question, in Exim's words.
    pub as_root: Seen<String>,
    /// What Exim's user gets.
    pub as_user: Seen<String>,
    /// The daemon that its files ask; the error says why there is none to look at.
    pub daemon: Seen<Daemon>,
}

/// A way in which Exim is configured, as `smtp-sts-verify-exim` knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// What people call it.
    pub name: &'static str,
    /// The file into which our lines go.
    pub edited: &'static str,
}

/// Postfix, asked by its own commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postfix {
    /// `postconf`.
    pub binary: PathBuf,
    /// What matters of `main.cf`, and its version (`mail_version`).
    pub settings: Seen<Vec<(String, String)>>,
    /// Whether `smtp(8)` runs in a chroot.
    pub chroot: Seen<bool>,
    /// The name servers of the resolv.conf below the queue directory; `None` if there is none, and nobody copies one there.
    pub resolver_in_chroot: Option<Seen<Vec<SocketAddr>>>,
    /// Those of our maps' UNIX sockets that are there below the queue directory, which is that chroot.
    pub sockets_in_chroot: Vec<String>,
    /// Certificates in the file of authorities, if one is named.
    pub authorities: Option<Seen<usize>>,
    /// Each of our maps, and what `postmap -q` gets there about a domain; empty: nothing is demanded.
    pub asked: Vec<(super::read::postfix::Socketmap, Seen<String>)>,
}

/// What has to be there for reports to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The report address.
    pub contact: String,
    /// The mail server's command.
    pub sendmail: Seen<PathBuf>,
    /// By which selector Exim signs reports.
    pub selector: Seen<String>,
    /// What is published there.
    pub key: Seen<Vec<String>>,
    /// The public half of the key that Exim signs with, base64 of what a record has.
    pub public: Seen<String>,
    /// Whether Exim's user may read the file of that key.
    pub readable: Seen<bool>,
    /// A test message, signed by Exim as it signs reports, as it would be handed to a mail host.
    pub signed: Seen<TestMessage>,
    /// The TLSRPT records of the report address's domain.
    pub own: Seen<Vec<String>>,
    /// What systemd says of the timer.
    pub timer: Seen<String>,
}

/// What became of a test message that was given to Exim for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestMessage {
    /// It was handed over: this is it, its lines ended by CRLF.
    HandedOver(String),
    /// It was kept, and this is what Exim said of it.
    Kept(String),
}

/// The daemon, as Exim's files ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Who is asked at all.
    pub verifiers: Verifiers,
    /// Where the daemon is asked, in Exim's words.
    pub place: String,
    /// What is there.
    pub door: Door,
    /// What the program says to the question of [`Exim::as_root`], through Exim.
    pub program_says: Seen<String>,
}

/// What `SMTP_STS_VERIFIERS` comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifiers {
    /// The daemon and, while it is away, the program.
    DaemonThenProgram,
    /// The daemon alone.
    Daemon,
    /// The program alone.
    Program,
    /// Neither.
    Nobody,
}

/// Where a daemon is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// A port.
    Port,
    /// A path at which nothing is, or nothing that can be looked at.
    Absent,
    /// A path.
    File {
        /// Whether it is a socket; owners and modes of it and of its directory.
        words: String,
        /// Type and mode (stat(2)).
        mode: u32,
        /// Who owns its directory.
        holder: Holder,
        /// The mode of its directory.
        directory_mode: u32,
    },
}

/// Who owns a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Root.
    Root,
    /// Exim's own user.
    EximUser,
    /// Somebody else.
    Other,
}

/// The program that Exim starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The very file that runs now.
    This(PathBuf),
    /// Another one.
    Another(PathBuf),
    /// Nothing that can be run.
    Missing(PathBuf),
}
