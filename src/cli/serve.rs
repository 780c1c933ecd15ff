//! `serve`: the daemon.

use super::args::OutsideArguments;
use super::config::{BadConfiguration, Choices};
use super::exit::ExitStatus;
use super::output;
use crate::limits::{ANSWER_WITHIN_DEFAULT, ANSWER_WITHIN_MAX};
use crate::serve::address::{Address, Loopback};
use crate::text::excerpt;
use clap::Args;
use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;

/// What is asked of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Where to listen.
    #[command(flatten)]
    pub places: Places,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Where the daemon listens, and how long its askers wait: the section `[serve]` of the configuration.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    /// Answers Exim's ${readsocket} there: a path that begins with /, or a loopback address; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    pub exim: Vec<Address>,
    /// Answers Postfix's socketmap there; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    pub postfix: Vec<Address>,
    /// Metrics, health and a status page, over HTTP; repeatable
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Vec<Loopback>,
    /// An answer comes within this time, 0.1 to 4.5 [default: 2.5; Exim waits for 5]
    #[arg(long, value_name = "SECONDS")]
    pub answer_within: Option<AnswerWithin>,
}

/// How long an asker waits at most, in seconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "f64")]
pub struct AnswerWithin(pub Duration);

impl TryFrom<f64> for AnswerWithin {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        let most = ANSWER_WITHIN_MAX.as_secs_f64();
        if (0.1..=most).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("{seconds} is not between 0.1 and {most} seconds (Exim waits for 5)"))
        }
    }
}

impl FromStr for AnswerWithin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<f64>()
            .map_err(|_| format!("'{}' is not a number of seconds", excerpt(text, 32)))?
            .try_into()
    }
}

impl Places {
    /// These, and where they say nothing those of the file.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        fn either<T>(given: Vec<T>, file: Vec<T>) -> Vec<T> {
            if given.is_empty() { file } else { given }
        }
        Self {
            exim: either(self.exim, file.exim),
            postfix: either(self.postfix, file.postfix),
            http: either(self.http, file.http),
            answer_within: self.answer_within.or(file.answer_within),
        }
    }

    /// How long an asker waits at most.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        self.answer_within.map_or(ANSWER_WITHIN_DEFAULT, |within| within.0)
    }

    fn is_nowhere(&self) -> bool {
        self.exim.is_empty() && self.postfix.is_empty() && self.http.is_empty()
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ServeArguments) -> ExitStatus {
    match prepared(arguments) {
        Ok((_choices, _places)) => ExitStatus::Deliver,
        Err(error) => output::complain("serve", &error.to_string(), ExitStatus::Configuration),
    }
}

/// What the command line and the configuration come down to.
fn prepared(arguments: &ServeArguments) -> Result<(Choices, Places), BadConfiguration> {
    let choices = arguments.outside.choices()?;
    let places = arguments.places.clone().or(choices.serve.clone());
    if places.is_nowhere() {
        return Err(BadConfiguration(
            "there is no place to listen at: give --exim, --postfix or --http, or the same in [serve] of the configuration"
                .to_owned(),
        ));
    }
    Ok((choices, places))
}
