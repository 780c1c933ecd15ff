//! smtp-sts-verify.toml(5): every key of [`Choices`], of its section for the daemon and of its overrides, from their very
//! definition.

use super::page::{ManPage, literal, pair};
use crate::config::{Choices, DEFAULT_FILE, FLEET_KEYS, Places, ReportingArgs};
use crate::overrides;
use clap::{Arg, Args, Command};

/// What may stand in a configuration; a test reads it as one.
const EXAMPLE: &str = r#"# All of them may be left out.
cachedb = "/var/lib/smtp-sts-verify/cache.db"
dns = ["127.0.0.1"]                 # default: the name servers of /etc/resolv.conf
insecure_zones = ["corp.internal"]  # private zones: asked about, and not validated; default: none
trust_anchor = "/usr/share/dns/root.key" # DNSKEY or DS lines; default: the root's, built in
ca_file = "/etc/ssl/certs/ca-certificates.crt" # default: the system's store
deadline = 10                       # seconds for a run, at most 50: Exim ends it at 60
format = "exim"                     # default: human on a terminal, else exim
log_format = "journald"             # or "json", "text" (standard error); default: no log; never where the answer is for Exim
require_authentication = false      # true: no trust on first use
on_unreachable = "deliver"          # or "defer": a policy that cannot be asked for in an unsigned zone
mechanisms = ["dane", "mta-sts", "smtp-sts"] # one that is left out is neither asked for nor applied
max_domains = 50000                 # in each file of the cache
# For laboratories only:
https_port = 443
allow_private_addresses = false

[serve]                             # where the daemon listens
exim = "/run/smtp-sts-verify/exim.sock" # or "127.0.0.1:8460", or a list
postfix = "127.0.0.1:8461"
http = "127.0.0.1:8462"
tlsrpt = "/var/spool/postfix/smtp-sts-verify/tlsrpt.sock" # what Postfix 3.10 or later tells of its TLS sessions
postfix_untrusted = false           # true: its smtp_tls_loglevel is "summary, untrusted"
answer_within = 4                   # seconds; Exim waits for 5
log_level = "info"                  # or "error", "warn", "debug"
debug_domains = []                  # the log tells all about these, such as ["example.org"]

[reports]                           # TLS reports to the domains that ask for them
send = false                        # true needs the next two
organization = "Example Sender"
contact = "tls-reports@sender.example" # its domain is the submitter
sendmail = ["/usr/sbin/sendmail", "-oi"]
https = true                        # false: to mail addresses alone
successes = true                    # false: only days with a failure
never = ["partner.example", "*.partner.example"]
days = 8                            # kept: counts, and what became of reports

[override."example.org"]
require = "webpki"                  # or "none", or "dane"; the MX records are validated as ever
until = 2026-12-31                  # to the end of that day in UTC; or a time with its zone
reason = "their policy lists the old MX, ticket 4711"

[override."*.example.net"]
ignore = true                       # nothing is asked; delivered as if this program were not there
until = 2026-12-31T12:00:00Z
reason = "DNSSEC broken since the move""#;

/// The page.
pub(super) fn page() -> ManPage {
    let mut page = ManPage::titled("smtp-sts-verify.toml", "5");
    page.section("NAME");
    page.paragraph("smtp-sts-verify.toml - configuration of smtp-sts-verify(1)");
    page.section("DESCRIPTION");
    page.paragraph(
        "A file in TOML. All of it may be left out, and so may the file. A key is the option of the command line with _ for -, \
         and the command line wins. An unknown key or a bad value is an error with file and line, exit code 78: mail waits.",
    );
    page.paragraph(
        "No environment variable changes an answer (NO_COLOR and TERM turn colour off). What was learnt under one trust_anchor, one \
         ca_file or one laboratory setting does not exist under another.",
    );
    page.section("KEYS");
    keys::<Choices>(&mut page);
    page.section("PRIVATE ZONES");
    page.paragraph(
        "Names that are set apart from the public DNS are never asked about, with all below them: alt, home.arpa, internal, invalid, \
         local, localhost and onion (RFC 6761, 7686, 8375, 9476). Their mail goes as ever, unless a policy in force is remembered. An MX \
         host with such a name has no TLSA records that could count; what the domain's own policies demand holds for it all the same.",
    );
    page.paragraph(
        "A zone that is private to a network, below a signed zone or beside the public DNS, has no chain of trust: its answers \
         look bogus, and mail waits. insecure_zones names such zones, as unbound's domain-insecure and BIND's validate-except do: at \
         and below them names are asked about, and what is said is believed unproven. No DANE protects hosts there, and whoever \
         answers in the name server's place chooses the MX hosts; a policy in force stays so, and every answer about such a name says so. The root \
         and top-level domains are refused. Which of these are delegated changes every month, so of names with one label only \
         those above and corp, home, intranet, lan, localdomain, mail and private, which are delegated to nobody, are taken. A \
         trust anchor for a zone below begins a chain of its own.",
    );
    page.section("MECHANISMS");
    page.paragraph(
        "One that is left out of mechanisms is neither asked for nor applied, for all domains: the administrator weakens what \
         protects the mail. What is stored of it is kept, shown as not applied, and counts again when it is named again. Without \
         dane, answers say tlsa=unusable, so that the transports for Exim leave DANE alone, too; a policy is then met by a certificate of a known CA. What \
         demands TLSA records of one domain stands above it: an override that requires dane, and a policy of the draft in force with c=tlsa, which nothing \
         else could meet before it ends; leave smtp-sts out, too, to be rid of that.",
    );
    page.section("THE DAEMON");
    page.paragraph(
        "The table [serve] is read by smtp-sts-verify serve alone, whose options win. SIGHUP has it read the file again; places \
         to listen at change when it is started anew.",
    );
    keys::<Places>(&mut page);
    page.section("TLS REPORTS");
    page.paragraph(
        "The table [reports] is read by smtp-sts-verify reports; days by the daemon, too. A report (RFC 8460) goes to the domains that were sent mail and \
         publish a record at _smtp._tls, once a day, from the contact, by mail through the command sendmail and by https. The mail server signs and \
         routes it (exim/reports). Nothing is sent while send is false.",
    );
    keys::<ReportingArgs>(&mut page);
    page.section("OVERRIDES");
    page.paragraph(
        "What single domains need, whatever they publish: for a time, and with a reason. A table [override.\"DOMAIN\"] is about \
         that domain, [override.\"*.DOMAIN\"] about all below it, at any depth; what stands nearest to a domain counts. One that has \
         ended is ignored, and every answer about its domain warns of it.",
    );
    for (key, value, words) in overrides::KEYS {
        page.item(pair(key, " = ", value), words);
    }
    page.section("A FLEET");
    page.paragraph(
        "The table [fleet] names a PostgreSQL database in which many hosts share what they learn. The daemon keeps it up; no answer ever waits \
         for it, and what comes from there makes a host stricter at once, and laxer only after it has looked for itself. The connection is \
         always TLS, and the server's name is always verified. Files are read at each connection, so a new password, certificate or key \
         needs no restart.",
    );
    for (key, value, words) in FLEET_KEYS {
        page.item(pair(key, " = ", value), words);
    }
    page.section("FILES");
    page.item(literal(DEFAULT_FILE), "The place where it is looked for, unless --config names another one.");
    page.section("EXAMPLES");
    page.verbatim(EXAMPLE);
    page.section("SEE ALSO");
    page.paragraph("smtp-sts-verify(1)");
    page
}

/// The keys that are options of the command line, too.
fn keys<T: Args>(page: &mut ManPage) {
    let mut command = T::augment_args(Command::new("smtp-sts-verify"));
    command.build();
    for arg in command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version")) {
        page.item(pair(arg.get_id().as_str(), " = ", &value(arg)), &about(arg));
    }
}

/// What may stand behind the key.
fn value(arg: &Arg) -> String {
    let words: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("\"{}\"", value.get_name())).collect();
    if !words.is_empty() && !words.iter().any(|word| word == "\"true\"") {
        return words.join(" | ");
    }
    let name = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default();
    match name.as_str() {
        "true|false" => "true | false".to_owned(),
        "N" | "SECONDS" => name,
        // On a command line, words with commas between them.
        "WORD,..." => "[\"WORD\", ...]".to_owned(),
        quoted if matches!(arg.get_action(), clap::ArgAction::Append) => {
            format!("\"{quoted}\" | [\"{quoted}\", ...]")
        }
        quoted => format!("\"{quoted}\""),
    }
}

/// The words of `--help`, without what only a command line does.
fn about(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    format!("{}.", help.replace("; repeatable", "").replace('\n', " ").trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::super::page::Markup;
    use super::*;
    use std::path::Path;

    /// The keys that the parser of the configuration knows, in its own words.
    fn known(text: &str) -> Vec<String> {
        let error = Choices::parse(text, Path::new("x")).unwrap_err().to_string();
        let (_, expected) = error.split_once("expected one of").expect(&error);
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_of_the_configuration_has_its_item() {
        let page = page().finish(Markup::Man);
        let mut keys = known("nonsense = 1");
        assert!(keys.len() > 12, "{keys:?}");
        keys.retain(|key| !matches!(key.as_str(), "override" | "serve" | "reports" | "fleet"));
        keys.extend(known("[reports]\nnonsense = 1"));
        keys.extend(known("[serve]\nnonsense = 1"));
        keys.extend(known("[fleet]\nnonsense = 1"));
        for key in keys {
            assert!(page.contains(&format!("\n\\fB{key}\\fR = ")), "{key}: {page}");
        }
    }

    #[test]
    fn every_key_of_an_override_has_its_item() {
        let keys = known("[override.'a.test']\nnonsense = 1");
        assert_eq!(keys, overrides::KEYS.map(|(key, ..)| key));
    }

    #[test]
    fn the_example_is_a_configuration() {
        Choices::parse(EXAMPLE, Path::new("x")).unwrap();
    }
}
