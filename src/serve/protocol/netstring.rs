//! Netstrings: `LENGTH:OCTETS,` (D. J. Bernstein, "Netstrings", 1997), in which Postfix frames its socketmap. Pure.
//!
//! The length is judged by its digits alone, before room is made for anything.

use super::Frame;
use crate::limits::MAX_NETSTRING_OCTETS;

/// What a peer is told whose octets are no netstring; Postfix takes it for an answer, a person for advice.
const NO_NETSTRING: &str = "PERM this is not a netstring: LENGTH:MAP KEY,";
/// What a peer is told that would send too much.
const TOO_LONG: &str = "PERM a request has at most 10000 octets";

/// The content of the first netstring in `octets`.
#[must_use]
pub fn read(octets: &[u8]) -> Frame<&[u8]> {
    let digits = octets.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let (number, rest) = octets.split_at_checked(digits).unwrap_or_default();
    let length = match length(number) {
        Ok(length) => length,
        Err(words) => return Frame::Broken(words),
    };
    match (length, rest.split_first()) {
        (_, None) => Frame::More,
        (Some(length), Some((b':', rest))) => match (rest.get(..length), rest.get(length)) {
            (Some(content), Some(b',')) => {
                Frame::Whole(content, digits.saturating_add(length).saturating_add(2))
            }
            (_, Some(_)) => Frame::Broken(NO_NETSTRING),
            (_, None) => Frame::More,
        },
        (_, Some(_)) => Frame::Broken(NO_NETSTRING),
    }
}

/// The length that these digits write; `None` if there are none yet. Zero is written `0`, any other number does not
/// begin with it.
fn length(digits: &[u8]) -> Result<Option<usize>, &'static str> {
    if matches!(digits, [b'0', _, ..]) {
        return Err(NO_NETSTRING);
    }
    let add = |sum: usize, digit: &u8| {
        let sum = sum.saturating_mul(10).saturating_add(usize::from(digit.saturating_sub(b'0')));
        if sum <= MAX_NETSTRING_OCTETS { Ok(sum) } else { Err(TOO_LONG) }
    };
    let length = digits.iter().try_fold(0, add)?;
    Ok((!digits.is_empty()).then_some(length))
}

/// Appends a netstring with this content.
pub fn write(content: &str, out: &mut Vec<u8>) {
    write_decimal(content.len(), out);
    out.push(b':');
    out.extend_from_slice(content.as_bytes());
    out.push(b',');
}

fn write_decimal(number: usize, out: &mut Vec<u8>) {
    if number >= 10 {
        write_decimal(number / 10, out);
    }
    out.push(u8::try_from(number % 10).unwrap_or_default().saturating_add(b'0'));
}

#[cfg(test)]
mod tests;
