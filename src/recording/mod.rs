//! A recording: all that one verdict came from, in one file, so that it can be had again without the network.
//!
//! It holds what came in at the lowest level: the octets of each DNS reply (with its signatures), the outcome of each
//! HTTPS fetch, the clock, the trust anchors, what the cache knew of the domain. It holds no conclusions that a replay
//! would read: the same resolver, pipeline and renderer draw them again. Beside octets stands what they say, for people;
//! a replay reads the octets, and [`Recording::read`] tells where the two differ.
//!
//! - [`Tape`] takes down what [`Taped`] carriers and fetchers bring; [`Recording::to_text`] writes it.
//! - [`Recording::read`] reads an untrusted file; [`Replayer`] and [`ReplayedFetch`] stand in for the world then. They
//!   have no socket.
//!
//! A replay knows nothing of time: every reply is there at once. That changes no verdict, since none depends on which
//! reply comes first, with one exception: where a domain exhausts a budget, which of its questions goes without may be
//! another one.

mod cursor;
mod present;
mod read;
mod replay;
mod tape;
mod write;

pub use cursor::Defect;
pub use read::Difference;
pub use replay::{ReplayedFetch, Replayer};
pub use tape::{Tape, Taped};

use crate::cache::Dossier;
use crate::dns::Question;
use crate::dns::anchor::TrustAnchors;
use crate::dns::delivery::{Opinion, QueryFailure};
use crate::explain::{Explanation, Question as Explained, json};
use crate::https::{MediaType, PolicyUrl, Retold, Sighting};
use crate::time::UnixTime;
use crate::words::words;
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The version of the format; another one is refused.
pub const VERSION: u64 = 1;

/// The version of this program.
pub const VERSION_OF_PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// All that one verdict came from.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The version of the program that recorded it; its own words, not yet escaped.
    pub program: String,
    /// The moment of the verdict.
    pub moment: UnixTime,
    /// What was asked, and what the configuration said of the domain.
    pub question: Explained,
    /// What else decides.
    pub settings: Settings,
    /// What the cache knew of the domain.
    pub cache: Dossier,
    /// The questions to name servers, in the order in which they left.
    pub dns: Vec<Asked>,
    /// The policies that were asked for, in the order in which the fetches began.
    pub https: Vec<Fetching>,
    /// What came of it, as it was answered then.
    pub conclusion: Conclusion,
}

/// The settings that change a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whom DNS was asked of, in order.
    pub name_servers: Vec<SocketAddr>,
    /// Where chains of trust began.
    pub anchors: TrustAnchors,
    /// Who vouched for policy hosts: `system`, or the digest of a file. For people; a replay judges no certificate.
    pub authorities: String,
    /// The port of policy hosts.
    pub https_port: u16,
    /// Whether policy hosts could have private addresses.
    pub allow_private_addresses: bool,
    /// Seconds that the run was given.
    pub deadline: u64,
}

words! {
    /// How the name servers were asked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Turn {
        /// In the order in which they were given.
        First = "first",
        /// Beginning at another one, since an answer was bogus.
        Second = "second",
        /// With CD clear, since an answer was bogus.
        Checked = "checked",
    }
}

impl Turn {
    /// The turn whose replies stand in for those that this one lacks.
    #[must_use]
    pub const fn other(self) -> Option<Self> {
        match self {
            Self::First => Some(Self::Second),
            Self::Second => Some(Self::First),
            Self::Checked => None,
        }
    }
}

impl From<Opinion> for Turn {
    fn from(opinion: Opinion) -> Self {
        match opinion {
            Opinion::First => Self::First,
            Opinion::Second(_) => Self::Second,
            Opinion::Checked => Self::Checked,
        }
    }
}

/// One question to name servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// In which order they were asked.
    pub turn: Turn,
    /// What it brought.
    pub brought: Brought,
}

/// What a question brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// A useful reply.
    Reply {
        /// Who gave it.
        server: SocketAddr,
        /// What came, the letters of the question in lower case.
        octets: Vec<u8>,
    },
    /// None.
    Failure(QueryFailure),
    /// Nothing yet when the verdict stood: nobody waited for it.
    Nothing,
}

/// One fetch of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetching {
    /// Where.
    pub url: PolicyUrl,
    /// What the dialect demands.
    pub media: MediaType,
    /// What it brought.
    pub fetched: Fetched,
    /// What was seen of the host, for people.
    pub sighting: Sighting,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A body.
    Body(Vec<u8>),
    /// None.
    Failure(Retold),
    /// Nothing yet when the verdict stood: nobody waited for it.
    Nothing,
}

/// What came of it, to be compared with what comes of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conclusion {
    /// The word of the verdict.
    pub verdict: String,
    /// The word of the reason.
    pub reason: String,
    /// SHA-256 of the explanation as JSON, in hexadecimal.
    pub explanation: String,
}

impl Conclusion {
    /// What came of this one.
    #[must_use]
    pub fn of(explanation: &Explanation) -> Self {
        let judgement = &explanation.report.judgement;
        Self {
            verdict: judgement.verdict.word().to_owned(),
            reason: judgement.reason.word().to_owned(),
            explanation: sha256(json::object(explanation).as_bytes()),
        }
    }

    /// How a replay differs, if it does, from what `program` concluded when it recorded.
    #[must_use]
    pub fn differs(&self, program: &str, replayed: &Self) -> Option<String> {
        let by = || format!("recorded by version {program}, replayed by version {VERSION_OF_PROGRAM}");
        if (&self.verdict, &self.reason) != (&replayed.verdict, &replayed.reason) {
            let Self { verdict, reason, .. } = self;
            let now = format!("{} ({})", replayed.verdict, replayed.reason);
            return Some(format!("the verdict was {verdict} ({reason}), and is {now} now; {}", by()));
        }
        let is_same = self.explanation == replayed.explanation;
        (!is_same).then(|| format!("the verdict is as it was, its explanation is not; {}", by()))
    }
}

/// In hexadecimal.
fn sha256(octets: &[u8]) -> String {
    let digest = digest(&SHA256, octets);
    digest.as_ref().iter().fold(String::new(), |mut text, octet| {
        let _never_fails = write!(text, "{octet:02x}");
        text
    })
}
