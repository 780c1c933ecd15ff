//! `probe`.

use crate::screen::typed;
use crate::support::laboratory::Laboratory;
use crate::support::program::Program;

/// The page about each domain, by the name of its snapshot.
fn pages(domains: &[(&str, &str)]) {
    let lab = Laboratory::start();
    let (program, hosts) = (Program::new(&lab), lab.open_mail_hosts());
    let port = hosts.port().to_string();
    let digests = lab.digests();
    for (domain, name) in domains {
        let mut screen = typed(&format!("probe {domain}")).at(&lab, &program).with(["--port", &port]);
        // The laboratory has new keys each time.
        for digest in &digests {
            screen = screen.masking(digest, &"f".repeat(64)).masking(&digest[..16], &"f".repeat(16));
        }
        screen.masking(&format!(":{port}"), ":PPPPP").shows(name);
    }
}

#[test]
fn what_is_fine_is_told_with_why() {
    pages(&[
        ("sts.test", "probe-fine"),
        ("good-anchor.test", "probe-anchor"),
        ("misnamed-dane.test", "probe-dane-other-name"),
        ("lapsed-dane.test", "probe-dane-expired"),
        ("null.test", "probe-null-mx"),
    ]);
}

#[test]
fn what_is_not_fine_is_told_first() {
    pages(&[
        ("lapsed-sts.test", "probe-expired"),
        ("stale-dane.test", "probe-stale-tlsa"),
        ("plain-sts.test", "probe-no-starttls"),
        ("misnamed-sts.test", "probe-other-name"),
        ("half-sts.test", "probe-one-of-two"),
        ("forbidden-sts.test", "probe-forbidden"),
        ("unreachable-sts.test", "probe-nobody-there"),
        ("bogus-dane.test", "probe-bogus"),
    ]);
}

#[test]
fn what_cannot_be_asked_is_told_on_standard_error() {
    typed("probe a..b").shows("probe-no-domain");
    typed("probe [192.0.2.1]").shows("probe-an-address");
    typed("probe example.org --ehlo a:b").shows("probe-bad-name");
}
