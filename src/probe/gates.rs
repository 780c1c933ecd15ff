//! Never more than a few connections at once to one address, however many domains have their mail there.

use crate::limits::MAX_CONNECTIONS_PER_ADDRESS;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The gates of all addresses to which somebody is going now; there is none for any other, so that they do not become
/// more with the domains.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<BTreeMap<IpAddr, Arc<Semaphore>>>);

impl Gates {
    /// Waits until somebody may connect to the address, which lasts as long as the pass is kept.
    pub(super) async fn pass(&self, address: IpAddr) -> Pass<'_> {
        // There before the wait, so that the gate goes also with one who waits no longer.
        let mut pass = Pass { gates: self, address, permit: None };
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let gate =
                gates.entry(address).or_insert_with(|| Arc::new(Semaphore::new(MAX_CONNECTIONS_PER_ADDRESS)));
            Arc::clone(gate)
        };
        // Nobody closes a gate.
        pass.permit = gate.acquire_owned().await.ok();
        pass
    }
}

/// Leave to connect to an address.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gates: &'a Gates,
    address: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut gates = self.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One who waits or has passed holds the gate as well.
        if gates.get(&self.address).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    fn kept(gates: &Gates) -> usize {
        gates.0.lock().unwrap().len()
    }

    #[test]
    fn only_so_many_pass_at_once_to_one_address_and_nobody_waits_for_another_one() {
        let gates = Gates::default();
        let mut passed: Vec<_> =
            (0..MAX_CONNECTIONS_PER_ADDRESS).map(|_| gates.pass(HERE).now_or_never().unwrap()).collect();
        assert!(gates.pass(HERE).now_or_never().is_none(), "the gate is shut");
        assert!(gates.pass(THERE).now_or_never().is_some());
        passed.pop();
        assert!(gates.pass(HERE).now_or_never().is_some(), "and opens behind each who leaves");
    }

    #[test]
    fn nothing_is_kept_of_an_address_that_nobody_goes_to() {
        let gates = Gates::default();
        let first: Vec<_> =
            (0..MAX_CONNECTIONS_PER_ADDRESS).map(|_| gates.pass(HERE).now_or_never()).collect();
        assert!(gates.pass(HERE).now_or_never().is_none(), "one who gives up waiting");
        assert_eq!(kept(&gates), 1);
        drop(first);
        assert_eq!(kept(&gates), 0);
    }
}
