//! What those who watch machines are told: one line for Nagios, series for Prometheus, rules and a board for both.

mod daemon;
mod nagios;
mod prometheus;
mod rules;
mod scene;
