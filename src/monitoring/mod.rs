//! What a probe comes down to for those who watch machines: numbers, and words from closed lists.
//!
//! A [`Summary`] holds no untrusted text. The only names in it are types that this program parsed itself, so that
//! the operator of an MX host can break neither a label nor a line; each output is a file of its own and decides
//! nothing that is not decided here.

pub mod nagios;
pub mod prometheus;
pub mod received;
pub mod remembered;

use crate::certificate::Distrust;
use crate::dane::matching::Fate;
use crate::dane::tlsa::Usage;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Dialect, Mode};
use crate::probe::consequence::{Action, Cause};
use crate::probe::failure::{FailureKind, SessionFailure, Stage};
use crate::probe::report::{AddressProbe, DomainProbe, HostProbe, Reach, Sighting};
use crate::probe::words::TLSA_AT_ALIAS;
use crate::reason::Reason;
use crate::time::UnixTime;
use crate::verdict::DaneHost;
use crate::verify::mx::MxOddity;
use crate::words::words;
use std::net::IpAddr;
use std::time::Duration;

/// The word for an address at which the handshake was completed; the others are those of [`FailureKind`].
const COMPLETED: &str = "completed";

/// What became of a TLSA record at any of its host's addresses, the best first: the words of [`Fate`].
const FATES: [&str; 6] = ["matched", "unverified", "not-matched", "superseded", "unusable", "not-reached"];

words! {
    /// What a sender that enforces what the domain demands would make of its MX hosts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Outcome {
        /// Every address that can be reached from here takes its mail.
        Deliverable = "deliverable",
        /// Some do, so the mail arrives; some do not.
        Partly = "partly",
        /// None does: the mail waits, and comes back.
        Refused = "refused",
        /// The domain takes no mail (RFC 7505).
        NoMail = "no-mail",
        /// Nobody can tell: not one host could be asked, or DNS does not say which.
        Unknown = "unknown",
        /// Nobody can tell from here: our TLS library lacks what a host wants, and mail servers may have it.
        CannotBeLookedAt = "cannot-be-looked-at",
    }
}

impl Outcome {
    /// The outcome of a probe.
    #[must_use]
    pub fn of(probe: &DomainProbe) -> Self {
        if probe.hosts.is_empty() {
            return match probe.verification.judgement.reason {
                _ if probe.has_no_usable_mx() => Self::Refused,
                Reason::NullMx => Self::NoMail,
                _ if probe.mx_oddities.contains(&MxOddity::NullOtherwise) => Self::NoMail,
                reason if is_the_domains_fault(reason) => Self::Refused,
                _ => Self::Unknown,
            };
        }
        let standings: Vec<AddressStanding> = probe.hosts.iter().flat_map(standings).collect();
        let has = |standing| standings.contains(&standing);
        match (has(AddressStanding::Takes), has(AddressStanding::Refused), has(AddressStanding::Silent)) {
            (false, ..) | (true, false, false) if has(AddressStanding::Unseen) => Self::CannotBeLookedAt,
            // Who sends decides: one kind of mail server delivers, and another one does not.
            (true, false, false) if !contradictions(probe).is_empty() => Self::Partly,
            (true, false, false) => Self::Deliverable,
            (true, ..) => Self::Partly,
            (false, true, _) => Self::Refused,
            (false, false, _) => Self::Unknown,
        }
    }
}

/// How an address stands to the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressStanding {
    /// The sender's mail is taken.
    Takes,
    /// It is not taken by what is there, or must not go there.
    Refused,
    /// Somebody spoke there, in TLS that our library does not have.
    Unseen,
    /// Nobody spoke there.
    Silent,
    /// Nobody can go there from here, which says nothing about the host.
    OutOfReach,
}

impl AddressStanding {
    fn of(address: &AddressProbe) -> Self {
        match (address.consequence.action, address.consequence.cause, &address.sighting.failure) {
            (Action::Deliver | Action::DeliverInClear, ..) => Self::Takes,
            (Action::CannotBeLookedAt, ..) => Self::Unseen,
            (_, _, Some(SessionFailure { kind: FailureKind::NoRoute, .. })) => Self::OutOfReach,
            (Action::NotToThisHost, Cause::Ruling(_), _) => Self::Refused,
            (_, _, Some(SessionFailure { at: Stage::Connect, .. })) => Self::Silent,
            (Action::Wait, Cause::Ruling(reason), _) if !is_the_domains_fault(reason) => Self::Silent,
            (Action::NotToThisHost | Action::Wait, ..) => Self::Refused,
        }
    }
}

/// Whether mail waits for the domain's owner, and not for name servers or for this machine.
const fn is_the_domains_fault(reason: Reason) -> bool {
    matches!(reason, Reason::DnssecBogus | Reason::TlsaBogus | Reason::TooManyMx)
}

/// The standing of each address of a host. A host at which nobody can speak from here is a silent one; where it has
/// another address, the one that is out of reach says nothing.
fn standings(host: &HostProbe) -> Vec<AddressStanding> {
    let mut standings: Vec<AddressStanding> =
        host.addresses.iter().flatten().map(AddressStanding::of).collect();
    standings.retain(|standing| *standing != AddressStanding::OutOfReach);
    if standings.is_empty() { vec![AddressStanding::Silent] } else { standings }
}

/// So many of each word of a closed list, in its order; those that do not occur are there with zero.
pub type WordCounts = Vec<(&'static str, u64)>;

fn tally(words: &[&'static str], found: impl Iterator<Item = &'static str>) -> WordCounts {
    let mut tally: WordCounts = words.iter().map(|word| (*word, 0)).collect();
    for word in found {
        if let Some((_, number)) = tally.iter_mut().find(|(listed, _)| *listed == word) {
            *number = number.saturating_add(1);
        }
    }
    tally
}

/// Something about a host that keeps mail away from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The MX host; `None` where the domain itself is at fault.
    pub host: Option<MxHost>,
    /// Where it is; `None` if the host has no address.
    pub address: Option<IpAddr>,
    /// What is wrong: a word of [`crate::reason`] or [`crate::probe`].
    pub word: &'static str,
}

/// A certificate's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Who showed it.
    pub host: MxHost,
    /// When it ends.
    pub at: UnixTime,
}

/// The policy that the decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyTerm {
    /// In which dialect.
    pub dialect: Dialect,
    /// How it is meant.
    pub mode: Mode,
    /// When it ends, unless it is fetched again.
    pub expires: UnixTime,
    /// For how long it was to be kept, seconds.
    pub life: u64,
}

/// What monitoring learns about one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose MX hosts were asked.
    pub domain: PolicyDomain,
    /// When the probe began.
    pub at: UnixTime,
    /// How long it took.
    pub took: Duration,
    /// What it comes down to.
    pub outcome: Outcome,
    /// The end of the certificate that ends first, of those whose end matters.
    pub certificate: Option<Expiry>,
    /// The policy that the decision rests on, if it rests on one.
    pub policy: Option<PolicyTerm>,
    /// Addresses, by how far the session came: `completed`, or a word of [`FailureKind`].
    pub addresses: WordCounts,
    /// MX hosts, by what a sender that tries all their addresses would do: the words of [`Action`].
    pub hosts: WordCounts,
    /// TLSA records, by the best that became of each.
    pub tlsa: WordCounts,
    /// MX hosts with usable TLSA records none of which fits what one of their addresses showed.
    pub tlsa_mismatched_hosts: u64,
    /// What keeps mail away, in the order of the MX hosts.
    pub complaints: Vec<Complaint>,
}

impl Summary {
    /// What a probe comes down to.
    #[must_use]
    pub fn of(probe: &DomainProbe) -> Self {
        let sightings = || probe.addresses().map(|(_, address)| &address.sighting);
        let address_words: Vec<&str> =
            std::iter::once(COMPLETED).chain(FailureKind::ALL.iter().map(|kind| kind.word())).collect();
        Self {
            domain: probe.domain.clone(),
            at: probe.at,
            took: probe.elapsed,
            outcome: Outcome::of(probe),
            certificate: first_expiry(probe),
            policy: probe.policy.as_ref().map(|stored| PolicyTerm {
                dialect: stored.policy.dialect(),
                mode: stored.policy.mode(),
                expires: stored.expires_at,
                life: stored.expires_at.since(stored.fetched_at),
            }),
            addresses: tally(
                &address_words,
                sightings().map(|sighting| {
                    sighting.failure.as_ref().map_or(COMPLETED, |failure| failure.kind.word())
                }),
            ),
            hosts: tally(&Action::ALL.map(Action::word), probe.hosts.iter().map(|host| action(host).word())),
            tlsa: tally(&FATES, probe.hosts.iter().flat_map(fates)),
            tlsa_mismatched_hosts: u64::try_from(
                probe.hosts.iter().filter(|host| is_mismatched(host)).count(),
            )
            .unwrap_or(u64::MAX),
            complaints: complaints(probe),
        }
    }

    /// So many MX hosts would get the mail, of so many.
    #[must_use]
    pub fn hosts_that_take(&self) -> (u64, u64) {
        let is_taken =
            |word: &str| Action::ALL.iter().any(|action| action.delivers() && action.word() == word);
        self.hosts.iter().fold((0, 0), |(taking, all), (word, number)| {
            (taking.saturating_add(if is_taken(word) { *number } else { 0 }), all.saturating_add(*number))
        })
    }
}

/// The best that a sender can do who tries the addresses one after the other.
fn action(host: &HostProbe) -> Action {
    let actions = || host.addresses.iter().flatten().map(|address| address.consequence.action);
    Action::ALL.into_iter().find(|wanted| actions().any(|action| action == *wanted)).unwrap_or(Action::Wait)
}

/// The best that became of each TLSA record of a host.
fn fates(host: &HostProbe) -> Vec<&'static str> {
    let at_all = |place: usize| {
        let words = || host.addresses.iter().flatten().filter_map(move |at| at.sighting.tlsa.get(place));
        FATES.into_iter().find(|word| words().any(|fate| fate.word() == *word)).unwrap_or("not-reached")
    };
    (0..host.tlsa.len()).map(at_all).collect()
}

/// Whether one of the addresses showed what none of the usable records fits.
fn is_mismatched(host: &HostProbe) -> bool {
    host.dane == DaneHost::Usable
        && host.addresses.iter().flatten().any(|at| at.sighting.chain.is_some() && !is_matched(&at.sighting))
}

fn is_matched(sighting: &Sighting) -> bool {
    sighting.tlsa.iter().any(|fate| matches!(fate, Fate::Matched { .. }))
}

/// The certificate that ends first. Where only a DANE-EE(3) record vouches for one, nobody looks at its dates (RFC 7672
/// section 3.1.1), and neither does this.
fn first_expiry(probe: &DomainProbe) -> Option<Expiry> {
    let ends = probe.addresses().filter_map(|(host, address)| {
        let sighting = &address.sighting;
        let says = sighting.certificate()?.says.as_ref()?;
        (!is_dateless(host, sighting)).then(|| Expiry { host: host.name.clone(), at: says.not_after })
    });
    ends.min_by_key(|expiry| expiry.at)
}

fn is_dateless(host: &HostProbe, sighting: &Sighting) -> bool {
    let by_end_entity = host.tlsa.iter().zip(&sighting.tlsa).any(|(record, fate)| {
        matches!(fate, Fate::Matched { .. })
            && record.read.as_ref().is_ok_and(|tlsa| tlsa.usage == Usage::EndEntity)
    });
    let distrust = sighting.chain.as_ref().and_then(|chain| chain.webpki.as_ref().err());
    // Of one that is over, the library says nothing else: it has to be seen that nobody else signed it.
    let is_its_own_issuer = || {
        let says = sighting.certificate().and_then(|certificate| certificate.says.as_ref());
        says.is_some_and(|says| says.subject == says.issuer)
    };
    by_end_entity
        && distrust.is_some_and(|why| match why.kind {
            Distrust::SelfSigned | Distrust::UnknownIssuer => true,
            Distrust::Expired | Distrust::NotYetValid => is_its_own_issuer(),
            _ => false,
        })
}

fn complaints(probe: &DomainProbe) -> Vec<Complaint> {
    if probe.hosts.is_empty() {
        let word = match probe.has_no_usable_mx() {
            true => Reach::NoUsableMx.word(),
            false => probe.verification.judgement.reason.word(),
        };
        return vec![Complaint { host: None, address: None, word }];
    }
    let of_host = |host: &HostProbe| -> Vec<Complaint> {
        let complaint = |address, word| Complaint { host: Some(host.name.clone()), address, word };
        match &host.addresses {
            Ok(addresses) if !addresses.is_empty() => {
                let is_reached =
                    addresses.iter().any(|at| AddressStanding::of(at) != AddressStanding::OutOfReach);
                let is_told = |at: &&AddressProbe| match AddressStanding::of(at) {
                    AddressStanding::Takes => false,
                    AddressStanding::Refused | AddressStanding::Unseen | AddressStanding::Silent => true,
                    AddressStanding::OutOfReach => !is_reached,
                };
                let told = addresses.iter().filter(is_told);
                told.map(|at| complaint(Some(at.sighting.address.ip()), at.consequence.cause.word()))
                    .collect()
            }
            _ => vec![complaint(None, "no-address")],
        }
    };
    probe.hosts.iter().flat_map(of_host).chain(contradictions(probe)).collect()
}

/// What Exim and Postfix see in different ways, so that mail of one of them does not arrive.
fn contradictions(probe: &DomainProbe) -> Vec<Complaint> {
    let of_domain = probe.mx_oddities.iter().filter(|oddity| **oddity == MxOddity::NullBesideOthers);
    let of_domain = of_domain.map(|oddity| Complaint { host: None, address: None, word: oddity.word() });
    let of_host = probe.hosts.iter().filter(|host| host.is_dane_of_alias).map(|host| Complaint {
        host: Some(host.name.clone()),
        address: None,
        word: TLSA_AT_ALIAS,
    });
    of_domain.chain(of_host).collect()
}
