//! The laboratory can be believed: it counts what it is asked, and it misbehaves only when it is told to.
//! That its signatures and denials are right is shown by everything that validates them (`tests/program/verify`).

use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::world::{name, rtype};
use crate::support::laboratory::{Laboratory, path};
use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, crypto};

fn request(owner: &str, kind: &str) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(name(owner), rtype(kind)));
    let mut edns = Edns::new();
    edns.set_max_payload(1_232).set_dnssec_ok(true);
    message.set_edns(edns);
    message
}

/// One question over UDP; `None` if nothing came back within `patience`.
fn over_udp(lab: &Laboratory, owner: &str, kind: &str, patience: Duration) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(&request(owner, kind).to_vec().unwrap(), lab.dns()).unwrap();
    let mut buffer = [0; 4_096];
    let (length, _) = socket.recv_from(&mut buffer).ok()?;
    Some(Message::from_vec(&buffer[..length]).unwrap())
}

fn asked(lab: &Laboratory, owner: &str, kind: &str) -> Message {
    over_udp(lab, owner, kind, Duration::from_secs(5)).unwrap()
}

fn types(message: &Message) -> Vec<RecordType> {
    message.answers.iter().map(Record::record_type).collect()
}

#[test]
fn every_question_is_counted_by_name_and_type() {
    let lab = Laboratory::start();
    asked(&lab, "_smtp_sts.ENFORCED.test", "TXT");
    asked(&lab, "enforced.test", "MX");
    assert_eq!((lab.questions(), lab.questions_for("_smtp_sts.enforced.test", "TXT")), (2, 1));
    lab.forget();
    assert_eq!(lab.questions(), 0);
}

#[test]
fn signatures_come_with_the_answer_and_denials_with_the_absence() {
    let lab = Laboratory::start();
    assert_eq!(types(&asked(&lab, "enforced.test", "DS")), [RecordType::DS, RecordType::RRSIG]);
    assert_eq!(types(&asked(&lab, "first.test", "MX")), [RecordType::MX]);
    let absent = asked(&lab, "_smtp_sts.none.test", "TXT");
    assert_eq!(absent.metadata.response_code, ResponseCode::NXDomain);
    assert!(absent.authorities.iter().any(|record| record.record_type() == RecordType::NSEC));
}

#[test]
fn what_does_not_fit_a_datagram_comes_over_tcp() {
    let lab = Laboratory::start();
    for filler in ["a", "b", "c", "d", "e", "f"] {
        lab.publish("long.test", "TXT", &format!("\"{}\"", filler.repeat(250)));
    }
    assert!(asked(&lab, "long.test", "TXT").metadata.truncation);
    let mut stream = TcpStream::connect(lab.dns()).unwrap();
    let octets = request("long.test", "TXT").to_vec().unwrap();
    stream.write_all(&[&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(Message::from_vec(&reply).unwrap().answers.len(), 7);
}

#[test]
fn it_is_silent_or_fails_only_where_it_was_told_to() {
    let lab = Laboratory::start();
    lab.behave(Scope::question("enforced.test", "MX"), Manner::Servfail);
    lab.behave(Scope::name("none.test"), Manner::Silent);
    assert_eq!(asked(&lab, "enforced.test", "MX").metadata.response_code, ResponseCode::ServFail);
    assert_eq!(asked(&lab, "enforced.test", "SOA").metadata.response_code, ResponseCode::NoError);
    assert!(over_udp(&lab, "none.test", "MX", Duration::from_millis(50)).is_none());
    assert!(over_udp(&lab, "mx.silent.test", "A", Duration::from_millis(50)).is_none());
    lab.behave_well();
    assert_eq!(types(&asked(&lab, "none.test", "MX")), [RecordType::MX, RecordType::RRSIG]);
}

#[test]
fn a_changed_record_is_served_at_once() {
    let lab = Laboratory::start();
    lab.replace("enforced.test", "MX", "10 new.enforced.test.");
    assert_eq!(types(&asked(&lab, "enforced.test", "MX")), [RecordType::MX, RecordType::RRSIG]);
    lab.withdraw("_smtp_sts.enforced.test", "TXT");
    assert_eq!(asked(&lab, "_smtp_sts.enforced.test", "TXT").metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn a_tlsa_record_is_signed_and_its_absence_is_proven_like_any_other() {
    let lab = Laboratory::start();
    let signed = asked(&lab, "_25._tcp.mx1.dane.test", "TLSA");
    assert_eq!(types(&signed), [RecordType::TLSA, RecordType::RRSIG]);
    let shared = asked(&lab, "_25._tcp.mx.dane-shared.test", "TLSA");
    assert!(types(&shared).contains(&RecordType::CNAME) && types(&shared).contains(&RecordType::TLSA));
    let absent = asked(&lab, "_25._tcp.mx2.dane-mixed.test", "TLSA");
    assert_eq!(absent.metadata.response_code, ResponseCode::NXDomain);
    assert!(absent.authorities.iter().any(|record| record.record_type() == RecordType::NSEC));
}

#[test]
fn trouble_at_the_name_of_a_tlsa_record_is_no_trouble_at_the_name_of_its_host() {
    let lab = Laboratory::start();
    let failing = asked(&lab, "_25._tcp.mx.dane-failing.test", "TLSA");
    assert_eq!(failing.metadata.response_code, ResponseCode::ServFail);
    for name in ["mx.dane-failing.test", "mx.dane-bogus.test"] {
        assert_eq!(types(&asked(&lab, name, "A")), [RecordType::A, RecordType::RRSIG], "{name}");
    }
}

/// What the program's own fetch brings from `host`, and how it fails.
fn fetched(lab: &Laboratory, host: &str) -> Result<String, String> {
    path::fetch(lab, &format!("https://{host}/.well-known/mta-sts.txt")).map_err(|error| error.to_string())
}

#[test]
fn a_policy_host_serves_the_policy_of_its_domain_under_the_one_path() {
    let lab = Laboratory::start();
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: *.sts.test\r\nmax_age: 604800\r\n";
    assert_eq!(fetched(&lab, "mta-sts.sts.test").as_deref(), Ok(policy));
    assert!(path::fetch(&lab, "https://mta-sts.sts.test/mta-sts.txt").is_err());
    assert_eq!(lab.fetches_of("sts.test"), 1, "{:?}", lab.visits());
    lab.serve_policy("sts.test", "version: STSv1 | mode: none | max_age: 86400");
    let changed = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n";
    assert_eq!(fetched(&lab, "mta-sts.sts.test").as_deref(), Ok(changed));
}

#[test]
fn a_policy_host_fails_in_the_way_that_it_was_told_to() {
    let lab = Laboratory::start();
    for (domain, word) in [
        ("sts-nohost.test", "address"),
        ("sts-missing.test", "404"),
        ("sts-redirect.test", "301"),
        ("sts-html.test", "text/html"),
        ("sts-big.test", "65536"),
        ("sts-badcert.test", "certificate"),
    ] {
        let error = fetched(&lab, &format!("mta-sts.{domain}")).unwrap_err();
        assert!(error.contains(word), "{domain}: {error}");
    }
}

/// Whether the laboratory's CA vouches for the mail host at `address` under `name`; an error says why not.
fn shown(lab: &Laboratory, address: (&str, u16), name: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&fs::read(lab.ca_file()).unwrap()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut stream = BufReader::new(TcpStream::connect(address).map_err(|error| error.to_string())?);
    // Somebody else's server may have the port by now, and speak otherwise.
    let reply = |stream: &mut BufReader<TcpStream>, command: &str| {
        stream.get_mut().write_all(command.as_bytes()).map_err(|error| error.to_string())?;
        let mut line = String::new();
        while line.len() < 4 || line.as_bytes()[3] == b'-' {
            line.clear();
            if stream.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
                return Err("it ends the connection".to_owned());
            }
        }
        Ok(line)
    };
    reply(&mut stream, "")?;
    let offer = reply(&mut stream, "EHLO test\r\n")?;
    let answer = reply(&mut stream, "STARTTLS\r\n")?;
    if !answer.starts_with("220 ") {
        return Err(format!("{offer}{answer}"));
    }
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), server).unwrap();
    while client.is_handshaking() {
        client.complete_io(stream.get_mut()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[test]
fn a_mail_host_shows_at_each_address_what_the_world_says() {
    let lab = Laboratory::start();
    let port = lab.open_mail_hosts().port();
    assert!(shown(&lab, ("127.0.0.1", port), "mx.none.test").is_err(), "closed with its value");
    let hosts = lab.open_mail_hosts();
    let at = |address, name| shown(&lab, (address, hosts.port()), name);
    assert_eq!(at("127.0.0.1", "mx.none.test"), Ok(()));
    assert_eq!(at("127.0.1.1", "mx.good-sts.test"), Ok(()));
    for (address, word) in [
        ("127.0.1.2", "UnknownIssuer"),
        ("127.0.1.3", "UnknownIssuer"),
        ("127.0.1.4", "expired"),
        ("127.0.1.5", "not valid for name"),
        ("127.0.1.6", "250 SIZE"),
        ("127.0.1.99", "refused"),
    ] {
        let error = at(address, "mx.one.test").unwrap_err();
        assert!(error.contains(word), "{address}: {error}");
    }
    // The TLSA records hold for the port that was opened as for port 25.
    for port in [25, hosts.port()] {
        let answer = asked(&lab, &format!("_{port}._tcp.mx.good-dane.test"), "TLSA").answers.remove(0);
        assert_eq!(answer.data.to_string().to_lowercase(), hosts.tlsa());
    }
}

#[test]
fn the_stripping_name_server_has_the_records_and_no_signature() {
    let lab = Laboratory::start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut buffer = [0; 4_096];
    for (owner, kind) in [("enforced.test", "MX"), (".", "DNSKEY")] {
        socket.send_to(&request(owner, kind).to_vec().unwrap(), lab.stripped_dns()).unwrap();
        let length = socket.recv(&mut buffer).unwrap();
        let message = Message::from_vec(&buffer[..length]).unwrap();
        let found = types(&message);
        assert!(!found.is_empty() && !found.contains(&RecordType::RRSIG), "{owner} {kind}: {found:?}");
    }
    assert_eq!(types(&asked(&lab, "enforced.test", "MX"))[2..], [RecordType::RRSIG]);
}
