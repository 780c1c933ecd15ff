//! `verify`, the default command, as people read it.

use crate::screen::typed;
use crate::support::laboratory::Laboratory;
use crate::support::program::Program;

fn shows(lab: &Laboratory, program: &Program, line: &str, name: &str) {
    typed(line).at(lab, program).with(["--format", "human"]).shows(name);
}

#[test]
fn a_delivery_is_permitted_refused_or_waits() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    shows(&lab, &program, "-d sts.test -m mx1.sts.test", "verify-policy-met");
    shows(&lab, &program, "-d sts.test -m mx.hosting.test", "verify-mx-not-in-policy");
    shows(&lab, &program, "-d sts.test", "verify-router");
    shows(&lab, &program, "-d bogus.test -m mx.bogus.test", "verify-bogus");
    shows(&lab, &program, "-d none.test -m mx.none.test", "verify-no-policy");
    shows(&lab, &program, "-d malformed.test -m mx.malformed.test", "verify-malformed");
    shows(&lab, &program, "-d partly.test -m mx.partly.test -m mx.hosting.test", "verify-several-hosts");
}

#[test]
fn what_is_no_question_is_answered_all_the_same() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    shows(&lab, &program, "-d a..b -m mx.sts.test", "verify-no-domain");
    shows(&lab, &program, "-d sts.test -m a..b", "verify-no-host");
    shows(&lab, &program, "-d [192.0.2.1]", "verify-address-literal");
    shows(&lab, &program, "-m mx.sts.test", "verify-without-a-domain");
    shows(&lab, &program, "-d sts.test --nonsense", "verify-unknown-option");
}
