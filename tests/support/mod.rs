//! What the test programs share. Each of them has all of it, and uses a part.
#![allow(dead_code, reason = "none of the test programs uses all of it")]

pub(crate) mod alone;
pub(crate) mod dice;
pub(crate) mod laboratory;
pub(crate) mod life;
pub(crate) mod made_up;
pub(crate) mod ports;
pub(crate) mod program;
pub(crate) mod skipped;
pub(crate) mod strace;
pub(crate) mod turn;
pub(crate) mod users;
