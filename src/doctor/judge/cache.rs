//! The cache: where it lies, who can use it, and what its files are like.

use super::{fine, octets, unchecked, warning, wrong};
use crate::cache::FileState;
use crate::doctor::observations::{CacheFile, CacheFileState, CacheView, Caches, Seen, Starter};
use crate::doctor::{Check, Finding, Health};
use crate::limits::{CACHE_OCTETS_LEAST, CACHE_OCTETS_PER_DOMAIN, LEAST_FREE_OCTETS};
use std::path::Path;

/// Judges the cache.
#[must_use]
pub fn judge(caches: &Caches) -> Vec<Finding> {
    let mut findings = match &caches.place.directory {
        Ok(words) => vec![fine(Check::CachePlace, words)],
        Err(why) => {
            let others = [Check::CacheAsRoot, Check::CacheAsExim, Check::CacheIntegrity];
            let others = others.map(|check| unchecked(check, "its place has to be mended first"));
            return [wrong(Check::CachePlace, why)].into_iter().chain(others).collect();
        }
    };
    let root = Check::CacheAsRoot;
    findings.push(match caches.started_by {
        Starter::Root => usable(root, &caches.own),
        Starter::EximUser | Starter::Other => unchecked(root, "only root can look as root"),
    });
    findings.push(match &caches.exim {
        Ok(view) => usable(Check::CacheAsExim, view),
        Err(why) => unchecked(Check::CacheAsExim, why),
    });
    let may_look = |view: &&CacheView| caches.started_by != Starter::Other || view.policies.is_ok();
    let own = caches.own.as_ref().ok().filter(may_look);
    let view = own.or_else(|| caches.exim.as_ref().ok()?.as_ref().ok());
    match view {
        Some(view) => findings.extend(files(view, caches)),
        None => {
            findings.push(unchecked(Check::CacheIntegrity, "only Exim's user and root can look at the files"))
        }
    }
    findings
}

fn usable(check: Check, view: &Seen<CacheView>) -> Finding {
    let view = match view {
        Ok(view) => view,
        Err(why) => return wrong(check, why).blind(),
    };
    let of = |file: &Seen<CacheFileState>| match file {
        Err(why) => Err(why.clone()),
        Ok(
            CacheFileState::Open(CacheFile { writable: false, .. })
            | CacheFileState::Waiting { writable: false, .. },
        ) => Err("a file of it cannot be written".to_owned()),
        Ok(_) => Ok(()),
    };
    match of(&view.policies).and_then(|()| of(&view.answers)).and_then(|()| view.directory.clone()) {
        Ok(()) => fine(check, format!("as {}: it can be read and written", view.user)),
        Err(why) => wrong(check, format!("as {}: {why}", view.user)),
    }
}

fn files(view: &CacheView, caches: &Caches) -> Vec<Finding> {
    let named = [("policies", &view.policies), ("DNS results", &view.answers)];
    let mut findings = Vec::new();
    for (name, file) in named {
        match file {
            Err(why) => findings.push(wrong(Check::CacheIntegrity, why).about(name)),
            Ok(CacheFileState::Absent) => {
                findings
                    .push(fine(Check::CacheIntegrity, "not there yet; the first use makes it").about(name));
            }
            Ok(CacheFileState::Waiting { why, .. }) => {
                findings.push(unchecked(Check::CacheIntegrity, why).about(name));
            }
            Ok(CacheFileState::Open(CacheFile { state: file, .. })) => {
                findings.push(integrity(file.version, file.check.as_deref(), file.damaged).about(name));
                findings.push(journal_mode(&file.journal).about(name));
                findings.push(room_in(file).about(name));
            }
        }
    }
    if let Some(finding) = set_aside(&view.set_aside) {
        findings.push(finding);
    }
    findings.push(free(view, caches.place.file.parent()));
    findings
}

fn integrity(version: i64, check: Option<&str>, damaged: u64) -> Finding {
    const CHECK: Check = Check::CacheIntegrity;
    match check {
        Some("ok") if damaged > 0 => {
            let rows = if damaged == 1 { "row is" } else { "rows are" };
            wrong(
                CHECK,
                format!(
                    "{damaged} {rows} not what was written: mail for their domains waits until a policy has been fetched anew"
                ),
            )
        }
        Some("ok") => fine(CHECK, format!("schema {version}, no damage found")),
        Some(found) => wrong(CHECK, found),
        None => unchecked(CHECK, format!("schema {version}; too large to be read through here")),
    }
}

/// What lies there of earlier damage, which nobody may have seen.
fn set_aside(names: &[String]) -> Option<Finding> {
    let first = names.first()?;
    let more = match names.len() {
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    let words = format!(
        "{first}{more} was put aside as damaged: what only it knew is lost. While it lies there \
         the next damaged file is left in its place; after a look at the disk, remove it"
    );
    Some(warning(Check::CacheIntegrity, words).about("set aside"))
}

fn journal_mode(mode: &str) -> Finding {
    let health = if mode == "delete" { Health::Fine } else { Health::Warning };
    Finding::new(Check::CacheJournal, health, mode)
}

fn room_in(file: &FileState) -> Finding {
    const CHECK: Check = Check::CacheRoom;
    let FileState { rows, most, most_domains, enforced, .. } = file;
    let s = if *rows == 1 { "" } else { "s" };
    let mut words = format!("{rows} row{s} in {} of {}", octets(file.octets), octets(*most));
    // The last tenth is where room is made by forgetting.
    let is_nearly_full = |much: u64, most: u64| much > most / 10 * 9;
    let (few_domains, little_room) =
        (is_nearly_full(*enforced, *most_domains), is_nearly_full(file.octets, *most));
    if !few_domains && !little_room {
        return fine(CHECK, words);
    }
    if few_domains {
        words.push_str(&format!(", {enforced} of at most {most_domains} domains are enforced"));
    }
    if let Some((owner, number)) = &file.has_most {
        let (share, from) = (file.share, file.share.saturating_mul(2));
        words.push_str(&format!(
            "; {owner} and what is below it have the room of {number}: whoever has more than {from} gives way to others, down \
             to {share}"
        ));
    }
    let enough = CACHE_OCTETS_LEAST / CACHE_OCTETS_PER_DOMAIN;
    if little_room && *most_domains < enough {
        words.push_str(&format!(
            "; it is its length that is bounded, and only a `max_domains` above {enough} raises that"
        ));
    }
    warning(CHECK, words)
}

fn free(view: &CacheView, directory: Option<&Path>) -> Finding {
    const CHECK: Check = Check::CacheRoom;
    let finding = match view.free {
        None => unchecked(CHECK, "the file system does not say what is free"),
        Some(free) if free < LEAST_FREE_OCTETS => {
            let place = directory.map(|path| format!(", where {} lies", path.display()));
            warning(CHECK, format!("{} free{}", octets(free), place.unwrap_or_default()))
        }
        Some(free) => fine(CHECK, format!("{} free", octets(free))),
    };
    finding.about("disk")
}

#[cfg(test)]
pub(super) mod tests;
