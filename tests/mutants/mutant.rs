//! Which of all mutants this process is: `MUTANT` has its number. `MUTANTS_REACHED` names a file for the numbers of those that were reached.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

static CHOSEN: LazyLock<Option<usize>> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()));
static REACHED: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("MUTANTS_REACHED").map(PathBuf::from));
static SEEN: [AtomicBool; 10_000] = [const { AtomicBool::new(false) }; 10_000];

/// Whether the place with this number is the one that is changed.
pub(crate) fn chosen(number: usize) -> bool {
    if let Some(path) = &*REACHED
        && let Some(seen) = SEEN.get(number)
        && !seen.swap(true, Ordering::Relaxed)
        && let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = file.write_all(format!("{number}\n").as_bytes());
    }
    *CHOSEN == Some(number)
}
