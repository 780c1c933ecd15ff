//! The chain of trust: from a trust anchor down to the deepest zone that is proven, or to the proof that no chain
//! leads further (RFC 4035 sections 5.2 and 5.3).
//!
//! The way down looks at each name below the anchor and finds exactly one of: a signed DS, which leads into the next
//! zone; a proof by the proven zone that there is none, which says whether an insecure zone begins here; or neither,
//! and then nothing below is judged but by what the proven zone itself has signed.

use super::alias::{self, Offered};
use super::anchor::TrustAnchors;
use super::basis::{Basis, Insecurity};
use super::budget::{Budget, Spent};
use super::cut::Cut;
use super::denial::{Denials, NoDs, Strength};
use super::keys::{enter, trusted_keys, usable_digests};
use super::labels;
use super::proof::{Proof, Role};
use super::proven_zones::ProvenZones;
use super::replies::{Found, Replies, Stop, has, shown};
use super::scope::Scope;
use super::signature::{Proven, Zone, seconds_left, signatures};
use super::{Blame, Outage, Question, ZoneStatus};
use crate::limits::MAX_LABELS_AHEAD;
use crate::time::UnixTime;
use hickory_proto::rr::{Name, RecordType};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What all walks of one verdict share: the anchors, the time, what was proven so far, and what it has cost.
#[derive(Debug)]
pub struct TrustContext {
    anchors: Arc<TrustAnchors>,
    now: UnixTime,
    budget: Budget,
    cuts: HashMap<Name, Cut>,
    /// Names that are proven not to exist, nor any below them (RFC 8020), and by what.
    pub(super) absent: HashMap<Name, Basis>,
    /// The same by what other look-ups have heard, until a reply is judged here.
    pub(super) absent_to_others: HashMap<Name, Basis>,
    /// Apexes of zones that have signed something of this verdict at their apex or below.
    holders: HashSet<Name>,
    /// Where other look-ups find what is proven here.
    zones: Option<ProvenZones>,
    /// Of zones.
    sharing: Sharing,
    /// Of names that zones have denied.
    pub(super) denials: Sharing,
    /// For what failed under zones that others have proven: everything anew, for the same replies.
    anew: Option<Box<Self>>,
}

/// Whether what other look-ups have proven counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// No: everything is proven here.
    Nothing,
    /// Yes, and none of it was needed yet.
    Allowed,
    /// Yes, and some of what is known here is theirs.
    Used,
}

/// How far the way down looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Up to the first name with an underscore, which rarely is a cut, and to the first cut that cannot be denied.
    Usual,
    /// At every name: what the zone above could not prove may lie in a zone further down.
    Whole,
}

/// Where the way down has ended.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Below a cut that is proven to be insecure, by this zone above it; or that the configuration says to be.
    Insecure(Arc<Insecurity>, Option<Arc<Zone>>),
    /// In a zone to which the chain leads.
    Within(Arc<Zone>, Further),
}

/// What is known about cuts between the apex of the proven zone and the name. Whatever it is, what the zone has signed
/// or denied counts: the signer's name is that of the zone that holds the records (RFC 4035 section 5.3.1).
#[derive(Clone, Debug)]
pub(super) enum Further {
    /// There is none where one was looked for.
    NoCut,
    /// It could not be learnt, for this reason.
    Doubtful(Stop),
    /// It cannot be learnt: the zone denies with too many NSEC3 iterations, and what it has not signed is insecure.
    Unproven(Arc<Insecurity>),
}

impl TrustContext {
    /// Nothing proven yet, nothing spent. `now` stands still for the whole verdict.
    #[must_use]
    pub fn new(anchors: Arc<TrustAnchors>, now: UnixTime) -> Self {
        Self {
            anchors,
            now,
            budget: Budget::default(),
            cuts: HashMap::new(),
            absent: HashMap::new(),
            absent_to_others: HashMap::new(),
            holders: HashSet::new(),
            zones: None,
            sharing: Sharing::Nothing,
            denials: Sharing::Nothing,
            anew: None,
        }
    }

    /// The same in a process that has many: what others have proven of zones counts, and costs nothing.
    #[must_use]
    pub fn sharing(zones: &ProvenZones, now: UnixTime) -> Self {
        let anchors = Arc::clone(zones.anchors());
        Self { zones: Some(zones.clone()), sharing: Sharing::Allowed, ..Self::new(anchors, now) }
    }

    /// Nothing proven yet, out of the same budget, whichever of the two spends it: for other replies, as when a bogus
    /// answer is asked for again elsewhere.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { budget: self.budget.shared(), ..Self::new(Arc::clone(&self.anchors), self.now) }
    }

    /// What other look-ups have proven, where that counts.
    pub(super) fn lenders(&self) -> Option<&ProvenZones> {
        self.zones.as_ref().filter(|_| self.sharing != Sharing::Nothing)
    }

    /// Whether a zone counts here that another look-up has proven.
    pub(super) fn has_borrowed(&self) -> bool {
        self.sharing == Sharing::Used
    }

    /// The same for the same replies, but that everything is proven anew; what is proven takes the place of what is shared.
    pub(super) fn anew(&mut self) -> &mut Self {
        if self.anew.is_none() {
            self.anew = Some(Box::new(Self { zones: self.zones.clone(), ..self.afresh() }));
        }
        match self.anew {
            Some(ref mut anew) => anew,
            None => self,
        }
    }

    /// The latter, if something was looked at there.
    pub(super) fn seen_anew(&self) -> &Self {
        self.anew.as_deref().unwrap_or(self)
    }

    /// Raises the budget by what so many MX hosts cost, for all that share it.
    pub fn allow_mx_hosts(&self, hosts: usize) {
        self.budget.allow_mx_hosts(hosts);
    }

    /// What the verdict has cost so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.budget.spent()
    }

    /// What proves that `name`, or one above it, does not exist, if that is known.
    pub(super) fn absent_above(&self, name: &Name) -> Option<&Basis> {
        let is_known = !self.absent.is_empty() || !self.absent_to_others.is_empty();
        if !is_known || self.anchors.insecure_above(name).is_some() {
            return None;
        }
        // An island of trust below a name that is absent for others begins anew.
        let anchor = self.anchors.deepest_above(name).map_or(0, labels::count);
        let mut upwards = (anchor + 1..=labels::count(name)).rev();
        upwards.find_map(|labels| {
            let at = name.trim_to(labels);
            self.absent.get(&at).or_else(|| self.absent_to_others.get(&at))
        })
    }

    /// Where other look-ups find what is proven here.
    pub(super) const fn borrowers(&self) -> Option<&ProvenZones> {
        self.zones.as_ref()
    }

    /// Remembers that the zone has signed an answer about its apex, or data below it: what is asked about next to it seldom lies in
    /// another zone.
    pub(super) fn note_holder(&mut self, apex: &Name) {
        self.holders.insert(apex.clone());
    }

    /// The deepest zone on the way to `name` that is proven, if it is such a one.
    pub(super) fn holder_above(&self, name: &Name) -> Option<Arc<Zone>> {
        if self.holders.is_empty() {
            return None;
        }
        let mut upwards = (0..=labels::count(name)).rev().map(|labels| name.trim_to(labels));
        let zone = upwards.find_map(|at| match self.cuts.get(&at) {
            Some(Cut::Signed(zone)) => Some(zone),
            _ => None,
        })?;
        self.holders.contains(&zone.name).then(|| Arc::clone(zone))
    }

    /// The moment for which everything is judged.
    pub(super) const fn now(&self) -> UnixTime {
        self.now
    }

    /// The trust anchors.
    pub(super) fn anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    /// What may still be spent.
    pub(super) const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// The apex of the deepest zone at or above `name` that has a trust anchor.
    pub(super) fn anchor_of(&self, name: &Name) -> Found<Name> {
        self.anchors.deepest_above(name).cloned().ok_or_else(|| {
            let why = format!("no-trust-anchor: none at or above {}", shown(name));
            Stop::Failed(Outage::NoTrustAnchor, ZoneStatus::Unknown, why)
        })
    }

    /// Why `name` is not asked about at all, if it is not.
    pub(super) fn set_apart(&self, name: &Name) -> Option<Stop> {
        let Scope::SpecialUse(special) = self.anchors.insecure_zones().scope(name) else { return None };
        let why = format!(
            "special-use-name: {} is not asked about, {special} is set apart from the public DNS",
            shown(name)
        );
        Some(Stop::Failed(Outage::NotAsked, ZoneStatus::Unknown, why))
    }

    /// Goes down to `name` (RFC 4035 section 5).
    pub(super) fn descend(&mut self, name: &Name, depth: Depth, replies: &Replies) -> Found<Place> {
        if let Some(zone) = self.anchors.insecure_above(name) {
            let why = format!("insecure-zone: the configuration names {zone} in insecure_zones");
            return Ok(Place::Insecure(Arc::new(Insecurity { why, basis: Basis::ANCHOR }), None));
        }
        let mut zone = self.anchored(&self.anchor_of(name)?, replies)?;
        let mut open = None;
        for cut_at in labels::below(&zone.name.clone(), name) {
            if depth == Depth::Usual && labels::is_underscored(&cut_at) {
                break;
            }
            match self.cut(&zone, &cut_at, replies)? {
                Cut::Signed(next) => (zone, open) = (next, None),
                Cut::None => {}
                Cut::NothingBelow => break,
                Cut::Insecure(insecurity) => return Ok(Place::Insecure(insecurity, Some(zone))),
                Cut::Broken(stop, _) => return Err(stop),
                Cut::Doubtful(_) if open.is_some() => break,
                Cut::Doubtful(stop) => return Ok(Place::Within(zone, Further::Doubtful(stop))),
                Cut::Unproven(insecurity) => {
                    open.get_or_insert(insecurity);
                    if depth == Depth::Usual {
                        break;
                    }
                }
            }
        }
        Ok(match open {
            Some(insecurity) => Place::Within(zone, Further::Unproven(insecurity)),
            None => Place::Within(zone, Further::NoCut),
        })
    }

    /// The questions that the way down to `name` will probably ask, none of them answered yet: six names ahead.
    pub(super) fn ahead(&self, name: &Name, depth: Depth, replies: &Replies) -> Vec<Question> {
        let Ok(anchor) = self.anchor_of(name) else { return Vec::new() };
        if self.anchors.insecure_above(name).is_some() {
            return Vec::new();
        }
        let mut questions = Vec::new();
        if !self.cuts.contains_key(&anchor) {
            questions.push(Question::new(&anchor, RecordType::DNSKEY));
        }
        let (mut unknown, mut parent) = (0, anchor.clone());
        for cut_at in labels::below(&anchor, name) {
            match self.cuts.get(&cut_at) {
                Some(Cut::Signed(_)) => {
                    parent = cut_at;
                    continue;
                }
                Some(Cut::None) => continue,
                Some(Cut::Unproven(_)) if depth == Depth::Whole => continue,
                Some(_) => break,
                None => unknown += 1,
            }
            if unknown > MAX_LABELS_AHEAD || depth == Depth::Usual && labels::is_underscored(&cut_at) {
                break;
            }
            questions.push(Question::new(&cut_at, RecordType::DS));
            if self.lenders().is_none_or(|zones| zones.are_keys_likely_below(&parent)) {
                questions.push(Question::new(&cut_at, RecordType::DNSKEY));
            }
        }
        questions.retain(|question| replies.get(question).is_none());
        questions
    }

    /// Who is to blame for a bogus answer about `name`, as far as the anchor's own DNSKEY reply tells.
    pub(super) fn blame(&self, name: &Name, replies: &Replies) -> Blame {
        let Ok(anchor) = self.anchor_of(name) else { return Blame::Domain };
        let Ok(message) = replies.message(&anchor, RecordType::DNSKEY) else { return Blame::Domain };
        if matches!(self.cuts.get(&anchor), Some(Cut::Signed(_))) {
            return Blame::Domain;
        }
        if signatures(&message.answers, &anchor, RecordType::DNSKEY).next().is_none() {
            return Blame::StrippingResolver;
        }
        let (digests, keys) = self.anchors.of(&anchor);
        let trusted = match trusted_keys(&anchor, message, &digests, &keys, &mut Budget::default()) {
            Ok(trusted) if !trusted.is_empty() => trusted,
            _ => return Blame::TrustAnchor,
        };
        let made = |tag| trusted.iter().any(|key| key.tag == tag);
        let mut times = signatures(&message.answers, &anchor, RecordType::DNSKEY)
            .filter(|(_, signature)| made(signature.input().key_tag))
            .map(|(_, signature)| seconds_left(signature.input(), self.now))
            .peekable();
        match (times.peek().is_some(), times.all(|time| time.is_err())) {
            (false, _) => Blame::TrustAnchor,
            (true, true) => Blame::Clock,
            (true, false) => Blame::Domain,
        }
    }

    /// What is proven of the way down to `name`: what can be shown where the answer is not.
    pub(super) fn reached(&self, name: &Name) -> Proof {
        let Ok(anchor) = self.anchor_of(name) else { return Proof::default() };
        let way = std::iter::once(anchor.clone()).chain(labels::below(&anchor, name));
        let deepest = way.filter_map(|at| match self.cuts.get(&at)? {
            Cut::Signed(zone) => Some(&zone.basis.proof),
            Cut::Insecure(insecurity) | Cut::Unproven(insecurity) => Some(&insecurity.basis.proof),
            Cut::Broken(_, proof) => Some(proof),
            Cut::None | Cut::NothingBelow | Cut::Doubtful(_) => None,
        });
        deepest.last().cloned().unwrap_or_default()
    }

    /// The zone of a trust anchor.
    fn anchored(&mut self, apex: &Name, replies: &Replies) -> Found<Arc<Zone>> {
        match self.known(apex, apex) {
            Some(Cut::Signed(zone)) => return Ok(zone),
            Some(Cut::Broken(stop, _)) => return Err(stop),
            _ => {}
        }
        let (digests, keys) = self.anchors.of(apex);
        let message = replies.message(apex, RecordType::DNSKEY)?;
        let zone = enter(apex, message, &digests, &keys, Basis::ANCHOR, self.now, &mut self.budget);
        let seen = match &zone {
            Ok(zone) => CutSeen::by_all(Cut::Signed(Arc::clone(zone)), zone.basis.until),
            Err(stop) => CutSeen::here(Cut::Broken(stop.clone(), Proof::default())),
        };
        self.note(apex, apex, seen);
        zone
    }

    /// What is at `name`, one or more labels below the apex of `zone` with no cut between them; remembered.
    fn cut(&mut self, zone: &Zone, name: &Name, replies: &Replies) -> Found<Cut> {
        if let Some(cut) = self.known(name, &zone.name) {
            return Ok(cut);
        }
        let seen = match self.look_for_cut(zone, name, replies) {
            Err(stop @ (Stop::Missing(_) | Stop::Failed(Outage::Budget | Outage::OutOfResources, ..))) => {
                return Err(stop);
            }
            Err(stop) => CutSeen::here(Cut::Doubtful(stop)),
            Ok(seen) => seen,
        };
        let cut = seen.cut.clone();
        self.note(name, &zone.name, seen);
        Ok(cut)
    }

    /// What is known of a name from here, or as the zone `by` has told another look-up.
    pub(super) fn known(&mut self, name: &Name, by: &Name) -> Option<Cut> {
        if let Some(cut) = self.cuts.get(name) {
            return Some(cut.clone());
        }
        let cut = self.lenders()?.at(name, by, self.now)?;
        self.sharing = Sharing::Used;
        self.cuts.insert(name.clone(), cut.clone());
        Some(cut)
    }

    /// Remembers what was seen at a name, which the zone `by` has told; for others, too, where it is proven.
    fn note(&mut self, name: &Name, by: &Name, seen: CutSeen) {
        if let (Some(zones), Some(until)) = (&self.zones, seen.by_all_until) {
            zones.keep(name, by, &seen.cut, self.now, until);
        }
        self.cuts.insert(name.clone(), seen.cut);
    }

    fn look_for_cut(&mut self, zone: &Zone, name: &Name, replies: &Replies) -> Found<CutSeen> {
        let message = replies.message(name, RecordType::DS)?;
        let (now, budget) = (self.now, &mut self.budget);
        let until = |until: UnixTime| until.min(zone.basis.until);
        if has(&message.answers, name, RecordType::DS) {
            let ds = zone.proven_here(name, RecordType::DS, &message.answers, now, budget)?;
            return into_signed(zone, name, &ds, replies, now, budget);
        }
        // A recursive resolver answers a DS question at or below an alias with the alias: no cut, if the zone says so.
        match alias::offered(&message.answers, name, &zone.name) {
            Some(Offered::Dname(owner)) => {
                let dname = zone.proven_here(&owner, RecordType::DNAME, &message.answers, now, budget)?;
                self.note_existing(zone, &owner);
                return Ok(CutSeen::by_all(Cut::NothingBelow, until(dname.until))); // RFC 6672 section 2.4
            }
            Some(Offered::Cname) => {
                let cname = zone.proven(name, RecordType::CNAME, &message.answers, now, budget)?;
                if cname.labels() == name.num_labels() {
                    return Ok(CutSeen::by_all(Cut::None, until(cname.until)));
                }
                let denials = Denials::read(zone, message, now, budget)?;
                return Ok(match denials.of_closer_match(name, RecordType::DS, cname.labels(), budget)? {
                    (Strength::Proven, basis) => {
                        CutSeen::by_all(Cut::NothingBelow, until(cname.until.min(basis.until)))
                    }
                    (Strength::Insecure(why), basis) => {
                        let insecurity = Insecurity { why, basis: cname.basis(Role::Alias).and(basis) };
                        CutSeen::here(Cut::Insecure(Arc::new(insecurity.under(&zone.basis))))
                    }
                });
            }
            None => {}
        }
        let denials = Denials::read(zone, message, now, budget)?;
        let denied = denials.of_ds(name, budget)?;
        let until = until(denials.until());
        self.note_denied(zone, &denials);
        Ok(match denied {
            NoDs::NoCut => CutSeen::by_all(Cut::None, until),
            NoDs::NothingBelow => CutSeen::by_all(Cut::NothingBelow, until),
            NoDs::InsecureCut(insecurity) => {
                CutSeen::by_all(Cut::Insecure(Arc::new(insecurity.under(&zone.basis))), until)
            }
            NoDs::Unproven(insecurity) => {
                CutSeen::here(Cut::Unproven(Arc::new(insecurity.under(&zone.basis))))
            }
        })
    }
}

/// What was seen at a name.
struct CutSeen {
    cut: Cut,
    /// Until when any other look-up would see the same; `None` for what is only so in these replies.
    by_all_until: Option<UnixTime>,
}

impl CutSeen {
    const fn here(cut: Cut) -> Self {
        Self { cut, by_all_until: None }
    }

    const fn by_all(cut: Cut, until: UnixTime) -> Self {
        Self { cut, by_all_until: Some(until) }
    }
}

/// Down into the zone to which a signed DS RRset leads. From here on the cut is a fact: what does not fit is bogus.
fn into_signed(
    parent: &Zone,
    name: &Name,
    ds: &Proven<'_>,
    replies: &Replies,
    now: UnixTime,
    budget: &mut Budget,
) -> Found<CutSeen> {
    let basis = parent.basis.clone().and(ds.basis(Role::Delegation));
    let digests = usable_digests(ds);
    if digests.is_empty() {
        let why = format!(
            "unsupported-algorithm: the DS records of {} name none that can be verified",
            shown(name)
        );
        let until = basis.until;
        let insecurity = Insecurity { why, basis }; // RFC 4035 section 5.2, RFC 6840 section 5.2
        return Ok(CutSeen::by_all(Cut::Insecure(Arc::new(insecurity)), until));
    }
    let entered = replies
        .message(name, RecordType::DNSKEY)
        .and_then(|message| enter(name, message, &digests, &[], basis.clone(), now, budget));
    match entered {
        Ok(zone) => {
            let until = zone.basis.until;
            Ok(CutSeen::by_all(Cut::Signed(zone), until))
        }
        Err(stop @ (Stop::Missing(_) | Stop::Failed(Outage::Budget | Outage::OutOfResources, ..))) => {
            Err(stop)
        }
        Err(Stop::Failed(outage, _, why)) => {
            let stop = Stop::Failed(outage, ZoneStatus::Signed, why);
            Ok(CutSeen::here(Cut::Broken(stop, basis.proof)))
        }
        Err(stop) => Ok(CutSeen::here(Cut::Broken(stop, basis.proof))),
    }
}
