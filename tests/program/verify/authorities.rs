//! A machine on which nobody vouches for a policy host: it has no certification authorities, as many containers have none.

use crate::support::laboratory::Laboratory;
use crate::support::program::{Program, told};
use crate::support::skipped::skipped;
use std::process::{Command, Output, Stdio};

/// What the program says where `/etc/ssl` is empty.
fn without_authorities(program: &Program, arguments: &[&str]) -> Output {
    let model = program.command(arguments);
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", "mount -t tmpfs none /etc/ssl && exec \"$@\"", "sh"]);
    inside.arg(model.get_program()).args(model.get_args()).stdin(Stdio::null()).output().unwrap()
}

/// Nothing can be authenticated then (RFC 8461 section 3.3): nobody is held to a policy that is new, and the operator is told why; what is in
/// force stays so.
#[test]
fn without_authorities_no_policy_is_fetched_and_that_is_said() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).without("--ca-file");
    let question = ["-d", "sts.test", "-m", "mx1.sts.test"];
    let output = without_authorities(&program, &[&question[..], &["--format", "human"]].concat());
    if output.status.code() != Some(0) && output.stdout.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
        return skipped("a system without authorities", &format!("no files of its own here: {why}"));
    }
    let said = String::from_utf8(output.stdout).unwrap();
    println!("{said}");
    assert!(said.contains("ca-certificates"), "{said}");
    let told = told(without_authorities(&program, &question), false);
    assert_eq!(
        told.of(["verdict", "policy", "reason"]),
        ["deliver", "none", "policy-not-fetched"],
        "{}",
        told.line
    );
}
