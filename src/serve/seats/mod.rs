//! Who looks up next: a bounded number of seats, shared fairly between those who ask and between those whose domains are asked
//! about. Pure: it knows neither tasks nor a clock.
//!
//! A seat bounds memory and descriptors, not work: a look-up that waits for others' servers costs no time. So a seat is only worth
//! something when all are taken, and then this decides whose turn is next, and who gives up his seat for it.
//!
//! **Two trees, in turns.** One has the peers, and below each of them its connections. The other has the names, label by label
//! from the right: `com`, then `example.com`. Wherever a branch parts, the child that holds fewest seats is next; of equals, one that
//! had no turn since it came, then the one whose last turn is longest ago. Every second turn goes by one tree, the others by the other.
//! So nobody has to know who owns what: a wildcard below one domain is one branch, however many names it has, and takes one turn of
//! many beside a domain that was never asked about. That holds below `co.uk` as below `com`, without a list of public suffixes,
//! because the rule is the same at every level. One connection with its pipe full is one branch, too, and so is one user with a
//! thousand connections. Whoever is small in one of the two ways has his turn soon.
//!
//! **A seat is given up** for whoever's turn it is by
//! - the one that nobody waits for any more (its askers had their deadline, or left), if there is one,
//! - else the one that weighs most, if that is more than the newcomer would with its seat; or as much, if it is silent.
//!
//! What one weighs beside another is the seats that its branch holds where the two part, of the peers and of the names, one multiplied
//! by the other. So silent names of one owner give up their seats to each other, and not one that is alone in one of the two ways, however
//! slow it is: one of theirs, which weighs hundreds, would have to come for what weighs one. Silent is who has heard nothing for
//! [`SILENT_AFTER`], longer than the way to any server and back. He goes before one that is not and weighs as much, up to twice as much, and of equals
//! he who is so for longest. Those who weigh most are looked for where either tree holds most, [`SEATS_WEIGHED`] of each.
//!
//! Whoever gave up a seat waits in the trees once more, like those who come. Whoever gave it up again begins anew, if somebody asks for it, when
//! there is a seat that is free or that nobody waits for, and nobody is in the trees. So each look-up takes at most two seats from others, and
//! nobody's work is undone without end. As long as there is a free seat nothing of this matters.
//!
//! A look-up that several ask for stands in the tree under each of them, and goes with the one whose turn comes first.
//!
//! **Name servers are no third tree.** Names that have nothing else in common may have the same silent name servers, but nobody here
//! can know that: the program asks a resolver, which tells it no name servers with an answer, and has nothing to tell of a zone that is silent.
//! The rule of silence does what such a tree would do among equals, whosever the servers are. Those that answer at the last moment are met by the
//! two trees alone.
//!
//! **What remains** is a crowd that nothing tells apart from whoever comes: as many connections of the same peer as there are seats,
//! or more, each with a name that has nothing in common with any other. If these are silent, each seat has two turns a second, and whoever
//! comes behind 4,096 of them, as many as may wait, has his after two seconds at most. If each hears something just before it
//! counts as silent, he waits until the time of their askers is up, which is as long as his own, and may be told to try again later. So may he be
//! if he needs longer than [`SILENT_AFTER`] for a step himself, for then he has a seat for no longer than they. Beside
//! fewer than there are seats nobody waits, nor does anybody whom one of the trees tells apart.

pub mod asker;
mod branch;

pub mod interests;
pub mod queue;

use self::asker::Asker;
use self::branch::{Branch, Held, Path, asker_path, name_path};
use crate::limits::{MAX_ASKERS_OF_PEER, SEATS_WEIGHED, SILENT_AFTER};
use crate::name::PolicyDomain;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

/// A look-up by its number.
pub type LookUpNumber = u64;

/// The seats, and who waits for one.
#[derive(Debug)]
pub struct Seats {
    free: usize,
    gives_up: GivesUp,
    look_ups: HashMap<LookUpNumber, LookUp>,
    by_asker: Branch,
    by_name: Branch,
    /// Who holds a seat that somebody waits for and is not silent, by when it heard something last.
    wanted: BTreeSet<(Instant, LookUpNumber)>,
    /// Who holds a seat that nobody waits for.
    unwanted: BTreeSet<(Instant, LookUpNumber)>,
    /// Whose turn it is.
    next_by: Tree,
    /// Who gave up a seat twice.
    again: VecDeque<LookUpNumber>,
    waiting: usize,
    /// Those whose turns it was when nobody gave up a seat, until something changes for them.
    in_vain: Option<[LookUpNumber; 2]>,
    /// Counts arrivals and turns: their order is all that matters.
    moment: u64,
}

/// Whether seats are given up for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivesUp {
    /// By the rules of this module.
    ForOthers,
    /// Never: what was begun is finished soon.
    Never,
}

/// Whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The one that has a seat now.
    pub begins: LookUpNumber,
    /// The one that gave it up.
    pub instead_of: Option<Loser>,
}

/// One that gave up its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loser {
    /// It waits again.
    Waits(LookUpNumber),
    /// Nobody asked for it any more: it is gone.
    Gone(LookUpNumber),
}

/// What became of a look-up that nobody asks for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It had no seat, and waits no more.
    Unbegun,
    /// It goes on as long as nobody needs its seat; or it is not known.
    GoesOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    ByAsker,
    ByName,
}

#[derive(Debug)]
struct LookUp {
    askers: Vec<Path>,
    name: Path,
    /// It gave up a seat.
    has_given_way: bool,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In both trees.
    Waits,
    /// It gave up its seat twice, and waits for a free one.
    WaitsAgain,
    Sits {
        /// Which of the askers had the turn.
        by: usize,
        heard: Instant,
        is_wanted: bool,
        /// It is known to be silent to both trees.
        is_silent: bool,
    },
}

/// Where a look-up stands in the two trees.
struct Standing<'a> {
    asker: &'a Path,
    name: &'a Path,
    is_silent: bool,
}

impl LookUp {
    /// Whether somebody asks for it.
    const fn is_wanted(&self) -> bool {
        match self.state {
            State::Waits | State::WaitsAgain => true,
            State::Sits { is_wanted, .. } => is_wanted,
        }
    }
}

impl Seats {
    /// So many seats, all free.
    #[must_use]
    pub fn new(seats: usize, gives_up: GivesUp) -> Self {
        Self {
            free: seats,
            gives_up,
            look_ups: HashMap::new(),
            by_asker: Branch::default(),
            by_name: Branch::default(),
            wanted: BTreeSet::new(),
            unwanted: BTreeSet::new(),
            next_by: Tree::ByAsker,
            again: VecDeque::new(),
            waiting: 0,
            in_vain: None,
            moment: 0,
        }
    }

    /// How many wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// A look-up waits for a seat from now on; without a domain where all who wait ask about the same one.
    pub fn wait(&mut self, number: LookUpNumber, askers: &[Asker], domain: Option<&PolicyDomain>) {
        self.leave(number);
        self.moment += 1;
        let askers = askers.iter().map(asker_path).collect();
        let name = domain.map_or_else(Path::default, name_path);
        self.push(number, LookUp { askers, name, has_given_way: false, state: State::Waits });
    }

    /// It waits in both trees.
    fn push(&mut self, number: LookUpNumber, look_up: LookUp) {
        look_up.askers.iter().for_each(|path| self.by_asker.push(path, number, self.moment));
        self.by_name.push(&look_up.name, number, self.moment);
        self.look_ups.insert(number, LookUp { state: State::Waits, ..look_up });
        self.waiting += 1;
    }

    /// One more asks for it.
    pub fn join(&mut self, number: LookUpNumber, asker: Asker) {
        let Some(look_up) = self.look_ups.get_mut(&number) else { return };
        match &mut look_up.state {
            State::Waits => {
                let path = asker_path(&asker);
                let of_peer = look_up.askers.iter().filter(|one| one.first() == path.first()).count();
                if of_peer >= MAX_ASKERS_OF_PEER || look_up.askers.contains(&path) {
                    return;
                }
                self.moment += 1;
                self.in_vain = None;
                self.by_asker.push(&path, number, self.moment);
                look_up.askers.push(path);
            }
            State::WaitsAgain => {}
            State::Sits { heard, is_wanted, is_silent, .. } => {
                *is_wanted = true;
                self.unwanted.remove(&(*heard, number));
                if !*is_silent {
                    self.wanted.insert((*heard, number));
                }
            }
        }
    }

    /// Nobody asks for it any more.
    pub fn abandon(&mut self, number: LookUpNumber) -> Abandoned {
        match self.look_ups.get_mut(&number).map(|look_up| &mut look_up.state) {
            None => Abandoned::GoesOn,
            Some(State::Sits { heard, is_wanted, .. }) => {
                *is_wanted = false;
                self.wanted.remove(&(*heard, number));
                self.unwanted.insert((*heard, number));
                Abandoned::GoesOn
            }
            Some(State::Waits | State::WaitsAgain) => {
                self.leave(number);
                Abandoned::Unbegun
            }
        }
    }

    /// It is not silence that it waits for: something came for it.
    pub fn heard(&mut self, number: LookUpNumber, now: Instant) {
        let Some(look_up) = self.look_ups.get_mut(&number) else { return };
        let State::Sits { by, heard, is_wanted, is_silent } = &mut look_up.state else { return };
        if *is_silent {
            if let Some(path) = look_up.askers.get(*by) {
                self.by_asker.break_silence(path, (*heard, number));
            }
            self.by_name.break_silence(&look_up.name, (*heard, number));
        }
        let holders = if *is_wanted { &mut self.wanted } else { &mut self.unwanted };
        holders.remove(&(*heard, number));
        holders.insert((now, number));
        (*heard, *is_silent) = (now, false);
    }

    /// Tells both trees who has heard nothing for [`SILENT_AFTER`].
    fn note_silence(&mut self, now: Instant) {
        let is_silence = |heard: &Instant| now.saturating_duration_since(*heard) >= SILENT_AFTER;
        while let Some(one) = self.wanted.first().copied().filter(|(heard, _)| is_silence(heard)) {
            self.wanted.remove(&one);
            let Some(look_up) = self.look_ups.get_mut(&one.1) else { continue };
            let State::Sits { by, is_silent, .. } = &mut look_up.state else { continue };
            *is_silent = true;
            self.in_vain = None;
            if let Some(path) = look_up.askers.get(*by) {
                self.by_asker.fall_silent(path, one);
            }
            self.by_name.fall_silent(&look_up.name, one);
        }
    }

    /// It has ended, or waits no more.
    pub fn leave(&mut self, number: LookUpNumber) {
        let Some(look_up) = self.look_ups.remove(&number) else { return };
        match look_up.state {
            State::Waits => {
                look_up.askers.iter().for_each(|path| self.by_asker.remove(path, number));
                self.by_name.remove(&look_up.name, number);
                self.waiting -= 1;
            }
            State::WaitsAgain => {
                self.again.retain(|one| *one != number);
                self.waiting -= 1;
            }
            State::Sits { by, heard, .. } => {
                self.wanted.remove(&(heard, number));
                self.unwanted.remove(&(heard, number));
                self.release(number, &look_up, by);
                self.free += 1;
            }
        }
    }

    /// Gives a seat to whose turn it is, if there is one for him.
    pub fn next(&mut self, now: Instant) -> Option<Turn> {
        if self.free > 0 {
            let newcomer = self.candidate(self.next_by);
            let begins = newcomer.or_else(|| self.again.pop_front())?;
            self.sit(begins, now);
            return Some(Turn { begins, instead_of: None });
        }
        if self.gives_up == GivesUp::Never {
            return None;
        }
        let (begins, loser) = if let Some((_, unwanted)) = self.unwanted.first().copied() {
            (self.candidate(self.next_by).or_else(|| self.again.pop_front())?, unwanted)
        } else {
            self.note_silence(now);
            let newcomers = [self.candidate(self.next_by)?, self.candidate(self.next_by.other())?];
            if self.in_vain == Some(newcomers) {
                return None;
            }
            self.in_vain = Some(newcomers);
            let sitters = self.heaviest();
            newcomers.into_iter().find_map(|one| Some((one, self.loser_to(one, &sitters)?)))?
        };
        let loser = self.stand_up(loser);
        self.sit(begins, now);
        Some(Turn { begins, instead_of: Some(loser) })
    }

    /// Whose turn it is by one of the trees; both have the same look-ups.
    fn candidate(&self, tree: Tree) -> Option<LookUpNumber> {
        match tree {
            Tree::ByAsker => self.by_asker.first(),
            Tree::ByName => self.by_name.first(),
        }
    }

    fn sit(&mut self, number: LookUpNumber, now: Instant) {
        let by = match self.look_ups.get(&number) {
            Some(look_up) => self.first_asker(look_up),
            None => return,
        };
        let Some(mut look_up) = self.look_ups.remove(&number) else { return };
        if !matches!(look_up.state, State::Sits { .. }) {
            self.waiting -= 1;
        }
        self.next_by = self.next_by.other();
        self.take(number, &look_up, by);
        self.free = self.free.saturating_sub(1);
        self.wanted.insert((now, number));
        look_up.state = State::Sits { by, heard: now, is_wanted: true, is_silent: false };
        self.look_ups.insert(number, look_up);
    }

    fn stand_up(&mut self, number: LookUpNumber) -> Loser {
        let wanted = self.look_ups.get(&number).filter(|look_up| look_up.is_wanted());
        let again = wanted.map(|look_up| LookUp {
            askers: look_up.askers.clone(),
            name: look_up.name.clone(),
            has_given_way: true,
            state: State::WaitsAgain,
        });
        let had_given_way = wanted.is_some_and(|look_up| look_up.has_given_way);
        self.leave(number);
        let Some(look_up) = again else { return Loser::Gone(number) };
        if had_given_way {
            self.waiting += 1;
            self.again.push_back(number);
            self.look_ups.insert(number, look_up);
        } else {
            self.moment += 1;
            self.push(number, look_up);
        }
        Loser::Waits(number)
    }

    /// Of those who ask for it, the one that holds fewest seats.
    fn first_asker(&self, look_up: &LookUp) -> usize {
        let held = |path: &Path| self.by_asker.held_along(path);
        let least = look_up.askers.iter().enumerate().min_by_key(|(_, path)| held(path));
        least.map_or(0, |(by, _)| by)
    }

    /// Those who may have to give up their seats: the heaviest in either tree.
    fn heaviest(&self) -> Vec<(LookUpNumber, Standing<'_>)> {
        let mut numbers = Vec::with_capacity(2 * SEATS_WEIGHED);
        self.by_asker.add_heaviest(SEATS_WEIGHED, &mut numbers);
        self.by_name.add_heaviest(2 * SEATS_WEIGHED, &mut numbers);
        numbers.into_iter().filter_map(|number| Some((number, self.sitter(number)?))).collect()
    }

    /// Who of these gives up his seat to that one: of those who weigh enough the one that weighs most.
    fn loser_to(
        &self,
        newcomer: LookUpNumber,
        sitters: &[(LookUpNumber, Standing<'_>)],
    ) -> Option<LookUpNumber> {
        let newcomer = self.look_ups.get(&newcomer)?;
        let asker = newcomer.askers.get(self.first_asker(newcomer))?;
        let newcomer = Standing { asker, name: &newcomer.name, is_silent: false };
        let enough = sitters.iter().filter(|(_, one)| self.gives_way_to(one, &newcomer));
        let loser =
            enough.reduce(|loser, one| if self.gives_way_before(&one.1, &loser.1) { one } else { loser });
        loser.map(|(number, _)| *number)
    }

    fn sitter(&self, number: LookUpNumber) -> Option<Standing<'_>> {
        let look_up = self.look_ups.get(&number)?;
        let State::Sits { by, is_silent, .. } = look_up.state else { return None };
        Some(Standing { asker: look_up.askers.get(by)?, name: &look_up.name, is_silent })
    }

    /// Whether the one that sits weighs more than the newcomer would with its seat; or as much, if it is silent.
    fn gives_way_to(&self, sitter: &Standing<'_>, newcomer: &Standing<'_>) -> bool {
        let (by_asker, by_name) = self.held_apart(sitter, newcomer);
        let with_it = |held: Held| if held.is_apart { held.other + 1 } else { held.other };
        let (weight, newcomers) = (by_asker.one * by_name.one, with_it(by_asker) * with_it(by_name));
        weight > newcomers || sitter.is_silent && weight == newcomers
    }

    /// Whether it weighs more than the other that sits; one that is silent gives way before one that is not and weighs up to twice as much.
    fn gives_way_before(&self, one: &Standing<'_>, other: &Standing<'_>) -> bool {
        let (by_asker, by_name) = self.held_apart(one, other);
        let (one_weighs, other_weighs) = (by_asker.one * by_name.one, by_asker.other * by_name.other);
        match (one.is_silent, other.is_silent) {
            (true, false) => 2 * one_weighs >= other_weighs,
            (false, true) => one_weighs > 2 * other_weighs,
            _ => one_weighs > other_weighs,
        }
    }

    fn held_apart(&self, one: &Standing<'_>, other: &Standing<'_>) -> (Held, Held) {
        (self.by_asker.held_apart(one.asker, other.asker), self.by_name.held_apart(one.name, other.name))
    }

    fn take(&mut self, number: LookUpNumber, look_up: &LookUp, by: usize) {
        self.moment += 1;
        self.in_vain = None;
        for (at, path) in look_up.askers.iter().enumerate() {
            match at == by {
                true => self.by_asker.take(path, number, self.moment),
                false => self.by_asker.remove(path, number),
            }
        }
        self.by_name.take(&look_up.name, number, self.moment);
    }

    fn release(&mut self, number: LookUpNumber, look_up: &LookUp, by: usize) {
        self.in_vain = None;
        if let Some(path) = look_up.askers.get(by) {
            self.by_asker.release(path, number);
        }
        self.by_name.release(&look_up.name, number);
    }
}

impl Tree {
    const fn other(self) -> Self {
        match self {
            Self::ByAsker => Self::ByName,
            Self::ByName => Self::ByAsker,
        }
    }
}

#[cfg(test)]
mod tests;
