//! Those who are asked beside our own probe: OpenSSL and GnuTLS, by the programs that operators use.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What somebody made of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepts,
    Rejects,
    /// It was not put to them: there is nothing to ask, or it cannot be asked that way.
    NotAsked,
}

impl Answer {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepts => "yes",
            Self::Rejects => "no",
            Self::NotAsked => "-",
        }
    }

    pub(crate) fn when(accepts: bool) -> Self {
        if accepts { Self::Accepts } else { Self::Rejects }
    }
}

/// Where a server is, and under which name.
pub(crate) struct Place<'a> {
    pub(crate) host: &'a str,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
}

/// What a command wrote, standard error behind standard output, and whether it was content.
fn said(command: &mut Command) -> (String, bool) {
    let output = command.stdin(Stdio::null()).env("LC_ALL", "C").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.success())
}

/// Whether a program is there to be asked.
pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn s_client(place: &Place<'_>, authorities: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-starttls", "smtp", "-verify_return_error", "-servername", place.host]);
    command.args(["-connect", &format!("{}:{}", place.address, place.port), "-CAfile"]).arg(authorities);
    command
}

/// DANE as RFC 7672 has it: no names for DANE-EE.
pub(crate) fn openssl_dane(place: &Place<'_>, authorities: &Path, records: &[String]) -> Answer {
    if records.is_empty() {
        return Answer::NotAsked;
    }
    let mut command = s_client(place, authorities);
    command.args(["-dane_ee_no_namechecks", "-dane_tlsa_domain", place.host]);
    for record in records {
        command.args(["-dane_tlsa_rrdata", record]);
    }
    let (text, _) = said(&mut command);
    let verified = text.contains("Verify return code: 0 (ok)") && text.contains("DANE TLSA ");
    Answer::when(verified)
}

/// Certificates as the web has them.
pub(crate) fn openssl_webpki(place: &Place<'_>, authorities: &Path) -> Answer {
    let mut command = s_client(place, authorities);
    command.args(["-verify_hostname", place.host]);
    let (text, _) = said(&mut command);
    Answer::when(text.contains("Verify return code: 0 (ok)"))
}

/// The same, by GnuTLS.
pub(crate) fn gnutls_webpki(place: &Place<'_>, authorities: &Path) -> Answer {
    let mut command = Command::new("gnutls-cli");
    command.args(["--starttls-proto=smtp", &format!("--port={}", place.port)]);
    command.arg(format!("--x509cafile={}", authorities.display()));
    command.args([format!("--sni-hostname={}", place.host), format!("--verify-hostname={}", place.host)]);
    command.arg(place.address.to_string());
    let (text, _) = said(&mut command);
    Answer::when(text.contains("The certificate is trusted"))
}

/// danetool, in a mount namespace of its own in which `resolv.conf`, `hosts` and the root's key are ours: it takes them
/// from nowhere else.
pub(crate) struct Danetool {
    namespace: Vec<&'static str>,
    directory: PathBuf,
}

/// What is put over what.
const DISGUISES: [(&str, &str); 3] =
    [("resolv.conf", "/etc/resolv.conf"), ("hosts", "/etc/hosts"), ("root.key", "/usr/share/dns/root.key")];

impl Danetool {
    /// Led to the name server at `dns`, whose root has the key in `anchor`.
    ///
    /// # Errors
    /// Why it cannot be asked here.
    pub(crate) fn new(directory: &Path, dns: &str, anchor: &Path, hosts: &str) -> Result<Self, String> {
        if !is_installed("danetool") {
            return Err("danetool (gnutls-bin) is not installed".into());
        }
        for (_, file) in DISGUISES {
            if !Path::new(file).exists() {
                return Err(format!("{file}, which danetool reads, is not there (dns-root-data)"));
            }
        }
        let may = |options: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(options).args(["sh", "-c", "mount --bind /etc/hosts /etc/hosts"]);
            command.output().is_ok_and(|output| output.status.success())
        };
        let ways: [&[&'static str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
        let namespace =
            ways.into_iter().find(|way| may(way)).ok_or("nobody may have a mount namespace here")?;
        std::fs::write(directory.join("resolv.conf"), format!("nameserver {dns}\n")).unwrap();
        std::fs::write(directory.join("hosts"), hosts).unwrap();
        std::fs::copy(anchor, directory.join("root.key")).unwrap();
        Ok(Self { namespace: namespace.to_vec(), directory: directory.to_owned() })
    }

    pub(crate) fn ask(&self, place: &Place<'_>) -> Answer {
        let disguise: String = DISGUISES
            .iter()
            .map(|(ours, theirs)| {
                format!("mount --bind '{}' {theirs} && ", self.directory.join(ours).display())
            })
            .collect();
        let port = place.port;
        let command = format!(
            "{disguise}exec danetool --local-dns --check {} --port {port} --starttls-proto=smtp",
            place.host
        );
        let (text, content) =
            said(Command::new("unshare").args(&self.namespace).args(["sh", "-c", &command]));
        Answer::when(content && text.contains("Certificate matches"))
    }
}
