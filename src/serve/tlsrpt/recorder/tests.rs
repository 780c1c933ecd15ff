use super::*;
use crate::cache::{CachePath, Circumstances, Memory as _};
use crate::dane::set::TlsaSet;
use crate::name::MxHost;
use crate::policy::result::ReportedFailure;
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
use crate::reports::event::{Happening, Proof};
use crate::verdict::Tls;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn cache(directory: &TempDir) -> Cache {
    let circumstances = Circumstances::default();
    let path = CachePath::parse(&directory.path().join("cache.db")).unwrap();
    Cache::new(path, &circumstances, 1_000, NOW)
}

fn keep(cache: &Cache, mode: &str) {
    let text =
        format!("v=STSv1; id=1\nversion: STSv1\r\nmode: {mode}\r\nmx: *.example.org\r\nmax_age: 86400\r\n");
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    let domain = PolicyDomain::parse("example.org").unwrap();
    let stored = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, NOW, NOW.plus(86_400));
    cache.keep(&stored).unwrap();
}

fn answered(mode: Mode) -> Answered {
    Answered { policy: PolicyType::MtaSts, mode, tls: Tls::WebPki, mark: Mark::of(mode.word()) }
}

fn encrypted(host: &str) -> Event {
    Event {
        session: Session {
            process: 1,
            domain: PolicyDomain::parse("example.org").unwrap(),
            host: MxHost::from_text(host).unwrap(),
            address: "192.0.2.25".parse().unwrap(),
            from: None,
        },
        answered: answered(Mode::Enforce),
        happening: Happening::Encrypted(Proof::Authority),
    }
}

fn counted(counts: &mut SessionCounts) -> Vec<(String, String, &'static str, u64)> {
    let shown = |(row, number): (Row, u64)| {
        let host = row.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
        let text = row.policy.text.as_str().unwrap_or_default().to_owned();
        (host, text, row.ended.word(), number)
    };
    counts.tally.take().into_iter().map(shown).collect()
}

#[test]
fn sessions_are_counted_under_the_policy_that_is_remembered() {
    let directory = TempDir::new().unwrap();
    let cache = cache(&directory);
    let mut counts = SessionCounts::default();
    counts.count(
        Observation::Event(Box::new(encrypted("mx.example.org"))),
        &cache,
        &Counters::default(),
        NOW,
    );
    assert_eq!(counted(&mut counts), [("mx.example.org".into(), String::new(), "success", 1)]);
    keep(&cache, "enforce");
    counts.count(
        Observation::Event(Box::new(encrypted("mx.example.org"))),
        &cache,
        &Counters::default(),
        NOW,
    );
    let counted = counted(&mut counts);
    assert!(counted[0].1.contains("mx: *.example.org") && counted.len() == 1, "{counted:?}");
}

#[test]
fn a_host_that_a_policy_in_testing_does_not_permit_is_a_failure_although_it_was_verified() {
    let directory = TempDir::new().unwrap();
    let cache = cache(&directory);
    keep(&cache, "testing");
    let mut counts = SessionCounts::default();
    for host in ["mx.example.org", "mx.example.net"] {
        let event = Event { answered: answered(Mode::Testing), ..encrypted(host) };
        counts.count(Observation::Event(Box::new(event)), &cache, &Counters::default(), NOW);
    }
    let words: Vec<_> = counted(&mut counts).into_iter().map(|(host, _, word, _)| (host, word)).collect();
    let expected = [("mx.example.net", "validation-failure"), ("mx.example.org", "success")];
    assert_eq!(words, expected.map(|(host, word)| (host.to_owned(), word)));
}

#[test]
fn faults_of_a_look_up_are_counted_with_their_host_if_they_have_one() {
    let directory = TempDir::new().unwrap();
    let cache = cache(&directory);
    let mut counts = SessionCounts::default();
    let domain = PolicyDomain::parse("example.org").unwrap();
    let fault = |about, host: Option<&str>, result: ResultType| Fault {
        about,
        mode: Mode::None,
        host: host.map(|host| MxHost::from_text(host).unwrap()),
        failure: ReportedFailure::from(result),
    };
    let faults = vec![
        fault(PolicyType::MtaSts, None, ResultType::StsWebpkiInvalid),
        fault(PolicyType::Dane, Some("mx.example.org"), ResultType::DnssecInvalid),
    ];
    counts.count(
        Observation::Faults(domain, faults, AppliedPolicies::default()),
        &cache,
        &Counters::default(),
        NOW,
    );
    let words: Vec<_> = counts
        .tally
        .take()
        .into_iter()
        .map(|(row, _)| {
            let host = row.host.as_ref().map_or("-", MxHost::as_str).to_owned();
            let base = row.policy.base.map_or_else(String::new, |base| base.to_string());
            (row.policy.kind.word(), host, base, row.ended.word())
        })
        .collect();
    let host = || "mx.example.org".to_owned();
    let expected = [
        ("mta-sts", "-".to_owned(), String::new(), "sts-webpki-invalid"),
        ("dane", host(), host(), "dnssec-invalid"),
    ];
    assert_eq!(words.len(), 2);
    assert!(expected.iter().all(|one| words.contains(one)), "{words:?}");
}

#[test]
fn a_session_is_counted_under_what_was_applied_and_not_under_what_the_cache_has_later() {
    let directory = TempDir::new().unwrap();
    let cache = cache(&directory);
    let mut counts = SessionCounts::default();
    let domain = PolicyDomain::parse("example.org").unwrap();
    let host = MxHost::from_text("mx.example.org").unwrap();
    let text = "v=STSv1; id=old\nversion: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 86400\r\n";
    let set = TlsaSet {
        base: MxHost::from_text("end.example.net").unwrap(),
        records: Some(vec!["3 1 1 AA".into(), "3 1 1 BB".into()]),
    };
    let policies =
        AppliedPolicies::new(Some((PolicyType::MtaSts, Mode::Enforce, text)), &[(host.clone(), set)]);
    let Answered { mark, .. } = answered(Mode::Enforce);
    locked(&counts.given).given(&domain, mark, policies);
    keep(&cache, "enforce");
    let dane = Event { happening: Happening::Encrypted(Proof::Dane), ..encrypted("mx.example.org") };
    for event in [encrypted("mx.example.org"), dane] {
        counts.count(Observation::Event(Box::new(event)), &cache, &Counters::default(), NOW);
    }
    let rows: Vec<_> = counts.tally.take().into_iter().map(|(row, _)| row.policy).collect();
    let of = |kind| rows.iter().find(|policy| policy.kind == kind).unwrap();
    assert_eq!(of(PolicyType::MtaSts).text.as_str(), Some(text));
    let dane = of(PolicyType::Dane);
    assert_eq!(dane.text.as_str(), Some("3 1 1 AA\n3 1 1 BB\n"));
    assert_eq!(dane.base.as_ref().map(MxHost::as_str), Some("end.example.net"));
}

#[test]
fn a_session_counts_for_the_day_on_which_it_ended() {
    let directory = TempDir::new().unwrap();
    let cache = cache(&directory);
    let mut counts = SessionCounts::default();
    let midnight = UnixTime((NOW.0 / 86_400 + 1) * 86_400);
    let (before, after) = (UnixTime(midnight.0 - 2), midnight.plus(1));
    let event = |process, happening| {
        let mut event = Event { happening, ..encrypted("mx.example.org") };
        event.session.process = process;
        Observation::Event(Box::new(event))
    };
    let greeted = || Happening::Greeted { offers_starttls: Some(true), helo: None };
    // Under TLS after midnight; refused before it, which is certain only later.
    counts.count(event(1, greeted()), &cache, &Counters::default(), before);
    counts.count(event(1, Happening::Encrypted(Proof::Authority)), &cache, &Counters::default(), after);
    counts.count(event(2, greeted()), &cache, &Counters::default(), before);
    counts.count(
        event(2, Happening::Closed { had_tls: false, may_be_avoided: false }),
        &cache,
        &Counters::default(),
        before,
    );
    counts.settle(0, &cache, &Counters::default(), after);
    let days: Vec<_> = counts.tally.take().into_iter().map(|(row, _)| (row.day, row.ended.word())).collect();
    let expected = [(Day::of(before), "starttls-not-supported"), (Day::of(after), "success")];
    assert_eq!(days, expected);
    assert_ne!(Day::of(before), Day::of(after));
}
