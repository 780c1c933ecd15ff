//! The whole path, in sentences: given this world, for this delivery, this verdict.
//!
//! The real program is run, against real servers over real sockets, with a real cache file.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod critical_path;
mod dane;
mod domains;
mod first_use;
mod in_force;
mod life;
mod lookup;
mod mail_exchangers;
mod mta_sts;
mod time;
mod trouble;
mod warm;
