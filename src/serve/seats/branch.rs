//! A tree of those who wait and those who have seats, for [`crate::serve::seats`]: whose turn it is where it parts, who holds most, and who of those is silent. Pure.

use super::LookUpNumber;
use super::asker::{Asker, Peer};
use crate::limits::MAX_SUFFIX_LABELS;
use crate::name::PolicyDomain;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// From the root of a tree to a leaf.
pub(crate) type Path = Arc<[Key]>;

/// What a child is told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Peer(Peer),
    Connection(u64),
    /// One label of a name.
    Label(Arc<str>),
    /// All labels before those, if there are any: a leaf.
    Rest(Arc<str>),
}

/// Where a tree parts, or a leaf.
#[derive(Debug, Default)]
pub(crate) struct Branch {
    /// Boxed, for most branches have one child, and a table has room for four.
    pub(crate) children: HashMap<Key, Box<Self>>,
    /// The children below which somebody waits.
    pub(crate) ready: BTreeSet<Turn>,
    /// The children that hold seats.
    pub(crate) holding: BTreeSet<Load>,
    /// Who waits at a leaf.
    queue: VecDeque<LookUpNumber>,
    /// Who has a seat there.
    sitting: Vec<LookUpNumber>,
    /// Who of these is silent, by since when.
    silent: BTreeSet<(Instant, LookUpNumber)>,
    /// How many seats are held here and below.
    pub(crate) held: usize,
    /// Whether it had a turn since it came.
    had_a_turn: bool,
    /// When it had its last turn; or came, before its first.
    moment: u64,
}

/// The place of a child among those whose turn may be next: seats held, whether it had a turn, when it had that or came, which.
type Turn = (usize, bool, u64, Key);

/// How many seats a child holds, since when whoever would give up one first is silent, if he is, and which child it is. The greatest
/// gives up a seat first: of equals one that is silent, of these the one that is so for longest.
type Load = (usize, Option<Reverse<Instant>>, Key);

/// The seats that are held along a path, from the root on; what goes beyond a path holds none.
pub(crate) type HeldAlong = [usize; MAX_SUFFIX_LABELS + 1];

impl Branch {
    /// Whose turn it is.
    pub(crate) fn first(&self) -> Option<LookUpNumber> {
        match self.ready.first() {
            Some((_, _, _, key)) => self.children.get(key)?.first(),
            None => self.queue.front().copied(),
        }
    }

    /// Somebody waits at the end of the path.
    pub(crate) fn push(&mut self, path: &[Key], number: LookUpNumber, moment: u64) {
        match path {
            [] => self.queue.push_back(number),
            [key, rest @ ..] => self.change(key, moment, |child| child.push(rest, number, moment)),
        }
    }

    /// It waits no more.
    pub(crate) fn remove(&mut self, path: &[Key], number: LookUpNumber) {
        match path {
            [] => self.unqueue(number),
            [key, rest @ ..] => self.change(key, 0, |child| child.remove(rest, number)),
        }
    }

    /// One more seat is held at the end of the path, by one that waits there no more: that was its turn.
    pub(crate) fn take(&mut self, path: &[Key], number: LookUpNumber, moment: u64) {
        self.held += 1;
        match path {
            [] => {
                self.unqueue(number);
                self.sitting.push(number);
            }
            [key, rest @ ..] => self.change(key, moment, |child| {
                (child.had_a_turn, child.moment) = (true, moment);
                child.take(rest, number, moment);
            }),
        }
    }

    /// One seat less is held there.
    pub(crate) fn release(&mut self, path: &[Key], number: LookUpNumber) {
        self.held = self.held.saturating_sub(1);
        match path {
            [] => {
                self.sitting.retain(|one| *one != number);
                self.silent.retain(|(_, one)| *one != number);
            }
            [key, rest @ ..] => self.change(key, 0, |child| child.release(rest, number)),
        }
    }

    /// Changes a child, and its place among the others. One that is new came at that moment; one below which nobody waits or sits is
    /// forgotten.
    fn change(&mut self, key: &Key, moment: u64, change: impl FnOnce(&mut Self)) {
        let mut child = match self.children.entry(key.clone()) {
            Entry::Occupied(child) => child,
            Entry::Vacant(place) => place.insert_entry(Box::new(Self { moment, ..Self::default() })),
        };
        let (turn, load) = (child.get().turn(key), child.get().load(key));
        change(child.get_mut());
        exchange(&mut self.ready, turn, child.get().turn(key));
        exchange(&mut self.holding, load, child.get().load(key));
        if !child.get().is_waited_at() && child.get().held == 0 {
            child.remove();
        }
    }

    fn unqueue(&mut self, number: LookUpNumber) {
        let place = self.queue.iter().position(|one| *one == number);
        place.and_then(|place| self.queue.remove(place));
    }

    /// Whether somebody waits here or below.
    fn is_waited_at(&self) -> bool {
        !self.queue.is_empty() || !self.ready.is_empty()
    }

    fn turn(&self, key: &Key) -> Option<Turn> {
        self.is_waited_at().then(|| (self.held, self.had_a_turn, self.moment, key.clone()))
    }

    fn load(&self, key: &Key) -> Option<Load> {
        (self.held > 0).then(|| (self.held, self.silent_since(), key.clone()))
    }

    fn silent_since(&self) -> Option<Reverse<Instant>> {
        match self.holding.last() {
            Some((_, since, _)) => *since,
            None => self.silent.first().map(|(since, _)| Reverse(*since)),
        }
    }

    /// Whoever sits at the end of the path is silent since then.
    pub(crate) fn fall_silent(&mut self, path: &[Key], one: (Instant, LookUpNumber)) {
        match path {
            [] => drop(self.silent.insert(one)),
            [key, rest @ ..] => self.change(key, 0, |child| child.fall_silent(rest, one)),
        }
    }

    /// It is silent no more.
    pub(crate) fn break_silence(&mut self, path: &[Key], one: (Instant, LookUpNumber)) {
        match path {
            [] => drop(self.silent.remove(&one)),
            [key, rest @ ..] => self.change(key, 0, |child| child.break_silence(rest, one)),
        }
    }

    /// Adds those who would give up their seats first, until there are so many: whoever sits in the branch that holds most, silent ones before others.
    pub(crate) fn add_heaviest(&self, most: usize, found: &mut Vec<LookUpNumber>) {
        for child in self.holding.iter().rev().filter_map(|(_, _, key)| self.children.get(key)) {
            if found.len() >= most {
                return;
            }
            child.add_heaviest(most, found);
        }
        let room = most.saturating_sub(found.len());
        let silent = self.silent.iter().map(|(_, number)| number);
        found.extend(silent.chain(&self.sitting).take(room));
    }

    /// The seats that each of two holds where their paths part; one each if they do not.
    pub(crate) fn held_apart(&self, one: &[Key], other: &[Key]) -> Held {
        let (Some((one, one_rest)), Some((other, other_rest))) = (one.split_first(), other.split_first())
        else {
            return Held { one: 1, other: 1, is_apart: false };
        };
        let held = |key| self.children.get(key).map_or(0, |child| child.held);
        match self.children.get(one).filter(|_| one == other) {
            Some(child) => child.held_apart(one_rest, other_rest),
            None => Held { one: held(one), other: held(other), is_apart: true },
        }
    }

    pub(crate) fn held_along(&self, path: &[Key]) -> HeldAlong {
        let mut held = HeldAlong::default();
        let mut branch = Some(self);
        for (held, key) in held.iter_mut().zip(path) {
            branch = branch.and_then(|branch| branch.children.get(key)).map(Box::as_ref);
            *held = branch.map_or(0, |branch| branch.held);
        }
        held
    }
}

/// The seats that two hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) one: usize,
    pub(crate) other: usize,
    /// Whether their paths part.
    pub(crate) is_apart: bool,
}

/// Puts one in the place of another.
fn exchange<T: Ord>(set: &mut BTreeSet<T>, before: Option<T>, now: Option<T>) {
    if before != now {
        before.map(|before| set.remove(&before));
        set.extend(now);
    }
}

pub(crate) fn asker_path(asker: &Asker) -> Path {
    Arc::new([Key::Peer(asker.peer), Key::Connection(asker.connection)])
}

/// No public suffix has more labels than these, so whoever owns names below them is told apart by one of them.
pub(crate) fn name_path(domain: &PolicyDomain) -> Path {
    let mut rest = domain.as_str();
    let mut path = Vec::with_capacity(MAX_SUFFIX_LABELS + 1);
    while path.len() < MAX_SUFFIX_LABELS && !rest.is_empty() {
        let (before, label) = rest.rsplit_once('.').unwrap_or(("", rest));
        path.push(Key::Label(label.into()));
        rest = before;
    }
    path.push(Key::Rest(rest.into()));
    path.into()
}
