//! A daemon without sockets: engine, lookup worker and store as they are, over a network that is made up.

use hickory_proto::rr::rdata::{MX, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use smtp_sts_verify::cache::{Cache, CachePath, Circumstances};
use smtp_sts_verify::config::{Dns, Rules, Storage};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::proven_zones::ProvenZones;
use smtp_sts_verify::dns::{self, Content, Outage, Outcome, Resolve, ZoneStatus};
use smtp_sts_verify::https::{Fetch, FetchError, HttpsSettings, MediaType, PolicyUrl, SharedTls};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::concurrency::ConcurrencyLimits;
use smtp_sts_verify::serve::engine::{Answers, Engine};
use smtp_sts_verify::serve::look_up::outside::Outside;
use smtp_sts_verify::serve::look_up::worker::LookupWorker;
use smtp_sts_verify::serve::protocol::question::Question;
use smtp_sts_verify::serve::seats::asker::Asker;
use smtp_sts_verify::serve::store::Store;
use smtp_sts_verify::serve::telemetry::counters::Counters;
use smtp_sts_verify::serve::tlsrpt::recorder::TlsrptRecorder;
use smtp_sts_verify::serve::world::World;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};
use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::{LocalSet, spawn_local};

/// How a domain and its policy host behave.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The draft's record, if there is one.
    pub(crate) draft: Option<&'static str>,
    /// The `id` of the record `_mta-sts` and the mode of the policy; no record without one.
    pub(crate) mta_sts: Option<(&'static str, &'static str)>,
    /// `max_age`.
    pub(crate) max_age: u64,
    /// Its MX hosts, and what the policy permits.
    pub(crate) mx: Vec<&'static str>,
    /// Of the records of policies, seconds.
    pub(crate) ttl: u64,
    /// How long each question takes.
    pub(crate) delay: Duration,
    /// Nobody answers, for as long as a look-up goes on.
    pub(crate) is_silent: bool,
    /// Nobody answers a question for the record of a policy, for so long; the zone is proven to be unsigned, or not.
    pub(crate) hides_policies: Option<(Duration, ZoneStatus)>,
    /// Its zone is signed.
    pub(crate) is_signed: bool,
    /// Its MX record is one that says that it takes no mail.
    pub(crate) has_a_null_mx: bool,
    /// The policy host does not answer.
    pub(crate) refuses_fetches: bool,
    /// Whoever asks panics.
    pub(crate) panics: bool,
    /// The questions for TXT records that came.
    pub(crate) questions: usize,
    /// The fetches that came.
    pub(crate) fetches: usize,
    /// Fetches at this moment, and the most at one moment.
    pub(crate) fetching: (usize, usize),
}

impl Default for Site {
    fn default() -> Self {
        Self {
            draft: None,
            mta_sts: Some(("1", "enforce")),
            max_age: 604_800,
            mx: vec!["mx.test"],
            ttl: 3_600,
            delay: Duration::from_millis(5),
            is_silent: false,
            hides_policies: None,
            is_signed: false,
            has_a_null_mx: false,
            refuses_fetches: false,
            panics: false,
            questions: 0,
            fetches: 0,
            fetching: (0, 0),
        }
    }
}

/// All domains; those that nobody made are like the default one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network(Arc<Mutex<HashMap<String, Site>>>);

impl Network {
    /// Looks at a domain, or changes it.
    pub(crate) fn at<T>(&self, domain: &str, act: impl FnOnce(&mut Site) -> T) -> T {
        act(self.0.lock().unwrap().entry(domain.to_owned()).or_default())
    }

    fn of(&self, name: &str) -> (String, Site) {
        let name = name.trim_end_matches('.');
        let labels = ["_mta-sts.", "_smtp_sts.", "_smtp-sts.", "mta-sts."];
        let domain = labels.iter().find_map(|label| name.strip_prefix(label)).unwrap_or(name);
        (domain.to_owned(), self.at(domain, |site| site.clone()))
    }
}

impl Outside for Network {
    type Dns = Wire;
    type Https<'a> = Wire;

    fn dns(&self, _: &World, _: &PolicyDomain, now: UnixTime, _: Instant) -> Wire {
        Wire { network: self.clone(), now }
    }

    fn https<'a>(&'a self, _: &World, dns: &'a Wire, _: Instant) -> Wire {
        dns.clone()
    }
}

/// The network during one look-up.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    network: Network,
    now: UnixTime,
}

impl Wire {
    async fn answer(&self, question: &dns::Question) -> dns::Answer {
        let name = question.name().to_ascii();
        let (domain, site) = self.network.of(&name);
        assert!(!site.panics, "as the code may");
        let is_policy = question.rtype() == RecordType::TXT;
        if is_policy {
            self.network.at(&domain, |site| site.questions += 1);
        }
        // The subject of the tests: how long it takes until somebody answers.
        tokio::time::sleep(if site.is_silent { Duration::from_secs(6) } else { site.delay }).await;
        if let Some((silence, zone)) = site.hides_policies.filter(|_| is_policy) {
            tokio::time::sleep(silence).await;
            let outcome = Outcome::Unreachable(Outage::NoAnswer, zone, "silence".into());
            return dns::Answer { outcome, queries: 1, ..dns::Answer::none(question.clone()) };
        }
        let text = |text: String| vec![RData::TXT(TXT::new(vec![text]))];
        let records = match question.rtype() {
            RecordType::TXT if name.starts_with("_mta-sts.") => {
                site.mta_sts.map(|(id, _)| text(format!("v=STSv1; id={id};")))
            }
            RecordType::TXT if name.starts_with("_smtp_sts.") => site.draft.map(|it| text(it.to_owned())),
            RecordType::MX if site.has_a_null_mx => Some(vec![RData::MX(MX::new(0, Name::root()))]),
            RecordType::MX => {
                let exchange =
                    |host: &&str| RData::MX(MX::new(10, Name::from_ascii(format!("{host}.")).unwrap()));
                Some(site.mx.iter().map(exchange).collect())
            }
            _ => None,
        };
        let unsigned = "the zone is not signed".to_owned();
        let outcome = match (site.is_silent, records) {
            (true, _) => Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, "silence".into()),
            (false, records) => {
                let content = records.map_or(Content::Nodata, Content::Data);
                if site.is_signed { Outcome::Secure(content) } else { Outcome::Insecure(content, unsigned) }
            }
        };
        let ttl = if is_policy { site.ttl } else { 3_600 };
        let valid_until = outcome.content().map(|_| self.now.plus(ttl));
        dns::Answer { outcome, valid_until, queries: 1, ..dns::Answer::none(question.clone()) }
    }
}

impl Resolve for Wire {
    async fn resolve(&self, questions: &[dns::Question]) -> Vec<dns::Answer> {
        futures_util::future::join_all(questions.iter().map(|question| self.answer(question))).await
    }
}

impl Fetch for Wire {
    async fn fetch(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        let (domain, site) = self.network.of(url.host().as_str());
        self.network.at(&domain, |site| {
            site.fetches += 1;
            site.fetching.0 += 1;
            site.fetching.1 = site.fetching.1.max(site.fetching.0);
        });
        tokio::time::sleep(site.delay).await;
        self.network.at(&domain, |site| site.fetching.0 -= 1);
        match site.mta_sts.filter(|_| !site.refuses_fetches) {
            Some((_, mode)) => {
                let mx: String = site.mx.iter().map(|host| format!("mx: {host}\n")).collect();
                Ok(format!("version: STSv1\nmode: {mode}\n{mx}max_age: {}\n", site.max_age).into_bytes())
            }
            None => Err(FetchError::NoAddress { host: url.host().clone() }),
        }
    }
}

/// A daemon, and the directory of its cache.
pub(crate) struct Daemon {
    pub(crate) engine: Rc<Engine>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) store: Store,
    pub(crate) recorder: TlsrptRecorder,
}

/// A directory as a cache wants it.
pub(crate) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o750)).unwrap();
    directory
}

/// A world whose cache lies there.
pub(crate) fn world(directory: &std::path::Path) -> World {
    let anchors = Arc::new(TrustAnchors::iana().unwrap());
    World {
        fleet: None,
        storage: Storage {
            is_shared: false,
            path: CachePath::parse(&directory.join("cache.db")).unwrap(),
            circumstances: Circumstances::default(),
            max_domains: 50_000,
        },
        zones: ProvenZones::under(Arc::clone(&anchors)),
        dns: Dns { servers: Vec::new(), anchors },
        https: HttpsSettings::default(),
        tls: SharedTls::default(),
        rules: Rules::default(),
        services: Arc::default(),
        answer_within: Duration::from_millis(2_500),
        look_up_within: Duration::from_secs(10),
        debugged: Default::default(),
        reporting: Default::default(),
    }
}

/// The cache of that world, as another process sees it.
pub(crate) fn cache(world: &World) -> Cache {
    world.cache(SystemClock.now())
}

/// Does something with a daemon in that world.
pub(crate) fn with<T>(world: World, network: &Network, act: impl AsyncFnOnce(Daemon) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let counters = Arc::new(Counters::default());
        let world = Arc::new(world);
        let (store, _) = Store::open(Arc::clone(&counters)).unwrap();
        let (recorder, queue) = TlsrptRecorder::new(Arc::clone(&world), Arc::clone(&counters));
        spawn_local(queue.run(store.clone()));
        let limits = ConcurrencyLimits::within(u64::MAX);
        let (worker, events, _) = LookupWorker::open(
            world,
            store.clone(),
            network.clone(),
            limits,
            Arc::clone(&counters),
            recorder.clone(),
        )
        .unwrap();
        let engine = Engine::new(worker, events, recorder.clone());
        act(Daemon { engine, counters, store, recorder }).await
    })
}

/// A question about a domain, as a router asks it.
pub(crate) fn about(domain: &str) -> Question {
    Question::about(PolicyDomain::parse(domain).unwrap(), None)
}

/// A question about one of its hosts.
pub(crate) fn about_host(domain: &str, host: &str) -> Question {
    Question { host: Some(MxHost::from_text(host).unwrap()), ..about(domain) }
}

impl Daemon {
    /// The answer, and how long it took.
    pub(crate) fn ask(
        &self,
        question: Question,
    ) -> impl Future<Output = (Arc<MtaAnswer>, Duration)> + 'static {
        let engine = Rc::clone(&self.engine);
        async move {
            let began = Instant::now();
            (engine.answer(Asker::default(), question).await.0, began.elapsed())
        }
    }

    /// The answer's words of interest.
    pub(crate) fn says(&self, question: Question) -> impl Future<Output = String> + 'static {
        let answer = self.ask(question);
        async move { words(&answer.await.0) }
    }
}

/// `verdict reason cache` of an answer.
pub(crate) fn words(answer: &MtaAnswer) -> String {
    let of =
        |key: &str| answer.exim.split(' ').find_map(|word| word.strip_prefix(key)).unwrap_or("-").to_owned();
    format!("{} {} {}", of("verdict="), of("reason="), of("cache="))
}

impl Daemon {
    /// Waits until what was answered does not count any more: its TTL is over, or somebody has changed the files.
    pub(crate) async fn forgets(&self, question: &Question) {
        until("the answer counts no more", || self.engine.at_once(question).is_none()).await;
    }
}

/// Waits until something is so; a quarter of a minute is for ever.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
