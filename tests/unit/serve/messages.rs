//! The catalogue that explains the daemon's messages has each of them, and no other; and it names only fields that there are.

use smtp_sts_verify::serve::telemetry::messages;
use std::collections::BTreeSet;

const CATALOG: &str = include_str!("../../../exim/daemon/smtp-sts-verify.catalog");

#[test]
fn each_message_with_an_id_is_explained_and_nothing_else() {
    let explained: BTreeSet<&str> = CATALOG.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
    let ids = [
        messages::MAIL_WAITS,
        messages::MAIL_IS_REFUSED,
        messages::CONFIGURATION_IS_OLDER,
        messages::CACHE_UNUSABLE,
        messages::THREAD_IS_STUCK,
        messages::MISTAKE_OF_OURS,
    ];
    assert_eq!(explained, BTreeSet::from(ids));
    for id in ids {
        assert!(
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{id}"
        );
    }
    let source = include_str!("../../../src/serve/telemetry/messages.rs");
    assert_eq!(source.matches(": &str = \"5b0c").count(), ids.len(), "an id that no test knows");
}
