//! `reports send` and what belongs to it: reports that leave, wait, are given up, and are not lost.

mod bounces;
mod fixture;
mod killed;
mod many;

use crate::support::laboratory::certificates::Certificate;
use fixture::{Sender, day, rows};
use serde_json::Value;
use std::io::Write as _;
use std::process::Stdio;

/// What `reports read` makes of a report: its exit code, and its JSON.
fn read(sender: &Sender, octets: &[u8]) -> (i32, Value) {
    let mut child = sender.bare(&["reports", "read", "-", "--format", "json"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(octets).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_report_leaves_by_mail_once_and_our_own_reader_has_nothing_to_say_about_it() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 0, "{said}");
    let mails = sender.mails();
    assert_eq!(mails.len(), 1, "{said}");
    assert_eq!(mails[0].words, ["-oi", "-f", "tls-reports@sender.test", "--", "rua@mail.test"]);
    for line in [
        "From: <tls-reports@sender.test>",
        "To: <rua@mail.test>",
        "TLS-Report-Domain: mail.test",
        "TLS-Required: No",
    ] {
        assert!(mails[0].text.lines().any(|one| one == line), "{line}: {}", mails[0].text);
    }
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.mails().len(), 1);
    assert_eq!(sender.state("mail.test"), "sent");
    let (_, found) = read(&sender, mails[0].text.as_bytes());
    let report = &found["reports"][0];
    assert_eq!(report["findings"], serde_json::json!([]), "{found:#}");
    assert_eq!(found["unread"], serde_json::json!([]), "{found:#}");
    let text = report.to_string();
    assert!(text.contains("starttls-not-supported") && text.contains("40"), "{found:#}");
}

#[test]
fn a_web_server_gets_the_octets_of_one_gzip_member_and_only_its_status_counts() {
    let sender = Sender::new();
    sender.count_for(&["web.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let taken = sender.receiver.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].host, "web.test");
    assert!(taken[0].head.starts_with("post /v1/tlsrpt?x=1 http/1.1\r\n"), "{}", taken[0].head);
    assert!(taken[0].head.contains("\r\ncontent-type: application/tlsrpt+gzip\r\n"), "{}", taken[0].head);
    let (_, found) = read(&sender, &taken[0].body);
    assert_eq!(found["reports"][0]["findings"], serde_json::json!([]), "{found:#}");
    assert_eq!(taken[0].body[4..8], [0; 4], "a time within it would make another copy another report");
    assert_eq!(sender.mails(), []);
}

/// Case 21 of what is known about reports, and what follows of it.
#[test]
fn what_web_servers_say_decides_what_becomes_of_a_report() {
    for (replies, code, state, number) in [
        (&["201 Created"][..], 0, "sent", 1),
        (&["404 Not Found"], 1, "gave-up", 1),
        (&["413 Content Too Large"], 1, "gave-up", 1),
        (&["307 Temporary Redirect\r\nLocation: https://web.test/elsewhere"], 1, "gave-up", 1),
        (&["429 Too Many Requests"], 75, "due", 1),
        (&["500 Oh", "200 OK"], 75, "due", 1),
    ] {
        let sender = Sender::new();
        sender.receiver.replies("web.test", replies);
        sender.count_for(&["web.test"]);
        let (status, said) = sender.told(&["reports", "send"]);
        assert_eq!((status, sender.state("web.test").as_str()), (code, state), "{replies:?}: {said}");
        // What is due waits for its time.
        assert_eq!(sender.told(&["reports", "send"]).0, 0);
        assert_eq!(sender.receiver.taken().len(), number, "{replies:?}");
        if replies.len() > 1 {
            sender.wait(301);
            assert_eq!(sender.told(&["reports", "send"]).0, 0);
            let taken = sender.receiver.taken();
            assert_eq!((taken.len(), sender.state("web.test").as_str()), (2, "sent"));
            assert_eq!(taken[0], taken[1], "a second copy has the same octets");
        }
    }
}

#[test]
fn a_certificate_is_told_and_not_obeyed() {
    for (certificate, word) in [
        (Certificate::Expired, "ended at 2021-01-01"),
        (Certificate::SelfSigned, ""),
        (Certificate::WrongName, "somebody-else.test"),
    ] {
        let sender = Sender::new();
        sender.receiver.shows("web.test", certificate);
        sender.count_for(&["web.test"]);
        let (status, said) = sender.told(&["reports", "send"]);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("certificate") && said.contains(word), "{said}");
        assert_eq!(sender.receiver.taken().len(), 1);
        let outbox = sender.outbox();
        assert!(outbox[0]["words"].as_str().unwrap().contains("certificate"), "{outbox:?}");
    }
}

/// Case 20: loopback is a private address where no laboratory says otherwise.
#[test]
fn nothing_is_handed_to_an_address_that_is_not_public() {
    let sender = Sender::new().without_private_addresses();
    sender.count_for(&["web.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("127.0.0.1") && said.contains("none of the public Internet"), "{said}");
    assert_eq!(sender.receiver.taken(), []);
}

/// Cases 17 and 19.
#[test]
fn records_are_read_by_the_letter_and_no_further() {
    let sender = Sender::new();
    sender.count_for(&[
        "none.test",
        "two.test",
        "case.test",
        "split.test",
        "bare.test",
        "evil.test",
        "nine.test",
    ]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 0, "{said}");
    let mut expected: Vec<String> = (1..=8).map(|number| format!("{number}@nine.test")).collect();
    expected.extend(["-oMr@evil.test", "b@evil.test", "split@split.test"].map(str::to_owned));
    let mut recipients = sender.recipients();
    recipients.sort();
    expected.sort();
    assert_eq!(recipients, expected);
    for mail in sender.mails() {
        let from = mail.words.iter().position(|word| word == "--").unwrap();
        assert_eq!(mail.words.len(), from + 2, "one recipient, behind --: {:?}", mail.words);
        let (header, _) = mail.text.split_once("\n\n").unwrap();
        assert!(!header.to_ascii_lowercase().contains("bcc"), "{header}");
    }
    for domain in ["none.test", "two.test", "case.test", "bare.test"] {
        assert_eq!(sender.state(domain), "unwanted", "{domain}");
    }
}

/// Case 18.
#[test]
fn a_record_that_nobody_can_tell_is_waited_for_and_given_up_after_a_day() {
    let sender = Sender::new();
    sender.count_for(&["bogus.test", "servfail.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 75, "{said}");
    assert_eq!([sender.state("bogus.test"), sender.state("servfail.test")], ["due", "due"]);
    sender.wait(86_400);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 1, "{said}");
    assert_eq!([sender.state("bogus.test"), sender.state("servfail.test")], ["gave-up", "gave-up"]);
    assert_eq!(sender.mails(), []);
}

/// Case 22.
#[test]
fn a_report_is_sent_when_one_destination_took_it() {
    let sender = Sender::new();
    sender.answer("exit 67");
    sender.count_for(&["both.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!((status, sender.state("both.test").as_str()), (0, "sent"), "{said}");
    assert_eq!((sender.mails().len(), sender.receiver.taken().len()), (1, 1));
}

/// Case 38.
#[test]
fn a_dead_address_is_left_alone_for_a_week_and_one_that_was_named_until_it_is_lifted() {
    let sender = Sender::new();
    sender.answer("echo 'no such \x1b[31muser' >&2; exit 67");
    sender.count_for(&["mail.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!((status, sender.state("mail.test").as_str()), (1, "gave-up"), "{said}");
    assert!(said.contains("no such \\u{1b}[31muser"), "{said}");
    sender.answer("exit 0");
    sender.forget_reports();
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!((sender.mails().len(), sender.state("mail.test").as_str()), (1, "unwanted"));
    assert!(
        sender
            .told(&["reports", "outbox"])
            .1
            .contains("left alone:\n    rua@mail.test about mail.test until 20")
    );
    sender.forget_reports();
    sender.wait(604_801);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.recipients(), ["rua@mail.test", "rua@mail.test"]);
    let (status, said) = sender.told(&["reports", "suppress", "rua@mail.test", "--reason", "bounces"]);
    assert_eq!(status, 0, "{said}");
    sender.forget_reports();
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!((sender.mails().len(), sender.state("mail.test").as_str()), (2, "unwanted"));
    assert_eq!(sender.told(&["reports", "suppress", "rua@mail.test", "--lift"]).0, 0);
    assert_eq!(sender.told(&["reports", "suppress", "rua@mail.test", "--lift"]).0, 1);
    sender.forget_reports();
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.mails().len(), 3);
    for (words, expected) in [
        (&["suppress", "nonsense"][..], "has no @"),
        (&["suppress", "a@b.example", "--until", "2020-01-01"], "a day that is over"),
    ] {
        let (status, said) = sender.told(&[&["reports"], words].concat());
        assert!(status == 64 && said.contains(expected), "{said}");
    }
}

#[test]
fn our_own_domain_and_those_that_are_named_get_nothing_and_nobody_is_asked() {
    let sender = Sender::new();
    sender.count_for(&["sender.test", "partner.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!((sender.mails().len(), sender.lab.questions_for("_smtp._tls.partner.test", "TXT")), (0, 0));
    assert_eq!([sender.state("sender.test"), sender.state("partner.test")], ["unwanted", "unwanted"]);
}

#[test]
fn nothing_leaves_unless_it_is_said_so() {
    let sender = Sender::new();
    std::fs::write(sender.configuration(), "").unwrap();
    sender.count_for(&["mail.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert!(status == 0 && said.contains("no send = true"), "{said}");
    assert_eq!(sender.lab.questions_for("_smtp._tls.mail.test", "TXT"), 0);
    sender.configure("https = false\nsuccesses = false\n");
    sender.count_for(&["web.test"]);
    sender.count(&rows("none.test", day())[..1]);
    let (status, said) = sender.told(&["reports", "send", "--dry-run"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("would be sent: ") && said.contains("to rua@mail.test, "), "{said}");
    assert!(said.contains("https = false") && said.contains("1 would be sent, 2 would not"), "{said}");
    assert_eq!((sender.mails().len(), sender.cache().with_file_name("cache.outbox.db").exists()), (0, false));
    for (date, expected) in
        [("2026-11-01", "too long ago"), ("2999-01-01", "is not over"), ("yesterday", "is no day")]
    {
        let (status, said) = sender.told(&["reports", "send", "--day", date]);
        assert!(status == 64 && said.contains(expected), "{said}");
    }
}

#[test]
fn a_preview_is_the_report_alone_and_beside_it_stands_where_it_goes() {
    let sender = Sender::new();
    sender.count_for(&["both.test", "evil.test"]);
    let day = day().to_string();
    for (domain, expected) in [
        (
            "both.test",
            &[
                "record at _smtp._tls.both.test: v=TLSRPTv1;",
                "goes to refused@both.test",
                "goes to https://both.test/",
                "its moment: ",
            ][..],
        ),
        (
            "evil.test",
            &["goes to -oMr@evil.test", "does not go there: 'a\\u{a}b@evil.test'", "private network"],
        ),
    ] {
        let output = sender.run(&["reports", "preview", domain, "--day", &day]);
        let beside = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{beside}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["contact-info"], "tls-reports@sender.test");
        for words in expected {
            assert!(beside.contains(words), "{words}: {beside}");
        }
    }
    let output = sender.run(&["reports", "preview", "--all", "--day", &day, "--organization", "X"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let names: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["organization-name"].clone())
        .collect();
    assert_eq!(names, ["X", "X"]);
    assert_eq!(sender.mails(), []);
}

#[test]
fn a_mail_server_that_does_not_take_it_now_is_asked_again() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    for script in ["exit 75", "kill -9 $$", "head -c 100000 /dev/zero | tr '\\0' x; exit 69"] {
        sender.answer(script);
        let (status, said) = sender.told(&["reports", "send"]);
        assert_eq!((status, sender.state("mail.test").as_str()), (75, "due"), "{script}: {said}");
        assert!(said.lines().all(|line| line.len() < 700), "{said}");
        sender.wait(14_401);
    }
    std::fs::remove_file(sender.directory().join("sendmail")).unwrap();
    let (status, said) = sender.told(&["reports", "send"]);
    assert!(status == 75 && said.contains("cannot be started"), "{said}");
    sender.answer("exit 0");
    sender.wait(14_401);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let mails = sender.mails();
    assert!(mails.len() == 4 && mails.iter().all(|mail| *mail == mails[0]), "{mails:#?}");
}

#[test]
fn all_that_is_known_of_a_domain_can_be_forgotten() {
    let sender = Sender::new();
    sender.count_for(&["mail.test", "web.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let (status, said) = sender.told(&["cache", "purge", "mail.test"]);
    assert!(status == 0 && said.contains("2 rows of counts, 1 report in the outbox"), "{said}");
    assert_eq!([sender.state("mail.test"), sender.state("web.test")], ["-", "sent"]);
    assert_eq!(sender.told(&["cache", "purge", "mail.test"]).0, 1);
    assert_eq!(sender.told(&["reports", "preview", "mail.test", "--day", &day().to_string()]).0, 1);
}

#[test]
fn while_another_run_sends_the_outbox_forgets_nothing_and_says_so() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    let lock = sender.cache().with_file_name("cache.outbox.db.lock");
    let lock = std::fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    let (status, said) = sender.told(&["cache", "purge", "mail.test"]);
    assert!(status == 75 && said.contains("2 rows of counts") && said.contains("are being sent"), "{said}");
    assert_eq!(sender.state("mail.test"), "sent");
    drop(lock);
    let (status, said) = sender.told(&["cache", "purge", "mail.test"]);
    assert!(status == 0 && said.contains("0 rows of counts, 1 report in the outbox"), "{said}");
    assert_eq!(sender.state("mail.test"), "-");
}

/// Thirty domains whose web servers take whatever comes and say nothing, and twenty that get their reports by mail.
#[test]
fn no_mail_waits_for_web_servers_that_keep_silent_however_many_there_are() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut world = "zone . signed\nzone test signed\n    ns A 127.0.0.1\n".to_owned();
    let web: Vec<String> = (0..30).map(|number| format!("web{number}.test")).collect();
    let mail: Vec<String> = (0..20).map(|number| format!("mail{number}.test")).collect();
    for domain in &web {
        world += &format!(
            "zone {domain} unsigned\n    _smtp._tls TXT \"v=TLSRPTv1;rua=https://{domain}/,mailto:r@{domain}\"\n    @ A 127.0.0.1\n"
        );
    }
    for domain in &mail {
        world +=
            &format!("zone {domain} unsigned\n    _smtp._tls TXT \"v=TLSRPTv1;rua=mailto:r@{domain}\"\n");
    }
    let sender = Sender::in_world(&world);
    let text = std::fs::read_to_string(sender.configuration()).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    let port = silent.local_addr().unwrap().port();
    std::fs::write(sender.configuration(), format!("https_port = {port}\n{rest}")).unwrap();
    let all: Vec<&str> = web.iter().chain(&mail).map(String::as_str).collect();
    sender.count_for(&all);
    let mut run = sender.command(&["reports", "send"]).stdout(Stdio::null()).spawn().unwrap();
    // The first web server is reached: all mail has left before.
    let connected = silent.accept().unwrap();
    assert_eq!(sender.number_of_mails(), 50);
    let states = |state: &str| sender.outbox().iter().filter(|entry| entry["state"] == state).count();
    assert_eq!((states("sent"), states("claimed"), states("handed")), (20, 29, 1));
    run.kill().unwrap();
    run.wait().unwrap();
    drop(connected);
}

/// Sixty domains below one name whose name servers never answer, and three that get their reports.
#[test]
fn an_owner_of_many_domains_with_silent_name_servers_holds_nobody_up_and_his_other_domains_come_later() {
    let mut world =
        "zone . signed\nzone test signed\n    ns A 127.0.0.1\nzone owner.test silent\n".to_owned();
    let slow: Vec<String> = (0..60).map(|number| format!("d{number}.owner.test")).collect();
    let quick = ["one.test", "two.test", "three.test"];
    for domain in quick {
        world +=
            &format!("zone {domain} unsigned\n    _smtp._tls TXT \"v=TLSRPTv1;rua=mailto:r@{domain}\"\n");
    }
    let sender = Sender::in_world(&world);
    let all: Vec<&str> = slow.iter().map(String::as_str).chain(quick).collect();
    sender.count_for(&all);
    let run = || sender.told(&["reports", "send", "--deadline=2"]);
    let (status, said) = run();
    assert_eq!(status, 75, "{said}");
    assert_eq!(quick.map(|domain| sender.state(domain)), ["sent", "sent", "sent"], "{said}");
    let kept = "the name servers of owner.test kept us waiting for the records of other domains";
    let put_off = || -> Vec<String> {
        let entries = sender.outbox().into_iter().filter(|entry| entry["words"] == kept);
        let each = |entry: Value| {
            assert_eq!((entry["state"].as_str(), entry["tries"].as_u64()), (Some("due"), Some(0)));
            entry["domain"].as_str().unwrap().to_owned()
        };
        entries.map(each).collect()
    };
    let first = put_off();
    assert!(first.len() > 20, "{said}");
    // The next run asks them, and not those that kept us waiting, which pause.
    run();
    let second = put_off();
    assert!(second.len() < first.len() && second.iter().all(|domain| first.contains(domain)), "{second:?}");
}

#[test]
fn a_test_goes_by_mail_to_whoever_is_named_although_nothing_is_sent_yet() {
    let sender = Sender::new();
    let configured = std::fs::read_to_string(sender.configuration()).unwrap();
    std::fs::write(sender.configuration(), configured.replace("send = true", "send = false")).unwrap();
    for _ in 0..2 {
        let (status, said) = sender.told(&["reports", "send", "--test", "me@mail.test"]);
        assert!(status == 0 && said.contains("dkim=pass"), "{said}");
    }
    let mails = sender.mails();
    assert_eq!(mails.len(), 2);
    let words = ["-oi", "-f", "tls-reports@sender.test", "--", "me@mail.test"];
    assert_eq!(mails[0].words, words);
    assert_ne!(mails[0].text, mails[1].text, "a receiver would show one of them");
    let (status, found) = read(&sender, mails[0].text.as_bytes());
    let report = &found["reports"][0];
    let nothing = serde_json::json!([]);
    assert_eq!((status, &report["findings"], &found["unread"]), (0, &nothing, &nothing), "{found:#}");
    assert_eq!(sender.outbox(), Vec::<Value>::new());
    for (script, expected) in [("exit 75", 75), ("exit 67", 1)] {
        sender.answer(script);
        assert_eq!(sender.told(&["reports", "send", "--test", "me@mail.test"]).0, expected);
    }
    for bad in ["me", "me@localhost", "a@x.test,b@x.test", "me@mail.test\n"] {
        assert_eq!(sender.told(&["reports", "send", "--test", bad]).0, 64, "{bad:?}");
    }
    std::fs::write(sender.configuration(), "").unwrap();
    assert_eq!(sender.told(&["reports", "send", "--test", "me@mail.test"]).0, 78);
}

#[test]
fn what_this_machine_fails_at_is_no_fault_of_an_address_and_what_a_server_fails_at_is() {
    let sender = Sender::new();
    sender.answer("exit 75");
    sender.receiver.replies("web.test", &["503 Later"]);
    sender.count_for(&["mail.test", "web.test"]);
    assert_eq!(sender.told(&["reports", "send"]).0, 75);
    let said = sender.told(&["reports", "outbox"]).1;
    let (_, failing) = said.split_once("\nfailing, and tried:\n").expect(&said);
    assert!(failing.contains("https://web.test/") && !failing.contains("rua@mail.test"), "{said}");
    // An operator's word counts for a report that waits, too.
    assert_eq!(sender.told(&["reports", "suppress", "rua@mail.test", "--until", "2999-12-31"]).0, 0);
    sender.wait(259_201);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 1, "{said}");
    assert_eq!([sender.state("mail.test"), sender.state("web.test")], ["unwanted", "gave-up"]);
    assert_eq!((sender.mails().len(), sender.receiver.taken().len()), (1, 2));
    let said = sender.told(&["reports", "outbox"]).1;
    let (_, alone) = said.split_once("\nleft alone:\n").expect(&said);
    assert!(alone.contains("https://web.test/v1/tlsrpt?x=1 about web.test until 20"), "{said}");
}
