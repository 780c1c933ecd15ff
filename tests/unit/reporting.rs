//! Bounces of reports: genuine ones (`fixtures/bounces`, of Exim 4.96 and Postfix 3.7, each with the key that its token came from), and what
//! anybody could send to a report address.

use smtp_sts_verify::limits::{MAX_BOUNCE_IDS, MAX_BOUNCE_RECIPIENTS, MAX_REPORT_MAIL_OCTETS};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::reporting::bounce::{self, KEY_OCTETS, Key, NoBounce, Returned};
use smtp_sts_verify::reporting::outbox::{Leg, OutboxEntry, State};
use smtp_sts_verify::reporting::schedule::Failing;
use smtp_sts_verify::reports::tally::Day;
use smtp_sts_verify::time::UnixTime;
use std::fs;
use std::path::Path;

const NOW: UnixTime = UnixTime(1_796_000_000);
const DOMAIN: &str = "sts-met.signed.example";
const DEAD: &str = "dead@sts-met.signed.example";

/// A genuine bounce.
struct Genuine {
    file: &'static str,
    day: &'static str,
    key: [u8; KEY_OCTETS],
}

fn genuine() -> [Genuine; 2] {
    let counting = std::array::from_fn(|place| u8::try_from(place).unwrap());
    let random = [
        0xdb, 0x71, 0xf5, 0xdf, 0x1c, 0xb7, 0x57, 0xb0, 0x70, 0xd9, 0xfe, 0x79, 0x32, 0xd2, 0x91, 0x12, 0xf1,
        0x73, 0x18, 0x0f, 0x7b, 0x92, 0x55, 0xe5, 0x4b, 0x99, 0x93, 0x3d, 0x61, 0x8d, 0x6b, 0xc4,
    ];
    [
        Genuine { file: "exim.eml", day: "2026-11-27", key: random },
        Genuine { file: "postfix.eml", day: "2026-11-28", key: counting },
    ]
}

impl Genuine {
    fn text(&self) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bounces").join(self.file);
        String::from_utf8(fs::read(path).unwrap()).unwrap()
    }

    fn key(&self) -> Key {
        Key::new(&self.key)
    }

    /// What is known of the report, which has another destination, too.
    fn entry(&self) -> OutboxEntry {
        let leg = |key: &str| Leg {
            key: key.to_owned(),
            state: State::Sent,
            tries: 1,
            next: UnixTime(0),
            words: String::new(),
        };
        OutboxEntry {
            day: self.day.parse().unwrap(),
            domain: PolicyDomain::parse(DOMAIN).unwrap(),
            state: State::Sent,
            next: UnixTime(0),
            first: UnixTime(0),
            tries: 1,
            words: String::new(),
            destinations: vec![leg("alive@sts-met.signed.example"), leg(DEAD)],
        }
    }

    /// What a mail means for that report: the words of what failed, or why nothing did.
    fn means(&self, mail: &str) -> Result<String, String> {
        let bounce = bounce::read(mail.as_bytes()).map_err(|why| why.to_string())?;
        let (entry, key) = (self.entry(), self.key());
        let mut why = "another report".to_owned();
        for id in bounce.ids.iter().filter(|id| id.day == entry.day && id.domain == entry.domain) {
            match bounce.returns(id, &entry, &key) {
                None => why = "a wrong token".to_owned(),
                Some(Returned::Elsewhere) => why = "another recipient".to_owned(),
                Some(Returned::Failed(returned)) => return Ok(returned.words().to_owned()),
            }
        }
        Err(why)
    }
}

#[test]
fn genuine_bounces_are_read_with_either_line_end() {
    for genuine in genuine() {
        let text = genuine.text();
        for mail in [text.clone(), text.replace('\n', "\r\n")] {
            assert_eq!(
                genuine.means(&mail).as_deref(),
                Ok("550 5.1.1 nobody has this mailbox"),
                "{}",
                genuine.file
            );
        }
        // The key of another machine makes other tokens.
        let other = Genuine { key: [7; KEY_OCTETS], ..genuine };
        assert_eq!(other.means(&text), Err("a wrong token".to_owned()));
    }
}

#[test]
fn only_a_permanent_failure_of_the_very_recipient_counts() {
    let nothing = "it tells of no permanent failure";
    for genuine in genuine() {
        let text = genuine.text();
        let status = if genuine.file == "exim.eml" { "Status: 5.0.0" } else { "Status: 5.1.1" };
        let mut words = text.split(|c: char| !c.is_ascii_hexdigit());
        let token = words.find(|word| word.len() == 32).unwrap();
        let dead =
            format!("Final-Recipient: rfc822;{}{DEAD}", if genuine.file == "exim.eml" { "" } else { " " });
        for (from, to, why) in [
            ("Action: failed", "Action: delayed", nothing),
            ("Action: failed", "Action: relayed", nothing),
            ("Action: failed\n", "", nothing),
            (status, "Status: 4.2.1", nothing),
            (status, "Status: 2.0.0", nothing),
            (status, "Status: 5", nothing),
            (status, "X-Status: 5.1.1", nothing),
            (
                "report-type=delivery-status",
                "report-type=disposition-notification",
                "it is no delivery status notification",
            ),
            ("multipart/report", "multipart/mixed", "it is no delivery status notification"),
            ("ype: message/delivery-status", "ype: text/plain", nothing),
            (token, "00000000000000000000000000000000", "a wrong token"),
            (DOMAIN, "other.signed.example", "another report"),
            (DEAD, "alive@sts-met.signed.example", "another recipient"),
            (DEAD, "dead@other.example", "another recipient"),
            (&format!("{}.{DOMAIN}", genuine.day), &format!("2026-11-20.{DOMAIN}"), "another report"),
            (&format!("<{}", genuine.day), "<x", "it does not give back the Message-ID of a report"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            assert_eq!(genuine.means(&changed), Err(why.to_owned()), "{}: {from} -> {to}", genuine.file);
        }
        // However it is spelt.
        for (from, to) in [
            ("Action: failed", "action:   FAILED (for good)"),
            (dead.as_str(), "Final-Recipient: RFC822; <DEAD@STS-met.Signed.example>"),
            (
                dead.as_str(),
                "Final-Recipient: rfc822; inner@elsewhere.example\nOriginal-Recipient: rfc822;d+65ad@sts-met.signed.example",
            ),
            (status, "Status: 5.7.1 (no)"),
            ("ype: message/rfc822", "ype: text/rfc822-headers"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            assert!(
                genuine.means(&changed).is_ok(),
                "{}: {from} -> {to}: {:?}",
                genuine.file,
                genuine.means(&changed)
            );
        }
    }
}

#[test]
fn a_mail_that_is_answered_by_a_person_or_a_machine_is_no_bounce() {
    let id = "<2026-11-27.sts-met.signed.example.032e726a.408277ae3bae98b9384ac969b1b4b595@example.org>";
    for mail in [
        String::new(),
        "\n\n".to_owned(),
        format!("Subject: I am away\nIn-Reply-To: {id}\nAuto-Submitted: auto-replied\n\nUntil Monday.\n"),
        format!(
            "Subject: Undelivered\nReferences: {id}\n\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822;{DEAD}\n"
        ),
        format!(
            "Content-Type: message/delivery-status\nReferences: {id}\n\nX: y\n\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822;{DEAD}\n"
        ),
    ] {
        assert_eq!(bounce::read(mail.as_bytes()), Err(NoBounce::OtherMail), "{mail}");
    }
    let long = "x".repeat(MAX_REPORT_MAIL_OCTETS + 1);
    assert!(matches!(bounce::read(long.as_bytes()), Err(NoBounce::Unreadable(_))));
}

/// A bounce without the mail itself, which names its Message-ID in its header.
fn made(ids: &str, groups: &str) -> String {
    format!(
        "References: {ids}\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{groups}\n--b--\n"
    )
}

#[test]
fn so_many_message_ids_and_recipients_are_looked_at() {
    let genuine = &genuine()[0];
    let id = |domain: &str| {
        let domain = PolicyDomain::parse(domain).unwrap();
        let token = genuine.key().token(genuine.entry().day, &domain, DEAD);
        format!("<{}.{domain}.032e726a.{token}@example.org>", genuine.day)
    };
    let group =
        |address: &str| format!("Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822;{address}\n\n");
    let others: String = (1..MAX_BOUNCE_IDS).map(|number| id(&format!("d{number}.example")) + " ").collect();
    let recipients: String =
        (1..MAX_BOUNCE_RECIPIENTS).map(|number| group(&format!("{number}@x.example"))).collect();
    for (more, expected) in [
        ("", Ok("status 5.1.1")),
        ("<2026-11-27.more.example.0.00000000000000000000000000000000@x> ", Err("another report")),
    ] {
        let mail = made(&format!("{others}{more}{}", id(DOMAIN)), &group(DEAD));
        assert_eq!(genuine.means(&mail), expected.map(str::to_owned).map_err(str::to_owned));
    }
    for (more, expected) in [(String::new(), true), (group("more@x.example"), false)] {
        let mail = made(&id(DOMAIN), &format!("{recipients}{more}{}", group(DEAD)));
        assert_eq!(genuine.means(&mail).is_ok(), expected);
    }
}

#[test]
fn words_of_a_server_are_inert_and_short() {
    let genuine = &genuine()[0];
    let text = genuine
        .text()
        .replace("nobody has this mailbox", &format!("\u{1b}[31m\u{202e}{}", "x".repeat(9_000)));
    let words = genuine.means(&text).unwrap();
    assert!(words.starts_with("550 5.1.1 \\u{1b}[31m") && words.len() < 200, "{words}");
    assert!(words.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{words}");
}

#[test]
fn a_report_that_came_back_from_everywhere_is_given_up() {
    let genuine = &genuine()[0];
    let (key, mut entry) = (genuine.key(), genuine.entry());
    let bounce = bounce::read(genuine.text().as_bytes()).unwrap();
    let note = |entry: &mut OutboxEntry| {
        let before = entry.clone();
        let Some(Returned::Failed(returned)) = bounce.returns(&bounce.ids[0], &before, &key) else {
            panic!()
        };
        assert!(returned.lesson(Failing::default(), NOW).is_suppressed(NOW));
        returned.note(entry)
    };
    assert!(note(&mut entry));
    assert_eq!(
        (entry.state, entry.destinations[0].state, entry.destinations[1].state),
        (State::Sent, State::Sent, State::GaveUp)
    );
    assert_eq!(entry.words, format!("{DEAD}: came back: 550 5.1.1 nobody has this mailbox"));
    assert!(!note(&mut entry), "it is known");
    for (other, state) in
        [(State::GaveUp, State::GaveUp), (State::Due, State::Due), (State::Unwanted, State::GaveUp)]
    {
        let mut entry = genuine.entry();
        entry.destinations[0].state = other;
        entry.state = if other.is_open() { State::Due } else { State::Sent };
        assert!(note(&mut entry));
        assert_eq!(entry.state, state, "{other:?}");
    }
}

#[test]
fn what_nobody_refused_suppresses_after_three_days_of_it() {
    let genuine = &genuine()[0];
    let key = genuine.key();
    let line = "Diagnostic-Code: smtp; 550 5.1.1 nobody has this mailbox\n";
    // Exim says 5.0.0 of a host that was away for a day, too.
    for (to, is_refused) in [(line, true), ("", false), ("Diagnostic-Code: smtp; 451 4.3.0 not now\n", false)]
    {
        let mail = genuine.text().replace(line, to);
        let bounce = bounce::read(mail.as_bytes()).unwrap();
        let entry = genuine.entry();
        let Some(Returned::Failed(returned)) = bounce.returns(&bounce.ids[0], &entry, &key) else {
            panic!("{to}")
        };
        let first = returned.lesson(Failing::default(), NOW);
        assert_eq!(first.is_suppressed(NOW), is_refused, "{to}");
        let later = NOW.plus(3 * 86_400);
        assert!(returned.lesson(first, later).is_suppressed(later), "{to}");
    }
    assert_eq!(Day(20_784).to_string(), genuine.day);
}

/// The table of what is to hold names tests that there are, and every number has one.
#[test]
fn each_case_of_the_table_names_tests_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("tests/reports/README.md")).unwrap();
    let mut numbers = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        let number = line.split('|').nth(1).unwrap().trim();
        let ends: Vec<u32> = number.split('\u{2013}').map(|end| end.parse().unwrap()).collect();
        numbers.extend(ends[0]..=*ends.last().unwrap());
        let shown_by = line.trim_end_matches('|').rsplit_once('|').unwrap().1;
        let mut file = None;
        for word in shown_by.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                file = Some(fs::read_to_string(root.join(word)).unwrap_or_else(|_| panic!("{word}")));
            } else if word.contains('_') && !word.contains(' ') {
                let text = file.as_deref().unwrap_or_else(|| panic!("{word} has no file"));
                assert!(text.contains(&format!("fn {word}()")), "{number}: {word}");
            }
        }
    }
    assert_eq!(numbers, (1..=38).collect::<Vec<_>>());
}
