//! `--record FILE` and `--replay FILE`: an explanation that can be had again, elsewhere and later, without the network.

use super::{Opened, explain};
use crate::cache::Dossier;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::dns::session::Resolver;
use crate::dns::upstream::Upstreams;
use crate::explain::{Explanation, Question};
use crate::files::atomic::AtomicFile;
use crate::https::HttpsFetcher;
use crate::limits::MAX_RECORDING_OCTETS;
use crate::recording::{Conclusion, Recording, Settings, Tape, Taped, VERSION_OF_PROGRAM};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A tape in a machine, and the place where its recording is to stand. Nothing stands there before all of it does.
pub(super) struct Recorder {
    tape: Arc<Tape>,
    place: PathBuf,
    atomic_file: AtomicFile,
    replaces: bool,
}

impl Recorder {
    /// Makes sure that there is room for the recording before anybody is asked; `replaces` what stands there, or not.
    pub(super) fn open(place: &Path, replaces: bool) -> Result<Self, Failure> {
        if !replaces && fs::symlink_metadata(place).is_ok() {
            return Err(taken(place));
        }
        // Which domains somebody asked about is nobody else's business.
        let atomic_file = AtomicFile::beside(place, 0o600).map_err(|error| unwritable(place, &error))?;
        Ok(Self { tape: Arc::default(), place: place.to_owned(), atomic_file, replaces })
    }

    /// Asks as ever, with everything that comes in on tape.
    pub(super) async fn explain(
        &self,
        question: &Question,
        dossier: &Dossier,
        opened: &Opened,
        deadline: Instant,
    ) -> Explanation {
        let carrier = Taped::new(Upstreams::new(&opened.dns.servers), Arc::clone(&self.tape));
        let resolver = Resolver::over(carrier, Arc::clone(&opened.dns.anchors), opened.now, deadline.into());
        let fetcher =
            HttpsFetcher::new(&resolver, opened.setup.https(), deadline).seen_by(self.tape.witness());
        let fetcher = Taped::new(fetcher, Arc::clone(&self.tape));
        let memory = dossier.known.rehearsal(&question.request.domain, opened.now);
        explain(question, dossier, &memory, &resolver, &fetcher, opened.now).await
    }

    /// Writes the recording.
    pub(super) fn finish(
        self,
        question: Question,
        cache: Dossier,
        opened: &Opened,
        explanation: &Explanation,
    ) -> Result<(), Failure> {
        let (dns, https) = self.tape.copy();
        let recording = Recording {
            program: VERSION_OF_PROGRAM.to_owned(),
            moment: opened.now,
            question,
            settings: settings(opened)?,
            cache,
            dns,
            https,
            conclusion: Conclusion::of(explanation),
        };
        let text = recording.to_text();
        if text.len() > MAX_RECORDING_OCTETS {
            let why = format!(
                "the recording has {} octets, and no more than {MAX_RECORDING_OCTETS} are read again",
                text.len()
            );
            return Err(Failure(ExitStatus::Internal, why));
        }
        let Self { place, mut atomic_file, replaces, .. } = self;
        let written = atomic_file.write_all(text.as_bytes());
        let named = written.and_then(|()| {
            if replaces { atomic_file.finish(&place) } else { atomic_file.finish_new(&place) }
        });
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(&place),
            _ => unwritable(&place, &error),
        })
    }
}

fn taken(place: &Path) -> Failure {
    let why = format!("{} is there already; give another name, or --force to replace it", place.display());
    Failure::usage(why)
}

fn unwritable(place: &Path, error: &io::Error) -> Failure {
    let why = format!(
        "{} cannot be written: {error}; started as root, the program is the owner of the cache's directory by now: give \
         a place where that user may write",
        place.display()
    );
    Failure::usage(why)
}

fn settings(opened: &Opened) -> Result<Settings, Failure> {
    let https = opened.setup.https();
    let authorities = https.roots.identity().map_err(Failure::misconfigured)?;
    Ok(Settings {
        name_servers: opened.dns.servers.clone(),
        anchors: opened.dns.anchors.as_ref().clone(),
        authorities,
        https_port: https.port,
        allow_private_addresses: https.allow_private_addresses,
        deadline: opened.setup.choices().deadline().as_secs(),
    })
}

/// The explanation of a recording, and what a person should know about it.
pub(super) fn replay(place: &Path) -> Result<(Explanation, Vec<String>), Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure(ExitStatus::Usage, format!("{}: {why}", place.display()));
    let octets = read(place).map_err(|error| bad(&format_args!("cannot be read: {error}")))?;
    let (recording, differences) = Recording::read(&octets).map_err(|defect| bad(&defect))?;
    let explanation = recording.explain().map_err(Failure::internal)?;
    let notes = differences.iter().map(ToString::to_string);
    let other = recording.conclusion.differs(&recording.program, &Conclusion::of(&explanation));
    Ok((explanation, notes.chain(other).collect()))
}

fn read(place: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let most = u64::try_from(MAX_RECORDING_OCTETS).unwrap_or(u64::MAX);
    // One octet more tells that there is more.
    File::open(place)?.take(most.saturating_add(1)).read_to_end(&mut octets)?;
    Ok(octets)
}
