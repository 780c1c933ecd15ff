//! The way to the network: whom the lookup worker asks, and whom a test lets it ask.

use crate::cache::registrant;
use crate::dns::Resolve;
use crate::dns::reply_memory::ReplyMemory;
use crate::dns::session::Resolver;
use crate::https::{Fetch, HttpsFetcher};
use crate::limits::{UNSIGNED_PATIENCE_LEAST, UNSIGNED_PATIENCE_PERCENT};
use crate::name::PolicyDomain;
use crate::serve::world::World;
use crate::time::UnixTime;
use std::time::Instant;

/// Where DNS and policy hosts are, for one look-up after the other.
pub trait Outside: 'static {
    /// The resolver of one look-up.
    type Dns: Resolve;
    /// The fetcher of one look-up.
    type Https<'a>: Fetch
    where
        Self: 'a;

    /// A resolver for one look-up about a domain, which begins `now` and ends at the `deadline`.
    fn dns(&self, world: &World, domain: &PolicyDomain, now: UnixTime, deadline: Instant) -> Self::Dns;

    /// A fetcher for the same look-up.
    fn https<'a>(&'a self, world: &World, dns: &'a Self::Dns, deadline: Instant) -> Self::Https<'a>;
}

/// The real one.
#[derive(Clone, Debug, Default)]
pub struct Internet {
    /// What the replies of all look-ups take.
    memory: ReplyMemory,
}

impl Outside for Internet {
    type Dns = Resolver;
    type Https<'a> = HttpsFetcher<'a, Resolver>;

    fn dns(&self, world: &World, domain: &PolicyDomain, now: UnixTime, deadline: Instant) -> Resolver {
        let patience = (world.answer_within * UNSIGNED_PATIENCE_PERCENT / 100).max(UNSIGNED_PATIENCE_LEAST);
        let (servers, zones, end) = (&world.dns.servers, &world.zones, deadline.into());
        let memory = (&self.memory, registrant(domain.as_str()));
        Resolver::beside_others(servers, zones, memory, now, end).with_unsigned_patience(patience)
    }

    fn https<'a>(
        &'a self,
        world: &World,
        dns: &'a Resolver,
        deadline: Instant,
    ) -> HttpsFetcher<'a, Resolver> {
        HttpsFetcher::new(dns, world.https.clone(), deadline).sharing(&world.tls)
    }
}
