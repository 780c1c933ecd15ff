//! The status page in a real browser: what it shows, how it looks in three widths, and that nothing in it runs or loads.
//!
//! The pictures stay in `target/status-page`, to be looked at.

use super::daemon::{Daemon, Plan};
use crate::support::laboratory::Laboratory;
use crate::support::ports;
use crate::support::skipped::skipped;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// The file name of a socket; the page names the places where questions are taken.
const HOSTILE: &str = "<img src=x onerror=\"document.title=1\">&<script>";

/// What the browser is asked to do, which is nothing of its own accord.
const QUIET: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-domain-reliability",
    "--disable-default-apps",
    "--no-first-run",
    "--enable-logging=stderr",
];

/// A proxy that lets the browser reach the daemon alone, and takes down whatever it wants.
struct Proxy {
    port: u16,
    wanted: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn before(daemon: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, wanted) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
        let taken_down = Arc::clone(&wanted);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let wanted = Arc::clone(&taken_down);
                // A browser that leaves early is no failure.
                thread::spawn(move || {
                    let _ = pass(stream, daemon, &wanted);
                });
            }
        });
        Self { port, wanted }
    }
}

fn pass(mut browser: TcpStream, port: u16, wanted: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(browser.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let line = head.lines().next().unwrap_or_default().to_owned();
    wanted.lock().unwrap().push(line.clone());
    if !line.starts_with(&format!("GET http://127.0.0.1:{port}/ ")) {
        return browser
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut daemon = TcpStream::connect(("127.0.0.1", port))?;
    // So that the daemon ends the connection behind its reply.
    let lines = head.lines().filter(|line| !line.to_ascii_lowercase().contains("connection:"));
    let head: String = lines.map(|line| line.replace(" HTTP/1.1", " HTTP/1.0") + "\r\n").collect();
    daemon.write_all(head.as_bytes())?;
    io::copy(&mut daemon, &mut browser)?;
    browser.shutdown(Shutdown::Both)
}

fn browser() -> Option<&'static str> {
    let runs = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs)
}

fn look(browser: &str, proxy: &Proxy, arguments: &[String], page: &str) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args(QUIET)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--proxy-server=127.0.0.1:{}", proxy.port))
        // To the machine itself, too.
        .arg("--proxy-bypass-list=<-loopback>")
        .args(arguments)
        .arg(page)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// Mail that is delivered, refused and deferred, and questions that are none.
fn ask_this_and_that(daemon: &Daemon) {
    for domain in [
        "enforced.test",
        "sts.test",
        "dane.test",
        "webpki.test",
        "plain.test",
        "bogus.test",
        "expired.test",
        "stripped.test",
    ] {
        daemon.ask(domain);
    }
    for question in [
        "forbidden-sts.test mx2.forbidden-sts.test",
        "enforced.test mx1.enforced.test",
        "<script>alert(1)</script>.test",
        "enforced.test \"<img src=x onerror=alert(1)>\"",
    ] {
        daemon.ask(question);
    }
    for _ in 0..200 {
        daemon.ask("enforced.test");
    }
}

/// Width and height that a PNG file has by its header.
fn size(picture: &Path) -> (u32, u32) {
    let octets = fs::read(picture).unwrap();
    assert!(octets.len() > 20_000, "{} is all but empty", picture.display());
    let number = |at: usize| u32::from_be_bytes(octets[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn the_status_page_is_seen_in_a_browser_and_nothing_in_it_runs_or_loads() {
    let Some(browser) = browser() else {
        skipped("the status page in a browser", "chromium is not installed (Debian package chromium)");
        return;
    };
    let lab = Laboratory::start();
    let (plan, port) = (Plan::in_world(&lab), ports::unused());
    let hostile = plan.directory.path().join(HOSTILE);
    let plan = plan.option("--exim", hostile.display()).option("--http", format!("127.0.0.1:{port}"));
    let daemon = plan.start();
    ask_this_and_that(&daemon);
    let (proxy, page) = (Proxy::before(port), format!("http://127.0.0.1:{port}/"));

    let output = look(browser, &proxy, &["--dump-dom".to_owned()], &page);
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(seen.contains("<title>Ready - smtp-sts-verify</title>"), "{seen}");
    assert!(!seen.contains("<script") && !seen.contains("<img") && seen.contains("&lt;img src=x"), "{seen}");
    for words in
        ["Refused or deferred of late", "Policies in force", "Name servers", "Connections", "Since the start"]
    {
        assert!(seen.contains(&format!(">{words}</h2>")), "{words}: {seen}");
    }
    for words in ["<strong>bogus.test</strong>", "to mx2.forbidden-sts.test", "<strong>sts.test</strong>"] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    assert!(seen.matches("<tr role=\"row\">").count() > 8, "{seen}");
    // The stylesheet was let in by its digest, and nothing was asked for that was not.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("Content Security Policy") && !said.contains("CONSOLE"), "{said}");

    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("status-page");
    fs::create_dir_all(&pictures).unwrap();
    for (width, height, scheme) in
        [(360, 4_800, "light"), (820, 3_200, "light"), (1_400, 2_600, "light"), (1_400, 2_600, "dark")]
    {
        let picture = pictures.join(format!("{width}-{scheme}.png"));
        let mut arguments = vec![
            "--hide-scrollbars".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--screenshot={}", picture.display()),
        ];
        if scheme == "dark" {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let output = look(browser, &proxy, &arguments, &page);
        assert!(picture.exists(), "{output:?}");
        assert_eq!(size(&picture), (width, height));
    }

    let wanted = proxy.wanted.lock().unwrap().clone();
    let is_known = |line: &&String| {
        let of_page = line.starts_with(&format!("GET {page} "));
        // The browser's own affairs (the time, updates), of which the page knows nothing; the proxy let none of it pass.
        let of_browser =
            [".google.com", ".googleapis.com", ".gvt1.com"].iter().any(|host| line.contains(host));
        of_page || of_browser || line.is_empty()
    };
    let elsewhere: Vec<_> = wanted.iter().filter(|line| !is_known(line)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    assert_eq!(
        wanted.iter().filter(|line| line.starts_with(&format!("GET {page} "))).count(),
        5,
        "{wanted:?}"
    );
}
