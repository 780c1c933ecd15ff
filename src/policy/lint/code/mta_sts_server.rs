//! The policy host of MTA-STS.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "mta-sts.server", about: "the policy host of MTA-STS" };

macro_rules! mta_sts_server {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* mta_sts_server {
        MtaStsServerCertificate: Error "mta-sts.server.certificate", "RFC 8461 section 3.3",
            "The certificate of the policy host does not verify for its name: nobody gets the policy.",
            "Install a certificate for mta-sts.DOMAIN from a public authority, with its whole chain.";
        MtaStsServerContentType: Error "mta-sts.server.content-type", "RFC 8461 section 3.2",
            "The policy host does not deliver the policy as text/plain.",
            "Let the web server deliver the file as text/plain.";
        MtaStsServerHtml: Error "mta-sts.server.html", "RFC 8461 section 3.2",
            "The policy host answers with a page for people: often the web server's default site, or a login page.",
            "Let the web server deliver the file itself, as text/plain.";
        MtaStsServerIdUnchanged: Warning "mta-sts.server.id-unchanged", "RFC 8461 section 3.1",
            "The policy is another one than before and the id of the TXT record is not: senders keep the old one.",
            "Change the id whenever the policy changes; the time of the change is usual.";
        MtaStsServerNoRecord: Error "mta-sts.server.no-record", "RFC 8461 section 3.1",
            "There is a policy, and no TXT record at _mta-sts that tells of it: nobody looks for it.",
            "Publish v=STSv1; id=ID at _mta-sts of the domain.";
        MtaStsServerPrivate: Error "mta-sts.server.private", "RFC 6890 section 2.2",
            "The policy host has an address that only its own network can reach.",
            "Give the name mta-sts.DOMAIN public addresses.";
        MtaStsServerRedirect: Error "mta-sts.server.redirect", "RFC 8461 section 3.3",
            "The policy host redirects, and senders do not follow.",
            "Deliver the file at /.well-known/mta-sts.txt of mta-sts.DOMAIN itself; a CNAME of that host is allowed.";
        MtaStsServerSlow: Error "mta-sts.server.slow", "RFC 8461 section 3.3",
            "The policy host did not deliver the policy in time.",
            "Look at the web server; the file is small and needs no program behind it.";
        MtaStsServerStatus: Error "mta-sts.server.status", "RFC 8461 section 3.3",
            "The policy host answers with another status than 200.",
            "Put the file at /.well-known/mta-sts.txt, and let programs other than browsers have it.";
        MtaStsServerUnreachable: Error "mta-sts.server.unreachable", "RFC 8461 section 3.3",
            "The policy host cannot be found or reached: nobody gets the policy.",
            "Give mta-sts.DOMAIN an address where a web server answers on port 443.";
    } } };
}
