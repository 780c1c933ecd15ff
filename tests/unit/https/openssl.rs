//! Policy hosts of OpenSSL: with keys that our own library does not make, and with TLS 1.2 as it was meant.

use super::site::{HOST, Names, PATIENT, fetch_with};
use crate::support::ports;
use crate::support::skipped::skipped;
use smtp_sts_verify::https::{FetchError, HttpsSettings, MediaType, Roots};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `openssl s_server`; it ends with the value.
struct Server {
    child: Child,
    port: u16,
    _directory: TempDir,
    roots: Roots,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    /// With a certificate of an authority for a new key of that kind; `None` where there is no OpenSSL, which is said.
    fn with_key(key: &str, options: &str) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            skipped("policy hosts of OpenSSL", "openssl is not installed");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::write(path.join("name"), format!("subjectAltName=DNS:{HOST}")).unwrap();
        for command in [
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 9",
            &format!("req -new -newkey {key} -nodes -keyout key.pem -out request -subj /CN=host"),
            "x509 -req -in request -CA ca.pem -CAkey ca.key -days 9 -out cert.pem -extfile name",
        ] {
            openssl(path, command);
        }
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
            .current_dir(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let roots = Roots::File(path.join("ca.pem"));
        let server = Self { child, port, _directory: directory, roots };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "openssl does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// Types each of these once the server has said the words before it; all that it says.
    fn typing(&mut self, script: &[(&'static str, &'static [u8])]) -> thread::JoinHandle<Vec<String>> {
        let (mut typed, said) = (self.child.stdin.take().unwrap(), self.child.stdout.take().unwrap());
        let script = script.to_vec();
        thread::spawn(move || {
            let (mut heard, mut script) = (Vec::new(), script.into_iter().peekable());
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if let Some((_, keys)) = script.next_if(|(words, _)| line.contains(words)) {
                    let _ = typed.write_all(keys).and_then(|()| typed.flush());
                }
                heard.push(line);
            }
            heard
        })
    }

    async fn fetched(&self) -> Result<Vec<u8>, FetchError> {
        let settings = HttpsSettings {
            allow_private_addresses: true,
            patience: PATIENT,
            port: self.port,
            roots: self.roots.clone(),
        };
        fetch_with(&Names::at(IpAddr::V4(Ipv4Addr::LOCALHOST)), settings, MediaType::Any).await
    }
}

/// D7: an RSA key of 1,024 bits vouches for nobody; one of 2,048 bits, made and served in the same way, does.
#[tokio::test]
async fn a_key_that_is_too_short_vouches_for_no_policy_host() {
    let serve = |bits| Server::with_key(&format!("rsa:{bits}"), "-cipher ALL:@SECLEVEL=0 -www");
    let (Some(short), Some(long)) = (serve(1_024), serve(2_048)) else { return };
    let error = short.fetched().await.unwrap_err();
    assert!(matches!(error, FetchError::Certificate { .. } | FetchError::Tls { .. }), "{error}");
    // Its status page is no policy, but it is one that comes over a connection that was verified.
    let fetched = long.fetched().await;
    assert!(!matches!(fetched, Err(FetchError::Certificate { .. } | FetchError::Tls { .. })), "{fetched:?}");
}

/// Nobody shakes hands twice: whoever asks for it within TLS 1.2 hears of no second ClientHello, so that no other certificate can
/// come into a connection that was verified.
#[tokio::test]
async fn a_policy_host_that_renegotiates_gets_no_second_handshake() {
    const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npolicy";
    const SHAKEN: &str = "Secure Renegotiation IS";
    const ASKED: &str = "GET ";
    for (script, requests) in [(&[(ASKED, REPLY)][..], 0), (&[(SHAKEN, b"r\n"), (ASKED, REPLY)], 1)] {
        let Some(mut server) = Server::with_key("rsa:2048", "-tls1_2 -msg") else { return };
        let typing = server.typing(script);
        let fetched = server.fetched().await;
        drop(server);
        let heard = typing.join().unwrap();
        let messages = |which: &str| heard.iter().filter(|line| line.ends_with(which)).count();
        assert_eq!((messages("HelloRequest"), messages("ClientHello")), (requests, 1), "{heard:#?}");
        match fetched {
            Ok(body) => assert_eq!(body, b"policy", "over the connection that was verified"),
            Err(error) => {
                assert!(requests == 1 && !matches!(error, FetchError::Certificate { .. }), "{error}");
            }
        }
    }
}
