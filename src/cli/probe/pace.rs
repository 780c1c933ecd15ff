//! How many domains are begun in a second.

use std::cell::Cell;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Turns at equal intervals; those that nobody took are not made up for.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Cell<Instant>,
}

impl Pace {
    /// So many turns a second, the first one now.
    pub(super) fn of(per_second: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::from_secs(1));
        Self { interval, next: Cell::new(Instant::now()) }
    }

    /// Waits for the next turn.
    pub(super) async fn turn(&self) {
        let turn = self.next.get().max(Instant::now());
        self.next.set(turn.checked_add(self.interval).unwrap_or(turn));
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_one_after_the_other_and_are_not_saved_up() {
        let begun = Instant::now();
        let pace = Pace::of(100);
        for _ in 0..5 {
            pace.turn().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(40), "{:?}", begun.elapsed());
        let last = pace.next.get();
        sleep_until(last + Duration::from_millis(50)).await;
        pace.turn().await;
        assert!(pace.next.get() >= last + Duration::from_millis(60), "no burst follows a pause");
    }
}
