//! Why SQLite or the system refused, in words of our own, and what helps.

use rusqlite::{Error, ErrorCode};
use std::fmt;
use std::io::{self, ErrorKind};

/// Why a file could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The rights of this process do not suffice.
    Denied,
    /// There is no room left on the disk.
    Full,
    /// Another process had the file for too long.
    Locked,
    /// The file, its journal or its directory cannot be opened or made, for whatever reason: SQLite does not say.
    NotOpened,
    /// The file or its file system is not to be written to.
    ReadOnly,
    /// Reading or writing failed; SQLite's number for it.
    Failed(i32),
    /// What is said of it.
    Other(String),
}

impl Cause {
    /// What helps, for the operator.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Full => "make room on its disk",
            Self::Locked => "another process was writing for longer than one waits for it: try again",
            Self::ReadOnly => "see how its file system is mounted, and who may write to the file",
            Self::Failed(_) => "look at the disk, and at what the system's log says of it",
            Self::Denied | Self::NotOpened | Self::Other(_) => {
                "check the space, the permissions and the owner of its directory"
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => f.write_str("permission is denied"),
            Self::Full => f.write_str("its disk is full"),
            Self::Locked => f.write_str("it is locked"),
            Self::NotOpened => f.write_str("it or its journal cannot be opened"),
            Self::ReadOnly => f.write_str("it is read-only"),
            Self::Failed(code) => write!(f, "the disk or the system fails (SQLite's error {code})"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

impl From<&str> for Cause {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}

impl From<&Error> for Cause {
    fn from(error: &Error) -> Self {
        match error.sqlite_error() {
            Some(failure) => match failure.code {
                ErrorCode::CannotOpen => Self::NotOpened,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked,
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::PermissionDenied => Self::Denied,
                ErrorCode::ReadOnly => Self::ReadOnly,
                ErrorCode::SystemIoFailure => Self::Failed(failure.extended_code),
                _ => Self::Other(error.to_string()),
            },
            None => Self::Other(error.to_string()),
        }
    }
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::QuotaExceeded | ErrorKind::StorageFull => Self::Full,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Other(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, OpenFlags};

    #[test]
    fn what_sqlite_refuses_is_said_in_our_words() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cache.db");
        let (one, other) = (Connection::open(&path).unwrap(), Connection::open(&path).unwrap());
        one.execute_batch("CREATE TABLE t (x); PRAGMA max_page_count = 2").unwrap();
        let cause = |done: rusqlite::Result<()>| Cause::from(&done.unwrap_err());
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) INSERT INTO t SELECT zeroblob(4000) FROM n";
        assert_eq!(cause(one.execute_batch(fill)), Cause::Full);
        one.execute_batch("BEGIN EXCLUSIVE").unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        assert_eq!(cause(other.execute_batch("BEGIN EXCLUSIVE")), Cause::Locked);
        one.execute_batch("ROLLBACK").unwrap();
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(cause(reader.execute_batch("DELETE FROM t")), Cause::ReadOnly);
        let absent =
            Connection::open_with_flags(directory.path().join("no.db"), OpenFlags::SQLITE_OPEN_READ_ONLY);
        assert_eq!(cause(absent.map(drop)), Cause::NotOpened);
        assert!(matches!(cause(one.execute_batch("SELECT")), Cause::Other(_)));
        assert_eq!(Cause::from(&io::Error::from_raw_os_error(28)), Cause::Full, "ENOSPC");
        assert_eq!(Cause::from(&io::Error::from_raw_os_error(30)), Cause::ReadOnly, "EROFS");
        assert_eq!(Cause::from(&io::Error::from_raw_os_error(13)), Cause::Denied, "EACCES");
    }
}
