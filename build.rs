//! What `--version` says beside the version: the commit, where the source is a checkout, and the libraries that are built in.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo hears a build script on standard output, and speaks to it in its environment"
)]

use std::fs;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // Whoever develops need not build all anew after each commit.
    let commit = if is_release { commit() } else { Some("debug build".to_owned()) };
    let commit = commit.map(|commit| format!("{commit}, ")).unwrap_or_default();
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!(
        "cargo::rustc-env=SMTP_STS_VERIFY_VERSION={version} ({commit}aws-lc-rs {})",
        locked("aws-lc-rs")
    );
    println!(
        "cargo::rustc-env=SMTP_STS_VERIFY_TLS_LIBRARY=rustls {} with AWS-LC, of aws-lc-sys {}",
        locked("rustls"),
        locked("aws-lc-sys")
    );
}

/// The commit that is checked out, and whether something was changed since.
fn commit() -> Option<String> {
    for file in ["HEAD", "index", "logs/HEAD"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", file])?);
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if is_changed { format!("commit {commit}, changed") } else { format!("commit {commit}") })
}

/// What git says, without a change to its index, which would have all built once more; if there is a git and this is a checkout of its own: a tarball may lie in somebody else's.
fn git(arguments: &[&str]) -> Option<String> {
    if !fs::exists(".git").unwrap_or(false) {
        return None;
    }
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|said| said.trim().to_owned())
}

/// The version of a library that is locked.
fn locked(library: &str) -> String {
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let name = format!("\nname = \"{library}\"\n");
    let package = lock.split("[[package]]").find(|package| package.contains(&name));
    let version = package.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    version.unwrap_or("of an unknown version").to_owned()
}
