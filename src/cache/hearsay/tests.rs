use super::*;
use crate::name::PolicyDomain;
use crate::policy::{Authentication, Dialect, Policy};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);
const WEEK: u64 = 604_800;

fn mta_sts(mode: &str, mx: &str, max_age: u64, age: u64) -> StoredPolicy {
    let mx = if mode == "none" { String::new() } else { format!("mx: {mx}\n") };
    let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n");
    fetched(Policy::from_text(Dialect::MtaSts, &text).unwrap(), Authentication::WebPki, age)
}

fn draft(mx: &str, authentication: Authentication, age: u64) -> StoredPolicy {
    let text = format!("v=STS1; to=true; mx={mx}; a=dnssec; e=604800");
    fetched(Policy::from_text(Dialect::SmtpSts, &text).unwrap(), authentication, age)
}

fn fetched(policy: Policy, authentication: Authentication, age: u64) -> StoredPolicy {
    let (domain, at) = (PolicyDomain::parse("example.org").unwrap(), UnixTime(NOW.0 - age));
    StoredPolicy::fetched(&domain, policy, authentication, at, at.plus(300))
}

fn applied(policy: StoredPolicy) -> StoredPolicy {
    StoredPolicy { applied_at: Some(policy.fetched_at), ..policy }
}

/// The table: what this host has, what it hears, how many say so, what it saw, and what that is worth.
#[test]
fn what_hearsay_is_worth() {
    use Ignored::{Ended, NoNews, OnlyLonger, Seen, Unconfirmed, Weakens};
    use OwnLook::{Absent, Fetched, NotYet};
    use Standing::{Binds, BindsUntilSeen, Ignored as No};
    let enforce = |age| mta_sts("enforce", "*.one.test", WEEK, age);
    let testing = |age| mta_sts("testing", "*.one.test", WEEK, age);
    let fewer = |age| mta_sts("enforce", "mx.one.test", WEEK, age);
    let more = |age| mta_sts("enforce", "*.two.test", WEEK, age);
    let ended = mta_sts("enforce", "*.one.test", 0, 10);
    let first_use = |age| draft("*.one.test", Authentication::FirstUse, age);
    let proven_earlier = draft("*.one.test", Authentication::Dnssec, 100);
    let hours = |number: u64| UnixTime(NOW.0 - number * 3_600);
    let before = |seconds: u64| UnixTime(NOW.0 - seconds);
    let waits = |hours_ago: u64| OwnLook::Unconfirmed(hours(hours_ago));
    for (number, own, heard, witnesses, look, expected) in [
        // Nothing is known here.
        (1, None, enforce(10), 1, NotYet, BindsUntilSeen(None)),
        (2, None, enforce(10), 2, NotYet, Binds),
        (3, None, enforce(10), 1, Absent(before(5)), No(Seen)),
        (4, None, enforce(10), 2, Absent(before(5)), Binds),
        (5, None, enforce(10), 1, Absent(before(70)), BindsUntilSeen(None)),
        (54, None, enforce(10), 1, Absent(before(20)), No(Seen)),
        (55, None, enforce(10), 1, Absent(NOW.plus(5)), No(Seen)),
        (56, None, enforce(10), 2, Fetched(before(70)), Binds),
        (6, None, enforce(10), 2, Fetched(before(5)), No(Seen)),
        (7, None, enforce(10), 1, waits(1), BindsUntilSeen(Some(hours(1).plus(14_400)))),
        (8, None, enforce(10), 1, waits(4), No(Unconfirmed)),
        (9, None, enforce(10), 2, waits(4), Binds),
        (10, None, enforce(10), 1, OwnLook::Unconfirmed(NOW.plus(9)), No(Unconfirmed)),
        (11, None, enforce(WEEK), 2, NotYet, No(Ended)),
        (12, None, ended.clone(), 2, NotYet, No(Ended)),
        (13, None, StoredPolicy { expires_at: UnixTime(u64::MAX), ..enforce(10) }, 2, NotYet, No(Ended)),
        // Stricter than what is known here.
        (20, Some(testing(100)), enforce(10), 1, NotYet, BindsUntilSeen(None)),
        (21, Some(testing(100)), enforce(10), 2, NotYet, Binds),
        (22, Some(enforce(100)), fewer(10), 1, NotYet, BindsUntilSeen(None)),
        (23, Some(enforce(100)), fewer(10), 2, NotYet, Binds),
        (24, Some(testing(100)), enforce(10), 1, Fetched(before(5)), No(Seen)),
        (25, Some(first_use(100)), applied(first_use(50)), 1, NotYet, BindsUntilSeen(None)),
        (26, Some(first_use(100)), applied(first_use(50)), 2, NotYet, Binds),
        (27, Some(first_use(100)), draft("*.one.test", Authentication::Dnssec, 10), 2, NotYet, Binds),
        // Laxer: never on anybody's word.
        (30, Some(enforce(100)), testing(10), 3, NotYet, No(Weakens)),
        (31, Some(enforce(100)), mta_sts("none", "", 86_400, 10), 3, NotYet, No(Weakens)),
        (32, Some(enforce(100)), more(10), 3, NotYet, No(Weakens)),
        (33, Some(enforce(100)), mta_sts("enforce", "*.one.test", WEEK - 1, 10), 3, NotYet, No(Weakens)),
        (34, Some(mta_sts("enforce", "*.one.test", 9 * WEEK, 100)), fewer(10), 3, NotYet, No(Weakens)),
        (35, Some(enforce(100)), ended, 3, NotYet, No(Ended)),
        (
            36,
            Some(applied(first_use(100))),
            draft("mx.one.test", Authentication::Dnssec, 10),
            3,
            NotYet,
            No(Weakens),
        ),
        (37, Some(testing(100)), mta_sts("none", "", 86_400, 10), 3, NotYet, No(Weakens)),
        (38, Some(applied(first_use(10))), applied(proven_earlier.clone()), 3, NotYet, No(Weakens)),
        (39, Some(first_use(10)), proven_earlier, 3, NotYet, No(Weakens)),
        // The same, or a longer life.
        (40, Some(enforce(10)), enforce(10), 3, NotYet, No(NoNews)),
        (41, Some(enforce(100)), enforce(10), 3, NotYet, No(OnlyLonger)),
        (42, Some(enforce(10)), enforce(100), 3, NotYet, No(NoNews)),
        (43, Some(enforce(10)), fewer(100), 3, NotYet, No(Weakens)),
        (44, Some(testing(10)), enforce(100), 3, NotYet, No(NoNews)),
        // What this host had has ended.
        (50, Some(enforce(WEEK)), enforce(10), 1, NotYet, BindsUntilSeen(None)),
        (51, Some(mta_sts("enforce", "*.one.test", 0, 10)), enforce(100), 2, NotYet, No(NoNews)),
        (52, Some(mta_sts("enforce", "*.one.test", 0, 100)), enforce(10), 2, NotYet, Binds),
    ] {
        assert_eq!(decide(own.as_ref(), &heard, witnesses, look, NOW), expected, "line {number}");
    }
}

/// What this host has, what two others have, and whether its own turn is left out.
#[test]
fn a_renewal_is_left_to_two_others_who_have_made_it_and_not_for_long() {
    const DAY: u64 = 86_400;
    let enforce = |age| mta_sts("enforce", "*.one.test", WEEK, age);
    let heard = |policy: StoredPolicy, number: usize| Hearsay {
        witnesses: (0..number).map(|number| format!("mx{number}")).collect(),
        look: OwnLook::NotYet,
        heard_at: NOW,
        policy,
    };
    let proven = |authentication, age| draft("*.one.test", authentication, age);
    let future = StoredPolicy { fetched_at: NOW.plus(9), ..enforce(0) };
    for (line, own, word, expected) in [
        (1, enforce(DAY), heard(enforce(10), 2), true),
        (2, enforce(DAY), heard(enforce(10), 1), false),
        (3, enforce(DAY), heard(enforce(DAY), 2), false),
        (4, enforce(DAY), heard(enforce(2 * DAY), 2), false),
        (5, enforce(2 * DAY), heard(enforce(DAY), 2), false),
        (6, enforce(2 * DAY), heard(enforce(DAY - 1), 2), true),
        (7, enforce(WEEK / 2), heard(enforce(10), 2), true),
        (8, enforce(WEEK / 2 + 1), heard(enforce(10), 2), false),
        (9, enforce(WEEK + 1), heard(enforce(10), 2), false),
        (10, enforce(DAY), heard(mta_sts("testing", "*.one.test", WEEK, 10), 3), false),
        (11, enforce(DAY), heard(mta_sts("enforce", "mx.one.test", WEEK, 10), 3), false),
        (12, enforce(DAY), heard(future, 3), false),
        (13, proven(Authentication::Dnssec, DAY), heard(proven(Authentication::FirstUse, 10), 3), false),
        (14, proven(Authentication::WebPki, DAY), heard(proven(Authentication::Dnssec, 10), 2), true),
    ] {
        assert_eq!(is_renewed_by_others(&own, &[word], NOW), expected, "line {line}");
    }
    assert!(!is_renewed_by_others(&enforce(DAY), &[], NOW));
}

fn any_draft() -> impl Strategy<Value = StoredPolicy> {
    let mx = prop_oneof![Just("*.one.test"), Just("mx.one.test")];
    let authentication = prop_oneof![
        Just(Authentication::FirstUse),
        Just(Authentication::WebPki),
        Just(Authentication::Dnssec)
    ];
    (mx, authentication, 0..WEEK, 0..WEEK, any::<bool>()).prop_map(
        |(mx, authentication, age, less, is_applied)| {
            let policy = draft(mx, authentication, age);
            let policy = if is_applied { applied(policy) } else { policy };
            StoredPolicy {
                expires_at: UnixTime((policy.expires_at.0 - less).max(policy.fetched_at.0)),
                ..policy
            }
        },
    )
}

fn any_policy() -> impl Strategy<Value = StoredPolicy> {
    let mode = prop_oneof![Just("enforce"), Just("testing"), Just("none")];
    let mx = prop_oneof![Just("*.one.test"), Just("mx.one.test"), Just("*.two.test")];
    (mode, mx, 0..3 * WEEK, 0..2 * WEEK).prop_map(|(mode, mx, max_age, age)| mta_sts(mode, mx, max_age, age))
}

proptest! {
    /// Whoever rules the database may say what they like.
    #[test]
    fn nobodys_word_weakens_what_is_in_force(own in any_policy(), heard in any_policy(), witnesses in 0..5_usize) {
        prop_assume!(own.is_unexpired(NOW));
        let standing = decide(Some(&own), &heard, witnesses, OwnLook::NotYet, NOW);
        if !matches!(standing, Standing::Ignored(_)) {
            prop_assert_eq!(weakenings(&own, &heard), vec![]);
            prop_assert!(heard.is_unexpired(NOW));
        }
    }

    /// Nor may what this host has in force end sooner for it, or be less proven.
    #[test]
    fn nobodys_word_ends_what_is_in_force_or_takes_its_proof(own in any_draft(), heard in any_draft(), witnesses in 0..5_usize) {
        prop_assume!(own.is_unexpired(NOW) && own.is_in_force());
        let standing = decide(Some(&own), &heard, witnesses, OwnLook::NotYet, NOW);
        if !matches!(standing, Standing::Ignored(_)) {
            let kept = StoredPolicy::merge(Some(&own), &heard, NOW).unwrap_or_else(|| own.clone());
            prop_assert!(kept.expires_at >= own.expires_at);
            prop_assert!(kept.authentication >= own.authentication);
            prop_assert!(kept.is_in_force());
        }
    }

    /// One role that says something new at every moment holds mail up for four hours in all.
    #[test]
    fn one_role_holds_nothing_up_for_longer_than_four_hours(heard in any_policy(), waited in 14_400..WEEK) {
        let look = OwnLook::Unconfirmed(UnixTime(NOW.0 - waited)).after_news(NOW, NOW);
        prop_assert!(matches!(decide(None, &heard, 1, look, NOW), Standing::Ignored(_)));
    }
}
