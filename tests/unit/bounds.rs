//! What is just within a limit, and what is just beyond it, where no test of the room itself tells the two apart. The list of
//! all limits, and of the tests that try them, is in `limits`.

use smtp_sts_verify::dns::quota::Quota;
use smtp_sts_verify::dns::resolv_conf;
use smtp_sts_verify::https::{PolicyUrl, Roots};
use smtp_sts_verify::limits::*;
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::{mta_sts, smtp_sts, tls_rpt};
use std::fs;
use tempfile::TempDir;

/// A file of so many octets: this text, and blanks behind it.
fn file(directory: &TempDir, text: &str, octets: usize) -> std::path::PathBuf {
    let path = directory.path().join(format!("{octets}"));
    fs::write(&path, format!("{text}{}", " ".repeat(octets - text.len()))).unwrap();
    path
}

/// RFC 1035 section 2.3.4, with the root's octet and the lengths of the labels: 253 characters are left.
#[test]
fn labels_of_63_octets_and_names_of_253_are_names_and_no_longer_ones() {
    let label = |octets: usize| "a".repeat(octets);
    let name = |last: usize| [label(63), label(63), label(63), label(last)].join(".");
    for (text, is_name) in [
        (format!("{}.test", label(63)), true),
        (format!("{}.test", label(64)), false),
        (name(61), true),
        (format!("{}.", name(61)), true),
        (name(62), false),
    ] {
        assert_eq!(PolicyDomain::parse(&text).is_ok(), is_name, "{} octets", text.len());
        assert_eq!(
            MxHost::from_text(&text).is_ok_and(|host| host.to_string().len() <= 253),
            is_name,
            "{text}"
        );
    }
}

#[test]
fn a_txt_record_of_4096_octets_is_read_in_each_dialect_and_one_octet_more_is_not() {
    let long = |start: &str, octets: usize| format!("{start}{}", "y".repeat(octets - start.len()));
    let mta_sts = |octets| mta_sts::Record::parse(&long("v=STSv1; id=1; x=", octets)).is_ok();
    let smtp_sts = |octets| smtp_sts::Record::parse(&long("v=STS1; to=true; x=", octets)).is_ok();
    let rua = "v=TLSRPTv1; rua=mailto:a@example.org; x=";
    let tls_rpt = |octets| tls_rpt::Record::parse(&long(rua, octets)).is_ok();
    assert_eq!([mta_sts(MAX_TXT_OCTETS), smtp_sts(MAX_TXT_OCTETS), tls_rpt(MAX_TXT_OCTETS)], [true; 3]);
    let beyond = MAX_TXT_OCTETS + 1;
    assert_eq!([mta_sts(beyond), smtp_sts(beyond), tls_rpt(beyond)], [false; 3]);
}

#[test]
fn the_path_of_a_policys_address_has_1024_octets_and_no_more() {
    let with_path =
        |octets: usize| PolicyUrl::parse(&format!("https://example.com/{}", "a".repeat(octets - 1)));
    assert_eq!(with_path(MAX_URL_PATH_OCTETS).unwrap().path().len(), MAX_URL_PATH_OCTETS);
    assert!(with_path(MAX_URL_PATH_OCTETS + 1).is_err());
}

/// A file that is too long is an error, and not one that is cut in the middle of an address.
#[test]
fn resolv_conf_is_read_up_to_its_bound_and_not_at_all_beyond() {
    let directory = TempDir::new().unwrap();
    let text = "nameserver 192.0.2.53\n";
    let servers = resolv_conf::read(&file(&directory, text, MAX_RESOLV_CONF_OCTETS)).unwrap();
    assert_eq!(servers, ["192.0.2.53:53".parse().unwrap()]);
    let error = resolv_conf::read(&file(&directory, text, MAX_RESOLV_CONF_OCTETS + 1)).unwrap_err();
    assert!(error.to_string().contains("more than 65536 octets"), "{error}");
}

#[test]
fn a_file_of_authorities_is_read_up_to_its_bound_and_not_at_all_beyond() {
    let directory = TempDir::new().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["ca.test".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let identity = |octets| Roots::File(file(&directory, &certificate, octets)).identity();
    assert!(identity(MAX_CA_FILE_OCTETS).is_ok());
    let error = identity(MAX_CA_FILE_OCTETS + 1).unwrap_err().to_string();
    assert!(error.contains("is larger than 8388608 octets"), "{error}");
}

#[test]
fn the_last_octet_and_the_last_record_of_a_verdict_are_read_and_none_beyond() {
    let quota = Quota::default();
    let is_read = |octets, records| quota.take_reply(octets, records).is_ok();
    assert!(is_read(MAX_REPLY_OCTETS - 1, MAX_VERDICT_RECORDS - 1));
    assert!(is_read(1, 1));
    assert!(!is_read(1, 0) && !is_read(0, 1));
    // An MX host that is looked at brings records of its own, and no octets.
    quota.allow_mx_hosts(1);
    assert!(is_read(0, MAX_VERDICT_RECORDS_PER_MX_HOST));
    assert!(!is_read(0, 1) && !is_read(1, 0));
}
