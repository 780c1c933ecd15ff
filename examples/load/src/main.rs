//! The load that `tests/bench/serve` puts on the daemon, and what it compares the daemon with.
//!
//! `ask` puts questions and counts the answers; `echo` is a bare server of the daemon's own runtime that speaks the same
//! framing and knows one answer; `attack` is a peer that nobody wants; `world` is the laboratory of `tests/support/laboratory/` with
//! as many domains as one likes. Each prints `key=value` words; `world` reads commands from its standard input.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test bench: it talks, it counts in floating point, and it may fail loudly"
)]

mod asker;
mod attack;
mod echo;
mod framing;
#[path = "../../../tests/support/laboratory/mod.rs"]
mod laboratory;
mod soak;
mod world;

use clap::Parser;
use framing::{Place, Protocol};
use std::path::PathBuf;

/// What is to be done.
#[derive(Parser)]
enum Task {
    /// Puts the questions of a file, again and again: each line PROTOCOL-TEXT, a tab, the beginning of its right answer
    Ask {
        #[arg(long)]
        at: Place,
        #[arg(long)]
        protocol: Protocol,
        #[arg(long, default_value_t = 1)]
        connections: usize,
        /// For so many seconds
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        /// Each question once, however long it takes
        #[arg(long)]
        once: bool,
        /// With --once: questions that each connection puts before it takes the first answer (socketmap)
        #[arg(long, default_value_t = 1)]
        at_once: usize,
        /// With --once: asks again, at once, whatever it is told to wait for
        #[arg(long)]
        until_answered: bool,
        /// Milliseconds between an answer and the next question
        #[arg(long, default_value_t = 0)]
        pause: u64,
        questions: PathBuf,
    },
    /// Gives one answer to everything
    Echo {
        #[arg(long)]
        at: PathBuf,
        #[arg(long)]
        protocol: Protocol,
        answer: String,
    },
    /// Does what a good client does not
    Attack {
        #[arg(long)]
        at: Place,
        #[arg(long, default_value_t = 100)]
        connections: usize,
        manner: attack::Manner,
    },
    /// Serves a laboratory with this many domains, and takes commands
    World {
        #[arg(long, default_value_t = 1_000)]
        domains: usize,
        /// Answers at 127.0.0.1:53 and 127.0.0.1:443, too
        #[arg(long)]
        at_home: bool,
    },
}

fn main() {
    match Task::parse() {
        Task::Ask { at, protocol, connections, seconds, once, at_once, until_answered, pause, questions } => {
            let questions = asker::read(&questions, protocol);
            let figures = if once {
                asker::each_once(&at, protocol, connections, at_once, until_answered, &questions)
            } else {
                let pause = std::time::Duration::from_millis(pause);
                let time = std::time::Duration::from_secs_f64(seconds);
                asker::again_and_again(&at, protocol, connections, time, pause, &questions)
            };
            println!("{figures}");
        }
        Task::Echo { at, protocol, answer } => echo::serve(&at, protocol, &answer),
        Task::Attack { at, connections, manner } => attack::attack(&at, connections, manner),
        Task::World { domains, at_home } => world::serve(domains, at_home),
    }
}
