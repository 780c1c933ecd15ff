//! The daemon's pages over real sockets: what they tell, and what nobody gets out of them (G15).

use super::daemon::{Daemon, PATIENCE, Plan, until};
use crate::support::laboratory::Laboratory;
use crate::support::ports;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The daemon with its pages at a port.
struct Pages {
    daemon: Daemon,
    port: u16,
}

/// A reply as it came.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Pages {
    fn of(plan: Plan) -> Self {
        let port = ports::unused();
        Self { daemon: plan.option("--http", format!("127.0.0.1:{port}")).start(), port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these octets and reads all that comes until the connection ends.
    fn send(&self, request: &str) -> io::Result<String> {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes())?;
        let mut said = Vec::new();
        // A connection that was cut behind its reply may be reset, and has said its word.
        let ended = stream.read_to_end(&mut said);
        if said.is_empty() {
            ended?;
        }
        Ok(String::from_utf8(said).unwrap())
    }

    fn ask(&self, method: &str, path: &str, host: &str) -> Reply {
        let said = self
            .send(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
            .unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.replace('\r', ""), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &format!("127.0.0.1:{}", self.port))
    }

    /// The value of a series.
    fn value(&self, series: &str) -> u64 {
        let metrics = self.get("/metrics").body;
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{series}: {metrics}")).parse().unwrap()
    }
}

#[test]
fn the_pages_tell_what_mail_servers_were_told() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    for question in
        ["enforced.test", "enforced.test", "bogus.test", "forbidden-sts.test mx2.forbidden-sts.test"]
    {
        pages.daemon.ask(question);
    }
    pages.daemon.postfix().ask("policy", "enforced.test").unwrap();
    assert_eq!(pages.value("smtp_sts_serve_answers_total{protocol=\"exim\",verdict=\"deliver\"}"), 2);
    assert_eq!(pages.value("smtp_sts_serve_answers_total{protocol=\"exim\",verdict=\"defer\"}"), 1);
    assert_eq!(pages.value("smtp_sts_serve_answers_total{protocol=\"exim\",verdict=\"refuse\"}"), 1);
    assert_eq!(pages.value("smtp_sts_serve_answers_total{protocol=\"postfix\",verdict=\"deliver\"}"), 1);
    assert_eq!(pages.value("smtp_sts_serve_reasons_total{reason=\"dnssec-bogus\"}"), 1);
    assert!(pages.value("smtp_sts_serve_answer_seconds_count{source=\"warm\"}") >= 2);
    assert_eq!(pages.value("smtp_sts_serve_answer_seconds_count{source=\"look-up\"}"), 3);
    assert_eq!(pages.value("smtp_sts_serve_connections_total{protocol=\"exim\"}"), 4);
    let page = pages.get("/");
    assert_eq!((page.status, page.field("content-type")), (200, Some("text/html; charset=utf-8")));
    for words in [
        "<strong>Ready.</strong>",
        "bogus.test",
        "dnssec-bogus",
        "to mx2.forbidden-sts.test",
        "mx-not-in-policy",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    // The store is asked again a moment later, and knows the policies by then.
    until("the policies in force are told", || pages.get("/").body.contains("forbidden-sts.test</strong>"));
    assert_eq!(pages.get("/healthz").body, "alive\n");
    assert_eq!(pages.get("/readyz").body, "ready\n");
}

#[test]
fn every_reply_keeps_browsers_from_all_that_is_not_needed() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    for path in ["/", "/metrics", "/healthz", "/readyz", "/nothing"] {
        let reply = pages.get(path);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.field(name), Some(value), "{path}: {}", reply.head);
        }
        let policy = reply.field("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(reply.field("server"), None);
    }
    let head = pages.ask("HEAD", "/", "localhost");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.field("content-length").unwrap().parse::<usize>().unwrap() > 1_000);
}

#[test]
fn nothing_but_a_page_is_given_and_nothing_of_a_request_comes_back() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let mark = "<script>alert(1)</script>";
    let escaped = "%3Cscript%3Ealert(1)%3C/script%3E";
    for (method, path, host, status) in [
        ("POST", "/metrics", "localhost", 405),
        ("DELETE", "/", "localhost", 405),
        ("GET", escaped, "localhost", 400),
        ("GET", &format!("/{escaped}"), "localhost", 404),
        ("GET", "/metrics", "rebound.example", 421),
        ("GET", "/", &format!("127.0.0.1.{mark}"), 421),
        ("GET", "http://rebound.example/metrics", "localhost", 421),
        (mark, "/", "localhost", 400),
    ] {
        let reply = pages.ask(method, path, host);
        assert_eq!(reply.status, status, "{method} {path} {host}: {reply:?}");
        let all = format!("{}{}", reply.head, reply.body);
        assert!(!all.contains("script>") && !all.contains("rebound") && !all.contains("%3C"), "{all}");
        assert_eq!(reply.field("allow"), (status == 405).then_some("GET, HEAD"));
    }
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let said = pages
            .send(&format!(
                "{}Connection: close\r\n\r\n",
                request.trim_end_matches("\r\n").to_owned() + "\r\n"
            ))
            .unwrap();
        assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    }
    assert_eq!(pages.value("smtp_sts_serve_page_refusals_total{why=\"misdirected\"}"), 3);
    assert_eq!(pages.value("smtp_sts_serve_page_refusals_total{why=\"not-allowed\"}"), 2);
}

#[test]
fn a_head_is_bounded_and_so_is_what_it_costs() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let before = pages.daemon.resident();
    for _ in 0..20 {
        let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(1_048_576));
        let fields = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Y: z\r\n".repeat(20_000));
        for request in [&long, &fields] {
            // The daemon reads no more of it than it has to; what it says is lost if the rest was under way by then.
            match pages.send(request) {
                Ok(said) => assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}"),
                Err(error) => assert!(
                    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe),
                    "{error}"
                ),
            }
        }
    }
    assert_eq!(pages.get("/healthz").status, 200);
    let grown = pages.daemon.resident().saturating_sub(before);
    assert!(grown < 4_096, "{grown} KiB");
}

#[test]
fn a_head_of_eight_kibibytes_is_read_and_one_octet_more_is_not() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let head = |octets: usize| {
        let [before, after] =
            ["GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ", "\r\n\r\n"];
        format!("{before}{}{after}", "y".repeat(octets - before.len() - after.len()))
    };
    assert!(pages.send(&head(8_192)).unwrap().starts_with("HTTP/1.1 200 "));
    // 431: Request Header Fields Too Large (RFC 6585 section 5).
    let said = pages.send(&head(8_193)).unwrap();
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
}

#[test]
fn a_request_with_a_body_is_answered_without_reading_it() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let mut stream = pages.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nthe beginning")
        .unwrap();
    let mut said = [0; 12];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"HTTP/1.1 405");
}

#[test]
fn whoever_is_slow_is_cut_off_and_keeps_nobody_waiting() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let begun = Instant::now();
    // More of them than there are slots: some say nothing, some begin a request and say no more.
    let mut slow: Vec<TcpStream> = (0..80).map(|_| pages.connect()).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        if number % 2 == 0 {
            // It may have been evicted for the next one.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
        }
    }
    for _ in 0..5 {
        let asked = Instant::now();
        assert_eq!(pages.get("/healthz").status, 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    let mut last = slow.pop().unwrap();
    let mut nothing = Vec::new();
    // Cut off by the deadline of a head, or to make room.
    let _ = last.read_to_end(&mut nothing);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(slow);
    until("all of them have gone", || pages.value("smtp_sts_serve_connections_open{protocol=\"http\"}") <= 1);
    assert!(pages.value("smtp_sts_serve_connections_ended_total{protocol=\"http\",why=\"evicted\"}") >= 16);
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let lab = Laboratory::start();
    let pages = Pages::of(Plan::in_world(&lab));
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let together = [request("/healthz"), request("/nothing"), request("/readyz")].concat().repeat(30);
    let said = pages.send(&(together + "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")).unwrap();
    let order: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("HTTP/1.")?.get(2..5)).collect();
    assert_eq!(order.len(), 91, "{said}");
    assert!(order[..90].chunks(3).all(|three| three == ["200", "404", "200"]), "{order:?}");
    assert_eq!((said.matches("alive\n").count(), said.matches("ready\n").count()), (30, 30));
}

/// Where nobody can be asked, nothing is ready, and the line says why.
#[test]
fn what_is_not_ready_says_why() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let pages = Pages::of(plan);
    assert_eq!(pages.get("/readyz").status, 200);
    // The file of policies becomes something else, and the next one, too, as on a disk that fails: once it is put aside.
    let cache = pages.daemon.plan().cache.clone();
    pages.daemon.ask("enforced.test");
    until("the store is in trouble", || {
        std::fs::write(&cache, "this is no database").unwrap();
        pages.get("/readyz").status == 503
    });
    let reply = pages.get("/readyz");
    assert!(reply.body.starts_with("not ready: ") && reply.body.lines().count() == 1, "{}", reply.body);
    let page = pages.get("/").body;
    assert!(
        page.contains("<strong>Not ready:</strong>") && page.contains("The store does not tell"),
        "{page}"
    );
    assert_eq!(pages.get("/healthz").status, 200, "it lives all the same");
}
