use super::*;
use crate::policy::smtp_sts::Record;
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);
const ONE: &str = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800";
const OTHER: &str = "v=STS1; to=true; mx=*.other.test; a=dnssec; e=604800";

fn policy(record: &str, authentication: Authentication, age: u64) -> StoredPolicy {
    let at = UnixTime(NOW.0 - age);
    let domain = PolicyDomain::parse("example.org").unwrap();
    StoredPolicy::fetched(&domain, Record::parse(record).unwrap(), authentication, at, at.plus(300))
}

fn applied(policy: StoredPolicy) -> StoredPolicy {
    StoredPolicy { applied_at: Some(policy.fetched_at), ..policy }
}

#[test]
fn a_policy_lives_for_e_seconds_and_no_longer_than_its_authentication_allows() {
    let record = |life: &str| Policy::from(Record::parse(&format!("v=STS1; to=true{life}")).unwrap());
    for (text, authentication, expected) in [
        ("; e=604800", Authentication::Dnssec, 604_800),
        ("; e=604800", Authentication::FirstUse, 604_800),
        ("; e=0", Authentication::Dnssec, 0),
        ("; e=9999999999", Authentication::Dnssec, MAX_POLICY_LIFE),
        ("; e=9999999999", Authentication::WebPki, MAX_POLICY_LIFE),
        ("; e=9999999999", Authentication::FirstUse, MAX_FIRST_USE_LIFE),
        ("", Authentication::Dnssec, 300),
    ] {
        assert_eq!(life(&record(text), authentication, 300), expected, "{text} {authentication:?}");
    }
}

/// A policy of `fixtures/fleet/merge.tsv`.
fn vector(words: &str) -> Option<StoredPolicy> {
    let [name, authentication, fetched, expires, applied] = words.split(' ').collect::<Vec<_>>()[..] else {
        assert_eq!(words, "-");
        return None;
    };
    let at = |offset: &str| UnixTime(NOW.0.checked_add_signed(offset.parse().unwrap()).unwrap());
    Some(StoredPolicy {
        domain: PolicyDomain::parse("example.org").unwrap(),
        policy: vectors_policy(name),
        authentication: Authentication::from_word(authentication).unwrap(),
        fetched_at: at(fetched),
        expires_at: at(expires),
        applied_at: (applied != "-").then(|| at(applied)),
    })
}

fn vectors_policy(name: &str) -> Policy {
    let mta_sts = |mode: &str, mx: &str, max_age: u64| {
        let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n");
        Policy::from_text(Dialect::MtaSts, &text).unwrap()
    };
    let draft = |rest: &str| {
        Policy::from_text(Dialect::SmtpSts, &format!("v=STS1; to=true; a=dnssec; {rest}")).unwrap()
    };
    match name {
        "E1" => mta_sts("enforce", "mx: *.one.test\n", 604_800),
        "E2" => mta_sts("enforce", "mx: *.two.test\n", 604_800),
        "T" => mta_sts("testing", "mx: *.one.test\n", 604_800),
        "N" => mta_sts("none", "", 86_400),
        "Z" => mta_sts("enforce", "mx: *.one.test\n", 0),
        "D1" => draft("mx=*.one.test; e=604800"),
        "D2" => draft("mx=*.two.test; e=604800"),
        "D0" => draft("mx=*.one.test; e=0"),
        other => panic!("{other}"),
    }
}

/// The same file is held against the function of the fleet's database.
#[test]
fn the_vectors_of_the_fleet_come_out_as_they_say() {
    let lines = include_str!("../../../fixtures/fleet/merge.tsv").lines();
    let mut tried = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let [what, old, new, after, said] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        if said == "future" {
            continue;
        }
        let (old, new) = (vector(old), vector(new).unwrap());
        let expected = match after {
            "old" => None,
            "new" => Some(new.clone()),
            other => vector(other),
        };
        assert_eq!(StoredPolicy::merge(old.as_ref(), &new, NOW), expected, "{what}");
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_slower_delivery_that_knew_less_undoes_nothing() {
    let known = applied(policy(ONE, Authentication::Dnssec, 0));
    let same = policy(ONE, Authentication::Dnssec, 0);
    assert_eq!(StoredPolicy::merge(Some(&known), &same, NOW), None);
    let spoofed = policy(OTHER, Authentication::FirstUse, 0);
    assert_eq!(StoredPolicy::merge(Some(&known), &spoofed, NOW), None);
    let unsigned = policy(ONE, Authentication::FirstUse, 0);
    assert_eq!(StoredPolicy::merge(Some(&known), &unsigned, NOW), None);
}

#[test]
fn an_authenticated_fetch_renews_and_one_on_first_use_does_not() {
    let old = applied(policy(ONE, Authentication::Dnssec, 1_000));
    let renewed = StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::Dnssec, 0), NOW).unwrap();
    assert_eq!((renewed.fetched_at, renewed.applied_at), (NOW, old.applied_at));
    let old = policy(ONE, Authentication::FirstUse, 1_000);
    assert_eq!(StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::FirstUse, 0), NOW), None);
    let proven = StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::Dnssec, 0), NOW).unwrap();
    assert_eq!((proven.authentication, proven.fetched_at), (Authentication::Dnssec, NOW));
}

#[test]
fn a_handshake_that_was_seen_is_written_into_the_row_that_there_is() {
    let old = policy(ONE, Authentication::FirstUse, 1_000);
    let seen = StoredPolicy { applied_at: Some(NOW), ..policy(ONE, Authentication::FirstUse, 0) };
    let merged = StoredPolicy::merge(Some(&old), &seen, NOW).unwrap();
    assert_eq!(merged, StoredPolicy { applied_at: Some(NOW), ..old });
}

fn mta_sts(mode: &str, max_age: u64, age: u64) -> StoredPolicy {
    let mx = if mode == "none" { "" } else { "mx: *.mx.test\n" };
    let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n");
    let (domain, at) = (PolicyDomain::parse("example.org").unwrap(), UnixTime(NOW.0 - age));
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at.plus(300))
}

#[test]
fn an_mta_sts_policy_binds_from_its_fetch_and_every_later_fetch_displaces_it() {
    let enforced = mta_sts("enforce", 604_800, 1_000);
    assert!(enforced.is_enforced() && enforced.is_possible());
    for (mode, max_age) in [("enforce", 604_800), ("enforce", 604_801), ("testing", 604_800), ("none", 60)] {
        let new = mta_sts(mode, max_age, 0);
        assert_eq!(StoredPolicy::merge(Some(&enforced), &new, NOW), Some(new), "{mode} {max_age}");
    }
}

#[test]
fn of_two_fetches_the_later_one_counts_whichever_is_written_down_later() {
    for (earlier, later) in [
        (mta_sts("enforce", 604_800, 10), mta_sts("testing", 604_800, 9)),
        (mta_sts("testing", 604_800, 10), mta_sts("testing", 604_800, 9)),
        (policy(ONE, Authentication::Dnssec, 10), policy(OTHER, Authentication::Dnssec, 9)),
        (policy(ONE, Authentication::FirstUse, 10), policy(OTHER, Authentication::FirstUse, 9)),
    ] {
        assert_eq!(StoredPolicy::merge(Some(&later), &earlier, NOW), None, "{earlier:?}");
        assert_eq!(StoredPolicy::merge(Some(&earlier), &later, NOW), Some(later));
    }
    let stronger = policy(ONE, Authentication::Dnssec, 10);
    let weaker = policy(OTHER, Authentication::FirstUse, 9);
    assert_eq!(StoredPolicy::merge(Some(&weaker), &stronger, NOW), Some(stronger));
}

#[test]
fn a_row_from_the_future_does_not_outrank_what_is_fetched_now() {
    let ahead = StoredPolicy { fetched_at: NOW.plus(CLOCK_JUMP + 1), ..mta_sts("enforce", 604_800, 0) };
    let new = mta_sts("testing", 604_800, 0);
    assert_eq!(StoredPolicy::merge(Some(&ahead), &new, NOW), Some(new));
}

#[test]
fn a_life_of_zero_ends_the_policy_and_nothing_fetched_before_brings_it_back() {
    let applied_one = || applied(policy(ONE, Authentication::Dnssec, 1_000));
    let zero = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=0";
    for (old, zero) in [
        (mta_sts("enforce", 604_800, 1_000), mta_sts("enforce", 0, 0)),
        (mta_sts("enforce", 604_800, 1_000), mta_sts("none", 0, 0)),
        (applied_one(), policy(zero, Authentication::Dnssec, 0)),
    ] {
        let row = StoredPolicy::merge(Some(&old), &zero, NOW).unwrap();
        assert!(!row.is_unexpired(NOW));
        let slower = StoredPolicy { fetched_at: UnixTime(NOW.0 - 1), ..old.clone() };
        assert_eq!(StoredPolicy::merge(Some(&row), &slower, NOW), None);
        let later = StoredPolicy { fetched_at: NOW.plus(1), ..old };
        assert_eq!(StoredPolicy::merge(Some(&row), &later, NOW.plus(1)), Some(later));
        assert_eq!(StoredPolicy::merge(None, &zero, NOW), None, "there is nothing to end");
    }
    let unproven = policy(zero, Authentication::FirstUse, 0);
    assert_eq!(StoredPolicy::merge(Some(&applied_one()), &unproven, NOW), None);
}

#[test]
fn an_expired_row_stands_in_nobodys_way() {
    let old = applied(policy(ONE, Authentication::Dnssec, 604_800));
    let new = policy(OTHER, Authentication::FirstUse, 0);
    assert_eq!(StoredPolicy::merge(Some(&old), &new, NOW), Some(new));
}

#[test]
fn only_a_checked_signature_or_certificate_vouches_for_the_clock() {
    let newest = Some(UnixTime(NOW.0 - 400 * 86_400));
    assert_eq!(policy(ONE, Authentication::Dnssec, 0).vouched(NOW, newest), NOW);
    assert_eq!(policy(ONE, Authentication::WebPki, 0).vouched(NOW, None), NOW);
    let first_use = policy(ONE, Authentication::FirstUse, 0);
    assert_eq!(first_use.vouched(NOW, newest), UnixTime(NOW.0 - 399 * 86_400));
    assert_eq!(first_use.vouched(NOW, Some(NOW)), NOW);
    assert_eq!(first_use.vouched(NOW, None), UnixTime(0));
}

/// RFC 8461 section 10.2 suggests a day; section 3.3 has a policy refreshed before it ends.
#[test]
fn a_policy_is_due_after_a_day_and_a_short_lived_one_after_three_quarters_of_its_life() {
    for (max_age, pause) in [(4_000, 3_000), (100_000, 75_000), (200_000, 86_400), (604_800, 86_400)] {
        let stored = mta_sts("enforce", max_age, 0);
        assert_eq!(stored.due_at(), NOW.plus(pause), "{max_age}");
        assert!(!stored.is_due(NOW.plus(pause - 1)) && stored.is_due(NOW.plus(pause)), "{max_age}");
        let [believed, fetched, due, ends] = stored.turns();
        assert_eq!([fetched, due, ends], [NOW, NOW.plus(pause), NOW.plus(max_age)]);
        assert_eq!(believed, UnixTime(NOW.0 - CLOCK_JUMP));
    }
}

/// The other ones nobody wrote but somebody who wants to be believed.
#[test]
fn a_life_is_possible_that_the_policy_and_its_authentication_give() {
    let mta_sts = mta_sts("enforce", 604_800, 0);
    let draft = |rest: &str, authentication| policy(&format!("v=STS1; to=true{rest}"), authentication, 0);
    let first_use = draft("; e=604800", Authentication::FirstUse);
    let until = |policy: &StoredPolicy, expires_at| StoredPolicy { expires_at, ..policy.clone() };
    for (policy, longest) in [
        (&mta_sts, 604_800),
        (&first_use, 604_800),
        (&draft("", Authentication::FirstUse), MAX_FIRST_USE_LIFE),
        (&draft("", Authentication::Dnssec), MAX_POLICY_LIFE),
    ] {
        assert!(until(policy, NOW.plus(longest)).is_possible(), "{policy:?}");
        assert!(until(policy, NOW).is_possible(), "a life of zero: {policy:?}");
        assert!(!until(policy, NOW.plus(longest + 1)).is_possible(), "too long: {policy:?}");
        assert!(!until(policy, UnixTime(NOW.0 - 1)).is_possible(), "it ends before it begins: {policy:?}");
    }
    // The certificate of its policy host authenticates an MTA-STS policy (RFC 8461 section 3.3), and DNSSEC does not.
    for authentication in [Authentication::FirstUse, Authentication::Dnssec] {
        assert!(!StoredPolicy { authentication, ..mta_sts.clone() }.is_possible());
    }
}

/// RFC 8461 section 5 (enforce alone refuses), the draft section 3.3 (a policy counts once it was applied).
#[test]
fn only_what_demands_tls_and_was_applied_is_enforced() {
    for (mode, enforced) in [("enforce", true), ("testing", false), ("none", false)] {
        assert_eq!(mta_sts(mode, 604_800, 0).is_enforced(), enforced, "{mode}");
    }
    let draft = |to: &str| {
        policy(&format!("v=STS1; to={to}; mx=*.mx.test; a=dnssec; e=604800"), Authentication::Dnssec, 0)
    };
    assert!(applied(draft("true")).is_enforced());
    assert!(!draft("true").is_enforced() && !applied(draft("false")).is_enforced());
}

#[test]
fn clocks_differ_by_a_day_and_a_second_more_is_the_future() {
    let ahead = |by: u64| StoredPolicy { fetched_at: NOW.plus(by), ..mta_sts("enforce", 604_800, 0) };
    assert!(!ahead(86_400).is_from_the_future(NOW));
    assert!(ahead(86_401).is_from_the_future(NOW));
}

/// Of two fetches within one second nobody knows which one came first: none is kept out.
#[test]
fn of_two_fetches_in_one_second_the_one_that_is_written_down_later_counts() {
    let (old, new) = (mta_sts("enforce", 604_800, 10), mta_sts("testing", 604_800, 10));
    assert_eq!(StoredPolicy::merge(Some(&old), &new, NOW), Some(new));
}

/// What stands in a file from another host is somebody's word.
#[test]
fn an_imported_policy_takes_the_place_of_one_that_it_outdoes_and_of_no_other() {
    use Authentication::{Dnssec, FirstUse};
    let ended = StoredPolicy { expires_at: NOW, ..policy(ONE, Dnssec, 60) };
    let same = |new: StoredPolicy, old: &StoredPolicy| StoredPolicy { expires_at: old.expires_at, ..new };
    let sooner = |new: StoredPolicy| StoredPolicy { expires_at: UnixTime(new.expires_at.0 - 1), ..new };
    let used = applied(policy(ONE, FirstUse, 60));
    for (what, old, new, comes) in [
        ("where there is none", None, policy(OTHER, FirstUse, 60), true),
        ("where it has ended", Some(ended), policy(OTHER, FirstUse, 30), true),
        ("fetched in the same second", Some(policy(ONE, Dnssec, 60)), policy(OTHER, Dnssec, 60), false),
        (
            "neither in force, the same second",
            Some(policy(ONE, FirstUse, 60)),
            policy(OTHER, FirstUse, 60),
            false,
        ),
        ("fetched a second later", Some(policy(ONE, Dnssec, 60)), policy(OTHER, Dnssec, 59), true),
        ("fetched a second earlier", Some(policy(ONE, Dnssec, 60)), policy(OTHER, Dnssec, 61), false),
        ("later, but on first use", Some(policy(ONE, Dnssec, 60)), policy(OTHER, FirstUse, 30), false),
        (
            "earlier and proven, the old one not applied",
            Some(policy(ONE, FirstUse, 60)),
            policy(OTHER, Dnssec, 90),
            true,
        ),
        ("earlier and proven, another one applied", Some(used.clone()), policy(OTHER, Dnssec, 90), false),
        ("the same one proven", Some(used.clone()), same(policy(ONE, Dnssec, 60), &used), true),
        (
            "the same one proven, which ends sooner",
            Some(used.clone()),
            sooner(same(policy(ONE, Dnssec, 60), &used)),
            false,
        ),
    ] {
        let merged = StoredPolicy::merge_imported(old.as_ref(), &new, NOW);
        let merged = merged.map(|row| (row.policy, row.authentication));
        assert_eq!(merged, comes.then_some((new.policy, new.authentication)), "{what}");
    }
}

#[test]
fn of_an_imported_policy_that_is_older_the_row_learns_that_it_was_applied_if_it_is_the_same_one() {
    let old = policy(ONE, Authentication::FirstUse, 60);
    let seen = applied(policy(ONE, Authentication::FirstUse, 90));
    let learnt = StoredPolicy { applied_at: seen.applied_at, ..old.clone() };
    assert_eq!(StoredPolicy::merge_imported(Some(&old), &seen, NOW), Some(learnt));
    let other = applied(policy(OTHER, Authentication::FirstUse, 90));
    assert_eq!(StoredPolicy::merge_imported(Some(&old), &other, NOW), None);
}

fn any_policy() -> impl Strategy<Value = StoredPolicy> {
    let authentications = [Authentication::FirstUse, Authentication::WebPki, Authentication::Dnssec];
    (
        prop_oneof![Just(ONE), Just(OTHER)],
        0..3_usize,
        0_u64..1_000_000,
        proptest::option::of(0_u64..1_000_000),
    )
        .prop_map(move |(record, authentication, age, applied)| StoredPolicy {
            applied_at: applied.map(|age| UnixTime(NOW.0 - age)),
            ..policy(record, authentications[authentication], age)
        })
}

proptest! {
    #[test]
    fn in_whatever_order_fetches_are_written_down_the_last_one_counts(
        fetches in proptest::collection::vec((0..3_usize, 1_000_u64..9_000, 0_u64..1_000), 1..8)
    ) {
        let modes = ["enforce", "testing", "none"];
        let fetches: Vec<_> = fetches
            .into_iter()
            .map(|(mode, max_age, age)| mta_sts(modes[mode], max_age, age))
            .collect();
        let row = fetches.iter().fold(None, |row: Option<StoredPolicy>, new| {
            StoredPolicy::merge(row.as_ref(), new, NOW).or(row)
        });
        let newest = fetches.iter().map(|policy| policy.fetched_at).max().unwrap();
        prop_assert_eq!(row.unwrap().fetched_at, newest);
    }

    #[test]
    fn whatever_comes_in_whatever_order_no_row_is_weakened_by_a_first_use(
        events in proptest::collection::vec(any_policy(), 1..12)
    ) {
        let mut row: Option<StoredPolicy> = None;
        for new in events {
            let Some(next) = StoredPolicy::merge(row.as_ref(), &new, NOW) else { continue };
            prop_assert!(next.is_possible());
            if let Some(old) = row.filter(|old| old.is_unexpired(NOW)) {
                let same = next.policy == old.policy;
                if new.authentication == Authentication::FirstUse {
                    prop_assert!(same || (old.authentication == Authentication::FirstUse && old.applied_at.is_none()));
                    prop_assert!(!same || next.expires_at == old.expires_at);
                }
                prop_assert!(!same || next.authentication >= old.authentication);
                prop_assert!(!same || old.applied_at.is_none() || next.applied_at <= old.applied_at);
            }
            prop_assert_eq!(StoredPolicy::merge(Some(&next), &next, NOW).filter(|_| next.is_unexpired(NOW)), None);
            row = Some(next);
        }
    }
}
