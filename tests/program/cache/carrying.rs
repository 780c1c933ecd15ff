//! `cache export` and `cache import`: a new host does not begin with trust on first use, and believes no forgery.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

/// `cache import -` of that text.
fn import(lab: &Laboratory, program: &Program, format: &str, text: &[u8]) -> Output {
    let mut command = command(lab, program, &["import", "-", "--format", format]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may stop before the end: what it says is looked at, not what it read.
    let _read_in_part = child.stdin.take().unwrap().write_all(text);
    child.wait_with_output().unwrap()
}

/// The lines of an export.
fn exported(lab: &Laboratory, program: &Program) -> Vec<String> {
    let output = cache(lab, program, &["export"]);
    assert_eq!((exit(&output), output.stderr.len()), (0, 0));
    said(&output).lines().map(str::to_owned).collect()
}

#[test]
fn an_export_says_where_and_when_and_then_each_policy() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let before = state(&program);
    let lines = exported(&lab, &program);
    let head: Value = serde_json::from_str(&lines[0]).unwrap();
    assert!(head["host"].is_string() && head["exported_at"].is_u64(), "{head}");
    assert_eq!((&head["smtp_sts_verify_export"], lines.len()), (&1.into(), 5));
    let last: Value = serde_json::from_str(&lines[4]).unwrap();
    assert_eq!((&last["domain"], &last["mechanism"]), (&"sts.test".into(), &"mta-sts".into()));
    assert_eq!(state(&program), before);
    assert_eq!(exported(&lab, &Program::new(&lab)).len(), 1);
}

#[test]
fn a_file_is_whole_and_nobody_elses_business() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let path = lab.directory().join("export");
    fs::write(&path, "an older one").unwrap();
    let told = cache(&lab, &program, &["export", "--output", path.to_str().unwrap()]);
    assert_eq!(said(&told), format!("exported 4 policies to {}\n", path.display()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5);
    let told = cache(&lab, &program, &["export", "--format", "json", "-o", path.to_str().unwrap()]);
    assert_eq!(objects(&told)[0]["exported"], 4);
    let hidden = fs::read_dir(lab.directory()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(hidden.into_iter().all(|name| !name.to_str().unwrap().starts_with(".export")));

    let output = cache(&lab, &program, &["export", "-o", "/nonexistent/export"]);
    assert_eq!((exit(&output), said(&output).as_str()), (75, ""));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/export cannot be written"));
}

#[test]
fn another_host_enforces_at_once_what_it_was_given() {
    let lab = Laboratory::start();
    let (old, new) = (filled(&lab), Program::new(&lab));
    let path = lab.directory().join("export");
    cache(&lab, &old, &["export", "-o", path.to_str().unwrap()]);
    let output = cache(&lab, &new, &["import", path.to_str().unwrap()]);
    let text = said(&output);
    assert!(text.ends_with(": 4 stored, 0 known here as well or better, 0 refused\n"), "{text}");
    assert_eq!((exit(&output), output.stderr.len()), (0, 0));
    assert_eq!(
        said(&cache(&lab, &new, &["list", "--format", "json"])),
        said(&cache(&lab, &old, &["list", "--format", "json"])),
        "they end when they would have ended there"
    );
    // The draft's policy refuses only once it was applied: it was, elsewhere.
    let told = new.delivery("enforced.test", "mx.hosting.test");
    assert_eq!(told.of(["verdict", "reason", "auth"]), ["refuse", "mx-not-in-policy", "dnssec"]);
    let told = new.delivery("sts.test", "mx.hosting.test");
    assert_eq!(told.of(["verdict", "policy"]), ["refuse", "mta-sts"], "{}", told.line);
    let history = said(&cache(&lab, &new, &["history", "sts.test"]));
    assert!(history.contains(" imported ") && history.contains("    from "), "{history}");

    let again = import(&lab, &new, "json", &fs::read(&path).unwrap());
    assert_eq!(objects(&again), [serde_json::json!({"stored": 0, "unchanged": 4, "refused": 0})]);
}

#[test]
fn each_refused_line_is_named_with_its_field_and_nothing_is_taken() {
    let lab = Laboratory::start();
    let old = filled(&lab);
    let lines = exported(&lab, &old);
    let good = &lines[4];
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} {good}");
        good.replace(from, to)
    };
    let object: Value = serde_json::from_str(good).unwrap();
    let (fetched, ends) = (object["fetched_at"].as_u64().unwrap(), object["expires_at"].as_u64().unwrap());
    let moment =
        |name: &str, at: u64, to: u64| with(&format!("\"{name}\":{at}"), &format!("\"{name}\":{to}"));
    let hostile = [
        ("garbage".to_owned(), None),
        ("\u{1b}]0;x\u{7}\u{202e}".to_owned(), None),
        ("{}".to_owned(), None),
        (with("\"sts.test\"", "\"a..b\""), Some("domain")),
        (with("\"sts.test\"", "\"\\u001b[2J\\u202e\""), Some("domain")),
        (with("mta-sts", "dane"), Some("mechanism")),
        (with("mode: enforce", "mode: perhaps"), Some("policy")),
        (with("mx: *.sts.test", "mx: \\u0000\\u202e"), Some("policy")),
        (with("\"webpki\"", "\"trusted\""), Some("authentication")),
        (with("\"webpki\"", "\"first-use\""), Some("expires_at")),
        (moment("expires_at", ends, u64::MAX), Some("expires_at")),
        (moment("expires_at", ends, fetched), Some("expires_at")),
        (moment("fetched_at", fetched, fetched + 300_000), Some("fetched_at")),
        // Behind it nothing is read, not even an end of it.
        ("x".repeat(1 << 20), None),
        ("garbage".to_owned(), None),
    ];
    let mut text = format!("{}\n", lines[0]);
    for (line, _) in &hostile {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(good);
    let new = Program::new(&lab);
    let output = import(&lab, &new, "json", text.as_bytes());
    let objects = objects(&output);
    assert_eq!((exit(&output), objects.len()), (1, hostile.len()), "{objects:?}");
    for (at, (line, field)) in hostile.iter().enumerate().take(hostile.len() - 1) {
        let (told, line) = (&objects[at], &line[..line.len().min(200)]);
        assert_eq!((&told["line"], &told["field"]), (&(at + 2).into(), &(*field).into()), "{line}: {told}");
        let why = told["why"].as_str().unwrap();
        assert!(
            !why.is_empty() && why.len() < 400 && field.is_none_or(|field| why.contains(field)),
            "{told}"
        );
    }
    let summary = serde_json::json!({"stored": 0, "unchanged": 0, "refused": hostile.len() - 1});
    assert_eq!(objects.last(), Some(&summary));
    assert_eq!(state(&new).len(), 0, "not even a file");

    let output = import(&lab, &Program::new(&lab), "human", text.as_bytes());
    let text = said(&output);
    assert!(text.contains("line 6: refused: field 'domain' holds"), "{text}");
    assert!(text.contains("\nnothing was imported: "), "{text}");
    assert!(text.ends_with(": 0 stored, 0 known here as well or better, 14 refused\n"), "{text}");
}

#[test]
fn what_ended_on_its_way_is_told_and_keeps_nothing_else_from_being_taken() {
    let lab = Laboratory::start();
    let mut lines = exported(&lab, &filled(&lab));
    let ended: Value = serde_json::from_str(&lines[4]).unwrap();
    let (fetched, ends) = (ended["fetched_at"].as_u64().unwrap(), ended["expires_at"].as_u64().unwrap());
    lines[4] = lines[4].replace(&format!("\"expires_at\":{ends}"), &format!("\"expires_at\":{fetched}"));
    let new = Program::new(&lab);
    let output = import(&lab, &new, "json", lines.join("\n").as_bytes());
    let objects = objects(&output);
    assert_eq!(
        (exit(&output), &objects[0]["line"], &objects[0]["field"]),
        (1, &5.into(), &"expires_at".into())
    );
    assert_eq!(objects[1], serde_json::json!({"stored": 3, "unchanged": 0, "refused": 1}));
    assert_eq!(exported(&lab, &new).len(), 4);
}

#[test]
fn without_a_head_nothing_is_taken() {
    let lab = Laboratory::start();
    let lines = exported(&lab, &filled(&lab));
    let elsewhere = lines[0].replace("\"circumstances\":\"", "\"circumstances\":\"00");
    let future = lines[0].replace("_export\":1", "_export\":2");
    for head in ["", "\n", lines[1].as_str(), elsewhere.as_str(), future.as_str()] {
        let text = format!("{head}\n{}\n", lines[1]);
        let new = Program::new(&lab);
        let output = import(&lab, &new, "human", text.as_bytes());
        let text = said(&output);
        assert!(text.starts_with("line 1: refused: ") && text.contains("\nnothing was imported"), "{text}");
        assert_eq!((exit(&output), state(&new).len()), (1, 0), "{head}");
    }
}

#[test]
fn what_a_line_is_instead_of_one_of_an_export_is_told_in_words_of_our_own() {
    let lab = Laboratory::start();
    let lines = exported(&lab, &filled(&lab));
    let (head, good) = (lines[0].as_bytes(), lines[4].as_str());
    let utf_16: Vec<u8> =
        [0xFEFF].into_iter().chain(lines[0].encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mut broken = good.as_bytes().to_vec();
    let at = good.find("sts.test").unwrap();
    broken[at] = 0xFF;
    let ends = good.split("\"expires_at\":").nth(1).unwrap().split(',').next().unwrap();
    for (text, words) in [
        (Vec::new(), "line 1: refused: it is no line of an export of this program: there is nothing in it\n"),
        (utf_16, "line 1: refused: it is UTF-16, and"),
        ([b"\xef\xbb\xbf", head].concat(), "a byte order mark stands before it"),
        ([head, b"\n", &broken].concat(), "line 2: refused: something in it is no UTF-8"),
        (
            [head, b"\n", &good.as_bytes()[..40]].concat(),
            "line 2: refused: it is no line of an export of this program: it ends too early",
        ),
        ([head, b"\n", good.replace("mechanism", "m").as_bytes()].concat(), ": it has no 'mechanism'\n"),
        (
            [head, b"\n", good.replace(ends, "1e20").as_bytes()].concat(),
            ": 'expires_at' is no whole number from 0 to",
        ),
        (
            [head, b"\n", good.replace("\"webpki\"", "1").as_bytes()].concat(),
            ": 'authentication' is no text\n",
        ),
        (
            [head, b"\n", good.replace('}', ",\"policy\":\"\"}").as_bytes()].concat(),
            ": a field stands in it twice\n",
        ),
        ([head, b"\n", b"[]"].concat(), ": it is no JSON object"),
    ] {
        let output = import(&lab, &Program::new(&lab), "human", &text);
        let told = said(&output);
        assert!(
            exit(&output) == 1 && told.contains(words) && told.contains("\nnothing was imported"),
            "{words}: {told}"
        );
    }
}

#[test]
fn of_very_many_bad_lines_a_hundred_are_told_and_the_others_counted() {
    let lab = Laboratory::start();
    let head = exported(&lab, &Program::new(&lab)).remove(0);
    let output =
        import(&lab, &Program::new(&lab), "human", format!("{head}\n{}", "x\n".repeat(300)).as_bytes());
    let text = said(&output);
    assert_eq!(text.lines().filter(|line| line.starts_with("line ")).count(), 100, "{text}");
    assert!(text.contains("\nand 200 more lines, which are not told\n"), "{text}");
    assert!(text.ends_with(", 300 refused\n"), "{text}");
}

#[test]
fn where_there_is_no_room_for_all_of_it_no_line_is_to_blame() {
    let lab = Laboratory::start();
    let (export, small) = (lab.directory().join("export"), lab.directory().join("small.toml"));
    fs::write(&export, exported(&lab, &filled(&lab)).join("\n")).unwrap();
    fs::write(&small, "max_domains = 1\n").unwrap();
    let new = Program::new(&lab);
    let mut command = Command::new(PROGRAM);
    command.args(["cache", "import"]).arg(&export).args(lab.options());
    let output = command.arg("--config").arg(&small).arg("-c").arg(new.cache()).output().unwrap();
    let text = said(&output);
    assert!(exit(&output) == 1 && text.contains("; raise max_domains\n"), "{text}");
    assert!(text.contains("\nnothing was imported: there is not room for all of it\n"), "{text}");
    assert!(!text.contains("mend or remove"), "{text}");
}

#[test]
fn what_never_ends_is_read_no_further_than_the_longest_line() {
    let lab = Laboratory::start();
    let output = cache(&lab, &Program::new(&lab), &["import", "/dev/zero"]);
    assert_eq!(exit(&output), 1);
    assert!(
        said(&output).starts_with("line 1: refused: it is longer than 524288 octets"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_pipe_is_waited_for_with_a_word_until_somebody_writes_into_it() {
    let lab = Laboratory::start();
    let lines = exported(&lab, &filled(&lab)).join("\n");
    let pipe = lab.directory().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let new = Program::new(&lab);
    let mut command = command(&lab, &new, &["import", pipe.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.ends_with("is a pipe: waiting for somebody who writes into it\n"), "{told}");
    fs::write(&pipe, lines).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(said(&output).contains(": 4 stored, "), "{}", said(&output));
}

#[test]
fn a_file_that_cannot_be_read_is_64() {
    let lab = Laboratory::start();
    let output = cache(&lab, &Program::new(&lab), &["import", "/nonexistent/export"]);
    assert_eq!((exit(&output), said(&output).as_str()), (64, ""));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/export cannot be read"));
}

/// What somebody could write into a field of a line of an export.
fn changes(line: &Value) -> Vec<(&'static str, Value)> {
    let number = |field: &str| line[field].as_u64().unwrap_or_default();
    let (fetched, ends) = (number("fetched_at"), number("expires_at"));
    let policy = line["policy"].as_str().unwrap();
    let mut all: Vec<(&str, Value)> =
        ["a..b", "other.test"].into_iter().map(|word| ("domain", word.into())).collect();
    all.extend(["mta-sts", "smtp-sts", "dane"].map(|word| ("mechanism", word.into())));
    all.extend(["first-use", "webpki", "dnssec", "trusted"].map(|word| ("authentication", word.into())));
    let lines = |keep: fn(&&str) -> bool| {
        policy.lines().filter(keep).map(|line| format!("{line}\n")).collect::<String>()
    };
    let policies = [
        policy.replace("enforce", "testing"),
        policy.replace("testing", "enforce"),
        lines(|line| !line.starts_with("mx:")).replace("enforce", "none").replace("testing", "none"),
        lines(|line| !line.starts_with("mx:")),
        policy.replace("mx: ", "mx: *.evil.test\nmx: "),
        policy.replace("max_age: 604800", "max_age: 60"),
        policy.replace("max_age: ", "max_age: 3"),
        policy.replace("to=true", "to=false"),
        policy.replace("mx=", "mx=*.evil.test,"),
        policy.replace("e=604800", "e=0"),
        policy.replace("id=1", "id=2"),
        "of another kind".to_owned(),
    ];
    all.extend(policies.map(|policy| ("policy", policy.into())));
    all.extend(
        [0, fetched - 1, fetched + 1, fetched + 300_000, u64::MAX].map(|at| ("fetched_at", at.into())),
    );
    all.extend([0, fetched, ends - 1, ends + 1, u64::MAX].map(|at| ("expires_at", at.into())));
    all.extend([0, fetched, fetched + 300_000].map(|at| ("applied_at", at.into())));
    all.push(("applied_at", Value::Null));
    all.retain(|(field, value)| line[field] != *value);
    all
}

/// Each field of each line of a real export is changed in turn, and the file is read where the genuine policies are known. Either the
/// line is refused by the name of a field, and nothing is taken; or all that is known is as it was, but that it may be known to have been
/// met or authenticated, and that a line may claim to have been fetched later.
#[test]
fn whichever_field_of_a_line_is_changed_it_is_refused_by_name_or_weakens_nothing() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let lines = exported(&lab, &program);
    let genuine = fs::read(program.cache()).unwrap();
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    let (mut refused, mut read_in) = (0, 0);
    for at in 1..lines.len() {
        for (field, value) in changes(&read(&lines[at])) {
            let mut changed = read(&lines[at]);
            changed[field] = value.clone();
            let mut text = lines.clone();
            text[at] = changed.to_string();
            fs::write(program.cache(), &genuine).unwrap();
            let output = import(&lab, &program, "json", text.join("\n").as_bytes());
            let (told, after) = (objects(&output), exported(&lab, &program));
            let story = format!("{field} of {} is {value}: {told:?}", lines[at]);
            if exit(&output) == 1 {
                let named = told[0]["field"].as_str().unwrap_or_else(|| panic!("{story}"));
                // Moments, authentication and life are judged together, and so are a policy and what kind it is.
                let others = match field {
                    "fetched_at" | "authentication" => "expires_at",
                    "policy" if named == "expires_at" => "expires_at",
                    "mechanism" if named == "policy" => "policy",
                    _ => field,
                };
                assert!(told[0]["line"] == at + 1 && (named == field || named == others), "{story}");
                assert_eq!(told[1]["stored"], 0, "{story}");
                assert_eq!(after[1..], lines[1..], "{story}");
                refused += 1;
                continue;
            }
            assert_eq!((exit(&output), &told[0]["refused"]), (0, &0.into()), "{story}");
            read_in += 1;
            for before in lines[1..].iter().map(read) {
                let key = |one: &Value| (one["domain"].clone(), one["mechanism"].clone());
                let mut now = after[1..].iter().map(read).find(|one| key(one) == key(&before)).unwrap();
                if now["fetched_at"].as_u64() > before["fetched_at"].as_u64() {
                    assert_eq!((field, key(&before)), ("fetched_at", key(&changed)), "{story}");
                    now["fetched_at"] = before["fetched_at"].clone();
                }
                if field == "authentication" && key(&before) == key(&changed) && before[field] == "first-use"
                {
                    now[field] = before[field].clone();
                }
                if before["applied_at"].is_null()
                    || now["applied_at"].as_u64() < before["applied_at"].as_u64()
                {
                    now["applied_at"] = before["applied_at"].clone();
                }
                assert_eq!(now, before, "{story}");
            }
        }
    }
    assert!(refused > 30 && read_in > 30, "{refused} were refused, {read_in} read");
}
