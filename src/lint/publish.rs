//! What a domain should publish for the MX hosts that it has. Pure.

use super::human::push_wrapped;
use super::kind::Kind;
use super::{Part, json};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Mode, WordEntry};
use crate::time::UnixTime;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Two TXT records and a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    domain: PolicyDomain,
    /// The TXT record at `_mta-sts.` (RFC 8461 section 3.1).
    pub record: String,
    /// The policy file (RFC 8461 section 3.2), its lines ended by LF.
    pub body: String,
    /// The TXT record at `_smtp._tls.` (RFC 8460 section 3).
    pub reports: String,
}

/// What the owner of a domain chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// What senders are to do.
    pub mode: Mode,
    /// For how many seconds they may keep the policy.
    pub max_age: u64,
    /// Where reports go, a URI.
    pub reports: String,
}

impl Publication {
    /// For these MX hosts, with an id made from the time.
    #[must_use]
    pub fn new(domain: &PolicyDomain, hosts: &[MxHost], wishes: &Wishes, now: UnixTime) -> Self {
        let Wishes { mode, max_age, reports } = wishes;
        let id: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        let mut body = format!("version: STSv1\nmode: {}\n", mode.word());
        // In mode none there is no policy, and nobody reads its patterns (RFC 8461 section 5).
        for host in hosts.iter().filter(|_| *mode != Mode::None) {
            // Writing into a String does not fail.
            let _ = writeln!(body, "mx: {host}");
        }
        let _ = writeln!(body, "max_age: {max_age}");
        Self {
            domain: domain.clone(),
            record: format!("v=STSv1; id={id};"),
            body,
            reports: format!("v=TLSRPTv1; rua={reports}"),
        }
    }

    /// What there is to say against it: there are wishes that are not wise.
    #[must_use]
    pub fn parts(&self) -> [Part; 3] {
        let part = |kind: Kind, text: &str| kind.inspect(kind.word().to_owned(), text.as_bytes().to_vec());
        [
            part(Kind::MtaStsPolicy, &self.body),
            part(Kind::MtaStsTxt, &self.record),
            part(Kind::TlsrptTxt, &self.reports),
        ]
    }

    /// As a person publishes it: the file first, so that nobody who sees the record finds no policy, or the old one.
    #[must_use]
    pub fn human(&self) -> String {
        let Self { domain, record, body, reports } = self;
        let mut text = String::new();
        let url = self.url();
        push_wrapped(&mut text, &format!("# 1. This file, as text/plain, at {url}"), "", "#    ");
        text.push_str(body);
        push_wrapped(
            &mut text,
            &format!(
                "# 2. Then these records, in place of what stands at their names. Change the id whenever the file changes: once mta-sts.{domain} delivers it."
            ),
            "\n",
            "#    ",
        );
        let _ = writeln!(text, "_mta-sts.{domain}. IN TXT \"{record}\"");
        let _ = writeln!(text, "_smtp._tls.{domain}. IN TXT \"{reports}\"");
        for finding in self.parts().iter().flat_map(Part::all_findings) {
            let WordEntry { word, meaning, fix, .. } = finding.code.explain();
            push_wrapped(
                &mut text,
                &format!("# {}: {word}: {meaning} {fix}", finding.severity().word()),
                "\n",
                "#    ",
            );
        }
        text
    }

    /// As a program publishes it: `domain`, `policy` (`url`, `media_type`, `body`), `records` (`name`, `type`, `text`) and
    /// `findings`.
    #[must_use]
    pub fn json(&self) -> Value {
        let Self { domain, record, body, reports } = self;
        json!({
            "domain": domain.as_str(),
            "policy": {"url": self.url(), "media_type": "text/plain", "body": body},
            "records": [
                {"name": format!("_mta-sts.{domain}"), "type": "TXT", "text": record},
                {"name": format!("_smtp._tls.{domain}"), "type": "TXT", "text": reports},
            ],
            "findings": self.parts().iter().flat_map(json::findings).collect::<Vec<_>>(),
        })
    }

    fn url(&self) -> String {
        format!("https://mta-sts.{}/.well-known/mta-sts.txt", self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::FindingCounts;

    fn published(mode: Mode, max_age: u64) -> Publication {
        let domain = PolicyDomain::parse("example.org").unwrap();
        let hosts = ["mx1.example.org", "mx.example.net"].map(|host| MxHost::from_text(host).unwrap());
        let reports = "mailto:tls-reports@example.org".to_owned();
        Publication::new(&domain, &hosts, &Wishes { mode, max_age, reports }, UnixTime(1_800_000_000))
    }

    #[test]
    fn what_should_be_published_passes_the_lint() {
        for mode in [Mode::Enforce, Mode::Testing, Mode::None] {
            let tally = FindingCounts::of(&published(mode, 1_209_600).parts());
            assert_eq!(tally, FindingCounts::default(), "{mode:?}");
        }
    }

    #[test]
    fn an_unwise_wish_is_granted_and_commented() {
        let publication = published(Mode::Enforce, 3_600);
        assert_eq!(
            FindingCounts::of(&publication.parts()),
            FindingCounts { errors: 0, warnings: 1, notes: 0 }
        );
        assert!(publication.human().contains("\n# warning: mta-sts.policy.max-age-too-short: "));
        assert_eq!(publication.json()["findings"][0]["code"], "mta-sts.policy.max-age-too-short");
    }

    #[test]
    fn a_person_is_told_where_each_of_the_three_goes() {
        let expected = "\
# 1. This file, as text/plain, at
#    https://mta-sts.example.org/.well-known/mta-sts.txt
version: STSv1
mode: testing
mx: mx1.example.org
mx: mx.example.net
max_age: 1209600

# 2. Then these records, in place of what stands at their names. Change the id
#    whenever the file changes: once mta-sts.example.org delivers it.
_mta-sts.example.org. IN TXT \"v=STSv1; id=20270115T080000Z;\"
_smtp._tls.example.org. IN TXT \"v=TLSRPTv1; rua=mailto:tls-reports@example.org\"
";
        assert_eq!(published(Mode::Testing, 1_209_600).human(), expected);
    }
}
