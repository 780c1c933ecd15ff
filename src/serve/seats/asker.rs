//! Who asks, as far as the kernel tells. Pure.

/// Who is at the other end of a connection: a user at one of our UNIX sockets, or whoever comes to one of our ports. What comes to
/// a port has an address of this machine, of which everybody here has sixteen million, so all who ask there are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// The place that we listen at, by its number.
    pub place: usize,
    /// The user, at a UNIX socket.
    pub user: Option<u32>,
}

/// One connection of a peer: Exim's delivery, Postfix's client, or the pipe of somebody who asks for very much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asker {
    /// Whose it is.
    pub peer: Peer,
    /// Its number.
    pub connection: u64,
}

impl Asker {
    /// Nobody asks: it is work of our own.
    pub const NOBODY: Self = Self { peer: Peer { place: usize::MAX, user: None }, connection: 0 };
}
