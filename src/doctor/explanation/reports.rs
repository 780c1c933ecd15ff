//! What there is to say about reports that leave (RFC 8460). No verdict depends on them.

use super::CheckExplanation;
use crate::doctor::{Health, Topic};

const fn say(
    word: &'static str,
    about: &'static str,
    meaning: &'static str,
    fix: &'static str,
) -> CheckExplanation {
    CheckExplanation { word, topic: Topic::Reports, worst: Health::Warning, about, meaning, fix }
}

pub(super) const SENDMAIL: CheckExplanation = say(
    "reports.sendmail",
    "the command that takes reports is there",
    "No report leaves by mail; each is tried again for a day, and then given up.",
    "Name the mail server's command with `sendmail` in [reports], its whole path first.",
);

pub(super) const ROUTE: CheckExplanation = say(
    "reports.route",
    "Exim has the way of its own for reports",
    "A report takes the way of all mail: it waits where TLS fails, which is what it would tell; it is counted, and causes the next one; and it is not signed, so that nobody takes it.",
    "smtp-sts-verify-exim enable reports, and SMTP_STS_REPORTS_SENDER as exim/reports/README.md says; then update-exim4.conf, and reload Exim.",
);

pub(super) const KEY: CheckExplanation = say(
    "reports.key",
    "the key that signs reports is published, for reports",
    "Receivers have to ignore a report whose signature does not verify (RFC 8460 section 3), and may ignore one by a key that is not for reports.",
    "Publish the line that step 3 of exim/reports/README.md prints, with s=tlsrpt; the file of the key is 0640, of Exim's group.",
);

pub(super) const SIGNATURE: CheckExplanation = say(
    "reports.signature",
    "Exim signs a test message as receivers want it, by the key that is published",
    "Receivers have to ignore a report whose signature does not verify (RFC 8460 section 3); what cannot be signed waits, and comes back after a day.",
    "The DKIM options of the transport smtp_sts_reports are as exim/reports has them: dkim_domain, dkim_selector, dkim_private_key, dkim_sign_headers with both TLS-Report fields. Then `smtp-sts-verify reports send --test ADDRESS` mails a signed test.",
);

pub(super) const POSTFIX: CheckExplanation = say(
    "reports.postfix",
    "Postfix lets reports go, does not count them, and tells which certificates failed",
    "A report waits where TLS fails, or is counted and causes the next one; or domains in testing are told that all is well although certificates failed.",
    "exim/reports/README.md has the delivery agent for a Postfix before 3.10.4; exim/postfix.md the log level.",
);

pub(super) const TIMER: CheckExplanation = say(
    "reports.timer",
    "reports are sent every day",
    "Nobody starts `smtp-sts-verify reports send`: nothing leaves, whatever the configuration says.",
    "systemctl enable --now smtp-sts-verify-reports.timer; without systemd, have cron start `smtp-sts-verify reports send` every ten minutes.",
);

pub(super) const RECORD: CheckExplanation = say(
    "reports.record",
    "the domain that reports asks for reports itself",
    "Nobody tells you how TLS to your own hosts fares.",
    "Publish a TXT record at _smtp._tls. of the domain: v=TLSRPTv1; rua=mailto:ADDRESS. `smtp-sts-verify reports read` reads what comes.",
);
