use crate::name::PolicyDomain;
use crate::policy::smtp_sts::{Mechanism, Record};

fn url(a: &str) -> Option<String> {
    let record = Record::parse(&format!("v=STS1; to=true; a={a}")).unwrap();
    let Some(Mechanism::WebPki(location)) = record.terms().mechanism.clone() else { panic!("{a}") };
    location.url(&PolicyDomain::parse("example.com").unwrap()).map(|url| url.to_string())
}

#[test]
fn without_a_location_it_is_the_well_known_place() {
    let default = Some("https://example.com/.well-known/smtp-sts/current".to_owned());
    assert_eq!(url("webpki"), default);
    assert_eq!(url("webpki:.well-known/smtp-sts/current"), default);
    // RFC 3986 section 5.2: an absolute path stays as it is.
    assert_eq!(url("webpki:/.well-known/smtp-sts/current"), default);
}

#[test]
fn the_copy_may_only_be_on_the_policy_domain_and_over_https() {
    assert_eq!(url("webpki:https://example.com/p"), Some("https://example.com/p".into()));
    for elsewhere in [
        "https://evil.test/x",
        "http://example.com/x",
        "https://www.example.com/x",
        "https://example.com:444/x",
        "ftp:x",
    ] {
        assert_eq!(url(&format!("webpki:{elsewhere}")), None, "{elsewhere}");
    }
}
