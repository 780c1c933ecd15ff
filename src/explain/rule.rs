//! Where the rule of each step stands: a closed list. The rules of reasons and findings stand with these.

/// The administrator's word, and the order of the mechanisms where no RFC gives one.
pub(super) const MANUAL: &str = "this program's manual";
/// Which hosts a domain's mail goes to.
pub(super) const MX_HOSTS: &str = "RFC 5321 section 5.1";
/// A domain that takes no mail.
pub(super) const NULL_MX: &str = "RFC 7505 section 3";
/// More MX records than are judged.
pub(super) const LIMITS: &str = "this program's limits";
/// Which answers about TLSA records count, and what they ask.
pub(super) const DANE: &str = "RFC 7672 section 2.2";
/// DANE needs MX records that are signed.
pub(super) const DANE_ROUTING: &str = "RFC 7672 section 2.2.1";
/// The record, the policy, its fetch.
pub(super) const MTA_STS: &str = "RFC 8461 sections 3.1 to 3.3";
/// What a policy of MTA-STS does to a delivery.
pub(super) const MTA_STS_APPLIED: &str = "RFC 8461 section 5";
/// A policy never repairs what DANE finds.
pub(super) const DANE_ABOVE_MTA_STS: &str = "RFC 8461 section 2";
/// The record, and how it is authenticated.
pub(super) const SMTP_STS: &str = "draft-margolis-smtp-sts-00 sections 3.1 and 3.3";
/// What a policy of the draft does to a delivery.
pub(super) const SMTP_STS_APPLIED: &str = "draft-margolis-smtp-sts-00 section 3.5";
/// What Exim does, and how long mail waits.
pub(super) const EXIM: &str = "exim/enforce/router/190_smtp-sts-verify; RFC 5321 section 4.5.4.1";

/// Every one of them.
pub const ALL: [&str; 12] = [
    MANUAL,
    MX_HOSTS,
    NULL_MX,
    LIMITS,
    DANE,
    DANE_ROUTING,
    MTA_STS,
    MTA_STS_APPLIED,
    DANE_ABOVE_MTA_STS,
    SMTP_STS,
    SMTP_STS_APPLIED,
    EXIM,
];
