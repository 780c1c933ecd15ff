use super::*;
use crate::name::PolicyDomain;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn mta_sts(id: &str, mode: &str, mx: &[&str], max_age: u64) -> StoredPolicy {
    let mx: String = mx.iter().map(|one| format!("mx: {one}\n")).collect();
    let text = format!("v=STSv1; id={id};\nversion: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n");
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    fetched(policy, Authentication::WebPki)
}

fn draft(record: &str, authentication: Authentication) -> StoredPolicy {
    fetched(Policy::from_text(Dialect::SmtpSts, record).unwrap(), authentication)
}

fn fetched(policy: Policy, authentication: Authentication) -> StoredPolicy {
    let domain = PolicyDomain::parse("example.org").unwrap();
    StoredPolicy::fetched(&domain, policy, authentication, NOW, NOW.plus(300))
}

#[test]
fn a_policy_is_weaker_by_a_lower_mode_a_wider_list_a_life_below_a_week_or_a_weaker_proof() {
    const MONTH: u64 = 2_592_000;
    let usual = || mta_sts("1", "enforce", &["a.mx.test", "*.in.test"], MONTH);
    for (new, expected) in [
        (usual(), vec![]),
        (mta_sts("2", "enforce", &["a.mx.test"], MONTH), vec![]),
        (mta_sts("2", "enforce", &["a.mx.test", "x.in.test"], MONTH), vec![]),
        (mta_sts("2", "enforce", &["a.mx.test", "x.y.in.test"], MONTH), vec![Weakening::Mx]),
        (mta_sts("2", "enforce", &["*.mx.test"], MONTH), vec![Weakening::Mx]),
        (mta_sts("2", "enforce", &["a.mx.test"], WEEK), vec![]),
        (mta_sts("2", "enforce", &["a.mx.test"], WEEK - 1), vec![Weakening::Life]),
        (mta_sts("2", "testing", &["a.mx.test"], MONTH), vec![Weakening::Mode]),
        (mta_sts("2", "testing", &["b.test"], 60), vec![Weakening::Mode, Weakening::Mx, Weakening::Life]),
        (mta_sts("2", "none", &[], 86_400), vec![Weakening::Mode, Weakening::Mx, Weakening::Life]),
    ] {
        assert_eq!(weakenings(&usual(), &new), expected, "{new:?}");
    }
}

#[test]
fn a_raised_mode_outweighs_the_rest() {
    let old = mta_sts("1", "testing", &["a.mx.test"], 2_592_000);
    assert_eq!(weakenings(&old, &mta_sts("2", "enforce", &["*.mx.test"], 60)), []);
    assert_eq!(weakenings(&mta_sts("1", "none", &[], 60), &old), []);
}

#[test]
fn the_drafts_policies_are_compared_alike() {
    let old = draft("v=STS1; to=true; mx=*.mx.test; a=dnssec; e=86400", Authentication::Dnssec);
    for (record, authentication, expected) in [
        ("v=STS1; to=true; mx=*.mx.test; a=dnssec", Authentication::Dnssec, vec![Weakening::Life]),
        ("v=STS1; to=true; a=dnssec; e=86400", Authentication::Dnssec, vec![Weakening::Mx]),
        (
            "v=STS1; to=true; mx=a.mx.test; a=webpki; e=86400",
            Authentication::WebPki,
            vec![Weakening::Authentication],
        ),
    ] {
        assert_eq!(weakenings(&old, &draft(record, authentication)), expected, "{record}");
    }
}

fn events(old: Option<&StoredPolicy>, row: &StoredPolicy) -> Vec<(Event, Option<Mode>, Option<Mode>)> {
    let entries = of_change(old, row, Origin::Fetch, NOW);
    entries.into_iter().map(|entry| (entry.event, entry.before, entry.after)).collect()
}

#[test]
fn what_a_row_becomes_is_told_and_a_renewal_is_not() {
    use Mode::{Enforce, Testing};
    let testing = mta_sts("1", "testing", &["a.mx.test"], 604_800);
    let enforced = mta_sts("2", "enforce", &["a.mx.test"], 604_800);
    let over = StoredPolicy { fetched_at: UnixTime(9), expires_at: NOW, ..enforced.clone() };
    let ended = mta_sts("3", "enforce", &["a.mx.test"], 0);
    let renewed = StoredPolicy { fetched_at: NOW.plus(9), expires_at: NOW.plus(99), ..testing.clone() };
    for (old, row, expected) in [
        (None, &testing, vec![(Event::Learnt, None, Some(Testing))]),
        (Some(&over), &testing, vec![(Event::Learnt, None, Some(Testing))]),
        (Some(&testing), &renewed, vec![]),
        (Some(&testing), &enforced, vec![(Event::Changed, Some(Testing), Some(Enforce))]),
        (Some(&enforced), &testing, vec![(Event::Weakened, Some(Enforce), Some(Testing))]),
        (Some(&enforced), &ended, vec![(Event::Ended, Some(Enforce), None)]),
    ] {
        assert_eq!(events(old, row), expected, "{row:?}");
    }
}

#[test]
fn a_policy_of_the_draft_is_learnt_applied_and_authenticated() {
    use Mode::Enforce;
    let new = draft("v=STS1; to=true; e=86400", Authentication::FirstUse);
    let applied = StoredPolicy { applied_at: Some(NOW), ..new.clone() };
    let proven = StoredPolicy { authentication: Authentication::Dnssec, ..applied.clone() };
    let (none, some) = (None, Some(Enforce));
    assert_eq!(events(None, &applied), [(Event::Learnt, none, some), (Event::Applied, some, some)]);
    assert_eq!(events(Some(&new), &applied), [(Event::Applied, some, some)]);
    assert_eq!(events(Some(&applied), &proven), [(Event::Authenticated, some, some)]);
}

#[test]
fn the_detail_tells_what_is_different() {
    let old = mta_sts("1", "enforce", &["a.mx.test", "b.mx.test"], 604_800);
    let new = mta_sts("2", "enforce", &["a.mx.test", "*.in.test"], 86_400);
    let detail = |old, new| of_change(old, new, Origin::Fetch, NOW).remove(0).detail;
    assert_eq!(
        detail(Some(&old), &new),
        "id 1 -> 2; mx added *.in.test; mx gone b.mx.test; life 604800 -> 86400"
    );
    assert_eq!(detail(None, &new), "id 2; mx a.mx.test,*.in.test; life 86400");
}

#[test]
fn no_detail_is_longer_than_a_row_may_hold_or_strange() {
    let row = mta_sts("1", "enforce", &["a.mx.test"], 604_800);
    for why in ["x".repeat(9_000), "\u{202e}\n".repeat(9_000)] {
        let detail = of_notice(&row, &Notice::FetchFailed(why), None, NOW).unwrap().detail;
        assert!(
            detail.len() <= MAX_EVENT_DETAIL_OCTETS && detail.bytes().all(|b| (b' '..=b'~').contains(&b))
        );
    }
}

#[test]
fn what_goes_on_since_the_last_fetch_is_noticed_once() {
    let row = mta_sts("1", "enforce", &["a.mx.test"], 604_800);
    let tell = |last| of_notice(&row, &Notice::Withdrawn, last, NOW).map(|entry| entry.event);
    assert_eq!(tell(None), Some(Event::Withdrawn));
    assert_eq!(tell(Some(UnixTime(NOW.0 - 1))), Some(Event::Withdrawn), "fetched again since");
    assert_eq!(tell(Some(NOW)), None);
    assert_eq!(of_notice(&row, &Notice::Withdrawn, None, row.expires_at), None);
}

#[test]
fn the_words_are_different_sorted_and_read_back() {
    let words = Event::ALL.map(Event::word);
    assert!(words.is_sorted_by(|one, next| one < next));
    for event in Event::ALL {
        assert_eq!(Event::from_word(event.word()), Some(event));
    }
}
