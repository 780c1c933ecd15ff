//! How long an answer stands: whatever the world is like and whatever the clock does, what is kept at hand is what memory
//! would say at that moment; and what memory cannot say stands for seconds.

use super::scene::{about, about_host, world};
use futures_util::FutureExt as _;
use hickory_proto::rr::rdata::{MX, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use proptest::prelude::*;
use serde::Deserialize;
use smtp_sts_verify::cache::{
    CacheError, DomainSnapshot, Hearsay, InMemory, Memory as _, OwnLook, Policies, Write,
};
use smtp_sts_verify::config::{Asked, Rules};
use smtp_sts_verify::dns::{self, Content, Outage, Outcome, Resolve, ZoneStatus};
use smtp_sts_verify::https::{Fetch, FetchError, MediaType, PolicyUrl};
use smtp_sts_verify::overrides::Overrides;
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::answer::cache::Standing;
use smtp_sts_verify::serve::look_up::{Begun, LookUp};
use smtp_sts_verify::serve::protocol::question::Question;
use smtp_sts_verify::serve::world::World;
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::{Handshake, Verdict};
use smtp_sts_verify::verify::refresh::{Backoff, refresh};
use smtp_sts_verify::verify::{Report, from_memory};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;

/// 2026-06-15T08:00:00Z.
const NOW: UnixTime = UnixTime(1_781_510_400);

/// What is published, and what can be had of it.
#[derive(Clone, Debug)]
struct Made {
    mta_sts: Option<u64>,
    draft: Option<u64>,
    /// The TTL of the records of policies, and of those of the MX hosts; `None` if nobody answers.
    policy_ttl: Option<u64>,
    mx_ttl: Option<u64>,
    /// The policy host answers.
    can_be_fetched: bool,
    is_signed: bool,
    now: UnixTime,
}

impl Made {
    fn body(life: u64) -> String {
        format!("version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: {life}\n")
    }

    fn answer(&self, question: &dns::Question) -> dns::Answer {
        let text = |text: String| vec![RData::TXT(TXT::new(vec![text]))];
        let (name, is_policy) = (question.name().to_ascii(), question.rtype() == RecordType::TXT);
        let records = match question.rtype() {
            RecordType::TXT if name.starts_with("_mta-sts.") => {
                self.mta_sts.map(|_| text("v=STSv1; id=1;".into()))
            }
            RecordType::TXT if name.starts_with("_smtp_sts.") => {
                self.draft.map(|e| text(format!("v=STS1; to=true; mx=mx.test; a=dnssec; c=webpki; e={e}")))
            }
            RecordType::MX => Some(vec![RData::MX(MX::new(10, Name::from_ascii("mx.test.").unwrap()))]),
            _ => None,
        };
        let content = records.map_or(Content::Nodata, Content::Data);
        let ttl = if is_policy { self.policy_ttl } else { self.mx_ttl };
        let outcome = match (ttl, self.is_signed) {
            (None, _) => Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::ProvenInsecure, "silence".into()),
            (Some(_), true) => Outcome::Secure(content),
            (Some(_), false) => Outcome::Insecure(content, "unsigned".into()),
        };
        let valid_until = ttl.map(|ttl| self.now.plus(ttl));
        dns::Answer { outcome, valid_until, ..dns::Answer::none(question.clone()) }
    }
}

impl Resolve for Made {
    async fn resolve(&self, questions: &[dns::Question]) -> Vec<dns::Answer> {
        questions.iter().map(|question| self.answer(question)).collect()
    }
}

impl Fetch for Made {
    async fn fetch(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        match self.mta_sts.filter(|_| self.can_be_fetched) {
            Some(life) => Ok(Self::body(life).into_bytes()),
            None => Err(FetchError::NoAddress { host: url.host().clone() }),
        }
    }
}

/// The administrator's word about the domain, until that moment.
fn overridden(effect: &str, until: UnixTime) -> World {
    #[derive(Deserialize)]
    struct File {
        r#override: Overrides,
    }
    let text = format!("[override.'a.test']\n{effect}\nuntil = '{until}'\nreason = 'a test'");
    let overrides = toml::from_str::<File>(&text).unwrap().r#override;
    World { rules: Rules { overrides, ..Rules::default() }, ..world(Path::new("/nowhere")) }
}

/// What was stored before, so long ago.
fn stored(age: u64, life: u64) -> DomainSnapshot {
    let (domain, at) = (about("a.test").domain, UnixTime(NOW.0 - age));
    let text = format!("v=STSv1; id=1;\n{}", Made::body(life));
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    let policy = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at);
    let policies = Policies { mta_sts: Some(policy), ..Policies::default() }.unexpired(NOW);
    DomainSnapshot { policies, ..DomainSnapshot::default() }
}

/// Looks the question up; what is kept at hand, and what memory knows now.
fn looked_up(
    world: &World,
    question: &Question,
    made: &Made,
    before: DomainSnapshot,
) -> (Option<Standing>, InMemory) {
    let memory = InMemory::of(&question.domain, &before, made.now);
    let found = match LookUp::begin(world, question, Handshake::NotSeen, before, made.now) {
        Begun::Answered(found) => *found,
        Begun::Open(look_up) => {
            let (found, writes) =
                look_up.ask(made, made, &made.now).now_or_never().expect("maps need no time");
            for write in writes {
                match write {
                    Write::Forget(topic) => memory.forget(&question.domain, topic),
                    Write::Keep(policy) => drop(memory.keep(&policy)),
                    Write::Looked(..) => {}
                    Write::Note(dialect, notice) => memory.note(&question.domain, dialect, &notice),
                    Write::Remember(topic, one) => {
                        memory.remember(&question.domain, topic, &one.text, one.valid_until);
                    }
                }
            }
            found
        }
    };
    (found.standing, memory)
}

fn any_world() -> impl Strategy<Value = Made> {
    let life = prop_oneof![Just(0), Just(1), 1..400_u64, 1_000..1_000_000_u64];
    let ttl = || prop_oneof![Just(0), 1..10_u64, 10..100_000_u64];
    (
        proptest::option::of(life.clone()),
        proptest::option::of(life),
        proptest::option::weighted(0.9, ttl()),
        proptest::option::weighted(0.9, ttl()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(mta_sts, draft, policy_ttl, mx_ttl, can_be_fetched, is_signed)| Made {
            mta_sts,
            draft,
            policy_ttl,
            mx_ttl,
            can_be_fetched,
            is_signed,
            now: NOW,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_at_hand_is_what_memory_would_say_at_that_moment(
        made in any_world(),
        before in proptest::option::of((0..700_000_u64, 1..700_000_u64)),
        host in prop_oneof![Just(None), Just(Some("mx.test")), Just(Some("strange.test"))],
        word in proptest::option::of((
            prop_oneof![Just("ignore = true"), Just("require = 'webpki'"), Just("require = 'none'")],
            1..100_000_u64,
        )),
        after in proptest::collection::vec(0..200_000_u64, 8),
    ) {
        let world = match word {
            Some((effect, seconds)) => overridden(effect, NOW.plus(seconds)),
            None => world(Path::new("/nowhere")),
        };
        let question = host.map_or_else(|| about("a.test"), |host| about_host("a.test", host));
        let before = before.map_or_else(DomainSnapshot::default, |(age, life)| stored(age, life));
        let (standing, memory) = looked_up(&world, &question, &made, before);
        let Some(standing) = standing else { return Ok(()) };
        prop_assert!(!standing.stands(UnixTime(NOW.0 - 1)), "a clock that went back ends it");
        let span = standing.until.since(standing.from);
        let ends = [0, 1, 4, span.saturating_sub(2), span.saturating_sub(1), span];
        for moment in after.into_iter().chain(ends).map(|seconds| NOW.plus(seconds)) {
            if !standing.stands(moment) {
                continue;
            }
            memory.set_clock(moment);
            let (domain, hosts) = (question.domain.clone(), question.host.iter().cloned().collect());
            let said = match world.rules.request(domain, hosts, Handshake::NotSeen, moment) {
                Asked::Ask(request, _) => from_memory(&request, Some(&memory), moment),
                Asked::Ignored(request, decree) => Some(Report::ignored(&request, vec![decree.note(moment)])),
            };
            match said {
                Some(report) => prop_assert_eq!(&*standing.answer, &MtaAnswer::of(&report, &question), "{}", moment),
                None => prop_assert!(span <= 5, "for {} seconds, and memory says nothing at {}", span, moment),
            }
        }
    }
}

#[test]
fn an_answer_ends_with_the_first_thing_that_it_rests_on() {
    let made = Made {
        mta_sts: Some(604_800),
        draft: None,
        policy_ttl: Some(600),
        mx_ttl: Some(900),
        can_be_fetched: true,
        is_signed: true,
        now: NOW,
    };
    let span = |world: &World, made: &Made, host: Option<&str>| {
        let question = host.map_or_else(|| about("a.test"), |host| about_host("a.test", host));
        let (standing, _) = looked_up(world, &question, made, DomainSnapshot::default());
        standing.map_or(0, |standing| standing.until.since(standing.from))
    };
    let plain = world(Path::new("/nowhere"));
    for (what, made, expected) in [
        ("the TTL of a record", made.clone(), 600),
        ("the TTL of the MX hosts", Made { mx_ttl: Some(60), ..made.clone() }, 60),
        ("the policy's turn to be fetched again", Made { mta_sts: Some(400), ..made.clone() }, 300),
        ("the policy host's pause", Made { can_be_fetched: false, ..made.clone() }, 300),
        ("a moment for a TTL of zero", Made { policy_ttl: Some(0), ..made.clone() }, 5),
        ("a moment for a domain that does not answer", Made { mx_ttl: None, ..made.clone() }, 5),
        ("a moment for what anybody could have sent", Made { is_signed: false, ..made.clone() }, 5),
    ] {
        assert_eq!(span(&plain, &made, None), expected, "{what}");
    }
    assert_eq!(span(&plain, &made, Some("strange.test")), 5, "a refusal is looked at again soon");
    for effect in ["ignore = true", "require = 'webpki'"] {
        assert_eq!(span(&overridden(effect, NOW.plus(42)), &made, None), 42, "{effect}");
    }
}

/// Anybody on the path may have sent them, and they are better than nothing; but not for long.
#[test]
fn under_a_policy_in_force_what_is_not_signed_stands_in_for_silence_for_five_minutes() {
    let genuine = Made {
        mta_sts: Some(604_800),
        draft: None,
        policy_ttl: Some(86_400),
        mx_ttl: Some(86_400),
        can_be_fetched: true,
        is_signed: false,
        now: NOW,
    };
    let (plain, question) = (world(Path::new("/nowhere")), about("a.test"));
    let (_, memory) = looked_up(&plain, &question, &genuine, stored(100, 604_800));
    for (seconds, expected) in [(6, Verdict::Deliver), (299, Verdict::Deliver), (300, Verdict::Defer)] {
        let silent = Made { policy_ttl: None, mx_ttl: None, now: NOW.plus(seconds), ..genuine.clone() };
        let before = DomainSnapshot {
            policies: memory.all_of(&question.domain),
            remembered: memory.remembered(&question.domain).into_iter().collect(),
            ..DomainSnapshot::default()
        };
        let (standing, _) = looked_up(&plain, &question, &silent, before);
        assert_eq!(standing.unwrap().answer.verdict, expected, "{seconds} s later");
    }
}

#[test]
fn the_last_answer_may_stand_in_for_four_hours() {
    let free = Made {
        mta_sts: None,
        draft: None,
        policy_ttl: Some(60),
        mx_ttl: Some(60),
        can_be_fetched: false,
        is_signed: false,
        now: NOW,
    };
    let (plain, question) = (world(Path::new("/nowhere")), about("a.test"));
    let begun = LookUp::begin(&plain, &question, Handshake::NotSeen, DomainSnapshot::default(), NOW);
    let Begun::Open(look_up) = begun else { panic!("nothing is known of it") };
    let (found, _) = look_up.ask(&free, &free, &NOW).now_or_never().expect("maps need no time");
    let answer = Arc::new(MtaAnswer::of(&found.report, &question));
    let came = NOW.plus(7);
    let stand_in = found.stand_in(&answer, came).expect("nothing binds the domain");
    for (moment, stands) in
        [(NOW.plus(6), false), (came, true), (came.plus(14_399), true), (came.plus(14_400), false)]
    {
        assert_eq!(stand_in.stands(moment), stands, "{moment}");
    }
}

/// The same answers; at each question, whether what others have heard denied counts.
struct Watched<'m> {
    made: &'m Made,
    counts: Cell<bool>,
    asked: RefCell<Vec<(String, bool)>>,
}

impl<'m> Watched<'m> {
    fn new(made: &'m Made) -> Self {
        Self { made, counts: Cell::new(false), asked: RefCell::default() }
    }

    /// Whether it counted at all of the questions, of which there was one at least; or at none.
    fn counted(self) -> bool {
        let asked = self.asked.into_inner();
        assert!(!asked.is_empty() && asked.iter().all(|(_, counts)| *counts == asked[0].1), "{asked:?}");
        asked[0].1
    }
}

impl Resolve for Watched<'_> {
    async fn resolve(&self, questions: &[dns::Question]) -> Vec<dns::Answer> {
        let counts = self.counts.get();
        self.asked.borrow_mut().extend(questions.iter().map(|question| (question.to_string(), counts)));
        self.made.resolve(questions).await
    }

    fn count_others_denials(&self, counts: bool) -> bool {
        self.counts.replace(counts)
    }
}

/// Looks the question up that way.
fn watched<'m>(
    world: &World,
    question: &Question,
    made: &'m Made,
    before: DomainSnapshot,
    handshake: Handshake,
) -> Watched<'m> {
    let watched = Watched::new(made);
    match LookUp::begin(world, question, handshake, before, NOW) {
        Begun::Answered(found) => panic!("nothing is asked: {:?}", found.report),
        Begun::Open(look_up) => {
            look_up.ask(&watched, made, &NOW).now_or_never().expect("maps need no time");
        }
    }
    watched
}

/// What others have heard denied may be false by now. It counts only where that holds no mail back and ends nothing that is known:
/// with a policy over the domain, the MX records are asked for, whatever others have heard.
#[test]
fn what_others_have_heard_denied_counts_for_no_mail_that_is_held_to_anything() {
    let nothing = Made {
        mta_sts: None,
        draft: None,
        policy_ttl: Some(600),
        mx_ttl: Some(900),
        can_be_fetched: true,
        is_signed: true,
        now: NOW,
    };
    let plain = world(Path::new("/nowhere"));
    let counts = |world: &World, before: DomainSnapshot| {
        watched(world, &about("a.test"), &nothing, before, Handshake::NotSeen).counted()
    };
    assert!(counts(&plain, DomainSnapshot::default()), "nothing is known of the domain");

    let in_force = stored(100, 604_800);
    let policy = in_force.policies.mta_sts.clone().unwrap();
    assert!(!counts(&plain, in_force.clone()), "a policy is in force");
    let on_first_use = StoredPolicy { authentication: Authentication::FirstUse, ..policy.clone() };
    let policies = Policies { mta_sts: Some(on_first_use), ..Policies::default() };
    assert!(
        !counts(&plain, DomainSnapshot { policies, ..in_force.clone() }),
        "one would be after a handshake"
    );
    let policies = Policies { unreadable: vec![Dialect::MtaSts], ..Policies::default() };
    assert!(!counts(&plain, DomainSnapshot { policies, ..DomainSnapshot::default() }), "one cannot be read");
    let trouble = Some(CacheError::Retold("it was locked".to_owned()));
    assert!(!counts(&plain, DomainSnapshot { trouble, ..DomainSnapshot::default() }), "nobody knows");
    for effect in ["require = 'webpki'", "require = 'dane'"] {
        let required = overridden(effect, NOW.plus(1_000));
        assert!(!counts(&required, DomainSnapshot::default()), "{effect}");
    }
    let witnesses = vec!["mx2".to_owned(), "mx3".to_owned()];
    let hearsay = vec![Hearsay { policy, witnesses, look: OwnLook::default(), heard_at: NOW }];
    assert!(!counts(&plain, DomainSnapshot { hearsay, ..DomainSnapshot::default() }), "a fleet knows of one");

    // From when a policy is found, that a host does not exist could hold its mail back.
    let found = Made { mta_sts: Some(604_800), ..nothing.clone() };
    for (made, counts_at_last) in [(&nothing, true), (&found, false)] {
        let question = about_host("a.test", "strange.test");
        let watched = watched(&plain, &question, made, DomainSnapshot::default(), Handshake::NotSeen);
        assert_eq!(watched.counts.get(), counts_at_last);
        // What made its hosts absent until then counts no longer, either: they are asked about once more.
        let asked = watched.asked.into_inner();
        let again = asked.iter().filter(|(question, counts)| question.contains(" MX") && !counts).count();
        assert_eq!(again, usize::from(!counts_at_last), "{asked:?}");
    }

    // Nor does it end the renewal of a policy.
    let renewed = Watched::new(&nothing);
    let domain = about("a.test").domain;
    let memory = InMemory::of(&domain, &in_force, NOW);
    let policy = in_force.policies.mta_sts.as_ref().unwrap();
    let _ended =
        refresh(policy, Backoff::Heeded, &memory, &renewed, &nothing, NOW).now_or_never().expect("no time");
    assert!(!renewed.counted());
}
