//! The manual's table of all combinations, walked through from the first cell to the last.

use super::*;
use std::fmt::Write as _;

const HOST: &str = "mx.example.com";
const ENFORCE: &str = "v=STS1; to=true; mx=mx.example.com; a=dnssec; e=86400";
const REPORT: &str = "v=STS1; to=false; mx=mx.example.com; a=dnssec; e=86400";

fn mta_sts() -> Vec<(&'static str, PolicyFindings)> {
    vec![
        ("enforce", fetched("enforce", &[HOST])),
        ("enforce, another MX", fetched("enforce", &["other.example.com"])),
        ("testing", fetched("testing", &["other.example.com"])),
        ("none", fetched("none", &[])),
        ("absent", PolicyFindings::Absent(Absence::Nothing)),
        ("malformed", PolicyFindings::Absent(Absence::Malformed(String::new()))),
        ("not fetched", PolicyFindings::Absent(Absence::NotFetched(String::new()))),
        ("unreachable, unsigned zone", PolicyFindings::Unknown(silence(ZoneStatus::ProvenInsecure))),
        ("unreachable or bogus", PolicyFindings::Unknown(silence(ZoneStatus::Signed))),
    ]
}

fn smtp_sts() -> Vec<(&'static str, PolicyFindings)> {
    let in_force = |record| {
        let policy = policy(record, Authentication::Dnssec);
        PolicyFindings::InForce(StoredPolicy { applied_at: Some(UnixTime(1_000)), ..policy })
    };
    vec![
        ("in force", in_force(ENFORCE)),
        ("report only", in_force(REPORT)),
        ("first use", PolicyFindings::NeverApplied(policy(ENFORCE, Authentication::FirstUse))),
        ("absent", PolicyFindings::Absent(Absence::Nothing)),
        ("unreachable or bogus", PolicyFindings::Unknown(silence(ZoneStatus::Signed))),
    ]
}

fn dane() -> Vec<(&'static str, DaneHost)> {
    let bogus = LookupError::Bogus(Blame::Domain, String::new());
    vec![
        ("usable", DaneHost::Usable),
        ("bogus", DaneHost::Unknown(bogus)),
        ("unusable", DaneHost::Unusable),
        ("absent", DaneHost::Absent),
    ]
}

fn cell(found: &DaneHost, mta_sts: &PolicyFindings, smtp_sts: &PolicyFindings) -> String {
    let mx = mx(&[HOST]);
    let dane = DaneFindings::Hosts(vec![(host(HOST), found.clone())]);
    let judgement = judge(Case { dane: &dane, mta_sts, smtp_sts, ..without_policies(&[], &mx) });
    let mut cell = format!("{} {}", judgement.verdict.word(), judgement.tls.word());
    if judgement.verdict != Verdict::Deliver {
        cell = judgement.verdict.word().to_owned();
    }
    write!(cell, " `{}`", judgement.reason.word()).unwrap();
    if judgement.policy != PolicyType::None {
        write!(cell, " {}", judgement.policy.word()).unwrap();
    }
    cell
}

/// The table as the manual has it. Where DANE decides, the policies change nothing: the manual says so before the table. Where
/// the draft's record changes nothing, one row tells it.
fn table() -> String {
    let mut table =
        String::from("| MTA-STS | the draft's record | no TLSA | TLSA unusable |\n|---|---|---|---|\n");
    for (mta_name, mta) in mta_sts() {
        let rows: Vec<(&str, String)> = smtp_sts()
            .into_iter()
            .map(|(draft_name, draft)| {
                let cells = [DaneHost::Absent, DaneHost::Unusable].map(|found| cell(&found, &mta, &draft));
                (draft_name, cells.join(" | "))
            })
            .collect();
        if rows.iter().all(|(_, cells)| *cells == rows[0].1) {
            writeln!(table, "| {mta_name} | any, or none | {} |", rows[0].1).unwrap();
            continue;
        }
        for (draft_name, cells) in rows {
            writeln!(table, "| {mta_name} | {draft_name} | {cells} |").unwrap();
        }
    }
    table
}

#[test]
fn the_table_in_the_manual_is_what_the_program_decides() {
    let manual = include_str!("../../../exim/manual/smtp-sts-verify.1.md");
    let table = table();
    assert!(
        manual.contains(&format!("\n\n{table}\n")),
        "the manual has another table than this one:\n{table}"
    );
}

#[test]
fn where_dane_decides_no_policy_changes_anything() {
    for (mta_name, mta) in mta_sts() {
        for (draft_name, draft) in smtp_sts() {
            for (name, found) in dane().into_iter().take(2) {
                let expected = match found {
                    DaneHost::Usable => "deliver dane `dane-usable` dane",
                    _ => "defer `tlsa-bogus` dane",
                };
                assert_eq!(cell(&found, &mta, &draft), expected, "{name}, {mta_name}, {draft_name}");
            }
        }
    }
}

#[test]
fn no_combination_delivers_with_less_than_a_policy_in_force_demands() {
    for (mta_name, mta) in mta_sts() {
        for (draft_name, draft) in smtp_sts() {
            for (name, found) in dane() {
                let cell = cell(&found, &mta, &draft);
                let what = format!("{name}, {mta_name}, {draft_name}: {cell}");
                let enforced = mta_name.starts_with("enforce")
                    || (draft_name == "in force" && !matches!(mta_name, "testing" | "none"));
                if enforced && cell.starts_with("deliver") {
                    assert!(cell.contains(" webpki ") || cell.contains(" dane "), "{what}");
                }
                if matches!(found, DaneHost::Unusable) && cell.starts_with("deliver") {
                    assert!(!cell.contains("opportunistic"), "{what}");
                }
            }
        }
    }
}
