//! The series for Prometheus, and the page.

use super::sample;
use smtp_sts_verify::monitoring::received::{Family, exposition};
use smtp_sts_verify::render::page::Paint;
use smtp_sts_verify::render::received::human;
use smtp_sts_verify::tls_report::collection::Collection;
use smtp_sts_verify::tls_report::open::open;
use smtp_sts_verify::tls_report::sums::Sums;

fn collection(names: &[&str]) -> Collection {
    let mut collection = Collection::default();
    names.iter().for_each(|name| collection.take(name, open(&sample(name), None)));
    collection
}

fn lines(names: &[&str]) -> Vec<String> {
    let collection = collection(names);
    exposition(&collection, &Sums::of(&collection)).lines().map(str::to_owned).collect()
}

#[test]
fn the_series_are_those_of_closed_lists_whatever_the_reports_say() {
    let (none, all) = (
        lines(&[]),
        lines(&["whole.eml", "google.eml", "forwarded.eml", "odd.json", "cut.json.gz", "microsoft.eml"]),
    );
    let names = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .filter(|name| !name.starts_with('#'))
            .collect()
    };
    assert_eq!(names(&none), names(&all));
    assert!(none.iter().filter(|line| !line.starts_with('#')).all(|line| line.ends_with(" 0")));
    for line in [
        "smtp_sts_received_reports{outcome=\"read\"} 4",
        "smtp_sts_received_reports{outcome=\"duplicate\"} 1",
        "smtp_sts_received_reports{outcome=\"unread\"} 1",
        "smtp_sts_received_sessions{policy=\"sts\",result=\"success\"} 55",
        "smtp_sts_received_sessions{policy=\"sts\",result=\"sts-policy-fetch-error\"} 2",
        "smtp_sts_received_sessions{policy=\"sts\",result=\"certificate-not-trusted\"} 2",
        "smtp_sts_received_sessions{policy=\"other\",result=\"other\"} 2",
        "smtp_sts_received_newest_end_timestamp_seconds 1795823999",
    ] {
        assert!(all.iter().any(|found| found == line), "{line}: {all:#?}");
    }
    for family in Family::ALL {
        let about = |word: &str| {
            all.iter().filter(|line| line.starts_with(&format!("# {word} {} ", family.name()))).count()
        };
        assert_eq!((about("HELP"), about("TYPE")), (1, 1), "{}", family.name());
    }
}

#[test]
fn a_flood_of_rows_is_cut_for_people_and_told() {
    let detail = |n: usize| {
        format!(r#"{{"result-type":"x{n}","failed-session-count":1,"receiving-mx-hostname":"h{n}.test"}}"#)
    };
    let details: Vec<String> = (0..1_000).map(detail).collect();
    let text = format!(
        r#"{{"organization-name":"S","policies":[{{"policy":{{"policy-type":"sts"}},"summary":{{}},"failure-details":[{}]}}]}}"#,
        details.join(",")
    );
    let mut collection = Collection::default();
    collection.take("file", open(text.as_bytes(), None));
    let page = human::page(&collection, &Sums::of(&collection), Paint::Plain);
    assert!(page.contains("and 950 kinds more"), "{page}");
    assert!(page.lines().count() < 400, "{}", page.lines().count());
}
