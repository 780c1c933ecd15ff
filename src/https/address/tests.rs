use super::*;

fn is_public(address: &str) -> bool {
    set_aside_for(address.parse().expect(address)).is_none()
}

#[test]
fn no_address_of_a_range_that_is_set_aside_is_public() {
    for range in [
        ["0.0.0.0", "0.255.255.255"],
        ["10.0.0.0", "10.255.255.255"],
        ["100.64.0.0", "100.127.255.255"],
        ["127.0.0.0", "127.255.255.255"],
        ["169.254.0.0", "169.254.255.255"],
        ["169.254.169.254", "169.254.170.2"],
        ["172.16.0.0", "172.31.255.255"],
        ["192.0.0.0", "192.0.0.255"],
        ["192.0.2.0", "192.0.2.255"],
        ["192.88.99.0", "192.88.99.255"],
        ["192.168.0.0", "192.168.255.255"],
        ["198.18.0.0", "198.19.255.255"],
        ["198.51.100.0", "198.51.100.255"],
        ["203.0.113.0", "203.0.113.255"],
        ["224.0.0.0", "239.255.255.255"],
        ["240.0.0.0", "255.255.255.255"],
        ["::", "::1"],
        ["::2", "::ffff:ffff"],
        ["::127.0.0.1", "::192.168.0.1"],
        ["::ffff:0:0", "::ffff:255.255.255.255"],
        ["::ffff:127.0.0.1", "::ffff:8.8.8.8"],
        ["64:ff9b::", "64:ff9b::ffff:ffff"],
        ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1"],
        ["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
        ["100::", "100::ffff:ffff:ffff:ffff"],
        ["2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:2::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2002:7f00:1::1", "2002:a00:1::1"],
        ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["5f00::1", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fd00:ec2::254", "fd20:ce::254"],
        ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ] {
        for address in range {
            assert!(!is_public(address), "{address}");
        }
    }
}

#[test]
fn the_neighbours_of_those_ranges_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
        "2a00:1450:4001:80b::200e",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
    ] {
        assert!(is_public(address), "{address}");
    }
}

#[test]
fn an_address_is_named_by_its_range() {
    let purpose = |address: &str| set_aside_for(address.parse().expect(address)).expect(address);
    assert_eq!(purpose("169.254.169.254"), "link-local, RFC 3927");
    assert_eq!(purpose("::ffff:10.0.0.1"), "IPv4-mapped, RFC 4291");
    assert_eq!(purpose("4000::1"), "not global unicast, RFC 4291");
}

#[test]
fn of_several_addresses_each_is_looked_at_and_four_public_ones_are_tried() {
    let tried = |addresses: &[&str], allow_private| -> Vec<String> {
        let found: Vec<IpAddr> = addresses.iter().map(|one| one.parse().unwrap()).collect();
        to_be_tried(&found, allow_private).map(|ip| ip.to_string()).collect()
    };
    let bait = ["10.0.0.1", "9.255.255.255", "::1", "169.254.169.254", "2600::1", "192.168.0.1"];
    assert_eq!(tried(&bait, false), ["9.255.255.255", "2600::1"], "a public one lets no other in");
    let many = [
        "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "9.0.0.1", "9.0.0.2", "9.0.0.3", "9.0.0.4", "9.0.0.5",
    ];
    assert_eq!(tried(&many, false), ["9.0.0.1", "9.0.0.2", "9.0.0.3", "9.0.0.4"]);
    assert_eq!(tried(&many, true), ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
}
