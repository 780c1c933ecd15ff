//! One question on its way to its answer: what is known so far, and the steps that add to it.

use super::context::Context;
use super::evidence_log::EvidenceLog;
use super::exchangers::Exchangers;
use super::{CacheUse, NextHop, Report, Request, StandIn, mta_sts, smtp_sts};
use crate::cache::{Memory, Policies};
use crate::dns::Resolve;
use crate::dns::scope::{Scope, looks_private};
use crate::https::Fetch;
use crate::policy::{Authentication, Dialect, Mechanisms, PolicyType, StoredPolicy};
use crate::reason::Reason;
use crate::time::UnixTime;
use crate::timeline::Timeline;
use crate::verdict::{
    Absence, Case, DaneFindings, Judgement, MxFindings, OnUnreachable, PolicyFindings, PolicyUpdate,
    Requirement, Verdict, dane_settles, judge,
};
use futures_util::future::{Either, select};
use hickory_proto::rr::Name;
use std::pin::pin;

/// One question on its way to its answer.
pub(super) struct Evaluation<'a, M> {
    pub(super) context: Context<'a, M>,
    /// The policies that the cache holds, if they count here.
    pub(super) stored: Policies,
    pub(super) exchangers: Exchangers,
    pub(super) findings: Findings,
}

/// What is known about the policies; `None` for what was not asked for.
#[derive(Clone, Default)]
pub(super) struct Findings {
    pub(super) mta_sts: Option<PolicyFindings>,
    pub(super) smtp_sts: Option<PolicyFindings>,
}

impl<'a, M: Memory> Evaluation<'a, M> {
    /// Begins with what memory knows.
    pub(super) fn open(request: &'a Request, memory: Option<&'a M>, now: UnixTime) -> Self {
        let cache = if memory.is_some() { CacheUse::None } else { CacheUse::Unavailable };
        let evidence_log = EvidenceLog::new(cache);
        if let Some(note) = request.scope.note(&request.domain) {
            evidence_log.note(note);
        }
        if let NextHop::Host(port) = request.next_hop {
            evidence_log.note(format!(
                "the mail goes to the host {} itself, port {port}: its own TLSA records count, and no policy of a domain",
                request.domain
            ));
        }
        let stored = open(request, memory, &evidence_log, now);
        let context = Context::new(request, memory, &stored, evidence_log, now);
        let exchangers = Exchangers::recall(&context);
        let mut evaluation = Self { context, stored, exchangers, findings: Findings::default() };
        let has_policies = matches!(request.next_hop, NextHop::Exchangers(_));
        if request.requirement.is_none() && has_policies && !evaluation.is_settled_by_dane() {
            let Self { context, stored, .. } = &evaluation;
            let Mechanisms { mta_sts, smtp_sts, .. } = request.mechanisms;
            evaluation.findings = Findings {
                mta_sts: match mta_sts {
                    true => mta_sts::recall(context, stored.mta_sts.as_ref()),
                    false => Some(PolicyFindings::NotAsked),
                },
                smtp_sts: match smtp_sts {
                    true => smtp_sts::recall(context, stored.smtp_sts.as_ref()),
                    false => Some(PolicyFindings::NotAsked),
                },
            };
        }
        evaluation
    }

    /// What was remembered of the MX hosts may lag behind what Exim sees: it is not enough to hold mail back.
    pub(super) fn forget_exchangers_that_forbid(&mut self) {
        if self.judged().is_some_and(|judgement| judgement.verdict != Verdict::Deliver) {
            self.exchangers = Exchangers::default();
        }
    }

    /// Asks for whatever is not known yet. All mechanisms leave together; none is waited for that can no longer
    /// decide: no policy where DANE decides about every host, no record of the draft beside a policy of MTA-STS.
    pub(super) async fn ask(&mut self, dns: &impl Resolve, https: &impl Fetch) {
        if self.judged_unasked().is_some() {
            return;
        }
        let Self { context, stored, .. } = &*self;
        let exchangers = self.exchangers.clone().look(context, dns);
        if context.request.requirement.is_some() {
            self.exchangers = exchangers.await;
            return;
        }
        if matches!(context.request.next_hop, NextHop::Host(_)) {
            self.exchangers = exchangers.await;
            self.findings = Findings {
                mta_sts: Some(PolicyFindings::NotAsked),
                smtp_sts: Some(PolicyFindings::NotAsked),
            };
            return;
        }
        let known = self.findings.clone();
        let (exchangers, findings) =
            match select(pin!(exchangers), pin!(look(context, stored, known, dns, https))).await {
                Either::Right((findings, exchangers)) => (exchangers.await, Some(findings)),
                Either::Left((exchangers, _)) if settles(context, &exchangers) => (exchangers, None),
                Either::Left((exchangers, findings)) => (exchangers, Some(findings.await)),
            };
        self.exchangers = exchangers;
        self.findings = findings.unwrap_or_default();
    }

    /// The judgement once everything was asked for, and what is to be remembered of it.
    pub(super) async fn conclude(&mut self, dns: &impl Resolve, https: &impl Fetch) -> Judgement {
        self.follow_aliases(dns).await;
        // If something is missing all the same, the mail waits.
        let unanswered = || Judgement::plain(Verdict::Defer, Reason::Internal, &self.context.request.hosts);
        let judgement = self.judged().unwrap_or_else(unanswered);
        let judgement = self.second_look(judgement, dns, https).await;
        self.keep(&judgement);
        judgement
    }

    /// Finds out whether hosts that are no MX names are the targets of their aliases. Without a policy nobody minds.
    async fn follow_aliases(&mut self, dns: &impl Resolve) {
        if self.is_bound() {
            // That there is no such host would hold mail back now.
            if dns.count_others_denials(false) {
                self.exchangers = Exchangers::default().look(&self.context, dns).await;
            }
            self.exchangers.follow_aliases(&self.context, dns).await;
        }
    }

    /// Whether something may tell hosts apart.
    fn is_bound(&self) -> bool {
        let Findings { mta_sts, smtp_sts } = &self.findings;
        let binds = |findings: &PolicyFindings| {
            matches!(findings, PolicyFindings::InForce(_) | PolicyFindings::NeverApplied(_))
        };
        mta_sts.iter().chain(smtp_sts).any(binds) || self.context.request.requires_a_certificate()
    }

    fn is_settled_by_dane(&self) -> bool {
        settles(&self.context, &self.exchangers)
    }

    /// The judgement where the public DNS has nothing to say about the domain: it is not asked, and so ends no policy that is
    /// in force. `None` everywhere else.
    fn judged_unasked(&self) -> Option<Judgement> {
        let Request { scope, requirement, hosts, .. } = self.context.request;
        let binds = |policy: &StoredPolicy| policy.is_in_force() && policy.is_enforced();
        let plain =
            |policy, reason| Judgement { policy, ..Judgement::plain(Verdict::Deliver, reason, hosts) };
        match (scope, requirement) {
            (Scope::SpecialUse(_), Some(Requirement::None)) => {
                Some(plain(PolicyType::Override, Reason::Override))
            }
            (Scope::SpecialUse(_), None)
                if !self.stored.iter().any(binds) && self.stored.unreadable.is_empty() =>
            {
                Some(plain(PolicyType::None, Reason::SpecialUseName))
            }
            (Scope::SpecialUse(_) | Scope::Public | Scope::InsecureZone(_), _) => None,
        }
    }

    /// The judgement on what is known; `None` while something was not asked for yet that can decide.
    pub(super) fn judged(&self) -> Option<Judgement> {
        if let Some(judgement) = self.judged_unasked() {
            return Some(judgement);
        }
        let not_asked = PolicyFindings::NotAsked;
        let (mx, dane) = (self.exchangers.mx()?, self.exchangers.dane()?);
        let case = case(self.context.request, mx, dane, &not_asked);
        if self.context.request.requirement.is_some() || dane_settles(&case) {
            return Some(judge(case));
        }
        let mta_sts = self.findings.mta_sts.as_ref()?;
        let smtp_sts = match (&self.findings.smtp_sts, mta_sts) {
            (Some(smtp_sts), _) => smtp_sts,
            (None, PolicyFindings::InForce(_)) => &not_asked,
            (None, _) if !self.context.request.mechanisms.smtp_sts => &not_asked,
            (None, _) => return None,
        };
        Some(judge(Case { mta_sts, smtp_sts, ..case }))
    }

    /// Whether nothing remains to be learnt about the hosts asked for.
    pub(super) fn hosts_are_known(&self) -> bool {
        self.judged_unasked().is_some()
            || !self.is_bound()
            || self.exchangers.knows_hosts(&self.context.request.hosts)
    }

    /// Whether the cache says already what this judgement would write into it.
    pub(super) fn is_kept(&self, judgement: &Judgement) -> bool {
        match (judgement.policy_update, &self.stored.smtp_sts) {
            (PolicyUpdate::Nothing, _) => true,
            (PolicyUpdate::Seen, Some(stored)) => {
                self.findings.smtp_sts == Some(PolicyFindings::NeverApplied(stored.clone()))
            }
            (PolicyUpdate::Applied | PolicyUpdate::Seen, _) => self.context.memory.is_none(),
        }
    }

    /// Before a policy that came out of the cache forbids anything, a newer one is looked for, once. One of MTA-STS
    /// takes over whatever it says (RFC 8461 section 5.1); one of the draft takes over if the mail may go under it, else
    /// the old one, which was met before, stands (draft appendix 1).
    async fn second_look(&mut self, refusal: Judgement, dns: &impl Resolve, https: &impl Fetch) -> Judgement {
        match refusal.forbidden_by() {
            Some(Dialect::MtaSts) => {
                let Some(current) = self.of_the_cache(Dialect::MtaSts) else { return refusal };
                let Some(newer) = mta_sts::newer(&self.context, &current, dns, https).await else {
                    return refusal;
                };
                self.findings.mta_sts = Some(newer);
                if self.findings.smtp_sts.is_none() && self.context.request.mechanisms.smtp_sts {
                    let smtp_sts = self.stored.smtp_sts.clone();
                    self.findings.smtp_sts =
                        Some(smtp_sts::look(&self.context, smtp_sts.as_ref(), dns, https).await);
                }
                self.judged().unwrap_or(refusal)
            }
            Some(Dialect::SmtpSts) => {
                let Some(current) = self.of_the_cache(Dialect::SmtpSts) else { return refusal };
                let Some(newer) = smtp_sts::newer(&self.context, &current, dns, https).await else {
                    return refusal;
                };
                let before = self.findings.smtp_sts.replace(newer);
                match self.judged() {
                    Some(judgement) if judgement.is_met_or_binds_nobody() => judgement,
                    _ => {
                        self.findings.smtp_sts = before;
                        refusal
                    }
                }
            }
            None => refusal,
        }
    }

    /// The policy in force of that dialect, if it came out of the cache.
    fn of_the_cache(&self, dialect: Dialect) -> Option<StoredPolicy> {
        let (stored, findings) = match dialect {
            Dialect::MtaSts => (&self.stored.mta_sts, &self.findings.mta_sts),
            Dialect::SmtpSts => (&self.stored.smtp_sts, &self.findings.smtp_sts),
        };
        stored.clone().filter(|stored| *findings == Some(PolicyFindings::InForce(stored.clone())))
    }

    /// Writes down what the next delivery has to know about a policy of the draft; one of MTA-STS was kept when it was
    /// fetched.
    fn keep(&self, judgement: &Judgement) {
        let Some(PolicyFindings::NeverApplied(policy)) = &self.findings.smtp_sts else { return };
        let replaces = self.stored.smtp_sts.as_ref().is_some_and(StoredPolicy::is_in_force);
        // A policy that asks for TLSA is met where DANE decides, and is to bind where it does not.
        let counts =
            judgement.policy == PolicyType::SmtpSts || judgement.policy_update == PolicyUpdate::Applied;
        if !counts || (self.is_kept(judgement) && !replaces) {
            return;
        }
        let mut policy = policy.clone();
        if judgement.policy_update == PolicyUpdate::Applied {
            policy.applied_at = Some(self.context.now);
        }
        if let Some(memory) = self.context.memory.filter(|_| policy.is_unexpired(self.context.now)) {
            self.context.evidence_log.keep(memory, &policy);
        }
    }

    pub(super) fn close(self, judgement: Judgement) -> Report {
        let Context { request, memory, now, evidence_log, asks_for_dane, .. } = self.context;
        let Findings { mta_sts, smtp_sts } = self.findings;
        let decided = match judgement.policy {
            PolicyType::MtaSts => mta_sts.as_ref(),
            PolicyType::SmtpSts => smtp_sts.as_ref(),
            PolicyType::Dane | PolicyType::None | PolicyType::Override => None,
        };
        let mut record = None;
        if let Some(PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy)) = decided {
            if policy.is_from_the_future(now) {
                let at = policy.fetched_at;
                evidence_log.note(format!(
                    "the policy was fetched at {at}, which is in the future: look at the clock"
                ));
            }
            record = Some(policy.policy.to_text());
        }
        if let Some(PolicyFindings::Absent(absence)) = &smtp_sts {
            match absence {
                Absence::Unauthenticated(text) => record = record.or_else(|| Some(text.clone())),
                Absence::Malformed(why) | Absence::NotFetched(why) => evidence_log.note(why.clone()),
                Absence::Nothing => {}
            }
        }
        if let (Some(DaneFindings::Inapplicable(why)), Some(MxFindings::Hosts { .. })) =
            (self.exchangers.dane(), self.exchangers.mx())
        {
            evidence_log.aside(format!("DANE for {}", request.domain), "inapplicable", why.clone());
        }
        if let Some(trouble) = memory.and_then(Memory::trouble) {
            evidence_log.in_trouble(&trouble);
        }
        let lets_it_go = judgement.verdict == Verdict::Deliver && judgement.policy == PolicyType::None;
        let may_stand_in = lets_it_go
            && !evidence_log.is_provable()
            && self.stored.is_empty()
            && request.on_unreachable == OnUnreachable::Deliver;
        let stand_in = if may_stand_in { StandIn::Possible } else { StandIn::Impossible };
        let failures = evidence_log.failures();
        let mut left_out: Vec<&str> = request.mechanisms.left_out().collect();
        if asks_for_dane && !request.mechanisms.dane {
            left_out.retain(|word| *word != PolicyType::Dane.word());
            let who =
                if request.requirement.is_some() { "an override" } else { "a policy in force (c=tlsa)" };
            evidence_log.note(format!(
                "the configuration leaves dane out (mechanisms), but {who} demands TLSA records of this domain's hosts: dane is \
                 asked for and applied here"
            ));
        }
        if !left_out.is_empty() {
            let left_out = left_out.join(" and ");
            evidence_log.note(format!(
                "the configuration leaves {left_out} out (mechanisms): not asked for, not applied"
            ));
        }
        let waits = judgement.verdict == Verdict::Defer;
        let private = hosts_of(request, &judgement).find(looks_private);
        if let (true, Some(name), Scope::Public) = (waits, private, &request.scope) {
            let name = name.to_ascii();
            evidence_log.note(format!(
                "{} looks like a name of a private network: if it is one, name its zone in insecure_zones",
                name.trim_end_matches('.')
            ));
        }
        let (evidence, notes, cache) = evidence_log.close();
        let report = Report {
            domain: Some(request.domain.clone()),
            next_hop: request.next_hop,
            judgement,
            cache,
            evidence,
            record,
            notes,
            failures,
            tlsa_sets: self.exchangers.into_tlsa_sets(),
            timeline: Timeline::default(),
            stand_in,
        };
        if asks_for_dane { report } else { report.without_dane() }
    }
}

/// The domain and the hosts that a judgement is about.
fn hosts_of<'a>(request: &'a Request, judgement: &'a Judgement) -> impl Iterator<Item = Name> + 'a {
    let hosts = judgement.hosts.iter().map(|judged| judged.host.to_dns());
    std::iter::once(request.domain.to_dns()).chain(hosts)
}

/// What the cache holds and counts here.
fn open(
    request: &Request,
    memory: Option<&impl Memory>,
    evidence_log: &EvidenceLog,
    now: UnixTime,
) -> Policies {
    if matches!(request.next_hop, NextHop::Host(_)) {
        return Policies::default();
    }
    let stored = match memory.map(|memory| memory.policies(&request.domain)) {
        Some(Ok(stored)) => stored.unexpired(now),
        Some(Err(trouble)) => {
            evidence_log.in_trouble(&trouble);
            return Policies::default();
        }
        None => return Policies::default(),
    };
    let is_applied = |policy: &StoredPolicy| {
        let dialect = policy.policy.dialect();
        let is_applied = request.mechanisms.include(dialect);
        if !is_applied {
            let word = dialect.word();
            evidence_log.note(format!(
                "a policy of {word} is stored until {}, and not applied: mechanisms leaves {word} out",
                policy.expires_at
            ));
        }
        is_applied
    };
    let stored = Policies {
        mta_sts: stored.mta_sts.filter(is_applied),
        smtp_sts: stored.smtp_sts.filter(is_applied),
        unreadable: stored.unreadable.into_iter().filter(|one| request.mechanisms.include(*one)).collect(),
    };
    let counts = |policy: &StoredPolicy| {
        !(request.require_authentication && policy.authentication == Authentication::FirstUse)
    };
    let stored = Policies { smtp_sts: stored.smtp_sts.filter(counts), ..stored };
    if let Some(damage) = stored.damage(&request.domain) {
        evidence_log.without_cache(damage);
    }
    if stored.iter().next().is_some() {
        evidence_log.cache_is(CacheUse::Hit);
    }
    stored
}

/// Asks for the policies of both dialects that are not `known`; one of the draft is not waited for once there is one of
/// MTA-STS.
async fn look<M: Memory>(
    context: &Context<'_, M>,
    stored: &Policies,
    known: Findings,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Findings {
    let mta_sts = async {
        match known.mta_sts {
            Some(findings) => findings,
            None if !context.request.mechanisms.mta_sts => PolicyFindings::NotAsked,
            None => mta_sts::look(context, stored.mta_sts.as_ref(), dns, https).await,
        }
    };
    let smtp_sts = async {
        match known.smtp_sts {
            Some(findings) => findings,
            None if !context.request.mechanisms.smtp_sts => PolicyFindings::NotAsked,
            None => smtp_sts::look(context, stored.smtp_sts.as_ref(), dns, https).await,
        }
    };
    let (mta_sts, smtp_sts) = match select(pin!(smtp_sts), pin!(mta_sts)).await {
        Either::Left((smtp_sts, mta_sts)) => (mta_sts.await, Some(smtp_sts)),
        Either::Right((mta_sts @ PolicyFindings::InForce(_), _)) => (mta_sts, None),
        Either::Right((mta_sts, smtp_sts)) => (mta_sts, Some(smtp_sts.await)),
    };
    Findings { mta_sts: Some(mta_sts), smtp_sts }
}

/// Whether DANE decides about every host that is asked for, so that no policy matters.
fn settles<M>(context: &Context<'_, M>, exchangers: &Exchangers) -> bool {
    let not_asked = PolicyFindings::NotAsked;
    match (exchangers.mx(), exchangers.dane()) {
        (Some(mx), Some(dane)) => dane_settles(&case(context.request, mx, dane, &not_asked)),
        _ => false,
    }
}

/// The case without a policy.
const fn case<'a>(
    request: &'a Request,
    mx: &'a MxFindings,
    dane: &'a DaneFindings,
    not_asked: &'a PolicyFindings,
) -> Case<'a> {
    Case {
        hosts: request.hosts.as_slice(),
        handshake: request.handshake,
        on_unreachable: request.on_unreachable,
        requirement: request.requirement,
        dane,
        mta_sts: not_asked,
        smtp_sts: not_asked,
        mx,
    }
}
