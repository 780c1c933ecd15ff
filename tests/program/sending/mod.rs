//! `reports send` and what belongs to it: reports that leave, wait, are given up, and are not lost.

mod fixture;

use fixture::Sender;

#[test]
fn a_report_leaves_by_mail_once() {
    let sender = Sender::new();
    sender.count_for(&["mail.test"]);
    let (status, said) = sender.told(&["reports", "send"]);
    assert_eq!(status, 0, "{said}");
    let mails = sender.mails();
    assert_eq!(mails.len(), 1, "{said}");
    assert_eq!(mails[0].words, ["-oi", "-f", "tls-reports@sender.test", "--", "rua@mail.test"]);
    assert!(mails[0].text.contains("\nTLS-Report-Domain: mail.test\n"), "{}", mails[0].text);
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.mails().len(), 1);
}
