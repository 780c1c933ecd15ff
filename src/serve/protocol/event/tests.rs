use super::super::quoting::tests::quote;
use super::*;
use proptest::prelude::*;

const POLICY: &str = "verdict=deliver tls=webpki policy=mta-sts mode=enforce auth=webpki mx=match cache=hit \
                          reason=policy-met mxre=^(mx[.]example[.]org)$";

fn line(words: &str) -> String {
    format!(
        "pid=4711 dom=example.org host=mx.example.org ip=192.0.2.25 sip=192.0.2.1 pol={} {words}",
        quote(POLICY)
    )
}

fn happened(words: &str) -> Option<Happening> {
    read(line(words).as_bytes()).map(|event| event.happening)
}

#[test]
fn an_event_tells_whose_session_it_was_and_what_had_been_answered() {
    let event = read(line("ev=dane:fail data=dane-required").as_bytes()).unwrap();
    assert_eq!(event.session.process, 4_711);
    assert_eq!(event.session.domain.as_str(), "example.org");
    assert_eq!(event.session.host.as_str(), "mx.example.org");
    assert_eq!(event.session.address.to_string(), "192.0.2.25");
    assert_eq!(event.session.from.map(|from| from.to_string()).as_deref(), Some("192.0.2.1"));
    let mark = Mark::of(POLICY);
    let expected = Answered { policy: PolicyType::MtaSts, mode: Mode::Enforce, tls: Tls::WebPki, mark };
    assert_eq!(event.answered, expected);
}

const CLOSED: Happening = Happening::Closed { had_tls: false, may_be_avoided: false };
const AVOIDED: Happening = Happening::Closed { had_tls: false, may_be_avoided: true };

#[test]
fn each_event_has_its_meaning() {
    let called = |offers_starttls, name| Happening::Greeted { offers_starttls, helo: Helo::parse(name) };
    let greeted = |offers_starttls| called(offers_starttls, "mx");
    for (words, expected) in [
        (
            r#"ev=smtp:ehlo cipher= cv=0 dane=no errno=-37 data="250-mx.example.org\n250-SIZE 1\n250 STARTTLS\n""#,
            called(Some(true), "mx.example.org"),
        ),
        (r#"ev=smtp:ehlo cipher="" data="250-mx\n250-starttls\r\n250 HELP""#, greeted(Some(true))),
        (r#"ev=smtp:ehlo data="250-mx\n250-XSTARTTLS\n250 HELP STARTTLS""#, greeted(Some(false))),
        // The first line is the host's greeting.
        (r#"ev=smtp:ehlo data="250 STARTTLS""#, called(Some(false), "STARTTLS")),
        (r#"ev=tcp:close cipher="""#, CLOSED),
        ("ev=tcp:close cipher=TLS1.3:X:256", Happening::Closed { had_tls: true, may_be_avoided: false }),
        (r#"ev=tcp:close cipher= avoid="""#, CLOSED),
        ("ev=tcp:close cipher= avoid=mx.example.net", CLOSED),
        (r#"ev=tcp:close cipher= avoid="mx.example.net : *.example.org""#, AVOIDED),
        ("ev=tcp:close cipher= avoid=192.0.2.0/24", AVOIDED),
        ("ev=smtp:ehlo cipher=TLS1.3:X:256 cv=0 dane=no", Happening::Encrypted(Proof::Nothing)),
        ("ev=smtp:ehlo cipher=TLS1.3:X:256 cv=1 dane=no", Happening::Encrypted(Proof::Authority)),
        ("ev=smtp:ehlo cipher=TLS1.3:X:256 cv=1 dane=yes", Happening::Encrypted(Proof::Dane)),
        ("ev=tls:cert data=0 der=MAA= cipher=", Happening::Showed(vec![0x30, 0])),
        ("ev=tls:cert data=1 cipher=", Happening::AuthorityVerified),
        ("ev=dane:fail data=starttls-not-supported", Happening::DaneFailed(DaneFailure::NoStartTls)),
        (
            r#"ev=msg:host:defer errno=-37 data="TLS session: (x)""#,
            Happening::GaveUp { number: -37, words: "TLS session: (x)".into(), certificate: None },
        ),
        (
            r#"ev=msg:host:defer errno=-37 data="x" der=MAA="#,
            Happening::GaveUp { number: -37, words: "x".into(), certificate: Some(vec![0x30, 0]) },
        ),
    ] {
        assert_eq!(happened(words), Some(expected), "{words}");
    }
}

#[test]
fn a_reply_that_was_cut_may_have_lost_the_offer() {
    let lines = |last: &str| format!("250-mx\n{}{last}", "250-XTEST\n".repeat(300));
    let cut = lines("")[..MAX_EXIM_EVENT_DATA_OCTETS].to_owned();
    let happened = |data: &str| happened(&format!("ev=smtp:ehlo data={}", quote(data)));
    assert_eq!(happened(&cut), Some(Happening::Greeted { offers_starttls: None, helo: Helo::parse("mx") }));
}

#[test]
fn what_nobody_needs_or_can_trust_is_no_event() {
    for words in [
        "",
        "ev=msg:delivery",
        "ev=tls:cert data=0",
        "ev=tls:cert data=0 der=***",
        "ev=dane:fail data=x",
        "ev=msg:host:defer data=x",
        "ev=msg:host:defer errno=x",
        "ev=msg:host:defer errno=-37 der=***",
        "ev=smtp:ehlo ev=smtp:ehlo",
        "ev=smtp:ehlo dom=example.net",
        "ev=smtp:ehlo data=\"x",
        "ev=smtp:ehlo x",
        "ev=smtp:ehlo A=b",
    ] {
        assert_eq!(happened(words), None, "{words}");
    }
    let all = line("ev=smtp:ehlo data=x");
    for missing in ["pid=4711", "dom=example.org", "host=mx.example.org", "ip=192.0.2.25", " pol="] {
        assert_eq!(read(all.replace(missing, "x=y").as_bytes()), None, "{missing}");
    }
    for (from, to) in [
        ("dom=example.org", "dom="),
        ("dom=example.org", "dom=[192.0.2.1]"),
        ("host=mx.example.org", "host=\"-D (id)\""),
        ("ip=192.0.2.25", "ip=192.0.2.25:25"),
        ("policy=mta-sts", "policy=x"),
        ("mode=enforce", ""),
    ] {
        assert_eq!(read(all.replace(from, to).as_bytes()), None, "{to}");
    }
    assert!(read(all.replace("sip=192.0.2.1", "sip=").as_bytes()).unwrap().session.from.is_none());
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&octets);
    }

    #[test]
    fn whatever_a_host_says_stays_its_words(data in "(?s).{0,60}") {
        let words = format!("ev=msg:host:defer errno=-37 data={} x=y", quote(&data));
        prop_assert_eq!(happened(&words), Some(Happening::GaveUp { number: -37, words: data, certificate: None }));
    }
}
