//! Which files are believed, how they come into being, and how a damaged one is put aside.
//!
//! SQLite believes whatever lies beside a database under the right name, a journal above all. So the rules are about
//! the directory first: only its owner may write there, and what lies there belongs to him (CWE-59, CWE-379).
//! Nothing here opens a database file that may be in use: closing it would drop SQLite's locks (POSIX `fcntl`).

use super::cause::Cause;
use super::error::{CacheError, Fate, Use};
use crate::limits::CACHE_BUSY_WAIT;
use crate::time::UnixTime;
use nix::sys::statvfs::statvfs;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

/// Where the policies are when nothing else is said.
pub const DEFAULT_PATH: &str = "/var/lib/smtp-sts-verify/cache.db";

/// Mode of the files, whatever the umask: Exim's group may read them.
pub(super) const FILE_MODE: u32 = 0o640;
/// Write permission for the group or for everybody.
const OTHERS_WRITE: u32 = 0o022;
/// Any permission for everybody.
const OTHERS_ANY: u32 = 0o007;
/// In a directory with this bit, only its owner and the owner of a file may rename or remove the file.
const STICKY: u32 = 0o1000;
/// The owner of everything that has no real one: unmapped in a user namespace, or a share's anonymous user.
const NOBODY: u32 = 65_534;
/// What SQLite puts beside a database and believes.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// The extension of the file of a fleet's decrees, which so is none for a cache file.
const DECREES: &str = "decrees";

/// An absolute path of a cache file, free of `..`; SQLite takes no such path for a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePath(PathBuf);

/// Why something is no path of a cache file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPath(&'static str);

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadPath {}

/// Who owns a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The number of the user, as in `/etc/passwd`.
    pub uid: u32,
    /// The number of the group, as in `/etc/group`; whoever is in it may read the cache.
    pub gid: u32,
}

/// What is said where there is no directory.
pub(super) const NO_DIRECTORY: &str = "does not exist; create it for the mail server's user with mode 0750";

/// Which file it was that lay under the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// A file that keeps the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusted {
    /// Which one it is.
    pub(super) identity: Identity,
    /// Its length.
    pub(super) octets: u64,
}

impl CachePath {
    /// Reads a path from the command line or the configuration.
    ///
    /// # Errors
    /// [`BadPath`]: what a path of a cache file must be.
    pub fn parse(path: &Path) -> Result<Self, BadPath> {
        if !path.is_absolute() {
            return Err(BadPath("must be an absolute path, beginning with '/' (URIs are not understood)"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(BadPath("must not contain '..'"));
        }
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if path.file_name().is_none() || path.parent().is_none() || ends_in_slash {
            return Err(BadPath("must name a file in a directory"));
        }
        if path.extension().is_some_and(|extension| extension == DECREES) {
            return Err(BadPath(
                "must not end in '.decrees': beside the cache that is the file of a fleet's decrees",
            ));
        }
        Ok(Self(path.to_owned()))
    }

    /// The path of the file, absolute and without `..`; nothing need stand there yet.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The expendable file for DNS results: `cache.dns.db` beside `cache.db`.
    #[must_use]
    pub fn of_answers(&self) -> Self {
        self.beside(".dns")
    }

    /// The file of counts for TLS reports: `cache.reports.db` beside `cache.db`.
    #[must_use]
    pub fn of_reports(&self) -> Self {
        self.beside(".reports")
    }

    /// The file of reports on their way: `cache.outbox.db` beside `cache.db`.
    #[must_use]
    pub fn of_outbox(&self) -> Self {
        self.beside(".outbox")
    }

    /// The file of answers that withheld mail: `cache.withheld.db` beside `cache.db`.
    #[must_use]
    pub fn of_withheld(&self) -> Self {
        self.beside(".withheld")
    }

    /// The file that is locked by whoever has the turn at what this one is about: `.lock` behind its name.
    pub(super) fn with_lock(&self) -> Self {
        Self(self.with_suffix(".lock"))
    }

    /// The file that is locked by whoever writes this one: `.turn` behind its name.
    pub(super) fn of_turns(&self) -> Self {
        Self(self.with_suffix(".turn"))
    }

    /// The file of what others of a fleet say: `cache.fleet.db` beside `cache.db`.
    #[must_use]
    pub fn of_fleet(&self) -> Self {
        self.beside(".fleet")
    }

    /// The file of what the operator of a fleet has decreed: `cache.decrees` beside `cache.db`.
    #[must_use]
    pub fn of_decrees(&self) -> Self {
        Self(self.0.with_extension(DECREES))
    }

    /// What is written to take its place.
    pub(super) fn new_one(&self) -> PathBuf {
        self.with_suffix(".new")
    }

    fn beside(&self, suffix: &str) -> Self {
        let mut name = self.0.file_stem().unwrap_or_default().to_owned();
        name.push(suffix);
        if let Some(extension) = self.0.extension() {
            name.push(".");
            name.push(extension);
        }
        Self(self.0.with_file_name(name))
    }

    /// The owner of the directory, if it is a directory that no stranger can have made.
    #[must_use]
    pub fn owner_of_directory(&self) -> Option<Owner> {
        let meta = fs::symlink_metadata(self.directory()).ok().filter(Metadata::is_dir)?;
        let mut owner_below = meta.uid();
        for above in self.directory().ancestors().skip(1) {
            let above = fs::symlink_metadata(above).ok()?;
            // The mode of a link says nothing. Other rules that are broken say nothing of who made the directory: its owner's rights are
            // less than root's all the same.
            if above.is_dir() && may_be_made_by_a_stranger(&above, owner_below) {
                return None;
            }
            owner_below = above.uid();
        }
        Some(Owner { uid: meta.uid(), gid: meta.gid() })
    }

    /// The directory that it is in.
    pub(super) fn directory(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    /// Octets that are free on its disk for whoever is not root, if that can be told.
    #[must_use]
    pub fn free_octets(&self) -> Option<u64> {
        let disk = statvfs(self.directory()).ok()?;
        let blocks: u64 = disk.blocks_available();
        Some(blocks.saturating_mul(disk.fragment_size()))
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.0);
        path.push(suffix);
        path.into()
    }

    /// Whether a file at this path would be believed, whether or not it is there.
    ///
    /// # Errors
    /// [`CacheError::Unsafe`] with the rule that is broken.
    pub fn keeps_the_rules(&self) -> Result<(), CacheError> {
        self.examine().map(|_| ())
    }

    /// Applies the rules to the directory, the file and what SQLite would believe beside it.
    ///
    /// # Errors
    /// [`CacheError::Unsafe`] with the rule that is broken.
    pub(super) fn examine(&self) -> Result<Option<Trusted>, CacheError> {
        let owner = self.examine_directory()?;
        for suffix in COMPANIONS {
            examine_file(&self.with_suffix(suffix), owner)?;
        }
        examine_file(&self.0, owner)
    }

    fn examine_directory(&self) -> Result<u32, CacheError> {
        let directory = self.directory();
        let meta = look_at(directory)?.ok_or_else(|| CacheError::unsafe_path(directory, NO_DIRECTORY))?;
        if !meta.is_dir() {
            return Err(CacheError::unsafe_path(
                directory,
                "is not a directory (symbolic links are not followed)",
            ));
        }
        if meta.uid() == NOBODY {
            return Err(CacheError::unsafe_path(
                directory,
                "belongs to nobody in particular; give it a real owner",
            ));
        }
        if meta.mode() & OTHERS_WRITE != 0 {
            let why = "can be written by its group or by everybody, who could plant files in it; chmod go-w it, or \
                       use a directory of mode 0750 of its own";
            return Err(CacheError::unsafe_path(directory, why));
        }
        self.examine_ancestors(&meta)?;
        Ok(meta.uid())
    }

    /// The directories above that of the cache, to the root. Where everybody may make a directory, whoever came first made the one
    /// that leads to the cache: it has to be root's, or that of whoever looks.
    fn examine_ancestors(&self, directory: &Metadata) -> Result<(), CacheError> {
        let (mut below, mut owner_below) = (self.directory(), directory.uid());
        for above in self.directory().ancestors().skip(1) {
            let Some(meta) = examine_ancestor(above, directory.uid())? else {
                return Err(CacheError::unsafe_path(
                    above,
                    "was gone when it was looked at: somebody exchanges it",
                ));
            };
            if may_be_made_by_a_stranger(&meta, owner_below) {
                let why = "lies where others may make a directory, and belongs neither to root nor to the user who looks: \
                           whoever came first made it; put the cache's directory below one that only root may write to";
                return Err(CacheError::unsafe_path(below, why));
            }
            (below, owner_below) = (above, meta.uid());
        }
        Ok(())
    }

    /// Makes an empty file, readable for the group of the directory; another process may have been faster.
    ///
    /// # Errors
    /// [`CacheError::Unusable`] in the system's words.
    pub(super) fn create(&self) -> Result<(), CacheError> {
        let made =
            OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&self.0).and_then(|file| {
                // The group is a convenience for Exim's own lookup: who may not give it away keeps it.
                let gid = self.owner_of_directory().map(|owner| owner.gid);
                if gid != Some(file.metadata()?.gid()) {
                    let _kept = fchown(&file, None, gid);
                }
                file.set_permissions(Permissions::from_mode(FILE_MODE))
            });
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(CacheError::Unusable {
                file: self.0.clone(),
                doing: "creating it",
                to: Use::Write,
                why: Cause::from(&error),
            }),
            _ => Ok(()),
        }
    }

    /// Puts a damaged file aside, with its journal, which must not be applied to its successor.
    ///
    /// Only in a directory that is the cache's own (ours, and closed to everybody else, as it is installed), since a
    /// wrong `-c` may name somebody's file; and only once: a disk that damages files repeatedly is not filled, and
    /// the operator has to look.
    pub(super) fn move_aside(&self, found: Identity, now: UnixTime) -> Fate {
        self.exclusively(found, || {
            if !self.set_aside_of_this_one()?.is_empty() {
                return Ok(Fate::LeftInPlace);
            }
            let aside = self.with_suffix(&format!(".corrupt-{}", now.0));
            for suffix in COMPANIONS {
                let mut companion = OsString::from(&aside);
                companion.push(suffix);
                ignore_absence(fs::rename(self.with_suffix(suffix), companion))?;
            }
            fs::rename(&self.0, &aside)?;
            Ok(Fate::MovedTo(aside))
        })
    }

    /// Removes a damaged file that nobody misses, under the same conditions.
    pub(super) fn remove(&self, found: Identity) -> Fate {
        self.exclusively(found, || {
            for suffix in COMPANIONS {
                ignore_absence(fs::remove_file(self.with_suffix(suffix)))?;
            }
            fs::remove_file(&self.0)?;
            Ok(Fate::Removed)
        })
    }

    /// Does that to the file that was found, while no other process does; a successor under its path is spared.
    fn exclusively(&self, found: Identity, act: impl FnOnce() -> io::Result<Fate>) -> Fate {
        let attempt = || -> io::Result<Fate> {
            let meta = fs::symlink_metadata(self.directory())?;
            if meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & OTHERS_ANY != 0 {
                return Ok(Fate::LeftInPlace);
            }
            let _turn = self.turn(CACHE_BUSY_WAIT);
            match fs::symlink_metadata(&self.0) {
                Ok(meta) if Identity::of(&meta) == found => act(),
                _ => Ok(Fate::LeftInPlace),
            }
        };
        attempt().unwrap_or(Fate::LeftInPlace)
    }

    /// Whether a journal of SQLite's lies beside it.
    pub(super) fn has_journal(&self) -> bool {
        self.with_suffix("-journal").exists()
    }

    /// Of this file and of those beside it the damaged ones that were put aside and still lie there, by their names.
    ///
    /// # Errors
    /// The system's, if the directory cannot be read.
    pub fn set_aside(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for path in [self, &self.of_reports(), &self.of_outbox(), &self.of_fleet()] {
            names.extend(path.set_aside_of_this_one()?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn set_aside_of_this_one(&self) -> io::Result<Vec<String>> {
        let prefix = format!("{}.corrupt-", self.0.file_name().unwrap_or_default().to_string_lossy());
        let mut names = Vec::new();
        for entry in fs::read_dir(self.directory())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // Without its companions.
            let moment =
                name.strip_prefix(&prefix).filter(|moment| moment.bytes().all(|b| b.is_ascii_digit()));
            if moment.is_some() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

impl Identity {
    fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }
}

fn ignore_absence(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// What lies under a path itself, links not followed.
fn look_at(path: &Path) -> Result<Option<Metadata>, CacheError> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CacheError::Unusable {
            file: path.to_owned(),
            doing: "looking for it",
            to: Use::Read,
            why: Cause::from(&error),
        }),
    }
}

fn is_root_or_ourselves(uid: u32) -> bool {
    uid == 0 || uid == nix::unistd::geteuid().as_raw()
}

/// Whether a directory of that owner, in a directory where others may make some, may have been made by a stranger who came first.
fn may_be_made_by_a_stranger(above: &Metadata, owner: u32) -> bool {
    above.mode() & OTHERS_WRITE != 0 && !is_root_or_ourselves(owner)
}

/// A directory above the cache's: whoever may rename what lies in it could exchange the cache.
fn examine_ancestor(path: &Path, owner: u32) -> Result<Option<Metadata>, CacheError> {
    let Some(meta) = look_at(path)? else { return Ok(None) };
    if !meta.is_dir() {
        return Err(CacheError::unsafe_path(path, "is not a directory (symbolic links are not followed)"));
    }
    if meta.uid() != owner && !is_root_or_ourselves(meta.uid()) {
        return Err(CacheError::unsafe_path(
            path,
            "belongs neither to root nor to the owner of the cache's directory",
        ));
    }
    if meta.mode() & OTHERS_WRITE != 0 && meta.mode() & STICKY == 0 {
        let why = "can be written by its group or by everybody, who could exchange the cache's directory; chmod go-w it";
        return Err(CacheError::unsafe_path(path, why));
    }
    Ok(Some(meta))
}

fn examine_file(path: &Path, owner: u32) -> Result<Option<Trusted>, CacheError> {
    // A journal whose last name another process is just removing has none left, and is gone.
    let Some(meta) = look_at(path)?.filter(|meta| meta.nlink() > 0) else { return Ok(None) };
    let refuse = |why: &str| Err(CacheError::unsafe_path(path, why));
    if !meta.is_file() {
        return refuse("is not a regular file (symbolic links are not followed)");
    }
    if meta.nlink() != 1 {
        return refuse("has a second name (hard link); remove one of them");
    }
    if meta.uid() != owner {
        return refuse("does not belong to the owner of its directory; remove it or chown it");
    }
    if meta.mode() & OTHERS_WRITE != 0 {
        return refuse(
            "can be written by its group or by everybody; chmod go-w it if you trust what is in it",
        );
    }
    Ok(Some(Trusted { identity: Identity::of(&meta), octets: meta.len() }))
}
