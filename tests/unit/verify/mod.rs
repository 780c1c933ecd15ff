//! The pipeline from a question to its verdict: over a network that is made up, and in the laboratory at other times.

mod answer_orders;
mod dane;
mod event_orders;
mod event_orders_mta_sts;
mod pipeline;
mod sizes;
mod time;
