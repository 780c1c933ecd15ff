use super::quoting::tests::quote;
use super::*;
use crate::name::{MxHost, PolicyDomain};
use crate::render;
use crate::verify::Report;
use proptest::prelude::*;

fn asked_for(domain: &str, host: Option<&str>) -> EximRequest {
    let host = host.map(|host| MxHost::from_text(host).unwrap());
    EximRequest::Policy(Question::about(PolicyDomain::parse(domain).unwrap(), host))
}

/// The line that goes back to what is no question.
fn reply(octets: &[u8]) -> String {
    match read(octets, true) {
        Frame::Whole(EximRequest::Unreadable(none, asker), _) => {
            render::exim::line(&Report::from(none), asker)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_a_domain_and_perhaps_a_host() {
    for (line, expected) in [
        ("P example.org", asked_for("example.org", None)),
        ("P Example.ORG.", asked_for("example.org", None)),
        ("P b\u{fc}cher.test", asked_for("xn--bcher-kva.test", None)),
        ("P example.org mx.example.org", asked_for("example.org", Some("mx.example.org"))),
        ("P example.org \"mx.example.org\"", asked_for("example.org", Some("mx.example.org"))),
        ("P example.org MX_1.example.org.", asked_for("example.org", Some("mx_1.example.org"))),
        ("P _x.test", asked_for("_x.test", None)),
        ("P xn--a.test", asked_for("xn--a.test", None)),
        ("P bad-.test mx-.test", asked_for("bad-.test", Some("mx-.test"))),
    ] {
        let whole = format!("{line}\n");
        assert_eq!(read(whole.as_bytes(), false), Frame::Whole(expected.clone(), whole.len()), "{line}");
        assert_eq!(read(line.as_bytes(), true), Frame::Whole(expected, line.len()), "{line}");
        assert_eq!(read(line.as_bytes(), false), Frame::More, "{line}");
    }
}

#[test]
fn what_follows_the_line_is_not_read() {
    let injected = b"P example.org\nP example.net\nE x";
    assert_eq!(read(injected, true), Frame::Whole(asked_for("example.org", None), 14));
    assert_eq!(read(b"P example.org\r\n", false), Frame::Whole(asked_for("example.org", None), 15));
}

#[test]
fn what_is_no_name_has_the_words_of_the_command() {
    for (line, verdict, reason) in [
        ("P [192.0.2.1]", "deliver", "address-literal"),
        ("P 192.0.2.1 mx.example.org", "deliver", "address-literal"),
        ("P a..test", "deliver", "no-dns-name"),
        ("P a..test mx.example.org", "deliver", "no-dns-name"),
        ("P a_b;c.test", "defer", "bad-domain"),
        ("P ", "defer", "bad-domain"),
        ("P  example.org", "defer", "bad-domain"),
        ("P example.org\r", "defer", "bad-domain"),
        ("P -D.test", "defer", "bad-domain"),
        ("P example.org ", "defer", "bad-host"),
        ("P example.org \"\"", "defer", "bad-host"),
        ("P example.org -D.ins.test", "defer", "bad-host"),
        (r#"P example.org "x -D \(id\"'q.ins.test""#, "defer", "bad-host"),
        (r#"P example.org "a\nb{};c.ins.test""#, "defer", "bad-host"),
        ("P example.org 192.0.2.1", "defer", "bad-host"),
    ] {
        let reply = reply(line.as_bytes());
        assert!(reply.starts_with(&format!("verdict={verdict} ")), "{line}: {reply}");
        assert!(reply.contains(&format!("reason={reason}")), "{line}: {reply}");
        assert_eq!(reply.contains(" mxre="), line.matches(' ').count() == 1, "{line}: {reply}");
    }
    assert!(reply(b"P \xff\xfe.test").contains("reason=bad-domain"));
}

#[test]
fn nothing_else_is_understood_least_of_all_a_command() {
    for line in [
        "PURGE",
        "PURGE example.org",
        "PDUMP",
        "p example.org",
        "Q example.org",
        "",
        "P",
        "E",
        "GET / HTTP/1.1\r",
        "P example.org mx.example.org x",
        "P example.org \"mx.example.org",
        "P example.org \"mx.example.org\"x",
    ] {
        let reply = reply(format!("{line}\n").as_bytes());
        assert!(reply.starts_with("verdict=defer ") && reply.contains(" reason=usage"), "{line}: {reply}");
    }
}

#[test]
fn a_line_without_an_end_is_not_read_for_ever() {
    let long = |first: &str, octets| format!("{first}{}", "a".repeat(octets - first.len())).into_bytes();
    assert_eq!(read(&long("P ", MAX_EXIM_QUESTION_OCTETS - 1), false), Frame::More);
    assert!(reply(&long("P ", MAX_EXIM_QUESTION_OCTETS)).contains("reason=usage"));
    assert!(reply(&long("X", MAX_EXIM_QUESTION_OCTETS)).contains("reason=usage"));
    assert_eq!(read(&long("E ", MAX_EXIM_EVENT_OCTETS - 1), false), Frame::More);
    let octets = long("E ", MAX_EXIM_EVENT_OCTETS);
    assert_eq!(read(&octets, false), Frame::Whole(EximRequest::Unheard, octets.len()));
    // Whether a whole line is read is seen by how much of the input it takes up.
    for (first, most) in [("P ", MAX_EXIM_QUESTION_OCTETS), ("E ", MAX_EXIM_EVENT_OCTETS)] {
        let line = |octets| [long(first, octets - 1), b"\nmore".to_vec()].concat();
        let taken = |octets| match read(&line(octets), false) {
            Frame::Whole(_, consumed) => consumed,
            other => panic!("{other:?}"),
        };
        assert_eq!((taken(most), taken(most + 1)), (most, most + 1 + "more".len()), "{first}");
    }
}

#[test]
fn an_event_that_cannot_be_read_and_silence_have_no_answer() {
    for octets in ["E \n", "E ev=x\n", "E PURGE\n"] {
        assert_eq!(
            read(octets.as_bytes(), true),
            Frame::Whole(EximRequest::Unheard, octets.len()),
            "{octets}"
        );
    }
    assert_eq!(read(b"", true), Frame::Broken(""));
    assert_eq!(read(b"", false), Frame::More);
}

#[test]
fn the_longest_host_that_is_looked_at_fits() {
    let line = format!("P {} \"{}\"\n", "a".repeat(1_024), "\\\"".repeat(1_024));
    assert!(line.len() <= MAX_EXIM_QUESTION_OCTETS);
    assert!(reply(line.as_bytes()).contains("reason=no-dns-name"));
}

proptest! {
    #[test]
    fn no_octets_panic_and_the_end_of_the_input_decides(octets in proptest::collection::vec(any::<u8>(), 0..200), is_ended: bool) {
        match read(&octets, is_ended) {
            Frame::More => prop_assert!(!is_ended && !octets.contains(&b'\n')),
            Frame::Whole(_, consumed) => prop_assert!((1..=octets.len()).contains(&consumed)),
            Frame::Broken(words) => prop_assert!(words.is_empty() && octets.is_empty()),
        }
    }

    #[test]
    fn a_host_of_any_text_is_one_host_or_none(host in "(?s).{0,40}|[a-z.-]{1,30}") {
        let line = format!("P example.org {}\n", quote(&host));
        match (read(line.as_bytes(), false), MxHost::parse(OsStr::new(&host))) {
            (Frame::Whole(EximRequest::Policy(question), _), Ok(expected)) => prop_assert_eq!(question.host, Some(expected)),
            (Frame::Whole(EximRequest::Unreadable(none, Asker::Host), _), Err(_)) => prop_assert_eq!(none.reason, Reason::BadHost),
            (other, _) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_line_cut_anywhere_asks_for_more(cut in 0_usize..37) {
        let line = b"P example.org \"mx.example.org\"\n";
        let cut = cut.min(line.len() - 1);
        prop_assert_eq!(read(&line[..cut], false), Frame::More);
    }
}
