//! One dialect: what is published, how it was authenticated, what the cache holds of it.

use super::asked::DnsExchange;
use super::rule;
use super::said::Said;
use crate::cache::{self, DomainSnapshot, Dossier, Failures, Hearsay, HistoryEntry, Topic};
use crate::dns::{Answer, Content, joined_texts};
use crate::lint::kind::Kind;
use crate::policy::lint::Finding;
use crate::policy::{Authentication, Dialect, Mode, StoredPolicy};
use crate::time::UnixTime;
use crate::verdict::{Absence, LookupError, PolicyFindings};
use crate::verify::grounds::{Explained, Grounds};
use crate::verify::{Fetched, Heard};
use hickory_proto::rr::RecordType;
use serde::Serialize;

/// What is known about the policy of one dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// `mta-sts` or `smtp-sts`.
    pub mechanism: &'static str,
    /// How the policy stands: the word of a closed list.
    pub state: &'static str,
    /// The same in a sentence.
    pub meaning: &'static str,
    /// What is wrong, where something is.
    pub why: Option<Said>,
    /// What was asked of DNS.
    pub questions: Vec<DnsExchange>,
    /// The TXT records, as they are published.
    pub records: Vec<Text>,
    /// The policies that were asked for over HTTPS.
    pub fetches: Vec<Fetch>,
    /// The policy that counts.
    pub policy: Option<Terms>,
    /// The policy in the cache, which may have ended.
    pub cached: Option<Terms>,
    /// From whom that one was learnt.
    pub learnt: Option<Learnt>,
    /// What others of a fleet say, if it is something else than the policy in the cache.
    pub heard: Option<OthersSay>,
    /// The fetches that failed, if the last one did.
    pub failures: Option<FailedFetches>,
    /// What the cache tells of the past, the oldest first.
    pub history: Vec<Event>,
    /// What a delivery would keep, or what was kept with `--store`.
    pub kept: Option<Terms>,
    /// Where the rule stands.
    pub rule: &'static str,
}

/// A text that is published, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Where it stands.
    pub at: Said,
    /// Its lines.
    pub lines: Vec<Said>,
    /// What is wrong with it, or could be better.
    pub notes: Vec<Note>,
}

/// One thing that is wrong with a text, in the words of `lint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The word of `lint`.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The octets that it is about, safe to show; empty where something is missing.
    pub shown: String,
    /// What that means.
    pub meaning: &'static str,
    /// How its publisher mends it.
    pub fix: &'static str,
    /// Where the rule stands.
    pub rule: &'static str,
}

/// One policy that was asked for over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fetch {
    /// Where.
    pub url: Said,
    /// `authenticated`, `different`, `failed` or `malformed`.
    pub ending: &'static str,
    /// Why there is no policy.
    pub error: Option<Said>,
    /// What came.
    pub body: Option<Text>,
}

/// A policy and its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// `enforce`, `testing` or `none`.
    pub mode: &'static str,
    /// `dnssec`, `webpki` or `first-use`.
    pub authentication: &'static str,
    /// How it was authenticated, in a sentence.
    pub authenticated: String,
    /// The text, by lines.
    pub lines: Vec<Said>,
    /// `in-force`, `not-yet-applied` or `ended`.
    pub life: &'static str,
    /// When it was fetched.
    pub fetched_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// Seconds until then; zero for one that has ended.
    pub seconds_left: u64,
    /// When it was first met; nothing for one that never was, and for MTA-STS where that does not count.
    pub applied_at: Option<UnixTime>,
    /// From when on it is fetched again (MTA-STS).
    pub renewal_at: Option<UnixTime>,
}

/// From whom a policy in the cache was learnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Learnt {
    /// `own-fetch`, `fleet`, or `import`.
    pub from: &'static str,
    /// The host whose cache was imported.
    pub host: Option<Said>,
    /// The roles of the fleet that say the very same.
    pub roles: Vec<String>,
    /// Who confirms it: `own-fetch`, `roles` (two at least), or `nobody`.
    pub confirmed_by: &'static str,
    /// The same in a sentence, without its end.
    pub meaning: Said,
}

/// What others of a fleet say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OthersSay {
    /// The policy as they say it is.
    pub policy: Terms,
    /// The roles that say so.
    pub roles: Vec<String>,
    /// When this host heard of it last.
    pub heard_at: UnixTime,
    /// What came of this host's own look: `absent`, `fetched`, `not-yet` or `unconfirmed`.
    pub own_look: &'static str,
    /// When that was, or since when it told nothing.
    pub looked_at: Option<UnixTime>,
    /// What it is worth: a word of a closed list.
    pub standing: &'static str,
    /// Until when it binds at most, where this host's look told nothing.
    pub until: Option<UnixTime>,
    /// The same in a sentence, without its end.
    pub meaning: String,
}

/// The fetches that failed in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedFetches {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_at: UnixTime,
    /// When the policy host is asked again.
    pub next_try_at: UnixTime,
}

/// One thing that happened to the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: UnixTime,
    /// What: the word of `cache history`.
    pub event: &'static str,
    /// How the policy was authenticated then.
    pub authentication: &'static str,
    /// The mode before; nothing where no policy was in force.
    pub mode_before: Option<&'static str>,
    /// The mode afterwards; nothing where none is in force.
    pub mode_after: Option<&'static str>,
    /// More words, safe to show.
    pub detail: String,
}

impl Published {
    /// The words for every state.
    pub const STATES: [&'static str; 9] = [
        "in-force",
        "lost",
        "malformed",
        "never-applied",
        "not-asked",
        "not-fetched",
        "nothing",
        "unauthenticated",
        "unknown",
    ];

    /// What was learnt about the policy of that dialect.
    #[must_use]
    pub fn of(dialect: Dialect, dossier: &Dossier, explained: &Explained, now: UnixTime) -> Self {
        let Dossier { known: snapshot, history, .. } = dossier;
        let Grounds { of_second_look, .. } = &explained.grounds;
        let (findings, heard, kind) = match dialect {
            Dialect::MtaSts => (&explained.grounds.mta_sts, &explained.grounds.of_mta_sts, Kind::MtaStsTxt),
            Dialect::SmtpSts => {
                (&explained.grounds.smtp_sts, &explained.grounds.of_smtp_sts, Kind::SmtpStsTxt)
            }
        };
        let (state, meaning, why) = state(dialect, findings);
        let again = second_look(heard, of_second_look);
        let answers: Vec<&Answer> = heard.answers.iter().collect();
        let is_txt = |answer: &&&Answer| answer.question.rtype() == RecordType::TXT;
        let records = answers.iter().filter(is_txt).flat_map(|answer| texts(answer, kind)).collect();
        let terms = |policy: &StoredPolicy| Terms::of(policy, now);
        let policy = match findings {
            PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy) => Some(terms(policy)),
            PolicyFindings::Absent(_)
            | PolicyFindings::Lost
            | PolicyFindings::NotAsked
            | PolicyFindings::Unknown(_) => None,
        };
        let of_this = history.iter().filter(|entry| entry.dialect == dialect);
        let cached = snapshot.policies.of(dialect);
        let learnt = |policy| Learnt::of(&cache::Learnt::of(policy, &snapshot.hearsay, history));
        let is_of_it = |one: &&Hearsay| one.policy.policy.dialect() == dialect;
        let others = snapshot.hearsay.iter().find(is_of_it).filter(|one| one.differs_from(cached, now));
        Self {
            mechanism: dialect.word(),
            state,
            meaning,
            why,
            questions: answers.into_iter().map(DnsExchange::of).collect(),
            records,
            fetches: heard.fetches.iter().chain(again).map(|fetched| Fetch::of(dialect, fetched)).collect(),
            policy,
            cached: cached.map(terms),
            learnt: cached.map(learnt),
            heard: others.map(|one| OthersSay::of(one, cached, &snapshot.hearsay, now)),
            failures: failures(dialect, snapshot),
            history: of_this.map(Event::of).collect(),
            kept: explained.kept.of(dialect).map(terms),
            rule: match dialect {
                Dialect::MtaSts => rule::MTA_STS,
                Dialect::SmtpSts => rule::SMTP_STS,
            },
        }
    }
}

/// What was fetched when a newer policy was looked for.
fn second_look<'a>(heard: &'a Heard, later: &'a Heard) -> impl Iterator<Item = &'a Fetched> {
    let asked = |answer: &Answer| heard.answers.iter().any(|one| one.question == answer.question);
    let is_ours = later.answers.iter().any(asked);
    later.fetches.iter().filter(move |_| is_ours)
}

fn state(dialect: Dialect, findings: &PolicyFindings) -> (&'static str, &'static str, Option<Said>) {
    match (findings, dialect) {
        (PolicyFindings::InForce(_), _) => ("in-force", "A policy is in force.", None),
        (PolicyFindings::NeverApplied(_), _) => {
            ("never-applied", "There is a policy, and no delivery has been seen to meet it before.", None)
        }
        (PolicyFindings::Lost, _) => {
            ("lost", "The policy in the cache is damaged, and none was found in its place.", None)
        }
        (PolicyFindings::NotAsked, _) => (
            "not-asked",
            "Neither asked for nor applied: the configuration leaves it out (mechanisms). What is stored is kept.",
            None,
        ),
        (PolicyFindings::Absent(Absence::Nothing), Dialect::MtaSts) => {
            ("nothing", "No record announces a policy.", None)
        }
        (PolicyFindings::Absent(Absence::Nothing), Dialect::SmtpSts) => {
            ("nothing", "There is no record.", None)
        }
        (PolicyFindings::Absent(Absence::Malformed(_)), _) => {
            ("malformed", "What is published is no policy, and counts for nothing.", None)
        }
        (PolicyFindings::Absent(Absence::NotFetched(_)), _) => (
            "not-fetched",
            "A record announces a policy that could not be fetched, and none is remembered.",
            None,
        ),
        (PolicyFindings::Absent(Absence::Unauthenticated(_)), _) => (
            "unauthenticated",
            "There is a policy that nothing authenticates, and only authenticated ones count here.",
            None,
        ),
        (PolicyFindings::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)), _) => {
            ("unknown", "Nobody can tell whether there is a policy.", Some(why.into()))
        }
    }
}

/// The TXT records of an answer; of those that are meant for us, what is wrong with them.
fn texts(answer: &Answer, kind: Kind) -> Vec<Text> {
    let Some(Content::Data(records)) = answer.outcome.content() else { return Vec::new() };
    let mut texts = joined_texts(records);
    texts.sort();
    let at = answer.question.to_string();
    texts
        .into_iter()
        .map(|text| Text::of(at.clone(), &text, text.starts_with(b"v=STS").then_some(kind)))
        .collect()
}

fn failures(dialect: Dialect, snapshot: &DomainSnapshot) -> Option<FailedFetches> {
    let is_one = |(topic, _): &&(Topic, _)| *topic == Topic::FetchFailures(dialect);
    let (_, recollection) = snapshot.remembered.iter().find(is_one)?;
    let failures = Failures::from_line(&recollection.text)?;
    Some(FailedFetches {
        count: failures.count(),
        last_at: failures.last(),
        next_try_at: failures.next_try(),
    })
}

impl Text {
    /// A text, and what `lint` says about one of that kind.
    fn of(at: String, octets: &[u8], kind: Option<Kind>) -> Self {
        let lines = String::from_utf8_lossy(octets).lines().map(Said::from).collect();
        let part = kind.map(|kind| kind.inspect(String::new(), octets.to_vec()));
        let notes = part.iter().flat_map(|part| &part.findings).map(Note::of).collect();
        Self { at: at.into(), lines, notes }
    }
}

impl Note {
    fn of(finding: &Finding) -> Self {
        let told = finding.code.explain();
        Self {
            code: told.word,
            severity: finding.severity().word(),
            shown: finding.shown.clone(),
            meaning: told.meaning,
            fix: told.fix,
            rule: told.rule,
        }
    }
}

impl Fetch {
    fn of(dialect: Dialect, fetched: &Fetched) -> Self {
        let kind = match dialect {
            Dialect::MtaSts => Kind::MtaStsPolicy,
            Dialect::SmtpSts => Kind::SmtpStsTxt,
        };
        let url = fetched.url.to_string();
        let body = fetched.outcome.as_ref().ok().map(|body| Text::of(url.clone(), body, Some(kind)));
        let error = fetched.outcome.as_ref().err().map(|error| error.without_time().into());
        Self { url: url.into(), ending: fetched.ending.word(), error, body }
    }
}

impl Terms {
    /// The words for every life.
    pub const LIVES: [&'static str; 3] = ["ended", "in-force", "not-yet-applied"];

    fn of(policy: &StoredPolicy, now: UnixTime) -> Self {
        let dialect = policy.policy.dialect();
        let life = if !policy.is_unexpired(now) {
            "ended"
        } else if policy.is_in_force() {
            "in-force"
        } else {
            "not-yet-applied"
        };
        Self {
            mode: policy.policy.mode().word(),
            authentication: policy.authentication.word(),
            authenticated: authenticated(dialect, policy.authentication).to_owned(),
            lines: policy.policy.to_text().lines().map(Said::from).collect(),
            life,
            fetched_at: policy.fetched_at,
            expires_at: policy.expires_at,
            seconds_left: policy.expires_at.since(now),
            applied_at: policy.applied_at,
            renewal_at: (dialect == Dialect::MtaSts).then(|| policy.due_at()),
        }
    }
}

impl Learnt {
    fn of(learnt: &cache::Learnt) -> Self {
        Self {
            from: learnt.from.word(),
            host: match &learnt.from {
                cache::Source::Import(host) => Some(Said(host.clone())),
                cache::Source::Fleet | cache::Source::OwnFetch => None,
            },
            roles: learnt.roles.clone(),
            confirmed_by: learnt.confirmed_by(),
            meaning: Said(learnt.to_string()),
        }
    }
}

impl OthersSay {
    fn of(heard: &Hearsay, own: Option<&StoredPolicy>, all: &[Hearsay], now: UnixTime) -> Self {
        let standing = heard.standing(own, all, now);
        Self {
            policy: Terms::of(&heard.policy, now),
            roles: heard.witnesses.clone(),
            heard_at: heard.heard_at,
            own_look: heard.look.word(),
            looked_at: heard.look.at(),
            standing: standing.word(),
            until: standing.until(),
            meaning: standing.meaning(),
        }
    }
}

/// How a policy was authenticated, in a sentence.
const fn authenticated(dialect: Dialect, how: Authentication) -> &'static str {
    match (dialect, how) {
        (_, Authentication::Dnssec) => {
            "by DNSSEC: its TXT record is signed (draft-margolis-smtp-sts-00 section 3.3)"
        }
        (Dialect::MtaSts, _) => {
            "by WebPKI: it was fetched over HTTPS from a host whose certificate was verified (RFC 8461 section 3.3)"
        }
        (Dialect::SmtpSts, Authentication::WebPki) => {
            "by WebPKI: a copy was fetched over HTTPS from a host whose certificate was verified \
             (draft-margolis-smtp-sts-00 section 3.3)"
        }
        (Dialect::SmtpSts, Authentication::FirstUse) => {
            "by nothing: it is trusted on first use, and refuses nothing until a verified handshake is reported \
             (draft-margolis-smtp-sts-00 section 3.3)"
        }
    }
}

impl Event {
    fn of(entry: &HistoryEntry) -> Self {
        Self {
            at: entry.at,
            event: entry.event.word(),
            authentication: entry.authentication.word(),
            mode_before: entry.before.map(Mode::word),
            mode_after: entry.after.map(Mode::word),
            detail: entry.detail.clone(),
        }
    }
}
