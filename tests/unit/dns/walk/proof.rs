//! What an answer is proven by: one line a ground, from the trust anchor down to what was asked. That each ground holds
//! is looked through in every scene and recording (`auditor.rs`); here is which ones there are, and what they deny.

use super::recorded::{Recording, walk};
use super::scene::*;
use hickory_proto::dnssec::{Algorithm, DigestType};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Record;
use smtp_sts_verify::dns::proof::{Ground, Role, Statement, Word};
use smtp_sts_verify::dns::walk::{Finding, Replies, Step, TrustContext, Walk};
use smtp_sts_verify::time::UnixTime;

const POLICY: &str = "_smtp-sts.mail.test.";

/// The way to `mail.test.`.
const WAY: [&str; 5] = [
    ". DNSKEY by .: keys",
    "test. DS by .: delegation",
    "test. DNSKEY by test.: keys",
    "mail.test. DS by test.: delegation",
    "mail.test. DNSKEY by mail.test.: keys",
];

/// A ground in short. The owner of an NSEC3 is a hash, and left out.
fn line(ground: &Ground) -> String {
    let Ground { role, owner, rtype, signature } = ground;
    let statement = |Statement { about, place, word }: &Statement| match word {
        Word::Uncounted => word.word().to_owned(),
        _ => format!("{} {about} ({})", word.word(), place.word()),
    };
    let what = match role {
        Role::Denial(denial) => {
            let says: Vec<String> = denial.says.iter().map(statement).collect();
            format!("no {} {} {}: {}", denial.denied.word(), denial.name, denial.rtype, says.join(", "))
        }
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => role.word().to_owned(),
    };
    let owner = if rtype.to_string() == "NSEC3" { String::new() } else { format!("{owner} ") };
    let wildcard = ground.wildcard().map(|wildcard| format!(" from {wildcard}")).unwrap_or_default();
    format!("{owner}{rtype} by {}{wildcard}: {what}", signature.signer)
}

fn lines(finding: &Finding) -> Vec<String> {
    finding.proof.0.iter().map(line).collect()
}

/// The grounds of a finding are the first ones of the way to `mail.test.` and these.
#[track_caller]
fn expect_grounds(finding: &Finding, outcome: &str, of_the_way: usize, more: &[&str]) {
    expect(finding, outcome);
    assert_eq!(lines(finding), [&WAY[..of_the_way], more].concat());
}

/// The finding on `_smtp-sts.mail.test. TXT` when it is answered with these authority records.
fn denied(denials: impl FnOnce(&Zone) -> Vec<Vec<Record>>) -> Finding {
    let mut scene = Scene::new();
    let denials = denials(&scene.mail);
    scene.put(POLICY, "TXT", denial(denials));
    scene.ask(POLICY, "TXT")
}

/// The finding on unsigned data when the DS question about `mail.test.` is answered with these denials.
fn undelegated(denials: impl FnOnce(&Scene) -> Vec<Vec<Record>>) -> Finding {
    let mut scene = Scene::new();
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "unsigned")]]));
    let denials = denials(&scene);
    scene.put("mail.test.", "DS", denial(denials));
    scene.ask(POLICY, "TXT")
}

#[test]
fn signed_data_rest_on_the_keys_and_delegations_above_them() {
    let mut scene = Scene::new();
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    let finding = scene.ask(POLICY, "TXT");
    expect_grounds(&finding, "secure 1 data", 5, &["_smtp-sts.mail.test. TXT by mail.test.: data"]);

    let last = &finding.proof.0.last().unwrap().signature;
    assert_eq!((last.key_tag, last.algorithm), (scene.mail.tag(), Algorithm::ECDSAP256SHA256));
    assert_eq!((last.inception.0, last.expires.0), (NOW - 3_600, NOW + 86_400 * 7));
    expect_grounds(&scene.ask("mail.test.", "DS"), "secure 1 data", 3, &["mail.test. DS by test.: data"]);
}

#[test]
fn data_from_a_wildcard_rest_on_the_absence_of_a_closer_match_too() {
    let expanded = |denial: fn(&Zone) -> Vec<Record>| {
        let mut scene = Scene::new();
        let answer = scene.mail.expanded(vec![txt("_y._x.w.mail.test.", "v=STSv1")], 3);
        let denial = denial(&scene.mail);
        scene.put("_y._x.w.mail.test.", "TXT", reply(ResponseCode::NoError, vec![answer], vec![denial]));
        scene.ask("_y._x.w.mail.test.", "TXT")
    };
    let from = "_y._x.w.mail.test. TXT by mail.test. from *.w.mail.test.: data";
    expect_grounds(
        &expanded(|z| z.nsec("*.w.mail.test.", "z.w.mail.test.", "TXT")),
        "secure 1 data",
        5,
        &[
            from,
            "*.w.mail.test. NSEC by mail.test.: no closer-match _y._x.w.mail.test. TXT: \
             covers _x.w.mail.test. (next-closer)",
        ],
    );
    expect_grounds(
        &expanded(|z| z.nsec3_over("_x.w.mail.test.", PLAIN)),
        "secure 1 data",
        5,
        &[
            from,
            "NSEC3 by mail.test.: no closer-match _y._x.w.mail.test. TXT: covers _x.w.mail.test. (next-closer)",
        ],
    );
}

#[test]
fn nsec_says_of_the_name_and_of_its_wildcard_that_they_are_not_there() {
    let gap = |z: &Zone| z.nsec("_a.mail.test.", "_z.mail.test.", "A");
    let covered = "_a.mail.test. NSEC by mail.test.: no name _smtp-sts.mail.test. TXT: \
                   covers _smtp-sts.mail.test. (itself)";
    expect_grounds(
        &denied(|z| vec![z.nsec("mail.test.", "_a.mail.test.", "SOA NS"), gap(z)]),
        "secure nxdomain",
        5,
        &[
            covered,
            "mail.test. NSEC by mail.test.: no name _smtp-sts.mail.test. TXT: covers *.mail.test. (wildcard)",
        ],
    );
    // One record may say both, and is one ground.
    expect_grounds(
        &denied(|z| vec![z.nsec("mail.test.", "a.mail.test.", "SOA NS")]),
        "secure nxdomain",
        5,
        &["mail.test. NSEC by mail.test.: no name _smtp-sts.mail.test. TXT: \
           covers _smtp-sts.mail.test. (itself), covers *.mail.test. (wildcard)"],
    );
}

#[test]
fn nsec_says_that_a_name_is_there_without_the_type() {
    expect_grounds(
        &denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "A")]),
        "secure nodata",
        5,
        &["_smtp-sts.mail.test. NSEC by mail.test.: no type _smtp-sts.mail.test. TXT: \
           matches _smtp-sts.mail.test. (itself)"],
    );
    expect_grounds(
        &denied(|z| vec![z.nsec("mail.test.", "x._smtp-sts.mail.test.", "SOA NS")]),
        "secure nodata",
        5,
        &["mail.test. NSEC by mail.test.: no type _smtp-sts.mail.test. TXT: \
           leads-below _smtp-sts.mail.test. (itself)"],
    );
    let star = |z: &Zone| z.nsec("*.mail.test.", "_a.mail.test.", "A");
    expect_grounds(
        &denied(|z| vec![star(z), z.nsec("_a.mail.test.", "a.mail.test.", "A")]),
        "secure nodata",
        5,
        &[
            "_a.mail.test. NSEC by mail.test.: no type _smtp-sts.mail.test. TXT: \
             covers _smtp-sts.mail.test. (itself)",
            "*.mail.test. NSEC by mail.test.: no type _smtp-sts.mail.test. TXT: \
             matches *.mail.test. (wildcard)",
        ],
    );
}

#[test]
fn nsec3_says_it_by_closest_encloser_next_closer_and_wildcard() {
    let apex = |z: &Zone| z.nsec3_at("mail.test.", "NS SOA", PLAIN);
    let next = |z: &Zone| z.nsec3_over(POLICY, PLAIN);
    let encloser = |what: &str| {
        format!("NSEC3 by mail.test.: no {what} {POLICY} TXT: matches mail.test. (closest-encloser)")
    };
    let cover =
        |what: &str| format!("NSEC3 by mail.test.: no {what} {POLICY} TXT: covers {POLICY} (next-closer)");
    expect_grounds(
        &denied(|z| vec![z.nsec3_over("*.mail.test.", PLAIN), next(z), apex(z)]),
        "secure nxdomain",
        5,
        &[
            &encloser("name"),
            &cover("name"),
            "NSEC3 by mail.test.: no name _smtp-sts.mail.test. TXT: covers *.mail.test. (wildcard)",
        ],
    );
    expect_grounds(
        &denied(|z| vec![apex(z), next(z), z.nsec3_at("*.mail.test.", "A", PLAIN)]),
        "secure nodata",
        5,
        &[
            &encloser("type"),
            &cover("type"),
            "NSEC3 by mail.test.: no type _smtp-sts.mail.test. TXT: matches *.mail.test. (wildcard)",
        ],
    );
    expect_grounds(
        &denied(|z| vec![z.nsec3_at(POLICY, "A", PLAIN)]),
        "secure nodata",
        5,
        &["NSEC3 by mail.test.: no type _smtp-sts.mail.test. TXT: matches _smtp-sts.mail.test. (itself)"],
    );
    // The one record of a zone without names says everything.
    let all = |z: &Zone| {
        let hash = PLAIN.hash(&name("mail.test."));
        vec![z.nsec3(&hash, &hash, "NS SOA", PLAIN)]
    };
    expect_grounds(
        &denied(all),
        "secure nxdomain",
        5,
        &["NSEC3 by mail.test.: no name _smtp-sts.mail.test. TXT: matches mail.test. (closest-encloser), \
           covers _smtp-sts.mail.test. (next-closer), covers *.mail.test. (wildcard)"],
    );
}

#[test]
fn what_is_not_used_is_no_ground() {
    let beside = |z: &Zone| {
        vec![
            z.nsec3_over("unrelated.mail.test.", PLAIN),
            z.nsec3_at("_b.mail.test.", "A", PLAIN),
            z.nsec("_x.mail.test.", "_y.mail.test.", "A"),
            z.nsec3_at(POLICY, "A", PLAIN),
        ]
    };
    expect_grounds(
        &denied(beside),
        "secure nodata",
        5,
        &["NSEC3 by mail.test.: no type _smtp-sts.mail.test. TXT: matches _smtp-sts.mail.test. (itself)"],
    );
}

#[test]
fn an_insecure_delegation_rests_on_the_proof_that_there_is_no_ds() {
    expect_grounds(
        &undelegated(|s| vec![s.test.nsec("mail.test.", "n.test.", "NS")]),
        "insecure 1 data (unsigned-delegation)",
        3,
        &["mail.test. NSEC by test.: no delegation mail.test. DS: matches mail.test. (itself)"],
    );
    expect_grounds(
        &undelegated(|s| vec![s.test.nsec3_at("mail.test.", "NS", PLAIN)]),
        "insecure 1 data (unsigned-delegation)",
        3,
        &["NSEC3 by test.: no delegation mail.test. DS: matches mail.test. (itself)"],
    );
    expect_grounds(
        &undelegated(|s| {
            vec![s.test.nsec3_at("test.", "NS SOA", PLAIN), s.test.nsec3_over("mail.test.", OPT_OUT)]
        }),
        "insecure 1 data (opt-out)",
        3,
        &[
            "NSEC3 by test.: no delegation mail.test. DS: matches test. (closest-encloser)",
            "NSEC3 by test.: no delegation mail.test. DS: covers-with-opt-out mail.test. (next-closer)",
        ],
    );
}

#[test]
fn a_denial_that_cannot_be_computed_and_a_ds_that_cannot_be_used_are_grounds_too() {
    let uncountable = Nsec3 { iterations: 2_501, ..PLAIN };
    expect_grounds(
        &undelegated(|s| vec![s.test.nsec3_at("mail.test.", "NS", uncountable)]),
        "insecure 1 data (nsec3-iterations)",
        3,
        &["NSEC3 by test.: no delegation mail.test. DS: uncounted"],
    );
    let mut scene = Scene::new();
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "unsigned")]]));
    let unknown = scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32]);
    let ds = scene.test.signed(vec![unknown]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    expect_grounds(&scene.ask(POLICY, "TXT"), "insecure 1 data (unsupported-algorithm)", 4, &[]);
}

#[test]
fn every_alias_is_a_ground_and_the_way_that_they_share_is_named_once() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname(POLICY, "_x._d.mail.test.")]);
    let redirect = scene.mail.signed(vec![dname("_d.mail.test.", "plain.test.")]);
    let cut = scene.test.nsec("plain.test.", "q.test.", "NS");
    scene.put(POLICY, "TXT", data(vec![alias]));
    scene.put(
        "_x._d.mail.test.",
        "TXT",
        data(vec![redirect, vec![cname("_x._d.mail.test.", "forged.test.")]]),
    );
    scene.put("plain.test.", "DS", denial(vec![cut]));
    scene.put("_x.plain.test.", "TXT", data(vec![vec![txt("_x.plain.test.", "v=STSv1")]]));
    expect_grounds(
        &scene.ask(POLICY, "TXT"),
        "insecure 1 data (unsigned-delegation)",
        5,
        &[
            "_smtp-sts.mail.test. CNAME by mail.test.: alias",
            "_d.mail.test. DNAME by mail.test.: alias",
            "plain.test. NSEC by test.: no delegation plain.test. DS: matches plain.test. (itself)",
        ],
    );
}

#[test]
fn what_is_bogus_or_unreachable_is_shown_as_far_as_it_came() {
    let mut scene = Scene::new();
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "forged")]]));
    expect_grounds(&scene.ask(POLICY, "TXT"), "bogus (no-signature)", 5, &[]);
    scene.fail(POLICY, "TXT");
    expect_grounds(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)", 5, &[]);

    let alias = scene.mail.signed(vec![cname(POLICY, "_y.mail.test.")]);
    scene.put(POLICY, "TXT", data(vec![alias]));
    scene.put("_y.mail.test.", "TXT", data(vec![vec![txt("_y.mail.test.", "forged")]]));
    let alias = "_smtp-sts.mail.test. CNAME by mail.test.: alias";
    expect_grounds(&scene.ask(POLICY, "TXT"), "bogus (no-signature)", 5, &[alias]);

    // A DS that leads to other keys is the last thing that is proven.
    scene.put("mail.test.", "DNSKEY", data(vec![Zone::new("mail.test.").signed(vec![scene.mail.key()])]));
    expect_grounds(&scene.ask(POLICY, "TXT"), "bogus (no-signature)", 4, &[]);
    scene.put("mail.test.", "DS", denial(vec![]));
    expect_grounds(&scene.ask(POLICY, "TXT"), "bogus (no-proof)", 3, &[]);
    scene.put(".", "DNSKEY", data(vec![vec![scene.root.key()]]));
    expect_grounds(&scene.ask(POLICY, "TXT"), "bogus (no-signature)", 0, &[]);
}

#[test]
fn what_a_walk_was_told_late_or_knew_already_is_the_same_proof() {
    let recording = Recording::read();
    for session in &recording.sessions {
        let ask =
            |trust: &mut TrustContext| walk(trust, &session.question, |question| recording.reply(question));
        let mut trust = recording.trust();
        let stepped = ask(&mut trust);
        let known = ask(&mut trust);
        // A walk that finds every reply there takes one step.
        let mut replies = Replies::default();
        walk(&mut recording.trust(), &session.question, |question| {
            replies.insert(question.clone(), recording.reply(question));
            recording.reply(question)
        });
        let at_once = Walk::new(session.question.clone()).step(&mut recording.trust(), &replies);
        assert_eq!(lines(&stepped), lines(&known), "{}", session.question);
        assert_eq!(Step::Done(stepped), at_once, "{}", session.question);
    }
}

#[test]
fn an_auditor_finds_what_does_not_hold() {
    let mut scene = Scene::new();
    let gap = scene.mail.nsec("_a.mail.test.", "_z.mail.test.", "A");
    let apex = scene.mail.nsec("mail.test.", "_a.mail.test.", "SOA NS");
    scene.put(POLICY, "TXT", denial(vec![gap, apex]));
    let finding = scene.ask(POLICY, "TXT");
    let spoilt = |spoil: &dyn Fn(&mut Vec<Ground>)| {
        let mut spoilt = finding.clone();
        spoil(&mut spoilt.proof.0);
        scene.audit(&spoilt).is_err()
    };
    assert!(!spoilt(&|_| {}));
    for place in 0..finding.proof.0.len() {
        assert!(spoilt(&|grounds| grounds[place].signature.key_tag ^= 1), "{place}");
        assert!(spoilt(&|grounds| grounds[place].owner = name("other.test.")), "{place}");
        assert!(spoilt(&|grounds| grounds[place].signature.expires = UnixTime(NOW)), "{place}");
    }
    for place in 0..5 {
        assert!(spoilt(&|grounds| drop(grounds.remove(place))), "{place}");
    }
    assert!(spoilt(&|grounds| grounds.truncate(5)));
    assert!(spoilt(&|grounds| match &mut grounds[5].role {
        Role::Denial(denial) => denial.says[0].word = Word::Matches,
        other => panic!("{other:?}"),
    }));
}

/// It is the zone to blame: also where its keys could not be proven.
#[test]
fn the_zone_of_a_proof_is_the_one_to_which_the_chain_leads() {
    let mut scene = Scene::new();
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    assert_eq!(scene.ask(POLICY, "TXT").proof.zone(), Some(&name("mail.test.")));
    let others = Zone::new("mail.test.");
    scene.put("mail.test.", "DNSKEY", data(vec![others.signed(vec![others.key()])]));
    let finding = scene.ask(POLICY, "TXT");
    expect_grounds(&finding, "bogus (key-mismatch)", 4, &[]);
    assert_eq!(finding.proof.zone(), Some(&name("mail.test.")));
    scene.put(".", "DNSKEY", data(vec![]));
    assert_eq!(scene.ask(POLICY, "TXT").proof.zone(), None);
}
