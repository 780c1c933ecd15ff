//! The cache against everything that happens to files: planted ones, damaged ones, crowds, kills, full disks.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests ask for the time, start themselves, and end at the first surprise"
)]

mod chronicle;
mod crowd;
mod damage;
#[path = "../support/laboratory/mod.rs"]
mod laboratory;
mod migration;
mod operators;
mod place;
mod predecessor;
#[path = "../support/program.rs"]
mod program;
mod remembering;
mod room;
mod trust;
mod whole;
