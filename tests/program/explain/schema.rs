//! The schema: complete, and kept by what the program writes about every domain of the laboratory's world.

use super::fixture::{at, document};
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::{Laboratory, deliveries};
use crate::support::program::Program;
use serde_json::Value;
use smtp_sts_verify::cache::{Event, Learnt, OwnLook, Source, Standing};
use smtp_sts_verify::explain::{
    Candidate, DaneOfHost, Exchangers, Fault, Part, Published, Terms, exim, rule,
};
use smtp_sts_verify::overrides::Effect;
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::verify::Ending;
use std::collections::BTreeSet;

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/explain.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn assert_keeps(validator: &jsonschema::Validator, document: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}: {}", at(document, "/domain"), errors.join("\n"));
}

#[test]
fn what_is_written_about_every_domain_of_the_world_keeps_to_the_schema() {
    let lab = Laboratory::start();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let program = Program::new(&lab);
    let configuration = lab.configuration();
    let configuration = ["--config", configuration.to_str().unwrap(), "--deadline", "3"];
    let mut reasons = BTreeSet::new();
    for delivery in deliveries::all() {
        let words = [&[delivery.domain][..], delivery.host.as_slice(), &configuration[..]].concat();
        let (document, _) = document(&lab, &program, &words);
        assert_keeps(&validator, &document);
        reasons.insert(at(&document, "/answer/reason").to_owned());
    }
    assert!(reasons.len() > 15, "the world is too small: {reasons:?}");
}

#[test]
fn what_is_written_from_a_past_and_in_a_hostile_world_keeps_to_the_schema() {
    let lab = Laboratory::start();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let program = Program::new(&lab);
    program.delivery("enforced.test", "mx1.enforced.test");
    program.delivery("sts.test", "mx1.sts.test");
    program.delivery("sts-missing.test", "mx.sts-missing.test");
    lab.replace("_mta-sts.none.test", "TXT", "\"v=STSv1; id=\\027[2J\\255\\\\\"");
    let mut domains = vec!["enforced.test", "sts.test", "sts-missing.test", "none.test"];
    for domain in &domains {
        assert_keeps(&validator, &document(&lab, &program, &[domain]).0);
    }
    lab.behave(Scope::Everything, Manner::Stripped);
    domains.push("dane.test");
    for domain in domains {
        assert_keeps(&validator, &document(&lab, &program, &[domain, "--deadline", "3"]).0);
    }
}

/// The words that the schema allows at a place, without null.
fn words(schema: &Value, pointer: &str) -> Vec<String> {
    let found = schema.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    let words = found.as_array().unwrap().iter().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

#[test]
fn the_closed_lists_of_the_schema_are_those_of_the_program() {
    let schema = schema();
    let check = |pointer: &str, expected: Vec<&'static str>| {
        let found: BTreeSet<String> = words(&schema, pointer).into_iter().collect();
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(found, expected, "{pointer}");
    };
    let state = |of: &str| format!("/$defs/{of}/properties/state/enum");
    check("/$defs/reason/enum", Reason::ALL.map(Reason::word).to_vec());
    check("/$defs/fault/properties/cause/enum", Fault::CAUSES.to_vec());
    check("/$defs/rule/enum", rule::ALL.to_vec());
    check(&state("exchangers"), Exchangers::STATES.to_vec());
    check(&state("dane_of_host"), DaneOfHost::STATES.to_vec());
    check(&state("published"), Published::STATES.to_vec());
    check("/$defs/terms/properties/life/enum", Terms::LIVES.to_vec());
    check("/$defs/part/properties/part/enum", Part::PARTS.to_vec());
    check("/$defs/candidate/properties/standing/enum", Candidate::STANDINGS.to_vec());
    check("/$defs/learnt/properties/from/enum", Source::WORDS.to_vec());
    check("/$defs/learnt/properties/confirmed_by/enum", Learnt::CONFIRMATIONS.to_vec());
    check("/$defs/heard/properties/own_look/enum", OwnLook::WORDS.to_vec());
    check("/$defs/heard/properties/standing/enum", Standing::WORDS.to_vec());
    check("/$defs/event/properties/event/enum", Event::ALL.map(Event::word).to_vec());
    check("/$defs/fetch/properties/ending/enum", Ending::ALL.map(Ending::word).to_vec());
    check("/$defs/override/properties/effect/enum", Effect::ALL.map(Effect::word).to_vec());
    let actions = words(&schema, "/$defs/exim/properties/action/enum");
    assert_eq!(serde_json::to_value(exim::Action::ALL).unwrap(), serde_json::to_value(actions).unwrap());
}

#[test]
fn every_property_is_described_and_no_other_is_allowed() {
    fn look(place: &str, schema: &Value) {
        let Value::Object(object) = schema else { return };
        if let Some(Value::Object(properties)) = object.get("properties") {
            assert_eq!(object.get("additionalProperties"), Some(&Value::Bool(false)), "{place}");
            let required: BTreeSet<&str> =
                object["required"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
            assert_eq!(required, properties.keys().map(String::as_str).collect(), "{place}");
            for (name, property) in properties {
                let said = property.get("description").and_then(Value::as_str).unwrap_or_default();
                assert!(said.ends_with('.') && said.len() > 3, "{place}/{name}: '{said}'");
            }
        }
        object.iter().for_each(|(key, value)| look(&format!("{place}/{key}"), value));
    }
    look("", &schema());
    assert!(jsonschema::meta::is_valid(&schema()));
}
