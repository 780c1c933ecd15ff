//! A signed world in one process, without privileges, on ephemeral ports of the loopback interface: a name server that
//! answers for a root, a top-level domain and the domains of `fixtures/laboratory/world`, their policy hosts and, for whoever
//! opens them, mail hosts.
//!
//! The tests and `cargo run -p lab` share it. It runs on a thread of its own, so that a test may start the real
//! program and wait for it; the thread ends with the [`Laboratory`].
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test bench shared by several crates, none of which uses all of it; it may panic and read the clock"
)]

pub(crate) mod certificates;
pub(crate) mod deliveries;
mod directory;
pub(crate) mod impostor;
pub(crate) mod mail_host;
pub(crate) mod name_server;
pub(crate) mod path;
pub(crate) mod policy_host;
pub(crate) mod report_receiver;
pub(crate) mod world;
pub(crate) mod zone;

use certificates::Authority;
use directory::Directory;
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use mail_host::MailHost;
use name_server::{Manner, QueryLog, Scope, Sockets};
use policy_host::{Conduct, Visits};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use world::World;
use zone::Health;

/// Where the descriptions of the world lie; whoever shares the laboratory stands in the root of the source, or right below it.
pub(crate) fn fixtures() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|place| place.join("fixtures/laboratory")).find(|place| place.is_dir()).unwrap()
}

/// The world, its servers, and the files that make the program believe in it.
pub(crate) struct Laboratory {
    world: Arc<Mutex<World>>,
    query_log: Arc<Mutex<QueryLog>>,
    visits: Visits,
    authority: Arc<Authority>,
    directory: Directory,
    caches: AtomicU32,
    dns: SocketAddr,
    stripped_dns: SocketAddr,
    https: SocketAddr,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Laboratory {
    /// The world of `fixtures/laboratory/world`, served.
    pub(crate) fn start() -> Self {
        let fixture = fixtures().join("world");
        Self::with(&fs::read_to_string(fixture).unwrap())
    }

    /// Another world, written in the same form.
    pub(crate) fn with(text: &str) -> Self {
        let authority = Arc::new(Authority::found());
        let world = World::read(text, authority.digests());
        let directory = Directory::new();
        fs::write(directory.path().join("anchors"), anchor_line(&world)).unwrap();
        fs::write(directory.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(directory.path().join("empty.toml"), "").unwrap();
        let world = Arc::new(Mutex::new(world));
        let (query_log, visits) = (Arc::new(Mutex::new(QueryLog::default())), Visits::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, started) = mpsc::channel();
        let shared =
            (Arc::clone(&world), Arc::clone(&query_log), Arc::clone(&visits), Arc::clone(&authority));
        let thread = thread::spawn(move || {
            let (world, query_log, visits, authority) = shared;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let (sockets, stripping) = (Sockets::bind().await, Sockets::bind().await);
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                let https = listener.local_addr().unwrap();
                ready.send((sockets.address(), stripping.address(), https, Handle::current())).unwrap();
                let mut stripper = QueryLog::default();
                stripper.behave(Scope::Everything, Manner::Stripped);
                let stripper = Arc::new(Mutex::new(stripper));
                tokio::spawn(name_server::serve(stripping, Arc::clone(&world), stripper));
                tokio::spawn(name_server::serve(sockets, Arc::clone(&world), query_log));
                tokio::spawn(policy_host::serve(listener, authority, world, visits));
                let _ = stopped.await;
            });
        });
        let (dns, stripped_dns, https, runtime) = started.recv().unwrap();
        let (stop, thread) = (Some(stop), Some(thread));
        Self {
            world,
            query_log,
            visits,
            authority,
            directory,
            caches: AtomicU32::new(0),
            dns,
            stripped_dns,
            https,
            runtime,
            stop,
            thread,
        }
    }

    /// Where the name server listens, UDP and TCP.
    pub(crate) fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Where the same world is told without a single signature, as a bad forwarder does.
    pub(crate) fn stripped_dns(&self) -> SocketAddr {
        self.stripped_dns
    }

    /// Answers at this address, too, for those who ask at port 53 alone.
    ///
    /// # Errors
    /// If it is taken, or one may not have it.
    pub(crate) fn answer_at(&self, address: SocketAddr) -> std::io::Result<()> {
        let _inside = self.runtime.enter();
        let sockets = Sockets::bind_at(address)?;
        let (world, query_log) = (Arc::clone(&self.world), Arc::clone(&self.query_log));
        self.runtime.spawn(name_server::serve(sockets, world, query_log));
        Ok(())
    }

    /// The policy hosts listen at this address, too, for those who fetch from port 443 alone.
    ///
    /// # Errors
    /// If it is taken, or one may not have it.
    pub(crate) fn serve_policies_at(&self, address: SocketAddr) -> std::io::Result<()> {
        let _inside = self.runtime.enter();
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (authority, world) = (Arc::clone(&self.authority), Arc::clone(&self.world));
        self.runtime.spawn(policy_host::serve(listener, authority, world, Arc::clone(&self.visits)));
        Ok(())
    }

    /// The port of all policy hosts.
    pub(crate) fn https_port(&self) -> u16 {
        self.https.port()
    }

    /// An MX host under every name, at a port of its own.
    pub(crate) fn open_mail_host(&self, manner: mail_host::Manner) -> MailHost {
        MailHost::open(Arc::clone(&self.authority), manner)
    }

    /// The mail hosts that the world tells of, all at one port; TLSA records are published for that port, too.
    pub(crate) fn open_mail_hosts(&self) -> MailHost {
        let mut world = self.world.lock().unwrap();
        let authority = Arc::clone(&self.authority);
        let hosts = MailHost::open_all(authority, self.authority.mail_key(), &world.mail_hosts());
        world.publish_tlsa_for(hosts.port());
        hosts
    }

    /// Web servers that take TLS reports, under every name, at a port of their own.
    pub(crate) fn open_report_receiver(&self) -> report_receiver::ReportReceiver {
        let authority = Arc::clone(&self.authority);
        let (tell, told) = mpsc::channel();
        self.runtime.spawn(async move {
            tell.send(report_receiver::ReportReceiver::open(authority).await).unwrap();
        });
        told.recv().unwrap()
    }

    /// A web server with a policy for everybody, and certificates that are none of the host that was asked for.
    pub(crate) fn open_impostor(&self, policy: &'static str) -> impostor::Impostor {
        let authority = Arc::clone(&self.authority);
        let (tell, told) = mpsc::channel();
        self.runtime.spawn(async move {
            tell.send(impostor::Impostor::open(authority, policy).await).unwrap();
        });
        told.recv().unwrap()
    }

    /// Publishes the TLSA records of port 25 for this port, too.
    pub(crate) fn publish_tlsa_for(&self, port: u16) {
        self.world.lock().unwrap().publish_tlsa_for(port);
    }

    /// The digests of its TLSA records, which differ from laboratory to laboratory.
    pub(crate) fn digests(&self) -> Vec<String> {
        self.authority.digests().into_values().collect()
    }

    /// A directory that goes with the laboratory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The file with the DNSKEY of the root.
    pub(crate) fn trust_anchor(&self) -> PathBuf {
        self.directory.path().join("anchors")
    }

    /// The file with the CA of the policy hosts.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A configuration that says nothing, so that the one of this machine does not count.
    pub(crate) fn empty_configuration(&self) -> PathBuf {
        self.directory.path().join("empty.toml")
    }

    /// What the administrator of this world says about single domains.
    pub(crate) fn configuration(&self) -> PathBuf {
        fixtures().join("configuration.toml")
    }

    /// The path of a cache file that is not there yet, in a directory of its own.
    pub(crate) fn cache_file(&self) -> PathBuf {
        let number = self.caches.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory().join(format!("cache{number}"));
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
        directory.join("cache.db")
    }

    /// The options that lead the program into this world, cache apart.
    pub(crate) fn options(&self) -> Vec<String> {
        let pairs = [
            ("--dns", self.dns.to_string()),
            ("--trust-anchor", self.trust_anchor().display().to_string()),
            ("--ca-file", self.ca_file().display().to_string()),
            ("--https-port", self.https_port().to_string()),
        ];
        let mut options: Vec<String> = pairs.into_iter().flat_map(|(o, v)| [o.to_owned(), v]).collect();
        options.push("--allow-private-addresses".to_owned());
        options
    }

    /// The name server meets questions of this scope in this manner from now on.
    pub(crate) fn behave(&self, scope: Scope, manner: Manner) {
        self.query_log.lock().unwrap().behave(scope, manner);
    }

    /// The name server behaves well again.
    pub(crate) fn behave_well(&self) {
        self.query_log.lock().unwrap().behave_well();
    }

    /// Questions that reached the name server since the last [`Laboratory::forget`].
    pub(crate) fn questions(&self) -> usize {
        self.query_log.lock().unwrap().questions()
    }

    /// Questions for one name and type.
    pub(crate) fn questions_for(&self, name: &str, rtype: &str) -> usize {
        self.query_log.lock().unwrap().questions_for(name, rtype)
    }

    /// Requests that reached the policy hosts since the last [`Laboratory::forget`], as `HOST PATH`.
    pub(crate) fn visits(&self) -> Vec<String> {
        self.visits.lock().unwrap().clone()
    }

    /// Counts questions and visits from zero again, those of runs that have ended not among them.
    pub(crate) fn forget(&self) {
        self.let_stragglers_arrive();
        self.query_log.lock().unwrap().forget();
        self.visits.lock().unwrap().clear();
    }

    /// A run may end before the questions that it gave up have arrived. The name server takes them in order: once it
    /// answers a question of ours, they are counted. Where it was told to be silent, a moment has to do.
    fn let_stragglers_arrive(&self) {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii("last.invalid.").unwrap(), RecordType::A));
        socket.send_to(&question.to_vec().unwrap(), self.dns).unwrap();
        let _answered_or_silent = socket.recv(&mut [0; 512]);
    }

    /// Adds a record to the zone that holds `owner`.
    pub(crate) fn publish(&self, owner: &str, rtype: &str, rdata: &str) {
        self.world.lock().unwrap().publish(owner, rtype, rdata);
    }

    /// Removes all records of one owner and type.
    pub(crate) fn withdraw(&self, owner: &str, rtype: &str) {
        self.world.lock().unwrap().withdraw(owner, rtype);
    }

    /// Replaces all records of one owner and type by one.
    pub(crate) fn replace(&self, owner: &str, rtype: &str, rdata: &str) {
        let mut world = self.world.lock().unwrap();
        world.withdraw(owner, rtype);
        world.publish(owner, rtype, rdata);
    }

    /// Makes a zone well or ill.
    pub(crate) fn set_health(&self, zone: &str, health: Health) {
        self.world.lock().unwrap().set_health(zone, health);
    }

    /// The policy host of that name behaves like this from now on.
    pub(crate) fn conduct_policy_host(&self, host: &str, conduct: impl Into<Conduct>) {
        self.world.lock().unwrap().conduct_policy_host(host, conduct.into());
    }

    /// The MTA-STS policy of `domain` says this from now on, and its TXT record has another `id`; the lines are divided
    /// by `|`.
    pub(crate) fn change_policy(&self, domain: &str, id: &str, lines: &str) {
        self.world.lock().unwrap().serve_policy(domain, lines);
        self.replace(&format!("_mta-sts.{domain}"), "TXT", &format!("\"v=STSv1; id={id};\""));
    }

    /// The MTA-STS policy of `domain` says this from now on, and its `id` does not tell.
    pub(crate) fn serve_policy(&self, domain: &str, lines: &str) {
        self.world.lock().unwrap().serve_policy(domain, lines);
    }

    /// Requests for the MTA-STS policy of `domain` since the last [`Laboratory::forget`].
    pub(crate) fn fetches_of(&self, domain: &str) -> usize {
        let wanted = format!("mta-sts.{domain} /.well-known/mta-sts.txt");
        self.visits.lock().unwrap().iter().filter(|visit| **visit == wanted).count()
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The root's key as a line of a trust anchor file.
fn anchor_line(world: &World) -> String {
    format!(". IN DNSKEY {}\n", world.root_key().dnskey())
}
