//! The daemon, whole: the real program with `serve` on loopback and UNIX sockets, in the laboratory's world, as its peers
//! and as systemd see it.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

#[path = "../support/laboratory/mod.rs"]
mod laboratory;

mod browser;
mod crowd;
mod daemon;
mod events;
mod life;
mod pages;
mod sockets;
