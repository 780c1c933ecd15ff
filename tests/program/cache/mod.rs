//! `cache`: what operators see of it, carry from host to host, and fetch again; and the verdict whatever becomes of its
//! file.

mod carrying;
mod fixture;
mod looking;
mod refreshing;
mod whole;
