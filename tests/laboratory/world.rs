//! The zones of the laboratory: read from one file, changed while they are served.

use super::policy_host::Conduct;
use super::zone::{Health, Said, Zone, ZoneKey};
use hickory_proto::rr::{Name, RData, RecordType};
use std::collections::BTreeMap;

/// Aliases that the name server follows before it gives up, as recursive resolvers do.
const MOST_ALIASES: usize = 16;

/// What is written about one zone, before it is signed.
struct Plan {
    health: Health,
    silent: bool,
    records: Vec<(Name, RData)>,
    key: ZoneKey,
    policy_host: Conduct,
}

/// All zones, as plans and as they are served.
pub(crate) struct World {
    plans: BTreeMap<Name, Plan>,
    zones: BTreeMap<Name, Zone>,
}

/// What the whole world says to a question, aliases followed.
pub(crate) struct Reply {
    /// The zone that was asked in the end is one of those that never answer.
    pub(crate) silent: bool,
    /// The steps that led there; the last one is no alias unless there are too many of them.
    pub(crate) steps: Vec<Said>,
    /// The zones of these steps.
    pub(crate) zones: Vec<Name>,
}

/// An absolute name in lower case.
pub(crate) fn name(text: &str) -> Name {
    let mut name =
        Name::from_ascii(text).unwrap_or_else(|e| panic!("'{text}' is not a name: {e}")).to_lowercase();
    name.set_fqdn(true);
    name
}

/// A record type by its mnemonic.
pub(crate) fn rtype(text: &str) -> RecordType {
    text.parse().unwrap_or_else(|e| panic!("'{text}' is not a record type: {e}"))
}

impl World {
    /// Reads the text of `fixtures/laboratory/world`, which explains its own form.
    ///
    /// # Panics
    /// With the line, if it says something else.
    pub(crate) fn read(text: &str) -> Self {
        let mut plans: BTreeMap<Name, Plan> = BTreeMap::new();
        let mut current = Name::root();
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace();
            match words.next() {
                None => {}
                Some(word) if word.starts_with('#') => {}
                Some("zone") => {
                    current = name(words.next().expect("a zone has a name"));
                    plans.insert(current.clone(), Plan::new(words));
                }
                Some("https") => plans.get_mut(&current).unwrap().policy_host = Conduct::read(words),
                Some(owner) => {
                    let kind = words.next().unwrap_or_else(|| panic!("line {}: no type", number + 1));
                    let rdata = line.split_once(kind).unwrap().1;
                    let owner = below(owner, &current);
                    plans.get_mut(&current).unwrap().records.push((owner, rdata_of(kind, rdata)));
                }
            }
        }
        let mut world = Self { plans, zones: BTreeMap::new() };
        for origin in world.plans.keys().cloned().collect::<Vec<_>>() {
            world.build(&origin);
        }
        world
    }

    fn build(&mut self, origin: &Name) {
        let plan = &self.plans[origin];
        let children: Vec<(Name, Option<RData>)> = self
            .plans
            .iter()
            .filter(|(child, _)| *child != origin && self.zone_above(child) == *origin)
            .map(|(child, plan)| {
                let ds = (plan.health != Health::Unsigned).then(|| plan.key.ds(child));
                (child.clone(), ds)
            })
            .collect();
        let zone = Zone::build(origin, plan.health, &plan.key, &plan.records, &children);
        self.zones.insert(origin.clone(), zone);
    }

    /// The deepest zone that holds `name`.
    fn zone_of(&self, name: &Name) -> Name {
        let mut candidate = name.clone();
        while !self.plans.contains_key(&candidate) {
            candidate = candidate.base_name();
        }
        candidate
    }

    /// The deepest zone strictly above `name`, which answers for its DS; the root's own is the root.
    fn zone_above(&self, name: &Name) -> Name {
        self.zone_of(&name.base_name())
    }

    /// The answer of the world to a question, as a recursive resolver collects it.
    pub(crate) fn answer(&self, asked: &Name, rtype: RecordType) -> Reply {
        let mut reply = Reply { silent: false, steps: Vec::new(), zones: Vec::new() };
        let mut name = asked.clone();
        while reply.steps.len() <= MOST_ALIASES {
            let origin = if rtype == RecordType::DS { self.zone_above(&name) } else { self.zone_of(&name) };
            reply.silent |= self.plans[&origin].silent;
            let said = self.zones[&origin].look(&name, rtype);
            reply.zones.push(origin);
            let next = match &said {
                Said::Alias { target, .. } if rtype != RecordType::CNAME => Some(target.clone()),
                _ => None,
            };
            reply.steps.push(said);
            match next {
                Some(target) => name = target,
                None => break,
            }
        }
        reply
    }

    /// The key that everything hangs from.
    pub(crate) fn root_key(&self) -> &ZoneKey {
        &self.plans[&Name::root()].key
    }

    /// How the policy host of `domain` behaves.
    pub(crate) fn policy_host(&self, domain: &str) -> Option<Conduct> {
        self.plans.get(&name(domain)).map(|plan| plan.policy_host.clone())
    }

    /// The names that have a policy host.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &Name> {
        self.plans.keys()
    }

    /// Tells the policy host of `domain` how to behave from now on.
    pub(crate) fn conduct_policy_host(&mut self, domain: &str, conduct: Conduct) {
        self.plans.get_mut(&name(domain)).expect("a zone of the world").policy_host = conduct;
    }

    /// The first record of a policy in the zone `domain`, its strings joined: what its policy host serves.
    pub(crate) fn policy_text(&self, domain: &str) -> Option<Vec<u8>> {
        let records = &self.plans.get(&name(domain))?.records;
        records.iter().find_map(|(_, rdata)| match rdata {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })
    }

    /// Puts a record beside what is there.
    pub(crate) fn publish(&mut self, owner: &str, kind: &str, rdata: &str) {
        let owner = name(owner);
        let origin = self.zone_of(&owner);
        self.plans.get_mut(&origin).unwrap().records.push((owner, rdata_of(kind, rdata)));
        self.build(&origin);
    }

    /// Removes all records of one owner and type.
    pub(crate) fn withdraw(&mut self, owner: &str, kind: &str) {
        let (owner, kind) = (name(owner), rtype(kind));
        let origin = self.zone_of(&owner);
        let plan = self.plans.get_mut(&origin).unwrap();
        plan.records.retain(|(o, rdata)| *o != owner || rdata.record_type() != kind);
        self.build(&origin);
    }

    /// Makes a zone well or ill.
    pub(crate) fn set_health(&mut self, zone: &str, health: Health) {
        let origin = name(zone);
        self.plans.get_mut(&origin).expect("a zone of the world").health = health;
        self.build(&origin);
        self.build(&self.zone_above(&origin));
    }
}

impl Plan {
    fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let (mut health, mut silent) = (Health::Signed, false);
        for word in words {
            match word {
                "signed" => health = Health::Signed,
                "unsigned" => health = Health::Unsigned,
                "expired" => health = Health::Expired,
                "altered" => health = Health::Altered,
                "stripped" => health = Health::Stripped,
                "silent" => silent = true,
                other => panic!("'{other}' is not a word for a zone"),
            }
        }
        Self {
            health,
            silent,
            records: Vec::new(),
            key: ZoneKey::generate(),
            policy_host: Conduct::default(),
        }
    }
}

fn below(owner: &str, origin: &Name) -> Name {
    if owner == "@" {
        origin.clone()
    } else {
        Name::from_ascii(owner).unwrap().append_domain(origin).unwrap()
    }
}

fn rdata_of(kind: &str, rdata: &str) -> RData {
    RData::try_from_str(rtype(kind), rdata).unwrap_or_else(|e| panic!("'{rdata}' is not a {kind}: {e}"))
}
