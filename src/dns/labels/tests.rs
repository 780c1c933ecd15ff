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
