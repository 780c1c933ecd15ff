//! Postfix, by its own commands: nothing is mailed, nothing changed.

use super::files;
use super::outside;
use super::process::run;
use crate::doctor::observations::{Postfix, Seen};
use crate::doctor::read::postfix;
use crate::limits::MAX_CA_FILE_OCTETS;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where its commands may be.
const PLACES: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// What of `main.cf` matters here.
const SETTINGS: [&str; 11] = [
    "mail_version",
    "queue_directory",
    "smtp_tls_policy_maps",
    "smtp_tls_security_level",
    "smtp_tls_CAfile",
    "smtp_tls_CApath",
    "tls_append_default_CA",
    "smtp_dns_support_level",
    "smtp_tls_loglevel",
    "smtp_tlsrpt_enable",
    "sender_dependent_default_transport_maps",
];

/// The domain of the question that is put through Postfix's map: reserved (RFC 2606 section 3).
const DOMAIN: &str = "example.com";

/// The directory of its commands.
///
/// # Errors
/// There is none.
pub fn find() -> Seen<PathBuf> {
    let is_there = |place: &PathBuf| place.join("postconf").is_file();
    PLACES
        .into_iter()
        .map(PathBuf::from)
        .find(is_there)
        .ok_or_else(|| "no Postfix here (postconf)".to_owned())
}

/// What it says.
#[must_use]
pub fn look(place: &Path, until: Instant) -> Postfix {
    let postconf = place.join("postconf");
    let mut arguments = vec!["-x"];
    arguments.extend(SETTINGS);
    let settings = run(&postconf, arguments, "", None, until).map(|text| postfix::settings(&text));
    let service = run(&postconf, ["-M", "smtp/unix"], "", None, until);
    let chroot = service.and_then(|entry| {
        postfix::is_chrooted(&entry).ok_or_else(|| "master.cf has no service smtp".to_owned())
    });
    let value = |name: &str| {
        let all = settings.as_deref().unwrap_or_default();
        all.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    let maps = postfix::socketmaps(value("smtp_tls_policy_maps"));
    let postmap = place.join("postmap");
    let ask = |map: &postfix::Socketmap| {
        let said = run(&postmap, ["-q", DOMAIN, map.text.as_str()], "", None, until);
        // Postfix ends with 1, and says nothing, where the map knows nothing of the key.
        let said =
            said.or_else(|why| if why.ends_with("exit status: 1: ") { Ok(String::new()) } else { Err(why) });
        (map.clone(), said.map(|reply| reply.trim().to_owned()))
    };
    // However many there are, there is an end to the time.
    let asked = maps.iter().take_while(|_| Instant::now() < until).map(ask).collect();
    let queue = Path::new(value("queue_directory"));
    let is_there = |socket: &&str| queue.join(socket.trim_start_matches('/')).exists();
    let sockets_in_chroot =
        maps.iter().filter_map(postfix::Socketmap::own_socket).filter(is_there).map(str::to_owned).collect();
    // What Debian's unit copies there (configure-instance.sh); without it the C library asks this machine.
    let resolver = queue.join("etc/resolv.conf");
    let resolver_in_chroot = resolver.exists().then(|| outside::name_servers(&resolver));
    let file = value("smtp_tls_CAfile");
    let authorities = (!file.is_empty()).then(|| certificates(Path::new(file)));
    Postfix {
        binary: postconf,
        authorities,
        settings: settings.clone(),
        chroot,
        resolver_in_chroot,
        sockets_in_chroot,
        asked,
    }
}

/// How many certificates a file has, as far as their beginnings tell.
fn certificates(file: &Path) -> Seen<usize> {
    let octets = files::octets(file, u64::try_from(MAX_CA_FILE_OCTETS).unwrap_or(u64::MAX))?;
    Ok(String::from_utf8_lossy(&octets).matches("-----BEGIN CERTIFICATE-----").count())
}
