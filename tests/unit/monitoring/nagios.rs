//! The line for Nagios and Icinga.

use super::scene::*;
use proptest::prelude::*;
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::monitoring::Outcome;
use smtp_sts_verify::monitoring::nagios::{self, State, Thresholds};
use smtp_sts_verify::probe::consequence::Action;
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use smtp_sts_verify::probe::report::{AddressProbe, DomainProbe, Reach};
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::verdict::Verdict;

#[test]
fn a_domain_that_is_fine_is_told_in_a_line_with_its_figures() {
    let (state, line) = line(&[healthy("example.org")]);
    assert_eq!(state, State::Ok);
    shows("nagios-ok", &line);
}

#[test]
fn what_is_wrong_comes_first_and_alone() {
    let (state, line) = line(&[refused("example.org")]);
    assert_eq!(state, State::Critical);
    shows("nagios-critical", &line);
}

#[test]
fn of_several_domains_the_worst_is_told_first() {
    let late = {
        let mut late = healthy("late.example");
        late.hosts[0] = host("mx1.late.example", vec![well("192.0.2.1:25", 20)]);
        late
    };
    let (state, line) = line(&[healthy("example.org"), late, refused("refused.example")]);
    assert_eq!(state, State::Critical);
    shows("nagios-several", &line);
}

#[test]
fn several_domains_that_are_fine_are_told_together() {
    let (state, line) = line(&[healthy("example.org"), healthy("example.net")]);
    assert_eq!(state, State::Ok);
    assert!(
        line.starts_with("SMTP-STS OK - 2 domains: mail is taken, nothing ends soon | 'example.org_"),
        "{line}"
    );
}

#[test]
fn each_outcome_has_its_state() {
    let silence = || failing("192.0.2.9:25", Stage::Connect, FailureKind::TimedOut, Action::Wait);
    let no_route = || failing("[2001:db8::9]:25", Stage::Connect, FailureKind::NoRoute, Action::Wait);
    let in_clear = || failing("192.0.2.9:25", Stage::Ehlo, FailureKind::NotOffered, Action::DeliverInClear);
    let no_tls = || failing("192.0.2.9:25", Stage::Ehlo, FailureKind::NotOffered, Action::NotToThisHost);
    let declined = || failing("192.0.2.9:25", Stage::Greeting, FailureKind::Declined, Action::Wait);
    let good = || well("192.0.2.1:25", 90);
    let unseen =
        || failing("192.0.2.9:25", Stage::Handshake, FailureKind::NoCommonTls, Action::CannotBeLookedAt);
    let of_alias = || {
        let mut probe = probe("example.org", Reason::DaneUsable, vec![host("mx.example.org", vec![good()])]);
        probe.hosts[0].is_dane_of_alias = true;
        probe
    };
    let named =
        |reason, addresses: Vec<_>| probe("example.org", reason, vec![host("mx.example.org", addresses)]);
    for (probe, state, words) in [
        (named(Reason::NoPolicy, vec![good()]), State::Ok, "mail is taken by 1 of 1 MX hosts"),
        (named(Reason::NoPolicy, vec![good(), no_route()]), State::Ok, "mail is taken by 1 of 1 MX hosts"),
        (
            named(Reason::NoPolicy, vec![good(), silence()]),
            State::Warning,
            "mx.example.org 192.0.2.9 timed-out",
        ),
        (
            named(Reason::PolicyMet, vec![good(), no_tls()]),
            State::Warning,
            "mx.example.org 192.0.2.9 no-starttls",
        ),
        (named(Reason::NoPolicy, vec![in_clear()]), State::Warning, "in clear text, without STARTTLS"),
        (named(Reason::PolicyMet, vec![no_tls()]), State::Critical, "an enforcing sender would not deliver"),
        (named(Reason::PolicyMet, vec![no_tls(), silence()]), State::Critical, "would not deliver"),
        (named(Reason::PolicyMet, vec![declined()]), State::Critical, "would not deliver"),
        (named(Reason::NoPolicy, vec![unseen()]), State::Unknown, "cannot be looked at from here"),
        (named(Reason::PolicyMet, vec![unseen()]), State::Unknown, "mx.example.org 192.0.2.9 no-common-tls"),
        (named(Reason::NoPolicy, vec![unseen(), good()]), State::Unknown, "cannot be looked at from here"),
        (named(Reason::PolicyMet, vec![unseen(), no_tls(), good()]), State::Warning, "no-starttls"),
        (of_alias(), State::Warning, "mx.example.org tlsa-at-alias-alone"),
        (named(Reason::NoPolicy, vec![silence()]), State::Unknown, "no MX host could be asked"),
        (named(Reason::NoPolicy, vec![no_route()]), State::Unknown, "mx.example.org 2001:db8::9 no-route"),
        (named(Reason::NoPolicy, vec![]), State::Unknown, "mx.example.org no-address"),
        (probe("example.org", Reason::NullMx, vec![]), State::Critical, "takes no mail (null MX)"),
        (probe("example.org", Reason::DnssecBogus, vec![]), State::Critical, "dnssec-bogus"),
        (probe("example.org", Reason::DnsUnreachable, vec![]), State::Unknown, "dns-unreachable"),
        (probe("example.org", Reason::DnssecStripped, vec![]), State::Unknown, "dnssec-stripped"),
    ] {
        let (found, line) = line(&[probe]);
        assert_eq!((found, line.contains(words)), (state, true), "{line}");
        assert!(line.starts_with(&format!("SMTP-STS {} - ", state.word())), "{line}");
    }
}

#[test]
fn the_exit_status_is_the_state() {
    let codes = [State::Ok, State::Warning, State::Critical, State::Unknown].map(State::code);
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn a_certificate_is_reported_before_it_ends() {
    let with = |days| {
        let hosts = vec![host("mx.example.org", vec![well("192.0.2.1:25", 90), well("192.0.2.2:25", days)])];
        line(&[probe("example.org", Reason::NoPolicy, hosts)])
    };
    for (days, state, words) in [
        (21, State::Ok, "the certificate of mx.example.org ends in 21 days"),
        (20, State::Warning, "ends in 20 days"),
        (7, State::Warning, "ends in 7 days"),
        (6, State::Critical, "ends in 6 days"),
        (1, State::Critical, "ends in 24 hours"),
        (-3, State::Critical, "ended 3 days ago"),
    ] {
        let (found, line) = with(days);
        assert_eq!((found, line.contains(words)), (state, true), "{line}");
        assert!(line.contains(&format!("'certificate'={}s;1814400:;604800:", days * 86_400)), "{line}");
    }
}

#[test]
fn nobody_is_told_of_the_end_of_a_certificate_that_dane_ee_alone_vouches_for() {
    let matched = [Fate::Matched { at: Some(0) }];
    let state = |host| line(&[probe("example.org", Reason::DaneUsable, vec![host])]).0;
    let ends_in = |days| host("mx.example.org", vec![self_signed(well("192.0.2.1:25", days))]);
    let alone = || ends_in(-400);
    assert_eq!(state(with_tlsa(alone(), 3, &matched)), State::Ok);
    assert_eq!(state(with_tlsa(ends_in(3), 3, &matched)), State::Ok);
    // The dates of a trust anchor's chain count, and those that a sender without DANE looks at.
    assert_eq!(state(with_tlsa(alone(), 2, &matched)), State::Critical);
    let vouched_for = host("mx.example.org", vec![well("192.0.2.1:25", 3)]);
    assert_eq!(state(with_tlsa(vouched_for, 3, &matched)), State::Critical);
}

#[test]
fn a_policy_is_reported_when_it_runs_out_and_not_because_it_is_short() {
    let state = |life, fetched| line(&[under_policy(healthy("example.org"), life, fetched)]).0;
    for (life, fetched, expected) in [
        (1, 0, State::Ok),
        (7, 0, State::Ok),
        (7, 5, State::Ok),
        (7, 6, State::Warning),
        (28, 21, State::Ok),
        (28, 22, State::Warning),
        (28, 25, State::Critical),
        (300, 278, State::Ok),
        (300, 280, State::Warning),
        (300, 294, State::Critical),
        (28, 30, State::Critical),
    ] {
        assert_eq!(state(life, fetched), expected, "{life} days, fetched {fetched} days ago");
    }
}

#[test]
fn a_warning_comes_before_what_it_warns_of() {
    assert!(Thresholds::days(7, 21).is_err());
    assert!(Thresholds::days(7, 7).is_ok());
}

#[test]
fn two_thousand_domains_in_trouble_are_a_line_of_four_kibibytes() {
    let probes: Vec<DomainProbe> =
        (0..2_000).map(|n| refused(&format!("a-rather-long-name-{n}.example.org"))).collect();
    let (state, line) = line(&probes);
    assert_eq!(state, State::Critical);
    assert!(line.len() < 4_096 && line.contains("; and 19"), "{line}");
    assert_is_one_line(&line);
}

fn assert_is_one_line(line: &str) {
    assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
    assert!(line.matches('|').count() <= 1 && line.len() < 4_096, "{line}");
    let (words, figures) = line.split_once('|').unwrap_or((line, ""));
    for part in words.split("; ") {
        assert!(!part.contains(['\'', '"', '`', '$', '<', '>', ';']), "{part}: {line}");
    }
    for datum in figures.split_ascii_whitespace() {
        let (label, value) = datum.split_once('=').expect(datum);
        assert!(label.starts_with('\'') && label.ends_with('\'') && label.len() > 2, "{datum}");
        assert!(!label[1..label.len() - 1].contains(['\'', '=']), "{datum}");
        let parts: Vec<&str> = value.split(';').collect();
        assert!((1..=5).contains(&parts.len()), "{datum}");
        let number = parts[0].strip_suffix('s').unwrap_or(parts[0]);
        assert!(number.parse::<f64>().is_ok(), "{datum}");
    }
}

/// The exit code and the JSON of a probe and what monitoring says of it come from the same facts.
#[test]
fn the_outcome_and_the_reach_of_a_probe_agree() {
    let silence = || failing("192.0.2.9:25", Stage::Connect, FailureKind::TimedOut, Action::Wait);
    let no_route = || failing("[2001:db8::9]:25", Stage::Connect, FailureKind::NoRoute, Action::Wait);
    let no_tls = || failing("192.0.2.9:25", Stage::Starttls, FailureKind::NotOffered, Action::NotToThisHost);
    let quiet = || failing("192.0.2.9:25", Stage::Greeting, FailureKind::TimedOut, Action::Wait);
    let good = || well("192.0.2.1:25", 90);
    let unseen =
        || failing("192.0.2.9:25", Stage::Handshake, FailureKind::NoCommonTls, Action::CannotBeLookedAt);
    let kinds: [&dyn Fn() -> AddressProbe; 6] = [&silence, &no_route, &no_tls, &quiet, &unseen, &good];
    for first in kinds {
        for second in kinds {
            for third in kinds {
                let hosts = vec![
                    host("a.example.org", vec![first(), second()]),
                    host("b.example.org", vec![third()]),
                ];
                let mut probe = probe("example.org", Reason::NoPolicy, hosts);
                probe.verification.judgement.verdict = Verdict::Deliver;
                let (outcome, reach) = (Outcome::of(&probe), probe.reach());
                let agree = match reach {
                    Reach::Every => outcome == Outcome::Deliverable,
                    Reach::NoHost => outcome == Outcome::NoMail,
                    Reach::NoUsableMx => false,
                    // What one host lacks is seen all the same.
                    Reach::Some => {
                        matches!(outcome, Outcome::Partly | Outcome::Refused | Outcome::CannotBeLookedAt)
                    }
                    Reach::CannotBeLookedAt => {
                        matches!(outcome, Outcome::CannotBeLookedAt | Outcome::Partly)
                    }
                    Reach::Unknown => matches!(outcome, Outcome::Unknown | Outcome::Partly),
                };
                assert!(agree, "{reach:?} {outcome:?}: {probe:?}");
            }
        }
    }
}

/// The same probe with this text in every field that a stranger fills.
pub(crate) fn with_strangers_text(mut probe: DomainProbe, text: &str) -> DomainProbe {
    probe.verification.record = Some(text.to_owned());
    probe.verification.notes = vec![text.to_owned()];
    for host in &mut probe.hosts {
        for record in &mut host.tlsa {
            record.text = text.to_owned();
        }
        for address in host.addresses.iter_mut().flatten() {
            let sighting = &mut address.sighting;
            if let Some(failure) = &mut sighting.failure {
                failure.why = text.to_owned();
            }
            sighting.tlsa.iter_mut().for_each(|fate| *fate = Fate::Unverified(text.to_owned()));
            if let Some(chain) = &mut sighting.chain {
                if let Err(distrusted) = &mut chain.webpki {
                    distrusted.why = text.to_owned();
                }
                for certificate in &mut chain.certificates {
                    let says = certificate.says.as_mut().unwrap();
                    says.subject = text.to_owned();
                    says.issuer = text.to_owned();
                    says.names = vec![text.to_owned()];
                }
            }
        }
    }
    probe
}

proptest! {
    #[test]
    fn no_text_of_a_stranger_changes_the_line(text in "\\PC*|[|'\"\\n\\r;=`$<> ]{1,40}|(a\\| b=1;2;3;4\\n){1,200}") {
        for probe in [refused("example.org"), healthy("example.org")] {
            let (plain, strange) = (with_strangers_text(probe.clone(), "plain"), with_strangers_text(probe, &text));
            let told = line(std::slice::from_ref(&strange));
            prop_assert_eq!(&told, &line(&[plain]));
            assert_is_one_line(&told.1);
        }
    }

    #[test]
    fn whatever_keeps_the_question_from_being_asked_is_one_line(text in "\\PC*|[|'\"\\n\\r;=`$<> \\x00-\\x1f]{1,40}|x{5000}") {
        let (state, line) = nagios::unknown(&text);
        prop_assert_eq!(state, State::Unknown);
        let line = line.strip_suffix('\n').unwrap();
        prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)) && line.len() < 4_096, "{}", line);
        prop_assert!(!line.contains(['|', '\'', '"', '`', '$', '<', '>', ';', '&']), "{}", line);
    }
}
