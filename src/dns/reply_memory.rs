//! The memory that the replies of all look-ups of a process take. Each look-up has enough for a usual domain to itself; what goes beyond
//! that is shared, and of it nobody has more than a part, by the owner of the name. So whoever answers at length fills neither the
//! process, nor what others need.

use crate::limits::{
    MAX_REPLY_MEMORY_OF_OWNER, MAX_REPLY_MEMORY_TOGETHER, REPLY_MEMORY_OF_LOOK_UP, REPLY_RECORD_OCTETS,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Octets of memory that a reply takes: its own, and what its records are once they are read.
pub(super) const fn of_reply(octets: usize, records: usize) -> usize {
    octets.saturating_add(records.saturating_mul(REPLY_RECORD_OCTETS))
}

/// What the look-ups of a process share, in octets.
#[derive(Clone, Debug, Default)]
pub struct ReplyMemory(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    /// In use, by all.
    taken: usize,
    /// By whom; whoever has none is not in it.
    owners: HashMap<String, usize>,
}

/// What one look-up has of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Portion {
    memory: ReplyMemory,
    owner: String,
    /// In use by this look-up, with what it has to itself.
    taken: Mutex<usize>,
}

impl ReplyMemory {
    /// For one look-up about a name of that owner.
    pub(super) fn portion(&self, owner: &str) -> Portion {
        Portion { memory: self.clone(), owner: owner.to_owned(), taken: Mutex::new(0) }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Portion {
    /// Takes so much more; false, and nothing is taken, if there is no room for it.
    pub(super) fn take(&self, octets: usize) -> bool {
        let mut taken = self.taken();
        let beyond = shared_of_more(*taken, octets);
        let takes = beyond == 0 || self.memory.shared().take(&self.owner, beyond);
        if takes {
            *taken = taken.saturating_add(octets);
        }
        takes
    }

    /// Whether there is room for so much more now.
    pub(super) fn has_room(&self, octets: usize) -> bool {
        let beyond = shared_of_more(*self.taken(), octets);
        beyond == 0 || self.memory.shared().has_room(&self.owner, beyond)
    }

    fn taken(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        let beyond = shared_of(*self.taken());
        if beyond > 0 {
            self.memory.shared().give_back(&self.owner, beyond);
        }
    }
}

/// The part of it that is not a look-up's own.
const fn shared_of(taken: usize) -> usize {
    taken.saturating_sub(REPLY_MEMORY_OF_LOOK_UP)
}

/// The part of so many octets more that is not its own.
const fn shared_of_more(taken: usize, octets: usize) -> usize {
    shared_of(taken.saturating_add(octets)) - shared_of(taken)
}

impl Shared {
    fn has_room(&self, owner: &str, octets: usize) -> bool {
        let of_owner = self.owners.get(owner).copied().unwrap_or(0);
        of_owner.saturating_add(octets) <= MAX_REPLY_MEMORY_OF_OWNER
            && self.taken.saturating_add(octets) <= MAX_REPLY_MEMORY_TOGETHER
    }

    fn take(&mut self, owner: &str, octets: usize) -> bool {
        let has_room = self.has_room(owner, octets);
        if has_room {
            self.taken += octets;
            *self.owners.entry(owner.to_owned()).or_default() += octets;
        }
        has_room
    }

    fn give_back(&mut self, owner: &str, octets: usize) {
        self.taken = self.taken.saturating_sub(octets);
        if let Some(of_owner) = self.owners.get_mut(owner) {
            *of_owner = of_owner.saturating_sub(octets);
            if *of_owner == 0 {
                self.owners.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many look-ups of an owner as get all that one may take beyond its own.
    fn fill(memory: &ReplyMemory, owner: &str, each: usize) -> Vec<Portion> {
        let takes = |portion: &Portion| portion.take(REPLY_MEMORY_OF_LOOK_UP + each);
        std::iter::repeat_with(|| memory.portion(owner)).take_while(takes).collect()
    }

    #[test]
    fn whatever_others_take_a_usual_look_up_has_what_it_needs() {
        let memory = ReplyMemory::default();
        let each = MAX_REPLY_MEMORY_OF_OWNER;
        let owners = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let full: Vec<Portion> = owners.iter().flat_map(|owner| fill(&memory, owner, each)).collect();
        assert_eq!(full.len(), MAX_REPLY_MEMORY_TOGETHER / each, "one of each owner, until all is taken");
        let honest = memory.portion("honest");
        assert!(honest.take(REPLY_MEMORY_OF_LOOK_UP));
        assert!(!honest.has_room(1) && !honest.take(1), "what is beyond it is shared");
        drop(full);
        assert!(honest.has_room(1) && honest.take(1));
    }

    #[test]
    fn an_owner_of_many_names_has_a_part_of_what_is_shared_and_gives_it_back() {
        let memory = ReplyMemory::default();
        let mebibyte = 1_048_576;
        let held = fill(&memory, "long.example", mebibyte);
        assert_eq!(held.len(), MAX_REPLY_MEMORY_OF_OWNER / mebibyte);
        assert!(memory.portion("other.example").take(REPLY_MEMORY_OF_LOOK_UP + mebibyte));
        drop(held);
        assert!(memory.shared().owners.is_empty() && memory.shared().taken == 0);
        assert_eq!(fill(&memory, "long.example", mebibyte).len(), MAX_REPLY_MEMORY_OF_OWNER / mebibyte);
    }

    #[test]
    fn records_weigh_more_than_their_octets() {
        assert_eq!(of_reply(500, 0), 500);
        assert_eq!(of_reply(500, 3), 500 + 3 * REPLY_RECORD_OCTETS);
    }
}
