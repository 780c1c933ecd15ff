use super::super::package;
use super::*;
use crate::tls_report::open;
use serde_json::json;

fn made(domain: &str, to: &str) -> String {
    made_for(Purpose::Report, domain, to)
}

fn made_for(purpose: Purpose, domain: &str, to: &str) -> String {
    let (from, to): (MailAddress, MailAddress) =
        ("tls-reports@sender.example".parse().unwrap(), to.parse().unwrap());
    let domain = PolicyDomain::parse(domain).unwrap();
    let id = format!("2026-11-27.{domain}.9f2c1a07");
    let day = crate::reports::tally::Day(20_784);
    let document = json!({
        "organization-name": "Example Sender",
        "date-range": {"start-datetime": "2026-11-27T00:00:00Z", "end-datetime": "2026-11-27T23:59:59Z"},
        "contact-info": from.as_str(),
        "report-id": id,
        "policies": [{
            "policy": {"policy-type": "no-policy-found", "policy-domain": domain.as_str()},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
            "failure-details": [],
        }],
    });
    let file = package::file_name(from.domain(), &domain, day, &id);
    let package = package::gzip(package::json(&document).as_bytes());
    let made = UnixTime(1_795_824_301);
    let (token, package) = ("0123456789abcdef0123456789abcdef", &package);
    let content = Content {
        purpose,
        from: &from,
        to: &to,
        domain: &domain,
        id: &id,
        file: &file,
        made,
        token,
        package,
    };
    assert_eq!(mail(content), mail(content));
    String::from_utf8(mail(content)).unwrap()
}

#[test]
fn the_headers_are_those_of_the_rfc() {
    let text = made("r.example", "rua@r.example");
    let (header, body) = text.split_once("\n\n").unwrap();
    let unfolded = header.replace("\n ", " ");
    let boundary = unfolded.rsplit_once("boundary=\"").unwrap().1.trim_end_matches('"');
    let lines: Vec<&str> = unfolded.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "From: <tls-reports@sender.example>",
            "To: <rua@r.example>",
            // date -u -d @1795824301 -R
            "Date: Sat, 28 Nov 2026 00:05:01 +0000",
        ]
    );
    assert!(
        lines[3].starts_with("Message-ID: <2026-11-27.r.example.9f2c1a07.0123456789abcdef"),
        "{}",
        lines[3]
    );
    assert_eq!(
        lines[4..10],
        [
            "Subject: Report Domain: r.example Submitter: sender.example Report-ID: <2026-11-27.r.example.9f2c1a07@sender.example>",
            "TLS-Report-Domain: r.example",
            "TLS-Report-Submitter: sender.example",
            "TLS-Required: No",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ]
    );
    assert!(lines[10].starts_with("Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary="));
    assert!(body.ends_with(&format!("\n--{boundary}--\n")));
    assert_eq!(body.matches(&format!("--{boundary}\n")).count(), 2);
}

#[test]
fn lines_are_short_and_ascii_however_long_the_names_are() {
    let label = "a".repeat(60);
    let long = format!("{label}.{label}.{label}.{label}.example");
    for (domain, to) in
        [("r.example", "a@r.example"), (&long, &format!("{}@{label}.{label}.example", "b".repeat(64)))]
    {
        let text = made(domain, to);
        let words_of_a_name = |line: &str| line.trim().split(' ').count() <= 1;
        assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)));
        for line in text.lines() {
            assert!(
                line.len() <= 998 && (line.len() <= LINE || words_of_a_name(line) || line.contains(": <")),
                "{line}"
            );
            assert!(!line.ends_with(' ') && line != ".", "{line:?}");
        }
    }
}

#[test]
fn our_own_reader_has_nothing_to_say_about_it() {
    for (purpose, domain) in [
        (Purpose::Report, "r.example"),
        (Purpose::Report, "xn--bcher-kva.example"),
        (Purpose::Trial, "sender.example"),
    ] {
        let text = made_for(purpose, domain, "rua@r.example").replace('\n', "\r\n");
        assert_eq!(text.contains("This is a test"), purpose == Purpose::Trial);
        let opened = open::open(text.as_bytes(), None);
        assert_eq!((opened.reports.len(), opened.troubles.len()), (1, 0), "{:?}", opened.troubles);
        let findings: Vec<String> =
            opened.reports[0].noticed.findings().iter().map(|finding| format!("{finding:?}")).collect();
        assert!(findings.is_empty(), "{findings:?}");
    }
}
