//! The texts of other programs, read into types: pure, and safe whatever the text.

pub mod dkim;
pub mod exim;
pub mod postfix;
