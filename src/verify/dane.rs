//! Asks the DNS what DANE wants for each MX host (RFC 7672 section 2.2).
//!
//! All that may be wanted of a host leaves at once: its addresses and the TLSA records at its own name. The addresses
//! say whether the latter matter; where they do not, nobody waits for them, for there are name servers of unsigned
//! zones that never answer such a question (section 2.2.2). A further question is asked only about an alias.

use super::SMTP_PORT;
use crate::dane::base::{self, Base};
use crate::dane::of_tlsa;
use crate::dane::set::TlsaSet;
use crate::dns::{Answer, Outage, Question, Resolve, ZoneStatus};
use crate::limits::MAX_MX_HOSTS_LOOKED_AT;
use crate::name::MxHost;
use crate::time::UnixTime;
use crate::verdict::{Aliases, DaneHost, LookupError};
use futures_util::future::{Either, join, join_all, maybe_done, select};
use hickory_proto::rr::{Name, RecordType};
use std::future::Future;
use std::pin::pin;

/// What was learnt about the MX hosts of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// What DANE asks for each of them, in the order of the names.
    pub hosts: Vec<(MxHost, DaneHost)>,
    /// The secure TLSA records of those of them that have some.
    pub tlsa_sets: Vec<(MxHost, TlsaSet)>,
    /// What their names are aliases for.
    pub aliases: Aliases,
    /// The answers that were waited for, host by host.
    pub answers: Vec<Answer>,
    /// Until when all of it may be believed; `None` if something could not be learnt.
    pub valid_until: Option<UnixTime>,
}

/// Looks at the MX hosts `names`, which stand by preference; at those of them that were `asked` for first, if they are
/// more than [`MAX_MX_HOSTS_LOOKED_AT`].
///
/// The caller has seen that the MX RRset is secure, or that it is securely absent and the only name is the domain's own
/// (section 2.2.1).
pub async fn look(dns: &impl Resolve, names: &[MxHost], asked: &[MxHost]) -> Looked {
    look_at_port(dns, names, asked, SMTP_PORT).await
}

/// The same for mail that goes to another port: its TLSA records count (RFC 7672 section 2.2.3).
pub async fn look_at_port(dns: &impl Resolve, names: &[MxHost], asked: &[MxHost], port: u16) -> Looked {
    let (first, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| asked.contains(name));
    let chosen: Vec<&MxHost> = first.into_iter().chain(others).take(MAX_MX_HOSTS_LOOKED_AT).collect();
    dns.allow_mx_hosts(chosen.len());
    let mut seen = join_all(chosen.into_iter().map(|host| look_at(dns, host, port))).await;
    let mut looked = Looked {
        hosts: Vec::new(),
        tlsa_sets: Vec::new(),
        aliases: Aliases { targets: Vec::new(), unseen: None },
        answers: Vec::new(),
        valid_until: None,
    };
    let mut ends = Vec::new();
    for name in names {
        let at = seen.iter().position(|seen| seen.host == name);
        let seen = at.map_or_else(|| HostLook::not_looked_at(name), |at| seen.swap_remove(at));
        let targets = seen.targets.iter().filter_map(MxHost::from_dns);
        looked.aliases.targets.extend(targets.map(|target| (target, name.clone())));
        looked.aliases.unseen = looked.aliases.unseen.or(seen.unseen);
        ends.push(seen.answers.iter().map(|answer| answer.valid_until).min().flatten());
        // The last one that was waited for stands at the TLSA base domain.
        let records = seen.answers.iter().rfind(|answer| answer.question.rtype() == RecordType::TLSA);
        looked.tlsa_sets.extend(records.and_then(TlsaSet::of).map(|set| (name.clone(), set)));
        looked.answers.extend(seen.answers);
        looked.hosts.push((name.clone(), seen.dane));
    }
    looked.valid_until = ends.into_iter().min().flatten();
    looked
}

/// What was learnt about one host.
struct HostLook<'a> {
    host: &'a MxHost,
    dane: DaneHost,
    /// Where its aliases lead.
    targets: Vec<Name>,
    /// Why that could not be learnt.
    unseen: Option<LookupError>,
    answers: Vec<Answer>,
}

impl<'a> HostLook<'a> {
    fn not_looked_at(host: &'a MxHost) -> Self {
        let why =
            format!("budget: no more than {MAX_MX_HOSTS_LOOKED_AT} MX hosts are looked at, and not {host}");
        let trouble = LookupError::Unreachable(Outage::Budget, ZoneStatus::Unknown, why);
        let (targets, answers) = (Vec::new(), Vec::new());
        Self { host, dane: DaneHost::Unknown(trouble.clone()), targets, unseen: Some(trouble), answers }
    }
}

async fn look_at<'a>(dns: &impl Resolve, host: &'a MxHost, port: u16) -> HostLook<'a> {
    let mut answers = Vec::new();
    let dane = find(dns, &host.to_dns(), port, &mut answers).await.unwrap_or_else(DaneHost::Unknown);
    let is_address = |answer: &&Answer| matches!(answer.question.rtype(), RecordType::A | RecordType::AAAA);
    let addresses = || answers.iter().filter(is_address);
    let targets = addresses().map(|answer| &answer.aliases).max_by_key(|aliases| aliases.len());
    let unseen = match addresses().any(|answer| answer.outcome.content().is_some()) {
        true => None,
        false => addresses().find_map(|answer| LookupError::or_content(&answer.outcome).err()),
    };
    HostLook { host, dane, targets: targets.cloned().unwrap_or_default(), unseen, answers }
}

/// What DANE asks for the host `name`; an answer that was waited for goes to `answers`.
///
/// # Errors
/// Why nobody can tell.
async fn find(
    dns: &impl Resolve,
    name: &Name,
    port: u16,
    answers: &mut Vec<Answer>,
) -> Result<DaneHost, LookupError> {
    let mut own_records = pin!(maybe_done(ask_tlsa(dns, name, port)));
    let mut ipv6 = pin!(maybe_done(dns.ask(Question::new(name, RecordType::AAAA))));
    let ipv4 = dns.ask(Question::new(name, RecordType::A));
    answers.push(beside(ipv4, join(ipv6.as_mut(), own_records.as_mut())).await);
    if !answers.iter().any(base::settles) {
        beside(ipv6.as_mut(), own_records.as_mut()).await;
        answers.extend(ipv6.as_mut().take_output());
    }
    let mut base = base::of_addresses(answers)?;
    if base == Base::HostIfItsAliasIsSecure {
        let alias = beside(dns.ask(Question::new(name, RecordType::CNAME)), own_records.as_mut()).await;
        base = base::of_alias(&alias)?;
        answers.push(alias);
    }
    if let Base::Expanded(end) = &base {
        let records = beside(ask_tlsa(dns, end, port), own_records.as_mut()).await;
        let found = records.as_ref().map_or(DaneHost::Absent, of_tlsa);
        answers.extend(records);
        // The first name with secure records is the TLSA base domain, usable or not.
        if found != DaneHost::Absent {
            return Ok(found);
        }
    }
    if base == Base::Nowhere {
        return Ok(DaneHost::Absent);
    }
    own_records.as_mut().await;
    let records = own_records.take_output().flatten();
    let found = records.as_ref().map_or(DaneHost::Absent, of_tlsa);
    answers.extend(records);
    Ok(found)
}

/// Waits for one, while the other goes on.
async fn beside<T>(one: impl Future<Output = T>, other: impl Future) -> T {
    match select(pin!(one), pin!(other)).await {
        Either::Left((done, _)) => done,
        Either::Right((_, one)) => one.await,
    }
}

/// Asks for the TLSA records at a base domain; `None` if the name would be too long to have any.
async fn ask_tlsa(dns: &impl Resolve, base: &Name, port: u16) -> Option<Answer> {
    Some(dns.ask(base::question_at(base, port)?).await)
}
