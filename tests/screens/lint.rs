//! `lint`.

use crate::screen::typed;
use crate::support::laboratory::Laboratory;
use crate::support::program::Program;

#[test]
fn findings_stand_below_their_lines() {
    let policy = "version: STSv1\nmode: enforced\nmx: mx1.example.org, mx2.example.org\nmax_age: 3600\n";
    typed("lint --kind mta-sts-policy").reading(policy).shows("lint-policy");
    let policy = "version: STSv1\nmode: testing\nmx: mx1.example.org\nmax_age: 2419200\n";
    typed("lint --kind mta-sts-policy").reading(policy).shows("lint-policy-well-formed");
}

#[test]
fn a_zone_that_is_bogus_is_one_mistake() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    typed("lint bogus.test --no-connect").at(&lab, &program).shows("lint-bogus-zone");
}
