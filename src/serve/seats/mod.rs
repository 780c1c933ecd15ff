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

pub mod asker;
mod branch;
pub mod gate;
pub mod interests;

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
    /// As told above.
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
            State::Waits => self.unqueue(number, &look_up),
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
        match look_up.state {
            State::Waits => self.unqueue(number, &look_up),
            State::WaitsAgain => self.waiting -= 1,
            State::Sits { .. } => {}
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

    fn unqueue(&mut self, number: LookUpNumber, look_up: &LookUp) {
        look_up.askers.iter().for_each(|path| self.by_asker.remove(path, number));
        self.by_name.remove(&look_up.name, number);
        self.waiting -= 1;
    }

    fn take(&mut self, number: LookUpNumber, look_up: &LookUp, by: usize) {
        self.moment += 1;
        if let Some(path) = look_up.askers.get(by) {
            self.by_asker.take(path, number, self.moment);
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
mod tests {
    use super::*;
    use crate::serve::seats::asker::Peer;
    use proptest::prelude::*;
    use std::time::Duration;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn domain(text: &str) -> PolicyDomain {
        PolicyDomain::parse(text).unwrap()
    }

    fn asker(user: u32, connection: u64) -> Asker {
        Asker { peer: Peer { place: 0, user: Some(user) }, connection }
    }

    /// Seats on a bench: whoever waits has the number of its arrival.
    struct Bench {
        seats: Seats,
        now: Instant,
        arrived: u64,
    }

    impl Bench {
        fn new(seats: usize) -> Self {
            Self { seats: Seats::new(seats, GivesUp::ForOthers), now: Instant::now(), arrived: 0 }
        }

        fn arrives(&mut self, by: Asker, about: &str) -> LookUpNumber {
            self.arrived += 1;
            self.seats.wait(self.arrived, &[by], &domain(about));
            self.arrived
        }

        /// How many turns others have before that one has his; `None` if he has none.
        fn turns_until(&mut self, number: LookUpNumber) -> Option<usize> {
            let mut turns = 0;
            loop {
                match self.seats.next(self.now)?.begins {
                    begins if begins == number => return Some(turns),
                    // It ends at once, and its seat is free.
                    begins => self.seats.leave(begins),
                }
                turns += 1;
            }
        }

        fn seat_all(&mut self) -> Vec<Turn> {
            std::iter::from_fn(|| self.seats.next(self.now)).collect()
        }
    }

    /// Who comes behind five thousand others, whoever and whatever these are.
    #[test]
    fn whoever_is_alone_in_one_of_the_two_ways_has_his_turn_next_or_after_it() {
        type Crowd = fn(u64) -> (Asker, String);
        let cases: [(&str, Crowd, Asker, &str); 7] = [
            (
                "names below one zone, in three pipes",
                |n| (asker(1, n % 3), format!("n{n}.silent.test")),
                asker(1, 9),
                "honest.test",
            ),
            (
                "the same by as many deliveries",
                |n| (asker(1, n), format!("n{n}.silent.test")),
                asker(1, 9_999),
                "honest.test",
            ),
            (
                "the same, deep below it",
                |n| (asker(1, n), format!("a.b{n}.c.d.e.f.silent.test")),
                asker(1, 9_999),
                "honest.test",
            ),
            (
                "a neighbour below a suffix",
                |n| (asker(1, n), format!("n{n}.evil.co.uk")),
                asker(1, 9_999),
                "honest.co.uk",
            ),
            (
                "a name of each in pipes",
                |n| (asker(1, n % 160), format!("silent{n}.test")),
                asker(1, 9_999),
                "honest.test",
            ),
            (
                "a user's connections, a name of each",
                |n| (asker(1, n), format!("silent{n}.test")),
                asker(2, 9_999),
                "honest.test",
            ),
            (
                "a port's connections",
                |n| (Asker { peer: Peer { place: 1, user: None }, connection: n }, format!("silent{n}.test")),
                asker(0, 9_999),
                "silent1.test",
            ),
        ];
        for (what, crowd, honest, about) in cases {
            for held in [0, 200] {
                let mut bench = Bench::new(200);
                for number in 0..5_000 {
                    let (by, about) = crowd(number);
                    bench.arrives(by, &about);
                }
                // Each had a turn; so many of them hang.
                for number in 0..600 {
                    let Turn { begins, .. } = bench.seats.next(bench.now).unwrap();
                    if number < 600 - held {
                        bench.seats.leave(begins);
                    }
                }
                let honest = bench.arrives(honest, about);
                let turns = bench.turns_until(honest);
                assert!(turns.is_some_and(|turns| turns <= 2), "{what}, {held}: {turns:?}");
            }
        }
    }

    #[test]
    fn equals_have_their_turns_in_the_order_in_which_they_came() {
        let mut bench = Bench::new(1);
        let arrived: Vec<_> = (0..50).map(|n| bench.arrives(asker(1, n), &format!("d{n}.test"))).collect();
        for number in arrived {
            assert_eq!(bench.seats.next(bench.now), Some(Turn { begins: number, instead_of: None }));
            bench.seats.leave(number);
        }
    }

    #[test]
    fn two_owners_who_ask_for_much_have_a_half_each_however_many_names_they_have() {
        let mut bench = Bench::new(100);
        for n in 0..5_000 {
            bench.arrives(asker(1, n), &format!("n{n}.evil.test"));
        }
        bench.seat_all();
        for n in 0..200 {
            bench.arrives(asker(1, 10_000 + n), &format!("n{n}.good.test"));
        }
        let taken = bench.seat_all();
        assert_eq!(taken.len(), 50, "as many as make it equal");
        let held = |name| bench.seats.by_name.held_along(&name_path(&domain(name)))[1];
        assert_eq!((held("evil.test"), held("good.test")), (50, 50));
    }

    #[test]
    fn a_seat_is_not_given_up_to_an_equal_that_is_heard_of() {
        let mut bench = Bench::new(10);
        for n in 0..10 {
            bench.arrives(asker(1, n), &format!("d{n}.test"));
        }
        assert_eq!(bench.seat_all().len(), 10);
        let late = bench.arrives(asker(1, 99), "late.test");
        bench.now += SILENT_AFTER - MILLISECOND;
        assert_eq!(bench.seat_all(), []);
        // The third has heard something, and the others are silent from now on.
        bench.seats.heard(3, bench.now);
        bench.now += MILLISECOND;
        let turn = bench.seats.next(bench.now).unwrap();
        assert_eq!(turn.begins, late);
        assert!(turn.instead_of.is_some_and(|loser| loser != Loser::Waits(3)), "{turn:?}");
    }

    #[test]
    fn what_nobody_waits_for_gives_up_its_seat_first_and_at_once() {
        let mut bench = Bench::new(3);
        for n in 1..=3 {
            bench.arrives(asker(1, n), &format!("d{n}.test"));
        }
        bench.seat_all();
        assert_eq!(bench.seats.abandon(1), Abandoned::GoesOn);
        assert_eq!(bench.seats.abandon(2), Abandoned::GoesOn);
        // Somebody asks for it again.
        bench.seats.join(1, asker(2, 1));
        let late = bench.arrives(asker(1, 9), "late.test");
        assert_eq!(bench.seat_all(), [Turn { begins: late, instead_of: Some(Loser::Gone(2)) }]);
        bench.arrives(asker(1, 10), "later.test");
        assert_eq!(bench.seat_all(), []);
    }

    #[test]
    fn what_gave_up_its_seat_waits_for_a_free_one_behind_those_who_had_none() {
        let mut bench = Bench::new(2);
        let [one, two] = [1, 2].map(|n| bench.arrives(asker(1, 1), &format!("d{n}.evil.test")));
        bench.seat_all();
        let three = bench.arrives(asker(1, 2), "good.test");
        let [Turn { instead_of: Some(Loser::Waits(loser)), .. }] = bench.seat_all()[..] else {
            panic!("nobody gave way")
        };
        let four = bench.arrives(asker(1, 1), "d4.evil.test");
        assert_eq!(bench.seat_all(), [], "its owner has as many as the other");
        bench.seats.leave(three);
        assert_eq!(bench.seat_all(), [Turn { begins: four, instead_of: None }]);
        bench.seats.leave(four);
        assert_eq!(bench.seat_all(), [Turn { begins: loser, instead_of: None }]);
        assert!([one, two].contains(&loser));
    }

    #[test]
    fn what_several_ask_for_goes_with_the_one_whose_turn_comes_first() {
        let mut bench = Bench::new(1);
        let busy = bench.arrives(asker(1, 1), "busy.evil.test");
        bench.seat_all();
        for n in 0..1_000 {
            bench.arrives(asker(1, 1), &format!("n{n}.evil.test"));
        }
        // Whoever has the pipe asks for what others want, so that it waits behind his own.
        let wanted = bench.arrives(asker(1, 1), "m.evil.test");
        bench.seats.join(wanted, asker(2, 2));
        bench.seats.leave(busy);
        let turns = bench.turns_until(wanted);
        assert!(turns.is_some_and(|turns| turns <= 1), "{turns:?}");
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_not_begun() {
        let mut bench = Bench::new(1);
        let numbers: Vec<_> = (0..5).map(|n| bench.arrives(asker(1, n), &format!("d{n}.test"))).collect();
        for number in &numbers[..4] {
            assert_eq!(bench.seats.abandon(*number), Abandoned::Unbegun);
        }
        assert_eq!(bench.seat_all(), [Turn { begins: numbers[4], instead_of: None }]);
        assert_eq!(bench.seats.waiting(), 0);
    }

    #[test]
    fn seats_that_are_kept_are_given_up_to_nobody() {
        let (mut seats, now) = (Seats::new(1, GivesUp::Never), Instant::now());
        seats.wait(1, &[asker(1, 1)], &domain("a.test"));
        assert!(seats.next(now).is_some());
        seats.abandon(1);
        seats.wait(2, &[asker(2, 2)], &domain("b.test"));
        assert_eq!(seats.next(now + 10 * SILENT_AFTER), None);
    }

    /// A storm of nine seconds in virtual time: so many silent questions of one crowd are always out, each asked anew when its
    /// asker gives it up after four seconds; each holds a seat until then. Ten times a second somebody else asks, and needs 100 ms.
    /// Returns the longest time that one of these waits, in milliseconds.
    fn longest_wait_beside(crowd: fn(u64) -> (Asker, String), honest: fn(u64) -> (Asker, String)) -> u64 {
        let mut bench = Bench::new(1_024);
        let start = bench.now;
        let (mut silent, mut waits, mut sits) = (VecDeque::new(), HashMap::new(), VecDeque::new());
        let (mut asked, mut longest) = (0, 0);
        for millisecond in 0..9_000_u64 {
            bench.now = start + Duration::from_millis(millisecond);
            while silent.front().is_some_and(|(end, _)| *end <= millisecond) {
                let (_, number) = silent.pop_front().unwrap();
                bench.seats.abandon(number);
            }
            // A thousandth of a second is enough to begin one or two.
            while silent.len() < 5_000 && silent.len() < usize::try_from(millisecond).unwrap() * 5 {
                let (by, about) = crowd(asked);
                asked += 1;
                silent.push_back((millisecond + 4_000, bench.arrives(by, &about)));
            }
            if millisecond > 5_000 && millisecond % 100 == 0 {
                let (by, about) = honest(millisecond);
                waits.insert(bench.arrives(by, &about), millisecond);
            }
            while sits.front().is_some_and(|(end, _)| *end <= millisecond) {
                bench.seats.leave(sits.pop_front().unwrap().1);
            }
            if let Some(turn) = bench.seats.next(bench.now) {
                if let Some(since) = waits.remove(&turn.begins) {
                    longest = longest.max(millisecond - since);
                    sits.push_back((millisecond + 100, turn.begins));
                }
                let is_honest = |number| sits.iter().any(|(_, sits)| *sits == number);
                let loser = turn.instead_of.map(|(Loser::Waits(number) | Loser::Gone(number))| number);
                assert!(!loser.is_some_and(is_honest), "{turn:?}");
            }
        }
        longest
    }

    #[test]
    fn beside_five_thousand_silent_ones_nobody_else_waits_for_more_than_a_moment() {
        let one_zone = |n: u64| (asker(1, n % 512), format!("n{n}.silent.test"));
        let pipes = |n: u64| (asker(1, n % 160), format!("silent{n}.test"));
        let honest = |n: u64| (asker(1, 10_000 + n), format!("honest{n}.test"));
        for longest in [longest_wait_beside(one_zone, honest), longest_wait_beside(pipes, honest)] {
            assert!(longest <= 3, "{longest} ms");
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_seats_are_neither_lost_nor_made(
            moves in proptest::collection::vec((0..8_u8, 1..40_u64, 0..4_u32, 0..6_u64, 0..1_000_u64), 1..400),
        ) {
            let mut bench = Bench::new(5);
            for (what, number, user, connection, later) in moves {
                bench.now += Duration::from_millis(later);
                match what {
                    0..=2 => bench.seats.wait(number, &[asker(user, connection)], &domain(&format!("d{connection}.u{user}.test"))),
                    3 => bench.seats.join(number, asker(user, connection)),
                    4 => drop(bench.seats.abandon(number)),
                    5 => bench.seats.leave(number),
                    6 => bench.seats.heard(number, bench.now),
                    _ => drop(bench.seats.next(bench.now)),
                }
                let sits = |look_up: &&LookUp| matches!(look_up.state, State::Sits { .. });
                let sitting = bench.seats.look_ups.values().filter(sits).count();
                prop_assert_eq!(sitting + bench.seats.free, 5);
                prop_assert_eq!(sitting + bench.seats.waiting, bench.seats.look_ups.len());
                prop_assert_eq!(bench.seats.by_name.held, sitting);
                prop_assert_eq!(bench.seats.by_asker.held, sitting);
            }
            for number in 0..50 {
                bench.seats.leave(number);
            }
            prop_assert!(bench.seats.by_name.children.is_empty() && bench.seats.by_asker.children.is_empty());
            prop_assert!(bench.seats.by_name.ready.is_empty() && bench.seats.by_asker.ready.is_empty());
            prop_assert!(bench.seats.by_name.holding.is_empty() && bench.seats.by_asker.holding.is_empty());
            prop_assert!(bench.seats.wanted.is_empty() && bench.seats.unwanted.is_empty());
            prop_assert_eq!((bench.seats.free, bench.seats.waiting), (5, 0));
        }
    }
}
