//! `why`.

use crate::screen::typed;

#[test]
fn a_reason_is_explained() {
    typed("why dane-usable").shows("why-a-reason");
    typed("why reason=tlsa-required").shows("why-a-reason-of-a-line");
}

#[test]
fn a_finding_a_check_a_result_type_and_an_exit_code_are_explained() {
    typed("why resolver.udp").shows("why-a-check");
    typed("why mta-sts.policy.max-age-too-short").shows("why-a-finding");
    typed("why sts-webpki-invalid").shows("why-a-result-type");
    typed("why 75").shows("why-an-exit-code");
}

#[test]
fn without_a_word_all_are_listed_and_a_family_by_its_prefix() {
    typed("why").shows("why-all");
    typed("why tlsrpt").shows("why-a-family");
}

#[test]
fn an_unknown_word_gets_the_nearest_ones() {
    typed("why dane-usabel").shows("why-a-slip");
    typed("why max-age").shows("why-a-part");
    typed("why xyzzy").shows("why-nothing-near");
}
