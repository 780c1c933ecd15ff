//! The table of promises names tests that there are.

use std::fs;
use std::path::Path;

/// Rows of each letter.
const ROWS: [(char, usize); 9] =
    [('A', 12), ('B', 9), ('C', 20), ('D', 13), ('E', 10), ('F', 14), ('G', 19), ('H', 8), ('I', 7)];

fn read_all(directory: &Path, all: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_promise_names_a_test_or_a_suite_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    ["src", "tests"].iter().for_each(|directory| read_all(&root.join(directory), &mut sources));
    let is_a_test = |name: &str| {
        sources.match_indices(&format!("fn {name}(")).any(|(at, _)| {
            let before = &sources[..at];
            let attributes = &before[before.rfind("\n\n").unwrap_or(0)..];
            attributes.contains("#[test]") || attributes.contains("#[tokio::test")
        })
    };
    let page = fs::read_to_string(root.join("tests/promises.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .skip(1)
        .collect();
    let expected: Vec<String> =
        ROWS.iter().flat_map(|(letter, rows)| (1..=*rows).map(move |row| format!("{letter}{row}"))).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), expected);
    for row in rows {
        let [name, _, shown_by] = row[..] else { panic!("{row:?} has three columns") };
        let mut is_shown = false;
        for word in shown_by.split('`').skip(1).step_by(2) {
            let is_a_name = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if is_a_name && word.matches('_').count() > 1 {
                assert!(is_a_test(word), "{name}: there is no test {word}");
                is_shown = true;
            } else if word.contains('.') && !word.contains(' ') || word.starts_with("tests/") {
                assert!(root.join(word).exists(), "{name}: there is no {word}");
                is_shown |= word.starts_with("tests/");
            }
        }
        assert!(is_shown, "{name} is shown by nothing");
    }
}
