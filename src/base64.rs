//! Octets as text (RFC 4648 section 4), for keys in zone files and for recordings.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Six bits.
const SEXTET: u32 = 0x3f;

/// The text, with its padding, in one line.
#[must_use]
pub(crate) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|place| chunk.get(place).copied().unwrap_or(0));
        let group = u32::from_be_bytes([0, a, b, c]);
        for (place, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
            let letter = usize::try_from(group >> shift & SEXTET).ok().and_then(|value| ALPHABET.get(value));
            // One octet makes two letters, two make three.
            text.push(letter.filter(|_| place <= chunk.len()).map_or('=', |letter| char::from(*letter)));
        }
    }
    text
}

/// The octets, if the text is in the alphabet and has its padding; bits behind the end count for nothing.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let (mut octets, mut pending, mut bits) = (Vec::with_capacity(digits.len() / 4 * 3 + 2), 0_u16, 0_u32);
    for digit in digits.bytes() {
        pending = pending << 6 | u16::from(value(digit)?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [_, octet] = (pending >> bits).to_be_bytes();
            octets.push(octet);
        }
    }
    Some(octets)
}

const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_test_vectors_of_the_rfc_hold() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ];
        for (octets, text) in vectors {
            assert_eq!(encode(octets.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(octets.as_bytes()));
        }
        for text in ["Z", "Zg=", "Zg", "Z===", "Zm9v=", "Zm9*", "Zm 9v===", "====", "Zé=="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(&encode(&octets)), Some(octets));
        }

        #[test]
        fn no_text_panics(text in "[A-Za-z0-9+/=]{0,24}|\\PC{0,20}") {
            let _ = decode(&text);
        }
    }
}
