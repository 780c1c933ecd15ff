//! Why the cache cannot be used, told to the operator.

use super::file::NO_DIRECTORY;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why the cache cannot be used. Printed, it says which file, what happened, what it means for the mail, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheError {
    /// The file is damaged, or was filled by somebody else under our name.
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What was found.
        found: String,
        /// Where it is now.
        fate: Fate,
    },
    /// Another program's database, or a newer version's; left untouched.
    NotOurs {
        /// The file.
        file: PathBuf,
        /// Whose it is.
        whose: String,
    },
    /// Others could have written the file, or led the path elsewhere; nothing was read.
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// The rule that it breaks, and how to mend it.
        why: String,
    },
    /// It could not be used in a run at another time; the words for it then.
    Retold(String),
    /// The system refused: full, read-only, no permission, locked for too long, an I/O error.
    Unusable {
        /// The file.
        file: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's or SQLite's words.
        why: String,
    },
    /// Whoever only looks has to wait for somebody who writes. Nothing is lost, and a delivery goes by what is in it.
    Waiting {
        /// The file.
        file: PathBuf,
        /// What is the matter, and who mends it.
        what: &'static str,
    },
}

/// What became of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lies where it lay.
    LeftInPlace,
    /// It was moved aside; the next run starts an empty one.
    MovedTo(PathBuf),
    /// It was expendable and is gone; the next run starts an empty one.
    Removed,
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt { file, found, fate } => {
                let meaning = meaning(file);
                write!(f, "the cache {} is damaged ({found}); this time {meaning}; ", file.display())?;
                match fate {
                    Fate::LeftInPlace => f.write_str(
                        "move it and everything named like it away, the next run starts an empty one then",
                    ),
                    Fate::MovedTo(aside) => write!(
                        f,
                        "it lies at {} now and the next run starts an empty one; look at the disk, then remove it",
                        aside.display()
                    ),
                    Fate::Removed => {
                        f.write_str("it was expendable and has been removed; nothing has to be done")
                    }
                }
            }
            Self::NotOurs { file, whose } => write!(
                f,
                "the cache {} is {whose} and was left untouched; {}; give another file with -c, or install \
                 the program that wrote it",
                file.display(),
                meaning(file)
            ),
            Self::Retold(words) => f.write_str(words),
            Self::Unsafe { path, why } if why == NO_DIRECTORY => {
                write!(f, "there is no place for the cache: {} {why}; {}", path.display(), meaning(path))
            }
            Self::Unsafe { path, why } => {
                write!(f, "the cache is not trusted: {} {why}; {}", path.display(), meaning(path))
            }
            Self::Unusable { file, doing, why } => {
                let todo = if why == LOCKED {
                    "another process was writing for longer than one waits for it: try again"
                } else {
                    "check the space, the permissions and the owner of its directory"
                };
                let meaning = meaning(file);
                write!(
                    f,
                    "the cache {} could not be used while {doing}: {why}; {meaning}; {todo}",
                    file.display()
                )
            }
            Self::Waiting { file, what } => {
                write!(f, "the cache {} cannot be shown yet: {what}; nothing is lost", file.display())
            }
        }
    }
}

/// SQLite's words for another process's lock.
const LOCKED: &str = "database is locked";

/// What it means for the mail that nothing of that file is known: of those beside the policies' by their names.
fn meaning(file: &Path) -> &'static str {
    let text =
        |name: Option<&OsStr>| name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (name, stem) = (text(file.file_name()), text(file.file_stem()));
    let is_of = |kind: &str| name.ends_with(kind) || stem.ends_with(kind);
    if is_of(".dns") {
        "what was remembered of DNS is asked for again"
    } else if is_of(".reports") || is_of(".outbox") {
        "TLS reports may lack something, and mail is not concerned"
    } else if is_of(".fleet") {
        "what other hosts of the fleet have learnt does not count for mail"
    } else if is_of(".withheld") {
        "what became of withheld mail is not told, and mail is not concerned"
    } else {
        "mail is judged as at a first contact, without the policies remembered so far"
    }
}

impl std::error::Error for CacheError {}

impl CacheError {
    /// A path that breaks a rule of [`super::file`].
    pub(super) fn unsafe_path(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsafe { path: path.to_owned(), why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_that_cannot_be_used_means_for_the_mail_is_said_of_that_file() {
        let said = |file: &str, why: &str| {
            let (file, why) = (PathBuf::from(file), why.to_owned());
            CacheError::Unusable { file, doing: "reading it", why }.to_string()
        };
        for (file, meaning) in [
            ("/var/lib/x/cache.db", "as at a first contact"),
            ("/var/lib/x.dns.db.d/cache.db", "as at a first contact"),
            ("/var/lib/x/cache.fleet.db", "does not count for mail"),
            ("/var/lib/x/cache.dns.db", "asked for again"),
            ("/var/lib/x/cache.dns.db-journal", "asked for again"),
            ("/var/lib/x/cache.dns", "asked for again"),
            ("/var/lib/x/cache.dns.sqlite", "asked for again"),
            ("/var/lib/x/cache.reports.db", "mail is not concerned"),
            ("/var/lib/x/cache.outbox.db", "mail is not concerned"),
            ("/var/lib/x/cache.withheld.db", "mail is not concerned"),
        ] {
            let words = said(file, "disk I/O error");
            assert!(words.contains(meaning) && words.ends_with("the owner of its directory"), "{words}");
        }
        let locked = said("/var/lib/x/cache.db", "database is locked");
        assert!(locked.ends_with("try again"), "{locked}");
    }

    #[test]
    fn sqlites_words_for_a_lock_are_these() {
        let directory = tempfile::tempdir().unwrap();
        let open = || rusqlite::Connection::open(directory.path().join("cache.db")).unwrap();
        let (one, other) = (open(), open());
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        one.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert_eq!(other.execute_batch("BEGIN EXCLUSIVE").unwrap_err().to_string(), LOCKED);
    }
}
