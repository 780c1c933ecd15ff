//! What a wrong clock looks like: the same look, at another time.

use crate::support::laboratory::Laboratory;
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::doctor::look::outside::{Wanted, look};
use smtp_sts_verify::doctor::{Check, Health, judge};
use smtp_sts_verify::https::HttpsSettings;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What clock and name server come to when the clock says this.
async fn judged_at(lab: &Laboratory, now: UnixTime) -> [Health; 2] {
    let text = std::fs::read_to_string(lab.trust_anchor()).unwrap();
    let wanted = Wanted {
        servers: Ok(vec![lab.dns()]),
        looks_at_theirs: false,
        anchors: Arc::new(TrustAnchors::parse(&text).unwrap()),
        anchor_file: None,
        https: HttpsSettings::default(),
        url: Err("not asked".to_owned()),
    };
    let outside = look(&wanted, &now, Instant::now() + Duration::from_secs(10)).await;
    let findings = [judge::time::judge(&outside), judge::resolvers::judge(&outside.servers)].concat();
    [Check::ClockRootSignature, Check::ResolverDnssec]
        .map(|check| findings.iter().find(|finding| finding.check == check).unwrap().health)
}

#[tokio::test]
async fn a_clock_that_is_years_off_is_to_blame_and_the_name_server_is_not() {
    const TEN_YEARS: u64 = 315_576_000;
    let lab = Laboratory::start();
    let now = SystemClock.now();
    assert_eq!(judged_at(&lab, now).await, [Health::Fine, Health::Fine]);
    for wrong in [UnixTime(now.0 - TEN_YEARS), now.plus(TEN_YEARS)] {
        assert_eq!(judged_at(&lab, wrong).await, [Health::Wrong, Health::NotChecked], "{wrong}");
    }
}
