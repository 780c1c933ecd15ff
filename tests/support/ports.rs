//! Ports that no neighbour takes.
//!
//! All tests of a program run side by side, and each of their servers and clients takes any port that is free. A port at
//! which nobody is to listen, or at which another process will listen in a moment, therefore has a number below those that
//! the system gives away (`net.ipv4.ip_local_port_range`).

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Below them, and how many there are.
const FIRST: u32 = 10_000;
const NUMBER: u32 = 20_000;

/// A port of 127.0.0.1 at which nobody listens, another one each time.
pub(crate) fn unused() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Far from where other test programs of this machine begin, whose numbers are near.
        let place = process::id().wrapping_mul(101).wrapping_add(TAKEN.fetch_add(1, Relaxed));
        let port = u16::try_from(FIRST + place % NUMBER).unwrap();
        let place = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(place).is_ok() && UdpSocket::bind(place).is_ok() {
            return port;
        }
    }
}
