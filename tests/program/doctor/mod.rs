//! The doctor as an operator meets it: the real program, real name servers, and an Exim that says what it is told to.

mod child;
mod clock;
mod exim;
mod hostile;
pub(crate) mod patient;
mod servers;
mod world;
