//! The cache, seen with the rights of whoever this process is.

use super::accounts;
use crate::cache::{Cache, CacheError, CachePath, FileState};
use crate::doctor::observations::{CacheFile, CacheFileState, CachePlace, CacheView, Seen};
use nix::unistd::{AccessFlags, access, geteuid};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Where the cache lies, as anybody sees it.
#[must_use]
pub fn place(path: &CachePath) -> CachePlace {
    let directory = directory(path);
    // The rules are the cache's own; they know best why a place is not used.
    let rules = match path.keeps_the_rules() {
        // Who may not look at the files can tell about their directory only; that is no rule.
        Ok(()) | Err(CacheError::Unusable { .. }) => Ok(()),
        Err(trouble) => Err(trouble.to_string()),
    };
    let kept = rules.and_then(|()| {
        let meta = fs::symlink_metadata(directory).map_err(|error| error.to_string())?;
        let (owner, group, mode) = (name_of(meta.uid()), group_name(meta.gid()), meta.mode() & 0o7777);
        Ok(format!("{} belongs to {owner}:{group}, mode {mode:04o}", directory.display()))
    });
    CachePlace { file: path.as_path().to_owned(), directory: kept }
}

/// The two files, with the rights of this process.
#[must_use]
pub fn view(path: &CachePath, cache: Cache) -> CacheView {
    let [policies, answers] = cache.read_only().check_up();
    let file = |state: Result<Option<FileState>, CacheError>, path: &CachePath| match state {
        Ok(None) => Ok(CacheFileState::Absent),
        Err(waiting @ CacheError::Waiting { .. }) => {
            let writable = may_write(path.as_path()).is_ok();
            Ok(CacheFileState::Waiting { why: waiting.to_string(), writable })
        }
        Err(trouble) => Err(trouble.to_string()),
        Ok(Some(state)) => {
            let writable = may_write(path.as_path()).is_ok();
            Ok(CacheFileState::Open(CacheFile { state, writable }))
        }
    };
    let directory = directory(path);
    CacheView {
        user: user(),
        directory: may_write(directory).map_err(|why| format!("{}: {why}", directory.display())),
        policies: file(policies, path),
        answers: file(answers, &path.of_answers()),
        set_aside: path.set_aside().unwrap_or_default(),
        free: path.free_octets(),
    }
}

/// Whose rights this process has.
#[must_use]
pub fn user() -> String {
    name_of(geteuid().as_raw())
}

fn directory(path: &CachePath) -> &Path {
    path.as_path().parent().unwrap_or_else(|| path.as_path())
}

fn may_write(path: &Path) -> Seen<()> {
    access(path, AccessFlags::W_OK).map_err(|error| error.desc().to_owned())
}

fn name_of(uid: u32) -> String {
    accounts::user(&uid.to_string()).map_or_else(|| format!("user {uid}"), |user| user.name)
}

fn group_name(gid: u32) -> String {
    accounts::group(&gid.to_string()).map_or_else(|| format!("group {gid}"), |group| group.name)
}
