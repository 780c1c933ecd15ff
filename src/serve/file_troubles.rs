//! What is said of files that cannot be used, each by itself: trouble that harms nobody hides none that does. Pure.

use crate::cache::CacheError;
use crate::limits::{CACHE_FULL_TOLD_AGAIN, CACHE_TROUBLE_APART};
use crate::time::UnixTime;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A file cannot be used.
    Trouble(CacheError),
    /// That one can be written to again.
    Over(PathBuf),
}

/// The files that could not be used lately, and whether to be written to.
#[derive(Debug, Default)]
pub(super) struct FileTroubles(BTreeMap<(PathBuf, bool), Said>);

#[derive(Clone, Copy, Debug)]
struct Said {
    at: UnixTime,
    /// Whether its end was said since.
    is_over: bool,
}

impl FileTroubles {
    /// What there is to say: of what could not be read, and of how the last write into each file ended.
    pub(super) fn news(
        &mut self,
        unread: Option<&CacheError>,
        writes: &[(PathBuf, Result<(), CacheError>)],
        now: UnixTime,
    ) -> Vec<News> {
        let mut news = Vec::new();
        for trouble in unread.into_iter().chain(writes.iter().filter_map(|(_, write)| write.as_ref().err())) {
            let Some(file) = trouble.path() else { continue };
            let key = (file.to_owned(), trouble.is_of_writing());
            // What has ended since is said sooner, and not each time where it comes and goes.
            let apart = |said: &Said| if said.is_over { CACHE_TROUBLE_APART } else { CACHE_FULL_TOLD_AGAIN };
            if self.0.get(&key).is_none_or(|said| now.since(said.at) >= apart(said)) {
                self.0.insert(key, Said { at: now, is_over: false });
                news.push(News::Trouble(trouble.clone()));
            }
        }
        for (file, write) in writes {
            let said = self.0.get_mut(&(file.clone(), true)).filter(|said| write.is_ok() && !said.is_over);
            if let Some(said) = said {
                said.is_over = true;
                news.push(News::Over(file.clone()));
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Cause, Use};

    #[test]
    fn each_file_has_a_clock_of_its_own_and_the_end_of_its_trouble_is_said() {
        let [dns, policies] = ["/x/cache.dns.db", "/x/cache.db"].map(PathBuf::from);
        let full = |file: &PathBuf| CacheError::Unusable {
            file: file.clone(),
            doing: "storing",
            to: Use::Write,
            why: Cause::Full,
        };
        let (start, mut troubles) = (UnixTime(1_800_000_000), FileTroubles::default());
        let [bad_dns, bad, good] = [
            (dns.clone(), Err(full(&dns))),
            (policies.clone(), Err(full(&policies))),
            (policies.clone(), Ok(())),
        ];
        let said = |file: &PathBuf| News::Trouble(full(file));
        let mut at = |seconds: u64, writes: &[_]| troubles.news(None, writes, start.plus(seconds));
        assert_eq!(at(0, std::slice::from_ref(&bad_dns)), [said(&dns)]);
        assert_eq!(
            at(1, &[bad_dns.clone(), bad.clone()]),
            [said(&policies)],
            "the harmless one hides it not"
        );
        assert_eq!(at(3_599, &[bad_dns.clone(), bad.clone()]), []);
        assert_eq!(at(3_600, &[bad_dns.clone(), good.clone()]), [said(&dns), News::Over(policies.clone())]);
        assert_eq!(at(3_601, &[good]), [], "once");
        assert_eq!(at(3_602, std::slice::from_ref(&bad)), [said(&policies)], "it was said an hour ago");
        assert_eq!(at(3_603, &[(policies.clone(), Ok(()))]), [News::Over(policies.clone())]);
        assert_eq!(at(3_661, std::slice::from_ref(&bad)), [], "it comes and goes");
        assert_eq!(at(3_662, &[bad]), [said(&policies)]);
    }

    #[test]
    fn what_cannot_be_read_is_said_once_an_hour() {
        let unread = CacheError::Unusable {
            file: "/x/cache.db".into(),
            doing: "reading it",
            to: Use::Read,
            why: Cause::Locked,
        };
        let mut troubles = FileTroubles::default();
        let mut told =
            |seconds: u64| troubles.news(Some(&unread), &[], UnixTime(1_800_000_000 + seconds)).len();
        assert_eq!([0, 1, 3_599, 3_600].map(&mut told), [1, 0, 0, 1]);
    }
}
