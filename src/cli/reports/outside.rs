//! What every command about reports that leave works with: the configuration, the counts and the outbox, and whom to ask.

use crate::cache::{CacheError, CachePath, Counts, Outbox, registrant};
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::{self, Failure};
use crate::config::{Access, Reporting, Setup};
use crate::dns::proven_zones::ProvenZones;
use crate::dns::reply_memory::ReplyMemory;
use crate::dns::session::Resolver;
use crate::dns::{Answer, Content, Outage, Outcome, Question, Resolve as _, joined_texts};
use crate::name::PolicyDomain;
use crate::policy::tls_rpt::{self, LABELS, Record};
use crate::policy::txt::Published;
use crate::reporting::destination::{Destination, Unusable};
use crate::reporting::patience::{LookUps, PutOff};
use crate::text::excerpt;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use hickory_proto::rr::{Name, RecordType};
use nix::unistd::geteuid;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Characters of an untrusted sentence that are shown.
const SHOWN: usize = 200;

/// The set-up of a command about reports.
pub(super) struct Outside {
    pub(super) setup: Setup,
    pub(super) reporting: Reporting,
    path: CachePath,
    max_domains: u64,
}

/// Whom to ask; what is proven of zones, each look-up of a run knows.
pub(super) struct Asker {
    servers: Vec<SocketAddr>,
    zones: ProvenZones,
    patience: Duration,
    waited: RefCell<LookUps>,
}

/// Where a domain wants reports.
pub(super) enum Wish {
    /// There: the record, and what it comes down to.
    Record(Record, Vec<Result<Destination, Unusable>>),
    /// Nowhere, and why.
    Nothing(String),
    /// Nobody can tell now, and why.
    Unknown(String),
    /// Nobody was asked in this run, and why.
    Postponed(String),
}

impl Outside {
    /// As the owner of the cache.
    pub(super) fn open(arguments: &OutsideArguments) -> Result<Self, Failure> {
        let setup = Setup::open(arguments.choices()?, Access::Owner)?;
        let (path, max_domains) = (setup.path()?, setup.choices().max_domains());
        let reporting = setup.choices().reporting();
        Ok(Self { setup, reporting, path, max_domains })
    }

    /// The counts, to be looked at.
    pub(super) fn counts(&self) -> Counts {
        Counts::beside(&self.path, self.max_domains, SystemClock.now()).read_only()
    }

    /// The outbox.
    pub(super) fn outbox(&self) -> Outbox {
        Outbox::beside(&self.path, self.max_domains, SystemClock.now())
    }

    /// Whom to ask.
    pub(super) fn asker(&self) -> Result<Asker, Failure> {
        let dns = self.setup.dns()?;
        let zones = ProvenZones::under(Arc::clone(&dns.anchors));
        let (patience, waited) = (self.setup.choices().deadline(), RefCell::default());
        Ok(Asker { servers: dns.servers, zones, patience, waited })
    }
}

impl Asker {
    /// A resolver for one hand-over.
    pub(super) fn resolver(&self, now: UnixTime) -> Resolver {
        self.resolver_for(self.patience, now)
    }

    fn resolver_for(&self, so_long: Duration, now: UnixTime) -> Resolver {
        let ends = Instant::now() + so_long;
        let memory = (&ReplyMemory::default(), "");
        Resolver::beside_others(&self.servers, &self.zones, memory, now, ends.into())
    }

    /// Asks where a domain wants reports (RFC 8460 section 3): at the recipient's domain, of DANE, too.
    pub(super) async fn wish_of(&self, domain: &PolicyDomain) -> Wish {
        let Some(name) = name_of(domain) else {
            return Wish::Nothing("nothing can be published below it: the name is too long".to_owned());
        };
        let owner = registrant(domain.as_str());
        let so_long = match self.waited.borrow().allowed(owner, self.patience) {
            Ok(so_long) => so_long,
            Err(PutOff::Owner) => {
                return Wish::Postponed(format!(
                    "the name servers of {owner} kept us waiting for the records of other domains"
                ));
            }
            Err(PutOff::Others) => {
                return Wish::Postponed(
                    "name servers of others kept us waiting for too long in this run".to_owned(),
                );
            }
        };
        let (question, began) = (Question::new(&name, RecordType::TXT), Instant::now());
        let answer = self.resolver_for(so_long, SystemClock.now()).ask(question).await;
        self.waited.borrow_mut().took(owner, began.elapsed());
        understood(&answer)
    }

    /// All that were asked since the last word of this took so long together.
    pub(super) fn took_together(&self, so_long: Duration) {
        self.waited.borrow_mut().took_together(so_long);
    }
}

/// `_smtp._tls.` of a domain.
fn name_of(domain: &PolicyDomain) -> Option<Name> {
    let [first, second] = LABELS;
    domain.below(second)?.prepend_label(first).ok()
}

/// What an answer says about reports.
fn understood(answer: &Answer) -> Wish {
    let content = match &answer.outcome {
        Outcome::Secure(content) | Outcome::Insecure(content, _) => content,
        Outcome::Bogus(_, why) => {
            return Wish::Unknown(format!("the record is bogus: {}", excerpt(why, SHOWN)));
        }
        Outcome::Unreachable(Outage::NotAsked, _, why) => return Wish::Nothing(excerpt(why, SHOWN)),
        Outcome::Unreachable(_, _, why) => {
            return Wish::Unknown(format!("the record could not be asked for: {}", excerpt(why, SHOWN)));
        }
    };
    let texts = match content {
        Content::Data(records) => joined_texts(records),
        Content::Nodata | Content::Nxdomain => Vec::new(),
    };
    match tls_rpt::published(&texts) {
        Published::Record(record) => {
            let destinations = Destination::of(&record);
            Wish::Record(record, destinations)
        }
        Published::Nothing => Wish::Nothing("it has no TLSRPT record, so it wants no reports".to_owned()),
        Published::Several(number) => {
            Wish::Nothing(format!("it has {number} TLSRPT records, so none counts (RFC 8460 section 3)"))
        }
        Published::Malformed(malformed) => {
            Wish::Nothing(format!("its TLSRPT record is none: {}", malformed.0.code.word()))
        }
    }
}

impl From<CacheError> for Failure {
    fn from(trouble: CacheError) -> Self {
        Self(ExitStatus::of_trouble(&trouble), failure::of_the_cache(&trouble, geteuid().is_root()))
    }
}
