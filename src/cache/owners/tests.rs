use super::super::schema::POLICIES;
use super::*;

const DOMAINS: &str = super::super::room::DOMAINS;

/// Domains of one owner, each with a policy of so many octets.
fn fill(connection: &Connection, owner: &str, domains: u32, octets: usize) {
    for number in 0..domains {
        let row = (format!("d{number}.{owner}"), "r".repeat(octets), i64::from(number));
        connection
            .execute(
                "INSERT INTO policy (domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at,
                    tls_only, checksum) VALUES (?1, x'00', 'smtp-sts', ?2, 'dnssec', 1, ?3, 'True', x'00')",
                row,
            )
            .unwrap();
    }
}

fn policies() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    POLICIES.create(&connection).unwrap();
    connection
}

#[test]
fn long_policies_count_as_the_domains_whose_room_they_take() {
    let connection = policies();
    fill(&connection, "many.test", 64, 300);
    fill(&connection, "long.test", 10, 9 * usize::try_from(CACHE_OCTETS_PER_DOMAIN).unwrap());
    let found = find(&connection, DOMAINS, 32).unwrap();
    let expected: Vec<String> = (0..7).map(|number| format!("d{number}.long.test")).collect();
    assert_eq!(found, expected, "68 of 100, in tens");
    assert!(find(&connection, DOMAINS, 50).unwrap().is_empty());
}

#[test]
fn whoever_has_more_than_the_share_that_everybody_keeps_is_named() {
    let connection = policies();
    let most =
        || who_has_most(&connection, DOMAINS, 2_000).unwrap().map(|(owner, room)| (owner.to_string(), room));
    fill(&connection, "many.test", 32, 300);
    assert_eq!((share_of_most(2_000), most()), (32, None));
    fill(&connection, "more.test", 61, 300);
    assert_eq!(most(), Some(("more.test".to_owned(), 61)));
}

#[test]
fn whoever_has_most_gives_until_all_have_as_many_and_nobody_gives_his_share() {
    let given = |owners: &[(&str, u64)]| {
        let owners = owners.iter().map(|(owner, number)| ((*owner).to_owned(), *number)).collect();
        let given = who_gives(owners, 32);
        given.into_iter().map(|(owner, gives)| (owner, gives.weight)).collect::<Vec<_>>()
    };
    let owned = |given: &[(&str, u64)]| {
        given.iter().map(|(owner, number)| ((*owner).to_owned(), *number)).collect::<Vec<_>>()
    };
    assert_eq!(given(&[("a.test", 64), ("b.test", 3)]), [], "not before he has two shares");
    assert_eq!(given(&[("a.test", 65), ("b.test", 3)]), owned(&[("a.test", 33)]));
    assert_eq!(given(&[("a.test", 1_000), ("b.test", 800)]), owned(&[("a.test", 228), ("b.test", 28)]));
    assert_eq!(
        given(&[("a.test", 100), ("b.test", 90), ("c.test", 33)]),
        owned(&[("a.test", 68), ("b.test", 58)])
    );
}

#[test]
fn one_search_at_need_serves_all_that_it_found_and_nobody_is_looked_for_again_before_some_have_come() {
    let (connection, crowd) = (policies(), Crowd::beyond(OF_MOST, Search::AtNeed));
    let now = UnixTime(1_000_000);
    let next = |now| crowd.next(&connection, DOMAINS, "comes.test", 1_280, now).unwrap();
    fill(&connection, "many.test", 64, 300);
    assert_eq!(next(now), None);
    fill(&connection, "more.test", 70, 300);
    (0..9).for_each(|_| crowd.grows());
    assert_eq!(next(now), None, "ten have to come");
    crowd.grows();
    let first = next(now).unwrap();
    assert_eq!(first, "d0.more.test");
    crowd.put_back(first);
    for number in 0..38 {
        assert_eq!(next(now), Some(format!("d{number}.more.test")));
    }
    // They are still there, since nobody let them go.
    assert_eq!(next(now).as_deref(), Some("d0.more.test"), "as long as somebody is found, there may be more");
    assert_eq!(next(now.plus(SEARCH_COUNTS - 1)).as_deref(), Some("d1.more.test"));
    connection.execute("DELETE FROM policy WHERE domain LIKE '%.more.test'", []).unwrap();
    assert_eq!(next(now.plus(SEARCH_COUNTS)), None, "what was found is a minute old");
}

#[test]
fn where_something_else_may_go_owners_are_looked_for_after_many_have_come() {
    let (connection, crowd) = (policies(), Crowd::beyond(OF_MOST, Search::WhenDue));
    fill(&connection, "many.test", 70, 300);
    let next = |now| crowd.next(&connection, DOMAINS, "comes.test", 1_280, now).unwrap();
    let now = UnixTime(1_000_000);
    for round in ["at first", "and again"] {
        (0..159).for_each(|_| crowd.grows());
        assert_eq!(next(now), None, "{round}");
        crowd.grows();
        for number in 0..38 {
            assert_eq!(next(now), Some(format!("d{number}.many.test")), "{round}");
        }
    }
}

#[test]
fn where_others_would_go_instead_owners_are_looked_for_at_once_and_until_nobody_is_found() {
    let (connection, crowd) = (policies(), Crowd::beyond(OF_MOST, Search::AtFirst));
    let now = UnixTime(1_000_000);
    let next = |now| crowd.next(&connection, DOMAINS, "comes.test", 1_280, now).unwrap();
    fill(&connection, "many.test", 70, 300);
    for _ in ["what was found", "and as long as it is there, again"] {
        for number in 0..38 {
            assert_eq!(next(now), Some(format!("d{number}.many.test")));
        }
    }
    connection.execute("DELETE FROM policy WHERE domain LIKE 'd1%.many.test'", []).unwrap();
    assert_eq!(next(now), None);
    fill(&connection, "more.test", 70, 300);
    (0..159).for_each(|_| crowd.grows());
    assert_eq!(next(now.plus(SEARCH_COUNTS)), None, "an eighth has to come");
    crowd.grows();
    assert_eq!(next(now).as_deref(), Some("d0.more.test"));
}

#[test]
fn no_domain_makes_room_for_itself_be_it_the_only_one_that_may_go() {
    for search in [Search::AtNeed, Search::AtFirst] {
        let (connection, crowd) = (policies(), Crowd::beyond(OF_MOST, search));
        let next = |domains| {
            // Each as much as 22 domains; two shares are twenty.
            fill(&connection, "long.test", domains, 21 * usize::try_from(CACHE_OCTETS_PER_DOMAIN).unwrap());
            let next = crowd.next(&connection, DOMAINS, "d0.long.test", 80, UnixTime(1)).unwrap();
            connection.execute("DELETE FROM policy", []).unwrap();
            next
        };
        assert_eq!(next(2).as_deref(), Some("d1.long.test"));
        assert_eq!(next(1), None);
    }
}

#[test]
fn of_few_domains_nobody_has_more_than_a_quarter() {
    let connection = policies();
    fill(&connection, "many.test", 30, 300);
    let next = |max_domains| {
        let crowd = Crowd::beyond(OF_MOST, Search::AtNeed);
        crowd.next(&connection, DOMAINS, "comes.test", max_domains, UnixTime(1)).unwrap()
    };
    assert_eq!(next(112).as_deref(), Some("d0.many.test"));
    assert_eq!(next(120), None, "thirty are two eighths of it");
    assert_eq!(next(1).as_deref(), Some("d0.many.test"));
}
