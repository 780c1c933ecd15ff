//! The outbox of TLS reports, for people and for programs. Pure.

pub mod human;

use crate::reporting::outbox::{Leg, OutboxEntry, Suppression};
use crate::time::UnixTime;
use serde_json::{Value, json};

/// One report: `day`, `domain`, `state` (`due`, `claimed`, `handed`, `sent`, `gave-up`, `unwanted`), `next_try` and `first_try` (moments, null
/// where there is none), `tries`, `words` (what was last heard), and `destinations`: `to`, `state`, `tries`, `next_try`, `words`. One that is a fleet's has
/// `fleet`, too: `store` (the id of its memory) and `part` (0, or the number of a supplement).
#[must_use]
pub fn object(entry: &OutboxEntry, of_a_fleet: Option<(&str, u8)>) -> Value {
    let next = entry.next;
    let mut object = json!({
        "day": entry.day.to_string(),
        "domain": entry.domain.as_str(),
        "state": entry.state.word(),
        "next_try": moment(Some(next).filter(|_| entry.state.is_open())),
        "first_try": moment(Some(entry.first).filter(|first| first.0 > 0)),
        "tries": entry.tries,
        "words": entry.words,
        "destinations": entry.destinations.iter().map(destination).collect::<Vec<_>>(),
    });
    if let (Some((store, part)), Some(object)) = (of_a_fleet, object.as_object_mut()) {
        object.insert("fleet".to_owned(), json!({ "store": store, "part": part }));
    }
    object
}

fn destination(leg: &Leg) -> Value {
    json!({
        "to": leg.key,
        "state": leg.state.word(),
        "tries": leg.tries,
        "next_try": moment(Some(leg.next).filter(|_| leg.state.is_open())),
        "words": leg.words,
    })
}

/// One destination that fails or is left alone: `suppression` (the address or URL; `ADDRESS about DOMAIN` where reports about that domain came
/// back from there), `failing_since` and `until` (moments, null where there is none), `times`, `reason`, `by_hand`.
#[must_use]
pub fn object_of_suppression(suppression: &Suppression) -> Value {
    let failing = suppression.failing;
    json!({
        "suppression": suppression.key,
        "failing_since": moment(Some(UnixTime(failing.since)).filter(|since| since.0 > 0)),
        "until": moment(Some(UnixTime(failing.until)).filter(|until| until.0 > 0)),
        "times": failing.times,
        "reason": suppression.reason,
        "by_hand": suppression.is_by_hand,
    })
}

fn moment(moment: Option<UnixTime>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}
