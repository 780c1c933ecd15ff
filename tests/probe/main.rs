//! The probe at real sockets on loopback: servers that misbehave at every step, certificates of every kind, and the
//! command with its outputs.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod certificates;
mod command;

mod hostile;
mod old;
mod server;
