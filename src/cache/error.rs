//! Why the cache cannot be used, told to the operator.

use super::cause::Cause;
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
        /// Whether that was to read or to write.
        to: Use,
        /// The cause.
        why: Cause,
    },
    /// Whoever only looks has to wait for somebody who writes. Nothing is lost, and a delivery goes by what is in it.
    Waiting {
        /// The file.
        file: PathBuf,
        /// What is the matter, and who mends it.
        what: &'static str,
    },
}

/// What a file was to be used for, and so what is lost if it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nothing of it is known.
    Read,
    /// What is remembered goes on to count, and what is new is not kept.
    Write,
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
            Self::Unusable { file, doing, to, why } => {
                let (trouble, meaning) = match to {
                    Use::Read => ("could not be used", meaning(file)),
                    Use::Write => ("could not be written to", meaning_of_what_is_new(file)),
                };
                let file = file.display();
                write!(f, "the cache {file} {trouble} while {doing}: {why}; {meaning}; {}", why.advice())
            }
            Self::Waiting { file, what } => {
                write!(f, "the cache {} cannot be shown yet: {what}; nothing is lost", file.display())
            }
        }
    }
}

/// What lies in a file, as its name says.
enum Holds {
    Answers,
    Hearsay,
    Policies,
    Reports,
    Withheld,
}

impl Holds {
    fn of(file: &Path) -> Self {
        let text =
            |name: Option<&OsStr>| name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (name, stem) = (text(file.file_name()), text(file.file_stem()));
        let is_of = |kind: &str| name.ends_with(kind) || stem.ends_with(kind);
        if is_of(".dns") {
            Self::Answers
        } else if is_of(".reports") || is_of(".outbox") {
            Self::Reports
        } else if is_of(".fleet") {
            Self::Hearsay
        } else if is_of(".withheld") {
            Self::Withheld
        } else {
            Self::Policies
        }
    }
}

/// What it means for the mail that nothing of that file is known.
fn meaning(file: &Path) -> &'static str {
    match Holds::of(file) {
        Holds::Answers => "what was remembered of DNS is asked for again",
        Holds::Hearsay => "what other hosts of the fleet have learnt does not count for mail",
        Holds::Policies => "mail is judged as at a first contact, without the policies remembered so far",
        Holds::Reports => "TLS reports may lack something, and mail is not concerned",
        Holds::Withheld => "what became of withheld mail is not told, and mail is not concerned",
    }
}

/// What it means that what is new is not kept, while what is remembered goes on to count.
fn meaning_of_what_is_new(file: &Path) -> &'static str {
    match Holds::of(file) {
        Holds::Answers => "what is new of DNS is not kept, and is asked for again",
        Holds::Hearsay => {
            "what other hosts of the fleet learn now does not count for mail; what is remembered does"
        }
        Holds::Policies => {
            "what is new is not kept: policies remembered so far go on to count, and others only for as long as they can be fetched"
        }
        Holds::Reports | Holds::Withheld => meaning(file),
    }
}

impl std::error::Error for CacheError {}

impl CacheError {
    /// A path that breaks a rule of [`super::file`].
    pub(super) fn unsafe_path(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsafe { path: path.to_owned(), why: why.into() }
    }

    /// The same trouble where nothing could be read for it.
    pub(super) fn on_reading(self) -> Self {
        match self {
            Self::Unusable { file, doing, why, .. } => Self::Unusable { file, doing, to: Use::Read, why },
            other => other,
        }
    }

    /// Whether what is remembered goes on to count, and only what is new is not kept.
    #[must_use]
    pub const fn is_of_writing(&self) -> bool {
        matches!(self, Self::Unusable { to: Use::Write, .. })
    }

    /// Whether another process had the file for too long: it is over in a moment, and nothing is wrong with the file.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Unusable { why: Cause::Locked, .. })
    }

    /// The file or directory that it is about, if that is told.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Corrupt { file, .. }
            | Self::NotOurs { file, .. }
            | Self::Unusable { file, .. }
            | Self::Waiting { file, .. } => Some(file),
            Self::Unsafe { path, .. } => Some(path),
            Self::Retold(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_that_cannot_be_used_means_for_the_mail_is_said_of_that_file() {
        let said = |file: &str, to: Use, why: Cause| {
            CacheError::Unusable { file: PathBuf::from(file), doing: "reading it", to, why }.to_string()
        };
        for (file, unread, unwritten) in [
            ("/var/lib/x/cache.db", "as at a first contact", "remembered so far go on to count"),
            ("/var/lib/x.dns.db.d/cache.db", "as at a first contact", "remembered so far go on to count"),
            ("/var/lib/x/cache.fleet.db", "does not count for mail", "what is remembered does"),
            ("/var/lib/x/cache.dns.db", "remembered of DNS is asked for again", "new of DNS is not kept"),
            ("/var/lib/x/cache.dns.db-journal", "asked for again", "not kept"),
            ("/var/lib/x/cache.dns", "asked for again", "not kept"),
            ("/var/lib/x/cache.dns.sqlite", "asked for again", "not kept"),
            ("/var/lib/x/cache.reports.db", "mail is not concerned", "mail is not concerned"),
            ("/var/lib/x/cache.outbox.db", "mail is not concerned", "mail is not concerned"),
            ("/var/lib/x/cache.withheld.db", "mail is not concerned", "mail is not concerned"),
        ] {
            let words = said(file, Use::Read, Cause::NotOpened);
            assert!(words.contains(unread) && words.ends_with("the owner of its directory"), "{words}");
            let words = said(file, Use::Write, Cause::Full);
            assert!(words.contains(unwritten) && !words.contains("first contact"), "{words}");
            assert!(
                words.contains("its disk is full; ") && words.ends_with("make room on its disk"),
                "{words}"
            );
        }
        let locked = said("/var/lib/x/cache.db", Use::Read, Cause::Locked);
        assert!(locked.ends_with("try again"), "{locked}");
    }
}
