//! `cache show DOMAIN`: all that is known about a domain.

use super::list;
use super::sink::Sink;
use super::{Failure, read_domain, to_look_at_under};
use crate::cache::{Cache, Failures, Memory as _, Recollection, Topic};
use crate::cli::args::DomainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::cli::terminal;
use crate::name::PolicyDomain;
use crate::policy::{Dialect, Mechanisms, StoredPolicy};
use crate::render::page::{Page, Paint, Tone};
use crate::time::{UnixTime, span};
use serde_json::{Value, json};

/// What is known about one domain.
struct Knowledge {
    domain: PolicyDomain,
    /// Of which policies are applied.
    mechanisms: Mechanisms,
    now: UnixTime,
    /// The ended ones included.
    policies: Vec<StoredPolicy>,
    failures: Vec<(Dialect, Failures)>,
    remembered: Vec<(Topic, Recollection)>,
    /// Policies learnt under other circumstances.
    elsewhere: u64,
    /// What is to be said of a policy that cannot be read.
    damage: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, Failure> {
    let domain = read_domain(&arguments.domain)?;
    let (cache, now, mechanisms) = to_look_at_under(&arguments.outside)?;
    let knowledge = Knowledge::gather(&cache, domain, mechanisms, now)?;
    let mut sink = Sink::stdout();
    match arguments.format {
        Format::Json => sink.object(&knowledge.object())?,
        Format::Human => sink.page(&knowledge.page(terminal::paint()))?,
    }
    sink.flush()?;
    // What could not be read of the expendable file is not nothing.
    if let Some(trouble) = cache.trouble() {
        return Err(trouble.into());
    }
    Ok(if knowledge.is_nothing() { ExitStatus::Refuse } else { ExitStatus::Deliver })
}

impl Knowledge {
    fn gather(
        cache: &Cache,
        domain: PolicyDomain,
        mechanisms: Mechanisms,
        now: UnixTime,
    ) -> Result<Self, Failure> {
        let recalled = |topic| cache.recall(&domain, topic).map(|recollection| (topic, recollection));
        let failed = |dialect| cache.failures(&domain, dialect).map(|failures| (dialect, failures));
        let is_answer = |topic: &Topic| !matches!(topic, Topic::FetchFailures(_));
        let stored = cache.stored(&domain)?;
        Ok(Self {
            damage: stored.damage(&domain),
            policies: stored.iter().cloned().collect(),
            failures: Dialect::ALL.into_iter().filter_map(failed).collect(),
            remembered: Topic::ALL.into_iter().filter(is_answer).filter_map(recalled).collect(),
            elsewhere: cache.elsewhere(&domain)?,
            domain,
            mechanisms,
            now,
        })
    }

    const fn is_nothing(&self) -> bool {
        self.policies.is_empty()
            && self.failures.is_empty()
            && self.remembered.is_empty()
            && self.elsewhere == 0
            && self.damage.is_none()
    }

    /// The page for people.
    fn page(&self, paint: Paint) -> String {
        let mut page = Page::new(paint);
        if self.is_nothing() {
            page.paragraph(Tone::Plain, &format!("nothing is known about {}", self.domain));
            return page.finish();
        }
        page.heading(self.domain.as_str());
        for policy in &self.policies {
            self.describe(policy, &mut page);
        }
        if let Some(damage) = &self.damage {
            page.paragraph(Tone::Bad, damage);
        }
        for (dialect, failures) in &self.failures {
            page.heading(&format!("{}: the policy could not be fetched", dialect.word()));
            let last = format!("{} in a row, the last at {}", failures.count(), failures.last());
            page.item("failures", Tone::Bad, &last);
            page.item("next try", Tone::Plain, &format!("not before {}", failures.next_try()));
        }
        if !self.remembered.is_empty() {
            page.heading("remembered of DNS");
        }
        for (topic, Recollection { text, valid_until }) in &self.remembered {
            page.item(topic.word(), Tone::Plain, &format!("until {valid_until}: {text}"));
        }
        if self.elsewhere > 0 {
            page.heading(&format!(
                "{} more, learnt under other trust anchors, authorities or laboratory settings: not used here",
                self.elsewhere
            ));
        }
        page.finish()
    }

    fn describe(&self, policy: &StoredPolicy, page: &mut Page) {
        let (dialect, mode) = (policy.policy.dialect(), policy.policy.mode().word());
        let how = policy.authentication.word();
        page.heading(&format!("{}: mode {mode}, authenticated by {how}", dialect.word()));
        for line in policy.policy.to_text().lines() {
            page.item("record", Tone::Plain, line);
        }
        page.item("fetched", Tone::Plain, &policy.fetched_at.to_string());
        if policy.is_from_the_future(self.now) {
            page.more(Tone::Warning, "which is in the future: look at the clock");
        }
        if !policy.is_unexpired(self.now) {
            return page.item("ended", Tone::Warning, &policy.expires_at.to_string());
        }
        let left = span(policy.expires_at.since(self.now));
        page.item("ends", Tone::Plain, &format!("{}, in {left}", policy.expires_at));
        match (dialect, policy.applied_at) {
            _ if !self.mechanisms.include(dialect) => {
                let not = "not applied: the configuration leaves it out (mechanisms); it is kept";
                page.item("in force", Tone::Warning, not);
            }
            (Dialect::MtaSts, _) => {
                let when = if policy.is_due(self.now) { "due since" } else { "due at" };
                page.item("in force", Tone::Good, "since it was fetched");
                let renewal = format!("{when} {}, with the next delivery then", policy.due_at());
                page.item("renewal", Tone::Plain, &renewal);
            }
            (Dialect::SmtpSts, Some(at)) => {
                page.item("in force", Tone::Good, &format!("since {at}, when it was first applied"));
            }
            (Dialect::SmtpSts, None) => {
                let not = "not yet: no delivery has been seen to meet it, so it refuses nothing";
                page.item("in force", Tone::Plain, not);
            }
        }
    }

    /// In JSON: `domain`; `policies`, each with the keys of `cache list`, `text`, and for MTA-STS `renewal_at`;
    /// `failures` (`mechanism`, `count`, `last_at`, `next_try_at`); `remembered` (`topic`, `text`, `valid_until`);
    /// `elsewhere`, the number of policies learnt under other circumstances.
    fn object(&self) -> Value {
        json!({
            "domain": self.domain.as_str(),
            "policies": self.policies.iter().map(|policy| self.policy(policy)).collect::<Vec<_>>(),
            "failures": self.failures.iter().map(|(dialect, failures)| json!({
                "mechanism": dialect.word(),
                "count": failures.count(),
                "last_at": failures.last().0,
                "next_try_at": failures.next_try().0,
            })).collect::<Vec<_>>(),
            "remembered": self.remembered.iter().map(|(topic, recollection)| json!({
                "topic": topic.word(),
                "text": recollection.text,
                "valid_until": recollection.valid_until.0,
            })).collect::<Vec<_>>(),
            "elsewhere": self.elsewhere,
        })
    }

    fn policy(&self, policy: &StoredPolicy) -> Value {
        let mut object = list::object(policy, self.mechanisms, self.now);
        let text = policy.policy.to_text();
        let lines: Vec<&str> = text.lines().collect();
        let renewal = (policy.policy.dialect() == Dialect::MtaSts).then(|| policy.due_at().0);
        if let Value::Object(object) = &mut object {
            object.insert("text".into(), lines.join("\n").into());
            object.insert("renewal_at".into(), renewal.into());
        }
        object
    }
}
