//! `--version`: the program, and what is built into it or read by it that has security updates of its own.

use super::args::VERSION;
use super::exit::ExitStatus;
use super::output;
use crate::cache;
use crate::https::Roots;
use crate::text::Escaped;
use crate::time::UnixTime;
use std::ffi::OsString;
use std::fs;
use std::time::SystemTime;

/// Whether that, and nothing else, is asked for. `-V` is the first line alone.
pub(super) fn is_asked(arguments: &[OsString]) -> bool {
    arguments.len() == 2 && arguments.get(1).is_some_and(|word| word == "--version")
}

/// Tells it.
pub(super) fn run(c_library: CLibrary) -> ExitStatus {
    output::write(&text(c_library), ExitStatus::Deliver)
}

/// Which C library the program is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CLibrary {
    /// One of its own.
    BuiltIn,
    /// That of the system, at run time.
    OfTheSystem,
}

fn text(c_library: CLibrary) -> String {
    let c_library = match c_library {
        CLibrary::BuiltIn => "built in",
        CLibrary::OfTheSystem => "the system's",
    };
    format!(
        "smtp-sts-verify {VERSION}\n\
         TLS library: {}, built in\n\
         SQLite: {}, built in\n\
         C library: {c_library}\n\
         CA certificates: {}\n",
        env!("SMTP_STS_VERIFY_TLS_LIBRARY"),
        cache::sqlite_version(),
        authorities()
    )
}

/// The system's bundle, which has no version of its own: when it was made.
fn authorities() -> String {
    match Roots::System.survey() {
        Ok((file, count)) => {
            let changed = fs::metadata(&file).and_then(|meta| meta.modified()).ok();
            let seconds = changed.and_then(|moment| moment.duration_since(SystemTime::UNIX_EPOCH).ok());
            let day = seconds.map_or_else(
                || "an unknown day".to_owned(),
                |seconds| UnixTime(seconds.as_secs()).to_string().chars().take_while(|c| *c != 'T').collect(),
            );
            format!("the system's, {}: {count}, of {day}", Escaped(&file.to_string_lossy()))
        }
        Err(why) => format!("the system has none that can be used ({why})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_that_is_built_in_is_named_with_its_version() {
        let text = text(CLibrary::OfTheSystem);
        let lock = include_str!("../../Cargo.lock");
        let locked = |name: &str| {
            let package = lock
                .split("[[package]]")
                .find(|one| one.contains(&format!("\nname = \"{name}\"\n")))
                .unwrap();
            package.split('"').nth(3).unwrap()
        };
        for (words, library) in
            [("rustls", "rustls"), ("aws-lc-sys", "aws-lc-sys"), ("aws-lc-rs", "aws-lc-rs")]
        {
            assert!(text.contains(&format!("{words} {}", locked(library))), "{text}");
        }
        assert!(text.contains(&format!("SQLite: {}, built in\n", rusqlite::version())), "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
    }

    #[test]
    fn only_the_word_alone_is_the_question() {
        for (words, expected) in [
            (&["x", "--version"][..], true),
            (&["x"], false),
            (&["x", "-V"], false),
            (&["x", "-d", "--version"], false),
        ] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!(is_asked(&words), expected, "{words:?}");
        }
    }
}
