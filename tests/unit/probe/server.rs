//! A server that does as it is told, and the look of a probe at it.

use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::https::Roots;
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::probe::report::{Sighting, TlsaRecord};
use smtp_sts_verify::probe::target::Target;
use smtp_sts_verify::probe::{Probe, Settings, Times};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::verdict::DaneHost;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

/// The MX host of these tests.
pub(crate) const HOST: &str = "mx.test";

/// The time that the probe gives an address here.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_500);

/// What may pass beyond a deadline before a test fails: the machine may be busy. Less than the deadline, or one that is counted
/// twice would be none.
const SLACK: Duration = Duration::from_millis(1_300);

/// A server for one connection.
pub(crate) struct Server {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
    sent: Arc<AtomicUsize>,
}

/// One side of a connection that counts what it sends.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    sent: Arc<AtomicUsize>,
}

impl Write for Line {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(octets)?;
        self.sent.fetch_add(written, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Read for Line {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.stream.read(octets)
    }
}

impl Line {
    /// Sends it; `false` once nobody takes it any more.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.write_all(octets.as_ref()).is_ok()
    }

    /// One line of the client's.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(1, &mut self.stream);
        let _ = reader.read_line(&mut line);
        line
    }

    /// Whatever else the client says until it hangs up.
    pub(crate) fn hear_out(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.set_read_timeout(Some(Duration::from_secs(10)));
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// Greets and offers STARTTLS, as far as the client's STARTTLS.
    pub(crate) fn up_to_starttls(&mut self) {
        self.say("220 mx.test ESMTP\r\n");
        assert!(self.hear().starts_with("EHLO "));
        self.say("250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n");
        assert_eq!(self.hear(), "STARTTLS\r\n");
    }

    /// The same, and takes STARTTLS up.
    pub(crate) fn up_to_tls(&mut self) {
        self.up_to_starttls();
        self.say("220 go ahead\r\n");
    }

    /// Shakes hands and hears what the client says then.
    pub(crate) fn shake(&mut self, config: Arc<ServerConfig>) -> String {
        let mut connection = ServerConnection::new(config).unwrap();
        let mut stream = Stream::new(&mut connection, self);
        let mut heard = String::new();
        let _ = BufReader::with_capacity(1, &mut stream).read_line(&mut heard);
        heard
    }
}

impl Server {
    /// Does so with the first connection.
    pub(crate) fn that(does: impl FnOnce(&mut Line) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, sent) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&sent);
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
            does(&mut Line { stream, sent: counter });
        });
        Self { address, thread: Some(thread), sent }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Octets that it got rid of, once it is done; what the kernel holds is among them.
    pub(crate) fn sent(mut self) -> usize {
        self.thread.take().unwrap().join().unwrap();
        self.sent.load(Ordering::Relaxed)
    }
}

/// The MX host `mx.test` on loopback, with these TLSA records; a certificate may be for these names, too.
pub(crate) fn target(tlsa: Vec<Tlsa>, next_hop: &[&str]) -> Target {
    let host = |name: &str| MxHost::from_text(name).unwrap();
    let records = tlsa.into_iter().map(|tlsa| TlsaRecord { text: tlsa.to_string(), read: Ok(tlsa) });
    let tlsa: Vec<_> = records.collect();
    Target {
        name: host(HOST),
        dane: if tlsa.is_empty() { DaneHost::Absent } else { DaneHost::Usable },
        tlsa_answers: Vec::new(),
        tlsa_base: (!tlsa.is_empty()).then(|| host(HOST)),
        tlsa,
        references: [HOST].iter().chain(next_hop).map(|name| host(name)).collect(),
        addresses: Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        addresses_left_out: 0,
        alias_of: None,
    }
}

/// What the probe sees there, within its time.
pub(crate) fn look(address: SocketAddr, target: &Target, roots: &Path) -> Sighting {
    let settings = Settings {
        roots: Roots::File(roots.to_owned()),
        port: address.port(),
        allow_private_addresses: true,
        patience: PATIENCE,
        ..Settings::default()
    };
    let probe = Probe::new(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let sightings = runtime.block_on(async {
        let ends = tokio::time::Instant::now() + Duration::from_secs(30);
        probe.look(target, Times { now: SystemClock.now(), ends }).await
    });
    assert!(began.elapsed() < PATIENCE + SLACK, "it took {:?}", began.elapsed());
    let [sighting] = <[Sighting; 1]>::try_from(sightings).unwrap();
    assert_eq!(sighting.tlsa.len(), target.tlsa.len());
    sighting
}
