//! A2: every octet there is, in what Exim and Postfix send.

use super::daemon::{Daemon, PATIENCE};
use crate::support::laboratory::Laboratory;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// All that comes back for these octets and the end of the input.
fn answered(socket: &Path, octets: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may have heard enough before the end.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// The domain with one octet at the beginning, in the middle, and at the end.
fn with(octet: u8) -> [Vec<u8>; 3] {
    const DOMAIN: &[u8] = b"enforced.test";
    [0, 4, DOMAIN.len()].map(|at| {
        let mut domain = DOMAIN.to_vec();
        domain.insert(at, octet);
        domain
    })
}

/// One printable line in which nothing means anything to Exim's expansion or to Postfix; only a regular expression of ours ends with a dollar.
fn is_inert(answer: &[u8]) -> bool {
    let words = || answer.split(|octet| *octet == b' ');
    answer.iter().all(|octet| (b' '..=b'~').contains(octet))
        && !answer.iter().any(|octet| b"\\\"{}`".contains(octet))
        && words().all(|word| word.starts_with(b"mxre=") || !word.contains(&b'$'))
}

/// What a reply of Postfix's protocol says.
fn said_in(reply: &[u8]) -> &str {
    let text = std::str::from_utf8(reply).unwrap();
    text.split_once(':').and_then(|(_, content)| content.strip_suffix(',')).unwrap_or_default()
}

#[test]
fn every_octet_within_a_name_is_answered_with_one_inert_line() {
    let lab = Laboratory::start();
    let daemon = Daemon::in_world(&lab);
    let (exim, postfix) = (daemon.plan().exim(), daemon.plan().postfix());
    for octet in 0..=u8::MAX {
        // A name may hold these, a word ends with those, and Postfix has a service behind a colon.
        let is_of_a_name = octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        let ends_a_word = b" \t\r\n".contains(&octet);
        if is_of_a_name {
            continue;
        }
        let before = lab.questions();
        for name in with(octet) {
            for line in [&b"P "[..], b"P enforced.test "].map(|words| [words, &name, b"\n"].concat()) {
                let answer = answered(&exim, &line);
                assert!(is_inert(&answer), "{octet:#04x}: {}", answer.escape_ascii());
                if !ends_a_word {
                    let words = String::from_utf8(answer).unwrap();
                    assert!(
                        words.contains(" reason=usage") || words.contains(" reason=bad-"),
                        "{octet:#04x} in {}: {words}",
                        line.escape_ascii()
                    );
                }
            }
            let content = [b"policy ", &name[..]].concat();
            let request = [format!("{}:", content.len()).as_bytes(), &content, b","].concat();
            let reply = answered(&postfix, &request);
            assert!(is_inert(&reply), "{octet:#04x}: {}", reply.escape_ascii());
            if !ends_a_word && octet != b':' {
                let is_no = ["NOTFOUND ", "PERM "].iter().any(|word| said_in(&reply).starts_with(word));
                assert!(is_no, "{octet:#04x}: {}", reply.escape_ascii());
            }
        }
        assert!(ends_a_word || lab.questions() == before, "{octet:#04x} was asked about");
    }
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver "));
}
