//! What a probe found out: a domain, its MX hosts, their addresses, and what an enforcing sender would make of each.
//!
//! Plain values without behaviour of their own, for the outputs ([`crate::render`]). Texts in them are untrusted,
//! not yet escaped, unless they are names of this program's own types.

use super::consequence::{Action, Cause, Conformity, Consequence};
use super::failure::{FailureKind, SessionFailure, Stage};
pub use crate::certificate::Distrusted;
use crate::certificate::{Certificate, Says};
use crate::dane::matching::{Fate, fates};
use crate::dane::tlsa::{Tlsa, Unusable, Usage};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::StoredPolicy;
use crate::reason::Reason;
use crate::time::UnixTime;
use crate::verdict::{DaneHost, HostJudgement, LookupError, Verdict};
use crate::verify::Report;
use crate::verify::mx::MxOddity;
use crate::words::words;
use std::net::SocketAddr;
use std::time::Duration;

/// The probe of one domain.
#[derive(Clone, Debug)]
pub struct DomainProbe {
    /// Whose MX hosts were asked.
    pub domain: PolicyDomain,
    /// When the probe began; certificates and policies are judged by this moment.
    pub at: UnixTime,
    /// What the pipeline decided before anybody connected, as for a sender who asks without a host, or with those of
    /// `--mx`.
    pub verification: Report,
    /// The policy that the decision rests on: its mode, its patterns, and when it expires. `None` where DANE, the
    /// configuration or nothing decides.
    pub policy: Option<StoredPolicy>,
    /// The MX hosts in the order of their preference. Empty if the domain takes no mail, or where it goes could not be
    /// learnt: the judgement says which.
    pub hosts: Vec<HostProbe>,
    /// What is wrong with the MX records, so that mail servers do not agree on them or deliver nothing.
    pub mx_oddities: Vec<MxOddity>,
    /// MX hosts that were left out because there are more than are asked ([`crate::limits::MAX_MX_HOSTS_LOOKED_AT`]).
    pub hosts_left_out: usize,
    /// From the first DNS question to the last `QUIT`.
    pub elapsed: Duration,
}

/// One MX host.
#[derive(Clone, Debug)]
pub struct HostProbe {
    /// Its name.
    pub name: MxHost,
    /// The lowest preference under which the MX RRset has it (RFC 5321 section 5.1); `None` for one of `--mx` that is
    /// not in there, and for the domain itself where it has no MX record.
    pub preference: Option<u16>,
    /// What follows for it before anybody connected: the verdict, the least TLS, by which mechanism and why.
    pub judgement: HostJudgement,
    /// What DANE asks of mail for it (RFC 7672 section 2.2), the MX RRset aside.
    pub dane: DaneHost,
    /// The TLSA base domain, which is also the name in the handshake (RFC 7672 section 8.1); `None` without secure TLSA
    /// records.
    pub tlsa_base: Option<MxHost>,
    /// Whether those records stand at an alias (CNAME) alone, and not where it leads, where Exim looks for them.
    pub is_dane_of_alias: bool,
    /// The secure TLSA records at the base domain for port 25, in the order of DNS.
    pub tlsa: Vec<TlsaRecord>,
    /// Its addresses, IPv4 first, each with what happened there; or why there is none.
    pub addresses: Result<Vec<AddressProbe>, NoAddress>,
    /// Addresses that were left out because there are more than are asked ([`crate::limits::MAX_PROBE_ADDRESSES`]).
    pub addresses_left_out: usize,
}

/// One TLSA record as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsaRecord {
    /// In presentation format (RFC 6698 section 2.2); printable ASCII.
    pub text: String,
    /// What it means to an SMTP client, or why it means nothing.
    pub read: Result<Tlsa, Unusable>,
}

/// Why a host has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// DNS says that there is none.
    Absent,
    /// DNS does not say: bogus, or no answer.
    Unknown(LookupError),
}

/// What happened at one address.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressProbe {
    /// What was seen.
    pub sighting: Sighting,
    /// Whether it meets what the policy that decides asks for, also where that policy only reports.
    pub conformity: Conformity,
    /// What an enforcing sender would do with mail that is to go there.
    pub consequence: Consequence,
}

/// What one address showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Address and port.
    pub address: SocketAddr,
    /// Where the session ended before its time, and why; `None` if the handshake was completed.
    pub failure: Option<SessionFailure>,
    /// What was agreed upon; `None` without a completed handshake.
    pub tls: Option<TlsSession>,
    /// What the server showed of itself; it may be there without a completed handshake.
    pub chain: Option<Chain>,
    /// What became of each of the host's TLSA records, in their order: the same length as [`HostProbe::tlsa`].
    pub tlsa: Vec<Fate>,
    /// From the connection attempt to the end.
    pub elapsed: Duration,
}

/// A completed handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The cipher suite by its name in the IANA registry, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
}

/// A server's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// As they came, the server's own first; never empty.
    pub certificates: Vec<Certificate>,
    /// Whether public authorities vouch for the MX name (RFC 8461 section 4.2), or why not.
    pub webpki: Result<(), Distrusted>,
}

impl Chain {
    /// Who stands above the last certificate that was sent, and was not sent; nobody where the chain ends with who signed
    /// itself. What a TLSA record says of such a one by its digest, nobody can compare (RFC 7671 section 5.2.1).
    #[must_use]
    pub fn missing_issuer(&self) -> Option<&str> {
        let mut rest: Vec<&Says> = self.certificates.iter().filter_map(|one| one.says.as_ref()).collect();
        let mut last = (!rest.is_empty()).then(|| rest.remove(0))?;
        while !last.is_its_own_issuer() {
            let Some(at) = rest.iter().position(|says| says.subject == last.issuer) else {
                return Some(&last.issuer);
            };
            last = rest.remove(at);
        }
        None
    }
}

words! {
    /// What a probe comes to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Reach {
        /// Every address that this machine has a way to would get the mail.
        Every = "every",
        /// The domain has no host that takes mail, and says so (RFC 7505).
        NoHost = "no-host",
        /// The domain has MX records, and none of them names a host.
        NoUsableMx = "no-usable-mx",
        /// Some address or host would not.
        Some = "some",
        /// Nobody could be asked, or nobody can tell what the domain demands.
        Unknown = "unknown",
        /// Some address cannot be looked at from here, since our TLS library lacks what it wants; nothing else is wrong.
        CannotBeLookedAt = "cannot-be-looked-at",
    }
}

impl DomainProbe {
    /// What the probe comes to.
    ///
    /// An address to which this machine has no way (IPv6 where there is none) says nothing about the host, as long as it
    /// has another one. Where not one connection came about anywhere, it is this machine that cannot tell: many networks
    /// let no port 25 out.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let (mut is_met, mut is_closed, mut is_refused, mut is_unknown) = (false, false, false, false);
        let mut is_unseen = false;
        for host in &self.hosts {
            let Ok(addresses) = &host.addresses else {
                is_closed |= host.addresses == Err(NoAddress::Absent);
                is_unknown |= host.addresses != Err(NoAddress::Absent);
                continue;
            };
            is_unknown |= addresses.iter().all(AddressProbe::is_out_of_reach);
            for address in addresses.iter().filter(|address| !address.is_out_of_reach()) {
                let is_connected = address.sighting.failure.as_ref().is_none_or(|it| it.at > Stage::Connect);
                is_met |= is_connected && address.consequence.action != Action::CannotBeLookedAt;
                match (address.consequence.action, address.consequence.cause) {
                    (Action::Deliver | Action::DeliverInClear, _) => {}
                    (Action::CannotBeLookedAt, _) => is_unseen = true,
                    (Action::Wait, Cause::Ruling(_)) => is_unknown = true,
                    (Action::Wait | Action::NotToThisHost, _) if is_connected => is_refused = true,
                    (Action::NotToThisHost, Cause::Ruling(_)) => is_refused = true,
                    (Action::Wait | Action::NotToThisHost, _) => is_closed = true,
                }
            }
        }
        match self.verification.judgement.verdict {
            _ if is_refused || (is_closed && is_met) => Reach::Some,
            _ if is_unseen => Reach::CannotBeLookedAt,
            _ if is_unknown || is_closed => Reach::Unknown,
            // Nobody was asked, so nobody has said that the domain takes no mail.
            _ if self.verification.judgement.reason == Reason::SpecialUseName => Reach::Unknown,
            Verdict::Deliver if self.has_no_usable_mx() => Reach::NoUsableMx,
            Verdict::Deliver if self.hosts.is_empty() => Reach::NoHost,
            _ if self.hosts.is_empty() => Reach::Unknown,
            _ => Reach::Every,
        }
    }

    /// Whether there are MX records, of which none names a host, and which are not a null MX.
    #[must_use]
    pub fn has_no_usable_mx(&self) -> bool {
        let is_so = |oddity: &MxOddity| {
            matches!(
                oddity,
                MxOddity::Address { is_alone: true, .. } | MxOddity::NoHost { is_alone: true, .. }
            )
        };
        self.hosts.is_empty() && self.mx_oddities.iter().any(is_so)
    }

    /// Every address that was asked, with its host.
    pub fn addresses(&self) -> impl Iterator<Item = (&HostProbe, &AddressProbe)> {
        self.hosts.iter().flat_map(|host| host.addresses.iter().flatten().map(move |address| (host, address)))
    }

    /// When the policy that the decision rests on ends.
    #[must_use]
    pub fn policy_expires_at(&self) -> Option<UnixTime> {
        self.policy.as_ref().map(|policy| policy.expires_at)
    }
}

impl AddressProbe {
    /// Whether this machine has no way to it.
    fn is_out_of_reach(&self) -> bool {
        self.sighting.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::NoRoute)
    }
}

impl Sighting {
    /// What is to be said of an address where nobody was met.
    #[must_use]
    pub fn nothing<'r>(
        address: SocketAddr,
        failure: SessionFailure,
        tlsa: impl IntoIterator<Item = &'r Result<Tlsa, Unusable>>,
    ) -> Self {
        let nobody: [Vec<u8>; 0] = [];
        Self {
            address,
            failure: Some(failure),
            tls: None,
            chain: None,
            tlsa: fates(&nobody, tlsa, |_| Ok(())),
            elapsed: Duration::ZERO,
        }
    }

    /// Whose certificate the host would have to send, for a record about an authority that fits nothing of what it shows.
    #[must_use]
    pub fn not_sent(&self, record: &TlsaRecord, fate: &Fate) -> Option<&str> {
        let is_anchors = record.read.as_ref().is_ok_and(|tlsa| tlsa.usage == Usage::TrustAnchor);
        (is_anchors && *fate == Fate::NotMatched).then(|| self.chain.as_ref()?.missing_issuer()).flatten()
    }

    /// The server's own certificate, if it showed one that can be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain.as_ref()?.certificates.first()
    }
}
