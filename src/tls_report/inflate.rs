//! Deflate (RFC 1951), piece by piece and within a bound. Pure.

use super::Unreadable;
use flate2::{Decompress, FlushDecompress, Status};

/// Octets of a piece.
const PIECE: usize = 32_768;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inflated {
    /// Octets of the input that belong to it.
    pub(super) consumed: usize,
    /// Whether it came to its end.
    pub(super) is_whole: bool,
}

/// Unpacks one stream behind what is in `output` already, up to `most` octets in all.
///
/// # Errors
/// [`Unreadable::TooManyOctets`].
pub(super) fn inflate(input: &[u8], output: &mut Vec<u8>, most: usize) -> Result<Inflated, Unreadable> {
    let mut stream = Decompress::new(false);
    let mut piece = vec![0; PIECE];
    loop {
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let rest = usize::try_from(before_in).ok().and_then(|taken| input.get(taken..)).unwrap_or_default();
        let status = stream.decompress(rest, &mut piece, FlushDecompress::None);
        let made = usize::try_from(stream.total_out().saturating_sub(before_out)).unwrap_or(PIECE);
        if output.len().saturating_add(made) > most {
            return Err(Unreadable::TooManyOctets);
        }
        output.extend_from_slice(piece.get(..made).unwrap_or_default());
        let consumed = usize::try_from(stream.total_in()).unwrap_or(input.len());
        let is_stuck = made == 0 && stream.total_in() == before_in;
        match status {
            Ok(Status::StreamEnd) => return Ok(Inflated { consumed, is_whole: true }),
            Ok(Status::Ok | Status::BufError) if !is_stuck => {}
            _ => return Ok(Inflated { consumed, is_whole: false }),
        }
    }
}
