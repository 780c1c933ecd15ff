//! The pages of the daemon: its series, and the page for people.

use super::prometheus::{check_metrics, series};
use super::scene::shows;
use proptest::prelude::*;
use smtp_sts_verify::cache::{Census, InForce, Outlook};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::reporting::outbox::{Glance, OutboxEntry, State};
use smtp_sts_verify::reports::tally::Day;
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::pages::{metrics, status_page};
use smtp_sts_verify::serve::protocol::question::Question;
use smtp_sts_verify::serve::telemetry::counters::{Counters, Mta, Protocol, Source};
use smtp_sts_verify::serve::telemetry::fleet_view::{
    FleetView, HostSeen, OverrideSeen, ReportsSeen, WeakenedSeen,
};
use smtp_sts_verify::serve::telemetry::recent::Recent;
use smtp_sts_verify::serve::telemetry::status::{NoOutlook, Reports, Status};
use smtp_sts_verify::time::UnixTime;
use smtp_sts_verify::verdict::Verdict;
use smtp_sts_verify::verify::{NoEvaluation, Report};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const NOW: UnixTime = UnixTime(1_764_547_200);

fn policy(name: &str, mode: &str, mx: &str, left: u64) -> StoredPolicy {
    let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: 604800\n");
    let (domain, at) = (PolicyDomain::parse(name).unwrap(), UnixTime(NOW.0 + left - 604_800));
    let policy = Policy::from_text(Dialect::MtaSts, &text).unwrap();
    StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at.plus(300))
}

fn question(domain: &str, host: Option<&str>) -> Question {
    let host = host.map(|host| MxHost::from_text(host).unwrap());
    Question::about(PolicyDomain::parse(domain).unwrap(), host)
}

fn withhold(recent: &mut Recent, question: &Question, verdict: Verdict, reason: Reason, at: u64) {
    let report = Report::from(NoEvaluation { verdict, reason, why: String::new() });
    recent.answered(question, &MtaAnswer::of(&report, question), UnixTime(at));
}

/// A daemon that has just been started, with everything in order.
fn young() -> Status {
    Status {
        now: NOW,
        started_at: UnixTime(NOW.0 - 5),
        older: None,
        loaded_at: UnixTime(NOW.0 - 5),
        places: vec!["/run/smtp-sts-verify/exim.sock".into(), "127.0.0.1:8461".into()],
        name_servers: vec!["127.0.0.1:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()],
        outlook: Ok(Arc::new(Outlook::default())),
        reports: Some(Arc::new(Reports { is_sending: false, glance: Ok(Glance::default()) })),
        lookup_worker: Ok(()),
        cached_answers: 0,
        recent: Vec::new(),
        counters: Arc::new(Counters::default()),
    }
}

/// A fleet in which something is the matter with everything.
fn fleet_of(counters: &Counters, now: UnixTime) {
    let joined = UnixTime(now.0 - 90_000);
    counters.fleet_joined.set(joined);
    counters.fleet_connected.set(UnixTime(now.0 - 4_000));
    counters.fleet_outbox.set(UnixTime(3));
    let host = |name: &str, circumstances: &str, unseen_for, clock_offset| HostSeen {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        circumstances: circumstances.repeat(16),
        unseen_for,
        clock_offset,
        outbox: 3,
        applied_change: 8_000,
        outbox_since: Some(UnixTime(now.0 - 5_400)),
        overdue: 2,
        trouble: Some((
            UnixTime(now.0 - 7_300),
            "the database says 'no space <i>left</i>' (53100)".to_owned(),
        )),
    };
    let claimed = |host: &str, state: &str, number| (host.to_owned(), state.to_owned(), number);
    let weakened = |domain: &str, roles| WeakenedSeen {
        domain: domain.to_owned(),
        host: "mx2".to_owned(),
        before: "enforce webpki".to_owned(),
        after: "testing webpki".to_owned(),
        at: UnixTime(now.0 - 7_300),
        roles,
    };
    counters.fleet_board.pin(FleetView {
        at: Some(UnixTime(now.0 - 9)),
        role: "mx1".to_owned(),
        store: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        schema: 1,
        server: "192.0.2.10 port 5432".to_owned(),
        clock_offset: -2,
        change: 8_017,
        applied_change: 8_000,
        oldest: Some(UnixTime(now.0 - 700)),
        hosts: vec![
            host("mx1", "a1", 9, -2),
            host("mx2", "b2", 12, 75),
            host("<script>mx3", "a1", 86_400, 0),
        ],
        policies: 1_204_000,
        by_authentication: vec![("webpki", 1_203_000), ("dnssec", 1_000)],
        by_demand: vec![("enforce", 1_100_000), ("testing", 104_000)],
        fetched_twice: 5,
        reports: Some(ReportsSeen::of(
            "2026-11-29".to_owned(),
            vec!["<u>mx4".to_owned()],
            6,
            vec![
                claimed("<s>mx1", "claimed", 3),
                claimed("<s>mx1", "sent", 1_207),
                claimed("mx2", "gave-up", 1),
            ],
        )),
        weakened: vec![weakened("bank.example", 1), weakened("<b>shop.example", 2)],
        overrides: vec![OverrideSeen {
            number: 7,
            scope: "*.partner.example".to_owned(),
            effect: "none",
            ends: now.plus(9_000),
            reason: "ticket 4711 <script>".to_owned(),
        }],
    });
    counters.fleet_board.warn(UnixTime(now.0 - 4_010), "the connection was closed".to_owned());
}

/// One that has worked for some days.
pub(crate) fn busy() -> Status {
    let mut status = young();
    status.started_at = UnixTime(NOW.0 - 3 * 86_400 - 7_000);
    status.loaded_at = UnixTime(NOW.0 - 4_000);
    let counters = &status.counters;
    for (number, mta, verdict, reason, source, micros) in [
        (1_204, Mta::Exim, Verdict::Deliver, Reason::PolicyMet, Source::Warm, 7),
        (310, Mta::Postfix, Verdict::Deliver, Reason::NoPolicy, Source::LookUp, 34_000),
        (41, Mta::Exim, Verdict::Deliver, Reason::DaneUsable, Source::Shared, 21_000),
        (12, Mta::Exim, Verdict::Defer, Reason::DnssecBogus, Source::LookUp, 300_000),
        (3, Mta::Exim, Verdict::Refuse, Reason::MxNotInPolicy, Source::Warm, 60),
    ] {
        for _ in 0..number {
            counters.answered(mta, verdict, reason, source, Duration::from_micros(micros));
        }
    }
    counters.connections.of(Protocol::Exim).add(1_260);
    counters.dns_questions.add(4_321);
    counters.store_troubles.add(2);
    counters.look_ups_under_way.up();
    let mut recent = Recent::default();
    let bogus = question("bogus.example", None);
    for ago in [9_000, 5_400, 1_800] {
        withhold(&mut recent, &bogus, Verdict::Defer, Reason::DnssecBogus, NOW.0 - ago);
    }
    let refused = question("bank.example", Some("mx.attacker.example"));
    withhold(&mut recent, &refused, Verdict::Refuse, Reason::MxNotInPolicy, NOW.0 - 42);
    status.recent = recent.iter().cloned().collect();
    fleet_of(counters, NOW);
    status.cached_answers = 1_312;
    let many: String = (1..=7).map(|n| format!("mx: mx{n}.provider.example\n")).collect();
    let soonest = vec![
        policy("bank.example", "enforce", "mx: mx.bank.example\n", 90_000),
        policy("provider.example", "enforce", &many, 400_000),
        policy("trial.example", "testing", "mx: *.trial.example\n", 500_000),
    ];
    let next_end = soonest[0].expires_at;
    let kind =
        |is_enforced, number, next_end| InForce { dialect: Dialect::MtaSts, is_enforced, number, next_end };
    let in_force = vec![kind(false, 211, soonest[2].expires_at), kind(true, 1_890, next_end)];
    let census = Census { here: 2_400, elsewhere: 0 };
    status.outlook = Ok(Arc::new(Outlook { in_force, soonest, census }));
    status.reports = Some(Arc::new(reports()));
    status
}

/// Reports of a day on which one address refused, and one server does not answer.
fn reports() -> Reports {
    let failed = |domain: &str, state: State, words: &str| OutboxEntry {
        day: Day::of(NOW).before(1),
        domain: PolicyDomain::parse(domain).unwrap(),
        state,
        next: UnixTime(NOW.0 + 1_200),
        first: UnixTime(NOW.0 - 1_200),
        tries: 3,
        words: words.to_owned(),
        destinations: Vec::new(),
    };
    let glance = Glance {
        day: Day::of(NOW).before(1).0,
        by_state: [1, 0, 0, 640, 1, 2_750],
        last_run: Some(UnixTime(NOW.0 - 300)),
        failed: vec![
            failed(
                "dead.example",
                State::GaveUp,
                "rua@dead.example: sendmail ended with 67, there is no such address",
            ),
            failed("slow.example", State::Due, "https://slow.example/: was given up while <connecting>"),
        ],
    };
    Reports { is_sending: true, glance: Ok(glance) }
}

fn value<'a>(text: &'a str, series: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

#[test]
fn the_series_of_a_daemon_that_has_worked() {
    shows("daemon-metrics", &metrics::exposition(&busy()));
}

#[test]
fn the_page_of_a_daemon_that_has_worked() {
    shows("daemon-page", &body(&status_page::page(&busy())));
}

#[test]
fn the_page_of_a_daemon_that_is_not_ready() {
    let mut status = young();
    status.outlook = Err(NoOutlook::Trouble("the store has a broken file".into()));
    let page = status_page::page(&status);
    assert!(page.contains("<strong>Not ready:</strong> the store has a broken file"), "{page}");
    assert!(page.contains("<title>Not ready"), "{page}");
    assert!(!page.contains("None yet"), "what is not known is not told as nothing: {page}");
}

/// Without the stylesheet, which is looked at in a browser.
fn body(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    format!("{head}{}", rest.split_once("</style>").unwrap().1)
}

#[test]
fn promtool_has_nothing_to_say_about_the_daemon() {
    for status in [young(), busy()] {
        check_metrics(&metrics::exposition(&status));
    }
}

#[test]
fn every_count_is_there_before_anybody_asks_and_no_question_adds_a_series() {
    let names = |text: &str| series(text).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let (before, after) = (names(&metrics::exposition(&young())), names(&metrics::exposition(&busy())));
    // Those of a fleet are there once there is one.
    let added: Vec<_> =
        after.difference(&before).filter(|name| !name.starts_with("smtp_sts_serve_fleet_")).collect();
    assert_eq!(
        added,
        ["smtp_sts_serve_next_policy_expiry_timestamp_seconds"],
        "known once there is a policy"
    );
    assert!(after.len() < 300, "{}", after.len());
}

#[test]
fn a_store_that_does_not_tell_has_no_old_numbers() {
    let mut status = busy();
    status.outlook = Err(NoOutlook::Trouble("the store has a broken file".into()));
    let text = metrics::exposition(&status);
    assert!(
        !text.contains("policies_in_force") && value(&text, "smtp_sts_serve_ready") == Some("0"),
        "{text}"
    );
}

#[test]
fn what_is_answered_is_counted_in_its_series() {
    let text = metrics::exposition(&busy());
    for (series, expected) in [
        ("smtp_sts_serve_answers_total{protocol=\"exim\",verdict=\"refuse\"}", "3"),
        ("smtp_sts_serve_answers_total{protocol=\"postfix\",verdict=\"deliver\"}", "310"),
        ("smtp_sts_serve_reasons_total{reason=\"dnssec-bogus\"}", "12"),
        ("smtp_sts_serve_answer_seconds_bucket{source=\"warm\",le=\"0.00001\"}", "1204"),
        ("smtp_sts_serve_answer_seconds_bucket{source=\"warm\",le=\"+Inf\"}", "1207"),
        ("smtp_sts_serve_answer_seconds_count{source=\"shared\"}", "41"),
        ("smtp_sts_serve_policies_in_force{mechanism=\"mta-sts\",enforced=\"yes\"}", "1890"),
        ("smtp_sts_serve_policies_in_force{mechanism=\"smtp-sts\",enforced=\"no\"}", "0"),
        ("smtp_sts_serve_ready", "1"),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}");
    }
}

#[test]
fn a_store_that_still_counts_a_million_policies_is_ready() {
    let mut status = young();
    status.outlook = Err(NoOutlook::Counting);
    assert_eq!(status.readiness(), Ok(()));
    assert!(status_page::page(&status).contains("has not counted them yet"));
}

#[test]
fn whatever_is_missing_is_the_reason_why_it_is_not_ready() {
    assert_eq!(young().readiness(), Ok(()));
    let without = |change: fn(&mut Status)| {
        let mut status = young();
        change(&mut status);
        status.readiness().unwrap_err()
    };
    assert!(without(|status| status.places.clear()).contains("no place to listen at"));
    assert!(without(|status| status.name_servers.clear()).contains("no name server"));
    assert!(
        without(|status| status.lookup_worker = Err("the lookup worker is silent".into()))
            .contains("the lookup worker")
    );
    assert!(
        without(|status| status.outlook = Err(NoOutlook::Trouble("the disk is full".into())))
            .contains("the disk is full")
    );
}

/// Everything between angle brackets, as a browser would see it.
fn tags(page: &str) -> BTreeSet<String> {
    page.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_has_no_script_no_form_no_frame_and_loads_nothing() {
    let page = status_page::page(&busy());
    for name in ["script", "form", "iframe", "object", "embed", "img", "base", "input", "button"] {
        assert!(!tags(&page).contains(name), "{name}");
    }
    for forbidden in [" style=", " onload=", " onclick=", "http-equiv", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let links = page.match_indices("href=\"").map(|(at, _)| page[at + 6..].split('"').next().unwrap());
    for link in links {
        assert!(
            ["/", "/metrics", "/healthz", "/readyz"].contains(&link) || link.starts_with("data:image/svg"),
            "{link}"
        );
    }
}

/// A stylesheet that changes without its digest would leave the page without one.
#[test]
fn the_policy_for_browsers_lets_in_the_stylesheet_and_the_icon_and_nothing_else() {
    let policy = status_page::content_security_policy();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script") && !policy.contains("http"), "{policy}");
}

proptest! {
    #[test]
    fn no_text_of_a_stranger_adds_a_tag_or_an_attribute(text in "\\PC{0,60}|[<>&\"'=a-z/ ]{1,60}") {
        let shown = |words: &str| {
            let mut status = busy();
            status.places.push(words.to_owned());
            let ready = status_page::page(&status);
            status.outlook = Err(NoOutlook::Trouble(words.to_owned()));
            ready + &status_page::page(&status)
        };
        let (page, plain) = (shown(&text), shown("plain"));
        prop_assert_eq!(page.matches('<').count(), plain.matches('<').count());
        prop_assert_eq!(page.matches('"').count(), plain.matches('"').count());
        prop_assert!(page.is_ascii());
    }
}

/// Fifty rows are shown: that there are more is said, and what somebody should look at is among the fifty.
#[test]
fn in_a_long_list_of_the_fleet_what_is_worth_a_look_comes_first() {
    let names = || (0..60).map(|number| format!("mx{number:02}"));
    let host = |name: String| HostSeen {
        overdue: u64::from(name == "mx58"),
        trouble: (name == "mx59").then(|| (UnixTime(NOW.0 - 9), "its disk is full".to_owned())),
        name,
        ..HostSeen::default()
    };
    let open = |name: &str| if name == "mx57" { "claimed" } else { "sent" };
    let claimed = names().map(|name| (name.clone(), open(&name).to_owned(), 1)).collect();
    let status = busy();
    status.counters.fleet_board.pin(FleetView {
        hosts: names().map(host).collect(),
        reports: Some(ReportsSeen::of("2026-11-29".to_owned(), names().collect(), 0, claimed)),
        ..FleetView::default()
    });
    let page = status_page::page(&status);
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}: {}", body(&page)));
    let named = |name: &str| format!("<strong>{name}</strong>");
    assert!(place(&named("mx58")) < place(&named("mx59")), "overdue, then trouble");
    assert!(place(&named("mx59")) < place(&named("mx00")), "then the rest by their names");
    assert!(place(&named("mx57")) < page.rfind(&named("mx00")).unwrap(), "who has open reports");
    assert!(page.contains("mx49 and 10 more."), "{}", body(&page));
    assert_eq!(page.matches("10 more are not shown.").count(), 2, "{}", body(&page));
}

#[test]
fn what_is_the_matter_with_the_fleet_stands_on_the_page_escaped() {
    let status = busy();
    let page = status_page::page(&status);
    for expected in [
        "2 groups that share nothing",
        "192.0.2.10 port 5432",
        "01234567-89ab-cdef-0123-456789abcdef",
        "unseen",
        "bank.example",
        "*.partner.example",
        "ticket 4711",
        "The last trouble",
        "(53100)",
        "the oldest for 1 hour",
        "TLS reports about 2026-11-29",
        "mx4",
        "1,207",
        "<dt>fetched twice in a minute</dt><dd>5</dd>",
        "<dt>not fetched again in time</dt><dd>4</dd>",
        "<dt>enforce</dt><dd>1,100,000</dd>",
    ] {
        assert!(page.contains(expected), "{expected}: {}", body(&page));
    }
    for foreign in ["<script>", "<b>", "<i>", "<u>", "<s>"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let series = metrics::exposition(&status);
    for expected in [
        "smtp_sts_serve_fleet_hosts{state=\"unseen\"} 1\n",
        "smtp_sts_serve_fleet_hosts{state=\"seen\"} 2\n",
        "smtp_sts_serve_fleet_groups 2\n",
        "smtp_sts_serve_fleet_clock_offset_seconds -2\n",
        "smtp_sts_serve_fleet_behind 17\n",
        "smtp_sts_serve_fleet_weakened{confirmed=\"no\"} 1\n",
        "smtp_sts_serve_fleet_overrides 1\n",
        "smtp_sts_serve_fleet_overdue 4\n",
        "smtp_sts_serve_fleet_fetched_twice_total 5\n",
        "smtp_sts_serve_fleet_reports{state=\"unclaimed\"} 6\n",
        "smtp_sts_serve_fleet_reports{state=\"claimed\"} 3\n",
        "smtp_sts_serve_fleet_reports{state=\"sent\"} 1207\n",
        "smtp_sts_serve_fleet_reports{state=\"gave-up\"} 1\n",
        "smtp_sts_serve_fleet_reports{state=\"unwanted\"} 0\n",
        "smtp_sts_serve_fleet_reports_missing 1\n",
    ] {
        assert!(series.contains(expected), "{expected}");
    }
    // While the database is away there are no old numbers that look like good ones, and the page says what is the matter.
    status.counters.fleet_connected.set(UnixTime(0));
    let (page, series) = (status_page::page(&status), metrics::exposition(&status));
    assert!(page.contains("is not connected") && page.contains("the connection was closed"), "{page}");
    assert!(series.contains("smtp_sts_serve_fleet_connected 0\n") && !series.contains("fleet_groups"));
    assert!(
        !status_page::page(&young()).contains("fleet") && !metrics::exposition(&young()).contains("fleet")
    );
}
