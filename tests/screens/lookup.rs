//! What `lookup` shows: the answer, why it is believed or not, and what proves it.

use crate::screen::{Screen, typed};
use crate::support::laboratory::Laboratory;

fn asked(lab: &Laboratory, question: &str) -> Screen {
    let mut options = vec!["--dns".into(), lab.dns().to_string().into(), "--trust-anchor".into()];
    options.extend([
        lab.trust_anchor().into_os_string(),
        "--config".into(),
        lab.empty_configuration().into(),
    ]);
    typed(&format!("lookup {question}")).with(options)
}

#[test]
fn an_answer_is_shown_with_what_proves_it() {
    let lab = Laboratory::start();
    asked(&lab, "enforced.test MX").shows("lookup-data");
    asked(&lab, "host.any.test TXT").shows("lookup-wildcard");
    asked(&lab, "mx.alias.test A").shows("lookup-alias");
}

#[test]
fn an_absence_is_shown_with_which_record_denies_what() {
    let lab = Laboratory::start();
    asked(&lab, "no.such.name.enforced.test A").shows("lookup-no-name");
    asked(&lab, "mx1.enforced.test AAAA").shows("lookup-no-type");
}

#[test]
fn what_is_insecure_bogus_or_silent_is_shown_as_far_as_it_is_proven() {
    let lab = Laboratory::start();
    asked(&lab, "first.test MX").shows("lookup-insecure");
    asked(&lab, "_smtp-sts.bogus.test TXT").shows("lookup-bogus");
    asked(&lab, "expired.test MX").shows("lookup-expired");
    asked(&lab, "mx.silent.test A").shows("lookup-unreachable");
}
