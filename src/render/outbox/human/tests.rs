use super::*;
use crate::name::PolicyDomain;
use crate::render::outbox::{object, object_of_suppression};
use crate::reporting::outbox::{Leg, State};
use crate::reporting::schedule::Failing;
use crate::reports::tally::Day;

const NOW: UnixTime = UnixTime(1_795_867_200);

fn report(domain: &str, state: State, destinations: Vec<Leg>) -> OutboxEntry {
    let (day, domain, next) = (Day(20_784), PolicyDomain::parse(domain).unwrap(), NOW.plus(1_200));
    let words = "it has no TLSRPT record".to_owned();
    OutboxEntry { day, domain, state, next, first: NOW, tries: 2, words, destinations }
}

fn leg(key: &str, state: State, tries: u64, words: &str) -> Leg {
    Leg { key: key.to_owned(), state, tries, next: NOW.plus(1_200), words: words.to_owned() }
}

fn suppression(until: u64, since: u64) -> Suppression {
    let failing = Failing { since, until, times: 1 };
    Suppression { key: "a@b.example".to_owned(), failing, reason: "status 404".to_owned(), is_by_hand: false }
}

#[test]
fn a_person_sees_how_far_each_is_and_the_last_words() {
    let waits = vec![
        leg("rua@r.example", State::Due, 2, "sendmail ended with 75, tried again"),
        leg("https://r.example/", State::Due, 0, ""),
    ];
    let shown = entry(&report("r.example", State::Due, waits), None, NOW)
        + &entry(&report("none.example", State::Unwanted, vec![]), None, NOW)
        + &entry(&report("all.example", State::Due, vec![]), Some(0), NOW)
        + &entry(&report("late.example", State::Sent, vec![]), Some(2), NOW)
        + &rest(2, &[suppression(NOW.0 + 86_400, 0), suppression(0, NOW.0 - 60)], NOW);
    let expected = "\
2026-11-27 due      r.example, in 20 minutes
    due      rua@r.example: sendmail ended with 75, tried again (2 tries)
    due      https://r.example/: not tried yet
2026-11-27 unwanted none.example
    it has no TLSRPT record (2 tries)
2026-11-27 due      all.example, the fleet's, in 20 minutes
    it has no TLSRPT record (2 tries)
2026-11-27 sent     late.example, the fleet's supplement 2
    it has no TLSRPT record (2 tries)

left alone:
    a@b.example until 2026-11-29T12:00:00Z: status 404

failing, and tried:
    a@b.example since 2026-11-28T11:59:00Z: status 404
";
    assert_eq!(shown, expected);
    assert_eq!(rest(0, &[], NOW), "no such report is in the outbox\n");
}

#[test]
fn a_program_gets_the_same() {
    let sent =
        object(&report("r.example", State::Sent, vec![leg("rua@r.example", State::Sent, 1, "taken")]), None);
    assert_eq!((&sent["state"], &sent["next_try"]), (&"sent".into(), &serde_json::Value::Null));
    assert_eq!(sent["destinations"][0]["to"], "rua@r.example");
    assert_eq!(sent.get("fleet"), None);
    let of_a_fleet = object(&report("r.example", State::Sent, vec![]), Some(("c0ffee", 1)));
    assert_eq!(of_a_fleet["fleet"], serde_json::json!({"store": "c0ffee", "part": 1}));
    let due = object(&report("r.example", State::Due, vec![]), None);
    assert_eq!((&due["next_try"], &due["tries"]), (&"2026-11-28T12:20:00Z".into(), &2.into()));
    let alone = object_of_suppression(&suppression(NOW.0, 0));
    assert_eq!(
        (&alone["until"], &alone["failing_since"]),
        (&"2026-11-28T12:00:00Z".into(), &serde_json::Value::Null)
    );
}
