//! What Exim says on its socket, by `${readsocket}`. Pure.
//!
//! One line a connection, which ends with a line end or with the input; what follows it is not read:
//! - `P DOMAIN` and `P DOMAIN HOST` ask what the command answers to `-d DOMAIN` and `-d DOMAIN -m HOST`; HOST as Exim's
//!   `${quote:}` writes it, since an MX host's alias may have any name.
//! - `E KEY=VALUE ...` tells of a session (`event.rs` has the keys). Its answer is empty, always: Exim takes a word for a veto.
//!
//! Nothing else is understood. Policies are purged and shown by the command, on the file; whoever reaches the socket may
//! only ask.

use super::question::Question;
use super::{Frame, event, quoting};
use crate::limits::{MAX_EXIM_EVENT_OCTETS, MAX_EXIM_QUESTION_OCTETS};
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::reports::event::Event;
use crate::text::excerpt;
use crate::verify::{NoEvaluation, asked};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// What Exim wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EximRequest {
    /// What the policies of a domain demand.
    Policy(Question),
    /// Nothing: it tells.
    Event(Box<Event>),
    /// Nothing: it tells what cannot be read, or what nobody needs.
    Unheard,
    /// What is no question; there is an answer to it all the same.
    Unreadable(NoEvaluation, Asker),
}

/// Reads the line at the front of what came so far, the last of which came if the input `is_ended`.
#[must_use]
pub fn read(octets: &[u8], is_ended: bool) -> Frame<EximRequest> {
    let tells = octets.starts_with(b"E ");
    let most = if tells { MAX_EXIM_EVENT_OCTETS } else { MAX_EXIM_QUESTION_OCTETS };
    let end = octets.iter().take(most).position(|octet| *octet == b'\n');
    let (line, consumed) = match end {
        Some(end) => {
            let line = octets.get(..end).unwrap_or_default();
            // Exim sends none; a person's terminal may.
            (line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1))
        }
        None if octets.len() >= most && tells => return Frame::Whole(EximRequest::Unheard, octets.len()),
        None if octets.len() >= most => return Frame::Whole(too_long(), octets.len()),
        None if !is_ended => return Frame::More,
        None if octets.is_empty() => return Frame::Broken(""),
        None => (octets, octets.len()),
    };
    if let Some(told) = line.strip_prefix(b"E ") {
        let heard =
            event::read(told).map_or(EximRequest::Unheard, |event| EximRequest::Event(Box::new(event)));
        return Frame::Whole(heard, consumed);
    }
    let request = match line.strip_prefix(b"P ") {
        Some(names) => question(names),
        None => EximRequest::Unreadable(not_understood(line), Asker::Router),
    };
    Frame::Whole(request, consumed)
}

fn question(names: &[u8]) -> EximRequest {
    let blank = names.iter().position(|octet| *octet == b' ');
    let (domain, rest) = names.split_at(blank.unwrap_or(names.len()));
    let asker = if blank.is_some() { Asker::Host } else { Asker::Router };
    let question = || {
        let domain = asked::domain(OsStr::from_bytes(domain))?;
        let host = match rest.strip_prefix(b" ") {
            None => None,
            Some(quoted) => match quoting::value(quoted) {
                Ok((host, [])) => Some(asked::host(OsStr::from_bytes(&host))?),
                _ => {
                    return Err(NoEvaluation::defer(
                        Reason::Usage,
                        "the host does not end where the line does",
                    ));
                }
            },
        };
        Ok(Question::about(domain, host))
    };
    question().map_or_else(|none| EximRequest::Unreadable(none, asker), EximRequest::Policy)
}

fn not_understood(line: &[u8]) -> NoEvaluation {
    let shown = excerpt(&String::from_utf8_lossy(line), 64);
    NoEvaluation::defer(Reason::Usage, format!("'{shown}' is neither 'P DOMAIN [HOST]' nor an event"))
}

fn too_long() -> EximRequest {
    let why = format!("the question has more than {MAX_EXIM_QUESTION_OCTETS} octets");
    EximRequest::Unreadable(NoEvaluation::defer(Reason::Usage, why), Asker::Router)
}

#[cfg(test)]
mod tests;
