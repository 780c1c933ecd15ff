//! What the daemon's unit keeps from the daemon: a file that everybody sees may not be there for it.

use crate::config::{Choices, DEFAULT_FILE};
use std::fs;
use std::path::Path;

/// What exim/daemon/smtp-sts-verify.service takes away, and from where.
const HIDDEN: [(&str, &str); 5] = [
    ("/tmp", "PrivateTmp"),
    ("/var/tmp", "PrivateTmp"),
    ("/home", "ProtectHome"),
    ("/root", "ProtectHome"),
    ("/run/user", "ProtectHome"),
];

/// The directory in which that unit lets the daemon write.
const WRITABLE: &str = "/var/lib/smtp-sts-verify";

/// Whether a configuration is that of a daemon which systemd starts.
pub(super) fn has(configuration: &Path) -> bool {
    configuration == Path::new(DEFAULT_FILE) && Path::new("/run/systemd/system").exists()
}

/// Each file that the choices name and that the daemon would not find below its unit, in a sentence.
pub(super) fn unseen(choices: &Choices) -> Vec<String> {
    let named = [
        ("the trust anchor", &choices.shared.resolver.trust_anchor),
        ("the authorities of ca_file,", &choices.shared.ca_file),
    ];
    let of = |(what, path): (&str, &Option<_>)| {
        let path: &Path = Option::as_deref(path)?;
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (place, setting) = HIDDEN.into_iter().find(|(place, _)| real.starts_with(place))?;
        Some(format!(
            "{what} {} is not there for the daemon, whose unit hides {place} ({setting}=): put it below /etc/smtp-sts-verify",
            path.display()
        ))
    };
    named.into_iter().filter_map(of).collect()
}

/// The same, and where the daemon cannot write what it is to remember.
pub(super) fn notes(choices: &Choices) -> Vec<String> {
    let mut notes = unseen(choices);
    let cache = choices.cache_file();
    if !cache.starts_with(WRITABLE) {
        let place = cache.parent().unwrap_or(cache).display();
        notes.push(format!(
            "the daemon's unit lets it write below {WRITABLE} alone: for {place} give it ReadWritePaths={place} \
             (systemctl edit smtp-sts-verify)"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        notes(&Choices::parse(text, Path::new("config.toml")).unwrap())
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
            ("cachedb = '/srv/sts/cache.db'\n", "for /srv/sts give it ReadWritePaths=/srv/sts"),
        ] {
            let said = of(text);
            assert!(said.len() == 1 && said[0].contains(expected), "{text}: {said:?}");
        }
        assert!(of("trust_anchor = '/etc/smtp-sts-verify/root.anchor'\nca_file = '/tmpfile'\n").is_empty());
        assert!(of("").is_empty());
    }

    #[test]
    fn it_is_what_the_unit_says() {
        let unit = include_str!("../../../exim/daemon/smtp-sts-verify.service");
        for setting in
            ["PrivateTmp=yes", "ProtectHome=yes", "ProtectSystem=strict", "StateDirectory=smtp-sts-verify"]
        {
            assert!(unit.lines().any(|line| line == setting), "{setting}");
        }
    }
}
