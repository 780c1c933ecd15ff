//! Text that arrives line by line, each of them bounded.

use crate::resources::of_a_start;
use futures_util::stream::{self, Stream};
use std::io::{self, BufRead, Read as _};
use std::thread::Builder;
use tokio::sync::mpsc;

/// So many lines are read ahead at most: whoever asks for the next one need not wait for a thread to wake.
const LINES_AHEAD: usize = 64;

/// One line of an input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its text without its end; what is no UTF-8 is replaced.
    Text(String),
    /// It was longer than it may be, and nothing is kept of it.
    TooLong,
}

/// The octets of a line, or the first ones of a line that is too long.
pub(super) type Octets = Result<Vec<u8>, Vec<u8>>;

/// The octets of the next line, its end among them, if these are at most `most`; of a longer one so many of them, and the rest
/// is left unread. `None` at the end of the input.
pub(super) fn beginning(input: &mut impl BufRead, most: usize) -> io::Result<Option<Octets>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut octets = Vec::new();
    if input.take(limit).read_until(b'\n', &mut octets)? == 0 {
        return Ok(None);
    }
    let is_whole = octets.len() < most || octets.ends_with(b"\n");
    Ok(Some(if is_whole { Ok(octets) } else { Err(octets) }))
}

/// The next line of at most `most` octets, its end among them. `None` at the end of the input.
pub(super) fn next(input: &mut impl BufRead, most: usize) -> io::Result<Option<Line>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut octets = match beginning(input, most)? {
        None => return Ok(None),
        Some(Ok(octets)) => {
            return Ok(Some(Line::Text(String::from_utf8_lossy(&octets).trim_end().to_owned())));
        }
        Some(Err(octets)) => octets,
    };
    while !octets.is_empty() && !octets.ends_with(b"\n") {
        octets.clear();
        input.take(limit).read_until(b'\n', &mut octets)?;
    }
    Ok(Some(Line::TooLong))
}

/// What `next` finds in an input, one after the other, until there is nothing more or it fails. Reading blocks, and whoever
/// writes may wait for our answer first: so it has its own thread, which is some lines ahead.
pub(super) fn arriving<R, T>(
    mut input: R,
    next: impl Fn(&mut R) -> io::Result<Option<T>> + Copy + Send + 'static,
) -> impl Stream<Item = io::Result<T>>
where
    R: Send + 'static,
    T: Send + 'static,
{
    let (tell, mut told) = mpsc::channel(LINES_AHEAD);
    let telling = tell.clone();
    let read = move || {
        while let Some(item) = next(&mut input).transpose() {
            let is_last = item.is_err();
            // Whoever wanted more may have left.
            if telling.blocking_send(item).is_err() || is_last {
                break;
            }
        }
    };
    if let Err(error) = Builder::new().name("lines".into()).spawn(read) {
        // It has room.
        let _ = tell.try_send(Err(io::Error::other(of_a_start(&error))));
    }
    stream::poll_fn(move |context| told.poll_recv(context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const MOST: usize = 64;

    fn lines(input: &str) -> Vec<Line> {
        let mut input = Cursor::new(input.to_owned());
        std::iter::from_fn(|| next(&mut input, MOST).unwrap()).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn lines_end_where_they_end_and_long_ones_are_dropped_whole() {
        assert_eq!(lines("a TXT\r\n\nb MX"), [text("a TXT"), text(""), text("b MX")]);
        let long = "x".repeat(3 * MOST);
        assert_eq!(lines(&format!("{long}\na A\n{long}")), [Line::TooLong, text("a A"), Line::TooLong]);
        let just = "x".repeat(MOST - 1);
        assert_eq!(lines(&format!("{just}\n{just}")), [text(&just), text(&just)]);
    }
}
