//! Servers and certificates that are older than the TLS library: as OpenSSL still serves them.

use super::hostile::record;
use super::server::{HOST, Server, look, target};
use crate::support::laboratory::certificates::Authority;
use crate::support::ports;
use smtp_sts_verify::certificate::{Distrust, Key};
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::policy::PolicyType;
use smtp_sts_verify::probe::consequence::{Action, Consequence};
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use smtp_sts_verify::probe::report::Sighting;
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::verdict::{Ruling, Tls, Verdict};
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
        self.seen_under(&Authority::found().pem(), tlsa)
    }

    /// The same, where these authorities are trusted.
    fn seen_under(&self, authorities: &str, tlsa: Vec<Tlsa>) -> Sighting {
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
        roots.as_file().write_all(authorities.as_bytes()).unwrap();
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

/// What a sender is to do with the sighting, whatever is demanded.
fn actions(sighting: &Sighting) -> Vec<(Tls, Action)> {
    let ruling =
        |tls| Ruling { verdict: Verdict::Deliver, tls, policy: PolicyType::None, reason: Reason::NoPolicy };
    Tls::ALL.into_iter().map(|tls| (tls, Consequence::of(&ruling(tls), sighting).action)).collect()
}

/// No word of a library's for its own programmers.
fn is_for_people(words: &str) {
    for debug in [
        "Other(",
        "Error(",
        " { ",
        "InvalidCertificate(",
        "BadSignature",
        "UnknownIssuer",
        "HandshakeFailure",
    ] {
        assert!(!words.contains(debug), "{words}");
    }
}

/// `openssl s_client` and `gnutls-cli` of Debian 12 shake hands with each of these; TLS 1.1 the first one takes at security
/// level 0 alone, as Postfix sets it, and an RSA key of 1024 bits likewise. So nobody may say that the host gets no mail, or gets
/// it in clear text.
#[test]
fn what_our_library_alone_cannot_do_is_not_the_mails_fate() {
    let rsa = format!("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN={HOST}");
    let short = rsa.replace("2048", "1024");
    let ed448 = rsa.replace("rsa:2048", "ed448");
    for (made, options, kind) in [
        (&rsa, "-tls1 -cipher ALL:@SECLEVEL=0", FailureKind::OldTls),
        (&rsa, "-tls1_1 -cipher ALL:@SECLEVEL=0", FailureKind::OldTls),
        (&rsa, "-tls1_2 -cipher DHE+AESGCM", FailureKind::NoCommonTls),
        (&rsa, "-tls1_2 -cipher AES128-GCM-SHA256", FailureKind::NoCommonTls),
        (&rsa, "-tls1_2 -cipher ECDHE-RSA-AES128-SHA", FailureKind::NoCommonTls),
        (&rsa, "-curves P-521", FailureKind::NoCommonTls),
        (&rsa, "-curves X448", FailureKind::NoCommonTls),
        (&ed448, "-tls1_3", FailureKind::NoCommonTls),
        (&short, "-tls1_3 -cipher ALL:@SECLEVEL=0", FailureKind::BadCertificate),
        (&short, "-tls1_2 -cipher ALL:@SECLEVEL=0", FailureKind::BadCertificate),
    ] {
        let directory = made_by(&[made]);
        let sighting = Openssl::serve(directory.path(), options).seen();
        let failure = sighting.failure.as_ref().unwrap();
        assert_eq!((failure.at, failure.kind), (Stage::Handshake, kind), "{options}: {}", failure.why);
        is_for_people(&failure.why);
        let meaning = kind.explain().meaning;
        assert!(meaning.contains("cannot be looked at from here") && meaning.contains("GnuTLS"), "{meaning}");
        for (tls, action) in actions(&sighting) {
            assert_eq!(action, Action::CannotBeLookedAt, "{tls:?} {options}");
        }
    }
}

/// A key that the server does not have is the host's own fault, whatever library looks.
#[test]
fn what_everybody_refuses_is_still_refused() {
    let plain = Server::that(|line| {
        line.up_to_tls();
        let _ = line.read(&mut [0; 4_096]);
        line.say("250 not at all\r\n");
        line.hear_out();
    });
    let roots = tempfile::NamedTempFile::new().unwrap();
    roots.as_file().write_all(Authority::found().pem().as_bytes()).unwrap();
    let sighting = look(plain.address(), &target(Vec::new(), &[]), roots.path());
    plain.sent();
    let expected =
        [Action::DeliverInClear, Action::NotToThisHost, Action::NotToThisHost, Action::NotToThisHost];
    assert_eq!(actions(&sighting).into_iter().map(|(_, action)| action).collect::<Vec<_>>(), expected);
}

/// What stands in a file of PEM, as the SHA-256 digest of its DER.
fn record_of(directory: &Path, name: &str, usage: u8) -> Tlsa {
    openssl(directory, &format!("x509 -in {name}.pem -outform der -out {name}.der"));
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        &fs::read(directory.join(format!("{name}.der"))).unwrap(),
    );
    Tlsa::new(usage, 0, 1, digest.as_ref().to_vec()).unwrap()
}

/// What `openssl req -x509` makes says CA:TRUE. OpenSSL and GnuTLS take it under DANE-EE, and by authorities where one of them
/// stands behind it (`openssl s_client -verify_return_error`, `gnutls-cli`: see tests/differential).
#[test]
fn an_authoritys_certificate_is_taken_for_a_servers_as_others_take_it() {
    let san = format!("-addext subjectAltName=DNS:{HOST}");
    let directory = made_by(&[&format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN={HOST} {san}"
    )]);
    let pem = fs::read_to_string(directory.path().join("cert.pem")).unwrap();
    let server = Openssl::serve(directory.path(), "-tls1_3");
    let tlsa = vec![record_of(directory.path(), "cert", 3), record_of(directory.path(), "cert", 2)];
    let sighting = server.seen_with(tlsa.clone());
    assert_eq!(sighting.failure, None);
    assert_eq!(sighting.tlsa, [Fate::Matched { at: Some(0) }, Fate::NotMatched]);
    let distrusted = sighting.chain.unwrap().webpki.unwrap_err();
    assert_eq!(distrusted.kind, Distrust::SelfSigned, "{}", distrusted.why);
    is_for_people(&distrusted.why);
    let trusted = server.seen_under(&pem, tlsa);
    assert_eq!(trusted.chain.unwrap().webpki, Ok(()), "the same, where it is trusted");
}

/// One below a private authority, which is sent: `2 0 1` is verified by OpenSSL. And whatever else would be wrong with it still is.
#[test]
fn an_authoritys_certificate_below_an_authority_is_verified() {
    let issue = |words: &str, ext: &str| {
        let directory = made_by(&[
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=private -days 90",
            &format!("req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN={HOST}"),
        ]);
        fs::write(directory.path().join("ext"), ext).unwrap();
        openssl(
            directory.path(),
            &format!(
                "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -out cert.pem {words}"
            ),
        );
        directory
    };
    let ours = format!("basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:{HOST}\n");
    let fate = |directory: &tempfile::TempDir| {
        let record = record_of(directory.path(), "ca", 2);
        let sighting = Openssl::serve(directory.path(), "-tls1_2 -cert_chain ca.pem").seen_with(vec![record]);
        assert_eq!(sighting.failure, None);
        sighting.tlsa[0].clone()
    };
    assert_eq!(fate(&issue("-days 30", &ours)), Fate::Matched { at: Some(1) });
    for (words, ext, expected) in [
        (
            "-days 30",
            "basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:elsewhere.test\n",
            "it is for elsewhere.test",
        ),
        (
            "-days 30",
            "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:mx.test\n",
            "not for TLS servers",
        ),
    ] {
        match fate(&issue(words, ext)) {
            Fate::Unverified(why) => assert!(why.contains(expected), "{why}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let directory = issue("-days 30", &ours);
    let pem = fs::read_to_string(directory.path().join("ca.pem")).unwrap();
    let server = Openssl::serve(directory.path(), "-tls1_3");
    assert_eq!(server.seen_under(&pem, Vec::new()).chain.unwrap().webpki, Ok(()));
    let unknown = server.seen().chain.unwrap().webpki.unwrap_err();
    assert_eq!(unknown.kind, Distrust::UnknownIssuer, "{}", unknown.why);
    // Somebody else of the same name.
    let other =
        made_by(&["req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=private -days 90"]);
    let pem = fs::read_to_string(other.path().join("ca.pem")).unwrap();
    assert!(server.seen_under(&pem, Vec::new()).chain.unwrap().webpki.is_err());
}

/// What GnuTLS refuses, and OpenSSL at its usual level: SHA-1. What both take: ECDSA with SHA-512 by a key on P-256.
#[test]
fn signatures_that_nobody_takes_any_more_are_named_and_what_is_only_rare_is_taken() {
    let under = |ca: &str, digest: &str| {
        let directory = made_by(&[
            &format!("req -x509 -newkey {ca} -nodes -keyout ca.key -out ca.pem -subj /CN=private -days 90"),
            &format!("req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN={HOST}"),
        ]);
        fs::write(directory.path().join("ext"), format!("subjectAltName=DNS:{HOST}\n")).unwrap();
        openssl(
            directory.path(),
            &format!(
                "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -out cert.pem -days 30 {digest}"
            ),
        );
        let pem = fs::read_to_string(directory.path().join("ca.pem")).unwrap();
        let server = Openssl::serve(directory.path(), "-tls1_3 -cipher ALL:@SECLEVEL=0");
        let sighting = server.seen_under(&pem, Vec::new());
        let action = actions(&sighting)[2];
        (sighting.chain.unwrap().webpki, action)
    };
    let (weak, action) = under("rsa:2048", "-sha1");
    let weak = weak.unwrap_err();
    assert_eq!(
        (weak.kind, action),
        (Distrust::WeakSignature, (Tls::WebPki, Action::NotToThisHost)),
        "{}",
        weak.why
    );
    assert!(weak.why.contains("SHA-1"), "{}", weak.why);
    for ca in ["ec -pkeyopt ec_paramgen_curve:P-256", "ec -pkeyopt ec_paramgen_curve:P-521"] {
        assert_eq!(under(ca, "-sha512").0, Ok(()), "{ca}");
    }
}
