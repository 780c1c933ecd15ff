//! `config keep`: a copy of a configuration that can be used, for the day on which it cannot.
//!
//! The copy is root's, below directories of root's: the daemon, which reads it, could otherwise choose its own configuration
//! for the next start.

use super::{KeepArguments, unit};
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::config::{Choices, text_of};
use crate::files::atomic::AtomicFile;
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

/// This program, whatever became of its file meanwhile.
const SELF: &str = "/proc/self/exe";

/// Checks the configuration as the daemon would read it, and copies what was read.
pub(super) fn keep(arguments: &KeepArguments) -> Result<String, Failure> {
    let (from, to) = (&arguments.config, &arguments.to);
    if !geteuid().is_root() {
        return Err(Failure::usage(
            "it takes root: the daemon must not be able to change the copy".to_owned(),
        ));
    }
    let Some(text) = text_of(from)? else {
        return match fs::remove_file(to) {
            Ok(()) => {
                Ok(format!("{} is not there: its copy {} is gone, too.\n", from.display(), to.display()))
            }
            Err(_) => Ok(format!("{} is not there: there is nothing to keep.\n", from.display())),
        };
    };
    // What is kept is what was parsed, whatever somebody writes to the file meanwhile; whether the daemon can use it, with all
    // that it names, a process says that has become the daemon's user.
    let choices = Choices::parse(&text, from)?;
    // Here every file can be seen. A copy that the daemon could not start with would take the place of one that it can.
    if let Some(why) =
        unit::has(from).then(|| unit::unseen(&choices, &unit::sandbox()).into_iter().next()).flatten()
    {
        return Err(Failure::misconfigured(why));
    }
    let checked = Command::new(SELF).args(["config", "check", "--config"]).arg(from).output();
    let checked = checked.map_err(Failure::internal)?;
    if !checked.status.success() {
        let said = String::from_utf8_lossy(&checked.stderr);
        // What it means is for people who ask.
        let said = said.lines().next().unwrap_or_default();
        let why = said.strip_prefix("smtp-sts-verify config: ").unwrap_or(said);
        return Err(Failure(ExitStatus::Configuration, why.to_owned()));
    }
    if fs::read_to_string(from).ok().as_deref() != Some(text.as_str()) {
        let why =
            format!("the configuration {} was changed while it was checked: nothing is kept", from.display());
        return Err(Failure(ExitStatus::Defer, why));
    }
    let unkept = |error: io::Error| {
        Failure(ExitStatus::Defer, format!("the copy {} cannot be written: {error}", to.display()))
    };
    let meta = fs::metadata(from).map_err(unkept)?;
    written(to, text.as_bytes(), &meta).map_err(unkept)?;
    Ok(format!("{} is kept as {}.\n", from.display(), to.display()))
}

/// Replaces the copy as a whole. Whoever may read the original may read it, and root alone may write it.
fn written(to: &Path, text: &[u8], original: &fs::Metadata) -> io::Result<()> {
    let directory = to.parent().ok_or(io::ErrorKind::InvalidInput)?;
    match DirBuilder::new().mode(0o755).create(directory) {
        // Whatever the umask: the daemon looks into it.
        Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o755))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let meta = fs::symlink_metadata(directory)?;
    if !meta.is_dir() || meta.uid() != 0 || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other("its directory is not root's alone"));
    }
    let mut copy = AtomicFile::beside(to, original.mode() & 0o644)?;
    copy.give_to_group(original.gid())?;
    copy.write_all(text)?;
    copy.finish(to)
}
