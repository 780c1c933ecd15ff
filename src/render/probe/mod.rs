//! What MX hosts show, one file an audience: [`human`] for people, [`json`] for programs.

pub mod human;
pub mod json;
