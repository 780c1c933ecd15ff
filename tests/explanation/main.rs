//! `explain`: what it says is what a delivery meets, it changes nothing, and its JSON is what its schema says.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod desk;
mod dry_run;
mod log;
mod past;
mod schema;
