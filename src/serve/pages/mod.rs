//! What the daemon tells over HTTP: [`watch`] asks all threads for the [`status`], which [`status_page`] shows to people and [`metrics`]
//! to Prometheus.

mod fleet_page;
pub mod http;
mod markup;
pub mod metrics;
mod reports_page;
pub mod status;
pub mod status_page;
pub mod watch;
