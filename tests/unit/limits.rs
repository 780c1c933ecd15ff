//! The bounds, as they were argued for: whoever changes one changes it here as well, and says why in CHANGELOG.md.

use smtp_sts_verify::limits::*;
use std::time::Duration;

const DEFAULTS: &[(&str, &str)] = &[
    ("MAX_ARGUMENT_OCTETS", "1_024"),
    ("MAX_HOSTS", "64"),
    ("DEADLINE_DEFAULT", "Duration::from_secs(10)"),
    ("DEADLINE_MAX", "Duration::from_secs(50)"),
    ("WATCHDOG_GRACE", "Duration::from_millis(500)"),
    ("MAX_ANCHOR_FILE_OCTETS", "65_536"),
    ("MAX_EXIM_LINE", "998"),
    ("MAX_EXIM_ROUTER_LINE", "8_000"),
    ("MAX_QUERIES", "60"),
    ("MAX_QUERIES_PER_MX_HOST", "24"),
    ("MAX_MX_HOSTS_LOOKED_AT", "10"),
    ("UNSIGNED_PATIENCE_PERCENT", "80"),
    ("UNSIGNED_PATIENCE_LEAST", "Duration::from_secs(3)"),
    ("EDNS_PAYLOAD", "1_232"),
    ("UPSTREAM_PATIENCE", "Duration::from_millis(1_500)"),
    ("QUESTION_DEADLINE", "Duration::from_secs(6)"),
    ("CHECKED_QUESTION_DEADLINE", "Duration::from_secs(3)"),
    ("MAX_UPSTREAMS", "3"),
    ("MAX_RESOLV_CONF_OCTETS", "65_536"),
    ("MAX_SERVICES_OCTETS", "1_048_576"),
    ("MAX_SERVICE_OCTETS", "32"),
    ("MAX_BATCH_LINE", "2_048"),
    ("MAX_BATCH_AT_ONCE", "8"),
    ("MAX_REPLY_OCTETS", "1_048_576"),
    ("MAX_REPLY_OCTETS_TOGETHER", "67_108_864"),
    ("MAX_VERDICT_RECORDS", "2_048"),
    ("MAX_VERDICT_RECORDS_PER_MX_HOST", "128"),
    ("MAX_ALIASES", "12"),
    ("MAX_LABELS_AHEAD", "6"),
    ("MAX_WRONG_SIGNATURES_PER_RRSET", "8"),
    ("MAX_KEY_COLLISIONS", "4"),
    ("MAX_VERIFICATIONS", "200"),
    ("MAX_VERIFICATIONS_PER_MX_HOST", "64"),
    ("MAX_DS_DIGESTS", "64"),
    ("MAX_NSEC3_HASHES", "400"),
    ("MAX_HASH_BLOCKS", "40_000"),
    ("MAX_NSEC3_ITERATIONS", "150"),
    ("MAX_NSEC3_ITERATIONS_COMPUTED", "2_500"),
    ("MAX_DENIALS", "12"),
    ("MAX_REPLY_RECORDS", "2_048"),
    ("MAX_RRSET_RECORDS", "256"),
    ("MAX_TXT_OCTETS", "4_096"),
    ("MAX_MX_RECORDS", "64"),
    ("MAX_POSITIVE_TTL", "86_400"),
    ("MAX_NEGATIVE_TTL", "3_600"),
    ("UNPROVEN_ASKED_AGAIN", "5"),
    ("UNPROVEN_REMEMBERED", "300"),
    ("CONNECT_DEADLINE", "Duration::from_secs(2)"),
    ("HANDSHAKE_DEADLINE", "Duration::from_secs(3)"),
    ("HEAD_DEADLINE", "Duration::from_secs(3)"),
    ("FETCH_DEADLINE", "Duration::from_secs(8)"),
    ("MAX_BODY_OCTETS", "65_536"),
    ("MAX_HEAD_OCTETS", "16_384"),
    ("MAX_HEADER_FIELDS", "64"),
    ("MAX_FETCH_OCTETS", "262_144"),
    ("FETCH_BACKOFF", "300"),
    ("FETCH_BACKOFF_MAX", "86_400"),
    ("FETCH_FAILURES_KEPT", "172_800"),
    ("MAX_POLICY_HOST_ADDRESSES", "4"),
    ("CONNECT_STAGGER", "Duration::from_millis(250)"),
    ("MAX_INTERIM_REPLIES", "4"),
    ("MAX_URL_PATH_OCTETS", "1_024"),
    ("MAX_CA_FILE_OCTETS", "8_388_608"),
    ("PROBE_DEADLINE", "Duration::from_secs(15)"),
    ("PROBE_DOMAIN_DEADLINE_DEFAULT", "Duration::from_secs(45)"),
    ("MAX_PROBES_AT_ONCE", "32"),
    ("MAX_PROBED_DOMAINS_AT_ONCE", "4"),
    ("LINT_DEADLINE_DEFAULT", "Duration::from_secs(30)"),
    ("LINT_MAX_AGE_DEFAULT", "1_209_600"),
    ("MAX_FINDINGS_SHOWN", "50"),
    ("MAX_FINDINGS_TOLD", "1_000"),
    ("MAX_PROBE_ADDRESSES", "16"),
    ("MAX_PROBE_OCTETS", "131_072"),
    ("MAX_ANCHORS_TRIED", "8"),
    ("MAX_CHAIN_LENGTH", "8"),
    ("MAX_CHAIN_SIGNATURES", "100"),
    ("MAX_SMTP_REPLY_LINES", "100"),
    ("MAX_SMTP_REPLY_OCTETS", "2_048"),
    ("MAX_NAGIOS_OCTETS", "4_096"),
    ("MAX_NAGIOS_TEXT_OCTETS", "2_048"),
    ("MAX_NAGIOS_COMPLAINTS", "4"),
    ("MAX_EXPOSITION_OCTETS", "8_388_608"),
    ("MAX_PROBED_TOGETHER", "500"),
    ("MAX_LIST_LINE", "2_048"),
    ("MAX_RESULT_LINE", "4_194_304"),
    ("PARALLEL_DEFAULT", "16"),
    ("PARALLEL_MAX", "256"),
    ("RATE_DEFAULT", "10"),
    ("PROBE_QUEUE", "Duration::from_secs(300)"),
    ("MAX_CONNECTIONS_PER_ADDRESS", "2"),
    ("MAX_POLICY_LIFE", "31_557_600"),
    ("RENEWAL", "86_400"),
    ("MAX_FIRST_USE_LIFE", "999_999"),
    ("MAX_MX_PATTERNS", "64"),
    ("MAX_DOMAINS_DEFAULT", "50_000"),
    ("CACHE_BUSY_WAIT", "Duration::from_secs(2)"),
    ("CACHE_EXPENDABLE_WAIT", "Duration::from_millis(200)"),
    ("CACHE_TURN_PAUSE", "Duration::from_millis(20)"),
    ("CACHE_LOCK_PAUSE", "Duration::from_millis(1)"),
    ("CACHE_OCTETS_PER_DOMAIN", "6_144"),
    ("CACHE_OCTETS_LEAST", "67_108_864"),
    ("MAX_REMEMBERED_OCTETS", "17_408"),
    ("MAX_STORED_POLICY_OCTETS", "262_144"),
    ("MAX_EVENTS_PER_DOMAIN", "32"),
    ("MAX_EVENTS_ON_AVERAGE", "4"),
    ("MAX_EVENT_DETAIL_OCTETS", "400"),
    ("MAX_IMPORT_LINE", "524_288"),
    ("MAX_REFRESH_AT_ONCE", "8"),
    ("CLOCK_JUMP", "86_400"),
    ("MAX_RECORDING_OCTETS", "16_777_216"),
    ("MAX_RECORDED_DIFFERENCES", "8"),
    ("SLOW_NAME_SERVER", "Duration::from_millis(250)"),
    ("CLOCK_OFF_WARNING", "60"),
    ("CLOCK_OFF_WRONG", "3_600"),
    ("OLD_ANCHOR_FILE", "31_557_600"),
    ("OLD_AUTHORITIES", "63_115_200"),
    ("MAX_PROCESS_OCTETS", "1_048_576"),
    ("MAX_CHECKED_OCTETS", "134_217_728"),
    ("LEAST_FREE_OCTETS", "67_108_864"),
    ("MAX_LOG_VALUE", "1_024"),
    ("ANSWER_WITHIN_DEFAULT", "Duration::from_secs(4)"),
    ("ANSWER_WITHIN_MAX", "Duration::from_millis(4_500)"),
    ("MAX_CONNECTIONS", "512"),
    ("MAX_CONNECTIONS_THAT_WAIT", "4_096"),
    ("IDLE_GRACE", "Duration::from_millis(20)"),
    ("KEPT_WAITING", "Duration::from_millis(1_500)"),
    ("MAX_HTTP_CONNECTIONS", "64"),
    ("BACKLOG", "1_024"),
    ("DESCRIPTORS_FOR_FILES", "64"),
    ("DESCRIPTORS_LEAST", "21"),
    ("DESCRIPTORS_PER_LOOK_UP", "40"),
    ("RESERVED_DESCRIPTORS", "41_024"),
    ("DESCRIPTORS_UNTOLD", "1_024"),
    ("ACCEPT_PAUSE", "Duration::from_millis(100)"),
    ("FRAME_DEADLINE", "Duration::from_secs(10)"),
    ("WRITE_DEADLINE", "Duration::from_secs(10)"),
    ("MAX_QUEUED_REQUESTS", "32"),
    ("WORK_WITHOUT_PAUSE", "Duration::from_secs(1)"),
    ("READ_OCTETS", "4_096"),
    ("PEER_TOLD_AFTER", "Duration::from_secs(60)"),
    ("DRAIN_DEADLINE", "Duration::from_secs(10)"),
    ("DRAIN_GRACE", "Duration::from_millis(100)"),
    ("PULSE_DEADLINE", "Duration::from_secs(10)"),
    ("MAX_LOOK_UPS", "1_024"),
    ("SILENT_AFTER", "Duration::from_millis(500)"),
    ("LOOK_UP_BEGINS_WITHIN", "Duration::from_millis(10)"),
    ("SEATS_LOOKED_AT", "Duration::from_millis(25)"),
    ("MAX_SUFFIX_LABELS", "5"),
    ("MAX_READING_AT_ONCE", "4"),
    ("RECALLED_ANEW_AFTER", "Duration::from_millis(100)"),
    ("MAX_PENDING_LOOK_UPS", "16_384"),
    ("MAX_STORE_ERRANDS", "128"),
    ("MAX_CACHED_ANSWERS", "20_000"),
    ("PAUSE_AFTER_DEFER", "5"),
    ("STAND_IN_KEPT", "14_400"),
    ("STORE_PULSE", "Duration::from_secs(1)"),
    ("RESOLUTION_FAILURE_FIRST", "Duration::from_secs(5)"),
    ("RESOLUTION_FAILURE_MOST", "Duration::from_secs(300)"),
    ("RESOLUTION_FAILURE_BOGUS_MOST", "Duration::from_secs(60)"),
    ("MAX_RESOLUTION_FAILURES", "4_096"),
    ("MAX_RENEWALS_AT_ONCE", "4"),
    ("RENEWALS_APART", "Duration::from_millis(100)"),
    ("RENEWAL_ROUND", "Duration::from_secs(300)"),
    ("RENEWAL_PAGE_PAUSE", "Duration::from_millis(20)"),
    ("RENEWAL_RETRY", "3_600"),
    ("RENEWED_UNUSED", "15_552_000"),
    ("MAX_NETSTRING_OCTETS", "10_000"),
    ("MAX_EXIM_QUESTION_OCTETS", "4_096"),
    ("MAX_EXIM_EVENT_OCTETS", "16_384"),
    ("MAX_EXIM_EVENT_DATA_OCTETS", "2_000"),
    ("MAX_SOCKETMAP_REPLY_OCTETS", "100_000"),
    ("MAX_PAGE_REQUEST_OCTETS", "8_192"),
    ("PAGE_REQUEST_DEADLINE", "Duration::from_secs(5)"),
    ("PAGE_CONNECTION_LIFE", "Duration::from_secs(30)"),
    ("PAGE_PATIENCE", "Duration::from_secs(1)"),
    ("OUTLOOK_KEPT", "Duration::from_secs(5)"),
    ("OUTLOOK_PAUSES", "20"),
    ("MAX_POLICIES_NAMED", "100"),
    ("MAX_RECENT", "50"),
    ("MAX_SESSIONS_FOLLOWED", "4_096"),
    ("SESSION_FOLLOWED", "600"),
    ("MAX_TALLIED", "4_096"),
    ("TALLY_WRITTEN_AFTER", "Duration::from_secs(10)"),
    ("MAX_REPORT_ROWS_PER_DOMAIN", "1_000"),
    ("MAX_REPORT_ROWS_PER_DAY", "100_000"),
    ("REPORTS_KEPT_DAYS", "8"),
    ("MAX_REPORTED_POLICY_OCTETS", "1_024"),
    ("MAX_TLSRPT_QUEUE", "1_024"),
];

/// Every constant of `limits.rs` with its value, as written.
fn written() -> Vec<(&'static str, &'static str)> {
    include_str!("../../src/limits.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.strip_suffix(';')?.split_once(" = "))
        .map(|(name, value)| (name.split(':').next().unwrap(), value))
        .collect()
}

#[test]
fn no_limit_changes_unnoticed() {
    for (name, value) in written() {
        let expected = DEFAULTS.iter().find(|(argued_for, _)| *argued_for == name);
        assert_eq!(Some(&(name, value)), expected, "{name}");
    }
    assert_eq!(written().len(), DEFAULTS.len());
}

#[test]
fn the_run_ends_before_exim_ends_it() {
    assert!(DEADLINE_MAX + Duration::from_secs(5) <= Duration::from_secs(60));
    assert!(DEADLINE_DEFAULT <= DEADLINE_MAX);
}

#[test]
fn what_stands_inside_of_a_deadline_is_shorter() {
    assert!(FETCH_DEADLINE < DEADLINE_DEFAULT && QUESTION_DEADLINE < DEADLINE_DEFAULT);
    for step in [CONNECT_DEADLINE, HANDSHAKE_DEADLINE, HEAD_DEADLINE] {
        assert!(step < FETCH_DEADLINE);
    }
    assert!(UPSTREAM_PATIENCE < CHECKED_QUESTION_DEADLINE && CHECKED_QUESTION_DEADLINE < QUESTION_DEADLINE);
    assert!(UPSTREAM_PATIENCE < QUESTION_DEADLINE && CONNECT_STAGGER < CONNECT_DEADLINE);
}

#[test]
fn what_fits_into_one_limit_fits_into_the_next() {
    for (inner, outer) in [
        (MAX_HEAD_OCTETS + MAX_BODY_OCTETS, MAX_FETCH_OCTETS),
        (MAX_URL_PATH_OCTETS, MAX_TXT_OCTETS),
        (3 * MAX_ARGUMENT_OCTETS, MAX_EXIM_QUESTION_OCTETS),
        (2 * MAX_EXIM_EVENT_DATA_OCTETS + 8_192, MAX_EXIM_EVENT_OCTETS),
        (MAX_EXIM_LINE, 998), // RFC 5322 section 2.1.1
    ] {
        assert!(inner <= outer, "{inner} {outer}");
    }
    for (inner, outer) in [
        (MAX_NEGATIVE_TTL, MAX_POSITIVE_TTL),
        (MAX_FIRST_USE_LIFE, MAX_POLICY_LIFE),
        (FETCH_BACKOFF, FETCH_BACKOFF_MAX),
        (FETCH_BACKOFF_MAX + 1, FETCH_FAILURES_KEPT),
    ] {
        assert!(inner <= outer, "{inner} {outer}");
    }
}
