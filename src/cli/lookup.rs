//! `lookup NAME TYPE`: what is proven about one question, for operators; `lookup --batch` for many.
//!
//! Each question is looked up cold and for itself, without any cache. A batch answers line by line, in order, and each
//! answer is flushed at once, so that another program can talk with it; a line that is no question gets an answer too.

use super::args::LookupArguments;
use super::config::{BadConfiguration, Choices};
use super::exit::ExitStatus;
use super::lines;
use super::outside::{self, Trusted};
use crate::dns::anchor::TrustAnchors;
use crate::dns::presentation::{name as name_text, parse_name, parse_type, rdata, type_word};
use crate::dns::session::Resolver;
use crate::dns::{Answer, Blame, Class, Content, Outage, Outcome, Question};
use crate::limits::{MAX_BATCH_AT_ONCE, MAX_BATCH_LINE};
use crate::reason::Reason;
use crate::text::{Escaped, excerpt};
use crate::time::{Clock, SystemClock};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Whom to ask, what to trust, how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name servers, in order.
    pub upstreams: Vec<SocketAddr>,
    /// Where every chain of trust begins.
    pub anchors: Arc<TrustAnchors>,
    /// The time for one look-up.
    pub deadline: Duration,
}

/// How the answer to one question is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A few lines for a person.
    Human,
    /// One JSON object on one line.
    Json,
}

/// One look-up as JSON shows it.
#[derive(Debug, Serialize)]
struct Line {
    /// As it was given.
    name: Option<String>,
    #[serde(rename = "type")]
    rtype: Option<String>,
    class: Option<&'static str>,
    answer: Option<&'static str>,
    records: Vec<String>,
    reason: String,
    queries: usize,
    valid_until: Option<u64>,
}

/// Runs the command. What keeps it from asking is told on standard error.
pub fn run(arguments: &LookupArguments) -> ExitStatus {
    match asked(arguments) {
        Ok(status) => status,
        Err((status, why)) => {
            // Nobody is left to tell if this fails, too.
            let _ = writeln!(io::stderr(), "smtp-sts-verify lookup: {}", Escaped(&why));
            status
        }
    }
}

fn asked(arguments: &LookupArguments) -> Result<ExitStatus, (ExitStatus, String)> {
    let configuration = |error: BadConfiguration| (ExitStatus::Configuration, error.to_string());
    let choices = Choices {
        dns: arguments.dns.clone(),
        trust_anchor: arguments.trust_anchor.clone(),
        deadline: arguments.deadline,
        ..Choices::default()
    };
    let choices = choices.with_file(&arguments.config).map_err(configuration)?;
    let options = Options {
        upstreams: outside::name_servers(&choices).map_err(configuration)?,
        anchors: Arc::new(Trusted::read(&choices).and_then(Trusted::anchors).map_err(configuration)?),
        deadline: choices.deadline(),
    };
    let one = match (&arguments.name, &arguments.rtype) {
        (Some(name), Some(rtype)) => Some(question(name, rtype).map_err(|why| (ExitStatus::Usage, why))?),
        _ => None,
    };
    let failed = |error: io::Error| (ExitStatus::Defer, format!("input or output failed: {error}"));
    let runtime = outside::runtime().map_err(failed)?;
    let mut output = io::stdout().lock();
    runtime
        .block_on(async {
            match one {
                Some(question) => {
                    single(&options, &SystemClock, &question, arguments.format, &mut output).await
                }
                None => batch(&options, &SystemClock, io::BufReader::new(io::stdin()), &mut output).await,
            }
        })
        .map_err(failed)
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
        Format::Human => write_human(output, &answer, packets)?,
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
pub async fn batch<R>(
    options: &Options,
    clock: &impl Clock,
    input: R,
    output: &mut impl Write,
) -> io::Result<ExitStatus>
where
    R: BufRead + Send + 'static,
{
    let arriving = stream::unfold(Some(input), |input| async {
        // Reading blocks, and whoever writes may wait for our answer first: so it has its own thread.
        let mut input = input?;
        match tokio::task::spawn_blocking(move || {
            lines::next(&mut input, MAX_BATCH_LINE).map(|line| (line, input))
        })
        .await
        {
            Ok(Ok((Some(line), input))) => Some((Ok(line), Some(input))),
            Ok(Ok((None, _))) => None,
            Ok(Err(error)) => Some((Err(error), None)),
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    });
    let answers = arriving
        .map(|line| async {
            match line? {
                lines::Line::Text(text) => Ok(batch_line(options, clock, &text).await),
                lines::Line::TooLong => {
                    Ok(Line::malformed(None, None, format!("longer than {MAX_BATCH_LINE} octets")))
                }
            }
        })
        .buffered(MAX_BATCH_AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    while let Some(answer) = answers.next().await {
        let answer: io::Result<Line> = answer;
        write_json(output, &answer?)?;
    }
    Ok(ExitStatus::Deliver)
}

async fn look_up(options: &Options, clock: &impl Clock, question: &Question) -> (Answer, usize) {
    let deadline = Instant::now() + options.deadline;
    let resolver = Resolver::new(&options.upstreams, Arc::clone(&options.anchors), clock.now(), deadline);
    let answer = resolver.resolve_one(question).await;
    (answer, resolver.packets())
}

async fn batch_line(options: &Options, clock: &impl Clock, text: &str) -> Line {
    let mut words = text.split_ascii_whitespace();
    let (Some(name), Some(rtype), None) = (words.next(), words.next(), words.next()) else {
        return Line::malformed(None, None, format!("'{}' is not NAME TYPE", excerpt(text.trim_end(), 60)));
    };
    match question(name, rtype) {
        Err(why) => Line::malformed(Some(name), Some(rtype), why),
        Ok(question) => {
            let (answer, packets) = look_up(options, clock, &question).await;
            Line::of(name, &answer, packets)
        }
    }
}

impl Line {
    fn malformed(name: Option<&str>, rtype: Option<&str>, why: String) -> Self {
        let shown = |word: Option<&str>| word.map(|word| excerpt(word, 80));
        let reason = format!("not looked up: {why}");
        let (name, rtype) = (shown(name), shown(rtype));
        Self {
            name,
            rtype,
            class: None,
            answer: None,
            records: vec![],
            reason,
            queries: 0,
            valid_until: None,
        }
    }

    fn of(name: &str, answer: &Answer, queries: usize) -> Self {
        let (word, records) = match answer.outcome.content() {
            Some(Content::Data(records)) => (Some("data"), records.iter().map(rdata).collect()),
            Some(Content::Nodata) => (Some("nodata"), vec![]),
            Some(Content::Nxdomain) => (Some("nxdomain"), vec![]),
            None => (None, vec![]),
        };
        Self {
            name: Some(name.to_owned()),
            rtype: Some(type_word(answer.question.rtype())),
            class: Some(answer.outcome.class().word()),
            answer: word,
            records,
            reason: reason(answer),
            queries,
            valid_until: answer.valid_until.map(|moment| moment.0),
        }
    }
}

/// The word for what is wrong with this machine or its name servers, rather than with the name.
fn own_fault(outcome: &Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Bogus(Blame::StrippingResolver, _) => Some(Reason::DnssecStripped),
        Outcome::Bogus(Blame::Clock, _) => Some(Reason::ClockSuspect),
        Outcome::Bogus(Blame::TrustAnchor, _) | Outcome::Unreachable(Outage::NoTrustAnchor, ..) => {
            Some(Reason::NoTrustAnchor)
        }
        Outcome::Unreachable(Outage::Deadline, ..) => Some(Reason::Deadline),
        Outcome::Bogus(Blame::Domain, _)
        | Outcome::Unreachable(..)
        | Outcome::Secure(_)
        | Outcome::Insecure(..) => None,
    }
}

/// Why the class is what it is, in a sentence of printable ASCII.
fn reason(answer: &Answer) -> String {
    let why = match &answer.outcome {
        Outcome::Secure(_) => "proven down from the trust anchor",
        Outcome::Insecure(_, why) | Outcome::Unreachable(_, _, why) | Outcome::Bogus(_, why) => why,
    };
    let mut text = match own_fault(&answer.outcome).map(Reason::word) {
        Some(fault) if !why.starts_with(fault) => format!("{fault}: {why}"),
        Some(_) | None => why.to_owned(),
    };
    for (place, alias) in answer.aliases.iter().enumerate() {
        text.push_str(if place == 0 { "; by way of " } else { ", " });
        text.push_str(&name_text(alias));
    }
    Escaped(&text).to_string()
}

fn write_json(output: &mut impl Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn write_human(output: &mut impl Write, answer: &Answer, packets: usize) -> io::Result<()> {
    let question = &answer.question;
    let (name, rtype) = (name_text(question.name()), type_word(question.rtype()));
    let what = match answer.outcome.content() {
        Some(Content::Data(_)) => "",
        Some(Content::Nodata) => ", there is no such record at this name",
        Some(Content::Nxdomain) => ", there is no such name",
        None => ", nothing can be said about the content",
    };
    writeln!(output, "{name} {rtype}: {}{what}", answer.outcome.class().word())?;
    if let Some(Content::Data(records)) = answer.outcome.content() {
        for record in records {
            writeln!(output, "    {}", rdata(record))?;
        }
    }
    writeln!(output, "  why: {}", reason(answer))?;
    if let Some(moment) = answer.valid_until {
        writeln!(output, "  valid until: {moment}")?;
    }
    writeln!(output, "  cost: {packets} queries, {} ms", answer.elapsed.as_millis())?;
    let hint = match (own_fault(&answer.outcome), answer.outcome.class()) {
        (Some(fault), _) => fault.explain().hint,
        (None, Class::Bogus) => Reason::DnssecBogus.explain().hint,
        (None, Class::Unreachable) => "Look at the name servers that were asked, and at those of the name.",
        (None, Class::Secure | Class::Insecure) => return output.flush(),
    };
    writeln!(output, "  what to do: {hint}")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[tokio::test]
    async fn a_line_that_is_no_question_is_answered_with_a_reason_and_no_class() {
        use crate::time::UnixTime;
        let anchors = Arc::new(TrustAnchors::iana().unwrap());
        let options = Options { upstreams: vec![], anchors, deadline: Duration::from_secs(1) };
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
