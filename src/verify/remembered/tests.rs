use super::*;
use crate::dns::Blame;
use crate::verdict::LookupError;
use proptest::prelude::*;

fn host(text: &str) -> MxHost {
    MxHost::from_text(text).unwrap()
}

#[test]
fn what_is_remembered_reads_back_the_same() {
    let until = UnixTime(99);
    let record = Record::parse("v=STS1; to=true; mx=*.example.com; x=a b  c").unwrap();
    let found = |class| Discovery::Found(Candidate { record: record.clone(), class, valid_until: until });
    for (discovery, authentication) in [
        (Discovery::Absent(Absence::Nothing, Class::Insecure, until), None),
        (
            Discovery::Absent(Absence::Malformed("field 'e' is wrong: 'a b'".into()), Class::Secure, until),
            None,
        ),
        (found(Class::Secure), Some(Authentication::Dnssec)),
        (found(Class::Insecure), Some(Authentication::WebPki)),
        (found(Class::Insecure), None),
    ] {
        let finding = RememberedDiscovery { discovery, authentication, fetched_at: UnixTime(7) };
        let (line, believed) = finding.to_line().unwrap();
        assert_eq!(RememberedDiscovery::from_line(&line, believed), Some(finding), "{line}");
    }
    for mx in [
        MxFindings::Null,
        MxFindings::Hosts {
            names: vec![host("a.example"), host("b_1.example")],
            aliases: Some(Aliases { targets: vec![(host("t.test"), host("a.example"))], unseen: None }),
        },
        MxFindings::Hosts {
            names: vec![host("a.example")],
            aliases: Some(Aliases { targets: vec![], unseen: None }),
        },
        MxFindings::Hosts { names: vec![], aliases: None },
        MxFindings::Hosts { names: vec![host("aliases"), host("a.example")], aliases: None },
    ] {
        let has_aliases = matches!(mx, MxFindings::Hosts { aliases: Some(_), .. });
        let weakest = if has_aliases { Class::Insecure } else { Class::Secure };
        for (class, weakest) in [(Class::Secure, weakest), (Class::Insecure, Class::Insecure)] {
            let answer = MxAnswer { findings: mx.clone(), class, weakest, asked_at: UnixTime(7) };
            let line = answer.to_line().unwrap();
            assert_eq!(MxAnswer::from_line(&line), Some(answer), "{line}");
        }
    }
}

#[test]
fn a_line_that_was_tampered_with_does_not_exist() {
    for line in [
        "",
        "nothing",
        "nothing x secure",
        "nothing 1 bogus",
        "nothing 1 secure more",
        "record 1 secure",
        "record 1 secure dnssec x",
        "record 1 secure trusted v=STS1; to=true",
    ] {
        assert_eq!(RememberedDiscovery::from_line(line, UnixTime(1)), None, "{line}");
    }
    for line in [
        "",
        "hosts",
        "hosts secure a.example",
        "hosts x secure a.example",
        "hosts 7 bogus a.example",
        "hosts 7 secure a..b",
        "null secure",
        "null 7 secure x",
        "null 7 secure aliases:",
        "hosts 7 secure a=b=c",
        "hosts 7 secure a.example aliases: a",
    ] {
        assert_eq!(MxAnswer::from_line(line), None, "{line}");
    }
    for line in [
        "",
        "hosts ",
        "hosts a.example",
        "hosts a.example=unknown",
        "hosts A.example=usable",
        "hosts a.example=usable ",
        "hosts a.example=usable  b.example=absent",
        "hosts a..b=usable",
        "hostsa.example=usable",
        "inapplicable",
        "inapplicable a\nb",
    ] {
        assert_eq!(dane_from_line(line), None, "{line:?}");
    }
}

#[test]
fn while_one_host_is_unknown_nothing_is_remembered_of_any() {
    let trouble = LookupError::Bogus(Blame::Domain, "forged".into());
    let hosts = vec![(host("a.test"), DaneHost::Usable), (host("b.test"), DaneHost::Unknown(trouble))];
    assert_eq!(dane_to_line(&DaneFindings::Hosts(hosts)), None);
}

proptest! {
    #[test]
    fn no_line_panics(line in "(nothing|record|malformed|hosts|null|inapplicable)? ?\\PC{0,60}") {
        let _ = RememberedDiscovery::from_line(&line, UnixTime(1));
        let _ = MxAnswer::from_line(&line);
        if let Some(dane) = dane_from_line(&line) {
            prop_assert_eq!(dane_to_line(&dane), Some(line));
        }
    }

    #[test]
    fn what_dane_says_reads_back_the_same(
        hosts in proptest::collection::vec(("[a-z0-9]{1,9}(_[a-z]{1,3})?\\.test", 0..DANE_HOSTS.len()), 0..12),
        why in "[ -~]{0,80}",
    ) {
        let hosts = hosts.iter().map(|(name, at)| (host(name), DANE_HOSTS[*at].0.clone())).collect();
        for dane in [DaneFindings::Hosts(hosts), DaneFindings::Inapplicable(why)] {
            let line = dane_to_line(&dane).unwrap();
            prop_assert_eq!(dane_from_line(&line), Some(dane), "{}", line);
        }
    }
}
