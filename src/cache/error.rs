//! Why the cache cannot be used, told to the operator.

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
        const MEANING: &str = "mail is judged as at a first contact, without the policies remembered so far";
        match self {
            Self::Corrupt { file, found, fate } => {
                write!(f, "the cache {} is damaged ({found}); this time {MEANING}; ", file.display())?;
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
                "the cache {} is {whose} and was left untouched; {MEANING}; give another file with -c, or install \
                 the program that wrote it",
                file.display()
            ),
            Self::Retold(words) => f.write_str(words),
            Self::Unsafe { path, why } => {
                write!(f, "the cache is not trusted: {} {why}; {MEANING}", path.display())
            }
            Self::Unusable { file, doing, why } => write!(
                f,
                "the cache {} could not be used while {doing}: {why}; {MEANING}; check the space, the permissions \
                 and the owner of its directory",
                file.display()
            ),
        }
    }
}

impl std::error::Error for CacheError {}

impl CacheError {
    /// A path that breaks a rule of [`super::file`].
    pub(super) fn unsafe_path(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsafe { path: path.to_owned(), why: why.into() }
    }
}
