use super::*;

#[test]
fn a_failure_says_what_happened_and_then_what_each_server_did() {
    let upstreams = Upstreams::new(&["192.0.2.1:53".parse().unwrap(), "192.0.2.2:53".parse().unwrap()]);
    let failure = upstreams.failure(Outage::NoAnswer, "", &[None, None]);
    assert_eq!(failure.text, "192.0.2.1:53: silent; 192.0.2.2:53: silent");
    let failure = upstreams.failure(Outage::Deadline, "the deadline of the run came first", &[None, None]);
    let text = "the deadline of the run came first; 192.0.2.1:53: silent; 192.0.2.2:53: silent";
    assert_eq!(failure, QueryFailure { outage: Outage::Deadline, text: text.to_owned() });
}

#[test]
fn only_the_end_of_the_run_is_its_deadline() {
    let upstreams = Upstreams::new(&["192.0.2.1:53".parse().unwrap()]);
    let end = Instant::now();
    let failure = upstreams.out_of_time(end, end, &[None]);
    let text = "the deadline of the run came first; 192.0.2.1:53: silent";
    assert_eq!(failure, QueryFailure { outage: Outage::Deadline, text: text.to_owned() });
    let failure = upstreams.out_of_time(end, end + QUESTION_DEADLINE, &[None]);
    let text = "no reply in time; 192.0.2.1:53: silent";
    assert_eq!(failure, QueryFailure { outage: Outage::NoAnswer, text: text.to_owned() });
}

#[test]
fn the_order_is_a_ring_that_begins_where_the_opinion_says() {
    let upstreams =
        Upstreams::new(&["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"].map(|text| text.parse().unwrap()));
    assert_eq!(upstreams.order(Opinion::First), [0, 1, 2]);
    assert_eq!(upstreams.order(Opinion::Checked), [0, 1, 2]);
    assert_eq!(upstreams.order(Opinion::Second(2)), [2, 0, 1]);
    assert_eq!(upstreams.order(Opinion::Second(4)), [1, 2, 0]);
    upstreams.servers[0].avoided.store(true, Relaxed);
    assert_eq!(upstreams.order(Opinion::First), [1, 2, 0]);
}
