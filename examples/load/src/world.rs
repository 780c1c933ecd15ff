//! The laboratory with many domains, and commands for it.

use super::laboratory::Laboratory;
use super::laboratory::name_server::{Manner, Scope};
use super::soak;
use std::fmt::Write as _;
use std::io::BufRead as _;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What the domains publish. There are as many of each kind as of any other, but [`KINDS`] names the first one oftener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An MTA-STS policy that permits its MX host.
    Enforced,
    /// The same for a start; the soak changes which host it permits.
    Changing,
    /// An MTA-STS policy in testing mode.
    Testing,
    /// No policy at all.
    Plain,
    /// A signed zone with a TLSA record.
    Dane,
}

/// The kinds in turn.
const KINDS: [Kind; 10] = [
    Kind::Enforced,
    Kind::Enforced,
    Kind::Enforced,
    Kind::Plain,
    Kind::Enforced,
    Kind::Changing,
    Kind::Enforced,
    Kind::Testing,
    Kind::Enforced,
    Kind::Dane,
];

impl Kind {
    /// What the names of its domains begin with.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Changing => "changing",
            Self::Testing => "testing",
            Self::Plain => "plain",
            Self::Dane => "dane",
        }
    }
}

/// The domains of a world of this size: their kinds and names.
pub(crate) fn domains(count: usize) -> Vec<(Kind, String)> {
    (0..count)
        .map(|i| (KINDS[i % KINDS.len()], i))
        .map(|(kind, i)| (kind, format!("{}{i}.test", kind.word())))
        .collect()
}

/// The policy of a domain in the form of a `file` line.
pub(crate) fn policy(mode: &str, host: &str) -> String {
    format!("version: STSv1 | mode: {mode} | mx: {host} | max_age: 604800")
}

/// The world in the form of `fixtures/laboratory/world`: these domains, and `silent.test`, whose name server never answers.
fn text(domains: &[(Kind, String)]) -> String {
    let mut text =
        "zone . signed\nzone test signed\n  ns A 127.0.0.1\nzone silent.test unsigned silent\n".to_owned();
    for (kind, domain) in domains {
        let signed = if *kind == Kind::Dane { "signed" } else { "unsigned" };
        writeln!(text, "zone {domain} {signed}\n  @ MX 10 mx.{domain}.\n  mx A 127.0.0.1").unwrap();
        let mode = match kind {
            Kind::Enforced | Kind::Changing => "enforce",
            Kind::Testing => "testing",
            Kind::Dane => {
                writeln!(text, "  _25._tcp.mx TLSA 3 1 1 DIGEST").unwrap();
                continue;
            }
            Kind::Plain => continue,
        };
        let policy = policy(mode, &format!("mx.{domain}"));
        writeln!(text, "  _mta-sts TXT \"v=STSv1; id=1;\"\n  file {policy}").unwrap();
    }
    text
}

/// Serves, and takes commands from standard input, a line each; the answer is a line, too.
pub(crate) fn serve(count: usize, at_home: bool) {
    let domains = domains(count);
    let lab = Laboratory::with(&text(&domains));
    if at_home {
        lab.answer_at((Ipv4Addr::LOCALHOST, 53).into()).unwrap();
        lab.serve_policies_at((Ipv4Addr::LOCALHOST, 443).into()).unwrap();
    }
    println!("LAB='--config {} {}'", lab.empty_configuration().display(), lab.options().join(" "));
    for line in std::io::stdin().lock().lines().map(Result::unwrap) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["domains"] => {
                println!("{}", domains.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" "))
            }
            ["counts"] => println!("questions={} visits={}", lab.questions(), lab.visits().len()),
            ["forget"] => {
                lab.forget();
                println!("forgotten");
            }
            ["late", milliseconds] => {
                lab.behave_well();
                lab.behave(
                    Scope::Everything,
                    Manner::Late(Duration::from_millis(milliseconds.parse().unwrap())),
                );
                println!("late");
            }
            ["well"] => {
                lab.behave_well();
                println!("well");
            }
            ["soak", seconds, rate, exim, postfix] => {
                let plan = soak::Plan {
                    time: Duration::from_secs(seconds.parse().unwrap()),
                    rate: rate.parse().unwrap(),
                    exim: exim.parse().unwrap(),
                    postfix: postfix.parse().unwrap(),
                };
                println!("{}", soak::soak(&lab, &domains, &plan));
            }
            _ => panic!("'{line}' is no command"),
        }
    }
}
