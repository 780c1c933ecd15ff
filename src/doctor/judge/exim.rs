//! Exim: what it can do, what it has loaded of ours, and whether it gets an answer.

use super::{build, daemon, fine, reports, unchecked, warning, wrong};
use crate::doctor::observations::{Exim, Program, Seen};
use crate::doctor::read::exim::Driver;
use crate::doctor::{Check, Finding, Health};
use crate::text::excerpt;
use std::path::Path;

/// The routers of the enforcing set, in their order; one of the second and third, by how Exim is built.
pub(super) const ROUTERS: [&str; 5] = [
    "smtp_sts_ask",
    "smtp_sts_resolver",
    "smtp_sts_without_dane",
    "smtp_sts_permitted",
    "smtp_sts_none_permitted",
];
/// Its transports.
pub(super) const TRANSPORTS: [&str; 3] = ["smtp_sts_encrypt", "smtp_sts_webpki", "smtp_sts_dane"];
/// Judges Exim; `cache` is the file that was looked at, and `there_is_postfix` says whether there is another mail server.
#[must_use]
pub fn judge(exim: &Seen<Exim>, cache: &Path, there_is_postfix: bool) -> Vec<Finding> {
    let exim = match exim {
        Ok(exim) => exim,
        Err(why) if there_is_postfix => return vec![unchecked(Check::EximFound, why)],
        Err(why) => return vec![warning(Check::EximFound, why)],
    };
    let mut findings = vec![fine(Check::EximFound, exim.binary.display().to_string())];
    let sets = Sets::of(exim);
    match &exim.build {
        Ok(built) => findings.extend(build::judge(built, exim, &sets)),
        // Everybody may ask for it: an Exim that does not tell cannot mail either.
        Err(why) => findings.push(warning(Check::EximVersion, why)),
    }
    findings.push(smarthost(exim));
    findings.push(routers(exim, &sets));
    findings.push(transports(exim, &sets));
    findings.push(build::files(exim, &sets));
    findings.push(header_set(&sets));
    findings.push(program(&exim.program, &sets));
    findings.push(same_cache(exim, cache));
    findings.push(answer(Check::EximAnswerAsRoot, &exim.as_root));
    findings.push(answer(Check::EximAnswerAsExim, &exim.as_user));
    findings.extend(daemon::judge(exim));
    findings
}

/// Which of our files are loaded.
pub(super) struct Sets {
    /// Routers of the enforcing set that are there, in Exim's order.
    pub(super) routers: Vec<String>,
    /// The same of its transports.
    pub(super) transports: Vec<String>,
    /// The two halves of the header set: the header's macro, and the transport that has the header.
    pub(super) header: (bool, bool),
}

impl Sets {
    fn of(exim: &Exim) -> Self {
        let ours = |drivers: &Seen<Vec<Driver>>, names: &[&str]| -> Vec<String> {
            let drivers = drivers.as_deref().unwrap_or_default();
            let is_ours = |driver: &&Driver| names.contains(&driver.name.as_str());
            drivers.iter().filter(is_ours).map(|driver| driver.name.clone()).collect()
        };
        Self {
            routers: ours(&exim.routers, &ROUTERS),
            transports: ours(&exim.transports, &TRANSPORTS),
            header: (
                value(exim, "SMTP_STS_DOMAIN_VERIFY").is_some(),
                exim.transports.as_deref().unwrap_or_default().iter().any(adds_header),
            ),
        }
    }

    pub(super) const fn none(&self) -> bool {
        self.routers.is_empty() && !self.header.0 && !self.header.1
    }
}

/// Whether a transport writes the header of the header set.
pub(super) fn adds_header(transport: &Driver) -> bool {
    transport.option("headers_add").is_some_and(|headers| headers.contains("X-smtp-sts-verify:"))
}

pub(super) fn value<'e>(exim: &'e Exim, name: &str) -> Option<&'e str> {
    let macros = exim.macros.as_deref().unwrap_or_default();
    macros.iter().find(|(macro_name, _)| macro_name == name).map(|(_, value)| value.as_str())
}

/// How Debian's configuration says that mail is handed on.
fn handed_on(exim: &Exim) -> Option<&'static str> {
    let ways = [
        ("DCconfig_smarthost", "all mail goes to a smarthost"),
        ("DCconfig_satellite", "all mail goes to a smarthost"),
        ("DCconfig_local", "no mail leaves this machine"),
    ];
    ways.into_iter().find(|(name, _)| value(exim, name).is_some()).map(|(_, words)| words)
}

fn smarthost(exim: &Exim) -> Finding {
    const CHECK: Check = Check::EximSmarthost;
    match (&exim.macros, handed_on(exim)) {
        (Err(why), _) => unchecked(CHECK, why),
        (Ok(_), Some(words)) => warning(CHECK, words),
        (Ok(_), None) => fine(CHECK, "Debian's settings name no smarthost"),
    }
}

fn routers(exim: &Exim, sets: &Sets) -> Finding {
    const CHECK: Check = Check::EximRouters;
    let all = match &exim.routers {
        Ok(all) => all,
        Err(why) => return unchecked(CHECK, why),
    };
    if handed_on(exim).is_some() && sets.routers.is_empty() {
        return unchecked(CHECK, "not loaded; they would do nothing here");
    }
    if sets.routers.is_empty() && sets.header == (true, true) {
        return fine(CHECK, "not loaded; the header set is used alone");
    }
    if sets.routers.is_empty() {
        return warning(CHECK, "none of them is loaded: mail is sent as if this program were not there");
    }
    let expected: Vec<_> = build::routers_of(&exim.build).collect();
    let missing: Vec<_> =
        expected.iter().filter(|name| !sets.routers.iter().any(|r| r == *name)).copied().collect();
    if !missing.is_empty() {
        return wrong(CHECK, format!("not loaded: {}", missing.join(", ")));
    }
    if !sets.routers.iter().eq(&expected) {
        return wrong(CHECK, format!("in another order: {}", sets.routers.join(", ")));
    }
    let place = |driver: &Driver| sets.routers.first().is_some_and(|first| *first == driver.name);
    let ahead = all.iter().take_while(|driver| !place(driver));
    let takes_all = |driver: &&Driver| {
        driver.option("driver") == Some("dnslookup")
            && !is_about_some(driver.option("domains").unwrap_or_default())
            && !reports::is_for_reports_alone(driver)
    };
    match ahead.into_iter().find(takes_all) {
        Some(other) => {
            wrong(CHECK, format!("the router {} stands ahead of them and takes the mail", other.name))
        }
        None => fine(CHECK, "all of them, ahead of those that look up MX hosts"),
    }
}

/// A list that begins with what it names, such as Debian's `+relay_to_domains`, is about some domains only.
fn is_about_some(domains: &str) -> bool {
    let first = domains.split(':').next().unwrap_or_default().trim();
    !first.is_empty() && !first.starts_with(['!', '*'])
}

fn transports(exim: &Exim, sets: &Sets) -> Finding {
    const CHECK: Check = Check::EximTransports;
    if let Err(why) = &exim.transports {
        return unchecked(CHECK, why);
    }
    let missing: Vec<_> =
        TRANSPORTS.iter().filter(|name| !sets.transports.iter().any(|t| t == *name)).copied().collect();
    match missing.len() {
        0 => fine(CHECK, "all three"),
        3 if sets.routers.is_empty() => unchecked(CHECK, "not loaded, as the routers"),
        _ => wrong(CHECK, format!("not loaded: {}", missing.join(", "))),
    }
}

fn header_set(sets: &Sets) -> Finding {
    const CHECK: Check = Check::EximHeaderSet;
    match sets.header {
        (true, true) => fine(CHECK, "loaded"),
        (false, false) => fine(CHECK, "not loaded, which is a choice"),
        (true, false) => warning(CHECK, "its macros are loaded, but no transport writes the header"),
        (false, true) => warning(CHECK, "a transport writes the header, but not with our macros"),
    }
}

fn program(program: &Seen<Program>, sets: &Sets) -> Finding {
    const CHECK: Check = Check::EximProgram;
    match program {
        _ if sets.none() => unchecked(CHECK, "nothing of ours is loaded"),
        Err(why) => unchecked(CHECK, why),
        Ok(Program::This(path)) => fine(CHECK, path.display().to_string()),
        Ok(Program::Another(path)) => {
            warning(CHECK, format!("{} is not the file that runs now", path.display()))
        }
        Ok(Program::Missing(path)) => wrong(CHECK, format!("{} is not there, or no program", path.display())),
    }
}

fn same_cache(exim: &Exim, cache: &Path) -> Finding {
    const CHECK: Check = Check::EximCache;
    match (&exim.macros, value(exim, "SMTP_STS_CACHE")) {
        (Err(why), _) => unchecked(CHECK, why),
        (Ok(_), None) => unchecked(CHECK, "Exim names none"),
        (Ok(_), Some(named)) if Path::new(named) == cache => fine(CHECK, named),
        (Ok(_), Some(named)) => {
            warning(CHECK, format!("Exim uses {named}, and {} was looked at", cache.display()))
        }
    }
}

/// What came back for the router's own question.
fn answer(check: Check, seen: &Seen<String>) -> Finding {
    let line = match seen {
        Err(why) => return unchecked(check, why),
        Ok(text) => line(text),
    };
    let reason = word(line, "reason").unwrap_or("none");
    match word(line, "verdict") {
        _ if reason.starts_with("no-answer-from") => wrong(check, excerpt(reason, 60)),
        Some("deliver") => fine(check, format!("it is told: deliver ({})", excerpt(reason, 40))),
        Some("defer") => wrong(check, format!("it is told to wait, for the reason {}", excerpt(reason, 40))),
        _ => Finding::new(check, Health::Wrong, format!("it gets '{}'", excerpt(line, 120))),
    }
}

/// The answer in what `-be` printed: Exim writes a prompt before each line that it reads.
pub(super) fn line(text: &str) -> &str {
    let mut lines = text.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end());
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// The word of an answer behind `NAME=`.
pub(super) fn word<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
pub(super) mod tests;
