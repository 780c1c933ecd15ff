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
mod tests;
