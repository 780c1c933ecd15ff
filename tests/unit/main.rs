//! The library, in this process: values in, values out, or real sockets and files where those are the matter. The modules
//! have the names of those in `src` that they are about.
//!
//! All tests share one process. A test that needs one of its own, for its environment or to be killed, starts this program
//! again for itself (`cache::crowd`, `https::requests`).
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/mod.rs"]
mod support;
#[path = "../../fuzz/targets.rs"]
mod targets;

mod bounds;
mod cache;
mod corpora;
mod dns;
mod explain;
mod house;
mod https;
mod limits;
mod lint;
mod monitoring;
mod pages;
mod policy;
mod probe;
mod promises;
mod recording;
mod reporting;
mod serve;
mod tls_report;
mod verdict;
mod verify;
