//! Where a connection goes: to an address that was answered, looked at, and found public; to no other.

use super::site::{Authority, HOST, Names, Site, answered, fetch_with, host_params, policy_with, settings};
use smtp_sts_verify::dns::{Answer, Blame, Content, Outage, Outcome, Question, Resolve, ZoneStatus};
use smtp_sts_verify::https::{FetchError, FetchFailure, HttpsSettings, MediaType};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering;

async fn good_site() -> (Site, HttpsSettings, Authority) {
    let authority = Authority::new();
    let site = Site::serve(authority.issue(&host_params()), policy_with("")).await;
    let settings = settings(&site, authority.roots());
    (site, settings, authority)
}

#[tokio::test]
async fn a_private_address_is_never_connected_to() {
    let (site, settings, _authority) = good_site().await;
    let settings = HttpsSettings { allow_private_addresses: false, ..settings };
    for address in
        ["127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254"]
    {
        let names = Names::at(address.parse().unwrap());
        let error = fetch_with(&names, settings.clone(), MediaType::Any).await.unwrap_err();
        assert!(matches!(error, FetchError::AddressRefused { .. }), "{error}");
        assert!(error.to_string().contains(address), "{error}");
    }
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn a_laboratory_may_have_private_addresses() {
    let (site, settings, _authority) = good_site().await;
    assert!(fetch_with(&Names::at(site.address.ip()), settings, MediaType::Any).await.is_ok());
}

/// The second answer would lead elsewhere, and nobody asks for it.
#[tokio::test]
async fn the_address_that_was_looked_at_is_the_one_that_is_connected_to() {
    let (site, settings, _authority) = good_site().await;
    let names = Names::by_turns(vec![vec![site.address.ip()], vec![IpAddr::V4(Ipv4Addr::new(127, 9, 9, 9))]]);
    assert!(fetch_with(&names, settings, MediaType::Any).await.is_ok());
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn an_address_that_refuses_leads_to_the_next_one() {
    let (site, settings, _authority) = good_site().await;
    let silent = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
    let names = Names::by_turns(vec![vec![IpAddr::V6(Ipv6Addr::LOCALHOST), silent, site.address.ip()]]);
    assert!(fetch_with(&names, settings, MediaType::Any).await.is_ok());
}

#[tokio::test]
async fn no_more_than_four_addresses_are_tried() {
    let (site, settings, _authority) = good_site().await;
    let mut addresses: Vec<_> = (1..=4).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 7, n))).collect();
    addresses.push(site.address.ip());
    let error = fetch_with(&Names::by_turns(vec![addresses]), settings, MediaType::Any).await.unwrap_err();
    assert!(matches!(error, FetchError::Interrupted { .. }), "{error}");
    assert_eq!(error.failure(), FetchFailure::Unreachable);
    assert_eq!(site.connections(), 0);
}

/// One outcome for each of AAAA and A.
struct Outcomes([Outcome; 2]);

impl Resolve for Outcomes {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        questions.iter().zip(&self.0).map(|(question, outcome)| answered(question, outcome.clone())).collect()
    }
}

#[tokio::test]
async fn what_is_bogus_or_silent_is_never_connected_to_and_told_apart_from_absence() {
    let (site, settings, _authority) = good_site().await;
    let bogus = || Outcome::Bogus(Blame::Domain, "a signature\nis false".into());
    let silent = || Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Signed, "nobody answered".into());
    let absent = || Outcome::Secure(Content::Nxdomain);
    for (outcomes, expected) in [
        (
            [bogus(), absent()],
            format!("the addresses of policy host {HOST} are bogus: a signature\\u{{a}}is false"),
        ),
        (
            [silent(), bogus()],
            format!("the addresses of policy host {HOST} are bogus: a signature\\u{{a}}is false"),
        ),
        (
            [absent(), silent()],
            format!("the addresses of policy host {HOST} could not be learnt: nobody answered"),
        ),
        ([absent(), absent()], format!("policy host {HOST} has no address")),
    ] {
        let error = fetch_with(&Outcomes(outcomes), settings.clone(), MediaType::Any).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.failure(), FetchFailure::Unreachable);
    }
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn a_bogus_answer_for_one_family_leaves_the_other_usable() {
    use hickory_proto::rr::{RData, rdata::A};
    let (_site, settings, _authority) = good_site().await;
    let good = Outcome::Insecure(Content::Data(vec![RData::A(A(Ipv4Addr::LOCALHOST))]), "example".into());
    let names = Outcomes([Outcome::Bogus(Blame::Domain, String::new()), good]);
    assert!(fetch_with(&names, settings, MediaType::Any).await.is_ok());
}
