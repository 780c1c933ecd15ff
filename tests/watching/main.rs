//! `probe` for many domains and for those who watch machines, by the real path: the program, its files, the DNS and the
//! mail hosts of a laboratory.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;
#[path = "../support/program.rs"]
mod program;

mod batch;
mod crowd;
mod desk;
mod plugin;
mod textfile;
