//! The daemon as a child of the test, and clients of its sockets.
//!
//! `Daemon::in_world(&lab)` (or [`Plan`]) starts it and comes back when it says that it is ready, as systemd would; dropped,
//! it is killed.

use crate::support::laboratory::Laboratory;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than everything that a test waits for, on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How the daemon is to be started.
pub(crate) struct Plan {
    /// Where its sockets, its configuration and what it tells systemd are.
    pub(crate) directory: TempDir,
    pub(crate) cache: PathBuf,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    wrapper: Option<String>,
    handed_over: Vec<OwnedFd>,
}

/// A daemon that runs.
pub(crate) struct Daemon {
    child: Child,
    plan: Plan,
    log: Arc<Mutex<Vec<String>>>,
    systemd: UnixDatagram,
}

impl Plan {
    /// In the laboratory's world, with a cache of its own; it listens for Exim and for Postfix on UNIX sockets.
    pub(crate) fn in_world(lab: &Laboratory) -> Self {
        let directory = tempfile::Builder::new().prefix("daemon").tempdir_in(lab.directory()).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o750)).unwrap();
        let configuration = directory.path().join("config.toml");
        fs::write(&configuration, "").unwrap();
        let mut options = lab.options();
        options.extend([
            "--config".to_owned(),
            configuration.display().to_string(),
            "--allow-root".to_owned(),
        ]);
        let plan = Self {
            directory,
            cache: lab.cache_file(),
            options,
            variables: Vec::new(),
            wrapper: None,
            handed_over: Vec::new(),
        };
        let (exim, postfix) = (plan.exim(), plan.postfix());
        plan.option("--exim", exim.display()).option("--postfix", postfix.display())
    }

    /// One option more.
    pub(crate) fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.options.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// Without an option that stands there with its value.
    pub(crate) fn without(mut self, name: &str) -> Self {
        while let Some(place) = self.options.iter().position(|option| option == name) {
            self.options.drain(place..=place + 1);
        }
        self
    }

    /// Without an option that has no value.
    pub(crate) fn without_flag(mut self, name: &str) -> Self {
        self.options.retain(|option| option != name);
        self
    }

    /// One variable more in its environment.
    pub(crate) fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// Started by a line for the shell in which `exec "$@"` starts the program.
    pub(crate) fn started_by(mut self, line: &str) -> Self {
        self.wrapper = Some(line.to_owned());
        self
    }

    /// One or two sockets that systemd listens at for it, with the names that their units give. They stay open here.
    pub(crate) fn handed_over(mut self, names: &str, sockets: Vec<OwnedFd>) -> Self {
        let number = sockets.len();
        self.handed_over = sockets;
        // The shell has them as standard input and output, since a test can give a child no others.
        let line = format!(
            "exec 3<&0 4>&1 0</dev/null 1>&2; LISTEN_FDS={number} LISTEN_FDNAMES={names} LISTEN_PID=$$; \
             export LISTEN_FDS LISTEN_FDNAMES LISTEN_PID; exec \"$@\""
        );
        self.started_by(&line)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    pub(crate) fn exim(&self) -> PathBuf {
        self.directory.path().join("exim.sock")
    }

    pub(crate) fn postfix(&self) -> PathBuf {
        self.directory.path().join("postfix.sock")
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_smtp-sts-verify");
        let mut command = match &self.wrapper {
            Some(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", line, "sh", program]);
                shell
            }
            None => Command::new(program),
        };
        command.arg("serve").args(&self.options).arg("--cachedb").arg(&self.cache);
        command.env_clear().envs(self.variables.iter().cloned());
        let mut sockets = self.handed_over.iter().map(|socket| Stdio::from(socket.try_clone().unwrap()));
        command.stdin(sockets.next().unwrap_or_else(Stdio::null));
        command.stdout(sockets.next().unwrap_or_else(Stdio::null));
        command
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(self) -> Daemon {
        let place = self.directory.path().join("notify");
        // A daemon before this one may have used it.
        let _ = fs::remove_file(&place);
        let systemd = UnixDatagram::bind(&place).unwrap();
        systemd.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut child = self.command().env("NOTIFY_SOCKET", &place).stderr(Stdio::piped()).spawn().unwrap();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, lines) = (Arc::clone(&log), BufReader::new(child.stderr.take().unwrap()).lines());
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let mut daemon = Daemon { child, plan: self, log, systemd };
        daemon.wait_until_told("READY=1");
        daemon
    }

    /// Starts what is not to become ready; how it ends and what it says.
    pub(crate) fn fail(&self) -> (Option<i32>, String) {
        let output = self.command().stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

impl Daemon {
    /// With a plan that nothing is to be added to.
    pub(crate) fn in_world(lab: &Laboratory) -> Self {
        Plan::in_world(lab).start()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The answer to a question of Exim's: `DOMAIN` or `DOMAIN HOST`.
    pub(crate) fn ask(&self, question: &str) -> String {
        exim(&self.plan.exim(), question)
            .unwrap_or_else(|error| panic!("{question}: {error}\n{}", self.log()))
    }

    /// A connection of Postfix's.
    pub(crate) fn postfix(&self) -> Socketmap {
        Socketmap(UnixStream::connect(self.plan.postfix()).unwrap())
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Nothing panicked in it so far, and none of its threads ended.
    pub(crate) fn made_no_mistake(&self) {
        let log = self.log();
        assert!(!log.contains("a mistake of ours") && !log.contains("a bug:"), "{log}");
    }

    /// Waits until it tells systemd something that contains these words, and gives back the whole message.
    pub(crate) fn wait_until_told(&mut self, words: &str) -> String {
        let mut room = [0; 4096];
        loop {
            match self.systemd.recv(&mut room) {
                Ok(length) => {
                    let told = String::from_utf8_lossy(&room[..length]).into_owned();
                    if told.contains(words) {
                        return told;
                    }
                }
                Err(error) => panic!("systemd was not told {words}: {error}\n{}", self.log()),
            }
        }
    }

    /// Whether it tells systemd something that contains these words before the time is over.
    pub(crate) fn tells(&mut self, words: &str, within: Duration) -> bool {
        let end = Instant::now() + within;
        let mut room = [0; 4096];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.systemd.set_read_timeout(Some(left)).unwrap();
            let heard = self.systemd.recv(&mut room);
            self.systemd.set_read_timeout(Some(PATIENCE)).unwrap();
            match heard {
                Ok(length) if String::from_utf8_lossy(&room[..length]).contains(words) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Waits until a line of its log contains these words.
    pub(crate) fn wait_for_log(&self, words: &str) {
        let log = Arc::clone(&self.log);
        until(&format!("the log has '{words}'"), move || {
            log.lock().unwrap().iter().any(|line| line.contains(words))
        });
    }

    /// Sends it a signal by its name: `TERM`, `HUP`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as systemd does, and gives back how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Kills it without a word; what is left of it can be started again.
    pub(crate) fn kill(mut self) -> Plan {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.systemd.shutdown(Shutdown::Both).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let nothing = Plan {
            directory,
            cache: PathBuf::new(),
            options: Vec::new(),
            variables: Vec::new(),
            wrapper: None,
            handed_over: Vec::new(),
        };
        std::mem::replace(&mut self.plan, nothing)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB.
    pub(crate) fn resident_at_most(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks as Exim does: one line, no more input, all of the answer.
pub(crate) fn exim(socket: &Path, question: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("P {question}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// One connection of Postfix's.
pub(crate) struct Socketmap(pub(crate) UnixStream);

impl Socketmap {
    /// Asks a map for a key.
    pub(crate) fn ask(&mut self, map: &str, key: &str) -> io::Result<String> {
        self.send(map, key)?;
        self.reply()
    }

    /// Whether the other side has left it open, with nothing to read.
    pub(crate) fn is_open(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(crate) fn send(&mut self, map: &str, key: &str) -> io::Result<()> {
        let content = format!("{map} {key}");
        self.0.write_all(format!("{}:{content},", content.len()).as_bytes())
    }

    /// The next reply; [`io::ErrorKind::UnexpectedEof`] if there is none.
    pub(crate) fn reply(&mut self) -> io::Result<String> {
        self.0.set_read_timeout(Some(PATIENCE))?;
        let (mut length, mut digit) = (0, [0]);
        loop {
            self.0.read_exact(&mut digit)?;
            match digit[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut content = vec![0; length + 1];
        self.0.read_exact(&mut content)?;
        assert_eq!(content.pop(), Some(b','));
        Ok(String::from_utf8(content).unwrap())
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The p99 of these durations, by nearest rank: of a hundred, one may be longer.
pub(crate) fn p99(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations[(durations.len() * 99).div_ceil(100) - 1]
}
