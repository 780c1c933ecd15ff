//! What people see: every screen of the program, kept in `tests/screens/snapshots`, so that a change of words is seen in
//! review.
//!
//! One module for each command, one snapshot for each screen:
//!
//! ```text
//! typed("why dane-usable").shows("why-a-reason");
//! typed("cache list").at(&lab, &program).shows("cache-list");
//! ```
//!
//! A screen is what was typed, what came on standard output and on standard error, and the exit code. Whatever it is
//! about, it is held to printable ASCII and, on standard output, to 80 columns. What differs from run to run is masked
//! (`screen.rs`), in its own width wherever that is possible, for the sake of the line breaks.
//!
//! A difference fails the test and writes nothing (`.config/insta.yaml`). To take the new words over, for `git diff` to
//! show: `INSTA_UPDATE=always cargo test --test screens`. A snapshot that no test names fails, too.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

mod screen;
#[path = "../support/mod.rs"]
mod support;

mod cache;
mod explain;
mod help;
mod lint;
mod lookup;
mod matching;
mod probe;
mod reports;
mod verify;
mod why;

use std::fs;
use std::path::Path;

#[test]
fn every_snapshot_is_a_screen_of_some_test() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let files = |place: &Path, ending: &str| {
        let entries = fs::read_dir(place).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect::<Vec<_>>()
    };
    let tests: String = files(&place, "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for snapshot in files(&place.join("snapshots"), "snap") {
        let name = snapshot.file_stem().unwrap().to_str().unwrap();
        let is_shown =
            tests.contains(&format!("\"{name}\"")) || help::names().iter().any(|help| help == name);
        assert!(is_shown, "no test shows {name} any more: remove its snapshot");
    }
}
