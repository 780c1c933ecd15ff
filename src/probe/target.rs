//! An MX host as DNS shows it: what DANE asks there, by which name it is addressed, and where it is.

use super::report::{NoAddress, TlsaRecord};
use crate::dane::tlsa::Tlsa;
use crate::dns::presentation::rdata;
use crate::dns::{Answer, Class, Content, Outcome, Question, Resolve};
use crate::limits::MAX_PROBE_ADDRESSES;
use crate::name::{MxHost, PolicyDomain};
use crate::verdict::{DaneHost, LookupError, MxFindings};
use crate::verify::{dane, mx::mx_findings};
use futures_util::future::join;
use hickory_proto::rr::{RData, RecordType};
use std::net::IpAddr;

/// One MX host, about to be looked at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: MxHost,
    /// What DANE asks of mail for it, the MX RRset aside.
    pub dane: DaneHost,
    /// The answers about its TLSA records.
    pub tlsa_answers: Vec<Answer>,
    /// The TLSA base domain, if there are secure records.
    pub tlsa_base: Option<MxHost>,
    /// The secure TLSA records there.
    pub tlsa: Vec<TlsaRecord>,
    /// The names of which a certificate below a DANE-TA(2) anchor must bear one (RFC 7672 section 3.2.2), the TLSA base
    /// domain first.
    pub references: Vec<MxHost>,
    /// The addresses, no more of them than are asked; or why there is none.
    pub addresses: Result<Vec<IpAddr>, NoAddress>,
    /// Addresses beyond those.
    pub addresses_left_out: usize,
    /// Where its name leads, if it is an alias (CNAME), which no MX record should name (RFC 5321 section 5.1).
    pub alias_of: Option<MxHost>,
}

impl Target {
    /// Asks the DNS for everything about the host. `next_hop` are the names under which a secure MX RRset led there: the
    /// mail domain, and what it is an alias for; none where the MX RRset proves nothing.
    pub async fn find(dns: &impl Resolve, host: &MxHost, next_hop: &[MxHost]) -> Self {
        let questions = [RecordType::A, RecordType::AAAA].map(|rtype| Question::new(&host.to_dns(), rtype));
        let looked = dane::look(dns, std::slice::from_ref(host), &[]);
        let (looked, answers) = join(looked, dns.resolve(&questions)).await;
        let is_tlsa = |answer: &Answer| answer.question.rtype() == RecordType::TLSA;
        let tlsa_answers: Vec<Answer> = looked.answers.into_iter().filter(is_tlsa).collect();
        let dane = looked.hosts.into_iter().next().map_or(DaneHost::Absent, |(_, dane)| dane);
        let (tlsa_base, tlsa) = records(&tlsa_answers).unzip();
        let base: &MxHost = tlsa_base.as_ref().unwrap_or(host);
        let references = std::iter::once(base).chain(next_hop).cloned().collect();
        let ends = answers.iter().filter_map(|answer| answer.aliases.last());
        let alias_of = ends.filter_map(MxHost::from_dns).find(|end| end != host);
        let (addresses, addresses_left_out) = addresses(&answers);
        Self {
            name: host.clone(),
            dane,
            tlsa_answers,
            tlsa_base,
            tlsa: tlsa.unwrap_or_default(),
            references,
            addresses,
            addresses_left_out,
            alias_of,
        }
    }

    /// Whether its TLSA records stand at a name that is an alias, and not where that leads. Who looks there alone, as Exim
    /// does, finds none.
    #[must_use]
    pub fn is_dane_of_alias(&self) -> bool {
        self.alias_of.is_some() && self.tlsa_base.as_ref() == Some(&self.name)
    }

    /// By which name it is addressed in the handshake: by its TLSA base domain (RFC 7672 section 8.1), without secure
    /// TLSA records by its MX name (RFC 8461 section 7.1).
    #[must_use]
    pub fn server_name(&self) -> &MxHost {
        self.tlsa_base.as_ref().unwrap_or(&self.name)
    }
}

/// The names under which a secure MX RRset, or the secure absence of one, leads to the host (RFC 7672 section 3.2.2):
/// the mail domain, and what it is an alias for.
#[must_use]
pub fn next_hop(domain: &PolicyDomain, mx: &Answer, name: &MxHost) -> Vec<MxHost> {
    let leads_there = match mx_findings(domain, mx) {
        MxFindings::Hosts { names, .. } => names.contains(name),
        MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_) => false,
    };
    if mx.outcome.class() != Class::Secure || !leads_there {
        return Vec::new();
    }
    let end = mx.aliases.last().and_then(MxHost::from_dns);
    std::iter::once(MxHost::from(domain)).chain(end).collect()
}

/// The TLSA base domain and its records: the last secure answer that has some.
fn records(answers: &[Answer]) -> Option<(MxHost, Vec<TlsaRecord>)> {
    answers.iter().rev().find_map(|answer| {
        let Outcome::Secure(Content::Data(records)) = &answer.outcome else { return None };
        let base = MxHost::from_dns(&answer.question.name().base_name().base_name())?;
        let read = |record| {
            let read = Tlsa::parse(record);
            TlsaRecord { text: rdata(record).to_ascii_lowercase(), read }
        };
        Some((base, records.iter().map(read).collect()))
    })
}

/// The addresses, IPv4 first, and how many more there are.
fn addresses(answers: &[Answer]) -> (Result<Vec<IpAddr>, NoAddress>, usize) {
    let mut found: Vec<IpAddr> = Vec::new();
    let mut trouble = None;
    for answer in answers {
        match LookupError::or_content(&answer.outcome) {
            Ok(Content::Data(records)) => found.extend(records.iter().filter_map(|record| match record {
                RData::A(v4) => Some(IpAddr::V4(v4.0)),
                RData::AAAA(v6) => Some(IpAddr::V6(v6.0)),
                _ => None,
            })),
            Ok(Content::Nodata | Content::Nxdomain) => {}
            Err(why) => trouble = trouble.or(Some(why)),
        }
    }
    let left_out = found.len().saturating_sub(MAX_PROBE_ADDRESSES);
    found.truncate(MAX_PROBE_ADDRESSES);
    match (found.is_empty(), trouble) {
        (false, _) => (Ok(found), left_out),
        (true, Some(trouble)) => (Err(NoAddress::Unknown(trouble)), 0),
        (true, None) => (Err(NoAddress::Absent), 0),
    }
}
