use super::*;
use crate::limits::MAX_REPORTED_POLICY_OCTETS;
use crate::verdict::Tls;

const TESTING: &str = "verdict=deliver tls=opportunistic policy=mta-sts mode=testing auth=webpki mx=match cache=stored reason=policy-met mxre=^(.+)$";

fn domain(text: &str) -> PolicyDomain {
    PolicyDomain::parse(text).unwrap()
}

fn answered(line: &str, mode: Mode) -> Answered {
    Answered { policy: PolicyType::MtaSts, mode, tls: Tls::Opportunistic, mark: Mark::of(line) }
}

fn policies(mode: Mode, id: usize) -> AppliedPolicies {
    let text =
        format!("v=STSv1; id={id}\nversion: STSv1\nmode: {}\nmx: mx.a.test\nmax_age: 86400\n", mode.word());
    AppliedPolicies::new(Some((PolicyType::MtaSts, mode, &text)), &[])
}

#[test]
fn a_session_is_counted_under_the_answer_that_it_goes_by_and_not_under_a_later_one() {
    let (mut answers, a) = (GivenAnswers::default(), domain("a.test"));
    let enforced = TESTING.replace("testing", "enforce");
    answers.given(&a, Mark::of(TESTING), policies(Mode::Testing, 1));
    answers.given(&a, Mark::of(&enforced), policies(Mode::Enforce, 2));
    let handed_back = TESTING.replace("cache=stored reason", "cache=hit asked=daemon reason");
    let found = answers.of(&a, &answered(&handed_back, Mode::Testing)).unwrap();
    assert_eq!(*found, policies(Mode::Testing, 1));
    // Of an answer that is not known, the last one of its mode counts.
    let unknown = TESTING.replace("^(.+)$", "^(.^)$");
    assert_eq!(*answers.of(&a, &answered(&unknown, Mode::Enforce)).unwrap(), policies(Mode::Enforce, 2));
    assert_eq!(answers.of(&a, &answered(&unknown, Mode::None)), None);
    assert_eq!(answers.of(&domain("b.test"), &answered(TESTING, Mode::Testing)), None);
}

#[test]
fn there_is_an_end_to_the_answers_that_are_remembered_and_to_their_texts() {
    let mut answers = GivenAnswers::default();
    let number = MAX_ANSWERS_FOLLOWED * 2;
    let mut most = 0;
    for one in 0..number {
        answers.given(&domain(&format!("d{one}.test")), Mark::of("x"), policies(Mode::Enforce, one));
        most = most.max(answers.new.len() + answers.old.len());
    }
    assert_eq!(most, 16_384);
    assert!(answers.of(&domain(&format!("d{}.test", number - 1)), &answered("x", Mode::Enforce)).is_some());
    for one in 0..=MAX_ANSWERS_OF_DOMAIN_FOLLOWED {
        answers.given(&domain("a.test"), Mark::of(&one.to_string()), policies(Mode::Enforce, one));
    }
    assert_eq!(answers.new[&domain("a.test")].len(), MAX_ANSWERS_OF_DOMAIN_FOLLOWED);
    let long = "x".repeat(MAX_REPORTED_POLICY_OCTETS - 10);
    let mut left_out = 0;
    for one in 0..600 {
        let text = format!("{one:05}{long}");
        let policies = AppliedPolicies::new(Some((PolicyType::MtaSts, Mode::Enforce, &text)), &[]);
        answers.given(&domain(&format!("long{one}.test")), Mark::of("x"), policies);
        let found = answers.of(&domain(&format!("long{one}.test")), &answered("x", Mode::Enforce)).unwrap();
        let text = &found.policy(PolicyType::MtaSts).unwrap().text;
        left_out += usize::from(*text == PolicyText::LeftOut);
        assert!(text.as_str().is_none_or(|kept| kept.len() == long.len() + 5));
    }
    assert!((300..600).contains(&left_out), "{left_out}");
}

#[test]
fn the_records_of_a_host_are_found_by_its_name_and_by_what_it_is_an_alias_for() {
    let host = |text: &str| MxHost::from_text(text).unwrap();
    let set = |base: &str, record: &str| TlsaSet { base: host(base), records: Some(vec![record.to_owned()]) };
    let sets = [
        (host("mx.a.test"), set("end.b.test", "3 1 1 AA")),
        (host("own.a.test"), set("own.a.test", "3 1 1 BB")),
    ];
    let policies = AppliedPolicies::new(None, &sets);
    for (name, base, text) in [
        ("mx.a.test", Some("end.b.test"), "3 1 1 AA\n"),
        ("end.b.test", Some("end.b.test"), "3 1 1 AA\n"),
        ("own.a.test", Some("own.a.test"), "3 1 1 BB\n"),
    ] {
        let found = policies.tlsa_set(&host(name)).unwrap();
        assert_eq!(
            (found.base.as_ref().map(MxHost::as_str), found.text.as_str()),
            (base, Some(text)),
            "{name}"
        );
    }
    assert_eq!(policies.tlsa_set(&host("x.test")), None);
}
