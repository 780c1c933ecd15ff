//! A JSON text as a tree of bounded size, in which a key that stands twice is seen. Pure.

use crate::limits::MAX_REPORT_VALUES;
use crate::tls_report::Unreadable;
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// A whole number, zero or more.
    Count(u64),
    /// Any other number.
    Number(f64),
    Text(String),
    List(Vec<Self>),
    /// Its keys in their order, as often as they stand there.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// What is shown of it: the text itself, and for others what they are.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(is_so) => is_so.to_string(),
            Self::Count(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// The values of a text, one behind the other, and whether something that is none follows them.
///
/// # Errors
/// [`Unreadable`]: the first is none, or there are too many values in them.
pub(super) fn values(text: &str) -> Result<(Vec<Json>, bool), Unreadable> {
    // At zero there were too many: the last that may come leaves one.
    let left = Cell::new(MAX_REPORT_VALUES.saturating_add(1));
    let mut input = serde_json::Deserializer::from_str(text);
    let mut values = Vec::new();
    loop {
        match Within(&left).deserialize(&mut input) {
            Ok(value) => values.push(value),
            Err(_) if left.get() == 0 => return Err(Unreadable::TooManyValues),
            Err(_) if !values.is_empty() => return Ok((values, true)),
            Err(error) if error.is_eof() => return Err(Unreadable::JsonCut { line: error.line() }),
            Err(error) => return Err(Unreadable::NotJson { line: error.line(), column: error.column() }),
        }
        if input.end().is_ok() {
            return Ok((values, false));
        }
    }
}

/// The values that may still come.
#[derive(Clone, Copy)]
struct Within<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Json, D::Error> {
        let left = self.0.get().checked_sub(1).filter(|left| *left > 0);
        // At zero the error is ours, and its words are not shown.
        self.0.set(left.unwrap_or(0));
        if left.is_none() {
            return Err(D::Error::custom(""));
        }
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Json, E> {
        Ok(Json::Bool(is_so))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Count(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        // Only what is below zero comes here; what it is exactly is of no account.
        Ok(u64::try_from(number).map_or_else(|_| Json::Number(-1.0), Json::Count))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = fields.next_key_seed(Key)? {
            object.push((key, fields.next_value_seed(self)?));
        }
        Ok(Json::Object(object))
    }
}

/// A key, which is a text.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<String, D::Error> {
        String::deserialize(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_every_key_and_every_kind_of_value() {
        let (values, has_more) = values(r#"{"a":[null,true,1,-1,1.5,"x"],"a":{}} {} "#).unwrap();
        let list = [
            Json::Null,
            Json::Bool(true),
            Json::Count(1),
            Json::Number(-1.0),
            Json::Number(1.5),
            Json::Text("x".to_owned()),
        ];
        let object =
            vec![("a".to_owned(), Json::List(list.to_vec())), ("a".to_owned(), Json::Object(Vec::new()))];
        assert_eq!((values, has_more), (vec![Json::Object(object), Json::Object(Vec::new())], false));
    }

    #[test]
    fn what_is_no_tree_says_where() {
        assert_eq!(values("{} x").unwrap(), (vec![Json::Object(Vec::new())], true));
        assert_eq!(values("{\n \"a\": 1,").unwrap_err(), Unreadable::JsonCut { line: 2 });
        assert_eq!(values("{\n  'a'").unwrap_err(), Unreadable::NotJson { line: 2, column: 3 });
        let deep = "[".repeat(1_000_000);
        assert!(matches!(values(&deep).unwrap_err(), Unreadable::NotJson { .. }));
    }

    #[test]
    fn half_a_million_values_are_read_and_not_one_more() {
        // The list is one of them.
        let wide = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(matches!(&values(&wide(500_000)).unwrap().0[..], [Json::List(all)] if all.len() == 499_999));
        assert_eq!(values(&wide(500_001)).unwrap_err(), Unreadable::TooManyValues);
    }
}
