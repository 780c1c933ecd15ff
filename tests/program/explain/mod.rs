//! `explain`: what it says is what a delivery meets, it changes nothing, and its JSON is what its schema says.

mod desk;
mod dry_run;
mod past;
mod schema;
