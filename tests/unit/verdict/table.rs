//! The manual's table of all combinations, walked through from the first cell to the last.

use super::*;
use std::fmt::Write as _;

const HOST: &str = "mx.example.com";
const ENFORCE: &str = "v=STS1; to=true; mx=mx.example.com; a=dnssec; e=86400";
const ELSEWHERE: &str = "v=STS1; to=true; mx=other.example.com; a=dnssec; e=86400";
const REPORT: &str = "v=STS1; to=false; mx=mx.example.com; a=dnssec; e=86400";
const REPORT_ELSEWHERE: &str = "v=STS1; to=false; mx=other.example.com; a=dnssec; e=86400";

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

fn in_force(record: &str) -> PolicyFindings {
    let policy = policy(record, Authentication::Dnssec);
    PolicyFindings::InForce(StoredPolicy { applied_at: Some(UnixTime(1_000)), ..policy })
}

fn smtp_sts() -> Vec<(&'static str, PolicyFindings)> {
    vec![
        ("in force", in_force(ENFORCE)),
        ("in force, another MX", in_force(ELSEWHERE)),
        ("report only", in_force(REPORT)),
        ("first use", PolicyFindings::NeverApplied(policy(ENFORCE, Authentication::FirstUse))),
        ("absent", PolicyFindings::Absent(Absence::Nothing)),
        ("unreachable or bogus", PolicyFindings::Unknown(silence(ZoneStatus::Signed))),
    ]
}

/// For which the manual's table has no rows of their own.
fn more_of_smtp_sts() -> Vec<(&'static str, PolicyFindings)> {
    let new = |record, authentication| PolicyFindings::NeverApplied(policy(record, authentication));
    vec![
        ("report only, another MX", in_force(REPORT_ELSEWHERE)),
        ("new", new(ENFORCE, Authentication::Dnssec)),
        ("new, another MX", new(ELSEWHERE, Authentication::Dnssec)),
        ("first use, another MX", new(ELSEWHERE, Authentication::FirstUse)),
        ("malformed", PolicyFindings::Absent(Absence::Malformed(String::new()))),
        ("not fetched", PolicyFindings::Absent(Absence::NotFetched(String::new()))),
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
        for (draft_name, draft) in smtp_sts().into_iter().chain(more_of_smtp_sts()) {
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
                    || (draft_name.starts_with("in force") && !matches!(mta_name, "testing" | "none"));
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

/// What the RFCs and the draft say of a delivery to the domain's only MX host, before it (`None`, as a router asks) or after the
/// handshake with it, of which Exim saw that.
fn by_the_rules(
    dane: &str,
    mta_sts: &str,
    draft: &str,
    handshake: Option<Handshake>,
    on_unreachable: OnUnreachable,
) -> (Verdict, Tls) {
    // RFC 7672 section 2.2.3: held to its TLSA records; section 2.1.1: not to be used while nobody can tell.
    match dane {
        "usable" if handshake == Some(Handshake::Unverified) => return (Verdict::Refuse, Tls::Dane),
        "usable" => return (Verdict::Deliver, Tls::Dane),
        "bogus" | "silent" => return (Verdict::Defer, Tls::Dane),
        _ => {}
    }
    // RFC 8461 section 5: only a certificate for a host that the policy lists; section 5.2 of the draft says the same.
    let enforced = |is_listed: bool| match (is_listed, handshake) {
        (true, Some(Handshake::Unverified)) => (Verdict::Refuse, Tls::WebPki),
        (true, _) => (Verdict::Deliver, Tls::WebPki),
        // A router that is told to refuse would bounce what a queue run may still deliver.
        (false, None) => (Verdict::Defer, Tls::WebPki),
        (false, Some(_)) => (Verdict::Refuse, Tls::WebPki),
    };
    let nothing_binds = (Verdict::Deliver, Tls::Opportunistic);
    let unknown = (Verdict::Defer, Tls::Opportunistic);
    let (verdict, tls) = match (mta_sts, draft) {
        ("enforce", _) => enforced(true),
        ("enforce, another MX", _) => enforced(false),
        // RFC 8461 section 5: `testing` and `none` bind nobody, and a policy of the newer protocol goes before the draft's.
        ("testing" | "none", _) => nothing_binds,
        (_, "in force") => enforced(true),
        // The same section: of a policy that was met before, `to=true` refuses every other host.
        (_, "in force, another MX") => enforced(false),
        // Bogus answers and silence in a signed zone are no absence (RFC 4035 section 4.3).
        (_, "unreachable or bogus") | ("unreachable or bogus", _) => unknown,
        // Silence of an unsigned zone is no worse than an absence, which anybody may forge: the administrator chooses.
        ("unreachable, unsigned zone", _) if on_unreachable == OnUnreachable::Defer => unknown,
        // Section 3.3 of the draft: one that was never met refuses nothing; signed, it binds from the host on that meets it.
        (_, "new") if handshake != Some(Handshake::Unverified) => (Verdict::Deliver, Tls::WebPki),
        // What was taken on first use binds once a host met it with a verified certificate.
        (_, "first use") if handshake == Some(Handshake::Verified) => (Verdict::Deliver, Tls::WebPki),
        _ => nothing_binds,
    };
    // RFC 7672 section 2.2: TLSA records of which none is usable demand TLS, with whatever certificate.
    match dane {
        "unusable" if verdict == Verdict::Deliver => (verdict, tls.max(Tls::Encrypt)),
        _ => (verdict, tls),
    }
}

#[test]
fn every_combination_is_decided_as_the_rules_say() {
    let bogus = LookupError::Bogus(Blame::Domain, String::new());
    let one = |found| DaneFindings::Hosts(vec![(host(HOST), found)]);
    let danes = [
        ("usable", one(DaneHost::Usable)),
        ("bogus", one(DaneHost::Unknown(bogus))),
        ("silent", one(DaneHost::Unknown(silence(ZoneStatus::Signed)))),
        ("unusable", one(DaneHost::Unusable)),
        ("absent", one(DaneHost::Absent)),
        ("inapplicable", DaneFindings::Inapplicable(String::new())),
    ];
    let (mx, asked) = (mx(&[HOST]), [host(HOST)]);
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for (dane_name, dane) in &danes {
        for (mta_name, mta_sts) in mta_sts() {
            for (draft_name, smtp_sts) in smtp_sts().into_iter().chain(more_of_smtp_sts()) {
                for handshake in
                    [None, Some(Handshake::NotSeen), Some(Handshake::Verified), Some(Handshake::Unverified)]
                {
                    for on_unreachable in [OnUnreachable::Deliver, OnUnreachable::Defer] {
                        let hosts = if handshake.is_some() { &asked[..] } else { &[] };
                        let judgement = judge(Case {
                            handshake: handshake.unwrap_or(Handshake::NotSeen),
                            on_unreachable,
                            dane,
                            mta_sts: &mta_sts,
                            smtp_sts: &smtp_sts,
                            ..without_policies(hosts, &mx)
                        });
                        let expected =
                            by_the_rules(dane_name, mta_name, draft_name, handshake, on_unreachable);
                        // The TLS of mail that waits is nobody's.
                        let differs = judgement.verdict != expected.0
                            || judgement.verdict == Verdict::Deliver && judgement.tls != expected.1;
                        cases += 1;
                        if differs {
                            wrong.push(format!(
                                "{dane_name}, {mta_name}, {draft_name}, {handshake:?}, {on_unreachable:?}: expected {expected:?}, \
                                 decided {:?} {:?} {:?}",
                                judgement.verdict, judgement.tls, judgement.reason
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}
