//! What reports need: the mail server's command, the key, two records, the timer. Nothing is mailed.

use super::accounts;
use super::files;
use super::process::run;
use super::signing;
use crate::cache::file::Owner;
use crate::dns::presentation::parse_name;
use crate::dns::session::Resolver;
use crate::dns::{Content, Outcome, Question, Resolve as _, joined_texts};
use crate::doctor::observations::{Exim, Reports, Seen, TestMessage};
use crate::limits::{MAX_PROCESS_OCTETS, TEST_MESSAGE_DEADLINE};
use crate::reporting::destination::MailAddress;
use crate::text::excerpt;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use data_encoding::BASE64;
use hickory_proto::rr::RecordType;
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Where systemd's command is.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];

/// What starts `reports send`.
const TIMER: &str = "smtp-sts-verify-reports.timer";

/// The transport of exim/reports.
const OURS: &str = "smtp_sts_reports";

/// The macro that names the file of the key.
const KEY_FILE: &str = "SMTP_STS_REPORTS_KEY";

/// Tells whether somebody may read a file, whatever grants it (POSIX, `test -r`).
const TEST: &str = "/usr/bin/test";

/// Characters of an untrusted sentence that are shown.
const SHOWN: usize = 200;

/// Where a domain's own TLSRPT record stands (RFC 8460 section 3).
#[must_use]
pub fn own_record(domain: &str) -> String {
    format!("_smtp._tls.{domain}")
}

/// Where the key of a selector stands (RFC 6376 section 3.6.2.1).
#[must_use]
pub fn key_record(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// The selector by which Exim signs reports.
///
/// # Errors
/// There is no Exim, or its configuration has no files for reports.
pub fn selector(exim: &Seen<Exim>) -> Seen<String> {
    macro_of(exim, "SMTP_STS_REPORTS_SELECTOR")
}

fn macro_of(exim: &Seen<Exim>, name: &str) -> Seen<String> {
    let macros = exim.as_ref().map_err(Clone::clone)?.macros.as_ref().map_err(Clone::clone)?;
    let found = macros.iter().find(|(known, _)| known == name);
    found
        .map(|(_, value)| value.trim().to_owned())
        .ok_or_else(|| format!("Exim's configuration has no {name}"))
}

/// What does not lie in the DNS; `key` and `own` are what does.
#[must_use]
pub fn look(
    contact: &str,
    sendmail: &[String],
    exim: &Seen<Exim>,
    (key, own): (Seen<Vec<String>>, Seen<Vec<String>>),
    until: Instant,
) -> Reports {
    Reports {
        contact: contact.to_owned(),
        sendmail: command(sendmail),
        selector: selector(exim),
        key,
        public: macro_of(exim, KEY_FILE).and_then(|file| public(Path::new(&file))),
        readable: macro_of(exim, KEY_FILE).and_then(|file| readable(Path::new(&file), exim, until)),
        signed: signed(contact, exim, until),
        own,
        timer: timer(until),
    }
}

/// A test message that Exim signs as it signs reports.
fn signed(contact: &str, exim: &Seen<Exim>, until: Instant) -> Seen<TestMessage> {
    let exim = exim.as_ref().map_err(Clone::clone)?;
    let transports = exim.transports.as_ref().map_err(Clone::clone)?;
    let transport = transports.iter().find(|transport| transport.name == OURS);
    let transport = transport.ok_or_else(|| format!("the transport {OURS} is not loaded"))?;
    let contact: MailAddress = contact.parse().map_err(|_| "contact is no address".to_owned())?;
    let user = exims_user(exim)?;
    let becomes = match geteuid().as_raw() {
        0 => Some(user),
        uid if uid == user.uid => None,
        _ => return Err("only root and Exim's user can have Exim sign".to_owned()),
    };
    // What else there is to see must not wait for it for long.
    let until = until.min(Instant::now() + TEST_MESSAGE_DEADLINE);
    signing::look(&exim.binary, transport, &contact, becomes, until)
}

/// Exim's user by his numbers.
fn exims_user(exim: &Exim) -> Seen<Owner> {
    let user = exim.user.as_deref().and_then(accounts::user);
    let user = user.ok_or_else(|| "Exim's user is not known".to_owned())?;
    Ok(Owner { uid: user.number, gid: user.group.unwrap_or(user.number) })
}

/// The TXT records of a name, each with its strings joined.
pub async fn texts(name: &str, resolver: &Resolver) -> Seen<Vec<String>> {
    let name = parse_name(name).map_err(|_| format!("{} is no name", excerpt(name, SHOWN)))?;
    let answer = resolver.ask(Question::new(&name, RecordType::TXT)).await;
    let content = match &answer.outcome {
        Outcome::Secure(content) | Outcome::Insecure(content, _) => content,
        Outcome::Bogus(_, why) | Outcome::Unreachable(_, _, why) => return Err(excerpt(why, SHOWN)),
    };
    let Content::Data(records) = content else { return Ok(Vec::new()) };
    Ok(joined_texts(records).iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect())
}

fn command(words: &[String]) -> Seen<PathBuf> {
    let path = words.first().map(PathBuf::from).ok_or_else(|| "no command is named".to_owned())?;
    let meta = path.metadata().map_err(|error| format!("{}: {error}", path.display()))?;
    if meta.is_file() && meta.permissions().mode() & 0o111 != 0 {
        Ok(path)
    } else {
        Err(format!("{} is no program", path.display()))
    }
}

/// The public half of an RSA key, as PKCS #1 writes it (RFC 8017 appendix A.1.1): the end of what a record has.
fn public(file: &Path) -> Seen<String> {
    let shown = file.display();
    let text = files::octets(file, MAX_PROCESS_OCTETS)?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(&text)
        .map_err(|_| format!("{shown} has no private key as `openssl genrsa` writes it"))?;
    let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der())
        .map_err(|_| format!("{shown} is no RSA key of 2048 bits or more"))?;
    Ok(BASE64.encode(pair.public_key().as_ref()))
}

/// Whether Exim's user, who signs, may read that file; only root can ask in his name.
fn readable(file: &Path, exim: &Seen<Exim>, until: Instant) -> Seen<bool> {
    let owner = exims_user(exim.as_ref().map_err(Clone::clone)?)?;
    if !geteuid().is_root() || !file.is_file() || !Path::new(TEST).is_file() {
        return Err("it cannot be tried".to_owned());
    }
    Ok(run(Path::new(TEST), [OsStr::new("-r"), file.as_os_str()], "", Some(owner), until).is_ok())
}

fn timer(until: Instant) -> Seen<String> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err("systemd does not run here".to_owned());
    }
    let systemctl = SYSTEMCTL.into_iter().map(Path::new).find(|path| path.is_file());
    let systemctl = systemctl.ok_or_else(|| "no systemctl here".to_owned())?;
    // It ends with 1 where the timer is not enabled, and says in a word what it is.
    match run(systemctl, ["is-enabled", TIMER], "", None, until) {
        Ok(said) => Ok(said.trim().to_owned()),
        Err(why) => Ok(why.rsplit(": ").next().unwrap_or_default().trim().to_owned()),
    }
}
