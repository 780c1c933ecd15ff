//! The page for people: topic by topic, what is fine in a line, what is not with its meaning and what to do.

use super::{Check, Diagnosis, Finding, Health, Topic};
use crate::render::page::{Page, Paint, Tone};

/// Writes the page.
#[must_use]
pub fn page(diagnosis: &Diagnosis, paint: Paint) -> String {
    let mut page = Page::new(paint);
    page.heading(summary(diagnosis));
    page.paragraph(tone(diagnosis.health()), &counts(diagnosis));
    for health in [Health::Wrong, Health::Warning] {
        let checks = checks_that_are(health, diagnosis);
        if !checks.is_empty() {
            page.item(health.word(), tone(health), &checks.join(", "));
        }
    }
    for topic in Topic::ALL {
        let of_topic = |finding: &&Finding| finding.check.explain().topic == topic;
        let findings: Vec<&Finding> = diagnosis.findings.iter().filter(of_topic).collect();
        if findings.is_empty() {
            continue;
        }
        page.heading(topic.heading());
        for (place, finding) in findings.iter().enumerate() {
            write(&mut page, finding, is_last_of_its_kind(&findings, place));
        }
    }
    page.finish()
}

const fn tone(health: Health) -> Tone {
    match health {
        Health::NotChecked => Tone::Faint,
        Health::Fine => Tone::Good,
        Health::Warning => Tone::Warning,
        Health::Wrong => Tone::Bad,
    }
}

fn summary(diagnosis: &Diagnosis) -> &'static str {
    match diagnosis.health() {
        Health::Wrong => "Verdicts of this machine cannot be trusted, or are not acted on.",
        Health::Warning => "Verdicts of this machine can be trusted, but something needs attention.",
        Health::Fine => "This machine gives good verdicts.",
        Health::NotChecked => "Nothing could be looked at.",
    }
}

fn counts(diagnosis: &Diagnosis) -> String {
    let words = [
        (Health::Wrong, "wrong"),
        (Health::Warning, "to look at"),
        (Health::Fine, "fine"),
        (Health::NotChecked, "not checked"),
    ];
    let parts: Vec<_> = words
        .into_iter()
        .map(|(health, words)| (diagnosis.count(health), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    parts.join(", ")
}

/// The checks to look for further down, each once, whatever the number of name servers.
fn checks_that_are(health: Health, diagnosis: &Diagnosis) -> Vec<&'static str> {
    let mut words = Vec::new();
    for finding in diagnosis.findings.iter().filter(|finding| finding.health == health) {
        let word = finding.check.word();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// What is told once for several name servers stands behind the last of those that are as bad.
fn is_last_of_its_kind(findings: &[&Finding], place: usize) -> bool {
    let same = |a: &Finding, b: &Finding| a.check == b.check && a.health == b.health;
    match (findings.get(place), findings.get(place + 1..)) {
        (Some(finding), Some(rest)) => !rest.iter().any(|other| same(finding, other)),
        _ => true,
    }
}

fn write(page: &mut Page, finding: &Finding, is_last: bool) {
    let Finding { check, subject, health, seen, .. } = finding;
    let (word, about) = (Check::word(*check), subject.as_deref());
    let line = match about {
        Some(subject) => format!("{word}: {subject}: {seen}"),
        None => format!("{word}: {seen}"),
    };
    page.item(health.word(), tone(*health), &line);
    if *health >= Health::Warning && is_last {
        page.more(Tone::Plain, finding.meaning());
        page.more(Tone::Plain, &format!("To do: {}", finding.fix()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::{Everything, judge, tests};
    use super::*;

    fn plain(machine: &Everything) -> String {
        page(&judge(machine, tests::NOW), Paint::Plain)
    }

    #[test]
    fn a_fine_machine() {
        insta::assert_snapshot!(plain(&tests::fine_machine()));
    }

    #[test]
    fn a_stripped_resolver() {
        insta::assert_snapshot!(plain(&tests::stripped_resolver()));
    }

    #[test]
    fn nothing_installed() {
        insta::assert_snapshot!(plain(&tests::nothing_installed()));
    }

    #[test]
    fn what_a_server_says_stays_in_its_line_and_the_page_within_80_columns() {
        let mut machine = tests::stripped_resolver();
        if let Ok(outside) = &mut machine.outside {
            outside.https_date = Err(format!("\u{1b}[2J\nfine      all is well {}", "x".repeat(200)));
        }
        let page = plain(&machine);
        assert!(page.lines().all(|line| line.len() <= 80), "{page}");
        assert!(page.is_ascii() && !page.contains('\u{1b}') && !page.contains("\nfine"), "{page}");
    }

    #[test]
    fn the_remedy_for_several_servers_is_told_once() {
        let mut machine = tests::stripped_resolver();
        if let Ok(servers) = machine.outside.as_mut().unwrap().servers.as_mut() {
            let mut second = servers[0].clone();
            second.address = "192.0.2.54:53".parse().unwrap();
            servers.push(second);
        }
        let page = plain(&machine);
        assert_eq!(page.matches("wrong     resolver.dnssec").count(), 2, "{page}");
        assert_eq!(page.matches("No answer can be proven through this server").count(), 1, "{page}");
    }
}
