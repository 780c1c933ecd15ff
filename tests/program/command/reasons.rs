//! Every reason of the closed list, provoked from outside, and each in a line that Exim can keep.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::zone::Health;
use crate::support::program::{Program, Told, told};
use smtp_sts_verify::reason::Reason;

/// The answer of the program in a world where that reason is the right one; `None` for a mistake of ours, which nobody outside can
/// bring about (`cli::panic` has a test of its own).
fn provoked(reason: Reason) -> Option<Told> {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let delivery = |domain: &str| program.delivery(&format!("{domain}.test"), &format!("mx.{domain}.test"));
    let enforced = |host: &str| {
        assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("verdict"), "deliver");
        program.delivery("enforced.test", host)
    };
    Some(match reason {
        Reason::AddressLiteral => program.delivery("[192.0.2.1]", "mx1.enforced.test"),
        Reason::BadDomain => program.delivery("no domain", "mx1.enforced.test"),
        Reason::BadHost => program.delivery("enforced.test", "no host"),
        Reason::ClockSuspect => {
            lab.set_health(".", Health::Expired);
            delivery("none")
        }
        Reason::Configuration => {
            Program::new(&lab).with(["--config", "/nonexistent"]).without_configuration().route("none.test")
        }
        Reason::Deadline => Program::new(&lab).with(["--deadline", "1"]).route("silent.test"),
        Reason::DnsUnreachable => {
            lab.behave(Scope::name("_smtp_sts.none.test"), Manner::Servfail);
            delivery("none")
        }
        Reason::DnssecBogus => delivery("bogus"),
        Reason::DnssecStripped => {
            lab.behave(Scope::Everything, Manner::Stripped);
            delivery("none")
        }
        Reason::FirstUse => delivery("first"),
        Reason::DaneUnusable => delivery("dane-unusable"),
        Reason::DaneUsable => program.delivery("dane.test", "mx1.dane.test"),
        Reason::Internal => return None,
        Reason::ModeNone => delivery("sts-none"),
        Reason::OutOfResources => told(program.run_under("ulimit -n 9", ["-d", "sts.test"]), true),
        Reason::Override => Program::new(&lab)
            .with_configuration(lab.configuration())
            .delivery("waived.test", "mx.hosting.test"),
        Reason::PolicyNotFetched => delivery("sts-missing"),
        Reason::TlsaBogus => delivery("dane-bogus"),
        Reason::TlsaRequired => {
            assert_eq!(program.route("tlsa.test").get("verdict"), "deliver");
            program.delivery("tlsa.test", "mx2.tlsa.test")
        }
        Reason::TlsaUnreachable => delivery("dane-failing"),
        Reason::MxNotInDns => enforced("mx9.enforced.test"),
        Reason::MxNotInPolicy => enforced("mx.hosting.test"),
        Reason::NeverApplied => program.route("forbidden.test"),
        Reason::NoDnsName => program.route("a..test"),
        Reason::NoPolicy => delivery("none"),
        Reason::NoTrustAnchor => {
            let other = Laboratory::start();
            let anchor = other.trust_anchor();
            Program::new(&lab).with_trust_anchor(&anchor).route("none.test")
        }
        Reason::NullMx => delivery("null"),
        Reason::PolicyLost => {
            enforced("mx1.enforced.test");
            rusqlite::Connection::open(program.cache())
                .unwrap()
                .execute("UPDATE policy SET record = replace(record, 'mx', 'nx')", [])
                .unwrap();
            lab.behave(Scope::name("_smtp_sts.enforced.test"), Manner::Servfail);
            delivery("enforced")
        }
        Reason::PolicyMalformed => delivery("malformed"),
        Reason::PolicyMet => enforced("mx2.enforced.test"),
        Reason::PolicyUnauthenticated => {
            Program::new(&lab).with(["--require-authentication"]).route("first.test")
        }
        Reason::PolicyUnreachable => {
            lab.behave(Scope::name("_smtp_sts.plain.test"), Manner::Servfail);
            delivery("plain")
        }
        Reason::ReportOnly => delivery("report"),
        Reason::SpecialUseName => program.delivery("localhost", "localhost"),
        Reason::TlsUnverified => {
            enforced("mx1.enforced.test");
            program.ask(["-d", "enforced.test", "-m", "mx1.enforced.test", "--tls-verified", "no"])
        }
        Reason::TooManyMx => {
            (0..65).for_each(|i| lab.publish("none.test", "MX", &format!("{i} mx{i}.none.test.")));
            delivery("none")
        }
        Reason::Usage => program.ask(["--no-such-option"]),
    })
}

#[test]
fn every_reason_can_be_met_in_practice() {
    let met: Vec<_> =
        Reason::ALL.into_iter().filter_map(|reason| Some((reason.word(), provoked(reason)?))).collect();
    assert_eq!(met.len() + 1, Reason::ALL.len());
    let wrong: Vec<String> = met
        .into_iter()
        .filter(|(word, told)| told.get("reason") != *word)
        .map(|(word, told)| format!("{word}: {}", told.line))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
