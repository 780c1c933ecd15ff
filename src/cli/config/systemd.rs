//! What a unit of systemd keeps from its service, by the unit's file and its drop-ins (systemd.unit(5), systemd.exec(5)).
//!
//! The files are read, and systemd is not asked: it asks this program, before it starts the daemon.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where files of units lie, those that win first (systemd.unit(5), "Unit File Load Path").
const PLACES: [&str; 7] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What a unit takes away from its service, and leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sandbox {
    private_tmp: bool,
    home: Home,
    system: System,
    /// Below these nothing can be seen.
    inaccessible: Vec<PathBuf>,
    /// These are empty, but for what is bound there.
    emptied: Vec<PathBuf>,
    /// What is put there from outside, and whether it may be written to.
    bound: Vec<(PathBuf, bool)>,
    writable: Vec<PathBuf>,
    read_only: Vec<PathBuf>,
    /// The service has another root: what it sees there, nobody can tell from here.
    has_own_root: bool,
}

/// `ProtectHome=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Home {
    #[default]
    Open,
    ReadOnly,
    Emptied,
    Inaccessible,
}

/// `ProtectSystem=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum System {
    #[default]
    Open,
    Yes,
    Full,
    Strict,
}

/// What `PrivateTmp=` empties.
const TMP: [&str; 2] = ["/tmp", "/var/tmp"];
/// What `ProtectHome=` is about.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
/// What the steps of `ProtectSystem=` are about.
const SYSTEM: [&str; 3] = ["/usr", "/boot", "/efi"];

impl Sandbox {
    /// The unit of that name as it is set up below a root; `packaged` where nobody has put its file anywhere.
    pub(super) fn of_unit(root: &Path, name: &str, packaged: &str) -> Self {
        let below = |place: &str| root.join(place.trim_start_matches('/'));
        let unit = PLACES.iter().find_map(|place| fs::read_to_string(below(place).join(name)).ok());
        let mut dropins: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
        for directory in dropin_directories(name) {
            for place in PLACES {
                let found = fs::read_dir(below(place).join(&directory)).into_iter().flatten().flatten();
                for path in found.map(|entry| entry.path()) {
                    if let Some(file) =
                        path.file_name().filter(|_| path.extension().is_some_and(|end| end == "conf"))
                    {
                        dropins.entry(file.to_owned()).or_insert(path);
                    }
                }
            }
        }
        let mut files = vec![unit.unwrap_or_else(|| packaged.to_owned())];
        files.extend(dropins.into_values().filter_map(|path| fs::read_to_string(path).ok()));
        Self::of(&files)
    }

    /// The unit that these files describe, each going on where the one before ended.
    pub(super) fn of(files: &[String]) -> Self {
        let mut sandbox = Self::default();
        for file in files {
            for (key, value) in settings(file) {
                sandbox.set(&key, &value);
            }
        }
        sandbox
    }

    fn set(&mut self, key: &str, value: &str) {
        let paths = |value: &str| value.split_whitespace().filter_map(path).collect::<Vec<_>>();
        // Nothing empties a list.
        let extend = |list: &mut Vec<PathBuf>| match value {
            "" => list.clear(),
            _ => list.extend(paths(value)),
        };
        match key {
            // "disconnected" is one of systemd 257.
            "PrivateTmp" => self.private_tmp = is_true(value) || value == "disconnected",
            "ProtectHome" => {
                self.home = match value {
                    "read-only" => Home::ReadOnly,
                    "tmpfs" => Home::Emptied,
                    _ if is_true(value) => Home::Inaccessible,
                    _ => Home::Open,
                }
            }
            "ProtectSystem" => {
                self.system = match value {
                    "strict" => System::Strict,
                    "full" => System::Full,
                    _ if is_true(value) => System::Yes,
                    _ => System::Open,
                }
            }
            "InaccessiblePaths" | "InaccessibleDirectories" => extend(&mut self.inaccessible),
            "ReadOnlyPaths" | "ReadOnlyDirectories" => extend(&mut self.read_only),
            "ReadWritePaths" | "ReadWriteDirectories" => extend(&mut self.writable),
            "StateDirectory" => {
                // The second name is one by which it is found, too; only the first is a directory of its own.
                let own = value
                    .split_whitespace()
                    .filter_map(|name| path(&format!("/var/lib/{}", name.split(':').next()?)));
                self.writable.extend(own);
            }
            "TemporaryFileSystem" if value.is_empty() => self.emptied.clear(),
            "TemporaryFileSystem" => {
                let places = value.split_whitespace().filter_map(|one| path(one.split(':').next()?));
                self.emptied.extend(places);
            }
            "BindPaths" | "BindReadOnlyPaths" if value.is_empty() => self.bound.clear(),
            "BindPaths" | "BindReadOnlyPaths" => {
                let places = value.split_whitespace().filter_map(|one| {
                    let mut words = one.split(':');
                    let from = words.next()?;
                    path(words.next().filter(|to| !to.is_empty()).unwrap_or(from))
                });
                self.bound.extend(places.map(|place| (place, key == "BindPaths")));
            }
            "RootDirectory" | "RootImage" => self.has_own_root = !value.is_empty() && value != "/",
            _ => {}
        }
    }

    /// The place below which the service sees nothing of that file, and the setting that says so.
    pub(super) fn hides(&self, file: &Path) -> Option<(PathBuf, &'static str)> {
        if self.has_own_root {
            return None;
        }
        let homes = |home: Home| HOMES.iter().filter(move |_| self.home == home).map(PathBuf::from);
        let inaccessible = self
            .inaccessible
            .iter()
            .map(|place| (place.clone(), "InaccessiblePaths"))
            .chain(homes(Home::Inaccessible).map(|place| (place, "ProtectHome")));
        let emptied = self
            .emptied
            .iter()
            .map(|place| (place.clone(), "TemporaryFileSystem"))
            .chain(homes(Home::Emptied).map(|place| (place, "ProtectHome")))
            .chain(TMP.iter().filter(|_| self.private_tmp).map(|place| (PathBuf::from(place), "PrivateTmp")));
        let is_bound = |place: &Path| {
            self.bound.iter().any(|(bound, _)| file.starts_with(bound) && bound.starts_with(place))
        };
        inaccessible
            .filter(|(place, _)| file.starts_with(place))
            .chain(emptied.filter(|(place, _)| file.starts_with(place) && !is_bound(place)))
            .next()
    }

    /// Whether the service may write there, as far as its unit goes: what is said of the nearest directory counts.
    pub(super) fn lets_write(&self, place: &Path) -> bool {
        let all =
            |places: &'static [&'static str], may| places.iter().map(move |place| (Path::new(place), may));
        let system = match self.system {
            System::Open => &[][..],
            System::Yes | System::Full => &SYSTEM[..],
            System::Strict => &["/"],
        };
        let homes = if self.home == Home::ReadOnly { &HOMES[..] } else { &[] };
        let full = if self.system == System::Full { &["/etc"][..] } else { &[] };
        let tmp = if self.private_tmp { &TMP[..] } else { &[] };
        all(system, false)
            .chain(all(full, false))
            .chain(all(homes, false))
            .chain(all(tmp, true))
            .chain(self.read_only.iter().map(|place| (place.as_path(), false)))
            .chain(self.bound.iter().map(|(place, may)| (place.as_path(), *may)))
            .chain(self.writable.iter().map(|place| (place.as_path(), true)))
            .filter(|(known, _)| place.starts_with(known))
            .max_by_key(|(known, _)| known.components().count())
            .is_none_or(|(_, may)| self.has_own_root || may)
    }
}

/// The directories of a unit's drop-ins: its own, those of what its name begins with, that of all services.
fn dropin_directories(name: &str) -> Vec<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let starts = stem.match_indices('-').map(|(place, _)| stem.get(..=place).unwrap_or_default());
    let mut all = vec![format!("{name}.d")];
    all.extend(starts.rev().map(|start| format!("{start}.service.d")));
    all.push("service.d".to_owned());
    all
}

/// The settings of `[Service]`, in their order.
fn settings(text: &str) -> Vec<(String, String)> {
    let (mut settings, mut is_of_service, mut whole) = (Vec::new(), false, String::new());
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            whole.push_str(begun);
            whole.push(' ');
            continue;
        }
        let all = std::mem::take(&mut whole) + line;
        if all.starts_with('[') {
            is_of_service = all == "[Service]";
        } else if let Some((key, value)) = all.split_once('=').filter(|_| is_of_service) {
            settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    settings
}

/// A boolean as systemd reads it.
fn is_true(value: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// A path of a list, without what says that it may be missing, or is below the root of the service.
fn path(word: &str) -> Option<PathBuf> {
    let word = word.trim_matches(['"', '\'']).trim_start_matches(['-', '+']);
    let word = word.replace("%S", "/var/lib").replace("%t", "/run").replace("%%", "%");
    let path: PathBuf = Path::new(&word).components().collect();
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests;
