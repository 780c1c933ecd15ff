//! Puts questions and counts answers: one thread, whatever the number of connections, and two system calls a question
//! where the connection stays. Each connection has one question out at any time: in turn, the answer of one is awaited and
//! its next question put, while the server works on those of all others.

use super::framing::{Client, Place, Protocol};
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Times that a question is put again after its connection has ended without an answer.
const TRIES: u32 = 3;

/// One question, and how its right answer begins.
pub(crate) struct Question {
    framed: Vec<u8>,
    right: Vec<u8>,
}

/// The questions of a file.
pub(crate) fn read(path: &Path, protocol: Protocol) -> Vec<Question> {
    let text = fs::read_to_string(path).unwrap();
    let question = |line: &str| {
        let (text, right) = line.split_once('\t').expect("a tab");
        Question { framed: protocol.framed(text), right: right.as_bytes().to_vec() }
    };
    text.lines().map(question).collect()
}

/// What was counted.
pub(crate) struct Figures {
    took: Duration,
    /// Microseconds of each answer.
    latencies: Vec<u32>,
    wrong: u64,
    /// Connections that ended without an answer.
    cut: u64,
    example: String,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = |share: f64| {
            sorted
                .get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0)
        };
        write!(
            f,
            "answers={} seconds={:.3} rate={:.0} p50_us={} p99_us={} max_us={} wrong={} cut={}{}",
            sorted.len(),
            self.took.as_secs_f64(),
            sorted.len() as f64 / self.took.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
            self.wrong,
            self.cut,
            self.example,
        )
    }
}

/// One connection, with the question that is out.
struct Line<'a> {
    client: Client<'a>,
    out: usize,
    since: Instant,
}

/// All that is asked, and what came of it.
struct Round<'a> {
    questions: &'a [Question],
    figures: Figures,
}

impl Round<'_> {
    fn put(&mut self, line: &mut Line<'_>, number: usize) {
        line.out = number % self.questions.len();
        line.since = Instant::now();
        // A connection that has ended is noticed when the answer is awaited.
        let _noticed_later = line.client.put(&self.questions[line.out].framed);
    }

    fn take(&mut self, line: &mut Line<'_>) {
        let question = &self.questions[line.out];
        for _ in 0..TRIES {
            match line.client.take() {
                Ok(answer) => {
                    if !answer.starts_with(&question.right) {
                        self.figures.wrong += 1;
                        self.figures.example = format!(" example={:?}", String::from_utf8_lossy(answer));
                    }
                    let took = u32::try_from(line.since.elapsed().as_micros()).unwrap_or(u32::MAX);
                    self.figures.latencies.push(took);
                    return;
                }
                Err(_) => {
                    self.figures.cut += 1;
                    let _noticed_later = line.client.put(&question.framed);
                }
            }
        }
        self.figures.wrong += 1;
        " example=\"no answer\"".clone_into(&mut self.figures.example);
    }
}

fn begin<'a>(
    place: &'a Place,
    protocol: Protocol,
    connections: usize,
    questions: &'a [Question],
) -> (Round<'a>, Vec<Line<'a>>) {
    let figures = Figures {
        took: Duration::ZERO,
        latencies: Vec::with_capacity(1 << 20),
        wrong: 0,
        cut: 0,
        example: String::new(),
    };
    let line = |_| Line { client: Client::new(place, protocol), out: 0, since: Instant::now() };
    (Round { questions, figures }, (0..connections).map(line).collect())
}

/// Asks for this time.
pub(crate) fn again_and_again(
    place: &Place,
    protocol: Protocol,
    connections: usize,
    time: Duration,
    pause: Duration,
    questions: &[Question],
) -> Figures {
    let (mut round, mut lines) = begin(place, protocol, connections, questions);
    let start = Instant::now();
    let mut next = 0..;
    for line in &mut lines {
        round.put(line, next.next().unwrap());
    }
    while start.elapsed() < time {
        for line in &mut lines {
            round.take(line);
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
            round.put(line, next.next().unwrap());
        }
    }
    for line in &mut lines {
        round.take(line);
    }
    round.figures.took = start.elapsed();
    round.figures
}

/// Asks each question once; here a slow answer must not keep the other connections from their next question, so each
/// has a thread.
pub(crate) fn each_once(
    place: &Place,
    protocol: Protocol,
    connections: usize,
    questions: &[Question],
) -> Figures {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let start = Instant::now();
    let parts: Vec<Figures> = std::thread::scope(|scope| {
        let ask = || {
            let (mut round, mut lines) = begin(place, protocol, 1, questions);
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= questions.len() {
                    return round.figures;
                }
                round.put(&mut lines[0], number);
                round.take(&mut lines[0]);
            }
        };
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut sum = begin(place, protocol, 0, questions).0.figures;
    sum.took = start.elapsed();
    for part in parts {
        sum.latencies.extend(part.latencies);
        sum.wrong += part.wrong;
        sum.cut += part.cut;
        if !part.example.is_empty() {
            sum.example = part.example;
        }
    }
    sum
}
