//! Asks for all that a domain publishes about its mail. [`super::domain`] judges it.
//!
//! The records and the policy are asked for at once; what stands at wrong names only where a right one is empty; the
//! MX hosts last, since their names come first.

use crate::dane::base;
use crate::dns::{Answer, Content, Question, Resolve, joined_texts};
use crate::https::{Fetch, FetchError, MediaType};
use crate::limits::MAX_MX_HOSTS_LOOKED_AT;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::StoredPolicy;
use crate::policy::mta_sts;
use crate::probe::report::Sighting;
use crate::probe::target::{Target, next_hop};
use crate::probe::{Probe, Times};
use crate::verdict::MxFindings;
use crate::verify::mx;
use futures_util::future::{OptionFuture, join, join_all};
use hickory_proto::rr::{Name, RecordType};

/// A label that nobody publishes: what answers there is a wildcard.
const NOBODYS_LABEL: &str = "_smtp-sts-verify-looks-for-a-wildcard";

/// Where records of MTA-STS and TLSRPT are found that nobody looks for; `@` is the domain, which a zone file doubles
/// where a final dot is missing.
const WRONG_NAMES: [&str; 6] =
    ["@", "mta-sts.@", "_mta-sts.mta-sts.@", "_mta-sts.@.@", "_smtp._tls.@.@", "_smtp-tls.@"];

/// What was found.
#[derive(Debug)]
pub struct Survey {
    /// Whose it is.
    pub domain: PolicyDomain,
    /// The answer about the MX records.
    pub mx: Answer,
    /// What it means.
    pub exchanges: MxFindings,
    /// TXT at `_mta-sts`.
    pub record: Answer,
    /// The policy file; `None` if its host's name would be too long for the DNS.
    pub policy: Option<Result<Vec<u8>, FetchError>>,
    /// The policy that this machine has stored.
    pub stored: Option<StoredPolicy>,
    /// TXT at the two names of the draft's record.
    pub smtp_sts: [Answer; 2],
    /// TXT at `_smtp._tls`.
    pub reports: Answer,
    /// TXT at a name that nobody publishes.
    pub nobodys: Answer,
    /// TXT at names where nobody looks; empty if nobody needed to look there.
    pub elsewhere: Vec<Answer>,
    /// The MX hosts, as many of them as are looked at.
    pub hosts: Vec<Host>,
}

/// One MX host.
#[derive(Debug)]
pub struct Host {
    /// What DNS says of it.
    pub target: Target,
    /// The answers about TLSA records; the last one with secure records is that of its TLSA base domain.
    pub tlsa: Vec<Answer>,
    /// What each of its addresses shows; `None` if nobody connected.
    pub shown: Option<Vec<Sighting>>,
}

impl Survey {
    /// Asks; `None` if the domain's name is so long that nothing can be published below it.
    pub async fn take(
        domain: &PolicyDomain,
        stored: Option<StoredPolicy>,
        dns: &impl Resolve,
        https: &impl Fetch,
        probe: Option<(&Probe, Times)>,
    ) -> Option<Self> {
        let txt = |below: &str| {
            let name = Name::from_ascii(format!("{below}.{domain}")).ok()?;
            Some(Question::new(&name, RecordType::TXT))
        };
        let questions = [
            Question::new(&domain.to_dns(), RecordType::MX),
            txt("_mta-sts")?,
            txt("_smtp_sts")?,
            txt("_smtp-sts")?,
            txt("_smtp._tls")?,
            txt(NOBODYS_LABEL)?,
        ];
        let url = mta_sts::policy_url(domain);
        let fetch = OptionFuture::from(url.as_ref().map(|url| https.fetch(url, MediaType::TextPlain)));
        let (answers, policy) = join(dns.resolve(&questions), fetch).await;
        let [mx, record, underscore, hyphen, reports, nobodys] = <[Answer; 6]>::try_from(answers).ok()?;
        let exchanges = mx::mx_findings(domain, &mx);
        let names: &[MxHost] = match &exchanges {
            MxFindings::Hosts { names, .. } => names.get(..MAX_MX_HOSTS_LOOKED_AT).unwrap_or(names),
            MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_) => &[],
        };
        let is_missed = texts(&record).is_empty() || texts(&reports).is_empty();
        let wrong_names = if is_missed { wrong_names(domain) } else { Vec::new() };
        let hosts = join_all(names.iter().map(|host| look_at(dns, probe, host, next_hop(domain, &mx, host))));
        // Looking there costs about as much as one more host.
        dns.allow_mx_hosts(usize::from(is_missed));
        let (elsewhere, hosts) = join(dns.resolve(&wrong_names), hosts).await;
        let domain = domain.clone();
        let smtp_sts = [underscore, hyphen];
        Some(Self {
            domain,
            mx,
            exchanges,
            record,
            policy,
            stored,
            smtp_sts,
            reports,
            nobodys,
            elsewhere,
            hosts,
        })
    }
}

/// The TXT records of an answer, each with its strings joined.
#[must_use]
pub fn texts(answer: &Answer) -> Vec<Vec<u8>> {
    let Some(Content::Data(records)) = answer.outcome.content() else { return Vec::new() };
    joined_texts(records)
}

/// Those of the wrong names that the DNS can have.
fn wrong_names(domain: &PolicyDomain) -> Vec<Question> {
    let names =
        WRONG_NAMES.iter().filter_map(|name| Name::from_ascii(name.replace('@', domain.as_str())).ok());
    names.map(|name| Question::new(&name, RecordType::TXT)).collect()
}

async fn look_at(
    dns: &impl Resolve,
    probe: Option<(&Probe, Times)>,
    host: &MxHost,
    next_hop: Vec<MxHost>,
) -> Host {
    // What stands at the host's own name is of interest in an unsigned zone, too, where senders do not ask for it.
    let own: Vec<Question> = base::question(&host.to_dns()).into_iter().collect();
    let (target, own) = join(Target::find(dns, host, &next_hop), dns.resolve(&own)).await;
    let tlsa = if target.tlsa_answers.is_empty() { own } else { target.tlsa_answers.clone() };
    let shown = OptionFuture::from(probe.map(|(probe, times)| probe.look(&target, times))).await;
    Host { target, tlsa, shown }
}
