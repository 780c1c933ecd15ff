//! Why a command that people start cannot do its work.

use super::exit::ExitStatus;
use super::output;
use crate::cache::{CacheError, Cause};
use crate::config::BadConfiguration;

/// What a configuration that cannot be used means for mail.
const MEANWHILE: &str = "until it is mended a daemon that runs goes on with what it has, one that is started takes the last \
     good configuration, and the program that Exim starts where there is no daemon lets mail wait";

/// What is wrong with the cache, for the person who asked: whoever may not look at it is no concern of mail's.
pub(super) fn of_the_cache(trouble: &CacheError, is_root: bool) -> String {
    match trouble {
        CacheError::Unusable { file, doing, why: why @ Cause::Denied, .. } if !is_root => {
            format!(
                "the cache {} could not be used while {doing}: {why}; only root and the mail server's user may look at it: try it \
             as root",
                file.display()
            )
        }
        _ => trouble.to_string(),
    }
}

/// The exit status, and a sentence for standard error.
#[derive(Debug)]
pub(super) struct Failure(pub(super) ExitStatus, pub(super) String);

impl From<BadConfiguration> for Failure {
    fn from(error: BadConfiguration) -> Self {
        Self(ExitStatus::Configuration, error.to_string())
    }
}

impl Failure {
    /// What was typed is wrong.
    pub(super) const fn usage(why: String) -> Self {
        Self(ExitStatus::Usage, why)
    }

    /// The program failed.
    pub(super) fn internal(error: impl ToString) -> Self {
        Self(ExitStatus::Internal, error.to_string())
    }

    /// A choice cannot be used.
    pub(super) fn misconfigured(why: impl ToString) -> Self {
        Self(ExitStatus::Configuration, why.to_string())
    }

    /// Tells the person who looks after the machine what is wrong, and, where it is the configuration, what becomes of mail
    /// meanwhile.
    pub(super) fn tell_with_what_follows(self, command: &str) -> ExitStatus {
        let status = self.tell(command);
        if status == ExitStatus::Configuration {
            output::complain(command, MEANWHILE, status)
        } else {
            status
        }
    }

    /// Tells the person who typed the command.
    pub(super) fn tell(self, command: &str) -> ExitStatus {
        let Self(status, why) = self;
        output::complain(command, &why, status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Use;

    #[test]
    fn whoever_may_not_look_at_the_cache_is_told_who_may() {
        let trouble = |why: Cause| CacheError::Unusable {
            file: "/var/lib/smtp-sts-verify/cache.db".into(),
            doing: "looking for it",
            to: Use::Read,
            why,
        };
        let denied = trouble(Cause::Denied);
        assert!(
            of_the_cache(&denied, false)
                .ends_with("only root and the mail server's user may look at it: try it as root")
        );
        assert_eq!(of_the_cache(&denied, true), denied.to_string());
        let full = trouble(Cause::Full);
        assert_eq!(of_the_cache(&full, false), full.to_string());
    }
}
