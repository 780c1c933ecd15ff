//! A file of this machine that somebody has named. What is no file is not waited for: nobody may ever write to a pipe, and whoever opens one
//! waits until somebody does.

use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opens it to be read, at once. Whoever reads sets the bound: a device has no end.
///
/// # Errors
/// The system's; that it is a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Without this flag the system waits for a writer (fifo(7)); of a file it says nothing (open(2)).
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe, which is not waited for: it has to be a file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_file_is_opened_and_a_pipe_is_refused_at_once_whether_or_not_somebody_writes_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let (file, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
        std::fs::write(&file, "some text").unwrap();
        let mut text = String::new();
        open(&file).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "some text");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let refused = || open(&pipe).unwrap_err().to_string();
        assert_eq!(refused(), "it is a pipe, which is not waited for: it has to be a file");
        // fifo(7): whoever opens it for both waits for nobody.
        let _writer = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        assert_eq!(refused(), "it is a pipe, which is not waited for: it has to be a file");
        let absent = open(&directory.path().join("nothing")).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }
}
