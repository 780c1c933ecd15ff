//! What was counted for TLS reports, for people and for programs. Pure.

use crate::name::MxHost;
use crate::policy::PolicyType;
use crate::reports::helo::Helo;
use crate::reports::tally::Row;
use crate::reports::text::PolicyText;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A few lines a domain and day, the rows in the order in which the file has them: by day, domain and policy.
#[must_use]
pub fn human(rows: &[(Row, u64)]) -> String {
    let mut text = String::new();
    let mut before = None;
    for (row, sessions) in rows {
        let group = (row.day, &row.domain, &row.policy);
        if before != Some(group) {
            let gap = if before.is_some() { "\n" } else { "" };
            // Writing into a text cannot fail.
            let _ = writeln!(text, "{gap}{} {} {}", row.day, row.domain, under(row));
            before = Some(group);
        }
        let code = row.code.map(|code| format!(" ({code})")).unwrap_or_default();
        let _ = writeln!(text, "{sessions:>10} {:<25} {}{code}", row.ended.word(), place(row));
    }
    if text.is_empty() {
        text.push_str(
            "nothing was counted\n\n\
             The daemon counts the TLS sessions that Exim tells it of (the enforcing set\n\
             does, where the daemon runs), and what its own look-ups find at fault. It\n\
             writes that down every ten seconds; days are those of UTC, and eight are kept.\n\
             Root and the daemon's user may read them.\n",
        );
    }
    text
}

/// One row: `day`, `domain`, `policy` (`type`, `mode`, `domain`: the TLSA base domain, or null; `text`, `text_left_out`: whether there
/// was no room for it), `host`, `address`, `from` (each null for others), `helo` (what a host that failed called itself, or null),
/// `result` (`success`, or a word of RFC 8460 section 4.3), `code` (what exactly failed, or null), `sessions`.
#[must_use]
pub fn object(row: &Row, sessions: u64) -> Value {
    json!({
        "day": row.day.to_string(),
        "domain": row.domain.as_str(),
        "policy": {
            "type": row.policy.kind.word(),
            "mode": row.policy.mode.word(),
            "domain": row.policy.base.as_ref().map(MxHost::as_str),
            "text": row.policy.text.as_str().unwrap_or_default(),
            "text_left_out": row.policy.text == PolicyText::LeftOut,
        },
        "host": row.host.as_ref().map(MxHost::as_str),
        "address": row.address.map(|address| address.to_string()),
        "from": row.from.map(|address| address.to_string()),
        "helo": row.helo.as_ref().map(Helo::as_str),
        "result": row.ended.word(),
        "code": row.code.map(|code| code.to_string()),
        "sessions": sessions,
    })
}

/// A report in JSON, indented, in printable ASCII: what else is in a text is written as JSON escapes it.
#[must_use]
pub fn report(document: &Value) -> String {
    let mut text = String::new();
    for c in format!("{document:#}\n").chars() {
        match c {
            '\n' | ' '..='~' => text.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing into a text cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }),
        }
    }
    text
}

fn under(row: &Row) -> String {
    let left_out = match row.policy.text {
        PolicyText::LeftOut => ", whose text is left out for want of room",
        PolicyText::Nothing | PolicyText::Whole(_) => "",
    };
    let policy = match row.policy.kind {
        PolicyType::None => "without a policy".to_owned(),
        PolicyType::Dane => "under its TLSA records".to_owned(),
        PolicyType::Override => "under an override".to_owned(),
        kind @ (PolicyType::MtaSts | PolicyType::SmtpSts) => {
            format!("under {}, mode {}", kind.word(), row.policy.mode.word())
        }
    };
    policy + left_out
}

fn place(row: &Row) -> String {
    match (&row.host, row.address) {
        (Some(host), Some(address)) => format!("{host} [{address}]"),
        (Some(host), None) => host.to_string(),
        (None, _) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PolicyDomain;
    use crate::policy::Mode;
    use crate::policy::result::ResultType;
    use crate::reports::session::Ended;
    use crate::reports::tally::{Applied, Day};

    fn row(domain: &str, kind: PolicyType, host: Option<&str>, ended: Ended) -> Row {
        Row {
            day: Day(20_780),
            domain: PolicyDomain::parse(domain).unwrap(),
            policy: Applied::new(kind, Mode::Testing, "version: STSv1\r\nmx: \u{1b}[31m"),
            host: host.map(|host| MxHost::from_text(host).unwrap()),
            address: host.map(|_| "192.0.2.25".parse().unwrap()),
            from: host.map(|_| "2001:db8::1".parse().unwrap()),
            helo: None,
            ended,
            code: None,
        }
    }

    fn rows() -> [(Row, u64); 4] {
        let failed = Ended::Failed(ResultType::CertificateHostMismatch);
        let fetch = Ended::Failed(ResultType::StsPolicyFetchError);
        [
            (row("a.test", PolicyType::MtaSts, Some("mx.a.test"), Ended::Encrypted), 12),
            (row("a.test", PolicyType::MtaSts, Some("mx.a.test"), failed), 1),
            (row("b.test", PolicyType::MtaSts, None, fetch), 3),
            (row("b.test", PolicyType::None, Some("mx.b.test"), Ended::Encrypted), u64::MAX),
        ]
    }

    #[test]
    fn a_person_sees_them_by_day_domain_and_policy() {
        let expected = "\
2026-11-23 a.test under mta-sts, mode testing
        12 success                   mx.a.test [192.0.2.25]
         1 certificate-host-mismatch mx.a.test [192.0.2.25]

2026-11-23 b.test under mta-sts, mode testing
         3 sts-policy-fetch-error    -

2026-11-23 b.test without a policy
18446744073709551615 success                   mx.b.test [192.0.2.25]
";
        assert_eq!(human(&rows()), expected);
        assert!(human(&[]).starts_with("nothing was counted\n"));
    }

    #[test]
    fn a_report_is_the_same_json_in_ascii() {
        let document =
            json!({"organization-name": "M\u{fc}ller \u{1f4e7}\u{7f}\u{202e}\u{1b}", "policies": []});
        let text = report(&document);
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
    }

    #[test]
    fn a_program_gets_every_column_and_no_strangers_control_character() {
        let [(row, sessions), _, (others, _), _] = rows();
        let object = object(&row, sessions);
        assert_eq!(object["result"], "success");
        assert_eq!(object["policy"]["text"], "version: STSv1\r\nmx: \u{1b}[31m");
        let shown = crate::text::Json(&object).to_string();
        assert!(shown.contains("STSv1\\r\\nmx: \\u001b[31m") && shown.is_ascii(), "{shown}");
        assert_eq!((&object["from"], &object["sessions"]), (&json!("2001:db8::1"), &json!(12)));
        assert_eq!(super::object(&others, 1)["host"], Value::Null);
    }
}
