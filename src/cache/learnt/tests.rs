use super::*;
use crate::cache::history::{Origin, of_change};
use crate::cache::{Fingerprint, Provenance};
use crate::name::PolicyDomain;
use crate::policy::{Authentication, Dialect, Policy};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn policy(id: &str, age: u64) -> StoredPolicy {
    let text = format!("v=STSv1; id={id};\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 604800\n");
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    let (domain, at) = (PolicyDomain::parse("example.org").unwrap(), UnixTime(NOW.0 - age));
    StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at)
}

fn hearsay(policy: &StoredPolicy, witnesses: &[&str], look: OwnLook) -> Hearsay {
    let witnesses = witnesses.iter().map(ToString::to_string).collect();
    Hearsay { policy: policy.clone(), witnesses, look, heard_at: NOW }
}

fn imported(policy: &StoredPolicy, host: &str) -> Vec<HistoryEntry> {
    let circumstances = Fingerprint::from_text("00112233445566778899aabbccddeeff").unwrap();
    let from = Provenance { host: host.to_owned(), exported_at: NOW, circumstances };
    of_change(None, policy, Origin::Import(&from), NOW)
}

#[test]
fn a_policy_is_told_with_whoever_fetched_it() {
    let (early, late, other) = (policy("1", 100), policy("1", 10), policy("2", 10));
    let of_the_fleet = imported(&early, "mx1 and mx2 of the fleet");
    for (row, heard, history, from, confirmed, words) in [
        (&early, vec![], vec![], "own-fetch", "own-fetch", "by this host's own fetch"),
        // Bound by the word of two, and known by either trace of it.
        (
            &early,
            vec![hearsay(&early, &["mx1", "mx2"], OwnLook::NotYet)],
            vec![],
            "fleet",
            "roles",
            "confirmed by 2 roles",
        ),
        (&early, vec![], of_the_fleet.clone(), "fleet", "roles", "from mx1 and mx2 of the fleet"),
        // They have renewed it since, and this host has not.
        (
            &early,
            vec![hearsay(&late, &["mx3"], OwnLook::NotYet)],
            of_the_fleet.clone(),
            "fleet",
            "nobody",
            "confirmed by one role",
        ),
        // Then this host fetched it itself.
        (
            &late,
            vec![hearsay(&early, &["mx1", "mx2"], OwnLook::Fetched(NOW))],
            of_the_fleet.clone(),
            "own-fetch",
            "own-fetch",
            "agrees with mx1 and mx2",
        ),
        (&late, vec![], of_the_fleet, "own-fetch", "own-fetch", "by this host's own fetch"),
        // What they say is another policy.
        (
            &early,
            vec![hearsay(&other, &["mx1", "mx2"], OwnLook::NotYet)],
            vec![],
            "own-fetch",
            "own-fetch",
            "by this host's own fetch",
        ),
        (
            &early,
            vec![],
            imported(&early, "mail, fetched at night"),
            "import",
            "nobody",
            "of mail, fetched at night, which was imported",
        ),
        (
            &late,
            vec![],
            imported(&early, "old.example"),
            "own-fetch",
            "own-fetch",
            "by this host's own fetch",
        ),
    ] {
        let learnt = Learnt::of(row, &heard, &history);
        assert_eq!((learnt.from.word(), learnt.confirmed_by()), (from, confirmed), "{learnt}");
        assert!(learnt.to_string().contains(words), "{learnt}");
        assert!(
            Source::WORDS.contains(&learnt.from.word())
                && Learnt::CONFIRMATIONS.contains(&learnt.confirmed_by())
        );
    }
    let of = |host: &str| Learnt::of_event(&imported(&early, host)[0]).unwrap();
    assert_eq!((of("x").from, of("x").roles), (Source::Import("x".to_owned()), vec![]));
    assert_eq!(
        (of("mx1 of the fleet").from, of("mx1 of the fleet").roles),
        (Source::Fleet, vec!["mx1".to_owned()])
    );
}

#[test]
fn each_standing_and_each_look_has_a_word_of_the_lists() {
    let why = [
        Ignored::Ended,
        Ignored::NoNews,
        Ignored::OnlyLonger,
        Ignored::Seen,
        Ignored::Unconfirmed,
        Ignored::Weakens,
    ];
    let ignored = why.into_iter().map(Standing::Ignored);
    let all = [Standing::Binds, Standing::BindsUntilSeen(None)].into_iter().chain(ignored);
    assert!(all.map(Standing::word).eq(Standing::WORDS));
    let looks = [OwnLook::Absent(NOW), OwnLook::Fetched(NOW), OwnLook::NotYet, OwnLook::Unconfirmed(NOW)];
    assert!(looks.into_iter().map(OwnLook::word).eq(OwnLook::WORDS));
}

#[test]
fn the_daemons_patience_with_one_role_is_told_with_its_end() {
    let own = policy("1", 100);
    let waits = hearsay(&policy("2", 50), &["mx1"], OwnLook::Unconfirmed(UnixTime(NOW.0 - 3_600)));
    let standing = waits.standing(None, std::slice::from_ref(&waits), NOW);
    assert_eq!(standing.until(), Some(NOW.plus(3 * 3_600)));
    assert!(standing.meaning().contains(&NOW.plus(3 * 3_600).to_string()), "{}", standing.meaning());
    assert!(waits.differs_from(None, NOW) && waits.differs_from(Some(&own), NOW));
    assert!(!hearsay(&policy("1", 5), &["mx1"], OwnLook::NotYet).differs_from(Some(&own), NOW));
}
