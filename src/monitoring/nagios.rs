//! One line for Nagios, Icinga and their kin (Monitoring Plugins Development Guidelines): the state, what is wrong, and
//! behind a `|` the figures to be drawn.
//!
//! There is one `|` in the line and it is ours: everything before it is words of closed lists, names and addresses that
//! were parsed, and numbers.

use super::{Complaint, Outcome, Summary};
use crate::limits::{MAX_NAGIOS_COMPLAINTS, MAX_NAGIOS_OCTETS, MAX_NAGIOS_TEXT_OCTETS};
use crate::text::Escaped;
use crate::time::UnixTime;
use std::fmt::Write as _;

const DAY: u64 = 86_400;

/// The state of a service; also the exit status of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// All is well.
    Ok,
    /// Somebody should look in the next days.
    Warning,
    /// Mail does not arrive, or will not soon.
    Critical,
    /// Nobody can tell.
    Unknown,
}

impl State {
    /// Every state, the worst first: of several domains, the worst state is the one of all.
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::Warning, Self::Unknown, Self::Ok];

    /// The word at the beginning of the line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    fn worst(states: impl Iterator<Item = Self> + Clone) -> Self {
        Self::WORST_FIRST
            .into_iter()
            .find(|state| states.clone().any(|found| found == *state))
            .unwrap_or(Self::Unknown)
    }
}

/// How many days before its end something is worth a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    warning: u64,
    critical: u64,
}

/// Less than the critical days are left where a warning is given first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarnsTooLate;

impl std::fmt::Display for WarnsTooLate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("--warning has to be at least --critical: what is critical was a warning before")
    }
}

impl std::error::Error for WarnsTooLate {}

impl Thresholds {
    /// Of so many days.
    ///
    /// # Errors
    /// [`WarnsTooLate`] if there would be no warning.
    pub fn days(warning: u32, critical: u32) -> Result<Self, WarnsTooLate> {
        if warning < critical {
            return Err(WarnsTooLate);
        }
        let seconds = |days: u32| u64::from(days).saturating_mul(DAY);
        Ok(Self { warning: seconds(warning), critical: seconds(critical) })
    }

    /// For something that begins anew after `life` seconds at the latest and is renewed before: what lives a day only is
    /// not reported for ending in a day, but when the last eighth of its life has begun (a warning: the last quarter).
    const fn within(self, life: u64) -> Self {
        let (quarter, eighth) = (life / 4, life / 8);
        Self {
            warning: if self.warning < quarter { self.warning } else { quarter },
            critical: if self.critical < eighth { self.critical } else { eighth },
        }
    }

    /// The state of what ends in so many seconds; it ended if that is negative.
    fn state(self, left: i128) -> State {
        if left < i128::from(self.critical) {
            State::Critical
        } else if left < i128::from(self.warning) {
            State::Warning
        } else {
            State::Ok
        }
    }
}

/// The line, its end included, and the state.
#[must_use]
pub fn line(summaries: &[Summary], thresholds: Thresholds) -> (State, String) {
    let reports: Vec<DomainStatus<'_>> =
        summaries.iter().map(|summary| DomainStatus::of(summary, thresholds)).collect();
    let state = State::worst(reports.iter().map(|report| report.state));
    let mut line = format!("SMTP-STS {} - ", state.word());
    push_text(&mut line, &reports);
    let mut separator = " |";
    for report in &reports {
        let prefix = if reports.len() > 1 { format!("{}_", report.summary.domain) } else { String::new() };
        for (label, figures) in &report.figures {
            let datum = format!("{separator} '{prefix}{label}'={figures}");
            if line.len().saturating_add(datum.len()) >= MAX_NAGIOS_OCTETS {
                break;
            }
            separator = "";
            line.push_str(&datum);
        }
    }
    line.push('\n');
    (state, line)
}

/// The same without a probe: the question is none, or the machine cannot ask it. The words may be untrusted.
#[must_use]
pub fn unknown(why: &str) -> (State, String) {
    let mut line = format!("SMTP-STS {} - ", State::Unknown.word());
    for c in Escaped(why).to_string().chars() {
        if line.len() >= MAX_NAGIOS_TEXT_OCTETS {
            break;
        }
        // What has a meaning in such a line or in a shell behind it.
        line.push(if matches!(c, '|' | '\'' | '"' | '`' | '$' | '<' | '>' | '&' | ';') { ' ' } else { c });
    }
    line.push('\n');
    (State::Unknown, line)
}

/// One domain's part.
struct DomainStatus<'a> {
    summary: &'a Summary,
    state: State,
    words: String,
    figures: Vec<(&'static str, String)>,
}

impl<'a> DomainStatus<'a> {
    fn of(summary: &'a Summary, thresholds: Thresholds) -> Self {
        let mut said: Vec<(State, String)> = vec![mail(summary)];
        let mut figures = Vec::new();
        if let Some(certificate) = &summary.certificate {
            let left = left(certificate.at, summary.at);
            let what = format!("the certificate of {} {}", certificate.host, ends(left));
            said.push((thresholds.state(left), what));
            figures.push(("certificate", datum(left, thresholds)));
        }
        if let Some(policy) = summary.policy {
            let (left, thresholds) = (left(policy.expires, summary.at), thresholds.within(policy.life));
            said.push((
                thresholds.state(left),
                format!("the {} policy {}", policy.dialect.word(), ends(left)),
            ));
            figures.push(("policy", datum(left, thresholds)));
        }
        let (taking, all) = summary.hosts_that_take();
        figures.push(("hosts", format!("{taking};;;0;{all}")));
        figures.push(("time", format!("{:.3}s;;;0", summary.took.as_secs_f64())));
        let state = State::worst(said.iter().map(|(state, _)| *state));
        // What is wrong first, and alone.
        said.retain(|(found, _)| state == State::Ok || *found != State::Ok);
        said.sort_by_key(|(state, _)| State::WORST_FIRST.iter().position(|worse| worse == state));
        let words: Vec<String> = said.into_iter().map(|(_, words)| words).collect();
        Self { summary, state, words: words.join(", "), figures }
    }
}

/// What becomes of the mail.
fn mail(summary: &Summary) -> (State, String) {
    let (taking, all) = summary.hosts_that_take();
    let complaints = complaints(&summary.complaints);
    let in_clear = summary.hosts.iter().any(|(word, number)| *word == "deliver-in-clear" && *number > 0);
    match summary.outcome {
        Outcome::Deliverable if in_clear => {
            (State::Warning, "mail is taken in clear text, without STARTTLS".to_owned())
        }
        Outcome::Deliverable => (State::Ok, format!("mail is taken by {taking} of {all} MX hosts")),
        Outcome::Partly if taking == all => {
            (State::Warning, format!("every MX host takes mail, but not at every address: {complaints}"))
        }
        Outcome::Partly => {
            (State::Warning, format!("mail is taken by {taking} of {all} MX hosts, not by: {complaints}"))
        }
        Outcome::Refused => (State::Critical, format!("an enforcing sender would not deliver: {complaints}")),
        Outcome::NoMail => (State::Critical, "the domain takes no mail (null MX)".to_owned()),
        Outcome::CannotBeLookedAt => (
            State::Unknown,
            format!(
                "the TLS of an MX host cannot be looked at from here, mail servers may know it: {complaints}"
            ),
        ),
        Outcome::Unknown => (State::Unknown, format!("no MX host could be asked: {complaints}")),
    }
}

fn complaints(complaints: &[Complaint]) -> String {
    let mut text = String::new();
    for (place, Complaint { host, address, word }) in
        complaints.iter().take(MAX_NAGIOS_COMPLAINTS).enumerate()
    {
        let comma = if place == 0 { "" } else { ", " };
        let host = host.as_ref().map(|host| format!("{host} ")).unwrap_or_default();
        let address = address.map(|address| format!("{address} ")).unwrap_or_default();
        // Writing into a String does not fail.
        let _ = write!(text, "{comma}{host}{address}{word}");
    }
    match complaints.len().saturating_sub(MAX_NAGIOS_COMPLAINTS) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The domains that are not well; all of them if there is one, or if all are.
fn push_text(line: &mut String, reports: &[DomainStatus<'_>]) {
    if let [report] = reports {
        let _ = write!(line, "{}: {}", report.summary.domain, report.words);
        return;
    }
    let ill = || reports.iter().filter(|report| report.state != State::Ok);
    if ill().next().is_none() {
        let _ = write!(line, "{} domains: mail is taken, nothing ends soon", reports.len());
        return;
    }
    let _ = write!(line, "{} of {} domains", ill().count(), reports.len());
    let mut left_out = 0_usize;
    for state in State::WORST_FIRST {
        for report in ill().filter(|report| report.state == state) {
            let words = format!("; {}: {}", report.summary.domain, report.words);
            if line.len().saturating_add(words.len()) > MAX_NAGIOS_TEXT_OCTETS {
                left_out = left_out.saturating_add(1);
            } else {
                line.push_str(&words);
            }
        }
    }
    if left_out > 0 {
        let _ = write!(line, "; and {left_out} more");
    }
}

fn left(end: UnixTime, now: UnixTime) -> i128 {
    i128::from(end.0) - i128::from(now.0)
}

fn ends(left: i128) -> String {
    let (verb, ago) = if left < 0 { ("ended", " ago") } else { ("ends in", "") };
    let number = left.unsigned_abs();
    let (number, unit) = if number < u128::from(2 * DAY) {
        (number / 3_600, "hours")
    } else {
        (number / u128::from(DAY), "days")
    };
    format!("{verb} {number} {unit}{ago}")
}

/// Seconds with the ranges in which they are well: `10:` is "10 or more".
fn datum(left: i128, Thresholds { warning, critical }: Thresholds) -> String {
    format!("{left}s;{warning}:;{critical}:")
}
