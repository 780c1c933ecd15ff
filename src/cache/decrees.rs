//! `cache.decrees`: what the operator of the fleet has decreed and this host has obeyed, as far as it may still count: overrides, and what lifts them.
//!
//! They stand in a file of their own, and not in `cache.fleet.db`, for two reasons. That one is written with every word of other hosts, so it may be
//! unreadable at any moment: a kill leaves a journal that has to be rolled back first, a damaged one is set aside. If overrides stood there, all mail of a
//! host would wait although nothing was ever decreed, or an override would be gone with the file. This one is written only when a decree is obeyed. It is
//! exchanged whole, so a kill leaves the old one or the new one and nothing that has to be mended. It is read by whoever may read it and needs no lock.
//!
//! - No file: nothing was decreed that was obeyed here. Removing it by hand is the operator's way to say so.
//! - A file that is not to the letter what was written: nobody knows what was decreed, and mail waits. Nobody sets it aside. It is exchanged only once the
//!   decrees of the fleet's database were read anew ([`DecreeFile::restore`]), whatever was obeyed before; what `cache.fleet.db` remembers is added.
//! - It is written before `cache.fleet.db` notes that a decree was obeyed: whoever is killed in between obeys it once more, which changes nothing.

use super::file::{CachePath, FILE_MODE};
use super::{CacheError, Cause, Use};
use crate::files::atomic::AtomicFile;
use crate::files::{Links, read_ordinary};
use crate::limits::{CACHE_BUSY_WAIT, MAX_DECREE_OCTETS, MAX_DECREES_KEPT};
use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use std::io::{self, Write as _};

/// The first line.
const HEAD: &str = "smtp-sts-verify decrees 1\n";

/// What stands before each, and behind the last before the digest of all that is above it; no decree has an empty line.
const NEXT: &str = "\n\n";

/// Octets of the file: of each decree its words and its signature.
const MOST_OCTETS: usize = MAX_DECREES_KEPT * (MAX_DECREE_OCTETS + 256);

/// The file.
#[derive(Debug)]
pub(super) struct DecreeFile(CachePath);

/// Why it is not known what was decreed.
enum Unread {
    /// The file is not what was written; what was found.
    Damaged(&'static str),
    /// It cannot be read now.
    Trouble(CacheError),
}

impl From<CacheError> for Unread {
    fn from(trouble: CacheError) -> Self {
        Self::Trouble(trouble)
    }
}

impl DecreeFile {
    /// The one beside the cache at that path.
    pub(super) fn beside(cache: &CachePath) -> Self {
        Self(cache.of_decrees())
    }

    /// The words of each decree with its signature, the one that was obeyed last first.
    pub(super) fn read(&self) -> Result<Vec<String>, CacheError> {
        self.look().map_err(|unread| self.told(unread))
    }

    /// Takes one in: it counts from now on, whatever happens.
    pub(super) fn add(&self, text: &str) -> Result<(), CacheError> {
        let _turn = self.0.turn(CACHE_BUSY_WAIT);
        let mut all = self.read()?;
        if all.first().is_none_or(|first| first != text) {
            all.retain(|one| one != text);
            all.insert(0, text.to_owned());
            all.truncate(MAX_DECREES_KEPT);
            self.exchange(&all)?;
        }
        Ok(())
    }

    /// Whether it is there and not what was written, so that nothing but [`Self::restore`] helps.
    pub(super) fn is_damaged(&self) -> bool {
        matches!(self.look(), Err(Unread::Damaged(_)))
    }

    /// Writes these into a file that is damaged; another one stays.
    pub(super) fn restore(&self, all: &[String]) -> Result<(), CacheError> {
        let _turn = self.0.turn(CACHE_BUSY_WAIT);
        if !self.is_damaged() {
            return Ok(());
        }
        let mut once: Vec<String> = Vec::new();
        for text in all {
            if once.len() < MAX_DECREES_KEPT && !once.contains(text) {
                once.push(text.clone());
            }
        }
        self.exchange(&once)
    }

    fn look(&self) -> Result<Vec<String>, Unread> {
        if self.0.examine()?.is_none() {
            return Ok(Vec::new());
        }
        let most = u64::try_from(MOST_OCTETS).unwrap_or(u64::MAX);
        let octets = match read_ordinary(self.0.as_path(), most, Links::Refused) {
            Ok(octets) => octets.ok_or(Unread::Damaged("it is too long"))?,
            // Somebody has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable("reading it", Use::Read, &error).into()),
        };
        understand(&octets).map_err(Unread::Damaged)
    }

    /// Writes them into a file beside it, which takes its place once it is on the disk.
    fn exchange(&self, all: &[String]) -> Result<(), CacheError> {
        let mut text = HEAD.to_owned();
        for one in all {
            text.push_str(NEXT);
            text.push_str(one.trim_end_matches('\n'));
        }
        text.push_str(NEXT);
        let sum = digest_of(&text);
        text.push_str(&sum);
        text.push('\n');
        let written = || -> io::Result<()> {
            let mut file = AtomicFile::under(self.0.new_one(), FILE_MODE)?;
            if let Some(owner) = self.0.owner_of_directory() {
                // The group is a convenience, as that of the cache is: who may not give it away keeps it.
                let _kept = file.give_to_group(owner.gid);
            }
            file.write_all(text.as_bytes())?;
            file.finish(self.0.as_path())
        };
        self.0.keeps_the_rules()?;
        written().map_err(|error| {
            self.unusable("writing down what the fleet's operator has decreed", Use::Write, &error)
        })
    }

    fn unusable(&self, doing: &'static str, to: Use, error: &io::Error) -> CacheError {
        CacheError::Unusable { file: self.0.as_path().to_owned(), doing, to, why: Cause::from(error) }
    }

    fn told(&self, unread: Unread) -> CacheError {
        match unread {
            Unread::Trouble(trouble) => trouble,
            Unread::Damaged(found) => CacheError::Retold(format!(
                "{} is damaged ({found}): what the fleet's operator has decreed is unknown here until the daemon has read it in the fleet's database once \
                 more; look at the disk; to give up what was decreed, remove the file",
                self.0.as_path().display()
            )),
        }
    }
}

/// What stands in it, to the letter.
fn understand(octets: &[u8]) -> Result<Vec<String>, &'static str> {
    let text = std::str::from_utf8(octets).map_err(|_| "it is no text")?;
    let (above, sum) = text.rsplit_once(NEXT).ok_or("it has no end")?;
    let above = format!("{above}{NEXT}");
    if sum.strip_suffix('\n') != Some(digest_of(&above).as_str()) {
        return Err("its end does not fit what is above it");
    }
    let all = above.strip_prefix(HEAD).ok_or("it is no file of decrees of this version")?;
    let all = all.strip_suffix(NEXT).unwrap_or(all);
    Ok(all.split(NEXT).skip(1).map(|one| format!("{one}\n")).collect())
}

fn digest_of(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use tempfile::TempDir;

    fn beside(directory: &TempDir) -> DecreeFile {
        DecreeFile::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap())
    }

    fn place(directory: &TempDir) -> std::path::PathBuf {
        directory.path().join("cache.decrees")
    }

    #[test]
    fn it_is_no_other_file_of_the_cache() {
        assert!(CachePath::parse(Path::new("/x/policies.decrees")).is_err());
        assert_ne!(
            CachePath::parse(Path::new("/x/decrees")).unwrap().of_decrees().as_path(),
            Path::new("/x/decrees")
        );
    }

    #[test]
    fn what_was_taken_in_last_stands_first_and_once() {
        let directory = TempDir::new().unwrap();
        let file = beside(&directory);
        assert_eq!(file.read(), Ok(vec![]));
        for text in ["a\nx: 1\n", "b\n", "c\n", "b\n"] {
            file.add(text).unwrap();
        }
        assert_eq!(file.read().unwrap(), ["b\n", "c\n", "a\nx: 1\n"]);
        let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let others: Vec<_> =
            names.filter(|name| name != "cache.decrees.turn" && name != "cache.decrees").collect();
        assert!(others.is_empty(), "nothing is left beside it and what writers lock: {others:?}");
    }

    #[test]
    fn any_octet_that_is_another_or_missing_is_noticed_and_nothing_but_a_restoration_exchanges_the_file() {
        let directory = TempDir::new().unwrap();
        let file = beside(&directory);
        file.add("a\n").unwrap();
        let whole = fs::read(place(&directory)).unwrap();
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 1;
            for damaged in [other, whole[..at].to_vec()] {
                fs::write(place(&directory), &damaged).unwrap();
                let told = file.read().unwrap_err().to_string();
                assert!(told.contains("cache.decrees is damaged"), "{at}: {told}");
                assert!(file.add("b\n").is_err());
                assert_eq!(fs::read(place(&directory)).unwrap(), damaged, "it stays as it is");
            }
        }
        file.restore(&["c\n", "d\n", "c\n"].map(str::to_owned)).unwrap();
        assert_eq!(file.read().unwrap(), ["c\n", "d\n"]);
        file.restore(&[]).unwrap();
        assert_eq!(file.read().unwrap(), ["c\n", "d\n"], "what can be read stays");
    }

    #[test]
    fn a_leftover_of_whoever_was_killed_is_no_hindrance_and_a_link_is_not_followed() {
        let directory = TempDir::new().unwrap();
        let file = beside(&directory);
        fs::write(directory.path().join("cache.decrees.new"), "half").unwrap();
        file.add("a\n").unwrap();
        assert_eq!(file.read().unwrap(), ["a\n"]);
        fs::rename(place(&directory), directory.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), place(&directory)).unwrap();
        assert!(file.read().is_err());
        assert!(!file.is_damaged(), "what is not trusted is nobody's to exchange");
    }
}
