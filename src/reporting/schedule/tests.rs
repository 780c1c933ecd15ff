use super::*;

const DAY_OF_TEST: Day = Day(20_784);

fn domain(name: &str) -> PolicyDomain {
    PolicyDomain::parse(name).unwrap()
}

#[test]
fn a_thousand_domains_have_their_moments_all_over_four_hours() {
    let submitter = domain("sender.example");
    let midnight = end(DAY_OF_TEST).0;
    let mut hours = [0_u32; 8];
    for number in 0..1_000 {
        let one = domain(&format!("d{number}.example"));
        let at = moment(&submitter, &one, DAY_OF_TEST);
        assert_eq!(at, moment(&submitter, &one, DAY_OF_TEST));
        assert!(at.0 >= midnight + REPORTS_SENT_FROM && at.0 < midnight + REPORTS_SENT_UNTIL);
        hours[usize::try_from((at.0 - midnight) / 1_800).unwrap()] += 1;
    }
    assert!(hours.iter().all(|number| (75..=175).contains(number)), "{hours:?}");
    let others = moment(&domain("other.example"), &domain("d1.example"), DAY_OF_TEST);
    assert_ne!(others, moment(&submitter, &domain("d1.example"), DAY_OF_TEST));
}

#[test]
fn a_day_is_told_of_when_it_is_over_and_not_when_it_is_old() {
    let (first, last) = (end(DAY_OF_TEST).plus(REPORTS_SENT_FROM), end(DAY_OF_TEST).plus(2 * DAY));
    assert!(!is_closed(DAY_OF_TEST, UnixTime(first.0 - 1)) && is_closed(DAY_OF_TEST, first));
    assert!(!is_over(DAY_OF_TEST, UnixTime(last.0 - 1)) && is_over(DAY_OF_TEST, last));
    assert_eq!(days(first).collect::<Vec<_>>(), [DAY_OF_TEST.before(1), DAY_OF_TEST]);
    assert_eq!(days(end(DAY_OF_TEST)).collect::<Vec<_>>(), [DAY_OF_TEST.before(1)]);
}

#[test]
fn pauses_grow_and_a_report_is_tried_for_a_day() {
    let first = UnixTime(1_800_000_000);
    let (mut now, mut tries, mut pauses) = (first, 1, Vec::new());
    while let Some(next) = next_try(tries, first, now) {
        pauses.push(next.0 - now.0);
        (now, tries) = (next, tries + 1);
    }
    assert_eq!(now, first.plus(REPORT_TRIED_FOR));
    assert_eq!(pauses[..7], [300, 600, 1_200, 2_400, 4_800, 9_600, 14_400]);
    assert!(pauses.len() < 14 && pauses.iter().all(|pause| *pause <= REPORT_RETRY_MOST), "{pauses:?}");
    assert!(next_try(u64::MAX, first, first).is_some());
}

#[test]
fn a_bounce_suppresses_once_and_a_week_without_one_is_a_success() {
    let now = UnixTime(1_800_000_000);
    let first = Failing::default().bounced(true, now);
    assert_eq!(first, Failing { since: 0, until: now.0 + SUPPRESSED_FIRST, times: 1 });
    // Another report was under way.
    assert_eq!(first.bounced(true, now.plus(SUPPRESSED_FIRST - 1)), first);
    let again = now.plus(SUPPRESSED_FIRST + DAY);
    let second = first.bounced(true, again);
    assert_eq!((second.until - again.0, second.times), (2 * SUPPRESSED_FIRST, 2));
    let late = now.plus(2 * SUPPRESSED_FIRST);
    assert_eq!(first.bounced(true, late).until, late.0 + SUPPRESSED_FIRST);
    // What nobody refused suppresses after three days of it, and not because it happened once, long ago.
    let waiting = Failing::default().bounced(false, now);
    assert!(!waiting.is_suppressed(now));
    let later = now.plus(SUPPRESSED_AFTER);
    assert!(waiting.bounced(false, later).is_suppressed(later));
    let much_later = later.plus(SUPPRESSED_FIRST);
    assert_eq!(waiting.bounced(false, much_later), Failing { since: much_later.0, until: 0, times: 0 });
}

#[test]
fn a_refusal_for_good_or_three_days_of_failure_suppress_for_a_week_and_then_twice_as_long() {
    let now = UnixTime(1_800_000_000);
    let refused = Failing::default().again(true, now);
    assert_eq!(refused, Failing { since: 0, until: now.0 + SUPPRESSED_FIRST, times: 1 });
    assert!(refused.is_suppressed(now) && !refused.is_suppressed(now.plus(SUPPRESSED_FIRST)));
    let first = Failing::default().again(false, now);
    assert!(!first.is_suppressed(now) && first.since == now.0);
    let almost = first.again(false, now.plus(SUPPRESSED_AFTER - 1));
    assert!(!almost.is_suppressed(now.plus(SUPPRESSED_AFTER - 1)));
    let later = now.plus(SUPPRESSED_AFTER);
    assert_eq!(almost.again(false, later).until, later.0 + SUPPRESSED_FIRST);
    let mut failing = Failing::default();
    let mut lengths = Vec::new();
    for _ in 0..6 {
        failing = failing.again(true, now);
        lengths.push((failing.until - now.0) / DAY);
    }
    assert_eq!(lengths, [7, 14, 28, 56, 90, 90]);
    let ages = Failing { times: u32::MAX, ..failing }.again(true, now);
    assert_eq!(ages.until, now.0 + SUPPRESSED_MOST);
}
