//! How far a session came, and what ended it before its time.

/// The steps of a session, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The TCP connection.
    Connect,
    /// The server's greeting (RFC 5321 section 3.1).
    Greeting,
    /// EHLO and its reply (RFC 5321 section 3.2).
    Ehlo,
    /// STARTTLS and its reply (RFC 3207 section 4).
    Starttls,
    /// The TLS handshake.
    Handshake,
}

impl Stage {
    /// Every stage, in their order.
    pub const ALL: [Self; 5] = [Self::Connect, Self::Greeting, Self::Ehlo, Self::Starttls, Self::Handshake];

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

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Starttls => "starttls",
            Self::Handshake => "handshake",
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

/// The closed list of what ends a session before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The address is one where no public server can be ([`crate::https::address`]): nobody connected.
    SetAside,
    /// This machine has no way to the address: most often, no IPv6.
    NoRoute,
    /// The other side refused the connection.
    Refused,
    /// Nothing came in time.
    TimedOut,
    /// The connection was closed or broken.
    Closed,
    /// More octets or lines came than a server has reason to send.
    TooMuch,
    /// What was said is not SMTP.
    NotSmtp,
    /// SMTP, with a code that says no.
    Declined,
    /// The reply to EHLO does not have STARTTLS: it is not offered, or somebody on the way removed it.
    NotOffered,
    /// Clear text came behind the reply to STARTTLS, where TLS has to begin: somebody on the way may have put it there
    /// (RFC 3207 section 4.2).
    Injected,
    /// What came behind STARTTLS is not TLS.
    NotTls,
    /// The server speaks nothing newer than TLS 1.1 (RFC 8996), which our TLS library does not know.
    OldTls,
    /// The server and our TLS library have no cipher suite, group or signature in common, or the server says so.
    NoCommonTls,
    /// Our TLS library cannot use the server's certificate: its key is too short or of an unknown kind, or it is malformed.
    BadCertificate,
    /// The server does not prove that it holds the key of its certificate.
    KeyNotProven,
    /// The handshake failed in another way.
    Tls,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::SetAside,
        Self::NoRoute,
        Self::Refused,
        Self::TimedOut,
        Self::Closed,
        Self::TooMuch,
        Self::NotSmtp,
        Self::Declined,
        Self::NotOffered,
        Self::Injected,
        Self::NotTls,
        Self::OldTls,
        Self::NoCommonTls,
        Self::BadCertificate,
        Self::KeyNotProven,
        Self::Tls,
    ];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SetAside => "set-aside",
            Self::NoRoute => "no-route",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Closed => "closed",
            Self::TooMuch => "too-much",
            Self::NotSmtp => "not-smtp",
            Self::Declined => "declined",
            Self::NotOffered => "no-starttls",
            Self::Injected => "injected",
            Self::NotTls => "not-tls",
            Self::OldTls => "old-tls",
            Self::NoCommonTls => "no-common-tls",
            Self::BadCertificate => "bad-certificate",
            Self::KeyNotProven => "key-not-proven",
            Self::Tls => "tls",
        }
    }

    /// Whether it is our TLS library that stops there, so that nobody can tell from here what a mail server would do.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::OldTls | Self::NoCommonTls | Self::BadCertificate)
    }
}
