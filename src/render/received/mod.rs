//! TLS reports of others, for people and for programs. Pure.

pub mod human;
pub mod json;
