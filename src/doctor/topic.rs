//! The parts of what a doctor tells.

/// What the checks are about, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`heading` says it")]
pub enum Topic {
    NameServers,
    ResolvConf,
    Clock,
    Trust,
    Cache,
    Exim,
    Postfix,
    Reports,
    Fleet,
    Network,
}

impl Topic {
    /// All of them, in their order.
    pub const ALL: [Self; 10] = [
        Self::NameServers,
        Self::ResolvConf,
        Self::Clock,
        Self::Trust,
        Self::Cache,
        Self::Exim,
        Self::Postfix,
        Self::Reports,
        Self::Fleet,
        Self::Network,
    ];

    /// The heading of its part of the page.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::NameServers => "Name servers",
            Self::ResolvConf => "/etc/resolv.conf, for the mail server's own lookups",
            Self::Clock => "Clock",
            Self::Trust => "Trust anchors and certification authorities",
            Self::Cache => "Cache",
            Self::Exim => "Exim",
            Self::Postfix => "Postfix",
            Self::Reports => "TLS reports, which the configuration sends",
            Self::Fleet => "The fleet, whose memory this host shares",
            Self::Network => "Network",
        }
    }
}
