//! The cache of a host that shares what it learns: what it offers, and what it keeps of what others say.

use super::place::*;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::policy::{Authentication, Policy, StoredPolicy};

const STORE: &str = "c0ffee";

fn shared(place: &Place) -> Cache {
    open(&place.path(), now()).shared()
}

fn heard(policy: &StoredPolicy, witnesses: &[&str]) -> Heard {
    Heard { policy: policy.clone(), witnesses: witnesses.iter().map(ToString::to_string).collect() }
}

fn at(change: u64) -> Reading {
    Reading { change, has_offered_all: true }
}

#[test]
fn only_a_host_of_a_fleet_has_anything_to_offer_or_a_file_for_it() {
    let place = Place::new();
    place.cache().keep(&enforced("alone.test", now())).unwrap();
    assert!(place.cache().to_offer(10).unwrap().is_empty());
    place.cache().hear(&[heard(&enforced("a.test", now()), &["mx1", "mx2"])], STORE, at(1)).unwrap();
    assert_eq!(place.names(), ["cache.db"]);
    assert_eq!(place.cache().all().count(), 1);
}

#[test]
fn what_was_fetched_is_offered_until_the_fleet_has_it_as_it_is() {
    let place = Place::new();
    let policy = enforced("a.test", now());
    shared(&place).keep(&policy).unwrap();
    let offers = shared(&place).to_offer(10).unwrap();
    assert_eq!(
        (offers.policies.as_slice(), shared(&place).unheard().unwrap()),
        (&[policy.clone()][..], (1, Some(now())))
    );
    // Fetched again while it was on its way.
    let later = StoredPolicy { fetched_at: now().plus(9), expires_at: policy.expires_at.plus(9), ..policy };
    shared(&place).keep(&later).unwrap();
    shared(&place).offered(&offers).unwrap();
    let offers = shared(&place).to_offer(10).unwrap();
    assert_eq!(offers.policies, [later]);
    shared(&place).offered(&offers).unwrap();
    assert!(shared(&place).to_offer(10).unwrap().is_empty());
}

#[test]
fn the_outbox_is_gone_through_in_turns_and_what_the_fleet_does_not_take_keeps_nobody_waiting() {
    let place = Place::new();
    let [one, two, three] = ["one.test", "three.test", "two.test"].map(|name| enforced(name, now()));
    for policy in [&one, &two, &three] {
        shared(&place).keep(policy).unwrap();
    }
    let first = shared(&place).to_offer(2).unwrap();
    assert_eq!(first.policies, [one.clone(), two]);
    let (mark, first) = (first.next().unwrap(), first.without(std::slice::from_ref(&one)));
    shared(&place).offered(&first).unwrap();
    let second = shared(&place).to_offer_behind(&mark, 2).unwrap();
    assert_eq!(second.policies, [three]);
    shared(&place).offered(&second).unwrap();
    assert_eq!(shared(&place).to_offer_behind(&second.next().unwrap(), 2).unwrap().next(), None);
    assert_eq!(shared(&place).to_offer(2).unwrap().policies, std::slice::from_ref(&one), "it stays");
    shared(&place).offered(&shared(&place).to_offer(2).unwrap()).unwrap();
    shared(&place).offer_again(std::slice::from_ref(&one)).unwrap();
    assert_eq!(shared(&place).to_offer(2).unwrap().policies, [one]);
}

#[test]
fn a_purge_that_had_to_wait_is_owed_until_it_is_done() {
    let place = Place::new();
    shared(&place).obeyed(STORE, 7, "x\norder: override none\n").unwrap();
    shared(&place).owe(STORE, 8, &domain("a.test")).unwrap();
    shared(&place).owe(STORE, 8, &domain("a.test")).unwrap();
    let owed = shared(&place).owed().unwrap();
    assert_eq!(owed.iter().map(|one| &one.domain).collect::<Vec<_>>(), [&domain("a.test")]);
    assert_eq!(shared(&place).decrees().unwrap().len(), 1, "it is no override");
    assert!(!shared(&place).has_obeyed(STORE, 8).unwrap(), "nor is it a decree");
    assert!(owed[0].is_whole, "nothing of it is known to be done");
    shared(&place).owes_reports_alone(&owed[0]).unwrap();
    let owed = shared(&place).owed().unwrap();
    assert!(matches!(owed.as_slice(), [one] if !one.is_whole), "what is learnt from now on stays: {owed:?}");
    assert_eq!(shared(&place).decrees().unwrap().len(), 1);
    shared(&place).paid(&owed[0]).unwrap();
    assert_eq!(shared(&place).owed().unwrap(), []);
    assert!(shared(&place).has_obeyed(STORE, 7).unwrap());
}

#[test]
fn what_is_purged_is_offered_no_more_and_nobodys_word_of_it_counts() {
    let place = Place::new();
    shared(&place).keep(&enforced("a.test", now())).unwrap();
    shared(&place).hear(&[heard(&enforced("b.test", now()), &["mx1"])], STORE, at(7)).unwrap();
    for name in ["a.test", "b.test"] {
        shared(&place).purge(&domain(name)).unwrap();
        assert_eq!(DomainSnapshot::of(&shared(&place), &domain(name)).hearsay, []);
    }
    assert!(shared(&place).to_offer(10).unwrap().is_empty());
    assert_eq!(shared(&place).reading(STORE).unwrap(), at(7));
    assert_eq!(shared(&place).reading("another store").unwrap(), Reading::default());
}

#[test]
fn one_word_stands_beside_the_policies_and_two_are_one_of_them() {
    let place = Place::new();
    let (one, two) = (enforced("one.test", now()), enforced("two.test", now()));
    let all = [heard(&one, &["mx1"]), heard(&two, &["mx1", "mx2"])];
    let weighed = shared(&place).hear(&all, STORE, at(2)).unwrap();
    assert_eq!((weighed.bound, weighed.provisional, weighed.changed.len()), (1, 1, 2));
    let snapshot = |name: &str| DomainSnapshot::of(&shared(&place), &domain(name));
    assert!(snapshot("one.test").policies.is_empty());
    assert_eq!(snapshot("one.test").hearsay[0].witnesses, ["mx1"]);
    assert_eq!(snapshot("two.test").policies.iter().collect::<Vec<_>>(), [&two]);
    let story = shared(&place).history(&domain("two.test")).unwrap();
    assert!(
        story[0].event == Event::Imported && story[0].detail.contains("mx1 and mx2 of the fleet"),
        "{story:?}"
    );
    assert!(
        shared(&place).to_offer(10).unwrap().is_empty(),
        "what others fetched is no fetch of this host's"
    );
    assert_eq!(shared(&place).own(vec![two.clone()]), []);
    // That others have renewed it makes it no fetch of this host's either.
    let renewed =
        StoredPolicy { fetched_at: now().plus(9), expires_at: two.expires_at.plus(9), ..two.clone() };
    shared(&place).hear(&[heard(&renewed, &["mx1", "mx2"])], STORE, at(2)).unwrap();
    assert_eq!(shared(&place).own(vec![two.clone()]), []);
    let dossier = shared(&place).dossier(&domain("two.test"));
    assert_eq!(Learnt::of(&two, &dossier.known.hearsay, &dossier.history).from, Source::Fleet);
    shared(&place).hear(&[heard(&two, &["mx1", "mx2"])], STORE, at(2)).unwrap();
    // Heard once more it is no news.
    let again = shared(&place).hear(&all, STORE, at(2)).unwrap();
    assert_eq!((again.changed, again.bound), (vec![], 0));
}

#[test]
fn what_weakens_changes_nothing_whoever_says_it() {
    let place = Place::new();
    let own = enforced("a.test", now());
    shared(&place).keep(&own).unwrap();
    let sooner = StoredPolicy { fetched_at: now().plus(9), expires_at: now().plus(60), ..own.clone() };
    let ended = StoredPolicy { expires_at: now(), fetched_at: now(), ..own.clone() };
    for lie in [&sooner, &ended] {
        shared(&place).hear(&[heard(lie, &["mx1", "mx2", "mx3"])], STORE, at(3)).unwrap();
        assert_eq!(
            DomainSnapshot::of(&shared(&place), &domain("a.test")).policies.iter().collect::<Vec<_>>(),
            [&own]
        );
    }
}

fn look(cache: &Cache, look: OwnLook) {
    cache.apply(&domain("victim.test"), &[Write::Looked(Dialect::SmtpSts, look)]).unwrap();
}

fn look_of_victim(cache: &Cache) -> OwnLook {
    DomainSnapshot::of(cache, &domain("victim.test")).hearsay[0].look
}

#[test]
fn a_file_that_somebody_has_filled_still_keeps_since_when_mail_waits() {
    let place = Place::new();
    let cache = bounded(&place.path(), 1, now()).shared();
    let file = place.directory.path().join("cache.fleet.db");
    let victim = heard(&enforced("victim.test", now()), &["mx1"]);
    cache.hear(&[victim], STORE, at(1)).unwrap();
    let octets = || std::fs::metadata(&file).unwrap().len();
    // Long ones first, and short ones into what is left.
    for (hosts, at_once) in [(64, 100), (1, 101)] {
        let long = ["a-very-long-label-that-is-as-long-as-a-label-may-be-in-the-dns"; 3].join(".");
        let hosts: String = (0..hosts).map(|host| format!("mx: {host}.{long}.test\n")).collect();
        let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: enforce\n{hosts}max_age: 604800\n");
        let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
        for round in 0.. {
            let before = octets();
            let word = |number| {
                let domain = domain(&format!("{number}.{round}.{at_once}.test"));
                let policy = policy.clone();
                heard(&StoredPolicy::fetched(&domain, policy, Authentication::WebPki, now(), now()), &["mx1"])
            };
            cache.hear(&(0..at_once).map(word).collect::<Vec<_>>(), STORE, at(1)).unwrap();
            if octets() == before {
                break;
            }
        }
    }
    let late = domain("late.test");
    cache.hear(&[heard(&enforced("late.test", now()), &["mx1"])], STORE, at(2)).unwrap();
    assert_eq!(DomainSnapshot::of(&cache, &late).hearsay, [], "it is full");
    for seen in [OwnLook::Absent(now()), OwnLook::Unconfirmed(now())] {
        look(&cache, seen);
        assert_eq!(look_of_victim(&cache), seen);
    }
}

#[test]
fn where_nobody_can_write_down_that_mail_waits_it_waits_for_no_single_word() {
    let place = Place::new();
    shared(&place).hear(&[heard(&enforced("victim.test", now()), &["mx1"])], STORE, at(1)).unwrap();
    let cache = shared(&place).read_only();
    assert_eq!(look_of_victim(&cache), OwnLook::NotYet);
    look(&cache, OwnLook::Unconfirmed(now()));
    let hearsay = &DomainSnapshot::of(&cache, &domain("victim.test")).hearsay[0];
    let standing = decide(None, &hearsay.policy, 1, hearsay.look, now());
    assert_eq!(standing, Standing::Ignored(Ignored::Unconfirmed));
}

#[test]
fn what_two_have_signed_takes_no_room_from_what_this_host_has_met() {
    let place = Place::new();
    let cache = bounded(&place.path(), 1, now()).shared();
    let own = fetched("own.test", REPORTING, Authentication::Dnssec, now());
    cache.keep(&own).unwrap();
    let words = ["one.test", "two.test"].map(|name| heard(&enforced(name, now()), &["mx1", "mx2"]));
    cache.hear(&words, STORE, at(1)).unwrap();
    assert_eq!(cache.all().collect::<Result<Vec<_>, _>>().unwrap(), [own]);
    for word in words {
        let snapshot = DomainSnapshot::of(&cache, &word.policy.domain);
        assert_eq!(snapshot.hearsay[0].policy, word.policy, "and it binds from there");
    }
}

#[test]
fn nobodys_word_takes_the_place_of_a_policy_that_cannot_be_read() {
    let place = Place::new();
    shared(&place).keep(&enforced("a.test", now())).unwrap();
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.execute_batch("UPDATE policy SET record = replace(record, 'mx.test', 'evil.test')").unwrap();
    drop(connection);
    let word = fetched("a.test", REPORTING, Authentication::Dnssec, now().plus(9));
    let weighed = shared(&place).hear(&[heard(&word, &["mx1", "mx2"])], STORE, at(1)).unwrap();
    assert_eq!((weighed.bound, weighed.changed), (0, vec![]));
    let snapshot = DomainSnapshot::of(&shared(&place), &domain("a.test"));
    assert_eq!(snapshot.policies.unreadable, [Dialect::SmtpSts]);
    assert_eq!(snapshot.hearsay, []);
}

#[test]
fn a_file_of_others_words_that_cannot_be_read_is_no_trouble_of_this_hosts_own() {
    let place = Place::new();
    let own = enforced("a.test", now());
    shared(&place).keep(&own).unwrap();
    std::fs::create_dir(place.directory.path().join("cache.fleet.db")).unwrap();
    let snapshot = DomainSnapshot::of(&shared(&place), &domain("a.test"));
    assert_eq!((snapshot.trouble, snapshot.hearsay), (None, vec![]));
    assert_eq!(snapshot.policies.iter().collect::<Vec<_>>(), [&own]);
}

#[test]
fn a_decree_is_remembered_by_its_store_and_its_number() {
    let place = Place::new();
    shared(&place).obeyed(STORE, 7, "words").unwrap();
    for (store, number, expected) in [(STORE, 7, true), (STORE, 8, false), ("another", 7, false)] {
        assert_eq!(shared(&place).has_obeyed(store, number).unwrap(), expected);
    }
    assert_eq!(shared(&place).decrees().unwrap(), ["words\n"]);
}

#[test]
fn decrees_count_whatever_becomes_of_the_file_of_others_words_and_are_lost_with_neither_file() {
    let place = Place::new();
    let inbox = place.directory.path().join("cache.fleet.db");
    let decrees = place.directory.path().join("cache.decrees");
    let text = "x\norder: override dane\n";
    shared(&place).hear(&[heard(&enforced("a.test", now()), &["mx1"])], STORE, at(1)).unwrap();
    assert!(!decrees.exists());
    std::fs::write(&inbox, [b'x'; 8_192]).unwrap();
    // Nothing was ever decreed: nobody has to know what stands in the other file.
    for cache in [shared(&place), shared(&place).listening(), shared(&place).read_only()] {
        assert_eq!(cache.decrees(), Ok(vec![]));
    }
    std::fs::remove_file(&inbox).unwrap();
    shared(&place).obeyed(STORE, 7, text).unwrap();
    shared(&place).obeyed(STORE, 8, "x\norder: purge\n").unwrap();
    std::fs::write(&inbox, [b'x'; 8_192]).unwrap();
    // The first look sets it aside, the next ones find none.
    for _ in 0..3 {
        let _unreadable = shared(&place).has_obeyed(STORE, 7);
        assert_eq!(shared(&place).decrees().unwrap(), [text]);
    }
    assert!(!inbox.exists());
    // Now the other one: it stays where it is, and unread, until the store has been read again.
    shared(&place).obeyed(STORE, 9, "x\norder: override none\n").unwrap();
    std::fs::write(&decrees, "x").unwrap();
    for _ in 0..3 {
        let told = shared(&place).decrees().unwrap_err().to_string();
        assert!(told.contains("cache.decrees is damaged"), "{told}");
        assert!(shared(&place).obeyed(STORE, 10, text).is_err(), "what cannot be written down is not obeyed");
    }
    assert!(shared(&place).are_decrees_damaged());
    shared(&place).restore_decrees(&[text.to_owned()]).unwrap();
    assert_eq!(
        shared(&place).decrees().unwrap(),
        [text, "x\norder: override none\n"],
        "what is remembered is added"
    );
    assert!(!shared(&place).are_decrees_damaged());
}
