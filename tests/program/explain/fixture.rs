//! The command in the world of a laboratory.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// `explain ARGUMENTS`, on the cache of that program.
pub(crate) fn explain(lab: &Laboratory, program: &Program, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("explain").args(arguments).args(lab.options()).arg("-c").arg(program.cache());
    if !arguments.contains(&"--config") {
        command.arg("--config").arg(lab.empty_configuration());
    }
    command.stdin(Stdio::null()).output().unwrap()
}

/// The document about a delivery, and the exit code.
pub(crate) fn document(lab: &Laboratory, program: &Program, arguments: &[&str]) -> (Value, i32) {
    let output = explain(lab, program, &[arguments, &["--format", "json"]].concat());
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with('\n') && text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text}");
    let code = output.status.code().unwrap();
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), code)
}

/// The text at a place of the document; empty if there is none.
pub(crate) fn at<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
