use super::*;
use crate::policy::result::ResultType;
use crate::reports::document::{Sender, document};
use proptest::prelude::*;

const DAY: Day = Day(20_784);

fn domain() -> PolicyDomain {
    PolicyDomain::parse("r.test").unwrap()
}

fn row(number: u64, text: &str) -> Row {
    Row {
        day: DAY,
        domain: domain(),
        policy: Applied::new(PolicyType::MtaSts, Mode::Enforce, text),
        host: MxHost::from_text(&format!("mx{number}.r.test")).ok(),
        address: format!("2001:db8::{number:x}").parse().ok(),
        from: "192.0.2.25".parse().ok(),
        helo: Helo::parse("mx.r.test"),
        ended: Ended::Failed(ResultType::CertificateNotTrusted),
        code: Some(ReasonCode::SelfSigned),
    }
}

fn read_again(text: &str) -> Vec<(Row, u64)> {
    read(text, DAY, &domain()).unwrap()
}

#[test]
fn what_was_counted_is_read_as_it_was_written() {
    let plain = Row {
        policy: Applied::without_text(PolicyType::Dane, Mode::None),
        host: None,
        address: None,
        from: None,
        helo: None,
        ended: Ended::Encrypted,
        code: None,
        ..row(0, "")
    };
    let left_out = Row { policy: Applied { text: PolicyText::LeftOut, ..row(2, "").policy }, ..row(2, "") };
    let mut rows = vec![(row(1, "v=STSv1; id=\u{fc}\n\u{0}\"\\\n"), 7), (left_out, 1), (plain, 40)];
    rows.sort();
    assert_eq!(read_again(&write(&rows)), rows);
    assert_eq!(write(&rows), write(&rows.iter().rev().cloned().collect::<Vec<_>>()), "the order is one");
}

#[test]
fn what_is_too_long_loses_texts_and_hosts_and_no_session() {
    let long = |number: u64| row(number, &format!("{number:05}{}", "x".repeat(40_000)));
    let many: Vec<_> = (0..20).map(|number| (long(number), 1)).collect();
    let sheet = write(&many);
    assert!(sheet.len() <= MAX_FLEET_SHEET_OCTETS);
    let read = read_again(&sheet);
    assert_eq!(read.iter().map(|(_, number)| number).sum::<u64>(), 20);
    assert!(read.iter().any(|(row, _)| row.policy.text.as_str().is_some()));
    let names: Vec<_> = (0..2_000)
        .map(|number| {
            let host = format!("{number}.{}", "a-label-of-a-host.".repeat(11));
            (Row { host: MxHost::from_text(&format!("{host}r.test")).ok(), ..row(number, "x") }, 1)
        })
        .collect();
    let sheet = write(&names);
    assert!(sheet.len() <= MAX_FLEET_SHEET_OCTETS, "{}", sheet.len());
    assert_eq!(read_again(&sheet).iter().map(|(_, number)| number).sum::<u64>(), 2_000);
    let base = |(mut row, sessions): (Row, u64)| {
        row.policy.base = row.host.take();
        (row, sessions)
    };
    let sheet = write(&names.into_iter().map(base).collect::<Vec<_>>());
    assert!(sheet.len() <= MAX_FLEET_SHEET_OCTETS, "{}", sheet.len());
    assert_eq!(read_again(&sheet).iter().map(|(_, number)| number).sum::<u64>(), 2_000);
}

/// Of two texts the first alone makes the sheet too long, or just not.
#[test]
fn a_sheet_of_the_most_octets_is_written_whole_and_of_one_more_the_texts_are_left_out() {
    let of = |hosts: u64, octets: usize| {
        let long = |number: u64| {
            let host = format!("{number:04}.{}r.test", "a-label-of-a-host.".repeat(11));
            (Row { host: MxHost::from_text(&host).ok(), ..row(number % 10, "x") }, 1)
        };
        let text = (Row { host: None, ..row(0, &"y".repeat(octets)) }, 1);
        write(&(0..hosts).map(long).chain([text]).collect::<Vec<_>>())
    };
    let most = 262_144;
    let short = of(800, 1_000).len();
    let at_the_bound = of(800, 1_000 + most - short);
    assert_eq!(at_the_bound.len(), most);
    let has_text = |sheet: &str| read_again(sheet).iter().any(|(row, _)| row.policy.text.as_str().is_some());
    assert!(has_text(&at_the_bound));
    let beyond = of(800, 1_001 + most - short);
    assert!(beyond.len() < most && !has_text(&beyond), "{}", beyond.len());
    assert_eq!(read_again(&beyond).iter().map(|(_, number)| number).sum::<u64>(), 801);
}

#[test]
fn the_texts_of_a_report_have_200_000_octets_and_those_of_one_sheet_half_of_that() {
    let texts = |rows: Vec<(Row, u64)>| {
        let all: BTreeSet<_> = rows.into_iter().map(|(row, _)| row.policy.text).collect();
        all.iter().filter_map(|text| text.as_str()).map(str::len).collect::<Vec<_>>()
    };
    for (last, is_there) in [(50_000, true), (50_001, false)] {
        let rows: Vec<_> =
            [("a", 50_000), ("b", last)].map(|(x, octets)| (row(1, &x.repeat(octets)), 1)).into();
        let expected = if is_there { vec![50_000, last] } else { vec![50_000] };
        assert_eq!(texts(read_again(&write(&rows))), expected);
        let mut sum = Sum::default();
        for (x, octets) in [("a", 50_000), ("b", 50_000), ("c", 50_000), ("d", last)] {
            sum.add(row(1, &x.repeat(octets)), 1);
        }
        assert_eq!(
            texts(sum.into_rows()).into_iter().sum::<usize>(),
            if is_there { 200_000 } else { 150_000 }
        );
    }
}

#[test]
fn what_this_program_would_not_write_is_no_sheet() {
    let good = r#"{"policies":[["none","none","",""]],"rows":[[0,"mx.r.test","192.0.2.1","","","starttls-not-supported","",3]]}"#;
    assert_eq!(read_again(good).len(), 1);
    let most = good.replacen(",3]", ",1000000000000]", 1);
    assert_eq!(read_again(&most)[0].1, 1_000_000_000_000);
    for (from, to) in [
        ("none\",\"none", "none\",\"x"),
        ("[[\"none", "[[\"x"),
        ("[0,", "[1,"),
        ("[0,", "[-1,"),
        ("mx.r.test", "a b"),
        ("192.0.2.1", "192.0.2.256"),
        ("starttls-not-supported", "x"),
        (",3]", ",1000000000001]"),
        (",3]", ",3,3]"),
        (",3]", ",3.5]"),
        ("\"rows\"", "\"more\":1,\"rows\""),
        ("{", ""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert_eq!(read(&bad, DAY, &domain()), None, "{bad}");
    }
    let padded = |octets: usize| good.to_owned() + &" ".repeat(octets - good.len());
    assert!(read(&padded(262_144), DAY, &domain()).is_some());
    assert_eq!(read(&padded(262_145), DAY, &domain()), None);
    assert_eq!(read("", DAY, &domain()), None, "one that was emptied");
}

#[test]
fn the_sum_of_several_hosts_has_the_bounds_of_one() {
    let mut sum = Sum::default();
    for host in 0..5 {
        for number in 0..1_000 {
            sum.add(row(host * 1_000 + number, &format!("text {host}")), 2);
        }
    }
    for number in 0..100 {
        sum.add(row(0, &format!("{number}{}", "x".repeat(60_000))), 1);
    }
    sum.add(row(0, "text 0"), u64::MAX);
    let rows = sum.into_rows();
    assert!(rows.len() <= 1_000 + 2 * MAX_REPORTED_TEXTS_OF_DOMAIN, "{}", rows.len());
    assert!(rows.iter().map(|(_, number)| *number).sum::<u64>() >= 10_100);
    assert!(rows.iter().all(|(_, number)| *number <= MOST));
    let octets: BTreeSet<_> = rows.iter().map(|(row, _)| row.policy.text.clone()).collect();
    let octets: usize = octets.iter().filter_map(|text| text.as_str()).map(str::len).sum();
    assert!(octets <= MAX_FLEET_SHEET_TEXTS, "{octets}");
}

proptest! {
    /// In whatever order and in however many sheets, the report has the same sums.
    #[test]
    fn the_report_of_a_fleet_has_the_sums_of_its_hosts(counts in prop::collection::vec((0..4_u64, 0..3_usize, 1..100_u64), 0..40)) {
        let mut sheets: BTreeMap<usize, Vec<(Row, u64)>> = BTreeMap::new();
        for (number, host, sessions) in &counts {
            sheets.entry(*host).or_default().push((row(*number, "x"), *sessions));
        }
        let mut sum = Sum::default();
        for rows in sheets.values() {
            read_again(&write(rows)).into_iter().for_each(|(row, sessions)| sum.add(row, sessions));
        }
        let sender = Sender { organization: "Sender", contact: "tls@sender.test" };
        let failures = document(sender, &domain(), DAY, &sum.into_rows())
            .map_or(0, |report| report["policies"][0]["summary"]["total-failure-session-count"].as_u64().unwrap());
        prop_assert_eq!(failures, counts.iter().map(|(_, _, sessions)| sessions).sum::<u64>());
    }

    /// Whatever somebody writes there, it is read or it is not.
    #[test]
    fn any_text_is_read_or_not(text in ".{0,200}") {
        let _ = read(&text, DAY, &domain());
    }
}
