//! Calls that overlap: they share what is asked, and neither the end of one nor a second opinion disturbs another.

use super::{arrived, classes, mx, policy, question, resolver};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use futures_util::future::{join, join3};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::dns::{Class, Resolve};
use smtp_sts_verify::limits::{MAX_MX_HOSTS_LOOKED_AT, MAX_QUERIES, MAX_QUERIES_PER_MX_HOST};
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Questions that leave for a policy before anything is known, and for the exchangers: five about the zones above, which are the same,
/// and one of their own.
const OF_EACH: usize = 6;

/// Those for both and an address, at whose name a zone might begin.
const OF_ALL: usize = 10;

/// No reply leaves before the test lets it go. What is asked here has been signed already.
async fn held() -> (Laboratory, watch::Sender<bool>) {
    let laboratory = Laboratory::start();
    let near = resolver(&laboratory, &[laboratory.dns()], 5_000);
    near.resolve(&[policy(), mx(), question("mx1.enforced.test.", RecordType::A)]).await;
    arrived(&near, &[&laboratory]).await;
    laboratory.forget();
    let (let_go, is_let_go) = watch::channel(false);
    laboratory.behave(Scope::Everything, Manner::Held(is_let_go));
    (laboratory, let_go)
}

/// Waits until that is so; the calls themselves are over after five seconds.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(10), waiting).await.expect("it never came to that");
}

#[tokio::test]
async fn calls_may_overlap_and_travel_between_threads() {
    let laboratory = Laboratory::start();
    let resolver = Arc::new(resolver(&laboratory, &[laboratory.dns()], 5_000));
    let other = Arc::clone(&resolver);
    let travelling = tokio::spawn(async move { other.resolve(&[mx()]).await });
    let answers = resolver.resolve(&[policy()]).await;
    assert_eq!(
        (classes(&answers), classes(&travelling.await.unwrap())),
        (vec![Class::Secure], vec![Class::Secure])
    );
}

#[tokio::test]
async fn calls_that_overlap_take_one_round_trip_and_ask_for_common_zones_once() {
    let (laboratory, let_go) = held().await;
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let asked = [policy(), mx(), question("mx1.enforced.test.", RecordType::A)];
    let [policies, exchangers, addresses] =
        asked.each_ref().map(|one| resolver.resolve(std::slice::from_ref(one)));
    let calls = join3(policies, exchangers, addresses);
    let all_are_asked = async {
        until(|| laboratory.questions() == OF_ALL).await;
        let_go.send(true).unwrap();
    };
    let ((policies, exchangers, addresses), ()) = join(calls, all_are_asked).await;
    assert_eq!([policies, exchangers, addresses].map(|answers| classes(&answers)), [[Class::Secure]; 3]);
    let questions = arrived(&resolver, &[&laboratory]).await;
    assert_eq!(questions, OF_ALL, "nothing was left to ask after the first replies");
    for (name, rtype) in [(".", "DNSKEY"), ("test", "DS"), ("test", "DNSKEY"), ("enforced.test", "DNSKEY")] {
        assert_eq!(laboratory.questions_for(name, rtype), 1, "{name} {rtype}");
    }
}

#[tokio::test]
async fn a_call_that_begins_later_waits_only_for_what_is_left_of_a_round_trip() {
    let (laboratory, let_go) = held().await;
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let second = async {
        until(|| laboratory.questions() == OF_EACH).await;
        let all_wait = async { let_go.send(true).unwrap() };
        join(resolver.resolve(&[policy()]), all_wait).await.0
    };
    let (first, second) = join(resolver.resolve(&[policy()]), second).await;
    assert_eq!((classes(&first), classes(&second)), (vec![Class::Secure], vec![Class::Secure]));
    assert_eq!(second[0].queries, 0, "all of it was on its way");
}

#[tokio::test]
async fn a_dropped_call_leaves_its_replies_to_those_that_wait_and_to_those_that_come() {
    let (laboratory, let_go) = held().await;
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    let questions = [policy(), mx()];
    let dropped = async {
        select! {
            _ = resolver.resolve(&questions) => panic!("nobody has answered"),
            () = until(|| laboratory.questions() == OF_EACH + 1) => {}
        }
        let_go.send(true).unwrap();
    };
    let ((), waiting) = join(dropped, resolver.resolve(&[policy()])).await;
    assert_eq!(classes(&waiting), [Class::Secure]);
    let packets = resolver.packets();
    let late = resolver.resolve(&[mx()]).await;
    assert_eq!(classes(&late), [Class::Secure]);
    assert_eq!((late[0].queries, resolver.packets()), (0, packets), "the dropped call had asked already");
}

#[tokio::test]
async fn a_question_whose_only_asker_was_dropped_is_answered_all_the_same() {
    let (laboratory, let_go) = held().await;
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    select! {
        _ = resolver.ask(policy()) => panic!("nobody has answered"),
        () = until(|| laboratory.questions() == OF_EACH) => {}
    }
    let_go.send(true).unwrap();
    let answer = resolver.ask(policy()).await;
    assert_eq!((answer.outcome.class(), answer.queries), (Class::Secure, 0));
}

#[tokio::test]
async fn overlapping_calls_that_are_told_falsehoods_all_get_their_second_opinion() {
    let (stripping, good) = (Laboratory::start(), Laboratory::start());
    stripping.behave(Scope::Everything, Manner::Stripped);
    // One of the calls is still at the first server when the others have turned to the second.
    let (let_go, is_let_go) = watch::channel(false);
    stripping.behave(Scope::name("mx1.enforced.test."), Manner::Held(is_let_go));
    let resolver = resolver(&good, &[stripping.dns(), good.dns()], 5_000);
    let (policies, mail, address) = (
        [policy(), question("_smtp-sts.enforced.test.", RecordType::TXT)],
        [mx()],
        [question("mx1.enforced.test.", RecordType::A)],
    );
    let others_have_turned = async {
        let of_good = |name: &str, rtype: &str| good.questions_for(name, rtype) > 0;
        until(|| of_good("_smtp_sts.enforced.test", "TXT") && of_good("enforced.test", "MX")).await;
        let_go.send(true).unwrap();
    };
    let calls = join3(resolver.resolve(&policies), resolver.resolve(&mail), resolver.resolve(&address));
    let ((policies, mail, address), ()) = join(calls, others_have_turned).await;
    let all = [policies, mail, address].concat();
    assert_eq!(classes(&all), [Class::Secure; 4], "{all:?}");
    arrived(&resolver, &[&stripping, &good]).await;
    for laboratory in [&stripping, &good] {
        assert_eq!(laboratory.questions_for(".", "DNSKEY"), 1);
        assert_eq!(laboratory.questions_for("test", "DS"), 1);
    }
}

#[tokio::test]
async fn a_walk_at_the_first_server_goes_on_to_its_end_there_while_another_turns_to_the_second() {
    let (first, second) = (Laboratory::start(), Laboratory::start());
    // Nobody's anchor leads into the second server's world: what it says is false.
    first.behave(Scope::name("_smtp_sts.enforced.test."), Manner::Altered);
    let (let_go, is_let_go) = watch::channel(false);
    first.behave(Scope::question("enforced.test.", "MX"), Manner::Held(is_let_go));
    let resolver = resolver(&first, &[first.dns(), second.dns()], 5_000);
    let has_turned = async {
        until(|| second.questions_for("_smtp_sts.enforced.test", "TXT") > 0).await;
        let_go.send(true).unwrap();
    };
    let (policies, exchangers, ()) =
        join3(resolver.resolve(&[policy()]), resolver.resolve(&[mx()]), has_turned).await;
    assert_eq!((classes(&policies), classes(&exchangers)), (vec![Class::Bogus], vec![Class::Secure]));
    assert_eq!(second.questions_for("_smtp_sts.enforced.test", "TXT"), 1);
    assert_eq!(second.questions_for("enforced.test", "MX"), 0, "it was never told a falsehood");
    // The second server was no better, so later questions stay with the first.
    arrived(&resolver, &[&first, &second]).await;
    let asked = second.questions();
    let host = resolver.ask(question("mx2.enforced.test.", RecordType::A)).await;
    assert_eq!((host.outcome.class(), second.questions()), (Class::Secure, asked));
}

#[tokio::test]
async fn hosts_that_several_mechanisms_look_at_are_allowed_for_once() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::Everything, Manner::Servfail);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 5_000);
    for hosts in [3, 12, 12, 7] {
        resolver.allow_mx_hosts(hosts);
    }
    let many: Vec<_> = (0..500).map(|n| question(&format!("_{n}.enforced.test."), RecordType::TXT)).collect();
    resolver.resolve(&many).await;
    assert_eq!(resolver.packets(), MAX_QUERIES + MAX_MX_HOSTS_LOOKED_AT * MAX_QUERIES_PER_MX_HOST);
}
