//! The closed list of checks: one dotted word for each thing that is looked at.
//!
//! The word is what monitoring and people search for, so it never changes its meaning. What a check is about, what a bad
//! finding means for the mail, what mends it, and how bad it can be, is told in [`super::explanation`].

/// One thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`explain` is the documentation, and every output shows it")]
pub enum Check {
    ResolverList,
    ResolverUdp,
    ResolverTcp,
    ResolverEdns,
    ResolverDnssec,
    ResolverDenial,
    ResolverValidates,
    ResolverSpeed,
    ResolverPlace,
    ResolvConfRead,
    ResolvConfServers,
    ResolvConfTrustAd,
    ResolvConfEdns0,
    ResolvConfSearch,
    ClockRootSignature,
    ClockHttpsDate,
    AnchorRoot,
    AnchorRollover,
    AnchorFile,
    CaStore,
    CaAge,
    CachePlace,
    CacheAsRoot,
    CacheAsExim,
    CacheIntegrity,
    CacheJournal,
    CacheRoom,
    EximFound,
    EximVersion,
    EximTls,
    EximDane,
    EximEvents,
    EximDnsdb,
    EximSqlite,
    EximRouters,
    EximTransports,
    EximFiles,
    EximHeaderSet,
    EximSmarthost,
    EximProgram,
    EximCache,
    EximAnswerAsRoot,
    EximAnswerAsExim,
    EximDaemon,
    EximDaemonSocket,
    EximDaemonAnswer,
    PostfixFound,
    PostfixVersion,
    PostfixMap,
    PostfixLevel,
    PostfixReports,
    PostfixChroot,
    /// Whether smtp(8) asks the same name servers from its chroot.
    PostfixResolver,
    PostfixCa,
    PostfixDnssec,
    PostfixAnswer,
    ReportsSendmail,
    ReportsRoute,
    ReportsKey,
    ReportsPostfix,
    ReportsTimer,
    ReportsRecord,
    FleetConnection,
    FleetSchema,
    FleetRole,
    FleetClock,
    FleetGroups,
    NetworkIpv4,
    NetworkIpv6,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 69] = [
        Self::ResolverList,
        Self::ResolverUdp,
        Self::ResolverTcp,
        Self::ResolverEdns,
        Self::ResolverDnssec,
        Self::ResolverDenial,
        Self::ResolverValidates,
        Self::ResolverSpeed,
        Self::ResolverPlace,
        Self::ResolvConfRead,
        Self::ResolvConfServers,
        Self::ResolvConfTrustAd,
        Self::ResolvConfEdns0,
        Self::ResolvConfSearch,
        Self::ClockRootSignature,
        Self::ClockHttpsDate,
        Self::AnchorRoot,
        Self::AnchorRollover,
        Self::AnchorFile,
        Self::CaStore,
        Self::CaAge,
        Self::CachePlace,
        Self::CacheAsRoot,
        Self::CacheAsExim,
        Self::CacheIntegrity,
        Self::CacheJournal,
        Self::CacheRoom,
        Self::EximFound,
        Self::EximVersion,
        Self::EximTls,
        Self::EximDane,
        Self::EximEvents,
        Self::EximDnsdb,
        Self::EximSqlite,
        Self::EximRouters,
        Self::EximTransports,
        Self::EximFiles,
        Self::EximHeaderSet,
        Self::EximSmarthost,
        Self::EximProgram,
        Self::EximCache,
        Self::EximAnswerAsRoot,
        Self::EximAnswerAsExim,
        Self::EximDaemon,
        Self::EximDaemonSocket,
        Self::EximDaemonAnswer,
        Self::PostfixFound,
        Self::PostfixVersion,
        Self::PostfixMap,
        Self::PostfixLevel,
        Self::PostfixReports,
        Self::PostfixChroot,
        Self::PostfixResolver,
        Self::PostfixCa,
        Self::PostfixDnssec,
        Self::PostfixAnswer,
        Self::ReportsSendmail,
        Self::ReportsRoute,
        Self::ReportsKey,
        Self::ReportsPostfix,
        Self::ReportsTimer,
        Self::ReportsRecord,
        Self::FleetConnection,
        Self::FleetSchema,
        Self::FleetRole,
        Self::FleetClock,
        Self::FleetGroups,
        Self::NetworkIpv4,
        Self::NetworkIpv6,
    ];

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::explanation::CheckExplanation;
    use crate::doctor::{Health, Topic};

    #[test]
    fn every_check_has_a_word_of_its_own_a_meaning_and_a_fix() {
        let mut words: Vec<_> = Check::ALL.iter().map(|check| check.word()).collect();
        words.dedup();
        assert_eq!(words.len(), Check::ALL.len());
        for check in Check::ALL {
            let CheckExplanation { word, about, meaning, fix, worst, .. } = check.explain();
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let parts: Vec<_> = word.split('.').collect();
            assert!(matches!(parts.as_slice(), [a, b] if a.chars().chain(b.chars()).all(is_plain)), "{word}");
            assert!(about.len() > 10 && meaning.ends_with('.') && fix.len() > 10, "{word}");
            assert!(worst >= Health::Warning, "{word} could never say anything");
        }
    }

    #[test]
    fn they_are_told_topic_by_topic() {
        assert!(Check::ALL.is_sorted_by_key(|check| check.explain().topic));
        for topic in Topic::ALL {
            assert!(Check::ALL.iter().any(|check| check.explain().topic == topic), "{topic:?}");
        }
    }
}
