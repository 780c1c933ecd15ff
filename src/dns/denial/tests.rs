use super::*;
use hickory_proto::dnssec::Nsec3HashAlgorithm;
use hickory_proto::dnssec::rdata::{NSEC, NSEC3};
use std::collections::{BTreeMap, BTreeSet};

/// A name by its labels from the apex down, so that names are in canonical order (RFC 4034 section 6.1).
type Labels = Vec<&'static str>;
/// The hash of a name, and the name.
type Hashed = (Vec<u8>, Labels);

const APEX: &str = "zone.test.";
const APEX_LABELS: usize = 2;
/// RFC 9276 section 3.1.
const ITERATIONS: u16 = 0;

/// What stands at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Cname,
    Dname,
    Unsigned,
    Signed,
}

/// Where a name can be, and what is asked about: a name that is there, one beside it, above it and below it.
const OWNERS: [&[&str]; 10] = [
    &["*"],
    &["a"],
    &["b"],
    &["a", "*"],
    &["a", "a"],
    &["a", "b"],
    &["b", "*"],
    &["b", "a"],
    &["b", "b"],
    &["a", "b", "a"],
];
const OTHERS: [&[&str]; 8] = [
    &["0"],
    &["c"],
    &["a", "c"],
    &["b", "c"],
    &["a", "a", "a"],
    &["a", "b", "c"],
    &["b", "a", "a"],
    &["c", "a"],
];

impl Kind {
    const ALL: [Self; 5] = [Self::Address, Self::Cname, Self::Dname, Self::Unsigned, Self::Signed];

    fn types(self) -> &'static [RecordType] {
        match self {
            Self::Address => &[RecordType::A],
            Self::Cname => &[RecordType::CNAME],
            Self::Dname => &[RecordType::DNAME],
            Self::Unsigned => &[RecordType::NS],
            Self::Signed => &[RecordType::NS, RecordType::DS],
        }
    }
}

/// A zone below its apex: names with what stands there.
#[derive(Clone, Debug)]
struct Small(BTreeMap<Labels, Kind>);

/// What the zone has to say about a type at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    /// Another zone speaks, or the name is redirected (RFC 6840 section 4.1, RFC 6672 section 2.4).
    Elsewhere,
    /// The type is there, an alias, or a wildcard that has one of them.
    There,
    NoType,
    NoName,
}

impl Small {
    /// All zones of up to `most` names, without those in which something stands below a cut or a DNAME, or a cut or a
    /// DNAME at a wildcard (RFC 4592 section 4).
    fn all(most: usize) -> Vec<Self> {
        let mut zones = vec![Self(BTreeMap::new())];
        let mut grown = zones.clone();
        for _ in 0..most {
            let bigger = |zone: &Self| {
                let last = zone.0.keys().next_back().cloned();
                let mut bigger = Vec::new();
                for owner in OWNERS.map(<[_]>::to_vec) {
                    for kind in Kind::ALL {
                        let mut zone = zone.clone();
                        if last.as_ref().is_none_or(|last| *last < owner) && zone.takes(&owner, kind) {
                            zone.0.insert(owner.clone(), kind);
                            bigger.push(zone);
                        }
                    }
                }
                bigger
            };
            grown = grown.iter().flat_map(bigger).collect();
            zones.extend(grown.iter().cloned());
        }
        zones
    }

    fn takes(&self, owner: &Labels, kind: Kind) -> bool {
        let is_wildcard = owner.last() == Some(&"*");
        (!is_wildcard || matches!(kind, Kind::Address | Kind::Cname)) && !self.is_below_an_end(owner)
    }

    fn types(&self, name: &Labels) -> Option<&'static [RecordType]> {
        if name.is_empty() {
            return Some(&[RecordType::NS, RecordType::SOA]);
        }
        self.0.get(name).map(|kind| kind.types())
    }

    /// Does the name exist, be it only because a name below it does (RFC 4592 section 2.2.2)?
    fn exists(&self, name: &Labels) -> bool {
        name.is_empty() || self.0.keys().any(|owner| owner.starts_with(name))
    }

    fn is_below_an_end(&self, name: &Labels) -> bool {
        let ends = |kind: &&Kind| matches!(kind, Kind::Dname | Kind::Unsigned | Kind::Signed);
        (1..name.len()).any(|depth| self.0.get(&name[..depth]).as_ref().is_some_and(ends))
    }

    fn is_cut(&self, name: &Labels) -> bool {
        matches!(self.0.get(name), Some(Kind::Unsigned | Kind::Signed))
    }

    /// The wildcard below the closest encloser of a name that does not exist.
    fn wildcard_for(&self, name: &Labels) -> Labels {
        let depth = (0..name.len()).rev().find(|depth| self.exists(&name[..*depth].to_vec())).unwrap();
        [&name[..depth], &["*"]].concat()
    }

    fn truth(&self, name: &Labels, rtype: RecordType) -> Truth {
        if self.is_below_an_end(name) || self.is_cut(name) && rtype != RecordType::DS {
            return Truth::Elsewhere;
        }
        let has = |types: &[RecordType]| types.contains(&rtype) || types.contains(&RecordType::CNAME);
        match self.types(name) {
            Some(types) if has(types) => Truth::There,
            Some(_) => Truth::NoType,
            None if self.exists(name) => Truth::NoType,
            None => match self.types(&self.wildcard_for(name)) {
                Some(types) if has(types) => Truth::There,
                Some(_) => Truth::NoType,
                None => Truth::NoName,
            },
        }
    }
}

fn name(labels: &Labels) -> Name {
    let mut labels = labels.iter().rev().fold(String::new(), |text, label| text + label + ".");
    labels.push_str(APEX);
    Name::from_ascii(labels).unwrap()
}

fn hash(labels: &Labels) -> Vec<u8> {
    Nsec3HashAlgorithm::SHA1.hash(&[], &name(labels), ITERATIONS).unwrap().as_ref().to_vec()
}

/// All denial records of a zone.
enum Chain {
    Nsec(Vec<(Labels, Name, NSEC)>),
    /// With the hashes of their owners, in order, and whether they opt out.
    Nsec3(Vec<(Vec<u8>, Name, NSEC3)>, bool),
}

impl Chain {
    fn nsec(zone: &Small) -> Self {
        let mut owners: BTreeSet<Labels> = zone.0.keys().cloned().collect();
        owners.insert(Vec::new());
        let next = owners.iter().skip(1).chain(owners.iter().take(1));
        let link = |(owner, next): (&Labels, &Labels)| {
            let types = zone.types(owner).unwrap().iter().copied();
            (owner.clone(), name(owner), NSEC::new(name(next), types))
        };
        Self::Nsec(owners.iter().zip(next).map(link).collect())
    }

    /// With opt-out, unsigned delegations have no record, nor have names that exist only because of them (RFC 5155
    /// section 7.1).
    fn nsec3(zone: &Small, opt_out: bool) -> Self {
        let kept = zone.0.iter().filter(|(_, kind)| !opt_out || **kind != Kind::Unsigned);
        let ancestors =
            |(owner, _): (&Labels, _)| (0..=owner.len()).map(|n| owner[..n].to_vec()).collect::<Vec<_>>();
        let names: BTreeSet<Labels> = kept.flat_map(ancestors).chain([Vec::new()]).collect();
        let mut owners: Vec<Hashed> = names.into_iter().map(|labels| (hash(&labels), labels)).collect();
        owners.sort();
        let next = owners.iter().skip(1).chain(owners.iter().take(1));
        let link = |((owner, labels), (next, _)): (&Hashed, &Hashed)| {
            let types = zone.types(labels).unwrap_or_default().iter().copied();
            let sha1 = Nsec3HashAlgorithm::SHA1;
            let record = NSEC3::new(sha1, opt_out, ITERATIONS, Vec::new(), next.clone(), types);
            let label = data_encoding::BASE32_DNSSEC.encode(owner);
            (owner.clone(), name(&Vec::new()).prepend_label(label).unwrap(), record)
        };
        Self::Nsec3(owners.iter().zip(next).map(link).collect(), opt_out)
    }

    fn len(&self) -> usize {
        match self {
            Self::Nsec(records) => records.len(),
            Self::Nsec3(records, _) => records.len(),
        }
    }

    const fn opts_out(&self) -> bool {
        matches!(self, Self::Nsec3(_, true))
    }

    /// The record of this owner.
    fn of(&self, labels: &Labels) -> Option<usize> {
        match self {
            Self::Nsec(records) => records.iter().position(|(owner, ..)| owner == labels),
            Self::Nsec3(records, _) => {
                let hash = hash(labels);
                records.iter().position(|(owner, ..)| *owner == hash)
            }
        }
    }

    /// The record in whose gap the name lies: the last one before it, or before the first the last of all.
    fn over(&self, labels: &Labels) -> usize {
        let before = match self {
            Self::Nsec(records) => records.iter().rposition(|(owner, ..)| owner < labels),
            Self::Nsec3(records, _) => {
                let hash = hash(labels);
                records.iter().rposition(|(owner, ..)| *owner < hash)
            }
        };
        before.unwrap_or(self.len() - 1)
    }

    /// Those of its records that are chosen, as a reply would bring them.
    fn chosen<'c>(&'c self, zone: &'c Name, is_chosen: impl Fn(usize) -> bool) -> Denials<'c> {
        let (mut nsec, mut nsec3) = (NsecSet::default(), Vec::new());
        match self {
            Self::Nsec(records) => {
                let chosen = records.iter().enumerate().filter(|(place, _)| is_chosen(*place));
                chosen.for_each(|(_, (_, owner, record))| nsec.enter(owner, record, zone));
            }
            Self::Nsec3(records, _) => {
                let chosen = records.iter().enumerate().filter(|(place, _)| is_chosen(*place));
                chosen.for_each(|(_, (_, owner, record))| Nsec3Set::add(&mut nsec3, owner, record, zone));
            }
        }
        let nsec = (!nsec.is_empty()).then_some(DenialSet::Nsec(nsec));
        let sets = nsec.into_iter().chain(nsec3.into_iter().map(DenialSet::Nsec3)).collect();
        Denials { zone, sets, uncounted: Vec::new(), proven: Vec::new(), until: UnixTime(u64::MAX) }
    }

    /// Whose records prove that a name does not exist, or only as an empty non-terminal: of NSEC the one over it (RFC 4035
    /// section 5.4), of NSEC3 that of the deepest ancestor that has one, and the one over the next closer name (RFC 5155
    /// section 8.3); with the wildcard below that ancestor.
    fn of_absence(&self, zone: &Small, labels: &Labels) -> (Vec<usize>, Labels) {
        match self {
            Self::Nsec(_) => (vec![self.over(labels)], zone.wildcard_for(labels)),
            Self::Nsec3(..) => {
                let ancestors = (0..labels.len()).rev();
                let mut known = ancestors.filter_map(|n| Some((n, self.of(&labels[..n].to_vec())?)));
                let (depth, encloser) = known.next().unwrap();
                let next_closer = labels[..=depth].to_vec();
                let wildcard = [&labels[..depth], &["*"]].concat();
                (vec![encloser, self.over(&next_closer)], wildcard)
            }
        }
    }
}

/// A name that is asked about, and what the zone and its records have to say about it, whichever of them are there.
struct About {
    labels: Labels,
    owner: Name,
    /// Its own record.
    own: Option<usize>,
    /// Those that prove that it is not there, and that of the wildcard which could answer in its place, or the one over it.
    absence: Vec<usize>,
    of_wildcard: usize,
    truths: [(RecordType, Truth); 2],
    /// What the wildcard has. It does not answer for a name that exists, or has a parent, only because of an unsigned
    /// delegation without a record of its own; but nothing tells the two apart (RFC 5155 section 7.1), and what a wildcard has
    /// is not denied.
    wildcard_types: &'static [RecordType],
    /// Names above it that a wildcard stands below: labels of that wildcard's signature, whether the next closer name
    /// exists, its own record, and the one over it.
    wildcards: Vec<(u8, bool, Option<usize>, usize)>,
}

impl About {
    fn new(zone: &Small, chain: &Chain, labels: &[&'static str]) -> Self {
        let labels = labels.to_vec();
        let (absence, wildcard) = chain.of_absence(zone, &labels);
        let of_wildcard = chain.of(&wildcard).unwrap_or_else(|| chain.over(&wildcard));
        let own = chain.of(&labels);
        let wildcard_types = zone.types(&wildcard).unwrap_or_default();
        let below_a_wildcard = |depth: &usize| zone.0.contains_key(&[&labels[..*depth], &["*"]].concat());
        let closer = |depth: usize| {
            let (signed, next) = (u8::try_from(APEX_LABELS + depth).unwrap(), labels[..=depth].to_vec());
            (signed, zone.exists(&next), chain.of(&next), chain.over(&next))
        };
        let wildcards = (0..labels.len()).filter(below_a_wildcard).map(closer).collect();
        let truths = [RecordType::A, RecordType::DS].map(|rtype| (rtype, zone.truth(&labels, rtype)));
        let owner = name(&labels);
        Self { labels, owner, own, absence, of_wildcard, truths, wildcard_types, wildcards }
    }
}

/// Holds one zone against the RFCs; the number of questions.
fn hold(zone: &Small, chain: &Chain) -> u64 {
    let apex = name(&Vec::new());
    let mut budget = Budget::default();
    let mut asked = 0;
    let all: Vec<About> =
        OWNERS.iter().chain(&OTHERS).map(|labels| About::new(zone, chain, labels)).collect();
    for mask in 0_u32..1 << chain.len() {
        let is_chosen = |place: usize| mask >> place & 1 == 1;
        let have = |places: &[usize]| places.iter().all(|place| is_chosen(*place));
        let denials = chain.chosen(&apex, is_chosen);
        for about in &all {
            let case = |what: &str| format!("{what} {:?}: {zone:?}, records {mask:b}", about.labels);
            asked += hold_types(zone, chain, &denials, about, &have, &case, &mut budget)
                + hold_ds(zone, chain, &denials, about, &have, &case, &mut budget)
                + hold_wildcards(chain, &denials, about, &have, &case, &mut budget);
        }
    }
    asked
}

/// What is concluded about a type (RFC 4035 section 5.4, RFC 5155 sections 8.4 to 8.7).
fn hold_types(
    zone: &Small,
    chain: &Chain,
    denials: &Denials<'_>,
    about: &About,
    have: &impl Fn(&[usize]) -> bool,
    case: &impl Fn(&str) -> String,
    budget: &mut Budget,
) -> u64 {
    for (rtype, truth) in about.truths {
        let said =
            denials.of_type(&about.owner, rtype, budget).map(|(denied, strength, _)| (denied, strength));
        let case = || case(&format!("{said:?} of {rtype}"));
        match &said {
            Ok((Denied::Type, Strength::Proven)) => assert_eq!(truth, Truth::NoType, "{}", case()),
            Ok((Denied::Name, Strength::Proven)) => assert_eq!(truth, Truth::NoName, "{}", case()),
            Ok((Denied::Either, Strength::Proven)) => panic!("one of two is proven: {}", case()),
            // What has a record of its own is not in the gap of another one.
            Ok((_, Strength::Insecure(_))) => {
                assert!(chain.opts_out() && about.own.is_none(), "{}", case())
            }
            Err(stop) => assert!(matches!(stop, Stop::Bogus(_)), "{}", case()),
        }
        let suffices = match about.own {
            Some(own) => have(&[own]),
            None if chain.opts_out() => {
                let is_offered = [rtype, RecordType::CNAME].iter().any(|t| about.wildcard_types.contains(t));
                have(&about.absence) && !(is_offered && have(&[about.of_wildcard]))
            }
            // An empty non-terminal stands in the gap that leads below it, and no wildcard answers for it.
            None => have(&about.absence) && (zone.exists(&about.labels) || have(&[about.of_wildcard])),
        };
        if suffices && matches!(truth, Truth::NoType | Truth::NoName) {
            assert!(said.is_ok(), "enough for a denial: {}", case());
        }
    }
    2
}

/// What is concluded about a cut (RFC 4035 section 5.2, RFC 5155 section 8.9).
fn hold_ds(
    zone: &Small,
    chain: &Chain,
    denials: &Denials<'_>,
    about: &About,
    have: &impl Fn(&[usize]) -> bool,
    case: &impl Fn(&str) -> String,
    budget: &mut Budget,
) -> u64 {
    let labels = &about.labels;
    let said = denials.of_ds(&about.owner, budget);
    let case = || case(&format!("{said:?} of a cut at"));
    let is_below = zone.is_below_an_end(labels);
    match &said {
        Ok(NoDs::NoCut) => {
            assert!(!is_below && zone.exists(labels) && !zone.is_cut(labels), "{}", case());
        }
        Ok(NoDs::NothingBelow) => assert!(!is_below && !zone.exists(labels), "{}", case()),
        Ok(NoDs::InsecureCut(_)) => {
            let is_unsigned = zone.0.get(labels) == Some(&Kind::Unsigned);
            assert!(is_unsigned || chain.opts_out() && about.own.is_none(), "{}", case());
        }
        Ok(NoDs::Unproven(_)) => panic!("no iterations: {}", case()),
        Err(stop) => assert!(matches!(stop, Stop::Bogus(_)), "{}", case()),
    }
    let suffices = about.own.map_or_else(|| have(&about.absence), |own| have(&[own]));
    if suffices && !is_below && zone.0.get(labels) != Some(&Kind::Signed) {
        assert!(said.is_ok(), "enough for a denial: {}", case());
    }
    1
}

/// What is concluded about the answer of a wildcard (RFC 4035 section 5.3.4, RFC 5155 section 8.8), of each that stands
/// above the name.
fn hold_wildcards(
    chain: &Chain,
    denials: &Denials<'_>,
    about: &About,
    have: &impl Fn(&[usize]) -> bool,
    case: &impl Fn(&str) -> String,
    budget: &mut Budget,
) -> u64 {
    for (signed, exists, own, over) in &about.wildcards {
        let said = denials.of_closer_match(&about.owner, RecordType::A, *signed, budget);
        let case = || case(&format!("{said:?} of a closer match than {signed} labels of"));
        match &said {
            Ok((Strength::Proven, _)) => assert!(!exists, "{}", case()),
            Ok((Strength::Insecure(_), _)) => assert!(chain.opts_out() && own.is_none(), "{}", case()),
            Err(stop) => assert!(matches!(stop, Stop::Bogus(_)), "{}", case()),
        }
        if !exists && have(&[*over]) {
            assert!(said.is_ok(), "enough for a proof: {}", case());
        }
    }
    about.wildcards.len().try_into().unwrap()
}

/// Every `step`th of all zones of four names, the apex among them, with all subsets of their records.
fn hold_all(step: usize) {
    let zones = Small::all(3);
    assert!(zones.len() > 5_000, "{}", zones.len());
    let mut asked = 0;
    for zone in zones.iter().step_by(step) {
        asked += hold(zone, &Chain::nsec(zone));
        asked += hold(zone, &Chain::nsec3(zone, false));
        asked += hold(zone, &Chain::nsec3(zone, true));
    }
    println!("{} zones, {asked} questions", zones.len().div_ceil(step));
}

/// RFC 4035 section 5.2, RFC 6840 sections 4.1 and 4.3: which side of a cut denies what.
#[test]
fn a_ds_is_denied_above_its_cut_and_all_else_below_it() {
    for (types, at, rtype, expected) in [
        ("A", APEX, RecordType::DS, "denied"),
        ("NS", APEX, RecordType::DS, "denied"),
        ("NS SOA", APEX, RecordType::DS, "wrong-side"),
        ("NS SOA", ".", RecordType::DS, "denied"),
        ("NS SOA", APEX, RecordType::TXT, "denied"),
        ("A", APEX, RecordType::TXT, "denied"),
        ("NS", APEX, RecordType::TXT, "wrong-side"),
        ("DS", APEX, RecordType::TXT, "wrong-side"),
        ("TXT", APEX, RecordType::TXT, "withheld"),
        ("CNAME", APEX, RecordType::TXT, "withheld"),
        ("CNAME", APEX, RecordType::DS, "withheld"),
    ] {
        let there = NSEC::new(Name::root(), types.split(' ').map(|word| word.parse().unwrap()));
        let said = match lacks(there.type_set(), &Name::from_ascii(at).unwrap(), rtype) {
            Ok(()) => "denied".to_owned(),
            Err(Stop::Bogus(why)) => why.split(':').next().unwrap().to_owned(),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(said, expected, "{at} {rtype}: {types}");
    }
}

#[test]
fn small_zones_deny_what_is_not_there_and_nothing_else() {
    hold_all(401);
}

#[test]
#[ignore = "takes minutes: tests/run --long"]
fn all_small_zones_deny_what_is_not_there_and_nothing_else() {
    hold_all(1);
}
