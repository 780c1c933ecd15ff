//! Who sends TLS reports, how, and to whom not: the section `[reports]` of the configuration.

use super::shared::one_or_more;
use crate::limits::{MAX_ORGANIZATION_OCTETS, REPORTS_KEPT_DAYS, REPORTS_KEPT_DAYS_MAX, REPORTS_SENT_DAYS};
use crate::name::PolicyDomain;
use crate::reporting::destination::MailAddress;
use crate::text::excerpt;
use clap::Args;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// The command that mail is handed to when nothing else is said.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "-oi"];

/// The section as it stands in the file; [`Reporting`] is what it comes down to.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportingArgs {
    /// Whether reports are sent at all; needs organization and contact [default: false]
    #[arg(long, value_name = "true|false")]
    pub send: Option<bool>,
    /// Who reports: a name
    #[arg(long, value_name = "NAME")]
    pub organization: Option<Organization>,
    /// Who reports: the address at which somebody answers, and from which reports come. Its domain is the submitter; reports about it are not sent
    #[arg(long, value_name = "ADDRESS")]
    pub contact: Option<MailAddress>,
    /// The command that takes a mail, as words; -f, the contact, -- and the recipient follow [default: /usr/sbin/sendmail -oi]
    #[arg(long, value_name = "WORD")]
    #[serde(deserialize_with = "sendmail")]
    pub sendmail: Vec<String>,
    /// Whether reports go to https addresses, too [default: true]
    #[arg(long, value_name = "true|false")]
    pub https: Option<bool>,
    /// Whether days without a failure are reported, too [default: true]
    #[arg(long, value_name = "true|false")]
    pub successes: Option<bool>,
    /// Domains that get no reports; *.DOMAIN: all below it; repeatable
    #[arg(long, value_name = "DOMAIN")]
    #[serde(deserialize_with = "one_or_more")]
    pub never: Vec<Spared>,
    /// Days before today of which counts and reports are kept, 2 to 90 [default: 8]
    #[arg(long, value_name = "N")]
    pub days: Option<KeptDays>,
}

/// Who reports, how, and to whom not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporting {
    /// Whether reports are sent.
    pub send: bool,
    /// Who reports, if that was said.
    pub sender: Option<(Organization, MailAddress)>,
    /// The command that takes a mail: a path, and words.
    pub sendmail: Vec<String>,
    /// Whether https addresses count.
    pub https: bool,
    /// Whether days without a failure are reported.
    pub successes: bool,
    /// Who gets no reports.
    pub never: Vec<Spared>,
    /// Days before today of which counts and reports are kept.
    pub days: u64,
}

/// A name that people know an organization by.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Organization(String);

/// A domain that gets no reports, or all below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    domain: PolicyDomain,
    is_about_all_below: bool,
}

/// So many days.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u64")]
pub struct KeptDays(pub u64);

impl Organization {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Organization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_fine = !text.trim().is_empty()
            && text.len() <= MAX_ORGANIZATION_OCTETS
            && !text.chars().any(char::is_control);
        if is_fine {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err(format!(
                "organization: '{}' is no name of 1 to {MAX_ORGANIZATION_OCTETS} octets without control characters",
                excerpt(text, 64)
            ))
        }
    }
}

impl TryFrom<String> for Organization {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|why| serde::de::Error::custom(format!("an address: {why}")))
    }
}

impl Spared {
    fn is(&self, domain: &PolicyDomain) -> bool {
        if self.is_about_all_below {
            let above = domain.as_str().strip_suffix(self.domain.as_str());
            above.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            self.domain == *domain
        }
    }
}

impl FromStr for Spared {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, is_about_all_below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        let domain = PolicyDomain::parse(name).map_err(|why| format!("never: the domain {why}"))?;
        Ok(Self { domain, is_about_all_below })
    }
}

impl fmt::Display for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_about_all_below { "*." } else { "" }, self.domain)
    }
}

impl FromStr for KeptDays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>()
            .map_err(|_| format!("'{}' is not a number of days", excerpt(text, 32)))?
            .try_into()
    }
}

impl TryFrom<u64> for KeptDays {
    type Error = String;

    fn try_from(days: u64) -> Result<Self, String> {
        if (REPORTS_SENT_DAYS..=REPORTS_KEPT_DAYS_MAX).contains(&days) {
            Ok(Self(days))
        } else {
            Err(format!(
                "days: {days} is not between {REPORTS_SENT_DAYS} (a report may be tried until then) and {REPORTS_KEPT_DAYS_MAX}"
            ))
        }
    }
}

impl ReportingArgs {
    /// What it comes down to.
    ///
    /// # Errors
    /// A sentence: something is missing without which no report can be sent.
    pub fn read(&self) -> Result<Reporting, String> {
        let sender = self.organization.clone().zip(self.contact.clone());
        if self.contact.as_ref().is_some_and(|contact| contact.as_str().starts_with('-')) {
            return Err(
                "contact begins with '-', which a sendmail command would take for an option".to_owned()
            );
        }
        let send = self.send.unwrap_or(false);
        if send && sender.is_none() {
            return Err("send = true needs organization and contact: a report names who made it, and where somebody answers".to_owned());
        }
        let sendmail = if self.sendmail.is_empty() {
            SENDMAIL.map(ToOwned::to_owned).to_vec()
        } else {
            self.sendmail.clone()
        };
        Ok(Reporting {
            send,
            sender,
            sendmail,
            https: self.https.unwrap_or(true),
            successes: self.successes.unwrap_or(true),
            never: self.never.clone(),
            days: self.days.map_or(REPORTS_KEPT_DAYS, |days| days.0),
        })
    }
}

impl Reporting {
    /// Whether no report about a domain leaves, and why: it is our own, or the administrator says so.
    #[must_use]
    pub fn spares(&self, submitter: &PolicyDomain, domain: &PolicyDomain) -> Option<&'static str> {
        if submitter == domain {
            return Some("it is our own domain");
        }
        self.never.iter().any(|spared| spared.is(domain)).then_some("the configuration says never")
    }
}

/// `sendmail = ["/usr/sbin/sendmail", "-oi"]`: no shell reads it, so it is a list of words, the first of which is a path.
fn sendmail<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "sendmail: a list of words, the first one an absolute path: no shell reads it"
    )]
    enum Words {
        List(Vec<String>),
    }
    let Words::List(words) = Words::deserialize(deserializer)?;
    let is_a_command = words.first().is_some_and(|path| path.starts_with('/'));
    if !is_a_command || words.iter().any(|word| word.contains('\0')) {
        return Err(serde::de::Error::custom("sendmail: the first word is the absolute path of a program"));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::super::Choices;
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> Result<Reporting, String> {
        let choices = Choices::parse(text, Path::new("/etc/x.toml")).map_err(|error| error.to_string())?;
        Ok(choices.reporting())
    }

    #[test]
    fn nothing_is_sent_unless_it_is_said_who_sends() {
        let nothing = read("").unwrap();
        assert!(!nothing.send && nothing.sender.is_none() && nothing.https && nothing.successes);
        assert_eq!(
            (nothing.sendmail, nothing.days),
            (vec!["/usr/sbin/sendmail".to_owned(), "-oi".to_owned()], 8)
        );
        let whole = read(
            "[reports]\nsend = true\norganization = 'Example Sender'\ncontact = 'tls-reports@B\u{fc}cher.example'\nsendmail = ['/bin/x']\n\
             https = false\nsuccesses = false\nnever = ['partner.example', '*.example.net']\ndays = 30\n",
        )
        .unwrap();
        let (organization, contact) = whole.sender.clone().unwrap();
        assert_eq!(
            (organization.as_str(), contact.as_str()),
            ("Example Sender", "tls-reports@xn--bcher-kva.example")
        );
        assert!(whole.send && !whole.https && !whole.successes && whole.days == 30);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_was_expected() {
        for (text, expected) in [
            ("[reports]\nsend = true\n", "line 1: send = true needs organization and contact"),
            ("[reports]\nsend = true\norganization = 'x'\n", "needs organization and contact"),
            ("\n[reports]\ncontact = 'a@b.example, c@d.example'\n", "line 3: contact: an address: "),
            ("[reports]\ncontact = 'a'\n", "has no @"),
            ("[reports]\ncontact = 'a@localhost'\n", "private network"),
            ("[reports]\ncontact = '-oMr@b.example'\n", "would take for an option"),
            ("[reports]\norganization = \"a\\nb\"\n", "line 2: organization: "),
            ("[reports]\norganization = ''\n", "is no name"),
            ("[reports]\nsendmail = '/usr/sbin/sendmail -oi'\n", "line 2: sendmail: a list of words"),
            ("[reports]\nsendmail = ['sendmail']\n", "absolute path"),
            ("[reports]\nsendmail = []\n", "absolute path"),
            ("[reports]\nnever = ['-']\n", "line 2: never: the domain"),
            ("[reports]\ndays = 1\n", "line 2: days: 1 is not between 2"),
            (
                "[reports]\nfrom = 'x'\n",
                "unknown field `from` in the section [reports], which begins in line 1",
            ),
            ("[reports]\ndns = '127.0.0.1'\n", "dns belongs above all sections"),
            ("contact = 'a@b.example'\n", "contact belongs in the section [reports]"),
            ("[serve]\nsend = true\n", "send belongs in the section [reports]"),
            ("[reports]\nhttp = '127.0.0.1:1'\n", "http belongs in the section [serve]"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.starts_with("/etc/x.toml line ") && said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn an_organization_has_a_name_of_200_octets_and_days_are_2_to_90() {
        let longest = "x".repeat(MAX_ORGANIZATION_OCTETS);
        assert!(
            longest.parse::<Organization>().is_ok() && format!("{longest}x").parse::<Organization>().is_err()
        );
        assert!("2".parse::<KeptDays>().is_ok() && "90".parse::<KeptDays>().is_ok());
        for text in ["1", "91", "-1", "x"] {
            assert!(text.parse::<KeptDays>().is_err(), "{text}");
        }
    }

    #[test]
    fn our_own_domain_and_those_that_are_named_get_nothing() {
        let reporting = read("[reports]\nnever = ['a.example', '*.b.example']\n").unwrap();
        let own = PolicyDomain::parse("own.example").unwrap();
        for (domain, is_spared) in [
            ("own.example", true),
            ("sub.own.example", false),
            ("a.example", true),
            ("x.a.example", false),
            ("b.example", false),
            ("x.b.example", true),
            ("xb.example", false),
        ] {
            let domain = PolicyDomain::parse(domain).unwrap();
            assert_eq!(reporting.spares(&own, &domain).is_some(), is_spared, "{domain}");
        }
    }
}
