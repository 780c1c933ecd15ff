//! A stranger's text on its way to a reader.

use crate::text::Escaped;
use serde::{Serialize, Serializer};
use std::fmt;

/// A text that may be a stranger's, as it came. JSON gets it escaped; a page escapes all of its words itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Escaped(&self.0))
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
