//! Hosts with which Exim tries no TLS by its own choice, as its transports tell the daemon of them.

use crate::doctor::read::exim::Driver;
use crate::text::excerpt;

/// A transport that tells of its sessions, and tries no TLS with some hosts of which it does not tell that. Exim's events do not say so: such
/// a session looks like one in which the host refused STARTTLS. Where it tells that of all hosts, none is reported that did refuse it. What is
/// for callouts alone (`hosts_verify_avoid_tls`) keeps no report from being true.
pub(super) fn avoids(transport: &Driver) -> Option<String> {
    let value = |name: &str| transport.option(name).unwrap_or_default();
    let (told, list) = (value("event_action"), value("hosts_avoid_tls"));
    if told.is_empty() {
        return None;
    }
    let name = excerpt(&transport.name, 40);
    match handed_over(told, &transport.name) {
        Some("*") if list != "*" => Some(format!(
            "the transport {name} hands over SMTP_STS_AVOIDS_TLS = *: no host there is reported that refuses STARTTLS; define it as the list in hosts_avoid_tls"
        )),
        handed if list.is_empty() || handed == Some(list) => None,
        _ => Some(format!(
            "the transport {name} has hosts_avoid_tls = {}: hosts there are reported as refusing STARTTLS; define SMTP_STS_AVOIDS_TLS as that list",
            excerpt(list, 80)
        )),
    }
}

/// The list of hosts that an event's text hands over for a transport: the same of all of them, or, as exim/platforms/derive.sh writes it,
/// each one's own.
fn handed_over<'t>(told: &'t str, transport: &str) -> Option<&'t str> {
    const CALLOUTS: &str = "${if def:verify_mode{*:}}";
    const OF: &str = "${if inlist{$transport_name}{";
    let (_, rest) = told.split_once("avoid=${quote:")?;
    let expansion = within_braces(rest)?;
    let mut lists = expansion.strip_prefix(CALLOUTS).unwrap_or(expansion);
    if !lists.starts_with(OF) {
        return Some(lists);
    }
    while let Some(rest) = lists.strip_prefix(OF) {
        let (names, rest) = rest.split_once("}{")?;
        let list = within_braces(rest)?;
        if names.split(':').any(|name| name == transport) {
            return Some(list);
        }
        lists = rest.get(list.len()..)?.strip_prefix("}}")?;
    }
    None
}

/// What stands before the brace that ends it. Between `\N` and `\N` braces are none.
fn within_braces(text: &str) -> Option<&str> {
    let (mut open, mut is_plain, mut characters) = (0_u32, false, text.char_indices());
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => is_plain ^= matches!(characters.next(), Some((_, 'N'))),
            '{' if !is_plain => open = open.saturating_add(1),
            '}' if !is_plain && open == 0 => return text.get(..place),
            '}' if !is_plain => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What exim/platforms/derive.sh makes where the platform's transports have different lists.
    const OF_EACH: &str = "x avoid=${quote:${if inlist{$transport_name}{dkim_smtp:smtp_sts_told}{! 192.0.2.9 : *}}${if inlist{$transport_name}{remote_smtp:smtp_sts_told_remote_smtp}{192.0.2.9}}}}";
    const OF_OTHERS: &str =
        "x avoid=${quote:${if inlist{$transport_name}{dkim_smtp:smtp_sts_told}{192.0.2.9}}}}";

    #[test]
    fn each_transport_hands_over_its_own_list() {
        for (told, transport, expected) in [
            ("", "a", None),
            ("x avoid=${quote:}y", "a", Some("")),
            ("x avoid=${quote:192.0.2.9}y", "a", Some("192.0.2.9")),
            ("x avoid=${quote:${lookup{$host}lsearch{/x}{*}}}y", "a", Some("${lookup{$host}lsearch{/x}{*}}")),
            (r"x avoid=${quote:\N^x{2}}\N : y}z", "a", Some(r"\N^x{2}}\N : y")),
            ("x avoid=${quote:${if def:verify_mode{*:}}<; a ; b}", "a", Some("<; a ; b")),
            (OF_EACH, "dkim_smtp", Some("! 192.0.2.9 : *")),
            (OF_EACH, "smtp_sts_told", Some("! 192.0.2.9 : *")),
            (OF_EACH, "remote_smtp", Some("192.0.2.9")),
            (OF_EACH, "smtp_sts_told_remote", None),
            (OF_OTHERS, "remote_smtp", None),
            ("x avoid=${quote:${if inlist{$transport_name}{a}{b", "a", None),
        ] {
            assert_eq!(handed_over(told, transport), expected, "{told} {transport}");
        }
    }

    #[test]
    fn who_hands_over_another_list_than_its_own_is_told() {
        let with = |told: &str| {
            let options = [("event_action", told), ("hosts_avoid_tls", "192.0.2.9")];
            let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            avoids(&Driver { name: "remote_smtp".into(), options })
        };
        assert_eq!(with(OF_EACH), None);
        assert!(with(OF_OTHERS).unwrap().contains("has hosts_avoid_tls = 192.0.2.9"));
        assert!(with("x avoid=${quote:*}").unwrap().contains("SMTP_STS_AVOIDS_TLS = *"));
    }
}
