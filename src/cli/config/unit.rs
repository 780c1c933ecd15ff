//! What the daemon's unit keeps from the daemon: a file that everybody sees may not be there for it.

use super::systemd::Sandbox;
use crate::config::{Choices, DEFAULT_FILE, Fleet, Proof};
use std::fs;
use std::path::Path;

/// The daemon's unit.
const NAME: &str = "smtp-sts-verify.service";

/// It as the packages bring it.
const PACKAGED: &str = include_str!("../../../exim/daemon/smtp-sts-verify.service");

/// Whether a configuration is that of a daemon which systemd starts.
pub(super) fn has(configuration: &Path) -> bool {
    configuration == Path::new(DEFAULT_FILE) && Path::new("/run/systemd/system").exists()
}

/// The daemon's unit, with all that its administrator has changed.
pub(super) fn sandbox() -> Sandbox {
    Sandbox::of_unit(Path::new("/"), NAME, PACKAGED)
}

/// Each file that the choices name, that the daemon cannot start without, and that it would not find below its unit, in a sentence.
pub(super) fn unseen(choices: &Choices, unit: &Sandbox) -> Vec<String> {
    let named = [
        ("the trust anchor", choices.shared.resolver.trust_anchor.as_deref()),
        ("the authorities of ca_file,", choices.shared.ca_file.as_deref()),
    ];
    named.into_iter().filter_map(|(what, path)| hidden(what, path?, unit)).collect()
}

/// A sentence about a file that the unit hides.
fn hidden(what: &str, path: &Path, unit: &Sandbox) -> Option<String> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (place, setting) = unit.hides(path).or_else(|| unit.hides(&real))?;
    Some(format!(
        "{what} {} is not there for the daemon, whose unit hides {} ({setting}=): put it below /etc/smtp-sts-verify",
        path.display(),
        place.display()
    ))
}

/// The same, with what the daemon starts without, and where it cannot write what it is to remember.
pub(super) fn notes(choices: &Choices, unit: &Sandbox) -> Vec<String> {
    let mut notes = unseen(choices, unit);
    if let Some(fleet) = &choices.fleet {
        let named = named_by_fleet(fleet);
        notes.extend(named.into_iter().filter_map(|(what, path)| hidden(what, path, unit)));
    }
    let cache = choices.cache_file();
    let place = cache.parent().unwrap_or(cache);
    if let Some((emptied, setting)) = unit.hides(place) {
        notes.push(format!(
            "the daemon's unit hides {} ({setting}=): the cache {} would be another one for the daemon than for Exim",
            emptied.display(),
            cache.display()
        ));
    } else if !unit.lets_write(place) {
        let place = place.display();
        notes.push(format!(
            "the daemon's unit does not let it write below {place}: give it ReadWritePaths={place} (systemctl edit smtp-sts-verify)"
        ));
    }
    notes
}

/// The files of `[fleet]`.
fn named_by_fleet(fleet: &Fleet) -> Vec<(&'static str, &Path)> {
    let mut named = vec![("the authorities of [fleet],", fleet.ca_file.as_path())];
    match &fleet.proof {
        Proof::Certificate(certificate, key) => {
            named.extend([
                ("the certificate of [fleet],", certificate.as_path()),
                ("the key of [fleet],", key),
            ]);
        }
        Proof::Password(file) => named.push(("the password of [fleet],", file)),
    }
    let witness = [&fleet.witness_key, &fleet.witness_keys];
    named.extend(witness.into_iter().flatten().map(|path| ("the witness key of [fleet],", path.as_path())));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, dropin: &str) -> Vec<String> {
        let unit = Sandbox::of(&[PACKAGED.to_owned(), format!("[Service]\n{dropin}\n")]);
        notes(&Choices::parse(text, Path::new("config.toml")).unwrap(), &unit)
    }

    #[test]
    fn what_the_unit_hides_is_named_with_the_place_where_it_belongs() {
        for (text, expected) in [
            (
                "trust_anchor = '/tmp/root.anchor'\n",
                "the trust anchor /tmp/root.anchor is not there for the daemon, whose unit hides /tmp (PrivateTmp=)",
            ),
            (
                "ca_file = '/root/ca.pem'\n",
                "ca_file, /root/ca.pem is not there for the daemon, whose unit hides /root (ProtectHome=)",
            ),
            (
                "cachedb = '/srv/sts/cache.db'\n",
                "does not let it write below /srv/sts: give it ReadWritePaths=/srv/sts",
            ),
            (
                "cachedb = '/tmp/sts/cache.db'\n",
                "the cache /tmp/sts/cache.db would be another one for the daemon",
            ),
        ] {
            let said = of(text, "");
            assert!(said.len() == 1 && said[0].contains(expected), "{text}: {said:?}");
        }
        assert!(
            of("trust_anchor = '/etc/smtp-sts-verify/root.anchor'\nca_file = '/tmpfile'\n", "").is_empty()
        );
        assert!(of("", "").is_empty());
    }

    #[test]
    fn what_an_administrator_has_opened_is_not_named() {
        for (text, dropin) in [
            ("trust_anchor = '/tmp/root.anchor'\n", "PrivateTmp=no"),
            ("ca_file = '/root/ca.pem'\n", "ProtectHome=read-only"),
            ("ca_file = '/tmp/ca/ca.pem'\n", "BindReadOnlyPaths=/tmp/ca"),
            ("cachedb = '/srv/sts/cache.db'\n", "ReadWritePaths=/srv/sts"),
        ] {
            assert_eq!(of(text, dropin), Vec::<String>::new(), "{text} {dropin}");
        }
    }
}
