use super::*;
use crate::limits::DEFER_FOLLOWS_CLOSE;
use crate::name::PolicyDomain;
use crate::reports::applied::Mark;
use crate::serve::protocol::Frame;
use crate::serve::protocol::exim::{self, EximRequest};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

/// In the middle of January 2027.
const NOW: UnixTime = UnixTime(1_800_000_000);

const GREETED: Happening = Happening::Greeted { offers_starttls: Some(true), helo: None };
const PLAIN: Happening = Happening::Greeted { offers_starttls: Some(false), helo: None };
const AVOIDED: Happening = Happening::Closed { had_tls: false, may_be_avoided: true };
const CLOSED: Happening = Happening::Closed { had_tls: false, may_be_avoided: false };

fn event(policy: PolicyType, happening: Happening) -> Event {
    let tls = if policy == PolicyType::Dane { Tls::Dane } else { Tls::WebPki };
    Event {
        session: Session {
            process: 4_711,
            domain: PolicyDomain::parse("example.org").unwrap(),
            host: MxHost::from_text("mx.example.org").unwrap(),
            address: "192.0.2.25".parse().unwrap(),
            from: None,
        },
        answered: Answered { policy, mode: Mode::Enforce, tls, mark: Mark::default() },
        happening,
    }
}

/// The results of one session's events.
fn results(policy: PolicyType, happenings: &[Happening]) -> Vec<Ended> {
    let mut sessions = Sessions::default();
    let heard = |one: &Happening| sessions.hear(&event(policy, one.clone()), NOW).map(|result| result.ended);
    happenings.iter().filter_map(heard).collect()
}

/// A certificate for that name; its issuer is another one if it is to look like an authority's.
fn certificate(name: &str, is_over: bool, is_self_signed: bool) -> Happening {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2026, 12, 1);
    params.not_after = if is_over { date_time_ymd(2027, 1, 10) } else { date_time_ymd(2027, 2, 10) };
    params.distinguished_name.push(DnType::CommonName, "a mail host");
    let key = KeyPair::generate().unwrap();
    let certificate = if is_self_signed {
        params.self_signed(&key).unwrap()
    } else {
        let (authority, its_key) = (CertificateParams::new(vec![]).unwrap(), KeyPair::generate().unwrap());
        params.signed_by(&key, &Issuer::new(authority, its_key)).unwrap()
    };
    Happening::Showed(certificate.der().to_vec())
}

fn gave_up(number: i32, words: &str) -> Happening {
    Happening::GaveUp { number, words: words.to_owned(), certificate: None }
}

/// The same linked with OpenSSL, which shows the certificate only now.
fn gave_up_by_openssl(shown: Happening) -> Happening {
    let Happening::Showed(der) = shown else { panic!("no certificate") };
    let words = "TLS session: (SSL_connect): error:0A000086:SSL routines::certificate verify failed";
    Happening::GaveUp { number: TLS_FAILURE, words: words.to_owned(), certificate: Some(der) }
}

const fn failed(result: ResultType) -> Ended {
    Ended::Failed(result)
}

const FAILED: &str = "TLS session: (certificate verification failed)";

#[test]
fn a_session_under_tls_is_a_success_once() {
    for (policy, proof) in [
        (PolicyType::MtaSts, Proof::Authority),
        (PolicyType::SmtpSts, Proof::Authority),
        (PolicyType::MtaSts, Proof::Dane),
        (PolicyType::None, Proof::Nothing),
        (PolicyType::Dane, Proof::Dane),
    ] {
        let shown = certificate("mx.example.org", false, false);
        let all = [GREETED, shown, Happening::Encrypted(proof)];
        assert_eq!(results(policy, &all), [Ended::Encrypted], "{policy:?} {proof:?}");
    }
}

#[test]
fn what_exim_did_by_dane_is_reported_under_dane() {
    let mut sessions = Sessions::default();
    let mut hear = |happening| sessions.hear(&event(PolicyType::MtaSts, happening), NOW).unwrap().policy;
    assert_eq!(hear(Happening::Encrypted(Proof::Dane)), PolicyType::Dane);
    assert_eq!(hear(Happening::DaneFailed(DaneFailure::Validation)), PolicyType::Dane);
}

#[test]
fn a_certificate_that_does_not_verify_is_told_by_its_looks() {
    for (name, is_over, is_self_signed, words, expected) in [
        ("mx.example.org", true, false, "certificate invalid", ResultType::CertificateExpired),
        ("mx.example.org", true, true, "certificate invalid", ResultType::CertificateExpired),
        ("mx.example.org", false, true, "certificate invalid", ResultType::CertificateNotTrusted),
        ("mx.example.org", false, false, "certificate invalid", ResultType::CertificateNotTrusted),
        ("mx.example.net", false, false, "certificate invalid", ResultType::CertificateNotTrusted),
        ("mx.example.net", false, false, "", ResultType::CertificateHostMismatch),
    ] {
        let shown = || certificate(name, is_over, is_self_signed);
        let refused = [GREETED, shown(), gave_up(TLS_FAILURE, &format!("{FAILED}: {words}"))];
        assert_eq!(results(PolicyType::MtaSts, &refused), [failed(expected)], "{name} {is_over} {words}");
    }
    for (name, is_over, is_self_signed, expected) in [
        ("*.example.org", true, false, ResultType::CertificateExpired),
        ("*.example.org", false, true, ResultType::CertificateNotTrusted),
        ("*.example.org", false, false, ResultType::CertificateNotTrusted),
        ("example.org", false, false, ResultType::CertificateHostMismatch),
    ] {
        let shown = || certificate(name, is_over, is_self_signed);
        let testing = [GREETED, shown(), Happening::Encrypted(Proof::Nothing)];
        assert_eq!(results(PolicyType::MtaSts, &testing), [failed(expected)], "{name} {is_over}");
        let in_clear = [GREETED, shown(), GREETED, gave_up(-44, "451")];
        assert_eq!(results(PolicyType::MtaSts, &in_clear), [failed(expected)], "{name} {is_over}");
    }
}

#[test]
fn openssl_tells_nothing_but_the_certificate_and_whether_an_authority_stands_above_it() {
    for (name, is_over, is_self_signed, authority, expected) in [
        ("mx.example.org", true, false, true, ResultType::CertificateExpired),
        ("mx.example.org", true, true, false, ResultType::CertificateExpired),
        ("mx.example.net", false, false, true, ResultType::CertificateHostMismatch),
        // Whom it is for is not even looked at.
        ("mx.example.net", false, false, false, ResultType::CertificateNotTrusted),
        ("mx.example.org", false, false, false, ResultType::CertificateNotTrusted),
        ("mx.example.org", false, true, false, ResultType::CertificateNotTrusted),
        // For another purpose, say.
        ("mx.example.org", false, false, true, ResultType::CertificateNotTrusted),
    ] {
        let refused = gave_up_by_openssl(certificate(name, is_over, is_self_signed));
        let above = authority.then_some(Happening::AuthorityVerified);
        let all: Vec<_> = [GREETED].into_iter().chain(above).chain([refused]).collect();
        assert_eq!(results(PolicyType::MtaSts, &all), [failed(expected)], "{name} {is_over} {authority}");
    }
    let words = "TLS session: (SSL_connect): error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed";
    let unseen = [GREETED, gave_up(TLS_FAILURE, words)];
    assert_eq!(results(PolicyType::MtaSts, &unseen), [failed(ResultType::CertificateNotTrusted)]);
}

#[test]
fn that_our_own_exim_sees_no_tlsa_record_is_no_fault_of_the_host() {
    for words in [
        "TLS session: (gnutls_priority_init(no-usable-TLSA-record) failed at offset 0, \"no-usa..\"): The request is invalid.",
        "TLS session: (SSL_CTX_set_cipher_list): error:0A0000B9:SSL routines::no cipher match",
    ] {
        assert_eq!(results(PolicyType::Dane, &[GREETED, gave_up(TLS_FAILURE, words)]), [], "{words}");
    }
}

#[test]
fn a_session_without_tls_is_counted_once_however_often_it_is_told() {
    let refused = "a TLS session is required, but the server did not offer TLS support";
    let no_starttls = [failed(ResultType::StarttlsNotSupported)];
    assert_eq!(results(PolicyType::MtaSts, &[PLAIN]), no_starttls);
    assert_eq!(results(PolicyType::MtaSts, &[PLAIN, gave_up(TLS_REQUIRED, refused)]), no_starttls);
    assert_eq!(results(PolicyType::MtaSts, &[GREETED, gave_up(TLS_REQUIRED, refused)]), no_starttls);
    let dane = [PLAIN, Happening::DaneFailed(DaneFailure::NoStartTls), gave_up(TLS_REQUIRED, refused)];
    assert_eq!(results(PolicyType::Dane, &dane), no_starttls);
}

#[test]
fn a_failure_of_dane_is_counted_once() {
    for (word, expected) in [
        ("validation-failure", ResultType::ValidationFailure),
        ("dane-required", ResultType::DaneRequired),
        ("dnssec-invalid", ResultType::DnssecInvalid),
    ] {
        let failure = Happening::DaneFailed(DaneFailure::from_word(word).unwrap());
        let all = [GREETED, failure, CLOSED, gave_up(TLS_FAILURE, "TLS session: Verification failed.")];
        assert_eq!(results(PolicyType::None, &all), [failed(expected)], "{word}");
        // We have proven the records: that our own Exim sees none, or cannot prove them, is nobody else's failure.
        let is_ours = expected != ResultType::ValidationFailure;
        let told = if is_ours { vec![] } else { vec![failed(expected)] };
        assert_eq!(results(PolicyType::Dane, &all), told, "{word}");
    }
}

#[test]
fn where_dane_was_answered_nothing_but_dane_counts() {
    for proof in [Proof::Authority, Proof::Nothing] {
        assert_eq!(results(PolicyType::Dane, &[GREETED, Happening::Encrypted(proof)]), [], "{proof:?}");
    }
    // As if there were no TLSA record: it looked for an authority.
    let looked = gave_up(TLS_FAILURE, &format!("{FAILED}: certificate invalid"));
    assert_eq!(results(PolicyType::Dane, &[GREETED, certificate("x.test", true, true), CLOSED, looked]), []);
    // None of the records is usable: any certificate will do.
    let mut unusable = event(PolicyType::Dane, Happening::Encrypted(Proof::Nothing));
    unusable.answered.tls = Tls::Encrypt;
    let outcome = Sessions::default().hear(&unusable, NOW).unwrap();
    assert_eq!((outcome.policy, outcome.ended), (PolicyType::Dane, Ended::Encrypted));
}

/// The results of one session's events in testing, and what is left when time has passed.
fn with_the_rest(happenings: &[Happening]) -> Vec<(Ended, Option<ReasonCode>)> {
    let mut sessions = Sessions::default();
    let told = |outcome: Outcome| (outcome.ended, outcome.code);
    let mut results = Vec::new();
    for happening in happenings {
        results.extend(sessions.hear(&event(PolicyType::MtaSts, happening.clone()), NOW).map(told));
        assert!(sessions.settled(DEFER_FOLLOWS_CLOSE, NOW.plus(DEFER_FOLLOWS_CLOSE - 1)).is_empty());
    }
    let is_waiting = sessions.are_to_settle();
    let rest = sessions.settled(DEFER_FOLLOWS_CLOSE, NOW.plus(DEFER_FOLLOWS_CLOSE));
    assert_eq!(is_waiting, !rest.is_empty());
    assert!(!sessions.are_to_settle() && sessions.settled(0, NOW.plus(9)).is_empty());
    results.extend(rest.into_iter().map(|(_, outcome, at)| {
        assert_eq!(at, NOW);
        told(outcome)
    }));
    results
}

#[test]
fn a_starttls_that_is_refused_counts_unless_the_host_is_given_up() {
    let refused = (failed(ResultType::StarttlsNotSupported), Some(ReasonCode::StarttlsRefused));
    let unsure = Happening::Greeted { offers_starttls: None, helo: None };
    let handshake = (failed(ResultType::ValidationFailure), Some(ReasonCode::TlsHandshake));
    let broken = gave_up(TLS_FAILURE, "TLS session: (gnutls_handshake): Error in the pull function.");
    let wanting = gave_up(TLS_REQUIRED, "a TLS session is required, but an attempt to start TLS failed");
    let shown = || certificate("mx.example.org", true, false);
    for (happenings, expected) in [
        (vec![GREETED, CLOSED], vec![refused]),
        (vec![unsure, CLOSED], vec![(failed(ResultType::StarttlsNotSupported), None)]),
        (vec![GREETED, CLOSED, wanting.clone()], vec![refused]),
        // The host hung up, or deferred the recipient: no matter of TLS.
        (vec![GREETED, CLOSED, gave_up(-44, "451 4.7.1 later")], vec![]),
        (vec![GREETED, CLOSED, gave_up(0, "")], vec![]),
        // A handshake broke, and Exim began again in clear, in both orders: one session.
        (vec![GREETED, CLOSED, broken.clone(), GREETED, CLOSED], vec![handshake]),
        (vec![GREETED, broken.clone(), CLOSED, GREETED, CLOSED], vec![handshake]),
        (vec![GREETED, CLOSED, broken.clone()], vec![handshake]),
        (vec![PLAIN, CLOSED], vec![(failed(ResultType::StarttlsNotSupported), None)]),
        // This machine tries no TLS with that host: what it offers it was not asked for. If a policy demands it, the mail waits.
        (vec![GREETED, AVOIDED], vec![]),
        (vec![GREETED, AVOIDED, GREETED, AVOIDED], vec![]),
        (vec![GREETED, AVOIDED, wanting.clone()], vec![refused]),
        (vec![PLAIN, AVOIDED], vec![(failed(ResultType::StarttlsNotSupported), None)]),
        (vec![GREETED, broken.clone(), AVOIDED, GREETED, AVOIDED], vec![handshake]),
        // Two connections of one process.
        (vec![GREETED, CLOSED, GREETED, CLOSED], vec![refused, refused]),
        // There was TLS, or nobody knows: another process has greeted.
        (
            vec![GREETED, shown(), Happening::Encrypted(Proof::Authority), CLOSED],
            vec![(Ended::Encrypted, None)],
        ),
        (vec![CLOSED], vec![]),
        (vec![GREETED, shown(), CLOSED], vec![]),
        (vec![GREETED, Happening::Closed { had_tls: true, may_be_avoided: false }], vec![]),
    ] {
        assert_eq!(with_the_rest(&happenings), expected, "{happenings:?}");
    }
}

#[test]
fn a_failure_says_what_exactly_failed_and_what_the_host_called_itself() {
    let helo = Helo::parse("mx1.example.org");
    let greeted = Happening::Greeted { offers_starttls: Some(true), helo: helo.clone() };
    let words = format!("{FAILED}: certificate invalid");
    for (shown, refusal, code) in [
        (
            certificate("mx.example.org", false, true),
            gave_up(TLS_FAILURE, &words),
            Some(ReasonCode::SelfSigned),
        ),
        (certificate("mx.example.org", false, false), gave_up(TLS_FAILURE, &words), Some(ReasonCode::Chain)),
        (certificate("mx.example.org", true, false), gave_up(TLS_FAILURE, &words), None),
        (
            certificate("mx.example.org", false, false),
            Happening::DaneFailed(DaneFailure::Validation),
            Some(ReasonCode::DaneNoMatch),
        ),
    ] {
        let mut sessions = Sessions::default();
        let outcomes: Vec<_> = [greeted.clone(), shown, refusal.clone()]
            .into_iter()
            .filter_map(|happening| sessions.hear(&event(PolicyType::MtaSts, happening), NOW))
            .map(|outcome| (outcome.code, outcome.helo))
            .collect();
        assert_eq!(outcomes, [(code, helo.clone())], "{refusal:?}");
    }
}

#[test]
fn a_broken_handshake_is_a_failure_of_no_other_kind() {
    let words = "TLS session: (gnutls_handshake): An unexpected TLS packet was received.";
    let all = [GREETED, gave_up(TLS_FAILURE, words)];
    assert_eq!(results(PolicyType::MtaSts, &all), [failed(ResultType::ValidationFailure)]);
    assert_eq!(results(PolicyType::None, &[GREETED, GREETED]), [failed(ResultType::ValidationFailure)]);
}

#[test]
fn what_is_no_business_of_tls_is_not_counted() {
    for number in [-44, 111, 0, 110] {
        assert_eq!(results(PolicyType::MtaSts, &[gave_up(number, "Connection refused")]), []);
    }
    assert_eq!(results(PolicyType::MtaSts, &[GREETED]), []);
    assert_eq!(results(PolicyType::MtaSts, &[Happening::Greeted { offers_starttls: None, helo: None }]), []);
}

/// What a real Exim reported, word for word, and what is counted of it.
#[test]
fn the_sessions_of_a_real_exim_have_the_results_that_they_had() {
    replayed(include_str!("../../../fixtures/exim/events"), 20);
    replayed(include_str!("../../../fixtures/exim/events-openssl"), 23);
}

fn replayed(recorded: &str, number: usize) {
    let now = recorded.split("at Unix time ").nth(1).unwrap().split('.').next().unwrap();
    let now = UnixTime(now.parse().unwrap());
    let mut sessions = Sessions::default();
    let told = recorded.split("\n== ").skip(1).collect::<Vec<_>>();
    assert_eq!(told.len(), number);
    for session in told {
        let (expected, lines) = session.split_once('\n').unwrap();
        let results: Vec<String> = lines
            .lines()
            .filter_map(|line| match exim::read(line.as_bytes(), true) {
                Frame::Whole(EximRequest::Event(event), _) => sessions.hear(&event, now),
                other => panic!("{line}: {other:?}"),
            })
            .map(|outcome| format!("{} {}", outcome.policy.word(), outcome.ended.word()))
            .collect();
        let results = if results.is_empty() { "nothing".to_owned() } else { results.join(", ") };
        assert_eq!(results, expected.split(" (").next().unwrap(), "{expected}");
    }
}

#[test]
fn another_process_or_a_later_day_is_another_session() {
    let mut sessions = Sessions::default();
    let first = event(PolicyType::MtaSts, GREETED);
    let mut second = first.clone();
    second.session.process += 1;
    assert_eq!(sessions.hear(&first, NOW), None);
    assert_eq!(sessions.hear(&second, NOW), None);
    // The last moment of one session; a second later it would be another one.
    assert!(sessions.hear(&second, NOW.plus(600)).is_some());
    assert_eq!(sessions.hear(&first, NOW.plus(601)), None);
    assert!(sessions.hear(&first, NOW.plus(601)).is_some());
}

#[test]
fn only_so_many_are_followed_and_the_oldest_is_forgotten() {
    let mut sessions = Sessions::default();
    let mut one = event(PolicyType::MtaSts, GREETED);
    for process in 0..=u32::try_from(MAX_SESSIONS_FOLLOWED).unwrap() {
        one.session.process = process;
        assert_eq!(sessions.hear(&one, NOW.plus(u64::from(process.min(1)))), None);
    }
    assert_eq!(sessions.len(), MAX_SESSIONS_FOLLOWED);
    one.session.process = 0;
    assert_eq!(sessions.hear(&one, NOW.plus(60)), None, "the first was not forgotten");
}
