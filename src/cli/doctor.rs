//! `doctor`: is this machine able to give good verdicts?
//!
//! Started by root, it looks at Exim as root, and has everything else looked at by children of its own that have given
//! up root's rights: what strangers say is read by somebody who can do no harm, and the cache is seen as those see it who
//! use it. A child is this program with `--part`; it hands over what it saw as JSON.

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::lookup::Format;
use super::{output, runtime, terminal};
use crate::cache::CachePath;
use crate::cache::file::Owner;
use crate::config::{Access, BadConfiguration, Choices, Deadline, DeadlineArgs, Setup, SharedArgs};
use crate::dns::anchor::TrustAnchors;
use crate::dns::session::Resolver;
use crate::doctor::judge::{Everything, judge};
#[cfg(feature = "fleet")]
use crate::doctor::look::fleet as look_fleet;
use crate::doctor::look::{cache, exim, outside as outside_look, postfix, process, reports};
use crate::doctor::observations::{CacheView, Caches, Exim, Fleet, Outside, Reports, Seen, Starter};
use crate::doctor::{Health, human, json};
use crate::https::PolicyUrl;
use crate::resources;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::{Args, ValueEnum};
use nix::unistd::geteuid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Who is asked for the time when nobody else is named: IANA, who publishes the root's trust anchors there, too.
const HTTPS_URL: &str = "https://data.iana.org/";
/// What ends the page for somebody else than root.
const BY_ROOT: &str = "\nOnly root can look at all of it: sudo smtp-sts-verify doctor\n";
/// Nobody in particular, for whom root has something looked at when there is nobody else.
const NOBODY: Owner = Owner { uid: 65_534, gid: 65_534 };

/// What is asked of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArguments {
    /// Exim's binary [default: /usr/sbin/exim4, or where else it may be]
    #[arg(long, value_name = "FILE")]
    pub exim: Option<PathBuf>,
    /// The directory of Postfix's commands [default: /usr/sbin, or where else they may be]
    #[arg(long, value_name = "DIR")]
    pub postfix: Option<PathBuf>,
    /// Tells only what is not fine; nothing, if all is
    #[arg(long)]
    pub quiet: bool,
    /// A web server that is asked for the time
    #[arg(long, value_name = "URL", default_value = HTTPS_URL, value_parser = url)]
    pub https_url: PolicyUrl,
    /// Asks no web server for the time
    #[arg(long)]
    pub offline: bool,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Looks at one part as whoever started it, for `doctor` itself
    #[arg(long, value_name = "PART", hide = true)]
    pub part: Option<Part>,
    /// A name whose TXT records are looked at, for `doctor` itself
    #[arg(long, value_name = "NAME", hide = true)]
    pub record: Vec<String>,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// What is looked at without root's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Name servers, web server, files, ways out.
    Outside,
    /// The cache.
    Cache,
    /// TXT records.
    Records,
}

fn url(text: &str) -> Result<PolicyUrl, String> {
    PolicyUrl::parse(text).map_err(|bad| bad.to_string())
}

/// Runs the command.
pub(super) fn run(arguments: &DoctorArguments) -> ExitStatus {
    let started = Instant::now();
    match arguments
        .outside
        .choices()
        .map_err(Failure::from)
        .and_then(|choices| work(arguments, choices, started))
    {
        Ok((text, status)) => output::write(&text, status),
        // What a child says is for the one that started it.
        Err(failure) if arguments.part.is_some() => failure.tell("doctor"),
        Err(failure) => failure.tell_with_what_follows("doctor"),
    }
}

/// The answer, or what is wrong with the configuration.
fn work(
    arguments: &DoctorArguments,
    choices: Choices,
    started: Instant,
) -> Result<(String, ExitStatus), Failure> {
    // Root has most things looked at by somebody else, who gives up its rights.
    let access = if arguments.part.is_some() { Access::Owner } else { Access::Starter };
    let until = started + choices.deadline();
    let setup = Setup::open(choices, access)?;
    let path = setup.path()?;
    let everything = match arguments.part {
        Some(Part::Outside) => {
            return handed_over(&look_outside(arguments, &setup, setup.anchors()?, until)?);
        }
        Some(Part::Cache) => return handed_over(&look_at_cache(&path, &setup)?),
        Some(Part::Records) => return handed_over(&look_at_records(&arguments.record, &setup, until)?),
        None => {
            resources::are_there(THREADS)
                .map_err(|error| Failure::internal(resources::of_a_start(&error)))?;
            let seen = look(arguments, &setup, &path, setup.anchors()?, until)?;
            Everything { reports: look_at_reports(arguments, &setup, &seen, until), ..seen }
        }
    };
    let diagnosis = judge(&everything, SystemClock.now());
    let told = if arguments.quiet { diagnosis.only_bad() } else { diagnosis.clone() };
    let text = match arguments.format {
        Format::Human if arguments.quiet && told.findings.is_empty() => String::new(),
        Format::Human => {
            let page = human::page(&told, terminal::paint());
            let sees_all = arguments.quiet || everything.cache.started_by == Starter::Root;
            if sees_all { page } else { format!("{page}{BY_ROOT}") }
        }
        Format::Json => json::object(&told),
    };
    let status = match diagnosis.health() {
        Health::NotChecked | Health::Fine => ExitStatus::Own(0),
        Health::Warning => ExitStatus::Own(1),
        Health::Wrong => ExitStatus::Own(2),
    };
    Ok((text, status))
}

/// Looks at everything at once; whoever is not root looks with his own eyes.
fn look(
    arguments: &DoctorArguments,
    setup: &Setup,
    path: &CachePath,
    anchors: TrustAnchors,
    until: Instant,
) -> Result<Everything, Failure> {
    let place = cache::place(path);
    let binary = exim::find(arguments.exim.as_deref());
    // Everything else waits for this: an Exim that hangs must not take the time of all.
    let soon = Instant::now() + until.saturating_duration_since(Instant::now()) / 4;
    let exims_user = binary.clone().and_then(|binary| exim::user(&binary, soon));
    let starter = match geteuid().as_raw() {
        0 => Starter::Root,
        uid if exims_user.as_ref().is_ok_and(|user| user.uid == uid) => Starter::EximUser,
        _ => Starter::Other,
    };
    let commands = arguments.postfix.clone().map_or_else(postfix::find, Ok);
    let look_at_postfix = || commands.as_ref().map(|place| postfix::look(place, until)).map_err(Clone::clone);
    let look_at_exim = || -> Seen<Exim> { Ok(exim::look(&binary.clone()?, &exims_user, starter, until)) };
    if starter != Starter::Root {
        let (exim, postfix, outside) = thread::scope(|scope| {
            let (exim, postfix) = (scope.spawn(look_at_exim), scope.spawn(look_at_postfix));
            let outside = look_outside(arguments, setup, anchors, until);
            (joined(exim.join()), joined(postfix.join()), outside)
        });
        let own = look_at_cache(path, setup)?;
        let as_exim = match starter {
            Starter::EximUser => Ok(Ok(own.clone())),
            Starter::Root | Starter::Other => Err("only root can look as Exim's user".to_owned()),
        };
        let cache = Caches { place, own: Ok(own), started_by: starter, exim: as_exim };
        return Ok(Everything { outside: Ok(outside?), cache, exim, postfix, reports: None });
    }
    let harmless = path.owner_of_directory().filter(|owner| owner.uid != 0);
    let harmless = harmless.or_else(|| exims_user.as_ref().ok().copied()).unwrap_or(NOBODY);
    let (outside, own, as_exim, exim, postfix) = thread::scope(|scope| {
        let postfix = scope.spawn(look_at_postfix);
        let outside = scope.spawn(|| child::<Outside>(arguments, Part::Outside, Some(harmless), until));
        let own = scope.spawn(|| child::<CacheView>(arguments, Part::Cache, None, until));
        let as_exim = scope.spawn(|| {
            let user = exims_user.clone()?;
            Ok(child::<CacheView>(arguments, Part::Cache, Some(user), until))
        });
        let exim = look_at_exim();
        (joined(outside.join()), joined(own.join()), joined(as_exim.join()), exim, joined(postfix.join()))
    });
    // Whom root sent could not read the configuration: nobody but root can, and neither does the daemon. One cause, told once.
    if let Some(why) = outside.as_ref().err().and_then(|why| why.split_once(CHILD_IS_MISCONFIGURED)) {
        return Err(Failure::misconfigured(format!("{}: {}", why.0, why.1)));
    }
    let cache = Caches { place, own, started_by: starter, exim: as_exim };
    Ok(Everything { outside, cache, exim, postfix, reports: None })
}

/// What stands between the user and the words of a child that could not use the configuration.
const CHILD_IS_MISCONFIGURED: &str = ": /proc/self/exe: exit status: 78: smtp-sts-verify doctor: ";

/// Threads that are there at the same time at most: those who look, and those who read what the mail servers' programs say.
const THREADS: usize = 16;

fn joined<T>(done: thread::Result<Seen<T>>) -> Seen<T> {
    done.unwrap_or_else(|_| Err(resources::FAILED.to_owned()))
}

/// Has a part looked at by this program, started once more as that user.
fn child<T: DeserializeOwned>(
    arguments: &DoctorArguments,
    part: Part,
    user: Option<Owner>,
    until: Instant,
) -> Seen<T> {
    let text = process::output(Path::new("/proc/self/exe"), again(arguments, part, until), user, until)
        .map_err(|why| match user {
            Some(Owner { uid, .. }) => format!("as user {uid}: {why}"),
            None => why,
        })?;
    serde_json::from_str(&text).map_err(|error| format!("what the child saw cannot be read: {error}"))
}

/// The command line that looks at a part in the same circumstances.
fn again(arguments: &DoctorArguments, part: Part, until: Instant) -> Vec<OsString> {
    let DoctorArguments { https_url, offline, record, outside, .. } = arguments;
    let word = match part {
        Part::Outside => "outside",
        Part::Cache => "cache",
        Part::Records => "records",
    };
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
    let time = DeadlineArgs { deadline: Some(Deadline(left)) };
    let shared = SharedArgs { time, ..outside.shared.clone() };
    let mut words: Vec<OsString> =
        ["doctor", "--part", word, "--https-url", &https_url.to_string()].map(Into::into).to_vec();
    words.extend(offline.then(|| "--offline".into()));
    words.extend(record.iter().map(|name| format!("--record={name}").into()));
    words.extend(shared.to_options());
    words.extend(["--config".into(), outside.config.clone().into()]);
    words
}

/// What reports need, if they are sent. It comes last, because Exim's configuration names the selector.
fn look_at_reports(
    arguments: &DoctorArguments,
    setup: &Setup,
    seen: &Everything,
    until: Instant,
) -> Option<Reports> {
    let reporting = setup.choices().reporting();
    let (_, contact) = reporting.sender.filter(|_| reporting.send)?;
    let domain = contact.domain().as_str();
    let mut names = vec![reports::own_record(domain)];
    names.extend(reports::selector(&seen.exim).ok().map(|selector| reports::key_record(&selector, domain)));
    let records: Seen<Vec<Seen<Vec<String>>>> = if seen.cache.started_by == Starter::Root {
        let asked = DoctorArguments { record: names, ..arguments.clone() };
        child(&asked, Part::Records, Some(NOBODY), until)
    } else {
        look_at_records(&names, setup, until).map_err(|failure| failure.1)
    };
    let unasked = || Err("nobody asked".to_owned());
    let (own, key) = match records {
        Ok(records) => {
            let mut records = records.into_iter();
            (records.next().unwrap_or_else(unasked), records.next().unwrap_or_else(unasked))
        }
        Err(why) => (Err(why.clone()), Err(why)),
    };
    Some(reports::look(contact.as_str(), &reporting.sendmail, &seen.exim, (key, own), until))
}

/// The TXT records of each name, in their order.
fn look_at_records(
    names: &[String],
    setup: &Setup,
    until: Instant,
) -> Result<Vec<Seen<Vec<String>>>, Failure> {
    let dns = setup.dns()?;
    let runtime = runtime::build().map_err(Failure::misconfigured)?;
    Ok(runtime.block_on(async {
        let mut seen = Vec::with_capacity(names.len());
        for name in names {
            let resolver =
                Resolver::new(&dns.servers, Arc::clone(&dns.anchors), SystemClock.now(), until.into());
            seen.push(reports::texts(name, &resolver).await);
        }
        seen
    }))
}

fn handed_over(seen: &impl Serialize) -> Result<(String, ExitStatus), Failure> {
    let text = serde_json::to_string(seen).map_err(Failure::misconfigured)?;
    Ok((text, ExitStatus::Deliver))
}

fn look_outside(
    arguments: &DoctorArguments,
    setup: &Setup,
    anchors: TrustAnchors,
    until: Instant,
) -> Result<Outside, Failure> {
    let wanted = outside_look::Wanted {
        servers: setup.servers().map_err(|error| error.to_string()),
        // Whoever names a server wants to know how it would do, for both.
        looks_at_theirs: arguments.outside.shared.resolver.dns.is_empty(),
        anchors: Arc::new(anchors),
        anchor_file: setup.choices().shared.resolver.trust_anchor.clone(),
        https: setup.https(),
        url: if arguments.offline {
            Err("not asked (--offline)".to_owned())
        } else {
            Ok(arguments.https_url.clone())
        },
    };
    let runtime = runtime::build().map_err(Failure::misconfigured)?;
    Ok(runtime.block_on(async {
        let outside = outside_look::look(&wanted, &SystemClock, until).await;
        Outside { fleet: look_at_fleet(setup, &wanted, until).await, ..outside }
    }))
}

/// The memory that this host shares, where it shares one.
#[cfg(feature = "fleet")]
async fn look_at_fleet(setup: &Setup, wanted: &outside_look::Wanted, until: Instant) -> Option<Fleet> {
    let fleet = setup.choices().fleet.as_ref()?;
    let here = setup.storage().map(|storage| storage.circumstances.of_policies());
    let servers = wanted.servers.as_deref().unwrap_or_default();
    let dns = Resolver::new(servers, Arc::clone(&wanted.anchors), SystemClock.now(), until.into());
    Some(look_fleet::look(fleet, here.map_err(|error| error.to_string()), &dns, &SystemClock, until).await)
}

#[cfg(not(feature = "fleet"))]
async fn look_at_fleet(_: &Setup, _: &outside_look::Wanted, _: Instant) -> Option<Fleet> {
    None
}

/// As those see it who use it: under other circumstances its damaged rows are nobody's.
fn look_at_cache(path: &CachePath, setup: &Setup) -> Result<CacheView, BadConfiguration> {
    Ok(cache::view(path, setup.storage()?.cache(SystemClock.now())))
}
