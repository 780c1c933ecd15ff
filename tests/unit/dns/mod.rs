//! The resolver: the walk to a verdict, the session that asks for it, and the servers that are asked.

mod crafted;
mod dnssec_world;
mod fake;
mod resolve;
mod session;
mod upstream;
mod walk;
