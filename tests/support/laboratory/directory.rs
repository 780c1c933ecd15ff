//! A directory for as long as somebody needs it. A crate that makes one would give the programs of `examples` features of other crates that the
//! verifier does not have, and have it compiled once more for them.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Everybody may look into it, for the program looks as other users, too; and it is gone with this value.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("lab-{}-{number}", process::id()));
            match DirBuilder::new().mode(0o755).create(&path) {
                Ok(()) => return Self(path),
                // Of a process that had our number, and was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A test that took it away has done the same.
        let _gone = fs::remove_dir_all(&self.0);
    }
}
