//! What is wrong with all that a domain publishes: one part for each thing that was looked at. Pure.

use super::kind::Kind;
use super::survey::{Host, Survey, texts};
use super::{Part, bogus};
use crate::dane::matching::Fate;
use crate::dane::tlsa::Tlsa;
use crate::dns::presentation::{name as name_text, rdata};
use crate::dns::{Answer, Blame, Content, Outage, Outcome};
use crate::https::{FetchError, Step};
use crate::policy::lint::Code;
use crate::policy::mta_sts::{self, Body, Record};
use crate::policy::txt::Published;
use crate::policy::{Mode, Policy, StoredPolicy, smtp_sts, tls_rpt};
use crate::probe::failure::{SessionFailure, Stage};
use crate::probe::report::{NoAddress, Sighting};
use crate::text::shortened;
use crate::verdict::{DaneHost, LookupError, MxFindings};
use crate::verify::mx::{self, MxOddity};

/// Characters of an untrusted sentence that are shown.
const SHOWN: usize = 200;

/// Every part, in the order in which a sender meets them.
#[must_use]
pub fn parts(survey: &Survey) -> Vec<Part> {
    let body = survey.policy.as_ref().and_then(|fetched| Body::parse(fetched.as_ref().ok()?).ok());
    let mut parts = vec![exchanges(survey), record(survey)];
    parts.extend(policy(survey, body.as_ref()));
    parts.extend(survey.smtp_sts.iter().filter_map(|answer| draft(survey, answer)));
    parts.push(reports(survey, body.as_ref()));
    parts.extend(survey.hosts.iter().flat_map(|host| of_host(survey, host, body.as_ref())));
    told_once(&mut parts);
    parts
}

/// Why a zone is not signed is of interest once, and that one is bogus is one mistake, however many answers it spoils.
fn told_once(parts: &mut [Part]) {
    let (mut told, mut zones): (Vec<String>, Vec<String>) = Default::default();
    for part in parts {
        part.notes.retain(|note| !told.contains(note));
        told.extend(part.notes.iter().cloned());
        part.about.retain(|finding| match bogus::zone_in(finding) {
            Some(zone) if zones.iter().any(|told| told == zone) => false,
            Some(zone) => {
                zones.push(zone.to_owned());
                true
            }
            None => true,
        });
    }
}

/// A part about an answer, with what the DNS itself has to say.
fn of_answer(answer: &Answer) -> Part {
    let name = name_text(answer.question.name());
    let name = name.strip_suffix('.').unwrap_or(&name);
    let title = format!("{name} {}", answer.question.rtype());
    let mut part = Part { title, state: answer.outcome.class().word().to_owned(), ..Part::default() };
    match &answer.outcome {
        Outcome::Secure(content) => part.state.push_str(absence(content)),
        Outcome::Insecure(content, why) => {
            part.state.push_str(absence(content));
            part.notes.push(shortened(why, SHOWN));
        }
        Outcome::Bogus(blame, why) => {
            part.notes.push(shortened(why, SHOWN));
            match blame {
                Blame::Domain => bogus::find(&mut part, bogus::zone_of(answer)),
                // This machine's own trouble says nothing about the domain.
                Blame::StrippingResolver | Blame::Clock | Blame::TrustAnchor => part.is_unanswered = true,
            }
        }
        Outcome::Unreachable(_, _, why) => {
            part.notes.push(shortened(why, SHOWN));
            part.find(Code::DomainDnsUnreachable, "");
            part.is_unanswered = true;
        }
    }
    part
}

const fn absence(content: &Content) -> &'static str {
    match content {
        Content::Data(_) => "",
        Content::Nodata | Content::Nxdomain => ", there is none",
    }
}

fn exchanges(survey: &Survey) -> Part {
    let mut part = of_answer(&survey.mx);
    let oddities = mx::oddities(&survey.mx);
    for oddity in &oddities {
        let (code, what) = match oddity {
            MxOddity::Address { name, .. } => (Code::DomainMxAddress, name.as_str()),
            MxOddity::NoHost { name, .. } => (Code::DomainMxNoHost, name.as_str()),
            MxOddity::NullBesideOthers => (Code::DomainNullMxBeside, ""),
            MxOddity::NullOtherwise => (Code::DomainNullMxOtherwise, ""),
        };
        part.find(code, what);
        part.notes.push(oddity.meaning());
    }
    match &survey.exchanges {
        MxFindings::Hosts { names, .. } => {
            part.notes.extend(names.iter().map(ToString::to_string));
            if !matches!(survey.mx.outcome.content(), Some(Content::Data(_))) {
                part.notes.push("(without MX records the domain itself takes its mail)".to_owned());
            }
            if survey.hosts.len() < names.len() {
                part.notes.push(format!("(only the first {} of them are looked at)", survey.hosts.len()));
            }
        }
        // Reported as an oddity.
        MxFindings::Null if !oddities.is_empty() => {}
        MxFindings::Null => part.notes.push("null MX: the domain takes no mail".to_owned()),
        MxFindings::TooMany(number, _) => {
            part.notes.push(format!("{number} MX records are more than are judged"))
        }
        MxFindings::Unknown(_) => {}
    }
    part
}

/// The text that is meant for this kind of record, well written or not: with its version, in whatever case, behind
/// whatever blanks and quotation marks.
fn meant<'a>(texts: &'a [Vec<u8>], version: &str) -> Option<&'a Vec<u8>> {
    texts.iter().find(|text| {
        let begins = text.iter().skip_while(|octet| matches!(octet, b' ' | b'\t' | b'"'));
        begins
            .map(u8::to_ascii_lowercase)
            .take(version.len())
            .eq(version.bytes().map(|b| b.to_ascii_lowercase()))
    })
}

/// The part with that text, and what is wrong within it.
fn with_text(part: Part, kind: Kind, text: &[u8]) -> Part {
    let Part { title, text, value, findings, .. } = kind.inspect(part.title, text.to_vec());
    Part { title, text, value, findings, ..part }
}

fn record(survey: &Survey) -> Part {
    let Survey { record: answer, stored, .. } = survey;
    let texts = texts(answer);
    let mut part = of_answer(answer);
    if let Published::Several(number) = mta_sts::published(&texts) {
        part.find(Code::MtaStsTxtSeveral, &format!("{number} records"));
        return part;
    }
    let meant = meant(&texts, "v=STSv1");
    if meant.is_none() && answer.outcome.content().is_some() {
        let is_one = |texts: &[Vec<u8>]| mta_sts::published(texts) != Published::Nothing;
        wrong_names(survey, "v=STSv1", is_one, &mut part);
        if stored.is_some() {
            part.find(Code::DomainPolicyRemoved, "");
        }
        if matches!(survey.policy, Some(Ok(_))) {
            part.find(Code::MtaStsServerNoRecord, "");
        }
    }
    with_text_or_wildcard(survey, answer, part, Kind::MtaStsTxt, meant)
}

/// The part with the text that is meant, or with the only one: whatever it is, it stands where a record should. What a
/// wildcard says at every name need not be a record of this kind, though.
fn with_text_or_wildcard(
    survey: &Survey,
    answer: &Answer,
    mut part: Part,
    kind: Kind,
    meant: Option<&Vec<u8>>,
) -> Part {
    let texts = texts(answer);
    let is_a_wildcards = is_a_wildcards(survey, answer);
    if is_a_wildcards {
        part.find(Code::DomainWildcardAnswers, "");
    }
    match (meant, texts.as_slice()) {
        (Some(text), _) => with_text(part, kind, text),
        (None, [only]) if !is_a_wildcards => with_text(part, kind, only),
        (None, _) => part,
    }
}

/// Whether a name that nobody can have published answers the same.
fn is_a_wildcards(survey: &Survey, answer: &Answer) -> bool {
    let (mut here, mut there) = (texts(answer), texts(&survey.nobodys));
    here.sort();
    there.sort();
    !here.is_empty() && here == there
}

/// Looks for records of this version where they are of no use.
fn wrong_names(survey: &Survey, version: &str, is_one: impl Fn(&[Vec<u8>]) -> bool, part: &mut Part) {
    for answer in survey.elsewhere.iter().chain([&survey.record, &survey.reports]) {
        if is_one(&texts(answer)) {
            let what = format!("{version} stands at {}", name_text(answer.question.name()));
            part.find(Code::DomainWrongName, &what);
        }
    }
}

/// The policy file; nothing if there is neither a file nor a record that tells of it.
fn policy(survey: &Survey, body: Option<&Body>) -> Option<Part> {
    let is_told_of = meant(&texts(&survey.record), "v=STSv1").is_some();
    let url = mta_sts::policy_url(&survey.domain)?;
    match survey.policy.as_ref()? {
        Err(_) if !is_told_of => None,
        Err(error) => {
            let mut part =
                Part { title: url.to_string(), state: "not fetched".to_owned(), ..Part::default() };
            part.notes.push(error.to_string());
            match (error, code_of(error)) {
                (FetchError::Bogus { host, .. }, Some(_)) => {
                    bogus::find(&mut part, bogus::zone_above(survey, &host.to_dns()));
                }
                (_, Some(code)) => part.find(code, ""),
                (_, None) => part.is_unanswered = true,
            }
            Some(part)
        }
        Ok(octets) => {
            let mut part = Kind::MtaStsPolicy.inspect(url.to_string(), octets.clone());
            part.state = "fetched".to_owned();
            if let Some(body) = body {
                compare(survey, body, &mut part);
            }
            Some(part)
        }
    }
}

/// What is wrong with the policy host; `None` where it is this machine that could not ask.
fn code_of(error: &FetchError) -> Option<Code> {
    Some(match error {
        FetchError::AddressRefused { .. } => Code::MtaStsServerPrivate,
        FetchError::Bogus { blame: Blame::Domain, .. } => Code::DomainDnsBogus,
        FetchError::Bogus { .. }
        | FetchError::NoRoots(_)
        | FetchError::OutOfResources { .. }
        | FetchError::Unresolved { outage: Outage::OutOfResources, .. } => return None,
        FetchError::Certificate { .. } => Code::MtaStsServerCertificate,
        FetchError::ContentType { found: Some(found), .. }
            if found.to_ascii_lowercase().starts_with("text/html") =>
        {
            Code::MtaStsServerHtml
        }
        FetchError::ContentEncoding { .. } => Code::MtaStsServerContentEncoding,
        FetchError::ContentType { .. } => Code::MtaStsServerContentType,
        FetchError::Malformed { .. } => Code::MtaStsServerHttp,
        FetchError::Tls { .. } => Code::MtaStsServerTls,
        FetchError::Status { code: 300..=399, .. } => Code::MtaStsServerRedirect,
        FetchError::Status { .. } => Code::MtaStsServerStatus,
        FetchError::TimedOut { step: Step::Handshake | Step::Head | Step::Body, .. } => {
            Code::MtaStsServerSlow
        }
        FetchError::TooLarge { .. } => Code::MtaStsPolicyTooLarge,
        FetchError::Interrupted { .. }
        | FetchError::NoAddress { .. }
        | FetchError::Retold(_)
        | FetchError::TimedOut { .. }
        | FetchError::Unresolved { .. } => Code::MtaStsServerUnreachable,
    })
}

/// Compares the policy with the MX hosts, and with the one that is stored.
fn compare(survey: &Survey, body: &Body, part: &mut Part) {
    if let (MxFindings::Hosts { names, .. }, Mode::Enforce | Mode::Testing) = (&survey.exchanges, body.mode) {
        for host in names.iter().filter(|host| !body.mx.iter().any(|pattern| pattern.permits(host))) {
            let is_short = |labels: usize| labels > 1;
            let short =
                body.mx.iter().find(|pattern| pattern.labels_for_wildcard(host).is_some_and(is_short));
            match short {
                Some(pattern) => {
                    part.find(Code::DomainWildcardShort, &format!("{pattern} does not cover {host}"))
                }
                None => part.find(Code::DomainMxNotCovered, host.as_str()),
            }
        }
        for pattern in body.mx.iter().filter(|pattern| !names.iter().any(|host| pattern.permits(host))) {
            part.find(Code::DomainPatternWithoutMx, &pattern.to_string());
        }
    }
    if let (Some(StoredPolicy { policy: Policy::MtaSts(stored), fetched_at, .. }), Some(record)) =
        (&survey.stored, the_record(survey))
        && stored.record.id() == record.id()
        && stored.body != *body
    {
        let what = format!("id {} since {fetched_at}", record.id());
        part.find(Code::MtaStsServerIdUnchanged, &what);
    }
}

fn the_record(survey: &Survey) -> Option<Record> {
    match mta_sts::published(&texts(&survey.record)) {
        Published::Record(record) => Some(record),
        Published::Malformed(_) | Published::Nothing | Published::Several(_) => None,
    }
}

/// The draft's record, if one stands at this name, or nobody can tell.
fn draft(survey: &Survey, answer: &Answer) -> Option<Part> {
    let texts = texts(answer);
    let mut part = of_answer(answer);
    match smtp_sts::published(&texts) {
        Published::Nothing => return (!part.about.is_empty()).then_some(part),
        Published::Several(number) => part.find(Code::SmtpStsTxtSeveral, &format!("{number} records")),
        Published::Malformed(_) | Published::Record(_) => {
            let is_meant =
                |text: &&Vec<u8>| smtp_sts::published(std::slice::from_ref(text)) != Published::Nothing;
            let meant = texts.iter().find(is_meant);
            part = with_text_or_wildcard(survey, answer, part, Kind::SmtpStsTxt, meant);
        }
    }
    Some(part)
}

fn reports(survey: &Survey, body: Option<&Body>) -> Part {
    let Survey { reports: answer, .. } = survey;
    let texts = texts(answer);
    let mut part = of_answer(answer);
    let published = tls_rpt::published(&texts);
    let meant = meant(&texts, "v=TLSRPTv1");
    let is_answered = answer.outcome.content().is_some();
    if meant.is_none() && is_answered {
        let is_one = |texts: &[Vec<u8>]| tls_rpt::published(texts) != Published::Nothing;
        wrong_names(survey, "v=TLSRPTv1", is_one, &mut part);
    }
    let is_testing = body.is_some_and(|body| body.mode == Mode::Testing);
    if is_testing && is_answered && !matches!(published, Published::Record(_)) {
        part.find(Code::DomainTestingWithoutTlsrpt, "");
    }
    if let Published::Several(number) = published {
        part.find(Code::TlsrptTxtSeveral, &format!("{number} records"));
        return part;
    }
    with_text_or_wildcard(survey, answer, part, Kind::TlsrptTxt, meant)
}

/// The TLSA records of a host, one part each, and the host itself.
fn of_host(survey: &Survey, host: &Host, body: Option<&Body>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut has_usable = false;
    let mx_is_secure = matches!(survey.mx.outcome, Outcome::Secure(_));
    for answer in &host.tlsa {
        match answer.outcome.content() {
            Some(Content::Data(records)) => {
                for record in records {
                    let mut part = of_answer(answer);
                    match answer.outcome {
                        Outcome::Secure(_) => has_usable |= Tlsa::parse(record).is_ok(),
                        _ => part.find(Code::TlsaNotSecure, ""),
                    }
                    let inspected = Kind::Tlsa.inspect(part.title, rdata(record).into_bytes());
                    parts.push(Part { state: part.state, about: part.about, notes: part.notes, ..inspected });
                }
            }
            Some(Content::Nodata | Content::Nxdomain) => {}
            None => parts.push(of_answer(answer)),
        }
    }
    let mut part = of_dane(survey, host);
    if has_usable && !mx_is_secure {
        part.find(Code::DomainDaneInsecureMx, "");
    }
    if let Some(shown) = &host.shown {
        judge(shown, host, body, &mut part);
    }
    parts.push(part);
    parts
}

/// What DANE asks of mail for the host.
fn of_dane(survey: &Survey, host: &Host) -> Part {
    let mut part = Part { title: host.target.name.to_string(), ..Part::default() };
    let is_told = host.tlsa.iter().any(|answer| answer.outcome.content().is_none());
    part.state = match &host.target.dane {
        DaneHost::Absent => "no DANE",
        DaneHost::Usable | DaneHost::Unusable if host.target.is_dane_of_alias() => {
            let end = host.target.alias_of.as_ref().map(ToString::to_string).unwrap_or_default();
            part.find(Code::DomainDaneAlias, &format!("alias of {end}"));
            if host.target.dane == DaneHost::Unusable {
                part.find(Code::TlsaUnusable, "");
            }
            "DANE at an alias alone"
        }
        DaneHost::Usable => "DANE, authenticated TLS",
        DaneHost::Unusable => {
            part.find(Code::TlsaUnusable, "");
            "DANE, unauthenticated TLS"
        }
        DaneHost::Unknown(LookupError::Bogus(blame, why)) => {
            part.notes.push(shortened(why, SHOWN));
            match blame {
                Blame::Domain if is_told => {}
                Blame::Domain => {
                    bogus::find(&mut part, bogus::zone_above(survey, &host.target.name.to_dns()))
                }
                Blame::StrippingResolver | Blame::Clock | Blame::TrustAnchor => part.is_unanswered = true,
            }
            "nobody can tell whether it has DANE, its mail waits"
        }
        DaneHost::Unknown(LookupError::Unreachable(_, _, why)) => {
            part.notes.push(shortened(why, SHOWN));
            part.is_unanswered = true;
            if !is_told {
                part.find(Code::DomainDnsUnreachable, "");
            }
            "nobody can tell whether it has DANE, its mail waits"
        }
    }
    .to_owned();
    part
}

/// Judges what the addresses of the host show by what the domain publishes: its own TLSA records, or the policy. What is
/// wrong at several of them names each, and is one finding.
fn judge(shown: &[Sighting], host: &Host, body: Option<&Body>, part: &mut Part) {
    if let Err(why) = &host.target.addresses {
        part.notes.push(match why {
            NoAddress::Absent => "it has no address".to_owned(),
            NoAddress::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)) => {
                format!("its addresses could not be learnt: {}", shortened(why, SHOWN))
            }
        });
        part.find(Code::DomainMxNotSeen, "");
    }
    if host.target.addresses_left_out > 0 {
        let (shown, more) = (shown.len(), host.target.addresses_left_out);
        part.notes
            .push(format!("(only the first {shown} of its addresses are looked at, and {more} are not)"));
    }
    let mut codes = Vec::new();
    for sighting in shown {
        let code = judge_address(sighting, host, body, part);
        codes.extend(code.filter(|code| !codes.contains(code)));
    }
    for code in codes {
        part.find(code, "");
    }
}

/// Tells what one address shows, and what is wrong with it.
fn judge_address(sighting: &Sighting, host: &Host, body: Option<&Body>, part: &mut Part) -> Option<Code> {
    let demands_webpki = body.is_some_and(|body| body.mode != Mode::None);
    let demands_dane = host.target.dane == DaneHost::Usable;
    let address = sighting.address;
    if let Some(SessionFailure { at, why, kind }) = &sighting.failure {
        let cannot = if kind.is_ours() { "cannot be looked at from here, " } else { "" };
        part.notes.push(format!("{address}: {cannot}{}: {}", at.place(), shortened(why, SHOWN)));
        return match at {
            Stage::Connect => Some(Code::DomainMxNotSeen),
            _ if !demands_webpki && !demands_dane => None,
            _ if kind.is_ours() => Some(Code::DomainMxNotLookedAt),
            _ => Some(Code::DomainMxNoStarttls),
        };
    }
    let vouched = sighting.chain.as_ref().map(|chain| &chain.webpki);
    part.notes.push(match vouched {
        Some(Ok(())) => format!("certificate at {address}: public authorities vouch for it"),
        Some(Err(distrusted)) => format!(
            "certificate at {address}: no public authority vouches for it: {}",
            shortened(&distrusted.why, SHOWN)
        ),
        None => format!("certificate at {address}: there is none"),
    });
    let (mut is_matched, mut by_sent) = (false, false);
    for (record, fate) in host.target.tlsa.iter().zip(&sighting.tlsa) {
        match fate {
            Fate::Matched { at } => {
                is_matched = true;
                by_sent |= at.is_some();
                part.notes.push(format!("it fits TLSA {}", shortened(&record.text, 24)));
            }
            Fate::Unverified(why) => {
                let record = shortened(&record.text, 24);
                part.notes.push(format!("it would fit TLSA {record}, but: {}", shortened(why, SHOWN)));
            }
            Fate::NotMatched | Fate::Unusable(_) | Fate::Superseded | Fate::NotReached => {}
        }
    }
    match vouched {
        _ if demands_dane && is_matched => (!by_sent).then_some(Code::TlsaAnchorInRecord),
        _ if demands_dane => {
            let mut fates = host.target.tlsa.iter().zip(&sighting.tlsa);
            let missing = fates.find_map(|(record, fate)| sighting.not_sent(record, fate));
            part.notes.extend(missing.map(|who| format!("it does not send '{}'", shortened(who, SHOWN))));
            Some(if missing.is_some() { Code::TlsaAnchorNotSent } else { Code::TlsaNoMatch })
        }
        Some(Ok(())) => None,
        Some(Err(distrusted)) if distrusted.kind.is_ours() => {
            demands_webpki.then_some(Code::DomainMxNotLookedAt)
        }
        Some(Err(_)) | None => demands_webpki.then_some(Code::DomainMxCertificate),
    }
}
