//! Peers that hold what they can get: they come back as soon as they are thrown out, and never stop.

use super::framing::{PATIENCE, Place, Stream, netstring};
use clap::ValueEnum;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// What a bad peer does.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Manner {
    /// Connects and says nothing.
    Idle,
    /// Says the beginning of a question, and no more.
    HalfOpen,
    /// Announces more than anybody may say, or sends what is no frame at all.
    Huge,
    /// Asks without end and reads no answer.
    Deaf,
}

/// Times between two looks at all connections, and before a place that does not let anybody in is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Connections that are opened in one turn.
const AT_ONCE: usize = 256;

/// Holds this many connections in that manner.
pub(crate) fn attack(at: &Place, connections: usize, manner: Manner) {
    let mut held: Vec<(Stream, Vec<u8>)> = Vec::new();
    let (mut most, mut thrown_out, mut told) = (0, 0_u64, Instant::now());
    let frames = frames(manner);
    let mut turn = 0;
    loop {
        for _ in 0..AT_ONCE.min(connections.saturating_sub(held.len())) {
            let Ok(stream) = open(at) else { break };
            turn += 1;
            held.push((stream, frames[turn % frames.len()].clone()));
        }
        most = most.max(held.len());
        held.retain_mut(|(stream, rest)| {
            let stays = speak(stream, rest, manner) && !has_ended(stream, manner);
            thrown_out += u64::from(!stays);
            stays
        });
        if told.elapsed() > Duration::from_secs(1) {
            println!("held={} most={most} thrown_out={thrown_out}", held.len());
            told = Instant::now();
        }
        std::thread::sleep(PAUSE);
    }
}

fn open(at: &Place) -> std::io::Result<Stream> {
    let stream = Stream::open(at, PATIENCE)?;
    stream.set_nonblocking()?;
    Ok(stream)
}

/// What is said on a connection, each in turn.
fn frames(manner: Manner) -> Vec<Vec<u8>> {
    match manner {
        Manner::Idle => vec![Vec::new()],
        Manner::HalfOpen => vec![b"1".to_vec(), b"20:policy enfor".to_vec(), b"P enfor".to_vec()],
        Manner::Huge => {
            let announced = [&b"999999999:"[..], &[b'x'; 100_000]].concat();
            vec![
                announced,
                vec![b'1'; 100_000],
                b"000000000000000005:abcde,".to_vec(),
                b"-1:,".to_vec(),
                b"5:abcdef".to_vec(),
            ]
        }
        Manner::Deaf => vec![netstring("policy enforced0.test").repeat(100_000)],
    }
}

/// Says as much as the other side takes; whether the connection is still there.
fn speak(stream: &mut Stream, rest: &mut Vec<u8>, manner: Manner) -> bool {
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(count) => drop(rest.drain(..count)),
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
    // Whoever sends nonsense has done what it came for, and begins again.
    !matches!(manner, Manner::Huge)
}

/// Whether the other side has closed; a deaf peer cannot know.
fn has_ended(stream: &mut Stream, manner: Manner) -> bool {
    if matches!(manner, Manner::Deaf) {
        return false;
    }
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}
