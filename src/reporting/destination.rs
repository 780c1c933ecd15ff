//! Where reports go: the `rua` of a record (RFC 8460 section 3), as something that they can safely be handed to. Pure.
//!
//! A record is untrusted input. It may aim at a victim, at a machine of our network, or at the command that sends mail: so at most
//! [`MAX_REPORT_DESTINATIONS`] count, an address is one plain address with a public name behind its `@`, and a web server is a
//! name alone, whose addresses are looked at when they are known ([`crate::https::address`]).

use crate::dns::scope::SPECIAL_USE;
use crate::limits::{MAX_LOCAL_PART_OCTETS, MAX_MAIL_ADDRESS_OCTETS, MAX_REPORT_DESTINATIONS};
use crate::name::PolicyDomain;
use crate::policy::tls_rpt::{self, Record};
use crate::policy::url::PolicyUrl;
use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;

/// Characters of a destination that an error shows.
const SHOWN: usize = 80;

/// One plain mail address: letters, digits and marks that no mail server routes by, `@`, a public domain name in A-labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress {
    text: String,
    domain: PolicyDomain,
}

/// Where a report can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// By mail.
    Mail(MailAddress),
    /// By a POST.
    Web(PolicyUrl),
}

/// Something that no report goes to: what it is, as far as it may be shown, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    shown: String,
    why: &'static str,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.shown, self.why)
    }
}

impl std::error::Error for Unusable {}

impl MailAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands behind its `@`.
    #[must_use]
    pub const fn domain(&self) -> &PolicyDomain {
        &self.domain
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for MailAddress {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let bad = |why| Unusable { shown: excerpt(text, SHOWN), why };
        let (local, host) = text.rsplit_once('@').ok_or_else(|| bad("is no mail address: it has no @"))?;
        if local.is_empty() || local.len() > MAX_LOCAL_PART_OCTETS || text.len() > MAX_MAIL_ADDRESS_OCTETS {
            return Err(bad("is no mail address: it is too long, or nothing stands before the @"));
        }
        if !local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_plain)) {
            return Err(bad(
                "is not one plain address: before the @ may stand letters, digits, single dots and # $ & ' * + - = ? ^ _ { } ~",
            ));
        }
        let domain = PolicyDomain::parse(host).ok().filter(PolicyDomain::is_textbook);
        let domain = domain
            .ok_or_else(|| bad("has no host name behind the @ (addresses in brackets are not used)"))?;
        if !is_public(&domain) {
            return Err(bad("is a name of a private network"));
        }
        let text = format!("{local}@{domain}");
        if text.len() > MAX_MAIL_ADDRESS_OCTETS {
            return Err(Unusable { shown: excerpt(&text, SHOWN), why: "is too long for a mail address" });
        }
        Ok(Self { text, domain })
    }
}

/// What may stand in an atom (RFC 5322 section 3.2.3), without what some mail server takes for a route, a file or a command: `!`, `%`, `/`,
/// `|` and the backquote.
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"#$&'*+-=?^_{}~".contains(&octet)
}

/// Whether the public DNS can have it: it has two labels at least, and is not set apart.
fn is_public(domain: &PolicyDomain) -> bool {
    let name = domain.as_str();
    let is_below =
        |apart: &&str| name.strip_suffix(*apart).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !SPECIAL_USE.iter().any(is_below)
}

impl Destination {
    /// The destinations of a record in its order, each once, and what stands among them that none can be.
    #[must_use]
    pub fn of(record: &Record) -> Vec<Result<Self, Unusable>> {
        let mut all: Vec<Result<Self, Unusable>> = Vec::new();
        for written in record.rua().iter().take(MAX_REPORT_DESTINATIONS) {
            let read = Self::read(written);
            if !all.contains(&read) {
                all.push(read);
            }
        }
        all
    }

    fn read(written: &tls_rpt::Destination) -> Result<Self, Unusable> {
        match written {
            tls_rpt::Destination::Mail(uri) => mail(uri).map(Self::Mail),
            tls_rpt::Destination::Web(uri) => {
                let web = PolicyUrl::parse(uri).ok().filter(|url| is_public(url.host()));
                web.map(Self::Web).ok_or_else(|| Unusable {
                    shown: excerpt(uri, SHOWN),
                    why: "is not used: an https URI has a public host name, no user, and no port but 443",
                })
            }
            tls_rpt::Destination::Other(uri) => {
                Err(Unusable { shown: excerpt(uri, SHOWN), why: "is neither mailto nor https" })
            }
        }
    }

    /// What the outbox keeps it under, and people name it by: the address, or the URL.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Mail(address) => address.to_string(),
            Self::Web(url) => url.to_string(),
        }
    }

    /// Reads such a key again, or what somebody typed: `mailto:` may stand before an address.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn from_key(key: &str) -> Result<Self, Unusable> {
        if key.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            return PolicyUrl::parse(key).map(Self::Web).map_err(|_| Unusable {
                shown: excerpt(key, SHOWN),
                why: "is no https URI that reports go to",
            });
        }
        key.strip_prefix("mailto:").unwrap_or(key).parse().map(Self::Mail)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// The address of a `mailto` (RFC 6068 section 2): decoded, without the header fields that may stand behind a `?`.
fn mail(uri: &str) -> Result<MailAddress, Unusable> {
    let bad = |why| Unusable { shown: excerpt(uri, SHOWN), why };
    let (_, rest) = uri.split_once(':').ok_or_else(|| bad("is no mailto URI"))?;
    let encoded = rest.split(['?', '#']).next().unwrap_or_default();
    let address = decoded(encoded).and_then(|octets| String::from_utf8(octets).ok());
    address.ok_or_else(|| bad("is not encoded as a URI has to be"))?.parse()
}

/// The octets of a part of a URI (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit()?, digit()?);
                high << 4 | low
            }
            octet => octet,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rua: &str) -> Vec<Result<String, String>> {
        let record = Record::parse(&format!("v=TLSRPTv1; rua={rua}")).expect(rua);
        let told =
            |one: Result<Destination, Unusable>| one.map(|one| one.key()).map_err(|why| why.to_string());
        Destination::of(&record).into_iter().map(told).collect()
    }

    #[test]
    fn an_address_is_decoded_and_its_query_ignored() {
        for (rua, key) in [
            ("mailto:a@b.example", "a@b.example"),
            ("MAILTO:%61+x@B.Example", "a+x@b.example"),
            ("mailto:a@b.example?bcc=v@victim.example&subject=x", "a@b.example"),
            // RFC 6068 section 2; behind `--` it is no option of the sendmail command.
            ("mailto:-x@y.example", "-x@y.example"),
            ("mailto:-oMr@d.example", "-oMr@d.example"),
            ("https://r.example/v1?x=1", "https://r.example/v1?x=1"),
            ("https://r.example", "https://r.example/"),
        ] {
            assert_eq!(of(rua), [Ok(key.to_owned())], "{rua}");
        }
    }

    #[test]
    fn what_is_not_one_plain_public_address_is_refused() {
        for rua in [
            "mailto:a%0Ab@x.example",
            "mailto:a%0D%0ABcc:v@x.example",
            "mailto:a%20b@x.example",
            "mailto:%22a%22@x.example",
            "mailto:a%2Cb@x.example",
            "mailto:a%40v.example@x.example",
            "mailto:a%25v.example@x.example",
            "mailto:v.example%21a@x.example",
            "mailto:%7Ccat@x.example",
            "mailto:%2Fetc%2Fx@x.example",
            "mailto:a..b@x.example",
            "mailto:.a@x.example",
            "mailto:%C3%A9@x.example",
            "mailto:%00@x.example",
            "mailto:a@%5B192.168.0.1%5D",
            "mailto:a@localhost",
            "mailto:root@mail",
            "mailto:a@printer.local",
            "mailto:a@x.internal",
            "mailto:a@192.0.2.1",
            "https://localhost/x",
            "https://r.local/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://r.example:8443/x",
            "https://u@r.example/x",
        ] {
            let found = of(rua);
            assert!(matches!(found.as_slice(), [Err(why)] if why.is_ascii()), "{rua}: {found:?}");
        }
        assert!(of("http://r.example/x,mailto:a@b.example")[0].is_err());
        let of_length = |length| of(&format!("mailto:{}@x.example", "b".repeat(length)));
        assert!(of_length(64)[0].is_ok() && of_length(65)[0].is_err());
        // A domain of 252 octets, and one octet before the @, or two.
        let domain = format!("{}{}.example", "a-label-of-twenty-oct.".repeat(11), "b".repeat(2));
        assert_eq!(domain.len(), 252);
        assert!(of(&format!("mailto:a@{domain}"))[0].is_ok());
        assert!(of(&format!("mailto:aa@{domain}"))[0].is_err());
    }

    #[test]
    fn eight_destinations_count_and_each_of_them_once() {
        let nine: Vec<String> = (1..10).map(|number| format!("mailto:a{number}@b.example")).collect();
        let found = of(&nine.join(","));
        assert_eq!(found.len(), MAX_REPORT_DESTINATIONS);
        assert_eq!(found.last(), Some(&Ok("a8@b.example".to_owned())));
        assert_eq!(of("mailto:a@b.example,mailto:%61@b.example").len(), 1);
    }

    #[test]
    fn a_domain_is_written_in_a_labels() {
        assert_eq!(
            "x@B\u{fc}cher.example".parse::<MailAddress>().unwrap().as_str(),
            "x@xn--bcher-kva.example"
        );
        assert!("x@b.example, y@b.example".parse::<MailAddress>().is_err());
        assert_eq!(Destination::from_key("mailto:a@b.example").unwrap().key(), "a@b.example");
        assert_eq!(Destination::from_key("https://r.example/x").unwrap().key(), "https://r.example/x");
        assert!(Destination::from_key("https://127.0.0.1/").is_err());
    }
}
