//! A cache in a directory of its own, and words to fill it.

use smtp_sts_verify::cache::{Cache, CachePath, Circumstances};
use smtp_sts_verify::limits::MAX_DOMAINS_DEFAULT;
use smtp_sts_verify::name::PolicyDomain;
pub(crate) use smtp_sts_verify::policy::Dialect;
use smtp_sts_verify::policy::smtp_sts::Record;
use smtp_sts_verify::policy::{Authentication, Policy, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

pub(crate) const RECORD: &str = "v=STS1; to=true; mx=*.mx.test; a=dnssec; c=webpki; e=604800";
pub(crate) const REPORTING: &str = "v=STS1; to=false; mx=*.mx.test; a=dnssec; c=webpki; e=604800";

/// Files here wait for no disk: thousands of commits elsewhere would test the disk.
pub(crate) const MEMORY: &str = "/dev/shm";

pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::of(directory())
    }

    /// In a directory that is not open to everybody, so that it may be given to somebody else.
    pub(crate) fn within(above: &TempDir) -> Self {
        Self::of(tempfile::tempdir_in(above.path()).unwrap())
    }

    fn of(directory: TempDir) -> Self {
        fs::set_permissions(directory.path(), Permissions::from_mode(0o750)).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("cache.db")
    }

    pub(crate) fn answers(&self) -> PathBuf {
        self.directory.path().join("cache.dns.db")
    }

    pub(crate) fn cache(&self) -> Cache {
        open(&self.path(), now())
    }

    /// What lies there, but for the files that writers lock.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".turn"))
            .collect();
        names.sort();
        names
    }

    pub(crate) fn moved_aside(&self) -> usize {
        self.names().iter().filter(|name| name.contains(".corrupt-")).count()
    }
}

/// A directory that everybody may look into.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new(MEMORY);
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(parent).or_else(|_| tempfile::tempdir()).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    directory
}

pub(crate) fn usual() -> Circumstances {
    Circumstances::default()
}

pub(crate) fn bounded(path: &Path, max_domains: u64, now: UnixTime) -> Cache {
    Cache::new(CachePath::parse(path).unwrap(), &usual(), max_domains, now)
}

pub(crate) fn open(path: &Path, now: UnixTime) -> Cache {
    bounded(path, MAX_DOMAINS_DEFAULT, now)
}

pub(crate) fn now() -> UnixTime {
    // One moment for the whole process: no test spans the end of a second.
    static NOW: LazyLock<u64> =
        LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    UnixTime(*NOW)
}

pub(crate) fn domain(name: &str) -> PolicyDomain {
    PolicyDomain::parse(name).unwrap()
}

pub(crate) fn fetched(
    name: &str,
    record: &str,
    authentication: Authentication,
    at: UnixTime,
) -> StoredPolicy {
    StoredPolicy::fetched(&domain(name), Record::parse(record).unwrap(), authentication, at, at.plus(300))
}

pub(crate) fn mta_sts(name: &str, id: &str, mode: &str, max_age: u64, at: UnixTime) -> StoredPolicy {
    let mx = if mode == "none" { "" } else { "mx: *.mx.test\n" };
    let text = format!("v=STSv1; id={id};\nversion: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n");
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    StoredPolicy::fetched(&domain(name), policy, Authentication::WebPki, at, at.plus(300))
}

pub(crate) fn enforced(name: &str, at: UnixTime) -> StoredPolicy {
    StoredPolicy { applied_at: Some(at), ..fetched(name, RECORD, Authentication::Dnssec, at) }
}

pub(crate) fn sqlite3(path: &Path, sql: &str) -> Option<String> {
    let output = Command::new("sqlite3").arg(path).arg(sql).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}
