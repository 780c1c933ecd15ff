//! Exit codes: their meaning, and the only place that ends the process.

use crate::cache::CacheError;
use crate::reason::Reason;
use crate::verdict::Verdict;
use crate::verify::Report;

/// How the process ends (the numbers of sysexits.h where there is one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Deliver; a look-up that is secure or insecure; a text without errors; a pattern that matches.
    Deliver,
    /// Refuse, only with `-m`; a look-up that is bogus; a text with an error; a pattern that does not match.
    Refuse,
    /// The question is none.
    Usage,
    /// The program failed.
    Internal,
    /// Defer; a look-up without an answer; output that nobody took.
    Defer,
    /// The configuration cannot be used.
    Configuration,
    /// A number of a command that has a list of its own: `doctor`, and `probe` as a plugin of Nagios.
    Own(u8),
}

impl ExitStatus {
    /// Every status that the commands share, in the order of the numbers.
    pub const ALL: [Self; 6] =
        [Self::Deliver, Self::Refuse, Self::Usage, Self::Internal, Self::Defer, Self::Configuration];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Deliver => 0,
            Self::Refuse => 1,
            Self::Usage => 64,
            Self::Internal => 70,
            Self::Defer => 75,
            Self::Configuration => 78,
            Self::Own(code) => code,
        }
    }

    /// What `--help` and the manual say of it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Deliver => "deliver; of other commands: done, and nothing is wrong",
            Self::Refuse => "refuse, only with -m; of other commands: something is wrong",
            Self::Usage => "the command line, the domain or a host is wrong",
            Self::Internal => "the program failed",
            Self::Defer => "defer: nobody can tell yet, or nobody took the output",
            Self::Configuration => "the configuration cannot be used",
            Self::Own(_) => "see the help of the command",
        }
    }

    /// The status that a report ends with.
    #[must_use]
    pub const fn of(report: &Report) -> Self {
        match (report.judgement.reason, report.judgement.verdict) {
            (Reason::BadDomain | Reason::BadHost | Reason::Usage, _) => Self::Usage,
            (Reason::Configuration, _) => Self::Configuration,
            (Reason::Internal, _) => Self::Internal,
            (_, Verdict::Deliver) => Self::Deliver,
            (_, Verdict::Refuse) => Self::Refuse,
            (_, Verdict::Defer) => Self::Defer,
        }
    }

    /// What a cache that cannot be used means to whoever looks after it: a place, owner or mode that has to be mended is
    /// the configuration's; everything else may be over soon.
    #[must_use]
    pub const fn of_trouble(trouble: &CacheError) -> Self {
        match trouble {
            CacheError::NotOurs { .. } | CacheError::Unsafe { .. } => Self::Configuration,
            CacheError::Corrupt { .. }
            | CacheError::Retold(_)
            | CacheError::Unusable { .. }
            | CacheError::Waiting { .. } => Self::Defer,
        }
    }

    /// Ends the process, from wherever it is: only for the panic hook and the watchdog.
    #[expect(clippy::disallowed_methods, reason = "the one place that ends the process")]
    pub fn leave(self) -> ! {
        std::process::exit(i32::from(self.code()))
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}
