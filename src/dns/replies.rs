//! What came back, and how a walk reads it: records are picked by owner, type and class, never taken as offered.

use super::{Outage, Question, ZoneStatus};
use crate::limits::MAX_REPLY_RECORDS;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::collections::HashMap;

/// What a question brought back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A reply to this very question, whole (TC clear), whatever its RCODE.
    Message(Box<Message>),
    /// None: the cause, and a sentence for the operator.
    Failed(Outage, String),
}

/// Every reply so far, by its question. All walks of one verdict share one.
#[derive(Clone, Debug, Default)]
pub struct Replies(HashMap<Question, Reply>);

/// Why a walk cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// The reply to this question has not come back yet.
    Missing(Question),
    /// A proof that the chain of trust demands is not there, or is false.
    Bogus(String),
    /// There is nothing to judge.
    Failed(Outage, ZoneStatus, String),
}

/// A step of the proof.
pub(super) type Found<T> = Result<T, Stop>;

/// The end of a step: bogus, with a stable first word for the rule and a sentence that names the name.
pub(super) fn bogus<T>(word: &str, sentence: &str) -> Found<T> {
    Err(Stop::Bogus(format!("{word}: {sentence}")))
}

/// The end of a step: a limit was reached, and nothing is said about the answer.
pub(super) fn exhausted<T>(sentence: &str) -> Found<T> {
    Err(Stop::Failed(Outage::Budget, ZoneStatus::Unknown, format!("budget: {sentence}")))
}

impl Replies {
    /// What the question brought back, if it has come back yet.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Reply> {
        self.0.get(question)
    }

    /// Keeps a reply. If it replaces another one, the walks must begin again under a fresh
    /// [`super::chain::TrustContext`].
    pub fn insert(&mut self, question: Question, reply: Reply) {
        self.0.insert(question, reply);
    }

    /// The reply to a question, if it can be judged: whole, of a modest size, and with an RCODE that speaks of the
    /// name and not of the server. An RCODE proves nothing further (RFC 4035 section 5).
    pub(super) fn message(&self, name: &Name, rtype: RecordType) -> Found<&Message> {
        let question = Question::new(name, rtype);
        let failed = |why: &str| {
            Stop::Failed(Outage::NoAnswer, ZoneStatus::Unknown, format!("no-answer: {question}: {why}"))
        };
        match self.0.get(&question) {
            None => Err(Stop::Missing(question)),
            Some(Reply::Failed(Outage::OutOfResources, why)) => Err(Stop::Failed(
                Outage::OutOfResources,
                ZoneStatus::Unknown,
                format!("out-of-resources: {question}: {why}"),
            )),
            Some(Reply::Failed(outage, why)) => {
                Err(Stop::Failed(*outage, ZoneStatus::Unknown, format!("no-answer: {question}: {why}")))
            }
            Some(Reply::Message(message)) if message.metadata.truncation => {
                Err(failed("the reply was cut short"))
            }
            Some(Reply::Message(message))
                if message.answers.len() + message.authorities.len() > MAX_REPLY_RECORDS =>
            {
                exhausted(&format!("{question}: a reply of more than {MAX_REPLY_RECORDS} records"))
            }
            Some(Reply::Message(message)) => match message.metadata.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => Ok(message),
                code => Err(failed(&format!("the name server says {}", code.to_str()))),
            },
        }
    }
}

/// The records of one owner, type and class IN.
pub(super) fn records<'m, 'n>(
    section: &'m [Record],
    owner: &'n Name,
    rtype: RecordType,
) -> impl Iterator<Item = &'m Record> + use<'m, 'n> {
    section.iter().filter(move |record| {
        record.record_type() == rtype && record.dns_class == DNSClass::IN && record.name == *owner
    })
}

/// Is there such a record?
pub(super) fn has(section: &[Record], owner: &Name, rtype: RecordType) -> bool {
    records(section, owner, rtype).next().is_some()
}

/// Seconds that a record's TTL allows; one with the highest bit set counts as zero (RFC 2181 section 8).
pub(super) fn seconds(ttl: u32) -> u64 {
    if ttl > i32::MAX.unsigned_abs() { 0 } else { u64::from(ttl) }
}

/// Seconds that the SOA of a negative reply allows: the lesser of its TTL and its MINIMUM (RFC 2308 section 5). It
/// needs no signature, for it only shortens.
pub(super) fn negative_seconds(message: &Message) -> Option<u64> {
    message
        .authorities
        .iter()
        .filter_map(|record| match &record.data {
            RData::SOA(soa) => Some(seconds(record.ttl).min(seconds(soa.minimum))),
            _ => None,
        })
        .min()
}

/// A name as it is shown.
pub(super) fn shown(name: &Name) -> String {
    name.to_lowercase().to_ascii()
}

#[cfg(test)]
mod tests;
