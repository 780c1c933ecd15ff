//! What is not a question ends in one clear line and exit 64, before a packet is sent.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program, Told, told};
use crate::support::turn::turn_of_this_thread;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Asks, and finds that nobody else was asked.
fn refused(lab: &Laboratory, arguments: &[&OsStr]) -> Told {
    let program = Program::new(lab);
    let told = program.ask(arguments);
    assert_eq!(told.exit, 64, "{arguments:?} got {}", told.line);
    assert_eq!(lab.questions() + lab.visits().len(), 0, "{arguments:?} sent something");
    assert!(!program.cache().exists(), "{arguments:?} made a cache");
    told
}

fn refused_domain(lab: &Laboratory, domain: &OsStr) {
    let told = refused(lab, &["-m".as_ref(), "mx.enforced.test".as_ref(), "-d".as_ref(), domain]);
    assert!(["bad-domain", "usage"].contains(&told.get("reason")), "{domain:?} got {}", told.line);
}

#[test]
fn characters_that_a_shell_exim_or_sql_would_read_are_no_part_of_a_domain() {
    let lab = Laboratory::start();
    for c in [
        "\"", "'", "$", "{", "}", "\\", ";", "%", "`", "|", "&", "<", ">", "(", ")", "*", "?", "!", "#", "/",
        ":", ",",
    ] {
        for domain in [format!("{c}enforced.test"), format!("enf{c}orced.test"), format!("enforced.test{c}")]
        {
            refused_domain(&lab, domain.as_ref());
        }
    }
    for domain in ["${run{id}}", "`id`", "'; drop table sts_cache; --", "enforced.test -D", "$(id)", "%00"] {
        refused_domain(&lab, domain.as_ref());
    }
}

#[test]
fn control_characters_and_directions_are_no_part_of_a_domain() {
    let lab = Laboratory::start();
    // From 0x80 on an octet alone is no UTF-8; some are control characters in other encodings.
    let controls = (1..=0x1f_u8).chain(0x7f..=0xff).map(|octet| vec![octet]);
    let others = ["\u{85}", "\u{202e}", "\u{feff}", "\u{2066}"].map(|text| text.as_bytes().to_vec());
    for octets in controls.chain(others) {
        for at in [0, 4, "enforced.test".len()] {
            let mut domain = b"enforced.test".to_vec();
            domain.splice(at..at, octets.iter().copied());
            refused_domain(&lab, &OsString::from_vec(domain));
        }
    }
}

#[test]
fn octets_that_are_not_utf8_are_no_domain() {
    let lab = Laboratory::start();
    for octets in [&b"\xff"[..], b"enforced\xff.test", b"\xc0\xaf.test", b"enforced.test\x80"] {
        refused_domain(&lab, OsStr::from_bytes(octets));
    }
}

/// Holds a run against one of a question that needs no packet: how much longer it may take, of the fastest of some. The bounds are
/// those of the program as it is released; without optimization it computes a quarter as much in that time.
fn costs_no_more_than(bound: Duration, lab: &Laboratory, run: impl Fn()) {
    let _turn = turn_of_this_thread();
    let fastest = |run: &dyn Fn()| {
        let took = (0..7).map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        });
        took.min().unwrap()
    };
    let calm = fastest(&|| drop(Program::new(lab).route("[192.0.2.1]")));
    let most = calm + bound * if cfg!(debug_assertions) { 4 } else { 1 };
    let took = fastest(&run);
    assert!(took <= most, "{took:?}, and {calm:?} for nothing");
}

#[test]
fn an_endless_argument_is_refused_unread() {
    let lab = Laboratory::start();
    // Linux lets one argument have 128 KiB; the parser's own test has a mebibyte.
    let domain = "a".repeat(131_000);
    costs_no_more_than(Duration::from_millis(20), &lab, || refused_domain(&lab, domain.as_ref()));
}

/// RLIMIT_DATA stands in for the memory of a process that is over: the least with which the program comes to its answer.
#[test]
fn an_endless_argument_takes_no_memory_worth_the_name() {
    const KIBIBYTES: std::ops::Range<u64> = 0..1_024 * 1_024;
    let lab = Laboratory::start();
    let answers_within = |kibibytes: u64, domain: &str, reason: &str| {
        let model = Program::new(&lab).command(["-d", domain]);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -d $0; exec \"$@\"", &kibibytes.to_string(), PROGRAM]);
        let output = limited.args(model.get_args()).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains(reason)
    };
    let needs = |domain: &str, reason: &str| {
        let (mut too_few, mut enough) = (KIBIBYTES.start, KIBIBYTES.end);
        while enough - too_few > 64 {
            let tried = too_few.midpoint(enough);
            let bound = if answers_within(tried, domain, reason) { &mut enough } else { &mut too_few };
            *bound = tried;
        }
        enough
    };
    let (calm, endless) =
        (needs("-a.test", " reason=bad-domain"), needs(&"a".repeat(131_000), " reason=bad-domain"));
    assert!(answers_within(KIBIBYTES.end, "-a.test", " reason=bad-domain"));
    assert!(endless <= calm + 2 * 1_024, "{endless} KiB, and {calm} KiB for a short one");
}

#[test]
fn what_the_dns_cannot_carry_has_no_policy_and_nobody_is_asked() {
    let lab = Laboratory::start();
    let long_label = format!("{}.test", "a".repeat(64));
    let long_name = format!("{}test", "a.".repeat(126));
    for domain in ["a..test", ".test", "enforced.test..", &long_label, &long_name] {
        let program = Program::new(&lab);
        for told in [program.route(domain), program.delivery(domain, "mx1.enforced.test")] {
            assert_eq!(
                (told.exit, told.get("verdict"), told.get("tls")),
                (0, "deliver", "opportunistic"),
                "{domain}"
            );
            assert_eq!(told.get("reason"), "no-dns-name", "{}", told.line);
        }
        assert_eq!(lab.questions() + lab.visits().len(), 0, "{domain}");
    }
    for domain in [".", "..", "-a.test"] {
        refused_domain(&lab, domain.as_ref());
    }
}

#[test]
fn what_is_no_textbook_host_name_is_asked_about_as_it_is() {
    let lab = Laboratory::start();
    for domain in [
        "foo_bar.test",
        "_x.test",
        "xn--a.test",
        "xn----5da7e.test",
        "xn--.test",
        "a-.test",
        "b.-a.test",
        "\u{2603}.test",
    ] {
        let program = Program::new(&lab);
        let before = lab.questions();
        for told in [program.route(domain), program.delivery(domain, domain)] {
            assert_eq!(
                (told.exit, told.get("verdict"), told.get("reason")),
                (0, "deliver", "no-policy"),
                "{domain}: {}",
                told.line
            );
        }
        assert!(lab.questions() > before, "{domain}");
    }
}

#[test]
fn an_empty_domain_or_host_is_a_bad_question() {
    let lab = Laboratory::start();
    refused_domain(&lab, "".as_ref());
    refused(&lab, &["-d".as_ref(), "enforced.test".as_ref(), "-m".as_ref(), "".as_ref()]);
}

#[test]
fn an_option_in_disguise_is_never_obeyed() {
    let lab = Laboratory::start();
    let file = lab.directory().join("target");
    for domain in
        ["-c", "--config", "--dns", "-D", "--help", "--version", "-", "--", "@file", "-mx.enforced.test"]
    {
        refused(&lab, &["-d".as_ref(), domain.as_ref(), "-m".as_ref(), "mx1.enforced.test".as_ref()]);
        refused(&lab, &["-d".as_ref(), "enforced.test".as_ref(), "-m".as_ref(), domain.as_ref()]);
    }
    let disguised = format!("-c{}", file.display());
    refused(&lab, &["-d".as_ref(), disguised.as_ref()]);
    assert!(!file.exists());
}

#[test]
fn a_word_too_many_is_a_bad_question() {
    let lab = Laboratory::start();
    let enforced = OsStr::new("enforced.test");
    assert_eq!(
        refused(&lab, &["-d".as_ref(), enforced, "mx1.enforced.test".as_ref()]).get("reason"),
        "usage"
    );
    assert_eq!(refused(&lab, &["-d".as_ref(), enforced, "--no-such-option".as_ref()]).get("reason"), "usage");
    assert_eq!(refused(&lab, &[]).get("reason"), "usage");
    // Whoever has a host is told no permitted ones, in an error no less than in an answer: `told` looks.
    assert_eq!(
        refused(&lab, &["-d", "a", "-m", "b", "--no-such-option"].map(OsStr::new)).get("reason"),
        "usage"
    );
}

#[test]
fn more_hosts_than_exim_would_ever_try_are_a_bad_question() {
    let lab = Laboratory::start();
    let many = |n: usize| {
        let hosts = (0..n).flat_map(|i| ["-m".into(), format!("mx{i}.enforced.test")]);
        ["-d".to_owned(), "enforced.test".to_owned()].into_iter().chain(hosts)
    };
    costs_no_more_than(Duration::from_millis(50), &lab, || {
        let told = Program::new(&lab).ask(many(10_000));
        assert_eq!((told.exit, lab.questions()), (64, 0), "{}", told.line);
    });
}

#[test]
fn the_same_host_twice_in_any_case_is_one_host() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).ask([
        "-d",
        "ENFORCED.test.",
        "-m",
        "mx1.enforced.test",
        "-m",
        "MX1.Enforced.TEST.",
    ]);
    assert_eq!(told.verdict(), ["deliver", "policy-met"], "{}", told.line);
}

#[test]
fn an_address_has_no_policy_and_needs_no_packet() {
    let lab = Laboratory::start();
    for literal in ["[192.0.2.1]", "192.0.2.1", "[IPv6:2001:db8::1]", "2001:db8::1", "0x7f.1", "127.1"] {
        let told = Program::new(&lab).delivery(literal, "mx1.enforced.test");
        assert_eq!(
            (told.exit, told.verdict()),
            (0, ["deliver", "address-literal"]),
            "{literal}: {}",
            told.line
        );
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn a_unicode_name_and_its_a_label_are_one_domain() {
    let lab = Laboratory::start();
    for (domain, host) in [
        ("b\u{fc}cher.test", "mx.b\u{fc}cher.test"),
        ("B\u{dc}CHER.test", "mx.xn--bcher-kva.test"),
        ("xn--bcher-kva.test", "mx.b\u{fc}cher.test"),
        ("b\u{fc}cher\u{3002}test", "mx.xn--bcher-kva.test"),
    ] {
        let told = Program::new(&lab).delivery(domain, host);
        assert_eq!(told.verdict(), ["deliver", "policy-met"], "{domain}: {}", told.line);
    }
}

#[test]
fn the_caller_s_word_about_the_record_changes_nothing() {
    let lab = Laboratory::start();
    let forged = "v=STS1; to=false; mx=*; a=dnssec; c=webpki; e=86400";
    for word in [
        &["-s", forged][..],
        &["-s", ""],
        &["-D"],
        &["-s", forged, "-D"],
        &["-s", "0"],
        &["-s", "-D"],
        &["-D=yes"],
    ] {
        let program = Program::new(&lab).with(word.iter().copied());
        let kept = program.delivery("enforced.test", "mx1.enforced.test");
        assert_eq!(kept.of(["auth", "reason"]), ["dnssec", "policy-met"], "{word:?}: {}", kept.line);
        let told = program.delivery("enforced.test", "mx.hosting.test");
        assert_eq!((told.get("verdict"), told.exit), ("refuse", 1), "{word:?}: {}", told.line);
        let unsigned = program.delivery("first.test", "mx.first.test");
        assert_eq!(unsigned.get("auth"), "first-use", "{word:?}: {}", unsigned.line);
    }
}

/// A file that such a variable names is a pipe that nobody writes to, or is not there: whoever reads it waits until the deadline, or finds
/// nothing. That the system's own resolver is asked nowhere, whose variables change names without a dot alone, a rule about the source holds.
#[test]
fn what_a_hostile_parent_sets_changes_nothing() {
    let lab = Laboratory::start();
    let arguments = ["-d", "webpki.test", "-m", "mx.webpki.test", "--deadline", "5"];
    let pipe = lab.directory().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let pipe = pipe.to_str().unwrap();
    for (variable, value) in [
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("SSL_CERT_FILE", pipe),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("https_proxy", "http://127.0.0.1:9"),
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("HOSTALIASES", pipe),
        ("LOCALDOMAIN", "attacker.test"),
        ("RES_OPTIONS", "ndots:15"),
        ("OPENSSL_CONF", pipe),
        ("HOME", "/nonexistent"),
        ("TMPDIR", "/nonexistent"),
        ("SQLITE_TMPDIR", "/nonexistent"),
        ("STATE_DIRECTORY", "/nonexistent"),
    ] {
        let model = Program::new(&lab).command(arguments);
        // Whoever opens the pipe before there is a deadline waits for ever.
        let mut command = Command::new("timeout");
        command.arg("30").arg(PROGRAM).args(model.get_args()).stdin(Stdio::null());
        let output = command.env(variable, value).output().unwrap();
        assert_ne!(output.status.code(), Some(124), "{variable}: it does not end");
        let told = told(output, false);
        assert_eq!(
            told.of(["verdict", "auth", "cache"]),
            ["deliver", "webpki", "stored"],
            "{variable}: {}",
            told.line
        );
    }
    let told = told(Program::new(&lab).command(arguments).env_clear().output().unwrap(), false);
    assert_eq!(told.of(["verdict", "auth"]), ["deliver", "webpki"], "no environment at all: {}", told.line);
}

#[test]
fn the_environment_brings_no_certification_authority_and_no_search_list() {
    let lab = Laboratory::start();
    let arguments = ["-d", "webpki.test", "-m", "mx.webpki.test"];
    assert_eq!(Program::new(&lab).ask(arguments).of(["verdict", "auth"]), ["deliver", "webpki"]);
    // Without its CA, nobody vouches for the policy; and the environment cannot name one.
    for (variable, place) in [
        ("NOTHING", lab.ca_file()),
        ("SSL_CERT_FILE", lab.ca_file()),
        ("SSL_CERT_DIR", lab.directory().to_owned()),
    ] {
        let program = Program::new(&lab).without("--ca-file");
        let told = told(program.command(arguments).env(variable, place).output().unwrap(), false);
        assert_eq!(told.of(["verdict", "auth"]), ["deliver", "first-use"], "{variable}: {}", told.line);
    }
    // A policy below the name that a search list would make of this one.
    let record = "\"v=STS1; to=true; mx=mx.attacker.test; a=dnssec; e=86400\"";
    lab.publish("_smtp_sts.none.test.enforced.test", "TXT", record);
    let program = Program::new(&lab);
    let command = &mut program.command(["-d", "none.test", "-m", "mx.none.test"]);
    let told = told(command.env("LOCALDOMAIN", "enforced.test").output().unwrap(), false);
    assert_eq!(told.verdict(), ["deliver", "no-policy"], "{}", told.line);
    assert_eq!(lab.questions_for("_smtp_sts.none.test.enforced.test", "TXT"), 0);
}

#[test]
fn the_environment_does_not_say_where_the_cache_is() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("cache"), "stored");
    let list = |options: &[&OsStr]| {
        let mut command = Command::new(PROGRAM);
        command.args(["cache", "list", "--config"]).arg(lab.empty_configuration()).args(lab.options());
        command.args(options).env("STATE_DIRECTORY", program.cache().parent().unwrap());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(list(&["-c".as_ref(), program.cache().as_ref()]).contains("enforced.test"));
    assert!(!list(&[]).contains("enforced.test"));
}

/// A3: what is longer is refused unread, and with it a name that would otherwise be none.
#[test]
fn an_argument_of_1024_octets_is_read_and_one_octet_more_is_not() {
    let lab = Laboratory::start();
    let read = |octets: usize| Program::new(&lab).route(&"a".repeat(octets)).line;
    // A label of more than 63 octets is a name that DNS cannot hold (RFC 1035 section 2.3.4): mail has no policy.
    assert!(read(1_024).contains(" reason=no-dns-name "), "{}", read(1_024));
    assert!(read(1_025).contains(" reason=bad-domain "), "{}", read(1_025));
    assert_eq!(lab.questions(), 0);
}

#[test]
fn sixty_four_hosts_are_judged_and_one_more_is_a_bad_question() {
    let lab = Laboratory::start();
    let asked = |hosts: usize| {
        let mut arguments = vec!["-d".to_owned(), "none.test".to_owned()];
        (0..hosts).for_each(|i| arguments.extend(["-m".to_owned(), format!("mx{i}.none.test")]));
        let told = Program::new(&lab).ask(arguments);
        (told.exit, told.get("reason").to_owned())
    };
    assert_eq!(asked(64), (0, "no-policy".to_owned()));
    lab.forget();
    assert_eq!(asked(65), (64, "usage".to_owned()));
    assert_eq!(lab.questions(), 0);
}

/// Whoever types nothing, `help` or a word that is no command hears how the program is used, and which word is near.
#[test]
fn what_is_no_command_is_told_how_the_program_is_used() {
    let run = |words: &[&str]| {
        let output = Command::new(PROGRAM).args(words).output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (status, out, complaint) = run(&[]);
    assert_eq!((status, out.as_str()), (64, ""));
    assert!(complaint.contains("Usage: smtp-sts-verify"), "{complaint}");
    let (status, out, complaint) = run(&["help"]);
    assert_eq!((status, complaint.as_str()), (0, ""));
    assert!(out.contains("Usage: smtp-sts-verify"), "{out}");
    assert_eq!(run(&["help", "cache", "list"]), run(&["cache", "list", "--help"]));
    for (words, meant) in [
        (&["exlpain", "example.org"][..], "did you mean explain?"),
        (&["docter"], "did you mean doctor?"),
        (&["cache", "histroy", "example.org"], "did you mean history?"),
        (&["doctor", "--quiett"], "did you mean --quiet?"),
        (&["example.org"], "did you mean explain, with this domain behind it?"),
        (&["xyzzy"], "lists the commands"),
    ] {
        let (status, out, complaint) = run(words);
        assert_eq!((status, out.as_str()), (64, ""), "{words:?}");
        assert!(complaint.contains(meant) && !complaint.contains("mail waits"), "{words:?}: {complaint}");
    }
    // What a mail server starts is answered, whatever is wrong with it.
    let (status, out, complaint) = run(&["-d", "a.test", "--no-such-option"]);
    assert!(status == 64 && out.contains("reason=usage") && complaint.is_empty(), "{out}");
    let (status, out, _) = run(&["probe", "--format", "nagios"]);
    assert!(status == 3 && out.contains("DOMAIN"), "what is missing is named: {out}");
}
