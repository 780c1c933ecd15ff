//! The daemon's part in a memory that hosts share (`[fleet]`): [`exchange`] hands over what this host has learnt and takes what others
//! have, at a [`pace`] that the database bears; it obeys [`decrees`], and has an [`overview`] for the pages.

#[cfg(feature = "fleet")]
mod decrees;
#[cfg(feature = "fleet")]
pub(crate) mod exchange;
#[cfg(feature = "fleet")]
mod overview;
#[cfg(feature = "fleet")]
mod pace;
