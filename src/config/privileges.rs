//! Started as root, the program becomes the owner of the cache's directory before it opens anything.
//!
//! Exim starts `${run}` as root in a router and as its own user elsewhere. Files made by root would lock that user
//! out, and a parser of untrusted text has no business with root's rights.

use crate::cache::CachePath;
use crate::cache::file::Owner;
use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};
use std::fmt;

/// Who the program is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    /// This user, with this group and no other.
    Become(Owner),
    /// Whoever started it.
    Stay,
}

/// Root's rights could not be given up, so nothing may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StillRoot {
    wanted: Owner,
    error: Errno,
}

impl fmt::Display for StillRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "started as root, could not become the owner of the cache's directory (user {}, group {}): {}; nothing was \
             opened or asked; start the program as that user",
            self.wanted.uid, self.wanted.gid, self.error
        )
    }
}

impl std::error::Error for StillRoot {}

/// Gives up root's rights for good, and makes files that nobody outside of the group can read.
///
/// # Errors
/// [`StillRoot`]: the system did not let it happen.
pub(super) fn give_up(cache: &CachePath) -> Result<(), StillRoot> {
    umask(Mode::from_bits_truncate(0o027));
    match identity(geteuid().is_root(), cache.owner_of_directory()) {
        Identity::Stay => Ok(()),
        Identity::Become(owner) => become_user(owner).map_err(|error| StillRoot { wanted: owner, error }),
    }
}

/// The daemon was started as root, which it has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root;

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "started as root, which nothing here needs: start it as the mail server's user (User= of the unit, or \
             setpriv --reuid=Debian-exim --regid=Debian-exim --init-groups), or say --allow-root",
        )
    }
}

impl std::error::Error for Root {}

/// What a daemon begins with: it is not root, unless that is allowed, and files that it makes are closed to strangers. It
/// changes no user: whoever starts it does that better.
///
/// # Errors
/// [`Root`].
pub fn as_a_daemon(root_is_allowed: bool) -> Result<(), Root> {
    umask(Mode::from_bits_truncate(0o027));
    if geteuid().is_root() && !root_is_allowed { Err(Root) } else { Ok(()) }
}

/// A directory of root's, or none at all, says nothing about whom to become.
fn identity(is_root: bool, owner: Option<Owner>) -> Identity {
    match owner {
        Some(owner) if is_root && owner.uid != 0 => Identity::Become(owner),
        _ => Identity::Stay,
    }
}

/// The groups go first: without root's rights they could not go any more. The group is the directory's, so that the
/// files made there can be read by whoever may look into it.
fn become_user(owner: Owner) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    setgroups(&[gid])?;
    setgid(gid)?;
    setuid(uid)?;
    // Whoever can come back to root never left it.
    if setuid(Uid::from_raw(0)).is_ok() { Err(Errno::EPERM) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_becomes_somebody_else_and_never_root() {
        let exim = Owner { uid: 101, gid: 104 };
        let root = Owner { uid: 0, gid: 0 };
        for (is_root, owner, expected) in [
            (true, Some(exim), Identity::Become(exim)),
            (true, Some(root), Identity::Stay),
            (true, Some(Owner { uid: 0, gid: 104 }), Identity::Stay),
            (true, None, Identity::Stay),
            (false, Some(exim), Identity::Stay),
            (false, Some(root), Identity::Stay),
            (false, None, Identity::Stay),
        ] {
            assert_eq!(identity(is_root, owner), expected, "root: {is_root}, {owner:?}");
        }
    }

    #[test]
    fn the_message_says_what_to_do() {
        let error = StillRoot { wanted: Owner { uid: 101, gid: 104 }, error: Errno::EPERM };
        assert!(error.to_string().contains("start the program as that user"));
    }
}
