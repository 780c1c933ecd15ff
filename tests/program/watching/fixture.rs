//! `probe` in the world of a laboratory.

use crate::support::laboratory::Laboratory;
use crate::support::program::PROGRAM;
use std::process::{Command, Output, Stdio};

/// `probe` of what stands in the laboratory, whose mail hosts are at that port.
pub(crate) fn command(lab: &Laboratory, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("probe").args(arguments).args(["--port", &port.to_string()]).args(lab.options());
    command.arg("--config").arg(lab.empty_configuration()).arg("-c").arg(lab.directory().join("no-cache.db"));
    command.stdin(Stdio::null());
    command
}

pub(crate) fn probe(lab: &Laboratory, port: u16, arguments: &[&str]) -> Output {
    command(lab, port, arguments).output().unwrap()
}

pub(crate) fn exit(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

/// What was said on standard output, printable but for the line ends.
pub(crate) fn said(output: &Output) -> String {
    for octets in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(octets);
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text:?}");
    }
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What was complained about.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
