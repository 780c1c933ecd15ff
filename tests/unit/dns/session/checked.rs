//! A bogus answer is asked for once more with CD clear (RFC 6840 section 5.9 and appendix B): a resolver that validates
//! may have kept what one bad server of the zone gave it, and gives that to those who check for themselves.

use super::{arrived, classes, mx, policy, question, resolver};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::dns::{Class, Resolve};
use smtp_sts_verify::limits::{CHECKED_QUESTION_DEADLINE, MAX_QUERIES};
use std::time::Duration;
use tokio::time::Instant;

/// In this manner where CD is set, and otherwise in that one, or well.
fn by_cd(set: Manner, clear: Option<Manner>) -> Manner {
    Manner::ByCd(Box::new(set), clear.map(Box::new))
}

/// Where the bad server's records may be: in the answer, or on the way to it.
fn places() -> [Scope; 4] {
    [
        Scope::question("_smtp_sts.enforced.test", "TXT"),
        Scope::question("enforced.test", "DNSKEY"),
        Scope::question("enforced.test", "DS"),
        Scope::question("test", "DNSKEY"),
    ]
}

#[tokio::test]
async fn what_one_bad_server_spoilt_is_proven_once_the_resolver_checks() {
    for manner in [Manner::Altered, Manner::Stripped, Manner::Nothing] {
        for place in places() {
            let laboratory = Laboratory::start();
            laboratory.behave(place.clone(), by_cd(manner.clone(), None));
            let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
            let answers = resolver.resolve(&[policy(), mx()]).await;
            assert_eq!(classes(&answers), [Class::Secure; 2], "{manner:?} {place:?}: {answers:?}");
        }
    }
}

#[tokio::test]
async fn a_domain_that_is_proven_unsigned_is_insecure_again() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::question("plain.test", "DS"), by_cd(Manner::Stripped, None));
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let answer = resolver.ask(question("plain.test", RecordType::MX)).await;
    assert_eq!(answer.outcome.class(), Class::Insecure, "{answer:?}");
}

#[tokio::test]
async fn whatever_else_comes_of_it_the_answer_stays_bogus_for_the_first_reason() {
    let unsaid = || question("_smtp_sts.enforced.test", RecordType::TXT);
    let first = {
        let laboratory = Laboratory::start();
        laboratory.behave(Scope::name("_smtp_sts.enforced.test"), Manner::Altered);
        resolver(&laboratory, &[laboratory.dns()], 5_000).ask(unsaid()).await.outcome
    };
    assert_eq!(first.class(), Class::Bogus);
    for clear in [Manner::Servfail, Manner::Silent, Manner::Altered, Manner::Stripped, Manner::Nothing] {
        for scope in [Scope::name("_smtp_sts.enforced.test"), Scope::Everything] {
            let laboratory = Laboratory::start();
            laboratory.behave(Scope::name("_smtp_sts.enforced.test"), by_cd(Manner::Altered, None));
            let everywhere = by_cd(Manner::Late(Duration::ZERO), Some(clear.clone()));
            laboratory.behave(scope.clone(), everywhere.clone());
            let spoilt = by_cd(Manner::Altered, Some(clear.clone()));
            laboratory.behave(Scope::name("_smtp_sts.enforced.test"), spoilt);
            let resolver = resolver(&laboratory, &[laboratory.dns()], 9_000);
            let begun = Instant::now();
            let answer = resolver.ask(unsaid()).await;
            assert_eq!(answer.outcome, first, "{clear:?} {scope:?}");
            assert!(begun.elapsed() < CHECKED_QUESTION_DEADLINE + Duration::from_secs(2), "{clear:?}");
        }
    }
}

#[tokio::test]
async fn it_ends_with_the_run_and_leaves_once_for_each_question() {
    let laboratory = Laboratory::start();
    let spoilt = by_cd(Manner::Altered, Some(Manner::Silent));
    laboratory.behave(Scope::name("_smtp_sts.enforced.test"), spoilt);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 700);
    let begun = Instant::now();
    let answers = resolver.resolve(&[policy(), mx()]).await;
    assert_eq!(classes(&answers), [Class::Bogus, Class::Secure]);
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
    assert_eq!(classes(&resolver.resolve(&[policy()]).await), [Class::Bogus]);
    arrived(&resolver, &[&laboratory]).await;
    assert_eq!(laboratory.questions_for("_smtp_sts.enforced.test", "TXT"), 2);
    assert_eq!(laboratory.questions_for("enforced.test", "MX"), 1, "it was never bogus");
}

#[tokio::test]
async fn whoever_makes_all_of_it_bogus_is_asked_no_more_than_before() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::Everything, Manner::Altered);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let many: Vec<_> = (0..100).map(|n| question(&format!("_{n}.enforced.test."), RecordType::TXT)).collect();
    resolver.resolve(&many).await;
    assert!(resolver.packets() <= MAX_QUERIES);
}

#[tokio::test]
async fn later_questions_begin_with_cd_set_and_another_server_comes_before_it() {
    let (bad, good) = (Laboratory::start(), Laboratory::start());
    bad.behave(Scope::name("_smtp_sts.enforced.test"), by_cd(Manner::Altered, Some(Manner::Servfail)));
    // The other server's world is not ours: what it says is false, and nothing is learnt there.
    let resolver = resolver(&bad, &[bad.dns(), good.dns()], 5_000);
    assert_eq!(classes(&resolver.resolve(&[policy()]).await), [Class::Bogus]);
    assert_eq!(
        good.questions_for("_smtp_sts.enforced.test", "TXT"),
        2,
        "CD set, and after a SERVFAIL CD clear"
    );
    assert_eq!(classes(&resolver.resolve(&[mx()]).await), [Class::Secure]);
}
