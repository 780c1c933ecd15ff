use super::*;
use crate::limits::MAX_LOOK_UPS;
use crate::serve::seats::asker::Peer;
use proptest::prelude::*;
use std::collections::BTreeMap;
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
        self.seats.wait(self.arrived, &[by], Some(&domain(about)));
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
fn who_is_silent_gives_up_his_seat_before_somebody_who_is_heard_of_and_weighs_half_as_much_again() {
    let mut bench = Bench::new(10);
    for n in 1..=10 {
        bench.arrives(asker(if n <= 6 { 1 } else { 2 }, n), &format!("d{n}.test"));
    }
    bench.seat_all();
    bench.now += SILENT_AFTER;
    (1..=6).for_each(|number| bench.seats.heard(number, bench.now));
    let late = bench.arrives(asker(3, 1), "late.test");
    let turn = bench.seats.next(bench.now).unwrap();
    assert_eq!(turn.begins, late);
    assert!(matches!(turn.instead_of, Some(Loser::Waits(7..=10))), "{turn:?}");
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
fn what_gave_up_its_seat_has_one_more_turn_among_the_others_and_then_waits_for_a_free_seat() {
    let mut bench = Bench::new(1);
    let [one, two] = [1, 2].map(|n| bench.arrives(asker(1, n), &format!("d{n}.test")));
    let mut loses_to = |begins, instead_of| {
        assert_eq!(bench.seat_all(), [Turn { begins, instead_of }]);
        bench.now += SILENT_AFTER;
    };
    loses_to(one, None);
    loses_to(two, Some(Loser::Waits(one)));
    loses_to(one, Some(Loser::Waits(two)));
    loses_to(two, Some(Loser::Waits(one)));
    assert_eq!(bench.seat_all(), [], "the first one has had its two turns");
    let three = bench.arrives(asker(1, 3), "d3.test");
    assert_eq!(bench.seat_all(), [Turn { begins: three, instead_of: Some(Loser::Waits(two)) }]);
    bench.seats.leave(three);
    assert_eq!(bench.seat_all(), [Turn { begins: one, instead_of: None }]);
}

#[test]
fn what_is_silent_for_ever_gives_up_its_seat_to_each_other_one_twice_at_most() {
    let mut bench = Bench::new(5);
    for n in 0..50 {
        bench.arrives(asker(1, n % 7), &format!("d{n}.o{}.test", n % 3));
    }
    let mut displaced = 0;
    for _ in 0..200 {
        displaced += bench.seat_all().iter().filter(|turn| turn.instead_of.is_some()).count();
        bench.now += SILENT_AFTER;
    }
    assert!((45..=100).contains(&displaced), "{displaced}");
    assert_eq!(bench.seat_all(), []);
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
    seats.wait(1, &[asker(1, 1)], Some(&domain("a.test")));
    assert!(seats.next(now).is_some());
    seats.abandon(1);
    seats.wait(2, &[asker(2, 2)], Some(&domain("b.test")));
    assert_eq!(seats.next(now + 10 * SILENT_AFTER), None);
}

type Crowd = fn(u64) -> (Asker, String);

/// A storm of thirteen seconds in virtual time.
struct Storm {
    who: Crowd,
    /// So many of its questions are always out, each asked anew when its asker gives it up after four seconds; each holds a seat until then.
    questions: usize,
    /// So often a look-up hears something that only just is no silence.
    hears: Option<Duration>,
    seats: usize,
    /// What the others need, and how often they hear something, in milliseconds.
    honest: (u64, u64),
}

impl Storm {
    const fn of_silent_ones(who: Crowd, questions: usize) -> Self {
        Self { who, questions, hears: None, seats: MAX_LOOK_UPS, honest: (100, 100) }
    }

    const fn of_slow_ones(who: Crowd, questions: usize) -> Self {
        let hears = Some(SILENT_AFTER.saturating_sub(MILLISECOND));
        Self { hears, ..Self::of_silent_ones(who, questions) }
    }

    /// Ten times a second somebody else asks, and has his answer at the first try. Returns the longest time that one of these waits, in milliseconds.
    fn longest_wait_beside_it(&self, honest: Crowd) -> u64 {
        let mut bench = Bench::new(self.seats);
        let start = bench.now;
        let (mut storm, mut hears) = (VecDeque::new(), VecDeque::new());
        let (mut waits, mut sits) = (BTreeMap::new(), VecDeque::new());
        let (mut asked, mut longest) = (0, 0);
        for millisecond in 0..13_000_u64 {
            bench.now = start + Duration::from_millis(millisecond);
            while storm.front().is_some_and(|(end, _)| *end <= millisecond) {
                let (_, number) = storm.pop_front().unwrap();
                bench.seats.abandon(number);
            }
            while storm.len() < self.questions && storm.len() < usize::try_from(millisecond).unwrap() * 5 {
                let (by, about) = (self.who)(asked);
                asked += 1;
                storm.push_back((millisecond + 4_000, bench.arrives(by, &about)));
            }
            if millisecond > 5_000 && millisecond % 100 == 0 {
                let (by, about) = honest(millisecond);
                waits.insert(bench.arrives(by, &about), millisecond);
            }
            while sits.front().is_some_and(|(end, _)| *end <= millisecond) {
                bench.seats.leave(sits.pop_front().unwrap().1);
            }
            for (end, number) in &sits {
                if (end - millisecond) % self.honest.1 == 0 {
                    bench.seats.heard(*number, bench.now);
                }
            }
            while let Some((_, number)) = hears.pop_front_if(|(at, _)| *at <= bench.now) {
                if bench
                    .seats
                    .look_ups
                    .get(&number)
                    .is_some_and(|one| matches!(one.state, State::Sits { .. }))
                {
                    bench.seats.heard(number, bench.now);
                    hears.extend(self.hears.map(|pause| (bench.now + pause, number)));
                }
            }
            // In a thousandth of a second as many begin as may come in it.
            for _ in 0..5 {
                let Some(turn) = bench.seats.next(bench.now) else { break };
                match waits.remove(&turn.begins) {
                    Some(since) => {
                        longest = longest.max(millisecond - since);
                        sits.push_back((millisecond + self.honest.0, turn.begins));
                    }
                    None => hears.extend(self.hears.map(|pause| (bench.now + pause, turn.begins))),
                }
                let is_honest = |number| sits.iter().any(|(_, sits)| *sits == number);
                let loser = turn.instead_of.map(|(Loser::Waits(number) | Loser::Gone(number))| number);
                assert!(!loser.is_some_and(is_honest), "{turn:?} beside {:?}", (self.who)(0));
            }
        }
        waits.values().map(|since| 13_000 - since).chain([longest]).max().unwrap()
    }
}

/// Pipes of one user, with names that have nothing in common.
const PIPES: Crowd = |n| (asker(1, n % 160), format!("silent{n}.test"));
/// The same, with more seats than pipes, as beside 160 of them in a daemon.
const FEW_PIPES: Crowd = |n| (asker(1, n % 50), format!("silent{n}.test"));
/// His deliveries, with names of one zone.
const ONE_ZONE: Crowd = |n| (asker(1, n), format!("n{n}.silent.test"));
/// His deliveries, with names that have nothing in common.
const EQUALS: Crowd = |n| (asker(1, n), format!("silent{n}.test"));
/// A delivery of the same user.
const ONE_MORE: Crowd = |n| (asker(1, 1_000_000 + n), format!("honest{n}.test"));
/// A delivery of another one.
const ANOTHER_USER: Crowd = |n| (asker(2, n), format!("honest{n}.test"));

#[test]
fn beside_five_thousand_silent_or_slow_ones_nobody_else_waits_for_more_than_a_moment() {
    for (who, honest) in [(ONE_ZONE, ONE_MORE), (PIPES, ONE_MORE), (EQUALS, ANOTHER_USER)] {
        for storm in [Storm::of_silent_ones(who, 5_000), Storm::of_slow_ones(who, 5_000)] {
            let longest = storm.longest_wait_beside_it(honest);
            assert!(longest <= 3, "{longest} ms, {:?}, {:?}", who(0), storm.hears);
        }
    }
}

/// One of another user about the same zone.
const SAME_ZONE: Crowd = |n| (asker(2, n), format!("honest{n}.silent.test"));
/// Some others ask about that zone, too.
const ONE_ZONE_OF_TWO_USERS: Crowd =
    |n| (asker(if n.is_multiple_of(1_000) { 3 } else { 1 }, n), format!("n{n}.silent.test"));

/// As with a resolver that needs 600 ms for each step, or asks a second name server after the first one's silence.
#[test]
fn whoever_is_alone_in_one_of_the_two_ways_keeps_his_seat_beside_silent_ones_however_slow_he_is() {
    for (what, who, honest) in [
        ("neither asker nor owner", ONE_ZONE, ANOTHER_USER),
        ("neither, names of their own", EQUALS, ANOTHER_USER),
        ("the user, and no connection", FEW_PIPES, ONE_MORE),
        ("the user", ONE_ZONE, ONE_MORE),
        ("the user, who is not alone", ONE_ZONE_OF_TWO_USERS, ONE_MORE),
        ("the owner", ONE_ZONE, SAME_ZONE),
    ] {
        for slow in [(3_000, 600), (3_800, 1_900)] {
            let storm = Storm { honest: slow, seats: 160, ..Storm::of_silent_ones(who, 800) };
            let longest = storm.longest_wait_beside_it(honest);
            assert!(longest <= 3, "they share {what}: {longest} ms, {slow:?}");
        }
    }
}

/// What remains: a crowd of deliveries by the same user, with a name each that has nothing in common with any other.
#[test]
fn silent_ones_whom_nothing_tells_apart_from_whoever_comes_give_up_their_seats_one_after_the_other() {
    for (questions, beside_silent_ones, beside_slow_ones) in
        [(1_000, 3, 3), (1_024, 500, 4_000), (2_048, 1_000, 4_000), (4_096, 2_000, 4_000)]
    {
        let longest = Storm::of_silent_ones(EQUALS, questions).longest_wait_beside_it(ONE_MORE);
        assert!(longest <= beside_silent_ones, "beside {questions} silent ones: {longest} ms");
        // Until their askers' time is up.
        let longest = Storm::of_slow_ones(EQUALS, questions).longest_wait_beside_it(ONE_MORE);
        assert!(longest <= beside_slow_ones, "beside {questions} slow ones: {longest} ms");
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
                0..=2 => bench.seats.wait(number, &[asker(user, connection)], Some(&domain(&format!("d{connection}.u{user}.test")))),
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
