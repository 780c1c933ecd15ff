use super::*;
use hickory_proto::rr::{Name, RecordType};
use nix::errno::Errno;

fn asked() -> OutgoingQuery {
    let name = Name::from_ascii("_smtp-sts.some-quite-long-domain.example.").unwrap();
    OutgoingQuery::new(&Question::new(&name, RecordType::HTTPS), Checking::Ours).unwrap()
}

/// The reply that echoes `question`: NOERROR without records.
fn reply(asked: &OutgoingQuery, question: &[u8]) -> Vec<u8> {
    let mut octets = vec![asked.octets[0], asked.octets[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
    octets.extend(question);
    octets
}

fn judge(asked: &OutgoingQuery, octets: Vec<u8>, transport: Transport) -> Judged {
    asked.judge(octets, transport, &Quota::default())
}

#[test]
fn the_question_leaves_with_do_cd_and_rd_and_a_random_case() {
    let asked = asked();
    let message = Message::from_vec(&asked.octets).unwrap();
    assert!(message.metadata.recursion_desired && message.metadata.checking_disabled);
    let edns = message.edns.as_ref().unwrap();
    assert!(edns.flags().dnssec_ok && edns.max_payload() == 1_232 && edns.version() == 0);
    let upper = |octets: &[u8]| octets.iter().filter(|octet| octet.is_ascii_uppercase()).count();
    assert!(upper(&asked.rolled) > 3 && upper(&asked.plain[..asked.plain.len() - 4]) == 0);
    assert!(asked.rolled.ends_with(&[0, 65, 0, 1]), "type 65 is no letter");
}

#[test]
fn only_the_reply_to_this_very_question_is_ours() {
    let asked = asked();
    let good = reply(&asked, &asked.rolled);
    let Judged::Reply(received) = judge(&asked, good.clone(), Transport::Udp) else { panic!("refused") };
    assert!(
        received.message.queries[0]
            .name()
            .eq_case(&Name::from_ascii("_smtp-sts.some-quite-long-domain.example.").unwrap())
    );
    let spoil = |at: usize, to: u8| {
        let mut octets = good.clone();
        octets[at] = to;
        octets
    };
    for (octets, what) in [
        (spoil(0, !good[0]), "another ID"),
        (spoil(2, 0x01), "a question"),
        (spoil(2, 0xa1), "another opcode"),
        (spoil(5, 0), "no question"),
        (spoil(5, 2), "two questions"),
        (spoil(14, b'?'), "another name"),
        (spoil(good.len() - 3, 97), "another type that is the same letter in lower case"),
        (good[..11].to_vec(), "half a header"),
        (good[..20].to_vec(), "half a question"),
    ] {
        assert!(
            matches!(judge(&asked, octets, Transport::Udp), Judged::Foreign),
            "{what} was taken for ours"
        );
    }
}

#[test]
fn what_udp_cannot_carry_is_asked_for_over_tcp() {
    let asked = asked();
    let truncated = {
        let mut octets = reply(&asked, &asked.rolled);
        octets[2] |= 2;
        octets
    };
    let garbled = {
        let mut octets = reply(&asked, &asked.rolled);
        octets[7] = 1;
        octets
    };
    for octets in [truncated.clone(), garbled.clone(), reply(&asked, &asked.plain)] {
        assert!(matches!(judge(&asked, octets, Transport::Udp), Judged::AskOverTcp));
    }
    for octets in [truncated, garbled] {
        assert!(matches!(judge(&asked, octets, Transport::Tcp), Judged::Complaint(_)));
    }
    assert!(matches!(judge(&asked, reply(&asked, &asked.plain), Transport::Tcp), Judged::Reply(_)));
}

#[test]
fn refusals_say_whether_they_will_last_and_with_which_code_they_came() {
    let asked = asked();
    for (rcode, lasting) in [(1, true), (2, false), (4, true), (5, false), (9, false)] {
        for with_question in [true, false] {
            let mut octets = reply(&asked, if with_question { &asked.rolled } else { &[] });
            (octets[3], octets[5]) = (0x80 | rcode, u8::from(with_question));
            let Judged::Complaint(complaint) = judge(&asked, octets, Transport::Udp) else {
                panic!("{rcode}")
            };
            assert_eq!(
                (complaint.outage, complaint.lasting, complaint.rcode.map(u16::from)),
                (Outage::NoAnswer, lasting, Some(rcode.into())),
                "{}",
                complaint.text
            );
        }
    }
}

#[test]
fn a_reply_beyond_the_budget_is_not_read() {
    let asked = asked();
    let mut octets = reply(&asked, &asked.rolled);
    octets[6] = 0xff; // 65,280 answers
    let Judged::Complaint(complaint) = judge(&asked, octets, Transport::Udp) else { panic!("read") };
    assert_eq!(complaint.outage, Outage::Budget);
}

/// draft-vixie-dnsext-dns0x20: a coin for each letter of the name; what stands behind it has no case.
#[test]
fn each_letter_has_the_case_of_its_own_coin() {
    let plain = b"\x0babcdefghijk\x03xyz\x00aaaa";
    for (coins, rolled) in [
        ([0b0000_0000, 0, 0], b"\x0babcdefghijk\x03xyz\x00aaaa"),
        ([0b0000_0010, 0, 0], b"\x0bAbcdefghijk\x03xyz\x00aaaa"),
        ([0b1000_0000, 0, 0], b"\x0babcdefGhijk\x03xyz\x00aaaa"),
        ([0, 0b0000_0001, 0], b"\x0babcdefgHijk\x03xyz\x00aaaa"),
        ([0, 0b1010_1000, 0], b"\x0babcdefghijK\x03XyZ\x00aaaa"),
        ([0xff, 0xff, 0xff], b"\x0bABCDEFGHIJK\x03XYZ\x00aaaa"),
    ] {
        assert_eq!(roll(plain, &coins), rolled, "{coins:?}");
    }
    assert_eq!(roll(plain, &[0xff]), b"\x0bABCDEFGhijk\x03xyz\x00aaaa", "no coin, no case");
}

/// The question's type and class are compared as they are: 0x6161 is another type than 0x4141.
#[test]
fn a_type_has_no_case() {
    let name = Name::from_ascii("a.example.").unwrap();
    let asked =
        OutgoingQuery::new(&Question::new(&name, RecordType::from(0x6161)), Checking::Theirs).unwrap();
    let echo = |at: usize, to: u8| {
        let mut question = asked.plain.clone();
        question[at] = to;
        judge(&asked, reply(&asked, &question), Transport::Tcp)
    };
    let end = asked.plain.len();
    assert!(matches!(echo(1, b'A'), Judged::Reply(_)));
    assert!(matches!(echo(end - 4, b'A'), Judged::Foreign));
    assert!(matches!(echo(end - 3, b'A'), Judged::Foreign));
    assert!(!Message::from_vec(&asked.octets).unwrap().metadata.checking_disabled);
}

#[test]
fn what_this_machine_lacks_is_no_servers_silence_over_either_transport() {
    let outage = |complaint: Complaint| (complaint.outage, complaint.lasting);
    for (errno, expected) in [
        (Errno::EMFILE, (Outage::OutOfResources, false)),
        (Errno::ENOBUFS, (Outage::OutOfResources, false)),
        (Errno::ECONNREFUSED, (Outage::NoAnswer, true)),
    ] {
        let error = || io::Error::from(errno);
        assert_eq!(outage(Complaint::of_socket(&error())), expected, "{errno}");
        // Over TCP whoever asks says what all other errors are.
        let over_tcp = Complaint::of_stream(NetError::from(error()), |_| Complaint::quota("others"));
        let others = if expected.0 == Outage::OutOfResources { expected } else { (Outage::Budget, false) };
        assert_eq!(outage(over_tcp), others, "{errno}");
    }
}
