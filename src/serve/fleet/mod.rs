//! The daemon's part in a memory that hosts share (`[fleet]`): [`exchange`] hands over what this host has learnt and takes what others
//! have, at a [`pace`] that the database bears, [`outcome`] is what became of it, [`view`] what was seen of the whole for the pages, and [`own_eyes`] is this host's own look at what others say.

#[cfg(feature = "fleet")]
pub(crate) mod exchange;
pub(crate) mod outcome;
#[cfg(feature = "fleet")]
mod overview;
pub(crate) mod own_eyes;
#[cfg(feature = "fleet")]
mod pace;
pub mod view;
