//! The whole path inside this process, put together as the program itself puts it together; for the example, and for
//! tests that need another time of day.

use super::Laboratory;
use smtp_sts_verify::cache::{Anchors, Authorities, Cache, CachePath, Circumstances, HistoryEntry};
use smtp_sts_verify::config::{Asked, Rules};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::https::{
    Fetch as _, FetchError, HttpsFetcher, HttpsSettings, MediaType, PolicyUrl, Roots,
};
use smtp_sts_verify::limits::MAX_DOMAINS_DEFAULT;
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::overrides::Overrides;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};
use smtp_sts_verify::verdict::Handshake;
use smtp_sts_verify::verify::{NextHop, Report, Request, from_memory, verify};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The words of an answer that `fixtures/laboratory/deliveries` has: `verdict`, `policy`, `tls` and `reason`.
pub(crate) fn words(report: &Report) -> [&'static str; 4] {
    let judgement = &report.judgement;
    [judgement.verdict.word(), judgement.policy.word(), judgement.tls.word(), judgement.reason.word()]
}

/// May this domain's mail go to this host, now? Without a host the domain as a whole is asked about.
pub(crate) fn ask(lab: &Laboratory, cache: &Path, domain: &str, host: Option<&str>, now: UnixTime) -> Report {
    ask_by(lab, cache, (domain, NextHop::default()), host, now)
}

/// The same, where the mail may get to its host in another way than by MX records.
pub(crate) fn ask_by(
    lab: &Laboratory,
    cache: &Path,
    (domain, next_hop): (&str, NextHop),
    host: Option<&str>,
    now: UnixTime,
) -> Report {
    let rules = Rules { overrides: overrides(lab), ..Rules::default() };
    let hosts = host.map(|host| MxHost::from_text(host).unwrap()).into_iter().collect();
    let request = match rules.request(PolicyDomain::parse(domain).unwrap(), hosts, Handshake::NotSeen, now) {
        Asked::Ask(request, _) => Request { next_hop, ..request },
        Asked::Ignored(request, decree) => return Report::ignored(&request, vec![decree.reason]),
    };
    let cache = opened(lab, cache, now);
    from_memory(&request, Some(&cache), now).unwrap_or_else(|| {
        outside(lab, now, async |resolver, fetcher| {
            verify(&request, Some(&cache), resolver, fetcher, now).await
        })
    })
}

/// What the cache tells of a domain's policies, the oldest first.
pub(crate) fn history(lab: &Laboratory, cache: &Path, domain: &str, now: UnixTime) -> Vec<HistoryEntry> {
    opened(lab, cache, now).history(&PolicyDomain::parse(domain).unwrap()).unwrap()
}

pub(crate) fn opened(lab: &Laboratory, cache: &Path, now: UnixTime) -> Cache {
    let anchors = anchors(lab);
    let circumstances = Circumstances {
        anchors: Anchors::Given(anchors.fingerprint_input().lines().map(str::to_owned).collect()),
        authorities: Authorities::Given(Roots::File(lab.ca_file()).identity().unwrap().into_bytes()),
        https_port: lab.https_port(),
        allow_private_addresses: true,
        name_servers: vec![lab.dns()],
        insecure_zones: Vec::new(),
        mechanisms: smtp_sts_verify::policy::Mechanisms::default(),
    };
    Cache::new(CachePath::parse(cache).unwrap(), &circumstances, MAX_DOMAINS_DEFAULT, now)
}

/// What a policy host gives to the program's own fetch.
pub(crate) fn fetch(lab: &Laboratory, url: &str) -> Result<String, FetchError> {
    let url = PolicyUrl::parse(url).unwrap();
    let body =
        outside(lab, SystemClock.now(), async |_, fetcher| fetcher.fetch(&url, MediaType::TextPlain).await);
    body.map(|octets| String::from_utf8(octets).unwrap())
}

/// Runs `task` with the program's own resolver and fetcher, led into the laboratory.
fn outside<T>(
    lab: &Laboratory,
    now: UnixTime,
    task: impl AsyncFnOnce(&Resolver, &HttpsFetcher<'_, Resolver>) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(10);
        let resolver = Resolver::new(&[lab.dns()], Arc::new(anchors(lab)), now, deadline.into());
        let settings = HttpsSettings {
            allow_private_addresses: true,
            port: lab.https_port(),
            roots: Roots::File(lab.ca_file()),
            ..HttpsSettings::default()
        };
        task(&resolver, &HttpsFetcher::new(&resolver, settings, deadline)).await
    })
}

pub(crate) fn overrides(lab: &Laboratory) -> Overrides {
    let mut configuration: toml::Table = fs::read_to_string(lab.configuration()).unwrap().parse().unwrap();
    configuration.remove("override").unwrap().try_into().unwrap()
}

pub(crate) fn anchors(lab: &Laboratory) -> TrustAnchors {
    TrustAnchors::parse(&fs::read_to_string(lab.trust_anchor()).unwrap()).unwrap()
}
