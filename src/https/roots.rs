//! The certification authorities that a policy host is judged by.

use crate::causes;
use crate::files;
use crate::limits::MAX_CA_FILE_OCTETS;
use crate::resources;
use crate::text::Escaped;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Where systems keep the bundle of their trusted CAs. The first that exists is read; no environment variable is.
const SYSTEM_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older RHEL
    "/var/lib/ca-certificates/ca-bundle.pem", // openSUSE
    "/etc/ssl/cert.pem",                  // FreeBSD, OpenBSD, macOS
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD's ca_root_nss
];

/// Whose word about certificates counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The certificates of this PEM file, and no others.
    File(PathBuf),
    /// The system's own store.
    #[default]
    System,
}

/// Why there are no CA certificates; says which file, what was expected, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRoots {
    why: String,
    is_want_of_resources: bool,
}

impl fmt::Display for BadRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for BadRoots {}

impl BadRoots {
    /// The TLS library refuses what it is set up with; it says no more than programmers need.
    pub(crate) fn no_tls() -> Self {
        Self::because("TLS cannot be set up with the CA certificates of this machine".to_owned())
    }

    const fn because(why: String) -> Self {
        Self { why, is_want_of_resources: false }
    }

    /// Whether there may well be some, and this machine had no descriptor or memory left to read them with.
    pub(super) const fn is_want_of_resources(&self) -> bool {
        self.is_want_of_resources
    }
}

impl Roots {
    /// What was learnt under these roots is only believed under the same: `system`, or `sha256:` and the digest of
    /// the file's certificates, whatever their order, repetition, or the text around them.
    ///
    /// # Errors
    /// [`BadRoots`] if the file cannot be read, or is not what it should be.
    pub fn identity(&self) -> Result<String, BadRoots> {
        let Self::File(path) = self else { return Ok("system".into()) };
        let mut certificates = read_file(path)?;
        certificates.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        certificates.dedup();
        let mut context = Context::new(&SHA256);
        for certificate in &certificates {
            // DER states its own length: two lists of certificates have the same octets only if they are the same.
            context.update(certificate);
        }
        let mut identity = String::from("sha256:");
        for octet in context.finish().as_ref() {
            // Writing into a String does not fail.
            let _ = write!(identity, "{octet:02x}");
        }
        Ok(identity)
    }

    /// Which file it is, and how many of its certificates can be used.
    ///
    /// # Errors
    /// [`BadRoots`] as for a fetch.
    pub fn survey(&self) -> Result<(PathBuf, usize), BadRoots> {
        let count = self.load()?.len();
        let file = match self {
            Self::File(path) => path.clone(),
            Self::System => {
                let readable = |path: &&str| files::open(Path::new(path)).is_ok();
                SYSTEM_BUNDLES.into_iter().find(readable).map(PathBuf::from).ok_or_else(no_system_store)?
            }
        };
        Ok((file, count))
    }

    /// Reads and parses the certificates; a few milliseconds, so only for a fetch.
    pub(crate) fn load(&self) -> Result<RootCertStore, BadRoots> {
        let mut store = RootCertStore::empty();
        match self {
            Self::File(path) => {
                for certificate in read_file(path)? {
                    let der = certificate.to_vec();
                    let unusable = |e| {
                        bad_file(
                            path,
                            format!("a certificate cannot be used: {}", causes::of_certificates(&e, &[&der])),
                        )
                    };
                    store.add(certificate).map_err(unusable)?;
                }
            }
            Self::System => {
                // A store of a hundred and more may hold one that this TLS library does not know; the others count.
                store.add_parsable_certificates(read_system()?);
            }
        }
        if store.is_empty() { Err(no_system_store()) } else { Ok(store) }
    }
}

fn read_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadRoots> {
    let pem = read_bounded(path).map_err(|e| unread(path, &e))?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|e| bad_file(path, causes::of_pem(&e)))?;
    if certificates.is_empty() {
        return Err(bad_file(path, "holds no certificate"));
    }
    Ok(certificates)
}

fn unread(path: &Path, error: &io::Error) -> BadRoots {
    BadRoots { is_want_of_resources: resources::is_want_of_resources(error), ..bad_file(path, error) }
}

fn bad_file(path: &Path, why: impl fmt::Display) -> BadRoots {
    let (shown, why) = (path.to_string_lossy(), why.to_string());
    BadRoots::because(format!(
        "ca-file {}: {}; expected '-----BEGIN CERTIFICATE-----' blocks of CA certificates",
        Escaped(&shown),
        Escaped(&why)
    ))
}

fn read_system() -> Result<Vec<CertificateDer<'static>>, BadRoots> {
    let read = SYSTEM_BUNDLES.iter().map(Path::new).find_map(|path| match read_bounded(path) {
        Err(error) if resources::is_want_of_resources(&error) => Some(Err(unread(path, &error))),
        read => read.ok().map(Ok),
    });
    let pem = read.ok_or_else(no_system_store)??;
    Ok(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect())
}

fn no_system_store() -> BadRoots {
    BadRoots::because(format!(
        "no CA certificates on this system ({} and the like): install the package ca-certificates, or name a ca-file",
        SYSTEM_BUNDLES.first().copied().unwrap_or_default()
    ))
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let read = files::read(path, u64::try_from(MAX_CA_FILE_OCTETS).unwrap_or(u64::MAX))?;
    read.ok_or_else(|| io::Error::other(format!("is larger than {MAX_CA_FILE_OCTETS} octets")))
}
