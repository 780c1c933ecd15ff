//! The probe at real sockets on loopback: servers that misbehave at every step, and certificates of every kind.

mod certificates;
mod hostile;
mod old;
mod server;
