//! The zones of the laboratory: read from one file, changed while they are served.

use super::mail_host;
use super::name_server::Manner;
use super::policy_host::Conduct;
use super::zone::{Denial, Health, Said, Zone, ZoneKey};
use hickory_proto::rr::{Name, RData, RecordType};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Aliases that the name server follows before it gives up, as recursive resolvers do.
const MOST_ALIASES: usize = 16;

/// What `DIGEST` stands for in a TLSA record: the SHA-256 of "nobody", as the digest of a key that nobody has.
const DIGEST: &str = "6382b3cc881412b77bfcaeed026001c00d9e3025e66c20f6e7e92f079851462a";

/// The label of an MTA-STS policy host (RFC 8461 section 3.3).
const MTA_STS: &str = "mta-sts";

/// What is written about one zone, before it is signed.
struct Plan {
    health: Health,
    /// How it denies, if it is signed.
    denial: Denial,
    /// How its name servers meet every question, unless they are well.
    manner: Option<Manner>,
    records: Vec<(Name, RData)>,
    key: ZoneKey,
    /// The MTA-STS policy that its `mta-sts` host serves.
    file: Vec<u8>,
}

/// All zones, as plans and as they are served.
pub(crate) struct World {
    plans: BTreeMap<Name, Plan>,
    /// Built and signed when the first question about them comes.
    zones: BTreeMap<Name, Zone>,
    /// Those of which something is written.
    policy_hosts: BTreeMap<Name, Conduct>,
    /// Where mail hosts are, and how they behave.
    mail_hosts: Vec<(IpAddr, mail_host::Manner)>,
    /// What words stand for in TLSA records.
    digests: BTreeMap<&'static str, String>,
}

/// What the whole world says to a question, aliases followed.
pub(crate) struct Reply {
    /// How the zones that were asked meet every question, unless they are well.
    pub(crate) manner: Option<Manner>,
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
    pub(crate) fn read(text: &str, digests: BTreeMap<&'static str, String>) -> Self {
        let mut world = Self {
            plans: BTreeMap::new(),
            zones: BTreeMap::new(),
            policy_hosts: BTreeMap::new(),
            mail_hosts: Vec::new(),
            digests,
        };
        world.digests.insert("DIGEST", DIGEST.to_owned());
        let mut current = Name::root();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let mut words = rest.split_whitespace();
            match word {
                "" => {}
                word if word.starts_with('#') => {}
                "zone" => {
                    current = name(words.next().expect("a zone has a name"));
                    world.plans.insert(current.clone(), Plan::new(words));
                }
                "https" => {
                    world.policy_hosts.insert(current.clone(), Conduct::read(words));
                }
                "mta-sts" => {
                    world.policy_hosts.insert(below(MTA_STS, &current), Conduct::read(words));
                }
                "file" => world.write_file(&current, rest),
                "mail" => {
                    let address = words.next().and_then(|word| word.parse().ok()).expect("an address");
                    let manner = mail_host::Manner::read(words.next().expect("a manner"));
                    world.mail_hosts.push((address, manner));
                }
                owner => {
                    let kind = words.next().unwrap_or_else(|| panic!("line {}: no type", number + 1));
                    let rdata = world.rdata_of(kind, rest.split_once(kind).unwrap().1);
                    world.plan(&current).records.push((below(owner, &current), rdata));
                }
            }
        }
        world
    }

    fn plan(&mut self, origin: &Name) -> &mut Plan {
        self.plans.get_mut(origin).unwrap_or_else(|| panic!("{origin} is no zone of this world"))
    }

    /// The policy of `domain` as its policy host serves it, and the address of that host.
    fn write_file(&mut self, domain: &Name, lines: &str) {
        let address = self.rdata_of("A", "127.0.0.1");
        let (host, plan) = (below(MTA_STS, domain), self.plan(domain));
        plan.file = lines.split('|').flat_map(|line| [line.trim(), "\r\n"]).collect::<String>().into_bytes();
        if !plan.records.iter().any(|(owner, _)| *owner == host) {
            plan.records.push((host, address));
        }
    }

    fn build(&mut self, origin: &Name) {
        let plan = &self.plans[origin];
        let children: Vec<(Name, Option<RData>)> = self
            .plans
            .range(origin..)
            // In the canonical order (RFC 4034 section 6.1) what is below a name follows it at once.
            .take_while(|(child, _)| origin.zone_of(child))
            .filter(|(child, _)| *child != origin && self.zone_above(child) == *origin)
            .map(|(child, plan)| {
                let ds = (plan.health != Health::Unsigned).then(|| plan.key.ds(child));
                (child.clone(), ds)
            })
            .collect();
        let zone = Zone::build(origin, (plan.health, plan.denial), &plan.key, &plan.records, &children);
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
    pub(crate) fn answer(&mut self, asked: &Name, rtype: RecordType) -> Reply {
        let mut reply = Reply { manner: None, steps: Vec::new(), zones: Vec::new() };
        let mut name = asked.clone();
        while reply.steps.len() <= MOST_ALIASES {
            let origin = if rtype == RecordType::DS { self.zone_above(&name) } else { self.zone_of(&name) };
            reply.manner = reply.manner.or_else(|| self.plans[&origin].manner.clone());
            if !self.zones.contains_key(&origin) {
                self.build(&origin);
            }
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

    /// Where its mail hosts are, each address once.
    pub(crate) fn mail_hosts(&self) -> Vec<(IpAddr, mail_host::Manner)> {
        self.mail_hosts.clone()
    }

    /// The TLSA records at port 25, for those who ask about another port.
    pub(crate) fn publish_tlsa_for(&mut self, port: u16) {
        for (origin, plan) in &mut self.plans {
            let moved = |(owner, rdata): &(Name, RData)| {
                let rest = owner.to_ascii().strip_prefix("_25.")?.to_owned();
                (rdata.record_type() == RecordType::TLSA)
                    .then(|| (name(&format!("_{port}.{rest}")), rdata.clone()))
            };
            let more: Vec<_> = plan.records.iter().filter_map(moved).collect();
            if !more.is_empty() {
                plan.records.extend(more);
                self.zones.remove(origin);
            }
        }
    }

    fn rdata_of(&self, kind: &str, rdata: &str) -> RData {
        let meant = |word| self.digests.get(word).map_or(word, String::as_str);
        let rdata = match kind {
            "TLSA" => rdata.split_whitespace().map(meant).collect::<Vec<_>>().join(" "),
            _ => rdata.trim().to_owned(),
        };
        RData::try_from_str(rtype(kind), &rdata).unwrap_or_else(|e| panic!("'{rdata}' is not a {kind}: {e}"))
    }

    /// The key that everything hangs from.
    pub(crate) fn root_key(&self) -> &ZoneKey {
        &self.plans[&Name::root()].key
    }

    /// How a policy host behaves; `None` if `host` is none of this world.
    pub(crate) fn policy_host(&self, host: &str) -> Option<Conduct> {
        let host = name(host);
        let known = self.plans.contains_key(&host) || self.domain_of(&host).is_some();
        known.then(|| self.policy_hosts.get(&host).cloned().unwrap_or_default())
    }

    /// Whose MTA-STS policy host this is.
    fn domain_of(&self, host: &Name) -> Option<Name> {
        let domain = host.base_name();
        (self.plans.contains_key(&domain) && below(MTA_STS, &domain) == *host).then_some(domain)
    }

    /// Tells a policy host how to behave from now on.
    pub(crate) fn conduct_policy_host(&mut self, host: &str, conduct: Conduct) {
        assert!(self.policy_host(host).is_some(), "{host} is no policy host of this world");
        self.policy_hosts.insert(name(host), conduct);
    }

    /// The right answer of a policy host: at `mta-sts.DOMAIN` the policy file of the domain, under its one path; at any
    /// other name the first TXT record of that zone, its strings joined, under every path.
    pub(crate) fn policy_text(&self, host: &str, path: &str) -> Option<Vec<u8>> {
        let host = name(host);
        if let Some(domain) = self.domain_of(&host) {
            let file = Some(&self.plans[&domain].file).filter(|file| !file.is_empty());
            return file.filter(|_| path == "/.well-known/mta-sts.txt").cloned();
        }
        self.plans.get(&host)?.records.iter().find_map(|(_, rdata)| match rdata {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })
    }

    /// Gives `domain` another MTA-STS policy, in the form of a `file` line.
    pub(crate) fn serve_policy(&mut self, domain: &str, lines: &str) {
        let domain = name(domain);
        self.write_file(&domain, lines);
        self.zones.remove(&domain);
    }

    /// Puts a record beside what is there.
    pub(crate) fn publish(&mut self, owner: &str, kind: &str, rdata: &str) {
        let owner = name(owner);
        let (origin, rdata) = (self.zone_of(&owner), self.rdata_of(kind, rdata));
        self.plan(&origin).records.push((owner, rdata));
        self.zones.remove(&origin);
    }

    /// Removes all records of one owner and type.
    pub(crate) fn withdraw(&mut self, owner: &str, kind: &str) {
        let (owner, kind) = (name(owner), rtype(kind));
        let origin = self.zone_of(&owner);
        self.plan(&origin).records.retain(|(o, rdata)| *o != owner || rdata.record_type() != kind);
        self.zones.remove(&origin);
    }

    /// Makes a zone well or ill.
    pub(crate) fn set_health(&mut self, zone: &str, health: Health) {
        let origin = name(zone);
        self.plan(&origin).health = health;
        self.zones.remove(&origin);
        let above = self.zone_above(&origin);
        self.zones.remove(&above);
    }
}

impl Plan {
    fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let (mut health, mut denial, mut manner) = (Health::Signed, Denial::Nsec, None);
        for word in words {
            match word {
                "signed" => health = Health::Signed,
                "unsigned" => health = Health::Unsigned,
                "expired" => health = Health::Expired,
                "altered" => health = Health::Altered,
                "stripped" => health = Health::Stripped,
                "nsec3" => denial = Denial::Nsec3 { opt_out: false },
                "opt-out" => denial = Denial::Nsec3 { opt_out: true },
                "silent" => manner = Some(Manner::Silent),
                "failing" => manner = Some(Manner::Servfail),
                other => panic!("'{other}' is not a word for a zone"),
            }
        }
        Self { health, denial, manner, records: Vec::new(), key: ZoneKey::generate(), file: Vec::new() }
    }
}

fn below(owner: &str, origin: &Name) -> Name {
    if owner == "@" {
        origin.clone()
    } else {
        Name::from_ascii(owner).unwrap().append_domain(origin).unwrap()
    }
}
