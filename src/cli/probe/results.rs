//! The results of a batch: one JSON object a domain, in the order of the list, so that an interrupted file tells by its
//! length alone what is still to be done.
//!
//! A line is written as a whole and at once. Whatever ends the run, the file holds the first results of the list and
//! perhaps a part of the next one, which is cut off before it is continued.

use super::list::{List, ListedDomain};
use crate::limits::MAX_RESULT_LINE;
use nix::fcntl::OFlag;
use serde::Deserialize;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Why a file takes no results.
#[derive(Debug)]
pub(super) enum NoResults {
    /// It is there, and nobody said that it is to be continued.
    Exists,
    /// Another run writes it.
    Busy,
    /// It holds something else than the results of this list, from this line of the file on.
    NotOurs(u64, String),
    /// The system does not let it happen.
    Failed(io::Error),
}

impl fmt::Display for NoResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => {
                f.write_str("is there already: --resume continues it, or remove it to begin anew")
            }
            Self::Busy => f.write_str("is being written by another run"),
            Self::NotOurs(line, why) => {
                write!(f, "cannot be continued: in line {line} {why}; nothing was changed")
            }
            Self::Failed(error) => write!(f, "cannot be used: {error}"),
        }
    }
}

impl From<io::Error> for NoResults {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists,
            _ => Self::Failed(error),
        }
    }
}

/// What of an earlier result has to fit the list.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    line: u64,
    domain: Option<String>,
    /// The word under which it is counted.
    pub(super) outcome: String,
}

/// A file of results, to which more are appended.
#[derive(Debug)]
pub(super) struct Results(File);

impl Results {
    /// A new file.
    ///
    /// # Errors
    /// [`NoResults`].
    pub(super) fn begin(path: &Path) -> Result<Self, NoResults> {
        Self::open(path, OpenOptions::new().create_new(true))
    }

    /// A file that may be there, of the same list: takes the entries that it answers out of the list, tells of each, and
    /// cuts off what is no whole line.
    ///
    /// # Errors
    /// [`NoResults`]; the file is as it was then.
    pub(super) fn resume(
        path: &Path,
        list: &mut List<impl BufRead>,
        mut told: impl FnMut(&Done),
    ) -> Result<Self, NoResults> {
        let results = Self::open(path, OpenOptions::new().create(true))?;
        let mut reader = BufReader::new(&results.0);
        let most = u64::try_from(MAX_RESULT_LINE).unwrap_or(u64::MAX);
        let (mut octets, mut whole, mut number) = (Vec::new(), 0_u64, 0_u64);
        loop {
            octets.clear();
            let length = reader.by_ref().take(most).read_until(b'\n', &mut octets)?;
            number = number.saturating_add(1);
            let not_ours = |why: &str| NoResults::NotOurs(number, why.to_owned());
            if !octets.ends_with(b"\n") {
                if length == MAX_RESULT_LINE {
                    return Err(not_ours("it has a line that is longer than any result"));
                }
                break;
            }
            let done: Done = serde_json::from_slice(&octets)
                .map_err(|_| not_ours("it has something else than a result"))?;
            let entry =
                list.next()?.ok_or_else(|| not_ours("it has more results than the list has domains"))?;
            if !done.answers(&entry) {
                return Err(not_ours(&format!(
                    "it is about another domain than line {} of the list",
                    entry.line
                )));
            }
            told(&done);
            whole = whole.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        results.0.set_len(whole)?;
        Ok(results)
    }

    fn open(path: &Path, options: &mut OpenOptions) -> Result<Self, NoResults> {
        let options = options.read(true).append(true).mode(0o644).custom_flags(OFlag::O_NOFOLLOW.bits());
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(NoResults::Failed(io::Error::other("it is no ordinary file")));
        }
        // Goes with the process, however it ends.
        file.try_lock().map_err(|_| NoResults::Busy)?;
        Ok(Self(file))
    }

    /// Writes one result, its line end included.
    ///
    /// # Errors
    /// If the disk does not take all of it.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.0.write_all(line.as_bytes())
    }
}

impl Done {
    fn answers(&self, entry: &ListedDomain) -> bool {
        self.line == entry.line
            && self.domain.as_deref() == entry.domain.as_ref().ok().map(crate::name::PolicyDomain::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Cursor;
    use tempfile::TempDir;

    const LIST: &str = "# three of them\na.test\nno domain\nb.test\n";

    fn line(line: u64, domain: &str) -> String {
        format!("{{\"line\":{line},\"domain\":{domain},\"outcome\":\"refused\"}}\n")
    }

    /// The first of them in a line of so many octets, its end included.
    fn padded(octets: usize) -> String {
        let line = line(2, "\"a.test\"");
        " ".repeat(octets - line.len()) + &line
    }

    /// All results of the list.
    fn all() -> String {
        line(2, "\"a.test\"") + &line(3, "null") + &line(4, "\"b.test\"")
    }

    /// What is still to be done after these octets, and what is kept of them.
    fn resumed(octets: &str) -> Result<(Vec<u64>, String), String> {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("results");
        fs::write(&path, octets).unwrap();
        let mut list = List::new(Cursor::new(LIST));
        let resumed = Results::resume(&path, &mut list, |_| ());
        let kept = fs::read_to_string(&path).unwrap();
        if let Err(why) = resumed {
            assert_eq!(kept, octets, "a file that is not ours is left alone");
            return Err(why.to_string());
        }
        let left = std::iter::from_fn(|| list.next().unwrap()).map(|entry| entry.line).collect();
        Ok((left, kept))
    }

    #[test]
    fn wherever_the_file_was_torn_the_whole_lines_stay_and_the_rest_is_done_again() {
        let all = all();
        for cut in 0..=all.len() {
            let whole = all[..cut].rfind('\n').map_or("", |end| &all[..=end]);
            let left = [2, 3, 4][whole.lines().count()..].to_vec();
            assert_eq!(resumed(&all[..cut]), Ok((left, whole.to_owned())), "torn behind {cut} octets");
        }
    }

    #[test]
    fn a_file_of_another_list_is_left_alone() {
        for (octets, why) in [
            (line(2, "\"c.test\""), "in line 1 it is about another domain than line 2 of the list"),
            (line(1, "\"a.test\""), "in line 1 it is about another domain than line 2 of the list"),
            (line(2, "\"a.test\"") + &line(3, "\"b.test\""), "in line 2 it is about another domain"),
            (all() + &line(5, "\"c.test\""), "in line 4 it has more results than the list has domains"),
            ("root:x:0:0:root:/root:/bin/sh\n".to_owned(), "in line 1 it has something else than a result"),
            (padded(4_194_305), "in line 1 it has a line that is longer than any result"),
        ] {
            let told = resumed(&octets).unwrap_err();
            assert!(told.contains(why) && told.ends_with("nothing was changed"), "{told}");
        }
        assert_eq!(resumed(&padded(4_194_304)), Ok((vec![3, 4], padded(4_194_304))), "the longest line");
    }

    #[test]
    fn a_file_that_is_there_is_not_begun_anew_and_two_runs_do_not_share_one() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("results");
        let mut results = Results::begin(&path).unwrap();
        results.write(&line(2, "\"a.test\"")).unwrap();
        let told = Results::begin(&path).unwrap_err().to_string();
        assert!(told.contains("--resume"), "{told}");
        let mut list = List::new(Cursor::new(LIST));
        let told = Results::resume(&path, &mut list, |_| ()).unwrap_err().to_string();
        assert!(told.contains("another run"), "{told}");
        drop(results);
        let mut list = List::new(Cursor::new(LIST));
        Results::resume(&path, &mut list, |_| ()).unwrap().write(&line(3, "null")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = TempDir::new().unwrap();
        let (victim, path) = (directory.path().join("victim"), directory.path().join("results"));
        fs::write(&victim, "").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(Results::begin(&path).is_err());
        assert!(Results::resume(&path, &mut List::new(Cursor::new(LIST)), |_| ()).is_err());
    }
}
