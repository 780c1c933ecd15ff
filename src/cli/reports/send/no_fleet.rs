//! A program that was built without the feature `fleet`: no host has one.

use crate::cache::{Counts, Origin, Outbox};
use crate::cli::failure::Failure;
use crate::cli::reports::outside::Outside;
use crate::name::PolicyDomain;
use crate::reporting::outbox::OutboxEntry;
use crate::reports::tally::{Day, Row};
use std::convert::Infallible;
use std::marker::PhantomData;

/// There is none.
pub(super) struct Part<'a>(Infallible, PhantomData<&'a ()>);

/// A report that this host has to send for its fleet.
pub(super) struct Claim {
    pub(super) part: u8,
}

/// Whose report an entry of the outbox is.
pub(super) enum Whose {
    Own,
    #[expect(dead_code, reason = "no report is a fleet's")]
    Fleets(Claim),
    #[expect(dead_code, reason = "no report waits for a fleet")]
    Waits(String),
    Nobodys(&'static str),
}

impl<'a> Part<'a> {
    pub(super) async fn of(_outside: &'a Outside) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(super) async fn hand_in(
        &mut self,
        _outbox: &Outbox,
        _counts: &Counts,
        _days: &[Day],
    ) -> Result<Vec<(Day, Vec<PolicyDomain>)>, Failure> {
        match self.0 {}
    }

    pub(super) async fn claim(&mut self, _outbox: &Outbox) -> Result<bool, Failure> {
        match self.0 {}
    }

    pub(super) const fn may_have_more(&self) -> bool {
        match self.0 {}
    }

    pub(super) const fn is_connected(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn whose(&self, _entry: &OutboxEntry, _origin: Option<&Origin>) -> Whose {
        match self.0 {}
    }

    pub(super) async fn counted(&mut self, _claim: &Claim) -> Result<Vec<(Row, u64)>, &'static str> {
        match self.0 {}
    }

    pub(super) fn is_over(&mut self, _entry: &OutboxEntry, _part: u8) {
        match self.0 {}
    }

    pub(super) async fn settle(&mut self) {
        match self.0 {}
    }

    pub(super) fn suffix(&self) -> String {
        match self.0 {}
    }
}
