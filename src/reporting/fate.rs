//! What became of a hand-over, by the answer of a web server or the end of the sendmail command. Pure.

/// What became of a report at one destination; the words are what an operator reads of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken, with these words.
    Accepted(String),
    /// It was not, and will not be: this report is given up there.
    Refused {
        /// Why.
        why: String,
        /// Whether the destination itself is at fault, and is left alone for a week.
        is_dead: bool,
    },
    /// It may be taken later.
    Later(String),
    /// The same, and that it was not taken now says nothing about the destination: it was this machine's fault, or it was not tried.
    Postponed(String),
}

/// What a status of HTTP means (RFC 9110 section 15): 2xx is success, and nothing else is (RFC 8460 section 5.4).
#[must_use]
pub fn of_status(code: u16, told: Option<&str>) -> Fate {
    let beside = told.map(|told| format!("; its certificate was not accepted: {told}")).unwrap_or_default();
    let words = |what: &str| format!("status {code}, {what}{beside}");
    match code {
        200..300 => Fate::Accepted(words("taken")),
        // Not now (RFC 9110 sections 15.5.9, 15.5.13 to .14 are about this request; RFC 8470 section 5.2; RFC 6585 section 4).
        408 | 425 | 429 | 500..600 => Fate::Later(words("not now")),
        // Not as it is: another report may be taken.
        400 | 411 | 413 | 415 | 422 => Fate::Refused { why: words("this report is refused"), is_dead: false },
        300..400 => Fate::Refused { why: words("a redirect, which reports do not follow"), is_dead: true },
        400..500 => Fate::Refused { why: words("refused"), is_dead: true },
        _ => Fate::Later(words("which is no answer")),
    }
}

/// What the end of the sendmail command means (sysexits.h); without a code it was ended, by a signal or at its deadline.
#[must_use]
pub fn of_sendmail(code: Option<i32>, said: &str) -> Fate {
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let Some(code) = code else {
        return Fate::Postponed(format!("the sendmail command did not end by itself{said}"));
    };
    let words = |what: &str| format!("sendmail ended with {code}, {what}{said}");
    match code {
        0 => Fate::Accepted("handed to the mail server".to_owned()),
        65 => Fate::Refused { why: words("the address or the mail is refused"), is_dead: true },
        67 => Fate::Refused { why: words("there is no such address"), is_dead: true },
        68 => Fate::Refused { why: words("there is no such host"), is_dead: true },
        // Whatever else it is, the mail server of this machine does not take mail now.
        _ => Fate::Postponed(words("tried again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(fate: &Fate) -> &'static str {
        match fate {
            Fate::Accepted(_) => "sent",
            Fate::Refused { is_dead: true, .. } => "dead",
            Fate::Refused { is_dead: false, .. } => "refused",
            Fate::Later(_) => "later",
            Fate::Postponed(_) => "ours",
        }
    }

    #[test]
    fn success_is_2xx_and_what_may_pass_is_tried_again() {
        for (codes, expected) in [
            (&[200_u16, 201, 202, 204, 299][..], "sent"),
            (&[408, 425, 429, 500, 502, 503, 504, 599], "later"),
            (&[301, 302, 303, 307, 308, 401, 403, 404, 405, 410, 451], "dead"),
            (&[400, 413, 415, 422], "refused"),
            (&[100, 199, 600], "later"),
        ] {
            for code in codes {
                assert_eq!(word(&of_status(*code, None)), expected, "{code}");
            }
        }
        let Fate::Accepted(words) = of_status(201, Some("it is self-signed")) else { panic!("201") };
        assert!(words.starts_with("status 201") && words.ends_with("it is self-signed"), "{words}");
    }

    #[test]
    fn sysexits_say_whether_an_address_is_dead() {
        for (code, expected) in [
            (0, "sent"),
            (65, "dead"),
            (67, "dead"),
            (68, "dead"),
            (1, "ours"),
            (69, "ours"),
            (75, "ours"),
            (77, "ours"),
        ] {
            assert_eq!(word(&of_sendmail(Some(code), "")), expected, "{code}");
        }
        assert_eq!(word(&of_sendmail(None, "")), "ours");
        assert_eq!(
            of_sendmail(Some(75), "queue full"),
            Fate::Postponed("sendmail ended with 75, tried again: queue full".to_owned())
        );
    }
}
