//! The rules of the house, where no compiler or linter holds them.

use crate::support::skipped::skipped;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where code may touch the world: files, sockets, clocks, the terminal. A name that ends in `/` is a whole directory.
const WORLDLY: &[&str] = &[
    "src/cache/",
    "src/causes.rs",
    "src/cli/",
    "src/config/",
    "src/dns/exchange.rs",
    "src/dns/resolv_conf.rs",
    "src/dns/session.rs",
    "src/dns/sockets.rs",
    "src/dns/upstream.rs",
    "src/doctor/look/",
    "src/files.rs",
    "src/files/atomic.rs",
    "src/fleet/",
    "src/https/exchange.rs",
    "src/https/fetcher.rs",
    "src/https/judge.rs",
    "src/https/metered.rs",
    "src/https/opening.rs",
    "src/https/post.rs",
    "src/https/progress.rs",
    "src/https/roots.rs",
    "src/https/witness.rs",
    "src/journal.rs",
    "src/lint/survey.rs",
    "src/main.rs",
    "src/probe/",
    "src/recording/replay.rs",
    "src/recording/tape.rs",
    "src/resources.rs",
    "src/serve/",
    "src/tapped.rs",
    "src/time/clock.rs",
    "src/verify/",
];

/// What is pure all the same in a directory of [`WORLDLY`]: values in, values out, like all the rest of `src`.
const PURE: &[&str] = &[
    "src/cache/backoff.rs",
    "src/cache/file_state.rs",
    "src/cache/snapshot.rs",
    "src/cache/fingerprint.rs",
    "src/cache/hearsay.rs",
    "src/cache/history.rs",
    "src/cache/learnt.rs",
    "src/cache/ledger.rs",
    "src/cache/memory.rs",
    "src/cache/mod.rs",
    "src/cache/outlook.rs",
    "src/cache/transfer.rs",
    "src/cache/error.rs",
    "src/config/address.rs",
    "src/config/places.rs",
    "src/config/reporting.rs",
    "src/fleet/decree.rs",
    "src/fleet/witness.rs",
    "src/config/rules.rs",
    "src/probe/consequence.rs",
    "src/probe/failure.rs",
    "src/probe/report.rs",
    "src/probe/words.rs",
    "src/serve/answer/mod.rs",
    "src/serve/concurrency.rs",
    "src/serve/seats/asker.rs",
    "src/serve/seats/branch.rs",
    "src/serve/front/codec.rs",
    "src/serve/telemetry/counters.rs",
    "src/serve/telemetry/fleet.rs",
    "src/serve/telemetry/fleet_view.rs",
    "src/serve/pages/fleet_page.rs",
    "src/serve/pages/markup.rs",
    "src/serve/telemetry/messages.rs",
    "src/serve/pages/metrics.rs",
    "src/serve/tlsrpt/noticed.rs",
    "src/serve/protocol/event.rs",
    "src/serve/protocol/exim.rs",
    "src/serve/protocol/http.rs",
    "src/serve/protocol/mod.rs",
    "src/serve/protocol/netstring.rs",
    "src/serve/protocol/socketmap.rs",
    "src/serve/protocol/quoting.rs",
    "src/serve/protocol/question.rs",
    "src/serve/telemetry/recent.rs",
    "src/serve/pages/reports_page.rs",
    "src/serve/seats/mod.rs",
    "src/serve/telemetry/status.rs",
    "src/serve/pages/status_page.rs",
    "src/serve/telemetry/log_limiter.rs",
    "src/serve/answer/cache.rs",
    "src/verify/announcement.rs",
    "src/verify/asked.rs",
    "src/verify/context.rs",
    "src/verify/discovery.rs",
    "src/verify/grounds.rs",
    "src/verify/evidence_log.rs",
    "src/verify/mx.rs",
    "src/verify/remembered.rs",
    "src/verify/report.rs",
    "src/verify/request.rs",
];

/// Words that only code with I/O, a clock, an environment or a terminal needs.
const IMPURE: [&str; 16] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::thread",
    "tokio",
    "rusqlite",
    "Instant::",
    "SystemTime",
    "SystemClock",
    "println!",
    "print!(",
    "async fn",
    "File::",
];

/// Rooms (modules of `src/lib.rs`) that import each other, in a ring of two or more, each with the reason why that cannot be
/// mended yet. The list may only shrink.
const RINGS: &[(&str, &str, &str)] = &[];

/// What is pure and imports what is not, by file and by what it imports, each with the reason why that cannot be mended yet. The
/// list may only shrink.
const PURE_FROM_WORLDLY: &[(&str, &str, &str)] = &[];

/// Lines of a file of `src`, its tests not counted.
const MAX_LINES: usize = 500;

/// Lines of the tests at the end of a file of `src`. More of them stand in a file of their own.
const MAX_LINES_OF_TESTS: usize = 120;

/// The oldest versions without a flaw that is known and matters here. `cargo audit` knows most of the reasons; it does
/// not know those of hickory 0.26.2 and 0.26.3, in whose validators holes were closed without an advisory.
const FLOORS: [(&str, [u32; 3]); 14] = [
    ("aws-lc-rs", [1, 19, 0]),
    ("aws-lc-sys", [0, 47, 0]),
    ("bytes", [1, 11, 1]),
    ("crossbeam-epoch", [0, 9, 20]),
    ("hickory-net", [0, 26, 3]),
    ("hickory-proto", [0, 26, 3]),
    ("hickory-resolver", [0, 26, 3]),
    ("hyper", [1, 0, 0]),
    ("idna", [1, 0, 3]),
    ("rustls", [0, 23, 18]),
    ("rustls-webpki", [0, 103, 13]),
    ("smallvec", [1, 6, 1]),
    ("time", [0, 3, 47]),
    ("tokio", [1, 44, 2]),
];

/// Crates that never come in: another crypto library, TLS or HTTP/2 than the one that was looked at, and what nobody keeps any more.
const BANNED: [&str; 8] = [
    "aws-lc-fips-sys",
    "h2",
    "native-tls",
    "openssl",
    "openssl-sys",
    "reqwest",
    "rustls-pemfile",
    "serde_yaml",
];

/// Crates of the program whose build runs code of theirs.
const BUILD_SCRIPTS: [&str; 26] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "crc32fast",
    "crossbeam-epoch",
    "crossbeam-utils",
    "getrandom",
    "httparse",
    "icu_normalizer_data",
    "icu_properties_data",
    "libc",
    "libsqlite3-sys",
    "nix",
    "num-traits",
    "oid-registry",
    "parking_lot_core",
    "portable-atomic",
    "proc-macro2",
    "quote",
    "rustix",
    "rustls",
    "serde",
    "serde_core",
    "serde_json",
    "smtp-sts-verify",
    "thiserror",
    "zmij",
];

/// Crates from which the program is built, this one and those that only build others included. There are 211; 28 of them are the client of PostgreSQL, with
/// the hashes of SCRAM and the rules for passwords in Unicode, and are not there without the feature `fleet`.
const MAX_CRATES: usize = 216;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All Rust files below `place`, or the file itself.
fn rust_files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = fs::read_dir(place).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
        .flat_map(|path| rust_files(&path))
        .collect();
    files.sort();
    files
}

/// The files of the program below `place`. Tests that are many stand in files of their own, `tests.rs`.
fn program_files(place: &Path) -> Vec<PathBuf> {
    rust_files(place).into_iter().filter(|file| !file.ends_with("tests.rs")).collect()
}

/// What is compiled into the program: everything before the module of tests, whoever may see that.
fn without_tests(source: &str) -> &str {
    const ATTRIBUTE: &str = "#[cfg(test)]\n";
    let is_module = |at: &usize| {
        let declared = source[at + ATTRIBUTE.len()..].lines().next().unwrap_or_default();
        declared.starts_with("mod ") || declared.starts_with("pub") && declared.contains(" mod ")
    };
    let tests = source.match_indices(ATTRIBUTE).map(|(at, _)| at).find(is_module);
    &source[..tests.unwrap_or(source.len())]
}

/// The same without whole lines of comment.
fn code(source: &str) -> String {
    without_tests(source)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a file of `src` may touch the world.
fn is_worldly(name: &str) -> bool {
    WORLDLY.iter().any(|place| name.starts_with(place)) && !PURE.contains(&name)
}

/// Everything that code names from the root of the crate, in `use` lines and elsewhere, as `room::module::Item`.
fn named_from_the_root(code: &str) -> Vec<String> {
    let places = code.match_indices("crate::").map(|(at, word)| (at, at + word.len()));
    let whole = places.filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    whole.flat_map(|(_, from)| branches(&code[from..])).collect()
}

/// The paths at the beginning of a text: of `a::{b, c::D}` they are `a::b` and `a::c::D`.
fn branches(text: &str) -> Vec<String> {
    let path = text.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).next().unwrap();
    let Some(group) =
        text[path.len()..].strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::"))
    else {
        return vec![path.trim_end_matches(':').to_owned()];
    };
    let (mut depth, mut from, mut parts) = (0_u32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            ',' | '}' if depth == 0 => {
                parts.push(group[from..at].trim());
                from = at + 1;
                if c == '}' {
                    break;
                }
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.flat_map(branches).map(|part| format!("{path}{part}")).collect()
}

/// The file of `src` that such a path leads to: modules down as far as there are any, and what a module hands on (`pub use`) to
/// where it comes from.
fn file_of(path: &str) -> String {
    let root = root();
    let (mut directory, mut file) = ("src".to_owned(), "src/lib.rs".to_owned());
    let mut words = path.split("::");
    for word in words.by_ref() {
        let candidates = [format!("{directory}/{word}.rs"), format!("{directory}/{word}/mod.rs")];
        if let Some(found) = candidates.into_iter().find(|candidate| root.join(candidate).exists()) {
            (directory, file) = (format!("{directory}/{word}"), found);
            continue;
        }
        let code = code(&read(&root.join(&file)));
        let handed_on = code.split("\npub use ").skip(1).flat_map(branches);
        let mut same = handed_on.filter(|path| path.rsplit("::").next() == Some(word));
        if let Some(origin) = same.next() {
            let here = directory.trim_start_matches("src").trim_start_matches('/').replace('/', "::");
            return match origin.strip_prefix("crate::") {
                Some(path) => file_of(path),
                None => file_of(&format!("{here}::{origin}")),
            };
        }
        break;
    }
    file
}

/// Which room below `place`, a directory, imports which, each with one place where it does.
fn imports(place: &str) -> BTreeMap<(String, String), String> {
    let root = root();
    let mut imports = BTreeMap::new();
    let module = place.trim_start_matches("src").replace('/', "::");
    for file in program_files(&root.join(place)) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let from = name[place.len() + 1..].split('/').next().unwrap().trim_end_matches(".rs");
        for path in named_from_the_root(&code(&read(&file))) {
            let path = format!("::{path}");
            let Some(inner) = path.strip_prefix(&format!("{module}::")) else { continue };
            let to = inner.split("::").next().unwrap();
            if !["lib", "main", "mod", to].contains(&from) && !to.is_empty() {
                imports.entry((from.to_owned(), to.to_owned())).or_insert_with(|| format!("{name}{path}"));
            }
        }
    }
    imports
}

/// Every package of the lock file with its version.
fn locked() -> Vec<(String, String)> {
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().unwrap();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    lock["package"].as_array().unwrap().iter().map(|p| (text(p, "name"), text(p, "version"))).collect()
}

/// What a library or the compiler makes of a value for programmers is shown to nobody; only the log of other crates' events,
/// which is theirs, has it.
#[test]
fn no_debug_text_is_printed() {
    for path in program_files(&root().join("src")) {
        let source = read(&path);
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let debug =
            without_tests(&source).lines().filter(|line| line.contains(":?}") || line.contains(":#?}"));
        let found: Vec<&str> = debug.filter(|line| !line.trim_start().starts_with("//")).collect();
        let allowed = if name == "src/cli/log.rs" { 1 } else { 0 };
        assert_eq!(found.len(), allowed, "{name}: {found:?}");
    }
}

#[test]
fn what_decides_knows_no_io_clock_environment_or_terminal() {
    let root = root();
    for place in WORLDLY.iter().chain(PURE) {
        assert!(root.join(place).exists(), "{place} has gone: this list has to follow it");
    }
    for file in program_files(&root.join("src")) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        if is_worldly(name) {
            continue;
        }
        let source = read(&file);
        for line in without_tests(&source).lines().filter(|line| !line.trim_start().starts_with("//")) {
            let found = IMPURE.iter().find(|word| line.contains(*word));
            assert!(found.is_none(), "{name} is pure, and this is not: {line}");
        }
    }
}

/// A reader finds what a room rests on below it, and never comes back to where they were; in the daemon, too.
#[test]
fn rooms_import_one_way() {
    let mut all = imports("src");
    assert!(all.contains_key(&("verdict".to_owned(), "policy".to_owned())), "nothing was read: {all:?}");
    for (from, to, reason) in RINGS {
        let known = all.remove(&((*from).to_owned(), (*to).to_owned()));
        assert!(known.is_some(), "{from} imports {to} no more ({reason}): strike it out");
    }
    let daemon = imports("src/serve");
    assert!(daemon.contains_key(&("engine".to_owned(), "answer".to_owned())), "nothing was read: {daemon:?}");
    for found in [all, daemon] {
        let ring = rings(found);
        assert!(ring.is_empty(), "these import each other: {ring:#?}");
    }
}

/// What goes round in a ring.
fn rings(mut imports: BTreeMap<(String, String), String>) -> BTreeMap<(String, String), String> {
    loop {
        let before = imports.len();
        // Nothing that nobody imports is in one, and nothing that imports nothing.
        let imported: BTreeSet<String> = imports.keys().map(|(_, to)| to.clone()).collect();
        imports.retain(|(from, _), _| imported.contains(from));
        let importing: BTreeSet<String> = imports.keys().map(|(from, _)| from.clone()).collect();
        imports.retain(|(_, to), _| importing.contains(to));
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn what_is_pure_imports_only_what_is_pure() {
    let root = root();
    let mut known: Vec<_> = PURE_FROM_WORLDLY.iter().map(|(file, path, _)| (*file, *path)).collect();
    for file in program_files(&root.join("src")) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        if is_worldly(name) || name == "src/lib.rs" {
            continue;
        }
        for path in named_from_the_root(&code(&read(&file))) {
            let origin = file_of(&path);
            if !is_worldly(&origin) {
                continue;
            }
            let place = known.iter().position(|exception| *exception == (name, path.as_str()));
            let place = place.unwrap_or_else(|| panic!("{name} is pure, and imports {path} of {origin}"));
            known.remove(place);
        }
    }
    assert!(known.is_empty(), "mended, so strike it out: {known:?}");
}

/// What is decided in one place, by the words that do it, is decided nowhere else.
#[test]
fn set_up_and_request_have_one_home() {
    const HOMES: [(&str, &str); 7] = [
        ("overrides.about_beside(", "src/config/rules.rs"),
        ("privileges::give_up(", "src/config/setup.rs"),
        ("CachePath::parse(", "src/config/setup.rs"),
        ("Cache::new(", "src/config/setup.rs"),
        ("resolv_conf::read(", "src/config/setup.rs"),
        ("TrustAnchors::iana(", "src/config/setup.rs"),
        ("struct Failure(", "src/cli/failure.rs"),
    ];
    // Doctor looks at the cache as such, whatever counts in it, and at the system's list as such, whatever is chosen.
    const DOCTOR: [&str; 2] = ["src/cli/doctor.rs", "src/doctor/look/outside.rs"];
    let root = root();
    for file in program_files(&root.join("src")) {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let code = code(&read(&file));
        for (words, home) in HOMES {
            let is_here = code.contains(words) && !DOCTOR.contains(&name);
            assert!(name == home || !is_here, "{name}: {words} belongs to {home}");
            assert!(name != home || is_here, "{words} has gone from {home}: this list has to follow it");
        }
    }
}

#[test]
fn every_file_can_be_read_in_one_sitting() {
    for file in program_files(&root().join("src")) {
        let lines = without_tests(&read(&file)).lines().count();
        // Every limit stands in one file: a table, which nobody reads from end to end.
        let is_the_table_of_limits = file.ends_with("src/limits.rs");
        assert!(lines <= MAX_LINES || is_the_table_of_limits, "{} has {lines} lines", file.display());
    }
}

/// The tests of a file stand at its end while they are few; otherwise in `tests.rs` below it, so that whoever opens a file reads the program.
#[test]
fn tests_never_hide_what_they_test() {
    let root = root();
    for file in program_files(&root.join("src")) {
        let source = read(&file);
        let program = without_tests(&source);
        let (lines, tests) = (program.lines().count(), source[program.len()..].lines().count());
        let few = tests <= MAX_LINES_OF_TESTS && tests <= 2 * lines;
        assert!(few, "{}: its {tests} lines of tests belong into a file of their own", file.display());
    }
    let mut found = 0;
    for file in rust_files(&root.join("src")).iter().filter(|file| file.ends_with("tests.rs")) {
        let room = file.parent().unwrap();
        let above = [room.join("mod.rs"), room.with_extension("rs")].into_iter().find(|file| file.exists());
        let above = above.unwrap_or_else(|| panic!("{} tests nothing", file.display()));
        let source = read(&above);
        assert!(
            source[without_tests(&source).len()..].ends_with("mod tests;\n"),
            "{} is compiled into the program",
            file.display()
        );
        found += 1;
    }
    assert!(found > 0, "no file of tests was found");
}

/// A code that nothing finds would be a promise in the manual.
#[test]
fn every_lint_code_is_found_somewhere() {
    let files = program_files(&root().join("src"));
    let sources: String = files.iter().map(|file| without_tests(&read(file)).to_owned()).collect();
    for code in smtp_sts_verify::policy::lint::Code::ALL {
        assert!(sources.contains(&format!("Code::{code:?}")), "{code:?}");
    }
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    for place in ["src", "tests", "examples", "fuzz/fuzz_targets"] {
        for file in rust_files(&root().join(place)) {
            let source = read(&file);
            // Put together here, so that this file does not find itself.
            for opening in ["#[", "#!["].map(|bracket| [bracket, "allow("].concat()) {
                for (at, _) in source.match_indices(&opening) {
                    let attribute = source[at..].split(")]").next().unwrap();
                    assert!(attribute.contains("reason = \""), "{}: {attribute})]", file.display());
                }
            }
        }
    }
}

#[test]
fn no_sql_is_put_together_from_text() {
    let files = ["src/cache", "src/fleet"].map(|place| program_files(&root().join(place)));
    for file in files.into_iter().flatten() {
        let source = read(&file);
        let source = without_tests(&source);
        for (at, _) in source.match_indices("format!(") {
            // A text that is long begins in the line behind.
            let statement = source[at..].lines().take(2).collect::<String>();
            for word in [
                "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP ", "ATTACH ", "select ",
                "insert ",
            ] {
                assert!(!statement.contains(word), "{}: {statement}", file.display());
            }
        }
    }
}

/// C12: the system's resolver reads search lists and files of hosts, and validates nothing.
#[test]
fn names_are_looked_up_by_our_own_resolver_alone() {
    for file in program_files(&root().join("src")) {
        for line in without_tests(&read(&file)).lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in ["lookup_host", "ToSocketAddrs", "to_socket_addrs", "getaddrinfo", "system_conf"] {
                assert!(!line.contains(word), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn no_dependency_is_older_than_its_last_known_flaw() {
    for (name, version) in locked() {
        let Some((_, floor)) = FLOORS.iter().find(|(floored, _)| *floored == name) else { continue };
        let plain = version.split(['-', '+']).next().unwrap();
        let parts: Vec<u32> = plain.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(parts.as_slice() >= floor.as_slice(), "{name} {version} is older than {floor:?}");
    }
}

/// Exactly this version was measured; a newer one is a decision, not an update.
#[test]
fn hickory_is_the_version_that_was_measured() {
    let hickory: Vec<_> = locked().into_iter().filter(|(name, _)| name.starts_with("hickory-")).collect();
    assert_eq!(hickory.len(), 3, "{hickory:?}");
    for (name, version) in hickory {
        assert_eq!(version, "0.26.3", "{name}");
    }
    let manifest = read(&root().join("Cargo.toml"));
    for name in ["hickory-proto", "hickory-resolver"] {
        assert!(manifest.contains(&format!("{name} = {{ version = \"=0.26.3\"")), "{name} is not pinned");
    }
}

#[test]
fn there_is_one_tls_one_http_and_nothing_that_nobody_keeps() {
    for (name, _) in locked() {
        assert!(!BANNED.contains(&name.as_str()), "{name} came in");
    }
}

/// The lock file names *ring* too, since features of rustls-webpki and hickory mention it; nothing may build it.
/// cargo-deny is not everywhere; what it would refuse stands in one list all the same.
#[test]
fn cargo_deny_bans_what_is_banned_here() {
    let deny: toml::Table = read(&root().join("deny.toml")).parse().unwrap();
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(banned, BANNED);
}

/// What a build script does, it does on the machine of whoever builds: each was looked at, and none comes in unseen.
#[test]
fn crates_that_run_code_while_they_are_built_are_these() {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).current_dir(root()).args(arguments).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let target = "x86_64-unknown-linux-gnu";
    let tree =
        ["tree", "--offline", "--locked", "-e", "normal,build", "--target", target, "--prefix", "none"];
    let metadata = ["metadata", "--offline", "--locked", "--format-version", "1"];
    let (Some(tree), Some(metadata)) = (cargo(&tree), cargo(&metadata)) else {
        return skipped("build scripts", "not all sources are here");
    };
    let built: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap()))
        .collect();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let has_script = |package: &&serde_json::Value| {
        let targets = package["targets"].as_array().unwrap().iter();
        targets.flat_map(|target| target["kind"].as_array().unwrap()).any(|kind| kind == "custom-build")
    };
    let scripts: BTreeSet<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| built.contains(&(&text(&package["name"]), &text(&package["version"]))))
        .filter(has_script)
        .map(|package| text(&package["name"]))
        .collect();
    assert_eq!(scripts, BUILD_SCRIPTS.map(str::to_owned).into());
    assert!(built.len() <= MAX_CRATES, "{} crates", built.len());
}

#[test]
fn there_is_one_crypto_library() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal,build,dev"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    let built = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<_> = built.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("aws-lc-rs") && !names.contains("ring"), "{names:?}");
}

/// Whoever builds one of the programs of `examples` beside the verifier would compile the verifier twice if a crate of theirs gave
/// a crate of ours another feature: minutes of each release.
#[test]
fn the_programs_of_examples_give_the_verifier_no_other_features() {
    let crates_of = |package: &str| {
        let arguments = [
            "tree",
            "--offline",
            "--locked",
            "-p",
            package,
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "-f",
            "{p} {f}",
        ];
        let output = Command::new(env!("CARGO")).current_dir(root()).args(arguments).output().unwrap();
        let tree = output.status.success().then(|| String::from_utf8(output.stdout).unwrap())?;
        let lines = tree.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned());
        Some(lines.collect::<BTreeSet<_>>())
    };
    for example in ["lab", "load"] {
        let (Some(ours), Some(theirs)) = (crates_of("smtp-sts-verify"), crates_of(example)) else {
            return skipped("features of the examples", "not all sources are here");
        };
        let other: Vec<_> = ours.difference(&theirs).collect();
        assert!(other.is_empty() && ours.len() > 100, "{example} has not these, but others: {other:?}");
    }
}

#[test]
fn all_packages_come_from_the_one_registry() {
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        let source = package.get("source").and_then(toml::Value::as_str);
        let expected =
            source.is_none_or(|source| source == "registry+https://github.com/rust-lang/crates.io-index");
        assert!(expected, "{:?}: {source:?}", package["name"]);
    }
}

/// Each test program links the whole library once more. Another test has its place in one of these.
#[test]
fn there_are_four_test_programs() {
    let tests = root().join("tests");
    let mut programs: Vec<_> = fs::read_dir(&tests)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("main.rs").exists() || path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| path.strip_prefix(&tests).unwrap().display().to_string())
        .collect();
    programs.sort();
    assert_eq!(programs, ["differential", "program", "screens", "unit"]);
}

/// What an administrator copied by hand from an earlier version is replaced at the next upgrade only if it is known.
#[test]
fn every_earlier_version_of_exims_files_is_known_by_its_checksum() {
    let root = root();
    if !root.join(".git").exists() {
        skipped("earlier versions of Exim's files", "there is no history here");
        return;
    }
    let before = read(&root.join("exim/earlier.sha256"));
    let listed = Command::new(root.join("exim/debian/list-earlier")).arg("--print").output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let known: Vec<&str> = before.lines().collect();
    for version in String::from_utf8(listed.stdout).unwrap().lines() {
        assert!(known.contains(&version), "exim/debian/list-earlier was not run: {version}");
    }
}
