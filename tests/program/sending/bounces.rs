//! Reports that come back.

use super::fixture::{Mail, Sender};
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

/// A bounce of a mail, as Postfix writes it.
fn bounce(mail: &Mail, action: &str, status: &str, recipient: &str) -> String {
    let returned = mail.text.split("\n\n").next().unwrap();
    format!(
        "From: MAILER-DAEMON@mx.test\nTo: tls-reports@sender.test\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\n\nIt failed.\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no \u{1b}[31msuch user\n\
         \n--b\nContent-Type: text/rfc822-headers\n\n{returned}\n\n--b--\n"
    )
}

/// The exit code, and what was said, when these are read from standard input.
fn read(sender: &Sender, octets: &[u8]) -> (i32, String) {
    let mut command = sender.command(&["reports", "bounces", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(octets).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(said.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)), "{said}");
    (output.status.code().unwrap(), said)
}

fn suppressions(sender: &Sender) -> Vec<(String, u64)> {
    let file = sender.file();
    let mut rows =
        file.prepare("SELECT place, until - CAST(strftime('%s') AS INTEGER) FROM suppression").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).unwrap();
    rows.map(|row| row.map(|(place, left)| (place, u64::try_from(left).unwrap().div_ceil(86_400))).unwrap())
        .collect()
}

#[test]
fn a_report_that_comes_back_is_given_up_and_its_address_left_alone_for_a_week_and_then_two() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.state("mail.test"), "sent");
    let mail = sender.mails().remove(0);
    let (status, said) = read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes());
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("came back from rua@mail.test: 550 5.1.1 no \\u{1b}[31msuch user; reports about mail.test are not sent there until "), "{said}");
    assert_eq!(sender.state("mail.test"), "gave-up");
    let place = "rua@mail.test about mail.test".to_owned();
    assert_eq!(suppressions(&sender), [(place.clone(), 7)]);
    let (status, said) = sender.told(&["reports", "outbox", "--failed"]);
    assert!(status == 0 && said.contains("came back: 550 5.1.1"), "{said}");
    // The same mail once more, and a second copy of it, change nothing.
    assert!(
        read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes())
            .1
            .contains("is known to have come back")
    );
    assert_eq!(suppressions(&sender), [(place.clone(), 7)]);
    // The next run knows it.
    sender.forget_reports();
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(
        (status, sender.mails().len(), sender.state("mail.test").as_str()),
        (0, 1, "unwanted"),
        "{said}"
    );
    let day = super::day().to_string();
    let preview = sender.told(&["reports", "preview", "mail.test", "--day", &day]).1;
    assert!(preview.contains("does not go to rua@mail.test, which is left alone: came back: "), "{preview}");
    // After the week it is tried again; sendmail takes it, and it comes back once more.
    sender.wait(604_801);
    sender.forget_reports();
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!((sender.mails().len(), sender.state("mail.test").as_str()), (2, "sent"));
    assert_eq!(read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes()).0, 0);
    assert_eq!(suppressions(&sender), [(place, 14)]);
    assert_eq!(sender.told(&["reports", "suppress", "rua@mail.test", "--lift"]).0, 0);
    assert_eq!(suppressions(&sender), []);
    // It is forgotten with its domain, whether or not a report about that is known.
    for has_a_report in [true, false] {
        sender.forget_reports();
        assert_eq!(sender.told(&["reports", "send"]).0, 0);
        assert_eq!(read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes()).0, 0);
        assert_eq!(suppressions(&sender).len(), 1);
        if !has_a_report {
            sender.forget_reports();
        }
        assert_eq!(sender.told(&["cache", "purge", "mail.test"]).0, 0);
        assert_eq!(suppressions(&sender), []);
        sender.count_for(&["mail.test"]);
    }
}

#[test]
fn a_second_copy_has_the_same_message_id_and_another_address_another_one() {
    let sender = Sender::new();
    sender.count_for(&["mail.test", "nine.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let first = sender.mails();
    sender
        .file()
        .execute_batch("UPDATE report SET state = 'handed'; UPDATE destination SET state = 'handed'")
        .unwrap();
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let id = |mail: &Mail| {
        mail.text.lines().skip_while(|line| !line.starts_with("Message-ID:")).take(2).collect::<String>()
    };
    let mut ids: Vec<String> = sender.mails().iter().map(&id).collect();
    assert_eq!(ids.len(), 2 * first.len());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9, "{ids:?}");
}

#[test]
fn what_a_stranger_makes_up_does_nothing_and_says_why() {
    let sender = Sender::new();
    sender.count_for(&["mail.test", "nine.test"]);
    assert!(read(&sender, b"Subject: x\n\ny\n").1.contains("it is no delivery status notification"));
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let mails = sender.mails();
    let mail = mails.iter().find(|mail| mail.words.last().unwrap() == "rua@mail.test").unwrap();
    let nine = mails.iter().find(|mail| mail.words.last().unwrap() == "1@nine.test").unwrap();
    let forged = |text: String| {
        let at = text.rfind("@sender.test>").unwrap();
        let id = text.find("Message-ID:").unwrap();
        let end = id + text[id..].find("@sender.test>").unwrap();
        assert!(end <= at);
        format!("{}{}{}", &text[..end - 32], "0".repeat(32), &text[end..])
    };
    let directory = sender.directory().join("bounces");
    fs::create_dir(&directory).unwrap();
    let dead = bounce(mail, "failed", "5.1.1", "rua@mail.test");
    for (name, text, expected) in [
        ("1", forged(dead.clone()), "no mail of ours has the Message-ID that it gives back"),
        ("2", bounce(mail, "failed", "5.1.1", "1@nine.test"), "it is about another recipient"),
        // Whoever got the report at one address of a record knows nothing of the others.
        ("3", bounce(nine, "failed", "5.1.1", "2@nine.test"), "it is about another recipient"),
        ("4", bounce(mail, "delayed", "4.4.1", "rua@mail.test"), "it tells of no permanent failure"),
        ("5", bounce(mail, "failed", "4.4.1", "rua@mail.test"), "it tells of no permanent failure"),
        (
            "6",
            dead.replace("mail.test.", "other.test."),
            "it is about a report that is not in the outbox any more",
        ),
        ("7", "x".repeat(1_000), "it is no delivery status notification"),
    ] {
        fs::write(directory.join(name), text).unwrap();
        let (status, said) = sender.told(&["reports", "bounces", directory.join(name).to_str().unwrap()]);
        assert!(status == 0 && said.contains(expected), "{name}: {said}");
    }
    assert_eq!(
        (sender.state("mail.test"), sender.state("nine.test"), suppressions(&sender)),
        ("sent".to_owned(), "sent".to_owned(), vec![])
    );
    // Among them, in a directory and in an mbox, is a genuine one.
    fs::write(
        directory.join("8"),
        format!(
            "From x Thu Jan  1 00:00:00 1970\n{}\nFrom x Thu Jan  1 00:00:00 1970\n{dead}",
            "Subject: x\n\ny\n"
        ),
    )
    .unwrap();
    let (status, said) = sender.told(&["reports", "bounces", directory.to_str().unwrap()]);
    assert_eq!(
        (status, said.lines().count(), said.matches("came back from rua@mail.test").count()),
        (0, 9, 1),
        "{said}"
    );
    assert!(said.contains("8, mail 2: the report "), "{said}");
    assert_eq!(sender.told(&["reports", "bounces", "/nowhere"]).0, 64);
}

#[test]
fn while_another_run_sends_a_bounce_is_to_be_tried_again() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let mail = sender.mails().remove(0);
    let lock =
        fs::File::options().write(true).open(sender.cache().with_file_name("cache.outbox.db.lock")).unwrap();
    lock.lock().unwrap();
    let (status, said) = read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes());
    assert!(status == 75 && said.contains("another run is sending reports"), "{said}");
    // What is none of ours need not wait.
    assert_eq!(read(&sender, b"Subject: x\n\ny\n").0, 0);
    drop(lock);
    assert_eq!(read(&sender, bounce(&mail, "failed", "5.1.1", "rua@mail.test").as_bytes()).0, 0);
    assert_eq!(sender.state("mail.test"), "gave-up");
}
