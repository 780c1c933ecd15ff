//! Servers and certificates that are older than the TLS library: as OpenSSL still serves them.

use super::hostile::record;
use super::server::{HOST, Server, look, target};
use crate::support::laboratory::certificates::Authority;
use crate::support::ports;
use smtp_sts_verify::certificate::{Distrust, Key};
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use smtp_sts_verify::probe::report::Sighting;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// `openssl s_server`; it ends with the value.
struct Openssl {
    child: Child,
    port: u16,
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let command = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
    let output = command.expect("openssl is needed for this test");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Openssl {
    /// Serves what lies in the directory.
    fn serve(directory: &Path, options: &str) -> Self {
        let port = ports::unused();
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                &format!("127.0.0.1:{port}"),
                "-cert",
                "cert.pem",
                "-key",
                "key.pem",
            ])
            .args(options.split(' '))
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "openssl does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// What the probe sees behind STARTTLS.
    fn seen(&self) -> Sighting {
        self.seen_with(Vec::new())
    }

    /// The same, where these records are published.
    fn seen_with(&self, tlsa: Vec<Tlsa>) -> Sighting {
        let port = self.port;
        let server = Server::that(move |line| {
            line.up_to_tls();
            let mut behind = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut back, mut client) = (behind.try_clone().unwrap(), line.stream.try_clone().unwrap());
            let answers = thread::spawn(move || {
                let _ = io::copy(&mut back, &mut client);
                let _ = client.shutdown(Shutdown::Both);
            });
            let _ = io::copy(&mut line.stream, &mut behind);
            let _ = behind.shutdown(Shutdown::Both);
            answers.join().unwrap();
        });
        let roots = tempfile::NamedTempFile::new().unwrap();
        roots.as_file().write_all(Authority::found().pem().as_bytes()).unwrap();
        let sighting = look(server.address(), &target(tlsa, &[]), roots.path());
        server.sent();
        sighting
    }
}

/// A directory with `cert.pem` and `key.pem`.
fn made_by(commands: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for command in commands {
        openssl(directory.path(), command);
    }
    directory
}

#[test]
fn a_server_that_ends_at_tls_1_0_is_called_old() {
    let directory = made_by(&[&format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN={HOST}"
    )]);
    let server = Openssl::serve(directory.path(), "-tls1 -cipher ALL:@SECLEVEL=0");
    let failure = server.seen().failure.unwrap();
    assert_eq!((failure.at, failure.kind), (Stage::Handshake, FailureKind::OldTls), "{}", failure.why);
}

/// One that does not even send an alert, but answers in its own version.
#[test]
fn a_server_that_chooses_tls_1_0_all_the_same_is_called_old() {
    let server = Server::that(|line| {
        line.up_to_tls();
        let _ = line.read(&mut [0; 4_096]);
        let hello = [&[2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0xc0, 0x09, 0]].concat();
        line.say(record(&hello));
        line.hear_out();
    });
    let roots = tempfile::NamedTempFile::new().unwrap();
    roots.as_file().write_all(Authority::found().pem().as_bytes()).unwrap();
    let failure = look(server.address(), &target(Vec::new(), &[]), roots.path()).failure.unwrap();
    assert_eq!((failure.at, failure.kind), (Stage::Handshake, FailureKind::OldTls), "{}", failure.why);
    server.sent();
}

#[test]
fn a_short_rsa_key_is_told_with_its_bits() {
    let directory = made_by(&[&format!(
        "req -x509 -newkey rsa:1024 -nodes -keyout key.pem -out cert.pem -subj /CN={HOST}"
    )]);
    let sighting = Openssl::serve(directory.path(), "-cipher ALL:@SECLEVEL=0").seen();
    let failure = sighting.failure.as_ref().unwrap();
    assert_eq!(
        (failure.at, failure.kind),
        (Stage::Handshake, FailureKind::BadCertificate),
        "{}",
        failure.why
    );
    assert!(failure.why.contains("1024 bits"), "{}", failure.why);
    let own = sighting.certificate().unwrap().says.as_ref().unwrap();
    assert_eq!(own.key, Key::Rsa(1_024), "it is told all the same");
}

/// The library reads none of version 1; a sender with another one takes it where a DANE-EE record names it.
#[test]
fn a_certificate_of_version_1_is_as_good_as_any_for_dane_ee() {
    for (curve, versions) in [("P-256", "-tls1_3"), ("P-256", "-tls1_2"), ("P-384", "-tls1_3")] {
        let directory = made_by(&[
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:{curve} -nodes -keyout key.pem -out csr.pem -subj /CN={HOST}"
            ),
            "x509 -req -in csr.pem -signkey key.pem -days 30 -out cert.pem",
            "x509 -in cert.pem -outform der -out cert.der",
        ]);
        let der = fs::read(directory.path().join("cert.der")).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        let tlsa = Tlsa::new(3, 0, 1, digest.as_ref().to_vec()).unwrap();
        let sighting = Openssl::serve(directory.path(), versions).seen_with(vec![tlsa]);
        assert_eq!(sighting.failure, None, "{curve} {versions}");
        assert_eq!(sighting.certificate().unwrap().says.as_ref().unwrap().version, 1);
        assert_eq!(sighting.tlsa, [Fate::Matched { at: Some(0) }]);
        let distrusted = sighting.chain.unwrap().webpki.unwrap_err();
        assert_eq!(distrusted.kind, Distrust::Unsupported);
        assert!(distrusted.why.contains("version 1"), "{}", distrusted.why);
    }
}
