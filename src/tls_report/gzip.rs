//! gzip (RFC 1952), of one member or more, and as much as there is of one that was cut. Pure.

use super::Unreadable;
use super::inflate::{Inflated, inflate};
use crate::limits::MAX_GZIP_MEMBERS;
use flate2::Crc;

/// What a gzip begins with.
pub(super) const MAGIC: &[u8] = &[0x1f, 0x8b];

/// Octets of the head of a member without the parts that may be absent.
const HEAD: usize = 10;
/// Octets of its tail: a checksum, and the length.
const TAIL: usize = 8;

/// What came out of a gzip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) octets: Vec<u8>,
    pub(super) members: usize,
    /// Whether every member came to its end, fits its checksum, and nothing else follows.
    pub(super) is_whole: bool,
}

/// Unpacks every member, `most` octets in all.
///
/// # Errors
/// [`Unreadable`]: there are more octets or members than that, or nothing comes out.
pub(super) fn unpack(input: &[u8], most: usize) -> Result<Unpacked, Unreadable> {
    let (mut octets, mut members, mut rest) = (Vec::new(), 0_usize, input);
    let mut is_whole = true;
    while rest.starts_with(MAGIC) {
        if members == MAX_GZIP_MEMBERS {
            return Err(Unreadable::TooManyMembers);
        }
        let Some(stream) = behind_head(rest) else {
            is_whole = false;
            rest = &[];
            break;
        };
        let from = octets.len();
        let Inflated { consumed, is_whole: has_end } = inflate(stream, &mut octets, most)?;
        members = members.saturating_add(1);
        let after = stream.get(consumed..).unwrap_or_default();
        let fits = has_end && fits(octets.get(from..).unwrap_or_default(), after);
        is_whole &= fits;
        rest = after.get(TAIL..).filter(|_| has_end).unwrap_or_default();
    }
    // Tapes and some mailers fill up with zeros (RFC 1952 has no rule for it; gzip(1) passes over them).
    is_whole &= rest.iter().all(|octet| *octet == 0);
    if octets.is_empty() {
        return Err(if is_whole { Unreadable::Empty } else { Unreadable::Gzip });
    }
    Ok(Unpacked { octets, members, is_whole })
}

/// What follows the head of a member (RFC 1952 section 2.3).
fn behind_head(member: &[u8]) -> Option<&[u8]> {
    let (header_crc, extra, name, comment) = (0x02, 0x04, 0x08, 0x10);
    let (method, flags) = (member.get(2)?, *member.get(3)?);
    let mut rest = member.get(HEAD..).filter(|_| *method == 8)?;
    if flags & extra != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [name, comment] {
        if flags & text != 0 {
            let end = rest.iter().position(|octet| *octet == 0)?;
            rest = rest.get(end.saturating_add(1)..)?;
        }
    }
    if flags & header_crc != 0 { rest.get(2..) } else { Some(rest) }
}

/// Whether a member is what its tail says.
fn fits(octets: &[u8], tail: &[u8]) -> bool {
    let Some((checksum, rest)) = tail.split_first_chunk::<4>() else { return false };
    let Some((length, _)) = rest.split_first_chunk::<4>() else { return false };
    let mut crc = Crc::new();
    crc.update(octets);
    crc.sum() == u32::from_le_bytes(*checksum)
        && u32::try_from(octets.len()).ok() == Some(u32::from_le_bytes(*length))
}
