//! What everything is proven by: the root's keys, and the certification authorities.

use super::{ago, fine, unchecked, warning, wrong};
use crate::doctor::observations::{AnchorSource, Chain, Outside, Root, Server};
use crate::doctor::{Check, Finding};
use crate::limits::{OLD_ANCHOR_FILE, OLD_AUTHORITIES};

/// Judges both.
#[must_use]
pub fn judge(outside: &Outside) -> Vec<Finding> {
    let mut findings = roots_keys(outside);
    findings.push(anchor_file(outside));
    findings.extend(authorities(outside));
    findings
}

fn roots_keys(outside: &Outside) -> Vec<Finding> {
    let (of, announced) = (Check::AnchorRoot, Check::AnchorRollover);
    let Root { ours, revoked, unknown, signed } = match &outside.root {
        Ok(root) => root,
        Err(why) => return vec![no_root(outside, why), unchecked(announced, why)],
    };
    let is = match (ours.as_slice(), revoked.as_slice()) {
        ([], []) => wrong(of, format!("the root shows the keys {}; none of them is trusted", tags(unknown))),
        ([], revoked) => wrong(of, format!("the root has revoked what is trusted: {}", tags(revoked))),
        (ours, _) if signed.is_empty() => unchecked(of, format!("{} came without its signature", tags(ours))),
        (ours, []) => fine(of, format!("trusted, and shown by the root: {}", tags(ours))),
        (ours, revoked) => warning(of, format!("{} is trusted; {} is revoked", tags(ours), tags(revoked))),
    };
    let comes = match unknown.as_slice() {
        // Anybody can announce a key that nothing signs.
        _ if signed.is_empty() => unchecked(announced, "no signature of the root by a trusted key was seen"),
        [] => fine(announced, "no other key is announced"),
        unknown => warning(announced, format!("the key {} is announced, and is not trusted", tags(unknown))),
    };
    vec![is, comes]
}

/// Nobody showed the root's keys to a trust anchor of the root's. If that is because there is no such anchor, nothing can
/// be proven.
fn no_root(outside: &Outside, why: &str) -> Finding {
    let is_our_fault = |server: &Server| [&server.positive, &server.negative].contains(&&Chain::OwnFault);
    match outside.servers.as_deref().unwrap_or_default().iter().any(is_our_fault) {
        true => {
            wrong(Check::AnchorRoot, "no chain of trust leads from a trust anchor to the root's own records")
        }
        false => unchecked(Check::AnchorRoot, why),
    }
}

fn tags(tags: &[u16]) -> String {
    let tags: Vec<_> = tags.iter().map(u16::to_string).collect();
    tags.join(", ")
}

fn anchor_file(outside: &Outside) -> Finding {
    const CHECK: Check = Check::AnchorFile;
    match &outside.anchors {
        AnchorSource::BuiltIn => fine(CHECK, "built into this program"),
        AnchorSource::File(file, None) => fine(CHECK, file.display().to_string()),
        AnchorSource::File(file, Some(age)) => {
            let words = format!("{}, last changed {} ago", file.display(), ago(*age));
            if *age > OLD_ANCHOR_FILE { warning(CHECK, words) } else { fine(CHECK, words) }
        }
    }
}

fn authorities(outside: &Outside) -> Vec<Finding> {
    let (store, old) = (Check::CaStore, Check::CaAge);
    let seen = match &outside.authorities {
        Ok(seen) => seen,
        Err(why) => return vec![wrong(store, why)],
    };
    let noun = if seen.count == 1 { "authority" } else { "authorities" };
    let words = format!("{} {noun} in {}, read as {}", seen.count, seen.file.display(), seen.reader);
    let age = match seen.age {
        None => unchecked(old, "this file system does not say"),
        Some(age) => {
            let words = format!("last changed {} ago", ago(age));
            if age > OLD_AUTHORITIES { warning(old, words) } else { fine(old, words) }
        }
    };
    vec![fine(store, words), age]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::judge::network::tests::outside;
    use crate::doctor::judge::resolvers::tests::good;
    use crate::doctor::observations::Authorities;

    fn healths(root: Root) -> Vec<Health> {
        roots_keys(&Outside { root: Ok(root), ..outside() }).iter().map(|finding| finding.health).collect()
    }

    fn root(ours: &[u16], revoked: &[u16], unknown: &[u16]) -> Root {
        Root {
            ours: ours.to_vec(),
            revoked: revoked.to_vec(),
            unknown: unknown.to_vec(),
            signed: vec![(0, 1)],
        }
    }

    #[test]
    fn a_rollover_is_announced_long_before_it_hurts() {
        assert_eq!(healths(root(&[20326], &[], &[])), [Health::Fine, Health::Fine]);
        assert_eq!(healths(root(&[20326], &[], &[38696])), [Health::Fine, Health::Warning]);
        assert_eq!(healths(root(&[38696], &[20326], &[])), [Health::Warning, Health::Fine]);
    }

    #[test]
    fn without_a_trusted_key_nothing_can_be_proven() {
        let unsigned = |keys: Root| healths(Root { signed: vec![], ..keys });
        assert_eq!(unsigned(root(&[], &[], &[1])), [Health::Wrong, Health::NotChecked]);
        assert_eq!(unsigned(root(&[], &[20326], &[38696])), [Health::Wrong, Health::NotChecked]);
    }

    #[test]
    fn a_trust_anchor_of_an_island_alone_is_wrong() {
        let none = || Err("no name server told the root's keys, or no trust anchor is the root's".to_owned());
        let with = |positive| {
            let seen =
                Outside { root: none(), servers: Ok(vec![Server { positive, ..good() }]), ..outside() };
            roots_keys(&seen).iter().map(|finding| finding.health).collect::<Vec<_>>()
        };
        assert_eq!(with(Chain::OwnFault), [Health::Wrong, Health::NotChecked]);
        assert_eq!(with(Chain::Stripped), [Health::NotChecked, Health::NotChecked]);
    }

    #[test]
    fn a_key_that_nothing_signs_is_no_announcement() {
        let unsigned = Root { signed: vec![], ..root(&[20326], &[38696], &[666]) };
        assert_eq!(healths(unsigned), [Health::NotChecked, Health::NotChecked]);
    }

    #[test]
    fn old_files_are_warnings_and_no_authorities_are_wrong() {
        let aged = |age| Outside {
            anchors: AnchorSource::File("/etc/root.key".into(), Some(age)),
            authorities: Ok(Authorities {
                file: "/etc/ssl/certs/ca-certificates.crt".into(),
                count: 140,
                age: Some(age),
                reader: "Debian-exim".into(),
            }),
            ..outside()
        };
        let year = 31_557_600;
        assert_eq!(anchor_file(&aged(year)).health, Health::Fine);
        assert_eq!(anchor_file(&aged(year + 1)).health, Health::Warning);
        assert_eq!(authorities(&aged(2 * year))[1].health, Health::Fine);
        assert_eq!(authorities(&aged(2 * year + 1))[1].health, Health::Warning);
        let none = Outside { authorities: Err("no CA certificates on this system".into()), ..outside() };
        assert_eq!(authorities(&none)[0].health, Health::Wrong);
    }
}
