//! Reads a recording that somebody else sent. Pure: whatever is in it, nothing is asked and nothing written.
//!
//! It refuses what it does not understand, with the name of the field. What it understands is compared with what this
//! program would have written: so a field that is there for people, and says something else than the octets beside it,
//! is an error that names it, as is a field too many.

use super::cursor::{Defect, Field};
use super::write::{HEAD, SEAL, fetch_failure, handshake, media_type, on_unreachable};
use super::{Asked, Brought, Conclusion, Fetched, Fetching, Recording, Settings, Turn, VERSION};
use crate::cache::{
    CacheError, DomainSnapshot, Dossier, Event, Hearsay, HistoryEntry, OwnLook, Policies, Recollection, Topic,
};
use crate::dns::anchor::TrustAnchors;
use crate::dns::delivery::{Delivery, QueryFailure};
use crate::dns::presentation::{parse_name, parse_type};
use crate::dns::quota::Quota;
use crate::dns::scope::InsecureZones;
use crate::dns::{Outage, Question};
use crate::explain;
use crate::https::{FetchFailure, MediaType, PolicyUrl, Retold, Sighting};
use crate::limits::{
    MAX_ANCHOR_FILE_OCTETS, MAX_BODY_OCTETS, MAX_HOSTS, MAX_MX_HOSTS_LOOKED_AT, MAX_RECORDED_DIFFERENCES,
    MAX_RECORDING_OCTETS,
};
use crate::name::{MxHost, PolicyDomain};
use crate::overrides::{Decree, Effect};
use crate::policy::{Authentication, Dialect, Mechanisms, Mode, StoredPolicy};
use crate::text::{Escaped, excerpt};
use crate::time::UnixTime;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::{NextHop, Request};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Characters of a field's name that are shown.
const SHOWN: usize = 80;

/// A field that says something else than this program would have written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            SEAL => f.write_str(
                "the file was changed after it was recorded, or recorded by another version ('seal')",
            ),
            field => {
                let field = excerpt(field, SHOWN);
                write!(f, "field '{field}' is not what this program writes there; it is passed over")
            }
        }
    }
}

/// What a field holds, or what is wrong with it.
type Read<T> = Result<T, Defect>;

impl Recording {
    /// Reads a file, and tells the first fields that are of no account and not as they should be.
    ///
    /// # Errors
    /// [`Defect`]: the first field that cannot be used, and why.
    pub fn read(octets: &[u8]) -> Result<(Self, Vec<Difference>), Defect> {
        let whole = |why: String| Defect { field: String::new(), why };
        if octets.len() > MAX_RECORDING_OCTETS {
            return Err(whole(format!("more than {MAX_RECORDING_OCTETS} octets are no recording")));
        }
        let value: Value = serde_json::from_slice(octets)
            .map_err(|error| whole(format!("is no JSON: {}", Escaped(&error.to_string()))))?;
        let recording = recording(&Field::root(&value))?;
        let written = serde_json::to_value(recording.document()).unwrap_or_default();
        let mut differences = Vec::new();
        compare(&value, &written, "", &mut differences);
        differences.truncate(MAX_RECORDED_DIFFERENCES);
        Ok((recording, differences))
    }
}

/// The first places at which the two differ.
fn compare(found: &Value, written: &Value, name: &str, differences: &mut Vec<Difference>) {
    if found == written {
        return;
    }
    let below = |field: &str| if name.is_empty() { field.to_owned() } else { format!("{name}.{field}") };
    match (found, written) {
        (Value::Object(found), Value::Object(written)) => {
            for (field, value) in found {
                match written.get(field) {
                    Some(written) => compare(value, written, &below(field), differences),
                    None => differences.push(Difference(below(field))),
                }
            }
            let absent = written.keys().filter(|field| !found.contains_key(*field));
            differences.extend(absent.map(|field| Difference(below(field))));
        }
        (Value::Array(found), Value::Array(written)) if found.len() == written.len() => {
            for (place, (found, written)) in found.iter().zip(written).enumerate() {
                compare(found, written, &format!("{name}[{place}]"), differences);
            }
        }
        _ => differences.push(Difference(name.to_owned())),
    }
}

fn recording(root: &Field<'_>) -> Read<Recording> {
    let version = root.get(HEAD)?;
    if version.number()? != VERSION {
        let found = version.number()?;
        return Err(version.defect(format_args!("is {found}, and this program reads {VERSION}")));
    }
    let moment = UnixTime(root.get("moment")?.number()?);
    let settings = settings(&root.get("settings")?)?;
    let question = question(root, settings.anchors.insecure_zones(), moment)?;
    let cache = cache(&root.get("cache")?, &question.request.domain)?;
    Ok(Recording {
        program: root.get("program")?.text()?.to_owned(),
        moment,
        question,
        dns: dns(&root.get("dns")?)?,
        https: root.get("https")?.each(fetching)?,
        conclusion: conclusion(&root.get("conclusion")?)?,
        settings,
        cache,
    })
}

fn question(root: &Field<'_>, zones: &InsecureZones, moment: UnixTime) -> Read<explain::Question> {
    let request = root.get("request")?;
    let decree = root.get("override")?.present().map(|field| decree(&field)).transpose()?;
    let requirement = decree.as_ref().and_then(|decree| decree.requirement(moment));
    let hosts = request.get("hosts")?;
    if hosts.list()?.count() > MAX_HOSTS {
        return Err(hosts.defect(format_args!("has more than {MAX_HOSTS} hosts")));
    }
    let domain = request.get("domain")?.parsed("a mail domain", |text| PolicyDomain::parse(text).ok())?;
    let request = Request {
        next_hop: NextHop::default(),
        scope: zones.scope(&domain.to_dns()),
        domain,
        hosts: hosts.each(|host| host.parsed("the name of a host", |text| MxHost::from_text(text).ok()))?,
        handshake: request
            .get("handshake")?
            .word(&[Handshake::NotSeen, Handshake::Unverified, Handshake::Verified], handshake)?,
        require_authentication: request.get("require_authentication")?.truth()?,
        on_unreachable: request
            .get("on_unreachable")?
            .word(&[OnUnreachable::Defer, OnUnreachable::Deliver], on_unreachable)?,
        requirement,
        mechanisms: match request.get("mechanisms") {
            Ok(mechanisms) => {
                mechanisms.parsed("words with commas between them", |text| text.parse().ok())?
            }
            // A recording under all of them does not speak of them.
            Err(_) => Mechanisms::default(),
        },
    };
    Ok(explain::Question { request, decree })
}

fn decree(field: &Field<'_>) -> Read<Decree> {
    Ok(Decree {
        scope: field.get("scope")?.printable()?.to_owned(),
        effect: field.get("effect")?.word(&Effect::ALL, Effect::word)?,
        ends: UnixTime(field.get("ends")?.number()?),
        reason: field.get("reason")?.text()?.to_owned(),
        // What the configuration said has no number.
        number: field.get("decree").ok().map(|number| number.number()).transpose()?,
    })
}

fn settings(field: &Field<'_>) -> Read<Settings> {
    let servers = field.get("name_servers")?;
    let name_servers = servers.each(|server| address(server))?;
    let lines = field.get("trust_anchors")?;
    let anchors = lines.each(|line| line.text().map(str::to_owned))?.join("\n");
    if u64::try_from(anchors.len()).is_ok_and(|octets| octets > MAX_ANCHOR_FILE_OCTETS) {
        return Err(lines.defect(format_args!("has more than {MAX_ANCHOR_FILE_OCTETS} octets")));
    }
    // A recording without private zones does not speak of them.
    let zones = match field.get("insecure_zones") {
        Ok(zones) => zones.each(|zone| zone.parsed("a private zone", |text| text.parse().ok()))?,
        Err(_) => Vec::new(),
    };
    let port = field.get("https_port")?;
    Ok(Settings {
        name_servers,
        anchors: TrustAnchors::parse(&anchors)
            .map_err(|bad| lines.defect(format_args!("holds no anchors: {bad}")))?
            .except(zones.into()),
        authorities: field.get("authorities")?.text()?.to_owned(),
        https_port: u16::try_from(port.number()?).map_err(|_| port.defect("is no port"))?,
        allow_private_addresses: field.get("allow_private_addresses")?.truth()?,
        deadline: field.get("deadline")?.number()?,
    })
}

fn address(field: &Field<'_>) -> Read<SocketAddr> {
    field.parsed("an address and a port", |text| text.parse().ok())
}

fn cache(field: &Field<'_>, domain: &PolicyDomain) -> Read<Dossier> {
    let mut policies = Policies::default();
    for row in field.get("policies")?.list()? {
        let policy = policy(&row)?;
        if policy.domain != *domain {
            return Err(row.get("domain")?.defect("is not the domain of the request"));
        }
        let place = match policy.policy.dialect() {
            Dialect::MtaSts => &mut policies.mta_sts,
            Dialect::SmtpSts => &mut policies.smtp_sts,
        };
        if place.replace(policy).is_some() {
            return Err(row.get("mechanism")?.defect("has a policy already"));
        }
    }
    policies.unreadable = field.get("unreadable")?.each(|word| word.word(&Dialect::ALL, Dialect::word))?;
    let trouble = field.get("trouble")?.present().map(|words| words.text().map(str::to_owned)).transpose()?;
    let known = DomainSnapshot {
        // A recording of a host without a fleet does not speak of one.
        hearsay: match field.get("heard") {
            Ok(heard) => heard.each(|one| hearsay(one, domain))?,
            Err(_) => Vec::new(),
        },
        policies,
        remembered: field.get("remembered")?.each(remembered)?,
        trouble: trouble.map(CacheError::Retold),
        lost: None,
    };
    let history = field.get("history")?.each(event)?;
    Ok(Dossier { known, history, elsewhere: field.get("elsewhere")?.number()? })
}

/// A row as `cache export` writes it.
fn policy(row: &Field<'_>) -> Read<StoredPolicy> {
    StoredPolicy::from_line(&row.value().to_string()).map_err(|refusal| match refusal.field() {
        Some(name) => row.get(name).map_or_else(|defect| defect, |field| field.defect(&refusal)),
        None => row.defect(&refusal),
    })
}

/// What others of a fleet said.
fn hearsay(field: &Field<'_>, domain: &PolicyDomain) -> Read<Hearsay> {
    let policy = policy(&field.get("policy")?)?;
    if policy.domain != *domain {
        return Err(field.get("policy")?.get("domain")?.defect("is not the domain of the request"));
    }
    let place = field.get("looked_at")?;
    let looked_at = place.clone().present().map(|at| at.number()).transpose()?.map(UnixTime);
    let look = match (field.get("own_look")?.text()?, looked_at) {
        ("absent", Some(at)) => OwnLook::Absent(at),
        ("fetched", Some(at)) => OwnLook::Fetched(at),
        ("not-yet", None) => OwnLook::NotYet,
        ("unconfirmed", Some(at)) => OwnLook::Unconfirmed(at),
        _ => return Err(field.get("own_look")?.defect("does not fit its moment")),
    };
    Ok(Hearsay {
        policy,
        witnesses: field.get("roles")?.each(|role| role.printable().map(str::to_owned))?,
        look,
        heard_at: UnixTime(field.get("heard_at")?.number()?),
    })
}

fn event(field: &Field<'_>) -> Read<HistoryEntry> {
    let mode = |name: &str| {
        let mode = field.get(name)?.present();
        mode.map(|mode| mode.parsed("the mode of a policy", Mode::from_word)).transpose()
    };
    Ok(HistoryEntry {
        at: UnixTime(field.get("at")?.number()?),
        dialect: field.get("mechanism")?.parsed("a kind of policy", Dialect::from_word)?,
        event: field.get("event")?.parsed("an event", Event::from_word)?,
        authentication: field
            .get("authentication")?
            .parsed("an authentication", Authentication::from_word)?,
        before: mode("before")?,
        after: mode("after")?,
        detail: field.get("detail")?.printable()?.to_owned(),
    })
}

fn remembered(field: &Field<'_>) -> Read<(Topic, Recollection)> {
    let topic = field.get("topic")?.word(&Topic::ALL, Topic::word)?;
    let text = field.get("text")?.text()?.to_owned();
    Ok((topic, Recollection { text, valid_until: UnixTime(field.get("valid_until")?.number()?) }))
}

/// All replies together may be as much as one verdict may cost.
fn dns(field: &Field<'_>) -> Read<Vec<Asked>> {
    let quota = Quota::default();
    quota.allow_mx_hosts(MAX_MX_HOSTS_LOOKED_AT);
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for one in field.list()? {
        let asked = asked(&one, &quota)?;
        if !seen.insert((asked.turn, asked.question.clone())) {
            return Err(one.get("question")?.defect("stands there twice"));
        }
        all.push(asked);
    }
    Ok(all)
}

fn asked(field: &Field<'_>, quota: &Quota) -> Read<Asked> {
    let question = field.get("question")?.parsed("a name and a type", |text| {
        let (name, rtype) = text.rsplit_once(' ')?;
        Some(Question::new(&parse_name(name).ok()?, parse_type(rtype)?))
    })?;
    let turn = field.get("opinion")?.word(&Turn::ALL, Turn::word)?;
    let outcome = field.get("outcome")?;
    let brought = match outcome.text()? {
        "reply" => {
            let server = address(&field.get("server")?)?;
            let octets = field.get("octets")?;
            // Read once here, so that a replay need not tell.
            let delivery = Delivery::reread(&question, server, octets.octets()?, quota)
                .map_err(|failure| octets.defect(format_args!("is no reply: {}", Escaped(&failure.text))))?;
            Brought::Reply { server, octets: delivery.octets }
        }
        "failure" => Brought::Failure(QueryFailure {
            outage: field.get("outage")?.word(&Outage::ALL, Outage::word)?,
            text: field.get("why")?.text()?.to_owned(),
        }),
        "unanswered" => Brought::Nothing,
        _ => return Err(outcome.defect("is none of 'reply', 'failure', 'unanswered'")),
    };
    Ok(Asked { question, turn, brought })
}

fn fetching(field: &Field<'_>) -> Read<Fetching> {
    let url = field.get("url")?.parsed("the address of a policy", |text| PolicyUrl::parse(text).ok())?;
    let media = field.get("media_type")?.word(&[MediaType::Any, MediaType::TextPlain], media_type)?;
    let outcome = field.get("outcome")?;
    let fetched = match outcome.text()? {
        "body" => {
            let body = field.get("octets")?;
            let octets = body.octets()?;
            if octets.len() > MAX_BODY_OCTETS {
                return Err(body.defect(format_args!("has more than {MAX_BODY_OCTETS} octets")));
            }
            Fetched::Body(octets)
        }
        "failure" => {
            let all = [
                FetchFailure::Misconfigured,
                FetchFailure::OutOfResources,
                FetchFailure::Refused,
                FetchFailure::Unreachable,
            ];
            let failure = field.get("failure")?.word(&all, fetch_failure)?;
            let why = field.get("why")?;
            let after = field.get("after_ms")?.present().map(|after| after.number()).transpose()?;
            let retold = Retold::new(failure, why.text()?, after.map(Duration::from_millis));
            Fetched::Failure(retold.ok_or_else(|| why.defect("is not printable ASCII"))?)
        }
        "unanswered" => Fetched::Nothing,
        _ => return Err(outcome.defect("is none of 'body', 'failure', 'unanswered'")),
    };
    Ok(Fetching { url, media, fetched, sighting: sighting(&field.get("peer")?)? })
}

fn sighting(field: &Field<'_>) -> Read<Sighting> {
    let status = field.get("status")?;
    let number = |status: Field<'_>| {
        u16::try_from(status.number()?).map_err(|_| status.defect("is no status of HTTP"))
    };
    Ok(Sighting {
        address: field.get("address")?.present().map(|one| address(&one)).transpose()?,
        status: status.present().map(number).transpose()?,
        fields: field.get("fields")?.each(|line| line.text().map(str::to_owned))?,
        chain: field.get("certificates")?.each(|one| one.get("octets")?.octets())?,
    })
}

fn conclusion(field: &Field<'_>) -> Read<Conclusion> {
    let word = |name: &str| field.get(name)?.printable().map(str::to_owned);
    Ok(Conclusion { verdict: word("verdict")?, reason: word("reason")?, explanation: word("explanation")? })
}
