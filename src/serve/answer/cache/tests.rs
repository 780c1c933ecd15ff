use super::*;
use crate::reason::Reason;
use crate::verify::{NoEvaluation, Report};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn about(domain: &str, host: Option<&str>) -> Question {
    let host = host.map(|host| MxHost::from_text(host).unwrap());
    Question::about(PolicyDomain::parse(domain).unwrap(), host)
}

fn standing(question: &Question, seconds: u64) -> Standing {
    let answer = MtaAnswer::of(&Report::from(NoEvaluation::defer(Reason::DnssecBogus, "")), question);
    Standing { answer: Arc::new(answer), from: NOW, until: NOW.plus(seconds) }
}

#[test]
fn a_host_in_brackets_is_another_question_than_the_domain_of_that_name() {
    let mut cache = AnswerCache::default();
    let domain = about("a.test", None);
    let host = Question { next_hop: NextHop::Host(25), ..domain.clone() };
    let port = Question { next_hop: NextHop::Host(587), ..domain.clone() };
    cache.remember(&domain, standing(&domain, 60));
    assert!(cache.recall(&domain, NOW).is_some());
    assert!(cache.recall(&host, NOW).is_none() && cache.recall(&port, NOW).is_none());
    cache.remember(&host, standing(&host, 60));
    assert_eq!(cache.len(), 2);
    cache.forget(&domain.domain);
    assert!(cache.recall(&host, NOW).is_none() && cache.is_empty());
}

#[test]
fn an_answer_stands_from_its_beginning_until_its_end_and_at_no_other_time() {
    let (mut cache, question) = (AnswerCache::default(), about("a.test", None));
    cache.remember(&question, standing(&question, 60));
    for (now, stands) in
        [(NOW, true), (NOW.plus(59), true), (NOW.plus(60), false), (UnixTime(NOW.0 - 1), false)]
    {
        assert_eq!(cache.recall(&question, now).is_some(), stands, "{now}");
    }
    assert_eq!(cache.recall(&about("a.test", Some("mx.a.test")), NOW), None);
}

#[test]
fn a_domain_is_forgotten_with_all_of_its_hosts_and_no_other_one() {
    let mut cache = AnswerCache::default();
    let questions = [about("a.test", None), about("a.test", Some("mx.a.test")), about("b.test", None)];
    for question in &questions {
        cache.remember(question, standing(question, 60));
    }
    cache.forget(&questions[0].domain);
    let left = questions.map(|question| cache.recall(&question, NOW).is_some());
    assert_eq!((left, cache.len()), ([false, false, true], 1));
}

#[test]
fn whatever_strangers_ask_for_there_is_an_end_to_what_is_kept_and_what_is_in_use_stays() {
    let (mut cache, used) = (AnswerCache::default(), about("used.test", None));
    cache.remember(&used, standing(&used, 60));
    let mut most = 0;
    for number in 0..3 * MAX_CACHED_ANSWERS {
        let one = about("a.test", Some(&format!("h{number}.test")));
        cache.remember(&one, standing(&used, 60));
        if number % 100 == 0 {
            assert!(cache.recall(&used, NOW).is_some(), "{number}");
        }
        most = most.max(cache.len());
    }
    assert_eq!(most, 20_000);
}

/// An answer with so many octets.
fn of_octets(question: &Question, octets: usize) -> Standing {
    let one = standing(question, 60);
    let mut answer = MtaAnswer::clone(&one.answer);
    answer.exim = "x".repeat(octets + answer.exim.len() - answer.octets()).into();
    Standing { answer: Arc::new(answer), ..one }
}

#[test]
fn long_answers_are_bounded_in_octets_and_drive_out_long_ones_alone() {
    let (mut cache, used) = (AnswerCache::default(), about("used.test", Some("long.test")));
    let usual: Vec<_> = (0..1_000).map(|n| about(&format!("u{n}.test"), None)).collect();
    usual.iter().for_each(|one| cache.remember(one, of_octets(one, 1_600)));
    cache.remember(&used, of_octets(&used, 1_601));
    let mut most = 0;
    for number in 0..2_000 {
        let one = about(&format!("a{number}.test"), None);
        cache.remember(&one, of_octets(&one, 34_000));
        if number % 100 == 0 {
            assert!(cache.recall(&used, NOW).is_some(), "{number}");
        }
        let long = [&cache.long.new, &cache.long.old];
        let kept: usize = long.iter().flat_map(|half| half.domains.values()).map(words).sum();
        assert_eq!(kept, long[0].octets + long[1].octets);
        most = most.max(kept);
    }
    assert!((16_000_000..=16_777_216).contains(&most), "{most}");
    assert!(usual.iter().all(|one| cache.recall(one, NOW).is_some()));
}

fn words(of: &ByNextHop) -> usize {
    of.values().flat_map(BTreeMap::values).map(|one| one.answer.octets()).sum()
}

#[test]
fn an_answer_that_becomes_long_or_usual_takes_the_place_of_the_earlier_one() {
    let (mut cache, question) = (AnswerCache::default(), about("a.test", None));
    let host = about("a.test", Some("mx.a.test"));
    cache.remember(&host, of_octets(&host, 500));
    for octets in [500, 5_000, 800, 8_000] {
        cache.remember(&question, of_octets(&question, octets));
        assert_eq!(cache.recall(&question, NOW).unwrap().octets(), octets);
        assert!(cache.recall(&host, NOW).is_some());
        assert_eq!(cache.len(), 2, "{octets}");
    }
    assert!(cache.usual.new.octets == 500 && cache.long.new.octets == 8_000);
    cache.forget(&host.domain);
    let halves = [&cache.usual.new, &cache.usual.old, &cache.long.new, &cache.long.old];
    assert!(halves.iter().all(|half| half.number == 0 && half.octets == 0 && half.domains.is_empty()));
}
