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
//! **A seat is given up** for a look-up that never had one, by
//! - the one that nobody waits for any more (its askers had their deadline, or left), if there is one,
//! - else the one that has heard nothing for longest, if that is [`SILENT_AFTER`], longer than the way to any server and back,
//! - else one of the branch that holds most, if that is at least two more than the newcomer's, where their branches part.
//!
//! It begins anew, if somebody asks for it, when a seat is free and nobody waits who never had one: so each look-up takes at most one
//! seat from another, and nobody's work is undone without end. As long as there is a free seat nothing of this matters.
//!
//! A look-up that several ask for stands in the tree under each of them, and goes with the one whose turn comes first.
//!
//! **Name servers are no third tree.** Names that have nothing else in common may have the same silent name servers, but nobody here
//! can know that: the program asks a resolver, which tells it no name servers with an answer, and has nothing to tell of a zone that is silent.
//! The rule of silence does what such a tree would do, whosever the servers are. Those that answer at the last moment are met by the
//! two trees alone.
//!
//! **What remains** is a crowd that nothing tells apart from whoever comes: as many connections of the same peer as there are seats,
//! or more, each with a name that has nothing in common with any other. If these are silent, each seat has two turns a second, and whoever
//! comes behind 4,096 of them, as many as may wait, has his after two seconds at most. If each hears something just before it
//! counts as silent, he waits until the time of their askers is up, which is as long as his own, and may be told to try again later. Beside
//! fewer than there are seats nobody waits, nor does anybody whom one of the trees tells apart.

pub mod asker;
mod branch;

pub mod interests;
pub mod queue;

use self::asker::Asker;
use self::branch::{Branch, Path, asker_path, name_path};
use crate::limits::{MAX_ASKERS_OF_PEER, SILENT_AFTER};
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
    /// Who holds a seat that somebody waits for, by when it heard something last.
    wanted: BTreeSet<(Instant, LookUpNumber)>,
    /// Who holds a seat that nobody waits for.
    unwanted: BTreeSet<(Instant, LookUpNumber)>,
    /// Whose turn it is.
    next_by: Tree,
    /// Who had a seat and gave it up.
    again: VecDeque<LookUpNumber>,
    waiting: usize,
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
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In both trees.
    Waits,
    /// It had a seat, and waits for a free one.
    WaitsAgain,
    Sits {
        /// Which of the askers had the turn.
        by: usize,
        heard: Instant,
        is_wanted: bool,
    },
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
            moment: 0,
        }
    }

    /// How many wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// A look-up waits for a seat from now on.
    pub fn wait(&mut self, number: LookUpNumber, askers: &[Asker], domain: &PolicyDomain) {
        self.leave(number);
        self.moment += 1;
        let (askers, name): (Vec<Path>, Path) = (askers.iter().map(asker_path).collect(), name_path(domain));
        askers.iter().for_each(|path| self.by_asker.push(path, number, self.moment));
        self.by_name.push(&name, number, self.moment);
        self.look_ups.insert(number, LookUp { askers, name, state: State::Waits });
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
                self.by_asker.push(&path, number, self.moment);
                look_up.askers.push(path);
            }
            State::WaitsAgain => {}
            State::Sits { heard, is_wanted, .. } => {
                *is_wanted = true;
                self.unwanted.remove(&(*heard, number));
                self.wanted.insert((*heard, number));
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
        if let Some(LookUp { state: State::Sits { heard, is_wanted, .. }, .. }) =
            self.look_ups.get_mut(&number)
        {
            let holders = if *is_wanted { &mut self.wanted } else { &mut self.unwanted };
            holders.remove(&(*heard, number));
            holders.insert((now, number));
            *heard = now;
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
        let (begins, loser) = match self.idler(now) {
            Some(loser) => (self.candidate(self.next_by)?, loser),
            None => [self.next_by, self.next_by.other()].into_iter().find_map(|tree| {
                let newcomer = self.candidate(tree)?;
                Some((newcomer, self.heaviest_beside(tree, newcomer)?))
            })?,
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
        look_up.state = State::Sits { by, heard: now, is_wanted: true };
        self.look_ups.insert(number, look_up);
    }

    fn stand_up(&mut self, number: LookUpNumber) -> Loser {
        let is_wanted = self.look_ups.get(&number).is_some_and(LookUp::is_wanted);
        let paths = self.look_ups.get(&number).map(|look_up| (look_up.askers.clone(), look_up.name.clone()));
        self.leave(number);
        let Some((askers, name)) = paths.filter(|_| is_wanted) else { return Loser::Gone(number) };
        self.waiting += 1;
        self.again.push_back(number);
        self.look_ups.insert(number, LookUp { askers, name, state: State::WaitsAgain });
        Loser::Waits(number)
    }

    /// Of those who ask for it, the one that holds fewest seats.
    fn first_asker(&self, look_up: &LookUp) -> usize {
        let held = |path: &Path| self.by_asker.held_along(path);
        let least = look_up.askers.iter().enumerate().min_by_key(|(_, path)| held(path));
        least.map_or(0, |(by, _)| by)
    }

    /// The one that nobody waits for, or that is silent.
    fn idler(&self, now: Instant) -> Option<LookUpNumber> {
        let silent =
            self.wanted.first().filter(|(heard, _)| now.saturating_duration_since(*heard) >= SILENT_AFTER);
        self.unwanted.first().or(silent).map(|(_, number)| *number)
    }

    /// One of the branch that holds most, where that is at least two more than the newcomer's holds.
    fn heaviest_beside(&self, tree: Tree, newcomer: LookUpNumber) -> Option<LookUpNumber> {
        let newcomer = self.look_ups.get(&newcomer)?;
        match tree {
            Tree::ByAsker => self.by_asker.heaviest_beside(newcomer.askers.get(self.first_asker(newcomer))?),
            Tree::ByName => self.by_name.heaviest_beside(&newcomer.name),
        }
    }

    fn take(&mut self, number: LookUpNumber, look_up: &LookUp, by: usize) {
        self.moment += 1;
        for (at, path) in look_up.askers.iter().enumerate() {
            match at == by {
                true => self.by_asker.take(path, number, self.moment),
                false => self.by_asker.remove(path, number),
            }
        }
        self.by_name.take(&look_up.name, number, self.moment);
    }

    fn release(&mut self, number: LookUpNumber, look_up: &LookUp, by: usize) {
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
