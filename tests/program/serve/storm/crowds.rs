//! Those who put the questions of a storm.

use crate::serve::daemon::Daemon;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The name of a domain that has this number.
pub(super) type NameOf = fn(usize) -> String;

/// All of them, until this is dropped.
pub(super) struct Storm {
    about: NameOf,
    is_over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

/// One that asks: it puts a few questions, and waits for some answers.
pub(super) trait Crowd: Send + 'static {
    fn go_on(&mut self, name: &mut dyn FnMut() -> String);
}

impl Storm {
    /// Nobody yet; their questions are about these names.
    pub(super) fn about(about: NameOf) -> Self {
        Self { about, is_over: Arc::default(), asked: Arc::default(), threads: Vec::new() }
    }

    /// Sends one more into it.
    pub(super) fn with(mut self, mut one: impl Crowd) -> Self {
        let (about, is_over, asked) = (self.about, Arc::clone(&self.is_over), Arc::clone(&self.asked));
        self.threads.push(thread::spawn(move || {
            let mut name = || about(asked.fetch_add(1, Relaxed));
            while !is_over.load(Relaxed) {
                one.go_on(&mut name);
            }
        }));
        self
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Relaxed)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Connections of Postfix's protocol with so many questions in each pipe; whatever is answered is asked anew.
pub(super) struct Pipes<S> {
    connect: Box<dyn Fn() -> io::Result<S> + Send>,
    pipes: Vec<S>,
    number: usize,
    deep: usize,
}

impl<S: Read + Write + Send + 'static> Crowd for Pipes<S> {
    fn go_on(&mut self, name: &mut dyn FnMut() -> String) {
        let mut room = [0; 65_536];
        for pipe in &mut self.pipes {
            // One comma ends one reply, and no reply that these questions have holds another.
            let answered = pipe
                .read(&mut room)
                .map_or(0, |octets| room[..octets].iter().filter(|o| **o == b',').count());
            for _ in 0..answered {
                let _ = pipe.write_all(postfix_question(&name()).as_bytes());
            }
        }
        if self.pipes.len() < self.number
            && let Ok(mut pipe) = (self.connect)()
        {
            (0..self.deep).for_each(|_| pipe.write_all(postfix_question(&name()).as_bytes()).unwrap());
            self.pipes.push(pipe);
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What Postfix writes to ask about a domain.
pub(super) fn postfix_question(domain: &str) -> String {
    let content = format!("policy {domain}");
    format!("{}:{content},", content.len())
}

pub(super) fn pipes(daemon: &Daemon, number: usize) -> Pipes<UnixStream> {
    Pipes { connect: to_the_socket(daemon.plan().postfix()), pipes: Vec::new(), number, deep: 32 }
}

/// The same at a port.
pub(super) fn pipes_at(port: SocketAddr, number: usize) -> Pipes<TcpStream> {
    Pipes { connect: to_the_port(port), pipes: Vec::new(), number, deep: 32 }
}

fn to_the_socket(place: PathBuf) -> Box<dyn Fn() -> io::Result<UnixStream> + Send> {
    Box::new(move || {
        let stream = UnixStream::connect(&place)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    })
}

fn to_the_port(port: SocketAddr) -> Box<dyn Fn() -> io::Result<TcpStream> + Send> {
    Box::new(move || {
        let stream = TcpStream::connect(port)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    })
}

/// Connections with one question each, so many at a time.
pub(super) struct OneEach<S> {
    connect: Box<dyn Fn() -> io::Result<S> + Send>,
    question: fn(&str) -> String,
    open: Vec<S>,
    number: usize,
}

impl<S: Read + Write + Send + 'static> Crowd for OneEach<S> {
    fn go_on(&mut self, name: &mut dyn FnMut() -> String) {
        self.open.retain_mut(|stream| {
            stream.read(&mut [0; 512]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        });
        if self.open.len() < self.number
            && let Ok(mut stream) = (self.connect)()
        {
            let _ = stream.write_all((self.question)(&name()).as_bytes());
            self.open.push(stream);
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Deliveries of Exim's.
pub(super) fn deliveries(daemon: &Daemon, number: usize) -> OneEach<UnixStream> {
    let question = |name: &str| format!("P {name}\n");
    OneEach { connect: to_the_socket(daemon.plan().exim()), question, open: Vec::new(), number }
}

/// Connections of a local user to a port.
pub(super) fn at_the_port(port: SocketAddr, number: usize) -> OneEach<TcpStream> {
    OneEach { connect: to_the_port(port), question: postfix_question, open: Vec::new(), number }
}
