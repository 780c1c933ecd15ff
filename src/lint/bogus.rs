//! A zone whose answers are bogus: one mistake, however many answers it spoils. Pure.

use super::Part;
use super::survey::Survey;
use crate::dns::presentation::name as name_text;
use crate::dns::{Answer, Blame, Outcome};
use crate::policy::lint::{Code, Finding};
use hickory_proto::rr::Name;

/// The zone in which a bogus answer fails, as far as its proof tells.
pub(super) fn zone_of(answer: &Answer) -> Option<&Name> {
    let is_domains = matches!(answer.outcome, Outcome::Bogus(Blame::Domain, _));
    // Behind an alias it may be any of the zones on the way.
    answer.proof.zone().filter(|_| is_domains && answer.aliases.is_empty())
}

/// The deepest zone at or above a name in which an answer of the survey fails: for what fails where others have asked.
pub(super) fn zone_above<'s>(survey: &'s Survey, name: &Name) -> Option<&'s Name> {
    let Survey { mx, record, smtp_sts, reports, hosts, .. } = survey;
    let tlsa = hosts.iter().flat_map(|host| &host.tlsa);
    let answers = [mx, record, reports].into_iter().chain(smtp_sts).chain(tlsa);
    answers.filter_map(zone_of).filter(|zone| zone.zone_of(name)).max_by_key(|zone| zone.num_labels())
}

/// Adds that an answer is bogus, and the zone if it is known.
pub(super) fn find(part: &mut Part, zone: Option<&Name>) {
    let place = zone.map(|zone| format!("in the zone {}", name_text(zone)));
    part.find(Code::DomainDnsBogus, &place.unwrap_or_default());
}

/// The words of such a finding that name a zone.
pub(super) fn zone_in(finding: &Finding) -> Option<&str> {
    let is_bogus = finding.code == Code::DomainDnsBogus;
    Some(finding.shown.as_str()).filter(|zone| is_bogus && !zone.is_empty())
}
