//! Puts questions and counts answers. For answers that are known, one thread, whatever the number of connections, and two
//! system calls a question where the connection stays: each connection has one question out at any time; in turn, the answer
//! of one is awaited and its next question put, while the server works on those of all others. For answers that have to be
//! found, a thread for each connection, which may have many questions out.

use super::framing::{Client, PATIENCE, Place, Protocol};
use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Times that a question is put again after its connection has ended without an answer.
const TRIES: u32 = 3;

/// How long the answer to a cold question is waited for: whoever answers late is slow, not lost.
const COLD_PATIENCE: Duration = Duration::from_secs(60);

/// How the answers begin that make mail wait.
const WAITS: [&[u8]; 3] = [b"verdict=defer", b"TEMP", b"TIMEOUT"];

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
    /// Microseconds until each answer; those by which mail waits are none.
    latencies: Vec<u32>,
    /// Answers that make the mail wait, and the microseconds after which the first of them came.
    waits: u64,
    first_wait: Option<u32>,
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
            "answers={} seconds={:.3} rate={:.0} p50_us={} p99_us={} max_us={} waits={} first_wait_us={} wrong={} cut={}{}",
            sorted.len(),
            self.took.as_secs_f64(),
            sorted.len() as f64 / self.took.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
            self.waits,
            self.first_wait.unwrap_or(0),
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
    /// When it was asked for the first time; later than that it is asked again, for it was told to wait.
    first_asked: Instant,
}

/// What came where an answer was awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    Answer,
    /// One by which mail waits.
    Wait,
    /// The end of the connection.
    Nothing,
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
        line.first_asked = line.since;
        // A connection that has ended is noticed when the answer is awaited.
        let _noticed_later = line.client.put(&self.questions[line.out].framed);
    }

    /// Takes the answer to the question that is out, and asks again if the connection has ended instead.
    fn take(&mut self, line: &mut Line<'_>) {
        for _ in 0..TRIES {
            if self.took(line) != Came::Nothing {
                return;
            }
            let _noticed_later = line.client.put(&self.questions[line.out].framed);
        }
        self.lose(1);
    }

    /// Puts all of these questions at once, and takes their answers; those by which mail waits are left over.
    fn put_and_take(&mut self, line: &mut Line<'_>, numbers: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut out: VecDeque<usize> = numbers.into_iter().collect();
        let mut waiting = Vec::new();
        line.since = Instant::now();
        for _ in 0..TRIES {
            if out.is_empty() {
                break;
            }
            let framed: Vec<u8> =
                out.iter().flat_map(|number| &self.questions[*number].framed).copied().collect();
            let _noticed_later = line.client.put(&framed);
            while let Some(number) = out.front() {
                line.out = *number;
                match self.took(line) {
                    Came::Nothing => break,
                    Came::Wait => waiting.push(*number),
                    Came::Answer => {}
                }
                out.pop_front();
            }
        }
        self.lose(out.len());
        waiting
    }

    /// Counts the answer to the question that is out.
    fn took(&mut self, line: &mut Line<'_>) -> Came {
        let Ok(answer) = line.client.take() else {
            self.figures.cut += 1;
            return Came::Nothing;
        };
        let mut came = Came::Answer;
        let microseconds = |since: Instant| u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
        let right = &self.questions[line.out].right;
        if !answer.starts_with(right) {
            if WAITS.iter().any(|word| answer.starts_with(word)) {
                came = Came::Wait;
                self.figures.waits += 1;
                let took = microseconds(line.since);
                let first = self.figures.first_wait.get_or_insert(took);
                *first = took.min(*first);
            } else {
                self.figures.wrong += 1;
                // Rather than mail that waits.
                self.figures.example.clear();
            }
            if self.figures.example.is_empty() {
                self.figures.example = format!(" example={:?}", String::from_utf8_lossy(answer));
            }
        }
        if came == Came::Answer {
            self.figures.latencies.push(microseconds(line.first_asked));
        }
        came
    }

    fn lose(&mut self, answers: usize) {
        if answers > 0 {
            self.figures.wrong += u64::try_from(answers).unwrap();
            " example=\"no answer\"".clone_into(&mut self.figures.example);
        }
    }
}

fn begin<'a>(
    place: &'a Place,
    protocol: Protocol,
    connections: usize,
    patience: Duration,
    questions: &'a [Question],
) -> (Round<'a>, Vec<Line<'a>>) {
    let figures = Figures {
        took: Duration::ZERO,
        latencies: Vec::new(),
        waits: 0,
        first_wait: None,
        wrong: 0,
        cut: 0,
        example: String::new(),
    };
    let line = |_| {
        let now = Instant::now();
        Line { client: Client::new(place, protocol, patience), out: 0, since: now, first_asked: now }
    };
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
    let (mut round, mut lines) = begin(place, protocol, connections, PATIENCE, questions);
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

/// Asks each question once, each connection `at_once` of them before it takes the first answer; with `until_answered` what is
/// told to wait is asked again at once. Here a slow answer must not keep the other connections from their next
/// questions, so each has a thread.
pub(crate) fn each_once(
    place: &Place,
    protocol: Protocol,
    connections: usize,
    at_once: usize,
    until_answered: bool,
    questions: &[Question],
) -> Figures {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let parts: Vec<Figures> = std::thread::scope(|scope| {
        let ask = || {
            let (mut round, mut lines) = begin(place, protocol, 1, COLD_PATIENCE, questions);
            loop {
                let first = next.fetch_add(at_once, Ordering::Relaxed);
                if first >= questions.len() {
                    return round.figures;
                }
                let end = questions.len().min(first + at_once);
                lines[0].first_asked = Instant::now();
                let mut waiting = round.put_and_take(&mut lines[0], first..end);
                while until_answered && !waiting.is_empty() && lines[0].first_asked.elapsed() < COLD_PATIENCE
                {
                    waiting = round.put_and_take(&mut lines[0], waiting);
                }
                round.lose(if until_answered { waiting.len() } else { 0 });
            }
        };
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut sum = begin(place, protocol, 0, COLD_PATIENCE, questions).0.figures;
    sum.took = start.elapsed();
    for part in parts {
        sum.latencies.extend(part.latencies);
        sum.waits += part.waits;
        sum.first_wait = sum.first_wait.into_iter().chain(part.first_wait).min();
        sum.wrong += part.wrong;
        sum.cut += part.cut;
        if part.wrong > 0 || sum.example.is_empty() {
            sum.example = part.example;
        }
    }
    sum
}
