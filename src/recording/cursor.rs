//! A place in untrusted JSON that knows its name, so that every complaint names the field. Pure.

use crate::text::excerpt;
use data_encoding::BASE64;
use serde_json::Value;
use std::fmt::{self, Display};

/// Characters of what was found that are shown.
const SHOWN: usize = 60;

/// What is wrong with a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The field, such as `dns[3].server`; empty for the file as a whole.
    pub field: String,
    /// What was expected and what was found, in printable ASCII.
    pub why: String,
}

impl Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.why),
            field => write!(f, "field '{field}' {}", self.why),
        }
    }
}

impl std::error::Error for Defect {}

/// A value and its name.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    name: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole.
    pub(super) const fn root(value: &'a Value) -> Self {
        Self { name: String::new(), value }
    }

    /// What is wrong here.
    pub(super) fn defect(&self, why: impl Display) -> Defect {
        Defect { field: self.name.clone(), why: why.to_string() }
    }

    fn expected(&self, what: &str) -> Defect {
        self.defect(format_args!("is {}, expected {what}", self.found()))
    }

    /// What stands here, for a complaint.
    fn found(&self) -> String {
        match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("'{}'", excerpt(text, SHOWN)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        }
    }

    /// The value itself.
    pub(super) const fn value(&self) -> &'a Value {
        self.value
    }

    /// A field of this object.
    pub(super) fn get(&self, name: &str) -> Result<Self, Defect> {
        let Value::Object(fields) = self.value else { return Err(self.expected("an object")) };
        let full = if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) };
        match fields.get(name) {
            Some(value) => Ok(Self { name: full, value }),
            None => Err(Defect { field: full, why: "is missing".to_owned() }),
        }
    }

    /// The same, but for `null`.
    pub(super) fn present(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    /// The values of this list.
    pub(super) fn list(&self) -> Result<impl Iterator<Item = Self>, Defect> {
        let Value::Array(values) = self.value else { return Err(self.expected("a list")) };
        let name = |place| format!("{}[{place}]", self.name);
        Ok(values.iter().enumerate().map(move |(place, value)| Self { name: name(place), value }))
    }

    /// Each value of this list, read.
    pub(super) fn each<T>(&self, read: impl Fn(&Self) -> Result<T, Defect>) -> Result<Vec<T>, Defect> {
        self.list()?.map(|field| read(&field)).collect()
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, Defect> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    /// A text of printable ASCII, as this program shows it.
    pub(super) fn printable(&self) -> Result<&'a str, Defect> {
        let text = self.text()?;
        let is_printable = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
        if is_printable { Ok(text) } else { Err(self.expected("printable ASCII")) }
    }

    /// A number that is not negative.
    pub(super) fn number(&self) -> Result<u64, Defect> {
        self.value.as_u64().ok_or_else(|| self.expected("a number that is not negative"))
    }

    /// `true` or `false`.
    pub(super) fn truth(&self) -> Result<bool, Defect> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// Octets, in base64.
    pub(super) fn octets(&self) -> Result<Vec<u8>, Defect> {
        BASE64.decode(self.text()?.as_bytes()).map_err(|_| self.expected("octets in base64"))
    }

    /// A text that means something; `what` says what was expected.
    pub(super) fn parsed<T>(&self, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Defect> {
        parse(self.text()?).ok_or_else(|| self.expected(what))
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&self, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, Defect> {
        let text = self.text()?;
        let words = || all.iter().map(|one| format!("'{}'", word(*one))).collect::<Vec<_>>().join(", ");
        let found = all.iter().copied().find(|one| word(*one) == text);
        found.ok_or_else(|| self.expected(&format!("one of {}", words())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_complaint_names_the_field_what_was_expected_and_what_was_found() {
        let value = json!({"a": [{"b": "x\u{1b}[31m"}], "n": -1});
        let root = Field::root(&value);
        let list = root.get("a").unwrap();
        let inner = list.list().unwrap().next().unwrap();
        let said = |defect: Defect| defect.to_string();
        assert_eq!(said(inner.get("c").unwrap_err()), "field 'a[0].c' is missing");
        let b = inner.get("b").unwrap();
        assert_eq!(
            said(b.number().unwrap_err()),
            "field 'a[0].b' is 'x\\u{1b}[31m', expected a number that is not negative"
        );
        assert!(said(b.printable().unwrap_err()).ends_with("expected printable ASCII"));
        assert_eq!(
            said(b.word(&[true, false], |w| if w { "x" } else { "y" }).unwrap_err()),
            "field 'a[0].b' is 'x\\u{1b}[31m', expected one of 'x', 'y'"
        );
        assert_eq!(
            said(root.get("n").unwrap().number().unwrap_err()),
            "field 'n' is -1, expected a number that is not negative"
        );
        assert_eq!(said(list.text().unwrap_err()), "field 'a' is a list, expected a text");
        assert_eq!(said(Field::root(&json!(3)).get("a").unwrap_err()), "is 3, expected an object");
    }
}
