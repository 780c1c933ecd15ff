//! `cache ...`.

use crate::screen::typed;
use crate::support::laboratory::Laboratory;
use crate::support::program::Program;

/// Policies of both dialects, one of them never met by a delivery.
fn filled(lab: &Laboratory) -> Program {
    let program = Program::new(lab);
    for (domain, host) in [
        ("sts.test", "mx1.sts.test"),
        ("enforced.test", "mx1.enforced.test"),
        ("first.test", "mx.first.test"),
        ("sts-testing.test", "mx.sts-testing.test"),
    ] {
        program.delivery(domain, host);
    }
    program
}

#[test]
fn what_is_remembered_is_a_table_a_page_and_a_story() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    typed("cache list").at(&lab, &program).shows("cache-list");
    typed("cache show sts.test").at(&lab, &program).shows("cache-show");
    typed("cache show first.test").at(&lab, &program).shows("cache-show-first-use");
    typed("cache history sts.test").at(&lab, &program).shows("cache-history");
    typed("cache refresh sts.test").at(&lab, &program).shows("cache-refresh");
    typed("cache purge sts.test").at(&lab, &program).shows("cache-purge");
}

#[test]
fn an_empty_cache_says_that_it_is_empty() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    typed("cache list").at(&lab, &program).shows("cache-list-empty");
    typed("cache show sts.test").at(&lab, &program).shows("cache-show-nothing");
    typed("cache history sts.test").at(&lab, &program).shows("cache-history-nothing");
    typed("cache purge sts.test").at(&lab, &program).shows("cache-purge-nothing");
    typed("cache refresh sts.test").at(&lab, &program).shows("cache-refresh-nothing");
    typed("cache show a..b").at(&lab, &program).shows("cache-show-no-domain");
}

#[test]
fn what_was_counted_is_told_by_day_and_nothing_is_nothing() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    typed("reports").at(&lab, &program).shows("reports-nothing");
    typed("reports --day 2026-02-30").at(&lab, &program).shows("reports-no-day");
}
