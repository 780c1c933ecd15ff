//! The memory that a fleet shares, where there is one.

use super::{ago, fine, unchecked, warning};
use crate::doctor::observations::{Fleet, FleetStore};
use crate::doctor::{Check, Finding};
use crate::limits::{FLEET_CLOCK_APART, FLEET_UNSEEN};
use crate::text::excerpt;
use std::collections::BTreeMap;

/// Hosts that are named.
const NAMED: usize = 8;

/// Judges what was seen of it.
#[must_use]
pub fn judge(fleet: &Fleet) -> Vec<Finding> {
    let role = excerpt(&fleet.role, 63);
    let store = match &fleet.store {
        Ok(store) => store,
        Err(why) => {
            let rest = [Check::FleetRole, Check::FleetClock, Check::FleetGroups];
            let connection = if fleet.is_another_schema {
                [
                    fine(Check::FleetConnection, format!("there is one, as {role}")),
                    warning(Check::FleetSchema, why),
                ]
            } else {
                [
                    warning(Check::FleetConnection, format!("as {role}: {why}")),
                    unchecked(Check::FleetSchema, "there is no connection"),
                ]
            };
            let unseen = rest.into_iter().map(|check| unchecked(check, "the database cannot be used"));
            return connection.into_iter().chain(unseen).collect();
        }
    };
    vec![
        fine(Check::FleetConnection, format!("to {}, as {role}", excerpt(&store.server, 80))),
        fine(Check::FleetSchema, format!("version {}, store {}", store.schema, excerpt(&store.id, 40))),
        rights(store, &role),
        clock(store),
        groups(store),
    ]
}

fn rights(store: &FleetStore, role: &str) -> Finding {
    const CHECK: Check = Check::FleetRole;
    match &store.rights {
        Err(why) => unchecked(CHECK, why),
        Ok((false, _)) => warning(CHECK, format!("{role} is not a member of fleet_host")),
        Ok((true, excess)) if !excess.is_empty() => {
            warning(CHECK, format!("{role} {}", excess.join("; it ")))
        }
        Ok(_) => fine(
            CHECK,
            format!("{role} reads, offers, hands in counts and shows itself, and may do nothing else"),
        ),
    }
}

fn clock(store: &FleetStore) -> Finding {
    let seen = format!("{:+} seconds against the database", store.clock_offset);
    if store.clock_offset.unsigned_abs() > FLEET_CLOCK_APART {
        warning(Check::FleetClock, seen)
    } else {
        fine(Check::FleetClock, seen)
    }
}

/// Of hosts that are there.
fn groups(store: &FleetStore) -> Finding {
    const CHECK: Check = Check::FleetGroups;
    let hosts = match &store.hosts {
        Ok(hosts) => hosts,
        Err(why) => return unchecked(CHECK, why),
    };
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::from([(store.circumstances.as_str(), Vec::new())]);
    let mut unseen = Vec::new();
    for host in hosts {
        if host.unseen_for > FLEET_UNSEEN {
            unseen.push(format!("{} for {}", excerpt(&host.name, 63), ago(host.unseen_for)));
        } else {
            groups.entry(&host.circumstances).or_default().push(&host.name);
        }
    }
    unseen.truncate(NAMED);
    let gone = match unseen.as_slice() {
        [] => String::new(),
        unseen => format!("; unseen: {}", unseen.join(", ")),
    };
    let mine = groups.remove(store.circumstances.as_str()).unwrap_or_default();
    if groups.is_empty() {
        return fine(CHECK, format!("one, of {} hosts that are there{gone}", mine.len()));
    }
    let others: Vec<String> = groups.values().flatten().take(NAMED).map(|name| excerpt(name, 63)).collect();
    warning(
        CHECK,
        format!(
            "{}: this host shares nothing with {}{gone}",
            groups.len().saturating_add(1),
            others.join(", ")
        ),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::observations::FleetMember;

    fn member(name: &str, circumstances: &str, unseen_for: u64) -> FleetMember {
        FleetMember { name: name.to_owned(), circumstances: circumstances.to_owned(), unseen_for }
    }

    /// One with which all is well.
    pub(crate) fn good() -> Fleet {
        let store = FleetStore {
            server: "192.0.2.10 port 5432".to_owned(),
            id: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
            schema: 1,
            clock_offset: 0,
            rights: Ok((true, vec![])),
            hosts: Ok(vec![member("mx1", "aa", 3), member("mx2", "aa", 9)]),
            circumstances: "aa".to_owned(),
        };
        Fleet { role: "mx1".to_owned(), is_another_schema: false, store: Ok(store) }
    }

    fn told(change: impl FnOnce(&mut FleetStore)) -> Vec<(Health, String)> {
        let mut fleet = good();
        change(fleet.store.as_mut().unwrap());
        judge(&fleet).into_iter().map(|finding| (finding.health, finding.seen)).collect()
    }

    #[test]
    fn each_thing_that_is_not_as_it_should_be_is_told_by_its_own_check() {
        assert!(told(|_| {}).iter().all(|(health, _)| *health == Health::Fine));
        let told_at = |place: usize, change: &dyn Fn(&mut FleetStore)| {
            let all = told(change);
            let bad: Vec<usize> = (0..all.len()).filter(|at| all[*at].0 == Health::Warning).collect();
            assert_eq!(bad, [place], "{all:?}");
            all[place].1.clone()
        };
        let role = told_at(2, &|store| store.rights = Ok((true, vec!["may create tables".to_owned()])));
        assert_eq!(role, "mx1 may create tables");
        assert!(told_at(2, &|store| store.rights = Ok((false, vec![]))).contains("fleet_host"));
        assert!(told_at(3, &|store| store.clock_offset = -61).starts_with("-61 seconds"));
        let other =
            |store: &mut FleetStore| store.hosts = Ok(vec![member("mx1", "aa", 3), member("mx2", "bb", 3)]);
        assert_eq!(told_at(4, &other), "2: this host shares nothing with mx2");
    }

    #[test]
    fn a_host_that_is_gone_makes_no_group_and_one_that_never_showed_itself_is_the_first() {
        let gone = told(|store| store.hosts = Ok(vec![member("mx1", "aa", 3), member("mx2", "bb", 9_000)]));
        assert_eq!(
            gone[4],
            (Health::Fine, "one, of 1 hosts that are there; unseen: mx2 for 2 hours".to_owned())
        );
        let first = told(|store| store.hosts = Ok(vec![member("mx2", "bb", 3)]));
        assert_eq!(first[4].0, Health::Warning, "{first:?}");
        assert_eq!(told(|store| store.hosts = Ok(vec![]))[4].0, Health::Fine);
    }

    #[test]
    fn without_a_connection_the_rest_is_not_looked_at() {
        for (is_another_schema, place) in [(false, 0), (true, 1)] {
            let fleet = Fleet { store: Err("it hangs up".to_owned()), is_another_schema, ..good() };
            let healths: Vec<Health> = judge(&fleet).iter().map(|finding| finding.health).collect();
            assert_eq!(healths.len(), 5);
            assert_eq!(healths.iter().position(|health| *health == Health::Warning), Some(place));
            assert!(healths[2..].iter().all(|health| *health == Health::NotChecked));
        }
    }
}
