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
    ("LEAST_SOURCE_PORT", "1_024"),
    ("SOURCE_PORTS_TRIED", "10"),
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
    ("MAX_SHARED_ZONES_OCTETS", "16_777_216"),
    ("MAX_SHARED_ZONE_OCTETS", "16_384"),
    ("SHARED_ZONES_OWNERS", "16"),
    ("SHARED_ZONE_LEAST_LIFE", "10"),
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
    ("MAX_IMPORT_OCTETS", "402_653_184"),
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
    ("ACCOUNT_DEADLINE", "Duration::from_secs(2)"),
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
    ("MAX_TOLD_AT_ONCE", "100"),
    ("TOLD_PAUSE", "6"),
    ("TOLD_WINDOW", "600"),
    ("MAX_TOLD_OF_DOMAIN", "5"),
    ("MAX_WITHHELD_OF_DOMAIN", "100"),
    ("MAX_WITHHELD_UNKNOWN", "5_000"),
    ("MAX_WITHHELD", "20_000"),
    ("WITHHELD_KEPT", "30 * 86_400"),
    ("WITHHELD_TOGETHER", "6 * 3_600"),
    ("MAX_WITHHELD_UNWRITTEN", "256"),
    ("WITHHELD_WRITTEN_AFTER", "Duration::from_secs(10)"),
    ("CONFIGURATION_TRIED_AGAIN", "Duration::from_secs(5)"),
    ("PULSE_DEADLINE", "Duration::from_secs(10)"),
    ("MAX_LOOK_UPS", "1_024"),
    ("SILENT_AFTER", "Duration::from_millis(500)"),
    ("LOOK_UP_BEGINS_WITHIN", "Duration::from_millis(10)"),
    ("SEATS_LOOKED_AT", "Duration::from_millis(25)"),
    ("MAX_ASKERS_OF_PEER", "16"),
    ("MAX_SUFFIX_LABELS", "5"),
    ("MAX_READING_AT_ONCE", "4"),
    ("RECALLED_ANEW_AFTER", "Duration::from_millis(100)"),
    ("MAX_PENDING_LOOK_UPS", "16_384"),
    ("MAX_STORE_ERRANDS", "128"),
    ("CACHE_FULL_TOLD_AGAIN", "3_600"),
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
    ("MAX_REPORT_MAIL_OCTETS", "15_000_000"),
    ("MAX_REPORT_OCTETS", "20_000_000"),
    ("MAX_REPORT_LAYERS", "12"),
    ("MAX_MAIL_PARTS", "100"),
    ("MAX_MAIL_OCTETS_SPLIT", "60_000_000"),
    ("MAX_MAIL_HEADER_OCTETS", "262_144"),
    ("MAX_GZIP_MEMBERS", "16"),
    ("MAX_ZIP_FILES", "16"),
    ("MAX_REPORT_VALUES", "500_000"),
    ("MAX_RECEIVED_ROWS", "200_000"),
    ("MAX_RECEIVED_FILES", "100_000"),
    ("MAX_RECEIVED_DEPTH", "4"),
    ("MAX_REPORT_TEXT_TOLD", "1_024"),
    ("MAX_RECEIVED_SHOWN", "50"),
    ("MAX_FLEET_HOSTS", "16"),
    ("FLEET_CONNECT_DEADLINE", "Duration::from_secs(2)"),
    ("FLEET_STATEMENT_DEADLINE", "Duration::from_millis(500)"),
    ("FLEET_SLOW_AT_MOST", "3"),
    ("FLEET_REPLY_OCTETS", "80_000_000"),
    ("FLEET_PAGE", "1_000"),
    ("FLEET_WEIGHED_AT_ONCE", "64"),
    ("FLEET_WEIGHED_APART", "Duration::from_millis(100)"),
    ("FLEET_BATCH", "100"),
    ("FLEET_OUTBOX_PAUSE", "Duration::from_millis(200)"),
    ("FLEET_POLL", "Duration::from_secs(5)"),
    ("FLEET_READ_AGAIN", "Duration::from_secs(600)"),
    ("MAX_FLEET_RECENT", "1_000"),
    ("FLEET_HEARTBEAT", "Duration::from_secs(20)"),
    ("FLEET_RETRY_FIRST", "Duration::from_secs(1)"),
    ("FLEET_RETRY_MOST", "Duration::from_secs(60)"),
    ("FLEET_AWAY_WARNED", "Duration::from_secs(300)"),
    ("UNCONFIRMED_BINDS", "14_400"),
    ("HEARSAY_KEPT", "2_592_000"),
    ("MAX_WITNESSES", "3"),
    ("MAX_FLEET_KEY_OCTETS", "65_536"),
    ("MAX_FLEET_KEYS", "1_000"),
    ("MAX_DECREES_KEPT", "1_000"),
    ("MAX_DECREE_OCTETS", "4_096"),
    ("DECREE_OLDEST", "604_800"),
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

/// Limits with a test that has what is just within them, and what is just beyond: by the name of the test, wherever it is.
const TRIED: &[(&str, &str)] = &[
    ("MAX_ARGUMENT_OCTETS", "an_argument_of_1024_octets_is_read_and_one_octet_more_is_not"),
    ("MAX_HOSTS", "sixty_four_hosts_are_judged_and_one_more_is_a_bad_question"),
    ("DEADLINE_MAX", "the_greatest_values_of_their_ranges_are_taken"),
    ("MAX_ANCHOR_FILE_OCTETS", "a_trust_anchor_file_of_64_kibibytes_is_read_and_one_octet_more_is_exit_78"),
    ("MAX_QUERIES", "sixty_questions_leave_and_twenty_four_more_for_each_mx_host"),
    ("MAX_QUERIES_PER_MX_HOST", "sixty_questions_leave_and_twenty_four_more_for_each_mx_host"),
    ("MAX_MX_HOSTS_LOOKED_AT", "of_too_many_hosts_those_asked_for_are_looked_at_and_the_rest_is_unknown"),
    ("EDNS_PAYLOAD", "the_question_leaves_with_do_cd_and_rd_and_a_random_case"),
    ("MAX_UPSTREAMS", "nameserver_lines_count_and_nothing_else"),
    ("MAX_RESOLV_CONF_OCTETS", "resolv_conf_is_read_up_to_its_bound_and_not_at_all_beyond"),
    ("MAX_SERVICES_OCTETS", "services_are_read_up_to_a_bound_and_a_machine_without_the_file_has_none"),
    ("MAX_BATCH_LINE", "a_line_of_2048_octets_is_read_and_one_octet_more_is_malformed"),
    ("MAX_REPLY_OCTETS", "the_last_octet_and_the_last_record_of_a_verdict_are_read_and_none_beyond"),
    ("MAX_REPLY_OCTETS_TOGETHER", "what_all_verdicts_hold_together_has_an_end_and_is_given_back"),
    ("MAX_VERDICT_RECORDS", "the_last_octet_and_the_last_record_of_a_verdict_are_read_and_none_beyond"),
    (
        "MAX_VERDICT_RECORDS_PER_MX_HOST",
        "the_last_octet_and_the_last_record_of_a_verdict_are_read_and_none_beyond",
    ),
    ("MAX_ALIASES", "chains_and_loops_of_aliases_end"),
    ("MAX_LABELS_AHEAD", "no_more_than_six_names_are_asked_about_ahead"),
    ("MAX_WRONG_SIGNATURES_PER_RRSET", "eight_wrong_signatures_of_one_rrset_are_passed_over"),
    ("MAX_KEY_COLLISIONS", "four_keys_of_one_tag_are_tried_for_a_signature_and_no_fifth"),
    ("MAX_VERIFICATIONS", "the_signatures_of_one_verdict_have_an_end"),
    ("MAX_VERIFICATIONS_PER_MX_HOST", "the_signatures_of_one_verdict_have_an_end"),
    ("MAX_DS_DIGESTS", "digests_of_keys_are_counted"),
    ("MAX_NSEC3_HASHES", "the_last_hash_of_one_verdict_is_computed_and_the_next_one_is_not"),
    ("MAX_NSEC3_ITERATIONS", "with_many_iterations_a_denial_is_insecure_and_what_is_signed_stays_secure"),
    (
        "MAX_NSEC3_ITERATIONS_COMPUTED",
        "where_nothing_can_be_hashed_an_absence_and_a_wildcards_answer_are_insecure",
    ),
    ("MAX_DENIALS", "an_rrset_a_reply_and_its_denials_have_a_size"),
    ("MAX_REPLY_RECORDS", "an_rrset_a_reply_and_its_denials_have_a_size"),
    ("MAX_RRSET_RECORDS", "an_rrset_a_reply_and_its_denials_have_a_size"),
    ("MAX_TXT_OCTETS", "a_txt_record_of_4096_octets_is_read_in_each_dialect_and_one_octet_more_is_not"),
    ("MAX_MX_RECORDS", "more_mx_records_than_anybody_needs_let_the_mail_wait"),
    ("MAX_POSITIVE_TTL", "no_answer_lives_longer_than_a_day_and_no_absence_longer_than_an_hour"),
    ("MAX_NEGATIVE_TTL", "no_answer_lives_longer_than_a_day_and_no_absence_longer_than_an_hour"),
    (
        "UNPROVEN_ASKED_AGAIN",
        "a_changed_id_in_an_unsigned_zone_is_noticed_within_seconds_whatever_its_ttl_says",
    ),
    ("MAX_BODY_OCTETS", "a_body_has_64_kibibytes_and_no_octet_more"),
    ("MAX_HEADER_FIELDS", "a_head_is_bounded_in_octets_and_in_fields"),
    ("FETCH_BACKOFF", "the_pause_doubles_from_five_minutes_to_a_day"),
    ("FETCH_BACKOFF_MAX", "the_pause_doubles_from_five_minutes_to_a_day"),
    ("FETCH_FAILURES_KEPT", "a_row_of_failures_outlives_its_longest_pause"),
    ("MAX_POLICY_HOST_ADDRESSES", "no_more_than_four_addresses_are_tried"),
    ("MAX_INTERIM_REPLIES", "interim_replies_are_bounded"),
    ("MAX_URL_PATH_OCTETS", "the_path_of_a_policys_address_has_1024_octets_and_no_more"),
    ("MAX_CA_FILE_OCTETS", "a_file_of_authorities_is_read_up_to_its_bound_and_not_at_all_beyond"),
    ("MAX_FINDINGS_SHOWN", "of_too_many_findings_those_that_matter_most_are_told"),
    ("MAX_FINDINGS_TOLD", "of_too_many_findings_those_that_matter_most_are_told"),
    ("MAX_SMTP_REPLY_LINES", "a_hundred_lines_of_2048_octets_are_a_reply_and_no_more"),
    ("MAX_SMTP_REPLY_OCTETS", "a_hundred_lines_of_2048_octets_are_a_reply_and_no_more"),
    ("MAX_PROBED_TOGETHER", "five_hundred_domains_are_probed_together_and_one_more_is_a_bad_question"),
    ("MAX_RESULT_LINE", "a_file_of_another_list_is_left_alone"),
    ("PARALLEL_MAX", "the_greatest_values_of_their_ranges_are_taken"),
    (
        "MAX_CONNECTIONS_PER_ADDRESS",
        "only_so_many_pass_at_once_to_one_address_and_nobody_waits_for_another_one",
    ),
    ("MAX_POLICY_LIFE", "a_life_of_ten_digits_is_a_year"),
    ("RENEWAL", "policies_that_were_fetched_together_are_renewed_apart_before_a_delivery_would_have_to"),
    ("MAX_FIRST_USE_LIFE", "a_policy_lives_for_e_seconds_and_no_longer_than_its_authentication_allows"),
    ("MAX_MX_PATTERNS", "a_record_of_too_many_patterns_is_not_read"),
    ("MAX_EVENTS_PER_DOMAIN", "no_domain_fills_the_history"),
    ("MAX_EVENTS_ON_AVERAGE", "nor_do_all_of_them_together"),
    ("MAX_RECORDING_OCTETS", "what_is_no_recording_is_refused_and_nothing_beyond_the_limit_is_read"),
    ("SLOW_NAME_SERVER", "slow_is_a_warning"),
    ("CLOCK_OFF_WARNING", "a_minute_off_is_a_warning_and_an_hour_is_wrong"),
    ("CLOCK_OFF_WRONG", "a_minute_off_is_a_warning_and_an_hour_is_wrong"),
    ("MAX_PROCESS_OCTETS", "as_much_as_is_read_is_read_whole_and_one_octet_more_is_not"),
    ("ANSWER_WITHIN_MAX", "the_greatest_values_of_their_ranges_are_taken"),
    ("MAX_CONNECTIONS", "look_ups_and_files_have_their_descriptors_whatever_there_are"),
    ("MAX_HTTP_CONNECTIONS", "look_ups_and_files_have_their_descriptors_whatever_there_are"),
    ("MAX_QUEUED_REQUESTS", "so_many_requests_are_under_way_and_no_more"),
    ("WORK_WITHOUT_PAUSE", "whoever_keeps_us_at_work_without_a_pause_makes_room_like_others"),
    ("RESOLUTION_FAILURE_FIRST", "what_keeps_failing_is_asked_less_and_less_often_but_every_five_minutes"),
    ("RESOLUTION_FAILURE_MOST", "what_keeps_failing_is_asked_less_and_less_often_but_every_five_minutes"),
    ("RENEWAL_RETRY", "after_its_first_turn_a_policy_comes_round_once_an_hour"),
    ("RENEWED_UNUSED", "a_policy_that_is_due_and_in_use_is_renewed_and_nothing_else"),
    ("MAX_NETSTRING_OCTETS", "too_long_a_one_is_refused_by_its_digits"),
    ("MAX_EXIM_QUESTION_OCTETS", "a_line_without_an_end_is_not_read_for_ever"),
    ("MAX_EXIM_EVENT_OCTETS", "a_line_without_an_end_is_not_read_for_ever"),
    ("MAX_EXIM_EVENT_DATA_OCTETS", "a_reply_that_was_cut_may_have_lost_the_offer"),
    ("MAX_PAGE_REQUEST_OCTETS", "a_head_of_eight_kibibytes_is_read_and_one_octet_more_is_not"),
    ("PAGE_REQUEST_DEADLINE", "a_head_is_waited_for_five_seconds"),
    ("MAX_RECENT", "there_is_an_end_to_what_strangers_can_put_there"),
    ("MAX_SESSIONS_FOLLOWED", "only_so_many_are_followed_and_the_oldest_is_forgotten"),
    ("MAX_TALLIED", "what_has_no_room_is_counted_together_and_nothing_is_lost"),
    ("MAX_REPORT_ROWS_PER_DOMAIN", "a_domain_has_so_many_rows_and_the_rest_is_counted_together"),
    ("REPORTS_KEPT_DAYS", "a_day_is_shown_by_itself_and_forgotten_when_it_is_long_over"),
    ("MAX_SHARED_ZONES_OCTETS", "nobody_takes_the_room_of_others"),
    ("SHARED_ZONES_OWNERS", "nobody_takes_the_room_of_others"),
    ("SHARED_ZONE_LEAST_LIFE", "it_counts_until_the_first_ttl_ends_and_an_answer_rests_on_it_no_longer"),
    ("MAX_TOLD_AT_ONCE", "whoever_makes_up_domains_gets_so_many_lines_and_the_others_are_counted"),
    ("TOLD_PAUSE", "whoever_makes_up_domains_gets_so_many_lines_and_the_others_are_counted"),
    ("TOLD_WINDOW", "a_domain_has_one_line_for_each_reason_in_a_window_and_the_rest_is_counted"),
    ("MAX_WITHHELD_OF_DOMAIN", "whoever_makes_up_domains_pushes_out_nobody_elses_rows"),
    ("MAX_WITHHELD_UNKNOWN", "whoever_makes_up_domains_pushes_out_nobody_elses_rows"),
    (
        "WITHHELD_KEPT",
        "what_is_long_over_is_forgotten_and_a_row_that_this_program_would_not_write_is_not_there",
    ),
    ("WITHHELD_TOGETHER", "what_is_said_again_soon_is_counted_and_what_is_said_later_is_a_line_of_its_own"),
    ("MAX_ASKERS_OF_PEER", "who_asks_again_and_again_for_one_look_up_is_kept_sixteen_times_at_most"),
    ("SILENT_AFTER", "a_seat_is_not_given_up_to_an_equal_that_is_heard_of"),
    ("MAX_REPORT_MAIL_OCTETS", "a_mail_of_countless_parts_levels_or_fields_is_refused"),
    ("MAX_REPORT_OCTETS", "a_bomb_ends_at_its_bound"),
    ("MAX_REPORT_LAYERS", "what_is_packed_too_often_is_not_unpacked"),
    ("MAX_MAIL_PARTS", "a_mail_of_countless_parts_levels_or_fields_is_refused"),
    ("MAX_MAIL_HEADER_OCTETS", "a_mail_of_countless_parts_levels_or_fields_is_refused"),
    ("MAX_GZIP_MEMBERS", "what_is_packed_too_often_is_not_unpacked"),
    ("MAX_REPORT_VALUES", "json_of_countless_values_is_refused"),
    ("FLEET_REPLY_OCTETS", "a_server_may_send_so_much_and_no_more"),
    ("UNCONFIRMED_BINDS", "what_hearsay_is_worth"),
    ("DECREE_OLDEST", "a_decree_is_obeyed_by_this_fleet_in_its_time_under_its_number_and_its_signature"),
    ("MAX_DECREE_OCTETS", "no_decree_is_longer_than_a_row_holds"),
];

/// Limits without such a test, each with the reason, and with the test that comes nearest to one.
const UNTRIED: &[(&str, &str)] = &[
    ("DEADLINE_DEFAULT", "a default, which `--deadline` replaces; the tests of deadlines set their own"),
    (
        "WATCHDOG_GRACE",
        "in real time, and not before it (`what_hangs_ends_a_little_after_its_deadline_with_an_answer_that_defers`)",
    ),
    (
        "MAX_EXIM_LINE",
        "no line of the closed words comes near it; `told` of the program's tests holds each of them to it",
    ),
    (
        "MAX_EXIM_ROUTER_LINE",
        "filled, not met to the octet: patterns come whole (`the_line_keeps_its_length_and_its_characters_whatever_is_permitted`)",
    ),
    (
        "UNSIGNED_PATIENCE_PERCENT",
        "a share of another time (`silence_is_waited_for_as_long_as_a_signature_could_break_it`)",
    ),
    ("UNSIGNED_PATIENCE_LEAST", "the least of that share"),
    (
        "UPSTREAM_PATIENCE",
        "the order of the servers shows it (`beside_a_silent_server_the_next_is_asked_after_patience_and_first_from_then_on`)",
    ),
    ("QUESTION_DEADLINE", "the run of each test is shorter; that it is shorter than a run is held below"),
    (
        "CHECKED_QUESTION_DEADLINE",
        "tried through a run that ends with it (`it_ends_with_the_run_and_leaves_once_for_each_question`)",
    ),
    (
        "MAX_SERVICE_OCTETS",
        "names of services are a few octets long (`at_a_service_that_is_nowhere_only_an_override_has_a_say`), and a longer one is none",
    ),
    ("MAX_BATCH_AT_ONCE", "bounds what goes on at the same time, not what comes of it"),
    (
        "MAX_HASH_BLOCKS",
        "passed by less than one proof, since what is about to be hashed is counted whole (`the_hashes_of_one_verdict_have_an_end`)",
    ),
    (
        "UNPROVEN_REMEMBERED",
        "with the clock of `what_was_genuine_stands_in_for_an_answer_that_does_not_come`, within it",
    ),
    ("CONNECT_DEADLINE", "tried with another value (`a_connection_that_never_comes_about_is_given_up`)"),
    ("HANDSHAKE_DEADLINE", "tried with another value (`a_handshake_that_stalls_is_given_up`)"),
    ("HEAD_DEADLINE", "tried with another value (`a_head_that_drips_is_given_up`)"),
    ("FETCH_DEADLINE", "tried with another value (`a_body_that_drips_ends_with_the_fetch`)"),
    (
        "MAX_HEAD_OCTETS",
        "beyond, and below it by less than a field (`a_head_is_bounded_in_octets_and_in_fields`, `no_endless_reply_is_read_for_long`)",
    ),
    (
        "MAX_FETCH_OCTETS",
        "beyond: records of TLS are read whole (`chunks_of_one_octet_are_counted_with_their_frames`)",
    ),
    (
        "CONNECT_STAGGER",
        "`an_address_that_swallows_everything_costs_a_moment_and_not_a_deadline`, within the deadline",
    ),
    ("PROBE_DEADLINE", "tried with another value (`one_octet_at_a_time_ends_with_the_time_of_the_address`)"),
    ("PROBE_DOMAIN_DEADLINE_DEFAULT", "a default, which an option replaces"),
    ("MAX_PROBES_AT_ONCE", "bounds what goes on at the same time, not what comes of it"),
    ("MAX_PROBED_DOMAINS_AT_ONCE", "bounds what goes on at the same time, not what comes of it"),
    ("LINT_DEADLINE_DEFAULT", "a default, which an option replaces"),
    ("LINT_MAX_AGE_DEFAULT", "a default, which an option replaces; `screens` shows it"),
    (
        "MAX_PROBE_ADDRESSES",
        "how many are looked at; a host of the laboratory has two, and this machine no sixteen that are public",
    ),
    ("MAX_PROBE_OCTETS", "beyond: records of TLS are read whole (`probe::hostile`)"),
    ("MAX_ANCHORS_TRIED", "far beyond (`a_crowd_of_anchors_takes_no_more_time_than_a_few`)"),
    (
        "MAX_CHAIN_LENGTH",
        "it takes a chain of nine real authorities, of which the last is looked for by no other test than that of the crowd",
    ),
    (
        "MAX_CHAIN_SIGNATURES",
        "the library's own number; our count of them is reached with chains that the library refuses before",
    ),
    (
        "MAX_NAGIOS_OCTETS",
        "beyond, with 2,000 domains (`two_thousand_domains_in_trouble_are_a_line_of_four_kibibytes`)",
    ),
    (
        "MAX_NAGIOS_TEXT_OCTETS",
        "beyond, with 2,000 domains (`two_thousand_domains_in_trouble_are_a_line_of_four_kibibytes`)",
    ),
    ("MAX_NAGIOS_COMPLAINTS", "how much is told, and no bound on work; `monitoring::nagios` has the lines"),
    (
        "MAX_EXPOSITION_OCTETS",
        "the file is our own; one that is longer is as one that is none (`nothing_is_believed_of_the_last_file_that_could_not_be_ours`)",
    ),
    (
        "MAX_LIST_LINE",
        "twice as long; the reader is that of `a_line_of_2048_octets_is_read_and_one_octet_more_is_malformed`",
    ),
    ("PARALLEL_DEFAULT", "a default, which an option replaces"),
    ("RATE_DEFAULT", "a default, which an option replaces"),
    ("PROBE_QUEUE", "five minutes of a queue; `probe::address_limiter` has its order"),
    ("MAX_DOMAINS_DEFAULT", "a default; `cache::room` fills files whose number of domains is small"),
    (
        "CACHE_BUSY_WAIT",
        "`a_file_that_another_process_holds_does_not_keep_the_daemon_from_answering` waits for less",
    ),
    ("CACHE_EXPENDABLE_WAIT", "within the same"),
    ("CACHE_TURN_PAUSE", "a pause of waiting, which decides nothing"),
    ("CACHE_LOCK_PAUSE", "a pause of waiting, which decides nothing"),
    ("CACHE_OCTETS_PER_DOMAIN", "part of a bound that `cache::room` reaches from the side of the file"),
    ("CACHE_OCTETS_LEAST", "part of a bound that `cache::room` reaches from the side of the file"),
    ("MAX_REMEMBERED_OCTETS", "beyond (`f13_long_dns_results_fill_no_disk`)"),
    (
        "MAX_STORED_POLICY_OCTETS",
        "nothing that can be fetched comes near it (`whatever_could_be_fetched_can_be_stored`)",
    ),
    (
        "MAX_EVENT_DETAIL_OCTETS",
        "beyond, and cut between characters (`no_detail_is_longer_than_a_row_may_hold_or_strange`)",
    ),
    (
        "MAX_IMPORT_LINE",
        "the reader is that of `a_line_of_2048_octets_is_read_and_one_octet_more_is_malformed`",
    ),
    ("MAX_REFRESH_AT_ONCE", "bounds what goes on at the same time, not what comes of it"),
    (
        "CLOCK_JUMP",
        "a day: jumps of an hour and of a year are tried (`e10_no_jump_of_the_clock_deletes_a_policy`, `a_clock_that_went_back_lifts_no_policy`)",
    ),
    ("MAX_RECORDED_DIFFERENCES", "how much is told, and no bound on work"),
    (
        "OLD_ANCHOR_FILE",
        "when a warning is given, and no bound on work (`old_files_are_warnings_and_no_authorities_are_wrong`)",
    ),
    (
        "OLD_AUTHORITIES",
        "when a warning is given, and no bound on work (`old_files_are_warnings_and_no_authorities_are_wrong`)",
    ),
    (
        "MAX_CHECKED_OCTETS",
        "how much of our own file `doctor` reads; one of 128 MiB takes a second of every run of the tests",
    ),
    ("LEAST_FREE_OCTETS", "when a warning is given, and no bound on work (`little_room_is_a_warning`)"),
    ("MAX_LOG_VALUE", "beyond (`an_event_is_one_line_of_printable_ascii`)"),
    ("ANSWER_WITHIN_DEFAULT", "a default; `serve::deadlines` sets its own"),
    ("BACKLOG", "a wish that the kernel may cut (listen(2))"),
    (
        "DESCRIPTORS_FOR_FILES",
        "a part of what `look_ups_and_files_have_their_descriptors_whatever_there_are` divides",
    ),
    (
        "DESCRIPTORS_PER_LOOK_UP",
        "a part of what `look_ups_and_files_have_their_descriptors_whatever_there_are` divides",
    ),
    (
        "RESERVED_DESCRIPTORS",
        "a part of what `look_ups_and_files_have_their_descriptors_whatever_there_are` divides",
    ),
    ("DESCRIPTORS_UNTOLD", "for a system that does not tell its own number; Linux does"),
    (
        "ACCEPT_PAUSE",
        "a pause of waiting (`with_64_descriptors_it_serves_and_without_any_it_waits_until_there_are_some`)",
    ),
    (
        "FRAME_DEADLINE",
        "in real time, within two seconds (`half_a_request_is_waited_for_ten_seconds_and_no_longer`)",
    ),
    (
        "WRITE_DEADLINE",
        "in real time, not before nine seconds (`whoever_does_not_read_is_not_read_any_more_and_then_closed`)",
    ),
    ("READ_OCTETS", "the size of one read, and no bound on what is read in all"),
    (
        "PEER_TOLD_AFTER",
        "a minute; that one of many is told shows `what_is_no_frame_ends_the_connection_before_there_is_room_for_it`",
    ),
    ("DRAIN_DEADLINE", "the end of a daemon whose askers have all been answered comes before"),
    ("DRAIN_GRACE", "a pause of waiting (`told_to_end_under_load_it_loses_no_reply`)"),
    (
        "PULSE_DEADLINE",
        "tried with another value (`no_pulse_is_felt_while_the_store_is_stuck_and_one_is_while_it_is_slow`)",
    ),
    ("MAX_PENDING_LOOK_UPS", "the length of a queue between threads, which refuses at its end"),
    ("MAX_STORE_ERRANDS", "the length of a queue between threads, which refuses at its end"),
    (
        "MAX_CACHED_ANSWERS",
        "three times over (`whatever_strangers_ask_for_there_is_an_end_to_what_is_kept_and_what_is_in_use_stays`)",
    ),
    (
        "PAUSE_AFTER_DEFER",
        "what follows from it is tried (`what_failed_a_moment_ago_is_not_asked_again_by_whoever_comes_next`)",
    ),
    (
        "STAND_IN_KEPT",
        "four hours of a daemon; what stands in is tried (`the_last_answer_stands_in_for_silence_where_no_signature_could_prove_anything`)",
    ),
    ("STORE_PULSE", "a pause of looking (`what_another_process_learns_is_known_to_the_daemon`)"),
    (
        "RESOLUTION_FAILURE_BOGUS_MOST",
        "the same function as that of the longest pause (`what_keeps_failing_is_asked_less_and_less_often_but_every_five_minutes`)",
    ),
    ("MAX_RESOLUTION_FAILURES", "three times over (`strangers_cannot_fill_the_memory_with_failures`)"),
    ("MAX_RENEWALS_AT_ONCE", "bounds what goes on at the same time, not what comes of it"),
    ("RENEWALS_APART", "a pause between pieces of work, which decides nothing"),
    ("RENEWAL_ROUND", "a pause between pieces of work, which decides nothing"),
    ("RENEWAL_PAGE_PAUSE", "a pause between pieces of work, which decides nothing"),
    (
        "MAX_SOCKETMAP_REPLY_OCTETS",
        "far beyond: names come whole (`a_reply_that_postfix_would_not_take_loses_its_attributes_and_never_its_level`)",
    ),
    (
        "PAGE_CONNECTION_LIFE",
        "half a minute of real time; the slow are evicted before (`whoever_is_slow_is_cut_off_and_keeps_nobody_waiting`)",
    ),
    (
        "PAGE_PATIENCE",
        "`what_is_not_ready_says_why` meets a store that answers with an error, not one that is silent",
    ),
    ("OUTLOOK_KEPT", "a pause of looking, which decides nothing"),
    ("OUTLOOK_PAUSES", "a pause of looking, which decides nothing"),
    (
        "MAX_POLICIES_NAMED",
        "how many the page names; `the_outlook_counts_what_is_in_force_and_names_what_ends_first` has them bounded by another number",
    ),
    (
        "SESSION_FOLLOWED",
        "ten minutes of a session of Exim; `another_process_or_a_later_day_is_another_session` ends one by its day",
    ),
    (
        "TALLY_WRITTEN_AFTER",
        "counts are on the disk at the end of the daemon (`what_is_told_is_counted_and_on_the_disk_when_the_daemon_ends`)",
    ),
    (
        "MAX_REPORT_ROWS_PER_DAY",
        "a hundred thousand rows would take half a minute; the same statement bounds those of a domain (`a_domain_has_so_many_rows_and_the_rest_is_counted_together`)",
    ),
    (
        "MAX_REPORTED_POLICY_OCTETS",
        "far beyond, and cut between characters (`a_long_policy_is_cut_between_its_characters`)",
    ),
    ("MAX_TLSRPT_QUEUE", "the length of a queue between threads, which refuses at its end"),
    ("LEAST_SOURCE_PORT", "the end of a range of random ports; no test waits until it is rolled"),
    ("SOURCE_PORTS_TRIED", "so many of 64,512 ports would have to be taken one after the other"),
    ("MAX_SHARED_ZONE_OCTETS", "far beyond (`a_zone_with_very_many_keys_is_proven_anew_each_time`)"),
    ("MAX_IMPORT_OCTETS", "a file of 384 MiB; one line of it is bounded by `MAX_IMPORT_LINE`"),
    ("ACCOUNT_DEADLINE", "in real time, for a program of the system that hangs"),
    (
        "MAX_CONNECTIONS_THAT_WAIT",
        "thousands of connections; the limiter is tried with two (`a_peer_that_waits_for_us_is_not_evicted_and_the_next_one_waits`)",
    ),
    ("IDLE_GRACE", "a moment of real time between octets that come and a look at them"),
    (
        "KEPT_WAITING",
        "in real time, among 1,600 connections (`what_is_known_is_answered_beside_connections_that_wait`)",
    ),
    ("DESCRIPTORS_LEAST", "the system's own need; a daemon with 24 descriptors is tried as a whole"),
    (
        "MAX_TOLD_OF_DOMAIN",
        "lines of a log; the windows of one reason are tried (`a_domain_has_one_line_for_each_reason_in_a_window_and_the_rest_is_counted`)",
    ),
    (
        "MAX_WITHHELD",
        "a hundred thousand rows; the bound of domains without a policy is met first (`whoever_makes_up_domains_pushes_out_nobody_elses_rows`)",
    ),
    (
        "MAX_WITHHELD_UNWRITTEN",
        "between two writes of the daemon; beyond it answers are left out of the history alone",
    ),
    ("WITHHELD_WRITTEN_AFTER", "in real time; what was answered is on the disk at the end of the daemon"),
    ("CONFIGURATION_TRIED_AGAIN", "in real time, in the suite with systemd"),
    (
        "MAX_LOOK_UPS",
        "as many real look-ups would be needed; the discipline is tried with any number (`beside_five_thousand_silent_ones_nobody_else_waits_for_more_than_a_moment`)",
    ),
    ("LOOK_UP_BEGINS_WITHIN", "in real time, and only on a busy processor"),
    ("SEATS_LOOKED_AT", "a pause of looking, which decides nothing"),
    ("MAX_SUFFIX_LABELS", "labels beyond it are one leaf; which one changes the order of turns alone"),
    ("MAX_READING_AT_ONCE", "the length of a queue, which refuses nothing"),
    ("RECALLED_ANEW_AFTER", "in real time; whatever it is, the answer is the same or newer"),
    ("CACHE_FULL_TOLD_AGAIN", "an hour between two lines of the log"),
    ("MAX_MAIL_OCTETS_SPLIT", "far beyond (`a_mail_of_countless_parts_levels_or_fields_is_refused`)"),
    ("MAX_ZIP_FILES", "far beyond (`what_is_packed_too_often_is_not_unpacked`)"),
    ("MAX_RECEIVED_ROWS", "far beyond (`a_flood_of_rows_is_cut_for_people_and_told`)"),
    ("MAX_RECEIVED_FILES", "a hundred thousand files"),
    ("MAX_RECEIVED_DEPTH", "directories within directories, of which a Maildir has two"),
    ("MAX_REPORT_TEXT_TOLD", "the length of a text that is shown"),
    ("MAX_RECEIVED_SHOWN", "how many the page names (`a_flood_of_rows_is_cut_for_people_and_told`)"),
    ("MAX_FLEET_HOSTS", "a list in the configuration, which whoever writes it may count"),
    (
        "FLEET_CONNECT_DEADLINE",
        "`tests/fleet`: a server that is stopped does not answer, and the host goes on",
    ),
    ("FLEET_STATEMENT_DEADLINE", "`tests/fleet`: a server that is stopped in the middle of a statement"),
    ("FLEET_SLOW_AT_MOST", "`tests/fleet`: a stopped server counts as away"),
    ("FLEET_PAGE", "a page more is another statement"),
    ("FLEET_WEIGHED_APART", "a pause"),
    ("FLEET_WEIGHED_AT_ONCE", "a chunk more is another errand"),
    ("FLEET_BATCH", "a batch more is another statement"),
    ("FLEET_OUTBOX_PAUSE", "a pause: `tests/fleet` measures what comes of it"),
    ("FLEET_POLL", "a pause: `tests/fleet` waits for a change that nobody was woken for"),
    ("FLEET_READ_AGAIN", "ten minutes, at whose end something is read that was read before"),
    ("MAX_FLEET_RECENT", "above it all is offered again, which does no harm"),
    ("FLEET_HEARTBEAT", "a pause"),
    ("FLEET_RETRY_FIRST", "a pause"),
    ("FLEET_RETRY_MOST", "a pause"),
    ("FLEET_AWAY_WARNED", "five minutes, after which a line is written"),
    ("HEARSAY_KEPT", "a month; whoever fills the file finds it full, and nothing else"),
    ("MAX_WITNESSES", "the database keeps no more (`tests/fleet`), and what it has more is not looked at"),
    ("MAX_FLEET_KEY_OCTETS", "a file that the administrator named"),
    ("MAX_FLEET_KEYS", "a directory that the administrator named"),
    ("MAX_DECREES_KEPT", "what is beyond is read with the next look"),
];

/// All files of `src` and `tests` in one.
fn sources() -> String {
    fn read(directory: &std::path::Path, all: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    ["src", "tests"].iter().for_each(|directory| read(&root.join(directory), &mut all));
    all
}

/// Whoever adds a limit tries it at its edge, or says why not.
#[test]
fn every_limit_is_tried_at_its_edge_or_has_a_reason() {
    let listed: Vec<&str> = TRIED.iter().chain(UNTRIED).map(|(name, _)| *name).collect();
    for (name, _) in written() {
        let times = listed.iter().filter(|listed| **listed == name).count();
        assert_eq!(times, 1, "{name} is in TRIED or in UNTRIED, and once");
    }
    assert_eq!(listed.len(), written().len(), "a limit that is gone is still listed");
    let sources = sources();
    let is_a_test = |name: &str| {
        sources.match_indices(&format!("fn {name}(")).any(|(at, _)| {
            let before = &sources[..at];
            let attributes = &before[before.rfind("\n\n").unwrap_or(0)..];
            attributes.contains("#[test]") || attributes.contains("#[tokio::test")
        })
    };
    for (limit, test) in TRIED {
        assert!(is_a_test(test), "{limit}: there is no test {test}");
    }
    for (limit, reason) in UNTRIED {
        let named = reason.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() > 3);
        named.for_each(|test| assert!(is_a_test(test), "{limit}: there is no test {test}"));
    }
}
