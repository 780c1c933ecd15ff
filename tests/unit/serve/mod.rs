//! The inside of the daemon, over a network that is made up: what engine, lookup worker and store do for whoever asks, whatever the
//! world does to them.

mod deadlines;
mod domain_locks;
mod files;
mod forged;
mod lost;
mod messages;
mod overload;
mod reloading;
mod renewing;
mod scene;
mod silence;
mod standing;
