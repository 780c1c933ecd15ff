//! What Exim tells of a session: the words behind `E`, in any order, each once. Pure.
//!
//! | key | Exim's expansion |
//! |---|---|
//! | `ev` | `$event_name`: `smtp:ehlo`, `tls:cert`, `dane:fail`, `tcp:close`, `msg:host:defer` |
//! | `pid` | `$pid`, which tells one session from others |
//! | `dom`, `host` | `$domain`, `${quote:$host}` |
//! | `ip`, `sip` | `$host_address`, `$sending_ip_address` |
//! | `pol` | `${quote:$address_data}`: the line that the daemon had answered |
//! | `cipher` | `$tls_out_cipher` |
//! | `cv`, `dane` | `$tls_out_certificate_verified` (`0`, `1`), `$tls_out_dane` (`no`, `yes`) |
//! | `errno` | `$event_defer_errno`, which only `msg:host:defer` sets: elsewhere it is an earlier one's |
//! | `data` | `${quote:$event_data}`, perhaps cut |
//! | `der` | `${base64:$tls_out_peercert}`, with `tls:cert`, and with `msg:host:defer` if there is a certificate |
//! | `avoid` | `${quote:…}` of the list of `hosts_avoid_tls`, with `tcp:close` |
//!
//! Other keys are passed over.

use super::quoting;
use crate::limits::MAX_EXIM_EVENT_DATA_OCTETS;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Mode, PolicyType};
use crate::reports::applied::Mark;
use crate::reports::avoided::may_be_avoided;
use crate::reports::event::{Answered, DaneFailure, Event, Happening, Proof, Session};
use crate::reports::helo::Helo;
use crate::verdict::Tls;
use data_encoding::BASE64;
use std::str::FromStr;

/// Reads an event; `None` for one that nobody needs, and for what is none.
#[must_use]
pub(super) fn read(told: &[u8]) -> Option<Event> {
    let words = Words::read(told)?;
    let session = Session {
        process: words.parsed("pid")?,
        domain: PolicyDomain::parse(words.get("dom")?).ok()?,
        host: MxHost::from_text(words.get("host")?).ok()?,
        address: words.parsed("ip")?,
        from: words.parsed("sip"),
    };
    let happening = happening(&words, &session)?;
    Some(Event { session, answered: answered(words.get("pol")?)?, happening })
}

/// The words by their keys.
struct Words(Vec<(String, String)>);

impl Words {
    /// Reads them; `None` if one is no word, or says what another one says.
    fn read(mut text: &[u8]) -> Option<Self> {
        let mut words: Vec<(String, String)> = Vec::new();
        while !text.is_empty() {
            let equals = text.iter().position(|octet| *octet == b'=')?;
            let (key, rest) = text.split_at(equals);
            let (value, rest) = quoting::value(rest.strip_prefix(b"=")?).ok()?;
            let key =
                std::str::from_utf8(key).ok().filter(|key| key.bytes().all(|b| b.is_ascii_lowercase()))?;
            if words.iter().any(|(known, _)| known == key) {
                return None;
            }
            words.push((key.to_owned(), String::from_utf8_lossy(&value).into_owned()));
            text = rest.strip_prefix(b" ").unwrap_or(rest);
        }
        Some(Self(words))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value)
    }
}

/// What the daemon's own line says, which Exim hands back.
fn answered(line: &str) -> Option<Answered> {
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    Some(Answered {
        policy: PolicyType::from_word(word("policy")?)?,
        mode: Mode::from_word(word("mode")?)?,
        tls: Tls::from_word(word("tls")?)?,
        mark: Mark::of(line),
    })
}

fn happening(words: &Words, session: &Session) -> Option<Happening> {
    let data = words.get("data").unwrap_or_default();
    Some(match words.get("ev")? {
        "smtp:ehlo" if words.get("cipher").is_some_and(|cipher| !cipher.is_empty()) => {
            Happening::Encrypted(match () {
                () if words.is("dane", "yes") => Proof::Dane,
                () if words.is("cv", "1") => Proof::Authority,
                () => Proof::Nothing,
            })
        }
        "smtp:ehlo" => {
            Happening::Greeted { offers_starttls: offers_starttls(data), helo: Helo::of_reply(data) }
        }
        "tls:cert" if data == "0" => Happening::Showed(BASE64.decode(words.get("der")?.as_bytes()).ok()?),
        "tls:cert" => Happening::AuthorityVerified,
        "tcp:close" => {
            let had_tls = words.get("cipher").is_some_and(|cipher| !cipher.is_empty());
            let avoid = words.get("avoid").unwrap_or_default();
            Happening::Closed {
                may_be_avoided: may_be_avoided(avoid, &session.host, session.address),
                had_tls,
            }
        }
        "dane:fail" => Happening::DaneFailed(DaneFailure::from_word(data)?),
        "msg:host:defer" => Happening::GaveUp {
            number: words.parsed("errno")?,
            words: data.to_owned(),
            certificate: match words.get("der") {
                Some(der) => Some(BASE64.decode(der.as_bytes()).ok()?),
                None => None,
            },
        },
        _ => return None,
    })
}

/// Whether STARTTLS is among the lines of a reply to EHLO (RFC 3207 section 2, RFC 5321 section 4.1.1.1). A reply that
/// Exim cut may have lost the line.
fn offers_starttls(reply: &str) -> Option<bool> {
    let keyword = |line: &str| line.get(4..).map(str::trim).map(str::to_ascii_lowercase);
    let is_among = reply.lines().skip(1).any(|line| keyword(line).as_deref() == Some("starttls"));
    let is_cut = reply.len() >= MAX_EXIM_EVENT_DATA_OCTETS;
    (is_among || !is_cut).then_some(is_among)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            happened(&cut),
            Some(Happening::Greeted { offers_starttls: None, helo: Helo::parse("mx") })
        );
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
}
