//! Data, wildcards, denials and aliases in one signed zone, and how long they live.

use super::scene::*;
use hickory_proto::dnssec::rdata::{DNSSECRData, RRSIG};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record, SerialNumber};
use smtp_sts_verify::dns::{Content, Outcome};
use smtp_sts_verify::time::UnixTime;

const POLICY: &str = "_smtp-sts.mail.test.";

/// The verdict on `_smtp-sts.mail.test. TXT` when it is answered with these authority records.
fn denied(denials: impl FnOnce(&Zone) -> Vec<Vec<Record>>) -> String {
    denied_as(ResponseCode::NoError, denials)
}

fn denied_as(code: ResponseCode, denials: impl FnOnce(&Zone) -> Vec<Vec<Record>>) -> String {
    let mut scene = Scene::new();
    let denials = denials(&scene.mail);
    scene.put(POLICY, "TXT", reply(code, vec![], denials));
    short(&scene.ask(POLICY, "TXT"))
}

/// The same for a name two labels below the zone.
fn deep_denied(denials: impl FnOnce(&Zone) -> Vec<Vec<Record>>) -> String {
    let mut scene = Scene::new();
    let denials = denials(&scene.mail);
    scene.put("_b.a.mail.test.", "TXT", denial(denials));
    scene.fail("a.mail.test.", "DS"); // the proof alone decides
    short(&scene.ask("_b.a.mail.test.", "TXT"))
}

// ---- NSEC (RFC 4035 section 5.4, RFC 6840 section 4) ---------------------------------------------------------

#[test]
fn a_type_is_absent_if_neither_it_nor_a_cname_is_in_the_bitmap() {
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "A RRSIG NSEC")]), "secure nodata");
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "TXT RRSIG NSEC")]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "CNAME RRSIG NSEC")]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "DNAME RRSIG NSEC")]), "secure nodata");
}

#[test]
fn the_rcode_proves_nothing() {
    for code in [ResponseCode::NoError, ResponseCode::NXDomain] {
        assert_eq!(denied_as(code, |_| vec![]), "bogus (no-proof)");
        assert_eq!(denied_as(code, |z| vec![z.signed(vec![soa("mail.test.", 60)])]), "bogus (no-proof)");
        assert_eq!(denied_as(code, |z| vec![z.nsec(POLICY, "a.mail.test.", "A")]), "secure nodata");
        assert_eq!(
            denied_as(code, |z| vec![z.nsec("mail.test.", "a.mail.test.", "SOA NS")]),
            "secure nxdomain"
        );
    }
}

#[test]
fn a_name_is_absent_only_together_with_its_wildcard() {
    let gap = |z: &Zone| z.nsec("_a.mail.test.", "_z.mail.test.", "A");
    assert_eq!(denied(|z| vec![gap(z)]), "bogus (no-proof)");
    let apex = |z: &Zone| z.nsec("mail.test.", "_a.mail.test.", "SOA NS");
    assert_eq!(denied(|z| vec![gap(z), apex(z)]), "secure nxdomain");
    let star = |z: &Zone, types| z.nsec("*.mail.test.", "_a.mail.test.", types);
    assert_eq!(denied(|z| vec![gap(z), star(z, "A")]), "secure nodata");
    assert_eq!(denied(|z| vec![gap(z), star(z, "TXT")]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![gap(z), star(z, "CNAME")]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![gap(z), z.nsec("mail.test.", "x.*.mail.test.", "SOA NS")]), "secure nodata");
}

#[test]
fn the_wildcard_to_deny_stands_at_the_closest_encloser() {
    // `a.mail.test.` exists, so `*.a.mail.test.` would answer, and `*.mail.test.` would not.
    let gap = |z: &Zone| z.nsec("a.mail.test.", "c.a.mail.test.", "A");
    assert_eq!(deep_denied(|z| vec![gap(z)]), "secure nxdomain");
    let above = |z: &Zone| {
        vec![z.nsec("0.a.mail.test.", "c.a.mail.test.", "A"), z.nsec("mail.test.", "a.mail.test.", "SOA NS")]
    };
    assert_eq!(deep_denied(above), "unreachable Unknown (no-answer)");
}

#[test]
fn a_denial_from_above_a_cut_denies_nothing_below_and_only_ds_at_it() {
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "a.mail.test.", "NS RRSIG NSEC")]), "bogus (wrong-side)");
    assert_eq!(deep_denied(|z| vec![z.nsec("a.mail.test.", "b.mail.test.", "A")]), "secure nxdomain");
    for types in ["NS", "NS DS", "DNAME", "NS SOA DNAME"] {
        assert_eq!(
            deep_denied(|z| vec![z.nsec("a.mail.test.", "b.mail.test.", types)]),
            "unreachable Unknown (no-answer)",
            "{types}"
        );
    }
    let mut scene = Scene::new();
    let above = scene.test.nsec("mail.test.", "n.test.", "NS");
    scene.put(POLICY, "TXT", denial(vec![above.clone()]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-proof)");
    scene.put("mail.test.", "A", denial(vec![above]));
    expect(&scene.ask("mail.test.", "A"), "bogus (no-proof)");
}

#[test]
fn a_name_above_existing_ones_exists() {
    assert_eq!(
        denied_as(ResponseCode::NXDomain, |z| vec![z.nsec("mail.test.", &format!("x.{POLICY}"), "SOA NS")]),
        "secure nodata"
    );
}

#[test]
fn the_chain_leads_back_to_its_start() {
    assert_eq!(denied(|z| vec![z.nsec("mail.test.", "mail.test.", "SOA NS")]), "secure nxdomain");
    let last = |z: &Zone| {
        vec![z.nsec("_a.mail.test.", "mail.test.", "A"), z.nsec("mail.test.", "_a.mail.test.", "SOA NS")]
    };
    assert_eq!(denied(last), "secure nxdomain");
    assert_eq!(denied(|z| vec![z.nsec(POLICY, "mail.test.", "A")]), "secure nodata");
    assert_eq!(denied(|z| vec![z.nsec("_t.mail.test.", "mail.test.", "A")]), "bogus (no-proof)");
}

#[test]
fn the_next_name_lies_in_the_zone() {
    assert_eq!(denied(|z| vec![z.nsec("mail.test.", "z.test.", "SOA NS")]), "bogus (no-proof)");
}

#[test]
fn the_denials_of_other_zones_deny_nothing_here() {
    for other in [".", "test.", "evil.test.", "below.mail.test."] {
        assert_eq!(
            denied(|_| vec![Zone::new(other).nsec("mail.test.", "mail.test.", "SOA NS")]),
            "bogus (no-proof)"
        );
    }
    let scene = Scene::new();
    assert_eq!(denied(|_| vec![scene.test.nsec("mail.test.", "n.test.", "NS")]), "bogus (no-proof)");
    assert_eq!(denied(|_| vec![scene.test.nsec("l.test.", "n.test.", "A")]), "bogus (no-proof)");
}

// ---- NSEC3 (RFC 5155 section 8) ------------------------------------------------------------------------------

#[test]
fn nsec3_denies_a_type_at_its_own_hash() {
    assert_eq!(denied(|z| vec![z.nsec3_at(POLICY, "A", PLAIN)]), "secure nodata");
    assert_eq!(denied(|z| vec![z.nsec3_at(POLICY, "TXT", PLAIN)]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![z.nsec3_at(POLICY, "CNAME", PLAIN)]), "bogus (withheld)");
    assert_eq!(denied(|z| vec![z.nsec3_at(POLICY, "NS", PLAIN)]), "bogus (wrong-side)");
    assert_eq!(denied(|z| vec![z.nsec3_at("_a.mail.test.", "A", PLAIN)]), "bogus (no-proof)");
}

#[test]
fn nsec3_denies_a_name_by_encloser_next_closer_and_wildcard() {
    let apex = |z: &Zone| z.nsec3_at("mail.test.", "NS SOA", PLAIN);
    let next = |z: &Zone| z.nsec3_over(POLICY, PLAIN);
    let star = |z: &Zone| z.nsec3_over("*.mail.test.", PLAIN);
    assert_eq!(denied(|z| vec![apex(z), next(z), star(z)]), "secure nxdomain");
    assert_eq!(denied(|z| vec![apex(z), next(z), z.nsec3_at("*.mail.test.", "A", PLAIN)]), "secure nodata");
    assert_eq!(
        denied(|z| vec![apex(z), next(z), z.nsec3_at("*.mail.test.", "TXT", PLAIN)]),
        "bogus (withheld)"
    );
    assert_eq!(denied(|z| vec![apex(z), next(z)]), "bogus (no-proof)");
    assert_eq!(denied(|z| vec![apex(z), star(z)]), "bogus (no-proof)");
    assert_eq!(denied(|z| vec![next(z), star(z)]), "bogus (no-proof)");
}

#[test]
fn one_nsec3_may_cover_all_but_the_apex() {
    let all = |z: &Zone| {
        let hash = PLAIN.hash(&name("mail.test."));
        vec![z.nsec3(&hash, &hash, "NS SOA", PLAIN)]
    };
    assert_eq!(denied(all), "secure nxdomain");
}

#[test]
fn what_must_be_absent_is_the_next_closer_name_and_not_the_question() {
    let proof = |next: &'static str| {
        move |z: &Zone| {
            vec![
                z.nsec3_at("mail.test.", "NS SOA", PLAIN),
                z.nsec3_over(next, PLAIN),
                z.nsec3_over("*.mail.test.", PLAIN),
            ]
        }
    };
    assert_eq!(deep_denied(proof("a.mail.test.")), "secure nxdomain");
    assert_eq!(deep_denied(proof("_b.a.mail.test.")), "unreachable Unknown (no-answer)");
}

#[test]
fn a_closest_encloser_that_leads_away_proves_nothing() {
    for (types, expected) in [
        ("A", "secure nxdomain"),
        ("NS", "unreachable Unknown (no-answer)"),
        ("DNAME", "unreachable Unknown (no-answer)"),
    ] {
        let proof = |z: &Zone| {
            vec![
                z.nsec3_at("a.mail.test.", types, PLAIN),
                z.nsec3_over("_b.a.mail.test.", PLAIN),
                z.nsec3_over("*.a.mail.test.", PLAIN),
            ]
        };
        assert_eq!(deep_denied(proof), expected, "{types}");
    }
}

#[test]
fn absence_under_opt_out_is_insecure() {
    let proof = |star: Nsec3, next: Nsec3| {
        move |z: &Zone| {
            vec![
                z.nsec3_at("mail.test.", "NS SOA", PLAIN),
                z.nsec3_over(POLICY, next),
                z.nsec3_over("*.mail.test.", star),
            ]
        }
    };
    assert_eq!(denied_as(ResponseCode::NXDomain, proof(PLAIN, OPT_OUT)), "insecure nxdomain (opt-out)");
    assert_eq!(denied_as(ResponseCode::NXDomain, proof(OPT_OUT, PLAIN)), "secure nxdomain");
    assert_eq!(denied(|z| vec![z.nsec3_at(POLICY, "A", OPT_OUT)]), "secure nodata");
    let wildcard = |z: &Zone| {
        vec![
            z.nsec3_at("mail.test.", "NS SOA", PLAIN),
            z.nsec3_over(POLICY, OPT_OUT),
            z.nsec3_at("*.mail.test.", "A", PLAIN),
        ]
    };
    assert_eq!(denied(wildcard), "insecure nodata (opt-out)");
}

#[test]
fn what_may_hide_under_opt_out_needs_no_denial_of_the_wildcard() {
    // A DS; and any type of an empty name above insecure delegations, which servers answer like this.
    let half =
        |next| move |z: &Zone| vec![z.nsec3_at("mail.test.", "NS SOA", PLAIN), z.nsec3_over(POLICY, next)];
    assert_eq!(denied(half(OPT_OUT)), "insecure nodata (opt-out)");
    assert_eq!(denied(half(PLAIN)), "bogus (no-proof)");
    let mut scene = Scene::new();
    let half = half(OPT_OUT)(&scene.mail);
    scene.put(POLICY, "DS", reply(ResponseCode::NXDomain, vec![], half));
    expect(&scene.ask(POLICY, "DS"), "insecure nxdomain (opt-out)");
}

#[test]
fn what_may_hide_under_opt_out_is_not_said_to_be_no_name() {
    let whole = |next| {
        move |z: &Zone| {
            vec![
                z.nsec3_at("mail.test.", "NS SOA", PLAIN),
                z.nsec3_over(POLICY, next),
                z.nsec3_over("*.mail.test.", PLAIN),
            ]
        }
    };
    assert_eq!(denied(whole(OPT_OUT)), "insecure nodata (opt-out)");
    assert_eq!(denied(whole(PLAIN)), "secure nxdomain");
}

#[test]
fn a_proof_is_made_of_one_kind_of_record() {
    let salted = Nsec3 { salt: b"salt", ..PLAIN };
    let more = Nsec3 { iterations: 1, ..PLAIN };
    for other in [salted, more] {
        let mixed = |z: &Zone| {
            vec![
                z.nsec3_at("mail.test.", "NS SOA", PLAIN),
                z.nsec3_over(POLICY, other),
                z.nsec3_over("*.mail.test.", PLAIN),
            ]
        };
        assert_eq!(denied(mixed), "bogus (no-proof)");
        // But a whole proof is one, whatever stands beside it.
        let whole = |z: &Zone| {
            vec![
                z.nsec3_over(POLICY, other),
                z.nsec3_at("mail.test.", "NS SOA", PLAIN),
                z.nsec3_over(POLICY, PLAIN),
                z.nsec3_over("*.mail.test.", PLAIN),
            ]
        };
        assert_eq!(denied(whole), "secure nxdomain");
    }
    let mixed = |z: &Zone| {
        vec![
            z.nsec("_a.mail.test.", "_z.mail.test.", "A"),
            z.nsec3_at("mail.test.", "NS SOA", PLAIN),
            z.nsec3_over("*.mail.test.", PLAIN),
        ]
    };
    assert_eq!(denied(mixed), "bogus (no-proof)");
}

// ---- wildcards (RFC 4035 section 5.3.4, RFC 5155 section 8.8) ------------------------------------------------

/// The verdict on `x.w.mail.test. TXT`, expanded from `*.w.mail.test.`, with these authority records.
fn expanded(denials: impl FnOnce(&Zone) -> Vec<Vec<Record>>) -> String {
    let mut scene = Scene::new();
    let answer = scene.mail.expanded(vec![txt("_x.w.mail.test.", "v=STSv1")], 3);
    let denials = denials(&scene.mail);
    scene.put("_x.w.mail.test.", "TXT", reply(ResponseCode::NoError, vec![answer], denials));
    short(&scene.ask("_x.w.mail.test.", "TXT"))
}

#[test]
fn a_wildcard_answers_only_for_what_is_proven_absent() {
    assert_eq!(expanded(|_| vec![]), "bogus (wildcard-unproven)");
    assert_eq!(expanded(|z| vec![z.nsec("*.w.mail.test.", "z.w.mail.test.", "TXT")]), "secure 1 data");
    assert_eq!(
        expanded(|z| vec![z.nsec("a.w.mail.test.", "z.w.mail.test.", "TXT")]),
        "bogus (wildcard-unproven)"
    );
    assert_eq!(
        expanded(|z| vec![z.nsec("_x.w.mail.test.", "z.w.mail.test.", "A")]),
        "bogus (wildcard-unproven)"
    );
    assert_eq!(
        expanded(|z| vec![z.nsec("w.mail.test.", "a._x.w.mail.test.", "A")]),
        "bogus (wildcard-unproven)"
    );
    assert_eq!(
        expanded(|z| vec![z.nsec("w.mail.test.", "z.w.mail.test.", "NS")]),
        "bogus (wildcard-unproven)"
    );
    assert_eq!(expanded(|z| vec![z.nsec3_over("_x.w.mail.test.", PLAIN)]), "secure 1 data");
    assert_eq!(expanded(|z| vec![z.nsec3_over("_x.w.mail.test.", OPT_OUT)]), "insecure 1 data (opt-out)");
    assert_eq!(expanded(|z| vec![z.nsec3_over("w.mail.test.", PLAIN)]), "bogus (wildcard-unproven)");
    assert_eq!(expanded(|z| vec![z.nsec3_at("_x.w.mail.test.", "A", PLAIN)]), "bogus (wildcard-unproven)");
    let heavy = Nsec3 { iterations: 151, ..PLAIN };
    assert_eq!(
        expanded(|z| vec![z.nsec3_over("_x.w.mail.test.", heavy)]),
        "insecure 1 data (nsec3-iterations)"
    );
}

#[test]
fn a_wildcard_two_labels_up_needs_its_own_next_closer_name() {
    let verdict = |denial: fn(&Zone) -> Vec<Record>| {
        let mut scene = Scene::new();
        let answer = scene.mail.expanded(vec![txt("_x.w.mail.test.", "v=STSv1")], 2);
        let denial = denial(&scene.mail);
        scene.put("_x.w.mail.test.", "TXT", reply(ResponseCode::NoError, vec![answer], vec![denial]));
        scene.fail("w.mail.test.", "DS");
        short(&scene.ask("_x.w.mail.test.", "TXT"))
    };
    assert_eq!(verdict(|z| z.nsec("v.mail.test.", "z.mail.test.", "A")), "secure 1 data");
    assert_eq!(verdict(|z| z.nsec3_over("w.mail.test.", PLAIN)), "secure 1 data");
    // The name itself is absent, but a closer wildcard could answer for it.
    assert_eq!(verdict(|z| z.nsec("w.mail.test.", "z.w.mail.test.", "A")), "unreachable Unknown (no-answer)");
    assert_eq!(verdict(|z| z.nsec3_over("_x.w.mail.test.", PLAIN)), "unreachable Unknown (no-answer)");
}

#[test]
fn a_wildcard_asked_for_by_its_name_is_no_expansion() {
    let mut scene = Scene::new();
    let answer = scene.mail.signed(vec![txt("*.mail.test.", "v=STSv1")]);
    assert_eq!(answer[1].data.as_rrsig().input().num_labels, 2);
    scene.put("*.mail.test.", "TXT", data(vec![answer]));
    expect(&scene.ask("*.mail.test.", "TXT"), "secure 1 data");
}

#[test]
fn more_labels_than_the_owner_has_are_no_signature() {
    let mut scene = Scene::new();
    for (labels, expected) in [
        (3, "secure 1 data"),
        (4, "bogus (no-signature)"),
        (1, "bogus (no-signature)"),
        (0, "bogus (no-signature)"),
    ] {
        let answer = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
        let mut changed = answer.clone();
        if labels != 3 {
            let signature = answer[1].data.as_rrsig();
            let mut input = signature.input().clone();
            input.num_labels = labels;
            changed[1].data =
                RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature.sig().to_vec())));
        }
        scene.put(POLICY, "TXT", data(vec![changed]));
        expect(&scene.ask(POLICY, "TXT"), expected);
    }
}

trait AsRrsig {
    fn as_rrsig(&self) -> &RRSIG;
}

impl AsRrsig for RData {
    fn as_rrsig(&self) -> &RRSIG {
        match self {
            Self::DNSSEC(DNSSECRData::RRSIG(signature)) => signature,
            other => panic!("{other:?}"),
        }
    }
}

// ---- aliases -------------------------------------------------------------------------------------------------

#[test]
fn an_alias_leads_to_a_second_question_and_the_class_is_that_of_the_worst_hop() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname(POLICY, "_Target.mail.test.")]);
    // What the resolver puts behind the alias is not looked at.
    scene.put(POLICY, "TXT", data(vec![alias.clone(), vec![txt("_target.mail.test.", "forged")]]));
    let target = scene.mail.signed(vec![txt("_target.mail.test.", "v=STSv1")]);
    scene.put("_target.mail.test.", "TXT", data(vec![target]));
    let (finding, asked) = scene.walk(POLICY, "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(finding.aliases, [name("_target.mail.test.")]);
    assert_eq!(asked.last().unwrap(), "_target.mail.test. TXT");

    scene.put("_target.mail.test.", "TXT", data(vec![vec![txt("_target.mail.test.", "forged")]]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
    scene.fail("_target.mail.test.", "TXT");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)");
    scene.put(POLICY, "TXT", data(vec![vec![alias[0].clone()]]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn an_alias_in_an_insecure_zone_makes_everything_behind_it_insecure() {
    let mut scene = Scene::new();
    let insecure = scene.test.nsec("plain.test.", "q.test.", "NS");
    scene.put("plain.test.", "DS", denial(vec![insecure]));
    scene.put("_smtp-sts.plain.test.", "TXT", data(vec![vec![cname("_smtp-sts.plain.test.", POLICY)]]));
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    let finding = scene.ask("_smtp-sts.plain.test.", "TXT");
    expect(&finding, "insecure 1 data (unsigned-delegation)");
    assert!(
        matches!(&finding.outcome, Outcome::Insecure(_, why) if why.contains("plain.test.")),
        "{finding:?}"
    );
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "forged")]]));
    expect(&scene.ask("_smtp-sts.plain.test.", "TXT"), "bogus (no-signature)");
}

#[test]
fn a_wildcard_alias_needs_the_proof_of_every_wildcard() {
    let mut scene = Scene::new();
    let alias = scene.mail.expanded(vec![cname(POLICY, "_target.mail.test.")], 2);
    let target = scene.mail.signed(vec![txt("_target.mail.test.", "v=STSv1")]);
    scene.put("_target.mail.test.", "TXT", data(vec![target]));
    scene.put(POLICY, "TXT", data(vec![alias.clone()]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wildcard-unproven)");
    let absent = scene.mail.nsec("_a.mail.test.", "_t.mail.test.", "A");
    scene.put(POLICY, "TXT", reply(ResponseCode::NoError, vec![alias], vec![absent]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

#[test]
fn chains_and_loops_of_aliases_end() {
    let mut scene = Scene::new();
    let at = |i: usize| format!("_{i}.mail.test.");
    for i in 0..13 {
        let alias = scene.mail.signed(vec![cname(&at(i), &at(i + 1))]);
        scene.put(&at(i), "TXT", data(vec![alias]));
    }
    let end = scene.mail.signed(vec![txt(&at(13), "v=STSv1")]);
    scene.put(&at(13), "TXT", data(vec![end]));
    expect(&scene.ask(&at(1), "TXT"), "secure 1 data");
    assert_eq!(scene.ask(&at(1), "TXT").aliases.len(), 12);
    expect(&scene.ask(&at(0), "TXT"), "unreachable Signed (alias-chain)");
    for (from, to) in [(5, 5), (5, 2), (5, 0)] {
        let back = scene.mail.signed(vec![cname(&at(from), &at(to))]);
        scene.put(&at(from), "TXT", data(vec![back]));
        expect(&scene.ask(&at(0), "TXT"), "unreachable Signed (alias-chain)");
    }
}

#[test]
fn two_aliases_at_one_name_lead_nowhere() {
    let mut scene = Scene::new();
    let aliases = scene.mail.signed(vec![cname(POLICY, "a.mail.test."), cname(POLICY, "b.mail.test.")]);
    scene.put(POLICY, "TXT", data(vec![aliases]));
    expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (alias-broken)");
}

#[test]
fn a_question_for_the_alias_itself_is_answered_with_it() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname(POLICY, "a.mail.test.")]);
    scene.put(POLICY, "CNAME", data(vec![alias]));
    expect(&scene.ask(POLICY, "CNAME"), "secure 1 data");
    assert!(scene.ask(POLICY, "CNAME").aliases.is_empty());
}

#[test]
fn a_dname_renames_everything_below_it_and_its_cname_is_ours() {
    let mut scene = Scene::new();
    let owner = "_d.mail.test.";
    let redirect = scene.mail.signed(vec![dname(owner, "_e.mail.test.")]);
    let asked = "_smtp-sts._d.mail.test.";
    scene.put(asked, "TXT", data(vec![redirect.clone(), vec![cname(asked, "_forged.mail.test.")]]));
    let target = scene.mail.signed(vec![txt("_smtp-sts._e.mail.test.", "v=STSv1")]);
    scene.put("_smtp-sts._e.mail.test.", "TXT", data(vec![target]));
    let finding = scene.ask(asked, "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(finding.aliases, [name("_smtp-sts._e.mail.test.")]);

    // The owner itself is not renamed.
    scene.put(owner, "TXT", data(vec![redirect.clone()]));
    expect(&scene.ask(owner, "TXT"), "bogus (no-proof)");
    // The CNAME that a DNAME makes is the answer to a question for CNAME.
    scene.put(asked, "CNAME", data(vec![redirect, vec![cname(asked, "_forged.mail.test.")]]));
    match scene.ask(asked, "CNAME").outcome {
        Outcome::Secure(Content::Data(data)) => {
            assert_eq!(data, [cname(asked, "_smtp-sts._e.mail.test.").data]);
        }
        other => panic!("{other:?}"),
    }
    scene.put(
        asked,
        "TXT",
        data(vec![vec![dname(owner, "_forged.mail.test.")], vec![cname(asked, "x.test.")]]),
    );
    expect(&scene.ask(asked, "TXT"), "bogus (no-signature)");
}

#[test]
fn a_dname_may_be_written_in_any_case() {
    let mut scene = Scene::new();
    let mut redirect = scene.mail.signed(vec![dname("_d.mail.test.", "_e.mail.test.")]);
    redirect[0].data = dname("_d.mail.test.", "_E.Mail.TEST.").data;
    scene.put("_x._d.mail.test.", "TXT", data(vec![redirect]));
    let target = scene.mail.signed(vec![txt("_x._e.mail.test.", "v=STSv1")]);
    scene.put("_x._e.mail.test.", "TXT", data(vec![target]));
    expect(&scene.ask("_x._d.mail.test.", "TXT"), "secure 1 data");
}

#[test]
fn a_dname_that_makes_no_name_leads_nowhere() {
    let long = "x".repeat(60) + ".";
    let too_long = dname("_d.mail.test.", &(long.repeat(3) + "test."));
    let pointer = dname_of("_d.mail.test.", vec![2, b'_', b'e', 0xc0, 0x0c]);
    let trailing = dname_of("_d.mail.test.", vec![2, b'_', b'e', 0, 0]);
    let cut = dname_of("_d.mail.test.", vec![5, b'_', b'e']);
    for broken in [too_long, pointer, trailing, cut] {
        let mut scene = Scene::new();
        let redirect = scene.mail.signed(vec![broken]);
        let asked = format!("_{}.{}._d.mail.test.", "y".repeat(60), "z".repeat(20));
        scene.put(&asked, "TXT", data(vec![redirect]));
        expect(&scene.ask(&asked, "TXT"), "unreachable Signed (alias-broken)");
    }
}

#[test]
fn a_dname_from_a_wildcard_or_from_outside_renames_nothing() {
    let mut scene = Scene::new();
    let wild = scene.mail.expanded(vec![dname("_d.mail.test.", "_e.mail.test.")], 2);
    let absent = scene.mail.nsec("mail.test.", "_z.mail.test.", "SOA NS");
    scene.put("_x._d.mail.test.", "TXT", reply(ResponseCode::NoError, vec![wild], vec![absent]));
    expect(&scene.ask("_x._d.mail.test.", "TXT"), "bogus (expanded-wildcard)");
    let above = scene.test.signed(vec![dname("test.", "evil.")]);
    scene.put("_x._d.mail.test.", "TXT", data(vec![above]));
    expect(&scene.ask("_x._d.mail.test.", "TXT"), "bogus (no-proof)");
}

/// A DNAME speaks about the one name that it stands at, also to whoever asks for it (RFC 6672 section 3.3).
#[test]
fn a_dname_that_is_asked_for_comes_from_no_wildcard() {
    let mut scene = Scene::new();
    for (answer, rtype, outcome) in [
        (txt("_d.mail.test.", "x"), "TXT", "secure 1 data"),
        (dname("_d.mail.test.", "_e.mail.test."), "DNAME", "bogus (expanded-wildcard)"),
    ] {
        let wild = scene.mail.expanded(vec![answer.clone()], 2);
        let absent = scene.mail.nsec("mail.test.", "_z.mail.test.", "SOA NS");
        scene.put("_d.mail.test.", rtype, reply(ResponseCode::NoError, vec![wild], vec![absent]));
        expect(&scene.ask("_d.mail.test.", rtype), outcome);
        let its_own = scene.mail.signed(vec![answer]);
        scene.put("_d.mail.test.", rtype, data(vec![its_own]));
        expect(&scene.ask("_d.mail.test.", rtype), "secure 1 data");
    }
}

#[test]
fn an_alias_in_place_of_a_ds_shows_that_there_is_no_cut() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname("www.mail.test.", "elsewhere.test.")]);
    let redirect = scene.mail.signed(vec![dname("d.mail.test.", "elsewhere.test.")]);
    let unsigned = vec![vec![txt("_x.www.mail.test.", "forged")]];
    for (below, shown) in [("www.mail.test.", alias), ("d.mail.test.", redirect)] {
        let owner = format!("_x.{below}");
        let at = if below == "d.mail.test." { "a.d.mail.test." } else { below };
        let asked = format!("_x.{at}");
        scene.put(at, "DS", data(vec![shown.clone()]));
        let answer = scene.mail.signed(vec![txt(&asked, "v=STSv1")]);
        scene.put(&asked, "TXT", data(vec![answer]));
        expect(&scene.ask(&asked, "TXT"), "secure 1 data");
        scene.put(&asked, "TXT", data(unsigned.clone()));
        assert!(short(&scene.ask(&asked, "TXT")).starts_with("bogus"), "{owner}");
        // Without its signature it shows nothing.
        scene.put(at, "DS", data(vec![vec![shown[0].clone()]]));
        assert!(short(&scene.ask(&asked, "TXT")).starts_with("bogus"), "{owner}");
    }
}

#[test]
fn types_that_are_no_rrset_are_not_walked_for() {
    for rtype in ["ANY", "AXFR", "RRSIG"] {
        expect(&Scene::new().ask("mail.test.", rtype), "unreachable Unknown (meta-type)");
    }
}

// ---- insecure zones ------------------------------------------------------------------------------------------

/// The verdict on a question in an insecure zone.
fn insecure(rtype: &str, message: hickory_proto::op::Message) -> smtp_sts_verify::dns::walk::Finding {
    let mut scene = Scene::new();
    let cut = scene.test.nsec("plain.test.", "q.test.", "NS");
    scene.put("plain.test.", "DS", denial(vec![cut]));
    scene.put("_x.plain.test.", rtype, message);
    scene.ask("_x.plain.test.", rtype)
}

#[test]
fn in_an_insecure_zone_a_reply_is_taken_as_it_is() {
    let owner = "_x.plain.test.";
    let plain = "unsigned-delegation";
    let twice =
        data(vec![vec![txt(owner, "a"), txt(owner, "a"), txt(owner, "b"), txt("_y.plain.test.", "c")]]);
    expect(&insecure("TXT", twice), &format!("insecure 2 data ({plain})"));
    expect(
        &insecure("TXT", denial(vec![vec![soa("plain.test.", 60)]])),
        &format!("insecure nodata ({plain})"),
    );
    let gone = reply(ResponseCode::NXDomain, vec![], vec![vec![soa("plain.test.", 60)]]);
    expect(&insecure("TXT", gone), &format!("insecure nxdomain ({plain})"));
}

#[test]
fn in_an_insecure_zone_what_is_no_answer_is_no_absence() {
    let referral =
        denial(vec![vec![record("plain.test.", RData::NS(hickory_proto::rr::rdata::NS(name("ns.test."))))]]);
    expect(&insecure("TXT", referral), "unreachable ProvenInsecure (no-answer)");
    let owner = "_x.plain.test.";
    let two = data(vec![vec![cname(owner, "a.test."), cname(owner, "b.test.")]]);
    expect(&insecure("TXT", two), "unreachable ProvenInsecure (alias-broken)");
    let itself = data(vec![vec![cname(owner, owner)]]);
    expect(&insecure("TXT", itself), "unreachable ProvenInsecure (alias-chain)");
    let mut short = data(vec![vec![txt(owner, "a")]]);
    short.metadata.truncation = true;
    expect(&insecure("TXT", short), "unreachable ProvenInsecure (no-answer)");
}

// ---- life ----------------------------------------------------------------------------------------------------

fn life(finding: &smtp_sts_verify::dns::walk::Finding) -> Option<u64> {
    finding.valid_until.map(|until| until.0 - NOW)
}

#[test]
fn an_answer_lives_as_long_as_its_shortest_ttl_or_signature() {
    let now = u32::try_from(NOW).unwrap();
    let with = |change: fn(&mut Vec<Record>), expiration: u32| {
        let mut scene = Scene::new();
        let mut policy = scene.mail.signed_but(vec![txt(POLICY, "v=STSv1")], |input| {
            input.sig_expiration = SerialNumber::new(expiration);
        });
        change(&mut policy);
        scene.put(POLICY, "TXT", data(vec![policy]));
        life(&scene.ask(POLICY, "TXT"))
    };
    assert_eq!(with(|_| {}, now + 10_000), Some(600));
    assert_eq!(with(|set| set[0].ttl = 60, now + 10_000), Some(60));
    assert_eq!(with(|set| set[1].ttl = 30, now + 10_000), Some(30));
    assert_eq!(with(|set| set.iter_mut().for_each(|r| r.ttl = 604_800), now + 10_000), Some(600));
    assert_eq!(with(|set| set[0].ttl = u32::MAX, now + 10_000), Some(0));
    assert_eq!(with(|_| {}, now + 7), Some(7));
    assert_eq!(with(|_| {}, now), Some(0));
}

#[test]
fn an_answer_does_not_outlive_the_chain_that_it_hangs_from() {
    let mut scene = Scene::new();
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    scene.change("test.", "DNSKEY", |message| message.answers[0].ttl = 99);
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(99));
    scene.change("mail.test.", "DS", |message| message.answers[1].ttl = 55);
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(55));
}

#[test]
fn no_answer_lives_longer_than_a_day_and_no_absence_longer_than_an_hour() {
    let mut scene = Scene::new();
    let long = |mut record: Record| {
        record.ttl = 1_000_000;
        record
    };
    for (parent, child) in [(&scene.root, &scene.test), (&scene.test, &scene.mail)].map(|(p, c)| {
        (p.signed(vec![long(c.ds(hickory_proto::dnssec::DigestType::SHA256))]), c.origin.to_ascii())
    }) {
        scene.put(&child, "DS", data(vec![parent]));
    }
    for (keys, origin) in
        [&scene.root, &scene.test, &scene.mail].map(|z| (z.signed(vec![long(z.key())]), z.origin.to_ascii()))
    {
        scene.put(&origin, "DNSKEY", data(vec![keys]));
    }
    let policy = scene.mail.signed(vec![long(txt(POLICY, "v=STSv1"))]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(86_400));
    let mut nsec = scene.mail.nsec(POLICY, "a.mail.test.", "A");
    nsec.truncate(1);
    let nsec = scene.mail.signed(nsec.into_iter().map(long).collect());
    scene.put(POLICY, "TXT", denial(vec![nsec]));
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(3_600));
}

#[test]
fn an_absence_lives_no_longer_than_its_soa_allows() {
    let mut scene = Scene::new();
    let nsec = scene.mail.nsec(POLICY, "a.mail.test.", "A");
    scene.put(POLICY, "TXT", denial(vec![nsec.clone()]));
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(600));
    scene.put(POLICY, "TXT", denial(vec![nsec, vec![soa("mail.test.", 30)]]));
    assert_eq!(life(&scene.ask(POLICY, "TXT")), Some(30));
}

#[test]
fn what_is_insecure_lives_as_long_as_its_ttl_and_an_absence_without_soa_not_at_all() {
    let owner = "_x.plain.test.";
    assert_eq!(life(&insecure("TXT", data(vec![vec![txt(owner, "a")]]))), Some(600));
    assert_eq!(life(&insecure("TXT", denial(vec![vec![soa("plain.test.", 60)]]))), Some(60));
    assert_eq!(life(&insecure("TXT", denial(vec![]))), Some(0));
}

#[test]
fn what_is_bogus_or_unreachable_has_no_life() {
    let mut scene = Scene::new();
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "forged")]]));
    assert_eq!(life(&scene.ask(POLICY, "TXT")), None);
    scene.fail(POLICY, "TXT");
    let finding = scene.ask(POLICY, "TXT");
    assert_eq!((finding.valid_until, finding.outcome.content()), (None, None));
    assert_eq!(UnixTime(NOW), scene.now);
}
