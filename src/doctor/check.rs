//! The closed list of checks: one dotted word for each thing that is looked at.
//!
//! The word is what monitoring and people search for, so it never changes its meaning. What a check is about, what a bad
//! finding means for the mail, what mends it, and how bad it can be, is told here and nowhere else.

use super::{Health, Topic};

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
    EximSqlite,
    EximRouters,
    EximTransports,
    EximHeaderSet,
    EximSmarthost,
    EximProgram,
    EximCache,
    EximAnswerAsRoot,
    EximAnswerAsExim,
    EximDaemon,
    EximDaemonSocket,
    EximDaemonAnswer,
    NetworkIpv4,
    NetworkIpv6,
}

/// What there is to say about a check.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The word itself.
    pub word: &'static str,
    /// Where it is told.
    pub topic: Topic,
    /// What is looked at: true when all is well.
    pub about: &'static str,
    /// What it means for the mail when it is not.
    pub meaning: &'static str,
    /// What mends it.
    pub fix: &'static str,
    /// How bad a finding can be: only [`Health::Wrong`] makes verdicts untrustworthy.
    pub worst: Health,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 44] = [
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
        Self::EximSqlite,
        Self::EximRouters,
        Self::EximTransports,
        Self::EximHeaderSet,
        Self::EximSmarthost,
        Self::EximProgram,
        Self::EximCache,
        Self::EximAnswerAsRoot,
        Self::EximAnswerAsExim,
        Self::EximDaemon,
        Self::EximDaemonSocket,
        Self::EximDaemonAnswer,
        Self::NetworkIpv4,
        Self::NetworkIpv6,
    ];

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }

    /// Everything there is to say about it.
    #[must_use]
    pub const fn explain(self) -> Explanation {
        const fn say(
            word: &'static str,
            topic: Topic,
            worst: Health,
            about: &'static str,
            meaning: &'static str,
            fix: &'static str,
        ) -> Explanation {
            Explanation { word, topic, about, meaning, fix, worst }
        }
        match self {
            Self::ResolverList => say(
                "resolver.list",
                Topic::NameServers,
                Health::Wrong,
                "there is a name server to ask",
                "Nothing can be asked, so all mail waits.",
                "Name a server in /etc/resolv.conf, or with `dns` in the configuration.",
            ),
            Self::ResolverUdp => say(
                "resolver.udp",
                Topic::NameServers,
                Health::Wrong,
                "the name server answers over UDP",
                "Questions to this server end without an answer: each costs time, and if no other server answers, mail waits.",
                "Is it running, a resolver that serves this machine, and does a firewall let UDP port 53 through? Else take it out of /etc/resolv.conf or `dns`.",
            ),
            Self::ResolverTcp => say(
                "resolver.tcp",
                Topic::NameServers,
                Health::Wrong,
                "the name server answers over TCP",
                "Long answers (keys, TLSA records, many MX hosts) do not fit UDP and are lost: mail for such domains waits.",
                "Let TCP port 53 through the firewall, and have the server listen on it (RFC 7766).",
            ),
            Self::ResolverEdns => say(
                "resolver.edns",
                Topic::NameServers,
                Health::Wrong,
                "the name server understands EDNS",
                "Without EDNS nobody can ask for signatures: every answer looks as if somebody had removed them.",
                "Use a server that understands EDNS (RFC 6891), such as unbound on this machine; look at what stands between.",
            ),
            Self::ResolverDnssec => say(
                "resolver.dnssec",
                Topic::NameServers,
                Health::Wrong,
                "the name server delivers signatures that hold",
                "No answer can be proven through this server: unless another one delivers, mail waits.",
                "Use a resolver that hands on DNSSEC records, such as unbound on this machine. dnsmasq needs `proxy-dnssec` or `dnssec`.",
            ),
            Self::ResolverDenial => say(
                "resolver.denial",
                Topic::NameServers,
                Health::Wrong,
                "the name server proves absences",
                "That a domain has no policy cannot be proven, so its mail waits; or the server answers for names that do not exist.",
                "Use a resolver that hands on NSEC, NSEC3 and DS records and invents nothing.",
            ),
            Self::ResolverValidates => say(
                "resolver.validates",
                Topic::NameServers,
                Health::Warning,
                "the name server validates for Exim",
                "Exim takes the server's word (AD) for its own DANE: without it, mail to hosts with TLSA records waits or goes without DANE.",
                "Give Exim a validating resolver on this machine: unbound, or BIND with `dnssec-validation auto`.",
            ),
            Self::ResolverSpeed => say(
                "resolver.speed",
                Topic::NameServers,
                Health::Warning,
                "the name server is quick",
                "Each delivery to a new domain waits for a few answers, one after the other.",
                "Use a caching resolver on this machine.",
            ),
            Self::ResolverPlace => say(
                "resolver.place",
                Topic::NameServers,
                Health::Warning,
                "whoever vouches for DNSSEC stands on this machine",
                "This program proves everything itself. But Exim believes the AD bit, which anybody on the way to that server can set.",
                "Run a validating resolver on this machine and name 127.0.0.1 in /etc/resolv.conf.",
            ),
            Self::ResolvConfRead => say(
                "resolv-conf.read",
                Topic::ResolvConf,
                Health::Warning,
                "/etc/resolv.conf can be read",
                "Exim asks 127.0.0.1 then, or nobody.",
                "Make the file readable for everybody, with a `nameserver` line.",
            ),
            Self::ResolvConfServers => say(
                "resolv-conf.servers",
                Topic::ResolvConf,
                Health::Warning,
                "all servers of /etc/resolv.conf are alike",
                "Exim's C library goes on to the next server when one is slow; one that does not validate takes DANE away from that delivery.",
                "Name only servers that validate; one on this machine is enough.",
            ),
            Self::ResolvConfTrustAd => say(
                "resolv-conf.trust-ad",
                Topic::ResolvConf,
                Health::Warning,
                "/etc/resolv.conf has `options trust-ad`",
                "The C library hides from Exim that an answer was validated, and Exim silently does no DANE; with the enforcing set, mail to hosts with TLSA records waits.",
                "Add `options trust-ad` to /etc/resolv.conf (or to what writes it), if the resolver is on this machine and validates.",
            ),
            Self::ResolvConfEdns0 => say(
                "resolv-conf.edns0",
                Topic::ResolvConf,
                Health::Warning,
                "/etc/resolv.conf has `options edns0`, or TCP works",
                "Exim gets answers of up to 512 octets over UDP; longer ones need TCP, which does not work here: hosts with many TLSA records cannot be reached.",
                "Add `options edns0` to /etc/resolv.conf, and let TCP port 53 through.",
            ),
            Self::ClockRootSignature => say(
                "clock.root-signature",
                Topic::Clock,
                Health::Wrong,
                "the clock fits the root's signatures",
                "By this clock the root's own signatures do not count, so no answer can be proven and all mail waits.",
                "Set the clock (timedatectl, chrony), and see that it stays set.",
            ),
            Self::ClockHttpsDate => say(
                "clock.https-date",
                Topic::Clock,
                Health::Wrong,
                "the clock agrees with a public web server",
                "A clock that is off makes signatures, certificates and policies count too long or not at all.",
                "Set the clock (timedatectl, chrony), and see that it stays set.",
            ),
            Self::AnchorRoot => say(
                "anchor.root",
                Topic::Trust,
                Health::Wrong,
                "the root is signed by a key that is trusted",
                "No chain of trust begins: nothing can be proven, and all mail waits.",
                "Without --trust-anchor the built-in keys are used. If they are too old, upgrade; IANA lists the keys of today (https://www.iana.org/dnssec/files).",
            ),
            Self::AnchorRollover => say(
                "anchor.rollover",
                Topic::Trust,
                Health::Warning,
                "the root announces no key that is not trusted",
                "The root is about to change its key. When it does, nothing can be proven any more, and all mail waits.",
                "Upgrade this program, or add the new key to the file of --trust-anchor, before the old one is withdrawn.",
            ),
            Self::AnchorFile => say(
                "anchor.file",
                Topic::Trust,
                Health::Warning,
                "where the trust anchors come from",
                "A file of trust anchors that nobody renews misses the next change of the root's key.",
                "Leave --trust-anchor out (the keys are built in), or have the file kept up to date.",
            ),
            Self::CaStore => say(
                "ca.store",
                Topic::Trust,
                Health::Wrong,
                "there are certification authorities",
                "No policy can be fetched (MTA-STS needs HTTPS): domains with a new policy are treated as if they had none.",
                "Install ca-certificates, or name a PEM file with `ca_file` that Exim's user can read.",
            ),
            Self::CaAge => say(
                "ca.age",
                Topic::Trust,
                Health::Warning,
                "the certification authorities are not old",
                "Authorities that came later are unknown and their hosts refused; those that were withdrawn are still believed.",
                "Upgrade the package ca-certificates.",
            ),
            Self::CachePlace => say(
                "cache.place",
                Topic::Cache,
                Health::Wrong,
                "the cache's place, owner and mode",
                "The cache is not used: policies are not remembered, so an attacker may hide one at any time.",
                "install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify",
            ),
            Self::CacheAsRoot => say(
                "cache.as-root",
                Topic::Cache,
                Health::Wrong,
                "the cache can be used when root starts the program",
                "Exim's routers start the program as root: policies are not remembered then.",
                "Let the cache's directory belong to Exim's user, mode 0750; see what the words name.",
            ),
            Self::CacheAsExim => say(
                "cache.as-exim",
                Topic::Cache,
                Health::Wrong,
                "the cache can be used as Exim's user",
                "Exim's transports and its own lookup work as that user: policies are not remembered then, or not seen.",
                "chown the cache's directory and the files in it to Exim's user.",
            ),
            Self::CacheIntegrity => say(
                "cache.integrity",
                Topic::Cache,
                Health::Wrong,
                "the cache's files are whole and of this version",
                "What is damaged counts as never learnt; the next run puts a damaged file aside and starts an empty one.",
                "Look at the disk. Move the file away; the next run starts an empty one.",
            ),
            Self::CacheJournal => say(
                "cache.journal",
                Topic::Cache,
                Health::Warning,
                "the cache's journal mode",
                "In another mode than `delete`, Exim's own lookup cannot read the file beside a writer.",
                "Stop whatever opened the file with another program; the next run of this one sets the mode.",
            ),
            Self::CacheRoom => say(
                "cache.room",
                Topic::Cache,
                Health::Warning,
                "there is room for the cache",
                "When the disk or the file is full, new policies are not remembered.",
                "Free some space, or raise `max_domains`.",
            ),
            Self::EximFound => say(
                "exim.found",
                Topic::Exim,
                Health::Warning,
                "Exim is there",
                "Nothing was looked at about Exim: whether mail is sent by these verdicts is not known.",
                "Name its binary with --exim, or install it.",
            ),
            Self::EximVersion => say(
                "exim.version",
                Topic::Exim,
                Health::Wrong,
                "Exim is new enough",
                "Before 4.96 the macros do not work: mail waits, or the question is never asked.",
                "Upgrade Exim to 4.96 or later.",
            ),
            Self::EximTls => say(
                "exim.tls",
                Topic::Exim,
                Health::Wrong,
                "Exim can do TLS",
                "Exim cannot do what a policy demands: mail for domains with a policy waits.",
                "Install exim4-daemon-light or exim4-daemon-heavy.",
            ),
            Self::EximDane => say(
                "exim.dane",
                Topic::Exim,
                Health::Warning,
                "Exim can do DANE",
                "Mail for hosts with TLSA records waits, since Exim cannot check their certificates.",
                "Install an Exim that was built with SUPPORT_DANE (Debian's are).",
            ),
            Self::EximSqlite => say(
                "exim.sqlite",
                Topic::Exim,
                Health::Warning,
                "Exim can read the cache itself",
                "The header set needs it for mail that is sent while the program fails.",
                "Install exim4-daemon-heavy, or use the enforcing set alone.",
            ),
            Self::EximRouters => say(
                "exim.routers",
                Topic::Exim,
                Health::Wrong,
                "the enforcing set's routers are loaded, ahead of the others",
                "Exim sends mail without asking, or without acting on the answer.",
                "Install all files of the enforcing set (README), then update-exim4.conf and reload Exim.",
            ),
            Self::EximTransports => say(
                "exim.transports",
                Topic::Exim,
                Health::Wrong,
                "the enforcing set's transports are loaded",
                "Mail that a policy is about waits, for there is no transport for it.",
                "Install all files of the enforcing set (README), then update-exim4.conf and reload Exim.",
            ),
            Self::EximHeaderSet => say(
                "exim.header-set",
                Topic::Exim,
                Health::Warning,
                "the header set, if it is used, is whole",
                "Half of the header set neither demands TLS nor notes what was found.",
                "Install both files of the header set (README), then update-exim4.conf and reload Exim.",
            ),
            Self::EximSmarthost => say(
                "exim.smarthost",
                Topic::Exim,
                Health::Warning,
                "Exim looks up MX hosts itself",
                "All mail goes to a smarthost, and the enforcing set does nothing: policies are the smarthost's business.",
                "Nothing, if it is meant so. To have TLS to the smarthost verified, see the README.",
            ),
            Self::EximProgram => say(
                "exim.program",
                Topic::Exim,
                Health::Wrong,
                "Exim starts this program",
                "Exim starts another program, or one that is not there: what is said here may not be what it does.",
                "Set SMTP_STS_PROGRAM, or install this program where it points to.",
            ),
            Self::EximCache => say(
                "exim.cache",
                Topic::Exim,
                Health::Warning,
                "Exim uses this cache",
                "What was looked at here is not what Exim uses.",
                "Give doctor the same file with -c, or set SMTP_STS_CACHE.",
            ),
            Self::EximAnswerAsRoot => say(
                "exim.answer-as-root",
                Topic::Exim,
                Health::Wrong,
                "Exim, as root, gets an answer",
                "When mail is routed, Exim gets no verdict, or one to wait: mail waits (SMTP_STS_ON_FAILURE says).",
                "Run what the words name by hand; the reason is explained by `smtp-sts-verify why WORD`.",
            ),
            Self::EximAnswerAsExim => say(
                "exim.answer-as-exim",
                Topic::Exim,
                Health::Wrong,
                "Exim, as its own user, gets an answer",
                "When recipients are checked, Exim gets no verdict, or one to wait: mail waits (SMTP_STS_ON_FAILURE says).",
                "Can Exim's user start the program and read its configuration? The reason is explained by `smtp-sts-verify why WORD`.",
            ),
            Self::EximDaemon => say(
                "exim.daemon",
                Topic::Exim,
                Health::Wrong,
                "the daemon, if Exim asks it, answers",
                "Exim waits for nobody and starts the program for each question; without that choice, mail waits (SMTP_STS_VERIFIERS says).",
                "systemctl status smtp-sts-verify; is SMTP_STS_SOCKET where it listens, and may Exim's user connect?",
            ),
            Self::EximDaemonSocket => say(
                "exim.daemon-socket",
                Topic::Exim,
                Health::Wrong,
                "nobody else can stand in the daemon's place",
                "Whoever can put a socket there tells Exim what to demand of any domain; whoever may connect can report handshakes.",
                "Let root own the directory, mode 0755, and the socket be 0660 for Exim's group, as smtp-sts-verify-exim.socket makes it.",
            ),
            Self::EximDaemonAnswer => say(
                "exim.daemon-answer",
                Topic::Exim,
                Health::Warning,
                "the daemon answers what the program answers",
                "The daemon reads another configuration, is another version, or asks other name servers: verdicts depend on who is asked.",
                "systemctl restart smtp-sts-verify, and compare its configuration with /etc/smtp-sts-verify/config.toml.",
            ),
            Self::NetworkIpv4 => say(
                "network.ipv4",
                Topic::Network,
                Health::Wrong,
                "there is a way to IPv4",
                "Hosts that have IPv4 addresses alone cannot be reached, nor can their policies.",
                "Look at the default route (`ip -4 route`).",
            ),
            Self::NetworkIpv6 => say(
                "network.ipv6",
                Topic::Network,
                Health::Warning,
                "the way to IPv6, if there is one, leads out",
                "A way to IPv6 that ends nowhere makes each delivery to such a host wait.",
                "Mend the default route (`ip -6 route`) or take it away.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_word_of_its_own_a_meaning_and_a_fix() {
        let mut words: Vec<_> = Check::ALL.iter().map(|check| check.word()).collect();
        words.dedup();
        assert_eq!(words.len(), Check::ALL.len());
        for check in Check::ALL {
            let Explanation { word, about, meaning, fix, worst, .. } = check.explain();
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
