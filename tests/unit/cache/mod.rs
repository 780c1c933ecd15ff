//! The cache against everything that happens to files: planted ones, damaged ones, crowds, kills, full disks.
#![allow(
    clippy::disallowed_methods,
    reason = "tests ask for the time, and tell themselves what they were started for"
)]

mod crowd;
mod damage;
mod fleet;
mod history_table;
mod many;
mod migration;
mod operators;
mod place;
mod power;
mod predecessor;
mod races;
mod remembering;
mod room;
mod trust;
mod upgrading;
