//! Never more than a few connections at once to one address, however many domains have their mail there.

use crate::limits::MAX_CONNECTIONS_PER_ADDRESS;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore for each address with connections or waiters now, and none for any other: their number does not grow with
/// the domains.
#[derive(Debug, Default)]
pub(super) struct AddressLimiter(Mutex<BTreeMap<IpAddr, Arc<Semaphore>>>);

impl AddressLimiter {
    /// Waits until somebody may connect to the address, which lasts as long as the permit is kept.
    pub(super) async fn pass(&self, address: IpAddr) -> AddressPermit<'_> {
        // There before the wait, so that the semaphore is also removed after a wait that is given up.
        let mut pass = AddressPermit { address_limiter: self, address, permit: None };
        let permits = {
            let mut address_limiter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let permits = address_limiter
                .entry(address)
                .or_insert_with(|| Arc::new(Semaphore::new(MAX_CONNECTIONS_PER_ADDRESS)));
            Arc::clone(permits)
        };
        // The semaphore is never closed.
        pass.permit = permits.acquire_owned().await.ok();
        pass
    }
}

/// The permit to connect to an address.
#[derive(Debug)]
pub(super) struct AddressPermit<'a> {
    address_limiter: &'a AddressLimiter,
    address: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for AddressPermit<'_> {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut address_limiter = self.address_limiter.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that wait or are connected hold a reference, too.
        if address_limiter.get(&self.address).is_some_and(|permits| Arc::strong_count(permits) == 1) {
            address_limiter.remove(&self.address);
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

    fn kept(address_limiter: &AddressLimiter) -> usize {
        address_limiter.0.lock().unwrap().len()
    }

    #[test]
    fn only_so_many_pass_at_once_to_one_address_and_nobody_waits_for_another_one() {
        let address_limiter = AddressLimiter::default();
        let mut passed: Vec<_> = (0..MAX_CONNECTIONS_PER_ADDRESS)
            .map(|_| address_limiter.pass(HERE).now_or_never().unwrap())
            .collect();
        assert!(address_limiter.pass(HERE).now_or_never().is_none(), "no permit is left");
        assert!(address_limiter.pass(THERE).now_or_never().is_some());
        passed.pop();
        assert!(address_limiter.pass(HERE).now_or_never().is_some(), "and each that ends returns its permit");
    }

    #[test]
    fn nothing_is_kept_of_an_address_that_nobody_goes_to() {
        let address_limiter = AddressLimiter::default();
        let first: Vec<_> =
            (0..MAX_CONNECTIONS_PER_ADDRESS).map(|_| address_limiter.pass(HERE).now_or_never()).collect();
        assert!(address_limiter.pass(HERE).now_or_never().is_none(), "one who gives up waiting");
        assert_eq!(kept(&address_limiter), 1);
        drop(first);
        assert_eq!(kept(&address_limiter), 0);
    }
}
