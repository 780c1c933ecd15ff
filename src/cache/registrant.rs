//! Who registered a name, as far as the name tells. Pure.
//!
//! Where a country registers names below words of its own, such as `co.uk`, that is known of the countries below, from the public
//! suffixes that registries have published: only of these, since elsewhere anybody may register such a word, and would have as many
//! registrants as he has names below it. Where a registry is missing here, all of its registrants are taken for one.

/// Countries, and the words below which they register names.
const REGISTRIES: [(&str, &[&str]); 62] = [
    ("ae", &["ac", "co", "gov", "net", "org", "sch"]),
    ("ar", &["com", "edu", "gob", "int", "mil", "net", "org", "tur"]),
    ("at", &["ac", "co", "gv", "or"]),
    ("au", &["asn", "com", "edu", "gov", "id", "net", "org"]),
    ("bd", &["ac", "com", "edu", "gov", "net", "org"]),
    ("bh", &["com", "edu", "gov", "net", "org"]),
    ("bo", &["com", "edu", "gob", "net", "org"]),
    (
        "br",
        &["adv", "art", "blog", "com", "eco", "edu", "eng", "gov", "ind", "inf", "med", "mil", "net", "org"],
    ),
    ("cn", &["ac", "com", "edu", "gov", "mil", "net", "org"]),
    ("co", &["com", "edu", "gov", "mil", "net", "nom", "org"]),
    ("cr", &["ac", "co", "ed", "fi", "go", "or", "sa"]),
    ("cy", &["ac", "com", "gov", "ltd", "net", "org"]),
    ("do", &["com", "edu", "gob", "gov", "net", "org"]),
    ("ec", &["com", "edu", "fin", "gob", "med", "net", "org"]),
    ("eg", &["com", "edu", "gov", "net", "org"]),
    ("es", &["com", "edu", "gob", "nom", "org"]),
    ("fr", &["asso", "com", "gouv", "nom"]),
    ("gh", &["com", "edu", "gov", "org"]),
    ("gr", &["com", "edu", "gov", "net", "org"]),
    ("gt", &["com", "edu", "gob", "ind", "net", "org"]),
    ("hk", &["com", "edu", "gov", "idv", "net", "org"]),
    ("hu", &["co", "org"]),
    ("id", &["ac", "co", "desa", "go", "mil", "my", "net", "or", "sch", "web"]),
    ("il", &["ac", "co", "gov", "k12", "muni", "net", "org"]),
    ("in", &["ac", "co", "edu", "firm", "gen", "gov", "ind", "mil", "net", "nic", "org", "res"]),
    ("it", &["edu", "gov"]),
    ("jo", &["com", "edu", "gov", "net", "org", "sch"]),
    ("jp", &["ac", "ad", "co", "ed", "go", "gr", "lg", "ne", "or"]),
    ("ke", &["ac", "co", "go", "ne", "or", "sc"]),
    ("kr", &["ac", "co", "go", "ne", "or", "pe", "re"]),
    ("kw", &["com", "edu", "gov", "net", "org"]),
    ("lb", &["com", "edu", "gov", "net", "org"]),
    ("lk", &["ac", "com", "edu", "gov", "net", "org"]),
    ("ma", &["ac", "co", "gov", "net", "org"]),
    ("mt", &["com", "edu", "net", "org"]),
    ("mx", &["com", "edu", "gob", "net", "org"]),
    ("my", &["com", "edu", "gov", "mil", "name", "net", "org"]),
    ("ng", &["com", "edu", "gov", "net", "org"]),
    ("np", &["com", "edu", "gov", "net", "org"]),
    ("nz", &["ac", "co", "geek", "gen", "govt", "iwi", "kiwi", "maori", "net", "org", "school"]),
    ("om", &["com", "co", "edu", "gov", "net", "org"]),
    ("pa", &["ac", "com", "edu", "gob", "net", "org"]),
    ("pe", &["com", "edu", "gob", "net", "nom", "org"]),
    ("ph", &["com", "edu", "gov", "net", "org"]),
    ("pk", &["com", "edu", "gov", "net", "org"]),
    ("pl", &["com", "edu", "gov", "info", "net", "org"]),
    ("pt", &["com", "edu", "gov", "org"]),
    ("py", &["com", "coop", "edu", "gov", "net", "org"]),
    ("rs", &["ac", "co", "edu", "gov", "in", "org"]),
    ("sa", &["com", "edu", "gov", "med", "net", "org", "sch"]),
    ("sg", &["com", "edu", "gov", "net", "org", "per"]),
    ("th", &["ac", "co", "go", "in", "mi", "net", "or"]),
    ("tr", &["av", "bel", "com", "edu", "gen", "gov", "k12", "net", "org", "web"]),
    ("tw", &["club", "com", "edu", "gov", "idv", "net", "org"]),
    ("tz", &["ac", "co", "go", "ne", "or"]),
    ("ua", &["com", "edu", "gov", "in", "kiev", "net", "org"]),
    ("ug", &["ac", "co", "com", "go", "ne", "or", "org"]),
    ("uk", &["ac", "co", "gov", "ltd", "me", "net", "nhs", "org", "plc", "police", "sch"]),
    ("uy", &["com", "edu", "gub", "net", "org"]),
    ("ve", &["co", "com", "edu", "gob", "net", "org"]),
    ("vn", &["ac", "com", "edu", "gov", "net", "org"]),
    ("za", &["ac", "co", "gov", "net", "org", "web"]),
];

/// Whoever registered the name.
#[must_use]
pub fn registrant(domain: &str) -> &str {
    last_labels(domain, labels_of_registrant(domain))
}

/// The name below the registrant's that the domain belongs to.
pub(super) fn name_below(domain: &str) -> &str {
    last_labels(domain, labels_of_registrant(domain) + 1)
}

fn labels_of_registrant(domain: &str) -> usize {
    let mut labels = domain.rsplit('.');
    let (top, second) = (labels.next().unwrap_or(""), labels.next().unwrap_or(""));
    let words = REGISTRIES.iter().find(|(country, _)| *country == top).map_or(&[][..], |(_, words)| words);
    if words.contains(&second) { 3 } else { 2 }
}

/// So many of the last labels, or as many as there are.
fn last_labels(domain: &str, number: usize) -> &str {
    let dot = domain.rmatch_indices('.').nth(number.saturating_sub(1));
    dot.and_then(|(at, _)| domain.get(at + 1..)).unwrap_or(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrant_is_whoever_registered_the_name() {
        for (domain, expected) in [
            ("example.org", "example.org"),
            ("a.b.c.example.org", "example.org"),
            ("a.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("a.example.com.br", "example.com.br"),
            ("a.co.example", "co.example"),
            ("org", "org"),
            // There anybody may have registered the word, and is one registrant.
            ("d1.gob.li", "gob.li"),
            ("d1.firm.de", "firm.de"),
            ("d1.co.de", "co.de"),
        ] {
            assert_eq!(registrant(domain), expected, "{domain}");
        }
        assert_eq!(name_below("a.b.example.org"), "b.example.org");
        assert_eq!(name_below("example.org"), "example.org");
    }

    #[test]
    fn the_countries_stand_there_once_and_in_order() {
        assert!(REGISTRIES.is_sorted_by(|(one, _), (next, _)| one < next));
    }
}
