//! `explain DOMAIN [HOST...]`: what would happen to mail now, and why.
//!
//! A dry run of `verify` by the same pipeline. It changes nothing, unless `--store` asks it to keep what a delivery
//! would keep: without it the pipeline works on a copy of what the cache knows about the domain.

mod request;

use super::args::OutsideArguments;
use super::config::{BadConfiguration, Choices, TlsVerified, WhenUnreachable};
use super::exit::ExitStatus;
use super::lookup::Format;
use super::outside::{self, Trusted};
use super::{log, output, privileges, terminal};
use crate::cache::{Cache, CachePath, Dossier, Memory};
use crate::dns::Resolve;
use crate::dns::anchor::TrustAnchors;
use crate::dns::session::Resolver;
use crate::explain::human::Detail;
use crate::explain::{Explanation, Question, human, json};
use crate::https::{Fetch, HttpsFetcher};
use crate::time::{Clock as _, SystemClock, UnixTime};
use crate::verify;
use clap::Args;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What is asked of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// The domain of the recipient
    #[arg(allow_hyphen_values = true)]
    pub domain: OsString,
    /// A host that the mail may go to [default: the domain's own MX hosts, as for a router]
    #[arg(value_name = "HOST")]
    pub hosts: Vec<OsString>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// More words for people: each signed RRset of every proof
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Keeps what a delivery would keep; without it nothing is changed
    #[arg(long)]
    pub store: bool,
    /// Only authenticated policies are stored and used: no trust on first use
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_authentication: Option<bool>,
    /// Where a policy cannot be asked for in an unsigned zone [default: deliver]
    #[arg(long, value_name = "WHAT")]
    pub on_unreachable: Option<WhenUnreachable>,
    /// As if Exim had seen this after the handshake
    #[arg(long, value_name = "WHAT")]
    pub tls_verified: Option<TlsVerified>,
    /// Which cache, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Why nothing can be explained: the exit status, and a sentence for standard error.
type Failure = (ExitStatus, String);

/// Runs the command.
pub(super) fn run(arguments: &ExplainArguments) -> ExitStatus {
    match explanation(arguments) {
        Ok(explanation) => {
            let text = match arguments.format {
                Format::Human => {
                    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
                    human::page(&explanation, terminal::paint(), detail)
                }
                Format::Json => json::object(&explanation),
            };
            output::write(&text, ExitStatus::of(&explanation.report))
        }
        Err((status, why)) => output::complain("explain", &why, status),
    }
}

/// Asks, and makes the document of it.
fn explanation(arguments: &ExplainArguments) -> Result<Explanation, Failure> {
    let started = Instant::now();
    let now = SystemClock.now();
    let choices = arguments.choices().map_err(misconfigured)?;
    let question = request::read(arguments, &choices, now)?;
    let scene = Scene::open(choices, now)?;
    let dossier = Dossier::of(&scene.looked_at(), &question.request.domain);
    if question.is_ignored(now) {
        return Ok(Explanation::ignored(&question, &dossier, now));
    }
    let deadline = started + scene.choices.deadline();
    let runtime = outside::runtime().map_err(|error| (ExitStatus::Internal, error.to_string()))?;
    Ok(runtime.block_on(async {
        let resolver = Resolver::new(&scene.servers, Arc::clone(&scene.anchors), now, deadline.into());
        let fetcher = HttpsFetcher::new(&resolver, outside::https_settings(&scene.choices), deadline);
        if arguments.store {
            let cache = scene.cache();
            explain(&question, &dossier, &cache, &resolver, &fetcher, now).await
        } else {
            let memory = dossier.rehearsal(&question.request.domain, now);
            explain(&question, &dossier, &memory, &resolver, &fetcher, now).await
        }
    }))
}

/// The document about one question: whoever answers for DNS and HTTPS, live or from a recording, and whatever memory it
/// is that knows what the dossier says ([`Dossier::rehearsal`], unless something is to be kept).
async fn explain<M: Memory>(
    question: &Question,
    dossier: &Dossier,
    memory: &M,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Explanation {
    let explained = verify::explain::explain(&question.request, memory, dns, https, now).await;
    Explanation::of(question, dossier, &explained, now)
}

/// Whom to ask, what to trust, and which cache.
struct Scene {
    choices: Choices,
    path: CachePath,
    trusted: Trusted,
    servers: Vec<SocketAddr>,
    anchors: Arc<TrustAnchors>,
    now: UnixTime,
}

impl Scene {
    /// Reads what the choices name, without root's rights; nothing of the cache is touched yet.
    fn open(choices: Choices, now: UnixTime) -> Result<Self, Failure> {
        let path = CachePath::parse(choices.cache_file())
            .map_err(|why| misconfigured(format!("the cache '{}' {why}", choices.cache_file().display())))?;
        privileges::give_up(&path).map_err(misconfigured)?;
        let trusted = Trusted::read(&choices).map_err(misconfigured)?;
        let servers = outside::name_servers(&choices).map_err(misconfigured)?;
        let anchors = Arc::new(trusted.clone().anchors().map_err(misconfigured)?);
        Ok(Self { choices, path, trusted, servers, anchors, now })
    }

    /// The cache, to be read and written.
    fn cache(&self) -> Cache {
        let circumstances = self.trusted.circumstances(&self.choices);
        Cache::new(self.path.clone(), &circumstances, self.choices.max_domains(), self.now)
    }

    /// The cache for whoever only looks: being allowed to read the files is enough.
    fn looked_at(&self) -> Cache {
        self.cache().read_only()
    }
}

impl ExplainArguments {
    /// These choices, completed by the configuration.
    fn choices(&self) -> Result<Choices, BadConfiguration> {
        let given = Choices {
            require_authentication: self.require_authentication,
            on_unreachable: self.on_unreachable,
            tls_verified: self.tls_verified,
            ..self.outside.given()
        };
        let choices = given.with_file(&self.outside.config)?;
        log::begin(&choices);
        Ok(choices)
    }
}

fn misconfigured(why: impl ToString) -> Failure {
    (ExitStatus::Configuration, why.to_string())
}
