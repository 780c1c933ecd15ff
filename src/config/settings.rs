//! Every value that is in force, with where it comes from: what `config show` tells.

use super::choices::{Choices, Written};
use super::{Origin, Setting};
use crate::limits::ANSWER_WITHIN_DEFAULT;
use crate::verdict::OnUnreachable;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::fmt::Display;
use std::time::Duration;

/// One part of the list, being made.
struct List<'a> {
    section: &'static str,
    file: &'a Written,
    settings: Vec<Setting>,
}

impl List<'_> {
    /// A key: whether an option of the command line said it, its value in force, and what holds where that is null.
    fn add(&mut self, key: &'static str, is_flag: bool, value: Value, instead: &'static str) {
        let origin = match self.file.line_of(self.section, key) {
            _ if is_flag => Origin::Flag,
            Some(line) => Origin::File { line },
            None => Origin::Default,
        };
        self.settings.push(Setting {
            section: self.section.to_owned(),
            key: key.to_owned(),
            value,
            instead,
            origin,
        });
    }
}

/// Every key, in the order of the manual page: `given` is the command line, `in_force` what it and the file come down to.
pub(super) fn of(given: &Choices, file: &Written, in_force: &Choices) -> Vec<Setting> {
    let mut list = List { section: "", file, settings: Vec::new() };
    let (shared, now) = (&given.shared, &in_force.shared);
    list.add("cachedb", shared.cachedb.is_some(), json!(in_force.cache_file().display().to_string()), "");
    let servers: Vec<_> = now.resolver.dns.iter().map(|server| server.0).collect();
    list.add(
        "dns",
        !shared.resolver.dns.is_empty(),
        several(&servers),
        "the name servers of /etc/resolv.conf",
    );
    list.add(
        "insecure_zones",
        !shared.resolver.insecure_zones.is_empty(),
        words(&now.resolver.insecure_zones),
        "",
    );
    let path =
        |path: &Option<std::path::PathBuf>| json!(path.as_ref().map(|path| path.display().to_string()));
    let anchors = "the root's keys, built in";
    list.add(
        "trust_anchor",
        shared.resolver.trust_anchor.is_some(),
        path(&now.resolver.trust_anchor),
        anchors,
    );
    list.add("ca_file", shared.ca_file.is_some(), path(&now.ca_file), "the system's authorities");
    let port = now.https_port.map_or(443, std::num::NonZeroU16::get);
    list.add("https_port", shared.https_port.is_some(), json!(port), "");
    let private = now.allow_private_addresses.unwrap_or(false);
    list.add("allow_private_addresses", shared.allow_private_addresses.is_some(), json!(private), "");
    list.add("deadline", shared.time.deadline.is_some(), seconds(in_force.deadline()), "");
    let shape = "human on a terminal, else exim";
    list.add("format", given.format.is_some(), word(in_force.format), shape);
    let log = "none; of the daemon: text, or journald";
    list.add("log_format", given.log.log_format.is_some(), word(in_force.log.log_format), log);
    let (conditions, rules) = (&given.conditions, in_force.rules());
    let authenticated = json!(rules.require_authentication);
    list.add("require_authentication", conditions.require_authentication.is_some(), authenticated, "");
    let unreachable = match rules.on_unreachable {
        OnUnreachable::Deliver => "deliver",
        OnUnreachable::Defer => "defer",
    };
    list.add("on_unreachable", conditions.on_unreachable.is_some(), json!(unreachable), "");
    let mechanisms: Vec<_> = rules.mechanisms.words().collect();
    list.add("mechanisms", conditions.mechanisms.is_some(), json!(mechanisms), "");
    let seen = "what each question says";
    list.add("tls_verified", conditions.tls_verified.is_some(), word(in_force.conditions.tls_verified), seen);
    list.add("max_domains", given.storage.max_domains.is_some(), json!(in_force.max_domains()), "");
    list.section = "serve";
    let (places, now) = (&given.serve, &in_force.serve);
    let none = "the sockets of systemd alone";
    list.add("exim", !places.exim.is_empty(), several(&now.exim), none);
    list.add("postfix", !places.postfix.is_empty(), several(&now.postfix), none);
    let http: Vec<_> = now.http.iter().map(|place| place.get()).collect();
    list.add("http", !places.http.is_empty(), several(&http), none);
    let tlsrpt = json!(now.tlsrpt.as_ref().map(ToString::to_string));
    list.add("tlsrpt", places.tlsrpt.is_some(), tlsrpt, none);
    let untrusted = json!(now.postfix_untrusted.unwrap_or_default());
    list.add("postfix_untrusted", places.postfix_untrusted.is_some(), untrusted, "");
    let within = now.answer_within.map_or(ANSWER_WITHIN_DEFAULT, |within| within.0);
    list.add("answer_within", places.answer_within.is_some(), seconds(within), "");
    let level = word(Some(now.log_level.unwrap_or_default()));
    list.add("log_level", places.log_level.is_some(), level, "");
    list.add("debug_domains", !places.debug_domains.is_empty(), words(&now.debug_domains), "");
    list.section = "reports";
    let now = in_force.reporting();
    list.add("send", false, json!(now.send), "");
    let organization = in_force.reports.organization.as_ref().map(ToString::to_string);
    let contact = in_force.reports.contact.as_ref().map(ToString::to_string);
    list.add("organization", false, json!(organization), "none; send = true needs it");
    list.add("contact", false, json!(contact), "none; send = true needs it");
    list.add("sendmail", false, json!(now.sendmail), "");
    list.add("https", false, json!(now.https), "");
    list.add("successes", false, json!(now.successes), "");
    list.add("never", false, words(&now.never), "");
    list.add("days", false, json!(now.days), "");
    list.section = "fleet";
    for (key, value) in in_force.fleet.iter().flat_map(super::Fleet::settings) {
        list.add(key, false, value, "");
    }
    let mut settings = list.settings;
    for decree in in_force.overrides.all() {
        let section = format!("override.{}", json!(decree.scope));
        let line = file.line_of("override", &decree.scope).unwrap_or(1);
        let effect = match decree.effect.word() {
            "ignore" => ("ignore", json!(true)),
            required => ("require", json!(required)),
        };
        let keys = [effect, ("until", json!(decree.ends.to_string())), ("reason", json!(decree.reason))];
        settings.extend(keys.map(|(key, value)| Setting {
            section: section.clone(),
            key: key.to_owned(),
            value,
            instead: "",
            origin: Origin::File { line },
        }));
    }
    settings
}

/// A list of words, or null where none was given.
fn several(values: &[impl Display]) -> Value {
    if values.is_empty() { Value::Null } else { words(values) }
}

fn words(values: &[impl Display]) -> Value {
    values.iter().map(ToString::to_string).collect()
}

fn word(value: Option<impl ValueEnum>) -> Value {
    json!(value.and_then(|value| value.to_possible_value().map(|value| value.get_name().to_owned())))
}

/// Whole seconds as such.
fn seconds(time: Duration) -> Value {
    if time.subsec_nanos() == 0 { json!(time.as_secs()) } else { json!(time.as_secs_f64()) }
}
