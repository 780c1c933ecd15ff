//! A whole domain: what the pipeline decided about it, applied to what every address of its MX hosts shows.

use super::consequence::{Conformity, Consequence};
use super::report::{AddressProbe, DomainProbe, HostProbe};
use super::target::{Target, next_hop};
use super::{Probe, Times};
use crate::dns::{Answer, Content, Question, Resolve};
use crate::limits::MAX_MX_HOSTS_LOOKED_AT;
use crate::name::MxHost;
use crate::policy::StoredPolicy;
use crate::verdict::{HostJudgement, MxFindings, Ruling, Standing};
use crate::verify::{Report, Request, mx};
use futures_util::future::join_all;
use hickory_proto::rr::{RData, RecordType};
use tokio::time::Instant;

/// What the pipeline decided about a domain.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    /// What was asked.
    pub request: &'a Request,
    /// The answer.
    pub report: Report,
    /// The policy that it rests on.
    pub policy: Option<StoredPolicy>,
}

impl Probe {
    /// Looks at the MX hosts of the domain that was decided about, or at those that were asked about.
    pub async fn domain(&self, decided: Decided<'_>, dns: &impl Resolve, times: Times) -> DomainProbe {
        let began = Instant::now();
        let Request { domain, hosts, .. } = decided.request;
        let mx = dns.ask(Question::new(&domain.to_dns(), RecordType::MX)).await;
        let names = match mx::mx_findings(domain, &mx) {
            _ if !hosts.is_empty() => hosts.clone(),
            MxFindings::Hosts { names, .. } => names,
            MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_) => Vec::new(),
        };
        let hosts_left_out = names.len().saturating_sub(MAX_MX_HOSTS_LOOKED_AT);
        let names = names.get(..MAX_MX_HOSTS_LOOKED_AT).unwrap_or(&names);
        dns.allow_mx_hosts(names.len());
        let hosts = join_all(names.iter().map(|name| self.host(&decided, &mx, name, dns, times))).await;
        DomainProbe {
            domain: domain.clone(),
            at: times.now,
            verification: decided.report,
            policy: decided.policy,
            hosts,
            mx_oddities: mx::oddities(&mx),
            hosts_left_out,
            elapsed: began.elapsed(),
        }
    }

    async fn host(
        &self,
        decided: &Decided<'_>,
        mx: &Answer,
        name: &MxHost,
        dns: &impl Resolve,
        times: Times,
    ) -> HostProbe {
        let judgement = judgement(&decided.report, name);
        let next_hop = next_hop(&decided.request.domain, mx, name);
        let target = Target::find(dns, name, &next_hop).await;
        let sightings = self.look(&target, times).await;
        let addresses = sightings.into_iter().map(|sighting| AddressProbe {
            conformity: Conformity::of(&judgement, decided.policy.as_ref(), &sighting),
            consequence: Consequence::of(&judgement.ruling, &sighting),
            sighting,
        });
        let is_dane_of_alias = target.is_dane_of_alias();
        HostProbe {
            is_dane_of_alias,
            name: target.name,
            preference: preference(mx, name),
            dane: target.dane,
            tlsa_base: target.tlsa_base,
            tlsa: target.tlsa,
            addresses: target.addresses.map(|_| addresses.collect()),
            addresses_left_out: target.addresses_left_out,
            judgement,
        }
    }
}

/// What follows for a host: its own part of the judgement, or what follows for the domain where no host was judged.
fn judgement(report: &Report, name: &MxHost) -> HostJudgement {
    let judgement = &report.judgement;
    judgement.hosts.iter().find(|judged| judged.host == *name).cloned().unwrap_or_else(|| HostJudgement {
        host: name.clone(),
        standing: Standing::Open,
        ruling: Ruling {
            verdict: judgement.verdict,
            tls: judgement.tls,
            policy: judgement.policy,
            reason: judgement.reason,
        },
    })
}

/// The lowest preference that the MX RRset gives the host.
fn preference(mx: &Answer, name: &MxHost) -> Option<u16> {
    let Some(Content::Data(records)) = mx.outcome.content() else { return None };
    let preferences = records.iter().filter_map(|record| match record {
        RData::MX(mx) if MxHost::from_dns(&mx.exchange).as_ref() == Some(name) => Some(mx.preference),
        _ => None,
    });
    preferences.min()
}
