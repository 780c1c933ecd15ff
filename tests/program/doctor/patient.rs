//! A machine that is looked at: the program with its options, and what it says in JSON, which is held against its schema.

use crate::support::laboratory::Laboratory;
use crate::support::program::PROGRAM;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// The program with the options of one look.
pub(crate) struct Patient {
    options: Vec<String>,
    wrapper: Option<String>,
}

/// What the doctor says of it.
pub(crate) struct Said {
    pub(crate) exit: i32,
    object: Value,
}

impl Patient {
    /// In the world of a laboratory, without Exim, asking nobody for the time.
    pub(crate) fn of(lab: &Laboratory) -> Self {
        // Whoever looks without root's rights has to get in.
        fs::set_permissions(lab.directory(), Permissions::from_mode(0o755)).unwrap();
        let mut options = lab.options();
        options.extend(["--config".into(), lab.empty_configuration().display().to_string()]);
        options.extend(["--cachedb".into(), lab.cache_file().display().to_string()]);
        Self { options, wrapper: None }.with(["--exim", "/nonexistent", "--offline"])
    }

    /// Asking that name server, trusting that anchor.
    pub(crate) fn asking(server: &str, anchor: &Path) -> Self {
        let anchor = anchor.display().to_string();
        let options = ["--dns", server, "--trust-anchor", &anchor, "--exim", "/nonexistent", "--offline"];
        Self { options: options.map(str::to_owned).to_vec(), wrapper: None }
    }

    /// The same with more options.
    pub(crate) fn with<const N: usize>(mut self, options: [&str; N]) -> Self {
        self.options.extend(options.map(str::to_owned));
        self
    }

    /// The same, where an option has another value.
    pub(crate) fn but(mut self, option: &str, value: &str) -> Self {
        self.replace([option, value]);
        self
    }

    /// The same, started by a line for the shell in which `exec "$@"` starts the program.
    pub(crate) fn started_by(mut self, line: &str) -> Self {
        self.wrapper = Some(line.to_owned());
        self
    }

    /// The same, asking a web server for the time.
    pub(crate) fn without_offline(mut self) -> Self {
        self.options.retain(|option| option != "--offline");
        self
    }

    /// An option with its value, whether or not it is there already.
    pub(crate) fn replace(&mut self, [option, value]: [&str; 2]) {
        match self.options.iter().position(|one| one == option) {
            Some(at) => self.options[at + 1] = value.to_owned(),
            None => self.options.extend([option, value].map(str::to_owned)),
        }
    }

    /// Runs the program.
    pub(crate) fn run(&self, format: &str) -> Output {
        let mut command = match &self.wrapper {
            Some(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", line, "sh", PROGRAM]);
                shell
            }
            None => Command::new(PROGRAM),
        };
        command.arg("doctor").args(&self.options).args(["--format", format]).output().unwrap()
    }

    /// What the doctor says.
    pub(crate) fn examined(&self) -> Said {
        let Output { status, stdout, stderr } = self.run("json");
        let words = String::from_utf8_lossy(&stderr);
        assert!(words.is_empty(), "{words}");
        let object: Value = serde_json::from_slice(&stdout).unwrap();
        let schema = include_str!("../../../fixtures/doctor.schema.json");
        let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&object).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        Said { exit: status.code().unwrap(), object }
    }
}

impl Said {
    /// What a check came to, and what was seen; of several, the first.
    pub(crate) fn of(&self, check: &str) -> (&str, &str) {
        let checks = self.object["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["check"] == check);
        let found = found.unwrap_or_else(|| panic!("nothing about {check}: {}", self.object));
        (found["result"].as_str().unwrap(), found["seen"].as_str().unwrap())
    }

    /// What it means, and what mends it; of several, of the first.
    pub(crate) fn advice(&self, check: &str) -> [&str; 2] {
        let checks = self.object["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["check"] == check).unwrap();
        ["meaning", "fix"].map(|key| found[key].as_str().unwrap())
    }

    /// What it came to alone.
    pub(crate) fn result(&self, check: &str) -> &str {
        self.of(check).0
    }

    /// What it came to for one of several.
    pub(crate) fn result_about(&self, check: &str, subject: &str) -> &str {
        let checks = self.object["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["check"] == check && one["subject"] == subject);
        found.unwrap_or_else(|| panic!("nothing about {check} {subject}"))["result"].as_str().unwrap()
    }

    /// The words of all checks that came to something.
    pub(crate) fn all(&self, result: &str) -> Vec<&str> {
        let checks = self.object["checks"].as_array().unwrap().iter();
        checks.filter(|one| one["result"] == result).map(|one| one["check"].as_str().unwrap()).collect()
    }
}
