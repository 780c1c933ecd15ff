//! The inside of the daemon, over a network that is made up: what engine, desk and store do for whoever asks, whatever the
//! world does to them.

mod deadlines;
mod files;
mod lanes;
mod reloading;
mod renewing;
mod scene;
mod standing;
