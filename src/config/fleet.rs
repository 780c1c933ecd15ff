//! The section `[fleet]`: the database that a fleet of hosts shares, and who this host is there.
//!
//! Every key is our own: there is no connection string, in which a forgotten word would mean "in the clear if the server says so". The
//! connection is always TLS, the server's name is always verified, and a password is only ever used by SCRAM that is bound to the TLS channel.

use super::BadConfiguration;
use super::shared::one_or_more;
use crate::limits::MAX_FLEET_HOSTS;
use crate::name::MxHost;
use crate::text::excerpt;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of PostgreSQL.
const PORT: u16 = 5432;

/// Octets of the name of a database or a role (PostgreSQL's NAMEDATALEN, less one).
const MAX_NAME_OCTETS: usize = 63;

/// The keys, what may stand behind each, and what it means.
pub const KEYS: [(&str, &str, &str); 10] = [
    (
        "hosts",
        "\"NAME[:PORT]\" | [\"NAME@ADDRESS:PORT\", ...]",
        "The servers of the database, in the order in which they are tried; the one that can be written to is taken. The certificate must be for NAME. DNS is asked for its address as for everything else, or the address stands behind it.",
    ),
    ("database", "\"NAME\"", "The database."),
    ("role", "\"NAME\"", "The role of this host, which no other host has."),
    ("ca_file", "\"FILE\"", "The authority that vouches for the servers, PEM; no other one counts."),
    (
        "password_file",
        "\"FILE\"",
        "The password of the role, on one line, in a file that others cannot read. It is used by SCRAM that is bound to the TLS channel, and by nothing else.",
    ),
    (
        "certificate",
        "\"FILE\"",
        "Instead of a password: the certificate of this host, PEM, whose common name is the role.",
    ),
    ("key", "\"FILE\"", "The private key of the certificate."),
    (
        "operator_key",
        "\"FILE\"",
        "The public keys (Ed25519, PEM) whose decrees count. Without it none counts.",
    ),
    (
        "witness_key",
        "\"FILE\"",
        "The private key (Ed25519, PEM) with which this host signs what it has fetched.",
    ),
    (
        "witness_keys",
        "\"DIRECTORY\"",
        "The public keys of the other hosts, each in a file ROLE.pem. What two of them have signed binds without a look-up of one's own; without it the word of any number of roles is that of one, since whoever rules the database could have written it.",
    ),
];

/// The section as it stands in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FleetKeys {
    #[serde(deserialize_with = "one_or_more")]
    hosts: Vec<DatabaseHost>,
    database: Option<String>,
    role: Option<String>,
    ca_file: Option<PathBuf>,
    password_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    operator_key: Option<PathBuf>,
    witness_key: Option<PathBuf>,
    witness_keys: Option<PathBuf>,
}

/// The database that the fleet shares, and who this host is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "FleetKeys")]
pub struct Fleet {
    /// Its servers, in the order in which they are tried.
    pub hosts: Vec<DatabaseHost>,
    /// Its name there.
    pub database: String,
    /// The role of this host.
    pub role: String,
    /// The authority that vouches for the servers: a PEM file, and no other counts.
    pub ca_file: PathBuf,
    /// How this host shows who it is.
    pub proof: Proof,
    /// The public halves of the keys whose decrees count: a PEM file. Without it none counts.
    pub operator_key: Option<PathBuf>,
    /// The private key with which this host signs what it fetched: a PEM file.
    pub witness_key: Option<PathBuf>,
    /// The public halves of the other hosts' keys: a directory with a PEM file a role, `ROLE.pem`. Without it the word of any number of roles is that of
    /// one, for whoever rules the database could have written it.
    pub witness_keys: Option<PathBuf>,
}

/// How a host shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the certificate in one file, of the key in the other; both are PEM.
    Certificate(PathBuf, PathBuf),
    /// By the password in a file, which SCRAM shows to nobody.
    Password(PathBuf),
}

/// A server of the database: `NAME`, `NAME:PORT`, or `NAME@ADDRESS:PORT` where DNS does not have its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseHost {
    /// What its certificate must say.
    pub name: String,
    /// Where it is, if DNS is not to be asked.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl FromStr for DatabaseHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{}' is none of NAME, NAME:PORT and NAME@ADDRESS:PORT", excerpt(text, 80));
        let (name, place) = text.split_once('@').map_or((None, text), |(name, place)| (Some(name), place));
        let (place, port) = match place.rsplit_once(':') {
            // An address of IPv6 has brackets where a port stands behind it.
            Some((place, port)) if !place.contains(':') || place.ends_with(']') => {
                (place, port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?)
            }
            _ => (place, PORT),
        };
        let address: Option<IpAddr> = place.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let name = match (name, address) {
            (Some(name), Some(_)) => name.to_owned(),
            (Some(_), None) => return Err(bad()),
            (None, Some(address)) => address.to_string(),
            (None, None) => place.to_owned(),
        };
        if name.parse::<IpAddr>().is_err() && MxHost::from_text(&name).is_err() {
            return Err(bad());
        }
        Ok(Self { name, address, port })
    }
}

impl fmt::Display for DatabaseHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V6(address)) => write!(f, "{}@[{address}]:{}", self.name, self.port),
            Some(address) => write!(f, "{}@{address}:{}", self.name, self.port),
            None => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

impl TryFrom<FleetKeys> for Fleet {
    type Error = BadConfiguration;

    fn try_from(keys: FleetKeys) -> Result<Self, BadConfiguration> {
        let wrong = |why: &str| BadConfiguration(format!("[fleet]: {why}"));
        if cfg!(not(feature = "fleet")) {
            return Err(wrong("this program was built without the feature `fleet`"));
        }
        let missing = |key: &str| wrong(&format!("{key} is missing"));
        let name = |key: &str, value: Option<String>| match value {
            None => Err(missing(key)),
            Some(value)
                if value.is_empty()
                    || value.len() > MAX_NAME_OCTETS
                    || value.contains(char::is_whitespace) =>
            {
                Err(wrong(&format!(
                    "{key} is not the name of one: 1 to {MAX_NAME_OCTETS} octets without blanks"
                )))
            }
            Some(value) => Ok(value),
        };
        if keys.hosts.is_empty() {
            return Err(missing("hosts"));
        }
        if keys.hosts.len() > MAX_FLEET_HOSTS {
            return Err(wrong(&format!("hosts names more than {MAX_FLEET_HOSTS} servers")));
        }
        let proof = match (keys.certificate, keys.key, keys.password_file) {
            (Some(certificate), Some(key), None) => Proof::Certificate(certificate, key),
            (None, None, Some(password)) => Proof::Password(password),
            _ => return Err(wrong("it takes either password_file, or certificate and key")),
        };
        Ok(Self {
            hosts: keys.hosts,
            database: name("database", keys.database)?,
            role: name("role", keys.role)?,
            ca_file: keys.ca_file.ok_or_else(|| missing("ca_file"))?,
            proof,
            operator_key: keys.operator_key,
            witness_key: keys.witness_key,
            witness_keys: keys.witness_keys,
        })
    }
}

impl Fleet {
    /// Every key that is set, with its value as it could stand in the file.
    pub(super) fn settings(&self) -> Vec<(&'static str, serde_json::Value)> {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        let mut all = vec![
            ("hosts", serde_json::json!(hosts)),
            ("database", serde_json::json!(self.database)),
            ("role", serde_json::json!(self.role)),
        ];
        let (certificate, key, password) = match &self.proof {
            Proof::Certificate(certificate, key) => (Some(certificate), Some(key), None),
            Proof::Password(password) => (None, None, Some(password)),
        };
        let paths = [
            ("ca_file", Some(&self.ca_file)),
            ("password_file", password),
            ("certificate", certificate),
            ("key", key),
            ("operator_key", self.operator_key.as_ref()),
            ("witness_key", self.witness_key.as_ref()),
            ("witness_keys", self.witness_keys.as_ref()),
        ];
        let shown = |path: &PathBuf| serde_json::json!(path.display().to_string());
        all.extend(paths.into_iter().filter_map(|(key, path)| Some((key, shown(path?)))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::Choices;
    use super::*;
    use std::path::Path;

    const GOOD: &str = "[fleet]\nhosts = ['db1.example.org', 'db2.example.org@192.0.2.7:5433']\ndatabase = 'fleet'\nrole = 'mx1'\n\
                        ca_file = '/x/ca.pem'\npassword_file = '/x/password'\n";

    fn fleet(text: &str) -> Result<Option<Fleet>, String> {
        Choices::parse(text, Path::new("/etc/x.toml"))
            .map(|choices| choices.fleet)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_section_is_read_and_none_is_none() {
        assert_eq!(fleet(""), Ok(None));
        let read = fleet(GOOD).unwrap().unwrap();
        assert_eq!(read.proof, Proof::Password("/x/password".into()));
        let hosts: Vec<String> = read.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["db1.example.org:5432", "db2.example.org@192.0.2.7:5433"]);
    }

    #[test]
    fn what_is_missing_or_strange_is_named_with_its_line() {
        for (from, to, expected) in [
            ("database = 'fleet'\n", "", "database is missing"),
            ("role = 'mx1'\n", "", "role is missing"),
            ("ca_file = '/x/ca.pem'\n", "", "ca_file is missing"),
            ("password_file = '/x/password'\n", "", "either password_file, or certificate and key"),
            ("password_file", "certificate", "either password_file, or certificate and key"),
            ("'mx1'", "'mx 1'", "role is not the name of one"),
            ("'db1.example.org'", "'db1..example.org'", "none of NAME, NAME:PORT"),
            ("'db1.example.org'", "'db1.example.org:0'", "none of NAME, NAME:PORT"),
            ("'db1.example.org'", "'db1.example.org@db2'", "none of NAME, NAME:PORT"),
            ("database", "dbname", "unknown field `dbname`"),
            ("role", "sslmode = 'prefer'\nrole", "unknown field `sslmode`"),
        ] {
            let said = fleet(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(said.starts_with("/etc/x.toml line ") && said.contains(expected), "{to}: {said}");
        }
    }

    #[test]
    fn a_fleet_has_sixteen_servers_and_no_more() {
        let of = |servers| {
            fleet(&GOOD.replacen("'db1.example.org'", &vec!["'db1.example.org'"; servers].join(", "), 1))
        };
        assert_eq!(of(15).unwrap().unwrap().hosts.len(), 16);
        assert!(of(16).unwrap_err().contains("hosts names more than 16 servers"));
    }

    #[test]
    fn each_form_of_a_host_is_read_as_it_is_shown() {
        for (text, name, shown) in [
            ("db.example.org", "db.example.org", "db.example.org:5432"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.1@192.0.2.1:5432"),
            ("[2001:db8::1]:9", "2001:db8::1", "2001:db8::1@[2001:db8::1]:9"),
            ("db.example.org@[2001:db8::1]:9", "db.example.org", "db.example.org@[2001:db8::1]:9"),
        ] {
            let host: DatabaseHost = text.parse().unwrap();
            assert_eq!((host.name.as_str(), host.to_string().as_str()), (name, shown));
            assert_eq!(host.to_string().parse(), Ok(host));
        }
    }
}
