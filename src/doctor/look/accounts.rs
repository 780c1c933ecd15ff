//! Users and groups by their names, wherever the administrator of this system keeps them.
//!
//! `getent` is asked, which comes with every C library: the program is linked statically (exim/debian/build), and the C library loads
//! the modules that /etc/nsswitch.conf names, of which one that was made for another program ends this one (seen with
//! libnss_systemd and glibc 2.36, for a number that is nobody's).

use super::process::run;
use crate::limits::ACCOUNT_DEADLINE;
use std::path::Path;
use std::time::Instant;

const GETENT: &str = "/usr/bin/getent";

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// Of a user, the number of his group.
    pub group: Option<u32>,
}

/// The user of that name, or number.
#[must_use]
pub fn user(key: &str) -> Option<Account> {
    look_up("passwd", key)
}

/// The group of that name, or number.
#[must_use]
pub fn group(key: &str) -> Option<Account> {
    look_up("group", key)
}

fn look_up(database: &str, key: &str) -> Option<Account> {
    if key.is_empty() || key.starts_with('-') {
        return None;
    }
    let until = Instant::now() + ACCOUNT_DEADLINE;
    read(&run(Path::new(GETENT), [database, key], "", None, until).ok()?)
}

/// The first line of passwd(5) or group(5): `NAME:PASSWORD:NUMBER:`, and of a user his group.
fn read(text: &str) -> Option<Account> {
    let mut fields = text.lines().next()?.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let number = fields.nth(1)?.parse().ok()?;
    let group = fields.next().and_then(|group| group.parse().ok());
    Some(Account { name, number, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_or_group_is_read() {
        for (line, expected) in [
            (
                "Debian-exim:x:101:109::/var/spool/exim4:/usr/sbin/nologin\n",
                Some(("Debian-exim", 101, Some(109))),
            ),
            ("Debian-exim:x:109:\n", Some(("Debian-exim", 109, None))),
            ("mail:*:8:root,postfix\nother:x:9:", Some(("mail", 8, None))),
            ("root:x:0:0:root:/root:/bin/bash", Some(("root", 0, Some(0)))),
            (":x:1:1::/:", None),
            ("a:x:-1:1::/:", None),
            ("a:x", None),
            ("", None),
        ] {
            let expected =
                expected.map(|(name, number, group)| Account { name: name.to_owned(), number, group });
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn this_system_knows_its_superuser_and_nobody_of_an_odd_name() {
        let root = user("0").unwrap();
        assert_eq!((root.number, root.group), (0, Some(0)));
        assert_eq!(user(&root.name), Some(root));
        assert_eq!(group("0").unwrap().number, 0);
        for key in ["", "-s", "no such account", "4294967294"] {
            assert_eq!((user(key), group(key)), (None, None), "{key}");
        }
    }
}
