//! The program that was built, started as mail servers and people start it; and what is said of it elsewhere.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod command;
mod doctor;
mod documentation;
mod explain;
mod laboratory_itself;
mod probe;
mod recording;
mod reports_read;
mod sending;
mod serve;
mod transcripts;
mod verify;
mod watching;
