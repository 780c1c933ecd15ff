//! `explain DOMAIN [HOST...]`: what would happen to mail now, and why.
//!
//! A dry run of `verify` by the same pipeline. It changes nothing, unless `--store` asks it to keep what a delivery
//! would keep: without it the pipeline works on a copy of what the cache knows about the domain.

mod record;
mod request;

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::lookup::Format;
use super::{log, output, rules, runtime, terminal};
use crate::cache::{Cache, Dossier, Memory};
use crate::config::{Access, BadConfiguration, Choices, ConditionArgs, Dns, Setup, Storage};
use crate::dns::Resolve;
use crate::doctor::look::{exim, postfix};
use crate::explain::human::{Detail, MailServer};
use crate::explain::{Explanation, Question, human, json};
use crate::https::{Fetch, HttpsFetcher};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verify;
use clap::{Args, ValueEnum};
use record::Recorder;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is asked of `explain`.
#[derive(Args, Debug)]
#[command(mut_args(|arg| match arg.get_id().as_str() {
    "tls_verified" => arg.help("As if Exim had seen this after the handshake"),
    _ => arg,
}))]
pub struct ExplainArguments {
    /// The domain of the recipient
    #[arg(required_unless_present = "replay")]
    pub domain: Option<OsString>,
    /// A host that the mail may go to [default: the domain's own MX hosts, as for a router]
    #[arg(value_name = "HOST")]
    pub hosts: Vec<OsString>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// More words for people: each signed RRset of every proof
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Whose doings the page ends with [default: those of the mail server that is here]
    #[arg(long = "for", value_name = "exim|postfix")]
    pub mail_server: Option<For>,
    /// Keeps what a delivery would keep; without it nothing is changed
    #[arg(long)]
    pub store: bool,
    /// Saves all that the verdict comes from, for --replay or a bug report
    ///
    /// The file holds every DNS reply with its signatures, each policy that was fetched with what its host showed
    /// (certificates, header fields), the time, the trust anchors, the settings that change a verdict, what the cache knows
    /// of the domain, and an override for it with its reason. No mail is in it. It does tell which domain was asked about,
    /// when, and the addresses of your name servers. Only its owner can read it.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub record: Option<PathBuf>,
    /// With --record: replaces a file that is there already
    #[arg(long, requires = "record")]
    pub force: bool,
    /// Explains a recording, as it was explained then: asks nobody, reads no configuration and no cache
    ///
    /// The recording may be a stranger's. Where it differs from what this program would have written, or its verdict from
    /// the recorded one, standard error tells.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["domain", "hosts", "store", "record", "require_authentication", "on_unreachable",
            "mechanisms", "tls_verified", "cachedb", "dns", "insecure_zones", "trust_anchor", "ca_file", "https_port", "allow_private_addresses",
            "deadline", "config", "log_format"]
    )]
    pub replay: Option<PathBuf>,
    /// Under which conditions it is judged.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// Which cache, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// `--for`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the words say it")]
pub enum For {
    Exim,
    Postfix,
}

impl ExplainArguments {
    /// The mail server that was named, or that is here; Exim, where both are, or neither.
    fn mail_server(&self) -> MailServer {
        match self.mail_server {
            Some(For::Exim) => MailServer::Exim,
            Some(For::Postfix) => MailServer::Postfix,
            None if exim::find(None).is_err() && postfix::find().is_ok() => MailServer::Postfix,
            None => MailServer::Exim,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ExplainArguments) -> ExitStatus {
    let explained = match &arguments.replay {
        Some(place) => replayed(place),
        None => explanation(arguments),
    };
    match explained {
        Ok(explanation) => {
            let text = match arguments.format {
                Format::Human => {
                    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
                    human::page(&explanation, terminal::paint(), detail, arguments.mail_server())
                }
                Format::Json => json::object(&explanation),
            };
            output::write(&text, ExitStatus::of(&explanation.report))
        }
        Err(failure) => failure.tell("explain"),
    }
}

/// The explanation of a recording; what is odd about it is told on standard error.
fn replayed(place: &Path) -> Result<Explanation, Failure> {
    let (explanation, notes) = record::replay(place)?;
    for note in notes {
        output::complain("explain", &note, ExitStatus::Deliver);
    }
    Ok(explanation)
}

/// Asks, and makes the document of it.
fn explanation(arguments: &ExplainArguments) -> Result<Explanation, Failure> {
    let started = Instant::now();
    let now = SystemClock.now();
    let choices = arguments.choices()?;
    let asked_about = request::read(arguments)?;
    let opened = Opened::open(choices, now)?;
    let handshake = opened.setup.choices().conditions.handshake();
    let question = request::under(&rules::of(&opened.setup, now)?, asked_about, handshake, now)?;
    let recorder =
        arguments.record.as_deref().map(|place| Recorder::open(place, arguments.force)).transpose()?;
    let dossier = opened.looked_at().dossier(&question.request.domain);
    let explanation = if question.is_ignored(now) {
        Explanation::ignored(&question, &dossier, now)
    } else {
        let deadline = started + opened.setup.choices().deadline();
        let runtime = runtime::build().map_err(Failure::internal)?;
        runtime.block_on(asked(arguments, &question, &dossier, &opened, recorder.as_ref(), deadline))
    };
    if let Some(recorder) = recorder {
        recorder.finish(question, dossier, &opened, &explanation)?;
    }
    Ok(explanation)
}

/// The document about what is asked now.
async fn asked(
    arguments: &ExplainArguments,
    question: &Question,
    dossier: &Dossier,
    opened: &Opened,
    recorder: Option<&Recorder>,
    deadline: Instant,
) -> Explanation {
    if let Some(recorder) = recorder {
        return recorder.explain(question, dossier, opened, deadline).await;
    }
    let now = opened.now;
    let resolver = opened.dns.resolver(now, deadline);
    let fetcher = HttpsFetcher::new(&resolver, opened.setup.https(), deadline);
    if arguments.store {
        let cache = opened.cache();
        explain(question, dossier, &cache, &resolver, &fetcher, now).await
    } else {
        let memory = dossier.known.rehearsal(&question.request.domain, now);
        explain(question, dossier, &memory, &resolver, &fetcher, now).await
    }
}

/// The document about one question: whoever answers for DNS and HTTPS, live or from a recording, and whatever memory it
/// is that knows what the dossier says ([`DomainSnapshot::rehearsal`](crate::cache::DomainSnapshot::rehearsal), unless something is to be kept).
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

/// The set-up of `explain`, opened: whom to ask, what to trust, and which cache.
struct Opened {
    setup: Setup,
    storage: Storage,
    dns: Dns,
    now: UnixTime,
}

impl Opened {
    /// Reads what the choices name, without root's rights; nothing of the cache is touched yet.
    fn open(choices: Choices, now: UnixTime) -> Result<Self, Failure> {
        let setup = Setup::open(choices, Access::Owner)?;
        let (storage, dns) = (setup.storage()?, setup.dns()?);
        Ok(Self { setup, storage, dns, now })
    }

    /// The cache, to be read and written.
    fn cache(&self) -> Cache {
        self.storage.cache(self.now)
    }

    /// The cache for whoever only looks: being allowed to read the files is enough.
    fn looked_at(&self) -> Cache {
        self.cache().read_only()
    }
}

impl ExplainArguments {
    /// These choices, completed by the configuration.
    fn choices(&self) -> Result<Choices, BadConfiguration> {
        let given = Choices { conditions: self.conditions, ..self.outside.given() };
        let choices = given.with_file(&self.outside.config)?;
        log::begin(&choices);
        Ok(choices)
    }
}
