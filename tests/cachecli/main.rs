//! `cache`: what operators see of it, carry from host to host, and fetch again.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod carrying;
mod desk;
mod looking;
mod refreshing;
