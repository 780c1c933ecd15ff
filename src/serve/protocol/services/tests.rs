use super::*;
use proptest::prelude::*;

#[test]
fn a_service_has_the_port_that_its_line_gives_it_for_tcp() {
    // The lines are those of Debian's netbase, but for our-port and what follows it.
    let services = Services::parse(
        "# Network services, Internet style\n\n\
             smtp\t\t25/tcp\t\tmail\nsubmission\t587/tcp\t\t\t\t# Submission [RFC4409]\n\
             submissions\t465/tcp\t\tssmtp smtps urd # Submission over TLS [RFC8314]\n\
             domain\t\t53/tcp\t\t\t\t# Domain Name Server\nsyslog\t\t514/udp\n\
             our-port 2525/tcp # mine\r\nour-port 2526/tcp\nudp-first 1/udp\nudp-first 2/tcp a.b\n\
             zero 0/tcp\nlarge 65536/tcp\nnone\nwithout 25\nother 7/sctp\n#hidden 9/tcp\n  indented 10/tcp\n",
    );
    for (name, port) in [
        ("smtp", Some(25)),
        ("mail", Some(25)),
        ("smtps", Some(465)),
        ("urd", Some(465)),
        ("our-port", Some(2525)),
        ("udp-first", Some(2)),
        ("a.b", Some(2)),
        ("indented", Some(10)),
        ("syslog", None),
        ("OUR-PORT", None),
        ("mine", None),
        ("zero", None),
        ("large", None),
        ("none", None),
        ("without", None),
        ("other", None),
        ("hidden", None),
        ("", None),
    ] {
        assert_eq!(services.port(name), port, "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_no_port_is_none(text in "([a-z]{1,3} [0-9]{1,6}/(tcp|udp)[ a-z#]{0,6}\n|\\PC{0,20}\n){0,8}") {
        for port in Services::parse(&text).0.values() {
            prop_assert!(*port != 0);
        }
    }
}
