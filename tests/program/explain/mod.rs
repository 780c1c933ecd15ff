//! `explain`: what it says is what a delivery meets, it changes nothing, and its JSON is what its schema says.

mod dry_run;
mod fixture;
mod mx_records;
mod past;
mod schema;
