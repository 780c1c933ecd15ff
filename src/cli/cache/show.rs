//! `cache show DOMAIN`: all that is known about a domain.

use super::list;
use super::sink::Sink;
use super::{CommandError, read_domain, to_look_at_under};
use crate::cache::{
    Cache, Dossier, Failures, Hearsay, Learnt, Memory as _, Recollection, Source, Standing, Topic,
};
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
    /// The ended ones included; and from whom each was learnt.
    policies: Vec<(StoredPolicy, Learnt)>,
    /// What others of a fleet say, as far as it is something else.
    heard: Vec<(Hearsay, Standing)>,
    failures: Vec<(Dialect, Failures)>,
    remembered: Vec<(Topic, Recollection)>,
    /// Policies learnt under other circumstances.
    elsewhere: u64,
    /// What is to be said of a policy that cannot be read.
    damage: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, CommandError> {
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
    ) -> Result<Self, CommandError> {
        let recalled = |topic| cache.recall(&domain, topic).map(|recollection| (topic, recollection));
        let failed = |dialect| cache.failures(&domain, dialect).map(|failures| (dialect, failures));
        let is_answer = |topic: &Topic| !matches!(topic, Topic::FetchFailures(_));
        let Dossier { known, history, elsewhere } = cache.dossier(&domain).whole()?;
        let (stored, hearsay) = (known.policies, known.hearsay);
        let learnt = |policy: &StoredPolicy| (policy.clone(), Learnt::of(policy, &hearsay, &history));
        let own = |one: &Hearsay| stored.of(one.policy.policy.dialect());
        let is_else = |one: &&Hearsay| one.differs_from(own(one), now);
        let heard = hearsay.iter().filter(is_else);
        let heard = heard.map(|one| (one.clone(), one.standing(own(one), &hearsay, now))).collect();
        Ok(Self {
            damage: stored.damage(&domain),
            policies: stored.iter().map(learnt).collect(),
            heard,
            failures: Dialect::ALL.into_iter().filter_map(failed).collect(),
            remembered: Topic::ALL.into_iter().filter(is_answer).filter_map(recalled).collect(),
            elsewhere,
            domain,
            mechanisms,
            now,
        })
    }

    const fn is_nothing(&self) -> bool {
        self.policies.is_empty()
            && self.heard.is_empty()
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
        for (policy, learnt) in &self.policies {
            self.describe(policy, learnt, &mut page);
        }
        for (heard, standing) in &self.heard {
            hearsay(heard, *standing, &mut page);
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

    fn describe(&self, policy: &StoredPolicy, learnt: &Learnt, page: &mut Page) {
        let (dialect, mode) = (policy.policy.dialect(), policy.policy.mode().word());
        let how = policy.authentication.word();
        page.heading(&format!("{}: mode {mode}, authenticated by {how}", dialect.word()));
        for line in policy.policy.to_text().lines() {
            page.item("record", Tone::Plain, line);
        }
        page.item("learnt", Tone::Plain, &learnt.to_string());
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

    /// In JSON: `domain`; `policies`, each with the keys of `cache list`, `text`, `learnt` (`from`, `host`, `roles`, `confirmed_by`), and for
    /// MTA-STS `renewal_at`; `heard`, what others of a fleet say beside them (the same keys of a policy, `roles`, `heard_at`, `own_look`, `looked_at`,
    /// `standing`, `until`);
    /// `failures` (`mechanism`, `count`, `last_at`, `next_try_at`); `remembered` (`topic`, `text`, `valid_until`);
    /// `elsewhere`, the number of policies learnt under other circumstances.
    fn object(&self) -> Value {
        json!({
            "domain": self.domain.as_str(),
            "policies": self.policies.iter().map(|(policy, learnt)| self.policy(policy, learnt)).collect::<Vec<_>>(),
            "heard": self.heard.iter().map(|(heard, standing)| self.heard(heard, *standing)).collect::<Vec<_>>(),
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

    fn heard(&self, heard: &Hearsay, standing: Standing) -> Value {
        let policy = &heard.policy;
        json!({
            "mechanism": policy.policy.dialect().word(),
            "mode": policy.policy.mode().word(),
            "authentication": policy.authentication.word(),
            "text": text(policy),
            "fetched_at": policy.fetched_at.0,
            "expires_at": policy.expires_at.0,
            "applied_at": policy.applied_at.map(|at| at.0),
            "roles": heard.witnesses,
            "heard_at": heard.heard_at.0,
            "own_look": heard.look.word(),
            "looked_at": heard.look.at().map(|at| at.0),
            "standing": standing.word(),
            "until": standing.until().map(|at| at.0),
        })
    }

    fn policy(&self, policy: &StoredPolicy, learnt: &Learnt) -> Value {
        let mut object = list::object(policy, self.mechanisms, self.now);
        let renewal = (policy.policy.dialect() == Dialect::MtaSts).then(|| policy.due_at().0);
        if let Value::Object(object) = &mut object {
            object.insert("text".into(), text(policy).into());
            let host = match &learnt.from {
                Source::Import(host) => Some(host),
                Source::Fleet | Source::OwnFetch => None,
            };
            let learnt = json!({
                "from": learnt.from.word(),
                "host": host,
                "roles": learnt.roles,
                "confirmed_by": learnt.confirmed_by(),
            });
            object.insert("learnt".into(), learnt);
            object.insert("renewal_at".into(), renewal.into());
        }
        object
    }
}

/// What others of a fleet say.
fn hearsay(heard: &Hearsay, standing: Standing, page: &mut Page) {
    let policy = &heard.policy;
    let (dialect, mode) = (policy.policy.dialect().word(), policy.policy.mode().word());
    let roles = heard.witnesses.join(" and ");
    page.heading(&format!("{dialect}: mode {mode}, as {roles} of the fleet says"));
    for line in policy.policy.to_text().lines() {
        page.item("record", Tone::Plain, line);
    }
    page.item("heard", Tone::Plain, &heard.heard_at.to_string());
    page.item("fetched", Tone::Plain, &format!("{} there", policy.fetched_at));
    let tone = if matches!(standing, Standing::Ignored(_)) { Tone::Plain } else { Tone::Warning };
    page.item("worth", tone, &standing.meaning());
}

/// A policy as it was published, without the last line's end.
fn text(policy: &StoredPolicy) -> String {
    let text = policy.policy.to_text();
    text.lines().collect::<Vec<_>>().join("\n")
}
