//! The daemon, whole: the real program with `serve` on loopback and UNIX sockets, in the laboratory's world, as its peers
//! and as systemd see it.

mod browser;
mod clock_steps;
mod crowd;
mod daemon;
mod datagrams;
mod events;
mod full;
mod life;
mod lost;
mod mended;
mod octets;
mod on_the_path;
mod pages;
mod socketmap;
mod sockets;
mod storm;
mod stuck;
mod taking_over;
mod tampering;
