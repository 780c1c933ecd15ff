//! What the daemon tells of its status over HTTP: [`status_page`] to people, [`metrics`] to Prometheus.

mod fleet_page;
mod markup;
pub mod metrics;
mod reports_page;
pub mod status_page;
