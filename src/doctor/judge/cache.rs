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
pub(super) mod tests {
    use super::*;
    use crate::doctor::observations::CachePlace;

    fn open() -> CacheFileState {
        CacheFileState::Open(CacheFile { state: file(), writable: true })
    }

    fn file() -> FileState {
        FileState {
            version: 2,
            journal: "delete".into(),
            octets: 40_960,
            most: 307_200_000,
            rows: 12,
            most_domains: 50_000,
            enforced: 9,
            has_most: None,
            share: 48,
            damaged: 0,
            check: Some("ok".into()),
        }
    }

    fn view() -> CacheView {
        CacheView {
            user: "Debian-exim".into(),
            directory: Ok(()),
            policies: Ok(open()),
            answers: Ok(CacheFileState::Absent),
            set_aside: Vec::new(),
            free: Some(1 << 34),
        }
    }

    /// A cache with which all is well, as root finds it.
    pub(crate) fn good() -> Caches {
        Caches {
            place: CachePlace {
                file: "/var/lib/smtp-sts-verify/cache.db".into(),
                directory: Ok("/var/lib/smtp-sts-verify belongs to Debian-exim:Debian-exim, mode 0750".into()),
            },
            own: Ok(view()),
            started_by: Starter::Root,
            exim: Ok(Ok(view())),
        }
    }

    fn worst(caches: &Caches, check: Check) -> Health {
        judge(caches).iter().filter(|finding| finding.check == check).map(|f| f.health).max().unwrap()
    }

    #[test]
    fn a_good_cache_is_fine() {
        assert!(judge(&good()).iter().all(|finding| finding.health == Health::Fine), "{:?}", judge(&good()));
    }

    #[test]
    fn a_bad_place_is_told_once() {
        let place = CachePlace { directory: Err("does not exist".into()), ..good().place };
        let findings = judge(&Caches { place, ..good() });
        let wrong = |finding: &&Finding| finding.health == Health::Wrong;
        assert_eq!(findings.iter().filter(wrong).map(|f| f.check).collect::<Vec<_>>(), [Check::CachePlace]);
    }

    #[test]
    fn what_exims_user_cannot_write_is_wrong() {
        let sealed = CacheFileState::Open(CacheFile { state: file(), writable: false });
        for view in [
            CacheView { policies: Ok(sealed), ..view() },
            CacheView { answers: Err("Permission denied".into()), ..view() },
            CacheView { directory: Err("Read-only file system".into()), ..view() },
        ] {
            let caches = Caches { exim: Ok(Ok(view)), ..good() };
            assert_eq!(worst(&caches, Check::CacheAsExim), Health::Wrong);
            assert_eq!(worst(&caches, Check::CacheAsRoot), Health::Fine);
        }
    }

    #[test]
    fn whoever_is_not_root_cannot_look_as_others_do() {
        let caches = Caches { exim: Err("needs root".into()), started_by: Starter::Other, ..good() };
        assert_eq!(worst(&caches, Check::CacheAsExim), Health::NotChecked);
        assert_eq!(worst(&caches, Check::CacheAsRoot), Health::NotChecked);
        let blind = CacheView { policies: Err("Permission denied".into()), ..view() };
        assert_eq!(worst(&Caches { own: Ok(blind), ..caches }, Check::CacheIntegrity), Health::NotChecked);
    }

    #[test]
    fn what_waits_for_the_next_delivery_is_not_wrong_but_where_that_may_not_write() {
        for (writable, expected) in [(true, Health::Fine), (false, Health::Wrong)] {
            let waiting = || Ok(CacheFileState::Waiting { why: "nothing is lost".into(), writable });
            let seen = CacheView { policies: waiting(), ..view() };
            let caches = Caches { own: Ok(seen.clone()), exim: Ok(Ok(seen)), ..good() };
            assert_eq!(worst(&caches, Check::CacheIntegrity), Health::NotChecked.max(Health::Fine));
            assert_eq!(worst(&caches, Check::CacheAsExim), expected);
        }
    }

    #[test]
    fn what_was_put_aside_is_a_warning_as_long_as_it_lies_there() {
        let set_aside =
            vec!["cache.db.corrupt-1800000000".to_owned(), "cache.outbox.db.corrupt-1".to_owned()];
        let caches = Caches { own: Ok(CacheView { set_aside, ..view() }), ..good() };
        let told = judge(&caches).into_iter().find(|finding| finding.health == Health::Warning).unwrap();
        assert_eq!(told.check, Check::CacheIntegrity);
        assert!(
            told.seen.starts_with("cache.db.corrupt-1800000000 and 1 more was put aside"),
            "{}",
            told.seen
        );
    }

    #[test]
    fn damage_is_wrong_and_another_journal_mode_a_warning() {
        let with = |journal: &str, check: Option<&str>, damaged| {
            let file =
                FileState { journal: journal.into(), damaged, check: check.map(str::to_owned), ..file() };
            let policies = Ok(CacheFileState::Open(CacheFile { state: file, writable: true }));
            Caches { own: Ok(CacheView { policies, ..view() }), ..good() }
        };
        assert_eq!(worst(&with("delete", Some("row 3 missing"), 0), Check::CacheIntegrity), Health::Wrong);
        assert_eq!(worst(&with("delete", Some("ok"), 1), Check::CacheIntegrity), Health::Wrong);
        assert_eq!(worst(&with("wal", Some("ok"), 0), Check::CacheJournal), Health::Warning);
    }

    #[test]
    fn little_room_is_a_warning() {
        for (octets, expected) in [(67_108_864, Health::Fine), (67_108_863, Health::Warning)] {
            let full = Caches { own: Ok(CacheView { free: Some(octets), ..view() }), ..good() };
            assert_eq!(worst(&full, Check::CacheRoom), expected, "{octets} are free");
        }
        let of_octets = |octets| room_in(&FileState { octets, most: 100, ..file() }).health;
        assert_eq!((of_octets(90), of_octets(91)), (Health::Fine, Health::Warning));
        let of_domains = |enforced| room_in(&FileState { enforced, ..file() });
        assert_eq!((of_domains(45_000).health, of_domains(45_001).health), (Health::Fine, Health::Warning));
        let whose = FileState { enforced: 50_000, has_most: Some(("wild.test".into(), 31_000)), ..file() };
        let words = "12 rows in 40 KiB of 292 MiB, 50000 of at most 50000 domains are enforced; wild.test and what is below it have the room of 31000: \
            whoever has more than 96 gives way to others, down to 48";
        assert_eq!(room_in(&whose).seen, words);
        // 64 MiB are 6,144 octets for each of 10,922 domains: of fewer, one more changes nothing.
        let told = |most_domains| room_in(&FileState { octets: 95, most: 100, most_domains, ..file() }).seen;
        assert!(told(10_921).ends_with("only a `max_domains` above 10922 raises that"), "{}", told(10_921));
        assert!(!told(10_922).contains("max_domains"), "{}", told(10_922));
    }
}
