//! What is spoken on the daemon's sockets: octets become requests, answers become octets. Pure, one file a protocol.

mod event;
pub mod exim;
pub mod http;
pub mod netstring;
pub mod question;
mod quoting;
pub mod services;
pub mod socketmap;
pub mod tlsrpt;

/// How far the first frame in a buffer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<T> {
    /// It may still become one: read on.
    More,
    /// It is whole, and so many octets of the buffer belong to it.
    Whole(T, usize),
    /// It is none and never will be: the peer is told in these words, if any, and the connection ends.
    Broken(&'static str),
}

impl<T> Frame<T> {
    /// The same with another reading of what is whole.
    pub fn map<U>(self, read: impl FnOnce(T) -> U) -> Frame<U> {
        match self {
            Self::More => Frame::More,
            Self::Whole(one, octets) => Frame::Whole(read(one), octets),
            Self::Broken(words) => Frame::Broken(words),
        }
    }
}
