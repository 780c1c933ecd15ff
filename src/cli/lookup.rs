//! `lookup NAME TYPE`: what is proven about one question, for operators; `lookup --batch` for many.
//!
//! Each question is looked up cold and for itself, without any cache; only with `--share-zones` a batch keeps what it has proven
//! of zones, never an answer. A batch answers line by line, in order, and each
//! answer is flushed at once, so that another program can talk with it; a line that is no question gets an answer too.

use super::args::LookupArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::{lines, output, runtime, terminal};
use crate::config::{Access, Dns, Setup};
use crate::dns::presentation::{name as name_text, parse_name, parse_type};
use crate::dns::proven_zones::ProvenZones;
use crate::dns::reply_memory::ReplyMemory;
use crate::dns::session::Resolver;
use crate::dns::{Answer, Class, Question, Resolve as _};
use crate::limits::{MAX_BATCH_AT_ONCE, MAX_BATCH_LINE};
use crate::render::lookup::{Line, page};
use crate::text::excerpt;
use crate::time::Clock;
use crate::time::clock::SystemClock;
use futures_util::stream::StreamExt as _;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whom to ask, and how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whom to ask, and what to trust.
    pub dns: Dns,
    /// The time for one look-up.
    pub deadline: Duration,
    /// What look-ups prove of zones for one another; `None` if each is for itself.
    pub zones: Option<ProvenZones>,
}

/// How the answer to one question is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A few lines for a person.
    Human,
    /// One JSON object on one line.
    Json,
}

/// Runs the command. What keeps it from asking is told on standard error.
pub fn run(arguments: &LookupArguments) -> ExitStatus {
    match asked(arguments) {
        Ok(status) => status,
        Err(failure) => failure.tell("lookup"),
    }
}

fn asked(arguments: &LookupArguments) -> Result<ExitStatus, Failure> {
    // No cache is opened, so there is nobody to become.
    let setup = Setup::open(arguments.choices()?, Access::Starter)?;
    let dns = setup.dns()?;
    let zones = arguments.share_zones.then(|| ProvenZones::under(Arc::clone(&dns.anchors)));
    let options = Arc::new(Options { dns, deadline: setup.choices().deadline(), zones });
    let one = match (&arguments.name, &arguments.rtype) {
        (Some(name), Some(rtype)) => Some(question(name, rtype).map_err(Failure::usage)?),
        _ => None,
    };
    match answered(&options, &SystemClock, one.as_ref(), arguments.format) {
        Err(error) if output::reader_has_gone(&error) => Ok(ExitStatus::Deliver),
        Err(error) => Err(Failure(ExitStatus::Defer, format!("input or output failed: {error}"))),
        Ok(status) => Ok(status),
    }
}

/// Answers the one question, or those on standard input.
fn answered<C>(
    options: &Arc<Options>,
    clock: &C,
    one: Option<&Question>,
    format: Format,
) -> io::Result<ExitStatus>
where
    C: Clock + Clone + Send + Sync + 'static,
{
    // Not kept locked: a mistake of ours on another thread has its answer, too.
    let mut output = io::stdout();
    match one {
        Some(question) => runtime::build()?.block_on(single(options, clock, question, format, &mut output)),
        None => runtime::on_all_cores(MAX_BATCH_AT_ONCE)?.block_on(batch(
            options,
            clock,
            io::BufReader::new(io::stdin()),
            &mut output,
        )),
    }
}

/// Reads the two arguments of a single look-up.
///
/// # Errors
/// A sentence that says which of them is no name or no type, and why.
pub fn question(name: &str, rtype: &str) -> Result<Question, String> {
    let parsed = parse_name(name).map_err(|why| format!("the name '{}' {why}", excerpt(name, 60)))?;
    let rtype = parse_type(rtype).ok_or_else(|| {
        format!("'{}' is no type of record (such as TXT, MX or TYPE257)", excerpt(rtype, 20))
    })?;
    Ok(Question::new(&parsed, rtype))
}

/// Looks up one question, writes the answer, and returns the exit status.
///
/// # Errors
/// If the output cannot be written.
pub async fn single(
    options: &Options,
    clock: &impl Clock,
    question: &Question,
    format: Format,
    output: &mut impl Write,
) -> io::Result<ExitStatus> {
    let (answer, packets) = look_up(options, clock, question).await;
    match format {
        Format::Json => write_json(output, &Line::of(&name_text(question.name()), &answer, packets))?,
        Format::Human => {
            output.write_all(page(&answer, packets, terminal::paint()).as_bytes())?;
            output.flush()?;
        }
    }
    Ok(match answer.outcome.class() {
        Class::Secure | Class::Insecure => ExitStatus::Deliver,
        Class::Bogus => ExitStatus::Refuse,
        Class::Unreachable => ExitStatus::Defer,
    })
}

/// Looks up each `NAME TYPE` line of the input and answers it with one line, until the input ends.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn batch<R, C>(
    options: &Arc<Options>,
    clock: &C,
    input: R,
    output: &mut impl Write,
) -> io::Result<ExitStatus>
where
    R: BufRead + Send + 'static,
    C: Clock + Clone + Send + Sync + 'static,
{
    let arriving = lines::arriving(input, |input| lines::next(input, MAX_BATCH_LINE));
    let answers = arriving
        .map(|line| {
            let (options, clock) = (Arc::clone(options), clock.clone());
            // A task of its own, so that every core has something to do.
            tokio::spawn(async move { Ok(batch_line(&options, &clock, line?).await) })
        })
        .buffered(MAX_BATCH_AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    while let Some(answer) = answers.next().await {
        let answer: io::Result<Line> = answer.map_err(io::Error::other)?;
        write_json(output, &answer?)?;
    }
    Ok(ExitStatus::Deliver)
}

async fn look_up(options: &Options, clock: &impl Clock, question: &Question) -> (Answer, usize) {
    let (now, deadline) = (clock.now(), Instant::now() + options.deadline);
    let resolver = match &options.zones {
        None => options.dns.resolver(now, deadline),
        Some(zones) => {
            let servers = &options.dns.servers;
            let memory = (&ReplyMemory::default(), "");
            let resolver = Resolver::beside_others(servers, zones, memory, now, deadline.into());
            resolver.count_others_denials(true);
            resolver
        }
    };
    let answer = resolver.ask(question.clone()).await;
    (answer, resolver.packets())
}

async fn batch_line(options: &Options, clock: &impl Clock, line: lines::Line) -> Line {
    let text = match line {
        lines::Line::Text(text) => text,
        lines::Line::TooLong => {
            return Line::malformed(None, None, &format!("longer than {MAX_BATCH_LINE} octets"));
        }
    };
    let mut words = text.split_ascii_whitespace();
    let (Some(name), Some(rtype), None) = (words.next(), words.next(), words.next()) else {
        let why = format!("'{}' is not NAME TYPE", excerpt(text.trim_end(), 60));
        return Line::malformed(None, None, &why);
    };
    match question(name, rtype) {
        Err(why) => Line::malformed(Some(name), Some(rtype), &why),
        Ok(question) => {
            let (answer, packets) = look_up(options, clock, &question).await;
            Line::of(name, &answer, packets)
        }
    }
}

fn write_json(output: &mut impl Write, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    output.write_all(&text)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::panic;
    use crate::dns::anchor::TrustAnchors;
    use crate::render::exim::Asker;
    use crate::time::UnixTime;
    use std::io::Cursor;
    use std::process::{Command, Stdio};

    /// Nobody's, in a process of its own: of a batch and its first look-up.
    #[derive(Clone)]
    struct BrokenClock;

    impl Clock for BrokenClock {
        fn now(&self) -> UnixTime {
            panic!("a mistake of ours")
        }
    }

    fn options() -> Arc<Options> {
        let anchors = Arc::new(TrustAnchors::iana().unwrap());
        let dns = Dns { servers: vec![], anchors };
        Arc::new(Options { dns, deadline: Duration::from_secs(1), zones: None })
    }

    #[test]
    #[ignore = "a part of the next test"]
    fn of_a_batch() {
        panic::install(crate::config::Format::Exim, Asker::Router);
        let _ended = answered(&options(), &BrokenClock, None, Format::Json);
    }

    #[test]
    fn a_mistake_of_ours_on_another_thread_ends_a_batch() {
        let mut command = Command::new("timeout");
        command.arg("20").arg(std::env::current_exe().unwrap());
        command.args(["--exact", "cli::lookup::tests::of_a_batch", "--ignored"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"example.org TXT\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(70), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(" reason=internal"), "{output:?}");
    }

    #[tokio::test]
    async fn a_line_that_is_no_question_is_answered_with_a_reason_and_no_class() {
        let options = options();
        let input = "\nonly-a-name\na b c\na..b TXT\na NONSENSE\n\u{1b}[31m TXT\n\"\u{202e} x\n";
        let mut output = Vec::new();
        let code = batch(&options, &UnixTime(0), Cursor::new(input), &mut output).await.unwrap();
        let output = String::from_utf8(output).unwrap();
        assert_eq!((code, output.lines().count(), input.lines().count()), (ExitStatus::Deliver, 7, 7));
        for line in output.lines() {
            assert!(line.is_ascii() && !line.contains('\u{1b}'), "{line}");
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["class"].is_null() && line["answer"].is_null() && line["valid_until"].is_null());
            assert!(line["reason"].as_str().is_some_and(|reason| reason.len() > 20) && line["queries"] == 0);
        }
    }
}
