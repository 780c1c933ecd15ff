//! Every input of the collected vectors for the draft's record, with what this program makes of it.
//!
//! `fixtures/smtp-sts-txt.tsv` has a line for each: the record, the outcome, and where the outcome is not what the
//! source of the vector says, why. The outcome is `nothing`, `malformed FIELD`, or the terms as they print.
#![cfg(test)] // tells clippy that these are tests throughout

use smtp_sts_verify::policy::smtp_sts::{Published, published};

const VECTORS: &str = include_str!("../fixtures/smtp-sts-txt.tsv");

fn outcome(input: &str) -> String {
    let records = if input.is_empty() { vec![] } else { vec![input.as_bytes().to_vec()] };
    match published(&records) {
        Published::Nothing => "nothing".into(),
        Published::Malformed(malformed) => {
            let text = malformed.to_string();
            format!("malformed {}", text.split('\'').nth(1).unwrap_or_default())
        }
        Published::Record(record) => record.terms().to_string(),
        Published::Several(_) => panic!("one record was given"),
    }
}

#[test]
fn every_vector_comes_out_as_written_down() {
    let rows = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for row in rows {
        let fields: Vec<&str> = row.split('\t').collect();
        assert!(fields.len() >= 2, "{row:?} has no outcome");
        assert_eq!(outcome(fields[0]), fields[1], "{:?}", fields[0]);
        seen += 1;
    }
    assert_eq!(seen, 37);
}
