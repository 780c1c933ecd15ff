//! Under which circumstances something was learnt: what was learnt under others does not exist.

use crate::policy::Mechanisms;
use aws_lc_rs::digest;
use std::fmt;
use std::net::SocketAddr;

/// Octets of a fingerprint: half of a SHA-256, which nobody can meet by accident.
const OCTETS: usize = 16;

/// The circumstances of this run that decide what counts as proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Where DNSSEC's chain of trust begins.
    pub anchors: Anchors,
    /// Who vouches for policy hosts.
    pub authorities: Authorities,
    /// The TCP port of policy hosts: 443 (RFC 8461 section 3.3) but in laboratories, with `--https-port`.
    pub https_port: u16,
    /// Whether policy hosts may have addresses that are not public; so in laboratories, with `--allow-private-addresses`.
    pub allow_private_addresses: bool,
    /// The name servers given with `--dns`; empty for those of the system, which change with the network.
    pub name_servers: Vec<SocketAddr>,
    /// The zones of `insecure_zones`: what is said there is believed unproven.
    pub insecure_zones: Vec<String>,
    /// The mechanisms that are asked for: of one that is left out nothing is learnt.
    pub mechanisms: Mechanisms,
}

/// The keys at which DNSSEC's chain of trust begins (RFC 4035 section 4.4): whose they are, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchors {
    /// The root keys that this program brings along. They count by this word: a root key rollover in a later version
    /// must not erase the policies in force.
    BuiltIn,
    /// The lines of a file, comments and blanks removed; their order does not matter.
    Given(Vec<String>),
}

/// The authorities by whose word a policy host is known (RFC 8461 section 3.3): whose list it is, and which they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// The system's store. It counts by this word: its routine updates must not erase the policies in force.
    System,
    /// The contents of a file.
    Given(Vec<u8>),
}

/// A digest of [`Circumstances`] that stands in each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; OCTETS]);

impl Fingerprint {
    /// Of what is true under all circumstances.
    pub(super) const OF_NOTHING: Self = Self([0; OCTETS]);

    /// The octets in the row.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what was printed.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.len() == 2 * OCTETS && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// Prints as 32 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What holds where nothing else was configured.
impl Default for Circumstances {
    fn default() -> Self {
        Self {
            anchors: Anchors::BuiltIn,
            authorities: Authorities::System,
            https_port: 443,
            allow_private_addresses: false,
            name_servers: Vec::new(),
            insecure_zones: Vec::new(),
            mechanisms: Mechanisms::default(),
        }
    }
}

impl Circumstances {
    /// What a policy was learnt under. The name servers do not count: they prove nothing. Nor do private zones: a policy in
    /// force stays so, whatever is said now of where it was learnt.
    #[must_use]
    pub fn of_policies(&self) -> Fingerprint {
        Fingerprint(short_digest(&self.parts()))
    }

    /// What a DNS result was learnt under: as for policies, and from which name servers if they were chosen, since
    /// the unsigned part of the DNS is what they say it is; and beside which private zones, for an MX record can lead from
    /// any domain into one.
    #[must_use]
    pub fn of_answers(&self) -> Fingerprint {
        let mut parts = self.parts();
        let mut servers: Vec<String> = self.name_servers.iter().map(ToString::to_string).collect();
        servers.sort();
        servers.dedup();
        parts.extend(servers.into_iter().map(|server| ("name server", server.into_bytes())));
        let mut zones = self.insecure_zones.clone();
        zones.sort();
        zones.dedup();
        parts.extend(zones.into_iter().map(|zone| ("insecure zone", zone.into_bytes())));
        // Nothing is said while all of them count: what was learnt before there was a choice stays known.
        parts.extend(self.mechanisms.left_out().map(|word| ("left out", word.as_bytes().to_vec())));
        Fingerprint(short_digest(&parts))
    }

    fn parts(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut parts = Vec::new();
        match &self.anchors {
            Anchors::BuiltIn => parts.push(("anchors", b"built-in".to_vec())),
            Anchors::Given(lines) => {
                let mut lines: Vec<String> =
                    lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
                lines.sort();
                lines.dedup();
                parts.extend(lines.into_iter().map(|line| ("anchor", line.into_bytes())));
            }
        }
        match &self.authorities {
            Authorities::System => parts.push(("authorities", b"system".to_vec())),
            Authorities::Given(octets) => parts.push(("authority file", octets.clone())),
        }
        parts.push(("https port", self.https_port.to_be_bytes().to_vec()));
        parts.push(("private addresses", vec![u8::from(self.allow_private_addresses)]));
        parts
    }
}

/// Half of the SHA-256 over named parts, each preceded by its length so that no two lists look alike.
pub(super) fn short_digest(parts: &[(&str, Vec<u8>)]) -> [u8; OCTETS] {
    let mut context = digest::Context::new(&digest::SHA256);
    for (name, value) in parts {
        for field in [name.as_bytes(), value] {
            context.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(field);
        }
    }
    let mut short = [0; OCTETS];
    for (to, from) in short.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Circumstances {
        Circumstances {
            anchors: Anchors::BuiltIn,
            authorities: Authorities::System,
            https_port: 443,
            allow_private_addresses: false,
            name_servers: Vec::new(),
            insecure_zones: Vec::new(),
            mechanisms: Mechanisms::default(),
        }
    }

    #[test]
    fn where_nothing_is_configured_nothing_is_as_in_a_laboratory() {
        assert_eq!(Circumstances::default(), usual());
    }

    #[test]
    fn mechanisms_that_are_left_out_count_for_dns_results_and_end_no_policy() {
        let with = |words: &str| Circumstances { mechanisms: words.parse().unwrap(), ..usual() };
        assert_eq!(with("mta-sts").of_policies(), usual().of_policies());
        assert_ne!(with("mta-sts").of_answers(), usual().of_answers());
        assert_ne!(with("mta-sts").of_answers(), with("dane").of_answers());
        assert_eq!(with("smtp-sts,mta-sts,dane").of_answers(), usual().of_answers());
    }

    #[test]
    fn private_zones_count_for_dns_results_and_end_no_policy() {
        let with = |zones: &[&str]| Circumstances {
            insecure_zones: zones.iter().map(ToString::to_string).collect(),
            ..usual()
        };
        assert_eq!(with(&["corp.example"]).of_policies(), usual().of_policies());
        assert_ne!(with(&["corp.example"]).of_answers(), usual().of_answers());
        assert_ne!(with(&["corp.example"]).of_answers(), with(&["corp.test"]).of_answers());
        assert_eq!(with(&["a.test", "b.test"]).of_answers(), with(&["b.test", "a.test"]).of_answers());
    }

    #[test]
    fn each_circumstance_counts() {
        let others = [
            Circumstances { anchors: Anchors::Given(vec![". DS 1 8 2 00".into()]), ..usual() },
            Circumstances { anchors: Anchors::Given(vec![]), ..usual() },
            Circumstances { anchors: Anchors::Given(vec!["built-in".into()]), ..usual() },
            Circumstances { authorities: Authorities::Given(b"system".to_vec()), ..usual() },
            Circumstances { https_port: 8443, ..usual() },
            Circumstances { allow_private_addresses: true, ..usual() },
        ];
        for (i, one) in others.iter().enumerate() {
            assert_ne!(one.of_policies(), usual().of_policies(), "{one:?}");
            assert_ne!(one.of_answers(), usual().of_answers(), "{one:?}");
            for other in &others[i + 1..] {
                assert_ne!(one.of_policies(), other.of_policies(), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_fingerprint_prints_and_reads_back() {
        let fingerprint = usual().of_policies();
        assert_eq!(Fingerprint::from_text(&fingerprint.to_string()), Some(fingerprint));
        for text in ["", "0", "+0000000000000000000000000000000", &"g".repeat(32), &"0".repeat(33)] {
            assert_eq!(Fingerprint::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn chosen_name_servers_count_for_dns_results_only() {
        let chosen = Circumstances { name_servers: vec!["192.0.2.1:53".parse().unwrap()], ..usual() };
        assert_eq!(chosen.of_policies(), usual().of_policies());
        assert_ne!(chosen.of_answers(), usual().of_answers());
    }

    #[test]
    fn order_blanks_and_repetition_do_not_count() {
        let anchors = |lines: &[&str]| Circumstances {
            anchors: Anchors::Given(lines.iter().map(ToString::to_string).collect()),
            ..usual()
        };
        assert_eq!(
            anchors(&[". DS 1 8 2 00", ". DS 2 8 2 00"]).of_policies(),
            anchors(&[". DS 2 8  2\t00", ". DS 1 8 2 00", ". DS 1 8 2 00"]).of_policies()
        );
    }
}
