//! Power cuts: what was told to be stored is on the disk, whatever had not reached it yet.
//!
//! A child stores policies, many in a commit, and tells each. Its system calls are taken down and played again on a model of
//! a disk that keeps nothing but what was synced: of a file the octets, of the directory its names. After each sync the power
//! goes, and what the disk has then is opened.

use super::crowd::command;
use super::place::*;
use crate::support::dice::Dice;
use crate::support::strace;
use smtp_sts_verify::cache::Memory as _;
use smtp_sts_verify::name::PolicyDomain;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a disk writes whole or not at all, octets.
const SECTOR: usize = 512;

/// Whether a sector has reached the disk, although nobody waited for it.
type Reached<'a> = &'a mut dyn FnMut() -> bool;

/// A file as the program sees it, and as the disk has it.
#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    synced: Vec<u8>,
}

/// One directory.
#[derive(Debug, Default)]
struct Disk {
    files: Vec<File>,
    /// Names as the program sees them, and as the disk has them.
    seen: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    /// Descriptors: of a file, or of the directory.
    open: BTreeMap<String, Option<usize>>,
}

impl File {
    /// What the disk has of it when the power goes: what was synced, and of what was not the sectors that reached it.
    fn left(&self, reached: Reached<'_>) -> Vec<u8> {
        let length = if reached() { self.seen.len() } else { self.synced.len() };
        let mut left = self.synced.clone();
        left.resize(length, 0);
        for (old, new) in left.chunks_mut(SECTOR).zip(self.seen.chunks(SECTOR)) {
            let both = old.len().min(new.len());
            if reached() {
                old[..both].copy_from_slice(&new[..both]);
            }
        }
        left
    }
}

impl Disk {
    fn open(&mut self, path: &str, directory: &Path, fd: &str, creates: bool) {
        if Path::new(path) == directory {
            self.open.insert(fd.to_owned(), None);
            return;
        }
        let Ok(name) = Path::new(path).strip_prefix(directory) else {
            self.open.remove(fd);
            return;
        };
        let name = name.to_str().unwrap().to_owned();
        if creates && !self.seen.contains_key(&name) {
            self.files.push(File::default());
            self.seen.insert(name.clone(), self.files.len() - 1);
        }
        self.open.insert(fd.to_owned(), Some(self.seen[&name]));
    }

    fn write(&mut self, fd: &str, octets: &[u8], at: usize) {
        let Some(Some(file)) = self.open.get(fd) else { return };
        let seen = &mut self.files[*file].seen;
        seen.resize(seen.len().max(at + octets.len()), 0);
        seen[at..at + octets.len()].copy_from_slice(octets);
    }

    fn truncate(&mut self, fd: &str, length: usize) {
        if let Some(Some(file)) = self.open.get(fd) {
            self.files[*file].seen.resize(length, 0);
        }
    }

    /// Whether it was a sync of something here.
    fn sync(&mut self, fd: &str) -> bool {
        match self.open.get(fd) {
            None => return false,
            Some(None) => self.synced = self.seen.clone(),
            Some(Some(file)) => self.files[*file].synced = self.files[*file].seen.clone(),
        }
        true
    }

    /// What is there after the power went.
    fn after_a_cut(&self, reached: Reached<'_>) -> Place {
        let place = Place::new();
        for (name, file) in &self.synced {
            let file = &self.files[*file];
            let path = place.directory.path().join(name);
            fs::write(&path, file.left(reached)).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
        }
        place
    }
}

/// Whatever the disk has then, it is a whole file, and all that was told to be stored is in it.
fn holds_what_was_told(cut: &Place, told: &[PolicyDomain], when: u32) {
    let cache = cut.cache();
    for name in told {
        let kept = cache.policy(name, Dialect::SmtpSts);
        assert!(
            matches!(&kept, Ok(Some(policy)) if policy.is_enforced()),
            "{name} was told to be stored and is lost at the cut {when}: {kept:?}"
        );
    }
    assert_eq!(cut.moved_aside(), 0);
}

/// The octets of `"\x2f\x64"`.
fn octets(quoted: &str) -> Vec<u8> {
    let digits = |pair: &str| u8::from_str_radix(&pair[..2], 16).unwrap();
    quoted.trim_matches('"').split("\\x").skip(1).map(digits).collect()
}

fn text(quoted: &str) -> String {
    String::from_utf8(octets(quoted)).unwrap()
}

#[test]
fn what_was_told_to_be_stored_survives_a_power_cut_after_each_sync() {
    if !strace::is_here("power cuts") {
        return;
    }
    let place = Place::new();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let model = command("together", &place.path(), "-");
    let calls = "trace=openat,pwrite64,ftruncate,fsync,fdatasync,unlink,write,close";
    let status = Command::new("strace")
        .args(["-f", "-xx", "-s", "100000", "-e", calls, "-o"])
        .arg(trace.path())
        .arg(model.get_program())
        .args(model.get_args())
        .envs(model.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let (mut disk, mut dice) = (Disk::default(), Dice(1));
    let (mut told, mut cuts): (Vec<PolicyDomain>, u32) = (Vec::new(), 0);
    for line in fs::read_to_string(trace.path()).unwrap().lines() {
        let Some((call, rest)) = line.split_once(' ').and_then(|(_, call)| call.trim_start().split_once('('))
        else {
            continue;
        };
        let Some((arguments, result)) = rest.rsplit_once(") = ").or_else(|| rest.rsplit_once(')')) else {
            continue;
        };
        let result = result.trim_start_matches([' ', '=']);
        if result.starts_with('-') {
            continue;
        }
        let arguments: Vec<&str> = arguments.split(", ").collect();
        let number = |at: usize| arguments[at].parse::<usize>().unwrap();
        let mut is_sync = false;
        match call {
            "openat" => disk.open(
                &text(arguments[1]),
                place.directory.path(),
                result.split(' ').next().unwrap(),
                arguments[2].contains("O_CREAT"),
            ),
            "close" => drop(disk.open.remove(arguments[0])),
            "pwrite64" => disk.write(arguments[0], &octets(arguments[1]), number(3)),
            "ftruncate" => disk.truncate(arguments[0], number(1)),
            "fsync" | "fdatasync" => {
                // Until it is over, any of the sectors may be there.
                if disk.open.contains_key(arguments[0]) {
                    let mut some = || dice.one_in(2);
                    (0..2).for_each(|_| holds_what_was_told(&disk.after_a_cut(&mut some), &told, cuts));
                }
                is_sync = disk.sync(arguments[0]);
            }
            "unlink" => {
                let path = text(arguments[0]);
                let name = Path::new(&path).strip_prefix(place.directory.path()).ok();
                name.and_then(|name| disk.seen.remove(name.to_str()?));
            }
            "write" if arguments[0] == "1" => {
                let said = text(arguments[1]);
                told.extend(said.lines().filter_map(|line| Some(domain(line.split_once("stored ")?.1))));
            }
            _ => {}
        }
        if is_sync {
            cuts += 1;
            for all in [false, true] {
                holds_what_was_told(&disk.after_a_cut(&mut || all), &told, cuts);
            }
        }
    }
    assert!(told.len() == 120 && cuts >= 12 * 4, "{} were told, {cuts} cuts", told.len());
}
