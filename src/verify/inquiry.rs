//! One question on its way to its answer: what is known so far, and the steps that add to it.

use super::discovery::{self, Candidate, Discovery, Proof};
use super::remembered::{self, Finding};
use super::{CacheUse, Evidence, Report, Request, mx};
use crate::cache::{Authentication, Kept, Memory, StoredPolicy, Topic, life};
use crate::dns::{Answer, Class, Question, Resolve};
use crate::https::{Fetch, MediaType};
use crate::limits::{FETCH_BACKOFF, MAX_NEGATIVE_TTL};
use crate::name::PolicyDomain;
use crate::policy::smtp_sts::LABELS;
use crate::policy::{Dialect, Policy};
use crate::time::UnixTime;
use crate::timeline::Timeline;
use crate::verdict::{Absence, Case, Judgement, Memorandum, MxFindings, PolicyFindings, Trouble, judge};
use hickory_proto::rr::RecordType;
use tracing::{info, warn};

/// One question on its way to its answer.
pub(super) struct Inquiry<'a, M> {
    request: &'a Request,
    memory: Option<&'a M>,
    now: UnixTime,
    /// The policy that the cache holds, if it counts here.
    stored: Option<StoredPolicy>,
    /// What stands at the names of the record, before it is authenticated; not asked for under a policy in force.
    discovered: Option<Discovery>,
    /// The same, and what came of authenticating it.
    finding: Option<Finding>,
    mx: Option<MxFindings>,
    /// Until when the MX answer may be believed.
    mx_until: Option<UnixTime>,
    /// The policy that a second look brought.
    newer: Option<StoredPolicy>,
    cache: CacheUse,
    evidence: Vec<Evidence>,
    notes: Vec<String>,
}

impl<'a, M: Memory> Inquiry<'a, M> {
    /// Begins with what memory knows.
    pub(super) fn open(request: &'a Request, memory: Option<&'a M>, now: UnixTime) -> Self {
        let mut inquiry = Self {
            request,
            memory,
            now,
            stored: None,
            discovered: None,
            finding: None,
            mx: None,
            mx_until: None,
            newer: None,
            cache: if memory.is_some() { CacheUse::None } else { CacheUse::Unavailable },
            evidence: Vec::new(),
            notes: Vec::new(),
        };
        let Some(memory) = memory else { return inquiry };
        match memory.policy(&request.domain, Dialect::SmtpSts) {
            Ok(stored) => inquiry.stored = stored.filter(|policy| inquiry.counts(policy)),
            Err(trouble) => inquiry.without_cache(trouble.to_string()),
        }
        if inquiry.stored.is_some() {
            inquiry.cache = CacheUse::Hit;
        }
        if !inquiry.rests_on_cache() {
            inquiry.recall_finding(memory);
        }
        inquiry.recall_mx(memory);
        inquiry
    }

    fn counts(&self, policy: &StoredPolicy) -> bool {
        policy.is_unexpired(self.now)
            && !(self.request.require_authentication && policy.authentication == Authentication::FirstUse)
    }

    fn recall_finding(&mut self, memory: &M) {
        let Some(remembered) = memory.recall(&self.request.domain, Topic::Published(Dialect::SmtpSts)) else {
            return;
        };
        let until = remembered.valid_until;
        let Some(finding) = Finding::from_line(&remembered.text, until) else { return };
        let class = match &finding.discovery {
            Discovery::Absent(_, class, _) | Discovery::Found(Candidate { class, .. }) => *class,
            Discovery::Unknown(_) => return,
        };
        self.evidence.push(recalled(format!("{} TXT", names_of(&self.request.domain)), class, until));
        self.finding = Some(finding);
    }

    fn recall_mx(&mut self, memory: &M) {
        let Some(remembered) = memory.recall(&self.request.domain, Topic::MxHosts) else { return };
        let Some((mx, class)) = remembered::mx_from_line(&remembered.text) else { return };
        self.evidence.push(recalled(format!("{}. MX", self.request.domain), class, remembered.valid_until));
        (self.mx, self.mx_until) = (Some(mx), Some(remembered.valid_until));
    }

    /// Whether the policy in the cache is in force, so that nobody need be asked for one.
    pub(super) fn rests_on_cache(&self) -> bool {
        self.newer.is_none() && self.stored.as_ref().is_some_and(|policy| policy.applied_at.is_some())
    }

    /// What was remembered of the MX hosts may lag behind what Exim sees: it is not enough to forbid anything.
    pub(super) fn forget_mx_that_forbids(&mut self) {
        if self.judged().is_some_and(|judgement| judgement.forbids()) {
            (self.mx, self.mx_until) = (None, None);
        }
    }

    /// Takes answers down as evidence.
    fn note(&mut self, answers: &[Answer]) {
        for evidence in answers.iter().map(seen) {
            info!(question = evidence.question, class = evidence.class, said = evidence.said, "DNS answered");
            self.evidence.push(evidence);
        }
    }

    fn without_cache(&mut self, why: String) {
        warn!(why, "the cache cannot be used");
        self.cache = CacheUse::Unavailable;
        self.notes.push(why);
    }

    /// Asks for whatever is not known yet, in one round trip.
    pub(super) async fn ask(&mut self, dns: &impl Resolve) {
        let wants_record = !self.rests_on_cache() && self.finding.is_none();
        let mut questions = if wants_record { record_questions(&self.request.domain) } else { Vec::new() };
        let names = questions.len();
        if self.mx.is_none() {
            questions.push(Question::new(&self.request.domain.to_dns(), RecordType::MX));
        }
        let answers = if questions.is_empty() { Vec::new() } else { dns.resolve(&questions).await };
        self.note(&answers);
        let (records, mx) = answers.split_at_checked(names).unwrap_or_default();
        if wants_record && records.len() == names {
            self.discovered = Some(discovery::discover(records));
        }
        if let Some(answer) = mx.first() {
            let findings = mx::mx_findings(&self.request.domain, answer);
            self.mx_until = answer.valid_until;
            self.remember_mx(&findings, answer.outcome.class());
            self.mx = Some(findings);
        }
    }

    /// Authenticates a record that was just found, and remembers what came of it.
    pub(super) async fn authenticate(&mut self, https: &impl Fetch) {
        let Some(discovery) = self.discovered.take() else { return };
        let mut believed_until = self.now.plus(MAX_NEGATIVE_TTL);
        let mut authentication = None;
        if let Discovery::Found(candidate) = &discovery {
            authentication = self.prove(candidate, None, https).await;
            believed_until = match authentication {
                // Beyond the end of the policy nothing could be kept of it: then it is asked for again.
                Some(how) => {
                    let ttl = candidate.valid_until.since(self.now);
                    candidate.valid_until.min(self.now.plus(life(&candidate.record.clone().into(), how, ttl)))
                }
                // What failed may succeed soon, but a policy host is not to be hammered.
                None => self.now.plus(FETCH_BACKOFF),
            };
        }
        let finding = Finding { discovery, authentication, fetched_at: self.now };
        if let (Some(memory), Some((line, until))) = (self.memory, finding.to_line()) {
            let until = until.min(believed_until);
            if until > self.now {
                memory.remember(&self.request.domain, Topic::Published(Dialect::SmtpSts), &line, until);
            }
        }
        self.finding = Some(finding);
    }

    async fn prove(
        &mut self,
        candidate: &Candidate,
        replaced: Option<Authentication>,
        https: &impl Fetch,
    ) -> Option<Authentication> {
        let url = match discovery::proof(candidate, &self.request.domain, replaced) {
            Proof::Given(authentication) => return Some(authentication),
            Proof::Impossible(why) => {
                self.notes.push(format!("the policy cannot be authenticated: {why}"));
                return None;
            }
            Proof::Copy(url) => url,
        };
        let (class, said) = match https.fetch(&url, MediaType::Any).await {
            Ok(body) if discovery::is_copy(&body, &candidate.record) => ("authenticated", String::new()),
            Ok(_) => ("different", "the HTTPS copy is not the record".to_owned()),
            Err(error) => ("failed", error.to_string()),
        };
        let question = url.to_string();
        info!(question, class, said, "the policy host answered");
        let authentication = (class == "authenticated").then_some(Authentication::WebPki);
        if authentication.is_none() {
            self.notes.push(format!("the policy cannot be authenticated: {question}: {said}"));
        }
        self.evidence.push(Evidence { question, class, said, valid_until: None, elapsed: None, queries: 0 });
        authentication
    }

    /// Finds out whether hosts that are no MX names are the targets of their aliases. Without a policy nobody minds.
    pub(super) async fn follow_aliases(&mut self, dns: &impl Resolve) {
        let nobody_minds =
            matches!(self.policy(), None | Some(PolicyFindings::Absent(_) | PolicyFindings::Unknown(_)));
        let Some(mx) = self.mx.as_ref().filter(|_| !nobody_minds) else { return };
        let names = mx::names_to_look_at(mx, &self.request.hosts).to_vec();
        if names.is_empty() {
            return;
        }
        let MxFindings::Hosts { names: all, .. } = mx.clone() else { return };
        dns.allow_mx_hosts(names.len());
        let questions: Vec<Question> =
            names.iter().map(|name| Question::new(&name.to_dns(), RecordType::A)).collect();
        let answers = dns.resolve(&questions).await;
        self.note(&answers);
        let class = answers.iter().map(|answer| answer.outcome.class()).find(|class| *class != Class::Secure);
        let until = answers.iter().map(|answer| answer.valid_until.unwrap_or(self.now)).min();
        self.mx_until = self.mx_until.min(until);
        let mx = mx::with_aliases(all, &answers);
        self.remember_mx(&mx, class.unwrap_or(Class::Secure));
        self.mx = Some(mx);
    }

    fn remember_mx(&self, mx: &MxFindings, class: Class) {
        let until = self.mx_until.filter(|until| *until > self.now);
        if let (Some(memory), Some(until), Some(line)) =
            (self.memory, until, remembered::mx_to_line(mx, class))
        {
            memory.remember(&self.request.domain, Topic::MxHosts, &line, until);
        }
    }

    /// What is known about the policy; `None` if it was not asked for yet.
    fn policy(&self) -> Option<PolicyFindings> {
        if let Some(newer) = &self.newer {
            return Some(PolicyFindings::NeverApplied(newer.clone()));
        }
        if self.rests_on_cache() {
            return self.stored.clone().map(PolicyFindings::InForce);
        }
        let finding = self.finding.as_ref()?;
        let candidate = match &finding.discovery {
            Discovery::Unknown(trouble) => return Some(PolicyFindings::Unknown(trouble.clone())),
            Discovery::Absent(absence, ..) => {
                // What nothing ever authenticated does not outlive its record: one forged answer would be enough.
                let authentic = |policy: &StoredPolicy| policy.authentication != Authentication::FirstUse;
                let absent = || PolicyFindings::Absent(absence.clone());
                let stored = self.stored.clone().filter(authentic);
                return Some(stored.map_or_else(absent, PolicyFindings::NeverApplied));
            }
            Discovery::Found(candidate) => candidate,
        };
        let fetched = |authentication| {
            let (at, until) = (finding.fetched_at, candidate.valid_until);
            let policy = StoredPolicy::fetched(
                &self.request.domain,
                candidate.record.clone(),
                authentication,
                at,
                until,
            );
            PolicyFindings::NeverApplied(policy)
        };
        Some(match (finding.authentication, &self.stored) {
            (Some(authentication), _) => fetched(authentication),
            // A policy that is known counts until one comes that authenticates (draft section 3.3).
            (None, Some(stored)) => PolicyFindings::NeverApplied(stored.clone()),
            (None, None) if self.request.require_authentication => {
                PolicyFindings::Absent(Absence::Unauthenticated(candidate.record.as_str().to_owned()))
            }
            (None, None) => fetched(Authentication::FirstUse),
        })
    }

    /// The judgement on what is known; `None` while something was not asked for yet.
    pub(super) fn judged(&self) -> Option<Judgement> {
        let (policy, mx) = (self.policy()?, self.mx.as_ref()?);
        Some(judge(Case {
            hosts: &self.request.hosts,
            handshake: self.request.handshake,
            on_unreachable: self.request.on_unreachable,
            policy: &policy,
            mx,
        }))
    }

    /// Whether nothing remains to be learnt about the hosts asked for.
    pub(super) fn hosts_are_known(&self) -> bool {
        let bound =
            matches!(self.policy(), Some(PolicyFindings::InForce(_) | PolicyFindings::NeverApplied(_)));
        !bound || self.mx.as_ref().is_some_and(|mx| mx::names_to_look_at(mx, &self.request.hosts).is_empty())
    }

    /// Whether the cache says already what this judgement would write into it.
    pub(super) fn is_kept(&self, judgement: &Judgement) -> bool {
        match (judgement.memorandum, &self.stored) {
            (Memorandum::Nothing, _) => true,
            (Memorandum::Seen, Some(stored)) => {
                self.policy() == Some(PolicyFindings::NeverApplied(stored.clone()))
            }
            (Memorandum::Applied | Memorandum::Seen, _) => self.memory.is_none(),
        }
    }

    /// Before a policy in force forbids anything, a newer one is looked for, once, authenticated by the mechanism of
    /// the one in force. It takes over if the mail may go under it; else the old one, which was met before, stands.
    pub(super) async fn second_look(
        &mut self,
        refusal: Judgement,
        dns: &impl Resolve,
        https: &impl Fetch,
    ) -> Judgement {
        let Some(current) = self.stored.clone() else { return refusal };
        let answers = dns.resolve(&record_questions(&self.request.domain)).await;
        self.note(&answers);
        let Discovery::Found(candidate) = discovery::discover(&answers) else { return refusal };
        if Policy::from(candidate.record.clone()) == current.policy {
            self.cache = CacheUse::Unchanged;
            return refusal;
        }
        let Some(authentication) = self.prove(&candidate, Some(current.authentication), https).await else {
            return refusal;
        };
        let (record, until) = (candidate.record.clone(), candidate.valid_until);
        self.newer =
            Some(StoredPolicy::fetched(&self.request.domain, record, authentication, self.now, until));
        match self.judged() {
            Some(judgement) if judgement.is_met_or_binds_nobody() => judgement,
            _ => {
                self.newer = None;
                refusal
            }
        }
    }

    /// Writes down what the next delivery has to know.
    pub(super) fn keep(&mut self, judgement: &Judgement) {
        let replaced = self.newer.is_some();
        if self.is_kept(judgement) && !replaced {
            return;
        }
        let Some(PolicyFindings::NeverApplied(mut policy)) = self.policy() else { return };
        if judgement.memorandum == Memorandum::Applied {
            policy.applied_at = Some(self.now);
        }
        let Some(memory) = self.memory.filter(|_| policy.is_unexpired(self.now)) else { return };
        match memory.keep(&policy) {
            Ok(Kept::Stored) => self.cache = CacheUse::Stored,
            Ok(Kept::Unchanged) => self.cache = CacheUse::Unchanged,
            Ok(Kept::Full) => {
                self.without_cache("the cache is full of policies in force: this one is not kept".into())
            }
            Err(trouble) => self.without_cache(trouble.to_string()),
        }
    }

    pub(super) fn close(mut self, judgement: Judgement) -> Report {
        let policy = self.policy();
        let record = match &policy {
            Some(PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy)) => {
                if policy.is_from_the_future(self.now) {
                    self.notes.push(format!(
                        "the policy was fetched at {}, which is in the future: look at the clock",
                        policy.fetched_at
                    ));
                }
                Some(policy.policy.to_text())
            }
            Some(PolicyFindings::Absent(Absence::Unauthenticated(text))) => Some(text.clone()),
            Some(PolicyFindings::Absent(Absence::Malformed(why))) => {
                self.notes.push(why.clone());
                None
            }
            Some(PolicyFindings::Unknown(trouble)) => {
                self.notes.push(words(trouble).to_owned());
                None
            }
            Some(PolicyFindings::Absent(Absence::Nothing)) | None => None,
        };
        if let Some(MxFindings::Unknown(trouble)) = &self.mx {
            self.notes.push(words(trouble).to_owned());
        }
        if let Some(trouble) = self.memory.and_then(Memory::trouble) {
            self.without_cache(trouble.to_string());
        }
        self.notes.dedup();
        Report {
            domain: Some(self.request.domain.clone()),
            judgement,
            cache: self.cache,
            evidence: self.evidence,
            record,
            notes: self.notes,
            timeline: Timeline::default(),
        }
    }
}

/// The questions for the record; none if the domain is so long that no record can stand below it.
fn record_questions(domain: &PolicyDomain) -> Vec<Question> {
    LABELS
        .iter()
        .filter_map(|label| domain.below(label))
        .map(|name| Question::new(&name, RecordType::TXT))
        .collect()
}

fn names_of(domain: &PolicyDomain) -> String {
    LABELS.map(|label| format!("{label}.{domain}.")).join(" and ")
}

fn words(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why) => why,
    }
}

fn seen(answer: &Answer) -> Evidence {
    use crate::dns::{Content, Outcome};
    let content = |content: &Content| match content {
        Content::Data(records) => format!("{} records", records.len()),
        Content::Nodata => "no such record".to_owned(),
        Content::Nxdomain => "no such name".to_owned(),
    };
    let said = match &answer.outcome {
        Outcome::Secure(found) => content(found),
        Outcome::Insecure(found, why) => format!("{}; {why}", content(found)),
        Outcome::Bogus(_, why) | Outcome::Unreachable(_, _, why) => why.clone(),
    };
    Evidence {
        question: answer.question.to_string(),
        class: answer.outcome.class().word(),
        said,
        valid_until: answer.valid_until,
        elapsed: Some(answer.elapsed),
        queries: answer.queries,
    }
}

fn recalled(question: String, class: Class, valid_until: UnixTime) -> Evidence {
    let said = "remembered".to_owned();
    Evidence {
        question,
        class: class.word(),
        said,
        valid_until: Some(valid_until),
        elapsed: None,
        queries: 0,
    }
}
