//! How far a session came, and what ended it before its time.

use crate::words::words;

words! {
    /// The steps of a session, in their order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Stage {
        /// The TCP connection.
        Connect = "connect",
        /// The server's greeting (RFC 5321 section 3.1).
        Greeting = "greeting",
        /// EHLO and its reply (RFC 5321 section 3.2).
        Ehlo = "ehlo",
        /// STARTTLS and its reply (RFC 3207 section 4).
        Starttls = "starttls",
        /// The TLS handshake.
        Handshake = "handshake",
    }
}

impl Stage {
    /// Where in a session it is, for a sentence.
    #[must_use]
    pub const fn place(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::Greeting => "instead of a greeting",
            Self::Ehlo => "after EHLO",
            Self::Starttls => "at STARTTLS",
            Self::Handshake => "in the TLS handshake",
        }
    }
}

/// What ended a session before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFailure {
    /// The step that was not completed.
    pub at: Stage,
    /// The kind, for programs.
    pub kind: FailureKind,
    /// In words; untrusted in part, not yet escaped.
    pub why: String,
}

impl SessionFailure {
    /// A failure at `at`.
    #[must_use]
    pub fn new(at: Stage, kind: FailureKind, why: impl Into<String>) -> Self {
        Self { at, kind, why: why.into() }
    }
}

words! {
    /// The closed list of what ends a session before its time.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FailureKind {
        /// The address is one where no public server can be ([`crate::https::address`]): nobody connected.
        SetAside = "set-aside",
        /// This machine has no way to the address: most often, no IPv6.
        NoRoute = "no-route",
        /// The other side refused the connection.
        Refused = "refused",
        /// Nothing came in time.
        TimedOut = "timed-out",
        /// The connection was closed or broken.
        Closed = "closed",
        /// More octets or lines came than a server has reason to send.
        TooMuch = "too-much",
        /// What was said is not SMTP.
        NotSmtp = "not-smtp",
        /// SMTP, with a code that says no.
        Declined = "declined",
        /// The reply to EHLO does not have STARTTLS: it is not offered, or somebody on the way removed it.
        NotOffered = "no-starttls",
        /// Clear text came behind the reply to STARTTLS, where TLS has to begin: somebody on the way may have put it there
        /// (RFC 3207 section 4.2).
        Injected = "injected",
        /// What came behind STARTTLS is not TLS.
        NotTls = "not-tls",
        /// The server speaks nothing newer than TLS 1.1 (RFC 8996), which our TLS library does not know.
        OldTls = "old-tls",
        /// The server and our TLS library have no cipher suite, group or signature in common, or the server says so.
        NoCommonTls = "no-common-tls",
        /// Our TLS library cannot use the server's certificate: its key is too short or of an unknown kind, or it is malformed.
        BadCertificate = "bad-certificate",
        /// The server does not prove that it holds the key of its certificate.
        KeyNotProven = "key-not-proven",
        /// The handshake failed in another way.
        Tls = "tls",
    }
}

impl FailureKind {
    /// Whether it is our TLS library that stops there, so that nobody can tell from here what a mail server would do.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::OldTls | Self::NoCommonTls | Self::BadCertificate)
    }
}
