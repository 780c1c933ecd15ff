//! The daemon, as Exim's files ask it.

use super::accounts;
use super::exim::expanded;
use crate::cache::file::Owner;
use crate::doctor::observations::{Daemon, Door, Holder, Seen, Starter, Verifiers};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

/// Looks at what the macros name, and asks the program what the daemon is asked by the first router.
///
/// # Errors
/// The files that are loaded know no daemon.
pub(super) fn look(
    binary: &Path,
    macros: &Seen<Vec<(String, String)>>,
    user: &Seen<Owner>,
    starter: Starter,
    until: Instant,
) -> Seen<Daemon> {
    let macros = macros.as_ref().map_err(Clone::clone)?;
    let value =
        |name: &str| {
            macros.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).ok_or_else(|| {
                format!("the enforcing set, as it is loaded, knows no daemon ({name} is not set)")
            })
        };
    let place = value("SMTP_STS_SOCKET")?;
    Ok(Daemon {
        verifiers: verifiers(value("SMTP_STS_VERIFIERS")?),
        place: place.to_owned(),
        door: door(place, user),
        program_says: match starter {
            Starter::Root | Starter::EximUser => {
                Ok(expanded(binary, value("SMTP_STS_BY_PROGRAM")?, None, until))
            }
            Starter::Other => Err("only root and Exim's user can ask as Exim does".to_owned()),
        },
    })
}

fn verifiers(list: &str) -> Verifiers {
    let names = |name: &str| list.split(':').any(|item| item.trim() == name);
    match (names("daemon"), names("program")) {
        (true, true) => Verifiers::DaemonThenProgram,
        (true, false) => Verifiers::Daemon,
        (false, true) => Verifiers::Program,
        (false, false) => Verifiers::Nobody,
    }
}

fn door(place: &str, user: &Seen<Owner>) -> Door {
    if place.starts_with("inet:") {
        return Door::Port;
    }
    let path = Path::new(place);
    let directory = path.parent().and_then(|directory| fs::metadata(directory).ok());
    let (Ok(file), Some(directory)) = (fs::metadata(path), directory) else {
        return Door::Absent;
    };
    let is_exims = user.as_ref().is_ok_and(|user| user.uid == directory.uid());
    Door::File {
        words: format!("{}, in a directory of {}", shown(&file), shown(&directory)),
        mode: file.mode(),
        holder: match directory.uid() {
            0 => Holder::Root,
            _ if is_exims => Holder::EximUser,
            _ => Holder::Other,
        },
        directory_mode: directory.mode(),
    }
}

/// Owner, group and mode.
fn shown(meta: &Metadata) -> String {
    let (uid, gid) = (meta.uid().to_string(), meta.gid().to_string());
    let user = accounts::user(&uid).map_or(uid, |user| user.name);
    let group = accounts::group(&gid).map_or(gid, |group| group.name);
    format!("{user}:{group}, mode {:04o}", meta.mode() & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_exim_asks_is_a_list_of_two_words() {
        for (list, expected) in [
            ("daemon : program", Verifiers::DaemonThenProgram),
            ("program:daemon", Verifiers::DaemonThenProgram),
            ("daemon", Verifiers::Daemon),
            (" program ", Verifiers::Program),
            ("", Verifiers::Nobody),
            ("deamon", Verifiers::Nobody),
        ] {
            assert_eq!(verifiers(list), expected, "{list}");
        }
    }

    #[test]
    fn what_is_at_the_place_is_told_apart() {
        let nobody = Err("unknown".to_owned());
        assert_eq!(door("inet:127.0.0.1:8460", &nobody), Door::Port);
        assert_eq!(door("/nonexistent/exim.sock", &nobody), Door::Absent);
        assert!(matches!(door("/dev/null", &nobody), Door::File { holder: Holder::Root, .. }));
    }
}
