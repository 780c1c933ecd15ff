//! Arithmetic on names, label by label.
//!
//! `Name::num_labels` leaves a leading `*` out, as the Labels field of an RRSIG does (RFC 4034 section 3.1.3);
//! [`count`] does not. The two are never compared with each other.

use hickory_proto::rr::Name;

/// Labels of a name, the root's empty one not counted.
pub(super) fn count(name: &Name) -> usize {
    name.iter().count()
}

/// The names from just below `zone` down to `name` itself.
pub(super) fn below<'a>(zone: &Name, name: &'a Name) -> impl Iterator<Item = Name> + 'a {
    (count(zone) + 1..=count(name)).map(|labels| name.trim_to(labels))
}

/// Does a label begin with `_`? Names of services and of keys do; zones rarely begin there (RFC 8552).
pub(super) fn is_underscored(name: &Name) -> bool {
    name.iter().any(|label| label.first() == Some(&b'_'))
}

/// The name that the services of a host or domain stand below: without the first labels up to the last that begins with `_`.
pub(super) fn without_services(name: &Name) -> Name {
    let labels = name.iter().rev().take_while(|label| label.first() != Some(&b'_')).count();
    name.trim_to(labels)
}

/// The deepest name that both are at or below.
pub(super) fn common_ancestor(a: &Name, b: &Name) -> Name {
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x.eq_ignore_ascii_case(y)).count();
    a.trim_to(same)
}

/// Is `x` strictly between `a` and `b` on a circle? The last record of a chain leads back to its start, and a chain
/// of one record covers everything but itself (RFC 4034 section 4.1.1, RFC 5155 section 3.1.7).
pub(super) fn is_between<T: Ord + ?Sized>(a: &T, x: &T, b: &T) -> bool {
    if a < b { a < x && x < b } else { a < x || x < b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn the_way_down_leaves_out_the_zone_and_ends_at_the_name() {
        let way: Vec<String> = below(&name("test."), &name("a.b.test.")).map(|n| n.to_ascii()).collect();
        assert_eq!(way, ["b.test.", "a.b.test."]);
        assert_eq!(below(&name("test."), &name("test.")).count(), 0);
    }

    #[test]
    fn an_asterisk_is_a_label_here() {
        assert_eq!(count(&name("*.a.test.")), 3);
        assert_eq!(name("*.a.test.").num_labels(), 2);
    }

    #[test]
    fn services_stand_below_the_name_that_they_are_of() {
        for (service, host) in
            [("_25._tcp.mx.test.", "mx.test."), ("_a.b._c.test.", "test."), ("mx.test.", "mx.test.")]
        {
            assert_eq!(without_services(&name(service)), name(host));
        }
    }

    #[test]
    fn ancestors_are_common_whatever_the_case() {
        assert_eq!(common_ancestor(&name("x.A.test."), &name("y.a.TEST.")), name("a.test."));
        assert_eq!(common_ancestor(&name("x.test."), &name("x.org.")), Name::root());
        assert_eq!(common_ancestor(&name("a.test."), &name("b.a.test.")), name("a.test."));
    }

    #[test]
    fn a_circle_of_one_covers_all_but_itself() {
        assert!(is_between(&1, &2, &1) && is_between(&1, &0, &1) && !is_between(&1, &1, &1));
        assert!(is_between(&5, &9, &2) && is_between(&5, &1, &2) && !is_between(&5, &3, &2));
        assert!(is_between(&1, &2, &3) && !is_between(&1, &3, &3) && !is_between(&1, &1, &3));
    }
}
