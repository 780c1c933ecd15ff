//! What each fuzz target does with its octets, and what has to hold afterwards. `tests/unit/corpora.rs` runs the same
//! functions over `fixtures/corpora`, without a fuzzer.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each target uses one of them, and fails by panicking"
)]

use hickory_proto::rr::RData;
use smtp_sts_verify::certificate::Certificate;
use smtp_sts_verify::dane::matching::{Fate, fates};
use smtp_sts_verify::dane::tlsa::Tlsa;
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::{Replies, Reply, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Outage, Question, presentation, resolv_conf, tolerance};
use smtp_sts_verify::explain::human::{Detail, MailServer};
use smtp_sts_verify::explain::{human, json};
use smtp_sts_verify::limits::{
    MAX_BODY_OCTETS, MAX_BOUNCE_IDS, MAX_NSEC3_HASHES, MAX_POLICY_LIFE, MAX_REPORT_DESTINATIONS,
    MAX_VERIFICATIONS,
};
use smtp_sts_verify::lint::kind::Kind;
use smtp_sts_verify::lint::{self, FindingCounts};
use smtp_sts_verify::monitoring::received::exposition;
use smtp_sts_verify::name::{Destination, MxHost, PolicyDomain};
use smtp_sts_verify::policy::Mode;
use smtp_sts_verify::policy::lint::{Inspected, Severity};
use smtp_sts_verify::policy::mta_sts::Body;
use smtp_sts_verify::policy::pattern::MxPattern;
use smtp_sts_verify::policy::smtp_sts::{Published, Record, published};
use smtp_sts_verify::policy::txt;
use smtp_sts_verify::policy::url::PolicyUrl;
use smtp_sts_verify::policy::{mta_sts, tls_rpt};
use smtp_sts_verify::recording::Recording;
use smtp_sts_verify::render::exim::line;
use smtp_sts_verify::render::page::Paint;
use smtp_sts_verify::render::received;
use smtp_sts_verify::reporting;
use smtp_sts_verify::reporting::bounce::{self, KEY_OCTETS, Key, Returned};
use smtp_sts_verify::reporting::destination::MailAddress;
use smtp_sts_verify::reporting::message::{Content, Purpose, mail};
use smtp_sts_verify::reporting::outbox::{Leg, OutboxEntry, State};
use smtp_sts_verify::reports::attempt::Untrusted;
use smtp_sts_verify::reports::document::{Sender, document};
use smtp_sts_verify::reports::tally::Day;
use smtp_sts_verify::serve::protocol::exim::{self, EximRequest};
use smtp_sts_verify::serve::protocol::services::Services;
use smtp_sts_verify::serve::protocol::{Frame, netstring, socketmap, tlsrpt as datagram};
use smtp_sts_verify::text::Json;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::tls_report::collection::Collection;
use smtp_sts_verify::tls_report::open;
use smtp_sts_verify::tls_report::sums::Sums;
use smtp_sts_verify::verify::Report;
use std::ffi::OsStr;
use std::sync::{Arc, OnceLock};

/// Genuine replies; the walk target takes their moment and trust anchors.
const WORLD: &str = include_str!("../fixtures/replies/world.txt");

fn world() -> (Arc<TrustAnchors>, UnixTime) {
    static WORLD_ANCHORS: OnceLock<(Arc<TrustAnchors>, UnixTime)> = OnceLock::new();
    let value = |word: &str| WORLD.lines().find_map(|line| line.strip_prefix(word)).unwrap();
    let read = || {
        (Arc::new(TrustAnchors::parse(value("anchor ")).unwrap()), UnixTime(value("now ").parse().unwrap()))
    };
    let (anchors, now) = WORLD_ANCHORS.get_or_init(read);
    (Arc::clone(anchors), *now)
}

/// `NAME TYPE`, a line end, then replies as over TCP, in the order in which the walk asks for them.
pub(crate) fn walk(octets: &[u8]) {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else { return };
    let (line, mut rest) = octets.split_at(end);
    rest = rest.get(1..).unwrap_or_default();
    let Some((name, rtype)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else {
        return;
    };
    let (Ok(name), Some(rtype)) = (presentation::parse_name(name), presentation::parse_type(rtype)) else {
        return;
    };
    let (anchors, now) = world();
    let (mut trust, mut replies) = (TrustContext::new(anchors, now), Replies::default());
    let mut walk = Walk::new(Question::new(&name, rtype));
    for _ in 0..1_000 {
        match walk.step(&mut trust, &replies) {
            Step::Ask(questions) => {
                let first = questions.into_iter().next().unwrap();
                assert!(replies.get(&first).is_none(), "{first} was answered already");
                replies.insert(first, next_reply(&mut rest));
            }
            Step::Done(finding) => {
                assert_eq!(finding.valid_until.is_some(), finding.outcome.content().is_some());
                let spent = trust.spent();
                assert!(
                    spent.verifications <= MAX_VERIFICATIONS + 5
                        && spent.nsec3_hashes <= MAX_NSEC3_HASHES + 1
                );
                return;
            }
        }
    }
    panic!("a walk without end");
}

fn next_reply(rest: &mut &[u8]) -> Reply {
    let failed = || Reply::Failed(Outage::NoAnswer, "no reply".into());
    let Some((length, after)) = rest.split_first_chunk::<2>() else { return failed() };
    let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
    let (octets, after) = after.split_at(length);
    *rest = after;
    tolerance::read(octets).map_or_else(|_| failed(), |message| Reply::Message(Box::new(message)))
}

/// One reply of a name server, and how its records are shown.
pub(crate) fn reply(octets: &[u8]) {
    let _ = tolerance::claimed_records(octets);
    let Ok(message) = tolerance::read(octets) else { return };
    for record in message.answers.iter().chain(&message.authorities) {
        let shown = presentation::rdata(&record.data);
        assert!(shown.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{shown:?}");
        assert!(!matches!(record.data, RData::OPT(_)));
        let name = presentation::name(&record.name);
        assert_eq!(presentation::parse_name(&name).as_ref(), Ok(&record.name), "{name}");
    }
}

/// A file of trust anchors: what is read is read the same way again.
pub(crate) fn trust_anchors(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match TrustAnchors::parse(&text) {
        Ok(anchors) => assert_eq!(TrustAnchors::parse(&anchors.fingerprint_input()).as_ref(), Ok(&anchors)),
        Err(error) => assert!(error.to_string().is_ascii()),
    }
}

/// Names and types as an operator writes them.
pub(crate) fn presentation(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(name) = presentation::parse_name(&text) {
        assert_eq!(presentation::parse_name(&presentation::name(&name)).as_ref(), Ok(&name));
    }
    if let Some(rtype) = presentation::parse_type(&text) {
        assert_eq!(presentation::parse_type(&presentation::type_word(rtype)), Some(rtype));
    }
}

/// The list of this machine's name servers.
pub(crate) fn resolv_conf(octets: &[u8]) {
    if let Ok(servers) = resolv_conf::parse(&String::from_utf8_lossy(octets), |_| Some(1)) {
        assert!(!servers.is_empty());
    }
}

/// Domains, hosts and patterns of hosts.
pub(crate) fn names(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(Destination::Domain(domain)) = Destination::parse(OsStr::new(text.as_ref())) {
        assert_eq!(PolicyDomain::parse(domain.as_str()).as_ref(), Ok(&domain));
    }
    if let Ok(host) = MxHost::from_text(&text) {
        // No mail server takes an MX record's target with a hyphen at an end of a label for a host; whoever types it means it.
        let has_hyphen_at_an_end =
            host.as_str().split('.').any(|label| label.starts_with('-') || label.ends_with('-'));
        assert_eq!(MxHost::from_dns(&host.to_dns()).as_ref(), Some(&host).filter(|_| !has_hyphen_at_an_end));
        assert!(MxPattern::from(&host).permits(&host));
    }
    if let Some(pattern) = MxPattern::parse(&text) {
        assert_eq!(MxPattern::parse(&pattern.to_string()).as_ref(), Some(&pattern));
        assert!(!pattern.to_regex().contains(['\\', '{', '}', '$', '"']));
    }
}

/// The draft's TXT records of one name, one a line.
pub(crate) fn record(octets: &[u8]) {
    let records = lines(octets);
    records.iter().for_each(|octets| inspected(octets, Record::inspect(octets)));
    match published(&records) {
        Published::Record(record) => assert_eq!(Record::parse(record.as_str()).as_ref(), Ok(&record)),
        Published::Malformed(why) => assert!(why.to_string().is_ascii()),
        Published::Nothing | Published::Several(_) => {}
    }
}

/// The TXT records of MTA-STS at one name, one a line.
pub(crate) fn mta_sts_record(octets: &[u8]) {
    let records = lines(octets);
    records.iter().for_each(|octets| inspected(octets, mta_sts::Record::inspect(octets)));
    if let txt::Published::Record(record) = mta_sts::published(&records) {
        assert!((1..=32).contains(&record.id().len()));
        assert!(record.id().bytes().all(|octet| octet.is_ascii_alphanumeric()));
        assert_eq!(mta_sts::Record::parse(record.as_str()).as_ref(), Ok(&record));
    }
}

/// A policy file of MTA-STS: its canonical form says the same, and is its own canonical form.
pub(crate) fn mta_sts_body(octets: &[u8]) {
    let read = Body::inspect(octets);
    if let Ok(body) = &read.value {
        let text = body.to_string();
        assert!(text.is_ascii());
        match Body::parse(text.as_bytes()) {
            Ok(again) => assert_eq!(&again, body),
            Err(why) => assert!(text.len() > MAX_BODY_OCTETS, "{why}"),
        }
        assert!(body.mode == Mode::None || !body.mx.is_empty());
        assert!(body.max_age <= MAX_POLICY_LIFE);
    }
    inspected(octets, read);
}

/// A policy of MTA-STS as it is stored.
pub(crate) fn mta_sts_policy(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match mta_sts::Policy::parse(&text) {
        Ok(policy) => assert_eq!(mta_sts::Policy::parse(&policy.to_string()).as_ref(), Ok(&policy)),
        Err(why) => assert!(why.to_string().is_ascii()),
    }
}

/// The TXT records of TLS reporting at one name, one a line.
pub(crate) fn tls_rpt(octets: &[u8]) {
    let records = lines(octets);
    records.iter().for_each(|octets| inspected(octets, tls_rpt::Record::inspect(octets)));
    if let txt::Published::Record(record) = tls_rpt::published(&records) {
        assert!(!record.rua().is_empty());
        assert_eq!(tls_rpt::Record::parse(record.as_str()).as_ref(), Ok(&record));
        destinations(&record);
    }
}

/// What a record can make of a report: few destinations, each of them one, and a mail with one recipient.
fn destinations(record: &tls_rpt::Record) {
    let all = reporting::destination::Destination::of(record);
    assert!(all.len() <= MAX_REPORT_DESTINATIONS);
    let from: MailAddress = "tls-reports@sender.example".parse().unwrap();
    let domain = PolicyDomain::parse("receiver.example").unwrap();
    for one in all {
        let one = match one {
            Ok(one) => one,
            Err(unusable) => {
                assert!(unusable.to_string().bytes().all(|octet| (b' '..=b'~').contains(&octet)));
                continue;
            }
        };
        let key = one.key();
        assert!(key.bytes().all(|octet| (b'!'..=b'~').contains(&octet)), "{key}");
        assert_eq!(reporting::destination::Destination::from_key(&key), Ok(one.clone()));
        let reporting::destination::Destination::Mail(to) = one else { continue };
        assert!(
            !key.contains([',', '"', '<', '>', '(', ')', ':', ';', '\\']) && key.matches('@').count() == 1,
            "{key}"
        );
        let content = Content {
            purpose: Purpose::Report,
            from: &from,
            to: &to,
            domain: &domain,
            id: "2026-11-27.receiver.example.9f2c1a07",
            file: "sender.example!receiver.example!1795737600!1795823999!9f2c1a07.json.gz",
            made: UnixTime(1_795_824_301),
            token: "0123456789abcdef0123456789abcdef",
            package: &[0; 100],
        };
        let text = String::from_utf8(mail(content)).unwrap();
        let (header, _) = text.split_once("\n\n").unwrap();
        assert!(text.lines().all(|line| line.len() <= 998 && line.is_ascii()));
        assert_eq!(header.lines().filter(|line| !line.starts_with(' ')).count(), 11, "{header}");
    }
}

/// One TLSA record in its presentation format: what DANE can use is what the lint has nothing against.
pub(crate) fn tlsa(octets: &[u8]) {
    let found = lint::tlsa::inspect(octets);
    if let Ok(lint::tlsa::Fields { usage, selector, matching, data }) = &found.value {
        let usable = Tlsa::new(*usage, *selector, *matching, data.clone());
        let is_faultless = found.findings.iter().all(|finding| finding.severity() != Severity::Error);
        assert_eq!(usable.is_ok(), is_faultless, "{usable:?} {:?}", found.findings);
    }
    inspected(octets, found);
}

/// What a mail server may show as its certificates: the length of each in two octets, then the certificate. Whatever
/// it is, it can be published as it is, and is then matched if it is a certificate.
pub(crate) fn certificates(octets: &[u8]) {
    let (mut chain, mut rest) = (Vec::new(), octets);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (certificate, after) = after.split_at(length);
        chain.push(certificate);
        rest = after;
    }
    let Some(own) = chain.first() else { return };
    let in_full = |usage, certificate: &[u8]| Tlsa::new(usage, 0, 0, certificate.to_vec());
    let own_matched = Fate::Matched { at: Some(0) };
    if let Ok(record) = in_full(3, own) {
        let record = [Ok(record)];
        assert_eq!(fates(&chain, &record, |_| Ok(())), std::slice::from_ref(&own_matched));
        assert_eq!(fates(&chain[1..], &record, |_| Ok(())) == [own_matched], chain.get(1) == Some(own));
    }
    let anchors: Vec<_> = chain.iter().map(|certificate| in_full(2, certificate)).collect();
    let unverified = fates(&chain, &anchors, |_| Err(String::new()));
    assert!(unverified.iter().all(|fate| !matches!(fate, Fate::Matched { .. })), "{unverified:?}");
    for certificate in chain {
        let _ = Certificate::read(certificate);
    }
}

/// What a person and a program are told of any text, whatever it is taken for.
pub(crate) fn lint(octets: &[u8]) {
    for kind in [Kind::MtaStsTxt, Kind::MtaStsPolicy, Kind::SmtpStsTxt, Kind::TlsrptTxt, Kind::Tlsa] {
        let part = kind.inspect("a text".to_owned(), octets.to_vec());
        assert_eq!(part.value.is_some(), FindingCounts::of(std::slice::from_ref(&part)).errors == 0);
        let object = Json(&lint::json::one(kind.word(), &part)).to_string();
        assert!(object.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{object}");
        let text = lint::human::text(&[part]);
        assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}

fn lines(octets: &[u8]) -> Vec<Vec<u8>> {
    octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect()
}

/// What holds for the findings of every parser: they are in order, within the input and between its characters,
/// and there is a value exactly if none of them is an error.
fn inspected<T: std::fmt::Debug>(octets: &[u8], Inspected { value, findings }: Inspected<T>) {
    for finding in &findings {
        assert!(finding.at.start <= finding.at.end && finding.at.end <= octets.len(), "{finding:?}");
        if let Ok(text) = std::str::from_utf8(octets) {
            assert!(text.get(finding.at.clone()).is_some(), "{finding:?} is not between characters");
        }
        assert!(finding.shown.len() < 1_000, "{finding:?}");
    }
    assert!(findings.is_sorted_by_key(|finding| finding.at.start));
    let first = findings.iter().find(|finding| finding.severity() == Severity::Error);
    assert_eq!(value.as_ref().err().map(|why| &why.0), first);
}

/// Where a policy may be fetched.
pub(crate) fn policy_url(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(url) = PolicyUrl::parse(&text) {
        assert_eq!(PolicyUrl::parse(&url.to_string()).as_ref(), Ok(&url));
    }
}

/// A stranger's recording: it is refused, or explained, and what is told is text that cannot hurt.
pub(crate) fn recording(octets: &[u8]) {
    let is_plain = |text: &str| text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet));
    let (recording, differences) = match Recording::read(octets) {
        Ok(read) => read,
        Err(defect) => {
            assert!(is_plain(&defect.to_string()), "{defect}");
            return;
        }
    };
    assert!(differences.iter().all(|difference| is_plain(&difference.to_string())));
    let text = recording.to_text();
    assert!(is_plain(&text));
    let (again, differences) = Recording::read(text.as_bytes()).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(again.to_text(), text);
    let explanation = recording.explain().unwrap();
    for server in [MailServer::Exim, MailServer::Postfix] {
        assert!(is_plain(&human::page(&explanation, Paint::Plain, Detail::Full, server)));
    }
    assert!(is_plain(&json::object(&explanation)));
}

/// Whatever Postfix's socket takes in: frames are read until one is not whole, each as it was written, and what it is
/// answered without asking anybody is one line of printable ASCII.
pub(crate) fn socketmap(octets: &[u8]) {
    let is_reply = |words: &str| {
        let (status, reason) = words.split_once(' ').unwrap();
        ["NOTFOUND", "PERM"].contains(&status) && reason.bytes().all(|octet| (b' '..=b'~').contains(&octet))
    };
    let mut rest = octets;
    loop {
        match (netstring::read(rest), socketmap::read(rest)) {
            (Frame::Whole(content, taken), Frame::Whole(request, also_taken)) => {
                assert_eq!(taken, also_taken);
                let mut again = Vec::new();
                if let Ok(content) = std::str::from_utf8(content) {
                    netstring::write(content, &mut again);
                    assert_eq!(again, &rest[..taken]);
                }
                match request {
                    socketmap::SocketmapRequest::Policy(_, question) => assert_eq!(question.host, None),
                    socketmap::SocketmapRequest::AtService(_, named) => {
                        assert_eq!(named.question(&Services::default(), None), Err(socketmap::NOT_FOUND));
                    }
                    socketmap::SocketmapRequest::Reply(words) => assert!(is_reply(words), "{words}"),
                }
                rest = &rest[taken..];
            }
            (Frame::More, Frame::More) => return,
            (Frame::Broken(words), Frame::Broken(same)) => {
                assert!(words == same && is_reply(words), "{words}");
                return;
            }
            (framed, read) => panic!("{framed:?} {read:?}"),
        }
    }
}

/// What comes in at Exim's socket. It is a question with names that are names, an event, or it is answered with a line.
pub(crate) fn exim_request(octets: &[u8]) {
    if octets.contains(&b'\n') {
        assert_eq!(exim::read(octets, false), exim::read(octets, true));
    }
    match exim::read(octets, true) {
        Frame::More => panic!("the input has ended"),
        Frame::Broken(words) => assert_eq!(words, ""),
        Frame::Whole(request, consumed) => {
            assert!((1..=octets.len()).contains(&consumed));
            match request {
                EximRequest::Policy(question) => {
                    assert_eq!(PolicyDomain::parse(question.domain.as_str()).as_ref(), Ok(&question.domain));
                    if let Some(host) = question.host {
                        assert_eq!(MxHost::from_text(host.as_str()).as_ref(), Ok(&host));
                    }
                }
                EximRequest::Unheard => assert!(octets.starts_with(b"E ")),
                EximRequest::Event(event) => assert!(octets.len() > event.session.domain.as_str().len()),
                EximRequest::Unreadable(none, asker) => {
                    let line = line(&Report::from(none), asker);
                    assert!(line.starts_with("verdict=de") && !line.contains(['"', '\\', '{', '}', '\n']));
                }
            }
        }
    }
}

/// What a stranger sends as a TLS report, in whatever it comes: what is told of it cannot hurt, and its number of series is known
/// before it is read.
pub(crate) fn tls_report(octets: &[u8]) {
    let is_plain = |text: &str| text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet));
    let opened = open::open(octets, Some("mx.receiver.example"));
    let (found, troubles) = (opened.reports.len(), opened.troubles.len());
    assert!(opened.troubles.iter().all(|why| is_plain(&why.to_string())));
    let mut collection = Collection::default();
    collection.take("a file", opened.clone());
    collection.take("a file", opened);
    let read = collection.reports().len();
    assert!(read <= found && (found == 0) == (read == 0), "every report counts once, or at least one does");
    assert_eq!(collection.unread().len(), 2 * troubles);
    let sums = Sums::of(&collection);
    let page = received::human::page(&collection, &sums, Paint::Plain);
    assert!(is_plain(&page) && page.lines().all(|line| line.len() <= 80), "{page}");
    let object = Json(&received::json::object(&collection, &sums)).to_string();
    assert!(is_plain(&object), "{object}");
    let series = exposition(&collection, &sums);
    assert!(is_plain(&series) && series.lines().count() == 71, "{series}");
}

/// A datagram of libtlsrpt, which whoever may write to the socket has made: what is counted of it is a report.
pub(crate) fn tlsrpt(octets: &[u8]) {
    let Some(attempt) = datagram::read(octets) else { return };
    let (day, sender) = (Day(20_784), Sender { organization: "Sender", contact: "tls@sender.test" });
    for untrusted in [Untrusted::IsTold, Untrusted::IsHidden] {
        let Some(row) = attempt.row(untrusted, day) else { continue };
        assert!(row.helo.iter().all(|helo| helo.as_str().bytes().all(|octet| octet.is_ascii_graphic())));
        let lines = row.policy.text.as_str().unwrap_or_default().lines();
        lines.for_each(|line| assert!(!line.contains(char::is_control), "{line:?}"));
        let domain = row.domain.clone();
        let report = document(sender, &domain, day, &[(row, 1)]).expect("it is counted");
        let policies = report["policies"].as_array().unwrap();
        let summary = &policies[0]["summary"];
        let count = |key: &str| summary[key].as_u64().unwrap();
        assert_eq!(policies.len(), 1);
        assert_eq!(count("total-successful-session-count") + count("total-failure-session-count"), 1);
        let kind = policies[0]["policy"]["policy-type"].as_str().unwrap();
        for detail in policies[0]["failure-details"].as_array().unwrap() {
            let result = detail["result-type"].as_str().unwrap();
            assert!(!result.starts_with("sts-") || kind == "sts", "{kind} {result}");
            assert!(!["tlsa-invalid", "dnssec-invalid", "dane-required"].contains(&result) || kind == "tlsa");
        }
    }
}

/// What anybody sends to a report address: without a token of ours it tells nothing of any report, and its words are inert.
pub(crate) fn bounce(octets: &[u8]) {
    static KEY: OnceLock<Key> = OnceLock::new();
    let key = KEY.get_or_init(|| Key::new(&[7; KEY_OCTETS]));
    let bounce = match bounce::read(octets) {
        Ok(bounce) => bounce,
        Err(why) => return assert!(why.to_string().is_ascii()),
    };
    assert!((1..=MAX_BOUNCE_IDS).contains(&bounce.ids.len()));
    for id in &bounce.ids {
        let leg = |key: &str| Leg {
            key: key.to_owned(),
            state: State::Sent,
            tries: 1,
            next: UnixTime(0),
            words: String::new(),
        };
        let entry = OutboxEntry {
            day: id.day,
            domain: id.domain.clone(),
            state: State::Sent,
            next: UnixTime(0),
            first: UnixTime(0),
            tries: 1,
            words: String::new(),
            destinations: vec![leg("dead@sts-met.signed.example"), leg("alive@sts-met.signed.example")],
        };
        // The seeds are made with this key.
        if let Some(Returned::Failed(returned)) = bounce.returns(id, &entry, key) {
            let mut noted = entry.clone();
            assert!(
                returned.note(&mut noted) && noted.words.bytes().all(|octet| (b' '..=b'~').contains(&octet))
            );
        }
    }
}
