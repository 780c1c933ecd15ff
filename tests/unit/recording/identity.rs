//! For every delivery of the laboratory: what is recorded explains the same again, in whatever order the replies come.

use super::stage::{Order, asked, live, question, replay, sent};
use crate::support::laboratory::{Laboratory, deliveries, path};
use hickory_proto::rr::RecordType;
use serde_json::Value;
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// The schema that describes recordings to other programs.
pub(crate) fn schema() -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(include_str!("../../../fixtures/recording.schema.json")).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn every_delivery_of_the_laboratory_is_explained_from_its_recording_as_it_was_live() {
    let lab = Laboratory::start();
    let (cache, now, schema) = (lab.cache_file(), SystemClock.now(), schema());
    let mut with_policies = 0;
    for delivery in deliveries::all() {
        let question = question(&lab, delivery.domain, delivery.host, now);
        let live = live(&lab, &[lab.dns()], &cache, &question, now, PATIENCE);
        let recording = sent(&live.recording);
        let text: Value = serde_json::from_str(&recording.to_text()).unwrap();
        assert_eq!(schema.validate(&text).map_err(|error| error.to_string()), Ok(()), "{delivery:?}");
        for order in [Order::AsAsked, Order::Reversed, Order::Shuffled(1), Order::Shuffled(2)] {
            let replayed = replay(&recording, order);
            assert!(
                replayed == live.told,
                "{delivery:?} {order:?}\n{}",
                first_difference(&live.told, &replayed)
            );
        }
        with_policies += usize::from(recording.cache.known.policies.iter().next().is_some());
        // What a delivery learns is in the cache when the next one is explained.
        path::ask(&lab, &cache, delivery.domain, delivery.host, now);
    }
    assert!(with_policies > 10, "recordings with remembered policies: {with_policies}");
}

/// What the replays above are run in.
#[test]
#[should_panic(expected = "IO is disabled")]
fn a_replay_that_opened_a_socket_would_be_noticed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _never = runtime.block_on(tokio::net::UdpSocket::bind("127.0.0.1:0"));
}

fn first_difference(one: &str, other: &str) -> String {
    let differing = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    format!("live:     {:?}\nreplayed: {:?}", differing.map(|pair| pair.0), differing.map(|pair| pair.1))
}

#[test]
fn a_recording_holds_what_people_need_to_look_into_it() {
    let lab = Laboratory::start();
    let (cache, now) = (lab.cache_file(), SystemClock.now());
    let question = question(&lab, "badcert.test", None, now);
    let live = live(&lab, &[lab.dns()], &cache, &question, now, PATIENCE);
    assert!(asked(&live.recording, ".", RecordType::DNSKEY));
    let [fetching] = live.recording.https.as_slice() else { panic!("{:?}", live.recording.https) };
    assert_eq!(fetching.sighting.address.unwrap().port(), lab.https_port());
    assert!(!fetching.sighting.chain.is_empty(), "the chain that was refused");
    let text = live.recording.to_text();
    assert!(text.contains("issued by CN=") && text.contains("RRSIG DNSKEY 13 0"), "{text}");
}
