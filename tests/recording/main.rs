//! A recording gives the same verdict again, with the same explanation, without the network; and a stranger's recording
//! can do no more than that.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod commands;
mod damage;
mod identity;
mod stage;
mod trouble;
