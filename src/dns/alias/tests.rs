use super::*;
use hickory_proto::rr::rdata::{CNAME, NULL, TXT};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 300, data)
}

/// RFC 6672 section 2.1: a DNAME renames what is below its owner, and neither the owner nor what stands beside it.
#[test]
fn only_a_dname_above_the_name_and_within_the_zone_renames_it() {
    let dname = |owner: &str| {
        let mut rdata = NULL::new();
        rdata.anything = vec![1, b'x', 0];
        record(owner, RData::Unknown { code: RecordType::DNAME, rdata })
    };
    let text = || record("test.", RData::TXT(TXT::new(vec!["test.".to_owned()])));
    let cname = || record("a.b.test.", RData::CNAME(CNAME(name("x."))));
    let offered = |answers: &[Record], zone: &str| offered(answers, &name("a.b.test."), &name(zone));
    assert_eq!(offered(&[dname("b.test."), cname()], "."), Some(Offered::Dname(name("b.test."))));
    assert_eq!(offered(&[dname("b.test."), dname("test.")], "."), Some(Offered::Dname(name("test."))));
    assert_eq!(offered(&[text(), cname()], "."), Some(Offered::Cname), "text above renames nothing");
    assert_eq!(offered(&[dname("a.b.test."), cname()], "."), Some(Offered::Cname), "at the name itself");
    assert_eq!(offered(&[dname("c.test."), cname()], "."), Some(Offered::Cname), "beside it");
    assert_eq!(offered(&[dname("test."), cname()], "b.test."), Some(Offered::Cname), "above the zone");
    let mut chaos = dname("b.test.");
    chaos.dns_class = DNSClass::CH;
    assert_eq!(offered(&[chaos, cname()], "."), Some(Offered::Cname), "of another class");
    assert_eq!(offered(&[text()], "."), None);
}
