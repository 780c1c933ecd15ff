//! The line for Exim: printable ASCII, no line end (Exim would keep it), nothing that its string expansion reacts to.
//!
//! It holds words of closed lists and, for a router, a regular expression made of host names: untrusted text cannot
//! get here.

use crate::limits::{MAX_EXIM_LINE, MAX_EXIM_ROUTER_LINE};
use crate::verdict::Permitted;
use crate::verify::Report;

/// Whom the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who has a host already: no `mxre`.
    Host,
    /// A router, which needs to know the permitted hosts.
    Router,
}

/// A regular expression that matches no name: it wants a character before the beginning.
const NOTHING: &str = "^(.^)$";

/// The line: `verdict=` to `reason=`, `passed=` and `tlsa=` if there is something to tell, and for a router `mxre=`.
#[must_use]
pub fn line(report: &Report, asker: Asker) -> String {
    let mut line = String::new();
    for (key, word) in super::flat(report) {
        let blank = if line.is_empty() { "" } else { " " };
        line.extend([blank, key, "=", word]);
    }
    if asker == Asker::Router {
        let room = MAX_EXIM_ROUTER_LINE.saturating_sub(line.len());
        let expression = permitted(&report.judgement.permitted, room.saturating_sub(" mxre=".len()));
        line.push_str(" mxre=");
        line.push_str(&expression);
    }
    // Words of closed lists never come near this; a line that is too long must not reach a header all the same.
    let most = if asker == Asker::Router { MAX_EXIM_ROUTER_LINE } else { MAX_EXIM_LINE };
    line.truncate(most);
    line
}

/// `^(...)$` in at most `room` octets. Patterns that have no room are left out: a host too few, never one too many.
pub(super) fn permitted(permitted: &Permitted, room: usize) -> String {
    let patterns = match permitted {
        Permitted::Every => return "^(.+)$".to_owned(),
        Permitted::Only(patterns) => patterns,
    };
    let mut alternatives = String::new();
    for pattern in patterns.iter().map(crate::policy::pattern::MxPattern::to_regex) {
        if alternatives.len() + pattern.len() + "^(|)$".len() > room {
            break;
        }
        if !alternatives.is_empty() {
            alternatives.push('|');
        }
        alternatives.push_str(&pattern);
    }
    if alternatives.is_empty() { NOTHING.to_owned() } else { format!("^({alternatives})$") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::MxHost;
    use crate::policy::pattern::MxPattern;
    use crate::reason::Reason;
    use crate::verdict::Judgement;
    use crate::verify::NoEvaluation;

    fn report(permitted: Permitted) -> Report {
        let mut report = Report::from(NoEvaluation::defer(Reason::NoPolicy, "said \"{$x}\\\n"));
        report.judgement = Judgement { permitted, ..report.judgement };
        report
    }

    #[test]
    fn the_keys_stand_in_their_order() {
        let report = report(Permitted::Every);
        let words = "verdict=defer tls=opportunistic policy=none mode=none auth=none mx=unchecked cache=none reason=no-policy";
        assert_eq!(line(&report, Asker::Host), words);
        assert_eq!(line(&report, Asker::Router), format!("{words} mxre=^(.+)$"));
    }

    #[test]
    fn nobody_permitted_is_an_expression_that_matches_nothing() {
        assert!(line(&report(Permitted::Only(vec![])), Asker::Router).ends_with(" mxre=^(.^)$"));
    }

    #[test]
    fn permitted_hosts_stand_in_one_anchored_expression() {
        let patterns = ["*.example.com", "mx.example.net"].map(|text| MxPattern::parse(text).unwrap());
        let line = line(&report(Permitted::Only(patterns.to_vec())), Asker::Router);
        assert!(line.ends_with(" mxre=^([^.]+[.]example[.]com|mx[.]example[.]net)$"), "{line}");
    }

    #[test]
    fn the_line_keeps_its_length_and_its_characters_whatever_is_permitted() {
        let name = format!("{0}.{0}.{0}.example", "a".repeat(60));
        let patterns = vec![MxPattern::from(&MxHost::from_text(&name).unwrap()); 64];
        let line = line(&report(Permitted::Only(patterns)), Asker::Router);
        assert!(
            line.len() <= MAX_EXIM_ROUTER_LINE && line.len() > MAX_EXIM_ROUTER_LINE - 250,
            "{}",
            line.len()
        );
        assert!(line.ends_with(")$"));
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"\\\"{}".contains(&b)));
    }
}
