//! The two framings, as a client writes and reads them.

use clap::ValueEnum;
use smtp_sts_verify::config::address::Address;
use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Where a server listens.
pub(crate) type Place = Address;

/// How long a client waits before it calls an answer lost: as long as Exim and Postfix do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A protocol of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Netstrings, one after the other on one connection.
    Socketmap,
    /// A line and the end of input; a line and the end of the connection.
    Exim,
}

impl Protocol {
    /// The octets of a question.
    pub(crate) fn framed(self, text: &str) -> Vec<u8> {
        match self {
            Self::Socketmap => netstring(text),
            Self::Exim => format!("{text}\n").into_bytes(),
        }
    }
}

/// The text with its length before it and a comma behind it.
pub(crate) fn netstring(text: &str) -> Vec<u8> {
    format!("{}:{text},", text.len()).into_bytes()
}

/// The length of the netstring that the octets begin with, all of it; `None` if there is more to come.
pub(crate) fn netstring_length(octets: &[u8]) -> Option<usize> {
    let colon = octets.iter().position(|octet| *octet == b':')?;
    let digits = std::str::from_utf8(&octets[..colon]).ok()?;
    let length = digits.parse::<usize>().expect("a netstring begins with its length") + colon + 2;
    (octets.len() >= length).then_some(length)
}

/// A connection of either kind.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// Connects; what is read from it comes within `patience`.
    pub(crate) fn open(place: &Place, patience: Duration) -> Result<Self> {
        let stream = match place {
            Address::Unix(path) => Self::Unix(UnixStream::connect(path)?),
            Address::Tcp(address) => Self::Tcp(TcpStream::connect(address.get())?),
        };
        match &stream {
            Self::Unix(stream) => stream.set_read_timeout(Some(patience))?,
            Self::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(patience))?;
            }
        }
        Ok(stream)
    }

    /// Says that no more will be said.
    pub(crate) fn finish(&self) -> Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Neither side waits for the other from now on.
    pub(crate) fn set_nonblocking(&self) -> Result<()> {
        match self {
            Self::Unix(stream) => stream.set_nonblocking(true),
            Self::Tcp(stream) => stream.set_nonblocking(true),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(into),
            Self::Tcp(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(octets),
            Self::Tcp(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// One client: a connection, kept (socketmap) or made for each question (Exim).
pub(crate) struct Client<'a> {
    place: &'a Place,
    protocol: Protocol,
    patience: Duration,
    stream: Option<Stream>,
    read: Vec<u8>,
    /// Octets of it that were taken.
    taken: usize,
}

impl<'a> Client<'a> {
    /// Not connected yet.
    pub(crate) fn new(place: &'a Place, protocol: Protocol, patience: Duration) -> Self {
        Self { place, protocol, patience, stream: None, read: Vec::with_capacity(4_096), taken: 0 }
    }

    /// Puts a question; by the socketmap, as many as one likes before the first answer is taken.
    pub(crate) fn put(&mut self, question: &[u8]) -> Result<()> {
        if self.stream.is_none() {
            self.stream = Some(Stream::open(self.place, self.patience)?);
            self.read.clear();
            self.taken = 0;
        }
        let stream = self.stream.as_mut().expect("it was just opened");
        stream.write_all(question)?;
        if self.protocol == Protocol::Exim { stream.finish() } else { Ok(()) }
    }

    /// Waits for the next answer and gives its text; an error if the connection ends without one.
    pub(crate) fn take(&mut self) -> Result<&[u8]> {
        let end = match self.receive() {
            Ok(end) => end,
            Err(error) => {
                self.stream = None;
                return Err(error);
            }
        };
        let start = match self.protocol {
            Protocol::Socketmap => {
                self.read.iter().position(|octet| *octet == b':').map_or(0, |colon| colon + 1)
            }
            Protocol::Exim => 0,
        };
        Ok(&self.read[start..end])
    }

    /// Reads one answer; where its text ends.
    fn receive(&mut self) -> Result<usize> {
        self.read.drain(..self.taken);
        self.taken = 0;
        let mut buffer = [0; 4_096];
        loop {
            if let (Protocol::Socketmap, Some(length)) = (self.protocol, netstring_length(&self.read)) {
                self.taken = length;
                return Ok(length - 1);
            }
            let Some(stream) = self.stream.as_mut() else {
                return Err(std::io::ErrorKind::NotConnected.into());
            };
            let count = stream.read(&mut buffer)?;
            self.read.extend_from_slice(&buffer[..count]);
            if count == 0 {
                if self.protocol == Protocol::Exim && !self.read.is_empty() {
                    self.stream = None;
                    self.taken = self.read.len();
                    return Ok(self.read.trim_ascii_end().len());
                }
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
