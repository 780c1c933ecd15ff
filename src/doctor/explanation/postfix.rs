//! What there is to say about Postfix's own way to the DNS.

use super::CheckExplanation;
use crate::doctor::{Health, Topic};

pub(super) const RESOLVER: CheckExplanation = CheckExplanation {
    word: "postfix.resolver",
    topic: Topic::Postfix,
    worst: Health::Warning,
    about: "smtp(8) asks the name servers of /etc/resolv.conf from its chroot, too",
    meaning: "smtp(8) asks other name servers than this page looks at: if they do not answer or do not validate, mail waits.",
    fix: "systemctl restart postfix, which copies /etc/resolv.conf into the chroot.",
};
