//! The text of a configuration, or why it cannot be had: what lies there instead, and what mends it.

use super::{BadConfiguration, DEFAULT_FILE};
use crate::files;
use crate::limits::MAX_CONFIGURATION_OCTETS;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The text. Only the file at the default place may be absent, and a link that leads nowhere is not absent: somebody wanted
/// something there.
///
/// # Errors
/// [`BadConfiguration`].
pub fn text_of(path: &Path) -> Result<Option<String>, BadConfiguration> {
    let bad = |why: String| BadConfiguration(format!("the configuration {} {why}", path.display()));
    let octets = match files::read(path, MAX_CONFIGURATION_OCTETS) {
        Ok(Some(octets)) => octets,
        Ok(None) => return Err(bad(format!("has more than {MAX_CONFIGURATION_OCTETS} octets"))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match fs::read_link(path) {
                Ok(target) => Err(bad(format!(
                    "is a link that leads nowhere, to {}: mend or remove it",
                    target.display()
                ))),
                Err(_) if path == Path::new(DEFAULT_FILE) => Ok(None),
                Err(_) => Err(bad(format!("cannot be read: {error}"))),
            };
        }
        Err(error) => return Err(bad(format!("cannot be read: {}", unreadable(path, &error)))),
    };
    String::from_utf8(octets).map(Some).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|octet| **octet == b'\n').count().saturating_add(1);
        BadConfiguration(format!(
            "{} line {line}: something there is no UTF-8: save the file in that encoding",
            path.display()
        ))
    })
}

/// Why a file cannot be read that is there for the daemon, and what mends it.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => format!(
            "{error}: who asks, and the daemon, is the mail server's user, who has to be able to read it (chmod a+r {}, and \
             a+x its directories)",
            path.display()
        ),
        ErrorKind::IsADirectory => format!("{error}: it has to be a file"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_lies_there_instead_of_a_text_is_told_and_what_mends_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        let said = || text_of(&path).unwrap_err().to_string();
        assert!(said().contains("cannot be read: No such file"), "{}", said());
        fs::create_dir(&path).unwrap();
        assert!(said().ends_with("it has to be a file"), "{}", said());
        fs::remove_dir(&path).unwrap();
        symlink("/nonexistent/config.toml", &path).unwrap();
        assert!(
            said().contains("is a link that leads nowhere, to /nonexistent/config.toml: mend"),
            "{}",
            said()
        );
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"# fine\n# gr\xfc\xdfe\n").unwrap();
        assert!(
            said()
                .ends_with("config.toml line 2: something there is no UTF-8: save the file in that encoding"),
            "{}",
            said()
        );
        fs::write(&path, "# gr\u{fc}\u{df}e\n").unwrap();
        assert_eq!(text_of(&path).unwrap().as_deref(), Some("# gr\u{fc}\u{df}e\n"));
        let pipe = place.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let refused = text_of(&pipe).unwrap_err().to_string();
        assert!(
            refused.ends_with("cannot be read: it is a pipe, which is not waited for: it has to be a file")
        );
        let denied = unreadable(Path::new("/etc/x.toml"), &ErrorKind::PermissionDenied.into());
        assert!(denied.contains("(chmod a+r /etc/x.toml"), "{denied}");
    }

    #[test]
    fn a_configuration_of_eight_mebibytes_is_read_and_one_octet_more_is_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        let most = usize::try_from(MAX_CONFIGURATION_OCTETS).unwrap();
        fs::write(&path, "#".repeat(most)).unwrap();
        assert_eq!(text_of(&path).unwrap().map(|text| text.len()), Some(most));
        fs::write(&path, "#".repeat(most + 1)).unwrap();
        for endless in [path.as_path(), Path::new("/dev/zero")] {
            let said = text_of(endless).unwrap_err().to_string();
            assert!(said.ends_with("has more than 8388608 octets"), "{said}");
        }
    }
}
