//! What became of a session, put together from the moments that Exim reported. Pure.
//!
//! Exim says that a certificate did not verify in one event and shows the certificate in an earlier one; it says in
//! several events that there was no STARTTLS; and where TLS fails and nothing demands it, it says nothing, and begins
//! again in clear. So the sessions under way are remembered for a while. Each has one result at most.

use super::event::{Answered, DaneFailure, Event, Happening, Proof, Session};
use crate::certificate::{Certificate, Says};
use crate::limits::{MAX_SESSIONS_FOLLOWED, SESSION_FOLLOWED};
use crate::name::MxHost;
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType};
use crate::time::UnixTime;
use std::collections::HashMap;

/// Exim's number for a TLS session that failed (macros.h, `ERRNO_TLSFAILURE`).
const TLS_FAILURE: i32 = -37;
/// Exim's number for TLS that was demanded and not had (macros.h, `ERRNO_TLSREQUIRED`).
const TLS_REQUIRED: i32 = -38;
/// What Exim says first about a certificate that it does not believe, linked with GnuTLS; what follows says why, for some
/// reasons.
const NOT_VERIFIED: &str = "certificate verification failed";
/// What follows if it is not even looked whom the certificate is for.
const INVALID: &str = "certificate invalid";
/// The same linked with OpenSSL, whatever the reason; OpenSSL's own words, of all its versions.
const NOT_VERIFIED_BY_OPENSSL: &str = "certificate verify failed";
/// What a cipher that does not exist leads to, linked with GnuTLS and with OpenSSL: our transport asks for one where the answer
/// is DANE and Exim sees no TLSA record. The host never heard of it.
const NO_CIPHER: [&str; 2] = ["(gnutls_priority_init(no-usable-TLSA-record)", "(SSL_CTX_set_cipher_list)"];

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// Under TLS, as far as the policy demands it.
    Encrypted,
    /// Without what the policy demands.
    Failed(ResultType),
}

impl Ended {
    /// The word, as every output and the file spell it: the RFC's for a failure.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "success",
            Self::Failed(result) => result.word(),
        }
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == Self::Encrypted.word() {
            return Some(Self::Encrypted);
        }
        ResultType::from_word(word).map(Self::Failed)
    }
}

/// A session at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which mechanism it is to be reported under.
    pub policy: PolicyType,
    /// How it ended.
    pub ended: Ended,
}

/// The sessions under way.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<Session, State>);

/// How far one has come.
#[derive(Debug)]
struct State {
    since: UnixTime,
    answered: Answered,
    step: Step,
    /// What the host's certificate looks like, if it showed one.
    certificate: Option<Looks>,
    /// Whether an authority's certificate above it is known to have verified.
    authority_verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It has its result.
    Counted,
    /// Greeted in clear, and STARTTLS was offered, or may have been.
    Greeted,
}

/// A certificate at first sight, without a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    is_over: bool,
    is_self_signed: bool,
    is_for_host: bool,
}

impl Sessions {
    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hears what happened; the result, if a session has one now.
    pub fn hear(&mut self, event: &Event, now: UnixTime) -> Option<Outcome> {
        let Event { session, answered, happening } = event;
        let before = self.0.remove(session).filter(|state| now.since(state.since) <= SESSION_FOLLOWED);
        let certificate = before.as_ref().and_then(|state| state.certificate);
        let authority_verified = before.as_ref().is_some_and(|state| state.authority_verified);
        let state = |step, certificate| State {
            since: now,
            answered: *answered,
            step,
            certificate,
            authority_verified,
        };
        let is_counted = before.as_ref().is_some_and(|state| state.step == Step::Counted);
        match happening {
            Happening::Greeted { offers_starttls } => {
                let given_up = before.filter(|state| state.step == Step::Greeted);
                let (step, result) = match (given_up, offers_starttls) {
                    // Greeted a second time: TLS had failed, and Exim goes on in clear.
                    (Some(given_up), _) => {
                        let failed =
                            failed(given_up.certificate.map_or(ResultType::ValidationFailure, Looks::fault));
                        (Step::Counted, Some(Outcome { policy: given_up.answered.policy, ended: failed }))
                    }
                    (None, Some(false)) if !is_counted => {
                        let ended = failed(ResultType::StarttlsNotSupported);
                        (Step::Counted, Some(Outcome { policy: answered.policy, ended }))
                    }
                    (None, _) if is_counted => (Step::Counted, None),
                    (None, _) => (Step::Greeted, None),
                };
                self.follow(session, State { authority_verified: false, ..state(step, None) }, now);
                result
            }
            Happening::Showed(der) => {
                let looks = Looks::at(der, &session.host, now);
                let step = if is_counted { Step::Counted } else { Step::Greeted };
                self.follow(session, state(step, looks), now);
                None
            }
            Happening::AuthorityVerified => {
                let step = if is_counted { Step::Counted } else { Step::Greeted };
                self.follow(session, State { authority_verified: true, ..state(step, certificate) }, now);
                None
            }
            Happening::Encrypted(proof) => Some(encrypted(*proof, *answered, certificate)),
            Happening::DaneFailed(failure) => {
                self.follow(session, state(Step::Counted, certificate), now);
                let ended = failed(match failure {
                    DaneFailure::Required => ResultType::DaneRequired,
                    DaneFailure::DnssecInvalid => ResultType::DnssecInvalid,
                    DaneFailure::NoStartTls => ResultType::StarttlsNotSupported,
                    DaneFailure::Validation => ResultType::ValidationFailure,
                });
                (!is_counted).then_some(Outcome { policy: PolicyType::Dane, ended })
            }
            Happening::GaveUp { words, .. } if NO_CIPHER.iter().any(|no| words.contains(no)) => None,
            Happening::GaveUp { number, words, certificate: last } => {
                let last = last.as_deref().and_then(|der| Looks::at(der, &session.host, now));
                let ended = failed(match *number {
                    TLS_FAILURE if words.contains(NOT_VERIFIED_BY_OPENSSL) => {
                        refused_by_openssl(last.or(certificate), authority_verified)
                    }
                    TLS_FAILURE => refused(words, certificate.or(last)),
                    TLS_REQUIRED => ResultType::StarttlsNotSupported,
                    _ => return None,
                });
                (!is_counted).then_some(Outcome { policy: answered.policy, ended })
            }
        }
    }

    /// Remembers a session; for a new one that has no room, the oldest is forgotten.
    fn follow(&mut self, session: &Session, state: State, now: UnixTime) {
        if self.0.len() >= MAX_SESSIONS_FOLLOWED {
            self.0.retain(|_, state| now.since(state.since) <= SESSION_FOLLOWED);
        }
        if self.0.len() >= MAX_SESSIONS_FOLLOWED {
            let oldest =
                self.0.iter().min_by_key(|(_, state)| state.since).map(|(session, _)| session.clone());
            if let Some(oldest) = oldest {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(session.clone(), state);
    }
}

const fn failed(result: ResultType) -> Ended {
    Ended::Failed(result)
}

/// A session under TLS. A certificate that proves nothing is a failure where a policy asks for one, also if it only asks
/// for reports.
fn encrypted(proof: Proof, answered: Answered, certificate: Option<Looks>) -> Outcome {
    let asks =
        matches!(answered.policy, PolicyType::MtaSts | PolicyType::SmtpSts) && answered.mode != Mode::None;
    match proof {
        Proof::Dane => Outcome { policy: PolicyType::Dane, ended: Ended::Encrypted },
        Proof::Nothing if asks => {
            let fault = certificate.map_or(ResultType::CertificateNotTrusted, Looks::fault);
            Outcome { policy: answered.policy, ended: failed(fault) }
        }
        Proof::Authority | Proof::Nothing => Outcome { policy: answered.policy, ended: Ended::Encrypted },
    }
}

/// Why OpenSSL refused a certificate: it looks at the chain from the top, at dates on the way, and at the name last.
fn refused_by_openssl(certificate: Option<Looks>, authority_verified: bool) -> ResultType {
    match certificate {
        Some(looks) if looks.is_over || authority_verified => looks.fault(),
        Some(_) | None => ResultType::CertificateNotTrusted,
    }
}

/// Why Exim refused TLS, linked with GnuTLS. Its words tell a name that is wrong from everything else; the certificate tells its end.
fn refused(words: &str, certificate: Option<Looks>) -> ResultType {
    match (words.contains(NOT_VERIFIED), words.contains(INVALID), certificate) {
        (true, true, Some(looks)) if !looks.is_over => ResultType::CertificateNotTrusted,
        (true, true, None) => ResultType::CertificateNotTrusted,
        (true, _, Some(looks)) => looks.fault(),
        (true, false, None) => ResultType::CertificateHostMismatch,
        (false, ..) => ResultType::ValidationFailure,
    }
}

impl Looks {
    fn at(der: &[u8], host: &MxHost, now: UnixTime) -> Option<Self> {
        let says: Says = Certificate::read(der).says?;
        Some(Self {
            is_over: says.counts_at(now).is_err(),
            is_self_signed: says.subject == says.issuer,
            is_for_host: says.is_for(std::slice::from_ref(host)),
        })
    }

    /// What is most likely wrong with a certificate that did not verify.
    const fn fault(self) -> ResultType {
        match self {
            Self { is_over: true, .. } => ResultType::CertificateExpired,
            Self { is_self_signed: false, is_for_host: false, .. } => ResultType::CertificateHostMismatch,
            Self { .. } => ResultType::CertificateNotTrusted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PolicyDomain;
    use crate::serve::protocol::Frame;
    use crate::serve::protocol::exim::{self, Request};
    use crate::verdict::Tls;
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

    /// In the middle of January 2027.
    const NOW: UnixTime = UnixTime(1_800_000_000);

    const GREETED: Happening = Happening::Greeted { offers_starttls: Some(true) };
    const PLAIN: Happening = Happening::Greeted { offers_starttls: Some(false) };

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
            answered: Answered { policy, mode: Mode::Enforce, tls },
            happening,
        }
    }

    /// The results of one session's events.
    fn results(policy: PolicyType, happenings: &[Happening]) -> Vec<Ended> {
        let mut sessions = Sessions::default();
        let heard =
            |one: &Happening| sessions.hear(&event(policy, one.clone()), NOW).map(|result| result.ended);
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
            let (authority, its_key) =
                (CertificateParams::new(vec![]).unwrap(), KeyPair::generate().unwrap());
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

    const FAILED: &str = "TLS session: (certificate verification failed)";

    #[test]
    fn a_session_under_tls_is_a_success_once() {
        for (policy, proof) in [
            (PolicyType::MtaSts, Proof::Authority),
            (PolicyType::SmtpSts, Proof::Authority),
            (PolicyType::MtaSts, Proof::Dane),
            (PolicyType::None, Proof::Nothing),
            (PolicyType::Dane, Proof::Nothing), // tls=encrypt: none of its records is usable
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
            let all = [GREETED, failure, gave_up(TLS_FAILURE, "TLS session: Verification failed.")];
            assert_eq!(results(PolicyType::Dane, &all), [failed(expected)], "{word}");
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
        assert_eq!(results(PolicyType::MtaSts, &[Happening::Greeted { offers_starttls: None }]), []);
    }

    /// What a real Exim reported, word for word, and what is counted of it.
    #[test]
    fn the_sessions_of_a_real_exim_have_the_results_that_they_had() {
        replayed(include_str!("../../fixtures/exim/events"), 20);
        replayed(include_str!("../../fixtures/exim/events-openssl"), 23);
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
                    Frame::Whole(Request::Event(event), _) => sessions.hear(&event, now),
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
        assert_eq!(sessions.hear(&first, NOW.plus(SESSION_FOLLOWED + 1)), None);
        assert!(sessions.hear(&first, NOW.plus(SESSION_FOLLOWED + 1)).is_some());
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
}
