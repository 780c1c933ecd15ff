//! `reports read`.

use crate::screen::typed;

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn who_tells_what_and_what_is_to_be_done() {
    typed("reports read -").reading(&sample("whole.eml")).shows("reports-read");
    typed("reports read -").reading(&sample("google.eml")).shows("reports-read-no-failure");
    let line = "reports read - --authserv-id mx.receiver.example";
    typed(line).reading(&sample("google.eml")).shows("reports-read-not-authenticated");
    typed("reports read -").reading(&sample("odd.json")).shows("reports-read-odd");
}

#[test]
fn what_cannot_be_read_is_named() {
    typed("reports read -").reading("{\"policies\": [").shows("reports-read-cut");
    typed("reports read not-there").shows("reports-read-not-there");
    typed("why tls-report").shows("why-reports-family");
    typed("why tls-report.date-range").shows("why-a-report-finding");
}
