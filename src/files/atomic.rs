//! A file that takes its name when it is whole.
//!
//! Until then it stands beside its place under another name, and nobody who reads that place sees a part of it. A link
//! in the place is replaced and never followed, whoever made it. A device, a pipe or a directory is not replaced: root would
//! put a file where the machine has `/dev/null`.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// A file in the making; dropped before its end, it leaves nothing.
pub(crate) struct AtomicFile {
    file: BufWriter<File>,
    path: PathBuf,
    mode: u32,
}

impl AtomicFile {
    /// Begins a file that is to stand at `target` with this mode, whatever the umask; until it is whole only its owner
    /// can read it.
    ///
    /// # Errors
    /// If the directory takes no new file, and if something else than a file stands or belongs there.
    pub(crate) fn beside(target: &Path, mode: u32) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::other("it is no name of a file"))?;
        let is_no_file = fs::metadata(target).is_ok_and(|there| !there.is_file());
        // Where a link such as /dev/stdout leads depends on who looks.
        if is_no_file || target.parent() == Some(Path::new("/dev")) {
            return Err(io::Error::other("it is no ordinary file, and is not replaced by one"));
        }
        let mut hidden = OsString::from(".");
        hidden.push(name);
        // No suffix that somebody collects, and nothing that a killed run may have left under another process's number.
        hidden.push(format!(".{}", std::process::id()));
        Self::under(target.with_file_name(hidden), mode)
    }

    /// The same under a name beside its place that the caller chooses, for callers that take turns: what a killed run left there is in nobody's way. Where one of
    /// two could not have its turn, the name is given to what was written last, or to none of it.
    ///
    /// # Errors
    /// If the directory takes no new file.
    pub(crate) fn under(path: PathBuf, mode: u32) -> io::Result<Self> {
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = match open() {
            // It is removed as a name; it is not followed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                open()?
            }
            opened => opened?,
        };
        Ok(Self { file: BufWriter::new(file), path, mode })
    }

    /// Gives the file to a group; whether that may read it says the mode.
    ///
    /// # Errors
    /// If the system does not let us.
    pub(crate) fn give_to_group(&self, group: u32) -> io::Result<()> {
        fchown(self.file.get_ref(), None, Some(group))
    }

    /// Gives the file its name, once its octets are on the disk.
    ///
    /// # Errors
    /// If the system cannot; the target is then as it was, unless no more than the directory could not be synced.
    pub(crate) fn finish(mut self, target: &Path) -> io::Result<()> {
        self.complete()?;
        fs::rename(&self.path, target)?;
        sync_directory(target)
    }

    /// The same, where nothing stands yet: what came there meanwhile stays.
    ///
    /// # Errors
    /// If the system cannot, and if something stands there ([`io::ErrorKind::AlreadyExists`]).
    pub(crate) fn finish_new(mut self, target: &Path) -> io::Result<()> {
        self.complete()?;
        fs::hard_link(&self.path, target)?;
        sync_directory(target)
    }

    /// All octets are on the disk.
    fn complete(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_ref();
        file.set_permissions(Permissions::from_mode(self.mode))?;
        file.sync_all()
    }
}

/// The name is on the disk, too.
fn sync_directory(target: &Path) -> io::Result<()> {
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

impl Write for AtomicFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // By now the file has its own name, or is not wanted.
        let _gone = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn written(target: &Path, text: &str) -> io::Result<()> {
        let mut atomic_file = AtomicFile::beside(target, 0o644)?;
        atomic_file.write_all(text.as_bytes())?;
        atomic_file.finish(target)
    }

    #[test]
    fn the_place_has_the_old_file_or_the_new_one_and_nothing_beside_it() {
        let directory = TempDir::new().unwrap();
        let target = directory.path().join("probe.prom");
        written(&target, "old").unwrap();
        let mut atomic_file = AtomicFile::beside(&target, 0o644).unwrap();
        atomic_file.write_all(b"half of the n").unwrap();
        drop(atomic_file);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        written(&target, "new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_came_meanwhile_stays() {
        let directory = TempDir::new().unwrap();
        let target = directory.path().join("report.json");
        let atomic_file = || AtomicFile::beside(&target, 0o600).unwrap();
        atomic_file().finish_new(&target).unwrap();
        fs::write(&target, "mine").unwrap();
        assert_eq!(atomic_file().finish_new(&target).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_device_and_a_directory_are_not_replaced() {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("link");
        symlink("/dev/null", &link).unwrap();
        for target in [Path::new("/dev/null"), Path::new("/dev/stdout"), &link, directory.path()] {
            let why = written(target, "ours").unwrap_err().to_string();
            assert!(why.contains("no ordinary file"), "{}: {why}", target.display());
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_link_leads_to_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let (victim, target) = (directory.path().join("victim"), directory.path().join("probe.prom"));
        fs::write(&victim, "mine").unwrap();
        symlink(&victim, &target).unwrap();
        let hidden = directory.path().join(format!(".probe.prom.{}", std::process::id()));
        symlink(&victim, &hidden).unwrap();
        written(&target, "ours").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert!(fs::symlink_metadata(&target).unwrap().is_file());
    }
}
