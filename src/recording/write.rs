//! A recording as text: one JSON object, in ASCII, in an order in which people read. Pure.

use super::{Asked, Brought, Fetched, Fetching, Recording, Turn, VERSION, present, sha256};
use crate::cache::{Dossier, Hearsay, HistoryEntry, Recollection, Topic};
use crate::dns::Outage;
use crate::https::{FetchFailure, MediaType, Sighting};
use crate::name::MxHost;
use crate::overrides::Decree;
use crate::policy::{Mechanisms, Mode};
use crate::text::JsonText;
use crate::verdict::{Handshake, OnUnreachable};
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// The first field: it tells a recording from any other JSON.
pub(super) const HEAD: &str = "smtp_sts_verify_recording";

/// The last field: it tells a recording from one that was changed.
pub(super) const SEAL: &str = "seal";

#[derive(Serialize)]
pub(super) struct Document<'a> {
    smtp_sts_verify_recording: u64,
    program: &'a str,
    moment: u64,
    utc: String,
    request: WrittenQuestion<'a>,
    #[serde(rename = "override")]
    decree: Option<Override<'a>>,
    settings: WrittenSettings<'a>,
    cache: Cache<'a>,
    dns: Vec<WrittenDnsQuestion>,
    https: Vec<WrittenFetch>,
    conclusion: Conclusion<'a>,
    /// SHA-256 of all the rest, as this program writes it with an empty text here.
    seal: String,
}

#[derive(Serialize)]
struct WrittenQuestion<'a> {
    domain: &'a str,
    hosts: Vec<&'a str>,
    handshake: &'static str,
    require_authentication: bool,
    on_unreachable: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mechanisms: Option<String>,
}

#[derive(Serialize)]
struct Override<'a> {
    scope: &'a str,
    effect: &'static str,
    ends: u64,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decree: Option<u64>,
}

#[derive(Serialize)]
struct WrittenSettings<'a> {
    name_servers: Vec<String>,
    trust_anchors: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    insecure_zones: Vec<String>,
    authorities: &'a str,
    https_port: u16,
    allow_private_addresses: bool,
    deadline: u64,
}

#[derive(Serialize)]
struct Cache<'a> {
    policies: Vec<Value>,
    history: Vec<WrittenEvent<'a>>,
    remembered: Vec<WrittenResult<'a>>,
    elsewhere: u64,
    unreadable: Vec<&'static str>,
    trouble: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    heard: Vec<Heard<'a>>,
}

#[derive(Serialize)]
struct Heard<'a> {
    policy: Value,
    roles: &'a [String],
    heard_at: u64,
    own_look: &'static str,
    looked_at: Option<u64>,
}

#[derive(Serialize)]
struct WrittenEvent<'a> {
    at: u64,
    mechanism: &'static str,
    event: &'static str,
    authentication: &'static str,
    before: Option<&'static str>,
    after: Option<&'static str>,
    detail: &'a str,
}

#[derive(Serialize)]
struct WrittenResult<'a> {
    topic: &'static str,
    text: &'a str,
    valid_until: u64,
}

#[derive(Serialize)]
struct WrittenDnsQuestion {
    question: String,
    opinion: &'static str,
    #[serde(flatten)]
    outcome: WrittenReply,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum WrittenReply {
    Reply { server: String, says: Vec<String>, octets: String },
    Failure { outage: &'static str, why: String },
    Unanswered,
}

#[derive(Serialize)]
struct WrittenFetch {
    url: String,
    media_type: &'static str,
    #[serde(flatten)]
    outcome: Delivery,
    peer: WrittenPeer,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Delivery {
    Body { says: Vec<String>, octets: String },
    Failure { failure: &'static str, why: String, after_ms: Option<u64> },
    Unanswered,
}

#[derive(Serialize)]
struct WrittenPeer {
    address: Option<String>,
    status: Option<u16>,
    fields: Vec<String>,
    certificates: Vec<WrittenCertificate>,
}

#[derive(Serialize)]
struct WrittenCertificate {
    says: String,
    octets: String,
}

#[derive(Serialize)]
struct Conclusion<'a> {
    verdict: &'a str,
    reason: &'a str,
    explanation: &'a str,
}

impl Recording {
    /// The text of the file, with its last line's end.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A structure of texts and numbers has no JSON that could fail.
        let text = serde_json::to_string_pretty(&self.document()).unwrap_or_default();
        format!("{}\n", JsonText(&text))
    }

    /// What the file says, field by field.
    pub(super) fn document(&self) -> Document<'_> {
        let unsealed = self.unsealed();
        let seal = sha256(&serde_json::to_vec(&unsealed).unwrap_or_default());
        Document { seal, ..unsealed }
    }

    fn unsealed(&self) -> Document<'_> {
        let request = &self.question.request;
        let settings = &self.settings;
        Document {
            smtp_sts_verify_recording: VERSION,
            program: &self.program,
            moment: self.moment.0,
            utc: self.moment.to_string(),
            request: WrittenQuestion {
                domain: request.domain.as_str(),
                hosts: request.hosts.iter().map(MxHost::as_str).collect(),
                handshake: handshake(request.handshake),
                require_authentication: request.require_authentication,
                on_unreachable: on_unreachable(request.on_unreachable),
                mechanisms: (request.mechanisms != Mechanisms::default())
                    .then(|| request.mechanisms.to_string()),
            },
            decree: self.question.decree.as_ref().map(decree),
            settings: WrittenSettings {
                name_servers: settings.name_servers.iter().map(ToString::to_string).collect(),
                trust_anchors: settings.anchors.fingerprint_input().lines().map(str::to_owned).collect(),
                insecure_zones: settings.anchors.insecure_zones().iter().map(ToString::to_string).collect(),
                authorities: &settings.authorities,
                https_port: settings.https_port,
                allow_private_addresses: settings.allow_private_addresses,
                deadline: settings.deadline,
            },
            cache: cache(&self.cache),
            dns: self.dns.iter().map(question).collect(),
            https: self.https.iter().map(fetch).collect(),
            conclusion: Conclusion {
                verdict: &self.conclusion.verdict,
                reason: &self.conclusion.reason,
                explanation: &self.conclusion.explanation,
            },
            seal: String::new(),
        }
    }
}

pub(super) const fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::NotSeen => "not-seen",
        Handshake::Unverified => "unverified",
        Handshake::Verified => "verified",
    }
}

pub(super) const fn on_unreachable(what: OnUnreachable) -> &'static str {
    match what {
        OnUnreachable::Defer => "defer",
        OnUnreachable::Deliver => "deliver",
    }
}

pub(super) const fn media_type(media: MediaType) -> &'static str {
    match media {
        MediaType::Any => "any",
        MediaType::TextPlain => "text/plain",
    }
}

pub(super) const fn fetch_failure(failure: FetchFailure) -> &'static str {
    match failure {
        FetchFailure::Misconfigured => "misconfigured",
        FetchFailure::OutOfResources => Outage::OutOfResources.word(),
        FetchFailure::Refused => "refused",
        FetchFailure::Unreachable => "unreachable",
    }
}

fn decree(decree: &Decree) -> Override<'_> {
    let Decree { scope, effect, ends, reason, number } = decree;
    Override { scope, effect: effect.word(), ends: ends.0, reason, decree: *number }
}

fn cache(dossier: &Dossier) -> Cache<'_> {
    let Dossier { known: snapshot, history, elsewhere } = dossier;
    Cache {
        // As `cache export` writes them.
        policies: snapshot
            .policies
            .iter()
            .map(|policy| serde_json::from_str(&policy.to_line()).unwrap_or_default())
            .collect(),
        history: history.iter().map(event).collect(),
        remembered: snapshot.remembered.iter().map(remembered).collect(),
        elsewhere: *elsewhere,
        unreadable: snapshot.policies.unreadable.iter().map(|dialect| dialect.word()).collect(),
        trouble: snapshot.trouble.as_ref().map(ToString::to_string),
        heard: snapshot.hearsay.iter().map(heard).collect(),
    }
}

fn heard(hearsay: &Hearsay) -> Heard<'_> {
    Heard {
        policy: serde_json::from_str(&hearsay.policy.to_line()).unwrap_or_default(),
        roles: &hearsay.witnesses,
        heard_at: hearsay.heard_at.0,
        own_look: hearsay.look.word(),
        looked_at: hearsay.look.at().map(|at| at.0),
    }
}

fn event(entry: &HistoryEntry) -> WrittenEvent<'_> {
    WrittenEvent {
        at: entry.at.0,
        mechanism: entry.dialect.word(),
        event: entry.event.word(),
        authentication: entry.authentication.word(),
        before: entry.before.map(Mode::word),
        after: entry.after.map(Mode::word),
        detail: &entry.detail,
    }
}

fn remembered((topic, recollection): &(Topic, Recollection)) -> WrittenResult<'_> {
    WrittenResult { topic: topic.word(), text: &recollection.text, valid_until: recollection.valid_until.0 }
}

fn question(asked: &Asked) -> WrittenDnsQuestion {
    WrittenDnsQuestion {
        question: name_and_type(asked),
        opinion: Turn::word(asked.turn),
        outcome: match &asked.brought {
            Brought::Reply { server, octets } => WrittenReply::Reply {
                server: server.to_string(),
                says: present::reply(octets),
                octets: BASE64.encode(octets),
            },
            Brought::Failure(failure) => {
                WrittenReply::Failure { outage: failure.outage.word(), why: failure.text.clone() }
            }
            Brought::Nothing => WrittenReply::Unanswered,
        },
    }
}

fn name_and_type(asked: &Asked) -> String {
    let (name, rtype) = (asked.question.name(), asked.question.rtype());
    format!("{} {}", crate::dns::presentation::name(name), crate::dns::presentation::type_word(rtype))
}

fn fetch(fetching: &Fetching) -> WrittenFetch {
    WrittenFetch {
        url: fetching.url.to_string(),
        media_type: media_type(fetching.media),
        outcome: match &fetching.fetched {
            Fetched::Body(octets) => {
                Delivery::Body { says: present::body(octets), octets: BASE64.encode(octets) }
            }
            Fetched::Failure(retold) => {
                let (failure, why) = (fetch_failure(retold.failure), retold.words().to_owned());
                Delivery::Failure { failure, why, after_ms: retold.after.map(milliseconds) }
            }
            Fetched::Nothing => Delivery::Unanswered,
        },
        peer: peer(&fetching.sighting),
    }
}

/// No fetch takes longer than a `u64` counts.
fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn peer(sighting: &Sighting) -> WrittenPeer {
    let certificate =
        |der: &Vec<u8>| WrittenCertificate { says: present::certificate(der), octets: BASE64.encode(der) };
    WrittenPeer {
        address: sighting.address.map(|address| address.to_string()),
        status: sighting.status,
        fields: sighting.fields.clone(),
        certificates: sighting.chain.iter().map(certificate).collect(),
    }
}
