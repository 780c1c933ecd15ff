//! Exim, by its own options: nothing is mailed, nothing changed.

use super::process::run;
use super::{accounts, daemon};
use crate::cache::file::Owner;
use crate::doctor::observations::{Exim, Platform, Program, Seen, Starter};
use crate::doctor::read::exim::{self, Driver};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

/// Where Exim may be.
const PLACES: [&str; 5] = [
    "/usr/sbin/exim4", // Debian, Ubuntu
    "/usr/sbin/exim",  // Fedora, Alpine
    "/usr/exim/bin/exim",
    "/usr/local/sbin/exim", // FreeBSD
    "/usr/local/exim/bin/exim",
];

/// By what a machine is known that is not configured as Debian does it, in the order of `smtp-sts-verify-exim`.
const PLATFORMS: [(&str, Platform); 8] = [
    ("/usr/local/cpanel/version", Platform { name: "cPanel", edited: "/etc/exim.conf.local" }),
    ("/usr/local/directadmin", Platform { name: "DirectAdmin", edited: "/etc/exim.routers.pre.conf" }),
    ("/usr/local/hestia", Platform { name: "HestiaCP", edited: "/etc/exim4/exim4.conf.template" }),
    ("/usr/local/vesta", Platform { name: "Vesta", edited: "/etc/exim4/exim4.conf.template" }),
    (DEBIANS, Platform { name: "Debian", edited: "/etc/exim4" }),
    ("/usr/local/etc/exim/configure", Platform { name: "FreeBSD", edited: "/usr/local/etc/exim/configure" }),
    ("/etc/alpine-release", Platform { name: "Alpine", edited: "/etc/exim/exim.conf" }),
    ("/etc/exim/exim.conf", Platform { name: "Enterprise Linux", edited: "/etc/exim/exim.conf" }),
];

/// What Debian's Exim is configured by.
const DEBIANS: &str = "/etc/exim4/update-exim4.conf.conf";

/// The domain of the question that is put through Exim: reserved (RFC 2606 section 3), signed, and of no taint, since
/// it stands in the program.
const DOMAIN: &str = "example.com";

/// Octets of a line that `-be` reads whole (exim.c, `get_stdinput`).
const LONGEST_LINE: usize = 1_000;

/// The binary: the one that was named, or the first of those known.
///
/// # Errors
/// There is none.
pub fn find(named: Option<&Path>) -> Seen<PathBuf> {
    match named {
        Some(path) if is_program(path) => Ok(path.to_owned()),
        Some(path) => Err(format!("{} is not there, or no program", path.display())),
        None => PLACES.into_iter().map(PathBuf::from).find(|path| is_program(path)).ok_or_else(|| {
            format!("no Exim at {}, or where else it may be", PLACES.first().copied().unwrap_or_default())
        }),
    }
}

/// The user that Exim becomes, by its own word.
///
/// # Errors
/// Exim does not say, or this system does not know him.
pub fn user(binary: &Path, until: Instant) -> Seen<Owner> {
    let text = run(binary, ["-bP", "exim_user", "exim_group"], "", None, until)?;
    let of = |name| {
        exim::option(&text, name)
            .map(str::to_owned)
            .ok_or_else(|| format!("{} names no {name}", binary.display()))
    };
    let (user, group) = (of("exim_user")?, of("exim_group")?);
    let known = accounts::user(&user);
    let uid = user.parse().ok().or_else(|| known.as_ref().map(|user| user.number));
    let gid = group.parse().ok().or_else(|| accounts::group(&group).map(|group| group.number));
    match (uid, gid.or_else(|| known.and_then(|user| user.group))) {
        (Some(uid), Some(gid)) => Ok(Owner { uid, gid }),
        _ => Err(format!("Exim's user {user} is not known on this system")),
    }
}

/// Asks Exim for all that it tells, and the router's question through it.
#[must_use]
pub fn look(binary: &Path, user: &Seen<Owner>, starter: Starter, until: Instant) -> Exim {
    let say = |what: &'static str| move || run(binary, ["-bP", what], "", None, until);
    let (build, macros, routers, transports) = thread::scope(|scope| {
        let build = scope.spawn(|| run(binary, ["-bV"], "", None, until));
        let macros = scope.spawn(say("macros"));
        let routers = scope.spawn(say("routers"));
        let transports = scope.spawn(say("transports"));
        (joined(build.join()), joined(macros.join()), joined(routers.join()), joined(transports.join()))
    });
    let build = build.and_then(|text| {
        exim::build(&text).ok_or_else(|| format!("{} does not speak like Exim", binary.display()))
    });
    let macros = macros.map(|text| exim::macros(&text));
    let routers = routers.map(|text| exim::drivers(&text, "router"));
    let (as_root, as_user) = answers(binary, &routers, user, starter, until);
    Exim {
        binary: binary.to_owned(),
        platform: platform(|place| Path::new(place).exists()),
        user: user.as_ref().ok().and_then(|user| accounts::user(&user.uid.to_string())).map(|user| user.name),
        build,
        daemon: daemon::look(binary, &macros, user, starter, until),
        program: program(&macros),
        macros,
        routers,
        transports: transports.map(|text| exim::drivers(&text, "transport")),
        as_root,
        as_user,
    }
}

/// Whose machine this is; `None` for Debian's, and for one that nobody knows.
fn platform(exists: impl Fn(&str) -> bool) -> Option<Platform> {
    let (place, platform) = PLATFORMS.into_iter().find(|(place, _)| exists(place))?;
    (place != DEBIANS).then_some(platform)
}

/// The router's own question about [`DOMAIN`], as root and as Exim's user, at once.
fn answers(
    binary: &Path,
    routers: &Seen<Vec<Driver>>,
    user: &Seen<Owner>,
    starter: Starter,
    until: Instant,
) -> (Seen<String>, Seen<String>) {
    let question = match routers.as_ref().map(|routers| question(routers)) {
        Ok(Some(question)) => question,
        Ok(None) => {
            let why = || Err("the router smtp_sts_ask is not loaded, or asks in a way of its own".to_owned());
            return (why(), why());
        }
        Err(why) => return (Err(why.clone()), Err(why.clone())),
    };
    let ask = |user: Option<Owner>| Ok(expanded(binary, &question, user, until));
    let needs_root = |who: &str| Err(format!("only root can ask as {who}"));
    match starter {
        Starter::Root => thread::scope(|scope| {
            let as_root = scope.spawn(|| ask(None));
            let as_user = match user {
                Ok(owner) => ask(Some(*owner)),
                Err(why) => Err(why.clone()),
            };
            (joined(as_root.join()), as_user)
        }),
        Starter::EximUser => (needs_root("root"), ask(None)),
        Starter::Other => (needs_root("root"), needs_root("Exim's user")),
    }
}

/// What the first router asks.
fn question(routers: &[Driver]) -> Option<String> {
    let router = routers.iter().find(|router| router.name == "smtp_sts_ask")?;
    router.option("address_data").filter(|asked| asked.contains("$domain")).map(str::to_owned)
}

/// What Exim makes of an expansion about [`DOMAIN`]. No answer is one, too: the mail waits for it.
pub(super) fn expanded(binary: &Path, expansion: &str, user: Option<Owner>, until: Instant) -> String {
    // As an argument it would be too long for Exim, which reads lines otherwise.
    let lines = continued(&expansion.replace("$domain", DOMAIN));
    run(binary, ["-be"], &lines, user, until).unwrap_or_else(|why| why)
}

/// A long line in several: Exim goes on with the next one behind a backslash, apart from blanks at its beginning.
fn continued(line: &str) -> String {
    let mut lines = String::with_capacity(line.len());
    let mut length = 0_usize;
    for character in line.chars() {
        if length >= LONGEST_LINE && character != ' ' {
            lines.push_str("\\\n");
            length = 0;
        }
        lines.push(character);
        length = length.saturating_add(character.len_utf8());
    }
    lines.push('\n');
    lines
}

/// What `SMTP_STS_PROGRAM` names: words may stand before the program.
fn program(macros: &Seen<Vec<(String, String)>>) -> Seen<Program> {
    let macros = macros.as_ref().map_err(Clone::clone)?;
    let (_, words) = macros
        .iter()
        .find(|(name, _)| name == "SMTP_STS_PROGRAM")
        .ok_or_else(|| "SMTP_STS_PROGRAM is not set".to_owned())?;
    let words = || words.split_whitespace().map(PathBuf::from);
    let is_ours = |path: &PathBuf| path.file_name().is_some_and(|name| name == "smtp-sts-verify");
    let path = words().find(is_ours).or_else(|| words().next()).unwrap_or_default();
    let identity = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    Ok(match identity(&path) {
        _ if !is_program(&path) => Program::Missing(path),
        found if found.is_some() && found == identity(Path::new("/proc/self/exe")) => Program::This(path),
        _ => Program::Another(path),
    })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A thread that panicked has nothing to say.
fn joined(done: thread::Result<Seen<String>>) -> Seen<String> {
    done.unwrap_or_else(|_| Err("this program failed".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_known_before_the_system_below_it() {
        for (there, expected) in [
            (&["/usr/local/cpanel/version", DEBIANS][..], Some("cPanel")),
            (&["/usr/local/hestia", DEBIANS], Some("HestiaCP")),
            (&[DEBIANS, "/etc/exim/exim.conf"], None),
            (&["/etc/alpine-release", "/etc/exim/exim.conf"], Some("Alpine")),
            (&["/etc/exim/exim.conf"], Some("Enterprise Linux")),
            (&["/usr/local/etc/exim/configure"], Some("FreeBSD")),
            (&[], None),
        ] {
            let found = platform(|place| there.contains(&place));
            assert_eq!(found.map(|platform| platform.name), expected, "{there:?}");
        }
    }

    #[test]
    fn a_long_line_is_continued_where_no_blank_is_lost() {
        assert_eq!(continued("${if x}"), "${if x}\n");
        let long = continued(&format!("{}  {}\\{}", "a".repeat(998), "b".repeat(997), "c".repeat(10)));
        let lines: Vec<_> = long.lines().collect();
        assert_eq!(
            lines,
            [format!("{}  \\", "a".repeat(998)), format!("{}\\cc\\", "b".repeat(997)), "c".repeat(8)]
        );
    }
}
