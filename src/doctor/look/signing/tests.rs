use super::*;
use std::net::{Shutdown, SocketAddr};

#[test]
fn what_the_transport_says_of_dkim_is_taken_over_letter_by_letter() {
    let options = [
        ("dkim_domain", "${domain:tls-reports@example.org}"),
        ("dkim_private_key", "${if exists{/k}{/k}{\\N\"\\N}}\nx"),
        ("dkim_identity", ""),
        ("hosts_avoid_tls", "*"),
        ("event_action", "${run{/bin/false}}"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let text = configuration(Path::new("/x"), 2_525, &Driver { name: "smtp_sts_reports".into(), options });
    assert!(text.contains("\n  dkim_domain = \"${domain:tls-reports@example.org}\"\n"), "{text}");
    assert!(text.contains(r#"dkim_private_key = "${if exists{/k}{/k}{\\N\"\\N}}\nx""#), "{text}");
    assert!(!text.contains("dkim_identity") && !text.contains("event_action") && !text.contains("avoid"));
    assert!(text.contains("  port = 2525\n") && text.contains("\nspool_directory = /x\n"));
}

/// A host that listens, and where.
fn listening() -> (TcpListener, SocketAddr) {
    let sink = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    sink.set_nonblocking(true).unwrap();
    let address = sink.local_addr().unwrap();
    (sink, address)
}

const WHOLE: &[u8] = b"EHLO x\r\nMAIL FROM:<>\r\nDATA\r\nA: b\r\n\r\n..c\r\n.\r\nQUIT\r\n";

#[test]
fn a_message_comes_in_whole_and_whoever_says_nothing_or_too_much_is_left() {
    let (sink, address) = listening();
    let heard = |octets: Vec<u8>| {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut client = TcpStream::connect(address).unwrap();
                // Who is left alone may find the connection gone.
                let _ = client.write_all(&octets).and_then(|()| client.shutdown(Shutdown::Write));
                let _ = client.read_to_end(&mut Vec::new());
                is_over.store(true, Ordering::Release);
            });
            received(&sink, "A: b", &is_over, Instant::now() + Duration::from_secs(60))
        })
    };
    assert_eq!(heard(WHOLE.to_vec()).as_deref(), Some("A: b\r\n\r\n.c\r\n"));
    assert_eq!(heard(b"DATA\r\nA: x\r\n\r\nsomebody else's\r\n.\r\n".to_vec()), None);
    assert_eq!(heard(Vec::new()), None);
    assert_eq!(heard(b"DATA\r\nA: b\r\n".to_vec()), None);
    let (start, end) = (b"DATA\r\nA: b\r\n\r\n", b"\r\n.\r\n");
    let long = |octets: usize| [&start[..], &vec![b'x'; octets - start.len() - end.len()], end].concat();
    assert!(heard(long(65_536)).is_some());
    assert_eq!(heard(long(65_537)), None);
}

#[test]
fn sixty_four_are_heard_side_by_side_and_the_oldest_makes_room_for_the_next() {
    let (sink, address) = listening();
    let (is_over, until) = (AtomicBool::new(false), Instant::now() + Duration::from_secs(60));
    thread::scope(|scope| {
        let host = scope.spawn(|| received(&sink, "A: b", &is_over, until));
        let mut clients: Vec<TcpStream> = Vec::new();
        let greeted = |clients: &mut Vec<TcpStream>| {
            let mut client = TcpStream::connect(address).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            assert!(client.read(&mut [0; 64]).unwrap() > 0);
            clients.push(client);
        };
        (0..64).for_each(|_| greeted(&mut clients));
        // The answer comes after a look at who is too many.
        let answered = |client: &mut TcpStream| {
            client.write_all(b"EHLO x\r\n").unwrap();
            client.read(&mut [0; 64]).unwrap_or(0) > 0
        };
        assert!(answered(&mut clients[0]), "there is room for all of them");
        greeted(&mut clients);
        assert!(answered(&mut clients[64]) && answered(&mut clients[1]));
        assert_eq!(clients[0].read(&mut [0; 64]).ok(), Some(0), "it has made room");
        is_over.store(true, Ordering::Release);
        assert_eq!(host.join().unwrap(), None);
    });
}

#[test]
fn whoever_comes_first_and_keeps_silent_keeps_no_message_out() {
    let (sink, address) = listening();
    let mut silent: Vec<TcpStream> =
        (0..MAX_TEST_MESSAGE_CLIENTS + 8).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in &mut silent {
        client.write_all(b"EHLO").unwrap();
    }
    let (is_over, until) = (AtomicBool::new(false), Instant::now() + Duration::from_secs(60));
    thread::scope(|scope| {
        let host = scope.spawn(|| received(&sink, "A: b", &is_over, until));
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(WHOLE).unwrap();
        assert_eq!(host.join().unwrap().as_deref(), Some("A: b\r\n\r\n.c\r\n"));
    });
    assert!(Instant::now() < until);
}

#[test]
fn whoever_says_an_octet_now_and_then_is_left_when_it_is_over() {
    let (sink, address) = listening();
    let heard = |is_over: &AtomicBool, until: Instant| {
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut client = TcpStream::connect(address).unwrap();
            let (mut drips, is_done) = (client.try_clone().unwrap(), &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Acquire) && drips.write_all(b"x").is_ok() {
                    thread::sleep(PAUSE);
                }
            });
            let mut greeting = [0; 3];
            let host = scope.spawn(|| received(&sink, "A: b", is_over, until));
            client.read_exact(&mut greeting).unwrap();
            is_over.fetch_or(until > Instant::now() + Duration::from_secs(30), Ordering::AcqRel);
            let got = host.join().unwrap();
            is_done.store(true, Ordering::Release);
            (greeting, got)
        })
    };
    let began = Instant::now();
    // At its deadline, and when Exim has ended before.
    for until in [began + Duration::from_secs(1), began + Duration::from_secs(3_600)] {
        assert_eq!(heard(&AtomicBool::new(false), until), (*b"220", None));
    }
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_lies_there_is_exims_groups_and_nobody_elses_and_gone_afterwards() {
    let scratch = Scratch::new(None).unwrap();
    let (place, mode) =
        (scratch.place.clone(), |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777);
    assert_eq!((mode(&place), mode(&scratch.spool())), (0o750, 0o700));
    let file = place.join("configuration");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    Scratch::give(&file, 0o640, None).unwrap();
    assert_eq!(mode(&file), 0o640);
    drop(scratch);
    assert!(!place.exists());
}
