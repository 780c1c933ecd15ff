//! The real program, asked as Exim asks it, in the world of a laboratory; what it tells is checked for its shape each
//! time, whatever the test is about.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test bench shared by several crates, none of which uses all of it; it may panic"
)]

use super::laboratory::Laboratory;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program as this build made it.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_smtp-sts-verify");

/// The keys of Exim's line, in their order; `passed` follows where a mechanism was passed over, `mxre` where no host
/// was given.
pub(crate) const KEYS: [&str; 8] = ["verdict", "tls", "policy", "mode", "auth", "mx", "cache", "reason"];

/// The program with the options of one laboratory and one cache file.
pub(crate) struct Program {
    cache: PathBuf,
    world: Vec<String>,
    configuration: Option<PathBuf>,
    options: Vec<OsString>,
}

/// What Exim reads: one line, and an exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) line: String,
    pub(crate) exit: i32,
}

impl Told {
    /// The value of a key; empty if it is not there.
    pub(crate) fn get(&self, key: &str) -> &str {
        let pairs = self.line.split(' ').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(k, _)| *k == key).map_or("", |(_, value)| value)
    }

    /// The values of several keys, to be compared at once.
    pub(crate) fn of<const N: usize>(&self, keys: [&str; N]) -> [&str; N] {
        keys.map(|key| self.get(key))
    }

    /// `verdict` and `reason`.
    pub(crate) fn verdict(&self) -> [&str; 2] {
        self.of(["verdict", "reason"])
    }
}

impl Program {
    /// With a cache file of its own, which is new, and an empty configuration.
    pub(crate) fn new(lab: &Laboratory) -> Self {
        let configuration = Some(lab.empty_configuration());
        Self { cache: lab.cache_file(), world: lab.options(), configuration, options: Vec::new() }
    }

    /// The same program with more options.
    pub(crate) fn with<T: Into<OsString>>(mut self, options: impl IntoIterator<Item = T>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// The same program with a configuration.
    pub(crate) fn with_configuration(mut self, path: PathBuf) -> Self {
        self.configuration = Some(path);
        self
    }

    /// The same program, to be told its configuration by the test.
    pub(crate) fn without_configuration(mut self) -> Self {
        self.configuration = None;
        self
    }

    /// The same program, but without one of the options that lead into the laboratory (and its value).
    pub(crate) fn without(mut self, option: &str) -> Self {
        let at = self.world.iter().position(|word| word == option).expect("an option of the laboratory");
        let next_is_value = self.world.get(at + 1).is_some_and(|word| !word.starts_with("--"));
        self.world.drain(at..=at + usize::from(next_is_value));
        self
    }

    /// The same program with another trust anchor.
    pub(crate) fn with_trust_anchor(self, path: &Path) -> Self {
        self.without("--trust-anchor").with(["--trust-anchor".into(), path.as_os_str().to_owned()])
    }

    /// The same program with the cache of another one.
    pub(crate) fn with_cache_of(mut self, other: &Self) -> Self {
        self.cache.clone_from(&other.cache);
        self
    }

    /// The same program with a cache at a path of the test's choice.
    pub(crate) fn with_cache_at(mut self, path: &str) -> Self {
        self.cache = path.into();
        self
    }

    /// As if the time of every remembered DNS result were over: the expendable file is gone.
    pub(crate) fn forget_dns(&self) {
        let _ = fs::remove_file(self.cache.with_extension("dns.db"));
    }

    /// Its cache file.
    pub(crate) fn cache(&self) -> &PathBuf {
        &self.cache
    }

    /// The command line for `arguments`, not yet started.
    pub(crate) fn command<T: Into<OsString>>(&self, arguments: impl IntoIterator<Item = T>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(&self.world);
        if let Some(path) = &self.configuration {
            command.arg("--config").arg(path);
        }
        command.arg("-c").arg(&self.cache).args(&self.options);
        command.args(arguments.into_iter().map(Into::into)).stdin(Stdio::null());
        command
    }

    /// Runs it and keeps everything.
    pub(crate) fn run<T: Into<OsString>>(&self, arguments: impl IntoIterator<Item = T>) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it as Exim does, which reads one line and nothing else.
    pub(crate) fn ask<T: Into<OsString>>(&self, arguments: impl IntoIterator<Item = T>) -> Told {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let router = !arguments.iter().any(|a| a == "-m");
        told(self.run(arguments), router)
    }

    /// Runs it under a limit of the shell's (`ulimit -n 20`), and keeps everything.
    pub(crate) fn run_under<T: Into<OsString>>(
        &self,
        limit: &str,
        arguments: impl IntoIterator<Item = T>,
    ) -> Output {
        let inner = self.command(arguments);
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("{limit}; exec \"$@\""), "sh", PROGRAM]).args(inner.get_args());
        limited.stdin(Stdio::null()).output().unwrap()
    }

    /// May mail for `domain` go to `host`?
    pub(crate) fn delivery(&self, domain: &str, host: &str) -> Told {
        self.ask(["-d", domain, "-m", host])
    }

    /// What does `domain` say to a router?
    pub(crate) fn route(&self, domain: &str) -> Told {
        self.ask(["-d", domain])
    }

    /// The handshake with `host` was verified: Exim says so from the header macro.
    pub(crate) fn report_verified(&self, domain: &str, host: &str) -> Told {
        self.ask(["-d", domain, "-m", host, "--tls-verified", "yes"])
    }
}

/// Checks the shape of Exim's line and takes it.
pub(crate) fn told(output: Output, router: bool) -> Told {
    assert!(output.stderr.is_empty(), "on standard error: {}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).expect("ASCII");
    assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "not printable ASCII: {line:?}");
    assert!(!line.contains(['\\', '"', '{', '}']), "a character that Exim would expand: {line}");
    assert!(line.len() <= if router { 8_000 } else { 998 }, "{} octets", line.len());
    let keys: Vec<&str> = line.split(' ').map(|pair| pair.split_once('=').expect(&line).0).collect();
    let (first, rest) = keys.split_at(KEYS.len().min(keys.len()));
    assert_eq!(first, KEYS, "{line}");
    let outside_mxre = line.split(" mxre=").next().unwrap();
    assert!(!outside_mxre.contains('$'), "a dollar outside of mxre: {line}");
    let told = Told { line: line.clone(), exit: output.status.code().expect("an exit code") };
    let rest = rest.strip_prefix(&["passed"]).unwrap_or(rest);
    let rest = rest.strip_prefix(&["tlsa"]).unwrap_or(rest);
    assert_eq!(rest, if router { &["mxre"][..] } else { &[] }, "{line}");
    if router {
        let mxre = told.get("mxre");
        assert!(mxre.starts_with("^(") && mxre.ends_with(")$"), "{line}");
    }
    for (key, words) in [
        ("verdict", &["deliver", "refuse", "defer"][..]),
        ("tls", &["opportunistic", "encrypt", "webpki", "dane"]),
        ("policy", &["none", "smtp-sts", "mta-sts", "dane", "override"]),
        ("mode", &["none", "testing", "enforce"]),
        ("auth", &["dnssec", "webpki", "first-use", "none"]),
        ("mx", &["match", "mismatch", "unchecked"]),
        ("cache", &["hit", "stored", "unchanged", "none", "unavailable"]),
    ] {
        assert!(words.contains(&told.get(key)), "{key} in: {line}");
    }
    assert!(["", "smtp-sts"].contains(&told.get("passed")), "{line}");
    assert!(["", "unusable", "usable"].contains(&told.get("tlsa")), "{line}");
    told
}
