//! A stranger's recording: whatever is wrong with it is told with the name of the field, or seen in the replay.

use super::identity::schema;
use super::stage::{live, question};
use crate::support::laboratory::{Laboratory, path};
use serde_json::{Value, json};
use smtp_sts_verify::explain::json::object;
use smtp_sts_verify::limits::MAX_RECORDING_OCTETS;
use smtp_sts_verify::recording::{Conclusion, Recording};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::time::Duration;

/// A recording in which most fields hold something: a policy with a history, an override that is over, a reply, a failure,
/// a fetch.
fn rich() -> Value {
    let lab = Laboratory::start();
    let (cache, now) = (lab.cache_file(), SystemClock.now());
    path::ask(&lab, &cache, "too-late.test", Some("mx.too-late.test"), now);
    lab.change_policy(
        "too-late.test",
        "another",
        "version: STSv1|mode: enforce|mx: mx.too-late.test|max_age: 86400",
    );
    lab.behave(
        crate::support::laboratory::name_server::Scope::question("_smtp_sts.too-late.test.", "TXT"),
        crate::support::laboratory::name_server::Manner::Servfail,
    );
    let question = question(&lab, "too-late.test", Some("mx.too-late.test"), now);
    let live = live(&lab, &[lab.dns()], &cache, &question, now, Duration::from_secs(5));
    let text = live.recording.to_text();
    for part in ["\"body\"", "\"failure\"", "\"reply\"", "\"learnt\"", "\"scope\"", "\"mta-sts\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    serde_json::from_str(&text).unwrap()
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.replace('/', "~1"), value)).collect()
        }
        Value::Array(values) => values.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        let place = format!("{at}/{name}");
        places(value, &place, all);
        all.push(place);
    }
}

/// What becomes of a changed recording: an error, a difference that is told, or nothing at all.
fn noticed(changed: &Value) -> Option<String> {
    let (recording, differences) = match Recording::read(changed.to_string().as_bytes()) {
        Err(defect) => return Some(defect.to_string()),
        Ok(read) => read,
    };
    let replayed = Conclusion::of(&recording.explain().unwrap());
    let concluded = recording.conclusion.differs(&recording.program, &replayed);
    differences.first().map(ToString::to_string).or(concluded)
}

#[test]
fn a_field_that_is_missing_or_says_something_else_is_noticed() {
    let (good, schema) = (rich(), schema());
    assert_eq!(noticed(&good), None);
    let mut all = Vec::new();
    places(&good, "", &mut all);
    assert!(all.len() > 200, "{} places", all.len());
    for place in &all {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut without = good.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(name).unwrap()),
            Value::Array(values) => drop(values.remove(name.parse().unwrap())),
            other => panic!("{other}"),
        }
        let said = noticed(&without).unwrap_or_else(|| panic!("{place} can be left out"));
        assert!(said.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{place}: {said:?}");
        if good.pointer(parent).unwrap().is_object() {
            assert!(!schema.is_valid(&without), "the schema lets {place} be left out");
        }
        for other in
            [json!(null), json!(7), json!("\u{1b}[31m"), json!([]), json!({}), json!(true), json!(-1)]
        {
            let mut changed = good.clone();
            let field = changed.pointer_mut(place).unwrap();
            if *field == other {
                continue;
            }
            *field = other.clone();
            let said = noticed(&changed).unwrap_or_else(|| panic!("{place} can be {other}"));
            assert!(said.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{place}: {said:?}");
        }
    }
}

#[test]
fn no_text_of_a_recording_is_shown_as_it_came() {
    let good = rich();
    let mut all = Vec::new();
    places(&good, "", &mut all);
    let mut shown = 0;
    for place in all.iter().filter(|place| good.pointer(place).unwrap().is_string()) {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = json!("a\u{9b}31m\u{202e}z");
        if let Ok((recording, _)) = Recording::read(changed.to_string().as_bytes()) {
            let told = object(&recording.explain().unwrap());
            assert!(told.trim_end().bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{place}: {told}");
            shown += usize::from(told.contains("31m"));
        }
    }
    assert!(shown > 0, "the reason of an override may be in any language");
}

#[test]
fn octets_that_were_changed_are_noticed() {
    let good = rich();
    let mut all = Vec::new();
    places(&good, "", &mut all);
    for place in all.iter().filter(|place| place.ends_with("/octets")) {
        let text = good.pointer(place).unwrap().as_str().unwrap();
        for at in (0..text.len()).step_by(text.len() / 12 + 1) {
            let mut letters = text.as_bytes().to_vec();
            letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
            let mut changed = good.clone();
            *changed.pointer_mut(place).unwrap() = json!(String::from_utf8(letters).unwrap());
            assert!(noticed(&changed).is_some(), "{place} at {at}");
        }
    }
}

#[test]
fn complaints_name_the_field() {
    let good = rich();
    let complaint = |place: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value;
        Recording::read(changed.to_string().as_bytes()).unwrap_err().to_string()
    };
    for (place, value, expected) in [
        (
            "/smtp_sts_verify_recording",
            json!(2),
            "field 'smtp_sts_verify_recording' is 2, and this program reads 1",
        ),
        ("/moment", json!("now"), "field 'moment' is 'now', expected a number that is not negative"),
        ("/request/domain", json!("a..b"), "field 'request.domain' is 'a..b', expected a mail domain"),
        (
            "/request/handshake",
            json!("shaken"),
            "field 'request.handshake' is 'shaken', expected one of 'not-seen', 'unverified', 'verified'",
        ),
        (
            "/settings/trust_anchors",
            json!([". IN A 192.0.2.1"]),
            "field 'settings.trust_anchors' holds no anchors: line 1",
        ),
        ("/cache/policies/0/policy", json!("nonsense"), "field 'cache.policies[0].policy' "),
        (
            "/dns/0/server",
            json!("ns.example"),
            "field 'dns[0].server' is 'ns.example', expected an address and a port",
        ),
        ("/dns/0/octets", json!("AAAA"), "field 'dns[0].octets' is no reply"),
        (
            "/dns/1/question",
            good.pointer("/dns/0/question").unwrap().clone(),
            "field 'dns[1].octets' is no reply",
        ),
        ("/https/0/octets", json!("*"), "field 'https[0].octets' is '*', expected octets in base64"),
    ] {
        let said = complaint(place, value);
        assert!(said.starts_with(expected), "{said}");
    }
    let twice = {
        let mut changed = good.clone();
        let first = changed["dns"][0].clone();
        changed["dns"].as_array_mut().unwrap().push(first);
        Recording::read(changed.to_string().as_bytes()).unwrap_err().to_string()
    };
    assert!(twice.contains("question' stands there twice"), "{twice}");
}

#[test]
fn what_is_no_recording_is_refused_and_nothing_beyond_the_limit_is_read() {
    for text in ["", "{", "null", "[]", "{}", "\u{1b}[2J", "{\"smtp_sts_verify_recording\":\"1\"}"] {
        let said = Recording::read(text.as_bytes()).unwrap_err().to_string();
        assert!(said.is_ascii() && !said.contains('\u{1b}'), "{text:?}: {said}");
    }
    let deep = "[".repeat(100_000);
    assert!(Recording::read(deep.as_bytes()).unwrap_err().why.contains("recursion limit"));
    let mut largest = serde_json::to_vec(&rich()).unwrap();
    largest.resize(MAX_RECORDING_OCTETS, b' ');
    assert!(Recording::read(&largest).is_ok());
    let large = vec![b' '; MAX_RECORDING_OCTETS + 1];
    assert!(Recording::read(&large).unwrap_err().why.starts_with("more than 16777216 octets"));
}
