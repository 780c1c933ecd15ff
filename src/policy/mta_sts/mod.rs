//! Stands in until the parsers of RFC 8461 are here.
#![expect(missing_docs, reason = "stands in")]
use crate::policy::Mode;
use crate::policy::pattern::MxPattern;
use std::fmt;
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    id: String,
    text: String,
}
impl Record {
    pub fn as_str(&self) -> &str {
        &self.text
    }
    pub fn id(&self) -> &str {
        &self.id
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub mode: Mode,
    pub mx: Vec<MxPattern>,
    pub max_age: u64,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub record: Record,
    pub body: Body,
}
impl Policy {
    pub fn parse(_: &str) -> Result<Self, &str> {
        Err("no policy")
    }
}
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.record.as_str())
    }
}
