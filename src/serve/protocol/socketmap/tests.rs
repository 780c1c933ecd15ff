use super::*;
use proptest::prelude::*;

/// What a request comes to: the map and the domain that is asked for, or the reply.
fn heard(content: &str) -> String {
    heard_where(content, None)
}

/// The same on a machine with one service of its own, where an override is about each name.
fn heard_where(content: &str, override_: Option<Effect>) -> String {
    let services = Services::parse("our-port 2525/tcp our_port\n");
    let mut octets = Vec::new();
    write(content, &mut octets);
    let Frame::Whole(request, taken) = read(&octets) else { panic!("{content}: {:?}", read(&octets)) };
    assert_eq!(taken, octets.len(), "{content}");
    let (map, asked) = match request {
        SocketmapRequest::Policy(map, question) => (map, Ok(question)),
        SocketmapRequest::AtService(map, named) => (map, named.question(&services, override_)),
        SocketmapRequest::Reply(reply) => return reply.to_owned(),
    };
    match asked {
        Err(reply) => reply.to_owned(),
        Ok(Question { domain, next_hop, host }) => {
            assert_eq!(host, None);
            match next_hop {
                NextHop::Exchangers(SMTP_PORT) => format!("{} {domain}", map.word()),
                NextHop::Exchangers(port) => format!("{} {domain} by MX at {port}", map.word()),
                NextHop::Host(port) => format!("{} {domain} itself at {port}", map.word()),
            }
        }
    }
}

#[test]
fn a_next_hop_is_asked_for_by_the_name_of_its_policy_domain() {
    for key in
        ["example.org", "Example.ORG", "example.org.", "example.org:25", "example.org:smtp", "example.org:"]
    {
        assert_eq!(heard(&format!("policy {key}")), "policy example.org", "{key}");
    }
    for (key, expected) in [
        ("example.org.:submission", "policy example.org by MX at 587"),
        ("example.org:2525", "policy example.org by MX at 2525"),
        ("example.org:our-port", "policy example.org by MX at 2525"),
        ("example.org:lmtp", NOT_FOUND),
        ("[example.org]", "policy example.org itself at 25"),
        ("[example.org]:", "policy example.org itself at 25"),
        ("[example.org.]:25", "policy example.org itself at 25"),
        ("[Example.ORG]:587", "policy example.org itself at 587"),
        ("[example.org]:submission", "policy example.org itself at 587"),
        ("[example.org]:smtps", "policy example.org itself at 465"),
        ("[foo_bar.example]", "policy foo_bar.example itself at 25"),
        ("[localhost]:10025", "policy localhost itself at 10025"),
        ("[example.org]:our-port", "policy example.org itself at 2525"),
        ("[example.org]:our_port", "policy example.org itself at 2525"),
        ("[example.org]:Our-Port", NOT_FOUND),
        ("[192.0.2.1]:our-port", NOT_FOUND),
        ("a..b:our-port", NOT_FOUND),
    ] {
        assert_eq!(heard(&format!("policy {key}")), expected, "{key}");
    }
    assert_eq!(heard("policy-tlsrpt [example.org]:25"), "policy-tlsrpt example.org itself at 25");
    assert_eq!(heard("policy bücher.test"), "policy xn--bcher-kva.test");
    for name in ["foo_bar.example", "_x.test", "xn--a.example", "xn----5da7e.example", "bad-.example"] {
        assert_eq!(heard(&format!("policy {name}")), format!("policy {name}"));
    }
    assert_eq!(heard("policy [bücher.test]:25"), "policy xn--bcher-kva.test itself at 25");
}

#[test]
fn at_a_service_that_is_nowhere_only_an_override_has_a_say() {
    let require = |what| Some(Effect::Require(what));
    for (key, override_, expected) in [
        ("[example.org]:nowhere", None, NOT_FOUND),
        ("example.org:nowhere", None, NOT_FOUND),
        ("[example.org]:nowhere", require(Requirement::Dane), "OK dane-only"),
        ("example.org:nowhere", require(Requirement::Dane), "OK dane-only"),
        ("[example.org]:nowhere", require(Requirement::WebPki), "policy example.org itself at 25"),
        ("example.org:nowhere", require(Requirement::WebPki), "policy example.org"),
        ("example.org:nowhere", require(Requirement::None), "policy example.org"),
        ("[example.org]:nowhere", Some(Effect::Ignore), "policy example.org itself at 25"),
        // Where it is somewhere, the answer to the question at its port is what the override makes of it.
        ("[example.org]:our-port", require(Requirement::Dane), "policy example.org itself at 2525"),
        ("[192.0.2.1]:nowhere", require(Requirement::Dane), NOT_FOUND),
    ] {
        assert_eq!(heard_where(&format!("policy {key}"), override_), expected, "{key} {override_:?}");
    }
}

#[test]
fn parents_and_addresses_have_no_policy() {
    for key in [
        ".example.org",
        ".org",
        ".bücher.test",
        "[192.0.2.1]",
        "[192.0.2.1]:25",
        "192.0.2.1",
        "192.0.2.1:25",
        "[2001:db8::1]",
        "[2001:db8::1]:123",
        "[IPv6:2001:db8::1]:25",
        "2001:db8::1",
        "[a:bb:ccc::dddd]:123",
        // What the DNS cannot carry.
        "a..b",
        "[a..b]:25",
        "a..b:25",
        "..org",
    ] {
        assert_eq!(heard(&format!("policy {key}")), "NOTFOUND ", "{key}");
    }
}

#[test]
fn what_is_neither_is_no_reason_to_send_without_tls() {
    for key in [
        "",
        ".",
        "..",
        " example.org",
        "example.org ",
        "example.org example.net",
        "[example.org",
        "example.org]",
        "[example.org]25",
        "[example.org]:0",
        "[example.org]:65536",
        "example.org:99999",
        "[[example.org]]",
        "[]",
        "[]:25",
        "example.org:25:25",
        ":25",
        "x;y.test",
        "user@example.org",
        "/var/run/lmtp",
        "unix:/var/run/lmtp",
        "example.org\0",
        "example.org\n",
        "a}b.test",
        "-d",
    ] {
        assert_eq!(heard(&format!("policy {key}")), NO_DOMAIN, "{key:?}");
    }
    assert_eq!(heard(&format!("policy {}", "a.".repeat(2_000))), NO_DOMAIN);
}

#[test]
fn only_two_maps_are_there_and_none_of_them_is_a_command() {
    for content in
        ["test example.org", "Policy example.org", "PURGE all", "policy-tls example.org", " example.org"]
    {
        assert_eq!(heard(content), NO_MAP, "{content}");
    }
    for content in ["", "policy", "PURGE", "policy\texample.org"] {
        assert_eq!(heard(content), NO_REQUEST, "{content}");
    }
}

#[test]
fn what_is_not_utf_8_is_no_request_and_the_next_one_is_read() {
    let octets = b"9:policy \xff\xfe,18:policy example.org,";
    assert_eq!(read(octets), Frame::Whole(SocketmapRequest::Reply(NO_REQUEST), 12));
    assert!(matches!(read(&octets[12..]), Frame::Whole(SocketmapRequest::Policy(Map::Policy, _), 22)));
}

proptest! {
    #[test]
    fn whatever_is_asked_the_reply_is_one_of_a_closed_list_or_a_question(content in "(policy(-tlsrpt)? )?\\PC{0,60}") {
        let heard = heard(&content);
        let is_known = [NOT_FOUND, NO_REQUEST, NO_MAP, NO_DOMAIN].contains(&heard.as_str());
        prop_assert!(is_known || heard.starts_with("policy"), "{}", heard);
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Frame::Whole(_, taken) = read(&octets) {
            prop_assert!(taken <= octets.len());
        }
    }
}
