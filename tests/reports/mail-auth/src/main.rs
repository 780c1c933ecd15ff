//! Reads TLS reports as mail-auth does: it is called with files, a mail each, and prints a line of JSON in the RFC's shape for each.

use mail_auth::report::tlsrpt::TlsReport;
use std::{env, fs, process};

fn main() {
    for path in env::args().skip(1) {
        let report = fs::read(&path).map_err(|error| error.to_string());
        let report = report.and_then(|mail| TlsReport::parse_rfc5322(&mail).map_err(|error| format!("{error:?}")));
        match report.and_then(|report| serde_json::to_string(&report).map_err(|error| error.to_string())) {
            Ok(line) => println!("{line}"),
            Err(why) => {
                eprintln!("{path}: {why}");
                process::exit(1);
            }
        }
    }
}
