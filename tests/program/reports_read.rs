//! `reports read` as it is typed: every way in, its exit codes, and its JSON against the schema.

use crate::support::program::PROGRAM;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports")
}

fn read(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["reports", "read"]).args(arguments).current_dir(samples());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The one object, which fits the schema, and the exit code.
fn object(arguments: &[&str], input: &[u8]) -> (Value, i32) {
    let output = read(&[arguments, &["--format", "json"]].concat(), input);
    let text = str::from_utf8(&output.stdout).unwrap();
    assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)), "{text}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let object: Value = serde_json::from_str(text).unwrap();
    let schema: Value =
        serde_json::from_str(include_str!("../../fixtures/reports-read.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> =
        schema.iter_errors(&object).map(|mistake| format!("{} {mistake}", mistake.instance_path())).collect();
    assert_eq!(mistakes, Vec::<String>::new(), "{object:#}");
    (object, output.status.code().unwrap())
}

fn number(object: &Value, key: &str) -> usize {
    object[key].as_array().map_or_else(|| usize::try_from(object[key].as_u64().unwrap()).unwrap(), Vec::len)
}

#[test]
fn every_way_in_leads_to_the_same_report() {
    let place = tempfile::tempdir().unwrap();
    let mail = fs::read(samples().join("google.eml")).unwrap();
    let maildir = place.path().join("Maildir");
    for directory in ["new", "cur", "tmp", ".Reports/new", ".Reports/cur"] {
        fs::create_dir_all(maildir.join(directory)).unwrap();
    }
    fs::write(maildir.join("dovecot-uidlist"), "3 V1 N1").unwrap();
    fs::write(maildir.join("tmp/1"), "half a mail").unwrap();
    fs::write(maildir.join(".Reports/cur/1:2,S"), &mail).unwrap();
    let mbox = place.path().join("mbox");
    let line = b"From a@b.test Sat Nov 28 10:00:00 2026\n";
    fs::write(&mbox, [&line[..], b"From: a@b.test\n\nno report\n\n", line, &mail, b"\n"].concat()).unwrap();
    for (arguments, input) in [
        (vec!["google.eml"], &b""[..]),
        (vec!["-"], &mail),
        (vec!["forwarded.eml"], b""),
        (vec![maildir.to_str().unwrap()], b""),
        (vec![mbox.to_str().unwrap()], b""),
    ] {
        let (object, exit) = object(&arguments, input);
        assert_eq!((number(&object, "reports"), exit), (1, 0), "{arguments:?} {object:#}");
        assert_eq!(object["reports"][0]["organization"], "Google Inc.");
        assert_eq!(object["sessions"]["successful"], 12);
    }
    let (object, _) = object(&[mbox.to_str().unwrap()], b"");
    assert_eq!(number(&object, "other_mails"), 1);
    assert!(object["reports"][0]["file"].as_str().unwrap().ends_with("mbox, mail 2"), "{object:#}");
}

#[test]
fn a_directory_is_read_to_its_end_and_what_cannot_be_read_is_named() {
    let (object, exit) = object(&["."], b"");
    assert_eq!(exit, 1);
    assert_eq!(number(&object, "reports"), 10);
    assert_eq!((number(&object, "duplicates"), number(&object, "other_mails")), (4, 1));
    let unread = object["unread"].as_array().unwrap();
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(unread[0]["file"].as_str().unwrap().ends_with("/cut.json.gz"));
    let page = String::from_utf8(read(&["."], b"").stdout).unwrap();
    let (_, last) = page.split_once("What could not be read\n").unwrap();
    assert!(last.starts_with("./cut.json.gz: its gzip is damaged"), "{last}");
}

#[test]
fn what_lies_in_a_directory_and_is_no_file_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(place.path(), place.path().join("ring")).unwrap();
    fs::write(place.path().join(".hidden"), "rubbish").unwrap();
    fs::create_dir_all(place.path().join("a/b/c/d/e")).unwrap();
    fs::write(place.path().join("\u{1b}[2J"), "rubbish").unwrap();
    let (object, exit) = object(&[place.path().to_str().unwrap()], b"");
    let unread: Vec<&str> =
        object["unread"].as_array().unwrap().iter().map(|unread| unread["file"].as_str().unwrap()).collect();
    assert_eq!((unread.len(), exit), (2, 1), "{unread:?}");
    assert!(unread[0].ends_with("/a/b/c/d/e") && unread[1].ends_with("\u{1b}[2J"), "{unread:?}");
}

#[test]
fn the_exit_code_tells_whether_something_failed_could_not_be_read_or_is_not_there() {
    let bomb = [b"{\"policies\":\"".as_slice(), &vec![b' '; 20_000_000]].concat();
    let empty = tempfile::tempdir().unwrap();
    for (arguments, input, expected) in [
        (vec!["google.eml"], &b""[..], 0),
        (vec![empty.path().to_str().unwrap()], b"", 0),
        (vec!["dmarc.eml"], b"", 0),
        (vec!["whole.eml"], b"", 1),
        (vec!["-"], b"", 1),
        (vec!["-"], b"rubbish", 1),
        (vec!["-"], &bomb, 1),
        (vec!["not-there.eml"], b"", 64),
        (vec![], b"", 64),
    ] {
        let output = read(&arguments, input);
        assert_eq!(output.status.code(), Some(expected), "{arguments:?} {output:?}");
    }
    let absent = String::from_utf8(read(&["not-there.eml"], b"").stderr).unwrap();
    assert!(absent.starts_with("smtp-sts-verify reports read: not-there.eml cannot be read: "), "{absent}");
    let page = String::from_utf8(read(&["-"], &bomb).stdout).unwrap();
    assert!(page.contains("standard input: unpacked it has more than 20000000 octets"), "{page}");
}

#[test]
fn every_code_is_a_word_of_why() {
    for code in smtp_sts_verify::tls_report::finding::Code::ALL {
        let output = Command::new(PROGRAM).args(["why", code.word()]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", code.word());
    }
}
