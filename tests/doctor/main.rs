//! The doctor as an operator meets it: the real program, real name servers, and an Exim that says what it is told to.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;

mod clock;
mod exim;
mod patient;
mod servers;
mod world;
