//! What those who watch machines are told: one line for Nagios, series for Prometheus, rules and a board for both.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

mod daemon;
mod nagios;
mod prometheus;
mod rules;
mod scene;
