//! One question, asked in a laboratory with a tape running, and asked again of the recording.

use crate::support::laboratory::{Laboratory, path};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::cache::Dossier;
use smtp_sts_verify::config::{Asked, Rules};
use smtp_sts_verify::dns::delivery::{Delivery, Opinion, QueryFailure};
use smtp_sts_verify::dns::quota::Quota;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::dns::upstream::{Carrier, Upstreams};
use smtp_sts_verify::dns::{Answer, Question, Resolve};
use smtp_sts_verify::explain::{self, Explanation};
use smtp_sts_verify::https::{Fetch, HttpsFetcher, HttpsSettings, Roots};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::recording::{Conclusion, Recording, ReplayedFetch, Replayer, Settings, Tape, Taped};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::Handshake;
use smtp_sts_verify::verify::explain::explain;
use smtp_sts_verify::verify::grounds::Explained;
use smtp_sts_verify::verify::{Heard, Report};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was asked live: the explanation in words, and the recording.
pub(crate) struct Live {
    pub(crate) told: String,
    pub(crate) recording: Recording,
}

/// A question about a domain, or one host of it, with what the laboratory's configuration says.
pub(crate) fn question(
    lab: &Laboratory,
    domain: &str,
    host: Option<&str>,
    now: UnixTime,
) -> explain::Question {
    let rules = Rules { overrides: path::overrides(lab), ..Rules::default() };
    let hosts = host.map(|host| MxHost::from_text(host).unwrap()).into_iter().collect();
    match rules.request(PolicyDomain::parse(domain).unwrap(), hosts, Handshake::NotSeen, now) {
        Asked::Ask(request, decree) => explain::Question { request, decree },
        Asked::Ignored(request, decree) => explain::Question { request, decree: Some(decree) },
    }
}

/// Asks these servers, with a tape running.
pub(crate) fn live(
    lab: &Laboratory,
    servers: &[SocketAddr],
    cache: &Path,
    question: &explain::Question,
    now: UnixTime,
    patience: Duration,
) -> Live {
    let dossier = path::opened(lab, cache, now).dossier(&question.request.domain);
    let tape = Arc::new(Tape::default());
    let anchors = path::anchors(lab);
    let settings = HttpsSettings {
        allow_private_addresses: true,
        port: lab.https_port(),
        roots: Roots::File(lab.ca_file()),
        ..HttpsSettings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let explained = runtime.block_on(async {
        let deadline = Instant::now() + patience;
        let carrier = Taped::new(Upstreams::new(servers), Arc::clone(&tape));
        let resolver = Resolver::over(carrier, Arc::new(anchors.clone()), now, deadline.into());
        let fetcher = HttpsFetcher::new(&resolver, settings, deadline).seen_by(tape.witness());
        again(question, &dossier, now, &resolver, &Taped::new(fetcher, Arc::clone(&tape))).await
    });
    let told = told(&explained);
    let explanation = Explanation::of(question, &dossier, &explained, now);
    let (dns, https) = tape.copy();
    let recording = Recording {
        program: "0.0.0".to_owned(),
        moment: now,
        question: question.clone(),
        settings: Settings {
            name_servers: servers.to_vec(),
            anchors,
            authorities: "sha256:00".to_owned(),
            https_port: lab.https_port(),
            allow_private_addresses: true,
            deadline: patience.as_secs(),
        },
        cache: dossier,
        dns,
        https,
        conclusion: Conclusion::of(&explanation),
    };
    Live { told, recording }
}

async fn again(
    question: &explain::Question,
    dossier: &Dossier,
    now: UnixTime,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Explained {
    let memory = dossier.known.rehearsal(&question.request.domain, now);
    explain(&question.request, &memory, dns, https, now).await
}

/// The order in which the replies of a recording come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    AsAsked,
    /// Those that were asked for first come last.
    Reversed,
    Shuffled(u64),
}

/// A replayer whose replies come in that order.
#[derive(Debug)]
struct Ordered {
    replayer: Replayer,
    order: Order,
    asked: std::sync::atomic::AtomicUsize,
}

impl Carrier for Ordered {
    fn count(&self) -> usize {
        self.replayer.count()
    }

    fn second_opinion(&self) -> Opinion {
        self.replayer.second_opinion()
    }

    fn has_checked_opinion(&self) -> bool {
        self.replayer.has_checked_opinion()
    }

    async fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
        deadline: tokio::time::Instant,
    ) -> Result<Delivery, QueryFailure> {
        let before = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let turns = match self.order {
            Order::AsAsked => 0,
            Order::Reversed => 400_usize.saturating_sub(2 * before),
            Order::Shuffled(seed) => {
                let mut hasher = DefaultHasher::new();
                (seed, question).hash(&mut hasher);
                usize::try_from(hasher.finish() % 100).unwrap()
            }
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        self.replayer.ask(question, opinion, quota, deadline).await
    }
}

/// What the recording tells, with its replies in that order. There is no driver for sockets or timers: who opened one
/// would panic.
pub(crate) fn replay(recording: &Recording, order: Order) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let replayer = Replayer::new(recording.settings.name_servers.len(), &recording.dns);
        let carrier = Ordered { replayer, order, asked: std::sync::atomic::AtomicUsize::new(0) };
        let anchors = Arc::new(recording.settings.anchors.clone());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(50);
        let resolver = Resolver::over(carrier, anchors, recording.moment, deadline);
        let fetcher = ReplayedFetch::new(&resolver, &recording.https);
        told(&again(&recording.question, &recording.cache, recording.moment, &resolver, &fetcher).await)
    })
}

/// The recording as a stranger reads it: through its text.
pub(crate) fn sent(recording: &Recording) -> Recording {
    let text = recording.to_text();
    assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)));
    let (read, differences) = Recording::read(text.as_bytes()).unwrap();
    assert_eq!(differences, [], "{text}");
    assert_eq!(read.to_text(), text);
    read
}

/// All that was learnt and concluded, but for how long it took and in how many packets.
pub(crate) fn told(explained: &Explained) -> String {
    let mut text = String::new();
    let grounds = &explained.grounds;
    report(&mut text, &explained.report);
    if let Some(remembered) = &explained.remembered {
        writeln!(text, "remembered until {}", remembered.until).unwrap();
        report(&mut text, &remembered.report);
    }
    writeln!(text, "{:#?}\n{:#?}", grounds.mx, grounds.dane).unwrap();
    writeln!(text, "{:#?}\n{:#?}\n{:#?}", grounds.mta_sts, grounds.smtp_sts, explained.kept).unwrap();
    for heard in [&grounds.of_exchangers, &grounds.of_mta_sts, &grounds.of_smtp_sts, &grounds.of_second_look]
    {
        hearing(&mut text, heard);
    }
    text
}

fn report(text: &mut String, report: &Report) {
    writeln!(text, "{:#?} {:?} {:#?} {:#?}", report.judgement, report.cache, report.record, report.notes)
        .unwrap();
    for one in &report.evidence {
        writeln!(text, "{} {} {} {:?}", one.question, one.class, one.said, one.valid_until).unwrap();
    }
}

fn hearing(text: &mut String, heard: &Heard) {
    for Answer { question, outcome, aliases, valid_until, proof, .. } in &heard.answers {
        writeln!(text, "{question} {outcome:?} {aliases:?} {valid_until:?} {proof:#?}").unwrap();
    }
    for fetched in &heard.fetches {
        let outcome = match &fetched.outcome {
            Ok(body) => format!("{} octets {body:?}", body.len()),
            Err(error) => format!("{:?} {error}", error.failure()),
        };
        writeln!(text, "{} {:?} {outcome}", fetched.url, fetched.ending).unwrap();
    }
}

/// Whether the recording holds a question about that name and type.
pub(crate) fn asked(recording: &Recording, name: &str, rtype: RecordType) -> bool {
    recording.dns.iter().any(|one| one.question.name().to_ascii() == name && one.question.rtype() == rtype)
}
