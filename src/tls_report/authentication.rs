//! What a mail server of the administrator's found out about who sent a mail (RFC 8601). Pure.
//!
//! Anybody can write Authentication-Results: only a server that was named is believed, and only about the mail that it took in itself,
//! not about one within it. It has to remove what others wrote in its name (section 5).

use super::mime::{Header, pieces, without_comments};
use crate::name::PolicyDomain;
use crate::words::words;

words! {
    /// What is known about who sent a report.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Authentication {
        /// A signature (DKIM) of the sender's domain is in order, as RFC 8460 section 3 demands.
        Passed = "passed",
        /// The server that is believed does not say so.
        NotPassed = "not-passed",
    }
}

/// What this server says in a mail's header: whether a domain has signed that is the sender's own, or stands above it.
pub(super) fn of(header: &Header, server: &str) -> Authentication {
    let Some(sender) = header.get("from").and_then(domain_of) else { return Authentication::NotPassed };
    // The first field that speaks of DKIM is the server's newest.
    let says = header.all("authentication-results").find_map(|value| signers(value, server));
    let is_signed = says.is_some_and(|signers| signers.iter().any(|signer| covers(signer, &sender)));
    if is_signed { Authentication::Passed } else { Authentication::NotPassed }
}

/// The domains whose signatures are in order, if the field is this server's and speaks of DKIM.
fn signers(value: &str, server: &str) -> Option<Vec<PolicyDomain>> {
    let value = without_comments(value);
    let mut pieces = pieces(&value).into_iter();
    let name = pieces.next()?;
    if !name.split_whitespace().next()?.eq_ignore_ascii_case(server) {
        return None;
    }
    let (mut speaks_of_dkim, mut signers) = (false, Vec::new());
    for piece in pieces {
        let mut words = piece.split_whitespace();
        let Some((method, result)) = words.next().and_then(|word| word.split_once('=')) else { continue };
        if !method.split('/').next().is_some_and(|method| method.eq_ignore_ascii_case("dkim")) {
            continue;
        }
        speaks_of_dkim = true;
        let signer = words.find_map(|word| {
            let (property, value) = word.split_once('=')?;
            let is_domain = ["header.d", "header.i"].iter().any(|known| property.eq_ignore_ascii_case(known));
            is_domain.then(|| value.trim_matches('"').rsplit('@').next().unwrap_or(value).to_owned())
        });
        if result.eq_ignore_ascii_case("pass") {
            signers.extend(signer.and_then(|signer| PolicyDomain::parse(&signer).ok()));
        }
    }
    speaks_of_dkim.then_some(signers)
}

/// The domain of the one address in a From field.
fn domain_of(from: &str) -> Option<PolicyDomain> {
    let address = from.rsplit('<').next()?.split('>').next()?;
    PolicyDomain::parse(address.rsplit_once('@')?.1.trim()).ok()
}

/// Whether a domain is the other one, or above it.
fn covers(signer: &PolicyDomain, sender: &PolicyDomain) -> bool {
    let above = sender.as_str().strip_suffix(signer.as_str());
    above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::super::mime::header;
    use super::*;

    #[test]
    fn only_the_named_server_is_believed_about_the_senders_own_domain() {
        let found = |fields: &str| of(&header(fields.as_bytes()).unwrap().0, "mx.receiver.example");
        let from = "From: \"R, <x@y.test>\" <tls@reports.sender.example>\n";
        let (yes, no) = (Authentication::Passed, Authentication::NotPassed);
        for (fields, expected) in [
            ("Authentication-Results: mx.receiver.example; dkim=pass header.d=sender.example\n", yes),
            (
                "Authentication-Results: MX.receiver.example 1;\n spf=pass smtp.mailfrom=a;\n DKIM/1=pass (1024-bit; key) header.i=@reports.sender.example header.s=t\n",
                yes,
            ),
            (
                "Authentication-Results: mx.receiver.example; dkim=fail header.d=other.test; dkim=pass header.d=sender.example\n",
                yes,
            ),
            (
                "Authentication-Results: mx.receiver.example; dmarc=pass header.from=sender.example\nAuthentication-Results: mx.receiver.example; dkim=pass header.d=sender.example\n",
                yes,
            ),
            ("Authentication-Results: mx.receiver.example; dkim=pass header.d=other.test\n", no),
            ("Authentication-Results: mx.receiver.example; dkim=pass header.d=ender.example\n", no),
            ("Authentication-Results: mx.receiver.example; dkim=fail header.d=sender.example\n", no),
            ("Authentication-Results: mx.receiver.example (dkim=pass header.d=sender.example); none\n", no),
            (
                "Authentication-Results: mx.receiver.example; none; (a\\); dkim=pass header.d=sender.example\n",
                no,
            ),
            ("Authentication-Results: mx.attacker.test; dkim=pass header.d=sender.example\n", no),
            (
                "Authentication-Results: mx.receiver.example; dkim=none\nAuthentication-Results: mx.receiver.example; dkim=pass header.d=sender.example\n",
                no,
            ),
            ("", no),
        ] {
            assert_eq!(found(&format!("{fields}{from}")), expected, "{fields}");
        }
        assert_eq!(found("Authentication-Results: mx.receiver.example; dkim=pass header.d=example\n"), no);
    }
}
