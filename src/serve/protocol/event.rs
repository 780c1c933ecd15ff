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
mod tests;
