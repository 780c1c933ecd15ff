//! DANE by the sections of RFC 7672, over a map of answers, without a socket.

use crate::support::made_up::{answer, silence};
use futures_util::FutureExt;
use hickory_proto::rr::rdata::{A, CNAME, NULL, TLSA, tlsa};
use hickory_proto::rr::{Name, RData, RecordType};
use smtp_sts_verify::dns::{Answer, Blame, Content, Outage, Outcome, Question, Resolve, ZoneStatus};
use smtp_sts_verify::limits::MAX_MX_HOSTS_LOOKED_AT;
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{DaneHost, LookupError};
use smtp_sts_verify::verify::dane::{Looked, look};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future;

const NOW: UnixTime = UnixTime(1_800_000_000);
const HOST: &str = "mx.d.test";
/// Where an alias of the host leads.
const END: &str = "end.other.test";
/// On the way there.
const MIDDLE: &str = "middle.other.test";

/// What the DNS says; a question that is not in the map is never answered.
#[derive(Default)]
struct World {
    answers: HashMap<(String, RecordType), Answer>,
    asked: RefCell<Vec<String>>,
    allowed: Cell<usize>,
}

impl World {
    /// The same answer for each of the names and types; the way to it leads over the aliases.
    fn with(mut self, name: &str, rtypes: &[RecordType], outcome: Outcome, aliases: &[&str]) -> Self {
        for rtype in rtypes {
            let question = Question::new(&dns(name), *rtype);
            let aliases = aliases.iter().map(|alias| dns(alias)).collect();
            let valid_until = outcome.content().map(|_| NOW.plus(100));
            let answer = Answer { aliases, ..answer(&question, outcome.clone(), valid_until) };
            self.answers.insert((name.to_owned(), *rtype), answer);
        }
        self
    }

    fn addresses(self, name: &str, outcome: Outcome, aliases: &[&str]) -> Self {
        self.with(name, &[RecordType::A, RecordType::AAAA], outcome, aliases)
    }

    fn tlsa(self, base: &str, outcome: Outcome) -> Self {
        self.with(&format!("_25._tcp.{base}"), &[RecordType::TLSA], outcome, &[])
    }

    /// What is learnt about one host; `None` if an answer is waited for that never comes.
    fn look(&self) -> Option<DaneHost> {
        let looked = look(self, &[host(HOST)], &[]).now_or_never()?;
        looked.hosts.into_iter().next().map(|(_, dane)| dane)
    }

    fn look_at(&self, names: &[MxHost], asked: &[MxHost]) -> Looked {
        look(self, names, asked).now_or_never().expect("maps need no time")
    }
}

impl Resolve for World {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for question in questions {
            self.asked.borrow_mut().push(question.to_string());
            let name = question.name().to_ascii();
            match self.answers.get(&(name.trim_end_matches('.').to_owned(), question.rtype())) {
                Some(answer) => answers.push(answer.clone()),
                None => future::pending().await,
            }
        }
        answers
    }

    fn allow_mx_hosts(&self, hosts: usize) {
        self.allowed.set(self.allowed.get() + hosts);
    }
}

fn dns(name: &str) -> Name {
    Name::from_ascii(format!("{name}.")).unwrap()
}

fn host(name: &str) -> MxHost {
    MxHost::from_text(name).unwrap()
}

fn address() -> Content {
    Content::Data(vec![RData::A(A::new(192, 0, 2, 1))])
}

fn record(usage: u8, selector: u8, matching: u8, octets: usize) -> RData {
    let (selector, matching) = (tlsa::Selector::from(selector), tlsa::Matching::from(matching));
    RData::TLSA(TLSA::new(usage.into(), selector, matching, vec![7; octets]))
}

/// A secure answer with these records.
fn records(records: &[RData]) -> Outcome {
    Outcome::Secure(Content::Data(records.to_vec()))
}

fn usable() -> Outcome {
    records(&[record(3, 1, 1, 32)])
}

fn unusable() -> Outcome {
    records(&[record(1, 1, 1, 32)])
}

fn insecure(content: Content) -> Outcome {
    Outcome::Insecure(content, "unsigned-delegation".into())
}

fn bogus() -> Outcome {
    Outcome::Bogus(Blame::Domain, "forged".into())
}

fn unknown(outcome: &Outcome) -> DaneHost {
    DaneHost::Unknown(LookupError::or_content(outcome).unwrap_err())
}

/// RFC 7672 section 2.2: the four actions; section 2.1.1 for what is an error and what is none.
#[test]
fn section_2_2_the_class_and_content_of_the_tlsa_answer_say_what_the_mail_needs() {
    for (answer, expected) in [
        (usable(), DaneHost::Usable),
        (unusable(), DaneHost::Unusable),
        (Outcome::Secure(Content::Nodata), DaneHost::Absent),
        (Outcome::Secure(Content::Nxdomain), DaneHost::Absent),
        (insecure(Content::Data(vec![record(3, 1, 1, 32)])), DaneHost::Absent),
        (insecure(Content::Nodata), DaneHost::Absent),
        (bogus(), unknown(&bogus())),
        (silence(ZoneStatus::Signed), unknown(&silence(ZoneStatus::Signed))),
        (silence(ZoneStatus::Unknown), unknown(&silence(ZoneStatus::Unknown))),
        (silence(ZoneStatus::ProvenInsecure), DaneHost::Absent),
    ] {
        let world = World::default().addresses(HOST, Outcome::Secure(address()), &[]);
        assert_eq!(world.tlsa(HOST, answer.clone()).look(), Some(expected), "{answer:?}");
    }
}

/// RFC 7672 section 3.1: one usable record is enough, and none of them is fatal.
#[test]
fn section_3_1_one_usable_record_makes_the_host_usable() {
    let mut truncated = NULL::new();
    truncated.anything = vec![3, 1];
    let truncated = RData::Unknown { code: RecordType::TLSA, rdata: truncated };
    for (found, expected) in [
        (vec![record(3, 1, 1, 32)], DaneHost::Usable),
        (vec![record(2, 0, 1, 32)], DaneHost::Usable),
        (vec![record(3, 0, 2, 64)], DaneHost::Usable),
        (vec![record(0, 0, 1, 32), truncated.clone(), record(3, 1, 1, 32)], DaneHost::Usable),
        (vec![record(0, 0, 1, 32), record(1, 1, 1, 32)], DaneHost::Unusable),
        (vec![record(3, 1, 1, 20)], DaneHost::Unusable),
        (vec![record(3, 1, 0, 64)], DaneHost::Unusable),
        (vec![record(3, 7, 1, 32), record(3, 1, 9, 32)], DaneHost::Unusable),
        (vec![truncated], DaneHost::Unusable),
    ] {
        let world = World::default().addresses(HOST, Outcome::Secure(address()), &[]);
        assert_eq!(world.tlsa(HOST, records(&found)).look(), Some(expected), "{found:?}");
    }
}

/// RFC 7672 section 2.2.2, third paragraph of its algorithm, and the name servers that drop TLSA questions.
#[test]
fn section_2_2_2_insecure_addresses_end_it_without_waiting_for_tlsa() {
    for addresses in [insecure(address()), insecure(Content::Nodata), silence(ZoneStatus::ProvenInsecure)] {
        let world = World::default().addresses(HOST, addresses.clone(), &[]);
        assert_eq!(world.look(), Some(DaneHost::Absent), "{addresses:?}");
    }
    let one_family_is_enough = World::default().with(HOST, &[RecordType::A], insecure(address()), &[]);
    assert_eq!(one_family_is_enough.look(), Some(DaneHost::Absent));
    let what_is_ignored = World::default().addresses(HOST, insecure(address()), &[]);
    assert_eq!(what_is_ignored.tlsa(HOST, usable()).look(), Some(DaneHost::Absent));
}

/// RFC 7672 section 2.1.2: who cannot be located is left alone.
#[test]
fn section_2_1_2_addresses_that_cannot_be_learnt_leave_the_host_unknown() {
    for addresses in [bogus(), silence(ZoneStatus::Signed), silence(ZoneStatus::Unknown)] {
        let world = World::default().addresses(HOST, addresses.clone(), &[]).tlsa(HOST, usable());
        assert_eq!(world.look(), Some(unknown(&addresses)));
    }
}

#[test]
fn one_family_that_is_secure_locates_the_records_whatever_becomes_of_the_other() {
    for other in [bogus(), silence(ZoneStatus::Signed), insecure(Content::Nodata)] {
        for (secure, open) in [(RecordType::A, RecordType::AAAA), (RecordType::AAAA, RecordType::A)] {
            let world = World::default()
                .with(HOST, &[secure], Outcome::Secure(address()), &[])
                .with(HOST, &[open], other.clone(), &[])
                .tlsa(HOST, usable());
            assert_eq!(world.look(), Some(DaneHost::Usable), "{other:?} for {open}");
        }
    }
}

/// RFC 7672 section 2.2.2 calls it unreachable; an address that is forged for the mail server must not reach it either.
#[test]
fn a_host_without_addresses_still_has_its_tlsa_records() {
    for absence in [Content::Nodata, Content::Nxdomain] {
        let world = World::default().addresses(HOST, Outcome::Secure(absence), &[]);
        assert_eq!(world.tlsa(HOST, usable()).look(), Some(DaneHost::Usable));
    }
}

/// RFC 7672 sections 2.2.2 and 2.2.3, "secure" at every stage: the expanded name, and failing that the original.
#[test]
fn section_2_2_3_a_secure_chain_of_aliases_prefers_its_end_and_never_looks_in_between() {
    let aliased = || World::default().addresses(HOST, Outcome::Secure(address()), &[MIDDLE, END]);
    let nothing = Outcome::Secure(Content::Nxdomain);
    for (at_end, at_host, expected) in [
        (usable(), nothing.clone(), DaneHost::Usable),
        (nothing.clone(), usable(), DaneHost::Usable),
        (insecure(Content::Data(vec![record(3, 1, 1, 32)])), usable(), DaneHost::Usable),
        (silence(ZoneStatus::ProvenInsecure), unusable(), DaneHost::Unusable),
        (nothing.clone(), nothing.clone(), DaneHost::Absent),
        (unusable(), usable(), DaneHost::Unusable),
        (usable(), bogus(), DaneHost::Usable),
        (bogus(), usable(), unknown(&bogus())),
        (nothing.clone(), bogus(), unknown(&bogus())),
        (silence(ZoneStatus::Signed), usable(), unknown(&silence(ZoneStatus::Signed))),
    ] {
        let world = aliased().tlsa(END, at_end.clone()).tlsa(HOST, at_host.clone());
        assert_eq!(world.look(), Some(expected), "{at_end:?} and {at_host:?}");
        assert!(!world.asked.borrow().iter().any(|question| question.contains(MIDDLE)));
    }
    let first_is_enough = aliased().tlsa(END, usable());
    assert_eq!(first_is_enough.look(), Some(DaneHost::Usable));
}

/// RFC 7672 section 2.2.2: the ultimate addresses are "insecure", the initial CNAME is asked for (section 2.1.3).
#[test]
fn section_2_2_2_an_alias_into_an_insecure_zone_counts_at_its_own_name_if_it_is_secure() {
    let alias = || Outcome::Secure(Content::Data(vec![RData::CNAME(CNAME(dns(END)))]));
    for addresses in [insecure(address()), silence(ZoneStatus::ProvenInsecure)] {
        let aliased = || World::default().addresses(HOST, addresses.clone(), &[END]);
        let cname = |outcome| aliased().with(HOST, &[RecordType::CNAME], outcome, &[]);
        assert_eq!(cname(alias()).tlsa(HOST, usable()).look(), Some(DaneHost::Usable));
        assert_eq!(cname(alias()).tlsa(HOST, bogus()).look(), Some(unknown(&bogus())));
        assert_eq!(cname(insecure(Content::Nodata)).look(), Some(DaneHost::Absent), "nobody waits");
        assert_eq!(cname(bogus()).tlsa(HOST, usable()).look(), Some(unknown(&bogus())));
        let secure = cname(alias()).tlsa(HOST, usable());
        assert_eq!(secure.look(), Some(DaneHost::Usable));
        assert!(!secure.asked.borrow().contains(&format!("_25._tcp.{END} TLSA")));
    }
}

#[test]
fn all_that_may_be_wanted_of_all_hosts_leaves_before_anything_is_waited_for() {
    let world = World::default();
    let hosts = ["a.test", "b.test"].map(host);
    assert_eq!(look(&world, &hosts, &[]).now_or_never(), None);
    let mut asked = world.asked.borrow().clone();
    asked.sort();
    let expected = [
        "_25._tcp.a.test TLSA",
        "_25._tcp.b.test TLSA",
        "a.test A",
        "a.test AAAA",
        "b.test A",
        "b.test AAAA",
    ];
    assert_eq!(asked, expected.map(|question| question.replacen(".test ", ".test. ", 1)));
    assert_eq!(world.allowed.get(), 2);
}

#[test]
fn of_too_many_hosts_those_asked_for_are_looked_at_and_the_rest_is_unknown() {
    let names: Vec<_> = (0..15).map(|n| host(&format!("mx{n}.d.test"))).collect();
    let mut world = World::default();
    for name in &names {
        world = world.addresses(name.as_str(), Outcome::Secure(address()), &[]).tlsa(name.as_str(), usable());
    }
    let looked = world.look_at(&names, &[names[14].clone(), host("stranger.test")]);
    let are_usable: Vec<_> = looked.hosts.iter().map(|(_, dane)| *dane == DaneHost::Usable).collect();
    assert_eq!(
        looked.hosts.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    assert!(are_usable[..9].iter().all(|usable| *usable) && are_usable[14], "{are_usable:?}");
    for (_, dane) in &looked.hosts[9..14] {
        assert!(
            matches!(dane, DaneHost::Unknown(LookupError::Unreachable(Outage::Budget, _, _))),
            "{dane:?}"
        );
    }
    assert_eq!(world.allowed.get(), MAX_MX_HOSTS_LOOKED_AT);
    assert!(looked.aliases.unseen.is_some() && looked.valid_until.is_none());
}

#[test]
fn what_was_learnt_is_told_with_its_aliases_its_evidence_and_its_end() {
    let mut world = World::default()
        .addresses(HOST, Outcome::Secure(address()), &[MIDDLE, END])
        .tlsa(END, Outcome::Secure(Content::Nxdomain))
        .tlsa(HOST, usable());
    let key = (format!("_25._tcp.{END}"), RecordType::TLSA);
    world.answers.get_mut(&key).unwrap().valid_until = Some(NOW.plus(7));
    let looked = world.look_at(&[host(HOST)], &[]);
    assert_eq!(looked.aliases.targets, [(host(MIDDLE), host(HOST)), (host(END), host(HOST))]);
    assert_eq!(looked.aliases.unseen, None);
    assert_eq!(looked.valid_until, Some(NOW.plus(7)));
    let evidence: Vec<_> = looked.answers.iter().map(|answer| answer.question.to_string()).collect();
    let expected = ["mx.d.test. A", "_25._tcp.end.other.test. TLSA", "_25._tcp.mx.d.test. TLSA"];
    assert_eq!(evidence, expected);
    let silent = World::default().addresses(HOST, silence(ZoneStatus::Signed), &[]);
    let looked = silent.look_at(&[host(HOST)], &[]);
    assert!(looked.aliases.unseen.is_some() && looked.valid_until.is_none());
    assert_eq!(looked.answers.len(), 2);
}
