//! The texts that domains publish: the vectors of others, and the grammars of the RFCs.

mod grammar;
mod vectors;
