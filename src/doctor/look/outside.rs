//! What is asked without root's rights: name servers, a web server, files, the ways out.

use super::servers;
use crate::dns::anchor::TrustAnchors;
use crate::dns::presentation::{name as name_text, parse_name};
use crate::dns::resolv_conf::{self, RESOLV_CONF};
use crate::dns::root_keys;
use crate::dns::scope::{InsecureZones, looks_private};
use crate::dns::session::Resolver;
use crate::doctor::observations::{AnchorSource, Authorities, Outside, ResolvConf, Root, Seen, Server};
use crate::https::{HttpsFetcher, HttpsSettings, PolicyUrl, Roots};
use crate::time::{Clock, UnixTime};
use futures_util::future::{join, join_all};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Whom to ask and what to trust.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The name servers, or why there are none.
    pub servers: Seen<Vec<SocketAddr>>,
    /// Whether those of `/etc/resolv.conf` are looked at besides.
    pub looks_at_theirs: bool,
    /// Where every chain of trust begins.
    pub anchors: Arc<TrustAnchors>,
    /// The file that they come from, if they are not built in.
    pub anchor_file: Option<PathBuf>,
    /// How the web server is asked; its authorities are looked at, too.
    pub https: HttpsSettings,
    /// Who is asked for the time; the error says why nobody.
    pub url: Seen<PolicyUrl>,
}

/// Looks at everything at once.
pub async fn look(wanted: &Wanted, clock: &impl Clock, until: Instant) -> Outside {
    let now = clock.now();
    let addresses: &[SocketAddr] = wanted.servers.as_deref().unwrap_or_default();
    let look = |address: &SocketAddr| servers::look(*address, &wanted.anchors, now, until.into());
    let resolv_conf = resolv_conf(wanted.anchors.insecure_zones());
    let named = resolv_conf.as_ref().map_or(&[][..], |conf| conf.servers.as_slice());
    let theirs = named.iter().filter(|address| wanted.looks_at_theirs && !addresses.contains(address));
    let servers = join(join_all(addresses.iter().map(look)), join_all(theirs.map(look)));
    let ((seen, theirs), https_date) = join(servers, https_date(wanted, clock, until)).await;
    let root = seen
        .iter()
        .filter_map(|(_, reply)| root_keys::read(reply.as_ref()?, &wanted.anchors, now))
        // A server that removes signatures tells less than one that does not, and one that gives old ones less than one
        // that gives those of today: that would be taken for a wrong clock.
        .max_by_key(|root| {
            (root.signed.iter().any(|(from, until)| *from <= now && now <= *until), root.signed.len())
        })
        .map(root)
        .ok_or_else(|| "no name server told the root's keys, or no trust anchor is the root's".to_owned());
    let all: Vec<Server> = seen.into_iter().map(|(server, _)| server).collect();
    Outside {
        now: now.0,
        servers: wanted.servers.clone().map(|_| all),
        theirs: wanted.looks_at_theirs.then(|| theirs.into_iter().map(|(server, _)| server).collect()),
        resolv_conf,
        root,
        anchors: match &wanted.anchor_file {
            None => AnchorSource::BuiltIn,
            Some(file) => AnchorSource::File(file.clone(), age(file, now)),
        },
        https_date,
        authorities: authorities(&wanted.https.roots, now),
        ipv4: way_out(IpAddr::V4(Ipv4Addr::new(199, 43, 135, 53))),
        ipv6: way_out(IpAddr::V6(Ipv6Addr::new(0x2001, 0x500, 0x8f, 0, 0, 0, 0, 0x53))),
        fleet: None,
    }
}

fn root(keys: root_keys::RootKeys) -> Root {
    let root_keys::RootKeys { ours, revoked, unknown, signed } = keys;
    Root { ours, revoked, unknown, signed: signed.iter().map(|(begins, ends)| (begins.0, ends.0)).collect() }
}

async fn https_date(wanted: &Wanted, clock: &impl Clock, until: Instant) -> Seen<(u64, u64)> {
    let url = wanted.url.as_ref().map_err(Clone::clone)?;
    let addresses: &[SocketAddr] = wanted.servers.as_deref().map_err(ToOwned::to_owned)?;
    let resolver = Resolver::new(addresses, Arc::clone(&wanted.anchors), clock.now(), until.into());
    let fetcher = HttpsFetcher::new(&resolver, wanted.https.clone(), until);
    match fetcher.date(url).await {
        Ok(theirs) => Ok((theirs.0, clock.now().0)),
        Err(error) => Err(format!("no date: {error}")),
    }
}

/// The name servers that a list in the form of resolv.conf(5) names.
pub(super) fn name_servers(list: &Path) -> Seen<Vec<SocketAddr>> {
    resolv_conf::read(list).map_err(|error| error.to_string())
}

fn resolv_conf(insecure_zones: &InsecureZones) -> Seen<ResolvConf> {
    let path = Path::new(RESOLV_CONF);
    let text = resolv_conf::text(path).map_err(|error| error.to_string())?;
    let servers = name_servers(path)?;
    let options = resolv_conf::options(&text).into_iter().map(str::to_owned).collect();
    let named = |domain: &str| {
        let name = parse_name(domain).ok()?;
        let is_named = insecure_zones.above(&name).is_some();
        // Written anew from what was parsed.
        (is_named || looks_private(&name))
            .then(|| (name_text(&name).trim_end_matches('.').to_owned(), is_named))
    };
    let private_search = resolv_conf::search(&text).into_iter().filter_map(named).collect();
    Ok(ResolvConf { servers, options, private_search })
}

fn authorities(roots: &Roots, now: UnixTime) -> Seen<Authorities> {
    let (file, count) = roots.survey().map_err(|error| format!("as {}: {error}", super::cache::user()))?;
    let age = age(&file, now);
    Ok(Authorities { file, count, age, reader: super::cache::user() })
}

/// Seconds since a file was changed.
fn age(file: &Path, now: UnixTime) -> Option<u64> {
    let changed = fs::metadata(file).ok()?.mtime();
    Some(now.since(UnixTime(u64::try_from(changed).ok()?)))
}

/// The address from which `to` would be reached, by the routes of this machine alone: connecting a UDP socket sends
/// nothing. The addresses are those of a name server of IANA's.
fn way_out(to: IpAddr) -> Seen<IpAddr> {
    let any =
        if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let route = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((to, 53))?;
        socket.local_addr()
    };
    route().map(|from| from.ip()).map_err(|error| error.to_string())
}
