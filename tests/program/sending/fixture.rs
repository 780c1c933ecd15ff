//! Counts of a day, receivers of reports, and a mail server whose sendmail command keeps what it is handed.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::report_receiver::ReportReceiver;
use crate::support::program::Program;
use smtp_sts_verify::cache::{CachePath, Counts};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::result::ResultType;
use smtp_sts_verify::policy::{Mode, PolicyType};
use smtp_sts_verify::reports::session::Ended;
use smtp_sts_verify::reports::tally::{Applied, Day, Row};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Root and top-level domain as everywhere in the laboratory; whoever is told what, by the names.
pub(super) const WORLD: &str = "
zone . signed
zone test signed
    ns             A     127.0.0.1
zone mail.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:rua@mail.test\"
zone web.test unsigned
    _smtp._tls     TXT   \"v=TLSRPTv1;rua=https://web.test/v1/tlsrpt?x=1\"
    @              A     127.0.0.1
zone both.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:refused@both.test,https://both.test/\"
    @              A     127.0.0.1
zone none.test signed
    @              A     127.0.0.1
zone two.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:a@two.test\"
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:b@two.test\"
zone case.test signed
    _smtp._tls     TXT   \"v=tlsrptv1; rua=mailto:a@case.test\"
zone split.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mail\" \"to:split@split.test\"
zone bare.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=a@bare.test\"
zone bogus.test altered
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:a@bogus.test\"
zone servfail.test failing
zone evil.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:a%0Ab@evil.test,mailto:-oMr@evil.test,mailto:b@evil.test?bcc=v@mail.test,mailto:c@localhost\"
zone nine.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:1@nine.test,mailto:2@nine.test,mailto:3@nine.test,mailto:4@nine.test,mailto:5@nine.test,mailto:6@nine.test,mailto:7@nine.test,mailto:8@nine.test,mailto:9@nine.test\"
zone sender.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:rua@sender.test\"
zone partner.test signed
    _smtp._tls     TXT   \"v=TLSRPTv1; rua=mailto:rua@partner.test\"
";

/// A host that sends reports, and what surrounds it.
pub(super) struct Sender {
    pub(super) lab: Laboratory,
    pub(super) receiver: ReportReceiver,
    program: Program,
    directory: PathBuf,
}

/// A mail that the sendmail command was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) words: Vec<String>,
    pub(super) text: String,
}

/// The day before yesterday: at whatever hour a test runs, its reports are due, and not too old.
pub(super) fn day() -> Day {
    Day::of(SystemClock.now()).before(2)
}

impl Sender {
    pub(super) fn new() -> Self {
        Self::in_world(WORLD)
    }

    pub(super) fn in_world(world: &str) -> Self {
        let lab = Laboratory::with(world);
        let receiver = lab.open_report_receiver();
        let program = Program::new(&lab)
            .without("--https-port")
            .without_configuration()
            .with_cache_at(lab.cache_file().to_str().unwrap());
        let directory = lab.directory().join("mails");
        fs::create_dir(&directory).unwrap();
        let sender = Self { lab, receiver, program, directory };
        sender.configure("never = ['partner.test']\n");
        sender.answer("exit 0");
        sender
    }

    /// The section of the configuration, with more keys in it.
    pub(super) fn configure(&self, more: &str) {
        let sendmail = self.directory.join("sendmail");
        let text = format!(
            "https_port = {}\n[reports]\nsend = true\norganization = \"Example Sender\"\ncontact = \"tls-reports@sender.test\"\n\
             sendmail = [{sendmail:?}, \"-oi\"]\n{more}",
            self.receiver.port()
        );
        fs::write(self.configuration(), text).unwrap();
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.lab.directory().join("reports.toml")
    }

    /// The sendmail command keeps what it is handed, and then does this.
    pub(super) fn answer(&self, script: &str) {
        let kept = self.directory.display();
        let text = format!(
            "#!/bin/sh\nmail=$(mktemp {kept}/mail.XXXXXXXX)\nprintf '%s\\n' \"$@\" > \"$mail.words\"\ncat > \"$mail\"\nmv \"$mail\" \"$mail.whole\"\n{script}\n"
        );
        // Replaced as a whole: somebody may be starting it.
        let new = self.directory.join("sendmail.new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, self.directory.join("sendmail")).unwrap();
    }

    /// The same without what only laboratories say: no private address counts.
    pub(super) fn without_private_addresses(mut self) -> Self {
        self.program = self.program.without("--allow-private-addresses");
        self
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The program without any of this world.
    pub(super) fn bare(&self, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(crate::support::program::PROGRAM);
        command.args(words);
        command
    }

    pub(super) fn cache(&self) -> &Path {
        self.program.cache()
    }

    pub(super) fn count(&self, rows: &[(Row, u64)]) {
        let path = CachePath::parse(self.cache()).unwrap();
        assert_eq!(Counts::beside(&path, 100_000, SystemClock.now()).add(rows), Ok(0));
    }

    /// A failure and some successes with a host of each of these domains.
    pub(super) fn count_for(&self, domains: &[&str]) {
        let rows: Vec<(Row, u64)> = domains.iter().flat_map(|domain| rows(domain, day())).collect();
        self.count(&rows);
    }

    pub(super) fn command(&self, words: &[&str]) -> std::process::Command {
        let words = words.iter().map(ToString::to_string);
        let configuration = ["--config".to_owned(), self.configuration().display().to_string()];
        let mut command = std::process::Command::new(crate::support::program::PROGRAM);
        let whole = self.program.command(Vec::<String>::new());
        command.args(words).args(whole.get_args()).args(configuration);
        command.stdin(std::process::Stdio::null());
        command
    }

    pub(super) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The exit code, and what was said.
    pub(super) fn told(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        assert!(output.stdout.is_ascii(), "{}", String::from_utf8_lossy(&output.stdout));
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said)
    }

    /// The mails that the sendmail command was handed whole, in the order of their recipients.
    pub(super) fn mails(&self) -> Vec<Mail> {
        let mut mails: Vec<Mail> = fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "whole"))
            .map(|path| Mail {
                text: fs::read_to_string(&path).unwrap(),
                words: fs::read_to_string(path.with_extension("words"))
                    .unwrap()
                    .lines()
                    .map(str::to_owned)
                    .collect(),
            })
            .collect();
        mails.sort_by(|one, other| one.words.cmp(&other.words));
        mails
    }

    /// Whether a sendmail command is still reading.
    pub(super) fn is_busy(&self) -> bool {
        let mut files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        files.any(|path| path.extension().is_some_and(|end| end.len() == 8 && end != "sendmail"))
    }

    /// How many there are.
    pub(super) fn number_of_mails(&self) -> usize {
        let files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "whole")).count()
    }

    /// To whom they went.
    pub(super) fn recipients(&self) -> Vec<String> {
        self.mails().into_iter().map(|mail| mail.words.last().unwrap().clone()).collect()
    }

    /// The lines of `reports outbox --format json`.
    pub(super) fn outbox(&self) -> Vec<serde_json::Value> {
        let (status, said) = self.told(&["reports", "outbox", "--all", "--format", "json"]);
        assert_eq!(status, 0, "{said}");
        let schema = serde_json::from_str(include_str!("../../../fixtures/outbox.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for line in said.lines() {
            let object = serde_json::from_str(line).unwrap();
            assert!(
                schema.is_valid(&object),
                "{line}: {:?}",
                schema.iter_errors(&object).next().map(|one| one.to_string())
            );
        }
        let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line.get("suppression").is_none()).collect()
    }

    /// How far the report about a domain is.
    pub(super) fn state(&self, domain: &str) -> String {
        let entry = self.outbox().into_iter().find(|entry| entry["domain"] == domain);
        entry.map_or_else(|| "-".to_owned(), |entry| entry["state"].as_str().unwrap().to_owned())
    }

    /// The outbox itself, to move its clock.
    pub(super) fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.cache().with_file_name("cache.outbox.db")).unwrap()
    }

    /// As if nothing had been sent yet: what is remembered of addresses stays.
    pub(super) fn forget_reports(&self) {
        self.file()
            .execute_batch("DELETE FROM report; DELETE FROM destination; DELETE FROM package")
            .unwrap();
    }

    /// As if so many seconds had gone by for all that waits.
    pub(super) fn wait(&self, seconds: u64) {
        let file = self.file();
        let back = i64::try_from(seconds).unwrap();
        file.execute("UPDATE report SET next = max(0, next - ?1), first = max(0, first - ?1)", [back])
            .unwrap();
        file.execute("UPDATE suppression SET since = max(0, since - ?1), until = max(0, until - ?1)", [back])
            .unwrap();
    }
}

pub(super) fn rows(domain: &str, day: Day) -> [(Row, u64); 2] {
    let row = |ended| Row {
        code: None,
        helo: None,
        day,
        domain: PolicyDomain::parse(domain).unwrap(),
        policy: Applied::new(PolicyType::None, Mode::None, ""),
        host: MxHost::from_text(&format!("mx.{domain}")).ok(),
        address: Some("192.0.2.25".parse().unwrap()),
        from: None,
        ended,
    };
    [(row(Ended::Encrypted), 40), (row(Ended::Failed(ResultType::StarttlsNotSupported)), 2)]
}
