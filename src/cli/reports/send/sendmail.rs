//! Hands a mail to the machine's own mail server, through its sendmail command.
//!
//! No shell reads the command, and the recipient stands behind `--`. The whole mail lies in memory that is the command's standard input
//! before it starts: whenever this program is killed, the command has all of it, or was never started. What it says goes into memory
//! that cannot grow.

use crate::limits::{MAX_REPORT_WORDS, MAX_SENDMAIL_OUTPUT, SENDMAIL_DEADLINE};
use crate::reporting::destination::MailAddress;
use crate::reporting::fate::{Fate, of_sendmail};
use crate::text::excerpt;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::ftruncate;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// From one look at the command to the next, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Where the command looks for what it starts itself.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Hands over a mail from one address to one other.
pub(super) async fn hand_over(command: &[String], from: &MailAddress, to: &MailAddress, mail: &[u8]) -> Fate {
    let started = start(command, from, to, mail);
    let (mut child, mut said) = match started {
        Ok(started) => started,
        Err(error) => {
            let program = command.first().map_or("", String::as_str);
            return Fate::Postponed(format!(
                "{} cannot be started: {error}",
                excerpt(program, MAX_REPORT_WORDS / 2)
            ));
        }
    };
    let ended = end(&mut child).await;
    let mut words = Vec::new();
    // What cannot be read was not said.
    let _ = said.rewind().and_then(|()| said.read_to_end(&mut words));
    let words = String::from_utf8_lossy(&words);
    let words: Vec<&str> =
        words.split(['\0', '\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    of_sendmail(ended.and_then(|status| status.code()), &excerpt(&words.join("; "), MAX_REPORT_WORDS / 2))
}

fn start(command: &[String], from: &MailAddress, to: &MailAddress, mail: &[u8]) -> io::Result<(Child, File)> {
    let (program, words) = command.split_first().ok_or_else(|| io::Error::other("there is no command"))?;
    let mut input = File::from(memfd_create("report", MFdFlags::MFD_CLOEXEC)?);
    input.write_all(mail)?;
    input.rewind()?;
    let said = memfd_create("said", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    ftruncate(&said, i64::try_from(MAX_SENDMAIL_OUTPUT).unwrap_or(i64::MAX))?;
    fcntl(&said, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK))?;
    let said = File::from(said);
    let child = Command::new(program)
        .args(words)
        .args(["-f", from.as_str(), "--", to.as_str()])
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(input)
        .stdout(said.try_clone()?)
        .stderr(said.try_clone()?)
        .spawn()?;
    Ok((child, said))
}

/// Waits for its end; at the deadline it is ended.
async fn end(child: &mut Child) -> Option<ExitStatus> {
    let (began, (mut pause, longest)) = (Instant::now(), PAUSES);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if began.elapsed() < SENDMAIL_DEADLINE => tokio::time::sleep(pause).await,
            Ok(None) | Err(_) => {
                // Nothing is left to be done about one that cannot be ended.
                let _ = child.kill().and_then(|()| child.wait());
                return None;
            }
        }
        pause = pause.saturating_mul(2).min(longest);
    }
}
