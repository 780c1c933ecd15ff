use super::*;
use crate::verify::{Evidence, NoEvaluation};
use std::collections::BTreeSet;

fn words<K: Closed>() -> usize {
    let words: BTreeSet<&str> = K::ALL.iter().map(|key| key.word()).collect();
    assert!(words.iter().all(|word| word.bytes().all(|b| b == b'-' || b.is_ascii_lowercase())), "{words:?}");
    words.len()
}

#[test]
fn each_word_is_counted_for_itself() {
    let counters = Counters::default();
    for _ in 0..3 {
        counters.answered(
            Mta::Exim,
            Verdict::Refuse,
            Reason::MxNotInPolicy,
            Source::Warm,
            Duration::from_micros(7),
        );
    }
    assert_eq!(counters.answers.of(Mta::Exim).of(Verdict::Refuse).get(), 3);
    assert_eq!(counters.answers.of(Mta::Postfix).of(Verdict::Refuse).get(), 0);
    let sum: u64 = counters.reasons.iter().map(|(_, counter)| counter.get()).sum();
    assert_eq!((sum, counters.reasons.of(Reason::MxNotInPolicy).get()), (3, 3));
}

#[test]
fn no_list_has_a_word_twice() {
    assert_eq!(words::<Reason>(), Reason::ALL.len());
    assert_eq!(words::<Verdict>() + words::<Class>() + words::<Ending>(), 3 + 4 + 4);
    assert_eq!(words::<Source>() + words::<Cutting>() + words::<Page>() + words::<Refusal>(), 5 + 6 + 4 + 4);
    assert_eq!(words::<Overload>(), 3);
}

/// What a report counts is found by its word alone.
#[test]
fn no_class_of_an_answer_is_the_end_of_a_fetch() {
    assert!(Class::ALL.iter().all(|class| Ending::ALL.iter().all(|end| end.word() != class.word())));
}

#[test]
fn a_gauge_comes_back_to_zero_whatever_happens_to_its_holder() {
    let gauge = Gauge::default();
    let first = gauge.held();
    let _ = std::panic::catch_unwind(|| {
        let _second = gauge.held();
        panic!("as a task may");
    });
    assert_eq!(gauge.get(), 1);
    drop(first);
    assert_eq!(gauge.get(), 0);
}

#[test]
fn a_look_up_counts_what_it_asked_and_fetched_and_not_what_was_remembered() {
    let heard = |class, queries, elapsed| Evidence {
        question: String::new(),
        class,
        said: String::new(),
        valid_until: None,
        elapsed,
        queries,
    };
    let mut report = Report::from(NoEvaluation::defer(Reason::NoPolicy, ""));
    report.evidence = vec![
        heard("secure", 3, Some(Duration::from_millis(1))),
        heard("insecure", 0, None),
        heard("authenticated", 0, None),
        heard("inapplicable", 0, None),
    ];
    let counters = Counters::default();
    counters.looked_up(&report);
    let count = |words: &[&str]| -> Vec<u64> {
        let of = |word: &&str| counters.dns_answers.named(word).or_else(|| counters.fetches.named(word));
        words.iter().map(|word| of(word).unwrap().get()).collect()
    };
    assert_eq!(count(&["secure", "insecure", "authenticated", "failed"]), [1, 0, 1, 0]);
    assert_eq!(counters.dns_questions.get(), 3);
}

#[test]
fn a_duration_is_in_the_class_whose_end_it_does_not_pass() {
    let histogram = Histogram::default();
    for micros in [0, 10, 11, 5_000_000, 5_000_001, u64::MAX] {
        histogram.observe(Duration::from_micros(micros));
    }
    let (classes, all) = histogram.cumulated();
    assert_eq!((classes[0].1, classes[1].1, classes[14].1, all), (2, 3, 4, 6));
    assert!(classes.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(histogram.within(33), Some(Duration::from_micros(10)));
    assert_eq!((histogram.within(66), histogram.within(67)), (Some(LATENCIES[14]), None));
    assert_eq!(Histogram::default().within(50), None);
}
