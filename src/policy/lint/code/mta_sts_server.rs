//! The policy host of MTA-STS.

use super::Family;

/// The codes of this file.
pub(super) const FAMILY: Family = Family { prefix: "mta-sts.server", about: "the policy host of MTA-STS" };

macro_rules! mta_sts_server {
    ($next:ident $(, $later:ident)*; $($rows:tt)*) => { $next! { $($later),*; $($rows)* mta_sts_server {
        MtaStsServerCertificate: Error "mta-sts.server.certificate", "RFC 8461 section 3.3",
            "The certificate of the policy host does not verify for its name, or our TLS library cannot verify it: what is wrong is said beside it.",
            "Install a certificate for mta-sts.DOMAIN from a public authority, with its whole chain.";
        MtaStsServerContentEncoding: Error "mta-sts.server.content-encoding", "RFC 8461 section 3.3, RFC 9110 section 8.4",
            "The policy host compresses the policy, which was not asked for: senders that read it as it is find no policy.",
            "Let the web server deliver the file without Content-Encoding, at least to whoever does not ask for it.";
        MtaStsServerContentType: Error "mta-sts.server.content-type", "RFC 8461 section 3.2",
            "The policy host does not deliver the policy as text/plain.",
            "Let the web server deliver the file as text/plain.";
        MtaStsServerHtml: Error "mta-sts.server.html", "RFC 8461 section 3.2",
            "The policy host answers with a page for people: often the web server's default site, or a login page.",
            "Let the web server deliver the file itself, as text/plain.";
        MtaStsServerHttp: Error "mta-sts.server.http", "RFC 8461 section 3.3, RFC 9112",
            "What the policy host answers is no HTTP/1.1: it may speak HTTP/2 alone.",
            "Let the web server speak HTTP/1.1, too.";
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
        MtaStsServerTls: Error "mta-sts.server.tls", "RFC 8461 section 3.3",
            "A web server is there, and no TLS came about: it knows nothing newer than TLS 1.1, speaks HTTP/2 alone, or wants what not every sender has; which of them is said beside it.",
            "Offer TLS 1.2 or 1.3 with ECDHE, a certificate with RSA of 2048 bits or P-256, and HTTP/1.1.";
        MtaStsServerUnreachable: Error "mta-sts.server.unreachable", "RFC 8461 section 3.3",
            "The policy host cannot be found or reached: nobody gets the policy.",
            "Give mta-sts.DOMAIN an address where a web server answers on port 443.";
    } } };
}
