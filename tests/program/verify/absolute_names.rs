//! C12: names are absolute. A search list, a domain of one's own and a file of hosts lead nowhere.

use crate::support::laboratory::Laboratory;
use crate::support::program::{Program, told};
use crate::support::skipped::skipped;
use std::fs;
use std::process::{Command, Stdio};

/// Where the system's list of name servers leads, which knows port 53 alone.
const SERVER: &str = "127.12.12.12";

#[test]
fn a_search_list_and_a_file_of_hosts_lead_nowhere() {
    let lab = Laboratory::start();
    if let Err(why) = lab.answer_at(format!("{SERVER}:53").parse().unwrap()) {
        return skipped("a system with a search list", &format!("port 53 cannot be had: {why}"));
    }
    let directory = lab.directory();
    let resolv_conf =
        format!("nameserver {SERVER}\ndomain enforced.test\nsearch enforced.test\noptions ndots:15\n");
    fs::write(directory.join("resolv.conf"), resolv_conf).unwrap();
    // Nobody listens there.
    let hosts = "127.9.9.9 webpki.test mta-sts.sts.test mx.webpki.test mx1.sts.test\n127.0.0.1 localhost\n";
    fs::write(directory.join("hosts"), hosts).unwrap();
    // The policies that the names would have if the list were tried.
    let record = "\"v=STS1; to=true; mx=mx.attacker.test; a=dnssec; e=86400\"";
    for domain in ["none.test", "webpki.test", "sts.test"] {
        lab.publish(&format!("_smtp_sts.{domain}.enforced.test"), "TXT", record);
        lab.publish(&format!("{domain}.enforced.test"), "MX", "10 mx.hosting.test.");
    }
    let script = "mount --bind resolv.conf /etc/resolv.conf && mount --bind hosts /etc/hosts && exec \"$@\"";
    for (domain, host, expected) in [
        ("webpki.test", "mx.webpki.test", ["deliver", "webpki", "policy-met"]),
        ("sts.test", "mx1.sts.test", ["deliver", "webpki", "policy-met"]),
        ("none.test", "mx.none.test", ["deliver", "opportunistic", "no-policy"]),
    ] {
        let model = Program::new(&lab).without("--dns").command(["-d", domain, "-m", host]);
        let mut inside = Command::new("unshare");
        inside.args(["--mount", "sh", "-c", script, "sh"]).arg(model.get_program()).args(model.get_args());
        let output = inside.current_dir(directory).stdin(Stdio::null()).output().unwrap();
        if output.status.code() != Some(0) && output.stdout.is_empty() {
            let why = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
            return skipped("a system with a search list", &format!("no files of its own here: {why}"));
        }
        let told = told(output, false);
        assert_eq!(told.of(["verdict", "tls", "reason"]), expected, "{}", told.line);
        for (name, rtype) in [(format!("_smtp_sts.{domain}"), "TXT"), (domain.to_owned(), "MX")] {
            assert!(lab.questions_for(&name, rtype) > 0, "{name} was asked about");
            assert_eq!(lab.questions_for(&format!("{name}.enforced.test"), rtype), 0, "{name} {rtype}");
        }
    }
}
