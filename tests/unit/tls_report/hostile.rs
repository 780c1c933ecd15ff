//! What a hostile file comes to: a bound, and no more memory or time than a report may take.

use super::sample;
use flate2::{Compress, Compression, Crc, FlushCompress};
use smtp_sts_verify::limits::{MAX_REPORT_LAYERS, MAX_REPORT_VALUES};
use smtp_sts_verify::tls_report::Unreadable;
use smtp_sts_verify::tls_report::open::open;

/// A gzip of one member.
fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut stream = Compress::new(Compression::fast(), false);
    let mut deflated = Vec::with_capacity(octets.len() + 1_000);
    stream.compress_vec(octets, &mut deflated, FlushCompress::Finish).unwrap();
    packed.extend(deflated);
    let mut crc = Crc::new();
    crc.update(octets);
    packed.extend(crc.sum().to_le_bytes());
    packed.extend(u32::try_from(octets.len()).unwrap().to_le_bytes());
    packed
}

/// A zip of stored files (APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16).
fn zip(files: &[&[u8]]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    for octets in files {
        let mut crc = Crc::new();
        crc.update(octets);
        let size = u32::try_from(octets.len()).unwrap().to_le_bytes();
        let offset = u32::try_from(archive.len()).unwrap().to_le_bytes();
        // Version, flags, method (stored), time and date, CRC, both sizes, the lengths of name and extra field.
        let common =
            [&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0], &crc.sum().to_le_bytes()[..], &size, &size, &[1, 0, 0, 0]]
                .concat();
        archive.extend([b"PK\x03\x04", common.as_slice(), b"x", octets].concat());
        directory.extend([b"PK\x01\x02\x0a\x00", common.as_slice(), &[0; 10], &offset, b"x"].concat());
    }
    let place = u32::try_from(archive.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06", &[0; 4][..], &count, &count, &size, &place, &[0, 0]].concat();
    [archive, directory, end].concat()
}

fn trouble(octets: &[u8]) -> Unreadable {
    let opened = open(octets, None);
    assert_eq!((opened.reports.len(), opened.troubles.len()), (0, 1), "{:?}", opened.troubles);
    opened.troubles.into_iter().next().unwrap()
}

#[test]
fn a_bomb_ends_at_its_bound() {
    let report = sample("whole.json");
    let most = [report.as_slice(), &vec![b' '; 20_000_000 - report.len()]].concat();
    assert_eq!((open(&most, None).reports.len(), open(&gzip(&most), None).reports.len()), (1, 1));
    let blanks = vec![b' '; 20_000_001];
    let bomb = gzip(&blanks);
    assert!(bomb.len() < 100_000);
    assert_eq!(trouble(&bomb), Unreadable::TooManyOctets);
    assert_eq!(trouble(&blanks), Unreadable::TooManyOctets);
    // What is allowed at once is not allowed in two parts.
    let half = gzip(&blanks[..10_000_001]);
    assert_eq!(trouble(&zip(&[&half, &half])), Unreadable::TooManyOctets);
    assert_eq!(trouble(&[half.as_slice(), &half].concat()), Unreadable::TooManyOctets);
    // In a mail that does not even say that it has a report.
    let mail = format!(
        "From: a@b.test\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n{}",
        data_encoding::BASE64.encode(&bomb)
    );
    assert_eq!(trouble(mail.as_bytes()), Unreadable::TooManyOctets);
}

#[test]
fn what_is_packed_too_often_is_not_unpacked() {
    let mut packed = sample("whole.json");
    for layer in 1..=MAX_REPORT_LAYERS + 1 {
        packed = gzip(&packed);
        assert_eq!(open(&packed, None).reports.len(), usize::from(layer < MAX_REPORT_LAYERS), "{layer}");
    }
    assert_eq!(trouble(&packed), Unreadable::TooManyLayers);
    let report = sample("whole.json");
    let members = |count: usize| {
        [gzip(&report)].into_iter().chain(vec![gzip(b" "); count - 1]).collect::<Vec<_>>().concat()
    };
    assert_eq!(open(&members(16), None).reports.len(), 1);
    assert_eq!(trouble(&members(17)), Unreadable::TooManyMembers);
    let files = |count: usize| zip(&[vec![&b"{}"[..]; count - 1], vec![report.as_slice()]].concat());
    assert_eq!(open(&files(16), None).reports.len(), 1);
    assert_eq!(trouble(&files(17)), Unreadable::TooManyFiles);
}

#[test]
fn a_mail_of_countless_parts_levels_or_fields_is_refused() {
    let head = "From: a@b.test\nTLS-Report-Domain: b.test\n";
    let parts =
        |count| format!("{head}Content-Type: multipart/report; boundary=x\n\n{}", "--x\n\na\n".repeat(count));
    assert_eq!(trouble(parts(100).as_bytes()), Unreadable::NoReport);
    assert_eq!(trouble(parts(101).as_bytes()), Unreadable::TooManyParts);
    let many = format!("{head}Content-Type: multipart/report; boundary=x\n\n{}", "--x\n".repeat(1_000_000));
    assert_eq!(trouble(many.as_bytes()), Unreadable::TooManyParts);
    let within = format!("{head}{}", "Content-Type: message/rfc822\n\n".repeat(100_000));
    assert_eq!(trouble(within.as_bytes()), Unreadable::TooManyLayers);
    let level = |n: usize| format!("Content-Type: multipart/mixed; boundary=x{n}\n\n--x{n}\n");
    let levels: String = (0..10_000).map(level).collect();
    assert_eq!(trouble(format!("{head}{levels}").as_bytes()), Unreadable::TooManyLayers);
    // The empty line at its end is one of its octets.
    let fields = |octets: usize| format!("{head}{}:\n\nx", "a".repeat(octets - head.len() - 3));
    assert_eq!(trouble(fields(262_144).as_bytes()), Unreadable::NoReport);
    assert_eq!(trouble(fields(262_145).as_bytes()), Unreadable::HeaderTooLong);
    let long = |octets: usize| format!("{head}\n{}", "x".repeat(octets - head.len() - 1));
    assert_eq!(trouble(long(15_000_000).as_bytes()), Unreadable::NoReport);
    assert_eq!(trouble(long(15_000_001).as_bytes()), Unreadable::MailTooLong);
}

#[test]
fn json_of_countless_values_is_refused() {
    let wide = format!("{{\"policies\":[{}0]}}", "{\"\":0},".repeat(MAX_REPORT_VALUES));
    assert_eq!(trouble(wide.as_bytes()), Unreadable::TooManyValues);
    let deep = format!("{{\"policies\":{}", "[".repeat(1_000_000));
    assert!(matches!(trouble(deep.as_bytes()), Unreadable::NotJson { .. }));
    let long = format!("{{\"policies\":[],\"report-id\":\"{}\"}}", "\u{1b}".repeat(1_000_000));
    crate::targets::tls_report(long.replace('\u{1b}', "\\u001b").as_bytes());
}
