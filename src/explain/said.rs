//! Untrusted text on its way to a reader.

use serde::{Serialize, Serializer};
use std::fmt;

/// A text that may be untrusted, as it came: JSON and pages escape it, each in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<T: ToString + ?Sized> From<&T> for Said {
    fn from(text: &T) -> Self {
        Self(text.to_string())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::JsonText;

    #[test]
    fn a_program_reads_the_very_text_out_of_printable_ascii() {
        let text = "v=STSv1; id=\\u{1b}\u{1b}[2J\u{202e}\n";
        let json = JsonText(&serde_json::to_string(&Said::from(text)).unwrap()).to_string();
        assert!(json.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
