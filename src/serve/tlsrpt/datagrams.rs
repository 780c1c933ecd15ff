//! The datagrams with which Postfix tells of its attempts (libtlsrpt): received on a thread that does nothing else, read on another.
//!
//! A socket of datagrams has a short queue, eleven of them on many machines. When it is full the event is gone: nobody is told,
//! nothing is sent again. So whoever receives only receives, and wakes nobody; several do so at each place, since one of them may
//! have to wait for a processor. What waits behind them is bounded in number and octets.

use super::recorder::TlsrptRecorder;
use crate::limits::{
    DATAGRAM_PAUSE, DATAGRAM_RECEIVERS, DATAGRAMS_GATHERED, MAX_DATAGRAM_OCTETS,
    MAX_DATAGRAM_OCTETS_TOGETHER, MAX_DATAGRAM_OCTETS_WAITING, MAX_DATAGRAMS_TOGETHER, MAX_DATAGRAMS_WAITING,
};
use crate::serve::listen::Datagrams;
use crate::serve::protocol::tlsrpt;
use crate::serve::telemetry::counters::{Counters, DatagramFate};
use std::io::{self, ErrorKind};
use std::iter::{from_fn, repeat_n};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle, sleep};

/// The threads that receive and read.
#[derive(Debug)]
pub struct Reception {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// Whose files are removed in the end.
    _places: Vec<Datagrams>,
}

impl Reception {
    /// Begins to receive at these places; without any, no thread is begun.
    ///
    /// # Errors
    /// If the system has no thread or descriptor left.
    pub fn begin(
        places: Vec<Datagrams>,
        recorder: &TlsrptRecorder,
        counters: &Arc<Counters>,
    ) -> io::Result<Self> {
        let is_over = Arc::<AtomicBool>::default();
        let mut threads = Vec::new();
        if !places.is_empty() {
            let (queue, waiting) = queue();
            let (recorder, reading) = (recorder.clone(), Arc::clone(counters));
            threads.push(
                Builder::new()
                    .name("tlsrpt-reader".into())
                    .spawn(move || waiting.read(&recorder, &reading))?,
            );
            for place in places.iter().flat_map(|place| repeat_n(place, DATAGRAM_RECEIVERS)) {
                let socket = place.socket()?;
                // Now and then it is looked whether the daemon ends.
                socket.set_read_timeout(Some(DATAGRAM_PAUSE))?;
                let (queue, is_over, counters) = (queue.clone(), Arc::clone(&is_over), Arc::clone(counters));
                threads.push(
                    Builder::new()
                        .name("tlsrpt-receiver".into())
                        .spawn(move || receive(&socket, &queue, &is_over, &counters))?,
                );
            }
        }
        Ok(Self { is_over, threads, _places: places })
    }

    /// Ends it: what was sent before is with the recorder when this returns. It waits for a moment, so a thread may do it that
    /// has nothing else to do.
    pub fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that failed has nothing more to say.
            let _ = thread.join();
        }
    }
}

/// Where datagrams wait to be read: the end into which they are put.
#[derive(Clone, Debug)]
struct Queue {
    datagrams: SyncSender<Box<[u8]>>,
    octets: Arc<AtomicUsize>,
}

/// The other end.
#[derive(Debug)]
struct Waiting {
    datagrams: Receiver<Box<[u8]>>,
    octets: Arc<AtomicUsize>,
}

fn queue() -> (Queue, Waiting) {
    let (sender, datagrams) = sync_channel(MAX_DATAGRAMS_WAITING);
    let octets = Arc::<AtomicUsize>::default();
    (Queue { datagrams: sender, octets: Arc::clone(&octets) }, Waiting { datagrams, octets })
}

impl Queue {
    /// Puts one in; `false` if there is no room for it.
    fn put(&self, datagram: &[u8]) -> bool {
        let octets = datagram.len();
        let there = self.octets.fetch_add(octets, Ordering::Relaxed);
        let has_room = there.saturating_add(octets) <= MAX_DATAGRAM_OCTETS_WAITING;
        let is_in = has_room && self.datagrams.try_send(datagram.into()).is_ok();
        if !is_in {
            self.octets.fetch_sub(octets, Ordering::Relaxed);
        }
        is_in
    }
}

impl Waiting {
    /// Reads what comes until the last sender is dropped, as many together as there are.
    fn read(&self, recorder: &TlsrptRecorder, counters: &Counters) {
        while let Ok(first) = self.datagrams.recv() {
            // More will come: whoever receives them is not to be held up by waking anybody.
            sleep(DATAGRAMS_GATHERED);
            let mut all = [first].into_iter().chain(self.datagrams.try_iter()).peekable();
            while all.peek().is_some() {
                let mut attempts = Vec::new();
                for datagram in together(&mut all) {
                    self.octets.fetch_sub(datagram.len(), Ordering::Relaxed);
                    match tlsrpt::read(&datagram) {
                        Some(attempt) => attempts.push(attempt),
                        None => counters.datagrams.of(DatagramFate::Unreadable).one(),
                    }
                }
                recorder.tried(&attempts);
            }
        }
    }
}

/// Those that are read together, bounded in number and octets.
fn together(waiting: &mut impl Iterator<Item = Box<[u8]>>) -> impl Iterator<Item = Box<[u8]>> {
    let (mut number, mut octets) = (0_usize, 0_usize);
    from_fn(move || {
        if number >= MAX_DATAGRAMS_TOGETHER || octets >= MAX_DATAGRAM_OCTETS_TOGETHER {
            return None;
        }
        let datagram = waiting.next()?;
        (number, octets) = (number.saturating_add(1), octets.saturating_add(datagram.len()));
        Some(datagram)
    })
}

/// Receives until the daemon ends and nothing waits any more.
fn receive(socket: &UnixDatagram, queue: &Queue, is_over: &AtomicBool, counters: &Counters) {
    // One octet more tells that there were too many.
    let mut buffer = vec![0; MAX_DATAGRAM_OCTETS.saturating_add(1)];
    loop {
        match socket.recv(&mut buffer) {
            Ok(octets) => match buffer.get(..octets).filter(|_| octets <= MAX_DATAGRAM_OCTETS) {
                None => counters.datagrams.of(DatagramFate::Unreadable).one(),
                Some(datagram) if queue.put(datagram) => {}
                Some(_) => counters.datagrams.of(DatagramFate::Lost).one(),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
            Err(_) => {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                // Whatever it is, it is not gone at once.
                sleep(DATAGRAM_PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_large_datagrams_are_read_together_or_many_small_ones_and_none_is_left_out() {
        for octets in [100, 8_000, 12_000, MAX_DATAGRAM_OCTETS] {
            let mut waiting = (0..2_000).map(|_| vec![b' '; octets].into());
            let mut rounds = Vec::new();
            loop {
                let round = together(&mut waiting).count();
                if round == 0 {
                    break;
                }
                rounds.push(round);
            }
            assert_eq!(rounds.iter().sum::<usize>(), 2_000);
            let most = MAX_DATAGRAM_OCTETS_TOGETHER.div_ceil(octets).min(MAX_DATAGRAMS_TOGETHER);
            assert_eq!(rounds[0], most, "{octets} octets each");
            assert!(rounds.iter().all(|round| *round <= most), "{rounds:?}");
        }
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_lost_and_counted() {
        let (queue, waiting) = queue();
        let datagram = vec![b' '; MAX_DATAGRAM_OCTETS];
        let most = MAX_DATAGRAM_OCTETS_WAITING / MAX_DATAGRAM_OCTETS;
        for _ in 0..most {
            assert!(queue.put(&datagram));
        }
        assert!(!queue.put(b"x") && !queue.put(&datagram));
        let taken = waiting.datagrams.recv().unwrap();
        waiting.octets.fetch_sub(taken.len(), Ordering::Relaxed);
        assert!(queue.put(b"x") && !queue.put(&datagram));
    }
}
