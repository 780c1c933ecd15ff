//! What Exim says about itself: `-bV`, `-bP macros`, `-bP routers`, `-bP transports` (Exim specification, chapter 5).

/// How an Exim was built, by `-bV`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its version as it writes it, such as `4.96` or `4.98.2`.
    pub version: String,
    /// The numbers of it.
    pub numbers: Vec<u32>,
    /// What it was built with, in the words of `Support for:`.
    pub support: Vec<String>,
    /// The kinds of lookup that it has, built in or loadable.
    pub lookups: Vec<String>,
    /// The configuration that it reads.
    pub configuration: Option<String>,
}

/// One router or transport, with the options that it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// Options and their values, as printed; those without a value have an empty one.
    pub options: Vec<(String, String)>,
}

impl Build {
    /// Whether it has something, by one of the words of `Support for:`.
    #[must_use]
    pub fn supports(&self, word: &str) -> bool {
        self.support.iter().any(|supported| supported.eq_ignore_ascii_case(word))
    }
}

impl Driver {
    /// The value of an option.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(option, _)| option == name).map(|(_, value)| value.as_str())
    }
}

/// Reads what `-bV` prints; `None` if it is not Exim's.
#[must_use]
pub fn build(text: &str) -> Option<Build> {
    let version = text.lines().find_map(|line| line.strip_prefix("Exim version "))?;
    let version = version.split_whitespace().next()?.to_owned();
    let words = |starts: &[&str]| -> Vec<String> {
        let rest = |line: &'_ str| {
            starts.iter().find_map(|start| line.strip_prefix(start)).map(|rest| {
                rest.split_whitespace()
                    .flat_map(|word| word.split('/'))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
        };
        text.lines().filter_map(rest).flatten().collect()
    };
    Some(Build {
        numbers: numbers(&version),
        version,
        support: words(&["Support for:"]),
        lookups: words(&["Lookups (built-in):", "Lookups (as-module):", "Lookups:"]),
        configuration: text
            .lines()
            .find_map(|line| line.strip_prefix("Configuration file is "))
            .map(|file| file.trim().to_owned()),
    })
}

/// The numbers at the beginning of a version: 4.98.2 of `4.98.2`, 4.97 of `4.97-RC1` and of `4.97_3`.
fn numbers(version: &str) -> Vec<u32> {
    let end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end).unwrap_or_default().split('.').map_while(|number| number.parse().ok()).collect()
}

/// Reads what `-bP macros` prints: `NAME=value`, one a line.
#[must_use]
pub fn macros(text: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_name.then(|| (name.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(of_line).collect()
}

/// Reads what `-bP routers` or `-bP transports` prints, in the order in which Exim has them. `kind` is `router` or
/// `transport`.
#[must_use]
pub fn drivers(text: &str, kind: &str) -> Vec<Driver> {
    let mut drivers: Vec<Driver> = Vec::new();
    let heading = |line: &str| line.strip_suffix(&format!(" {kind}:")).map(str::to_owned);
    let mut blank = true;
    for line in text.lines() {
        match heading(line).filter(|_| blank) {
            Some(name) => drivers.push(Driver { name, options: Vec::new() }),
            None if line.is_empty() => {}
            None => {
                let (option, value) =
                    line.split_once(" = ").unwrap_or_else(|| (line.trim_end_matches(" ="), ""));
                if let Some(driver) = drivers.last_mut() {
                    driver.options.push((option.trim().to_owned(), value.to_owned()));
                }
            }
        }
        blank = line.is_empty();
    }
    drivers
}

/// The value of one option as `-bP OPTION` prints it: `exim_user = Debian-exim`.
#[must_use]
pub fn option<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Debian 12, as recorded.
    const DEBIAN: &str = "\
Exim version 4.96 #2 built 27-May-2026 16:52:26
Copyright (c) University of Cambridge, 1995 - 2018
Berkeley DB: Berkeley DB 5.3.28: (September  9, 2013)
Support for: crypteq iconv() IPv6 PAM Perl Expand_dlfunc GnuTLS TLS_resume move_frozen_messages Content_Scanning DANE DKIM DNSSEC Event I18N OCSP PIPECONNECT PRDR PROXY Queue_Ramp SOCKS SPF SRS TCP_Fast_Open
Lookups (built-in): lsearch wildlsearch nwildlsearch iplsearch cdb dbm dbmjz dbmnz dnsdb dsearch ldap ldapdn ldapm mysql nis nis0 passwd pgsql sqlite
Authenticators: cram_md5 cyrus_sasl dovecot external plaintext spa tls
Routers: accept dnslookup ipliteral iplookup manualroute queryprogram redirect
Transports: appendfile/maildir/mailstore/mbx autoreply lmtp pipe smtp
Fixed never_users: 0
Configure owner: 0:0
Size of off_t: 8
Configuration file search path is /etc/exim4/exim4.conf:/var/lib/exim4/config.autogenerated
Configuration file is /var/lib/exim4/config.autogenerated
";

    /// The beginning of `-bP routers` of the enforcing set on Debian 12, as recorded.
    const ROUTERS: &str = "
smtp_sts_ask router:
address_data = ${if match {${run{/usr/bin/smtp-sts-verify -c /x -d $domain}{$value}{$value}}} {a = b}{$0}{c}}
address_test
cannot_route_message = 
no_caseful_local_part
condition = 
debug_print = R: smtp_sts_ask for $local_part@$domain
domains = ! +local_domains : ! +relay_to_domains
driver = redirect

dnslookup router:
address_data = 
driver = dnslookup
transport = remote_smtp
";

    #[test]
    fn debians_exim_is_read() {
        let build = build(DEBIAN).unwrap();
        assert_eq!((build.version.as_str(), build.numbers.as_slice()), ("4.96", [4, 96].as_slice()));
        assert!(build.supports("GnuTLS") && build.supports("dane") && !build.supports("OpenSSL"));
        assert!(build.lookups.iter().any(|lookup| lookup == "sqlite"));
        assert_eq!(build.configuration.as_deref(), Some("/var/lib/exim4/config.autogenerated"));
    }

    #[test]
    fn versions_are_numbers_whatever_stands_behind() {
        for (version, expected) in
            [("4.98.2", vec![4, 98, 2]), ("4.97-RC1", vec![4, 97]), ("4.99_3-x", vec![4, 99]), ("x", vec![])]
        {
            assert_eq!(numbers(version), expected, "{version}");
        }
    }

    #[test]
    fn routers_keep_their_order_and_options() {
        let routers = drivers(ROUTERS, "router");
        let names: Vec<_> = routers.iter().map(|router| router.name.as_str()).collect();
        assert_eq!(names, ["smtp_sts_ask", "dnslookup"]);
        assert_eq!(routers[0].option("driver"), Some("redirect"));
        assert_eq!(routers[0].option("condition"), Some(""));
        assert_eq!(routers[0].option("address_test"), Some(""));
        assert!(routers[0].option("address_data").unwrap().ends_with("{a = b}{$0}{c}}"));
        assert_eq!(routers[1].option("transport"), Some("remote_smtp"));
    }

    #[test]
    fn macros_and_single_options_are_read() {
        let found = macros("SMTP_STS_CACHE=/x=y.db\n_HAVE_TLS=y\nexim: permission denied\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], ("SMTP_STS_CACHE".to_owned(), "/x=y.db".to_owned()));
        assert_eq!(option("exim_user = Debian-exim\nexim_group = 105\n", "exim_group"), Some("105"));
        assert_eq!(build("bash: exim: not found"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|\n| = | router:){0,60}") {
            let _ = (build(&text), macros(&text), drivers(&text, "router"), option(&text, "a"));
            let _ = build(&format!("Exim version {text}"));
        }
    }
}
