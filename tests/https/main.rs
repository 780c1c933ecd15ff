//! The policy fetch against servers that are anything: right, wrong, slow, endless, hostile. All on loopback.

// `cfg(test)` tells clippy that these are tests throughout, functions between the tests included.
#[cfg(test)]
mod addresses;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod site;
