//! Texts that strangers publish never leave their place in the answer.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::program::Program;
use hickory_proto::rr::rdata::{CNAME, MX, TXT};
use hickory_proto::rr::{Name, RData};
use serde_json::Value;

/// What would do harm in a header, a shell, Exim's expansion, a terminal, JSON or SQL.
const HOSTILE: [&str; 12] = [
    "x\r\nSubject: forged\r\n\r\nbody",
    "${run{/bin/id}}",
    "verdict=deliver reason=policy-met",
    "\u{1b}]52;c;AAAA\u{7}\u{1b}[2J",
    "\u{202e}txt.exe\u{2066}",
    "\",\"verdict\":\"deliver\",\"x\":\"",
    "'; drop table sts_cache; --",
    "`id` $(id) $HOME \\x41",
    "%n%s\u{0}after",
    "^(.*)$",
    "{\\N^.*$\\N}",
    "\u{85}\u{2028}next line",
];

fn texts(record: &str) -> Vec<RData> {
    let fields = [
        format!("v=STS1; to={record}; mx=*; a=dnssec; e=86400"),
        format!("v=STS1; to=true; mx={record}; a=dnssec; e=86400"),
        format!("v=STS1; to=true; mx=mx.plain.test; a={record}; e=86400"),
        format!("v=STS1; to=true; mx=mx.plain.test; a=webpki:https://plain.test/{record}; e=86400"),
        format!("v=STS1; to=true; mx=mx.plain.test; a=dnssec; e={record}"),
        format!("v=STS1; to=true; mx=mx.plain.test; a=dnssec; rua={record}; {record}={record}"),
        record.to_owned(),
    ];
    fields.map(|field| RData::TXT(TXT::from_bytes(field.as_bytes().chunks(255).collect()))).to_vec()
}

/// A host whose labels are the hostile text.
fn host(text: &str) -> Name {
    let label: Vec<u8> = text.bytes().take(60).collect();
    Name::from_labels([label.as_slice(), b"plain", b"test"]).unwrap()
}

fn asked_in_every_format(lab: &Laboratory) {
    let program = Program::new(lab);
    // The shape of Exim's line is checked wherever it is read.
    program.route("plain.test");
    let json = Program::new(lab).with_cache_of(&program).with(["--format", "json"]).run(["-d", "plain.test"]);
    let object: Value = serde_json::from_slice(&json.stdout).expect("one object");
    assert_eq!(object["verdict"], "deliver", "{object:#}");
    assert!(json.stdout.trim_ascii_end().iter().all(|b| (b' '..=b'~').contains(b)), "{object:#}");
    let human = Program::new(lab).with(["--format", "human", "-v"]).run(["-d", "plain.test"]);
    for text in [human.stdout, human.stderr] {
        let text = String::from_utf8(text).unwrap();
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text:?}");
        assert!(!text.contains("\nSubject:") && !text.contains("\nnext line"), "{text}");
    }
}

#[test]
fn a_record_that_holds_anything_stays_a_record() {
    let lab = Laboratory::start();
    for record in HOSTILE.into_iter().flat_map(texts) {
        lab.behave(Scope::question("_smtp_sts.plain.test", "TXT"), Manner::Forged(record));
        asked_in_every_format(&lab);
    }
}

#[test]
fn an_mx_or_alias_of_any_name_stays_a_name() {
    let lab = Laboratory::start();
    lab.publish("_smtp_sts.plain.test", "TXT", "\"v=STS1; to=true; mx=*.plain.test; a=dnssec; e=86400\"");
    for hostile in HOSTILE {
        lab.behave_well();
        lab.behave(
            Scope::question("plain.test", "MX"),
            Manner::Forged(RData::MX(MX::new(10, host(hostile)))),
        );
        asked_in_every_format(&lab);
        lab.behave_well();
        lab.behave(Scope::question("mx.plain.test", "A"), Manner::Forged(RData::CNAME(CNAME(host(hostile)))));
        let told = Program::new(&lab).delivery("plain.test", "mx.hosting.test");
        assert_eq!(told.get("verdict"), "deliver", "{}", told.line);
        let described =
            Program::new(&lab).with(["--format", "human", "-v"]).run(["-d", "plain.test", "-m", "a.test"]);
        assert!(described.stdout.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)));
    }
}
