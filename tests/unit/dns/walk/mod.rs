//! The walk from the trust anchor to the verdict: every rule, every deception it resists, and recorded replies.
#![expect(clippy::as_conversions, reason = "figures of tests")]

mod auditor;
pub(in crate::dns) mod scene;

mod answers;
mod attacker;
mod budget;
mod chain;
mod proof;
mod recorded;
mod root_keys;
mod scope;
mod shared;
mod wild;
