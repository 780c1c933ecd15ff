//! The key files of `[fleet]`, read anew at each connection, so that a key is exchanged without a restart.

use super::tls::{Allowance, Tls, read};
use super::trouble::Trouble;
use super::witness::{Signer, Witnesses};
use crate::causes;
use crate::config::{Fleet, Proof};
use crate::limits::MAX_FLEET_KEYS;
use aws_lc_rs::signature::Ed25519KeyPair;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// What stands before the 32 octets of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 section 4).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The keys that the configuration names.
#[derive(Debug)]
pub struct Keys {
    /// Whose decrees count.
    pub operators: Vec<[u8; 32]>,
    /// Signs what this host fetched.
    pub signer: Signer,
    /// Whose signatures count.
    pub witnesses: Witnesses,
}

impl Keys {
    /// Reads them.
    ///
    /// # Errors
    /// [`Trouble::Configuration`], which names the file.
    pub fn of(fleet: &Fleet) -> Result<Self, Trouble> {
        let operators = operators(fleet)?;
        let key = fleet.witness_key.as_deref().map(private_key).transpose()?;
        let witnesses = Witnesses(fleet.witness_keys.as_deref().map(directory).transpose()?);
        Ok(Self { operators, signer: Signer { role: fleet.role.clone(), key }, witnesses })
    }
}

/// Whose decrees count.
pub(super) fn operators(fleet: &Fleet) -> Result<Vec<[u8; 32]>, Trouble> {
    Ok(fleet.operator_key.as_deref().map(public_keys).transpose()?.unwrap_or_default())
}

/// Whether all that the section names can be used; the database is not asked.
///
/// # Errors
/// [`Trouble::Configuration`], which names the file.
pub fn check(fleet: &Fleet) -> Result<(), Trouble> {
    Tls::of(fleet, Allowance::default())?;
    if let Proof::Password(path) = &fleet.proof {
        password(path)?;
    }
    Keys::of(fleet).map(drop)
}

/// The password: the first line of a file that is nobody else's.
pub(super) fn password(path: &Path) -> Result<String, Trouble> {
    let bad = |why: &str| Trouble::Configuration(format!("[fleet] password_file {}: {why}", path.display()));
    let octets = read(path)?;
    if fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o007 != 0) {
        return Err(bad("everybody may use it: chmod o= it"));
    }
    let text = String::from_utf8(octets).map_err(|_| bad("it is not UTF-8"))?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => Err(bad("its first line is empty")),
    }
}

/// The private key of a file, as `openssl genpkey -algorithm ed25519` writes one.
///
/// # Errors
/// [`Trouble::Configuration`], which names the file.
pub fn private_key(path: &Path) -> Result<Ed25519KeyPair, Trouble> {
    let bad = |why: &str| Trouble::Configuration(format!("[fleet] {}: {why}", path.display()));
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(&read(path)?).map_err(|error| bad(&causes::of_pem(&error)))?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
        .map_err(|_| bad("it is no Ed25519 key: openssl genpkey -algorithm ed25519 makes one"))
}

/// The public keys of a file, as `openssl pkey -pubout` writes them; one at least.
fn public_keys(path: &Path) -> Result<Vec<[u8; 32]>, Trouble> {
    let bad = |why: &str| Trouble::Configuration(format!("[fleet] {}: {why}", path.display()));
    let mut keys = Vec::new();
    for der in SubjectPublicKeyInfoDer::pem_slice_iter(&read(path)?) {
        let der = der.map_err(|error| bad(&causes::of_pem(&error)))?;
        let key = der.as_ref().strip_prefix(&ED25519_PREFIX).and_then(|key| key.try_into().ok());
        keys.push(key.ok_or_else(|| bad("a key in it is no Ed25519 key: openssl pkey -pubout writes one"))?);
    }
    if keys.is_empty() { Err(bad("it holds no public key")) } else { Ok(keys) }
}

/// The public keys of a directory, by the names of the files without `.pem`.
fn directory(path: &Path) -> Result<BTreeMap<String, [u8; 32]>, Trouble> {
    let unreadable = |error: &std::io::Error| {
        Trouble::Configuration(format!("[fleet] {}: {}", path.display(), causes::of_io(error)))
    };
    let mut keys = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(&error))?.take(MAX_FLEET_KEYS) {
        let file = entry.map_err(|error| unreadable(&error))?.path();
        let is_pem = file.extension().is_some_and(|ending| ending == "pem");
        let Some(role) = file.file_stem().and_then(|name| name.to_str()).filter(|_| is_pem) else { continue };
        if let Some(key) = public_keys(&file)?.first() {
            keys.insert(role.to_owned(), *key);
        }
    }
    Ok(keys)
}
