//! The policy fetch against servers that are anything: right, wrong, slow, endless, hostile. All on loopback.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

mod addresses;
mod certificates;
mod limits;
mod replies;
mod requests;
mod roots;
mod site;
