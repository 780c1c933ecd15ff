//! The cache commands in the world of a laboratory, and what they say.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::fs;
use std::process::{Command, Output, Stdio};

/// `cache ...` in the world of a laboratory, on the cache of that program.
pub(crate) fn cache(lab: &Laboratory, program: &Program, arguments: &[&str]) -> Output {
    command(lab, program, arguments).output().unwrap()
}

pub(crate) fn command(lab: &Laboratory, program: &Program, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("cache").args(arguments).args(lab.options());
    command.arg("--config").arg(lab.empty_configuration()).arg("-c").arg(program.cache());
    command.stdin(Stdio::null());
    command
}

pub(crate) fn said(output: &Output) -> String {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text:?}");
    }
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn objects(output: &Output) -> Vec<Value> {
    said(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Policies of both dialects, one of them met by a delivery.
pub(crate) fn filled(lab: &Laboratory) -> Program {
    let program = Program::new(lab);
    program.delivery("sts.test", "mx1.sts.test");
    program.delivery("enforced.test", "mx1.enforced.test");
    program.delivery("first.test", "mx.first.test");
    program.delivery("sts-testing.test", "mx.sts-testing.test");
    program
}

/// Every file of the cache with its octets and its time.
pub(crate) fn state(program: &Program) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let mut files: Vec<_> = fs::read_dir(program.cache().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path: std::path::PathBuf| {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            (path.display().to_string(), fs::read(&path).unwrap(), modified)
        })
        .collect();
    files.sort();
    files
}
